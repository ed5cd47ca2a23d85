/* Layer 1: the contract of a family, the density of a row given its component.
 *
 * A family is one `const` table of functions. The engine owns rows, weights,
 * labels, tiles, threads and the order of sums; the family owns formulas:
 *
 *   prepare      parameters -> constants of this iteration (may fail: that is
 *                how a collapse is seen before it does harm)
 *   log_density  fills out[j * EM_TILE + i], rows contiguous within a component
 *   accumulate   adds sum_i share[j][i] * (statistics of row i) to each
 *                component's sums; about the parameters in force, so nothing cancels
 *   maximise     sums -> new parameters, obeying `held` and `equal`
 *
 * Constants and sums are flat vectors whose lengths the family states, so a
 * covariance matrix needs nothing that a standard deviation does not.
 * A prior adds its own counts to the sums before `maximise`, an accelerator sees
 * theta only: neither is a family's business.
 */
#ifndef EMIX_FAMILY_H
#define EMIX_FAMILY_H

#include "types.h"

typedef struct em_family em_family;
typedef struct em_latent em_latent;

/* What is fitted: plain data, the same for every iteration. */
typedef struct {
    const em_family *family;
    const em_latent *latent;
    int k;                 /* components */
    int columns;           /* columns of a row as the family reads them */
    unsigned equal;        /* bit b: block b of the family's parameters is common to all */
    const int *held;       /* per element of theta: 1 = keeps its value */
    const double *options; /* the family's own constants, or NULL */
} em_model;

struct em_family {
    const char *name;
    int columns;                            /* that a row must have; 0: any number */
    int (*n_parameters)(const em_model *m); /* of all components together */
    int (*n_constants)(const em_model *m);  /* of all components together */
    int (*n_sums)(const em_model *m);       /* of one component, its mass not counted */
    int n_options;                          /* length of `options` */

    /* On failure *component says where (from 1). */
    em_status (*prepare)(const em_model *m, const double *par, double *constants, int *component);
    void (*log_density)(const em_model *m, const double *constants, const em_tile *tile,
                        double *out);
    void (*accumulate)(const em_model *m, const double *constants, const em_tile *tile,
                       const double *share, double *sums);
    /* mass[j] is the sum of component j's shares; `held` starts at the family's part. */
    em_status (*maximise)(const em_model *m, const int *held, const double *mass,
                          const double *sums, const double *old, double *par, int *component);
};

#endif
