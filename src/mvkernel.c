/* Two products of a triangle and the rows of a tile: z = w (x - centre), and the sums of p y y'. */
#include "mvkernel.h"

#include <math.h>
#include <string.h>

/* Vectors of one length, of several, or none. */
#ifdef __GNUC__
#define VECTOR(n) __attribute__((vector_size(8 * n)))
#define LOOSE_VECTOR(n) __attribute__((vector_size(8 * n), aligned(8), may_alias))
#define INLINE static inline __attribute__((always_inline))
#else
#define VECTOR(n)
#define LOOSE_VECTOR(n)
#define INLINE static inline
#endif
#if defined(__clang__)
#define UNROLL _Pragma("unroll")
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#elif defined(__GNUC__)
#define UNROLL _Pragma("GCC unroll 16")
#define SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (NAMED(places)){__VA_ARGS__})
#else
#define UNROLL
#endif
#define EACH(i, n) UNROLL for (int i = 0; i < (n); i++)
#define EACH_BY(step, i, n) UNROLL for (int i = 0; i < (n); i += (step))
#define EACH_TWICE(i, n) UNROLL for (int i = 1; i < (n); i *= 2)

/* Lengths: of AVX-512, of AVX2 and of any machine in one binary, of which the best is taken at run
 * time, where that can be done; elsewhere what the compiler may use. */
#if defined(__GNUC__) && defined(__x86_64__) && !defined(_WIN32) && !defined(EM_ONE_KERNEL)
#define EM_CHOOSE
#define EM_LANES 2
#elif defined(__AVX512F__) && !defined(_WIN32)
#define EM_LANES 8
#elif defined(__AVX__) && !defined(_WIN32)
#define EM_LANES 4
#elif defined(__GNUC__)
#define EM_LANES 2
#else
#define EM_LANES 1
#endif

/* Columns in a panel: 48 kB with those beside it. Columns a whole tile apart would fall on
 * the same places of a cache. */
enum { PANEL = 32, COLUMN = EM_TILE + EM_LINE, MOST_LANES = 8, MOST_STRIP = 32, MOST_SIDE = 4 };

/* What a tile's moments are made from; y, py: work space. */
typedef struct {
    const double *x;
    em_index stride;
    int rows, d; /* rows: whole vectors */
    const double *centre, *p;
    double *y, *py, *s1, *s2;
} moments;

/* Element (r, c) of a lower triangle by columns. */
static double *packed(double *s, int d, int r, int c)
{
    return s + (em_at(c, 2 * d - c + 1) / 2 + (size_t)(r - c));
}

/* The kernels for one length of vectors. */
typedef struct {
    int lanes, strip;
    bool (*density)(const double *x, em_index stride, int strips, int d, const double *centre,
                    const double *w, bool diagonal, double constant, double *out);
    void (*whole)(const moments *m);
    void (*alone)(const moments *m);
} kernels;

#ifdef EM_CHOOSE
#define LANES 8
#define TALL 4
#define SIDE 4
#define TARGET __attribute__((target("avx512f")))
#define NAMED(f) f##_8
#include "mvkernel-lanes.h"

#define LANES 4
#define TALL 4
#define SIDE 3
#define TARGET __attribute__((target("avx2,fma")))
#define NAMED(f) f##_4
#include "mvkernel-lanes.h"
#endif

#define LANES EM_LANES
#define TALL 4
#define SIDE (EM_LANES == 8 ? 4 : 3)
#define TARGET
#define NAMED(f) f##_any
#include "mvkernel-lanes.h"

static const kernels *best(void)
{
#ifdef EM_CHOOSE
    if (__builtin_cpu_supports("avx512f"))
        return &kernels_8;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return &kernels_4;
#endif
    return &kernels_any;
}

/* Rows from..rows - 1 as whole vectors: rows at the centre follow. */
static void last_rows(const double *x, em_index stride, int from, int rows, int d,
                      const double *centre, int length, double *to)
{
    for (int c = 0; c < d; c++)
        for (int i = 0; i < length; i++)
            to[c * length + i] = from + i < rows ? x[stride * c + from + i] : centre[c];
}

/* Where numbers are not finite though the row is, they are too large. */
static void mend(const double *x, em_index stride, int rows, int d, double *out)
{
    for (int i = 0; i < rows; i++) {
        bool finite = true;
        for (int c = 0; c < d; c++)
            finite = finite && isfinite(x[stride * c + i]);
        if (isnan(out[i]) && finite)
            out[i] = -INFINITY;
    }
}

static bool last_density(const kernels *by, const double *x, em_index stride, int from, int rows,
                         int d, const double *centre, const double *w, bool diagonal,
                         double constant, double *out)
{
    double y[EM_MV_COLUMNS * MOST_STRIP] EM_ALIGNED, all[MOST_STRIP] EM_ALIGNED;

    last_rows(x, stride, from, rows, d, centre, by->strip, y);
    bool finite = by->density(y, by->strip, 1, d, centre, w, diagonal, constant, all);
    memcpy(out + from, all, (size_t)(rows - from) * sizeof(double));
    return finite;
}

static void density(const double *x, em_index stride, int rows, int d, const double *centre,
                    const double *w, bool diagonal, double constant, double *out)
{
    const kernels *by = best();
    int whole = rows - rows % by->strip;
    bool finite = by->density(x, stride, whole / by->strip, d, centre, w, diagonal, constant, out);

    if (whole < rows)
        finite = last_density(by, x, stride, whole, rows, d, centre, w, diagonal, constant, out) &&
                 finite;
    if (!finite)
        mend(x, stride, rows, d, out);
}

void em_mv_density(const double *x, em_index stride, int rows, int d, const double *centre,
                   const double *w, double constant, double *out)
{
    density(x, stride, rows, d, centre, w, false, constant, out);
}

void em_mv_density_diagonal(const double *x, em_index stride, int rows, int d, const double *centre,
                            const double *inverse_sd, double constant, double *out)
{
    density(x, stride, rows, d, centre, inverse_sd, true, constant, out);
}

/* Moments of the rows that fill vectors, and of the rest. */
static void scatter(void (*kernel)(const moments *), int lanes, const moments *m)
{
    double x[EM_MV_COLUMNS * MOST_LANES] EM_ALIGNED, p[MOST_LANES] = {0};
    int whole = m->rows - m->rows % lanes;
    moments some = *m;

    some.rows = whole;
    if (whole > 0)
        kernel(&some);
    if (whole == m->rows)
        return;
    last_rows(m->x, m->stride, whole, m->rows, m->d, m->centre, lanes, x);
    memcpy(p, m->p + whole, (size_t)(m->rows - whole) * sizeof(double));
    some.rows = lanes;
    some.x = x;
    some.stride = lanes;
    some.p = p;
    kernel(&some);
}

void em_mv_scatter(const double *x, em_index stride, int rows, int d, const double *centre,
                   const double *p, double *s1, double *s2)
{
    double y[PANEL * COLUMN] EM_ALIGNED, py[MOST_SIDE * COLUMN] EM_ALIGNED;
    const moments m = {x, stride, rows, d, centre, p, y, py, s1, s2};
    const kernels *by = best();

    scatter(by->whole, by->lanes, &m);
}

void em_mv_scatter_diagonal(const double *x, em_index stride, int rows, int d, const double *centre,
                            const double *p, double *s1, double *s2)
{
    const moments m = {x, stride, rows, d, centre, p, NULL, NULL, s1, s2};
    const kernels *by = best();

    scatter(by->alone, by->lanes, &m);
}
