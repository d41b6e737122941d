"""TCP servers of an emulated instrument, and the identity feed beside it."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime
from typing import Any

import msgspec

from screening.records import utc_string

from .traffic import Vehicle

__all__ = ["Broadcast", "IdentityServer", "ended", "register"]

BUFFER_LIMIT = 4 << 20  # a client that is so far behind is dropped, as a real instrument does


class Broadcast:
    """A server that sends the same bytes to every client.

    Parameters
    ----------
    host : str
        Address to listen on.
    port : int
        Port; 0 takes a free one.
    """

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._joined = asyncio.Event()
        self._serving: set[asyncio.Task[None]] = set()
        self.port = port

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, self._host, self._port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close every connection."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._writers):
            writer.close()
        await ended(self._serving)

    async def wait_for_client(self) -> None:
        """Wait until somebody listens."""
        while not self._writers:
            self._joined.clear()
            await self._joined.wait()

    @property
    def n_client(self) -> int:
        """How many listen."""
        return len(self._writers)

    async def send(self, data: bytes) -> None:
        """Send bytes to every client.

        Parameters
        ----------
        data : bytes
            What to send.
        """
        for writer in list(self._writers):
            if writer.is_closing() or writer.transport.get_write_buffer_size() > BUFFER_LIMIT:
                self._drop(writer)
                continue
            writer.write(data)
        for writer in list(self._writers):
            try:
                async with asyncio.timeout(5.0):
                    await writer.drain()
            except (OSError, TimeoutError):
                self._drop(writer)

    async def greet(self, writer: asyncio.StreamWriter) -> None:
        """Send what a new client gets first; nothing here.

        Parameters
        ----------
        writer : asyncio.StreamWriter
            The new client.
        """

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        register(self._serving)
        with contextlib.suppress(OSError):
            await self.greet(writer)
            self._writers.add(writer)
            self._joined.set()
            while await reader.read(4096):
                pass  # these ports take no commands: nothing here can start a beam
        self._drop(writer)

    def _drop(self, writer: asyncio.StreamWriter) -> None:
        self._writers.discard(writer)
        writer.close()


class IdentityServer(Broadcast):
    """Identity feed of one lane; a new client is told who stands in the lane.

    Parameters
    ----------
    host : str
        Address to listen on.
    port : int
        Port; 0 takes a free one.
    """

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port)
        self._current: Vehicle | None = None

    async def greet(self, writer: asyncio.StreamWriter) -> None:
        """Tell a new client who stands in the lane.

        Parameters
        ----------
        writer : asyncio.StreamWriter
            The new client.
        """
        if self._current is not None:
            writer.write(_line("ENTER", self._current))
            await writer.drain()

    async def enter(self, vehicle: Vehicle | None) -> None:
        """Tell that a vehicle came.

        Parameters
        ----------
        vehicle : Vehicle or None
            Who; None tells nothing.
        """
        self._current = vehicle
        if vehicle is not None:
            await self.send(_line("ENTER", vehicle))

    async def leave(self) -> None:
        """Tell that the vehicle left."""
        vehicle, self._current = self._current, None
        if vehicle is not None:
            await self.send(_line("LEAVE", vehicle))


def register(serving: set[asyncio.Task[None]]) -> None:
    """Keep the running task in a set until it ends.

    Parameters
    ----------
    serving : set of asyncio.Task
        Tasks that serve a client.
    """
    task = asyncio.current_task()
    if task is not None:
        serving.add(task)
        task.add_done_callback(serving.discard)


async def ended(serving: set[asyncio.Task[None]]) -> None:
    """Wait until the tasks of closed connections have ended.

    Parameters
    ----------
    serving : set of asyncio.Task
        Tasks that serve a client.
    """
    if serving:
        await asyncio.wait(set(serving), timeout=2.0)


def _line(event: str, vehicle: Vehicle) -> bytes:
    reading: dict[str, Any] = {
        "schema": "lane-identity/1",
        "event": event,
        "container_id": vehicle.container_id,
        "t": utc_string(datetime.now(UTC)),
        "confidence": vehicle.confidence,
    }
    if event == "ENTER":
        reading |= {
            "manifest": vehicle.manifest,
            "targeting": vehicle.targeting,
            "seal_events": vehicle.seal_events,
        }
    return msgspec.json.encode(reading) + b"\n"
