"""Compiled rebinning; the checks are in spectra.py."""

from libc.stdlib cimport free, malloc

import numpy as np


cdef extern from "spectra.h" nogil:
    ctypedef struct screening_overlap:
        pass

    Py_ssize_t screening_overlaps(
        const double *edges_in, Py_ssize_t n_in, const double *edges_out, Py_ssize_t n_out,
        screening_overlap *overlaps
    ) noexcept

    void screening_share(
        const double *counts, double *shared, const screening_overlap *overlaps, Py_ssize_t n_overlap
    ) noexcept


def rebin(
    const double[:, ::1] counts not None, const double[::1] edges_in not None, const double[::1] edges_out not None
):
    cdef:
        Py_ssize_t n = counts.shape[0], n_in = counts.shape[1], n_out = edges_out.shape[0] - 1, n_overlap, i
        double[:, ::1] shared
        screening_overlap *overlaps
    result = np.zeros((n, n_out))
    shared = result
    overlaps = <screening_overlap *> malloc((n_in + n_out) * sizeof(screening_overlap))
    if overlaps == NULL:
        raise MemoryError(f"no memory for {n_in + n_out} overlaps")
    with nogil:
        n_overlap = screening_overlaps(&edges_in[0], n_in, &edges_out[0], n_out, overlaps)
        for i in range(n):
            screening_share(&counts[i, 0], &shared[i, 0], overlaps, n_overlap)
        free(overlaps)
    return result
