/* Layer 2: a continuous sample of one column as a few weighted nodes (see nodes.c). */
#ifndef EMIX_NODES_H
#define EMIX_NODES_H

#include "types.h"

enum { EM_NODES = 12 }; /* per bin */

/* The range is cut into equal cells; a bin is a stretch of them. Memory is the caller's. */
typedef struct {
    double low, per_cell; /* of the located data: cell = (x - low) * per_cell */
    int cells, bins;
    const int *start;             /* first cell of each bin; start[bins] = cells */
    int *bin;                     /* of each cell */
    double *middle, *per_half;    /* of each bin: u = (x - middle) * per_half lies in [-1, 1] */
    double *count;                /* rows of each bin */
    double *moment;               /* EM_NODES of each bin: sum of weight * T_m(u) */
    double *kept_x, *kept_weight; /* EM_NODES of each bin: its first rows */
} em_nodes;

/* Doubles of memory for `bins` bins; lays it out and empties the bins. */
size_t em_nodes_memory(int bins);
void em_nodes_bind(em_nodes *g, double *memory);

/* Adds rows from `row` to `end` - 1. */
void em_nodes_add(em_nodes *g, const em_data *data, em_index row, em_index end);

/* The points: nodes of full bins, the rows of the others, in order of bins. At most EM_NODES per
 * bin; returns how many. */
int em_nodes_points(const em_nodes *g, double *x, double *weight);

/* Weight, and sum of weight times the place in the cell (0 to 1), of each of `cells` equal cells:
 * a histogram whose bars know their means. Rows beyond the ends count in the end cells. */
typedef struct {
    double low, per_cell;
    int cells;
    double *weight, *place;
} em_cells;

void em_cells_add(em_cells *c, const em_data *data, em_index row, em_index end);

#endif
