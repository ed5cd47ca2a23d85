/* Common axes of several covariances: EVE and VVE.
 *
 *   D          orthogonal d x d;  T_j = D' W_j D,  q_j = diag(T_j);  N = sum N_j
 *   f(D)       to be made small, minus twice the objective with the best B_j for D:
 *              VVE  sum_j N_j sum_i log q_ji            B_j = q_j / N_j
 *              EVE  N d log sum_j g_j                   B_j = q_j / g_j * (sum_l g_l / N),
 *                   g_j = (q_j1 .. q_jd)^(1/d)
 *   n_j        N_j (VVE), N g_j / sum_l g_l (EVE): how f weighs sum_i log q_ji
 *
 * D moves to D exp(X), X skew with columns x_i; t_ji the columns of T_j; <A, B> = sum of A * B.
 *   f = f(D) + <G, X> / 2 + <E, X> / 2 + ...
 *   P = sum_j T_j diag(n_j / q_j),   G = 2 (P - P'),   Y_j = T_j X,   y_j = diag(Y_j)
 *   E = sum_j (2 Y_j diag(n_j / q_j) - 4 T_j diag(n_j y_j / q_j^2)) - (P + P') X
 *   EVE: + 4 sum_j T_j diag(n_j (s_j - s) / (d q_j)),  s_j = sum_i y_ji / q_ji, s their mean by n_j
 * So Newton's equations H X = -G, with H X = E - E', are solved by conjugate gradients, which
 * need few turns, for H is nearly diagonal where the W_j have nearly common axes. Towards negative
 * curvature the step ends. exp is replaced by Cayley's transform, which agrees to second order:
 * (I - X/2)^-1 (I + X/2) = (I - X^2/4)^-1 (I + X/2)^2. A step that does not lower f as it should is
 * halved.
 *
 * References: Flury (1984), Common principal components in k groups, JASA 79, 892-898; Browne &
 * McNicholas (2014), Estimating common principal components in high dimensions, Advances in Data
 * Analysis and Classification 8, 217-226; Absil, Mahony & Sepulchre (2008), Optimization algorithms
 * on matrix manifolds, chapter 6.
 */
#include "axes.h"

#include "linalg.h"

#include <math.h>
#include <string.h>

enum { MOST_TURNS = 200, MOST_HALVINGS = 40 };

/* Decrement per row below which rounding of f may hide its fall, and below which the step to come
 * is the last; the largest angle of a step. */
static const double hidden = 1e-10, enough = 1e-23, longest = 0.5;

typedef struct {
    int d, k;
    size_t size;    /* d * d */
    double unit;    /* a power of two: that of N_j and W_j here, so that no square is too large */
    double n;       /* all rows, in it */
    double *spread; /* k * d: q_j */
    double *turned; /* k * size: T_j */
    double *weight; /* k: n_j */
    double *along;  /* k * d: y_j */
    double *slope;  /* k: EVE's n_j (s_j - s) */
    double *pooled; /* P, then P + P' */
    double *gradient;
    double *step; /* X */
    double *residual, *direction, *image, *precondition;
    double *scratch, *other, *moved;
} place;

size_t em_axes_work(int d, int k)
{
    return em_at(k, d * d + d + 2) + 10 * em_at(d, d);
}

static place lay_out(const em_axes *a, double *spread)
{
    place p = {.d = a->d, .k = a->k, .size = em_at(a->d, a->d), .spread = spread};
    double **const matrices[] = {&p.pooled, &p.gradient,     &p.step,    &p.residual, &p.direction,
                                 &p.image,  &p.precondition, &p.scratch, &p.other,    &p.moved};
    double *next = a->work;

    for (size_t i = 0; i < sizeof matrices / sizeof *matrices; i++, next += p.size)
        *matrices[i] = next;
    p.turned = next;
    p.along = p.turned + em_at(a->k, a->d * a->d);
    p.weight = p.along + em_at(a->k, a->d);
    p.slope = p.weight + a->k;
    for (int j = 0; j < a->k; j++)
        p.n += a->rows[j];
    p.unit = ldexp(1, -(int)fmin(fmax(logb(p.n), -1000), 1000));
    p.n *= p.unit;
    return p;
}

