from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import pytest

from screening.clearance import KeyRing, conclude, record_hash, verify_decision, verify_record
from screening.errors import IntegrityError, PolicyError
from screening.records import Action, ClearanceDecision, Level, canonical_bytes, content_id


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
