"""Every kind of tampering has its code, and nothing in a bundle is trusted for being in it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from screening.clearance import KeyRing
from screening.clearance.sharing import CONSEQUENCES, BundleReport, Trust, accept, pack, unpack, verify_bundle
from screening.clearance.sharing.bundle import manifest_of
from screening.clearance.sharing.outcome import check_policy
from screening.records import (
    AdvanceData,
    CalibrationRef,
    CaseInputs,
    ClearanceDecision,
    Consignment,
    IdentityRuling,
    Level,
    ReasonCode,
    RevocationList,
    Subject,
    TreeHead,
    canonical_bytes,
    parse_strict,
)


def report_on(parts, contents: Any, trust: Trust | None = None, at: Any = None, **more: Any) -> BundleReport:
    data = pack(contents, signer=parts.CA)
    return verify_bundle(data, trust or parts.make_trust(), at or parts.AT, **more)


def test_a_bundle_whose_every_part_holds(parts, site) -> None:
    report = report_on(parts, site.contents())
    assert report.is_good, [check for check in report.checks if not check.passed]
    assert report.codes == ()
    assert report.decision == site.decision()
    names = [check.name for check in report.checks]
    assert names == [
        "bundle", "seal", "decision", "policy", "outcome", "records", "flags", "container", "custody",
        "chain", "ledger", "keys", "cards", "evidence", "validity", "void", "models", "calibrations",
        "revocations",
    ]  # fmt: skip


def test_nothing_checked_is_not_good() -> None:
    report = BundleReport(())
    assert not report.is_good
    assert not report.passed("bundle")


def test_keys_in_a_bundle_are_never_trusted(parts, site) -> None:
    trust = parts.make_trust(keys=[parts.US.public])
    report = report_on(parts, site.contents(), trust)
    assert len(site.contents().keys) == 3
    assert report.codes == ("UNKNOWN_KEY",)
    assert report.decision is None


# Tampering with the parts: (changes of the contents, code). The sender's seal is made anew over all of it,
# so that what is found is found in the part itself.
def swap_a_flag(parts, site):
    other = parts.make_flag("RAD_GROSS", scan_id="another")
    return site.contents(flags=(canonical_bytes(other), canonical_bytes(site.flags[1]))), "FLAG_MISSING"


def add_a_flag(parts, site):
    flags = [*site.flags, parts.make_flag("XRAY")]
    return site.contents(flags=tuple(map(canonical_bytes, flags))), "FLAG_NOT_NAMED"


def take_a_flag(parts, site):
    return site.contents(flags=(canonical_bytes(site.flags[0]),)), "FLAG_MISSING"


def relabel_a_flag(parts, site):
    wrong = tuple(msgspec.structs.replace(ref, modality="XRAY") for ref in site.decision().flags)
    site.changes["flags"] = wrong
    return site.contents(), "FLAG_CHANGED"


def flag_as_another_kind(parts, site):
    return site.contents(flags=(canonical_bytes(site.records[0]),)), "MALFORMED"


def flag_among_seal_events_kind(parts, site):
    decision = canonical_bytes(site.decision())
    return site.contents(records=(*map(canonical_bytes, site.records), decision)), "WRONG_KIND"


def decision_of_another_container(parts, site):
    site.changes["consignment"] = Consignment(container_id=parts.OTHER_BOX)
    return site.contents(), "WRONG_CONTAINER"


def decision_replaced_by_the_earlier(parts, site):
    return site.contents(decision=canonical_bytes(site.earlier())), "PROOF_OF_ANOTHER_INDEX"


def acceptance_as_decision(parts, site):
    return site.contents(decision=parts.make_list()), "MALFORMED"


def flag_as_decision(parts, site):
    return site.contents(decision=canonical_bytes(site.flags[0])), "MALFORMED"


def seal_of_another_container(parts, site):
    site.records[-1] = parts.make_event("ARRIVED", parts.ARRIVED, container_id=parts.OTHER_BOX)
    return site.contents(), "WRONG_CONTAINER"


def flag_of_another_container(parts, site):
    site.flags[0] = parts.make_flag("RAD_GROSS", subject=Subject(container_id=parts.OTHER_BOX))
    return site.contents(), "WRONG_CONTAINER"


def custody_taken_out(parts, site):
    kept = [canonical_bytes(one) for one in site.records if getattr(one, "event", "") != "SEALED"]
    return site.contents(records=tuple(kept)), "CUSTODY_MISSING"


def unsigned_seal_event(parts, site):
    site.records.append(parts.make_event("READ", parts.ARRIVED, signer=None))
    return site.contents(), "UNSIGNED"


def record_from_the_future(parts, site):
    site.records.append(parts.make_event("READ", parts.AT + timedelta(hours=1)))
    return site.contents(), "FROM_THE_FUTURE"


def record_without_time(parts, site):
    event = msgspec.structs.replace(parts.make_event("READ", parts.ARRIVED), at="noon")
    site.records.append(parts.GATE.seal(event))
    return site.contents(), "MALFORMED"


def record_not_canonical(parts, site):
    spaced = msgspec.json.format(canonical_bytes(site.records[0]), indent=1)
    return site.contents(records=(*map(canonical_bytes, site.records[1:]), spaced)), "NOT_CANONICAL"


def record_with_keys_reordered(parts, site):
    held = msgspec.json.decode(canonical_bytes(site.records[0]))
    turned = msgspec.json.encode(dict(reversed(held.items())))
    return site.contents(records=(*map(canonical_bytes, site.records[1:]), turned)), "NOT_CANONICAL"


def record_by_a_stranger(parts, site):
    site.records.append(parts.make_event("READ", parts.ARRIVED, signer=parts.STRANGER))
    return site.contents(), "UNKNOWN_KEY"


def record_edited(parts, site):
    event = msgspec.structs.replace(site.records[-1], place="elsewhere")
    site.records[-1] = event
    return site.contents(), "BAD_SIGNATURE"


def record_of_an_exercise(parts, site):
    site.records.append(parts.make_event("READ", parts.ARRIVED, signer=parts.EXERCISE))
    return site.contents(), "EXERCISE_KEY"


def decision_of_an_exercise(parts, site):
    site.signer = parts.EXERCISE
    return site.contents(), "EXERCISE_KEY"


def decision_edited(parts, site):
    edited = msgspec.structs.replace(site.decision(), administration="XX")
    return site.contents(decision=canonical_bytes(edited)), "WRONG_ID"


def decision_edited_with_its_id(parts, site):
    edited = parts.with_id(msgspec.structs.replace(site.decision(), administration="XX"))
    return site.contents(decision=canonical_bytes(edited)), "BAD_SIGNATURE"


def decision_better_than_the_table(parts, site):
    site.inputs = CaseInputs(targeting=Level.LOW, seal="VERIFIED", transit="NOT_MOVED")
    site.changes |= {"risk": Level.LOW, "action": "CLEARED_FOR_DEPARTURE"}
    return site.contents(), "WRONG_OUTCOME"


def chain_taken_out(parts, site):
    return site.contents(chain=()), "CHAIN_MISSING"


def chain_of_another(parts, site):
    site.changes["administration"] = "XX"
    other = canonical_bytes(site.earlier())
    site.changes.clear()
    return site.contents(chain=(other,)), "CHAIN_BROKEN"


def chain_with_more(parts, site):
    site.changes["administration"] = "XX"
    other = canonical_bytes(site.earlier())
    site.changes.clear()
    return site.contents(chain=(canonical_bytes(site.earlier()), other)), "CHAIN_BROKEN"


def chain_on_a_first_decision(parts, site):
    site.changes["prev_hash"] = None
    return site.contents(), "CHAIN_BROKEN"


def proof_taken_out(parts, site):
    return site.contents(inclusion=None), "PROOF_MISSING"


def proof_of_another_index(parts, site):
    head, proof = parts.ledger_of(canonical_bytes(site.decision()), index=6)
    return site.contents(head=head, inclusion=proof), "PROOF_OF_ANOTHER_INDEX"


def proof_index_edited(parts, site):
    _, proof = parts.ledger_of(canonical_bytes(site.decision()))
    return site.contents(inclusion=proof.replace(b'"index":5', b'"index":4')), "PROOF_OF_ANOTHER_INDEX"


def proof_of_another_size(parts, site):
    _, proof = parts.ledger_of(canonical_bytes(site.decision()), size=12)
    return site.contents(inclusion=proof), "PROOF_OF_ANOTHER_HEAD"


def head_of_another_ledger(parts, site):
    head, _ = parts.ledger_of(canonical_bytes(site.decision()), ledger_id="USINL")
    return site.contents(head=head), "PROOF_WRONG"


def head_edited(parts, site):
    head, _ = parts.ledger_of(canonical_bytes(site.decision()))
    edited = msgspec.structs.replace(parse_strict(head, TreeHead), root="0" * 64)
    return site.contents(head=canonical_bytes(edited)), "BAD_SIGNATURE"


def head_by_a_stranger(parts, site):
    head, _ = parts.ledger_of(canonical_bytes(site.decision()), signer=parts.STRANGER)
    return site.contents(head=head), "UNKNOWN_KEY"


def path_edited(parts, site):
    _, proof = parts.ledger_of(canonical_bytes(site.decision()))
    return site.contents(
        inclusion=proof.replace(b'"path":["', b'"path":["' + b"0" * 64 + b'","')
    ), "PROOF_WRONG"


def proof_that_is_none(parts, site):
    return site.contents(inclusion=b"{}"), "PROOF_MALFORMED"


def key_added(parts, site):
    keys = (*site.contents().keys, msgspec.json.encode(parts.STRANGER.public))
    return site.contents(keys=keys), "KEY_NOT_USED"


def key_that_is_none(parts, site):
    key = msgspec.json.decode(site.contents().keys[0]) | {"public_key": "00" * 32}
    return site.contents(keys=(msgspec.json.encode(key),)), "MALFORMED"


def card_of_another_model(parts, site):
    return site.contents(cards=(b'sha256 = "' + b"0" * 64 + b'"\n',)), "CARD_NOT_USED"


def card_edited(parts, site):
    return site.contents(cards=(parts.CARD + b"# better",)), "CARD_NOT_USED"


def policy_edited(parts, site):
    return site.contents(policy=site.policy + b"norm_low = true\n"), "POLICY_CHANGED"


def policy_signature_edited(parts, site):
    forged = parts.seal_over("policy/1", site.policy + b" ", parts.CA)
    return site.contents(policy_signature=forged), "BAD_SIGNATURE"


def policy_signature_alone(parts, site):
    return site.contents(policy=None), "POLICY_INVALID"


def policy_signature_that_is_none(parts, site):
    return site.contents(policy_signature=b"[]"), "POLICY_INVALID"


def policy_signature_with_spaces(parts, site):
    signature = site.contents().policy_signature.replace(b":", b": ")
    return site.contents(policy_signature=signature), "POLICY_INVALID"


def policy_named_otherwise(parts, site):
    ref = site.decision().policy
    site.changes["policy"] = msgspec.structs.replace(ref, version="2")
    return site.contents(), "POLICY_CHANGED"


TAMPERINGS = [
    swap_a_flag, add_a_flag, take_a_flag, relabel_a_flag, flag_as_another_kind, flag_among_seal_events_kind,
    decision_of_another_container, decision_replaced_by_the_earlier, acceptance_as_decision, flag_as_decision,
    seal_of_another_container, flag_of_another_container, custody_taken_out, unsigned_seal_event,
    record_from_the_future, record_without_time, record_not_canonical, record_with_keys_reordered,
    record_by_a_stranger, record_edited, record_of_an_exercise, decision_of_an_exercise, decision_edited,
    decision_edited_with_its_id, decision_better_than_the_table, chain_taken_out, chain_of_another,
    chain_with_more, chain_on_a_first_decision, proof_taken_out, proof_of_another_index, proof_index_edited,
    proof_of_another_size, head_of_another_ledger, head_edited, head_by_a_stranger, path_edited,
    proof_that_is_none, key_added, key_that_is_none, card_of_another_model, card_edited, policy_edited,
    policy_signature_edited, policy_signature_alone, policy_signature_that_is_none,
    policy_signature_with_spaces, policy_named_otherwise,
]  # fmt: skip


@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda tamper: tamper.__name__)
def test_tampering_has_its_code(tamper: Callable[..., Any], parts, site, own_policy) -> None:
    contents, code = tamper(parts, site)
    report = report_on(parts, contents)
    assert code in report.codes
    assert not report.is_good
    data = pack(contents, signer=parts.CA)
    judged = accept(data, parts.make_trust(), own_policy, parts.US, "US", parts.AT)
    assert code in judged.reasons
    assert judged.outcome in {CONSEQUENCES[code], "REJECT"}


@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda tamper: tamper.__name__)
def test_the_senders_seal_does_not_cover_a_bundle_put_together_by_another(tamper, parts, site) -> None:
    """Whoever is between the two administrations can replace parts, and cannot seal the manifest."""
    genuine = site.contents()
    sealed = pack(genuine, signer=parts.CA)
    contents, _ = tamper(parts, site)
    forged = msgspec.structs.replace(contents, seal=unpack(sealed).seal)
    report = verify_bundle(pack(forged), parts.make_trust(), parts.AT)
    assert pack(forged) == sealed or report.codes[0] == "BAD_SIGNATURE"


def test_bad_news_taken_out_is_found_by_the_senders_seal(parts, site) -> None:
    """A record the decision does not name leaves no other trace than the sender's word."""
    site.records.append(parts.make_event("TAMPER", parts.ARRIVED))
    with_news = pack(site.contents(), signer=parts.CA)
    assert "VOID_SEAL_BROKEN" in verify_bundle(with_news, parts.make_trust(), parts.AT).codes
    site.records.pop()
    forged = msgspec.structs.replace(site.contents(), seal=unpack(with_news).seal)
    assert verify_bundle(pack(forged), parts.make_trust(), parts.AT).codes == ("BAD_SIGNATURE",)
    unsealed = verify_bundle(pack(site.contents()), parts.make_trust(), parts.AT)
    assert unsealed.codes == ("UNSEALED_BUNDLE",)
    assert unsealed.consequence == "RE_EXAMINE"


