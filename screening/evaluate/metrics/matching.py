"""Which candidate on a picture is a hit, which a false alarm, and what is left out of both counts.

The rules are those of the project's image scoring, version 1. A candidate hits a truth when its centroid lies
in the truth's mask widened by 2 pixels and its area is between a quarter of the truth's and four times it. A
truth with both sides of 32 pixels or more is hit instead by a box whose intersection over union with the
truth's box is at least 0.3. Candidates are taken from the highest score down; one truth takes one candidate.
Further candidates on a truth that is taken, candidates on hidden truths and candidates inside regions to be
ignored are neither hits nor false alarms. Everything else is a false alarm.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

__all__ = [
    "BIG_SIDE_PX",
    "MAX_AREA_RATIO",
    "MIN_BOX_IOU",
    "MIN_VISIBLE",
    "WIDENED_PX",
    "Boxed",
    "Finding",
    "Outcome",
    "PictureMatch",
    "Region",
    "Scored",
    "Truth",
    "box_iou",
    "centre",
    "match",
]

#: Widening of a truth's mask in which a centroid still counts, pixels (a disc).
WIDENED_PX = 2
#: Largest ratio of areas, either way.
MAX_AREA_RATIO = 4.0
#: Truths with both sides at least this long are matched by their boxes.
BIG_SIDE_PX = 32
#: Smallest intersection over union of boxes for those.
MIN_BOX_IOU = 0.3
#: A truth of which less than this share can be seen is hidden.
MIN_VISIBLE = 0.5
#: A candidate is inside regions to be ignored, a hidden truth covered, from this share of its area.
INSIDE_SHARE = 0.5


class Boxed(Protocol):
    """Anything with a half-open box in pixels; it may also have a ``mask`` of its box."""

    @property
    def row0(self) -> int:
        """First row."""

    @property
    def col0(self) -> int:
        """First column."""

    @property
    def row1(self) -> int:
        """One past the last row."""

    @property
    def col1(self) -> int:
        """One past the last column."""


class Scored(Boxed, Protocol):
    """A box with a score and a class, such as :class:`screening.evaluate.detectors.Candidate`."""

    @property
    def score(self) -> float:
        """Higher is more likely an object."""

    @property
    def kind(self) -> str:
        """Class, "" for any."""


class Region(msgspec.Struct, frozen=True):
    """A place on a picture.

    Attributes
    ----------
    row0, col0, row1, col1 : int
        Box, half-open, in pixels.
    mask : ndarray of shape (row1 - row0, col1 - col0), bool, or None
        Which pixels of the box; None for all.
    """

    row0: int
    col0: int
    row1: int
    col1: int
    mask: NDArray[np.bool_] | None = None


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate with a mask. Candidates of detectors, which are boxes, serve as they are.

    Attributes
    ----------
    row0, col0, row1, col1 : int
        Box, half-open, in pixels.
    score : float
        Higher is more likely an object.
    kind : str
        Its class, "" for any.
    mask : ndarray of shape (row1 - row0, col1 - col0), bool, or None
        Which pixels of the box; None for all.
    """

    row0: int
    col0: int
    row1: int
    col1: int
    score: float
    kind: str = ""
    mask: NDArray[np.bool_] | None = None


class Truth(msgspec.Struct, frozen=True, kw_only=True):
    """An object that is there.

    Attributes
    ----------
    row0, col0, row1, col1 : int
        Box, half-open, in pixels; clipped to the picture.
    kind : str
        Its class, "" for any.
    mask : ndarray of shape (row1 - row0, col1 - col0), bool, or None
        Its pixels within the box; None for all.
    visible : float
        Share of its pixels that are not opaque; below 0.5 it is hidden.
    contrast_g_cm2 : float
        Peak areal density above what lies around it; not a number when unknown.
    background_g_cm2 : float
        Areal density of what lies around it; not a number when unknown.
    mass_kg : float
        Its mass; not a number when unknown.
    """

    row0: int
    col0: int
    row1: int
    col1: int
    kind: str = ""
    mask: NDArray[np.bool_] | None = None
    visible: float = 1.0
    contrast_g_cm2: float = float("nan")
    background_g_cm2: float = float("nan")
    mass_kg: float = float("nan")

    @property
    def is_hidden(self) -> bool:
        """Whether too little of it can be seen to ask for it."""
        return self.visible < MIN_VISIBLE


