/* The binomial family.
 *
 *   a row        s successes (column 0) in t trials (column 1), f = t - s failures
 *   parameters   prob_1 .. prob_k   (block 0 of `equal`)
 *   density      log f_j(s) = s log prob_j + f log(1 - prob_j) + c(s, t)
 *   sums         S = sum p s,  T = sum p t   (p: share times weight)
 *   maximum      prob' = S / T
 *
 * The prior is a beta density: log prior = sum_j [(a - 1) log prob_j + (b - 1) log(1 - prob_j)],
 * a - 1 successes and b - 1 failures before the data; those of a common prob once.
 *
 * c(s, t) is the same for every component and never moves EM: the caller adds it once.
 * Where trials are many, s log prob + f log(1 - prob) is a huge number whose differences
 * matter: at t = 1e15 its rounding alone is 0.1. Option 0 then asks for the deviance form,
 *   -[d(s, t prob) + d(f, t (1 - prob))],  d(x, m) = x log(x/m) + m - x,
 * in which nothing cancels (Loader 2000), against the constant c of the saturated model.
 */
#include "latent.h"
#include "numerics.h"
#include "prior.h"

#include <math.h>

enum { EQUAL_PROB = 1u };
enum { OPTION_DEVIANCE, N_OPTIONS };
enum { C_PROB, C_LOG_PROB, C_LOG_FAIL, N_CONSTANTS };
enum { SUCCESSES, TRIALS, N_SUMS };
enum { P_SUCCESSES, P_FAILURES, N_PRIOR };

static int binomial_n_parameters(const em_model *m)
{
    return m->k;
}

static int binomial_n_constants(const em_model *m)
{
    return N_CONSTANTS * m->k;
}

static int binomial_n_sums(const em_model *m)
{
    (void)m;
    return N_SUMS;
}

static int binomial_n_prior(const em_model *m)
{
    (void)m;
    return N_PRIOR;
}

static em_status binomial_prepare(const em_model *m, const double *prob, double *constants,
                                  int *component)
{
    for (int j = 0; j < m->k; j++) {
        double *c = constants + em_at(j, N_CONSTANTS);
        *component = j + 1;
        if (!(prob[j] >= 0 && prob[j] <= 1))
            return EM_DIVERGED;
        c[C_PROB] = prob[j];
        c[C_LOG_PROB] = em_log(prob[j]);
        c[C_LOG_FAIL] = em_log1m(prob[j]);
    }
    return EM_OK;
}

/* Two components at a time (perhaps one twice): the rows are read once. */
EM_KERNEL
static void log_density_of_counts(const double *c, const double *d, const em_tile *tile,
                                  double *out_c, double *out_d)
{
    const double *s = em_column(tile, 0), *t = em_column(tile, 1);
    double log_prob = c[C_LOG_PROB], log_fail = c[C_LOG_FAIL];
    double other_prob = d[C_LOG_PROB], other_fail = d[C_LOG_FAIL];

#pragma omp simd
    for (int i = 0; i < tile->rows; i++) {
        double successes = s[i], failures = t[i] - successes;
        out_c[i] = successes * log_prob + failures * log_fail;
        out_d[i] = successes * other_prob + failures * other_fail;
    }
}

static void log_density_by_deviance(const double *c, const em_tile *tile, double *out)
{
    const double *s = em_column(tile, 0), *t = em_column(tile, 1);
    double prob = c[C_PROB], fail = 1 - prob;

    for (int i = 0; i < tile->rows; i++)
        out[i] = -em_deviance_part(s[i], t[i] * prob) - em_deviance_part(t[i] - s[i], t[i] * fail);
}

static void binomial_log_density(const em_model *m, const double *constants, const em_tile *tile,
                                 double *out)
{
    bool deviance = m->options[OPTION_DEVIANCE] != 0;

    for (int j = 0; j < m->k; j += deviance ? 1 : 2) {
        const double *c = constants + em_at(j, N_CONSTANTS);
        double *out_j = out + em_at(j, EM_TILE);
        int two = j + 1 < m->k;
        if (deviance)
            log_density_by_deviance(c, tile, out_j);
        else
            log_density_of_counts(c, c + em_at(two, N_CONSTANTS), tile, out_j,
                                  out_j + em_at(two, EM_TILE));
    }
}

EM_KERNEL
static void binomial_accumulate(const em_model *m, const double *constants, const em_tile *tile,
                                const double *share, const double *scale, double *mass,
                                double *sums)
{
    const double *s = em_column(tile, 0), *t = em_column(tile, 1);

    (void)constants;
    for (int j = 0; j < m->k; j++) {
        const double *share_j = share + em_at(j, EM_TILE);
        double n = 0, successes = 0, trials = 0;
#pragma omp simd reduction(+ : n, successes, trials)
        for (int i = 0; i < tile->rows; i++) {
            double p = share_j[i] * scale[i];
            n += p;
            successes += p * s[i];
            trials += p * t[i];
        }
        mass[j] += n;
        sums[em_at(j, N_SUMS) + SUCCESSES] += successes;
        sums[em_at(j, N_SUMS) + TRIALS] += trials;
    }
}

/* Rounding of S and T must not push a share of successes above 1. */
static double ratio(double successes, double trials, double otherwise)
{
    double p = trials > 0 ? successes / trials : otherwise;
    return p < 1 ? p : 1;
}

