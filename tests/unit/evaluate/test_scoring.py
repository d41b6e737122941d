from __future__ import annotations

import numpy as np
import pytest

from screening.archive import write_scan
from screening.evaluate.answers import Answers, AnswersHeader, Failure, StoredAnswer
from screening.evaluate.detectors import Candidate, DetectorAnswer
from screening.evaluate.detectors.contract import ordinary_scans
from screening.evaluate.failures import failures_of
from screening.evaluate.record import DetectorTested, Provenance, joined
from screening.evaluate.report.numbers import figure_words
from screening.evaluate.samples import Sample, TruthBox
from screening.evaluate.scoring import part_of
from screening.evaluate.scoring.parts import MAX_NAMED
from screening.records import Level


def stored(rows, detectors=("a",), **fields):
    given = {
        "version": "0",
        "config_sha256": "c",
        "data": "made",
        "labels_sha256": "0" * 64,
        "split": "test",
        "n_rows": len(rows),
        "n_scored": len(rows),
        "n_other_splits": {},
        "problems": (),
        "ignored_columns": (),
        "detectors": tuple(DetectorTested(name=d) if isinstance(d, str) else d for d in detectors),
    }
    return Answers(header=AnswersHeader(**{**given, **fields}), rows=tuple(rows))


def passed(name, *, source=None, parent="", detector="a", **answer):
    nuclides = None if source is None else (source,) if source else ()
    return StoredAnswer(
        sample=Sample(
            id=name, path=f"{name}.h5", modality="radiation", truth_nuclides=nuclides,
            has_source=None if source is None else bool(source), parent=parent or name,
        ),
        detector=detector,
        answer=DetectorAnswer(**{"level": Level.LOW, **answer}),
    )  # fmt: skip


def pictured(name, *, boxes=(), detector="a", answer=None, **sample):
    return StoredAnswer(
        sample=Sample(id=name, path=name, modality="radiograph", parent=name, boxes=boxes, **sample),
        detector=detector,
        answer=DetectorAnswer(**{"level": Level.LOW, **(answer or {})}),
    )


def figures(part, detector="a"):
    return {(f.metric, f.stratum): f for f in part.figures if f.detector == detector}


def test_every_part_joins_into_a_report():
    rows = [
        passed(f"s{i}", source="Cs-137" if i % 2 else "", alarm=bool(i % 2), alarm_score=i) for i in range(20)
    ]
    part = part_of(stored(rows))
    evaluation = joined([part], title="t", provenance=Provenance(version="0"))
    assert {figure.section for figure in evaluation.figures} == {"data", "levels", "alarms"}
    assert "split test" in evaluation.sections[0].data


def box(row0, **fields):
    return TruthBox(row0=row0, col0=10, row1=row0 + 10, col1=20, **fields)


def place(row0, score, kind=""):
    return Candidate(row0=row0, col0=10, row1=row0 + 10, col1=20, score=score, kind=kind)


def test_objects_on_pictures_are_found_or_not():
    rows = []
    for i in range(40):
        if i < 20:  # an object; found in 15, in 5 of those by a class that is none of the truth's
            found = [place(50, 0.9, "dense" if i < 5 else "weapon")] if i < 15 else []
            hidden = box(80, kind="weapon", visible=0.1)
            rows.append(
                pictured(f"p{i}", boxes=(box(50, kind="weapon"), hidden), answer={"candidates": found})
            )
        else:  # clean; one false alarm in 4
            found = [place(90, 0.5)] if i % 4 == 0 else []
            rows.append(pictured(f"p{i}", answer={"candidates": found}))
    part = part_of(stored(rows))
    found = figures(part)
    assert found["objects: answered", ""].k == 40
    assert found["objects: found at 0.1 false alarms a clean picture", ""].value == pytest.approx(0.75)
    assert found["objects: pointed at, at any score", "weapon"].k == 15
    assert found["objects: pointed at, at any score", "weapon"].n == 20
    assert found["objects: hidden, not asked for", ""].value == 20
    low = found["objects: found at 0.1 false alarms a clean picture", ""]
    assert low.low < 0.75 < low.high
    assert low.method == "bootstrap over 40 scenes"
    (curve,) = [curve for curve in part.curves if curve.section == "localisation"]
    assert max(y for y in curve.series[0].y) == pytest.approx(0.75)


def test_candidates_where_nobody_looks_do_not_count():
    boxes = (box(50, kind="weapon"), box(90, is_ignored=True))
    rows = [
        pictured(f"p{i}", boxes=boxes, answer={"candidates": [place(50, 0.9), place(90, 0.99)]})
        for i in range(6)
    ]
    rows += [
        pictured(f"c{i}", boxes=(box(90, is_ignored=True),), answer={"candidates": [place(90, 0.99)]})
        for i in range(6)
    ]
    found = figures(part_of(stored(rows)))
    assert found["objects: found at 0.01 false alarms a clean picture", ""].value == 1.0
    assert found["objects: average precision", ""].value == 1.0