class Outcome(IntEnum):
    """What became of a candidate."""

    FALSE_ALARM = 0
    HIT = 1
    #: On a truth that another candidate has taken.
    REPEATED = 2
    #: On a hidden truth.
    ON_HIDDEN = 3
    #: Inside a region to be ignored.
    IGNORED = 4


class PictureMatch(msgspec.Struct, frozen=True, kw_only=True):
    """A picture's candidates and truths, set against each other.

    Attributes
    ----------
    scene : str
        What the picture was made from: pictures of one scene are not independent.
    truths : tuple of Truth
        As given.
    score : ndarray of shape (n_candidate,), float64
        Of the candidates, as given.
    outcome : ndarray of shape (n_candidate,), int8
        Values of Outcome.
    truth_of : ndarray of shape (n_candidate,), int64
        Index of the truth a candidate hit, repeated or found hidden; -1 for none.
    truth_score : ndarray of shape (n_truth,), float64
        Score of the candidate that hit it; -inf for a miss.
    truth_container : ndarray of shape (n_truth,), int64
        Index of the container it belongs to.
    is_covered : ndarray of shape (n_truth,), bool
        Whether an opaque region that gates covers it.
    container_score : ndarray of shape (n_container,), float64
        Highest score of any candidate in it that is not ignored; -inf without one.
    container_state : ndarray of shape (n_container,), int8
        1: holds a truth that can be seen; 0: clean; -1: holds hidden truths alone.
    strata : dict of str to str
        Of the picture: "scanner", "cargo".
    """

    scene: str
    truths: tuple[Truth, ...]
    score: NDArray[np.float64]
    outcome: NDArray[np.int8]
    truth_of: NDArray[np.int64]
    truth_score: NDArray[np.float64]
    truth_container: NDArray[np.int64]
    is_covered: NDArray[np.bool_]
    container_score: NDArray[np.float64]
    container_state: NDArray[np.int8]
    strata: dict[str, str] = {}

    @property
    def is_clean(self) -> bool:
        """Whether the picture holds no truth, hidden or not."""
        return not self.truths


def box_iou(a: Boxed, b: Boxed) -> float:
    """Return the intersection over union of two boxes.

    Parameters
    ----------
    a, b : Boxed
        Half-open boxes; masks are not looked at.

    Returns
    -------
    float
        0 to 1.
    """
    high = min(a.row1, b.row1) - max(a.row0, b.row0)
    wide = min(a.col1, b.col1) - max(a.col0, b.col0)
    if high <= 0 or wide <= 0:
        return 0.0
    both = high * wide
    return both / (_box_area(a) + _box_area(b) - both)


def centre(box: Boxed) -> tuple[float, float]:
    """Return the centroid of a box, or of its mask.

    Parameters
    ----------
    box : Boxed
        Half-open box.

    Returns
    -------
    tuple of float
        Row and column, in coordinates in which a pixel's centre is its index.
    """
    mask = _mask(box)
    if mask is None:
        return 0.5 * (box.row0 + box.row1 - 1), 0.5 * (box.col0 + box.col1 - 1)
    rows, columns = np.nonzero(mask)
    return box.row0 + float(rows.mean()), box.col0 + float(columns.mean())


