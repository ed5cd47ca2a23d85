/* Layer 0: what every file of the core speaks of. No R, no memory, no maths.
 *
 *   n      rows (points after condensing), weighted
 *   k      components
 *   theta  all parameters in one flat vector: the latent structure's first
 *          (mixing proportions), then the family's (means, sds, ...)
 */
#ifndef EMIX_TYPES_H
#define EMIX_TYPES_H

#include <stdbool.h>
#include <stddef.h>

/* Signed, as wide as memory: n may pass 2^31. */
typedef ptrdiff_t em_index;

/* Rows that are worked on while they are in cache: 256 rows of 8 components are 16 kB. */
enum { EM_TILE = 256 };

/* Kernels are compiled for several instruction sets into one binary, of which the loader takes the
 * best that the machine has, where compiler and loader can do that; elsewhere once, as plain C. So
 * too with EM_ONE_KERNEL, which leaves the choice to the compiler's -march.
 * Loops say `omp simd`, which allows vectors and nothing else. */
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 8 && defined(__x86_64__) &&            \
    defined(__gnu_linux__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) &&   \
    !defined(EM_ONE_KERNEL)
#if __GNUC__ >= 12
#define EM_AVX2 "arch=x86-64-v3" /* with fused multiply and add */
#else
#define EM_AVX2 "avx2"
#endif
#define EM_KERNEL __attribute__((target_clones("avx512f", EM_AVX2, "default")))
/* Where every sum needs a load or two, vectors twice as long gain nothing. */
#define EM_KERNEL_OF_LOADS __attribute__((target_clones(EM_AVX2, "default")))
#else
#define EM_KERNEL
#define EM_KERNEL_OF_LOADS
#endif

/* Tiles start where a cache line does: a vector that straddles two of them costs twice. */
enum { EM_LINE = 64 / sizeof(double) };
#ifdef __GNUC__
#define EM_ALIGNED __attribute__((aligned(64)))
#else
#define EM_ALIGNED
#endif

/* Where block j begins among blocks of `size` values: the one place where widths meet. */
static inline size_t em_at(int j, int size)
{
    return (size_t)j * (size_t)size;
}

/* What can end a step. The core returns it; only the bridge tells R. */
typedef enum {
    EM_OK = 0,
    EM_COLLAPSED,  /* a component shrank onto a point: its likelihood is unbounded */
    EM_IMPOSSIBLE, /* a row has density zero under every component */
    EM_DIVERGED    /* a parameter is no longer a finite number */
} em_status;

/* Lets R act on an interrupt: may not return. Long work calls it every hundredth of a second or so;
 * NULL where R may not be called, in threads other than the main one. */
typedef void (*em_poll)(void);

static inline void em_look_up(em_poll poll)
{
    if (poll != NULL)
        poll();
}

/* The rows, as R holds them: columns one after another, each of n values.
 * The core sees x * factor - shift, made a tile at a time, so that no
 * standardised copy of the data is ever needed. */
typedef struct {
    em_index n;
    int columns;
    const double *x;
    const double *factor; /* one per column; a power of two, so that scaling is exact */
    const double *shift;  /* one per column */
    const double *weight; /* NULL: every row counts once */
    const int *label;     /* NULL: none known; else 0 = unknown, j = component j (from 1) */
} em_data;

/* Up to EM_TILE rows, ready for the kernels. */
typedef struct {
    int rows;
    const double *x;
    em_index stride;      /* column c starts at x + c * stride */
    const double *weight; /* NULL as in em_data */
    const int *label;     /* NULL as in em_data */
} em_tile;

static inline const double *em_column(const em_tile *tile, int c)
{
    return tile->x + tile->stride * c;
}

#endif
