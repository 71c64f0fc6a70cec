/* fit.c: fits a model: plan → tracks → first fit → choose → calibrate → report → second fit on everything. See model.h and plan.h.
 *
 * The scores that calibrate come from the first fit, which never saw their targets; the network that serves is fitted again, with what was learned
 * about epochs, on all the data, and is the better for it, so the intervals err on the wide side. */
#include "dress.h"
#include "metrics.h"
#include "model_parts.h"
#include "plan.h"
#include "rng.h"
#include "train.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum span { CHOOSE, CALIBRATE, REPORT, SPANS };

/* Everything that the stages of one fit share. */
struct work {
    struct fc_spec *spec;
    struct fc_plan plan;
    const struct fc_series *series;
    size_t nseries;
    unsigned char *use;               /* [nseries] */
    const double *level;
    size_t nlevels;
    const struct fc_lanes *lanes;
    const struct fc_hooks *hooks;
    double done, share;               /* progress: finished before this fit, and this fit's part */
    double validation_loss;           /* of the newest epoch that had one */
    struct fc_track *track, *raw;     /* [nseries] in the network's space and in the classical one */
    struct fc_window *training, *held[SPANS];
    size_t trainings, helds;          /* windows; held ones are the same count in each span: [span][series][origin] */
    fc_real *answer[SPANS], *naive[SPANS]; /* [helds][K] */
    fc_real *params;
    struct fc_network net;
};

const char *fc_scope(const struct fc_model *m)
{
    return m->pooled ? "pooled" : "series";
}

const struct fc_scaler *fc_classical_scaler(void)
{
    return fc_scaler_find("level");
}

size_t fc_first_season(const struct fc_season *s)
{
    return s->n ? s->period[0] : 1;
}

void fc_classical_answer(const struct fc_method *method, const struct fc_track *t, size_t origin, size_t m, size_t K, double *room, fc_real *z)
{
    method->point(t->x, origin, m, K, room);
    for (size_t h = 0; h < K; h++)
        z[h] = (fc_real)fc_scale_forward(fc_classical_scaler(), t->S, room[h]);
}

void fc_score_row(const struct fc_track *t, size_t origin, size_t m, size_t K, const fc_real *answer, double *units, float *row)
{
    fc_noise_units(t->z + origin, origin, m, K, units);
    for (size_t h = 0; h < K; h++) {
        bool known = origin + h < t->n && t->observed[origin + h] && units[h] > 0;
        row[h] = known ? (float)(((double)t->z[origin + h] - (double)answer[h]) / units[h]) : NAN;
    }
}

static void work_free(struct work *w)
{
    for (size_t i = 0; i < w->nseries; i++) {
        if (w->track)
            fc_track_close(&w->track[i]);
        if (w->raw)
            fc_track_close(&w->raw[i]);
    }
    for (int s = 0; s < SPANS; s++) {
        free(w->held[s]);
        free(w->answer[s]);
        free(w->naive[s]);
    }
    free(w->track);
    free(w->raw);
    free(w->use);
    free(w->training);
    free(w->params);
}

/* Tracks of the used series; S looks at all but the last `hold` values. */
static enum fc_status make_tracks(struct work *w, struct fc_track **out, const struct fc_scaler *scaler, size_t hold, struct fc_error *e)
{
    if (!*out && !(*out = calloc(w->nseries, sizeof **out)))
        return fc_fail_nomem(e, w->nseries * sizeof **out);
    for (size_t i = 0; i < w->nseries; i++) {
        const struct fc_series *s = &w->series[i];
        if (!w->use[i])
            continue;
        fc_track_close(&(*out)[i]);
        enum fc_status st = fc_track_init(&(*out)[i], scaler, s, w->plan.m1, s->n > hold ? s->n - hold : s->n, e);
        if (st != FC_OK)
            return st;
    }
    return FC_OK;
}

