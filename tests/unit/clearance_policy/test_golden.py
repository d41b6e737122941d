"""Promise R14: what was sealed under an earlier version still verifies, byte for byte.

The files were written by the code of the first version of these records. They are never rewritten: one
that is missing or differs is a failure, not a reason to make it anew.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from screening.clearance import (
    KeyRing,
    Signer,
    VerificationError,
    conclude,
    default_policy,
    load_policy,
    read_public_key,
    verify_decision,
    verify_record,
)
from screening.records import (
    Acceptance,
    Case,
    ClearanceDecision,
    Level,
    RiskFlag,
    SealEvent,
    Targeting,
    canonical_bytes,
    sha256_hex,
)

RECORDS = {
    "riskflag": (RiskFlag, "57c1899c212c10c7272322765c05a1878efd340d73d450301f594de704aa9a28"),
    "riskflag-gamma": (RiskFlag, "78093a198d82a334669c6e899e58d3a97db10d058898e863eefc581be7ca107c"),
    "riskflag-neutron": (RiskFlag, "803372c1e38f797e213edf0f7627ab92fa09f9a238376ca1f48e2e744c2dc896"),
    "sealevent": (SealEvent, "5600b8ccfa0b43f3324986d3f659fad4bd1659f966f77ec98d30784871c068df"),
    "decision": (ClearanceDecision, "5cea4fec965f8f4c29a2bc24c886ae1148aeb418e65bf1e88d8fe0a850eb3391"),
    "acceptance": (Acceptance, "c09d6d30076137e18be0ec8c98fd7714b48b0971a6646e2a433be71f5c57f7ac"),
}


@pytest.fixture(scope="session")
def golden(repository: Path) -> Path:
    return repository / "tests" / "golden"


@pytest.fixture(scope="session")
def keys(golden: Path) -> KeyRing:
    return KeyRing([read_public_key(golden / "clearance-1-key.json")])


@pytest.fixture(scope="session")
def signer(keys: KeyRing) -> Signer:
    """The key the files were made with; it has signed nothing else."""
    signer = Signer(Ed25519PrivateKey.from_private_bytes(b"g" * 32), "ops")
    assert signer.key_id in {key.key_id for key in keys}
    return signer


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_a_sealed_record_verifies_byte_for_byte(name, golden, keys, signer) -> None:
    kind, sha256 = RECORDS[name]
    data = (golden / f"clearance-1-{name}.json").read_bytes()
    assert sha256_hex(data) == sha256
    record = verify_record(data, kind, keys)
    assert canonical_bytes(record) == data
    assert canonical_bytes(signer.seal(record)) == data


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_no_byte_of_it_may_change(name, golden, keys) -> None:
    kind, _ = RECORDS[name]
    data = (golden / f"clearance-1-{name}.json").read_bytes()
    for i in range(0, len(data), 7):
        spoiled = data[:i] + bytes([data[i] ^ 1]) + data[i + 1 :]
        with pytest.raises(VerificationError):
            verify_record(spoiled, kind, keys)


def test_every_golden_file_is_held_to_something(golden) -> None:
    names = {path.name for path in golden.glob("clearance-1-*.json")}
    assert names == {f"clearance-1-{name}.json" for name in (*RECORDS, "key")}


def test_the_decision_verifies_with_its_flags_under_the_policy_of_today(golden, keys) -> None:
    decision = (golden / "clearance-1-decision.json").read_bytes()
    flags = [
        (golden / f"clearance-1-riskflag{kind}.json").read_bytes() for kind in ("-gamma", "-neutron", "")
    ]
    at = datetime.fromisoformat("2026-03-02T00:00:00Z")
    report = verify_decision(decision, keys, at=at, flags=flags, policy=default_policy())
    assert report.is_good, report.checks


def test_the_same_evidence_is_decided_in_the_same_bytes(golden, keys, signer) -> None:
    def read(name: str, kind: type) -> object:
        return msgspec.json.decode((golden / f"clearance-1-{name}.json").read_bytes(), type=kind)

    case = Case(
        container_id="CSQU3054383",
        flags=tuple(read(f"riskflag{kind}", RiskFlag) for kind in ("-gamma", "-neutron", "")),
        targeting=(
            Targeting(
                container_id="CSQU3054383",
                level=Level.LOW,
                administration="CA",
                source="test",
                at="2026-03-01T10:00:00.000Z",
            ),
        ),
        seal_events=(read("sealevent", SealEvent),),
        has_moved=False,
    )
    decision = conclude(
        case,
        policy=default_policy(),
        administration="CA",
        at=datetime.fromisoformat("2026-03-01T12:00:00Z"),
        signer=signer,
        bill="B/L 12",
    )
    assert canonical_bytes(decision) == (golden / "clearance-1-decision.json").read_bytes()


def test_a_flat_policy_of_the_first_version_loads_as_it_did(golden, keys) -> None:
    policy = load_policy(golden / "policy-1-flat.toml", keys)
    flat = {"id": "port", "version": "3", "max_flag_age_s": 86400, "max_targeting_age_s": 259200,
            "max_seal_reading_age_s": 86400, "validity_s": 259200, "norm_low": False}  # fmt: skip
    assert {name: getattr(policy, name) for name in flat} == flat
    assert policy.ref.sha256 == sha256_hex((golden / "policy-1-flat.toml").read_bytes())
    assert not policy.changes_the_table


def test_the_default_policy_keeps_its_hash() -> None:
    """Decisions of the first version name it."""
    assert default_policy().sha256 == "2ea7832535185fff51b1cf417f09d2767a9248a8892ad91d06aa696a529a0051"
