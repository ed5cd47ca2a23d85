#include "boundary.h"

#include "inform.h"
#include "prior.h"

/* A component with fewer rows than this, and fewer still to come, is proposed to be empty. */
static const double few_rows = 0.05;

/* Has component j no parameter of its own that could still move to where it is wanted? */
static bool is_settled(const em_model *m, const int *held, int j)
{
    for (int a = 0; a < m->family->n_free; a++)
        if (!held[a * m->k + j] && !(m->equal >> a & 1u))
            return false;
    return true;
}

/* The proportion of a component that is empty but for few_rows, and becoming emptier (not by
 * rounding). One that can still move is waited for, until it is where it gains most and shrinks all
 * the same. */
static bool leaves_mixture(const em_problem *p, const double *theta, int j, double rows,
                           bool settle)
{
    const em_model *m = p->model;
    double mass = p->sums[1 + j];
    bool settled = settle || is_settled(m, m->held + p->n_latent, j);

    return em_prior_rows(m, j) == 0 && mass < rows * theta[j] * (1 - 1e-9) &&
           mass < em_row_weight(p) * (settled ? few_rows : few_rows * 1e-9);
}

/* Free proportions scaled to the sum that they had. */
static bool rescale(const em_model *m, const double *theta, double *moved)
{
    double before = 0, after = 0;

    for (int j = 0; j < m->k; j++) {
        before += m->held[j] ? 0 : theta[j];
        after += m->held[j] ? 0 : moved[j];
    }
    for (int j = 0; j < m->k && after > 0; j++)
        if (!m->held[j])
            moved[j] = em_share_of(moved[j] * (before / after));
    return after > 0 || before == 0;
}

/* The family's part of what follows. */
static bool snap_family(const em_problem *p, const double *theta, double row, bool leave,
                        double *moved)
{
    const em_model *m = p->model;
    const double *family_sums = p->sums + 1 + m->k + m->latent->n_sums(m);
    return m->family->snap(m, m->held + p->n_latent, family_sums, theta + p->n_latent, row, leave,
                           moved + p->n_latent);
}

bool em_boundary_snap(const em_problem *p, const double *theta, bool settle, double *moved)
{
    const em_model *m = p->model;
    double rows = em_inform_rows(p, theta);
    bool any = snap_family(p, theta, em_row_weight(p), false, moved);

    for (int j = 0; j < m->k; j++) {
        bool goes = em_is_free(m, theta, j) && leaves_mixture(p, theta, j, rows, settle);
        moved[j] = goes ? 0 : theta[j];
        any = any || goes;
    }
    return rescale(m, theta, moved) && any;
}

/* One that could collapse is not let grow at a place that it has by chance. */
static bool may_return(const em_problem *p, int j)
{
    const em_model *m = p->model;
    return !m->family->collapses || is_settled(m, m->held + p->n_latent, j);
}

bool em_boundary_leave(const em_problem *p, const double *theta, double part, double *moved)
{
    const em_model *m = p->model;
    double row = part * em_row_weight(p);
    bool any = snap_family(p, theta, 100 * row, true, moved); /* a hundredth is its step */

    for (int j = 0; j < m->k; j++) {
        bool goes = !m->held[j] && theta[j] == 0 && may_return(p, j);
        moved[j] = goes ? row / p->total : theta[j];
        any = any || goes;
    }
    return rescale(m, theta, moved) && any;
}

/* Component j's own parameters as they are in `theta`. */
static void keep_own(const em_problem *p, const double *theta, int j, double *moved)
{
    for (int at = p->n_latent + j; at < p->n_theta; at += p->model->k)
        moved[at] = theta[at];
}

/* Has component j a parameter that has come off its boundary? */
static bool comes_off(const em_problem *p, const double *theta, int j, const double *moved)
{
    const em_model *m = p->model;

    for (int a = 0; a < m->family->n_free; a++)
        if (m->family->on_boundary(m, theta + p->n_latent, j, a) &&
            !m->family->on_boundary(m, moved + p->n_latent, j, a))
            return true;
    return false;
}

bool em_boundary_stay_off(const em_problem *p, const double *theta, const double *off, double tol,
                          double *moved)
{
    const em_model *m = p->model;
    double rows = em_inform_rows(p, off);
    bool any = false;

    snap_family(p, off, em_row_weight(p), false, moved);
    for (int j = 0; j < m->k; j++) {
        double rise = off[j] > 0 ? p->sums[1 + j] / off[j] - rows : 0;
        bool back = theta[j] == 0 && em_prior_rows(m, j) == 0 && rise <= tol;
        moved[j] = back ? 0 : off[j];
        if (moved[j] == 0)
            keep_own(p, theta, j, moved);
        else
            any = any || theta[j] == 0 || comes_off(p, theta, j, moved);
    }
    return rescale(m, theta, moved) && any;
}
