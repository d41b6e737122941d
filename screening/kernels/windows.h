/* Sliding sums along the intervals, one row of groups at a time. */
#ifndef SCREENING_WINDOWS_H
#define SCREENING_WINDOWS_H

#include "portable.h"
#include <math.h>

/*
 * Take interval `entering` into the sums and, where there is one, `leaving` out of them. A missing
 * interval (-1) counts as missing and adds nothing.
 */
static inline void screening_slide(
    const int64_t *entering, const int64_t *leaving, int64_t *total, int64_t *n_missing, ptrdiff_t n_group) {
    for (ptrdiff_t g = 0; g < n_group; g++) {
        const int64_t in = entering[g];
        total[g] += in >= 0 ? in : 0;
        n_missing[g] += in < 0;
    }
    if (leaving != NULL) {
        for (ptrdiff_t g = 0; g < n_group; g++) {
            const int64_t out = leaving[g];
            total[g] -= out >= 0 ? out : 0;
            n_missing[g] -= out < 0;
        }
    }
}

/* Significance of one window of every group; `root` is NaN for a group without background. */
static inline void screening_window(
    const int64_t *total, const int64_t *n_missing, const double *background, const double *root,
    const double *threshold, double *nsigma, double *max_nsigma, int64_t *argmax, int64_t *n_alarms,
    int64_t window, ptrdiff_t n_group) {
    for (ptrdiff_t g = 0; g < n_group; g++) {
        const double counts = (double)total[g];
        const double value = n_missing[g] ? NAN : (counts - background[g]) / root[g];
        nsigma[g] = value;
        if (value == value) {
            n_alarms[g] += counts > threshold[g];
            if (argmax[g] < 0 || value > max_nsigma[g]) {
                max_nsigma[g] = value;
                argmax[g] = window;
            }
        }
    }
}

#endif
