#include "accel.h"

#include "linalg.h"

#include <math.h>
#include <string.h>

/* The smallest share of E that is added: coordinates in which the objective is flat (components
 * that coincide) then have no step, rather than a random one. */
static const double least_lambda = 1e-10;

/* Steps longer than this, in root mean complete information of a row, are cut. */
static const double longest_step = 1;

/* Bends longer than this part of the step are no small correction. */
static const double most_bend = 0.4, much_bend = 0.1;

size_t em_accel_memory(int q)
{
    return 4 * em_at(q, q) + 6 * (size_t)q;
}

void em_accel_bind(em_accel *a, int q, double *memory)
{
    size_t square = em_at(q, q);

    a->q = q;
    a->information = memory;
    a->metric = a->information + square;
    a->factor = a->metric + square;
    a->work = a->factor + square;
    a->gradient = a->work + square;
    a->step = a->gradient + q;
    a->rest = a->step + q;
    a->lambda = 1;
    a->growth = 4;
}

static double quadratic(const double *m, const double *x, int n)
{
    double sum = 0;
    for (int j = 0; j < n; j++)
        sum += x[j] * em_inner(m + em_at(j, n), x, n);
    return sum;
}

/* Factor of J + lambda E; false where it is not positive definite. */
static bool factorise(em_accel *a, double lambda)
{
    size_t square = em_at(a->q, a->q);
    for (size_t i = 0; i < square; i++)
        a->factor[i] = a->information[i] + lambda * a->metric[i];
    return em_cholesky(a->factor, a->q);
}

static void solve(em_accel *a)
{
    memcpy(a->step, a->gradient, (size_t)a->q * sizeof(double));
    em_cholesky_solve(a->factor, a->q, a->step);
}

double em_accel_decrement(em_accel *a)
{
    if (a->q == 0)
        return 0;
    if (!factorise(a, least_lambda))
        return INFINITY;
    solve(a);
    return 0.5 * em_inner(a->gradient, a->step, a->q);
}

double em_accel_steepness(const em_accel *a)
{
    double sum = 0;
    for (int i = 0; i < a->q; i++) {
        double e = a->metric[em_at(i, a->q) + (size_t)i];
        sum += e > 0 ? a->gradient[i] * a->gradient[i] / e : 0;
    }
    return 0.5 * sum;
}

static double length_of(const em_accel *a, double total)
{
    return sqrt(quadratic(a->metric, a->step, a->q) / total);
}

static void stretch(em_accel *a, double factor)
{
    for (int i = 0; i < a->q; i++)
        a->step[i] *= factor;
}

double em_accel_propose(em_accel *a, double total)
{
    int tries = 0;

    a->bent = 0;
    if (a->lambda < least_lambda)
        a->lambda = least_lambda;
    while (!factorise(a, a->lambda)) {
        a->lambda = a->lambda < 1e-8 ? 1e-7 : 4 * a->lambda;
        if (++tries > 30)
            return 0;
    }
    solve(a);
    double length = length_of(a, total);
    if (length > longest_step)
        stretch(a, longest_step / length);
    return em_inner(a->gradient, a->step, a->q) - 0.5 * quadratic(a->information, a->step, a->q);
}

/* To second order the gradient at t s is g - t J s + t^2 G, which is zero about s + b. */
bool em_accel_bend(em_accel *a, double part, const double *gradient)
{
    int q = a->q;

    for (int i = 0; i < q; i++) {
        double fall = part * em_inner(a->information + em_at(i, q), a->step, q);
        a->rest[i] = (gradient[i] - a->gradient[i] + fall) / (part * part);
    }
    em_cholesky_solve(a->factor, q, a->rest);
    double length = quadratic(a->metric, a->step, q), bend = quadratic(a->metric, a->rest, q);
    if (!(bend <= most_bend * most_bend * length))
        return false;
    /* What hardly any row measures may not be moved far by it. */
    for (int i = 0; i < q; i++)
        if (!(fabs(a->rest[i]) <= most_bend + fabs(a->step[i])))
            return false;
    a->bent = length > 0 ? sqrt(bend / length) : 0;
    for (int i = 0; i < q; i++)
        a->step[i] += a->rest[i];
    return true;
}

/* With E = L L', the curvature in units of E is L^-1 J L^-T. */
bool em_accel_escape(em_accel *a, double total)
{
    int q = a->q;
    size_t square = em_at(q, q);

    memcpy(a->factor, a->metric, square * sizeof(double));
    if (q == 0 || !em_cholesky(a->factor, q))
        return false;
    memcpy(a->work, a->information, square * sizeof(double));
    for (int j = 0; j < q; j++)
        em_forward(a->factor, q, a->work + em_at(j, q));
    for (int i = 0; i < q; i++) { /* the same for its rows */
        for (int j = 0; j < q; j++)
            a->rest[j] = a->work[em_at(j, q) + (size_t)i];
        em_forward(a->factor, q, a->rest);
        for (int j = 0; j < q; j++)
            a->work[em_at(j, q) + (size_t)i] = a->rest[j];
    }
    if (em_smallest_eigen(a->work, q, a->step, a->rest) >= -1e-7)
        return false;
    em_backward(a->factor, q, a->step);
    stretch(a, (em_inner(a->gradient, a->step, q) < 0 ? -0.3 : 0.3) / length_of(a, total));
    return true;
}

void em_accel_learn(em_accel *a, double gain, double predicted)
{
    double ratio = gain / predicted;

    if (!(ratio > 0)) {
        a->lambda = a->lambda < 1e-8 ? 1e-7 : a->growth * a->lambda;
        a->growth *= 2;
        return;
    }
    double fall = 1 - (2 * ratio - 1) * (2 * ratio - 1) * (2 * ratio - 1);
    double least = a->bent > much_bend ? 1 : 0.1; /* a longer step could not be bent */
    a->lambda *= fall < least ? least : fall > 4 ? 4 : fall;
    if (a->lambda < 1e-9)
        a->lambda = 0;
    a->growth = 4;
}