def test_a_detector_that_does_not_point_has_no_curve():
    part = part_of(stored([pictured("p", boxes=(box(50),))]))
    assert not any(figure.section == "localisation" for figure in part.figures)


def test_stated_probabilities_are_held_against_the_truth():
    rng = np.random.default_rng(3)
    rows = []
    for i in range(400):
        stated = float(rng.random())
        is_true = rng.random() < stated
        # A natural label beside the truth is neither right nor wrong and must not count.
        rows.append(
            passed(f"s{i}", source="Cs-137" if is_true else "Co-60", nuclides=("Cs-137",),
                   confidences={"Cs-137": stated, "K-40": 1.0})
        )  # fmt: skip
    found = figures(part_of(stored(rows)))
    error = found["nuclides: expected calibration error", ""]
    assert error.n == 400
    assert error.value < 0.12
    assert 0.0 <= error.low < error.high < 0.15
    assert "by chance" in error.note
    brier = found["nuclides: Brier score", ""]
    assert brier.low < 1 / 6 < brier.high  # the integral of p (1 - p)
    lying = [
        passed(f"s{i}", source="Co-60", nuclides=("Cs-137",), confidences={"Cs-137": 0.99}) for i in range(50)
    ]
    assert figures(part_of(stored(lying)))["nuclides: expected calibration error", ""].value > 0.9


def test_a_load_score_that_is_no_probability_is_not_calibrated():
    rows = [
        pictured(f"p{i}", boxes=None, is_empty=bool(i % 2), answer={"is_loaded": True, "load_score": 1.0 * i})
        for i in range(60)
    ]
    part = part_of(stored(rows))
    assert not any(figure.section == "calibration" for figure in part.figures)
    assert ("loaded: area under the curve", "") in figures(part)


def test_prediction_sets_cover_or_not():
    rows = [
        passed(f"s{i}", source="Th-232", nuclides=("Th-232",),
               prediction_set=("Th-228", "Cs-137") if i < 45 else ("Cs-137",)) for i in range(50)
    ]  # fmt: skip
    found = figures(part_of(stored(rows)))
    assert found["nuclides: truth within the prediction set", ""].k == 45  # Th-228 answers for Th-232
    assert found["nuclides: labels in a prediction set", ""].value == pytest.approx(1.9)


def test_detectors_are_compared_on_the_samples_both_answered():
    rng = np.random.default_rng(1)
    rows = []
    for i in range(200):
        source = "Cs-137" if i % 2 else ""
        good, poor = rng.normal(3.0 * bool(source)), rng.normal(1.0 * bool(source))
        rows.append(passed(f"s{i}", source=source, alarm=bool(good > 1.5), alarm_score=float(good)))
        rows.append(
            passed(f"s{i}", source=source, detector="b", alarm=bool(poor > 1.5), alarm_score=float(poor))
        )
    part = part_of(stored(rows, detectors=("a", "b")))
    found = {comparison.metric: comparison for comparison in part.comparisons}
    area = found["alarm: area under the curve"]
    assert (area.a, area.b, area.n, area.test, area.verdict) == ("a", "b", 200, "DeLong", "a is better")
    share = found["alarm: sources detected"]
    assert (share.n, share.test, share.verdict) == (100, "McNemar, exact", "a is better")
    assert share.low < share.effect < share.high
    assert found["alarm: false, per occupancy"].verdict == "not distinguishable"
    same = part_of(stored(rows[::2] + [passed(r.sample.id, source=(r.sample.truth_nuclides or ("",))[0],
                   detector="b", alarm=r.answer.alarm, alarm_score=r.answer.alarm_score) for r in rows[::2]],
                   detectors=("a", "b")))  # fmt: skip
    assert {comparison.verdict for comparison in same.comparisons} == {"not distinguishable"}


def test_only_detectors_of_one_tier_are_compared_but_with_references():
    rows = [passed(f"s{i}", source="Cs-137", detector=d, alarm=True) for i in range(10) for d in "abc"]
    tiers = [DetectorTested(name="a", tier="blind"), DetectorTested(name="b", tier="informed"),
             DetectorTested(name="c", tier="reference")]  # fmt: skip
    part = part_of(stored(rows, detectors=tiers))
    assert {(comparison.a, comparison.b) for comparison in part.comparisons} == {("a", "c"), ("b", "c")}


