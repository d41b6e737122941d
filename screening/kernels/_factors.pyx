"""Compiled Poisson regression on few factors; the checks are in factors.py."""

from libc.stdint cimport int32_t, uint16_t

import numpy as np


cdef extern from "factors.h" nogil:
    enum:
        SCREENING_LANES
        SCREENING_MAX_FACTOR

    int screening_fit_row(
        const float *counts, const float *const *factor, const double *sum, int n_factor, double *amplitude,
        double tolerance, int max_step, float *inverse, float *ratio, double *H, double *deviance, double total,
        Py_ssize_t width
    ) noexcept

    int screening_ratio_row(
        const float *counts, const float *const *factor, const double *sum, int n_factor, const double *amplitude,
        const float *inverse, const float *ratio, const double *H, double deviance, double total,
        const float *template_rows, const double *template_sum, Py_ssize_t n_template, double gate,
        double tolerance, int max_step, float *found, Py_ssize_t width
    ) noexcept

    void screening_log_ratio_row(
        const float *counts, const float *inverse, const float *template_rows, Py_ssize_t n_template,
        const float *level, Py_ssize_t n_level, float *found, Py_ssize_t width
    ) noexcept


cdef _padded(rows):
    """Return rows with zeros up to whole lanes."""
    wide = -(-rows.shape[1] // SCREENING_LANES) * SCREENING_LANES
    out = np.zeros((rows.shape[0], wide), np.float32)
    out[:, :rows.shape[1]] = rows
    return out


def fit_factors(
    const float[:, ::1] spectra not None, const float[:, ::1] basis not None, const double[::1] start not None, *,
    templates, double gate, double tolerance, int max_steps
):
    cdef:
        Py_ssize_t n_row = spectra.shape[0], n_bin = spectra.shape[1], i, b, width, n_template = 0
        int n_factor = basis.shape[0], r
        double total, before = 0.0, scale
        const float[:, ::1] wide = _padded(np.asarray(basis))
        const float[:, ::1] extra
        const float *factor[SCREENING_MAX_FACTOR]
        double[::1] sums = np.asarray(basis).sum(axis=1, dtype=np.float64)
        double[::1] extra_sums
        double[::1] current = np.array(start)
        double[::1] H = np.zeros(SCREENING_MAX_FACTOR * SCREENING_MAX_FACTOR)
        float[::1] row, inverse, ratio
        float[:, ::1] amplitude = np.empty((n_row, n_factor), np.float32)
        double[::1] deviance = np.empty(n_row)
        int32_t[::1] n_step = np.empty(n_row, np.int32)
        float[:, ::1] found
    width = wide.shape[1]
    if templates is not None:
        extra = _padded(templates)
        extra_sums = templates.sum(axis=1, dtype=np.float64)
        n_template = extra.shape[0]
    ratios = np.empty((n_row, n_template), np.float32)
    found = ratios
    row = np.zeros(width, np.float32)
    inverse = np.zeros(width, np.float32)
    ratio = np.zeros(width, np.float32)
    for r in range(n_factor):
        factor[r] = &wide[r, 0]
    with nogil:
        for i in range(n_row):
            total = 0.0
            for b in range(n_bin):
                row[b] = spectra[i, b]
                total += spectra[i, b]
            # From the answer of the row before, scaled to the counts; after a row without counts afresh.
            if not before > 0.0:
                for r in range(n_factor):
                    current[r] = start[r]
                    before += start[r] * sums[r]
            scale = total / before if before > 0.0 else 1.0
            for r in range(n_factor):
                current[r] = current[r] * scale
            n_step[i] = screening_fit_row(
                &row[0], factor, &sums[0], n_factor, &current[0], tolerance, max_steps, &inverse[0], &ratio[0],
                &H[0], &deviance[i], total, width
            )
            before = 0.0
            for r in range(n_factor):
                amplitude[i, r] = <float>current[r]
                before += current[r] * sums[r]
            if n_template > 0:
                if not screening_ratio_row(
                    &row[0], factor, &sums[0], n_factor, &current[0], &inverse[0], &ratio[0], &H[0], deviance[i],
                    total, &extra[0, 0], &extra_sums[0], n_template, gate, tolerance, max_steps, &found[i, 0], width
                ):
                    n_step[i] = -1
    return np.asarray(amplitude), np.asarray(deviance), np.asarray(n_step), ratios


def log_ratios(
    const uint16_t[:, ::1] counts not None, const float[:, ::1] background not None,
    const float[:, ::1] templates not None, const float[::1] levels not None
):
    cdef:
        Py_ssize_t n_row = counts.shape[0], n_bin = counts.shape[1], i, b, width
        Py_ssize_t n_template = templates.shape[0], n_level = levels.shape[0]
        const float[:, ::1] wide = _padded(np.asarray(templates))
        float[::1] row, inverse
        float[:, :, ::1] found
    result = np.zeros((n_row, n_template, n_level), np.float32)
    if result.size == 0 or n_bin == 0:
        return result
    found = result
    width = wide.shape[1]
    row = np.zeros(width, np.float32)
    inverse = np.zeros(width, np.float32)
    with nogil:
        for i in range(n_row):
            for b in range(n_bin):
                row[b] = <float>counts[i, b]
                inverse[b] = 1.0 / background[i, b]
            screening_log_ratio_row(
                &row[0], &inverse[0], &wide[0, 0], n_template, &levels[0], n_level, &found[i, 0, 0], width
            )
    return result
