"""Posting sealed records to a clearance service, with nothing but the standard library.

A record that was not acknowledged is sent again: the service takes it once, by the hash of its bytes.
"""

from __future__ import annotations

import hashlib
import http.client
import random
import ssl
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from screening.clearance.desk.views import Taken
from screening.clearance.settings import LimitSettings, is_loopback
from screening.errors import ConfigurationError, StoreError

__all__ = ["RecordClient", "ServiceUnavailableError", "post_records"]

_FIRST_WAIT_S = 0.25
_LONGEST_WAIT_S = 30.0
#: Statuses that pass: it is asked again.
_PASSING = frozenset((408, 429, 500, 502, 503, 504))
_ANSWER_BYTES = 16 << 20
_LIMITS = LimitSettings()


class ServiceUnavailableError(StoreError):
    """The service could not be reached, or did not take what it was sent; nothing is lost by sending again.

    Parameters
    ----------
    message : str
        One line for a person.
    status : int or None
        Status of the last answer; None if there was none.
    """

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message, value=status)
        self.status = status


class _AnsweredRecord(msgspec.Struct):
    sha256: str
    status: Literal["ACCEPTED", "KNOWN", "REFUSED"]
    failure: str | None
    text: str


class _Answer(msgspec.Struct):
    records: list[_AnsweredRecord] = []
    detail: str = ""


