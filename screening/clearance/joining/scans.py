"""Whose scans these are: the container's own, secondary ones, and those in doubt."""

from __future__ import annotations

from typing import NamedTuple

from screening.records import IdentityRuling, Remeasurement, RiskFlag, SecondaryInspection

from .held import Held

__all__ = ["Scans", "sort_scans"]


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
    ruled: dict[str, set[str]] = {}
    for ruling in held.of(IdentityRuling, trusted_only=True):
        ruled.setdefault(ruling.scan_id, set()).add(ruling.container_id)
    named = {flag_id for record in held.of(SecondaryInspection) for flag_id in record.flag_ids}
    named |= {flag_id for record in held.of(Remeasurement) for flag_id in record.flag_ids}
    own: list[RiskFlag] = []
    secondary: list[RiskFlag] = []
    doubtful: list[RiskFlag] = []
    for flag in held.of(RiskFlag):
        boxes = ruled.get(flag.scan_id, set())
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
        if ruled[ruling.scan_id] == {container_id}
    )
    return Scans(tuple(own), tuple(secondary), tuple(doubtful), rulings)
