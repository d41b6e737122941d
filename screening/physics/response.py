"""What a detector makes of a photon: simulated response tables, interpolated.

``tables/responses.npz`` is written by :func:`screening.simulation.photons.write_responses` with the Monte
Carlo of :mod:`screening.kernels.photons`; nothing is simulated here. For each detector and incident energy
it holds the chance of each peak and the continuum on an axis that is cut at the energies where a deposited
spectrum has its structure, so that an edge moves to its place when two incident energies are mixed.

Chances are per photon whose straight path crosses the crystal's front face, after the housing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .detector import ELECTRON_REST_KEV, FwhmLaw, compton_edge_kev
from .light import FWHM_LAWS, light_yield

__all__ = ["PEAKS", "RESPONSES", "Response", "deposit_edges_kev", "response", "stored_response"]

#: Peaks of a response, in the order of :meth:`Response.peaks`.
PEAKS = ("full", "k-alpha", "k-beta", "single", "double", "511")

#: Detectors with a table.
RESPONSES: tuple[str, ...] = (
    "nai-2x4x16", "nai-3x3", "nai-1.5x1.5", "csi-1cm3", "csi-3x3cm", "labr3-3x3", "labr3-1.5x1.5",
    "hpge-50", "hpge-20", "hpge-planar-small", "czt-1cm3", "pvt-panel",
)  # fmt: skip

#: Incident energies of the tables, keV.
ENERGY_RANGE_KEV = (10.0, 10000.0)

#: Bins of each piece of the normalised axis, see :func:`deposit_edges_kev`.
_PIECES = (40, 20, 12, 64, 24, 32)


def deposit_edges_kev(energy_kev: float) -> NDArray[np.float64]:
    """Return the edges on which the continuum of an incident energy E is kept.

    Equal bins between these energies: 0, both annihilation quanta lost (E - 1022 keV), one lost and the
    other scattered back (its edge above that), one lost (E - 511 keV), the Compton edge, the greatest of that
    edge, a photon scattered back into the crystal from without and a quantum scattered back (E - 170 keV), E.
    What would be below 0 is 0; pieces without a width are empty.

    Parameters
    ----------
    energy_kev : float
        Incident energy, keV.

    Returns
    -------
    ndarray of shape (193,), float64
        Edges, keV, not decreasing.
    """
    rest = ELECTRON_REST_KEV
    edge = float(compton_edge_kev(energy_kev))
    # What a quantum of 511 keV keeps when it is scattered back: a third of its energy.
    knots = [0.0, energy_kev - 2 * rest, energy_kev - 2 * rest + rest * 2 / 3, energy_kev - rest]
    valley_end = max(edge, energy_kev - edge, energy_kev - rest / 3)
    knots = [*(max(knot, 0.0) for knot in knots), edge, valley_end, energy_kev]
    parts = [
        np.linspace(low, high, n, endpoint=False)
        for low, high, n in zip(knots[:-1], knots[1:], _PIECES, strict=True)
    ]
    return np.append(np.concatenate(parts), energy_kev)


@dataclass(frozen=True, slots=True)
class Response:
    """Response of one detector.

    Attributes
    ----------
    name : str
        Name in ``RESPONSES``.
    crystal : str
        Crystal material.
    description : str
        Crystal and housing.
    face_area_cm2 : float
        Area of the crystal's front face, cm2.
    volume_cm3 : float
        Volume of the crystal, cm3.
    source : str
        Where the simulated photons came from.
    incident_kev : ndarray of shape (n,), float64
        Simulated incident energies, keV.
    n_histories : int
        Photons simulated at each.
    """

    name: str
    crystal: str
    description: str
    face_area_cm2: float
    volume_cm3: float
    source: str
    incident_kev: NDArray[np.float64]
    n_histories: int
    _peaks: NDArray[np.float64]
    _lost_kev: NDArray[np.float64]
    _continuum: NDArray[np.float64]

    @property
    def fwhm_law(self) -> FwhmLaw:
        """Nominal width of a peak; see :data:`screening.physics.light.FWHM_LAWS` for the sources."""
        return FWHM_LAWS[self.name]

    def nonproportionality(self, energy_kev: ArrayLike) -> NDArray[np.float64]:
        """Return the light a photon of some energy makes, per keV, relative to 662 keV.

        Parameters
        ----------
        energy_kev : array_like of shape (...)
            Energy, 10 to 10,000 keV.

        Returns
        -------
        ndarray of shape (...), float64
            Relative yield, typical of the crystal's kind; 1 for semiconductors. A peak of energy E stands
            where E times this would be on a scale that is right at 662 keV.

        Raises
        ------
        ValueError
            If an energy is outside the range.
        """
        return light_yield(self.crystal, _checked(energy_kev))

    def peaks(self, energy_kev: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return where the peaks of some lines are, and how likely each is.

        Parameters
        ----------
        energy_kev : array_like of shape (n_line,)
            Photon energies, 10 to 10,000 keV.

        Returns
        -------
        energy_kev : ndarray of shape (n_line, 6), float64
            Deposited energy of each peak in ``PEAKS``; where it cannot be, the line's own.
        probability : ndarray of shape (n_line, 6), float64
            Chance per photon at the front face; 0 where a peak cannot be.

        Raises
        ------
        ValueError
            If an energy is outside the table.
        """
        energy = np.atleast_1d(_checked(energy_kev))
        node, share = self._between(energy)
        chance = _mix(self._peaks, node, share)
        # The energy lost is mixed by the chances, so that a node without the peak has no say.
        weight_low = self._peaks[node] * (1 - share[:, None])
        weight_high = self._peaks[node + 1] * share[:, None]
        weight = weight_low + weight_high
        lost = weight_low * self._lost_kev[node] + weight_high * self._lost_kev[node + 1]
        lost /= np.where(weight > 0, weight, 1.0)
        lost[:, PEAKS.index("single")] = ELECTRON_REST_KEV
        lost[:, PEAKS.index("double")] = 2 * ELECTRON_REST_KEV
        place = energy[:, None] - lost
        place[:, 0] = energy
        place[:, PEAKS.index("511")] = ELECTRON_REST_KEV
        is_possible = (chance > 0) & (place > 0)
        return np.where(is_possible, place, energy[:, None]), np.where(is_possible, chance, 0.0)

    def continuum(self, energy_kev: ArrayLike, edges_kev: ArrayLike) -> NDArray[np.float64]:
        """Return what is deposited outside the peaks.

        Parameters
        ----------
        energy_kev : array_like of shape (n_line,)
            Photon energies, 10 to 10,000 keV.
        edges_kev : array_like of shape (n_bin + 1,)
            Edges of the bins, keV, increasing.

        Returns
        -------
        ndarray of shape (n_bin, n_line), float64
            Chance, per photon at the front face, of a deposit in each bin; not smeared by the resolution.

        Raises
        ------
        ValueError
            If an energy is outside the table or the edges do not increase.
        """
        energy = np.atleast_1d(_checked(energy_kev))
        edges = np.asarray(edges_kev, dtype=np.float64)
        if edges.ndim != 1 or edges.size < 2 or not (np.diff(edges) > 0).all():
            raise ValueError(f"edges_kev needs at least two edges, increasing, got {edges}")
        node, share = self._between(energy)
        found = np.empty((edges.size - 1, energy.size))
        for k, (line, i, s) in enumerate(zip(energy.tolist(), node.tolist(), share.tolist(), strict=True)):
            below = np.empty(self._continuum.shape[1] + 1)
            below[0] = 0.0
            np.cumsum((1 - s) * self._continuum[i] + s * self._continuum[i + 1], out=below[1:])
            found[:, k] = np.diff(np.interp(edges, deposit_edges_kev(line), below))
        return found

    def total(self, energy_kev: ArrayLike) -> NDArray[np.float64]:
        """Return the chance of any deposit.

        Parameters
        ----------
        energy_kev : array_like of shape (n_line,)
            Photon energies, 10 to 10,000 keV.

        Returns
        -------
        ndarray of shape (n_line,), float64
            Chance per photon at the front face.

        Raises
        ------
        ValueError
            If an energy is outside the table.
        """
        energy = np.atleast_1d(_checked(energy_kev))
        node, share = self._between(energy)
        whole = self._peaks.sum(axis=1) + self._continuum.sum(axis=1)
        return _mix(whole[:, None], node, share)[:, 0]

    def _between(self, energy: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        grid = np.log(self.incident_kev)
        place = np.log(energy)
        node = np.clip(np.searchsorted(grid, place, side="right") - 1, 0, grid.size - 2)
        share = np.clip((place - grid[node]) / (grid[node + 1] - grid[node]), 0.0, 1.0)
        return node, share


def response(name: str) -> Response:
    """Return the response of a detector.

    Parameters
    ----------
    name : str
        Name in ``RESPONSES``.

    Returns
    -------
    Response
        Its table, shared between calls; arrays are read-only.

    Raises
    ------
    ValueError
        If no such detector is known.
    """
    if name not in RESPONSES:
        raise ValueError(f"unknown detector {name!r}; known: {', '.join(RESPONSES)}")
    return _load(name)


def stored_response(
    table: Mapping[str, NDArray[Any]], name: str, *, crystal: str, description: str, source: str
) -> Response:
    """Return a response from the arrays of a file.

    Parameters
    ----------
    table : mapping of str to ndarray
        Arrays of the file, by ``<name>/<what>``, as
        :func:`screening.simulation.photons.responses.tabulated` makes them, and ``<name>/numbers``: face
        area in cm2, volume in cm3, histories.
    name : str
        Of the response.
    crystal, description, source : str
        As in :class:`Response`.

    Returns
    -------
    Response
        With read-only arrays.

    Raises
    ------
    ValueError
        If the file was made for another axis of deposits.
    """
    incident, peaks, lost = (
        table[f"{name}/{key}"].astype(np.float64) for key in ("incident_kev", "peaks", "lost_kev")
    )
    continuum = table[f"{name}/continuum"].astype(np.float64)
    continuum *= table[f"{name}/scale"].astype(np.float64)[:, None]
    if continuum.shape[1] != sum(_PIECES):
        raise ValueError(
            f"{name} was made for another axis of deposits: {continuum.shape[1]} bins, not {sum(_PIECES)}"
        )
    for array in (incident, peaks, lost, continuum):
        array.flags.writeable = False
    area, volume, n_histories = table[f"{name}/numbers"].tolist()
    return Response(
        name, crystal, description, area, volume, source, incident, round(n_histories), peaks, lost, continuum
    )


@cache
def _load(name: str) -> Response:
    path = files("screening.physics") / "tables" / "responses.npz"
    with path.open("rb") as stream, np.load(stream) as table:
        crystal, description, source = table[f"{name}/text"].tolist()
        return stored_response(table, name, crystal=crystal, description=description, source=source)


def _checked(energy_kev: ArrayLike) -> NDArray[np.float64]:
    energy = np.asarray(energy_kev, dtype=np.float64)
    low, high = ENERGY_RANGE_KEV
    outside = ~((energy >= low) & (energy <= high))
    if outside.any():
        value = np.atleast_1d(energy)[np.atleast_1d(outside)][0]
        raise ValueError(f"photon energy {value:g} keV is outside the table, {low:g} to {high:g} keV")
    return energy


def _mix(
    table: NDArray[np.float64], node: NDArray[np.int64], share: NDArray[np.float64]
) -> NDArray[np.float64]:
    return table[node] * (1 - share[:, None]) + table[node + 1] * share[:, None]
