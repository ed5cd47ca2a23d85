/* Time of the multivariate normal's kernels (src/mvkernel.h), and of the same in plain loops: one
 * row after the other, what does not depend on the row computed before. */
#include "mvkernel.h"

#include <Rinternals.h>
#include <time.h>

typedef void density(const double *x, em_index stride, int rows, int d, const double *centre,
                     const double *w, double constant, double *out);
typedef void scatter(const double *x, em_index stride, int rows, int d, const double *centre,
                     const double *p, double *s1, double *s2);

static void plain_density(const double *x, em_index stride, int rows, int d, const double *centre,
                          const double *w, double constant, double *out)
{
    for (int i = 0; i < rows; i++) {
        const double *row = w;
        double q = 0;
        for (int r = 0; r < d; r++) {
            double z = 0;
            for (int c = 0; c <= r; c++)
                z += row[c] * (x[i + c * stride] - centre[c]);
            row += r + 1;
            q += z * z;
        }
        out[i] = constant - q / 2;
    }
}

static void plain_density_diagonal(const double *x, em_index stride, int rows, int d,
                                   const double *centre, const double *inverse_sd, double constant,
                                   double *out)
{
    for (int i = 0; i < rows; i++) {
        double q = 0;
        for (int c = 0; c < d; c++) {
            double z = inverse_sd[c] * (x[i + c * stride] - centre[c]);
            q += z * z;
        }
        out[i] = constant - q / 2;
    }
}

static void plain_scatter(const double *x, em_index stride, int rows, int d, const double *centre,
                          const double *p, double *s1, double *s2)
{
    for (int i = 0; i < rows; i++) {
        double *s = s2;
        for (int c = 0; c < d; c++) {
            double py = p[i] * (x[i + c * stride] - centre[c]);
            s1[c] += py;
            for (int r = c; r < d; r++)
                *s++ += py * (x[i + r * stride] - centre[r]);
        }
    }
}

static void plain_scatter_diagonal(const double *x, em_index stride, int rows, int d,
                                   const double *centre, const double *p, double *s1, double *s2)
{
    for (int i = 0; i < rows; i++)
        for (int c = 0; c < d; c++) {
            double y = x[i + c * stride] - centre[c], py = p[i] * y;
            s1[c] += py;
            s2[c] += py * y;
        }
}

/* Some numbers around zero. */
static double *some(int n, double size)
{
    double *a = (double *)R_alloc((size_t)n + EM_LINE, sizeof(double));

    a += EM_LINE - (size_t)a / sizeof(double) % EM_LINE;
    for (int i = 0; i < n; i++)
        a[i] = size * ((i * 37 % 101) / 50.0 - 1);
    return a;
}

/* Nanoseconds per row of a density and of a scatter, the fastest of `repeats`, each of `tiles`
 * tiles. The tiles are tried one after the other, as in a step of EM. */
SEXP mv_time(SEXP columns, SEXP diagonal, SEXP plain, SEXP tiles_, SEXP repeats)
{
    int d = Rf_asInteger(columns), only = Rf_asLogical(diagonal), slow = Rf_asLogical(plain);
    int tiles = Rf_asInteger(tiles_), held = tiles < 8 ? tiles : 8, triangle = d * (d + 1) / 2;
    density *f = only ? (slow ? plain_density_diagonal : em_mv_density_diagonal)
                      : (slow ? plain_density : em_mv_density);
    scatter *g = only ? (slow ? plain_scatter_diagonal : em_mv_scatter_diagonal)
                      : (slow ? plain_scatter : em_mv_scatter);
    double *x = some(held * EM_TILE * d, 1), *centre = some(d, 0.1), *w = some(triangle, 0.3);
    double *p = some(EM_TILE, 1), *out = some(EM_TILE, 1), *s1 = some(d, 0),
           *s2 = some(triangle, 0);
    SEXP ans = PROTECT(Rf_allocVector(REALSXP, 2));

    REAL(ans)[0] = REAL(ans)[1] = R_PosInf;
    for (int i = 0; i < EM_TILE; i++)
        p[i] = p[i] * p[i];
    for (int k = 0; k < Rf_asInteger(repeats); k++) {
        clock_t start = clock();
        for (int t = 0; t < tiles; t++)
            f(x + em_at(t % held, EM_TILE * d), EM_TILE, EM_TILE, d, centre, w, -1, out);
        clock_t middle = clock();
        for (int t = 0; t < tiles; t++)
            g(x + em_at(t % held, EM_TILE * d), EM_TILE, EM_TILE, d, centre, p, s1, s2);
        double unit = 1e9 / CLOCKS_PER_SEC / ((double)tiles * EM_TILE);
        double one = unit * (double)(middle - start), two = unit * (double)(clock() - middle);
        REAL(ans)[0] = one < REAL(ans)[0] ? one : REAL(ans)[0];
        REAL(ans)[1] = two < REAL(ans)[1] ? two : REAL(ans)[1];
    }
    UNPROTECT(1);
    return ans;
}
