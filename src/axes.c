/* Common axes of several covariances: EVE and VVE.
 *
 *   D          orthogonal d x d;  T_j = D' W_j D,  q_j = diag(T_j);  N = sum N_j
 *   f(D)       to be made small, minus twice the objective with the best B_j for D:
 *              VVE  sum_j N_j sum_i log q_ji            B_j = q_j / N_j
 *              EVE  N d log sum_j g_j                   B_j = q_j / g_j * (sum_l g_l / N),
 *                   g_j = (q_j1 .. q_jd)^(1/d)
 *   n_j        N_j (VVE), N g_j / sum_l g_l (EVE): how f weighs sum_i log q_ji
 *
 * D moves to D exp(X), X skew. With P_j = diag(n_j / q_j), B = sum_j P_j T_j, <A, C> = sum of A *
 * C, f = f(D) + <G, X> / 2 + <X, H X> / 4 + ...,   G = 2 (B' - B), H X = E - E',   E = (XB + BX)' +
 * sum_j (Y P_j - P_j Y' + T_j diag(c_j)),   Y = T_j X, c_ji = -4 n_j Y_ii / q_ji^2  (EVE: + 4 n_j
 * (s_j - mean of s) / (d q_ji)),   s_j = sum_i Y_ii / q_ji. H X costs a product of matrices per
 * component, so that Newton's equations are solved by conjugate gradients; where the W_j have
 * nearly common axes, H is nearly diagonal, which makes a good preconditioner: H_il = 2 sum_j n_j
 * ((q_ji - q_jl)^2 / (q_ji q_jl) - 2 T_jil^2 (1 / q_ji^2 + 1 / q_jl^2)) (EVE: + ..) Towards
 * negative curvature the step ends. exp is replaced by Cayley's transform, which agrees to second
 * order: (I - X/2)^-1 (I + X/2) = (I - X^2/4)^-1 (I + X/2)^2. A step that does not lower f as it
 * should is halved.
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
    size_t size;      /* d * d */
    double n;         /* all rows */
    double *spread;   /* k * d: q_j */
    double *turned;   /* k * size: T_j */
    double *weight;   /* k: n_j */
    double *diagonal; /* k * d: of Y */
    double *pooled;   /* B */
    double *gradient;
    double *step; /* X */
    double *residual, *direction, *image, *precondition;
    double *scratch, *other, *moved;
} place;

size_t em_axes_work(int d, int k)
{
    return em_at(k, d * d + d + 1) + 10 * em_at(d, d);
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
    p.diagonal = p.turned + em_at(a->k, a->d * a->d);
    p.weight = p.diagonal + em_at(a->k, a->d);
    for (int j = 0; j < a->k; j++)
        p.n += a->rows[j];
    return p;
}

/* ---- f, and T_j
 * ---------------------------------------------------------------------------------- */

/* T_j and q_j; the sum of log q_ji. */
static double turn_scatter(const em_axes *a, const place *p, const double *axes, int j)
{
    int d = p->d;
    double *t = p->turned + p->size * (size_t)j, *q = p->spread + em_at(j, d), sum = 0;

    em_matrix_product(a->scatter + p->size * (size_t)j, axes, d, p->scratch);
    for (int c = 0; c < d; c++)
        for (int r = c; r < d; r++) {
            double x = em_inner(axes + em_at(r, d), p->scratch + em_at(c, d), d);
            t[em_at(c, d) + (size_t)r] = t[em_at(r, d) + (size_t)c] = x;
        }
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

    for (int j = 0; j < p->k; j++) {
        double logs = a->rows[j] > 0 ? turn_scatter(a, p, axes, j) : 0;
        p->weight[j] = a->equal_volume ? logs / p->d : a->rows[j];
        value += a->rows[j] * logs;
    }
    if (a->equal_volume)
        value = weigh(a, p);
    return isfinite(value) ? value : INFINITY;
}

double em_axes_value(const em_axes *a, const double *axes, double *spread)
{
    place p = lay_out(a, spread);
    return value_at(a, &p, axes);
}

/* ---- derivatives
 * ----------------------------------------------------------------------------------- */

/* B and G */
static void derive(const place *p)
{
    int d = p->d;

    memset(p->pooled, 0, p->size * sizeof(double));
    for (int j = 0; j < p->k; j++) {
        const double *t = p->turned + p->size * (size_t)j, *q = p->spread + em_at(j, d);
        if (!(p->weight[j] > 0))
            continue;
        for (int c = 0; c < d; c++)
            for (int r = 0; r < d; r++)
                p->pooled[em_at(c, d) + (size_t)r] +=
                    p->weight[j] / q[r] * t[em_at(c, d) + (size_t)r];
    }
    for (int c = 0; c < d; c++)
        for (int r = 0; r < d; r++)
            p->gradient[em_at(c, d) + (size_t)r] =
                2 * (p->pooled[em_at(r, d) + (size_t)c] - p->pooled[em_at(c, d) + (size_t)r]);
}

