"""Start the live service from a site's settings file."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from screening.clearance import KeyRing, Signer, default_policy, load_policy, load_signer, read_public_key
from screening.errors import ConfigurationError
from screening.records import OperatingMode
from screening.stores import ResultStore

from .casework import Casework
from .events import Event, EventLog
from .service import AcquireService
from .settings import AcquireSettings, read_acquire_settings
from .view import LaneView

__all__ = ["run_acquire"]


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
    keys = KeyRing(read_public_key(Path(path)) for path in settings.trusted_keys)
    policy = (
        default_policy()
        if settings.policy is None
        else load_policy(Path(settings.policy), keys, allow_exercise=is_exercise)
    )
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
            keys=keys,
            policy=policy,
            administration=settings.administration,
            required=frozenset(settings.required or (lane.name for lane in settings.lanes)),
            deadline_s=settings.case_deadline_s,
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
