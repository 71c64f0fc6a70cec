/* error.c: see error.h. */
#include "error.h"

#include <stdio.h>
#include <string.h>

/* Cuts a text that vsnprintf truncated inside a UTF-8 sequence back to its last whole character. */
static void trim_utf8(char *s)
{
    size_t n = strlen(s), i = n;
    while (i > 0 && ((unsigned char)s[i - 1] & 0xC0) == 0x80)
        i--;
    if (i == 0)
        return;
    unsigned char lead = (unsigned char)s[i - 1];
    size_t want = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (n - (i - 1) < want)
        s[i - 1] = 0;
}

FC_PRINTF(5, 0)
static enum fc_status fill(struct fc_error *e, enum fc_status status, const char *code, const char *pointer, const char *fmt, va_list ap)
{
    if (!e)
        return status;
    memset(e, 0, sizeof *e);
    e->status = status;
    snprintf(e->code, sizeof e->code, "%s", code);
    snprintf(e->pointer, sizeof e->pointer, "%s", pointer);
    vsnprintf(e->detail, sizeof e->detail, fmt, ap);
    trim_utf8(e->detail);
    trim_utf8(e->pointer);
    return status;
}

enum fc_status fc_fail(struct fc_error *e, enum fc_status status, const char *code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fill(e, status, code, "", fmt, ap);
    va_end(ap);
    return status;
}

enum fc_status fc_fail_at(struct fc_error *e, enum fc_status status, const char *code, const char *pointer, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fill(e, status, code, pointer, fmt, ap);
    va_end(ap);
    return status;
}

enum fc_status fc_fail_nomem(struct fc_error *e, unsigned long bytes)
{
    return fc_fail(e, FC_NOMEM, "out_of_memory", "could not allocate %lu bytes", bytes);
}
