/* log.c: see log.h.
 *
 * Lines go into one ring of bytes, each with its length in front; the ring's mutex is held for a memcpy and never over a write. The writer
 * naps between two rounds, so that a busy server wakes it a few hundred times a second and not once a line. */
#include "log.h"
#include "buf.h"
#include "calendar.h"
#include "clock.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048
#define RING_BYTES (1 << 20)
#define NAP_NS 2000000

static struct {
    pthread_mutex_t lock;
    pthread_cond_t more, idle; /* a line came; all lines are written */
    pthread_t thread;
    bool running, waiting, closing;
    size_t head, used;         /* of the ring */
    bool writing;
    char *ring;                /* [RING_BYTES], kept until the process ends */
} log_state = {.lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER, .idle = PTHREAD_COND_INITIALIZER};

static atomic_int log_level = FC_LOG_INFO;
static atomic_bool log_json;
static _Atomic uint64_t log_dropped, log_told; /* lines lost so far, and those of them that need no report any more */

static const char *const level_name[] = {"error", "warn", "info", "debug"};

/* A line as it is put together: text beyond the room is cut. */
struct line { size_t n; bool json; char text[LINE_MAX_BYTES]; };

static void put(struct line *l, const char *s, size_t n)
{
    size_t room = sizeof l->text - 8 - l->n; /* 8: the closing quote, brace and newline always fit */
    if (n > room)
        n = room;
    memcpy(l->text + l->n, s, n);
    l->n += n;
}

static void put_text(struct line *l, const char *s)
{
    put(l, s, strlen(s));
}

/* A quoted value; the escapes are JSON's in both forms. A value is cut so that the rest of the line keeps its room. */
static void put_quoted(struct line *l, const char *value)
{
    size_t stop = l->n + 1200 < sizeof l->text - 256 ? l->n + 1200 : sizeof l->text - 256;
    put(l, "\"", 1);
    const char *end = value + strlen(value);
    for (const char *s = value; s < end && l->n < stop;) {
        size_t n = fc_utf8_sequence(s, (size_t)(end - s));
        char escape[8];
        if (n == 0) {
            put_text(l, "\\ufffd");
            s++;
            continue;
        }
        if (*s == '"' || *s == '\\') {
            escape[0] = '\\';
            escape[1] = *s;
            put(l, escape, 2);
        } else if ((unsigned char)*s < 0x20 || *s == 0x7f) {
            snprintf(escape, sizeof escape, "\\u%04x", (unsigned char)*s);
            put_text(l, escape);
        } else {
            put(l, s, n);
        }
        s += n;
    }
    put(l, "\"", 1);
}

static void put_key(struct line *l, const char *key)
{
    if (l->json) {
        put_text(l, l->n ? ",\"" : "{\"");
        put_text(l, key);
        put_text(l, "\":");
    } else {
        if (l->n)
            put(l, " ", 1);
        put_text(l, key);
        put(l, "=", 1);
    }
}

/* A word of our own: needs no escapes. */
static void put_word(struct line *l, const char *key, const char *value)
{
    put_key(l, key);
    if (l->json)
        put(l, "\"", 1);
    put_text(l, value);
    if (l->json)
        put(l, "\"", 1);
}

static void line_begin(struct line *l, enum fc_log_level level, const char *event)
{
    l->n = 0;
    l->json = atomic_load_explicit(&log_json, memory_order_relaxed);
    char time_text[FC_TIME_TEXT];
    fc_time_format(fc_clock_now(), time_text);
    put_word(l, "time", time_text);
    put_word(l, "level", level_name[level]);
    put_word(l, "event", event);
}

static void write_line(const char *text, size_t n)
{
    ssize_t rc = write(STDERR_FILENO, text, n);
    if (rc != (ssize_t)n) { /* a report would be lost as well; the counter shows in /metrics */
        atomic_fetch_add(&log_told, 1);
        atomic_fetch_add(&log_dropped, 1);
    }
}

static void ring_copy_in(size_t at, const void *bytes, size_t n)
{
    size_t first = RING_BYTES - at < n ? RING_BYTES - at : n;
    memcpy(log_state.ring + at, bytes, first);
    memcpy(log_state.ring, (const char *)bytes + first, n - first);
}

static void ring_copy_out(size_t at, void *bytes, size_t n)
{
    size_t first = RING_BYTES - at < n ? RING_BYTES - at : n;
    memcpy(bytes, log_state.ring + at, first);
    memcpy((char *)bytes + first, log_state.ring, n - first);
}

static void line_end(struct line *l)
{
    if (l->json)
        l->text[l->n++] = '}';
    l->text[l->n++] = '\n';
    uint32_t length = (uint32_t)l->n;
    pthread_mutex_lock(&log_state.lock);
    if (!log_state.running) {
        pthread_mutex_unlock(&log_state.lock);
        write_line(l->text, l->n);
        return;
    }
    if (RING_BYTES - log_state.used < sizeof length + l->n) {
        atomic_fetch_add(&log_dropped, 1);
    } else {
        size_t tail = (log_state.head + log_state.used) % RING_BYTES;
        ring_copy_in(tail, &length, sizeof length);
        ring_copy_in((tail + sizeof length) % RING_BYTES, l->text, l->n);
        log_state.used += sizeof length + l->n;
        if (log_state.waiting)
            pthread_cond_signal(&log_state.more);
    }
    pthread_mutex_unlock(&log_state.lock);
}

