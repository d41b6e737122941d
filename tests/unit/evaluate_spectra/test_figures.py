"""Figures of scored answers: made answers whose figures are known."""

from __future__ import annotations

import numpy as np
import pytest

from screening.evaluate.identification import load_correspondence
from screening.evaluate.spectra.against import comparisons, shares_of_ceiling
from screening.evaluate.spectra.curves import calibration, confusions, count_curves, half_points
from screening.evaluate.spectra.figures import averages, fractions, group_figures, refusals
from screening.evaluate.spectra.plan import Level
from screening.evaluate.spectra.scored import Case, counted, scored_replies
from screening.evaluate.spectra.simulated import _passed_off
from screening.evaluate.spectra.work import Reply

TABLE = load_correspondence()
WHERE = {"section": "s", "detector": "a"}


def _answers(rows, detector="a"):
    """Return answers of rows (parent, truth, named, net counts, confidences)."""
    found = {}
    for number, (parent, truth, named, net, confidences) in enumerate(rows):
        case = Case(
            id=str(number),
            parent=parent,
            truth=truth,
            truth_class="industrial" if truth else "background",
            group="nai" if number % 2 else "csi",
            level=Level(net, 1.0).text,
            net_counts=net,
            has_background=False,
        )
        reply = Reply(
            detector=detector, level=0, nuclides=named, confidences=confidences, codes=("MODEL_OOD",)
        )
        scored_replies(case, [reply], TABLE, found)
    return found[detector]


def _row(named, parent, truth=("Cs-137",), net=1000.0, **confidences):
    return parent, truth, named, net, confidences


def _one(figures, metric):
    (found,) = [one for one in figures if one.metric == metric]
    return found


def test_four_fractions_are_all_spectra():
    mine = _answers(
        [
            _row(("Cs-137",), "0"),
            _row(("Co-60",), "1"),
            _row((), "2"),
            _row(None, "3"),
            _row(("Cs-137", "Co-60"), "4"),
        ]
    )
    found = fractions(mine, **WHERE)
    assert {one.metric: one.value for one in found} == {
        "correct": 0.2, "partial": 0.2, "wrong": 0.2, "missed": 0.4
    }  # fmt: skip
    assert all(one.n == 5 and one.method == "clopper-pearson" for one in found)
    rest = averages(mine, **WHERE)
    assert _one(rest, "answered").value == 0.6
    assert _one(rest, "false SNM").value == 0.0
    assert _one(rest, "precision, mean per spectrum").value == pytest.approx((1 + 0 + 0 + 0 + 0.5) / 5)
    assert _one(rest, "recall, mean per spectrum").value == pytest.approx(2 / 5)
    assert _one(rest, "F, mean per spectrum").value == pytest.approx((1 + 2 / 3) / 5)
    assert _one(refusals(mine, **WHERE), "no answer, with MODEL_OOD").value == 0.4


def test_draws_that_share_parents_get_intervals_over_parents():
    rng = np.random.default_rng(0)
    rows = [
        _row(("Cs-137",) if good else (), f"p{p}")
        for p, good in enumerate(rng.random(40) < 0.6)
        for _ in range(5)
    ]
    wide = _one(fractions(_answers(rows), **WHERE), "correct")
    alone = _one(fractions(_answers(rows[::5]), **WHERE), "correct")
    assert "40 parents" in wide.method
    assert alone.method == "clopper-pearson"
    assert wide.high - wide.low == pytest.approx(alone.high - alone.low, abs=0.06)
    few = _one(fractions(_answers(rows[:20]), **WHERE), "correct")
    assert few.low is None
    assert few.method.startswith("none: 4 parents")


