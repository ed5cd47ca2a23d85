/* Curvature and scores at given parameters, for standard errors. */
#include "bridge.h"

#include "inform.h"

#include <math.h>
#include <string.h>

enum { STATUS, OBJECTIVE, GRADIENT, INFORMATION, METRIC, OUTER, INDEX, REFERENCE, N_ANSWER };
static const char *const answer_names[] = {"status", "objective", "gradient", "information",
                                           "metric", "outer",     "index",    "reference"};

typedef struct {
    em_inform inform;
    em_accel accel;
} em_curvature;

static em_curvature new_curvature(const em_model *m)
{
    em_curvature c;
    int most = em_inform_size(m);

    em_accel_bind(&c.accel, most, (double *)R_alloc(em_accel_memory(most), sizeof(double)));
    em_inform_bind(&c.inform, m, (double *)R_alloc(em_inform_memory(m), sizeof(double)),
                   (int *)R_alloc((size_t)most, sizeof(int)));
    return c;
}

/* A q x q matrix in slot e of the list. */
static void put_square(SEXP list, int e, const double *x, int q)
{
    SEXP matrix = Rf_allocMatrix(REALSXP, q, q);

    SET_VECTOR_ELT(list, e, matrix);
    if (q > 0)
        memcpy(REAL(matrix), x, em_at(q, q) * sizeof(double));
}

static void put_index(SEXP list, const em_inform *f)
{
    SEXP index = Rf_allocVector(INTSXP, f->raw);

    SET_VECTOR_ELT(list, INDEX, index);
    for (int e = 0; e < f->raw; e++)
        INTEGER(index)[e] = f->index[e] < 0 ? NA_INTEGER : f->index[e] + 1;
    SET_VECTOR_ELT(list, REFERENCE,
                   Rf_ScalarInteger(f->reference < 0 ? NA_INTEGER : f->reference + 1));
}

/* The sums of scores have lengths of type int. */
static void check_size(const em_model *m)
{
    enum { MOST_RAW = 30000 };
    if ((size_t)m->k * (size_t)(1 + m->family->n_free) > MOST_RAW)
        Rf_error("internal: more than %d coordinates", MOST_RAW);
}

/* Gradient, observed and complete information of the objective, and the sum of outer products of
 * the rows' scores, in free coordinates; index: the number of the free coordinate of each raw one
 * (proportions, then component by component), NA where it is not free. */
SEXP emix_inform(SEXP data_, SEXP model_, SEXP threads_, SEXP theta_)
{
    em_data data = em_get_data(data_);
    em_model model = em_get_model(model_, &data);
    check_size(&model);
    em_problem p = em_make_problem(&model, &data, em_get_threads(threads_), true);
    em_curvature c = new_curvature(&model);
    const double *theta = em_get_theta(theta_, p.n_theta, "theta");
    double objective = NAN;

    SEXP ans = PROTECT(em_new_list(answer_names, N_ANSWER));
    em_status status = em_step_expect(&p, theta, &objective);
    SET_VECTOR_ELT(ans, STATUS, Rf_ScalarInteger((int)status));
    SET_VECTOR_ELT(ans, OBJECTIVE, Rf_ScalarReal(objective));
    if (status == EM_OK) {
        em_inform_fill(&c.inform, &p, theta, &c.accel);
        int q = c.accel.q;
        SET_VECTOR_ELT(ans, GRADIENT, em_new_doubles(c.accel.gradient, (size_t)q));
        put_square(ans, INFORMATION, c.accel.information, q);
        put_square(ans, METRIC, c.accel.metric, q);
        em_inform_outer(&c.inform, &p, theta, q, c.accel.factor);
        put_square(ans, OUTER, c.accel.factor, q);
        put_index(ans, &c.inform);
    }
    UNPROTECT(1);
    return ans;
}
