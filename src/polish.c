#include "polish.h"

#include <math.h>
#include <string.h>

/* The information of nodes is right to many digits, so that each step gains as many. */
enum { MOST_STEPS = 6 };

/* A decrement that falls by less shows that the nodes do not stand for the rows. */
static const double least_fall = 1e-3;

/* Newton's step to what is no further than this many tol is taken unseen: it changes the objective
 * by less than rounding. */
static const double sure_gain = 1e-4;

typedef struct {
    em_problem *all, *nodes;
    em_accel accel;
    em_inform inform;
    double *theta, *candidate;
    em_result result;
} em_polishing;

/* The candidate becomes the last point; false where the steps end: at the maximum, or where the
 * candidate is no better than the point before. */
static bool look(em_polishing *s, double tol_of_row)
{
    em_result *r = &s->result;
    double objective = 0, on_nodes = 0, before = r->gain;

    r->evaluations++;
    em_status status = em_step_expect(s->all, s->candidate, &objective);
    if (status == EM_OK)
        status = em_step_expect(s->nodes, s->candidate, &on_nodes);
    bool first = r->evaluations == 1;
    if (first)
        r->status = status;
    double tol = em_step_tol(s->all, tol_of_row);
    if (status != EM_OK || (!first && objective < r->objective - em_step_rounding(objective)))
        return false;
    em_inform_fill(&s->inform, s->nodes, s->candidate, &s->accel);
    em_inform_gradient(&s->inform, s->all, s->candidate, &s->accel);
    double gain = em_accel_decrement(&s->accel);
    bool falls = gain <= least_fall * before;
    r->converged = gain <= 1e-10 * tol || (!falls && (gain <= tol || before <= tol));
    if (!first && !(gain <= before))
        return false;
    memcpy(s->theta, s->candidate, (size_t)s->all->n_theta * sizeof(double));
    r->objective = objective;
    r->likelihood = s->all->sums[0];
    r->gain = gain;
    return !r->converged && isfinite(gain) && falls;
}

em_result em_polish(em_problem *all, em_problem *nodes, const em_control *control, double *theta,
                    double *memory, int *integers)
{
    const em_model *m = all->model;
    size_t n_theta = (size_t)all->n_theta;
    em_polishing s = {.all = all,
                      .nodes = nodes,
                      .theta = theta,
                      .candidate = memory,
                      .result = {.gain = INFINITY}};

    em_accel_bind(&s.accel, em_inform_size(m), memory + 2 * n_theta);
    em_inform_bind(&s.inform, m, memory + 2 * n_theta + em_accel_memory(em_inform_size(m)),
                   integers);
    memcpy(s.candidate, theta, n_theta * sizeof(double));
    nodes->gather = true;
    while (look(&s, control->tol) && s.result.iterations < MOST_STEPS) {
        s.result.iterations++;
        em_inform_move(&s.inform, all, s.theta, &s.accel, s.candidate);
        if (s.result.gain <= sure_gain * em_step_tol(all, control->tol)) {
            memcpy(theta, s.candidate, n_theta * sizeof(double));
            s.result.converged = true;
            break;
        }
    }
    return s.result;
}
