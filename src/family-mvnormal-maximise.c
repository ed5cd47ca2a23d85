/* The M-step of the multivariate normal family (family-mvnormal.c has symbols and formulas): means,
 * then scatters about them, of which covmodel.c makes the covariances. */
#include "family-mvnormal.h"
#include "linalg.h"
#include "prior.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* Is the whole mean, or covariance, of component j held? `held` starts at the family's part. */
static bool holds_mean(const em_model *m, const int *held, int j)
{
    return held[em_at(j, m->columns)];
}

static bool holds_cov(const em_model *m, const int *held, int j)
{
    return held[em_at(m->k, m->columns) + em_at(j, m->columns * m->columns)];
}

typedef struct {
    const em_model *m;
    int d, block; /* of scatter: d x d, or for diagonal structures d */
    const int *held;
    const double *mass, *sums, *old, *prior; /* prior: NULL for none */
    double *par;
    em_poll poll;
    double *rows, *scatter, *cov_work, *matrix, *vector; /* work */
} mv_fit;

static int block_of(const em_model *m)
{
    return em_mv_is_diagonal(m) ? m->columns : m->columns * m->columns;
}

int em_mv_n_work(const em_model *m)
{
    int d = m->columns;
    return m->k * (1 + block_of(m)) + 2 * d * d + 2 * d +
           (int)em_covmodel_work(em_mv_structure(m), d, m->k);
}

static mv_fit new_mv_fit(const em_model *m, const int *held, const double *mass, const double *sums,
                         const double *old, double *par, const em_work *work)
{
    mv_fit f = {.m = m,
                .d = m->columns,
                .block = block_of(m),
                .held = held,
                .mass = mass,
                .sums = sums,
                .old = old,
                .prior = em_prior_family(m),
                .par = par,
                .poll = work->poll};

    f.rows = work->memory;
    f.scatter = f.rows + m->k;
    f.matrix = f.scatter + em_at(m->k, f.block);
    f.vector = f.matrix + 2 * em_at(f.d, f.d);
    f.cov_work = f.vector + em_at(2, f.d);
    return f;
}

static double shrinkage(const mv_fit *f)
{
    return f->prior == NULL ? 0 : f->prior[EM_MV_SHRINKAGE];
}

/* What row and prior pull at component j's mean, from its old place: S1 + kappa (m - mean). */
static double pull(const mv_fit *f, int j, int c)
{
    double s1 = f->sums[em_at(j, em_mv_sums(f->m)) + (size_t)c];
    if (f->prior == NULL)
        return s1;
    return s1 + f->prior[EM_MV_SHRINKAGE] *
                    (f->prior[EM_MV_PRIOR_MEAN + c] - em_mv_mean(f->m, f->old, j)[c]);
}

static void own_means(const mv_fit *f)
{
    for (int j = 0; j < f->m->k; j++) {
        const double *old = em_mv_mean(f->m, f->old, j);
        double rows = f->mass[j] + shrinkage(f), *mean = f->par + em_at(j, f->d);
        bool keep = holds_mean(f->m, f->held, j) || !(rows > 0);
        for (int c = 0; c < f->d; c++)
            mean[c] = keep ? old[c] : old[c] + pull(f, j, c) / rows;
    }
}

/* Adds rows_j cov_j^-1 to the matrix, and cov_j^-1 times the pull, seen from component 1's old
 * place, to the vector. */
static void add_precision(const mv_fit *f, int j, double *factor, double *v)
{
    int d = f->d;
    const double *old = em_mv_mean(f->m, f->old, j), *origin = em_mv_mean(f->m, f->old, 0);
    double rows = f->mass[j] + shrinkage(f);

    memcpy(factor, em_mv_cov(f->m, f->par, j), em_at(d, d) * sizeof(double));
    if (!em_cholesky(factor, d))
        return;
    for (int c = 0; c < d; c++)
        v[c] = pull(f, j, c) + rows * (old[c] - origin[c]);
    em_cholesky_solve(factor, d, v);
    for (int c = 0; c < d; c++)
        f->vector[c] += v[c];
    for (int c = 0; c < d; c++) {
        memset(v, 0, (size_t)d * sizeof(double));
        v[c] = rows;
        em_cholesky_solve(factor, d, v);
        for (int r = 0; r < d; r++)
            f->matrix[em_at(c, d) + (size_t)r] += v[r];
    }
}

/* The mean common to all, given the covariances in par: weighted by precision. */
static void common_mean(const mv_fit *f)
{
    int d = f->d;
    const double *origin = em_mv_mean(f->m, f->old, 0);
    double *factor = f->matrix + em_at(d, d);

    memset(f->matrix, 0, em_at(d, d) * sizeof(double));
    memset(f->vector, 0, (size_t)d * sizeof(double));
    for (int j = 0; j < f->m->k; j++) {
        add_precision(f, j, factor, f->vector + d);
        em_look_up(f->poll);
    }
    bool keep = holds_mean(f->m, f->held, 0) || !em_cholesky(f->matrix, d);
    if (!keep)
        em_cholesky_solve(f->matrix, d, f->vector);
    for (int j = 0; j < f->m->k; j++)
        for (int c = 0; c < d; c++)
            f->par[em_at(j, d) + (size_t)c] = origin[c] + (keep ? 0 : f->vector[c]);
}

