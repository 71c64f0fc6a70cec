/* http_call.h: what http*.c, request.c, response.c and routes.c know of one another. Nobody else includes it.
 *
 * Threads. A connection belongs to its HTTP thread; the sweeper reads its deadline and may shut its socket down, under the lock of the list.
 * A call (a request and what http.c needs with it) is made by the HTTP thread when the request line is in, and freed by it when the request
 * ends. Between dispatch and its answer the call belongs to whoever has the request. That owner and the HTTP thread meet in `state`:
 *
 *     RUNNING --(HTTP thread, after MHD_suspend_connection)--> SUSPENDED --(fc_request_finish, which then resumes)--> DONE
 *     RUNNING --(fc_request_finish before the HTTP thread came to suspend)--> DONE
 *
 * so that an answer may come at any time, also while the handler still runs on the HTTP thread.
 * http.busy counts calls (and stream pieces) that someone may still touch; once `closed` is set and busy is 0, nobody will. */
#ifndef FC_HTTP_CALL_H
#define FC_HTTP_CALL_H

#include "http.h"
#include "workers.h"

#include <pthread.h>
#include <stdatomic.h>

struct MHD_Connection;
struct MHD_Response;
struct MHD_Daemon;
struct fc_gzip_stream;

#define FC_TARGET_MAX 8192      /* bytes of a request target */
#define FC_SEGMENTS 8           /* of a path, at most */
#define FC_GZIP_MIN 1024        /* bytes of a body from which on it is compressed */
#define FC_INLINE_BYTES 65536   /* more than this is compressed on a worker */
#define FC_ETAG_TEXT 48         /* a quoted 128-bit tag with its suffix and NUL */
#define FC_VARY "Accept, Accept-Encoding"

/* One socket. */
struct fc_connection {
    struct fc_http *http;
    int fd;
    _Atomic int64_t deadline_ns; /* monotonic; INT64_MAX while nothing is asked of the peer */
    atomic_bool peer_sends;      /* what it has to do by then: send something, or take what is sent */
    bool ended;                  /* the sweeper's: the peer had ended in its last round */
    bool linger;                 /* refused before its body was read: keep reading for a moment after the answer */
    char remote[64];
    struct fc_connection *next, *previous;
};

enum fc_stage { FC_STAGE_HEAD, FC_STAGE_BODY, FC_STAGE_HANDLED, FC_STAGE_SENT };
enum { FC_CALL_RUNNING, FC_CALL_SUSPENDED, FC_CALL_DONE };

/* How the answer goes out; fc_response_prepare fills it. */
struct fc_outgoing {
    bool not_modified, gzip, vary;
    char etag[FC_ETAG_TEXT]; /* "" none */
};

/* The running state of a streamed body. Touched by the worker that produces and, when none does, by the HTTP thread. */
struct fc_stream_state {
    struct fc_buf ready;    /* coded bytes to send */
    size_t sent;            /* of them */
    struct fc_gzip_stream *gzip;
    bool end, failed;
};

struct fc_call {
    struct fc_request r;    /* first: a request is its call */
    struct fc_http *http;
    struct MHD_Connection *mhd;
    struct fc_task task;    /* its place in the workers' queue; it has only one owner, so one is enough */
    void (*then)(struct fc_request *r); /* what fc_request_defer asked for */
    atomic_int state;       /* FC_CALL_… */
    enum fc_stage stage;
    bool refused;           /* the answer stands already: drop the body */
    bool body_gzip, ignore_body, close; /* close: the connection ends with this answer */
    char method[16];        /* as sent, for the log */
    char *decoded;          /* owned: the bytes that param and query point into */
    int64_t body_since_ns;  /* when its body might have begun */
    uint64_t received;      /* bytes of the body as sent */
    uint64_t counted;       /* of them in http.body_bytes */
    uint64_t sent;          /* bytes of the response's body */
    unsigned sent_status;   /* 0: none yet */
    struct fc_outgoing out;
    struct fc_stream_state stream;
};

static inline struct fc_call *fc_call_of(struct fc_request *r)
{
    return (struct fc_call *)r;
}

struct fc_http {
    struct fc_app *app;
    const struct fc_route *routes;
    struct fc_http_limits limits;
    size_t body_limit;
    struct MHD_Daemon *daemon;
    struct fc_workers *workers;
    int listen_fd;
    uint16_t port;
    atomic_bool stopping; /* new requests are refused */
    atomic_bool closed;   /* nothing is handed over any more */
    _Atomic uint64_t busy, suspended, open, active, body_bytes;
    /* the sweeper, http_sweep.c */
    pthread_mutex_t lock; /* the list of connections and the lingering sockets; nothing else is locked while it is held */
    struct fc_connection *first;
    struct fc_linger *lingering;
    size_t lingers;
    bool sweeping;
    pthread_t sweeper;
    int wake_fd; /* eventfd: look at the lingering sockets, or end */
    atomic_bool sweeper_ends;
    /* counters for /metrics */
    _Atomic uint64_t requests, by_class[6], bytes_in, bytes_out, nanoseconds, bucket[FC_HTTP_BUCKETS];
};


