"""What a portal's panels make of photons: deposited energy, blurred, behind any load, ready to be drawn."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from screening.physics import FwhmLaw, attenuation, compton_continuum, full_energy_efficiency

from .emission import PHOTON_KEV, Photons, emitted, through

__all__ = ["MAX_KEV", "NODES_G_CM2", "THRESHOLD_KEV", "PanelResponse", "Table", "panel_response"]

#: Highest channel edge of a simulated spectrum, keV, before the crystal's own gain.
MAX_KEV = 3000.0

#: Areal densities of cargo at which responses are tabulated, g/cm2; between them the logarithm is linear.
NODES_G_CM2 = np.array([0.0, 4.0, 10.0, 20.0, 35.0, 55.0, 80.0, 110.0, 150.0, 200.0, 280.0, 400.0])

#: Discriminator: its energy and width (one sigma), keV.
THRESHOLD_KEV: dict[str, tuple[float, float]] = {"rpm": (28.0, 3.0), "srpm": (35.0, 3.0)}

#: Resolution of a large plastic panel at 662 keV: few hundred photo-electrons a MeV.
_PLASTIC_FWHM = 0.22

#: Axis of blurred deposits, keV.
_AXIS_KEV = (2.0, 3500.0)

_MODEL = {"rpm": ("pvt", 5.0), "srpm": ("nai", 5.08)}


class Table(NamedTuple):
    """Deposits of one source behind cargo, per decay and unit of Omega / 4 pi.

    Attributes
    ----------
    spectra : ndarray of shape (n_node, n_fine), float64
        Events by blurred deposit, on the axis of the response, without discriminator.
    cdf : ndarray of shape (n_node, n_fine + 1), float64
        Its running sum, 0 to 1.
    """

    spectra: NDArray[np.float64]
    cdf: NDArray[np.float64]

    def above(self, edges_kev: NDArray[np.float64], threshold_kev: float) -> NDArray[np.float64]:
        """Return the events above an energy.

        Parameters
        ----------
        edges_kev : ndarray of shape (n_fine + 1,), float64
            Axis.
        threshold_kev : float
            Energy, keV.

        Returns
        -------
        ndarray of shape (n_node,), float64
            Events per decay and unit of Omega / 4 pi.
        """
        k = int(np.clip(np.searchsorted(edges_kev, threshold_kev) - 1, 0, edges_kev.size - 2))
        share = float(np.clip((threshold_kev - edges_kev[k]) / (edges_kev[k + 1] - edges_kev[k]), 0.0, 1.0))
        return np.asarray(self.spectra[:, k + 1 :].sum(axis=1) + (1.0 - share) * self.spectra[:, k])


class PanelResponse:
    """Response of one kind of panel.

    Parameters
    ----------
    portal : {"rpm", "srpm"}
        Plastic panel or NaI log.
    fwhm_662 : float
        Relative FWHM at 662 keV.
    """

    def __init__(self, portal: str, fwhm_662: float) -> None:
        self.portal = portal
        self.law = FwhmLaw(fwhm_662)
        n_fine = int(np.clip(50.0 / fwhm_662, 600, 3000))
        low, high = _AXIS_KEV
        self.edges_kev = np.linspace(np.sqrt(low), np.sqrt(high), n_fine + 1) ** 2
        self._blur = self._blurring()
        self._bins = self._respond(PHOTON_KEV)

    def _blurring(self) -> NDArray[np.float64]:
        """Return which share of a deposit in each bin is seen in each: (n_fine, n_fine)."""
        middle = 0.5 * (self.edges_kev[1:] + self.edges_kev[:-1])
        sigma = self.law.fwhm_kev(middle) / 2.354820045
        return np.diff(ndtr((self.edges_kev[:, None] - middle) / sigma), axis=0)

    def _respond(self, energy_kev: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return blurred deposits per photon at the face: (n_fine, n_energy)."""
        material, depth_cm = _MODEL[self.portal]
        from screening.physics import MATERIALS

        areal = depth_cm * MATERIALS[material].density_g_cm3
        full = full_energy_efficiency(energy_kev, material, depth_cm)
        any_ = -np.expm1(-attenuation(material, energy_kev) * areal)
        continuum = compton_continuum(self.edges_kev, energy_kev) * np.maximum(any_ - full, 0.0)
        energies, chances = energy_kev[:, None], full[:, None]
        found = self._blur @ continuum
        for k in range(energies.shape[1]):
            sigma = self.law.fwhm_kev(energies[:, k]) / 2.354820045
            found += chances[:, k] * np.diff(ndtr((self.edges_kev[:, None] - energies[:, k]) / sigma), axis=0)
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
        if key not in self._line_cache:
            if len(self._line_cache) >= 200:
                self._line_cache.clear()
            self._line_cache[key] = self._respond(energy_kev)
        return self._line_cache[key]

    @property
    def _line_cache(self) -> dict[bytes, NDArray[np.float64]]:
        return self.__dict__.setdefault("_line_responses", {})

    def table(
        self, label: str, shielding: tuple[tuple[str, float], ...] = (), cargo: str | None = None
    ) -> Table:
        """Return the deposits of a source behind cargo of every tabulated thickness.

        Parameters
        ----------
        label : str
            Key of :data:`screening.physics.NUCLIDES`.
        shielding : tuple of (str, float)
            Layers around the source: material and areal density, g/cm2.
        cargo : str or None
            Material of the cargo; None: no cargo, one row.

        Returns
        -------
        Table
            One row for each of :data:`NODES_G_CM2`, or one.

        Raises
        ------
        ValueError
            If a label or material is unknown.
        """
        return _table(self, label, shielding, cargo)


def stacked(spectra: NDArray[np.float64]) -> Table:
    """Return spectra with their running sums.

    Parameters
    ----------
    spectra : ndarray of shape (n_row, n_fine), float64
        Events by deposit.

    Returns
    -------
    Table
        The spectra; the running sum of an empty row is that of an even one.
    """
    summed = np.cumsum(np.maximum(spectra, 0.0), axis=1)
    total = summed[:, -1:]
    even = np.linspace(0.0, 1.0, spectra.shape[1] + 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        cdf = np.concatenate([np.zeros((spectra.shape[0], 1)), summed / total], axis=1)
    return Table(spectra, np.where(total > 0.0, cdf, even))


@lru_cache(maxsize=256)
def _table(
    response: PanelResponse, label: str, shielding: tuple[tuple[str, float], ...], cargo: str | None
) -> Table:
    photons = emitted(label, shielding)
    nodes = NODES_G_CM2 if cargo is not None else NODES_G_CM2[:1]
    rows = [
        response.deposits(photons if cargo is None else through(photons, cargo, float(node)))
        for node in nodes
    ]
    return stacked(np.stack(rows))


@lru_cache(maxsize=8)
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
    return PanelResponse(portal, _PLASTIC_FWHM if portal == "rpm" else fwhm_662)
