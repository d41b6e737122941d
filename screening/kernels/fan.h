/*
 * Row kernels of the fan-beam tracer. A body is a unit box, cylinder or ball behind an affine map, so that
 * one line of doubles serves the rotated, the sheared and the stretched alike. Single precision is not
 * enough here: the distance to the source is thousands of times the thickness of a sheet.
 */
#ifndef SCREENING_FAN_H
#define SCREENING_FAN_H

#include "portable.h"
#include <math.h>
#include <string.h>

#define SCREENING_FAN_CHUNK 256
/* A ray this nearly along a face is lifted by a hair: its crossing with the plane is then far outside. */
#define SCREENING_FAN_LEAST 1e-12

enum { SCREENING_UPRIGHT = 0, SCREENING_BOX = 1, SCREENING_CYLINDER = 2, SCREENING_BALL = 3 };

typedef struct {
    double centre[3];
    double inverse[9];        /* rows of the map from metres to the unit body */
} screening_body;

static inline double screening_lifted(double x) {
    return fabs(x) < SCREENING_FAN_LEAST ? (x < 0 ? -SCREENING_FAN_LEAST : SCREENING_FAN_LEAST) : x;
}

/* Length of one ray in an upright box over the length of a level one: x0 < x1 behind the source. */
static inline double screening_upright_chord(double slope, double x0, double x1, double z0, double z1) {
    const double inverse = 1.0 / screening_lifted(slope);
    const double a = z0 * inverse, b = z1 * inverse;
    const double low = a < b ? a : b, high = a < b ? b : a;
    const double enter = low > x0 ? low : x0, leave = high < x1 ? high : x1;
    return leave > enter ? leave - enter : 0.0;
}

SCREENING_CLONES
static void screening_add_outer(
    float *SCREENING_RESTRICT row, const float *SCREENING_RESTRICT cover, float thickness, ptrdiff_t n) {
    for (ptrdiff_t i = 0; i < n; i++) {
        row[i] += thickness * cover[i];
    }
}

/*
 * One detector row of a convex body: rays of the slopes given (sub-rays of the row), at n positions y plus
 * the shifts given (parts of the line). What is added is density times the mean chord.
 */
SCREENING_CLONES
static void screening_add_row(
    float *SCREENING_RESTRICT row, const double *SCREENING_RESTRICT y, ptrdiff_t n_column, int kind,
    const screening_body *body, double density, double distance, double height, double skew,
    const double *slope, ptrdiff_t n_slope, const double *shift, ptrdiff_t n_shift) {
    double total[SCREENING_FAN_CHUNK];
    const double *const A = body->inverse;
    const double q0 = A[1], q1 = A[4], q2 = A[7];
    for (ptrdiff_t start = 0; start < n_column; start += SCREENING_FAN_CHUNK) {
        const ptrdiff_t left = n_column - start;
        const ptrdiff_t n = left < SCREENING_FAN_CHUNK ? left : SCREENING_FAN_CHUNK;
        const double *SCREENING_RESTRICT u = y + start;
        for (ptrdiff_t i = 0; i < n; i++) {
            total[i] = 0.0;
        }
        for (ptrdiff_t r = 0; r < n_slope; r++) {
            const double s = slope[r];
            const double stretch = sqrt(1.0 + s * s + skew * skew);
            const double d0 = screening_lifted(A[0] + A[1] * skew + A[2] * s);
            const double d1 = screening_lifted(A[3] + A[4] * skew + A[5] * s);
            const double d2 = screening_lifted(A[6] + A[7] * skew + A[8] * s);
            /* the ray's point at the depth of the body's centre */
            const double z = height + s * (distance + body->centre[0]) - body->centre[2];
            for (ptrdiff_t c = 0; c < n_shift; c++) {
                const double y0 = shift[c] + skew * body->centre[0] - body->centre[1];
                const double p0 = A[2] * z, p1 = A[5] * z, p2 = A[8] * z;
                if (kind == SCREENING_BALL) {
                    const double a = d0 * d0 + d1 * d1 + d2 * d2;
                    const double scale = 2.0 * stretch / a;
                    for (ptrdiff_t i = 0; i < n; i++) {
                        const double v = u[i] + y0;
                        const double o0 = p0 + q0 * v, o1 = p1 + q1 * v, o2 = p2 + q2 * v;
                        const double b = o0 * d0 + o1 * d1 + o2 * d2;
                        const double k = o0 * o0 + o1 * o1 + o2 * o2 - 1.0;
                        const double disc = b * b - a * k;
                        total[i] += scale * sqrt(disc > 0.0 ? disc : 0.0);
                    }
                } else if (kind == SCREENING_CYLINDER) {
                    const double a = d0 * d0 + d1 * d1;
                    const double over_a = 1.0 / a, over_2 = 1.0 / d2, half_2 = fabs(over_2);
                    for (ptrdiff_t i = 0; i < n; i++) {
                        const double v = u[i] + y0;
                        const double o0 = p0 + q0 * v, o1 = p1 + q1 * v, o2 = p2 + q2 * v;
                        const double b = o0 * d0 + o1 * d1;
                        const double k = o0 * o0 + o1 * o1 - 1.0;
                        const double disc = b * b - a * k;
                        const double half = sqrt(disc > 0.0 ? disc : 0.0) * over_a;
                        const double middle = -b * over_a, middle_2 = -o2 * over_2;
                        const double low = middle - half, low_2 = middle_2 - half_2;
                        const double high = middle + half, high_2 = middle_2 + half_2;
                        const double enter = low > low_2 ? low : low_2;
                        const double leave = high < high_2 ? high : high_2;
                        const double chord = leave - enter;
                        total[i] += stretch * (chord > 0.0 ? chord : 0.0);
                    }
                } else {
                    const double i0 = 1.0 / d0, i1 = 1.0 / d1, i2 = 1.0 / d2;
                    const double h0 = fabs(i0), h1 = fabs(i1), h2 = fabs(i2);
                    for (ptrdiff_t i = 0; i < n; i++) {
                        const double v = u[i] + y0;
                        const double m0 = -(p0 + q0 * v) * i0;
                        const double m1 = -(p1 + q1 * v) * i1;
                        const double m2 = -(p2 + q2 * v) * i2;
                        double enter = m0 - h0, leave = m0 + h0;
                        enter = m1 - h1 > enter ? m1 - h1 : enter;
                        leave = m1 + h1 < leave ? m1 + h1 : leave;
                        enter = m2 - h2 > enter ? m2 - h2 : enter;
                        leave = m2 + h2 < leave ? m2 + h2 : leave;
                        const double chord = leave - enter;
                        total[i] += stretch * (chord > 0.0 ? chord : 0.0);
                    }
                }
            }
        }
        const double weight = density / (double)(n_slope * n_shift);
        float *SCREENING_RESTRICT out = row + start;
        for (ptrdiff_t i = 0; i < n; i++) {
            out[i] += (float)(weight * total[i]);
        }
    }
}

