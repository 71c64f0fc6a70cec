/* scale.c: see scale.h. */
#include "scale.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LOG_FLOOR 1e-6 /* of S: keeps a stray zero of a positive series finite */
#define LARGEST 1e18   /* of z: its square and its difference stay finite in float */

const struct fc_scaler fc_scalers[] = {
    {.name = "standard", .standard = true, .floor = 1e-4},
    {.name = "level"},
    {.name = "log_standard", .log = true, .standard = true, .floor = 1e-3},
    {.name = "log", .log = true, .skip = true},
    {.name = NULL},
};
const struct fc_scaler fc_scaler_classical = {.name = "none", .identity = true};

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
    return s->identity ? x : s->log ? log(fmax(x, LOG_FLOOR * S)) : x / S;
}

double fc_scale_inverse(const struct fc_scaler *s, double S, double z)
{
    return s->identity ? z : s->log ? exp(z) : z * S;
}

enum fc_status fc_track_init(struct fc_track *t, const struct fc_scaler *scaler, const struct fc_series *s, double S, struct fc_error *e)
{
    struct fc_track made = {.z = s->value, .observed = s->observed, .x = s->value, .n = s->n, .S = S};
    if (!scaler->identity) {
        if (!(made.z = malloc((s->n ? s->n : 1) * sizeof *made.z)))
            return fc_fail_nomem(e, s->n * sizeof *made.z);
        for (size_t i = 0; i < s->n; i++) {
            made.z[i] = fc_scale_forward(scaler, S, s->value[i]);
            if (!(fabs(made.z[i]) <= LARGEST)) {
                free(made.z);
                return fc_fail(e, FC_INVALID, "out_of_range", "the value %g is too large beside the noise %g of its series", s->value[i], S);
            }
        }
    }
    *t = made;
    return FC_OK;
}

void fc_track_close(struct fc_track *t)
{
    if (t->z != t->x)
        free(t->z);
    *t = (struct fc_track){0};
}
