"""What each operation does, by its name in the list of operations."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import partial
from importlib import resources
from importlib.metadata import version
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from screening.clearance.desk.checking import WANTED
from screening.clearance.desk.views import CaseView
from screening.errors import StoreError
from screening.records import canonical_bytes

from . import answers, bodies
from .crossings import discrepancies_of
from .operations import JSON, NDJSON, SSE
from .problems import ProblemError, RecordAnswer
from .service import Service

__all__ = ["HANDLERS", "Asked", "Handler"]

T = TypeVar("T")

#: A comment now and then tells proxies and the reader that the stream is alive.
_COMMENT_S = 15.0
#: How often a stream looks for decisions of another instance on the same database.
_LOOK_S = 1.0
_STREAM_PAGE = 100
_NO_RECORD = frozenset(("MALFORMED", "NOT_WANTED"))


class Asked(NamedTuple):
    """A request whose path and query were read.

    Attributes
    ----------
    request : Request
        The request.
    path : dict
        Parameters of its path.
    query : msgspec.Struct
        Its query.
    """

    request: Request
    path: dict[str, Any]
    query: Any


Handler = Callable[[Service, Asked], Awaitable[Response]]


async def _post_records(service: Service, asked: Asked) -> Response:
    media = bodies.media_type(asked.request, (JSON, NDJSON))
    body = await bodies.read_body(asked.request, service.limits, service.incoming)
    given = bodies.split_records(body, media, service.limits)
    taken = await service.take(given)
    records = [
        RecordAnswer(sha256=one.sha256, status=one.status, failure=one.failure, text=bodies.plain(one.text))
        for one in taken
    ]
    if all(one.failure in _NO_RECORD for one in taken) and not any(
        bodies.is_record(one, WANTED) for one in given
    ):
        raise ProblemError(
            422, f"nothing in the body is a record taken here: {records[0].text}", records=records
        )
    return _json(answers.RecordsAnswer(mode=service.mode, records=records))


async def _get_cases(service: Service, asked: Asked) -> Response:
    query: answers.CasesQuery = asked.query
    limit = min(query.limit, service.limits.page_size)
    cases = await service.read(
        lambda: service.desk.cases(
            risk=_given(query.risk), action=_given(query.action), after=_given(query.after), limit=limit
        )
    )
    return _json(answers.CasesAnswer(mode=service.mode, cases=cases, next=_next(cases, limit)))


async def _get_case(service: Service, asked: Asked) -> Response:
    case = await service.read(lambda: service.desk.case(asked.path["key"]))
    return _json(answers.CaseAnswer(mode=service.mode, case=_found(case)))


async def _get_case_records(service: Service, asked: Asked) -> Response:
    key = asked.path["key"]
    _found(await service.read(lambda: service.desk.case(key)))
    records = await service.read(lambda: service.desk.records_of(key))
    return Response(b"".join(record + b"\n" for record in records), media_type=NDJSON)


async def _get_decisions(service: Service, asked: Asked) -> Response:
    query: answers.DecisionsQuery = asked.query
    limit = min(query.limit, service.limits.page_size)
    entries = await service.read(lambda: service.desk.decisions_since(query.after + 1, limit))
    found = [
        answers.DecisionEntry(log_index=entry.index, sha256=entry.sha256, record=msgspec.Raw(entry.body))
        for entry in entries
    ]
    return _json(
        answers.DecisionsAnswer(
            mode=service.mode, decisions=found, next=found[-1].log_index if found else query.after
        )
    )


async def _get_decision(service: Service, asked: Asked) -> Response:
    decision = await service.read(lambda: service.desk.decision(asked.path["decision_id"]))
    return Response(_found(decision), media_type=JSON)


async def _stream_decisions(service: Service, asked: Asked) -> Response:
    after: int | None = _given(asked.query.after)
    last = asked.request.headers.get("last-event-id")
    if last is not None:
        try:
            after = msgspec.convert(last, answers.EventId, strict=False)
        except msgspec.ValidationError:
            raise ProblemError(422, "Last-Event-ID is no place in the ledger") from None
    if after is None:
        after = await service.read(lambda: service.desk.ledger.size() - 1)
    if service.n_streams >= service.limits.streams:
        raise ProblemError(503, "too many streams are open", retry_s=10.0)
    # Counted at once: those who ask at the same moment must not all find room for the last.
    service.n_streams += 1
    return _CountedStream(service, after)


class _CountedStream(StreamingResponse):
    def __init__(self, service: Service, after: int) -> None:
        headers = {"Content-Type": SSE, "X-Accel-Buffering": "no"}
        super().__init__(_stream(service, after), headers=headers)
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._service.n_streams -= 1


async def _stream(service: Service, after: int) -> AsyncIterator[bytes]:
    now = asyncio.get_running_loop().time
    end, spoke_at = now() + service.limits.stream_s, now()
    try:
        yield f": {service.mode}\nretry: 2000\n\n".encode()
        while not service.stopping.is_set() and now() < end:
            first, news = after + 1, service.news()
            entries = await service.read(partial(service.desk.decisions_since, first, _STREAM_PAGE))
            for entry in entries:
                yield b"id: %d\nevent: decision\ndata: %b\n\n" % (entry.index, entry.body)
                after = entry.index
            if entries:
                spoke_at = now()
                continue
            if now() - spoke_at > _COMMENT_S:
                yield b": still here\n\n"
                spoke_at = now()
            try:
                await asyncio.wait_for(news.wait(), min(_LOOK_S, max(0.0, end - now())))
            except TimeoutError:
                continue
    except ProblemError:
        return  # the database is away: the reader comes back with the last event it saw


async def _get_head(service: Service, asked: Asked) -> Response:
    return Response(canonical_bytes(await service.read(service.desk.head)), media_type=JSON)


async def _get_inclusion(service: Service, asked: Asked) -> Response:
    index, wanted = asked.path["index"], _given(asked.query.size)

    def prove() -> answers.InclusionAnswer | None:
        ledger = service.desk.ledger
        n = ledger.size()
        size = n if wanted is None else wanted
        if not index < size <= n:
            return None
        (entry,) = ledger.entries(index, index + 1)
        path = [node.hex() for node in service.desk.inclusion(index, size)]
        return answers.InclusionAnswer(
            mode=service.mode, index=index, size=size, kind=entry.kind, sha256=entry.sha256, path=path
        )

    return _json(_found(await service.read(prove)))


async def _get_dead(service: Service, asked: Asked) -> Response:
    dead = await service.read(lambda: service.desk.outbox.dead(_given(asked.query.sink)))
    names = answers.DeadLetter.__struct_fields__
    letters = [answers.DeadLetter(**{name: getattr(letter, name) for name in names}) for letter in dead]
    return _json(answers.DeadAnswer(mode=service.mode, messages=letters))


async def _replay_dead(service: Service, asked: Asked) -> Response:
    bodies.media_type(asked.request, (JSON,))
    body = await bodies.read_body(asked.request, service.limits, service.incoming)
    wanted = bodies.read_json(body, answers.ReplayRequest)

    def replay() -> int:
        try:
            return service.desk.outbox.replay(wanted.ids)
        except StoreError as error:
            if isinstance(error.value, tuple):  # the messages that later ones have replaced
                raise ProblemError(409, bodies.plain(error)) from None
            raise

    n = await service.read(replay)
    service.wake_relay()
    return _json(answers.ReplayAnswer(mode=service.mode, n_replayed=n))


async def _get_discrepancies(service: Service, asked: Asked) -> Response:
    query: answers.DiscrepanciesQuery = asked.query
    limit = min(query.limit, service.limits.page_size)

    def look() -> tuple[list[CaseView], list[answers.DiscrepancyEntry]]:
        cases = service.desk.cases(after=_given(query.after), limit=limit)
        found = [one for case in cases for one in discrepancies_of(service.desk.records_of(case.key))]
        return cases, found

    cases, found = await service.read(look)
    return _json(
        answers.DiscrepanciesAnswer(mode=service.mode, discrepancies=found, next=_next(cases, limit))
    )


async def _get_health(service: Service, asked: Asked) -> Response:
    checks = await service.checks()
    is_good = all(checks.values())
    health = answers.HealthAnswer(
        mode=service.mode,
        status="GOOD" if is_good else "DEGRADED",
        version=version("screening"),
        checks=checks,
        n_receivers_down=service.n_receivers_down(),
    )
    return _json(health, status=200 if is_good else 503)


async def _get_document(service: Service, asked: Asked) -> Response:
    return Response(resources.files(__package__).joinpath("openapi.json").read_bytes(), media_type=JSON)


HANDLERS: Mapping[str, Handler] = MappingProxyType(
    {
        handler.__name__.removeprefix("_"): handler
        for handler in (
            _post_records,
            _get_cases,
            _get_case,
            _get_case_records,
            _get_decisions,
            _get_decision,
            _stream_decisions,
            _get_head,
            _get_inclusion,
            _get_dead,
            _replay_dead,
            _get_discrepancies,
            _get_health,
            _get_document,
        )
    }
)


def _json(answer: msgspec.Struct, *, status: int = 200) -> Response:
    return Response(msgspec.json.encode(answer), status_code=status, media_type=JSON)


def _given(value: T | msgspec.UnsetType) -> T | None:
    return None if isinstance(value, msgspec.UnsetType) else value


def _found(value: T | None) -> T:
    if value is None:
        raise ProblemError(404, "there is nothing of that name")
    return value


def _next(cases: Sequence[CaseView], limit: int) -> str | None:
    return cases[-1].key if len(cases) == limit else None
