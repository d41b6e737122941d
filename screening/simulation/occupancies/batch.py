"""Many passes without records: arrays for benchmarks, and one pass at several activities."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .counting import (
    Streams,
    accept_events,
    count_events,
    draw_all_events,
    draw_surroundings,
    expected_nsigma,
    finish_gross,
    measured_background,
)
from .draw import draw_gross
from .electronics import Crystals, Events, draw_crystals, pass_discriminator
from .expected import PassPlan, background_before, fixed_part, plan_pass
from .recipe import OccupancyRecipe
from .weights import Contribution

__all__ = [
    "ExpectedPass",
    "PassCounts",
    "PassSpectra",
    "checked_edges",
    "expected_pass",
    "histogram_on",
    "paired",
    "simulate_counts",
    "simulate_spectra",
    "sqrt_edges_kev",
]


class PassCounts(NamedTuple):
    """Gross counts of many passes.

    Attributes
    ----------
    counts : ndarray of shape (n_pass, n_interval, n_panel), int64
        Counts; -1 after the end of a pass that is shorter than the longest.
    n_interval : ndarray of shape (n_pass,), int64
        Intervals of each pass; the first second is the look-back.
    background_cps : ndarray of shape (n_pass, n_panel), float64
        Background as the portal measured it.
    expected_nsigma : ndarray of shape (n_pass,), float64
        As in the truth of a pass.
    """

    counts: NDArray[np.int64]
    n_interval: NDArray[np.int64]
    background_cps: NDArray[np.float64]
    expected_nsigma: NDArray[np.float64]


class PassSpectra(NamedTuple):
    """Spectra of many passes on one axis.

    Attributes
    ----------
    spectra : ndarray of shape (n_pass, n_interval, n_panel, n_bin), uint16
        Counts; 0 after the end of a pass. One "panel" if they are summed.
    n_interval : ndarray of shape (n_pass,), int64
        Intervals of each pass.
    background_cps : ndarray of shape (n_pass, n_panel, n_bin), float64
        Background as the portal measured it.
    edges_kev : ndarray of shape (n_bin + 1,), float64
        Axis.
    """

    spectra: NDArray[np.uint16]
    n_interval: NDArray[np.int64]
    background_cps: NDArray[np.float64]
    edges_kev: NDArray[np.float64]


class ExpectedPass(NamedTuple):
    """What an oracle knows: the means from which a pass is drawn, before dead time.

    Attributes
    ----------
    background : ndarray of shape (n_interval, n_panel, n_bin), float64
        Expected counts of background and surroundings.
    source : ndarray of shape (n_interval, n_panel, n_bin), float64
        Expected counts of the sources.
    """

    background: NDArray[np.float64]
    source: NDArray[np.float64]


def sqrt_edges_kev(n_bin: int = 128, low_kev: float = 50.0, high_kev: float = 3000.0) -> NDArray[np.float64]:
    """Return an axis whose bins widen as the square root of energy, as resolution does.

    Parameters
    ----------
    n_bin : int, default 128
        Bins.
    low_kev, high_kev : float
        Ends, keV.

    Returns
    -------
    ndarray of shape (n_bin + 1,), float64
        Edges, keV.

    Raises
    ------
    ValueError
        If there is no bin, or the ends are not in order.
    """
    if n_bin < 1 or not 0.0 <= low_kev < high_kev:
        raise ValueError(
            f"an axis has a bin or more from 0 keV up, got {n_bin} from {low_kev:g} to {high_kev:g}"
        )
    return np.linspace(np.sqrt(low_kev), np.sqrt(high_kev), n_bin + 1) ** 2


def simulate_counts(
    recipes: OccupancyRecipe | Sequence[OccupancyRecipe], seeds: Iterable[int] | None = None
) -> PassCounts:
    """Simulate the gross counts of many passes, as :func:`simulate_occupancy` draws them.

    Parameters
    ----------
    recipes : OccupancyRecipe or sequence of OccupancyRecipe
        One for all seeds, or one for each.
    seeds : iterable of int, optional
        Seeds; the recipes' own when omitted.

    Returns
    -------
    PassCounts
        The same counts as the scans of these recipes and seeds hold, if no interval is lost.

    Raises
    ------
    ValueError
        If there are no passes, or recipes and seeds do not match, or a portal gives spectra.
    """
    pairs = paired(recipes, seeds, "rpm")
    found, before, nsigma = [], [], []
    fixed = fixed_part(pairs[0][0])
    last = pairs[0][0]
    for recipe, seed in pairs:
        rngs = Streams(seed)
        if recipe is not last:
            last, fixed = recipe, fixed_part(recipe)
        plan = plan_pass(recipe, rngs.shadow, fixed)
        drawn = draw_surroundings(plan, rngs) + draw_gross(plan, plan.sources, rngs.source)
        found.append(finish_gross(recipe, drawn, rngs.loss).counts)
        before.append(measured_background(plan, None, rngs.background)[0])
        nsigma.append(expected_nsigma(plan))
    n_interval = np.array([one.shape[0] for one in found])
    counts = np.full((len(found), int(n_interval.max()), found[0].shape[1]), -1, dtype=np.int64)
    for k, one in enumerate(found):
        counts[k, : one.shape[0]] = one
    return PassCounts(counts, n_interval, np.stack(before), np.array(nsigma))


def simulate_spectra(
    recipes: OccupancyRecipe | Sequence[OccupancyRecipe],
    seeds: Iterable[int] | None = None,
    *,
    edges_kev: NDArray[np.float64] | None = None,
    is_summed: bool = True,
) -> PassSpectra:
    """Simulate the spectra of many passes on one energy axis, each log by its own calibration.

    Parameters
    ----------
    recipes : OccupancyRecipe or sequence of OccupancyRecipe
        One for all seeds, or one for each.
    seeds : iterable of int, optional
        Seeds; the recipes' own when omitted.
    edges_kev : ndarray of shape (n_bin + 1,), float64, optional
        Axis; 128 bins from 50 to 3,000 keV as :func:`sqrt_edges_kev` gives them when omitted.
    is_summed : bool, default True
        Sum the panels.

    Returns
    -------
    PassSpectra
        The spectra. 30,000 passes of 80 intervals and 128 bins take 600 MB.

    Raises
    ------
    ValueError
        If there are no passes, recipes and seeds do not match, a portal gives no spectra, or the axis is
        none.
    """
    edges = checked_edges(edges_kev)
    pairs = paired(recipes, seeds, "srpm")
    n_panel = 1 if is_summed else pairs[0][0].n_panel
    found, before = [], []
    fixed = fixed_part(pairs[0][0])
    last = pairs[0][0]
    for recipe, seed in pairs:
        rngs = Streams(seed)
        if recipe is not last:
            last, fixed = recipe, fixed_part(recipe)
        plan = plan_pass(recipe, rngs.shadow, fixed)
        crystals = draw_crystals(recipe.n_panel, recipe.n_channel, rngs.crystal)
        accepted = accept_events(plan, crystals, draw_all_events(plan, rngs), rngs.loss)
        events, _ = count_events(plan, accepted, rngs.loss)
        found.append(histogram_on(events, plan, edges, is_summed=is_summed))
        mean = _binned(plan, background_before(plan), crystals, edges, is_before=True)[0]
        recorded = rngs.background.poisson(mean) / recipe.background_live_s
        before.append(recorded.sum(axis=0, keepdims=True) if is_summed else recorded)
    n_interval = np.array([one.shape[0] for one in found])
    spectra = np.zeros((len(found), int(n_interval.max()), n_panel, edges.size - 1), dtype=np.uint16)
    for k, one in enumerate(found):
        spectra[k, : one.shape[0]] = one
    return PassSpectra(spectra, n_interval, np.stack(before), edges)


def expected_pass(
    recipe: OccupancyRecipe, seed: int, edges_kev: NDArray[np.float64] | None = None
) -> ExpectedPass:
    """Return the means from which a spectroscopic pass is drawn.

    Parameters
    ----------
    recipe : OccupancyRecipe
        The pass.
    seed : int
        Seed: of the load's texture and the logs' calibrations.
    edges_kev : ndarray of shape (n_bin + 1,), float64, optional
        Axis, as in :func:`simulate_spectra`.

    Returns
    -------
    ExpectedPass
        Expected counts.

    Raises
    ------
    ValueError
        If the portal gives no spectra.
    """
    if recipe.portal != "srpm":
        raise ValueError(f"only a portal of kind srpm gives spectra, got {recipe.portal}")
    edges = checked_edges(edges_kev)
    rngs = Streams(seed)
    plan = plan_pass(recipe, rngs.shadow)
    crystals = draw_crystals(recipe.n_panel, recipe.n_channel, rngs.crystal)
    background = _binned(plan, plan.background, crystals, edges)
    for part in plan.surroundings:
        background = background + _binned(plan, part, crystals, edges)
    source = np.zeros(background.shape)
    for part in plan.sources:
        source += _binned(plan, part, crystals, edges)
    return ExpectedPass(background, source)


def paired(
    recipes: OccupancyRecipe | Sequence[OccupancyRecipe], seeds: Iterable[int] | None, portal: str
) -> list[tuple[OccupancyRecipe, int]]:
    """Return each pass's recipe and seed.

    Parameters
    ----------
    recipes : OccupancyRecipe or sequence of OccupancyRecipe
        One for all seeds, or one for each.
    seeds : iterable of int, optional
        Seeds; the recipes' own when omitted.
    portal : {"rpm", "srpm"}
        Kind of portal that is needed.

    Returns
    -------
    list of (OccupancyRecipe, int)
        The passes, at least one, all with as many panels.

    Raises
    ------
    ValueError
        If there are no passes, recipes and seeds do not match, or portals differ.
    """
    if isinstance(recipes, OccupancyRecipe):
        chosen = [recipes.seed] if seeds is None else list(seeds)
        pairs = [(recipes, seed) for seed in chosen]
    else:
        chosen = [one.seed for one in recipes] if seeds is None else list(seeds)
        if len(chosen) != len(recipes):
            raise ValueError(f"{len(recipes)} recipes need as many seeds, got {len(chosen)}")
        pairs = list(zip(recipes, chosen, strict=True))
    if not pairs:
        raise ValueError("at least one pass is needed, got none")
    for recipe, _ in pairs:
        if recipe.portal != portal:
            raise ValueError(f"a portal of kind {portal} is needed, got {recipe.portal}")
        if recipe.n_panel != pairs[0][0].n_panel:
            raise ValueError(f"all portals need {pairs[0][0].n_panel} panels, got {recipe.n_panel}")
    return pairs


def checked_edges(edges_kev: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """Return an axis of energy.

    Parameters
    ----------
    edges_kev : ndarray of shape (n_bin + 1,), float64, or None
        Edges, keV; None: as :func:`sqrt_edges_kev` gives them.

    Returns
    -------
    ndarray of shape (n_bin + 1,), float64
        Edges, keV.

    Raises
    ------
    ValueError
        If they do not rise.
    """
    if edges_kev is None:
        return sqrt_edges_kev()
    edges = np.asarray(edges_kev, dtype=np.float64)
    if edges.ndim != 1 or edges.size < 2 or not (np.diff(edges) > 0).all():
        raise ValueError(f"edges_kev are two or more, rising, got {edges!r}")
    return edges


def histogram_on(
    events: Events, plan: PassPlan, edges: NDArray[np.float64], *, is_summed: bool
) -> NDArray[np.uint16]:
    """Return spectra of events on an axis.

    Parameters
    ----------
    events : Events
        Events by stated energy.
    plan : PassPlan
        Their pass.
    edges : ndarray of shape (n_bin + 1,), float64
        Axis, keV.
    is_summed : bool
        Sum the panels.

    Returns
    -------
    ndarray of shape (n_interval, n_panel or 1, n_bin), uint16
        Counts; 65535 and more are 65535.
    """
    n_bin = edges.size - 1
    n_panel = 1 if is_summed else plan.recipe.n_panel
    at = np.searchsorted(edges, events.energy_kev, side="right") - 1
    inside = (at >= 0) & (at < n_bin)
    cell = events.cell // plan.recipe.n_panel if is_summed else events.cell
    flat = cell[inside] * n_bin + at[inside]
    counts = np.bincount(flat, minlength=plan.t_s.size * n_panel * n_bin)
    most = np.iinfo(np.uint16).max
    return np.minimum(counts, most).astype(np.uint16).reshape(plan.t_s.size, n_panel, n_bin)


def _binned(
    plan: PassPlan,
    part: Contribution,
    crystals: Crystals,
    edges: NDArray[np.float64],
    *,
    is_before: bool = False,
) -> NDArray[np.float64]:
    """Return expected counts on an axis of stated energy, (n_interval, n_panel, n_bin)."""
    fine = plan.response.edges_kev
    middle = 0.5 * (fine[1:] + fine[:-1])
    n_interval, n_panel = part.weight.shape[:2]
    gain = np.ones((n_interval, n_panel)) if plan.gain is None or is_before else np.round(plan.gain, 3)
    found = np.zeros((n_interval, n_panel, edges.size - 1))
    for panel in range(n_panel):
        for one in np.unique(gain[:, panel]):
            stated = one * float(crystals.error[panel])
            passed = part.table.spectra[part.rows] * pass_discriminator(middle * stated)
            summed = np.concatenate([np.zeros((part.rows.size, 1)), np.cumsum(passed, axis=1)], axis=1)
            rows = np.stack([np.diff(np.interp(edges, fine * stated, row)) for row in summed])
            chosen = gain[:, panel] == one
            found[chosen, panel] = part.weight[chosen, panel] @ rows
    return found
