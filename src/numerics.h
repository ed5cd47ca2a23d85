/* Layer 0: elementary functions of one number, and what a sample looks like. */
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

/* x log(x / m) + m - x, the binomial's and Poisson's deviance, without cancellation. */
double em_deviance_part(double x, double m);

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
