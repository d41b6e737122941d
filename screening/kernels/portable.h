/* What differs between compilers: restrict, clones for newer instruction sets, prefetched stores. */
#ifndef SCREENING_PORTABLE_H
#define SCREENING_PORTABLE_H

#include <stddef.h>
#include <stdint.h>
#include <limits.h>

#if defined(_MSC_VER) && !defined(__clang__)
#define SCREENING_RESTRICT __restrict
#else
#define SCREENING_RESTRICT restrict
#endif

/*
 * Clones are resolved at load time through an ifunc, which takes gcc 12, ELF and the GNU C library; the
 * sanitizers must not see one, because it runs before they do. SCREENING_NO_CLONES builds the baseline
 * alone, to compare with.
 */
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 12 && defined(__x86_64__) && \
    defined(__ELF__) && defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(SCREENING_NO_CLONES)
#define SCREENING_HAS_CLONES 1
#define SCREENING_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define SCREENING_HAS_CLONES 0
#define SCREENING_CLONES
#endif

/* 2: x86-64-v4, 1: x86-64-v3, 0: what the compiler targets by default. */
static inline int screening_isa_level(void) {
#if SCREENING_HAS_CLONES
    __builtin_cpu_init();
    if (__builtin_cpu_supports("x86-64-v4")) {
        return 2;
    }
    if (__builtin_cpu_supports("x86-64-v3")) {
        return 1;
    }
#endif
    return 0;
}

#endif
