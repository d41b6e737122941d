"""What the kernels return, and the constants that engine and twin share."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from screening.records import PixelState

__all__ = [
    "BRIGHT_SIGMAS",
    "MAX_CHANNELS",
    "MAX_OPEN_BEAM",
    "MAX_PACKET_COLUMNS",
    "MAX_STRENGTH",
    "MIN_AIR_SIGMAS",
    "MIN_DROPOUT_ROWS",
    "UNSEEN_BITS",
    "UNSEEN_NEG_LOG",
    "UNSEEN_VARIANCE",
    "CountWindows",
    "LineCorrection",
]

#: Bits of :class:`PixelState` whose signal says nothing of the cargo.
UNSEEN_BITS = int(PixelState.unseen())

#: ``neg_log`` of an unseen pixel: ln 65536, more than a 16-bit pixel can measure. Should the state be
#: overlooked, the pixel reads opaque, never clear.
UNSEEN_NEG_LOG = float(np.float32(math.log(65536.0)))

#: ``variance`` of an unseen pixel: finite, and in any sum weighted by 1 / variance below the last bit
#: of a double beside one seen pixel.
UNSEEN_VARIANCE = float(np.float32(1e12))

#: A pixel whose open beam is under this many electronic sigmas measures no transmission: clipping at
#: one sigma would leave it so little range that an opaque place would read nearly clear.
MIN_AIR_SIGMAS = 10.0

#: Open beam, counts, and relative source strength beyond these are no measurement of a 16-bit detector.
MAX_OPEN_BEAM = 1e6
MAX_STRENGTH = 1e6

#: A neighbour is bright when it is this many electronic sigmas above an opaque place. With s_e of 15
#: to 35 counts and a gain of 8 to 20 counts, a pixel that bright reads zero by noise with a probability
#: of about 1e-6, so that a zero there is a failure and not cargo.
BRIGHT_SIGMAS = 30.0

#: Shortest run of zeros, in rows, that can be a module drop-out (half of a 16-row module).
MIN_DROPOUT_ROWS = 8

#: Widest drop-out, in columns. Modules go missing in packets of about ten lines; a wider block of zeros
#: is taken for opaque cargo.
MAX_PACKET_COLUMNS = 16

#: Most channels one spectrum may have; real ones have up to 65,536.
MAX_CHANNELS = 1 << 20


class CountWindows(NamedTuple):
    """Statistics of sliding count windows.

    Attributes
    ----------
    nsigma : ndarray of shape (n_window, n_group), float64
        (S - B) / sqrt(B) of each window; NaN where an interval is missing or there is no background.
    max_nsigma : ndarray of shape (n_group,), float64
        Largest of them; NaN if no window is valid.
    argmax : ndarray of shape (n_group,), int64
        First interval of the (first) window with that value; -1 if no window is valid.
    n_alarms : ndarray of shape (n_group,), int64
        Number of windows with S > B + n_sigma sqrt(B).
    """

    nsigma: NDArray[np.float64]
    max_nsigma: NDArray[np.float64]
    argmax: NDArray[np.int64]
    n_alarms: NDArray[np.int64]


class LineCorrection(NamedTuple):
    """A corrected picture.

    Attributes
    ----------
    neg_log : ndarray of shape (n_row, n_column), float32
        -ln of the transmission; always finite.
    variance : ndarray of shape (n_row, n_column), float32
        Variance of `neg_log`; always finite and not negative.
    state : ndarray of shape (n_row, n_column), uint8
        :class:`PixelState` bits.
    """

    neg_log: NDArray[np.float32]
    variance: NDArray[np.float32]
    state: NDArray[np.uint8]
