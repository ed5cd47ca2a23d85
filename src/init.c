#include "bridge.h"

#include <R_ext/Rdynload.h>
#include <R_ext/Visibility.h>

#define ENTRY(name, n)                                                                             \
    {                                                                                              \
#name, (DL_FUNC) & (name), (n)                                                             \
    }

static const R_CallMethodDef entries[] = {
    ENTRY(emix_run, 4),
    ENTRY(emix_race, 4),
    ENTRY(emix_step, 4),
    ENTRY(emix_evaluate, 5),
    ENTRY(emix_inform, 4),
    ENTRY(emix_differ, 6),
    ENTRY(emix_structure, 4),
    ENTRY(emix_bumps, 5),
    ENTRY(emix_condense, 3),
    ENTRY(emix_describe, 1),
    ENTRY(emix_threads, 0),
    ENTRY(emix_nodes, 2),
    ENTRY(emix_counts, 1),
    ENTRY(emix_pairs, 2),
    ENTRY(emix_thin, 2),
    ENTRY(emix_polish, 5),
    ENTRY(hook_softmax, 1),
    ENTRY(hook_deviance_part, 2),
    ENTRY(hook_parallel, 2),
    ENTRY(hook_dot, 2),
    ENTRY(hook_exp, 1),
    ENTRY(hook_log, 1),
    ENTRY(hook_smallest_eigen, 1),
    ENTRY(hook_eigen, 1),
    ENTRY(hook_mv_density, 6),
    ENTRY(hook_mv_scatter, 5),
    {NULL, NULL, 0},
};

void R_init_emix(DllInfo *dll);

attribute_visible void R_init_emix(DllInfo *dll)
{
    R_registerRoutines(dll, NULL, entries, NULL, NULL);
    R_useDynamicSymbols(dll, FALSE);
    R_forceSymbols(dll, TRUE);
}
