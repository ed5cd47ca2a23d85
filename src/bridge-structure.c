/* Bridge: the M-step of covariances alone, which brings those of a start to a structure. */
#include "bridge.h"

#include "covmodel.h"

#include <string.h>

static const double *doubles_of(SEXP x, size_t n)
{
    if (TYPEOF(x) != REALSXP || (size_t)XLENGTH(x) != n)
        em_refuse("doubles of another number were expected");
    return REAL(x);
}

/* structure: 0 .. 13; rows: k; scatter: d x d x k, full for every structure; old: d x d x k. */
SEXP emix_structure(SEXP structure, SEXP rows, SEXP scatter, SEXP old)
{
    static const char *const names[] = {"cov", "status", "component"};
    int which = Rf_asInteger(structure), k = (int)XLENGTH(rows), component = 0;
    SEXP dim = Rf_getAttrib(old, R_DimSymbol);
    if (which < 0 || which >= EM_COV_STRUCTURES || Rf_length(dim) != 3 || k < 1)
        em_refuse("`structure` is a number, `old` an array");
    int d = INTEGER(dim)[0];
    size_t size = em_at(d, d) * (size_t)k;
    em_covfit f = {.structure = which, .d = d, .k = k, .poll = em_check_interrupt};
    const double *w = doubles_of(scatter, size);

    if (em_covmodel_is_diagonal(which)) {
        double *diagonal = (double *)R_alloc(em_at(k, d), sizeof(double));
        for (int j = 0; j < k; j++)
            for (int i = 0; i < d; i++)
                diagonal[em_at(j, d) + (size_t)i] = w[em_at(j, d * d) + em_at(i, d + 1)];
        w = diagonal;
    }
    f.rows = doubles_of(rows, (size_t)k);
    f.old = doubles_of(old, size);
    f.scatter = w;
    f.work = (double *)R_alloc(em_covmodel_work(which, d, k), sizeof(double));
    SEXP ans = PROTECT(em_new_list(names, 3));
    SET_VECTOR_ELT(ans, 0, Rf_alloc3DArray(REALSXP, d, d, k));
    memset(REAL(VECTOR_ELT(ans, 0)), 0, size * sizeof(double));
    em_status status = em_covmodel_maximise(&f, REAL(VECTOR_ELT(ans, 0)), &component);
    SET_VECTOR_ELT(ans, 1, Rf_ScalarInteger((int)status));
    SET_VECTOR_ELT(ans, 2, Rf_ScalarInteger(component));
    UNPROTECT(1);
    return ans;
}
