/* Photons through nested bodies, one history after the other. See photons.py for the physics. */
#ifndef SCREENING_PHOTONS_H
#define SCREENING_PHOTONS_H

#include <math.h>
#include <string.h>

#include "photon_physics.h"
#include "photon_table.h"
#include "portable.h"

#define PH_LOW 2.0       /* a photon below is absorbed where it is, keV */
#define PH_ELECTRON 100.0 /* electrons below stay where they are, keV */
#define PH_BREMS_LOW 30.0 /* least energy of a radiated photon, keV */
#define PH_MOST 48       /* photons that wait in one history */
#define PH_SAME 1e-6     /* two energies are the same, keV */

enum { PH_POINT, PH_PARALLEL, PH_ISOTROPIC, PH_CENTRE, PH_SURFACE };
enum { PH_FULL, PH_ALPHA, PH_BETA, PH_SINGLE, PH_DOUBLE, PH_511, PH_N_PEAK };

typedef struct {
    const float *table;      /* (n_material, SCREENING_N_NODE, PH_N_COLUMN) */
    const double *binding;   /* (n_material,), 1/angstrom */
    const double *form;      /* (n_material,), 1/angstrom, squared */
    const double *line_kev;  /* (n_material, PH_N_SLOT, PH_N_LINE) */
    const double *line_cum;  /* the same: cumulative shares */
    const double *bounds;    /* (n_region, 4): half x or radius, half y, low z, high z */
    const int32_t *material; /* (n_region,), -1 for nothing */
    ptrdiff_t n_region;
    int shape, source;
    ptrdiff_t crystal; /* region whose deposits are scored, -1 to score photons that come out */
    double distance;
    double energy;
    const double *edges; /* (n_bin + 1,) */
    ptrdiff_t n_bin;
} screening_photon_setup;

typedef struct {
    int64_t *histogram; /* (n_bin,) */
    int64_t *peaks;     /* (PH_N_PEAK,) */
    double *lost;       /* (PH_N_PEAK,): sum of the energies that escaped, keV */
    int64_t any;        /* histories with a deposit; or photons that came out after an interaction */
    int64_t uncollided; /* histories whose photon left without an interaction */
    int64_t outside;    /* scored, but outside the bins */
    double energy_in, energy_deposited, energy_out, energy_electrons; /* keV, all histories */
} screening_photon_tally;

typedef struct {
    double p[3], d[3], e;
    ptrdiff_t region;
    int is_source;
} screening_photon;

static inline void screening_push(screening_photon *stack, int *n, const screening_photon *parent, const double *d, double energy) {
    screening_photon *next = &stack[(*n)++];
    *next = *parent;
    memcpy(next->d, d, 3 * sizeof(double));
    next->e = energy;
    next->is_source = 0;
}

/* What an electron leaves in the region it starts in; what it radiates goes on the stack. */
static inline double screening_electron(
    const screening_photon_setup *s, screening_random *r, const screening_photon *at, const double *d, double kinetic,
    screening_photon *stack, int *n, double *escaped) {
    if (kinetic <= PH_ELECTRON) {
        return kinetic;
    }
    const int32_t material = s->material[at->region];
    double share;
    const ptrdiff_t node = screening_node(kinetic, &share);
    const float *row = s->table + ((ptrdiff_t)material * SCREENING_N_NODE + node) * PH_N_COLUMN;
    /* Number of radiated photons: Poisson, by multiplication. */
    const double quiet = screening_between(row, PH_QUIET, share), spread = screening_log(kinetic / PH_BREMS_LOW);
    double left = kinetic, product = screening_uniform(r);
    while (product > quiet && *n < PH_MOST) {
        double k;
        do {
            k = PH_BREMS_LOW * screening_exp(spread * screening_uniform(r));
        } while (screening_uniform(r) > 1.0 - k / kinetic);
        if (k < left) {
            double out[3];
            screening_turn(r, d, screening_forward(r, kinetic), out);
            screening_push(stack, n, at, out, k);
            left -= k;
        }
        product *= screening_uniform(r);
    }
    if (at->region == s->crystal) {
        const double range = screening_between(row, PH_RANGE, share), *b = s->bounds + 4 * at->region;
        double end[3], low, high, path = range;
        for (int k = 0; k < 3; k++) {
            end[k] = at->p[k] + range * d[k];
        }
        if (!screening_contains(s->shape, b, end) && screening_chord(s->shape, b, at->p, d, &low, &high)) {
            path = high > 0 ? high : 0.0;
        }
        if (at->region > 0 && screening_chord(s->shape, b - 4, at->p, d, &low, &high) && low >= 0 && low < path) {
            path = low;
        }
        if (path < range) {
            /* Energy goes as the 4/3rd root of the path that is left. */
            const double rest = 1.0 - path / range, root = sqrt(rest), out = left * root * sqrt(root);
            *escaped += out;
            left -= out;
        }
    }
    return left;
}

