/* value.c: one parser and one writer for each kind of option, in a table by kind.
 *
 * Parsers take the whole text or refuse it: no signs, no trailing characters, no numbers that wrap. */
#include "value.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

struct kind {
    enum fc_status (*parse)(const struct fc_option *o, const char *text, void *field, struct fc_error *e);
    void (*format)(const struct fc_option *o, const void *field, struct fc_buf *out);
};

static const struct unit {
    const char *name;
    size_t bytes;
} units[] = {
    { "GiB", 1u << 30 }, { "MiB", 1u << 20 }, { "KiB", 1u << 10 }, { "GB", 1000000000u }, { "MB", 1000000u }, { "kB", 1000u }, { "B", 1 }, { "", 1 },
};
#define BINARY_UNITS 3 /* the first of them, which the writer uses */

/* The digits at *text as a number; false when there is none or it doesn't fit. *text moves behind them. */
static bool read_digits(const char **text, size_t *out)
{
    size_t x = 0;
    const char *p = *text;
    for (; *p >= '0' && *p <= '9'; p++) {
        size_t digit = (size_t)(*p - '0');
        if (__builtin_mul_overflow(x, (size_t)10, &x) || __builtin_add_overflow(x, digit, &x))
            return false;
    }
    if (p == *text)
        return false;
    *text = p;
    *out = x;
    return true;
}

/* ---- LISTEN ---- */

static bool is_loopback(const char *address, bool ipv6, bool *valid)
{
    struct in6_addr six;
    struct in_addr four;
    *valid = ipv6 ? inet_pton(AF_INET6, address, &six) == 1 : inet_pton(AF_INET, address, &four) == 1;
    if (!*valid)
        return false;
    return ipv6 ? IN6_IS_ADDR_LOOPBACK(&six) : (ntohl(four.s_addr) >> 24) == 127;
}

static enum fc_status parse_listen(const struct fc_option *o, const char *text, void *field, struct fc_error *e)
{
    (void)o;
    struct fc_listen listen = { .port = 0 };
    const char *colon = strrchr(text, ':');
    const char *digits = colon ? colon + 1 : "";
    size_t n = colon ? (size_t)(colon - text) : 0, port = 0;
    bool brackets = n > 2 && text[0] == '[' && text[n - 1] == ']', valid = false;
    if (!colon || !read_digits(&digits, &port) || *digits || port > 65535)
        return fc_fail(e, FC_INVALID, "bad_option", "must be ADDRESS:PORT with a port from 0 to 65535, such as 127.0.0.1:8077 or [::1]:8077");
    const char *address = brackets ? text + 1 : text;
    n -= brackets ? 2 : 0;
    if (n < sizeof listen.address) {
        memcpy(listen.address, address, n);
        listen.address[n] = 0;
        if (strcmp(listen.address, "localhost") == 0)
            memcpy(listen.address, "127.0.0.1", sizeof "127.0.0.1");
        if (is_loopback(listen.address, brackets, &valid)) {
            listen.port = (uint16_t)port;
            *(struct fc_listen *)field = listen;
            return FC_OK;
        }
    }
    if (valid)
        return fc_fail(e, FC_INVALID, "bad_option",
                       "must be a loopback address (127.0.0.1 or [::1]): there are no keys yet, so forecastd serves this machine alone");
    return fc_fail(e, FC_INVALID, "bad_option", "must begin with a numeric address, such as 127.0.0.1:8077 or [::1]:8077");
}

static void format_listen(const struct fc_option *o, const void *field, struct fc_buf *out)
{
    (void)o;
    const struct fc_listen *l = field;
    fc_buf_format(out, strchr(l->address, ':') ? "[%s]:%u" : "%s:%u", l->address, (unsigned)l->port);
}

/* ---- PATH ---- */

