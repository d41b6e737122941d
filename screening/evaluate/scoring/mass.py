"""Cargo mass from pictures, against what was put in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from screening.evaluate.metrics.proportions import proportion
from screening.evaluate.metrics.time_to_alarm import median_interval
from screening.evaluate.record import Figure, Section, figure_of

from .questions import Answered, Told, share

__all__ = ["SECTION", "mass_figures"]

#: What counts as about right.
WITHIN = 0.2

SECTION = Section(
    id="mass",
    title="Cargo mass",
    text=(
        "Over loaded containers of known mass. Opaque places hide mass: there the answer is a bound from "
        "below, and counted as it stands.",
    ),
)


def mass_figures(name: str, answers: Sequence[Answered]) -> Told:
    """Return how well one detector weighs.

    Parameters
    ----------
    name : str
        The detector.
    answers : sequence of Answered
        Its answers.

    Returns
    -------
    Told
        Figures of the section "mass"; none for a detector that gives no mass.
    """
    known = [item for item in answers if item.sample.modality != "radiation" and item.sample.cargo_mass_kg]
    given = [item for item in known if item.answer.cargo_mass_kg is not None]
    if not given:
        return Told([], [])
    error = np.array([_relative(item) for item in given])
    parents = {item.sample.parent for item in given}
    is_independent = len(parents) == len(given)
    low, high = median_interval(error) if is_independent else (None, None)
    return Told(
        [
            share(
                known,
                lambda a: a.cargo_mass_kg is not None,
                section=SECTION.id,
                metric="mass: answered",
                detector=name,
                better="higher",
            ),
            figure_of(
                proportion([_is_right(item) for item in known], [item.sample.parent for item in known]),
                section=SECTION.id,
                metric=f"mass: within {WITHIN:.0%} of the truth",
                detector=name,
                better="higher",
                note="no answer is a miss",
            ),
            Figure(
                section=SECTION.id,
                metric="mass: median relative error",
                detector=name,
                value=float(np.median(error)),
                low=low,
                high=high,
                n=error.size,
                method="order statistics, exact" if is_independent else "none: pictures share parents",
                note="positive: too heavy",
            ),
        ],
        [],
    )


def _is_right(item: Answered) -> bool:
    return item.answer.cargo_mass_kg is not None and abs(_relative(item)) <= WITHIN


def _relative(item: Answered) -> float:
    return float(item.answer.cargo_mass_kg or 0.0) / float(item.sample.cargo_mass_kg or 1.0) - 1.0
