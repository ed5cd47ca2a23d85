/* Layer 0: what is done to a whole tile: exponentials, logarithms, shares, sums and products. */
#ifndef EMIX_VECTOR_H
#define EMIX_VECTOR_H

#include "types.h"

/* x[i] := exp(x[i]) for x <= 0, and 0 below -708. */
void em_exp_rows(double *x, int rows);

/* x[i] := log(x[i]), of every double. */
void em_log_rows(double *x, int rows);

/* Turns k rows of logs a[j * EM_TILE + i] + add[j] (add = NULL: nothing is added) into shares, exp
 * of them over the sum of exps, and puts the log of each row's sum into log_sum[i]. */
void em_softmax(double *a, int k, int rows, const double *add, double *log_sum);

/* The same where sums over rows are all that is wanted: in a, shares but for a factor of each row;
 * in scale, that factor times weight[i] (NULL: 1); in *log_sum the weighted sum of the rows' logs.
 * False, and a of no use any more, where the logs of a row are too far apart for that. NaN in a row
 * makes *log_sum NaN. */
bool em_softmax_sums(double *a, int k, int rows, const double *add, const double *weight,
                     double *scale, double *log_sum);

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
