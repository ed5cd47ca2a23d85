#include "inform.h"

#include "prior.h"

#include <math.h>
#include <string.h>

int em_inform_size(const em_model *m)
{
    return em_score_raw(m);
}

size_t em_inform_memory(const em_model *m)
{
    int raw = em_score_raw(m), r = m->family->n_free;
    return em_at(raw, raw) + 2 * em_at(m->k, r * r) + em_at(1, raw) + em_at(m->k, r);
}

void em_inform_bind(em_inform *f, const em_model *m, double *memory, int *index)
{
    int r = m->family->n_free;

    f->raw = em_score_raw(m);
    f->index = index;
    f->cross = memory;
    f->observed = f->cross + em_at(f->raw, f->raw);
    f->expected = f->observed + em_at(m->k, r * r);
    f->raw_step = f->expected + em_at(m->k, r * r);
    f->gradient = f->raw_step + f->raw;
}

/* Numbers the free coordinates; returns how many there are. */
static int number_free(em_inform *f, const em_problem *p, const double *theta)
{
    const em_model *m = p->model;
    const double *par = theta + p->n_latent;
    const int *held = m->held + p->n_latent;
    int k = m->k, r = m->family->n_free, q = 0;

    f->reference = -1;
    for (int j = 0; j < k; j++)
        if (em_is_free(m, theta, j) && (f->reference < 0 || theta[j] > theta[f->reference]))
            f->reference = j;
    for (int j = 0; j < k; j++)
        f->index[j] = em_is_free(m, theta, j) && j != f->reference ? q++ : -1;
    for (int a = 0; a < r; a++) {
        int shared = -1;
        size_t diagonal = em_at(a, r) + (size_t)a;
        for (int j = 0; j < k; j++) {
            int *at = f->index + em_at(j, r) + (size_t)(k + a);
            *at = -1;
            bool shared_by_all = m->equal >> a & 1u;
            if (held[a * k + j] || m->family->on_boundary(m, par, j, a))
                continue;
            /* An empty component's own: only a prior says where. */
            if (theta[j] == 0 && !shared_by_all && !(f->observed[em_at(j, r * r) + diagonal] > 0))
                continue;
            if (!shared_by_all)
                *at = q++;
            else
                *at = shared = shared < 0 ? q++ : shared;
        }
    }
    return q;
}

/* cross := sign B, of which score.c has made one triangle. */
static void copy_outer(em_inform *f, const em_problem *p, double sign)
{
    int raw = f->raw;
    const double *b = p->sums + p->score_at +
                      em_at(p->model->k, p->model->family->n_free * p->model->family->n_free);

    for (int c = 0; c < raw; c++)
        for (int a = c; a < raw; a++)
            f->cross[em_at(c, raw) + (size_t)a] = f->cross[em_at(a, raw) + (size_t)c] =
                sign * b[em_at(c, raw) + (size_t)a];
}

/* K = D - B, D the second moments of the complete scores: component by component. */
static void fill_cross(em_inform *f, const em_problem *p)
{
    const em_model *m = p->model;
    int k = m->k, r = m->family->n_free, raw = f->raw;
    const double *mass = p->sums + 1, *g = f->gradient, *mm = p->sums + p->score_at;

    copy_outer(f, p, -1);
    for (int j = 0; j < k; j++) {
        f->cross[em_at(j, raw) + (size_t)j] += mass[j];
        for (int a = 0; a < r; a++) {
            int e = k + j * r + a;
            f->cross[em_at(j, raw) + (size_t)e] += g[j * r + a];
            f->cross[em_at(e, raw) + (size_t)j] += g[j * r + a];
            for (int c = 0; c < r; c++)
                f->cross[em_at(e, raw) + (size_t)(k + j * r + c)] += mm[(j * r + a) * r + c];
        }
    }
}

/* The score of log prop_l is 1(component l) - share_l 1(a free component): row and column. */
static void centre_proportions(em_inform *f, const em_model *m, const double *theta, double left)
{
    int k = m->k, raw = f->raw;

    for (int side = 0; side < 2; side++) {
        size_t down = side ? (size_t)raw : 1, along = side ? 1 : (size_t)raw;
        for (int e = 0; e < raw; e++) {
            double sum = 0;
            for (int l = 0; l < k; l++)
                if (em_is_free(m, theta, l))
                    sum += f->cross[(size_t)l * down + (size_t)e * along];
            for (int l = 0; l < k; l++)
                if (em_is_free(m, theta, l))
                    f->cross[(size_t)l * down + (size_t)e * along] -= theta[l] / left * sum;
        }
    }
}

static double free_share(const em_model *m, const double *theta)
{
    double left = 0;
    for (int j = 0; j < m->k; j++)
        left += em_is_free(m, theta, j) ? theta[j] : 0;
    return left;
}

/* out += sign L cross L', with L the linear map from raw to free coordinates. */
static void add_free(em_inform *f, const em_model *m, const double *theta, double sign, int q,
                     double *out)
{
    double left = free_share(m, theta);

    if (left > 0)
        centre_proportions(f, m, theta, left);
    for (int e = 0; e < f->raw; e++)
        for (int c = 0; c < f->raw; c++)
            if (f->index[e] >= 0 && f->index[c] >= 0)
                out[em_at(f->index[e], q) + (size_t)f->index[c]] +=
                    sign * f->cross[em_at(e, f->raw) + (size_t)c];
}

/* Rows of the components whose proportions are free, the prior's among them. */
static double free_rows(const em_problem *p, const double *theta)
{
    const em_model *m = p->model;
    double total = 0;
    for (int j = 0; j < m->k; j++)
        total += em_is_free(m, theta, j) ? p->sums[1 + j] + em_prior_rows(m, j) : 0;
    return total;
}

