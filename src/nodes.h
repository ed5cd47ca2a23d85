/* Layer 2: a continuous sample of one column as a few weighted nodes, and, coarser, as the points
 * on which starts are made (see nodes.c). */
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

/* A histogram whose bars know their means: weight, and sum of weight times the place in the cell (0
 * to 1), of equal cells. Rows beyond the ends count in the end cells. A cell that holds much of the
 * weight is cut into cells of the next level, and so on; memory is the caller's. */
enum { EM_CELLS = 1 << 16, EM_LEVELS = 9 };

typedef struct {
    int cuts, slots; /* cells of a slot, which is all or one cell of the level above */
    double per_cell;
    double *weight, *place; /* of each cell */
    int *next;              /* the slot of the next level that is this cell, or -1 */
    double *edge;           /* where each slot begins */
    double *value;          /* of all rows of a slot, where it is one; infinite for several */
} em_level;

typedef struct {
    double low, per_cell; /* of the first level, as located */
    int parts;            /* of the weight: no cell shall hold more than half of one */
    int levels;
    em_level level[EM_LEVELS];
} em_cells;

/* Cells of a level of so many slots, each of a power of two. Doubles of memory that it takes; lays
 * it out, and an integer for each cell, as the next level. */
int em_cells_of(int slots);
size_t em_cells_memory(int slots);
void em_cells_bind(em_cells *c, int slots, double *memory, int *next);

/* Adds rows to the last level: all rows, once for each level. */
void em_cells_add(em_cells *c, const em_data *data, em_index row, em_index end);

/* Makes slots of the cells of the last level that are to be cut; returns how many. */
int em_cells_cut(em_cells *c);

/* Neighbours become one point, their mean, where they fall into one of `parts` equal bins of the
 * range and into one of as many equal parts of the weight: tails stay as they are, and the middle
 * is fine. In order; at most 2 * parts points, of which it returns how many. */
int em_cells_points(const em_cells *c, double *x, double *weight);

#endif
