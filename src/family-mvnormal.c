/* The multivariate normal family, d columns.
 *
 *   parameters   mean_1 .. mean_k (d each), cov_1 .. cov_k (d x d each, both triangles)
 *   options      the covariance structure (covmodel.h); are values missing
 *                (family-mvnormal-missing.c)
 *   y            x - mean_j, with the mean in force
 *   W            inverse of the lower Cholesky factor of cov_j: cov_j^-1 = W' W
 *   density      log f_j(x) = log |W| - d log(2 pi) / 2 - |W y|^2 / 2
 *   sums         S1 = sum p y,  S2 = sum p y y'   (p: share times weight; N = sum p)
 *                S2: the lower triangle by columns; for diagonal structures the diagonal
 *   maximum      mean' = mean + S1 / N;  scatter about it S2 - S1 S1' / N, of which covmodel.c
 *                makes the covariances
 *
 * Sums are about the old mean: S1 / N tends to 0 as EM converges, so that nothing cancels, in one
 * pass, wherever the data are.
 *
 * The prior (Fraley & Raftery 2007): mean_j | cov_j normal about m with covariance cov_j / kappa,
 * cov_j inverse Wishart with nu degrees of freedom and scale L:
 *   log prior = sum_j [-(nu + d + 2) log |cov_j| / 2
 *                      - (tr(L cov_j^-1) + kappa (mean_j - m)' cov_j^-1 (mean_j - m)) / 2]
 * It adds kappa rows at m to each mean, and L and kappa (mean - m)(mean - m)' over nu + d + 2 rows
 * to each scatter. One covariance common to all has its nu + d + 1 rows and L once.
 *
 * A common mean with different covariances has no closed form: means and covariances are
 * maximised in turn, on the sums alone, until they stand still.
 */
#include "family-mvnormal.h"
#include "linalg.h"
#include "mvkernel.h"
#include "prior.h"
#include "vector.h"

#include <float.h>
#include <math.h>
#include <string.h>

static const double half_log_2pi = 0.918938533204672741780329736406;

/* Data arrive with spreads between 1 and 2: no spread that matters is smaller than this. */
static const double smallest_sd = 1e-20;

/* Shares below this change no sum. */
static const double negligible = 0x1p-60;

/* Lengths are of type int: parameters, constants, sums and the M-step's work, some of which grows
 * with the square of k. */
static bool mv_accepts(const em_model *m)
{
    double structure = m->options[EM_MV_STRUCTURE], missing = m->options[EM_MV_MISSING];
    double each = (double)m->columns * (m->columns + 1);

    return structure >= 0 && structure < EM_COV_STRUCTURES && (missing == 0 || missing == 1) &&
           !(missing == 1 && m->columns > EM_MV_MOST_MISSING) && 4 * each * m->k < 2e9 &&
           (double)em_covmodel_work((int)structure, m->columns, m->k) < 1e9;
}

static int mv_n_constants(const em_model *m)
{
    return m->k * em_mv_constants_each(m) + m->columns * m->columns;
}

static int mv_n_prior(const em_model *m)
{
    return EM_MV_PRIOR_MEAN + m->columns * (1 + m->columns);
}

