#include "sums.h"

#include "linalg.h"

#include <math.h>
#include <string.h>

/* Differences along a direction are taken over this part of a row's complete information: as far
 * from rounding as from curvature. */
static const double small_part = 1e-7;

/* Less curvature than this part of complete information's is rounding. */
static const double no_curve = 1e-7;

/* More conjugate gradients than this are no certificate. */
enum { MOST_GRADIENTS = 200, PATIENCE = 5 };

/* Away from a saddle, in the same units. */
static const double escape_part = 0.3;

/* Where EM's step gains no more than this, steps may double, up to this length. Earlier, EM's way
 * is the surer one to the nearest maximum. */
static const double plateau = 0.01, rise_part = 0.3;

bool em_sums_apply(const em_model *m)
{
    return m->family->natural != NULL;
}

static int theta_length(const em_model *m)
{
    return m->latent->n_parameters(m) + m->family->n_parameters(m);
}

size_t em_sums_memory(const em_model *m)
{
    int n = em_step_n_sums(m);
    return em_secant_memory(n) + 11 * (size_t)n + 1 + 2 * (size_t)theta_length(m);
}

void em_sums_bind(em_sums *s, const em_model *m, double *memory)
{
    int n = em_step_n_sums(m), n_theta = theta_length(m);

    *s = (em_sums){.n = n, .predicted = INFINITY};
    em_secant_bind(&s->secant, n, memory);
    s->x = memory + em_secant_memory(n);
    s->f = s->x + n;
    s->e = s->f + n;
    s->next = s->e + n;
    s->step = s->next + n;
    s->r = s->step + n;
    s->p = s->r + n;
    s->ap = s->p + n;
    s->dual = s->ap + n;
    s->trial = s->dual + n;
    s->saved = s->trial + n;
    s->reference = s->saved + n + 1;
    s->theta = s->reference + n_theta;
}

static void place(em_sums *s, const em_problem *p, const double *theta)
{
    if (s->known)
        em_step_recentre(p, s->x, s->reference, theta, s->x);
    memcpy(s->reference, theta, (size_t)p->n_theta * sizeof(double));
    em_secant_forget(&s->secant);
    s->placed = true;
    s->age = 0;
}

/* Sums about centres far from the components' would cancel. */
static bool is_far(const em_sums *s, const em_problem *p)
{
    enum { YOUNG = 10 };
    double size = 0;

    for (int i = p->model->k; i < s->n; i++)
        size += fabs(s->x[i] * s->e[i]);
    return s->age > YOUNG && size > 1e4 * p->total;
}

static void look(em_sums *s, em_problem *p, const double *theta, const double *em_step)
{
    s->predicted = INFINITY;
    s->age++;
    if (!s->placed)
        place(s, p, theta);
    if (!s->known) { /* the EM step is the maximiser of what was found */
        memset(s->x, 0, (size_t)s->n * sizeof(double));
        em_step_recentre(p, p->sums + 1, theta, s->reference, s->f);
        return;
    }
    if (em_step_natural(p, theta, s->reference, s->e) != EM_OK)
        return;
    if (is_far(s, p)) {
        place(s, p, theta);
        if (em_step_natural(p, theta, s->reference, s->e) != EM_OK)
            return;
    }
    em_step_recentre(p, p->sums + 1, theta, s->reference, s->f);
    for (int i = 0; i < s->n; i++)
        s->f[i] -= s->x[i];
    em_secant_add(&s->secant, s->x, s->f, s->e);
    double gain = em_secant_step(&s->secant, s->step);
    if (em_step_natural(p, em_step, s->reference, s->dual) != EM_OK)
        return;
    double em_gain = 0;
    for (int i = 0; i < s->n; i++)
        em_gain += 0.5 * s->f[i] * (s->dual[i] - s->e[i]);
    if (em_gain <= em_step_tol(p, plateau))
        gain = fmax(gain, em_secant_rise(&s->secant, rise_part * rise_part * p->total, s->step));
    s->predicted = fmax(gain, 0) + fmax(em_gain, 0);
}

bool em_sums_propose(em_sums *s, em_problem *p, double *moved)
{
    if (!s->known)
        return false;
    for (int i = 0; i < s->n; i++)
        s->next[i] = s->x[i] + s->step[i];
    for (int j = 0; j < p->model->k; j++) /* a component without rows stays so */
        if (!(s->next[j] > 0 || (s->next[j] == 0 && s->x[j] == 0)))
            return false;
    return em_step_maximise_of(p, s->next, s->reference, moved) == EM_OK;
}

void em_sums_accept(em_sums *s, bool candidate, double gain)
{
    s->gained = gain;
    if (candidate)
        em_secant_learn(&s->secant, true);
    s->patience -= s->patience > 0;
    if (candidate)
        memcpy(s->x, s->next, (size_t)s->n * sizeof(double));
    else
        for (int i = 0; i < s->n; i++)
            s->x[i] += s->f[i];
    s->known = true;
}

void em_sums_refuse(em_sums *s)
{
    em_secant_learn(&s->secant, false);
}

