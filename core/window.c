/* window.c: see window.h. */
#include "window.h"

#include <math.h>

size_t fc_window_lookback(const struct fc_window_plan *w)
{
    return w->P * w->T;
}

static struct fc_window_norm norm_of(const struct fc_window_plan *w, const double *z, size_t L)
{
    size_t m = w->m1 < L ? w->m1 : L;
    double sum = 0, squares = 0, level = 0;
    for (size_t i = L - m; i < L; i++)
        level += z[i];
    level /= (double)m;
    if (!w->scaler->standard)
        return (struct fc_window_norm){level, 1};
    for (size_t i = 0; i < L; i++) { /* around the level, so that large values lose no digits */
        double d = z[i] - level;
        sum += d;
        squares += d * d;
    }
    double mean = sum / (double)L, variance = squares / (double)L - mean * mean;
    return (struct fc_window_norm){level, sqrt(variance < 0 ? 0 : variance) + w->scaler->floor};
}

struct fc_window_norm fc_window_input(const struct fc_window_plan *w, const double *z_end, size_t row, size_t rows, fc_real *x, fc_real *base)
{
    const size_t L = w->P * w->T, m1 = w->m1 < L ? w->m1 : L;
    const size_t m2 = w->m2 && w->m2 <= L ? w->m2 : m1;
    const double *z = z_end - L;
    struct fc_window_norm norm = norm_of(w, z, L);
    double inverse = 1 / norm.spread;
    for (size_t t = 0; t < w->T; t++) {
        fc_real *to = x + (t * rows + row) * w->P;
        for (size_t i = 0; i < w->P; i++)
            to[i] = (fc_real)((z[t * w->P + i] - norm.level) * inverse);
    }
    for (size_t h = 0; h < w->K; h++) {
        double mean = 0.5 * (z[L - m1 + h % m1] + z[L - m2 + h % m2]);
        base[h] = (fc_real)((mean - norm.level) * inverse);
    }
    return norm;
}

void fc_window_target(const struct fc_window_plan *w, const double *z, const unsigned char *observed, const fc_real *base, struct fc_window_norm norm,
                      fc_real *target, fc_real *weight)
{
    double inverse = 1 / norm.spread;
    for (size_t h = 0; h < w->K; h++) {
        target[h] = (fc_real)((z[h] - norm.level) * inverse) - base[h];
        weight[h] = observed[h] ? (fc_real)norm.spread : 0;
    }
}
