"""Plans are run whole: verdicts, what fails, resuming, processes."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest

from screening.archive import write_scan
from screening.config import Settings
from screening.errors import ConfigurationError
from screening.evaluate.detectors import Candidate, DetectorAnswer
from screening.evaluate.plans import (
    describe_plan,
    example_plan,
    exit_status,
    parse_plan,
    run_plan,
    time_plan,
    verdict_table,
)
from screening.evaluate.plans.asking import TrialOutcome
from screening.evaluate.plans.points import PASSED
from screening.evaluate.record import Provenance, joined
from screening.records import Level, Occupancy
from screening.simulation.occupancies import OccupancyRecipe, SourceRecipe, simulate_occupancy

PLAN = """
[plan]
name = "Small plan"
version = "3"
remarks = "for a test"

[[scenario]]
kind = "source"
name = "strong"
portal = "rpm"
sources = [{ nuclide = "Cs-137", activity = "1 MBq" }]
trials = 30
required = 0.9

[[scenario]]
kind = "benign"
name = "nothing"
portal = "rpm"
trials = 30
maximum = 0.1
maximum_unknown = 0.1

[[scenario]]
kind = "source"
name = "curve"
portal = "rpm"
sources = [{ nuclide = "Cs-137", activity = ["20 kBq", "40 kBq", "60 kBq", "100 kBq"] }]
trials = 25
required = 0.9
limit = "1 MBq"
"""


class Counting:
    """A detector that alarms above some counts in its busiest interval, and notes how often it was asked."""

    name = "counting"
    version = "1"
    capabilities = frozenset(("radiation", "alarm"))

    def __init__(self, answer=None):
        self.n_asked = 0
        self._answer = answer

    def answer(self, scan):
        self.n_asked += 1
        if self._answer is not None:
            return self._answer(self, scan)
        payload = scan.payload
        assert isinstance(payload, Occupancy)
        # five seconds' background is the largest sum that chance makes of one
        expected = float(payload.background.gamma_cps.sum())
        window = np.convolve(payload.gamma_counts.sum(axis=1), np.ones(5), "valid").max()
        alarm = bool(window > expected + 4.0 * math.sqrt(expected))
        return DetectorAnswer(level=Level.HIGH if alarm else Level.LOW, alarm=alarm)


@pytest.fixture
def plan_file(tmp_path):
    path = tmp_path / "plan.toml"
    path.write_text(PLAN, encoding="utf-8")
    return path


def figures_of(part, metric, stratum, detector="counting"):
    return [f for f in part.figures if (f.metric, f.stratum, f.detector) == (metric, stratum, detector)]


def run(plan, tmp_path, detector=None, **more):
    return run_plan(plan, tmp_path / "work", detectors=[detector or Counting()], settings=Settings(), **more)


def test_a_plan_is_judged_with_the_counts_behind_it(plan_file, tmp_path):
    part = run(plan_file, tmp_path)
    (strong,) = figures_of(part, "alarm", "strong")
    assert (strong.k, strong.n, strong.value) == (30, 30.0, 1.0)
    assert strong.low == pytest.approx(0.05 ** (1 / 30))
    (passed,) = figures_of(part, PASSED, "strong")
    assert passed.value == 1.0
    assert "at least 0.9: 30 of 30" in passed.note
    (nothing,) = figures_of(part, PASSED, "nothing")
    assert nothing.value == 1.0
    assert "UNKNOWN at most 0.1: 0 of 30" in nothing.note
    shares = [figures_of(part, "alarm", f"curve: {x}")[0].value for x in ("20 kBq", "40 kBq", "100 kBq")]
    assert shares == sorted(shares)
    assert figures_of(part, "alarm", "curve: no source")[0].n == 25
    (mda,) = figures_of(part, "activity at probability 0.9", "curve")
    assert mda.unit == "MBq"
    assert 0.02 < mda.value < 0.1
    assert exit_status(part) == (0 if figures_of(part, PASSED, "curve")[0].value == 1.0 else 3)
    assert part.curves[0].series[0].style == "points"
    evaluation = joined([part], title="t", provenance=Provenance(version="0"))
    assert msgspec.json.decode(msgspec.json.encode(evaluation), type=type(evaluation)) == evaluation
    assert "counting" in verdict_table(part)


def test_unknown_no_answer_and_failure_are_misses_and_can_be_replayed(plan_file, tmp_path):
    def _answer(detector, scan):
        kind = detector.n_asked % 3
        if kind == 0:
            raise RuntimeError("out of order")
        if kind == 1:
            return DetectorAnswer(level=Level.UNKNOWN, codes=("BKG_STALE",))
        return DetectorAnswer(level=Level.HIGH, alarm=True)

    part = run(plan_file, tmp_path, Counting(_answer))
    (strong,) = figures_of(part, "alarm", "strong")
    assert (strong.k, strong.n) == (10, 30.0)
    (unknown,) = figures_of(part, "UNKNOWN", "strong")
    assert unknown.k == 20
    assert unknown.note == "BKG_STALE 10, MODEL_ERROR 10"
    assert figures_of(part, PASSED, "strong")[0].value == 0.0
    assert figures_of(part, PASSED, "nothing")[0].value == 0.0  # a third alarms, and two thirds are UNKNOWN
    assert exit_status(part) == 3
    failed = [one for one in part.left_out if one.kind == "detector failed"]
    assert failed[0].is_error
    assert "RuntimeError: out of order" in failed[0].text
    (exhibit,) = [one for one in part.exhibits if one.sample.startswith("strong")]
    assert exhibit.title == "strong: missed in 20 of 30 trials: alarm"
    lines = (tmp_path / "work" / "trials.jsonl").read_bytes().splitlines()
    outcomes = [msgspec.json.decode(line, type=TrialOutcome) for line in lines]
    missed = next(one for one in outcomes if one.scenario == 0 and one.event is not True)
    assert f"trial {missed.index} (seed {missed.seed})" in exhibit.text


def test_what_a_detector_does_not_answer_is_left_out_and_not_failed(tmp_path):
    path = tmp_path / "plan.toml"
    path.write_text(
        PLAN.split("[[scenario]]")[0]
        + """
