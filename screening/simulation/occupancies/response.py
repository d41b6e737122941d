"""What a portal's panels make of photons: deposited energy, blurred, behind any load, ready to be drawn."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from screening.physics.response import response

from .emission import PHOTON_KEV, Photons, emitted, off_the_ground, through

__all__ = ["MAX_KEV", "NODES_G_CM2", "THRESHOLD_KEV", "PanelResponse", "Table", "panel_response"]

#: Highest channel edge of a simulated spectrum, keV, before the crystal's own gain.
MAX_KEV = 3000.0

#: Areal densities of cargo at which responses are tabulated, g/cm2; between them the logarithm is linear.
NODES_G_CM2 = np.array([0.0, 4.0, 10.0, 20.0, 35.0, 55.0, 80.0, 110.0, 150.0, 200.0, 280.0, 400.0])

#: Walls of a box, or sheet and doors of a cab: 2 mm of steel, g/cm2.
_BODY = ("steel", 1.6)

#: Discriminator: its energy and width (one sigma), keV.
THRESHOLD_KEV: dict[str, tuple[float, float]] = {"rpm": (28.0, 3.0), "srpm": (35.0, 3.0)}

#: Axis of blurred deposits, keV.
_AXIS_KEV = (2.0, 3500.0)

#: Monte Carlo responses of the panels.
_RESPONSE = {"rpm": "pvt-panel", "srpm": "nai-2x4x16"}

#: Axis of deposits before they are blurred, keV.
_DEPOSIT_KEV = np.linspace(np.sqrt(1.0), np.sqrt(3400.0), 901) ** 2


class Table:
    """Deposits of some sources or components, a row each, on the axis of a response.

    Parameters
    ----------
    spectra : ndarray of shape (n_row, n_fine), float64
        Events by blurred deposit, without discriminator; of a source per decay and unit of Omega / 4 pi.
    edges_kev : ndarray of shape (n_fine + 1,), float64
        Axis.

    Attributes
    ----------
    total : ndarray of shape (n_row,), float64
        All events of each row.
    cdf : ndarray of shape (n_row, n_fine + 1), float64
        Running sums, 0 to 1; of an empty row that of an even one.
    """

    def __init__(self, spectra: NDArray[np.float64], edges_kev: NDArray[np.float64]) -> None:
        self.spectra = np.maximum(spectra, 0.0)
        self.edges_kev = edges_kev
        self.total = self.spectra.sum(axis=1)
        summed = np.concatenate([np.zeros((spectra.shape[0], 1)), np.cumsum(self.spectra, axis=1)], axis=1)
        even = np.linspace(0.0, 1.0, summed.shape[1])
        scale = np.where(summed[:, -1:] > 0.0, summed[:, -1:], 1.0)
        self.cdf = np.where(summed[:, -1:] > 0.0, summed / scale, even)
        self._above: dict[float, NDArray[np.float64]] = {}

    def above(self, threshold_kev: float) -> NDArray[np.float64]:
        """Return the events above an energy.

        Parameters
        ----------
        threshold_kev : float
            Energy, keV.

        Returns
        -------
        ndarray of shape (n_row,), float64
            Events of each row.
        """
        if threshold_kev not in self._above:
            if len(self._above) >= 1000:
                self._above.clear()
            edges = self.edges_kev
            k = int(np.searchsorted(edges, threshold_kev)) - 1
            k = min(max(k, 0), edges.size - 2)
            share = min(max((threshold_kev - edges[k]) / (edges[k + 1] - edges[k]), 0.0), 1.0)
            self._above[threshold_kev] = (
                self.spectra[:, k + 1 :].sum(axis=1) + (1.0 - share) * self.spectra[:, k]
            )
        return self._above[threshold_kev]


class PanelResponse:
    """Response of one kind of panel: the Monte Carlo deposits of :mod:`screening.physics.response`, blurred.

    The axis is the energy that the panel's electronics read, on a scale that is right for photon peaks: of a
    NaI log the light's departure from proportion is taken as corrected by the portal's calibration; of
    plastic it is not, and lowers what electrons of little energy give (Birks' law).

    Parameters
    ----------
    portal : {"rpm", "srpm"}
        Plastic panel or NaI log.
    fwhm_662 : float or None
        Relative FWHM at 662 keV; None: that of the panel's kind.
    """

    def __init__(self, portal: str, fwhm_662: float | None) -> None:
        self.portal = portal
        self._model = response(_RESPONSE[portal])
        law = self._model.fwhm_law
        self.law = law if fwhm_662 is None else law._replace(r662=fwhm_662)
        n_fine = int(np.clip(50.0 / self.law.r662, 600, 3000))
        low, high = _AXIS_KEV
        self.edges_kev = np.linspace(np.sqrt(low), np.sqrt(high), n_fine + 1) ** 2
        middle = 0.5 * (_DEPOSIT_KEV[1:] + _DEPOSIT_KEV[:-1])
        self._blur = self._blurred(middle)
        self._lines_done: dict[bytes, NDArray[np.float64]] = {}
        self._bins = self._respond(PHOTON_KEV)

    def _blurred(self, deposit_kev: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return which share of some deposits is seen in each bin: (n_fine, n_deposit)."""
        seen = deposit_kev
        if self.portal == "rpm":
            seen = deposit_kev * self._model.nonproportionality(np.maximum(deposit_kev, 10.0))
        sigma = self.law.fwhm_kev(seen) / 2.354820045
        return np.diff(ndtr((self.edges_kev[:, None] - seen) / sigma), axis=0)

    def _respond(self, energy_kev: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return blurred deposits per photon at the face: (n_fine, n_energy)."""
        found = self._blur @ self._model.continuum(energy_kev, _DEPOSIT_KEV)
        places, chances = self._model.peaks(energy_kev)
        for k in range(places.shape[1]):
            some = chances[:, k] > 0.0
            if some.any():
                found[:, some] += chances[some, k] * self._blurred(places[some, k])
        return found

    def deposits(self, photons: Photons) -> NDArray[np.float64]:
        """Return the blurred deposits of photons that strike the face.

        Parameters
        ----------
        photons : Photons
            Photons.

        Returns
        -------
        ndarray of shape (n_fine,), float64
            Events.
        """
        return np.asarray(self._lines(photons.energy_kev) @ photons.lines + self._bins @ photons.scattered)

    def _lines(self, energy_kev: NDArray[np.float64]) -> NDArray[np.float64]:
        key = energy_kev.tobytes()
        if key not in self._lines_done:
            if len(self._lines_done) >= 200:
                self._lines_done.clear()
            self._lines_done[key] = self._respond(energy_kev)
        return self._lines_done[key]

    def table(
        self,
        label: str,
        shielding: tuple[tuple[str, float], ...] = (),
        cargo: str | None = None,
        *,
        has_ground: bool = False,
        radius_g_cm2: float = 0.0,
    ) -> Table:
        """Return the deposits of a source behind cargo of every tabulated thickness.

        Parameters
        ----------
        label : str
            Key of :data:`screening.physics.NUCLIDES`.
        shielding : tuple of (str, float)
            Layers around the source: material and areal density, g/cm2.
        cargo : str or None
            Material of the cargo, and 1.6 g/cm2 of steel around it; None: neither, one row.
        has_ground : bool, default False
            Add what a road scatters back.
        radius_g_cm2 : float, default 0
            Of a sphere of the source's own metal, g/cm2.

        Returns
        -------
        Table
            One row for each of :data:`NODES_G_CM2`, or one.

        Raises
        ------
        ValueError
            If a label or material is unknown.
        """
        return _table(self, label, shielding, cargo, has_ground, radius_g_cm2)


@lru_cache(maxsize=256)
def _table(
    response: PanelResponse,
    label: str,
    shielding: tuple[tuple[str, float], ...],
    cargo: str | None,
    has_ground: bool,
    radius_g_cm2: float,
) -> Table:
    rows = []
    for node in NODES_G_CM2 if cargo is not None else NODES_G_CM2[:1]:
        photons = emitted(label, shielding, radius_g_cm2)
        if cargo is not None:
            photons = through(through(photons, cargo, float(node)), *_BODY)
        rows.append(response.deposits(off_the_ground(photons) if has_ground else photons))
    return Table(np.stack(rows), response.edges_kev)


@lru_cache(maxsize=16)
def panel_response(portal: str, fwhm_662: float) -> PanelResponse:
    """Return the response of a kind of panel, made once.

    Parameters
    ----------
    portal : {"rpm", "srpm"}
        Plastic panel or NaI log.
    fwhm_662 : float
        Relative FWHM at 662 keV of a log; a plastic panel has its own.

    Returns
    -------
    PanelResponse
        The response.

    Raises
    ------
    ValueError
        If there is no such panel.
    """
    if portal not in THRESHOLD_KEV:
        raise ValueError(f"unknown portal {portal!r}; known: {', '.join(THRESHOLD_KEV)}")
    return PanelResponse(portal, None if portal == "rpm" else fwhm_662)
