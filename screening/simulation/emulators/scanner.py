"""Emulated line scanner: the framed line stream, with calibration, heartbeats and re-sending."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import cast

import numpy as np

from screening.formats.lineframes import FrameReader, MessageType
from screening.formats.linestream import (
    LineScanBegin,
    LineScanEnd,
    encode_calibration,
    encode_end,
    encode_event,
    encode_header,
    encode_heartbeat,
    encode_line,
)
from screening.records import Radiograph, Scan, utc_string

from .ports import IdentityServer, ended, register
from .traffic import Passage

__all__ = ["ScannerEmulator", "line_stream"]

HEARTBEAT_S = 2.0
BATCH = 16  # columns in one write


class ScannerEmulator:
    """A scanner that keeps each scan until its receiver has acknowledged it.

    Parameters
    ----------
    host : str
        Address to listen on.
    port : int
        Port of the line stream; 0 takes a free one.
    identity_port : int
        Port of the identity feed.
    speed_factor : float
        How much faster than the real cadence it runs.
    gap_s : float
        Real time between two vehicles, before that factor, seconds.
    duplicate_every : int
        Every so many columns one is sent twice; 0: none.
    acknowledge_timeout_s : float
        Time after which a scan without an acknowledgement is sent again.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        identity_port: int = 0,
        speed_factor: float = 1.0,
        gap_s: float = 6.0,
        duplicate_every: int = 0,
        acknowledge_timeout_s: float = 10.0,
    ) -> None:
        self.identity = IdentityServer(host, identity_port)
        self.port = port
        self.n_resent = 0
        self._host = host
        self._speed_factor = speed_factor
        self._gap_s = gap_s
        self._duplicate_every = duplicate_every
        self._acknowledge_timeout_s = acknowledge_timeout_s
        self._server: asyncio.Server | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._joined = asyncio.Event()
        self._acknowledged: set[str] = set()
        self._news = asyncio.Event()
        self._serving: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen on all ports."""
        self._server = await asyncio.start_server(self._serve, self._host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        await self.identity.start()

    async def stop(self) -> None:
        """Close all ports."""
        if self._server is not None:
            self._server.close()
        if self._writer is not None:
            self._writer.close()
        await ended(self._serving)
        await self.identity.stop()

    async def drive(self, passages: AsyncIterable[Passage]) -> None:
        """Scan vehicles, one after the other; the next comes when the last scan is acknowledged.

        Parameters
        ----------
        passages : async iterable of Passage
            Who comes, with what the scanner measures: a Radiograph.
        """
        async for passage in passages:
            await self._idle(self._gap_s)
            await self.identity.enter(passage.vehicle)
            await asyncio.sleep(0.2 / self._speed_factor + 0.02)
            attempt = 0
            while passage.name not in self._acknowledged:
                self.n_resent += attempt > 0
                attempt += 1
                await self._send_scan(passage)
            await asyncio.sleep(0.2 / self._speed_factor + 0.02)
            await self.identity.leave()

    async def idle(self) -> None:
        """Send heartbeats for ever."""
        while True:
            await self._idle(HEARTBEAT_S * self._speed_factor)

    async def _send_scan(self, passage: Passage) -> None:
        """Send a scan once and wait for its acknowledgement, the end of the connection, or too long."""
        writer = await self._client()
        pieces = line_stream(passage.scan, passage.name, duplicate_every=self._duplicate_every)
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            for t_s, data in pieces:
                await asyncio.sleep(max(started + t_s / self._speed_factor - loop.time(), 0))
                writer.write(data)
                await writer.drain()
        except OSError:
            self._lose(writer)
            return
        deadline = loop.time() + self._acknowledge_timeout_s
        while passage.name not in self._acknowledged and self._writer is writer:
            self._news.clear()
            try:
                async with asyncio.timeout_at(deadline):
                    await self._news.wait()
            except TimeoutError:
                self._lose(writer)
                return

    async def _client(self) -> asyncio.StreamWriter:
        while self._writer is None:
            self._joined.clear()
            await self._joined.wait()
        return self._writer

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        register(self._serving)
        if self._writer is not None:
            # One receiver at a time. Were the newest to win, two of them would throw each other out for
            # ever; one that is half dead loses its place when it acknowledges nothing.
            writer.close()
            return
        self._writer = writer
        self._joined.set()
        self._news.set()
        frames = FrameReader()
        with contextlib.suppress(OSError):
            while data := await reader.read(4096):
                # Nothing but acknowledgements is understood here: no message starts a beam.
                for frame in frames.feed(data):
                    if frame.kind == MessageType.ACK:
                        self._acknowledged.add(frame.scan_id)
                        self._news.set()
        self._lose(writer)

    def _lose(self, writer: asyncio.StreamWriter) -> None:
        writer.close()
        if self._writer is writer:
            self._writer = None
        self._news.set()

    async def _idle(self, time_s: float) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + time_s / self._speed_factor
        while (now := loop.time()) < until:
            writer = self._writer
            if writer is not None:
                beat = encode_heartbeat(temperature_c=21.5, t_utc=utc_string(datetime.now(UTC)))
                with contextlib.suppress(OSError):
                    writer.write(beat)
                    await writer.drain()
            await asyncio.sleep(min(until - now, HEARTBEAT_S))


def line_stream(scan: Scan, name: str, *, duplicate_every: int = 0) -> Iterator[tuple[float, bytes]]:
    """Return the frames of one scan, and when each is due.

    Parameters
    ----------
    scan : Scan
        A radiograph; columns marked as lost are not sent.
    name : str
        UUID under which the scanner sends it.
    duplicate_every : int
        Every so many columns one is sent twice; 0: none.

    Yields
    ------
    t_s : float
        Seconds after the scan's start.
    data : bytes
        Frames.
    """
    payload = cast("Radiograph", scan.payload)
    n_column = payload.raw.shape[1]
    now = datetime.now(UTC)
    # Near the end of the 16 bits, so that the line identifiers of every scan wrap.
    first_line_id = (0x10000 - n_column // 2) & 0xFFFF
    calibration = payload.calibration
    begin = LineScanBegin(
        n_row=payload.raw.shape[0],
        energies=payload.energies,
        pitch_mm=payload.pitch_mm,
        saturation=payload.saturation,
        is_dark_subtracted=payload.is_dark_subtracted,
        has_reference=payload.reference is not None,
        first_line_id=first_line_id,
        electronic_sigma=None if calibration is None else calibration.electronic_sigma,
        gain=None if calibration is None else calibration.gain,
        scatter_floor=None if calibration is None else calibration.scatter_floor,
        calibration_id=None if calibration is None else calibration.ref.id,
        calibration_made_at=None
        if calibration is None
        else utc_string(now - timedelta(seconds=calibration.ref.age_s or 0)),
        t_start_utc=now,
        device=scan.identity.device,
        motion=payload.motion,
    )
    head = [encode_header(name, begin)]
    if calibration is not None:
        head += [
            encode_calibration(name, "dark", calibration.dark),
            encode_calibration(name, "air", calibration.air),
        ]
    yield 0.0, b"".join(head)
    last_s = 0.0
    for start in range(0, n_column, BATCH):
        frames: list[bytes] = []
        for column in range(start, min(start + BATCH, n_column)):
            time_s = _time_s(payload, column)
            sent = _column(payload, name, column, first_line_id, time_s)
            frames += sent
            if duplicate_every and column % duplicate_every == duplicate_every - 1:
                frames += sent
            last_s = max(last_s, time_s)
        yield last_s, b"".join(frames)
    tail = b""
    if payload.gaps:
        text = f"{sum(gap.n_missing for gap in payload.gaps)} lines"
        tail = encode_event("data-lost", text, scan_id=name)
    end = LineScanEnd(
        n_column=n_column,
        speed_m_s=payload.speed_m_s,
        is_tampered=payload.is_tampered,
        faults=payload.faults,
    )
    yield last_s, tail + encode_end(name, end)


def _column(payload: Radiograph, name: str, column: int, first_line_id: int, time_s: float) -> list[bytes]:
    frames = []
    for energy in range(payload.raw.shape[2]):
        if payload.is_lost is not None and payload.is_lost[column, energy]:
            continue
        reference = float("nan") if payload.reference is None else float(payload.reference[column, energy])
        frames.append(
            encode_line(
                name,
                first_line_id + column,
                energy,
                payload.raw[:, column, energy],
                time_us=round(time_s * 1e6),
                reference=reference,
            )
        )
    return frames


def _time_s(payload: Radiograph, column: int) -> float:
    """Return a column's time; lost ones have none, but the motion went on."""
    if payload.line_time_s is not None and np.isfinite(payload.line_time_s[column]):
        return float(payload.line_time_s[column])
    pitch_mm = payload.pitch_mm[1] if payload.pitch_mm is not None else 9.0
    return column * pitch_mm / 1000 / (payload.speed_m_s or 0.5)
