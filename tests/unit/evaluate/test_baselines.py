from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import jsonschema
import msgspec
import pytest

from screening.archive import write_scan
from screening.config import Settings
from screening.errors import StoreError
from screening.evaluate import Request, evaluation_schema, read_report, run, run_request
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


TOOL = """import sys
print("label,alarm,level")
print(",false,LOW" if {is_deaf} else "Cs-137,true,HIGH")
"""


def test_a_baseline_in_the_folder_of_the_report_hides_nothing(folder, tmp_path):
    tool, out, loaded = tmp_path / "tool.py", tmp_path / "out", tmp_path / "loaded"
    shutil.copytree(folder, loaded)
    text = (loaded / "labels.csv").read_text(encoding="utf-8")
    (loaded / "labels.csv").write_text(text.replace("none", "Cs-137"), encoding="utf-8")
    request = Request(
        dataset=loaded, detectors=("gross-counts",), replays=(f"{sys.executable} -S -E {tool} {{in}}",)
    )
    tool.write_text(TOOL.format(is_deaf=False), encoding="utf-8")
    run_request(request, out)
    shutil.copytree(out, tmp_path / "kept")
    tool.write_text(TOOL.format(is_deaf=True), encoding="utf-8")
    found = []
    for baseline in (out / "report.json", tmp_path / "kept"):  # the first is written over by the run
        changes = run_request(msgspec.structs.replace(request, baseline=baseline), out).changes
        found.append([change.key[1] for change in changes.regressions])
    assert found[0] == found[1]
    assert "alarm: sources detected" in found[0]


def test_answers_of_another_run_are_not_taken_for_those_of_the_report(folder, tmp_path):
    run(folder, tmp_path / "kept", detectors=[GrossCountDetector(Settings())])
    run(folder, tmp_path / "deaf", detectors=[GrossCountDetector(Settings(), n_sigma=1e6)])
    shutil.copy(tmp_path / "kept" / "answers.jsonl", tmp_path / "stale.jsonl")
    out = tmp_path / "out"
    out.mkdir()
    shutil.copy(tmp_path / "stale.jsonl", out / "answers.jsonl")
    request = Request(stored=(tmp_path / "deaf",), baseline=tmp_path / "kept")
    changes = run_request(request, out).changes
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
    assert [detector.name for detector in read_report(folder / "report.json").detectors] == ["pipeline"]