def test_samples_that_share_a_parent_are_compared_by_parents():
    rows = [
        passed(f"s{i}", source="Cs-137", parent=f"p{i % 8}", detector=d, alarm=d == "a" or i % 8 < 2)
        for i in range(40)
        for d in "ab"
    ]
    (found,) = part_of(stored(rows, detectors=("a", "b"))).comparisons[:1]
    assert found.test == "bootstrap over 8 parents"
    assert found.effect == pytest.approx(0.75)


def test_curves_are_read_where_there_are_enough_negatives():
    rows = [
        passed(f"s{i}", source="Cs-137" if i % 2 else "", alarm=True, alarm_score=float(i % 7))
        for i in range(60)
    ]
    names = {metric for metric, _ in figures(part_of(stored(rows)))}
    assert "alarm: true positive rate at false positive rate 0.1" in names
    assert "alarm: true positive rate at false positive rate 0.01" not in names  # 30 negatives cannot tell


def test_time_to_alarm_counts_those_that_never_did():
    times = [1.0, 2.0, 3.0, None, None]
    rows = [
        passed(f"s{i}", source="Cs-137", alarm=t is not None, alarm_time_s=t) for i, t in enumerate(times)
    ]
    found = figures(part_of(stored(rows)))["alarm: median time from the start of the pass", ""]
    assert (found.value, found.n, found.note) == (3.0, 5, "2 of 5 passes with a source never alarmed")


def test_masses_are_held_against_the_load():
    answers = [1000.0, 1100.0, 1300.0, 900.0, None]
    rows = [
        pictured(f"p{i}", boxes=None, cargo_mass_kg=1000.0, answer={"cargo_mass_kg": mass})
        for i, mass in enumerate(answers)
    ]
    rows.append(pictured("empty", boxes=None, cargo_mass_kg=0.0, answer={"cargo_mass_kg": 5.0}))
    found = figures(part_of(stored(rows)))
    within = found["mass: within 20% of the truth", ""]
    assert (within.k, within.n) == (3, 5)
    assert found["mass: answered", ""].k == 4
    assert found["mass: median relative error", ""].value == pytest.approx(0.05)


def test_time_and_memory_stand_by_modality():
    rows = [
        StoredAnswer(sample=Sample(id=f"s{i}", path="p", modality="radiation"), detector="a",
                     answer=DetectorAnswer(level=Level.LOW), elapsed_s=0.001 * (i + 1), peak_bytes=10**6 * i)
        for i in range(101)
    ]  # fmt: skip
    found = figures(part_of(stored(rows)))
    assert found["time per scan, median", "radiation"].value == pytest.approx(51.0)
    assert found["time per scan, 95 %", "radiation"].value == pytest.approx(96.0)
    assert found["peak memory", "radiation"].value == 100.0
    assert found["peak memory", "radiation"].better == ""  # never a regression


def test_what_fails_a_thousand_times_is_named_and_counted():
    failure = Failure(stage="detector", kind="detector failed", text="no")
    rows = [
        StoredAnswer(sample=Sample(id=f"s{i}", path="p"), detector="a",
                     answer=DetectorAnswer(level=Level.UNKNOWN), failure=failure) for i in range(1000)
    ]  # fmt: skip
    left_out = part_of(stored(rows)).left_out
    assert len(left_out) == MAX_NAMED + 1
    assert sum(item.n for item in left_out) == 1000
    assert left_out[-1].is_error


def test_failures_are_shown_with_their_scan(tmp_path):
    quiet, source, picture = ordinary_scans()
    for name, scan in (("s", source), ("q", quiet), ("p", picture)):
        write_scan(tmp_path / f"{name}.h5", scan)
    rows = [
        passed("s", source="Cs-137", alarm=False, nuclides=("HEU",)),
        passed("q", source="", alarm=True, nuclides=()),
        passed("gone", source="Cs-137", alarm=False),
        pictured("p.h5", boxes=(box(50, kind="weapon"),), answer={"candidates": (place(100, 0.7),)}),
    ]
    shown = failures_of(stored(rows), tmp_path)
    assert [(one.section, one.title) for one in shown] == [
        ("alarms", "a source without an alarm: s"),
        ("alarms", "a source without an alarm: gone"),
        ("alarms", "an alarm without a load: q"),
        ("localisation", "an object missed: p.h5"),
    ]
    spectrum = shown[0].spectrum
    counts = source.payload.spectra.sum()
    assert sum(spectrum.counts) == pytest.approx(counts, rel=1e-6)
    assert len(spectrum.energy_kev) == len(spectrum.counts) + 1 == len(spectrum.model) + 1
    assert 500 < spectrum.energy_kev[int(np.argmax(np.subtract(spectrum.counts, spectrum.model)))] < 800
    assert "cannot be shown" in shown[1].text
    assert [drawn.kind for drawn in shown[3].picture.boxes] == ["missed", "false alarm"]
    assert shown[3].picture.png.startswith(b"\x89PNG")


