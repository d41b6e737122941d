"""Entry and exit accounted for: who entered and did not arrive, and who arrived and never entered."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from screening.clearance.seals import parse_time
from screening.records import Case, Crossing, Evidence, Journey, canonical_bytes, sha256_hex, utc_string

__all__ = ["Discrepancy", "account_crossings"]

_Code = Literal["NOT_ARRIVED", "ARRIVED_LATE", "NO_ENTRY", "ARRIVED_TWICE", "EXIT_BEFORE_ENTRY", "NO_TIME"]


class Discrepancy(NamedTuple):
    """Something that does not add up about a container's crossings.

    Attributes
    ----------
    container_id : str
        Which container.
    code : {"NOT_ARRIVED", "ARRIVED_LATE", "NO_ENTRY", "ARRIVED_TWICE", "EXIT_BEFORE_ENTRY", "NO_TIME"}
        What.
    at : str
        Of the crossing it is about, RFC 3339 UTC; for what did not arrive, the end of its window.
    place : str
        Where that was, or where it was expected.
    text : str
        One line for a person.
    """

    container_id: str
    code: _Code
    at: str
    place: str
    text: str


class _Window(NamedTuple):
    ends: datetime
    place: str


def account_crossings(
    records: Case | Iterable[Evidence],
    now: datetime,
    *,
    window_s: int | None = None,
    is_trusted: Callable[[Evidence], bool] | None = None,
) -> tuple[Discrepancy, ...]:
    """Return what does not add up about crossings.

    A container enters the perimeter, arrives, and leaves it; each entry begins another visit. Two
    administrations may record one arrival.

    Parameters
    ----------
    records : Case or iterable of Evidence
        One case, or the records of any number of containers, in any order and any number of times.
    now : datetime
        The present, aware.
    window_s : int or None
        How long after its entry a container without a journey may take to arrive, seconds; None: as
        long as it likes.
    is_trusted : callable or None
        Whether a record is sealed by a trusted key; others are passed over. None if all given are.

    Returns
    -------
    tuple of Discrepancy
        By container and time.
    """
    given: Iterable[Evidence]
    if isinstance(records, Case):
        given = (*records.crossings, *(() if records.journey is None else (records.journey,)))
    else:
        given = records
    known = {
        sha256_hex(canonical_bytes(record)): record
        for record in given
        if isinstance(record, Crossing | Journey) and (is_trusted is None or is_trusted(record))
    }
    boxes: dict[str, tuple[list[tuple[datetime, str, Crossing]], list[Journey]]] = {}
    found: list[Discrepancy] = []
    for sha256, record in sorted(known.items()):
        crossings, journeys = boxes.setdefault(record.container_id, ([], []))
        if isinstance(record, Journey):
            journeys.append(record)
            continue
        at = parse_time(record.at)
        if at is None:
            found.append(_about(record, "NO_TIME", "the crossing has no time"))
        else:
            crossings.append((at, sha256, record))
    for _, (crossings, journeys) in sorted(boxes.items()):
        crossings.sort(key=lambda one: one[:2])
        found += _account([(at, one) for at, _, one in crossings], journeys, now, window_s)
    return tuple(sorted(found))


def _account(
    crossings: list[tuple[datetime, Crossing]], journeys: list[Journey], now: datetime, window_s: int | None
) -> Iterable[Discrepancy]:
    entry: tuple[datetime, Crossing] | None = None
    arrivals: list[Crossing] = []
    for at, one in crossings:
        if one.point == "ENTRY":
            # Two readers may see one entry; it is another visit only once the box had arrived.
            if entry is None or arrivals:
                entry, arrivals = (at, one), []
        elif one.point == "ARRIVAL":
            if entry is None:
                yield _about(one, "NO_ENTRY", f"arrived at {one.place}, and no entry is on record")
            elif not arrivals and (window := _window(entry, at, journeys, window_s)) and at >= window.ends:
                yield _about(one, "ARRIVED_LATE", f"arrived at {one.place} after {_stated(window.ends)}")
            if any(one.administration == former.administration for former in arrivals):
                yield _about(one, "ARRIVED_TWICE", f"arrived at {one.place} again, without an entry between")
            arrivals.append(one)
        elif one.point == "EXIT":
            if entry is None:
                yield _about(one, "EXIT_BEFORE_ENTRY", f"left at {one.place}, and no entry is on record")
            entry, arrivals = None, []
    if entry is not None and not arrivals:
        window = _window(entry, None, journeys, window_s)
        if window is not None and now >= window.ends:
            _, entered = entry
            text = (
                f"entered at {entered.place} on {entered.at} and did not arrive before {_stated(window.ends)}"
            )
            yield Discrepancy(entered.container_id, "NOT_ARRIVED", _stated(window.ends), window.place, text)


def _window(
    entry: tuple[datetime, Crossing], until: datetime | None, journeys: list[Journey], window_s: int | None
) -> _Window | None:
    """Return when and where a container was to arrive; of several journeys the one set last holds.

    A journey set after the arrival is of the next visit.
    """
    entered, crossing = entry
    found = []
    for journey in journeys:
        set_at, ends = parse_time(journey.at), parse_time(journey.arrives_before)
        is_of_visit = ends is not None and ends > entered and (until is None or (set_at or until) <= until)
        if ends is not None and set_at is not None and is_of_visit:
            found.append((set_at, ends, journey.destination))
    if found:
        _, ends, destination = max(found)
        return _Window(ends, destination)
    return None if window_s is None else _Window(entered + timedelta(seconds=window_s), crossing.place)


def _stated(t: datetime) -> str:
    return str(utc_string(t))


def _about(crossing: Crossing, code: _Code, text: str) -> Discrepancy:
    return Discrepancy(crossing.container_id, code, crossing.at, crossing.place, text)
