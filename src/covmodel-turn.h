/* Layer 1: within covmodel*.c: M-steps that need eigenvectors or an iteration, and what all share.
 */
#ifndef EMIX_COVMODEL_TURN_H
#define EMIX_COVMODEL_TURN_H

#include "covmodel.h"

/* Variances of standardised columns that are no more than this are zero. */
#define EM_LEAST_VARIANCE 1e-40

static inline const double *em_cov_scatter(const em_covfit *f, int j)
{
    int size = em_covmodel_is_diagonal(f->structure) ? f->d : f->d * f->d;
    return f->scatter + em_at(j, size);
}

static inline double em_cov_rows(const em_covfit *f)
{
    double rows = 0;
    for (int j = 0; j < f->k; j++)
        rows += f->rows[j];
    return rows;
}

void em_cov_scale(double *x, size_t n, double factor);

/* cov := factor * diag(values) */
void em_cov_set_diagonal(double *cov, int d, const double *values, double factor);

/* out := sum of the scatters, of `size` numbers each */
void em_cov_pool(const em_covfit *f, double *out, int size);

/* cov := W_j, or the covariance in force where the component is empty. */
void em_cov_source(const em_covfit *f, int j, double *cov);

/* |cov|^(1/d); 0 where cov is singular. Overwrites the first d * d of the work. */
double em_cov_volume(const em_covfit *f, const double *cov);

em_status em_cov_maximise_volumes(const em_covfit *f, double *cov, int *component);
void em_cov_maximise_spectrum(const em_covfit *f, double *cov);
em_status em_cov_maximise_axes(const em_covfit *f, double *cov, int *component);

#endif
