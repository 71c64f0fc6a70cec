/* codec_models.c: models between JSON and plain structs. See codec_models.h. */
#include "codec_models.h"
#include "codec_forecast.h"

#include <cjson/cJSON.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the training request ---- */

/* Fields that the contract reserves for later: refused by name, so that nobody takes them for done. */
static const char *const later[] = { "promote", "retrain", "issue", "covariates", "holidays", "timezone", "quantiles", NULL };

void fc_training_request_free(struct fc_training_request *q)
{
    if (q == NULL)
        return;
    fc_strings_free(&q->series);
    free(q->match);
    *q = (struct fc_training_request){ 0 };
}

static enum fc_status refuse_later(const struct cJSON *doc, struct fc_error *e)
{
    for (size_t i = 0; later[i] != NULL; i++) {
        char pointer[32];
        snprintf(pointer, sizeof pointer, "/%s", later[i]);
        if (fc_doc_has(doc, later[i]))
            return fc_fail_at(e, FC_INVALID, "not_supported", pointer, "%s is not supported yet", later[i]);
    }
    return FC_OK;
}

static enum fc_status read_name(const struct cJSON *doc, struct fc_training_request *q, struct fc_error *e)
{
    const char *name = NULL;
    enum fc_status s = fc_doc_string(doc, "", "name", FC_MODEL_NAME_MAX, &name, e);
    if (s != FC_OK || name == NULL)
        return s;
    if (fc_id_check(name, strlen(name), "/name", NULL) != FC_OK) {
        char shown[FC_SHOWN];
        return fc_fail_at(e, FC_INVALID, "bad_name", "/name", "name must be 1 to %d bytes without control characters and not . or .., not %s",
                          FC_MODEL_NAME_MAX, fc_doc_show(fc_doc_get(doc, "name"), shown));
    }
    memcpy(q->name, name, strlen(name) + 1);
    q->has_name = true;
    return FC_OK;
}

/* One id of the list and where it stood, for finding those that stand twice. */
struct place {
    const char *id;
    size_t i;
};

static int place_compare(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    int c = strcmp(x->id, y->id);
    return c != 0 ? c : x->i < y->i ? -1 : 1;
}

static enum fc_status refuse_twice(const struct fc_strings *ids, struct fc_error *e)
{
    struct place *place = calloc(ids->n, sizeof *place);
    if (place == NULL)
        return fc_fail_nomem(e, ids->n * sizeof *place);
    for (size_t i = 0; i < ids->n; i++)
        place[i] = (struct place){ ids->item[i], i };
    qsort(place, ids->n, sizeof *place, place_compare);
    enum fc_status s = FC_OK;
    for (size_t i = 1; i < ids->n && s == FC_OK; i++) {
        char pointer[40];
        snprintf(pointer, sizeof pointer, "/series/%zu", place[i].i);
        if (strcmp(place[i - 1].id, place[i].id) == 0)
            s = fc_fail_at(e, FC_INVALID, "duplicate_series", pointer, "series names \"%s\" twice", place[i].id);
    }
    free(place);
    return s;
}

static enum fc_status read_ids(const struct cJSON *array, struct fc_strings *out, struct fc_error *e)
{
    size_t n = fc_doc_count(array);
    if (n == 0)
        return fc_fail_at(e, FC_INVALID, "no_series", "/series", "series must name at least one series, not []");
    char **item = calloc(n, sizeof *item);
    if (item == NULL)
        return fc_fail_nomem(e, n * sizeof *item);
    struct fc_strings ids = { item, 0 };
    enum fc_status s = FC_OK;
    for (const struct cJSON *v = fc_doc_first(array); v != NULL && s == FC_OK; v = fc_doc_next(v)) {
        char pointer[40], shown[FC_SHOWN];
        snprintf(pointer, sizeof pointer, "/series/%zu", ids.n);
        const char *id = fc_doc_text(v);
        if (id == NULL)
            s = fc_fail_at(e, FC_INVALID, "wrong_type", pointer, "series must hold ids, strings, not %s", fc_doc_show(v, shown));
        else if ((s = fc_id_check(id, strlen(id), pointer, e)) == FC_OK && (item[ids.n] = strdup(id)) == NULL)
            s = fc_fail_nomem(e, strlen(id) + 1);
        else if (s == FC_OK)
            ids.n++;
    }
    if (s == FC_OK)
        s = refuse_twice(&ids, e);
    if (s != FC_OK) {
        fc_strings_free(&ids);
        return s;
    }
    *out = ids;
    return FC_OK;
}

