from __future__ import annotations

import msgspec
import numpy as np
import pytest
from scipy import stats

from screening.evaluate.answers import Answers, AnswersHeader, StoredAnswer
from screening.evaluate.detectors import DetectorAnswer
from screening.evaluate.metrics.proportions import clopper_pearson
from screening.evaluate.record import DetectorTested, Evaluation, Figure, Provenance, Section
from screening.evaluate.report import changes_table, compare, evaluation_page, stored_pairs
from screening.evaluate.report.baseline import REGRESSION_STATUS
from screening.evaluate.report.changes import changes_html
from screening.evaluate.report.paired import PairedTest, paired_tests
from screening.evaluate.report.regression import TestKind, interval_p, kind_of, rate_p, share_p, visible_value
from screening.evaluate.samples import Sample
from screening.evaluate.scoring import part_of
from screening.records import Level


def report(*figures, data="a", seed=1):
    return Evaluation(
        title="gate",
        provenance=Provenance(version="1", data={"labels": data}, seeds={"passes": seed}),
        sections=(Section(id="s", title="S"),),
        detectors=(DetectorTested(name="d"),),
        figures=figures,
    )


def share(k, n, metric="Pd", better="higher", **key):
    low, high = clopper_pearson(k, n)
    return Figure(
        section="s",
        metric=metric,
        detector="d",
        value=k / n,
        low=low,
        high=high,
        k=k,
        n=n,
        method="clopper-pearson",
        better=better,
        **{"is_headline": True, **key},
    )


def rate(k, exposure, better="lower"):
    return Figure(
        section="s",
        metric="FAR",
        detector="d",
        value=k / exposure,
        k=k,
        n=exposure,
        unit="1/hour",
        method="garwood",
        better=better,
        is_headline=True,
    )


def measured(value, low, high, better="lower", metric="MDA", unit="kBq"):
    return Figure(
        section="s",
        metric=metric,
        detector="d",
        value=value,
        low=low,
        high=high,
        unit=unit,
        method="bootstrap over 200 parents",
        better=better,
        is_headline=True,
    )


def only(now, before, **options):
    (change,) = compare(report(now), report(before), **options).headline
    return change


def test_a_report_against_itself_never_regresses(evaluation):
    changes = compare(evaluation, evaluation)
    assert {change.verdict for change in changes.headline} == {"unchanged"}
    assert changes.others == ()
    assert changes.exit_status == 0
    assert changes.n_unchanged + len(changes.headline) == len(evaluation.figures)


@pytest.mark.parametrize("counts", [(15, 20, 9, 22), (59, 60, 50, 60), (0, 3000, 9, 3000), (5, 5, 0, 4)])
def test_shares_are_tested_by_fisher(counts):
    k0, n0, k1, n1 = counts
    tables = [[k1, n1 - k1], [k0, n0 - k0]]
    less, greater = (stats.fisher_exact(tables, alternative=side).pvalue for side in ("less", "greater"))
    (found,) = share_p(*(np.array([float(value)]) for value in counts))
    assert found == pytest.approx(min(1.0, 2.0 * min(less, greater)), rel=1e-9)


@pytest.mark.parametrize("counts", [(30, 240.0, 55, 240.0), (3, 100.0, 9, 50.0), (0, 10.0, 5, 40.0)])
def test_rates_are_tested_given_their_sum(counts):
    k0, n0, k1, n1 = counts
    tests = [
        stats.binomtest(k1, k0 + k1, n1 / (n0 + n1), alternative=side).pvalue for side in ("less", "greater")
    ]
    (found,) = rate_p(*(np.array([float(value)]) for value in counts))
    assert found == pytest.approx(min(1.0, 2.0 * min(tests)), rel=1e-9)


def test_intervals_of_a_normal_mean_give_the_normal_test():
    z = stats.norm.ppf(0.975)
    before, now = (measured(v, v - z * s, v + z * s) for v, s in ((10.0, 1.0), (14.0, 2.0)))
    expected = 2.0 * stats.norm.sf(4.0 / np.hypot(1.0, 2.0))
    assert interval_p(before, now) == pytest.approx(expected)
    assert interval_p(now, before) == pytest.approx(expected)


def test_the_half_that_faces_the_other_counts():
    lopsided = measured(10.0, 9.5, 30.0)
    assert interval_p(lopsided, measured(5.0, 4.5, 5.5)) < 1e-6
    assert interval_p(lopsided, measured(15.0, 14.5, 15.5)) > 0.3


