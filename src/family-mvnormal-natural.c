/* The multivariate normal family in its sums (family.h): their coefficients in the log-likelihood,
 * and other centres. */
#include "family-mvnormal.h"
#include "linalg.h"

#include <string.h>

/* The precision W' W: its lower triangle by columns, or its diagonal. */
static void precision_of(const em_model *m, const double *w, double *p)
{
    int d = m->columns;

    if (em_mv_is_diagonal(m)) {
        for (int c = 0; c < d; c++)
            p[c] = w[c] * w[c];
        return;
    }
    memset(p, 0, (size_t)em_triangle(d) * sizeof(double));
    for (int t = 0; t < d; t++) {
        const double *row = w + em_triangle(t);
        double *column = p;
        for (int c = 0; c <= t; c++) {
            em_add_times(column, row[c], row + c, t + 1 - c);
            column += d - c;
        }
    }
}

/* With t = mean - about: log f = const - t' P t / 2 + (P t)' y - y' P y / 2. */
static void natural_of(const em_model *m, const em_mv_constants *c, const double *about,
                       double *of_mass, double *out)
{
    int d = m->columns;
    double t[EM_TILE], *p = out + d;
    bool diagonal = em_mv_is_diagonal(m);

    for (int r = 0; r < d; r++) {
        t[r] = c->mean[r] - about[r];
        out[r] = 0;
    }
    precision_of(m, c->w, p);
    for (int col = 0; col < d; col++)
        for (int r = col; r < (diagonal ? col + 1 : d); r++) {
            out[r] += *p * t[col];
            if (r != col)
                out[col] += *p * t[r];
            *p *= r == col ? -0.5 : -1;
            p++;
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
