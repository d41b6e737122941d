"""What a desk says of itself: what became of a record, how a case stands, what a sink is owed."""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec

from screening.records import Action, Level

__all__ = ["CaseView", "DeskRules", "OpenCase", "OutboxMessage", "SinkWants", "Taken", "Troubled"]


class Taken(NamedTuple):
    """What became of one record that was handed in.

    Attributes
    ----------
    sha256 : str
        Hash of its bytes: the key under which handing it in again changes nothing.
    status : {"ACCEPTED", "KNOWN", "REFUSED"}
        ACCEPTED and KNOWN are on disk.
    failure : str or None
        Code of the refusal: one of those of verification (BAD_SIGNATURE, WRONG_LANE, ...), or TOO_LARGE,
        NOT_WANTED, BAD_NAME, CLOCK, TOO_OLD, EXERCISE_RECORD, NOT_EXERCISE.
    text : str
        One line for a person.
    """

    sha256: str
    status: Literal["ACCEPTED", "KNOWN", "REFUSED"]
    failure: str | None
    text: str


class CaseView(msgspec.Struct, frozen=True, kw_only=True):
    """How one case stands.

    Attributes
    ----------
    key : str
        Container number, or ``scan:<scan_id>`` of a scan that is kept apart.
    risk : Level or None
        Of the latest decision; None while there is none.
    action : Action or None
        Of the latest decision.
    decision_id : str or None
        Of the latest decision.
    decision_sha256 : str or None
        Hash of its sealed bytes.
    decided_at, expires_at : str or None
        Of the latest decision, RFC 3339 UTC.
    is_open : bool
        Whether something is still to be done: nothing decided, or a risk that is not LOW.
    is_due : bool
        Whether records wait to be weighed.
    deadline : str or None
        When it is decided on what there is; None while only declarations have come.
    opened_at, updated_at : str
        When its first and its latest record came.
    n_records : int
        Records that joined it.
    """

    key: str
    risk: Level | None
    action: Action | None
    decision_id: str | None
    decision_sha256: str | None
    decided_at: str | None
    expires_at: str | None
    is_open: bool
    is_due: bool
    deadline: str | None
    opened_at: str
    updated_at: str
    n_records: int


class OutboxMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One record that one sink is owed.

    Attributes
    ----------
    id : int
        Its number in this outbox.
    sink : str
        Who is owed it.
    key : str
        Hash of the body: the key under which a receiver takes it once.
    container_id : str
        Whose order it stands in; empty for a record of no container.
    kind : str
        Schema name of the body.
    body : bytes
        The sealed record.
    attempts : int
        How often it was claimed, this time included.
    log_index : int
        Its place in the ledger.
    state : {"PENDING", "DELIVERED", "DEAD"}
        DEAD: nobody tries any more until it is replayed.
    error : str or None
        What the last attempt met.
    """

    id: int
    sink: str
    key: str
    container_id: str
    kind: str
    body: bytes
    attempts: int
    log_index: int
    state: Literal["PENDING", "DELIVERED", "DEAD"]
    error: str | None


class Troubled(NamedTuple):
    """Messages of one sink that were tried, not taken, and will be tried again.

    Attributes
    ----------
    sink : str
        Who does not take them.
    n_message : int
        How many there are.
    attempts : int
        Most attempts at one of them.
    error : str
        What the last attempt at the one that is tried next met.
    next_at : str
        When that is, RFC 3339 UTC.
    """

    sink: str
    n_message: int
    attempts: int
    error: str
    next_at: str


class OpenCase(NamedTuple):
    """A case of which nothing has been decided.

    Attributes
    ----------
    key : str
        The case.
    missing : tuple of str
        What it waits for: steps of the policy, or lanes of the site.
    deadline : str or None
        When it is decided on what there is, RFC 3339 UTC; None while nothing says that it is here.
    """

    key: str
    missing: tuple[str, ...]
    deadline: str | None


class SinkWants(msgspec.Struct, frozen=True, kw_only=True):
    """A sink by name, and the kinds of records it is owed."""

    name: str
    kinds: tuple[str, ...] = ("clearance/1",)


class DeskRules(msgspec.Struct, frozen=True, kw_only=True):
    """What a desk is told of its site.

    Attributes
    ----------
    administration : str
        Who decides.
    stage : {"DEPARTURE", "ARRIVAL"}
        Where in the flow the desk stands.
    required_lanes : tuple of str
        A case is complete once all of these lanes have reported; empty: once the policy's steps have
        evidence.
    case_deadline_s : float
        After its first record a case waits this long; then it is decided on what there is.
    max_clock_skew_s : float
        How far ahead of this clock a record may be dated.
    max_record_age_s : float
        Age beyond which a record that is not known is refused.
    max_record_bytes : int
        Size beyond which a record is refused unread.
    models_allowed : tuple of str
        sha256 of the models whose flags count; empty: all that are not revoked.
    sinks : tuple of SinkWants
        Who is owed what.
    ledger_id : str or None
        Name of a ledger that is begun; None: a random one.
    """

    administration: str
    stage: Literal["DEPARTURE", "ARRIVAL"] = "DEPARTURE"
    required_lanes: tuple[str, ...] = ()
    case_deadline_s: float = 900.0
    max_clock_skew_s: float = 60.0
    max_record_age_s: float = 30 * 86400.0
    max_record_bytes: int = 1 << 20
    models_allowed: tuple[str, ...] = ()
    sinks: tuple[SinkWants, ...] = ()
    ledger_id: str | None = None
