/* fit.c: fits a model: plan → tracks → first fit → choose → calibrate → report → second fit on everything. See model.h and plan.h.
 *
 * The scores that calibrate come from the first fit, which never saw their targets; the network that serves is fitted again, with what was learned
 * about epochs, on all the data, and is the better for it, so the intervals err on the wide side. */
#include "clean.h"
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
    struct fc_track *track;           /* [tracks]: one a series, in its place, then one for each held-back origin of a series with gaps */
    struct fc_series *copy;           /* [tracks]: what a track reads when gaps were filled again; values NULL when it reads the series itself */
    size_t tracks;
    struct fc_window *training, *held[SPANS];
    uint32_t *owner;                  /* [helds]: the series of a held-back origin */
    size_t trainings, helds;          /* windows; held ones are the same count in each span: [span][series][origin] */
    double *answer[SPANS], *classical[SPANS]; /* [helds][K] */
    fc_real *params;
    struct fc_network net;
};

const char *fc_scope(const struct fc_model *m)
{
    return m->pooled ? "pooled" : "series";
}

size_t fc_first_season(const struct fc_season *s)
{
    return s->n ? s->period[0] : 1;
}

void fc_score_row(struct fc_line line, size_t origin, size_t m, size_t K, const double *answer, double *units, float *row)
{
    fc_noise_units(line.z + origin, origin, m, K, units);
    for (size_t h = 0; h < K; h++) {
        bool known = origin + h < line.n && line.observed[origin + h] && units[h] > 0;
        row[h] = known ? (float)((line.z[origin + h] - answer[h]) / units[h]) : NAN;
    }
}

static void work_free(struct work *w)
{
    for (size_t i = 0; i < w->tracks; i++) {
        fc_track_close(&w->track[i]);
        fc_series_free(&w->copy[i]);
    }
    for (int s = 0; s < SPANS; s++) {
        free(w->held[s]);
        free(w->answer[s]);
        free(w->classical[s]);
    }
    free(w->track);
    free(w->copy);
    free(w->owner);
    free(w->use);
    free(w->training);
    free(w->params);
}

static enum fc_status nothing_to_train(const struct work *w, struct fc_error *e)
{
    return fc_fail(e, FC_INVALID, "nothing_to_train", "none of the %zu series can be trained on: each lacks observations, a step, or numbers of a size to compute with",
                   w->nseries);
}

static bool has_gap(const struct fc_series *s, size_t from, size_t to)
{
    return to > from && memchr(s->observed + from, 0, to - from) != NULL;
}

static const struct fc_scaler *space(const struct work *w)
{
    return w->plan.network ? w->plan.window.scaler : &fc_scaler_classical;
}

/* Track i over the values [from, to) of a series of which the first `known` may be looked at. *first: where it begins. */
static enum fc_status make_track(struct work *w, size_t i, const struct fc_series *s, size_t from, size_t known, size_t to, double S, size_t *first, struct fc_error *e)
{
    const struct fc_series *source = s;
    fc_track_close(&w->track[i]);
    fc_series_free(&w->copy[i]);
    *first = 0;
    if (has_gap(s, 0, known)) {
        enum fc_status st = fc_fill_prefix(s, from, known, to, &w->copy[i], first, e);
        if (st != FC_OK)
            return st;
        source = &w->copy[i];
    }
    if (isnan(S))
        S = fc_noise_scale(source->value, known - *first, w->plan.m1);
    return fc_track_init(&w->track[i], space(w), source, S, e);
}

/* A track for each used series; nothing in it comes from the last `hold` values but those values themselves. A series whose numbers no track
 * can hold is skipped. */
