/* The kernels of mvkernel.c in vectors of LANES doubles, rows beside each other. Included once for
 * each length, with
 *
 *   NAMED(f)   f with the length in its name
 *   TARGET     the attribute that allows the instructions
 *   TALL       vectors of rows that a density works on at once: a strip
 *   SIDE       columns of a block, and its rows
 *
 * A product needs two numbers from memory, which is slower than to multiply them. A block of sums
 * stays in registers and uses each number that is loaded SIDE times. Loops over a block have
 * constant lengths and are written out by the compiler (EACH): only so are arrays of vectors
 * registers. */

typedef double NAMED(vec) VECTOR(LANES);
typedef ptrdiff_t NAMED(places) VECTOR(LANES);
typedef double NAMED(loose) LOOSE_VECTOR(LANES);
#define vec NAMED(vec)
#define load NAMED(load)
#define store NAMED(store)
#define fold NAMED(fold)
#define totals NAMED(totals)
#define add_rows NAMED(add_rows)
#define add_full NAMED(add_full)
#define add_last NAMED(add_last)
#define strip_whole NAMED(strip_whole)
#define strip_diagonal NAMED(strip_diagonal)
#define corner NAMED(corner)
#define corners NAMED(corners)
#define square NAMED(square)
#define full_square NAMED(full_square)
#define squares NAMED(squares)
#define weigh NAMED(weigh)
#define STRIP (TALL * LANES)
#define PANEL (MOST_PANEL / SIDE * SIDE)
#define MOST_SUMS (SIDE * SIDE + LANES)

INLINE TARGET vec load(const double *a)
{
    return (vec) * (const NAMED(loose) *)a;
}

INLINE TARGET void store(double *a, vec v)
{
    *(NAMED(loose) *)a = (NAMED(loose))v;
}

