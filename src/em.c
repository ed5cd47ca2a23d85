#include "em.h"

#include "boundary.h"
#include "progress.h"
#include "ridge.h"
#include "sums.h"

#include <math.h>
#include <string.h>

/* EM steps that come first: they find the region, proposals the maximum. */
enum { WARM_STEPS = 3, THIN_STEPS = 40, STRAIGHT_STEPS = 12, MOST_ESCAPES = 6, MOST_RELEASES = 20 };

/* Components of fewer rows are left to EM at first: a collapse shows soonest there. */
static const double thin_rows = 3;

/* Where a run resumes, Newton's steps are tried soon. */
static const double resumed_lambda = 1e-3;

/* Less to gain than this is no difference to a statistician: the top is near, and Newton's step to
 * be trusted. */
static const double near_top = 0.01;

typedef struct {
    em_problem *p;
    const em_control *control;
    em_recorder *recorder;
    bool accelerate; /* asked for, and affordable */
    int warm;        /* EM steps that come first */
    em_result result;
    em_progress progress;
    em_accel accel;
    em_inform inform;
    bool by_sums; /* accelerated by sums.h, which needs no scores */
    em_sums sums;
    em_ridge ridge;
    double *theta, *candidate, *em_step;
    double predicted;        /* gain of the candidate */
    double last_gain;        /* the decrement one iteration ago */
    bool stuck;              /* the last proposal was refused */
    bool trusted;            /* Newton's own step has been tried near the top */
    bool settling;           /* all has come to its end but what is near a boundary */
    bool pinned;             /* what was near a boundary then is not for it */
    int releases;            /* times that boundaries have been left */
    int stalls;              /* iterations in a row in which the decrement hardly fell */
    int escapes, snap_again; /* tries; iteration from which snapping is tried again */
} em_loop;

static void bind(em_loop *l, double *memory, int *integers)
{
    const em_model *m = l->p->model;
    size_t n_theta = (size_t)l->p->n_theta;
    int size = em_inform_size(m);

    l->candidate = memory;
    l->em_step = l->candidate + n_theta;
    if (em_sums_apply(m))
        em_sums_bind(&l->sums, m, l->em_step + n_theta);
    if (!l->p->scoring)
        return;
    em_accel_bind(&l->accel, size, l->em_step + n_theta);
    em_inform_bind(&l->inform, m, l->em_step + n_theta + em_accel_memory(size), integers);
    em_ridge_bind(&l->ridge, m, l->em_step + n_theta + em_accel_memory(size) + em_inform_memory(m),
                  integers + size);
}

static void record(const em_loop *l, em_kind kind)
{
    em_recorder *r = l->recorder;
    int n_theta = l->p->n_theta;

    if (r == NULL || r->count >= r->capacity)
        return;
    memcpy(r->theta + em_at(r->count, n_theta), l->theta, (size_t)n_theta * sizeof(double));
    r->kind[r->count] = (int)kind;
    r->objective[r->count++] = l->result.objective;
}

static em_status expect(em_loop *l, const double *theta, double *objective)
{
    l->result.evaluations++;
    return em_step_expect(l->p, theta, objective);
}

static double scaled_tol(const em_loop *l)
{
    return em_step_tol(l->p, l->control->tol);
}

static double rounding(double objective)
{
    return em_step_rounding(objective);
}

/* Is any component so thin that it may be collapsing? */
static bool any_thin(const em_loop *l)
{
    const em_problem *p = l->p;
    double least = thin_rows * em_row_weight(p);

    for (int j = 0; j < p->model->k && p->model->family->collapses; j++)
        if (l->theta[j] > 0 && p->sums[1 + j] < least)
            return true;
    return false;
}

/* A run of many steps goes along a ridge, or else on and off boundaries. */
static bool on_ridge(const em_loop *l)
{
    return l->releases == 0 && l->result.iterations >= STRAIGHT_STEPS &&
           !(l->result.gain <= scaled_tol(l));
}

/* A longer step than EM's into l->candidate, and its kind; EM_BY_EM: none is known. */
static em_kind propose(em_loop *l)
{
    em_result *r = &l->result;

    if ((l->settling || r->iterations >= l->snap_again) &&
        em_boundary_snap(l->p, l->theta, l->settling, l->candidate)) {
        l->snap_again = r->iterations + 10;
        l->predicted = 0;
        return EM_BY_BOUNDARY;
    }
    if (!isfinite(r->gain) && em_accel_steepness(&l->accel) <= scaled_tol(l) &&
        l->escapes < MOST_ESCAPES && em_accel_escape(&l->accel, l->p->total * pow(4, l->escapes))) {
        l->escapes++;
        l->predicted = 0;
        em_inform_move(&l->inform, l->p, l->theta, &l->accel, l->candidate);
        return EM_BY_ESCAPE;
    }
    if (r->iterations < l->warm || (r->iterations < THIN_STEPS && any_thin(l)))
        return EM_BY_EM;
    if (!l->trusted && r->gain <= em_step_tol(l->p, near_top)) {
        l->trusted = true; /* once: from here on refusals teach lambda better */
        l->accel.lambda = 0;
    }
    if (on_ridge(l))
        return EM_BY_NEWTON;
    l->predicted = em_accel_propose(&l->accel, l->p->total);
    if (!(l->predicted > 0))
        return EM_BY_EM;
    em_inform_move(&l->inform, l->p, l->theta, &l->accel, l->candidate);
    return EM_BY_NEWTON;
}

