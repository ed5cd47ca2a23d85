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
