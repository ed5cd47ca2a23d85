/* The .Call entry points. All memory comes from R_alloc, which R takes back when the call
 * ends, also by an error or an interrupt: nothing is ever freed here. */
#include "bridge.h"

#include "parallel.h"
#include "starts.h"

#include <R_ext/Utils.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

void em_check_interrupt(void)
{
    R_CheckUserInterrupt();
}

/* A line that is written over, from the second second on; as R/watch.R's. */
enum { LINE_WIDTH = 76 };

typedef struct {
    time_t begun, said;
    double offset;
} em_watch;

static void say_progress(void *context, int iteration, double objective)
{
    em_watch *w = context;
    time_t now = time(NULL);

    if (difftime(now, w->begun) < 2 || difftime(now, w->said) < 1)
        return;
    w->said = now;
    char text[LINE_WIDTH + 1];
    snprintf(text, sizeof text, "emix: iteration %d, log-likelihood %.6f", iteration,
             objective + w->offset);
    REprintf("\r%-*s", LINE_WIDTH, text);
}

static void end_progress(const em_watch *w)
{
    if (w->said != w->begun)
        REprintf("\r%*s\r", LINE_WIDTH, "");
}

static em_control get_control(SEXP list, em_watch *watch)
{
    em_control c = {
        .tol = em_get_number(list, "tol"),
        .max_iter = em_get_int(list, "max_iter", 0, 1000000000),
        .accelerate = em_get_int(list, "accelerate", 0, 1) == 1,
        .rough = em_get_int(list, "rough", 0, 1) == 1,
        .resumes = em_get_int(list, "resumes", 0, 1) == 1,
    };
    watch->begun = watch->said = time(NULL);
    watch->offset = em_get_number(list, "offset");
    if (em_get_int(list, "progress", 0, 1)) {
        c.report = say_progress;
        c.report_context = watch;
    }
    return c;
}

static em_recorder new_recorder(SEXP control, int n_theta, int max_iter)
{
    em_recorder r = {.capacity = 0};

    if (em_get_int(control, "trace", 0, 1)) {
        r.capacity = max_iter + 1;
        r.theta = (double *)R_alloc((size_t)n_theta * (size_t)r.capacity, sizeof(double));
        r.objective = (double *)R_alloc((size_t)r.capacity, sizeof(double));
        r.kind = (int *)R_alloc((size_t)r.capacity, sizeof(int));
    }
    return r;
}

/* One row per start or run: how it ended. */
enum {
    R_THETA,
    R_OBJECTIVE,
    R_STATUS,
    R_CONVERGED,
    R_ITERATIONS,
    R_EVALUATIONS,
    R_FLAT,
    R_GAIN,
    R_LIKELIHOOD,
    N_ENDED
};
static const char *const run_names[] = {"theta",           "objective",   "status", "converged",
                                        "iterations",      "evaluations", "flat",   "gain",
                                        "likelihood",      "component",   "row",    "trace_theta",
                                        "trace_objective", "trace_kind"};
enum { R_COMPONENT = N_ENDED, R_ROW, R_TRACE_THETA, R_TRACE_OBJECTIVE, R_TRACE_KIND, N_RUN };

static void fill_ended(SEXP list, const em_result *results, int n, double offset)
{
    static const SEXPTYPE types[N_ENDED] = {
        [R_OBJECTIVE] = REALSXP, [R_STATUS] = INTSXP,      [R_CONVERGED] = LGLSXP,
        [R_ITERATIONS] = INTSXP, [R_EVALUATIONS] = INTSXP, [R_FLAT] = LGLSXP,
        [R_GAIN] = REALSXP,      [R_LIKELIHOOD] = REALSXP,
    };
    for (int e = R_OBJECTIVE; e < N_ENDED; e++)
        SET_VECTOR_ELT(list, e, Rf_allocVector(types[e], n));
    for (int s = 0; s < n; s++) {
        const em_result *r = results + s;
        REAL(VECTOR_ELT(list, R_OBJECTIVE))[s] = r->objective + offset;
        INTEGER(VECTOR_ELT(list, R_STATUS))[s] = (int)r->status;
        LOGICAL(VECTOR_ELT(list, R_CONVERGED))[s] = r->converged;
        INTEGER(VECTOR_ELT(list, R_ITERATIONS))[s] = r->iterations;
        REAL(VECTOR_ELT(list, R_GAIN))[s] = r->gain;
        REAL(VECTOR_ELT(list, R_LIKELIHOOD))[s] = r->likelihood;
        INTEGER(VECTOR_ELT(list, R_EVALUATIONS))[s] = r->evaluations;
        LOGICAL(VECTOR_ELT(list, R_FLAT))[s] = r->flat;
    }
}

