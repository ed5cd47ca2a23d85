/* Layer 0: the shares of a tile's rows, from logs. */
#ifndef EMIX_SOFTMAX_H
#define EMIX_SOFTMAX_H

#include "types.h"

/* Turns k rows of logs a[j * EM_TILE + i] + add[j] (add = NULL: nothing is added) into shares, exp
 * of them over the sum of exps, and puts the log of each row's sum into log_sum[i]. */
void em_softmax(double *a, int k, int rows, const double *add, double *log_sum);

/* The same where sums over rows are all that is wanted: in a, shares but for a factor of each row;
 * in scale, that factor times weight[i] (NULL: 1); in *log_sum the weighted sum of the rows' logs.
 * False, and a of no use any more, where the logs of a row are too far apart for that. NaN in a row
 * makes *log_sum NaN. */
bool em_softmax_sums(double *a, int k, int rows, const double *add, const double *weight,
                     double *scale, double *log_sum);

#endif
