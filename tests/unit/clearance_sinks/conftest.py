"""An outbox in memory, and a receiver on loopback that a test tells what to answer."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from screening.clearance.settings import SinkSettings
from screening.clearance.sinks.sample_messages import SampleMessage, sample_context, sample_messages
from screening.clearance.sinks.webhook import WebhookSink
from screening.records import sha256_hex

NOW = dt.datetime(2026, 3, 1, 12, 0, tzinfo=dt.UTC)


class Owed(SampleMessage, frozen=True, kw_only=True):
    id: int


class MemoryOutbox:
    """The outbox of the desk as its text promises it: leases, order of a container, attempts on claim."""

    def __init__(self) -> None:
        self.rows: dict[int, dict[str, Any]] = {}
        self.lock = threading.Lock()
        self.n_claims = 0

    def owe(self, sink: str, container_id: str, text: str = "") -> int:
        id_ = len(self.rows) + 1
        body = f"{container_id} {id_} {text}".encode()
        self.rows[id_] = {
            "sink": sink,
            "container_id": container_id,
            "body": body,
            "state": "PENDING",
            "retry_at": dt.datetime.min.replace(tzinfo=dt.UTC),
            "leased_until": dt.datetime.min.replace(tzinfo=dt.UTC),
            "attempts": 0,
            "error": None,
        }
        return id_

    def claim(self, sink: str, *, now: dt.datetime, limit: int, lease_s: float) -> list[Owed]:
        with self.lock:
            self.n_claims += 1
            found, seen = [], set()
            for id_, row in self.rows.items():
                if row["sink"] != sink or row["state"] != "PENDING" or row["container_id"] in seen:
                    continue
                seen.add(row["container_id"])
                if row["retry_at"] <= now and row["leased_until"] <= now and len(found) < limit:
                    row["leased_until"] = now + dt.timedelta(seconds=lease_s)
                    row["attempts"] += 1
                    found.append(
                        Owed(
                            id=id_,
                            key=sha256_hex(row["body"]),
                            container_id=row["container_id"],
                            kind="clearance/1",
                            body=row["body"],
                            attempts=row["attempts"],
                            log_index=id_,
                        )
                    )
            return found

    def delivered(self, ids: list[int], at: dt.datetime) -> None:
        with self.lock:
            for id_ in ids:
                self.rows[id_]["state"] = "DELIVERED"

    def failed(self, id: int, error: str, retry_at: dt.datetime) -> None:
        with self.lock:
            self.rows[id].update(
                error=error, retry_at=retry_at, leased_until=dt.datetime.min.replace(tzinfo=dt.UTC)
            )

    def bury(self, id: int, error: str) -> None:
        with self.lock:
            self.rows[id].update(state="DEAD", error=error)

    def states(self) -> list[str]:
        with self.lock:
            return [row["state"] for row in self.rows.values()]


@pytest.fixture
def outbox() -> MemoryOutbox:
    return MemoryOutbox()


@pytest.fixture
def messages() -> tuple[SampleMessage, ...]:
    return sample_messages()


class Receiver:
    """Answers what `answer` says: a status, (status, headers, body), or a function of the connection."""

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        receiver = self
        self.answer: Any = 204
        self.requests: list[tuple[dict[str, str], bytes]] = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.requests.append((dict(self.headers), body))
                if callable(receiver.answer):
                    receiver.answer(self)
                    return
                given = receiver.answer if isinstance(receiver.answer, tuple) else (receiver.answer, {}, b"")
                status, headers, text = given
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if status != 204:
                    self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *args: object) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *args: object) -> None:
                """A client that went away, or would not have our certificate, is no error here."""

            def finish_request(self, request: Any, address: Any) -> None:
                request.settimeout(10)
                if tls is not None:
                    request = tls.wrap_socket(request, server_side=True)
                try:
                    super().finish_request(request, address)
                finally:
                    if tls is not None:
                        request.close()

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = int(self.server.server_address[1])
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver(None)
    yield made
    made.stop()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A private authority, and the certificate of receiver.test made by it."""
    folder = tmp_path_factory.mktemp("authority")
    now = dt.datetime.now(dt.UTC)

    def make(name: str, issuer: str, key: Any, signer: Any, is_authority: bool) -> x509.Certificate:
        # Newer interpreters verify strictly (RFC 5280): whose key it is, who signed it, what it may do.
        by = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
        use = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=is_authority,
            crl_sign=is_authority,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        names = [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("192.0.2.7"))]
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(by, critical=False)
            .add_extension(use, critical=True)
        )
        return builder.sign(signer, hashes.SHA256())

    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca = make("Example Authority", "Example Authority", ca_key, ca_key, True)
    leaf = make("receiver.test", "Example Authority", key, ca_key, False)
    pem = serialization.Encoding.PEM
    (folder / "ca.pem").write_bytes(ca.public_bytes(pem))
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "leaf.pem").write_bytes(leaf.public_bytes(pem) + private)
    return {"ca": folder / "ca.pem", "leaf": folder / "leaf.pem"}


@pytest.fixture
def tls_receiver(authority: dict[str, Path]) -> Iterator[Receiver]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority["leaf"])
    made = Receiver(context)
    yield made
    made.stop()


@pytest.fixture
def make_webhook(receiver: Receiver) -> Callable[..., WebhookSink]:
    """A webhook to the receiver on loopback, spoiled in one respect."""

    def make(
        lookup: Callable[[str, int], list[str]] = lambda host, port: ["127.0.0.1"],
        clock: Callable[[], dt.datetime] = lambda: NOW,
        **changes: Any,
    ) -> WebhookSink:
        options = {
            "url": f"http://receiver.test:{receiver.port}/in",
            "hosts": ["receiver.test"],
            "networks": ["127.0.0.0/8"],
            "timeout_s": 5.0,
        }
        options.update(changes)
        settings = SinkSettings(
            name="hook", kind="webhook", kinds=("clearance/1", "riskflag/1"), options=options
        )
        return WebhookSink(settings, sample_context(), lookup=lookup, clock=clock)

    return make


@pytest.fixture
def make_settings(tmp_path: Path) -> Callable[..., SinkSettings]:
    def make(kind: str = "folder", **options: Any) -> SinkSettings:
        return SinkSettings(name="drop", kind=kind, options={"folder": str(tmp_path), **options})

    return make


@pytest.fixture
def replace() -> Callable[..., Any]:
    return msgspec.structs.replace
