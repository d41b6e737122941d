"""HTTP on a connection that does not wait for ever: a deadline for heads, and a bound on connections."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

from .problems import PROBLEM_TYPE, phrase_of

__all__ = ["BoundedProtocol", "bounded_by"]

#: Time in which the head of a request must have come, from the connection or its first byte.
HEAD_S = 10.0


class BoundedProtocol(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it with h11, which leaves slow heads and the number of connections open."""

    #: Connections open at once; `bounded_by` sets it.
    max_connections = 256
    #: Of one address.
    max_per_address = 128
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, or refuse it if there are too many.

        Parameters
        ----------
        transport : asyncio.Transport
            The connection.
        """
        super().connection_made(transport)
        if len(self.connections) > self.max_connections:
            self._refuse(503, "too many connections", "Retry-After: 5\r\n")
            return
        if self._n_of_its_address() > self.max_per_address:
            self._refuse(503, "too many connections of this address", "Retry-After: 5\r\n")
            return
        self._arm()

    def data_received(self, data: bytes) -> None:
        """Read on.

        Parameters
        ----------
        data : bytes
            What came.
        """
        super().data_received(data)
        is_waiting = self.cycle is None or self.cycle.response_complete
        if is_waiting and not self.transport.is_closing():
            if self._deadline is None:
                self._arm()
        else:
            self._disarm()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection.

        Parameters
        ----------
        exc : Exception or None
            Why it was lost.
        """
        self._disarm()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP, or too long a head.

        Parameters
        ----------
        msg : str
            What uvicorn would say.
        """
        self._refuse(400, "that is no request, or its head is too long")

    def _n_of_its_address(self) -> int:
        if self.client is None:
            return 0
        address = self.client[0]
        found = (getattr(one, "client", None) for one in self.connections)
        return sum(client is not None and client[0] == address for client in found)

    def _arm(self) -> None:
        self._deadline = self.loop.call_later(HEAD_S, self._give_up)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        if not self.transport.is_closing():
            self._refuse(408, "the head of the request did not come in time")

    def _refuse(self, status: int, detail: str, headers: str = "") -> None:
        phrase = phrase_of(status)
        body = f'{{"type":"about:blank","title":"{phrase}","status":{status},"detail":"{detail}"}}'
        self.transport.write(
            f"HTTP/1.1 {status} {phrase}\r\nContent-Type: {PROBLEM_TYPE}\r\nContent-Length: {len(body)}\r\n"
            f"{headers}Connection: close\r\n\r\n{body}".encode()
        )
        self.transport.close()


def bounded_by(max_connections: int, max_per_address: int) -> type[BoundedProtocol]:
    """Return the protocol with a bound on connections.

    Parameters
    ----------
    max_connections, max_per_address : int
        How many may be open at once, of all addresses and of one.

    Returns
    -------
    type
        A protocol for uvicorn, which makes one object of it for each connection.
    """
    bounds = {"max_connections": max_connections, "max_per_address": max_per_address}
    return type("BoundedProtocol", (BoundedProtocol,), bounds)
