/* store_models.c: models, their versions with weights, and what each learned from. Reads on any thread, fc_tx_* on the writer thread. */
#include "store_private.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

void fc_model_row_free(struct fc_model_row *m)
{
    if (!m)
        return;
    free(m->name);
    free(m->spec);
    free(m->report);
    memset(m, 0, sizeof *m);
}

void fc_model_rows_free(struct fc_model_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        fc_model_row_free(&rows[i]);
    free(rows);
}

void fc_strings_free(struct fc_strings *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n; i++)
        free(s->item[i]);
    free(s->item);
    memset(s, 0, sizeof *s);
}

/* Guards the weights against rot on the disk. Never negative, so that it reads back as it was written. */
static int64_t checksum(const void *data, size_t n)
{
    return (int64_t)crc32_z(crc32_z(0, NULL, 0), n ? data : (const void *)"", n);
}

/* ---- finding ---- */

static enum fc_status unknown_model(const char *model, int version, struct fc_error *e)
{
    if (version > 0)
        return fc_fail(e, FC_NOT_FOUND, "unknown_model", "there is no version %d of a model \"%.100s\"", version, model);
    return fc_fail(e, FC_NOT_FOUND, "unknown_model", "there is no model \"%.100s\"", model);
}

enum fc_status fc_model_resolve(struct fc_conn *c, const char *id_or_name, char out[FC_NAME_MAX], struct fc_error *e)
{
    struct fc_query q;
    fc_query_start(&q, c, FC_SQL_MODEL_RESOLVE);
    fc_bind_text(&q, id_or_name);
    bool found = fc_query_row(&q);
    if (found)
        fc_column_copy(&q, 0, out, FC_NAME_MAX);
    enum fc_status st = fc_query_end(&q, e);
    return st == FC_OK && !found ? unknown_model(id_or_name, 0, e) : st;
}

static enum fc_status version_find(struct fc_conn *c, const char *model, int version, int64_t *key, struct fc_error *e)
{
    struct fc_query q;
    fc_query_start(&q, c, FC_SQL_VERSION_FIND);
    fc_bind_text(&q, model);
    fc_bind_integer(&q, version);
    bool found = fc_query_row(&q);
    if (found)
        *key = fc_column_integer(&q, 0);
    enum fc_status st = fc_query_end(&q, e);
    return st == FC_OK && !found ? unknown_model(model, version, e) : st;
}

/* ---- creating ---- */

/* The model of the request: the one that has its name, or a new one; and the number of its next version. */
static enum fc_status model_for(struct fc_store_tx *tx, struct fc_model_create *c, struct fc_error *e)
{
    struct fc_query q;
    bool stands = false;
    enum fc_status st;
    c->version = 1;
    if (c->name) {
        fc_query_start(&q, tx->conn, FC_SQL_MODEL_NAMED);
        fc_bind_text(&q, c->name);
        stands = fc_query_row(&q);
        if (stands) {
            fc_column_copy(&q, 0, c->model, sizeof c->model);
            c->version = (int)fc_column_integer(&q, 1) + 1;
        }
        st = fc_query_end(&q, e);
        if (st != FC_OK || stands)
            return st;
    }
    st = fc_id_make("m_", c->model, e);
    if (st != FC_OK)
        return st;
    fc_query_start(&q, tx->conn, FC_SQL_MODEL_INSERT);
    fc_bind_text(&q, c->model);
    fc_bind_text(&q, c->name);
    fc_bind_integer(&q, tx->now);
    fc_query_run(&q, 0);
    return fc_query_end(&q, e);
}

static enum fc_status write_learned(struct fc_store_tx *tx, int64_t version_key, const char *const *series, size_t n, struct fc_error *e)
{
    struct fc_query q;
    fc_query_start(&q, tx->conn, FC_SQL_LEARNED_CLEAR);
    fc_bind_integer(&q, version_key);
    fc_query_run(&q, 0);
    enum fc_status st = fc_query_end(&q, e);
    if (st != FC_OK)
        return st;
    fc_query_start(&q, tx->conn, FC_SQL_LEARNED_INSERT);
    fc_bind_integer(&q, version_key);
    for (size_t i = 0; i < n && q.rc == SQLITE_OK; i++) {
        fc_bind_text(&q, series[i]);
        fc_query_run(&q, 1);
    }
    return fc_query_end(&q, e);
}

