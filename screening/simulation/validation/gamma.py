"""Simulated spectra beside measured ones: one comparison a file, a table, and a picture of each.

Only offset, gain, the two parameters of the width, one scatter amplitude, and the scales of source and
background are fitted, within stated ranges; everything else is what the simulator makes of source,
holder, crystal and surroundings.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .gamma_fit import fit_shape, read_measured
from .gamma_peaks import fit_peak
from .gamma_picture import plot
from .gamma_setups import BOUNDS, SETUPS, SUBTRACTED_BACKGROUND, GammaSetup, range_of

__all__ = [
    "AREA_TOLERANCE",
    "GammaComparison",
    "PeakComparison",
    "compare",
    "fit_measured",
    "gamma_report",
    "place_tolerance_kev",
    "plot",
    "write_gamma_validation",
]

#: A peak's share of all counts must agree within this, relative.
AREA_TOLERANCE = 0.20

#: A parameter that comes this close to its bound, of the bound's width, has not been found within it.
_AT_BOUND = 1e-3

#: What :func:`write_gamma_validation` writes in each row of its table.
_FIELDS = (
    "name", "label", "response", "reduced_chi_squared", *BOUNDS, "is_inside_ranges", "peak_kev",
    "measured_kev", "simulated_kev", "off_kev", "is_place_within", "measured_share", "simulated_share",
    "share_ratio", "share_ratio_sigma", "is_area_within", "note",
)  # fmt: skip


def place_tolerance_kev(energy_kev: float) -> float:
    """Return how far a peak may stand from where the simulation puts it.

    Parameters
    ----------
    energy_kev : float
        Its energy, keV.

    Returns
    -------
    float
        The larger of 1.5 % and 3 keV.
    """
    return max(0.015 * energy_kev, 3.0)


@dataclass(frozen=True, slots=True)
class PeakComparison:
    """One named peak, by the same estimator on both spectra.

    Attributes
    ----------
    energy_kev : float
        The line, keV.
    measured_kev, simulated_kev : float
        Where the peak stands on the file's energy axis, keV.
    measured_share, simulated_share : float
        Net area over the counts above ``total_from_kev``, background taken off.
    ratio_sigma : float
        Counting error of the ratio of the shares.
    """

    energy_kev: float
    measured_kev: float
    simulated_kev: float
    measured_share: float
    simulated_share: float
    ratio_sigma: float

    @property
    def off_kev(self) -> float:
        """Simulated minus measured place, keV."""
        return self.simulated_kev - self.measured_kev

    @property
    def share_ratio(self) -> float:
        """Simulated over measured share; infinite if nothing was measured."""
        return self.simulated_share / self.measured_share if self.measured_share > 0 else float("inf")

    @property
    def is_place_within(self) -> bool:
        """The place agrees within 1.5 % or 3 keV."""
        return abs(self.off_kev) <= place_tolerance_kev(self.energy_kev)

    @property
    def is_area_within(self) -> bool:
        """The share agrees within 20 %."""
        return abs(self.share_ratio - 1.0) <= AREA_TOLERANCE


@dataclass(frozen=True, slots=True, eq=False)
class GammaComparison:
    """A simulated spectrum fitted to a measured one.

    Attributes
    ----------
    name, label, response : str
        Name of the comparison, source, simulated crystal.
    parameters : dict of str to float
        Fitted values; ranges in ``BOUNDS``.
    peaks : tuple of PeakComparison
        Named peaks.
    total_from_kev : float
        Areas are given over the counts above this energy.
    reduced_chi_squared : float
        With counting errors and 3 % of each channel.
    edges_kev : ndarray of shape (n_channel + 1,), float64
        Channel edges of the file.
    measured, source, background : ndarray of shape (n_channel,), float64
        Measured counts, simulated source and scaled measured background.
    sigma : ndarray of shape (n_channel,), float64
        Error of each channel.
    fitted : ndarray of shape (n_channel,), bool
        Channels that took part in the fit.
    note : str
        What is known to differ, and why.
    """

    name: str
    label: str
    response: str
    parameters: dict[str, float]
    peaks: tuple[PeakComparison, ...]
    total_from_kev: float
    reduced_chi_squared: float
    edges_kev: NDArray[np.float64]
    measured: NDArray[np.float64]
    source: NDArray[np.float64]
    background: NDArray[np.float64]
    sigma: NDArray[np.float64]
    fitted: NDArray[np.bool_]
    note: str

    @property
    def at_bounds(self) -> tuple[str, ...]:
        """The parameters that the fit left at an end of their range."""
        found = []
        for name, value in self.parameters.items():
            low, high = range_of(name, self.response)
            if value <= low + _AT_BOUND * (high - low) or value >= high - _AT_BOUND * (high - low):
                found.append(name)
        return tuple(found)


def compare(setup: GammaSetup, shared_dir: Path) -> GammaComparison:
    """Fit one of the known measured spectra.

    Parameters
    ----------
    setup : GammaSetup
        Which, and how it is simulated.
    shared_dir : Path
        Folder of the measured data.

    Returns
    -------
    GammaComparison
        What was fitted and how it agrees.

    Raises
    ------
    ValueError
        If the file holds no calibrated spectra.
    """
    background: Path | str | None = None
    if setup.background:
        background = "own" if setup.background == "own" else shared_dir / setup.background
    subtracted = shared_dir / SUBTRACTED_BACKGROUND if setup.is_subtracted else None
    measured = read_measured(shared_dir / setup.path, background, subtracted_background=subtracted)
    found = fit_shape(setup, measured)
    net = measured.counts - found.background
    centre = 0.5 * (measured.edges_kev[1:] + measured.edges_kev[:-1])
    above = centre > setup.total_from_kev
    peaks = []
    for energy in setup.peaks_kev:
        place = energy * found.parameters["gain"] + found.parameters["offset_kev"]
        width = float(found.law.fwhm_kev(energy)) * found.parameters["gain"]
        seen = fit_peak(net, measured.variance, measured.edges_kev, place, width)
        made = fit_peak(found.source, measured.variance, measured.edges_kev, place, width)
        peaks.append(
            PeakComparison(
                energy_kev=energy,
                measured_kev=seen.energy_kev,
                simulated_kev=made.energy_kev,
                measured_share=float(seen.area / net[above].sum()),
                simulated_share=float(made.area / found.source[above].sum()),
                ratio_sigma=seen.area_sigma / max(seen.area, 1.0),
            )
        )
    return GammaComparison(
        name=setup.name,
        label=setup.label,
        response=setup.response,
        parameters=found.parameters,
        peaks=tuple(peaks),
        total_from_kev=setup.total_from_kev,
        reduced_chi_squared=found.reduced_chi_squared,
        edges_kev=measured.edges_kev,
        measured=measured.counts,
        source=found.source,
        background=found.background,
        sigma=found.sigma,
        fitted=found.fitted,
        note=setup.note,
    )


def fit_measured(
    path: Path,
    label: str,
    response_name: str,
    *,
    peaks_kev: tuple[float, ...],
    range_kev: tuple[float, float] = (60.0, 2800.0),
    start: tuple[float, float] = (0.07, 0.5),
    background: str = "",
    **known: object,
) -> GammaComparison:
    """Fit a simulated source to any measured spectrum.

    Parameters
    ----------
    path : Path
        File with the spectrum.
    label : str
        Key of :data:`screening.physics.NUCLIDES`.
    response_name : str
        Name in :data:`screening.physics.response.RESPONSES`.
    peaks_kev : tuple of float
        Lines whose place and area are compared, keV.
    range_kev : tuple of (float, float), default (60, 2800)
        Range of the fit, keV.
    start : tuple of (float, float), default (0.07, 0.5)
        FWHM at 662 keV and exponent where the fit begins.
    background : str
        File with a background, "own" for the one within the file, "" for none.
    **known
        Further fields of :class:`GammaSetup`.

    Returns
    -------
    GammaComparison
        What was fitted and how it agrees.

    Raises
    ------
    ValueError
        If the file holds no calibrated spectra, or a label or response is unknown.
    """
    setup = GammaSetup(
        path.stem, str(path.resolve()), label, response_name, peaks_kev, range_kev, start,
        background=background, **known,  # type: ignore[arg-type]
    )  # fmt: skip
    return compare(setup, Path("/"))


def write_gamma_validation(
    shared_dir: Path, out_dir: Path, progress: Callable[[int, int], None] | None = None
) -> list[GammaComparison]:
    """Fit every known measured spectrum, and write table and pictures.

    Parameters
    ----------
    shared_dir : Path
        Folder of the measured data: the one that holds ``radiation``, or the one above.
    out_dir : Path
        Folder for ``gamma.csv`` and ``gamma-<name>.png``; made if needed.
    progress : callable, optional
        Called with the number done and the number in all.

    Returns
    -------
    list of GammaComparison
        One a file.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    if (shared_dir / "data").is_dir():
        shared_dir = shared_dir / "data"
    comparisons = []
    for index, setup in enumerate(SETUPS):
        comparisons.append(compare(setup, shared_dir))
        plot(comparisons[-1], out_dir / f"gamma-{setup.name}.png")
        if progress is not None:
            progress(index + 1, len(SETUPS))
    with (out_dir / "gamma.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, _FIELDS, lineterminator="\n")
        writer.writeheader()
        for comparison in comparisons:
            writer.writerows(_rows(comparison))
    return comparisons


def gamma_report(data_dir: Path, out_dir: Path) -> dict[str, object]:
    """Return the comparisons as plain values, for the page of all validations.

    Parameters
    ----------
    data_dir : Path
        Folder of the measured data.
    out_dir : Path
        Folder for table and pictures.

    Returns
    -------
    dict
        ``pictures``: file names; ``peaks`` and ``fits``: records.
    """
    comparisons = write_gamma_validation(data_dir, out_dir)
    peaks = [row for comparison in comparisons for row in _rows(comparison)]
    of_fit = ("name", "reduced_chi_squared", *BOUNDS, "is_inside_ranges", "note")
    return {
        "pictures": [f"gamma-{comparison.name}.png" for comparison in comparisons],
        "ranges": [
            {"parameter": name, "lowest": low, "highest": high} for name, (low, high) in BOUNDS.items()
        ],
        "fits": [{key: _rows(one)[0].get(key) for key in of_fit} for one in comparisons],
        "peaks": [{key: row[key] for key in _FIELDS if key not in of_fit or key == "name"} for row in peaks],
    }


def _rows(comparison: GammaComparison) -> list[dict[str, object]]:
    common: dict[str, object] = {
        "name": comparison.name,
        "label": comparison.label,
        "response": comparison.response,
        "reduced_chi_squared": round(comparison.reduced_chi_squared, 2),
        "is_inside_ranges": not comparison.at_bounds,
        "note": comparison.note,
        **{name: round(value, 4) for name, value in comparison.parameters.items()},
    }
    return [
        {
            **common,
            "peak_kev": peak.energy_kev,
            "measured_kev": round(peak.measured_kev, 1),
            "simulated_kev": round(peak.simulated_kev, 1),
            "off_kev": round(peak.off_kev, 1),
            "is_place_within": peak.is_place_within,
            "measured_share": round(peak.measured_share, 4),
            "simulated_share": round(peak.simulated_share, 4),
            "share_ratio": round(peak.share_ratio, 3),
            "share_ratio_sigma": round(peak.ratio_sigma, 3),
            "is_area_within": peak.is_area_within,
        }
        for peak in comparison.peaks
    ]
