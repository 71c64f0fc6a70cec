/* scan_json.c: the strict check of a whole JSON body. See fc_json_check in scan.h.
 *
 * Recursive descent, at most FC_JSON_DEPTH deep. Each open array or object has a frame, from which the JSON pointer of an error is made; each
 * key of an open object has an entry of 8 bytes on one shared stack, sorted and compared when the object ends: hash first, bytes when the hashes
 * are equal, so that keys made to collide cost no more than a longer sort. */
#include "scan.h"

#include "buf.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SORT_FROM 8 /* objects with fewer keys are compared pair by pair */
#define SHOWN_KEY 200 /* bytes of a key in a pointer */

struct key { uint32_t hash, at; }; /* at: offset of the first byte between the quotes */

struct frame {
    bool object;
    size_t index; /* of the element that is being read */
    size_t key;   /* offset of the member's key */
};

struct check {
    const char *text, *p, *end;
    struct frame frame[FC_JSON_DEPTH];
    size_t depth;
    struct key *key; /* owned: keys of all open objects, innermost last */
    size_t keys, key_cap;
    struct fc_error *e;
};

static enum fc_status check_value(struct check *c);

/* ---- errors ---- */

/* The string that starts at offset `at`, which was scanned already. */
static struct fc_json_text key_at(const struct check *c, size_t at)
{
    struct fc_json_reader r;
    fc_json_reader_init(&r, c->text + at - 1, (size_t)(c->end - c->text) - at + 1);
    return fc_json_string(&r);
}

/* The bytes of the character or escape sequence at p; an escaped pair of surrogates is one. */
static size_t unit_length(const char *p, size_t left)
{
    if (*p != '\\' || left < 2)
        return fc_utf8_sequence(p, left) ? fc_utf8_sequence(p, left) : 1;
    if (p[1] != 'u' || left < 6)
        return 2;
    return (p[2] == 'd' || p[2] == 'D') && strchr("89abAB", p[3]) ? 12 : 6;
}

/* Long keys are cut between characters. */
static struct fc_json_text cut_key(struct fc_json_text t)
{
    size_t n = 0;
    for (size_t unit; n < t.n; n += unit) {
        unit = unit_length(t.text + n, t.n - n);
        if (n + unit > t.n || n + unit > SHOWN_KEY)
            break;
    }
    t.n = n;
    return t;
}

static void make_pointer(const struct check *c, char *out, size_t cap)
{
    size_t n = 0;
    out[0] = 0;
    for (size_t i = 0; i < c->depth; i++) {
        char plain[SHOWN_KEY];
        const struct frame *f = &c->frame[i];
        if (!f->object) {
            n = fc_json_pointer_add_index(out, n, cap, f->index);
            continue;
        }
        struct fc_json_text k = cut_key(key_at(c, f->key));
        n = fc_json_pointer_add(out, n, cap, plain, fc_json_unescape(&k, plain));
    }
}

static enum fc_status fail_here(struct check *c, const char *what)
{
    size_t line = 1, column = 1;
    for (const char *p = c->text; p < c->p; p++) {
        column = *p == '\n' ? 1 : column + (((unsigned char)*p & 0xC0) != 0x80);
        line += *p == '\n';
    }
    char found[32] = "the end of the body";
    if (c->p < c->end)
        snprintf(found, sizeof found, *c->p > ' ' && *c->p < 0x7F ? "'%c'" : "the byte 0x%02X", (unsigned char)*c->p);
    return fc_fail(c->e, FC_UNREADABLE, "invalid_json", "invalid JSON at line %zu, column %zu (byte %zu): %s, found %s", line, column,
                   (size_t)(c->p - c->text), what, found);
}

static enum fc_status fail_value(struct check *c, const char *code, const char *what, const char *text, size_t n)
{
    char pointer[256];
    make_pointer(c, pointer, sizeof pointer);
    return fc_fail_at(c->e, FC_INVALID, code, pointer, "%s: %s %.*s", pointer[0] ? pointer : "the body", what, n > 64 ? 64 : (int)n, text);
}

/* ---- scalars ---- */

static void skip_space(struct check *c)
{
    while (c->p < c->end && (*c->p == ' ' || *c->p == '\n' || *c->p == '\r' || *c->p == '\t'))
        c->p++;
}

static bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

/* Only a number with an exponent or with hundreds of digits can leave the range of a double: the others are not converted. */
static enum fc_status check_number(struct check *c)
{
    const char *start = c->p, *p = c->p, *end = c->end;
    bool exponent = false;
    p += *p == '-';
    const char *digits = p;
    while (p < end && is_digit(*p))
        p++;
    c->p = p;
    if (p == digits)
        return fail_here(c, "expected a digit");
    if (*digits == '0' && p - digits > 1) {
        c->p = digits;
        return fail_here(c, "a number must not have leading zeros");
    }
    if (p < end && *p == '.') {
        const char *fraction = ++p;
        while (p < end && is_digit(*p))
            p++;
        c->p = p;
        if (p == fraction)
            return fail_here(c, "expected a digit after the decimal point");
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        exponent = true;
        p++;
        p += p < end && (*p == '+' || *p == '-');
        const char *power = p;
        while (p < end && is_digit(*p))
            p++;
        c->p = p;
        if (p == power)
            return fail_here(c, "expected a digit in the exponent");
    }
    double x;
    if ((exponent || p - start > 300) && fc_scan_json_number(start, p, &x) && isinf(x))
        return fail_value(c, "number_out_of_range", "the number is too large for a double:", start, (size_t)(p - start));
    c->p = p;
    return FC_OK;
}

