from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from screening.clearance.seals import parse_time, read_seal


@pytest.fixture
def read(make_case, now, keys, ops):
    def read(*events, has_moved=False, max_age_s=86400):
        case = make_case(seal_events=events, has_moved=has_moved)
        return read_seal(case, now=now, max_age_s=max_age_s, is_trusted=lambda e: e.key_id == ops.key_id)

    return read


def minutes(n: int) -> timedelta:
    return timedelta(minutes=n)


@pytest.mark.parametrize(
    ("kinds", "seal", "codes"),
    [
        ((), None, ("SEAL_ABSENT",)),
        (("READ",), None, ("SEAL_ABSENT",)),
        (("SEALED",), "VERIFIED", ()),
        (("SEALED", "READ"), "VERIFIED", ()),
        (("SEALED", "BROKEN"), "BROKEN", ("SEAL_BROKEN",)),
        (("SEALED", "TAMPER", "READ"), "BROKEN", ("SEAL_BROKEN",)),
        (("SEALED", "UNSEALED"), None, ("SEAL_ABSENT",)),
        (("SEALED", "UNSEALED", "SEALED"), "VERIFIED", ()),
        (("SEALED", "FAULT", "READ"), "FAULT", ("SEAL_FAULT",)),
        (("SEALED", "LOW_BATTERY", "READ"), "UNVERIFIED", ("SEAL_LOW_BATTERY", "SEAL_UNVERIFIED")),
        (("SEALED", "GAP", "READ"), "UNVERIFIED", ("SEAL_UNVERIFIED",)),
    ],
)
def test_a_seal_before_leaving(kinds, seal, codes, read, make_event) -> None:
    events = [make_event(kind, age=minutes(60 - i)) for i, kind in enumerate(kinds)]
    report = read(*events)
    assert (report.seal, report.transit, report.codes) == (seal, "NOT_MOVED", codes)
    assert read(*reversed(events)) == report
    assert report.record.intact == {"VERIFIED": True, "BROKEN": False}.get(seal or "")


@pytest.mark.parametrize(
    ("kinds", "transit"),
    [
        (("SEALED", "ARRIVED"), "INTACT"),
        (("SEALED",), None),
        (("SEALED", "READ"), None),
        (("ARRIVED",), None),
        (("SEALED", "GAP", "ARRIVED"), "GAP"),
        (("SEALED", "UNSEALED", "SEALED", "ARRIVED"), "GAP"),
        (("SEALED", "BROKEN", "ARRIVED"), "TAMPER"),
        (("SEALED", "ARRIVED", "TAMPER"), "TAMPER"),
    ],
)
def test_a_seal_that_travelled(kinds, transit, read, make_event) -> None:
    events = [make_event(kind, age=minutes(60 - i)) for i, kind in enumerate(kinds)]
    assert read(*events, has_moved=True).transit == transit


def test_good_news_takes_a_trusted_signature_and_bad_news_does_not(read, make_event) -> None:
    sealed = make_event("SEALED", age=minutes(60))
    assert read(make_event("SEALED", signer=None)).seal == "UNVERIFIED"
    assert read(sealed, make_event("READ", signer=None)).seal == "UNVERIFIED"
    assert read(sealed, make_event("BROKEN", signer=None)).seal == "BROKEN"
    assert read(sealed, make_event("ARRIVED", signer=None), has_moved=True).transit is None


def test_a_reading_of_another_seal_or_container(read, make_event) -> None:
    sealed = make_event("SEALED", age=minutes(60))
    assert read(sealed, make_event("READ", seal_id="SEAL-2")).seal == "UNVERIFIED"
    assert read(sealed, make_event("ARRIVED", seal_id="SEAL-2"), has_moved=True).transit is None
    assert read(sealed, make_event("BROKEN", container_id="MWCU6059784")).seal == "VERIFIED"


def test_an_old_or_future_reading_proves_nothing(read, make_event, now) -> None:
    old = make_event("SEALED", age=timedelta(days=2))
    assert read(old).seal == "UNVERIFIED"
    assert read(old, make_event("READ")).seal == "VERIFIED"
    assert read(make_event("SEALED", age=minutes(-6))).seal == "UNVERIFIED"
    undated = msgspec.structs.replace(make_event("SEALED"), at="noon")
    assert read(undated).seal == "UNVERIFIED"


def test_a_second_seal_on_the_way_is_a_gap(read, make_event) -> None:
    events = (
        make_event("SEALED", age=minutes(60)),
        make_event("SEALED", age=minutes(50), seal_id="SEAL-2"),
        make_event("ARRIVED", age=minutes(5), seal_id="SEAL-2"),
    )
    assert read(*events, has_moved=True).transit == "GAP"


def test_whether_it_moved_must_be_known(read, make_event) -> None:
    sealed, arrived = make_event("SEALED", age=minutes(60)), make_event("ARRIVED")
    assert read(sealed, has_moved=None).transit is None
    assert read(sealed, arrived, has_moved=False).transit is None


def test_custody_is_kept_in_order_of_time(read, make_event) -> None:
    events = [
        make_event("READ", age=minutes(5)),
        make_event("SEALED", age=minutes(60)),
        make_event("GAP", age=minutes(30)),
    ]
    record = read(*events).record
    assert [event.status for event in record.custody] == ["SEALED", "GAP", "READ"]
    assert (record.id, record.gaps) == ("SEAL-1", 1)


@pytest.mark.parametrize("text", [None, "", "noon", "2026-03-01", "2026-03-01T12:00:00"])
def test_a_time_without_a_zone_is_none(text) -> None:
    assert parse_time(text) is None


def test_a_time_with_a_zone_is_utc() -> None:
    assert parse_time("2026-03-01T13:00:00+01:00") == parse_time("2026-03-01T12:00:00Z")
