/* http_head.c: the head of a request: what libmicrohttpd lets through and we don't, the route, the query, the media types.
 *
 * Framing that two parsers could read in two ways is refused and ends the connection: repeated or mixed Content-Length, Transfer-Encoding other
 * than chunked, two Hosts, methods that are no tokens. HTTP thread only; no waiting. */
#include "http_call.h"

#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DRAIN_BYTES 65536 /* a refused body up to here is read to its end, so that the connection can go on */

/* The header fields that matter here. */
enum field { F_HOST, F_LENGTH, F_TRANSFER, F_ENCODING, F_TYPE, F_ACCEPT, F_ACCEPT_ENCODING, F_NONE_MATCH, F_EXPECT, F_N };
static const struct { const char *name; size_t n; } fields[F_N] = {
    [F_HOST] = {"Host", 4},
    [F_LENGTH] = {"Content-Length", 14},
    [F_TRANSFER] = {"Transfer-Encoding", 17},
    [F_ENCODING] = {"Content-Encoding", 16},
    [F_TYPE] = {"Content-Type", 12},
    [F_ACCEPT] = {"Accept", 6},
    [F_ACCEPT_ENCODING] = {"Accept-Encoding", 15},
    [F_NONE_MATCH] = {"If-None-Match", 13},
    [F_EXPECT] = {"Expect", 6},
};

struct head {
    unsigned count[F_N];
    const char *value[F_N]; /* the first of its name; libmicrohttpd's */
    struct fc_request *r;
    uint64_t length;        /* of the body, 0 when chunked */
    bool chunked, nomem;
};

/* Joins the values of a list field that came in several lines. */
static bool join(char **list, const char *value)
{
    char *joined = NULL;
    if (!*list)
        joined = strdup(value);
    else if (asprintf(&joined, "%s, %s", *list, value) < 0)
        joined = NULL;
    if (!joined)
        return false;
    free(*list);
    *list = joined;
    return true;
}

static enum MHD_Result collect(void *cls, enum MHD_ValueKind kind, const char *key, size_t key_n, const char *value, size_t value_n)
{
    struct head *h = cls;
    (void)kind;
    (void)value_n;
    for (int f = 0; f < F_N; f++) {
        if (key_n != fields[f].n || strcasecmp(key, fields[f].name) != 0)
            continue;
        if (h->count[f]++ == 0)
            h->value[f] = value ? value : "";
        value = value ? value : "";
        if (f == F_ACCEPT)
            h->nomem |= !join(&h->r->accept, value);
        else if (f == F_NONE_MATCH)
            h->nomem |= !join(&h->r->if_none_match, value);
        else if (f == F_ACCEPT_ENCODING)
            h->r->gzip |= fc_takes_gzip(value);
        break;
    }
    return MHD_YES;
}

