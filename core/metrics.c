/* metrics.c: see metrics.h. */
#include "metrics.h"

#include <math.h>
#include <string.h>

void fc_scorer_init(struct fc_scorer *s, const double *level, size_t nlevels)
{
    *s = (struct fc_scorer){ .nlevels = nlevels < FC_LEVELS ? nlevels : FC_LEVELS, .scale = NAN };
    if (s->nlevels)
        memcpy(s->level, level, s->nlevels * sizeof *level);
}

void fc_scorer_begin(struct fc_scorer *s, double scale)
{
    s->scale = scale;
    s->open_n = 0;
    s->open_absolute = 0;
}

void fc_scorer_add(struct fc_scorer *s, double actual, double median, const double *lower, const double *upper, size_t stride)
{
    if (!isfinite(actual))
        return;
    if (isfinite(median)) {
        double error = fabs(actual - median), size = fabs(actual) + fabs(median);
        s->n++;
        s->absolute += error;
        s->squared += error * error;
        s->symmetric += size > 0 ? 200 * (error / size) : 0;
        s->open_n++;
        s->open_absolute += error;
    }
    if (!lower || !upper)
        return;
    for (size_t l = 0; l < s->nlevels; l++) {
        double low = lower[l * stride], high = upper[l * stride];
        if (!isfinite(low) || !isfinite(high))
            continue;
        s->bounded[l]++;
        s->covered[l] += low <= actual && actual <= high;
        s->width[l] += high - low;
    }
}

void fc_scorer_end(struct fc_scorer *s)
{
    if (s->open_n && isfinite(s->scale) && s->scale > 0) {
        s->scaled++;
        s->scaled_error += s->open_absolute / (double)s->open_n / s->scale;
    }
    fc_scorer_begin(s, NAN);
}

void fc_scorer_merge(struct fc_scorer *into, const struct fc_scorer *from)
{
    into->n += from->n;
    into->absolute += from->absolute;
    into->squared += from->squared;
    into->symmetric += from->symmetric;
    into->scaled += from->scaled;
    into->scaled_error += from->scaled_error;
    for (size_t l = 0; l < into->nlevels && l < from->nlevels; l++) {
        into->bounded[l] += from->bounded[l];
        into->covered[l] += from->covered[l];
        into->width[l] += from->width[l];
    }
}

static double mean_of(double sum, size_t n)
{
    return n ? sum / (double)n : NAN;
}

struct fc_metrics fc_scorer_result(const struct fc_scorer *s)
{
    struct fc_metrics m = {
        .mae = mean_of(s->absolute, s->n),
        .rmse = sqrt(mean_of(s->squared, s->n)),
        .smape = mean_of(s->symmetric, s->n),
        .mase = mean_of(s->scaled_error, s->scaled),
        .n = s->n,
        .nlevels = s->nlevels,
    };
    for (size_t l = 0; l < s->nlevels; l++) {
        m.level[l] = s->level[l];
        m.coverage[l] = mean_of((double)s->covered[l], s->bounded[l]);
        m.mean_width[l] = mean_of(s->width[l], s->bounded[l]);
    }
    return m;
}

static double mean_change(const double *value, size_t n, size_t lag)
{
    double sum = 0;
    size_t pairs = 0;
    for (size_t t = lag; t < n; t++) {
        double change = fabs(value[t] - value[t - lag]);
        if (isfinite(change)) {
            sum += change;
            pairs++;
        }
    }
    return mean_of(sum, pairs);
}

double fc_mase_scale(const double *value, size_t n, uint32_t season)
{
    double scale = season > 1 ? mean_change(value, n, season) : NAN;
    if (!(scale > 0))
        scale = mean_change(value, n, 1);
    return scale > 0 && isfinite(scale) ? scale : NAN;
}
