"""A decision rests on nothing that was revoked before it was taken."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from screening.clearance import KeyRing, default_policy
from screening.clearance.desk import Database, Desk, DeskRules
from screening.clearance.sharing import affected_by
from screening.records import canonical_bytes


@pytest.mark.parametrize("what", ["MODEL", "CONTAINER"])
def test_what_was_decided_in_knowledge_of_a_revocation_is_not_void_by_it(tmp_path, sealed_traffic, what):
    now = datetime.now(UTC)
    signer = sealed_traffic.signer_of()
    make = sealed_traffic.Sealing(signer, now=now)
    rules = DeskRules(administration="CA")
    subject = sealed_traffic.MODEL if what == "MODEL" else "CSQU3054383"
    with Desk(
        Database(tmp_path / "d.sqlite"),
        signer=signer,
        keys=KeyRing([signer.public]),
        policy=default_policy(),
        rules=rules,
    ) as desk:
        desk.take([canonical_bytes(record) for record in make.clean()], received_at=now)
        (low,) = desk.decide_due(now=now)
        assert low.risk == "LOW"
        revocation = make.revocation(what, subject, age_s=0)
        assert [one.decision.decision_id for one in affected_by(desk, revocation)] == [low.decision_id]
        desk.take([canonical_bytes(revocation)], received_at=now)
        (unknown,) = desk.decide_due(now=now + timedelta(seconds=1))
        assert unknown.risk == "UNKNOWN"
        found = [one.decision.decision_id for one in affected_by(desk, revocation)]
        assert unknown.decision_id not in found
        if what == "MODEL":
            assert found == [low.decision_id]