/* One element of component j's scatter about its new mean, with the mean's prior: s is its S2. */
static double scatter_at(const mv_fit *f, int j, int r, int c, double s)
{
    const double *s1 = f->sums + em_at(j, em_mv_sums(f->m));
    const double *old = em_mv_mean(f->m, f->old, j), *mean = em_mv_mean(f->m, f->par, j);
    double move_r = mean[r] - old[r], move_c = mean[c] - old[c];
    double about = s - move_r * s1[c] - s1[r] * move_c + f->mass[j] * move_r * move_c;

    if (f->prior == NULL)
        return about;
    return about + f->prior[EM_MV_SHRINKAGE] * (mean[r] - f->prior[EM_MV_PRIOR_MEAN + r]) *
                       (mean[c] - f->prior[EM_MV_PRIOR_MEAN + c]);
}

static void fill_scatter(const mv_fit *f, int j)
{
    int d = f->d;
    const double *s2 = f->sums + em_at(j, em_mv_sums(f->m)) + d;
    double *to = f->scatter + em_at(j, f->block);

    if (f->block == d) {
        for (int c = 0; c < d; c++)
            to[c] = scatter_at(f, j, c, c, s2[c]);
        return;
    }
    for (int c = 0; c < d; c++)
        for (int r = c; r < d; r++)
            to[em_at(c, d) + (size_t)r] = to[em_at(r, d) + (size_t)c] =
                scatter_at(f, j, r, c, *s2++);
}

/* Component j's scatter and rows get the prior's. */
static void add_prior(const mv_fit *f, int j, double rows)
{
    int d = f->d;
    const double *scale = f->prior + EM_MV_PRIOR_MEAN + d;
    double *to = f->scatter + em_at(j, f->block);

    f->rows[j] += rows;
    for (int c = 0; c < f->block; c++)
        to[c] += scale[f->block == d ? em_at(c, d) + (size_t)c : (size_t)c];
}

static em_status maximise_covs(const mv_fit *f, int *component)
{
    const em_model *m = f->m;
    int d = f->d;
    double *cov = f->par + em_at(m->k, d);

    for (int j = 0; j < m->k; j++) {
        fill_scatter(f, j);
        /* Without rows a covariance stays as it is: one that is held cannot collapse. */
        bool keep = holds_cov(m, f->held, j);
        f->rows[j] = keep ? 0 : f->mass[j];
        if (f->prior == NULL || keep)
            continue;
        if (!em_mv_all_equal(m))
            add_prior(f, j, f->prior[EM_MV_DF] + d + 2);
        else
            f->rows[j] += 1;
    }
    if (f->prior != NULL && em_mv_all_equal(m))
        add_prior(f, 0, f->prior[EM_MV_DF] + d + 1);
    em_covfit fit = {.structure = em_mv_structure(m),
                     .d = d,
                     .k = m->k,
                     .rows = f->rows,
                     .scatter = f->scatter,
                     .old = em_mv_cov(m, f->old, 0),
                     .work = f->cov_work,
                     .poll = f->poll};
    em_status status = em_covmodel_maximise(&fit, cov, component);
    for (int j = 0; j < m->k; j++)
        if (holds_cov(m, f->held, j))
            memcpy(cov + em_at(j, d * d), em_mv_cov(m, f->old, j), em_at(d, d) * sizeof(double));
    return status;
}

/* Means and covariances in turn; each turn raises the expected log-likelihood. */
static em_status common_mean_and_covs(const mv_fit *f, int *component)
{
    enum { MOST_TURNS = 500 };
    int d = f->d;
    em_status status = EM_OK;

    memcpy(f->par, f->old, em_at(em_mv_parameters(f->m), 1) * sizeof(double));
    for (int turn = 0; turn < MOST_TURNS && status == EM_OK; turn++) {
        double before[EM_TILE], moved = 0, size = 0;
        memcpy(before, f->par, (size_t)d * sizeof(double));
        common_mean(f);
        status = maximise_covs(f, component);
        for (int c = 0; c < d; c++) {
            moved = fmax(moved, fabs(f->par[c] - before[c]));
            size = fmax(size, fabs(f->par[c]) + 1);
        }
        if (moved <= DBL_EPSILON * size)
            break;
    }
    return status;
}

em_status em_mv_maximise(const em_model *m, const int *held, const double *mass, const double *sums,
                         const double *old, double *par, const em_work *work, int *component)
{
    mv_fit f = new_mv_fit(m, held, mass, sums, old, par, work);

    if (m->equal & EM_MV_EQUAL_MEAN)
        return common_mean_and_covs(&f, component);
    own_means(&f);
    return maximise_covs(&f, component);
}
