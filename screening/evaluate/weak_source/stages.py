"""The stages of a bench, one after the other: learning, alarms on background, passes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from screening.errors import ScreeningError
from screening.work import Job, Ledger

from .alarms import alarms_of, set_floors
from .gathered import Gathered
from .jobs import pass_detectors, series_owners
from .passes import score_passes_of
from .plan import ORACLE, Plan, packed, unpacked
from .registry import make_detector
from .runner import Runner
from .scale import scale_of, track_of

__all__ = ["VERSION", "gather"]

#: Of what is drawn and scored: a folder of another version is refused.
VERSION = "weak-source/2"


def gather(
    work_dir: Path,
    plan: Plan,
    *,
    workers: int,
    progress: Callable[[int, int, str], None] | None = None,
) -> Gathered:
    """Do all that has not been done.

    Parameters
    ----------
    work_dir : Path
        Folder of the bench; finished pieces in it are kept.
    plan : Plan
        What to do.
    workers : int
        Processes.
    progress : callable, optional
        Called with pieces done, of all of the stage, and what is done.

    Returns
    -------
    Gathered
        The scores.

    Raises
    ------
    ConfigurationError
        If the folder holds another bench.
    ScreeningError
        If a piece of work failed.
    """
    work_dir.mkdir(parents=True, exist_ok=True)
    encoded = msgspec.json.encode(plan)
    identity = {"bench": VERSION, "plan": hashlib.sha256(encoded).hexdigest()}
    runner = Runner(work_dir, identity, workers, progress)
    # The ledger refuses a folder of another bench before its plan is overwritten.
    with Ledger(work_dir / "learn.sqlite", identity):
        (work_dir / "plan.json").write_bytes(encoded)
    track, scale = track_of(plan.what, plan.form), scale_of(plan.what, plan.form)
    learned, failures = _learn(runner, plan)
    unlearned = frozenset(failures)
    owners = series_owners(work_dir)
    set_floors(runner, track, scale, list(owners))
    alarms, failed = alarms_of(runner, track, scale, owners, plan.seed)
    failures |= failed
    detectors = pass_detectors(work_dir)
    tiers = {
        made.name: str(getattr(made, "tier", "blind"))
        for made in (make_detector(name, plan.settings) for name in plan.detectors if name not in failures)
    }
    blank = Gathered(plan, track, scale, learned, failures, alarms, detectors, [], tiers, unlearned)
    passes = score_passes_of(runner, blank, learned[ORACLE]["design"])
    return blank._replace(passes=passes)


def _learn(runner: Runner, plan: Plan) -> tuple[dict[str, dict[str, NDArray[np.float64]]], dict[str, str]]:
    wanted = [ORACLE, *plan.detectors]
    jobs = [
        Job(f"{k:02d} {name}", {"work_dir": str(runner.work_dir), "name": name})
        for k, name in enumerate(wanted)
    ]
    results, failures = runner.attempt("learn", "learn", jobs, "detectors learn")
    learned, why = {}, {}
    for job, name in zip(jobs, wanted, strict=True):
        data = results.get(job.key)
        if data is None:
            why[name] = failures[job.key]
            if name == ORACLE:
                raise ScreeningError(f"background cannot be drawn: {why[name]}", value=name)
            data = packed(failed=np.zeros(0))
        else:
            learned[name] = unpacked(data)
        (runner.work_dir / f"learned-{name.replace(':', '-')}.npz").write_bytes(data)
    return learned, why
