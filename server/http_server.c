/* http_server.c: starting and stopping the server, and its counters.
 *
 * Stopping, in order: no new connections → new requests get 503 → open requests may end until the grace is over → `closed`: nothing is handed over
 * any more, queued tasks are cancelled, streams end → whatever someone still holds is waited for (busy) → workers end → libmicrohttpd ends. It
 * would abort on a suspended connection; after busy is 0 there is none. */
#include "http_callbacks.h"
#include "clock.h"
#include "log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define POOL_BYTES 65536 /* of a connection: the head of the request, the head of the answer, pieces of bodies */
#define OTHER_FILES 64   /* descriptors that the rest of the daemon needs */
#define FLUSH_NS INT64_C(1000000000) /* for last answers to leave after the grace */

const double fc_http_bucket_seconds[FC_HTTP_BUCKETS] = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 10, INFINITY};

/* ---- the listening socket ---- */

static int listen_at(const struct addrinfo *a)
{
    int yes = 1;
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 && bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0)
        return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

static enum fc_status open_socket(struct fc_http *h, const struct fc_http_options *o, struct fc_error *e)
{
    char port[8];
    snprintf(port, sizeof port, "%u", o->port);
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV}, *list = NULL;
    int rc = getaddrinfo(o->address, port, &hints, &list);
    if (rc)
        return fc_fail(e, FC_INVALID, "bad_address", "the address %s can't be resolved: %s", o->address, gai_strerror(rc));
    for (const struct addrinfo *a = list; a && h->listen_fd < 0; a = a->ai_next)
        h->listen_fd = listen_at(a);
    int why = errno;
    freeaddrinfo(list);
    if (h->listen_fd < 0)
        return fc_fail(e, FC_IO, "cannot_listen", "can't listen on %s:%s: %s", o->address, port, strerror(why));
    struct sockaddr_storage bound;
    socklen_t n = sizeof bound;
    if (getsockname(h->listen_fd, (struct sockaddr *)&bound, &n) != 0)
        return fc_fail(e, FC_IO, "cannot_listen", "getsockname: %s", strerror(errno));
    h->port = ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port : ((struct sockaddr_in *)&bound)->sin_port);
    return FC_OK;
}

/* As many connections as wanted, or as the limit of open files allows, which is raised as far as it goes. */
static unsigned connection_limit(size_t wanted)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return 512;
    rlim_t need = wanted + OTHER_FILES + OTHER_FILES;
    if (files.rlim_cur < need) {
        struct rlimit raised = {.rlim_cur = files.rlim_max < need ? files.rlim_max : need, .rlim_max = files.rlim_max};
        if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
            files = raised;
    }
    if (files.rlim_cur >= need)
        return (unsigned)wanted;
    return (unsigned)(files.rlim_cur > 4 * OTHER_FILES ? files.rlim_cur - 2 * OTHER_FILES : files.rlim_cur / 2);
}

/* ---- starting ---- */

FC_PRINTF(2, 0) static void log_library(void *cls, const char *fmt, va_list ap)
{
    char text[512];
    (void)cls;
    vsnprintf(text, sizeof text, fmt, ap);
    text[strcspn(text, "\n")] = 0;
    fc_log(FC_LOG_DEBUG, "libmicrohttpd", "%s", text);
}

