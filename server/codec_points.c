/* codec_points.c: points in JSON, in and out. See codec_points.h. */
#include "codec_points_build.h"

#include "scan.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define AT_MAX 64     /* "/series/1234567/timestamps/12345678" and less */
#define SHOWN_VALUE 40

/* The decoder: the reader, what it grows, and where it stands. */
struct decode {
    struct fc_json_reader r;
    struct fc_build b;
    const char *precision;
    char at[AT_MAX]; /* pointer of the series object, "" for the body itself */
    bool many;
    struct fc_error *e;
};

/* The members of one series object that have been seen. */
struct parts {
    bool id, timestamps, values, points, start, step;
    fc_time from;
    size_t first;          /* index of the object's first time and value in the arrays */
    struct fc_points_write w;
};

/* ---- errors ---- */

/* index: of an element below the member; NO_INDEX for the member itself. */
#define NO_INDEX SIZE_MAX
static enum fc_status fail(struct decode *d, const char *code, const char *member, size_t index, const char *wanted)
{
    char pointer[2 * AT_MAX], shown[SHOWN_VALUE + 8] = "";
    int n = snprintf(pointer, sizeof pointer, "%s%s%s", d->at, *member ? "/" : "", member);
    if (index != NO_INDEX)
        fc_json_pointer_add_index(pointer, (size_t)n, sizeof pointer, index);
    (void)fc_json_kind(&d->r);
    const char *value = d->r.p;
    fc_json_skip(&d->r);
    size_t len = (size_t)(d->r.p - value);
    snprintf(shown, sizeof shown, "%.*s%s", len > SHOWN_VALUE ? SHOWN_VALUE : (int)len, value, len > SHOWN_VALUE ? "…" : "");
    return fc_fail_at(d->e, FC_INVALID, code, pointer, "%s must be %s, not %s", *pointer ? pointer : "the body", wanted, shown);
}

/* Puts the place of a member to an error that something deeper reported. */
static enum fc_status fail_why(struct decode *d, const struct fc_error *why, const char *member, size_t index)
{
    char pointer[2 * AT_MAX];
    int n = snprintf(pointer, sizeof pointer, "%s/%s", d->at, member);
    if (index != NO_INDEX)
        fc_json_pointer_add_index(pointer, (size_t)n, sizeof pointer, index);
    return fc_fail_at(d->e, why->status, why->code, pointer, "%s: %s", pointer, why->detail);
}

static enum fc_status fail_form(struct decode *d, const char *code, const char *member, const char *what)
{
    char pointer[2 * AT_MAX];
    snprintf(pointer, sizeof pointer, "%s/%s", d->at, member);
    return fc_fail_at(d->e, FC_INVALID, code, pointer, "%s%s%s", d->at, *d->at ? ": " : "", what);
}

/* ---- times and values ---- */

static enum fc_status read_time(struct decode *d, const char *member, size_t index, fc_time *out)
{
    struct fc_error why;
    char plain[SHOWN_VALUE];
    enum fc_status s;
    enum fc_json_kind kind = fc_json_kind(&d->r);
    if (kind == FC_JSON_STRING) {
        struct fc_json_text t = fc_json_string(&d->r);
        if (t.escaped && t.n <= sizeof plain) {
            t.n = fc_json_unescape(&t, plain);
            t.text = plain;
        }
        s = fc_time_parse(t.text, t.n, out, &why);
    } else if (kind == FC_JSON_NUMBER) {
        s = fc_time_from_number(fc_json_number(&d->r), d->precision, out, &why);
    } else {
        return fail(d, "wrong_type", member, index, "a time: RFC 3339 text or a number");
    }
    return s == FC_OK ? s : fail_why(d, &why, member, index);
}

