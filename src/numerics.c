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

/* The row maximum is taken out before exp: the largest term is then exactly 1, so the
 * sum lies in [1, k] whatever the logs are, and a row 60 standard deviations from
 * every component still has shares. Components are the outer loop: rows are contiguous. */
void em_softmax(double *a, int k, int rows, double *log_sum)
{
    double top[EM_TILE], sum[EM_TILE];

    for (int i = 0; i < rows; i++) {
        top[i] = a[i];
        sum[i] = 0;
    }
    for (int j = 1; j < k; j++) {
        const double *aj = a + em_at(j, EM_TILE);
        for (int i = 0; i < rows; i++)
            top[i] = aj[i] > top[i] ? aj[i] : top[i];
    }
    for (int j = 0; j < k; j++) {
        double *aj = a + em_at(j, EM_TILE);
        for (int i = 0; i < rows; i++) {
            aj[i] = exp(aj[i] - top[i]);
            sum[i] += aj[i];
        }
    }
    for (int i = 0; i < rows; i++) {
        log_sum[i] = top[i] + log(sum[i]);
        sum[i] = 1 / sum[i];
    }
    for (int j = 0; j < k; j++) {
        double *aj = a + em_at(j, EM_TILE);
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

double em_dot(const double *a, const double *b, int rows)
{
    /* Four sums, so that additions overlap; their order never depends on the machine. */
    double s[4] = {0, 0, 0, 0};
    int i = 0;

    if (b == NULL) {
        for (; i + 4 <= rows; i += 4)
            for (int u = 0; u < 4; u++)
                s[u] += a[i + u];
        for (; i < rows; i++)
            s[0] += a[i];
    } else {
        for (; i + 4 <= rows; i += 4)
            for (int u = 0; u < 4; u++)
                s[u] += a[i + u] * b[i + u];
        for (; i < rows; i++)
            s[0] += a[i] * b[i];
    }
    return (s[0] + s[1]) + (s[2] + s[3]);
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
