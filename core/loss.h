/* loss.h: losses with their gradients. One row of the table per loss. Pure, any thread. */
#ifndef FC_LOSS_H
#define FC_LOSS_H

#include "real.h"
#include <stddef.h>

struct fc_loss {
    const char *name;
    /* Sum over i of weight[i]·ℓ(out[i] − target[i]); grad[i] = weight[i]·ℓ'(…)·scale. Weight 0 masks an element (its target is not read as a number). NaN anywhere else shows in the sum. */
    double (*value)(size_t n, const fc_real *out, const fc_real *target, const fc_real *weight, fc_real scale, fc_real *grad);
};
extern const struct fc_loss fc_losses[]; /* ends with a row whose name is NULL */
const struct fc_loss *fc_loss_find(const char *name);

#endif
