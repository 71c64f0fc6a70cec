/* codec.h: JSON documents to plain values and back. codec*.c are the only users of cJSON.
 *
 * Reading: fc_doc_parse checks the whole body strictly and builds the tree from our own reader (cJSON's parser cuts numbers at 63 characters);
 * then fc_doc_only refuses unknown fields and the getters take values out. Every error is FC_INVALID with the JSON pointer of the field and a
 * detail that names field and value. `at` is the pointer of the object itself: "" for the body, "/training" for what stands there.
 * Writing: fc_out_* append to an fc_buf in order, without a tree; check buf->failed once at the end (fc_reply does). fc_doc_print writes a tree.
 * Numbers are written in their shortest exact form, non-finite ones as null.
 * No state: any thread. */
#ifndef FC_CODEC_H
#define FC_CODEC_H

#include "buf.h"
#include "series.h"

struct cJSON;

/* ---- reading documents ---- */

#define FC_DOC_VALUES 262144 /* at most so many values a document: a tree costs about 100 bytes each; bulk points don't come this way */

/* Errors of fc_json_check; FC_TOO_LARGE "document_too_large". *out: cJSON_Delete. The getters want an object: FC_INVALID "wrong_type" when it is none. */
FC_MUST_CHECK enum fc_status fc_doc_parse(const struct fc_buf *body, struct cJSON **out, struct fc_error *e);
/* Each key of the object is one of the names ("a b c"): else "unknown_field". */
FC_MUST_CHECK enum fc_status fc_doc_only(const struct cJSON *object, const char *at, const char *names, struct fc_error *e);
/* Each of the names is there and not null: else "missing_field". */
FC_MUST_CHECK enum fc_status fc_doc_require(const struct cJSON *object, const char *at, const char *names, struct fc_error *e);

/* The member of this name, case-sensitive; NULL when it is absent OR null. (fc_doc_has tells null from absent.) */
const struct cJSON *fc_doc_get(const struct cJSON *object, const char *key);
bool fc_doc_has(const struct cJSON *object, const char *key);
bool fc_doc_is_object(const struct cJSON *v);
bool fc_doc_is_array(const struct cJSON *v);
bool fc_doc_is_string(const struct cJSON *v);
bool fc_doc_is_number(const struct cJSON *v);
const char *fc_doc_text(const struct cJSON *v); /* of a string, else NULL; lives as long as the tree */
double fc_doc_value(const struct cJSON *v);     /* of a number, else NaN */

/* Elements of an array (or members of an object), in order: for (v = fc_doc_first(a); v; v = fc_doc_next(v)). a may be NULL. */
const struct cJSON *fc_doc_first(const struct cJSON *a);
const struct cJSON *fc_doc_next(const struct cJSON *v);
size_t fc_doc_count(const struct cJSON *a);

/* Getters: absent or null leaves *out as it is (the caller's default) and is FC_OK. Wrong type: "wrong_type"; outside lo to hi, or not whole
 * where whole is wanted: "out_of_range". A string must be 1 to max bytes: else "bad_length". *out of string, object and array live as long as the tree. */
FC_MUST_CHECK enum fc_status fc_doc_string(const struct cJSON *object, const char *at, const char *key, size_t max, const char **out, struct fc_error *e);
FC_MUST_CHECK enum fc_status fc_doc_number(const struct cJSON *object, const char *at, const char *key, double lo, double hi, double *out, struct fc_error *e);
FC_MUST_CHECK enum fc_status fc_doc_uint(const struct cJSON *object, const char *at, const char *key, uint64_t lo, uint64_t hi, uint64_t *out, struct fc_error *e);
FC_MUST_CHECK enum fc_status fc_doc_uint32(const struct cJSON *object, const char *at, const char *key, uint32_t lo, uint32_t hi, uint32_t *out, struct fc_error *e);
FC_MUST_CHECK enum fc_status fc_doc_bool(const struct cJSON *object, const char *at, const char *key, bool *out, struct fc_error *e);
FC_MUST_CHECK enum fc_status fc_doc_object(const struct cJSON *object, const char *at, const char *key, const struct cJSON **out, struct fc_error *e);
FC_MUST_CHECK enum fc_status fc_doc_array(const struct cJSON *object, const char *at, const char *key, const struct cJSON **out, struct fc_error *e);
/* A step as text; "bad_step". */
FC_MUST_CHECK enum fc_status fc_doc_step(const struct cJSON *object, const char *at, const char *key, struct fc_step *out, struct fc_error *e);
/* A number or an array of numbers: see fc_season_from. [] gives n = 0. */
FC_MUST_CHECK enum fc_status fc_doc_season(const struct cJSON *object, const char *at, const char *key, struct fc_season *out, struct fc_error *e);
/* The value as JSON text cut to a short length, for messages. Returns out. */
#define FC_SHOWN 64
const char *fc_doc_show(const struct cJSON *v, char out[FC_SHOWN]);