/* What component j gives to H_il, where not negative in itself, and the part that is. */
static void curve(const place *p, int j, int i, int l, double *plus, double *minus)
{
    const double *q = p->spread + em_at(j, p->d);
    double t = p->turned[p->size * (size_t)j + em_at(i, p->d) + (size_t)l];
    double u = t / q[i], v = t / q[l];

    *plus += 2 * p->weight[j] * (q[i] - q[l]) / q[i] * ((q[i] - q[l]) / q[l]);
    *minus += 4 * p->weight[j] * (u * u + v * v);
}

/* What is sure to be positive: no less than a tenth of the first part of H_il. */
static void precondition(const place *p)
{
    for (int i = 0; i < p->d; i++) {
        p->precondition[em_at(i, p->d + 1)] = 1;
        for (int l = 0; l < i; l++) {
            double plus = 0, minus = 0, least;
            for (int j = 0; j < p->k; j++)
                if (p->weight[j] > 0)
                    curve(p, j, i, l, &plus, &minus);
            least = 0.1 * plus + 1e-8 * p->n;
            plus = plus - minus > least ? plus - minus : least;
            p->precondition[em_at(i, p->d) + (size_t)l] = plus;
            p->precondition[em_at(l, p->d) + (size_t)i] = plus;
        }
    }
}

/* out := out + m' - m, or with a factor. */
static void add_skew(double *out, const double *m, int d, double factor)
{
    for (int c = 0; c < d; c++)
        for (int r = 0; r < c; r++) {
            double x = factor * (m[em_at(r, d) + (size_t)c] - m[em_at(c, d) + (size_t)r]);
            out[em_at(c, d) + (size_t)r] += x;
            out[em_at(r, d) + (size_t)c] -= x;
        }
}

/* Component j's part of H x but for c_j; the diagonal of Y. */
static void bend(const place *p, int j, const double *x, double *out)
{
    int d = p->d;
    const double *q = p->spread + em_at(j, d);
    double *y = p->scratch;

    em_matrix_product(p->turned + p->size * (size_t)j, x, d, y);
    for (int c = 0; c < d; c++) {
        double factor = p->weight[j] / q[c];
        p->diagonal[em_at(j, d) + (size_t)c] = y[em_at(c, d + 1)];
        for (int r = 0; r < d; r++)
            y[em_at(c, d) + (size_t)r] *= factor;
    }
    add_skew(out, y, d, -2);
}

/* s_j, and the mean of them by n_j. */
static double slope(const place *p, int j)
{
    double sum = 0;
    for (int i = 0; i < p->d; i++)
        sum += p->diagonal[em_at(j, p->d) + (size_t)i] / p->spread[em_at(j, p->d) + (size_t)i];
    return sum;
}

static double mean_slope(const place *p)
{
    double sum = 0;
    for (int j = 0; j < p->k; j++)
        sum += p->weight[j] > 0 ? p->weight[j] * slope(p, j) / p->n : 0;
    return sum;
}

/* out := out + T_j diag(c_j) - its transpose */
static void add_diagonal_part(const em_axes *a, const place *p, int j, double mean, double *out)
{
    int d = p->d;
    const double *q = p->spread + em_at(j, d), *y = p->diagonal + em_at(j, d);
    const double *t = p->turned + p->size * (size_t)j;
    double shift = a->equal_volume ? 4 * p->weight[j] * (slope(p, j) - mean) / d : 0;

    for (int c = 0; c < d; c++) {
        double factor = (shift - 4 * p->weight[j] * y[c] / q[c]) / q[c];
        for (int r = 0; r < d; r++) {
            double x = factor * t[em_at(c, d) + (size_t)r];
            out[em_at(c, d) + (size_t)r] += x;
            out[em_at(r, d) + (size_t)c] -= x;
        }
    }
}

/* out := H x */
static void multiply(const em_axes *a, const place *p, const double *x, double *out)
{
    memset(out, 0, p->size * sizeof(double));
    em_matrix_product(x, p->pooled, p->d, p->scratch);
    add_skew(out, p->scratch, p->d, 1);
    em_matrix_product(p->pooled, x, p->d, p->scratch);
    add_skew(out, p->scratch, p->d, 1);
    for (int j = 0; j < p->k; j++)
        if (p->weight[j] > 0)
            bend(p, j, x, out);
    double mean = a->equal_volume ? mean_slope(p) : 0;
    for (int j = 0; j < p->k; j++)
        if (p->weight[j] > 0)
            add_diagonal_part(a, p, j, mean, out);
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

static void add_times(double *out, double factor, const double *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] += factor * x[i];
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
        add_times(p->step, size / curvature, p->direction, p->size);
        add_times(p->residual, -size / curvature, p->image, p->size);
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

    for (int turn = 0; turn < MOST_HALVINGS; turn++, factor /= 2) {
        move(p, axes, factor);
        double there = value_at(a, p, p->moved);
        bool near = decrement <= hidden * p->n && isfinite(there);
        if (!(there <= *value - 0.1 * factor * decrement || near))
            continue;
        memcpy(axes, p->moved, p->size * sizeof(double));
        *value = there;
        return true;
    }
    return false;
}

bool em_axes_find(const em_axes *a, double *axes, double *spread, int *turns)
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
    value_at(a, &p, axes);
    return done;
}
