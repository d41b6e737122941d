"""Reading what a client sent: bounded in size and time, split into records, converted strictly."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from contextlib import suppress
from typing import Any, TypeVar

import msgspec
from starlette.requests import ClientDisconnect, Request

from screening.clearance.settings import LimitSettings
from screening.records import SEALED

from .operations import JSON
from .problems import ProblemError

__all__ = [
    "ByteBudget",
    "is_record",
    "media_type",
    "plain",
    "read_body",
    "read_json",
    "read_path",
    "read_query",
    "split_records",
]

S = TypeVar("S", bound=msgspec.Struct)
_CLOSE = {"Connection": "close"}
_LINGER_S = 2.0


def media_type(request: Request, allowed: tuple[str, ...]) -> str:
    """Return the media type of a body.

    A page in a browser can send a form or plain text anywhere without asking; these types it cannot.

    Parameters
    ----------
    request : Request
        The request.
    allowed : tuple of str
        Types the operation takes.

    Returns
    -------
    str
        One of them.

    Raises
    ------
    ProblemError
        415 for any other, and for a body that is compressed.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in allowed:
        accepted = ", ".join(allowed)
        raise ProblemError(415, f"the body must be one of {accepted}", headers={"Accept": accepted})
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise ProblemError(415, "the body must not be compressed", headers={"Accept-Encoding": "identity"})
    return kind


class ByteBudget:
    """How much of all bodies together may be held while they come in: a bound on memory, however many send.

    Parameters
    ----------
    n_bytes : int
        So much.
    """

    def __init__(self, n_bytes: int) -> None:
        self._left = n_bytes

    def take(self, n: int) -> bool:
        """Take some of it.

        Parameters
        ----------
        n : int
            Bytes.

        Returns
        -------
        bool
            Whether there was so much left; nothing is taken if not.
        """
        if n > self._left:
            return False
        self._left -= n
        return True

    def give_back(self, n: int) -> None:
        """Give back what was taken.

        Parameters
        ----------
        n : int
            Bytes.
        """
        self._left += n


async def read_body(request: Request, limits: LimitSettings, budget: ByteBudget) -> bytes:
    """Read a whole body.

    Parameters
    ----------
    request : Request
        The request.
    limits : LimitSettings
        Size and time.
    budget : ByteBudget
        Of the bodies that come in at this moment.

    Returns
    -------
    bytes
        The body.

    Raises
    ------
    ProblemError
        413 for one that is too large, whether it says so or not; 408 for one that is too slow; 503 if too
        much comes in at once.
    """
    stated = request.headers.get("content-length", "")
    n_held = 0
    try:
        async with asyncio.timeout(limits.body_timeout_s):
            if stated.isascii() and stated.isdigit() and int(stated) > limits.body_bytes:
                await _let_finish(request, limits)
                raise _too_large(limits)
            chunks: list[bytes] = []
            size = 0
            async for chunk in request.stream():
                size += len(chunk)
                if size > limits.body_bytes:
                    raise _too_large(limits)
                if not budget.take(len(chunk)):
                    raise ProblemError(503, "too much comes in at once", headers=_CLOSE, retry_s=1.0)
                n_held += len(chunk)
                chunks.append(chunk)
    except TimeoutError:
        raise ProblemError(
            408, f"the body did not come within {limits.body_timeout_s:g} s", headers=_CLOSE
        ) from None
    except ClientDisconnect:
        raise ProblemError(400, "the client hung up", headers=_CLOSE) from None
    finally:
        budget.give_back(n_held)
    return b"".join(chunks)


