/* dress.c: see dress.h. */
#include "dress.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double growth(const struct fc_intervals *iv, size_t h)
{
    return iv->scores ? sqrt((double)(h / iv->K + 1)) : sqrt((double)(h + 1));
}

struct fc_range fc_range_of(const double *z, size_t n)
{
    struct fc_range r = {n ? z[0] : 0, n ? z[0] : 0, n};
    for (size_t i = 1; i < n; i++) {
        r.least = z[i] < r.least ? z[i] : r.least;
        r.most = z[i] > r.most ? z[i] : r.most;
    }
    return r;
}

/* z kept within the range of the known values and once more of it on each side; NaN stays. */
static double within(const struct fc_point *p, size_t h, double z)
{
    double more = (p->range.most - p->range.least) * (1 + (double)(h + 10) / (double)(p->range.n + 1));
    z = z < p->range.least - more ? p->range.least - more : z;
    return z > p->range.most + more ? p->range.most + more : z;
}

static double inverse(const struct fc_point *p, size_t h, double z)
{
    return fc_scale_inverse(p->scaler, p->S, within(p, h, z));
}

/* E[x] as the average over the quantiles of the signed scores: exact for any space, where exp(E[z]) would be too low. */
static double expected(const struct fc_point *p, size_t h)
{
    const struct fc_intervals *iv = p->iv;
    size_t step = h < iv->K ? h : iv->K - 1;
    if (iv->K == 0 || iv->n[step] == 0)
        return inverse(p, h, p->z[h]);
    double sum = 0;
    for (size_t i = 0; i < FC_SIGNED_KEPT; i++)
        sum += inverse(p, h, p->z[h] + p->unit[h] * (double)iv->signed_[step * FC_SIGNED_KEPT + i]);
    return sum / FC_SIGNED_KEPT;
}

bool fc_dress(const struct fc_point *p, const double *level, size_t nlevels, double *mean, double *median, double *lower, double *upper)
{
    bool supported = true;
    for (size_t h = 0; h < p->n; h++) {
        median[h] = inverse(p, h, p->z[h]);
        mean[h] = expected(p, h);
        double widest = 0; /* the wider level never ends inside the narrower one */
        for (size_t l = 0; l < nlevels; l++) {
            double half = fc_interval_quantile(p->iv, h, level[l], &supported) * growth(p->iv, h) * p->unit[h];
            widest = half > widest ? half : widest;
            lower[l * p->n + h] = inverse(p, h, p->z[h] - widest);
            upper[l * p->n + h] = inverse(p, h, p->z[h] + widest);
        }
    }
    return supported;
}

static double clamp(double x, double lo, double hi)
{
    return x < lo ? lo : x > hi ? hi : x;
}

void fc_dress_bounds(const struct fc_series *s, size_t known, struct fc_forecast *f)
{
    double smallest = INFINITY;
    for (size_t i = 0; i < known; i++)
        if (s->observed[i] && s->value[i] < smallest)
            smallest = s->value[i];
    double lo = s->bounds.min, hi = s->bounds.max, natural = smallest >= 0 && lo < 0 ? 0 : lo;
    double least = smallest > 0 && natural < 0.5 * smallest ? 0.5 * smallest : natural;
    least = least > hi ? hi : least;
    for (size_t h = 0; h < f->n; h++) {
        f->median[h] = clamp(f->median[h], least, hi);
        f->mean[h] = clamp(f->mean[h], natural, hi);
        if (s->bounds.integer)
            f->median[h] = clamp(round(f->median[h]), ceil(natural), floor(hi));
        double inner_lo = f->median[h], inner_hi = f->median[h];
        for (size_t l = 0; l < f->nlevels; l++) {
            double *low = &f->lower[l * f->n + h], *high = &f->upper[l * f->n + h];
            *low = clamp(s->bounds.integer ? floor(*low) : *low, s->bounds.integer ? ceil(natural) : natural, inner_lo);
            *high = clamp(s->bounds.integer ? ceil(*high) : *high, inner_hi, s->bounds.integer ? floor(hi) : hi);
            inner_lo = *low;
            inner_hi = *high;
        }
    }
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

enum fc_status fc_forecast_reserve(struct fc_forecast *f, size_t n, const double *level, size_t nlevels, struct fc_error *e)
{
    memset(f, 0, sizeof *f);
    f->n = n;
    f->nlevels = nlevels;
    memcpy(f->level, level, nlevels * sizeof *level);
    qsort(f->level, nlevels, sizeof *f->level, ascending);
    f->time = calloc(n, sizeof *f->time);
    f->mean = calloc(n, sizeof *f->mean);
    f->median = calloc(n, sizeof *f->median);
    f->lower = calloc(n * nlevels + 1, sizeof *f->lower);
    f->upper = calloc(n * nlevels + 1, sizeof *f->upper);
    if (f->time && f->mean && f->median && f->lower && f->upper)
        return FC_OK;
    fc_forecast_free(f);
    return fc_fail_nomem(e, n * (3 + 2 * nlevels) * sizeof(double));
}

void fc_forecast_free(struct fc_forecast *f)
{
    free(f->time);
    free(f->mean);
    free(f->median);
    free(f->lower);
    free(f->upper);
    *f = (struct fc_forecast){0};
}