/* All windows whose targets end before the last `hold` values, every stride-th, the newest always among them. */
static enum fc_status make_training(struct work *w, size_t hold, struct fc_error *e)
{
    const size_t L = fc_window_lookback(&w->plan.window), K = w->spec->horizon, stride = w->plan.stride;
    size_t n = 0;
    for (size_t i = 0; i < w->nseries; i++)
        if (w->use[i] && w->series[i].n >= L + K + hold)
            n += (w->series[i].n - L - K - hold) / stride + 1;
    free(w->training);
    if (!(w->training = malloc((n + 1) * sizeof *w->training)))
        return fc_fail_nomem(e, n * sizeof *w->training);
    w->trainings = 0;
    for (size_t i = 0; i < w->nseries; i++) {
        if (!w->use[i] || w->series[i].n < L + K + hold)
            continue;
        size_t last = w->series[i].n - K - hold;
        for (size_t o = L + (last - L) % stride; o <= last; o += stride)
            w->training[w->trainings++] = (struct fc_window){(uint32_t)i, (uint32_t)o};
    }
    return FC_OK;
}

/* The held-back origins of the series that are long enough for them. `need` values must stand before the oldest. */
static enum fc_status make_held(struct work *w, size_t need, struct fc_error *e)
{
    const size_t o = w->plan.origins, span = w->plan.span;
    size_t long_enough = 0;
    for (size_t i = 0; i < w->nseries; i++)
        long_enough += w->use[i] && w->series[i].n >= need + 3 * span;
    w->helds = long_enough * o;
    for (int s = 0; s < SPANS; s++) {
        size_t at = 0;
        if (!(w->held[s] = malloc((w->helds + 1) * sizeof **w->held)))
            return fc_fail_nomem(e, w->helds * sizeof **w->held);
        for (size_t i = 0; i < w->nseries; i++)
            for (size_t j = 0; w->use[i] && w->series[i].n >= need + 3 * span && j < o; j++)
                w->held[s][at++] = (struct fc_window){(uint32_t)i, (uint32_t)(w->series[i].n - (size_t)(SPANS - s) * span + j)};
    }
    return FC_OK;
}

static void report_progress(void *ctx, const struct fc_progress *p)
{
    struct work *w = ctx;
    struct fc_progress all = *p;
    all.fraction = w->done + w->share * p->fraction;
    if (isnan(all.validation_loss)) /* the second fit has none: the first one's stays */
        all.validation_loss = w->validation_loss;
    w->validation_loss = all.validation_loss;
    if (w->hooks->progress)
        w->hooks->progress(w->hooks->ctx, &all);
}

static bool ask_stop(void *ctx)
{
    const struct work *w = ctx;
    return w->hooks->stop && w->hooks->stop(w->hooks->ctx);
}

static bool ask_time_up(void *ctx)
{
    const struct work *w = ctx;
    return w->hooks->time_up && w->hooks->time_up(w->hooks->ctx);
}

/* One fit of the network from its start. run_epochs 0: all, stopped by the windows that choose. */
static enum fc_status fit_network(struct work *w, uint32_t run_epochs, fc_real *params, struct fc_fit_result *result, struct fc_error *e)
{
    const struct fc_spec *s = w->spec;
    struct fc_fit_options o = {.loss = fc_loss_find(s->loss), .epochs = s->epochs, .run_epochs = run_epochs ? run_epochs : s->epochs, .batch = s->batch,
                               .patience = s->patience, .learning_rate = s->learning_rate, .clip_norm = s->clip_norm, .seed = s->seed};
    struct fc_hooks hooks = {w, ask_stop, ask_time_up, report_progress};
    struct fc_pool training = {w->track, w->training, w->trainings}, choose = {w->track, w->held[CHOOSE], run_epochs ? 0 : w->helds};
    struct fc_rng rng;
    fc_rng_init(&rng, s->seed, 1);
    fc_network_start(&w->net, &rng, params);
    return fc_fit(&w->net, &w->plan.window, &o, &training, &choose, w->lanes, &hooks, params, result, e);
}

static enum fc_status answer_held(struct work *w, struct fc_error *e)
{
    const size_t K = w->spec->horizon;
    enum fc_status st = FC_OK;
    double *room = malloc(K * sizeof *room);
    if (!room)
        return fc_fail_nomem(e, K * sizeof *room);
    for (int s = 0; s < SPANS && st == FC_OK; s++) {
        w->naive[s] = malloc((w->helds + 1) * K * sizeof **w->naive);
        w->answer[s] = malloc((w->helds + 1) * K * sizeof **w->answer);
        if (!w->naive[s] || !w->answer[s]) {
            st = fc_fail_nomem(e, w->helds * K * sizeof **w->naive);
            break;
        }
        for (size_t i = 0; i < w->helds; i++)
            fc_classical_answer(fc_method_fallback, &w->raw[w->held[s][i].track], w->held[s][i].origin, w->plan.m1, K, room, w->naive[s] + i * K);
        struct fc_pool pool = {w->track, w->held[s], w->helds};
        if (w->plan.network)
            st = fc_answer_windows(&w->net, &w->plan.window, w->params, &pool, w->lanes, w->answer[s], e);
    }
    free(room);
    return st;
}

