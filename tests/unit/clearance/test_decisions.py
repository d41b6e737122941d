from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from screening.clearance import KeyRing, conclude, record_hash, verify_decision, verify_record
from screening.clearance import decisions as decisions_module
from screening.clearance.policy import Policy, parse_policy
from screening.errors import IntegrityError, PolicyError
from screening.records import Action, Adjudication, ClearanceDecision, Level, canonical_bytes, content_id


@pytest.fixture
def decide_case(policy, now, ops, keys):
    def decide(case, **changes):
        settings = {
            "policy": policy,
            "administration": "CA",
            "at": now,
            "signer": ops,
            "keys": keys,
            **changes,
        }
        return conclude(case, **settings)

    return decide


def failed(report) -> list[str]:
    return [check.name for check in report.checks if not check.passed]


def test_an_innocent_container_may_leave(make_case, decide_case, keys, now) -> None:
    case = make_case()
    decision = decide_case(case)
    assert (decision.risk, decision.action, decision.reason_codes) == ("LOW", "CLEARED_FOR_DEPARTURE", ())
    assert (decision.stage, decision.is_exercise) == ("DEPARTURE", False)
    assert [(step.step, step.done) for step in decision.required_steps] == [
        ("TARGETING", True), ("SEAL", True), ("RADIATION", True),
    ]  # fmt: skip
    assert [ref.sha256 for ref in decision.flags] == [record_hash(flag) for flag in case.flags]
    assert decision.validity.expires == "2026-03-04T12:00:00.000Z"
    assert decision.consignment.seals == ("SEAL-1",)
    data = canonical_bytes(decision)
    assert verify_record(data, ClearanceDecision, keys) == decision
    report = verify_decision(data, keys, at=now, flags=[canonical_bytes(flag) for flag in case.flags])
    assert report.is_good, report.checks
    assert decision.decision_id == content_id(decision, without=("decision_id", "key_id", "signature"))


def test_the_same_case_gives_the_same_decision(make_case, decide_case) -> None:
    assert canonical_bytes(decide_case(make_case())) == canonical_bytes(decide_case(make_case()))


def test_a_container_arrives_with_the_seal_it_left_with(make_case, make_event, decide_case) -> None:
    left = decide_case(make_case())
    events = (make_event("SEALED"), make_event("ARRIVED", age=timedelta(minutes=-60)))
    later = left.decided_at.replace("T12", "T13")
    at = datetime.fromisoformat(later)
    arrived = decide_case(make_case(seal_events=events, has_moved=True), previous=left, at=at)
    assert (arrived.risk, arrived.action, arrived.stage) == ("LOW", "ACCEPT", "ARRIVAL")
    assert arrived.prev_hash == record_hash(left)
    other = tuple(
        make_event(e.event, age=timedelta(minutes=m), seal_id="SEAL-2")
        for e, m in zip(events, (30, -60), strict=True)
    )
    swapped = decide_case(make_case(seal_events=other, has_moved=True), previous=left, at=at)
    assert (swapped.risk, swapped.inputs.transit) == ("UNKNOWN", "GAP")


def test_the_chain_refuses_other_containers_and_later_decisions(make_case, decide_case, now) -> None:
    left = decide_case(make_case())
    with pytest.raises(IntegrityError, match="container CSQU3054383"):
        decide_case(make_case(container_id="MWCU6059784"), previous=left)
    with pytest.raises(IntegrityError, match="later"):
        decide_case(make_case(), previous=left, at=now - timedelta(seconds=1))
    with pytest.raises(ValueError, match="zone"):
        decide_case(make_case(), at=now.replace(tzinfo=None))


