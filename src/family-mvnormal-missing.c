/* Rows of the multivariate normal family with missing values (NaN): their observed part has the
 * marginal density, and what is missing its conditional expectation (Little & Rubin 2019, 11.2).
 *
 *   o, m     observed and missing columns of a row; y = x - mean, S = cov_j
 *   z        L^-1 y_o, with S_oo = L L'
 *   density  that of y_o: -n_o log(2 pi) / 2 - log|L| - |z|^2 / 2
 *   A        L^-1 S_om, so that E(y_m | y_o) = A' z
 *   C        S_mm - A' A, their conditional covariance
 *   sums     of y with A' z for y_m; S2 gets C besides
 *
 * Rows of one pattern that follow each other, a run, share L, A and C, and are worked on side by
 * side. L grows row by row; those that a run has in common with the one before it stay, which are
 * most where patterns are in order. Nothing is made from the inverse of S, which may be near
 * singular though no S_oo is. Of diagonal structures L has its diagonal alone, and A is 0. */
#include "family-mvnormal.h"
#include "linalg.h"

#include <float.h>
#include <math.h>
#include <string.h>

static const double half_log_2pi = 0.918938533204672741780329736406;

/* Rows side by side; fewer than FEW go one by one. */
enum { ABREAST = 32, FEW = 4 };

/* The most numbers of A: half of the columns are missing. */
enum { MOST_LINKS = EM_MV_MOST_MISSING * EM_MV_MOST_MISSING / 4 };

typedef struct {
    int first, end; /* rows */
    int d, n_observed;
    bool diagonal;
    int column[EM_MV_MOST_MISSING];                         /* observed ones first */
    double factor[EM_MV_MOST_MISSING * EM_MV_MOST_MISSING]; /* L's columns, this far apart */
    double log_constant;
} run;

EM_KERNEL
bool em_mv_find_gaps(const em_tile *tile, int d, em_mv_gaps *g)
{
    uint64_t any = 0;

    memset(g->missing, 0, sizeof g->missing);
    for (int c = 0; c < d; c++) {
        const double *x = em_column(tile, c);
#pragma omp simd
        for (int i = 0; i < tile->rows; i++)
            g->missing[i] |= (uint64_t)(x[i] != x[i] ? 1 : 0) << c; /* NaN alone */
    }
    for (int i = 0; i < tile->rows; i++)
        any |= g->missing[i];
    return any != 0;
}

/* How many of the observed columns stay, in the same places, from those of the run before. */
static int set_columns(run *r, uint64_t missing)
{
    int n = 0, same = 0, before = r->n_observed, last = r->d;

    for (int c = 0; c < r->d; c++)
        if (!(missing >> c & 1)) {
            same += same == n && n < before && r->column[n] == c;
            r->column[n++] = c;
        }
    r->n_observed = n;
    for (int c = r->d - 1; c >= 0; c--)
        if (missing >> c & 1)
            r->column[--last] = c;
    return same;
}

static double cov_at(const em_mv_constants *c, const run *r, int a, int b)
{
    return c->cov[em_at(r->column[b], r->d) + (size_t)r->column[a]];
}

static double *element(run *r, int a, int b)
{
    return r->factor + em_at(b, EM_MV_MOST_MISSING) + (size_t)a;
}

/* to := L^-1 to, of the first n rows of both */
EM_KERNEL
static void forward(const run *r, int n, double *to)
{
    for (int b = 0; b < n; b++) {
        const double *l = r->factor + em_at(b, EM_MV_MOST_MISSING);
        double times = to[b] /= l[b];
#pragma omp simd
        for (int a = b + 1; a < n; a++)
            to[a] -= times * l[a];
    }
}

/* to := L^-1 S_ob, of the first n rows of both */
static void link_column(const em_mv_constants *c, const run *r, int b, int n, double *to)
{
    for (int a = 0; a < n; a++)
        to[a] = cov_at(c, r, a, b);
    forward(r, n, to);
}

/* L of a run from row `from` on; false where S_oo has none. */
static bool factorise(const em_mv_constants *c, run *r, int from)
{
    double row[EM_MV_MOST_MISSING];

    for (int b = from; b < r->n_observed; b++) {
        double whole = cov_at(c, r, b, b), pivot = whole;
        if (!r->diagonal) {
            link_column(c, r, b, b, row);
            pivot -= em_inner(row, row, b);
            for (int a = 0; a < b; a++)
                *element(r, b, a) = row[a];
        }
        if (!(pivot > 4 * r->n_observed * DBL_EPSILON * whole))
            return false;
        *element(r, b, b) = sqrt(pivot);
    }
    return true;
}

/* The density's constant: where S_oo has no factor, rows are impossible. */
static void set_constant(run *r, bool known)
{
    r->log_constant = known ? -r->n_observed * half_log_2pi : -INFINITY;
    for (int a = 0; a < r->n_observed && known; a++)
        r->log_constant -= log(*element(r, a, a));
}

/* The next run of rows that have gaps, after r; false where there is none. */
static bool next_run(const em_mv_constants *c, const em_mv_gaps *g, int rows, run *r)
{
    int i = r->end;

    while (i < rows && g->missing[i] == 0)
        i++;
    if (i == rows)
        return false;
    r->first = i;
    while (i < rows && g->missing[i] == g->missing[r->first])
        i++;
    r->end = i;
    int same = set_columns(r, g->missing[r->first]);
    bool known = factorise(c, r, isfinite(r->log_constant) ? same : 0);
    set_constant(r, known);
    return true;
}