def test_a_file_that_nobody_signed_for(parts, site) -> None:
    contents = site.contents(evidence=(parts.SCAN, b"a picture"))
    assert report_on(parts, contents).is_good, "the sender's seal names it"
    unsealed = verify_bundle(pack(contents), parts.make_trust(), parts.AT)
    assert "EVIDENCE_NOT_NAMED" in unsealed.codes


@pytest.mark.parametrize(
    ("seal", "code"),
    [
        (lambda parts, _: b"[]", "MALFORMED"),
        (lambda parts, m: parts.seal_over("bundle/1", m, parts.STRANGER), "UNKNOWN_KEY"),
        (lambda parts, m: parts.seal_over("bundle/1", m, parts.EXERCISE), "EXERCISE_KEY"),
        (lambda parts, m: parts.seal_over("policy/1", m, parts.CA), "BAD_SIGNATURE"),
        (lambda parts, m: parts.seal_over("bundle/1", m, parts.CA).replace(b":", b": "), "NOT_CANONICAL"),
    ],
    ids=["none", "stranger", "exercise", "another kind", "spaces"],
)
def test_a_seal_that_does_not_hold(seal: Any, code: str, parts, site) -> None:
    contents = site.contents()
    forged = msgspec.structs.replace(contents, seal=seal(parts, manifest_of(contents)))
    assert verify_bundle(pack(forged), parts.make_trust(), parts.AT).codes == (code,)


