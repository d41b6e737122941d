"""The work that goes on without being asked: deciding cases that are due."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress

from screening.errors import StoreError

__all__ = ["Loop"]

log = logging.getLogger(__name__)

_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 30.0


class Loop:
    """Do one piece of work over and over, at once while there is some, and never stop for an error.

    Parameters
    ----------
    work : callable
        Does what is there, and returns how many things it did.
    executor : Executor
        Where it runs.
    interval_s : float
        Longest time between two looks, seconds.
    on_done : callable or None
        Called in the event loop when something was done.

    Attributes
    ----------
    n_failed : int
        Failures since it last went well.
    """

    def __init__(
        self,
        work: Callable[[], int],
        executor: Executor,
        *,
        interval_s: float,
        on_done: Callable[[], None] | None = None,
    ) -> None:
        self.n_failed = 0
        self._work = work
        self._executor = executor
        self._interval_s = interval_s
        self._on_done = on_done
        self._woken = asyncio.Event()
        self._stopped = asyncio.Event()
        self._last_good = time.monotonic()

    @property
    def is_good(self) -> bool:
        """Whether it does its work: nothing failed last time, and it is not stuck."""
        return self.n_failed == 0 and time.monotonic() - self._last_good < 60.0 + 10 * self._interval_s

    def wake(self) -> None:
        """Have it look at once."""
        self._woken.set()

    def stop(self) -> None:
        """Have it end once the work in hand is done."""
        self._stopped.set()
        self._woken.set()

    async def run(self) -> None:
        """Work until stopped."""
        while not self._stopped.is_set():
            self._woken.clear()
            try:
                n = await asyncio.get_running_loop().run_in_executor(self._executor, self._work)
            except Exception as error:
                self.n_failed += 1
                if isinstance(error, StoreError):
                    log.error("deciding: %s", error)
                else:
                    log.exception("deciding: a defect")
                wait_s = min(_FIRST_WAIT_S * 2 ** min(self.n_failed - 1, 10), _LONGEST_WAIT_S)
                await self._pause(wait_s, is_error=True)
                continue
            self.n_failed = 0
            self._last_good = time.monotonic()
            if n > 0:
                if self._on_done is not None:
                    self._on_done()
                continue
            await self._pause(self._interval_s, is_error=False)

    async def _pause(self, wait_s: float, *, is_error: bool) -> None:
        # After an error new work does not cut the wait short: it would only fail the faster.
        event = self._stopped if is_error else self._woken
        with suppress(TimeoutError):
            await asyncio.wait_for(event.wait(), wait_s)
