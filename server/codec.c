/* codec.c: JSON documents to plain values. See codec.h. */
#include "codec.h"

#include "scan.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- building the tree ---- */

struct build {
    struct fc_json_reader r;
    size_t left; /* values that may still come */
    struct fc_error *e;
};

static enum fc_status build_value(struct build *b, cJSON **out);

static char *text_of(const struct fc_json_text *t)
{
    char *text = cJSON_malloc(t->n + 1);
    if (text)
        text[fc_json_unescape(t, text)] = 0;
    return text;
}

static enum fc_status build_string(struct build *b, cJSON **out)
{
    struct fc_json_text t = fc_json_string(&b->r);
    cJSON *v = cJSON_CreateNull();
    char *text = text_of(&t);
    if (!v || !text) {
        cJSON_Delete(v);
        cJSON_free(text);
        return fc_fail_nomem(b->e, t.n + 1);
    }
    v->type = cJSON_String;
    v->valuestring = text;
    *out = v;
    return FC_OK;
}

static enum fc_status build_container(struct build *b, bool object, cJSON **out)
{
    enum fc_status s = FC_OK;
    struct fc_json_text key;
    cJSON *all = object ? cJSON_CreateObject() : cJSON_CreateArray();
    if (!all)
        return fc_fail_nomem(b->e, sizeof *all);
    fc_json_enter(&b->r);
    while (s == FC_OK && (object ? fc_json_next_key(&b->r, &key) : fc_json_next(&b->r))) {
        cJSON *v = NULL;
        s = build_value(b, &v);
        if (s == FC_OK && object && !(v->string = text_of(&key)))
            s = fc_fail_nomem(b->e, key.n + 1);
        if (s == FC_OK)
            cJSON_AddItemToArray(all, v); /* links it; can't fail for two nodes that exist */
        else
            cJSON_Delete(v);
    }
    if (s == FC_OK)
        *out = all;
    else
        cJSON_Delete(all);
    return s;
}

static enum fc_status build_value(struct build *b, cJSON **out)
{
    if (b->left-- == 0)
        return fc_fail(b->e, FC_TOO_LARGE, "document_too_large", "the document holds more than %d values", FC_DOC_VALUES);
    cJSON *v = NULL;
    enum fc_json_kind kind = fc_json_kind(&b->r);
    switch (kind) {
    case FC_JSON_OBJECT:
    case FC_JSON_ARRAY: return build_container(b, kind == FC_JSON_OBJECT, out);
    case FC_JSON_STRING: return build_string(b, out);
    case FC_JSON_NUMBER: v = cJSON_CreateNumber(fc_json_number(&b->r)); break;
    case FC_JSON_TRUE:
    case FC_JSON_FALSE: v = cJSON_CreateBool(kind == FC_JSON_TRUE); fc_json_skip(&b->r); break;
    default: v = cJSON_CreateNull(); fc_json_skip(&b->r);
    }
    if (!v)
        return fc_fail_nomem(b->e, sizeof *v);
    *out = v;
    return FC_OK;
}

static enum fc_status parse(const char *text, size_t n, cJSON **out, struct fc_error *e)
{
    struct build b = {.left = FC_DOC_VALUES, .e = e};
    enum fc_status s = fc_json_check(text, n, e);
    if (s != FC_OK)
        return s;
    fc_json_reader_init(&b.r, text, n);
    return build_value(&b, out);
}

enum fc_status fc_doc_parse(const struct fc_buf *body, cJSON **out, struct fc_error *e)
{
    cJSON *v = NULL;
    char shown[FC_SHOWN];
    enum fc_status s = parse(body->data ? body->data : "", body->n, &v, e);
    if (s != FC_OK)
        return s;
    if (!cJSON_IsObject(v)) {
        s = fc_fail_at(e, FC_INVALID, "wrong_type", "", "the body must be an object, not %s", fc_doc_show(v, shown));
        cJSON_Delete(v);
        return s;
    }
    *out = v;
    return FC_OK;
}

/* ---- walking ---- */

const cJSON *fc_doc_get(const cJSON *object, const char *key)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNull(v) ? NULL : v;
}

