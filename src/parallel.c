#include "parallel.h"

#ifdef _OPENMP
#include <omp.h>
#endif

int em_threads_available(void)
{
#ifdef _OPENMP
    int limit = omp_get_thread_limit(), procs = omp_get_num_procs(), asked = omp_get_max_threads();
    int most = limit < procs ? limit : procs;
    return most < asked ? most : asked;
#else
    return 1;
#endif
}

void em_parallel(int threads, int tasks, em_task run, void *context)
{
#ifdef _OPENMP
    if (threads > tasks)
        threads = tasks;
    if (threads > 1) {
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
        for (int t = 0; t < tasks; t++)
            run(context, t, omp_get_thread_num());
        return;
    }
#else
    (void)threads;
#endif
    for (int t = 0; t < tasks; t++)
        run(context, t, 0);
}
