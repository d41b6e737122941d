"""What is asked of an evaluation: data sets, benches, plans and programmes, in one report."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from screening.config import Settings, load_settings
from screening.errors import ConfigurationError

from .answers import Answers, read_answers
from .detectors import DetectorUnderTest
from .detectors.registry import registered_names
from .detectors.replay import DEFAULT_TIME_S, ReplayDetector
from .measuring import evaluate_dataset
from .presets import PRESETS, bench
from .record import Evaluation, Part, joined
from .report import Changes, compare, provenance, read_report, write_report
from .report.paired import PairedTest, answers_beside, paired_tests
from .stored import evaluate_stored, named_apart

__all__ = ["Outcome", "Request", "run_request"]

#: Benches that ask detectors of series of spectra.
SERIES_BENCHES = ("weak-source-",)
#: The bench that also takes measured spectra.
MEASURED_BENCH = "identification"


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What to evaluate. Everything that is named stands in one report, in this order.

    Attributes
    ----------
    dataset : Path or None
        Folder with ``labels.csv`` and scans.
    stored : tuple of Path
        Answers stored by earlier runs.
    presets : tuple of str
        Benches by name.
    plans : tuple of str
        Test plans: files, or ``example:NAME`` for one that is shipped.
    programmes : tuple of Path
        Folders with records of seals, custody or containers.
    measured : Path or None
        Folder of measured spectra for the bench "identification".
    recipe : Path or None
        What is made of them; ``spectra.toml`` in the folder when None.
    detectors : tuple of str or None
        Registered names; None for all that are.
    replays : tuple of str
        Outside programs, for the data set.
    split : {"train", "validation", "threshold", "test"}
        Which rows of the data set are scored.
    is_short : bool
        The short form of benches and plans: shows them at work, measures nothing.
    is_resumed : bool
        Go on with an earlier run in the same folder.
    workers : int
        Processes.
    seed : int
        Of everything random in benches and plans.
    time_limit_s : float or None
        Longest time for one answer.
    baseline : Path or None
        An earlier ``report.json`` to compare with.
    command : tuple of str
        Words of the command, for the provenance.
    """

    dataset: Path | None = None
    stored: tuple[Path, ...] = ()
    presets: tuple[str, ...] = ()
    plans: tuple[str, ...] = ()
    programmes: tuple[Path, ...] = ()
    measured: Path | None = None
    recipe: Path | None = None
    detectors: tuple[str, ...] | None = None
    replays: tuple[str, ...] = ()
    split: str = "test"
    is_short: bool = False
    is_resumed: bool = False
    workers: int = 1
    seed: int = 1
    time_limit_s: float | None = None
    baseline: Path | None = None
    command: tuple[str, ...] = ()


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it.

    Attributes
    ----------
    evaluation : Evaluation
        The report.
    changes : Changes or None
        Since the baseline.
    plan_status : int
        3 when a plan failed, else 0.
    files : tuple of str
        Files of the report.
    """

    evaluation: Evaluation
    changes: Changes | None = None
    plan_status: int = 0
    files: tuple[str, ...] = ()

    @property
    def exit_status(self) -> int:
        """3 when a plan failed or something got worse; 1 when something could not be measured; else 0."""
        regressed = 0 if self.changes is None else self.changes.exit_status
        return max(regressed, self.plan_status) or self.evaluation.exit_status


def run_request(
    request: Request,
    out_dir: str | Path,
    *,
    settings: Settings | Path | None = None,
    progress: Callable[[int, int, str], None] | None = None,
) -> Outcome:
    """Measure what is asked and write one report.

    Parameters
    ----------
    request : Request
        What to evaluate.
    out_dir : path-like
        Folder of the report; each bench and plan keeps its work in a folder below.
    settings : Settings or Path, optional
        Settings or their file.
    progress : callable, optional
        Called with steps done, of all, and what is being done; starts again for each thing asked.

    Returns
    -------
    Outcome
        The report, and what changed since the baseline.

    Raises
    ------
    ConfigurationError
        If nothing is asked, or what is asked does not go together.
    FormatError
        If a data set, a plan or a report cannot be read.
    StoreError
        If `out_dir` cannot be written.
    """
    started = time.perf_counter()
    _check(request)
    chosen = settings if isinstance(settings, Settings) else load_settings(settings)
    baseline = before = None
    if request.baseline is not None:
        baseline, before = read_report(request.baseline), answers_beside(request.baseline)
        # Answers that another run left in the folder are not what the report was made of.
        if before is not None and before.header.labels_sha256 not in baseline.provenance.data.values():
            before = None
    out = Path(out_dir)
    parts, plan_status = _measured(request, out, chosen, progress)
    evaluation = joined(
        parts,
        title=_title(request),
        provenance=provenance(
            chosen,
            request.command,
            seeds={"benches and plans": request.seed} if request.presets or request.plans else {},
            elapsed_s=time.perf_counter() - started,
        ),
    )
    changes = None
    if baseline is not None:
        changes = compare(evaluation, baseline, paired=_pairs(request, out, before))
    written = write_report(out, evaluation, changes=changes)
    return Outcome(evaluation=evaluation, changes=changes, plan_status=plan_status, files=written)


def _pairs(
    request: Request, out: Path, before: Answers | None
) -> dict[tuple[str, str, str, str], PairedTest]:
    """Return paired tests against answers read before this run, which may write to the same folder.

    `out` may hold the answers of an earlier run: they count only if this one asked for a data set.
    """
    if before is None:
        return {}
    if request.dataset is not None:
        now = answers_beside(out)
    elif len(request.stored) == 1:
        path = request.stored[0]
        now = answers_beside(path) if path.is_dir() else read_answers(path)
    else:
        now = None
    return {} if now is None else paired_tests(now, before)


def _measured(
    request: Request,
    out: Path,
    settings: Settings,
    progress: Callable[[int, int, str], None] | None,
) -> tuple[list[Part], int]:
    parts: list[Part] = []
    is_series = {name for name in request.presets if name.startswith(SERIES_BENCHES)}
    everyone = request.detectors
    if is_series and everyone is not None:  # who scores series is asked by their benches alone
        request = msgspec.structs.replace(request, detectors=_who_answer_scans(everyone, settings))
    if request.dataset is not None:
        parts.append(_dataset_part(request, request.dataset, out, settings, progress))
    for path in request.stored:
        part = evaluate_stored(path)
        is_alone = request.dataset is None and len(request.stored) == 1
        parts.append(part if is_alone else named_apart(part, _stored_name(path)))
    for name in request.presets:
        run_bench, what = bench(name)
        extra: dict[str, Any] = {}
        if name == MEASURED_BENCH and request.measured is not None:
            extra = {"measured": request.measured, "recipe": request.recipe}
        parts.append(
            run_bench(
                out / "work" / (f"{name}-short" if request.is_short else name),
                what=what,
                detectors=_listed(everyone if name in is_series else request.detectors),
                settings=settings,
                is_short=request.is_short,
                workers=request.workers,
                is_resumed=request.is_resumed,
                seed=request.seed,
                progress=progress,
                **extra,
            )
        )
    status = 0
    if request.plans:
        from .plans import exit_status, run_plan

        for plan in request.plans:
            part = run_plan(
                plan,
                out / "work" / f"plan-{_plan_name(plan)}",
                detectors=_listed(request.detectors),
                settings=settings,
                workers=request.workers,
                is_resumed=request.is_resumed,
                seed=request.seed,
                is_short=request.is_short,
                progress=progress,
            )
            status = max(status, exit_status(part))
            parts.append(part)
    if request.programmes:
        from .programmes import run_records

        is_alone = len(request.programmes) == 1
        parts.extend(
            run_records(path, name="" if is_alone else path.resolve().name) for path in request.programmes
        )
    return parts, status


def _dataset_part(
    request: Request,
    folder: Path,
    out: Path,
    settings: Settings,
    progress: Callable[[int, int, str], None] | None,
) -> Part:
    limit_s = DEFAULT_TIME_S if request.time_limit_s is None else request.time_limit_s
    programs = [ReplayDetector(command, time_limit_s=limit_s) for command in request.replays]
    wanted: list[str | DetectorUnderTest] | None = None
    if request.detectors is not None or programs:
        wanted = [*(request.detectors or ("pipeline",)), *programs]
    return evaluate_dataset(
        folder,
        detectors=wanted,
        settings=settings,
        split=request.split,
        work_dir=out,
        is_resumed=request.is_resumed,
        workers=request.workers,
        time_limit_s=request.time_limit_s,
        progress=progress,
    )


def _listed(names: tuple[str, ...] | None) -> list[str] | None:
    return None if names is None else list(names)


def _who_answer_scans(names: tuple[str, ...], settings: Settings) -> tuple[str, ...]:
    from .weak_source.registry import BUILT_IN, chosen_names

    _, others = chosen_names(list(names), settings)
    both = set(BUILT_IN) & set(registered_names())  # one name for the rule on passes and on series
    return tuple(name for name in names if name in others or name in both)


def _refuse_twice(what: str, names: Sequence[str]) -> None:
    twice = [name for name, n in Counter(names).items() if n > 1]
    if twice:
        raise ConfigurationError(
            f"two of one name cannot stand in one report: {what} {twice[0]!r}; rename one", value=twice[0]
        )


def _plan_sections(plans: tuple[str, ...]) -> list[str]:
    """Return the sections of plans, which must be readable before hours go into what stands before them."""
    if not plans:
        return []
    from .plans import example_plan, parse_plan, read_plan
    from .plans.results import section_id

    return [
        section_id(
            parse_plan(example_plan(plan.removeprefix("example:")), name=plan)
            if plan.startswith("example:")
            else read_plan(plan)
        )
        for plan in plans
    ]


def _plan_name(plan: str) -> str:
    return Path(plan.removeprefix("example:")).stem


def _stored_name(path: Path) -> str:
    place = path.resolve()
    return place.name if place.is_dir() else place.parent.name


def _check(request: Request) -> None:
    asked = (request.dataset, *request.stored, *request.presets, *request.plans, *request.programmes)
    if not any(item is not None for item in asked):
        raise ConfigurationError(
            "nothing to evaluate: name a folder with labels.csv, a preset "
            f"({', '.join(PRESETS)}), a test plan, stored answers, or a folder of programme records"
        )
    for what, names in (
        ("preset", request.presets),
        ("test plan", [_plan_name(plan) for plan in request.plans]),
        ("set of stored answers", [_stored_name(path) for path in request.stored]),
        ("folder of records", [path.resolve().name for path in request.programmes]),
    ):
        _refuse_twice(what, names)
    _refuse_twice("plan named", _plan_sections(request.plans))
    if (request.measured or request.recipe) and MEASURED_BENCH not in request.presets:
        raise ConfigurationError(f"measured spectra go with the preset {MEASURED_BENCH!r}")
    if request.recipe is not None and request.measured is None:
        raise ConfigurationError("a recipe says what is made of measured spectra; name their folder")
    if request.replays and request.dataset is None:
        raise ConfigurationError("outside programs are asked about a data set; name its folder")
    if request.workers < 1:
        raise ConfigurationError(f"at least one process is needed, got {request.workers}")


def _title(request: Request) -> str:
    names = [
        *([request.dataset.resolve().name] if request.dataset is not None else []),
        *(path.resolve().name for path in (*request.stored, *request.programmes)),
        *(f"plan {Path(plan).name}" for plan in request.plans),
        *request.presets,
    ]
    return f"Evaluation: {', '.join(names)}{' (short form, no measure)' if request.is_short else ''}"
