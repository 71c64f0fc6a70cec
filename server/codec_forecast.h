/* codec_forecast.h: forecasts between plain structs and text: the answer in JSON (three shapes), CSV and NDJSON, issued forecasts, and the
 * levels, horizons and bodies that ask for one. Numbers are written in their shortest form that reads back, and never as NaN.
 * Pure functions, any thread. */
#ifndef FC_CODEC_FORECAST_H
#define FC_CODEC_FORECAST_H

#include "codec.h"
#include "service.h"

/* ---- what is asked ---- */

/* Interval levels in percent, each above 0 and below 100, ascending, no level twice. */
struct fc_levels {
    size_t n;
    double level[FC_LEVELS];
};
extern const struct fc_levels fc_levels_default; /* 80, 95 */

/* "80,97.5", as in ?levels=. NULL: the default. FC_INVALID "bad_levels" naming the level. */
FC_MUST_CHECK enum fc_status fc_levels_parse(const char *text, struct fc_levels *out, struct fc_error *e);
/* The member "levels" of a body: an array of numbers. Absent or null: the default. FC_INVALID with the pointer of the element. */
FC_MUST_CHECK enum fc_status fc_levels_read(const struct cJSON *object, const char *at, struct fc_levels *out, struct fc_error *e);
/* The member "horizon" of a body, and "24" as in ?horizon= (NULL: absent): whole and 1 to max; *out stays when it is absent or null.
 * FC_INVALID "out_of_range" that names the value. */
FC_MUST_CHECK enum fc_status fc_horizon_read(const struct cJSON *object, const char *at, uint32_t max, uint32_t *out, struct fc_error *e);
FC_MUST_CHECK enum fc_status fc_horizon_parse(const char *text, uint32_t max, uint32_t *out, struct fc_error *e);

/* What a body asks of a forecast. fc_forecast_ask_free. */
struct fc_forecast_ask {
    uint32_t horizon; /* 0 when left out */
    struct fc_levels levels;
    char *model; /* owned, NULL when left out */
};
void fc_forecast_ask_free(struct fc_forecast_ask *q);
/* The body of POST /v1/series/{id}/forecasts, and what stands beside "series" in POST /v1/forecast. An empty body asks for the defaults. */
FC_MUST_CHECK enum fc_status fc_codec_forecast_ask(const struct fc_buf *body, uint32_t max_horizon, struct fc_forecast_ask *out, struct fc_error *e);

/* ---- what is answered ---- */

enum fc_shape { FC_SHAPE_DOCUMENT, FC_SHAPE_COLUMNS, FC_SHAPE_ROWS };
/* NULL: the document; else "columns" or "rows": FC_INVALID "bad_parameter". */
FC_MUST_CHECK enum fc_status fc_shape_parse(const char *text, enum fc_shape *out, struct fc_error *e);

/* The forecast document of API.md, or its table alone in the shape asked for. */
void fc_codec_answer(const struct fc_answer *a, enum fc_shape shape, enum fc_time_style times, struct fc_buf *out);
/* The line `timestamp,mean,median,lower_80,…`; series: with that column in front. */
void fc_codec_forecast_csv_header(const struct fc_levels *l, bool series, struct fc_buf *out);
void fc_codec_answer_csv(const struct fc_answer *a, bool series, enum fc_time_style times, struct fc_buf *out);
/* {"series":…,"error":{"code","detail"}}: stands where a forecast could not be made. */
void fc_codec_failure(const char *series, const struct fc_error *why, struct fc_buf *out);
/* The answer to POST /v1/series/{id}/forecasts: the forecast document with the id and the time under which it is kept. */
void fc_codec_answer_issued(const struct fc_answer *a, const char *id, fc_time issued_at, enum fc_time_style times, struct fc_buf *out);
/* A kept forecast as GET /v1/series/{id}/forecasts lists it. model: the name of its model, NULL when it has none (its id stands then). */
void fc_codec_issued(const struct fc_issued *f, const char *model, enum fc_time_style times, struct fc_buf *out);

#endif
