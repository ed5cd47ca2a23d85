/* Layer 3: what the rows say of the curvature, gathered in the walk of the E-step.
 *
 * Row i has the raw vector u_i = (p_i1 .. p_ik, then p_ij s_ija for each component j and
 * coordinate a), with p its posterior probabilities and s the component's scores. Kept are
 *
 *   M_jab = sum w p_ij s_ija s_ijb      B = sum w u u'
 *
 * from which inform.c makes the observed information (Louis 1982). */
#ifndef EMIX_SCORE_H
#define EMIX_SCORE_H

#include "latent.h"

/* Length of u. */
int em_score_raw(const em_model *m);

/* Doubles of the sums, in the order M (k n_free n_free), B (raw x raw; its
 * lower triangle is filled), and of the scratch that a tile needs. */
size_t em_score_sums(const em_model *m);
size_t em_score_scratch(const em_model *m);

/* Adds a tile; share is not yet weighted. */
void em_score_add(const em_model *m, const double *family_constants, const em_tile *tile,
                  const double *share, double *scratch, double *sums);

#endif