class TestExercise:
    CODES = ("MODE_NOT_OPS", "EXERCISE")

    @pytest.fixture
    def played(self, make_case, make_flag, make_event, exercise):
        def make(*codes: str, **changes):
            flags = tuple(
                make_flag(m, *self.CODES, *codes, signer=exercise) for m in ("RAD_GROSS", "NEUTRON")
            )
            return make_case(flags=flags, seal_events=(make_event("SEALED", signer=exercise),), **changes)

        return make

    def test_it_is_decided_to_its_end(self, played, decide_case, exercise) -> None:
        case = played()
        assert {flag.level for flag in case.flags} == {"UNKNOWN"}
        decision = decide_case(case, signer=exercise)
        assert (decision.action, decision.is_exercise) == ("CLEARED_FOR_DEPARTURE", True)
        assert decision.reason_codes == ("EXERCISE",)
        held = decide_case(played("RAD_NEUTRON"), signer=exercise)
        assert (held.action, held.risk) == ("HOLD", "HIGH")

    def test_only_the_mode_is_set_aside(self, played, decide_case, exercise) -> None:
        decision = decide_case(played("Q_SPEED"), signer=exercise)
        assert (decision.risk, decision.action) == ("UNKNOWN", "REFER_SECONDARY_RAD")
        assert decision.reason_codes == ("Q_SPEED", "STEP_SKIPPED", "EXERCISE")

    def test_an_operational_key_never_clears_its_flags(
        self, played, decide_case, make_case, make_flag, ops
    ) -> None:
        decision = decide_case(played())
        assert (decision.inputs.radiation, decision.action) == (None, "REFER_SECONDARY_RAD")
        sealed_by_lane = make_case(flags=(make_flag("RAD_GROSS", *self.CODES, signer=ops),))
        assert decide_case(sealed_by_lane).inputs.radiation == "UNKNOWN"

    def test_it_decides_on_no_flag_of_operation(self, make_case, decide_case, exercise) -> None:
        with pytest.raises(PolicyError, match="exercise decides only"):
            decide_case(make_case(), signer=exercise)

    def test_it_shares_no_chain_with_operation(self, played, make_case, decide_case, exercise) -> None:
        with pytest.raises(PolicyError, match="share no decisions"):
            decide_case(played(), signer=exercise, previous=decide_case(make_case()))

    def test_verification_refuses_it(self, played, decide_case, exercise, keys, now) -> None:
        data = canonical_bytes(decide_case(played(), signer=exercise))
        report = verify_decision(data, keys, at=now)
        assert failed(report) == ["record"]
        assert report.checks[0].text.startswith("EXERCISE_KEY")
        shown = verify_decision(data, keys, at=now, allow_exercise=True)
        assert shown.is_good
        assert "EXERCISE: never valid for cargo" in [check.text for check in shown.checks]

    def test_its_key_cannot_sign_for_cargo(self, make_case, decide_case, exercise, ops) -> None:
        real = decide_case(make_case())
        with pytest.raises(PolicyError, match="scope exercise"):
            exercise.seal(real)
        with pytest.raises(PolicyError, match="scope ops"):
            ops.seal(msgspec.structs.replace(real, is_exercise=True))


def test_verification_names_what_failed(make_case, decide_case, keys, ops, now) -> None:
    case = make_case()
    left = decide_case(case)
    again = decide_case(case, previous=left)
    data, flags = canonical_bytes(again), [canonical_bytes(flag) for flag in case.flags]
    assert failed(verify_decision(data, keys, previous=canonical_bytes(left), at=now, flags=flags)) == []
    assert failed(verify_decision(data, keys, previous=data)) == ["chain"]
    assert failed(verify_decision(data, keys, at=now + timedelta(days=3))) == ["validity"]
    assert failed(verify_decision(data, keys, at=now - timedelta(seconds=1))) == ["validity"]
    assert failed(verify_decision(data, keys, flags=flags[:1])) == [f"flag {case.flags[1].flag_id[:12]}"]
    extra = [*flags, b"{}"]
    assert failed(verify_decision(data, keys, flags=extra)) == ["flags"]
    assert failed(verify_decision(data, KeyRing())) == ["record"]
    assert verify_decision(b"{}", keys).decision is None


def test_a_sealed_decision_against_the_table_is_found_out(
    make_case, make_flag, decide_case, keys, ops
) -> None:
    held = decide_case(make_case(flags=(make_flag("RAD_GROSS", "RAD_GAMMA_NSIGMA"),)))
    lie = msgspec.structs.replace(held, risk=Level.LOW, action=Action.CLEARED_FOR_DEPARTURE)
    lie = msgspec.structs.replace(
        lie, decision_id=content_id(lie, without=("decision_id", "key_id", "signature"))
    )
    report = verify_decision(canonical_bytes(ops.seal(lie)), keys)
    assert failed(report) == ["outcome"]