/* ---- f, and T_j
 * ---------------------------------------------------------------------------------- */

/* T_j and q_j; the sum of log q_ji. D' is in p->other. */
static double turn_scatter(const em_axes *a, const place *p, const double *axes, int j)
{
    int d = p->d;
    double *t = p->turned + p->size * (size_t)j, *q = p->spread + em_at(j, d), sum = 0;

    em_matrix_product(a->scatter + p->size * (size_t)j, axes, d, p->scratch);
    for (size_t i = 0; i < p->size; i++)
        p->scratch[i] *= p->unit;
    em_matrix_product(p->other, p->scratch, d, t);
    for (int c = 0; c < d; c++)
        for (int r = c + 1; r < d; r++)
            t[em_at(r, d) + (size_t)c] = t[em_at(c, d) + (size_t)r];
    for (int i = 0; i < d; i++) {
        q[i] = t[em_at(i, d + 1)];
        sum += log(q[i]);
    }
    return sum;
}

/* n_j of EVE from the logs of the g_j in `weight`; f. */
static double weigh(const em_axes *a, const place *p)
{
    double most = -INFINITY, sum = 0;

    for (int j = 0; j < p->k; j++)
        if (a->rows[j] > 0 && !(p->weight[j] < most))
            most = p->weight[j];
    for (int j = 0; j < p->k; j++) {
        p->weight[j] = a->rows[j] > 0 ? exp(p->weight[j] - most) : 0;
        sum += p->weight[j];
    }
    for (int j = 0; j < p->k; j++)
        p->weight[j] *= p->n / sum;
    return p->n * p->d * (most + log(sum));
}

static double value_at(const em_axes *a, const place *p, const double *axes)
{
    double value = 0;

    for (int c = 0; c < p->d; c++)
        for (int r = 0; r < p->d; r++)
            p->other[em_at(r, p->d) + (size_t)c] = axes[em_at(c, p->d) + (size_t)r];
    for (int j = 0; j < p->k; j++) {
        double logs = a->rows[j] > 0 ? turn_scatter(a, p, axes, j) : 0;
        p->weight[j] = a->equal_volume ? logs / p->d : a->rows[j] * p->unit;
        value += a->rows[j] * p->unit * logs;
    }
    em_look_up(a->poll);
    if (a->equal_volume)
        value = weigh(a, p);
    return isfinite(value) ? value : INFINITY;
}

/* f, with the q_j of these axes in the caller's units. */
static double finish(const em_axes *a, const place *p, const double *axes)
{
    double value = value_at(a, p, axes);

    for (int j = 0; j < p->k; j++)
        for (int i = 0; i < p->d && a->rows[j] > 0; i++)
            p->spread[em_at(j, p->d) + (size_t)i] /= p->unit;
    return value;
}

double em_axes_value(const em_axes *a, const double *axes, double *spread)
{
    place p = lay_out(a, spread);
    return finish(a, &p, axes);
}

/* ---- derivatives
 * ----------------------------------------------------------------------------------- */

static const double *turned(const place *p, int j)
{
    return p->turned + p->size * (size_t)j;
}

static const double *spread(const place *p, int j)
{
    return p->spread + em_at(j, p->d);
}

/* G and P + P' */
static void derive(const place *p)
{
    int d = p->d;

    memset(p->pooled, 0, p->size * sizeof(double));
    for (int j = 0; j < p->k; j++)
        for (int c = 0; c < d && p->weight[j] > 0; c++)
            em_add_times(p->pooled + em_at(c, d), p->weight[j] / spread(p, j)[c],
                         turned(p, j) + em_at(c, d), d);
    for (int c = 0; c < d; c++)
        for (int r = 0; r <= c; r++) {
            size_t rc = em_at(c, d) + (size_t)r, cr = em_at(r, d) + (size_t)c;
            double a = p->pooled[rc], b = p->pooled[cr];
            p->pooled[rc] = p->pooled[cr] = a + b;
            p->gradient[rc] = 2 * (a - b);
            p->gradient[cr] = 2 * (b - a);
        }
}

