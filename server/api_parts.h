/* api_parts.h: what the handlers share: pages, and the status of an error.
 * Private to api_*.c. No state, any thread. */
#ifndef FC_API_PARTS_H
#define FC_API_PARTS_H

#include "app.h"
#include "codec.h"

/* An error of fc_service_forecast: the series stands in the path (404), the model in a query or body (422). */
enum fc_next fc_api_forecast_error(struct fc_request *r, const struct fc_error *e);

/* ?limit= (1 to 1000) and ?cursor= over things with an id. */
struct fc_page {
    uint64_t limit;
    bool limited;              /* limit was given */
    char after[FC_ID_MAX + 1]; /* id of the last one of the page before, "" for the first page */
};
FC_MUST_CHECK enum fc_status fc_api_page(const struct fc_request *r, struct fc_page *out, struct fc_error *e);
/* Ends a list document: `],"next":"…"}`, or null when last is NULL. last: the id of the last one on a page that has a next. */
void fc_api_page_end(struct fc_buf *body, const char *last);

#endif