def test_keys_count_at_the_time_of_signing(parts, site) -> None:
    """The lane's key expired after the scan, and the box is still on its way."""

    def with_lane(**validity: str) -> Trust:
        lane = msgspec.structs.replace(parts.LANE.public, **validity)
        return parts.make_trust(keys=[lane, *(one.public for one in (parts.GATE, parts.CA, parts.US))])

    assert report_on(parts, site.contents(), with_lane(expires=parts.text_of(parts.LEFT))).is_good
    early = with_lane(expires=parts.text_of(parts.LEFT - timedelta(hours=1)))
    assert "EXPIRED_KEY" in report_on(parts, site.contents(), early).codes
    late = with_lane(not_before=parts.text_of(parts.LEFT))
    assert "NOT_YET_VALID" in report_on(parts, site.contents(), late).codes
    kinds = msgspec.structs.replace(parts.LANE.public, kinds=("sealevent/1",))
    trust = parts.make_trust(keys=[kinds, *(one.public for one in (parts.GATE, parts.CA, parts.US))])
    assert "WRONG_KIND" in report_on(parts, site.contents(), trust).codes
    lanes = msgspec.structs.replace(parts.LANE.public, lanes=("2",))
    trust = parts.make_trust(keys=[lanes, *(one.public for one in (parts.GATE, parts.CA, parts.US))])
    assert "WRONG_LANE" in report_on(parts, site.contents(), trust).codes
    other = msgspec.structs.replace(parts.CA.public, administrations=("another country",))
    trust = parts.make_trust(keys=[other, *(one.public for one in (parts.GATE, parts.LANE, parts.US))])
    assert "WRONG_ADMINISTRATION" in report_on(parts, site.contents(), trust).codes


