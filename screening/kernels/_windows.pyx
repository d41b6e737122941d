"""Compiled window statistics; the checks are in windows.py."""

from libc.stdint cimport int64_t

import numpy as np

from .results import CountWindows


cdef extern from "windows.h" nogil:
    void screening_slide(
        const int64_t *entering, const int64_t *leaving, int64_t *total, int64_t *n_missing, Py_ssize_t n_group
    ) noexcept

    void screening_window(
        const int64_t *total, const int64_t *n_missing, const double *background, const double *root,
        const double *threshold, double *nsigma, double *max_nsigma, int64_t *argmax, int64_t *n_alarms,
        int64_t window, Py_ssize_t n_group
    ) noexcept


def count_windows(
    const int64_t[:, ::1] counts not None, const double[::1] background not None, *, Py_ssize_t window, double n_sigma
):
    cdef:
        Py_ssize_t n_interval = counts.shape[0], n_group = counts.shape[1], i, first
        Py_ssize_t n_window = max(n_interval - window + 1, 0)
        double[:, ::1] nsigma
        double[::1] root, threshold, max_nsigma
        int64_t[::1] argmax, n_alarms, total, n_missing
        const int64_t *leaving
    expected = np.asarray(background)
    has_background = np.isfinite(expected) & (expected > 0)
    roots = np.sqrt(np.where(has_background, expected, 1.0))
    root = np.where(has_background, roots, np.nan)
    threshold = np.where(has_background, expected, 0.0) + n_sigma * roots
    result = CountWindows(
        np.empty((n_window, n_group)), np.full(n_group, np.nan), np.full(n_group, -1, dtype=np.int64),
        np.zeros(n_group, dtype=np.int64),
    )
    if n_window == 0 or n_group == 0:
        return result
    nsigma, max_nsigma, argmax, n_alarms = result
    total = np.zeros(n_group, dtype=np.int64)
    n_missing = np.zeros(n_group, dtype=np.int64)
    with nogil:
        for i in range(n_interval):
            leaving = &counts[i - window, 0] if i >= window else NULL
            screening_slide(&counts[i, 0], leaving, &total[0], &n_missing[0], n_group)
            first = i - window + 1
            if first >= 0:
                screening_window(
                    &total[0], &n_missing[0], &background[0], &root[0], &threshold[0], &nsigma[first, 0],
                    &max_nsigma[0], &argmax[0], &n_alarms[0], first, n_group
                )
    return result
