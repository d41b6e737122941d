"""A programme: counted over what was announced, with those who still wait, and agreement beyond chance."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from screening.evaluate.metrics.time_to_alarm import kaplan_meier
from screening.evaluate.programmes import (
    ContainerRun,
    ExpectedContainer,
    ProgrammeModel,
    cohen_kappa,
    programme_part,
    simulate_programme,
    waiting_quantile,
)
from screening.evaluate.record import Provenance, joined
from screening.records import Action, Level

DAY = datetime(2026, 1, 5, tzinfo=UTC)


def figure(part, metric, stratum=""):
    (found,) = [f for f in part.figures if (f.metric, f.stratum) == (metric, stratum)]
    return found


def box(number, name="ship", *, decided_h=None, **fields):
    return ContainerRun(
        container_id=number,
        list=name,
        arrived_at=DAY,
        decided_at=None if decided_h is None else DAY + timedelta(hours=decided_h),
        **fields,
    )


def test_steps_are_counted_over_what_was_announced():
    done = {"targeting": Level.LOW, "is_sealed": True, "radiation": Level.LOW}
    containers = [
        box("A", **done, decided_h=2.0, action=Action.CLEARED_FOR_DEPARTURE, border="ACCEPT"),
        box(
            "B", **{**done, "targeting": Level.HIGH}, image=Level.LOW, decided_h=4.0, action=Action.REFER_NII
        ),
        box("C", **{**done, "radiation": Level.UNKNOWN}),  # an image is due, and was not made
        box("D", **{**done, "is_sealed": False}, decided_h=6.0, is_destuffed=True, border="RE_EXAMINE"),
        box("X", **done),  # nobody announced it
    ]
    expected = [ExpectedContainer(container_id=one, list="ship") for one in "ABCDE"]
    part = programme_part(expected, containers, as_of=DAY + timedelta(hours=10))
    counts = {name: (figure(part, name).k, figure(part, name).n) for name in ("targeted", "sealed")}
    assert counts == {"targeted": (4, 5.0), "sealed": (3, 5.0)}
    image = figure(part, "imaged where due")
    assert (image.k, image.n) == (1, 2.0)
    assert figure(part, "every step done").k == 2  # A and B
    assert figure(part, "re-examinations avoided").k == 1
    assert figure(part, "referred to imaging").n == 2.0
    assert figure(part, "destuffed").k == 1
    assert figure(part, "targeted").method == "none: 1 parents, 5 needed"
    assert {(one.kind, one.is_error) for one in part.left_out} == {
        ("not announced", True),
        ("no record", False),
        ("one targeting missing", False),
    }
    # 2, 4 and 6 hours, and two that still wait after 10: of five, half are over after 6
    assert figure(part, "time from arrival to decision, median").value == 6.0
    assert figure(part, "time from arrival to decision, 95 %").value is None
    assert "2 of 5 not decided yet" in figure(part, "time from arrival to decision, median").note
    joined([part], title="t", provenance=Provenance(version="0"))
    with pytest.raises(ValueError, match=r"as_of .* lies before"):
        programme_part(expected, containers, as_of=DAY)


def test_vessels_are_the_parents():
    record = simulate_programme(8, 30, seed=2)
    part = programme_part(record.expected, record.containers, as_of=record.as_of)
    assert "8 parents" in figure(part, "destuffed").method
    by_list = [f for f in part.figures if f.metric == "sealed" and f.stratum]
    assert len(by_list) == 8
    assert sum(f.k for f in by_list) == figure(part, "sealed").k
    table = [f for f in part.figures if f.metric == "containers by both targetings"]
    assert len(table) == 9
    assert sum(f.k for f in table) == figure(part, "same targeting").n


def test_the_generator_is_recovered():
    model = ProgrammeModel(
        decision_h=(6.0, 0.5), step={"targeting": 0.9, "seal": 0.8, "radiation": 1.0, "image": 1.0}
    )
    record = simulate_programme(60, 40, seed=1, model=model, open_h=8.0)
    part = programme_part(record.expected, record.containers, as_of=record.as_of)
    sealed = figure(part, "sealed")
    assert sealed.low <= 0.8 * model.recorded <= sealed.high
    # the last trains are still waiting when the record is closed: the median stays right all the same
    median = figure(part, "time from arrival to decision, median")
    assert "0 of" not in median.note
    assert median.low <= 6.0 <= median.high
    accepted = figure(part, "re-examinations avoided")
    assert accepted.low <= model.accept <= accepted.high


def test_kappa_agrees_with_an_independent_one():
    rng = np.random.default_rng(0)
    first = rng.choice(3, 400, p=(0.7, 0.2, 0.1))
    second = np.where(rng.random(400) < 0.7, first, rng.choice(3, 400))
    found = cohen_kappa(first, second, 3)
    assert found.kappa.value == pytest.approx(cohen_kappa_score(first, second), abs=1e-12)
    assert found.kappa.low < found.kappa.value < found.kappa.high
    assert found.n_agreed == int((first == second).sum())
    assert sum(map(sum, found.table)) == 400
    assert found.table[1][2] == int(((first == 1) & (second == 2)).sum())


def test_kappa_of_one_class_is_none_and_wrong_classes_are_refused():
    assert cohen_kappa([1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1], 3).kappa.value is None
    with pytest.raises(ValueError, match="classes are 0 to 2"):
        cohen_kappa([0, 3], [0, 1], 3)
    with pytest.raises(ValueError, match="two raters of the same items"):
        cohen_kappa([0], [0, 1], 3)


def test_the_interval_of_kappa_covers():
    # both draw from (0.8, 0.2), and the second copies the first with 0.6: kappa is 0.6
    covered = []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        first = rng.choice(2, 250, p=(0.8, 0.2))
        second = np.where(rng.random(250) < 0.6, first, rng.choice(2, 250, p=(0.8, 0.2)))
        kappa = cohen_kappa(first, second, 2, seed=seed).kappa
        covered.append(kappa.low <= 0.6 <= kappa.high)
    assert np.mean(covered) >= 0.88  # 95 % of 100, less three standard deviations


def test_waiting_is_the_kaplan_meier_quantile():
    rng = np.random.default_rng(3)
    times, ends = np.round(rng.exponential(10.0, 200)), rng.exponential(20.0, 200)
    over = times <= ends
    watched = np.minimum(times, np.round(ends))
    curve = kaplan_meier(watched, over)
    for q in (0.25, 0.5, 0.75):
        expected = curve.time_s[np.flatnonzero(curve.not_alarmed <= 1.0 - q)[0]]
        found = waiting_quantile(watched, over, q, n_resample=200)
        assert found.value == expected
        assert found.low <= found.value <= found.high


def test_waiting_intervals_cover_and_dropping_the_waiting_would_not():
    covered, dropped = [], []
    for seed in range(80):
        rng = np.random.default_rng(seed)
        times, ends = rng.exponential(10.0, 150), rng.uniform(5.0, 20.0, 150)
        over = times <= ends
        found = waiting_quantile(np.minimum(times, ends), over, 0.5, n_resample=300, seed=seed)
        covered.append(found.low <= 10.0 * np.log(2.0) <= found.high)
        dropped.append(np.median(times[over]))
    assert np.mean(covered) >= 0.87
    assert np.mean(dropped) < 0.8 * 10.0 * np.log(2.0)


def test_nobody_waiting_and_nobody_done_have_no_quantile():
    assert waiting_quantile([], [], 0.5).value is None
    assert waiting_quantile([1.0, 2.0, 3.0], [True, False, False], 0.5).value is None
    with pytest.raises(ValueError, match="between 0 and 1"):
        waiting_quantile([1.0], [True], 1.0)
    with pytest.raises(ValueError, match="finite and not negative"):
        waiting_quantile([-1.0], [True], 0.5)
