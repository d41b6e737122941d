/* Tokens of channel data to counts: one pass over the bytes, written for text that is mostly digits. */
#ifndef SCREENING_COUNTS_H
#define SCREENING_COUNTS_H

#include "portable.h"

enum {
    SCREENING_PARSED = 0,
    SCREENING_NOT_A_COUNT,
    SCREENING_TOO_BIG,
    SCREENING_RUN_MISSING,
    SCREENING_RUN_EMPTY,
    SCREENING_TOO_MANY
};

typedef struct {
    ptrdiff_t n_channel; /* channels read */
    ptrdiff_t position;  /* byte of the offending token */
    int status;
} screening_parsed;

static inline int screening_is_blank(uint8_t c) {
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* Read the token at *at (not blank); leave *at behind it. */
static inline int screening_token(
    const uint8_t *text, ptrdiff_t length, ptrdiff_t *at, uint64_t *value) {
    ptrdiff_t i = *at;
    uint64_t total = 0;
    int is_big = 0;
    const ptrdiff_t first = i;
    for (; i < length; i++) {
        const unsigned digit = (unsigned)text[i] - '0';
        if (digit > 9u) {
            break;
        }
        total = total * 10u + digit;
        if (total > UINT32_MAX) {
            /* Held at a value that stays too big: the token may still turn out to be no number. */
            is_big = 1;
            total = UINT32_MAX;
        }
    }
    if (i == first) {
        return SCREENING_NOT_A_COUNT;
    }
    if (i < length && text[i] == '.') {
        for (i++; i < length && text[i] == '0'; i++) {
        }
    }
    if (i < length && !screening_is_blank(text[i])) {
        return SCREENING_NOT_A_COUNT;
    }
    *at = i;
    *value = total;
    return is_big ? SCREENING_TOO_BIG : SCREENING_PARSED;
}

/*
 * Parse up to `limit` channels into `out`. `out` may be NULL: count only. With `is_zeroed` the places of
 * zeros are not written.
 */
static screening_parsed screening_parse_counts(
    const uint8_t *text, ptrdiff_t length, int counted_zeroes, int is_zeroed, ptrdiff_t limit, uint32_t *out) {
    screening_parsed parsed = {0, 0, SCREENING_PARSED};
    ptrdiff_t i = 0, n = 0;
    for (;;) {
        while (i < length && screening_is_blank(text[i])) {
            i++;
        }
        if (i >= length) {
            break;
        }
        uint64_t value, run = 1;
        parsed.position = i;
        parsed.status = screening_token(text, length, &i, &value);
        if (parsed.status != SCREENING_PARSED) {
            break;
        }
        if (value == 0 && counted_zeroes) {
            const ptrdiff_t zero = parsed.position;
            while (i < length && screening_is_blank(text[i])) {
                i++;
            }
            if (i >= length) {
                parsed.status = SCREENING_RUN_MISSING;
                break;
            }
            parsed.position = i;
            parsed.status = screening_token(text, length, &i, &run);
            if (parsed.status == SCREENING_PARSED && run == 0) {
                parsed.status = SCREENING_RUN_EMPTY;
            }
            if (parsed.status != SCREENING_PARSED) {
                break;
            }
            parsed.position = zero;
        }
        if (run > (uint64_t)(limit - n)) {
            parsed.status = SCREENING_TOO_MANY;
            break;
        }
        if (out != NULL) {
            if (value != 0) {
                out[n] = (uint32_t)value;
            } else if (!is_zeroed) {
                for (ptrdiff_t j = 0; j < (ptrdiff_t)run; j++) {
                    out[n + j] = 0;
                }
            }
        }
        n += (ptrdiff_t)run;
    }
    parsed.n_channel = n;
    return parsed;
}

#endif
