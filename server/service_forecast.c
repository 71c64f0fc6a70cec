/* service_forecast.c: who answers, and the answer.
 *
 * The model asked for; else the one pinned to the series; else the newest ready one that was trained on it; else a classical method. A model that
 * was asked for or pinned and does not fit the series is an error; one that we chose ourselves steps back for the classical method. */
#include "service_parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLASSICAL_SEASONS 16      /* what a classical method looks at: its noise is that of 14 seasons before each origin */
#define HORIZON_WITHOUT_SEASON 12 /* steps, when neither model nor season says how far */

struct choice {
    const struct fc_held *held; /* NULL: a classical method */
    bool strict;                /* asked for or pinned: a misfit is an error */
    bool pin_not_ready;         /* another answers than the one that is pinned */
    const char *reason;         /* a sentence of ours behind the core's; NULL: the core says it all */
};

void fc_answer_free(struct fc_answer *a)
{
    free(a->model_name);
    fc_forecast_free(&a->forecast);
    memset(a, 0, sizeof *a);
}

/* The newest ready version of a model by id or name. */
static enum fc_status hold_ready(struct fc_service *v, const char *model, const struct fc_held **out, struct fc_error *e)
{
    struct fc_model_row row;
    memset(&row, 0, sizeof row);
    enum fc_status status = fc_store_model_get(v->store, model, 0, &row, e);
    if (status)
        return status;
    if (row.ready_version == 0)
        status = fc_fail(e, FC_CONFLICT, "model_not_ready", "model \"%s\" is not ready: its version %d is %s", model, row.version, row.state);
    else
        status = fc_model_cache_hold(v->models, row.id, row.ready_version, out, e);
    fc_model_row_free(&row);
    return status;
}

static enum fc_status choose(struct fc_service *v, const struct fc_series_row *row, const char *model, struct choice *out, struct fc_error *e)
{
    struct choice c = {0};
    enum fc_status status;
    if (model) {
        c.strict = true;
        c.reason = "The model was asked for.";
        status = hold_ready(v, model, &c.held, e);
        if (status == FC_OK)
            *out = c;
        return status;
    }
    if (row->model) {
        status = hold_ready(v, row->model, &c.held, e);
        if (status == FC_OK) {
            c.strict = true;
            c.reason = "The model is pinned to the series.";
            *out = c;
            return FC_OK;
        }
        if (status != FC_CONFLICT && status != FC_NOT_FOUND) /* else it is still training, or was deleted just now */
            return status;
        c.pin_not_ready = true;
    }
    char newest[FC_NAME_MAX];
    int version = 0;
    status = fc_store_model_for_series(v->store, row->id, newest, &version, e);
    if (status == FC_OK)
        status = fc_model_cache_hold(v->models, newest, version, &c.held, e);
    if (status == FC_OK)
        c.reason = row->model ? "The model is the newest ready one trained on this series; the pinned one is not ready yet."
                              : "The model is the newest ready one trained on this series.";
    else if (status != FC_NOT_FOUND)
        return status;
    *out = c;
    return FC_OK;
}

/* How far back the answer may look. The classical method may answer in any case: where the model does not fit after all. */
static struct fc_reach reach_for(const struct choice *c)
{
    return (struct fc_reach){.steps = c->held ? fc_model_needs(c->held->model) : 0, .seasons = CLASSICAL_SEASONS};
}

static struct fc_step step_for(const struct choice *c)
{
    return c->held ? fc_model_step(c->held->model) : (struct fc_step){0, 0};
}

/* FC_INVALID "step_mismatch" where the series and the model differ in their step; a model of our own choice is left out instead. */
static enum fc_status check_step(struct fc_service *v, struct choice *c, const struct fc_loaded *l, struct fc_error *e)
{
    if (!c->held || fc_step_equal(l->grid.step, fc_model_step(c->held->model)))
        return FC_OK;
    if (c->strict) {
        char have[FC_STEP_TEXT], want[FC_STEP_TEXT];
        fc_step_format(l->grid.step, have);
        fc_step_format(fc_model_step(c->held->model), want);
        return fc_fail(e, FC_INVALID, "step_mismatch", "series \"%s\" has the step %s, model \"%s\" was trained on steps of %s", l->row.id, have,
                       c->held->name ? c->held->name : c->held->id, want);
    }
    fc_model_cache_release(v->models, c->held);
    c->held = NULL;
    c->reason = "The model that was trained on this series has another step.";
    return FC_OK;
}

