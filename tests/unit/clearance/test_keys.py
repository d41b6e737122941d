from __future__ import annotations

import os
import stat
from datetime import UTC, datetime

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from screening.clearance import (
    KeyRing,
    PublicKey,
    VerificationError,
    generate_exercise_key,
    generate_key,
    load_signer,
    read_public_key,
    verify_record,
)
from screening.clearance.key_files import ROLES, read_own_public_key
from screening.clearance.signatures import verify_content
from screening.errors import ConfigurationError, FormatError, IntegrityError, PolicyError
from screening.records import (
    SEALED,
    Acceptance,
    RiskFlag,
    SealEvent,
    TreeHead,
    Verified,
    canonical_bytes,
    content_id,
)


def failure_of(data: bytes, kind: type, keys: KeyRing, **options: object) -> str:
    with pytest.raises(VerificationError) as caught:
        verify_record(data, kind, keys, **options)
    return caught.value.failure


def test_what_was_sealed_verifies(make_flag, make_event, keys) -> None:
    for record in (make_flag("RAD_GROSS", "RAD_NEUTRON"), make_event("SEALED")):
        assert verify_record(canonical_bytes(record), type(record), keys) == record


def test_the_signature_covers_the_schema_and_the_canonical_bytes(make_event, ops) -> None:
    event = make_event("SEALED")
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(ops.public.public_key))
    message = b"sealevent/1\n" + canonical_bytes(event, without=("signature",))
    public.verify(bytes.fromhex(event.signature), message)


def test_sealing_is_deterministic_and_replaces_a_signature(make_flag, ops) -> None:
    flag = make_flag("RAD_GROSS")
    assert ops.seal(flag) == flag


def test_every_flipped_bit_is_found(make_event, keys) -> None:
    data = canonical_bytes(make_event("READ"))
    for i in range(len(data)):
        spoiled = bytearray(data)
        spoiled[i] ^= 1
        with pytest.raises(VerificationError):
            verify_record(bytes(spoiled), SealEvent, keys)


def test_each_failure_has_its_own_code(make_flag, make_event, ops, keys) -> None:
    flag = make_flag("RAD_GROSS")
    data = canonical_bytes(flag)
    assert failure_of(b"{}", RiskFlag, keys) == "MALFORMED"
    assert failure_of(data, SealEvent, keys) == "MALFORMED"
    assert failure_of(data.replace(b'"lane":"1"', b'"lane":"1","lane":"1"'), RiskFlag, keys) == "MALFORMED"
    assert failure_of(data.replace(b'"lane":"1"', b'"lane": "1"'), RiskFlag, keys) == "NOT_CANONICAL"
    swapped = data.replace(b'"lane":"1","level":"LOW"', b'"level":"LOW","lane":"1"')
    assert swapped != data
    assert failure_of(swapped, RiskFlag, keys) == "NOT_CANONICAL"
    assert failure_of(data.replace(b'"lane":"1"', b'"lane":"2"'), RiskFlag, keys) == "WRONG_ID"
    assert failure_of(canonical_bytes(make_flag("RAD_GROSS", signer=None)), RiskFlag, keys) == "UNSIGNED"
    assert failure_of(data, RiskFlag, KeyRing()) == "UNKNOWN_KEY"
    event = canonical_bytes(make_event("READ"))
    assert failure_of(event.replace(b"READ", b"GAP"), SealEvent, keys) == "BAD_SIGNATURE"
    upper = msgspec.structs.replace(flag, signature=flag.signature.upper())
    assert failure_of(canonical_bytes(upper), RiskFlag, keys) == "BAD_SIGNATURE"
    assert (
        failure_of(canonical_bytes(msgspec.structs.replace(flag, signature="zz")), RiskFlag, keys)
        == "BAD_SIGNATURE"
    )

    def trusted(**changes: object) -> KeyRing:
        return KeyRing([msgspec.structs.replace(ops.public, **changes)])

    assert failure_of(data, RiskFlag, trusted(is_revoked=True)) == "REVOKED_KEY"
    assert failure_of(data, RiskFlag, trusted(kinds=("clearance/1",))) == "WRONG_KIND"
    verify_record(data, RiskFlag, trusted(kinds=("riskflag/1",)))
    expires = trusted(expires="2026-03-01T00:00:00Z")
    assert failure_of(data, RiskFlag, expires, at=datetime(2026, 3, 1, tzinfo=UTC)) == "EXPIRED_KEY"
    verify_record(data, RiskFlag, expires, at=datetime(2026, 2, 28, tzinfo=UTC))


