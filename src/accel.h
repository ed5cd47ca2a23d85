/* Layer 5: proposals of a longer step than EM's, on flat vectors alone.
 *
 * At parameters with gradient g and observed information J (minus the Hessian of the
 * objective) in free coordinates, and the complete-data information E as measure of length:
 *
 *   step       (J + lambda E) s = g        Newton's for lambda = 0, towards EM's s = E^-1 g
 *                                          as lambda grows (Levenberg 1944, Marquardt 1963)
 *   decrement  g' J^-1 g / 2               what the objective would still rise by, if it were
 *                                          quadratic: tends to the truth at a maximum
 */
#ifndef EMIX_ACCEL_H
#define EMIX_ACCEL_H

#include "types.h"

typedef struct {
    int q;                        /* free coordinates */
    double *gradient;             /* q */
    double *information, *metric; /* J and E, q x q */
    double lambda, growth;        /* of the next proposal; its factor at the next refusal */
    double *factor, *work;        /* q x q each */
    double *step, *rest;          /* q and 4 q */
} em_accel;

/* Doubles of memory for up to q coordinates. */
size_t em_accel_memory(int q);
void em_accel_bind(em_accel *a, int q, double *memory);

/* Newton's decrement, or infinity where J is not positive definite (no maximum is near). */
double em_accel_decrement(em_accel *a);

/* How steep the objective is: what a step in the metric of complete information would gain. */
double em_accel_steepness(const em_accel *a);

/* Puts a step into a->step, raising lambda until J + lambda E is positive definite; returns
 * the predicted gain, or 0 where no step can be made. `total` is the sum of the rows' weights:
 * steps are cut at one unit of complete information a row. */
double em_accel_propose(em_accel *a, double total);

/* The same with a radius: the lambda, `least` or more, with which the step is nearly of that
 * length, or shorter with `least` (More & Sorensen 1983). Steps are cut to the radius. False where
 * there is none. */
bool em_accel_within(em_accel *a, double total, double radius, double least);

/* Of a->step: what the quadratic model gains by it, and its length, in root mean complete
 * information of a row. */
double em_accel_gain(const em_accel *a);
double em_accel_length(const em_accel *a, double total);

/* Away from a saddle: a step along the most negative curvature of J in units of E; false if
 * there is none. */
bool em_accel_escape(em_accel *a, double total);

/* What the last proposal taught: the gain it had against the gain predicted. */
void em_accel_learn(em_accel *a, double gain, double predicted);

#endif
