/* Loops over the rows of a tile, written so that compilers make vectors of them: no branch, no
 * table, no call, and bits read as numbers by memcpy. Each is compiled for several instruction
 * sets (EM_KERNEL). */
#include "vector.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t bits_of(double x)
{
    uint64_t b;
    memcpy(&b, &x, sizeof b);
    return b;
}

static inline double from_bits(uint64_t b)
{
    double x;
    memcpy(&x, &b, sizeof x);
    return x;
}

/* log 2 in two parts (Cody & Waite 1980): the first has 32 bits, so that whole numbers times it
 * are exact. */
static const double log2_high = 6.93147180369123816490e-01, log2_low = 1.90821492927058770002e-10;

/* exp(x) for x up to 700, to 1 unit in the last place (1.2 where the machine has no fused multiply and
 * add); 0 below `lowest` = -708, where a share has no weight left. NaN stays.
 *
 * x = n log 2 + r with n whole and |r| <= log(2)/2, so exp(x) = 2^n exp(r). n is the nearest whole
 * number to x / log 2: adding 1.5 * 2^52 leaves it in the low bits of a double, and with the
 * exponent's bias of 1023 added too, these bits shifted up are 2^n. exp(r) = 1 + r + r^2 q(r),
 * where q has degree 9 and the least largest relative error of exp(r) (Remez), 3.6e-18.
 *
 * `lowest` is no constant here: where compilers know it they make a branch, and no vectors. */
static inline double exp_one(double x, double lowest)
{
    const double to_whole = 6755399441055744.0 + 1023, per_log2 = 1.44269504088896338700e+00;
    double d = x < lowest ? lowest : x, t = d * per_log2 + to_whole, n = t - to_whole;
    double r = (d - n * log2_high) - n * log2_low, p = 2.5000067263524305e-08;

    p = p * r + 2.763023388608392e-07;
    p = p * r + 2.7557586281159285e-06;
    p = p * r + 2.4801493136284515e-05;
    p = p * r + 0.00019841269506764723;
    p = p * r + 0.0013888888943597599;
    p = p * r + 0.00833333333349434;
    p = p * r + 0.041666666666530267;
    p = p * r + 0.16666666666666413;
    p = p * r + 0.5000000000000011;
    p = p * r + 1;
    p = p * r + 1;
    return p * from_bits(x < lowest ? 0 : bits_of(t) << 52);
}

/* log(x) for normal x > 0, to 1 unit in the last place.
 *
 * x = 2^n m with sqrt(1/2) <= m < sqrt(2). With f = m - 1, s = f / (2 + f) and R an even polynomial
 * in s, log(m) = f - (f^2/2 - s (f^2/2 + R)), in which only small terms are rounded: the scheme and
 * the coefficients are those of fdlibm's e_log.c (Sun Microsystems 1993). */
static inline double log_normal(double x)
{
    /* Bits of sqrt(1/2) are taken off and 2^63 added: the top 12 bits are then n + 2048. */
    uint64_t b = bits_of(x);
    uint64_t n = (b + (UINT64_C(0x8000000000000000) - UINT64_C(0x3fe6a09e667f3bcd))) >> 52;
    double whole = from_bits(n + UINT64_C(0x4330000000000000)) - (4503599627370496.0 + 2048);
    double f = from_bits(b - ((n - 2048) << 52)) - 1, half = 0.5 * f * f, s = f / (2 + f);
    double z = s * s, w = z * z;
    double odd = w * 1.479819860511658591e-01 + 1.818357216161805012e-01;
    double even = w * 1.531383769920937332e-01 + 2.222219843214978396e-01;

    odd = z * ((odd * w + 2.857142874366239149e-01) * w + 6.666666666666735130e-01);
    even = w * (even * w + 3.999999999940941908e-01);
    return whole * log2_high - ((half - (s * (half + (odd + even)) + whole * log2_low)) - f);
}

static inline double log_one(double x)
{
    double small = x < DBL_MIN ? 1 : 0; /* subnormal: made normal first */
    double log_x = log_normal(x * (1 + small * (18014398509481984.0 - 1))) -
                   small * (54 * log2_high + 54 * log2_low);
    log_x = x > 0 ? log_x : x < 0 ? NAN : -INFINITY;
    return x <= DBL_MAX ? log_x : x; /* infinite and NaN are their own logarithms */
}

static const double lowest_log = -708;

EM_KERNEL
static void exp_rows(double *x, double lowest, int rows)
{
#pragma omp simd
    for (int i = 0; i < rows; i++)
        x[i] = exp_one(x[i], lowest);
}

void em_exp_rows(double *x, int rows)
{
    exp_rows(x, lowest_log, rows);
}

EM_KERNEL
void em_log_rows(double *x, int rows)
{
#pragma omp simd
    for (int i = 0; i < rows; i++)
        x[i] = log_one(x[i]);
}

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

