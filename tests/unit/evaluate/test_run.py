from __future__ import annotations

import json
from datetime import UTC, datetime
from html.parser import HTMLParser

import jsonschema
import numpy as np
import pytest

from screening.archive import write_scan
from screening.config import Settings
from screening.errors import ConfigurationError, FormatError
from screening.evaluate import DetectorAnswer, evaluation_schema, evaluation_table, run
from screening.evaluate.detectors import GrossCountDetector, PipelineDetector, load_detectors
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


@pytest.fixture
def oracle(evaluated):
    return evaluated[1].detectors[0]


def test_everything_that_does_not_fit_is_named_and_counted(evaluated):
    _, evaluation = evaluated
    assert evaluation.data.n_problems == {"missing scan": 1, "scan without label": 1}
    assert {problem.where for problem in evaluation.data.problems} == {"row 12", "s7.h5"}
    assert evaluation.data.n_rows == 11
    assert evaluation.data.n_scored == 9
    assert evaluation.data.n_other_splits == {"train": 1}
    assert evaluation.exit_status == 1


def test_a_failure_is_an_unknown_answer_and_is_told(oracle):
    assert [(f.id, f.stage, f.text) for f in oracle.failures] == [
        ("s3.h5#0", "detector", "RuntimeError: broke down"),
        ("broken.n42#0", "reading", oracle.failures[1].text),
    ]
    assert oracle.n_answers == 9
    assert oracle.levels == {"LOW": 6, "UNKNOWN": 2, "HIGH": 1}
    assert (oracle.unknown.k, oracle.unknown.n) == (2, 9)
    assert {code: share.k for code, share in oracle.unknown_by_reason.items()} == {
        "INPUT_CORRUPT": 1,
        "MODEL_ERROR": 1,
    }


def test_alarms_miss_what_was_not_answered(oracle):
    alarms = oracle.alarms
    assert (alarms.detection.k, alarms.detection.n) == (1, 3)  # the failure and the silence are misses
    assert (alarms.nuisance.k, alarms.nuisance.n) == (0, 1)
    # The unreadable one without a source is no exposure: silence that was not decided earns nothing.
    assert (alarms.false_alarm.n, alarms.false_alarm.exposure, alarms.false_alarm.unit) == (
        0,
        1.0,
        "occupancy",
    )
    assert (alarms.answered.k, alarms.answered.n) == (4, 6)
    assert alarms.roc.n_without_score == 1


def test_nuclides_are_scored_over_all_spectra(oracle):
    found = oracle.identification
    assert (found.correct.k, found.missed.k, found.wrong.k, found.partial.k) == (3, 2, 0, 0)
    assert found.correct.n == 5  # one portal only counts: nobody could name anything there
    assert (found.answered.k, found.answered.n) == (1, 3)
    assert found.by_truth["Cs-137"] == {"correct": 1, "partial": 0, "wrong": 0, "missed": 1}
    assert found.correspondence == "1"


def test_radiographs_are_scored_by_question(oracle):
    assert (oracle.loaded.tpr.k, oracle.loaded.tpr.n) == (2, 2)
    assert (oracle.loaded.fpr.k, oracle.loaded.fpr.n) == (0, 1)
    assert oracle.loaded.roc.auc == 1.0
    assert (oracle.shielded.tpr.k, oracle.shielded.tpr.n) == (0, 1)
    assert oracle.dense is None  # nothing was labelled


def test_a_low_that_must_not_be_is_a_figure_of_its_own(oracle):
    assert (oracle.false_low.k, oracle.false_low.n) == (2, 4)
    assert oracle.levels_by_truth["HIGH"] == {"LOW": 1, "UNKNOWN": 1, "HIGH": 1}
    assert oracle.levels_by_group == {"NaI": {"LOW": 3, "UNKNOWN": 1, "HIGH": 1}}


def test_the_reference_rule_serves_one_modality(evaluated):
    gross = evaluated[1].detectors[1]
    assert gross.n_not_served == 3
    assert (gross.alarms.detection.k, gross.alarms.detection.n) == (3, 3)
    assert gross.alarms.false_alarm.n == 0
    assert gross.identification is None
    assert gross.loaded is None


def test_the_report_follows_its_schema(evaluated, repository):
    out, _ = evaluated
    schema = json.loads((repository / "screening" / "evaluate" / "evaluation-1.schema.json").read_text())
    assert schema == evaluation_schema()
    jsonschema.validate(json.loads((out / "report.json").read_text()), schema)


def test_every_figure_of_the_report_has_its_trials(evaluated):
    def figures(value):
        if isinstance(value, dict):
            if "low" in value:
                yield value
            for item in value.values():
                yield from figures(item)
        elif isinstance(value, list):
            for item in value:
                yield from figures(item)

    found = list(figures(json.loads((evaluated[0] / "report.json").read_text())))
    assert len(found) > 20
    for figure in found:
        assert "n" in figure
        assert figure["value"] is None or figure["low"] <= figure["value"] <= figure["high"]


def test_the_page_shows_the_same_and_has_no_script(evaluated):
    text = (evaluated[0] / "report.html").read_text(encoding="utf-8")
    tags = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: tags.append(tag)
    parser.feed(text)
    assert "script" not in tags
    assert tags.count("section") == 3
    for words in ("oracle", "gross-counts", "missing scan", "broke down", "labels, sha256"):
        assert words in text


def test_the_table_for_a_terminal(evaluated):
    text = evaluation_table(evaluated[1])
    assert "alarm: sources detected" in text
    assert "1 of 3" in text
    assert "UNKNOWN by INPUT_CORRUPT" in text
    assert "9 scans from 9 parents" in text


def test_names_from_outside_are_text_in_the_page(dataset, tmp_path):
    class Odd(Oracle):
        name = "<script>alert(1)</script>"

    run(dataset, tmp_path, detectors=[Odd()])
    assert "<script>" not in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_the_same_data_give_the_same_report(dataset, evaluated, tmp_path):
    run(dataset, tmp_path, detectors=[Oracle(), GrossCountDetector(Settings())])
    assert (tmp_path / "report.json").read_bytes() == (evaluated[0] / "report.json").read_bytes()


def test_a_split_without_rows_is_no_evaluation(dataset, tmp_path):
    with pytest.raises(FormatError, match=r"no row of split 'threshold'; there is: test \(9\), train \(1\)"):
        run(dataset, tmp_path / "out", detectors=[Oracle()], split="threshold")
    assert not (tmp_path / "out").exists()


def test_another_split_is_another_evaluation(dataset, tmp_path):
    evaluation = run(dataset, tmp_path, detectors=[Oracle()], split="train")
    assert evaluation.data.n_scored == 1
    assert evaluation.detectors[0].loaded is None


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