def match(
    candidates: Sequence[Scored],
    truths: Sequence[Truth],
    *,
    scene: str = "",
    ignore: Sequence[Boxed] = (),
    opaque: Sequence[Boxed] = (),
    containers: Sequence[Boxed] = (),
    by_kind: bool = True,
    strata: dict[str, str] | None = None,
) -> PictureMatch:
    """Set the candidates of one picture against its truths.

    Parameters
    ----------
    candidates : sequence of Scored
        Places a detector points at.
    truths : sequence of Truth
        Objects that are there.
    scene : str
        What the picture was made from.
    ignore : sequence of Boxed
        Regions in which candidates count as neither: innocent look-alikes that are asked about elsewhere,
        the picture's edge. A candidate is inside when half of its area is.
    opaque : sequence of Boxed
        Regions by which the detector or the pipeline says that it cannot see; a truth is covered when
        half of its pixels are.
    containers : sequence of Boxed
        Boxes of the containers; a picture of two is two cases. Without any, the picture is one case.
        What lies in none of them by its centre counts for the nearest.
    by_kind : bool
        A candidate with a class hits truths of that class alone; "" on either side is any class.
    strata : dict of str to str, optional
        Of the picture.

    Returns
    -------
    PictureMatch
        What became of each.

    Raises
    ------
    ValueError
        If a box is empty, a mask does not fit its box or is empty, or a score is not a number.

    Notes
    -----
    Among truths that a candidate could take it takes the one whose box it overlaps best, one that can be
    seen before one that is hidden. Of candidates with equal scores the one that overlaps a truth best comes
    first, so that the order in which a detector lists them does not matter.
    """
    everything: list[Boxed] = [*candidates, *truths, *ignore, *opaque, *containers]
    for box in everything:
        _checked(box)
    score = np.array([candidate.score for candidate in candidates], dtype=np.float64)
    if np.isnan(score).any():
        raise ValueError(f"{int(np.isnan(score).sum())} scores of candidates are not a number")
    reach = np.zeros((len(candidates), len(truths)))
    for j, truth in enumerate(truths):
        area = _area(truth)
        for i, candidate in enumerate(candidates):
            if by_kind and candidate.kind and truth.kind and candidate.kind != truth.kind:
                continue
            if _hits(candidate, truth, area):
                reach[i, j] = 1.0 + box_iou(candidate, truth)
    hidden = np.array([truth.is_hidden for truth in truths], dtype=bool)
    outcome = np.zeros(len(candidates), dtype=np.int8)
    truth_of = np.full(len(candidates), -1, dtype=np.int64)
    truth_score = np.full(len(truths), -np.inf)
    is_free = ~hidden
    best = reach.max(axis=1, initial=0.0)
    for i in np.lexsort((-best, -score)):
        open_to = np.where(is_free, reach[i], 0.0)
        if open_to.max(initial=0.0) > 0:
            j = int(np.argmax(open_to))
            outcome[i], truth_of[i], truth_score[j], is_free[j] = Outcome.HIT, j, score[i], False
        elif best[i] > 0:
            seen = np.where(hidden, 0.0, reach[i])
            j = int(np.argmax(seen if seen.max() > 0 else reach[i]))
            outcome[i], truth_of[i] = (Outcome.ON_HIDDEN if hidden[j] else Outcome.REPEATED), j
        elif ignore and _share_inside(candidates[i], ignore) >= INSIDE_SHARE:
            outcome[i] = Outcome.IGNORED
    covered = np.array([bool(opaque) and _share_inside(truth, opaque) >= INSIDE_SHARE for truth in truths])
    place = _Placing(containers)
    n_container = max(1, len(containers))
    container_score = np.full(n_container, -np.inf)
    for i, candidate in enumerate(candidates):
        if outcome[i] != Outcome.IGNORED:
            at = place(candidate)
            container_score[at] = max(container_score[at], score[i])
    state = np.zeros(n_container, dtype=np.int8)
    truth_container = np.array([place(truth) for truth in truths], dtype=np.int64)
    for at, truth in zip(truth_container, truths, strict=True):
        state[at] = 1 if not truth.is_hidden or state[at] == 1 else -1
    return PictureMatch(
        scene=scene,
        truths=tuple(truths),
        score=score,
        outcome=outcome,
        truth_of=truth_of,
        truth_score=truth_score,
        truth_container=truth_container,
        is_covered=covered.astype(bool),
        container_score=container_score,
        container_state=state,
        strata=dict(strata or {}),
    )


