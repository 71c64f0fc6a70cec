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
#define OWN_STEPS 400    /* horizon steps that they calibrate at most, and */
#define OWN_STEPS_MIN 48 /* at least, so that a shorter horizon is a slice of a longer one; later ones grow from the last */

/* The network's answer for `horizon` steps: within its own at once, beyond it on its own answers. z: [horizon]. */
static enum fc_status answer_network(const struct fc_model *m, const struct fc_track *t, size_t horizon, double *z, struct fc_error *e)
{
    const size_t L = fc_window_lookback(&m->plan), K = m->plan.K, blocks = (horizon + K - 1) / K, total = L + blocks * K;
    double *line = malloc(total * sizeof *line); /* the last L values, then what is answered block by block */
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

/* Intervals from the errors that a classical method made on the series itself, at its newest origins. */
static enum fc_status calibrate_own(const struct fc_method *method, const struct fc_series *s, size_t m, struct fc_intervals *out, struct fc_error *e)
{
    const struct fc_line line = {s->value, s->observed, s->n};
    size_t K = 2 * m < OWN_STEPS_MIN ? OWN_STEPS_MIN : 2 * m < OWN_STEPS ? 2 * m : OWN_STEPS, first = m + 1;
    if (first >= s->n)
        first = 2 < s->n ? 2 : s->n;
    size_t origins = s->n - first < OWN_ORIGINS ? s->n - first : OWN_ORIGINS;
    float *scores = malloc((origins + 1) * K * sizeof *scores);
    double *units = malloc(2 * K * sizeof *units);
    enum fc_status st = FC_NOMEM;
    if (!scores || !units) {
        fc_fail_nomem(e, origins * K * sizeof *scores);
        goto out;
    }
    for (size_t i = 0; i < origins; i++) {
        size_t origin = s->n - origins + i;
        method->point(s->value, origin, m, K, units + K);
        fc_score_row(line, origin, m, K, units + K, units, scores + i * K);
    }
    st = fc_intervals_fit(scores, origins, K, origins, out, e);
out:
    free(scores);
    free(units);
    return st;
}

/* What an answer is made of, whoever gives it. */
struct answer {
    const char *name;
    const struct fc_scaler *scaler;
    double S;
    struct fc_line line; /* the series in the scaler's space */
    const struct fc_intervals *iv;
    const char *scope;
    size_t m1;
};

static enum fc_status finish(const struct fc_series *s, const struct answer *a, const double *z, size_t horizon, struct fc_forecast *f, struct fc_error *e)
{
    double *units = malloc(horizon * sizeof *units);
    if (!units)
        return fc_fail_nomem(e, horizon * sizeof *units);
    fc_noise_units(a->line.z + a->line.n, a->line.n, a->m1, horizon, units);
    struct fc_point p = {a->scaler, a->S, z, units, a->iv, horizon, fc_range_of(a->line.z, a->line.n)};
    bool supported = fc_dress(&p, f->level, f->nlevels, f->mean, f->median, f->lower, f->upper);
    free(units);
    fc_dress_bounds(s, s->n, f);
    for (size_t h = 0; h < horizon; h++) {
        f->time[h] = fc_series_time(s, s->n + h);
        if (!isfinite(f->median[h]) || !isfinite(f->mean[h]))
            return fc_fail(e, FC_INVALID, "out_of_range", "the values of the series are too large: its forecast leaves the finite numbers at step %zu", h + 1);
        if (h > 0 && f->time[h] <= f->time[h - 1])
            return fc_fail(e, FC_INVALID, "out_of_range", "step %zu of the forecast lies beyond the year 9999", h + 1);
    }
    for (size_t i = 0; i < f->nlevels * horizon; i++)
        if (!isfinite(f->lower[i]) || !isfinite(f->upper[i]))
            return fc_fail(e, FC_INVALID, "out_of_range", "the values of the series are too large: an interval leaves the finite numbers at step %zu", i % horizon + 1);
    snprintf(f->method, FC_WORD, "%s", a->name);
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
    if (fc_series_constant(s))
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

/* A classical method's answer. iv NULL: calibrated on the series itself. */
static enum fc_status answer_classical(const struct fc_method *method, const struct fc_series *s, size_t m1, const struct fc_intervals *iv, const char *scope,
                                       size_t horizon, struct fc_forecast *f, struct fc_error *e)
{
    struct fc_intervals own = {0};
    struct answer a = {method->name, &fc_scaler_classical, 1, {s->value, s->observed, s->n}, iv, scope, m1};
    double *z = malloc(horizon * sizeof *z);
    enum fc_status st = z ? FC_OK : fc_fail_nomem(e, horizon * sizeof *z);
    if (st == FC_OK && !iv) {
        st = calibrate_own(method, s, m1, &own, e);
        a.iv = &own;
        a.scope = "series";
    }
    if (st == FC_OK) {
        method->point(s->value, s->n, m1, horizon, z);
        st = finish(s, &a, z, horizon, f, e);
    }
    fc_intervals_free(&own);
    free(z);
    return st;
}

enum fc_status fc_classical_forecast(const struct fc_series *s, size_t horizon, const double *levels, size_t nlevels, struct fc_forecast *out, struct fc_error *e)
{
    struct fc_forecast f;
    enum fc_status st = check(s, horizon, nlevels, e);
    if (st != FC_OK || (st = fc_forecast_reserve(&f, horizon, levels, nlevels, e)) != FC_OK)
        return st;
    st = answer_classical(fc_method_fallback, s, fc_first_season(&s->season), NULL, "series", horizon, &f, e);
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
        return answer_classical(m->classical, s, m1, m->classical_intervals.scores ? &m->classical_intervals : NULL, fc_scope(m), horizon, f, e);
    }
    struct fc_track t = {0};
    double *z = malloc(horizon * sizeof *z);
    enum fc_status st = z ? FC_OK : fc_fail_nomem(e, horizon * sizeof *z);
    if (st == FC_OK && (st = fc_track_init(&t, m->plan.scaler, s, fc_noise_scale(s->value, s->n, m1), e)) == FC_OK &&
        (st = answer_network(m, &t, horizon, z, e)) == FC_OK) {
        struct answer a = {m->net.shape.cell->name, m->plan.scaler, t.S, {t.z, t.observed, t.n}, &m->network_intervals, fc_scope(m), m1};
        st = finish(s, &a, z, horizon, f, e);
    }
    fc_track_close(&t);
    free(z);
    return st;
}

static void say_why(const struct fc_model *m, struct fc_forecast *f)
{
    const struct fc_method *asked = fc_method_find(m->spec.method);
    const bool network = strcmp(f->method, m->classical->name) != 0;
    const char *who = network ? m->net.shape.cell->title : m->classical->title, *why = "the model names it";
    if (network && asked->choose)
        why = "it was better than the seasonal naive on the origins that chose";
    else if (!network && m->network)
        why = "the series is shorter than the network's lookback";
    else if (!network && asked->cell)
        why = "no network could be trained, or none was better on the origins that chose";
    snprintf(f->why, sizeof f->why, "%s answered: %s", who, why);
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
    say_why(m, &f);
    *out = f;
    return FC_OK;
}
