/* Layer 5: what the lengths of EM's steps tell of the way still to go. */
#ifndef EMIX_PROGRESS_H
#define EMIX_PROGRESS_H

#include "types.h"

typedef struct {
    double length, rate, last_rate; /* of the last step; ratios of the last steps' lengths */
    double distance, gain;          /* predicted */
} em_progress;

/* After a step that gained so much. */
void em_look_ahead(em_progress *w, int n_theta, const double *from, const double *to, double gain);

/* Is there no more to gain than tol, nor a move of a hundredth of tol_of_row still to come? */
bool em_steps_ended(const em_progress *w, double tol, double tol_of_row, bool at_rounding);

#endif
