/* Layer 5: proposals bent along a curved ridge, at the price of a walk without scores. */
#ifndef EMIX_BEND_H
#define EMIX_BEND_H

#include "inform.h"

/* Bends the step that a has proposed from theta, or shorter ones until one can be bent; *predicted
 * is the gain then, 0 where there is no step. Returns how many walks that took; `moved` and the
 * problem's sums are overwritten. */
int em_bend(em_problem *p, em_inform *f, em_accel *a, const double *theta, double *predicted,
            double *moved);

#endif
