"""The jobs of a bench in one ledger: parents, trials of the model card, measured samples."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec

from screening.config import Settings, settings_sha256
from screening.errors import ScreeningError, StoreError
from screening.evaluate.record import LeftOut
from screening.records import sha256_hex
from screening.work import Job, Ledger, Progress, run_jobs

from .plan import BENCH_VERSION, BenchPlan, parent_plans

__all__ = ["JobResults", "parent_jobs", "run_all", "run_job"]

#: Longest time of one job, seconds: a parent takes a few.
_DEADLINE_S = 1800.0

_STAGES = {
    "parents": "screening.evaluate.spectra.work:run_parents",
    "card": "screening.evaluate.spectra.card:run_card_trials",
    "measured": "screening.evaluate.spectra.measured:run_measured",
}


class JobResults(msgspec.Struct, frozen=True):
    """What the jobs of a bench brought.

    Attributes
    ----------
    values : dict of str to list of bytes
        Results by stage, in the order of their jobs.
    left_out : tuple of LeftOut
        Jobs without a result.
    """

    values: dict[str, list[bytes]]
    left_out: tuple[LeftOut, ...]


def run_job(stage: str, arguments: dict[str, Any]) -> bytes:
    """Do one job. What a worker process does.

    Parameters
    ----------
    stage : str
        Which kind.
    arguments : dict
        Of its function.

    Returns
    -------
    bytes
        What the function returns.
    """
    module, _, function = _STAGES[stage].partition(":")
    result: bytes = getattr(import_module(module), function)(**arguments)
    return result


def parent_jobs(plan: BenchPlan, detectors: list[str] | None, settings: Settings, seed: int) -> list[Job]:
    """Return one job for each parent of a plan.

    Parameters
    ----------
    plan : BenchPlan
        The plan.
    detectors : list of str or None
        Names of the detectors.
    settings : Settings
        Handed to them.
    seed : int
        Of the bench.

    Returns
    -------
    list of Job
        In the order of the parents.
    """
    shared = {
        "plan": msgspec.to_builtins(plan),
        "detectors": detectors,
        "settings": msgspec.to_builtins(settings),
        "seed": seed,
    }
    return [
        Job(
            f"parents {one.number:06d}",
            {"stage": "parents", "arguments": {"numbers": [one.number], **shared}},
        )
        for one in parent_plans(plan)
    ]


def run_all(
    work_dir: Path,
    jobs: list[Job],
    *,
    plan: BenchPlan,
    detectors: list[str] | None,
    settings: Settings,
    seed: int,
    workers: int,
    is_resumed: bool,
    progress: Callable[[int, int, str], None] | None,
) -> JobResults:
    """Do the jobs that have no result yet.

    Parameters
    ----------
    work_dir : Path
        Where the ledger is kept.
    jobs : list of Job
        All jobs of the bench.
    plan : BenchPlan
        What the bench is: a ledger of another one is refused.
    detectors : list of str or None
        Names of the detectors, part of what it is.
    settings : Settings
        Handed to them, part of what it is.
    seed : int
        Of the bench, part of what it is.
    workers : int
        Processes.
    is_resumed : bool
        Go on with the ledger that is there; otherwise it is begun anew.
    progress : callable or None
        Told jobs done, of all, and the job.

    Returns
    -------
    JobResults
        By stage.

    Raises
    ------
    StoreError
        If the folder cannot be used.
    ConfigurationError
        If it is resumed and was begun as another bench.
    """
    place = work_dir / "identification"
    if not is_resumed and place.is_dir():
        try:
            shutil.rmtree(place)
        except OSError as error:
            raise StoreError(
                f"{place.name}: cannot be begun anew ({error.strerror})", value=str(place)
            ) from None
    identity = {
        "bench": f"identification {BENCH_VERSION}",
        "plan": sha256_hex(msgspec.json.encode(plan, order="deterministic")),
        "seed": str(seed),
        "detectors": ", ".join(detectors) if detectors is not None else "built-in",
        "settings": settings_sha256(settings),
    }

    def _tell(report: Progress) -> None:
        if progress is not None:
            progress(
                report.counts.done + report.counts.failed, report.counts.total, report.note or report.key
            )

    with Ledger(place / "jobs.sqlite", identity) as ledger:
        ledger.add(jobs)
        ledger.keep_only(job.key for job in jobs)
        run_jobs(
            ledger, f"{__name__}:{run_job.__name__}", workers=workers, deadline_s=_DEADLINE_S, progress=_tell
        )
        values: dict[str, list[bytes]] = {stage: [] for stage in _STAGES}
        for result in ledger.results():
            values[result.key.split()[0]].append(result.value)
        failed = [
            LeftOut(kind="job failed", where=one.key, text=f"{one.cause}: {one.error}")
            for one in ledger.failures()
        ]
    if failed and not any(values.values()):
        raise ScreeningError(f"no job of the bench succeeded: {failed[0].text}", value=failed[0].where)
    return JobResults(values, tuple(failed))
