"""NumPy twins of the compiled kernels: the oracle they are tested against.

Each function has the name and the arguments of its twin and expects checked arguments. They are written
to be read, in double precision where the kernel uses single, and by another way where there is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from screening.errors import FormatError, ResourceLimitError
from screening.records import PixelState

from .results import (
    BRIGHT_SIGMAS,
    MAX_CHANNELS,
    MAX_OPEN_BEAM,
    MAX_PACKET_COLUMNS,
    MAX_STRENGTH,
    MIN_AIR_SIGMAS,
    MIN_DROPOUT_ROWS,
    UNSEEN_BITS,
    UNSEEN_NEG_LOG,
    UNSEEN_VARIANCE,
    CountWindows,
    LineCorrection,
)

__all__ = ["classify_zeros", "correct_lines", "count_windows", "parse_counts", "rebin"]


def count_windows(
    counts: NDArray[np.int64], background: NDArray[np.float64], *, window: int, n_sigma: float
) -> CountWindows:
    """Twin of :func:`screening.kernels.count_windows`.

    Parameters
    ----------
    counts : ndarray of shape (n_interval, n_group), int64
        Counts, -1 where missing.
    background : ndarray of shape (n_group,), float64
        Expected counts in one window.
    window : int
        Intervals in a window.
    n_sigma : float
        Alarm threshold.

    Returns
    -------
    CountWindows
        The statistics.
    """
    n_interval, n_group = counts.shape
    n_window = max(n_interval - window + 1, 0)
    nsigma = np.full((n_window, n_group), np.nan)
    has_background = np.isfinite(background) & (background > 0)
    root = np.sqrt(np.where(has_background, background, 1.0))
    if n_window:
        views = np.lib.stride_tricks.sliding_window_view(counts, window, axis=0)
        totals = views.sum(axis=-1)
        valid = (views >= 0).all(axis=-1) & has_background
        nsigma[valid] = ((totals - background) / root)[valid]
        n_alarms = (valid & (totals > background + n_sigma * root)).sum(axis=0)
    else:
        n_alarms = np.zeros(n_group, dtype=np.int64)
    max_nsigma = np.full(n_group, np.nan)
    argmax = np.full(n_group, -1, dtype=np.int64)
    for group in range(n_group):
        if not np.isnan(nsigma[:, group]).all():
            argmax[group] = np.nanargmax(nsigma[:, group])
            max_nsigma[group] = nsigma[argmax[group], group]
    return CountWindows(nsigma, max_nsigma, argmax, n_alarms.astype(np.int64))


def parse_counts(
    text: bytes,
    n_channel: int | None,
    *,
    counted_zeroes: bool,
    out: NDArray[np.uint32] | None = None,
    is_zeroed: bool = False,
) -> NDArray[np.uint32]:
    """Twin of :func:`screening.kernels.parse_counts`.

    Parameters
    ----------
    text : bytes
        Tokens between blanks.
    n_channel : int or None
        Channels wanted; None takes what the text holds.
    counted_zeroes : bool
        Whether a zero is followed by the number of zeros it stands for.
    out : ndarray of shape (n_channel,), uint32, optional
        Where to write.
    is_zeroed : bool, optional
        Promise that `out` holds zeros; this twin writes them all the same.

    Returns
    -------
    ndarray of shape (n_channel,), uint32
        The counts.

    Raises
    ------
    FormatError
        If the text breaks the rules.
    """
    limit = MAX_CHANNELS if n_channel is None else n_channel
    values: list[int] = []
    tokens = re.finditer(rb"[^ \t\r\n]+", text)
    for token in tokens:
        value = _count(token)
        n_new = 1
        if value == 0 and counted_zeroes:
            run = next(tokens, None)
            if run is None:
                raise FormatError(f"zero without a run length at byte {token.start()}", value=b"0")
            n_new = _count(run)
            if n_new == 0:
                raise FormatError(f"zero run of no length at byte {run.start()}", value=run.group())
        if n_new > limit - len(values):
            kind = ResourceLimitError if n_channel is None else FormatError
            raise kind(f"more than {limit} channels at byte {token.start()}", value=token.group())
        values.extend([value] * n_new)
    if not values or (n_channel is not None and len(values) < n_channel):
        raise FormatError(f"{len(values)} channels where {n_channel or 'some'} are due", value=len(values))
    counts = np.array(values, dtype=np.uint32)
    if out is None:
        return counts
    out[:] = counts
    return out


def _count(token: re.Match[bytes]) -> int:
    match = re.fullmatch(rb"([0-9]+)(?:\.0*)?", token.group())
    if match is None:
        raise FormatError(f"not a count at byte {token.start()}", value=token.group())
    value = int(match.group(1))
    if value > 0xFFFFFFFF:
        raise FormatError(f"count beyond 32 bits at byte {token.start()}", value=token.group())
    return value


def rebin(
    counts: NDArray[np.float64], edges_in: NDArray[np.float64], edges_out: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Twin of :func:`screening.kernels.rebin`, by the whole matrix of overlaps.

    Parameters
    ----------
    counts : ndarray of shape (n, n_in), float64
        Counts by channel.
    edges_in : ndarray of shape (n_in + 1,), float64
        Their edges.
    edges_out : ndarray of shape (n_out + 1,), float64
        Edges wanted.

    Returns
    -------
    ndarray of shape (n, n_out), float64
        Counts by new channel.
    """
    low = np.maximum(edges_in[:-1, None], edges_out[None, :-1])
    high = np.minimum(edges_in[1:, None], edges_out[None, 1:])
    share: NDArray[np.float64] = np.clip(high - low, 0.0, None) / np.diff(edges_in)[:, None]
    return counts @ share


