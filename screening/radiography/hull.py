"""Container boxes: the outer hull of each container, found from its outline alone.

The outline works whatever is inside. The top rail gives the first solid row, the walls give the ends,
and the underside is where a container's end lines stop differing from the lines just beside it: what
carries the container runs on beyond its ends, the container does not.

A fan that is not square to the motion sees the near and the far wall shifted along the picture. The
hull holds both. The wall seen highest stands alone in the topmost rows: there neighbours are told
apart whose hulls overlap below, and how far the ends of the two walls lie apart can be read.
"""

from __future__ import annotations

import itertools
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

#: A fan up to 0.2 off the square shifts walls 2.438 m apart by this along the motion, m. What reaches
#: further beyond an end is carrier.
MAX_SHIFT_M = 0.5
SHIFT_PX = 54

#: Rows under the crown, nominal pixels, that show the top of the wall seen highest.
CROWN_PX = 6

#: Share of its length along which a container shows its top rail. Two walls shifted by half a metre leave
#: 0.92 of 20 ft.
MIN_RAIL_SHARE = 0.8

#: What is narrower than this and stands beside a container is a tractor's cab; the least container is of
#: 2.99 m. Widths and heights are known where the pitch is, m.
CAB_WIDTH_M, CONTAINER_WIDTH_M = 2.7, 5.5

#: Heights a hull may have at the centre plane, m: a box of 2.591 m from 9 m or nearer, which magnifies
#: its near side by 1.14 or more, and one of 2.896 m from 3.5 m, its source above it.
HULL_HEIGHT_M = (2.95, 4.5)

#: Heights (shares of the least hull, from its top) where a carrier that stands beside the container
#: has it in a well: the underside is behind it, and is not seen.
WELL_ROWS = (0.75, 0.95)
WELL_NEG_LOG = 0.15

#: External lengths of ISO 668 containers, m.
LENGTHS_M = (12.192, 6.058, 13.716)


class _Outline(NamedTuple):
    solid: NDArray[np.bool_]
    neg_log: NDArray[np.float32]
    threshold: float
    scale: float
    pitch_m: tuple[float, float] | None

    def px(self, nominal: tuple[int, int]) -> tuple[int, int]:
        """Return a span of nominal pixels in this picture's."""
        first = max(round(nominal[0] * self.scale), 1)
        return first, max(round(nominal[1] * self.scale), first + 2)


class _Span(NamedTuple):
    """Columns of one container: both walls, and how far apart their ends are."""

    col0: int
    col1: int
    before: int
    after: int
    has_rail: bool = True

    @property
    def shift(self) -> int:
        """How far the ends of its two walls lie apart."""
        return max(self.before, self.after)


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
    pitch_m = None if pitch_mm is None else (pitch_mm[0] / 1000.0, pitch_mm[1] / 1000.0)
    outline = _Outline(smooth > limit, neg_log, limit, scale, pitch_m)
    run_rows = max(round(RUN_ROWS * scale), 3)
    top = _first_solid_row(outline.solid, run_rows)
    is_tall = top < 0.75 * n_row
    if int(is_tall.sum()) < MIN_COLUMNS:
        return ()
    crown = float(np.percentile(top[is_tall], 10))
    candidates = top <= crown + 0.12 * n_row
    narrowest = max(round(8 * MIN_COLUMNS * scale), MIN_COLUMNS)
    found: list[tuple[int, int, _Span]] = []
    for start, stop in _runs(candidates, narrowest):
        found += _found_between(outline, start, stop, narrowest)
    spans = _with_common_shift([span for _, _, span in found], outline)
    boxes = [_box(outline, row0, last, span) for (row0, last, _), span in zip(found, spans, strict=True)]
    return tuple(_without_cabs(boxes, outline))


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


def _found_between(outline: _Outline, start: int, stop: int, narrowest: int) -> list[tuple[int, int, _Span]]:
    """Return first and last solid row and the columns of each container in a run of tall columns."""
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
    return [(row0, last, span) for span in _spans(outline, (row0, last), (start, stop), narrowest)]


