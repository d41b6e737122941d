"""Whether a picture can be what it says it is: repeated readings, references, line numbers, pitch.

A picture can be well exposed and still not be a measurement of what passed: a detector whose readout hangs
repeats its last line, a reference detector fails, lines go missing without a word. Noise is what tells:
no two readings of the same live pixels agree bit for bit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from screening.records import ContainerBox, Gate, Radiograph, ReasonCode, decimal_string

__all__ = ["consistency_gates", "find_frozen"]

#: Rows that are judged together, share of equal readings at which whole lines or rows are frozen, and how
#: many readings such a judgement needs. With s_e of 3 counts two readings agree in 9 % of cases.
BLOCK_ROWS = 8
FROZEN_SHARE = 0.8
MIN_READINGS_LINE = 32
MIN_READINGS_ROW = 64

#: Largest share of frozen pixels.
MAX_FROZEN_FRACTION = 0.002

#: Share of pixels that agree bit for bit in two energies, above which one is a copy of the other.
MAX_EQUAL_ENERGIES = 0.5

#: Span of a working reference detector, over its median.
REFERENCE_SPAN = (0.5, 2.0)

#: Line periods that may pass between neighbouring lines.
MAX_LINE_PERIODS = 8.0

#: What a hull can measure at the centre plane: external lengths of containers of 20, 30, 40, 45, 48 and
#: 53 ft, m; how far off a pitch may be; heights of 2.4 to 2.9 m as a fan shows them, m.
HULL_LENGTHS_M = (6.058, 9.125, 12.192, 13.716, 14.630, 16.154)
LENGTH_TOLERANCE = 0.08
HULL_HEIGHT_M = (1.9, 4.6)


def find_frozen(raw: NDArray[np.uint16], *, saturation: int) -> NDArray[np.bool_]:
    """Return where readings repeat those of the line before, bit for bit.

    Zeros and saturated readings may repeat for good reasons and are not held against a line.

    Parameters
    ----------
    raw : ndarray of shape (n_row, n_column), uint16
        Raw counts.
    saturation : int
        Raw value at and above which a pixel is saturated.

    Returns
    -------
    ndarray of shape (n_row, n_column), bool
        Blocks of 8 rows, whole lines, and whole rows; the first of equal lines is a measurement.
    """
    n_row, n_column = raw.shape
    frozen = np.zeros((n_row, n_column), dtype=bool)
    if n_column < 2 or n_row < BLOCK_ROWS:
        return frozen
    later = raw[:, 1:]
    can_tell = (later > 0) & (later < saturation)
    equal = (later == raw[:, :-1]) & can_tell
    n_equal = equal.sum(axis=0, dtype=np.int64)
    n_told = can_tell.sum(axis=0, dtype=np.int64)
    starts = np.arange(0, n_row, BLOCK_ROWS)
    whole = np.add.reduceat(equal.astype(np.int8), starts, axis=0) == BLOCK_ROWS
    frozen[:, 1:] = np.repeat(whole, BLOCK_ROWS, axis=0)[:n_row]
    frozen[:, 1:] |= (n_told >= MIN_READINGS_LINE) & (n_equal >= FROZEN_SHARE * n_told)
    row_equal = equal.sum(axis=1, dtype=np.int64)
    row_told = can_tell.sum(axis=1, dtype=np.int64)
    is_row = (row_told >= MIN_READINGS_ROW) & (row_equal >= FROZEN_SHARE * row_told)
    frozen[is_row] = True
    return frozen


def consistency_gates(
    radiograph: Radiograph, boxes: tuple[ContainerBox, ...], *, max_lost_fraction: float
) -> tuple[Gate, ...]:
    """Apply the gates on what does not fit together.

    Parameters
    ----------
    radiograph : Radiograph
        The scan.
    boxes : tuple of ContainerBox
        Containers found.
    max_lost_fraction : float
        Largest share of lines without a working reference.

    Returns
    -------
    tuple of Gate
        Passed or not; what a scan does not bring is not judged here.
    """
    received = _received(radiograph)
    frozen = max(
        float(find_frozen(radiograph.plane(k), saturation=radiograph.saturation).mean())
        for k in range(len(radiograph.energies))
    )
    result = [_limit("frozen_pixels", frozen, MAX_FROZEN_FRACTION, ReasonCode.Q_DETECTOR_DEAD)]
    if len(radiograph.energies) > 1:
        share = _equal_energies(radiograph)
        result.append(_limit("equal_energies", share, MAX_EQUAL_ENERGIES, ReasonCode.Q_DETECTOR_DEAD))
    if radiograph.reference is not None:
        share = _without_reference(radiograph.reference, received)
        result.append(_limit("reference", share, max_lost_fraction, ReasonCode.Q_DETECTOR_DEAD))
    if radiograph.line_ids is not None:
        step = -1 if radiograph.motion == "reverse" else 1
        number = _unaccounted(radiograph.line_ids, received, step)
        result.append(_limit("line_ids", number, 0.0, ReasonCode.Q_LINES_LOST))
    if radiograph.line_time_s is not None:
        periods = _longest_pause(radiograph.line_time_s, received)
        result.append(_limit("line_times", periods, MAX_LINE_PERIODS, ReasonCode.Q_LINES_LOST))
    if radiograph.pitch_mm is not None:
        number = float(sum(box.complete and not _has_size(box, radiograph.pitch_mm) for box in boxes))
        result.append(_limit("hull_size", number, 0.0, ReasonCode.Q_COVERAGE))
    return tuple(result)


def _received(radiograph: Radiograph) -> NDArray[np.bool_]:
    """Return the columns that hold a line."""
    received = np.ones(radiograph.raw.shape[1], dtype=bool)
    if radiograph.is_lost is not None:
        received &= ~radiograph.is_lost.all(axis=1)
    for gap in radiograph.gaps:
        received[gap.index : gap.index + gap.n_missing] = False
    return received


def _equal_energies(radiograph: Radiograph) -> float:
    """Return the largest share of readings that two energies have in common."""
    worst = 0.0
    for k in range(1, len(radiograph.energies)):
        other = radiograph.plane(k)
        can_tell = (other > 0) & (other < radiograph.saturation)
        n_told = int(can_tell.sum())
        if n_told:
            for j in range(k):
                worst = max(worst, float((radiograph.plane(j) == other)[can_tell].sum()) / n_told)
    return worst


def _without_reference(reference: NDArray[np.float32], received: NDArray[np.bool_]) -> float:
    """Return the share of received lines whose reference, of any energy, cannot be right."""
    counts = reference[received]
    if not counts.size:
        return 1.0
    works = np.isfinite(counts) & (counts > 0)
    worst = 0.0
    for k in range(counts.shape[1]):
        usable = counts[works[:, k], k]
        if not usable.size:
            return 1.0
        relative = usable / np.median(usable)
        within = (relative >= REFERENCE_SPAN[0]) & (relative <= REFERENCE_SPAN[1])
        worst = max(worst, 1.0 - float(within.sum()) / counts.shape[0])
    return worst


def _unaccounted(line_ids: NDArray[np.int64], received: NDArray[np.bool_], step: int) -> float:
    """Return how many lines are missing, repeated or out of order, beyond those known to be lost."""
    columns = np.flatnonzero(received)
    # differences of floats cannot wrap round
    numbers = np.diff(line_ids[columns].astype(np.float64)) * step
    return float(np.abs(numbers - np.diff(columns)).sum())


def _longest_pause(times_s: NDArray[np.float64], received: NDArray[np.bool_]) -> float:
    """Return the longest time between neighbouring lines, in line periods; infinite if time runs back."""
    columns = np.flatnonzero(received & np.isfinite(times_s))
    if columns.size < 2:
        # without one pair of times there is nothing to hold against the line numbers
        return 0.0
    steps = np.diff(times_s[columns])
    lines = np.diff(columns)
    period = float(np.median(steps / lines))
    if period <= 0.0:
        # lines may share the time of their packet
        period = float(steps.sum()) / float(lines.sum())
    if period <= 0.0 or (steps < 0.0).any():
        return float("inf")
    return float((steps / period - (lines - 1)).max())


def _has_size(box: ContainerBox, pitch_mm: tuple[float, float]) -> bool:
    """Return whether a whole hull measures what a container can."""
    height = (box.row1 - box.row0) * pitch_mm[0] / 1000.0
    length = (box.col1 - box.col0) * pitch_mm[1] / 1000.0
    has_length = any(abs(length / usual - 1.0) <= LENGTH_TOLERANCE for usual in HULL_LENGTHS_M)
    return has_length and HULL_HEIGHT_M[0] <= height <= HULL_HEIGHT_M[1]


def _limit(name: str, value: float, limit: float, code: ReasonCode) -> Gate:
    is_known = bool(np.isfinite(value))
    return Gate(
        name=name,
        passed=is_known and value <= limit,
        value=decimal_string(value) if is_known else "none",
        limit=decimal_string(limit),
        code=code,
    )
