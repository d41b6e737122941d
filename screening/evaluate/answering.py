"""Ask one detector about one sample, whatever either of them does."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec

from screening.errors import FormatError, ScreeningError, StoreError
from screening.records import Occupancy, Radiograph, ReasonCode, Scan, sha256_hex
from screening.sources import open_scans

from .answers import Failure, StoredAnswer
from .detectors import DetectorUnderTest, ReplayError
from .detectors.checks import checked_answer, described, no_answer, storable
from .samples import Sample

__all__ = ["ScanReader", "asked", "peak_bytes", "unread"]


class ScanReader:
    """Read the scans of a data set; a file with many scans is read once while its rows stand together.

    Parameters
    ----------
    root : path-like
        Folder of the data set.
    """

    def __init__(self, root: str | Path) -> None:
        self._root = Path(root)
        self._path = ""
        self._sha256 = ""
        self._scans: list[Scan] = []
        self._failure: ScreeningError | None = None

    def read(self, sample: Sample) -> tuple[Scan | ScreeningError, str]:
        """Return the scan of a sample.

        Parameters
        ----------
        sample : Sample
            The sample.

        Returns
        -------
        scan : Scan or ScreeningError
            The scan, or why it cannot be read.
        sha256 : str
            Hash of its file; "" if that cannot be read at all.
        """
        if sample.path != self._path:
            self._path, self._scans, self._failure, self._sha256 = sample.path, [], None, ""
            try:
                self._sha256 = sha256_hex((self._root / sample.path).read_bytes())
                self._scans = open_scans(self._root / sample.path)
            except OSError as error:
                self._failure = FormatError(f"{sample.path}: {error.strerror or error}", value=sample.path)
            except ScreeningError as error:
                self._failure = error
        if self._failure is not None:
            return self._failure, self._sha256
        if sample.index >= len(self._scans):
            text = f"{sample.path}: holds {len(self._scans)} scans, no number {sample.index}"
            return StoreError(text), self._sha256
        return self._scans[sample.index], self._sha256


def asked(detector: DetectorUnderTest, sample: Sample, scan: Scan, input_sha256: str) -> StoredAnswer:
    """Return what a detector answers, checked; a detector that raises has answered UNKNOWN.

    Parameters
    ----------
    detector : DetectorUnderTest
        The detector.
    sample : Sample
        The truth; it is not shown to the detector.
    scan : Scan
        What it is asked about.
    input_sha256 : str
        Hash of the scan's file.

    Returns
    -------
    StoredAnswer
        With the modality and the identity of the scan itself.
    """
    failure = None
    started = time.perf_counter()
    try:
        answer = detector.answer(scan)
    except (Exception, SystemExit, GeneratorExit) as error:
        # Whatever a detector does, sys.exit() among it, the others are still measured.
        elapsed_s = time.perf_counter() - started
        kind = error.kind if isinstance(error, ReplayError) else "detector failed"
        failure = Failure(stage="detector", kind=kind, text=described(error))
        code = error.reason if isinstance(error, ScreeningError) else ReasonCode.MODEL_ERROR.value
        answer = no_answer(code)
    else:
        elapsed_s = time.perf_counter() - started
        answer, fault = checked_answer(answer, scan)
        if fault is not None:
            failure = Failure(
                stage="answer",
                kind=fault.kind,
                text=storable(fault.text),
                is_answer_kept=fault.is_answer_kept,
            )
    return StoredAnswer(
        sample=msgspec.structs.replace(sample, modality=scan.modality, scan_id=scan.identity.scan_id),
        detector=detector.name,
        answer=answer,
        failure=failure,
        has_spectra=not (isinstance(scan.payload, Occupancy) and scan.payload.spectra is None),
        shape=(scan.payload.raw.shape[0], scan.payload.raw.shape[1])
        if isinstance(scan.payload, Radiograph)
        else None,
        elapsed_s=round(elapsed_s, 6),
        input_sha256=input_sha256,
    )


def unread(name: str, sample: Sample, error: ScreeningError, input_sha256: str) -> StoredAnswer:
    """Return the answer of a detector to a scan that could not be read.

    Parameters
    ----------
    name : str
        The detector.
    sample : Sample
        The sample.
    error : ScreeningError
        Why not.
    input_sha256 : str
        Hash of the file.

    Returns
    -------
    StoredAnswer
        UNKNOWN.
    """
    return StoredAnswer(
        sample=sample,
        detector=name,
        answer=no_answer(error.reason),
        failure=Failure(stage="reading", kind="not read", text=storable(str(error))),
        input_sha256=input_sha256,
    )


def peak_bytes() -> int | None:
    """Return the largest resident memory this process has had.

    Returns
    -------
    int or None
        None where the system does not say. Linux's VmHWM begins anew with the program, which the peak of
        ``getrusage`` does not.
    """
    try:
        text = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return None
    found = [line.split()[1] for line in text.splitlines() if line.startswith("VmHWM:")]
    return int(found[0]) * 1024 if found else None