/* False, with nothing taken, when what comes next is no value. */
static bool read_value(struct decode *d, double *out)
{
    switch (fc_json_kind(&d->r)) {
    case FC_JSON_NUMBER: *out = fc_json_number(&d->r); return true;
    case FC_JSON_NULL: fc_json_skip(&d->r); *out = NAN; return true;
    case FC_JSON_STRING: {
        struct fc_json_reader before = d->r;
        struct fc_json_text t = fc_json_string(&d->r);
        *out = NAN;
        if (fc_json_text_is(&t, "NaN"))
            return true;
        d->r = before;
        return false;
    }
    default: return false;
    }
}

static enum fc_status read_times(struct decode *d, const char *member)
{
    enum fc_status s = FC_OK;
    if (fc_json_kind(&d->r) != FC_JSON_ARRAY)
        return fail(d, "wrong_type", member, NO_INDEX, "an array of times");
    fc_json_enter(&d->r);
    for (size_t i = 0; s == FC_OK && fc_json_next(&d->r); i++) {
        fc_time t;
        s = read_time(d, member, i, &t);
        if (s == FC_OK)
            s = fc_build_add_time(&d->b, t, d->e);
    }
    return s;
}

static enum fc_status read_values(struct decode *d, const char *member)
{
    enum fc_status s = FC_OK;
    if (fc_json_kind(&d->r) != FC_JSON_ARRAY)
        return fail(d, "wrong_type", member, NO_INDEX, "an array of numbers");
    fc_json_enter(&d->r);
    for (size_t i = 0; s == FC_OK && fc_json_next(&d->r); i++) {
        double x;
        if (!read_value(d, &x))
            return fail(d, "wrong_type", member, i, "a number, null or \"NaN\"");
        s = fc_build_add_value(&d->b, x, d->e);
    }
    return s;
}

/* One [time, value] of "points". */
static enum fc_status read_pair(struct decode *d, size_t i)
{
    char place[32];
    fc_time t;
    double x;
    struct fc_json_reader before = d->r;
    snprintf(place, sizeof place, "points/%zu", i);
    if (fc_json_kind(&d->r) != FC_JSON_ARRAY)
        return fail(d, "wrong_type", place, NO_INDEX, "a pair [time, value]");
    fc_json_enter(&d->r);
    bool pair = fc_json_next(&d->r);
    enum fc_status s = pair ? read_time(d, place, 0, &t) : FC_OK;
    if (s != FC_OK)
        return s;
    pair = pair && fc_json_next(&d->r);
    if (pair && !read_value(d, &x))
        return fail(d, "wrong_type", place, 1, "a number, null or \"NaN\"");
    if (!pair || fc_json_next(&d->r)) {
        d->r = before;
        return fail(d, "wrong_type", place, NO_INDEX, "a pair [time, value]");
    }
    s = fc_build_add_time(&d->b, t, d->e);
    return s == FC_OK ? fc_build_add_value(&d->b, x, d->e) : s;
}

static enum fc_status read_points(struct decode *d)
{
    enum fc_status s = FC_OK;
    if (fc_json_kind(&d->r) != FC_JSON_ARRAY)
        return fail(d, "wrong_type", "points", NO_INDEX, "an array of pairs [time, value]");
    fc_json_enter(&d->r);
    for (size_t i = 0; s == FC_OK && fc_json_next(&d->r); i++)
        s = read_pair(d, i);
    return s;
}

/* ---- the other members ---- */

static enum fc_status read_id(struct decode *d)
{
    struct fc_error why;
    if (fc_json_kind(&d->r) != FC_JSON_STRING)
        return fail(d, "wrong_type", "id", NO_INDEX, "a string");
    struct fc_json_text t = fc_json_string(&d->r);
    char plain[FC_ID_MAX * 6 + 1]; /* an escape takes six bytes for one */
    size_t n = t.n <= sizeof plain ? fc_json_unescape(&t, plain) : t.n;
    enum fc_status s = t.n <= sizeof plain ? fc_id_check(plain, n, "", &why)
                                           : fc_fail(&why, FC_INVALID, "bad_series_id", "a series id must be 1 to %d bytes long, not %zu", FC_ID_MAX, n);
    return s == FC_OK ? fc_build_add_id(&d->b, plain, n, d->e) : fail_why(d, &why, "id", NO_INDEX);
}

