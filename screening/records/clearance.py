"""Records of the clearance flow: targeting, seals, adjudications, decisions, acceptances.

All of them cross machine boundaries: no floats, no unknown fields, `schema` names the version.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from .codes import Action, FlagModality, Level, ReasonCode

__all__ = [
    "Acceptance",
    "Adjudication",
    "CaseInputs",
    "ClearanceDecision",
    "Consignment",
    "CustodyEvent",
    "FlagRef",
    "PolicyRef",
    "RequiredStep",
    "SealEvent",
    "SealState",
    "Targeting",
    "Validity",
    "Verified",
]


class Targeting(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Risk assessed on advance data by one administration.

    Attributes
    ----------
    container_id : str
        ISO 6346 number, compact.
    level : Level
        Its level.
    administration : str
        Who assessed it.
    source : str
        System or person behind it.
    at : str
        When, RFC 3339 UTC.
    """

    container_id: str
    level: Level
    administration: str
    source: str
    at: str
    schema: Literal["targeting/1"] = "targeting/1"


class SealEvent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One reading or event of a seal, as a gateway reported it.

    Attributes
    ----------
    container_id, seal_id : str
        Which container and seal.
    event : str
        What happened. SHOCK and ROUTE_DEVIATION were added to the vocabulary of sealevent/1 later; a
        reader from before refuses a record that uses them.
    at : str
        When, RFC 3339 UTC.
    place, reader : str or None
        Where and by which reader.
    key_id, signature : str or None
        The gateway's; an unsigned reading is not evidence.
    """

    container_id: str
    seal_id: str
    event: Literal[
        "SEALED", "UNSEALED", "READ", "BROKEN", "TAMPER", "LOW_BATTERY", "FAULT", "GAP", "ARRIVED", "SHOCK",
        "ROUTE_DEVIATION",
    ]  # fmt: skip
    at: str
    place: str | None = None
    reader: str | None = None
    schema: Literal["sealevent/1"] = "sealevent/1"
    key_id: str | None = None
    signature: str | None = None


class Adjudication(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An officer's conclusion on one flag.

    Attributes
    ----------
    officer_ref : str
        Pseudonym.
    flag_id : str
        The flag it concludes on.
    code : int
        OSCAR code, 1 to 11.
    basis : {"PAPER", "MEASUREMENT"}
        Released on paperwork is not the same as measured.
    nuclides : tuple of str
        Nuclides found by a measurement.
    instrument : str or None
        What measured.
    at : str
        When, RFC 3339 UTC.
    evidence : tuple of str
        Hashes of the evidence.
    second_officer_ref : str or None
        The second person, where one is required.
    """

    officer_ref: str
    flag_id: str
    code: int
    basis: Literal["PAPER", "MEASUREMENT"]
    at: str
    nuclides: tuple[str, ...] = ()
    instrument: str | None = None
    evidence: tuple[str, ...] = ()
    second_officer_ref: str | None = None


class CaseInputs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the decision table reads; None: missing, expired, unverified or failed a gate.

    Attributes
    ----------
    targeting : Level or None
        Risk on advance data.
    seal : {"VERIFIED", "UNVERIFIED", "FAULT", "BROKEN"} or None
        State of the seal.
    radiation : Level or None
        The portal's answer, worst over its flags.
    severe : bool
        Neutrons, SNM or an overload behind it.
    adjudication : str or None
        Outcome of the secondary inspection of that flag.
    image : {"LOW", "UNKNOWN", "HIGH", "SHIELDED"} or None
        The image's answer; SHIELDED where something could hide unseen.
    destuff : {"CLEAN", "FOUND"} or None
        Outcome of opening the container.
    remeasured : {"LOW", "NOT_LOW"} or None
        Radiation measured again after destuffing.
    transit : {"NOT_MOVED", "INTACT", "GAP", "TAMPER"} or None
        What happened on the way; None without a valid arrival record.
    """

    targeting: Level | None = None
    seal: Literal["VERIFIED", "UNVERIFIED", "FAULT", "BROKEN"] | None = None
    radiation: Level | None = None
    severe: bool = False
    adjudication: Literal["INNOCENT_PAPER", "INNOCENT_MEASURED", "ILLICIT", "INCONCLUSIVE"] | None = None
    image: Literal["LOW", "UNKNOWN", "HIGH", "SHIELDED"] | None = None
    destuff: Literal["CLEAN", "FOUND"] | None = None
    remeasured: Literal["LOW", "NOT_LOW"] | None = None
    transit: Literal["NOT_MOVED", "INTACT", "GAP", "TAMPER"] | None = None


class Consignment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a decision is about."""

    container_id: str
    bill: str | None = None
    seals: tuple[str, ...] = ()


