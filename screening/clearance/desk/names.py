"""Container numbers as the desk keys them."""

from __future__ import annotations

from functools import lru_cache

from screening.clearance.identity import check_container_id

__all__ = ["compact_number"]


@lru_cache(maxsize=65_536)
def compact_number(number: str) -> str:
    """Return a container number as records carry it; the same few are asked for again and again.

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
