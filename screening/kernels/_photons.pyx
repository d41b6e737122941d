"""Compiled photon transport; the checks are in photons.py."""

from libc.stdint cimport int32_t, int64_t, uint64_t

import numpy as np


cdef extern from "photons.h" nogil:
    enum:
        PH_N_PEAK

    ctypedef struct screening_photon_setup:
        const float *table
        const double *binding
        const double *form
        const double *line_kev
        const double *line_cum
        const double *bounds
        const int32_t *material
        Py_ssize_t n_region
        int shape
        int source
        Py_ssize_t crystal
        double distance
        double energy
        const double *edges
        Py_ssize_t n_bin

    ctypedef struct screening_photon_tally:
        int64_t *histogram
        int64_t *peaks
        double *lost
        int64_t any
        int64_t uncollided
        int64_t outside
        double energy_in
        double energy_deposited
        double energy_out
        double energy_electrons

    void screening_photons(
        const screening_photon_setup *setup, int64_t n_history, uint64_t seed, screening_photon_tally *tally
    ) noexcept


def transport_photons(
    const float[:, :, ::1] table not None,
    const double[::1] binding not None,
    const double[::1] form not None,
    const double[:, :, ::1] line_kev not None,
    const double[:, :, ::1] line_cum not None,
    const double[:, ::1] bounds not None,
    const int32_t[::1] material not None,
    int shape,
    int source,
    Py_ssize_t crystal,
    double distance,
    double energy,
    const double[::1] edges not None,
    int64_t n_history,
    uint64_t seed,
):
    cdef:
        screening_photon_setup setup
        screening_photon_tally tally
        int64_t[::1] histogram_view, peaks_view
        double[::1] lost_view
    histogram = np.zeros(edges.shape[0] - 1, np.int64)
    peaks = np.zeros(PH_N_PEAK, np.int64)
    lost = np.zeros(PH_N_PEAK)
    histogram_view, peaks_view, lost_view = histogram, peaks, lost
    setup.table = &table[0, 0, 0]
    setup.binding = &binding[0]
    setup.form = &form[0]
    setup.line_kev = &line_kev[0, 0, 0]
    setup.line_cum = &line_cum[0, 0, 0]
    setup.bounds = &bounds[0, 0]
    setup.material = &material[0]
    setup.n_region = bounds.shape[0]
    setup.shape = shape
    setup.source = source
    setup.crystal = crystal
    setup.distance = distance
    setup.energy = energy
    setup.edges = &edges[0]
    setup.n_bin = edges.shape[0] - 1
    tally.histogram = &histogram_view[0]
    tally.peaks = &peaks_view[0]
    tally.lost = &lost_view[0]
    tally.any = tally.uncollided = tally.outside = 0
    tally.energy_in = tally.energy_deposited = tally.energy_out = tally.energy_electrons = 0.0
    with nogil:
        screening_photons(&setup, n_history, seed, &tally)
    return (
        histogram, peaks, lost, tally.any, tally.uncollided, tally.outside,
        tally.energy_in, tally.energy_deposited, tally.energy_out, tally.energy_electrons,
    )
