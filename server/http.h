/* http.h: requests and responses as the rest of the server sees them. http*.c are the only users of libmicrohttpd.
 *
 * Life of a request:  the HTTP thread reads head and body (limits, refusals) → matches the route on the raw target → runs the handler, inline
 * when the row says so, else suspends the connection and hands it to a request worker → the handler answers, now (FC_ANSWERED) or later
 * (FC_PENDING, then someone calls fc_request_finish once, from any thread) → coding, ETag, 304 → the HTTP thread sends it.
 * From the moment it was handed over, exactly one thread owns the request. */
#ifndef FC_HTTP_H
#define FC_HTTP_H

#include "buf.h"
#include "calendar.h"

struct fc_app; /* app.h: store, config, jobs and service that the handlers use */
struct fc_request;

enum fc_next { FC_ANSWERED, FC_PENDING };
typedef enum fc_next (*fc_handler)(struct fc_request *r);

/* Where a handler runs. INLINE: on the HTTP thread; no disk, no waiting, under a millisecond. SMALL: inline when the body is below
 * FC_SMALL_BODY, else on a worker (for handlers that decode and queue a write). WORKER: always on a request worker. */
enum fc_where { FC_INLINE, FC_SMALL, FC_WORKER };
#define FC_SMALL_BODY 16384

struct fc_route {
    const char *method;   /* "GET" serves HEAD too */
    const char *pattern;  /* "/v1/series/{id}/points": a segment in braces matches any one segment */
    fc_handler handler;
    enum fc_where where;
    const char *query;    /* names of the allowed query parameters, space-separated; "" none; NULL: any */
    const char *accepts;  /* media types of the body, space-separated; "" when it takes none */
};
extern const struct fc_route fc_routes[]; /* routes.c; ends with a row whose method is NULL */

#define FC_PATH_PARAMS 4
#define FC_QUERY_PARAMS 32
struct fc_pair { char *name, *value; }; /* decoded, NUL-free, valid UTF-8; owned by the request */

/* A body that is made while it is sent. produce runs on a request worker, appends about 64 KiB to *out and sets *end after the last. */
struct fc_stream {
    enum fc_status (*produce)(void *ctx, struct fc_buf *out, bool *end);
    void (*free)(void *ctx);
    void *ctx;
};

struct fc_response {
    unsigned status;
    const char *type;           /* a string constant, e.g. FC_JSON */
    struct fc_buf body;         /* moved in by the handler */
    struct fc_stream stream;    /* used when produce is not NULL */
    bool data;                  /* a GET of data: strong ETag, Vary, 304 */
    char location[320];         /* "" none */
    char link[1024];            /* "" none */
    char allow[64];             /* "" none */
    int retry_after;            /* seconds, 0 none */
    const char *security_policy; /* Content-Security-Policy, NULL none */
    /* A ready-made answer with both codings, shared by many requests (the forecast cache); NULL when body is used. See fc_reply_shared. */
    struct fc_shared_body *shared;
};
#define FC_JSON "application/json"
#define FC_CSV "text/csv; charset=utf-8"
#define FC_NDJSON "application/x-ndjson"

struct fc_request {
    struct fc_app *app;
    const struct fc_route *route;
    const char *method;                     /* "GET" for HEAD as well; head is set then */
    bool head;
    char *target;                           /* raw request target, owned */
    char *param[FC_PATH_PARAMS];            /* decoded {segments} in order, owned */
    size_t params;
    struct fc_pair query[FC_QUERY_PARAMS];
    size_t queries;
    char *accept, *content_type, *if_none_match; /* owned, NULL when absent */
    bool gzip;                              /* the client takes gzip */
    struct fc_buf body;                     /* whole and inflated */
    struct fc_response response;
    int64_t received_ns;                    /* monotonic, for the log and the metrics */
    void *work;                             /* the handler's own, between FC_PENDING and its answer */
    void (*work_free)(void *work);          /* called when the request ends; may be NULL */
    struct fc_connection *connection;       /* private to http.c */
};

/* The request has its answer: send it. Any thread, once, only after the handler returned or will return FC_PENDING. */
void fc_request_finish(struct fc_request *r);
/* Runs fn(r) on a request worker; used after FC_PENDING too (e.g. the second half of a handler). FC_UNAVAILABLE (503) when too many wait. */
FC_MUST_CHECK enum fc_status fc_request_defer(struct fc_request *r, void (*fn)(struct fc_request *r), struct fc_error *e);