/* Periods in steps: at most FC_SEASONS whole numbers, ascending, 2 to 1,000,000: else FC_INVALID "bad_season" at pointer (with /i for an element when
 * is_array). */
#define FC_PERIOD_MAX 1000000
FC_MUST_CHECK enum fc_status fc_season_from(const double *x, size_t n, const char *pointer, bool is_array, struct fc_season *out, struct fc_error *e);
/* A series id: 1 to FC_ID_MAX bytes of valid UTF-8 without control characters, not "." or "..": else FC_INVALID "bad_series_id" at pointer ("" for a path). */
FC_MUST_CHECK enum fc_status fc_id_check(const char *id, size_t n, const char *pointer, struct fc_error *e);

/* ---- writing ---- */

/* Adds a number (null when it is not finite) to a tree; false when out of memory. Documents are printed by fc_doc_print, exactly. */
FC_MUST_CHECK bool fc_doc_add_number(struct cJSON *object, const char *key, double x);
/* Appends the tree as compact JSON: like cJSON_PrintUnformatted, but every double reads back the same. */
void fc_doc_print(struct fc_buf *b, const struct cJSON *v);

/* A writer that places the commas. key: the member's name inside an object, NULL inside an array and for the whole. */
struct fc_out { struct fc_buf *buf; bool comma; };
void fc_out_open(struct fc_out *o, const char *key, char bracket);  /* '{' or '[' */
void fc_out_close(struct fc_out *o, char bracket);                  /* '}' or ']' */
void fc_out_string(struct fc_out *o, const char *key, const char *text); /* NULL: null */
void fc_out_number(struct fc_out *o, const char *key, double x);    /* not finite: null */
void fc_out_integer(struct fc_out *o, const char *key, int64_t x);
void fc_out_bool(struct fc_out *o, const char *key, bool x);
void fc_out_null(struct fc_out *o, const char *key);
void fc_out_raw(struct fc_out *o, const char *key, const char *json); /* text that is JSON already; NULL: null */
void fc_out_season(struct fc_out *o, const char *key, const struct fc_season *s);

/* How ?time= asks for instants. */
enum fc_time_style { FC_TIME_RFC3339 = 0, FC_TIME_S, FC_TIME_MS };
/* NULL is RFC 3339; else "s" or "ms": FC_INVALID "bad_parameter". */
FC_MUST_CHECK enum fc_status fc_time_style_from(const char *text, enum fc_time_style *out, struct fc_error *e);
/* The bare text, as in CSV: 2026-01-31T00:00:00Z, 1769817600 (with .5 when there are milliseconds), 1769817600000. */
void fc_buf_time(struct fc_buf *b, fc_time t, enum fc_time_style style);
/* The same as a JSON value: RFC 3339 in quotes. */
void fc_buf_json_time(struct fc_buf *b, fc_time t, enum fc_time_style style);
void fc_out_time(struct fc_out *o, const char *key, fc_time t, enum fc_time_style style);
/* One CSV cell: quoted when it must be. */
void fc_buf_csv(struct fc_buf *b, const char *text);

/* ---- cursors: opaque to clients, base64url of our own text ---- */
#define FC_CURSOR_TEXT 288 /* room for the cursor of a FC_ID_MAX id, with its NUL */
void fc_cursor_make(const char *text, char out[FC_CURSOR_TEXT]); /* text of at most FC_ID_MAX + 8 bytes */
/* out: room for cap bytes with the NUL. FC_INVALID "bad_cursor". */
FC_MUST_CHECK enum fc_status fc_cursor_read(const char *cursor, char *out, size_t cap, struct fc_error *e);

#endif