bool fc_doc_has(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key) != NULL;
}

bool fc_doc_is_object(const cJSON *v) { return cJSON_IsObject(v); }
bool fc_doc_is_array(const cJSON *v) { return cJSON_IsArray(v); }
bool fc_doc_is_string(const cJSON *v) { return cJSON_IsString(v); }
bool fc_doc_is_number(const cJSON *v) { return cJSON_IsNumber(v); }
const char *fc_doc_text(const cJSON *v) { return cJSON_IsString(v) ? v->valuestring : NULL; }
double fc_doc_value(const cJSON *v) { return cJSON_IsNumber(v) ? v->valuedouble : NAN; }
const cJSON *fc_doc_first(const cJSON *a) { return a ? a->child : NULL; }
const cJSON *fc_doc_next(const cJSON *v) { return v->next; }

size_t fc_doc_count(const cJSON *a)
{
    size_t n = 0;
    for (const cJSON *v = fc_doc_first(a); v; v = v->next)
        n++;
    return n;
}

const char *fc_doc_show(const cJSON *v, char out[FC_SHOWN])
{
    struct fc_buf b = {0};
    if (cJSON_IsString(v)) {
        size_t n = strlen(v->valuestring), cut = n;
        if (n > 40)
            for (cut = 40; cut > 0 && ((unsigned char)v->valuestring[cut] & 0xC0) == 0x80; cut--)
                ;
        fc_buf_json_string(&b, v->valuestring, cut);
        if (cut < n)
            fc_buf_text(&b, "…");
    } else if (cJSON_IsObject(v) || cJSON_IsArray(v)) {
        fc_buf_text(&b, !v->child ? (cJSON_IsArray(v) ? "[]" : "{}") : cJSON_IsArray(v) ? "an array" : "an object");
    } else if (v) {
        fc_doc_print(&b, v);
    } else {
        fc_buf_text(&b, "null");
    }
    snprintf(out, FC_SHOWN, "%.*s", b.failed ? 0 : (int)b.n, b.data ? b.data : "");
    fc_buf_free(&b);
    return out;
}

/* ---- errors and names ---- */

static void pointer_to(char out[256], const char *at, const char *key)
{
    int n = snprintf(out, 256, "%s", at);
    fc_json_pointer_add(out, n < 255 ? (size_t)n : 255, 256, key, strlen(key));
}

/* `key must be <wanted>, not <value>` */
static enum fc_status fail_field(struct fc_error *e, const char *code, const char *at, const char *key, const cJSON *v, const char *wanted)
{
    char pointer[256], shown[FC_SHOWN];
    pointer_to(pointer, at, key);
    return fc_fail_at(e, FC_INVALID, code, pointer, "%s must be %s, not %s", key, wanted, fc_doc_show(v, shown));
}

/* Is key one of the words of names, which single spaces part? */
static bool is_one_of(const char *names, const char *key)
{
    size_t n = strlen(key);
    for (const char *p = names; *p;) {
        size_t len = strcspn(p, " ");
        if (len == n && memcmp(p, key, n) == 0)
            return true;
        p += len + (p[len] == ' ');
    }
    return false;
}

enum fc_status fc_doc_only(const cJSON *object, const char *at, const char *names, struct fc_error *e)
{
    for (const cJSON *v = fc_doc_first(object); v; v = v->next) {
        if (is_one_of(names, v->string))
            continue;
        char pointer[256];
        pointer_to(pointer, at, v->string);
        return fc_fail_at(e, FC_INVALID, "unknown_field", pointer, "unknown field \"%.64s\"; known here: %s", v->string, names);
    }
    return FC_OK;
}

enum fc_status fc_doc_require(const cJSON *object, const char *at, const char *names, struct fc_error *e)
{
    for (const char *p = names; *p;) {
        char key[64], pointer[256];
        size_t len = strcspn(p, " ");
        snprintf(key, sizeof key, "%.*s", (int)len, p);
        p += len + (p[len] == ' ');
        if (fc_doc_get(object, key))
            continue;
        pointer_to(pointer, at, key);
        return fc_fail_at(e, FC_INVALID, "missing_field", pointer, "%s is required", key);
    }
    return FC_OK;
}