static enum fc_status read_series(const struct cJSON *doc, struct fc_training_request *q, struct fc_error *e)
{
    const struct cJSON *v = fc_doc_get(doc, "series");
    char shown[FC_SHOWN];
    if (fc_doc_is_array(v))
        return read_ids(v, &q->series, e);
    if (fc_doc_is_object(v)) {
        const char *match = NULL;
        enum fc_status s = fc_doc_only(v, "/series", "match", e);
        if (s == FC_OK)
            s = fc_doc_require(v, "/series", "match", e);
        if (s == FC_OK)
            s = fc_doc_string(v, "/series", "match", 4096, &match, e);
        if (s == FC_OK && (q->match = strdup(match)) == NULL)
            s = fc_fail_nomem(e, strlen(match) + 1);
        return s;
    }
    const char *text = fc_doc_text(v);
    if (text != NULL && strcmp(text, "*") == 0) {
        q->all = true;
        return FC_OK;
    }
    return fc_fail_at(e, FC_INVALID, "wrong_type", "/series", "series must be a list of ids, {\"match\":\"{…}\"} or \"*\", not %s",
                      fc_doc_show(v, shown));
}

/* A name out of one of the core's tables; whether it is there is fc_spec_check's question. */
static enum fc_status read_word(const struct cJSON *object, const char *at, const char *key, char out[FC_WORD], struct fc_error *e)
{
    const char *text = NULL;
    enum fc_status s = fc_doc_string(object, at, key, FC_WORD - 1, &text, e);
    if (s == FC_OK && text != NULL)
        memcpy(out, text, strlen(text) + 1);
    return s;
}

static enum fc_status refuse_dropout(const struct cJSON *network, const char *key, struct fc_error *e)
{
    double x = 0;
    char pointer[64];
    enum fc_status s = fc_doc_number(network, "/network", key, 0, 1, &x, e);
    if (s != FC_OK || !(x > 0))
        return s;
    snprintf(pointer, sizeof pointer, "/network/%s", key);
    return fc_fail_at(e, FC_INVALID, "not_supported", pointer, "network.%s above 0 is not supported yet, it was %g", key, x);
}

static enum fc_status read_network(const struct cJSON *doc, struct fc_spec *spec, struct fc_error *e)
{
    const char *at = "/network";
    const struct cJSON *o = NULL;
    enum fc_status s = fc_doc_object(doc, "", "network", &o, e);
    if (s != FC_OK || o == NULL)
        return s;
    s = fc_doc_only(o, at, "cell layers hidden patch dropout recurrent_dropout", e);
    if (s == FC_OK)
        s = read_word(o, at, "cell", spec->cell, e);
    if (s == FC_OK)
        s = fc_doc_uint32(o, at, "layers", 1, UINT32_MAX, &spec->layers, e);
    if (s == FC_OK)
        s = fc_doc_uint32(o, at, "hidden", 1, UINT32_MAX, &spec->hidden, e);
    if (s == FC_OK)
        s = fc_doc_uint32(o, at, "patch", 1, UINT32_MAX, &spec->patch, e);
    if (s == FC_OK)
        s = refuse_dropout(o, "dropout", e);
    if (s == FC_OK)
        s = refuse_dropout(o, "recurrent_dropout", e);
    return s;
}

