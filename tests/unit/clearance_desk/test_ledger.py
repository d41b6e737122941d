"""The desk's ledger: audited clean, and held against the heads that were exported."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from types import SimpleNamespace

import pytest
from sqlalchemy import delete, update

from screening.clearance.desk import Database
from screening.clearance.desk.tables import entries, ledger, nodes
from screening.clearance.ledger import audit, leaf_hash, verify_entry
from screening.errors import IntegrityError
from screening.records import ClearanceDecision, parse_strict


@pytest.fixture
def filled(desk, sealed_traffic, decide, now):
    sent = sealed_traffic.traffic(8, seed=5)
    desk.take([one.body for one in sent], received_at=now)
    decide(desk)
    return desk


def test_an_audit_of_what_a_desk_wrote_is_clean(filled, keys) -> None:
    report = audit(filled.ledger, heads=[filled.head()], keys=keys)
    assert report.is_good, report


def test_every_entry_is_proven_under_the_head(filled) -> None:
    head = filled.head()
    for entry in filled.ledger.entries(0, head.size):
        assert verify_entry(entry.body, entry.index, filled.inclusion(entry.index), head)
        assert filled.ledger.node(0, entry.index) == leaf_hash(entry.body)


def test_every_decision_carries_its_place(filled) -> None:
    found = filled.decisions_since(0, limit=1000)
    assert len(found) >= 8
    for entry in found:
        assert parse_strict(entry.body, ClearanceDecision).log_index == entry.index
    half = found[4].index
    assert filled.decisions_since(half, limit=2) == found[4:6]


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_a_ledger_put_back_to_a_copy_opens_no_desk(open_desk, place, tmp_path, sealing, bodies, now) -> None:
    desk = open_desk()
    desk.take(bodies(sealing().event("SEALED")), received_at=now)
    with closing(sqlite3.connect(place)) as source, closing(sqlite3.connect(tmp_path / "copy")) as copy:
        source.backup(copy)
    desk.take(bodies(sealing().event("BROKEN")), received_at=now)
    head = desk.head()
    with pytest.raises(IntegrityError, match="1 entries"):
        open_desk(str(tmp_path / "copy"), heads=(head,))
    open_desk(heads=(head,)).take(bodies(sealing().event("READ")), received_at=now)


def test_another_ledger_of_the_same_name_opens_no_desk(
    open_desk, place, tmp_path, sealing, bodies, now
) -> None:
    desk = open_desk(ledger_id="site")
    desk.take(bodies(sealing().event("SEALED")), received_at=now)
    other = open_desk(str(tmp_path / "other"), ledger_id="site")
    other.take(bodies(sealing().event("READ")), received_at=now)
    with pytest.raises(IntegrityError):
        open_desk(heads=(other.head(),))
    assert open_desk(heads=(desk.head(),)).ledger_id == "site"


DAMAGE = {
    "the last entry is gone": lambda c: c.execute(delete(entries).where(entries.c.log_index == 4)),
    "one in the middle is gone": lambda c: c.execute(delete(entries).where(entries.c.log_index == 2)),
    "the size is set back": lambda c: c.execute(update(ledger).values(size=3)),
    "the frontier was changed": lambda c: c.execute(update(ledger).values(frontier=b"x" * 64)),
    "a node is gone": lambda c: c.execute(delete(nodes).where(nodes.c.level == 2)),
}


@pytest.mark.parametrize("name", list(DAMAGE))
def test_a_ledger_that_does_not_fit_together_opens_no_desk(
    desk, open_desk, place, sealing, bodies, decide, now, name
) -> None:
    desk.take(bodies(*sealing().clean()), received_at=now)
    decide(desk)
    database = Database(place)
    database.write(lambda c: SimpleNamespace(done=DAMAGE[name](c)))
    database.close()
    with pytest.raises(IntegrityError):
        open_desk()
