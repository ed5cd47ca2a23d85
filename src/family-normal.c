/* The univariate normal family.
 *
 *   parameters   mean_1 .. mean_k, sd_1 .. sd_k   (blocks 0 and 1 of `equal`)
 *   z            (x - mean_j) / sd_j, with the parameters in force
 *   density      log f_j(x) = -log sd_j - log(2 pi)/2 - z^2/2
 *   sums         S1 = sum p z,  S2 = sum p z^2   (p: share times weight; N = sum p)
 *   maximum      mean'  = mean + sd S1/N
 *                sd'    = sd sqrt(S2/N - (S1/N)^2)            sd of its own
 *                sd'^2  = sum_j sd_j^2 (S2_j - S1_j^2/N_j) / sum_j N_j    common sd
 *
 * z is about the old mean and in units of the old sd: S1/N tends to 0 and S2/N to 1 as EM
 * converges, so the difference cancels nothing whatever the data's location and scale, in
 * one pass (Chan, Golub & LeVeque 1983 give the danger of the textbook formula).
 *
 * The prior (Fraley & Raftery 2007): mean_j | sd_j normal about m with variance sd_j^2 / kappa,
 * sd_j^2 inverse gamma with nu degrees of freedom and scale s2:
 *   log prior = sum_j [-(nu + 3) log sd_j - (s2 + kappa (mean_j - m)^2) / (2 sd_j^2)]
 * It adds kappa rows at m to each mean, and s2 + kappa (mean - m)^2 over nu + 3 rows to each
 * variance. A common sd has its nu + 2 and s2 once.
 *
 * A common mean with different sds has no closed form: mean and sds are maximised in turn,
 * on the sums alone, until they stand still. Each turn raises the expected log-likelihood.
 */
#include "latent.h"
#include "numerics.h"
#include "prior.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { EQUAL_MEAN = 1u, EQUAL_SD = 2u };
enum { C_MEAN, C_INVERSE_SD, C_LOG, N_CONSTANTS }; /* one of each per component */
enum { S1, S2, N_SUMS };
enum { P_MEAN, P_SHRINKAGE, P_DF, P_SCALE, N_PRIOR };

static const double half_log_2pi = 0.918938533204672741780329736406;

/* Data arrive with an sd between 1 and 2: no spread that matters is smaller than this. */
static const double smallest_sd = 1e-20;

/* What the maximisation works on. */
typedef struct {
    int k;
    const double *mass, *sums, *old_mean, *old_sd;
    double *mean, *sd;
    const int *held_mean, *held_sd;
    double shrinkage, prior_mean, df, scale; /* kappa, m, nu + 2, s2; all 0 without a prior */
    double per_mean;                         /* 1 with a prior: each mean's own log sd */
} normal_fit;

static int normal_n_parameters(const em_model *m)
{
    return 2 * m->k;
}

static int normal_n_constants(const em_model *m)
{
    return N_CONSTANTS * m->k;
}

static int normal_n_sums(const em_model *m)
{
    (void)m;
    return N_SUMS;
}

/* A spread below the spacing of numbers around the mean is no spread. */
static bool has_spread(double mean, double sd)
{
    return sd > smallest_sd && sd > 4 * DBL_EPSILON * fabs(mean);
}

static int normal_n_prior(const em_model *m)
{
    (void)m;
    return N_PRIOR;
}

static em_status normal_prepare(const em_model *m, const double *par, double *constants,
                                int *component)
{
    const double *mean = par, *sd = par + m->k;
    const int *held_sd = m->held + m->latent->n_parameters(m) + m->k;

    for (int j = 0; j < m->k; j++) {
        double *c = constants + em_at(j, N_CONSTANTS);
        *component = j + 1;
        if (!isfinite(mean[j]) || !isfinite(sd[j]))
            return EM_DIVERGED;
        if (!(sd[j] > 0) || (!held_sd[j] && !has_spread(mean[j], sd[j])))
            return EM_COLLAPSED;
        c[C_MEAN] = mean[j];
        c[C_INVERSE_SD] = 1 / sd[j];
        c[C_LOG] = -log(sd[j]) - half_log_2pi;
    }
    return EM_OK;
}

EM_KERNEL
static void normal_log_density(const em_model *m, const double *constants, const em_tile *tile,
                               double *out)
{
    for (int j = 0; j < m->k; j++) {
        const double *c = constants + em_at(j, N_CONSTANTS), *x = tile->x;
        double mean = c[C_MEAN], inverse_sd = c[C_INVERSE_SD], log_constant = c[C_LOG];
        double *out_j = out + em_at(j, EM_TILE);
#pragma omp simd
        for (int i = 0; i < tile->rows; i++) {
            double z = (x[i] - mean) * inverse_sd;
            out_j[i] = log_constant - 0.5 * (z * z);
        }
    }
}