static enum fc_status read_step(struct decode *d, struct fc_step *out)
{
    struct fc_error why;
    char plain[SHOWN_VALUE];
    if (fc_json_kind(&d->r) != FC_JSON_STRING)
        return fail(d, "wrong_type", "step", NO_INDEX, "a step such as \"1h\"");
    struct fc_json_text t = fc_json_string(&d->r);
    if (t.escaped && t.n <= sizeof plain) {
        t.n = fc_json_unescape(&t, plain);
        t.text = plain;
    }
    enum fc_status s = fc_step_parse(t.text, t.n, out, &why);
    return s == FC_OK ? s : fail_why(d, &why, "step", NO_INDEX);
}

static enum fc_status read_season(struct decode *d, struct fc_season *out)
{
    double period[FC_SEASONS + 1];
    char pointer[2 * AT_MAX];
    size_t n = 0;
    enum fc_json_kind kind = fc_json_kind(&d->r);
    if (kind == FC_JSON_NULL) {
        fc_json_skip(&d->r);
        return FC_OK;
    }
    if (kind != FC_JSON_NUMBER && kind != FC_JSON_ARRAY)
        return fail(d, "wrong_type", "season", NO_INDEX, "a number or an array of numbers");
    if (kind == FC_JSON_NUMBER)
        period[n++] = fc_json_number(&d->r);
    else
        fc_json_enter(&d->r);
    while (kind == FC_JSON_ARRAY && fc_json_next(&d->r)) {
        if (fc_json_kind(&d->r) != FC_JSON_NUMBER)
            return fail(d, "wrong_type", "season", n, "a number");
        double x = fc_json_number(&d->r);
        if (n <= FC_SEASONS)
            period[n++] = x;
    }
    snprintf(pointer, sizeof pointer, "%s/season", d->at);
    return fc_season_from(period, n, pointer, kind == FC_JSON_ARRAY, out, d->e);
}

static enum fc_status unknown_field(struct decode *d, const struct fc_json_text *key, const char *known)
{
    char pointer[256], plain[64];
    struct fc_json_text k = *key;
    k.n = k.n > sizeof plain ? sizeof plain : k.n;
    size_t len = fc_json_unescape(&k, plain);
    int n = snprintf(pointer, sizeof pointer, "%s", d->at);
    fc_json_pointer_add(pointer, (size_t)n, sizeof pointer, plain, len);
    return fc_fail_at(d->e, FC_INVALID, "unknown_field", pointer, "unknown field \"%.*s\"; known here: %s", (int)len, plain, known);
}

static enum fc_status read_member(struct decode *d, const struct fc_json_text *key, struct parts *p)
{
    if (fc_json_text_is(key, "timestamps")) {
        p->timestamps = true;
        return read_times(d, "timestamps");
    }
    if (fc_json_text_is(key, "values")) {
        p->values = true;
        return read_values(d, "values");
    }
    if (fc_json_text_is(key, "points")) {
        p->points = true;
        return read_points(d);
    }
    if (fc_json_text_is(key, "start")) {
        p->start = true;
        return read_time(d, "start", NO_INDEX, &p->from);
    }
    if (fc_json_text_is(key, "step")) {
        p->step = true;
        return read_step(d, &p->w.step);
    }
    if (fc_json_text_is(key, "season"))
        return read_season(d, &p->w.season);
    if (d->many && fc_json_text_is(key, "id")) {
        p->id = true;
        return read_id(d);
    }
    return unknown_field(d, key, d->many ? "id timestamps values start step points season" : "timestamps values start step points season");
}

/* ---- one series ---- */

/* Does start + (n - 1) steps stay within the year 9999? */
static bool grid_fits(fc_time start, struct fc_step step, size_t n)
{
    struct fc_civil c = fc_time_civil(start);
    int64_t last = (int64_t)n - 1;
    if (step.ms > 0)
        return last <= (FC_TIME_MAX - start) / step.ms;
    return last <= (9999 * 12 + 11 - (c.year * 12 + c.month - 1)) / step.months;
}

