"""Pictures of the test "real or simulated" (matplotlib, extra report)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from .result import TwoSampleResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_result"]

COLOURS = ("#1f5a94", "#c2571a")


def draw_result(result: TwoSampleResult, path: Path, names: tuple[str, str]) -> None:
    """Draw what tells two sets apart: figures, groups, spectra and the most telling patches.

    Parameters
    ----------
    result : TwoSampleResult
        What was found.
    path : Path
        PNG file.
    names : tuple of str
        Names of the sets.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 9), layout="constrained")
    upper, lower = cast(Any, figure.subfigures(2, 1, height_ratios=(1.15, 1.0)))
    left, middle, right = upper.subplots(1, 3, width_ratios=(1.5, 0.9, 1.1))
    _features(left, result)
    _groups(middle, result)
    _spectra(right, result, names)
    interval = "" if result.low is None else f" [{result.low:.3f}, {result.high:.3f}]"
    figure.suptitle(f"{names[0]} against {names[1]}: AUROC {result.auroc:.3f}{interval}")
    patches = result.pictures_of_most_telling
    axes = lower.subplots(2, max(patches.shape[1], 1), squeeze=False)
    for row in range(2):
        for column in range(patches.shape[1]):
            axis: Axes = axes[row, column]
            patch = patches[row, column]
            low, high = np.quantile(patch, (0.005, 0.995))
            axis.imshow(patch, cmap="gray_r", vmin=low, vmax=max(high, low + 0.01))
            axis.set_xticks([])
            axis.set_yticks([])
            place = result.most_telling[row][column]
            axis.set_title(
                f"{place.picture}\n{place.row}, {place.column}; {low:.2f} to {high:.2f}", fontsize=7
            )
        axes[row, 0].set_ylabel(f"{names[row]}:\nmost telling", color=COLOURS[row])
    lower.suptitle("-ln T, stretched to the range given", fontsize=9)
    figure.savefig(path, dpi=90)


def _features(axis: Axes, result: TwoSampleResult) -> None:
    shown = result.features[:12][::-1]
    for place, finding in enumerate(shown):
        colour = COLOURS[int(finding.auroc > 0.5)]
        if finding.low is not None and finding.high is not None:
            axis.plot([finding.low, finding.high], [place, place], color=colour, lw=1)
        axis.plot(finding.auroc, place, "o", color=colour)
    axis.set_yticks(range(len(shown)), [f"{f.name} ({f.group})" for f in shown], fontsize=8)
    axis.axvline(0.5, color="0.6", lw=0.8)
    axis.set_xlim(0, 1)
    axis.set_xlabel("share of pairs in which the second set has the larger figure")
    axis.set_title("single figures")


def _groups(axis: Axes, result: TwoSampleResult) -> None:
    axis.barh([g.group for g in result.groups][::-1], [g.auroc for g in result.groups][::-1], color="0.55")
    axis.axvline(0.5, color="0.2", lw=0.8)
    axis.axvline(0.8, color="#a02020", lw=0.8, ls="--")
    axis.set_xlim(0.3, 1)
    axis.set_xlabel("AUROC of each group alone")
    axis.set_title("groups of figures")


def _spectra(axis: Axes, result: TwoSampleResult, names: tuple[str, str]) -> None:
    for power, name, colour in zip(result.log_power, names, COLOURS, strict=True):
        axis.semilogx(result.frequency, power, color=colour, label=name)
    ticks = (0.02, 0.05, 0.1, 0.2, 0.4)
    axis.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axis.set_xticks([], minor=True)
    axis.set_xlabel("cycles a pixel")
    axis.set_ylabel("mean log10 power of -ln T")
    axis.set_title("power spectra")
    axis.legend(fontsize=8)
