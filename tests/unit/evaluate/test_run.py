from __future__ import annotations

import json
from datetime import UTC, datetime

import jsonschema
import numpy as np
import pytest

from screening.archive import write_scan
from screening.config import Settings
from screening.errors import ConfigurationError, FormatError
from screening.evaluate import DetectorAnswer, evaluation_schema, run
from screening.evaluate.detectors import GrossCountDetector, PipelineDetector, load_detectors
from screening.evaluate.identification import load_correspondence
from screening.evaluate.record import joined
from screening.evaluate.samples import TruthBox
from screening.evaluate.stored import evaluate_stored, named_apart
from screening.evaluate.truths import write_truths
from screening.records import Background, Level, Occupancy, Radiograph, Scan, ScanIdentity


def occupancy(seed, *, source_cps=0.0, background=400.0, has_spectra=False):
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    interval_s = np.full(60, 0.2)
    t_s = np.cumsum(interval_s) - 0.2
    rate = 400.0 + source_cps * np.exp(-(((t_s - 6.0) / 1.5) ** 2))
    when = datetime(2026, 1, 1, 8, 0, tzinfo=UTC)
    return Scan(
        identity=ScanIdentity(scan_id=f"s{seed}", t_start_utc=when, t_end_utc=when),
        payload=Occupancy(
            kind="occupancy",
            interval_s=interval_s,
            t_s=t_s,
            panel_ids=("A",),
            gamma_counts=rng.poisson(rate[:, np.newaxis] * 0.2).astype(np.int64),
            spectra=np.ones((60, 1, 8), dtype=np.uint32) if has_spectra else None,
            background=None
            if background is None
            else Background(gamma_cps=np.array([background]), live_time_s=120.0, t_end_utc=when),
        ),
    )


def radiograph(seed):
    return Scan(
        identity=ScanIdentity(scan_id=f"r{seed}"),
        payload=Radiograph(raw=np.full((64, 64, 1), 1000 + seed, dtype=np.uint16), energies=("6MV",)),
    )


class Oracle:
    """Answers from the scan's name: what a detector could say, and how it may fail."""

    name = "oracle"

    def answer(self, scan):
        name = scan.identity.scan_id
        if name == "s3":
            raise RuntimeError("broke down\nbadly")
        if scan.modality == "radiograph":
            loaded = name in ("r10", "r11")
            return DetectorAnswer(
                level=Level.LOW,
                load_score=float(name[1:]),
                is_loaded=loaded,
                has_dense=None,
                is_shielded=False,
            )
        if name == "s2":
            return DetectorAnswer(level=Level.HIGH, alarm=True, alarm_score=50.0, nuclides=("Cs-137",))
        return DetectorAnswer(level=Level.LOW, alarm=False, alarm_score=1.0, nuclides=())


