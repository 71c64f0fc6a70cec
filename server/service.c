/* service.c: the service's life, and the way of a series from the store to its grid.
 *
 * What is inferred from a series must not depend on how much of it happened to be read, or the same GET could give two answers. So: the step
 * comes from the newest FC_BASE_STEPS raw times, the season from the newest FC_BASE_STEPS steps that were observed, how far back an answer looks from the series
 * and the model alone, and what a caller gets is cut at the boundary of a calendar step before it is put on the grid. A step of months is never
 * cut (its grid is counted from the first point, and 4,096 months are 341 years). Reading too little is noticed by the times and read again. */
#include "service_parts.h"

#include "forecast_cache.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MODEL_BYTES ((size_t)64 << 20)
#define RESPONSE_BYTES ((size_t)32 << 20)

enum fc_status fc_service_new(struct fc_store *store, struct fc_service **out, struct fc_error *e)
{
    enum fc_status status = FC_OK;
    struct fc_service *v = calloc(1, sizeof *v);
    if (!v)
        return fc_fail_nomem(e, sizeof *v);
    v->store = store;
    if ((status = fc_model_cache_new(store, MODEL_BYTES, &v->models, e)) || (status = fc_insight_cache_new(&v->insights, e)) ||
        (status = fc_forecast_cache_new(store, RESPONSE_BYTES, &v->responses, e))) {
        fc_service_free(v);
        return status;
    }
    *out = v;
    return FC_OK;
}

void fc_service_free(struct fc_service *v)
{
    if (!v)
        return;
    fc_forecast_cache_free(v->responses);
    fc_insight_cache_free(v->insights);
    fc_model_cache_free(v->models);
    free(v);
}

struct fc_forecast_cache *fc_service_cached(struct fc_service *v)
{
    return v->responses;
}

void fc_loaded_free(struct fc_loaded *l)
{
    fc_series_row_free(&l->row);
    fc_series_free(&l->grid);
    memset(l, 0, sizeof *l);
}

/* ---- what to read ---- */

/* Index of the newest observation; p->n when there is none. */
static size_t newest_observed(const struct fc_points *p)
{
    for (size_t i = p->n; i > 0; i--)
        if (!isnan(p->value[i - 1]))
            return i - 1;
    return p->n;
}

/* The step as set, else the one that the newest times show, else unknown. */
static struct fc_step step_of(const struct fc_series_row *row, const struct fc_points *p)
{
    if (fc_step_known(row->step) || p->n == 0)
        return row->step;
    const size_t n = p->n < FC_BASE_STEPS ? p->n : FC_BASE_STEPS;
    return fc_step_infer(p->time + (p->n - n), n);
}

/* Where the newest `steps` buckets of the calendar that hold an observation begin; FC_TIME_MIN when all points are wanted. Empty buckets do not
 * count, so that a long gap hides neither season nor history. *found: how many buckets there are, up to steps. */
static fc_time window_start(struct fc_step step, const struct fc_points *p, size_t steps, size_t *found)
{
    const fc_time anchor = fc_step_calendar_anchor(step);
    int64_t last = INT64_MAX;
    *found = 0;
    if (step.ms <= 0)
        return FC_TIME_MIN;
    for (size_t i = p->n; i-- > 0;) {
        const int64_t k = isnan(p->value[i]) ? last : fc_step_index(step, anchor, p->time[i]);
        if (k == last)
            continue;
        last = k;
        if (++*found == steps)
            return anchor + k * step.ms; /* at or before a point, so in range */
    }
    return FC_TIME_MIN;
}

static struct fc_points from_time(const struct fc_points *p, fc_time start)
{
    size_t lo = 0, hi = p->n;
    while (lo < hi) {
        const size_t mid = lo + (hi - lo) / 2;
        if (p->time[mid] < start)
            lo = mid + 1;
        else
            hi = mid;
    }
    return (struct fc_points){.n = p->n - lo, .time = p->time + lo, .value = p->value + lo};
}