def test_the_worst_group_states_how_many_there_are_and_a_bound_for_all():
    rows = [_row(("Cs-137",), f"a{k}") for k in range(20)]
    rows += [_row(("Co-60",) if k < 10 else (), f"b{k}", truth=("Co-60",)) for k in range(20)]
    macro, worst = group_figures(
        _answers(rows), lambda one: "+".join(one.case.truth), what="sources", section="s", detector="a"
    )
    assert macro.value == pytest.approx(0.75)
    assert (worst.value, worst.k, worst.n) == (0.5, 10, 20)
    assert worst.note == "Co-60, of 2 sources"
    # one-sided at 0.05 / 2: the two-sided 95 % bound of 10 in 20 (Clopper and Pearson)
    assert worst.low == pytest.approx(0.2720, abs=5e-4)
    assert worst.high is None


def test_comparisons_are_paired_and_corrected():
    rng = np.random.default_rng(1)
    good, better = rng.random(60) < 0.5, rng.random(60) < 0.5
    better |= good
    answers = {
        "a": _answers([_row(("Cs-137",) if hit else (), f"p{k}") for k, hit in enumerate(better)], "a"),
        "b": _answers([_row(("Cs-137",) if hit else (), f"p{k}") for k, hit in enumerate(good)], "b"),
    }
    strata = {"": lambda one: True, "csi": lambda one: one.case.group == "csi"}
    whole, part = comparisons(answers, "a", ["b"], strata, section="s")
    n_only = int((better & ~good).sum())
    assert whole.p == pytest.approx(2 * 0.5**n_only)
    assert whole.effect == pytest.approx(n_only / 60)
    assert whole.p_holm >= whole.p
    assert whole.verdict == "a is better"
    assert (whole.n, part.n) == (60, 30)


def test_a_share_of_the_ceiling_is_a_ratio_over_parents():
    answers = {
        "a": _answers([_row(("Cs-137",) if k % 4 == 0 else (), f"p{k}") for k in range(40)], "a"),
        "top": _answers([_row(("Cs-137",) if k % 2 == 0 else (), f"p{k}") for k in range(40)], "top"),
        "none": _answers([_row((), f"p{k}") for k in range(40)], "none"),
    }
    (found,) = shares_of_ceiling(answers, ["a"], "top", {"": lambda one: True}, section="s")
    assert found.value == pytest.approx(0.5)
    assert found.low < 0.5 < found.high
    assert found.note == "top: 0.500 correct"
    (empty,) = shares_of_ceiling(answers, ["a"], "none", {"": lambda one: True}, section="s")
    assert empty.value is None


def test_confidence_is_held_against_what_came_true():
    rng = np.random.default_rng(2)
    rows = []
    for k in range(400):
        stated = float(rng.uniform(0.5, 1.0))
        label = "Cs-137" if rng.random() < stated else "Co-60"
        rows.append(_row((label,), f"p{k}", **{label: stated, "K-40": 0.9}))
    figures, (curve,) = calibration({"a": _answers(rows)}, TABLE, section="s")
    error = _one(figures, "expected calibration error")
    assert error.value < 0.06
    assert 0.0 <= error.low < error.high < 0.1
    assert error.n == 400  # what is in every background is not counted
    assert _one(figures, "named labels that are right").value == pytest.approx(0.75, abs=0.06)
    assert [series.name for series in curve.series] == ["a", "as stated"]
    sure = [_row(("Co-60",), f"p{k}", **{"Co-60": 0.99}) for k in range(50)]
    assert (
        _one(calibration({"a": _answers(sure)}, TABLE, section="s")[0], "expected calibration error").value
        > 0.9
    )
    assert calibration({"a": _answers([_row(("Cs-137",), "p")])}, TABLE, section="s") == ([], [])


def test_mistakes_are_counted_by_label_and_truth():
    rows = [_row(("Co-60",), f"p{k}") for k in range(4)] + [_row(("I-131",), "q"), _row(("Cs-137",), "r")]
    found = confusions(_answers(rows), **WHERE)
    assert _one(found, "named: Co-60").k == 4
    rare = _one(found, "named: others, once or twice each")
    assert (rare.k, rare.note, rare.stratum) == (1, "I-131", "Cs-137")


