/* store_points.c: the points of series. Counts, first, last and revision of the series' row change in the same transaction as the points.
 *
 * A request is brought into ascending order first; points after the series' last one are new for certain and are just inserted (the fast
 * path of every append), the others are looked up one by one, so that inserted, updated and missing stay exact. */
#include "store_private.h"

#include <math.h>
#include <stdlib.h>

/* ---- ascending order ---- */

static int by_time_then_place(const void *a, const void *b, void *time)
{
    const fc_time *t = time;
    const size_t i = *(const size_t *)a, j = *(const size_t *)b;
    if (t[i] != t[j])
        return t[i] < t[j] ? -1 : 1;
    return i < j ? -1 : i > j;
}

static bool ascending(const fc_time *time, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (time[i] <= time[i - 1])
            return false;
    return true;
}

/* Places are sorted instead of points: a third of the memory. */
enum fc_status fc_points_in_order(const struct fc_points_write *w, struct fc_points *out, struct fc_error *e)
{
    size_t *place = reallocarray(NULL, w->n ? w->n : 1, sizeof *place);
    if (!place)
        return fc_fail_nomem(e, w->n * sizeof *place);
    enum fc_status st = fc_points_reserve(out, w->n, e);
    if (st == FC_OK) {
        for (size_t i = 0; i < w->n; i++)
            place[i] = i;
        qsort_r(place, w->n, sizeof *place, by_time_then_place, (void *)w->time);
        for (size_t i = 0; i < w->n; i++) {
            if (i + 1 < w->n && w->time[place[i]] == w->time[place[i + 1]])
                continue;
            out->time[out->n] = w->time[place[i]];
            out->value[out->n++] = w->value[place[i]];
        }
    }
    if (st != FC_OK)
        fc_points_free(out);
    free(place);
    return st;
}

/* ---- putting ---- */

/* What a request does to its series. */
struct change {
    const fc_time *time;          /* [n] ascending, no two equal */
    const double *value;          /* [n] */
    size_t n;
    struct fc_series_key *series; /* counts as they become */
    size_t inserted, updated;
};

/* SQLite keeps -0.0 as 0.0, so the two are one value here. */
static bool same_value(double a, double b)
{
    return isnan(a) ? isnan(b) : a == b;
}

/* The three statements of a request, each started once; the series stays bound in all of them. */
struct point_queries { struct fc_query insert, old, replace; };

static void put_new(struct point_queries *q, struct change *c, fc_time t, double v)
{
    fc_bind_integer(&q->insert, t);
    fc_bind_real(&q->insert, v);
    fc_query_run(&q->insert, 1);
    struct fc_series_key *s = c->series;
    s->first = s->points == 0 || t < s->first ? t : s->first;
    s->last = s->points == 0 || t > s->last ? t : s->last;
    s->points++;
    s->missing += isnan(v) != 0;
    c->inserted++;
}

static void put_any(struct point_queries *q, struct change *c, fc_time t, double v)
{
    if (c->series->points == 0 || t > c->series->last) {
        put_new(q, c, t, v);
        return;
    }
    fc_bind_integer(&q->old, t);
    bool stands = fc_query_row(&q->old);
    double old = stands ? fc_column_real(&q->old, 0, NAN) : NAN;
    (void)sqlite3_reset(q->old.stmt); /* an error stuck to the query already */
    q->old.bound = 1;
    if (!stands) {
        put_new(q, c, t, v);
        return;
    }
    if (!same_value(old, v)) {
        fc_bind_integer(&q->replace, t);
        fc_bind_real(&q->replace, v);
        fc_query_run(&q->replace, 1);
        c->series->missing += (isnan(v) != 0) - (isnan(old) != 0);
    }
    c->updated++;
}