/* to += times * from, of rows side by side */
static inline void add_rows(double *to, double times, const double *from, int rows)
{
#pragma omp simd
    for (int i = 0; i < rows; i++)
        to[i] += times * from[i];
}

/* z of `rows` rows, row `from` the first: a column of as many numbers for each observed one. */
EM_KERNEL
static void whiten(const run *r, const em_mv_constants *c, const em_tile *tile, int from, int rows,
                   double *z)
{
    int n = r->n_observed;

    for (int a = 0; a < n; a++) {
        const double *x = em_column(tile, r->column[a]) + from;
        double mean = c->mean[r->column[a]];
        for (int i = 0; i < rows; i++)
            z[em_at(a, rows) + (size_t)i] = x[i] - mean;
    }
    if (rows == 1 && !r->diagonal) {
        forward(r, n, z);
        return;
    }
    for (int b = 0; b < n; b++) {
        const double *l = r->factor + em_at(b, EM_MV_MOST_MISSING);
        double *z_b = z + em_at(b, rows), root = l[b];
#pragma omp simd
        for (int i = 0; i < rows; i++)
            z_b[i] /= root;
        for (int a = b + 1; a < n && !r->diagonal; a++)
            add_rows(z + em_at(a, rows), -l[a], z_b, rows);
    }
}

/* out := log_constant - |z|^2 / 2 */
EM_KERNEL
static void add_squares(const run *r, const double *z, int rows, double *out)
{
    for (int i = 0; i < rows; i++)
        out[i] = r->log_constant;
    for (int a = 0; a < r->n_observed; a++) {
        const double *z_a = z + em_at(a, rows);
#pragma omp simd
        for (int i = 0; i < rows; i++)
            out[i] -= 0.5 * z_a[i] * z_a[i];
    }
}

/* How many of those left are next. */
static int abreast(int left)
{
    return left < FEW ? 1 : left < ABREAST ? left : ABREAST;
}

void em_mv_density_gaps(const em_model *m, const em_mv_constants *c, const em_tile *tile,
                        const em_mv_gaps *g, double *out)
{
    run r = {.end = 0, .d = m->columns, .diagonal = em_mv_is_diagonal(m)};
    double z[EM_MV_MOST_MISSING * ABREAST];

    while (next_run(c, g, tile->rows, &r))
        for (int i = r.first, rows; i < r.end; i += rows) {
            rows = abreast(r.end - i);
            if (isfinite(r.log_constant))
                whiten(&r, c, tile, i, rows, z);
            else
                memset(z, 0, sizeof z);
            add_squares(&r, z, rows, out + i);
        }
}

/* What is missing in rows side by side; columns of `filled` are EM_TILE apart. links: NULL for A =
 * 0. */
EM_KERNEL
static void expect(const run *r, const em_mv_constants *c, const double *links, const double *z,
                   int rows, double *filled)
{
    int n = r->n_observed;

    for (int b = n; b < r->d; b++) {
        double *to = filled + em_at(r->column[b], EM_TILE), mean = c->mean[r->column[b]];
        for (int i = 0; i < rows; i++)
            to[i] = mean;
        for (int a = 0; a < n && links != NULL; a++)
            add_rows(to, links[em_at(b - n, n) + (size_t)a], z + em_at(a, rows), rows);
    }
}

/* s2 += weight * C, columns being in increasing order. */
static void add_conditional(const run *r, const em_mv_constants *c, const double *links,
                            double weight, double *s2)
{
    int n = r->n_observed, d = r->d;

    for (int b = n; b < d; b++) {
        int column = r->column[b];
        double *to = s2 + (em_triangle(d) - em_triangle(d - column)) - column;
        if (r->diagonal)
            s2[column] += weight * cov_at(c, r, b, b);
        for (int a = b; a < d && !r->diagonal; a++)
            to[r->column[a]] +=
                weight * (cov_at(c, r, a, b) -
                          em_inner(links + em_at(a - n, n), links + em_at(b - n, n), n));
    }
}

/* Where S_oo has no factor the row has no share, and any number will do. */
void em_mv_fill_gaps(const em_model *m, const em_mv_constants *c, const em_tile *tile,
                     const em_mv_gaps *g, const double *p, double *filled, double *s2)
{
    run r = {.end = 0, .d = m->columns, .diagonal = em_mv_is_diagonal(m)};
    double z[EM_MV_MOST_MISSING * ABREAST], links[MOST_LINKS];

    while (next_run(c, g, tile->rows, &r)) {
        bool linked = !r.diagonal && isfinite(r.log_constant);
        double weight = 0;
        for (int b = r.n_observed; b < r.d && linked; b++)
            link_column(c, &r, b, r.n_observed, links + em_at(b - r.n_observed, r.n_observed));
        for (int i = r.first, rows; i < r.end; i += rows) {
            rows = abreast(r.end - i);
            if (linked)
                whiten(&r, c, tile, i, rows, z);
            expect(&r, c, linked ? links : NULL, z, rows, filled + i);
        }
        for (int i = r.first; i < r.end; i++)
            weight += p[i];
        if (weight > 0 && isfinite(r.log_constant))
            add_conditional(&r, c, links, weight, s2);
    }
}
