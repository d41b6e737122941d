"""From a reader's words to sealed events."""

from __future__ import annotations

import json

import pytest

from screening.clearance import KeyRing, VerificationError, verify_record
from screening.clearance.transit.readings import (
    EVENTS_OF_CONDITION,
    EVENTS_OF_STATUS,
    read_event,
    seal_reading,
)
from screening.errors import FormatError
from screening.records import SealEvent, canonical_bytes


def reading(**changes):
    said = {"container_id": "CSQU3054383", "seal_id": "S1", "at": "2026-03-01T08:00:00+02:00", **changes}
    return json.dumps(said).encode()


def sealed(line, key, **options):
    return [
        verify_record(one, SealEvent, KeyRing([key.public])) for one in seal_reading(line, key, **options)
    ]


@pytest.mark.parametrize("status", EVENTS_OF_STATUS)
def test_each_status_gives_sealed_events_at_the_time_it_was_read(status, gateway_key):
    found = sealed(reading(status=status), gateway_key, place="Edmonton", reader="gate 2")
    assert tuple(one.event for one in found) == EVENTS_OF_STATUS[status]
    assert {(one.at, one.place, one.reader) for one in found} == {
        ("2026-03-01T06:00:00.000Z", "Edmonton", "gate 2")
    }


@pytest.mark.parametrize(
    ("condition", "events"),
    [(1, ["READ"]), (2, ["TAMPER"]), (3, ["BROKEN"]), (4, ["BROKEN"]), (5, ["FAULT"])],
)
def test_each_edifact_condition(condition, events, gateway_key):
    assert [one.event for one in sealed(reading(condition=condition), gateway_key)] == events
    assert set(EVENTS_OF_CONDITION) == {1, 2, 3, 4, 5}


def test_only_what_answers_as_good_makes_a_reading():
    """No word that speaks of trouble gives a reading alone, and none but CLOSED seals."""
    good = {word for word, events in EVENTS_OF_STATUS.items() if set(events) <= {"READ", "SEALED"}}
    assert good == {"CLOSED", "SEALED"}
    assert [word for word, events in EVENTS_OF_STATUS.items() if "SEALED" in events] == ["CLOSED"]


def test_at_the_destination_a_reading_is_an_arrival(gateway_key):
    found = sealed(reading(status="BATTERY_LOW"), gateway_key, is_arrival=True)
    assert [one.event for one in found] == ["ARRIVED", "LOW_BATTERY"]


@pytest.mark.parametrize(
    "line",
    [
        b"", b"garbage", b"[]", b"\xff", reading(), reading(status="SEALED", condition=1),
        reading(status="sealed"), reading(condition=6), reading(event="CLEARED"),
        reading(status="SEALED", at="yesterday"), reading(status="SEALED", at="2026-03-01T08:00:00"),
        reading(status="SEALED", place="Winnipeg"), reading(status="SEALED", level="LOW"),
        b'{"container_id":"A","seal_id":"S","at":"2026-03-01T08:00:00Z","status":"TAMPERED","status":"SEALED"}',
    ],
)  # fmt: skip
def test_what_is_not_one_clear_reading_is_not_signed(line, gateway_key):
    with pytest.raises(FormatError):
        seal_reading(line, gateway_key, place="Edmonton")


def test_a_sealed_line_is_read_back(event):
    made = event("READ", 1, "B")
    assert read_event(canonical_bytes(made)) == made


@pytest.mark.parametrize(
    ("spoil", "failure"),
    [
        (lambda line: b"garbage", "MALFORMED"),
        (lambda line: b'{"schema":"riskflag/1"}', "MALFORMED"),
        (lambda line: b"[" * 10_000, "MALFORMED"),
        (lambda line: line + b" ", "NOT_CANONICAL"),
    ],
)
def test_a_line_that_is_no_sealed_event_is_refused_with_its_code(spoil, failure, event):
    with pytest.raises(VerificationError) as caught:
        read_event(spoil(canonical_bytes(event("READ", 1, "B"))))
    assert caught.value.failure == failure


def test_an_unsigned_event_is_refused_as_such(event):
    with pytest.raises(VerificationError) as caught:
        read_event(canonical_bytes(event("READ", 1, "B", signed=False)))
    assert caught.value.failure == "UNSIGNED"