/* Far below tol, as steps are cheap; or where rounding lets nothing be gained. */
static bool seems_ended(const em_sums *s, double objective, double tol)
{
    bool still = s->gained <= em_step_rounding(objective) && s->predicted <= tol;
    return s->known && s->patience == 0 && (s->predicted <= 1e-8 * tol || still);
}

/* The change of e along v, by a difference of part h; s->theta is the point there. */
static bool dual_of(em_sums *s, em_problem *p, const double *v, double h, double *dual)
{
    for (int i = 0; i < s->n; i++)
        s->trial[i] = s->x[i] + h * v[i];
    if (em_step_maximise_of(p, s->trial, s->reference, s->theta) != EM_OK ||
        em_step_natural(p, s->theta, s->reference, dual) != EM_OK)
        return false;
    for (int i = 0; i < s->n; i++)
        dual[i] = (dual[i] - s->e[i]) / h;
    return true;
}

/* A part of v that is `small_part` long; `guess` is one that may be. */
static double part_of(em_sums *s, em_problem *p, const double *v, double guess, double total)
{
    if (!dual_of(s, p, v, guess, s->dual))
        return guess;
    double length = em_inner(v, s->dual, s->n);
    return length > 0 ? small_part * sqrt(total / length) : guess;
}

static double largest_of(const double *v, int n)
{
    double most = 0;
    for (int i = 0; i < n; i++)
        most = fabs(v[i]) > most ? fabs(v[i]) : most;
    return most;
}

/* s->ap := A p, and s->dual := e'(p); false where no difference can be had. */
static bool apply(em_sums *s, em_problem *p, double total)
{
    double size = largest_of(s->p, s->n), objective = 0;
    double h = part_of(s, p, s->p, 1e-6 * total / (size > 0 ? size : 1), total);

    if (!dual_of(s, p, s->p, h, s->dual))
        return false;
    s->walks++;
    if (em_step_expect(p, s->theta, &objective) != EM_OK)
        return false;
    em_step_recentre(p, p->sums + 1, s->theta, s->reference, s->ap);
    for (int i = 0; i < s->n; i++)
        s->ap[i] = s->p[i] - (s->ap[i] - s->x[i] - s->f[i]) / h;
    return true;
}

/* A step along p, a direction in which the objective does not curve downwards. */
static double leave(em_sums *s, double total)
{
    double length = em_inner(s->p, s->dual, s->n);
    double sign = em_inner(s->f, s->dual, s->n) < 0 ? -1 : 1;
    double times = length > 0 ? sign * escape_part * sqrt(total / length) : 0;

    for (int i = 0; i < s->n; i++)
        s->step[i] = times * s->p[i];
    return INFINITY;
}

/* Conjugate gradients; the duals of r come from differences without a walk. */
static double solve(em_sums *s, em_problem *p, double total, double enough)
{
    double decrement = 0, last = INFINITY;

    memset(s->step, 0, (size_t)s->n * sizeof(double));
    memcpy(s->r, s->f, (size_t)s->n * sizeof(double));
    memcpy(s->p, s->f, (size_t)s->n * sizeof(double));
    for (int turn = 0; turn < MOST_GRADIENTS; turn++) {
        if (largest_of(s->p, s->n) <= 1e-15 * total)
            return decrement;
        if (!apply(s, p, total))
            return INFINITY;
        double curve = em_inner(s->ap, s->dual, s->n), slope = em_inner(s->r, s->dual, s->n);
        if (!(curve > no_curve * em_inner(s->p, s->dual, s->n)))
            return leave(s, total);
        double part = slope / curve, gain = 0.5 * part * slope;
        decrement += gain;
        for (int i = 0; i < s->n; i++) {
            s->step[i] += part * s->p[i];
            s->r[i] -= part * s->ap[i];
        }
        if (decrement > enough || (gain <= 0.01 * decrement && last <= 0.1 * decrement))
            return decrement;
        last = gain;
        double size = largest_of(s->r, s->n);
        if (!(size > 0) || !dual_of(s, p, s->r, 1e-6 * total / size, s->dual))
            return decrement;
        double turned = -em_inner(s->ap, s->dual, s->n) / curve;
        for (int i = 0; i < s->n; i++)
            s->p[i] = s->r[i] + turned * s->p[i];
    }
    return INFINITY;
}

/* s->f and s->e are look()'s. */
static double certify(em_sums *s, em_problem *p, double enough)
{
    double total = p->total, log_prior = p->log_prior;

    s->walks = 0;
    s->patience = PATIENCE;
    memcpy(s->saved, p->sums, ((size_t)s->n + 1) * sizeof(double));
    double decrement = solve(s, p, total, enough);
    memcpy(p->sums, s->saved, ((size_t)s->n + 1) * sizeof(double));
    p->total = total;
    p->log_prior = log_prior;
    return decrement;
}

bool em_sums_look(em_sums *s, em_problem *p, const double *theta, const double *em_step,
                  double objective, double tol)
{
    look(s, p, theta, em_step);
    if (!seems_ended(s, objective, tol))
        return false;
    s->decrement = certify(s, p, 100 * tol);
    return true;
}