/* aj[i] := exp(aj[i] + plus - reference[i]), added to sum[i]; returns the largest log. */
EM_KERNEL
static double ratios(double *aj, double plus, double lowest, const double *reference, int rows,
                     double *sum)
{
    double high = lowest;

#pragma omp simd reduction(max : high)
    for (int i = 0; i < rows; i++) {
        double ratio = (aj[i] + plus) - reference[i];
        high = ratio > high ? ratio : high;
        aj[i] = exp_one(ratio, lowest);
        sum[i] += aj[i];
    }
    return high;
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

/* The component whose log is least far below the largest in the first rows of the tile, or -1. */
EM_KERNEL
static int find_reference(const double *a, int k, int rows, const double *add)
{
    enum { LOOKS = 8 };
    double top[LOOKS] EM_ALIGNED, least = INFINITY;
    int looks = rows < LOOKS ? rows : LOOKS, best = -1;

    highest(a, k, looks, add, top);
    for (int j = 0; j < k; j++) {
        const double *aj = a + em_at(j, EM_TILE);
        double plus = add[j], below = 0;
#pragma omp simd reduction(max : below)
        for (int i = 0; i < looks; i++)
            below = top[i] - (aj[i] + plus) > below ? top[i] - (aj[i] + plus) : below;
        best = below < least ? j : best;
        least = below < least ? below : least;
    }
    return least <= most_ratio ? best : -1;
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
    double *reference = a + em_at(r < 0 ? 0 : r, EM_TILE), high = 0;

    if (r < 0)
        return false;
    fill(scale, 1, rows);
    for (int j = 0; j < k && high <= most_ratio; j++)
        if (j != r)
            high =
                ratios(a + em_at(j, EM_TILE), add[j] - add[r], lowest_log, reference, rows, scale);
    if (!(high <= most_ratio))
        return false;
    *log_sum = weight == NULL ? close_equal(scale, reference, add[r], rows)
                              : close_weighted(scale, reference, add[r], weight, rows);
    return true;
}

EM_KERNEL
void em_locate(const double *from, double factor, double shift, int rows, double *to)
{
#pragma omp simd
    for (int i = 0; i < rows; i++)
        to[i] = from[i] * factor - shift;
}

EM_KERNEL
void em_product(const double *a, const double *b, int rows, double *to)
{
#pragma omp simd
    for (int i = 0; i < rows; i++)
        to[i] = a[i] * b[i];
}

EM_KERNEL
static bool all_above(const double *a, int rows, double least)
{
    double above = 0;
#pragma omp simd reduction(+ : above)
    for (int i = 0; i < rows; i++)
        above += a[i] > least ? 1 : 0;
    return above == rows;
}

int em_first_not_above(const double *a, int rows, double least)
{
    int i = 0;
    if (all_above(a, rows, least))
        return rows;
    while (a[i] > least)
        i++;
    return i;
}

EM_KERNEL
double em_sum(const double *a, int rows)
{
    double s = 0;
#pragma omp simd reduction(+ : s)
    for (int i = 0; i < rows; i++)
        s += a[i];
    return s;
}

EM_KERNEL
double em_dot(const double *a, const double *b, int rows)
{
    double s = 0;
    if (b == NULL)
        return em_sum(a, rows);
#pragma omp simd reduction(+ : s)
    for (int i = 0; i < rows; i++)
        s += a[i] * b[i];
    return s;
}

/* Three columns by three: nine sums for six loads. */
EM_KERNEL_OF_LOADS
static void cross_block(const double *const *w, const double *const *u, int rows, double *out)
{
    const double *w0 = w[0], *w1 = w[1], *w2 = w[2], *u0 = u[0], *u1 = u[1], *u2 = u[2];
    double s00 = 0, s01 = 0, s02 = 0, s10 = 0, s11 = 0, s12 = 0, s20 = 0, s21 = 0, s22 = 0;

#pragma omp simd reduction(+ : s00, s01, s02, s10, s11, s12, s20, s21, s22)
    for (int i = 0; i < rows; i++) {
        s00 += w0[i] * u0[i];
        s10 += w1[i] * u0[i];
        s20 += w2[i] * u0[i];
        s01 += w0[i] * u1[i];
        s11 += w1[i] * u1[i];
        s21 += w2[i] * u1[i];
        s02 += w0[i] * u2[i];
        s12 += w1[i] * u2[i];
        s22 += w2[i] * u2[i];
    }
    double s[9] = {s00, s10, s20, s01, s11, s21, s02, s12, s22};
    memcpy(out, s, sizeof s);
}

/* Three columns from `first` on; where fewer are left the last stands in. */
static void three_columns(const double *x, int first, int n, const double **column)
{
    for (int j = 0; j < 3; j++)
        column[j] = x + em_at(first + j < n ? first + j : n - 1, EM_TILE);
}

void em_cross(const double *w, int n_w, const double *u, int n_u, int rows, bool lower, double *out,
              int stride)
{
    const double *by_w[3], *by_u[3];
    double s[9] = {0};

    for (int c = 0; c < n_u; c += 3) {
        three_columns(u, c, n_u, by_u);
        for (int a = lower ? c : 0; a < n_w; a += 3) {
            three_columns(w, a, n_w, by_w);
            cross_block(by_w, by_u, rows, s);
            for (int j = 0; j < 3 && c + j < n_u; j++)
                for (int i = 0; i < 3 && a + i < n_w; i++)
                    if (!lower || a + i >= c + j)
                        out[em_at(c + j, stride) + (size_t)(a + i)] += s[3 * j + i];
        }
    }
}
