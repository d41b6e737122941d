"""Container boxes: the outer hull of each container, found from its outline alone.

The outline works whatever is inside. The top rail gives the first solid row, the corner posts give
the ends, and the underside is where a container's end lines stop differing from the lines just beside
it: what carries the container runs on beyond its ends, the container does not.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from screening.records import ContainerBox

__all__ = ["find_containers", "pixel_pitch"]

#: -ln T above which a smoothed pixel is not air: half of the thinnest corrugated wall seen on real
#: scans, and eight sigma of air noise averaged over 25 pixels.
WALL_NEG_LOG = 0.02

#: Pitch for which the sizes below are given, mm; they are scaled to the picture's own.
NOMINAL_PITCH_MM = 9.1
NOMINAL_ROWS = 680

MIN_COLUMNS = 24
RUN_ROWS = 12

#: Columns from an end of the container: its corner post, what stands just outside, what is further in.
POST_PX = (2, 12)
BESIDE_PX = (3, 12)
WITHIN_PX = (26, 40)

#: Air that must be seen beyond an end for a container to be whole, pixels.
MARGIN_PX = 4

#: External lengths of ISO 668 containers, m.
LENGTHS_M = (12.192, 6.058, 13.716)


class _Outline(NamedTuple):
    solid: NDArray[np.bool_]
    neg_log: NDArray[np.float32]
    threshold: float
    scale: float

    def px(self, nominal: tuple[int, int]) -> tuple[int, int]:
        """Return a span of nominal pixels in this picture's."""
        first = max(round(nominal[0] * self.scale), 1)
        return first, max(round(nominal[1] * self.scale), first + 2)


def find_containers(
    neg_log: NDArray[np.float32], *, air_sigma: float, pitch_mm: tuple[float, float] | None = None
) -> tuple[ContainerBox, ...]:
    """Find every container in a picture.

    Parameters
    ----------
    neg_log : ndarray of shape (n_row, n_column), float32
        -ln T, unseen pixels filled from their neighbours.
    air_sigma : float
        Noise of one air pixel.
    pitch_mm : tuple of float, optional
        Pixel pitch (row, column); by the number of rows when omitted.

    Returns
    -------
    tuple of ContainerBox
        From left to right; empty if there is none.
    """
    n_row = neg_log.shape[0]
    scale = n_row / NOMINAL_ROWS if pitch_mm is None else NOMINAL_PITCH_MM / pitch_mm[1]
    scale = float(np.clip(scale, 0.1, 4.0))
    window = 5 if scale > 0.5 else 3
    limit = max(WALL_NEG_LOG, 8.0 * air_sigma / window)
    smooth = ndimage.uniform_filter(neg_log, window, mode="nearest")
    outline = _Outline(smooth > limit, neg_log, limit, scale)
    run_rows = max(round(RUN_ROWS * scale), 3)
    top = _first_solid_row(outline.solid, run_rows)
    is_tall = top < 0.75 * n_row
    if int(is_tall.sum()) < MIN_COLUMNS:
        return ()
    crown = float(np.percentile(top[is_tall], 10))
    candidates = top <= crown + 0.12 * n_row
    narrowest = max(round(8 * MIN_COLUMNS * scale), MIN_COLUMNS)
    boxes: list[ContainerBox] = []
    for start, stop in _runs(candidates, narrowest):
        boxes += _boxes(outline, start, stop, narrowest)
    return tuple(boxes)


def pixel_pitch(
    boxes: tuple[ContainerBox, ...], pitch_mm: tuple[float, float] | None
) -> tuple[tuple[float, float] | None, bool]:
    """Return the pixel pitch, from the scan or from a container's length.

    Parameters
    ----------
    boxes : tuple of ContainerBox
        Containers of the picture.
    pitch_mm : tuple of float or None
        Pitch (row, column) as given by the scan.

    Returns
    -------
    pitch_mm : tuple of float or None
        Pitch (row, column), mm; None without both.
    is_assumed : bool
        It rests on the length of a container.
    """
    if pitch_mm is not None and min(pitch_mm) > 0:
        return pitch_mm, False
    whole = [box for box in boxes if box.complete]
    if not whole:
        return None, True
    box = max(whole, key=lambda b: b.col1 - b.col0)
    aspect = (box.col1 - box.col0) / max(box.row1 - box.row0, 1)
    # seen in a diverging fan a container is about 3.2 m high at its centre plane
    length = min(LENGTHS_M, key=lambda value: abs(np.log(aspect / (value / 3.2))))
    pitch = 1000.0 * length / (box.col1 - box.col0)
    return (pitch, pitch), True


