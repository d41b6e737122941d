"""Container numbers as the desk keys them."""

from __future__ import annotations

from screening.clearance.identity import check_container_id

__all__ = ["compact_number"]


def compact_number(number: str) -> str:
    """Return a container number as records carry it.

    Parameters
    ----------
    number : str
        The number as somebody wrote it.

    Returns
    -------
    str
        Upper case, without spaces.
    """
    return check_container_id(number).compact
