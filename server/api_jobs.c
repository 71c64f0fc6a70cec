/* api_jobs.c: GET /v1/jobs, GET and DELETE /v1/jobs/{id}. What the store knows, with the live progress of a running job laid over it. */
#include "api.h"
#include "api_parts.h"
#include "codec_jobs.h"
#include "jobs.h"

#include <string.h>

enum fc_next fc_api_jobs_get(struct fc_request *r)
{
    struct fc_error e;
    struct fc_job_row j = { 0 };
    struct fc_buf body = { 0 };
    enum fc_time_style times;
    if (fc_time_style_from(fc_query(r, "time"), &times, &e) != FC_OK || fc_store_job_get(r->app->store, r->param[0], &j, &e) != FC_OK)
        return fc_reply_error(r, &e);
    fc_jobs_live(r->app->jobs, j.id, &j);
    fc_codec_job(&j, times, &body);
    fc_job_row_free(&j);
    return fc_reply(r, 200, FC_JSON, &body, true);
}

enum fc_next fc_api_jobs_delete(struct fc_request *r)
{
    struct fc_error e;
    struct fc_job_row j = { 0 };
    struct fc_buf body = { 0 };
    if (fc_jobs_cancel(r->app->jobs, r->param[0], &j, &e) != FC_OK)
        return fc_reply_error(r, &e);
    fc_codec_job(&j, FC_TIME_RFC3339, &body);
    fc_job_row_free(&j);
    return fc_reply(r, 202, FC_JSON, &body, false);
}

static enum fc_status check_state(const char *state, struct fc_error *e)
{
    static const char *const known[] = { "queued", "running", "succeeded", "failed", "cancelled" };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(state, known[i]) == 0)
            return FC_OK;
    return fc_fail(e, FC_INVALID, "bad_parameter", "state must be queued, running, succeeded, failed or cancelled, not \"%.40s\"", state);
}

enum fc_next fc_api_jobs_list(struct fc_request *r)
{
    struct fc_error e;
    struct fc_page page;
    struct fc_job_row *rows = NULL;
    struct fc_buf body = { 0 };
    enum fc_time_style times;
    size_t n = 0, written = 0;
    const char *state = fc_query(r, "state");
    if ((state != NULL && check_state(state, &e) != FC_OK) || fc_time_style_from(fc_query(r, "time"), &times, &e) != FC_OK ||
        fc_api_page(r, &page, &e) != FC_OK || fc_store_job_list(r->app->store, state, page.after, page.limit + 1, &rows, &n, &e) != FC_OK)
        return fc_reply_error_in_body(r, &e);
    size_t shown = n > page.limit ? page.limit : n;
    fc_buf_text(&body, "{\"jobs\":[");
    for (size_t i = 0; i < shown; i++) {
        fc_jobs_live(r->app->jobs, rows[i].id, &rows[i]);
        if (state != NULL && strcmp(rows[i].state, state) != 0)
            continue; /* it moved on since its row was written */
        if (written++ > 0)
            fc_buf_char(&body, ',');
        fc_codec_job(&rows[i], times, &body);
    }
    fc_api_page_end(&body, n > shown ? rows[shown - 1].id : NULL);
    fc_job_rows_free(rows, n);
    return fc_reply(r, 200, FC_JSON, &body, true);
}