/* Scores of the spans [first, last] into one table. */
static enum fc_status calibrate(struct work *w, enum span first, enum span last, fc_real *const *answer, const struct fc_track *track,
                                struct fc_intervals *out, struct fc_error *e)
{
    const size_t K = w->spec->horizon, rows = w->helds * (size_t)(last - first + 1);
    float *scores = malloc((rows + 1) * K * sizeof *scores);
    double *units = malloc(K * sizeof *units);
    enum fc_status st = FC_NOMEM;
    if (!scores || !units) {
        fc_fail_nomem(e, rows * K * sizeof *scores);
        goto out;
    }
    size_t row = 0;
    for (int s = first; s <= (int)last; s++)
        for (size_t i = 0; i < w->helds; i++, row++)
            fc_score_row(&track[w->held[s][i].track], w->held[s][i].origin, w->plan.m1, K, answer[s] + i * K, units, scores + row * K);
    struct fc_intervals v;
    st = fc_intervals_fit(scores, rows, K, w->plan.origins * (size_t)(last - first + 1), &v, e);
    if (st == FC_OK) {
        fc_intervals_free(out);
        *out = v;
    }
out:
    free(scores);
    free(units);
    return st;
}

/* Scores the answers of one span with intervals that other origins calibrated (iv NULL: points only). */
static enum fc_status score(struct work *w, enum span span, fc_real *const *answer, const struct fc_track *track, const struct fc_scaler *scaler,
                            const struct fc_intervals *iv, struct fc_metrics *out, struct fc_error *e)
{
    const size_t K = w->spec->horizon, nlevels = iv ? w->nlevels : 0;
    struct fc_intervals none = {0};
    struct fc_scorer scorer;
    struct fc_forecast f;
    double *units = malloc(K * sizeof *units);
    if (!units)
        return fc_fail_nomem(e, K * sizeof *units);
    enum fc_status st = fc_forecast_reserve(&f, K, w->level, nlevels, e);
    if (st != FC_OK) {
        free(units);
        return st;
    }
    fc_scorer_init(&scorer, f.level, nlevels);
    for (size_t i = 0; i < w->helds; i++) {
        const struct fc_window *win = &w->held[span][i];
        const struct fc_series *s = &w->series[win->track];
        const struct fc_track *t = &track[win->track];
        struct fc_point p = {scaler, t->S, answer[span] + i * K, units, iv ? iv : &none, K};
        fc_noise_units(t->z + win->origin, win->origin, w->plan.m1, K, units);
        fc_dress(&p, f.level, nlevels, f.mean, f.median, f.lower, f.upper);
        fc_scorer_begin(&scorer, fc_mase_scale(s->value, win->origin, (uint32_t)w->plan.m1));
        for (size_t h = 0; h < K; h++)
            if (s->observed[win->origin + h])
                fc_scorer_add(&scorer, s->value[win->origin + h], f.median[h], nlevels ? &f.lower[h] : NULL, nlevels ? &f.upper[h] : NULL, K);
        fc_scorer_end(&scorer);
    }
    *out = fc_scorer_result(&scorer);
    fc_forecast_free(&f);
    free(units);
    return FC_OK;
}

