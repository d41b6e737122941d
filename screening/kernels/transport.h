/*
 * Polychromatic transmission: sum of w_k exp(-sum of mu d) over the bins of a spectrum. Pixels of air are
 * left out and materials that a chunk does not hold are skipped; the exponential is a polynomial because no
 * vector exponential can be linked to portably.
 */
#ifndef SCREENING_TRANSPORT_H
#define SCREENING_TRANSPORT_H

#include "portable.h"
#include <string.h>

#define SCREENING_TRANSPORT_CHUNK 256
#define SCREENING_MAX_MATERIALS 64

/*
 * exp(x) for -700 <= x <= 0, to 1e-8: x = k ln 2 + f, |f| <= ln 2 / 2, Taylor's series of f to the seventh
 * power. Adding 1.5 2^52 rounds to a whole number and leaves it in the low bits.
 */
static inline double screening_exp(double x) {
    const double magic = 6755399441055744.0;
    const double shifted = x * 1.4426950408889634 + magic;
    const double f = x - (shifted - magic) * 0.69314718055994530942;
    double p = 1.0 / 5040.0;
    p = p * f + 1.0 / 720.0;
    p = p * f + 1.0 / 120.0;
    p = p * f + 1.0 / 24.0;
    p = p * f + 1.0 / 6.0;
    p = p * f + 0.5;
    p = p * f + 1.0;
    p = p * f + 1.0;
    uint64_t bits, k;
    memcpy(&bits, &p, sizeof bits);
    memcpy(&k, &shifted, sizeof k);
    bits += k << 52;
    memcpy(&p, &bits, sizeof p);
    return p;
}

/* planes: n_material of them, stride apart; mu: (n_material, n_bin); n at most a chunk. */
SCREENING_CLONES
static void screening_transmit(
    const float *planes, ptrdiff_t n_material, ptrdiff_t stride, const double *mu, const double *weight,
    ptrdiff_t n_bin, float *SCREENING_RESTRICT out, ptrdiff_t n) {
    double density[SCREENING_MAX_MATERIALS][SCREENING_TRANSPORT_CHUNK];
    double depth[SCREENING_TRANSPORT_CHUNK], total[SCREENING_TRANSPORT_CHUNK];
    float sum[SCREENING_TRANSPORT_CHUNK];
    ptrdiff_t present[SCREENING_MAX_MATERIALS], place[SCREENING_TRANSPORT_CHUNK];
    ptrdiff_t n_present = 0, n_covered = 0;

    for (ptrdiff_t i = 0; i < n; i++) {
        sum[i] = 0.0f;
    }
    for (ptrdiff_t m = 0; m < n_material; m++) {
        const float *SCREENING_RESTRICT plane = planes + m * stride;
        int any = 0;
        for (ptrdiff_t i = 0; i < n; i++) {
            /* written so that what is not a number counts as there */
            any |= !(plane[i] <= 0.0f);
        }
        if (any) {
            present[n_present++] = m;
            for (ptrdiff_t i = 0; i < n; i++) {
                sum[i] = plane[i] <= 0.0f ? sum[i] : 1.0f;
            }
        }
    }
    for (ptrdiff_t i = 0; i < n; i++) {
        out[i] = 1.0f;
        place[n_covered] = i;
        n_covered += sum[i] != 0.0f;
    }
    if (n_covered == 0) {
        return;
    }
    for (ptrdiff_t p = 0; p < n_present; p++) {
        const float *plane = planes + present[p] * stride;
        double *SCREENING_RESTRICT d = density[p];
        for (ptrdiff_t j = 0; j < n_covered; j++) {
            const float value = plane[place[j]];
            d[j] = value < 0.0f ? 0.0 : (double)value;
        }
    }
    for (ptrdiff_t j = 0; j < n_covered; j++) {
        total[j] = 0.0;
    }
    for (ptrdiff_t k = 0; k < n_bin; k++) {
        const double w = weight[k];
        const double first = -mu[present[0] * n_bin + k];
        for (ptrdiff_t j = 0; j < n_covered; j++) {
            depth[j] = first * density[0][j];
        }
        for (ptrdiff_t p = 1; p < n_present; p++) {
            const double c = mu[present[p] * n_bin + k];
            const double *SCREENING_RESTRICT d = density[p];
            for (ptrdiff_t j = 0; j < n_covered; j++) {
                depth[j] -= c * d[j];
            }
        }
        for (ptrdiff_t j = 0; j < n_covered; j++) {
            total[j] += w * screening_exp(depth[j] > -700.0 ? depth[j] : -700.0);
        }
    }
    for (ptrdiff_t j = 0; j < n_covered; j++) {
        out[place[j]] = (float)total[j];
    }
}

#endif
