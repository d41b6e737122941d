"""Every operation of the service, once: the routes and the OpenAPI document are both made of this list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from screening.clearance.settings import TokenScope
from screening.records import ClearanceDecision, TreeHead

from . import answers

__all__ = ["JSON", "NDJSON", "OPERATIONS", "READERS", "SENDERS", "SSE", "Operation"]

JSON = "application/json"
NDJSON = "application/x-ndjson"
SSE = "text/event-stream"

READERS: frozenset[TokenScope] = frozenset(("read", "officer", "admin"))
#: An officer's station posts conclusions; which kinds a sender may post its key says, not its token.
SENDERS: frozenset[TokenScope] = frozenset(("send", "officer"))
ADMINS: frozenset[TokenScope] = frozenset(("admin",))


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One operation.

    Attributes
    ----------
    name : str
        Its identifier, and the name of what handles it.
    method : {"GET", "POST"}
        HTTP method.
    path : str
        Path with its parameters.
    summary : str
        One line.
    scopes : frozenset of str or None
        Scopes of which a token needs one; None: anybody may ask.
    answer : type or None
        Record of the answer; None for one that is no JSON record.
    media : str
        Media type of the answer.
    query : type
        Record of the query.
    body : type, "records" or None
        Record of the body, or sealed records.
    header : tuple or None
        Name and type of a header it reads.
    path_types : mapping
        Type of each parameter of the path.
    problems : tuple of int
        Statuses of problems beside those that any operation may have.
    """

    name: str
    path: str
    summary: str
    scopes: frozenset[TokenScope] | None
    answer: type[msgspec.Struct] | None
    method: Literal["GET", "POST"] = "GET"
    media: str = JSON
    query: type[msgspec.Struct] = answers.NoQuery
    body: type[msgspec.Struct] | Literal["records"] | None = None
    header: tuple[str, object] | None = None
    path_types: Mapping[str, object] = field(default_factory=dict)
    problems: tuple[int, ...] = ()


_KEY = {"key": answers.Key}

OPERATIONS = (
    Operation(
        name="post_records",
        method="POST",
        path="/v1/records",
        summary="Take sealed records; what is ACCEPTED or KNOWN is on disk.",
        scopes=SENDERS,
        answer=answers.RecordsAnswer,
        body="records",
        problems=(408, 413, 415, 422),
    ),
    Operation(
        name="get_cases",
        path="/v1/cases",
        summary="List cases in the order of their keys.",
        scopes=READERS,
        answer=answers.CasesAnswer,
        query=answers.CasesQuery,
    ),
    Operation(
        name="get_case",
        path="/v1/cases/{key}",
        summary="Show how a case stands.",
        scopes=READERS,
        answer=answers.CaseAnswer,
        path_types=_KEY,
        problems=(404,),
    ),
    Operation(
        name="get_case_records",
        path="/v1/cases/{key}/records",
        summary="Give the sealed records that joined a case, one a line, byte for byte.",
        scopes=READERS,
        answer=None,
        media=NDJSON,
        path_types=_KEY,
        problems=(404,),
    ),
    Operation(
        name="get_decisions",
        path="/v1/decisions",
        summary="List decisions in the order of the ledger.",
        scopes=READERS,
        answer=answers.DecisionsAnswer,
        query=answers.DecisionsQuery,
    ),
    Operation(
        name="stream_decisions",
        path="/v1/decisions/stream",
        summary="Stream decisions as server-sent events; the id of an event is its place in the ledger.",
        scopes=READERS,
        answer=None,
        media=SSE,
        query=answers.StreamQuery,
        header=("Last-Event-ID", answers.EventId),
    ),
    Operation(
        name="get_decision",
        path="/v1/decisions/{decision_id}",
        summary="Give a sealed decision, byte for byte.",
        scopes=READERS,
        answer=ClearanceDecision,
        path_types={"decision_id": answers.Sha256},
        problems=(404,),
    ),
    Operation(
        name="get_head",
        path="/v1/ledger/head",
        summary="Give the sealed head of the ledger, byte for byte.",
        scopes=READERS,
        answer=TreeHead,
    ),
    Operation(
        name="get_inclusion",
        path="/v1/ledger/inclusion/{index}",
        summary="Prove that a record is in the ledger.",
        scopes=READERS,
        answer=answers.InclusionAnswer,
        query=answers.InclusionQuery,
        path_types={"index": answers.Index},
        problems=(404,),
    ),
    Operation(
        name="get_dead",
        path="/v1/outbox/dead",
        summary="List messages whose delivery was given up.",
        scopes=ADMINS,
        answer=answers.DeadAnswer,
        query=answers.DeadQuery,
    ),
    Operation(
        name="replay_dead",
        method="POST",
        path="/v1/outbox/replay",
        summary="Try messages again whose delivery was given up.",
        scopes=ADMINS,
        answer=answers.ReplayAnswer,
        body=answers.ReplayRequest,
        problems=(408, 409, 413, 415, 422),
    ),
    Operation(
        name="get_discrepancies",
        path="/v1/discrepancies",
        summary="List entries and exits that do not go together, for a page of cases.",
        scopes=READERS,
        answer=answers.DiscrepanciesAnswer,
        query=answers.DiscrepanciesQuery,
    ),
    Operation(
        name="get_health",
        path="/v1/health",
        summary="Tell whether the service does all of its work.",
        scopes=None,
        answer=answers.HealthAnswer,
    ),
    Operation(
        name="get_document",
        path="/v1/openapi.json",
        summary="Give this document.",
        scopes=None,
        answer=None,
    ),
)
