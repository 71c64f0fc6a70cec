/* http.c: the life of a request between libmicrohttpd's callbacks. See http.h for the flow, http_call.h for who owns what and when.
 *
 * Callbacks of one request, all on its HTTP thread: fc_on_request_line (the raw target) → fc_on_request with the head (http_head.c) → fc_on_request with pieces
 * of the body → fc_on_request at its end: dispatch → [suspended] → fc_on_request once more: send → fc_on_end. */
#include "http_callbacks.h"
#include "clock.h"
#include "gzip.h"
#include "log.h"

#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SUSPENDED_MAX 4096        /* requests that are handed over at once */
#define BODIES_FACTOR 4           /* all bodies in memory together: so many times body_limit */
#define DRAIN_FACTOR 4            /* a body without a length that is over the limit is read on so far */
#define BODIES_MIN (UINT64_C(256) << 20)

/* ---- handing over and coming back ---- */

static void refuse(struct fc_call *c, enum fc_status status, const char *code, const char *detail)
{
    struct fc_error e;
    (void)fc_fail(&e, status, code, "%s", detail);
    fc_reply_error(&c->r, &e);
}

void fc_request_finish(struct fc_request *r)
{
    struct fc_call *c = fc_call_of(r);
    struct fc_http *h = c->http;
    struct MHD_Connection *mhd = c->mhd;
    fc_response_prepare(r);
    if (atomic_exchange(&c->state, FC_CALL_DONE) != FC_CALL_SUSPENDED)
        return; /* the HTTP thread has not suspended it yet and will see the answer; the call is its own again */
    MHD_resume_connection(mhd);
    atomic_fetch_sub(&h->suspended, 1);
    atomic_fetch_sub(&h->busy, 1);
}

static struct fc_call *call_of_task(struct fc_task *t)
{
    return (struct fc_call *)((char *)t - offsetof(struct fc_call, task));
}

static void finish_cancelled(struct fc_call *c)
{
    refuse(c, FC_UNAVAILABLE, "stopping", "the server stopped before this request was begun");
    fc_request_finish(&c->r);
}

/* The gzip body in place of the coded one. */
static enum fc_status inflate_body(struct fc_call *c, struct fc_error *e)
{
    struct fc_buf plain = {0};
    enum fc_status status = fc_gzip_inflate(c->r.body.data, c->r.body.n, c->http->body_limit, &plain, e);
    if (status) {
        fc_buf_free(&plain);
        return status;
    }
    fc_buf_free(&c->r.body);
    c->r.body = plain;
    return FC_OK;
}

static void run_handler(struct fc_task *t, bool cancelled)
{
    struct fc_call *c = call_of_task(t);
    struct fc_error e;
    if (cancelled) {
        finish_cancelled(c);
        return;
    }
    if (c->body_gzip && inflate_body(c, &e)) {
        fc_reply_error(&c->r, &e);
        fc_request_finish(&c->r);
    } else if (c->r.route->handler(&c->r) == FC_ANSWERED) {
        fc_request_finish(&c->r);
    }
}

static void run_then(struct fc_task *t, bool cancelled)
{
    struct fc_call *c = call_of_task(t);
    if (cancelled)
        finish_cancelled(c);
    else
        c->then(&c->r);
}

static void run_finish(struct fc_task *t, bool cancelled)
{
    (void)cancelled; /* the answer is there already */
    fc_request_finish(&call_of_task(t)->r);
}

enum fc_status fc_request_defer(struct fc_request *r, void (*fn)(struct fc_request *r), struct fc_error *e)
{
    struct fc_call *c = fc_call_of(r);
    c->then = fn;
    c->task.run = run_then;
    if (!fc_workers_push(c->http->workers, &c->task, false))
        return fc_fail(e, FC_UNAVAILABLE, "too_busy", "%zu requests wait for a worker already", c->http->limits.queue);
    return FC_OK;
}

static enum MHD_Result send_now(struct fc_call *c)
{
    if (atomic_load(&c->http->stopping))
        c->close = true;
    return fc_call_send(c) ? MHD_YES : MHD_NO;
}