/* Seconds as a number, or a duration in the words of steps: "120s". */
static enum fc_status read_time_limit(const struct cJSON *training, double *out, struct fc_error *e)
{
    const struct cJSON *v = fc_doc_get(training, "time_limit");
    char shown[FC_SHOWN];
    double seconds = fc_doc_value(v);
    if (v == NULL)
        return FC_OK;
    if (fc_doc_is_string(v)) {
        struct fc_step step = { 0 };
        const char *text = fc_doc_text(v);
        if (fc_step_parse(text, strlen(text), &step, NULL) != FC_OK || step.ms == 0)
            return fc_fail_at(e, FC_INVALID, "bad_duration", "/training/time_limit",
                              "training.time_limit must be a duration such as \"120s\", not %s", fc_doc_show(v, shown));
        seconds = (double)step.ms / 1000.0;
    } else if (!fc_doc_is_number(v)) {
        return fc_fail_at(e, FC_INVALID, "wrong_type", "/training/time_limit", "training.time_limit must be a duration such as \"120s\", not %s",
                          fc_doc_show(v, shown));
    }
    *out = seconds;
    return FC_OK;
}

static enum fc_status read_training(const struct cJSON *doc, struct fc_spec *spec, struct fc_error *e)
{
    const char *at = "/training";
    const struct cJSON *o = NULL;
    enum fc_status s = fc_doc_object(doc, "", "training", &o, e);
    if (s != FC_OK || o == NULL)
        return s;
    s = fc_doc_only(o, at, "epochs batch learning_rate clip_norm patience seed time_limit", e);
    if (s == FC_OK)
        s = fc_doc_uint32(o, at, "epochs", 1, UINT32_MAX, &spec->epochs, e);
    if (s == FC_OK)
        s = fc_doc_uint32(o, at, "batch", 1, UINT32_MAX, &spec->batch, e);
    if (s == FC_OK)
        s = fc_doc_uint32(o, at, "patience", 1, UINT32_MAX, &spec->patience, e);
    if (s == FC_OK)
        s = fc_doc_number(o, at, "learning_rate", -DBL_MAX, DBL_MAX, &spec->learning_rate, e);
    if (s == FC_OK)
        s = fc_doc_number(o, at, "clip_norm", -DBL_MAX, DBL_MAX, &spec->clip_norm, e);
    if (s == FC_OK)
        s = fc_doc_uint(o, at, "seed", 0, (UINT64_C(1) << 53) - 1, &spec->seed, e);
    if (s == FC_OK)
        s = read_time_limit(o, &spec->time_limit, e);
    return s;
}

/* Types, and 1 as the least count (0 would read as "choose for me"); the other limits stand in fc_spec_check. */
static enum fc_status read_spec(const struct cJSON *doc, struct fc_spec *spec, struct fc_error *e)
{
    fc_spec_init(spec);
    enum fc_status s = fc_horizon_read(doc, "", FC_HORIZON_MAX, &spec->horizon, e);
    if (s == FC_OK)
        s = read_word(doc, "", "method", spec->method, e);
    if (s == FC_OK)
        s = fc_doc_uint32(doc, "", "lookback", 1, UINT32_MAX, &spec->lookback, e);
    if (s == FC_OK)
        s = fc_doc_season(doc, "", "season", &spec->season, e);
    if (s == FC_OK)
        s = read_word(doc, "", "scaling", spec->scaling, e);
    if (s == FC_OK)
        s = read_word(doc, "", "loss", spec->loss, e);
    if (s == FC_OK)
        s = read_network(doc, spec, e);
    if (s == FC_OK)
        s = read_training(doc, spec, e);
    if (s == FC_OK)
        s = fc_spec_check(spec, e);
    return s;
}

enum fc_status fc_codec_training_request(const char *json, size_t n, struct fc_training_request *out, struct fc_error *e)
{
    /* Read only: fc_doc_parse takes a buffer, and neither writes to it nor frees it. */
    const struct fc_buf body = { .data = (char *)(uintptr_t)json, .n = n };
    struct fc_training_request q = { 0 };
    struct fc_levels levels = fc_levels_default;
    struct cJSON *doc = NULL;
    enum fc_status s = fc_doc_parse(&body, &doc, e);
    if (s != FC_OK)
        return s;
    if ((s = refuse_later(doc, e)) != FC_OK)
        goto out;
    if ((s = fc_doc_only(doc, "", "name series horizon method levels lookback season scaling loss network training", e)) != FC_OK)
        goto out;
    if ((s = fc_doc_require(doc, "", "series horizon", e)) != FC_OK)
        goto out;
    if ((s = read_name(doc, &q, e)) != FC_OK)
        goto out;
    if ((s = read_spec(doc, &q.spec, e)) != FC_OK)
        goto out;
    if ((s = fc_levels_read(doc, "", &levels, e)) != FC_OK)
        goto out;
    if ((s = read_series(doc, &q, e)) != FC_OK)
        goto out;
    memcpy(q.levels, levels.level, sizeof q.levels);
    q.nlevels = levels.n;
    *out = q;
    q = (struct fc_training_request){ 0 };
out:
    fc_training_request_free(&q);
    cJSON_Delete(doc);
    return s;
}

