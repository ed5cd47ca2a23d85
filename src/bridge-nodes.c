/* Bridge: a continuous sample as weighted nodes on a grid that R code has chosen. */
#include "bridge.h"

#include "nodes.h"
#include "polish.h"

#include <R_ext/Utils.h>
#include <math.h>
#include <string.h>

enum { MOST_CELLS = 1 << 22, STRETCH = 1 << 20 };

static em_cells get_cells(SEXP grid)
{
    em_cells c = {.low = em_get_number(grid, "low"),
                  .per_cell = em_get_number(grid, "per_cell"),
                  .cells = em_get_int(grid, "cells", 1, MOST_CELLS)};

    if (!isfinite(c.low) || !isfinite(c.per_cell) || !(c.per_cell > 0))
        em_refuse("`low` and `per_cell` must be finite");
    return c;
}

static em_data get_column(SEXP data_)
{
    em_data data = em_get_data(data_);
    if (data.columns != 1 || data.label != NULL)
        em_refuse("only unlabelled rows of one column are put into cells");
    return data;
}

/* Means, as located, and weights of the cells that hold rows. */
SEXP emix_cells(SEXP data_, SEXP grid_)
{
    static const char *const names[] = {"x", "weight"};
    em_data data = get_column(data_);
    em_cells c = get_cells(grid_);
    size_t cells = (size_t)c.cells, used = 0;

    c.weight = (double *)R_alloc(2 * cells, sizeof(double));
    c.place = c.weight + cells;
    memset(c.weight, 0, 2 * cells * sizeof(double));
    for (em_index row = 0; row < data.n; row += STRETCH) {
        em_cells_add(&c, &data, row, data.n - row < STRETCH ? data.n : row + STRETCH);
        R_CheckUserInterrupt();
    }
    for (size_t j = 0; j < cells; j++) {
        if (!(c.weight[j] > 0))
            continue;
        double mean = c.low + ((double)j + c.place[j] / c.weight[j]) / c.per_cell;
        c.weight[used] = c.weight[j];
        c.place[used++] = mean;
    }
    SEXP ans = PROTECT(em_new_list(names, 2));
    SET_VECTOR_ELT(ans, 0, em_new_doubles(c.place, used));
    SET_VECTOR_ELT(ans, 1, em_new_doubles(c.weight, used));
    UNPROTECT(1);
    return ans;
}

static em_nodes get_grid(SEXP grid)
{
    SEXP start = em_element(grid, "start");
    em_cells c = get_cells(grid);
    em_nodes g = {.low = c.low, .per_cell = c.per_cell, .cells = c.cells};

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
    static const char *const names[] = {"x", "weight", "full"};
    em_data data = get_column(data_);
    em_nodes g = get_grid(grid_);

    for (em_index row = 0; row < data.n; row += STRETCH) {
        em_nodes_add(&g, &data, row, data.n - row < STRETCH ? data.n : row + STRETCH);
        R_CheckUserInterrupt();
    }
    double *x = (double *)R_alloc(em_at(g.bins, EM_NODES), sizeof(double));
    double *weight = (double *)R_alloc(em_at(g.bins, EM_NODES), sizeof(double));
    size_t points = (size_t)em_nodes_points(&g, x, weight);

    SEXP ans = PROTECT(em_new_list(names, 3));
    SET_VECTOR_ELT(ans, 0, em_new_doubles(x, points));
    SET_VECTOR_ELT(ans, 1, em_new_doubles(weight, points));
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
