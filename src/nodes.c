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

void em_nodes_add(em_nodes *g, const em_data *data, em_index row, em_index end)
{
    double x[EM_TILE];
    int cell[EM_TILE] = {0};

    for (; row < end; row += EM_TILE) {
        int rows = end - row < EM_TILE ? (int)(end - row) : EM_TILE;
        em_locate(data->x + row, data->factor[0], data->shift[0], rows, x);
        find_cells(g->low, g->per_cell, g->cells, x, rows, cell);
        for (int i = 0; i < rows; i++) {
            int bin = g->bin[cell[i]];
            double weight = data->weight == NULL ? 1 : data->weight[row + i];
            if (g->count[bin] < EM_NODES)
                keep_row(g, bin, x[i], weight);
            g->count[bin]++;
            add_moments(g->moment + em_at(bin, EM_NODES),
                        (x[i] - g->middle[bin]) * g->per_half[bin], weight);
        }
    }
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

void em_cells_add(em_cells *c, const em_data *data, em_index row, em_index end)
{
    double x[EM_TILE];
    int cell[EM_TILE] = {0};

    for (; row < end; row += EM_TILE) {
        int rows = end - row < EM_TILE ? (int)(end - row) : EM_TILE;
        em_locate(data->x + row, data->factor[0], data->shift[0], rows, x);
        find_cells(c->low, c->per_cell, c->cells, x, rows, cell);
        for (int i = 0; i < rows; i++) {
            double weight = data->weight == NULL ? 1 : data->weight[row + i];
            c->weight[cell[i]] += weight;
            c->place[cell[i]] += weight * ((x[i] - c->low) * c->per_cell - cell[i]);
        }
    }
}