/* Puts our reason behind the core's sentence. */
static void add_reason(struct fc_forecast *f, const char *reason)
{
    if (!reason)
        return;
    const size_t n = strlen(f->why), room = sizeof f->why - n;
    const bool ended = n > 0 && f->why[n - 1] == '.';
    if (strlen(reason) + 3 <= room) /* half a sentence would say nothing */
        snprintf(f->why + n, room, "%s%s", n == 0 ? "" : ended ? " " : ". ", reason);
}

/* The last stage: forecasts what is loaded. */
static enum fc_status answer(struct fc_service *v, struct choice *c, const struct fc_loaded *l, size_t horizon, const double *levels, size_t nlevels,
                             struct fc_answer *out, struct fc_error *e)
{
    enum fc_status status = check_step(v, c, l, e);
    if (status)
        return status;
    struct fc_answer a;
    memset(&a, 0, sizeof a);
    if (horizon == 0)
        horizon = c->held                  ? fc_model_spec(c->held->model)->horizon
                  : l->grid.season.n > 0   ? l->grid.season.period[0]
                                           : HORIZON_WITHOUT_SEASON;
    if (horizon > FC_HORIZON_MAX)
        horizon = FC_HORIZON_MAX;
    if (c->held)
        status = fc_model_forecast(c->held->model, &l->grid, horizon, levels, nlevels, &a.forecast, e);
    else
        status = fc_classical_forecast(&l->grid, horizon, levels, nlevels, &a.forecast, e);
    if (status)
        return status;
    if (c->held) {
        snprintf(a.model, sizeof a.model, "%s", c->held->id);
        a.version = c->held->version;
        if (c->held->name && !(a.model_name = strdup(c->held->name))) {
            fc_forecast_free(&a.forecast);
            return fc_fail_nomem(e, strlen(c->held->name));
        }
    }
    if (c->pin_not_ready)
        fc_warn(&a.forecast.warnings, "pinned_model_not_ready");
    add_reason(&a.forecast, c->reason);
    snprintf(a.series, sizeof a.series, "%s", l->row.id);
    a.step = l->grid.step;
    a.last = fc_series_time(&l->grid, l->grid.n - 1);
    a.revision = l->row.revision;
    a.valid_until = l->valid_until;
    *out = a;
    return FC_OK;
}

enum fc_status fc_service_forecast(struct fc_service *v, const char *series, const char *model, size_t horizon, const double *levels, size_t nlevels,
                                   fc_time now, struct fc_answer *out, struct fc_error *e)
{
    struct fc_series_row row;
    struct choice c = {0};
    struct fc_loaded l;
    memset(&row, 0, sizeof row);
    memset(&l, 0, sizeof l);
    enum fc_status status = fc_store_series_get(v->store, series, &row, e);
    if (status)
        return status;
    status = choose(v, &row, model, &c, e);
    if (status)
        goto out;
    status = fc_service_load(v, series, reach_for(&c), step_for(&c), now, &l, e);
    if (status)
        goto out;
    status = answer(v, &c, &l, horizon, levels, nlevels, out, e);
out:
    fc_loaded_free(&l);
    fc_model_cache_release(v->models, c.held);
    fc_series_row_free(&row);
    return status;
}

/* ---- points that are not stored ---- */

enum fc_status fc_service_forecast_points(struct fc_service *v, const struct fc_points_write *points, const char *model, size_t horizon,
                                          const double *levels, size_t nlevels, fc_time now, struct fc_answer *out, struct fc_error *e)
{
    struct choice c = {0};
    struct fc_points p;
    struct fc_loaded l;
    memset(&p, 0, sizeof p);
    memset(&l, 0, sizeof l);
    snprintf(l.row.id, sizeof l.row.id, "%s", points->id);
    l.row.step = points->step;
    l.row.season = points->season;
    l.row.season_set = points->season.n > 0;
    l.row.bounds = (struct fc_bounds){.min = -INFINITY, .max = INFINITY};
    enum fc_status status = fc_points_in_order(points, &p, e);
    if (status)
        return status;
    if (model) {
        c.strict = true;
        c.reason = "The model was asked for.";
        status = hold_ready(v, model, &c.held, e);
        if (status)
            goto out;
    }
    status = fc_service_clean(&p, reach_for(&c), step_for(&c), now, &l, e);
    if (status)
        goto out;
    status = answer(v, &c, &l, horizon, levels, nlevels, out, e);
out:
    fc_loaded_free(&l);
    fc_model_cache_release(v->models, c.held);
    fc_points_free(&p);
    return status;
}
