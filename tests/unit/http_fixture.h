/* http_fixture.h: a real server on a free port with a small table of routes that shows each way a handler can answer. */
#ifndef FC_TEST_HTTP_FIXTURE_H
#define FC_TEST_HTTP_FIXTURE_H

#include "gzip.h"
#include "http.h"
#include "http_client.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#define BODY_LIMIT 1000000

static struct fc_http *server;
static struct fc_shared_body *shared_text;
static atomic_int streams_made, streams_freed, works_made, works_freed;

static inline void nap_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* Compressible text of n bytes that depends on the seed. */
static inline void fill_text(struct fc_buf *b, size_t n, unsigned seed)
{
    for (unsigned i = seed; b->n < n; i = i * 1103515245u + 12345u)
        fc_buf_format(b, "{\"value\":%u},", i >> 8);
    b->n = n;
}

static enum fc_next small(struct fc_request *r)
{
    struct fc_buf b = {0};
    fc_buf_text(&b, "{\"ok\":true}");
    return fc_reply(r, 200, FC_JSON, &b, true);
}

static enum fc_next shared(struct fc_request *r)
{
    return fc_reply_shared(r, shared_text);
}

/* /big?n=: a body of n bytes. */
static enum fc_next big(struct fc_request *r)
{
    struct fc_error e;
    uint64_t n;
    struct fc_buf b = {0};
    if (fc_query_uint(r, "n", 0, 10000000, 2000, &n, &e))
        return fc_reply_error(r, &e);
    fill_text(&b, n, 1);
    return fc_reply(r, 200, FC_JSON, &b, true);
}

/* Parameters and query, one a line. */
static enum fc_next shown(struct fc_request *r)
{
    struct fc_buf b = {0};
    for (size_t i = 0; i < r->params; i++)
        fc_buf_format(&b, "[%s]", r->param[i]);
    for (size_t i = 0; i < r->queries; i++)
        fc_buf_format(&b, "{%s=%s}", r->query[i].name, r->query[i].value);
    return fc_reply(r, 200, "text/plain", &b, false);
}

/* The length of the body and the sum of its bytes. */
static enum fc_next body(struct fc_request *r)
{
    struct fc_buf b = {0};
    unsigned long sum = 0;
    for (size_t i = 0; i < r->body.n; i++)
        sum += (unsigned char)r->body.data[i];
    fc_buf_format(&b, "%zu %lu", r->body.n, sum);
    return fc_reply(r, 200, "text/plain", &b, false);
}

static void *finish_soon(void *arg)
{
    struct fc_request *r = arg;
    struct fc_buf b = {0};
    if ((uintptr_t)r / 4096 % 3 == 0) /* sometimes before the HTTP thread suspends the connection, sometimes after */
        nap_ms(1);
    fc_buf_text(&b, "late");
    fc_reply(r, 200, "text/plain", &b, false);
    fc_request_finish(r);
    return NULL;
}

static void free_work(void *work)
{
    atomic_fetch_add(&works_freed, 1);
    free(work);
}

static void keep_work(struct fc_request *r)
{
    r->work = malloc(16);
    r->work_free = free_work;
    atomic_fetch_add(&works_made, 1);
}

/* Inline, answered by a thread of its own. */
static enum fc_next late(struct fc_request *r)
{
    pthread_t t;
    keep_work(r);
    if (pthread_create(&t, NULL, finish_soon, r) != 0)
        return fc_reply_empty(r, 500);
    pthread_detach(t);
    return FC_PENDING;
}

static void second_half(struct fc_request *r)
{
    fc_reply_shared(r, shared_text);
    fc_request_finish(r);
}

static enum fc_next defer(struct fc_request *r)
{
    struct fc_error e;
    keep_work(r);
    return fc_request_defer(r, second_half, &e) ? fc_reply_error(r, &e) : FC_PENDING;
}

static enum fc_next slow(struct fc_request *r)
{
    struct fc_error e;
    uint64_t ms = 100;
    if (fc_query_uint(r, "ms", 0, 10000, 100, &ms, &e))
        return fc_reply_error(r, &e);
    nap_ms((long)ms);
    return small(r);
}

/* A stream of `left` pieces; the last fails when it should. */
struct pieces { uint64_t left, bytes; bool fail; };

static enum fc_status next_piece(void *ctx, struct fc_buf *out, bool *end)
{
    struct pieces *p = ctx;
    *end = --p->left == 0;
    if (*end && p->fail)
        return FC_IO;
    fill_text(out, p->bytes, (unsigned)p->left);
    return FC_OK;
}

