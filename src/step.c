#include "step.h"

#include "numerics.h"
#include "parallel.h"
#include "prior.h"
#include "vector.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

/* Where components are so far apart in one tile that sums cannot be had for less, they are in the
 * next ones, most likely. */
enum { APART_TILES = 15 };

/* One walk over the rows: what the lanes need to know. */
typedef struct {
    em_problem *problem;
    double *posterior, *log_density; /* outputs of em_step_evaluate(), or NULL */
    bool summing;
    em_index first, tiles; /* this round: tiles of each lane */
} em_walk;

static em_index tiles_of(em_index n)
{
    return (n + EM_TILE - 1) / EM_TILE;
}

/* At least four tiles to a lane: below that the sums cost more than the rows. Fewer lanes
 * where sums are long, for the sake of memory. */
static int lanes_of(em_index n, int n_sums)
{
    em_index lanes = tiles_of(n) / 4, most = ((em_index)1 << 18) / n_sums;

    if (most > EM_LANES)
        most = EM_LANES;
    if (lanes > most)
        lanes = most;
    return lanes < 1 ? 1 : (int)lanes;
}

static em_index lane_start(const em_problem *p, int lane)
{
    em_index tiles = tiles_of(p->data->n);
    return tiles / p->lanes * lane + tiles % p->lanes * lane / p->lanes;
}

static int plain_sums_of(const em_model *m)
{
    return 1 + m->k + m->latent->n_sums(m) + m->k * m->family->n_sums(m);
}

int em_step_n_sums(const em_model *m)
{
    return plain_sums_of(m) - 1;
}

static int sums_of(const em_model *m, bool scoring)
{
    return plain_sums_of(m) + (scoring ? (int)em_score_sums(m) : 0);
}

static size_t scratch_of(const em_model *m, bool scoring)
{
    return em_at(m->columns + m->k, EM_TILE) + (scoring ? em_score_scratch(m) : 0);
}

static size_t work_of(const em_model *m)
{
    return m->family->n_work == NULL ? 0 : (size_t)m->family->n_work(m);
}

static double *at_line(double *memory)
{
    size_t past = (uintptr_t)memory / sizeof(double) % EM_LINE;
    return past == 0 ? memory : memory + (EM_LINE - past);
}

size_t em_step_memory(const em_model *m, const em_data *data, int threads, bool scoring)
{
    int n_sums = sums_of(m, scoring);
    size_t sums = em_at(lanes_of(data->n, n_sums) + 1, n_sums);
    size_t constants = (size_t)m->latent->n_constants(m) + (size_t)m->family->n_constants(m);
    return sums + constants + work_of(m) + EM_LINE + scratch_of(m, scoring) * (size_t)threads;
}

void em_step_bind(em_problem *p, double *memory)
{
    const em_model *m = p->model;

    p->n_latent = m->latent->n_parameters(m);
    p->n_theta = p->n_latent + m->family->n_parameters(m);
    p->n_sums = sums_of(m, p->scoring);
    p->score_at = plain_sums_of(m);
    p->lanes = lanes_of(p->data->n, p->n_sums);
    p->latent_constants = memory;
    p->family_constants = p->latent_constants + m->latent->n_constants(m);
    p->work = p->family_constants + m->family->n_constants(m);
    p->sums = p->work + work_of(m);
    p->lane_sums = p->sums + p->n_sums;
    p->scratch = at_line(p->lane_sums + em_at(p->lanes, p->n_sums));
    p->bad_component = 0;
    p->bad_row = 0;
}

/* A tile's rows are asked for while the one before it is worked on: memory is slower than that. */
static void ask_for(const em_data *data, em_index row)
{
#ifdef __GNUC__
    for (int c = 0; c < data->columns; c++)
        for (em_index i = row; i < row + EM_TILE && i < data->n; i += EM_LINE)
            __builtin_prefetch(data->x + data->n * c + i);
#else
    (void)data, (void)row;
#endif
}

/* Rows that the family reads as they are need no copy. */
static bool is_located(const em_data *data)
{
    for (int c = 0; c < data->columns; c++)
        if (data->factor[c] != 1 || data->shift[c] != 0)
            return false;
    return true;
}

/* The rows of a tile as the family reads them: located and scaled. */
static em_tile load_tile(const em_data *data, em_index row, double *x)
{
    em_index left = data->n - row;
    em_tile tile = {.rows = left < EM_TILE ? (int)left : EM_TILE, .x = x, .stride = EM_TILE};

    if (is_located(data)) {
        tile.x = data->x + row;
        tile.stride = data->n;
    } else {
        for (int c = 0; c < data->columns; c++)
            em_locate(data->x + data->n * c + row, data->factor[c], data->shift[c], tile.rows,
                      x + em_at(c, EM_TILE));
    }
    tile.weight = data->weight == NULL ? NULL : data->weight + row;
    tile.label = data->label == NULL ? NULL : data->label + row;
    return tile;
}

