/* api_models.c: POST and GET /v1/models, GET and DELETE /v1/models/{id or name}.
 *
 * POST decodes, finds the series, and leaves the rest to the jobs: the request is kept as it came and decoded again when its job runs. */
#include "api.h"
#include "api_parts.h"
#include "codec_jobs.h"
#include "codec_models.h"
#include "jobs.h"
#include "selector.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- which series ---- */

static enum fc_status check_ids(struct fc_store *store, const struct fc_strings *ids, struct fc_error *e)
{
    for (size_t i = 0; i < ids->n; i++) {
        struct fc_series_row row = { 0 };
        enum fc_status s = fc_store_series_get(store, ids->item[i], &row, e);
        fc_series_row_free(&row);
        if (s == FC_NOT_FOUND) {
            char pointer[40];
            snprintf(pointer, sizeof pointer, "/series/%zu", i);
            return fc_fail_at(e, FC_INVALID, "unknown_series", pointer, "there is no series \"%s\"", ids->item[i]);
        }
        if (s != FC_OK)
            return s;
    }
    return FC_OK;
}

static enum fc_status add_id(struct fc_strings *ids, size_t *room, const char *id, struct fc_error *e)
{
    if (ids->n == *room) {
        size_t more = *room > 0 ? *room * 2 : 64;
        char **item = realloc(ids->item, more * sizeof *item);
        if (item == NULL)
            return fc_fail_nomem(e, more * sizeof *item);
        ids->item = item;
        *room = more;
    }
    if ((ids->item[ids->n] = strdup(id)) == NULL)
        return fc_fail_nomem(e, strlen(id) + 1);
    ids->n++;
    return FC_OK;
}

/* All series, or those that the selector takes, in pages so that no read lasts long. */
static enum fc_status find_ids(struct fc_store *store, const struct fc_selector *match, struct fc_strings *out, struct fc_error *e)
{
    enum { PAGE = 1000 };
    struct fc_strings ids = { 0 };
    size_t room = 0, n = PAGE;
    char after[FC_ID_MAX + 1] = "";
    enum fc_status s = FC_OK;
    while (s == FC_OK && n == PAGE) {
        struct fc_series_row *rows = NULL;
        if ((s = fc_store_series_list(store, after, PAGE, &rows, &n, e)) != FC_OK)
            break;
        for (size_t i = 0; i < n && s == FC_OK; i++) {
            bool take = true;
            if (match != NULL)
                s = fc_selector_match(match, rows[i].id, rows[i].labels, &take, e);
            if (s == FC_OK && take)
                s = add_id(&ids, &room, rows[i].id, e);
        }
        if (n > 0)
            memcpy(after, rows[n - 1].id, sizeof after);
        fc_series_rows_free(rows, n);
    }
    if (s != FC_OK) {
        fc_strings_free(&ids);
        return s;
    }
    *out = ids;
    return FC_OK;
}

/* Makes q->series the ids that the request means. */
static enum fc_status resolve(struct fc_store *store, struct fc_training_request *q, struct fc_error *e)
{
    struct fc_selector *match = NULL;
    enum fc_status s;
    if (q->match == NULL && !q->all)
        return check_ids(store, &q->series, e);
    if (q->match != NULL && (s = fc_selector_parse(q->match, &match, e)) != FC_OK) {
        snprintf(e->pointer, sizeof e->pointer, "/series/match");
        return s;
    }
    s = find_ids(store, match, &q->series, e);
    fc_selector_free(match);
    if (s == FC_OK && q->series.n == 0)
        s = fc_fail_at(e, FC_INVALID, "no_series", q->match != NULL ? "/series/match" : "/series",
                       q->match != NULL ? "no series matches %s" : "there are no series yet%s", q->match != NULL ? q->match : "");
    return s;
}

/* ---- documents ---- */

static enum fc_status put_model(struct fc_store *store, const struct fc_model_row *m, enum fc_time_style times, struct fc_buf *out,
                                struct fc_error *e)
{
    struct fc_strings series = { 0 }, removed = { 0 };
    enum fc_status s = fc_store_model_series(store, m->id, m->version, &series, &removed, e);
    if (s == FC_OK)
        fc_codec_model(m, &series, &removed, times, out);
    fc_strings_free(&series);
    fc_strings_free(&removed);
    return s;
}

/* {"model":…,"job":…} of a training that was just queued. */
static enum fc_status put_created(struct fc_app *app, const struct fc_model_create *c, struct fc_buf *out, struct fc_error *e)
{
    struct fc_model_row m = { 0 };
    struct fc_job_row j = { 0 };
    enum fc_status s = fc_store_model_get(app->store, c->model, c->version, &m, e);
    if (s == FC_OK)
        s = fc_store_job_get(app->store, c->job, &j, e);
    if (s == FC_OK) {
        fc_jobs_live(app->jobs, j.id, &j);
        fc_buf_text(out, "{\"model\":");
        s = put_model(app->store, &m, FC_TIME_RFC3339, out, e);
        fc_buf_text(out, ",\"job\":");
        fc_codec_job(&j, FC_TIME_RFC3339, out);
        fc_buf_char(out, '}');
    }
    fc_model_row_free(&m);
    fc_job_row_free(&j);
    return s;
}

