/* A material's table: its columns, and the row of an energy. */
#ifndef SCREENING_PHOTON_TABLE_H
#define SCREENING_PHOTON_TABLE_H

#include <string.h>

#include "portable.h"

/* Energies of the table: 128 to an octave, from 1 keV to 2^15 keV, straight between powers of two. */
#define SCREENING_OCTAVE_BITS 7
#define SCREENING_N_NODE (15 * 128 + 1)

/* Columns of the table. */
enum {
    PH_MU,       /* attenuation, 1/cm */
    PH_PHOTO,    /* share of interactions: photoelectric, */
    PH_COMPTON,  /* ... or incoherent, */
    PH_RAYLEIGH, /* ... or coherent; the rest is pair production */
    PH_K0,       /* share of photoelectric interactions that send out a K line of the first element, */
    PH_K1,       /* ... or of the second, */
    PH_K2,       /* ... or of the third */
    PH_RANGE,    /* path of an electron of this energy, cm */
    PH_QUIET,    /* share of electrons that radiate nothing above PH_BREMS_LOW */
    PH_N_COLUMN
};

#define PH_N_SLOT 3      /* elements of a material with K lines */
#define PH_N_LINE 4      /* alpha 1, alpha 2, beta 1 (with 3), beta 2 */
#define PH_N_ALPHA 2

/* Node below an energy, and the share of the way to the next. */
static inline ptrdiff_t screening_node(double energy, double *share) {
    uint64_t bits;
    memcpy(&bits, &energy, sizeof bits);
    const ptrdiff_t node = (ptrdiff_t)((bits >> (52 - SCREENING_OCTAVE_BITS)) - (1023ULL << SCREENING_OCTAVE_BITS));
    const uint64_t rest = (bits << (12 + SCREENING_OCTAVE_BITS)) >> (12 + SCREENING_OCTAVE_BITS);
    *share = (double)rest * (1.0 / (double)(1ULL << (52 - SCREENING_OCTAVE_BITS)));
    return node;
}

static inline double screening_between(const float *row, int column, double share) {
    const double low = row[column], high = row[column + PH_N_COLUMN];
    return low + share * (high - low);
}

#endif
