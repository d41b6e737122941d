"""A second administration looks at the same evidence, says what it makes of it, and signs that."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from screening.clearance import KeyRing, verify_record
from screening.clearance.policy import parse_policy
from screening.clearance.sharing import Judgement, accept, pack, unpack
from screening.errors import PolicyError
from screening.records import (
    Acceptance,
    CaseInputs,
    Level,
    Reason,
    ReasonCode,
    canonical_bytes,
)


@pytest.fixture
def judge(parts, own_policy):
    def run(contents: Any, **changes: Any) -> Judgement:
        settings = {"trust": parts.make_trust(), "policy": own_policy, "at": parts.AT, **changes}
        data = contents if isinstance(contents, bytes) else pack(contents, signer=parts.CA)
        return accept(data, signer=parts.US, administration="US", **settings)

    return run


def test_cleared_once_accepted_twice(parts, site, judge) -> None:
    judged = judge(site.contents())
    assert (judged.outcome, judged.reasons) == ("ACCEPT", ())
    assert judged.own is not None
    assert (judged.own.risk, judged.own.action) == ("LOW", "ACCEPT")
    assert judged.acceptance is not None
    record = verify_record(canonical_bytes(judged.acceptance), Acceptance, KeyRing([parts.US.public]))
    assert record.decision_id == site.decision().decision_id
    assert (record.administration, record.outcome, record.reasons) == ("US", "ACCEPT", ())
    assert record.verified.signature
    assert record.verified.chain
    assert record.verified.models_allowed
    assert record.verified.calibration_valid
    assert not record.verified.policy_equivalent, "another policy, of another administration"


def test_the_same_bundle_gives_the_same_acceptance(site, judge) -> None:
    first, second = judge(site.contents()), judge(site.contents())
    assert canonical_bytes(first.acceptance) == canonical_bytes(second.acceptance)


def test_an_equivalent_policy_is_told(site, judge, own_policy) -> None:
    named = site.decision().policy.sha256
    policy = msgspec.structs.replace(own_policy, equivalent_policies=(named,))
    assert judge(site.contents(), policy=policy).verified.policy_equivalent


def test_both_outcomes_are_shown_side_by_side(parts, site, judge, own_policy) -> None:
    """The second administration takes no targeting of anybody for granted."""
    stricter = msgspec.structs.replace(own_policy, reads={"targeting": {"LOW": "UNKNOWN"}})
    judged = judge(site.contents(), policy=stricter)
    assert judged.outcome == "RE_EXAMINE"
    assert judged.reasons == ("OWN_OUTCOME_NOT_LOW", "POLICY_NOT_EQUIVALENT")
    told = judged.as_json()
    assert (told["theirs"]["administration"], told["theirs"]["risk"]) == ("CA", "LOW")
    assert (told["own"]["risk"], told["own"]["action"]) == ("UNKNOWN", "REFER_NII")
    assert told["outcome"] == "RE_EXAMINE"
    assert msgspec.json.decode(msgspec.json.encode(told)) == told


@pytest.mark.parametrize(("level", "outcome"), [("UNKNOWN", "RE_EXAMINE"), ("HIGH", "REJECT")])
def test_own_targeting_counts(level: str, outcome: str, parts, site, judge) -> None:
    theirs = parts.make_assessment(Level(level), parts.LEFT - timedelta(hours=1))
    targeting = msgspec.structs.replace(theirs.targeting, administration="US")
    own = parts.US.seal(msgspec.structs.replace(theirs, targeting=targeting))
    judged = judge(site.contents(), own_records=[canonical_bytes(own)])
    assert judged.outcome == outcome
    assert "OWN_OUTCOME_NOT_LOW" in judged.reasons
    assert judged.differences["targeting"] == ("LOW", level)


def test_evidence_too_old_for_the_second_administration(site, judge, own_policy) -> None:
    judged = judge(site.contents(), policy=msgspec.structs.replace(own_policy, max_flag_age_s=86400))
    assert judged.outcome == "RE_EXAMINE"
    assert "STALE_EVIDENCE" in judged.reasons


def test_a_seal_not_read_on_arrival(parts, site, judge) -> None:
    arrived = site.records.pop()
    judged = judge(site.contents())
    assert judged.outcome == "RE_EXAMINE"
    assert "SEAL_NOT_VERIFIED" in judged.reasons
    accepted = judge(site.contents(), own_records=[canonical_bytes(arrived)])
    assert accepted.outcome == "ACCEPT", "read by the second administration's own gateway"


def test_another_seal_on_arrival(parts, site, judge) -> None:
    site.records[-1] = parts.make_event("ARRIVED", parts.ARRIVED, seal_id="SEAL-2", place="USINL")
    judged = judge(site.contents())
    assert judged.outcome != "ACCEPT"
    assert "SEAL_NOT_VERIFIED" in judged.reasons


@pytest.mark.parametrize("event", ["BROKEN", "TAMPER"])
def test_a_breach_on_the_way_is_rejected_whenever_it_is_heard_of(event: str, parts, site, judge) -> None:
    news = parts.make_event(event, parts.LEFT + timedelta(days=1))
    late = judge(site.contents(), own_records=[canonical_bytes(news)])
    site.records.append(news)
    for judged in (judge(site.contents()), late):
        assert judged.outcome == "REJECT"
        assert {"VOID_SEAL_BROKEN", "HIGH_STANDS"} <= set(judged.reasons)
        assert judged.own is not None
        assert judged.own.risk == "HIGH"


def test_a_high_decision_is_rejected(parts, site, judge) -> None:
    alarm = Reason(code=ReasonCode.RAD_NEUTRON, level=Level.HIGH, text="neutrons")
    site.flags[1] = parts.make_flag("NEUTRON", alarm, level=Level.HIGH, is_severe=True)
    site.inputs = CaseInputs(
        targeting=Level.LOW, seal="VERIFIED", radiation=Level.HIGH, severe=True, transit="NOT_MOVED"
    )
    judged = judge(site.contents())
    assert judged.outcome == "REJECT"
    assert "HIGH_STANDS" in judged.reasons


def test_a_low_decision_over_a_high_flag_is_rejected(parts, site, judge) -> None:
    """The first administration called it LOW; the flag it names says otherwise."""
    alarm = Reason(code=ReasonCode.RAD_NUCLIDE_SNM, level=Level.HIGH, text="Pu-239")
    site.flags[0] = parts.make_flag("RAD_GROSS", alarm, level=Level.HIGH, is_severe=True)
    judged = judge(site.contents())
    assert judged.outcome == "REJECT"
    assert judged.reasons == (
        "HIGH_STANDS", "OWN_OUTCOME_NOT_LOW", "POLICY_NOT_EQUIVALENT",
    )  # fmt: skip


def test_a_decision_that_cleared_nothing_is_not_accepted(site, judge) -> None:
    site.inputs = CaseInputs(targeting=Level.LOW, radiation=Level.LOW, transit="NOT_MOVED")
    judged = judge(site.contents())
    assert judged.outcome == "RE_EXAMINE"
    assert judged.reasons == ("NOT_CLEARED",)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        (lambda parts: {"trust": parts.make_trust(models=())}, "MODEL_NOT_ALLOWED"),
        (lambda parts: {"trust": parts.make_trust(lists=())}, "REVOCATIONS_MISSING"),
        (
            lambda parts: {
                "trust": parts.make_trust(lists=[parts.make_list(at=parts.AT - timedelta(days=8))])
            },
            "REVOCATIONS_OLD",
        ),
        (
            lambda parts: {"trust": parts.make_trust(lists=[parts.make_list(("CONTAINER", parts.BOX))])},
            "VOID_NEW_INTEL",
        ),
    ],
)
def test_what_holds_and_is_not_allowed_here_is_examined_again(
    changes: Any, code: str, parts, site, judge
) -> None:
    judged = judge(site.contents(), **changes(parts))
    assert (judged.outcome, judged.reasons[0]) == ("RE_EXAMINE", code)


def test_an_unsealed_bundle_is_examined_again(site, judge) -> None:
    judged = judge(pack(site.contents()))
    assert (judged.outcome, judged.reasons) == ("RE_EXAMINE", ("UNSEALED_BUNDLE",))
    assert not judged.verified.signature


def test_bytes_that_are_no_bundle_are_rejected_without_a_name(site, judge, parts) -> None:
    data = bytearray(pack(site.contents(), signer=parts.CA))
    data[-1] ^= 1
    judged = judge(bytes(data))
    assert judged.outcome == "REJECT"
    assert judged.acceptance is None
    assert judged.own is None
    assert judged.as_json()["theirs"] is None


def test_a_forged_decision_is_rejected_by_its_own_name(parts, site, judge) -> None:
    forged = parts.with_id(msgspec.structs.replace(site.decision(), administration="XX"))
    judged = judge(site.contents(decision=canonical_bytes(forged)))
    assert judged.reasons == ("BAD_SIGNATURE",)
    assert judged.acceptance is not None
    assert judged.acceptance.outcome == "REJECT"
    assert judged.acceptance.decision_id == forged.decision_id


def test_nothing_is_accepted_in_an_exercise(parts, site, own_policy) -> None:
    data = pack(site.contents(), signer=parts.CA)
    with pytest.raises(PolicyError):
        accept(data, parts.make_trust(), own_policy, parts.EXERCISE, "US", parts.AT)


def test_an_arrival_decision_is_weighed_against_the_departure_before_it(parts, site, judge) -> None:
    """The decision shared is the one of the arrival; the seal that left is that of the one before."""
    left = canonical_bytes(site.decision())
    chain = (canonical_bytes(site.earlier()), left)
    arrival = msgspec.structs.replace(
        site.decision(),
        stage="ARRIVAL",
        action="ACCEPT",
        inputs=msgspec.structs.replace(site.inputs, transit="INTACT"),
        decided_at=parts.text_of(parts.ARRIVED + timedelta(minutes=5)),
        prev_hash=parts.sha256_hex(left),
    )
    body = canonical_bytes(parts.CA.seal(parts.with_id(arrival)))
    head, proof = parts.ledger_of(body)
    judged = judge(site.contents(decision=body, chain=chain, head=head, inclusion=proof))
    assert (judged.outcome, judged.reasons) == ("ACCEPT", ())
    without = judge(site.contents(decision=body, chain=(left,), head=head, inclusion=proof))
    assert without.outcome == "ACCEPT", "the chain may begin later, if every link is there"


def test_acceptance_at_departure(parts, site, judge) -> None:
    del site.records[2:]
    lists = parts.make_trust(lists=[parts.make_list(at=parts.LEFT)])
    at = parts.LEFT + timedelta(minutes=5)
    head, proof = parts.ledger_of(canonical_bytes(site.decision()), at=parts.LEFT)
    contents = site.contents(made_at=parts.text_of(at), head=head, inclusion=proof)
    judged = judge(contents, at=at, stage="DEPARTURE", trust=lists)
    assert (judged.outcome, judged.reasons) == ("ACCEPT", ())
    assert judged.own is not None
    assert judged.own.action == "CLEARED_FOR_DEPARTURE"
    assert judge(contents, at=at, stage="ARRIVAL", trust=lists).outcome == "RE_EXAMINE"


def test_the_policy_that_judges_is_ones_own(parts, site, judge) -> None:
    """The bundle's policy is the first administration's; nothing is weighed under it."""
    lax = parse_policy(parts.POLICY.replace(b"86400\nmax_targeting", b"31536000\nmax_targeting"))
    site.policy = parts.POLICY.replace(b"86400\nmax_targeting", b"31536000\nmax_targeting")
    assert judge(site.contents(), policy=lax).verified.policy_equivalent
    strict = parse_policy(parts.POLICY)
    assert "STALE_EVIDENCE" in judge(site.contents(), policy=strict).reasons
    assert unpack(pack(site.contents())).policy == site.policy
