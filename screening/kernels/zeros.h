/*
 * Zeros of a picture told apart. Every pixel gets a kind first, row by row and vectorised; the rules then
 * look at the few zeros only.
 */
#ifndef SCREENING_ZEROS_H
#define SCREENING_ZEROS_H

#include "portable.h"
#include <string.h>

enum { SCREENING_BLIND = 0, SCREENING_ZERO = 1, SCREENING_DIM = 2, SCREENING_BRIGHT = 3 };

typedef struct {
    const uint8_t *kind;
    ptrdiff_t n_row, n_column;
    ptrdiff_t min_rows;     /* shortest drop-out */
    ptrdiff_t max_columns;  /* widest drop-out */
} screening_picture;

/* Give each pixel of a row its kind; return whether any seen one is above zero. */
SCREENING_CLONES
static int screening_kinds(
    const uint16_t *SCREENING_RESTRICT raw, const uint8_t *SCREENING_RESTRICT state,
    uint8_t *SCREENING_RESTRICT kind, ptrdiff_t n, uint8_t unseen, uint16_t level) {
    uint8_t top = 0;
    for (ptrdiff_t i = 0; i < n; i++) {
        uint8_t k = raw[i] > level ? SCREENING_BRIGHT : SCREENING_DIM;
        k = raw[i] == 0 ? SCREENING_ZERO : k;
        k = (state[i] & unseen) != 0 ? SCREENING_BLIND : k;
        kind[i] = k;
        top = k > top ? k : top;
    }
    return top >= SCREENING_DIM;
}

/* Write a row's states with `bit` added to its zeros. */
SCREENING_CLONES
static void screening_mark_zeros(
    const uint8_t *SCREENING_RESTRICT state, const uint8_t *SCREENING_RESTRICT kind,
    uint8_t *SCREENING_RESTRICT result, ptrdiff_t n, uint8_t bit) {
    for (ptrdiff_t i = 0; i < n; i++) {
        result[i] = (uint8_t)(state[i] | (kind[i] == SCREENING_ZERO ? bit : 0));
    }
}

/* Column of the next zero at or after `column`, or n_column. */
static inline ptrdiff_t screening_next_zero(const screening_picture *p, ptrdiff_t row, ptrdiff_t column) {
    if (column >= p->n_column) {
        return p->n_column;
    }
    const uint8_t *line = p->kind + row * p->n_column;
    const uint8_t *found = memchr(line + column, SCREENING_ZERO, (size_t)(p->n_column - column));
    return found == NULL ? p->n_column : found - line;
}

static inline void screening_count_kinds(
    const screening_picture *p, ptrdiff_t row, ptrdiff_t column, ptrdiff_t reach, int *n_seen, int *n_bright) {
    const ptrdiff_t row0 = row > reach ? row - reach : 0;
    const ptrdiff_t row1 = row + reach < p->n_row ? row + reach + 1 : p->n_row;
    const ptrdiff_t column0 = column > reach ? column - reach : 0;
    const ptrdiff_t column1 = column + reach < p->n_column ? column + reach + 1 : p->n_column;
    *n_seen = 0;
    *n_bright = 0;
    for (ptrdiff_t r = row0; r < row1; r++) {
        for (ptrdiff_t c = column0; c < column1; c++) {
            const uint8_t kind = p->kind[r * p->n_column + c];
            *n_seen += kind != SCREENING_BLIND;
            *n_bright += kind == SCREENING_BRIGHT;
        }
    }
}

/* Whether a zero stands alone among bright pixels. */
static inline int screening_is_isolated(const screening_picture *p, ptrdiff_t row, ptrdiff_t column) {
    int n_seen, n_bright;
    screening_count_kinds(p, row, column, 1, &n_seen, &n_bright);
    if (n_seen < 4 || n_bright < n_seen - 1) {
        return 0;
    }
    /* The median of the live pixels is bright when more than half of them are. */
    screening_count_kinds(p, row, column, 3, &n_seen, &n_bright);
    return 2 * n_bright > n_seen;
}

/* Kind of the nearest seen pixel from `row` on in steps of `step`; bright at the picture's border. */
static inline uint8_t screening_end(const screening_picture *p, ptrdiff_t row, ptrdiff_t column, ptrdiff_t step) {
    for (; row >= 0 && row < p->n_row; row += step) {
        const uint8_t kind = p->kind[row * p->n_column + column];
        if (kind != SCREENING_BLIND) {
            return kind;
        }
    }
    return SCREENING_BRIGHT;
}

/* Last row + 1 of the run of zeros that begins at `row` if it may be a drop-out, else 0. */
static inline ptrdiff_t screening_run_end(const screening_picture *p, ptrdiff_t row, ptrdiff_t column) {
    if (screening_end(p, row - 1, column, -1) != SCREENING_BRIGHT) {
        return 0;
    }
    ptrdiff_t end = row, n_zero = 0;
    uint8_t kind = SCREENING_BRIGHT;
    for (ptrdiff_t r = row; r < p->n_row; r++) {
        const uint8_t here = p->kind[r * p->n_column + column];
        if (here == SCREENING_ZERO) {
            end = r + 1;
            n_zero++;
        } else if (here != SCREENING_BLIND) {
            kind = here;
            break;
        }
    }
    return n_zero >= p->min_rows && kind == SCREENING_BRIGHT ? end : 0;
}

/* Whether the run of zeros from row0 to row1 is part of a narrow rectangle in bright surroundings. */
static inline int screening_is_dropout(
    const screening_picture *p, ptrdiff_t column, ptrdiff_t row0, ptrdiff_t row1) {
    ptrdiff_t width = 1;
    int has_side = 0;
    for (ptrdiff_t step = -1; step <= 1; step += 2) {
        for (ptrdiff_t place = column + step; place >= 0 && place < p->n_column; place += step) {
            ptrdiff_t n_seen = 0, n_zero = 0, n_bright = 0;
            for (ptrdiff_t r = row0; r < row1; r++) {
                const uint8_t kind = p->kind[r * p->n_column + place];
                n_seen += kind != SCREENING_BLIND;
                n_zero += kind == SCREENING_ZERO;
                n_bright += kind == SCREENING_BRIGHT;
            }
            if (n_zero < n_seen) {
                if (4 * n_bright < 3 * n_seen) {
                    return 0;
                }
                has_side = 1;
                break;
            }
            width++;
            if (width > p->max_columns) {
                return 0;
            }
            /* Longer than its neighbour, or hanging together with something dim: ragged, as cargo is. */
            if (n_seen > 0 && (screening_end(p, row0 - 1, place, -1) != SCREENING_BRIGHT ||
                               screening_end(p, row1, place, 1) != SCREENING_BRIGHT)) {
                return 0;
            }
        }
    }
    return has_side;
}

#endif