def test_a_bundle_that_is_dated_back_is_seen(parts, site) -> None:
    """Its evidence would look complete as of a time at which none of it was there."""
    contents = msgspec.structs.replace(site.contents(), made_at=parts.text_of(parts.LEFT - timedelta(days=3)))
    assert "FROM_THE_FUTURE" in report_on(parts, contents).codes


def test_a_policy_is_signed_by_a_key_that_was_valid_when_it_was_decided_under(parts, site) -> None:
    def signed_under(**validity: str) -> tuple[str, ...]:
        ca = msgspec.structs.replace(parts.CA.public, kinds=("policy/1",), **validity)
        keys = KeyRing([ca])
        contents = site.contents()
        decision = parse_strict(contents.decision, ClearanceDecision)
        return tuple(one.code for one in check_policy(contents, decision, keys) if one.name == "policy")

    assert signed_under() == (None,)
    assert signed_under(expires=parts.text_of(parts.LEFT - timedelta(days=30))) == ("EXPIRED_KEY",)


@pytest.mark.parametrize("who", ["CA", "LANE", "GATE"])
def test_a_revoked_key_verifies_nothing(who: str, parts, site) -> None:
    revoked = parts.make_list(("KEY", getattr(parts, who).key_id))
    report = report_on(parts, site.contents(), parts.make_trust(lists=[revoked]))
    assert "REVOKED_KEY" in report.codes
    assert report.consequence == "REJECT"


