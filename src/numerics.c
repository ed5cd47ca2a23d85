#include "numerics.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

double em_log(double p)
{
    return p > 0 ? log(p) : EM_LOG_ZERO;
}

double em_log1m(double p)
{
    return p < 1 ? log1p(-p) : EM_LOG_ZERO;
}

/* x[i] := exp(x[i] - top[i]) for x <= top, to 1.2 units in the last place (1 with fused
 * multiply and add); 0 below exp(-708), where a
 * share has no weight left.
 *
 * d = x - top = n log 2 + r with n whole and |r| <= log(2)/2, so exp(d) = 2^n exp(r). n is the
 * nearest whole number to d / log 2: adding 1.5 * 2^52 leaves it in the low bits of a double.
 * log 2 is taken in two parts (Cody & Waite 1980); the first has 32 bits, so n times it is exact.
 * exp(r) is its Taylor series to r^13 / 13!, whose error is below 2^-57. No branch and no
 * table, and bits change their type an array at a time: compilers make vectors of all of it. */
EM_KERNEL
void em_exp_shares(double *x, const double *top, int rows)
{
    const double to_whole = 6755399441055744.0, per_log2 = 1.44269504088896338700e+00;
    const double log2_high = 6.93147180369123816490e-01, log2_low = 1.90821492927058770002e-10;
    double power[EM_TILE] = {0};
    uint64_t bits[EM_TILE];

#pragma omp simd
    for (int i = 0; i < rows; i++) {
        double given = x[i] - top[i], d = given < -708 ? -708 : given;
        double t = d * per_log2 + to_whole, n = t - to_whole;
        double r = (d - n * log2_high) - n * log2_low, p = 1.0 / 6227020800;
        p = p * r + 1.0 / 479001600;
        p = p * r + 1.0 / 39916800;
        p = p * r + 1.0 / 3628800;
        p = p * r + 1.0 / 362880;
        p = p * r + 1.0 / 40320;
        p = p * r + 1.0 / 5040;
        p = p * r + 1.0 / 720;
        p = p * r + 1.0 / 120;
        p = p * r + 1.0 / 24;
        p = p * r + 1.0 / 6;
        p = p * r + 0.5;
        p = p * r + 1;
        p = p * r + 1;
        power[i] = t;
        x[i] = given < -708 ? 0 : p;
    }
    memcpy(bits, power, (size_t)rows * sizeof(double));
#pragma omp simd
    for (int i = 0; i < rows; i++)
        bits[i] = (bits[i] << 52) + UINT64_C(0x3ff0000000000000);
    memcpy(power, bits, (size_t)rows * sizeof(double));
#pragma omp simd
    for (int i = 0; i < rows; i++)
        x[i] *= power[i];
}

/* The row maximum is taken out before exp: the largest term is then exactly 1, so the
 * sum lies in [1, k] whatever the logs are, and a row 60 standard deviations from
 * every component still has shares. Components are the outer loop: rows are contiguous. */
EM_KERNEL
void em_softmax(double *a, int k, int rows, double *log_sum)
{
    double top[EM_TILE], sum[EM_TILE];

    for (int i = 0; i < rows; i++) {
        top[i] = a[i];
        sum[i] = 0;
    }
    for (int j = 1; j < k; j++) {
        const double *aj = a + em_at(j, EM_TILE);
#pragma omp simd
        for (int i = 0; i < rows; i++)
            top[i] = aj[i] > top[i] ? aj[i] : top[i];
    }
    for (int j = 0; j < k; j++) {
        double *aj = a + em_at(j, EM_TILE);
        em_exp_shares(aj, top, rows);
#pragma omp simd
        for (int i = 0; i < rows; i++)
            sum[i] += aj[i];
    }
    for (int i = 0; i < rows; i++)
        log_sum[i] = top[i] + log(sum[i]);
#pragma omp simd
    for (int i = 0; i < rows; i++)
        sum[i] = 1 / sum[i];
    for (int j = 0; j < k; j++) {
        double *aj = a + em_at(j, EM_TILE);
#pragma omp simd
        for (int i = 0; i < rows; i++)
            aj[i] *= sum[i];
    }
}

/* With v = (x - m) / (x + m), log(x / m) = 2 (v + v^3/3 + v^5/5 + ...), so that
 *   x log(x/m) + m - x = (x - m) v + 2 x (v^3/3 + v^5/5 + ...):
 * near x = m nothing cancels, where the plain formula loses every digit.
 * Loader (2000), "Fast and accurate computation of binomial probabilities". */
double em_deviance_part(double x, double m)
{
    if (x == 0)
        return m;
    if (!(m > 0))
        return -EM_LOG_ZERO;
    if (fabs(x - m) > 0.1 * (x + m))
        return x * log(x / m) + m - x;

    double v = (x - m) / (x + m), s = (x - m) * v, term = 2 * x * v;
    for (int j = 3; j < 1000; j += 2) {
        double last = s;
        term *= v * v;
        s += term / j;
        if (s == last)
            break;
    }
    return s;
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

void em_range_add(em_range *r, const double *x, em_index n)
{
    for (em_index i = 0; i < n; i++) {
        if (isnan(x[i])) {
            r->n_nan++;
        } else if (isinf(x[i])) {
            r->n_infinite++;
        } else {
            r->min = r->n == 0 || x[i] < r->min ? x[i] : r->min;
            r->max = r->n == 0 || x[i] > r->max ? x[i] : r->max;
            r->n++;
        }
    }
}

void em_moments_add(em_moments *m, const double *x, em_index n)
{
    for (em_index i = 0; i < n; i++) {
        double d = x[i] / m->scale - m->origin;
        if (!isfinite(d))
            continue;
        m->n++;
        m->sum += d;
        m->sum_sq += d * d;
    }
}