/* How many points to ask for when `count` of them held `found` of the wanted steps. */
static size_t more_points(size_t count, size_t found, size_t steps)
{
    double factor = found > 0 ? 1.125 * (double)steps / (double)found : 8;
    factor = factor > 2 ? factor : 2;
    const double next = (double)count * factor + 64;
    return next < FC_RAW_MAX ? (size_t)next : FC_RAW_MAX;
}

/* Reads the newest points of a series, enough for `steps` steps, and its row of the same snapshot. */
static enum fc_status read_tail(struct fc_store *store, const char *id, size_t steps, struct fc_series_row *row, struct fc_points *points,
                                struct fc_error *e)
{
    size_t count = steps + steps / 8 + 64;
    for (;;) {
        struct fc_series_row r;
        struct fc_points p;
        memset(&r, 0, sizeof r);
        memset(&p, 0, sizeof p);
        count = count < FC_RAW_MAX ? count : FC_RAW_MAX;
        const enum fc_status status = fc_store_points_tail(store, id, count, &r, &p, e);
        if (status)
            return status;
        size_t found;
        const fc_time start = window_start(step_of(&r, &p), &p, steps, &found);
        if (p.n < count || count >= FC_RAW_MAX || p.time[0] < start) {
            *row = r;
            *points = p;
            return FC_OK;
        }
        count = more_points(count, found, steps);
        fc_series_row_free(&r);
        fc_points_free(&p);
    }
}

/* ---- insight ---- */

static struct fc_clean_options clean_options(const struct fc_series_row *row, struct fc_step step, fc_time now)
{
    return (struct fc_clean_options){
        .step = step,
        .season = row->season,
        .season_set = row->season_set,
        .aggregate = row->aggregate,
        .delay_ms = row->delay.ms,
        .now = now,
        .bounds = row->bounds,
    };
}

static enum fc_status infer(const struct fc_series_row *row, const struct fc_points *points, struct fc_insight *out, struct fc_error *e)
{
    struct fc_insight insight = {
        .step = step_of(row, points),
        .step_inferred = !fc_step_known(row->step),
        .season = row->season,
        .season_inferred = !row->season_set && row->season.n == 0,
    };
    const size_t newest = newest_observed(points);
    if (insight.season_inferred && fc_step_known(insight.step) && newest < points->n) {
        size_t found;
        const struct fc_points view = from_time(points, window_start(insight.step, points, FC_BASE_STEPS, &found));
        const struct fc_clean_options options = clean_options(row, insight.step, FC_TIME_MAX);
        struct fc_series grid;
        struct fc_clean_report report;
        memset(&grid, 0, sizeof grid);
        const enum fc_status status = fc_clean(&view, &options, &grid, &report, e);
        if (status)
            return status;
        insight.season = grid.season;
        fc_series_free(&grid);
    }
    insight.step_inferred = insight.step_inferred && fc_step_known(insight.step);
    *out = insight;
    return FC_OK;
}

/* The insight of a stored series, from the cache or from its newest points, which hold at least FC_BASE_STEPS steps where there are so many. */
static enum fc_status infer_once(struct fc_service *v, const struct fc_series_row *row, const struct fc_points *points, struct fc_insight *out,
                                 struct fc_error *e)
{
    if (fc_insight_cache_get(v->insights, row, out))
        return FC_OK;
    const enum fc_status status = infer(row, points, out, e);
    if (status == FC_OK)
        fc_insight_cache_put(v->insights, row, out);
    return status;
}

