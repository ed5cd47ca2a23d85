/* Bridge: counts, checked in one pass. R code words what is wrong where something is. */
#include "bridge.h"

#include <R_ext/Utils.h>
#include <limits.h>
#include <math.h>
#include <stdint.h>

/* A vector of doubles or integers, read as doubles; NA is NaN. */
typedef struct {
    const double *doubles;
    const int *integers;
    R_xlen_t n;
} em_numbers;

static bool get_numbers(SEXP x, em_numbers *v)
{
    v->n = XLENGTH(x);
    v->doubles = TYPEOF(x) == REALSXP ? REAL_RO(x) : NULL;
    v->integers = TYPEOF(x) == INTSXP ? INTEGER_RO(x) : NULL;
    return v->doubles != NULL || v->integers != NULL;
}

static double number_at(const em_numbers *v, R_xlen_t i)
{
    if (v->doubles != NULL)
        return v->doubles[i];
    if (v->integers == NULL || v->integers[i] == NA_INTEGER)
        return NA_REAL;
    return v->integers[i];
}

/* Whole and from 0 to 2^53; false for NaN. */
static bool is_count(double x)
{
    return x >= 0 && x <= 9007199254740992.0 && (double)(int64_t)x == x;
}

SEXP emix_counts(SEXP x)
{
    em_numbers v;
    bool all = (TYPEOF(x) == REALSXP || TYPEOF(x) == INTSXP) && get_numbers(x, &v);

    for (R_xlen_t i = 0; all && i < v.n; i++) {
        all = is_count(number_at(&v, i));
        if (i % (1 << 22) == 0)
            R_CheckUserInterrupt();
    }
    return Rf_ScalarLogical(all);
}

/* Rows (successes, trials) from x, a vector, and size, one number or one per row; or from a matrix
 * x of (successes, failures) without size. NULL where anything is not as it should be. */
SEXP emix_pairs(SEXP x, SEXP size)
{
    em_numbers s, t;
    bool failures = size == R_NilValue;

    if ((TYPEOF(x) != REALSXP && TYPEOF(x) != INTSXP) || !get_numbers(x, &s) ||
        !get_numbers(failures ? x : size, &t))
        return R_NilValue;
    R_xlen_t n = failures ? s.n / 2 : s.n, shift = failures ? n : 0, each = t.n == 1 ? 0 : 1;
    if (n < 1 || n > INT_MAX || (failures ? s.n % 2 != 0 : t.n != 1 && t.n != n))
        return R_NilValue;
    SEXP rows = PROTECT(Rf_allocMatrix(REALSXP, (int)n, 2));
    double *successes = REAL(rows), *trials = successes + n;
    bool all = true;
    for (R_xlen_t i = 0; all && i < n; i++) {
        double other = number_at(&t, shift + (failures ? i : each * i));
        successes[i] = number_at(&s, i);
        trials[i] = failures ? successes[i] + other : other;
        all = is_count(successes[i]) && is_count(other) && trials[i] >= successes[i] &&
              trials[i] <= 9007199254740992.0;
        if (i % (1 << 22) == 0)
            R_CheckUserInterrupt();
    }
    UNPROTECT(1);
    return all ? rows : R_NilValue;
}
