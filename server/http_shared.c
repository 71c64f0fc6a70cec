/* http_shared.c: answers that many requests share: bytes, tags and the libmicrohttpd response of each coding are made once.
 *
 * The gzip form is made by the first request that wants it and published with one compare-and-swap; who loses that race frees its own. All else is
 * constant from birth. A request holds a reference until it ended, so the bytes outlive every response that sends them. Any thread. */
#include "http_call.h"
#include "gzip.h"

#include <microhttpd.h>
#include <stdlib.h>

struct packed {
    struct fc_buf body;
    struct MHD_Response *response;
};

struct fc_shared_body {
    atomic_size_t references;
    const char *type;
    struct fc_buf body;
    char etag[FC_ETAG_TEXT], etag_gzip[FC_ETAG_TEXT];
    struct MHD_Response *plain;
    struct packed *_Atomic packed; /* NULL: not tried yet; &no_gain: gzip is no smaller */
};

static struct packed no_gain;

static struct MHD_Response *make_response(const struct fc_buf *body, const char *type, const char *etag, bool gzip)
{
    struct MHD_Response *m = MHD_create_response_from_buffer(body->n, body->data, MHD_RESPMEM_PERSISTENT);
    if (!m)
        return NULL;
    if (MHD_add_response_header(m, "Content-Type", type) && MHD_add_response_header(m, "ETag", etag) && MHD_add_response_header(m, "Vary", FC_VARY) &&
        (!gzip || MHD_add_response_header(m, "Content-Encoding", "gzip")))
        return m;
    MHD_destroy_response(m);
    return NULL;
}

static void packed_free(struct packed *p)
{
    if (!p || p == &no_gain)
        return;
    if (p->response)
        MHD_destroy_response(p->response);
    fc_buf_free(&p->body);
    free(p);
}

struct fc_shared_body *fc_shared_body_new(const char *type, struct fc_buf *body)
{
    struct fc_shared_body *s = body->failed ? NULL : calloc(1, sizeof *s);
    if (s) {
        fc_etag_make(type, body->data, body->n, s->etag);
        fc_etag_gzip(s->etag, s->etag_gzip);
        s->plain = make_response(body, type, s->etag, false);
    }
    if (!s || !s->plain) {
        free(s);
        fc_buf_free(body);
        return NULL;
    }
    atomic_init(&s->references, 1);
    atomic_init(&s->packed, body->n < FC_GZIP_MIN ? &no_gain : NULL);
    s->type = type;
    s->body = *body;
    *body = (struct fc_buf){0};
    return s;
}

struct fc_shared_body *fc_shared_body_ref(struct fc_shared_body *s)
{
    atomic_fetch_add_explicit(&s->references, 1, memory_order_relaxed);
    return s;
}

void fc_shared_body_unref(struct fc_shared_body *s)
{
    if (!s || atomic_fetch_sub_explicit(&s->references, 1, memory_order_acq_rel) != 1)
        return;
    packed_free(atomic_load(&s->packed));
    MHD_destroy_response(s->plain);
    fc_buf_free(&s->body);
    free(s);
}

/* The gzip form, made now when it must be; NULL when there is none to gain from (or no memory for it this time). */
static struct packed *pack(struct fc_shared_body *s)
{
    struct packed *p = atomic_load_explicit(&s->packed, memory_order_acquire);
    if (!p) {
        struct packed *fresh = calloc(1, sizeof *fresh), *expected = NULL;
        if (!fresh)
            return NULL;
        if (!fc_gzip_deflate(s->body.data, s->body.n, &fresh->body)) {
            free(fresh);
            fresh = &no_gain;
        } else if (!(fresh->response = make_response(&fresh->body, s->type, s->etag_gzip, true))) {
            packed_free(fresh);
            return NULL;
        }
        p = fresh;
        if (!atomic_compare_exchange_strong(&s->packed, &expected, fresh)) {
            packed_free(fresh);
            p = expected;
        }
    }
    return p == &no_gain ? NULL : p;
}

void fc_shared_prepare(struct fc_request *r, struct fc_outgoing *out)
{
    struct fc_shared_body *s = r->response.shared;
    out->vary = true;
    out->gzip = r->gzip && pack(s);
    const char *etag = out->gzip ? s->etag_gzip : s->etag;
    for (size_t i = 0; i < FC_ETAG_TEXT; i++)
        out->etag[i] = etag[i];
    out->not_modified = fc_etag_listed(r->if_none_match, etag);
}

bool fc_shared_is_heavy(const struct fc_shared_body *s)
{
    return s->body.n > FC_INLINE_BYTES && !atomic_load_explicit(&s->packed, memory_order_relaxed);
}

struct MHD_Response *fc_shared_response(struct fc_shared_body *s, bool gzip)
{
    return gzip ? atomic_load_explicit(&s->packed, memory_order_acquire)->response : s->plain;
}

const char *fc_shared_type(const struct fc_shared_body *s)
{
    return s->type;
}

void fc_shared_bytes(const struct fc_shared_body *s, bool gzip, const void **bytes, size_t *n)
{
    const struct fc_buf *b = gzip ? &atomic_load_explicit(&s->packed, memory_order_acquire)->body : &s->body;
    *bytes = b->data;
    *n = b->n;
}
