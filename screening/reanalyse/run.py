"""Run the pipeline over an archive, resumably, and say what the answers were and what changed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from screening import __version__
from screening.assembly import EMPTY_MODEL, NUCLIDE_MODEL
from screening.classifiers import load_model
from screening.config import Settings, load_settings, settings_sha256
from screening.errors import ConfigurationError, ModelError, StoreError
from screening.records import Level, ReasonCode, ScreeningReport, UnreadInput
from screening.work import Counts, Failure, Job, Ledger, Progress, run_jobs

from .compare import Comparison, answers_of, compare
from .index import ArchiveIndex, index_archive
from .results import stored_answers, write_store
from .worker import TARGET

__all__ = ["RunSummary", "run"]

LEDGER = "work.sqlite"
RESULTS = "results.jsonl"
STORE = "results.sqlite"
COMPARISON = "comparison.jsonl"
SUMMARY = "summary.json"
PRODUCTS = "products"

# A job that gave no answer is an input that gave no answer.
CAUSE_CODES = {
    "DEADLINE": ReasonCode.TIMEOUT,
    "DIED": ReasonCode.INPUT_CORRUPT,
    "EXCEPTION": ReasonCode.MODEL_ERROR,
}


class RunSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What a run found.

    Attributes
    ----------
    schema : {"reanalysis/1"}
        Version of this record.
    version, config_sha256 : str
        What made the answers.
    n_files, n_scans : int
        Files analysed and answers given.
    n_unread : int
        Inputs that could not be analysed; each is UNKNOWN in the results.
    levels : dict of str to int
        Answers by level.
    reasons : dict of str to int
        Answers by reason code, the commonest first.
    not_scans : tuple of str
        Files left out, other than reports, truths and labels beside the scans they speak of.
    compared_with : str or None
        Earlier results that were found in the archive.
    changes : dict of str to int or None
        Flags by kind of change against them; a scan has several flags.
    lowered : int or None
        Flags that were not LOW then and are now.
    n_analysed_now : int
        Files analysed in this run; the rest was done before it was resumed.
    elapsed_s : float
        Wall time of this run, seconds.
    compute_s : float
        Time in the workers over all files, seconds.
    """

    version: str
    config_sha256: str
    n_files: int
    n_scans: int
    n_unread: int
    levels: dict[str, int]
    reasons: dict[str, int]
    not_scans: tuple[str, ...]
    compared_with: str | None
    changes: dict[str, int] | None
    lowered: int | None
    n_analysed_now: int
    elapsed_s: float
    compute_s: float
    schema: str = "reanalysis/1"

    @property
    def comparison_text(self) -> str | None:
        """What changed, in one line with its unit; None when nothing was compared."""
        if self.changes is None:
            return None
        changes = ", ".join(f"{kind} {n}" for kind, n in self.changes.items())
        n_flag = sum(self.changes.values())
        return f"against {self.compared_with}, {n_flag} flags: {changes}; lowered to LOW: {self.lowered}"

    @property
    def exit_status(self) -> int:
        """0; 1 when some input could not be analysed."""
        return 1 if self.n_unread else 0


def run(
    archive_dir: str | Path,
    out_dir: str | Path,
    *,
    workers: int = 1,
    resume: bool = False,
    settings: Settings | Path | None = None,
    engine: str = "local",
    products: bool = False,
    deadline_s: float = 300.0,
    progress: Callable[[Progress], None] | None = None,
) -> RunSummary:
    """Analyse every scan of an archive again.

    Parameters
    ----------
    archive_dir : path-like
        Folder of archives and other scan files, searched to the bottom; or one file.
    out_dir : path-like
        Where ``results.jsonl`` (screening/1, by path; byte for byte the same for the same archive),
        ``results.sqlite``, ``comparison.jsonl``, ``summary.json`` and the work ledger go.
    workers : int
        Processes.
    resume : bool
        Go on with an earlier run in `out_dir`: only what has no answer yet, and files changed since,
        are analysed.
    settings : Settings or Path, optional
        Settings or their file.
    engine : {"local"}
        What runs the jobs.
    products : bool
        Also write maps and spectra, ``products/<scan_id>.h5``.
    deadline_s : float
        Longest time for one file, seconds; then it is UNKNOWN (TIMEOUT).
    progress : callable, optional
        Called after each file.

    Returns
    -------
    RunSummary
        What was found, also in ``summary.json``.

    Raises
    ------
    ConfigurationError
        For an engine that is not installed, an `out_dir` that holds a run and `resume` is not set,
        or a run that was begun with other settings, models or another version.
    FormatError
        If the archive does not exist.
    StoreError
        If `out_dir` cannot be written.
    """
    if engine != "local":
        raise ConfigurationError(f"engine {engine!r} is not available; this version has: local", value=engine)
    began = time.monotonic()
    archive, out = Path(archive_dir), Path(out_dir)
    chosen = settings if isinstance(settings, Settings) else load_settings(settings)
    index = index_archive(archive)
    if _lies_in(out, archive):
        raise ConfigurationError(
            f"{out}: results inside the archive would be read as a part of it; choose another folder",
            value=str(out),
        )
    ledger_path = out / LEDGER
    if ledger_path.exists() and not resume:
        raise ConfigurationError(
            f"{out} holds an earlier run: resume it, or choose another folder", value=str(out)
        )
    with Ledger(ledger_path, _identity(chosen)) as ledger:
        if products:
            (out / PRODUCTS).mkdir(exist_ok=True)
        n_now = _queue(ledger, index, archive, chosen, out / PRODUCTS if products else None)
        run_jobs(ledger, TARGET, workers=workers, deadline_s=deadline_s, progress=progress)
        reports = list(_reports(ledger))
        compute_s = sum(result.elapsed_s for result in ledger.results())
    return _conclude(
        out,
        archive,
        reports,
        index,
        config_sha256=settings_sha256(chosen),
        n_now=n_now,
        elapsed_s=time.monotonic() - began,
        compute_s=compute_s,
    )


