/* store_issued.c: forecasts that were handed out on purpose, kept whole with their intervals, one row each.
 *
 * The arrays are one blob of 8-byte little-endian numbers: time[n]; mean[n], median[n], level[nlevels], lower[nlevels][n], upper[nlevels][n]. */
#include "store_private.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the blob is written as it stands in memory");
static_assert(sizeof(fc_time) == 8 && sizeof(double) == 8, "eight bytes a number");

/* Far above what the API allows; keeps the sizes below from overflowing when a row is damaged. */
enum { STEPS_MAX = 1000000, LEVELS_MAX = 1000 };

void fc_issued_free(struct fc_issued *f)
{
    if (!f)
        return;
    free(f->time);
    free(f->mean);
    free(f->median);
    free(f->level);
    free(f->lower);
    free(f->upper);
    memset(f, 0, sizeof *f);
}

void fc_issued_rows_free(struct fc_issued *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        fc_issued_free(&rows[i]);
    free(rows);
}

/* ---- the blob ---- */

static size_t blob_numbers(size_t n, size_t levels)
{
    return 3 * n + levels + 2 * levels * n;
}

static char *pack_part(char *to, const void *from, size_t numbers)
{
    if (numbers)
        memcpy(to, from, numbers * 8);
    return to + numbers * 8;
}

static void pack(const struct fc_issued *f, char *to)
{
    to = pack_part(to, f->time, f->n);
    to = pack_part(to, f->mean, f->n);
    to = pack_part(to, f->median, f->n);
    to = pack_part(to, f->level, f->nlevels);
    to = pack_part(to, f->lower, f->nlevels * f->n);
    (void)pack_part(to, f->upper, f->nlevels * f->n);
}

/* An owned copy of the next numbers; NULL when memory ran out. */
static void *unpack_part(const char **from, size_t numbers)
{
    void *copy = malloc(numbers ? numbers * 8 : 1);
    if (copy && numbers)
        memcpy(copy, *from, numbers * 8);
    *from += numbers * 8;
    return copy;
}

static bool unpack(struct fc_issued *f, const char *from)
{
    f->time = unpack_part(&from, f->n);
    f->mean = unpack_part(&from, f->n);
    f->median = unpack_part(&from, f->n);
    f->level = unpack_part(&from, f->nlevels);
    f->lower = unpack_part(&from, f->nlevels * f->n);
    f->upper = unpack_part(&from, f->nlevels * f->n);
    return f->time && f->mean && f->median && f->level && f->lower && f->upper;
}

/* ---- issuing ---- */

static enum fc_status insert(struct fc_store_tx *tx, const struct fc_issued *f, int64_t series, const void *blob, size_t size, struct fc_error *e)
{
    struct fc_query q;
    fc_query_start(&q, tx->conn, FC_SQL_ISSUED_INSERT);
    fc_bind_text(&q, f->id);
    fc_bind_integer(&q, series);
    fc_bind_text(&q, f->model[0] ? f->model : NULL);
    fc_bind_integer(&q, f->version);
    fc_bind_text(&q, f->method);
    fc_bind_integer(&q, f->issued_at);
    fc_bind_integer(&q, f->last);
    fc_bind_integer(&q, f->revision);
    fc_bind_integer(&q, (int64_t)f->n);
    fc_bind_integer(&q, (int64_t)f->nlevels);
    fc_bind_blob(&q, blob, size);
    fc_query_run(&q, 0);
    return fc_query_end(&q, e);
}

enum fc_status fc_tx_issue(struct fc_store_tx *tx, struct fc_issued *f, struct fc_error *e)
{
    struct fc_series_key series;
    struct fc_issued head = *f; /* borrows the arrays */
    if (f->n > STEPS_MAX || f->nlevels > LEVELS_MAX)
        return fc_fail(e, FC_TOO_LARGE, "too_large", "a forecast of %zu steps and %zu levels is too long to be kept", f->n, f->nlevels);
    enum fc_status st = fc_series_find(tx->conn, f->series, &series, e);
    if (st == FC_OK && f->model[0])
        st = fc_model_resolve(tx->conn, f->model, head.model, e);
    if (st == FC_OK)
        st = fc_id_make("f_", head.id, e);
    if (st != FC_OK)
        return st;
    if (head.issued_at == 0)
        head.issued_at = tx->now;
    size_t size = blob_numbers(f->n, f->nlevels) * 8;
    char *blob = malloc(size ? size : 1);
    if (!blob)
        return fc_fail_nomem(e, size);
    pack(&head, blob);
    st = insert(tx, &head, series.key, blob, size, e);
    free(blob);
    if (st == FC_OK)
        *f = head;
    return st;
}

