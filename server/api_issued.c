/* api_issued.c: GET and POST /v1/series/{id}/forecasts: the forecasts that are kept, with their intervals, to be scored later. */
#include "api.h"
#include "api_parts.h"
#include "clock.h"
#include "codec_forecast.h"

#include <stdlib.h>
#include <string.h>

/* ---- POST ---- */

static enum fc_status keep(struct fc_store_tx *tx, void *arg, struct fc_error *e)
{
    return fc_tx_issue(tx, arg, e);
}

/* The answer as the store keeps it: the arrays are borrowed from it, so it is never freed. */
static void borrow(struct fc_answer *a, fc_time now, struct fc_issued *out)
{
    struct fc_forecast *f = &a->forecast;
    *out = (struct fc_issued){ .version = a->version,
                               .issued_at = now,
                               .last = a->last,
                               .revision = a->revision,
                               .n = f->n,
                               .nlevels = f->nlevels,
                               .time = f->time,
                               .mean = f->mean,
                               .median = f->median,
                               .level = f->level,
                               .lower = f->lower,
                               .upper = f->upper };
    memcpy(out->series, a->series, sizeof out->series);
    memcpy(out->model, a->model, sizeof out->model);
    memcpy(out->method, f->method, strlen(f->method) + 1);
}
_Static_assert(FC_WORD <= FC_NAME_MAX, "a method's name fits in an issued forecast");

enum fc_next fc_api_issued_post(struct fc_request *r)
{
    struct fc_error e;
    struct fc_forecast_ask q = { 0 };
    struct fc_answer a = { 0 };
    struct fc_issued kept;
    struct fc_buf body = { 0 };
    enum fc_time_style times;
    enum fc_next next;
    fc_time now = fc_clock_now();
    if (fc_time_style_from(fc_query(r, "time"), &times, &e) != FC_OK ||
        fc_codec_forecast_ask(&r->body, (uint32_t)r->app->config->max_horizon, &q, &e) != FC_OK)
        return fc_reply_error_in_body(r, &e);
    if (fc_service_forecast(r->app->service, r->param[0], q.model, q.horizon, q.levels.level, q.levels.n, now, &a, &e) != FC_OK) {
        next = fc_api_forecast_error(r, &e);
        goto out;
    }
    borrow(&a, now, &kept);
    if (fc_store_write_wait(r->app->store, keep, &kept, &e) != FC_OK) {
        next = fc_reply_error(r, &e);
        goto out;
    }
    fc_codec_answer_issued(&a, kept.id, now, times, &body);
    next = fc_reply(r, 201, FC_JSON, &body, false);
out:
    fc_answer_free(&a);
    fc_forecast_ask_free(&q);
    return next;
}

/* ---- GET ---- */

/* The name of a model id, NULL when it has none or is gone. *row remembers the last one: neighbours in a list share their model. */
static const char *model_name(struct fc_store *store, const char *id, struct fc_model_row *row)
{
    if (id[0] == '\0')
        return NULL;
    if (strcmp(row->id, id) != 0) {
        fc_model_row_free(row);
        *row = (struct fc_model_row){ 0 };
        if (fc_store_model_get(store, id, 0, row, NULL) != FC_OK)
            return NULL;
    }
    return row->name;
}

enum fc_next fc_api_issued_list(struct fc_request *r)
{
    struct fc_error e;
    struct fc_page page;
    struct fc_issued *rows = NULL;
    struct fc_model_row model = { 0 };
    struct fc_buf body = { 0 };
    enum fc_time_style times;
    fc_time start, end, before;
    size_t n = 0;
    if (fc_query_time(r, "start", FC_TIME_MIN, &start, &e) != FC_OK || fc_query_time(r, "end", FC_TIME_MAX + 1, &end, &e) != FC_OK ||
        fc_query_time(r, "issued_before", FC_TIME_MAX + 1, &before, &e) != FC_OK || fc_time_style_from(fc_query(r, "time"), &times, &e) != FC_OK ||
        fc_api_page(r, &page, &e) != FC_OK ||
        fc_store_issued_list(r->app->store, r->param[0], start, end, before, page.after, page.limit + 1, &rows, &n, &e) != FC_OK)
        return fc_reply_error(r, &e);
    size_t shown = n > page.limit ? page.limit : n;
    fc_buf_text(&body, "{\"forecasts\":[");
    for (size_t i = 0; i < shown; i++) {
        if (i > 0)
            fc_buf_char(&body, ',');
        fc_codec_issued(&rows[i], model_name(r->app->store, rows[i].model, &model), times, &body);
    }
    fc_api_page_end(&body, n > shown ? rows[shown - 1].id : NULL);
    fc_issued_rows_free(rows, n);
    fc_model_row_free(&model);
    return fc_reply(r, 200, FC_JSON, &body, true);
}