static em_status binomial_maximise(const em_model *m, const int *held, const double *mass,
                                   const double *sums, const double *old, double *prob,
                                   const em_work *work, int *component)
{
    const double *prior = em_prior_family(m);
    double before = prior == NULL ? 0 : prior[P_SUCCESSES];
    double before_trials = prior == NULL ? 0 : prior[P_SUCCESSES] + prior[P_FAILURES];
    double successes = before, trials = before_trials;

    (void)work;
    (void)mass;
    (void)component;
    for (int j = 0; j < m->k; j++) {
        double s = sums[em_at(j, N_SUMS) + SUCCESSES], t = sums[em_at(j, N_SUMS) + TRIALS];
        successes += s;
        trials += t;
        prob[j] = held[j] ? old[j] : ratio(s + before, t + before_trials, old[j]);
    }
    if (m->equal & EQUAL_PROB)
        for (int j = 0; j < m->k; j++)
            prob[j] = held[j] ? old[j] : ratio(successes, trials, old[j]);
    return EM_OK;
}

/* Free coordinate: the logit of prob.
 *   d log f / d logit = s - t prob      -d2: t prob (1 - prob) */
static void binomial_scores(const em_model *m, const double *constants, const em_tile *tile,
                            double *out)
{
    const double *s = em_column(tile, 0), *t = em_column(tile, 1);

    for (int j = 0; j < m->k; j++) {
        double prob = constants[em_at(j, N_CONSTANTS) + C_PROB], *out_j = out + em_at(j, EM_TILE);
        for (int i = 0; i < tile->rows; i++)
            out_j[i] = s[i] - t[i] * prob;
    }
}

static void binomial_gradient(const em_model *m, const double *prob, const double *mass,
                              const double *sums, double *out)
{
    (void)mass;
    for (int j = 0; j < m->k; j++) {
        const double *s = sums + em_at(j, N_SUMS);
        out[j] = s[SUCCESSES] - s[TRIALS] * prob[j];
    }
}

static void binomial_information(const em_model *m, const double *prob, const double *mass,
                                 const double *sums, double *observed, double *expected)
{
    (void)mass;
    for (int j = 0; j < m->k; j++)
        observed[j] = expected[j] = sums[em_at(j, N_SUMS) + TRIALS] * prob[j] * (1 - prob[j]);
}

static double binomial_log_prior(const em_model *m, const double *prior, const double *constants,
                                 const double *prob, double *gradient, double *information)
{
    double a = prior[P_SUCCESSES], b = prior[P_FAILURES], value = 0;
    int components = m->equal & EQUAL_PROB ? 1 : m->k;
    const int *held = m->held + m->latent->n_parameters(m);

    (void)constants;
    for (int j = 0; j < components; j++) {
        double p = prob[j];
        if (held[j]) /* a constant, perhaps an infinite one */
            continue;
        value += (a > 0 ? a * em_log(p) : 0) + (b > 0 ? b * em_log1m(p) : 0);
        if (gradient == NULL)
            continue;
        gradient[j] += a - (a + b) * p;
        information[j] += (a + b) * p * (1 - p);
    }
    return value;
}

static void binomial_move(const em_model *m, const double *prob, const double *step, double *moved)
{
    for (int j = 0; j < m->k; j++) {
        double odds = exp(-fabs(step[j])), p = prob[j], q = 1 - p;
        if (step[j] == 0)
            moved[j] = p;
        else if (step[j] > 0)
            moved[j] = p / (p + q * odds);
        else
            moved[j] = p * odds / (p * odds + q);
    }
}

/* Fewer successes (or failures) than 1/20, and fewer still to come? Not by rounding alone. */
static bool vanishes(double expected, double observed, double row)
{
    return expected < 0.05 * row && observed < expected * (1 - 1e-9);
}

/* Where p goes: to a boundary if successes (or failures) vanish, or off the one that it is on. */
static double snapped(double p, const double *s, double row, bool leave)
{
    double trials = s[TRIALS], step = 0.01 * row / (trials > 0 ? trials : 1);

    if (leave)
        return p == 0 ? step : p == 1 ? 1 - step : p;
    if (!(trials > 0))
        return p;
    if (vanishes(trials * p, s[SUCCESSES], row))
        return 0;
    if (vanishes(trials * (1 - p), trials - s[SUCCESSES], row))
        return 1;
    return p;
}

static bool binomial_snap(const em_model *m, const int *held, const double *sums,
                          const double *prob, double row, bool leave, double *moved)
{
    bool any = false, fixed = em_prior_family(m) != NULL || (m->equal & EQUAL_PROB);

    for (int j = 0; j < m->k; j++) {
        bool still = fixed || held[j];
        moved[j] = still ? prob[j] : snapped(prob[j], sums + em_at(j, N_SUMS), row, leave);
        any = any || moved[j] != prob[j];
    }
    return any;
}

static bool binomial_on_boundary(const em_model *m, const double *prob, int j, int a)
{
    (void)m, (void)a;
    return !(prob[j] > 0 && prob[j] < 1);
}

const em_family em_family_binomial = {
    .name = "binomial",
    .columns = 2,
    .n_parameters = binomial_n_parameters,
    .n_constants = binomial_n_constants,
    .n_sums = binomial_n_sums,
    .n_options = N_OPTIONS,
    .prepare = binomial_prepare,
    .log_density = binomial_log_density,
    .accumulate = binomial_accumulate,
    .maximise = binomial_maximise,
    .n_prior = binomial_n_prior,
    .log_prior = binomial_log_prior,
    .n_free = 1,
    .gradient = binomial_gradient,
    .scores = binomial_scores,
    .information = binomial_information,
    .move = binomial_move,
    .snap = binomial_snap,
    .on_boundary = binomial_on_boundary,
};
