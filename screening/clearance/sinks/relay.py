"""Relays messages from the outbox to the sinks: at least once, in order for each container.

Every sink has a lane of its own, with its own thread and its own workers, so a slow or dead receiver
holds up nobody else's messages. Only the lane's thread talks to the outbox; a worker only delivers.
"""

from __future__ import annotations

import logging
import queue
import random
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from screening.errors import ConfigurationError, StoreError

from .attempts import RelaySettings, Settlement, delay_s, settle
from .sink import DecisionSink, SinkError, SinkMessage

__all__ = ["LINGER_S", "MAX_PROBE_S", "STUCK_S", "LaneState", "Outbox", "OwedMessage", "Relay"]

LINGER_S = 0.005
"""How long an attempt that ended waits for others that are about to, seconds."""

MAX_PROBE_S = 30.0
"""Longest pause between two messages that ask whether a receiver is back, seconds."""

STUCK_S = 60.0
"""Time without a look into the outbox, or of a delivery beyond two leases: the lane is stuck, seconds."""

log = logging.getLogger(__name__)


class OwedMessage(SinkMessage, Protocol):
    """A message with its place in the outbox."""

    @property
    def id(self) -> int:
        """Number in the outbox."""


class Outbox(Protocol):
    """The part of the desk's outbox that a relay uses."""

    def claim(self, sink: str, *, now: datetime, limit: int, lease_s: float) -> Sequence[OwedMessage]:
        """Return messages that are due, for this caller alone until their lease ends.

        Parameters
        ----------
        sink : str
            Whose.
        now : datetime
            The time.
        limit : int
            How many, at most.
        lease_s : float
            Length of the lease.

        Returns
        -------
        sequence of OwedMessage
            For each container the oldest undelivered, if it is due and nobody has it.
        """

    def delivered(self, ids: Sequence[int], at: datetime) -> None:
        """Write down that messages were delivered.

        Parameters
        ----------
        ids : sequence of int
            Which.
        at : datetime
            When.
        """

    def failed(self, id: int, error: str, retry_at: datetime) -> None:
        """Write down an attempt that failed.

        Parameters
        ----------
        id : int
            Which message.
        error : str
            Why.
        retry_at : datetime
            When it is due again.
        """

    def bury(self, id: int, error: str) -> None:
        """Make a message a dead letter: visible, replayable, and no longer in anybody's way.

        Parameters
        ----------
        id : int
            Which message.
        error : str
            Why.
        """


class LaneState(NamedTuple):
    """How a sink is doing.

    Attributes
    ----------
    n_delivered, n_failed, n_dead : int
        Attempts that ended so, since the start.
    n_running : int
        Deliveries under way.
    is_good : bool
        Whether its thread lives and uses the outbox, and no delivery has been under way for much longer
        than its lease. A receiver that is down is nothing wrong with the lane.
    is_probing : bool
        Whether the receiver is taken to be down, and asked with one message at a time.
    is_failing : bool
        Whether the last attempt got no answer, or one that says "later".
    error : str
        The last failure.
    """

    n_delivered: int = 0
    n_failed: int = 0
    n_dead: int = 0
    n_running: int = 0
    is_probing: bool = False
    is_failing: bool = False
    error: str = ""
    is_good: bool = True


