"""Simulated radiographs beside the figures of six real scans, and what tells scanner families apart.

The real scans themselves are not at hand, only figures of them; so every figure is taken of simulated
pictures by the same definition (:mod:`screening.simulation.likeness`) and held to the range of the real
ones, widened by a stated factor. What lies outside is listed, not hidden.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np

from screening.records import Radiograph
from screening.simulation.likeness import PictureStatistics, statistics_of, two_sample
from screening.simulation.likeness.planes import picture_planes
from screening.simulation.radiographs import RadiographRecipe, simulate_radiograph

from .page import PartReport

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "RAIL_CARGO",
    "FigureComparison",
    "compare_with_real",
    "rail_pictures",
    "write_radiograph_validation",
]

#: Loads of the simulated rail scans: more heavy ones than light ones, as in the six real scans.
RAIL_CARGO = (
    "bulk", "rolls", "meat-boxed", "boxes", "cement", "timber", "tiles", "drums", "flexitank", "scrap",
    "coils", "mixed",
)  # fmt: skip

#: Where the figures of the real scans are, below the folder of measured data.
REAL_FIGURES = Path("xray") / "real_scan_statistics.json"


class FigureComparison(NamedTuple):
    """One figure of simulated pictures beside that of the real scans.

    Attributes
    ----------
    name : str
        The figure.
    real_low, real_high : float
        Range of the real scans.
    widened_low, widened_high : float
        The range allowed.
    rule : str
        How it was widened.
    simulated : tuple of float
        The figure of each simulated picture that has it.
    """

    name: str
    real_low: float
    real_high: float
    widened_low: float
    widened_high: float
    rule: str
    simulated: tuple[float, ...]

    @property
    def n_within(self) -> int:
        """Simulated pictures within the range allowed."""
        return sum(self.widened_low <= value <= self.widened_high for value in self.simulated)

    @property
    def share_within(self) -> float:
        """Share of them; NaN without any."""
        return self.n_within / len(self.simulated) if self.simulated else float("nan")


def rail_pictures(n: int, seed: int, *, family: str = "rail-dual") -> Iterator[tuple[str, Radiograph]]:
    """Simulate loaded 40 ft containers on rail wagons past a dual-energy scanner, one at a time.

    Parameters
    ----------
    n : int
        How many pictures.
    seed : int
        Seed of the first; each has a scanner instance and a load of its own.
    family : str
        A key of ``SCANNER_FAMILIES`` that is built with two energies.

    Yields
    ------
    tuple of (str, Radiograph)
        Cargo and picture.
    """
    for index in range(n):
        cargo = RAIL_CARGO[index % len(RAIL_CARGO)]
        recipe = RadiographRecipe(
            cargo=cargo,
            scanner="dual",
            family=family,
            carrier="rail",
            has_dropout=True,
            is_high_cube=index % 2 == 1,
        )
        scan, _ = simulate_radiograph(recipe, seed + index)
        if not isinstance(scan.payload, Radiograph):
            raise TypeError(f"a radiograph was expected, got {scan.modality}")
        yield f"{cargo}-{seed + index}", scan.payload


def compare_with_real(real: dict[str, Any], simulated: list[PictureStatistics]) -> list[FigureComparison]:
    """Hold figures of simulated pictures to those of the real scans.

    Parameters
    ----------
    real : dict
        Content of ``real_scan_statistics.json``.
    simulated : list of PictureStatistics
        Figures of simulated pictures.

    Returns
    -------
    list of FigureComparison
        One for each figure that is known of the real scans.
    """
    scans = real["scans"]
    air = [scan["air_noise"] for scan in scans]
    opaque = [scan["opaque_region"] for scan in scans if "opaque_region" in scan]
    transfer, walls, zeros = real["photon_transfer"], real["wall_corrugation"], real["zeros"]
    packet = zeros["module_dropout"]["pixel_fraction_per_channel"]
    found = [
        _factor("air_counts", [a["mean_counts"] for a in air], 1.15, simulated),
        _factor("air_sigma", [a["relative_sigma_total"] for a in air], 1.25, simulated),
        _factor("line_sigma", [a["relative_sigma_column_common_mode"] for a in air], 1.5, simulated),
        _factor("row_residue", [a["relative_row_gain_residual"] for a in air], 1.5, simulated),
        _factor("variance_over_mean", transfer["variance_over_mean_counts"], 1.2, simulated),
        _factor("electronic_sigma", transfer["electronic_sigma_counts"], 1.3, simulated),
        _factor("dead_rows_at_bottom", [s["dead_rows_at_bottom"] for s in scans], 1.0, simulated),
        _factor("air_fraction", [s["air_like_fraction"] for s in scans], 1.5, simulated),
        _factor("opaque_fraction", [o["fraction_of_image"] for o in opaque], 2.0, simulated),
        _factor("floor_counts", [o["median_counts"] for o in opaque], 1.5, simulated),
        _factor("floor_sigma", [o["mad_sigma_counts"] for o in opaque], 1.5, simulated),
        _factor("dynamic_range", [o["dynamic_range_air_over_floor"] for o in opaque], 1.3, simulated),
        _factor("wall_period_columns", [walls["period_columns"]], 1.25, simulated),
        _factor("wall_sigma", [walls["optical_depth_std"]], 2.0, simulated),
        _factor("wall_depth", [walls["wall_optical_depth_median"]], 2.0, simulated),
        _factor("rail_separation_rows", real["geometry"]["top_rails_separated_by_rows"], 1.25, simulated),
    ]
    for k, energy in enumerate(("high", "low")):
        each = [scan[energy] for scan in scans]
        for name, key, factor in (
            ("zeros_live_rows", "zero_fraction_live_rows", 1.5),
            ("saturated", "saturated_fraction", 1.5),
            ("below_100", "fraction_below_100_counts", 1.5),
        ):
            found.append(_factor(name, [e[key] for e in each], factor, simulated, k, energy))
        found.append(_factor("packet_zeros", [packet], 1.3, simulated, k, energy))
        found.append(
            _factor("isolated_zeros", zeros["isolated_in_bright_surroundings"], 1.5, simulated, k, energy)
        )
    for band in scans[0]["log_ratio_low_over_high_by_depth"]:
        quantiles = [scan["log_ratio_low_over_high_by_depth"][band] for scan in scans]
        for k, label, margin in ((0, "10 %", 0.06), (1, "median", 0.02), (2, "90 %", 0.06)):
            values = [float(q[k]) for q in quantiles]
            found.append(
                FigureComparison(
                    f"log_ratio {band}, {label}",
                    min(values),
                    max(values),
                    min(values) - margin,
                    max(values) + margin,
                    f"+- {margin:g}",
                    tuple(s.log_ratio[band][k] for s in simulated if band in s.log_ratio),
                )
            )
    return found


def _factor(
    name: str,
    real: Iterable[float],
    factor: float,
    simulated: list[PictureStatistics],
    index: int | None = None,
    energy: str = "",
) -> FigureComparison:
    values = [float(value) for value in real]
    made = [getattr(statistics, name) for statistics in simulated]
    if index is not None:
        made = [value[index] for value in made if len(value) > index]
    return FigureComparison(
        f"{name} {energy}".strip(),
        min(values),
        max(values),
        min(values) / factor,
        max(values) * factor,
        f"x {factor:g}",
        tuple(float(value) for value in made if value is not None),
    )


def write_radiograph_validation(
    data_dir: Path,
    out_dir: Path,
    progress: Callable[[int, int], None] | None = None,
    *,
    n: int = 12,
    seed: int = 1,
) -> PartReport:
    """Put simulated radiographs beside the figures of real scans, with pictures and numbers.

    Parameters
    ----------
    data_dir : Path
        Folder of measured data, with ``xray/real_scan_statistics.json``.
    out_dir : Path
        Folder for the pictures.
    progress : callable, optional
        Called with (pictures simulated, of).
    n : int
        Pictures of each family.
    seed : int
        Seed.

    Returns
    -------
    PartReport
        For the page.

    Raises
    ------
    FileNotFoundError
        If the figures of the real scans are not there.
    """
    real = json.loads((data_dir / REAL_FIGURES).read_text(encoding="utf-8"))
    done = 0
    sets: list[list[tuple[str, Radiograph]]] = []
    for first_seed, family in ((seed, "rail-dual"), (seed + 1000, "rail-dual"), (seed + 2000, "portal")):
        sets.append([])
        for made in rail_pictures(n, first_seed, family=family):
            sets[-1].append(made)
            done += 1
            if progress is not None:
                progress(done, 3 * n)
    rail, again, portal = sets
    statistics = [statistics_of(picture) for _, picture in rail]
    comparisons = compare_with_real(real, statistics)
    tests = {
        "rail-dual against itself": two_sample(rail, again, seed, n_patch=40),
        "rail-dual against portal": two_sample(rail, portal, seed, n_patch=40),
    }
    _draw_gallery(rail[:6], out_dir / "radiographs-gallery.png")
    _draw_ranges(comparisons, out_dir / "radiographs-figures.png")
    _draw_profiles(statistics, out_dir / "radiographs-profiles.png")
    pictures = [
        (
            "radiographs-gallery.png",
            "Simulated scans of the family rail-dual, -ln T of the high energy from 0 to 6.",
        ),
        (
            "radiographs-figures.png",
            "Figures of simulated scans (dots) over the range of the six real ones (dark) and the range "
            "allowed (light).",
        ),
        ("radiographs-profiles.png", "Histograms of -ln T and of its gradient, simulated scans."),
    ]
    from screening.simulation.likeness.plots import draw_result

    for name, result in tests.items():
        file = f"radiographs-{name.replace(' ', '-')}.png"
        draw_result(result, out_dir / file, (name.split(" against ")[0], name.split(" against ")[1]))
        pictures.append((file, f'The test "real or simulated" between two simulated sets: {name}.'))
    columns = (
        "figure",
        "real from",
        "to",
        "allowed",
        "from",
        "to",
        "simulated median",
        "from",
        "to",
        "within",
    )
    rows = [_row(c) for c in comparisons]
    return PartReport(
        numbers={
            "pictures": [msgspec.to_builtins(s) for s in statistics],
            "comparisons": [{**c._asdict(), "n_within": c.n_within} for c in comparisons],
            "two_sample": {name: result.to_plain() for name, result in tests.items()},
        },
        pictures=tuple(pictures),
        tables=(
            (f"Figures of {n} simulated scans beside those of six real ones", columns, rows),
            (
                "Can a classifier of 64-pixel patches tell simulated sets apart?",
                ("sets", "AUROC", "from", "to", "most telling figure", "its AUROC"),
                [
                    (name, r.auroc, r.low, r.high, r.features[0].name, r.features[0].auroc)
                    for name, r in tests.items()
                ],
            ),
        ),
    )


def _row(c: FigureComparison) -> tuple[Any, ...]:
    made = c.simulated
    middle, low, high = (float(np.median(made)), min(made), max(made)) if made else (None, None, None)
    within = f"{c.n_within} of {len(made)}"
    return (c.name, c.real_low, c.real_high, c.rule, c.widened_low, c.widened_high, middle, low, high, within)


def _draw_gallery(shown: list[tuple[str, Radiograph]], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 2.4 * ((len(shown) + 1) // 2)), layout="constrained")
    axes = figure.subplots((len(shown) + 1) // 2, 2, squeeze=False).ravel()
    for axis, (name, picture) in zip(axes, shown, strict=False):
        planes = picture_planes(picture.raw)
        axis.imshow(planes.depth[0], cmap="gray_r", vmin=0, vmax=6, interpolation="nearest")
        axis.set_title(name, fontsize=9)
    for axis in axes:
        axis.set_axis_off()
    figure.savefig(path, dpi=90)


def _draw_ranges(comparisons: list[FigureComparison], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 0.34 * len(comparisons) + 1), layout="constrained")
    axis: Axes = figure.subplots()
    for place, c in enumerate(comparisons):
        # each figure on a scale of its own: 0 and 1 are the ends of the range allowed
        span = max(c.widened_high - c.widened_low, 1e-12)
        axis.barh(place, 1.0, left=0.0, color="#dfe8f1", height=0.8)
        real = ((c.real_low - c.widened_low) / span, (c.real_high - c.real_low) / span)
        axis.barh(place, max(real[1], 0.004), left=real[0], color="#7b9cc0", height=0.8)
        made = np.clip((np.array(c.simulated) - c.widened_low) / span, -0.45, 1.45)
        axis.plot(made, np.full(made.size, place), "o", ms=3, color="#c2571a")
    axis.set_yticks(
        range(len(comparisons)),
        [f"{c.name}  [{c.n_within}/{len(c.simulated)}]" for c in comparisons],
        fontsize=8,
    )
    axis.set_ylim(len(comparisons) - 0.4, -0.6)
    axis.set_xlim(-0.5, 1.5)
    axis.set_xlabel("0 and 1: ends of the range allowed; dots at the rim lie outside the picture")
    figure.savefig(path, dpi=90)


def _draw_profiles(statistics: list[PictureStatistics], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    for s in statistics:
        left.plot(range(len(s.depth_histogram)), s.depth_histogram, "o-", ms=3, lw=0.8)
        right.plot(range(len(s.gradient_histogram)), s.gradient_histogram, "o-", ms=3, lw=0.8)
    left.set_xticks(range(6), ["< 0.05", "0.05-0.5", "0.5-1.5", "1.5-3", "3-5", "> 5"])
    left.set_xlabel("-ln T")
    right.set_xticks(range(6), ["< 0.01", "0.01-0.03", "0.03-0.1", "0.1-0.3", "0.3-1", "> 1"])
    right.set_xlabel("gradient of -ln T a pixel, between open beam and opaque")
    left.set_ylabel("share of pixels")
    figure.savefig(path, dpi=90)