def test_sources_without_an_answer_are_misses_of_curves_and_times():
    good = [passed(f"g{i}", source="Cs-137", alarm=True, alarm_score=5.0, alarm_time_s=2.0) for i in range(6)]
    mute = [passed(f"m{i}", source="Cs-137", level=Level.UNKNOWN) for i in range(14)]
    clean = [passed(f"c{i}", source="", alarm=False, alarm_score=i % 7) for i in range(20)]
    silent = [passed(f"u{i}", source="", level=Level.UNKNOWN) for i in range(20)]
    found = figures(part_of(stored([*good, *mute, *clean, *silent])))
    at = found["alarm: true positive rate at false positive rate 0.1", ""]
    assert at.value == 0.0  # 4 of 20 clean ones score 5 and more
    assert "20 positives, 20 negatives, 14 without a score" in at.note
    area = found["alarm: area under the curve", ""]
    assert area.value == pytest.approx(0.3 * np.mean([(i % 7 < 5) + 0.5 * (i % 7 == 5) for i in range(20)]))
    time = found["alarm: median time from the start of the pass", ""]
    assert (time.value, time.n, time.note) == (None, 20, "14 of 20 passes with a source never alarmed")


def test_a_detector_without_scores_has_no_curve():
    rows = [passed(f"s{i}", source="Cs-137" if i % 2 else "", alarm=bool(i % 2)) for i in range(40)]
    assert not any("area" in metric for metric, _ in figures(part_of(stored(rows))))


def test_false_alarms_of_one_parent_are_not_independent():
    rows = [passed(f"s{i}", source="", alarm=i < 40, parent=f"p{i // 20}") for i in range(400)]
    alike = figures(part_of(stored(rows)))["alarm: false, per occupancy", ""]
    apart = figures(part_of(stored([passed(f"s{i}", source="", alarm=i < 40) for i in range(400)])))
    alone = apart["alarm: false, per occupancy", ""]
    assert alike.value == alone.value == pytest.approx(0.1)
    assert alike.unit == alone.unit == "1/occupancy"
    assert (alone.method, "20 parents" in alike.method) == ("garwood", True)
    assert alike.high - alike.low > 3.0 * (alone.high - alone.low)


def test_averages_of_identification_have_intervals_over_parents():
    rows = [
        passed(f"s{i}", source="Cs-137", parent=f"p{i // 4}", nuclides=("Cs-137",) if i // 4 % 3 else ())
        for i in range(120)
    ]
    found = figures(part_of(stored(rows)))["nuclides: recall", ""]
    assert found.value == pytest.approx(2 / 3)
    assert found.method == "bootstrap over 30 parents"
    wide = 2.0 * 1.96 * np.sqrt(2 / 9 / 30)  # of 30 trials, not of 120
    assert 0.85 * wide < found.high - found.low < 1.25 * wide


def test_an_identifier_is_not_asked_for_an_alarm():
    def _rows(**answer):
        return [
            passed(f"s{i}", source="Cs-137" if i % 2 else "", **{"level": Level.UNKNOWN, **answer})
            for i in range(20)
        ]

    headline = ("alarm: sources detected", "alarm: false, per occupancy", "answers UNKNOWN")
    found = figures(part_of(stored(_rows(nuclides=()))))
    for metric in headline:
        figure = found[metric, ""]
        assert (figure.value, figure.method, figure.is_headline) == (None, "none: no claim", True)
        assert "neither a hit nor a miss" in figure.note
        assert figure_words(figure).value == "–"
    assert found["alarm: answered", ""].value == 0.0

    # Silence, reasons and failures are misses, and so is one that alarms on some.
    for rows in (
        _rows(),
        _rows(nuclides=(), codes=("Q_COVERAGE",)),
        [*_rows(nuclides=()), passed("one", source="Cs-137", alarm=True, level=Level.HIGH)],
    ):
        found = figures(part_of(stored(rows)))
        assert found["answers UNKNOWN", ""].k == 20
        assert found["alarm: sources detected", ""].k == len(rows) - 20
        assert found["alarm: sources detected", ""].n == 10 + len(rows) - 20


def test_an_identifier_is_not_ranked_by_alarms():
    rows = [passed(f"s{i}", source="Cs-137", alarm=True, level=Level.HIGH) for i in range(20)]
    rows += [
        passed(f"s{i}", source="Cs-137", detector="b", nuclides=("Cs-137",), level=Level.UNKNOWN)
        for i in range(20)
    ]
    part = part_of(stored(rows, detectors=("a", "b")))
    assert [item.metric for item in part.comparisons if item.section == "alarms"] == []