/* ---- handlers ---- */

static enum fc_status create(struct fc_request *r, struct fc_buf *out, struct fc_model_create *c, struct fc_error *e)
{
    struct fc_training_request q = { 0 };
    struct fc_buf spec = { 0 };
    size_t max = r->app->config->max_horizon;
    enum fc_status s = fc_codec_training_request(r->body.data, r->body.n, &q, e);
    if (s == FC_OK && q.spec.horizon > max)
        s = fc_fail_at(e, FC_INVALID, "out_of_range", "/horizon", "horizon must be from 1 to %zu, not %u", max, q.spec.horizon);
    if (s == FC_OK)
        s = resolve(r->app->store, &q, e);
    if (s == FC_OK) {
        fc_codec_spec(&q.spec, (struct fc_step){ 0 }, q.levels, q.nlevels, &spec);
        if (!fc_buf_terminate(&spec) || !fc_buf_terminate(&r->body))
            s = fc_fail_nomem(e, r->body.n + 1);
    }
    if (s == FC_OK) {
        *c = (struct fc_model_create){ .name = q.has_name ? q.name : NULL,
                                       .spec = spec.data,
                                       .series = (const char *const *)q.series.item,
                                       .nseries = q.series.n,
                                       .request = r->body.data };
        s = fc_jobs_submit(r->app->jobs, c, e);
    }
    if (s == FC_OK)
        s = put_created(r->app, c, out, e);
    fc_buf_free(&spec);
    fc_training_request_free(&q);
    return s;
}

enum fc_next fc_api_models_post(struct fc_request *r)
{
    struct fc_error e;
    struct fc_model_create c = { 0 };
    struct fc_buf body = { 0 };
    if (create(r, &body, &c, &e) != FC_OK) {
        fc_buf_free(&body);
        return fc_reply_error_in_body(r, &e);
    }
    enum fc_next next = fc_reply(r, 202, FC_JSON, &body, false);
    snprintf(r->response.location, sizeof r->response.location, "/v1/jobs/%s", c.job);
    return next;
}

enum fc_next fc_api_models_get(struct fc_request *r)
{
    struct fc_error e;
    struct fc_model_row m = { 0 };
    struct fc_buf body = { 0 };
    enum fc_time_style times;
    enum fc_status s = fc_time_style_from(fc_query(r, "time"), &times, &e);
    if (s == FC_OK)
        s = fc_store_model_get(r->app->store, r->param[0], 0, &m, &e);
    if (s == FC_OK)
        s = put_model(r->app->store, &m, times, &body, &e);
    fc_model_row_free(&m);
    if (s != FC_OK) {
        fc_buf_free(&body);
        return fc_reply_error(r, &e);
    }
    return fc_reply(r, 200, FC_JSON, &body, true);
}

enum fc_next fc_api_models_list(struct fc_request *r)
{
    struct fc_error e;
    struct fc_page page;
    struct fc_model_row *rows = NULL;
    struct fc_buf body = { 0 };
    enum fc_time_style times;
    size_t n = 0;
    if (fc_time_style_from(fc_query(r, "time"), &times, &e) != FC_OK || fc_api_page(r, &page, &e) != FC_OK ||
        fc_store_model_list(r->app->store, page.after, page.limit + 1, &rows, &n, &e) != FC_OK)
        return fc_reply_error_in_body(r, &e);
    size_t shown = n > page.limit ? page.limit : n, written = 0;
    enum fc_status s = FC_OK;
    fc_buf_text(&body, "{\"models\":[");
    for (size_t i = 0; i < shown && s == FC_OK; i++) {
        size_t mark = body.n;
        if (written > 0)
            fc_buf_char(&body, ',');
        s = put_model(r->app->store, &rows[i], times, &body, &e);
        if (s == FC_OK) {
            written++;
        } else if (s == FC_NOT_FOUND) { /* deleted since the page was read */
            body.n = mark;
            s = FC_OK;
        }
    }
    fc_api_page_end(&body, n > shown ? rows[shown - 1].id : NULL);
    fc_model_rows_free(rows, n);
    if (s != FC_OK) {
        fc_buf_free(&body);
        return fc_reply_error(r, &e);
    }
    return fc_reply(r, 200, FC_JSON, &body, true);
}

static enum fc_status delete_model(struct fc_store_tx *tx, void *id, struct fc_error *e)
{
    return fc_tx_model_delete(tx, id, e);
}

enum fc_next fc_api_models_delete(struct fc_request *r)
{
    struct fc_error e;
    struct fc_model_row m = { 0 };
    enum fc_status s = fc_store_model_get(r->app->store, r->param[0], 0, &m, &e);
    if (s == FC_OK) {
        fc_jobs_cancel_model(r->app->jobs, m.id);
        s = fc_store_write_wait(r->app->store, delete_model, m.id, &e);
    }
    fc_model_row_free(&m);
    return s == FC_OK ? fc_reply_empty(r, 204) : fc_reply_error(r, &e);
}
