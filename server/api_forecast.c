/* api_forecast.c: GET /v1/series/{id}/forecast and POST /v1/forecast.
 *
 * The GET runs on the HTTP thread: it validates, and answers from the cache of ready-made bodies. What is not there is computed by a request
 * worker (compute), who puts it there. The stamps are read before the data, so that a body that a write overtook is never served from the cache. */
#include "api.h"
#include "api_parts.h"
#include "clock.h"
#include "codec_forecast.h"
#include "codec_points.h"
#include "forecast_cache.h"

#include <stdlib.h>
#include <string.h>

/* ---- GET ---- */

/* What a GET asks, validated. Belongs to the request as its `work`. */
struct ask {
    uint32_t horizon; /* 0: left out */
    struct fc_levels levels;
    enum fc_shape shape;
    enum fc_time_style times;
    bool csv;
    const char *model; /* NULL: left out; the request's */
    struct fc_buf key; /* names the body in the cache; NUL-terminated */
};

static void ask_free(void *work)
{
    struct ask *q = work;
    fc_buf_free(&q->key);
    free(q);
}

static enum fc_status refuse_later(const struct fc_request *r, struct fc_error *e)
{
    static const char *const later[] = { "quantiles", "as_of" };
    for (size_t i = 0; i < sizeof later / sizeof later[0]; i++)
        if (fc_query(r, later[i]) != NULL)
            return fc_fail(e, FC_INVALID, "not_supported", "%s is not supported yet", later[i]);
    return FC_OK;
}

/* Everything that shapes the body, in one spelling. A series id holds no control characters; the model stands last because it may hold any. */
static void write_key(const struct fc_request *r, struct ask *q)
{
    fc_buf_format(&q->key, "%s\n%u\n%d%d%d\n", r->param[0], q->horizon, (int)q->shape, (int)q->times, q->csv);
    for (size_t i = 0; i < q->levels.n; i++) {
        fc_buf_number(&q->key, q->levels.level[i]);
        fc_buf_char(&q->key, ' ');
    }
    if (q->model != NULL) {
        fc_buf_char(&q->key, '\n');
        fc_buf_text(&q->key, q->model);
    }
}

static enum fc_status read_ask(const struct fc_request *r, struct ask *q, struct fc_error *e)
{
    enum fc_status s = refuse_later(r, e);
    if (s == FC_OK)
        s = fc_horizon_parse(fc_query(r, "horizon"), (uint32_t)r->app->config->max_horizon, &q->horizon, e);
    if (s == FC_OK)
        s = fc_levels_parse(fc_query(r, "levels"), &q->levels, e);
    if (s == FC_OK)
        s = fc_shape_parse(fc_query(r, "shape"), &q->shape, e);
    if (s == FC_OK)
        s = fc_time_style_from(fc_query(r, "time"), &q->times, e);
    if (s != FC_OK)
        return s;
    q->model = fc_query(r, "model");
    write_key(r, q);
    return fc_buf_terminate(&q->key) ? FC_OK : fc_fail_nomem(e, 256);
}

/* The body of an answer, kept in the cache for those who ask the same. */
static enum fc_next reply_answer(struct fc_request *r, const struct ask *q, const struct fc_answer *a, struct fc_stamps stamps)
{
    struct fc_buf text = { 0 };
    if (q->csv) {
        fc_codec_forecast_csv_header(&q->levels, false, &text);
        fc_codec_answer_csv(a, false, q->times, &text);
    } else {
        fc_codec_answer(a, q->shape, q->times, &text);
    }
    size_t weight = text.n + text.n / 2; /* the gzip form takes a third or less */
    struct fc_error e;
    struct fc_shared_body *body = text.failed ? NULL : fc_shared_body_new(q->csv ? FC_CSV : FC_JSON, &text);
    if (body == NULL) {
        fc_buf_free(&text);
        fc_fail_nomem(&e, weight);
        return fc_reply_error(r, &e);
    }
    fc_forecast_cache_put(fc_service_cached(r->app->service), q->key.data, r->param[0], stamps, a->valid_until, body, weight);
    enum fc_next next = fc_reply_shared(r, body);
    fc_shared_body_unref(body);
    return next;
}

static void compute(struct fc_request *r)
{
    const struct ask *q = r->work;
    struct fc_error e;
    struct fc_answer a = { 0 };
    struct fc_stamps stamps = fc_forecast_cache_stamps(fc_service_cached(r->app->service), r->param[0]);
    if (fc_service_forecast(r->app->service, r->param[0], q->model, q->horizon, q->levels.level, q->levels.n, fc_clock_now(), &a, &e) == FC_OK)
        (void)reply_answer(r, q, &a, stamps);
    else
        (void)fc_api_forecast_error(r, &e);
    fc_answer_free(&a);
    fc_request_finish(r);
}

