#include "secant.h"

#include "linalg.h"

#include <math.h>
#include <string.h>

/* A difference that the newer ones explain but for this part of it tells nothing new. */
static const double least_new = 1e-10;

/* The first damping of a step. */
static const double first_lambda = 1e-3;

size_t em_secant_memory(int n)
{
    return em_at(3 * (EM_SECANTS + 1), n) + em_at(EM_SECANTS, EM_SECANTS) + 2 * EM_SECANTS;
}

void em_secant_bind(em_secant *s, int n, double *memory)
{
    s->n = n;
    s->x = memory;
    s->f = s->x + n;
    s->e = s->f + n;
    s->dx = s->e + n;
    s->df = s->dx + em_at(EM_SECANTS, n);
    s->de = s->df + em_at(EM_SECANTS, n);
    s->matrix = s->de + em_at(EM_SECANTS, n);
    s->rhs = s->matrix + em_at(EM_SECANTS, EM_SECANTS);
    s->sol = s->rhs + EM_SECANTS;
    em_secant_forget(s);
}

void em_secant_forget(em_secant *s)
{
    s->used = s->newest = 0;
    s->begun = false;
}

/* Column of the i-th newest difference. */
static size_t at(const em_secant *s, int i)
{
    return em_at((s->newest - i + 2 * EM_SECANTS) % EM_SECANTS, s->n);
}

static void subtract(const double *a, const double *b, int n, double *to)
{
    for (int i = 0; i < n; i++)
        to[i] = a[i] - b[i];
}

void em_secant_add(em_secant *s, const double *x, const double *f, const double *e)
{
    size_t bytes = (size_t)s->n * sizeof(double);

    if (s->begun) {
        s->newest = (s->newest + 1) % EM_SECANTS;
        s->used += s->used < EM_SECANTS;
        subtract(x, s->x, s->n, s->dx + at(s, 0));
        subtract(f, s->f, s->n, s->df + at(s, 0));
        subtract(e, s->e, s->n, s->de + at(s, 0));
    }
    s->begun = true;
    memcpy(s->x, x, bytes);
    memcpy(s->f, f, bytes);
    memcpy(s->e, e, bytes);
}

/* <(A + lambda) dx_i, dx_j> */
static double product(const em_secant *s, int i, int j)
{
    double value = -em_inner(s->df + at(s, i), s->de + at(s, j), s->n);
    if (s->lambda > 0)
        value += s->lambda * em_inner(s->dx + at(s, i), s->de + at(s, j), s->n);
    return value;
}

/* For the n newest differences, newest first; symmetric but for rounding and curvature, and made
 * so. */
static void fill_matrix(em_secant *s, int n)
{
    for (int i = 0; i < n; i++)
        for (int j = 0; j <= i; j++)
            s->matrix[em_at(j, n) + (size_t)i] = (product(s, i, j) + product(s, j, i)) / 2;
}

/* The Cholesky factor of the matrix of the newest differences, of as many as it is positive
 * definite for; returns how many. */
static int factorise(em_secant *s)
{
    int n = s->used;

    for (;;) {
        fill_matrix(s, n);
        int good = em_cholesky_pivots(s->matrix, n, least_new);
        if (good == n)
            return n;
        n = good;
    }
}

double em_secant_step(em_secant *s, double *step)
{
    double gain = 0;

    memcpy(step, s->f, (size_t)s->n * sizeof(double));
    int used = factorise(s);
    for (int i = 0; i < used; i++)
        s->rhs[i] = s->sol[i] = em_inner(s->f, s->de + at(s, i), s->n);
    em_cholesky_solve(s->matrix, used, s->sol);
    for (int i = 0; i < used; i++) {
        const double *dx = s->dx + at(s, i), *df = s->df + at(s, i);
        gain += 0.5 * s->sol[i] * s->rhs[i];
        for (int l = 0; l < s->n; l++)
            step[l] += s->sol[i] * (dx[l] + df[l]);
    }
    return gain;
}

double em_secant_rise(em_secant *s, double most, double *step)
{
    const double *dx = s->dx + at(s, 0), *de = s->de + at(s, 0);

    if (s->used == 0 || !(em_inner(s->df + at(s, 0), de, s->n) > 0))
        return 0;
    double slope = em_inner(s->f, de, s->n), length = em_inner(dx, de, s->n);
    if (!(slope > 0 && length > 0))
        return 0;
    double times = 4 * length < most ? 2 : sqrt(most / length);
    for (int l = 0; l < s->n; l++)
        step[l] = s->f[l] + times * dx[l];
    return times * slope;
}

void em_secant_learn(em_secant *s, bool taken)
{
    if (!taken)
        s->lambda = s->lambda < first_lambda ? first_lambda : 8 * s->lambda;
    else
        s->lambda = s->lambda < first_lambda ? 0 : s->lambda / 4;
}
