/* response.c: answers as the handlers make them, problem documents, entity tags and the choice of the coding.
 *
 * Nothing here knows libmicrohttpd. fc_response_prepare runs on the thread that finished the request, so that hashing and compressing is never the
 * HTTP thread's work unless the body is small. Any thread that owns the request. */
#include "http_call.h"
#include "gzip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- problems ---- */

static const struct { unsigned status; const char *title; } titles[] = {
    {400, "Bad Request"}, {404, "Not Found"}, {405, "Method Not Allowed"}, {406, "Not Acceptable"}, {409, "Conflict"}, {413, "Content Too Large"},
    {414, "URI Too Long"}, {415, "Unsupported Media Type"}, {422, "Unprocessable Content"}, {429, "Too Many Requests"},
    {500, "Internal Server Error"}, {503, "Service Unavailable"}, {507, "Insufficient Storage"},
};

const char *fc_status_title(unsigned status)
{
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        if (titles[i].status == status)
            return titles[i].title;
    return "Error";
}

/* One row a status of the core: what HTTP says, and after how many seconds to try again. */
static const struct { unsigned status; int retry_after; } mapping[] = {
    [FC_OK] = {500, 0}, [FC_UNREADABLE] = {400, 0}, [FC_INVALID] = {422, 0}, [FC_NOT_FOUND] = {404, 0}, [FC_CONFLICT] = {409, 0},
    [FC_TOO_LARGE] = {413, 0}, [FC_UNSUPPORTED] = {415, 0}, [FC_BUSY] = {429, 1}, [FC_UNAVAILABLE] = {503, 2}, [FC_FULL] = {507, 0},
    [FC_NOMEM] = {500, 0}, [FC_IO] = {500, 0}, [FC_CORRUPT] = {500, 0}, [FC_NUMERIC] = {500, 0}, [FC_CANCELLED] = {503, 2}, [FC_INTERNAL] = {500, 0},
};

/* Forgets an answer that was begun. */
static void drop_answer(struct fc_request *r)
{
    struct fc_response *a = &r->response;
    fc_buf_free(&a->body);
    if (a->stream.produce && a->stream.free)
        a->stream.free(a->stream.ctx);
    a->stream = (struct fc_stream){0};
    fc_shared_body_unref(a->shared);
    a->shared = NULL;
    a->data = false;
}

static void member(struct fc_buf *b, const char *name, const char *value)
{
    fc_buf_format(b, ",\"%s\":", name);
    fc_buf_json_string(b, value, strlen(value));
}

enum fc_next fc_reply_problem(struct fc_request *r, unsigned status, const char *code, const char *pointer, const char *detail)
{
    struct fc_response *a = &r->response;
    drop_answer(r);
    a->location[0] = a->link[0] = 0;
    a->security_policy = NULL;
    a->status = status;
    a->type = "application/problem+json";
    fc_buf_text(&a->body, "{\"type\":\"about:blank\"");
    member(&a->body, "title", fc_status_title(status));
    fc_buf_format(&a->body, ",\"status\":%u", status);
    member(&a->body, "code", code[0] ? code : "internal_error");
    member(&a->body, "detail", detail);
    if (pointer[0])
        member(&a->body, "pointer", pointer);
    fc_buf_char(&a->body, '}');
    if (a->body.failed) /* the status alone has to do */
        fc_buf_free(&a->body);
    return FC_ANSWERED;
}

static enum fc_next reply_error(struct fc_request *r, const struct fc_error *e, unsigned not_found)
{
    unsigned status = e->status == FC_NOT_FOUND ? not_found : mapping[e->status].status;
    r->response.retry_after = mapping[e->status].retry_after;
    return fc_reply_problem(r, status, e->code, e->pointer, e->detail);
}

enum fc_next fc_reply_error(struct fc_request *r, const struct fc_error *e)
{
    return reply_error(r, e, 404);
}

enum fc_next fc_reply_error_in_body(struct fc_request *r, const struct fc_error *e)
{
    return reply_error(r, e, 422);
}

enum fc_next fc_reply_not_acceptable(struct fc_request *r, const char *offered)
{
    char detail[512];
    snprintf(detail, sizeof detail, "Accept: %.200s takes none of what %s offers: %.200s", r->accept ? r->accept : "", r->route ? r->route->pattern : "this", offered);
    return fc_reply_problem(r, 406, "not_acceptable", "", detail);
}

/* ---- answers ---- */

enum fc_next fc_reply(struct fc_request *r, unsigned status, const char *type, struct fc_buf *body, bool data)
{
    if (body->failed) {
        struct fc_error e;
        fc_buf_free(body);
        (void)fc_fail(&e, FC_NOMEM, "out_of_memory", "the answer needs more memory than there is");
        return fc_reply_error(r, &e);
    }
    drop_answer(r);
    r->response.status = status;
    r->response.type = type;
    r->response.body = *body;
    r->response.data = data;
    *body = (struct fc_buf){0};
    return FC_ANSWERED;
}

enum fc_next fc_reply_empty(struct fc_request *r, unsigned status)
{
    drop_answer(r);
    r->response.status = status;
    r->response.type = NULL;
    return FC_ANSWERED;
}

