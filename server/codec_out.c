/* codec_out.c: plain values to JSON, CSV cells and cursors. See codec.h. */
#include "codec.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

/* ---- trees ---- */

bool fc_doc_add_number(cJSON *object, const char *key, double x)
{
    return (isfinite(x) ? cJSON_AddNumberToObject(object, key, x) : cJSON_AddNullToObject(object, key)) != NULL;
}

void fc_doc_print(struct fc_buf *b, const cJSON *v)
{
    bool object = cJSON_IsObject(v);
    if (object || cJSON_IsArray(v)) {
        fc_buf_char(b, object ? '{' : '[');
        for (const cJSON *m = v->child; m; m = m->next) {
            if (m != v->child)
                fc_buf_char(b, ',');
            if (object) {
                fc_buf_json_string(b, m->string, strlen(m->string));
                fc_buf_char(b, ':');
            }
            fc_doc_print(b, m);
        }
        fc_buf_char(b, object ? '}' : ']');
    } else if (cJSON_IsString(v)) {
        fc_buf_json_string(b, v->valuestring, strlen(v->valuestring));
    } else if (cJSON_IsNumber(v)) {
        fc_buf_number(b, v->valuedouble);
    } else if (cJSON_IsRaw(v)) {
        fc_buf_text(b, v->valuestring);
    } else {
        fc_buf_text(b, cJSON_IsTrue(v) ? "true" : cJSON_IsFalse(v) ? "false" : "null");
    }
}

/* ---- the writer ---- */

static void begin(struct fc_out *o, const char *key)
{
    if (o->comma)
        fc_buf_char(o->buf, ',');
    o->comma = true;
    if (!key)
        return;
    fc_buf_json_string(o->buf, key, strlen(key));
    fc_buf_char(o->buf, ':');
}

void fc_out_open(struct fc_out *o, const char *key, char bracket)
{
    begin(o, key);
    fc_buf_char(o->buf, bracket);
    o->comma = false;
}

void fc_out_close(struct fc_out *o, char bracket)
{
    fc_buf_char(o->buf, bracket);
    o->comma = true;
}

void fc_out_string(struct fc_out *o, const char *key, const char *text)
{
    begin(o, key);
    if (text)
        fc_buf_json_string(o->buf, text, strlen(text));
    else
        fc_buf_text(o->buf, "null");
}

void fc_out_number(struct fc_out *o, const char *key, double x)
{
    begin(o, key);
    fc_buf_number(o->buf, x);
}

void fc_out_integer(struct fc_out *o, const char *key, int64_t x)
{
    begin(o, key);
    fc_buf_integer(o->buf, x);
}

void fc_out_bool(struct fc_out *o, const char *key, bool x)
{
    fc_out_raw(o, key, x ? "true" : "false");
}

void fc_out_null(struct fc_out *o, const char *key)
{
    fc_out_raw(o, key, NULL);
}

void fc_out_raw(struct fc_out *o, const char *key, const char *json)
{
    begin(o, key);
    fc_buf_text(o->buf, json ? json : "null");
}

void fc_out_season(struct fc_out *o, const char *key, const struct fc_season *s)
{
    fc_out_open(o, key, '[');
    for (size_t i = 0; i < s->n; i++)
        fc_out_integer(o, NULL, s->period[i]);
    fc_out_close(o, ']');
}

/* ---- times ---- */

enum fc_status fc_time_style_from(const char *text, enum fc_time_style *out, struct fc_error *e)
{
    if (!text)
        *out = FC_TIME_RFC3339;
    else if (strcmp(text, "s") == 0)
        *out = FC_TIME_S;
    else if (strcmp(text, "ms") == 0)
        *out = FC_TIME_MS;
    else
        return fc_fail(e, FC_INVALID, "bad_parameter", "time must be s or ms, not \"%.40s\"", text);
    return FC_OK;
}

void fc_buf_time(struct fc_buf *b, fc_time t, enum fc_time_style style)
{
    char text[FC_TIME_TEXT];
    switch (style) {
    case FC_TIME_MS: fc_buf_integer(b, t); break;
    case FC_TIME_S: fc_buf_number(b, (double)t / 1000); break; /* exact to the millisecond: below 2^53 */
    default: fc_buf_add(b, text, fc_time_format(t, text));
    }
}

void fc_buf_json_time(struct fc_buf *b, fc_time t, enum fc_time_style style)
{
    if (style == FC_TIME_RFC3339)
        fc_buf_char(b, '"');
    fc_buf_time(b, t, style);
    if (style == FC_TIME_RFC3339)
        fc_buf_char(b, '"');
}

void fc_out_time(struct fc_out *o, const char *key, fc_time t, enum fc_time_style style)
{
    begin(o, key);
    fc_buf_json_time(o->buf, t, style);
}

/* ---- CSV ---- */

void fc_buf_csv(struct fc_buf *b, const char *text)
{
    size_t n = strlen(text);
    /* White space at the ends would not survive reading. */
    bool quote = n == 0 || strpbrk(text, ",\"\r\n") || strchr(" \t", text[0]) || strchr(" \t", text[n - 1]);
    if (!quote) {
        fc_buf_add(b, text, n);
        return;
    }
    fc_buf_char(b, '"');
    for (const char *p = text; *p; p++) {
        if (*p == '"')
            fc_buf_char(b, '"');
        fc_buf_char(b, *p);
    }
    fc_buf_char(b, '"');
}

/* ---- cursors ---- */

static const char base64url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void fc_cursor_make(const char *text, char out[FC_CURSOR_TEXT])
{
    size_t n = strlen(text), o = 0;
    unsigned bits = 0, have = 0;
    for (size_t i = 0; i < n && o + 3 < FC_CURSOR_TEXT; i++) {
        bits = bits << 8 | (unsigned char)text[i];
        for (have += 8; have >= 6; have -= 6)
            out[o++] = base64url[bits >> (have - 6) & 63];
    }
    if (have > 0)
        out[o++] = base64url[bits << (6 - have) & 63];
    out[o] = 0;
}

enum fc_status fc_cursor_read(const char *cursor, char *out, size_t cap, struct fc_error *e)
{
    size_t n = 0;
    unsigned bits = 0, have = 0;
    for (const char *p = cursor; *p; p++) {
        const char *at = strchr(base64url, *p);
        if (!at)
            goto bad;
        bits = bits << 6 | (unsigned)(at - base64url);
        have += 6;
        if (have < 8)
            continue;
        have -= 8;
        char c = (char)(bits >> have);
        if (c == 0 || n + 1 >= cap)
            goto bad;
        out[n++] = c;
    }
    /* What is left over must be the zero bits of the last letter. */
    if (n == 0 || have >= 6 || (bits & ((1u << have) - 1)) != 0)
        goto bad;
    out[n] = 0;
    return FC_OK;
bad:
    return fc_fail(e, FC_INVALID, "bad_cursor", "cursor \"%.40s\" is none that this server gave out", cursor);
}
