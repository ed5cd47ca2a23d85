#include "accel.h"

#include "linalg.h"

#include <math.h>
#include <string.h>

/* The smallest share of E that is added: coordinates in which the objective is flat (components
 * that coincide) then have no step, rather than a random one. */
static const double least_lambda = 1e-10;

/* Steps longer than this, in root mean complete information of a row, are cut. */
static const double longest_step = 1;

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

    if (a->lambda < least_lambda)
        a->lambda = least_lambda;
    while (!factorise(a, a->lambda)) {
        a->lambda = a->lambda < 1e-3 ? 1e-3 : 4 * a->lambda;
        if (++tries > 30)
            return 0;
    }
    solve(a);
    double length = length_of(a, total);
    if (length > longest_step)
        stretch(a, longest_step / length);
    return em_inner(a->gradient, a->step, a->q) - 0.5 * quadratic(a->information, a->step, a->q);
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

    if (!(ratio > 0))
        a->lambda = a->lambda < 1e-2 ? 1e-1 : 10 * a->lambda;
    else if (ratio < 0.25)
        a->lambda = a->lambda < 1e-3 ? 1e-2 : 4 * a->lambda;
    else if (ratio > 0.7)
        a->lambda = a->lambda < 1e-4 ? 0 : a->lambda / 10;
}