SEXP em_run_ended(const em_problem *p, const em_result *result, const double *theta, double offset)
{
    SEXP ans = PROTECT(em_new_list(run_names, N_RUN));

    SET_VECTOR_ELT(ans, R_THETA, em_new_doubles(theta, (size_t)p->n_theta));
    fill_ended(ans, result, 1, offset);
    SET_VECTOR_ELT(ans, R_COMPONENT, Rf_ScalarInteger(p->bad_component));
    SET_VECTOR_ELT(ans, R_ROW, Rf_ScalarReal((double)p->bad_row));
    UNPROTECT(1);
    return ans;
}

SEXP emix_run(SEXP data_, SEXP model_, SEXP control_, SEXP theta_)
{
    em_data data = em_get_data(data_);
    em_model model = em_get_model(model_, &data);
    em_watch watch;
    em_control control = get_control(control_, &watch);
    em_problem p = em_make_problem(
        &model, &data, em_get_int(control_, "threads", 1, EM_MOST_THREADS), em_run_scores(&model));
    em_recorder recorder = new_recorder(control_, p.n_theta, control.max_iter);
    size_t n_theta = (size_t)p.n_theta;
    double *theta = (double *)R_alloc(n_theta, sizeof(double));
    double *memory = (double *)R_alloc(em_run_memory(&model), sizeof(double));
    int *integers = (int *)R_alloc(em_run_integers(&model), sizeof(int));

    memcpy(theta, em_get_theta(theta_, p.n_theta, "theta"), n_theta * sizeof(double));
    em_result result = em_run(&p, &control, theta, memory, integers, &recorder);
    end_progress(&watch);

    SEXP ans = PROTECT(em_run_ended(&p, &result, theta, watch.offset));
    size_t kept = (size_t)recorder.count;
    SET_VECTOR_ELT(ans, R_TRACE_THETA, em_new_doubles(recorder.theta, kept * n_theta));
    for (size_t i = 0; i < kept; i++)
        recorder.objective[i] += watch.offset;
    SET_VECTOR_ELT(ans, R_TRACE_OBJECTIVE, em_new_doubles(recorder.objective, kept));
    SET_VECTOR_ELT(ans, R_TRACE_KIND, Rf_allocVector(INTSXP, (R_xlen_t)kept));
    if (kept > 0)
        memcpy(INTEGER(VECTOR_ELT(ans, R_TRACE_KIND)), recorder.kind, kept * sizeof(int));
    UNPROTECT(1);
    return ans;
}

/* Is a start soon done? Whole starts cannot be interrupted. Of many columns the M-step takes long
 * too. */
static bool is_short(const em_model *m, const em_data *data)
{
    enum { FEW_ROWS = 1 << 14, FEW_COORDINATES = 60 };
    double d = m->columns;

    return data->n <= FEW_ROWS && em_score_raw(m) <= FEW_COORDINATES &&
           (double)data->n * em_step_n_sums(m) <= 0x1p25 && m->k * d * d * d <= 0x1p20;
}

/* Rows that are few are not worth sharing: threads then take whole starts, if these are short. */
static em_field new_field(const em_model *model, const em_data *data, int threads)
{
    bool whole = threads > 1 && is_short(model, data);
    em_field f = {.threads = whole ? threads : 1, .poll = em_check_interrupt};
    size_t each = (size_t)f.threads;

    f.problems = (em_problem *)R_alloc(each, sizeof(em_problem));
    for (int t = 0; t < f.threads; t++) {
        f.problems[t] = em_make_problem(model, data, whole ? 1 : threads, em_run_scores(model));
        if (whole)
            f.problems[t].poll = NULL;
    }
    f.memory = (double *)R_alloc(each * em_run_memory(model), sizeof(double));
    f.integers = (int *)R_alloc(each * em_run_integers(model), sizeof(int));
    return f;
}

