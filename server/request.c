/* request.c: taking a request apart: the raw target, query parameters, Accept, Content-Type and Accept-Encoding.
 *
 * Nothing here knows libmicrohttpd: text in, values out, so that every rule is tested without a socket. The target is routed as it was sent: split at
 * slashes first, each segment decoded once, so that %2F in an id is part of the id. Any thread that owns the request. */
#include "http_call.h"
#include "scan.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- decoding ---- */

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

enum fc_status fc_url_decode(char *text, bool plus, const char *what, struct fc_error *e)
{
    char *to = text;
    for (const char *from = text; *from; from++) {
        if (*from == '+' && plus) {
            *to++ = ' ';
        } else if (*from == '%') {
            int high = hex_digit(from[1]), low = high < 0 ? -1 : hex_digit(from[2]);
            if (low < 0)
                return fc_fail(e, FC_UNREADABLE, "bad_escape", "%s has a %% at byte %zu that is not followed by two hexadecimal digits", what, (size_t)(from - text));
            if (high == 0 && low == 0)
                return fc_fail(e, FC_UNREADABLE, "bad_escape", "%s holds %%00 at byte %zu", what, (size_t)(from - text));
            *to++ = (char)(high * 16 + low);
            from += 2;
        } else {
            *to++ = *from;
        }
    }
    *to = 0;
    if (!fc_utf8_valid(text, (size_t)(to - text)))
        return fc_fail(e, FC_UNREADABLE, "bad_utf8", "%s is not valid UTF-8 after decoding", what);
    return FC_OK;
}

static enum fc_status split_path(char *text, struct fc_path *path, struct fc_error *e)
{
    path->n = 0;
    for (char *segment = text + 1; segment;) { /* text starts with a slash */
        char *slash = strchr(segment, '/');
        if (slash)
            *slash = 0;
        enum fc_status status = fc_url_decode(segment, false, "the path", e);
        if (status)
            return status;
        if (path->n == FC_SEGMENTS)
            return fc_fail(e, FC_NOT_FOUND, "unknown_path", "no route has a path of more than %d segments", FC_SEGMENTS);
        path->segment[path->n++] = segment;
        segment = slash ? slash + 1 : NULL;
    }
    return FC_OK;
}

static enum fc_status split_query(struct fc_request *r, char *text, struct fc_error *e)
{
    r->queries = 0;
    for (char *pair = text; pair;) {
        char *amp = strchr(pair, '&');
        if (amp)
            *amp = 0;
        if (*pair) {
            if (r->queries == FC_QUERY_PARAMS)
                return fc_fail(e, FC_INVALID, "too_many_parameters", "the query has more than %d parameters", FC_QUERY_PARAMS);
            char *equals = strchr(pair, '=');
            struct fc_pair *q = &r->query[r->queries];
            q->name = pair;
            q->value = equals ? equals + 1 : pair + strlen(pair);
            if (equals)
                *equals = 0;
            enum fc_status status = fc_url_decode(q->name, true, "the query", e);
            if (!status)
                status = fc_url_decode(q->value, true, "the query", e);
            if (status)
                return status;
            r->queries++;
        }
        pair = amp ? amp + 1 : NULL;
    }
    return FC_OK;
}

/* Where the path of a target starts: behind scheme and authority of the absolute form. NULL when there is none. */
static const char *target_path(const char *target)
{
    if (strncasecmp(target, "http://", 7) != 0 && strncasecmp(target, "https://", 8) != 0)
        return target[0] == '/' ? target : NULL;
    const char *authority = strstr(target, "//") + 2;
    return strchr(authority, '/');
}