def test_curves_rise_with_counts_and_half_of_them_is_found():
    rng = np.random.default_rng(3)
    rows = []
    for k in range(240):
        net = (300.0, 1000.0, 3000.0, 10_000.0)[k % 4]
        good = rng.random() < 1.0 / (1.0 + (1500.0 / net) ** 3)
        rows.append(_row(("Cs-137",) if good else (), f"p{k}", net=net))
    answers = {"a": _answers(rows)}
    (curve,) = count_curves(answers, ["a"], section="s")
    (series,) = curve.series
    assert series.x == (300.0, 1000.0, 3000.0, 10_000.0)
    assert series.y[0] < series.y[1] < series.y[2]
    (half,) = half_points(answers, ["a"], section="s")
    assert half.value == pytest.approx(1500.0, rel=0.35)
    assert half.low < 1500.0 < half.high
    assert half.low < half.value < half.high
    assert half.method == "probit fit; bootstrap"
    never = {"a": _answers([_row((), f"p{k}", net=net) for k, net in enumerate((300.0, 3000.0) * 5)])}
    (nothing,) = half_points(never, ["a"], section="s")
    assert nothing.value is None
    assert nothing.note == "never detected"


def test_draws_that_share_parents_make_half_points_and_calibration_less_certain():
    rng = np.random.default_rng(5)
    rows = []
    for k in range(30):
        midpoint = 1500.0 * np.exp(rng.normal(0.0, 1.0))  # of this instrument: its draws rise and fall alike
        for net in (300.0, 1000.0, 3000.0, 10_000.0) * 4:
            good = rng.random() < 1.0 / (1.0 + (midpoint / net) ** 3)
            rows.append(_row(("Cs-137",) if good else ("Co-60",), f"p{k}", net=net, **{"Cs-137": 0.7}))
    apart = [(f"{k}", *row[1:]) for k, row in enumerate(rows)]
    together, single = (half_points({"a": _answers(one)}, ["a"], section="s")[0] for one in (rows, apart))
    assert together.method.endswith("over 30 parents")
    assert together.high / together.low > 1.3 * single.high / single.low
    few = half_points(
        {"a": _answers([(f"{int(row[0][1:]) % 4}", *row[1:]) for row in rows])}, ["a"], section="s"
    )
    assert few[0].low is None
    assert few[0].value == together.value
    assert "4 parents, 5 needed" in few[0].method


def test_failures_of_one_kind_are_one_row():
    answers = {}
    lost = []
    for number in range(3):
        case = Case(
            id=str(number), parent=str(number), truth=("Cs-137",), truth_class="industrial", group="nai",
            level="x", net_counts=1.0, has_background=False,
        )  # fmt: skip
        lost += scored_replies(case, [Reply(detector="a", level=0, error="it broke")], TABLE, answers)
    (row,) = counted(lost)
    assert (row.kind, row.where, row.text, row.n) == ("detector failed", "0", "a: it broke", 3)
    assert {one.score.verdict for one in answers["a"]} == {"missed"}


def test_nuclear_material_called_something_harmless_is_counted():
    rows = [
        _row(("Lu-177",), "0", truth=("HEU",)),
        _row(("Lu-177", "HEU"), "1", truth=("HEU",)),
        _row(("RGPu",), "2", truth=("WGPu",)),
        _row((), "3", truth=("WGPu",)),
        _row(("Ra-226",), "4", truth=("HEU", "Ra-226")),
        _row(("Lu-177",), "5"),
    ]
    (found,) = _passed_off(_answers(rows), "a")
    assert (found.k, found.n) == (1, 5)


def test_labels_merely_allowed_beside_the_truth_are_no_trials_of_confidence():
    beside = {"Am-241": 0.9, "RGPu": 0.6, "K-40": 0.8}  # allowed, partly right, in every background
    rows = [
        _row(("WGPu",), str(k), truth=("WGPu",), **{"WGPu": 0.7, "Co-60": 0.2, **beside}) for k in range(10)
    ]
    right = _one(calibration({"a": _answers(rows)}, TABLE, section="s")[0], "named labels that are right")
    assert (right.k, right.n) == (10, 20)
