#include "score.h"

#include "numerics.h"

#include <string.h>

int em_score_raw(const em_model *m)
{
    return m->k * (1 + m->family->n_free);
}

size_t em_score_sums(const em_model *m)
{
    int r = m->family->n_free, raw = em_score_raw(m);
    return em_at(m->k, r) + em_at(m->k, r * r) + em_at(raw, raw);
}

size_t em_score_scratch(const em_model *m)
{
    return em_at(m->k * m->family->n_free + 2 * em_score_raw(m), EM_TILE);
}

/* u, a row of the tile for each of its elements. */
static void raw_vectors(const em_model *m, const em_tile *tile, const double *share,
                        const double *scores, double *u)
{
    int k = m->k, r = m->family->n_free;

    memcpy(u, share, em_at(k, EM_TILE) * sizeof(double));
    for (int j = 0; j < k; j++) {
        const double *p = share + em_at(j, EM_TILE);
        for (int a = 0; a < r; a++) {
            const double *s = scores + em_at(j * r + a, EM_TILE);
            double *to = u + em_at(k + j * r + a, EM_TILE);
            for (int i = 0; i < tile->rows; i++)
                to[i] = p[i] * s[i];
        }
    }
}

static const double *weighted(const em_tile *tile, int raw, const double *u, double *v)
{
    if (tile->weight == NULL)
        return u;
    for (int a = 0; a < raw; a++)
        for (int i = 0; i < tile->rows; i++)
            v[em_at(a, EM_TILE) + (size_t)i] = tile->weight[i] * u[em_at(a, EM_TILE) + (size_t)i];
    return v;
}

void em_score_add(const em_model *m, const double *constants, const em_tile *tile,
                  const double *share, double *scratch, double *sums)
{
    int k = m->k, r = m->family->n_free, raw = em_score_raw(m);
    double *scores = scratch, *u = scores + em_at(k * r, EM_TILE), *v = u + em_at(raw, EM_TILE);
    double *g = sums, *mm = g + em_at(k, r), *b = mm + em_at(k, r * r);

    m->family->scores(m, constants, tile, scores);
    raw_vectors(m, tile, share, scores, u);
    const double *wu = weighted(tile, raw, u, v);
    for (int e = 0; e < k * r; e++) {
        const double *ps = wu + em_at(k + e, EM_TILE);
        int j = e / r;
        g[e] += em_dot(ps, NULL, tile->rows);
        for (int c = 0; c < r; c++)
            mm[e * r + c] += em_dot(ps, scores + em_at(j * r + c, EM_TILE), tile->rows);
    }
    for (int c = 0; c < raw; c++)
        for (int a = c; a < raw; a++)
            b[em_at(c, raw) + (size_t)a] +=
                em_dot(wu + em_at(a, EM_TILE), u + em_at(c, EM_TILE), tile->rows);
}
