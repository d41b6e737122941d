"""The check digit of a container number (ISO 6346)."""

from __future__ import annotations

import re
from functools import lru_cache

from stdnum import iso6346

__all__ = ["has_valid_check_digit"]

_FORM = re.compile(r"[A-Z]{3}[UJZR][0-9]{7}", re.ASCII)


@lru_cache(maxsize=65_536)
def has_valid_check_digit(number: str) -> bool:
    """Tell whether a container number is of the form of ISO 6346 and its check digit fits.

    The check digit misses about 2 % of the errors people and cameras make: a fit is no proof that the
    number was read correctly.

    Parameters
    ----------
    number : str
        The number as read; spaces and case do not matter.

    Returns
    -------
    bool
        False for every other form, whatever its digits.
    """
    compact = iso6346.compact(number)
    # The library's own pattern takes any Unicode letter or digit, for which no check digit is defined.
    return _FORM.fullmatch(compact) is not None and bool(iso6346.is_valid(compact))
