from __future__ import annotations

import json
import shutil
import sqlite3
from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest

from screening.archive import write_scan
from screening.config import Settings
from screening.errors import ConfigurationError, FormatError, IntegrityError
from screening.reanalyse import run
from screening.reanalyse.index import index_archive
from screening.reanalyse.results import stored_answers
from screening.records import Background, Level, Occupancy, Scan, ScanIdentity, ScreeningReport
from screening.stores import ResultStore


def occupancy(seed, *, source_cps=0.0):
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    interval_s = np.full(60, 0.2)
    t_s = np.cumsum(interval_s) - 0.2
    rate = 400.0 + source_cps * np.exp(-(((t_s - 6.0) / 1.5) ** 2))
    counts = rng.poisson(rate[:, np.newaxis] * 0.2, size=(60, 2)).astype(np.int64)
    return Scan(
        identity=ScanIdentity(
            scan_id=f"01900000-0000-7000-8000-{seed:012d}",
            container_id="CSQU3054383",
            t_start_utc=datetime(2026, 1, 1, 8, seed, tzinfo=UTC),
            t_end_utc=datetime(2026, 1, 1, 8, seed, 12, tzinfo=UTC),
        ),
        payload=Occupancy(
            kind="occupancy",
            interval_s=interval_s,
            t_s=t_s,
            panel_ids=("A", "B"),
            gamma_counts=counts,
            background=Background(
                gamma_cps=np.array([400.0, 400.0]),
                live_time_s=120.0,
                t_end_utc=datetime(2026, 1, 1, 8, seed, tzinfo=UTC),
            ),
            speed_m_s=2.2,
        ),
    )


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    folder = tmp_path_factory.mktemp("input") / "archive"
    (folder / "day2").mkdir(parents=True)
    for seed, source in ((1, 0.0), (2, 4000.0)):
        write_scan(folder / f"{seed}.h5", occupancy(seed, source_cps=source))
    write_scan(folder / "day2" / "3.h5", occupancy(3))
    (folder / "broken.n42").write_text("this is no document", encoding="utf-8")
    (folder / "notes.md").write_text("notes", encoding="utf-8")
    (folder / ".hidden").write_text("x", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def done(archive, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "run"
    return out, run(archive, out, workers=2)


def reports(out):
    return [
        msgspec.json.decode(line, type=ScreeningReport)
        for line in (out / "results.jsonl").read_bytes().splitlines()
    ]


def test_an_archive_is_indexed_to_the_bottom_and_in_order(archive):
    index = index_archive(archive)
    assert [file.path for file in index.files] == ["1.h5", "2.h5", "broken.n42", "day2/3.h5"]
    assert index.not_scans == (".hidden", "notes.md")


def test_what_is_beside_its_scan_is_not_called_left_out(archive, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(archive, folder)
    for name in ("1.json", "labels.csv", "day2/3.json", "day2/4.json", "2.sqlite"):
        (folder / name).write_text("{}", encoding="utf-8")
    (folder / "notes").mkdir()
    (folder / "notes" / "labels.csv").write_text("path\n", encoding="utf-8")
    index = index_archive(folder)
    assert [file.path for file in index.files] == ["1.h5", "2.h5", "broken.n42", "day2/3.h5"]
    # Only what speaks of a scan that is there is silent.
    assert index.not_scans == (".hidden", "2.sqlite", "day2/4.json", "notes.md", "notes/labels.csv")


def test_every_file_gets_an_answer_in_the_order_of_the_paths(done):
    out, summary = done
    found = reports(out)
    assert [report.path for report in found] == ["1.h5", "2.h5", "broken.n42", "day2/3.h5"]
    assert found[1].level is Level.HIGH
    assert found[2].level is Level.UNKNOWN
    assert found[2].error.code == "INPUT_CORRUPT"
    assert summary.n_files == summary.n_scans == 4
    assert sum(summary.levels.values()) == 4


def test_what_could_not_be_analysed_sets_the_exit_status(done):
    _, summary = done
    assert summary.n_unread == 1
    assert summary.exit_status == 1


def test_the_summary_is_on_disk(done):
    out, summary = done
    assert json.loads((out / "summary.json").read_text()) == json.loads(msgspec.json.encode(summary))


def test_the_store_holds_the_flags(done):
    out, _ = done
    with ResultStore(out / "results.sqlite", read_only=True) as store:
        assert store.counts()["scans"] == 3
        flags = {
            flag.flag_id for scan in store.scans() for flag in store.flags_of_scan(scan.identity.scan_id)
        }
        assert {scan.identity.container_id for scan in store.scans()} == {"CSQU3054383"}
    assert flags == {flag.flag_id for report in reports(out) for flag in report.flags}


def test_the_same_archive_gives_the_same_bytes(archive, done, tmp_path):
    run(archive, tmp_path / "again", workers=1)
    assert (tmp_path / "again" / "results.jsonl").read_bytes() == (done[0] / "results.jsonl").read_bytes()


def test_a_resumed_run_does_only_what_is_left(archive, tmp_path):
    copy = tmp_path / "archive"
    shutil.copytree(archive, copy)
    out = tmp_path / "out"
    first = run(copy, out)
    assert first.n_analysed_now == 4
    with sqlite3.connect(out / "work.sqlite") as ledger:  # as a run that was killed leaves it
        ledger.execute("UPDATE jobs SET state = 'running', result = NULL WHERE key = '2.h5'")
    ledger.close()
    (copy / "broken.n42").unlink()
    write_scan(copy / "4.h5", occupancy(4))
    second = run(copy, out, resume=True)
    assert second.n_analysed_now == 2
    assert [report.path for report in reports(out)] == ["1.h5", "2.h5", "4.h5", "day2/3.h5"]
    assert second.exit_status == 0


def test_an_earlier_run_is_not_overwritten_by_accident(archive, done):
    with pytest.raises(ConfigurationError, match="resume"):
        run(archive, done[0])


def test_a_run_is_not_continued_with_other_settings(archive, done):
    changed = Settings(models=msgspec.structs.replace(Settings().models, allowed=("0" * 64,)))
    with pytest.raises(ConfigurationError, match="another configuration"):
        run(archive, done[0], resume=True, settings=changed)


def test_an_engine_that_is_not_there_is_refused(archive, tmp_path):
    with pytest.raises(ConfigurationError, match="engine 'dask' is not available"):
        run(archive, tmp_path / "out", engine="dask")
    assert not (tmp_path / "out").exists()


def test_results_inside_the_archive_are_refused(archive):
    with pytest.raises(ConfigurationError, match="inside the archive"):
        run(archive, archive / "out")


def test_an_archive_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FormatError, match="no such file or folder"):
        run(tmp_path / "absent", tmp_path / "out")


def test_stored_answers_are_compared(archive, done, tmp_path):
    copy = tmp_path / "archive"
    shutil.copytree(archive, copy)
    earlier = [json.loads(line) for line in (done[0] / "results.jsonl").read_text().splitlines()]
    changed = next(flag for flag in earlier[1]["flags"] if flag["level"] == "HIGH")
    changed.update(level="LOW", reasons=[])
    (copy / "results.jsonl").write_text(
        "".join(json.dumps(item) + "\n" for item in earlier), encoding="utf-8"
    )
    summary = run(copy, tmp_path / "out")
    assert summary.compared_with == "results.jsonl"
    assert summary.changes["level"] == 1
    n_flag = sum(len(item["flags"]) for item in earlier)
    assert summary.changes["same"] == n_flag - 1
    text = summary.comparison_text
    assert text.startswith(f"against results.jsonl, {n_flag} flags: level 1, ")
    assert f"same {n_flag - 1}; lowered to LOW: {summary.lowered}" in text
    assert summary.lowered == 0
    (change,) = [
        json.loads(line) for line in (tmp_path / "out" / "comparison.jsonl").read_text().splitlines()
    ]
    assert (change["kind"], change["before"]["level"], change["after"]["level"]) == ("level", "LOW", "HIGH")


def test_a_store_beside_the_archive_is_compared(archive, done, tmp_path):
    shutil.copytree(archive, tmp_path / "archive")
    shutil.copy(done[0] / "results.sqlite", tmp_path / "site.sqlite")
    summary = run(tmp_path / "archive", tmp_path / "out")
    assert summary.compared_with == "site.sqlite"
    assert set(summary.changes.values()) == {0, summary.changes["same"]}


def test_stored_answers_that_are_damaged_stop_the_comparison(tmp_path):
    (tmp_path / "results.jsonl").write_text('{"half": ', encoding="utf-8")
    with pytest.raises(IntegrityError, match=r"results\.jsonl, line 1"):
        stored_answers(tmp_path, own=tmp_path / "none.sqlite")


def test_products_are_written_when_asked(archive, tmp_path):
    run(archive / "1.h5", tmp_path / "out", products=True)
    (written,) = (tmp_path / "out" / "products").iterdir()
    assert written.suffix == ".h5"