def test_what_test_two_figures_allow():
    assert kind_of(share(9, 10), share(5, 12)) is TestKind.SHARE
    assert kind_of(rate(3, 10.0), rate(4, 12.0)) is TestKind.RATE
    assert kind_of(measured(1.0, 0.9, 1.2), measured(2.0, 1.9, 2.2)) is TestKind.INTERVAL
    assert kind_of(measured(1.0, 0.9, 1.2), measured(2.0, 1.9, 2.2, unit="MBq")) is TestKind.NONE
    clustered = msgspec.structs.replace(share(90, 100), method="bootstrap over 20 parents")
    assert kind_of(clustered, share(90, 100)) is TestKind.INTERVAL  # draws of one parent are no trials
    few = msgspec.structs.replace(share(3, 6), low=None, high=None, method="none: 3 parents, 5 needed")
    assert kind_of(few, share(3, 6)) is TestKind.NONE


@pytest.mark.parametrize(
    ("now", "before", "verdict", "status"),
    [
        (share(300, 400), share(380, 400), "worse", 3),
        (share(380, 400), share(300, 400), "better", 0),
        (share(300, 400, better="lower"), share(380, 400, better="lower"), "better", 0),
        (share(300, 400, better=""), share(380, 400, better=""), "changed", 0),
        (share(376, 400), share(380, 400), "not distinguishable", 0),
        (rate(90, 240.0), rate(30, 240.0), "worse", 3),
        (rate(35, 240.0), rate(30, 240.0), "not distinguishable", 0),
        (measured(300.0, 280.0, 320.0), measured(200.0, 180.0, 220.0), "worse", 3),
        (measured(205.0, 180.0, 225.0), measured(200.0, 180.0, 220.0), "not distinguishable", 0),
        (share(380, 400), share(380, 400), "unchanged", 0),
        (share(1, 5), share(5, 5), "worse", 3),
        (share(2, 5), share(5, 5), "not distinguishable", 0),
    ],
)
def test_a_change_is_called_by_its_direction(now, before, verdict, status):
    assert only(now, before).verdict == verdict
    assert compare(report(now), report(before)).exit_status == status
    assert REGRESSION_STATUS == 3


def test_a_figure_that_is_gone_is_a_regression_and_is_named():
    changes = compare(report(share(9, 10)), report(share(9, 10), share(8, 10, metric="answer rate")))
    assert [change.key[1] for change in changes.regressions] == ["answer rate"]
    assert changes.exit_status == 3
    assert "gone: s · answer rate · d: 0.80 (8 of 10) -> none" in changes_table(changes)


def test_a_number_that_is_none_now_is_gone_too():
    lost = measured(None, None, None)
    assert only(lost, measured(200.0, 180.0, 220.0)).verdict == "gone"
    assert only(measured(200.0, 180.0, 220.0), lost).verdict == "new"
    assert compare(report(lost), report(lost)).headline == ()


def test_a_figure_of_the_details_ends_no_run():
    now, before = share(100, 400, is_headline=False), share(390, 400, is_headline=False)
    changes = compare(report(now), report(before))
    assert [change.verdict for change in changes.others] == ["worse"]
    assert changes.exit_status == 0
    assert compare(report(), report(before)).exit_status == 0
    # What the baseline calls a headline stays one.
    assert compare(report(now), report(share(390, 400))).exit_status == 3


def test_a_change_without_an_interval_is_said_to_be_untested():
    now, before = measured(300.0, None, None), measured(200.0, None, None)
    change = only(now, before)
    assert change.verdict == "not tested"
    assert change.test == "none: no interval"
    assert only(before, before).verdict == "unchanged"
    point = measured(300.0, 300.0, 300.0)
    assert only(point, measured(200.0, 200.0, 200.0)).verdict == "not tested"


def test_a_paired_test_takes_the_place_of_an_unpaired_one():
    pair = (share(351, 400), share(360, 400))
    key = pair[0].key
    assert only(*pair).verdict == "not distinguishable"
    nine_lost = PairedTest(p=stats.binomtest(0, 9).pvalue, test="McNemar, exact", n=400)
    change = only(*pair, paired={key: nine_lost})
    assert (change.verdict, change.p, change.test) == ("worse", nine_lost.p, "McNemar, exact")
    # A figure of other samples is not judged by it.
    assert only(*pair, paired={key: nine_lost._replace(n=399)}).verdict == "not distinguishable"


