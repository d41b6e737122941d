"""Compiled parser of channel data; the checks are in counts.py."""

from libc.stdint cimport uint8_t, uint32_t

import re

import numpy as np

from screening.errors import FormatError, ResourceLimitError

from .results import MAX_CHANNELS

TOKEN = re.compile(rb"[^ \t\r\n]+")


cdef extern from "counts.h" nogil:
    ctypedef struct screening_parsed:
        Py_ssize_t n_channel
        Py_ssize_t position
        int status

    enum:
        SCREENING_PARSED
        SCREENING_NOT_A_COUNT
        SCREENING_TOO_BIG
        SCREENING_RUN_MISSING
        SCREENING_RUN_EMPTY
        SCREENING_TOO_MANY

    screening_parsed screening_parse_counts(
        const uint8_t *text, Py_ssize_t length, bint counted_zeroes, bint is_zeroed, Py_ssize_t limit, uint32_t *out
    ) noexcept


def parse_counts(
    bytes text not None,
    n_channel,
    *,
    bint counted_zeroes,
    out=None,
    bint is_zeroed=False,
):
    cdef:
        Py_ssize_t length = len(text), limit = MAX_CHANNELS
        const uint8_t *first = text
        uint32_t[::1] places
        screening_parsed parsed
    if n_channel is None:
        with nogil:
            parsed = screening_parse_counts(first, length, counted_zeroes, False, limit, NULL)
        _require(parsed, text, limit, False)
        limit = parsed.n_channel
    else:
        limit = n_channel
    if out is None:
        # zeros, not empty: large ones come from the system untouched, and stay so where counts are zero.
        out = np.zeros(max(limit, 1), dtype=np.uint32)
        is_zeroed = True
    places = out
    with nogil:
        parsed = screening_parse_counts(first, length, counted_zeroes, is_zeroed, limit, &places[0])
    _require(parsed, text, limit, True)
    if parsed.n_channel == 0 or parsed.n_channel != limit:
        raise FormatError(
            f"{parsed.n_channel} channels where {n_channel or 'some'} are due", value=parsed.n_channel
        )
    return out


cdef int _require(screening_parsed parsed, bytes text, Py_ssize_t limit, bint is_wanted) except -1:
    if parsed.status == SCREENING_PARSED:
        return 0
    token = TOKEN.match(text, parsed.position).group()
    kind, what = FormatError, "not a count"
    if parsed.status == SCREENING_TOO_BIG:
        what = "count beyond 32 bits"
    elif parsed.status == SCREENING_RUN_MISSING:
        what = "zero without a run length"
    elif parsed.status == SCREENING_RUN_EMPTY:
        what = "zero run of no length"
    elif parsed.status == SCREENING_TOO_MANY:
        what = f"more than {limit} channels"
        kind = FormatError if is_wanted else ResourceLimitError
    raise kind(f"{what} at byte {parsed.position}", value=token)
