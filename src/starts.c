#include "starts.h"

void em_race(em_problem *p, const em_control *control, int starts, double *theta, double *memory,
             int *integers, em_result *results)
{
    for (int s = 0; s < starts; s++)
        results[s] = em_run(p, control, theta + em_at(s, p->n_theta), memory, integers, NULL);
}
