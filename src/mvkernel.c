/* What a component of the multivariate normal distribution does with the rows x_i of a tile.
 *
 *   y_i        x_i - centre                 centre: the mean in force
 *   density    constant - |w y_i|^2 / 2     w: the inverse Cholesky factor, so that w'w is the
 *                                           inverse covariance
 *   moments    sum p_i y_i, sum p_i y_i y_i'
 *
 * The square is that of a vector, not y' w'w y, in which terms of both signs cancel; and moments
 * are about the centre, where rows far from zero lose nothing. Neither needs more than the products
 * and sums that it is made of: with d columns about d^2 / 2 a row.
 *
 * An infinite square is a density of zero. Where infinities of both signs met on the way to it, as
 * can happen where products and sums are rounded apart, NaN is put right afterwards (mend).
 *
 * Loops and blocks are in mvkernel-lanes.h, written for vectors of any length: that of
 * matrix products, see Goto and van de Geijn (2008), Anatomy of high-performance matrix
 * multiplication, ACM Transactions on Mathematical Software 34 (3). */
#include "mvkernel.h"

#include <math.h>
#include <string.h>

/* Vectors of one length, of several, or none. */
#ifdef __GNUC__
#define VECTOR(n) __attribute__((vector_size(8 * (n))))
#define LOOSE_VECTOR(n) __attribute__((vector_size(8 * (n)), aligned(8), may_alias))
#define INLINE static inline __attribute__((always_inline))
#define APART __attribute__((noinline))
#else
#define VECTOR(n)
#define LOOSE_VECTOR(n)
#define INLINE static inline
#define APART
#endif
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#elif defined(__GNUC__)
#define UNROLL _Pragma("GCC unroll 16")
#define SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (NAMED(places)){__VA_ARGS__})
#else
#define UNROLL
#endif
/* NOLINTBEGIN(bugprone-macro-parentheses): names of variables */
#define EACH(i, n) UNROLL for (int i = 0; i < (n); i++)
#define EACH_BY(step, i, n) UNROLL for (int i = 0; i < (n); i += (step))
#define EACH_TWICE(i, n) UNROLL for (int i = 1; i < (n); i *= 2)
/* NOLINTEND(bugprone-macro-parentheses) */

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

/* COLUMN: from one column of work space to the next; a tile apart, they would fall on the same
 * places of a cache. FEW columns make do with little work space. */
enum { COLUMN = EM_TILE + EM_LINE, FEW = 8, MOST_PANEL = 64 };
enum { MOST_LANES = 8, MOST_STRIP = 32, MOST_SIDE = 4 };

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

/* What a tile's log densities are made from; w: a triangle, or d numbers; y: work space. */
typedef struct {
    const double *x;
    em_index stride;
    int d;
    const double *centre, *w;
    bool diagonal;
    double constant, *y;
} densities;

/* The kernels for one length of vectors. */
typedef struct {
    int lanes, strip;
    bool (*density)(const densities *m, int strips, double *out);
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

static bool last_density(const kernels *by, const densities *m, int from, int rows, double *out)
{
    double x[EM_MV_COLUMNS * MOST_STRIP] EM_ALIGNED, all[MOST_STRIP] EM_ALIGNED;
    densities last = *m;

    last_rows(m->x, m->stride, from, rows, m->d, m->centre, by->strip, x);
    last.x = x;
    last.stride = by->strip;
    bool finite = by->density(&last, 1, all);
    memcpy(out + from, all, (size_t)(rows - from) * sizeof(double));
    return finite;
}

static void density(const densities *m, int rows, double *out)
{
    const kernels *by = best();
    int whole = rows - rows % by->strip;
    bool finite = by->density(m, whole / by->strip, out);

    if (whole < rows)
        finite = last_density(by, m, whole, rows, out) && finite;
    if (!finite)
        mend(m->x, m->stride, rows, m->d, out);
}

/* Work space of two sizes: some compilers touch each page of it in every call. */
static void density_of_few(densities m, int rows, double *out)
{
    double y[FEW * MOST_STRIP] EM_ALIGNED;

    m.y = y;
    density(&m, rows, out);
}

static void density_of_many(densities m, int rows, double *out)
{
    double y[EM_MV_COLUMNS * MOST_STRIP] EM_ALIGNED;

    m.y = y;
    density(&m, rows, out);
}

void em_mv_density(const double *x, em_index stride, int rows, int d, const double *centre,
                   const double *w, double constant, double *out)
{
    densities m = {x, stride, d, centre, w, false, constant, NULL};

    (d <= FEW ? density_of_few : density_of_many)(m, rows, out);
}

void em_mv_density_diagonal(const double *x, em_index stride, int rows, int d, const double *centre,
                            const double *inverse_sd, double constant, double *out)
{
    densities m = {x, stride, d, centre, inverse_sd, true, constant, NULL};

    density(&m, rows, out);
}

/* Rows from `from` on, too few to fill a vector. */
static void last_moments(void (*kernel)(const moments *), int lanes, const moments *m, int from,
                         int rows)
{
    double x[EM_MV_COLUMNS * MOST_LANES] EM_ALIGNED, p[MOST_LANES] EM_ALIGNED = {0};
    moments last = *m;

    last_rows(m->x, m->stride, from, rows, m->d, m->centre, lanes, x);
    memcpy(p, m->p + from, (size_t)(rows - from) * sizeof(double));
    last.rows = lanes;
    last.x = x;
    last.stride = lanes;
    last.p = p;
    kernel(&last);
}

static void scatter(void (*kernel)(const moments *), int lanes, moments *m, int rows)
{
    m->rows = rows - rows % lanes;
    if (m->rows > 0)
        kernel(m);
    if (m->rows < rows)
        last_moments(kernel, lanes, m, m->rows, rows);
}

static void scatter_of_few(moments m, int rows)
{
    double y[FEW * COLUMN] EM_ALIGNED, py[MOST_SIDE * COLUMN] EM_ALIGNED;
    const kernels *by = best();

    m.y = y;
    m.py = py;
    scatter(by->whole, by->lanes, &m, rows);
}

static void scatter_of_many(moments m, int rows)
{
    double y[MOST_PANEL * COLUMN] EM_ALIGNED, py[MOST_SIDE * COLUMN] EM_ALIGNED;
    const kernels *by = best();

    m.y = y;
    m.py = py;
    scatter(by->whole, by->lanes, &m, rows);
}

void em_mv_scatter(const double *x, em_index stride, int rows, int d, const double *centre,
                   const double *p, double *s1, double *s2)
{
    moments m = {x, stride, 0, d, centre, p, NULL, NULL, s1, s2};

    (d <= FEW ? scatter_of_few : scatter_of_many)(m, rows);
}

void em_mv_scatter_diagonal(const double *x, em_index stride, int rows, int d, const double *centre,
                            const double *p, double *s1, double *s2)
{
    moments m = {x, stride, 0, d, centre, p, NULL, NULL, s1, s2};
    const kernels *by = best();

    scatter(by->alone, by->lanes, &m, rows);
}