EM_KERNEL
static void normal_accumulate(const em_model *m, const double *constants, const em_tile *tile,
                              const double *share, const double *scale, double *mass, double *sums)
{
    for (int j = 0; j < m->k; j++) {
        const double *c = constants + em_at(j, N_CONSTANTS), *share_j = share + em_at(j, EM_TILE);
        const double *x = tile->x;
        double mean = c[C_MEAN], inverse_sd = c[C_INVERSE_SD], n = 0, s1 = 0, s2 = 0;
#pragma omp simd reduction(+ : n, s1, s2)
        for (int i = 0; i < tile->rows; i++) {
            double p = share_j[i] * scale[i], z = (x[i] - mean) * inverse_sd, pz = p * z;
            n += p;
            s1 += pz;
            s2 += pz * z;
        }
        mass[j] += n;
        sums[em_at(j, N_SUMS) + S1] += s1;
        sums[em_at(j, N_SUMS) + S2] += s2;
    }
}

/* Sum of squares of component j about `mean`, in data units. */
static double squares_about(const normal_fit *f, int j, double mean)
{
    double s = f->old_sd[j], shift = (mean - f->old_mean[j]) / s;
    const double *sums = f->sums + em_at(j, N_SUMS);
    double ss = sums[S2] - 2 * shift * sums[S1] + shift * shift * f->mass[j];
    return ss > 0 ? s * s * ss : 0;
}

static void own_means(const normal_fit *f)
{
    for (int j = 0; j < f->k; j++) {
        double rows = f->mass[j] + f->shrinkage;
        double pull = f->old_sd[j] * f->sums[em_at(j, N_SUMS) + S1] +
                      f->shrinkage * (f->prior_mean - f->old_mean[j]);
        bool keep = f->held_mean[j] || !(rows > 0);
        f->mean[j] = keep ? f->old_mean[j] : f->old_mean[j] + pull / rows;
    }
}

/* The mean common to all, given the sds: weighted by precision. */
static void common_mean(const normal_fit *f)
{
    double precision = 0, pull = 0, origin = f->old_mean[0];

    for (int j = 0; j < f->k; j++) {
        double s = f->old_sd[j], v = f->sd[j] * f->sd[j];
        precision += (f->mass[j] + f->shrinkage) / v;
        pull += (f->mass[j] * (f->old_mean[j] - origin) + s * f->sums[em_at(j, N_SUMS) + S1] +
                 f->shrinkage * (f->prior_mean - origin)) /
                v;
    }
    for (int j = 0; j < f->k; j++)
        f->mean[j] =
            f->held_mean[0] || !(precision > 0) ? f->old_mean[j] : origin + pull / precision;
}

/* Squares of component j, with those of its mean's prior. */
static double all_squares(const normal_fit *f, int j)
{
    double off = f->mean[j] - f->prior_mean;
    return squares_about(f, j, f->mean[j]) + f->shrinkage * off * off;
}

static void own_sds(const normal_fit *f)
{
    for (int j = 0; j < f->k; j++) {
        double rows = f->mass[j] + f->df + f->per_mean;
        bool keep = f->held_sd[j] || !(rows > 0);
        f->sd[j] = keep ? f->old_sd[j] : sqrt((all_squares(f, j) + f->scale) / rows);
    }
}

static void common_sd(const normal_fit *f)
{
    double squares = f->scale, rows = f->df;

    for (int j = 0; j < f->k; j++) {
        squares += all_squares(f, j);
        rows += f->mass[j] + f->per_mean;
    }
    for (int j = 0; j < f->k; j++)
        f->sd[j] = f->held_sd[0] || !(rows > 0) ? f->old_sd[j] : sqrt(squares / rows);
}

static void maximise_sds(const normal_fit *f, unsigned equal)
{
    if (equal & EQUAL_SD)
        common_sd(f);
    else
        own_sds(f);
}

/* Mean and sds in turn; the mean's last step, in sds, tells when they stand still. */
static void common_mean_and_sds(const normal_fit *f, unsigned equal)
{
    for (int j = 0; j < f->k; j++)
        f->sd[j] = f->old_sd[j];
    for (int turn = 0; turn < 200; turn++) {
        double before = turn ? f->mean[0] : f->old_mean[0], narrowest = DBL_MAX;
        common_mean(f);
        maximise_sds(f, equal);
        for (int j = 0; j < f->k; j++)
            narrowest = f->sd[j] < narrowest ? f->sd[j] : narrowest;
        if (!(fabs(f->mean[0] - before) > DBL_EPSILON * narrowest))
            break;
    }
}

static em_status normal_maximise(const em_model *m, const int *held, const double *mass,
                                 const double *sums, const double *old, double *par,
                                 const em_work *work, int *component)
{
    int k = m->k;
    normal_fit f = {.k = k,
                    .mass = mass,
                    .sums = sums,
                    .old_mean = old,
                    .old_sd = old + k,
                    .mean = par,
                    .sd = par + k,
                    .held_mean = held,
                    .held_sd = held + k};

    (void)work;
    const double *prior = em_prior_family(m);
    if (prior != NULL) {
        f.shrinkage = prior[P_SHRINKAGE];
        f.prior_mean = prior[P_MEAN];
        f.df = prior[P_DF] + 2;
        f.scale = prior[P_SCALE];
        f.per_mean = 1;
    }
    if (m->equal & EQUAL_MEAN) {
        common_mean_and_sds(&f, m->equal);
    } else {
        own_means(&f);
        maximise_sds(&f, m->equal);
    }
    for (int j = 0; j < k; j++) {
        *component = j + 1;
        if (!f.held_sd[j] && mass[j] > 0 && !has_spread(f.mean[j], f.sd[j]))
            return EM_COLLAPSED;
    }
    return EM_OK;
}

