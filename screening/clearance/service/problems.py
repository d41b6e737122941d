"""What is said when something is not done: problem details (RFC 9457), never a traceback."""

from __future__ import annotations

import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Literal

import msgspec
from starlette.responses import Response

__all__ = [
    "PROBLEM_TYPE",
    "Mode",
    "ProblemDetails",
    "ProblemError",
    "RecordAnswer",
    "phrase_of",
    "problem_response",
]

PROBLEM_TYPE = "application/problem+json"
Mode = Literal["OPS", "EXERCISE"]
#: As RFC 9110 has them; versions of Python differ in these.
_PHRASES = {413: "Content Too Large", 414: "URI Too Long", 422: "Unprocessable Content"}


class RecordAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one record; ACCEPTED and KNOWN are on disk.

    Attributes
    ----------
    sha256 : str
        Hash of its bytes.
    status : {"ACCEPTED", "KNOWN", "REFUSED"}
        What became of it.
    failure : str or None
        Code of the refusal.
    text : str
        One line for a person.
    """

    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    status: Literal["ACCEPTED", "KNOWN", "REFUSED"]
    failure: str | None
    text: str


class ProblemDetails(msgspec.Struct, frozen=True, kw_only=True):
    """Why a request was not carried out.

    Attributes
    ----------
    type : str
        Kind of the problem.
    title : str
        The same for a person.
    status : int
        Status of the answer.
    detail : str
        What was wrong with this request.
    mode : {"OPS", "EXERCISE"}
        Whether the service runs an exercise.
    records : list of RecordAnswer
        What became of each record of a post; left out elsewhere.
    """

    type: str
    title: str
    status: int
    detail: str
    mode: Mode
    records: list[RecordAnswer] | msgspec.UnsetType = msgspec.UNSET


class ProblemError(Exception):
    """A request that is not carried out.

    Parameters
    ----------
    status : int
        Status of the answer.
    detail : str
        What was wrong, for a person; nothing of the inside of the service.
    headers : mapping
        Headers of the answer.
    retry_s : float or None
        When it may be tried again, seconds from now.
    records : list of RecordAnswer, optional
        What became of each record of a post.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        retry_s: float | None = None,
        records: list[RecordAnswer] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})
        self.records = records
        if retry_s is not None:
            self.headers["Retry-After"] = str(max(1, math.ceil(retry_s)))


def phrase_of(status: int) -> str:
    """Return the words of a status.

    Parameters
    ----------
    status : int
        Status code.

    Returns
    -------
    str
        Its reason phrase (RFC 9110).
    """
    return _PHRASES.get(status) or HTTPStatus(status).phrase


def problem_response(problem: ProblemError, mode: Mode) -> Response:
    """Return the answer to a request that is not carried out.

    Parameters
    ----------
    problem : ProblemError
        Why.
    mode : {"OPS", "EXERCISE"}
        Whether the service runs an exercise.

    Returns
    -------
    Response
        ProblemError details.
    """
    phrase = phrase_of(problem.status)
    details = ProblemDetails(
        type=f"urn:screening:problem:{phrase.lower().replace(' ', '-')}",
        title=phrase,
        status=problem.status,
        detail=problem.detail,
        mode=mode,
        records=msgspec.UNSET if problem.records is None else problem.records,
    )
    return Response(
        msgspec.json.encode(details),
        status_code=problem.status,
        headers=problem.headers,
        media_type=PROBLEM_TYPE,
    )
