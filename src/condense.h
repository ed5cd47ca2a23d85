/* Layer 2: equal rows become one row with a weight, which changes no sum and no likelihood. */
#ifndef EMIX_CONDENSE_H
#define EMIX_CONDENSE_H

#include "types.h"

/* A hash table of the distinct rows seen so far. Its memory is the caller's. */
typedef struct {
    int columns;
    int capacity; /* points it holds */
    int used;
    unsigned *slot; /* 2 * capacity places: 0 = free, else number of the point + 1 */
    double *x;      /* point by point: columns values each */
    double *weight;
    int *label;
} em_condenser;

/* Empties the table; capacity must be a power of two. */
void em_condense_clear(em_condenser *c);

/* Takes rows from `row` to `end` - 1 and returns the first one not taken: `end`, or an
 * earlier one when the table is full. */
em_index em_condense_rows(em_condenser *c, const em_data *data, em_index row, em_index end);

/* Moves all points of a full table into an empty, larger one. */
void em_condense_move(const em_condenser *from, em_condenser *to);

#endif
