/* Layer 1: the contract of a latent structure, which says how rows get their components.
 *
 * The one here, `mix`, treats rows as independent. A Markov chain fits the same
 * contract: `share` is its forward filter (it keeps what it needs in its own
 * sums and constants), and it would add the backward pass that a tile then waits for;
 * the EM loop above sees neither.
 */
#ifndef EMIX_LATENT_H
#define EMIX_LATENT_H

#include "family.h"

struct em_latent {
    const char *name;
    int (*n_parameters)(const em_model *m);
    int (*n_constants)(const em_model *m);
    int (*n_sums)(const em_model *m); /* beyond the mass of each component */

    void (*prepare)(const em_model *m, const double *par, double *constants);
    /* In: log densities a[j * EM_TILE + i]; out: shares there, log density of each row
     * in log_row. Returns EM_IMPOSSIBLE with *row set where all densities are zero. */
    em_status (*share)(const em_model *m, const double *constants, const em_tile *tile, double *a,
                       double *log_row, double *sums, int *row);
    /* The same where no more than sums over rows are wanted, no label is known and shares are not
     * hard: in a, shares but for a factor of each row, and in scale that factor times the row's
     * weight; *log_sum is the weighted sum of the rows' log densities. False where `share` must
     * do it, or say which row is impossible: a is then of no use any more. */
    bool (*share_sums)(const em_model *m, const double *constants, const em_tile *tile, double *a,
                       double *scale, double *sums, double *log_sum);
    void (*maximise)(const em_model *m, const int *held, const double *mass, const double *sums,
                     const double *old, double *par);
};

#endif