/* ---- getters ---- */

/* The member of this name; *out is left as it is when there is none. "wrong_type" when it is not what `is` says. */
static enum fc_status member(const cJSON *object, const char *at, const char *key, cJSON_bool (*is)(const cJSON *), const char *wanted,
                             const cJSON **out, struct fc_error *e)
{
    const cJSON *v = fc_doc_get(object, key);
    if (!v)
        return FC_OK;
    if (!is(v))
        return fail_field(e, "wrong_type", at, key, v, wanted);
    *out = v;
    return FC_OK;
}

enum fc_status fc_doc_string(const cJSON *object, const char *at, const char *key, size_t max, const char **out, struct fc_error *e)
{
    const cJSON *v = NULL;
    char wanted[64];
    enum fc_status s = member(object, at, key, cJSON_IsString, "a string", &v, e);
    if (s != FC_OK || !v)
        return s;
    size_t n = strlen(v->valuestring);
    snprintf(wanted, sizeof wanted, "1 to %zu bytes long", max);
    if (n < 1 || n > max)
        return fail_field(e, "bad_length", at, key, v, wanted);
    *out = v->valuestring;
    return FC_OK;
}

enum fc_status fc_doc_number(const cJSON *object, const char *at, const char *key, double lo, double hi, double *out, struct fc_error *e)
{
    const cJSON *v = NULL;
    char wanted[96];
    enum fc_status s = member(object, at, key, cJSON_IsNumber, "a number", &v, e);
    if (s != FC_OK || !v)
        return s;
    snprintf(wanted, sizeof wanted, "%.15g to %.15g", lo, hi);
    if (!(v->valuedouble >= lo && v->valuedouble <= hi))
        return fail_field(e, "out_of_range", at, key, v, wanted);
    *out = v->valuedouble;
    return FC_OK;
}

enum fc_status fc_doc_uint(const cJSON *object, const char *at, const char *key, uint64_t lo, uint64_t hi, uint64_t *out, struct fc_error *e)
{
    const cJSON *v = NULL;
    char wanted[96];
    enum fc_status s = member(object, at, key, cJSON_IsNumber, "a whole number", &v, e);
    if (s != FC_OK || !v)
        return s;
    double x = v->valuedouble;
    snprintf(wanted, sizeof wanted, "a whole number from %llu to %llu", (unsigned long long)lo, (unsigned long long)hi);
    /* Beyond 2^53 a JSON number no longer says which integer it means. */
    if (!(x >= 0 && x <= 0x1p53 && x == floor(x)) || (uint64_t)x < lo || (uint64_t)x > hi)
        return fail_field(e, "out_of_range", at, key, v, wanted);
    *out = (uint64_t)x;
    return FC_OK;
}

enum fc_status fc_doc_uint32(const cJSON *object, const char *at, const char *key, uint32_t lo, uint32_t hi, uint32_t *out, struct fc_error *e)
{
    uint64_t x = *out;
    enum fc_status s = fc_doc_uint(object, at, key, lo, hi, &x, e);
    if (s == FC_OK)
        *out = (uint32_t)x;
    return s;
}

enum fc_status fc_doc_bool(const cJSON *object, const char *at, const char *key, bool *out, struct fc_error *e)
{
    const cJSON *v = NULL;
    enum fc_status s = member(object, at, key, cJSON_IsBool, "true or false", &v, e);
    if (s != FC_OK || !v)
        return s;
    *out = cJSON_IsTrue(v);
    return FC_OK;
}

enum fc_status fc_doc_object(const cJSON *object, const char *at, const char *key, const cJSON **out, struct fc_error *e)
{
    return member(object, at, key, cJSON_IsObject, "an object", out, e);
}

enum fc_status fc_doc_array(const cJSON *object, const char *at, const char *key, const cJSON **out, struct fc_error *e)
{
    return member(object, at, key, cJSON_IsArray, "an array", out, e);
}

