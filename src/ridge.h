/* Layer 5: long steps along a curved ridge: out along its tangent, and back onto it.
 *
 * Where a ridge is steep on its sides and bends, every straight step along it that is not short
 * ends far below: steps that may never fall are tiny. What has been lost is won back by one or two
 * steps to the side, and the whole way counts as one step, which is taken where it ends higher than
 * it began (the watchdog technique: Chamberlain et al. 1982).
 *
 * Out: the best step of the quadratic model within a radius (em_accel_within()). Back: Newton's
 * step with the outer product of the rows' scores B for the information,
 *
 *   (B + lambda E) s = g,
 *
 * as beside a ridge J itself is not positive definite, and its curvature along the ridge is that of
 * the slope, not of the ridge. B is what J is on the ridge where the mixture fits the rows
 * (Fisher's identity); lambda is far above that of the step out, to hold what has been gained along
 * the ridge.
 */
#ifndef EMIX_RIDGE_H
#define EMIX_RIDGE_H

#include "inform.h"

typedef struct {
    em_accel accel; /* where the way has come to */
    em_inform inform;
    double *next;  /* n_theta */
    double radius; /* of the next step out; 0: none has been made */
    int walks;     /* over the rows, of all steps */
} em_ridge;

/* Doubles of memory; ints are as many as em_inform_bind() needs. */
size_t em_ridge_memory(const em_model *m);
void em_ridge_bind(em_ridge *r, const em_model *m, double *memory, int *index);

/* A step from theta, where f and a are filled and *objective was found: true, and where it ends and
 * the objective there (the last walk's, with scores), if that is no lower. */
bool em_ridge_step(em_ridge *r, em_problem *p, const em_inform *f, em_accel *a, const double *theta,
                   double *objective, double *moved);

#endif
