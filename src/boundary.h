/* Layer 5: onto the boundary of what is legal, and off it again.
 *
 * A proportion at 0, a probability at 0 or 1: there a maximum may be, which steps in free
 * coordinates (logs, logits) come near but never reach. Those near are proposed to be on it; those
 * on it are tried off it, since a boundary that was right when it was reached need not stay so. */
#ifndef EMIX_BOUNDARY_H
#define EMIX_BOUNDARY_H

#include "step.h"

/* Parameters about to reach their boundary moved onto it; false where there are none. A component
 * that can still move is waited for until it is quite empty, but not (settle) where all else has
 * come to its end. */
bool em_boundary_snap(const em_problem *p, const double *theta, bool settle, double *moved);

/* Those on their boundary moved off it by what `part` of a row says; false where there are none. */
bool em_boundary_leave(const em_problem *p, const double *theta, double part, double *moved);

/* After an E-step there (at `off`): those that the rows push back are back. Is any not? A component
 * is pushed back where the objective rises by no more than tol per unit of proportion: then it can
 * rise by no more in all (Lindsay 1983). */
bool em_boundary_stay_off(const em_problem *p, const double *theta, const double *off, double tol,
                          double *moved);

#endif
