/* clean_stages.h: the stages of fc_clean, shared by clean.c, bucket.c and fill.c alone. Pure functions, any thread. */
#ifndef FC_CLEAN_STAGES_H
#define FC_CLEAN_STAGES_H

#include "clean.h"

/* Where the buckets stand: bucket k is [fc_grid_at(k), fc_grid_at(k + 1)) and is labelled by its start. */
struct fc_grid {
    struct fc_step step;
    fc_time anchor;
    int day;      /* day of the month before clamping, 0: the anchor's own */
    bool regular; /* every point stands on the grid itself, so the grid has the points' phase; else it is the calendar's */
};
struct fc_grid fc_grid_find(const struct fc_points *p, struct fc_step step);
fc_time fc_grid_at(const struct fc_grid *g, int64_t k);
int64_t fc_grid_index(const struct fc_grid *g, fc_time t);
/* The day of the month, before clamping, that all times share (31 when all are month ends); 0 when they don't, or their times of day differ. */
int fc_month_day(const fc_time *time, size_t n);

/* Puts the points into buckets: fills out->start, n, value (NaN where missing) and observed, and of the report aggregated, dropped_last,
 * valid_until and observed. Both ends are observed. FC_INVALID "no_observations", FC_NOMEM. */
FC_MUST_CHECK enum fc_status fc_bucket(const struct fc_points *p, const struct fc_grid *g, const struct fc_clean_options *o, struct fc_series *out,
                                       struct fc_clean_report *report, struct fc_error *e);

/* Fills every missing value of s (NaN, observed = 0; both ends are observed): gaps that are long against the season from the nearest observed values
 * a whole number of seasons away, levelled to both sides; others linearly. Filled values stay within the range of the observed ones. */
void fc_fill(struct fc_series *s);

#endif
