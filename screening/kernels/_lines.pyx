"""Compiled line correction; the checks are in lines.py."""

from libc.math cimport fabsf
from libc.stdint cimport uint8_t, uint16_t, uint32_t

import numpy as np

from screening.records import PixelState

from .results import (
    MAX_OPEN_BEAM,
    MAX_STRENGTH,
    MIN_AIR_SIGMAS,
    UNSEEN_BITS,
    UNSEEN_NEG_LOG,
    UNSEEN_VARIANCE,
)


cdef extern from "lines.h" nogil:
    ctypedef struct screening_row:
        float dark
        float open_beam
        float least_strength
        float sigma
        float gain
        float unseen_neg_log
        float unseen_variance
        uint32_t saturation
        uint8_t bits
        uint8_t unseen
        uint8_t lost_line
        uint8_t saturated
        uint8_t censored

    void screening_correct_row(
        const uint16_t *raw, const float *strength, const float *inverse_strength, const uint8_t *column_bits,
        float *neg_log, float *variance, uint8_t *state, Py_ssize_t n_column, bint has_dim,
        const screening_row *row
    ) noexcept

    int screening_isa_level() noexcept


def isa_level():
    return screening_isa_level()


def correct_lines(
    const uint16_t[:, ::1] raw not None,
    *,
    const float[::1] dark not None,
    const float[::1] air not None,
    const float[::1] reference,
    const uint8_t[::1] row_mask,
    const uint8_t[::1] column_mask,
    float electronic_sigma,
    float gain,
    uint32_t saturation,
    out not None,
):
    cdef:
        Py_ssize_t n_row = raw.shape[0], n_column = raw.shape[1], i
        float[:, ::1] neg_log = out.neg_log
        float[:, ::1] variance = out.variance
        uint8_t[:, ::1] state = out.state
        float[::1] strength = np.ones(n_column, dtype=np.float32)
        float[::1] inverse_strength = np.ones(n_column, dtype=np.float32)
        uint8_t[::1] column_bits = np.zeros(n_column, dtype=np.uint8)
        uint8_t dead_row = PixelState.DEAD_ROW
        float limit = <float> MIN_AIR_SIGMAS * electronic_sigma, weakest = 1
        float most_beam = MAX_OPEN_BEAM, most_strength = MAX_STRENGTH
        screening_row row
    if n_row == 0 or n_column == 0:
        return out
    row.sigma = electronic_sigma
    row.gain = gain
    row.unseen_neg_log = UNSEEN_NEG_LOG
    row.unseen_variance = UNSEEN_VARIANCE
    row.saturation = saturation
    row.unseen = UNSEEN_BITS
    row.lost_line = PixelState.LOST_LINE
    row.saturated = PixelState.SATURATED
    row.censored = PixelState.CENSORED
    with nogil:
        for i in range(n_column):
            if column_mask is not None:
                column_bits[i] = column_mask[i]
            if reference is None:
                continue
            if 0 < reference[i] <= most_strength:
                strength[i] = reference[i]
                inverse_strength[i] = 1 / reference[i]
                weakest = min(weakest, reference[i])
            else:
                column_bits[i] = column_bits[i] | row.lost_line
        for i in range(n_row):
            row.bits = row_mask[i] if row_mask is not None else 0
            row.dark = dark[i]
            row.open_beam = air[i] - dark[i]
            # Written so that what is not a number fails too.
            if not (fabsf(row.dark) <= 65535 and limit <= row.open_beam <= most_beam):
                row.bits = row.bits | dead_row
                row.dark = 0
                row.open_beam = 1
            row.least_strength = limit / row.open_beam
            screening_correct_row(
                &raw[i, 0], &strength[0], &inverse_strength[0], &column_bits[0],
                &neg_log[i, 0], &variance[i, 0], &state[i, 0], n_column,
                weakest < row.least_strength, &row
            )
    return out
