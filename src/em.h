/* Layer 6: the EM loop. It knows steps, not families. */
#ifndef EMIX_EM_H
#define EMIX_EM_H

#include "inform.h"

typedef struct {
    double tol;      /* see em_run() */
    int max_iter;    /* accepted steps at most */
    bool accelerate; /* false: EM steps alone, the textbook's iterates */
    bool rough;      /* the first EM steps without scores: nothing is known of the start, surely */
    bool resumes;    /* theta is where another run ended: no EM steps first */
    /* Called once an iterate, on the main thread; may be NULL and may not return. */
    void (*report)(void *context, int iteration, double objective);
    void *report_context;
} em_control;

/* What led to an iterate. */
typedef enum {
    EM_BY_START,
    EM_BY_EM,
    EM_BY_NEWTON,
    EM_BY_BOUNDARY,
    EM_BY_ESCAPE,
    EM_BY_SECANT
} em_kind;

/* Keeps every iterate where memory was given for it. */
typedef struct {
    double *theta, *objective; /* n_theta x capacity, capacity; NULL: nothing is kept */
    int *kind;
    int capacity, count;
} em_recorder;

typedef struct {
    em_status status;
    bool converged;
    bool flat;         /* a direction in which the objective does not change */
    int iterations;    /* accepted steps */
    int evaluations;   /* walks over the rows, refused proposals and certificate included */
    double objective;  /* at theta */
    double likelihood; /* its part without the prior */
    double gain;       /* what it would still rise by: Newton's decrement */
} em_result;

/* Whether scores are affordable: their sums grow with the square of all coordinates, and the
 * work on their matrices with the cube. Without them a run is plain EM, certified by its rate. */
bool em_run_scores(const em_model *model);

/* Memory that a run needs beside its problem: doubles, and ints. */
size_t em_run_memory(const em_model *model);
size_t em_run_integers(const em_model *model);

/* EM from theta, which it replaces by the last iterate; the problem has memory for scores
 * where em_run_scores() says so.
 *
 * Each iteration has at hand the EM step, which cannot lower the objective, and proposes a
 * longer one from gradient and information: Newton's near a maximum, between it and EM's
 * elsewhere (accel.h). A proposal that lowers the objective is refused and the EM step taken.
 * At a saddle a step along the most negative curvature is proposed; a proportion or a
 * probability that is about to reach its boundary is moved onto it.
 *
 * The run has converged when Newton's decrement says that the objective cannot rise by more
 * than tol; it goes on to where the decrement is far smaller as long as steps raise the
 * objective, which near a maximum takes one or two.
 *
 * Without acceleration: near its limit each EM step is r times the one before, so that
 * after a step of length s the parameters will still move by about s r / (1 - r), and after a gain
 * g the objective will still rise by about g r^2 / (1 - r^2); the run stops when the second is
 * below tol and the first below tol / 100. */
em_result em_run(em_problem *p, const em_control *control, double *theta, double *memory,
                 int *integers, em_recorder *recorder);

#endif
