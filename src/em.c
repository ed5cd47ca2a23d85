#include "em.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* What the last steps tell of the way still to go. */
typedef struct {
    double length, rate, last_rate; /* of the last step; ratios of the last steps' lengths */
} em_progress;

size_t em_run_memory(int n_theta)
{
    return (size_t)n_theta;
}

static void record(em_recorder *r, int n_theta, const double *theta, double objective)
{
    if (r == NULL || r->count >= r->capacity)
        return;
    memcpy(r->theta + em_at(r->count, n_theta), theta, (size_t)n_theta * sizeof(double));
    r->objective[r->count++] = objective;
}

static void report(const em_control *c, int iteration, double objective)
{
    if (c->report != NULL)
        c->report(c->report_context, iteration, objective);
}

static double longest_move(int n_theta, const double *from, const double *to)
{
    double longest = 0;
    for (int i = 0; i < n_theta; i++) {
        double move = fabs(to[i] - from[i]);
        if (move > longest)
            longest = move;
    }
    return longest;
}

/* The slower of the last two ratios is believed: one short step may be chance. */
static void look_ahead(em_progress *w, double length, double gain, em_result *result)
{
    w->last_rate = w->rate;
    w->rate = w->length > 0 ? length / w->length : (length > 0 ? 1 : 0);
    w->length = length;

    double r = w->rate > w->last_rate ? w->rate : w->last_rate;
    if (length <= 4 * DBL_EPSILON) {
        result->distance = length;
        result->gain = 0;
    } else if (r < 1) {
        result->distance = length * r / (1 - r);
        result->gain = fabs(gain) * r * r / (1 - r * r);
    } else {
        result->distance = result->gain = INFINITY;
    }
}

/* Differences of the objective below its own rounding say nothing more. */
static bool has_converged(const em_result *r, double gain, double tol)
{
    bool at_rounding = fabs(gain) <= 64 * DBL_EPSILON * fabs(r->objective);
    return r->distance <= tol / 100 && (r->gain <= tol || at_rounding);
}

em_result em_run(em_problem *p, const em_control *control, double *theta, double *memory,
                 em_recorder *recorder)
{
    em_result result = {.gain = INFINITY, .distance = INFINITY};
    em_progress progress = {.length = 0, .rate = 1, .last_rate = 1};
    size_t bytes = (size_t)p->n_theta * sizeof(double);
    double *next = memory, objective = 0;

    result.status = em_step_expect(p, theta, &result.objective);
    if (result.status != EM_OK)
        return result;
    record(recorder, p->n_theta, theta, result.objective);

    while (!result.converged && result.iterations < control->max_iter) {
        result.status = em_step_maximise(p, theta, next);
        if (result.status == EM_OK)
            result.status = em_step_expect(p, next, &objective);
        if (result.status != EM_OK)
            return result;

        double gain = objective - result.objective;
        look_ahead(&progress, longest_move(p->n_theta, theta, next), gain, &result);
        memcpy(theta, next, bytes);
        result.objective = objective;
        result.iterations++;
        result.converged = has_converged(&result, gain, control->tol);
        record(recorder, p->n_theta, theta, objective);
        report(control, result.iterations, objective);
    }
    return result;
}
