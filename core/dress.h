/* dress.h: from an answer in a scaler's space to a forecast in the series' own: expected value, median and intervals. Inside core. */
#ifndef FC_DRESS_H
#define FC_DRESS_H

#include "interval.h"
#include "model.h"
#include "scale.h"

/* What the known values of a line span. */
struct fc_range { double least, most; size_t n; };
struct fc_range fc_range_of(const double *z, size_t n);

/* A point forecast and what its uncertainty follows from. */
struct fc_point {
    const struct fc_scaler *scaler;
    double S;
    const double *z;               /* [n] */
    const double *unit;            /* [n] noise units */
    const struct fc_intervals *iv; /* steps beyond its horizon use the last one, grown by √blocks */
    size_t n;
    struct fc_range range;         /* of the known values: answers and bounds stay within once more of it on each side, a little more with each step */
};

/* mean, median: [n]; lower, upper: [nlevels][n]. Returns false when a level was beyond what the scores support. No bounds are applied. */
bool fc_dress(const struct fc_point *p, const double *level, size_t nlevels, double *mean, double *median, double *lower, double *upper);
/* Applies min, max and integer, and what the first `known` values themselves say: values that were never negative have no negative forecast, and the
 * median of positive ones does not fall below half their smallest. Keeps the order lower ≤ median ≤ upper and the nesting. */
void fc_dress_bounds(const struct fc_series *s, size_t known, struct fc_forecast *f);
/* Arrays for n steps and nlevels levels (sorted ascending into f->level). FC_NOMEM. */
FC_MUST_CHECK enum fc_status fc_forecast_reserve(struct fc_forecast *f, size_t n, const double *level, size_t nlevels, struct fc_error *e);

#endif
