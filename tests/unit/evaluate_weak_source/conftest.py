"""A bench so small that it runs in this process."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from screening.evaluate.weak_source import factorised, jobs, runner, scale
from screening.evaluate.weak_source.learning import lesson_of
from screening.evaluate.weak_source.scale import Scale
from screening.work import Counts

TINY = Scale(
    n_train=4,
    n_validation=4,
    n_threshold=6,
    n_verification=4,
    n_validation_pass=1,
    n_pilot=2,
    n_pass=6,
    n_trial=1,
    n_resample=40,
    parents_per_job=4,
    passes_per_job=3,
    is_measure=False,
)


def in_process(ledger, target, *, workers=1, deadline_s=0.0, progress=None, is_backwards=False):
    """Do the jobs of a ledger here, in order or backwards."""
    function = getattr(jobs, target.partition(":")[2])
    ledger.recover(max_attempts=3)
    waiting = []
    while (job := ledger.take()) is not None:
        waiting.append(job)
    for job in waiting[::-1] if is_backwards else waiting:
        try:
            ledger.finish(job.key, function(**job.arguments), 0.0)
        except Exception as error:
            ledger.fail(job.key, "EXCEPTION", f"{type(error).__name__}: {error}", max_attempts=1)
    counts = ledger.counts()
    return Counts(*counts)


@pytest.fixture(scope="session")
def patched():
    """The short forms made tiny, factorised in few rounds, all in this process."""
    with pytest.MonkeyPatch.context() as patch:
        for what in ("street", "portal"):
            patch.setitem(scale._SCALES, (what, "short"), TINY)
        patch.setattr(runner, "run_jobs", in_process)
        patch.setattr(factorised, "_ROUNDS", 60)
        patch.setattr(factorised.factorise, "__kwdefaults__", {"rounds": 60})
        yield patch


@pytest.fixture(scope="session")
def street(patched):
    """Track, scale and lesson of a tiny street."""
    track = scale.track_of("street", "short")
    return SimpleNamespace(track=track, scale=TINY, lesson=lesson_of(track, TINY, 3))


@pytest.fixture(scope="session")
def portal(patched):
    """Track, scale and lesson of a tiny portal."""
    track = scale.track_of("portal", "short")
    return SimpleNamespace(track=track, scale=TINY, lesson=lesson_of(track, TINY, 3))