SEXP emix_race(SEXP data_, SEXP model_, SEXP control_, SEXP starts_)
{
    em_data data = em_get_data(data_);
    em_model model = em_get_model(model_, &data);
    em_watch watch;
    em_control control = get_control(control_, &watch);
    int threads = em_get_int(control_, "threads", 1, EM_MOST_THREADS);
    em_field field = new_field(&model, &data, threads);
    int n_theta = field.problems->n_theta;
    const double *given = em_get_theta(starts_, n_theta, "starts");

    if (field.threads > 1)
        control.report = NULL; /* it may not be called from other threads */
    field.control = &control;
    field.starts = (int)(XLENGTH(starts_) / n_theta);
    field.results = (em_result *)R_alloc((size_t)field.starts, sizeof(em_result));
    SEXP ans = PROTECT(em_new_list(run_names, N_ENDED));
    SEXP theta = Rf_allocMatrix(REALSXP, n_theta, field.starts);
    SET_VECTOR_ELT(ans, R_THETA, theta);
    field.theta = REAL(theta);
    memcpy(field.theta, given, (size_t)n_theta * (size_t)field.starts * sizeof(double));
    em_race(&field);
    end_progress(&watch);
    fill_ended(ans, field.results, field.starts, watch.offset);
    UNPROTECT(1);
    return ans;
}

int em_get_threads(SEXP threads)
{
    if (TYPEOF(threads) != INTSXP || XLENGTH(threads) != 1 || INTEGER(threads)[0] < 1 ||
        INTEGER(threads)[0] > EM_MOST_THREADS)
        Rf_error("internal: `threads` must be an integer of at least 1");
    return INTEGER(threads)[0];
}

/* One E-step and one M-step: objective, sums and new parameters. */
SEXP emix_step(SEXP data_, SEXP model_, SEXP threads_, SEXP theta_)
{
    static const char *const names[] = {"objective", "sums", "theta", "status"};
    em_data data = em_get_data(data_);
    em_model model = em_get_model(model_, &data);
    em_problem p = em_make_problem(&model, &data, em_get_threads(threads_), false);
    const double *theta = em_get_theta(theta_, p.n_theta, "theta");
    double objective = NAN;

    SEXP ans = PROTECT(em_new_list(names, 4));
    SEXP next = Rf_allocVector(REALSXP, p.n_theta);
    SET_VECTOR_ELT(ans, 2, next);
    em_status status = em_step_expect(&p, theta, &objective);
    SET_VECTOR_ELT(ans, 1, em_new_doubles(p.sums, status == EM_OK ? (size_t)p.n_sums : 0));
    memcpy(REAL(next), theta, (size_t)p.n_theta * sizeof(double));
    if (status == EM_OK)
        status = em_step_maximise(&p, theta, REAL(next));
    SET_VECTOR_ELT(ans, 0, Rf_ScalarReal(objective));
    SET_VECTOR_ELT(ans, 3, Rf_ScalarInteger((int)status));
    UNPROTECT(1);
    return ans;
}

/* what: bit 0 = posterior probabilities, bit 1 = log densities. */
SEXP emix_evaluate(SEXP data_, SEXP model_, SEXP threads_, SEXP theta_, SEXP what_)
{
    static const char *const names[] = {"posterior", "log_density", "status"};
    em_data data = em_get_data(data_);
    em_model model = em_get_model(model_, &data);
    em_problem p = em_make_problem(&model, &data, em_get_threads(threads_), false);
    const double *theta = em_get_theta(theta_, p.n_theta, "theta");
    if (TYPEOF(what_) != INTSXP || XLENGTH(what_) != 1)
        Rf_error("internal: `what` must be an integer");
    int what = INTEGER(what_)[0];
    double *posterior = NULL, *log_density = NULL;

    SEXP ans = PROTECT(em_new_list(names, 3));
    if (what & 1) {
        SET_VECTOR_ELT(ans, 0, Rf_allocVector(REALSXP, (R_xlen_t)data.n * model.k));
        posterior = REAL(VECTOR_ELT(ans, 0));
    }
    if (what & 2) {
        SET_VECTOR_ELT(ans, 1, Rf_allocVector(REALSXP, (R_xlen_t)data.n));
        log_density = REAL(VECTOR_ELT(ans, 1));
    }
    em_status status = em_step_evaluate(&p, theta, posterior, log_density);
    SET_VECTOR_ELT(ans, 2, Rf_ScalarInteger((int)status));
    UNPROTECT(1);
    return ans;
}

SEXP emix_threads(void)
{
    return Rf_ScalarInteger(em_threads_available());
}
