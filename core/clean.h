/* clean.h: from raw points to a series on its grid: step, buckets, gaps, season. Pure functions, any thread, no clock (now is given). */
#ifndef FC_CLEAN_H
#define FC_CLEAN_H

#include "series.h"

struct fc_clean_options {
    struct fc_step step;          /* unknown: inferred from the times */
    struct fc_season season;      /* n = 0 and not season_set: inferred from the values */
    bool season_set;
    enum fc_aggregate aggregate;  /* of the points of one bucket */
    int64_t delay_ms;             /* the last bucket counts once it ended at least so long ago */
    fc_time now;                  /* for the last bucket only */
    struct fc_bounds bounds;      /* copied into the result */
};

struct fc_clean_report {
    bool step_inferred, season_inferred;
    size_t filled;        /* grid values that were not observed */
    size_t aggregated;    /* raw points beyond the first of their bucket */
    bool dropped_last;    /* the last bucket has not ended yet */
    fc_time valid_until;  /* when dropped_last: the time at which the answer changes; else FC_TIME_MAX */
    bool constant;        /* all observations are equal */
    size_t observed;      /* grid values that were */
};

/* Puts points on their grid. Regular points (each on anchor + k steps, one a bucket) keep their own phase; others go into the buckets of the
 * UTC calendar, labelled by their start. Leading and trailing missing values are cut off; gaps inside are filled seasonally where the season is
 * known and short gaps linearly, and marked. At most FC_GRID_MAX grid values (the newest) are kept, so that one stray old point cannot ask for terabytes.
 * Errors: FC_INVALID "no_observations"; "step_unknown" (one observation and no step). */
#define FC_GRID_MAX 4000000
FC_MUST_CHECK enum fc_status fc_clean(const struct fc_points *p, const struct fc_clean_options *o, struct fc_series *out, struct fc_clean_report *report, struct fc_error *e);

/* The step that the times suggest: the commonest distance, months and years recognised (also month ends); unknown for fewer than two points. */
struct fc_step fc_step_infer(const fc_time *time, size_t n);
/* The seasonal periods that the values show, strongest evidence kept, ascending: candidates from the calendar of the step, checked by autocorrelation
 * of the detrended values, and for other steps the autocorrelation's own peaks. At least two whole periods are needed. NaN in value is skipped. */
struct fc_season fc_season_infer(const double *value, size_t n, struct fc_step step);

/* A copy of the values [from, to) of a cleaned series as they would have been filled when only the first `known` were there: what was filled in the
 * known part is filled again from that part alone (a trailing gap by its last season). from < known <= to <= n. *first: where the copy begins, at or before
 * from, at an observation. Free out with fc_series_free. FC_NOMEM. */
FC_MUST_CHECK enum fc_status fc_fill_prefix(const struct fc_series *s, size_t from, size_t known, size_t to, struct fc_series *out, size_t *first, struct fc_error *e);

#endif
