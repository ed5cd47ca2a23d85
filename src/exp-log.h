/* Layer 0: exponential and logarithm of one number, for loops of which compilers make vectors: no
 * branch, no table, no call, and bits read as numbers by memcpy. */
#ifndef EMIX_EXP_LOG_H
#define EMIX_EXP_LOG_H

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

/* exp(x) for x up to 700, to 1 unit in the last place (1.2 where the machine has no fused multiply
 * and add); 0 below `lowest` = -708, where a share has no weight left. NaN stays.
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

static const double lowest_log = -708;

#endif
