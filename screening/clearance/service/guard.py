"""What holds for every request alike: rate, identity, safe headers, and an answer whatever happens."""

from __future__ import annotations

import logging
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .access import Gate
from .problems import Mode, ProblemError, problem_response

__all__ = ["Guard", "defect"]

log = logging.getLogger(__name__)

_SAFE = (
    (b"cache-control", b"no-store"),
    # Nothing the service answers is a page: whatever an identifier holds, no browser runs it.
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)


class Guard:
    """ASGI application around another.

    Parameters
    ----------
    app : ASGIApp
        The application.
    gate : Gate
        Tokens and rates.
    mode : {"OPS", "EXERCISE"}
        Said in every answer.
    header_bytes : int
        Longest line and headers of a request, together.
    """

    def __init__(self, app: ASGIApp, gate: Gate, mode: Mode, *, header_bytes: int) -> None:
        self._header_bytes = header_bytes
        self._app = app
        self._gate = gate
        self._mode = mode
        self._headers = (*_SAFE, (b"screening-mode", mode.encode()))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request.

        Parameters
        ----------
        scope, receive, send
            As ASGI has them.
        """
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        has_begun = False

        async def send_safely(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                message = {**message, "headers": [*message["headers"], *self._headers]}
            await send(message)

        try:
            _check_head(scope, self._header_bytes)
            self._admit(scope)
            await self._app(scope, receive, send_safely)
        except ProblemError as problem:
            await problem_response(problem, self._mode)(scope, receive, send_safely)
        except Exception as error:
            # The whole of it goes to the service's own log, one sentence to whoever asked.
            log.exception("a defect, at %s %s", scope["method"], scope["path"].encode("unicode_escape"))
            if not has_begun:
                await problem_response(defect(error), self._mode)(scope, receive, send_safely)

    def _admit(self, scope: Scope) -> None:
        principal = self._gate.identify(value for name, value in scope["headers"] if name == b"authorization")
        client: Any = scope.get("client")
        address = client[0] if client else "unknown"
        # A wrong token is counted under its address: guessing one is slow.
        name = f"token {principal.name}" if principal is not None and principal.name else f"address {address}"
        wait_s = self._gate.wait_s(name)
        if wait_s > 0.0:
            log.info("too many requests of %s", name)
            raise ProblemError(429, "too many requests", retry_s=wait_s)
        scope.setdefault("state", {})["principal"] = principal


def _check_head(scope: Scope, header_bytes: int) -> None:
    """Refuse a head that is too long, though it came whole, or says the body's length in two ways.

    Of two lengths a proxy may have believed the other: what is left of the body would be the next request.
    """
    size = len(scope.get("raw_path") or b"") + len(scope.get("query_string", b""))
    size += sum(len(name) + len(value) + 4 for name, value in scope["headers"])
    if size > header_bytes:
        raise ProblemError(400, "the head of the request is too long", headers={"Connection": "close"})
    names = {name for name, _ in scope["headers"]}
    if {b"content-length", b"transfer-encoding"} <= names:
        raise ProblemError(400, "the length of the body is said in two ways", headers={"Connection": "close"})


def defect(error: Exception) -> ProblemError:
    """Return what is said of an error that nobody foresaw.

    Parameters
    ----------
    error : Exception
        The error.

    Returns
    -------
    ProblemError
        500; no word of what it holds.
    """
    return ProblemError(500, f"a defect of the service ({type(error).__name__})")
