/* The multivariate normal family in its sums (family.h): their coefficients in the log-likelihood,
 * and other centres. */
#include "family-mvnormal.h"
#include "linalg.h"

#include <string.h>

/* Element (r, c) of the precision W' W. */
static double precision_at(const em_model *m, const double *w, int r, int c)
{
    double sum = 0;
    int d = m->columns;

    if (em_mv_is_diagonal(m))
        return r == c ? w[r] * w[r] : 0;
    for (int t = r > c ? r : c; t < d; t++)
        sum += w[em_triangle(t) + r] * w[em_triangle(t) + c];
    return sum;
}

/* With t = mean - about: log f = const - t' P t / 2 + (P t)' y - y' P y / 2. */
static void natural_of(const em_model *m, const em_mv_constants *c, const double *about,
                       double *of_mass, double *out)
{
    int d = m->columns;
    double t[EM_TILE], *squares = out + d;
    bool diagonal = em_mv_is_diagonal(m);

    for (int r = 0; r < d; r++) {
        t[r] = c->mean[r] - about[r];
        out[r] = 0;
    }
    for (int col = 0; col < d; col++)
        for (int r = col; r < (diagonal ? col + 1 : d); r++) {
            double p = precision_at(m, c->w, r, col);
            out[r] += p * t[col];
            if (r != col)
                out[col] += p * t[r];
            *squares++ = r == col ? -0.5 * p : -p;
        }
    *of_mass = c->log_constant - 0.5 * em_inner(t, out, d);
}

void em_mv_natural(const em_model *m, const double *constants, const double *about, double *out)
{
    double *own = out + m->k + m->latent->n_sums(m);

    memset(out, 0, (size_t)(own - out) * sizeof(double));
    for (int j = 0; j < m->k; j++) {
        em_mv_constants c = em_mv_constants_of(m, constants, j);
        natural_of(m, &c, em_mv_mean(m, about, j), out + j, own + em_at(j, em_mv_sums(m)));
    }
}

void em_mv_recentre(const em_model *m, const double *from, const double *to, const double *mass,
                    double *sums)
{
    int d = m->columns;
    bool diagonal = em_mv_is_diagonal(m);

    for (int j = 0; j < m->k; j++) {
        const double *a = em_mv_mean(m, from, j), *b = em_mv_mean(m, to, j);
        double *s1 = sums + em_at(j, em_mv_sums(m)), *s2 = s1 + d;
        for (int c = 0; c < d; c++)
            for (int r = c; r < (diagonal ? c + 1 : d); r++) {
                double t_r = b[r] - a[r], t_c = b[c] - a[c];
                *s2++ += mass[j] * t_r * t_c - s1[r] * t_c - t_r * s1[c];
            }
        for (int c = 0; c < d; c++)
            s1[c] -= mass[j] * (b[c] - a[c]);
    }
}
