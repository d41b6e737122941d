/* Directions and energies after a photon's interactions. */
#ifndef SCREENING_PHOTON_PHYSICS_H
#define SCREENING_PHOTON_PHYSICS_H

#include <math.h>

#include "photon_bodies.h"
#include "photon_random.h"

#define SCREENING_MC2 510.99895 /* electron rest energy, keV (CODATA 2018) */
#define SCREENING_HC 12.398420  /* h c, keV angstrom (CODATA 2018) */

/* Cosine and sine of a uniform azimuth (von Neumann 1951). */
static inline void screening_azimuth(screening_random *r, double *cosine, double *sine) {
    double x, y, q;
    do {
        x = 2.0 * screening_uniform(r) - 1.0;
        y = screening_uniform(r);
        q = x * x + y * y;
    } while (q > 1.0);
    const double inverse = 1.0 / q;
    *cosine = (x * x - y * y) * inverse;
    *sine = 2.0 * x * y * inverse;
}

/* Turn a direction by a polar angle and a uniform azimuth. */
static inline void screening_turn(screening_random *r, const double *d, double cosine, double *out) {
    double c, s;
    screening_azimuth(r, &c, &s);
    const double square = 1.0 - cosine * cosine, sine = square > 0 ? sqrt(square) : 0.0;
    const double u = d[0], v = d[1], w = d[2], flat = u * u + v * v;
    if (flat > 1e-10) {
        const double rho = sqrt(flat), t = sine / rho;
        out[0] = u * cosine + t * (u * w * c - v * s);
        out[1] = v * cosine + t * (v * w * c + u * s);
        out[2] = w * cosine - sine * rho * c;
    } else {
        out[0] = sine * c;
        out[1] = sine * s;
        out[2] = w > 0 ? cosine : -cosine;
    }
    /* Rounding must not let a direction drift away from length 1. */
    const double scale = 1.5 - 0.5 * (out[0] * out[0] + out[1] * out[1] + out[2] * out[2]);
    for (int k = 0; k < 3; k++) {
        out[k] *= scale;
    }
    screening_direct(out);
}

static inline void screening_isotropic(screening_random *r, double *d) {
    const double axis[3] = {0.0, 0.0, 1.0};
    screening_turn(r, axis, 2.0 * screening_uniform(r) - 1.0, d);
}

/* Klein and Nishina by Kahn's method (1954); returns the cosine, sets the energy left. */
static inline double screening_compton(screening_random *r, double energy, double binding, double *left) {
    const double alpha = energy / SCREENING_MC2, twice = 2.0 * alpha, q = 0.5 * (energy / SCREENING_HC) * (energy / SCREENING_HC);
    const double most = energy / SCREENING_HC, bound = most / (most + binding);
    for (;;) {
        double eta, cosine;
        if (screening_uniform(r) * (twice + 9.0) <= twice + 1.0) {
            eta = 1.0 + twice * screening_uniform(r);
            cosine = 1.0 - (eta - 1.0) / alpha;
            const double inverse = 1.0 / eta;
            if (screening_uniform(r) > 4.0 * (inverse - inverse * inverse)) {
                continue;
            }
        } else {
            eta = (1.0 + twice) / (1.0 + twice * screening_uniform(r));
            cosine = 1.0 - (eta - 1.0) / alpha;
            if (screening_uniform(r) > 0.5 * (cosine * cosine + 1.0 / eta)) {
                continue;
            }
        }
        /* Incoherent scattering function x / (x + x0), with x = E sin(theta / 2) / h c. */
        const double x = sqrt(q * (1.0 - cosine));
        if (screening_uniform(r) * bound * (x + binding) < x) {
            *left = energy / eta;
            return cosine;
        }
    }
}

/* Rayleigh with the form factor 1 / (1 + x^2 / b^2); returns the cosine. */
static inline double screening_rayleigh(screening_random *r, double energy, double form) {
    const double scale = (energy / SCREENING_HC) * (energy / SCREENING_HC) / form; /* of x^2 / b^2 at 180 degrees */
    for (;;) {
        const double y = 1.0 / (1.0 - screening_uniform(r) * scale / (1.0 + scale)) - 1.0;
        const double cosine = 1.0 - 2.0 * y / scale;
        if (screening_uniform(r) <= 0.5 * (1.0 + cosine * cosine)) {
            return cosine;
        }
    }
}

/* Cosine of what a fast electron sends out, or of the electron itself: (1 - b cos)^-2, b its speed. */
static inline double screening_forward(screening_random *r, double kinetic) {
    const double gamma = 1.0 + kinetic / SCREENING_MC2, b = sqrt(1.0 - 1.0 / (gamma * gamma));
    const double x = 2.0 * screening_uniform(r) - 1.0;
    return (x + b) / (1.0 + b * x);
}

#endif
