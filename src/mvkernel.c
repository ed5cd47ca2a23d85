#include "mvkernel.h"

#include <string.h>

EM_KERNEL
static void add_multiple(const double *x, double centre, double by, int rows, double *to)
{
#pragma omp simd
    for (int i = 0; i < rows; i++)
        to[i] += by * (x[i] - centre);
}

EM_KERNEL
static void take_square(const double *z, int rows, double *out)
{
#pragma omp simd
    for (int i = 0; i < rows; i++)
        out[i] -= z[i] * z[i] / 2;
}

static void fill(double *out, double value, int rows)
{
    for (int i = 0; i < rows; i++)
        out[i] = value;
}

void em_mv_density(const double *x, em_index stride, int rows, int d, const double *centre,
                   const double *w, double constant, double *out)
{
    double z[EM_TILE] EM_ALIGNED;

    fill(out, constant, rows);
    for (int r = 0; r < d; r++) {
        memset(z, 0, sizeof z);
        for (int c = 0; c <= r; c++)
            add_multiple(x + stride * c, centre[c], *w++, rows, z);
        take_square(z, rows, out);
    }
}

void em_mv_density_diagonal(const double *x, em_index stride, int rows, int d, const double *centre,
                            const double *inverse_sd, double constant, double *out)
{
    double z[EM_TILE] EM_ALIGNED;

    fill(out, constant, rows);
    for (int c = 0; c < d; c++) {
        memset(z, 0, sizeof z);
        add_multiple(x + stride * c, centre[c], inverse_sd[c], rows, z);
        take_square(z, rows, out);
    }
}

/* y := p (x - centre); its sum. */
EM_KERNEL
static double weigh(const double *x, double centre, const double *p, int rows, double *y)
{
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int i = 0; i < rows; i++) {
        y[i] = p[i] * (x[i] - centre);
        sum += y[i];
    }
    return sum;
}

EM_KERNEL
static double cross(const double *x, double centre, const double *y, int rows)
{
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int i = 0; i < rows; i++)
        sum += (x[i] - centre) * y[i];
    return sum;
}

void em_mv_scatter(const double *x, em_index stride, int rows, int d, const double *centre,
                   const double *p, double *s1, double *s2)
{
    double y[EM_TILE] EM_ALIGNED;

    for (int c = 0; c < d; c++) {
        s1[c] += weigh(x + stride * c, centre[c], p, rows, y);
        for (int r = c; r < d; r++)
            *s2++ += cross(x + stride * r, centre[r], y, rows);
    }
}

void em_mv_scatter_diagonal(const double *x, em_index stride, int rows, int d, const double *centre,
                            const double *p, double *s1, double *s2)
{
    double y[EM_TILE] EM_ALIGNED;

    for (int c = 0; c < d; c++) {
        s1[c] += weigh(x + stride * c, centre[c], p, rows, y);
        s2[c] += cross(x + stride * c, centre[c], y, rows);
    }
}
