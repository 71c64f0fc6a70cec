/* http_send.c: from a prepared answer to a libmicrohttpd response. HTTP thread only. */
#include "http_call.h"

#include <microhttpd.h>
#include <stdio.h>
#include <string.h>

/* Whether the answer has header fields that a shared response does not carry. */
static bool has_extras(const struct fc_call *c)
{
    const struct fc_response *a = &c->r.response;
    return a->location[0] || a->link[0] || a->allow[0] || a->retry_after || a->security_policy || c->close || a->status != 200;
}

static bool add(struct MHD_Response *m, const char *name, const char *value)
{
    return !value || !*value || MHD_add_response_header(m, name, value) == MHD_YES;
}

static bool add_headers(struct MHD_Response *m, const struct fc_call *c)
{
    const struct fc_response *a = &c->r.response;
    char seconds[16] = "";
    if (a->retry_after)
        snprintf(seconds, sizeof seconds, "%d", a->retry_after);
    return add(m, "Content-Type", c->out.not_modified ? NULL : a->type) && add(m, "Content-Encoding", c->out.gzip && !c->out.not_modified ? "gzip" : NULL) &&
           add(m, "ETag", c->out.etag) && add(m, "Vary", c->out.vary ? FC_VARY : NULL) && add(m, "Location", a->location) && add(m, "Link", a->link) &&
           add(m, "Allow", a->allow) && add(m, "Retry-After", seconds) && add(m, "Content-Security-Policy", a->security_policy) &&
           add(m, "X-Content-Type-Options", a->security_policy ? "nosniff" : NULL) && add(m, "Connection", c->close ? "close" : NULL);
}

/* A response of its own; *bytes: how many of its body will be sent, as far as that is known. libmicrohttpd sends no body with 304 but does send a
 * Content-Length, which must be the one of the 200 (RFC 9110, 8.6): so it gets the same body. */
static struct MHD_Response *make(struct fc_call *c, uint64_t *bytes)
{
    struct fc_response *a = &c->r.response;
    const void *data = "";
    size_t n = 0;
    *bytes = 0;
    if (a->stream.produce)
        return fc_stream_response(c);
    if (a->shared) {
        fc_shared_bytes(a->shared, c->out.gzip, &data, &n);
    } else if (a->body.n) {
        data = a->body.data; /* lives until the request ended */
        n = a->body.n;
    }
    *bytes = c->r.head || c->out.not_modified ? 0 : n;
    return MHD_create_response_from_buffer(n, (void *)(uintptr_t)data, MHD_RESPMEM_PERSISTENT);
}

bool fc_call_send(struct fc_call *c)
{
    struct fc_response *a = &c->r.response;
    unsigned status = c->out.not_modified ? 304 : a->status;
    uint64_t bytes = 0;
    bool queued = false;
    if (a->shared && !c->out.not_modified && !has_extras(c)) {
        const void *data;
        size_t n;
        fc_shared_bytes(a->shared, c->out.gzip, &data, &n);
        bytes = c->r.head ? 0 : n;
        queued = MHD_queue_response(c->mhd, status, fc_shared_response(a->shared, c->out.gzip)) == MHD_YES;
    } else {
        struct MHD_Response *m = make(c, &bytes);
        if (m) {
            queued = add_headers(m, c) && MHD_queue_response(c->mhd, status, m) == MHD_YES;
            MHD_destroy_response(m);
        }
    }
    if (!queued)
        return false;
    c->stage = FC_STAGE_SENT;
    c->sent_status = status;
    c->sent = bytes;
    fc_connection_offer(c->r.connection, c->http->limits.send_ms, bytes);
    return true;
}
