/* api_parts.c: see api_parts.h. */
#include "api_parts.h"

#include <string.h>

enum fc_next fc_api_forecast_error(struct fc_request *r, const struct fc_error *e)
{
    return strcmp(e->code, "unknown_series") == 0 ? fc_reply_error(r, e) : fc_reply_error_in_body(r, e);
}

enum fc_status fc_api_page(const struct fc_request *r, struct fc_page *out, struct fc_error *e)
{
    struct fc_page p = { .limited = fc_query(r, "limit") != NULL };
    const char *cursor = fc_query(r, "cursor");
    enum fc_status s = fc_query_uint(r, "limit", 1, 1000, 100, &p.limit, e);
    if (s == FC_OK && cursor != NULL)
        s = fc_cursor_read(cursor, p.after, sizeof p.after, e);
    if (s == FC_OK)
        *out = p;
    return s;
}

void fc_api_page_end(struct fc_buf *body, const char *last)
{
    char cursor[FC_CURSOR_TEXT];
    fc_buf_text(body, "],\"next\":");
    if (last != NULL) {
        fc_cursor_make(last, cursor);
        fc_buf_json_string(body, cursor, strlen(cursor));
    } else {
        fc_buf_text(body, "null");
    }
    fc_buf_char(body, '}');
}
