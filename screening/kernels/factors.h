/*
 * Rows of Poisson counts against few factors. Sums run over lanes that are added in one order, so every
 * instruction set gives the same bits; single precision, because a row has some hundred bins and what is
 * asked of a deviance is three digits. Rows are padded with zeros to whole lanes.
 */
#ifndef SCREENING_FACTORS_H
#define SCREENING_FACTORS_H

#include "portable.h"
#include <math.h>
#include <string.h>

#define SCREENING_LANES 16
#define SCREENING_MAX_FACTOR 24
/* Expected counts below this are taken as this: a factor may be 0 where something was counted. */
#define SCREENING_LEAST 1e-6f
/* Added to the diagonal of the information, over it: factors may be alike. */
#define SCREENING_RIDGE 1e-7
#define SCREENING_SWEEPS 40

/* Natural logarithm of a normal positive number, by 2 artanh((m - 1) / (m + 1)): to 1e-7. */
static inline float screening_log(float x) {
    int32_t bits;
    memcpy(&bits, &x, sizeof bits);
    /* m from sqrt(1/2) to sqrt(2) */
    const int32_t shift = (bits - 0x3f3504f3) >> 23;
    bits -= shift * (1 << 23);
    float m;
    memcpy(&m, &bits, sizeof m);
    const float z = (m - 1.0f) / (m + 1.0f), s = z * z;
    const float series = 2.0f + s * (0.66666667f + s * (0.4f + s * (0.28571429f + s * 0.22222222f)));
    return z * series + 0.69314718f * (float)shift;
}

static inline float screening_fold(const float *lane) {
    float half[8], quarter[4];
    for (int i = 0; i < 8; i++) {
        half[i] = lane[i] + lane[i + 8];
    }
    for (int i = 0; i < 4; i++) {
        quarter[i] = half[i] + half[i + 4];
    }
    return (quarter[0] + quarter[2]) + (quarter[1] + quarter[3]);
}

/* Sum of x y over a padded row. */
static inline float screening_dot(
    const float *SCREENING_RESTRICT x, const float *SCREENING_RESTRICT y, ptrdiff_t width) {
    float lane[SCREENING_LANES] = {0};
    for (ptrdiff_t b = 0; b < width; b += SCREENING_LANES) {
        for (int i = 0; i < SCREENING_LANES; i++) {
            lane[i] += x[b + i] * y[b + i];
        }
    }
    return screening_fold(lane);
}

/* Expected counts, their inverse, and what was counted over them. */
static inline void screening_model(
    const float *SCREENING_RESTRICT counts, const float *const *factor, int n_factor, const double *amplitude,
    float *SCREENING_RESTRICT inverse, float *SCREENING_RESTRICT ratio, ptrdiff_t width) {
    for (ptrdiff_t b = 0; b < width; b++) {
        inverse[b] = 0.0f;
    }
    for (int r = 0; r < n_factor; r++) {
        const float a = (float)amplitude[r];
        const float *SCREENING_RESTRICT w = factor[r];
        for (ptrdiff_t b = 0; b < width; b++) {
            inverse[b] += a * w[b];
        }
    }
    for (ptrdiff_t b = 0; b < width; b++) {
        const float mean = inverse[b] > SCREENING_LEAST ? inverse[b] : SCREENING_LEAST;
        inverse[b] = 1.0f / mean;
        ratio[b] = counts[b] * inverse[b];
    }
}

/* 2 sum(n ln(n / m) - n + m); m = 1 / inverse. */
static inline double screening_deviance(
    const float *SCREENING_RESTRICT counts, const float *SCREENING_RESTRICT ratio, double total, double mean,
    ptrdiff_t width) {
    float lane[SCREENING_LANES] = {0};
    for (ptrdiff_t b = 0; b < width; b += SCREENING_LANES) {
        for (int i = 0; i < SCREENING_LANES; i++) {
            const float q = ratio[b + i];
            lane[i] += counts[b + i] * screening_log(q > 1e-30f ? q : 1e-30f);
        }
    }
    const double deviance = 2.0 * ((double)screening_fold(lane) - total + mean);
    return deviance > 0.0 ? deviance : 0.0;
}

/* Cholesky of a symmetric matrix with a ridge; rows that are not free are left out. 0 if it is singular. */
static inline int screening_factorise(const double *H, const int *is_free, double *L, int n) {
    for (int i = 0; i < n; i++) {
        if (!is_free[i]) {
            continue;
        }
        for (int j = 0; j <= i; j++) {
            if (!is_free[j]) {
                continue;
            }
            double sum = H[i * SCREENING_MAX_FACTOR + j];
            if (i == j) {
                sum *= 1.0 + SCREENING_RIDGE;
            }
            for (int k = 0; k < j; k++) {
                if (is_free[k]) {
                    sum -= L[i * SCREENING_MAX_FACTOR + k] * L[j * SCREENING_MAX_FACTOR + k];
                }
            }
            if (i == j) {
                if (!(sum > 0.0)) {
                    return 0;
                }
                L[i * SCREENING_MAX_FACTOR + i] = sqrt(sum);
            } else {
                L[i * SCREENING_MAX_FACTOR + j] = sum / L[j * SCREENING_MAX_FACTOR + j];
            }
        }
    }
    return 1;
}

