"""Silence is a miss where something is to be found, and earns nothing where nothing is."""

from __future__ import annotations

import pytest

from screening.errors import ConfigurationError
from screening.evaluate.plans import parse_plan
from screening.evaluate.plans.asking import TrialOutcome
from screening.evaluate.plans.points import PASSED, point_figures
from screening.evaluate.plans.results import plan_part
from screening.evaluate.plans.trials import measured_samples
from screening.evaluate.record import DetectorTested

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


def left_out_by(name, text, is_served):
    """Return the part of a plan with 60 trials that "whole" answers, and another as told."""
    rows = [
        TrialOutcome(
            scenario=0,
            point=0,
            index=index,
            seed=index,
            detector=detector,
            event=(text is FOUND) if answers else None,
            level="HIGH" if answers else "UNKNOWN",
            is_served=answers,
        )
        for detector, served in (("whole", [True] * 60), (name, is_served))
        for index, answers in enumerate(served)
    ]
    tested = tuple(DetectorTested(name=one) for one in ("whole", name))
    part = plan_part(parse_plan(text), rows, tested, seed=0, is_short=False, sha256="")
    return part, {(one.detector, one.metric): one for one in part.figures}


@pytest.mark.parametrize("first", [True, False])
def test_trials_that_are_left_out_while_others_are_answered_are_misses(first):
    part, found = left_out_by("choosy", FOUND, [first, *([True] * 49), *([False] * 9), not first])
    assert (found["choosy", "alarm"].k, found["choosy", "alarm"].n) == (50, 60)
    assert found["choosy", PASSED].value == 0.0
    assert found["choosy", "UNKNOWN"].k == 10
    assert found["whole", PASSED].value == 1.0
    (left_out,) = part.left_out
    assert (left_out.kind, left_out.n, left_out.is_error) == ("not served", 10, True)
    assert "choosy leaves out 10 of 60 trials" in left_out.text


def test_trials_that_are_left_out_count_against_no_limit_and_are_an_error():
    part, found = left_out_by("choosy", BY_TRIAL, [True] * 50 + [False] * 10)
    assert found["choosy", "alarm"].n == 50
    assert "10 of 60 trials without an answer are not counted" in found["choosy", "alarm"].note
    assert [one.is_error for one in part.left_out] == [True]


def test_a_detector_that_leaves_out_every_trial_is_not_judged():
    part, found = left_out_by("other", FOUND, [False] * 60)
    assert not [key for key in found if key[0] == "other"]
    assert [(one.kind, one.is_error) for one in part.left_out] == [("not served", False)]


def test_measured_rows_of_unknown_nuclides_are_not_identified_by_silence(tmp_path):
    folder = tmp_path / "passes"
    folder.mkdir()
    rows = ["a.n42,Cs-137,yes", "b.n42,,yes", "c.n42,none,no", "d.n42,none,yes"]
    for row in rows:
        (folder / row.partition(",")[0]).write_bytes(b"x")
    labels = folder / "labels.csv"
    labels.write_text("\n".join(["path,truth_nuclides,has_source", *rows]) + "\n", encoding="utf-8")
    (scenario,) = parse_plan(
        '[plan]\nname = "t"\nversion = "1"\n[[scenario]]\nkind = "measured"\nname = "one"\n'
        'folder = "passes"\nevent = "identified"\nrequired = 0.9\n'
    ).scenario
    samples, problems = measured_samples(scenario, tmp_path)
    assert [one.path for one in samples] == ["a.n42", "c.n42"]
    assert [(one.kind, one.where) for one in problems] == [
        ("contradiction", "labels.csv row 5"),
        ("truth not known", "b.n42#0"),
        ("truth not known", "d.n42#0"),
    ]
    labels.write_text("path,truth_nuclides\na.n42,\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="needs truth_nuclides"):
        measured_samples(scenario, tmp_path)