enum fc_status fc_target_parse(struct fc_request *r, char **decoded, struct fc_path *path, struct fc_error *e)
{
    for (const char *p = r->target; *p; p++)
        if ((unsigned char)*p <= 0x20 || *p == 0x7f || *p == '#')
            return fc_fail(e, FC_UNREADABLE, "bad_target", "the request target has a byte 0x%02x at %zu that must be percent-encoded", (unsigned char)*p, (size_t)(p - r->target));
    const char *start = target_path(r->target);
    if (!start)
        return fc_fail(e, FC_UNREADABLE, "bad_target", "the request target must start with a slash");
    *decoded = strdup(start);
    if (!*decoded)
        return fc_fail_nomem(e, strlen(start) + 1);
    char *question = strchr(*decoded, '?');
    if (question)
        *question = 0;
    enum fc_status status = split_path(*decoded, path, e);
    if (!status && question)
        status = split_query(r, question + 1, e);
    return status;
}

/* ---- query parameters ---- */

bool fc_word_in(const char *list, const char *word, size_t n)
{
    for (const char *p = list; *p;) {
        size_t length = strcspn(p, ", ");
        if (length == n && memcmp(p, word, n) == 0)
            return true;
        p += length;
        p += strspn(p, ", ");
    }
    return false;
}

enum fc_status fc_query_check(const struct fc_request *r, struct fc_error *e)
{
    const char *allowed = r->route->query;
    for (size_t i = 0; i < r->queries; i++) {
        const char *name = r->query[i].name;
        /* No parameter's name holds a space or comma, so such a name matches nothing. */
        if (allowed && !fc_word_in(allowed, name, strlen(name)))
            return fc_fail(e, FC_INVALID, "unknown_parameter", "%s takes no query parameter \"%.100s\"%s%s", r->route->pattern, name,
                           *allowed ? "; it takes: " : "", allowed);
        for (size_t j = 0; j < i; j++)
            if (allowed && strcmp(r->query[j].name, name) == 0)
                return fc_fail(e, FC_INVALID, "duplicate_parameter", "the query parameter \"%.100s\" is given twice", name);
    }
    return FC_OK;
}

const char *fc_query(const struct fc_request *r, const char *name)
{
    for (size_t i = 0; i < r->queries; i++)
        if (strcmp(r->query[i].name, name) == 0)
            return r->query[i].value;
    return NULL;
}

enum fc_status fc_query_uint(const struct fc_request *r, const char *name, uint64_t lo, uint64_t hi, uint64_t fallback, uint64_t *out, struct fc_error *e)
{
    const char *text = fc_query(r, name);
    if (!text) {
        *out = fallback;
        return FC_OK;
    }
    size_t n = strspn(text, "0123456789");
    if (n == 0 || text[n] || n > 19) /* 19 digits always fit */
        return fc_fail(e, FC_INVALID, "bad_parameter", "%s=%.100s is not a whole number between %llu and %llu", name, text, (unsigned long long)lo, (unsigned long long)hi);
    uint64_t x = strtoull(text, NULL, 10);
    if (x < lo || x > hi)
        return fc_fail(e, FC_INVALID, "out_of_range", "%s=%s is not between %llu and %llu", name, text, (unsigned long long)lo, (unsigned long long)hi);
    *out = x;
    return FC_OK;
}

enum fc_status fc_query_time(const struct fc_request *r, const char *name, fc_time fallback, fc_time *out, struct fc_error *e)
{
    const char *text = fc_query(r, name), *precision = fc_query(r, "precision");
    fc_time t;
    struct fc_error why = {0};
    enum fc_status status = precision ? fc_time_from_number(0, precision, &t, e) : FC_OK; /* a wrong one is told also where no number needs it */
    if (status)
        return status;
    if (!text) {
        *out = fallback;
        return FC_OK;
    }
    size_t n = strlen(text);
    double number;
    if (fc_scan_decimal(text, n, &number)) {
        status = fc_time_from_number(number, precision ? precision : "s", &t, &why);
    } else {
        char copy[64] = "";
        if (n < sizeof copy)
            memcpy(copy, text, n);
        for (size_t i = 11; i < n && i < sizeof copy; i++) /* behind "2026-01-31 ", where a space is a plus that was not escaped */
            if (copy[i] == ' ')
                copy[i] = '+';
        status = n < sizeof copy ? fc_time_parse(copy, n, &t, &why) : FC_INVALID;
    }
    if (status)
        return fc_fail(e, FC_INVALID, why.code[0] ? why.code : "bad_timestamp", "%s=%.100s is not a time: %s", name, text,
                       why.detail[0] ? why.detail : "RFC 3339 or a Unix number is wanted");
    *out = t;
    return FC_OK;
}

