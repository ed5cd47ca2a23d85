/* Layer 0: what is done to a whole tile: exponentials, logarithms, sums and products. */
#ifndef EMIX_VECTOR_H
#define EMIX_VECTOR_H

#include "types.h"

/* x[i] := exp(x[i]) for x <= 0, and 0 below -708. */
void em_exp_rows(double *x, int rows);

/* x[i] := log(x[i]), of every double. */
void em_log_rows(double *x, int rows);

/* to[i] = from[i] * factor - shift; to[i] = a[i] * b[i], where to may be a or b. */
void em_locate(const double *from, double factor, double shift, int rows, double *to);
void em_product(const double *a, const double *b, int rows, double *to);

/* The first row whose value is not above `least` (NaN is not), or `rows`. */
int em_first_not_above(const double *a, int rows, double least);

/* Sum of a[i]; of a[i] b[i] (b = NULL: of a[i]). */
double em_sum(const double *a, int rows);
double em_dot(const double *a, const double *b, int rows);

/* Products of two sets of columns, EM_TILE apart: out[c * stride + a] += sum_i w_a[i] u_c[i], for
 * all a, or (lower) for those of a >= c. */
void em_cross(const double *w, int n_w, const double *u, int n_u, int rows, bool lower, double *out,
              int stride);

#endif