def _mask(box: Boxed) -> NDArray[np.bool_] | None:
    mask: NDArray[np.bool_] | None = getattr(box, "mask", None)
    return mask


def _checked(box: Boxed) -> None:
    if box.row1 <= box.row0 or box.col1 <= box.col0:
        raise ValueError(f"box rows {box.row0}:{box.row1}, columns {box.col0}:{box.col1} is empty")
    mask = _mask(box)
    if mask is not None:
        if mask.shape != (box.row1 - box.row0, box.col1 - box.col0):
            raise ValueError(
                f"mask {mask.shape} does not fit the box rows {box.row0}:{box.row1}, "
                f"columns {box.col0}:{box.col1}"
            )
        if not mask.any():
            raise ValueError(f"mask of the box rows {box.row0}:{box.row1} has no pixel")


def _box_area(box: Boxed) -> int:
    return (box.row1 - box.row0) * (box.col1 - box.col0)


def _area(box: Boxed) -> int:
    mask = _mask(box)
    return _box_area(box) if mask is None else int(np.count_nonzero(mask))


def _hits(candidate: Boxed, truth: Truth, truth_area: int) -> bool:
    if truth.row1 - truth.row0 >= BIG_SIDE_PX and truth.col1 - truth.col0 >= BIG_SIDE_PX:
        return box_iou(candidate, truth) >= MIN_BOX_IOU
    area = _area(candidate)
    if area > MAX_AREA_RATIO * truth_area or truth_area > MAX_AREA_RATIO * area:
        return False
    row, column = (int(np.floor(at + 0.5)) for at in centre(candidate))
    mask = truth.mask
    for d_row in range(-WIDENED_PX, WIDENED_PX + 1):
        for d_column in range(-WIDENED_PX, WIDENED_PX + 1):
            if d_row * d_row + d_column * d_column > WIDENED_PX * WIDENED_PX:
                continue
            r, c = row + d_row - truth.row0, column + d_column - truth.col0
            is_in_box = 0 <= r < truth.row1 - truth.row0 and 0 <= c < truth.col1 - truth.col0
            if is_in_box and (mask is None or mask[r, c]):
                return True
    return False


def _share_inside(box: Boxed, regions: Sequence[Boxed]) -> float:
    """Share of a box's pixels that lie in any of the regions."""
    own = _mask(box)
    pixels = np.ones((box.row1 - box.row0, box.col1 - box.col0), dtype=bool) if own is None else own
    inside = np.zeros(pixels.shape, dtype=bool)
    for region in regions:
        row0, row1 = max(box.row0, region.row0), min(box.row1, region.row1)
        col0, col1 = max(box.col0, region.col0), min(box.col1, region.col1)
        if row0 >= row1 or col0 >= col1:
            continue
        window = inside[row0 - box.row0 : row1 - box.row0, col0 - box.col0 : col1 - box.col0]
        mask = _mask(region)
        if mask is None:
            window[:] = True
        else:
            window |= mask[row0 - region.row0 : row1 - region.row0, col0 - region.col0 : col1 - region.col0]
    return float(np.count_nonzero(inside & pixels) / np.count_nonzero(pixels))


class _Placing:
    """Which container a box belongs to: the one its centre lies in, or is nearest to."""

    def __init__(self, containers: Sequence[Boxed]) -> None:
        self._containers = containers

    def __call__(self, box: Boxed) -> int:
        if len(self._containers) < 2:
            return 0
        row, column = centre(box)
        apart = [
            np.hypot(
                max(container.row0 - row, row - (container.row1 - 1), 0.0),
                max(container.col0 - column, column - (container.col1 - 1), 0.0),
            )
            for container in self._containers
        ]
        return int(np.argmin(apart))
