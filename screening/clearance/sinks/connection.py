"""One HTTP request to a given address: no proxy, no redirect, bounded in time and size."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from .addresses import Address
from .sink import SinkError

__all__ = ["Answer", "Target", "post"]


class Target(NamedTuple):
    """Where a request goes.

    Attributes
    ----------
    host : str
        Name the certificate must have.
    port : int
        Port.
    path : str
        Path and query.
    tls : ssl.SSLContext or None
        How to verify the receiver; None for plain HTTP.
    """

    host: str
    port: int
    path: str
    tls: ssl.SSLContext | None


class Answer(NamedTuple):
    """What came back.

    Attributes
    ----------
    status : int
        Status.
    retry_after : str or None
        That header.
    text : str
        Start of the body, printable, for a person.
    """

    status: int
    retry_after: str | None
    text: str


def post(
    target: Target,
    addresses: Sequence[Address],
    body: bytes,
    headers: Mapping[str, str],
    *,
    timeout_s: float,
    max_bytes: int,
) -> Answer:
    """Post a body to the first of the addresses that takes a connection.

    Parameters
    ----------
    target : Target
        Where to.
    addresses : sequence of Address
        What its name was resolved to.
    body : bytes
        The body.
    headers : mapping of str to str
        Headers besides host, length and connection.
    timeout_s : float
        Time for everything together: a receiver that sends a byte now and then gets no longer.
    max_bytes : int
        Longest body read of the answer.

    Returns
    -------
    Answer
        Its status.

    Raises
    ------
    SinkError
        To try again: if there was no answer, or its certificate does not hold.
    """
    end = time.monotonic() + timeout_s
    connection = _Pinned(target, addresses, end)
    watchdog = threading.Timer(timeout_s, connection.cut)
    watchdog.daemon = True
    watchdog.start()
    try:
        connection.request(
            "POST", target.path, body=body, headers={**headers, "Connection": "close", "Accept": "*/*"}
        )
        with contextlib.closing(connection.getresponse()) as response:
            if connection.is_cut:  # in the middle of the headers, which reads like their end
                raise TimeoutError("no whole answer")
            # The status is what counts: whether the rest comes makes no difference.
            text = b""
            with contextlib.suppress(OSError, http.client.HTTPException):
                text = response.read(max_bytes)
            return Answer(response.status, response.getheader("Retry-After"), _printable(text))
    except (OSError, http.client.HTTPException) as error:
        late = " (out of time)" if time.monotonic() >= end else ""
        what = str(error) or type(error).__name__
        raise SinkError(f"{target.host}: {what}{late}", is_retryable=True, value=target.host) from None
    finally:
        watchdog.cancel()
        connection.close()


class _Pinned(http.client.HTTPConnection):
    """A connection to an address that is already known; its name serves the certificate alone."""

    def __init__(self, target: Target, addresses: Sequence[Address], end: float) -> None:
        super().__init__(target.host, target.port)
        self._target, self._addresses, self._end = target, addresses, end
        self._plain: socket.socket | None = None
        self.is_cut = False

    def connect(self) -> None:
        last: OSError = OSError("no address")
        for address in self._addresses:
            try:
                plain = socket.create_connection((str(address), self._target.port), timeout=self._left_s())
            except OSError as error:
                last = error
                continue
            self._plain = plain
            if self.is_cut:
                plain.close()
                raise TimeoutError("out of time")
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            plain.settimeout(self._left_s())
            if self._target.tls is None:
                self.sock = plain
                return
            # In two steps, so that the watchdog has hold of the socket during the handshake.
            secure = self._target.tls.wrap_socket(
                plain, server_hostname=self._target.host, do_handshake_on_connect=False
            )
            self.sock = self._plain = secure
            secure.do_handshake()
            return
        raise last

    def close(self) -> None:
        super().close()
        if self._plain is not None:  # which time ran out for before it became the connection
            self._plain.close()

    def cut(self) -> None:
        """End the exchange from another thread."""
        self.is_cut = True
        for one in (self.sock, self._plain):
            if one is not None:
                with contextlib.suppress(OSError):
                    # Of the socket below TLS: a farewell in TLS would wait for the other side.
                    socket.socket.shutdown(one, socket.SHUT_RDWR)

    def _left_s(self) -> float:
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("out of time")
        return left


def _printable(text: bytes) -> str:
    line = text[:200].decode("utf-8", "replace")
    return "".join(letter if letter.isprintable() else " " for letter in line).strip()
