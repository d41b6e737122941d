"""Start the live service from a site's settings file."""

from __future__ import annotations

import asyncio
import sys
import tomllib
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from screening.clearance import KeyRing, Signer, load_signer, read_public_key
from screening.clearance.settings import ClearanceSettings, read_clearance_settings
from screening.errors import ConfigurationError
from screening.records import OperatingMode
from screening.stores import ResultStore

from .casework import Casework, Clearance
from .clearances import DeskClearance, ServiceClearance
from .events import Event, EventLog
from .service import AcquireService
from .settings import AcquireSettings, read_acquire_settings
from .view import LaneView

__all__ = ["desk_settings", "run_acquire"]


def run_acquire(config: Path, *, has_view: bool = False) -> None:
    """Run the live service until it is told to stop (SIGINT, SIGTERM).

    Events go to standard error, one line each, and to the settings' events file. The line
    ``stored <scan_id>`` means that the scan is on disk, fsynced.

    Parameters
    ----------
    config : Path
        The site's settings, with an ``[acquire]`` table.
    has_view : bool
        Show a live table on standard output instead of event lines on standard error.

    Raises
    ------
    ConfigurationError
        If the settings, a key or the policy cannot be used.
    StoreError
        If another process holds the spool, or the disk refuses.
    """
    settings, text = read_acquire_settings(config)
    signer = None if settings.key_file is None else load_signer(Path(settings.key_file))
    _check_scope(settings, signer)
    is_exercise = settings.mode is OperatingMode.EXERCISE
    with ExitStack() as stack:
        listeners: tuple[Callable[[Event], None], ...] = ()
        if has_view:
            title = f"EXERCISE at {settings.site}" if is_exercise else settings.site
            listeners = (stack.enter_context(LaneView(sys.stdout, title=title)).show,)
        events = EventLog(
            None if settings.events is None else Path(settings.events),
            stream=None if has_view else sys.stderr,
            listeners=listeners,
        )
        Path(settings.store).parent.mkdir(parents=True, exist_ok=True)
        casework = Casework(
            ResultStore(Path(settings.store)),
            signer=signer,
            clearance=_clearance(config, settings, signer),
            keys=KeyRing(read_public_key(Path(path)) for path in settings.trusted_keys),
            decisions=None if settings.decisions is None else Path(settings.decisions),
        )
        service = AcquireService(settings, text, casework=casework, events=events)
        asyncio.run(service.run())


def _check_scope(settings: AcquireSettings, signer: Signer | None) -> None:
    if signer is None:
        return
    is_exercise = settings.mode is OperatingMode.EXERCISE
    if (signer.scope == "exercise") != is_exercise:
        raise ConfigurationError(
            f"a key of scope {signer.scope} does not fit the mode {settings.mode}", value=signer.key_id
        )


def _clearance(config: Path, settings: AcquireSettings, signer: Signer | None) -> Clearance | None:
    """Return who decides: the service of the site, or a desk of this process's own."""
    if signer is None:
        return None
    if settings.clearance_url is not None:
        token, ca = settings.clearance_token_file, settings.clearance_ca_file
        return ServiceClearance(
            settings.clearance_url,
            token_file=None if token is None else Path(token),
            ca_file=None if ca is None else Path(ca),
        )
    from screening.clearance.opening import open_desk
    from screening.clearance.sinks import Relay, SinkContext, build_sinks

    rules = desk_settings(config, settings)
    desk = open_desk(rules)
    sinks = build_sinks(rules.sinks, SinkContext(signer=signer, record=desk.record))
    return DeskClearance(desk, Relay(desk.outbox, sinks) if sinks else None)


def desk_settings(config: Path, settings: AcquireSettings) -> ClearanceSettings:
    """Return the settings of the desk that a live service runs in its own process.

    Parameters
    ----------
    config : Path
        The site's file: its ``[clearance]`` table rules, if there is one.
    settings : AcquireSettings
        With a key.

    Returns
    -------
    ClearanceSettings
        Without that table a departure's desk: what is scanned here has not left yet.

    Raises
    ------
    ConfigurationError
        If there is no key, or the two tables speak of different keys or of exercise and operation.
    """
    if settings.key_file is None:
        raise ConfigurationError("a desk needs a key_file", value=settings.site)
    is_exercise = settings.mode is OperatingMode.EXERCISE
    if _has_clearance_table(config):
        rules = read_clearance_settings(config)
        if (rules.key_file, rules.is_exercise) != (settings.key_file, is_exercise):
            raise ConfigurationError(
                f"{config.name}: [acquire] and [clearance] differ in key_file or in being an exercise",
                value=config.name,
            )
        return rules
    return ClearanceSettings(
        administration=settings.administration,
        key_file=settings.key_file,
        database=settings.cases,
        trusted_keys=settings.trusted_keys,
        policy=settings.policy,
        required_lanes=settings.required or tuple(lane.name for lane in settings.lanes),
        case_deadline_s=settings.case_deadline_s,
        is_exercise=is_exercise,
    )


def _has_clearance_table(config: Path) -> bool:
    return "clearance" in tomllib.loads(config.read_text(encoding="utf-8"))
