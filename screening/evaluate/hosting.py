"""Detectors in processes of their own: a crash or an endless loop costs one answer, not the evaluation.

One process holds one detector, so that its memory is its own. The parent waits for each answer no longer
than the limit, then ends the process and starts another.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from screening.config import Settings
from screening.errors import ConfigurationError, ScreeningError
from screening.records import ReasonCode

from .answering import ScanReader, asked, peak_bytes, unread
from .answers import Failure, StoredAnswer
from .detectors import DetectorUnderTest, load_detectors
from .detectors.checks import described, no_answer
from .samples import Sample

__all__ = ["Host", "HostSpec", "host_spec"]

START_LIMIT_S = 300.0
#: Reading is not the detector's time; it has a limit of its own so that nothing waits for ever.
READ_LIMIT_S = 300.0
#: What a process gets to end the programs it has started, once it is told to end.
GRACE_S = 1.0
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_STARTED, _READ, _ANSWER, _FAILED = b"S", b"R", b"A", b"F"


class HostSpec(NamedTuple):
    """How a process gets its detector.

    Attributes
    ----------
    name : str
        The detector's name, for answers it could not give itself.
    entry : str or None
        Its entry point; None for a detector that is handed over.
    pickled : bytes
        The detector itself, if it has no entry point.
    settings : Settings
        Handed to an entry point.
    root : str
        Folder of the data set.
    """

    name: str
    entry: str | None
    pickled: bytes
    settings: Settings
    root: str


def host_spec(
    detector: DetectorUnderTest, entry: str | None, settings: Settings, root: str | Path
) -> HostSpec:
    """Return how another process gets a detector.

    Parameters
    ----------
    detector : DetectorUnderTest
        The detector.
    entry : str or None
        Its entry point, if it came from one.
    settings : Settings
        Handed to the entry point.
    root : path-like
        Folder of the data set.

    Returns
    -------
    HostSpec
        To be sent.

    Raises
    ------
    ConfigurationError
        If it has no entry point and cannot be sent.
    """
    pickled = b""
    if entry is None:
        try:
            pickled = pickle.dumps(detector)
        except Exception as error:
            raise ConfigurationError(
                f"detector {detector.name} cannot be sent to a process of its own ({error}); "
                "register it, or use one process without a time limit",
                value=detector.name,
            ) from error
    return HostSpec(detector.name, entry, pickled, settings, str(Path(root).resolve()))


class Host:
    """One process with one detector, seen from the parent.

    Parameters
    ----------
    spec : HostSpec
        The detector.
    """

    def __init__(self, spec: HostSpec) -> None:
        self.spec = spec
        self._process: Any = None
        self._pipe: Connection | None = None

    def ask(self, sample: Sample, *, time_limit_s: float | None) -> StoredAnswer:
        """Return what the detector says of a sample.

        Parameters
        ----------
        sample : Sample
            The sample.
        time_limit_s : float or None
            Longest time for the answer; reading the scan does not count.

        Returns
        -------
        StoredAnswer
            UNKNOWN if the process died or took too long.

        Raises
        ------
        ConfigurationError
            If the detector cannot be built in its process.
        """
        pipe = self._running()
        stage = "reading it"
        try:
            pipe.send_bytes(msgspec.json.encode(sample))
            kind, body = _received(pipe, READ_LIMIT_S)
            if kind == _READ:
                stage = "the answer"
                kind, body = _received(pipe, time_limit_s)
        except TimeoutError as error:
            self.close(kill=True)
            text = f"{stage} took more than {error} s; its process was ended"
            return self._lost(sample, "out of time", text, ReasonCode.TIMEOUT)
        except (EOFError, OSError):
            code = self._ended()
            return self._lost(
                sample,
                "process died",
                f"its process died (status {code}) over {stage}",
                ReasonCode.MODEL_ERROR,
            )
        return msgspec.json.decode(body, type=StoredAnswer)

    def kill(self) -> None:
        """End the process from another thread: whoever waits for its answer sees it die."""
        if self._process is not None:
            _stop(self._process)

    def close(self, *, kill: bool = False) -> None:
        """End the process.

        Parameters
        ----------
        kill : bool
            At once, whatever it does.
        """
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None
        if self._process is not None:
            if not kill:
                self._process.join(5.0)
            if self._process.is_alive():
                _stop(self._process)
            self._process.join()
            self._process = None

    def _ended(self) -> int | None:
        process = self._process
        if process is not None:
            process.join(5.0)
        code = None if process is None else process.exitcode
        self.close(kill=True)
        return code

    def _running(self) -> Connection:
        if self._pipe is not None:
            return self._pipe
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, self.spec), daemon=True)
        process.start()
        theirs.close()
        self._process, self._pipe = process, ours
        try:
            kind, body = _received(ours, START_LIMIT_S)
        except (TimeoutError, EOFError, OSError):
            kind, body = _FAILED, f"its process did not start (status {self._ended()})".encode()
        if kind == _FAILED:
            self.close(kill=True)
            raise ConfigurationError(
                f"detector {self.spec.name} cannot be built in a process of its own: "
                f"{body.decode('utf-8', 'replace')}",
                value=self.spec.name,
            )
        return ours

    def _lost(self, sample: Sample, kind: str, text: str, code: ReasonCode) -> StoredAnswer:
        return StoredAnswer(
            sample=sample,
            detector=self.spec.name,
            answer=no_answer(code.value),
            failure=Failure(stage="detector", kind=kind, text=text),
        )


def _stop(process: Any) -> None:
    """End a process: it may end what it has started itself, but it has little time."""
    process.terminate()
    if not wait([process.sentinel], GRACE_S):
        process.kill()


def _received(pipe: Connection, limit_s: float | None) -> tuple[bytes, bytes]:
    if limit_s is not None and not pipe.poll(limit_s):
        raise TimeoutError(f"{limit_s:g}")
    data = pipe.recv_bytes()
    return data[:1], data[1:]


def _ignored(*_: Any) -> None:
    """Do nothing; unlike SIG_IGN this is not handed on to programs that are started."""


def _serve(pipe: Connection, spec: HostSpec) -> None:
    """Answer until the pipe ends; the detector's process runs this."""
    for variable in THREAD_VARIABLES:
        os.environ.setdefault(variable, "1")
    # A terminal interrupts parent and children alike; only the parent's word counts. When it comes, outside
    # programs that a detector has started are ended too, which SIGKILL would leave behind.
    signal.signal(signal.SIGINT, _ignored)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if spec.entry is not None:
            (detector,) = load_detectors([spec.entry], spec.settings)
        else:
            detector = pickle.loads(spec.pickled)  # noqa: S301 - from our own parent
    except KeyboardInterrupt:
        return
    except (Exception, SystemExit) as error:
        pipe.send_bytes(_FAILED + described(error).encode())
        return
    pipe.send_bytes(_STARTED)
    reader = ScanReader(spec.root)
    with suppress(EOFError, OSError, KeyboardInterrupt):
        while True:
            sample = msgspec.json.decode(pipe.recv_bytes(), type=Sample)
            scan, sha256 = reader.read(sample)
            if isinstance(scan, ScreeningError):
                row = unread(spec.name, sample, scan, sha256)
            else:
                pipe.send_bytes(_READ)
                row = asked(detector, sample, scan, sha256)
            row = msgspec.structs.replace(row, peak_bytes=peak_bytes())
            pipe.send_bytes(_ANSWER + msgspec.json.encode(row))
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # nothing is left to be ended with care
