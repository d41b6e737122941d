"""What gateway and folder have in common: sealed lines go to the desk, and each gets its answer."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol, TypeAlias

from screening.clearance.keys import VerificationError
from screening.records import SealEvent, sha256_hex

from .readings import read_event
from .route import time_of

__all__ = ["Answer", "SeenTimes", "Take", "Taken", "take_lines"]


class Taken(Protocol):
    """What came of one record, as the desk says it."""

    @property
    def sha256(self) -> str:
        """Hash of the record."""

    @property
    def status(self) -> str:
        """ACCEPTED, KNOWN or REFUSED."""

    @property
    def failure(self) -> str | None:
        """Which check failed."""

    @property
    def text(self) -> str:
        """One line for a person."""


#: Stores sealed records; they are on disk when it returns.
Take: TypeAlias = Callable[[Sequence[bytes]], Sequence[Taken]]


class Answer(NamedTuple):
    """What came of one line.

    Attributes
    ----------
    status : {"ACCEPTED", "KNOWN", "REFUSED", "NOT_STORED"}
        NOT_STORED: the line may be good, and has to be sent again.
    sha256 : str or None
        Hash of the line; None if it was too long to be read.
    failure : str or None
        Which check failed.
    text : str
        One line for a person.
    note : str or None
        STEP_BACK where the reader's clock or the order of sending stepped back.
    """

    status: str
    sha256: str | None
    failure: str | None = None
    text: str = ""
    note: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the answer for JSON, without what it does not hold.

        Returns
        -------
        dict
            Its fields.
        """
        return {name: value for name, value in self._asdict().items() if value not in (None, "")}


class SeenTimes:
    """The latest time that each reader reported of each seal, to notice when it steps back.

    A case reads a set of events, so a late one does no harm; but a reader that steps back has a queue
    that was held up, or a clock that is not to be trusted.

    Parameters
    ----------
    limit : int
        Seals and readers kept; the longest unheard are forgotten first.
    """

    def __init__(self, limit: int = 10_000) -> None:
        self._limit = limit
        self._latest: OrderedDict[tuple[str, str | None], datetime] = OrderedDict()

    def step_back_s(self, event: SealEvent) -> float:
        """Return by how much an event lies before the latest of its seal and reader, and keep its time.

        Parameters
        ----------
        event : SealEvent
            The event.

        Returns
        -------
        float
            Seconds; 0 if it does not.
        """
        t = time_of(event.at)
        if t is None:
            return 0.0
        key = (event.seal_id, event.reader)
        latest = self._latest.pop(key, t)
        self._latest[key] = max(latest, t)
        if len(self._latest) > self._limit:
            self._latest.popitem(last=False)
        return max(0.0, (latest - t).total_seconds())


def take_lines(lines: Sequence[bytes | None], take: Take, seen: SeenTimes) -> list[Answer]:
    """Give lines to the desk and return what came of each.

    Parameters
    ----------
    lines : sequence of bytes or None
        Lines as received; None for one that was too long.
    take : callable
        Stores records; they are on disk when it returns. What it raises is passed on: nothing of these
        lines is acknowledged then.
    seen : SeenTimes
        Latest times so far; kept up to date.

    Returns
    -------
    list of Answer
        One for each line.
    """
    answers: list[Answer | None] = []
    events: list[tuple[int, bytes, SealEvent]] = []
    for i, line in enumerate(lines):
        answers.append(None)
        if line is None:
            answers[i] = Answer("REFUSED", None, "TOO_LONG", "the line is longer than an event can be")
            continue
        try:
            events.append((i, line, read_event(line)))
        except VerificationError as error:
            answers[i] = Answer("REFUSED", sha256_hex(line), error.failure, str(error))
    if events:
        taken = take([line for _, line, _ in events])
        for (i, line, event), one in zip(events, taken, strict=True):
            note = None
            if one.status == "ACCEPTED" and seen.step_back_s(event) > 0.0:
                note = "STEP_BACK"
            answers[i] = Answer(one.status, sha256_hex(line), one.failure, one.text, note)
    return [one for one in answers if one is not None]
