#include "numerics.h"

#include <float.h>
#include <math.h>

double em_log(double p)
{
    return p > 0 ? log(p) : EM_LOG_ZERO;
}

double em_log1m(double p)
{
    return p < 1 ? log1p(-p) : EM_LOG_ZERO;
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

enum { WIDE = 8 };

/* Eight ranges side by side. Any value that is not finite makes the sum of x - x other than 0. */
EM_KERNEL
static bool tile_range(const double *x, int rows, double *min, double *max)
{
    double low[WIDE], high[WIDE], odd[WIDE] = {0};

    for (int l = 0; l < WIDE; l++)
        low[l] = high[l] = x[0];
    for (int i = 0; i + WIDE <= rows; i += WIDE) {
#pragma omp simd
        for (int l = 0; l < WIDE; l++) {
            low[l] = x[i + l] < low[l] ? x[i + l] : low[l];
            high[l] = x[i + l] > high[l] ? x[i + l] : high[l];
            odd[l] += x[i + l] - x[i + l];
        }
    }
    for (int i = rows - rows % WIDE; i < rows; i++) {
        low[0] = x[i] < low[0] ? x[i] : low[0];
        high[0] = x[i] > high[0] ? x[i] : high[0];
        odd[0] += x[i] - x[i];
    }
    for (int l = 1; l < WIDE; l++) {
        low[0] = low[l] < low[0] ? low[l] : low[0];
        high[0] = high[l] > high[0] ? high[l] : high[0];
        odd[0] += odd[l];
    }
    *min = low[0];
    *max = high[0];
    return odd[0] == 0;
}

static void widen(em_range *r, double min, double max, em_index n)
{
    r->min = r->n == 0 || min < r->min ? min : r->min;
    r->max = r->n == 0 || max > r->max ? max : r->max;
    r->n += n;
}

static void add_value(em_range *r, double x)
{
    if (isnan(x))
        r->n_nan++;
    else if (isinf(x))
        r->n_infinite++;
    else
        widen(r, x, x, 1);
}

void em_range_add(em_range *r, const double *x, em_index n)
{
    for (em_index from = 0; from < n; from += EM_TILE) {
        int rows = n - from < EM_TILE ? (int)(n - from) : EM_TILE;
        double min = 0, max = 0;
        if (tile_range(x + from, rows, &min, &max))
            widen(r, min, max, rows);
        else
            for (int i = 0; i < rows; i++)
                add_value(r, x[from + i]);
    }
}

EM_KERNEL
static bool tile_moments(const double *x, int rows, double scale, double origin, double *sum,
                         double *sum_sq)
{
    double s = 0, ss = 0;
#pragma omp simd reduction(+ : s, ss)
    for (int i = 0; i < rows; i++) {
        double d = x[i] * scale - origin;
        s += d;
        ss += d * d;
    }
    *sum = s;
    *sum_sq = ss;
    return isfinite(ss);
}

static void add_moment(em_moments *m, double x)
{
    double d = x / m->scale - m->origin;
    if (!isfinite(d))
        return;
    m->n++;
    m->sum += d;
    m->sum_sq += d * d;
}

void em_moments_add(em_moments *m, const double *x, em_index n)
{
    for (em_index from = 0; from < n; from += EM_TILE) {
        int rows = n - from < EM_TILE ? (int)(n - from) : EM_TILE;
        double sum = 0, sum_sq = 0, scale = 1 / m->scale;
        if (isfinite(scale) && tile_moments(x + from, rows, scale, m->origin, &sum, &sum_sq)) {
            m->n += rows;
            m->sum += sum;
            m->sum_sq += sum_sq;
        } else {
            for (int i = 0; i < rows; i++)
                add_moment(m, x[from + i]);
        }
    }
}
