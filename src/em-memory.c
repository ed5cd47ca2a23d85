/* What a run needs beside its problem. */
#include "em.h"
#include "ridge.h"
#include "sums.h"

/* 200 normal components: an information matrix of 3 MB. */
enum { MOST_COORDINATES = 600 };

bool em_run_scores(const em_model *m)
{
    return m->family->scores != NULL && em_score_raw(m) <= MOST_COORDINATES;
}

size_t em_run_memory(const em_model *m)
{
    size_t n_theta = (size_t)m->latent->n_parameters(m) + (size_t)m->family->n_parameters(m);
    if (em_sums_apply(m))
        return 2 * n_theta + em_sums_memory(m);
    size_t matrices = em_accel_memory(em_inform_size(m)) + em_inform_memory(m);
    return 2 * n_theta + (em_run_scores(m) ? matrices + em_ridge_memory(m) : 0);
}

size_t em_run_integers(const em_model *m)
{
    return 2 * (size_t)em_inform_size(m);
}
