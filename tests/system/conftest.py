"""A lane on loopback: emulated instruments in this process, spool and lanes as in the service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from types import TracebackType

import pytest

from screening.acquire.boundaries import LineStreamBoundaries, PortalBoundaries, StxBoundaries
from screening.acquire.events import Event, EventLog
from screening.acquire.identity_feed import IdentityFeed
from screening.acquire.lane import Lane
from screening.acquire.presence import PresenceLog
from screening.acquire.scan_entry import ScanEntry
from screening.acquire.segment_files import SegmentFiles
from screening.acquire.settings import LaneSettings
from screening.acquire.spool import Spool
from screening.formats.linestream import encode_ack
from screening.records import OperatingMode
from screening.simulation.emulators import Passage

FINDERS = {"rpm": PortalBoundaries, "n42": StxBoundaries, "linestream": LineStreamBoundaries}


class LaneBench:
    """One lane with its spool; scans that were submitted are in `entries`."""

    def __init__(
        self,
        folder: Path,
        settings: LaneSettings,
        *,
        files: SegmentFiles | None = None,
        scan_limit_bytes: int = 1 << 30,
    ) -> None:
        self.folder = folder
        self.entries: list[ScanEntry] = []
        self.events: list[Event] = []
        self.spool = Spool(folder, files=files)
        self.presence = PresenceLog()
        log = EventLog(listeners=(self.events.append,))
        self.lane = Lane(
            settings,
            site="TEST",
            mode=OperatingMode.EXERCISE,
            scan_limit_bytes=scan_limit_bytes,
            finder=FINDERS[settings.kind](),
            acknowledge=encode_ack if settings.kind == "linestream" else None,
            spool=self.spool,
            presence=self.presence,
            events=log,
            sync=self._sync,
            submit=self._submit,
        )
        self.feed = None
        if settings.identity_port is not None:
            self.feed = IdentityFeed(settings, spool=self.spool, presence=self.presence, events=log)
        self._tasks: list[asyncio.Task[None]] = []

    async def _sync(self) -> None:
        await asyncio.to_thread(self.spool.sync)

    async def _submit(self, entry: ScanEntry) -> None:
        self.entries.append(entry)

    async def wait_for(self, n: int, timeout_s: float = 30.0) -> list[ScanEntry]:
        """Wait until so many scans were submitted."""
        async with asyncio.timeout(timeout_s):
            while len(self.entries) < n:
                await asyncio.sleep(0.01)
        return self.entries

    async def while_served(self, driving: Awaitable[None], timeout_s: float = 30.0) -> None:
        """Wait for an emulator to be done; a lane that failed meanwhile fails the test."""
        task = asyncio.ensure_future(driving)
        done, _ = await asyncio.wait(
            [task, *self._tasks], timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED
        )
        for ended in done:
            ended.result()
        if not task.done():
            task.cancel()
            raise TimeoutError([event.text for event in self.events])

    def told(self, event: str) -> list[Event]:
        """Return the events of one kind."""
        return [one for one in self.events if one.event == event]

    async def __aenter__(self) -> LaneBench:
        if self.feed is not None:
            self._tasks.append(asyncio.create_task(self.feed.run()))
        self._tasks.append(asyncio.create_task(self.lane.run()))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.spool.close()


@pytest.fixture
def lane_bench(tmp_path: Path) -> Callable[..., LaneBench]:
    """Return what makes a lane in the test's folder."""

    def make(settings: LaneSettings, **options: object) -> LaneBench:
        return LaneBench(tmp_path / "spool", settings, **options)  # type: ignore[arg-type]

    return make


async def _in_turn(passages: list[Passage]) -> AsyncIterator[Passage]:
    for passage in passages:
        yield passage


@pytest.fixture
def in_turn() -> Callable[[list[Passage]], AsyncIterator[Passage]]:
    """Return what hands ready passages to an emulator."""
    return _in_turn