def _queue(
    ledger: Ledger, index: ArchiveIndex, archive: Path, settings: Settings, products: Path | None
) -> int:
    arguments = {
        "root": str(archive.resolve()),
        "settings": msgspec.json.encode(settings, order="deterministic").decode(),
        "products": str(products.resolve()) if products is not None else None,
    }
    ledger.add(Job(file.path, {**arguments, "path": file.path}, file.fingerprint) for file in index.files)
    ledger.keep_only(file.path for file in index.files)
    counts: Counts = ledger.counts()
    return counts.pending + counts.running


def _identity(settings: Settings) -> dict[str, str]:
    identity = {"version": __version__, "configuration": settings_sha256(settings)}
    folder = Path(settings.models.folder) if settings.models.folder is not None else None
    for name in (NUCLIDE_MODEL, EMPTY_MODEL):
        try:
            model = load_model(name, folder=folder, allowed=settings.models.allowed)
            identity[f"model {name}"] = model.ref.card_sha256
        except ModelError:
            identity[f"model {name}"] = "none"  # every answer that needs it will be UNKNOWN, and say so
    return identity


def _reports(ledger: Ledger) -> Iterator[ScreeningReport]:
    found = [
        (result.key, number, msgspec.json.decode(line, type=ScreeningReport))
        for result in ledger.results()
        for number, line in enumerate(result.value.splitlines())
    ]
    found.extend((failure.key, 0, _unanswered(failure)) for failure in ledger.failures())
    for _, _, report in sorted(found, key=lambda item: item[:2]):
        yield report


def _unanswered(failure: Failure) -> ScreeningReport:
    times = "once" if failure.attempts == 1 else f"{failure.attempts} times"
    text = f"{failure.key}: no answer, tried {times}: {failure.error}"
    return ScreeningReport(
        path=failure.key,
        scan_id=None,
        modality=None,
        level=Level.UNKNOWN,
        flags=(),
        elapsed_ms=0.0,
        error=UnreadInput(code=CAUSE_CODES[failure.cause], text=text),
    )


def _conclude(
    out: Path,
    archive: Path,
    reports: list[ScreeningReport],
    index: ArchiveIndex,
    *,
    config_sha256: str,
    n_now: int,
    elapsed_s: float,
    compute_s: float,
) -> RunSummary:
    _write(out / RESULTS, b"".join(msgspec.json.encode(report) + b"\n" for report in reports))
    write_store(out / STORE, reports)
    stored = stored_answers(archive, own=out / STORE) if archive.is_dir() else None
    comparison: Comparison | None = None
    if stored is not None:
        now = answers_of(flag for report in reports for flag in report.flags)
        comparison = compare(stored.answers, now, reports)
        lines = b"".join(msgspec.json.encode(change) + b"\n" for change in comparison.changes)
        _write(out / COMPARISON, lines)
    codes = Counter(
        code
        for report in reports
        for code in dict.fromkeys([*_codes(report)])  # each once an answer
    )
    summary = RunSummary(
        version=__version__,
        config_sha256=config_sha256,
        n_files=len(index.files),
        n_scans=len(reports),
        n_unread=sum(report.error is not None for report in reports),
        levels={level.value: sum(report.level is level for report in reports) for level in Level},
        reasons=dict(sorted(codes.items(), key=lambda item: (-item[1], item[0]))),
        not_scans=index.not_scans,
        compared_with=stored.name if stored is not None else None,
        changes=comparison.counts if comparison is not None else None,
        lowered=comparison.lowered if comparison is not None else None,
        n_analysed_now=n_now,
        elapsed_s=round(elapsed_s, 3),
        compute_s=round(compute_s, 3),
    )
    _write(out / SUMMARY, msgspec.json.format(msgspec.json.encode(summary), indent=2) + b"\n")
    return summary


def _codes(report: ScreeningReport) -> Iterator[str]:
    if report.error is not None:
        yield report.error.code.value
    for flag in report.flags:
        for reason in flag.reasons:
            yield reason.code.value


def _write(path: Path, data: bytes) -> None:
    partial = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(data)
        partial.replace(path)
    except OSError as error:
        raise StoreError(f"{path}: cannot be written ({error.strerror})", value=str(path)) from None


def _lies_in(out: Path, archive: Path) -> bool:
    return archive.is_dir() and out.resolve().is_relative_to(archive.resolve())
