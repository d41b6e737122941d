"""What a sink is, what it is handed, and how it says that a message was not taken."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol, TypeVar, runtime_checkable

import msgspec

from screening.clearance.keys import Signer
from screening.clearance.settings import SinkSettings
from screening.errors import ConfigurationError, IntegrityError, StoreError
from screening.records import ClearanceDecision, RiskFlag, Scan, parse_strict, sha256_hex

__all__ = ["DecisionSink", "SinkContext", "SinkError", "SinkMessage", "Told", "options_of", "told_by"]

O = TypeVar("O", bound=msgspec.Struct)  # noqa: E741


class SinkError(StoreError):
    """A message that its sink did not take.

    Parameters
    ----------
    message : str
        One line for a person; it is kept with the message.
    is_retryable : bool
        Whether the same message may be taken later. False is a permanent refusal: it goes to the dead
        letters at once.
    retry_after_s : float or None
        Earliest time of the next attempt, seconds from now, where the receiver gave one.
    value : object, optional
        The value that offended.

    Attributes
    ----------
    is_retryable : bool
        Whether to try again.
    retry_after_s : float or None
        When, if the receiver said so.
    """

    def __init__(
        self, message: str, *, is_retryable: bool, retry_after_s: float | None = None, value: object = None
    ) -> None:
        super().__init__(message, value=value)
        self.is_retryable = is_retryable
        self.retry_after_s = retry_after_s


class SinkMessage(Protocol):
    """A message of the outbox, as a sink reads it. The same key is the same message, always."""

    @property
    def key(self) -> str:
        """Hash of `body`, sha256 in hexadecimal: the idempotency key."""

    @property
    def container_id(self) -> str:
        """The container; its messages come in the order in which they were written."""

    @property
    def kind(self) -> str:
        """Schema of the record."""

    @property
    def body(self) -> bytes:
        """The sealed record, canonical."""

    @property
    def attempts(self) -> int:
        """How often it was handed out, this time included."""

    @property
    def log_index(self) -> int | None:
        """Place in the ledger."""


@runtime_checkable
class DecisionSink(Protocol):
    """Where sealed records go.

    Entry points of the group ``screening.clearance`` name a class (or function) that takes a
    :class:`screening.clearance.settings.SinkSettings` and a :class:`SinkContext` and returns one.

    Attributes
    ----------
    name : str
        Its name in the site's settings.
    kinds : collection of str
        Kinds of records it takes.
    """

    name: str
    kinds: Collection[str]

    def deliver(self, message: SinkMessage) -> None:
        """Hand a message over; returning means that the receiver has it for good.

        It is called from several threads, at least once for each message, and must come to an end: a
        sink bounds its own time. The effect of the same key twice is that of once.

        Parameters
        ----------
        message : SinkMessage
            The message.

        Raises
        ------
        SinkError
            If it was not taken.
        """
        ...


@dataclass(frozen=True, slots=True)
class SinkContext:
    """What a site lends to its sinks. All of it may be missing; a sink that needs it then says so.

    Attributes
    ----------
    signer : Signer or None
        The site's key, for what a sink signs in its own name.
    record : callable or None
        Gives the bytes of a sealed record by hash, or None if it is not known.
    scan : callable or None
        Gives the scan behind a flag, or None if it is not kept.
    """

    signer: Signer | None = None
    record: Callable[[str], bytes | None] | None = None
    scan: Callable[[RiskFlag], Scan | None] | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """A decision with the flags it names, as far as they are at hand.

    Attributes
    ----------
    decision : ClearanceDecision
        The decision.
    flags : tuple of RiskFlag
        Its flags, in its order.
    missing : tuple of str
        Identifiers of the flags that are not at hand: nothing may be called clear without them.
    """

    decision: ClearanceDecision
    flags: tuple[RiskFlag, ...]
    missing: tuple[str, ...]


def told_by(message: SinkMessage, context: SinkContext) -> Told:
    """Return the decision in a message with its evidence.

    Parameters
    ----------
    message : SinkMessage
        A message of kind ``clearance/1``.
    context : SinkContext
        Where flags are looked up.

    Returns
    -------
    Told
        Decision and flags. A flag whose bytes are not those the decision names counts as missing.

    Raises
    ------
    SinkError
        If the message holds no decision.
    """
    try:
        decision = parse_strict(message.body, ClearanceDecision)
    except Exception as error:
        raise SinkError(f"no decision: {error}", is_retryable=False, value=message.key) from error
    flags, missing = [], []
    for ref in decision.flags:
        body = None if context.record is None else context.record(ref.sha256)
        if body is None or sha256_hex(body) != ref.sha256:
            missing.append(ref.flag_id)
            continue
        try:
            flags.append(parse_strict(body, RiskFlag))
        except IntegrityError:
            missing.append(ref.flag_id)
    return Told(decision, tuple(flags), tuple(missing))


def options_of(settings: SinkSettings, kind: type[O]) -> O:
    """Return a sink's own arguments.

    Parameters
    ----------
    settings : SinkSettings
        The sink's table.
    kind : type
        A struct that holds them; unknown names are refused if it forbids them.

    Returns
    -------
    msgspec.Struct
        The arguments.

    Raises
    ------
    ConfigurationError
        If one is unknown, missing or wrong.
    """
    try:
        return msgspec.convert(settings.options, kind)
    except ValueError as error:  # of which validation errors are a kind
        raise ConfigurationError(f"sink {settings.name}: {error}", value=settings.name) from None
