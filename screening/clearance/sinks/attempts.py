"""What follows an attempt at a delivery: done, tried again later, or a dead letter. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Literal, NamedTuple

import msgspec

from .sink import SinkError

__all__ = ["RelaySettings", "Settlement", "delay_s", "settle"]

_Seconds = Annotated[float, msgspec.Meta(gt=0, le=7 * 86400)]


class RelaySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How messages are relayed.

    Attributes
    ----------
    n_workers : int
        Deliveries at once, for each sink: so many containers may have a slow answer before the others
        wait.
    lease_s : float
        How long a claimed message is this relay's alone; longer than any delivery takes. After a crash
        its messages wait as long for another relay.
    poll_s : float
        Longest time between two looks into the outbox.
    first_delay_s, max_delay_s : float
        The delay after the first failure, and the cap of the delays, which double.
    max_retry_after_s : float
        Longest delay a receiver may ask for.
    max_attempts : int
        Attempts after which a message is a dead letter. The default, with the cap of 10 minutes, is
        about 35 hours of a receiver that fails every message it is sent. A message that was handed out
        when the process died has been tried, too.
    n_failures_until_probe : int
        Failures in a row, over all containers, after which the receiver is taken to be down and only
        one message at a time is tried, so that an outage does not use up everybody's attempts.
    """

    n_workers: Annotated[int, msgspec.Meta(ge=1, le=64)] = 8
    lease_s: _Seconds = 30.0
    poll_s: _Seconds = 1.0
    first_delay_s: _Seconds = 1.0
    max_delay_s: _Seconds = 600.0
    max_retry_after_s: _Seconds = 3600.0
    max_attempts: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 288
    n_failures_until_probe: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 8


class Settlement(NamedTuple):
    """What follows an attempt.

    Attributes
    ----------
    what : {"DELIVERED", "RETRY", "DEAD"}
        What follows.
    retry_at : datetime or None
        When it is due again, for RETRY.
    error : str
        Why it was not delivered; empty for DELIVERED.
    """

    what: Literal["DELIVERED", "RETRY", "DEAD"]
    retry_at: datetime | None = None
    error: str = ""


def delay_s(attempts: int, settings: RelaySettings, chance: float) -> float:
    """Return the pause before the next attempt.

    Parameters
    ----------
    attempts : int
        Attempts so far, the failed one included.
    settings : RelaySettings
        First delay and cap.
    chance : float
        Uniform in [0, 1): so that messages that failed together do not come back together.

    Returns
    -------
    float
        Between half and all of the doubled delay, seconds; never above the cap.
    """
    # The exponent is bounded first: 2.0 ** 1024 is an error, not a large number.
    whole = min(settings.first_delay_s * 2.0 ** min(max(attempts - 1, 0), 60), settings.max_delay_s)
    return whole * (0.5 + 0.5 * chance)


def settle(
    attempts: int,
    error: BaseException | None,
    *,
    now: datetime,
    settings: RelaySettings,
    chance: Callable[[], float],
) -> Settlement:
    """Return what follows an attempt.

    Parameters
    ----------
    attempts : int
        Attempts so far, this one included.
    error : BaseException or None
        What the sink raised; None if it took the message. An error that is no SinkError is a fault of
        the sink, not of the message, and counts as one to try again.
    now : datetime
        When it ended.
    settings : RelaySettings
        Delays and the number of attempts.
    chance : callable
        Gives numbers uniform in [0, 1).

    Returns
    -------
    Settlement
        What follows.
    """
    if error is None:
        return Settlement("DELIVERED")
    text = str(error) if isinstance(error, SinkError) else f"{type(error).__name__}: {error}"
    text = " ".join(text.split())[:500]
    if isinstance(error, SinkError) and not error.is_retryable:
        return Settlement("DEAD", error=f"refused: {text}")
    if attempts >= settings.max_attempts:
        return Settlement("DEAD", error=f"given up after {attempts} attempts: {text}")
    pause = delay_s(attempts, settings, chance())
    asked = error.retry_after_s if isinstance(error, SinkError) else None
    if asked is not None:
        pause = max(pause, min(max(asked, 0.0), settings.max_retry_after_s))
    return Settlement("RETRY", retry_at=now + timedelta(seconds=pause), error=text)
