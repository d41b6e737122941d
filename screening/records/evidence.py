"""Sealed evidence that joins a case beside flags and seal events, one record for each kind of statement.

Every record is sealed by whoever states it (an officer's station, a gateway, a targeting system, an
administration) and names its container. All of them cross machine boundaries: no floats, no unknown
fields, `schema` names kind and version. Times are RFC 3339 UTC.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from .clearance import Adjudication, Targeting
from .codes import Level
from .scan import InputRef

__all__ = [
    "AdvanceData",
    "AdvanceRisk",
    "Conclusion",
    "Crossing",
    "Destuffing",
    "Goods",
    "IdentityRuling",
    "Journey",
    "JourneyPoint",
    "Party",
    "Remeasurement",
    "Revocation",
    "RevocationList",
    "SecondaryInspection",
    "TargetingAssessment",
    "TreeHead",
]

Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
_Count = Annotated[int, msgspec.Meta(ge=0, lt=1 << 53)]


class TargetingAssessment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A targeting result, sealed by the administration that assessed.

    Attributes
    ----------
    schema : {"assessment/1"}
        Version of this record.
    targeting : Targeting
        The result.
    advance_sha256 : str or None
        Hash of the advance data it rests on.
    key_id, signature : str or None
        None until sealed.
    """

    targeting: Targeting
    advance_sha256: Sha256 | None = None
    schema: Literal["assessment/1"] = "assessment/1"
    key_id: str | None = None
    signature: str | None = None


class Conclusion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An officer's adjudication of one flag, sealed by the officer's station.

    Attributes
    ----------
    schema : {"conclusion/1"}
        Version of this record.
    container_id : str
        ISO 6346 number, compact.
    adjudication : Adjudication
        What was concluded, and on what basis.
    administration : str
        Whose officer.
    key_id, signature : str or None
        None until sealed.
    """

    container_id: str
    adjudication: Adjudication
    administration: str
    schema: Literal["conclusion/1"] = "conclusion/1"
    key_id: str | None = None
    signature: str | None = None


class SecondaryInspection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A secondary radiation measurement of a container: a slow pass or a handheld instrument.

    It is evidence for an adjudication and concludes nothing itself.

    Attributes
    ----------
    schema : {"secondary/1"}
        Version of this record.
    container_id : str
        ISO 6346 number, compact.
    concerns : tuple of str
        Identifiers of the flags it was made for.
    method : {"HANDHELD", "SLOW_PASS", "REACH_BACK"}
        How.
    instrument : str
        Make, model and serial number.
    officer_ref : str
        Pseudonym.
    at : str
        When.
    files : tuple of InputRef
        The instrument's files, by hash.
    nuclides : tuple of str
        What the instrument named.
    flag_ids : tuple of str
        Flags of an analysis of those files; they are kept apart from the portal's.
    place : str or None
        Where.
    key_id, signature : str or None
        None until sealed.
    """

    container_id: str
    concerns: tuple[str, ...]
    method: Literal["HANDHELD", "SLOW_PASS", "REACH_BACK"]
    instrument: str
    officer_ref: str
    at: str
    files: tuple[InputRef, ...] = ()
    nuclides: tuple[str, ...] = ()
    flag_ids: tuple[str, ...] = ()
    place: str | None = None
    schema: Literal["secondary/1"] = "secondary/1"
    key_id: str | None = None
    signature: str | None = None


class Destuffing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The outcome of opening a container.

    Attributes
    ----------
    schema : {"destuffing/1"}
        Version of this record.
    container_id : str
        ISO 6346 number, compact.
    outcome : {"CLEAN", "FOUND"}
        What came of it.
    officer_ref : str
        Pseudonym.
    second_officer_ref : str or None
        The second person; after a breach only a clean destuffing signed by two counts.
    at : str
        When it was finished.
    place : str or None
        Where.
    found : tuple of str
        What was found, one line each.
    evidence : tuple of str
        Hashes of pictures and papers.
    key_id, signature : str or None
        None until sealed.
    """

    container_id: str
    outcome: Literal["CLEAN", "FOUND"]
    officer_ref: str
    at: str
    second_officer_ref: str | None = None
    place: str | None = None
    found: tuple[str, ...] = ()
    evidence: tuple[Sha256, ...] = ()
    schema: Literal["destuffing/1"] = "destuffing/1"
    key_id: str | None = None
    signature: str | None = None


class Remeasurement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Radiation of the goods measured again after destuffing.

    Attributes
    ----------
    schema : {"remeasurement/1"}
        Version of this record.
    container_id : str
        ISO 6346 number, compact.
    outcome : {"LOW", "NOT_LOW"}
        What it came to.
    instrument : str
        Make, model and serial number.
    officer_ref : str
        Pseudonym.
    at : str
        When.
    flag_ids : tuple of str
        Flags of that measurement: LOW counts only if every one of them verifies and is LOW.
    key_id, signature : str or None
        None until sealed.
    """

    container_id: str
    outcome: Literal["LOW", "NOT_LOW"]
    instrument: str
    officer_ref: str
    at: str
    flag_ids: tuple[str, ...] = ()
    schema: Literal["remeasurement/1"] = "remeasurement/1"
    key_id: str | None = None
    signature: str | None = None


