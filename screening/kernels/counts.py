"""Counts from the text of a spectrum."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import _counts as _engine
from .results import MAX_CHANNELS

__all__ = ["parse_counts"]


def parse_counts(
    text: bytes,
    n_channel: int | None,
    *,
    counted_zeroes: bool,
    out: NDArray[np.uint32] | None = None,
    is_zeroed: bool = False,
) -> NDArray[np.uint32]:
    """Parse the channel data of an ANSI N42.42 spectrum.

    Counts are decimal numbers between blanks (space, tab, CR, LF). ``12.`` and ``12.000`` are taken for
    12, as some instruments write it; any other fraction, sign or exponent is refused. With counted
    zeroes ("CountedZeroes" in the standard) a zero is followed by the number of zeros it stands for.

    Parameters
    ----------
    text : bytes
        The text.
    n_channel : int or None
        Channels the text must hold, no more, no fewer; None takes as many as `out` has, or without it
        as many as the text holds.
    counted_zeroes : bool
        Whether zeros are counted.
    out : ndarray of shape (n_channel,), uint32, optional
        Where to write; C-contiguous. When an error is raised its content is undefined.
    is_zeroed : bool, optional
        Promise that `out` holds zeros already, as it does fresh from ``numpy.zeros``: places of zero
        counts are then not written, and memory nobody touched stays so.

    Returns
    -------
    ndarray of shape (n_channel,), uint32
        The counts; `out` if it was given.

    Raises
    ------
    FormatError
        If a token is no count or above 2^32 - 1, a run of zeros has no length or passes the end, or
        there are more or fewer channels than `n_channel`. The message names the byte, ``value`` is the
        token.
    ResourceLimitError
        If there are more than 1,048,576 channels and `n_channel` is None.
    TypeError
        If `text` is not bytes, or `out` has another dtype.
    ValueError
        If `out` does not fit, or `n_channel` is out of range.
    """
    if not isinstance(text, bytes):
        raise TypeError(f"text must be bytes, got {type(text).__name__}")
    if n_channel is not None and not 1 <= n_channel <= MAX_CHANNELS:
        raise ValueError(f"n_channel must be 1 to {MAX_CHANNELS}, got {n_channel!r}")
    if out is not None:
        if out.dtype != np.uint32:
            raise TypeError(f"out needs dtype uint32, got {out.dtype}")
        n_channel = out.size if n_channel is None else n_channel
        if (
            not n_channel
            or out.shape != (n_channel,)
            or not out.flags.c_contiguous
            or not out.flags.writeable
        ):
            raise ValueError(
                f"out needs to be writeable, C-contiguous, of shape ({n_channel},), got {out.shape}"
            )
    return _engine.parse_counts(text, n_channel, counted_zeroes=counted_zeroes, out=out, is_zeroed=is_zeroed)