static enum fc_status write_version(struct fc_store_tx *tx, const struct fc_model_create *c, struct fc_error *e)
{
    struct fc_query q;
    fc_query_start(&q, tx->conn, FC_SQL_VERSION_INSERT);
    fc_bind_text(&q, c->model);
    fc_bind_integer(&q, c->version);
    fc_bind_text(&q, c->job);
    fc_bind_text(&q, c->spec);
    fc_bind_integer(&q, tx->now);
    fc_query_run(&q, 0);
    enum fc_status st = fc_query_end(&q, e);
    if (st != FC_OK)
        return st;
    int64_t key = sqlite3_last_insert_rowid(tx->conn->db);
    fc_query_start(&q, tx->conn, FC_SQL_JOB_INSERT);
    fc_bind_text(&q, c->job);
    fc_bind_text(&q, c->model);
    fc_bind_integer(&q, c->version);
    fc_bind_text(&q, c->request);
    fc_bind_integer(&q, tx->now);
    fc_query_run(&q, 0);
    st = fc_query_end(&q, e);
    return st == FC_OK ? write_learned(tx, key, c->series, c->nseries, e) : st;
}

enum fc_status fc_tx_model_create(struct fc_store_tx *tx, struct fc_model_create *c, struct fc_error *e)
{
    struct fc_model_create made = *c;
    enum fc_status st = model_for(tx, &made, e);
    if (st == FC_OK)
        st = fc_id_make("j_", made.job, e);
    if (st == FC_OK)
        st = write_version(tx, &made, e);
    if (st != FC_OK)
        return st;
    *c = made;
    fc_touch_models(tx);
    return FC_OK;
}

/* ---- changing ---- */

enum fc_status fc_tx_model_ready(struct fc_store_tx *tx, const struct fc_model_ready *r, struct fc_error *e)
{
    int64_t key;
    enum fc_status st = version_find(tx->conn, r->model, r->version, &key, e);
    if (st != FC_OK)
        return st;
    struct fc_query q;
    fc_query_start(&q, tx->conn, FC_SQL_VERSION_READY);
    fc_bind_integer(&q, key);
    fc_bind_text(&q, r->spec);
    fc_bind_text(&q, r->report);
    fc_bind_integer(&q, r->trained_until);
    fc_bind_integer(&q, tx->now);
    fc_bind_integer(&q, checksum(r->weights, r->weights_n));
    fc_bind_blob(&q, r->weights, r->weights_n);
    fc_query_run(&q, 0);
    st = fc_query_end(&q, e);
    if (st == FC_OK)
        st = write_learned(tx, key, r->series, r->nseries, e);
    if (st == FC_OK)
        fc_touch_models(tx);
    return st;
}

enum fc_status fc_tx_model_failed(struct fc_store_tx *tx, const char *model, int version, const char *state, struct fc_error *e)
{
    int64_t key;
    enum fc_status st = version_find(tx->conn, model, version, &key, e);
    if (st != FC_OK)
        return st;
    struct fc_query q;
    fc_query_start(&q, tx->conn, FC_SQL_VERSION_STATE);
    fc_bind_integer(&q, key);
    fc_bind_text(&q, state);
    fc_bind_integer(&q, tx->now);
    fc_query_run(&q, 0);
    st = fc_query_end(&q, e);
    if (st == FC_OK)
        fc_touch_models(tx);
    return st;
}

/* Clears the pins on a model: a change of settings of each of those series. */
static enum fc_status unpin(struct fc_store_tx *tx, const char *model, struct fc_error *e)
{
    struct fc_query q;
    fc_query_start(&q, tx->conn, FC_SQL_SERIES_PINNED);
    fc_bind_text(&q, model);
    while (fc_query_row(&q)) {
        char id[FC_ID_MAX + 1];
        fc_column_copy(&q, 0, id, sizeof id);
        fc_touch_series(tx, id);
    }
    enum fc_status st = fc_query_end(&q, e);
    if (st != FC_OK)
        return st;
    fc_query_start(&q, tx->conn, FC_SQL_SERIES_UNPIN);
    fc_bind_text(&q, model);
    fc_bind_integer(&q, tx->now);
    fc_query_run(&q, 0);
    return fc_query_end(&q, e);
}