def answered(n_lost=0, *, name="d", data="a", n=60):
    """Return stored answers of a detector that finds all sources but the first few."""
    rows = []
    for i in range(n):
        has_source = i % 2 == 0
        alarm = has_source and i >= 2 * n_lost
        sample = Sample(
            id=f"s{i}",
            path=f"s{i}.h5",
            modality="radiation",
            has_source=has_source,
            parent=f"s{i}",
            split="test",
        )
        answer = DetectorAnswer(
            level=Level.HIGH if alarm else Level.LOW, alarm=alarm, alarm_score=float(alarm)
        )
        rows.append(StoredAnswer(sample=sample, detector=name, answer=answer, input_sha256=f"{data}{i}"))
    header = AnswersHeader(
        version="1",
        config_sha256="",
        data="set",
        labels_sha256="",
        split="test",
        n_rows=n,
        n_scored=n,
        n_other_splits={},
        problems=(),
        ignored_columns=(),
        detectors=(DetectorTested(name=name),),
    )
    return Answers(header=header, rows=tuple(rows))


def test_stored_answers_of_the_same_samples_are_paired():
    found = paired_tests(answered(9), answered(0))
    detected = found["alarms", "alarm: sources detected", "d", ""]
    assert detected.n == 30
    assert detected.p == pytest.approx(stats.binomtest(0, 9).pvalue)
    assert detected.test == "McNemar, exact, on the same samples"
    figures = [part_of(answers).figures for answers in (answered(9), answered(0))]
    changes = compare(report(*figures[0]), report(*figures[1]), paired=found)
    (change,) = (c for c in changes.headline if c.key == ("alarms", "alarm: sources detected", "d", ""))
    assert change.p == detected.p


@pytest.mark.parametrize("before", [answered(0, data="b"), answered(0, n=58), answered(0, name="other")])
def test_answers_for_other_samples_are_no_pairs(before):
    assert paired_tests(answered(9), before) == {}


def test_reports_without_stored_answers_are_not_paired(tmp_path):
    assert stored_pairs(tmp_path, tmp_path / "report.json") == {}


def test_other_data_and_other_seeds_are_noted():
    now, before = report(share(9, 10), data="b", seed=2), report(share(9, 10))
    changes = compare(now, before)
    assert changes.notes == (
        "other data: labels: a -> b: equal figures are a chance, and no test is paired",
        "the seed of passes was 1 in the baseline and is 2",
    )
    assert [change.verdict for change in changes.headline] == ["not distinguishable"]
    text = changes_table(changes)
    assert "note: other data: labels: a -> b" in text
    assert "unchanged" not in text
    page = evaluation_page(now, changes=changes)
    assert "other data: labels: a -&gt; b" in page
    assert compare(now, now).notes == ()


def with_data(data):
    found = report(share(9, 10))
    return msgspec.structs.replace(found, provenance=msgspec.structs.replace(found.provenance, data=data))


@pytest.mark.parametrize(
    ("now", "before", "is_other"),
    [
        ({"new labels": "a"}, {"old labels": "a"}, False),  # the folder was renamed
        ({"old labels": "a", "more labels": "b"}, {"old labels": "a"}, False),
        ({"labels": "a", "model empties 1": "x"}, {"labels": "a", "model empties 1": "y"}, False),
        ({"new labels": "b"}, {"old labels": "a"}, True),
        ({}, {"old labels": "a"}, True),
    ],
)
def test_data_are_other_where_a_hash_of_the_baseline_is_gone(now, before, is_other):
    changes = compare(with_data(now), with_data(before))
    assert changes.is_other_data is is_other
    assert any(note.startswith("other data: ") for note in changes.notes) is is_other
    assert (changes.headline[0].verdict == "unchanged") is not is_other


def test_a_detector_that_was_not_run_is_one_line_and_ends_the_run():
    other = [msgspec.structs.replace(share(k, 10, metric=f"m{k}"), detector="old") for k in range(4)]
    before = msgspec.structs.replace(
        report(share(9, 10), *other), detectors=(DetectorTested(name="d"), DetectorTested(name="old"))
    )
    changes = compare(report(share(9, 10)), before)
    assert changes.not_run == ("old",)
    assert changes.regressions == ()
    assert [change.key[2] for change in changes.headline] == ["d"]
    assert changes.exit_status == 3
    text = changes_table(changes)
    assert text.count("  not run now: old\n") == 1
    assert text.endswith("REGRESSION: not run now: old\n")
    page = evaluation_page(report(share(9, 10)), changes=changes)
    assert "not run now: old: exit status 3." in page
    # One that is new now is nothing to end a run for.
    assert compare(before, report(share(9, 10))).exit_status == 0


def test_a_number_that_never_was_is_no_regression():
    lost = measured(None, None, None)
    changes = compare(report(share(9, 10)), report(share(9, 10), lost))
    assert [change.verdict for change in changes.headline] == ["unchanged"]
    assert changes.exit_status == 0