/* ---- reading a request ---- */
const char *fc_query(const struct fc_request *r, const char *name); /* NULL when absent */
/* Query parameters with their own checks; the fallback when absent. FC_INVALID naming the parameter and its value. */
FC_MUST_CHECK enum fc_status fc_query_uint(const struct fc_request *r, const char *name, uint64_t lo, uint64_t hi, uint64_t fallback, uint64_t *out, struct fc_error *e);
/* RFC 3339 or a Unix number in ?precision=, which must be known in any case. */
FC_MUST_CHECK enum fc_status fc_query_time(const struct fc_request *r, const char *name, fc_time fallback, fc_time *out, struct fc_error *e);
/* Which of the offered media types the client wants most ("application/json text/csv"): their index, -1 for none (406). No Accept: 0. */
int fc_accepts(const struct fc_request *r, const char *offered);
/* True when the body's Content-Type is this media type (parameters ignored, case-insensitive). */
bool fc_content_is(const struct fc_request *r, const char *media_type);

/* ---- answering ---- */
/* Takes over *body (emptied). data: see fc_response. If body failed to allocate, answers 500. Returns FC_ANSWERED. */
enum fc_next fc_reply(struct fc_request *r, unsigned status, const char *type, struct fc_buf *body, bool data);
/* application/problem+json from an error: status by e->status, FC_NOT_FOUND is 404. Returns FC_ANSWERED. */
enum fc_next fc_reply_error(struct fc_request *r, const struct fc_error *e);
/* The same with FC_NOT_FOUND as 422: for things named in a query or body. */
enum fc_next fc_reply_error_in_body(struct fc_request *r, const struct fc_error *e);
/* 406 after fc_accepts gave -1; offered as given there. */
enum fc_next fc_reply_not_acceptable(struct fc_request *r, const char *offered);
enum fc_next fc_reply_empty(struct fc_request *r, unsigned status);
enum fc_next fc_reply_stream(struct fc_request *r, const char *type, struct fc_stream stream);
/* A body with its ETags and gzip form computed once, reference-counted, thread-safe. type is a constant. NULL when out of memory. Takes over *body. */
struct fc_shared_body *fc_shared_body_new(const char *type, struct fc_buf *body);
struct fc_shared_body *fc_shared_body_ref(struct fc_shared_body *s);
void fc_shared_body_unref(struct fc_shared_body *s);
enum fc_next fc_reply_shared(struct fc_request *r, struct fc_shared_body *s); /* takes a reference of its own; 200 or 304 */

/* ---- the server ---- */
struct fc_http;
/* Patience and room; a zero field takes its default (in brackets). */
struct fc_http_limits {
    int64_t header_ms;  /* a request's head must be whole within (30,000) */
    int64_t body_ms;    /* for its body, and a second more for each `rate` bytes that came (30,000) */
    int64_t send_ms;    /* the same for the client that reads an answer, or a piece of a stream (75,000) */
    int64_t idle_ms;    /* between two requests of a connection (75,000) */
    int64_t rate;       /* bytes a second of the slowest peer that is still served (4,096) */
    size_t connections; /* open at once (4,096, less when RLIMIT_NOFILE says so) */
    size_t queue;       /* requests that wait for a worker (10,000) */
};
struct fc_http_options {
    const char *address; uint16_t port;   /* 0: a free one */
    size_t body_limit;
    size_t threads;                       /* HTTP threads, 2 */
    size_t workers;                       /* request workers */
    bool log_json;
    int log_level;
    const struct fc_route *routes;        /* NULL: fc_routes */
    struct fc_http_limits limits;
};
FC_MUST_CHECK enum fc_status fc_http_start(const struct fc_http_options *o, struct fc_app *app, struct fc_http **out, struct fc_error *e);
uint16_t fc_http_port(const struct fc_http *h);
/* No new connections, 503 for new requests; open requests may end for grace_ms, then queued ones get 503 and streams are cut. Handlers that run, and
 * writes that are queued, are waited for in any case: the store, the jobs and the app must outlive this call. NULL is fine. */
void fc_http_stop(struct fc_http *h, int64_t grace_ms);
/* responses_by_class: [2] is 2xx, …; [0] those whose client went away. open: connections. queued: requests that wait for a worker. bytes: of bodies. */
#define FC_HTTP_BUCKETS 12
extern const double fc_http_bucket_seconds[FC_HTTP_BUCKETS]; /* upper bounds; the last is infinite */
struct fc_http_stats { uint64_t requests, responses_by_class[6], open, suspended, bytes_in, bytes_out, queued; double seconds_sum; uint64_t bucket[FC_HTTP_BUCKETS]; };
void fc_http_get_stats(const struct fc_http *h, struct fc_http_stats *out);

#endif