class RecordClient:
    """A connection to a clearance service, opened when needed and kept while it lasts.

    Parameters
    ----------
    url : str
        Address of the service ("https://clearance.example:8460").
    token : str or None
        Bearer token of scope ``send``, blanks and line ends around it aside; None: the service takes
        signatures alone.
    ca_file : Path or None
        Certificates the service's own is verified with; None: those of the system.
    certificate : tuple of Path or None
        Certificate and key of this PC, where the service asks for them.
    timeout_s : float
        Longest wait for the network, seconds.
    attempts : int
        How often a post is tried.
    sleep, chance : callable
        Waiting, and numbers uniform in [0, 1) for its jitter.

    Raises
    ------
    ConfigurationError
        If the address is none, is one of plain HTTP on another machine, the token is none, or a certificate
        cannot be read.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        ca_file: Path | None = None,
        certificate: tuple[Path, Path] | None = None,
        timeout_s: float = 15.0,
        attempts: int = 6,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigurationError(f"{url!r} is no address of a service", value=url)
        if parts.scheme == "http" and not is_loopback(parts.hostname):
            raise ConfigurationError(
                f"{url}: http leads to loopback alone; what is sent elsewhere, a token too, takes https",
                value=url,
            )
        self._path = parts.path.rstrip("/") + "/v1/records"
        self._headers = {"Content-Type": "application/x-ndjson"}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {_checked(token)}"
        self._attempts, self._sleep, self._chance = max(1, attempts), sleep, chance
        self._connection: http.client.HTTPConnection
        if parts.scheme == "https":
            try:
                context = ssl.create_default_context(cafile=ca_file)
                if certificate is not None:
                    context.load_cert_chain(*certificate)
            except OSError as error:  # of which errors of TLS are kinds
                raise ConfigurationError(f"certificates: {error}", value=str(ca_file)) from None
            self._connection = http.client.HTTPSConnection(
                parts.hostname, parts.port, timeout=timeout_s, context=context
            )
        else:
            self._connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout_s)

    def __enter__(self) -> RecordClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def post(self, bodies: Iterable[bytes]) -> list[Taken]:
        """Send records, in as many posts as they need.

        Parameters
        ----------
        bodies : iterable of bytes
            Canonical sealed records.

        Returns
        -------
        list of Taken
            One for each, in order; what is ACCEPTED or KNOWN is on the service's disk.

        Raises
        ------
        ServiceUnavailableError
            If the service did not answer, or refused the post as a whole. Posts before it were taken;
            sending all of them again does no harm.
        """
        taken: list[Taken] = []
        for group in _groups(bodies):
            if isinstance(group, Taken):
                taken.append(group)
            else:
                taken.extend(self._post(group))
        return taken

    def _post(self, bodies: Sequence[bytes]) -> list[Taken]:
        body = b"\n".join(bodies)
        for attempt in range(1, self._attempts + 1):
            error, wait_s = self._try(body, len(bodies))
            if isinstance(error, list):
                return error
            if wait_s is None or attempt == self._attempts:
                raise error
            # Half of the wait is jitter: PCs that lost the service together do not come back together.
            backoff_s = min(_FIRST_WAIT_S * 2 ** (attempt - 1), _LONGEST_WAIT_S)
            self._sleep(max(wait_s, backoff_s * (0.5 + 0.5 * self._chance())))
        raise AssertionError("unreachable")

    def _try(self, body: bytes, n: int) -> tuple[list[Taken] | ServiceUnavailableError, float | None]:
        """Return the answers, or the error and how long to wait at least; None: trying again is no use."""
        try:
            self._connection.request("POST", self._path, body, self._headers)
            response = self._connection.getresponse()
            data = response.read(_ANSWER_BYTES)
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            return ServiceUnavailableError(f"{type(error).__name__}: {error}"), 0.0
        if response.will_close:
            self._connection.close()
        status = response.status
        answer = _read_answer(data)
        if status in (200, 422) and len(answer.records) == n:
            return [Taken(one.sha256, one.status, one.failure, one.text) for one in answer.records], None
        said = answer.detail or response.reason
        refusal = ServiceUnavailableError(f"status {status}: {said}", status=status)
        return refusal, _retry_after_s(response) if status in _PASSING else None


def post_records(
    url: str,
    bodies: Iterable[bytes],
    token: str | None = None,
    *,
    ca_file: Path | None = None,
    timeout_s: float = 15.0,
    attempts: int = 6,
) -> list[Taken]:
    """Send sealed records to a clearance service.

    Parameters
    ----------
    url : str
        Address of the service.
    bodies : iterable of bytes
        Canonical sealed records.
    token : str or None
        Bearer token of scope ``send``.
    ca_file : Path or None
        Certificates the service's own is verified with; None: those of the system.
    timeout_s : float
        Longest wait for the network, seconds.
    attempts : int
        How often a post is tried.

    Returns
    -------
    list of Taken
        One for each, in order; what is ACCEPTED or KNOWN is on the service's disk.

    Raises
    ------
    ServiceUnavailableError
        If the service did not answer, or refused the post as a whole; see `RecordClient.post`.
    ConfigurationError
        If the address is none, or a certificate cannot be read.
    """
    with RecordClient(url, token=token, ca_file=ca_file, timeout_s=timeout_s, attempts=attempts) as client:
        return client.post(bodies)


def _checked(token: str) -> str:
    """Return a token as it can stand in a header; no error ever shows it."""
    token = token.strip()
    if not token.isascii() or not token.isprintable() or not token or " " in token:
        raise ConfigurationError("the token is none: it is empty, or has a blank, a line end or another sign")
    return token


def _groups(bodies: Iterable[bytes]) -> Iterable[list[bytes] | Taken]:
    """Return records in groups that one post may hold; what cannot travel is refused here."""
    group: list[bytes] = []
    size = 0
    for body in bodies:
        failure = _unfit(body)
        if group and (
            failure or len(group) == _LIMITS.records_per_post or size + len(body) + 1 > _LIMITS.body_bytes
        ):
            yield group
            group, size = [], 0
        if failure is not None:
            yield Taken(hashlib.sha256(body).hexdigest(), "REFUSED", *failure)
            continue
        group.append(body)
        size += len(body) + 1
    if group:
        yield group


def _unfit(body: bytes) -> tuple[str, str] | None:
    if not body or b"\n" in body:
        return "MALFORMED", "no canonical record: it is empty or has a line feed"
    if len(body) > _LIMITS.body_bytes:
        return "TOO_LARGE", f"{len(body)} bytes, and at most {_LIMITS.body_bytes} are taken"
    return None


def _read_answer(data: bytes) -> _Answer:
    try:
        return msgspec.json.decode(data, type=_Answer)
    except (msgspec.DecodeError, UnicodeError):
        return _Answer()  # no answer of the service: a proxy's page, or one that was cut


def _retry_after_s(response: http.client.HTTPResponse) -> float:
    text = response.getheader("Retry-After", "")
    return min(float(text), _LONGEST_WAIT_S) if text.isascii() and text.isdigit() else 0.0
