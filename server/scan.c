/* scan.c: the pull reader over checked JSON, and UTF-8. See scan.h. */
#include "scan.h"

#include "buf.h"

#include <stdio.h>
#include <string.h>

/* ---- UTF-8 ---- */

bool fc_utf8_valid(const char *text, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t k = fc_utf8_sequence(text + i, n - i);
        if (k == 0)
            return false;
        i += k;
    }
    return true;
}

/* ---- the pull reader ---- */

static void skip_space(struct fc_json_reader *r)
{
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\n' || *r->p == '\r' || *r->p == '\t'))
        r->p++;
}

void fc_json_reader_init(struct fc_json_reader *r, const char *text, size_t n)
{
    *r = (struct fc_json_reader){text, text + n};
}

enum fc_json_kind fc_json_kind(struct fc_json_reader *r)
{
    skip_space(r);
    if (r->p >= r->end)
        return FC_JSON_END;
    switch (*r->p) {
    case '"': return FC_JSON_STRING;
    case '[': return FC_JSON_ARRAY;
    case '{': return FC_JSON_OBJECT;
    case 'n': return FC_JSON_NULL;
    case 't': return FC_JSON_TRUE;
    case 'f': return FC_JSON_FALSE;
    case '-': case '0': case '1': case '2': case '3': case '4':
    case '5': case '6': case '7': case '8': case '9': return FC_JSON_NUMBER;
    default: return FC_JSON_END;
    }
}

void fc_json_enter(struct fc_json_reader *r)
{
    skip_space(r);
    if (r->p < r->end)
        r->p++;
}

bool fc_json_next(struct fc_json_reader *r)
{
    skip_space(r);
    if (r->p >= r->end)
        return false;
    if (*r->p == ']' || *r->p == '}') {
        r->p++;
        return false;
    }
    if (*r->p == ',') {
        r->p++;
        skip_space(r);
    }
    return r->p < r->end;
}

bool fc_json_next_key(struct fc_json_reader *r, struct fc_json_text *key)
{
    if (!fc_json_next(r))
        return false;
    *key = fc_json_string(r);
    skip_space(r);
    if (r->p < r->end) /* the colon */
        r->p++;
    return true;
}

double fc_json_number(struct fc_json_reader *r)
{
    double x = 0;
    skip_space(r);
    const char *p = fc_scan_json_number(r->p, r->end, &x);
    if (p)
        r->p = p;
    else
        fc_json_skip(r);
    return x;
}

struct fc_json_text fc_json_string(struct fc_json_reader *r)
{
    skip_space(r);
    if (r->p < r->end)
        r->p++;
    struct fc_json_text t = {r->p, 0, false};
    while (r->p < r->end && *r->p != '"') {
        if (*r->p == '\\') {
            t.escaped = true;
            r->p += r->end - r->p > 1;
        }
        r->p++;
    }
    t.n = (size_t)(r->p - t.text);
    if (r->p < r->end)
        r->p++;
    return t;
}

/* Depth is counted, not recursed into: the brackets of checked text match. */
static void skip_container(struct fc_json_reader *r)
{
    size_t depth = 0;
    while (r->p < r->end) {
        char c = *r->p;
        if (c == '"') {
            (void)fc_json_string(r);
            continue;
        }
        r->p++;
        if (c == '[' || c == '{')
            depth++;
        else if ((c == ']' || c == '}') && --depth == 0)
            return;
    }
}

void fc_json_skip(struct fc_json_reader *r)
{
    switch (fc_json_kind(r)) {
    case FC_JSON_STRING: (void)fc_json_string(r); break;
    case FC_JSON_ARRAY:
    case FC_JSON_OBJECT: skip_container(r); break;
    default:
        if (r->p < r->end)
            r->p++;
        while (r->p < r->end && *r->p != ',' && *r->p != ']' && *r->p != '}' && (unsigned char)*r->p > ' ')
            r->p++;
    }
}

static unsigned hex4(const char *p)
{
    unsigned x = 0;
    for (int i = 0; i < 4; i++) {
        unsigned char c = (unsigned char)p[i];
        x = x << 4 | (c <= '9' ? c - 48u : (c | 32u) - 87u) % 16;
    }
    return x;
}