enum fc_status fc_tx_model_delete(struct fc_store_tx *tx, const char *model, struct fc_error *e)
{
    char id[FC_NAME_MAX];
    enum fc_status st = fc_model_resolve(tx->conn, model, id, e);
    if (st == FC_OK)
        st = unpin(tx, id, e);
    if (st != FC_OK)
        return st;
    struct fc_query q;
    fc_query_start(&q, tx->conn, FC_SQL_MODEL_DELETE); /* takes versions and what they learned from along */
    fc_bind_text(&q, id);
    fc_query_run(&q, 0);
    st = fc_query_end(&q, e);
    if (st == FC_OK)
        fc_touch_models(tx);
    return st;
}

/* ---- reading ---- */

/* The current row of a query over MODEL_ROW. */
static void read_row(struct fc_query *q, void *row)
{
    struct fc_model_row *m = row;
    memset(m, 0, sizeof *m);
    fc_column_copy(q, 0, m->id, sizeof m->id);
    m->name = fc_column_dup(q, 1);
    m->version = (int)fc_column_integer(q, 2);
    m->ready_version = (int)fc_column_integer(q, 3);
    fc_column_copy(q, 4, m->state, sizeof m->state);
    fc_column_copy(q, 5, m->job, sizeof m->job);
    m->spec = fc_column_dup(q, 6);
    m->report = fc_column_dup(q, 7);
    m->trained_until = fc_column_integer(q, 8);
    m->created_at = fc_column_integer(q, 9);
    m->updated_at = fc_column_integer(q, 10);
}

enum fc_status fc_store_model_get(struct fc_store *s, const char *id_or_name, int version, struct fc_model_row *out, struct fc_error *e)
{
    struct fc_model_row row = {0};
    struct fc_query q;
    struct fc_conn *c = fc_reader_take(s);
    fc_query_start(&q, c, FC_SQL_MODEL_GET);
    fc_bind_text(&q, id_or_name);
    fc_bind_integer(&q, version);
    bool found = fc_query_row(&q);
    if (found)
        read_row(&q, &row);
    enum fc_status st = fc_query_end(&q, e);
    fc_reader_give(s, c);
    if (st == FC_OK && !found)
        st = unknown_model(id_or_name, version, e);
    if (st == FC_OK)
        *out = row;
    else
        fc_model_row_free(&row);
    return st;
}

enum fc_status fc_store_model_list(struct fc_store *s, const char *after, size_t limit, struct fc_model_row **out, size_t *n, struct fc_error *e)
{
    void *rows = NULL;
    size_t count = 0;
    int64_t below;
    struct fc_query q;
    struct fc_conn *c;
    enum fc_status st = fc_snapshot_take(s, &c, e);
    if (st != FC_OK)
        return st;
    st = fc_cursor_key(c, FC_SQL_MODEL_KEY, after, &below, e);
    if (st == FC_OK) {
        fc_query_start(&q, c, FC_SQL_MODEL_LIST);
        fc_bind_integer(&q, below);
        fc_bind_integer(&q, 0);
        fc_bind_limit(&q, limit);
        st = fc_rows_collect(&q, sizeof(struct fc_model_row), read_row, &rows, &count, e);
    }
    fc_snapshot_give(s, c);
    if (st == FC_OK) {
        *out = rows;
        *n = count;
    } else
        fc_model_rows_free(rows, count);
    return st;
}

