"""What the rows of a bench have in common: tiers, references, units, and the words of a short form."""

from __future__ import annotations

from .gathered import Gathered
from .plan import KNOWN, ORACLE
from .registry import BUILT_IN

__all__ = ["REFERENCE", "UNITS", "note_of", "tier_of"]

#: Who the blind are measured against, and who the informed are.
REFERENCE = {"blind": "nmf", "informed": "nmf-templates"}

#: Unit of a track's activities, and how many MBq it is.
UNITS = {"street": ("MBq", 1.0), "portal": ("kBq", 1e-3)}

_NO_MEASURE = "short form: no measure"


def tier_of(known: Gathered, detector: str) -> str:
    """Return the tier of a detector.

    Parameters
    ----------
    known : Gathered
        The bench.
    detector : str
        Its name.

    Returns
    -------
    str
        "blind", "informed", "oracle", or "reference" for one who is told which source is there.
    """
    if detector in (KNOWN, ORACLE):
        return "oracle" if detector == ORACLE else "reference"
    if detector in BUILT_IN:
        return BUILT_IN[detector].tier
    return known.tiers.get(detector, "blind")


def note_of(known: Gathered, *texts: str) -> str:
    """Return the note of a figure.

    Parameters
    ----------
    known : Gathered
        The bench.
    *texts : str
        What is to be said; empty ones are left out.

    Returns
    -------
    str
        With a warning where the form is no measure.
    """
    parts = [*texts] if known.scale.is_measure else [_NO_MEASURE, *texts]
    return "; ".join(text for text in parts if text)
