"""Running the service in this process until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn

from screening.clearance.key_files import load_signer
from screening.clearance.ledger import export_head
from screening.clearance.opening import open_desk
from screening.clearance.settings import ClearanceSettings
from screening.clearance.sinks.registry import build_sinks
from screening.clearance.sinks.relay import Relay
from screening.clearance.sinks.sink import SinkContext
from screening.errors import ConfigurationError

from .app import build_app
from .protocol import HEAD_S, bounded_by
from .service import Service

__all__ = ["running_server", "serve"]

#: Time that requests in hand get when the service is told to stop; systemd waits 90 s.
_GRACE_S = 15
_KEEP_ALIVE_S = 30
_START_S = 30.0


def serve(settings: ClearanceSettings, *, announce: Callable[[str], None] = lambda url: None) -> None:
    """Run the service until SIGTERM or SIGINT.

    Parameters
    ----------
    settings : ClearanceSettings
        Settings of the site.
    announce : callable
        Told the address once the service answers.

    Raises
    ------
    ConfigurationError
        If the key's scope is not what the settings ask for, the address cannot be used, or the settings
        do not go together.
    """
    signer = load_signer(Path(settings.key_file))
    if signer.scope == "exercise" and not settings.is_exercise:
        raise ConfigurationError(
            f"{Path(settings.key_file).name} is an exercise key:"
            " it runs with --exercise, or is_exercise = true",
            value=signer.key_id,
        )
    if settings.is_exercise and signer.scope != "exercise":
        raise ConfigurationError(
            f"{Path(settings.key_file).name} is no exercise key, and an exercise was asked for",
            value=signer.key_id,
        )
    http = settings.http
    listener = _listen(http.host, http.port)
    with listener:
        desk = open_desk(settings)
        try:
            sinks = build_sinks(settings.sinks, SinkContext(signer=signer, record=desk.record))
            if settings.heads is not None:
                # Before anything is answered: a site that cannot export heads learns it at its start.
                export_head(Path(settings.heads), desk.head())
            service = Service(desk, settings, relay=Relay(desk.outbox, sinks) if sinks else None)
            url = _url(settings, listener)
            server = _Server(_config(settings, build_app(service, http)), service, lambda: announce(url))
            with _signals_end_quietly():
                server.run(sockets=[listener])
        finally:
            desk.close()


@contextmanager
def running_server(service: Service, settings: ClearanceSettings) -> Iterator[str]:
    """Run a service in a thread of this process, for a program that has other things to do.

    Parameters
    ----------
    service : Service
        The service.
    settings : ClearanceSettings
        Settings of the site.

    Yields
    ------
    str
        Its address; the service ends with the context.

    Raises
    ------
    ConfigurationError
        If the address cannot be used.
    """
    with _listen(settings.http.host, settings.http.port) as listener:
        started = threading.Event()
        server = _Server(_config(settings, build_app(service, settings.http)), service, started.set)
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listener]}, name="clearance-service", daemon=True
        )
        thread.start()
        try:
            if not started.wait(_START_S):
                raise ConfigurationError("the service does not start")
            yield _url(settings, listener)
        finally:
            server.should_exit = True
            thread.join()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, service: Service, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._service = service
        self._tell_started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if self.config.is_ssl:
            # Before the handshake is done nobody counts a connection: it gets no longer than a head does.
            loop = asyncio.get_running_loop()
            create = partial(loop.create_server, ssl_handshake_timeout=HEAD_S)
            loop.create_server = create  # type: ignore[method-assign]
        await super().startup(sockets=sockets)
        if self.started:
            self._tell_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # First: a stream that is still open would hold up everything after.
        self._service.begin_stop()
        await super().shutdown(sockets=sockets)


def _config(settings: ClearanceSettings, app: Any) -> uvicorn.Config:
    http = settings.http
    tls: dict[str, Any] = {}
    if http.tls_key is not None:
        # uvicorn's own choice has, of TLS 1.2, nothing but what is old, and names suites that do not encrypt.
        tls = {
            "ssl_certfile": http.tls_certificate,
            "ssl_keyfile": http.tls_key,
            "ssl_ciphers": "ECDHE+AESGCM:ECDHE+CHACHA20",
        }
        if http.tls_client_ca is not None:
            tls |= {"ssl_ca_certs": http.tls_client_ca, "ssl_cert_reqs": ssl.CERT_REQUIRED}
    try:
        config = uvicorn.Config(
            app,
            http=bounded_by(http.limits.connections, http.limits.connections_per_address),
            ws="none",
            loop="asyncio",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            # The address a limit is counted under is the connection's, whatever a header says.
            proxy_headers=False,
            h11_max_incomplete_event_size=http.limits.header_bytes,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=_GRACE_S,
            **tls,
        )
        config.load()
        if config.ssl is not None:
            config.ssl.minimum_version = ssl.TLSVersion.TLSv1_2
    except (OSError, ValueError) as error:  # of which errors of TLS are kinds
        raise ConfigurationError(f"the certificate or its key cannot be used: {error}") from None
    return config


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise ConfigurationError(f"{host}, port {port}: {error.strerror or error}", value=port) from None


def _url(settings: ClearanceSettings, listener: socket.socket) -> str:
    scheme = "http" if settings.http.tls_key is None else "https"
    host, port = listener.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


@contextmanager
def _signals_end_quietly() -> Iterator[None]:
    """Let a stop that was asked for be no failure: uvicorn raises the signal once more when it is done."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ended = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.signal(number, lambda *_: None) for number in ended}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
