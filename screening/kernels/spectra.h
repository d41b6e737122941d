/* Counts of one spectrum shared among new channels by a list of overlaps. */
#ifndef SCREENING_SPECTRA_H
#define SCREENING_SPECTRA_H

#include "portable.h"

typedef struct {
    ptrdiff_t from, to; /* channel and new channel */
    double share;       /* part of the channel that lies in the new one */
} screening_overlap;

/*
 * Walk both sets of edges once and list the overlaps, at most n_in + n_out. A channel that lies wholly in
 * a new one is shared as exactly 1, so that its counts come through unchanged.
 */
static inline ptrdiff_t screening_overlaps(
    const double *edges_in, ptrdiff_t n_in, const double *edges_out, ptrdiff_t n_out, screening_overlap *overlaps) {
    ptrdiff_t from = 0, to = 0, n = 0;
    while (from < n_in && to < n_out) {
        const double low = edges_in[from] > edges_out[to] ? edges_in[from] : edges_out[to];
        const double high = edges_in[from + 1] < edges_out[to + 1] ? edges_in[from + 1] : edges_out[to + 1];
        if (high > low) {
            overlaps[n].from = from;
            overlaps[n].to = to;
            overlaps[n].share = (high - low) / (edges_in[from + 1] - edges_in[from]);
            n++;
        }
        if (edges_in[from + 1] <= edges_out[to + 1]) {
            from++;
        } else {
            to++;
        }
    }
    return n;
}

static inline void screening_share(
    const double *SCREENING_RESTRICT counts, double *SCREENING_RESTRICT shared,
    const screening_overlap *SCREENING_RESTRICT overlaps, ptrdiff_t n_overlap) {
    for (ptrdiff_t i = 0; i < n_overlap; i++) {
        shared[overlaps[i].to] += counts[overlaps[i].from] * overlaps[i].share;
    }
}

#endif
