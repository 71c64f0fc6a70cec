/* gzip.h: the gzip content coding, both ways. The only user of zlib. Any thread; a stream belongs to one thread at a time. */
#ifndef FC_GZIP_H
#define FC_GZIP_H

#include "buf.h"

/* Inflates one or more gzip members to *out (appended), at most limit bytes in all: more is FC_TOO_LARGE "body_too_large", found before they are made,
 * so that a bomb costs no more than the limit. FC_UNREADABLE "bad_gzip" when the bytes are cut short, damaged or followed by others. */
FC_MUST_CHECK enum fc_status fc_gzip_inflate(const void *in, size_t n, size_t limit, struct fc_buf *out, struct fc_error *e);
/* True when the bytes became smaller; *out (empty before) is then owned by the caller. False too when memory is short: send them as they are. */
FC_MUST_CHECK bool fc_gzip_deflate(const void *in, size_t n, struct fc_buf *out);

/* A body that is made piece by piece. */
struct fc_gzip_stream;
struct fc_gzip_stream *fc_gzip_stream_new(void); /* NULL when out of memory */
void fc_gzip_stream_free(struct fc_gzip_stream *s);
/* Appends the coded form of n more bytes to *out, so that the reader can decode all of them at once; end: these are the last. False when memory is short. */
FC_MUST_CHECK bool fc_gzip_stream_add(struct fc_gzip_stream *s, const void *in, size_t n, bool end, struct fc_buf *out);

#endif
