/* optimizer.c: see optimizer.h. */
#include "optimizer.h"

#include <math.h>
#include <stdlib.h>

enum fc_status fc_adam_init(struct fc_adam *a, size_t n, struct fc_error *e)
{
    fc_real *m = calloc(n, sizeof *m), *v = calloc(n, sizeof *v);
    if (!m || !v) {
        free(m);
        free(v);
        return fc_fail_nomem(e, 2 * n * sizeof *m);
    }
    *a = (struct fc_adam){.n = n, .m = m, .v = v};
    return FC_OK;
}

void fc_adam_close(struct fc_adam *a)
{
    free(a->m);
    free(a->v);
    *a = (struct fc_adam){0};
}

/* m̂ = m/(1−β1ᵗ), v̂ = v/(1−β2ᵗ), w −= rate·m̂/(√v̂ + ε); both corrections are moved into rate and ε (section 2 of the paper). */
void fc_adam_step(struct fc_adam *a, const struct fc_kernel *k, fc_real *w, const fc_real *g, double scale, double rate)
{
    const double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
    a->t++;
    double c1 = 1 - pow(beta1, (double)a->t), c2 = sqrt(1 - pow(beta2, (double)a->t));
    k->adam(a->n, w, g, a->m, a->v, (fc_real)scale, (fc_real)(rate * c2 / c1), (fc_real)beta1, (fc_real)beta2, (fc_real)(eps * c2));
}

double fc_gradient_norm(size_t n, const fc_real *g)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)g[i] * (double)g[i];
    return sqrt(sum);
}

double fc_clip_factor(double norm, double threshold)
{
    return norm > threshold ? threshold / norm : 1;
}

double fc_schedule_cosine(unsigned long step, unsigned long warmup, unsigned long total, double peak)
{
    if (step < warmup)
        return peak * (double)(step + 1) / (double)warmup;
    double done = total > warmup ? (double)(step - warmup) / (double)(total - warmup) : 1;
    if (done > 1)
        done = 1;
    return peak * (0.01 + 0.99 * 0.5 * (1 + cos(M_PI * done)));
}
