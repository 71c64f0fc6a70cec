/* http_stream.c: bodies that are made while they are sent.
 *
 * libmicrohttpd asks for bytes on the HTTP thread; when none are ready the connection is suspended and a worker produces the next piece, so that at
 * most one piece is in memory and a slow reader holds nothing but that. While suspended the worker alone touches the state. */
#include "http_call.h"
#include "gzip.h"
#include "log.h"

#include <microhttpd.h>
#include <string.h>

#define BLOCK_BYTES 32768

/* One piece from the handler, coded, into ready. */
static void produce_piece(struct fc_call *c)
{
    struct fc_stream_state *s = &c->stream;
    struct fc_stream *from = &c->r.response.stream;
    struct fc_buf raw = {0};
    enum fc_status status = from->produce(from->ctx, &raw, &s->end);
    if (status != FC_OK || raw.failed) {
        s->failed = true;
        fc_log(FC_LOG_ERROR, "stream_failed", "%s %s: %s", c->method, c->r.target, raw.failed ? "out of memory" : "the rest could not be made");
    } else if (!s->gzip) {
        fc_buf_free(&s->ready);
        s->ready = raw;
        raw = (struct fc_buf){0};
    } else if ((raw.n || s->end) && !fc_gzip_stream_add(s->gzip, raw.data, raw.n, s->end, &s->ready)) {
        s->failed = true;
    }
    fc_buf_free(&raw);
}

static void run_piece(struct fc_task *t, bool cancelled)
{
    struct fc_call *c = (struct fc_call *)((char *)t - offsetof(struct fc_call, task));
    struct fc_stream_state *s = &c->stream;
    struct fc_http *h = c->http;
    s->failed |= cancelled;
    s->sent = s->ready.n = 0;
    while (!s->failed && !s->end && s->ready.n == 0)
        produce_piece(c);
    MHD_resume_connection(c->mhd); /* from here on the call is the HTTP thread's */
    atomic_fetch_sub(&h->suspended, 1);
    atomic_fetch_sub(&h->busy, 1);
}

static ssize_t pull(void *cls, uint64_t position, char *to, size_t max)
{
    struct fc_call *c = cls;
    struct fc_stream_state *s = &c->stream;
    struct fc_http *h = c->http;
    (void)position;
    if (s->sent < s->ready.n) {
        size_t n = s->ready.n - s->sent < max ? s->ready.n - s->sent : max;
        memcpy(to, s->ready.data + s->sent, n);
        s->sent += n;
        c->sent += n;
        fc_connection_offer(c->r.connection, h->limits.send_ms, n);
        return (ssize_t)n;
    }
    if (s->failed)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (s->end)
        return MHD_CONTENT_READER_END_OF_STREAM;
    atomic_fetch_add(&h->busy, 1);
    if (atomic_load(&h->closed)) {
        atomic_fetch_sub(&h->busy, 1);
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    fc_connection_release(c->r.connection);
    MHD_suspend_connection(c->mhd);
    atomic_fetch_add(&h->suspended, 1);
    c->task.run = run_piece;
    bool pushed = fc_workers_push(h->workers, &c->task, true); /* bounded by the number of connections */
    (void)pushed;
    return 0;
}

struct MHD_Response *fc_stream_response(struct fc_call *c)
{
    if (c->out.gzip && !(c->stream.gzip = fc_gzip_stream_new()))
        return NULL;
    struct MHD_Response *m = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, pull, c, NULL);
    /* libmicrohttpd 0.9.75 ends a chunked answer to HEAD with a last chunk, which the client would take for the next response: no chunks then. */
    if (m && c->r.head && MHD_set_response_options(m, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END) != MHD_YES) {
        MHD_destroy_response(m);
        return NULL;
    }
    return m;
}

void fc_stream_free(struct fc_call *c)
{
    struct fc_stream *from = &c->r.response.stream;
    if (from->produce && from->free)
        from->free(from->ctx);
    fc_gzip_stream_free(c->stream.gzip);
    fc_buf_free(&c->stream.ready);
}
