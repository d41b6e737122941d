"""The whole bench in small: figures, strangers, failures, resuming."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path

import msgspec
import numpy as np
import pytest

from screening.config import Settings
from screening.errors import ConfigurationError
from screening.evaluate.detectors import registry as scan_registry
from screening.evaluate.record import Part, Provenance, joined
from screening.evaluate.weak_source import jobs, run_bench, runner
from screening.evaluate.weak_source import registry as weak_registry
from screening.evaluate.weak_source.plan import unpacked
from screening.evaluate.weak_source.registry import BUILT_IN, GROUP, chosen_names, make_detector
from screening.evaluate.weak_source.scale import scale_of, track_of
from screening.work import Job, Ledger, run_jobs

from .conftest import in_process

STRANGERS = [f"series_of_strangers:{name}" for name in ("Hottest", "Unteachable", "Fragile", "Startled")]
DETECTORS = ["gross-counts", "pca", "nmf", "nmf-templates", *STRANGERS]


@pytest.fixture(scope="module")
def strangers():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parent))
        yield


@pytest.fixture(scope="module")
def done(patched, strangers, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    told = []
    part = run_bench(
        folder, what="street", detectors=DETECTORS, is_short=True, seed=5, progress=lambda *x: told.append(x)
    )
    return folder, part


def test_a_part_of_a_report(done):
    folder, part = done
    report = joined([part], title="bench", provenance=Provenance(version="0"))
    assert report.sections[0].text[0].startswith("Short form")
    assert "no measure" in part.figures[0].note
    assert not any(figure.is_headline for figure in part.figures)
    assert {c.verdict for c in part.comparisons} == {"not tested"}
    assert msgspec.json.decode((folder / "part.json").read_bytes(), type=Part) == part
    metrics = {figure.metric for figure in part.figures if figure.detector == "nmf"}
    assert {
        "threshold",
        "false alarm rate on unseen background",
        "share of passes without a source that alarm",
        "activity detected with probability 0.95",
        "activity detected with probability 0.5",
        "share of validation passes detected",
    } <= metrics


def test_detectors_of_strangers_stand_beside_ours(done):
    _, part = done
    tiers = {tested.name: tested.tier for tested in part.detectors}
    assert tiers["hottest"] == "blind"
    assert set(tiers) == {
        "gross-counts",
        "pca",
        "nmf",
        "nmf-templates",
        "nmf-known-source",
        "oracle",
        "hottest",
        "startled",
    }
    assert any({c.a, c.b} == {"hottest", "nmf"} for c in part.comparisons)
    failures = {item.where: item.text for item in part.left_out if item.is_error}
    startled = [f"startled, {nuclide}" for nuclide in ("Co-60", "Cs-137", "I-131")]
    assert failures.keys() == {STRANGERS[1], "fragile", *startled}
    kinds = {item.where: item.kind for item in part.left_out if item.is_error}
    assert kinds[STRANGERS[1]] == "not learned"
    assert kinds["fragile"] == "failed on background"
    assert kinds[startled[0]] == "failed on passes"
    assert "no lesson today" in failures[STRANGERS[1]]
    assert "not a number" in failures["fragile"]
    assert "that was quick" in failures[startled[0]]
    missed = [f for f in part.figures if f.detector == "startled" and f.metric.startswith("activity")]
    assert missed
    assert {f.value for f in missed} == {None}
    assert all(item.n > 0 for item in part.left_out)


def test_who_knows_more_finds_less(done):
    _, part = done
    half = {
        (figure.detector, figure.stratum): figure.value
        for figure in part.figures
        if figure.metric == "activity detected with probability 0.5" and figure.value is not None
    }
    found = 0
    for nuclide in ("Co-60", "Cs-137", "I-131"):
        for knows, blind in (("oracle", "nmf"), ("nmf-templates", "nmf"), ("nmf", "gross-counts")):
            if (knows, nuclide) in half and (blind, nuclide) in half:
                assert half[knows, nuclide] < half[blind, nuclide]
                found += 1
    assert found >= 5


def test_an_interrupted_bench_gives_the_same_figures(patched, monkeypatch, tmp_path):
    arguments = {"what": "street", "detectors": ["pca"], "is_short": True, "seed": 5}
    whole = run_bench(tmp_path / "whole", **arguments)

    class _StopError(Exception):
        pass

    def _dying(ledger, target, **options):
        if ledger.path.stem == "background" and not hasattr(_dying, "has_died"):
            _dying.has_died = True
            job = ledger.take()
            ledger.finish(job.key, getattr(jobs, target.partition(":")[2])(**job.arguments), 0.0)
            ledger.take()  # at work when the power goes
            raise _StopError
        return in_process(ledger, target, is_backwards=True)

    monkeypatch.setattr(runner, "run_jobs", _dying)
    with pytest.raises(_StopError):
        run_bench(tmp_path / "cut", **arguments)
    assert run_bench(tmp_path / "cut", **arguments) == whole


def test_a_finished_bench_does_nothing_again(done, monkeypatch):
    folder, part = done
    for name in ("score_background", "score_passes"):
        monkeypatch.setattr(jobs, name, None)
    assert run_bench(folder, what="street", detectors=DETECTORS, is_short=True, seed=5) == part


def test_a_folder_of_another_bench_is_refused(done):
    folder, _ = done
    for other in ({"seed": 6}, {"what": "portal"}, {"detectors": ["pca"]}):
        arguments = {"what": "street", "detectors": DETECTORS, "seed": 5, **other}
        with pytest.raises(ConfigurationError):
            run_bench(folder, is_short=True, **arguments)


def test_a_folder_is_emptied_when_nothing_is_resumed(done, monkeypatch, tmp_path):
    (tmp_path / "learn.sqlite").write_bytes(b"no ledger")
    (tmp_path / "mine.txt").write_text("kept")

    def _stop(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(runner, "run_jobs", _stop)
    with pytest.raises(KeyboardInterrupt):
        run_bench(tmp_path, is_short=True, is_resumed=False)
    assert (tmp_path / "mine.txt").read_text() == "kept"
    assert (tmp_path / "plan.json").is_file()


def test_processes_change_no_figure(done, tmp_path):
    folder, _ = done
    wanted = [
        Job(f"job {k}", {"work_dir": str(folder), "split": "threshold", "first": k, "stop": k + 1})
        for k in range(2)
    ]
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.add(wanted)
        run_jobs(ledger, "screening.evaluate.weak_source.jobs:score_background", workers=2)
        assert not list(ledger.failures())
        for result in ledger.results():
            first = int(result.key.removeprefix("job "))
            here = unpacked(jobs.score_background(str(folder), "threshold", first, first + 1))
            there = unpacked(result.value)
            assert here.keys() == there.keys()
            for name, values in here.items():
                np.testing.assert_array_equal(values, there[name])


def test_portal_bench(patched, tmp_path):
    part = run_bench(tmp_path, what="portal", detectors=["pca"], is_short=True, seed=2)
    rows = {figure.key: figure for figure in part.figures}
    section = "weak-source-portal"
    rate = rows[section, "false alarm rate on unseen background", "pca", ""]
    assert rate.unit == "1/occupancy"
    assert rate.n == 80
    assert rate.low is None  # four shifts
    assert "shifts" in rate.method
    one = rows[section, "activity detected with probability 0.5", "oracle", "Cs-137 1 cm steel"]
    bare = rows[section, "activity detected with probability 0.5", "oracle", "Cs-137 bare"]
    assert one.unit == "kBq"
    assert 0.5 < bare.value / one.value < 1.3
    assert 10 < bare.value < 3000


def test_names(strangers):
    assert chosen_names(None)[0][: len(BUILT_IN)] == list(BUILT_IN)
    assert chosen_names(["pca", "pca"]) == (["pca"], [])
    names, others = chosen_names(["gross-counts", "pipeline"])
    assert (names, others) == (["gross-counts"], ["pipeline"])
    assert chosen_names(["pipeline"]) == (list(BUILT_IN), ["pipeline"])
    with pytest.raises(ConfigurationError, match="no detector 'nobody'"):
        chosen_names(["nobody"])
    with pytest.raises(ConfigurationError, match="cannot be built"):
        make_detector("no_such_module:Thing", Settings())
    with pytest.raises(ConfigurationError, match="no name, fit or score"):
        make_detector("series_of_strangers:Scanner", Settings())


def test_entry_points_of_strangers(strangers, monkeypatch):
    """The group that serves detectors of scans serves those of series too, made by a class or a function."""
    held = [
        EntryPoint(name, f"series_of_strangers:{value}", GROUP)
        for name, value in (("theirs", "Hottest"), ("made", "made"), ("scanner", "Scanner"), ("gone", "No"))
    ]
    for module in (weak_registry, scan_registry):
        monkeypatch.setattr(module, "entry_points", lambda group: held)
    with pytest.raises(ConfigurationError, match="'theirs' has the name 'hottest' of detector 'made'"):
        chosen_names(None)
    assert chosen_names(["theirs", "scanner", "gone"]) == (["theirs", "gone"], ["scanner"])
    assert chosen_names(["made"]) == (["made"], [])
    assert make_detector("made", Settings()).name == make_detector("theirs", Settings()).name == "hottest"
    with pytest.raises(ConfigurationError, match="the weak-source bench asks it"):
        scan_registry.load_detectors(["theirs"], Settings())
    with pytest.raises(ConfigurationError, match="has the name 'pca'"):
        chosen_names(["pca", "series_of_strangers:Twin"])


def test_wrong_requests_are_named(tmp_path):
    with pytest.raises(ConfigurationError, match="no bench 'river'"):
        run_bench(tmp_path, what="river")
    with pytest.raises(ConfigurationError, match="workers from 1"):
        run_bench(tmp_path, workers=0)
    with pytest.raises(ValueError, match="no bench"):
        track_of("street", "long")


def test_whole_forms_are_as_large_as_the_definitions_ask():
    street, portal = scale_of("street", "full"), scale_of("portal", "full")
    assert street.n_threshold * 360 / 3600 >= 800
    assert street.n_verification * 360 / 3600 >= 240
    assert scale_of("street", "tail").n_threshold * 360 / 3600 >= 240
    assert portal.n_threshold * 100 >= 30_000
    assert portal.n_verification * 100 >= 10_000
    assert min(street.n_pass, portal.n_pass) >= 400
    assert min(street.n_resample, portal.n_resample) >= 2000
    assert len(track_of("street", "full").strata) == 17
    assert len(track_of("portal", "full").strata) == 45
