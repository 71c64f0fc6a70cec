/* http_sweep.c: connections and their deadlines.
 *
 * libmicrohttpd's own time-out starts anew with every byte, so a peer that sends one byte a second would live for ever. Here each connection has one
 * deadline for what its peer must do next; the sweeper shuts the sockets down that passed theirs, and their HTTP threads then close them. A
 * connection is taken off the list before its socket is closed, under the same lock, so that the sweeper never shuts down a number that was reused.
 *
 * The sweeper also reads on for a while where a body was refused: closing a socket with unread bytes would reset the connection and could take the
 * answer away from the client. */
#include "http_call.h"

#include "clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINGERS 64                  /* at once; more are closed hard */
#define LINGER_NS INT64_C(30000000000)
#define LINGER_SILENCE_NS INT64_C(5000000000)

/* A duplicate of a socket whose request was refused before its body was read. */
struct fc_linger {
    int fd;
    int64_t until_ns, silent_until_ns;
    struct fc_linger *next;
};

static void wake(struct fc_http *h)
{
    uint64_t one = 1;
    ssize_t n = write(h->wake_fd, &one, sizeof one);
    (void)n; /* fails only when the counter is full: it is awake then */
}

/* ---- connections: called on their HTTP threads ---- */

struct fc_connection *fc_connection_new(struct fc_http *h, int fd, const void *address)
{
    struct fc_connection *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->http = h;
    c->fd = fd;
    const struct sockaddr *a = address;
    char text[INET6_ADDRSTRLEN] = "?";
    if (a && a->sa_family == AF_INET) {
        const struct sockaddr_in *in = address;
        inet_ntop(AF_INET, &in->sin_addr, text, sizeof text);
        snprintf(c->remote, sizeof c->remote, "%s:%u", text, ntohs(in->sin_port));
    } else if (a && a->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in = address;
        inet_ntop(AF_INET6, &in->sin6_addr, text, sizeof text);
        snprintf(c->remote, sizeof c->remote, "[%s]:%u", text, ntohs(in->sin6_port));
    }
    fc_connection_await(c, h->limits.header_ms, 0);
    pthread_mutex_lock(&h->lock);
    c->next = h->first;
    if (h->first)
        h->first->previous = c;
    h->first = c;
    pthread_mutex_unlock(&h->lock);
    atomic_fetch_add(&h->open, 1);
    return c;
}

static void linger(struct fc_http *h, int fd)
{
    struct fc_linger *l = calloc(1, sizeof *l);
    int copy = l ? dup(fd) : -1;
    if (copy < 0) {
        free(l);
        return;
    }
    shutdown(copy, SHUT_WR);
    l->fd = copy;
    l->until_ns = fc_clock_ns() + LINGER_NS;
    l->silent_until_ns = fc_clock_ns() + LINGER_SILENCE_NS;
    pthread_mutex_lock(&h->lock);
    bool fits = h->lingers < LINGERS;
    if (fits) {
        l->next = h->lingering;
        h->lingering = l;
        h->lingers++;
    }
    pthread_mutex_unlock(&h->lock);
    if (fits) {
        wake(h);
    } else {
        close(copy);
        free(l);
    }
}

void fc_connection_free(struct fc_connection *c)
{
    struct fc_http *h = c->http;
    pthread_mutex_lock(&h->lock);
    if (c->previous)
        c->previous->next = c->next;
    else
        h->first = c->next;
    if (c->next)
        c->next->previous = c->previous;
    pthread_mutex_unlock(&h->lock);
    if (c->linger)
        linger(h, c->fd);
    atomic_fetch_sub(&h->open, 1);
    free(c);
}

static void expect(struct fc_connection *c, bool peer_sends, int64_t ms, uint64_t bytes)
{
    int64_t deadline = fc_clock_ns() + ms * 1000000 + (int64_t)bytes / c->http->limits.rate * 1000000000;
    atomic_store_explicit(&c->peer_sends, peer_sends, memory_order_relaxed);
    atomic_store_explicit(&c->deadline_ns, deadline, memory_order_relaxed);
}

void fc_connection_await(struct fc_connection *c, int64_t ms, uint64_t bytes)
{
    expect(c, true, ms, bytes);
}

void fc_connection_offer(struct fc_connection *c, int64_t ms, uint64_t bytes)
{
    expect(c, false, ms, bytes);
}

void fc_connection_release(struct fc_connection *c)
{
    atomic_store_explicit(&c->peer_sends, false, memory_order_relaxed);
    atomic_store_explicit(&c->deadline_ns, INT64_MAX, memory_order_relaxed);
}

/* ---- the sweeper ---- */

