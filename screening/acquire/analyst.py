"""An analysis child: reads scans from the spool, runs the pipeline, writes archives, answers.

Run as ``python -m screening.acquire.analyst``; see :mod:`screening.acquire.supervisor` for what it
is told and what it answers. It ends when its standard input ends, so it never outlives its parent
by more than one scan.
"""

from __future__ import annotations

import os
import signal
import struct
import sys
import time
import tomllib
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from screening import __version__, archive, kernels
from screening.assembly import build_pipeline
from screening.config import Settings, settings_sha256
from screening.errors import ConfigurationError, ModelError, ScreeningError
from screening.pipeline import Pipeline
from screening.records import Scan, ScreeningReport, sha256_hex
from screening.risk import Provenance
from screening.stores import StoredScan

from .reading import SpooledBytes, read_scan, read_spooled
from .scan_entry import ScanEntry
from .supervisor import AnalysisAnswer, ChildReady, ChildStart, encode_message
from .unanswered import unanswered_report

__all__ = ["Analyst", "main"]

_LENGTH = struct.Struct("<I")


class Analyst:
    """Analyses spooled scans, one after the other.

    Parameters
    ----------
    spool, archive_folder : Path
        Where scans come from, and where their archives go.
    pipeline : Pipeline
        The analysis.
    provenance : Provenance
        What the flag of a scan names that the analysis failed on.
    """

    def __init__(self, spool: Path, archive_folder: Path, pipeline: Pipeline, provenance: Provenance) -> None:
        self._spool = spool
        self._archive = archive_folder
        self._pipeline = pipeline
        self._provenance = provenance
        archive_folder.mkdir(parents=True, exist_ok=True)

    def answer(self, entry: ScanEntry) -> AnalysisAnswer:
        """Analyse one scan and archive it.

        Parameters
        ----------
        entry : ScanEntry
            The scan.

        Returns
        -------
        AnalysisAnswer
            Its report; an UNKNOWN one that says why if the bytes cannot be read or the analysis fails.
        """
        started = time.perf_counter()
        spooled = read_spooled(self._spool, entry)
        scan: Scan | None = None
        try:
            scan = read_scan(spooled, entry)
            result = self._pipeline.screen(scan)
            report = result.report(spooled.ref.uri, _elapsed_ms(started))
            products = result.products
        except ScreeningError as error:
            self._pipeline.abandon()
            report, products = self._unread(entry, spooled, error, started), {}
        except (ValueError, TypeError, ArithmeticError, LookupError, MemoryError) as error:
            # A defect, or bytes nobody thought of: this scan is UNKNOWN and the next one is served.
            self._pipeline.abandon()
            failure = ModelError(f"the analysis failed ({type(error).__name__}: {error})")
            report, products = self._unread(entry, spooled, failure, started), {}
        stored = None
        if scan is not None:
            stored = StoredScan(
                identity=scan.identity, modality=scan.modality, inputs=scan.inputs, notes=scan.notes
            )
        name, why = self._archived(entry, scan, spooled, products)
        body = msgspec.json.encode(report)
        if name is not None:
            why = self._write_report(entry, body) or why
        return AnalysisAnswer(
            report=msgspec.Raw(body),
            scan=stored,
            archive=name,
            error=why,
            n_bytes=spooled.ref.n_bytes,
            sha256=spooled.ref.sha256,
        )

    def _unread(
        self, entry: ScanEntry, spooled: SpooledBytes, error: ScreeningError, started: float
    ) -> ScreeningReport:
        inputs, elapsed_ms = (spooled.ref,), _elapsed_ms(started)
        return unanswered_report(entry, error, self._provenance, inputs=inputs, elapsed_ms=elapsed_ms)

    def _archived(
        self, entry: ScanEntry, scan: Scan | None, spooled: SpooledBytes, products: dict[str, Any]
    ) -> tuple[str | None, str | None]:
        if scan is None:
            return None, "no archive: the bytes hold no scan; they are in the spool"
        path = self._archive / f"{entry.scan_id}.h5"
        why = None
        for kept in (products, {}):
            try:
                archive.write_scan(path, scan, original=spooled.data, products=kept)
            except (ScreeningError, OSError) as error:
                why = why or str(error)  # what was received is kept, whatever became of the products
            else:
                return path.name, None if why is None else f"archived without products: {why}"
        return None, f"no archive: {why}"

    def _write_report(self, entry: ScanEntry, body: bytes) -> str | None:
        """Put the report beside the archive, for people and for reports made later."""
        path = self._archive / f"{entry.scan_id}.json"
        temporary = path.with_suffix(f".{os.getpid()}")
        try:
            temporary.write_bytes(body + b"\n")
            temporary.replace(path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            return f"no report beside the archive: {error.strerror}"
        return None


def main() -> int:
    """Serve one parent until it is gone.

    Returns
    -------
    int
        Exit status.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's Ctrl-C is the parent's to handle
    source = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not break the protocol
    start = _next(source, ChildStart)
    if start is None:
        return 0
    try:
        settings = msgspec.convert(tomllib.loads(start.config), Settings)
        provenance = Provenance(
            version=__version__,
            kernel_isa=kernels.isa(),
            config_sha256=settings_sha256(settings),
            threshold_sha256=sha256_hex(b""),  # no threshold judged what could not be analysed
        )
        pipeline = build_pipeline(settings)
        analyst = Analyst(Path(start.spool), Path(start.archive), pipeline, provenance)
    except (ValueError, ConfigurationError, OSError) as error:
        _send(answers, ChildReady(error=str(error)))
        return 2
    _send(answers, ChildReady(provenance=provenance))
    while (entry := _next(source, ScanEntry)) is not None:
        _send(answers, analyst.answer(entry))
    return 0


def _next(source: BinaryIO, kind: type[Any]) -> Any:
    head = source.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    body = source.read(_LENGTH.unpack(head)[0])
    return msgspec.json.decode(body, type=kind)


def _send(answers: BinaryIO, message: Any) -> None:
    try:
        answers.write(encode_message(message))
        answers.flush()
    except BrokenPipeError:
        sys.exit(0)


def _elapsed_ms(started: float) -> float:
    return round((time.perf_counter() - started) * 1e3, 3)


if __name__ == "__main__":
    sys.exit(main())
