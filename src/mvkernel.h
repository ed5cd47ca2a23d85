/* Layer 0: what the multivariate normal density does with a tile, for one component: its logarithm,
 * row by row, and the weighted first and second moments about a centre.
 *
 * x is column 0 of the tile; column c stands at x + c * stride, at any alignment. rows <= EM_TILE.
 * Results are the same bits whatever the alignment. x - centre must be finite; its squares need not
 * be: a row so far away has the logarithm -Inf. */
#ifndef EMIX_MVKERNEL_H
#define EMIX_MVKERNEL_H

#include "types.h"

enum { EM_MV_COLUMNS = 256 };

/* out[i] = constant - |w (x_i - centre)|^2 / 2.
 * w: lower triangle by rows, row r: columns 0 .. r. */
void em_mv_density(const double *x, em_index stride, int rows, int d, const double *centre,
                   const double *w, double constant, double *out);

/* out[i] = constant - sum_c ((x_ic - centre_c) inverse_sd_c)^2 / 2. */
void em_mv_density_diagonal(const double *x, em_index stride, int rows, int d, const double *centre,
                            const double *inverse_sd, double constant, double *out);

/* s1[c] += sum_i p_i y_ic; s2 += sum_i p_i y_ir y_ic, where y = x - centre and p >= 0.
 * s2: lower triangle by columns, column c: rows c .. d - 1. */
void em_mv_scatter(const double *x, em_index stride, int rows, int d, const double *centre,
                   const double *p, double *s1, double *s2);

/* Of s2 the diagonal alone: d values. */
void em_mv_scatter_diagonal(const double *x, em_index stride, int rows, int d, const double *centre,
                            const double *p, double *s1, double *s2);

#endif
