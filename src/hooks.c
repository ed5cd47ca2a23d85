/* Inner parts of the core, for the tests. */
#include "bridge.h"

#include "linalg.h"
#include "numerics.h"
#include "parallel.h"
#include "softmax.h"
#include "vector.h"

#include <string.h>

static const double *doubles(SEXP x)
{
    if (TYPEOF(x) != REALSXP)
        em_refuse("a hook takes doubles");
    return REAL(x);
}

/* a: rows x k logs, rows <= EM_TILE. A list of the shares and the logs of the sums. */
SEXP hook_softmax(SEXP a)
{
    static const char *const names[] = {"share", "log_sum"};
    const double *given = doubles(a);
    if (!Rf_isMatrix(a) || Rf_nrows(a) < 1 || Rf_nrows(a) > EM_TILE || Rf_ncols(a) < 1)
        em_refuse("`a` must be a matrix of at most a tile's rows");
    int rows = Rf_nrows(a), k = Rf_ncols(a);
    double *tile = (double *)R_alloc(em_at(k, EM_TILE), sizeof(double));
    size_t bytes = (size_t)rows * sizeof(double);

    for (int j = 0; j < k; j++)
        memcpy(tile + em_at(j, EM_TILE), given + em_at(j, rows), bytes);
    SEXP ans = PROTECT(em_new_list(names, 2));
    SET_VECTOR_ELT(ans, 0, Rf_allocMatrix(REALSXP, rows, k));
    SET_VECTOR_ELT(ans, 1, Rf_allocVector(REALSXP, rows));
    em_softmax(tile, k, rows, NULL, REAL(VECTOR_ELT(ans, 1)));
    for (int j = 0; j < k; j++)
        memcpy(REAL(VECTOR_ELT(ans, 0)) + em_at(j, rows), tile + em_at(j, EM_TILE), bytes);
    UNPROTECT(1);
    return ans;
}

SEXP hook_deviance_part(SEXP x, SEXP m)
{
    const double *a = doubles(x), *b = doubles(m);
    if (XLENGTH(x) != XLENGTH(m))
        em_refuse("`x` and `m` must have one length");
    SEXP ans = PROTECT(Rf_allocVector(REALSXP, XLENGTH(x)));
    for (R_xlen_t i = 0; i < XLENGTH(x); i++)
        REAL(ans)[i] = em_deviance_part(a[i], b[i]);
    UNPROTECT(1);
    return ans;
}

static void count_task(void *context, int task, int thread)
{
    (void)thread;
    ((int *)context)[task] += task + 1;
}

/* Each task adds its number to its own place: 1, 2, 3, ... when each ran exactly once. */
SEXP hook_parallel(SEXP threads, SEXP tasks)
{
    if (TYPEOF(threads) != INTSXP || TYPEOF(tasks) != INTSXP || XLENGTH(threads) != 1 ||
        XLENGTH(tasks) != 1 || INTEGER(threads)[0] < 1 || INTEGER(threads)[0] > 64 ||
        INTEGER(tasks)[0] < 0 || INTEGER(tasks)[0] > 1000000)
        em_refuse("`threads` and `tasks` must be small integers");
    int n = INTEGER(tasks)[0];
    SEXP ans = PROTECT(Rf_allocVector(INTSXP, n));
    if (n > 0)
        memset(INTEGER(ans), 0, (size_t)n * sizeof(int));
    em_parallel(INTEGER(threads)[0], n, count_task, INTEGER(ans));
    UNPROTECT(1);
    return ans;
}

/* f over x, a tile at a time. */
static SEXP by_tiles(SEXP x, void (*f)(double *, int))
{
    R_xlen_t n = XLENGTH(x);
    const double *given = doubles(x);
    SEXP ans = PROTECT(Rf_allocVector(REALSXP, n));
    if (n > 0)
        memcpy(REAL(ans), given, (size_t)n * sizeof(double));
    for (R_xlen_t i = 0; i < n; i += EM_TILE)
        f(REAL(ans) + i, n - i < EM_TILE ? (int)(n - i) : EM_TILE);
    UNPROTECT(1);
    return ans;
}

SEXP hook_exp(SEXP x)
{
    return by_tiles(x, em_exp_rows);
}

SEXP hook_log(SEXP x)
{
    return by_tiles(x, em_log_rows);
}

SEXP hook_dot(SEXP a, SEXP b)
{
    const double *x = doubles(a), *y = b == R_NilValue ? NULL : doubles(b);
    if (XLENGTH(a) > EM_TILE || (y != NULL && XLENGTH(a) != XLENGTH(b)))
        em_refuse("`a` and `b` must have one length, of a tile at most");
    return Rf_ScalarReal(em_dot(x, y, (int)XLENGTH(a)));
}

/* The smallest eigenvalue of a symmetric matrix, and its vector. */
SEXP hook_smallest_eigen(SEXP a)
{
    static const char *const names[] = {"value", "vector"};
    const double *given = doubles(a);
    if (!Rf_isMatrix(a) || Rf_nrows(a) < 1 || Rf_nrows(a) > 1000 || Rf_ncols(a) != Rf_nrows(a))
        em_refuse("`a` must be a small square matrix");
    int n = Rf_nrows(a);
    double *copy = (double *)R_alloc(em_at(n, n), sizeof(double));
    double *work = (double *)R_alloc(em_at(n, 4), sizeof(double));

    memcpy(copy, given, em_at(n, n) * sizeof(double));
    SEXP ans = PROTECT(em_new_list(names, 2));
    SET_VECTOR_ELT(ans, 1, Rf_allocVector(REALSXP, n));
    double value = em_smallest_eigen(copy, n, REAL(VECTOR_ELT(ans, 1)), work);
    SET_VECTOR_ELT(ans, 0, Rf_ScalarReal(value));
    UNPROTECT(1);
    return ans;
}
