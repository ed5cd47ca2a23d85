#include "ridge.h"

#include <math.h>
#include <string.h>

/* Ways out that are tried, each shorter, and steps back of each. */
enum { MOST_WAYS = 4, MOST_RETURNS = 3 };

/* lambda of the first step back, in that of the step out; and of each, in that of the one before:
 * the first goes up the steepest sides, the next ones those that are less steep. */
static const double hold = 100, ease = 0.3;

/* The radius after a way that was refused, in the length of its step; and after one that has led
 * up, by the number of steps back. Where it leads up by less than little_gain of what was
 * predicted, it was too long all the same. */
static const double shorter = 0.25, growth[MOST_RETURNS + 1] = {4, 2, 1, 1};
static const double little_gain = 0.1, halved = 0.5;

/* No coordinate moves further than this, in complete information of a row of its component:
 * a small component must not leap. */
static const double longest_leap = 0.5;

size_t em_ridge_memory(const em_model *m)
{
    size_t n_theta = (size_t)m->latent->n_parameters(m) + (size_t)m->family->n_parameters(m);
    return n_theta + em_accel_memory(em_inform_size(m)) + em_inform_memory(m);
}

void em_ridge_bind(em_ridge *r, const em_model *m, double *memory, int *index)
{
    int size = em_inform_size(m);

    em_accel_bind(&r->accel, size, memory);
    em_inform_bind(&r->inform, m, memory + em_accel_memory(size), index);
    r->next = memory + em_accel_memory(size) + em_inform_memory(m);
    r->radius = 0;
    r->walks = 0;
}

/* The coordinate's way that is longest for its component; a shared one is of all that share it. */
static double leap(const em_problem *p, const em_inform *f, const double *theta, em_accel *a)
{
    int k = p->model->k, r = p->model->family->n_free;
    double longest = 0;

    memset(a->rest, 0, (size_t)a->q * sizeof(double));
    for (int e = 0; e < f->raw; e++)
        if (f->index[e] >= 0)
            a->rest[f->index[e]] += p->total * theta[e < k ? e : (e - k) / r];
    for (int i = 0; i < a->q; i++) {
        double way = a->metric[em_at(i, a->q) + (size_t)i] * a->step[i] * a->step[i];
        if (a->rest[i] > 0 && way > longest * a->rest[i])
            longest = way / a->rest[i];
    }
    return sqrt(longest);
}

static void shorten(em_accel *a, double factor)
{
    for (int i = 0; i < a->q; i++)
        a->step[i] *= factor;
}

static em_status look(em_ridge *r, em_problem *p, const double *theta, double *objective)
{
    r->walks++;
    return em_step_expect(p, theta, objective);
}

/* The step back, from the point of the last walk, which it replaces; false where it would be a
 * leap. */
static bool step_back(em_ridge *r, em_problem *p, double lambda, double radius, double *moved)
{
    em_accel *a = &r->accel;

    em_inform_fill(&r->inform, p, moved, a);
    em_inform_outer(&r->inform, p, moved, a->q, a->information);
    a->lambda = lambda;
    if (!em_accel_within(a, p->total, radius, lambda) ||
        leap(p, &r->inform, moved, a) > longest_leap)
        return false;
    em_inform_move(&r->inform, p, moved, a, r->next);
    memcpy(moved, r->next, (size_t)p->n_theta * sizeof(double));
    return true;
}

/* Walks, and steps back as long as that is lower than `least`, and each leads up; how many of them
 * it took, or -1 where it stays below. */
static int come_back(em_ridge *r, em_problem *p, double lambda, double radius, double least,
                     double *objective, double *moved)
{
    double before = -INFINITY;

    for (int returns = 0; returns <= MOST_RETURNS; returns++) {
        if (look(r, p, moved, objective) != EM_OK || !(*objective > before))
            return -1;
        if (*objective >= least)
            return returns;
        before = *objective;
        if (returns == MOST_RETURNS || !step_back(r, p, lambda, radius, moved))
            return -1;
        lambda *= ease;
    }
    return -1;
}

bool em_ridge_step(em_ridge *r, em_problem *p, const em_inform *f, em_accel *a, const double *theta,
                   double *objective, double *moved)
{
    double before = *objective, total = p->total;

    if (!(r->radius > 0) && em_accel_propose(a, total) > 0)
        r->radius = em_accel_length(a, total);
    for (int way = 0; way < MOST_WAYS && em_accel_within(a, total, r->radius, 0); way++) {
        double far = leap(p, f, theta, a);
        if (far > longest_leap)
            shorten(a, longest_leap / far);
        double length = em_accel_length(a, total), predicted = em_accel_gain(a);
        em_inform_move(f, p, theta, a, moved);
        int returns = come_back(r, p, hold * a->lambda, length, before, objective, moved);
        if (returns >= 0) {
            bool little = *objective - before < little_gain * predicted;
            r->radius = length * (little ? halved : growth[returns]);
            return true;
        }
        r->radius = shorter * length;
    }
    return false;
}