static void put_dropped(struct line *l, uint64_t lines)
{
    char text[32];
    line_begin(l, FC_LOG_WARN, "log_dropped");
    put_key(l, "lines");
    snprintf(text, sizeof text, "%llu", (unsigned long long)lines);
    put_text(l, text);
    if (l->json)
        l->text[l->n++] = '}';
    l->text[l->n++] = '\n';
}

/* Takes the oldest line out of the ring, or a report of the dropped ones; false when there is neither. The lock is held. */
static bool take(struct line *l)
{
    uint64_t told = atomic_load(&log_told), dropped = atomic_load(&log_dropped);
    if (dropped > told) {
        put_dropped(l, dropped - told);
        atomic_fetch_add(&log_told, dropped - told);
        return true;
    }
    if (log_state.used == 0)
        return false;
    uint32_t length;
    ring_copy_out(log_state.head, &length, sizeof length);
    ring_copy_out((log_state.head + sizeof length) % RING_BYTES, l->text, length);
    l->n = length;
    log_state.head = (log_state.head + sizeof length + length) % RING_BYTES;
    log_state.used -= sizeof length + length;
    return true;
}

static void *write_lines(void *arg)
{
    (void)arg;
    struct line l;
    pthread_mutex_lock(&log_state.lock);
    for (;;) {
        log_state.writing = true;
        while (take(&l)) {
            pthread_mutex_unlock(&log_state.lock);
            write_line(l.text, l.n);
            pthread_mutex_lock(&log_state.lock);
        }
        log_state.writing = false;
        pthread_cond_broadcast(&log_state.idle);
        if (log_state.closing)
            break;
        log_state.waiting = true;
        while (log_state.used == 0 && !log_state.closing)
            pthread_cond_wait(&log_state.more, &log_state.lock);
        log_state.waiting = false;
        if (log_state.closing)
            continue;
        pthread_mutex_unlock(&log_state.lock);
        nanosleep(&(struct timespec){.tv_nsec = NAP_NS}, NULL);
        pthread_mutex_lock(&log_state.lock);
    }
    log_state.running = false;
    pthread_mutex_unlock(&log_state.lock);
    return NULL;
}

static void log_close(void)
{
    pthread_mutex_lock(&log_state.lock);
    bool running = log_state.running;
    log_state.closing = true;
    pthread_cond_signal(&log_state.more);
    pthread_mutex_unlock(&log_state.lock);
    if (running)
        pthread_join(log_state.thread, NULL);
}

void fc_log_init(int level, bool json)
{
    atomic_store(&log_level, level);
    atomic_store(&log_json, json);
    pthread_mutex_lock(&log_state.lock);
    if (!log_state.running && !log_state.closing && (log_state.ring || (log_state.ring = malloc(RING_BYTES)))) {
        sigset_t all, before; /* signals are for the main thread */
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        log_state.running = pthread_create(&log_state.thread, NULL, write_lines, NULL) == 0;
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        if (log_state.running && atexit(log_close) != 0)
            fputs("forecastd: the last log lines may be lost at exit\n", stderr);
    }
    pthread_mutex_unlock(&log_state.lock);
}

bool fc_log_wants(enum fc_log_level level)
{
    return (int)level <= atomic_load_explicit(&log_level, memory_order_relaxed);
}

uint64_t fc_log_dropped(void)
{
    return atomic_load(&log_dropped);
}

void fc_log_flush(void)
{
    pthread_mutex_lock(&log_state.lock);
    while (log_state.running && (log_state.used > 0 || log_state.writing))
        pthread_cond_wait(&log_state.idle, &log_state.lock);
    pthread_mutex_unlock(&log_state.lock);
}

void fc_log(enum fc_log_level level, const char *event, const char *fmt, ...)
{
    if (!fc_log_wants(level))
        return;
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    struct line l;
    line_begin(&l, level, event);
    put_key(&l, "message");
    put_quoted(&l, text);
    line_end(&l);
}

void fc_log_request(enum fc_log_level level, const struct fc_log_request *q)
{
    if (!fc_log_wants(level))
        return;
    struct line l;
    line_begin(&l, level, "request");
    put_key(&l, "method");
    put_quoted(&l, q->method);
    put_key(&l, "target");
    put_quoted(&l, q->target);
    char numbers[128];
    snprintf(numbers, sizeof numbers, l.json ? ",\"status\":%u,\"bytes\":%llu,\"ms\":%.3f" : " status=%u bytes=%llu ms=%.3f", q->status,
             (unsigned long long)q->bytes, q->seconds * 1e3);
    put_text(&l, numbers);
    put_word(&l, "remote", q->remote);
    line_end(&l);
}
