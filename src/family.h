/* Layer 1: the contract of a family, the density of a row given its component.
 *
 * A family is one `const` table of functions. The engine owns rows, weights,
 * labels, tiles, threads and the order of sums; the family owns formulas:
 *
 *   prepare      parameters -> constants of this iteration (may fail: that is
 *                how a collapse is seen before it does harm)
 *   log_density  fills out[j * EM_TILE + i], rows contiguous within a component
 *   accumulate   adds sum_i p_ij, with p_ij = share[j * EM_TILE + i] * scale[i], to each mass[j],
 *                and sum_i p_ij * (statistics of row i) to its sums; about the parameters in
 *                force, so nothing cancels
 *   maximise     sums -> new parameters, obeying `held` and `equal`
 *
 * Constants and sums are flat vectors whose lengths the family states, so a
 * covariance matrix needs nothing that a standard deviation does not.
 * A shared parameter, a weight or a label needs no second copy of anything.
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
    int k;                      /* components */
    int columns;                /* columns of a row as the family reads them */
    unsigned equal;             /* bit b: block b of the family's parameters is common to all */
    const int *held;            /* per element of theta: 1 = keeps its value */
    const double *options;      /* the family's own constants, or NULL */
    const double *prior_rows;   /* see prior.h; NULL: none */
    const double *prior_family; /* see prior.h; NULL: none */
    bool hard;                  /* each row wholly to its likeliest component (classification EM) */
} em_model;

/* What an M-step works with. */
typedef struct {
    double *memory; /* n_work() doubles */
    em_poll poll;
} em_work;

struct em_family {
    const char *name;
    int columns;                            /* that a row must have; 0: any number */
    int (*n_parameters)(const em_model *m); /* of all components together */
    int (*n_constants)(const em_model *m);  /* of all components together */
    int (*n_sums)(const em_model *m);       /* of one component, its mass not counted */
    int (*n_work)(const em_model *m);       /* that `maximise` needs; NULL: none */
    int n_options;                          /* length of `options` */
    bool (*accepts)(const em_model *m);     /* options and columns; NULL: any */
    bool collapses;                         /* is the likelihood unbounded on a single row? */

    /* On failure *component says where (from 1). */
    em_status (*prepare)(const em_model *m, const double *par, double *constants, int *component);
    void (*log_density)(const em_model *m, const double *constants, const em_tile *tile,
                        double *out);
    void (*accumulate)(const em_model *m, const double *constants, const em_tile *tile,
                       const double *share, const double *scale, double *mass, double *sums);
    /* mass[j] is the sum of component j's shares; `held` starts at the family's part. */
    em_status (*maximise)(const em_model *m, const int *held, const double *mass,
                          const double *sums, const double *old, double *par, const em_work *work,
                          int *component);

    /* Log density of the prior (without constants) and, where not NULL, its gradient and minus
     * its second derivatives added to those of the components, in free coordinates. */
    int (*n_prior)(const em_model *m);
    double (*log_prior)(const em_model *m, const double *prior, const double *constants,
                        const double *par, double *gradient, double *information);

    /* How a run is accelerated: by scores, with all that follows here, or, where a family has
     * many coordinates or none that are free, by its sums alone (sums.h). Of the latter:
     * coefficients e of the sums in the expected complete log-likelihood,
     *   sum_j mass_j e_j + sum_s sums_s e_s  (k of mass, then those of the sums)
     * from the constants of some parameters, with sums about the centres of `about`; and sums
     * about the centres of `from` taken to those of `to`. NULL in families of the former. */
    void (*natural)(const em_model *m, const double *constants, const double *about, double *out);
    void (*recentre)(const em_model *m, const double *from, const double *to, const double *mass,
                     double *sums);

    /* Free coordinates of one component, in which any step is legal: coordinate a belongs to
     * block a of the parameters. Scores and information are with respect to them.
     * Where n_free is 0 there are none, and what follows is NULL but for `snap`. */
    int n_free;
    /* out[j * n_free + a] = d log-likelihood / d coordinate a of component j, from mass and sums.
     */
    void (*gradient)(const em_model *m, const double *par, const double *mass, const double *sums,
                     double *out);
    /* out[(j * n_free + a) * EM_TILE + i] = d log f_j(x_i) / d coordinate a. */
    void (*scores)(const em_model *m, const double *constants, const em_tile *tile, double *out);
    /* n_free x n_free per component: minus the second derivatives of the expected complete
     * log-likelihood, and their expectation (positive definite), from mass and sums. */
    void (*information)(const em_model *m, const double *par, const double *mass,
                        const double *sums, double *observed, double *expected);
    /* A step in the free coordinates, component by component. */
    void (*move)(const em_model *m, const double *par, const double *step, double *moved);
    /* Parameters about to reach their boundary, moved onto it; or (leave) those on it, moved off
     * by what a hundredth of a row says. Whether any was; `row` is what a row counts. */
    bool (*snap)(const em_model *m, const int *held, const double *sums, const double *par,
                 double row, bool leave, double *moved);
    /* Is coordinate a of component j on its boundary, where it has no derivative? */
    bool (*on_boundary)(const em_model *m, const double *par, int j, int a);
};

#endif
