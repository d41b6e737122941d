"""Run the trials of a plan: in any number of processes, resumable, the same figures whatever their number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from screening.config import Settings, settings_sha256
from screening.errors import ConfigurationError
from screening.evaluate.detectors import (
    DetectorUnderTest,
    chosen_detectors,
    load_detectors,
)
from screening.evaluate.measuring import tested as describe
from screening.evaluate.record import LeftOut, Part
from screening.evaluate.whole_files import write_whole
from screening.records import sha256_hex

from .asking import TrialOutcome, outcomes_of
from .image_scenarios import MeasuredScenario
from .portal_scenarios import has_blank
from .reading import parse_plan
from .schema import Plan
from .sweeping import sweep_of
from .trials import measured_samples, trial_count

__all__ = ["run_plan", "run_trials"]

#: Trials of a job, by kind of scenario: some seconds each.
_CHUNK = {"SourceScenario": 20, "BenignScenario": 50, "ImageScenario": 5, "IndicatorScenario": 20}

#: Trials of each scenario and points of each sweep in the short form.
SHORT_TRIALS, SHORT_POINTS = 2, 3

_DEADLINE_S = 1800.0
_TARGET = f"{__name__}:run_trials"


def run_plan(
    plan_path: str | Path,
    work_dir: str | Path,
    *,
    detectors: Sequence[str | DetectorUnderTest] | None = None,
    settings: Settings,
    is_short: bool = False,
    workers: int = 1,
    is_resumed: bool = False,
    seed: int = 0,
    progress: Callable[[int, int, str], None] | None = None,
) -> Part:
    """Run a test plan.

    Parameters
    ----------
    plan_path : path-like
        A plan, or ``example:NAME`` for one that is shipped.
    work_dir : path-like
        Folder of its own: finished trials, for a resumed run, and ``trials.jsonl`` with every answer.
    detectors : sequence of str or DetectorUnderTest, optional
        Who is tested; those the plan names when omitted. Detectors that are no registered name run in this
        process alone.
    settings : Settings
        Handed to detectors.
    is_short : bool
        A few trials each: it shows that everything works, and its figures are marked as no measure.
    workers : int
        Processes; their number changes no figure.
    is_resumed : bool
        Go on with what `work_dir` holds of the same plan, form, seed, detectors and settings.
    seed : int
        Of all trials.
    progress : callable, optional
        Called with jobs done, of all, and what was done.

    Returns
    -------
    Part
        The table of scenarios, curves of sweeps, what failed. See :func:`.results.exit_status`.

    Raises
    ------
    FormatError
        If the plan is not allowed.
    ConfigurationError
        If a detector is unknown, or the folder holds another run.
    """
    text, name, folder = _plan_text(plan_path)
    plan = parse_plan(text, name=name)
    chosen = list(plan.plan.detectors) if detectors is None else list(detectors)
    objects = [one for one in chosen if not isinstance(one, str)]
    if objects and workers > 1:
        raise ConfigurationError(
            f"detector {objects[0].name!r} is no registered name: it runs in one process"
        )
    tested = chosen_detectors(chosen, settings)
    jobs = _jobs(plan, folder, is_short=is_short)
    common = {
        "text": text,
        "folder": str(folder),
        "names": [one for one in chosen if isinstance(one, str)],
        "settings": msgspec.json.encode(settings).decode(),
        "seed": seed,
        "is_short": is_short,
    }
    identity = {
        "plan": sha256_hex(text.encode()),
        "form": "short" if is_short else "full",
        "seed": str(seed),
        "detectors": ", ".join(f"{one.name} {getattr(one, 'version', '')}" for one in tested),
        "settings": settings_sha256(settings),
    }
    outcomes, left_out = _run(
        Path(work_dir),
        jobs,
        common,
        identity,
        objects=objects,
        workers=workers,
        is_resumed=is_resumed,
        progress=progress,
    )
    left_out += _data_problems(plan, folder)
    write_whole(
        Path(work_dir) / "trials.jsonl", b"".join(msgspec.json.encode(one) + b"\n" for one in outcomes)
    )
    from .results import plan_part

    return plan_part(
        plan,
        outcomes,
        tuple(describe(one) for one in tested),
        seed=seed,
        is_short=is_short,
        sha256=identity["plan"],
        left_out=tuple(left_out),
    )


def run_trials(
    text: str,
    folder: str,
    names: list[str],
    settings: str,
    seed: int,
    is_short: bool,
    scenario: int,
    point: int,
    start: int,
    stop: int,
) -> bytes:
    """Run some trials of a scenario. What a worker process does.

    Parameters
    ----------
    text, folder : str
        The plan, and where it lies.
    names : list of str
        Registered detectors.
    settings : str
        JSON.
    seed : int
        Of the run.
    is_short : bool
        Pictures as thumbnails.
    scenario, point, start, stop : int
        Which.

    Returns
    -------
    bytes
        JSON of a list of :class:`TrialOutcome`.
    """
    return msgspec.json.encode(
        outcomes_of(
            _plan(text),
            Path(folder),
            list(_detectors(tuple(names), settings)),
            seed=seed,
            is_short=is_short,
            job=(scenario, point, start, stop),
        )
    )


@lru_cache(maxsize=2)
def _plan(text: str) -> Plan:
    return parse_plan(text)


@lru_cache(maxsize=2)
def _detectors(names: tuple[str, ...], settings: str) -> tuple[DetectorUnderTest, ...]:
    if not names:
        return ()
    return tuple(load_detectors(list(names), msgspec.json.decode(settings.encode(), type=Settings)))


def _plan_text(plan_path: str | Path) -> tuple[str, str, Path]:
    from .reading import example_plan, read_plan_text

    name = str(plan_path)
    if name.startswith("example:"):
        return example_plan(name.removeprefix("example:")), name, Path()
    path = Path(plan_path)
    return read_plan_text(path), path.name, path.resolve().parent


def _jobs(plan: Plan, folder: Path, *, is_short: bool) -> dict[str, tuple[int, int, int, int]]:
    """Return scenario, point, first and last trial of every job, by its key."""
    jobs: dict[str, tuple[int, int, int, int]] = {}
    for k, scenario in enumerate(plan.scenario):
        if isinstance(scenario, MeasuredScenario):
            n = len(measured_samples(scenario, folder)[0])
            jobs[f"{k:04d} 0000 {0:08d}"] = (k, 0, 0, min(n, SHORT_TRIALS) if is_short else n)
            continue
        sweep = sweep_of(scenario)
        points = list(range(1 if sweep is None else len(sweep.values)))
        n = trial_count(scenario)
        if is_short:
            n = min(n, SHORT_TRIALS)
            points = points[-SHORT_POINTS:]
        if sweep is not None and has_blank(scenario):
            points.append(len(sweep.values))
        chunk = _CHUNK[type(scenario).__name__]
        for point in points:
            for start in range(0, n, chunk):
                jobs[f"{k:04d} {point:04d} {start:08d}"] = (k, point, start, min(start + chunk, n))
    return jobs


def _run(
    work: Path,
    jobs: dict[str, tuple[int, int, int, int]],
    common: dict[str, Any],
    identity: dict[str, str],
    *,
    objects: list[DetectorUnderTest],
    workers: int,
    is_resumed: bool,
    progress: Callable[[int, int, str], None] | None,
) -> tuple[list[TrialOutcome], list[LeftOut]]:
    from screening.work import Job, Ledger, run_jobs

    if not is_resumed and work.is_dir():
        for path in work.glob("trials.sqlite*"):
            path.unlink()
    work.mkdir(parents=True, exist_ok=True)
    path = work / "trials.sqlite"
    outcomes: list[TrialOutcome] = []
    left_out: list[LeftOut] = []
    plan = parse_plan(common["text"])

    def _tell(done: int, key: str) -> None:
        if progress is not None:
            progress(done, len(jobs), plan.scenario[jobs[key][0]].name)

    with Ledger(path, identity) as ledger:
        ledger.add(
            Job(key, {**common, **dict(zip(("scenario", "point", "start", "stop"), job, strict=True))})
            for key, job in jobs.items()
        )
        ledger.recover(max_attempts=3, retry_failed=True)
        if workers > 1 and not objects:
            run_jobs(
                ledger,
                _TARGET,
                workers=workers,
                deadline_s=_DEADLINE_S,
                progress=lambda report: _tell(_ended(report), report.key),
            )
        else:
            while (job := ledger.take()) is not None:
                _do(ledger, job, plan, common, jobs[job.key], objects)
                counts = ledger.counts()
                _tell(counts.done + counts.failed, job.key)
        for result in ledger.results():
            if result.key in jobs:
                outcomes.extend(msgspec.json.decode(result.value, type=list[TrialOutcome]))
        for failure in ledger.failures():
            k, point, start, stop = jobs[failure.key]
            left_out.append(
                LeftOut(
                    kind="trials not made",
                    where=plan.scenario[k].name,
                    text=f"trials {start} to {stop - 1} at point {point}: {failure.error}",
                    n=stop - start,
                )
            )
    return outcomes, left_out


def _ended(report: Any) -> int:
    return int(report.counts.done + report.counts.failed)


def _do(
    ledger: Any,
    job: Any,
    plan: Plan,
    common: dict[str, Any],
    place: tuple[int, int, int, int],
    objects: list[DetectorUnderTest],
) -> None:
    import time

    began = time.monotonic()
    try:
        tested = [*objects, *_detectors(tuple(common["names"]), common["settings"])]
        found = outcomes_of(
            plan,
            Path(common["folder"]),
            tested,
            seed=common["seed"],
            is_short=common["is_short"],
            job=place,
        )
    except Exception as error:  # as in a worker: the other jobs are still done
        text = f"{type(error).__name__}: {error}".splitlines()[0]
        ledger.fail(job.key, "EXCEPTION", text, max_attempts=1)
        return
    ledger.finish(job.key, msgspec.json.encode(found), time.monotonic() - began)


def _data_problems(plan: Plan, folder: Path) -> list[LeftOut]:
    found = []
    for scenario in plan.scenario:
        if isinstance(scenario, MeasuredScenario):
            found += [
                LeftOut(
                    kind=one.kind,
                    where=f"{scenario.folder}: {one.where}",
                    text=one.text,
                    is_error=one.kind != "truth not known",
                )
                for one in measured_samples(scenario, folder)[1]
            ]
    return found
