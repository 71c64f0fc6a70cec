/* codec_series.c: see codec_series.h. */
#include "codec_series.h"

#include "scan.h"

#include <cjson/cJSON.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNIT_MAX 100
#define LABELS_MAX 64
#define LABEL_NAME_MAX 200
#define LABEL_VALUE_MAX 1000

static const char known[] = "unit labels step season aggregate delay min max integer model";

/* ---- labels ---- */

static enum fc_status check_label(const cJSON *v, struct fc_error *e)
{
    char pointer[256], shown[FC_SHOWN];
    const char *text = fc_doc_text(v);
    size_t n = strlen(v->string);
    size_t at = fc_json_pointer_add(pointer, 0, sizeof pointer, "labels", 6);
    fc_json_pointer_add(pointer, at, sizeof pointer, v->string, n);
    if (!text)
        return fc_fail_at(e, FC_INVALID, "wrong_type", pointer, "the label %.64s must be a string, not %s", v->string, fc_doc_show(v, shown));
    if (strlen(text) > LABEL_VALUE_MAX)
        return fc_fail_at(e, FC_INVALID, "bad_label", pointer, "the label %.64s must be at most %d bytes long, not %zu", v->string, LABEL_VALUE_MAX, strlen(text));
    if (n < 1 || n > LABEL_NAME_MAX)
        return fc_fail_at(e, FC_INVALID, "bad_label", pointer, "a label's name must be 1 to %d bytes long, not %zu", LABEL_NAME_MAX, n);
    if (strcmp(v->string, "id") == 0)
        return fc_fail_at(e, FC_INVALID, "bad_label", pointer, "a label can't be named id: selectors use it for the id of the series");
    return FC_OK;
}

static enum fc_status read_labels(const cJSON *doc, char **out, struct fc_error *e)
{
    const cJSON *labels = NULL;
    struct fc_buf text = {0};
    size_t n = 0;
    enum fc_status s = fc_doc_object(doc, "", "labels", &labels, e);
    for (const cJSON *v = fc_doc_first(labels); v && s == FC_OK; v = fc_doc_next(v), n++)
        s = n < LABELS_MAX ? check_label(v, e) : fc_fail_at(e, FC_INVALID, "bad_label", "/labels", "labels must hold at most %d labels", LABELS_MAX);
    if (s != FC_OK)
        return s;
    if (labels)
        fc_doc_print(&text, labels);
    else
        fc_buf_text(&text, "{}");
    if (!fc_buf_terminate(&text)) {
        fc_buf_free(&text);
        return fc_fail_nomem(e, text.n);
    }
    *out = text.data;
    return FC_OK;
}

/* ---- the other fields ---- */

static enum fc_status read_copy(const cJSON *doc, const char *key, size_t max, char **out, struct fc_error *e)
{
    const char *text = NULL;
    enum fc_status s = fc_doc_string(doc, "", key, max, &text, e);
    if (s != FC_OK || !text)
        return s;
    *out = strdup(text);
    return *out ? FC_OK : fc_fail_nomem(e, strlen(text) + 1);
}

static enum fc_status read_aggregate(const cJSON *doc, enum fc_aggregate *out, struct fc_error *e)
{
    const char *name = NULL;
    enum fc_status s = fc_doc_string(doc, "", "aggregate", 32, &name, e);
    if (s != FC_OK || !name)
        return s;
    int found = fc_aggregate_find(name);
    if (found < 0)
        return fc_fail_at(e, FC_INVALID, "bad_aggregate", "/aggregate", "aggregate must be mean, sum, last, max, min or count, not \"%s\"", name);
    *out = (enum fc_aggregate)found;
    return FC_OK;
}

/* A step may not be zero, but a delay may: "0s". */
static bool is_zero_duration(const char *text)
{
    static const char *const units[] = {"ms", "s", "m", "h", "d", "w"};
    size_t zeros = strspn(text, "0");
    for (size_t i = 0; zeros > 0 && i < sizeof units / sizeof *units; i++)
        if (strcmp(text + zeros, units[i]) == 0)
            return true;
    return false;
}

static enum fc_status read_delay(const cJSON *doc, struct fc_step *out, struct fc_error *e)
{
    const char *text = fc_doc_text(fc_doc_get(doc, "delay"));
    if (text && is_zero_duration(text))
        return FC_OK;
    struct fc_step delay = {0};
    enum fc_status s = fc_doc_step(doc, "", "delay", &delay, e);
    if (s == FC_OK && delay.months)
        return fc_fail_at(e, FC_INVALID, "bad_delay", "/delay", "delay must be of fixed length, not months or years: \"%.40s\"", text);
    if (s == FC_OK)
        *out = delay;
    return s;
}

