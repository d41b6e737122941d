"""Run an emulated instrument until it is stopped."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import msgspec

from screening.clearance import Signer, load_signer
from screening.errors import ConfigurationError

from .portal import PortalEmulator
from .presets import TRAFFIC, portal_passages, scanner_passages
from .scanner import ScannerEmulator
from .traffic import Passage, ahead

__all__ = ["EmulatorKind", "EmulatorPorts", "run_emulator"]

PassageMakers = Iterator[Callable[[], Passage]]
EmulatorKind = Literal["portal", "scanner", "vacis"]

_SCANNERS = {"scanner": "dual", "vacis": "vacis-co"}


class EmulatorPorts(msgspec.Struct, frozen=True, kw_only=True):
    """Where an emulator listens.

    Attributes
    ----------
    port : int
        The instrument's own port.
    identity_port : int
        Its identity feed.
    n42_port : int or None
        N42 documents of a portal.
    """

    port: int
    identity_port: int
    n42_port: int | None = None


def run_emulator(
    kind: EmulatorKind,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    identity_port: int = 0,
    n42_port: int | None = 0,
    traffic: str = "mixed",
    seed: int = 0,
    n: int | None = None,
    speed_factor: float = 1.0,
    gap_s: float = 6.0,
    scale: float = 1.0,
    gateway_key: Path | None = None,
    announce: Callable[[EmulatorPorts], None] | None = None,
    ready_file: Path | None = None,
) -> None:
    """Emulate an instrument until SIGINT or SIGTERM.

    Parameters
    ----------
    kind : {"portal", "scanner", "vacis"}
        Gross-count and spectroscopic portal; dual-energy X-ray scanner; gamma-ray scanner.
    host : str
        Address to listen on; the wire protocols know no passwords, so leave it on loopback.
    port, identity_port : int
        Ports; 0 takes free ones.
    n42_port : int or None
        Port of a portal's N42 documents; None: no spectra.
    traffic : {"demo", "quiet", "mixed"}
        What comes.
    seed : int
        Seed of everything random.
    n : int, optional
        At most so many vehicles; then it idles.
    speed_factor : float
        How much faster than the real cadence it runs.
    gap_s : float
        Real time between two vehicles, before that factor, seconds.
    scale : float
        Pixel size of radiographs over that of a full picture.
    gateway_key : Path, optional
        Private key that signs the readings of seals.
    announce : callable, optional
        Called with the ports once they are open.
    ready_file : Path, optional
        File that gets the ports as JSON once they are open.

    Raises
    ------
    ConfigurationError
        If the traffic is unknown, or a number makes no sense.
    """
    if traffic not in TRAFFIC:
        raise ConfigurationError(f"unknown traffic {traffic!r}; known: {', '.join(TRAFFIC)}", value=traffic)
    if not speed_factor > 0 or gap_s < 0:
        raise ConfigurationError(
            f"speed_factor must be positive and gap_s not negative, got {speed_factor!r} and {gap_s!r}"
        )
    gateway = None if gateway_key is None else load_signer(gateway_key)
    emulator: PortalEmulator | ScannerEmulator
    if kind == "portal":
        emulator = PortalEmulator(
            host=host,
            port=port,
            n42_port=n42_port,
            identity_port=identity_port,
            speed_factor=speed_factor,
            gap_s=gap_s,
        )
        makers = portal_passages(traffic, seed, n=n, gateway=gateway, has_spectra=n42_port is not None)
    else:
        emulator = ScannerEmulator(
            host=host,
            port=port,
            identity_port=identity_port,
            speed_factor=speed_factor,
            gap_s=gap_s,
            duplicate_every=97,
        )
        makers = _pictures(kind, traffic, seed, n, gateway, scale)

    def _tell() -> None:
        ports = _ports(emulator)
        if ready_file is not None:
            temporary = ready_file.with_suffix(".new")
            temporary.write_bytes(msgspec.json.encode(ports))
            temporary.replace(ready_file)
        if announce is not None:
            announce(ports)

    async def _run() -> None:
        await emulator.start()
        _tell()
        task = asyncio.create_task(_drive_and_idle(emulator, makers))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError):  # not on every system
                loop.add_signal_handler(number, task.cancel)
        try:
            await task
        except asyncio.CancelledError:
            await emulator.stop()

    asyncio.run(_run())


def _pictures(
    kind: str, traffic: str, seed: int, n: int | None, gateway: Signer | None, scale: float
) -> PassageMakers:
    return scanner_passages(traffic, seed, n=n, gateway=gateway, scanner=_SCANNERS[kind], scale=scale)


async def _drive_and_idle(emulator: PortalEmulator | ScannerEmulator, makers: PassageMakers) -> None:
    await emulator.drive(ahead(makers))
    await emulator.idle()


def _ports(emulator: PortalEmulator | ScannerEmulator) -> EmulatorPorts:
    identity_port = emulator.identity.port
    if isinstance(emulator, ScannerEmulator):
        return EmulatorPorts(port=emulator.port, identity_port=identity_port)
    documents = emulator.documents
    return EmulatorPorts(
        port=emulator.lines.port,
        identity_port=identity_port,
        n42_port=None if documents is None else documents.port,
    )