static enum fc_status make_tracks(struct work *w, size_t hold, struct fc_report *r, struct fc_error *e)
{
    size_t left = 0;
    for (size_t i = 0; i < w->nseries; i++) {
        const struct fc_series *s = &w->series[i];
        size_t first;
        if (!w->use[i])
            continue;
        enum fc_status st = make_track(w, i, s, 0, s->n > hold ? s->n - hold : s->n, s->n, NAN, &first, e);
        if (st == FC_INVALID) {
            snprintf(r->skipped[i], FC_WORD, "%.31s", e->code);
            w->use[i] = r->trained[i] = 0;
        } else if (st != FC_OK) {
            return st;
        } else {
            left++;
        }
    }
    return left ? FC_OK : nothing_to_train(w, e);
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

/* The held-back origin at `origin` of series i. One of a series with gaps gets a track of its own, filled as it was then. */
static enum fc_status hold_back(struct work *w, size_t i, size_t origin, struct fc_window *out, struct fc_error *e)
{
    const struct fc_series *s = &w->series[i];
    *out = (struct fc_window){(uint32_t)i, (uint32_t)origin};
    if (!has_gap(s, 0, origin))
        return FC_OK;
    size_t want = (w->plan.network ? fc_window_lookback(&w->plan.window) : 0) + (FC_NOISE_SEASONS + 2) * (w->plan.m1 + 2), first;
    enum fc_status st = make_track(w, w->tracks, s, origin > want ? origin - want : 0, origin, origin + w->spec->horizon, w->track[i].S, &first, e);
    if (st != FC_OK)
        return st;
    *out = (struct fc_window){(uint32_t)w->tracks++, (uint32_t)(origin - first)};
    return FC_OK;
}

/* The held-back origins of the series that are long enough for them. `need` values must stand before the oldest. */
static enum fc_status make_held(struct work *w, size_t need, struct fc_error *e)
{
    const size_t o = w->plan.origins, span = w->plan.span;
    size_t long_enough = 0;
    for (size_t i = 0; i < w->nseries; i++)
        long_enough += w->use[i] && w->series[i].n >= need + SPANS * span;
    w->helds = long_enough * o;
    size_t most = w->nseries + SPANS * w->helds;
    struct fc_track *track = realloc(w->track, (most + 1) * sizeof *track);
    if (track)
        w->track = track;
    struct fc_series *copy = realloc(w->copy, (most + 1) * sizeof *copy);
    if (copy)
        w->copy = copy;
    w->owner = malloc((w->helds + 1) * sizeof *w->owner);
    if (!track || !copy || !w->owner)
        return fc_fail_nomem(e, most * (sizeof *track + sizeof *copy));
    memset(w->track + w->tracks, 0, (most - w->tracks) * sizeof *track);
    memset(w->copy + w->tracks, 0, (most - w->tracks) * sizeof *copy);
    for (int s = 0; s < SPANS; s++) {
        size_t at = 0;
        if (!(w->held[s] = malloc((w->helds + 1) * sizeof **w->held)))
            return fc_fail_nomem(e, w->helds * sizeof **w->held);
        for (size_t i = 0; i < w->nseries; i++) {
            for (size_t j = 0; w->use[i] && w->series[i].n >= need + SPANS * span && j < o; j++, at++) {
                enum fc_status st = hold_back(w, i, w->series[i].n - (size_t)(SPANS - s) * span + j, &w->held[s][at], e);
                if (st != FC_OK)
                    return st;
                w->owner[at] = (uint32_t)i;
            }
        }
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

/* What answers a held-back origin: the network or the classical method. */
enum who { NETWORK, CLASSICAL };

static double *const *answers(const struct work *w, enum who who)
{
    return who == NETWORK ? w->answer : w->classical;
}

static struct fc_line line_of(const struct work *w, enum who who, const struct fc_window *win)
{
    const struct fc_track *t = &w->track[win->track];
    return (struct fc_line){who == NETWORK ? t->z : t->x, t->observed, t->n};
}

static enum fc_status answer_held(struct work *w, struct fc_error *e)
{
    const size_t K = w->spec->horizon;
    for (int s = 0; s < SPANS; s++) {
        w->classical[s] = malloc((w->helds + 1) * K * sizeof **w->classical);
        w->answer[s] = malloc((w->helds + 1) * K * sizeof **w->answer);
        if (!w->classical[s] || !w->answer[s])
            return fc_fail_nomem(e, w->helds * K * sizeof **w->classical);
        for (size_t i = 0; i < w->helds; i++)
            w->plan.classical->point(w->track[w->held[s][i].track].x, w->held[s][i].origin, w->plan.m1, K, w->classical[s] + i * K);
        struct fc_pool pool = {w->track, w->held[s], w->helds};
        enum fc_status st = w->plan.network ? fc_answer_windows(&w->net, &w->plan.window, w->params, &pool, w->lanes, w->hooks, w->answer[s], e) : FC_OK;
        if (st != FC_OK)
            return st;
    }
    return FC_OK;
}

/* Scores of the spans [first, last] into one table. */
static enum fc_status calibrate(struct work *w, enum span first, enum span last, enum who who, struct fc_intervals *out, struct fc_error *e)
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
            fc_score_row(line_of(w, who, &w->held[s][i]), w->held[s][i].origin, w->plan.m1, K, answers(w, who)[s] + i * K, units, scores + row * K);
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

/* Scores the answers of one span, dressed as they would be served, with intervals that other origins calibrated (iv NULL: points only). */
static enum fc_status score(struct work *w, enum span span, enum who who, const struct fc_intervals *iv, struct fc_metrics *out, struct fc_error *e)
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
        const struct fc_series *s = &w->series[w->owner[i]];
        struct fc_line line = line_of(w, who, win);
        size_t origin = s->n - (size_t)(SPANS - span) * w->plan.span + i % w->plan.origins; /* in the series itself */
        struct fc_point p = {who == NETWORK ? w->plan.window.scaler : &fc_scaler_classical, w->track[win->track].S, answers(w, who)[span] + i * K, units, iv ? iv : &none, K, fc_range_of(line.z, win->origin)};
        fc_noise_units(line.z + win->origin, win->origin, w->plan.m1, K, units);
        fc_dress(&p, f.level, nlevels, f.mean, f.median, f.lower, f.upper);
        fc_dress_bounds(s, origin, &f);
        fc_scorer_begin(&scorer, fc_mase_scale(s->value, origin, (uint32_t)w->plan.m1));
        for (size_t h = 0; h < K; h++)
            if (s->observed[origin + h])
                fc_scorer_add(&scorer, s->value[origin + h], f.median[h], nlevels ? &f.lower[h] : NULL, nlevels ? &f.upper[h] : NULL, K);
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
    const size_t hold = SPANS * w->plan.span;
    if ((st = make_tracks(w, hold, r, e)) != FC_OK)
        return st;
    if (w->plan.network) {
        if ((st = make_training(w, hold, e)) != FC_OK || (st = fc_network_init(&w->plan.shape, &w->net, e)) != FC_OK)
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
        struct fc_metrics network, classical;
        if ((st = score(w, CHOOSE, NETWORK, NULL, &network, e)) != FC_OK || (st = score(w, CHOOSE, CLASSICAL, NULL, &classical, e)) != FC_OK)
            return st;
        m->network = isfinite(classical.mase) && isfinite(network.mase) ? network.mase < classical.mase : network.mae < classical.mae;
        if (!m->network)
            fc_warn(&r->warnings, "seasonal_naive_was_better");
    }
    return FC_OK;
}

/* Intervals from the span that calibrates, scores on the one that reports; then intervals from both, for serving. */
static enum fc_status judge_one(struct work *w, enum who who, struct fc_intervals *iv, struct fc_metrics *metrics, struct fc_error *e)
{
    enum fc_status st;
    if ((st = calibrate(w, CALIBRATE, CALIBRATE, who, iv, e)) != FC_OK || (st = score(w, REPORT, who, iv, metrics, e)) != FC_OK)
        return st;
    return calibrate(w, CALIBRATE, REPORT, who, iv, e);
}

/* The classical method and, where one serves, the network; and the seasonal naive beside them where the classical method is another. */
static enum fc_status judge(struct work *w, struct fc_model *m, struct fc_report *r, struct fc_error *e)
{
    enum fc_status st = judge_one(w, CLASSICAL, &m->classical_intervals, &r->metrics, e);
    if (st != FC_OK)
        return st;
    r->seasonal_naive = r->metrics;
    if (w->plan.classical != fc_method_fallback) {
        struct fc_intervals unused = {0};
        for (int s = 0; s < SPANS; s++)
            for (size_t i = 0; i < w->helds; i++)
                fc_method_fallback->point(w->track[w->held[s][i].track].x, w->held[s][i].origin, w->plan.m1, w->spec->horizon, w->classical[s] + i * w->spec->horizon);
        st = judge_one(w, CLASSICAL, &unused, &r->seasonal_naive, e);
        fc_intervals_free(&unused);
    }
    if (st == FC_OK && m->network)
        st = judge_one(w, NETWORK, &m->network_intervals, &r->metrics, e);
    return st;
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
    if ((st = make_tracks(w, 0, r, e)) == FC_OK && (st = make_training(w, 0, e)) == FC_OK &&
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
    m->classical = w->plan.classical;
    if (fc_method_find(w->spec->method)->cell && !w->plan.network)
        fc_warn(&r->warnings, "too_short_for_network");
    r->metrics = r->seasonal_naive = (struct fc_metrics){.mae = NAN, .rmse = NAN, .smape = NAN, .mase = NAN};
    if (w->plan.origins > 0) {
        if ((st = fit_and_choose(w, m, r, &first, e)) != FC_OK || (st = judge(w, m, r, e)) != FC_OK)
            return st;
        if (m->network && (st = fit_again(w, &first, r, e)) != FC_OK)
            return st;
    }
    const struct fc_intervals *iv = m->network ? &m->network_intervals : &m->classical_intervals;
    size_t used = 0;
    for (size_t i = 0; i < w->nseries; i++)
        used += w->use[i];
    snprintf(r->calibration.method, FC_WORD, "%s", iv->scores ? "conformal" : "none");
    m->pooled = used > 1;
    snprintf(r->calibration.scope, FC_WORD, "%s", fc_scope(m));
    r->calibration.origins = iv->origins;
    r->calibration.scores = iv->scores;
    snprintf(r->answers, FC_WORD, "%s", m->network ? w->spec->cell : m->classical->name);
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
    return used ? FC_OK : nothing_to_train(w, e);
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
    w.track = calloc(nseries + 1, sizeof *w.track);
    w.copy = calloc(nseries + 1, sizeof *w.copy);
    w.tracks = nseries;
    r.trained = calloc(nseries + 1, 1);
    r.skipped = calloc(nseries + 1, sizeof *r.skipped);
    if (!m || !w.use || !w.track || !w.copy || !r.trained || !r.skipped)
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
    fc_intervals_free(&m->classical_intervals);
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
    return (FC_NOISE_SEASONS + 2) * (fc_first_season(&m->spec.season) + 2) + (m->network ? fc_window_lookback(&m->plan) : 0);
}
