/* The M-steps of covariances that need eigenvectors or an iteration; symbols as in covmodel.c.
 *
 *   EEV            L_j (sum of O_l) L_j' / N, W_j = L_j O_j L_j' with eigenvalues in rising order
 *   VEI, VEE, VEV  exp(u_j) C by em_volumes_find(); VEV is VEI with O_j for W_j, turned back by L_j
 *   EVE, VVE       D diag(B_j) D' by em_axes_find()
 */
#include "covmodel-turn.h"

#include "axes.h"
#include "eigen.h"
#include "linalg.h"
#include "volumes.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* ---- orientations that vary: EEV, VEV -------------------------------------------------------- */

/* The eigenvectors of each W_j into cov, the eigenvalues, d each, into values. */
static void decompose(const em_covfit *f, double *cov, double *values, double *scratch)
{
    for (int j = 0; j < f->k; j++) {
        double *cov_j = cov + em_at(j, f->d * f->d), *values_j = values + em_at(j, f->d);
        em_cov_source(f, j, cov_j);
        em_eigen(cov_j, f->d, values_j, scratch, f->poll);
        for (int i = 0; i < f->d; i++)
            values_j[i] = values_j[i] > 0 ? values_j[i] : 0;
    }
}

void em_cov_maximise_spectrum(const em_covfit *f, double *cov)
{
    int d = f->d;
    double *scratch = f->work + em_at(d, d), *values = scratch + em_at(d, d);
    double *spectrum = values + em_at(f->k, d), n = em_cov_rows(f);

    decompose(f, cov, values, scratch);
    memset(spectrum, 0, (size_t)d * sizeof(double));
    for (int j = 0; j < f->k; j++)
        for (int i = 0; i < d && f->rows[j] > 0; i++)
            spectrum[i] += values[em_at(j, d) + (size_t)i] / n;
    for (int j = 0; j < f->k; j++)
        em_eigen_compose(cov + em_at(j, d * d), d, spectrum, scratch);
}

/* ---- volumes that vary: VEI, VEE, VEV -------------------------------------------------------- */

/* Logs of the volumes in force; all are new where one of them cannot be told. */
static em_status start_volumes(const em_covfit *f, double *u, int *component)
{
    bool known = true;

    for (int j = 0; j < f->k; j++) {
        double trace = 0;
        u[j] = log(em_cov_volume(f, f->old + em_at(j, f->d * f->d)));
        known = known && isfinite(u[j]);
        for (int i = 0; i < f->d; i++)
            trace += em_cov_scatter(
                f, j)[em_covmodel_is_diagonal(f->structure) ? (size_t)i : em_at(i, f->d + 1)];
        *component = j + 1;
        if (f->rows[j] > 0 && !(trace > f->rows[j] * EM_LEAST_VARIANCE))
            return EM_COLLAPSED;
    }
    for (int j = 0; j < f->k && !known; j++)
        u[j] = 0;
    return EM_OK;
}

/* Mean of the logs of what the volume is of: C itself, or its eigenvalues. */
static double log_volume(const em_covfit *f, const double *common)
{
    double log_det = 0;

    if (f->structure == EM_VEE)
        return log(em_cov_volume(f, common));
    for (int i = 0; i < f->d; i++)
        log_det += log(common[i]);
    return log_det / f->d;
}

/* The covariances exp(u_j) C; an empty component keeps its volume. */
static void set_volumes(const em_covfit *f, const double *u, double *common, double *scratch,
                        double *cov)
{
    int d = f->d;
    double level = log_volume(f, common);

    for (int j = 0; j < f->k; j++) {
        double factor = exp(f->rows[j] > 0 ? u[j] : u[j] - level), *cov_j = cov + em_at(j, d * d);
        if (f->structure == EM_VEI)
            em_cov_set_diagonal(cov_j, d, common, 1);
        else if (f->structure == EM_VEE)
            memcpy(cov_j, common, em_at(d, d) * sizeof(double));
        else
            em_eigen_compose(cov_j, d, common, scratch);
        em_cov_scale(cov_j, em_at(d, d), factor);
    }
}

em_status em_cov_maximise_volumes(const em_covfit *f, double *cov, int *component)
{
    int d = f->d;
    double *scratch = f->work + em_at(d, d), *common = scratch + em_at(d, d);
    double *values = common + em_at(d, d), *u = values + em_at(f->k, d);
    em_volumes v = {d, f->k, f->structure != EM_VEE, f->rows, f->scatter, u + f->k, f->poll};

    if (f->structure == EM_VEV) {
        decompose(f, cov, values, scratch);
        v.scatter = values;
    }
    if (start_volumes(f, u, component) != EM_OK)
        return EM_COLLAPSED;
    *component = 0;
    if (!em_volumes_find(&v, u, common, NULL))
        return EM_COLLAPSED;
    set_volumes(f, u, common, scratch, cov);
    return EM_OK;
}

/* ---- axes in common: EVE, VVE ---------------------------------------------------------------- */

/* Axes of the covariances in force: eigenvectors of a sum of them all, in which factors without a
 * common measure keep two axes apart where not all components have them equal. False where these
 * are the columns: a start that says nothing of axes. */
