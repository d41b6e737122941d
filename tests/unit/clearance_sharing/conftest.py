"""A bundle that a second administration accepts, for a test to spoil in one respect."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from screening.clearance import KeyRing, Policy, PublicKey, Signer, decide, record_hash
from screening.clearance.ledger.merkle import Frontier, inclusion_path, leaf_hash
from screening.clearance.policy import parse_policy
from screening.clearance.sharing import Contents, InclusionProof, Trust
from screening.records import (
    CalibrationRef,
    CaseInputs,
    ClearanceDecision,
    Consignment,
    Crossing,
    CustodyEvent,
    Device,
    FlagClock,
    FlagModality,
    FlagPipeline,
    FlagQuality,
    FlagRef,
    FlagScores,
    InputRef,
    Level,
    ModelRef,
    OperatingMode,
    Reason,
    RequiredStep,
    Revocation,
    RevocationList,
    RiskFlag,
    Sealed,
    SealEvent,
    SealState,
    Subject,
    Targeting,
    TargetingAssessment,
    TreeHead,
    Validity,
    canonical_bytes,
    content_id,
    sha256_hex,
    utc_string,
)

LEFT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ARRIVED = LEFT + timedelta(days=4)
AT = ARRIVED + timedelta(minutes=30)
BOX, OTHER_BOX = "CSQU3054383", "MWCU6059784"
MODEL = sha256_hex(b"model")
CARD = f'name = "identify"\nsha256 = "{MODEL}"\n'.encode()
SCAN = b"N42 of the lane"
POLICY = b"""\
id = "ca"
version = "1"
max_flag_age_s = 86400
max_targeting_age_s = 259200
max_seal_reading_age_s = 86400
validity_s = 864000
"""
OWN_POLICY = b"""\
id = "us"
version = "7"
max_flag_age_s = 604800
max_targeting_age_s = 604800
max_seal_reading_age_s = 86400
validity_s = 86400
"""


def text_of(t: datetime) -> str:
    return str(utc_string(t))


def signer_of(seed: bytes, scope: str = "ops") -> Signer:
    return Signer(Ed25519PrivateKey.from_private_bytes(seed * 32), scope)


LANE, GATE, CA, US = (signer_of(seed) for seed in (b"l", b"g", b"c", b"u"))
STRANGER, EXERCISE = signer_of(b"x"), signer_of(b"e", "exercise")


def with_id(record: Any) -> Any:
    name = {"riskflag/1": "flag_id", "clearance/1": "decision_id"}[record.schema]
    digest = content_id(record, without=(name, "key_id", "signature"))
    return msgspec.structs.replace(record, **{name: digest})


def make_flag(modality: str, *reasons: Reason, signer: Signer = LANE, **changes: Any) -> RiskFlag:
    values: dict[str, Any] = {
        "scan_id": f"scan-{modality}",
        "site": "CAPRR",
        "lane": "1",
        "device": Device(),
        "operating_mode": OperatingMode.OPS,
        "subject": Subject(container_id=BOX, id_source="OCR", check_digit_ok=True, ocr_confidence="0.99"),
        "level": Level.LOW,
        "is_severe": False,
        "scores": FlagScores(),
        "quality": FlagQuality(),
        "calibration": CalibrationRef(id="cal-9", age_s=600, max_age_s=86400),
        "background_age_s": 30,
        "clock": FlagClock(),
        "pipeline": FlagPipeline(
            version="0.1.0",
            kernel_isa="baseline",
            models=(ModelRef(name="identify", sha256=MODEL, card_sha256=sha256_hex(CARD)),),
            config_sha256="c" * 64,
            threshold_sha256="d" * 64,
        ),
        "inputs": (InputRef(kind="scan", uri="1.n42", n_bytes=len(SCAN), sha256=sha256_hex(SCAN)),),
        "created_at": text_of(LEFT - timedelta(minutes=10)),
        **changes,
    }
    flag = RiskFlag(flag_id="", modality=FlagModality(modality), reasons=reasons, **values)
    return signer.seal(with_id(flag))


def make_event(event: str, at: datetime, *, signer: Signer | None = GATE, **changes: Any) -> SealEvent:
    values: dict[str, Any] = {"container_id": BOX, "seal_id": "SEAL-1", "place": "CAPRR", **changes}
    made = SealEvent(event=event, at=text_of(at), **values)
    return made if signer is None else signer.seal(made)


def make_assessment(
    level: Level = Level.LOW, at: datetime = LEFT - timedelta(hours=2)
) -> TargetingAssessment:
    targeting = Targeting(
        container_id=BOX, level=level, administration="CA", source="targeting", at=text_of(at)
    )
    return CA.seal(TargetingAssessment(targeting=targeting))


def make_crossing(point: str, place: str, at: datetime) -> Crossing:
    return CA.seal(Crossing(container_id=BOX, point=point, place=place, at=text_of(at), administration="CA"))


def make_list(
    *revoked: tuple[str, str], at: datetime = AT - timedelta(hours=1), signer: Signer = US, **changes: Any
) -> bytes:
    revocations = tuple(
        signer.seal(
            Revocation(what=what, subject=subject, at=text_of(at), reason="test", administration="US")
        )
        for what, subject in revoked
    )
    values: dict[str, Any] = {
        "administration": "US",
        "number": 3,
        "issued_at": text_of(at),
        "next_update": text_of(at + timedelta(days=1)),
        "revocations": revocations,
        **changes,
    }
    return canonical_bytes(signer.seal(RevocationList(**values)))


@dataclass
class Site:
    """The first administration's case; a test changes a part, and `contents` follows."""

    flags: list[RiskFlag] = field(default_factory=lambda: [make_flag("RAD_GROSS"), make_flag("NEUTRON")])
    records: list[Sealed] = field(
        default_factory=lambda: [
            make_assessment(),
            make_event("SEALED", LEFT - timedelta(minutes=20)),
            make_crossing("DEPARTURE", "CAPRR", LEFT + timedelta(minutes=10)),
            make_crossing("ARRIVAL", "USINL", ARRIVED - timedelta(minutes=5)),
            make_event("ARRIVED", ARRIVED, place="USINL"),
        ]
    )
    inputs: CaseInputs = field(
        default_factory=lambda: CaseInputs(
            targeting=Level.LOW, seal="VERIFIED", radiation=Level.LOW, transit="NOT_MOVED"
        )
    )
    policy: bytes = POLICY
    signer: Signer = CA
    changes: dict[str, Any] = field(default_factory=dict)

    def earlier(self) -> ClearanceDecision:
        """The decision before, when targeting was not yet known."""
        inputs = msgspec.structs.replace(self.inputs, targeting=None)
        return self._decision(inputs, at=LEFT - timedelta(minutes=5), log_index=2, prev_hash=None)

    def decision(self) -> ClearanceDecision:
        return self._decision(self.inputs, at=LEFT, log_index=5, prev_hash=record_hash(self.earlier()))

    def contents(self, **changes: Any) -> Contents:
        decision = canonical_bytes(self.decision())
        head, proof = ledger_of(decision)
        values: dict[str, Any] = {
            "made_at": text_of(ARRIVED + timedelta(minutes=10)),
            "decision": decision,
            "flags": tuple(canonical_bytes(flag) for flag in self.flags),
            "records": tuple(canonical_bytes(record) for record in self.records),
            "chain": (canonical_bytes(self.earlier()),),
            "policy": self.policy,
            "policy_signature": seal_over("policy/1", self.policy, CA),
            "cards": (CARD,),
            "keys": tuple(msgspec.json.encode(one.public) for one in (LANE, GATE, CA)),
            "head": head,
            "inclusion": proof,
            "evidence": (SCAN,),
            **changes,
        }
        return Contents(**values)

    def _decision(self, inputs: CaseInputs, *, at: datetime, **changes: Any) -> ClearanceDecision:
        risk, action, _ = decide(inputs)
        custody = tuple(
            CustodyEvent(t=one.at, status=one.event, place=one.place, signature=one.signature)
            for one in self.records
            if isinstance(one, SealEvent) and one.event == "SEALED"
        )
        values: dict[str, Any] = {
            "consignment": Consignment(container_id=BOX, seals=("SEAL-1",)),
            "stage": "DEPARTURE",
            "risk": risk,
            "action": action,
            "reason_codes": (),
            "inputs": inputs,
            "policy": parse_policy(self.policy).ref,
            "required_steps": (RequiredStep(step="RADIATION", done=True),),
            "flags": tuple(
                FlagRef(flag_id=one.flag_id, sha256=record_hash(one), modality=one.modality, level=one.level)
                for one in self.flags
            ),
            "seal": SealState(id="SEAL-1", intact=True, verification="verified", custody=custody),
            "validity": Validity(not_before=text_of(at), expires=text_of(at + timedelta(days=10))),
            "is_exercise": self.signer.scope == "exercise",
            "decided_at": text_of(at),
            "administration": "CA",
            **changes,
            **self.changes,
        }
        return self.signer.seal(with_id(ClearanceDecision(decision_id="", **values)))


