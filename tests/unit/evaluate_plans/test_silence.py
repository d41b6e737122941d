"""Silence is a miss where something is to be found, and earns nothing where nothing is."""

from __future__ import annotations

import pytest

from screening.evaluate.plans import parse_plan
from screening.evaluate.plans.asking import TrialOutcome
from screening.evaluate.plans.points import PASSED, point_figures

HEADER = '[plan]\nname = "t"\nversion = "1"\n[[scenario]]\nkind = "benign"\nname = "one"\nportal = "rpm"\n'
BY_HOUR = HEADER + 'traffic = "empty lane"\nhours = 40.0\nmaximum_per_hour = 0.1\n'
BY_TRIAL = HEADER + 'traffic = "vehicles"\ntrials = 60\nmaximum = 0.1\n'
FOUND = (
    '[plan]\nname = "t"\nversion = "1"\n[[scenario]]\nkind = "source"\nname = "one"\nportal = "rpm"\n'
    'sources = [{ nuclide = "Cs-137", activity = "1 MBq" }]\ntrials = 60\nrequired = 0.95\n'
)


def figures(text, events):
    plan = parse_plan(text)
    rows = [
        TrialOutcome(
            scenario=0,
            point=0,
            index=index,
            seed=index,
            detector="d",
            event=event,
            level="UNKNOWN" if event is None else "LOW",
            duration_s=3600.0,
        )
        for index, event in enumerate(events)
    ]
    made = point_figures(plan, plan.scenario[0], "d", rows, "s", is_short=False)
    return {one.metric: one for one in made}, made[0]


@pytest.mark.parametrize("text", [BY_HOUR, BY_TRIAL])
def test_a_detector_that_never_answers_passes_no_limit(text):
    by_metric, first = figures(text, [None] * 60)
    assert by_metric[PASSED].value is None
    assert "no answer to any of 60 trials" in by_metric[PASSED].note
    assert (first.value, first.n) == (None, 0.0)
    assert by_metric["UNKNOWN"].value == 1.0


@pytest.mark.parametrize("text", [BY_HOUR, BY_TRIAL])
def test_only_answered_trials_count_against_a_limit(text):
    by_metric, first = figures(text, [False] * 45 + [None] * 15)
    assert first.n == 45
    assert "15 of 60 trials without an answer are not counted" in first.note
    assert by_metric[PASSED].value == 1.0
    assert by_metric["UNKNOWN"].value == 0.25


def test_silence_is_a_miss_where_a_source_is():
    by_metric, first = figures(FOUND, [True] * 50 + [None] * 10)
    assert (first.k, first.n) == (50, 60)
    assert by_metric[PASSED].value == 0.0
