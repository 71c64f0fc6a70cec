/* store_jobs.c: the records of jobs. They are made with the model version that they train (store_models.c) and outlive it. */
#include "store_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void fc_job_row_free(struct fc_job_row *j)
{
    if (!j)
        return;
    free(j->request);
    free(j->skipped);
    free(j->error);
    memset(j, 0, sizeof *j);
}

void fc_job_rows_free(struct fc_job_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        fc_job_row_free(&rows[i]);
    free(rows);
}

static enum fc_status unknown_job(const char *id, struct fc_error *e)
{
    return fc_fail(e, FC_NOT_FOUND, "unknown_job", "there is no job \"%.64s\"", id);
}

enum fc_status fc_tx_job_update(struct fc_store_tx *tx, const struct fc_job_row *j, struct fc_error *e)
{
    struct fc_query q;
    fc_query_start(&q, tx->conn, FC_SQL_JOB_UPDATE);
    fc_bind_text(&q, j->id);
    fc_bind_text(&q, j->state);
    fc_bind_real(&q, isfinite(j->progress) ? j->progress : 0);
    fc_bind_integer(&q, j->epoch);
    fc_bind_integer(&q, j->epochs);
    fc_bind_real(&q, j->loss);
    fc_bind_real(&q, j->validation_loss);
    fc_bind_real(&q, j->eta_seconds);
    fc_bind_integer(&q, j->deaths);
    fc_bind_text(&q, j->skipped);
    fc_bind_text(&q, j->error);
    fc_bind_integer(&q, j->started_at);
    fc_bind_integer(&q, j->finished_at);
    fc_query_run(&q, 0);
    bool found = sqlite3_changes(tx->conn->db) > 0;
    enum fc_status st = fc_query_end(&q, e);
    return st == FC_OK && !found ? unknown_job(j->id, e) : st;
}

/* The current row of a query over JOB_ROW. */
static void read_row(struct fc_query *q, void *row)
{
    struct fc_job_row *j = row;
    memset(j, 0, sizeof *j);
    fc_column_copy(q, 0, j->id, sizeof j->id);
    fc_column_copy(q, 1, j->kind, sizeof j->kind);
    fc_column_copy(q, 2, j->state, sizeof j->state);
    fc_column_copy(q, 3, j->model, sizeof j->model);
    j->version = (int)fc_column_integer(q, 4);
    j->progress = fc_column_real(q, 5, 0);
    j->epoch = (int)fc_column_integer(q, 6);
    j->epochs = (int)fc_column_integer(q, 7);
    j->loss = fc_column_real(q, 8, NAN);
    j->validation_loss = fc_column_real(q, 9, NAN);
    j->eta_seconds = fc_column_real(q, 10, NAN);
    j->deaths = (int)fc_column_integer(q, 11);
    j->request = fc_column_dup(q, 12);
    j->skipped = fc_column_dup(q, 13);
    j->error = fc_column_dup(q, 14);
    j->created_at = fc_column_integer(q, 15);
    j->started_at = fc_column_integer(q, 16);
    j->finished_at = fc_column_integer(q, 17);
}

enum fc_status fc_store_job_get(struct fc_store *s, const char *id, struct fc_job_row *out, struct fc_error *e)
{
    struct fc_job_row row = {0};
    struct fc_query q;
    struct fc_conn *c = fc_reader_take(s);
    fc_query_start(&q, c, FC_SQL_JOB_GET);
    fc_bind_text(&q, id);
    bool found = fc_query_row(&q);
    if (found)
        read_row(&q, &row);
    enum fc_status st = fc_query_end(&q, e);
    fc_reader_give(s, c);
    if (st == FC_OK && !found)
        st = unknown_job(id, e);
    if (st == FC_OK)
        *out = row;
    else
        fc_job_row_free(&row);
    return st;
}

enum fc_status fc_store_job_list(struct fc_store *s, const char *state, const char *after, size_t limit, struct fc_job_row **out, size_t *n,
                                 struct fc_error *e)
{
    void *rows = NULL;
    size_t count = 0;
    int64_t below;
    struct fc_query q;
    struct fc_conn *c;
    enum fc_status st = fc_snapshot_take(s, &c, e);
    if (st != FC_OK)
        return st;
    st = fc_cursor_key(c, FC_SQL_JOB_KEY, after, &below, e);
    if (st == FC_OK) {
        fc_query_start(&q, c, state ? FC_SQL_JOB_LIST_STATE : FC_SQL_JOB_LIST);
        fc_bind_integer(&q, below);
        fc_bind_limit(&q, limit);
        if (state)
            fc_bind_text(&q, state);
        st = fc_rows_collect(&q, sizeof(struct fc_job_row), read_row, &rows, &count, e);
    }
    fc_snapshot_give(s, c);
    if (st == FC_OK) {
        *out = rows;
        *n = count;
    } else
        fc_job_rows_free(rows, count);
    return st;
}