enum fc_next fc_reply_stream(struct fc_request *r, const char *type, struct fc_stream stream)
{
    drop_answer(r);
    r->response.status = 200;
    r->response.type = type;
    r->response.stream = stream;
    return FC_ANSWERED;
}

enum fc_next fc_reply_shared(struct fc_request *r, struct fc_shared_body *s)
{
    struct fc_shared_body *own = fc_shared_body_ref(s); /* s may be what drop_answer lets go */
    drop_answer(r);
    r->response.status = 200;
    r->response.type = fc_shared_type(s);
    r->response.shared = own;
    return FC_ANSWERED;
}

/* ---- tags ---- */

/* Folds the 128-bit product: every bit of a and b reaches every bit of the result. */
static uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 p = (unsigned __int128)a * b;
    return (uint64_t)p ^ (uint64_t)(p >> 64);
}

static uint64_t load64(const unsigned char *p, size_t n)
{
    uint64_t x = 0;
    memcpy(&x, p, n < 8 ? n : 8);
    return x;
}

/* Two independent chains of multiply and fold, 16 bytes a round. Odd constants: digits of pi. Not for secrets: only to tell versions apart. */
static void hash128(const void *bytes, size_t n, uint64_t h[2])
{
    const unsigned char *p = bytes;
    uint64_t a = h[0] ^ n, b = h[1] ^ 0x13198a2e03707345u;
    for (; n > 16; p += 16, n -= 16) {
        uint64_t x = load64(p, 8), y = load64(p + 8, 8);
        a = mix(a ^ x ^ 0x243f6a8885a308d3u, y ^ 0xa4093822299f31d1u);
        b = mix(b ^ y ^ 0x082efa98ec4e6c89u, x ^ 0x452821e638d01377u) + a;
    }
    uint64_t x = load64(p, n), y = n > 8 ? load64(p + 8, n - 8) : n;
    h[0] = mix(a ^ x ^ 0xbe5466cf34e90c6du, y ^ 0xc0ac29b7c97c50ddu);
    h[1] = mix(b ^ y ^ 0x3f84d5b5b5470917u, h[0] ^ x ^ 0x9216d5d98979fb1bu);
}

void fc_etag_make(const char *type, const void *bytes, size_t n, char out[FC_ETAG_TEXT])
{
    uint64_t h[2] = {0x0801f2e2858efc17u, 0x636920d871574e69u};
    hash128(type, strlen(type), h);
    hash128(bytes, n, h);
    snprintf(out, FC_ETAG_TEXT, "\"%016llx%016llx\"", (unsigned long long)h[0], (unsigned long long)h[1]);
}

void fc_etag_gzip(const char plain[FC_ETAG_TEXT], char out[FC_ETAG_TEXT])
{
    snprintf(out, FC_ETAG_TEXT, "%.33s-gzip\"", plain); /* the quote and 32 digits */
}

bool fc_etag_listed(const char *if_none_match, const char *etag)
{
    if (!if_none_match)
        return false;
    size_t n = strlen(etag);
    for (const char *p = if_none_match; *p;) {
        p += strspn(p, ", \t");
        if (*p == '*')
            return true;
        if (strncmp(p, "W/", 2) == 0)
            p += 2;
        if (*p != '"') { /* not a tag: to the next comma */
            p += strcspn(p, ",");
            continue;
        }
        size_t own = strcspn(p + 1, "\"") + 2;
        if (own == n && memcmp(p, etag, n) == 0)
            return true;
        size_t left = strlen(p);
        p += own < left ? own : left;
    }
    return false;
}

/* ---- preparing ---- */

bool fc_response_is_heavy(const struct fc_request *r)
{
    const struct fc_response *a = &r->response;
    if (a->shared)
        return r->gzip && fc_shared_is_heavy(a->shared);
    return a->body.n > FC_INLINE_BYTES && (r->gzip || a->data);
}

/* Replaces the body by its gzip form when that is smaller. */
static bool compress_body(struct fc_response *a)
{
    struct fc_buf packed = {0};
    if (!fc_gzip_deflate(a->body.data, a->body.n, &packed))
        return false;
    fc_buf_free(&a->body);
    a->body = packed;
    return true;
}

void fc_response_prepare(struct fc_request *r)
{
    struct fc_response *a = &r->response;
    struct fc_outgoing *out = &fc_call_of(r)->out;
    *out = (struct fc_outgoing){0};
    if (a->shared) {
        fc_shared_prepare(r, out);
        return;
    }
    if (a->stream.produce) {
        out->gzip = r->gzip;
        out->vary = true;
        return;
    }
    bool tagged = a->data && a->status == 200 && strcmp(r->method, "GET") == 0;
    bool packable = a->body.n >= FC_GZIP_MIN;
    char plain[FC_ETAG_TEXT] = "", packed[FC_ETAG_TEXT] = "";
    out->vary = tagged || packable;
    if (tagged) {
        fc_etag_make(a->type, a->body.data, a->body.n, plain);
        fc_etag_gzip(plain, packed);
    }
    out->gzip = r->gzip && packable && compress_body(a);
    if (tagged) {
        memcpy(out->etag, out->gzip ? packed : plain, sizeof plain);
        out->not_modified = fc_etag_listed(r->if_none_match, out->etag);
    }
}