/* Forward substitution: the squared norm of L^-1 c over the free rows; x = L^-1 c. */
static inline double screening_forward(const double *L, const int *is_free, const double *c, double *x, int n) {
    double norm = 0.0;
    for (int i = 0; i < n; i++) {
        if (!is_free[i]) {
            x[i] = 0.0;
            continue;
        }
        double sum = c[i];
        for (int k = 0; k < i; k++) {
            sum -= L[i * SCREENING_MAX_FACTOR + k] * x[k];
        }
        x[i] = sum / L[i * SCREENING_MAX_FACTOR + i];
        norm += x[i] * x[i];
    }
    return norm;
}

/*
 * The step d that maximises g'd - d'Hd / 2 with a + d >= 0. Without a bound in the way it is Newton's; else
 * coordinates are taken in turn. Returns what is gained.
 */
static inline double screening_step(const double *H, const double *g, const double *a, double *d, int n) {
    int all[SCREENING_MAX_FACTOR];
    double L[SCREENING_MAX_FACTOR * SCREENING_MAX_FACTOR], x[SCREENING_MAX_FACTOR];
    int is_inside = 1;
    for (int i = 0; i < n; i++) {
        all[i] = 1;
        x[i] = 0.0;
    }
    if (screening_factorise(H, all, L, n)) {
        screening_forward(L, all, g, x, n);
        for (int i = n - 1; i >= 0; i--) {
            double sum = x[i];
            for (int k = i + 1; k < n; k++) {
                sum -= L[k * SCREENING_MAX_FACTOR + i] * d[k];
            }
            d[i] = sum / L[i * SCREENING_MAX_FACTOR + i];
        }
        for (int i = 0; i < n; i++) {
            is_inside = is_inside && a[i] + d[i] >= 0.0;
        }
    } else {
        is_inside = 0;
    }
    if (!is_inside) {
        for (int i = 0; i < n; i++) {
            d[i] = 0.0;
        }
        for (int sweep = 0; sweep < SCREENING_SWEEPS; sweep++) {
            double most = 0.0;
            for (int i = 0; i < n; i++) {
                const double h = H[i * SCREENING_MAX_FACTOR + i] * (1.0 + SCREENING_RIDGE);
                if (!(h > 0.0)) {
                    continue;
                }
                double slope = g[i];
                for (int k = 0; k < n; k++) {
                    const int low = i > k ? i : k, high = i > k ? k : i;
                    slope -= H[low * SCREENING_MAX_FACTOR + high] * d[k];
                }
                double moved = d[i] + slope / h;
                moved = moved < -a[i] ? -a[i] : moved;
                const double gain = (moved - d[i]) * (moved - d[i]) * h;
                most = gain > most ? gain : most;
                d[i] = moved;
            }
            if (most < 1e-8) {
                break;
            }
        }
    }
    double gain = 0.0;
    for (int i = 0; i < n; i++) {
        double Hd = 0.0;
        for (int k = 0; k < n; k++) {
            const int low = i > k ? i : k, high = i > k ? k : i;
            Hd += H[low * SCREENING_MAX_FACTOR + high] * d[k];
        }
        gain += d[i] * (g[i] - 0.5 * Hd);
    }
    return gain;
}

/*
 * Fit one row by Fisher scoring with a >= 0 from the amplitudes given: mean = sum a_r w_r. The logarithm of
 * the likelihood is concave, so a step is halved while the slope at its end points back more steeply than it
 * pointed ahead. Ends when a step would gain less than `tolerance` in ln L; returns how many steps it took,
 * or -1 when there were too many. `inverse`, `ratio` and `H` (lower triangle) are those of the answer.
 */
SCREENING_CLONES
static int screening_fit_row(
    const float *counts, const float *const *factor, const double *sum, int n_factor, double *amplitude,
    double tolerance, int max_step, float *inverse, float *ratio, double *H, double *deviance, double total,
    ptrdiff_t width) {
    double g[SCREENING_MAX_FACTOR], d[SCREENING_MAX_FACTOR] = {0};
    float weighted[SCREENING_LANES * 64];
    double slope = 0.0;
    int n_step = 0, is_done = 0;
    for (;;) {
        screening_model(counts, factor, n_factor, amplitude, inverse, ratio, width);
        double back = 0.0;
        for (int r = 0; r < n_factor; r++) {
            g[r] = (double)screening_dot(factor[r], ratio, width) - sum[r];
            back += g[r] * d[r];
        }
        if (n_step > 0 && back < -0.9 * slope && n_step < max_step) {
            for (int r = 0; r < n_factor; r++) {
                d[r] *= 0.5;
                amplitude[r] = amplitude[r] - d[r] > 0.0 ? amplitude[r] - d[r] : 0.0;
            }
            slope *= 0.5;
            n_step++;
            continue;
        }
        for (int r = 0; r < n_factor; r++) {
            for (ptrdiff_t b = 0; b < width; b++) {
                weighted[b] = factor[r][b] * inverse[b];
            }
            for (int s = 0; s <= r; s++) {
                H[r * SCREENING_MAX_FACTOR + s] = (double)screening_dot(factor[s], weighted, width);
            }
        }
        is_done = screening_step(H, g, amplitude, d, n_factor) < tolerance;
        if (is_done || n_step >= max_step) {
            break;
        }
        slope = 0.0;
        for (int r = 0; r < n_factor; r++) {
            slope += g[r] * d[r];
            amplitude[r] = amplitude[r] + d[r] > 0.0 ? amplitude[r] + d[r] : 0.0;
        }
        n_step++;
    }
    double mean = 0.0;
    for (int r = 0; r < n_factor; r++) {
        mean += amplitude[r] * sum[r];
    }
    *deviance = screening_deviance(counts, ratio, total, mean, width);
    return is_done ? n_step : -1;
}

