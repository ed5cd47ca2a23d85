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
#define add_block NAMED(add_block)
#define add_last_block NAMED(add_last_block)
#define strip_whole NAMED(strip_whole)
#define strip_diagonal NAMED(strip_diagonal)
#define corner NAMED(corner)
#define corners NAMED(corners)
#define square NAMED(square)
#define squares NAMED(squares)
#define weigh NAMED(weigh)
#define STRIP (TALL * LANES)
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
        vec s[LANES];
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

/* q += sum of z_r^2, z_r = sum_c w_rc y_c, for n values of r from `first` on. w: row `first`. */
INLINE TARGET void add_block(const double *y, const double *w, int first, const int n, vec *q)
{
    vec z[SIDE][TALL];
    const double *row[SIDE];

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
            vec a = load(y + (first + c) * STRIP + v * LANES);
            EACH (r, n)
                if (r >= c)
                    z[r][v] += a * row[r][first + c];
        }
    EACH (r, n)
        EACH (v, TALL)
            q[v] += z[r][v] * z[r][v];
}

INLINE TARGET void add_last_block(const double *y, const double *w, int first, int n, vec *q)
{
    if (n == 1)
        add_block(y, w, first, 1, q);
    else if (n == 2)
        add_block(y, w, first, 2, q);
#if SIDE > 3
    else if (n == 3)
        add_block(y, w, first, 3, q);
#endif
}

/* out, of the rows of a strip; 0, or NaN where not all is finite. */
INLINE TARGET vec strip_whole(const double *x, em_index stride, int d, const double *centre,
                              const double *w, double constant, double *out)
{
    double y[EM_MV_COLUMNS * STRIP] EM_ALIGNED;
    vec q[TALL], odd = {0};
    int r = 0;

    for (int c = 0; c < d; c++)
        EACH (v, TALL)
            store(y + c * STRIP + v * LANES, load(x + stride * c + v * LANES) - centre[c]);
    EACH (v, TALL)
        q[v] = (vec){0};
    for (; r + SIDE <= d; r += SIDE) {
        add_block(y, w, r, SIDE, q);
        w += SIDE * r + SIDE * (SIDE + 1) / 2;
    }
    add_last_block(y, w, r, d - r, q);
    EACH (v, TALL) {
        store(out + v * LANES, constant - q[v] * 0.5);
        odd += q[v] * 0.0;
    }
    return odd;
}

INLINE TARGET vec strip_diagonal(const double *x, em_index stride, int d, const double *centre,
                                 const double *inverse_sd, double constant, double *out)
{
    vec q[TALL], odd = {0};

    EACH (v, TALL)
        q[v] = (vec){0};
    for (int c = 0; c < d; c++)
        EACH (v, TALL) {
            vec z = (load(x + stride * c + v * LANES) - centre[c]) * inverse_sd[c];
            q[v] += z * z;
        }
    EACH (v, TALL) {
        store(out + v * LANES, constant - q[v] * 0.5);
        odd += q[v] * 0.0;
    }
    return odd;
}

/* Of full strips. Is every sum of squares finite? */
TARGET static bool NAMED(density)(const double *x, em_index stride, int strips, int d,
                                  const double *centre, const double *w, bool diagonal,
                                  double constant, double *out)
{
    double sum[LANES];
    vec odd = {0};

    for (int i = 0; i < strips * STRIP; i += STRIP)
        odd += diagonal ? strip_diagonal(x + i, stride, d, centre, w, constant, out + i)
                        : strip_whole(x + i, stride, d, centre, w, constant, out + i);
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
    int at = n;

    EACH (i, n_sums)
        s[i] = (vec){0};
    for (int i = 0; i < m->rows; i += LANES) {
        vec p = load(m->p + i), y[SIDE];
        EACH (j, n)
            y[j] =
                raw ? load(from + stride * j + i) - m->centre[c + j] : load(from + stride * j + i);
        at = n;
        EACH (j, n) {
            vec py = p * y[j];
            if (!alone)
                store(m->py + j * COLUMN + i, py);
            s[j] += py;
            EACH (r, n)
                if (r == j || (r > j && !alone))
                    s[at++] += py * y[r];
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

    EACH (i, n * SIDE)
        s[i] = (vec){0};
    for (int i = 0; i < m->rows; i += LANES) {
        vec y[SIDE];
        EACH (a, n) {
            y[a] =
                raw ? load(from + stride * a + i) - m->centre[r + a] : load(from + stride * a + i);
            if (raw)
                store(m->y + (r % PANEL + a) * COLUMN + i, y[a]);
        }
        EACH (j, SIDE) {
            vec py = load(m->py + j * COLUMN + i);
            EACH (a, n)
                s[j * n + a] += py * y[a];
        }
    }
    totals(s, n * SIDE, sum);
    EACH (j, SIDE) {
        EACH (a, n)
            s2[a] += sum[j * n + a];
        s2 += m->d - c - j - 1;
    }
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
    if (n >= SIDE)
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
    for (int i = 0; i < m->rows; i += LANES) {
        vec p = load(m->p + i);
        EACH (j, SIDE)
            store(m->py + j * COLUMN + i,
                  p * (load(m->x + m->stride * (c + j) + i) - m->centre[c + j]));
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
#undef add_block
#undef add_last_block
#undef strip_whole
#undef strip_diagonal
#undef corner
#undef corners
#undef square
#undef squares
#undef weigh
#undef STRIP
#undef MOST_SUMS
#undef LANES
#undef TALL
#undef SIDE
#undef TARGET
#undef NAMED
