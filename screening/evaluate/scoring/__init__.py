"""From answers and truths to figures. Nothing is dropped: what has no answer is counted as such."""

from __future__ import annotations

from .parts import part_of
from .questions import Answered

__all__ = ["Answered", "part_of"]