static void free_pieces(void *ctx)
{
    atomic_fetch_add(&streams_freed, 1);
    free(ctx);
}

static enum fc_next stream(struct fc_request *r)
{
    struct pieces *p = calloc(1, sizeof *p);
    struct fc_error e;
    p->fail = fc_query(r, "fail") != NULL;
    if (fc_query_uint(r, "n", 1, 100000, 3, &p->left, &e) || fc_query_uint(r, "bytes", 0, 1000000, 50000, &p->bytes, &e)) {
        free(p);
        return fc_reply_error(r, &e);
    }
    atomic_fetch_add(&streams_made, 1);
    return fc_reply_stream(r, FC_NDJSON, (struct fc_stream){next_piece, free_pieces, p});
}

static enum fc_next choose(struct fc_request *r)
{
    static const char offered[] = "application/json text/csv";
    struct fc_buf b = {0};
    int i = fc_accepts(r, offered);
    if (i < 0)
        return fc_reply_not_acceptable(r, offered);
    fc_buf_text(&b, i ? "a,b\n" : "{}");
    return fc_reply(r, 200, i ? FC_CSV : FC_JSON, &b, true);
}

/* /fail?status=: an error of this fc_status. */
static enum fc_next failing(struct fc_request *r)
{
    struct fc_error e;
    uint64_t status = 0;
    if (!fc_query_uint(r, "status", 1, FC_INTERNAL, 1, &status, &e))
        (void)fc_fail_at(&e, (enum fc_status)status, "some_code", "/a/0", "field a is \"b\"");
    return fc_query(r, "in_body") ? fc_reply_error_in_body(r, &e) : fc_reply_error(r, &e);
}

static enum fc_next made(struct fc_request *r)
{
    struct fc_buf b = {0};
    fc_buf_text(&b, "{}");
    snprintf(r->response.location, sizeof r->response.location, "/v1/jobs/7");
    snprintf(r->response.link, sizeof r->response.link, "</x>; rel=\"next\"");
    r->response.security_policy = "default-src 'self'";
    return fc_reply(r, 202, FC_JSON, &b, false);
}

static const struct fc_route test_routes[] = {
    {"GET", "/small", small, FC_INLINE, "", ""},
    {"DELETE", "/small", small, FC_INLINE, "", ""},
    {"GET", "/worker", small, FC_WORKER, "", ""},
    {"GET", "/shared", shared, FC_INLINE, "", ""},
    {"GET", "/big", big, FC_WORKER, "n", ""},
    {"GET", "/big-inline", big, FC_INLINE, "n", ""},
    {"GET", "/show/{a}/and/{b}", shown, FC_INLINE, NULL, ""},
    {"GET", "/asks", shown, FC_INLINE, "one two", ""},
    {"POST", "/body", body, FC_SMALL, "", "application/json text/csv"},
    {"POST", "/late", late, FC_INLINE, "", ""},
    {"GET", "/defer", defer, FC_INLINE, "", ""},
    {"GET", "/slow", slow, FC_WORKER, "ms", ""},
    {"GET", "/stream", stream, FC_WORKER, "n bytes fail", ""},
    {"GET", "/choose", choose, FC_INLINE, "", ""},
    {"GET", "/fail", failing, FC_INLINE, "status in_body", ""},
    {"POST", "/made", made, FC_WORKER, "", "application/json"},
    {NULL, NULL, NULL, FC_INLINE, NULL, NULL},
};

static inline bool server_start(struct fc_http_limits limits, size_t workers)
{
    struct fc_error e;
    struct fc_buf text = {0};
    fill_text(&text, 10000, 3);
    shared_text = fc_shared_body_new(FC_JSON, &text);
    const struct fc_http_options o = {.address = "127.0.0.1", .body_limit = BODY_LIMIT, .threads = 2, .workers = workers, .routes = test_routes, .limits = limits};
    if (fc_http_start(&o, NULL, &server, &e) == FC_OK)
        return true;
    fprintf(stderr, "%s\n", e.detail);
    return false;
}

static inline void server_stop(int64_t grace_ms)
{
    fc_http_stop(server, grace_ms);
    fc_shared_body_unref(shared_text);
    server = NULL;
}

static inline struct client dial(void)
{
    return client_dial(fc_http_port(server));
}

/* One request on a connection of its own: the bytes as given. */
static inline struct reply ask(const char *request)
{
    struct client c = dial();
    bool head = strncmp(request, "HEAD ", 5) == 0;
    client_send(&c, request, strlen(request));
    struct reply r = client_hear(&c, head);
    client_close(&c);
    return r;
}

#endif
