"""The server that gateways send sealed events to: JSON lines over TCP, each acknowledged once on disk.

One thread and one loop: the lines of all connections that have come by then go to the desk together,
so that they share one commit. Whoever sends faster than allowed, or does not read his answers, is
waited for; whoever holds a half-sent line too long is disconnected.
"""

from __future__ import annotations

import logging
import selectors
import socket
import threading
import time
from collections.abc import Callable
from types import TracebackType

import msgspec

from .lines import LineSplitter
from .taking import Answer, SeenTimes, Take, take_lines

__all__ = ["GatewayCounts", "GatewayLimits", "GatewayServer"]

_log = logging.getLogger(__name__)
_PIECE = 64 << 10
_TICK_S = 0.1


class GatewayLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the server grants; every one of them bounds memory, or the time somebody can hold it up.

    Attributes
    ----------
    line_bytes : int
        Longest line; an event has less than 2 kB.
    connections : int
        Connections at once; one more is told BUSY and closed.
    connections_per_address : int
        Of these, how many one address may have.
    connections_per_s : float
        New connections; more of them wait.
    lines_per_s : float
        Lines of one connection, on average; more of them wait.
    burst : int
        Lines of one connection taken at once.
    line_timeout_s : float
        Time for a line that has begun to end.
    idle_timeout_s : float
        Time a connection may be silent.
    answer_timeout_s : float
        Time for a sender to read an answer.
    refused_lines : int
        Refused lines after which a connection is closed.
    """

    line_bytes: int = 16 << 10
    connections: int = 32
    connections_per_address: int = 8
    connections_per_s: float = 20.0
    lines_per_s: float = 500.0
    burst: int = 1000
    line_timeout_s: float = 10.0
    idle_timeout_s: float = 300.0
    answer_timeout_s: float = 10.0
    refused_lines: int = 100


class GatewayCounts(msgspec.Struct, kw_only=True):
    """What the server has seen so far.

    Attributes
    ----------
    connections, turned_away, timed_out : int
        Connections opened, told BUSY, and closed because of a time limit.
    accepted, known, refused, not_stored : int
        Lines by their answer.
    cut_off : int
        Lines that had begun when their connection ended; they were never acknowledged.
    step_backs : int
        Events dated before the latest of their seal and reader.
    """

    connections: int = 0
    turned_away: int = 0
    timed_out: int = 0
    accepted: int = 0
    known: int = 0
    refused: int = 0
    not_stored: int = 0
    cut_off: int = 0
    step_backs: int = 0


class _Bucket:
    """Tokens that come back at a rate; it may go into debt, and is empty until that is paid."""

    def __init__(self, per_s: float, burst: float, now: float) -> None:
        self._per_s, self._burst = per_s, burst
        self._tokens, self._at = burst, now

    def is_empty(self, now: float) -> bool:
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._per_s)
        self._at = now
        return self._tokens < 1.0

    def spend(self, n: int) -> None:
        self._tokens -= n


class _Connection:
    def __init__(
        self, peer: socket.socket, address: str, port: int, limits: GatewayLimits, now: float
    ) -> None:
        self.peer, self.address, self.name = peer, address, f"{address}:{port}"
        self.lines = LineSplitter(limits.line_bytes)
        self.bucket = _Bucket(limits.lines_per_s, limits.burst, now)
        self.came: list[bytes | None] = []
        self.answers = bytearray()
        self.n_line = 0
        self.n_refused = 0
        self.heard_at = now
        self.line_begun_at: float | None = None
        self.answer_due_since: float | None = None
        self.is_overrun = False
        self.is_closing = False


class GatewayServer:
    """A TCP server of sealed seal events.

    Parameters
    ----------
    take : callable
        Stores records; they are on disk when it returns. It is called from the server's thread alone.
    host : str
        Address to listen on; loopback unless told otherwise. What is sent is signed, not encrypted.
    port : int
        Port; 0 for any that is free.
    limits : GatewayLimits
        What is granted.
    clock : callable
        Monotonic seconds.

    Attributes
    ----------
    address : tuple of (str, int)
        Where it listens.
    counts : GatewayCounts
        What it has seen.
    """

    def __init__(
        self,
        take: Take,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        limits: GatewayLimits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._take, self._clock = take, clock
        self._limits = limits or GatewayLimits()
        self._seen = SeenTimes()
        self.counts = GatewayCounts()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family, backlog=16)
        self._listener.setblocking(False)
        name = self._listener.getsockname()
        self.address: tuple[str, int] = (str(name[0]), int(name[1]))
        self._connections: dict[socket.socket, _Connection] = {}
        self._new = _Bucket(self._limits.connections_per_s, self._limits.connections_per_s, clock())

    def __enter__(self) -> GatewayServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening and end every connection; what was not acknowledged will be sent again."""
        self._listener.close()
        for one in list(self._connections.values()):
            self._end(one)

    def serve(self, stop: threading.Event) -> None:
        """Serve until told to stop.

        Parameters
        ----------
        stop : threading.Event
            Set to stop; noticed within a tenth of a second.
        """
        while not stop.is_set():
            self.serve_once(_TICK_S)

    def serve_once(self, timeout_s: float) -> None:
        """Wait for what comes next and deal with it.

        Parameters
        ----------
        timeout_s : float
            Longest wait, seconds.
        """
        now = self._clock()
        with selectors.DefaultSelector() as ready:
            if not self._new.is_empty(now):
                ready.register(self._listener, selectors.EVENT_READ)
            for one in self._connections.values():
                if interest := self._interest(one, now):
                    ready.register(one.peer, interest)
            if not ready.get_map():
                time.sleep(timeout_s)
            found = ready.select(timeout_s) if ready.get_map() else []
        for key, mask in found:
            if key.fileobj is self._listener:
                self._accept()
                continue
            one = self._connections[key.fileobj]  # type: ignore[index]
            if mask & selectors.EVENT_WRITE:
                self._send(one)
            if mask & selectors.EVENT_READ:
                self._receive(one)
        self._expire()  # before the desk is asked: its time is not the sender's
        self._store()

    def _interest(self, one: _Connection, now: float) -> int:
        is_read = not one.answers and not one.bucket.is_empty(now)
        if not is_read and one.line_begun_at is not None:
            one.line_begun_at = now  # nor is the time in which he is made to wait
        if one.answers:  # the sender reads his answers first
            return selectors.EVENT_WRITE
        return selectors.EVENT_READ if is_read else 0

    def _accept(self) -> None:
        try:
            peer, name = self._listener.accept()
        except OSError:  # gone again before it was looked at, or no descriptor left
            return
        finally:
            self._new.spend(1)  # also for one that could not be had: what is tried again waits for its turn
        peer.setblocking(False)
        address = str(name[0])
        n_same = sum(one.address == address for one in self._connections.values())
        limits = self._limits
        if len(self._connections) >= limits.connections or n_same >= limits.connections_per_address:
            self.counts.turned_away += 1
            with peer:
                try:
                    peer.send(b'{"status":"BUSY"}\n')
                except OSError:
                    _log.info("a sender turned away had gone already")
            return
        self.counts.connections += 1
        self._connections[peer] = _Connection(peer, address, int(name[1]), limits, self._clock())

    def _receive(self, one: _Connection) -> None:
        try:
            data = one.peer.recv(_PIECE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._end(one)
            return
        now = self._clock()
        one.heard_at = now
        lines = one.lines.feed(data)
        if len(lines) > self._limits.burst:  # no piece holds so many events: it is garbage
            one.is_overrun = True
            del lines[self._limits.burst :]
        one.bucket.spend(len(lines))
        if not one.lines.is_partial:
            one.line_begun_at = None
        elif lines or one.line_begun_at is None:
            one.line_begun_at = now
        # an empty line says that the sender is there, no more
        one.came += [line if line is None else line.removesuffix(b"\r") for line in lines if line != b""]

    def _store(self) -> None:
        waiting = [one for one in self._connections.values() if one.came]
        if not waiting:
            return
        if len(waiting) == 1 or not self._store_of(waiting, is_last_try=False):
            # one by one: a batch that fails for one sender must not fail for the others
            for one in waiting:
                self._store_of([one], is_last_try=True)

    def _store_of(self, waiting: list[_Connection], *, is_last_try: bool) -> bool:
        lines = [(one, line) for one in waiting for line in one.came]
        try:
            answers = take_lines([line for _, line in lines], self._take, self._seen)
        except Exception as error:  # whatever it was: nothing of this is on disk, and the server goes on
            if not is_last_try:
                return False
            _log.error("%d lines could not be stored: %s", len(lines), error)
            answers = [Answer("NOT_STORED", None, None, "send it again") for _ in lines]
        for one in waiting:
            one.came.clear()
        for (one, _), answer in zip(lines, answers, strict=True):
            self._answer(one, answer)
        for one in waiting:
            one.is_closing |= one.is_overrun
            self._send(one)
        return True

    def _answer(self, one: _Connection, answer: Answer) -> None:
        if one.is_closing:  # what comes after the last refusal granted has no answer
            return
        one.n_line += 1
        one.answers += msgspec.json.encode({"line": one.n_line, **answer.as_dict()}) + b"\n"
        if answer.note is not None:
            self.counts.step_backs += 1
            _log.warning("%s: line %d is dated before an earlier one of its seal", one.name, one.n_line)
        match answer.status:
            case "ACCEPTED":
                self.counts.accepted += 1
            case "KNOWN":
                self.counts.known += 1
            case "NOT_STORED":
                self.counts.not_stored += 1
                one.is_closing = True
            case _:
                self.counts.refused += 1
                one.n_refused += 1
                one.is_closing = one.n_refused >= self._limits.refused_lines

    def _send(self, one: _Connection) -> None:
        try:
            n_sent = one.peer.send(one.answers)
        except BlockingIOError:
            n_sent = 0
        except OSError:
            self._end(one)
            return
        now = self._clock()
        del one.answers[:n_sent]
        if not one.answers:
            one.answer_due_since = None
            if one.is_closing:
                self._end(one)
        elif n_sent or one.answer_due_since is None:
            one.answer_due_since = now

    def _expire(self) -> None:
        now, limits = self._clock(), self._limits
        for one in list(self._connections.values()):
            since = (
                (one.line_begun_at, limits.line_timeout_s),
                (one.answer_due_since, limits.answer_timeout_s),
                (one.heard_at, limits.idle_timeout_s),
            )
            if any(begun is not None and now - begun > limit for begun, limit in since):
                self.counts.timed_out += 1
                _log.warning("%s: too slow, disconnected", one.name)
                self._end(one)

    def _end(self, one: _Connection) -> None:
        if self._connections.pop(one.peer, None) is None:
            return
        self.counts.cut_off += one.lines.is_partial
        one.peer.close()
