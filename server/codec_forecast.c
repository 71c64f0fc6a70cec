/* codec_forecast.c: forecasts between plain structs and text. See codec_forecast.h.
 *
 * An answer and an issued forecast hold the same table (times, mean, median, bounds a level); `struct table` is the view of it that every
 * writer below takes. Row i of level j stands at lower[j * n + i]. */
#include "codec_forecast.h"
#include "scan.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is asked: levels and horizon ---- */

const struct fc_levels fc_levels_default = { 2, { 80, 95 } };

/* Puts one level in its place. shown: the level as it was written. */
static enum fc_status add_level(struct fc_levels *l, double level, const char *pointer, const char *shown, struct fc_error *e)
{
    if (!(level > 0 && level < 100))
        return fc_fail_at(e, FC_INVALID, "bad_levels", pointer, "a level must be above 0 and below 100 percent, not %s", shown);
    size_t at = 0;
    while (at < l->n && l->level[at] < level)
        at++;
    if (at < l->n && l->level[at] == level)
        return fc_fail_at(e, FC_INVALID, "bad_levels", pointer, "levels names %s twice", shown);
    if (l->n == FC_LEVELS)
        return fc_fail_at(e, FC_INVALID, "bad_levels", pointer, "levels must be at most %d, %s is one more", FC_LEVELS, shown);
    memmove(&l->level[at + 1], &l->level[at], (l->n - at) * sizeof l->level[0]);
    l->level[at] = level;
    l->n++;
    return FC_OK;
}

enum fc_status fc_levels_parse(const char *text, struct fc_levels *out, struct fc_error *e)
{
    struct fc_levels l = { 0 };
    if (text == NULL) {
        *out = fc_levels_default;
        return FC_OK;
    }
    for (const char *p = text;;) {
        size_t n = strcspn(p, ",");
        double level;
        char shown[FC_SHOWN];
        snprintf(shown, sizeof shown, "\"%.*s\"", (int)(n < 40 ? n : 40), p);
        if (!fc_scan_decimal(p, n, &level))
            return fc_fail(e, FC_INVALID, "bad_levels", "levels must be numbers with commas between them, such as 80,95: %s is none", shown);
        enum fc_status s = add_level(&l, level, "", shown, e);
        if (s != FC_OK)
            return s;
        if (p[n] == '\0')
            break;
        p += n + 1;
    }
    *out = l;
    return FC_OK;
}

enum fc_status fc_levels_read(const struct cJSON *object, const char *at, struct fc_levels *out, struct fc_error *e)
{
    const struct cJSON *array = NULL;
    enum fc_status s = fc_doc_array(object, at, "levels", &array, e);
    if (s != FC_OK)
        return s;
    if (array == NULL) {
        *out = fc_levels_default;
        return FC_OK;
    }
    struct fc_levels l = { 0 };
    size_t i = 0;
    for (const struct cJSON *v = fc_doc_first(array); v != NULL; v = fc_doc_next(v), i++) {
        char pointer[128], shown[FC_SHOWN];
        snprintf(pointer, sizeof pointer, "%s/levels/%zu", at, i);
        fc_doc_show(v, shown);
        if (!fc_doc_is_number(v))
            return fc_fail_at(e, FC_INVALID, "wrong_type", pointer, "levels must hold numbers, not %s", shown);
        if ((s = add_level(&l, fc_doc_value(v), pointer, shown, e)) != FC_OK)
            return s;
    }
    if (l.n == 0) {
        char pointer[128];
        snprintf(pointer, sizeof pointer, "%s/levels", at);
        return fc_fail_at(e, FC_INVALID, "bad_levels", pointer, "levels must hold at least one level, not []");
    }
    *out = l;
    return FC_OK;
}

enum fc_status fc_horizon_read(const struct cJSON *object, const char *at, uint32_t max, uint32_t *out, struct fc_error *e)
{
    return fc_doc_uint32(object, at, "horizon", 1, max, out, e);
}

enum fc_status fc_horizon_parse(const char *text, uint32_t max, uint32_t *out, struct fc_error *e)
{
    if (text == NULL)
        return FC_OK;
    uint64_t x = 0;
    size_t n = strlen(text);
    if (n > 0 && n <= 10 && strspn(text, "0123456789") == n)
        x = strtoull(text, NULL, 10);
    if (x < 1 || x > max)
        return fc_fail(e, FC_INVALID, "out_of_range", "horizon must be a whole number from 1 to %u, not \"%.40s\"", max, text);
    *out = (uint32_t)x;
    return FC_OK;
}

void fc_forecast_ask_free(struct fc_forecast_ask *q)
{
    if (q == NULL)
        return;
    free(q->model);
    *q = (struct fc_forecast_ask){ 0 };
}