static enum fc_status fill_grid(struct decode *d, const struct parts *p, size_t n)
{
    enum fc_status s = FC_OK;
    if (n > 0 && !grid_fits(p->from, p->w.step, n))
        return fail_form(d, "bad_timestamp", "values", "start and step put the last of the values behind the year 9999");
    for (size_t k = 0; k < n && s == FC_OK; k++)
        s = fc_build_add_time(&d->b, p->w.step.ms > 0 ? p->from + (int64_t)k * p->w.step.ms : fc_step_at(p->w.step, p->from, (int64_t)k), d->e);
    return s;
}

/* Which form is it, and is it whole? */
static enum fc_status check_form(struct decode *d, const struct parts *p)
{
    if (p->points && (p->timestamps || p->values || p->start || p->step))
        return fail_form(d, "mixed_forms", "points", "points stands alone: no timestamps, values, start or step beside it");
    if (p->timestamps && (p->start || p->step))
        return fail_form(d, "mixed_forms", "timestamps", "timestamps can't be mixed with start and step");
    if (d->many && !p->id)
        return fail_form(d, "missing_field", "id", "id is required");
    if (p->points)
        return FC_OK;
    if (!p->values)
        return fail_form(d, "missing_field", "values", "values is required, with timestamps or with start and step (or points alone)");
    if (!p->timestamps && !p->start)
        return fail_form(d, "missing_field", p->step ? "start" : "timestamps", "values needs timestamps, or start and step");
    if (p->start && !p->step)
        return fail_form(d, "missing_field", "step", "start needs a step");
    return FC_OK;
}

static enum fc_status finish_series(struct decode *d, struct parts *p)
{
    size_t times = d->b.times - p->first, values = d->b.values - p->first;
    enum fc_status s = check_form(d, p);
    if (s != FC_OK)
        return s;
    if (values == 0 && times == 0)
        return fail_form(d, "no_points", p->points ? "points" : "values", "there are no points");
    if (p->start) {
        s = fill_grid(d, p, values);
        times = values;
    }
    if (s != FC_OK)
        return s;
    if (times != values) {
        char what[128];
        snprintf(what, sizeof what, "timestamps holds %zu and values holds %zu: they must be as many", times, values);
        return fail_form(d, "length_mismatch", "values", what);
    }
    p->w.n = values;
    return fc_build_add_entry(&d->b, &p->w, d->e);
}

static enum fc_status read_series(struct decode *d)
{
    struct parts p = {.first = d->b.values};
    struct fc_json_text key;
    enum fc_status s = FC_OK;
    if (fc_json_kind(&d->r) != FC_JSON_OBJECT)
        return fail(d, "wrong_type", "", NO_INDEX, "an object");
    fc_json_enter(&d->r);
    while (s == FC_OK && fc_json_next_key(&d->r, &key))
        s = read_member(d, &key, &p);
    return s == FC_OK ? finish_series(d, &p) : s;
}

/* ---- bodies ---- */

static enum fc_status begin(struct decode *d, const struct fc_buf *body, const char *precision, bool many, struct fc_error *e)
{
    const char *text = body->data ? body->data : "";
    *d = (struct decode){.precision = precision, .many = many, .e = e};
    fc_json_reader_init(&d->r, text, body->n);
    enum fc_status s = fc_build_precision(&d->precision, e);
    return s == FC_OK ? fc_json_check(text, body->n, e) : s;
}

enum fc_status fc_codec_points_one(const struct fc_buf *body, const char *id, const char *precision, struct fc_upload *out, struct fc_error *e)
{
    struct decode d;
    enum fc_status s = begin(&d, body, precision, false, e);
    if (s == FC_OK)
        s = read_series(&d);
    if (s == FC_OK)
        s = fc_build_finish(&d.b, id, out, e);
    fc_build_free(&d.b);
    return s;
}