/* ---- reading ---- */

/* All but the id of the series, which the caller knows. */
static void read_row(struct fc_query *q, void *row)
{
    struct fc_issued *f = row;
    memset(f, 0, sizeof *f);
    fc_column_copy(q, 0, f->id, sizeof f->id);
    fc_column_copy(q, 1, f->model, sizeof f->model);
    f->version = (int)fc_column_integer(q, 2);
    fc_column_copy(q, 3, f->method, sizeof f->method);
    f->issued_at = fc_column_integer(q, 4);
    f->last = fc_column_integer(q, 5);
    f->revision = fc_column_integer(q, 6);
    int64_t n = fc_column_integer(q, 7), levels = fc_column_integer(q, 8);
    const char *blob = sqlite3_column_blob(q->stmt, 9);
    size_t size = (size_t)sqlite3_column_bytes(q->stmt, 9);
    if (n < 0 || n > STEPS_MAX || levels < 0 || levels > LEVELS_MAX || size != blob_numbers((size_t)n, (size_t)levels) * 8 || (size && !blob)) {
        q->rc = SQLITE_CORRUPT;
        return;
    }
    f->n = (size_t)n;
    f->nlevels = (size_t)levels;
    if (!unpack(f, blob))
        q->rc = SQLITE_NOMEM;
}

/* Where a list goes on: below (issued_at, key) of the forecast with this id, from the top when there is none. */
static enum fc_status cursor(struct fc_conn *c, const char *after, int64_t series, fc_time *issued_at, int64_t *key, struct fc_error *e)
{
    *issued_at = *key = INT64_MAX;
    if (!after || !*after)
        return FC_OK;
    struct fc_query q;
    fc_query_start(&q, c, FC_SQL_ISSUED_KEY);
    fc_bind_text(&q, after);
    fc_bind_integer(&q, series);
    bool found = fc_query_row(&q);
    if (found) {
        *issued_at = fc_column_integer(&q, 0);
        *key = fc_column_integer(&q, 1);
    }
    enum fc_status st = fc_query_end(&q, e);
    if (st == FC_OK && !found)
        st = fc_fail(e, FC_INVALID, "unknown_cursor", "the list cannot go on after \"%.64s\": it is gone", after);
    return st;
}

enum fc_status fc_store_issued_list(struct fc_store *s, const char *series, fc_time start, fc_time end, fc_time issued_before, const char *after,
                                    size_t limit, struct fc_issued **out, size_t *n, struct fc_error *e)
{
    struct fc_issued *rows = NULL;
    size_t count = 0;
    struct fc_series_key found;
    fc_time below_time;
    int64_t below_key;
    struct fc_query q;
    struct fc_conn *c;
    enum fc_status st = fc_snapshot_take(s, &c, e);
    if (st != FC_OK)
        return st;
    st = fc_series_find(c, series, &found, e);
    if (st == FC_OK)
        st = cursor(c, after, found.key, &below_time, &below_key, e);
    if (st == FC_OK) {
        fc_query_start(&q, c, FC_SQL_ISSUED_LIST);
        fc_bind_integer(&q, found.key);
        fc_bind_integer(&q, start);
        fc_bind_integer(&q, end < issued_before ? end : issued_before);
        fc_bind_integer(&q, below_time);
        fc_bind_integer(&q, below_key);
        fc_bind_limit(&q, limit);
        void *read;
        st = fc_rows_collect(&q, sizeof *rows, read_row, &read, &count, e);
        rows = read;
        for (size_t i = 0; i < count; i++)
            memcpy(rows[i].series, series, strlen(series) + 1); /* fits: a row of this id was found */
    }
    fc_snapshot_give(s, c);
    if (st == FC_OK) {
        *out = rows;
        *n = count;
    } else
        fc_issued_rows_free(rows, count);
    return st;
}