static enum fc_status start_daemon(struct fc_http *h, const struct fc_http_options *o, struct fc_error *e)
{
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    unsigned threads = (unsigned)(o->threads ? o->threads : 2), limit = connection_limit(h->limits.connections);
    struct MHD_OptionItem options[] = {
        {MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)log_library, NULL},
        {MHD_OPTION_LISTEN_SOCKET, h->listen_fd, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, limit < threads ? threads : limit, NULL}, /* split over the threads */
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, POOL_BYTES, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, 0, NULL}, /* the sweeper keeps the time */
        {MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)fc_on_end, h},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)fc_on_connection, h},
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)fc_on_request_line, h},
        {MHD_OPTION_END, 0, NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    if (threads > 1)
        options[sizeof options / sizeof *options - 2] = (struct MHD_OptionItem){MHD_OPTION_THREAD_POOL_SIZE, threads, NULL};
    h->daemon = MHD_start_daemon(flags, 0, NULL, NULL, fc_on_request, h, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
    if (!h->daemon)
        return fc_fail(e, FC_INTERNAL, "cannot_start", "libmicrohttpd could not start on port %u", h->port);
    return FC_OK;
}

static void set_default(int64_t *limit, int64_t fallback)
{
    if (*limit <= 0)
        *limit = fallback;
}

static void set_limits(struct fc_http_limits *l)
{
    set_default(&l->header_ms, 30000);
    set_default(&l->body_ms, 30000);
    set_default(&l->send_ms, 75000);
    set_default(&l->idle_ms, 75000);
    set_default(&l->rate, 4096);
    if (!l->connections)
        l->connections = 4096;
    if (!l->queue)
        l->queue = 10000;
}

enum fc_status fc_http_start(const struct fc_http_options *o, struct fc_app *app, struct fc_http **out, struct fc_error *e)
{
    struct fc_http *h = calloc(1, sizeof *h);
    if (!h)
        return fc_fail_nomem(e, sizeof *h);
    h->app = app;
    h->routes = o->routes ? o->routes : fc_routes;
    h->limits = o->limits;
    set_limits(&h->limits);
    h->body_limit = o->body_limit;
    h->listen_fd = h->wake_fd = -1;
    pthread_mutex_init(&h->lock, NULL);
    fc_log_init(o->log_level, o->log_json);

    sigset_t all, before; /* the threads that start here leave signals to the main thread */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    enum fc_status status = open_socket(h, o, e);
    if (!status)
        status = fc_workers_new(o->workers ? o->workers : 2, h->limits.queue, &h->workers, e);
    if (!status)
        status = fc_sweep_start(h, e);
    if (!status) {
        *out = h; /* before the first request: its handler may look there */
        status = start_daemon(h, o, e);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (status) {
        *out = NULL;
        fc_http_stop(h, 0);
    }
    return status;
}

uint16_t fc_http_port(const struct fc_http *h)
{
    return h->port;
}

/* ---- stopping ---- */

/* Waits until the number is 0, at most until then. */
static void wait_zero(_Atomic uint64_t *number, int64_t until_ns)
{
    while (atomic_load(number) > 0 && fc_clock_ns() < until_ns)
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

void fc_http_stop(struct fc_http *h, int64_t grace_ms)
{
    if (!h)
        return;
    int64_t until = fc_clock_ns() + grace_ms * 1000000;
    atomic_store(&h->stopping, true);
    if (h->daemon) {
        if (MHD_quiesce_daemon(h->daemon) < 0)
            h->listen_fd = -1; /* it stayed libmicrohttpd's, who closes it */
        else
            shutdown(h->listen_fd, SHUT_RDWR); /* who comes now is refused, and does not wait in the backlog */
        wait_zero(&h->active, until);
    }
    atomic_store(&h->closed, true);
    if (h->workers)
        fc_workers_cancel(h->workers);
    wait_zero(&h->busy, INT64_MAX); /* a request that someone still holds must not be freed */
    fc_workers_free(h->workers);
    if (h->daemon) {
        int64_t flush = fc_clock_ns() + FLUSH_NS;
        wait_zero(&h->active, flush < until ? flush : until);
        MHD_stop_daemon(h->daemon);
    }
    fc_sweep_stop(h);
    if (h->listen_fd >= 0)
        close(h->listen_fd);
    pthread_mutex_destroy(&h->lock);
    free(h);
}

/* ---- counters ---- */

void fc_http_get_stats(const struct fc_http *h, struct fc_http_stats *out)
{
    *out = (struct fc_http_stats){
        .requests = atomic_load(&h->requests),
        .open = atomic_load(&h->open),
        .suspended = atomic_load(&h->suspended),
        .bytes_in = atomic_load(&h->bytes_in),
        .bytes_out = atomic_load(&h->bytes_out),
        .queued = fc_workers_queued(h->workers),
        .seconds_sum = (double)atomic_load(&h->nanoseconds) / 1e9,
    };
    for (size_t i = 0; i < 6; i++)
        out->responses_by_class[i] = atomic_load(&h->by_class[i]);
    for (size_t i = 0; i < FC_HTTP_BUCKETS; i++)
        out->bucket[i] = atomic_load(&h->bucket[i]);
}
