/* api_model_forecasts.c: GET /v1/models/{id or name}/forecasts: every series of a model at once, in CSV, NDJSON or JSON.
 *
 * The answer is streamed: `produce` runs on a request worker, computes forecasts until it has a chunk's worth and is called again when that was
 * sent, so memory stays at one chunk however many series there are. A series that fails is an entry with an error, never the end of the stream;
 * CSV, which has no place for an entry, leaves it out. */
#include "api.h"
#include "api_parts.h"
#include "clock.h"
#include "codec_forecast.h"

#include <stdlib.h>
#include <string.h>

enum format { JSON, CSV, NDJSON };
static const char offered[] = "application/json text/csv application/x-ndjson"; /* in the order of enum format */
static const char *const content_type[] = { FC_JSON, FC_CSV, FC_NDJSON };

#define CHUNK 65536 /* bytes to aim at */

/* A stream under way. */
struct walk {
    struct fc_app *app;
    char model[FC_NAME_MAX];
    uint32_t horizon; /* 0: the model's */
    struct fc_levels levels;
    enum fc_time_style times;
    enum format format;
    struct fc_strings ids; /* owned: what the model learned from and still stands, in byte order */
    size_t at, end;        /* those still to come */
    bool begun;
    bool more; /* the page has a next one */
    size_t ok, failed;
};

static void walk_free(void *ctx)
{
    struct walk *w = ctx;
    fc_strings_free(&w->ids);
    free(w);
}

static void begin(struct walk *w, struct fc_buf *out)
{
    if (w->format == CSV)
        fc_codec_forecast_csv_header(&w->levels, true, out);
    else if (w->format == JSON)
        fc_buf_text(out, "{\"forecasts\":[");
    w->begun = true;
}

static void finish(const struct walk *w, struct fc_buf *out)
{
    if (w->format == NDJSON)
        fc_buf_format(out, "{\"done\":true,\"ok\":%zu,\"failed\":%zu}\n", w->ok, w->failed);
    else if (w->format == JSON)
        fc_api_page_end(out, w->more ? w->ids.item[w->end - 1] : NULL);
}

static void one_series(struct walk *w, const char *id, struct fc_buf *out)
{
    struct fc_error e;
    struct fc_answer a = { 0 };
    bool ok = fc_service_forecast(w->app->service, id, w->model, w->horizon, w->levels.level, w->levels.n, fc_clock_now(), &a, &e) == FC_OK;
    if (w->format == JSON && w->ok + w->failed > 0)
        fc_buf_char(out, ',');
    if (w->format == CSV) {
        if (ok)
            fc_codec_answer_csv(&a, true, w->times, out);
    } else if (ok) {
        fc_codec_answer(&a, FC_SHAPE_DOCUMENT, w->times, out);
    } else {
        fc_codec_failure(id, &e, out);
    }
    if (w->format == NDJSON)
        fc_buf_char(out, '\n');
    if (ok)
        w->ok++;
    else
        w->failed++;
    fc_answer_free(&a);
}

static enum fc_status produce(void *ctx, struct fc_buf *out, bool *end)
{
    struct walk *w = ctx;
    if (!w->begun)
        begin(w, out);
    while (w->at < w->end && out->n < CHUNK && !out->failed)
        one_series(w, w->ids.item[w->at++], out);
    if (w->at == w->end) {
        finish(w, out);
        *end = true;
    }
    return out->failed ? FC_NOMEM : FC_OK;
}

static enum fc_status load_ids(struct walk *w, const char *id_or_name, struct fc_error *e)
{
    struct fc_model_row m = { 0 };
    enum fc_status s = fc_store_model_get(w->app->store, id_or_name, 0, &m, e);
    if (s == FC_OK && m.ready_version == 0)
        s = fc_fail(e, FC_CONFLICT, "model_not_ready", "model \"%s\" is not ready: its newest version is %s", id_or_name, m.state);
    if (s == FC_OK) {
        memcpy(w->model, m.id, sizeof w->model);
        s = fc_store_model_series(w->app->store, m.id, m.ready_version, &w->ids, NULL, e);
    }
    fc_model_row_free(&m);
    return s;
}

/* The part of the ids that this page shows. Without ?limit= a page holds them all. */
static void cut_page(struct walk *w, const struct fc_page *page)
{
    while (w->at < w->ids.n && page->after[0] != '\0' && strcmp(w->ids.item[w->at], page->after) <= 0)
        w->at++;
    w->end = w->ids.n;
    if (page->limited && w->end - w->at > page->limit) {
        w->end = w->at + page->limit;
        w->more = true;
    }
}

static enum fc_status read_walk(const struct fc_request *r, struct walk *w, struct fc_error *e)
{
    struct fc_page page;
    enum fc_status s = fc_horizon_parse(fc_query(r, "horizon"), (uint32_t)r->app->config->max_horizon, &w->horizon, e);
    if (s == FC_OK)
        s = fc_levels_parse(fc_query(r, "levels"), &w->levels, e);
    if (s == FC_OK)
        s = fc_time_style_from(fc_query(r, "time"), &w->times, e);
    if (s == FC_OK)
        s = fc_api_page(r, &page, e);
    if (s == FC_OK && w->format != JSON && (page.limited || page.after[0] != '\0'))
        s = fc_fail(e, FC_INVALID, "bad_parameter", "limit and cursor are for JSON; CSV and NDJSON are streams of the whole model");
    if (s == FC_OK)
        s = load_ids(w, r->param[0], e);
    if (s == FC_OK)
        cut_page(w, &page);
    return s;
}

enum fc_next fc_api_model_forecasts(struct fc_request *r)
{
    struct fc_error e;
    int type = fc_accepts(r, offered);
    if (type < 0)
        return fc_reply_not_acceptable(r, offered);
    struct walk *w = calloc(1, sizeof *w);
    if (w == NULL) {
        fc_fail_nomem(&e, sizeof *w);
        return fc_reply_error(r, &e);
    }
    w->app = r->app;
    w->format = (enum format)type;
    if (read_walk(r, w, &e) != FC_OK) {
        walk_free(w);
        return fc_reply_error(r, &e);
    }
    return fc_reply_stream(r, content_type[type], (struct fc_stream){ produce, walk_free, w });
}