/* Copies the current row's blob out after its checksum held. */
static enum fc_status read_weights(struct fc_query *q, const char *model, int version, struct fc_blob *out, struct fc_error *e)
{
    if (sqlite3_column_type(q->stmt, 2) != SQLITE_BLOB)
        return fc_fail(e, FC_CONFLICT, "model_not_ready", "version %d of model %.64s is %s and has no weights", version, model,
                       (const char *)sqlite3_column_text(q->stmt, 0));
    const void *data = sqlite3_column_blob(q->stmt, 2);
    size_t n = (size_t)sqlite3_column_bytes(q->stmt, 2);
    if (n && !data) {
        q->rc = SQLITE_NOMEM;
        return FC_OK; /* the end of the query tells it */
    }
    if (checksum(data, n) != fc_column_integer(q, 1))
        return fc_fail(e, FC_CORRUPT, "weights_corrupt", "the weights of version %d of model %.64s fail their checksum", version, model);
    void *copy = malloc(n ? n : 1);
    if (!copy)
        return fc_fail_nomem(e, n);
    memcpy(copy, n ? data : "", n);
    out->data = copy;
    out->n = n;
    return FC_OK;
}

enum fc_status fc_store_model_weights(struct fc_store *s, const char *model, int version, struct fc_blob *out, struct fc_error *e)
{
    struct fc_blob blob = {0};
    struct fc_query q;
    struct fc_conn *c = fc_reader_take(s);
    fc_query_start(&q, c, FC_SQL_VERSION_WEIGHTS);
    fc_bind_text(&q, model);
    fc_bind_integer(&q, version);
    enum fc_status st = FC_OK;
    bool found = fc_query_row(&q);
    if (found)
        st = read_weights(&q, model, version, &blob, e);
    enum fc_status end = fc_query_end(&q, st == FC_OK ? e : NULL);
    st = st == FC_OK ? end : st;
    fc_reader_give(s, c);
    if (st == FC_OK && !found)
        st = unknown_model(model, version, e);
    if (st == FC_OK)
        *out = blob;
    else
        free(blob.data);
    return st;
}

static void read_text(struct fc_query *q, void *row)
{
    *(char **)row = fc_column_dup(q, 0);
}

/* What the version learned from: the series that stand, or those that are gone. */
static enum fc_status read_learned(struct fc_conn *c, int64_t version_key, bool removed, struct fc_strings *out, struct fc_error *e)
{
    void *rows;
    struct fc_query q;
    fc_query_start(&q, c, FC_SQL_LEARNED_LIST);
    fc_bind_integer(&q, version_key);
    fc_bind_integer(&q, removed);
    enum fc_status st = fc_rows_collect(&q, sizeof *out->item, read_text, &rows, &out->n, e);
    out->item = rows;
    return st;
}

enum fc_status fc_store_model_series(struct fc_store *s, const char *model, int version, struct fc_strings *out, struct fc_strings *removed,
                                     struct fc_error *e)
{
    struct fc_strings stand = {0}, gone = {0};
    int64_t key;
    struct fc_conn *c;
    enum fc_status st = fc_snapshot_take(s, &c, e);
    if (st != FC_OK)
        return st;
    st = version_find(c, model, version, &key, e);
    if (st == FC_OK && out)
        st = read_learned(c, key, false, &stand, e);
    if (st == FC_OK && removed)
        st = read_learned(c, key, true, &gone, e);
    fc_snapshot_give(s, c);
    if (st != FC_OK) {
        fc_strings_free(&stand);
        fc_strings_free(&gone);
        return st;
    }
    if (out)
        *out = stand;
    if (removed)
        *removed = gone;
    return FC_OK;
}

enum fc_status fc_store_model_for_series(struct fc_store *s, const char *series, char model[FC_NAME_MAX], int *version, struct fc_error *e)
{
    char id[FC_NAME_MAX] = "";
    int number = 0;
    struct fc_query q;
    struct fc_conn *c = fc_reader_take(s);
    fc_query_start(&q, c, FC_SQL_LEARNED_BEST);
    fc_bind_text(&q, series);
    bool found = fc_query_row(&q);
    if (found) {
        fc_column_copy(&q, 0, id, sizeof id);
        number = (int)fc_column_integer(&q, 1);
    }
    enum fc_status st = fc_query_end(&q, e);
    fc_reader_give(s, c);
    if (st == FC_OK && !found)
        st = fc_fail(e, FC_NOT_FOUND, "no_model", "no ready model was trained on the series \"%.200s\"", series);
    if (st != FC_OK)
        return st;
    memcpy(model, id, sizeof id);
    *version = number;
    return FC_OK;
}
