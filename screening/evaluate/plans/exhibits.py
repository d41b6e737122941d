"""Trials to look at of a scenario that is not passed, with what replays them."""

from __future__ import annotations

from screening.errors import ScreeningError
from screening.evaluate.record import Box, Exhibit, Figure, PictureView, SpectrumView
from screening.records import Occupancy

from .asking import TrialOutcome
from .image_scenarios import MeasuredScenario
from .points import PASSED, metric_of
from .scenario import Scenario
from .sweeping import Sweep
from .trials import make_trial

__all__ = ["failing_trials"]

#: Most trials that an exhibit names.
MOST_NAMED = 40


def failing_trials(
    scenario: Scenario,
    sweep: Sweep | None,
    name: str,
    rows: list[TrialOutcome],
    figures: list[Figure],
    section: str,
    *,
    seed: int,
    is_short: bool,
) -> list[Exhibit]:
    """Return the trials to look at of a scenario that is not passed.

    Parameters
    ----------
    scenario : Scenario
        The scenario.
    sweep : Sweep or None
        What it varies: a curve has no failing trials.
    name : str
        The detector.
    rows : list of TrialOutcome
        Its outcomes.
    figures : list of Figure
        With the verdict.
    section : str
        Where they stand.
    seed : int
        Of the run: the first of them is made again and shown.
    is_short : bool
        Pictures as thumbnails.

    Returns
    -------
    list of Exhibit
        One that names them with their seeds and shows the first, or none.
    """
    key = (scenario.name, name, PASSED)
    verdict = [one for one in figures if (one.stratum, one.detector, one.metric) == key]
    if sweep is not None or not verdict or verdict[-1].value == 1.0:
        return []
    is_wanted = scenario.required is not None
    bad = [one for one in rows if (one.event is True) != is_wanted]
    if not bad:
        return []
    listed = [
        f"{one.sample or f'trial {one.index}'} (seed {one.seed}): {one.level}"
        + (f" {' '.join(one.codes)}" if one.codes else "")
        for one in bad[:MOST_NAMED]
    ]
    if len(bad) > MOST_NAMED:
        listed.append(f"and {len(bad) - MOST_NAMED} more, in trials.jsonl")
    how_often = f"{len(bad)} of {len(rows)} trials"
    metric = metric_of(scenario)
    spectrum, picture = _shown(scenario, bad[0], seed, is_short=is_short)
    return [
        Exhibit(
            section=section,
            detector=name,
            sample=f"{scenario.name} #{bad[0].index}",
            title=f"{scenario.name}: "
            + (f"missed in {how_often}: {metric}" if is_wanted else f"{metric} in {how_often}"),
            text="; ".join(listed),
            spectrum=spectrum,
            picture=picture,
        )
    ]


def _shown(
    scenario: Scenario, outcome: TrialOutcome, seed: int, *, is_short: bool
) -> tuple[SpectrumView | None, PictureView | None]:
    """Return the spectrum or the picture of a simulated trial."""
    from screening.evaluate.failures import spectrum_of
    from screening.evaluate.radiographs.exhibits import rendering

    if isinstance(scenario, MeasuredScenario):
        return None, None
    try:
        trial = make_trial(scenario, outcome.index, seed, point=outcome.point, is_short=is_short)
    except ScreeningError:
        return None, None
    if isinstance(trial.scan.payload, Occupancy):
        return spectrum_of(trial.scan.payload), None
    png, step = rendering(trial.scan)
    boxes = tuple(
        Box(
            row0=one["row0"] / step,
            col0=one["col0"] / step,
            row1=one["row1"] / step,
            col1=one["col1"] / step,
            kind="missed",
            label=str(one["label"]),
        )
        for one in trial.truth.get("objects", ())
    )
    return None, PictureView(png=png, boxes=boxes)
