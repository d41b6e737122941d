/* Nested bodies of one shape: which holds a point, and where a line passes through it. */
#ifndef SCREENING_PHOTON_BODIES_H
#define SCREENING_PHOTON_BODIES_H

#include <math.h>

#include "portable.h"

enum { PH_BOX, PH_CYLINDER, PH_SPHERE };

static inline int screening_contains(int shape, const double *b, const double *p) {
    if (shape == PH_SPHERE) {
        return p[0] * p[0] + p[1] * p[1] + p[2] * p[2] < b[0] * b[0];
    }
    if (!(p[2] > b[2] && p[2] < b[3])) {
        return 0;
    }
    if (shape == PH_BOX) {
        return fabs(p[0]) < b[0] && fabs(p[1]) < b[1];
    }
    return p[0] * p[0] + p[1] * p[1] < b[0] * b[0];
}

/* Where the line through p along d is inside a body: from low to high. Returns 0 if it misses. */
static inline int screening_chord(int shape, const double *b, const double *p, const double *d, double *low, double *high) {
    double near = -HUGE_VAL, far = HUGE_VAL;
    if (shape != PH_SPHERE) {
        /* No direction component is exactly 0, see screening_direct. */
        const double inverse = 1.0 / d[2], first = (b[2] - p[2]) * inverse, last = (b[3] - p[2]) * inverse;
        near = first < last ? first : last;
        far = first < last ? last : first;
    }
    if (shape == PH_BOX) {
        for (int k = 0; k < 2; k++) {
            const double inverse = 1.0 / d[k], first = (-b[k] - p[k]) * inverse, last = (b[k] - p[k]) * inverse;
            const double lower = first < last ? first : last, upper = first < last ? last : first;
            near = lower > near ? lower : near;
            far = upper < far ? upper : far;
        }
    } else {
        double a = d[0] * d[0] + d[1] * d[1], h = p[0] * d[0] + p[1] * d[1];
        double c = p[0] * p[0] + p[1] * p[1] - b[0] * b[0];
        if (shape == PH_SPHERE) {
            a += d[2] * d[2];
            h += p[2] * d[2];
            c += p[2] * p[2];
        }
        const double root = h * h - a * c;
        if (!(root > 0.0)) {
            return 0;
        }
        const double width = sqrt(root), lower = (-h - width) / a, upper = (-h + width) / a;
        near = lower > near ? lower : near;
        far = upper < far ? upper : far;
    }
    *low = near;
    *high = far;
    return far > near;
}

/* Whether a straight way from one point to another passes a body by, in the cheap cases; 0 if in doubt. */
static inline int screening_passes(int shape, const double *b, const double *from, const double *to) {
    const double wide[2] = {b[0], shape == PH_BOX ? b[1] : b[0]};
    if (shape != PH_SPHERE && ((from[2] < b[2] && to[2] < b[2]) || (from[2] > b[3] && to[2] > b[3]))) {
        return 1;
    }
    for (int k = 0; k < 2; k++) {
        if ((from[k] > wide[k] && to[k] > wide[k]) || (from[k] < -wide[k] && to[k] < -wide[k])) {
            return 1;
        }
    }
    return 0;
}

static inline void screening_direct(double *d) {
    for (int k = 0; k < 3; k++) {
        if (fabs(d[k]) < 1e-12) {
            d[k] = d[k] < 0 ? -1e-12 : 1e-12;
        }
    }
}

#endif