def split_records(body: bytes, media: str, limits: LimitSettings) -> list[bytes]:
    """Split a body into records.

    Parameters
    ----------
    body : bytes
        The body.
    media : str
        One record, or one a line.
    limits : LimitSettings
        How many there may be.

    Returns
    -------
    list of bytes
        Each as it came: whether it is a record the desk finds out.

    Raises
    ------
    ProblemError
        422 without any record, 413 with too many.
    """
    if media == JSON:
        records = [body] if body else []
    else:
        # Counted first: four million empty lines are not split to be refused.
        if body.count(b"\n") > 2 * limits.records_per_post:
            raise ProblemError(413, f"at most {limits.records_per_post} records in one post")
        records = [line for line in body.split(b"\n") if line]
    if not records:
        raise ProblemError(422, "there is no record in the body")
    if len(records) > limits.records_per_post:
        raise ProblemError(413, f"at most {limits.records_per_post} records in one post")
    return records


def read_query(request: Request, kind: type[S]) -> S:
    """Read the query of a request.

    Parameters
    ----------
    request : Request
        The request.
    kind : type
        Record of the query.

    Returns
    -------
    record
        The query.

    Raises
    ------
    ProblemError
        422 for what the record does not allow, a parameter given twice included.
    """
    pairs = request.query_params.multi_items()
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ProblemError(422, "a parameter was given twice")
    try:
        return msgspec.convert(values, kind, strict=False)
    except (msgspec.ValidationError, UnicodeError) as error:
        raise ProblemError(422, f"query: {plain(error)}") from None


def read_path(request: Request, types: Any) -> dict[str, Any]:
    """Read the parameters of a path.

    Parameters
    ----------
    request : Request
        The request.
    types : mapping
        Type of each parameter.

    Returns
    -------
    dict
        Their values.

    Raises
    ------
    ProblemError
        404 for a value that can be the name of nothing.
    """
    try:
        return {
            name: msgspec.convert(request.path_params[name], kind, strict=False)
            for name, kind in types.items()
        }
    except (msgspec.ValidationError, UnicodeError):
        raise ProblemError(404, "there is nothing of that name") from None


def read_json(body: bytes, kind: type[S]) -> S:
    """Read a JSON body.

    Parameters
    ----------
    body : bytes
        The body.
    kind : type
        Its record.

    Returns
    -------
    record
        The body.

    Raises
    ------
    ProblemError
        422 for what the record does not allow.
    """
    try:
        return msgspec.convert(_whole(msgspec.json.decode(body)), kind)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ProblemError(422, f"body: {plain(error)}") from None


def is_record(body: bytes, kinds: Collection[str]) -> bool:
    """Tell whether something is a record, though not in its canonical form: with 7.0 for 7, say.

    Parameters
    ----------
    body : bytes
        What was refused as malformed.
    kinds : collection of str
        Schemas that would be taken.

    Returns
    -------
    bool
        Whether it would have been read.
    """
    try:
        value = _whole(msgspec.json.decode(body))
        schema = value.get("schema") if isinstance(value, dict) else None
        if not isinstance(schema, str) or schema not in kinds:
            return False
        msgspec.convert(value, SEALED[schema])
    except (ValueError, TypeError, RecursionError):  # of which those of JSON and of types are kinds
        return False
    return True


def _whole(value: Any) -> Any:
    """Make integers of numbers like 7.0: JSON, and so the schema of a body, knows no difference."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_whole(one) for one in value]
    if isinstance(value, dict):
        return {name: _whole(one) for name, one in value.items()}
    return value


def plain(text: object) -> str:
    """Return what may be said of something a client sent: short, in characters any log and screen shows.

    Parameters
    ----------
    text : object
        What would be said.

    Returns
    -------
    str
        ASCII, at most 200 characters.
    """
    return str(text).encode("ascii", "backslashreplace").decode()[:200]


def _too_large(limits: LimitSettings) -> ProblemError:
    return ProblemError(413, f"the body must not exceed {limits.body_bytes} bytes", headers=_CLOSE)


async def _let_finish(request: Request, limits: LimitSettings) -> None:
    """Read on for a moment: who is still sending when the connection is closed never sees the answer."""
    size = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(_LINGER_S):
            async for chunk in request.stream():
                size += len(chunk)
                if size > 2 * limits.body_bytes:
                    return
