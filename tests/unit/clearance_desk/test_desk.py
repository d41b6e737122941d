from __future__ import annotations

from screening.records import TreeHead, canonical_bytes, sha256_hex


def test_a_container_with_everything_in_order_may_leave(desk, sealing, bodies, now) -> None:
    sent = bodies(*sealing().clean())
    assert [one.status for one in desk.take(sent, received_at=now)] == ["ACCEPTED"] * 4
    (decision,) = desk.decide_due(now=now)
    assert (decision.risk, decision.action, decision.log_index) == ("LOW", "CLEARED_FOR_DEPARTURE", 4)
    view = desk.case("CSQU3054383")
    assert view is not None
    assert (view.risk, view.n_records, view.is_open, view.is_due) == ("LOW", 4, False, False)
    assert desk.decision(decision.decision_id) == canonical_bytes(decision)
    assert desk.records_of("CSQU3054383") == [*sent, canonical_bytes(decision)]
    (message,) = desk.outbox.claim("a", now=now)
    assert (message.body, message.key) == (canonical_bytes(decision), sha256_hex(canonical_bytes(decision)))


def test_handing_in_again_changes_nothing(desk, sealing, bodies, now) -> None:
    sent = bodies(*sealing().clean())
    desk.take([*sent, *sent], received_at=now)
    desk.decide_due(now=now)
    size = desk.ledger.size()
    assert [one.status for one in desk.take(sent, received_at=now)] == ["KNOWN"] * 4
    assert desk.decide_due(now=now) == []
    assert desk.ledger.size() == size == 5


def test_the_head_is_over_everything_taken_and_decided(desk, sealing, bodies, now) -> None:
    desk.take(bodies(*sealing().clean()), received_at=now)
    desk.decide_due(now=now)
    head = desk.head()
    assert isinstance(head, TreeHead)
    assert (head.size, desk.head()) == (5, head)
