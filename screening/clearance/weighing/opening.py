"""What opening the container answers: only what was found before it was opened."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Literal

from screening.clearance.seals import parse_time
from screening.records import Case, Destuffing, FlagModality, Level

from .flags import WeighedFlag
from .gates import RADIATION

__all__ = ["destuffed", "remeasured"]

_PICTURES = (FlagModality.XRAY,)


def destuffed(
    case: Case,
    weighed: Iterable[WeighedFlag],
    *,
    has_intel: bool,
    is_trusted: Callable[[Destuffing], bool],
) -> Literal["CLEAN", "FOUND"] | None:
    """Return the outcome of opening the container, as far as it still says something.

    Parameters
    ----------
    case : Case
        The case.
    weighed : iterable of WeighedFlag
        Its flags.
    has_intel : bool
        There is new intelligence on the container: only an opening known to be later says something.
    is_trusted : callable
        Whether the record of an opening is sealed by a trusted key.

    Returns
    -------
    {"CLEAN", "FOUND"} or None
        CLEAN only if every picture that is not LOW was made before it.
    """
    if case.destuff != "CLEAN":
        return case.destuff
    if (has_intel and case.intel_at is None) or _is_doubted_since(case, weighed, _PICTURES, is_trusted):
        return None
    return "CLEAN"


def remeasured(
    case: Case, weighed: Iterable[WeighedFlag], *, is_trusted: Callable[[Destuffing], bool]
) -> Literal["LOW", "NOT_LOW"] | None:
    """Return the measurement after destuffing, as far as it still says something.

    Parameters
    ----------
    case : Case
        The case.
    weighed : iterable of WeighedFlag
        Its flags.
    is_trusted : callable
        Whether the record of an opening is sealed by a trusted key.

    Returns
    -------
    {"LOW", "NOT_LOW"} or None
        LOW only while its own flags are LOW under the policy too, and if every radiation flag that is not
        LOW was made before the opening.
    """
    if case.remeasured != "LOW":
        return case.remeasured
    flags = list(weighed)
    named = {flag_id for record in case.remeasurements for flag_id in record.flag_ids}
    is_doubted = any(one.level != Level.LOW for one in flags if one.flag.flag_id in named)
    if is_doubted or _is_doubted_since(case, flags, RADIATION, is_trusted):
        return "NOT_LOW"
    return "LOW"


def _is_doubted_since(
    case: Case,
    weighed: Iterable[WeighedFlag],
    modalities: tuple[FlagModality, ...],
    is_trusted: Callable[[Destuffing], bool],
) -> bool:
    """Tell whether a flag that is not LOW was made after the last clean opening, or nobody knows when.

    A case that holds no record of an opening was put together by somebody who vouches for its order.
    """
    if not case.destuffings:
        return False
    opened_at = max(
        (
            at
            for one in case.destuffings
            if one.outcome == "CLEAN" and (at := parse_time(one.at)) is not None and is_trusted(one)
        ),
        default=None,
    )
    doubted = [one for one in weighed if one.flag.modality in modalities and one.level != Level.LOW]
    return any(_is_after(parse_time(one.flag.created_at), opened_at) for one in doubted)


def _is_after(made: datetime | None, opened_at: datetime | None) -> bool:
    return made is None or opened_at is None or made > opened_at