enum fc_status fc_codec_forecast_ask(const struct fc_buf *body, uint32_t max_horizon, struct fc_forecast_ask *out, struct fc_error *e)
{
    struct fc_forecast_ask q = { .levels = fc_levels_default };
    struct cJSON *doc = NULL;
    const char *model = NULL;
    enum fc_status s = FC_OK;
    if (body->n == 0) {
        *out = q;
        return FC_OK;
    }
    if ((s = fc_doc_parse(body, &doc, e)) != FC_OK)
        return s;
    if (fc_doc_has(doc, "quantiles"))
        s = fc_fail_at(e, FC_INVALID, "not_supported", "/quantiles", "quantiles is not supported yet; use levels");
    if (s == FC_OK)
        s = fc_doc_only(doc, "", "horizon levels model", e);
    if (s == FC_OK)
        s = fc_horizon_read(doc, "", max_horizon, &q.horizon, e);
    if (s == FC_OK)
        s = fc_levels_read(doc, "", &q.levels, e);
    if (s == FC_OK)
        s = fc_doc_string(doc, "", "model", FC_ID_MAX, &model, e);
    if (s == FC_OK && model != NULL && (q.model = strdup(model)) == NULL)
        s = fc_fail_nomem(e, strlen(model) + 1);
    cJSON_Delete(doc);
    if (s == FC_OK)
        *out = q;
    return s;
}

/* ---- what is answered ---- */

enum fc_status fc_shape_parse(const char *text, enum fc_shape *out, struct fc_error *e)
{
    static const char *const name[] = { [FC_SHAPE_COLUMNS] = "columns", [FC_SHAPE_ROWS] = "rows" };
    enum fc_shape shape = FC_SHAPE_DOCUMENT;
    if (text != NULL) {
        for (shape = FC_SHAPE_COLUMNS; shape <= FC_SHAPE_ROWS && strcmp(text, name[shape]) != 0;)
            shape++;
        if (shape > FC_SHAPE_ROWS)
            return fc_fail(e, FC_INVALID, "bad_parameter", "shape must be columns or rows, not \"%.40s\"", text);
    }
    *out = shape;
    return FC_OK;
}

struct table {
    size_t n, nlevels;
    const fc_time *time;
    const double *mean, *median, *level, *lower, *upper;
};

/* The names of a table's bounds, made once a table: "lower_97.5". */
struct names {
    char lower[FC_LEVELS][40], upper[FC_LEVELS][40];
};

static struct table table_of_answer(const struct fc_answer *a)
{
    const struct fc_forecast *f = &a->forecast;
    return (struct table){ f->n, f->nlevels, f->time, f->mean, f->median, f->level, f->lower, f->upper };
}

static struct table table_of_issued(const struct fc_issued *f)
{
    return (struct table){ f->n, f->nlevels < FC_LEVELS ? f->nlevels : FC_LEVELS, f->time, f->mean, f->median, f->level, f->lower, f->upper };
}

static void names_of(const double *level, size_t n, struct names *out)
{
    struct fc_buf text = { 0 };
    for (size_t j = 0; j < n; j++) {
        text.n = 0;
        fc_buf_number(&text, level[j]);
        snprintf(out->lower[j], sizeof out->lower[j], "lower_%.*s", text.failed ? 0 : (int)text.n, text.failed ? "" : text.data);
        snprintf(out->upper[j], sizeof out->upper[j], "upper_%.*s", text.failed ? 0 : (int)text.n, text.failed ? "" : text.data);
    }
    fc_buf_free(&text);
}

static void put_numbers(struct fc_out *o, const char *key, const double *x, size_t n)
{
    fc_out_open(o, key, '[');
    for (size_t i = 0; i < n; i++)
        fc_out_number(o, NULL, x[i]);
    fc_out_close(o, ']');
}

static void put_rows(struct fc_out *o, const char *key, struct table t, enum fc_time_style times)
{
    struct names name;
    names_of(t.level, t.nlevels, &name);
    fc_out_open(o, key, '[');
    for (size_t i = 0; i < t.n; i++) {
        fc_out_open(o, NULL, '{');
        fc_out_time(o, "timestamp", t.time[i], times);
        fc_out_number(o, "mean", t.mean[i]);
        fc_out_number(o, "median", t.median[i]);
        for (size_t j = 0; j < t.nlevels; j++) {
            fc_out_number(o, name.lower[j], t.lower[j * t.n + i]);
            fc_out_number(o, name.upper[j], t.upper[j * t.n + i]);
        }
        fc_out_close(o, '}');
    }
    fc_out_close(o, ']');
}

static void put_columns(struct fc_out *o, struct table t, enum fc_time_style times)
{
    struct names name;
    names_of(t.level, t.nlevels, &name);
    fc_out_open(o, NULL, '{');
    fc_out_open(o, "timestamps", '[');
    for (size_t i = 0; i < t.n; i++)
        fc_out_time(o, NULL, t.time[i], times);
    fc_out_close(o, ']');
    put_numbers(o, "mean", t.mean, t.n);
    put_numbers(o, "median", t.median, t.n);
    for (size_t j = 0; j < t.nlevels; j++) {
        put_numbers(o, name.lower[j], t.lower + j * t.n, t.n);
        put_numbers(o, name.upper[j], t.upper + j * t.n, t.n);
    }
    fc_out_close(o, '}');
}

