/* api_series.c: PUT, GET and DELETE /v1/series/{id}, GET /v1/series. All but the decoding of a PUT runs on request workers, which may wait
 * for the store. */
#include "api.h"
#include "api_parts.h"
#include "codec_series.h"
#include "selector.h"

#include <stdlib.h>
#include <string.h>

static const char offered[] = "application/json";

/* ---- one series ---- */

static enum fc_status read_series(struct fc_app *app, const char *id, enum fc_time_style style, struct fc_buf *body, struct fc_error *e)
{
    struct fc_series_row row = {0};
    struct fc_insight insight = {0};
    struct fc_out o = {body, false};
    enum fc_status s = fc_store_series_get(app->store, id, &row, e);
    if (s != FC_OK)
        return s;
    s = fc_service_insight(app->service, &row, &insight, e);
    if (s == FC_OK)
        fc_codec_series(&o, &row, &insight, style);
    fc_series_row_free(&row);
    return s;
}

enum fc_next fc_api_series_get(struct fc_request *r)
{
    struct fc_error e;
    struct fc_buf body = {0};
    enum fc_time_style style;
    if (fc_accepts(r, offered) < 0)
        return fc_reply_not_acceptable(r, offered);
    if (fc_time_style_from(fc_query(r, "time"), &style, &e) != FC_OK || read_series(r->app, r->param[0], style, &body, &e) != FC_OK)
        return fc_reply_error(r, &e);
    return fc_reply(r, 200, FC_JSON, &body, true);
}

/* ---- PUT ---- */

struct put {
    struct fc_series_change change;
    bool created;
};

static void put_free(void *work)
{
    struct put *p = work;
    fc_series_row_free(&p->change.row);
    free(p);
}

static enum fc_status put_apply(struct fc_store_tx *tx, void *arg, struct fc_error *e)
{
    struct put *p = arg;
    return fc_tx_series_put(tx, &p->change.row, p->change.mask, &p->created, e);
}

static void put_on_worker(struct fc_request *r)
{
    struct fc_error e;
    struct put *p = r->work;
    struct fc_buf body = {0};
    enum fc_status s = fc_store_write_wait(r->app->store, put_apply, p, &e);
    if (s == FC_OK)
        s = read_series(r->app, r->param[0], FC_TIME_RFC3339, &body, &e);
    if (s == FC_OK)
        (void)fc_reply(r, p->created ? 201 : 200, FC_JSON, &body, false);
    else
        (void)fc_reply_error(r, &e);
    fc_request_finish(r);
}

enum fc_next fc_api_series_put(struct fc_request *r)
{
    struct fc_error e;
    const char *id = r->param[0];
    if (fc_id_check(id, strlen(id), "", &e) != FC_OK)
        return fc_reply_error(r, &e);
    struct put *p = calloc(1, sizeof *p);
    if (!p) {
        (void)fc_fail_nomem(&e, sizeof *p);
        return fc_reply_error(r, &e);
    }
    r->work = p;
    r->work_free = put_free;
    if (fc_codec_series_change(&r->body, &p->change, &e) != FC_OK)
        return fc_reply_error(r, &e);
    memcpy(p->change.row.id, id, strlen(id) + 1);
    return fc_request_defer(r, put_on_worker, &e) == FC_OK ? FC_PENDING : fc_reply_error(r, &e);
}

/* ---- DELETE ---- */

static enum fc_status delete_apply(struct fc_store_tx *tx, void *arg, struct fc_error *e)
{
    return fc_tx_series_delete(tx, arg, e);
}

enum fc_next fc_api_series_delete(struct fc_request *r)
{
    struct fc_error e;
    if (fc_store_write_wait(r->app->store, delete_apply, r->param[0], &e) != FC_OK)
        return fc_reply_error(r, &e);
    return fc_reply_empty(r, 204);
}

/* ---- the list ---- */

#define CHUNK 1000 /* rows read at once while a selector looks for matches */

struct list {
    struct fc_app *app;
    struct fc_selector *match; /* owned, NULL: all */
    enum fc_time_style style;
    struct fc_page page;
    size_t written;
    bool more;
    char last[FC_ID_MAX + 1];  /* id of the last one written */
    struct fc_out o;
};

static enum fc_status list_row(struct list *l, const struct fc_series_row *row, struct fc_error *e)
{
    bool take = true;
    struct fc_insight insight = {0};
    enum fc_status s = l->match ? fc_selector_match(l->match, row->id, row->labels, &take, e) : FC_OK;
    if (s != FC_OK || !take)
        return s;
    l->more = l->written == l->page.limit;
    if (l->more)
        return FC_OK;
    s = fc_service_insight(l->app->service, row, &insight, e);
    if (s == FC_NOT_FOUND)
        return FC_OK; /* deleted since it was listed */
    if (s != FC_OK)
        return s;
    fc_codec_series(&l->o, row, &insight, l->style);
    l->written++;
    memcpy(l->last, row->id, sizeof l->last);
    return FC_OK;
}

static enum fc_status list_all(struct list *l, struct fc_error *e)
{
    char after[FC_ID_MAX + 1];
    size_t chunk = l->match ? CHUNK : l->page.limit + 1, n = chunk;
    enum fc_status s = FC_OK;
    memcpy(after, l->page.after, sizeof after);
    while (s == FC_OK && n == chunk && !l->more) {
        struct fc_series_row *rows = NULL;
        s = fc_store_series_list(l->app->store, after, chunk, &rows, &n, e);
        if (s != FC_OK)
            return s;
        for (size_t i = 0; i < n && s == FC_OK && !l->more; i++)
            s = list_row(l, &rows[i], e);
        if (n > 0)
            memcpy(after, rows[n - 1].id, sizeof after);
        fc_series_rows_free(rows, n);
    }
    return s;
}

enum fc_next fc_api_series_list(struct fc_request *r)
{
    struct fc_error e;
    struct fc_buf body = {0};
    struct list l = {.app = r->app, .o = {&body, false}};
    const char *match = fc_query(r, "match");
    if (fc_accepts(r, offered) < 0)
        return fc_reply_not_acceptable(r, offered);
    enum fc_status s = fc_time_style_from(fc_query(r, "time"), &l.style, &e);
    if (s == FC_OK) s = fc_api_page(r, &l.page, &e);
    if (s == FC_OK && match) s = fc_selector_parse(match, &l.match, &e);
    fc_buf_text(&body, "{\"series\":[");
    if (s == FC_OK) s = list_all(&l, &e);
    fc_selector_free(l.match);
    if (s != FC_OK) {
        fc_buf_free(&body);
        return fc_reply_error_in_body(r, &e);
    }
    fc_api_page_end(&body, l.more ? l.last : NULL);
    return fc_reply(r, 200, FC_JSON, &body, true);
}
