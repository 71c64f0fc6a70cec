/* codec_series.h: the settings of a series between JSON and the store's row. Pure functions, any thread. */
#ifndef FC_CODEC_SERIES_H
#define FC_CODEC_SERIES_H

#include "codec.h"
#include "service.h"

/* What a PUT changes: the fields whose FC_SET_ bit is in mask. row.model is the id or name as given; the store resolves it. fc_series_row_free(&row). */
struct fc_series_change {
    struct fc_series_row row;
    unsigned mask;
};
/* {"unit","labels","step","season","aggregate","delay","min","max","integer","model"}, all optional; null clears (an empty season array says that
 * there is none). FC_INVALID with the pointer of the field. */
FC_MUST_CHECK enum fc_status fc_codec_series_change(const struct fc_buf *body, struct fc_series_change *out, struct fc_error *e);

/* The document of GET /v1/series/{id}, as the next value of o. Step and season come from the insight where the row has none. */
void fc_codec_series(struct fc_out *o, const struct fc_series_row *row, const struct fc_insight *insight, enum fc_time_style style);

#endif