def test_new_details_are_counted_and_not_listed():
    now = report(share(9, 10), *(share(9, 10, metric=f"m{i}", is_headline=False) for i in range(3)))
    changes = compare(now, report(share(9, 10)))
    html = changes_html(changes)
    assert "Other figures: 3 new; 0 not distinguishable, 0 unchanged." in html
    assert "m1" not in html


def test_an_interval_that_is_lost_is_a_regression():
    few = msgspec.structs.replace(share(3, 4), low=None, high=None, method="none: 3 parents, 5 needed")
    changes = compare(report(few), report(share(9, 10)))
    (change,) = changes.headline
    assert (change.verdict, change.test) == ("gone", "none: interval lost")
    assert changes.exit_status == 3
    assert "gone: s · Pd · d: 0.90 (9 of 10) -> 0.7500 (3 of 4) (interval lost)" in changes_table(changes)
    # With none in either the move is told, and ends nothing.
    changes = compare(report(few), report(msgspec.structs.replace(few, value=1.0, k=4)))
    assert changes.exit_status == 0
    assert "not tested: s · Pd · d: 1 (4 of 4) -> 0.7500 (3 of 4) (for the worse, no interval)" in (
        changes_table(changes)
    )


def test_moves_for_the_worse_are_told_the_least_likely_first():
    before = [share(5, 5, metric=f"m{i}") for i in range(8)]
    now = [share(5 - i, 5, metric=f"m{i}") if i < 4 else share(5, 5, metric=f"m{i}") for i in range(8)]
    text = changes_table(compare(report(*now), report(*before)))
    lines = [line.split(" · ")[1] for line in text.splitlines() if line.startswith("  not distinguishable: ")]
    assert lines == ["m3", "m2", "m1"]
    assert "by what chance explains (3; least likely first):" in text
    assert "no significant regression" in text


def test_levels_are_tested_on_the_same_samples_too():
    before = answered(0)
    rows = []
    for i, row in enumerate(before.rows):
        level = Level.LOW if i < 8 else Level.UNKNOWN if i < 20 else Level.HIGH
        sample = msgspec.structs.replace(row.sample, level=Level.HIGH)
        answer = msgspec.structs.replace(row.answer, level=level)
        rows.append(msgspec.structs.replace(row, sample=sample, answer=answer))
    now = msgspec.structs.replace(before, rows=tuple(rows))
    high = [
        msgspec.structs.replace(row, answer=msgspec.structs.replace(row.answer, level=Level.HIGH))
        for row in rows
    ]
    found = paired_tests(now, msgspec.structs.replace(before, rows=tuple(high)))
    low, unknown = (
        found["levels", name, "d", ""] for name in ("LOW where it must not be", "answers UNKNOWN")
    )
    assert (low.n, unknown.n) == (60, 60)
    assert low.p == pytest.approx(stats.binomtest(0, 8).pvalue)
    assert unknown.p == pytest.approx(stats.binomtest(0, 12).pvalue)
    figures = [part_of(msgspec.structs.replace(now, rows=tuple(side))).figures for side in (rows, high)]
    changes = compare(report(*figures[0]), report(*figures[1]), paired=found)
    tests = {change.key[1]: change.test for change in changes.regressions}
    assert tests == dict.fromkeys(
        ("LOW where it must not be", "answers UNKNOWN"), "McNemar, exact, on the same samples"
    )


@pytest.mark.parametrize("options", [{"alpha": 0.0}, {"alpha": 1.0}, {"power": 1.5}])
def test_levels_out_of_range_are_named(options):
    with pytest.raises(ValueError, match="must lie between 0 and 1"):
        compare(report(), report(), **options)


def simulated(rng, shares, rates, mdas, *, n=400, hours=240.0, spread=0.12):
    """Return headline figures of one run: shares, rates and activities with noise."""
    figures = [share(int(rng.binomial(n, p)), n, metric=f"Pd {i}") for i, p in enumerate(shares)]
    for i, r in enumerate(rates):
        figures.append(msgspec.structs.replace(rate(int(rng.poisson(r * hours)), hours), metric=f"FAR {i}"))
    for i, mda in enumerate(mdas):
        value = mda * np.exp(rng.normal(0.0, spread))
        bounds = value * np.exp(spread * stats.norm.ppf([0.025, 0.975]))
        figures.append(measured(value, *bounds, metric=f"MDA {i}"))
    return report(*figures)


