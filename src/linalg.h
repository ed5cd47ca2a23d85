/* Layer 0: small dense symmetric matrices, full storage by column, safe in any thread. */
#ifndef EMIX_LINALG_H
#define EMIX_LINALG_H

#include "types.h"

double em_inner(const double *a, const double *b, int n);

/* to := to + times * from */
void em_add_times(double *to, double times, const double *from, int n);

/* a becomes its lower Cholesky factor; false where a is not positive definite to rounding. */
bool em_cholesky(double *a, int n);

/* The same as far as pivots keep more than the part `least` of their diagonal element: how many do,
 * one after another. Of fewer than n, the factor's columns are in place. */
int em_cholesky_pivots(double *a, int n, double least);

/* Solves (L L') x = b in place of b. */
void em_cholesky_solve(const double *l, int n, double *b);

/* The smallest eigenvalue of the symmetric a (destroyed) and its vector, of length 1; work
 * holds 4 n doubles. The squares of its entries must be numbers. */
double em_smallest_eigen(double *a, int n, double *vector, double *work);

/* b := L^-1 b and b := L^-T b. */
void em_forward(const double *l, int n, double *b);
void em_backward(const double *l, int n, double *b);

/* out := A B, all n x n; out is neither of them. */
void em_matrix_product(const double *a, const double *b, int n, double *out);

#endif
