/* Layer 0: the elementary functions of a tile, and sums that stay in order. */
#ifndef EMIX_NUMERICS_H
#define EMIX_NUMERICS_H

#include "types.h"

/* Below this a log-density counts as minus infinity: products with a count of
 * zero stay zero there, which a true -Inf would turn into NaN. */
#define EM_LOG_ZERO (-1e300)

/* log(p), with EM_LOG_ZERO for p = 0. */
double em_log(double p);

/* log(1 - p), with EM_LOG_ZERO for p = 1. */
double em_log1m(double p);

/* x[i] := exp(x[i] - top[i]), x <= top. */
void em_exp_shares(double *x, const double *top, int rows);

/* Turns k rows of logs a[j * EM_TILE + i] into shares exp(a_j) / sum_j exp(a_j) and
 * puts the log of each row's sum into log_sum[i]. */
void em_softmax(double *a, int k, int rows, double *log_sum);

/* x log(x / m) + m - x, the binomial's and Poisson's deviance, without cancellation. */
double em_deviance_part(double x, double m);

/* Sum of a[i]; of a[i] b[i] (b = NULL: of a[i]). */
double em_sum(const double *a, int rows);
double em_dot(const double *a, const double *b, int rows);

/* What a sample looks like; filled a stretch of values at a time. */
typedef struct {
    double min, max;               /* of the finite values */
    em_index n, n_nan, n_infinite; /* finite; NaN or NA; infinite */
} em_range;

typedef struct {
    double scale, origin;  /* given: sums are of d = x / scale - origin */
    double n, sum, sum_sq; /* of d and d^2 over the finite values */
} em_moments;

void em_range_add(em_range *r, const double *x, em_index n);
void em_moments_add(em_moments *m, const double *x, em_index n);

#endif