/* The calendar says what is wrong with a step; where it stood is known here. */
enum fc_status fc_doc_step(const cJSON *object, const char *at, const char *key, struct fc_step *out, struct fc_error *e)
{
    const cJSON *v = NULL;
    enum fc_status s = member(object, at, key, cJSON_IsString, "a step such as \"1h\"", &v, e);
    if (s != FC_OK || !v)
        return s;
    struct fc_error why;
    char pointer[256];
    s = fc_step_parse(v->valuestring, strlen(v->valuestring), out, &why);
    if (s == FC_OK)
        return FC_OK;
    pointer_to(pointer, at, key);
    return fc_fail_at(e, s, why.code, pointer, "%s: %s", key, why.detail);
}

enum fc_status fc_doc_season(const cJSON *object, const char *at, const char *key, struct fc_season *out, struct fc_error *e)
{
    const cJSON *v = fc_doc_get(object, key);
    double period[FC_SEASONS + 1];
    char pointer[256];
    size_t n = 0;
    if (!v)
        return FC_OK;
    if (!cJSON_IsNumber(v) && !cJSON_IsArray(v))
        return fail_field(e, "wrong_type", at, key, v, "a number or an array of numbers");
    for (const cJSON *p = cJSON_IsArray(v) ? v->child : v; p && n <= FC_SEASONS; p = p->next) {
        if (!cJSON_IsNumber(p))
            return fail_field(e, "wrong_type", at, key, p, "a number or an array of numbers");
        period[n++] = p->valuedouble;
        if (p == v)
            break;
    }
    pointer_to(pointer, at, key);
    return fc_season_from(period, n, pointer, cJSON_IsArray(v), out, e);
}

/* ---- rules that more than one codec needs ---- */

enum fc_status fc_season_from(const double *x, size_t n, const char *pointer, bool is_array, struct fc_season *out, struct fc_error *e)
{
    struct fc_season season = {0};
    char where[256];
    if (n > FC_SEASONS)
        return fc_fail_at(e, FC_INVALID, "bad_season", pointer, "season must hold at most %d periods", FC_SEASONS);
    for (size_t i = 0; i < n; i++) {
        int len = snprintf(where, sizeof where, "%s", pointer);
        if (is_array && len < (int)sizeof where)
            fc_json_pointer_add_index(where, (size_t)len, sizeof where, i);
        if (!(x[i] >= 2 && x[i] <= FC_PERIOD_MAX && x[i] == floor(x[i])))
            return fc_fail_at(e, FC_INVALID, "bad_season", where, "season must be a whole number of steps from 2 to %d, not %.15g", FC_PERIOD_MAX, x[i]);
        if (i > 0 && !(x[i] > x[i - 1]))
            return fc_fail_at(e, FC_INVALID, "bad_season", where, "season must be ascending, no period twice: %.15g follows %.15g", x[i], x[i - 1]);
        season.period[season.n++] = (uint32_t)x[i];
    }
    *out = season;
    return FC_OK;
}

enum fc_status fc_id_check(const char *id, size_t n, const char *pointer, struct fc_error *e)
{
    if (n < 1 || n > FC_ID_MAX)
        return fc_fail_at(e, FC_INVALID, "bad_series_id", pointer, "a series id must be 1 to %d bytes long, not %zu", FC_ID_MAX, n);
    if (!fc_utf8_valid(id, n))
        return fc_fail_at(e, FC_INVALID, "bad_series_id", pointer, "a series id must be valid UTF-8");
    for (size_t i = 0; i < n; i++) {
        unsigned char b = (unsigned char)id[i];
        /* C0, DEL, and C1 (C2 80 to C2 9F) */
        if (b < 0x20 || b == 0x7F || (b == 0xC2 && (unsigned char)id[i + 1] < 0xA0))
            return fc_fail_at(e, FC_INVALID, "bad_series_id", pointer, "a series id must not hold control characters (byte %zu)", i);
    }
    if ((n == 1 && id[0] == '.') || (n == 2 && id[0] == '.' && id[1] == '.'))
        return fc_fail_at(e, FC_INVALID, "bad_series_id", pointer, "a series id must not be \"%.*s\"", (int)n, id);
    return FC_OK;
}
