"""Scans are joined to the container that stood in the lane, by order of arrival."""

from __future__ import annotations

import pytest

from screening.acquire.presence import IdentityReading, Presence, PresenceLog, parse_reading
from screening.errors import FormatError


def _reading(name: str, event: str = "ENTER") -> IdentityReading:
    return IdentityReading(event=event, container_id=name)  # type: ignore[arg-type]


def _names(log: PresenceLog, first: int, last: int) -> list[str]:
    return [reading.container_id for reading in log.during(first, last)]


def test_a_scan_belongs_to_who_stood_there() -> None:
    log = PresenceLog()
    log.take(_reading("A"), 10)
    log.take(_reading("A", "LEAVE"), 20)
    log.take(_reading("B"), 30)
    assert _names(log, 12, 18) == ["A"]
    assert _names(log, 22, 28) == []
    assert _names(log, 31, 99) == ["B"]
    assert _names(log, 15, 35) == ["A", "B"]
    assert log.current == _reading("B")


def test_the_next_container_ends_a_stay_whose_end_was_not_told() -> None:
    log = PresenceLog()
    log.take(_reading("A"), 10)
    log.take(_reading("B"), 30)
    assert _names(log, 40, 50) == ["B"]
    assert _names(log, 12, 18) == ["A"]


def test_a_feed_that_repeats_itself_changes_nothing() -> None:
    log = PresenceLog()
    log.take(_reading("A"), 10)
    log.take(_reading("A"), 15)
    assert _names(log, 11, 12) == ["A"]
    assert len(log.lasting) == 1
    log.take(_reading("B", "LEAVE"), 16)
    assert log.current == _reading("A")


def test_a_stay_from_before_a_restart_goes_on() -> None:
    log = PresenceLog()
    log.restore([Presence(reading=_reading("A"), first=3)])
    assert _names(log, 50, 60) == ["A"]
    log.take(_reading("A", "LEAVE"), 70)
    assert _names(log, 80, 90) == []


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"[1]",
        b'{"event":"STAY","container_id":"CSQU3054383"}',
        b'{"event":"ENTER","container_id":"CSQU3054383","colour":"red"}',
        b'{"event":"ENTER","container_id":"../../CSQU3054383"}',
        b'{"event":"ENTER","container_id":"<b>CSQU3054383"}',
        b'{"event":"ENTER","container_id":""}',
        b"\xff" * 40,
        b'{"event":"ENTER","container_id":"' + b"A" * 70_000 + b'"}',
    ],
)
def test_a_line_that_is_none_is_refused(line: bytes) -> None:
    with pytest.raises(FormatError):
        parse_reading(line)


def test_a_line_is_read() -> None:
    line = b'{"event":"ENTER","container_id":"CSQU3054383","confidence":0.9,"manifest":{"goods":["9403"]}}'
    reading = parse_reading(line)
    assert (reading.container_id, reading.confidence, reading.id_source) == ("CSQU3054383", 0.9, "OCR")
    assert reading.manifest is not None
    assert reading.manifest.goods == ("9403",)
