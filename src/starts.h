/* Layer 7: many starting values, of which the best is to win. */
#ifndef EMIX_STARTS_H
#define EMIX_STARTS_H

#include "em.h"

/* What a race works on. With one thread its problem may share rows among threads of its own and is
 * polled as usual; with more, each thread runs whole starts on a problem of its own, which has one
 * thread and is not polled: poll() is called between rounds of starts instead. */
typedef struct {
    em_problem *problems; /* one per thread */
    int threads;
    double *memory; /* em_run_memory() per thread */
    int *integers;  /* em_run_integers() per thread */
    const em_control *control;
    int starts;
    double *theta;      /* n_theta x starts: each column is replaced by where its run ended */
    em_result *results; /* how */
    em_poll poll;
} em_field;

/* A run from each start. What a run does depends on its start alone, so the number of threads
 * changes nothing. */
void em_race(em_field *field);

#endif
