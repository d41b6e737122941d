"""Pictures for a notebook that hold their numbers: made from arrays, from a report, or from a sample.

Each display is made by one of its ``from_...`` functions, keeps what it shows as attributes, draws with
``plot(ax=None)``, and then has ``ax_`` and ``figure_``. matplotlib (extra ``report``) loads with the
first drawing.
"""

from __future__ import annotations

from .answers import ConfusionDisplay, ReliabilityDisplay
from .curves import CurveDisplay, DetDisplay, DetectionCurveDisplay, FrocDisplay, RocDisplay
from .samples import PictureDisplay, SpectrumDisplay

__all__ = [
    "ConfusionDisplay",
    "CurveDisplay",
    "DetDisplay",
    "DetectionCurveDisplay",
    "FrocDisplay",
    "PictureDisplay",
    "ReliabilityDisplay",
    "RocDisplay",
    "SpectrumDisplay",
]
