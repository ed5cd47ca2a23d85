/* Shares from logs: exp of each over the sum of exps of its row. Components are the outer loop:
 * rows are contiguous. */
#include "softmax.h"

#include "exp-log.h"
#include "vector.h"

#include <math.h>
#include <string.h>

/* top[i]: the largest of a row's logs. */
EM_KERNEL
static void highest(const double *a, int k, int rows, const double *add, double *top)
{
    double first = add == NULL ? 0 : add[0];
#pragma omp simd
    for (int i = 0; i < rows; i++)
        top[i] = a[i] + first;
    for (int j = 1; j < k; j++) {
        const double *aj = a + em_at(j, EM_TILE);
        double plus = add == NULL ? 0 : add[j];
#pragma omp simd
        for (int i = 0; i < rows; i++)
            top[i] = aj[i] + plus > top[i] ? aj[i] + plus : top[i];
    }
}

/* aj[i] := exp(aj[i] + plus - top[i]), added to sum[i]. */
EM_KERNEL
static void exponentials(double *aj, double plus, double lowest, const double *top, int rows,
                         double *sum)
{
#pragma omp simd
    for (int i = 0; i < rows; i++) {
        aj[i] = exp_one((aj[i] + plus) - top[i], lowest);
        sum[i] += aj[i];
    }
}

/* log_sum[i] = top[i] + log(sum[i]), and sum[i] := 1 / sum[i]. */
EM_KERNEL
static void close_rows(double *sum, const double *top, int rows, double *log_sum)
{
#pragma omp simd
    for (int i = 0; i < rows; i++) {
        log_sum[i] = top[i] + log_normal(sum[i]);
        sum[i] = 1 / sum[i];
    }
}

/* The row maximum is taken out before exp: the largest term is then exactly 1, so the
 * sum lies in [1, k] whatever the logs are, and a row 60 standard deviations from
 * every component still has shares. Components are the outer loop: rows are contiguous. */
void em_softmax(double *a, int k, int rows, const double *add, double *log_sum)
{
    double top[EM_TILE] EM_ALIGNED, sum[EM_TILE] EM_ALIGNED;

    highest(a, k, rows, add, top);
    memset(sum, 0, (size_t)rows * sizeof(double));
    for (int j = 0; j < k; j++)
        exponentials(a + em_at(j, EM_TILE), add == NULL ? 0 : add[j], lowest_log, top, rows, sum);
    close_rows(sum, top, rows, log_sum);
    for (int j = 0; j < k; j++)
        em_product(a + em_at(j, EM_TILE), sum, rows, a + em_at(j, EM_TILE));
}

/* Where sums over rows are all that is wanted, one component's log can stand for the largest: its
 * own exponential is then 1 and need not be had, and no largest is looked for. Ratios to it may be
 * large, but not so large that a product of four rows' sums, each at most k exp(64), k < 2^17,
 * leaves the range; and log and log of the sum cancel at most 64. */
static const double most_ratio = 64;

/* aj[i] := exp(aj[i] + plus - reference[i]), added to sum[i]. Are all these logs at most `most`? */
EM_KERNEL
static bool ratios(double *aj, double plus, double lowest, double most, const double *reference,
                   int rows, double *sum)
{
    double above = 0;

#pragma omp simd reduction(+ : above)
    for (int i = 0; i < rows; i++) {
        double ratio = (aj[i] + plus) - reference[i];
        above += ratio <= most ? 0 : 1;
        aj[i] = exp_one(ratio, lowest);
        sum[i] += aj[i];
    }
    return above == 0;
}

/* sum[i] := 1 / sum[i], and the sum of their logs. Division is slow, and four numbers need but
 * one: with q = (a b) (c d), 1/a = (c d / q) b, and so on. The quarters of the rows stand beside
 * each other here; q is what needs a logarithm. */
EM_KERNEL
static double invert(double *sum, int quarter)
{
    double *a = sum, *b = a + quarter, *c = b + quarter, *d = c + quarter, log_sum = 0;

#pragma omp simd reduction(+ : log_sum)
    for (int i = 0; i < quarter; i++) {
        double ab = a[i] * b[i], cd = c[i] * d[i], q = ab * cd, per_q = 1 / q;
        double per_ab = cd * per_q, per_cd = ab * per_q, per_a = b[i] * per_ab;
        double per_c = d[i] * per_cd;
        b[i] = a[i] * per_ab;
        d[i] = c[i] * per_cd;
        a[i] = per_a;
        c[i] = per_c;
        log_sum += log_normal(q);
    }
    return log_sum;
}

/* reference[i] := 1, the share it has; the sum of what was there, plus as much each. */
EM_KERNEL
static double close_reference(double *reference, double plus, int rows)
{
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int i = 0; i < rows; i++) {
        sum += reference[i] + plus;
        reference[i] = 1;
    }
    return sum;
}

static double close_equal(double *sum, double *reference, double plus, int rows)
{
    int quarter = (rows + 31) / 32 * 8;

    for (int i = rows; i < 4 * quarter; i++)
        sum[i] = 1;
    return close_reference(reference, plus, rows) + invert(sum, quarter);
}

EM_KERNEL
static double close_weighted(double *sum, double *reference, double plus, const double *weight,
                             int rows)
{
    double log_sum = 0;
#pragma omp simd reduction(+ : log_sum)
    for (int i = 0; i < rows; i++) {
        log_sum += weight[i] * ((reference[i] + plus) + log_normal(sum[i]));
        sum[i] = weight[i] / sum[i];
        reference[i] = 1;
    }
    return log_sum;
}

/* How far a component's log falls below the largest, row by row, in sum. (Compilers make vectors of
 * sums, not all of them of largest values.) */
EM_KERNEL
static double sum_below(const double *aj, double plus, const double *top, int rows)
{
    double below = 0;
#pragma omp simd reduction(+ : below)
    for (int i = 0; i < rows; i++)
        below += top[i] - (aj[i] + plus);
    return below;
}

/* The component whose log is least far below the largest in the first rows of the tile, or -1. */
static int find_reference(const double *a, int k, int rows, const double *add)
{
    enum { LOOKS = 8 };
    double top[LOOKS] EM_ALIGNED, least = INFINITY;
    int looks = rows < LOOKS ? rows : LOOKS, best = -1;

    highest(a, k, looks, add, top);
    for (int j = 0; j < k; j++) {
        double below = sum_below(a + em_at(j, EM_TILE), add[j], top, looks);
        best = below < least ? j : best;
        least = below < least ? below : least;
    }
    return least <= looks * most_ratio ? best : -1;
}

/* a[i] := value. */
EM_KERNEL
static void fill(double *a, double value, int rows)
{
#pragma omp simd
    for (int i = 0; i < rows; i++)
        a[i] = value;
}

bool em_softmax_sums(double *a, int k, int rows, const double *add, const double *weight,
                     double *scale, double *log_sum)
{
    int r = find_reference(a, k, rows, add);
    double *reference = a + em_at(r < 0 ? 0 : r, EM_TILE);
    bool close = r >= 0;

    fill(scale, 1, rows);
    for (int j = 0; j < k && close; j++)
        if (j != r)
            close = ratios(a + em_at(j, EM_TILE), add[j] - add[r], lowest_log, most_ratio,
                           reference, rows, scale);
    if (!close)
        return false;
    *log_sum = weight == NULL ? close_equal(scale, reference, add[r], rows)
                              : close_weighted(scale, reference, add[r], weight, rows);
    return true;
}
