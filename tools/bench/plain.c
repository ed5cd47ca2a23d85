/* EM as a plain loop: one pass over the rows, one row after the other, exp and log from libm.
 *
 *   a row      x, or s successes in t trials
 *   theta      prop_1 .. prop_k, then mean_1 .. mean_k, sd_1 .. sd_k, or prob_1 .. prob_k
 *   E-step     share p_j = exp(l_j - max l) / sum_m exp(l_m - max l),  l_j = log prop_j + log f_j
 *   M-step     from sum p, sum p (x - mean), sum p (x - mean)^2 about the old means, or sum p s,
 *              sum p t
 *
 * This is the yardstick of speed.R: what a careful person writes who does not think of the machine. What
 * does not depend on the row is computed before the rows; no array of n x k is made. The
 * log-likelihood is without what does not depend on theta. */
#include <R.h>
#include <Rinternals.h>
#include <math.h>
#include <string.h>

enum { MOST_COMPONENTS = 64 };

/* l[j] becomes the share of component j; the log of the row's density is returned. */
static double share_row(double *l, int k)
{
    double top = l[0], sum = 0;

    for (int j = 1; j < k; j++)
        if (l[j] > top)
            top = l[j];
    for (int j = 0; j < k; j++) {
        l[j] = exp(l[j] - top);
        sum += l[j];
    }
    for (int j = 0; j < k; j++)
        l[j] /= sum;
    return top + log(sum);
}

static double normal_pass(const double *x, R_xlen_t n, int k, double *theta)
{
    double *prop = theta, *mean = theta + k, *sd = theta + 2 * k, loglik = 0;
    double constant[MOST_COMPONENTS], inverse[MOST_COMPONENTS], share[MOST_COMPONENTS];
    double mass[MOST_COMPONENTS] = {0}, first[MOST_COMPONENTS] = {0}, second[MOST_COMPONENTS] = {0};

    for (int j = 0; j < k; j++) {
        constant[j] = log(prop[j]) - log(sd[j]);
        inverse[j] = 1 / sd[j];
    }
    for (R_xlen_t i = 0; i < n; i++) {
        for (int j = 0; j < k; j++) {
            double z = (x[i] - mean[j]) * inverse[j];
            share[j] = constant[j] - 0.5 * z * z;
        }
        loglik += share_row(share, k);
        for (int j = 0; j < k; j++) {
            double d = x[i] - mean[j];
            mass[j] += share[j];
            first[j] += share[j] * d;
            second[j] += share[j] * d * d;
        }
    }
    for (int j = 0; j < k; j++) {
        double move = first[j] / mass[j];
        prop[j] = mass[j] / (double)n;
        mean[j] += move;
        sd[j] = sqrt(second[j] / mass[j] - move * move);
    }
    return loglik;
}

static double binomial_pass(const double *s, const double *t, R_xlen_t n, int k, double *theta)
{
    double *prop = theta, *prob = theta + k, loglik = 0;
    double constant[MOST_COMPONENTS], log_prob[MOST_COMPONENTS], log_fail[MOST_COMPONENTS];
    double share[MOST_COMPONENTS], mass[MOST_COMPONENTS] = {0};
    double successes[MOST_COMPONENTS] = {0}, trials[MOST_COMPONENTS] = {0};

    for (int j = 0; j < k; j++) {
        constant[j] = log(prop[j]);
        log_prob[j] = log(prob[j]);
        log_fail[j] = log1p(-prob[j]);
    }
    for (R_xlen_t i = 0; i < n; i++) {
        for (int j = 0; j < k; j++)
            share[j] = constant[j] + s[i] * log_prob[j] + (t[i] - s[i]) * log_fail[j];
        loglik += share_row(share, k);
        for (int j = 0; j < k; j++) {
            mass[j] += share[j];
            successes[j] += share[j] * s[i];
            trials[j] += share[j] * t[i];
        }
    }
    for (int j = 0; j < k; j++) {
        prop[j] = mass[j] / (double)n;
        prob[j] = successes[j] / trials[j];
    }
    return loglik;
}

/* theta after `passes` steps. x: a vector (normal), or two columns, successes and trials (binomial). */
SEXP plain_em(SEXP x, SEXP k_, SEXP theta_, SEXP passes_)
{
    int k = Rf_asInteger(k_), passes = Rf_asInteger(passes_), binomial = Rf_isMatrix(x);
    R_xlen_t n = binomial ? Rf_nrows(x) : XLENGTH(x);

    if (TYPEOF(x) != REALSXP || TYPEOF(theta_) != REALSXP || k < 1 || k > MOST_COMPONENTS ||
        XLENGTH(theta_) != (binomial ? 2 : 3) * k)
        Rf_error("plain_em: x or theta is not as described");
    SEXP theta = PROTECT(Rf_duplicate(theta_));
    for (int p = 0; p < passes; p++) {
        if (binomial)
            binomial_pass(REAL(x), REAL(x) + n, n, k, REAL(theta));
        else
            normal_pass(REAL(x), n, k, REAL(theta));
    }
    UNPROTECT(1);
    return theta;
}
