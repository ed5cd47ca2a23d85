/* Layer 0: all eigenvalues and vectors of small symmetric matrices, safe in any thread. */
#ifndef EMIX_EIGEN_H
#define EMIX_EIGEN_H

#include "types.h"

/* The symmetric n x n matrix a becomes its eigenvectors, of length 1, column by column; values
 * (n) become the eigenvalues, rising. work holds n * n doubles. */
void em_eigen(double *a, int n, double *values, double *work, em_poll poll);

/* v := V diag(values) V', V the columns of v; work as above. */
void em_eigen_compose(double *v, int n, const double *values, double *work);

#endif