def seal_over(schema: str, data: bytes, signer: Signer) -> bytes:
    return canonical_bytes({"key_id": signer.key_id, "signature": signer.sign(schema, data)})


def ledger_of(
    decision: bytes,
    *,
    index: int = 5,
    size: int = 11,
    ledger_id: str = "CAPRR",
    signer: Signer = CA,
    at: datetime = ARRIVED + timedelta(minutes=9),
) -> tuple[bytes, bytes]:
    """A ledger in which the decision is one entry among others: its signed head, and the proof."""
    leaves = [leaf_hash(decision if i == index else ledger_id.encode() + bytes([i])) for i in range(size)]
    frontier, nodes = Frontier(), {}
    for leaf in leaves:
        frontier, added = frontier.append(leaf)
        nodes |= {(one[0], one[1]): one[2] for one in added}
    path = inclusion_path(index, size, lambda level, at: nodes[level, at])
    head = TreeHead(ledger_id=ledger_id, size=size, root=frontier.root.hex(), at=text_of(at))
    proof = InclusionProof(index=index, size=size, path=tuple(one.hex() for one in path))
    return canonical_bytes(signer.seal(head)), canonical_bytes(proof)


def make_trust(
    *,
    keys: Iterable[PublicKey] | None = None,
    models: Iterable[str] = (MODEL,),
    lists: Iterable[bytes] | None = None,
) -> Trust:
    trusted = [one.public for one in (LANE, GATE, CA, US, EXERCISE)] if keys is None else keys
    return Trust(KeyRing(trusted), frozenset(models), tuple([make_list()] if lists is None else lists))


@pytest.fixture(scope="session")
def parts() -> ModuleType:
    """The builders of this file."""
    return sys.modules[__name__]


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture(scope="session")
def own_policy() -> Policy:
    return parse_policy(OWN_POLICY)


@pytest.fixture
def write_trust(tmp_path: Path) -> Callable[[], Path]:
    """The trust of the second administration as a folder."""

    def write() -> Path:
        folder = tmp_path / "trust"
        (folder / "keys").mkdir(parents=True)
        (folder / "revocations").mkdir()
        for i, one in enumerate((LANE, GATE, CA, US)):
            (folder / "keys" / f"{i}.pub").write_bytes(msgspec.json.encode(one.public))
        (folder / "models.txt").write_text(f"# identify\n{MODEL}\n")
        (folder / "revocations" / "us.json").write_bytes(make_list())
        return folder

    return write