/* First place in a falling list at which the value is below the limit. */
static inline ptrdiff_t screening_first_below(const double *falling, ptrdiff_t n, double limit) {
    ptrdiff_t low = 0, high = n;
    while (low < high) {
        const ptrdiff_t middle = (low + high) / 2;
        if (falling[middle] < limit) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

/*
 * One triangle in one plane y = const: its cut is a segment of the (x, z) plane; every ray that meets it
 * takes or gives the depth of the crossing. An edge is always cut from its lower to its upper end, so that
 * the two triangles at it agree to the bit, and limits are half-open: no ray is lost or counted twice.
 * With a skew the corners come sheared, so that a fan is a plane y = const again.
 */
static inline void screening_cut(
    const double *const v[3], double y, double distance, double height, double sign_x, double sign_z,
    double x_centre, double weight, double skew, const double *slope, ptrdiff_t n_slope, ptrdiff_t n_sub,
    double *SCREENING_RESTRICT column) {
    double x[2], z[2], s[2];
    for (int k = 0; k < 2; k++) {
        const double *from = v[0], *to = v[2];
        if (k == 1) {
            from = y < v[1][1] ? v[0] : v[1];
            to = y < v[1][1] ? v[1] : v[2];
        }
        const double share = (y - from[1]) / (to[1] - from[1]);
        x[k] = from[0] + share * (to[0] - from[0]);
        z[k] = from[2] + share * (to[2] - from[2]);
        s[k] = (z[k] - height) / (x[k] + distance);
    }
    const double top = s[0] > s[1] ? s[0] : s[1], bottom = s[0] > s[1] ? s[1] : s[0];
    const double near = x[0] < x[1] ? x[0] : x[1], far = x[0] < x[1] ? x[1] : x[0];
    const double dx = x[1] - x[0], dz = z[1] - z[0];
    /* rays with bottom <= slope < top */
    for (ptrdiff_t j = screening_first_below(slope, n_slope, top); j < n_slope && slope[j] >= bottom; j++) {
        const double divisor = dz - dx * slope[j];
        double at = (dz * x[0] + dx * (height + slope[j] * distance - z[0])) / divisor;
        at = at > near ? at : near;
        at = at < far ? at : far;
        const double sign = sign_x + sign_z * slope[j] < 0.0 ? -1.0 : 1.0;
        column[j / n_sub] += sign * weight * (at - x_centre) * sqrt(1.0 + slope[j] * slope[j] + skew * skew);
    }
}

#endif
