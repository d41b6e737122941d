"""Checks that every sink passes, built in or not; call them from your own tests.

    from screening.clearance.sinks.contract import SinkContract, check_sink, sample_context

    def test_my_sink(tmp_path):
        check_sink(MySink(settings, sample_context()), effects=lambda: keys_that_my_receiver_holds())

    class TestMySink(SinkContract):
        def sink(self): ...
        def effects(self): ...

Each check raises AssertionError with what was promised and what happened.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager

from screening.records import sha256_hex

from .sample_messages import SampleMessage, sample_context, sample_messages
from .sink import DecisionSink, SinkError

__all__ = ["SinkContract", "check_sink", "sample_context", "sample_messages"]


def check_sink(
    sink: DecisionSink,
    *,
    effects: Callable[[], Sequence[str]],
    down: Callable[[], AbstractContextManager[object]] | None = None,
    time_limit_s: float = 30.0,
) -> None:
    """Check that a sink keeps the promises of DecisionSink.

    Parameters
    ----------
    sink : DecisionSink
        The sink.
    effects : callable
        Gives the keys whose effect the receiver has had, one entry for each effect.
    down : callable, optional
        Gives a context in which the receiver cannot be reached.
    time_limit_s : float
        Longest a delivery may take, seconds.

    Raises
    ------
    AssertionError
        If a promise is broken.
    """
    check_itself(sink)
    check_takes(sink, effects, time_limit_s)
    check_twice(sink, effects, time_limit_s)
    check_threads(sink, effects, time_limit_s)
    check_garbage(sink, time_limit_s)
    if down is not None:
        check_down(sink, effects, down, time_limit_s)


class SinkContract(ABC):
    """The same checks one by one, for a test class; subclass it and give it a sink."""

    time_limit_s = 30.0

    @abstractmethod
    def sink(self) -> DecisionSink:
        """Return the sink.

        Returns
        -------
        DecisionSink
            The sink.
        """

    @abstractmethod
    def effects(self) -> Sequence[str]:
        """Return what the receiver has had.

        Returns
        -------
        sequence of str
            Keys, one entry for each effect.
        """

    def down(self) -> AbstractContextManager[object] | None:
        """Return a context in which the receiver cannot be reached.

        Returns
        -------
        context manager or None
            None where that cannot be had.
        """
        return None

    def test_it_says_what_it_is(self) -> None:
        """Name and kinds."""
        check_itself(self.sink())

    def test_it_takes_every_kind_it_names(self) -> None:
        """Each sample has its effect."""
        check_takes(self.sink(), self.effects, self.time_limit_s)

    def test_the_same_key_twice_is_one_effect(self) -> None:
        """A message that is sent again changes nothing."""
        check_twice(self.sink(), self.effects, self.time_limit_s)

    def test_it_is_called_from_several_threads(self) -> None:
        """Different messages at once."""
        check_threads(self.sink(), self.effects, self.time_limit_s)

    def test_garbage_is_taken_or_refused(self) -> None:
        """Never another error than its own."""
        check_garbage(self.sink(), self.time_limit_s)

    def test_a_receiver_that_is_down_is_tried_again(self) -> None:
        """A failure that passes is retryable, and leaves nothing behind."""
        context = self.down()
        if context is not None:
            check_down(self.sink(), self.effects, lambda: context, self.time_limit_s)


def check_itself(sink: DecisionSink) -> None:
    """Check name and kinds.

    Parameters
    ----------
    sink : DecisionSink
        The sink.
    """
    _require(isinstance(sink, DecisionSink), "a sink has a name, kinds and deliver")
    _require(isinstance(sink.name, str) and bool(sink.name.strip()), f"a name is a text, got {sink.name!r}")
    kinds = sink.kinds
    is_good = isinstance(kinds, Collection) and not isinstance(kinds, str) and len(kinds) > 0
    _require(is_good and all(isinstance(kind, str) for kind in kinds), f"kinds are texts, got {kinds!r}")


def check_takes(sink: DecisionSink, effects: Callable[[], Sequence[str]], time_limit_s: float) -> None:
    """Check that the samples of the sink's kinds have their effect.

    Parameters
    ----------
    sink : DecisionSink
        The sink.
    effects : callable
        Keys the receiver has had.
    time_limit_s : float
        Longest a delivery may take.
    """
    for message in _own(sink):
        _deliver(sink, message, time_limit_s)
        had = effects()
        _require(message.key in had, f"{message.kind} {message.key[:8]}: taken, and nobody has it")


def check_twice(sink: DecisionSink, effects: Callable[[], Sequence[str]], time_limit_s: float) -> None:
    """Check that a message sent again has no second effect.

    Parameters
    ----------
    sink : DecisionSink
        The sink.
    effects : callable
        Keys the receiver has had.
    time_limit_s : float
        Longest a delivery may take.
    """
    message = _own(sink)[0]
    for _ in range(3):
        _deliver(sink, message, time_limit_s)
    n = Counter(effects())[message.key]
    _require(n == 1, f"{message.kind} {message.key[:8]}: one effect of the same key, got {n}")


def check_threads(sink: DecisionSink, effects: Callable[[], Sequence[str]], time_limit_s: float) -> None:
    """Check deliveries from several threads at once, the same message among them.

    Parameters
    ----------
    sink : DecisionSink
        The sink.
    effects : callable
        Keys the receiver has had.
    time_limit_s : float
        Longest a delivery may take.
    """
    messages = _own(sink)
    failures: list[BaseException] = []

    def _deliver_one(message: SampleMessage) -> None:
        try:
            _deliver(sink, message, time_limit_s)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=_deliver_one, args=(message,)) for message in messages * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(time_limit_s)
    _require(not failures, f"deliveries at once: {failures[0] if failures else ''}")
    counts = Counter(effects())
    wrong = [message.key[:8] for message in messages if counts[message.key] != 1]
    _require(not wrong, f"deliveries at once: one effect of each key, not so of {wrong}")


def check_garbage(sink: DecisionSink, time_limit_s: float) -> None:
    """Check that a body that is no record is taken or refused, and nothing else happens.

    Parameters
    ----------
    sink : DecisionSink
        The sink.
    time_limit_s : float
        Longest a delivery may take.
    """
    kind = next(iter(sink.kinds))
    for body in (b"", b"{}", b"\xff\x00not json", b"[" * 5000):
        garbage = SampleMessage(key=sha256_hex(body), container_id="CSQU3054383", kind=kind, body=body)
        started = time.monotonic()
        try:
            sink.deliver(garbage)
        except SinkError as error:
            _require(not error.is_retryable, f"{body[:8]!r} will never be a record, and is to be tried again")
        except Exception as error:
            raise AssertionError(f"{body[:8]!r}: taken or a SinkError, got {error!r}") from error
        _in_time(started, time_limit_s)


def check_down(
    sink: DecisionSink,
    effects: Callable[[], Sequence[str]],
    down: Callable[[], AbstractContextManager[object]],
    time_limit_s: float,
) -> None:
    """Check that a receiver that cannot be reached is said to be that, and works again afterwards.

    Parameters
    ----------
    sink : DecisionSink
        The sink.
    effects : callable
        Keys the receiver has had.
    down : callable
        Gives a context in which the receiver cannot be reached.
    time_limit_s : float
        Longest a delivery may take.
    """
    message = _own(sink)[-1]
    before = Counter(effects())[message.key]
    with down():
        started = time.monotonic()
        try:
            sink.deliver(message)
        except SinkError as error:
            _require(error.is_retryable, f"a receiver that is down may come back; got for good: {error}")
        except Exception as error:
            raise AssertionError(f"a receiver that is down: a SinkError, got {error!r}") from error
        else:
            _require(before == 1, "a receiver that is down took a message it never had")
        _in_time(started, time_limit_s)
    _deliver(sink, message, time_limit_s)
    n = Counter(effects())[message.key]
    _require(n == 1, f"after the receiver came back: one effect, got {n}")


def _own(sink: DecisionSink) -> list[SampleMessage]:
    messages = [message for message in sample_messages() if message.kind in sink.kinds]
    _require(bool(messages), f"there is a sample of one of {sorted(sink.kinds)}")
    return messages


def _deliver(sink: DecisionSink, message: SampleMessage, time_limit_s: float) -> None:
    started = time.monotonic()
    try:
        sink.deliver(message)
    except Exception as error:
        raise AssertionError(f"{message.kind} {message.key[:8]}: is to be taken, got {error!r}") from error
    _in_time(started, time_limit_s)


def _in_time(started: float, time_limit_s: float) -> None:
    took_s = time.monotonic() - started
    _require(took_s <= time_limit_s, f"a delivery ends within {time_limit_s} s, this took {took_s:.1f} s")


def _require(condition: bool, promise: str) -> None:
    if not condition:
        raise AssertionError(promise)