static size_t put_utf8(unsigned code, char *out)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3F));
    out[0] = (char)((n == 2 ? 0xC0 : n == 3 ? 0xE0 : 0xF0) | code);
    return n;
}

/* One escape sequence at p (its backslash): how many bytes it takes and makes. */
static size_t unescape_one(const char *p, const char *end, char *out, size_t *made)
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    *made = 1;
    if (end - p < 2) {
        *out = *p;
        return 1;
    }
    if (p[1] != 'u' || end - p < 6) {
        const char *at = strchr(from, p[1]);
        *out = at && *at ? to[at - from] : p[1];
        return 2;
    }
    unsigned code = hex4(p + 2);
    size_t taken = 6;
    if (code >= 0xD800 && code < 0xDC00 && end - p >= 12) {
        code = 0x10000 + ((code - 0xD800) << 10) + ((hex4(p + 8) - 0xDC00) & 0x3FF);
        taken = 12;
    }
    *made = put_utf8(code, out);
    return taken;
}

size_t fc_json_unescape(const struct fc_json_text *t, char *out)
{
    if (!t->escaped) {
        memcpy(out, t->text, t->n);
        return t->n;
    }
    const char *p = t->text, *end = t->text + t->n;
    size_t n = 0;
    while (p < end) {
        if (*p != '\\') {
            out[n++] = *p++;
            continue;
        }
        size_t made;
        p += unescape_one(p, end, out + n, &made);
        n += made;
    }
    return n;
}

/* The unescaped bytes of a string one by one, without room for the whole. */
struct plain_bytes {
    const char *p, *end;
    char made[4];
    size_t i, n;
};

/* The next byte, -1 at the end. */
static int next_byte(struct plain_bytes *s)
{
    if (s->i < s->n)
        return (unsigned char)s->made[s->i++];
    if (s->p >= s->end)
        return -1;
    if (*s->p != '\\')
        return (unsigned char)*s->p++;
    s->p += unescape_one(s->p, s->end, s->made, &s->n);
    s->i = 1;
    return (unsigned char)s->made[0];
}

bool fc_json_text_is(const struct fc_json_text *t, const char *word)
{
    struct fc_json_text w = {word, strlen(word), false};
    return (t->escaped || t->n == w.n) && fc_json_text_compare(t, &w) == 0;
}

int fc_json_text_compare(const struct fc_json_text *a, const struct fc_json_text *b)
{
    if (!a->escaped && !b->escaped) {
        int order = memcmp(a->text, b->text, a->n < b->n ? a->n : b->n);
        return order ? order : (a->n > b->n) - (a->n < b->n);
    }
    struct plain_bytes s = {.p = a->text, .end = a->text + a->n}, t = {.p = b->text, .end = b->text + b->n};
    int x, y;
    do {
        x = next_byte(&s);
        y = next_byte(&t);
    } while (x == y && x >= 0);
    return x - y;
}

uint32_t fc_json_text_hash(const struct fc_json_text *t)
{
    struct plain_bytes s = {.p = t->text, .end = t->text + t->n};
    uint32_t h = 2166136261u; /* FNV-1a */
    if (!t->escaped) {
        for (size_t i = 0; i < t->n; i++)
            h = (h ^ (unsigned char)t->text[i]) * 16777619u;
        return h;
    }
    for (int b; (b = next_byte(&s)) >= 0;)
        h = (h ^ (unsigned)b) * 16777619u;
    return h;
}

size_t fc_json_pointer_add(char *out, size_t n, size_t cap, const char *segment, size_t len)
{
    if (n + 1 < cap)
        out[n++] = '/';
    for (size_t i = 0; i < len && n + 2 < cap; i++) {
        bool special = segment[i] == '~' || segment[i] == '/';
        out[n++] = special ? '~' : segment[i];
        if (special)
            out[n++] = segment[i] == '~' ? '0' : '1';
    }
    out[n] = 0;
    return n;
}

size_t fc_json_pointer_add_index(char *out, size_t n, size_t cap, size_t index)
{
    char text[24];
    int len = snprintf(text, sizeof text, "%zu", index);
    return fc_json_pointer_add(out, n, cap, text, (size_t)len);
}