/* The answer is someone else's to make, unless it was made meanwhile. */
static enum MHD_Result await(struct fc_call *c)
{
    struct fc_http *h = c->http;
    int expected = FC_CALL_RUNNING;
    if (atomic_load(&c->state) == FC_CALL_DONE) {
        atomic_fetch_sub(&h->busy, 1);
        return send_now(c);
    }
    atomic_fetch_add(&h->suspended, 1);
    MHD_suspend_connection(c->mhd);
    if (!atomic_compare_exchange_strong(&c->state, &expected, FC_CALL_SUSPENDED)) {
        MHD_resume_connection(c->mhd); /* answered in between: come back at once */
        atomic_fetch_sub(&h->suspended, 1);
        atomic_fetch_sub(&h->busy, 1);
    }
    return MHD_YES;
}

static enum MHD_Result hand_over(struct fc_call *c, void (*run)(struct fc_task *t, bool cancelled), bool always)
{
    struct fc_http *h = c->http;
    c->task.run = run;
    if ((!always && atomic_load(&h->suspended) >= SUSPENDED_MAX) || !fc_workers_push(h->workers, &c->task, always)) {
        refuse(c, FC_UNAVAILABLE, "too_busy", "too many requests wait for a worker already");
        atomic_fetch_sub(&h->busy, 1);
        return send_now(c);
    }
    return await(c);
}

/* The request is whole: run its handler, here or on a worker. */
static enum MHD_Result dispatch(struct fc_call *c)
{
    struct fc_http *h = c->http;
    c->stage = FC_STAGE_HANDLED;
    fc_connection_release(c->r.connection);
    if (c->refused)
        return send_now(c);
    atomic_fetch_add(&h->busy, 1);
    if (atomic_load(&h->closed)) {
        atomic_fetch_sub(&h->busy, 1);
        refuse(c, FC_UNAVAILABLE, "stopping", "the server is stopping");
        return send_now(c);
    }
    enum fc_where where = c->r.route->where;
    if (where == FC_WORKER || c->body_gzip || (where == FC_SMALL && c->r.body.n >= FC_SMALL_BODY))
        return hand_over(c, run_handler, false);
    if (c->r.route->handler(&c->r) == FC_PENDING)
        return await(c);
    if (fc_response_is_heavy(&c->r))
        return hand_over(c, run_finish, true);
    fc_response_prepare(&c->r);
    atomic_fetch_sub(&h->busy, 1);
    return send_now(c);
}

/* ---- libmicrohttpd's callbacks ---- */

void *fc_on_request_line(void *cls, const char *target, struct MHD_Connection *mhd)
{
    struct fc_http *h = cls;
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct fc_call *c = info && info->socket_context ? calloc(1, sizeof *c) : NULL;
    if (!c || !(c->r.target = strdup(target))) {
        free(c);
        return NULL;
    }
    c->http = h;
    c->mhd = mhd;
    c->method[0] = '?'; /* until the head is there */
    c->r.method = c->method;
    c->r.app = h->app;
    c->r.connection = info->socket_context;
    c->r.received_ns = fc_clock_ns();
    atomic_fetch_add(&h->active, 1);
    fc_connection_await(c->r.connection, h->limits.header_ms, 0);
    return c;
}

static enum MHD_Result begin(struct fc_call *c, const char *method)
{
    bool early;
    c->refused = fc_head_read(c, method, &early) != FC_OK;
    if (early)
        return send_now(c);
    c->stage = FC_STAGE_BODY;
    c->body_since_ns = fc_clock_ns();
    fc_connection_await(c->r.connection, c->http->limits.body_ms, 0);
    return MHD_YES;
}

/* A piece of the body: kept, or passed over once the request is refused. */
static enum MHD_Result take_body(struct fc_call *c, const char *data, size_t n)
{
    struct fc_http *h = c->http;
    c->received += n;
    atomic_fetch_add_explicit(&h->bytes_in, n, memory_order_relaxed);
    fc_connection_await(c->r.connection, h->limits.body_ms - (fc_clock_ns() - c->body_since_ns) / 1000000, c->received); /* counted from its start */
    if (c->received > h->body_limit && !c->refused) {
        char detail[128];
        snprintf(detail, sizeof detail, "the body is over the limit of %zu bytes (body_limit)", h->body_limit);
        refuse(c, FC_TOO_LARGE, "body_too_large", detail);
        c->refused = true;
    }
    if (c->received / DRAIN_FACTOR > h->body_limit)
        return MHD_NO; /* who sends so much reads no answer */
    if (c->refused || c->ignore_body)
        return MHD_YES;
    uint64_t most = h->body_limit * BODIES_FACTOR > BODIES_MIN ? h->body_limit * BODIES_FACTOR : BODIES_MIN;
    c->counted += n;
    bool fits = atomic_fetch_add(&h->body_bytes, n) + n <= most;
    fc_buf_add(&c->r.body, data, n);
    if (!fits || c->r.body.failed) {
        fc_buf_free(&c->r.body);
        refuse(c, FC_UNAVAILABLE, "too_busy", "there is no memory left for another body");
        c->refused = true;
    }
    return MHD_YES;
}

