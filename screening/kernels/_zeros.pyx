"""Compiled classification of zeros; the checks are in zeros.py."""

from libc.stdint cimport uint8_t, uint16_t
from libc.string cimport memset

import numpy as np

from screening.records import PixelState

from .results import BRIGHT_SIGMAS, MAX_PACKET_COLUMNS, MIN_DROPOUT_ROWS, UNSEEN_BITS


cdef extern from "zeros.h" nogil:
    enum:
        SCREENING_ZERO

    ctypedef struct screening_picture:
        const uint8_t *kind
        Py_ssize_t n_row
        Py_ssize_t n_column
        Py_ssize_t min_rows
        Py_ssize_t max_columns

    bint screening_kinds(
        const uint16_t *raw, const uint8_t *state, uint8_t *kind, Py_ssize_t n, uint8_t unseen, uint16_t level
    ) noexcept

    void screening_mark_zeros(
        const uint8_t *state, const uint8_t *kind, uint8_t *result, Py_ssize_t n, uint8_t bit
    ) noexcept

    Py_ssize_t screening_next_zero(const screening_picture *p, Py_ssize_t row, Py_ssize_t column) noexcept
    bint screening_is_isolated(const screening_picture *p, Py_ssize_t row, Py_ssize_t column) noexcept
    Py_ssize_t screening_run_end(const screening_picture *p, Py_ssize_t row, Py_ssize_t column) noexcept

    bint screening_is_dropout(
        const screening_picture *p, Py_ssize_t column, Py_ssize_t row0, Py_ssize_t row1
    ) noexcept


def classify_zeros(
    const uint16_t[:, ::1] raw not None,
    const uint8_t[:, ::1] state not None,
    *,
    double electronic_sigma,
    double floor_counts,
):
    cdef:
        Py_ssize_t n_row = raw.shape[0], n_column = raw.shape[1], row, column, r, end
        uint8_t[:, ::1] kind, result
        uint8_t unseen = UNSEEN_BITS
        uint8_t dead_row = PixelState.DEAD_ROW, dropout = PixelState.DROPOUT
        uint8_t isolated = PixelState.ISOLATED_ZERO, censored = PixelState.CENSORED
        # raw > level is the same for a level rounded down, raw being whole.
        uint16_t level = min(int(floor_counts + BRIGHT_SIGMAS * electronic_sigma), 65535)
        screening_picture picture
        bint is_live
    classified = np.empty((n_row, n_column), dtype=np.uint8)
    if n_row == 0 or n_column == 0:
        return classified
    result = classified
    kind = np.empty((n_row, n_column), dtype=np.uint8)
    picture.kind = &kind[0, 0]
    picture.n_row = n_row
    picture.n_column = n_column
    picture.min_rows = MIN_DROPOUT_ROWS
    picture.max_columns = MAX_PACKET_COLUMNS
    with nogil:
        for row in range(n_row):
            is_live = screening_kinds(&raw[row, 0], &state[row, 0], &kind[row, 0], n_column, unseen, level)
            screening_mark_zeros(
                &state[row, 0], &kind[row, 0], &result[row, 0], n_column, censored if is_live else dead_row
            )
            if not is_live:
                memset(&kind[row, 0], 0, n_column)
        for row in range(n_row):
            column = screening_next_zero(&picture, row, 0)
            while column < n_column:
                if screening_is_isolated(&picture, row, column):
                    result[row, column] = state[row, column] | isolated
                column = screening_next_zero(&picture, row, column + 1)
        for row in range(n_row):
            column = screening_next_zero(&picture, row, 0)
            while column < n_column:
                end = screening_run_end(&picture, row, column)
                if end > 0 and screening_is_dropout(&picture, column, row, end):
                    for r in range(row, end):
                        if kind[r, column] == SCREENING_ZERO:
                            result[r, column] = state[r, column] | dropout
                column = screening_next_zero(&picture, row, column + 1)
    return classified
