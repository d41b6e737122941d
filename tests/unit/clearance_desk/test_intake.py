"""What a desk takes, and the code under which it refuses the rest."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from screening.clearance import KeyRing
from screening.records import RevocationList, TreeHead, canonical_bytes, sha256_hex


def codes(taken) -> list[str | None]:
    return [one.failure for one in taken]


def test_what_no_trusted_key_sealed_is_refused_and_the_rest_taken(
    desk, sealing, bodies, sealed_traffic, now
) -> None:
    stranger = sealed_traffic.signer_of("s")
    good, other = sealing().flag("RAD_GROSS"), sealing(signer=stranger).flag("NEUTRON")
    taken = desk.take([*bodies(good, other), b"{}", b"\xff", b'{"schema":"nonsense/1"}'], received_at=now)
    assert codes(taken) == [None, "UNKNOWN_KEY", "MALFORMED", "MALFORMED", "NOT_WANTED"]
    assert desk.ledger.size() == 1
    assert taken[0].sha256 == sha256_hex(canonical_bytes(good))


def test_bytes_that_are_not_canonical_or_were_changed_are_refused(desk, sealing, bodies, now) -> None:
    (body,) = bodies(sealing().event("SEALED"))
    spaced = body.replace(b'":"', b'": "', 1)
    changed = body.replace(b'"SEALED"', b'"READ"')
    assert codes(desk.take([spaced, changed], received_at=now)) == ["NOT_CANONICAL", "BAD_SIGNATURE"]


def test_a_record_dated_ahead_of_the_clock_is_refused(desk, sealing, bodies, now) -> None:
    ahead, a_little = sealing().event("READ", age_s=-61), sealing().event("READ", age_s=-59)
    assert codes(desk.take(bodies(ahead, a_little), received_at=now)) == ["CLOCK", None]


def test_old_data_are_refused_unless_they_are_known(open_desk, sealing, bodies, now) -> None:
    desk = open_desk(max_record_age_s=3600.0)
    (body,) = bodies(sealing().event("SEALED", age_s=3000))
    assert codes(desk.take([body], received_at=now)) == [None]
    later = now + timedelta(hours=1)
    (again,) = desk.take([body], received_at=later)
    assert (again.status, again.failure) == ("KNOWN", None)
    (other,) = desk.take(bodies(sealing().event("READ", age_s=601)), received_at=later)
    assert (other.status, other.failure) == ("REFUSED", "TOO_OLD")


def test_a_record_too_large_is_not_even_read(open_desk, sealing, bodies, now) -> None:
    desk = open_desk(max_record_bytes=400)
    assert codes(desk.take([*bodies(sealing().flag("RAD_GROSS")), b"{" * 401], received_at=now)) == [
        "TOO_LARGE",
        "TOO_LARGE",
    ]


def test_decisions_and_heads_of_others_are_not_wanted(desk, sealing, ops, bodies, decide, now) -> None:
    desk.take(bodies(*sealing().clean()), received_at=now)
    (decision,) = decide(desk)
    head = ops.seal(TreeHead(ledger_id="x", size=0, root="0" * 64, at="2026-03-01T12:00:00Z"))
    assert codes(desk.take(bodies(decision, head), received_at=now)) == ["NOT_WANTED", "NOT_WANTED"]


def test_a_desk_of_the_operation_takes_nothing_of_an_exercise(desk, sealing, exercise, bodies, now) -> None:
    drill = sealing(signer=exercise)
    sent = bodies(
        drill.event("SEALED"), drill.flag("NEUTRON", "EXERCISE"), sealing().flag("RAD_GROSS", "EXERCISE")
    )
    assert codes(desk.take(sent, received_at=now)) == ["EXERCISE_KEY", "EXERCISE_KEY", "EXERCISE_RECORD"]


def test_a_desk_of_an_exercise_takes_nothing_of_the_operation(
    open_desk, sealing, exercise, bodies, decide, now
) -> None:
    desk = open_desk(signer=exercise)
    sent = bodies(
        sealing().event("SEALED"), sealing().flag("RAD_GROSS"), sealing().flag("NEUTRON", "EXERCISE")
    )
    assert codes(desk.take(sent, received_at=now)) == ["NOT_EXERCISE", "NOT_EXERCISE", None]
    drill = sealing(signer=exercise)
    desk.take(
        bodies(drill.targeting(), drill.flag("RAD_GROSS", "EXERCISE"), drill.event("SEALED")), received_at=now
    )
    (decision,) = decide(desk)
    assert (decision.is_exercise, "EXERCISE" in decision.reason_codes) == (True, True)


def test_a_key_speaks_for_its_kinds_sites_and_time_alone(open_desk, sealing, ops, bodies, now) -> None:
    def with_key(**bounds):
        key = msgspec.structs.replace(ops.public, **bounds)
        return open_desk(trusted=KeyRing([key]))

    sent = bodies(sealing().flag("RAD_GROSS"))
    assert codes(with_key(kinds=("sealevent/1",)).take(sent, received_at=now)) == ["WRONG_KIND"]
    assert codes(with_key(sites=("ELSEWHERE",)).take(sent, received_at=now)) == ["WRONG_LANE"]
    assert codes(with_key(modalities=("XRAY",)).take(sent, received_at=now)) == ["WRONG_MODALITY"]
    assert codes(with_key(modalities=("XRAY", "RAD_GROSS")).take(sent, received_at=now)) == [None]
    # The flag was made ten minutes ago: its key has to have been good then, not now.
    assert codes(with_key(expires="2026-03-01T11:49:00Z").take(sent, received_at=now)) == ["EXPIRED_KEY"]
    assert codes(with_key(not_before="2026-03-01T11:51:00Z").take(sent, received_at=now)) == ["NOT_YET_VALID"]
    assert codes(with_key(expires="2026-03-01T11:51:00Z").take(sent, received_at=now)) == [None]


@pytest.mark.parametrize("name", ["x" * 129, "a\x00b", "line\nfeed"])
def test_a_name_that_no_column_takes_spoils_nothing_for_others(desk, sealing, bodies, now, name) -> None:
    bad = sealing().flag("RAD_GROSS", scan_id=name)
    assert codes(desk.take(bodies(bad, sealing().event("SEALED")), received_at=now)) == ["BAD_NAME", None]


def test_a_number_in_another_form_would_be_passed_over_and_is_refused(desk, sealing, bodies, now) -> None:
    broken = sealing("CSQU 305438 3").event("BROKEN")
    assert codes(desk.take(bodies(broken), received_at=now)) == ["BAD_NAME"]


def test_under_a_revoked_key_nothing_new_is_taken(
    desk, sealing, ops, bodies, decide, now, open_desk, sealed_traffic
) -> None:
    lane = sealed_traffic.signer_of("l")
    desk = open_desk(trusted=KeyRing([ops.public, lane.public]))
    mine = sealing(signer=lane)
    desk.take(
        bodies(sealing().targeting(), mine.flag("RAD_GROSS"), sealing().event("SEALED")), received_at=now
    )
    assert [d.risk for d in decide(desk)] == ["LOW"]
    desk.take(bodies(sealing().revocation("KEY", lane.key_id)), received_at=now)
    (voided,) = decide(desk)
    assert (voided.risk, voided.inputs.radiation) == ("UNKNOWN", None)
    assert codes(desk.take(bodies(mine.flag("NEUTRON")), received_at=now)) == ["REVOKED_KEY"]


def test_a_revoked_model_voids_what_rests_on_it(desk, sealing, bodies, decide, now, sealed_traffic) -> None:
    desk.take(bodies(*sealing().clean()), received_at=now)
    (first,) = decide(desk)
    assert desk.resting_on(sealed_traffic.MODEL) == [first.decision_id]
    assert (
        desk.resting_on("cal-1") == desk.resting_on(sealed_traffic.signer_of().key_id) == [first.decision_id]
    )
    old = sealing().revocation("MODEL", sealed_traffic.MODEL, age_s=400 * 86400)
    assert codes(desk.take(bodies(old), received_at=now)) == [None]
    (second,) = decide(desk)
    assert (second.risk, second.prev_hash) == ("UNKNOWN", sha256_hex(canonical_bytes(first)))


def test_in_a_list_everything_counts_that_its_seal_vouches_for(
    desk, sealing, ops, bodies, decide, now, sealed_traffic
) -> None:
    """The key of an entry may have been replaced since; what it revoked stays revoked."""
    desk.take(bodies(*sealing().clean()), received_at=now)
    decide(desk)
    replaced = sealing(signer=sealed_traffic.signer_of("s")).revocation("MODEL", sealed_traffic.MODEL)
    times = {"issued_at": "2026-03-01T11:00:00Z", "next_update": "2026-03-08T11:00:00Z"}
    unsealed = RevocationList(administration="CA", number=1, revocations=(replaced,), **times)
    stranger = sealed_traffic.signer_of("s")
    assert codes(desk.take(bodies(stranger.seal(unsealed)), received_at=now)) == ["UNKNOWN_KEY"]
    assert decide(desk) == []
    assert codes(desk.take(bodies(ops.seal(unsealed)), received_at=now)) == [None]
    assert [d.risk for d in decide(desk)] == ["UNKNOWN"]


def test_new_intelligence_on_a_container_opens_its_case_again(desk, sealing, bodies, decide, now) -> None:
    desk.take(bodies(*sealing().clean()), received_at=now)
    decide(desk)
    desk.take(bodies(sealing().revocation("CONTAINER", sealing().box)), received_at=now)
    (again,) = decide(desk)
    assert again.risk == "UNKNOWN"