/*
 * Signed root of the likelihood ratio of a row with and without one template more. Below `gate` it is the
 * score statistic, which needs no other fit: slope over the root of what information the template has
 * beyond the factors. Returns 0 if a fit did not converge.
 */
SCREENING_CLONES
static int screening_ratio_row(
    const float *counts, const float *const *factor, const double *sum, int n_factor, const double *amplitude,
    const float *inverse, const float *ratio, const double *H, double deviance, double total,
    const float *template_rows, const double *template_sum, ptrdiff_t n_template, double gate,
    double tolerance, int max_step, float *found, ptrdiff_t width) {
    int is_free[SCREENING_MAX_FACTOR], is_good = 1;
    double L[SCREENING_MAX_FACTOR * SCREENING_MAX_FACTOR], c[SCREENING_MAX_FACTOR], x[SCREENING_MAX_FACTOR];
    double a[SCREENING_MAX_FACTOR], sums[SCREENING_MAX_FACTOR];
    double more[SCREENING_MAX_FACTOR * SCREENING_MAX_FACTOR];
    const float *factors[SCREENING_MAX_FACTOR];
    float weighted[SCREENING_LANES * 64], other_inverse[SCREENING_LANES * 64], other_ratio[SCREENING_LANES * 64];
    for (int r = 0; r < n_factor; r++) {
        is_free[r] = amplitude[r] > 0.0;
        factors[r] = factor[r];
        sums[r] = sum[r];
    }
    const int is_regular = screening_factorise(H, is_free, L, n_factor);
    for (ptrdiff_t t = 0; t < n_template; t++) {
        const float *s = template_rows + t * width;
        const double slope = (double)screening_dot(s, ratio, width) - template_sum[t];
        for (ptrdiff_t b = 0; b < width; b++) {
            weighted[b] = s[b] * inverse[b];
        }
        const double own = (double)screening_dot(s, weighted, width);
        double information = own;
        if (slope > 0.0 && is_regular) {
            for (int r = 0; r < n_factor; r++) {
                c[r] = is_free[r] ? (double)screening_dot(factor[r], weighted, width) : 0.0;
            }
            information -= screening_forward(L, is_free, c, x, n_factor);
        }
        /* a template that is a mixture of the factors tells nothing */
        if (!(information > 1e-6 * own) || !(own > 0.0)) {
            found[t] = 0.0f;
            continue;
        }
        double value = slope / sqrt(information);
        if (value >= gate) {
            double with = 0.0;
            memcpy(a, amplitude, (size_t)n_factor * sizeof(double));
            factors[n_factor] = s;
            sums[n_factor] = template_sum[t];
            a[n_factor] = slope > 0.0 ? slope / information : 0.0;
            is_good = screening_fit_row(
                counts, factors, sums, n_factor + 1, a, tolerance, max_step, other_inverse, other_ratio, more,
                &with, total, width) >= 0 && is_good;
            value = deviance > with ? sqrt(deviance - with) : 0.0;
        }
        found[t] = (float)value;
    }
    return is_good;
}

/* Sum over bins of n ln(1 + level s / background), for each template and level. */
SCREENING_CLONES
static void screening_log_ratio_row(
    const float *SCREENING_RESTRICT counts, const float *SCREENING_RESTRICT inverse, const float *template_rows,
    ptrdiff_t n_template, const float *level, ptrdiff_t n_level, float *found, ptrdiff_t width) {
    float share[SCREENING_LANES * 64];
    for (ptrdiff_t t = 0; t < n_template; t++) {
        const float *SCREENING_RESTRICT s = template_rows + t * width;
        for (ptrdiff_t b = 0; b < width; b++) {
            share[b] = s[b] * inverse[b];
        }
        for (ptrdiff_t l = 0; l < n_level; l++) {
            const float part = level[l];
            float lane[SCREENING_LANES] = {0};
            for (ptrdiff_t b = 0; b < width; b += SCREENING_LANES) {
                for (int i = 0; i < SCREENING_LANES; i++) {
                    lane[i] += counts[b + i] * screening_log(1.0f + part * share[b + i]);
                }
            }
            found[t * n_level + l] = screening_fold(lane);
        }
    }
}

#endif