/* A share counts as many times as its row does. */
static void accumulate(const em_problem *p, const em_tile *tile, const double *share,
                       const double *scale, double *sums)
{
    const em_model *m = p->model;
    double *mass = sums + 1, *family_sums = mass + m->k + m->latent->n_sums(m);

    m->family->accumulate(m, p->family_constants, tile, share, scale, mass, family_sums);
}

static void add_tile(const em_problem *p, const em_tile *tile, const double *log_row,
                     const double *share, double *scratch, double *sums)
{
    double once[EM_TILE] EM_ALIGNED;

    for (int i = 0; i < tile->rows; i++)
        once[i] = 1;
    sums[0] += em_dot(log_row, tile->weight, tile->rows);
    if (p->gather)
        em_score_add(p->model, p->family_constants, tile, share, scratch, sums + p->score_at);
    accumulate(p, tile, share, tile->weight == NULL ? once : tile->weight, sums);
}

/* Most walks want sums alone, which are had for less. */
static bool add_sums(const em_problem *p, const em_tile *tile, double *share, double *sums)
{
    const em_model *m = p->model;
    double scale[EM_TILE] EM_ALIGNED, log_sum = 0;

    m->family->log_density(m, p->family_constants, tile, share);
    if (!m->latent->share_sums(m, p->latent_constants, tile, share, scale, sums + 1 + m->k,
                               &log_sum))
        return false;
    sums[0] += log_sum;
    accumulate(p, tile, share, scale, sums);
    return true;
}

static void keep_tile(const em_walk *w, em_index row, int rows, const double *log_row,
                      const double *share)
{
    const em_problem *p = w->problem;
    size_t bytes = (size_t)rows * sizeof(double);

    if (w->log_density != NULL)
        memcpy(w->log_density + row, log_row, bytes);
    if (w->posterior != NULL)
        for (int j = 0; j < p->model->k; j++)
            memcpy(w->posterior + p->data->n * j + row, share + em_at(j, EM_TILE), bytes);
}

static em_status walk_tile(const em_walk *w, int lane, em_index row, double *scratch)
{
    em_problem *p = w->problem;
    const em_model *m = p->model;
    double *share = scratch + em_at(m->columns, EM_TILE), log_row[EM_TILE] EM_ALIGNED;
    double *sums = p->lane_sums + em_at(lane, p->n_sums);
    em_tile tile = load_tile(p->data, row, scratch);
    int bad = 0;

    bool sums_suffice = w->summing && !p->gather && tile.label == NULL && !m->hard;
    bool apart = p->lane_apart[lane] > 0;
    if (sums_suffice && !apart && add_sums(p, &tile, share, sums))
        return EM_OK;
    if (sums_suffice)
        p->lane_apart[lane] = apart ? p->lane_apart[lane] - 1 : APART_TILES;
    m->family->log_density(m, p->family_constants, &tile, share);
    em_status status =
        m->latent->share(m, p->latent_constants, &tile, share, log_row, sums + 1 + m->k, &bad);
    if (w->summing && status != EM_OK) {
        p->lane_row[lane] = row + bad + 1;
        return status;
    }
    if (w->summing)
        add_tile(p, &tile, log_row, share, share + em_at(m->k, EM_TILE), sums);
    else
        keep_tile(w, row, tile.rows, log_row, share);
    return EM_OK;
}

static void walk_lane(void *context, int lane, int thread)
{
    const em_walk *w = context;
    em_problem *p = w->problem;
    double *scratch = p->scratch + scratch_of(p->model, p->scoring) * (size_t)thread;
    em_index from = lane_start(p, lane) + w->first, end = lane_start(p, lane + 1);

    if (end > from + w->tiles)
        end = from + w->tiles;
    for (em_index t = from; t < end && p->lane_status[lane] == EM_OK; t++) {
        ask_for(p->data, (t + 2) * EM_TILE);
        p->lane_status[lane] = walk_tile(w, lane, t * EM_TILE, scratch);
    }
}

/* A round is short (some hundredths of a second), so that an interrupt is never far; and not
 * shorter, as threads wait for each other at its end. */
static em_index tiles_per_round(const em_model *m)
{
    int work = m->k * (1 + m->family->n_sums(m) / 10);
    return work >= 512 ? 1 : 512 / (work < 4 ? 4 : work);
}

