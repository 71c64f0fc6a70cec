/* codec_points.h: bodies of points, JSON and CSV, to what the store takes; and stored points back to JSON and CSV.
 *
 * A body is decoded as a whole before anyone sees a point of it; on an error nothing is kept. Points never become JSON nodes: 16 bytes each
 * (CSV of many series: up to 36 while rows are put together by series).
 * Forms in JSON, for the body of one series or for each element of "series":
 *     {"timestamps":[t,…],"values":[v,…]}    {"start":t,"step":"1h","values":[v,…]}    {"points":[[t,v],…]}
 * with "season" (a number or an array; null or [] says nothing) beside, and "id" in the body of many. Forms can't be mixed: "mixed_forms".
 * A time is RFC 3339 text or a number in `precision` ("s", "ms", "us", "ns"; NULL is "s"; anything else is FC_INVALID "bad_precision", whether
 * there are numbers or not). A value is a number, null or "NaN".
 * An upload, and each series in it, holds at least one point: FC_INVALID "no_points", since an empty upload is a mistake and would make an
 * empty series. The same id twice in one body is allowed: the later points win.
 * Pure functions, any thread. */
#ifndef FC_CODEC_POINTS_H
#define FC_CODEC_POINTS_H

#include "codec.h"
#include "store.h"

struct fc_upload {
    struct fc_points_write *series; /* [n] owned, ready for fc_tx_points_put; ids, times and values stand in the arrays below */
    size_t n;
    size_t distinct; /* different ids among them */
    size_t points;   /* of all of them */
    struct fc_points_raw { fc_time *time; double *value; char *ids; } owned;
};
void fc_upload_free(struct fc_upload *u);

/* POST /v1/series/{id}/points. id must outlive *out. */
FC_MUST_CHECK enum fc_status fc_codec_points_one(const struct fc_buf *body, const char *id, const char *precision, struct fc_upload *out, struct fc_error *e);
/* {"series":[…]} of POST /v1/points. Other members: copied as a JSON object into *rest, for fc_doc_parse (POST /v1/forecast); rest NULL: "unknown_field". */
FC_MUST_CHECK enum fc_status fc_codec_points_many(const struct fc_buf *body, const char *precision, struct fc_buf *rest, struct fc_upload *out, struct fc_error *e);
/* CSV of one series: `timestamp,value` in this order, or any order under a header (timestamp, time, ds, date or datetime; value or y). The first
 * line is a header when its first cell starts like neither a number nor a date. */
FC_MUST_CHECK enum fc_status fc_codec_points_csv(const struct fc_buf *body, const char *id, const char *precision, struct fc_upload *out, struct fc_error *e);
/* CSV of many: a header is needed, with a column series, unique_id or id besides. */
FC_MUST_CHECK enum fc_status fc_codec_points_csv_many(const struct fc_buf *body, const char *precision, struct fc_upload *out, struct fc_error *e);

/* {"series":id,"timestamps":[…],"values":[…],"next":cursor or null} */
void fc_codec_points_json(struct fc_buf *b, const char *id, const struct fc_points *p, enum fc_time_style style, const char *next);
/* timestamp,value with a header; a missing value is an empty cell. */
void fc_codec_points_to_csv(struct fc_buf *b, const struct fc_points *p, enum fc_time_style style);

#endif
