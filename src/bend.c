#include "bend.h"

#include <string.h>

enum { MOST_WALKS = 4 };

/* How far along the step the gradient is asked for: near, for the sake of third derivatives alone,
 * but far above rounding. */
static const double part = 0.1;

static void stretch(em_accel *a, double factor)
{
    for (int i = 0; i < a->q; i++)
        a->step[i] *= factor;
}

/* The gradient at a part of the step goes to a->work. */
static em_status look_ahead(em_problem *p, em_inform *f, em_accel *a, const double *theta,
                            double *moved)
{
    double objective = 0;
    em_accel ahead = *a;

    stretch(a, part);
    em_inform_move(f, p, theta, a, moved);
    stretch(a, 1 / part);
    p->gather = false;
    em_status status = em_step_expect(p, moved, &objective);
    p->gather = true;
    ahead.gradient = a->work;
    if (status == EM_OK)
        em_inform_gradient(f, p, moved, &ahead);
    return status;
}

int em_bend(em_problem *p, em_inform *f, em_accel *a, const double *theta, double *predicted,
            double *moved)
{
    double total = p->total;
    int walks = 0;

    while (*predicted > 0 && walks < MOST_WALKS) {
        walks++;
        if (look_ahead(p, f, a, theta, moved) == EM_OK && em_accel_bend(a, part, a->work))
            break;
        em_accel_learn(a, -1, 1);
        *predicted = em_accel_propose(a, total);
    }
    return walks;
}
