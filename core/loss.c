/* loss.c: see loss.h. */
#include "loss.h"

#include <string.h>

/* ℓ(e) = |e|, ℓ'(e) = sign(e): the median minimises it. NaN stays NaN in both. */
static double mae(size_t n, const fc_real *out, const fc_real *target, const fc_real *weight, fc_real scale, fc_real *grad)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        if (weight[i] == 0) {
            grad[i] = 0;
            continue;
        }
        fc_real e = out[i] - target[i];
        fc_real sign = e > 0 ? 1 : e < 0 ? -1 : e; /* zero and NaN stay themselves */
        sum += (double)(weight[i] * e * sign);
        grad[i] = weight[i] * sign * scale;
    }
    return sum;
}

/* ℓ(e) = e², ℓ'(e) = 2e: the mean minimises it. */
static double mse(size_t n, const fc_real *out, const fc_real *target, const fc_real *weight, fc_real scale, fc_real *grad)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        if (weight[i] == 0) {
            grad[i] = 0;
            continue;
        }
        fc_real e = out[i] - target[i];
        sum += (double)(weight[i] * e * e);
        grad[i] = 2 * weight[i] * e * scale;
    }
    return sum;
}

const struct fc_loss fc_losses[] = {{"mae", mae}, {"mse", mse}, {NULL, NULL}};

const struct fc_loss *fc_loss_find(const char *name)
{
    for (const struct fc_loss *l = fc_losses; l->name; l++)
        if (strcmp(l->name, name) == 0)
            return l;
    return NULL;
}
