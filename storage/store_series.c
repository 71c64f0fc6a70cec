/* store_series.c: the rows of series: settings, listing, deletion. Reads on any thread, fc_tx_* on the writer thread. */
#include "store_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fc_series_row_free(struct fc_series_row *r)
{
    if (!r)
        return;
    free(r->unit);
    free(r->labels);
    free(r->model);
    memset(r, 0, sizeof *r);
}

void fc_series_rows_free(struct fc_series_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        fc_series_row_free(&rows[i]);
    free(rows);
}

/* ---- the season as text ---- */

void fc_season_text(const struct fc_season *s, char *text, size_t size)
{
    size_t used = 0;
    *text = 0;
    for (size_t i = 0; i < s->n && i < FC_SEASONS && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%u", i ? "," : "", s->period[i]);
}

static bool season_read(const char *text, struct fc_season *out)
{
    memset(out, 0, sizeof *out);
    while (*text) {
        char *end;
        unsigned long period = strtoul(text, &end, 10);
        if (end == text || (*end && *end != ',') || period > UINT32_MAX || out->n == FC_SEASONS)
            return false;
        out->period[out->n++] = (uint32_t)period;
        text = *end ? end + 1 : end;
    }
    return true;
}

/* ---- reading ---- */

/* The current row of a query over SERIES_ROW. What is wrong sticks to the query. */
static void read_row(struct fc_query *q, void *row)
{
    struct fc_series_row *r = row;
    char word[FC_NAME_MAX], season[FC_SEASON_TEXT];
    memset(r, 0, sizeof *r);
    fc_column_copy(q, 0, r->id, sizeof r->id);
    r->unit = fc_column_dup(q, 1);
    r->labels = fc_column_dup(q, 2);
    r->step = (struct fc_step){.ms = fc_column_integer(q, 3), .months = (int32_t)fc_column_integer(q, 4)};
    r->season_set = sqlite3_column_type(q->stmt, 5) != SQLITE_NULL;
    fc_column_copy(q, 5, season, sizeof season);
    fc_column_copy(q, 6, word, sizeof word);
    int aggregate = fc_aggregate_find(word);
    if (aggregate < 0 || !season_read(season, &r->season))
        q->rc = SQLITE_CORRUPT;
    r->aggregate = aggregate < 0 ? FC_MEAN : (enum fc_aggregate)aggregate;
    r->delay.ms = fc_column_integer(q, 7);
    r->bounds.min = fc_column_real(q, 8, -INFINITY);
    r->bounds.max = fc_column_real(q, 9, INFINITY);
    r->bounds.integer = fc_column_integer(q, 10) != 0;
    r->model = fc_column_dup(q, 11);
    r->points = fc_column_integer(q, 12);
    r->missing = fc_column_integer(q, 13);
    r->first = fc_column_integer(q, 14);
    r->last = fc_column_integer(q, 15);
    r->revision = fc_column_integer(q, 16);
    r->created_at = fc_column_integer(q, 17);
    r->updated_at = fc_column_integer(q, 18);
}

static enum fc_status unknown_series(const char *id, struct fc_error *e)
{
    return fc_fail(e, FC_NOT_FOUND, "unknown_series", "there is no series \"%.200s\"", id);
}

enum fc_status fc_series_read(struct fc_conn *c, const char *id, struct fc_series_row *out, struct fc_error *e)
{
    struct fc_series_row row = {0};
    struct fc_query q;
    fc_query_start(&q, c, FC_SQL_SERIES_GET);
    fc_bind_text(&q, id);
    bool found = fc_query_row(&q);
    if (found)
        read_row(&q, &row);
    enum fc_status st = fc_query_end(&q, e);
    if (st == FC_OK && !found)
        st = unknown_series(id, e);
    if (st == FC_OK)
        *out = row;
    else
        fc_series_row_free(&row);
    return st;
}

enum fc_status fc_series_find(struct fc_conn *c, const char *id, struct fc_series_key *out, struct fc_error *e)
{
    struct fc_query q;
    fc_query_start(&q, c, FC_SQL_SERIES_FIND);
    fc_bind_text(&q, id);
    bool found = fc_query_row(&q);
    if (found)
        *out = (struct fc_series_key){.key = fc_column_integer(&q, 0), .points = fc_column_integer(&q, 1), .missing = fc_column_integer(&q, 2),
                                      .first = fc_column_integer(&q, 3), .last = fc_column_integer(&q, 4),
                                      .step = {.ms = fc_column_integer(&q, 5), .months = (int32_t)fc_column_integer(&q, 6)},
                                      .revision = fc_column_integer(&q, 7)};
    enum fc_status st = fc_query_end(&q, e);
    return st == FC_OK && !found ? unknown_series(id, e) : st;
}

enum fc_status fc_store_series_get(struct fc_store *s, const char *id, struct fc_series_row *out, struct fc_error *e)
{
    struct fc_conn *c = fc_reader_take(s);
    enum fc_status st = fc_series_read(c, id, out, e);
    fc_reader_give(s, c);
    return st;
}

enum fc_status fc_store_series_list(struct fc_store *s, const char *after, size_t limit, struct fc_series_row **out, size_t *n, struct fc_error *e)
{
    void *rows;
    size_t count;
    struct fc_query q;
    struct fc_conn *c = fc_reader_take(s);
    fc_query_start(&q, c, FC_SQL_SERIES_LIST);
    fc_bind_text(&q, after ? after : "");
    fc_bind_limit(&q, limit);
    enum fc_status st = fc_rows_collect(&q, sizeof(struct fc_series_row), read_row, &rows, &count, e);
    fc_reader_give(s, c);
    if (st == FC_OK) {
        *out = rows;
        *n = count;
    } else
        fc_series_rows_free(rows, count);
    return st;
}

/* ---- writing ---- */

enum fc_status fc_series_insert(struct fc_store_tx *tx, const char *id, struct fc_series_key *out, struct fc_error *e)
{
    struct fc_query q;
    fc_query_start(&q, tx->conn, FC_SQL_SERIES_INSERT);
    fc_bind_text(&q, id);
    fc_bind_integer(&q, tx->now);
    fc_query_run(&q, 0);
    enum fc_status st = fc_query_end(&q, e);
    return st == FC_OK ? fc_series_find(tx->conn, id, out, e) : st;
}

/* Lays the fields of mask over row. Texts are borrowed from fields. */
static void overlay(struct fc_series_row *row, const struct fc_series_row *f, unsigned mask)
{
    if (mask & FC_SET_UNIT)
        row->unit = f->unit;
    if (mask & FC_SET_LABELS)
        row->labels = f->labels;
    if (mask & FC_SET_STEP)
        row->step = f->step;
    if (mask & FC_SET_SEASON) {
        row->season = f->season;
        row->season_set = f->season_set || f->season.n > 0;
    }
    if (mask & FC_SET_AGGREGATE)
        row->aggregate = f->aggregate;
    if (mask & FC_SET_DELAY)
        row->delay = f->delay;
    if (mask & FC_SET_MIN)
        row->bounds.min = f->bounds.min;
    if (mask & FC_SET_MAX)
        row->bounds.max = f->bounds.max;
    if (mask & FC_SET_INTEGER)
        row->bounds.integer = f->bounds.integer;
    if (mask & FC_SET_MODEL)
        row->model = f->model;
}

/* Looked at here, where no other change can come between: each of two requests may give one bound. */
static enum fc_status check_bounds(const struct fc_bounds *b, struct fc_error *e)
{
    if (b->integer && ceil(b->min) > floor(b->max))
        return fc_fail_at(e, FC_INVALID, "bad_bounds", "/min", "there is no integer from min %.15g to max %.15g", b->min, b->max);
    if (b->min <= b->max)
        return FC_OK;
    return fc_fail_at(e, FC_INVALID, "bad_bounds", "/min", "min must not be above max: %.15g > %.15g", b->min, b->max);
}

static enum fc_status write_settings(struct fc_store_tx *tx, const struct fc_series_row *r, struct fc_error *e)
{
    char season[FC_SEASON_TEXT];
    fc_season_text(&r->season, season, sizeof season);
    struct fc_query q;
    fc_query_start(&q, tx->conn, FC_SQL_SERIES_SETTINGS);
    fc_bind_text(&q, r->id);
    fc_bind_text(&q, r->unit);
    fc_bind_text(&q, r->labels ? r->labels : "{}");
    fc_bind_integer(&q, r->step.ms);
    fc_bind_integer(&q, r->step.months);
    fc_bind_text(&q, r->season_set ? season : NULL);
    fc_bind_text(&q, fc_aggregate_name(r->aggregate));
    fc_bind_integer(&q, r->delay.ms);
    fc_bind_real(&q, isfinite(r->bounds.min) ? r->bounds.min : NAN);
    fc_bind_real(&q, isfinite(r->bounds.max) ? r->bounds.max : NAN);
    fc_bind_integer(&q, r->bounds.integer);
    fc_bind_text(&q, r->model);
    fc_bind_integer(&q, tx->now);
    fc_query_run(&q, 0);
    return fc_query_end(&q, e);
}

enum fc_status fc_tx_series_put(struct fc_store_tx *tx, const struct fc_series_row *fields, unsigned mask, bool *created, struct fc_error *e)
{
    char pinned[FC_NAME_MAX];
    struct fc_error missing = {0};
    struct fc_series_key key;
    struct fc_series_row old = {0}, f = *fields;
    bool fresh = false;
    if (mask & FC_SET_MODEL && f.model) {
        enum fc_status st = fc_model_resolve(tx->conn, f.model, pinned, e);
        if (st == FC_NOT_FOUND)
            st = fc_fail_at(e, FC_INVALID, "unknown_model", "/model", "there is no model \"%.100s\" to pin", f.model);
        if (st != FC_OK)
            return st;
        f.model = pinned;
    }
    enum fc_status st = fc_series_read(tx->conn, f.id, &old, &missing);
    if (st == FC_NOT_FOUND) {
        fresh = true;
        st = fc_series_insert(tx, f.id, &key, e);
        if (st == FC_OK)
            st = fc_series_read(tx->conn, f.id, &old, e);
    } else if (st != FC_OK && e)
        *e = missing;
    if (st == FC_OK) {
        struct fc_series_row row = old; /* borrows old's texts */
        overlay(&row, &f, mask);
        st = check_bounds(&row.bounds, e);
        if (st == FC_OK)
            st = write_settings(tx, &row, e);
    }
    fc_series_row_free(&old);
    if (st != FC_OK)
        return st;
    *created = fresh;
    fc_touch_series(tx, f.id);
    if (mask & FC_SET_MODEL)
        fc_touch_models(tx);
    return FC_OK;
}

/* Runs one statement that takes a single number. */
static enum fc_status run_with_key(struct fc_conn *c, enum fc_sql sql, int64_t key, struct fc_error *e)
{
    struct fc_query q;
    fc_query_start(&q, c, sql);
    fc_bind_integer(&q, key);
    fc_query_run(&q, 0);
    return fc_query_end(&q, e);
}

enum fc_status fc_tx_series_delete(struct fc_store_tx *tx, const char *id, struct fc_error *e)
{
    struct fc_series_key key;
    enum fc_status st = fc_series_find(tx->conn, id, &key, e);
    if (st == FC_OK)
        st = run_with_key(tx->conn, FC_SQL_SERIES_DELETE_POINTS, key.key, e);
    if (st == FC_OK)
        st = run_with_key(tx->conn, FC_SQL_SERIES_DELETE, key.key, e); /* takes its issued forecasts along */
    if (st == FC_OK)
        st = run_with_key(tx->conn, FC_SQL_SERIES_FLOOR, key.revision, e);
    if (st != FC_OK)
        return st;
    struct fc_query q;
    fc_query_start(&q, tx->conn, FC_SQL_SERIES_REMOVED);
    fc_bind_text(&q, id);
    fc_query_run(&q, 0);
    st = fc_query_end(&q, e);
    if (st != FC_OK)
        return st;
    fc_touch_series(tx, id);
    fc_touch_models(tx); /* models list it as removed now */
    return FC_OK;
}