FLAT = """
id = "site"
version = "2"
max_flag_age_s = 86400
max_targeting_age_s = 259200
max_seal_reading_age_s = 86400
validity_s = 3600
"""


def site(more: str) -> Policy:
    return parse_policy((FLAT + more).encode())


def resealed(decision: ClearanceDecision, signer, **changes: Any) -> bytes:
    lie = msgspec.structs.replace(decision, **changes)
    lie = msgspec.structs.replace(
        lie, decision_id=content_id(lie, without=("decision_id", "key_id", "signature"))
    )
    return canonical_bytes(signer.seal(lie))


IMAGE_ALWAYS = 'required_steps = ["TARGETING", "SEAL", "RADIATION", "IMAGE"]'


def test_the_place_in_the_ledger_is_signed(make_case, decide_case, keys) -> None:
    plain, logged = decide_case(make_case()), decide_case(make_case(), log_index=41)
    assert (plain.log_index, logged.log_index) == (None, 41)
    assert plain.decision_id != logged.decision_id
    data = canonical_bytes(logged)
    assert verify_decision(data, keys).is_good
    assert failed(verify_decision(data.replace(b'"log_index":41', b'"log_index":42'), keys)) == ["record"]


def test_what_voids_it_and_when_it_ends_are_the_policys(make_case, decide_case) -> None:
    policy = site('void_on = ["SEAL_BROKEN", "MODEL_REVOKED"]')
    decision = decide_case(make_case(), policy=policy)
    assert decision.validity.void_on == ("SEAL_BROKEN", "MODEL_REVOKED")
    assert decision.validity.expires == "2026-03-01T13:00:00.000Z"


def test_a_step_that_the_site_requires_is_asked_for(make_case, make_flag, decide_case) -> None:
    policy = site(IMAGE_ALWAYS)
    referred = decide_case(make_case(), policy=policy)
    assert (referred.risk, referred.action) == ("UNKNOWN", "REFER_NII")
    assert referred.reason_codes == ("STEP_SKIPPED",)
    assert [(step.step, step.done) for step in referred.required_steps] == [
        ("TARGETING", True), ("SEAL", True), ("RADIATION", True), ("IMAGE", False),
    ]  # fmt: skip
    case = make_case()
    picture = make_flag("XRAY")
    seen = decide_case(msgspec.structs.replace(case, flags=(*case.flags, picture)), policy=policy)
    assert (seen.risk, seen.action, seen.reason_codes) == ("LOW", "CLEARED_FOR_DEPARTURE", ())
    assert [s.flag_ids for s in seen.required_steps if s.step == "IMAGE"] == [(picture.flag_id,)]


def test_paper_does_not_fulfil_a_secondary_inspection_that_the_site_requires(
    make_case, make_flag, decide_case
) -> None:
    alarm = make_flag("RAD_GROSS", "RAD_GAMMA_NSIGMA")
    paper = Adjudication(
        officer_ref="o1", flag_id=alarm.flag_id, code=5, basis="PAPER", at="2026-03-01T11:55:00.000Z"
    )
    case = make_case(flags=(alarm, make_flag("NEUTRON"), make_flag("XRAY")), adjudications=(paper,))
    steps = 'required_steps = ["TARGETING", "SEAL", "RADIATION", "SECONDARY_RAD"]'
    for more, action, is_done in (("", "CLEARED_FOR_DEPARTURE", True), (steps, "REFER_SECONDARY_RAD", False)):
        decision = decide_case(case, policy=site(more))
        assert decision.inputs.adjudication == "INNOCENT_PAPER"
        assert decision.action == action
        assert [step.done for step in decision.required_steps if step.step == "SECONDARY_RAD"] == [is_done]


def test_a_rule_of_the_site_decides(make_case, decide_case) -> None:
    policy = site("""
[[rules]]
when = { destuff = ["MISSING"] }
risk = "HIGH"
action = "HOLD"
""")
    decision = decide_case(make_case(), policy=policy)
    assert (decision.risk, decision.action, decision.reason_codes) == ("HIGH", "HOLD", ("STEP_SKIPPED",))


