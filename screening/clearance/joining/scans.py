"""Whose scans these are: the container's own, secondary ones, and those in doubt."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import combinations
from typing import NamedTuple

from screening.clearance.identity import are_two_people
from screening.records import IdentityRuling, Level, Remeasurement, RiskFlag, SecondaryInspection
from screening.risk import has_valid_check_digit, level_of

from .held import Held

__all__ = ["Scans", "containers_ruled", "sort_scans"]


class Scans(NamedTuple):
    """Flags by what they may be used for.

    Attributes
    ----------
    own : tuple of RiskFlag
        Of the container.
    secondary : tuple of RiskFlag
        Of secondary measurements and of those after destuffing.
    doubtful : tuple of RiskFlag
        May be of the container; nobody ruled, or officers disagree.
    rulings : tuple of IdentityRuling
        Those that gave a scan to the container.
    """

    own: tuple[RiskFlag, ...]
    secondary: tuple[RiskFlag, ...]
    doubtful: tuple[RiskFlag, ...]
    rulings: tuple[IdentityRuling, ...]


def sort_scans(container_id: str, held: Held) -> Scans:
    """Return a container's flags by what they may be used for.

    Parameters
    ----------
    container_id : str
        ISO 6346 number, compact.
    held : Held
        Everything held of it.

    Returns
    -------
    Scans
        The flags, in order.
    """
    ruled: dict[str, dict[str, set[str]]] = {}
    for ruling in held.of(IdentityRuling, trusted_only=True):
        ruled.setdefault(ruling.scan_id, {}).setdefault(ruling.container_id, set()).add(ruling.officer_ref)
    named = {flag_id for record in held.of(SecondaryInspection) for flag_id in record.flag_ids}
    named |= {flag_id for record in held.of(Remeasurement) for flag_id in record.flag_ids}
    own: list[RiskFlag] = []
    secondary: list[RiskFlag] = []
    doubtful: list[RiskFlag] = []
    for flag in held.of(RiskFlag):
        boxes = containers_ruled(flag, ruled.get(flag.scan_id, {}))
        if boxes and container_id not in boxes:
            continue
        number, is_named = flag.subject.container_id, flag.flag_id in named
        is_its = number == container_id and id(flag) not in held.apart
        if boxes == {container_id} or (not boxes and is_its) or (not boxes and is_named and number is None):
            (secondary if is_named else own).append(flag)
        else:
            doubtful.append(flag)
    rulings = tuple(
        ruling
        for ruling in held.of(IdentityRuling, trusted_only=True)
        if ruled[ruling.scan_id].keys() == {container_id}
    )
    return Scans(tuple(own), tuple(secondary), tuple(doubtful), rulings)


def containers_ruled(flag: RiskFlag, officers: Mapping[str, Collection[str]]) -> frozenset[str]:
    """Return the containers that a flag is of, by word of officers.

    One officer does not take an alarm away from the container whose number it was read with: until a
    second one agrees, it is in doubt on both.

    Parameters
    ----------
    flag : RiskFlag
        The flag.
    officers : mapping of str to collection of str
        By container, who ruled that the scan was of it.

    Returns
    -------
    frozenset of str
        One for a matter that is settled; several in doubt; empty if nobody ruled.
    """
    boxes = frozenset(officers)
    number = flag.subject.container_id
    if len(boxes) != 1 or number is None or number in boxes or not has_valid_check_digit(number):
        return boxes
    is_alarm = Level.HIGH in (flag.level, level_of(flag.reasons))
    (who,) = officers.values()
    agree = any(are_two_people(one, other) for one, other in combinations(who, 2))
    return boxes | {number} if is_alarm and not agree else boxes
