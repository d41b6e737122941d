"""Section "cost-pictures": how long a detector takes for a picture."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from screening.evaluate.record import Figure, Part, Section

from .empty_scenes import EmptyRow
from .rows import PictureRow

__all__ = ["SECTION", "cost_part"]

SECTION = "cost-pictures"


def cost_part(pictures: Iterable[PictureRow], empties: Iterable[EmptyRow]) -> Part:
    """Return the section.

    Parameters
    ----------
    pictures : iterable of PictureRow
        Pictures of the threats.
    empties : iterable of EmptyRow
        Empties and loads.

    Returns
    -------
    Part
        Median and 95th percentile, milliseconds, by detector. Nothing here is better or worse: it depends on
        what else the machine did.
    """
    times: dict[str, list[float]] = {}
    per_mpx: dict[str, list[float]] = {}
    for row in pictures:
        for answer in row.answers:
            if answer.serves:
                times.setdefault(answer.detector, []).append(answer.ms)
                per_mpx.setdefault(answer.detector, []).append(answer.ms / max(row.n_mpx, 1e-6))
    for one in empties:
        for answer in (*one.answers, *(a for hidden in one.hidden for a in hidden.answers)):
            if answer.serves:
                times.setdefault(answer.detector, []).append(answer.ms)
    if not times:
        return Part()
    figures = []
    for name, values in sorted(times.items()):
        figures += [
            Figure(
                section=SECTION,
                metric=f"time for a picture, {text}",
                detector=name,
                value=float(np.quantile(values, q)),
                n=len(values),
                unit="ms",
                method="none: of this machine at this hour",
            )
            for text, q in (("median", 0.5), ("95th percentile", 0.95))
        ]
        if name in per_mpx:
            figures.append(
                Figure(
                    section=SECTION,
                    metric="time for a million pixels, median",
                    detector=name,
                    value=float(np.median(per_mpx[name])),
                    n=len(per_mpx[name]),
                    unit="ms",
                    method="none: of this machine at this hour",
                    note="thumbnails: what a picture costs whatever its size weighs more than at full size",
                )
            )
    return Part(
        sections=(
            Section(
                id=SECTION,
                title="What an answer costs",
                text=(
                    "Wall time of one answer to one picture in one process, the first of a process included.",
                ),
                data="The thumbnails of the other sections; all processes of the run shared the machine.",
            ),
        ),
        figures=tuple(figures),
    )
