/* Volumes of several covariances of one shape: VEI, VEE, VEV.
 *
 *   S_j = exp(u_j) C,  N_j rows, scatter W_j;  N = sum N_j
 *   M(u) = sum_j exp(-u_j) W_j       the best C for given volumes is M / N
 *   f(u) = d sum_j N_j u_j + N log|M(u)|   to be made small (minus twice the objective)
 *
 * |M| is a polynomial of the exp(-u_j) whose coefficients are not negative, so that f is convex;
 * adding a number to all u_j leaves it as it is. With M = L L' and V_j = exp(-u_j) L^-1 W_j L^-T,
 * which add up to I,
 *   df / du_j = d N_j - N tr V_j,     d2f / du_j du_l = N (tr V_j [j = l] - tr(V_j V_l)).
 * Newton's step is taken where it lowers f as it should. Elsewhere the usual step, volumes for
 * given C, u_j := u_j + log(N tr V_j / (d N_j)): it never raises f, but comes near only by and by.
 * Newton's step keeps sum_j N_j u_j, for N_j N_l / N is added to the second derivatives, which have
 * no digits of their own in that direction.
 *
 * Reference: Celeux & Govaert (1995), who iterate the usual step.
 */
#include "volumes.h"

#include "linalg.h"

#include <math.h>
#include <string.h>

enum { MOST_TURNS = 300 };

/* Decrement per row below which rounding of f may hide its fall, and below which the step to come
 * is the last: it leaves an error of about the decrement. */
static const double hidden = 1e-10, enough = 1e-17, longest = 3;

typedef struct {
    int size;
    double n;         /* all rows */
    double *matrix;   /* size: M, or its factor L */
    double *white;    /* k * size: V_j */
    double *gradient; /* k */
    double *step;     /* k */
    double *tried;    /* k */
    double *second;   /* k * k */
    double *scratch;  /* size */
} place;

static int size_of(const em_volumes *v)
{
    return v->diagonal ? v->d : v->d * v->d;
}

size_t em_volumes_work(int d, int k, bool diagonal)
{
    size_t size = diagonal ? (size_t)d : em_at(d, d);
    return size * ((size_t)k + 2) + em_at(k, k + 3);
}

static place lay_out(const em_volumes *v)
{
    place p = {.size = size_of(v), .matrix = v->work};

    p.white = p.matrix + p.size;
    p.scratch = p.white + em_at(v->k, p.size);
    p.gradient = p.scratch + p.size;
    p.step = p.gradient + v->k;
    p.tried = p.step + v->k;
    p.second = p.tried + v->k;
    for (int j = 0; j < v->k; j++)
        p.n += v->rows[j];
    return p;
}

/* out := M(u) */
static void add_up(const em_volumes *v, const place *p, const double *u, double *out)
{
    memset(out, 0, (size_t)p->size * sizeof(double));
    for (int j = 0; j < v->k; j++) {
        const double *w = v->scatter + em_at(j, p->size);
        double share = v->rows[j] > 0 ? exp(-u[j]) : 0;
        for (int i = 0; i < p->size && share > 0; i++)
            out[i] += share * w[i];
    }
}

/* f(u), with M or its factor left in p->matrix; not a number where M is singular. */
static double value_at(const em_volumes *v, const place *p, const double *u)
{
    double sum = 0, log_det = 0;

    add_up(v, p, u, p->matrix);
    for (int j = 0; j < v->k; j++)
        sum += v->rows[j] > 0 ? v->rows[j] * u[j] : 0;
    if (!v->diagonal && !em_cholesky(p->matrix, v->d))
        return NAN;
    for (int i = 0; i < v->d; i++)
        log_det += v->diagonal ? log(p->matrix[i]) : 2 * log(p->matrix[em_at(i, v->d + 1)]);
    return v->d * sum + p->n * log_det;
}

/* a := L^-1 a', column by column. */
static void forward_transposed(const double *l, int d, double *a)
{
    for (int c = 0; c < d; c++)
        for (int r = c + 1; r < d; r++) {
            double swapped = a[em_at(c, d) + (size_t)r];
            a[em_at(c, d) + (size_t)r] = a[em_at(r, d) + (size_t)c];
            a[em_at(r, d) + (size_t)c] = swapped;
        }
    for (int c = 0; c < d; c++)
        em_forward(l, d, a + em_at(c, d));
}

