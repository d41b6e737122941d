"""A picture of a simulated spectrum beside a measured one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .gamma_comparison import GammaComparison

__all__ = ["plot"]


def plot(comparison: GammaComparison, path: Path) -> None:
    """Draw counts, fit and residual.

    Parameters
    ----------
    comparison : GammaComparison
        What to draw.
    path : Path
        Picture to write, ``.png`` or ``.svg``.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 4.2), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    edges = comparison.edges_kev
    inside = np.flatnonzero(comparison.fitted)
    low, high = edges[inside[0]], edges[inside[-1] + 1]
    shown = (edges[:-1] >= max(0.6 * low, 5.0)) & (edges[1:] <= 1.15 * high)
    first, last = np.flatnonzero(shown)[[0, -1]]
    # A picture has fewer columns than germanium has channels.
    group = max(int((last - first) // 900), 1)
    stop = first + (last + 1 - first) // group * group
    axis = edges[first : stop + 1 : group]
    width = np.diff(axis)

    def _grouped(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(values[first:stop].reshape(-1, group).sum(axis=1))

    model = comparison.source + comparison.background
    measured = _grouped(comparison.measured) / width
    upper.stairs(measured, axis, color="0.35", linewidth=0.8, label="measured")
    upper.stairs(_grouped(model) / width, axis, color="tab:red", linewidth=1.0, label="simulated, fitted")
    if comparison.background.any():
        upper.stairs(
            _grouped(comparison.background) / width, axis, color="tab:blue", linewidth=0.7,
            label="measured background",
        )  # fmt: skip
    upper.set_yscale("log")
    upper.set_ylim(bottom=max(float(measured[measured > 0].min()) * 0.5, 0.02))
    upper.set_ylabel("counts / keV")
    upper.set_title(f"{comparison.name}: {comparison.label} in {comparison.response}", fontsize=9)
    upper.legend(fontsize=7)
    sigma = np.sqrt(_grouped(comparison.sigma**2))
    taken = _grouped(comparison.fitted.astype(np.float64)) > 0
    off = np.where(taken, _grouped(comparison.measured - model), 0.0)
    lower.stairs(off / sigma, axis, color="0.2", linewidth=0.7)
    lower.axhline(0.0, color="tab:red", linewidth=0.7)
    lower.set_ylim(-8, 8)
    lower.set_ylabel("residual / sigma", fontsize=8)
    lower.set_xlabel("energy of the file, keV")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=80, metadata={"Date": None} if path.suffix == ".svg" else None)