/* A step along a ridge, which is all of a proposal and its evaluation; false where there is none.
 */
static bool step_on_ridge(em_loop *l, double *objective)
{
    int before = l->ridge.walks;

    *objective = l->result.objective;
    l->stuck =
        !em_ridge_step(&l->ridge, l->p, &l->inform, &l->accel, l->theta, objective, l->candidate);
    l->result.evaluations += l->ridge.walks - before;
    return !l->stuck;
}

/* Evaluates the candidate; false where it is refused. */
static bool try_candidate(em_loop *l, em_kind kind, double *objective)
{
    double before = l->result.objective, slack = rounding(before);

    if (kind == EM_BY_NEWTON && on_ridge(l))
        return step_on_ridge(l, objective);
    em_status status = expect(l, l->candidate, objective);
    bool better = status == EM_OK && *objective >= before;
    bool level = status == EM_OK && kind != EM_BY_ESCAPE && l->predicted <= slack &&
                 *objective >= before - slack;

    if (kind == EM_BY_NEWTON && !(better || level))
        em_accel_learn(&l->accel, -1, 1);
    else if (kind == EM_BY_NEWTON && l->predicted > slack)
        em_accel_learn(&l->accel, *objective - before, l->predicted);
    else if (kind == EM_BY_NEWTON)
        em_accel_learn(&l->accel, 1, 1); /* too small to be measured: a success */
    l->stuck = !(better || level);
    if (l->by_sums && l->stuck)
        em_sums_refuse(&l->sums);
    l->pinned = l->pinned || (l->settling && l->stuck);
    return !l->stuck;
}

/* At what seems the end, is anything on its way to a boundary? It is tried there, whatever came of
 * tries before; and stays where it is if it is refused. */
static bool settled(em_loop *l)
{
    l->settling = !l->pinned && em_boundary_snap(l->p, l->theta, true, l->candidate);
    return !l->settling;
}

/* Where there is no slope, and yet no maximum for certain: is it flat, as where components
 * coincide, or a saddle? */
static bool is_flat(em_loop *l)
{
    em_result *r = &l->result;

    r->flat = l->escapes >= MOST_ESCAPES || !em_accel_escape(&l->accel, l->p->total);
    r->gain = r->flat ? em_accel_steepness(&l->accel) : r->gain;
    return r->flat;
}

/* Gradient and information here; whether they say that this is a maximum. */
static bool certified(em_loop *l)
{
    em_result *r = &l->result;
    double tol = scaled_tol(l);

    l->last_gain = r->gain;
    em_inform_fill(&l->inform, l->p, l->theta, &l->accel);
    r->gain = em_accel_decrement(&l->accel);
    r->flat = l->settling = false;
    bool newton = r->iterations > l->warm && l->accel.lambda < 1e-6;
    l->stalls = newton && r->gain > 0.1 * l->last_gain ? l->stalls + 1 : 0;
    /* Far below tol, or below it where rounding lets it fall no further. */
    if (r->gain <= 1e-10 * tol || (r->gain <= tol && (l->stuck || l->stalls >= 3)))
        return settled(l);
    return !isfinite(r->gain) && em_accel_steepness(&l->accel) <= 1e-3 * tol && is_flat(l) &&
           settled(l);
}

static void accept(em_loop *l, const double *theta, double objective, em_kind kind)
{
    memmove(l->theta, theta, (size_t)l->p->n_theta * sizeof(double));
    l->result.objective = objective;
    l->result.likelihood = l->p->sums[0];
    l->result.iterations++;
    record(l, kind);
    if (l->control->report != NULL)
        l->control->report(l->control->report_context, l->result.iterations, objective);
}

/* Are scores gathered at the iterate of this number? */
static bool looks(const em_loop *l, int iteration)
{
    return l->accelerate && (iteration >= l->warm || !l->control->rough);
}

/* The same without scores: from iterates before this one, or at what seems the end from the
 * certificate, where that says that it is none. */
static em_kind propose_by_sums(em_loop *l)
{
    em_result *r = &l->result;
    double tol = scaled_tol(l);

    bool looked = em_sums_look(&l->sums, l->p, l->theta, l->em_step, r->objective, tol);
    if (looked) {
        r->gain = l->sums.decrement;
        r->evaluations += l->sums.walks;
        r->converged = r->gain <= tol;
    }
    l->predicted = isfinite(l->sums.predicted) ? l->sums.predicted : 0;
    bool early = r->iterations < WARM_STEPS || (r->iterations < THIN_STEPS && any_thin(l));
    if (r->converged || (early && !looked) || !em_sums_propose(&l->sums, l->p, l->candidate))
        return EM_BY_EM;
    return looked && !isfinite(r->gain) ? EM_BY_ESCAPE : EM_BY_SECANT;
}