static inline void screening_score(const screening_photon_setup *s, screening_photon_tally *t, double value) {
    if (!(value >= s->edges[0] && value <= s->edges[s->n_bin])) {
        t->outside++;
        return;
    }
    /* Last edge at or below the value; bins of no width are never hit. */
    ptrdiff_t low = 0, high = s->n_bin;
    while (high - low > 1) {
        const ptrdiff_t middle = (low + high) / 2;
        if (s->edges[middle] <= value) {
            low = middle;
        } else {
            high = middle;
        }
    }
    t->histogram[low]++;
}

/* 0 alpha, 1 beta, -1 no K line of the material. */
static inline int screening_line(const screening_photon_setup *s, int32_t material, double energy) {
    const double *lines = s->line_kev + (ptrdiff_t)material * PH_N_SLOT * PH_N_LINE;
    for (int k = 0; k < PH_N_SLOT * PH_N_LINE; k++) {
        if (fabs(lines[k] - energy) < PH_SAME) {
            return k % PH_N_LINE >= PH_N_ALPHA;
        }
    }
    return -1;
}

/* A photon that has left all bodies. */
static inline void screening_emerge(const screening_photon_setup *s, screening_photon_tally *t, const screening_photon *photon) {
    t->energy_out += photon->e;
    if (photon->is_source) {
        t->uncollided++;
    } else if (s->crystal < 0 && !(s->source == PH_SURFACE && photon->d[2] > 0)) {
        t->any++;
        if (fabs(photon->e - s->energy) < PH_SAME) {
            /* Scattered coherently alone: still in the line. */
            t->peaks[PH_FULL]++;
            return;
        }
        if (fabs(photon->e - SCREENING_MC2) < PH_SAME) {
            t->peaks[PH_511]++;
            return;
        }
        for (ptrdiff_t k = 0; k < s->n_region; k++) {
            const int line = s->material[k] < 0 ? -1 : screening_line(s, s->material[k], photon->e);
            if (line >= 0) {
                t->peaks[PH_ALPHA + line]++;
                t->lost[PH_ALPHA + line] += photon->e;
                return;
            }
        }
        screening_score(s, t, photon->e);
    }
}

/*
 * Follow one photon until it is absorbed or has left; returns what it deposits in the crystal. Secondary
 * photons go on the stack.
 */
