"""Simulated passes beside what is known of real ones: how deeply vehicles shade the background."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from screening.simulation.occupancies import OccupancyRecipe, expected_pass, simulate_counts
from screening.simulation.occupancies.background import background_table
from screening.simulation.occupancies.mix import draw_recipe
from screening.simulation.occupancies.response import NODES_G_CM2, panel_response
from screening.simulation.occupancies.shadow import largest_dip

__all__ = ["MEASURED_DIPS", "DipComparison", "compare_dips", "suppression_by_energy", "validate_passes"]

#: Largest dip of an occupancy in a public log of 700, by the estimator of
#: :func:`screening.simulation.occupancies.shadow.largest_dip`.
MEASURED_DIPS = {"median": 0.41, "90th percentile": 0.51, "maximum": 0.58}


class DipComparison(NamedTuple):
    """Dips of simulated passes.

    Attributes
    ----------
    dips : ndarray of shape (n_pass,), float64
        Largest dip of each pass, by the estimator.
    depths : ndarray of shape (n_pass,), float64
        Suppression beside the box that was put in.
    figures : dict of str to dict
        Simulated and measured value of each figure, and the spread of the simulated one over sets of 700.
    """

    dips: NDArray[np.float64]
    depths: NDArray[np.float64]
    figures: dict[str, dict[str, float]]


def compare_dips(n: int = 700, seed: int = 1, *, n_set: int = 5) -> DipComparison:
    """Compare the largest dips of innocent traffic with the measured distribution.

    Parameters
    ----------
    n : int, default 700
        Passes of a set.
    seed : int, default 1
        Seed of the first set; the others follow it.
    n_set : int, default 5
        Sets, from which the spread of each figure is taken.

    Returns
    -------
    DipComparison
        Dips of the first set, and the figures of all.

    Raises
    ------
    ValueError
        If there is no pass or no set.
    """
    if n < 1 or n_set < 1:
        raise ValueError(f"at least one pass and one set are needed, got {n} and {n_set}")
    sets = [_dips(n, seed + k) for k in range(n_set)]
    values = np.array(
        [[np.median(dips), np.quantile(dips, 0.9), dips.max()] for dips, _ in sets], dtype=np.float64
    )
    figures = {
        name: {
            "simulated": round(float(values[0, k]), 4),
            "lowest_of_sets": round(float(values[:, k].min()), 4),
            "highest_of_sets": round(float(values[:, k].max()), 4),
            "measured": measured,
        }
        for k, (name, measured) in enumerate(MEASURED_DIPS.items())
    }
    return DipComparison(*sets[0], figures)


def _dips(n: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    recipes = [draw_recipe("quiet", seed, index) for index in range(n)]
    passes = simulate_counts(recipes)
    dips = [
        float(largest_dip(counts[:length], rates.sum(), recipe.interval_s))
        for counts, length, rates, recipe in zip(
            passes.counts, passes.n_interval, passes.background_cps, recipes, strict=True
        )
    ]
    return np.array(dips), np.array([recipe.suppression for recipe in recipes])


def suppression_by_energy(
    edges_kev: NDArray[np.float64], suppression: float = 0.4, seed: int = 1
) -> NDArray[np.float64]:
    """Return how much of the background a usual load keeps off, by energy.

    Parameters
    ----------
    edges_kev : ndarray of shape (n_bin + 1,), float64
        Axis.
    suppression : float, default 0.4
        All energies together.
    seed : int, default 1
        Of the load's texture.

    Returns
    -------
    ndarray of shape (n_bin,), float64
        1 - counts beside the box / counts before the vehicle, of expected counts.
    """
    recipe = OccupancyRecipe(portal="srpm", suppression=suppression, box_m=(2.0, 48.0), vehicle_m=50.0)
    background = expected_pass(recipe, seed, edges_kev).background.sum(axis=1)
    return np.asarray(1.0 - background[50:75].mean(axis=0) / background[0])


def validate_passes(out_dir: Path, *, n: int = 700, seed: int = 1) -> dict[str, Any]:
    """Compare simulated passes with what is known of real ones, and draw it.

    Parameters
    ----------
    out_dir : Path
        Folder for the pictures ``passes-dips.png`` and ``passes-suppression.png``, made if needed.
    n : int, default 700
        Passes of a set.
    seed : int, default 1
        Seed.

    Returns
    -------
    dict
        ``dips`` (figures as of :class:`DipComparison`), ``suppression_by_energy`` (a list of keV from, keV
        to, share) and ``pictures`` (file names).
    """
    from matplotlib.figure import Figure

    out_dir.mkdir(parents=True, exist_ok=True)
    found = compare_dips(n, seed)
    figure = Figure(figsize=(7.0, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.hist(
        100.0 * found.dips, bins=[2.0 * k for k in range(36)], color="#7aa6c2", label=f"{n} simulated passes"
    )
    for (name, value), style in zip(MEASURED_DIPS.items(), (":", "--", "-"), strict=True):
        axes.axvline(
            100.0 * value, color="#b03a2e", linestyle=style, label=f"measured {name}, {100 * value:.0f} %"
        )
        axes.axvline(
            100.0 * found.figures[name]["simulated"], color="#1b4f72", linestyle=style, linewidth=0.9
        )
    axes.set_xlabel("largest dip of an occupancy below its background, %")
    axes.set_ylabel("passes")
    axes.legend(frameon=False, loc="upper left")
    figure.savefig(out_dir / "passes-dips.png", dpi=110)

    edges = np.linspace(np.sqrt(50.0), np.sqrt(2800.0), 41) ** 2
    by_energy = suppression_by_energy(edges)
    figure = Figure(figsize=(9.0, 4.0), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.stairs(100.0 * by_energy, edges, color="#1b4f72")
    left.axhline(40.0, color="#888888", linestyle=":")
    left.set_xlabel("energy, keV")
    left.set_ylabel("background kept off beside the box, %")
    left.set_ylim(0.0, 50.0)
    for portal, colour in (("rpm", "#b9770e"), ("srpm", "#1b4f72")):
        for material, style in (("polyethylene", "-"), ("steel", "--")):
            table = background_table(panel_response(portal, 0.075), material)
            label = f"{'plastic panel' if portal == 'rpm' else 'NaI log'}, {material}"
            right.plot(NODES_G_CM2, table.share @ table.kept, style, color=colour, label=label)
    right.set_yscale("log")
    right.set_xlabel("load, g/cm2")
    right.set_ylabel("share of the background that comes through")
    right.legend(frameon=False)
    figure.savefig(out_dir / "passes-suppression.png", dpi=110)
    return {
        "dips": found.figures,
        "suppression_by_energy": [
            [round(float(low), 1), round(float(high), 1), round(float(value), 4)]
            for low, high, value in zip(edges[:-1], edges[1:], by_energy, strict=True)
        ],
        "pictures": ["passes-dips.png", "passes-suppression.png"],
    }
