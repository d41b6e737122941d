"""What the service is asked and what it answers, as records: the OpenAPI document is made of these."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from screening.clearance.desk.views import CaseView
from screening.records import Action, Level

from .problems import Mode, RecordAnswer

__all__ = [
    "CaseAnswer",
    "CasesAnswer",
    "CasesQuery",
    "DeadAnswer",
    "DeadLetter",
    "DeadQuery",
    "DecisionEntry",
    "DecisionsAnswer",
    "DecisionsQuery",
    "DiscrepanciesAnswer",
    "DiscrepanciesQuery",
    "DiscrepancyEntry",
    "EventId",
    "HealthAnswer",
    "InclusionAnswer",
    "InclusionQuery",
    "Index",
    "Key",
    "NoQuery",
    "RecordsAnswer",
    "ReplayAnswer",
    "ReplayRequest",
    "Sha256",
    "StreamQuery",
]

# No control characters: PostgreSQL keeps no NUL, and no identifier of the field has any.
Key = Annotated[str, msgspec.Meta(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]
Index = Annotated[int, msgspec.Meta(ge=0, lt=1 << 53)]
Limit = Annotated[int, msgspec.Meta(ge=1, le=1000, description="Entries wanted; the service may give fewer.")]
Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
EventId = Annotated[int, msgspec.Meta(ge=-1, lt=1 << 53)]


class NoQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Nothing can be asked beside the path."""


class CasesQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which cases; `after` is the key of the last case of the page before."""

    risk: Level | msgspec.UnsetType = msgspec.UNSET
    action: Action | msgspec.UnsetType = msgspec.UNSET
    after: Key | msgspec.UnsetType = msgspec.UNSET
    limit: Limit = 100


class DecisionsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Decisions behind a place of the ledger; `after` -1 begins with the first."""

    after: EventId = -1
    limit: Limit = 100


class StreamQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the stream begins; the header Last-Event-ID goes first, without either it begins now."""

    after: EventId | msgspec.UnsetType = msgspec.UNSET


class InclusionQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """In the ledger of which size; without it as it is now."""

    size: Index | msgspec.UnsetType = msgspec.UNSET


class DiscrepanciesQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of which page of cases."""

    after: Key | msgspec.UnsetType = msgspec.UNSET
    limit: Limit = 100


class DeadQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of which sink."""

    sink: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9._-]{1,64}$")] | msgspec.UnsetType = msgspec.UNSET


class RecordsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the records of a post, in their order."""

    mode: Mode
    records: list[RecordAnswer]


class CasesAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A page of cases; `next` is what to ask for after it, null at the end."""

    mode: Mode
    cases: list[CaseView]
    next: str | None


class CaseAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One case."""

    mode: Mode
    case: CaseView


class DecisionEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A decision with its place in the ledger; `record` is the canonical sealed decision."""

    log_index: Index
    sha256: Sha256
    record: msgspec.Raw


class DecisionsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Decisions in the order of the ledger; `next` is the `after` of the next page."""

    mode: Mode
    decisions: list[DecisionEntry]
    next: int


class InclusionAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Proof that a record is in the ledger of a size: the hashes of RFC 6962, from the leaf up."""

    mode: Mode
    index: Index
    size: Index
    kind: str
    sha256: Sha256
    path: list[Sha256]


class DiscrepancyEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Entry and exit of one container that do not go together."""

    container_id: str
    code: str
    at: str
    place: str
    text: str


class DiscrepanciesAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Discrepancies of a page of cases; `next` as in a page of cases."""

    mode: Mode
    discrepancies: list[DiscrepancyEntry]
    next: str | None


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A message that nobody tries to deliver any more, until it is replayed."""

    id: Index
    sink: str
    key: Sha256
    container_id: str
    kind: str
    attempts: int
    log_index: int
    error: str | None


class DeadAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Messages that were given up."""

    mode: Mode
    messages: list[DeadLetter]


class ReplayRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which messages are tried again."""

    ids: Annotated[list[Index], msgspec.Meta(min_length=1, max_length=1000)]


class ReplayAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """How many messages are tried again."""

    mode: Mode
    n_replayed: int


class HealthAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the service does all of its work; a receiver that is down is counted, and no fault of it."""

    mode: Mode
    status: Literal["GOOD", "DEGRADED"]
    version: str
    checks: dict[str, bool]
    n_receivers_down: int
