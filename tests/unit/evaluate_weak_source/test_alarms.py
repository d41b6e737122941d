"""Thresholds on background: failures of one scorer, alarms that share a shift."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from screening.errors import ScreeningError
from screening.evaluate.metrics.episodes import EpisodeStarts, verified_threshold
from screening.evaluate.metrics.proportions import garwood
from screening.evaluate.metrics.thresholds import thresholds_of
from screening.evaluate.weak_source.alarms import alarms_of, unseen_rate
from screening.evaluate.weak_source.plan import packed
from screening.evaluate.weak_source.watching import Failures

from .conftest import TINY

OWNERS = {
    "pca": "pca",
    "nmf-templates": "nmf-templates",
    "nmf-known-source@Cs-137": "nmf-templates",
    "nmf-known-source@Co-60": "nmf-templates",
    "silent": "silent",
}


class _Runner:
    """A few parents on each split; `silent` never scores, and `failing` fails on some."""

    work_dir = "nowhere"

    def __init__(self, failing=()):
        self.failing = failing

    def run(self, stage, function, jobs, text):
        del stage, function, text
        found = {}
        for n, job in enumerate(jobs):
            rng = np.random.default_rng(n)
            n_run = job.arguments["stop"] - job.arguments["first"]
            failed = Failures()
            above, series, run = [], [], []
            for k, (name, owner) in enumerate(OWNERS.items()):
                if owner in self.failing:
                    failed.note(owner, RuntimeError("no more"))
                elif name != "silent":
                    scores = rng.random(20)
                    above.append(scores)
                    series.append(np.full(scores.size, k, np.int16))
                    run.append(rng.integers(0, n_run, scores.size).astype(np.int32))
            values = np.concatenate([*above, np.zeros(0)])
            found[job.key] = packed(
                above=values,
                floor=np.full(values.size, -np.inf),
                series=np.concatenate([*series, np.zeros(0, np.int16)]),
                run=np.concatenate([*run, np.zeros(0, np.int32)]),
                exposure=np.full(n_run, 2.0),
                failed=failed.lines(),
            )
        return found


def test_with_a_scorer_fail_all_its_series():
    track = SimpleNamespace(far=0.5, is_by_occupancy=False)
    alarms, failed = alarms_of(_Runner(failing=["nmf-templates"]), track, TINY, OWNERS, 1)
    assert alarms.keys() == {"pca"}
    assert failed.keys() == {"nmf-templates", "nmf-known-source", "silent"}
    assert "RuntimeError: no more" in failed["nmf-known-source"]
    assert "silent no threshold" in failed["silent"]
    whole, none = alarms_of(_Runner(), track, TINY, OWNERS, 1)
    assert whole.keys() == OWNERS.keys() - {"silent"}
    assert none.keys() == {"silent"}
    with pytest.raises(ScreeningError, match="no detector has a threshold"):
        alarms_of(_Runner(failing=["pca", "nmf-templates"]), track, TINY, OWNERS, 1)


def test_failures_add_up():
    failed = Failures()
    for k in range(3):
        failed.note("a", ValueError(f"number {k}\nof many"))
    more = Failures()
    more.add(failed.lines())
    more.add(failed.lines())
    assert more.by_name == {"a": (6, "ValueError: number 0\nof many")}


def test_starts_of_no_run_are_named():
    nothing = EpisodeStarts(np.zeros(0), np.zeros(0), np.zeros(0, np.int64), np.zeros(0))
    with pytest.raises(ValueError, match="no background"):
        thresholds_of(nothing, np.ones((1, 0)), 0.5)
    strange = EpisodeStarts(np.ones(2), np.zeros(2), np.array([0, 3]), np.ones(3))
    with pytest.raises(ValueError, match="run 3 of 3"):
        thresholds_of(strange, np.ones((1, 3)), 0.5)
    silent = nothing._replace(hours=np.full(3, 8.0))
    assert thresholds_of(silent, np.ones((1, 3)), 0.5)[0] == -np.inf


def _shifts(per_shift, n_shift=100, size=100.0):
    """Alarms at 1, 2, 3, ... in the first shifts, so many in each."""
    run = np.repeat(np.arange(len(per_shift)), per_shift)
    above = 1.0 + np.arange(run.size)
    return EpisodeStarts(above, np.full(above.size, -np.inf), run, np.full(n_shift, size))


def test_occupancies_of_a_shift_are_not_independent():
    together, apart = _shifts([6] * 12), _shifts([1] * 72)
    shared, alone = (unseen_rate(one, 0.0, is_by_occupancy=True) for one in (together, apart))
    assert shared.k == alone.k == 72
    assert shared.n == alone.n == 10_000
    exact = np.subtract(*garwood(72)[::-1]) / 10_000
    assert shared.high - shared.low > 1.8 * exact
    assert alone.high - alone.low < 1.1 * exact
    assert "100 shifts" in shared.method
    hours = unseen_rate(together, 0.0, is_by_occupancy=False)
    assert (hours.low, hours.high) == tuple(bound / 10_000 for bound in garwood(72))
    few = unseen_rate(_shifts([3], n_shift=4), 0.0, is_by_occupancy=True)
    assert few.low is None


def _verified(unseen, far, monkeypatch):
    """The verification of pca where the threshold lies at 0."""
    from screening.evaluate.metrics.resampling import clusters_of, interval_of
    from screening.evaluate.weak_source import alarms

    found = interval_of(0.0, np.zeros(40), clusters_of(None, 10))
    monkeypatch.setattr(alarms, "_threshold", lambda *_: (found, np.zeros(40)))
    monkeypatch.setattr(alarms, "_starts", lambda pieces, n: [unseen] * n)
    track = SimpleNamespace(far=far, is_by_occupancy=True)
    return alarms_of(_Runner(), track, TINY, {"pca": "pca"}, 1)[0]["pca"]


def test_too_many_alarms_of_few_shifts_are_no_proof(monkeypatch):
    unseen = _shifts([9, 9, 2])
    assert verified_threshold(unseen, 0.0, 1e-3).is_inflated  # if they were independent
    alarm = _verified(unseen, 1e-3, monkeypatch)
    assert (alarm.verified.verdict, alarm.verified.is_inflated) == ("holds", False)
    assert alarm.verified.threshold == 0.0


def test_too_many_alarms_of_many_shifts_raise_the_threshold(monkeypatch):
    unseen = _shifts([1] * 60)
    alarm = _verified(unseen, 1e-3, monkeypatch)
    assert alarm.verified.is_inflated
    assert alarm.verified.verdict == "holds"
    at = alarm.verified.threshold
    assert alarm.on_unseen(at).low <= 1e-3 < alarm.on_unseen(at - 1.0).low
    assert alarm.verified.n_episode == 60 - at
    assert _verified(_shifts([]), 1e-3, monkeypatch).verified.verdict in ("holds", "too few")
