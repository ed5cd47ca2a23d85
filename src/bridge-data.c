/* Bridge: what is done to rows before a fit, condensing them and looking at their range. */
#include "bridge.h"

#include "condense.h"
#include "numerics.h"

#include <R_ext/Utils.h>
#include <math.h>
#include <string.h>

static em_condenser new_condenser(int columns, int capacity)
{
    size_t n = (size_t)capacity;
    em_condenser c = {.columns = columns, .capacity = capacity};
    c.slot = (unsigned *)R_alloc(2 * n, sizeof *c.slot);
    c.x = (double *)R_alloc(n * (size_t)columns, sizeof *c.x);
    c.weight = (double *)R_alloc(n, sizeof *c.weight);
    c.label = (int *)R_alloc(n, sizeof *c.label);
    em_condense_clear(&c);
    return c;
}

/* Condensing pays when it saves a quarter of the rows. Continuous data are given up as soon
 * as the first 2^16 points show that they hardly repeat. */
enum { FIRST_CAPACITY = 1 << 10, TRIAL = 1 << 16, LARGEST = 1 << 28 };

static bool mostly_distinct(int points, em_index rows)
{
    return points > rows - rows / 4;
}

static bool condense(em_condenser *c, const em_data *data)
{
    em_index row = 0, stretch = 1 << 18;

    /* Many rows: room for the trial at once, for what grows stays until the call ends. */
    *c = new_condenser(data->columns, data->n > TRIAL ? TRIAL : FIRST_CAPACITY);
    while (row < data->n) {
        em_index end = data->n - row > stretch ? row + stretch : data->n;
        row = em_condense_rows(c, data, row, end);
        R_CheckUserInterrupt();
        if (row == end)
            continue;
        if (c->capacity == LARGEST || (c->used >= TRIAL && mostly_distinct(c->used, row)))
            return false;
        em_condenser larger = new_condenser(data->columns, 2 * c->capacity);
        em_condense_move(c, &larger);
        *c = larger;
    }
    return !mostly_distinct(c->used, data->n);
}

/* Rows that are not a list yet: x is a vector, or a matrix of one column per variable. */
static em_data rows_of(SEXP x, SEXP weight, SEXP label)
{
    em_data data = {.columns = Rf_isMatrix(x) ? Rf_ncols(x) : 1};

    if (TYPEOF(x) != REALSXP || XLENGTH(x) < 1 || data.columns > EM_TILE)
        em_refuse("`x` must hold doubles, in columns that are not too many");
    data.n = XLENGTH(x) / data.columns;
    data.x = REAL_RO(x);
    if (weight != R_NilValue) {
        if (TYPEOF(weight) != REALSXP || XLENGTH(weight) != data.n)
            em_refuse("`weight` must hold a double for each row");
        data.weight = REAL_RO(weight);
    }
    if (label != R_NilValue) {
        if (TYPEOF(label) != INTSXP || XLENGTH(label) != data.n)
            em_refuse("`label` must hold an integer for each row");
        data.label = INTEGER_RO(label);
    }
    return data;
}

/* The points as R holds rows: columns contiguous. */
static SEXP points_of(const em_condenser *c)
{
    SEXP points = PROTECT(Rf_allocMatrix(REALSXP, c->used, c->columns));
    double *to = REAL(points);

    for (int j = 0; j < c->columns; j++)
        for (int i = 0; i < c->used; i++)
            to[em_at(j, c->used) + (size_t)i] = c->x[em_at(i, c->columns) + (size_t)j];
    UNPROTECT(1);
    return points;
}

/* NULL when condensing does not pay. */
SEXP emix_condense(SEXP x, SEXP weight, SEXP label)
{
    static const char *const names[] = {"x", "weight", "label"};
    em_data data = rows_of(x, weight, label);
    em_condenser c;

    if (!condense(&c, &data))
        return R_NilValue;
    SEXP ans = PROTECT(em_new_list(names, 3));
    SET_VECTOR_ELT(ans, 0, points_of(&c));
    SET_VECTOR_ELT(ans, 1, em_new_doubles(c.weight, (size_t)c.used));
    if (label != R_NilValue) {
        SET_VECTOR_ELT(ans, 2, Rf_allocVector(INTSXP, c.used));
        memcpy(INTEGER(VECTOR_ELT(ans, 2)), c.label, (size_t)c.used * sizeof(int));
    }
    UNPROTECT(1);
    return ans;
}

/* Calls `add` on stretches of x, so that an interrupt is never far. */
static void over_stretches(const double *x, R_xlen_t n, void *sums,
                           void (*add)(void *sums, const double *x, em_index n))
{
    const R_xlen_t stretch = 1 << 22;

    for (R_xlen_t from = 0; from < n; from += stretch) {
        add(sums, x + from, n - from < stretch ? n - from : stretch);
        R_CheckUserInterrupt();
    }
}

static void add_range(void *sums, const double *x, em_index n)
{
    em_range_add(sums, x, n);
}

static void add_moments(void *sums, const double *x, em_index n)
{
    em_moments_add(sums, x, n);
}

/* Mean and sd in units of the largest value's power of two, so that nothing overflows. The
 * second look is about the mean of the first, so that nothing cancels. */
static em_moments moments_of(const double *x, R_xlen_t n, const em_range *range)
{
    double largest = fmax(fabs(range->min), fabs(range->max));
    em_moments m = {.scale = largest > 0 ? ldexp(1, ilogb(largest)) : 1};

    m.origin = range->min / m.scale;
    over_stretches(x, n, &m, add_moments);
    em_moments second = {.scale = m.scale, .origin = m.origin + (m.n > 0 ? m.sum / m.n : 0)};
    over_stretches(x, n, &second, add_moments);
    return second;
}

/* min, max, mean, sd of the finite values; numbers of NaN or NA, and of infinite values. */
static void describe(const double *x, R_xlen_t n, double out[6])
{
    em_range range = {.n = 0};

    over_stretches(x, n, &range, add_range);
    em_moments m = moments_of(x, n, &range);
    double rest = m.n > 0 ? m.sum / m.n : 0, variance = m.n > 0 ? m.sum_sq / m.n - rest * rest : 0;
    out[0] = range.min;
    out[1] = range.max;
    out[2] = (m.origin + rest) * m.scale;
    out[3] = sqrt(fmax(variance, 0)) * m.scale;
    out[4] = (double)range.n_nan;
    out[5] = (double)range.n_infinite;
}

/* Of each column of x six numbers. */
SEXP emix_describe(SEXP x)
{
    if (TYPEOF(x) != REALSXP)
        em_refuse("`x` must hold doubles");
    int columns = Rf_isMatrix(x) ? Rf_ncols(x) : 1;
    R_xlen_t n = columns > 0 ? XLENGTH(x) / columns : 0;
    SEXP out = PROTECT(Rf_allocVector(REALSXP, 6 * (R_xlen_t)columns));

    for (int j = 0; j < columns; j++)
        describe(REAL_RO(x) + j * n, n, REAL(out) + 6 * (R_xlen_t)j);
    UNPROTECT(1);
    return out;
}
