/* What R passes, checked: R code checks for users, this for whoever calls past it. */
#include "bridge.h"

#include "families.h"

#include <limits.h>
#include <string.h>

void em_refuse(const char *why)
{
    Rf_error("internal: %s", why);
}

SEXP em_element(SEXP list, const char *name)
{
    if (TYPEOF(list) != VECSXP)
        Rf_error("internal: expected a list that has `%s`", name);
    SEXP names = Rf_getAttrib(list, R_NamesSymbol);
    for (R_xlen_t i = 0; i < XLENGTH(names); i++)
        if (strcmp(CHAR(STRING_ELT(names, i)), name) == 0)
            return VECTOR_ELT(list, i);
    Rf_error("internal: `%s` is missing", name);
}

double em_get_number(SEXP list, const char *name)
{
    SEXP x = em_element(list, name);
    if (TYPEOF(x) != REALSXP || XLENGTH(x) != 1)
        Rf_error("internal: `%s` must be a double", name);
    return REAL(x)[0];
}

static int int_in(SEXP x, const char *name, int low, int high)
{
    if ((TYPEOF(x) != INTSXP && TYPEOF(x) != LGLSXP) || XLENGTH(x) != 1)
        Rf_error("internal: `%s` must be an integer", name);
    int value = INTEGER(x)[0];
    if (value < low || value > high)
        Rf_error("internal: `%s` must lie in [%d, %d]", name, low, high);
    return value;
}

int em_get_int(SEXP list, const char *name, int low, int high)
{
    return int_in(em_element(list, name), name, low, high);
}

static const double *doubles(SEXP list, const char *name, R_xlen_t n)
{
    SEXP x = em_element(list, name);
    if (TYPEOF(x) != REALSXP || XLENGTH(x) != n)
        Rf_error("internal: `%s` must hold %.0f doubles", name, (double)n);
    return REAL_RO(x);
}

static const int *integers(SEXP list, const char *name, R_xlen_t n)
{
    SEXP x = em_element(list, name);
    if ((TYPEOF(x) != INTSXP && TYPEOF(x) != LGLSXP) || XLENGTH(x) != n)
        Rf_error("internal: `%s` must hold %.0f integers", name, (double)n);
    return INTEGER_RO(x);
}

static bool is_null(SEXP list, const char *name)
{
    return em_element(list, name) == R_NilValue;
}

em_data em_get_data(SEXP list)
{
    SEXP x = em_element(list, "x");
    em_data data = {.columns = em_get_int(list, "columns", 1, EM_TILE)};

    if (TYPEOF(x) != REALSXP || XLENGTH(x) < 1 || XLENGTH(x) % data.columns != 0)
        Rf_error("internal: `x` must hold one or more rows of doubles");
    data.n = XLENGTH(x) / data.columns;
    data.x = REAL_RO(x);
    data.factor = doubles(list, "factor", data.columns);
    data.shift = doubles(list, "shift", data.columns);
    if (!is_null(list, "weight"))
        data.weight = doubles(list, "weight", data.n);
    if (!is_null(list, "label"))
        data.label = integers(list, "label", data.n);
    return data;
}

void em_check_labels(const em_data *data, int k)
{
    for (em_index i = 0; data->label != NULL && i < data->n; i++)
        if (data->label[i] < 0 || data->label[i] > k)
            Rf_error("internal: a label lies outside 0..%d", k);
}

static const char *word(SEXP list, const char *name)
{
    SEXP x = em_element(list, name);
    if (TYPEOF(x) != STRSXP || XLENGTH(x) != 1)
        Rf_error("internal: `%s` must be a string", name);
    return CHAR(STRING_ELT(x, 0));
}

em_model em_get_model(SEXP list, const em_data *data)
{
    em_model m = {
        .family = em_find_family(word(list, "family")),
        .latent = em_find_latent(word(list, "latent")),
        .k = em_get_int(list, "k", 1, 100000),
        .columns = data->columns,
        .equal = (unsigned)em_get_int(list, "equal", 0, INT_MAX),
    };
    if (m.family == NULL || m.latent == NULL)
        Rf_error("internal: no such family or latent structure");
    if (m.family->columns != 0 && m.family->columns != data->columns)
        Rf_error("internal: the family reads %d columns, not %d", m.family->columns, data->columns);
    m.options = doubles(list, "options", m.family->n_options);
    if (m.family->accepts != NULL && !m.family->accepts(&m))
        Rf_error("internal: the family does not accept such options, columns or components");
    m.held = integers(list, "held", m.latent->n_parameters(&m) + m.family->n_parameters(&m));
    if (!is_null(list, "prior_rows"))
        m.prior_rows = doubles(list, "prior_rows", m.k);
    if (!is_null(list, "prior_family"))
        m.prior_family = doubles(list, "prior_family", m.family->n_prior(&m));
    m.hard = em_get_int(list, "hard", 0, 1) == 1;
    em_check_labels(data, m.k);
    return m;
}

const double *em_get_theta(SEXP theta, int n_theta, const char *name)
{
    if (TYPEOF(theta) != REALSXP || XLENGTH(theta) < 1 || XLENGTH(theta) % n_theta != 0)
        Rf_error("internal: `%s` must hold columns of %d doubles", name, n_theta);
    return REAL_RO(theta);
}

em_problem em_make_problem(const em_model *model, const em_data *data, int threads, bool scoring)
{
    em_problem p = {.model = model,
                    .data = data,
                    .threads = threads,
                    .poll = em_check_interrupt,
                    .scoring = scoring,
                    .gather = scoring};
    em_step_bind(&p,
                 (double *)R_alloc(em_step_memory(model, data, threads, scoring), sizeof(double)));
    return p;
}

SEXP em_new_doubles(const double *x, size_t n)
{
    SEXP v = PROTECT(Rf_allocVector(REALSXP, (R_xlen_t)n));
    if (n > 0)
        memcpy(REAL(v), x, n * sizeof(double));
    UNPROTECT(1);
    return v;
}

SEXP em_new_list(const char *const *names, int n)
{
    SEXP list = PROTECT(Rf_allocVector(VECSXP, n));
    SEXP tags = PROTECT(Rf_allocVector(STRSXP, n));

    for (int i = 0; i < n; i++)
        SET_STRING_ELT(tags, i, Rf_mkChar(names[i]));
    Rf_setAttrib(list, R_NamesSymbol, tags);
    UNPROTECT(2);
    return list;
}