[[scenario]]
kind = "source"
name = "in time"
portal = "rpm"
sources = [{ nuclide = "Cs-137", activity = "1 MBq" }]
trials = 30
required = 0.9
event = "alarm-within"
within = "2 s"

[[scenario]]
kind = "image"
name = "picture"
scene = "empty"
trials = 1
maximum = 0.99
event = "loaded"
""",
        encoding="utf-8",
    )
    part = run(path, tmp_path, is_short=True)
    assert {(one.kind, one.where, one.is_error) for one in part.left_out} == {
        ("not served", "in time", False),
        ("not served", "picture", False),
    }
    assert part.figures == ()
    assert exit_status(part) == 0
    assert verdict_table(part) == "nothing was judged\n"
    path.write_text(path.read_text(encoding="utf-8").partition('[[scenario]]\nkind = "image"')[0])
    whole = run(path, tmp_path)
    assert {(one.kind, one.where, one.n, one.is_error) for one in whole.left_out} == {
        ("not served", "in time", 30, False),
        ("not judged", "in time", 30, True),  # a plan that could not be judged was not passed
    }


def test_a_detector_that_ends_the_program_is_a_miss(tmp_path):
    class Ending(Counting):
        def answer(self, scan):
            raise SystemExit(0)

    path = tmp_path / "plan.toml"
    path.write_text(PLAN.partition('\n[[scenario]]\nkind = "benign"')[0], encoding="utf-8")
    part = run(path, tmp_path, Ending())
    (failed,) = part.left_out
    assert (failed.kind, failed.n, failed.is_error) == ("detector failed", 30, True)
    assert "SystemExit" in failed.text
    assert exit_status(part) == 3


def test_an_alarm_must_come_in_time(tmp_path):
    path = tmp_path / "plan.toml"
    path.write_text(
        PLAN.split("[[scenario]]")[0]
        + '[[scenario]]\nkind = "source"\nname = "in time"\nportal = "rpm"\nspeed = "2 m/s"\n'
        'sources = [{ nuclide = "Cs-137", activity = "1 MBq" }]\ntrials = 30\nrequired = 0.9\n'
        'event = "alarm-within"\nwithin = "2 s"\n',
        encoding="utf-8",
    )
    # the source lies 9 m behind the front, which arrives after one second: beside the panels at 5.5 s
    for time_s, k in ((7.4, 30), (7.6, 0)):
        late = Counting(
            lambda _, __, at=time_s: DetectorAnswer(level=Level.HIGH, alarm=True, alarm_time_s=at)
        )
        part = run(path, tmp_path, late)
        assert figures_of(part, "alarm in time", "in time")[0].k == k


def test_a_run_is_taken_up_where_it_was_left(plan_file, tmp_path):
    first = Counting()
    whole = run(plan_file, tmp_path, first)
    assert first.n_asked == 30 + 30 + 25 * 5
    again = Counting()
    assert run(plan_file, tmp_path, again, is_resumed=True) == whole
    assert again.n_asked == 0
    anew = Counting()
    assert run(plan_file, tmp_path, anew) == whole
    assert anew.n_asked == first.n_asked
    with pytest.raises(ConfigurationError):
        run(plan_file, tmp_path, Counting(), is_resumed=True, seed=2)


def test_the_number_of_processes_changes_no_figure(plan_file, tmp_path):
    parts = [
        run_plan(
            plan_file,
            tmp_path / f"w{workers}",
            detectors=["gross-counts"],
            settings=Settings(),
            is_short=True,
            workers=workers,
        )
        for workers in (1, 2)
    ]
    assert parts[0] == parts[1]
    with pytest.raises(ConfigurationError, match=r"counting.*one process"):
        run(plan_file, tmp_path, workers=2)


def test_the_short_form_judges_nothing(plan_file, tmp_path):
    part = run(plan_file, tmp_path, is_short=True)
    verdicts = [one for one in part.figures if one.metric == PASSED]
    assert len(verdicts) == 3
    assert all(one.value is None and one.note.startswith("short form: no measure") for one in verdicts)
    assert exit_status(part) == 0
    assert "Nothing here is a measure" in part.sections[0].text[0]
    assert verdict_table(part).count("not judged") == 3


@pytest.mark.parametrize("name", ["portal", "spectroscopic", "imaging"])
def test_an_example_runs_in_its_short_form(name, tmp_path):
    detectors = {"portal": ["gross-counts"], "spectroscopic": ["gross-counts"]}.get(name)
    silent = Counting(
        lambda *_: DetectorAnswer(
            level=Level.LOW,
            is_loaded=False,
            candidates=(Candidate(row0=0, col0=0, row1=2, col1=2, score=0.1),),
        )
    )
    silent.capabilities = None
    part = run_plan(
        f"example:{name}", tmp_path, detectors=detectors or [silent], settings=Settings(), is_short=True
    )
    assert not [one for one in part.left_out if one.is_error]
    measured = {one.stratum.split(": ")[0] for one in part.figures}
    unserved = {one.where for one in part.left_out}
    asked = {one.name for one in parse_plan(example_plan(name)).scenario}
    assert asked <= measured | unserved
    assert len(asked & measured) >= 3


def test_measured_rows_are_trials_clustered_by_parent(tmp_path):
    folder = tmp_path / "passes"
    folder.mkdir()
    rows = ["path,truth_nuclides,split,parent,group"]
    for k in range(14):
        has_source = k % 2 == 0
        recipe = OccupancyRecipe(
            sources=(SourceRecipe(label="Cs-137", activity_mbq=1.0),) if has_source else ()
        )
        write_scan(folder / f"p{k}.h5", simulate_occupancy(recipe, k)[0])
        truth = "Cs-137" if has_source else "none"
        rows.append(f"p{k}.h5,{truth},test,run{k // 4},{'lane 1' if k < 12 else 'lane 2'}")
    (folder / "p13.h5").write_bytes(b"torn")
    (folder / "labels.csv").write_text("\n".join([*rows, "gone.h5,none,test,,"]) + "\n", encoding="utf-8")
    plan = tmp_path / "plan.toml"
    plan.write_text(
        '[plan]\nname = "m"\nversion = "1"\n'
        '[[scenario]]\nkind = "measured"\nname = "sources"\nfolder = "passes"\nevent = "alarm"\n'
        'required = 0.5\nwhere = { truth_nuclides = "Cs-137" }\n'
        '[[scenario]]\nkind = "measured"\nname = "lane 2"\nfolder = "passes"\nevent = "alarm"\n'
        'maximum = 0.5\nwhere = { group = "lane 2" }\n',
        encoding="utf-8",
    )
    part = run(plan, tmp_path)
    (share,) = figures_of(part, "alarm", "sources")
    assert (share.k, share.n) == (7, 7.0)
    assert share.method == "none: 4 parents, 5 needed"
    assert share.low is None
    assert figures_of(part, PASSED, "sources")[0].value is None  # nothing is concluded from four parents
    assert {one.kind for one in part.left_out} == {"missing scan", "reading failed"}
    assert exit_status(part) == 3
    plan.write_text(plan.read_text().replace("group =", "grope ="), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="no column 'grope'"):
        run(plan, tmp_path)


def test_an_object_must_be_pointed_at_where_it_is(tmp_path):
    path = tmp_path / "plan.toml"
    path.write_text(
        PLAN.split("[[scenario]]")[0]
        + '[[scenario]]\nkind = "image"\nname = "hidden"\nscene = "hidden"\nmaterial = "lead"\n'
        'mass = "50 kg"\nevent = "object"\ntrials = 30\nrequired = 0.9\n',
        encoding="utf-8",
    )
    from screening.evaluate.plans.events import happened
    from screening.evaluate.plans.trials import make_trial

    (scenario,) = parse_plan(path.read_text()).scenario
    trial = make_trial(scenario, 0, 1, is_short=True)
    (one,) = trial.truth["objects"]
    there = Candidate(row0=one["row0"], col0=one["col0"], row1=one["row1"], col1=one["col1"], score=1.0)
    elsewhere = Candidate(row0=0, col0=0, row1=4, col1=4, score=1.0)
    for candidates, found in (((there,), True), ((elsewhere,), False), ((), False), (None, None)):
        answer = DetectorAnswer(level=Level.HIGH, candidates=candidates)
        assert happened(scenario, answer, trial) is found


def test_a_plan_says_what_it_takes(plan_file):
    plan = parse_plan(PLAN)
    text = describe_plan(plan, seconds_per_trial={"strong": 2.0, "nothing": 0.1, "curve": 0.0})
    assert "30 trials against at least 0.9 at 95%; the least is 29" in text
    assert "passes with misses up to 0; a detector with 0.98 passes with 55%" in text
    assert "30 trials against at most 0.1 at 95%; the least is 29" in text
    assert "curve over 4 values of activity, 25 trials each, and 25 without a source, " in text
    assert "for what chance gives: 125 in all" in text
    assert "about 60.0 s in one process" in text
    assert text.endswith(
        "3 scenarios: 185 trials in all\nabout 63.0 s in one process; several go faster (--workers)\n"
    )
    assert "process" not in describe_plan(plan)
    some = describe_plan(plan, seconds_per_trial={"strong": 2.0})
    assert some.endswith("about 60.0 s in one process, 2 not timed; several go faster (--workers)\n")
    named = parse_plan(PLAN.replace('"rpm"', '"srpm"').replace("limit =", 'event = "identified"\nlimit ='))
    assert "25 trials each: 100 in all" in describe_plan(named)
    timed = time_plan(plan, detectors=[Counting()], settings=Settings())
    assert set(timed) == {"strong", "nothing", "curve"}
    assert all(value > 0.0 for value in timed.values())


def test_trials_that_cannot_be_made_are_counted_apart(tmp_path):
    path = tmp_path / "plan.toml"
    path.write_text(PLAN.split('[[scenario]]\nkind = "benign"')[0].replace("2.2 m/s", ""), encoding="utf-8")
    path.write_text(
        path.read_text().replace("trials = 30", 'trials = 30\nspeed = "1000 km/h"'), encoding="utf-8"
    )
    part = run(path, tmp_path)
    assert time_plan(parse_plan(path.read_text()), detectors=[Counting()], settings=Settings()) == {}
    (left_out,) = part.left_out
    assert (left_out.kind, left_out.n, left_out.is_error) == ("trials not made", 30, True)
    assert "speed" in left_out.text
    assert part.figures == ()


def test_the_section_says_in_words_what_came_of_each_scenario(plan_file, tmp_path):
    part = run(plan_file, tmp_path)
    (passed,) = [text for text in part.sections[0].text if text.startswith("Passed, counting: ")]
    assert "strong (at least 0.9: 30 of 30, 1 (0.905 to 1): pass)" in passed
    assert part.sections[0].title == "Test plan: Small plan, version 3"
