"""The bench as a whole, in a form smaller than the short one."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from screening.config import Settings
from screening.errors import ConfigurationError
from screening.evaluate.presets import bench as bench_of
from screening.evaluate.radiographs import bench
from screening.evaluate.radiographs.jobs import FULL, Sizes, planned, run_job
from screening.evaluate.record import Figure, Part, Provenance, Section, joined
from screening.work import Job

TINY = Sizes(1, 2, 1, 1, 1, 0, 2, 2, 0, 1, 2, 1, 0.0005, 0)


def _run(
    folder: Path,
    *,
    workers: int,
    is_resumed: bool,
    progress: Callable[[int, int, str], None] | None = None,
) -> Part:
    run, what = bench_of("radiograph")
    return run(
        folder,
        what=what,
        detectors=["pipeline"],
        settings=Settings(),
        is_short=True,
        workers=workers,
        is_resumed=is_resumed,
        seed=7,
        progress=progress,
    )


def _figures(part: Part) -> list[object]:
    return [figure for figure in part.figures if figure.section != "cost-pictures"]


def test_the_bench_gives_the_same_figures_resumed_and_in_more_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "SHORT", TINY)
    first = _run(tmp_path, workers=2, is_resumed=False)
    report = joined([first], title="t", provenance=Provenance(version="0"))
    assert [section.id for section in report.sections] == [
        "threats",
        "opaque",
        "empties",
        "card-empties",
        "cost-pictures",
    ]
    assert not [one for one in report.left_out if one.is_error]
    assert all("no measure" in figure.note for figure in report.figures)
    assert all(section.data.startswith("SHORT FORM") for section in report.sections)
    # some of the results are lost, and made again by one process, which is interrupted
    with sqlite3.connect(tmp_path / "radiograph.ledger") as db:
        keys = [key for (key,) in db.execute("SELECT key FROM jobs WHERE key NOT LIKE '%card%' ORDER BY key")]
        db.executemany(
            "UPDATE jobs SET state = 'pending', result = NULL WHERE key = ?", [(k,) for k in keys[::5]]
        )
    db.close()

    def _stop(*_step: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _run(tmp_path, workers=1, is_resumed=True, progress=_stop)
    told: list[int] = []
    again = _run(tmp_path, workers=1, is_resumed=True, progress=lambda done, *_: told.append(done))
    assert len(told) == len(keys[::5]) - 1
    assert _figures(again) == _figures(first)
    assert again.curves == first.curves
    assert again.comparisons == first.comparisons
    assert again.exhibits == first.exhibits


def test_families_share_the_section_of_their_image_quality() -> None:
    parts = [
        Part(
            sections=(Section(id="image-quality", title="Image quality", data=f"{family} first"),),
            figures=(Figure(section="image-quality", metric="penetration", stratum=family, value=30.0),),
        )
        for family in ("gamma", "portal")
    ]
    results = {f"quality/{k:05d}": msgspec.msgpack.encode(part) for k, part in enumerate(parts)}
    names = {"candidates": ["pipeline"], "loaded": ["pipeline"]}
    whole = bench._assembled(results, [], [], names, Settings(), seed=1, is_short=False)
    assert [section.id for section in whole.sections].count("image-quality") == 1
    found = [figure.stratum for figure in whole.figures if figure.section == "image-quality"]
    assert found == ["gamma", "portal"]


def test_a_job_that_fails_is_named_in_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = Job("0000/paint/00000", {"kind": "paint", "arguments": {}})
    monkeypatch.setattr(bench, "planned", lambda *_args, **_more: [one])
    part = bench.run_bench(tmp_path, is_short=True, detectors=["pipeline"], seed=1)
    (failed,) = [item for item in part.left_out if item.kind == "job failed"]
    assert failed.where == "0000/paint/00000"
    assert "no job 'paint'" in failed.text
    assert failed.is_error


def test_another_run_is_not_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "run_jobs", lambda *_args, **_more: None)
    monkeypatch.setattr(bench, "SHORT", TINY)
    monkeypatch.setattr(bench, "_assembled", lambda *_args, **_more: Part())
    for is_resumed in (False, True):
        bench.run_bench(tmp_path, is_short=True, is_resumed=is_resumed, seed=1, detectors=["pipeline"])
    with pytest.raises(ConfigurationError, match="seed"):
        bench.run_bench(tmp_path, is_short=True, is_resumed=True, seed=2, detectors=["pipeline"])


def test_what_it_does_not_know_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="hologram"):
        bench.run_bench(tmp_path, what="hologram")
    with pytest.raises(ConfigurationError, match="oracle-of-delphi"):
        bench.run_bench(tmp_path, detectors=["oracle-of-delphi"])
    with pytest.raises(ConfigurationError, match="no detector that answers pictures"):
        bench.run_bench(tmp_path, detectors=["gross-counts"])
    with pytest.raises(ValueError, match="paint"):
        run_job(kind="paint", arguments={})


def test_every_part_of_the_bench_gets_on_together() -> None:
    detectors = {"candidates": ["pipeline"], "loaded": ["pipeline"]}
    jobs = planned(FULL, settings="{}", detectors=detectors, seed=1, card_seed=1)
    keys = sorted(job.key for job in jobs)
    assert len(set(keys)) == len(keys)
    rest = [key.partition("/")[2].rpartition("/")[0] for key in keys if "/card/" not in key]
    half = rest[: len(rest) // 2]
    for name in set(rest):
        assert half.count(name) == pytest.approx(rest.count(name) / 2, abs=2)
