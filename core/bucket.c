/* bucket.c: the first stage of cleaning: the grid that the points stand on, and one value a bucket.
 *
 * Invariant of what leaves here: value[0] and value[n - 1] are observed, n <= FC_GRID_MAX, every observed value is finite. Linear time. */
#include "clean_stages.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

/* ---- the grid ---- */

static int64_t month_index(struct fc_civil c)
{
    return (int64_t)c.year * 12 + c.month - 1;
}

static fc_time day_start(fc_time t)
{
    struct fc_civil c = fc_time_civil(t);
    return t - c.hour * INT64_C(3600000) - c.minute * INT64_C(60000) - c.second * INT64_C(1000) - c.ms;
}

int fc_month_day(const fc_time *time, size_t n)
{
    const struct fc_step month = { .months = 1 };
    if (n == 0)
        return 0;
    fc_time of_day = time[0] - day_start(time[0]);
    int largest = 0;
    bool ends = true;
    for (size_t i = 0; i < n; i++) {
        if (time[i] - day_start(time[i]) != of_day)
            return 0;
        struct fc_civil c = fc_time_civil(time[i]);
        largest = c.day > largest ? c.day : largest;
        ends = ends && fc_step_at_day(month, time[i], 31, 0) == time[i];
    }
    if (ends)
        return 31;
    for (size_t i = 0; i < n; i++)
        if (fc_step_at_day(month, time[i], largest, 0) != time[i])
            return 0;
    return largest;
}

static bool fixed_regular(const struct fc_points *p, struct fc_step step)
{
    for (size_t i = 1; i < p->n; i++)
        if ((p->time[i] - p->time[i - 1]) % step.ms)
            return false;
    return true;
}

static bool months_regular(const struct fc_points *p, struct fc_step step, int day)
{
    if (day == 0)
        return false;
    int64_t first = month_index(fc_time_civil(p->time[0]));
    for (size_t i = 1; i < p->n; i++)
        if ((month_index(fc_time_civil(p->time[i])) - first) % step.months)
            return false;
    return true;
}

struct fc_grid fc_grid_find(const struct fc_points *p, struct fc_step step)
{
    /* Times ascend, so points on the grid have a bucket each. */
    int day = step.months ? fc_month_day(p->time, p->n) : 0;
    if (p->n && (step.months ? months_regular(p, step, day) : fixed_regular(p, step)))
        return (struct fc_grid){ .step = step, .anchor = p->time[0], .day = day, .regular = true };
    return (struct fc_grid){ .step = step, .anchor = fc_step_calendar_anchor(step) };
}

fc_time fc_grid_at(const struct fc_grid *g, int64_t k)
{
    return fc_step_at_day(g->step, g->anchor, g->day, k);
}

int64_t fc_grid_index(const struct fc_grid *g, fc_time t)
{
    int64_t k = fc_step_index(g->step, g->anchor, t);
    /* fc_step_index clamps the anchor's own day, which may be below the grid's: the bucket may start later than it thinks. */
    return g->day && fc_grid_at(g, k) > t ? k - 1 : k;
}

/* ---- one value a bucket ---- */

/* A sum of finite values that left the finite numbers is held at the largest one. */
static double hold_finite(double x)
{
    return x > DBL_MAX ? DBL_MAX : x < -DBL_MAX ? -DBL_MAX : x;
}

/* The aggregate of x[0 … n-1] without its NaN; NaN when nothing else is there, for count and sum too: no report is not a report of zero. */
static double aggregate(enum fc_aggregate how, const double *x, size_t n)
{
    double sum = 0, last = NAN, max = -INFINITY, min = INFINITY;
    size_t seen = 0;
    for (size_t i = 0; i < n; i++) {
        if (isnan(x[i]))
            continue;
        seen++;
        sum += x[i];
        last = x[i];
        max = x[i] > max ? x[i] : max;
        min = x[i] < min ? x[i] : min;
    }
    if (seen == 0)
        return NAN;
    switch (how) {
    case FC_SUM:
        return hold_finite(sum);
    case FC_LAST:
        return last;
    case FC_MAX:
        return max;
    case FC_MIN:
        return min;
    case FC_COUNT:
        return (double)seen;
    default:
        break;
    }
    double mean = sum / (double)seen;
    /* Rounding may carry the mean of equal values away from them; and where the sum overflowed, the middle of the range has to do. */
    if (!isfinite(mean))
        mean = 0.5 * min + 0.5 * max;
    return mean < min ? min : mean > max ? max : mean;
}

