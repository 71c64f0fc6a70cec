/* series.h: the data of one series, raw and on its grid. A leaf: plain structs, each with who owns what. */
#ifndef FC_SERIES_H
#define FC_SERIES_H

#include "calendar.h"

#define FC_SEASONS 4      /* at most so many seasonal periods a series */
#define FC_ID_MAX 200     /* bytes of a series id */

/* Raw points, ascending in time, no two at the same time. A missing observation is NaN. */
struct fc_points {
    size_t n;
    fc_time *time;  /* [n] owned */
    double *value;  /* [n] owned, finite or NaN */
};
void fc_points_free(struct fc_points *p);
/* Room for n points; FC_NOMEM. The arrays are not initialised. p must be zeroed or a former owner: what it held is kept (realloc). */
FC_MUST_CHECK enum fc_status fc_points_reserve(struct fc_points *p, size_t n, struct fc_error *e);

enum fc_aggregate { FC_MEAN = 0, FC_SUM, FC_LAST, FC_MAX, FC_MIN, FC_COUNT, FC_AGGREGATES };
/* The name in the API ("mean"), and back; -1 when there is none. */
const char *fc_aggregate_name(enum fc_aggregate a);
int fc_aggregate_find(const char *name);

/* A list of seasonal periods in steps, ascending, each at least 2. n = 0: none known. */
struct fc_season {
    size_t n;
    uint32_t period[FC_SEASONS];
};

/* Where values may lie: bounds of forecasts and intervals. */
struct fc_bounds {
    double min, max; /* -INFINITY and INFINITY when not set */
    bool integer;
};

/* One series on its grid: observation i stands at fc_series_time(s, i). Gaps are filled in value and marked in observed. */
struct fc_series {
    struct fc_step step;
    fc_time start;
    int month_day;           /* of a monthly grid, before clamping, as start may be clamped (Apr 30 of month ends is 31); 0: start's own */
    size_t n;
    double *value;           /* [n] owned, all finite after cleaning */
    unsigned char *observed; /* [n] owned, 1 when value was observed, 0 when it was filled */
    struct fc_season season;
    struct fc_bounds bounds;
};
void fc_series_free(struct fc_series *s);
/* All observed values are equal (true when there are none). */
bool fc_series_constant(const struct fc_series *s);
/* The time of grid value i; beyond n - 1 it is the time of a forecast. */
fc_time fc_series_time(const struct fc_series *s, size_t i);

#endif
