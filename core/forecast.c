/* forecast.c: answers from a fitted model, or from a classical method without one. See model.h. Pure functions of model and series, any thread. */
#include "dress.h"
#include "metrics.h"
#include "model_parts.h"
#include "train.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OWN_ORIGINS 64   /* origins of the series itself that calibrate a classical answer */
#define OWN_STEPS 400    /* horizon steps that they calibrate; later ones grow from the last */

static bool constant(const struct fc_series *s)
{
    double first = NAN;
    for (size_t i = 0; i < s->n; i++) {
        if (!s->observed[i])
            continue;
        if (isnan(first))
            first = s->value[i];
        else if (s->value[i] != first)
            return false;
    }
    return true;
}

/* The network's answer for `horizon` steps: within its own at once, beyond it on its own answers. z: [horizon]. */
static enum fc_status answer_network(const struct fc_model *m, const struct fc_track *t, size_t horizon, fc_real *z, struct fc_error *e)
{
    const size_t L = fc_window_lookback(&m->plan), K = m->plan.K, blocks = (horizon + K - 1) / K, total = L + blocks * K;
    fc_real *line = malloc(total * sizeof *line); /* the last L values, then what is answered block by block */
    if (!line)
        return fc_fail_nomem(e, total * sizeof *line);
    memcpy(line, t->z + t->n - L, L * sizeof *line);
    enum fc_status st = FC_OK;
    for (size_t b = 0; b < blocks && st == FC_OK; b++)
        st = fc_answer_one(&m->net, &m->plan, m->params, line + L + b * K, line + L + b * K, e);
    if (st == FC_OK)
        memcpy(z, line + L, horizon * sizeof *z);
    free(line);
    return st;
}

/* Intervals from the errors that the seasonal naive made on the series itself, at its newest origins. */
static enum fc_status calibrate_own(const struct fc_track *t, size_t m, size_t horizon, struct fc_intervals *out, struct fc_error *e)
{
    size_t K = horizon < OWN_STEPS ? horizon : OWN_STEPS, first = m + 1;
    if (first >= t->n)
        first = 2 < t->n ? 2 : t->n;
    size_t origins = t->n - first < OWN_ORIGINS ? t->n - first : OWN_ORIGINS;
    float *scores = malloc((origins + 1) * K * sizeof *scores);
    double *units = malloc(K * sizeof *units);
    fc_real *z = malloc(K * sizeof *z);
    enum fc_status st = FC_NOMEM;
    if (!scores || !units || !z) {
        fc_fail_nomem(e, origins * K * sizeof *scores);
        goto out;
    }
    for (size_t i = 0; i < origins; i++) {
        size_t origin = t->n - origins + i;
        fc_classical_answer(fc_method_fallback, t, origin, m, K, units, z);
        fc_score_row(t, origin, m, K, z, units, scores + i * K);
    }
    st = fc_intervals_fit(scores, origins, K, origins, out, e);
out:
    free(scores);
    free(units);
    free(z);
    return st;
}

/* What an answer is made of, whoever gives it. */
struct answer {
    const struct fc_method *method;
    const struct fc_scaler *scaler;
    const struct fc_intervals *iv;
    const char *scope;
    size_t m1;
};

static enum fc_status finish(const struct fc_series *s, const struct fc_track *t, const struct answer *a, const fc_real *z, size_t horizon, struct fc_forecast *f,
                             struct fc_error *e)
{
    double *units = malloc(horizon * sizeof *units);
    if (!units)
        return fc_fail_nomem(e, horizon * sizeof *units);
    fc_noise_units(t->z + t->n, t->n, a->m1, horizon, units);
    struct fc_point p = {a->scaler, t->S, z, units, a->iv, horizon};
    bool supported = fc_dress(&p, f->level, f->nlevels, f->mean, f->median, f->lower, f->upper);
    free(units);
    fc_dress_bounds(s, f);
    for (size_t h = 0; h < horizon; h++) {
        f->time[h] = fc_series_time(s, s->n + h);
        if (!isfinite(f->median[h]) || !isfinite(f->mean[h]))
            return fc_fail(e, FC_NUMERIC, "not_finite", "the forecast left the finite numbers at step %zu", h + 1);
    }
    for (size_t i = 0; i < f->nlevels * horizon; i++)
        if (!isfinite(f->lower[i]) || !isfinite(f->upper[i]))
            return fc_fail(e, FC_NUMERIC, "not_finite", "an interval left the finite numbers at step %zu", i % horizon + 1);
    snprintf(f->method, FC_WORD, "%s", a->method->name);
    snprintf(f->calibration.method, FC_WORD, "%s", a->iv->scores ? "conformal" : "none");
    snprintf(f->calibration.scope, FC_WORD, "%s", a->scope);
    f->calibration.origins = a->iv->origins;
    f->calibration.scores = a->iv->scores;
    if (!a->iv->scores)
        fc_warn(&f->warnings, "uncalibrated");
    else if (!supported)
        fc_warn(&f->warnings, "level_beyond_calibration");
    if (s->n < 2 * a->m1 || s->n < 10)
        fc_warn(&f->warnings, "short_series");
    if (constant(s))
        fc_warn(&f->warnings, "constant_series");
    return FC_OK;
}