static unsigned mask_of(const cJSON *doc)
{
    static const struct { const char *key; unsigned bit; } field[] = {
        {"unit", FC_SET_UNIT},   {"labels", FC_SET_LABELS}, {"step", FC_SET_STEP}, {"season", FC_SET_SEASON},   {"aggregate", FC_SET_AGGREGATE},
        {"delay", FC_SET_DELAY}, {"min", FC_SET_MIN},       {"max", FC_SET_MAX},   {"integer", FC_SET_INTEGER}, {"model", FC_SET_MODEL},
    };
    unsigned mask = 0;
    for (size_t i = 0; i < sizeof field / sizeof *field; i++)
        mask |= fc_doc_has(doc, field[i].key) ? field[i].bit : 0;
    return mask;
}

static enum fc_status read_fields(const cJSON *doc, struct fc_series_row *row, struct fc_error *e)
{
    enum fc_status s = FC_OK;
    if (fc_doc_has(doc, "timezone"))
        return fc_fail_at(e, FC_INVALID, "not_supported", "/timezone", "timezone is not supported yet");
    s = fc_doc_only(doc, "", known, e);
    if (s == FC_OK) s = read_copy(doc, "unit", UNIT_MAX, &row->unit, e);
    if (s == FC_OK) s = read_labels(doc, &row->labels, e);
    if (s == FC_OK) s = fc_doc_step(doc, "", "step", &row->step, e);
    if (s == FC_OK) s = fc_doc_season(doc, "", "season", &row->season, e);
    if (s == FC_OK) s = read_aggregate(doc, &row->aggregate, e);
    if (s == FC_OK) s = read_delay(doc, &row->delay, e);
    if (s == FC_OK) s = fc_doc_number(doc, "", "min", -DBL_MAX, DBL_MAX, &row->bounds.min, e);
    if (s == FC_OK) s = fc_doc_number(doc, "", "max", -DBL_MAX, DBL_MAX, &row->bounds.max, e);
    if (s == FC_OK) s = fc_doc_bool(doc, "", "integer", &row->bounds.integer, e);
    if (s == FC_OK) s = read_copy(doc, "model", FC_ID_MAX, &row->model, e);
    row->season_set = fc_doc_get(doc, "season") != NULL;
    return s;
}

enum fc_status fc_codec_series_change(const struct fc_buf *body, struct fc_series_change *out, struct fc_error *e)
{
    cJSON *doc = NULL;
    struct fc_series_row row = {.bounds = {-INFINITY, INFINITY, false}};
    enum fc_status s = fc_doc_parse(body, &doc, e);
    if (s != FC_OK)
        return s;
    s = read_fields(doc, &row, e);
    if (s == FC_OK)
        *out = (struct fc_series_change){row, mask_of(doc)};
    else
        fc_series_row_free(&row);
    cJSON_Delete(doc);
    return s;
}

/* ---- out ---- */

static void put_step(struct fc_out *o, const char *key, struct fc_step step, const char *unknown)
{
    char text[FC_STEP_TEXT];
    fc_out_string(o, key, fc_step_format(step, text) > 0 ? text : unknown);
}

void fc_codec_series(struct fc_out *o, const struct fc_series_row *row, const struct fc_insight *insight, enum fc_time_style style)
{
    bool set = fc_step_known(row->step), any = row->points > 0;
    fc_out_open(o, NULL, '{');
    fc_out_string(o, "id", row->id);
    fc_out_string(o, "unit", row->unit);
    fc_out_raw(o, "labels", row->labels ? row->labels : "{}");
    put_step(o, "step", set ? row->step : insight->step, NULL);
    fc_out_bool(o, "step_inferred", !set && insight->step_inferred);
    fc_out_season(o, "season", row->season_set || row->season.n > 0 ? &row->season : &insight->season);
    fc_out_string(o, "aggregate", fc_aggregate_name(row->aggregate));
    put_step(o, "delay", row->delay, "0s");
    fc_out_integer(o, "points", row->points);
    fc_out_integer(o, "missing", row->missing);
    if (any)
        fc_out_time(o, "first", row->first, style);
    else
        fc_out_null(o, "first");
    if (any)
        fc_out_time(o, "last", row->last, style);
    else
        fc_out_null(o, "last");
    fc_out_integer(o, "revision", row->revision);
    fc_out_number(o, "min", row->bounds.min);
    fc_out_number(o, "max", row->bounds.max);
    fc_out_bool(o, "integer", row->bounds.integer);
    fc_out_string(o, "model", row->model);
    fc_out_time(o, "created_at", row->created_at, style);
    fc_out_time(o, "updated_at", row->updated_at, style);
    fc_out_close(o, '}');
}