static enum fc_status put_all(struct fc_store_tx *tx, struct change *c, struct fc_error *e)
{
    struct point_queries q;
    fc_query_start(&q.insert, tx->conn, FC_SQL_POINT_INSERT);
    fc_query_start(&q.old, tx->conn, FC_SQL_POINT_OLD);
    fc_query_start(&q.replace, tx->conn, FC_SQL_POINT_REPLACE);
    fc_bind_integer(&q.insert, c->series->key);
    fc_bind_integer(&q.old, c->series->key);
    fc_bind_integer(&q.replace, c->series->key);
    for (size_t i = 0; i < c->n; i++) {
        put_any(&q, c, c->time[i], c->value[i]);
        if (q.insert.rc != SQLITE_OK || q.old.rc != SQLITE_OK || q.replace.rc != SQLITE_OK)
            break;
    }
    struct fc_query *all[] = {&q.insert, &q.old, &q.replace};
    enum fc_status st = FC_OK;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        enum fc_status end = fc_query_end(all[i], st == FC_OK ? e : NULL);
        st = st == FC_OK ? end : st;
    }
    return st;
}

static enum fc_status write_counts(struct fc_store_tx *tx, const struct fc_series_key *s, struct fc_error *e)
{
    struct fc_query q;
    fc_query_start(&q, tx->conn, FC_SQL_SERIES_COUNTS);
    fc_bind_integer(&q, s->key);
    fc_bind_integer(&q, s->points);
    fc_bind_integer(&q, s->missing);
    fc_bind_integer(&q, s->first);
    fc_bind_integer(&q, s->last);
    fc_bind_integer(&q, tx->now);
    fc_query_run(&q, 0);
    return fc_query_end(&q, e);
}

/* The upload's step is kept where the series has none; its season is kept always. */
static enum fc_status write_hints(struct fc_store_tx *tx, const struct fc_points_write *w, const struct fc_series_key *s, struct fc_error *e)
{
    bool has_step = s->step.ms > 0 || s->step.months > 0, names_step = w->step.ms > 0 || w->step.months > 0;
    if ((has_step || !names_step) && w->season.n == 0)
        return FC_OK;
    char season[FC_SEASON_TEXT];
    fc_season_text(&w->season, season, sizeof season);
    struct fc_step step = has_step ? s->step : w->step;
    struct fc_query q;
    fc_query_start(&q, tx->conn, FC_SQL_SERIES_HINTS);
    fc_bind_integer(&q, s->key);
    fc_bind_integer(&q, step.ms);
    fc_bind_integer(&q, step.months);
    fc_bind_text(&q, w->season.n ? season : NULL);
    fc_query_run(&q, 0);
    return fc_query_end(&q, e);
}

enum fc_status fc_tx_points_put(struct fc_store_tx *tx, struct fc_points_write *w, struct fc_error *e)
{
    struct fc_series_key series;
    struct fc_error missing = {0};
    struct fc_points sorted = {0};
    bool created = false;
    enum fc_status st = fc_series_find(tx->conn, w->id, &series, &missing);
    if (st == FC_NOT_FOUND) {
        created = true;
        st = fc_series_insert(tx, w->id, &series, e);
    } else if (st != FC_OK && e)
        *e = missing;
    struct change c = {.time = w->time, .value = w->value, .n = w->n, .series = &series};
    if (st == FC_OK && !ascending(w->time, w->n)) {
        st = fc_points_in_order(w, &sorted, e);
        c.time = sorted.time;
        c.value = sorted.value;
        c.n = sorted.n;
        c.updated = w->n - sorted.n; /* a later one of the same time wins */
    }
    if (st == FC_OK)
        st = put_all(tx, &c, e);
    if (st == FC_OK)
        st = write_counts(tx, &series, e);
    if (st == FC_OK)
        st = write_hints(tx, w, &series, e);
    fc_points_free(&sorted);
    if (st != FC_OK)
        return st;
    w->inserted = c.inserted;
    w->updated = c.updated;
    w->created = created;
    fc_touch_series(tx, w->id);
    return FC_OK;
}

/* ---- deleting ---- */

static void bind_range(struct fc_query *q, struct fc_conn *c, enum fc_sql sql, int64_t key, fc_time start, fc_time end)
{
    fc_query_start(q, c, sql);
    fc_bind_integer(q, key);
    fc_bind_integer(q, start);
    fc_bind_integer(q, end);
}

