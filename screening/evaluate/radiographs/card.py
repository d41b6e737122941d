"""Section "card-empties": what the card of the loaded-or-empty model prints, measured again."""

from __future__ import annotations

from collections.abc import Callable

from screening.classifiers import ModelCard
from screening.evaluate.metrics.proportions import proportion
from screening.evaluate.record import Figure, LeftOut, Part, Section, figure_of

from .card_scenes import HIDDEN_KG, MATERIALS, N_EMPTY, N_FULL, N_LOADED, CardRow

__all__ = ["SECTION", "card_part"]

SECTION = "card-empties"

#: Printed figures are rounded to five places.
ROUNDING = 6e-6

DETECTOR = "model empties"


def card_part(rows: list[CardRow], card: ModelCard, *, is_whole: bool) -> Part:
    """Return the section.

    Parameters
    ----------
    rows : list of CardRow
        Scores of the split, in the order it was drawn.
    card : ModelCard
        Of the shipped model.
    is_whole : bool
        The whole split was drawn; else nothing is held against the card.

    Returns
    -------
    Part
        Every figure of the card beside what is measured; those that differ or are not made here are named.
    """
    if not rows:
        return Part()
    measured = _measured(rows, card)
    figures, left = [], []
    n_same = 0
    for printed in card.performance:
        hits = measured.pop(printed.metric, None)
        if hits is None:
            left.append(
                LeftOut(
                    kind="not made",
                    where=f"card {card.name}",
                    text=f"{printed.metric}: no part of the split answers this",
                    is_error=is_whole,
                )
            )
            continue
        found = proportion(hits)
        agrees = (
            found.value is not None and abs(found.value - printed.value) < ROUNDING and found.n == printed.n
        )
        n_same += agrees
        note = f"card: {printed.value:g} ({printed.low:g} to {printed.high:g}), n = {printed.n}"
        if is_whole:
            note = f"as printed; {note}" if agrees else f"NOT as printed; {note}"
        if is_whole and not agrees:
            text = f"{printed.metric}: {found.value} of {found.n}, printed {printed.value} of {printed.n}"
            left.append(LeftOut(kind="not as printed", where=f"card {card.name}", text=text, is_error=False))
        figures.append(
            figure_of(
                found,
                section=SECTION,
                metric=printed.metric,
                detector=DETECTOR,
                better="lower" if "false alarm" in printed.metric else "higher",
                note=note,
            )
        )
    if is_whole and card.performance:
        figures.append(
            Figure(
                section=SECTION,
                metric="figures of the card that come out as printed",
                detector=DETECTOR,
                value=n_same / len(card.performance),
                k=n_same,
                n=len(card.performance),
                method="none: a count",
                better="higher",
                is_headline=True,
            )
        )
    section = Section(
        id=SECTION,
        title="What the card of the loaded-or-empty model says",
        text=(
            "The test split of the training is drawn again, with its recipe and seeds, and scored by "
            "the model as it "
            "is shipped. Maps come from the simulator with hulls given to a pixel or two, and not from "
            "the whole "
            "analysis: how often the analysis finds a hull and lets emptiness be said stands in the "
            "section before.",
        ),
        data=(
            f"Simulated: {card.training.recipe}, test split: {N_EMPTY} empties and {N_LOADED} loads at "
            "least, hidden "
            f"loads of {len(HIDDEN_KG)} masses of {', '.join(MATERIALS)}, {sum(N_FULL.values())} "
            "full-size pictures" + ("." if is_whole else "; only the beginning of each part was drawn.")
        ),
    )
    return Part(
        sections=(section,),
        figures=tuple(figures),
        left_out=tuple(left),
        data={f"model {card.name}": card.sha256},
    )


def _measured(rows: list[CardRow], card: ModelCard) -> dict[str, list[bool]]:
    """Return the outcomes behind each metric of the card."""
    limits = (float(card.thresholds["loaded"]), float(card.thresholds["excess_g_cm2"]))

    def _alarms(row: CardRow) -> list[bool]:
        return [a >= limits[0] or b >= limits[1] for a, b in zip(row.loaded, row.excess, strict=True)]

    def _explicit(row: CardRow) -> list[bool]:
        return [excess >= limits[1] for excess in row.excess]

    def _hits(part: str, is_loaded: bool, of: Callable[[CardRow], list[bool]] = _alarms,
              is_in: Callable[[CardRow], bool] = lambda _row: True) -> list[bool]:  # fmt: skip
        chosen = sorted(
            (row for row in rows if row.part == part and row.is_loaded == is_loaded and is_in(row)),
            key=lambda row: row.index,
        )
        return [hit for row in chosen for hit in of(row)]

    unseen = ("portal", "flat-rack")
    empties = "false alarm rate on empties"
    loads = "detection of ordinary loads"
    strata: dict[str, Callable[[CardRow], bool]] = {
        "families and types of training": lambda r: r.family != unseen[0] and r.container != unseen[1],
        "portal family, never seen": lambda r: r.family == unseen[0],
        "flat-rack containers, never seen": lambda r: r.container == unseen[1],
        "standard containers": lambda r: r.container == "standard",
        "reefers": lambda r: r.container == "reefer",
        "open tops": lambda r: r.container == "open-top",
        "swept clean": lambda r: not r.has_residue,
        "residue of the last load on the floor": lambda r: r.has_residue,
    }
    found = {
        empties: _hits("test", False),
        loads: _hits("test", True),
        f"{empties}, explicit score alone": _hits("test", False, _explicit),
        f"{loads}, explicit score alone": _hits("test", True, _explicit),
        f"{empties}, full size": _hits("full", False),
        f"{loads}, full size": _hits("full", True),
    }
    found |= {f"{empties}, {name}": _hits("test", False, is_in=is_in) for name, is_in in strata.items()}
    for row in rows:
        if row.part == "hidden":
            name = f"detection of {row.mass_kg:g} kg of {row.material} hidden in an empty"
            found.setdefault(name, []).extend(_alarms(row))
    return {name: hits for name, hits in found.items() if hits}
