/* Layer 7: many starting values, of which the best is to win. */
#ifndef EMIX_STARTS_H
#define EMIX_STARTS_H

#include "em.h"

/* A short run from each of `starts` columns of theta (n_theta x starts), in order. Each
 * column is replaced by where its run ended, results[s] says how. */
void em_race(em_problem *p, const em_control *control, int starts, double *theta, double *memory,
             int *integers, em_result *results);

#endif
