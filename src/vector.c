/* Loops over the rows of a tile, written so that compilers make vectors of them: no branch, no
 * table, no call, and bits read as numbers by memcpy. Each is compiled for several instruction
 * sets (EM_KERNEL). */
#include "vector.h"

#include "exp-log.h"

#include <float.h>
#include <math.h>
#include <string.h>

static inline double log_one(double x)
{
    double small = x < DBL_MIN ? 1 : 0; /* subnormal: made normal first */
    double log_x = log_normal(x * (1 + small * (18014398509481984.0 - 1))) -
                   small * (54 * log2_high + 54 * log2_low);
    log_x = x > 0 ? log_x : x < 0 ? NAN : -INFINITY;
    return x <= DBL_MAX ? log_x : x; /* infinite and NaN are their own logarithms */
}

EM_KERNEL
static void exp_rows(double *x, double lowest, int rows)
{
#pragma omp simd
    for (int i = 0; i < rows; i++)
        x[i] = exp_one(x[i], lowest);
}

void em_exp_rows(double *x, int rows)
{
    exp_rows(x, lowest_log, rows);
}

EM_KERNEL
void em_log_rows(double *x, int rows)
{
#pragma omp simd
    for (int i = 0; i < rows; i++)
        x[i] = log_one(x[i]);
}

EM_KERNEL
void em_locate(const double *from, double factor, double shift, int rows, double *to)
{
#pragma omp simd
    for (int i = 0; i < rows; i++)
        to[i] = from[i] * factor - shift;
}

EM_KERNEL
void em_product(const double *a, const double *b, int rows, double *to)
{
#pragma omp simd
    for (int i = 0; i < rows; i++)
        to[i] = a[i] * b[i];
}

EM_KERNEL
static bool all_above(const double *a, int rows, double least)
{
    double above = 0;
#pragma omp simd reduction(+ : above)
    for (int i = 0; i < rows; i++)
        above += a[i] > least ? 1 : 0;
    return above == rows;
}

int em_first_not_above(const double *a, int rows, double least)
{
    int i = 0;
    if (all_above(a, rows, least))
        return rows;
    while (a[i] > least)
        i++;
    return i;
}

EM_KERNEL
double em_sum(const double *a, int rows)
{
    double s = 0;
#pragma omp simd reduction(+ : s)
    for (int i = 0; i < rows; i++)
        s += a[i];
    return s;
}

EM_KERNEL
double em_dot(const double *a, const double *b, int rows)
{
    double s = 0;
    if (b == NULL)
        return em_sum(a, rows);
#pragma omp simd reduction(+ : s)
    for (int i = 0; i < rows; i++)
        s += a[i] * b[i];
    return s;
}

/* Three columns by three: nine sums for six loads. */
EM_KERNEL_OF_LOADS
static void cross_block(const double *const *w, const double *const *u, int rows, double *out)
{
    const double *w0 = w[0], *w1 = w[1], *w2 = w[2], *u0 = u[0], *u1 = u[1], *u2 = u[2];
    double s00 = 0, s01 = 0, s02 = 0, s10 = 0, s11 = 0, s12 = 0, s20 = 0, s21 = 0, s22 = 0;

#pragma omp simd reduction(+ : s00, s01, s02, s10, s11, s12, s20, s21, s22)
    for (int i = 0; i < rows; i++) {
        s00 += w0[i] * u0[i];
        s10 += w1[i] * u0[i];
        s20 += w2[i] * u0[i];
        s01 += w0[i] * u1[i];
        s11 += w1[i] * u1[i];
        s21 += w2[i] * u1[i];
        s02 += w0[i] * u2[i];
        s12 += w1[i] * u2[i];
        s22 += w2[i] * u2[i];
    }
    double s[9] = {s00, s10, s20, s01, s11, s21, s02, s12, s22};
    memcpy(out, s, sizeof s);
}

/* Three columns from `first` on; where fewer are left the last stands in. */
static void three_columns(const double *x, int first, int n, const double **column)
{
    for (int j = 0; j < 3; j++)
        column[j] = x + em_at(first + j < n ? first + j : n - 1, EM_TILE);
}

void em_cross(const double *w, int n_w, const double *u, int n_u, int rows, bool lower, double *out,
              int stride)
{
    const double *by_w[3], *by_u[3];
    double s[9] = {0};

    for (int c = 0; c < n_u; c += 3) {
        three_columns(u, c, n_u, by_u);
        for (int a = lower ? c : 0; a < n_w; a += 3) {
            three_columns(w, a, n_w, by_w);
            cross_block(by_w, by_u, rows, s);
            for (int j = 0; j < 3 && c + j < n_u; j++)
                for (int i = 0; i < 3 && a + i < n_w; i++)
                    if (!lower || a + i >= c + j)
                        out[em_at(c + j, stride) + (size_t)(a + i)] += s[3 * j + i];
        }
    }
}
