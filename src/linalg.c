#include "linalg.h"

#include <float.h>
#include <math.h>
#include <string.h>

static double *column(double *a, int n, int j)
{
    return a + em_at(j, n);
}

static const double *const_column(const double *a, int n, int j)
{
    return a + em_at(j, n);
}

/* Column by column. */
EM_KERNEL
int em_cholesky_pivots(double *a, int n, double least)
{
    for (int j = 0; j < n; j++) {
        double *aj = column(a, n, j), before = aj[j];
        for (int l = 0; l < j; l++) {
            const double *al = const_column(a, n, l);
            double times = al[j];
#pragma omp simd
            for (int i = j; i < n; i++)
                aj[i] -= al[i] * times;
        }
        if (!(aj[j] > least * fabs(before)))
            return j;
        double root = sqrt(aj[j]);
#pragma omp simd
        for (int i = j; i < n; i++)
            aj[i] /= root;
    }
    return n;
}

/* A pivot that has lost all its digits to what was taken from it is zero. */
bool em_cholesky(double *a, int n)
{
    return em_cholesky_pivots(a, n, 4 * n * DBL_EPSILON) == n;
}

EM_KERNEL
void em_forward(const double *l, int n, double *b)
{
    for (int j = 0; j < n; j++) {
        const double *lj = const_column(l, n, j);
        double times = b[j] /= lj[j];
#pragma omp simd
        for (int i = j + 1; i < n; i++)
            b[i] -= lj[i] * times;
    }
}

void em_backward(const double *l, int n, double *b)
{
    for (int j = n - 1; j >= 0; j--) {
        const double *lj = const_column(l, n, j);
        for (int i = j + 1; i < n; i++)
            b[j] -= lj[i] * b[i];
        b[j] /= lj[j];
    }
}

void em_cholesky_solve(const double *l, int n, double *b)
{
    em_forward(l, n, b);
    em_backward(l, n, b);
}

/* Four sums, none of which waits for the others. */
double em_inner(const double *a, const double *b, int n)
{
    double s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    int i = 0;

    for (; i + 4 <= n; i += 4) {
        s0 += a[i] * b[i];
        s1 += a[i + 1] * b[i + 1];
        s2 += a[i + 2] * b[i + 2];
        s3 += a[i + 3] * b[i + 3];
    }
    for (; i < n; i++)
        s0 += a[i] * b[i];
    return (s0 + s1) + (s2 + s3);
}

EM_KERNEL
void em_add_times(double *to, double times, const double *from, int n)
{
#pragma omp simd
    for (int i = 0; i < n; i++)
        to[i] += times * from[i];
}

/* Column by column, for small ones. */
EM_KERNEL
static void small_product(const double *a, const double *b, int n, double *out)
{
    memset(out, 0, em_at(n, n) * sizeof(double));
    for (int c = 0; c < n; c++) {
        double *to = column(out, n, c);
        for (int l = 0; l < n; l++) {
            const double *from = const_column(a, n, l);
            double times = const_column(b, n, c)[l];
#pragma omp simd
            for (int i = 0; i < n; i++)
                to[i] += times * from[i];
        }
    }
}

#ifdef __GNUC__
typedef double eight __attribute__((vector_size(64), aligned(8), may_alias));
enum { TALL = 16, WIDE = 4 };

/* TALL rows of WIDE columns of A B: sums that fit into registers use each number that is loaded
 * several times. a, b and out begin at the block's rows and columns. */
EM_KERNEL
static void product_block(const double *a, const double *b, int n, double *out)
{
    const double *b0 = b, *b1 = b0 + n, *b2 = b1 + n, *b3 = b2 + n;
    eight s[2 * WIDE] = {{0}};

    for (int l = 0; l < n; l++) {
        eight u = *(const eight *)(a + em_at(l, n)), v = *(const eight *)(a + em_at(l, n) + 8);
        s[0] += u * b0[l];
        s[1] += v * b0[l];
        s[2] += u * b1[l];
        s[3] += v * b1[l];
        s[4] += u * b2[l];
        s[5] += v * b2[l];
        s[6] += u * b3[l];
        s[7] += v * b3[l];
    }
    for (int c = 0; c < WIDE; c++) {
        *(eight *)(out + em_at(c, n)) = s[2 * c];
        *(eight *)(out + em_at(c, n) + 8) = s[2 * c + 1];
    }
}

/* The last blocks reach back over those before them. */
void em_matrix_product(const double *a, const double *b, int n, double *out)
{
    if (n < TALL) {
        small_product(a, b, n, out);
        return;
    }
    for (int row = 0; row < n; row += TALL)
        for (int c = 0; c < n; c += WIDE) {
            int i = row + TALL < n ? row : n - TALL, j = c + WIDE < n ? c : n - WIDE;
            product_block(a + i, b + em_at(j, n), n, out + em_at(j, n) + i);
        }
}
#else
void em_matrix_product(const double *a, const double *b, int n, double *out)
{
    small_product(a, b, n, out);
}
#endif

