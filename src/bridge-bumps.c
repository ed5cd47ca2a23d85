/* Bridge: many small covariances at once, for the search. */
#include "bridge.h"

#include "linalg.h"

#include <math.h>
#include <string.h>

typedef struct {
    int d;
    const double *cov, *mean; /* a column of d * d, and of d, for each; mean may be NULL */
    double *root, *gap;       /* scratch */
} em_bumps;

/* Minus half of log |S| + |gap|^2 in units of S = cov_a + times cov_b, gap = mean_a - mean_b; with
 * b < 0, of cov_a alone. A singular S is infinitely high. */
static double bump(const em_bumps *s, int a, int b, double times)
{
    int d = s->d;
    double value = 0;

    memcpy(s->root, s->cov + em_at(a, d * d), em_at(d, d) * sizeof(double));
    for (int i = 0; i < d * d && b >= 0; i++)
        s->root[i] += times * s->cov[em_at(b, d * d) + (size_t)i];
    if (!em_cholesky(s->root, d))
        return INFINITY;
    for (int i = 0; i < d; i++)
        value -= log(s->root[em_at(i, d + 1)]);
    if (b < 0 || s->mean == NULL)
        return value;
    for (int i = 0; i < d; i++)
        s->gap[i] = s->mean[em_at(a, d) + (size_t)i] - s->mean[em_at(b, d) + (size_t)i];
    em_forward(s->root, d, s->gap);
    return value - em_inner(s->gap, s->gap, d) / 2;
}

static const int *places(SEXP x, R_xlen_t n, int most)
{
    if (TYPEOF(x) != INTSXP || XLENGTH(x) != n)
        em_refuse("places of components were expected");
    for (R_xlen_t i = 0; i < n; i++)
        if (INTEGER(x)[i] < 1 || INTEGER(x)[i] > most)
            em_refuse("there is no such component");
    return INTEGER(x);
}

/* cov: d * d rows; mean: d rows, or NULL; first, second: columns of these, from 1, or NULL: all,
 * and none. */
SEXP emix_bumps(SEXP cov, SEXP mean, SEXP first, SEXP second, SEXP times)
{
    if (TYPEOF(cov) != REALSXP || !Rf_isMatrix(cov) || TYPEOF(times) != REALSXP ||
        XLENGTH(times) != 1)
        em_refuse("`cov` is a matrix of doubles, `times` a double");
    int d = (int)(sqrt((double)Rf_nrows(cov)) + 0.5), most = Rf_ncols(cov);
    if (d * d != Rf_nrows(cov))
        em_refuse("a column of `cov` is a square matrix");
    em_bumps s = {.d = d, .cov = REAL(cov)};
    if (mean != R_NilValue) {
        if (TYPEOF(mean) != REALSXP || XLENGTH(mean) != (R_xlen_t)d * most)
            em_refuse("`mean` has a column for each of `cov`");
        s.mean = REAL(mean);
    }
    s.root = (double *)R_alloc(em_at(d, d + 1), sizeof(double));
    s.gap = s.root + em_at(d, d);
    R_xlen_t n = first == R_NilValue ? most : XLENGTH(first);
    const int *a = first == R_NilValue ? NULL : places(first, n, most);
    const int *b = second == R_NilValue ? NULL : places(second, n, most);
    SEXP ans = PROTECT(Rf_allocVector(REALSXP, n));
    for (R_xlen_t i = 0; i < n; i++)
        REAL(ans)[i] = bump(&s, a == NULL ? (int)i : a[i] - 1, b == NULL ? -1 : b[i] - 1,
                            REAL(times)[0]);
    UNPROTECT(1);
    return ans;
}
