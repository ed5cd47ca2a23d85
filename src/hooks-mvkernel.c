/* The multivariate normal's kernels, for the tests: all rows of a matrix, tile after tile. */
#include "bridge.h"

#include "mvkernel.h"

#include <string.h>

static size_t triangle(int d, bool diagonal)
{
    return diagonal ? (size_t)d : em_at(d, d + 1) / 2;
}

static void check(SEXP x, SEXP centre, SEXP diagonal, SEXP offset)
{
    if (TYPEOF(x) != REALSXP || !Rf_isMatrix(x) || Rf_nrows(x) < 1 || Rf_ncols(x) < 1 ||
        TYPEOF(centre) != REALSXP || XLENGTH(centre) != Rf_ncols(x))
        em_refuse("`x` must be a matrix of doubles, and `centre` have a value for each column");
    if (TYPEOF(diagonal) != LGLSXP || XLENGTH(diagonal) != 1 || TYPEOF(offset) != INTSXP ||
        XLENGTH(offset) != 1 || INTEGER(offset)[0] < 0 || INTEGER(offset)[0] > EM_LINE)
        em_refuse("`diagonal` must be TRUE or FALSE, and `offset` within a cache line");
}

/* A copy that starts `offset` doubles after the start of a cache line. */
static double *placed(SEXP x, SEXP offset)
{
    size_t n = (size_t)XLENGTH(x), past;
    double *room = (double *)R_alloc(n + 2 * (size_t)EM_LINE, sizeof(double));

    past = (size_t)room / sizeof(double) % EM_LINE;
    room += EM_LINE - past + (size_t)INTEGER(offset)[0];
    memcpy(room, REAL(x), n * sizeof(double));
    return room;
}

SEXP hook_mv_density(SEXP x, SEXP centre, SEXP w, SEXP constant, SEXP diagonal, SEXP offset)
{
    check(x, centre, diagonal, offset);
    int n = Rf_nrows(x), d = Rf_ncols(x);
    bool only = LOGICAL(diagonal)[0] == TRUE;
    if (TYPEOF(w) != REALSXP || (size_t)XLENGTH(w) != triangle(d, only) ||
        TYPEOF(constant) != REALSXP || XLENGTH(constant) != 1)
        em_refuse("`w` must be a triangle or a diagonal, and `constant` a double");
    const double *at = placed(x, offset);
    SEXP ans = PROTECT(Rf_allocVector(REALSXP, n));
    for (int i = 0; i < n; i += EM_TILE)
        (only ? em_mv_density_diagonal
              : em_mv_density)(at + i, n, n - i < EM_TILE ? n - i : EM_TILE, d, REAL(centre),
                               REAL(w), REAL(constant)[0], REAL(ans) + i);
    UNPROTECT(1);
    return ans;
}

SEXP hook_mv_scatter(SEXP x, SEXP centre, SEXP p, SEXP diagonal, SEXP offset)
{
    static const char *const names[] = {"s1", "s2"};
    check(x, centre, diagonal, offset);
    int n = Rf_nrows(x), d = Rf_ncols(x);
    bool only = LOGICAL(diagonal)[0] == TRUE;
    size_t size = triangle(d, only);
    if (TYPEOF(p) != REALSXP || XLENGTH(p) != n)
        em_refuse("`p` must have a value for each row");
    const double *at = placed(x, offset), *share = placed(p, offset);
    SEXP ans = PROTECT(em_new_list(names, 2));
    SET_VECTOR_ELT(ans, 0, Rf_allocVector(REALSXP, d));
    SET_VECTOR_ELT(ans, 1, Rf_allocVector(REALSXP, (R_xlen_t)size));
    double *s1 = REAL(VECTOR_ELT(ans, 0)), *s2 = REAL(VECTOR_ELT(ans, 1));
    memset(s1, 0, (size_t)d * sizeof(double));
    memset(s2, 0, size * sizeof(double));
    for (int i = 0; i < n; i += EM_TILE)
        (only ? em_mv_scatter_diagonal : em_mv_scatter)(
            at + i, n, n - i < EM_TILE ? n - i : EM_TILE, d, REAL(centre), share + i, s1, s2);
    UNPROTECT(1);
    return ans;
}
