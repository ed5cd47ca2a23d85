#include "score.h"

#include "vector.h"

#include <string.h>

int em_score_raw(const em_model *m)
{
    return m->k * (1 + m->family->n_free);
}

size_t em_score_sums(const em_model *m)
{
    int r = m->family->n_free, raw = em_score_raw(m);
    return em_at(m->k, r * r) + em_at(raw, raw);
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
            em_product(p, s, tile->rows, u + em_at(k + j * r + a, EM_TILE));
        }
    }
}

static const double *weighted(const em_tile *tile, int raw, const double *u, double *v)
{
    if (tile->weight == NULL)
        return u;
    for (int a = 0; a < raw; a++)
        em_product(u + em_at(a, EM_TILE), tile->weight, tile->rows, v + em_at(a, EM_TILE));
    return v;
}

void em_score_add(const em_model *m, const double *constants, const em_tile *tile,
                  const double *share, double *scratch, double *sums)
{
    int k = m->k, r = m->family->n_free, raw = em_score_raw(m);
    double *scores = scratch, *u = scores + em_at(k * r, EM_TILE), *v = u + em_at(raw, EM_TILE);
    double *mm = sums, *b = mm + em_at(k, r * r);

    m->family->scores(m, constants, tile, scores);
    raw_vectors(m, tile, share, scores, u);
    const double *wu = weighted(tile, raw, u, v);
    for (int j = 0; j < k; j++) {
        const double *ps = wu + em_at(k + j * r, EM_TILE), *s = scores + em_at(j * r, EM_TILE);
        em_cross(ps, r, s, r, tile->rows, false, mm + em_at(j, r * r), r);
    }
    em_cross(wu, raw, u, raw, tile->rows, true, b, raw);
}
