"""Who asks, what that allows, and how often."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from screening.clearance.settings import HttpSettings, TokenScope

__all__ = ["ANONYMOUS", "Gate", "Principal", "token_hash"]

#: Clients whose rate is remembered; of more, the one that was silent longest is forgotten, and it
#: starts again with a full allowance.
MAX_CLIENTS = 10_000


class Principal(NamedTuple):
    """Who makes a request.

    Attributes
    ----------
    name : str
        Name of the token; empty without one.
    scopes : frozenset of str
        What it may do.
    """

    name: str
    scopes: frozenset[TokenScope]


ANONYMOUS = Principal("", frozenset())


class Gate:
    """Tokens by their hashes, and an allowance of requests for each client.

    Parameters
    ----------
    http : HttpSettings
        Tokens and limits.
    clock : callable
        Seconds that never go back.
    now : callable
        The time, for the validity of tokens.
    """

    def __init__(
        self,
        http: HttpSettings,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._tokens = {
            token.sha256: (
                Principal(token.name, frozenset(token.scopes)),
                None if token.expires is None else datetime.fromisoformat(token.expires),
            )
            for token in http.tokens
        }
        self._rate = http.limits.requests_per_s
        self._burst = float(http.limits.burst)
        self._clock = clock
        self._now = now
        self._allowances: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def identify(self, authorization: Iterable[bytes]) -> Principal | None:
        """Tell who an ``Authorization`` header speaks of.

        Parameters
        ----------
        authorization : iterable of bytes
            The headers of that name.

        Returns
        -------
        Principal or None
            Anonymous without a header; None for a header that is no valid token.
        """
        headers = list(authorization)
        if not headers:
            return ANONYMOUS
        if len(headers) > 1:
            return None
        kind, _, token = headers[0].partition(b" ")
        if kind.lower() != b"bearer" or not token:
            return None
        # Looked up by its hash: the time it takes tells nothing about a token that is not known.
        principal, expires = self._tokens.get(hashlib.sha256(token).hexdigest(), (None, None))
        if expires is not None and self._now() >= expires:
            return None
        return principal

    def wait_s(self, client: str) -> float:
        """Count a request of a client.

        Parameters
        ----------
        client : str
            Name of its token, or its address.

        Returns
        -------
        float
            0 if the request is within its allowance; otherwise how long to wait, seconds.
        """
        now = self._clock()
        left, counted_at = self._allowances.pop(client, (self._burst, now))
        left = min(self._burst, left + (now - counted_at) * self._rate)
        is_within = left >= 1.0
        self._allowances[client] = (left - 1.0 if is_within else left, now)
        if len(self._allowances) > MAX_CLIENTS:
            self._allowances.popitem(last=False)
        return 0.0 if is_within else (1.0 - left) / self._rate


def token_hash(token: str) -> str:
    """Return what the settings hold of a token.

    Parameters
    ----------
    token : str
        The token.

    Returns
    -------
    str
        Its sha256, hexadecimal.
    """
    return hashlib.sha256(token.encode()).hexdigest()