/* Free coordinates: mean (in data units) and log sd. With z about the mean in force,
 *   d log f / d mean = z / sd          -d2: 1/sd^2           2 z / sd
 *   d log f / d log sd = z^2 - 1                             2 z^2            */
EM_KERNEL
static void normal_scores(const em_model *m, const double *constants, const em_tile *tile,
                          double *out)
{
    for (int j = 0; j < m->k; j++) {
        const double *c = constants + em_at(j, N_CONSTANTS);
        double mean = c[C_MEAN], inverse_sd = c[C_INVERSE_SD];
        double *by_mean = out + em_at(2 * j, EM_TILE), *by_log_sd = by_mean + EM_TILE;
#pragma omp simd
        for (int i = 0; i < tile->rows; i++) {
            double z = (tile->x[i] - mean) * inverse_sd;
            by_mean[i] = z * inverse_sd;
            by_log_sd[i] = z * z - 1;
        }
    }
}

static void normal_gradient(const em_model *m, const double *par, const double *mass,
                            const double *sums, double *out)
{
    for (int j = 0; j < m->k; j++) {
        const double *s = sums + em_at(j, N_SUMS);
        out[em_at(j, 2)] = s[S1] / par[m->k + j];
        out[em_at(j, 2) + 1] = s[S2] - mass[j];
    }
}

static void normal_information(const em_model *m, const double *par, const double *mass,
                               const double *sums, double *observed, double *expected)
{
    for (int j = 0; j < m->k; j++) {
        double *o = observed + em_at(j, 4), *e = expected + em_at(j, 4), sd = par[m->k + j];
        const double *s = sums + em_at(j, N_SUMS);
        o[0] = e[0] = mass[j] / (sd * sd);
        o[1] = o[2] = 2 * s[S1] / sd;
        o[3] = 2 * s[S2];
        e[1] = e[2] = 0;
        e[3] = 2 * mass[j];
    }
}

/* A common sd's own part is component 1's: shared coordinates are added up. */
static double normal_log_prior(const em_model *m, const double *prior, const double *constants,
                               const double *par, double *gradient, double *information)
{
    double value = 0;

    (void)constants;
    for (int j = 0; j < m->k; j++) {
        double off = par[j] - prior[P_MEAN], sd = par[m->k + j], kappa = prior[P_SHRINKAGE];
        bool own = !(m->equal & EQUAL_SD) || j == 0;
        double rows = 1 + (own ? prior[P_DF] + 2 : 0);
        double squares = (kappa * off * off + (own ? prior[P_SCALE] : 0)) / (sd * sd);
        value -= rows * log(sd) + 0.5 * squares;
        if (gradient == NULL)
            continue;
        gradient[em_at(j, 2)] -= kappa * off / (sd * sd);
        gradient[em_at(j, 2) + 1] += squares - rows;
        double *o = information + em_at(j, 4);
        o[0] += kappa / (sd * sd);
        o[1] -= 2 * kappa * off / (sd * sd);
        o[2] -= 2 * kappa * off / (sd * sd);
        o[3] += 2 * squares;
    }
    return value;
}

static void normal_move(const em_model *m, const double *par, const double *step, double *moved)
{
    int k = m->k;
    for (int j = 0; j < k; j++) {
        moved[j] = par[j] + step[em_at(j, 2)];
        moved[k + j] = par[k + j] * exp(step[em_at(j, 2) + 1]);
    }
}

/* No boundary but collapse. */
static bool normal_snap(const em_model *m, const int *held, const double *sums, const double *par,
                        double row, bool leave, double *moved)
{
    (void)held, (void)sums, (void)row, (void)leave;
    memcpy(moved, par, em_at(2, m->k) * sizeof(double));
    return false;
}

static bool normal_on_boundary(const em_model *m, const double *par, int j, int a)
{
    (void)m, (void)par, (void)j, (void)a;
    return false;
}

const em_family em_family_normal = {
    .name = "normal",
    .columns = 1,
    .n_parameters = normal_n_parameters,
    .n_constants = normal_n_constants,
    .n_sums = normal_n_sums,
    .n_options = 0,
    .collapses = true,
    .prepare = normal_prepare,
    .log_density = normal_log_density,
    .accumulate = normal_accumulate,
    .maximise = normal_maximise,
    .n_prior = normal_n_prior,
    .log_prior = normal_log_prior,
    .n_free = 2,
    .gradient = normal_gradient,
    .scores = normal_scores,
    .information = normal_information,
    .move = normal_move,
    .snap = normal_snap,
    .on_boundary = normal_on_boundary,
};
