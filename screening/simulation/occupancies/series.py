"""One pass at several activities, with common random numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .batch import checked_edges, histogram_on
from .counting import (
    Streams,
    accept_events,
    count_events,
    draw_all_events,
    draw_surroundings,
    finish_gross,
)
from .draw import draw_events, draw_gross
from .electronics import SATURATION_CPS, Events, draw_crystals
from .expected import plan_pass
from .recipe import OccupancyRecipe

__all__ = ["Series", "simulate_series"]


class Series(NamedTuple):
    """One pass at several activities, with common random numbers.

    Attributes
    ----------
    counts : ndarray of shape (n_scale, n_interval, n_panel), int64
        Gross counts.
    spectra : ndarray of shape (n_scale, n_interval, n_panel, n_bin), uint16, or None
        Spectra, of a spectroscopic portal.
    """

    counts: NDArray[np.int64]
    spectra: NDArray[np.uint16] | None


def simulate_series(
    recipe: OccupancyRecipe,
    scales: Sequence[float],
    seed: int,
    *,
    edges_kev: NDArray[np.float64] | None = None,
) -> Series:
    """Simulate one pass at several activities: the same background, and nested draws of the sources.

    The sources are drawn once, at the largest scale; each event keeps a mark, and a smaller scale keeps the
    events whose marks are below its share. So what a weaker source leaves is a part of what a stronger one
    leaves, and both share every count of the background, until counts are so many that they pile up.

    Parameters
    ----------
    recipe : OccupancyRecipe
        The pass.
    scales : sequence of float
        Factors on the activities of its sources, 0 or more.
    seed : int
        Seed.
    edges_kev : ndarray of shape (n_bin + 1,), float64, optional
        Axis of the spectra, as in :func:`simulate_spectra`.

    Returns
    -------
    Series
        In the order of the scales; a spectroscopic log counts nothing where a scale saturates it.

    Raises
    ------
    ValueError
        If there is no scale, or one is negative or not finite.
    """
    factors = np.asarray(scales, dtype=np.float64)
    if factors.ndim != 1 or factors.size == 0 or not (np.isfinite(factors).all() and factors.min() >= 0.0):
        raise ValueError(f"scales are one or more factors from 0 up, got {scales!r}")
    edges = checked_edges(edges_kev)
    largest = float(factors.max())
    shares = factors / largest if largest > 0 else factors
    rngs = Streams(seed)
    plan = plan_pass(recipe, rngs.shadow)
    plan = plan._replace(sources=tuple(part._replace(weight=part.weight * largest) for part in plan.sources))
    losses = np.random.SeedSequence([seed, 0x1055])
    if recipe.portal == "rpm":
        around = draw_surroundings(plan, rngs)
        held = draw_gross(plan, plan.sources, rngs.source)
        kept: dict[float, NDArray[np.int64]] = {}
        last = 1.0
        for share in sorted(set(shares.tolist()), reverse=True):
            held = rngs.source.binomial(held, share / last) if share < last else held
            last = max(share, 1e-300)
            kept[share] = held
        counts = np.stack(
            [
                finish_gross(recipe, around + kept[share], np.random.default_rng(losses)).counts
                for share in shares.tolist()
            ]
        )
        return Series(counts, None)
    crystals = draw_crystals(recipe.n_panel, recipe.n_channel, rngs.crystal)
    bare = plan.events((plan.background, *plan.surroundings))
    full = plan.events(plan.sources)
    limit = SATURATION_CPS * recipe.interval_s
    # The strongest share that leaves a log unsaturated is all that has to be drawn for it.
    drawn = np.clip((limit - bare) / np.maximum(full, 1e-300), 0.0, 1.0)
    sources = tuple(part._replace(weight=part.weight * drawn[..., np.newaxis]) for part in plan.sources)
    bare_parts = draw_all_events(plan._replace(sources=()), rngs)
    accepted = accept_events(plan, crystals, bare_parts, rngs.loss)
    full_parts = draw_events(plan, sources, rngs.source)
    ((source, luck),) = accept_events(plan, crystals, [full_parts], rngs.source)
    marks = rngs.source.random(source.cell.size) * drawn.ravel()[source.cell]
    found = []
    for share in shares.tolist():
        is_counting = (bare + share * full < limit).ravel()
        some = (marks < share) & is_counting[source.cell]
        weaker = Events(source.cell[some], source.energy_kev[some]), luck[some]
        without = [_within(one, lucks, is_counting) for one, lucks in accepted]
        events, _ = count_events(plan, [*without, weaker], np.random.default_rng(losses))
        found.append(histogram_on(events, plan, edges, is_summed=False))
    spectra = np.stack(found)
    return Series(spectra.sum(axis=-1, dtype=np.int64), spectra)


def _within(
    events: Events, luck: NDArray[np.float64], is_counting: NDArray[np.bool_]
) -> tuple[Events, NDArray[np.float64]]:
    """Return the events of logs that count, with their luck."""
    inside = is_counting[events.cell]
    return Events(events.cell[inside], events.energy_kev[inside]), luck[inside]
