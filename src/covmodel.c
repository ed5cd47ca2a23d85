/* The M-steps of the fourteen covariance structures.
 *
 *   N_j, W_j   rows and scatter of component j;  N, W  their sums over the components
 *   S_j        covariance = volume_j D_j A_j D_j'
 *   wanted     the greatest sum_j -(N_j log|S_j| + tr(W_j S_j^-1)) / 2 within a structure
 *
 * In closed form, with diag(W) the diagonal alone and |.| the determinant:
 *   EII  tr(W) / (N d) I                EEI  diag(W) / N                  EEE  W / N
 *   VII  tr(W_j) / (N_j d) I            VVI  diag(W_j) / N_j              VVV  W_j / N_j
 *   EVI  (g / N) diag(W_j) / g_j,  g_j = |diag(W_j)|^(1/d), g their sum
 *   EVV  (g / N) W_j / g_j,        g_j = |W_j|^(1/d)
 *   EEV  L_j (sum of O_l) L_j' / N, W_j = L_j O_j L_j' with eigenvalues in rising order
 *
 * Reference: Celeux & Govaert (1995), Gaussian parsimonious clustering models, Pattern Recognition
 * 28, 781-793.
 */
#include "covmodel-turn.h"

#include "axes.h"
#include "linalg.h"
#include "volumes.h"

#include <math.h>
#include <string.h>

bool em_covmodel_is_diagonal(int structure)
{
    return structure <= EM_VVI;
}

/* A matrix for checks, a second one, k * d values, k volumes; then what an iteration needs. */
size_t em_covmodel_work(int structure, int d, int k)
{
    bool axes = structure == EM_EVE || structure == EM_VVE;
    size_t turn = axes ? em_axes_work(d, k) : em_volumes_work(d, k, structure != EM_VEE);
    return 3 * em_at(d, d) + em_at(k, d + 1) + turn;
}

void em_cov_pool(const em_covfit *f, double *out, int size)
{
    memset(out, 0, (size_t)size * sizeof(double));
    for (int j = 0; j < f->k; j++)
        for (int i = 0; i < size; i++)
            out[i] += em_cov_scatter(f, j)[i];
}

void em_cov_set_diagonal(double *cov, int d, const double *values, double factor)
{
    memset(cov, 0, em_at(d, d) * sizeof(double));
    for (int i = 0; i < d; i++)
        cov[em_at(i, d + 1)] = factor * values[i];
}

static void set_spherical(double *cov, int d, double variance)
{
    memset(cov, 0, em_at(d, d) * sizeof(double));
    for (int i = 0; i < d; i++)
        cov[em_at(i, d + 1)] = variance;
}

static double sum_of(const double *x, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += x[i];
    return sum;
}

/* One covariance from its rows and scatter w: of EII and VII, EEI and VVI, EEE and VVV. */
static void set_alone(const em_covfit *f, double rows, const double *w, double *cov)
{
    int d = f->d;

    if (f->structure <= EM_VII) {
        set_spherical(cov, d, sum_of(w, d) / (rows * d));
    } else if (em_covmodel_is_diagonal(f->structure)) {
        em_cov_set_diagonal(cov, d, w, 1 / rows);
    } else {
        for (int i = 0; i < d * d; i++)
            cov[i] = w[i] / rows;
    }
}

static void keep(const em_covfit *f, int j, double *cov)
{
    size_t size = em_at(f->d, f->d);
    memcpy(cov + em_at(j, f->d * f->d), f->old + em_at(j, f->d * f->d), size * sizeof(double));
}

/* EII, EEI, EEE */
static void maximise_common(const em_covfit *f, double *cov)
{
    int size = f->d * f->d;

    em_cov_pool(f, f->work, em_covmodel_is_diagonal(f->structure) ? f->d : size);
    set_alone(f, em_cov_rows(f), f->work, cov);
    for (int j = 1; j < f->k; j++)
        memcpy(cov + em_at(j, size), cov, (size_t)size * sizeof(double));
}

/* VII, VVI, VVV */
static void maximise_apart(const em_covfit *f, double *cov)
{
    for (int j = 0; j < f->k; j++)
        if (f->rows[j] > 0)
            set_alone(f, f->rows[j], em_cov_scatter(f, j), cov + em_at(j, f->d * f->d));
        else
            keep(f, j, cov);
}