class IdentityRuling(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An officer's ruling on which container a scan in doubt was of.

    Attributes
    ----------
    schema : {"identityruling/1"}
        Version of this record.
    scan_id : str
        The scan.
    container_id : str
        ISO 6346 number, compact.
    officer_ref : str
        Pseudonym.
    at : str
        When.
    basis : str
        What it rests on, one line.
    key_id, signature : str or None
        None until sealed.
    """

    scan_id: str
    container_id: str
    officer_ref: str
    at: str
    basis: str
    schema: Literal["identityruling/1"] = "identityruling/1"
    key_id: str | None = None
    signature: str | None = None


class Crossing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A container passed a point that is accounted for.

    Attributes
    ----------
    schema : {"crossing/1"}
        Version of this record.
    container_id : str
        ISO 6346 number, compact.
    point : {"ENTRY", "DEPARTURE", "ARRIVAL", "EXIT"}
        Into the perimeter; off the place of examination; at the border; out of the perimeter.
    place : str
        Where (UN/LOCODE where there is one).
    at : str
        When.
    administration : str
        Who recorded it.
    conveyance : str or None
        Vessel, train or truck.
    seal_id : str or None
        Seal seen.
    key_id, signature : str or None
        None until sealed.
    """

    container_id: str
    point: Literal["ENTRY", "DEPARTURE", "ARRIVAL", "EXIT"]
    place: str
    at: str
    administration: str
    conveyance: str | None = None
    seal_id: str | None = None
    schema: Literal["crossing/1"] = "crossing/1"
    key_id: str | None = None
    signature: str | None = None


class JourneyPoint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A place on the way where the seal is read.

    Attributes
    ----------
    place : str
        As readers name it.
    is_required : bool
        Whether a missing reading is a gap.
    not_after : str or None
        Latest time of the reading, RFC 3339 UTC; None: any time before arrival.
    """

    place: str
    is_required: bool = True
    not_after: str | None = None


class Journey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The way a sealed container is to take.

    Attributes
    ----------
    schema : {"journey/1"}
        Version of this record.
    container_id, seal_id : str
        Which container, under which seal.
    origin, destination : str
        From where to where.
    departs_at : str
        Planned departure.
    arrives_before : str
        End of its window; a container that has not arrived then is reported.
    points : tuple of JourneyPoint
        Reading points, in the order of the way.
    max_silence_s : int or None
        Longest time between two readings of the seal, seconds; None: not bounded.
    administration : str
        Who set it.
    at : str
        When it was set.
    key_id, signature : str or None
        None until sealed.
    """

    container_id: str
    seal_id: str
    origin: str
    destination: str
    departs_at: str
    arrives_before: str
    administration: str
    at: str
    points: tuple[JourneyPoint, ...] = ()
    max_silence_s: _Count | None = None
    schema: Literal["journey/1"] = "journey/1"
    key_id: str | None = None
    signature: str | None = None


class Party(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A party to a consignment, by keyed hash: two administrations can match it, and nobody can read it.

    Attributes
    ----------
    role : {"SHIPPER", "CONSIGNEE", "CARRIER", "NOTIFY", "STUFFER", "CONSOLIDATOR"}
        Its part.
    hmac_sha256 : str
        HMAC-SHA256 of the normalised name and country under the bilateral key.
    country : str or None
        ISO 3166-1 alpha-2.
    """

    role: Literal["SHIPPER", "CONSIGNEE", "CARRIER", "NOTIFY", "STUFFER", "CONSOLIDATOR"]
    hmac_sha256: Sha256
    country: Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}$")] | None = None


class Goods(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of declared goods.

    Attributes
    ----------
    hs : str
        Harmonised System code, 4 to 10 digits.
    description : str or None
        As declared.
    weight_kg : int or None
        Gross weight.
    nuclides : tuple of str
        Radioactive contents declared.
    """

    hs: Annotated[str, msgspec.Meta(pattern="^[0-9]{4,10}$")]
    description: str | None = None
    weight_kg: _Count | None = None
    nuclides: tuple[str, ...] = ()


class AdvanceRisk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One administration's risk level on advance data; levels are kept side by side, never merged.

    Attributes
    ----------
    administration : str
        Whose.
    level : Level
        Its level.
    source : str
        System or person behind it.
    at : str
        When.
    """

    administration: str
    level: Level
    source: str
    at: str


class AdvanceData(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is declared of a container before it is loaded: the common data elements for targeting.

    Attributes
    ----------
    schema : {"advancedata/1"}
        Version of this record.
    container_id : str
        ISO 6346 number, compact.
    bill : str
        Bill of lading or waybill.
    at : str
        When it was filed.
    administration : str
        With whom.
    conveyance : str or None
        Vessel and voyage, or train.
    origin, loading, entry, destination : str or None
        UN/LOCODE of each place on the route.
    parties : tuple of Party
        By keyed hash.
    goods : tuple of Goods
        Declared goods.
    gross_weight_kg : int or None
        Of the container.
    is_empty : bool
        Declared empty.
    seal_ids : tuple of str
        Seals declared.
    risks : tuple of AdvanceRisk
        Levels of the administrations.
    key_id, signature : str or None
        None until sealed.
    """

    container_id: str
    bill: str
    at: str
    administration: str
    conveyance: str | None = None
    origin: str | None = None
    loading: str | None = None
    entry: str | None = None
    destination: str | None = None
    parties: tuple[Party, ...] = ()
    goods: tuple[Goods, ...] = ()
    gross_weight_kg: _Count | None = None
    is_empty: bool = False
    seal_ids: tuple[str, ...] = ()
    risks: tuple[AdvanceRisk, ...] = ()
    schema: Literal["advancedata/1"] = "advancedata/1"
    key_id: str | None = None
    signature: str | None = None


class Revocation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that decisions rest on is no longer good.

    Attributes
    ----------
    schema : {"revocation/1"}
        Version of this record.
    what : {"MODEL", "CALIBRATION", "KEY", "CONTAINER"}
        Kind of the subject; CONTAINER is new intelligence on one box.
    subject : str
        sha256 of the model, identifier of the calibration or key, or container number.
    at : str
        When.
    reason : str
        One line.
    administration : str
        Who.
    key_id, signature : str or None
        None until sealed.
    """

    what: Literal["MODEL", "CALIBRATION", "KEY", "CONTAINER"]
    subject: str
    at: str
    reason: str
    administration: str
    schema: Literal["revocation/1"] = "revocation/1"
    key_id: str | None = None
    signature: str | None = None


class RevocationList(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything an administration has revoked so far.

    Attributes
    ----------
    schema : {"revocationlist/1"}
        Version of this record.
    administration : str
        Whose.
    number : int
        Rises with each list.
    issued_at, next_update : str
        When it was issued, and when the next is due.
    revocations : tuple of Revocation
        Sealed each.
    key_id, signature : str or None
        None until sealed.
    """

    administration: str
    number: _Count
    issued_at: str
    next_update: str
    revocations: tuple[Revocation, ...] = ()
    schema: Literal["revocationlist/1"] = "revocationlist/1"
    key_id: str | None = None
    signature: str | None = None


class TreeHead(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The head of a ledger: how many entries it has, and the root over them.

    Attributes
    ----------
    schema : {"treehead/1"}
        Version of this record.
    ledger_id : str
        Which ledger.
    size : int
        Number of entries.
    root : str
        Merkle tree hash over them (RFC 6962), hexadecimal.
    at : str
        When.
    key_id, signature : str or None
        None until sealed.
    """

    ledger_id: str
    size: _Count
    root: Sha256
    at: str
    schema: Literal["treehead/1"] = "treehead/1"
    key_id: str | None = None
    signature: str | None = None