/* The members that both kinds of document start with. model "": a classical method answered alone, model and version are null. */
static void put_origin(struct fc_out *o, const char *series, const char *model, int version, const char *method)
{
    fc_out_string(o, "series", series);
    fc_out_string(o, "model", model[0] != '\0' ? model : NULL);
    if (model[0] != '\0')
        fc_out_integer(o, "version", version);
    else
        fc_out_null(o, "version");
    fc_out_string(o, "method", method);
}

static void put_answer_members(struct fc_out *o, const struct fc_answer *a, enum fc_time_style times)
{
    const struct fc_forecast *f = &a->forecast;
    char step[FC_STEP_TEXT];
    fc_step_format(a->step, step);
    put_origin(o, a->series, a->model_name != NULL ? a->model_name : a->model, a->version, f->method);
    fc_out_string(o, "step", step);
    fc_out_time(o, "last", a->last, times);
    fc_out_integer(o, "revision", a->revision);
    put_numbers(o, "levels", f->level, f->nlevels);
    fc_out_open(o, "calibration", '{');
    fc_out_string(o, "method", f->calibration.method);
    fc_out_string(o, "scope", f->calibration.scope);
    fc_out_integer(o, "origins", (int64_t)f->calibration.origins);
    fc_out_integer(o, "scores", (int64_t)f->calibration.scores);
    fc_out_close(o, '}');
    fc_out_string(o, "why", f->why);
    fc_out_open(o, "warnings", '[');
    for (size_t i = 0; i < f->warnings.n; i++)
        fc_out_string(o, NULL, f->warnings.code[i]);
    fc_out_close(o, ']');
    put_rows(o, "forecast", table_of_answer(a), times);
}

void fc_codec_answer(const struct fc_answer *a, enum fc_shape shape, enum fc_time_style times, struct fc_buf *out)
{
    struct fc_out o = { out, false };
    switch (shape) {
    case FC_SHAPE_COLUMNS:
        put_columns(&o, table_of_answer(a), times);
        break;
    case FC_SHAPE_ROWS:
        put_rows(&o, NULL, table_of_answer(a), times);
        break;
    case FC_SHAPE_DOCUMENT:
        fc_out_open(&o, NULL, '{');
        put_answer_members(&o, a, times);
        fc_out_close(&o, '}');
        break;
    }
}

void fc_codec_answer_issued(const struct fc_answer *a, const char *id, fc_time issued_at, enum fc_time_style times, struct fc_buf *out)
{
    struct fc_out o = { out, false };
    fc_out_open(&o, NULL, '{');
    fc_out_string(&o, "id", id);
    fc_out_time(&o, "issued_at", issued_at, times);
    put_answer_members(&o, a, times);
    fc_out_close(&o, '}');
}

void fc_codec_issued(const struct fc_issued *f, const char *model, enum fc_time_style times, struct fc_buf *out)
{
    struct fc_out o = { out, false };
    struct table t = table_of_issued(f);
    fc_out_open(&o, NULL, '{');
    fc_out_string(&o, "id", f->id);
    put_origin(&o, f->series, model != NULL ? model : f->model, f->version, f->method);
    fc_out_time(&o, "issued_at", f->issued_at, times);
    fc_out_time(&o, "last", f->last, times);
    fc_out_integer(&o, "revision", f->revision);
    put_numbers(&o, "levels", t.level, t.nlevels);
    put_rows(&o, "forecast", t, times);
    fc_out_close(&o, '}');
}

void fc_codec_failure(const char *series, const struct fc_error *why, struct fc_buf *out)
{
    struct fc_out o = { out, false };
    fc_out_open(&o, NULL, '{');
    fc_out_string(&o, "series", series);
    fc_out_open(&o, "error", '{');
    fc_out_string(&o, "code", why->code[0] != '\0' ? why->code : "internal");
    fc_out_string(&o, "detail", why->detail);
    fc_out_close(&o, '}');
    fc_out_close(&o, '}');
}

/* ---- CSV ---- */

void fc_codec_forecast_csv_header(const struct fc_levels *l, bool series, struct fc_buf *out)
{
    struct names name;
    names_of(l->level, l->n, &name);
    fc_buf_text(out, series ? "series,timestamp,mean,median" : "timestamp,mean,median");
    for (size_t j = 0; j < l->n; j++)
        fc_buf_format(out, ",%s,%s", name.lower[j], name.upper[j]);
    fc_buf_char(out, '\n');
}

void fc_codec_answer_csv(const struct fc_answer *a, bool series, enum fc_time_style times, struct fc_buf *out)
{
    struct table t = table_of_answer(a);
    for (size_t i = 0; i < t.n; i++) {
        if (series) {
            fc_buf_csv(out, a->series);
            fc_buf_char(out, ',');
        }
        fc_buf_time(out, t.time[i], times);
        fc_buf_char(out, ',');
        fc_buf_number(out, t.mean[i]);
        fc_buf_char(out, ',');
        fc_buf_number(out, t.median[i]);
        for (size_t j = 0; j < t.nlevels; j++) {
            fc_buf_char(out, ',');
            fc_buf_number(out, t.lower[j * t.n + i]);
            fc_buf_char(out, ',');
            fc_buf_number(out, t.upper[j * t.n + i]);
        }
        fc_buf_char(out, '\n');
    }
}