/* Two vectors, whose groups of `width` numbers each hold parts of as many sums, as one. */
INLINE TARGET vec fold(vec a, vec b, int width)
{
#if LANES == 8
    if (width == 1)
        return SHUFFLE(a, b, 0, 8, 2, 10, 4, 12, 6, 14) + SHUFFLE(a, b, 1, 9, 3, 11, 5, 13, 7, 15);
    if (width == 2)
        return SHUFFLE(a, b, 0, 1, 8, 9, 4, 5, 12, 13) + SHUFFLE(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
    return SHUFFLE(a, b, 0, 1, 2, 3, 8, 9, 10, 11) + SHUFFLE(a, b, 4, 5, 6, 7, 12, 13, 14, 15);
#elif LANES == 4
    if (width == 1)
        return SHUFFLE(a, b, 0, 4, 2, 6) + SHUFFLE(a, b, 1, 5, 3, 7);
    return SHUFFLE(a, b, 0, 1, 4, 5) + SHUFFLE(a, b, 2, 3, 6, 7);
#elif LANES == 2
    (void)width;
    return SHUFFLE(a, b, 0, 2) + SHUFFLE(a, b, 1, 3);
#else
    (void)b, (void)width;
    return a;
#endif
}

/* to[i]: the sum of v[i]. Writes up to LANES - 1 more. */
INLINE TARGET void totals(const vec *v, const int n, double *to)
{
    EACH_BY (LANES, first, n) {
        vec s[LANES] = {0};
        int left = n - first < LANES ? n - first : LANES;
        EACH (i, left)
            s[i] = v[first + i];
        EACH_TWICE (width, LANES) {
            EACH_BY (2, i, left)
                s[i / 2] = fold(s[i], s[i + 1 < left ? i + 1 : i], width);
            left = (left + 1) / 2;
        }
        store(to + first, s[0]);
    }
}

/* ---- densities ---- */

/* Of a strip: q += sum of z_r^2, z_r = sum_c w_rc y_c, for n values of r from `first` on; and
 * y = x - centre of as many columns, those before being there. w: row `first`. */
INLINE TARGET void add_rows(const densities *m, const double *x, const double *w, int first,
                            const int n, vec *q)
{
    const double *centre = m->centre + first, *row[SIDE];
    em_index stride = m->stride;
    double *y = m->y;
    vec z[SIDE][TALL];

    x += stride * first;
    EACH (r, n) {
        row[r] = w + r * first + r * (r + 1) / 2;
        EACH (v, TALL)
            z[r][v] = (vec){0};
    }
    for (int c = 0; c < first; c++)
        EACH (v, TALL) {
            vec a = load(y + c * STRIP + v * LANES);
            EACH (r, n)
                z[r][v] += a * row[r][c];
        }
    EACH (c, n)
        EACH (v, TALL) {
            vec a = load(x + stride * c + v * LANES) - centre[c];
            if (n == SIDE)
                store(y + (first + c) * STRIP + v * LANES, a);
            EACH (r, n)
                if (r >= c)
                    z[r][v] += a * row[r][first + c];
        }
    EACH (r, n)
        EACH (v, TALL)
            q[v] += z[r][v] * z[r][v];
}

/* Not inlined, so that nothing else is in need of registers. */
APART TARGET static void add_full(const densities *m, const double *x, const double *w, int first,
                                  vec *q)
{
    add_rows(m, x, w, first, SIDE, q);
}

/* Fewer than SIDE. */
INLINE TARGET void add_last(const densities *m, const double *x, const double *w, int first, int n,
                            vec *q)
{
    if (n == 1)
        add_rows(m, x, w, first, 1, q);
    else if (n == 2)
        add_rows(m, x, w, first, 2, q);
#if SIDE > 3
    else if (n == 3)
        add_rows(m, x, w, first, 3, q);
#endif
}

/* Sums of squares of a strip. */
INLINE TARGET void strip_whole(const densities *m, const double *x, vec *q)
{
    const double *w = m->w;
    int r = 0;

    if (m->d < SIDE) {
        add_last(m, x, w, 0, m->d, q);
        return;
    }
    add_rows(m, x, w, 0, SIDE, q);
    for (r = SIDE; r + SIDE <= m->d; r += SIDE) {
        w += SIDE * (r - SIDE) + SIDE * (SIDE + 1) / 2;
        add_full(m, x, w, r, q);
    }
    w += SIDE * (r - SIDE) + SIDE * (SIDE + 1) / 2;
    add_last(m, x, w, r, m->d - r, q);
}

INLINE TARGET void strip_diagonal(const densities *m, const double *x, vec *q)
{
    for (int c = 0; c < m->d; c++)
        EACH (v, TALL) {
            vec z = (load(x + m->stride * c + v * LANES) - m->centre[c]) * m->w[c];
            q[v] += z * z;
        }
}

/* Of full strips. Is every sum of squares finite? */
TARGET static bool NAMED(density)(const densities *m, int strips, double *out)
{
    double sum[LANES], constant = m->constant;
    vec odd = {0};

    for (int i = 0; i < strips * STRIP; i += STRIP) {
        vec q[TALL];
        EACH (v, TALL)
            q[v] = (vec){0};
        if (m->diagonal)
            strip_diagonal(m, m->x + i, q);
        else
            strip_whole(m, m->x + i, q);
        EACH (v, TALL) {
            store(out + i + v * LANES, constant - q[v] * 0.5);
            odd += q[v] * 0.0;
        }
    }
    totals(&odd, 1, sum);
    return sum[0] == 0;
}

/* ---- moments ---- */

/* Columns c .. c + n - 1: s1 += sum py, s2 += sum py y, of all pairs of them or (alone) of each
 * with itself. py = p y is kept, but for `alone`. raw: y = x - centre is made, not found. */
INLINE TARGET void corner(const moments *m, int c, const int n, const bool raw, const bool alone)
{
    const double *from = raw ? m->x + m->stride * c : m->y + c % PANEL * COLUMN;
    em_index stride = raw ? m->stride : COLUMN;
    vec s[SIDE + SIDE * SIDE];
    double sum[MOST_SUMS], *s2 = alone ? m->s2 + c : packed(m->s2, m->d, c, c);
    const int n_sums = n + (alone ? n : n * (n + 1) / 2);
    const double *p = m->p;
    double *py = m->py, centre[SIDE];
    int at = n, rows = m->rows;

    EACH (j, n)
        centre[j] = m->centre[c + j];
    EACH (i, n_sums)
        s[i] = (vec){0};
    for (int i = 0; i < rows; i += LANES) {
        vec share = load(p + i), y[SIDE];
        EACH (j, n)
            y[j] = raw ? load(from + stride * j + i) - centre[j] : load(from + stride * j + i);
        at = n;
        EACH (j, n) {
            vec w = share * y[j];
            if (!alone)
                store(py + j * COLUMN + i, w);
            s[j] += w;
            EACH (r, n)
                if (r == j || (r > j && !alone))
                    s[at++] += w * y[r];
        }
    }
    totals(s, n_sums, sum);
    at = n;
    EACH (j, n) {
        m->s1[c + j] += sum[j];
        EACH (r, n)
            if (r == j || (r > j && !alone))
                s2[alone ? r : r - j] += sum[at++];
        s2 += alone ? 0 : m->d - c - j;
    }
}

/* s2 += sum py_c y_r of SIDE columns, whose py is at hand, and n rows r. */
INLINE TARGET void square(const moments *m, int r, int c, const int n, const bool raw)
{
    const double *from = raw ? m->x + m->stride * r : m->y + r % PANEL * COLUMN;
    em_index stride = raw ? m->stride : COLUMN;
    vec s[SIDE * SIDE];
    double sum[MOST_SUMS], *s2 = packed(m->s2, m->d, r, c);

    const double *py = m->py;
    double *to = m->y + r % PANEL * COLUMN, centre[SIDE];
    int rows = m->rows;

    EACH (a, n)
        centre[a] = m->centre[r + a];
    EACH (i, n * SIDE)
        s[i] = (vec){0};
    for (int i = 0; i < rows; i += LANES) {
        vec y[SIDE];
        EACH (a, n) {
            y[a] = raw ? load(from + stride * a + i) - centre[a] : load(from + stride * a + i);
            if (raw)
                store(to + a * COLUMN + i, y[a]);
        }
        EACH (j, SIDE) {
            vec w = load(py + j * COLUMN + i);
            EACH (a, n)
                s[j * n + a] += w * y[a];
        }
    }
    totals(s, n * SIDE, sum);
    EACH (j, SIDE) {
        EACH (a, n)
            s2[a] += sum[j * n + a];
        s2 += m->d - c - j - 1;
    }
}

APART TARGET static void full_square(const moments *m, int r, int c)
{
    square(m, r, c, SIDE, false);
}

/* As many as there are, from 1 to SIDE. */
INLINE TARGET void corners(const moments *m, int c, int n, const bool raw, const bool alone)
{
    if (n >= SIDE)
        corner(m, c, SIDE, raw, alone);
    else if (n == 1)
        corner(m, c, 1, raw, alone);
    else if (n == 2)
        corner(m, c, 2, raw, alone);
#if SIDE > 3
    else
        corner(m, c, 3, raw, alone);
#endif
}

INLINE TARGET void squares(const moments *m, int r, int c, int n, const bool raw)
{
    if (n >= SIDE && !raw)
        full_square(m, r, c);
    else if (n >= SIDE)
        square(m, r, c, SIDE, raw);
    else if (n == 1)
        square(m, r, c, 1, raw);
    else if (n == 2)
        square(m, r, c, 2, raw);
#if SIDE > 3
    else
        square(m, r, c, 3, raw);
#endif
}

/* py of SIDE columns whose corner is done. */
INLINE TARGET void weigh(const moments *m, int c)
{
    const double *x = m->x + m->stride * c, *p = m->p;
    double *py = m->py, centre[SIDE];
    em_index stride = m->stride;
    int rows = m->rows;

    EACH (j, SIDE)
        centre[j] = m->centre[c + j];
    for (int i = 0; i < rows; i += LANES) {
        vec share = load(p + i);
        EACH (j, SIDE)
            store(py + j * COLUMN + i, share * (load(x + stride * j + i) - centre[j]));
    }
}

/* Rows by panels, so that their y stays in cache; it is made for the first columns and then found.
 */
TARGET static void NAMED(whole)(const moments *m)
{
    for (int panel = 0; panel < m->d; panel += PANEL) {
        int end = m->d - panel < PANEL ? m->d : panel + PANEL;
        for (int c = 0; c < end; c += SIDE) {
            if (c < panel)
                weigh(m, c);
            else if (c == 0)
                corners(m, c, end - c, true, false);
            else
                corners(m, c, end - c, false, false);
            for (int r = c < panel ? panel : c + SIDE; r < end; r += SIDE)
                if (c == 0)
                    squares(m, r, c, end - r, true);
                else
                    squares(m, r, c, end - r, false);
        }
    }
}

TARGET static void NAMED(alone)(const moments *m)
{
    for (int c = 0; c < m->d; c += SIDE)
        corners(m, c, m->d - c, true, true);
}

static const kernels NAMED(kernels) = {LANES, STRIP, NAMED(density), NAMED(whole), NAMED(alone)};

#undef vec
#undef load
#undef store
#undef fold
#undef totals
#undef add_rows
#undef add_full
#undef add_last
#undef strip_whole
#undef strip_diagonal
#undef corner
#undef corners
#undef square
#undef full_square
#undef squares
#undef weigh
#undef STRIP
#undef PANEL
#undef MOST_SUMS
#undef LANES
#undef TALL
#undef SIDE
#undef TARGET
#undef NAMED
