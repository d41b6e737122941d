"""One running instance of the service: a desk, the threads that work on it, and what goes on by itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from screening.clearance.desk.views import Taken
from screening.clearance.ledger import LedgerError, export_head
from screening.clearance.settings import ClearanceSettings, LimitSettings
from screening.errors import ScreeningError, StoreError

from .batching import Batcher, BatcherFullError
from .bodies import ByteBudget
from .loops import Loop
from .problems import Mode, ProblemError
from .watching import ListWatch

if TYPE_CHECKING:
    from screening.clearance.desk import Desk
    from screening.clearance.sinks.relay import Relay

__all__ = ["Service"]

log = logging.getLogger(__name__)
T = TypeVar("T")

_READERS = 4
_HEALTH_S = 5.0
#: Of bodies that come in at one moment, all together.
_INCOMING_BYTES = 64 << 20
_DECISIONS_PER_LOOK = 100
#: Records of one container come in the same moments: weighed together they cost once.
_REST_S = 0.1


class Service:
    """One instance of the service.

    Parameters
    ----------
    desk : Desk
        The desk.
    settings : ClearanceSettings
        Settings of the site.
    relay : Relay or None
        Delivers what the outbox owes, in threads of its own; None: nothing is relayed.

    Attributes
    ----------
    desk : Desk
        The desk; it is asked through `read` alone.
    limits : LimitSettings
        What one client may ask.
    mode : {"OPS", "EXERCISE"}
        Said in every answer.
    incoming : ByteBudget
        Bound on the bodies that come in at one moment.
    stopping : asyncio.Event
        Set once the service is about to end.
    n_streams : int
        Streams of decisions that are open.
    """

    def __init__(self, desk: Desk, settings: ClearanceSettings, *, relay: Relay | None = None) -> None:
        self.desk = desk
        self.limits: LimitSettings = settings.http.limits
        self.mode: Mode = "EXERCISE" if settings.is_exercise else "OPS"
        self.incoming = ByteBudget(max(_INCOMING_BYTES, 2 * self.limits.body_bytes))
        self.stopping = asyncio.Event()
        self.n_streams = 0
        self._news = asyncio.Event()
        # A thread for taking and one for deciding: neither waits for the other, or for a reader.
        self._writer = ThreadPoolExecutor(1, "clearance-take")
        self._worker = ThreadPoolExecutor(1, "clearance-decide")
        self._readers = ThreadPoolExecutor(_READERS, "clearance-read")
        self._batcher: Batcher[Taken] = Batcher(desk.take, self._writer)
        self._lists = ListWatch(settings.revocations, desk.take)
        self._decider = Loop(
            self._decide, self._worker, interval_s=settings.decide_interval_s, rest_s=_REST_S
        )
        self._heads = None if settings.heads is None else Path(settings.heads)
        self._exporter = Loop(
            self._export_head, self._worker, interval_s=settings.heads_interval_s, name="exporting a head"
        )
        self._exporting: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._relay = relay
        self._deciding: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to decide, to export heads and to relay."""
        self._loop = asyncio.get_running_loop()
        self._deciding = asyncio.create_task(self._decider.run(), name="decider")
        if self._heads is not None:
            self._exporting = asyncio.create_task(self._exporter.run(), name="heads")
        if self._relay is not None:
            self._relay.start()

    def begin_stop(self) -> None:
        """End the streams, which would not end by themselves."""
        self.stopping.set()
        self._tell_news()

    async def stop(self) -> None:
        """End, after what is in hand is done."""
        self.begin_stop()
        await self._batcher.drain()
        self._decider.stop()
        if self._deciding is not None:
            await self._deciding
        if self._exporting is not None:
            self._exporter.stop()
            await self._exporting
            try:
                # Over all that was decided: nothing may be taken off its end until the next start.
                await asyncio.get_running_loop().run_in_executor(self._worker, self._export_head)
            except ScreeningError as error:
                log.error("exporting the last head: %s", error)
        if self._relay is not None:
            is_done = await asyncio.get_running_loop().run_in_executor(self._worker, self._relay.stop)
            if not is_done:
                log.warning("a delivery did not end; it is made again after its lease")
        for executor in (self._writer, self._worker, self._readers):
            executor.shutdown()

    async def take(self, bodies: Sequence[bytes]) -> list[Taken]:
        """Take sealed records, together with those of others that wait.

        Parameters
        ----------
        bodies : sequence of bytes
            The records.

        Returns
        -------
        list of Taken
            What became of each; they are on disk.

        Raises
        ------
        ProblemError
            503 if they could not be kept: none of them was acknowledged, and all may be sent again.
        """
        try:
            taken = await self._batcher.take(bodies)
        except BatcherFullError:
            raise ProblemError(503, "too many records wait", retry_s=1.0) from None
        except StoreError as error:
            log.error("taking records: %s", error)
            raise ProblemError(503, "records cannot be kept at present", retry_s=2.0) from None
        for one in taken:
            if one.status == "REFUSED":
                log.info("refused %s: %s", one.sha256, one.failure)
        if any(one.status == "ACCEPTED" for one in taken):
            self._decider.wake()
        return taken

    async def read(self, ask: Callable[[], T]) -> T:
        """Ask the desk something in a thread.

        Parameters
        ----------
        ask : callable
            What to ask.

        Returns
        -------
        object
            The answer.

        Raises
        ------
        ProblemError
            503 if the database does not answer; 500 if it holds what was not written.
        """
        try:
            return await asyncio.get_running_loop().run_in_executor(self._readers, ask)
        except StoreError as error:
            log.error("reading: %s", error)
            raise ProblemError(503, "the database does not answer", retry_s=2.0) from None
        except LedgerError as error:
            log.error("reading: %s", error)
            raise ProblemError(500, "a record in the database is not what was written") from None

    def news(self) -> asyncio.Event:
        """Return what is set at the next decision of this instance, or when the service ends.

        Returns
        -------
        asyncio.Event
            To be had before looking for decisions: what comes meanwhile is not missed.
        """
        return self._news

    def wake_relay(self) -> None:
        """Have the relay look at once."""
        if self._relay is not None:
            self._relay.wake()

    async def checks(self) -> dict[str, bool]:
        """Tell which parts do their work.

        Returns
        -------
        dict
            By the name of the part.
        """
        checks = {"decider": self._decider.is_good}
        if self._heads is not None:
            checks["heads"] = self._exporter.is_good
        try:
            # Whoever asks for the health of a service whose database hangs must not hang with it.
            async with asyncio.timeout(_HEALTH_S):
                await self.read(lambda: self.desk.ledger.size())
            checks["database"] = True
        except (ProblemError, TimeoutError):
            checks["database"] = False
        if self._relay is not None:
            checks["relay"] = all(state.is_good for state in self._relay.states().values())
        return checks

    def n_receivers_down(self) -> int:
        """Tell how many receivers do not take what they are sent: nothing that this service could mend.

        Returns
        -------
        int
            How many.
        """
        return (
            0
            if self._relay is None
            else sum(one.is_probing or one.is_failing for one in self._relay.states().values())
        )

    def _decide(self) -> bool:
        self._lists.look()
        decided = self.desk.decide_due(limit=_DECISIONS_PER_LOOK)
        if decided and self._loop is not None:
            self._loop.call_soon_threadsafe(self._tell_news)
        # A case that was weighed and waits on is no longer due, though it issued nothing.
        return len(decided) == _DECISIONS_PER_LOOK or self.desk.n_due() >= _DECISIONS_PER_LOOK

    def _export_head(self) -> bool:
        if self._heads is not None:
            export_head(self._heads, self.desk.head())
        return False

    def _tell_news(self) -> None:
        self._news.set()
        self._news = asyncio.Event()
        self.wake_relay()