/* ---- specification and report ---- */

/* 0 and "" stand for "still to be chosen". */
static void put_count(struct fc_out *o, const char *key, uint32_t x)
{
    if (x > 0)
        fc_out_integer(o, key, x);
    else
        fc_out_null(o, key);
}

static void put_word(struct fc_out *o, const char *key, const char *word)
{
    fc_out_string(o, key, word[0] != '\0' ? word : NULL);
}

static void put_duration(struct fc_out *o, const char *key, double seconds)
{
    char text[FC_STEP_TEXT];
    if (isfinite(seconds)) {
        fc_step_format((struct fc_step){ .ms = llround(seconds * 1000) }, text);
        put_word(o, key, text);
    } else {
        fc_out_null(o, key);
    }
}

void fc_codec_spec(const struct fc_spec *s, struct fc_step step, const double *levels, size_t nlevels, struct fc_buf *out)
{
    struct fc_out o = { out, false };
    char text[FC_STEP_TEXT];
    fc_step_format(step, text);
    fc_out_open(&o, NULL, '{');
    fc_out_string(&o, "method", s->method);
    fc_out_integer(&o, "horizon", s->horizon);
    fc_out_open(&o, "levels", '[');
    for (size_t i = 0; i < nlevels; i++)
        fc_out_number(&o, NULL, levels[i]);
    fc_out_close(&o, ']');
    put_word(&o, "step", text);
    put_count(&o, "lookback", s->lookback);
    fc_out_season(&o, "season", &s->season);
    put_word(&o, "scaling", s->scaling);
    put_word(&o, "loss", s->loss);
    fc_out_open(&o, "network", '{');
    put_word(&o, "cell", s->cell);
    put_count(&o, "layers", s->layers);
    put_count(&o, "hidden", s->hidden);
    put_count(&o, "patch", s->patch);
    fc_out_close(&o, '}');
    fc_out_open(&o, "training", '{');
    put_count(&o, "epochs", s->epochs);
    put_count(&o, "batch", s->batch);
    fc_out_number(&o, "learning_rate", s->learning_rate);
    fc_out_number(&o, "clip_norm", s->clip_norm);
    put_count(&o, "patience", s->patience);
    fc_out_integer(&o, "seed", (int64_t)s->seed);
    put_duration(&o, "time_limit", s->time_limit);
    fc_out_close(&o, '}');
    fc_out_close(&o, '}');
}

/* {"80":…,"95":…} */
static void put_by_level(struct fc_out *o, const char *key, const struct fc_metrics *m, const double *x)
{
    struct fc_buf text = { 0 };
    fc_out_open(o, key, '{');
    for (size_t i = 0; i < m->nlevels; i++) {
        text.n = 0;
        fc_buf_number(&text, m->level[i]);
        if (fc_buf_terminate(&text))
            fc_out_number(o, text.data, x[i]);
        else
            o->buf->failed = true;
    }
    fc_out_close(o, '}');
    fc_buf_free(&text);
}

/* beside: the same of the seasonal naive, as a member of its own; NULL none. */
static void put_metrics(struct fc_out *o, const char *key, const struct fc_metrics *m, const struct fc_metrics *beside)
{
    fc_out_open(o, key, '{');
    fc_out_number(o, "mae", m->mae);
    fc_out_number(o, "rmse", m->rmse);
    fc_out_number(o, "smape", m->smape);
    fc_out_number(o, "mase", m->mase);
    put_by_level(o, "coverage", m, m->coverage);
    put_by_level(o, "mean_width", m, m->mean_width);
    if (beside)
        put_metrics(o, "seasonal_naive", beside, NULL);
    fc_out_close(o, '}');
}

