/* Layer 1: the fourteen covariance structures (Celeux & Govaert 1995), and the M-step of each.
 *
 *   S_j = volume_j D_j A_j D_j'    |A_j| = 1: the shape; D_j: the orientation
 *
 * Three letters say how volume, shape and orientation go: E equal in all components, V varying,
 * I the identity (a spherical shape, or axes along the columns).
 *
 * A status EM_COLLAPSED comes with the number of the component, from 1, and with 0 where what all
 * components share is singular: always with EII EEI EEE EEV, and with VEI VEE VEV where the shape
 * is to blame, not the volume of one. */
#ifndef EMIX_COVMODEL_H
#define EMIX_COVMODEL_H

#include "types.h"

enum {
    EM_EII,
    EM_VII,
    EM_EEI,
    EM_VEI,
    EM_EVI,
    EM_VVI,
    EM_EEE,
    EM_VEE,
    EM_EVE,
    EM_VVE,
    EM_EEV,
    EM_VEV,
    EM_EVV,
    EM_VVV,
    EM_COV_STRUCTURES
};

/* d columns, k components. Matrices are full, both triangles, one after another. */
typedef struct {
    int structure, d, k;
    const double *rows;    /* k: N_j, with those of a prior; 0 for an empty component */
    const double *scatter; /* k blocks W_j of d x d; of a diagonal structure k blocks of d */
    const double *old;     /* k blocks of d x d: the covariances in force */
    double *work;          /* em_covmodel_work() doubles */
    em_poll poll;
} em_covfit;

/* Whether all covariances are diagonal: their M-step reads the diagonals of W_j alone. */
bool em_covmodel_is_diagonal(int structure);

size_t em_covmodel_work(int structure, int d, int k);

/* cov, k blocks of d x d: the maximiser within the structure of
 *   sum_j -(N_j log|S_j| + tr(W_j S_j^-1)) / 2.
 * EVE and VVE may have several maxima: theirs is never below `old` and follows from it, and is the
 * best of a few where all of `old` are diagonal; the others have one, whatever `old` is. What an
 * empty component has for itself it keeps from `old`. */
em_status em_covmodel_maximise(const em_covfit *f, double *cov, int *component);

#endif
