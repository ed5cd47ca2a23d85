/* Layer 0: volumes of several covariances of one shape; safe in any thread. */
#ifndef EMIX_VOLUMES_H
#define EMIX_VOLUMES_H

#include "types.h"

/* k scatters, each a full d x d matrix, or d diagonal elements. */
typedef struct {
    int d, k;
    bool diagonal;
    const double *rows;    /* k; a component of 0 rows is passed over */
    const double *scatter; /* one after another */
    double *work;          /* em_volumes_work() doubles */
    em_poll poll;
} em_volumes;

size_t em_volumes_work(int d, int k, bool diagonal);

/* The covariances exp(u_j) C of greatest sum_j -(N_j log|S_j| + tr(W_j S_j^-1)) / 2. `u` (k) is the
 * start and becomes the maximum; `common` becomes C, of d x d or d elements. False where there is
 * no maximum. Every W_j with rows must be more than zero; turns, unless NULL, counts. */
bool em_volumes_find(const em_volumes *v, double *u, double *common, int *turns);

#endif
