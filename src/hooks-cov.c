/* Eigenvalues and eigenvectors, for the tests. */
#include "bridge.h"

#include "eigen.h"

#include <string.h>

/* All eigenvalues of a symmetric matrix, rising, and its vectors. */
SEXP hook_eigen(SEXP a)
{
    static const char *const names[] = {"values", "vectors"};
    int n = Rf_nrows(a);
    if (TYPEOF(a) != REALSXP || (size_t)XLENGTH(a) != em_at(n, n))
        em_refuse("a square matrix of doubles was expected");
    double *work = (double *)R_alloc(em_at(n, n), sizeof(double));

    SEXP ans = PROTECT(em_new_list(names, 2));
    SET_VECTOR_ELT(ans, 0, Rf_allocVector(REALSXP, n));
    SET_VECTOR_ELT(ans, 1, Rf_allocMatrix(REALSXP, n, n));
    memcpy(REAL(VECTOR_ELT(ans, 1)), REAL(a), em_at(n, n) * sizeof(double));
    em_eigen(REAL(VECTOR_ELT(ans, 1)), n, REAL(VECTOR_ELT(ans, 0)), work, NULL);
    UNPROTECT(1);
    return ans;
}
