/* Bridge: derivatives along directions in the space of the sums, for standard errors and profiles of
 * families without scores (secant.h and sums.h say what the space is). */
#include "bridge.h"

#include "linalg.h"
#include "sums.h"

#include <math.h>
#include <string.h>

enum { STATUS, THETA, OBJECTIVE, SUMS, NATURAL, PARAMETERS, FOUND, N_ANSWER };
static const char *const answer_names[] = {"status",  "theta",      "objective", "sums",
                                           "natural", "parameters", "found"};

/* What is known at one point x of the space. */
typedef struct {
    em_problem *p;
    const double *about; /* theta about whose centres sums are */
    int n;
    double *theta, *natural, *found, *moved;
} em_place;

static double *new_doubles(size_t n)
{
    return (double *)R_alloc(n, sizeof(double));
}

static em_place new_place(em_problem *p, const double *about)
{
    em_place at = {.p = p, .about = about, .n = em_step_n_sums(p->model)};

    at.theta = new_doubles((size_t)p->n_theta);
    at.natural = new_doubles((size_t)at.n);
    at.found = new_doubles((size_t)at.n);
    at.moved = new_doubles((size_t)at.n);
    return at;
}

/* What the E-step finds at theta: sums about the centres of `about`. */
static em_status expect(em_place *at, const double *theta, double *sums, double *objective)
{
    em_problem *p = at->p;
    em_status status = em_step_expect(p, theta, objective);

    if (status == EM_OK)
        em_step_recentre(p, p->sums + 1, theta, at->about, sums);
    return status;
}

/* The maximiser of sums x, the coefficients there and, with a walk, what the E-step finds. */
static em_status look_at(em_place *at, const double *x, bool walk)
{
    em_problem *p = at->p;
    double objective = 0;

    em_status status = em_step_maximise_of(p, x, at->about, at->theta);
    if (status == EM_OK)
        status = em_step_natural(p, at->theta, at->about, at->natural);
    return status == EM_OK && walk ? expect(at, at->theta, at->found, &objective) : status;
}

/* Central differences along one direction, added to columns that are zero. */
static em_status differ(em_place *at, const double *x, const double *direction, double h, bool walk,
                        double *natural, double *parameters, double *found)
{
    for (int side = -1; side <= 1; side += 2) {
        memcpy(at->moved, x, (size_t)at->n * sizeof(double));
        em_add_times(at->moved, side * h, direction, at->n);
        em_status status = look_at(at, at->moved, walk);
        if (status != EM_OK)
            return status;
        em_add_times(natural, side / (2 * h), at->natural, at->n);
        em_add_times(parameters, side / (2 * h), at->theta, at->p->n_theta);
        if (walk)
            em_add_times(found, side / (2 * h), at->found, at->n);
    }
    return EM_OK;
}

static double *new_columns(SEXP list, int e, int rows, int columns)
{
    SEXP matrix = Rf_allocMatrix(REALSXP, rows, columns);

    SET_VECTOR_ELT(list, e, matrix);
    memset(REAL(matrix), 0, em_at(columns, rows) * sizeof(double));
    return REAL(matrix);
}

/* Along each column of `directions` (of the sums about theta's centres), by differences over `part`
 * of it: coefficients, parameters and, with `walk`, what the E-step finds. From the E-step's sums
 * at theta or, where `at` has sums, from these; theta, objective and sums are of the point from
 * which directions go, sums what the E-step finds there (objective and sums only with `expect`). */
SEXP emix_differ(SEXP data_, SEXP model_, SEXP threads_, SEXP theta_, SEXP directions_, SEXP how_)
{
    em_data data = em_get_data(data_);
    em_model model = em_get_model(model_, &data);
    em_problem p = em_make_problem(&model, &data, em_get_threads(threads_), false);
    const double *about = em_get_theta(theta_, p.n_theta, "theta");
    double h = em_get_number(how_, "part"), objective = NAN;
    bool walk = em_get_int(how_, "walk", 0, 1) == 1, asked = em_get_int(how_, "expect", 0, 1) == 1;
    if (!em_sums_apply(&model))
        em_refuse("the family is not accelerated by sums");
    em_place at = new_place(&p, about);
    SEXP from_ = em_element(how_, "at");
    const double *directions = em_get_theta(directions_, at.n, "directions");
    const double *from = from_ == R_NilValue ? NULL : em_get_theta(from_, at.n, "at");
    int q = (int)(XLENGTH(directions_) / at.n);

    SEXP ans = PROTECT(em_new_list(answer_names, N_ANSWER));
    double *theta = new_columns(ans, THETA, p.n_theta, 1);
    double *sums = new_columns(ans, SUMS, at.n, 1);
    double *natural = new_columns(ans, NATURAL, at.n, q);
    double *parameters = new_columns(ans, PARAMETERS, p.n_theta, q);
    double *found = new_columns(ans, FOUND, at.n, walk ? q : 0);
    em_status status = EM_OK;
    if (from != NULL)
        status = em_step_maximise_of(&p, from, about, theta);
    else
        memcpy(theta, about, (size_t)p.n_theta * sizeof(double));
    if (status == EM_OK && (asked || from == NULL))
        status = expect(&at, theta, sums, &objective);
    for (int c = 0; c < q && status == EM_OK; c++) {
        status = differ(&at, from != NULL ? from : sums, directions + em_at(c, at.n), h, walk,
                        natural + em_at(c, at.n), parameters + em_at(c, p.n_theta),
                        found + (walk ? em_at(c, at.n) : 0));
        em_check_interrupt();
    }
    SET_VECTOR_ELT(ans, OBJECTIVE, Rf_ScalarReal(objective));
    SET_VECTOR_ELT(ans, STATUS, Rf_ScalarInteger((int)status));
    UNPROTECT(1);
    return ans;
}
