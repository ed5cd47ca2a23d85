#include "progress.h"

#include <float.h>
#include <math.h>

const em_progress em_progress_none = {.rate = 1, .last_rate = 1};

static double longest_move(int n_theta, const double *from, const double *to)
{
    double longest = 0;
    for (int i = 0; i < n_theta; i++) {
        double move = fabs(to[i] - from[i]);
        if (move > longest)
            longest = move;
    }
    return longest;
}

/* The slower of the last two ratios is believed: one short step may be chance. */
void em_progress_add(em_progress *w, int n_theta, const double *from, const double *to, double gain)
{
    double length = longest_move(n_theta, from, to);

    w->last_rate = w->rate;
    w->rate = w->length > 0 ? length / w->length : (length > 0 ? 1 : 0);
    w->length = length;

    double r = w->rate > w->last_rate ? w->rate : w->last_rate;
    if (length == 0 || (length <= 4 * DBL_EPSILON && r >= 1)) {
        w->distance = w->gain = 0; /* steps are rounding */
    } else if (r < 1) {
        w->distance = length * r / (1 - r);
        w->gain = fabs(gain) * r * r / (1 - r * r);
    } else {
        w->distance = w->gain = INFINITY;
    }
}

bool em_progress_ended(const em_progress *w, double tol, double tol_of_row, bool at_rounding)
{
    return w->distance <= tol_of_row / 100 && (w->gain <= tol || at_rounding);
}
