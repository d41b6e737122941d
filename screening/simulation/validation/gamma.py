"""Simulated spectra beside measured ones: one comparison a file, a table, and a picture of each.

Only offset, gain, the two parameters of the width, one scatter amplitude, and the scales of source and
background are fitted, within stated ranges; everything else is what the simulator makes of source,
holder, crystal and surroundings.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

from .gamma_comparison import AREA_TOLERANCE, GammaComparison, PeakComparison, place_tolerance_kev
from .gamma_fit import fit_shape, read_measured
from .gamma_peaks import fit_peak
from .gamma_picture import plot
from .gamma_setups import BOUNDS, SETUPS, SUBTRACTED_BACKGROUND, GammaSetup

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

#: What :func:`write_gamma_validation` writes in each row of its table.
_FIELDS = (
    "name", "label", "response", "reduced_chi_squared", *BOUNDS, "is_inside_ranges", "peak_kev",
    "measured_kev", "simulated_kev", "off_kev", "is_place_within", "measured_share", "simulated_share",
    "share_ratio", "share_ratio_sigma", "is_area_within", "note",
)  # fmt: skip


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
