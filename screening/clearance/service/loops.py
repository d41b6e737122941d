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
    """Do one piece of work after another, at once while there is more, and never stop for an error.

    Parameters
    ----------
    work : callable
        Does a piece of what is there, and tells whether there is more.
    executor : Executor
        Where it runs.
    interval_s : float
        Longest time between two looks, seconds.
    name : str
        What it does, for the log.
    rest_s : float
        Shortest time between two looks, while there is no more than one piece of work: what comes in
        the meantime is done together.

    Attributes
    ----------
    n_failed : int
        Failures since it last went well.
    """

    def __init__(
        self,
        work: Callable[[], bool],
        executor: Executor,
        *,
        interval_s: float,
        name: str = "deciding",
        rest_s: float = 0.0,
    ) -> None:
        self.n_failed = 0
        self._work = work
        self._name = name
        self._said = ""
        self._executor = executor
        self._interval_s = interval_s
        self._rest_s = min(rest_s, interval_s)
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
                has_more = await asyncio.get_running_loop().run_in_executor(self._executor, self._work)
            except Exception as error:
                self.n_failed += 1
                self._say(error)
                wait_s = min(_FIRST_WAIT_S * 2 ** min(self.n_failed - 1, 10), _LONGEST_WAIT_S)
                await self._pause(wait_s, until_stop=True)
                continue
            if self.n_failed:
                log.warning("%s: goes on", self._name)
            self.n_failed, self._said = 0, ""
            self._last_good = time.monotonic()
            if not has_more:
                await self._pause(self._rest_s, until_stop=True)
                await self._pause(self._interval_s - self._rest_s, until_stop=False)

    def _say(self, error: Exception) -> None:
        """Log a failure, once while it stays the same: it is tried again every few seconds."""
        said = f"{type(error).__name__}: {error}"
        if said == self._said:
            return
        self._said = said
        if isinstance(error, StoreError):
            log.error("%s: %s", self._name, error)
        else:
            log.error("%s: a defect", self._name, exc_info=error)

    async def _pause(self, wait_s: float, *, until_stop: bool) -> None:
        # Neither a rest nor the wait after an error is cut short by new work.
        event = self._stopped if until_stop else self._woken
        with suppress(TimeoutError):
            await asyncio.wait_for(event.wait(), wait_s)