@pytest.mark.parametrize(
    ("lists", "code"),
    [
        (lambda parts: [], "REVOCATIONS_MISSING"),
        (lambda parts: [b"{}"], "REVOCATIONS_NOT_VERIFIED"),
        (lambda parts: [parts.make_list(signer=parts.STRANGER)], "REVOCATIONS_NOT_VERIFIED"),
        (lambda parts: [parts.make_list(signer=parts.EXERCISE)], "REVOCATIONS_NOT_VERIFIED"),
        (lambda parts: [parts.make_list(("KEY", parts.US.key_id))], "REVOCATIONS_NOT_VERIFIED"),
        (lambda parts: [parts.make_list(issued_at="noon")], "REVOCATIONS_NOT_VERIFIED"),
        (lambda parts: [parts.make_list(at=parts.AT - timedelta(days=8))], "REVOCATIONS_OLD"),
        (lambda parts: [parts.make_list(next_update=parts.text_of(parts.ARRIVED))], "REVOCATIONS_OLD"),
        (lambda parts: [parts.make_list(at=parts.AT + timedelta(hours=1))], "REVOCATIONS_OLD"),
        (
            lambda parts: [parts.make_list(), parts.make_list(number=4, at=parts.AT - timedelta(days=8))],
            "REVOCATIONS_OLD",
        ),
    ],
    ids=["none", "no list", "stranger", "exercise", "own key revoked", "no time", "old", "overdue", "future",
         "newest is old"],
)  # fmt: skip
def test_revocation_lists_that_cannot_be_relied_on(lists: Any, code: str, parts, site) -> None:
    report = report_on(parts, site.contents(), parts.make_trust(lists=lists(parts)))
    assert report.codes == (code,)
    assert report.consequence == "RE_EXAMINE"