static enum fc_status check(const struct fc_series *s, size_t horizon, size_t nlevels, struct fc_error *e)
{
    if (s->n == 0)
        return fc_fail(e, FC_INVALID, "no_observations", "the series has no observation to forecast from");
    if (!fc_step_known(s->step))
        return fc_fail(e, FC_INVALID, "step_unknown", "the series has one observation and no step: set its step");
    if (horizon < 1 || horizon > FC_HORIZON_MAX)
        return fc_fail(e, FC_INVALID, "out_of_range", "horizon %zu is not from 1 to %d", horizon, FC_HORIZON_MAX);
    if (nlevels > FC_LEVELS)
        return fc_fail(e, FC_INVALID, "out_of_range", "%zu levels are more than %d", nlevels, FC_LEVELS);
    return FC_OK;
}

/* The seasonal naive's answer. iv NULL: calibrated on the series itself. */
static enum fc_status answer_classical(const struct fc_series *s, size_t m1, const struct fc_intervals *iv, const char *scope, size_t horizon,
                                       struct fc_forecast *f, struct fc_error *e)
{
    struct fc_track t = {0};
    struct fc_intervals own = {0};
    struct answer a = {fc_method_fallback, fc_classical_scaler(), iv, scope, m1};
    fc_real *z = malloc(horizon * sizeof *z);
    double *room = malloc(horizon * sizeof *room);
    enum fc_status st = z && room ? FC_OK : fc_fail_nomem(e, horizon * sizeof *room);
    if (st != FC_OK || (st = fc_track_init(&t, a.scaler, s, m1, s->n, e)) != FC_OK)
        goto out;
    if (!iv) {
        if ((st = calibrate_own(&t, m1, horizon, &own, e)) != FC_OK)
            goto out;
        a.iv = &own;
        a.scope = "series";
    }
    fc_classical_answer(a.method, &t, t.n, m1, horizon, room, z);
    st = finish(s, &t, &a, z, horizon, f, e);
out:
    fc_intervals_free(&own);
    fc_track_close(&t);
    free(room);
    free(z);
    return st;
}

enum fc_status fc_classical_forecast(const struct fc_series *s, size_t horizon, const double *levels, size_t nlevels, struct fc_forecast *out, struct fc_error *e)
{
    struct fc_forecast f;
    enum fc_status st = check(s, horizon, nlevels, e);
    if (st != FC_OK || (st = fc_forecast_reserve(&f, horizon, levels, nlevels, e)) != FC_OK)
        return st;
    st = answer_classical(s, fc_first_season(&s->season), NULL, "series", horizon, &f, e);
    if (st != FC_OK) {
        fc_forecast_free(&f);
        return st;
    }
    fc_warn(&f.warnings, "no_model");
    snprintf(f.why, sizeof f.why, "%s answered, as no model was asked for or trained on this series", fc_method_fallback->title);
    *out = f;
    return FC_OK;
}

static enum fc_status answer_model(const struct fc_model *m, const struct fc_series *s, size_t horizon, struct fc_forecast *f, struct fc_error *e)
{
    const size_t m1 = fc_first_season(&m->spec.season);
    if (!m->network || s->n < fc_window_lookback(&m->plan)) {
        if (m->network)
            fc_warn(&f->warnings, "short_series");
        return answer_classical(s, m1, m->naive_intervals.scores ? &m->naive_intervals : NULL, fc_scope(m), horizon, f, e);
    }
    struct fc_track t = {0};
    struct answer a = {fc_method_find(m->spec.cell), m->plan.scaler, &m->network_intervals, fc_scope(m), m1};
    fc_real *z = malloc(horizon * sizeof *z);
    enum fc_status st = z ? FC_OK : fc_fail_nomem(e, horizon * sizeof *z);
    if (st == FC_OK && (st = fc_track_init(&t, a.scaler, s, m1, s->n, e)) == FC_OK && (st = answer_network(m, &t, horizon, z, e)) == FC_OK)
        st = finish(s, &t, &a, z, horizon, f, e);
    fc_track_close(&t);
    free(z);
    return st;
}

static const char *reason(const struct fc_model *m, const struct fc_forecast *f)
{
    if (strcmp(f->method, fc_method_fallback->name) != 0)
        return fc_method_find(m->spec.method)->choose ? "it was better than the seasonal naive on the origins that chose" : "the model names it";
    if (m->network)
        return "the series is shorter than the network's lookback";
    return fc_method_find(m->spec.method)->cell ? "no network could be trained or none was better on the origins that chose" : "the model names it";
}

enum fc_status fc_model_forecast(const struct fc_model *m, const struct fc_series *s, size_t horizon, const double *levels, size_t nlevels,
                                 struct fc_forecast *out, struct fc_error *e)
{
    struct fc_forecast f;
    enum fc_status st = check(s, horizon, nlevels, e);
    if (st != FC_OK)
        return st;
    if (!fc_step_equal(s->step, m->step)) {
        char own[FC_STEP_TEXT], models[FC_STEP_TEXT];
        fc_step_format(s->step, own);
        fc_step_format(m->step, models);
        return fc_fail(e, FC_INVALID, "step_mismatch", "the series has step %s, the model was trained on step %s", own, models);
    }
    if ((st = fc_forecast_reserve(&f, horizon, levels, nlevels, e)) != FC_OK)
        return st;
    if (horizon > m->spec.horizon)
        fc_warn(&f.warnings, "beyond_trained_horizon");
    if ((st = answer_model(m, s, horizon, &f, e)) != FC_OK) {
        fc_forecast_free(&f);
        return st;
    }
    snprintf(f.why, sizeof f.why, "%s answered: %s", fc_method_find(f.method)->title, reason(m, &f));
    *out = f;
    return FC_OK;
}