double em_inform_rows(const em_problem *p, const double *theta)
{
    double left = free_share(p->model, theta);
    return left > 0 ? free_rows(p, theta) / left : 0;
}

/* Complete information of the log proportions: N (diag(share) - share share'). */
static void add_proportions(const em_inform *f, const em_problem *p, const double *theta,
                            double left, em_accel *a)
{
    const em_model *m = p->model;
    double total = free_rows(p, theta);

    for (int j = 0; j < m->k; j++) {
        double share = theta[j] / left;
        if (f->index[j] < 0)
            continue;
        for (int l = 0; l < m->k; l++) {
            if (f->index[l] < 0)
                continue;
            double e = total * ((l == j ? share : 0) - share * theta[l] / left);
            size_t at = em_at(f->index[j], a->q) + (size_t)f->index[l];
            a->information[at] += e;
            a->metric[at] += e;
        }
    }
}

/* The components' own gradient and information, the prior's among it, before it is known which of
 * it is free. The prior is all that measures an empty component. */
static void own_information(em_inform *f, const em_problem *p, const double *theta)
{
    const em_model *m = p->model;
    int k = m->k, r = m->family->n_free;
    const double *mass = p->sums + 1, *family_sums = mass + k + m->latent->n_sums(m);

    m->family->information(m, theta + p->n_latent, mass, family_sums, f->observed, f->expected);
    memset(f->raw_step, 0, em_at(k, r) * sizeof(double)); /* takes the prior's gradient */
    if (em_prior_family(m) != NULL)
        m->family->log_prior(m, em_prior_family(m), p->family_constants, theta + p->n_latent,
                             f->raw_step, f->observed);
    for (int j = 0; j < k; j++)
        for (int a = 0; a < r && theta[j] == 0; a++) {
            size_t at = em_at(j, r * r) + em_at(a, r) + (size_t)a;
            f->expected[at] = f->observed[at];
        }
}

static void add_components(const em_inform *f, const em_model *m, em_accel *a)
{
    int k = m->k, r = m->family->n_free;

    for (int e = 0; e < k * r; e++) {
        int to = f->index[k + e];
        if (to < 0)
            continue;
        for (int c = 0; c < r; c++) {
            int other = f->index[k + e - e % r + c];
            if (other < 0)
                continue;
            a->information[em_at(to, a->q) + (size_t)other] += f->observed[e * r + c];
            a->metric[em_at(to, a->q) + (size_t)other] += f->expected[e * r + c];
        }
    }
}

/* The rows' part, from the family's sums. */
static void own_gradient(em_inform *f, const em_problem *p, const double *theta)
{
    const em_model *m = p->model;
    const double *mass = p->sums + 1, *family_sums = mass + m->k + m->latent->n_sums(m);
    m->family->gradient(m, theta + p->n_latent, mass, family_sums, f->gradient);
}

void em_inform_gradient(em_inform *f, const em_problem *p, const double *theta, em_accel *a)
{
    const em_model *m = p->model;
    int k = m->k, r = m->family->n_free;
    double total = free_rows(p, theta), left = free_share(m, theta);

    memset(a->gradient, 0, (size_t)a->q * sizeof(double));
    for (int j = 0; j < k; j++)
        if (f->index[j] >= 0)
            a->gradient[f->index[j]] +=
                p->sums[1 + j] + em_prior_rows(m, j) - theta[j] / left * total;
    own_gradient(f, p, theta);
    if (em_prior_family(m) != NULL)
        m->family->log_prior(m, em_prior_family(m), p->family_constants, theta + p->n_latent,
                             f->gradient, f->observed);
    for (int e = 0; e < k * r; e++)
        if (f->index[k + e] >= 0)
            a->gradient[f->index[k + e]] += f->gradient[e];
}

void em_inform_fill(em_inform *f, const em_problem *p, const double *theta, em_accel *a)
{
    double left = free_share(p->model, theta);

    own_information(f, p, theta);
    a->q = number_free(f, p, theta);
    memset(a->information, 0, em_at(a->q, a->q) * sizeof(double));
    memset(a->metric, 0, em_at(a->q, a->q) * sizeof(double));
    own_gradient(f, p, theta);
    fill_cross(f, p);
    add_free(f, p->model, theta, -1, a->q, a->information);
    add_proportions(f, p, theta, left, a);
    add_components(f, p->model, a);
    em_inform_gradient(f, p, theta, a);
}

void em_inform_outer(em_inform *f, const em_problem *p, const double *theta, int q, double *outer)
{
    memset(outer, 0, em_at(q, q) * sizeof(double));
    copy_outer(f, p, 1);
    add_free(f, p->model, theta, 1, q, outer);
}

/* Free proportions times exp(step), keeping their sum. */
static void move_proportions(const em_inform *f, const em_model *m, const double *theta,
                             double *moved)
{
    double left = 0, total = 0;

    for (int j = 0; j < m->k; j++) {
        moved[j] = theta[j];
        if (!em_is_free(m, theta, j))
            continue;
        left += theta[j];
        moved[j] = theta[j] * exp(f->raw_step[j]);
        total += moved[j];
    }
    for (int j = 0; j < m->k; j++)
        if (em_is_free(m, theta, j))
            moved[j] = em_share_of(moved[j] * (left / total));
}

void em_inform_move(const em_inform *f, const em_problem *p, const double *theta, const em_accel *a,
                    double *moved)
{
    const em_model *m = p->model;

    for (int e = 0; e < f->raw; e++)
        f->raw_step[e] = f->index[e] < 0 ? 0 : a->step[f->index[e]];
    move_proportions(f, m, theta, moved);
    m->family->move(m, theta + p->n_latent, f->raw_step + m->k, moved + p->n_latent);
}