/* The first fit and what its held-back answers decide: who serves. */
static enum fc_status fit_and_choose(struct work *w, struct fc_model *m, struct fc_report *r, struct fc_fit_result *first, struct fc_error *e)
{
    enum fc_status st;
    const size_t hold = 3 * w->plan.span;
    if ((st = make_tracks(w, &w->raw, fc_classical_scaler(), hold, e)) != FC_OK)
        return st;
    if (w->plan.network) {
        if ((st = make_tracks(w, &w->track, w->plan.window.scaler, hold, e)) != FC_OK || (st = make_training(w, hold, e)) != FC_OK ||
            (st = fc_network_init(&w->plan.shape, &w->net, e)) != FC_OK)
            return st;
        if (!(w->params = malloc(w->net.params * sizeof *w->params)))
            return fc_fail_nomem(e, w->net.params * sizeof *w->params);
        w->share = 0.45;
    }
    size_t need = w->plan.network ? fc_window_lookback(&w->plan.window) : w->plan.m1 + 1;
    if ((st = make_held(w, need, e)) != FC_OK)
        return st;
    if (w->plan.network) {
        if ((st = fit_network(w, 0, w->params, first, e)) != FC_OK)
            return st;
        r->history = first->history;
        r->nhistory = first->epochs;
    }
    if ((st = answer_held(w, e)) != FC_OK)
        return st;
    m->network = w->plan.network;
    if (m->network && fc_method_find(w->spec->method)->choose) {
        struct fc_metrics network, naive;
        if ((st = score(w, CHOOSE, w->answer, w->track, w->plan.window.scaler, NULL, &network, e)) != FC_OK ||
            (st = score(w, CHOOSE, w->naive, w->raw, fc_classical_scaler(), NULL, &naive, e)) != FC_OK)
            return st;
        m->network = isfinite(naive.mase) && isfinite(network.mase) ? network.mase < naive.mase : network.mae < naive.mae;
        if (!m->network)
            fc_warn(&r->warnings, "seasonal_naive_was_better");
    }
    return FC_OK;
}

/* Intervals from the span that calibrates, scores on the one that reports; then intervals from both, for serving. */
static enum fc_status judge(struct work *w, struct fc_model *m, struct fc_report *r, struct fc_error *e)
{
    enum fc_status st;
    if ((st = calibrate(w, CALIBRATE, CALIBRATE, w->naive, w->raw, &m->naive_intervals, e)) != FC_OK ||
        (st = score(w, REPORT, w->naive, w->raw, fc_classical_scaler(), &m->naive_intervals, &r->seasonal_naive, e)) != FC_OK ||
        (st = calibrate(w, CALIBRATE, REPORT, w->naive, w->raw, &m->naive_intervals, e)) != FC_OK)
        return st;
    r->metrics = r->seasonal_naive;
    if (!m->network)
        return FC_OK;
    if ((st = calibrate(w, CALIBRATE, CALIBRATE, w->answer, w->track, &m->network_intervals, e)) != FC_OK ||
        (st = score(w, REPORT, w->answer, w->track, w->plan.window.scaler, &m->network_intervals, &r->metrics, e)) != FC_OK)
        return st;
    return calibrate(w, CALIBRATE, REPORT, w->answer, w->track, &m->network_intervals, e);
}

/* The second fit, on everything, for as many epochs as served the first one best. */
static enum fc_status fit_again(struct work *w, const struct fc_fit_result *first, struct fc_report *r, struct fc_error *e)
{
    enum fc_status st;
    struct fc_fit_result second = {0};
    if (first->time_up) {
        fc_warn(&r->warnings, "time_limit_reached");
        return FC_OK;
    }
    fc_real *params = malloc(w->net.params * sizeof *params);
    if (!params)
        return fc_fail_nomem(e, w->net.params * sizeof *params);
    w->done = 0.5;
    w->share = 0.5;
    if ((st = make_tracks(w, &w->track, w->plan.window.scaler, 0, e)) == FC_OK && (st = make_training(w, 0, e)) == FC_OK &&
        (st = fit_network(w, first->best_epoch, params, &second, e)) == FC_OK) {
        if (second.time_up)
            fc_warn(&r->warnings, "time_limit_reached");
        else
            memcpy(w->params, params, w->net.params * sizeof *params);
    }
    free(second.history);
    free(params);
    return st;
}

