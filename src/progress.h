/* Layer 5: what the last EM steps tell of the way still to go. */
#ifndef EMIX_PROGRESS_H
#define EMIX_PROGRESS_H

#include <stdbool.h>

typedef struct {
    double length, rate, last_rate; /* of the last step; ratios of the last steps' lengths */
    double distance, gain;          /* predicted: of the parameters, of the objective */
} em_progress;

extern const em_progress em_progress_none;

/* A step from one theta to another, and what it gained. */
void em_progress_add(em_progress *w, int n_theta, const double *from, const double *to,
                     double gain);

/* Is there no more to gain than tol, and no move of a hundredth of tol_of_row still to come? */
bool em_progress_ended(const em_progress *w, double tol, double tol_of_row, bool at_rounding);

#endif
