"""Empties that alarmed and ordinary loads that were missed, as small pictures."""

from __future__ import annotations

import msgspec

from screening.evaluate.record import Exhibit, PictureView

from .asking import SECTION, Asked
from .empty_scenes import KEYS, EmptyRow
from .exhibits import rendering
from .pictures import empty_recipe, load_recipe, take_picture

__all__ = ["empty_exhibits"]


def empty_exhibits(
    asked: list[Asked], test: list[EmptyRow], loads: list[EmptyRow], *, seed: int, n_each: int
) -> list[Exhibit]:
    """Return failures of every detector.

    Parameters
    ----------
    asked : list of Asked
        Detectors with their calls.
    test, loads : list of EmptyRow
        Empties and ordinary loads.
    seed : int
        Of the bench: pictures are made again.
    n_each : int
        Most of each kind for a detector.

    Returns
    -------
    list of Exhibit
        The first of each kind in the order of the samples.
    """
    found = []
    for one in asked:
        alarmed = [row for row in test if one.call(row.answers) is True][:n_each]
        missed = [row for row in loads if one.call(row.answers) is not True][:n_each]
        found += [_exhibit(one, row, "an empty container alarms", seed) for row in alarmed]
        found += [_exhibit(one, row, "an ordinary load is not found", seed) for row in missed]
    return found


def _exhibit(one: Asked, row: EmptyRow, title: str, seed: int) -> Exhibit:
    index = int(row.sample.rpartition("-")[2])
    if row.is_loaded:
        recipe = msgspec.structs.replace(load_recipe(seed, KEYS["loads"], index), declared_empty=True)
    else:
        recipe = empty_recipe(seed, KEYS["test"], index)[1]
    answer = one.answer(row.answers)
    said = ", ".join((answer.level or "nothing", *answer.codes)) if answer is not None else "nothing"
    score = "none" if answer is None or answer.load_score is None else f"{answer.load_score:.3g}"
    what = f"cargo {row.cargo}" if row.is_loaded else "residue of the last load" * row.has_residue or "swept"
    return Exhibit(
        section=SECTION,
        detector=one.name,
        sample=row.sample,
        title=title,
        text=f"{row.geometry}, scanner {row.scanner}, {what}. The detector said {said}; score {score}.",
        picture=PictureView(png=rendering(take_picture(recipe).scan)[0]),
    )