static enum fc_status read_all_series(struct decode *d)
{
    enum fc_status s = FC_OK;
    if (fc_json_kind(&d->r) != FC_JSON_ARRAY)
        return fail(d, "wrong_type", "series", NO_INDEX, "an array of series");
    fc_json_enter(&d->r);
    for (size_t i = 0; s == FC_OK && fc_json_next(&d->r); i++) {
        snprintf(d->at, sizeof d->at, "/series/%zu", i);
        s = read_series(d);
    }
    if (s == FC_OK)
        d->at[0] = 0;
    return s;
}

/* Copies a member that is not ours, as it was written. */
static void copy_member(struct decode *d, const struct fc_json_text *key, struct fc_buf *rest)
{
    fc_buf_text(rest, rest->n > 1 ? ",\"" : "\"");
    fc_buf_add(rest, key->text, key->n);
    fc_buf_text(rest, "\":");
    (void)fc_json_kind(&d->r);
    const char *value = d->r.p;
    fc_json_skip(&d->r);
    fc_buf_add(rest, value, (size_t)(d->r.p - value));
}

static enum fc_status read_many(struct decode *d, struct fc_buf *rest)
{
    struct fc_json_text key;
    bool seen = false;
    enum fc_status s = FC_OK;
    if (fc_json_kind(&d->r) != FC_JSON_OBJECT)
        return fail(d, "wrong_type", "", NO_INDEX, "an object with series");
    fc_json_enter(&d->r);
    while (s == FC_OK && fc_json_next_key(&d->r, &key)) {
        if (fc_json_text_is(&key, "series")) {
            seen = true;
            s = read_all_series(d);
        } else if (rest) {
            copy_member(d, &key, rest);
        } else {
            s = unknown_field(d, &key, "series");
        }
    }
    if (s == FC_OK && !seen)
        s = fail_form(d, "missing_field", "series", "series is required");
    if (s == FC_OK && d->b.n == 0)
        s = fail_form(d, "no_points", "series", "series is empty: there are no points");
    return s;
}

enum fc_status fc_codec_points_many(const struct fc_buf *body, const char *precision, struct fc_buf *rest, struct fc_upload *out, struct fc_error *e)
{
    struct decode d;
    struct fc_buf copy = {0};
    enum fc_status s = begin(&d, body, precision, true, e);
    fc_buf_char(&copy, '{');
    if (s == FC_OK)
        s = read_many(&d, rest ? &copy : NULL);
    fc_buf_char(&copy, '}');
    if (s == FC_OK && copy.failed)
        s = fc_fail_nomem(e, copy.n);
    if (s == FC_OK)
        s = fc_build_finish(&d.b, NULL, out, e);
    if (s == FC_OK && rest) {
        fc_buf_free(rest);
        *rest = copy;
        copy = (struct fc_buf){0};
    }
    fc_buf_free(&copy);
    fc_build_free(&d.b);
    return s;
}

/* ---- out ---- */

void fc_codec_points_json(struct fc_buf *b, const char *id, const struct fc_points *p, enum fc_time_style style, const char *next)
{
    struct fc_out o = {b, false};
    fc_out_open(&o, NULL, '{');
    fc_out_string(&o, "series", id);
    fc_out_open(&o, "timestamps", '[');
    for (size_t i = 0; i < p->n; i++)
        fc_out_time(&o, NULL, p->time[i], style);
    fc_out_close(&o, ']');
    fc_out_open(&o, "values", '[');
    for (size_t i = 0; i < p->n; i++)
        fc_out_number(&o, NULL, p->value[i]);
    fc_out_close(&o, ']');
    fc_out_string(&o, "next", next);
    fc_out_close(&o, '}');
}

void fc_codec_points_to_csv(struct fc_buf *b, const struct fc_points *p, enum fc_time_style style)
{
    fc_buf_text(b, "timestamp,value\n");
    for (size_t i = 0; i < p->n; i++) {
        fc_buf_time(b, p->time[i], style);
        fc_buf_char(b, ',');
        if (!isnan(p->value[i]))
            fc_buf_number(b, p->value[i]);
        fc_buf_char(b, '\n');
    }
}
