/* Condensing a continuous sample to machine precision.
 *
 *   u      place of x in its bin, from -1 to 1
 *   T_m    Chebyshev polynomials, T_0 = 1, T_1 = u, T_m+1 = 2 u T_m - T_m-1
 *   t_q    nodes cos(pi (q + 1/2) / p), q = 0 .. p - 1: the zeros of T_p
 *   l_q    Lagrange's polynomials at the nodes: l_q(u) = (2/p) sum'_m T_m(t_q) T_m(u), where the
 *          dash halves the term m = 0
 *   w_q    weight of node q: sum_i w_i l_q(u_i) = (2/p) sum'_m T_m(t_q) (sum_i w_i T_m(u_i))
 *
 * What EM and the likelihood need of the rows are sums over them of smooth functions g (log
 * density, posterior probability times 1, x, x^2). Over the rows of a bin, sum_i w_i g(x_i) = sum_q
 * w_q g(t_q) for every polynomial g of degree below p, and otherwise up to the error of
 * interpolation at Chebyshev's nodes: at most 4 M r^-(p-1) / (r - 1) per row for a g that is
 * analytic and bounded by M in the ellipse with foci at the ends of the bin and half-axes that add
 * up to r half-widths (Trefethen 2013, Approximation Theory and Approximation Practice,
 * theorem 8.2). Densities have no singularity; log f and the posterior have where two components'
 * densities cancel, at a distance pi / s from the line where the difference of their log densities
 * has the slope s. So bins must be narrow against sds, and narrower where one component hands over
 * to another sharply; R code bisects them until the expansion of these functions has converged.
 *
 * Weights of nodes may be negative: sums stay right, but a weight is no count. Bins of up to p rows
 * keep their rows. */
#include "nodes.h"

#include "vector.h"

#include <float.h>
#include <math.h>
#include <string.h>

size_t em_nodes_memory(int bins)
{
    return em_at(bins, 3 + 3 * EM_NODES);
}

void em_nodes_bind(em_nodes *g, double *memory)
{
    memset(memory, 0, em_nodes_memory(g->bins) * sizeof(double));
    g->middle = memory;
    g->per_half = g->middle + g->bins;
    g->count = g->per_half + g->bins;
    g->moment = g->count + g->bins;
    g->kept_x = g->moment + em_at(g->bins, EM_NODES);
    g->kept_weight = g->kept_x + em_at(g->bins, EM_NODES);
    for (int b = 0; b < g->bins; b++) {
        int from = g->start[b], cells = g->start[b + 1] - from;
        g->middle[b] = g->low + (from + 0.5 * cells) / g->per_cell;
        g->per_half[b] = 2 * g->per_cell / cells;
        for (int c = from; c < from + cells; c++)
            g->bin[c] = b;
    }
}

/* The cell of each located row; rounding at the ends of the range stays inside. */
EM_KERNEL
static void find_cells(double low, double per_cell, int cells, const double *x, int rows, int *cell)
{
    double last = cells - 1;

#pragma omp simd
    for (int i = 0; i < rows; i++) {
        double at = (x[i] - low) * per_cell;
        at = at > 0 ? at : 0;
        cell[i] = (int)(at < last ? at : last);
    }
}

static void keep_row(em_nodes *g, int bin, double x, double weight)
{
    size_t at = em_at(bin, EM_NODES) + (size_t)g->count[bin];

    g->kept_x[at] = x;
    g->kept_weight[at] = weight;
}

static void add_moments(double *moment, double u, double weight)
{
    double before = weight, now = weight * u, twice = 2 * u;

    moment[0] += before;
    for (int m = 1; m < EM_NODES; m++) {
        moment[m] += now;
        double next = twice * now - before;
        before = now;
        now = next;
    }
}

/* What is done to a tile of located rows whose cells are known; weight NULL: each row counts once.
 */
typedef void add_tile(void *sums, const double *x, const int *cell, const double *weight, int rows);

static void over_tiles(double low, double per_cell, int cells, const em_data *data, em_index row,
                       em_index end, add_tile *add, void *sums)
{
    double x[EM_TILE];
    int cell[EM_TILE] = {0};

    for (; row < end; row += EM_TILE) {
        int rows = end - row < EM_TILE ? (int)(end - row) : EM_TILE;
        em_locate(data->x + row, data->factor[0], data->shift[0], rows, x);
        find_cells(low, per_cell, cells, x, rows, cell);
        add(sums, x, cell, data->weight == NULL ? NULL : data->weight + row, rows);
    }
}

