"""Spectra that were answered wrongly, made again from their seeds and shown with the fit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from screening.config import Settings
from screening.errors import ScreeningError
from screening.evaluate.record import Exhibit, SpectrumView
from screening.records import Scan

from .parents import draw_sample, make_parent
from .plan import BenchPlan, parent_plans
from .scored import Answer

__all__ = ["failures", "spectrum_view"]

#: A view has at most this many bins: it is looked at, not computed with.
_MOST_BINS = 400


def failures(
    answers: Sequence[Answer],
    plan: BenchPlan,
    settings: Settings,
    *,
    seed: int,
    section: str,
    detector: str,
    n_most: int = 8,
) -> list[Exhibit]:
    """Return the worst mistakes of a detector: false SNM, wrong, missed, the clearest spectra first.

    Parameters
    ----------
    answers : sequence of Answer
        Of one detector, of simulated spectra.
    plan : BenchPlan
        The plan they were made after.
    settings : Settings
        Of the pipeline whose fit is shown.
    seed : int
        Of the bench.
    section, detector : str
        Where they stand.
    n_most : int
        How many at most, each of another truth and instrument class.

    Returns
    -------
    list of Exhibit
        With the pipeline's fit where it made one.
    """
    order = {"wrong": 0, "missed": 1, "partial": 2}
    bad = [one for one in answers if one.score.verdict.value in order]
    bad.sort(
        key=lambda one: (
            not one.score.is_false_snm,
            order[one.score.verdict.value],
            -one.case.net_counts,
            one.case.id,
        )
    )
    plans = {one.number: one for one in parent_plans(plan)}
    seen: set[tuple[tuple[str, ...], str]] = set()
    shown: list[Exhibit] = []
    n_of: dict[str, int] = {}
    for one in bad:
        key = (one.case.truth, one.case.group)
        kind = "false SNM" if one.score.is_false_snm else one.score.verdict.value
        # Some of each kind of failure, not all of the worst.
        if key in seen or n_of.get(kind, 0) >= max(n_most // 3, 1) or len(shown) >= n_most:
            continue
        seen.add(key)
        n_of[kind] = n_of.get(kind, 0) + 1
        sample = draw_sample(make_parent(plans[one.case.number], seed), one.case.place)
        truth = " + ".join(one.case.truth) or "background alone"
        named = ", ".join(one.reply.nuclides or ()) or "nothing"
        shown.append(
            Exhibit(
                section=section,
                detector=detector,
                sample=one.case.id,
                title=f"{kind}: {truth} named {named}",
                text=f"{one.case.group}, {one.case.level}, "
                f"{'with' if one.case.has_background else 'without'} a separate background; "
                f"codes: {', '.join(one.reply.codes) or 'none'}",
                spectrum=spectrum_view(sample.scan, settings),
            )
        )
    return shown


def spectrum_view(scan: Scan, settings: Settings) -> SpectrumView:
    """Return a spectrum with the pipeline's fit.

    Parameters
    ----------
    scan : Scan
        A static measurement.
    settings : Settings
        Of the pipeline.

    Returns
    -------
    SpectrumView
        Merged to some hundred bins; without a model where there was no fit.
    """
    from screening.assembly import build_pipeline

    products = dict(build_pipeline(settings).screen(scan).products)
    edges, counts, fit = (products.get(name) for name in ("energy_edges_kev", "spectrum", "fit"))
    if edges is None or counts is None:
        raise ScreeningError("the pipeline looked at no spectrum of this scan")
    shown_edges, shown = _merged(edges, counts)
    model = () if fit is None else tuple(float(value) for value in _merged(edges, fit)[1])
    return SpectrumView(
        energy_kev=tuple(float(value) for value in shown_edges),
        counts=tuple(float(value) for value in shown),
        model=model,
        model_name="fit of the pipeline" if model else "",
    )


def _merged(
    edges: NDArray[np.float64], counts: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    step = -(-counts.size // _MOST_BINS)
    starts = np.arange(0, counts.size, step)
    return np.append(edges[starts], edges[-1]), np.add.reduceat(np.asarray(counts, dtype=np.float64), starts)
