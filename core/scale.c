/* scale.c: see scale.h. */
#include "scale.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LOG_FLOOR 1e-6 /* of S: keeps a stray zero of a positive series finite */

const struct fc_scaler fc_scalers[] = {
    {"standard", false, true, 1e-4},
    {"level", false, false, 0},
    {"log_standard", true, true, 1e-3},
    {"log", true, false, 0},
    {NULL, false, false, 0},
};

const struct fc_scaler *fc_scaler_find(const char *name)
{
    for (const struct fc_scaler *s = fc_scalers; s->name; s++)
        if (strcmp(s->name, name) == 0)
            return s;
    return NULL;
}

double fc_noise_scale(const double *x, size_t n, size_t m)
{
    if (m == 0 || m >= n)
        m = 1;
    double sum = 0;
    for (size_t t = m; t < n; t++)
        sum += fabs(x[t] - x[t - m]);
    double S = n > m ? sum / (double)(n - m) : 0;
    return S > 0 && isfinite(S) ? S : 1;
}

double fc_scale_forward(const struct fc_scaler *s, double S, double x)
{
    return s->log ? log(fmax(x, LOG_FLOOR * S)) : x / S;
}

double fc_scale_inverse(const struct fc_scaler *s, double S, double z)
{
    return s->log ? exp(z) : z * S;
}

enum fc_status fc_track_init(struct fc_track *t, const struct fc_scaler *scaler, const struct fc_series *s, size_t m, size_t known, struct fc_error *e)
{
    fc_real *z = malloc((s->n ? s->n : 1) * sizeof *z);
    if (!z)
        return fc_fail_nomem(e, s->n * sizeof *z);
    double S = fc_noise_scale(s->value, known < s->n ? known : s->n, m);
    for (size_t i = 0; i < s->n; i++)
        z[i] = (fc_real)fc_scale_forward(scaler, S, s->value[i]);
    *t = (struct fc_track){.z = z, .observed = s->observed, .x = s->value, .n = s->n, .S = S};
    return FC_OK;
}

void fc_track_close(struct fc_track *t)
{
    free(t->z);
    *t = (struct fc_track){0};
}