enum fc_status fc_service_insight(struct fc_service *v, const struct fc_series_row *row, struct fc_insight *out, struct fc_error *e)
{
    if (fc_insight_cache_get(v->insights, row, out))
        return FC_OK;
    struct fc_series_row fresh;
    struct fc_points points;
    memset(&fresh, 0, sizeof fresh);
    memset(&points, 0, sizeof points);
    enum fc_status status = read_tail(v->store, row->id, FC_BASE_STEPS, &fresh, &points, e);
    if (status)
        return status;
    status = infer_once(v, &fresh, &points, out, e);
    fc_points_free(&points);
    fc_series_row_free(&fresh);
    return status;
}

/* ---- loading ---- */

static size_t steps_within(struct fc_reach reach, const struct fc_season *season)
{
    const size_t steps = reach.steps > FC_BASE_STEPS ? reach.steps : FC_BASE_STEPS;
    const size_t seasons = season->n > 0 ? reach.seasons * season->period[0] : 0;
    return steps > seasons ? steps : seasons;
}

/* Puts the newest `steps` steps of the points on the grid of out->row. */
static enum fc_status clean(const struct fc_points *points, const struct fc_insight *insight, size_t steps, struct fc_step fallback, fc_time now,
                            struct fc_loaded *out, struct fc_error *e)
{
    const size_t newest = newest_observed(points);
    if (newest == points->n)
        return fc_fail(e, FC_INVALID, "no_observations", "series \"%s\" has no observation that is not missing", out->row.id);
    const struct fc_step step = fc_step_known(insight->step) ? insight->step : fallback;
    if (!fc_step_known(step))
        return fc_fail(e, FC_INVALID, "step_unknown", "series \"%s\" has too few observations to show its step: set \"step\"", out->row.id);

    size_t found;
    const struct fc_points view = from_time(points, window_start(step, points, steps, &found));
    struct fc_clean_options options = clean_options(&out->row, step, now);
    options.season = insight->season;
    options.season_set = true;
    struct fc_series grid;
    struct fc_clean_report report;
    memset(&grid, 0, sizeof grid);
    const enum fc_status status = fc_clean(&view, &options, &grid, &report, e);
    if (status)
        return status;
    const fc_time end = fc_series_time(&grid, grid.n);
    size_t last = newest;
    while (last > 0 && (points->time[last] >= end || isnan(points->value[last])))
        last--;
    out->insight = *insight;
    out->grid = grid;
    out->newest = points->time[last];
    out->valid_until = report.dropped_last ? report.valid_until : FC_TIME_MAX;
    return FC_OK;
}

enum fc_status fc_service_clean(const struct fc_points *points, struct fc_reach reach, struct fc_step fallback, fc_time now, struct fc_loaded *out,
                                struct fc_error *e)
{
    struct fc_insight insight;
    const enum fc_status status = infer(&out->row, points, &insight, e);
    return status ? status : clean(points, &insight, steps_within(reach, &insight.season), fallback, now, out, e);
}

enum fc_status fc_service_load(struct fc_service *v, const char *id, struct fc_reach reach, struct fc_step fallback, fc_time now,
                               struct fc_loaded *out, struct fc_error *e)
{
    struct fc_loaded l;
    struct fc_points points;
    struct fc_insight insight;
    memset(&l, 0, sizeof l);
    memset(&points, 0, sizeof points);
    size_t steps = 0, wanted = steps_within(reach, &(struct fc_season){0});
    enum fc_status status = FC_OK;
    do { /* again where a long season shows only now that more is wanted, and there is more */
        fc_series_row_free(&l.row);
        fc_points_free(&points);
        steps = wanted;
        status = read_tail(v->store, id, steps, &l.row, &points, e);
        if (status == FC_OK)
            status = infer_once(v, &l.row, &points, &insight, e);
        if (status)
            goto out;
        wanted = steps_within(reach, &insight.season);
    } while (wanted > steps && points.n < (size_t)l.row.points);
    status = clean(&points, &insight, wanted, fallback, now, &l, e);
out:
    fc_points_free(&points); /* before anything else is loaded: a training loads many */
    if (status)
        fc_loaded_free(&l);
    else
        *out = l;
    return status;
}
