/* Layer 0: axes that several covariances have in common; safe in any thread. */
#ifndef EMIX_AXES_H
#define EMIX_AXES_H

#include "types.h"

/* k scatters W_j, each a full d x d matrix; S_j = D diag(B_j) D' with the same orthogonal D. */
typedef struct {
    int d, k;
    bool equal_volume;     /* |S_j| is equal too */
    const double *rows;    /* k; a component of 0 rows is passed over */
    const double *scatter; /* one after another */
    double *work;          /* em_axes_work() doubles */
    em_poll poll;
} em_axes;

size_t em_axes_work(int d, int k);

/* What is made small, a function of D alone (see axes.c); infinite where it has no value.
 * spread (k * d) becomes the diagonals of D' W_j D. */
double em_axes_value(const em_axes *a, const double *axes, double *spread);

/* From `axes` (d x d, orthogonal), which become those of a minimum no higher; its value, spread as
 * above. turns, unless NULL, counts. */
double em_axes_find(const em_axes *a, double *axes, double *spread, int *turns);

#endif
