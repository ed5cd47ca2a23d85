/* Layer 5: acceleration and certificate of families without scores, by the sums of the E-step.
 *
 * secant.h says how steps are made from earlier iterates. The certificate solves A u = f by
 * conjugate gradients with EM as preconditioner, in the scalar product <u, v> = u . e'(v); A p is
 * the difference of f along p, one walk over the rows each. Its value, <f, u> / 2, is Newton's
 * decrement; <A p, p> <= 0 shows that there is no maximum, and the way on. */
#ifndef EMIX_SUMS_H
#define EMIX_SUMS_H

#include "secant.h"
#include "step.h"

typedef struct {
    em_secant secant;
    int n;             /* sums: p->sums from its mass on */
    bool placed;       /* is there a reference */
    bool known;        /* is x */
    int age;           /* iterates since the reference was placed */
    int patience;      /* iterates until a certificate is tried again */
    int walks;         /* of the last certificate */
    double gained;     /* by the last step */
    double predicted;  /* what the step would gain */
    double decrement;  /* of the last certificate */
    double *reference; /* theta about whose centres all sums here are */
    double *x, *f, *e; /* see secant.h */
    double *next;      /* x of the candidate */
    double *step, *r, *p, *ap, *dual, *trial, *theta, *saved; /* work */
} em_sums;

/* Can a model be accelerated so? Doubles of memory. */
bool em_sums_apply(const em_model *m);
size_t em_sums_memory(const em_model *m);
void em_sums_bind(em_sums *s, const em_model *m, double *memory);

/* Takes note of theta after an E-step there, with the EM step from it: s->predicted is then what
 * the objective is expected to rise by (infinite: not known). Where that seems to be nothing, the
 * certificate is asked, and it returns true: s->decrement is Newton's, infinite where this is no
 * maximum, and not looked for further than to be above tol; the next candidate is its step, or one
 * away from a saddle. The problem's sums are as they were. */
bool em_sums_look(em_sums *s, em_problem *p, const double *theta, const double *em_step,
                  double objective, double tol);

/* Parameters of the step; false where there is none. */
bool em_sums_propose(em_sums *s, em_problem *p, double *moved);

/* theta has become the candidate, or the EM step, and gained so much. */
void em_sums_accept(em_sums *s, bool candidate, double gain);

/* The candidate has been refused. */
void em_sums_refuse(em_sums *s);

#endif