static int hex4(const char *p)
{
    int x = 0;
    for (int i = 0; i < 4; i++) {
        char d = p[i];
        int v = d >= '0' && d <= '9' ? d - '0' : (d | 32) >= 'a' && (d | 32) <= 'f' ? (d | 32) - 'a' + 10 : -1;
        if (v < 0)
            return -1;
        x = x << 4 | v;
    }
    return x;
}

/* c->p stands at the backslash. */
static enum fc_status check_escape(struct check *c)
{
    const char *p = c->p;
    if (c->end - p < 2)
        return fail_here(c, "an escape sequence is broken off");
    if (p[1] && strchr("\"\\/bfnrt", p[1])) {
        c->p += 2;
        return FC_OK;
    }
    int code = p[1] == 'u' && c->end - p >= 6 ? hex4(p + 2) : -1;
    if (code < 0)
        return fail_here(c, "invalid escape sequence");
    if (code == 0)
        return fail_value(c, "nul_character", "a text must not hold a NUL:", p, 6);
    c->p += 6;
    if (code < 0xD800 || code > 0xDFFF)
        return FC_OK;
    int low = code < 0xDC00 && c->end - p >= 12 && p[6] == '\\' && p[7] == 'u' ? hex4(p + 8) : -1;
    if (low < 0xDC00 || low > 0xDFFF) {
        c->p = p;
        return fail_here(c, "a lone surrogate is no character");
    }
    c->p += 6;
    return FC_OK;
}

/* Passes over bytes that are plain ASCII inside a string, eight at a time. */
static const char *skip_plain(const char *p, const char *end)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), high = ones << 7;
    while (end - p >= 8) {
        uint64_t x;
        memcpy(&x, p, 8);
        uint64_t quote = x ^ (ones * '"'), slash = x ^ (ones * '\\');
        if ((x | (x - ones * 0x20) | (quote - ones) | (slash - ones)) & high)
            break;
        p += 8;
    }
    while (p < end && (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x80 && *p != '"' && *p != '\\')
        p++;
    return p;
}

/* c->p stands at the opening quote. */
static enum fc_status check_string(struct check *c)
{
    const char *open = c->p++;
    for (;;) {
        c->p = skip_plain(c->p, c->end);
        if (c->p >= c->end) {
            c->p = open;
            return fail_here(c, "a string is never closed");
        }
        unsigned char b = (unsigned char)*c->p;
        if (b == '"') {
            c->p++;
            return FC_OK;
        }
        if (b == '\\') {
            enum fc_status s = check_escape(c);
            if (s != FC_OK)
                return s;
            continue;
        }
        if (b < 0x20)
            return fail_here(c, "a control character must be escaped");
        size_t n = fc_utf8_sequence(c->p, (size_t)(c->end - c->p));
        if (n == 0)
            return fail_here(c, "invalid UTF-8");
        c->p += n;
    }
}

/* ---- keys ---- */

/* Remembers the key whose opening quote stands at c->p, and passes over it. */
static enum fc_status add_key(struct check *c)
{
    size_t at = (size_t)(c->p + 1 - c->text);
    if (c->keys == c->key_cap) {
        size_t cap = c->key_cap ? c->key_cap * 2 : 64;
        struct key *grown = realloc(c->key, cap * sizeof *grown);
        if (!grown)
            return fc_fail_nomem(c->e, cap * sizeof *grown);
        c->key = grown;
        c->key_cap = cap;
    }
    c->frame[c->depth - 1].key = at;
    enum fc_status s = check_string(c);
    if (s != FC_OK)
        return s;
    struct fc_json_text t = {c->text + at, (size_t)(c->p - 1 - c->text) - at, false};
    t.escaped = memchr(t.text, '\\', t.n) != NULL;
    c->key[c->keys++] = (struct key){fc_json_text_hash(&t), (uint32_t)at};
    return FC_OK;
}

static int compare_bytes(const struct check *c, const struct key *a, const struct key *b)
{
    struct fc_json_text s = key_at(c, a->at), t = key_at(c, b->at);
    return fc_json_text_compare(&s, &t);
}

/* For qsort_r: by hash, then bytes, then place. */
static int compare_keys(const void *a, const void *b, void *ctx)
{
    const struct key *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    int order = compare_bytes(ctx, x, y);
    return order ? order : (x->at > y->at) - (x->at < y->at);
}