LABELS = """\
path,modality,truth_nuclides,is_empty,is_shielded,level,split,parent,group
s1.h5,radiation,none,,,LOW,test,,NaI
s2.h5,radiation,Cs-137,,,HIGH,test,,NaI
s3.h5,radiation,Cs-137,,,HIGH,test,,NaI
s4.h5,radiation,Co-60,,,HIGH,test,,NaI
s5.h5,radiation,K-40,,,UNKNOWN,test,,NaI
s6.h5,radiation,none,,,LOW,train,,NaI
r10.h5,radiograph,,false,false,,test,,
r11.h5,radiograph,,false,true,,test,,
r1.h5,radiograph,,true,false,,test,,
broken.n42,radiation,none,,,LOW,test,,
gone.h5,radiation,none,,,LOW,test,,
"""


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dataset")
    for seed, source in ((1, 0.0), (2, 4000.0), (3, 4000.0), (4, 900.0), (5, 0.0), (6, 0.0), (7, 0.0)):
        write_scan(folder / f"s{seed}.h5", occupancy(seed, source_cps=source, has_spectra=seed != 5))
    for seed in (1, 10, 11):
        write_scan(folder / f"r{seed}.h5", radiograph(seed))
    (folder / "broken.n42").write_text("no document", encoding="utf-8")
    (folder / "labels.csv").write_text(LABELS, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def evaluated(dataset, tmp_path_factory):
    out = tmp_path_factory.mktemp("evaluated")
    return out, run(dataset, out, detectors=[Oracle(), GrossCountDetector(Settings())])


class Rows:
    """The figures of one detector, by metric and stratum."""

    def __init__(self, evaluation, detector):
        self._rows = {(f.metric, f.stratum): f for f in evaluation.figures if f.detector == detector}

    def __call__(self, metric, stratum=""):
        return self._rows[metric, stratum]

    def counts(self, metric, stratum=""):
        found = self(metric, stratum)
        return found.k, found.n

    def headlines(self):
        return [name for (name, _), row in self._rows.items() if row.is_headline]

    def has(self, metric):
        return any(name == metric for name, _ in self._rows)


@pytest.fixture
def oracle(evaluated):
    return Rows(evaluated[1], "oracle")


def left_out(evaluation, kind):
    return [item for item in evaluation.left_out if item.kind == kind]


def test_everything_that_does_not_fit_is_named_and_counted(evaluated):
    _, evaluation = evaluated
    assert [item.where for item in left_out(evaluation, "missing scan")] == ["row 12"]
    assert [item.where for item in left_out(evaluation, "scan without label")] == ["s7.h5"]
    data = Rows(evaluation, "")
    assert data("rows of the labels").value == 11
    assert data("scans scored").value == 9
    assert data("rows of other splits", "train").value == 1
    assert data("independent parents").value == 9
    assert evaluation.exit_status == 1


def test_a_failure_is_an_unknown_answer_and_is_told(evaluated, oracle):
    (broken,) = left_out(evaluated[1], "detector failed")
    assert (broken.where, broken.text) == ("oracle: s3.h5#0", "RuntimeError: broke down")
    (unread,) = left_out(evaluated[1], "not read")
    assert unread.where == "broken.n42#0"
    assert unread.is_error
    assert oracle.counts("answers UNKNOWN") == (2, 9)
    assert [oracle.counts(f"answers by level: {level}")[0] for level in Level] == [6, 2, 1]
    assert oracle.counts("UNKNOWN by reason", "INPUT_CORRUPT") == (1, 9)
    assert oracle.counts("UNKNOWN by reason", "MODEL_ERROR") == (1, 9)


def test_alarms_miss_what_was_not_answered(oracle):
    assert oracle.counts("alarm: sources detected") == (1, 3)  # the failure and the silence are misses
    assert oracle.counts("alarm: sources detected", "Co-60") == (0, 1)
    assert oracle.counts("alarm: natural and medical") == (0, 1)
    # The unreadable one without a source is no exposure: silence that was not decided earns nothing.
    assert oracle.counts("alarm: false, per occupancy") == (0, 1.0)
    assert oracle("alarm: false, per occupancy").unit == "1/occupancy"
    assert oracle.counts("alarm: answered") == (4, 6)
    assert "1 without a score" in oracle("alarm: area under the curve").note


def test_nuclides_are_scored_over_all_spectra(oracle):
    counts = [oracle.counts(f"nuclides: {verdict}") for verdict in ("correct", "missed", "wrong", "partial")]
    # One portal only counts: nobody could name anything there.
    assert counts == [(3, 5), (2, 5), (0, 5), (0, 5)]
    assert oracle.counts("nuclides: answered") == (1, 3)
    # What silence earns on background is no headline; the reading that failed shows no false name either way.
    assert oracle.counts("nuclides: correct, with a source") == (1, 3)
    assert oracle.counts("nuclides: named where nothing is") == (0, 1)
    headlines = [name for name in oracle.headlines() if name.startswith("nuclides")]
    assert headlines == [
        "nuclides: correct, with a source",
        "nuclides: named where nothing is",
        "nuclides: wrong",
    ]
    assert oracle.counts("nuclides: correct", "Cs-137") == (1, 2)
    assert oracle.counts("nuclides: missed", "Cs-137") == (1, 2)
    assert oracle("nuclides: correct").note == f"correspondence {load_correspondence().version}"
    assert oracle("nuclides: recall").value == pytest.approx(3 / 5)


def test_radiographs_are_scored_by_question(oracle, evaluated):
    assert oracle.counts("loaded: true positive rate") == (2, 2)
    assert oracle.counts("loaded: false positive rate") == (0, 1)
    assert oracle("loaded: area under the curve").value == 1.0
    assert oracle.counts("shielded: true positive rate") == (0, 1)
    assert not oracle.has("dense object: answered")  # nothing was labelled
    curve, tradeoff = [curve for curve in evaluated[1].curves if curve.section == "loaded"]
    assert (curve.x_scale, tradeoff.x_scale) == ("linear", "probit")
    assert [series.name for series in curve.series] == ["oracle"]
    assert (curve.series[0].x[0], curve.series[0].y[-1]) == (0.0, 1.0)


def test_a_low_that_must_not_be_is_a_figure_of_its_own(oracle):
    assert oracle.counts("LOW where it must not be") == (2, 4)
    assert [oracle.counts(f"answers by level: {level}", "true level HIGH") for level in Level] == [(1, 3)] * 3
    assert [oracle.counts(f"answers by level: {level}", "group NaI")[0] for level in Level] == [3, 1, 1]


def test_the_reference_rule_serves_one_modality(evaluated):
    gross = Rows(evaluated[1], "gross-counts")
    (other,) = left_out(evaluated[1], "another modality")
    assert (other.where, other.n, other.is_error) == ("gross-counts", 3, False)
    assert gross.counts("alarm: sources detected") == (3, 3)
    assert gross("alarm: false, per occupancy").k == 0
    assert not gross.has("nuclides: correct")
    assert not gross.has("loaded: answered")


def test_the_report_follows_its_schema(evaluated, repository):
    out, _ = evaluated
    schema = json.loads((repository / "screening" / "evaluate" / "evaluation-2.schema.json").read_text())
    assert schema == json.loads(json.dumps(evaluation_schema()))
    jsonschema.validate(json.loads((out / "report.json").read_text()), schema)


def test_every_figure_of_the_report_has_its_trials(evaluated):
    figures = json.loads((evaluated[0] / "report.json").read_text())["figures"]
    assert len(figures) > 40
    for figure in figures:
        assert figure["n"] is not None or figure["method"] == "count", figure
        assert figure["low"] is None or figure["low"] <= figure["value"] <= figure["high"]


def test_the_same_data_give_the_same_figures(dataset, evaluated, tmp_path):
    again = run(dataset, tmp_path, detectors=[Oracle(), GrossCountDetector(Settings())])
    first = evaluated[1]
    assert [f for f in again.figures if f.section != "cost"] == [
        f for f in first.figures if f.section != "cost"
    ]
    assert again.curves == first.curves
    assert again.left_out == first.left_out


def test_a_report_made_again_from_stored_answers_is_the_same(evaluated):
    out, evaluation = evaluated
    part = evaluate_stored(out)
    assert part.figures == evaluation.figures
    assert part.curves == evaluation.curves
    assert part.left_out == evaluation.left_out
    assert part.detectors == evaluation.detectors


def test_two_data_sets_stand_in_one_report(evaluated):
    out, evaluation = evaluated
    part = evaluate_stored(out)
    both = joined([part, named_apart(part, "again")], title="both", provenance=evaluation.provenance)
    assert len(both.figures) == 2 * len(part.figures)
    assert {section.id for section in both.sections} >= {"alarms", "again/alarms"}


def test_objects_outside_the_picture_are_told_and_not_scored(tmp_path):
    write_scan(tmp_path / "r1.h5", radiograph(1))
    (tmp_path / "labels.csv").write_text("path\nr1.h5\n", encoding="utf-8")
    write_truths(tmp_path, {"r1.h5#0": [TruthBox(row0=0, col0=0, row1=10, col1=65)]})
    evaluation = run(tmp_path, tmp_path / "out", detectors=[Oracle()])
    (found,) = left_out(evaluation, "outside the picture")
    assert "columns 0:65; the picture has 64 x 64" in found.text
    assert evaluation.exit_status == 1


def test_a_split_without_rows_is_no_evaluation(dataset, tmp_path):
    with pytest.raises(FormatError, match=r"no row of split 'threshold'; there is: test \(9\), train \(1\)"):
        run(dataset, tmp_path / "out", detectors=[Oracle()], split="threshold")
    assert not (tmp_path / "out").exists()


def test_another_split_is_another_evaluation(dataset, tmp_path):
    evaluation = run(dataset, tmp_path, detectors=[Oracle()], split="train")
    assert Rows(evaluation, "")("scans scored").value == 1
    assert not Rows(evaluation, "oracle").has("loaded: answered")


@pytest.mark.parametrize(
    "options", [{"split": "exam"}, {"detectors": []}, {"detectors": [Oracle(), Oracle()]}]
)
def test_what_cannot_be_evaluated_is_refused(dataset, tmp_path, options):
    with pytest.raises(ConfigurationError):
        run(dataset, tmp_path, **options)


def test_the_built_in_detectors_come_through_the_entry_points():
    names = [detector.name for detector in load_detectors(None, Settings())]
    assert {"pipeline", "gross-counts"} <= set(names)
    with pytest.raises(ConfigurationError, match="registered: "):
        load_detectors(["nobody"], Settings())


def test_the_pipeline_answers_and_survives_its_own_failures(monkeypatch):
    detector = PipelineDetector(Settings())
    answer = detector.answer(occupancy(2, source_cps=4000.0))
    assert (answer.level, answer.alarm) == (Level.HIGH, True)
    assert detector.answer(occupancy(1, background=None)).alarm is None  # no rule applied is no silence
    with pytest.raises(AttributeError):
        detector.answer(None)
    assert detector.answer(occupancy(2, source_cps=4000.0)) == answer


@pytest.mark.parametrize(
    ("scan", "code"),
    [
        (occupancy(1, background=None), "BKG_MISSING"),
        (occupancy(1, background=0.0), "BKG_MISSING"),
    ],
)
def test_the_reference_rule_does_not_guess(scan, code):
    answer = GrossCountDetector(Settings()).answer(scan)
    assert (answer.level, answer.alarm, answer.codes) == (Level.UNKNOWN, None, (code,))


def test_the_reference_rule_by_hand():
    scan = occupancy(1)
    counts = np.full((60, 1), 80, dtype=np.int64)
    counts[30:35] = 110
    made = Scan(
        identity=scan.identity,
        payload=Occupancy(
            **{
                **{name: getattr(scan.payload, name) for name in scan.payload.__struct_fields__},
                "gamma_counts": counts,
            }
        ),
    )
    answer = GrossCountDetector(Settings()).answer(made)
    assert answer.alarm_score == pytest.approx((550 - 400) / 20)  # five intervals of 0.2 s at 400 per second
    assert answer.alarm is True
