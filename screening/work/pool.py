"""Run the jobs of a ledger in worker processes that may die at any time.

One executor with many workers breaks as a whole when one worker is killed, and cannot say which job
killed it. So every worker is an executor of its own with one process: a death costs one job one
attempt, names the culprit, and leaves the others working. A job that kills its worker again and again
is given up and recorded; the batch goes on.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from importlib import import_module
from typing import Any, NamedTuple

from screening.errors import ConfigurationError

from .ledger import Counts, Job, Ledger

__all__ = ["Progress", "run_jobs"]

START_LIMIT = 3  # a worker that dies this often while loading its function will not start at all
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Progress(NamedTuple):
    """How far a batch has come.

    Attributes
    ----------
    counts : Counts
        Jobs by state.
    key : str
        The job that just ended or was put back.
    note : str
        Empty after a result; one line when an attempt failed.
    """

    counts: Counts
    key: str
    note: str


def run_jobs(
    ledger: Ledger,
    target: str,
    *,
    workers: int = 1,
    max_attempts: int = 3,
    deadline_s: float = 300.0,
    progress: Callable[[Progress], None] | None = None,
) -> Counts:
    """Do every pending job of a ledger.

    Parameters
    ----------
    ledger : Ledger
        The batch. Each result is on disk before the next job of that worker begins.
    target : str
        The worker function, ``"package.module:function"``. It takes the job's arguments by name and
        returns bytes.
    workers : int
        Processes, each with one thread of computation.
    max_attempts : int
        Attempts after which a job that killed its worker, or met the deadline, is given up. An
        exception is an answer and is not tried again: the same input gives the same exception.
    deadline_s : float
        Longest time one job may take, seconds; then its worker is killed.
    progress : callable, optional
        Called with a :class:`Progress` in this process after each attempt.

    Returns
    -------
    Counts
        Jobs by state at the end; none is pending or running.

    Raises
    ------
    ConfigurationError
        If an argument is out of range or the workers cannot load the function.
    """
    module, _, function = target.partition(":")
    if not module or not function.isidentifier():
        raise ConfigurationError(
            f"a worker function is named package.module:function, got {target!r}", value=target
        )
    if workers < 1 or max_attempts < 1 or not deadline_s > 0:
        raise ConfigurationError(
            f"workers, attempts and deadline must be positive, got {workers}, {max_attempts}, {deadline_s}",
            value=(workers, max_attempts, deadline_s),
        )
    n_pending = ledger.recover(max_attempts=max_attempts)
    slots = [_Slot(target) for _ in range(min(workers, n_pending))]
    try:
        for slot in slots:
            slot.start()
        while _work_once(ledger, slots, max_attempts, deadline_s, progress):
            pass
    finally:
        for slot in slots:
            if (
                slot.job is not None
            ):  # interrupted: the ledger has the job as running, a resumed run takes it up
                slot.kill()
            slot.close()
    return ledger.counts()


def _work_once(
    ledger: Ledger,
    slots: list[_Slot],
    max_attempts: int,
    deadline_s: float,
    progress: Callable[[Progress], None] | None,
) -> bool:
    for slot in slots:
        if slot.is_idle:
            job = ledger.take()
            if job is not None:
                slot.submit(job)
    waiting = {slot.future: slot for slot in slots if slot.future is not None}
    # A worker still loading is waited for only while there is work it could do.
    if all(slot.job is None for slot in slots) and not ledger.counts().pending:
        return False
    # One already killed at its deadline is waited for like any other: its end is on its way.
    timed = [slot for slot in slots if slot.job is not None and not slot.is_overdue]
    remaining = [slot.began + deadline_s - time.monotonic() for slot in timed]
    done, _ = wait(waiting, timeout=max(0.0, min(remaining, default=60.0)), return_when=FIRST_COMPLETED)
    for future in done:
        slot = waiting[future]
        if slot.job is None:
            slot.settle_start()
            continue
        key, note = slot.job.key, _settle_job(ledger, slot, max_attempts, deadline_s)
        if progress is not None:
            progress(Progress(ledger.counts(), key, note))
    for slot in slots:
        if slot.job is not None and not slot.is_overdue and time.monotonic() >= slot.began + deadline_s:
            slot.is_overdue = True
            slot.kill()
    return True


def _settle_job(ledger: Ledger, slot: _Slot, max_attempts: int, deadline_s: float) -> str:
    job, future = slot.job, slot.future
    if job is None or future is None:
        raise RuntimeError("a slot without a job was settled")
    elapsed_s = time.monotonic() - slot.began
    error = future.exception()
    if error is None:
        ledger.finish(job.key, future.result(), elapsed_s)
        slot.release()
        return ""
    if not isinstance(error, BrokenProcessPool):
        note = f"{type(error).__name__}: {error}".splitlines()[0]
        ledger.fail(job.key, "EXCEPTION", note, max_attempts=1)
        slot.release()
        return note
    if slot.is_overdue:
        note = f"stopped at the deadline of {deadline_s:g} s"
        is_given_up = ledger.fail(job.key, "DEADLINE", note, max_attempts=max_attempts)
    else:
        note = "its worker process died"
        is_given_up = ledger.fail(job.key, "DIED", note, max_attempts=max_attempts)
    slot.release()
    slot.close()
    slot.start()
    return f"{note}; given up" if is_given_up else f"{note}; tried again"


class _Slot:
    """One worker process, rebuilt when it dies."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._executor: ProcessPoolExecutor | None = None
        self._pid: int | None = None
        self._n_failed_starts = 0
        self.future: Future[Any] | None = None
        self.job: Job | None = None
        self.began = 0.0
        self.is_overdue = False

    @property
    def is_idle(self) -> bool:
        return self._pid is not None and self.future is None

    def start(self) -> None:
        """Begin to start the process; it reports its pid once the function is loaded."""
        self._executor = ProcessPoolExecutor(
            1, mp_context=multiprocessing.get_context("spawn"), initializer=_settle_process
        )
        self.future = self._executor.submit(_prepare, self._target)

    def settle_start(self) -> None:
        future, self.future = self.future, None
        if future is None:
            return
        error = future.exception()
        if error is None:
            self._pid, self._n_failed_starts = future.result(), 0
            return
        self.close()
        self._n_failed_starts += 1
        if not isinstance(error, BrokenProcessPool) or self._n_failed_starts >= START_LIMIT:
            raise ConfigurationError(
                f"workers cannot load {self._target}: {type(error).__name__}: {error}", value=self._target
            )
        self.start()

    def submit(self, job: Job) -> None:
        executor = self._executor
        if executor is None:
            raise RuntimeError("a job was given to a worker that is not running")
        self.job, self.is_overdue, self.began = job, False, time.monotonic()
        try:
            self.future = executor.submit(_call, self._target, json.dumps(job.arguments))
        except BrokenProcessPool as error:  # it died while idle: counted like a death at work
            self.future = Future()
            self.future.set_exception(error)

    def release(self) -> None:
        self.future = self.job = None

    def kill(self) -> None:
        """Kill the process, if it is known to run."""
        if self._pid is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(self._pid, getattr(signal, "SIGKILL", signal.SIGTERM))
            self._pid = None

    def close(self) -> None:
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)
            self._executor, self._pid = None, None


def _settle_process() -> None:
    """Make a fresh worker quiet: one thread, no keyboard interrupts, no life after its parent."""
    for name in THREAD_VARIABLES:
        os.environ.setdefault(name, "1")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_die_with, args=(parent,), daemon=True).start()


def _die_with(parent: Any) -> None:
    # An orphan would go on writing products next to those of the run that resumes its work.
    parent.join()
    os._exit(1)


def _prepare(target: str) -> int:
    _resolve(target)
    return os.getpid()


def _call(target: str, arguments: str) -> bytes:
    result = _resolve(target)(**json.loads(arguments))
    if not isinstance(result, bytes):
        raise TypeError(f"{target} must return bytes, got {type(result).__name__}")
    return result


def _resolve(target: str) -> Callable[..., Any]:
    module, _, name = target.partition(":")
    function: Callable[..., Any] = getattr(import_module(module), name)
    return function