static inline double screening_follow(
    const screening_photon_setup *s, screening_random *r, screening_photon *photon, screening_photon *stack, int *n,
    screening_photon_tally *t) {
    double deposit = 0.0;
    for (;;) {
        /* One flight: bodies are convex, so a line that has left one never comes back to it. */
        double share, mu = 0.0, depth = -screening_log(screening_uniform(r)), low, high;
        const ptrdiff_t node = screening_node(photon->e, &share);
        const float *row = s->table;
        int outward = 0;
        for (;;) {
            const ptrdiff_t region = photon->region;
            const int is_outside = region == s->n_region;
            const int32_t material = is_outside ? -1 : s->material[region];
            if (material >= 0) {
                row = s->table + ((ptrdiff_t)material * SCREENING_N_NODE + node) * PH_N_COLUMN;
                mu = screening_between(row, PH_MU, share);
            } else {
                mu = 0.0;
            }
            double path = mu > 0 ? depth / mu : HUGE_VAL;
            if (mu > 0) {
                /* Most flights end in the body they start in: look before measuring the ways out and in. */
                double end[3];
                for (int k = 0; k < 3; k++) {
                    end[k] = photon->p[k] + path * photon->d[k];
                }
                if (screening_contains(s->shape, s->bounds + 4 * region, end) &&
                    (region == 0 || outward || screening_passes(s->shape, s->bounds + 4 * (region - 1), photon->p, end))) {
                    memcpy(photon->p, end, sizeof end);
                    break;
                }
            }
            double step = HUGE_VAL;
            ptrdiff_t next = region + 1;
            if (!outward && region > 0 &&
                screening_chord(s->shape, s->bounds + 4 * (region - 1), photon->p, photon->d, &low, &high) && high > 1e-9) {
                step = low > 0 ? low : 0.0;
                next = region - 1;
            } else if (is_outside) {
                screening_emerge(s, t, photon);
                return deposit;
            } else {
                /* A point that rounding has put just outside leaves at once. */
                const int is_inside = screening_chord(s->shape, s->bounds + 4 * region, photon->p, photon->d, &low, &high);
                step = is_inside && high > 0 ? high : 0.0;
            }
            const double move = path < step ? path : step;
            for (int k = 0; k < 3; k++) {
                photon->p[k] += move * photon->d[k];
            }
            if (path < step) {
                break;
            }
            depth -= step * mu;
            outward = next > region;
            photon->region = next;
        }
        /* An interaction in this region. */
        photon->is_source = 0;
        const int32_t material = s->material[photon->region];
        const int is_scored = photon->region == s->crystal;
        const double choice = screening_uniform(r);
        double kinetic = 0.0, electron[3], gone = 0.0, local = 0.0;
        if (choice < screening_between(row, PH_PHOTO, share)) {
            double line = 0.0;
            if (screening_between(row, PH_K2, share) > 0) {
                const double which = screening_uniform(r);
                int slot = 0;
                while (slot < PH_N_SLOT && which >= screening_between(row, PH_K0 + slot, share)) {
                    slot++;
                }
                if (slot < PH_N_SLOT) {
                    const ptrdiff_t first = ((ptrdiff_t)material * PH_N_SLOT + slot) * PH_N_LINE;
                    const double pick = screening_uniform(r);
                    int k = 0;
                    while (k < PH_N_LINE - 1 && pick >= s->line_cum[first + k]) {
                        k++;
                    }
                    line = s->line_kev[first + k];
                }
            }
            kinetic = photon->e - line;
            if (line > PH_LOW && kinetic >= 0 && *n < PH_MOST) {
                double out[3];
                screening_isotropic(r, out);
                screening_push(stack, n, photon, out, line);
            } else {
                kinetic = photon->e;
            }
            if (kinetic > PH_ELECTRON) {
                screening_turn(r, photon->d, screening_forward(r, kinetic), electron);
                local = screening_electron(s, r, photon, electron, kinetic, stack, n, &gone);
            } else {
                local = kinetic;
            }
            t->energy_electrons += gone;
            t->energy_deposited += local;
            return is_scored ? deposit + local : deposit;
        }
        if (choice < screening_between(row, PH_COMPTON, share)) {
            double left, out[3];
            const double cosine = screening_compton(r, photon->e, s->binding[material], &left);
            screening_turn(r, photon->d, cosine, out);
            kinetic = photon->e - left;
            local = kinetic;
            if (kinetic > PH_ELECTRON) {
                double square = 0.0;
                for (int k = 0; k < 3; k++) {
                    electron[k] = photon->e * photon->d[k] - left * out[k];
                    square += electron[k] * electron[k];
                }
                const double inverse = 1.0 / sqrt(square);
                for (int k = 0; k < 3; k++) {
                    electron[k] *= inverse;
                }
                screening_direct(electron);
                local = screening_electron(s, r, photon, electron, kinetic, stack, n, &gone);
            }
            t->energy_electrons += gone;
            t->energy_deposited += local;
            deposit += is_scored ? local : 0.0;
            memcpy(photon->d, out, sizeof out);
            photon->e = left;
            if (left < PH_LOW) {
                t->energy_deposited += left;
                return is_scored ? deposit + left : deposit;
            }
        } else if (choice < screening_between(row, PH_RAYLEIGH, share) || photon->e <= 2 * SCREENING_MC2) {
            double out[3];
            screening_turn(r, photon->d, screening_rayleigh(r, photon->e, s->form[material]), out);
            memcpy(photon->d, out, sizeof out);
        } else {
            /* Pair: the positron ends where it began, for the two quanta; its energy may leak as an electron's. */
            const double both = photon->e - 2 * SCREENING_MC2, part = both * screening_uniform(r);
            const double kinetics[2] = {part, both - part};
            for (int k = 0; k < 2; k++) {
                screening_turn(r, photon->d, screening_forward(r, kinetics[k]), electron);
                local += screening_electron(s, r, photon, electron, kinetics[k], stack, n, &gone);
            }
            double out[3];
            screening_isotropic(r, out);
            for (int k = 0; k < 2 && *n < PH_MOST; k++) {
                screening_push(stack, n, photon, out, SCREENING_MC2);
                for (int j = 0; j < 3; j++) {
                    out[j] = -out[j];
                }
            }
            t->energy_electrons += gone;
            t->energy_deposited += local;
            return is_scored ? deposit + local : deposit;
        }
    }
}

