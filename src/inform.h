/* Layer 5: gradient and information of the objective in free coordinates.
 *
 * With the complete-data score v of a row of component j (in raw coordinates: e_j beside the
 * scores of j), Louis (1982) has the observed information
 *
 *   J = complete information - sum_i w_i [E(v v' | x_i) - E(v | x_i) E(v | x_i)'],
 *
 * all posterior expectations. Raw coordinates become free ones by one linear map: logs of the
 * free proportions against the largest of them, held parameters left out, shared ones added
 * up; a parameter on its boundary is left out too, and those of a component without rows of which
 * no prior says anything. */
#ifndef EMIX_INFORM_H
#define EMIX_INFORM_H

#include "accel.h"
#include "step.h"

typedef struct {
    int raw, reference;          /* reference: the component whose log proportion is not free */
    int *index;                  /* raw: number of the free coordinate, -1 = not free */
    double *cross;               /* raw x raw work */
    double *observed, *expected; /* k blocks n_free x n_free */
    double *raw_step;            /* raw */
    double *gradient;            /* k n_free: of the rows' part in the components' coordinates */
} em_inform;

/* Most free coordinates that a model can have. */
int em_inform_size(const em_model *m);
size_t em_inform_memory(const em_model *m);
void em_inform_bind(em_inform *f, const em_model *m, double *memory, int *index);

/* Fills a's gradient, information and metric from the last E-step (with scores) at theta;
 * sets a->q. */
void em_inform_fill(em_inform *f, const em_problem *p, const double *theta, em_accel *a);

/* outer (q x q) := sum_i w_i s_i s_i', s_i the score of row i in free coordinates (without a
 * prior), from the walk that em_inform_fill() was given; q is what that found. */
void em_inform_outer(em_inform *f, const em_problem *p, const double *theta, int q, double *outer);

/* Fills a's gradient alone, from the last E-step of p at theta, which need not have gathered
 * scores. p may be another problem than the one that filled the information: the same model on
 * other rows. */
void em_inform_gradient(em_inform *f, const em_problem *p, const double *theta, em_accel *a);

/* theta moved by a->step. */
void em_inform_move(const em_inform *f, const em_problem *p, const double *theta, const em_accel *a,
                    double *moved);

/* Rows for each unit of free proportion: a component with fewer becomes emptier. */
double em_inform_rows(const em_problem *p, const double *theta);

/* Does component j share the free proportions? */
static inline bool em_is_free(const em_model *m, const double *theta, int j)
{
    return !m->held[j] && theta[j] > 0;
}

/* Rounding must not push a proportion above 1. */
static inline double em_share_of(double prop)
{
    return prop < 1 ? prop : 1;
}

#endif