/* The points [from, to) that count, and what the report says about them. */
struct range {
    size_t from, to;
};

static size_t count_aggregated(const struct fc_points *p, const struct fc_grid *g)
{
    if (g->regular)
        return 0;
    size_t extra = 0;
    fc_time end = INT64_MIN; /* of the bucket of the point before */
    for (size_t i = 0; i < p->n; i++) {
        if (p->time[i] < end)
            extra++;
        else
            end = fc_grid_at(g, fc_grid_index(g, p->time[i]) + 1);
    }
    return extra;
}

/* Drops the buckets at the end that have not ended at least delay before now. A series that lies within them altogether (it has only just begun, or
 * its times lie ahead of the clock) keeps all but its last bucket, and that one too when it is alone: some answer is better than none. */
static struct range drop_open(const struct fc_points *p, const struct fc_grid *g, const struct fc_clean_options *o, struct range r,
                              struct fc_clean_report *report)
{
    int64_t delay = o->delay_ms > 0 ? o->delay_ms : 0, closed;
    if (report->aggregated == 0 && delay == 0)
        return r;
    if (__builtin_sub_overflow(o->now, delay, &closed) || closed < FC_TIME_MIN)
        closed = FC_TIME_MIN;
    fc_time open_start = fc_grid_at(g, fc_grid_index(g, closed)); /* the first bucket that ends after closed */
    if (p->time[r.to - 1] < open_start)
        return r;
    size_t open = r.to; /* the first observation in an open bucket */
    while (open > r.from && p->time[open - 1] >= open_start)
        open--;
    while (isnan(p->value[open]))
        open++; /* ends at r.to - 1 at the latest, which is observed */
    fc_time first_end = fc_grid_at(g, fc_grid_index(g, p->time[open]) + 1);
    size_t keep = open;
    if (keep == r.from) { /* all is open */
        fc_time last_start = fc_grid_at(g, fc_grid_index(g, p->time[r.to - 1]));
        keep = r.to;
        while (keep > r.from && p->time[keep - 1] >= last_start)
            keep--;
    }
    while (keep > r.from && isnan(p->value[keep - 1]))
        keep--;
    if (keep == r.from)
        return r;
    report->dropped_last = true;
    if (__builtin_add_overflow(first_end, delay, &report->valid_until))
        report->valid_until = FC_TIME_MAX;
    r.to = keep;
    return r;
}

enum fc_status fc_bucket(const struct fc_points *p, const struct fc_grid *g, const struct fc_clean_options *o, struct fc_series *out,
                         struct fc_clean_report *report, struct fc_error *e)
{
    struct range r = { 0, p->n };
    while (r.to > 0 && isnan(p->value[r.to - 1]))
        r.to--;
    while (r.from < r.to && isnan(p->value[r.from]))
        r.from++;
    if (r.from == r.to)
        return fc_fail(e, FC_INVALID, "no_observations", "the series has no observation");
    report->aggregated = count_aggregated(p, g);
    r = drop_open(p, g, o, r, report);

    int64_t last = fc_grid_index(g, p->time[r.to - 1]), oldest = last - (FC_GRID_MAX - 1);
    fc_time oldest_start = fc_grid_at(g, oldest);
    while (p->time[r.from] < oldest_start || isnan(p->value[r.from]))
        r.from++; /* ends at r.to - 1 at the latest */
    int64_t first = fc_grid_index(g, p->time[r.from]);
    size_t n = (size_t)(last - first) + 1;
    double *value = malloc(n * sizeof *value);
    unsigned char *observed = malloc(n);
    if (!value || !observed) {
        free(value);
        free(observed);
        return fc_fail_nomem(e, n * (sizeof *value + 1));
    }
    for (size_t i = 0; i < n; i++)
        value[i] = NAN;
    for (size_t i = r.from; i < r.to;) {
        int64_t k = fc_grid_index(g, p->time[i]);
        fc_time end = fc_grid_at(g, k + 1);
        size_t next = i + 1;
        while (next < r.to && p->time[next] < end)
            next++;
        value[k - first] = aggregate(o->aggregate, p->value + i, next - i);
        i = next;
    }
    report->observed = 0;
    for (size_t i = 0; i < n; i++) {
        observed[i] = !isnan(value[i]);
        report->observed += observed[i];
    }
    out->start = fc_grid_at(g, first);
    out->month_day = g->day;
    out->n = n;
    out->value = value;
    out->observed = observed;
    return FC_OK;
}
