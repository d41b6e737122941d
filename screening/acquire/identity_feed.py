"""Client of a lane's identity feed: JSON lines that say which container is in the lane."""

from __future__ import annotations

import asyncio
import contextlib

from screening.errors import FormatError, StoreError

from .events import EventLog
from .lane import FIRST_RETRY_S, LAST_RETRY_S
from .presence import MAX_LINE_BYTES, PresenceLog, parse_reading
from .settings import LaneSettings
from .spool import Spool
from .spool_format import RecordType

__all__ = ["IdentityFeed"]


class IdentityFeed:
    """Stay connected to a feed, spool its lines and hand them to the lane's presences.

    Parameters
    ----------
    settings : LaneSettings
        The lane; it has an identity port.
    spool : Spool
        Where each line goes first.
    presence : PresenceLog
        Who stands in the lane.
    events : EventLog
        Where it tells.
    """

    def __init__(
        self, settings: LaneSettings, *, spool: Spool, presence: PresenceLog, events: EventLog
    ) -> None:
        self._settings = settings
        self._spool = spool
        self._presence = presence
        self._events = events

    async def run(self) -> None:
        """Stay connected, until cancelled. A feed may be silent for hours: silence breaks nothing."""
        settings = self._settings
        host, port = settings.identity_host or settings.host, settings.identity_port
        retry_s = FIRST_RETRY_S
        while True:
            try:
                reader, writer = await asyncio.open_connection(host, port, limit=MAX_LINE_BYTES)
            except OSError:
                retry_s = min(retry_s * 2, LAST_RETRY_S)
            else:
                retry_s = FIRST_RETRY_S
                try:
                    await self._read(reader)
                except (OSError, StoreError) as error:
                    self._tell("failed", f"identity feed: {error}")
                finally:
                    writer.close()
                    with contextlib.suppress(OSError):
                        await writer.wait_closed()
            await asyncio.sleep(retry_s)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while True:
            try:
                line = await reader.readuntil(b"\n")
            except asyncio.IncompleteReadError:
                return  # closed; half a line names nobody
            except asyncio.LimitOverrunError:
                self._tell("failed", f"identity feed: a line of more than {MAX_LINE_BYTES} bytes")
                return
            record = self._spool.append(RecordType.IDENTITY, self._settings.name, line)
            try:
                reading = parse_reading(line)
            except FormatError as error:
                self._tell("failed", f"identity feed: {error}")
                continue
            self._presence.take(reading, record.sequence)
            verb = "entered" if reading.event == "ENTER" else "left"
            self._events.emit(
                "identity",
                f"{reading.container_id} {verb}",
                lane=self._settings.name,
                container_id=reading.container_id,
                entered=reading.event == "ENTER",
            )

    def _tell(self, event: str, text: str) -> None:
        self._events.emit(event, text, lane=self._settings.name)
