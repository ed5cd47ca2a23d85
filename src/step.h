/* Layer 4: one EM step. The E-step walks the rows once, a tile at a time: log
 * densities, shares and sums of a tile are done while it is in cache, and no array of
 * n times k is made. The M-step works on the sums alone. */
#ifndef EMIX_STEP_H
#define EMIX_STEP_H

#include "score.h"

/* Partial sums are kept per lane and added in the lanes' order. Lanes depend on n
 * alone, so that 1, 2 or 8 threads give the same bits. */
enum { EM_LANES = 64 };

typedef struct {
    const em_model *model;
    const em_data *data;
    int threads;
    em_poll poll; /* called between rounds */
    bool scoring; /* memory is to be laid out for scores (score.h) too */
    bool gather;  /* walks gather them: set when they are wanted */

    /* Set by em_step_bind(): */
    int n_theta, n_latent, n_sums, lanes;
    double *latent_constants, *family_constants;
    double *work;     /* of the M-step */
    double *sums;     /* objective | mass (k) | latent's | family's (k of each) | scores' */
    int score_at;     /* where the scores' sums begin */
    double total;     /* weight of all rows, after a walk */
    double log_prior; /* the prior's part of the objective, after a walk */
    double *lane_sums;
    double *scratch; /* per thread: columns of a tile | k rows of shares */
    em_status lane_status[EM_LANES];
    em_index lane_row[EM_LANES];
    int lane_apart[EM_LANES]; /* tiles to come whose components are taken to be far apart */

    /* Where a step failed: a component or a row, from 1; 0 otherwise. */
    int bad_component;
    em_index bad_row;
} em_problem;

/* Doubles of memory that a problem needs beside its data. */
size_t em_step_memory(const em_model *model, const em_data *data, int threads, bool scoring);

/* Lays out `memory`; model, data, threads, poll and scoring are already set. */
void em_step_bind(em_problem *p, double *memory);

/* E-step at theta: the objective (log-likelihood + log prior) there, and the sums for the M-step.
 */
em_status em_step_expect(em_problem *p, const double *theta, double *objective);

/* M-step: the parameters that maximise the expected log-likelihood of the last E-step. */
em_status em_step_maximise(em_problem *p, const double *theta, double *next);

/* The same of given sums (in the order of p->sums from its mass on) about the centres of theta,
 * whose held parameters it keeps. */
em_status em_step_maximise_of(em_problem *p, const double *sums, const double *theta, double *next);

/* How many there are. */
int em_step_n_sums(const em_model *model);

/* Their coefficients in the expected complete log-likelihood at theta, with sums about the centres
 * of `about`: family.h's `natural`, the logs of the proportions among them. */
em_status em_step_natural(em_problem *p, const double *theta, const double *about, double *out);

/* Sums (in that order) about the centres of `from` into `out`, about those of `to`; they may be
 * the same. Those of the last E-step: p->sums + 1, about its theta. */
void em_step_recentre(const em_problem *p, const double *sums, const double *from, const double *to,
                      double *out);

/* What a row counts, at most 1: with small weights, "few rows" means few of these. */
double em_row_weight(const em_problem *p);

/* tol is for rows that count as rows: where all weights are tiny, so is every likelihood, and where
 * they are huge, rounding is above any fixed number. */
double em_step_tol(const em_problem *p, double tol);

/* Differences of an objective of this size below this are rounding. */
double em_step_rounding(double objective);

/* Posterior probabilities (n x k, by column) and log densities (n) at theta; either may be
 * NULL. The same walk as the E-step, kept instead of summed. */
em_status em_step_evaluate(em_problem *p, const double *theta, double *posterior,
                           double *log_density);

#endif