class Relay:
    """Delivers what the outbox owes.

    Parameters
    ----------
    outbox : Outbox
        Where the messages are.
    sinks : iterable of DecisionSink
        Where they go.
    settings : RelaySettings
        How.
    clock : callable
        Gives the time, aware.
    chance : callable
        Gives numbers uniform in [0, 1), for the jitter.
    """

    def __init__(
        self,
        outbox: Outbox,
        sinks: Iterable[DecisionSink],
        *,
        settings: RelaySettings | None = None,
        clock: Callable[[], datetime] | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        used = settings or RelaySettings()
        self._lanes: dict[str, _Lane] = {}
        for sink in sinks:
            if sink.name in self._lanes:
                raise ConfigurationError(f"two sinks are named {sink.name}", value=sink.name)
            self._lanes[sink.name] = _Lane(outbox, sink, used, clock or _now, chance)

    def start(self) -> None:
        """Start relaying, in threads of its own."""
        for lane in self._lanes.values():
            lane.start()

    def wake(self) -> None:
        """Say that there may be new messages: they go at once, not at the next look."""
        for lane in self._lanes.values():
            lane.wake()

    def stop(self, timeout_s: float = 30.0) -> bool:
        """Stop: no new delivery begins, and those under way are waited for and written down.

        Parameters
        ----------
        timeout_s : float
            How long to wait. A delivery that outlasts it is made again after its lease.

        Returns
        -------
        bool
            Whether all lanes came to an end.
        """
        for lane in self._lanes.values():
            lane.ask_to_stop()
        end = time.monotonic() + timeout_s
        stopped = [lane.join(max(0.0, end - time.monotonic())) for lane in self._lanes.values()]
        return all(stopped)

    def states(self) -> dict[str, LaneState]:
        """Return how every sink is doing.

        Returns
        -------
        dict of str to LaneState
            By the sink's name.
        """
        return {name: lane.state._replace(is_good=lane.is_good) for name, lane in self._lanes.items()}

    def deliver_due(self) -> int:
        """Deliver what is due now, in this thread; for a relay that was not started.

        Returns
        -------
        int
            Number of attempts made.
        """
        return sum(lane.deliver_due() for lane in self._lanes.values())


class _Ended(NamedTuple):
    message: OwedMessage
    error: BaseException | None


class _Lane:
    """One sink's messages."""

    def __init__(
        self,
        outbox: Outbox,
        sink: DecisionSink,
        settings: RelaySettings,
        clock: Callable[[], datetime],
        chance: Callable[[], float],
    ) -> None:
        self._outbox, self._sink, self._settings = outbox, sink, settings
        self._clock, self._chance = clock, chance
        self._jobs: queue.SimpleQueue[OwedMessage | None] = queue.SimpleQueue()
        # What wakes the lane: an attempt that ended, or None for "look again".
        self._events: queue.SimpleQueue[_Ended | None] = queue.SimpleQueue()
        # The containers whose messages are being delivered, and since when.
        self._running: dict[str, float] = {}
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._n_failures = 0
        self._probe_at = 0.0
        self._went_well_at = time.monotonic()
        self.state = LaneState()

    def start(self) -> None:
        if self._thread is not None:
            raise RuntimeError(f"the relay to {self._sink.name} was started before")
        for number in range(self._settings.n_workers):
            # Daemons: a delivery that never returns must not keep the process from ending.
            threading.Thread(target=self._work, name=f"{self._sink.name}-{number}", daemon=True).start()
        self._thread = threading.Thread(target=self._run, name=f"relay-{self._sink.name}", daemon=True)
        self._went_well_at = time.monotonic()
        self._thread.start()

    @property
    def is_good(self) -> bool:
        if self._thread is None:
            return True
        now = time.monotonic()
        since = min(tuple(self._running.values()), default=now)
        return (
            self._thread.is_alive()
            and now - self._went_well_at < STUCK_S + self._settings.poll_s
            and now - since < STUCK_S + 2 * self._settings.lease_s
        )

    def wake(self) -> None:
        self._events.put(None)

    def ask_to_stop(self) -> None:
        self._stopping.set()
        self.wake()

    def join(self, timeout_s: float) -> bool:
        if self._thread is None:
            return True
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def deliver_due(self) -> int:
        n = 0
        while claimed := self._claim(self._settings.n_workers):
            for message in claimed:
                self._settle([_Ended(message, self._attempt(message))])
                n += 1
            if self._is_down:
                break
        return n

    def _run(self) -> None:
        n_trouble = 0
        while not (self._stopping.is_set() and not self._running):
            try:
                if not self._stopping.is_set():
                    self._hand_out()
                self._settle(self._next_ended(self._pause_s()))
                if n_trouble:
                    log.warning("the outbox of %s can be used again", self._sink.name)
                n_trouble, self._went_well_at = 0, time.monotonic()
            except Exception as error:
                # The outbox failed, not a delivery. A lane that ends here would owe for ever.
                n_trouble += 1
                if n_trouble == 1:
                    log.error(
                        "the outbox of %s cannot be used, trying again: %s: %s",
                        self._sink.name,
                        type(error).__name__,
                        error,
                        exc_info=None if isinstance(error, StoreError) else error,
                    )
                self._stopping.wait(delay_s(n_trouble, self._settings, self._chance()))
        for _ in range(self._settings.n_workers):
            self._jobs.put(None)

    def _pause_s(self) -> float:
        poll_s = self._settings.poll_s
        left_s = self._probe_at - time.monotonic()
        if self._is_down and not self._running and left_s > 0:
            return min(left_s, poll_s)
        return poll_s

    @property
    def _is_down(self) -> bool:
        return self._n_failures >= self._settings.n_failures_until_probe

    def _hand_out(self) -> None:
        n_free = self._settings.n_workers - len(self._running)
        if self._is_down:
            n_free = 0 if self._running or time.monotonic() < self._probe_at else 1
        for message in self._claim(n_free) if n_free > 0 else ():
            if message.container_id in self._running:
                # Its lease ran out under a delivery that is still going on: not beside it.
                continue
            self._running[message.container_id] = time.monotonic()
            self._jobs.put(message)
        self._tell()

    def _claim(self, limit: int) -> list[OwedMessage]:
        return list(
            self._outbox.claim(
                self._sink.name, now=self._clock(), limit=limit, lease_s=self._settings.lease_s
            )
        )

    def _next_ended(self, timeout_s: float) -> list[_Ended]:
        ended: list[_Ended] = []
        try:
            event = self._events.get(timeout=timeout_s)
            while True:
                if event is not None:
                    ended.append(event)
                # Attempts that end together are written down together: one sync of the disk for all.
                is_more = len(ended) < len(self._running)
                event = self._events.get(timeout=LINGER_S) if is_more else self._events.get_nowait()
        except queue.Empty:
            return ended

    def _work(self) -> None:
        while (message := self._jobs.get()) is not None:
            try:
                error = self._attempt(message)
            except BaseException as ended:  # or it would keep its container for ever
                error = RuntimeError(f"the sink raised {type(ended).__name__}: {ended}")
            self._events.put(_Ended(message, error))

    def _attempt(self, message: OwedMessage) -> BaseException | None:
        try:
            self._sink.deliver(message)
        except Exception as error:
            return error
        return None

    def _settle(self, ended: Sequence[_Ended]) -> None:
        """Write attempts down; what cannot be written is delivered again after its lease."""
        if not ended:
            return
        for item in ended:
            self._running.pop(item.message.container_id, None)
        now = self._clock()
        settled = [(item, self._follow(item, now)) for item in ended]
        done = [item.message.id for item, what in settled if what.what == "DELIVERED"]
        if done:
            self._outbox.delivered(done, now)
        for item, what in settled:
            if what.what == "DEAD":
                log.error("%s: %s of %s is a dead letter: %s", self._sink.name, item.message.kind,
                          item.message.container_id, what.error)  # fmt: skip
                self._outbox.bury(item.message.id, what.error)
            elif what.retry_at is not None:
                self._outbox.failed(item.message.id, what.error, what.retry_at)

    def _follow(self, item: _Ended, now: datetime) -> Settlement:
        what = settle(
            item.message.attempts, item.error, now=now, settings=self._settings, chance=self._chance
        )
        # A refusal is an answer: the receiver is there.
        is_answer = item.error is None or (isinstance(item.error, SinkError) and not item.error.is_retryable)
        was_failing = self._n_failures > 0
        self._n_failures = 0 if is_answer else self._n_failures + 1
        if (self._n_failures > 0) != was_failing:
            # Once when it begins, and once when it ends: what is between, the list of the outbox shows.
            word = "answers again" if was_failing else f"does not take messages: {what.error}"
            log.warning("the receiver of %s %s", self._sink.name, word)
        if self._is_down:
            since = self._n_failures - self._settings.n_failures_until_probe + 1
            pause_s = min(delay_s(since, self._settings, self._chance()), MAX_PROBE_S)
            self._probe_at = time.monotonic() + pause_s
        state = self.state
        if what.what == "DELIVERED":
            self.state = state._replace(n_delivered=state.n_delivered + 1)
        elif what.what == "RETRY":
            self.state = state._replace(n_failed=state.n_failed + 1, error=what.error)
        else:
            self.state = state._replace(n_dead=state.n_dead + 1, error=what.error)
        self._tell()
        return what

    def _tell(self) -> None:
        self.state = self.state._replace(
            n_running=len(self._running), is_probing=self._is_down, is_failing=self._n_failures > 0
        )


def _now() -> datetime:
    return datetime.now(UTC)
