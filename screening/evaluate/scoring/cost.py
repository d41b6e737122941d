"""What an answer costs: time and memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from screening.evaluate.answers import StoredAnswer
from screening.evaluate.record import Figure, Section

from .questions import Told

__all__ = ["SECTION", "cost_figures"]

SECTION = Section(
    id="cost",
    title="Time and memory",
    text=(
        "Wall time of an answer, without reading the scan, on the machine the provenance names; scans that "
        "could not be read or cost their process are left out. Memory is the largest resident size of a "
        "process that held one detector, with the interpreter, its libraries and the scan; there is none "
        "where detectors shared a process. These figures change from run to run and are no part of a "
        "comparison with a baseline.",
    ),
)


def cost_figures(name: str, rows: Sequence[StoredAnswer]) -> Told:
    """Return the cost of one detector.

    Parameters
    ----------
    name : str
        The detector.
    rows : sequence of StoredAnswer
        Its answers.

    Returns
    -------
    Told
        Figures of the section "cost", by modality.
    """
    figures: list[Figure] = []
    for modality in ("radiation", "radiograph"):
        own = [
            row
            for row in rows
            if row.sample.modality == modality and row.answer is not None and row.elapsed_s
        ]
        if not own:
            continue
        times_ms = np.array([row.elapsed_s for row in own], dtype=np.float64) * 1e3
        figures.extend(
            Figure(
                section=SECTION.id,
                metric=f"time per scan, {title}",
                detector=name,
                stratum=modality,
                value=round(float(np.quantile(times_ms, at)), 3),
                n=times_ms.size,
                unit="ms",
                method="quantile",
            )
            for title, at in (("median", 0.5), ("95 %", 0.95))
        )
        peaks = [row.peak_bytes for row in own if row.peak_bytes is not None]
        if peaks:
            figures.append(
                Figure(
                    section=SECTION.id,
                    metric="peak memory",
                    detector=name,
                    stratum=modality,
                    value=round(max(peaks) / 1e6, 1),
                    n=len(peaks),
                    unit="MB",
                    method="largest",
                )
            )
    return Told(figures, [])
