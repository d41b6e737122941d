"""What an emulator sends: one passage after the other, simulated ahead of need."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from typing import NamedTuple

from screening.records import Manifest, Scan, SealEvent, Targeting

__all__ = ["Passage", "Vehicle", "ahead"]


class Vehicle(NamedTuple):
    """Who comes.

    Attributes
    ----------
    container_id : str
        ISO 6346 number, compact.
    confidence : float
        Of its reading, 0 to 1.
    manifest : Manifest or None
        What was declared.
    targeting : tuple of Targeting
        Risk on advance data.
    seal_events : tuple of SealEvent
        Readings of the seal.
    """

    container_id: str
    confidence: float = 0.99
    manifest: Manifest | None = None
    targeting: tuple[Targeting, ...] = ()
    seal_events: tuple[SealEvent, ...] = ()


class Passage(NamedTuple):
    """One vehicle through one instrument.

    Attributes
    ----------
    vehicle : Vehicle or None
        Who; None for a passage that no camera reads.
    scan : Scan
        What the instrument measures.
    name : str
        The instrument's own name of the scan, a UUID.
    spectra : Scan or None
        What a spectroscopic portal beside it measures of the same pass.
    """

    vehicle: Vehicle | None
    scan: Scan
    name: str
    spectra: Scan | None = None


async def ahead(makers: Iterable[Callable[[], Passage]], *, n_ahead: int = 2) -> AsyncIterator[Passage]:
    """Yield passages in order, simulating the next ones in a thread while one is sent.

    Parameters
    ----------
    makers : iterable of callables
        Each makes one passage.
    n_ahead : int
        How many may wait.

    Yields
    ------
    Passage
        In order.
    """
    queue: asyncio.Queue[Passage | BaseException | None] = asyncio.Queue(maxsize=n_ahead)

    async def _fill() -> None:
        try:
            for make in makers:
                await queue.put(await asyncio.to_thread(make))
        except Exception as error:  # handed to the consumer, which raises it
            await queue.put(error)
        else:
            await queue.put(None)

    task = asyncio.create_task(_fill())
    try:
        while (item := await queue.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        task.cancel()
