/* Rows of the multivariate normal family with missing values (NaN): their observed part has the
 * marginal density, and what is missing its conditional expectation (Little & Rubin 2019, 11.2).
 *
 *   o, m     observed and missing columns of a row; y = x - mean, S = cov_j
 *   density  that of y_o under S_oo = L L'
 *   B        S_mo S_oo^-1, so that E(y_m | y_o) = B y_o
 *   C        S_mm - B S_om, their conditional covariance
 *   sums     of y with B y_o for y_m; S2 gets C besides
 *
 * Rows of one pattern that follow each other share L, B and C. */
#include "family-mvnormal.h"
#include "linalg.h"

#include <math.h>
#include <string.h>

static const double half_log_2pi = 0.918938533204672741780329736406;

typedef struct {
    int d, n_observed, n_missing;
    int column[EM_MV_MOST_MISSING];                         /* observed ones first */
    double factor[EM_MV_MOST_MISSING * EM_MV_MOST_MISSING]; /* L, by columns */
    double log_constant;
} mv_pattern;

static bool same_pattern(const mv_pattern *p, const em_tile *tile, int i)
{
    for (int a = 0; a < p->d; a++) {
        bool missing = isnan(em_column(tile, p->column[a])[i]);
        if (missing != (a >= p->n_observed))
            return false;
    }
    return true;
}

static double cov_at(const em_mv_constants *c, int d, int row, int column)
{
    return c->cov[em_at(column, d) + (size_t)row];
}

/* The pattern of row i; where S_oo has no factor its rows are impossible. */
static void set_pattern(mv_pattern *p, const em_mv_constants *c, const em_tile *tile, int i, int d)
{
    int n = 0, last = d;

    p->d = d;
    for (int column = 0; column < d; column++)
        if (!isnan(em_column(tile, column)[i]))
            p->column[n++] = column;
    p->n_observed = n;
    p->n_missing = d - n;
    for (int column = d - 1; column >= 0; column--)
        if (isnan(em_column(tile, column)[i]))
            p->column[--last] = column;
    for (int a = 0; a < n; a++)
        for (int b = 0; b < n; b++)
            p->factor[em_at(b, n) + (size_t)a] = cov_at(c, d, p->column[a], p->column[b]);
    p->log_constant = -n * half_log_2pi;
    if (n > 0 && !em_cholesky(p->factor, n))
        p->log_constant = -INFINITY;
    for (int a = 0; a < n && isfinite(p->log_constant); a++)
        p->log_constant -= log(p->factor[em_at(a, n) + (size_t)a]);
}

static bool is_complete(const em_tile *tile, int i, int d)
{
    for (int c = 0; c < d; c++)
        if (isnan(em_column(tile, c)[i]))
            return false;
    return true;
}

/* y_o of row i. */
static void observed(const mv_pattern *p, const em_mv_constants *c, const em_tile *tile, int i,
                     double *y)
{
    for (int a = 0; a < p->n_observed; a++)
        y[a] = em_column(tile, p->column[a])[i] - c->mean[p->column[a]];
}

void em_mv_density_missing(const em_model *m, const em_mv_constants *c, const em_tile *tile,
                           double *out)
{
    mv_pattern p = {.d = 0};
    double y[EM_MV_MOST_MISSING];
    int d = m->columns;

    for (int i = 0; i < tile->rows; i++) {
        if (is_complete(tile, i, d))
            continue;
        if (p.d == 0 || !same_pattern(&p, tile, i))
            set_pattern(&p, c, tile, i, d);
        observed(&p, c, tile, i, y);
        if (isfinite(p.log_constant))
            em_forward(p.factor, p.n_observed, y);
        out[i] = p.log_constant - 0.5 * em_inner(y, y, p.n_observed);
    }
}

/* Row i's missing values, as expected, into column c at filled + c * EM_TILE. Where S_oo has no
 * factor the row has no share, and any number will do. */
static void fill(const mv_pattern *p, const em_mv_constants *c, const em_tile *tile, int i,
                 double *filled)
{
    double y[EM_MV_MOST_MISSING];

    bool known = isfinite(p->log_constant);

    observed(p, c, tile, i, y);
    if (known)
        em_cholesky_solve(p->factor, p->n_observed, y);
    for (int a = p->n_observed; a < p->d; a++) {
        double expected = c->mean[p->column[a]];
        for (int b = 0; known && b < p->n_observed; b++)
            expected += cov_at(c, p->d, p->column[a], p->column[b]) * y[b];
        filled[em_at(p->column[a], EM_TILE) + (size_t)i] = expected;
    }
}

/* Where element (r, c), r >= c, of a symmetric matrix stands in s2. */
static int square_at(const em_model *m, int r, int c)
{
    if (em_mv_is_diagonal(m))
        return r == c ? c : -1;
    return em_triangle(m->columns) - em_triangle(m->columns - c) + (r - c);
}

/* s2 += weight * C. */
static void add_conditional(const em_model *m, const mv_pattern *p, const em_mv_constants *c,
                            double weight, double *s2)
{
    int n = p->n_observed, d = p->d;
    double a[EM_MV_MOST_MISSING], b[EM_MV_MOST_MISSING];

    for (int l = n; l < d && weight > 0; l++) {
        for (int o = 0; o < n; o++)
            a[o] = cov_at(c, d, p->column[o], p->column[l]);
        em_forward(p->factor, n, a);
        for (int k = l; k < d; k++) {
            int row = p->column[k], col = p->column[l]; /* in increasing order */
            for (int o = 0; o < n; o++)
                b[o] = cov_at(c, d, p->column[o], row);
            em_forward(p->factor, n, b);
            int to = square_at(m, row, col);
            if (to >= 0)
                s2[to] += weight * (cov_at(c, d, row, col) - em_inner(a, b, n));
        }
    }
}

void em_mv_fill_missing(const em_model *m, const em_mv_constants *c, const em_tile *tile,
                        const double *share, double *filled, double *s2)
{
    mv_pattern p = {.d = 0};
    int d = m->columns;
    double weight = 0;

    for (int column = 0; column < d; column++)
        memcpy(filled + em_at(column, EM_TILE), em_column(tile, column),
               (size_t)tile->rows * sizeof(double));
    for (int i = 0; i < tile->rows; i++) {
        if (is_complete(tile, i, d))
            continue;
        if (p.d == 0 || !same_pattern(&p, tile, i)) {
            if (p.d > 0)
                add_conditional(m, &p, c, weight, s2);
            set_pattern(&p, c, tile, i, d);
            weight = 0;
        }
        weight += share[i];
        fill(&p, c, tile, i, filled);
    }
    if (p.d > 0)
        add_conditional(m, &p, c, weight, s2);
}