/* libmicrohttpd 0.9.75 overlooks the end of a connection that arrives together with data (edge-triggered, and it reads only once). */
static bool peer_ended(const struct fc_connection *c)
{
    char byte;
    return atomic_load_explicit(&c->peer_sends, memory_order_relaxed) && recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static void sweep(struct fc_http *h)
{
    int64_t now = fc_clock_ns();
    pthread_mutex_lock(&h->lock);
    for (struct fc_connection *c = h->first; c; c = c->next) {
        bool ended = peer_ended(c), before = c->ended; /* twice in a row: its last bytes may be in the HTTP thread's hands the first time */
        c->ended = ended;
        if (atomic_load_explicit(&c->deadline_ns, memory_order_relaxed) < now || (ended && before))
            shutdown(c->fd, SHUT_RDWR);
    }
    pthread_mutex_unlock(&h->lock);
}

/* Reads what there is and throws it away; false when the socket is done with. */
static bool linger_on(struct fc_linger *l, int64_t now)
{
    char waste[65536];
    ssize_t n;
    while ((n = recv(l->fd, waste, sizeof waste, MSG_DONTWAIT)) > 0) {
        l->silent_until_ns = now + LINGER_SILENCE_NS;
        if (fc_clock_ns() - now > 10000000) /* the others want a turn */
            break;
    }
    return n != 0 && (n > 0 || errno == EAGAIN || errno == EINTR) && now < l->until_ns && now < l->silent_until_ns;
}

static void linger_all(struct fc_http *h, bool all_end)
{
    /* The sweeper takes the whole list, so that no HTTP thread waits for its reads, and puts back what stays. */
    pthread_mutex_lock(&h->lock);
    struct fc_linger *list = h->lingering;
    h->lingering = NULL;
    pthread_mutex_unlock(&h->lock);
    struct fc_linger *kept = NULL, **tail = &kept;
    size_t ended = 0;
    for (struct fc_linger *l = list, *next; l; l = next) {
        next = l->next;
        if (!all_end && linger_on(l, fc_clock_ns())) {
            *tail = l;
            tail = &l->next;
            continue;
        }
        close(l->fd);
        free(l);
        ended++;
    }
    pthread_mutex_lock(&h->lock);
    *tail = h->lingering;
    h->lingering = kept;
    h->lingers -= ended;
    pthread_mutex_unlock(&h->lock);
}

static int tick_ms(const struct fc_http_limits *l)
{
    int64_t least = l->header_ms;
    least = l->body_ms < least ? l->body_ms : least;
    least = l->send_ms < least ? l->send_ms : least;
    least = l->idle_ms < least ? l->idle_ms : least;
    return least / 4 < 10 ? 10 : least / 4 > 1000 ? 1000 : (int)(least / 4);
}

static void *run_sweeper(void *arg)
{
    struct fc_http *h = arg;
    int64_t tick = tick_ms(&h->limits), next_sweep = fc_clock_ns() + tick * 1000000;
    while (!atomic_load(&h->sweeper_ends)) {
        struct pollfd fds[LINGERS + 1] = {{.fd = h->wake_fd, .events = POLLIN}};
        nfds_t n = 1;
        pthread_mutex_lock(&h->lock);
        for (struct fc_linger *l = h->lingering; l && n <= LINGERS; l = l->next)
            fds[n++] = (struct pollfd){.fd = l->fd, .events = POLLIN};
        pthread_mutex_unlock(&h->lock);
        int64_t left = (next_sweep - fc_clock_ns()) / 1000000 + 1;
        if (poll(fds, n, left < 0 ? 0 : (int)left) > 0 && fds[0].revents) {
            uint64_t count;
            ssize_t got = read(h->wake_fd, &count, sizeof count);
            (void)got; /* it does not block, and the number does not matter */
        }
        linger_all(h, false);
        if (fc_clock_ns() >= next_sweep) {
            sweep(h);
            next_sweep = fc_clock_ns() + tick * 1000000;
        }
    }
    linger_all(h, true);
    return NULL;
}

enum fc_status fc_sweep_start(struct fc_http *h, struct fc_error *e)
{
    h->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (h->wake_fd < 0)
        return fc_fail(e, FC_IO, "no_eventfd", "eventfd: %s", strerror(errno));
    int rc = pthread_create(&h->sweeper, NULL, run_sweeper, h);
    if (rc)
        return fc_fail(e, FC_INTERNAL, "no_thread", "the sweeper thread could not be started: %s", strerror(rc));
    h->sweeping = true;
    return FC_OK;
}

void fc_sweep_stop(struct fc_http *h)
{
    if (h->sweeping) {
        atomic_store(&h->sweeper_ends, true);
        wake(h);
        pthread_join(h->sweeper, NULL);
    }
    if (h->wake_fd >= 0)
        close(h->wake_fd);
}
