/* Layer 5: longer steps than EM's in the space of its sums, on flat vectors alone.
 *
 *   x    sums of which the parameters in force are the maximiser (M-step)
 *   f    G(x) - x, with G(x) the sums that the E-step finds at these parameters: 0 at a maximum
 *   e    coefficients of the sums in the expected complete log-likelihood at these parameters
 *   A    minus the derivative of f by x
 *
 * EM is x -> x + f. The Newton step u solves A u = f. Its derivatives are known from differences
 * between iterates: for dx, A dx = -df. In the scalar product <u, v> = u . e'(v), with e'(v) the
 * change of e along v, A is self-adjoint, and at a maximum positive definite: there
 *
 *   objective(x + u) = objective(x) + <f, u> - <A u, u> / 2 + ...
 *
 * so that of all steps in the span of the dx the best has <f - A u, dx> = 0 (Galerkin), and takes
 * all that a quadratic objective holds there, g' J^-1 g / 2 of that subspace. What A u leaves of f
 * is added as EM's own step. Where the objective is quadratic this is the conjugate gradient
 * method with EM as its preconditioner (Jamshidian & Jennrich 1993); unlike Anderson's (1965) it
 * needs no measure of length.
 *
 * Far from a maximum the step is damped as in accel.h, <(A + lambda) u - f, dx> = 0: lambda rises
 * where a step is refused and falls where one is taken.
 *
 * That sums are moved, and the M-step goes back to parameters, keeps every step legal: covariances
 * in their structure, held and shared parameters, priors. */
#ifndef EMIX_SECANT_H
#define EMIX_SECANT_H

#include "types.h"

enum { EM_SECANTS = 12 };

typedef struct {
    int n, used, newest;        /* length of x; differences that are kept */
    bool begun;                 /* is there a last point */
    double lambda;              /* of the next step */
    double *x, *f, *e;          /* the last point */
    double *dx, *df, *de;       /* EM_SECANTS columns each */
    double *matrix, *rhs, *sol; /* of the small system */
} em_secant;

size_t em_secant_memory(int n);
void em_secant_bind(em_secant *s, int n, double *memory);

/* Forgets all points. */
void em_secant_forget(em_secant *s);

/* The next point. */
void em_secant_add(em_secant *s, const double *x, const double *f, const double *e);

/* The step from the last point; returns what a quadratic objective would gain by its part in the
 * span of the differences, which is 0 where there are none. */
double em_secant_step(em_secant *s, double *step);

/* Where the objective curves upwards along the last difference, and rises: on along it, twice as
 * far, but no further than a squared length of `most`. Replaces the step; returns what the slope
 * alone would gain, 0 elsewhere. */
double em_secant_rise(em_secant *s, double most, double *step);

/* What became of it. */
void em_secant_learn(em_secant *s, bool taken);

#endif
