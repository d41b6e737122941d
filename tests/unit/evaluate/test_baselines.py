from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import msgspec
import pytest

from screening.archive import write_scan
from screening.config import Settings
from screening.errors import StoreError
from screening.evaluate import evaluation_schema, read_report, run
from screening.evaluate.answers import read_answers
from screening.evaluate.baselines import keep_baseline
from screening.evaluate.dataset import read_dataset
from screening.evaluate.detectors import GrossCountDetector
from screening.evaluate.detectors.contract import ordinary_scans
from screening.evaluate.report import compare, stored_pairs

SHIPPED = Path("tests") / "baselines" / "samples"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("set")
    quiet, source, _ = ordinary_scans()
    rows = ["path,truth_nuclides"]
    for number in range(16):
        scan = source if number % 2 else quiet
        identity = msgspec.structs.replace(scan.identity, scan_id=f"s{number}")
        write_scan(root / f"s{number}.h5", msgspec.structs.replace(scan, identity=identity))
        rows.append(f"s{number}.h5,{'Cs-137' if number % 2 else 'none'}")
    (root / "labels.csv").write_text("\n".join(rows), encoding="utf-8")
    return root


def test_a_detector_that_got_worse_is_told(folder, tmp_path):
    run(folder, tmp_path / "before", detectors=[GrossCountDetector(Settings())])
    baseline = keep_baseline(tmp_path / "before", tmp_path / "kept")
    again = run(folder, tmp_path / "again", detectors=[GrossCountDetector(Settings())])
    changes = compare(again, read_report(baseline), paired=stored_pairs(tmp_path / "again", baseline))
    assert changes.exit_status == 0
    assert {change.verdict for change in changes.headline} == {"unchanged"}
    deaf = run(folder, tmp_path / "deaf", detectors=[GrossCountDetector(Settings(), n_sigma=1e6)])
    changes = compare(deaf, read_report(baseline), paired=stored_pairs(tmp_path / "deaf", baseline))
    assert changes.exit_status == 3
    assert [change.key[1] for change in changes.regressions] == ["alarm: sources detected"]


def test_a_baseline_holds_nothing_that_changes_from_run_to_run(folder, tmp_path):
    for name in ("one", "two"):
        run(folder, tmp_path / name, detectors=[GrossCountDetector(Settings())])
        keep_baseline(tmp_path / name, tmp_path / f"kept-{name}")
    for file in ("report.json", "answers.jsonl"):
        assert (tmp_path / "kept-one" / file).read_bytes() == (tmp_path / "kept-two" / file).read_bytes()
    with pytest.raises(StoreError):
        keep_baseline(tmp_path / "nowhere", tmp_path / "out")


def test_the_shipped_baseline_is_of_the_shipped_samples(repository):
    folder = repository / SHIPPED
    jsonschema.validate(
        json.loads((folder / "report.json").read_text()), json.loads(json.dumps(evaluation_schema()))
    )
    answers, samples = read_answers(folder / "answers.jsonl"), read_dataset(repository / "data_samples")
    assert answers.header.labels_sha256 == samples.labels_sha256
    assert {row.sample.id for row in answers.rows} == {sample.id for sample in samples.samples}
    assert samples.problems == ()
    assert {detector.name for detector in read_report(folder / "report.json").detectors} == {
        "pipeline",
        "gross-counts",
    }
