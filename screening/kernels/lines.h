/*
 * Row kernel of the line correction: one pass over a row, nothing but arithmetic and blends, so that the
 * compiler vectorises it. The logarithm is a polynomial because no vector logarithm can be linked to
 * portably (libmvec comes with -ffast-math alone).
 */
#ifndef SCREENING_LINES_H
#define SCREENING_LINES_H

#include "portable.h"
#include <string.h>

/* Pixels whose planes pass through the first cache together. */
#define SCREENING_CHUNK 256

typedef struct {
    float dark;               /* signal without beam, counts */
    float open_beam;          /* air - dark, counts */
    float least_strength;     /* source strength under which a pixel measures nothing */
    float sigma;              /* electronic noise, counts: the noise limit */
    float gain;               /* photon-transfer gain, counts */
    float unseen_neg_log, unseen_variance;
    uint32_t saturation;      /* raw value of a saturated pixel */
    uint8_t bits;             /* state of the row */
    uint8_t unseen;           /* bits of unseen states */
    uint8_t lost_line, saturated, censored;
} screening_row;

/* Smallest raw count whose signal reaches the noise limit: the float comparison, made once a row. */
static inline uint32_t screening_least_count(const screening_row *row) {
    uint32_t low = 0, high = 65536;
    while (low < high) {
        const uint32_t middle = (low + high) / 2;
        if ((float)middle - row->dark < row->sigma) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

SCREENING_CLONES
static void screening_correct_row(
    const uint16_t *SCREENING_RESTRICT raw,
    const float *SCREENING_RESTRICT strength,
    const float *SCREENING_RESTRICT inverse_strength,
    const uint8_t *SCREENING_RESTRICT column_bits,
    float *SCREENING_RESTRICT neg_log,
    float *SCREENING_RESTRICT variance,
    uint8_t *SCREENING_RESTRICT state,
    ptrdiff_t n_column,
    int has_dim,
    const screening_row *row) {
    const screening_row p = *row;
    const float inverse_beam = 1.0f / p.open_beam;
    const float sigma2 = p.sigma * p.sigma;
    const uint32_t least = screening_least_count(row);
    /* With one subtracted, 0 < raw < least is one unsigned comparison. */
    const uint16_t last = (uint16_t)(least > 0 ? least - 1 : 0);
    const uint16_t top = (uint16_t)(p.saturation - 1);

    for (ptrdiff_t start = 0; start < n_column; start += SCREENING_CHUNK) {
        const ptrdiff_t left = n_column - start;
        const ptrdiff_t n = left < SCREENING_CHUNK ? left : SCREENING_CHUNK;
        const uint16_t *SCREENING_RESTRICT x = raw + start;
        const float *SCREENING_RESTRICT w = inverse_strength + start;
        const uint8_t *SCREENING_RESTRICT c = column_bits + start;
        float *SCREENING_RESTRICT y = neg_log + start;
        float *SCREENING_RESTRICT v = variance + start;
        uint8_t *SCREENING_RESTRICT b = state + start;
        uint8_t any = 0;

        for (ptrdiff_t i = 0; i < n; i++) {
            uint8_t bits = (uint8_t)(p.bits | c[i]);
            bits |= x[i] > top ? p.saturated : (uint8_t)0;
            bits |= (uint16_t)(x[i] - 1u) < last ? p.censored : (uint8_t)0;
            b[i] = bits;
            any |= bits;
        }
        if (has_dim) {
            for (ptrdiff_t i = 0; i < n; i++) {
                b[i] |= strength[start + i] < p.least_strength ? p.lost_line : (uint8_t)0;
                any |= b[i];
            }
        }

        /*
         * -ln(T), T = 2^k m with m in [sqrt(1/2), sqrt(2)): ln m = 2 atanh(s), s = (m - 1) / (m + 1),
         * |s| <= 0.1716, by a minimax polynomial in s^2 that is good to 3e-10. k ln 2 is added in two
         * parts, so that its rounding does not enter. The two reciprocals this takes, 1 / S and
         * 1 / (m + 1), share one division.
         */
        for (ptrdiff_t i = 0; i < n; i++) {
            const float signal = (float)(int32_t)x[i] - p.dark;
            const float clipped = signal > p.sigma ? signal : p.sigma;
            const float transmission = clipped * (inverse_beam * w[i]);
            uint32_t word;
            float m;
            memcpy(&word, &transmission, sizeof word);
            word -= 0x3f3504f3u; /* sqrt(1/2) */
            const float k = (float)((int32_t)word >> 23);
            word = (word & 0x007fffffu) + 0x3f3504f3u;
            memcpy(&m, &word, sizeof m);
            const float both = 1.0f / (clipped * (m + 1.0f));
            const float inverse = both * (m + 1.0f);
            const float s = (m - 1.0f) * (both * clipped);
            const float z = s * s;
            const float series = z * (0.6666682f + z * (0.39973605f + z * 0.29961264f));
            y[i] = -(k * 0.693359375f + (s * (2.0f + series) - k * 2.12194440e-4f));
            v[i] = (sigma2 * inverse + p.gain) * inverse;
        }
        if (any & p.unseen) {
            for (ptrdiff_t i = 0; i < n; i++) {
                const int is_unseen = (b[i] & p.unseen) != 0;
                y[i] = is_unseen ? p.unseen_neg_log : y[i];
                v[i] = is_unseen ? p.unseen_variance : v[i];
            }
        }
    }
}

#endif
