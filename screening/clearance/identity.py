"""Container numbers: ISO 6346, and what two readings of one number say together."""

from __future__ import annotations

from typing import NamedTuple

from stdnum import iso6346

from screening.records import ReasonCode
from screening.risk import has_valid_check_digit

__all__ = ["ContainerId", "check_container_id", "compare_container_ids"]


class ContainerId(NamedTuple):
    """A container number as read.

    Attributes
    ----------
    compact : str
        Without spaces, upper case: the only form that records carry.
    is_valid : bool
        It has the form of ISO 6346 and its check digit fits.
    """

    compact: str
    is_valid: bool


def check_container_id(text: str) -> ContainerId:
    """Return a container number in compact form, and whether its check digit fits.

    Parameters
    ----------
    text : str
        The number as somebody wrote it.

    Returns
    -------
    ContainerId
        Compact form and validity.
    """
    return ContainerId(str(iso6346.compact(text)), has_valid_check_digit(text))


def compare_container_ids(read: str | None, declared: str | None) -> tuple[ReasonCode, ...]:
    """Return what speaks against taking two readings for one container.

    A check digit misses 1.6 % of single wrong digits and 2.0 % of swapped neighbours, so a number that
    fits is still compared with the declared one.

    Parameters
    ----------
    read : str or None
        The number that was read; None if there was none to read.
    declared : str or None
        The number on the manifest; None if nothing was declared.

    Returns
    -------
    tuple of ReasonCode
        Empty only if both are the same valid number.
    """
    found = []
    if read is None or declared is None:
        return (ReasonCode.ID_MISMATCH,)
    one, other = check_container_id(read), check_container_id(declared)
    if not (one.is_valid and other.is_valid):
        found.append(ReasonCode.ID_CHECKDIGIT)
    if one.compact != other.compact:
        found.append(ReasonCode.ID_MISMATCH)
    return tuple(found)