static inline void screening_start(const screening_photon_setup *s, screening_random *r, screening_photon *photon) {
    double *p = photon->p, *d = photon->d;
    photon->e = s->energy;
    photon->is_source = 1;
    photon->region = s->n_region;
    if (s->source == PH_CENTRE) {
        p[0] = p[1] = p[2] = 0.0;
        screening_isotropic(r, d);
        photon->region = 0;
        return;
    }
    if (s->source == PH_SURFACE) {
        /* A point above a wide surface: every cosine is as likely. */
        const double axis[3] = {0.0, 0.0, 1.0};
        screening_turn(r, axis, screening_uniform(r), d);
        p[0] = p[1] = 0.0;
        p[2] = s->bounds[4 * s->n_region - 2] + 1e-9;
        photon->region = s->n_region - 1;
        return;
    }
    const double *face = s->bounds + 4 * s->crystal, *outer = s->bounds + 4 * (s->n_region - 1);
    const double front = outer[2], from = front - s->distance, drop = face[2] - from;
    double cosine;
    do {
        do {
            p[0] = face[0] * (2.0 * screening_uniform(r) - 1.0);
            p[1] = (s->shape == PH_BOX ? face[1] : face[0]) * (2.0 * screening_uniform(r) - 1.0);
        } while (s->shape == PH_CYLINDER && p[0] * p[0] + p[1] * p[1] > face[0] * face[0]);
        p[2] = face[2];
        if (s->source != PH_POINT) {
            break;
        }
        const double length = sqrt(p[0] * p[0] + p[1] * p[1] + drop * drop);
        d[0] = p[0] / length;
        d[1] = p[1] / length;
        d[2] = cosine = drop / length;
        /* Uniform over the face becomes uniform in solid angle. */
    } while (screening_uniform(r) > cosine * cosine * cosine);
    if (s->source == PH_PARALLEL) {
        d[0] = d[1] = 0.0;
        d[2] = 1.0;
        p[2] = front;
    } else if (s->source == PH_ISOTROPIC) {
        const double axis[3] = {0.0, 0.0, 1.0}, back = 4.0 * (outer[0] + outer[1] + outer[3] - outer[2]);
        screening_turn(r, axis, sqrt(screening_uniform(r)), d);
        for (int k = 0; k < 3; k++) {
            p[k] -= back * d[k];
        }
    } else {
        p[0] = p[1] = 0.0;
        p[2] = from;
    }
    screening_direct(d);
}

static inline void screening_photons(
    const screening_photon_setup *s, int64_t n_history, uint64_t seed, screening_photon_tally *t) {
    screening_random random;
    screening_photon stack[PH_MOST + 2];
    screening_seed(&random, seed);
    for (int64_t i = 0; i < n_history; i++) {
        int n = 1;
        double deposit = 0.0;
        screening_start(s, &random, &stack[0]);
        while (n > 0) {
            screening_photon photon = stack[--n];
            deposit += screening_follow(s, &random, &photon, stack, &n, t);
        }
        if (s->crystal < 0 || !(deposit > 0)) {
            continue;
        }
        t->any++;
        const double lost = s->energy - deposit;
        int peak = -1;
        if (fabs(lost) < PH_SAME) {
            peak = PH_FULL;
        } else if (fabs(deposit - SCREENING_MC2) < PH_SAME) {
            peak = PH_511;
        } else if (fabs(lost - SCREENING_MC2) < PH_SAME) {
            peak = PH_SINGLE;
        } else if (fabs(lost - 2 * SCREENING_MC2) < PH_SAME) {
            peak = PH_DOUBLE;
        } else if (lost < 150.0) {
            const int line = screening_line(s, s->material[s->crystal], lost);
            peak = line < 0 ? -1 : PH_ALPHA + line;
        }
        if (peak < 0) {
            screening_score(s, t, deposit);
        } else {
            t->peaks[peak]++;
            t->lost[peak] += lost;
        }
    }
    t->energy_in = (double)n_history * s->energy;
}

#endif