def test_an_old_list_still_revokes(parts, site) -> None:
    old = parts.make_list(("MODEL", parts.MODEL), at=parts.AT - timedelta(days=30))
    report = report_on(parts, site.contents(), parts.make_trust(lists=[old]))
    assert {"REVOCATIONS_OLD", "VOID_MODEL_REVOKED", "MODEL_NOT_ALLOWED"} == set(report.codes)


@pytest.mark.parametrize(
    ("revoked", "codes"),
    [
        (("MODEL", "MODEL"), {"VOID_MODEL_REVOKED", "MODEL_NOT_ALLOWED"}),
        (("CALIBRATION", "cal-9"), {"VOID_CAL_REVOKED", "CALIBRATION_NOT_VALID"}),
        (("CONTAINER", "CSQU3054383"), {"VOID_NEW_INTEL"}),
        (("CONTAINER", "MWCU6059784"), set()),
        (("MODEL", "0" * 64), set()),
    ],
)
def test_what_is_revoked_voids_a_decision(revoked: Any, codes: set[str], parts, site) -> None:
    what, subject = revoked
    lists = [parts.make_list((what, parts.MODEL if subject == "MODEL" else subject))]
    report = report_on(parts, site.contents(), parts.make_trust(lists=lists))
    assert set(report.codes) == codes


@pytest.mark.parametrize(
    ("record", "code"),
    [
        (lambda parts: parts.make_event("BROKEN", parts.ARRIVED), "VOID_SEAL_BROKEN"),
        (lambda parts: parts.make_event("TAMPER", parts.ARRIVED), "VOID_SEAL_BROKEN"),
        (lambda parts: parts.make_event("ROUTE_DEVIATION", parts.ARRIVED), "VOID_ROUTE_DEVIATION"),
        (lambda parts: parts.make_assessment(Level.HIGH, parts.ARRIVED), "VOID_NEW_INTEL"),
        (lambda parts: parts.make_assessment(Level.UNKNOWN, parts.ARRIVED), "VOID_NEW_INTEL"),
    ],
)
def test_what_has_happened_since_voids_a_decision(record: Any, code: str, parts, site) -> None:
    site.records.append(record(parts))
    assert report_on(parts, site.contents()).codes == (code,)
    site.records.pop()
    own = [canonical_bytes(record(parts))]
    assert report_on(parts, site.contents(), own_records=own).codes == (code,)


def test_a_decision_holds_in_its_time(parts, site) -> None:
    late = parts.LEFT + timedelta(days=10)
    lists = parts.make_trust(lists=[parts.make_list(at=late - timedelta(hours=1))])
    assert report_on(parts, site.contents(), lists, late).codes == ("EXPIRED",)
    site.changes["validity"] = msgspec.structs.replace(
        site.decision().validity, not_before=parts.text_of(parts.AT + timedelta(hours=1))
    )
    assert report_on(parts, site.contents()).codes == ("NOT_YET",)


def test_a_model_must_be_on_the_verifiers_own_list(parts, site) -> None:
    report = report_on(parts, site.contents(), parts.make_trust(models=()))
    assert report.codes == ("MODEL_NOT_ALLOWED",)


