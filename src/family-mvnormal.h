/* Layer 1: how the multivariate normal family lays out its parameters, constants and sums; for the
 * files of that family alone (see family-mvnormal.c for what they mean). */
#ifndef EMIX_FAMILY_MVNORMAL_H
#define EMIX_FAMILY_MVNORMAL_H

#include "covmodel.h"
#include "latent.h"

#include <stdint.h>

enum { EM_MV_EQUAL_MEAN = 1u };
enum { EM_MV_STRUCTURE, EM_MV_MISSING, EM_MV_OPTIONS }; /* are any values missing (NaN)? */
enum { EM_MV_MOST_MISSING = 64 };                       /* columns, where values are missing */
enum { EM_MV_SHRINKAGE, EM_MV_DF, EM_MV_PRIOR_MEAN };   /* after the mean's d: the scale's d x d */

static inline int em_mv_structure(const em_model *m)
{
    return (int)m->options[EM_MV_STRUCTURE];
}

static inline bool em_mv_is_diagonal(const em_model *m)
{
    return em_covmodel_is_diagonal(em_mv_structure(m));
}

/* One covariance common to all components. */
static inline bool em_mv_all_equal(const em_model *m)
{
    int s = em_mv_structure(m);
    return s == EM_EII || s == EM_EEI || s == EM_EEE;
}

/* Elements of a triangle of n rows, or those before row n of one that is packed by rows. */
static inline int em_triangle(int n)
{
    return n * (n + 1) / 2;
}

/* Numbers that describe a symmetric matrix of the structure. */
static inline int em_mv_squares(const em_model *m)
{
    return em_mv_is_diagonal(m) ? m->columns : em_triangle(m->columns);
}

static inline int em_mv_parameters(const em_model *m)
{
    return m->k * m->columns * (1 + m->columns);
}

static inline int em_mv_sums(const em_model *m)
{
    return m->columns + em_mv_squares(m);
}

static inline const double *em_mv_mean(const em_model *m, const double *par, int j)
{
    return par + em_at(j, m->columns);
}

static inline const double *em_mv_cov(const em_model *m, const double *par, int j)
{
    return par + em_at(m->k, m->columns) + em_at(j, m->columns * m->columns);
}

static inline bool em_mv_has_missing(const em_model *m)
{
    return m->options[EM_MV_MISSING] != 0;
}

/* Of each component its mean, W (or inverse sds), the log of the density's constant and, where
 * values are missing, its covariance. */
static inline int em_mv_constants_each(const em_model *m)
{
    int covs = em_mv_has_missing(m) ? m->columns * m->columns : 0;
    return m->columns + em_mv_squares(m) + 1 + covs;
}

typedef struct {
    const double *mean, *w, *cov;
    double log_constant;
} em_mv_constants;

static inline em_mv_constants em_mv_constants_of(const em_model *m, const double *constants, int j)
{
    const double *c = constants + em_at(j, em_mv_constants_each(m));
    em_mv_constants of = {.mean = c,
                          .w = c + m->columns,
                          .cov = c + m->columns + em_mv_squares(m) + 1,
                          .log_constant = c[m->columns + em_mv_squares(m)]};
    return of;
}

/* What is missing in each row of a tile; bit c: column c. */
typedef struct {
    uint64_t missing[EM_TILE];
} em_mv_gaps;

/* Whether anything is. */
bool em_mv_find_gaps(const em_tile *tile, int d, em_mv_gaps *g);

/* Log densities of rows with gaps, for one component; out[] of others stays. */
void em_mv_density_gaps(const em_model *m, const em_mv_constants *c, const em_tile *tile,
                        const em_mv_gaps *g, double *out);

/* Into the gaps of `filled`, a copy of the tile with columns EM_TILE apart, what one component
 * expects there; s2 gets the conditional covariances, times p. */
void em_mv_fill_gaps(const em_model *m, const em_mv_constants *c, const em_tile *tile,
                     const em_mv_gaps *g, const double *p, double *filled, double *s2);

/* The M-step; and what acceleration by sums needs (family.h). */
int em_mv_n_work(const em_model *m);
em_status em_mv_maximise(const em_model *m, const int *held, const double *mass, const double *sums,
                         const double *old, double *par, const em_work *work, int *component);
void em_mv_natural(const em_model *m, const double *constants, const double *about, double *out);
void em_mv_recentre(const em_model *m, const double *from, const double *to, const double *mass,
                    double *sums);

#endif