enum fc_status fc_tx_points_delete(struct fc_store_tx *tx, const char *id, fc_time start, fc_time end, int64_t *deleted, struct fc_error *e)
{
    struct fc_series_key s;
    struct fc_query q;
    int64_t rows = 0, missing = 0;
    enum fc_status st = fc_series_find(tx->conn, id, &s, e);
    if (st != FC_OK)
        return st;
    bind_range(&q, tx->conn, FC_SQL_POINTS_COUNT, s.key, start, end);
    if (fc_query_row(&q)) {
        rows = fc_column_integer(&q, 0);
        missing = fc_column_integer(&q, 1);
    }
    st = fc_query_end(&q, e);
    if (st == FC_OK && rows > 0) {
        bind_range(&q, tx->conn, FC_SQL_POINTS_DELETE, s.key, start, end);
        fc_query_run(&q, 0);
        st = fc_query_end(&q, e);
    }
    if (st == FC_OK && rows > 0) {
        fc_query_start(&q, tx->conn, FC_SQL_POINTS_EDGES);
        fc_bind_integer(&q, s.key);
        if (fc_query_row(&q)) { /* NULLs, which read as 0, when no point is left */
            s.first = fc_column_integer(&q, 0);
            s.last = fc_column_integer(&q, 1);
        }
        st = fc_query_end(&q, e);
    }
    if (st == FC_OK && rows > 0) {
        s.points -= rows;
        s.missing -= missing;
        st = write_counts(tx, &s, e);
        fc_touch_series(tx, id);
    }
    if (st == FC_OK)
        *deleted = rows;
    return st;
}

/* ---- reading ---- */

/* Steps through a started query of (time, value), at most limit rows, of which there are likely no more than expected. */
static enum fc_status collect(struct fc_query *q, size_t limit, size_t expected, struct fc_points *out, bool *more, struct fc_error *e)
{
    size_t most = expected < limit ? expected : limit, cap = most < 4096 ? most : 4096;
    enum fc_status st = cap ? fc_points_reserve(out, cap, e) : FC_OK;
    *more = false;
    while (st == FC_OK && fc_query_row(q)) {
        if (out->n == limit) {
            *more = true;
            break;
        }
        if (out->n == cap) {
            cap = cap < most / 2 ? cap * 2 : cap < most ? most : cap + 4096;
            st = fc_points_reserve(out, cap, e);
            if (st != FC_OK)
                break;
        }
        out->time[out->n] = fc_column_integer(q, 0);
        out->value[out->n++] = fc_column_real(q, 1, NAN);
    }
    enum fc_status end = fc_query_end(q, st == FC_OK ? e : NULL);
    return st == FC_OK ? end : st;
}

enum fc_status fc_store_points_range(struct fc_store *s, const char *id, fc_time start, fc_time end, bool descending, size_t limit,
                                     struct fc_series_row *row, struct fc_points *out, bool *more, struct fc_error *e)
{
    struct fc_conn *c;
    struct fc_series_key key;
    struct fc_series_row r = {0};
    struct fc_points points = {0};
    bool further = false;
    enum fc_status st = fc_snapshot_take(s, &c, e);
    if (st != FC_OK)
        return st;
    st = fc_series_find(c, id, &key, e);
    if (st == FC_OK && row)
        st = fc_series_read(c, id, &r, e);
    if (st == FC_OK) {
        struct fc_query q;
        bind_range(&q, c, descending ? FC_SQL_POINTS_DESCENDING : FC_SQL_POINTS_ASCENDING, key.key, start, end);
        st = collect(&q, limit, (size_t)key.points, &points, &further, e);
    }
    fc_snapshot_give(s, c);
    if (st != FC_OK) {
        fc_series_row_free(&r);
        fc_points_free(&points);
        return st;
    }
    *out = points;
    if (row)
        *row = r;
    if (more)
        *more = further;
    return FC_OK;
}

enum fc_status fc_store_points_tail(struct fc_store *s, const char *id, size_t n, struct fc_series_row *row, struct fc_points *out, struct fc_error *e)
{
    enum fc_status st = fc_store_points_range(s, id, FC_TIME_MIN, FC_TIME_MAX + 1, true, n, row, out, NULL, e);
    if (st != FC_OK)
        return st;
    for (size_t i = 0, j = out->n; i + 1 < j; i++) { /* newest first becomes ascending */
        j--;
        fc_time t = out->time[i];
        out->time[i] = out->time[j];
        out->time[j] = t;
        double v = out->value[i];
        out->value[i] = out->value[j];
        out->value[j] = v;
    }
    return FC_OK;
}