def correct_lines(
    raw: NDArray[np.uint16],
    *,
    dark: NDArray[np.float32],
    air: NDArray[np.float32],
    reference: NDArray[np.float32] | None = None,
    row_mask: NDArray[np.uint8] | None = None,
    column_mask: NDArray[np.uint8] | None = None,
    electronic_sigma: float,
    gain: float,
    saturation: int,
    out: LineCorrection | None = None,
) -> LineCorrection:
    """Twin of :func:`screening.kernels.correct_lines`, in double precision.

    Parameters
    ----------
    raw : ndarray of shape (n_row, n_column), uint16
        Raw counts.
    dark, air : ndarray of shape (n_row,), float32
        Signal without beam, and with beam and nothing in it.
    reference : ndarray of shape (n_column,), float32, or None
        Relative source strength.
    row_mask : ndarray of shape (n_row,), uint8, or None
        PixelState bits of whole rows.
    column_mask : ndarray of shape (n_column,), uint8, or None
        PixelState bits of whole columns.
    electronic_sigma, gain : float
        s_e and g of the photon-transfer law, counts.
    saturation : int
        Raw value of a saturated pixel.
    out : LineCorrection or None
        Where to write.

    Returns
    -------
    LineCorrection
        The corrected picture.
    """
    n_row, n_column = raw.shape
    sigma = np.float32(electronic_sigma)
    limit = np.float32(MIN_AIR_SIGMAS) * sigma
    row_bits = np.zeros(n_row, np.uint8) if row_mask is None else row_mask.copy()
    column_bits = np.zeros(n_column, np.uint8) if column_mask is None else column_mask.copy()
    strength = np.ones(n_column, np.float32) if reference is None else reference
    # The comparisons that set states are made in single precision, as the kernel makes them.
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        open_beam = air - dark
        is_live = (np.abs(dark) <= 65535) & (open_beam >= limit) & (open_beam <= MAX_OPEN_BEAM)
        row_bits[~is_live] |= np.uint8(PixelState.DEAD_ROW)
        is_fired = (strength > 0) & (strength <= MAX_STRENGTH)
        column_bits[~is_fired] |= np.uint8(PixelState.LOST_LINE)
        open_beam = np.where(is_live, open_beam, np.float32(1))
        strength = np.where(is_fired, strength, np.float32(1))
        signal = raw.astype(np.float32) - np.where(is_live, dark, np.float32(0))[:, None]
        is_dim = strength < (limit / open_beam)[:, None]
    state = row_bits[:, None] | column_bits
    state = np.where(is_dim, state | np.uint8(PixelState.LOST_LINE), state)
    state = np.where(raw >= saturation, state | np.uint8(PixelState.SATURATED), state)
    state = np.where((signal < sigma) & (raw > 0), state | np.uint8(PixelState.CENSORED), state)
    clipped = np.maximum(signal, sigma).astype(np.float64)
    neg_log = -np.log(clipped / (open_beam[:, None].astype(np.float64) * strength))
    variance = (float(sigma) ** 2 + float(np.float32(gain)) * clipped) / clipped**2
    is_unseen = (state & UNSEEN_BITS) != 0
    result = LineCorrection(
        np.where(is_unseen, UNSEEN_NEG_LOG, neg_log).astype(np.float32),
        np.where(is_unseen, UNSEEN_VARIANCE, variance).astype(np.float32),
        state,
    )
    if out is None:
        return result
    out.neg_log[...], out.variance[...], out.state[...] = result
    return out