static bool axes_in_force(const em_covfit *f, double *axes, double *values, double *scratch)
{
    size_t size = em_at(f->d, f->d);
    bool turned = false;

    memset(axes, 0, size * sizeof(double));
    for (int j = 0; j < f->k; j++) {
        const double *old = f->old + size * (size_t)j;
        double trace = 0;
        for (int i = 0; i < f->d; i++)
            trace += old[em_at(i, f->d + 1)];
        em_add_times(axes, sqrt(1 + j) / trace, old, (int)size);
    }
    for (size_t i = 0; i < size; i++)
        turned = turned || (i % (size_t)(f->d + 1) != 0 && axes[i] != 0);
    em_eigen(axes, f->d, values, scratch, f->poll);
    return turned;
}

/* Axes of W_j, for j < 0 of the pooled scatter. */
static void axes_of(const em_covfit *f, int j, double *axes, double *values, double *scratch)
{
    size_t size = em_at(f->d, f->d);

    if (j < 0)
        em_cov_pool(f, axes, (int)size);
    else
        memcpy(axes, em_cov_scatter(f, j), size * sizeof(double));
    em_eigen(axes, f->d, values, scratch, f->poll);
}

/* The best axes from those in force, or from those of the pooled scatter if these are better to
 * start from; where those in force say nothing, from each W_j's too, the whole way. `best` has room
 * for one matrix, and so has f->work. */
static void find_axes(const em_covfit *f, const em_axes *a, double *axes, double *spread,
                      double *scratch, double *best)
{
    size_t bytes = em_at(f->d, f->d) * sizeof(double);
    bool turned = axes_in_force(f, axes, spread, scratch);
    double in_force = em_axes_value(a, axes, spread);

    axes_of(f, -1, f->work, spread, scratch);
    if (!(in_force <= em_axes_value(a, f->work, spread)))
        memcpy(axes, f->work, bytes);
    double value = em_axes_find(a, axes, spread, NULL);
    memcpy(best, axes, bytes);
    for (int j = 0; j < f->k && !turned && f->d > 1; j++) {
        axes_of(f, j, axes, spread, scratch);
        double other = f->rows[j] > 0 ? em_axes_find(a, axes, spread, NULL) : value;
        if (other < value)
            memcpy(best, axes, bytes);
        value = other < value ? other : value;
    }
    memcpy(axes, best, bytes);
    em_axes_value(a, axes, spread);
}

/* The spreads of an empty component are those that it has in force along the axes. */
static void keep_spread(const em_covfit *f, int j, const double *axes, double *spread,
                        double *scratch)
{
    em_matrix_product(f->old + em_at(j, f->d * f->d), axes, f->d, scratch);
    for (int i = 0; i < f->d; i++)
        spread[i] = em_inner(axes + em_at(i, f->d), scratch + em_at(i, f->d), f->d);
}

/* Spreads, d per component, into variances: of one volume (EVE) or as they are (VVE). */
static void set_variances(const em_covfit *f, double *spread)
{
    double sum = 0, rows = em_cov_rows(f);

    for (int j = 0; j < f->k; j++) {
        double logs = 0, *spread_j = spread + em_at(j, f->d), n = f->rows[j];
        for (int i = 0; i < f->d; i++)
            logs += log(spread_j[i]);
        double volume = exp(logs / f->d);
        sum += n > 0 ? volume : 0;
        em_cov_scale(spread_j, (size_t)f->d, 1 / (f->structure == EM_EVE ? volume : n > 0 ? n : 1));
    }
    if (f->structure == EM_EVE)
        em_cov_scale(spread, em_at(f->k, f->d), sum / rows);
}

/* The first component, from 1, with a spread that is nothing but rounding; 0: none. */
static int flat_component(const em_covfit *f, const double *spread)
{
    for (int j = 0; j < f->k; j++) {
        double least = INFINITY, most = 0;
        for (int i = 0; i < f->d && f->rows[j] > 0; i++) {
            double x = spread[em_at(j, f->d) + (size_t)i];
            least = x > least ? least : x;
            most = x > most ? x : most;
        }
        if (f->rows[j] > 0 && !(least > 4 * f->d * DBL_EPSILON * most))
            return j + 1;
    }
    return 0;
}

em_status em_cov_maximise_axes(const em_covfit *f, double *cov, int *component)
{
    size_t size = em_at(f->d, f->d);
    double *scratch = f->work + size, *axes = scratch + size, *spread = axes + size;
    em_axes a = {f->d,    f->k,       f->structure == EM_EVE,
                 f->rows, f->scatter, spread + em_at(f->k, f->d),
                 f->poll};

    find_axes(f, &a, axes, spread, scratch, cov);
    *component = flat_component(f, spread);
    if (*component > 0)
        return EM_COLLAPSED;
    for (int j = 0; j < f->k; j++)
        if (!(f->rows[j] > 0))
            keep_spread(f, j, axes, spread + em_at(j, f->d), scratch);
    set_variances(f, spread);
    for (int j = 0; j < f->k; j++) {
        double *cov_j = cov + size * (size_t)j;
        memcpy(cov_j, axes, size * sizeof(double));
        em_eigen_compose(cov_j, f->d, spread + em_at(j, f->d), scratch);
    }
    return EM_OK;
}
