"""The live service of one acquisition PC: lanes in, spool, supervised analysis, cases, store.

This process reads sockets. It imports neither the inference runtime nor the compiled kernels: a
crash in an analysis must not cost a line of what the instruments send.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from screening.errors import IntegrityError, ModelError, ScreeningError, StoreError
from screening.formats.linestream import encode_ack
from screening.records import ClearanceDecision, Level, OperatingMode, ReasonCode, ScreeningReport, worst
from screening.risk import MODE_CODES, level_of

from .boundaries import BoundaryFinder, LineStreamBoundaries, PortalBoundaries, StxBoundaries
from .casework import Casework
from .events import EventLog
from .identity_feed import IdentityFeed
from .lane import Lane
from .presence import PresenceLog
from .recovery import LaneState, Recovered, recover
from .scan_entry import ScanEntry
from .settings import AcquireSettings, LaneSettings
from .spool import Spool
from .spool_format import RecordType
from .supervisor import AnalysisAnswer, AnalysisChild, ChildStart
from .unanswered import AnalysisTimeoutError, unanswered_report

__all__ = ["AcquireService"]

T = TypeVar("T")

_RETRY_STORE_S = 1.0
_TICK_S = 0.5

_FINDERS: dict[str, Callable[[], BoundaryFinder]] = {
    "rpm": PortalBoundaries,
    "n42": StxBoundaries,
    "linestream": LineStreamBoundaries,
}


class AcquireService:
    """The live service.

    Parameters
    ----------
    settings : AcquireSettings
        Lanes, places, deadlines.
    config : str
        The site's whole settings file, as the analysis children are given it.
    casework : Casework
        Records results and decides cases.
    events : EventLog
        Where it tells.
    child_command : tuple of str, optional
        Command of an analysis child; a test's stand-in.

    Raises
    ------
    StoreError
        If another process holds the spool, or the disk refuses.
    """

    def __init__(
        self,
        settings: AcquireSettings,
        config: str,
        *,
        casework: Casework,
        events: EventLog,
        child_command: tuple[str, ...] | None = None,
    ) -> None:
        self._settings = settings
        self._casework = casework
        self._events = events
        self._spool = Spool(Path(settings.spool))
        self._disk = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spool")
        self._store = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        # Apart from the store: a clearance that does not answer must not keep results from the disk.
        self._clearing = ThreadPoolExecutor(max_workers=1, thread_name_prefix="clearance")
        self._has_news = asyncio.Event()
        self._queue: asyncio.Queue[ScanEntry] = asyncio.Queue(maxsize=settings.queue_limit)
        self._pending: dict[str, ScanEntry] = {}  # spooled scans that have no result yet
        self._is_taken_over = False
        self._checkpointed = 0
        start = ChildStart(spool=settings.spool, archive=settings.archive, config=config)
        options: dict[str, Any] = {} if child_command is None else {"command": child_command}
        self._children = [
            AnalysisChild(
                start,
                start_deadline_s=settings.start_deadline_s,
                deadline_s=settings.analysis_deadline_s,
                **options,
            )
            for _ in range(settings.n_worker)
        ]
        self._presences = {lane.name: PresenceLog() for lane in settings.lanes}
        finders = {lane.name: _FINDERS[lane.kind]() for lane in settings.lanes}
        self._lanes = {lane.name: self._lane(lane, finders[lane.name]) for lane in settings.lanes}
        self._recovered = recover(Path(settings.spool), settings.lanes, finders, self._presences)
        self._spool.append(RecordType.CONFIG, "", config.encode())

    async def run(self, stop: asyncio.Event | None = None) -> None:
        """Serve until told to stop, then finish the scan that is being analysed.

        Parameters
        ----------
        stop : asyncio.Event, optional
            Ends the service when set; SIGINT and SIGTERM do so as well.

        Raises
        ------
        ConfigurationError
            If the analysis refuses the settings.
        """
        stop = stop or asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError):  # not on every system
                loop.add_signal_handler(number, stop.set)
        # The queue is bounded, and what was left over may be more than it takes: analysis starts first.
        tasks = [asyncio.create_task(self._analyse_all(child)) for child in self._children]
        tasks.append(asyncio.create_task(self._take_over(self._recovered)))
        tasks.append(asyncio.create_task(self._watch()))
        tasks.append(asyncio.create_task(self._clear()))
        for lane in self._lanes.values():
            tasks.append(asyncio.create_task(lane.run()))
            if lane.settings.identity_port is not None:
                feed = IdentityFeed(
                    lane.settings,
                    spool=self._spool,
                    presence=self._presences[lane.settings.name],
                    events=self._events,
                )
                tasks.append(asyncio.create_task(feed.run()))
        self._events.emit("started", f"site {self._settings.site}: {len(self._lanes)} lanes")
        stopping = asyncio.create_task(stop.wait())
        try:
            # The one task that ends by itself is the one that takes over; an error ends the service.
            waiting = {stopping, *tasks}
            while not stop.is_set():
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
        finally:
            for task in (stopping, *tasks):
                task.cancel()
            await asyncio.gather(stopping, *tasks, return_exceptions=True)
            for child in self._children:
                await child.stop()
            self._close()

    def _close(self) -> None:
        self._disk.shutdown()
        self._store.shutdown()
        self._clearing.shutdown()
        self._spool.close()
        self._casework.close()
        self._events.emit("stopped", "stopped")
        self._events.close()

    def _lane(self, lane: LaneSettings, finder: BoundaryFinder) -> Lane:
        settings = self._settings
        return Lane(
            lane,
            site=settings.site,
            mode=settings.mode,
            scan_limit_bytes=settings.scan_limit_bytes,
            finder=finder,
            acknowledge=encode_ack if lane.kind == "linestream" else None,
            spool=self._spool,
            presence=self._presences[lane.name],
            events=self._events,
            sync=self._sync,
            submit=self._submit,
        )

    async def _sync(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._disk, self._spool.sync)

    async def _submit(self, entry: ScanEntry) -> None:
        self._pending[entry.scan_id] = entry
        if self._queue.full():
            text = f"{self._queue.qsize()} scans wait for analysis; the lane waits as well"
            self._events.emit("lagging", text, lane=entry.lane, scan_id=entry.scan_id)
        await self._queue.put(entry)

    async def _take_over(self, recovered: Recovered) -> None:
        for damage in recovered.damages:
            where = f"segment {damage.address.segment}, offset {damage.address.offset}"
            self._events.emit("damaged", f"spool: {damage.n_bytes} bytes hold no record at {where}")
        for name, scans in recovered.acknowledged.items():
            if name in self._lanes:
                for device_scan, scan_id in scans.items():
                    self._lanes[name].remember(device_scan, scan_id)
        for name, scan in recovered.open_scans.items():
            self._lanes[name].restore(scan)
        known = await self._in_store(lambda: self._casework.known(recovered.entries))
        left = [entry for scan_id, entry in recovered.entries.items() if scan_id not in known]
        if left:
            self._events.emit("recovered", f"{len(left)} spooled scans had no result yet")
        for entry in left:
            self._pending[entry.scan_id] = entry
        self._is_taken_over = True
        for entry in left:
            await self._submit(entry)

    async def _analyse_all(self, child: AnalysisChild) -> None:
        with contextlib.suppress(OSError, EOFError, TimeoutError):
            await child.start()  # a ConfigurationError ends the service: no scan would ever get an answer
        while True:
            entry = await self._queue.get()
            answer = await child.analyse(entry)
            report = self._report(entry, answer, child)
            if answer.error is not None:
                self._events.emit("failed", answer.error, lane=entry.lane, scan_id=entry.scan_id)
            await self._record(entry, report, answer)

    def _report(self, entry: ScanEntry, answer: AnalysisAnswer, child: AnalysisChild) -> ScreeningReport:
        if bytes(answer.report) != b"null":
            try:
                return msgspec.json.decode(answer.report, type=ScreeningReport)
            except msgspec.ValidationError as error:
                failure: ScreeningError = ModelError(f"the analysis gave no valid report: {error}")
                return unanswered_report(entry, failure, child.provenance)
        text = answer.error or "the analysis gave no answer"
        is_timeout = answer.reason is ReasonCode.TIMEOUT
        failure = AnalysisTimeoutError(text) if is_timeout else ModelError(text)
        return unanswered_report(entry, failure, child.provenance)

    async def _record(self, entry: ScanEntry, report: ScreeningReport, answer: AnalysisAnswer) -> None:
        """Write the result down; while the store cannot take it, try again: it is in the spool meanwhile."""
        is_told = False
        while True:
            try:
                await self._in_store(lambda: self._casework.record(entry, report, answer))
                break
            except IntegrityError as error:
                # Recorded otherwise already: trying again changes nothing, and the scan stays in the
                # spool and in the archive.
                self._events.emit("failed", f"store: {error}", lane=entry.lane, scan_id=entry.scan_id)
                break
            except StoreError as error:
                if not is_told:
                    self._events.emit("failed", f"store: {error}", lane=entry.lane, scan_id=entry.scan_id)
                is_told = True
                await asyncio.sleep(_RETRY_STORE_S)
        self._pending.pop(entry.scan_id, None)
        codes = list(dict.fromkeys(reason.code for flag in report.flags for reason in flag.reasons))
        self._events.emit(
            "analysed",
            f"analysed {entry.scan_id}: {_shown_level(report)}",
            lane=entry.lane,
            scan_id=entry.scan_id,
            container_id=entry.container_id,
            level=_shown_level(report),
            modality=entry.modality,
            codes=codes,
            elapsed_ms=report.elapsed_ms,
        )
        self._has_news.set()

    def _tell_decision(self, decision: ClearanceDecision) -> None:
        container_id = decision.consignment.container_id
        exercise = "EXERCISE: " if decision.is_exercise else ""
        self._events.emit(
            "decided",
            f"{exercise}decided {container_id}: {decision.risk} {decision.action}",
            container_id=container_id,
            decision_id=decision.decision_id,
            risk=decision.risk,
            action=decision.action,
            codes=list(decision.reason_codes),
            modalities=sorted({flag.modality for flag in decision.flags}),
            is_exercise=decision.is_exercise,
        )

    async def _clear(self) -> None:
        """Hand the clearance what it is owed, and tell what it decided."""
        is_told = False
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TICK_S):
                    await self._has_news.wait()
            self._has_news.clear()
            # Not while one of the container's scans is still on its way to a result.
            coming = {entry.container_id for entry in self._pending.values()}
            work = functools.partial(self._casework.advance, datetime.now(UTC), coming=coming)
            try:
                advanced = await asyncio.get_running_loop().run_in_executor(self._clearing, work)
            except ScreeningError as error:
                # Whatever ails the clearance, a refused address or token included: the lanes go on
                # receiving, and what it is owed waits in the store.
                if not is_told:
                    self._events.emit("failed", f"clearance: {error}")
                is_told = True
                await asyncio.sleep(_RETRY_STORE_S)
                continue
            is_told = False
            for refusal in advanced.refused:
                self._events.emit("failed", f"clearance: {refusal.kind} refused, {refusal.text}")
            for decision in advanced.decisions:
                self._tell_decision(decision)

    async def _watch(self) -> None:
        """Move the checkpoint."""
        while True:
            await asyncio.sleep(_TICK_S)
            try:
                await self._checkpoint()
            except StoreError as error:
                self._events.emit("failed", f"store: {error}")
                await asyncio.sleep(_RETRY_STORE_S)

    async def _checkpoint(self) -> None:
        """Spare the next start the segments that hold nothing it needs."""
        current = self._spool.number
        if current <= self._checkpointed or not all(lane.is_idle for lane in self._lanes.values()):
            return
        needed = [entry.first.segment for entry in self._pending.values()]
        if not self._is_taken_over or any(segment < current for segment in needed):
            return
        for name, lane in self._lanes.items():
            state = LaneState(acknowledged=dict(lane.acknowledged), presence=self._presences[name].lasting)
            self._spool.append(RecordType.STATE, name, msgspec.json.encode(state))
        await self._sync()
        if self._spool.number == current:
            self._spool.checkpoint(current)
        self._checkpointed = current

    async def _in_store(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._store, work)


def _shown_level(report: ScreeningReport) -> Level:
    """Return the level for people who watch; in an exercise, what it would be but for the exercise."""
    flags = report.flags
    is_exercise = bool(flags) and all(flag.operating_mode is OperatingMode.EXERCISE for flag in flags)
    if not is_exercise:
        return report.level
    return worst(*(level_of(flag.reasons, set_aside=MODE_CODES) for flag in flags))