/* H's diagonal (without EVE's own part, which is not negative), made positive. */
static void precondition(const place *p)
{
    int d = p->d;

    for (int c = 0; c < d; c++)
        for (int r = 0; r <= c; r++) {
            double h = -p->pooled[em_at(c, d + 1)] - p->pooled[em_at(r, d + 1)];
            for (int j = 0; j < p->k; j++) {
                const double *q = spread(p, j);
                double t = turned(p, j)[em_at(c, d) + (size_t)r], by_c = t / q[c], by_r = t / q[r];
                if (p->weight[j] > 0)
                    h += 2 * p->weight[j] *
                         (q[r] / q[c] + q[c] / q[r] - 2 * (by_c * by_c + by_r * by_r));
            }
            p->precondition[em_at(c, d) + (size_t)r] = p->precondition[em_at(r, d) + (size_t)c] =
                fabs(h) + 1e-8 * p->n;
        }
}

/* n_j (s_j - s), 0 for an empty component */
static void find_slopes(const place *p)
{
    double mean = 0;

    for (int j = 0; j < p->k; j++) {
        p->slope[j] = 0;
        for (int i = 0; i < p->d && p->weight[j] > 0; i++)
            p->slope[j] += p->along[em_at(j, p->d) + (size_t)i] / spread(p, j)[i];
        mean += p->weight[j] * p->slope[j] / p->n;
    }
    for (int j = 0; j < p->k; j++)
        p->slope[j] = p->weight[j] * (p->slope[j] - mean);
}

/* e := -(P + P') X, and the parts of the Y_j; y_j. */
static void add_products(const place *p, const double *x, double *e)
{
    int d = p->d;
    double *y = p->other;

    em_matrix_product(p->pooled, x, d, e);
    for (size_t i = 0; i < p->size; i++)
        e[i] = -e[i];
    for (int j = 0; j < p->k; j++) {
        if (!(p->weight[j] > 0))
            continue;
        em_matrix_product(turned(p, j), x, d, y);
        for (int i = 0; i < d; i++) {
            em_add_times(e + em_at(i, d), 2 * p->weight[j] / spread(p, j)[i], y + em_at(i, d), d);
            p->along[em_at(j, d) + (size_t)i] = y[em_at(i, d + 1)];
        }
    }
}

/* out := H x */
static void multiply(const em_axes *a, const place *p, const double *x, double *out)
{
    int d = p->d;
    double *e = p->scratch;

    add_products(p, x, e);
    em_look_up(a->poll);
    memset(p->slope, 0, (size_t)p->k * sizeof(double));
    if (a->equal_volume)
        find_slopes(p);
    for (int j = 0; j < p->k; j++)
        for (int i = 0; i < d && p->weight[j] > 0; i++) {
            double q = spread(p, j)[i], y = p->along[em_at(j, d) + (size_t)i];
            double factor = 4 * (p->slope[j] / d - p->weight[j] * y / q) / q;
            em_add_times(e + em_at(i, d), factor, turned(p, j) + em_at(i, d), d);
        }
    for (int c = 0; c < d; c++)
        for (int r = 0; r < d; r++)
            out[em_at(c, d) + (size_t)r] = e[em_at(c, d) + (size_t)r] - e[em_at(r, d) + (size_t)c];
}

/* ---- a step
 * ----------------------------------------------------------------------------------------- */

static double inner(const place *p, const double *a, const double *b)
{
    double sum = 0;
    for (size_t i = 0; i < p->size; i++)
        sum += a[i] * b[i];
    return sum;
}

