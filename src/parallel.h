/* Layer 0: the only place that knows OpenMP. */
#ifndef EMIX_PARALLEL_H
#define EMIX_PARALLEL_H

/* One piece of work: `task` says which, `thread` whose scratch memory to use. */
typedef void (*em_task)(void *context, int task, int thread);

/* Most threads that may run at once here, by the machine, OMP_THREAD_LIMIT and OMP_NUM_THREADS: 1
 * without OpenMP. */
int em_threads_available(void);

/* Runs task 0 .. tasks - 1, each once, on at most `threads` threads. Which thread runs
 * which task is left open, so a task may depend on its number only. */
void em_parallel(int threads, int tasks, em_task run, void *context);

#endif