double em_cov_volume(const em_covfit *f, const double *cov)
{
    int d = f->d;
    double log_det = 0;
    bool diagonal = em_covmodel_is_diagonal(f->structure);

    memcpy(f->work, cov, em_at(d, d) * sizeof(double));
    if (!diagonal && !em_cholesky(f->work, d))
        return 0;
    for (int i = 0; i < d; i++) {
        double x = f->work[em_at(i, d + 1)];
        if (!(x > 0))
            return 0;
        log_det += diagonal ? log(x) : 2 * log(x);
    }
    return exp(log_det / d);
}

void em_cov_scale(double *x, size_t n, double factor)
{
    for (size_t i = 0; i < n; i++)
        x[i] *= factor;
}

void em_cov_source(const em_covfit *f, int j, double *cov)
{
    if (!(f->rows[j] > 0))
        memcpy(cov, f->old + em_at(j, f->d * f->d), em_at(f->d, f->d) * sizeof(double));
    else if (em_covmodel_is_diagonal(f->structure))
        em_cov_set_diagonal(cov, f->d, em_cov_scatter(f, j), 1);
    else
        memcpy(cov, em_cov_scatter(f, j), em_at(f->d, f->d) * sizeof(double));
}

/* EVI, EVV */
static em_status maximise_equal_volume(const em_covfit *f, double *cov, int *component)
{
    size_t size = em_at(f->d, f->d);
    double sum = 0;

    for (int j = 0; j < f->k; j++) {
        double *cov_j = cov + size * (size_t)j;
        em_cov_source(f, j, cov_j);
        double volume = em_cov_volume(f, cov_j);
        *component = j + 1;
        if (!(volume > 0))
            return EM_COLLAPSED;
        em_cov_scale(cov_j, size, 1 / volume);
        sum += f->rows[j] > 0 ? volume : 0;
    }
    em_cov_scale(cov, size * (size_t)f->k, sum / em_cov_rows(f));
    return EM_OK;
}

/* ---- what is singular ---------------------------------------------------------------------- */

static bool is_singular(const em_covfit *f, const double *cov)
{
    int d = f->d;

    for (int i = 0; i < d; i++)
        if (!(cov[em_at(i, d + 1)] > EM_LEAST_VARIANCE))
            return true;
    if (em_covmodel_is_diagonal(f->structure))
        return false;
    memcpy(f->work, cov, em_at(d, d) * sizeof(double));
    return !em_cholesky(f->work, d);
}

/* Whether all components are singular where one is. */
static bool shares_shape(int structure)
{
    return structure == EM_EII || structure == EM_EEI || structure == EM_EEE ||
           structure == EM_EEV || structure == EM_VEI || structure == EM_VEE || structure == EM_VEV;
}

static em_status check(const em_covfit *f, const double *cov, int *component)
{
    for (int j = 0; j < f->k; j++) {
        *component = shares_shape(f->structure) ? 0 : j + 1;
        if (f->rows[j] > 0 && is_singular(f, cov + em_at(j, f->d * f->d)))
            return EM_COLLAPSED;
    }
    *component = 0;
    return EM_OK;
}

em_status em_covmodel_maximise(const em_covfit *f, double *cov, int *component)
{
    *component = 0;
    if (!(em_cov_rows(f) > 0)) {
        for (int j = 0; j < f->k; j++)
            keep(f, j, cov);
        return EM_OK;
    }
    em_status status = EM_OK;
    switch (f->structure) {
    case EM_EII:
    case EM_EEI:
    case EM_EEE:
        maximise_common(f, cov);
        break;
    case EM_VII:
    case EM_VVI:
    case EM_VVV:
        maximise_apart(f, cov);
        break;
    case EM_EVI:
    case EM_EVV:
        status = maximise_equal_volume(f, cov, component);
        break;
    case EM_VEI:
    case EM_VEE:
    case EM_VEV:
        status = em_cov_maximise_volumes(f, cov, component);
        break;
    case EM_EEV:
        em_cov_maximise_spectrum(f, cov);
        break;
    default: /* EVE, VVE */
        status = em_cov_maximise_axes(f, cov, component);
        break;
    }
    if (status != EM_OK)
        return status;
    return check(f, cov, component);
}
