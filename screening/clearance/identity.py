"""Container numbers: ISO 6346, and what two readings of one number say together."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import NamedTuple

from stdnum import iso6346

from screening.records import Evidence, ReasonCode, RiskFlag, Subject, container_of
from screening.risk import has_valid_check_digit

__all__ = [
    "SCAN_KEY",
    "ContainerId",
    "are_two_people",
    "case_key",
    "check_container_id",
    "compare_container_ids",
    "is_read_surely",
    "near_numbers",
    "numbers_near",
]

#: What the key of a scan that is kept apart begins with; no container number has a colon.
SCAN_KEY = "scan:"

_STATED = ("MANUAL", "MANIFEST")
_TAGS = ("RFID", "DEVICE")
_CHARACTERS = string.ascii_uppercase + string.digits


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


@lru_cache(maxsize=65_536)
def check_container_id(text: str) -> ContainerId:
    """Return a container number in compact form, and whether its check digit fits.

    The same few are asked for again and again.

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


def case_key(
    record: Evidence,
    *,
    declared: Callable[[str], bool] | None = None,
    min_ocr_confidence: str | None = None,
) -> str:
    """Return the case that a record joins.

    Parameters
    ----------
    record : Evidence
        The record.
    declared : callable or None
        Whether a number is on the manifest; None where there is no manifest. A number that was read and
        is not on it is kept apart: the check digit misses one error in fifty.
    min_ocr_confidence : str or None
        The policy's least confidence of a reading, decimal string.

    Returns
    -------
    str
        The container number, compact; ``scan:<scan_id>`` for a flag whose number is missing, invalid,
        read with too little confidence, or read and not declared. Every flag of a scan shares that key.
    """
    number = container_of(record)
    if not isinstance(record, RiskFlag):
        return check_container_id(number or "").compact
    subject = record.subject
    read = None if number is None else check_container_id(number)
    is_sure = (
        read is not None
        and read.is_valid
        and subject.check_digit_ok is not False
        and is_read_surely(subject, min_ocr_confidence)
    )
    if read is None or not is_sure:
        return SCAN_KEY + record.scan_id
    # A number that somebody typed, or that came with the manifest, was not read off the box.
    is_stated = subject.id_source in _STATED
    if declared is not None and not is_stated and not declared(read.compact):
        return SCAN_KEY + record.scan_id
    return read.compact


def is_read_surely(subject: Subject, min_ocr_confidence: str | None) -> bool:
    """Tell whether a number was read with the confidence that the policy asks for.

    Parameters
    ----------
    subject : Subject
        The container as a flag names it.
    min_ocr_confidence : str or None
        Least confidence, decimal string; None: not asked for.

    Returns
    -------
    bool
        True for a number that no camera read. False where a confidence is asked for and none is stated.
    """
    if min_ocr_confidence is None or subject.id_source in _STATED or subject.id_source in _TAGS:
        return True
    try:
        stated, least = Decimal(subject.ocr_confidence or "nan"), Decimal(min_ocr_confidence)
        return stated.is_finite() and stated >= least
    except InvalidOperation:
        return False


def near_numbers(read: str, declared: Iterable[str]) -> tuple[str, ...]:
    """Return the declared containers that a doubtful reading may be of.

    Parameters
    ----------
    read : str
        The number as read.
    declared : iterable of str
        Declared numbers, compact.

    Returns
    -------
    tuple of str
        Those that are the reading, or one wrong character or one swap of neighbours away from it, in
        order. A reading that lacks a character is near to none: only an officer can place it.
    """
    near = numbers_near(read)
    return tuple(sorted({number for number in declared if number in near}))


def are_two_people(one: str | None, other: str | None) -> bool:
    """Tell whether two pseudonyms are of two people: a blank is nobody, and case and spaces are no other.

    Parameters
    ----------
    one, other : str or None
        Pseudonyms of officers.

    Returns
    -------
    bool
        Whether they are.
    """
    first, second = ("".join((name or "").split()).casefold() for name in (one, other))
    return bool(first) and bool(second) and first != second


def numbers_near(read: str) -> frozenset[str]:
    """Return all numbers that a doubtful reading may be of, declared or not.

    Parameters
    ----------
    read : str
        The number as read.

    Returns
    -------
    frozenset of str
        Compact: the reading, and whatever is one wrong character or one swap of neighbours away from it.
    """
    compact = check_container_id(read).compact
    near = {compact}
    for i in range(len(compact)):
        start, rest = compact[:i], compact[i + 1 :]
        near.update([start + character + rest for character in _CHARACTERS])
        near.add(start + compact[i : i + 2][::-1] + compact[i + 2 :])
    return frozenset(near)