/* V_j; returns its trace. */
static double whiten(const em_volumes *v, const place *p, const double *u, int j)
{
    const double *w = v->scatter + em_at(j, p->size);
    double *white = p->white + em_at(j, p->size), trace = 0, share = exp(-u[j]);

    for (int i = 0; i < p->size; i++)
        white[i] = share * w[i];
    if (v->diagonal) {
        for (int i = 0; i < v->d; i++)
            white[i] /= p->matrix[i];
    } else {
        forward_transposed(p->matrix, v->d, white);
        forward_transposed(p->matrix, v->d, white);
    }
    for (int i = 0; i < v->d; i++)
        trace += white[v->diagonal ? (size_t)i : em_at(i, v->d + 1)];
    return trace;
}

/* Gradient and second derivatives at u, and the usual step; p->matrix is value_at()'s. */
static void derive(const em_volumes *v, const place *p, const double *u)
{
    int k = v->k;

    for (int j = 0; j < k; j++) {
        double rows = v->rows[j], trace = rows > 0 ? whiten(v, p, u, j) : 0;
        p->gradient[j] = v->d * rows - p->n * trace;
        p->step[j] = rows > 0 ? log(p->n * trace / (v->d * rows)) : 0;
        for (int l = 0; l <= j; l++) {
            double product =
                rows > 0 && v->rows[l] > 0
                    ? em_inner(p->white + em_at(j, p->size), p->white + em_at(l, p->size), p->size)
                    : 0;
            p->second[em_at(l, k) + (size_t)j] =
                p->n * ((j == l ? trace : 0) - product) + rows * (v->rows[l] / p->n);
        }
        if (!(rows > 0))
            p->second[em_at(j, k + 1)] = 1;
        em_look_up(v->poll);
    }
}

/* Newton's step into `step`, and its decrement; -1 where there is none. */
static double newton(const em_volumes *v, const place *p, double *step)
{
    if (!em_cholesky(p->second, v->k))
        return -1;
    for (int j = 0; j < v->k; j++)
        step[j] = -p->gradient[j];
    em_cholesky_solve(p->second, v->k, step);
    return -em_inner(step, p->gradient, v->k);
}

static double largest(const double *x, int n)
{
    double most = 0;
    for (int i = 0; i < n; i++)
        most = fabs(x[i]) > most ? fabs(x[i]) : most;
    return most;
}

/* u := u + Newton's step, if that is fit; p->matrix and *value go with u. */
static bool try_newton(const em_volumes *v, const place *p, double decrement, double *u,
                       double *value)
{
    double *tried = p->tried;

    if (!(decrement >= 0) || largest(tried, v->k) > longest)
        return false;
    for (int j = 0; j < v->k; j++)
        tried[j] += u[j];
    double there = value_at(v, p, tried);
    if (!(there <= *value - 0.1 * decrement || (decrement <= hidden * p->n && !isnan(there))))
        return false;
    memcpy(u, tried, (size_t)v->k * sizeof(double));
    *value = there;
    return true;
}

bool em_volumes_find(const em_volumes *v, double *u, double *common, int *turns)
{
    place p = lay_out(v);
    double value = value_at(v, &p, u), last = INFINITY;
    int turn = 0;
    bool done = false;

    for (; turn < MOST_TURNS && !done && isfinite(value); turn++) {
        derive(v, &p, u);
        double decrement = newton(v, &p, p.tried);
        bool near = decrement >= 0 && decrement <= hidden * p.n;
        done = near && (decrement <= enough * p.n || decrement > last / 2);
        last = near ? decrement : last;
        if (try_newton(v, &p, decrement, u, &value))
            continue;
        for (int j = 0; j < v->k; j++)
            u[j] += p.step[j];
        value = value_at(v, &p, u);
    }
    if (turns != NULL)
        *turns += turn;
    add_up(v, &p, u, common);
    for (int i = 0; i < p.size; i++)
        common[i] /= p.n;
    return done;
}