def _spans(outline: _Outline, rows: tuple[int, int], columns: tuple[int, int], narrowest: int) -> list[_Span]:
    """Return the columns of each container between two columns."""
    row0, last = rows
    start, stop = columns
    height = last - row0
    # the wall's own profile places the ends to a pixel; smoothing had spread them
    wall = slice(row0 + height // 6, row0 + height // 2)
    profile = np.median(outline.neg_log[wall, start:stop], axis=0) > outline.threshold
    # the wall that is not the highest begins lower: its ends show further down, a carrier's reach beyond
    reach = outline.px((SHIFT_PX, SHIFT_PX))[0]
    if outline.pitch_m is not None:
        reach = max(round(MAX_SHIFT_M / outline.pitch_m[1]), 1)
    lower = slice(row0 + int(0.36 * height), row0 + int(0.5 * height))
    from_column = max(start - 2 * reach, 0)
    beyond = outline.neg_log[lower, from_column : stop + 2 * reach]
    is_wall = np.median(beyond, axis=0) > outline.threshold
    crown = _crown(outline, row0, columns)
    found: list[_Span] = []
    for first, end in _runs(profile, narrowest):
        rails = [
            (max(a, first), min(b, end))
            for a, b in _runs(crown, narrowest)
            if a < end - narrowest // 2 and b > first + narrowest // 2
        ] or [(first, end)]
        # what has no straight top along its length is a load on a platform: its outline is not the hull
        has_rail = float(crown[first:end].mean()) > MIN_RAIL_SHARE
        # boxes on one carrier stand closer than this; a wider gap is one box whose rail is not seen
        if any(b[0] - a[1] > reach for a, b in itertools.pairwise(rails)):
            rails = [(rails[0][0], rails[-1][1])]
        offset = start - from_column
        before = first - _outermost(is_wall, first + offset, -1, reach) + offset
        after = _outermost(is_wall, end - 1 + offset, 1, reach) + 1 - offset - end
        first, end = first - before, end + after
        before = min(max(rails[0][0] - first, 0), reach)
        after = min(max(end - rails[-1][1], 0), reach)
        for k, (a, b) in enumerate(rails):
            col0 = first if k == 0 else a - before
            col1 = end if k == len(rails) - 1 else b + after
            found.append(_Span(start + col0, start + col1, before, after, has_rail))
    return found


def _with_common_shift(spans: list[_Span], outline: _Outline) -> list[_Span]:
    """Move ends out that a neighbour hides, by what the other ends show: all walls are shifted alike."""
    before = max((span.before for span in spans), default=0)
    after = max((span.after for span in spans), default=0)
    close = 2 * outline.px((SHIFT_PX, SHIFT_PX))[0]
    moved = []
    for k, span in enumerate(spans):
        col0, col1 = span.col0, span.col1
        if k > 0 and before > after and span.col0 - spans[k - 1].col1 < close:
            col0 -= before - span.before
        if k < len(spans) - 1 and after > before and spans[k + 1].col0 - span.col1 < close:
            col1 += after - span.after
        moved.append(_Span(col0, col1, before, after, span.has_rail))
    return moved


def _outermost(is_wall: NDArray[np.bool_], column: int, step: int, reach: int) -> int:
    """Return the last column of the wall from a column on; the column itself if it goes on past reach."""
    at = column
    while 0 <= at + step < is_wall.size and is_wall[at + step]:
        at += step
        if abs(at - column) > reach:
            return column
    return at


def _crown(outline: _Outline, row0: int, columns: tuple[int, int]) -> NDArray[np.bool_]:
    """Return where the topmost rows show a container: a rail along its whole length."""
    depth = max(round(CROWN_PX * outline.scale), 3)
    rows = outline.neg_log[row0 + 1 : row0 + 1 + depth, slice(*columns)]
    profile = rows.mean(axis=0)
    is_rail: NDArray[np.bool_] = profile > max(outline.threshold, 0.3 * float(np.median(profile)))
    # lines that are brighter by chance do not part a rail
    closed: NDArray[np.bool_] = ndimage.binary_closing(is_rail, np.ones(3, dtype=bool)) | is_rail
    return closed


def _without_cabs(boxes: list[ContainerBox], outline: _Outline) -> list[ContainerBox]:
    """Leave out what is as narrow as a cab and whole in the picture, beside a container."""
    if outline.pitch_m is None:
        return boxes
    widths = [(box.col1 - box.col0) * outline.pitch_m[1] for box in boxes]
    if not any(width > CONTAINER_WIDTH_M for width in widths):
        return boxes
    return [box for box, width in zip(boxes, widths, strict=True) if width > CAB_WIDTH_M or not box.complete]


def _box(outline: _Outline, row0: int, last: int, span: _Span) -> ContainerBox:
    n_row, n_column = outline.neg_log.shape
    has_start, has_end = span.col0 >= MARGIN_PX, span.col1 <= n_column - MARGIN_PX
    row1 = last
    rows = [_wall_underside(outline, (row0, last), span, (has_start, has_end), wall) for wall in (0, 1)]
    found = [row for row in rows if row is not None]
    if found:
        # the wall that reaches lower counts: what stands behind its rows is inside
        row1 = max(found)
    is_whole = has_start and has_end and span.has_rail
    if outline.pitch_m is not None:
        least, most = (row0 + round(height / outline.pitch_m[0]) for height in HULL_HEIGHT_M)
        # no box is so low: the pitch is not this picture's
        is_whole &= last >= least
        row1 = min(max(row1, least), max(most, least), n_row)
    return ContainerBox(row0=row0, col0=span.col0, row1=row1, col1=span.col1, complete=is_whole)


def _wall_underside(
    outline: _Outline, rows: tuple[int, int], span: _Span, has: tuple[bool, bool], wall: int
) -> int | None:
    """Return the row where the end posts of one wall stop: the higher end, as a carrier may end flush.

    Of the two walls one ends where the hull does on the left and `shift` before it on the right, the
    other the other way round.
    """
    if wall == 1 and span.shift <= 1:
        return None
    post, beside, within = (outline.px(one) for one in (POST_PX, BESIDE_PX, WITHIN_PX))
    n_column = outline.neg_log.shape[1]
    left = span.col0 + (span.shift if wall else 0)
    right = span.col1 - (0 if wall else span.shift)
    lows = []
    if has[0]:
        columns = (
            slice(left + post[0], left + post[1]),
            slice(max(span.col0 - beside[1], 0), max(span.col0 - beside[0], 1)),
            slice(left + within[0], left + within[1]),
        )
        lows.append(_underside(outline, rows, *columns))
    if has[1]:
        columns = (
            slice(right - post[1], right - post[0]),
            slice(min(span.col1 + beside[0], n_column - 1), span.col1 + beside[1]),
            slice(right - within[1], right - within[0]),
        )
        lows.append(_underside(outline, rows, *columns))
    found = [low for low in lows if low is not None]
    return min(found) if found else None


def _underside(
    outline: _Outline, span: tuple[int, int], post: slice, beside: slice, within: slice
) -> int | None:
    """Return the row where a container's end post stops.

    Below it the post's columns look like those beside the container, where its carrier runs on; where
    the carrier ends flush, they look like those further in.
    """
    row0, last = span
    end = np.median(outline.neg_log[:, post], axis=1)
    carrier = np.median(outline.neg_log[:, beside], axis=1)
    outside = end - carrier
    if outline.pitch_m is not None:
        least = HULL_HEIGHT_M[0] / outline.pitch_m[0]
        well = carrier[row0 + int(WELL_ROWS[0] * least) : row0 + int(WELL_ROWS[1] * least)]
        if well.size and float(np.median(well)) > WELL_NEG_LOG:
            return None
    # a carrier that ends just past the container differs too, but by less than a corner post does
    upper = slice(row0 + (last - row0) // 6, row0 + (last - row0) // 2)
    limit = max(0.08, 0.35 * float(np.median(outside[upper])))
    width = 5 if outline.scale > 0.5 else 3
    differs = ndimage.median_filter((outside > limit).astype(np.uint8), width).astype(bool)
    start = row0 + (last - row0) // 3
    found = []
    below = np.flatnonzero(differs[start:last])
    # what differs down to the last solid row has not been seen to stop
    if below.size and start + int(below[-1]) < last - width:
        found.append(start + int(below[-1]) + 1)
    inside = ndimage.median_filter(end - np.median(outline.neg_log[:, within], axis=1), width)
    start = last - (last - row0) // 4
    alike = np.abs(inside[start:last]) < 0.08
    if alike[-1] and not alike.all():
        found.append(last - int(np.argmin(alike[::-1])))
    return min(found) if found else None
