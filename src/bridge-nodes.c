/* Bridge: a continuous sample as few weighted points: where starts are made, and as nodes on
 * a grid that R code has chosen. */
#include "bridge.h"

#include "nodes.h"
#include "polish.h"

#include <R_ext/Utils.h>
#include <math.h>
#include <string.h>

enum { MOST_CELLS = 1 << 22, MOST_POINTS = 1 << 16, STRETCH = 1 << 20 };

static em_data get_column(SEXP data_)
{
    em_data data = em_get_data(data_);
    if (data.columns != 1 || data.label != NULL)
        em_refuse("only unlabelled rows of one column are put into cells");
    return data;
}

static em_index end_of_stretch(const em_data *data, em_index row)
{
    return data->n - row < STRETCH ? data->n : row + STRETCH;
}

static void new_level(em_cells *c, int slots)
{
    double *memory = (double *)R_alloc(em_cells_memory(slots), sizeof(double));
    em_cells_bind(c, slots, memory, (int *)R_alloc((size_t)em_cells_of(slots), sizeof(int)));
}

static SEXP points_of(const double *x, const double *weight, int points, int slots)
{
    static const char *const names[] = {"x", "weight", "full"};
    SEXP ans = PROTECT(em_new_list(names, slots));

    SET_VECTOR_ELT(ans, 0, em_new_doubles(x, (size_t)points));
    SET_VECTOR_ELT(ans, 1, em_new_doubles(weight, (size_t)points));
    UNPROTECT(1);
    return ans;
}

/* Rows from `low` to `high`, both as located, as at most `most` points. */
SEXP emix_thin(SEXP data_, SEXP ends_)
{
    em_data data = get_column(data_);
    double low = em_get_number(ends_, "low"), high = em_get_number(ends_, "high");
    em_cells c = {.low = low,
                  .per_cell = EM_CELLS / (high - low),
                  .parts = em_get_int(ends_, "most", 2, MOST_POINTS) / 2};

    if (!isfinite(low) || !isfinite(c.per_cell) || !(c.per_cell > 0))
        em_refuse("`low` must lie below `high`, and both be finite");
    for (int slots = 1; slots > 0; slots = em_cells_cut(&c)) {
        new_level(&c, slots);
        for (em_index row = 0; row < data.n; row += STRETCH) {
            em_cells_add(&c, &data, row, end_of_stretch(&data, row));
            R_CheckUserInterrupt();
        }
    }
    double *x = (double *)R_alloc(em_at(c.parts, 2), sizeof(double));
    double *weight = (double *)R_alloc(em_at(c.parts, 2), sizeof(double));
    return points_of(x, weight, em_cells_points(&c, x, weight), 2);
}

static em_nodes get_grid(SEXP grid)
{
    SEXP start = em_element(grid, "start");
    em_nodes g = {.low = em_get_number(grid, "low"),
                  .per_cell = em_get_number(grid, "per_cell"),
                  .cells = em_get_int(grid, "cells", 1, MOST_CELLS)};

    if (!isfinite(g.low) || !isfinite(g.per_cell) || !(g.per_cell > 0))
        em_refuse("`low` and `per_cell` must be finite");
    if (TYPEOF(start) != INTSXP || XLENGTH(start) < 1 || XLENGTH(start) > g.cells)
        em_refuse("`start` must hold the first cell of each bin");
    g.bins = (int)XLENGTH(start);
    int *edges = (int *)R_alloc((size_t)g.bins + 1, sizeof(int));
    for (int b = 0; b < g.bins; b++) {
        edges[b] = INTEGER(start)[b];
        if (edges[b] >= g.cells || edges[b] < 0 ||
            (b == 0 ? edges[b] != 0 : edges[b] <= edges[b - 1]))
            em_refuse("`start` must rise from 0 and stay below `cells`");
    }
    edges[g.bins] = g.cells;
    g.start = edges;
    g.bin = (int *)R_alloc((size_t)g.cells, sizeof(int));
    em_nodes_bind(&g, (double *)R_alloc(em_nodes_memory(g.bins), sizeof(double)));
    return g;
}

/* The points, and which bins have become nodes. */
SEXP emix_nodes(SEXP data_, SEXP grid_)
{
    em_data data = get_column(data_);
    em_nodes g = get_grid(grid_);

    for (em_index row = 0; row < data.n; row += STRETCH) {
        em_nodes_add(&g, &data, row, end_of_stretch(&data, row));
        R_CheckUserInterrupt();
    }
    double *x = (double *)R_alloc(em_at(g.bins, EM_NODES), sizeof(double));
    double *weight = (double *)R_alloc(em_at(g.bins, EM_NODES), sizeof(double));
    SEXP ans = PROTECT(points_of(x, weight, em_nodes_points(&g, x, weight), 3));

    SET_VECTOR_ELT(ans, 2, Rf_allocVector(LGLSXP, g.bins));
    for (int b = 0; b < g.bins; b++)
        LOGICAL(VECTOR_ELT(ans, 2))[b] = g.count[b] > EM_NODES;
    UNPROTECT(1);
    return ans;
}

/* From a maximum on the nodes to the one on all rows: as emix_run(), without a trace. */
SEXP emix_polish(SEXP data_, SEXP nodes_, SEXP model_, SEXP control_, SEXP theta_)
{
    em_data data = em_get_data(data_), points = em_get_data(nodes_);
    em_model model = em_get_model(model_, &data);
    int threads = em_get_int(control_, "threads", 1, EM_MOST_THREADS);
    em_control control = {.tol = em_get_number(control_, "tol")};

    if (points.columns != data.columns || !em_run_scores(&model))
        em_refuse("the nodes must have the rows' columns, and scores be affordable");
    em_check_labels(&points, model.k);
    em_problem all = em_make_problem(&model, &data, threads, false);
    em_problem nodes = em_make_problem(&model, &points, 1, true);
    size_t n_theta = (size_t)all.n_theta;
    double *theta = (double *)R_alloc(n_theta, sizeof(double));
    double *memory = (double *)R_alloc(em_run_memory(&model), sizeof(double));
    int *integers = (int *)R_alloc(em_run_integers(&model), sizeof(int));

    memcpy(theta, em_get_theta(theta_, all.n_theta, "theta"), n_theta * sizeof(double));
    em_result result = em_polish(&all, &nodes, &control, theta, memory, integers);
    return em_run_ended(&all, &result, theta, em_get_number(control_, "offset"));
}