def test_a_record_of_one_kind_never_verifies_as_another(ops, keys) -> None:
    """The same canonical bytes, signed as another schema: only the first line tells them apart."""
    event = SealEvent(container_id="C", seal_id="S", event="READ", at="T", key_id=ops.key_id)
    body = canonical_bytes(event, without=("signature",))
    forged = msgspec.structs.replace(event, signature=ops.sign("riskflag/1", body))
    assert failure_of(canonical_bytes(forged), SealEvent, keys) == "BAD_SIGNATURE"
    honest = msgspec.structs.replace(event, signature=ops.sign("sealevent/1", body))
    assert verify_record(canonical_bytes(honest), SealEvent, keys) == honest


def test_an_exercise_key_is_refused_unless_allowed(make_flag, exercise, keys) -> None:
    flag = make_flag("RAD_GROSS", "MODE_NOT_OPS", "EXERCISE", signer=exercise)
    data = canonical_bytes(flag)
    assert failure_of(data, RiskFlag, keys) == "EXERCISE_KEY"
    assert verify_record(data, RiskFlag, keys, allow_exercise=True) == flag


def test_an_exercise_key_signs_nothing_of_cargo(make_flag, exercise, keys) -> None:
    flag = make_flag("RAD_GROSS", signer=None)
    with pytest.raises(PolicyError, match="scope exercise"):
        exercise.seal(flag)
    named = msgspec.structs.replace(flag, key_id=exercise.key_id)
    forced = msgspec.structs.replace(
        named, signature=exercise.sign("riskflag/1", canonical_bytes(named, without=("signature",)))
    )
    assert failure_of(canonical_bytes(forced), RiskFlag, keys, allow_exercise=True) == "WRONG_SCOPE"
    acceptance = Acceptance(
        acceptance_id="",
        decision_id="d",
        verified=Verified(
            signature=True, chain=True, models_allowed=True, calibration_valid=True, policy_equivalent=True
        ),
        outcome="ACCEPT",
        reasons=(),
        administration="US",
        at="T",
    )
    acceptance = msgspec.structs.replace(
        acceptance, acceptance_id=content_id(acceptance, without=("acceptance_id", "key_id", "signature"))
    )
    with pytest.raises(PolicyError, match="scope exercise"):
        exercise.seal(acceptance)


def test_a_record_under_a_wrong_identifier_is_not_sealed(make_flag, ops) -> None:
    with pytest.raises(IntegrityError, match="flag_id"):
        ops.seal(msgspec.structs.replace(make_flag("RAD_GROSS"), lane="2"))


def test_a_key_cannot_change_its_scope(exercise, tmp_path) -> None:
    with pytest.raises(ValueError, match="key_id"):
        PublicKey(key_id=exercise.key_id, public_key=exercise.public.public_key, scope="ops")
    signer = generate_exercise_key(tmp_path / "k")
    stored = (tmp_path / "k").read_bytes()
    (tmp_path / "forged").write_bytes(stored.replace(b'"scope":"exercise"', b'"scope":"ops"'))
    (tmp_path / "forged").chmod(0o600)
    with pytest.raises(FormatError, match="forged: key_id"):
        load_signer(tmp_path / "forged")
    assert signer.scope == "exercise"
    assert signer.key_id.startswith("exercise-")


def test_keys_are_written_once_for_their_owner_and_come_back(tmp_path, make_event) -> None:
    path = tmp_path / "lane.key"
    signer = generate_key(path, "ops", kinds=("*",))
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o400
    again = load_signer(path)
    assert again.public == signer.public == read_public_key(tmp_path / "lane.key.pub")
    event = make_event("READ", signer=None)
    assert again.seal(event) == signer.seal(event)
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match="never overwritten"):
        generate_key(path, "ops")
    assert path.read_bytes() == before
    assert generate_key(tmp_path / "other.key", "ops").key_id != signer.key_id


