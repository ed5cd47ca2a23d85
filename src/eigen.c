/* Eigenvalues and vectors of a symmetric matrix by cyclic Jacobi.
 *
 *   A = V diag(values) V',  V'V = I
 *
 * A rotation of columns p and q makes A[p, q] zero; sweeps over all pairs converge quadratically.
 * A[p, q] counts as zero where it is below the rounding of sqrt(A[p, p] A[q, q]): then small
 * eigenvalues of a positive definite matrix keep their digits too.
 *
 * Reference: Demmel & Veselic (1992), Jacobi's method is more accurate than QR, SIAM Journal on
 * Matrix Analysis and Applications 13, 1204-1245.
 */
#include "eigen.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { MOST_SWEEPS = 60 };

/* (x, y) := (c x - s y, s x + c y), of columns */
EM_KERNEL
static void rotate(double *x, double *y, int n, double c, double s)
{
#pragma omp simd
    for (int i = 0; i < n; i++) {
        double a = x[i], b = y[i];
        x[i] = c * a - s * b;
        y[i] = s * a + c * b;
    }
}

/* Rows p and q of a symmetric matrix become as the columns are. */
static void follow(double *a, int n, int p, int q)
{
    const double *ap = a + em_at(p, n), *aq = a + em_at(q, n);

    for (int i = 0; i < n; i++) {
        a[em_at(i, n) + (size_t)p] = ap[i];
        a[em_at(i, n) + (size_t)q] = aq[i];
    }
}

/* Makes a[p, q] zero, unless it is; whether it was not. */
static bool annihilate(double *a, double *v, int n, int p, int q)
{
    double *ap = a + em_at(p, n), *aq = a + em_at(q, n), app = ap[p], aqq = aq[q], apq = aq[p];

    if (!(fabs(apq) > DBL_EPSILON / 4 * sqrt(fabs(app)) * sqrt(fabs(aqq))) || fabs(apq) < DBL_MIN)
        return false;
    double ratio = (aqq - app) / (2 * apq);
    double t = (ratio < 0 ? -1 : 1) / (fabs(ratio) + hypot(1, ratio));
    double c = 1 / sqrt(1 + t * t), s = t * c;
    rotate(ap, aq, n, c, s);
    rotate(v + em_at(p, n), v + em_at(q, n), n, c, s);
    ap[p] = app - t * apq;
    aq[q] = aqq + t * apq;
    ap[q] = aq[p] = 0;
    follow(a, n, p, q);
    return true;
}

/* Puts values in rising order, columns with them. */
static void sort(double *values, double *v, int n)
{
    for (int i = 0; i < n; i++) {
        int least = i;
        for (int j = i + 1; j < n; j++)
            least = values[j] < values[least] ? j : least;
        if (least == i)
            continue;
        double value = values[i];
        values[i] = values[least];
        values[least] = value;
        rotate(v + em_at(i, n), v + em_at(least, n), n, 0, 1);
    }
}

void em_eigen(double *a, int n, double *values, double *work, em_poll poll)
{
    double *v = work;
    bool any = true;

    memset(v, 0, em_at(n, n) * sizeof(double));
    for (int i = 0; i < n; i++)
        v[em_at(i, n + 1)] = 1;
    for (int sweep = 0; sweep < MOST_SWEEPS && any; sweep++) {
        any = false;
        for (int p = 0; p < n - 1; p++) {
            for (int q = p + 1; q < n; q++)
                any = annihilate(a, v, n, p, q) || any;
            em_look_up(poll);
        }
    }
    for (int i = 0; i < n; i++)
        values[i] = a[em_at(i, n + 1)];
    memcpy(a, v, em_at(n, n) * sizeof(double));
    sort(values, a, n);
}

void em_eigen_compose(double *v, int n, const double *values, double *work)
{
    memcpy(work, v, em_at(n, n) * sizeof(double));
    memset(v, 0, em_at(n, n) * sizeof(double));
    for (int a = 0; a < n; a++) {
        const double *x = work + em_at(a, n);
        for (int c = 0; c < n; c++)
            for (int r = c; r < n; r++)
                v[em_at(c, n) + (size_t)r] += x[r] * (values[a] * x[c]);
    }
    for (int c = 0; c < n; c++)
        for (int r = c + 1; r < n; r++)
            v[em_at(r, n) + (size_t)c] = v[em_at(c, n) + (size_t)r];
}
