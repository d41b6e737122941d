"""Colours, dashes and marks that stay apart for the colour-blind and on a black and white print."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["BOX_PENS", "GRID", "INK", "MUTED", "Pen", "pens"]

INK = "#1b2733"
MUTED = "#566573"
GRID = "#dde4e9"

#: Okabe and Ito's colours ("Color Universal Design", 2008) without the yellow that vanishes on white,
#: and darkened to at least 3 to 1 against it (WCAG 2.2, 1.4.11).
COLOURS = ("#0067a5", "#c44601", "#00795a", "#a8457f", "#8a6100", "#2f7fb8", "#1b2733")
DASHES = ("", "7 3", "2 2.5", "9 3 2 3", "4 2", "10 3 2 2 2 3", "1.5 3.5")
MARKS = ("circle", "square", "triangle", "diamond", "down", "plus", "cross")


class Pen(NamedTuple):
    """How a line is drawn.

    Attributes
    ----------
    colour, dash : str
        Stroke, and the lengths of its dashes; empty for a full line.
    mark : str
        Shape of its marks; empty for a line without.
    """

    colour: str
    dash: str
    mark: str


#: How the boxes of a picture are drawn, by kind.
BOX_PENS = {
    "truth": Pen("#ffffff", "", ""),
    "hit": Pen("#35c08e", "", ""),
    "false alarm": Pen("#ff8a3d", "6 3", ""),
    "missed": Pen("#ff5db1", "2 2.5", ""),
    "ignored": Pen("#b8c2ca", "1.5 4", ""),
}


def pens(names: Iterable[str]) -> dict[str, Pen]:
    """Return a pen for each name, no two alike within 49.

    Parameters
    ----------
    names : iterable of str
        Of all lines of a page: one name keeps its pen from curve to curve.

    Returns
    -------
    dict of str to Pen
        By name.
    """
    found: dict[str, Pen] = {}
    for name in names:
        if name not in found:
            turn, i = divmod(len(found), len(COLOURS))
            j = (i + turn) % len(DASHES)
            found[name] = Pen(COLOURS[i], DASHES[j], MARKS[j])
    return found
