/* Layer 5: what the last EM steps tell of the way still to go. */
#ifndef EMIX_PROGRESS_H
#define EMIX_PROGRESS_H

typedef struct {
    double length, rate, last_rate; /* of the last step; ratios of the last steps' lengths */
    double distance, gain;          /* predicted: of the parameters, of the objective */
} em_progress;

extern const em_progress em_progress_none;

/* A step from one theta to another, and what it gained. */
void em_progress_add(em_progress *w, int n_theta, const double *from, const double *to,
                     double gain);

#endif
