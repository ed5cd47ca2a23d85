/* Layer 6: the EM loop. It knows steps, not families. */
#ifndef EMIX_EM_H
#define EMIX_EM_H

#include "step.h"

typedef struct {
    double tol;   /* see em_run() */
    int max_iter; /* M-steps at most */
    /* Called once an iterate, on the main thread; may be NULL and may not return. */
    void (*report)(void *context, int iteration, double objective);
    void *report_context;
} em_control;

/* Keeps every iterate where memory was given for it. */
typedef struct {
    double *theta, *objective; /* n_theta x capacity, capacity; NULL: nothing is kept */
    int capacity, count;
} em_recorder;

typedef struct {
    em_status status;
    bool converged;
    int iterations;   /* M-steps done */
    double objective; /* at theta */
    double gain;      /* predicted: what the objective would still rise by */
    double distance;  /* predicted: how far the farthest parameter would still move */
} em_result;

/* Doubles of memory that a run needs beside its problem. */
size_t em_run_memory(int n_theta);

/* EM from theta, which it replaces by the last iterate.
 *
 * EM converges linearly: near its limit each step is r times the one before. So
 * after a step of length s the parameters will still move by about s r / (1 - r), and after
 * a gain g the objective will still rise by about g r^2 / (1 - r^2). The run has converged
 * when the second is below tol and the first below tol / 100 (the objective is flat at its
 * top: it tells little of the parameters). That a step is short proves nothing: r is often 0.99. */
em_result em_run(em_problem *p, const em_control *control, double *theta, double *memory,
                 em_recorder *recorder);

#endif