void fc_codec_report(const struct fc_report *r, const struct fc_spec *s, struct fc_buf *out)
{
    struct fc_out o = { out, false };
    fc_out_open(&o, NULL, '{');
    fc_out_string(&o, "answers", r->answers[0] != '\0' ? r->answers : s->method);
    put_metrics(&o, "metrics", &r->metrics, &r->seasonal_naive);
    put_metrics(&o, "seasonal_naive", &r->seasonal_naive, NULL); /* the contract can be read either way */
    fc_out_open(&o, "calibration", '{');
    fc_out_string(&o, "method", r->calibration.method);
    fc_out_string(&o, "scope", r->calibration.scope);
    fc_out_integer(&o, "origins", (int64_t)r->calibration.origins);
    fc_out_integer(&o, "scores", (int64_t)r->calibration.scores);
    fc_out_close(&o, '}');
    fc_out_open(&o, "history", '[');
    for (size_t i = 0; i < r->nhistory; i++) {
        fc_out_open(&o, NULL, '{');
        fc_out_integer(&o, "epoch", (int64_t)i + 1);
        fc_out_number(&o, "loss", r->history[i].loss);
        fc_out_number(&o, "validation_loss", r->history[i].validation_loss);
        fc_out_number(&o, "gradient_norm", r->history[i].gradient_norm);
        fc_out_close(&o, '}');
    }
    fc_out_close(&o, ']');
    fc_out_open(&o, "warnings", '[');
    for (size_t i = 0; i < r->warnings.n; i++)
        fc_out_string(&o, NULL, r->warnings.code[i]);
    fc_out_close(&o, ']');
    fc_out_close(&o, '}');
}

/* ---- the model document ---- */

/* Puts the members of an object that we wrote ourselves (compact, not empty) into the object that is open. */
static void put_members(struct fc_out *o, const char *object)
{
    size_t n = strlen(object);
    if (n <= 2)
        return;
    if (o->comma)
        fc_buf_char(o->buf, ',');
    fc_buf_add(o->buf, object + 1, n - 2);
    o->comma = true;
}

static void put_ids(struct fc_out *o, const char *key, const struct fc_strings *ids)
{
    fc_out_open(o, key, '[');
    for (size_t i = 0; i < ids->n; i++)
        fc_out_string(o, NULL, ids->item[i]);
    fc_out_close(o, ']');
}

/* The state of the version shown, which is the ready one where the caller did not ask for another; a cancelled training left nothing, like a failed
 * one. */
static const char *public_state(const struct fc_model_row *m)
{
    return strcmp(m->state, "cancelled") == 0 ? "failed" : m->state;
}

void fc_codec_model(const struct fc_model_row *m, const struct fc_strings *series, const struct fc_strings *removed, enum fc_time_style times,
                    struct fc_buf *out)
{
    static const char no_report[] = "{\"answers\":null,\"metrics\":null,\"seasonal_naive\":null,\"calibration\":null,\"history\":[],\"warnings\":[]}";
    struct fc_out o = { out, false };
    fc_out_open(&o, NULL, '{');
    fc_out_string(&o, "id", m->id);
    fc_out_string(&o, "name", m->name);
    fc_out_integer(&o, "version", m->version);
    fc_out_string(&o, "state", public_state(m));
    put_ids(&o, "series", series);
    put_ids(&o, "removed_series", removed);
    put_members(&o, m->spec);
    if (m->trained_until != 0)
        fc_out_time(&o, "trained_until", m->trained_until, times);
    else
        fc_out_null(&o, "trained_until");
    put_members(&o, m->report != NULL ? m->report : no_report);
    put_word(&o, "job", m->job);
    fc_out_time(&o, "created_at", m->created_at, times);
    fc_out_time(&o, "updated_at", m->updated_at, times);
    fc_out_close(&o, '}');
}
