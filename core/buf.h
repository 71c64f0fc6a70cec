/* buf.h: a growing byte buffer with a sticky failure, so that a writer of text checks once at its end. Owned by one thread at a time. */
#ifndef FC_BUF_H
#define FC_BUF_H

#include "error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fc_buf {
    char *data;   /* owned; not NUL-terminated unless fc_buf_terminate was called */
    size_t n, cap;
    bool failed;  /* an allocation failed: everything appended since is lost */
};

void fc_buf_free(struct fc_buf *b);
void fc_buf_add(struct fc_buf *b, const void *bytes, size_t n);
void fc_buf_text(struct fc_buf *b, const char *text);
void fc_buf_char(struct fc_buf *b, char c);
void fc_buf_format(struct fc_buf *b, const char *fmt, ...) FC_PRINTF(2, 3);
/* The shortest decimal form that reads back as the same double; "null" when x is not finite. */
void fc_buf_number(struct fc_buf *b, double x);
/* The same by trying printf and strtod, for finite x: what the fast paths must agree with. */
void fc_buf_number_slowly(struct fc_buf *b, double x);
void fc_buf_integer(struct fc_buf *b, int64_t x);
/* A JSON string with its quotes, escaped; bytes that are not UTF-8 become U+FFFD. */
void fc_buf_json_string(struct fc_buf *b, const char *text, size_t n);
/* The length of the one well-formed UTF-8 sequence at text (left >= 1 bytes), 0 when there is none. */
size_t fc_utf8_sequence(const char *text, size_t left);
/* Makes room for n more bytes; false when it cannot. */
bool fc_buf_room(struct fc_buf *b, size_t n);
/* Adds a NUL that n does not count; false when anything failed. */
FC_MUST_CHECK bool fc_buf_terminate(struct fc_buf *b);

#endif