static em_status walk_rows(em_walk *w)
{
    em_problem *p = w->problem;
    em_index longest = tiles_of(p->data->n) / p->lanes + 1;

    memset(p->lane_sums, 0, em_at(p->lanes, p->n_sums) * sizeof(double));
    for (int l = 0; l < p->lanes; l++) {
        p->lane_status[l] = EM_OK;
        p->lane_apart[l] = 0;
    }
    w->tiles = tiles_per_round(p->model);
    for (w->first = 0; w->first < longest; w->first += w->tiles) {
        em_parallel(p->threads, p->lanes, walk_lane, w);
        em_look_up(p->poll);
    }
    for (int l = 0; l < p->lanes; l++) {
        if (p->lane_status[l] != EM_OK) {
            p->bad_row = p->lane_row[l];
            return p->lane_status[l];
        }
    }
    return EM_OK;
}

static void add_lanes(em_problem *p)
{
    memset(p->sums, 0, (size_t)p->n_sums * sizeof(double));
    for (int l = 0; l < p->lanes; l++)
        for (int s = 0; s < p->n_sums; s++)
            p->sums[s] += p->lane_sums[em_at(l, p->n_sums) + (size_t)s];
}

static em_status prepare(em_problem *p, const double *theta)
{
    const em_model *m = p->model;
    int component = 0;

    p->bad_component = 0;
    p->bad_row = 0;
    m->latent->prepare(m, theta, p->latent_constants);
    em_status status = m->family->prepare(m, theta + p->n_latent, p->family_constants, &component);
    if (status != EM_OK)
        p->bad_component = component;
    return status;
}

static double log_prior(const em_problem *p, const double *prop, const double *par)
{
    const em_model *m = p->model;
    const double *prior = em_prior_family(m);
    double sum = 0;

    for (int j = 0; j < m->k; j++)
        if (em_prior_rows(m, j) > 0 && !m->held[j])
            sum += em_prior_rows(m, j) * em_log(prop[j]);
    return prior == NULL
               ? sum
               : sum + m->family->log_prior(m, prior, p->family_constants, par, NULL, NULL);
}

em_status em_step_expect(em_problem *p, const double *theta, double *objective)
{
    em_walk walk = {.problem = p, .summing = true};
    em_status status = prepare(p, theta);

    if (status == EM_OK)
        status = walk_rows(&walk);
    if (status != EM_OK)
        return status;
    add_lanes(p);
    p->log_prior = log_prior(p, theta, theta + p->n_latent);
    *objective = p->sums[0] + p->log_prior;
    p->total = 0;
    for (int j = 0; j < p->model->k; j++)
        p->total += p->sums[1 + j];
    return EM_OK;
}

em_status em_step_maximise(em_problem *p, const double *theta, double *next)
{
    return em_step_maximise_of(p, p->sums + 1, theta, next);
}

em_status em_step_maximise_of(em_problem *p, const double *sums, const double *theta, double *next)
{
    const em_model *m = p->model;
    const double *mass = sums, *latent_sums = mass + m->k;
    const double *family_sums = latent_sums + m->latent->n_sums(m);
    em_work work = {p->work, p->poll};
    int component = 0;

    m->latent->maximise(m, m->held, mass, latent_sums, theta, next);
    em_status status =
        m->family->maximise(m, m->held + p->n_latent, mass, family_sums, theta + p->n_latent,
                            next + p->n_latent, &work, &component);
    if (status != EM_OK)
        p->bad_component = component;
    return status;
}

em_status em_step_natural(em_problem *p, const double *theta, const double *about, double *out)
{
    const em_model *m = p->model;
    em_status status = prepare(p, theta);

    if (status != EM_OK)
        return status;
    m->family->natural(m, p->family_constants, about + p->n_latent, out);
    for (int j = 0; j < m->k; j++)
        out[j] += em_log(theta[j]);
    return EM_OK;
}

void em_step_recentre(const em_problem *p, const double *sums, const double *from, const double *to,
                      double *out)
{
    const em_model *m = p->model;

    memmove(out, sums, (size_t)em_step_n_sums(m) * sizeof(double));
    m->family->recentre(m, from + p->n_latent, to + p->n_latent, out,
                        out + m->k + m->latent->n_sums(m));
}

em_status em_step_evaluate(em_problem *p, const double *theta, double *posterior,
                           double *log_density)
{
    em_walk walk = {.problem = p, .posterior = posterior, .log_density = log_density};
    em_status status = prepare(p, theta);

    return status == EM_OK ? walk_rows(&walk) : status;
}

double em_row_weight(const em_problem *p)
{
    double mean = p->total / (double)p->data->n;
    return mean < 1 ? mean : 1;
}

double em_step_tol(const em_problem *p, double tol)
{
    double mean = p->total / (double)p->data->n;
    return mean < 1 ? tol * mean : mean > 1e6 ? tol * 1e-6 * mean : tol;
}

double em_step_rounding(double objective)
{
    return 64 * DBL_EPSILON * fabs(objective);
}