static bool all_finite(const double *x, int n)
{
    for (int i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return false;
    return true;
}

/* A spread below the spacing of numbers around the mean is no spread. */
static bool has_spread(double mean, double sd)
{
    return sd > smallest_sd && sd > 4 * DBL_EPSILON * fabs(mean);
}

/* w := the inverse of the lower triangular matrix l (by columns), packed by rows; returns the log
 * of its determinant. */
static double invert_factor(const double *l, int d, double *w)
{
    double log_det = 0;

    for (int r = 0; r < d; r++) {
        double *row = w + em_triangle(r), root = l[em_at(r, d) + (size_t)r];
        memset(row, 0, (size_t)r * sizeof(double));
        for (int t = 0; t < r; t++)
            em_add_times(row, -l[em_at(t, d) + (size_t)r] / root, w + em_triangle(t), t + 1);
        row[r] = 1 / root;
        log_det -= log(root);
    }
    return log_det;
}

static em_status prepare_full(const double *mean, const double *cov, int d, double *w,
                              double *factor, double *log_det)
{
    memcpy(factor, cov, em_at(d, d) * sizeof(double));
    if (!em_cholesky(factor, d))
        return EM_COLLAPSED;
    for (int r = 0; r < d; r++)
        if (!has_spread(mean[r], factor[em_at(r, d) + (size_t)r]))
            return EM_COLLAPSED;
    *log_det = invert_factor(factor, d, w);
    return EM_OK;
}

static em_status prepare_diagonal(const double *mean, const double *cov, int d, double *inverse_sd,
                                  double *log_det)
{
    *log_det = 0;
    for (int c = 0; c < d; c++) {
        double variance = cov[em_at(c, d) + (size_t)c], sd = sqrt(variance > 0 ? variance : 0);
        if (!has_spread(mean[c], sd))
            return EM_COLLAPSED;
        inverse_sd[c] = 1 / sd;
        *log_det -= log(sd);
    }
    return EM_OK;
}

static em_status mv_prepare(const em_model *m, const double *par, double *constants, int *component)
{
    int d = m->columns, each = em_mv_constants_each(m);
    double *factor = constants + em_at(m->k, each);

    for (int j = 0; j < m->k; j++) {
        const double *mean = em_mv_mean(m, par, j), *cov = em_mv_cov(m, par, j);
        double *c = constants + em_at(j, each), log_det = 0;
        *component = j + 1;
        if (!all_finite(mean, d) || !all_finite(cov, d * d))
            return EM_DIVERGED;
        memcpy(c, mean, (size_t)d * sizeof(double));
        em_status status = em_mv_is_diagonal(m)
                               ? prepare_diagonal(mean, cov, d, c + d, &log_det)
                               : prepare_full(mean, cov, d, c + d, factor, &log_det);
        if (status != EM_OK)
            return status;
        c[d + em_mv_squares(m)] = log_det - d * half_log_2pi;
        if (em_mv_has_missing(m))
            memcpy(c + d + em_mv_squares(m) + 1, cov, em_at(d, d) * sizeof(double));
    }
    return EM_OK;
}

static void density(const em_model *m, const em_mv_constants *c, const double *x, em_index stride,
                    int rows, double *out)
{
    int d = m->columns;

    if (em_mv_is_diagonal(m))
        em_mv_density_diagonal(x, stride, rows, d, c->mean, c->w, c->log_constant, out);
    else
        em_mv_density(x, stride, rows, d, c->mean, c->w, c->log_constant, out);
}

static void mv_log_density(const em_model *m, const double *constants, const em_tile *tile,
                           double *out)
{
    em_mv_gaps gaps;
    bool any = em_mv_has_missing(m) && em_mv_find_gaps(tile, m->columns, &gaps);

    for (int j = 0; j < m->k; j++) {
        em_mv_constants c = em_mv_constants_of(m, constants, j);
        density(m, &c, tile->x, tile->stride, tile->rows, out + em_at(j, EM_TILE));
        if (any)
            em_mv_density_gaps(m, &c, tile, &gaps, out + em_at(j, EM_TILE));
    }
}

static double largest(const double *p, int rows)
{
    double most = 0;
    for (int i = 0; i < rows; i++)
        most = p[i] > most ? p[i] : most;
    return most;
}

/* Would rows of such shares change no sum? (Where no share is small, one sum of all tells.) */
static bool is_negligible(const em_tile *tile, const double *p, double n)
{
    if (n >= negligible * EM_TILE && tile->weight == NULL)
        return false;
    double row = tile->weight == NULL ? 1 : largest(tile->weight, tile->rows);
    return largest(p, tile->rows) < negligible * row;
}

static void scatter(const em_model *m, const em_mv_constants *c, const double *x, em_index stride,
                    int rows, const double *p, double *s1)
{
    int d = m->columns;

    if (em_mv_is_diagonal(m))
        em_mv_scatter_diagonal(x, stride, rows, d, c->mean, p, s1, s1 + d);
    else
        em_mv_scatter(x, stride, rows, d, c->mean, p, s1, s1 + d);
}

/* p of component j; its mass grows. False where that changes nothing. */
static bool weigh(const em_tile *tile, const double *share, const double *scale, int j, double *p,
                  double *mass)
{
    em_product(share + em_at(j, EM_TILE), scale, tile->rows, p);
    double n = em_sum(p, tile->rows);
    if (is_negligible(tile, p, n))
        return false;
    mass[j] += n;
    return true;
}

static bool accumulate_missing(const em_model *m, const double *constants, const em_tile *tile,
                               const double *share, const double *scale, double *mass, double *sums)
{
    em_mv_gaps gaps;
    double filled[EM_MV_MOST_MISSING * EM_TILE] EM_ALIGNED, p[EM_TILE] EM_ALIGNED;
    size_t bytes = (size_t)tile->rows * sizeof(double);

    if (!em_mv_find_gaps(tile, m->columns, &gaps))
        return false;
    for (int column = 0; column < m->columns; column++)
        memcpy(filled + em_at(column, EM_TILE), em_column(tile, column), bytes);
    for (int j = 0; j < m->k; j++) {
        em_mv_constants c = em_mv_constants_of(m, constants, j);
        double *s1 = sums + em_at(j, em_mv_sums(m));
        if (!weigh(tile, share, scale, j, p, mass))
            continue;
        em_mv_fill_gaps(m, &c, tile, &gaps, p, filled, s1 + m->columns);
        scatter(m, &c, filled, EM_TILE, tile->rows, p, s1);
    }
    return true;
}

static void mv_accumulate(const em_model *m, const double *constants, const em_tile *tile,
                          const double *share, const double *scale, double *mass, double *sums)
{
    double p[EM_TILE] EM_ALIGNED;

    if (em_mv_has_missing(m) && accumulate_missing(m, constants, tile, share, scale, mass, sums))
        return;
    for (int j = 0; j < m->k; j++) {
        em_mv_constants c = em_mv_constants_of(m, constants, j);
        if (weigh(tile, share, scale, j, p, mass))
            scatter(m, &c, tile->x, tile->stride, tile->rows, p, sums + em_at(j, em_mv_sums(m)));
    }
}

/* |W v|^2 */
static double distance(const em_model *m, const double *w, const double *v)
{
    double sum = 0;

    for (int r = 0; r < m->columns; r++) {
        double z = em_mv_is_diagonal(m) ? w[r] * v[r] : em_inner(w + em_triangle(r), v, r + 1);
        sum += z * z;
    }
    return sum;
}

/* tr(W scale W') */
static double trace_of(const em_model *m, const double *w, const double *scale)
{
    int d = m->columns;
    double sum = 0;

    for (int r = 0; r < d; r++) {
        const double *row = w + em_triangle(r);
        if (em_mv_is_diagonal(m))
            sum += w[r] * w[r] * scale[em_at(r, d) + (size_t)r];
        else
            for (int c = 0; c <= r; c++)
                sum += row[c] * em_inner(scale + em_at(c, d), row, r + 1);
    }
    return sum;
}

static double mv_log_prior(const em_model *m, const double *prior, const double *constants,
                           const double *par, double *gradient, double *information)
{
    int d = m->columns;
    double value = 0, off[EM_TILE];

    (void)par, (void)gradient, (void)information;
    for (int j = 0; j < m->k; j++) {
        em_mv_constants c = em_mv_constants_of(m, constants, j);
        double half_log_det = -(c.log_constant + d * half_log_2pi);
        bool own = !em_mv_all_equal(m);
        double rows = own ? prior[EM_MV_DF] + d + 2 : 1 + (j == 0 ? prior[EM_MV_DF] + d + 1 : 0);
        for (int r = 0; r < d; r++)
            off[r] = c.mean[r] - prior[EM_MV_PRIOR_MEAN + r];
        double squares = prior[EM_MV_SHRINKAGE] * distance(m, c.w, off);
        if (own || j == 0)
            squares += trace_of(m, c.w, prior + EM_MV_PRIOR_MEAN + d);
        value -= rows * half_log_det + 0.5 * squares;
    }
    return value;
}

/* No boundary but collapse. */
static bool mv_snap(const em_model *m, const int *held, const double *sums, const double *par,
                    double row, bool leave, double *moved)
{
    (void)held, (void)sums, (void)row, (void)leave;
    memcpy(moved, par, (size_t)em_mv_parameters(m) * sizeof(double));
    return false;
}

const em_family em_family_mvnormal = {
    .name = "mvnormal",
    .columns = 0,
    .n_parameters = em_mv_parameters,
    .n_constants = mv_n_constants,
    .n_sums = em_mv_sums,
    .n_work = em_mv_n_work,
    .n_options = EM_MV_OPTIONS,
    .accepts = mv_accepts,
    .collapses = true,
    .prepare = mv_prepare,
    .log_density = mv_log_density,
    .accumulate = mv_accumulate,
    .maximise = em_mv_maximise,
    .n_prior = mv_n_prior,
    .log_prior = mv_log_prior,
    .n_free = 0,
    .natural = em_mv_natural,
    .recentre = em_mv_recentre,
    .snap = mv_snap,
};