static void add_to_bins(void *sums, const double *x, const int *cell, const double *weight,
                        int rows)
{
    em_nodes *g = sums;

    for (int i = 0; i < rows; i++) {
        int bin = g->bin[cell[i]];
        double w = weight == NULL ? 1 : weight[i];
        if (g->count[bin] < EM_NODES)
            keep_row(g, bin, x[i], w);
        g->count[bin]++;
        add_moments(g->moment + em_at(bin, EM_NODES), (x[i] - g->middle[bin]) * g->per_half[bin],
                    w);
    }
}

void em_nodes_add(em_nodes *g, const em_data *data, em_index row, em_index end)
{
    over_tiles(g->low, g->per_cell, g->cells, data, row, end, add_to_bins, g);
}

/* T_m(t_q) = cos(m pi (q + 1/2) / p). */
static void weigh_nodes(const em_nodes *g, int bin, double *x, double *weight)
{
    const double pi = 3.14159265358979323846;
    const double *moment = g->moment + em_at(bin, EM_NODES);

    for (int q = 0; q < EM_NODES; q++) {
        double angle = pi * (q + 0.5) / EM_NODES, sum = 0.5 * moment[0];
        for (int m = 1; m < EM_NODES; m++)
            sum += cos(m * angle) * moment[m];
        x[q] = g->middle[bin] + cos(angle) / g->per_half[bin];
        weight[q] = 2 * sum / EM_NODES;
    }
}

int em_nodes_points(const em_nodes *g, double *x, double *weight)
{
    int used = 0;

    for (int b = 0; b < g->bins; b++) {
        bool few = g->count[b] <= EM_NODES;
        int points = few ? (int)g->count[b] : EM_NODES;
        if (few) {
            memcpy(x + used, g->kept_x + em_at(b, EM_NODES), (size_t)points * sizeof(double));
            memcpy(weight + used, g->kept_weight + em_at(b, EM_NODES),
                   (size_t)points * sizeof(double));
        } else {
            weigh_nodes(g, b, x + used, weight + used);
        }
        used += points;
    }
    return used;
}

/* ---- the histogram ----
 *
 * A walk over all rows fills a level. The first is the range in EM_CELLS cells, one slot. Cells
 * with more than half a part of the weight are slots of the next level, cut into as many cells as
 * keep the level's memory about that of the first: wild outliers or clusters far apart hide
 * nothing, and rows need not be put in order. A row belongs to one cell of the deepest level that
 * it reaches, so that no weight is lost at the edges. x is measured from the edge of its slot, so
 * that little cancels. */

/* floor(at), where that is in `from` .. `to`. */
static inline int within(double at, int from, int to)
{
    return at > from ? at < to ? (int)at : to : from;
}

static int cuts_of(int slots)
{
    int cuts = 2;
    while (cuts <= EM_CELLS / 2 / slots)
        cuts *= 2;
    return cuts;
}

int em_cells_of(int slots)
{
    return slots * cuts_of(slots);
}

size_t em_cells_memory(int slots)
{
    return em_at(em_cells_of(slots), 2) + em_at(slots, 2);
}

static void find_edges(em_level *level, const em_level *above)
{
    for (int j = 0; j < above->slots * above->cuts; j++) {
        int slot = above->next[j];
        if (slot < 0)
            continue;
        level->edge[slot] = above->edge[j / above->cuts] + j % above->cuts / above->per_cell;
        level->value[slot] = NAN;
    }
}

void em_cells_bind(em_cells *c, int slots, double *memory, int *next)
{
    em_level *last = &c->level[c->levels];
    int cells = em_cells_of(slots);

    memset(memory, 0, em_cells_memory(slots) * sizeof(double));
    *last = (em_level){.cuts = cuts_of(slots), .slots = slots, .weight = memory, .next = next};
    last->place = last->weight + cells;
    last->edge = last->place + cells;
    last->value = last->edge + slots;
    for (int j = 0; j < cells; j++)
        next[j] = -1;
    if (c->levels++ == 0) {
        last->per_cell = c->per_cell;
        last->edge[0] = c->low;
        last->value[0] = INFINITY;
    } else {
        last->per_cell = last->cuts * last[-1].per_cell;
        find_edges(last, last - 1);
    }
}

/* Adds a row at x, `at` cells from where its slot begins. */
static inline void add_at(em_level *level, int cell, int sub, double at, double weight)
{
    level->weight[cell] += weight;
    level->place[cell] += weight * (at - sub);
}