def test_a_key_that_nobody_gave_kinds_seals_measurements_alone(tmp_path, make_flag, make_event) -> None:
    """A lane's key made in a hurry must not sign policies, revocations, heads, conclusions or decisions."""
    signer = generate_key(tmp_path / "lane.key", "ops")
    written = read_public_key(tmp_path / "lane.key.pub")
    for key in (written, msgspec.structs.replace(written, kinds=())):
        ring = KeyRing([key])
        verify_record(canonical_bytes(make_flag("RAD_GROSS", signer=signer)), RiskFlag, ring)
        verify_record(canonical_bytes(make_event("READ", signer=signer)), SealEvent, ring)
        head = signer.seal(TreeHead(ledger_id="CA", size=0, root="0" * 64, at="2026-03-01T00:00:00Z"))
        assert failure_of(canonical_bytes(head), TreeHead, ring) == "WRONG_KIND"
        others = {*SEALED, "policy/1", "bundle/1", "webhook/1"} - {"riskflag/1", "sealevent/1"}
        assert not any(key.may_seal(kind) for kind in others)
        for kind in ("policy/1", "bundle/1", "webhook/1"):
            with pytest.raises(VerificationError) as refused:
                verify_content(kind, b"x", signer.key_id, signer.sign(kind, b"x"), ring)
            assert refused.value.failure == "WRONG_KIND"
    assert all(signer.public.may_seal(kind) for kind in SEALED)


def test_no_role_does_the_work_of_another() -> None:
    roles = [set(kinds) for kinds in ROLES.values()]
    assert (
        sum(map(len, roles))
        == len(set().union(*roles))
        == len({*SEALED, "bundle/1", "policy/1", "webhook/1"})
    )
    assert {"clearance/1", "treehead/1", "revocationlist/1", "policy/1"} <= set(ROLES["administration"])


def test_what_is_no_key_file_is_refused(tmp_path) -> None:
    with pytest.raises(ConfigurationError, match="absent"):
        load_signer(tmp_path / "absent")
    with pytest.raises(ConfigurationError):
        generate_key(tmp_path / "no folder" / "k", "ops")
    for name, data in (("bad", b"{}"), ("short", b"")):
        (tmp_path / name).write_bytes(data)
        (tmp_path / name).chmod(0o600)
    for read, word in ((load_signer, "private"), (read_public_key, "public")):
        with pytest.raises(FormatError, match=f"bad: not a {word} key file: .*missing required field"):
            read(tmp_path / "bad")
    signer = generate_key(tmp_path / "k", "ops")
    (tmp_path / "short").write_bytes(
        (tmp_path / "k").read_bytes().replace(b'"private_key":"', b'"private_key":"zz')
    )
    with pytest.raises(FormatError, match="short: not a private key file"):
        load_signer(tmp_path / "short")
    with pytest.raises(FormatError, match="this is a private key file, a public one is needed"):
        read_public_key(tmp_path / "k")
    (tmp_path / "k.pub").chmod(0o600)
    with pytest.raises(FormatError, match="this is a public key file, a private one is needed"):
        load_signer(tmp_path / "k.pub")
    assert read_own_public_key(tmp_path / "k").key_id == signer.key_id


@pytest.mark.skipif(os.name != "posix", reason="modes are of POSIX")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o444, 0o620])
def test_a_private_key_that_others_may_use_is_refused(tmp_path, mode) -> None:
    path = tmp_path / "k"
    generate_key(path, "ops")
    path.chmod(mode)
    with pytest.raises(ConfigurationError, match=f"k: others .*{mode:04o}.*chmod 600 .*k"):
        load_signer(path)
    for private in (0o400, 0o600):
        path.chmod(private)
        load_signer(path)


def test_an_unknown_kind_is_answered_with_those_there_are(tmp_path) -> None:
    with pytest.raises(ConfigurationError, match="nonsense; there are") as refused:
        generate_key(tmp_path / "k", "ops", kinds=("nonsense",))
    assert all(kind in str(refused.value) for kind in (*SEALED, "policy/1", "bundle/1", "webhook/1"))


def test_a_key_ring_holds_each_key_once(ops, exercise) -> None:
    ring = KeyRing([ops.public, exercise.public, ops.public])
    assert len(ring) == 2
    assert set(ring) == {ops.public, exercise.public}
    assert ring.get("ops-unheard-of") is None


def test_an_expiry_needs_a_zone(ops) -> None:
    with pytest.raises(ValueError, match="zone"):
        PublicKey(
            key_id=ops.key_id, public_key=ops.public.public_key, scope="ops", expires="2026-03-01T00:00:00"
        )
