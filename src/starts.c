#include "starts.h"

#include "parallel.h"

/* Starts of one round and thread: few, so that an interrupt is not far. */
enum { ROUND = 4 };

typedef struct {
    em_field *field;
    int first;
} em_round;

static void run_start(void *context, int task, int thread)
{
    em_round *round = context;
    em_field *f = round->field;
    em_problem *p = f->problems + thread;
    const em_model *m = p->model;
    int s = round->first + task;

    f->results[s] = em_run(p, f->control, f->theta + em_at(s, p->n_theta),
                           f->memory + em_run_memory(m) * (size_t)thread,
                           f->integers + em_run_integers(m) * (size_t)thread, NULL);
}

void em_race(em_field *f)
{
    int most = f->threads * ROUND;
    em_round round = {.field = f};

    for (; round.first < f->starts; round.first += most) {
        int left = f->starts - round.first;
        em_parallel(f->threads, left < most ? left : most, run_start, &round);
        em_look_up(f->poll);
    }
}