static void add_to_first(void *sums, const double *x, const int *cell, const double *weight,
                         int rows)
{
    em_level *first = sums;
    double low = first->edge[0], per_cell = first->per_cell;

    for (int i = 0; i < rows; i++)
        add_at(first, cell[i], cell[i], (x[i] - low) * per_cell, weight == NULL ? 1 : weight[i]);
}

/* Down the levels to the last, where the row counts if all cells on its way are cut. */
static void add_below(em_cells *c, int cell, double x, double weight)
{
    em_level *level = c->level;
    int slot = level->next[cell];

    for (int l = 1; slot >= 0; l++) {
        level++;
        double at = (x - level->edge[slot]) * level->per_cell;
        int sub = within(at, 0, level->cuts - 1);
        cell = slot * level->cuts + sub;
        if (l == c->levels - 1) {
            double *value = &level->value[slot];
            *value = isnan(*value) || *value == x ? x : INFINITY;
            add_at(level, cell, sub, at, weight);
            return;
        }
        slot = level->next[cell];
    }
}

static void add_to_last(void *sums, const double *x, const int *cell, const double *weight,
                        int rows)
{
    for (int i = 0; i < rows; i++)
        add_below(sums, cell[i], x[i], weight == NULL ? 1 : weight[i]);
}

void em_cells_add(em_cells *c, const em_data *data, em_index row, em_index end)
{
    bool first = c->levels == 1;

    over_tiles(c->low, c->per_cell, EM_CELLS, data, row, end, first ? add_to_first : add_to_last,
               first ? (void *)c->level : c);
}

/* Equal rows are not cut, nor cells that are as narrow as numbers there are apart. */
static bool worth_cutting(const em_level *level, int cell, double least)
{
    int slot = cell / level->cuts;

    return level->weight[cell] > least && isinf(level->value[slot]) &&
           1 / level->per_cell > 4 * DBL_EPSILON * fabs(level->edge[slot]);
}

int em_cells_cut(em_cells *c)
{
    em_level *last = &c->level[c->levels - 1];
    double total = em_sum(c->level[0].weight, EM_CELLS);
    int slots = 0, most = 2 * c->parts;

    if (c->levels == EM_LEVELS)
        return 0;
    for (int j = 0; j < last->slots * last->cuts && slots < most; j++)
        if (worth_cutting(last, j, total / most))
            last->next[j] = slots++;
    return slots;
}

/* Points made so far, and where the next one belongs. */
typedef struct {
    double low, per_bin, per_part; /* bins of the range, parts of the weight */
    int parts, bin, part, used;
    double before; /* weight so far */
    double *x, *weight;
} merger;

static void merge_point(merger *m, double x, double weight)
{
    m->before += weight;
    int bin = within((x - m->low) * m->per_bin, m->bin, m->parts);
    int part = within(m->before * m->per_part, m->part, m->parts - 1);

    if (m->used == 0 || bin != m->bin || part != m->part) {
        m->x[m->used] = x;
        m->weight[m->used++] = weight;
    } else {
        int last = m->used - 1;
        m->weight[last] += weight;
        m->x[last] += (x - m->x[last]) * (weight / m->weight[last]);
    }
    m->bin = bin;
    m->part = part;
}

/* Cells that are cut stand for themselves by their parts. */
static void merge_slot(const em_cells *c, int l, int slot, merger *m)
{
    const em_level *level = &c->level[l];
    const double *weight = level->weight + em_at(slot, level->cuts);
    const double *place = level->place + em_at(slot, level->cuts);
    const int *next = level->next + em_at(slot, level->cuts);

    for (int j = 0; j < level->cuts; j++)
        if (next[j] >= 0)
            merge_slot(c, l + 1, next[j], m);
        else if (weight[j] > 0)
            merge_point(m, level->edge[slot] + (j + place[j] / weight[j]) / level->per_cell,
                        weight[j]);
}

int em_cells_points(const em_cells *c, double *x, double *weight)
{
    double total = em_sum(c->level[0].weight, EM_CELLS);
    merger m = {.low = c->low,
                .per_bin = c->parts * (c->per_cell / EM_CELLS),
                .per_part = c->parts * (1 - 1e-9) / total,
                .parts = c->parts,
                .x = x,
                .weight = weight};

    merge_slot(c, 0, 0, &m);
    return m.used;
}
