/* Random numbers, logarithm and exponential that give the same bits on every processor. */
#ifndef SCREENING_PHOTON_RANDOM_H
#define SCREENING_PHOTON_RANDOM_H

#include <string.h>

#include "portable.h"

/* xoshiro256+ (Blackman and Vigna 2018), seeded by splitmix64. */
typedef struct {
    uint64_t s[4];
} screening_random;

static inline uint64_t screening_splitmix(uint64_t *state) {
    uint64_t z = (*state += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

static inline void screening_seed(screening_random *r, uint64_t seed) {
    for (int i = 0; i < 4; i++) {
        r->s[i] = screening_splitmix(&seed);
    }
}

/* Uniform in (0, 1): never 0, so that its logarithm exists. */
static inline double screening_uniform(screening_random *r) {
    uint64_t *s = r->s;
    const uint64_t result = s[0] + s[3], t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = (s[3] << 45) | (s[3] >> 19);
    return ((double)(result >> 12) + 0.5) * 0x1.0p-52;
}

/*
 * Logarithm and exponential by additions, multiplications and one division: those of a C library differ
 * in their last bits between processors, and the same seed must give the same bytes on all.
 */
static inline double screening_log(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int64_t exponent = (int64_t)(bits >> 52) - 1023;
    bits = (bits & 0xfffffffffffffULL) | 0x3ff0000000000000ULL;
    double m;
    memcpy(&m, &bits, sizeof m);
    if (m > 1.4142135623730951) {
        m *= 0.5;
        exponent++;
    }
    const double s = (m - 1.0) / (m + 1.0), q = s * s;
    const double series =
        2.0 + q * (2.0 / 3 + q * (2.0 / 5 + q * (2.0 / 7 + q * (2.0 / 9 + q * (2.0 / 11 + q * (2.0 / 13))))));
    return s * series + (double)exponent * 0.6931471805599453;
}

/* For 0 <= x < 700. */
static inline double screening_exp(double x) {
    const int64_t n = (int64_t)(x * 1.4426950408889634 + 0.5);
    const double r = x - (double)n * 0.6931471805599453;
    double sum = 1.0;
    for (int k = 12; k > 0; k--) {
        sum = 1.0 + sum * r / k;
    }
    const uint64_t bits = (uint64_t)(n + 1023) << 52;
    double power;
    memcpy(&power, &bits, sizeof power);
    return sum * power;
}

#endif