@pytest.mark.parametrize(
    "calibration",
    [
        CalibrationRef(state="STALE", id="cal-9", age_s=90000, max_age_s=86400),
        CalibrationRef(state="MISSING"),
        CalibrationRef(state="FAILED"),
        CalibrationRef(id="cal-9", age_s=90000, max_age_s=86400),
    ],
)
def test_an_instrument_must_have_been_calibrated_when_it_measured(calibration: Any, parts, site) -> None:
    site.flags[0] = parts.make_flag("RAD_GROSS", calibration=calibration)
    assert report_on(parts, site.contents()).codes == ("CALIBRATION_NOT_VALID",)


def test_the_verifiers_own_limits_of_age_count(parts, site, own_policy) -> None:
    stricter = msgspec.structs.replace(own_policy, max_calibration_age_s=300)
    assert report_on(parts, site.contents(), policy=stricter).codes == ("CALIBRATION_NOT_VALID",)
    site.flags[0] = parts.make_flag("RAD_GROSS", calibration=CalibrationRef(id="cal-9"))
    assert report_on(parts, site.contents(), policy=own_policy).is_good
    assert report_on(parts, site.contents(), policy=stricter).codes == ("CALIBRATION_NOT_VALID",)
    impatient = msgspec.structs.replace(own_policy, max_revocation_list_age_s=60)
    assert report_on(parts, site.contents(), policy=impatient).codes == ("REVOCATIONS_OLD", )  # fmt: skip


def test_a_scan_in_doubt_may_name_another_number_if_an_officer_ruled(parts, site) -> None:
    site.flags[0] = parts.make_flag("RAD_GROSS", subject=Subject(container_id=None))
    assert report_on(parts, site.contents()).codes == ("WRONG_CONTAINER",)
    ruling = IdentityRuling(
        scan_id=site.flags[0].scan_id,
        container_id=parts.BOX,
        officer_ref="o-1",
        at=parts.text_of(parts.LEFT),
        basis="read from the picture",
    )
    site.records.append(parts.CA.seal(ruling))
    assert report_on(parts, site.contents()).is_good
    site.records.pop()
    site.changes["reason_codes"] = (ReasonCode.ID_MISMATCH,)
    assert "WRONG_CONTAINER" not in report_on(parts, site.contents()).codes


def test_without_the_policys_file_the_table_alone_is_asked(parts, site) -> None:
    contents = site.contents(policy=None, policy_signature=None)
    assert report_on(parts, contents).is_good
    assert report_on(parts, site.contents(policy_signature=None)).is_good


def test_every_kind_of_evidence_has_its_place(parts, site) -> None:
    advance = AdvanceData(
        container_id=parts.BOX, bill="B-1", at=parts.text_of(parts.LEFT), administration="CA"
    )
    site.records.append(parts.CA.seal(advance))
    report = report_on(parts, site.contents())
    assert report.is_good
    assert report.opened is not None
    assert len(report.opened.records) == len(site.records)


def test_a_report_for_a_program(parts, site) -> None:
    report = report_on(parts, site.contents(), parts.make_trust(models=()))
    told = report.as_json()
    assert told["codes"] == ["MODEL_NOT_ALLOWED"]
    assert told["is_good"] is False
    assert told["container_id"] == parts.BOX
    assert [one["name"] for one in told["checks"] if not one["passed"]] == ["models"]


def test_lists_of_several_administrations_are_all_asked(parts, site) -> None:
    theirs = parts.make_list(("KEY", parts.LANE.key_id), signer=parts.CA, administration="CA")
    trust = Trust(
        KeyRing(one.public for one in (parts.LANE, parts.GATE, parts.CA, parts.US)),
        frozenset({parts.MODEL}),
        (parts.make_list(), theirs),
    )
    assert "REVOKED_KEY" in report_on(parts, site.contents(), trust).codes
    assert parse_strict(theirs, RevocationList).administration == "CA"
