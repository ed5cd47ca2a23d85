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

double em_accel_length(const em_accel *a, double total)
{
    return sqrt(quadratic(a->metric, a->step, a->q) / total);
}

double em_accel_gain(const em_accel *a)
{
    return em_inner(a->gradient, a->step, a->q) - 0.5 * quadratic(a->information, a->step, a->q);
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
        a->lambda = a->lambda < 1e-8 ? 1e-7 : 4 * a->lambda;
        if (++tries > 30)
            return 0;
    }
    solve(a);
    double length = em_accel_length(a, total);
    if (length > longest_step)
        stretch(a, longest_step / length);
    return em_accel_gain(a);
}

/* How fast the step's square falls as lambda grows, halved: s' E (J + lambda E)^-1 E s. */
static double fall_of(em_accel *a)
{
    for (int i = 0; i < a->q; i++)
        a->rest[i] = em_inner(a->metric + em_at(i, a->q), a->step, a->q);
    em_forward(a->factor, a->q, a->rest);
    return em_inner(a->rest, a->rest, a->q);
}

/* lambda between those known to be too small and large enough. */
static double between(double low, double high)
{
    if (high < INFINITY)
        return low > 0 ? sqrt(low * high) : 0.1 * high;
    return low < 1e-8 ? 1e-7 : 4 * low;
}

/* Newton's steps for 1 / length as a function of lambda, which is nearly straight. */
bool em_accel_within(em_accel *a, double total, double radius, double least)
{
    double low = 0, high = INFINITY, length = 0;

    least = least > least_lambda ? least : least_lambda;
    a->lambda = a->lambda > least ? a->lambda : least;
    for (int tries = 0; radius > 0 && tries < 16; tries++) {
        double next = 0;
        bool definite = factorise(a, a->lambda);
        if (definite) {
            solve(a);
            double square = quadratic(a->metric, a->step, a->q);
            length = sqrt(square / total);
            if (length <= 1.3 * radius && (length >= 0.7 * radius || a->lambda <= least))
                break;
            next = a->lambda + (length / radius - 1) * square / fall_of(a);
        }
        if (definite && length <= radius)
            high = a->lambda;
        else
            low = a->lambda;
        next = next > low && next < high ? next : between(low, high);
        a->lambda = next > least ? next : least;
    }
    if (length > radius)
        stretch(a, radius / length);
    return length > 0;
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
    stretch(a, (em_inner(a->gradient, a->step, q) < 0 ? -0.3 : 0.3) / em_accel_length(a, total));
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
    a->lambda *= fall < 0.1 ? 0.1 : fall > 4 ? 4 : fall;
    if (a->lambda < 1e-9)
        a->lambda = 0;
    a->growth = 4;
}
