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

/* Column by column. A pivot that has lost all its digits to what was taken from it is zero. */
bool em_cholesky(double *a, int n)
{
    for (int j = 0; j < n; j++) {
        double *aj = column(a, n, j), before = aj[j];
        for (int l = 0; l < j; l++) {
            const double *al = const_column(a, n, l);
            for (int i = j; i < n; i++)
                aj[i] -= al[i] * al[j];
        }
        if (!(aj[j] > 4 * n * DBL_EPSILON * fabs(before)))
            return false;
        double root = sqrt(aj[j]);
        for (int i = j; i < n; i++)
            aj[i] /= root;
    }
    return true;
}

void em_forward(const double *l, int n, double *b)
{
    for (int j = 0; j < n; j++) {
        const double *lj = const_column(l, n, j);
        b[j] /= lj[j];
        for (int i = j + 1; i < n; i++)
            b[i] -= lj[i] * b[j];
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

/* One rotation that makes a[p, q] zero; v collects the rotations. */
static void rotate(double *a, double *v, int n, int p, int q)
{
    double apq = column(a, n, q)[p];
    double theta = (column(a, n, q)[q] - column(a, n, p)[p]) / (2 * apq);
    double t = (theta >= 0 ? 1 : -1) / (fabs(theta) + sqrt(theta * theta + 1));
    double c = 1 / sqrt(t * t + 1), s = t * c;

    for (int i = 0; i < n; i++) {
        double aip = column(a, n, p)[i], aiq = column(a, n, q)[i];
        column(a, n, p)[i] = c * aip - s * aiq;
        column(a, n, q)[i] = s * aip + c * aiq;
        double vip = column(v, n, p)[i], viq = column(v, n, q)[i];
        column(v, n, p)[i] = c * vip - s * viq;
        column(v, n, q)[i] = s * vip + c * viq;
    }
    for (int i = 0; i < n; i++) {
        double api = column(a, n, i)[p], aqi = column(a, n, i)[q];
        column(a, n, i)[p] = c * api - s * aqi;
        column(a, n, i)[q] = s * api + c * aqi;
    }
}

static double off_diagonal(const double *a, int n)
{
    double sum = 0;
    for (int j = 0; j < n; j++)
        for (int i = 0; i < j; i++)
            sum += const_column(a, n, j)[i] * const_column(a, n, j)[i];
    return sum;
}

double em_smallest_eigen(double *a, int n, double *vector, double *work)
{
    double size = 0;
    int least = 0;

    memset(work, 0, em_at(n, n) * sizeof(double));
    for (int j = 0; j < n; j++) {
        column(work, n, j)[j] = 1;
        size += fabs(column(a, n, j)[j]);
    }
    for (int sweep = 0; sweep < 30 && off_diagonal(a, n) > 1e-24 * size * size; sweep++)
        for (int q = 1; q < n; q++)
            for (int p = 0; p < q; p++)
                if (column(a, n, q)[p] != 0)
                    rotate(a, work, n, p, q);
    for (int j = 1; j < n; j++)
        if (column(a, n, j)[j] < column(a, n, least)[least])
            least = j;
    memcpy(vector, column(work, n, least), (size_t)n * sizeof(double));
    return column(a, n, least)[least];
}
