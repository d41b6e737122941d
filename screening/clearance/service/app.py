"""The service as an ASGI application: routes made of the list of operations, behind one guard."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from screening.clearance.settings import HttpSettings

from . import bodies
from .access import ANONYMOUS, Gate, Principal
from .guard import Guard, defect
from .handlers import HANDLERS, Asked, Handler
from .operations import OPERATIONS, Operation
from .problems import ProblemError, problem_response
from .service import Service

__all__ = ["build_app"]

log = logging.getLogger(__name__)


def build_app(service: Service, http: HttpSettings, *, gate: Gate | None = None) -> ASGIApp:
    """Return the application of a service.

    Parameters
    ----------
    service : Service
        The service; it starts and stops with the application.
    http : HttpSettings
        Tokens and limits.
    gate : Gate or None
        Who may come in; None: as `http` says.

    Returns
    -------
    ASGIApp
        For a server, or a test.
    """

    @asynccontextmanager
    async def _lifespan(app: Starlette) -> AsyncIterator[None]:
        await service.start()
        try:
            yield
        finally:
            await service.stop()

    async def _answer_problem(request: Request, error: Exception) -> Response:
        if isinstance(error, ProblemError):
            problem = error
        elif isinstance(error, HTTPException):
            said = {404: "there is no such path", 405: "that path takes another method"}
            detail = said.get(error.status_code, "not possible")
            problem = ProblemError(error.status_code, detail, headers=error.headers)
        else:
            problem = defect(error)  # goes on to the guard, which logs it
        return problem_response(problem, service.mode)

    app = Starlette(
        routes=[
            Route(
                operation.path,
                _endpoint(service, operation, HANDLERS[operation.name], http),
                methods=[operation.method],
            )
            for operation in OPERATIONS
        ],
        exception_handlers=dict.fromkeys((ProblemError, HTTPException, Exception), _answer_problem),
        lifespan=_lifespan,
    )
    app.router.redirect_slashes = False
    return Guard(app, gate or Gate(http), service.mode, header_bytes=http.limits.header_bytes)


def _endpoint(
    service: Service, operation: Operation, handle: Handler, http: HttpSettings
) -> Callable[[Request], Awaitable[Response]]:
    is_open = operation.scopes is None
    is_sending = operation.body == "records"

    async def answer(request: Request) -> Response:
        principal: Principal | None = request.state.principal
        if not is_open and not (is_sending and principal == ANONYMOUS and not http.is_token_needed_to_send):
            _check_scope(principal, operation)
        asked = Asked(
            request,
            bodies.read_path(request, operation.path_types),
            bodies.read_query(request, operation.query),
        )
        return await handle(service, asked)

    return answer


def _check_scope(principal: Principal | None, operation: Operation) -> None:
    challenge = {"WWW-Authenticate": 'Bearer realm="clearance"'}
    if principal is None:
        raise ProblemError(401, "the token is not valid", headers=challenge)
    if principal == ANONYMOUS:
        raise ProblemError(401, "this needs a token", headers=challenge)
    assert operation.scopes is not None  # noqa: S101 - open operations do not come here
    if not principal.scopes & operation.scopes:
        log.warning("token %s asked for %s, which is not in its scope", principal.name, operation.name)
        raise ProblemError(403, f"this needs one of the scopes {', '.join(sorted(operation.scopes))}")
