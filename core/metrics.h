/* metrics.h: scores of forecasts against what came, as an accumulator. Pure; one scorer belongs to one thread at a time.
 *
 * Over all values y with forecasts f: MAE = mean |y - f|; RMSE = sqrt(mean (y - f)²); sMAPE = mean 200 |y - f| / (|y| + |f|), 0 where both are
 * zero. MASE = the mean over series of (the series' mean |y - f|) / (its scale), series without a scale left out. A level's coverage is the
 * share of values within [lower, upper], its width the mean of upper - lower. Pairs in which a number is not finite are left out.
 * Sums are taken in the order of the calls (and of the merges): the same order gives the same bytes. */
#ifndef FC_METRICS_H
#define FC_METRICS_H

#include "model.h"

struct fc_scorer {
    size_t nlevels;
    double level[FC_LEVELS];             /* percent */
    size_t n;                            /* scored values */
    double absolute, squared, symmetric; /* sums of |y - f|, (y - f)², 200 |y - f| / (|y| + |f|) */
    size_t bounded[FC_LEVELS];           /* values that had bounds */
    size_t covered[FC_LEVELS];           /* of them, values within */
    double width[FC_LEVELS];             /* sums of upper - lower */
    size_t scaled;                       /* series with a scale */
    double scaled_error;                 /* sum over them of mean |y - f| / scale */
    double scale;                        /* of the open series; NaN when there is none */
    size_t open_n;                       /* scored values of the open series */
    double open_absolute;                /* sum of |y - f| of the open series */
};

/* level: [nlevels] in percent, nlevels <= FC_LEVELS (more are ignored). */
void fc_scorer_init(struct fc_scorer *s, const double *level, size_t nlevels);
/* Opens a series; scale is its fc_mase_scale, NaN when it has none. Every series ends before the next begins. */
void fc_scorer_begin(struct fc_scorer *s, double scale);
/* One value. lower[l * stride] and upper[l * stride] are the bounds of level l, as in an fc_forecast: &f.lower[h] with stride f.n.
 * lower and upper may be NULL: no intervals. */
void fc_scorer_add(struct fc_scorer *s, double actual, double median, const double *lower, const double *upper, size_t stride);
void fc_scorer_end(struct fc_scorer *s);
/* Adds what from has scored (its series ended, its levels the same) to into. */
void fc_scorer_merge(struct fc_scorer *into, const struct fc_scorer *from);
/* The scores so far; NaN where nothing was scored. */
struct fc_metrics fc_scorer_result(const struct fc_scorer *s);

/* The scale of MASE: mean |x(t) - x(t - season)| over the pairs of finite values; where there is none or it is zero, the same with season 1;
 * NaN when that is not above zero either. */
double fc_mase_scale(const double *value, size_t n, uint32_t season);

#endif