static bool is_token(const char *s)
{
    static const char marks[] = "!#$%&'*+-.^_`|~";
    for (const char *p = s; *p; p++)
        if (!((*p >= '0' && *p <= '9') || (*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z') || strchr(marks, *p)))
            return false;
    return *s != 0;
}

/* How long the request is and where it ends: any doubt is refused. */
static enum fc_status check_framing(struct head *h, const char *method, struct fc_error *e)
{
    if (!is_token(method))
        return fc_fail(e, FC_UNREADABLE, "bad_method", "the method \"%.40s\" is not a token", method);
    if (h->count[F_HOST] > 1)
        return fc_fail(e, FC_UNREADABLE, "duplicate_header", "Host is given %u times", h->count[F_HOST]);
    if (h->count[F_LENGTH] > 1)
        return fc_fail(e, FC_UNREADABLE, "duplicate_header", "Content-Length is given %u times", h->count[F_LENGTH]);
    if (h->count[F_LENGTH] && h->count[F_TRANSFER])
        return fc_fail(e, FC_UNREADABLE, "ambiguous_length", "Content-Length and Transfer-Encoding exclude each other");
    if (h->count[F_TRANSFER] && (h->count[F_TRANSFER] > 1 || strcasecmp(h->value[F_TRANSFER], "chunked") != 0))
        return fc_fail(e, FC_UNREADABLE, "bad_transfer_encoding", "Transfer-Encoding: %.100s is not supported, only chunked", h->value[F_TRANSFER]);
    h->chunked = h->count[F_TRANSFER] > 0;
    if (h->count[F_LENGTH]) {
        const char *text = h->value[F_LENGTH];
        size_t n = strspn(text, "0123456789");
        if (n == 0 || text[n] || n > 19)
            return fc_fail(e, FC_UNREADABLE, "bad_content_length", "Content-Length: %.100s is not a number of bytes", text);
        h->length = strtoull(text, NULL, 10);
    }
    return FC_OK;
}

/* Coding, type and length of the body against the route. */
static enum fc_status check_body(struct fc_call *c, const struct head *h, struct fc_error *e)
{
    const char *accepts = c->r.route->accepts;
    if (h->length > c->http->body_limit)
        return fc_fail(e, FC_TOO_LARGE, "body_too_large", "Content-Length: %llu is over the limit of %zu bytes (body_limit)", (unsigned long long)h->length, c->http->body_limit);
    if (!*accepts || (!h->length && !h->chunked)) {
        c->ignore_body = !*accepts;
        return FC_OK;
    }
    const char *coding = h->value[F_ENCODING];
    if (coding && *coding && strcasecmp(coding, "identity") != 0) {
        c->body_gzip = h->count[F_ENCODING] == 1 && (strcasecmp(coding, "gzip") == 0 || strcasecmp(coding, "x-gzip") == 0);
        if (!c->body_gzip)
            return fc_fail(e, FC_UNSUPPORTED, "unsupported_coding", "Content-Encoding: %.100s is not supported; send Content-Encoding: gzip or none", coding);
    }
    const char *type = h->value[F_TYPE];
    for (const char *p = accepts; type && *p; p += strspn(p, " ")) {
        size_t n = strcspn(p, " ");
        if (fc_media_is(type, p, n))
            return FC_OK;
        p += n;
    }
    char wanted[128] = "";
    for (const char *p = accepts; *p; p += strspn(p, " ")) {
        size_t n = strcspn(p, " "), used = strlen(wanted);
        snprintf(wanted + used, sizeof wanted - used, "%sContent-Type: %.*s", used ? " or " : "", (int)n, p);
        p += n;
    }
    if (!type)
        return fc_fail(e, FC_UNSUPPORTED, "missing_content_type", "the body has no Content-Type; send %s", wanted);
    return fc_fail(e, FC_UNSUPPORTED, "unsupported_media_type", "Content-Type: %.100s is not supported here; send %s", type, wanted);
}

static void reply_methods(struct fc_request *r, bool options, const char *method, const char *allow)
{
    if (options) {
        fc_reply_empty(r, 204);
    } else {
        char detail[256];
        snprintf(detail, sizeof detail, "%.40s is not possible here; possible are %s", method, allow);
        fc_reply_problem(r, 405, "method_not_allowed", "", detail);
    }
    snprintf(r->response.allow, sizeof r->response.allow, "%s", allow);
}

/* The route of the request. FC_NOT_FOUND also stands for an answer that was given here (405, OPTIONS): answered is set then. */
static enum fc_status find_route(struct fc_call *c, const char *method, bool *answered, struct fc_error *e)
{
    struct fc_request *r = &c->r;
    r->head = strcmp(method, "HEAD") == 0;
    bool options = strcmp(method, "OPTIONS") == 0;
    if (options && strcmp(r->target, "*") == 0) {
        *answered = true;
        reply_methods(r, true, method, "GET, HEAD, PUT, POST, DELETE, OPTIONS");
        return FC_NOT_FOUND;
    }
    struct fc_path path;
    enum fc_status status = fc_target_parse(r, &c->decoded, &path, e);
    if (status)
        return status;
    char allow[64];
    r->route = fc_route_find(c->http->routes, r->head ? "GET" : method, &path, r->param, &r->params, allow);
    if (r->route) {
        r->method = r->route->method;
        return FC_OK;
    }
    if (!allow[0])
        return fc_fail(e, FC_NOT_FOUND, "unknown_path", "there is nothing at %.200s", r->target);
    *answered = true;
    reply_methods(r, options, method, allow);
    return FC_NOT_FOUND;
}

static enum fc_status read_head(struct fc_call *c, const char *method, struct head *h, bool *answered, struct fc_error *e)
{
    struct fc_request *r = &c->r;
    MHD_get_connection_values_n(c->mhd, MHD_HEADER_KIND, collect, h);
    enum fc_status status = check_framing(h, method, e);
    if (status) {
        c->close = true;
        return status;
    }
    if (atomic_load(&c->http->stopping)) {
        c->close = true;
        return fc_fail(e, FC_UNAVAILABLE, "stopping", "the server is stopping");
    }
    if (strlen(r->target) > FC_TARGET_MAX) {
        char detail[128];
        snprintf(detail, sizeof detail, "the request target has %zu bytes, the limit is %d", strlen(r->target), FC_TARGET_MAX);
        fc_reply_problem(r, 414, "target_too_long", "", detail);
        *answered = true;
        return FC_TOO_LARGE;
    }
    status = find_route(c, method, answered, e);
    if (!status)
        status = fc_query_check(r, e);
    if (!status)
        status = check_body(c, h, e);
    if (!status && h->value[F_TYPE] && !(r->content_type = strdup(h->value[F_TYPE])))
        h->nomem = true;
    if (!status && h->nomem)
        status = fc_fail(e, FC_NOMEM, "out_of_memory", "no memory for the head of the request");
    return status;
}

enum fc_status fc_head_read(struct fc_call *c, const char *method, bool *early)
{
    struct head h = {.r = &c->r};
    struct fc_error e = {0};
    bool answered = false;
    snprintf(c->method, sizeof c->method, "%s", method);
    c->r.method = c->method;
    enum fc_status status = read_head(c, method, &h, &answered, &e);
    if (status && !answered)
        fc_reply_error(&c->r, &e);
    bool body = h.count[F_TRANSFER] || h.length > 0;
    *early = status && (c->close || (body && (h.chunked || h.count[F_EXPECT] || h.length > DRAIN_BYTES)));
    c->r.connection->linger |= *early && body;
    return status;
}