/* <r, z> with z = r by the preconditioner */
static double preconditioned(const place *p)
{
    double sum = 0;
    for (size_t i = 0; i < p->size; i++)
        sum += p->residual[i] * p->residual[i] / p->precondition[i];
    return sum;
}

/* direction := z + keep * direction */
static void turn_direction(const place *p, double keep)
{
    for (size_t i = 0; i < p->size; i++)
        p->direction[i] = p->residual[i] / p->precondition[i] + keep * p->direction[i];
}

/* H X = -G by conjugate gradients, until `within` of the right side is left; the decrement. */
static double solve(const em_axes *a, const place *p, double within)
{
    memset(p->step, 0, p->size * sizeof(double));
    for (size_t i = 0; i < p->size; i++) {
        p->residual[i] = -p->gradient[i];
        p->direction[i] = 0;
    }
    double size = preconditioned(p), first = size, before = INFINITY;
    for (int turn = 0; turn <= p->d * p->d && size > within * within * first; turn++) {
        turn_direction(p, size / before);
        multiply(a, p, p->direction, p->image);
        double curvature = inner(p, p->direction, p->image);
        if (!(curvature > 1e-10 * size)) {
            if (turn == 0)
                memcpy(p->step, p->direction, p->size * sizeof(double));
            break;
        }
        em_add_times(p->step, size / curvature, p->direction, (int)p->size);
        em_add_times(p->residual, -size / curvature, p->image, (int)p->size);
        before = size;
        size = preconditioned(p);
    }
    return -inner(p, p->gradient, p->step) / 2;
}

/* moved := axes * Cayley's transform of factor * X */
static void move(const place *p, const double *axes, double factor)
{
    int d = p->d;
    double *square = p->image, *k = p->other;

    em_matrix_product(p->step, p->step, d, square);
    for (size_t i = 0; i < p->size; i++) {
        double x = factor * factor / 4 * square[i];
        k[i] = -x;
        square[i] = x + factor * p->step[i];
    }
    for (int i = 0; i < d; i++) {
        k[em_at(i, d + 1)] += 1;
        square[em_at(i, d + 1)] += 1;
    }
    em_cholesky(k, d);
    for (int c = 0; c < d; c++)
        em_cholesky_solve(k, d, square + em_at(c, d));
    em_matrix_product(axes, square, d, p->moved);
}

static double longest_of(const place *p)
{
    double most = 0;
    for (size_t i = 0; i < p->size; i++)
        most = fabs(p->step[i]) > most ? fabs(p->step[i]) : most;
    return most;
}

/* Goes along X as far as f falls; false where it does not. */
static bool go(const em_axes *a, const place *p, double decrement, double *axes, double *value)
{
    double angle = longest_of(p), factor = angle > longest ? longest / angle : 1;

    for (int turn = 0; turn < MOST_HALVINGS; turn++) {
        move(p, axes, factor);
        double there = value_at(a, p, p->moved);
        bool near = decrement <= hidden * p->n && isfinite(there);
        if (there <= *value - 0.1 * factor * decrement || near) {
            memcpy(axes, p->moved, p->size * sizeof(double));
            *value = there;
            return true;
        }
        factor /= 2;
    }
    return false;
}

double em_axes_find(const em_axes *a, double *axes, double *spread, int *turns)
{
    place p = lay_out(a, spread);
    double value = value_at(a, &p, axes), last = INFINITY;
    bool done = p.d == 1;
    int turn = 0;

    for (; turn < MOST_TURNS && !done && isfinite(value); turn++) {
        derive(&p);
        precondition(&p);
        double within = sqrt(inner(&p, p.gradient, p.gradient)) / p.n;
        double decrement = solve(a, &p, within < 0.1 ? (within > 1e-6 ? within : 1e-6) : 0.1);
        bool near = decrement <= hidden * p.n;
        done = near && (decrement <= enough * p.n || decrement > last / 2);
        last = near ? decrement : last;
        if (!go(a, &p, decrement, axes, &value))
            break;
    }
    if (turns != NULL)
        *turns += turn;
    return finish(a, &p, axes);
}