static enum fc_status fit(struct work *w, struct fc_model *m, struct fc_report *r, struct fc_error *e)
{
    enum fc_status st = FC_OK;
    struct fc_fit_result first = {0};
    fc_plan_make(w->spec, w->series, w->use, w->nseries, &w->plan);
    if (fc_method_find(w->spec->method)->cell && !w->plan.network)
        fc_warn(&r->warnings, "too_short_for_network");
    r->metrics = r->seasonal_naive = (struct fc_metrics){.mae = NAN, .rmse = NAN, .smape = NAN, .mase = NAN};
    if (w->plan.origins > 0) {
        if ((st = fit_and_choose(w, m, r, &first, e)) != FC_OK || (st = judge(w, m, r, e)) != FC_OK)
            return st;
        if (m->network && (st = fit_again(w, &first, r, e)) != FC_OK)
            return st;
    }
    const struct fc_intervals *iv = m->network ? &m->network_intervals : &m->naive_intervals;
    size_t used = 0;
    for (size_t i = 0; i < w->nseries; i++)
        used += w->use[i];
    snprintf(r->calibration.method, FC_WORD, "%s", iv->scores ? "conformal" : "none");
    m->pooled = used > 1;
    snprintf(r->calibration.scope, FC_WORD, "%s", fc_scope(m));
    r->calibration.origins = iv->origins;
    r->calibration.scores = iv->scores;
    snprintf(r->answers, FC_WORD, "%s", m->network ? w->spec->cell : fc_method_fallback->name);
    m->spec = *w->spec;
    if (m->network) {
        m->plan = w->plan.window;
        m->net = w->net;
        m->params = w->params;
        w->params = NULL;
    }
    return FC_OK;
}

/* Which series take part: those with an observation and the step of the first that has one. */
static enum fc_status admit(struct work *w, struct fc_model *m, struct fc_report *r, struct fc_error *e)
{
    size_t used = 0;
    for (size_t i = 0; i < w->nseries; i++) {
        const struct fc_series *s = &w->series[i];
        const char *why = s->n == 0 ? "no_observations" : !fc_step_known(s->step) ? "step_unknown" : "";
        if (!why[0] && used > 0 && !fc_step_equal(s->step, m->step))
            why = "step_mismatch";
        snprintf(r->skipped[i], FC_WORD, "%s", why);
        w->use[i] = r->trained[i] = !why[0];
        if (!why[0] && used++ == 0)
            m->step = s->step;
    }
    return used ? FC_OK : fc_fail(e, FC_INVALID, "nothing_to_train", "none of the %zu series has an observation and a step", w->nseries);
}

enum fc_status fc_model_fit(struct fc_spec *spec, const struct fc_series *series, size_t nseries, const double *levels, size_t nlevels,
                            const struct fc_lanes *lanes, const struct fc_hooks *hooks, struct fc_model **out, struct fc_report *report, struct fc_error *e)
{
    enum fc_status st = fc_spec_check(spec, e);
    if (st != FC_OK)
        return st;
    struct fc_spec filled = *spec;
    struct work w = {.spec = &filled, .series = series, .nseries = nseries, .level = levels, .nlevels = nlevels < FC_LEVELS ? nlevels : FC_LEVELS,
                     .lanes = lanes, .hooks = hooks, .validation_loss = NAN};
    struct fc_report r = {0};
    struct fc_model *m = calloc(1, sizeof *m);
    w.use = calloc(nseries + 1, 1);
    r.trained = calloc(nseries + 1, 1);
    r.skipped = calloc(nseries + 1, sizeof *r.skipped);
    if (!m || !w.use || !r.trained || !r.skipped)
        st = fc_fail_nomem(e, nseries * sizeof *r.skipped);
    if (st == FC_OK && (st = admit(&w, m, &r, e)) == FC_OK)
        st = fit(&w, m, &r, e);
    work_free(&w);
    if (st != FC_OK) {
        fc_model_free(m);
        fc_report_free(&r);
        return st;
    }
    *spec = filled;
    *out = m;
    *report = r;
    return FC_OK;
}

void fc_report_free(struct fc_report *r)
{
    free(r->history);
    free(r->trained);
    free(r->skipped);
    *r = (struct fc_report){0};
}

void fc_model_free(struct fc_model *m)
{
    if (!m)
        return;
    free(m->params);
    fc_intervals_free(&m->network_intervals);
    fc_intervals_free(&m->naive_intervals);
    free(m);
}

const struct fc_spec *fc_model_spec(const struct fc_model *m)
{
    return &m->spec;
}

struct fc_step fc_model_step(const struct fc_model *m)
{
    return m->step;
}

size_t fc_model_needs(const struct fc_model *m)
{
    return FC_NOISE_VALUES + (m->network ? fc_window_lookback(&m->plan) : 0);
}