/* ---- header lists ---- */

/* The next element of a comma-separated list, trimmed; false at the end. */
static bool next_element(const char **list, const char **element, size_t *n)
{
    *list += strspn(*list, ", \t");
    if (!**list)
        return false;
    *element = *list;
    *n = strcspn(*list, ",");
    *list += *n;
    while (*n && isspace((unsigned char)(*element)[*n - 1]))
        --*n;
    return true;
}

/* The weight of an element ("text/csv;q=0.5"), 1 when it has none; *name_n: the length of what stands before its parameters. */
static double weight_of(const char *element, size_t n, size_t *name_n)
{
    const char *semicolon = memchr(element, ';', n);
    *name_n = semicolon ? (size_t)(semicolon - element) : n;
    while (*name_n && isspace((unsigned char)element[*name_n - 1]))
        --*name_n;
    for (const char *p = semicolon, *end = element + n; p;) {
        for (p++; p < end && isspace((unsigned char)*p); p++)
            ;
        if (end - p > 2 && (*p == 'q' || *p == 'Q') && p[1] == '=') {
            const char *stop = memchr(p, ';', (size_t)(end - p));
            double q;
            if (!fc_scan_decimal(p + 2, (size_t)((stop ? stop : end) - p - 2), &q) || !(q >= 0))
                return 0;
            return q < 1 ? q : 1;
        }
        p = memchr(p, ';', (size_t)(end - p));
    }
    return 1;
}

/* How well a media range of n bytes fits the type: 0 not at all, 1 for any type, 2 for type/any, 3 exactly. */
static int range_fits(const char *range, size_t n, const char *type, size_t type_n)
{
    if (n == 3 && memcmp(range, "*/*", 3) == 0)
        return 1;
    if (n == type_n && strncasecmp(range, type, n) == 0)
        return 3;
    return n >= 3 && range[n - 1] == '*' && range[n - 2] == '/' && n - 1 <= type_n && strncasecmp(range, type, n - 1) == 0 ? 2 : 0;
}

int fc_accepts(const struct fc_request *r, const char *offered)
{
    if (!r->accept || !*r->accept)
        return 0;
    int best = -1, index = 0;
    double best_weight = 0;
    for (const char *p = offered; *p; index++) {
        size_t n = strcspn(p, " ");
        int fit = 0;
        double weight = 0;
        const char *list = r->accept, *element;
        for (size_t length, name; next_element(&list, &element, &length);) {
            double q = weight_of(element, length, &name);
            int f = range_fits(element, name, p, n);
            if (f > fit) { /* the most specific range decides */
                fit = f;
                weight = q;
            }
        }
        if (weight > best_weight) {
            best = index;
            best_weight = weight;
        }
        p += n;
        p += strspn(p, " ");
    }
    return best;
}

bool fc_takes_gzip(const char *accept_encoding)
{
    if (!accept_encoding)
        return false;
    double any = 0, own = -1;
    const char *element;
    for (size_t n, name; next_element(&accept_encoding, &element, &n);) {
        double q = weight_of(element, n, &name);
        if ((name == 4 && strncasecmp(element, "gzip", 4) == 0) || (name == 6 && strncasecmp(element, "x-gzip", 6) == 0))
            own = q;
        else if (name == 1 && *element == '*')
            any = q;
    }
    return own >= 0 ? own > 0 : any > 0;
}

bool fc_media_is(const char *content_type, const char *media_type, size_t n)
{
    size_t own = strcspn(content_type, ";");
    while (own && isspace((unsigned char)content_type[own - 1]))
        own--;
    return own == n && strncasecmp(content_type, media_type, n) == 0;
}

bool fc_content_is(const struct fc_request *r, const char *media_type)
{
    return r->content_type && fc_media_is(r->content_type, media_type, strlen(media_type));
}