def _first_solid_row(solid: NDArray[np.bool_], run_rows: int) -> NDArray[np.int64]:
    """Return per column the first row that begins a run of solid rows; n_row where there is none."""
    n_row, n_column = solid.shape
    total = np.concatenate([np.zeros((1, n_column), np.int32), np.cumsum(solid, axis=0, dtype=np.int32)])
    if n_row <= run_rows:
        return np.full(n_column, n_row, dtype=np.int64)
    is_run = solid[: n_row - run_rows] & (total[run_rows:-1] - total[: n_row - run_rows] >= run_rows - 1)
    first: NDArray[np.int64] = np.where(is_run.any(axis=0), is_run.argmax(axis=0), n_row).astype(np.int64)
    return first


def _runs(flags: NDArray[np.bool_], minimum: int) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2) if b - a >= minimum]


def _boxes(outline: _Outline, start: int, stop: int, narrowest: int) -> list[ContainerBox]:
    """Return the containers in a run of tall columns: neighbours are told apart by the air between."""
    n_row = outline.neg_log.shape[0]
    inner = slice(start + (stop - start) // 8, stop - (stop - start) // 8)
    rows = np.median(outline.neg_log[:, inner], axis=1) > outline.threshold
    solid_rows = outline.solid[:, inner].mean(axis=1) > 0.9
    begins = np.flatnonzero(solid_rows[:-2] & solid_rows[1:-1] & solid_rows[2:])
    if not begins.size:
        return []
    row0 = int(begins[0])
    while row0 < n_row - 1 and not rows[row0]:
        row0 += 1
    last = row0
    while last < n_row and solid_rows[last]:
        last += 1
    if last - row0 < 0.25 * n_row:
        return []
    height = last - row0
    wall = slice(row0 + height // 6, row0 + height // 2)
    # the wall's own profile places the ends to a pixel; smoothing had spread them
    profile = np.median(outline.neg_log[wall, start:stop], axis=0)
    pieces = _runs(profile > outline.threshold, narrowest)
    return [_box(outline, row0, last, start + first, start + end) for first, end in pieces]


def _box(outline: _Outline, row0: int, last: int, col0: int, col1: int) -> ContainerBox:
    n_column = outline.neg_log.shape[1]
    has_start, has_end = col0 >= MARGIN_PX, col1 <= n_column - MARGIN_PX
    post, beside, within = (outline.px(span) for span in (POST_PX, BESIDE_PX, WITHIN_PX))
    lows = []
    if has_start:
        columns = (
            slice(col0 + post[0], col0 + post[1]),
            slice(max(col0 - beside[1], 0), max(col0 - beside[0], 1)),
            slice(col0 + within[0], col0 + within[1]),
        )
        lows.append(_underside(outline, (row0, last), *columns))
    if has_end:
        columns = (
            slice(col1 - post[1], col1 - post[0]),
            slice(min(col1 + beside[0], n_column - 1), col1 + beside[1]),
            slice(col1 - within[1], col1 - within[0]),
        )
        lows.append(_underside(outline, (row0, last), *columns))
    found = [low for low in lows if low is not None]
    row1 = min(found) if found else last
    return ContainerBox(row0=row0, col0=col0, row1=row1, col1=col1, complete=has_start and has_end)


def _underside(
    outline: _Outline, span: tuple[int, int], post: slice, beside: slice, within: slice
) -> int | None:
    """Return the row where a container's end post stops.

    Below it the post's columns look like those beside the container, where its carrier runs on; where
    the carrier ends flush, they look like those further in.
    """
    row0, last = span
    end = np.median(outline.neg_log[:, post], axis=1)
    outside = end - np.median(outline.neg_log[:, beside], axis=1)
    # a carrier that ends just past the container differs too, but by less than a corner post does
    upper = slice(row0 + (last - row0) // 6, row0 + (last - row0) // 2)
    limit = max(0.08, 0.35 * float(np.median(outside[upper])))
    width = 5 if outline.scale > 0.5 else 3
    differs = ndimage.median_filter((outside > limit).astype(np.uint8), width).astype(bool)
    start = row0 + (last - row0) // 3
    found = []
    below = np.flatnonzero(differs[start:last])
    if below.size:
        found.append(start + int(below[-1]) + 1)
    inside = ndimage.median_filter(end - np.median(outline.neg_log[:, within], axis=1), width)
    start = last - (last - row0) // 4
    alike = np.abs(inside[start:last]) < 0.08
    if alike[-1] and not alike.all():
        found.append(last - int(np.argmin(alike[::-1])))
    return min(found) if found else None