def classify_zeros(
    raw: NDArray[np.uint16], state: NDArray[np.uint8], *, electronic_sigma: float, floor_counts: float
) -> NDArray[np.uint8]:
    """Twin of :func:`screening.kernels.classify_zeros`.

    Parameters
    ----------
    raw : ndarray of shape (n_row, n_column), uint16
        Raw counts.
    state : ndarray of shape (n_row, n_column), uint8
        PixelState bits so far.
    electronic_sigma : float
        Electronic noise, counts.
    floor_counts : float
        Raw counts of an opaque place.

    Returns
    -------
    ndarray of shape (n_row, n_column), uint8
        PixelState bits.
    """
    result = state.copy()
    is_blind = (state & UNSEEN_BITS) != 0
    is_dead = ((raw == 0) | is_blind).all(axis=1)
    result[is_dead[:, None] & ~is_blind] |= np.uint8(PixelState.DEAD_ROW)
    level = floor_counts + BRIGHT_SIGMAS * electronic_sigma
    kind = np.select([is_blind | is_dead[:, None], raw == 0, raw <= level], [_BLIND, _ZERO, _DIM], _BRIGHT)
    result[kind == _ZERO] |= np.uint8(PixelState.CENSORED)
    for row, column in np.argwhere(kind == _ZERO):
        if _is_isolated(kind, row, column):
            result[row, column] = state[row, column] | np.uint8(PixelState.ISOLATED_ZERO)
    for column, row0, row1 in _long_runs(kind):
        if _is_dropout(kind, column, row0, row1):
            zeros = np.flatnonzero(kind[row0:row1, column] == _ZERO) + row0
            result[zeros, column] = state[zeros, column] | np.uint8(PixelState.DROPOUT)
    return result


_BLIND, _ZERO, _DIM, _BRIGHT = 0, 1, 2, 3


def _is_isolated(kind: NDArray[np.int_], row: int, column: int) -> bool:
    near = kind[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
    n_seen = (near != _BLIND).sum() - 1
    if n_seen < 3 or (near == _BRIGHT).sum() < n_seen:
        return False
    wide = kind[max(row - 3, 0) : row + 4, max(column - 3, 0) : column + 4]
    # The median of the live pixels is bright when more than half of them are.
    return bool(2 * (wide == _BRIGHT).sum() > (wide != _BLIND).sum())


def _long_runs(kind: NDArray[np.int_]) -> Iterator[tuple[int, int, int]]:
    for column in np.flatnonzero((kind == _ZERO).sum(axis=0) >= 2):
        rows = np.flatnonzero(kind[:, column] != _BLIND)
        steps = np.diff(np.concatenate([[0], kind[rows, column] == _ZERO, [0]]).astype(int))
        for first, last in zip(np.flatnonzero(steps > 0), np.flatnonzero(steps < 0) - 1, strict=True):
            if last + 1 - first >= MIN_DROPOUT_ROWS:
                yield int(column), int(rows[first]), int(rows[last]) + 1


def _is_dropout(kind: NDArray[np.int_], column: int, row0: int, row1: int) -> bool:
    def has_bright_ends(place: int) -> bool:
        parts = kind[:row0, place][::-1], kind[row1:, place]
        ends = [part[part != _BLIND][:1] for part in parts]
        return all((end == _BRIGHT).all() for end in ends)

    if not has_bright_ends(column):
        return False
    width, has_side = 1, False
    for step in (-1, 1):
        place = column + step
        while 0 <= place < kind.shape[1]:
            part = kind[row0:row1, place]
            seen = part[part != _BLIND]
            if seen.size and (seen != _ZERO).any():
                if 4 * (seen == _BRIGHT).sum() < 3 * seen.size:
                    return False
                has_side = True
                break
            width += 1
            if width > MAX_PACKET_COLUMNS or (seen.size and not has_bright_ends(place)):
                return False
            place += step
    return has_side
