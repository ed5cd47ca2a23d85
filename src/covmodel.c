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
#include "covmodel.h"

#include "eigen.h"
#include "linalg.h"

#include <math.h>
#include <string.h>

/* Variances of standardised columns that are no more than this are zero. */
static const double least_variance = 1e-40;

bool em_covmodel_is_diagonal(int structure)
{
    return structure <= EM_VVI;
}

size_t em_covmodel_work(int structure, int d, int k)
{
    (void)structure;
    return 3 * em_at(d, d) + 4 * (size_t)d + 2 * (size_t)k;
}

static const double *scatter_of(const em_covfit *f, int j)
{
    int size = em_covmodel_is_diagonal(f->structure) ? f->d : f->d * f->d;
    return f->scatter + em_at(j, size);
}

static double all_rows(const em_covfit *f)
{
    double rows = 0;
    for (int j = 0; j < f->k; j++)
        rows += f->rows[j];
    return rows;
}

/* out := sum of the scatters */
static void pool(const em_covfit *f, double *out, int size)
{
    memset(out, 0, (size_t)size * sizeof(double));
    for (int j = 0; j < f->k; j++)
        for (int i = 0; i < size; i++)
            out[i] += scatter_of(f, j)[i];
}

static void set_diagonal(double *cov, int d, const double *values, double factor)
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
        set_diagonal(cov, d, w, 1 / rows);
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

    pool(f, f->work, em_covmodel_is_diagonal(f->structure) ? f->d : size);
    set_alone(f, all_rows(f), f->work, cov);
    for (int j = 1; j < f->k; j++)
        memcpy(cov + em_at(j, size), cov, (size_t)size * sizeof(double));
}

/* VII, VVI, VVV */
static void maximise_apart(const em_covfit *f, double *cov)
{
    for (int j = 0; j < f->k; j++)
        if (f->rows[j] > 0)
            set_alone(f, f->rows[j], scatter_of(f, j), cov + em_at(j, f->d * f->d));
        else
            keep(f, j, cov);
}

/* ---- what is singular ---------------------------------------------------------------------- */

static bool is_singular(const em_covfit *f, const double *cov)
{
    int d = f->d;

    for (int i = 0; i < d; i++)
        if (!(cov[em_at(i, d + 1)] > least_variance))
            return true;
    if (em_covmodel_is_diagonal(f->structure))
        return false;
    memcpy(f->work, cov, em_at(d, d) * sizeof(double));
    return !em_cholesky(f->work, d);
}

static bool is_common(int structure)
{
    return structure == EM_EII || structure == EM_EEI || structure == EM_EEE;
}

static em_status check(const em_covfit *f, const double *cov, int *component)
{
    for (int j = 0; j < f->k; j++) {
        *component = is_common(f->structure) || f->structure == EM_EEV ? 0 : j + 1;
        if (f->rows[j] > 0 && is_singular(f, cov + em_at(j, f->d * f->d)))
            return EM_COLLAPSED;
    }
    *component = 0;
    return EM_OK;
}

em_status em_covmodel_maximise(const em_covfit *f, double *cov, int *component)
{
    *component = 0;
    if (!(all_rows(f) > 0)) {
        for (int j = 0; j < f->k; j++)
            keep(f, j, cov);
        return EM_OK;
    }
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
    default: /* not yet here */
        return EM_DIVERGED;
    }
    return check(f, cov, component);
}
