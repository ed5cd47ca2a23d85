/* Independent rows: row i belongs to component j with probability prop_j.
 *
 *   share of j in row i   p_ij = prop_j f_j(x_i) / sum_l prop_l f_l(x_i)
 *   new proportions       prop_j = N_j / N,  N_j = sum_i w_i p_ij
 *
 * A row whose component is known has share 1 there and adds log(prop_j f_j(x_i)):
 * the likelihood of the row and its label together.
 */
#include "latent.h"
#include "numerics.h"
#include "prior.h"
#include "softmax.h"
#include "vector.h"

#include <math.h>

static int mix_size(const em_model *m)
{
    return m->k;
}

static int mix_nothing(const em_model *m)
{
    (void)m;
    return 0;
}

static void mix_prepare(const em_model *m, const double *prop, double *log_prop)
{
    for (int j = 0; j < m->k; j++)
        log_prop[j] = em_log(prop[j]);
}

/* Log density of each known row together with its label. */
static void mix_joint(const double *log_prop, const em_tile *tile, const double *a, double *joint)
{
    for (int i = 0; i < tile->rows; i++) {
        int j = tile->label[i] - 1;
        joint[i] = j < 0 ? 0 : a[em_at(j, EM_TILE) + i] + log_prop[j];
    }
}

/* Known rows: the joint log density of the row and its label, and a share of 1. */
static void mix_known(int k, const em_tile *tile, double *a, const double *joint, double *log_row)
{
    for (int i = 0; i < tile->rows; i++) {
        if (tile->label[i] == 0)
            continue;
        for (int j = 0; j < k; j++)
            a[em_at(j, EM_TILE) + i] = j + 1 == tile->label[i];
        log_row[i] = joint[i];
    }
}

static em_status mix_check(const em_tile *tile, const double *log_row, int *row)
{
    *row = em_first_not_above(log_row, tile->rows, EM_LOG_ZERO);
    return *row < tile->rows ? EM_IMPOSSIBLE : EM_OK;
}

/* All of the row to its likeliest component; its log density there is what counts. */
static void mix_harden(int k, int rows, double *a, double *log_row)
{
    for (int i = 0; i < rows; i++) {
        int best = 0;
        for (int j = 1; j < k; j++)
            if (a[em_at(j, EM_TILE) + (size_t)i] > a[em_at(best, EM_TILE) + (size_t)i])
                best = j;
        log_row[i] += em_log(a[em_at(best, EM_TILE) + (size_t)i]);
        for (int j = 0; j < k; j++)
            a[em_at(j, EM_TILE) + (size_t)i] = j == best;
    }
}

static em_status mix_share(const em_model *m, const double *log_prop, const em_tile *tile,
                           double *a, double *log_row, double *sums, int *row)
{
    double joint[EM_TILE];

    (void)sums;
    if (tile->label != NULL)
        mix_joint(log_prop, tile, a, joint);
    em_softmax(a, m->k, tile->rows, log_prop, log_row);
    if (m->hard)
        mix_harden(m->k, tile->rows, a, log_row);
    if (tile->label != NULL)
        mix_known(m->k, tile, a, joint, log_row);
    return mix_check(tile, log_row, row);
}

static bool mix_share_sums(const em_model *m, const double *log_prop, const em_tile *tile,
                           double *a, double *scale, double *sums, double *log_sum)
{
    (void)sums;
    return em_softmax_sums(a, m->k, tile->rows, log_prop, tile->weight, scale, log_sum) &&
           fabs(*log_sum) < -EM_LOG_ZERO;
}

/* Held proportions keep their value; the others share what is left. */
static void mix_maximise(const em_model *m, const int *held, const double *mass, const double *sums,
                         const double *old, double *prop)
{
    double left = 1, total = 0;

    (void)sums;
    for (int j = 0; j < m->k; j++) {
        if (held[j])
            left -= old[j];
        else
            total += mass[j] + em_prior_rows(m, j);
    }
    for (int j = 0; j < m->k; j++) {
        double rows = mass[j] + em_prior_rows(m, j);
        prop[j] = held[j] || !(total > 0) ? old[j] : left * (rows / total);
    }
}

const em_latent em_latent_mix = {
    .name = "mix",
    .n_parameters = mix_size,
    .n_constants = mix_size,
    .n_sums = mix_nothing,
    .prepare = mix_prepare,
    .share = mix_share,
    .share_sums = mix_share_sums,
    .maximise = mix_maximise,
};
