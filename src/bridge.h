/* Layer 8: from R's lists to the core's structs and back. The only place that reads or
 * makes SEXPs, takes memory (from R's transient heap) and raises R conditions. */
#ifndef EMIX_BRIDGE_H
#define EMIX_BRIDGE_H

#include "em.h"

#define R_NO_REMAP
#include <R_ext/Error.h>
#include <Rinternals.h>

/* Reading what R passed; each stops with an error that names the element. */
NORET void em_refuse(const char *why);
SEXP em_element(SEXP list, const char *name);
int em_get_int(SEXP list, const char *name, int low, int high);
double em_get_number(SEXP list, const char *name);
em_data em_get_data(SEXP list);
em_model em_get_model(SEXP list, const em_data *data);
void em_check_labels(const em_data *data, int k);
const double *em_get_theta(SEXP theta, int n_theta, const char *name);

/* A problem ready to run: memory taken, interrupts polled. */
em_problem em_make_problem(const em_model *model, const em_data *data, int threads, bool scoring);

/* Lets R act on an interrupt or a time limit: jumps out of the call then. */
void em_check_interrupt(void);

/* A named list; every slot starts as NULL. Protect it before filling. */
SEXP em_new_list(const char *const *names, int n);

SEXP em_new_doubles(const double *x, size_t n);

/* How a run ended, in the slots of emix_run()'s value; those of a trace are left NULL. */
SEXP em_run_ended(const em_problem *p, const em_result *result, const double *theta, double offset);

enum { EM_MOST_THREADS = 1024 };
int em_get_threads(SEXP threads);

SEXP emix_run(SEXP data, SEXP model, SEXP control, SEXP theta);
SEXP emix_race(SEXP data, SEXP model, SEXP control, SEXP starts);
SEXP emix_step(SEXP data, SEXP model, SEXP threads, SEXP theta);
SEXP emix_evaluate(SEXP data, SEXP model, SEXP threads, SEXP theta, SEXP what);
SEXP emix_inform(SEXP data, SEXP model, SEXP threads, SEXP theta);
SEXP emix_differ(SEXP data, SEXP model, SEXP threads, SEXP theta, SEXP directions, SEXP how);
SEXP emix_condense(SEXP x, SEXP weight, SEXP label);
SEXP emix_describe(SEXP x);
SEXP emix_counts(SEXP x);
SEXP emix_pairs(SEXP x, SEXP size);
SEXP emix_thin(SEXP data, SEXP ends);
SEXP emix_nodes(SEXP data, SEXP grid);
SEXP emix_polish(SEXP data, SEXP nodes, SEXP model, SEXP control, SEXP theta);
SEXP emix_threads(void);

SEXP emix_structure(SEXP structure, SEXP rows, SEXP scatter, SEXP old);
SEXP emix_bumps(SEXP cov, SEXP mean, SEXP first, SEXP second, SEXP times);
SEXP hook_softmax(SEXP a);
SEXP hook_deviance_part(SEXP x, SEXP m);
SEXP hook_parallel(SEXP threads, SEXP tasks);
SEXP hook_dot(SEXP a, SEXP b);
SEXP hook_exp(SEXP x);
SEXP hook_log(SEXP x);
SEXP hook_smallest_eigen(SEXP a);
SEXP hook_eigen(SEXP a);
SEXP hook_mv_density(SEXP x, SEXP centre, SEXP w, SEXP constant, SEXP diagonal, SEXP offset);
SEXP hook_mv_scatter(SEXP x, SEXP centre, SEXP p, SEXP diagonal, SEXP offset);

#endif
