/* clean.c: from raw points to a series on its grid: step (here), buckets (bucket.c), season (season.c), gaps (fill.c).
 *
 * Flow: storage gives fc_points, fc_clean gives an fc_series; training and forecasts read nothing else. Pure, any thread. */
#include "clean_stages.h"

#include <math.h>
#include <stdlib.h>

/* ---- the step ---- */

#define NEWEST_GAPS 65536 /* a series that changed its rate is taken at its newest one, and memory stays small */
#define MS_DAY INT64_C(86400000)

/* Lengths that people choose, for points that jitter. */
static const int64_t nice_ms[] = {
    1,     2,      5,      10,     20,     50,      100,     200,     500,     1000,     2000,     5000,     10000,    15000,    20000,  30000,
    60000, 120000, 300000, 600000, 900000, 1200000, 1800000, 3600000, 7200000, 10800000, 14400000, 21600000, 28800000, 43200000, MS_DAY, 7 * MS_DAY,
};
/* Lengths of so many months, in days with a little room for changes of the clock. */
static const struct {
    int32_t months;
    double low, high;
} month_gaps[] = {
    { 1, 27.9, 31.1 }, { 2, 58.9, 62.1 }, { 3, 88.9, 92.1 }, { 4, 119.9, 123.1 }, { 6, 180.9, 184.1 }, { 12, 364.9, 366.1 },
};

static int ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The commonest of sorted gaps (the smallest of equals) and how often it is there. */
struct mode {
    int64_t gap;
    size_t times;
};

static struct mode commonest(const int64_t *gap, size_t n)
{
    struct mode best = { 0, 0 };
    for (size_t i = 0, run; i < n; i += run) {
        for (run = 1; i + run < n && gap[i + run] == gap[i]; run++)
            ;
        if (run > best.times)
            best = (struct mode){ gap[i], run };
    }
    return best;
}

static int64_t gcd(int64_t a, int64_t b)
{
    while (b) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* The months between times that share their day of the month, 0 when they do not. gap: room for n - 1. */
static int32_t exact_months(const fc_time *time, size_t n, int64_t *gap)
{
    if (time[1] - time[0] < 28 * MS_DAY || fc_month_day(time, n) == 0)
        return 0;
    int64_t common = 0;
    for (size_t i = 1; i < n; i++) {
        struct fc_civil a = fc_time_civil(time[i - 1]), b = fc_time_civil(time[i]);
        gap[i - 1] = (int64_t)(b.year - a.year) * 12 + b.month - a.month;
        if (gap[i - 1] < 1)
            return 0;
        common = gcd(gap[i - 1], common);
    }
    qsort(gap, n - 1, sizeof *gap, ascending);
    struct mode mode = commonest(gap, n - 1);
    int64_t months = mode.times * 2 >= n - 1 ? mode.gap : common;
    return months <= 12000 ? (int32_t)months : 0;
}

/* The step of sorted gaps that differ: months whose days vary, else the nice length nearest to the median. */
static struct fc_step jittered(const int64_t *gap, size_t n)
{
    for (size_t m = 0; m < sizeof month_gaps / sizeof *month_gaps; m++) {
        size_t inside = 0;
        for (size_t i = 0; i < n; i++) {
            double days = (double)gap[i] / (double)MS_DAY;
            inside += days > month_gaps[m].low && days < month_gaps[m].high;
        }
        if (inside * 5 >= n * 4)
            return (struct fc_step){ .months = month_gaps[m].months };
    }
    double median = (double)gap[(n - 1) / 2], nearest = INFINITY;
    struct fc_step best = { 0 };
    for (size_t i = 0; i < sizeof nice_ms / sizeof *nice_ms; i++) {
        double off = fabs(log(median / (double)nice_ms[i]));
        if (off < nearest) {
            nearest = off;
            best = (struct fc_step){ .ms = nice_ms[i] };
        }
    }
    for (size_t m = 0; m < sizeof month_gaps / sizeof *month_gaps; m++) {
        struct fc_step months = { .months = month_gaps[m].months };
        double off = fabs(log(median / (double)fc_step_nominal_ms(months)));
        if (off < nearest) {
            nearest = off;
            best = months;
        }
    }
    return best;
}

static struct fc_step infer_with(const fc_time *time, size_t n, int64_t *gap)
{
    int32_t months = exact_months(time, n, gap);
    if (months)
        return (struct fc_step){ .months = months };
    size_t gaps = n - 1;
    for (size_t i = 0; i < gaps; i++)
        gap[i] = time[i + 1] - time[i];
    qsort(gap, gaps, sizeof *gap, ascending);
    struct mode mode = commonest(gap, gaps);
    /* Months whose day varies: 31 days may be their commonest distance, and 365 days that of years, but not nearly always. */
    if (mode.gap > 27 * MS_DAY && mode.times * 5 < gaps * 4) {
        struct fc_step varied = jittered(gap, gaps);
        if (varied.months)
            return varied;
    }
    if (mode.times * 2 >= gaps)
        return (struct fc_step){ .ms = mode.gap };
    /* Many points missing at random: every distance is a multiple of the commonest. */
    size_t multiples = 0;
    for (size_t i = 0; i < gaps; i++)
        multiples += gap[i] % mode.gap == 0;
    if (mode.times * 5 >= gaps && multiples * 10 >= gaps * 9)
        return (struct fc_step){ .ms = mode.gap };
    return jittered(gap, gaps);
}

struct fc_step fc_step_infer(const fc_time *time, size_t n)
{
    struct fc_step step = { 0 };
    if (n < 2)
        return step;
    size_t used = n - 1 < NEWEST_GAPS ? n : NEWEST_GAPS + 1;
    int64_t *gap = malloc((used - 1) * sizeof *gap);
    if (gap)
        step = infer_with(time + (n - used), used, gap);
    free(gap);
    return step;
}

/* ---- the whole ---- */

enum fc_status fc_clean(const struct fc_points *p, const struct fc_clean_options *o, struct fc_series *out, struct fc_clean_report *report,
                        struct fc_error *e)
{
    struct fc_clean_report told = { .valid_until = FC_TIME_MAX };
    struct fc_series s = { .step = o->step, .season = o->season, .bounds = o->bounds };
    size_t observations = 0;
    for (size_t i = 0; i < p->n; i++)
        observations += !isnan(p->value[i]);
    if (observations == 0)
        return fc_fail(e, FC_INVALID, "no_observations", "the series has no observation");
    if (!fc_step_known(s.step)) {
        s.step = fc_step_infer(p->time, p->n);
        if (!fc_step_known(s.step))
            return fc_fail(e, FC_INVALID, "step_unknown", "step is not set and one point tells none");
        told.step_inferred = true;
    }
    struct fc_grid grid = fc_grid_find(p, s.step);
    enum fc_status status = fc_bucket(p, &grid, o, &s, &told, e);
    if (status != FC_OK)
        return status;
    told.constant = fc_series_constant(&s);
    if (s.season.n == 0 && !o->season_set) {
        s.season = fc_season_infer(s.value, s.n, s.step);
        told.season_inferred = true;
    }
    fc_fill(&s);
    told.filled = s.n - told.observed;
    *out = s;
    *report = told;
    return FC_OK;
}
