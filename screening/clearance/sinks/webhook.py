r"""Sends records over HTTP: signed, over TLS, to an address that was looked at first.

The body is the canonical record, byte for byte as it was sealed. The request itself is signed, too:
Ed25519 over ``"webhook/1\n<key id>\n<time>\n<kind>\n"`` and the body, so that a receiver knows who sends
it to whom it speaks and can refuse what was recorded and played again; see :func:`verify_webhook`.
"""

from __future__ import annotations

import email.utils
import ssl
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import msgspec

from screening.clearance.keys import KeyRing, Signer, VerificationError
from screening.clearance.settings import SinkSettings
from screening.clearance.signatures import verify_content
from screening.errors import ConfigurationError
from screening.records import sha256_hex, utc_string

from .addresses import Network, networks_of, resolve, resolved
from .connection import Answer, Target, post
from .sink import SinkContext, SinkError, SinkMessage, options_of

__all__ = ["REPLAY_WINDOW_S", "WebhookOptions", "WebhookSink", "signed_headers", "verify_webhook"]

REPLAY_WINDOW_S = 300
"""A request whose time is further from the receiver's clock than this is refused, seconds."""

_SCHEMA = "webhook/1"
_Seconds = Annotated[float, msgspec.Meta(gt=0, le=3600)]


class WebhookOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Arguments of a webhook.

    Attributes
    ----------
    url : str
        Where to; ``https``, or ``http`` where it leads to loopback.
    hosts : tuple of str
        Names that may be sent to; the host of `url` must be among them.
    networks : tuple of str
        Networks that may be sent to although they are not public ("10.20.0.0/16", "127.0.0.0/8").
    ca_file : str or None
        Certificates of a private authority, PEM; it replaces the system's for this receiver.
    timeout_s : float
        Time for the whole exchange, seconds.
    max_response_bytes : int
        Longest answer read; a longer one is cut off, and its status counts all the same.
    """

    url: str
    hosts: tuple[str, ...]
    networks: tuple[str, ...] = ()
    ca_file: str | None = None
    timeout_s: _Seconds = 10.0
    max_response_bytes: Annotated[int, msgspec.Meta(ge=0, le=1 << 20)] = 4096


class WebhookSink:
    """Posts records to one address.

    Parameters
    ----------
    settings : SinkSettings
        Name, kinds and :class:`WebhookOptions`.
    context : SinkContext
        Lends the key that signs the requests.
    lookup : callable
        Resolves the name.
    clock : callable
        Gives the time, aware.

    Raises
    ------
    ConfigurationError
        If the address is not allowed, there is no key, or the certificates cannot be read.
    """

    def __init__(
        self,
        settings: SinkSettings,
        context: SinkContext,
        *,
        lookup: Callable[[str, int], list[str]] = resolved,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        self.name, self.kinds = settings.name, settings.kinds
        self._options = options_of(settings, WebhookOptions)
        if context.signer is None:
            raise ConfigurationError(f"sink {self.name}: no key to sign its requests with", value=self.name)
        self._signer = context.signer
        self._lookup = lookup
        self._clock = clock or (lambda: datetime.now(UTC))
        self._networks: tuple[Network, ...] = networks_of(
            self._options.networks, where=f"sink {self.name}: networks"
        )
        self._target = self._read_url(self._options)

    def deliver(self, message: SinkMessage) -> None:
        """Post a record; see :class:`DecisionSink`.

        Parameters
        ----------
        message : SinkMessage
            The message.

        Raises
        ------
        SinkError
            If the receiver did not confirm it. A lost confirmation looks the same as a lost message:
            it is sent again, and the receiver knows it by its key.
        """
        target = self._target
        addresses = resolve(target.host, target.port, self._networks, lookup=self._lookup)
        if target.tls is None and not all(address.is_loopback for address in addresses):
            raise SinkError(
                f"{target.host} is not loopback: http is refused", is_retryable=True, value=target.host
            )
        headers = signed_headers(message.kind, message.body, self._signer, self._clock())
        answer = post(
            target,
            addresses,
            message.body,
            headers,
            timeout_s=self._options.timeout_s,
            max_bytes=self._options.max_response_bytes,
        )
        _judge(answer, target.host, self._clock())

    def _read_url(self, options: WebhookOptions) -> Target:
        try:
            parts = urlsplit(options.url)
            port = parts.port
        except ValueError as error:
            raise ConfigurationError(f"sink {self.name}: url: {error}", value=options.url) from None
        host = (parts.hostname or "").rstrip(".")
        if parts.scheme not in ("http", "https") or not host:
            raise ConfigurationError(f"sink {self.name}: url is none of http or https", value=options.url)
        if parts.username is not None or parts.password is not None or parts.fragment:
            raise ConfigurationError(
                f"sink {self.name}: a url holds no user, password or fragment", value=self.name
            )
        if any(not 0x21 <= ord(letter) <= 0x7E for letter in options.url):
            raise ConfigurationError(f"sink {self.name}: url holds more than ASCII", value=self.name)
        if host not in {name.lower().rstrip(".") for name in options.hosts}:
            raise ConfigurationError(f"sink {self.name}: {host} is not among its hosts", value=host)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        is_tls = parts.scheme == "https"
        return Target(
            host=host,
            port=port if port is not None else (443 if is_tls else 80),
            path=path,
            tls=_tls(options.ca_file, self.name) if is_tls else None,
        )


def signed_headers(kind: str, body: bytes, signer: Signer, at: datetime) -> dict[str, str]:
    """Return the headers of a request.

    Parameters
    ----------
    kind : str
        Schema of the record.
    body : bytes
        The record.
    signer : Signer
        Signs the request.
    at : datetime
        When it is sent.

    Returns
    -------
    dict of str to str
        Content type, idempotency key, kind, key, time and signature.
    """
    time = str(utc_string(at))
    return {
        "Content-Type": "application/json",
        "Idempotency-Key": sha256_hex(body),
        "Screening-Kind": kind,
        "Screening-Key-Id": signer.key_id,
        "Screening-Time": time,
        "Screening-Signature": signer.sign(_SCHEMA, _covered(signer.key_id, time, kind, body)),
    }


def verify_webhook(
    headers: Mapping[str, str],
    body: bytes,
    keys: KeyRing,
    *,
    at: datetime,
    window_s: float = REPLAY_WINDOW_S,
    allow_exercise: bool = False,
) -> str:
    """Verify a request, for those who receive it.

    Inside the window the same request may come twice: keep the idempotency keys, and answer 409 to
    those that were seen. The record in the body has a seal of its own, to be verified besides.

    Parameters
    ----------
    headers : mapping of str to str
        Headers, in any case.
    body : bytes
        The body.
    keys : KeyRing
        The keys trusted; one restricted to kinds must name ``webhook/1``.
    at : datetime
        The receiver's time.
    window_s : float
        How far the request's time may be from it, seconds.
    allow_exercise : bool
        Whether an exercise key counts.

    Returns
    -------
    str
        Kind of the record.

    Raises
    ------
    VerificationError
        With the check that failed; ``EXPIRED_KEY`` is never used for an old request, ``MALFORMED`` is.
    """
    named = {name.lower(): value for name, value in headers.items()}
    try:
        key_id, time = named["screening-key-id"], named["screening-time"]
        kind, signature = named["screening-kind"], named["screening-signature"]
        key = named["idempotency-key"]
        sent = datetime.fromisoformat(time)
        age_s = abs((at - sent).total_seconds())
    except (KeyError, ValueError, TypeError) as error:
        raise VerificationError(f"the request lacks a header: {error}", "MALFORMED") from None
    if key != sha256_hex(body):
        raise VerificationError("the idempotency key is not the hash of the body", "WRONG_ID", value=key)
    verify_content(
        _SCHEMA, _covered(key_id, time, kind, body), key_id, signature, keys, allow_exercise=allow_exercise
    )
    if not age_s <= window_s:
        raise VerificationError(f"the request is {age_s:.0f} s off this clock", "MALFORMED", value=time)
    return kind


def _covered(key_id: str, time: str, kind: str, body: bytes) -> bytes:
    return f"{key_id}\n{time}\n{kind}\n".encode() + body


def _tls(ca_file: str | None, name: str) -> ssl.SSLContext:
    try:
        if ca_file is not None and not Path(ca_file).is_file():
            raise FileNotFoundError(2, "no such file")
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as error:  # of which SSLError is a kind
        raise ConfigurationError(
            f"sink {name}: ca_file cannot be read ({error.strerror or error})", value=ca_file
        ) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _judge(answer: Answer, host: str, now: datetime) -> None:
    status = answer.status
    if 200 <= status < 300 or status == 409:  # 409: known, from a delivery whose answer was lost
        return
    text = f"{host} answered {status}" + (f": {answer.text}" if answer.text else "")
    is_retryable = status >= 500 or status in (408, 429)
    after_s = _retry_after_s(answer.retry_after, now) if is_retryable else None
    raise SinkError(text, is_retryable=is_retryable, retry_after_s=after_s, value=status)


def _retry_after_s(text: str | None, now: datetime) -> float | None:
    """Return a Retry-After, which is a number of seconds or a date."""
    if text is None:
        return None
    if text.strip().isascii() and text.strip().isdigit():
        return float(text.strip()[:9])
    try:
        at = email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return max(0.0, (at - now).total_seconds())
