"""A sink of a third party: it publishes records to a message broker, each under its own subject.

The protocol is a small one of its own ("PUB subject id length", the payload, an answer), of the kind
that NATS and others speak; with a real broker, its client library takes the place of `_publish`.
"""

from __future__ import annotations

import socket

import msgspec

from screening.clearance.settings import SinkSettings
from screening.clearance.sinks import SinkContext, SinkError, SinkMessage
from screening.errors import ConfigurationError

__all__ = ["BrokerSink"]


class BrokerOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Arguments of the sink."""

    server: str
    subject: str = "clearance"
    timeout_s: float = 5.0


class BrokerSink:
    """Publish each record, and take it for delivered once the broker says that it holds it.

    The record's key goes along as the message's identifier: a broker that knows it drops a second copy,
    and a receiver behind a broker that does not must do so itself. What the broker acknowledges may
    still be lost with the broker; the outbox and the ledger of the desk stay the store of record.
    """

    def __init__(self, settings: SinkSettings, context: SinkContext) -> None:
        del context
        self.name, self.kinds = settings.name, settings.kinds
        try:
            self._options = msgspec.convert(settings.options, BrokerOptions)
            host, _, port = self._options.server.rpartition(":")
            self._address = (host, int(port))
        except ValueError as error:
            raise ConfigurationError(f"sink {settings.name}: {error}") from None

    def deliver(self, message: SinkMessage) -> None:
        """Publish one record under subject, kind and container."""
        kind = message.kind.replace("/", "-")
        subject = f"{self._options.subject}.{kind}.{message.container_id or 'none'}"
        try:
            answer = self._publish(subject, message.key, message.body)
        except OSError as error:  # of which a time-out is one
            raise SinkError(f"broker {self._options.server}: {error}", is_retryable=True) from error
        if answer == "+OK":
            return
        # A broker that is full or restarting may take it later; one that says no will say so again.
        raise SinkError(
            f"broker {self._options.server}: {answer!r}", is_retryable=not answer.startswith("-NO")
        )

    def _publish(self, subject: str, key: str, body: bytes) -> str:
        with socket.create_connection(self._address, timeout=self._options.timeout_s) as connection:
            connection.sendall(f"PUB {subject} {key} {len(body)}\r\n".encode() + body)
            with connection.makefile("rb") as lines:
                return lines.readline(200).decode("ascii", "replace").strip()