SHARES, RATES, MDAS = (0.95, 0.9, 0.8, 0.99, 0.5, 0.97), (0.125, 0.5), (200.0, 900.0)


def test_nothing_changed_is_called_a_regression_no_oftener_than_stated():
    rng = np.random.default_rng(np.random.SeedSequence(11))
    n_run = 400
    called = sum(
        compare(
            simulated(rng, SHARES, RATES, MDAS), simulated(rng, SHARES, RATES, MDAS), power=None
        ).exit_status
        == 3
        for _ in range(n_run)
    )
    # Two-sided at 0.05 over the family: at most half of it for the worse. Bound: 4 sigma of 0.05.
    assert called <= n_run * 0.05 + 4.0 * np.sqrt(n_run * 0.05 * 0.95)


def test_a_real_drop_is_found():
    rng = np.random.default_rng(np.random.SeedSequence(12))
    worse = (0.95, 0.78, *SHARES[2:])
    n_found = 0
    for _ in range(60):
        changes = compare(simulated(rng, worse, RATES, MDAS), simulated(rng, SHARES, RATES, MDAS), power=None)
        n_found += "Pd 1" in {change.key[1] for change in changes.regressions}
    assert n_found >= 54


@pytest.mark.parametrize(
    ("before", "make"),
    [
        (share(380, 400), lambda rng, p: share(int(rng.binomial(400, p)), 400)),
        (
            share(20, 400, better="lower"),
            lambda rng, p: share(int(rng.binomial(400, p)), 400, better="lower"),
        ),
        (rate(30, 240.0), lambda rng, r: rate(int(rng.poisson(240.0 * r)), 240.0)),
        (rate(30, 240.0, "higher"), lambda rng, r: rate(int(rng.poisson(240.0 * r)), 240.0, "higher")),
        (
            measured(200.0, 180.4, 219.6),
            lambda rng, v: (lambda x: measured(x, x - 19.6, x + 19.6))(rng.normal(v, 10.0)),
        ),
    ],
)
def test_the_visible_change_is_seen_with_the_power_stated(before, make):
    rng = np.random.default_rng(np.random.SeedSequence(13))
    change = only(before, before, power=0.8)
    assert (change.visible < before.value) == (before.better == "higher")
    n_run = 400
    n_seen = sum(only(make(rng, change.visible), before, power=None).verdict == "worse" for _ in range(n_run))
    # The power is meant before noise in the width; exact tests jump, so it may be more, hardly less.
    assert n_seen / n_run >= 0.8 - 4.0 * np.sqrt(0.16 / n_run)
    assert n_seen / n_run <= 0.9


def test_few_trials_can_see_nothing():
    assert only(share(3, 3), share(3, 3)).visible is None
    assert (
        visible_value(
            measured(1.0, None, None), measured(1.0, None, None), TestKind.NONE, alpha=0.05, power=0.8
        )
        is None
    )


def test_the_changes_stand_in_the_page_and_in_the_terminal(evaluation):
    figures = [
        msgspec.structs.replace(f, k=200, value=0.5, low=0.45, high=0.55)
        if f.is_headline and f.detector == "nmf" and f.unit == ""
        else f
        for f in evaluation.figures
    ]
    changes = compare(msgspec.structs.replace(evaluation, figures=tuple(figures)), evaluation)
    page = evaluation_page(evaluation, changes=changes)
    n = len(changes.regressions)
    assert n == 3
    assert f"{n} headline figures are significantly worse, or gone: exit status 3." in page
    assert page.count('<td class="worse">worse</td>') == n
    text = changes_table(changes)
    assert text.count("  worse: ") == n
    assert text.endswith(f"REGRESSION: {n} headline figures\n")
    assert "no significant regression" in changes_table(compare(evaluation, evaluation))


def test_fewer_trials_than_before_are_told():
    before = report(share(95, 100), share(40, 40, metric="other"))
    now = report(share(19, 20), share(40, 40, metric="other"))
    changes = compare(now, before)
    assert changes.exit_status == 0
    assert changes.notes == (
        "1 headline figure has fewer trials than in the baseline, Pd 20 for 100: changes that were seen "
        "then may not be seen now",
    )
    assert compare(before, now).notes == ()


@pytest.mark.parametrize("confidence", [0.0, 1.0, -3.0])
def test_an_interval_without_a_confidence_is_none(confidence):
    odd = msgspec.structs.replace(share(9, 10), method="x", confidence=confidence)
    (change,) = compare(report(odd), report(share(10, 10))).headline
    assert (change.verdict, change.p) == ("gone", None)
    assert change.test == "none: interval lost"
