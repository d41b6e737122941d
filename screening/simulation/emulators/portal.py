"""Emulated radiation portal: gross-count lines for a panel pair, and N42 documents of its spectra."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable
from datetime import UTC, datetime, timedelta
from typing import cast

import msgspec
import numpy as np

from screening.formats.n42 import write_n42
from screening.formats.n42stream import encode
from screening.formats.rpm import encode_background, encode_occupancy
from screening.records import Background, Occupancy, Scan

from .ports import Broadcast, IdentityServer
from .traffic import Passage

__all__ = ["PortalEmulator"]

BACKGROUND_S = 5.0  # cadence of GB and NB


class PortalEmulator:
    """A portal that vehicles drive through while somebody listens.

    Parameters
    ----------
    host : str
        Address to listen on.
    port : int
        Port of the gross-count lines; 0 takes a free one.
    n42_port : int or None
        Port of the N42 documents (STX, document, ETX, one per occupancy); None: no spectra.
    identity_port : int
        Port of the identity feed.
    speed_factor : float
        How much faster than the real cadence it runs.
    gap_s : float
        Real time between two vehicles, before that factor, seconds.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        n42_port: int | None = 0,
        identity_port: int = 0,
        speed_factor: float = 1.0,
        gap_s: float = 6.0,
    ) -> None:
        self.lines = Broadcast(host, port)
        self.documents = None if n42_port is None else Broadcast(host, n42_port)
        self.identity = IdentityServer(host, identity_port)
        self._speed_factor = speed_factor
        self._gap_s = gap_s
        self._n_occupancy = 0
        self._background: Background | None = None
        self._sent_background = 0.0

    async def start(self) -> None:
        """Listen on all ports."""
        await self.lines.start()
        await self.identity.start()
        if self.documents is not None:
            await self.documents.start()

    async def stop(self) -> None:
        """Close all ports."""
        await self.lines.stop()
        await self.identity.stop()
        if self.documents is not None:
            await self.documents.stop()

    async def drive(self, passages: AsyncIterable[Passage]) -> None:
        """Send vehicles through, one after the other; nobody drives while nobody listens.

        Parameters
        ----------
        passages : async iterable of Passage
            Who comes, with what the portal measures: an Occupancy in intervals of 0.2 s.
        """
        async for passage in passages:
            payload = cast("Occupancy", passage.scan.payload)
            if not np.allclose(payload.interval_s, 0.2, rtol=0, atol=1e-6):
                raise ValueError(f"a portal's intervals are 0.2 s, got {float(payload.interval_s[0])!r}")
            self._background = payload.background or self._background
            await self._idle(self._gap_s)
            await self._wait_for_clients()
            await self._pass(passage, payload)

    async def idle(self) -> None:
        """Send background for ever."""
        while True:
            await self._idle(BACKGROUND_S)

    async def _wait_for_clients(self) -> None:
        await self.lines.wait_for_client()
        if self.documents is not None:
            await self.documents.wait_for_client()
        if self._background is not None:  # whoever just came knows no background yet
            await self.lines.send(encode_background(self._background))
            await asyncio.sleep(0.05)

    async def _pass(self, passage: Passage, payload: Occupancy) -> None:
        self._n_occupancy += 1
        await self.identity.enter(passage.vehicle)
        # Cameras stand in front of the portal: the reading comes before the first interval.
        await asyncio.sleep(0.2 / self._speed_factor + 0.02)
        loop = asyncio.get_running_loop()
        started = loop.time()
        for t_s, lines in encode_occupancy(payload, self._n_occupancy):
            await asyncio.sleep(max(started + t_s / self._speed_factor - loop.time(), 0))
            await self.lines.send(lines)
        if self.documents is not None and passage.spectra is not None:
            document = await asyncio.to_thread(write_n42, _as_of_now(passage.spectra))
            await self.documents.wait_for_client()  # a spectrometer keeps its last document
            await self.documents.send(encode(document))
        await asyncio.sleep(0.2 / self._speed_factor + 0.02)
        await self.identity.leave()

    async def _idle(self, time_s: float) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + time_s / self._speed_factor
        while (now := loop.time()) < until:
            due = self._sent_background + BACKGROUND_S / self._speed_factor
            if now >= due and self._background is not None:
                self._sent_background = now
                await self.lines.send(encode_background(self._background))
            await asyncio.sleep(min(until - now, max(due - now, 0.01)))


def _as_of_now(scan: Scan) -> Scan:
    """Return the scan as if it ended now: the emulated instrument's clock is right."""
    payload = cast("Occupancy", scan.payload)
    now = datetime.now(UTC)
    length_s = float(payload.t_s[-1] + payload.interval_s[-1])
    background = payload.background
    if background is not None:
        before = now - timedelta(seconds=length_s + 5.0)
        background = msgspec.structs.replace(background, t_end_utc=before)
    identity = msgspec.structs.replace(
        scan.identity, t_start_utc=now - timedelta(seconds=length_s), t_end_utc=now
    )
    return msgspec.structs.replace(
        scan, identity=identity, payload=msgspec.structs.replace(payload, background=background)
    )