enum MHD_Result fc_on_request(void *cls, struct MHD_Connection *mhd, const char *url, const char *method, const char *version, const char *data,
                              size_t *n, void **con_cls)
{
    struct fc_call *c = *con_cls;
    (void)cls;
    (void)mhd;
    (void)url; /* decoded already, so of no use: the raw target came to fc_on_request_line */
    (void)version;
    if (!c)
        return MHD_NO;
    if (c->stage == FC_STAGE_HEAD)
        return begin(c, method);
    if (c->stage == FC_STAGE_BODY && *n) {
        enum MHD_Result rc = take_body(c, data, *n);
        *n = 0;
        return rc;
    }
    if (c->stage == FC_STAGE_BODY)
        return dispatch(c);
    return c->stage == FC_STAGE_HANDLED ? send_now(c) : MHD_YES; /* resumed */
}

static void count_end(struct fc_call *c, int64_t took_ns)
{
    struct fc_http *h = c->http;
    size_t bucket = 0;
    while ((double)took_ns > fc_http_bucket_seconds[bucket] * 1e9)
        bucket++;
    atomic_fetch_add_explicit(&h->requests, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&h->by_class[c->sent_status / 100 % 6], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&h->bucket[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&h->nanoseconds, (uint64_t)took_ns, memory_order_relaxed);
    atomic_fetch_add_explicit(&h->bytes_out, c->sent, memory_order_relaxed);
}

static void free_call(struct fc_call *c)
{
    struct fc_request *r = &c->r;
    if (r->work && r->work_free)
        r->work_free(r->work);
    fc_stream_free(c);
    fc_shared_body_unref(r->response.shared);
    fc_buf_free(&r->response.body);
    fc_buf_free(&r->body);
    free(r->accept);
    free(r->content_type);
    free(r->if_none_match);
    free(r->target);
    free(c->decoded);
    free(c);
}

void fc_on_end(void *cls, struct MHD_Connection *mhd, void **con_cls, enum MHD_RequestTerminationCode why)
{
    struct fc_http *h = cls;
    struct fc_call *c = *con_cls;
    (void)mhd;
    (void)why; /* sent_status 0 says that the client left, or that the parser refused */
    *con_cls = NULL;
    if (!c)
        return;
    int64_t took = fc_clock_ns() - c->r.received_ns;
    bool chatter = c->r.route && fc_word_in("/healthz /readyz /metrics", c->r.route->pattern, strlen(c->r.route->pattern));
    fc_log_request(chatter ? FC_LOG_DEBUG : FC_LOG_INFO,
                   &(struct fc_log_request){.method = c->method, .target = c->r.target, .remote = c->r.connection->remote, .status = c->sent_status,
                                            .bytes = c->sent, .seconds = (double)took / 1e9});
    count_end(c, took);
    fc_connection_await(c->r.connection, h->limits.idle_ms, 0);
    atomic_fetch_sub(&h->body_bytes, c->counted);
    free_call(c);
    atomic_fetch_sub(&h->active, 1);
}

void fc_on_connection(void *cls, struct MHD_Connection *mhd, void **socket_context, enum MHD_ConnectionNotificationCode what)
{
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (*socket_context)
            fc_connection_free(*socket_context);
        *socket_context = NULL;
        return;
    }
    const union MHD_ConnectionInfo *fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    const union MHD_ConnectionInfo *address = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    *socket_context = fd ? fc_connection_new(cls, fd->connect_fd, address ? address->client_addr : NULL) : NULL; /* NULL: fc_on_request closes it */
}