enum fc_next fc_api_forecast_get(struct fc_request *r)
{
    static const char offered[] = "application/json text/csv";
    struct fc_error e;
    int type = fc_accepts(r, offered);
    if (type < 0)
        return fc_reply_not_acceptable(r, offered);
    struct ask *q = calloc(1, sizeof *q);
    if (q == NULL) {
        fc_fail_nomem(&e, sizeof *q);
        return fc_reply_error(r, &e);
    }
    q->csv = type == 1;
    r->work = q;
    r->work_free = ask_free;
    if (read_ask(r, q, &e) != FC_OK)
        return fc_reply_error(r, &e);
    struct fc_shared_body *body = fc_forecast_cache_get(fc_service_cached(r->app->service), q->key.data, fc_clock_now());
    if (body != NULL) {
        enum fc_next next = fc_reply_shared(r, body);
        fc_shared_body_unref(body);
        return next;
    }
    if (fc_request_defer(r, compute, &e) != FC_OK)
        return fc_reply_error(r, &e);
    return FC_PENDING;
}

/* ---- POST: series that come with the question and are not kept ---- */

#define CHUNK 65536 /* bytes of a streamed piece to aim at */

/* An answer under way. It is streamed, because the answer may be far larger than the question. */
struct batch {
    struct fc_service *service;
    struct fc_upload upload;    /* owned */
    struct fc_forecast_ask ask; /* owned */
    enum fc_time_style times;
    size_t at; /* series answered */
};

static void batch_free(void *ctx)
{
    struct batch *b = ctx;
    fc_upload_free(&b->upload);
    fc_forecast_ask_free(&b->ask);
    free(b);
}

static enum fc_status produce_batch(void *ctx, struct fc_buf *out, bool *end)
{
    struct batch *b = ctx;
    const struct fc_forecast_ask *q = &b->ask;
    if (b->at == 0)
        fc_buf_text(out, "{\"forecasts\":[");
    for (; b->at < b->upload.n && out->n < CHUNK && !out->failed; b->at++) {
        struct fc_error e;
        struct fc_answer a = { 0 };
        const struct fc_points_write *points = &b->upload.series[b->at];
        if (b->at > 0)
            fc_buf_char(out, ',');
        if (fc_service_forecast_points(b->service, points, q->model, q->horizon, q->levels.level, q->levels.n, fc_clock_now(), &a, &e) == FC_OK)
            fc_codec_answer(&a, FC_SHAPE_DOCUMENT, b->times, out);
        else
            fc_codec_failure(points->id, &e, out);
        fc_answer_free(&a);
    }
    if (b->at == b->upload.n) {
        fc_buf_text(out, "]}");
        *end = true;
    }
    return out->failed ? FC_NOMEM : FC_OK;
}

/* What concerns all series is refused before the first byte is sent. */
static enum fc_status check_model(struct fc_store *store, const char *model, struct fc_error *e)
{
    struct fc_model_row m = { 0 };
    if (model == NULL)
        return FC_OK;
    enum fc_status s = fc_store_model_get(store, model, 0, &m, e);
    if (s == FC_NOT_FOUND)
        s = fc_fail_at(e, FC_INVALID, "unknown_model", "/model", "there is no model \"%s\"", model);
    else if (s == FC_OK && m.ready_version == 0)
        s = fc_fail_at(e, FC_CONFLICT, "model_not_ready", "/model", "model \"%s\" is not ready: its newest version is %s", model, m.state);
    fc_model_row_free(&m);
    return s;
}

enum fc_next fc_api_forecast_post(struct fc_request *r)
{
    struct fc_error e;
    struct fc_buf rest = { 0 };
    struct batch *b = calloc(1, sizeof *b);
    enum fc_status s = b != NULL ? FC_OK : fc_fail_nomem(&e, sizeof *b);
    if (s == FC_OK && fc_query(r, "shape") != NULL)
        s = fc_fail(&e, FC_INVALID, "not_supported", "shape is for the forecast of one series");
    if (s == FC_OK)
        s = fc_time_style_from(fc_query(r, "time"), &b->times, &e);
    if (s == FC_OK)
        s = fc_codec_points_many(&r->body, fc_query(r, "precision"), &rest, &b->upload, &e);
    if (s == FC_OK)
        s = fc_codec_forecast_ask(&rest, (uint32_t)r->app->config->max_horizon, &b->ask, &e);
    if (s == FC_OK)
        s = check_model(r->app->store, b->ask.model, &e);
    fc_buf_free(&rest);
    if (s != FC_OK) {
        if (b != NULL)
            batch_free(b);
        return fc_reply_error_in_body(r, &e);
    }
    b->service = r->app->service;
    return fc_reply_stream(r, FC_JSON, (struct fc_stream){ produce_batch, batch_free, b });
}