/* One iteration: a proposal if there is one, else, or if it is refused, the EM step. */
static em_status iterate(em_loop *l)
{
    em_result *r = &l->result;
    em_status status = em_step_maximise(l->p, l->theta, l->em_step);
    double objective = 0;

    if (status != EM_OK)
        return status;
    em_kind kind = l->p->gather ? propose(l) : l->by_sums ? propose_by_sums(l) : EM_BY_EM;
    if (r->converged)
        return EM_OK;
    l->p->gather = looks(l, r->iterations + 1);
    l->stuck = false;
    if (kind == EM_BY_EM || !try_candidate(l, kind, &objective)) {
        kind = EM_BY_EM;
        memcpy(l->candidate, l->em_step, (size_t)l->p->n_theta * sizeof(double));
        status = expect(l, l->candidate, &objective);
        if (status != EM_OK)
            return status;
    }
    double gain = objective - r->objective;
    if (l->by_sums)
        em_sums_accept(&l->sums, kind != EM_BY_EM, gain);
    em_progress_add(&l->progress, l->p->n_theta, l->theta, l->candidate, gain);
    accept(l, l->candidate, objective, kind);
    if (!l->accelerate && !l->by_sums)
        r->converged = em_progress_ended(&l->progress, scaled_tol(l), l->control->tol,
                                         fabs(gain) <= rounding(r->objective));
    else if (l->p->gather)
        r->converged = certified(l);
    return EM_OK;
}

/* A step off the boundary: true where the objective rises inwards, and the run goes on from there.
 */
static bool steps_off(em_loop *l, double part)
{
    double objective = 0, least = l->result.objective - rounding(l->result.objective);

    if (!em_boundary_leave(l->p, l->theta, part, l->candidate) ||
        expect(l, l->candidate, &objective) != EM_OK ||
        !em_boundary_stay_off(l->p, l->theta, l->candidate, scaled_tol(l), l->em_step) ||
        expect(l, l->em_step, &objective) != EM_OK || !(objective >= least))
        return false;
    l->result.converged = false;
    if (l->result.iterations >= l->control->max_iter)
        return true;
    l->releases++;
    l->pinned = false;
    l->snap_again = l->result.iterations + 10;
    accept(l, l->em_step, objective, EM_BY_BOUNDARY);
    l->result.converged = certified(l);
    return true;
}

/* A boundary was right when it was reached; is it still? The maximum may be very near it. */
static bool leaves_boundary(em_loop *l)
{
    if (l->releases == MOST_RELEASES)
        return false;
    return steps_off(l, 1e-2) || steps_off(l, 1e-4) || steps_off(l, 1e-6);
}

static em_status climb(em_loop *l)
{
    em_result *r = &l->result;

    do {
        while (!r->converged && r->iterations < l->control->max_iter) {
            em_status status = iterate(l);
            if (status != EM_OK)
                return status;
        }
    } while (l->accelerate && r->converged && leaves_boundary(l));
    return EM_OK;
}

/* The certificate of a run that has not gathered scores: one more walk. Steps end at a saddle too,
 * which is no maximum. */
static em_status certify(em_loop *l)
{
    double objective = 0;
    if (l->by_sums)
        return EM_OK;
    if (!l->p->scoring) {
        l->result.gain = l->progress.gain;
        return EM_OK;
    }
    l->p->gather = true;
    em_status status = expect(l, l->theta, &objective);
    if (status == EM_OK) {
        em_inform_fill(&l->inform, l->p, l->theta, &l->accel);
        l->result.gain = em_accel_decrement(&l->accel);
        if (l->result.converged && !isfinite(l->result.gain))
            l->result.converged = is_flat(l);
    }
    return status;
}

em_result em_run(em_problem *p, const em_control *control, double *theta, double *memory,
                 int *integers, em_recorder *recorder)
{
    em_loop l = {.p = p,
                 .control = control,
                 .recorder = recorder,
                 .accelerate = control->accelerate && p->scoring,
                 .by_sums = control->accelerate && em_sums_apply(p->model),
                 .theta = theta,
                 .result = {.gain = INFINITY},
                 .progress = em_progress_none};
    em_result *r = &l.result;

    bind(&l, memory, integers);
    l.warm = control->resumes ? 0 : WARM_STEPS < control->max_iter ? WARM_STEPS : control->max_iter;
    p->gather = looks(&l, 0);
    r->status = expect(&l, theta, &r->objective);
    if (r->status != EM_OK)
        return *r;
    r->likelihood = p->sums[0];
    record(&l, EM_BY_START);
    if (l.control->resumes)
        l.accel.lambda = resumed_lambda;
    if (p->gather)
        r->converged = certified(&l);
    r->status = climb(&l);
    if (r->status == EM_OK && !l.accelerate)
        r->status = certify(&l);
    return *r;
}
