/* Layer 1: the contract of priors, which turn maximum likelihood into the posterior mode.
 *
 * A model has one number per component, a_j - 1 of a Dirichlet density on the proportions
 * (rows that each component has beforehand), and the family's n_prior numbers, in the core's
 * units; a NULL pointer is no prior. The family adds its part where it maximises, and gives value
 * and derivatives in log_prior(), so that nothing else has a second copy for a prior. */
#ifndef EMIX_PRIOR_H
#define EMIX_PRIOR_H

#include "family.h"

/* Rows that component j has beforehand. */
static inline double em_prior_rows(const em_model *m, int j)
{
    return m->prior_rows == NULL ? 0 : m->prior_rows[j];
}

/* The family's part, or NULL. */
static inline const double *em_prior_family(const em_model *m)
{
    return m->prior_family;
}

#endif