class PolicyRef(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The policy a decision was taken under."""

    id: str
    version: str
    sha256: str


class RequiredStep(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A step the flow requires, and what fulfils it.

    Attributes
    ----------
    step : str
        TARGETING, SEAL, RADIATION, IMAGE, SECONDARY_RAD, DESTUFF or ARRIVAL.
    done : bool
        Whether valid evidence exists.
    flag_ids : tuple of str
        The evidence.
    waived_by : str or None
        Who waived it.
    """

    step: Literal["TARGETING", "SEAL", "RADIATION", "IMAGE", "SECONDARY_RAD", "DESTUFF", "ARRIVAL"]
    done: bool
    flag_ids: tuple[str, ...] = ()
    waived_by: str | None = None


class FlagRef(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A flag by identifier, with the hash of its sealed bytes."""

    flag_id: str
    sha256: str
    modality: FlagModality
    level: Level


class CustodyEvent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One point of a seal's custody."""

    t: str
    status: str
    place: str | None = None
    reader: str | None = None
    signature: str | None = None


class SealState(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The seal behind a decision.

    Attributes
    ----------
    id, type, iso17712_class, sealed_at : str or None
        The seal.
    intact : bool or None
        None: not read.
    verification : {"verified", "unverified", "unknown"}
        NIEM seal verification.
    custody : tuple of CustodyEvent
        Readings.
    gaps : int
        Custody points without a reading.
    """

    id: str | None = None
    type: str | None = None
    iso17712_class: str | None = None
    sealed_at: str | None = None
    intact: bool | None = None
    verification: Literal["verified", "unverified", "unknown"] = "unknown"
    custody: tuple[CustodyEvent, ...] = ()
    gaps: int = 0


class Validity(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long a decision holds, and what voids it."""

    not_before: str
    expires: str
    void_on: tuple[
        Literal["SEAL_BROKEN", "ROUTE_DEVIATION", "NEW_INTEL", "MODEL_REVOKED", "CAL_REVOKED"], ...
    ] = ("SEAL_BROKEN", "ROUTE_DEVIATION", "NEW_INTEL", "MODEL_REVOKED", "CAL_REVOKED")


class ClearanceDecision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one administration decided for one container, signed.

    Attributes
    ----------
    schema : {"clearance/1"}
        Version of this record.
    decision_id : str
        sha256 of the canonical body without decision_id, key_id and signature.
    consignment : Consignment
        What it is about.
    stage : {"DEPARTURE", "ARRIVAL"}
        Where in the flow.
    risk : Level
        Risk.
    action : Action
        What is done.
    reason_codes : tuple of ReasonCode
        Why.
    inputs : CaseInputs
        What the decision table read.
    policy : PolicyRef
        Under which policy.
    required_steps : tuple of RequiredStep
        Which steps are done.
    flags : tuple of FlagRef
        The evidence.
    adjudications : tuple of Adjudication
        Officers' conclusions.
    seal : SealState
        The seal.
    validity : Validity
        How long it holds.
    is_exercise : bool
        Taken in an exercise: never valid for cargo.
    decided_at : str
        When, RFC 3339 UTC.
    prev_hash : str or None
        The previous decision of the same container.
    log_index : int or None
        Its place in the ledger.
    administration : str
        Who decided.
    key_id, signature : str or None
        None until sealed.
    """

    decision_id: str
    consignment: Consignment
    stage: Literal["DEPARTURE", "ARRIVAL"]
    risk: Level
    action: Action
    reason_codes: tuple[ReasonCode, ...]
    inputs: CaseInputs
    policy: PolicyRef
    required_steps: tuple[RequiredStep, ...]
    flags: tuple[FlagRef, ...]
    seal: SealState
    validity: Validity
    is_exercise: bool
    decided_at: str
    administration: str
    adjudications: tuple[Adjudication, ...] = ()
    prev_hash: str | None = None
    log_index: int | None = None
    schema: Literal["clearance/1"] = "clearance/1"
    key_id: str | None = None
    signature: str | None = None


class Verified(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the second administration verified, one by one."""

    signature: bool
    chain: bool
    models_allowed: bool
    calibration_valid: bool
    policy_equivalent: bool


class Acceptance(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The second administration's own signed record on a decision of the first.

    Attributes
    ----------
    schema : {"acceptance/1"}
        Version of this record.
    acceptance_id : str
        sha256 of the canonical body without acceptance_id, key_id and signature.
    decision_id : str
        The decision.
    verified : Verified
        What was verified.
    outcome : {"ACCEPT", "REJECT", "RE_EXAMINE"}
        What follows.
    reasons : tuple of str
        Why.
    administration : str
        Who.
    at : str
        When, RFC 3339 UTC.
    key_id, signature : str or None
        None until sealed.
    """

    acceptance_id: str
    decision_id: str
    verified: Verified
    outcome: Literal["ACCEPT", "REJECT", "RE_EXAMINE"]
    reasons: tuple[str, ...]
    administration: str
    at: str
    schema: Literal["acceptance/1"] = "acceptance/1"
    key_id: str | None = None
    signature: str | None = None