/* The object whose keys are key[from, keys) has ended: are they all different? Forgets them. */
static enum fc_status end_keys(struct check *c, size_t from)
{
    struct key *k = c->key + from;
    size_t n = c->keys - from, twice = 0;
    c->keys = from;
    if (n < SORT_FROM) {
        for (size_t i = 1; i < n && !twice; i++)
            for (size_t j = 0; j < i && !twice; j++)
                if (k[i].hash == k[j].hash && compare_bytes(c, &k[i], &k[j]) == 0)
                    twice = k[i].at;
    } else {
        qsort_r(k, n, sizeof *k, compare_keys, c);
        for (size_t i = 1; i < n; i++)
            if (k[i].hash == k[i - 1].hash && (!twice || k[i].at < twice) && compare_bytes(c, &k[i], &k[i - 1]) == 0)
                twice = k[i].at;
    }
    if (!twice)
        return FC_OK;
    c->frame[c->depth - 1].key = twice;
    struct fc_json_text t = key_at(c, twice);
    return fail_value(c, "duplicate_key", "the object holds this key more than once:", t.text, t.n);
}

/* ---- values ---- */

static enum fc_status open_frame(struct check *c, bool object)
{
    if (c->depth == FC_JSON_DEPTH)
        return fail_here(c, "nested deeper than 64 levels");
    c->frame[c->depth++] = (struct frame){object, 0, 0};
    c->p++;
    skip_space(c);
    return FC_OK;
}

static enum fc_status check_array(struct check *c)
{
    enum fc_status s = open_frame(c, false);
    if (s != FC_OK)
        return s;
    struct frame *f = &c->frame[c->depth - 1];
    if (c->p < c->end && *c->p == ']') {
        c->p++;
        c->depth--;
        return FC_OK;
    }
    for (;; f->index++) {
        /* Numbers are most of what comes: no call through check_value for them. */
        s = c->p < c->end && (is_digit(*c->p) || *c->p == '-') ? check_number(c) : check_value(c);
        if (s != FC_OK)
            return s;
        skip_space(c);
        if (c->p < c->end && *c->p == ',') {
            c->p++;
            skip_space(c);
        } else if (c->p < c->end && *c->p == ']') {
            c->p++;
            c->depth--;
            return FC_OK;
        } else {
            return fail_here(c, "expected ',' or ']'");
        }
    }
}

/* "key": value */
static enum fc_status check_member(struct check *c)
{
    if (c->p >= c->end || *c->p != '"')
        return fail_here(c, "expected a key in quotes");
    enum fc_status s = add_key(c);
    if (s != FC_OK)
        return s;
    skip_space(c);
    if (c->p >= c->end || *c->p != ':')
        return fail_here(c, "expected ':'");
    c->p++;
    skip_space(c);
    return check_value(c);
}

static enum fc_status check_object(struct check *c)
{
    size_t from = c->keys;
    enum fc_status s = open_frame(c, true);
    if (s != FC_OK)
        return s;
    bool more = !(c->p < c->end && *c->p == '}');
    while (more) {
        s = check_member(c);
        if (s != FC_OK)
            return s;
        skip_space(c);
        if (c->p >= c->end || (*c->p != ',' && *c->p != '}'))
            return fail_here(c, "expected ',' or '}'");
        more = *c->p == ',';
        if (more) {
            c->p++;
            skip_space(c);
        }
    }
    c->p++;
    s = end_keys(c, from);
    c->depth--;
    return s;
}

static enum fc_status check_word(struct check *c, const char *word, size_t n)
{
    if ((size_t)(c->end - c->p) < n || memcmp(c->p, word, n) != 0)
        return fail_here(c, "expected a value");
    c->p += n;
    return FC_OK;
}

/* c->p stands at the first byte of the value. */
static enum fc_status check_value(struct check *c)
{
    switch (c->p < c->end ? *c->p : 0) {
    case '{': return check_object(c);
    case '[': return check_array(c);
    case '"': return check_string(c);
    case 't': return check_word(c, "true", 4);
    case 'f': return check_word(c, "false", 5);
    case 'n': return check_word(c, "null", 4);
    case '-': case '0': case '1': case '2': case '3': case '4':
    case '5': case '6': case '7': case '8': case '9': return check_number(c);
    default: return fail_here(c, "expected a value");
    }
}

enum fc_status fc_json_check(const char *text, size_t n, struct fc_error *e)
{
    struct check c = {.text = text, .p = text, .end = text + n, .e = e};
    if (n > UINT32_MAX)
        return fc_fail(e, FC_TOO_LARGE, "body_too_large", "a JSON body of %zu bytes is more than can be read", n);
    skip_space(&c);
    if (c.p == c.end)
        return fc_fail(e, FC_UNREADABLE, "empty_body", "the body is empty");
    enum fc_status s;
    if (n >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
        s = fail_here(&c, "JSON must not start with a byte order mark");
    else
        s = check_value(&c);
    skip_space(&c);
    if (s == FC_OK && c.p != c.end)
        s = fail_here(&c, "there is more behind the value");
    free(c.key);
    return s;
}