def test_revocations_and_trust_reach_the_weighing(make_case, decide_case, monkeypatch) -> None:
    asked: list[dict[str, object]] = []
    weigh: Callable[..., Any] = decisions_module.weigh

    def listen(case, *, revoked=frozenset(), is_trusted=None, **known):
        asked.append({"revoked": revoked, "is_trusted": is_trusted})
        return weigh(case, **known)

    monkeypatch.setattr(decisions_module, "weigh", listen)

    def is_trusted(_: object) -> bool:
        return False

    decide_case(make_case(), revoked=frozenset({"m" * 64}), is_trusted=is_trusted)
    decide_case(make_case())
    assert asked == [
        {"revoked": {"m" * 64}, "is_trusted": is_trusted},
        {"revoked": frozenset(), "is_trusted": None},
    ]


class TestVerifyingUnderAPolicy:
    def test_it_is_exactly_what_the_policy_says(self, make_case, decide_case, keys) -> None:
        policy = site(IMAGE_ALWAYS)
        data = canonical_bytes(decide_case(make_case(), policy=policy))
        report = verify_decision(data, keys, policy=policy)
        assert report.is_good
        assert [check.name for check in report.checks] == [
            "record",
            "operation",
            "policy",
            "terms",
            "outcome",
        ]

    def test_without_the_policy_it_is_held_to_the_floor(self, make_case, decide_case, keys) -> None:
        data = canonical_bytes(decide_case(make_case(), policy=site(IMAGE_ALWAYS)))
        report = verify_decision(data, keys)
        assert report.is_good
        assert report.checks[-1].text == (
            "UNKNOWN REFER_NII; the table says LOW CLEARED_FOR_DEPARTURE"
        )  # fmt: skip

    def test_another_policy_is_named(self, make_case, decide_case, keys, policy) -> None:
        data = canonical_bytes(decide_case(make_case(), policy=site("")))
        assert failed(verify_decision(data, keys, policy=policy)) == ["policy", "terms"]

    def test_a_decision_milder_than_its_policy_is_found_out(self, make_case, decide_case, keys, ops) -> None:
        policy = site(IMAGE_ALWAYS)
        referred = decide_case(make_case(), policy=policy)
        lie = resealed(referred, ops, risk=Level.LOW, action=Action.CLEARED_FOR_DEPARTURE)
        assert failed(verify_decision(lie, keys, policy=policy)) == ["outcome"]
        assert verify_decision(lie, keys).is_good

    def test_terms_of_its_own_are_found_out(self, make_case, decide_case, keys, ops) -> None:
        policy = site("")
        decision = decide_case(make_case(), policy=policy)
        longer = msgspec.structs.replace(decision.validity, expires="2026-03-02T12:00:00.000Z")
        never_void = msgspec.structs.replace(decision.validity, void_on=())
        for validity in (longer, never_void):
            data = resealed(decision, ops, validity=validity)
            assert failed(verify_decision(data, keys, policy=policy)) == ["terms"]

    @pytest.mark.parametrize(
        ("codes", "risk", "action"),
        [
            (("RAD_NEUTRON",), "HIGH", "REFER_NII"),
            (("RAD_NEUTRON",), "UNKNOWN", "HOLD"),
            (("RAD_GAMMA_NSIGMA",), "UNKNOWN", "REFER_SECONDARY_RAD"),
            ((), "LOW", "ACCEPT"),
            ((), "LOW", "REFER_NII"),
            ((), "HIGH", "CLEARED_FOR_DEPARTURE"),
        ],
    )
    def test_what_no_policy_could_say_is_found_out(
        self, codes, risk, action, make_case, make_flag, decide_case, keys, ops
    ) -> None:
        case = make_case(flags=(make_flag("RAD_GROSS", *codes),))
        data = resealed(decide_case(case), ops, risk=Level(risk), action=Action(action))
        assert failed(verify_decision(data, keys)) == ["outcome"]

    def test_a_new_seal_on_a_box_that_moved_is_found_out(
        self, make_case, make_event, decide_case, keys, ops
    ) -> None:
        moved = decide_case(make_case(has_moved=True))
        assert (moved.risk, moved.action) == ("UNKNOWN", "REFER_NII")
        data = resealed(moved, ops, action=Action.RESEAL)
        assert failed(verify_decision(data, keys)) == ["outcome"]
