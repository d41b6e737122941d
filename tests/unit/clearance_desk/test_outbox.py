"""What is owed: leased, in the order of each container, given up visibly, replayed with care."""

from __future__ import annotations

from datetime import timedelta

import pytest

from screening.clearance.desk import SinkWants
from screening.errors import StoreError
from screening.records import ClearanceDecision, canonical_bytes, parse_strict


@pytest.fixture
def two_decisions(desk, sealing, bodies, decide, now):
    """Two decisions on one container, and one on another."""
    make, other = sealing(), sealing("MWCU6059784")
    desk.take(bodies(*make.clean(), *other.clean()), received_at=now)
    decide(desk)
    desk.take(bodies(make.event("BROKEN", age_s=0)), received_at=now)
    decide(desk)
    return make.box, other.box


def test_of_each_container_only_the_oldest_is_given(desk, two_decisions, now) -> None:
    broken, _ = two_decisions
    first = desk.outbox.claim("a", now=now)
    assert sorted(one.container_id for one in first) == sorted(two_decisions)
    assert [one.log_index for one in first] == sorted(one.log_index for one in first)
    assert desk.outbox.claim("a", now=now) == []
    desk.outbox.delivered([one.id for one in first], now)
    (second,) = desk.outbox.claim("a", now=now)
    assert (second.container_id, parse_strict(second.body, ClearanceDecision).risk) == (broken, "HIGH")


def test_a_lease_that_ends_gives_the_message_to_another(desk, two_decisions, now) -> None:
    ids = [one.id for one in desk.outbox.claim("a", now=now, lease_s=10)]
    assert desk.outbox.claim("a", now=now + timedelta(seconds=9)) == []
    again = desk.outbox.claim("a", now=now + timedelta(seconds=10))
    assert [(one.id, one.attempts) for one in again] == [(id_, 2) for id_ in ids]


def test_a_failed_message_waits_and_holds_its_container_back(desk, two_decisions, now) -> None:
    broken, _ = two_decisions
    claimed = {one.container_id: one.id for one in desk.outbox.claim("a", now=now, lease_s=600)}
    desk.outbox.failed(claimed[broken], "503", now + timedelta(minutes=1))
    assert desk.outbox.claim("a", now=now + timedelta(seconds=59)) == []
    (again,) = desk.outbox.claim("a", now=now + timedelta(seconds=60), lease_s=1)
    assert (again.id, again.error) == (claimed[broken], "503")


def test_the_dead_are_visible_and_hold_nobody_back(desk, two_decisions, now) -> None:
    broken, _ = two_decisions
    claimed = {one.container_id: one.id for one in desk.outbox.claim("a", now=now)}
    desk.outbox.bury(claimed[broken], "410 gone")
    assert [(one.id, one.error, one.state) for one in desk.outbox.dead()] == [
        (claimed[broken], "410 gone", "DEAD")
    ]
    assert desk.outbox.dead("b") == []
    assert [one.container_id for one in desk.outbox.claim("a", now=now)] == [broken]
    assert desk.outbox.counts() == {"a": {"PENDING": 2, "DELIVERED": 0, "DEAD": 1}}


def test_an_older_decision_is_not_replayed_over_a_later_one(desk, two_decisions, now) -> None:
    broken, other = two_decisions
    claimed = {one.container_id: one.id for one in desk.outbox.claim("a", now=now)}
    for id_ in claimed.values():
        desk.outbox.bury(id_, "gone")
    with pytest.raises(StoreError, match="replaced"):
        desk.outbox.replay([claimed[broken], claimed[other]])
    assert desk.outbox.counts()["a"]["DEAD"] == 2
    assert desk.outbox.replay([claimed[other]]) == 1
    assert desk.outbox.replay([claimed[broken]], force=True) == 1
    assert desk.outbox.dead() == []


def test_what_was_delivered_is_never_buried_or_owed_again(desk, two_decisions, now) -> None:
    ids = [one.id for one in desk.outbox.claim("a", now=now)]
    desk.outbox.delivered(ids, now)
    desk.outbox.bury(ids[0], "late")
    desk.outbox.failed(ids[0], "late", now)
    assert desk.outbox.replay(ids) == 0
    assert desk.outbox.counts() == {"a": {"PENDING": 1, "DELIVERED": 2, "DEAD": 0}}


def test_each_sink_is_owed_the_kinds_it_wants(open_desk, sealing, bodies, decide, now) -> None:
    desk = open_desk(
        sinks=(SinkWants(name="all", kinds=("clearance/1", "riskflag/1")), SinkWants(name="few"))
    )
    make = sealing()
    sent = make.clean()
    desk.take(bodies(*sent), received_at=now)
    (decision,) = decide(desk)
    owed = []
    while claimed := desk.outbox.claim("all", now=now):
        owed += [one.body for one in claimed]
        desk.outbox.delivered([one.id for one in claimed], now)
    assert owed == [*bodies(*sent[1:3]), canonical_bytes(decision)]
    assert [one.kind for one in desk.outbox.claim("few", now=now)] == ["clearance/1"]