/* ---- routes.c ---- */
/* A path split at its slashes, each segment decoded: [n]. "/" has one empty segment. */
struct fc_path { char *segment[FC_SEGMENTS]; size_t n; };
/* The first route of this method and path, its decoded parameters in param (pointers into the path's segments). NULL when there is none: *allow then
 * lists the methods of the path, "" when no route has the path at all. */
const struct fc_route *fc_route_find(const struct fc_route *routes, const char *method, const struct fc_path *path, char *param[FC_PATH_PARAMS],
                                     size_t *params, char allow[64]);

/* ---- request.c: no libmicrohttpd in it ---- */
/* Decodes %XX in place (and + to a space when asked); FC_UNREADABLE "bad_escape" for a bad or NUL escape, "bad_utf8". */
FC_MUST_CHECK enum fc_status fc_url_decode(char *text, bool plus, const char *what, struct fc_error *e);
/* Takes the raw target apart: *path and r->query; both point into *decoded, owned by the caller. */
FC_MUST_CHECK enum fc_status fc_target_parse(struct fc_request *r, char **decoded, struct fc_path *path, struct fc_error *e);
/* The parameters against the route's list. */
FC_MUST_CHECK enum fc_status fc_query_check(const struct fc_request *r, struct fc_error *e);
/* Whether an Accept-Encoding header (may be NULL) takes gzip. */
bool fc_takes_gzip(const char *accept_encoding);
/* True when word is in the space-separated list. */
bool fc_word_in(const char *list, const char *word, size_t n);
/* True when a Content-Type names this media type; parameters and case are ignored. */
bool fc_media_is(const char *content_type, const char *media_type, size_t n);

/* ---- response.c: no libmicrohttpd in it ---- */
/* application/problem+json with this status and code. */
enum fc_next fc_reply_problem(struct fc_request *r, unsigned status, const char *code, const char *pointer, const char *detail);
/* Chooses coding, tag and 304. On the thread that finished the request. */
void fc_response_prepare(struct fc_request *r);
/* Whether preparing is too much work for an HTTP thread. */
bool fc_response_is_heavy(const struct fc_request *r);
/* The strong tag of these bytes as this type. */
void fc_etag_make(const char *type, const void *bytes, size_t n, char out[FC_ETAG_TEXT]);
/* The tag of the gzip form of the same bytes. */
void fc_etag_gzip(const char plain[FC_ETAG_TEXT], char out[FC_ETAG_TEXT]);
/* Whether an If-None-Match (may be NULL) holds the tag; weak comparison. */
bool fc_etag_listed(const char *if_none_match, const char *etag);
const char *fc_status_title(unsigned status);

/* ---- http_head.c ---- */
/* Reads the head of a request into the call: refusals, route, query, media types. Not FC_OK: the answer stands in the call's response.
 * early: the body must not be read. */
FC_MUST_CHECK enum fc_status fc_head_read(struct fc_call *c, const char *method, bool *early);

/* ---- http_send.c ---- */
/* Queues the prepared answer. False when that failed: the connection must be closed. */
FC_MUST_CHECK bool fc_call_send(struct fc_call *c);

/* ---- http_shared.c ---- */
/* Chooses coding, tag and 304 for a shared body, compressing it when it was not yet. */
void fc_shared_prepare(struct fc_request *r, struct fc_outgoing *out);
bool fc_shared_is_heavy(const struct fc_shared_body *s);
/* The ready-made response, which stays owned by the shared body. */
struct MHD_Response *fc_shared_response(struct fc_shared_body *s, bool gzip);
const char *fc_shared_type(const struct fc_shared_body *s);
/* The bytes of one form; they live as long as the body. */
void fc_shared_bytes(const struct fc_shared_body *s, bool gzip, const void **bytes, size_t *n);

/* ---- http_stream.c ---- */
/* A chunked response that pulls from r->response.stream; NULL when out of memory. */
struct MHD_Response *fc_stream_response(struct fc_call *c);
void fc_stream_free(struct fc_call *c);

/* ---- http_sweep.c ---- */
FC_MUST_CHECK enum fc_status fc_sweep_start(struct fc_http *h, struct fc_error *e);
void fc_sweep_stop(struct fc_http *h);
struct fc_connection *fc_connection_new(struct fc_http *h, int fd, const void *address); /* NULL when out of memory */
void fc_connection_free(struct fc_connection *c);
/* The peer must have sent the next thing, or taken it, within ms (below 0: overdue) plus the time that `bytes` take at the lowest rate. */
void fc_connection_await(struct fc_connection *c, int64_t ms, uint64_t bytes);
void fc_connection_offer(struct fc_connection *c, int64_t ms, uint64_t bytes);
/* Nothing is asked of the peer. */
void fc_connection_release(struct fc_connection *c);

#endif
