/* error.h: how every layer says what went wrong.
 *
 * A function that can fail returns an fc_status and, when it is not FC_OK, has filled the caller's fc_error with a stable code, a
 * message that names the field and the value, and (for input) where it stood. The server maps the status to an HTTP status.
 * Plain data, no allocation, any thread. */
#ifndef FC_ERROR_H
#define FC_ERROR_H

#include <stdarg.h>

enum fc_status {
    FC_OK = 0,
    FC_UNREADABLE,   /* the bytes are not what they claim to be (400) */
    FC_INVALID,      /* readable but wrong (422) */
    FC_NOT_FOUND,    /* the thing named in the path does not exist (404) */
    FC_CONFLICT,     /* not in this state (409) */
    FC_TOO_LARGE,    /* over a limit (413) */
    FC_UNSUPPORTED,  /* media type or coding (415) */
    FC_BUSY,         /* a queue is full (429) */
    FC_UNAVAILABLE,  /* stopping, or not ready yet (503) */
    FC_FULL,         /* the disk is full (507) */
    FC_NOMEM,        /* out of memory (500) */
    FC_IO,           /* reading or writing failed (500) */
    FC_CORRUPT,      /* stored bytes fail their checksum or format (500) */
    FC_NUMERIC,      /* a computation left the finite numbers (500) */
    FC_CANCELLED,    /* the caller's stop said so */
    FC_INTERNAL      /* our own bug (500) */
};

struct fc_error {
    enum fc_status status;
    char code[48];     /* stable snake_case word, "" when none */
    char detail[512];  /* a sentence that names the field and the value */
    char pointer[256]; /* JSON pointer, or "line 7", of what was wrong; "" when it does not apply */
};

#define FC_MUST_CHECK __attribute__((warn_unused_result))
#define FC_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* Fills *e (NULL is allowed) and returns status, so that `return fc_fail(e, …)` reads well. Long texts are cut, at a UTF-8 boundary. */
enum fc_status fc_fail(struct fc_error *e, enum fc_status status, const char *code, const char *fmt, ...) FC_PRINTF(4, 5);
/* The same for input: pointer_fmt says where, in JSON pointer form or as "line 7". */
enum fc_status fc_fail_at(struct fc_error *e, enum fc_status status, const char *code, const char *pointer, const char *fmt, ...) FC_PRINTF(5, 6);
/* FC_NOMEM with the size that was asked for. */
enum fc_status fc_fail_nomem(struct fc_error *e, unsigned long bytes);

#endif
