/* Layer 1: the contract of priors, which turn maximum likelihood into the posterior mode.
 *
 * A model's prior is a flat vector: first one number per component, a_j - 1 of a
 * Dirichlet density on the proportions (rows that each component has beforehand), then
 * the family's own n_prior numbers, in the core's units. No prior is a NULL pointer. The
 * family adds its part where it maximises, and gives value and derivatives here, so that
 * nothing else has a second copy for a prior. */
#ifndef EMIX_PRIOR_H
#define EMIX_PRIOR_H

#include "family.h"

/* Rows that component j has beforehand. */
static inline double em_prior_rows(const em_model *m, int j)
{
    return m->prior == NULL ? 0 : m->prior[j];
}

/* The family's part, or NULL. */
static inline const double *em_prior_family(const em_model *m)
{
    return m->prior == NULL ? NULL : m->prior + m->k;
}

#endif
