/* Layer 6: from the maximum on condensed rows to the one on all rows. */
#ifndef EMIX_POLISH_H
#define EMIX_POLISH_H

#include "em.h"

/* Newton's steps from theta, which they replace, with the objective and the gradient of all rows
 * and the information of `nodes`, the same rows condensed (nodes.c): a walk over all rows without
 * scores costs a third of one with them, and near the top one or two are enough; the last step is
 * taken unseen. Converged by the standard of em_run(); not converged where steps do not shrink as
 * they should, or where the information is that of no maximum: em_run() on all rows goes on from
 * theta then.
 *
 * `all` needs no memory for scores, `nodes` does; memory and integers as for em_run(). */
em_result em_polish(em_problem *all, em_problem *nodes, const em_control *control, double *theta,
                    double *memory, int *integers);

#endif