static enum fc_status parse_path(const struct fc_option *o, const char *text, void *field, struct fc_error *e)
{
    (void)o;
    size_t n = strlen(text);
    if (n == 0 || n >= FC_FILE_MAX)
        return fc_fail(e, FC_INVALID, "bad_option", "must be a file name of 1 to %d bytes", FC_FILE_MAX - 1);
    memcpy(field, text, n + 1);
    return FC_OK;
}

static void format_path(const struct fc_option *o, const void *field, struct fc_buf *out)
{
    (void)o;
    fc_buf_text(out, field);
}

/* ---- COUNT ---- */

static enum fc_status parse_count(const struct fc_option *o, const char *text, void *field, struct fc_error *e)
{
    size_t x = 0;
    if (!read_digits(&text, &x) || *text || x < o->lo || x > o->hi)
        return fc_fail(e, FC_INVALID, "bad_option", "must be a whole number from %zu to %zu", o->lo, o->hi);
    *(size_t *)field = x;
    return FC_OK;
}

static void format_count(const struct fc_option *o, const void *field, struct fc_buf *out)
{
    (void)o;
    fc_buf_format(out, "%zu", *(const size_t *)field);
}

/* ---- BYTES ---- */

static enum fc_status parse_bytes(const struct fc_option *o, const char *text, void *field, struct fc_error *e)
{
    size_t x = 0;
    bool fits = read_digits(&text, &x);
    if (fits && *text == ' ' && text[1])
        text++;
    size_t u = 0;
    while (u < sizeof units / sizeof *units && strcmp(units[u].name, text) != 0)
        u++;
    fits = fits && u < sizeof units / sizeof *units && !__builtin_mul_overflow(x, units[u].bytes, &x);
    if (!fits || x < o->lo || x > o->hi)
        return fc_fail(e, FC_INVALID, "bad_option", "must be a size from %zu to %zu bytes, with a unit B, kB, MB, GB, KiB, MiB or GiB, such as 64MiB",
                       o->lo, o->hi);
    *(size_t *)field = x;
    return FC_OK;
}

static void format_bytes(const struct fc_option *o, const void *field, struct fc_buf *out)
{
    (void)o;
    size_t x = *(const size_t *)field, u = 0;
    while (u < BINARY_UNITS && (x == 0 || x % units[u].bytes))
        u++;
    if (u < BINARY_UNITS)
        fc_buf_format(out, "%zu%s", x / units[u].bytes, units[u].name);
    else
        fc_buf_format(out, "%zu", x);
}

/* ---- CHOICE ---- */

static enum fc_status parse_choice(const struct fc_option *o, const char *text, void *field, struct fc_error *e)
{
    int index = 0;
    size_t n = strlen(text);
    for (const char *word = o->form;; index++) {
        size_t length = strcspn(word, "|");
        if (length == n && memcmp(word, text, n) == 0) {
            *(int *)field = index;
            return FC_OK;
        }
        if (!word[length])
            return fc_fail(e, FC_INVALID, "bad_option", "must be one of %s", o->form);
        word += length + 1;
    }
}

static void format_choice(const struct fc_option *o, const void *field, struct fc_buf *out)
{
    const char *word = o->form;
    for (int skip = *(const int *)field; skip > 0; skip--)
        word += strcspn(word, "|") + 1;
    fc_buf_add(out, word, strcspn(word, "|"));
}

static const struct kind kinds[] = {
    [FC_OPTION_LISTEN] = { parse_listen, format_listen }, [FC_OPTION_PATH] = { parse_path, format_path },
    [FC_OPTION_COUNT] = { parse_count, format_count },    [FC_OPTION_BYTES] = { parse_bytes, format_bytes },
    [FC_OPTION_CHOICE] = { parse_choice, format_choice },
};

enum fc_status fc_value_parse(const struct fc_option *o, const char *text, struct fc_config *c, struct fc_error *e)
{
    return kinds[o->kind].parse(o, text, (char *)c + o->offset, e);
}

void fc_value_format(const struct fc_option *o, const struct fc_config *c, struct fc_buf *out)
{
    kinds[o->kind].format(o, (const char *)c + o->offset, out);
}