/* v becomes u, u[0] = 1, such that I - tau u u' takes v to (beta, 0, .., 0); returns tau. */
static double reflector(double *v, int n, double *beta)
{
    double first = v[0], rest = em_inner(v + 1, v + 1, n - 1);

    *beta = first;
    v[0] = 1;
    if (rest == 0)
        return 0;
    *beta = first > 0 ? -sqrt(first * first + rest) : sqrt(first * first + rest);
    for (int i = 1; i < n; i++)
        v[i] /= first - *beta;
    return (*beta - first) / *beta;
}

/* T = Q' a Q, tridiagonal, by reflections from both sides (Golub & Van Loan 2013, 8.3.1). In a's
 * columns below the diagonal stay their u, of which Q is made. */
static void tridiagonalise(double *a, int n, double *diagonal, double *off, double *tau, double *w)
{
    for (int i = 0; i + 1 < n; i++) {
        int m = n - 1 - i;
        double *u = column(a, n, i) + i + 1, *rest = column(a, n, i + 1) + i + 1;
        diagonal[i] = u[-1];
        tau[i] = reflector(u, m, off + i);
        memset(w, 0, (size_t)m * sizeof(double));
        for (int j = 0; j < m; j++)
            em_add_times(w, tau[i] * u[j], rest + em_at(j, n), m);
        em_add_times(w, -0.5 * tau[i] * em_inner(w, u, m), u, m);
        for (int j = 0; j < m; j++) {
            em_add_times(rest + em_at(j, n), -w[j], u, m);
            em_add_times(rest + em_at(j, n), -u[j], w, m);
        }
    }
    diagonal[n - 1] = column(a, n, n - 1)[n - 1];
}

/* An eigenvalue of T is at x or below where a pivot of T - x is not positive (Sturm). */
static bool any_below(const double *diagonal, const double *off, int n, double x)
{
    double pivot = diagonal[0] - x;

    for (int i = 1; i < n && pivot > 0; i++)
        pivot = diagonal[i] - x - off[i - 1] * off[i - 1] / pivot;
    return !(pivot > 0);
}

/* The smallest eigenvalue of T by bisection; all are above *low, next to it. */
static double bisect(const double *diagonal, const double *off, int n, double *low)
{
    double high = diagonal[0], size = 0;

    for (int i = 0; i < n; i++) { /* no eigenvalue is outside Gershgorin's circles */
        double row = fabs(diagonal[i]) + (i > 0 ? fabs(off[i - 1]) : 0);
        row += i + 1 < n ? fabs(off[i]) : 0;
        size = row > size ? row : size;
        high = diagonal[i] < high ? diagonal[i] : high;
    }
    *low = -2 * size - DBL_MIN;
    while (high - *low > 4 * DBL_EPSILON * size + DBL_MIN) {
        double middle = *low + (high - *low) / 2;
        if (any_below(diagonal, off, n, middle))
            high = middle;
        else
            *low = middle;
    }
    return high;
}

/* x := (L D L')^-1 x of length 1; L's diagonal is 1. */
static void solve_tridiagonal(const double *d, const double *l, int n, double *x)
{
    for (int i = 1; i < n; i++)
        x[i] -= l[i - 1] * x[i - 1];
    x[n - 1] /= d[n - 1];
    for (int i = n - 2; i >= 0; i--)
        x[i] = x[i] / d[i] - l[i] * x[i + 1];
    double length = sqrt(em_inner(x, x, n));
    for (int i = 0; i < n; i++)
        x[i] /= length;
}

/* The vector of T's smallest eigenvalue by inverse iteration from `low`: there T - low = L D L' is
 * positive definite and needs no exchange of rows. L and D replace T. */
static void inverse_iterate(double *diagonal, double *off, int n, double low, double *x)
{
    for (int i = 0; i < n; i++) {
        double taken = i > 0 ? off[i - 1] * off[i - 1] * diagonal[i - 1] : 0;
        double least = DBL_EPSILON * (fabs(diagonal[i]) + fabs(low)) + DBL_MIN;
        diagonal[i] -= low + taken;
        diagonal[i] = diagonal[i] > least ? diagonal[i] : least;
        if (i + 1 < n)
            off[i] /= diagonal[i];
        x[i] = 1 + i % 7; /* a vector that has a part in every direction that matters */
    }
    for (int turn = 0; turn < 4; turn++)
        solve_tridiagonal(diagonal, off, n, x);
}

double em_smallest_eigen(double *a, int n, double *vector, double *work)
{
    double *diagonal = work, *off = diagonal + n, *tau = off + n, *w = tau + n, low;

    tridiagonalise(a, n, diagonal, off, tau, w);
    double least = bisect(diagonal, off, n, &low);
    inverse_iterate(diagonal, off, n, low, vector);
    for (int i = n - 2; i >= 0; i--) {
        double *u = column(a, n, i) + i + 1, *x = vector + i + 1;
        em_add_times(x, -tau[i] * em_inner(u, x, n - 1 - i), u, n - 1 - i);
    }
    return least;
}
