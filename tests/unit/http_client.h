/* http_client.h: a plain HTTP/1.1 client over a real socket, for the tests of the HTTP layer: it says exactly the bytes it is given and reads one
 * response after the other. Included by one test each; the functions are static. */
#ifndef FC_TEST_HTTP_CLIENT_H
#define FC_TEST_HTTP_CLIENT_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

struct client {
    int fd;
    char *in;        /* received and not read yet */
    size_t n, cap;
};

struct reply {
    unsigned status; /* 0: the connection ended before a whole head */
    bool whole;      /* the body is complete */
    bool chunked;
    char head[8192];
    char *body;      /* owned, NUL-terminated */
    size_t n;
};

static inline struct client client_dial(uint16_t port)
{
    struct client c = {.fd = socket(AF_INET, SOCK_STREAM, 0)};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {.tv_sec = 10};
    if (setsockopt(c.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0 || connect(c.fd, (struct sockaddr *)&to, sizeof to) != 0) {
        close(c.fd);
        c.fd = -1;
    }
    return c;
}

static inline void client_close(struct client *c)
{
    if (c->fd >= 0)
        close(c->fd);
    free(c->in);
    *c = (struct client){.fd = -1};
}

/* False when the server has closed before all was sent. */
static inline bool client_send(struct client *c, const void *bytes, size_t n)
{
    for (const char *p = bytes; n > 0;) {
        ssize_t sent = send(c->fd, p, n, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        p += sent;
        n -= (size_t)sent;
    }
    return true;
}

__attribute__((format(printf, 2, 3))) static inline bool client_say(struct client *c, const char *fmt, ...)
{
    char text[32768];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return n > 0 && (size_t)n < sizeof text && client_send(c, text, (size_t)n);
}

/* Reads more; false at the end of the connection or after ten seconds of silence. */
static inline bool client_more(struct client *c)
{
    if (c->cap - c->n < 65536) {
        c->cap = (c->cap + 65536) * 2;
        c->in = realloc(c->in, c->cap);
        if (!c->in)
            abort();
    }
    ssize_t got = recv(c->fd, c->in + c->n, c->cap - c->n - 1, 0);
    if (got <= 0)
        return false;
    c->n += (size_t)got;
    return true;
}

static inline void client_drop(struct client *c, size_t n)
{
    memmove(c->in, c->in + n, c->n - n);
    c->n -= n;
}

/* The value of a header field, "" when it is absent. */
static inline const char *reply_header(const struct reply *r, const char *name, char out[256])
{
    size_t n = strlen(name);
    out[0] = 0;
    for (const char *line = strstr(r->head, "\r\n"); line; line = strstr(line + 2, "\r\n"))
        if (strncasecmp(line + 2, name, n) == 0 && line[2 + n] == ':') {
            const char *value = line + 3 + n + strspn(line + 3 + n, " ");
            snprintf(out, 256, "%.*s", (int)strcspn(value, "\r"), value);
        }
    return out;
}

static inline bool client_take(struct client *c, struct reply *r, size_t n)
{
    while (c->n < n)
        if (!client_more(c))
            return false;
    r->body = realloc(r->body, r->n + n + 1);
    if (!r->body)
        abort();
    memcpy(r->body + r->n, c->in, n);
    r->n += n;
    r->body[r->n] = 0;
    client_drop(c, n);
    return true;
}

static inline bool client_chunks(struct client *c, struct reply *r)
{
    for (;;) {
        char *end;
        while (!(end = c->n ? memmem(c->in, c->n, "\r\n", 2) : NULL))
            if (!client_more(c))
                return false;
        size_t size = strtoul(c->in, NULL, 16);
        client_drop(c, (size_t)(end - c->in) + 2);
        if (!client_take(c, r, size))
            return false;
        while (c->n < 2)
            if (!client_more(c))
                return false;
        client_drop(c, 2);
        if (size == 0)
            return true;
    }
}

/* Reads one response; no_body: it answers a HEAD. A 100 is a response of its own. */
static inline struct reply client_hear(struct client *c, bool no_body)
{
    struct reply r = {.body = calloc(1, 1)};
    char *end, value[256];
    while (!(end = c->n ? memmem(c->in, c->n, "\r\n\r\n", 4) : NULL))
        if (!client_more(c))
            return r;
    size_t n = (size_t)(end - c->in) + 4;
    snprintf(r.head, sizeof r.head, "%.*s", (int)n - 2, c->in);
    client_drop(c, n);
    r.status = (unsigned)strtoul(r.head + sizeof "HTTP/1.1", NULL, 10);
    r.chunked = strcasecmp(reply_header(&r, "Transfer-Encoding", value), "chunked") == 0;
    if (no_body || r.status == 304 || r.status == 204 || r.status == 100)
        r.whole = true;
    else if (r.chunked)
        r.whole = client_chunks(c, &r);
    else
        r.whole = client_take(c, &r, strtoul(reply_header(&r, "Content-Length", value), NULL, 10));
    return r;
}

static inline void reply_free(struct reply *r)
{
    free(r->body);
    r->body = NULL;
}

/* True when the server closes (or has closed) the connection and sent nothing more. */
static inline bool client_ended(struct client *c)
{
    return c->n == 0 && !client_more(c);
}

#endif
