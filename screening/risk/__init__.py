"""From findings and quality gates to risk flags: the only place that sets a level."""

from __future__ import annotations

from .assess import Provenance, assess, unread_flag
from .identity import has_valid_check_digit
from .levels import EXPLAINABLE, LEVEL_OF_CODE, MODE_CODES, NIEM_OF_CODE, level_of

__all__ = [
    "EXPLAINABLE",
    "LEVEL_OF_CODE",
    "MODE_CODES",
    "NIEM_OF_CODE",
    "Provenance",
    "assess",
    "has_valid_check_digit",
    "level_of",
    "unread_flag",
]
