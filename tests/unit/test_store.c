/* test_store.c: opening and refusing files, series and points: every count exactly, against a naive twin. */
#include "test_store_fixture.h"

#include "schema.h"
#include "statement.h"

#include <sys/stat.h>

/* ---- opening ---- */

static void new_file_is_ours(void **state)
{
    struct fixture *f = *state;
    fc_store_close(f->store);
    f->store = NULL;
    assert_int_equal(outside_sql(f, "PRAGMA application_id"), FC_APPLICATION_ID);
    assert_int_equal(outside_sql(f, "PRAGMA user_version"), fc_schema_version());
    assert_int_equal(outside_sql(f, "SELECT journal_mode = 'wal' FROM pragma_journal_mode"), 1);
    assert_int_equal(outside_sql(f, "SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND NOT strict"
                                    " AND name NOT LIKE 'sqlite%'"), 0);
    assert_integrity(f);
    fixture_open(f);
    fixture_reopen(f);
}

static void refuse(struct fixture *f, enum fc_status status, const char *code)
{
    struct fc_error e = {0};
    struct fc_store *s = NULL;
    assert_fails(fc_store_open(f->path, 1, &s, &e), status, code, e);
    assert_null(s);
}

static void newer_schema_is_refused(void **state)
{
    struct fixture *f = *state;
    fixture_open(f);
    fc_store_close(f->store);
    f->store = NULL;
    outside_sql(f, "PRAGMA user_version = 99");
    refuse(f, FC_CONFLICT, "database_newer");
    assert_int_equal(outside_sql(f, "PRAGMA user_version"), 99);
}

static void foreign_databases_are_refused_untouched(void **state)
{
    struct fixture *f = *state;
    outside_sql(f, "CREATE TABLE theirs (x)");
    refuse(f, FC_CONFLICT, "database_foreign");
    outside_sql(f, "PRAGMA application_id = 7");
    refuse(f, FC_CONFLICT, "database_foreign");
    assert_int_equal(outside_sql(f, "SELECT count(*) FROM sqlite_schema"), 1);
    assert_int_equal(outside_sql(f, "SELECT journal_mode = 'delete' FROM pragma_journal_mode"), 1);
}

static void write_file(const struct fixture *f, const char *bytes, size_t n)
{
    FILE *out = fopen(f->path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, n, out), n);
    assert_int_equal(fclose(out), 0);
}

static void garbage_is_refused_untouched(void **state)
{
    struct fixture *f = *state;
    char garbage[8192];
    for (size_t i = 0; i < sizeof garbage; i++)
        garbage[i] = (char)(i * 37 + i / 256);
    for (size_t n = 5; n <= sizeof garbage; n = n == 5 ? 4096 : n * 2) {
        struct stat st;
        write_file(f, garbage, n);
        refuse(f, FC_CONFLICT, "database_foreign");
        assert_int_equal(stat(f->path, &st), 0);
        assert_int_equal(st.st_size, n);
    }
}

static void paths_that_cannot_be_opened(void **state)
{
    struct fixture *f = *state;
    struct fixture bad = *f;
    snprintf(bad.path, sizeof bad.path, "%s/none/test.db", f->folder);
    refuse(&bad, FC_IO, "storage_failed");
    snprintf(bad.path, sizeof bad.path, "%s", f->folder);
    refuse(&bad, FC_IO, "storage_failed");
}

static void second_opener_is_refused(void **state)
{
    refuse(*state, FC_CONFLICT, "database_in_use");
}

static int64_t ask(struct fc_conn *c, const char *sql)
{
    sqlite3_stmt *s = NULL;
    assert_int_equal(sqlite3_prepare_v2(c->db, sql, -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    int64_t x = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return x;
}

static void connections_have_their_pragmas_and_statements(void **state)
{
    struct fixture *f = *state;
    for (int writer = 0; writer < 2; writer++) {
        struct fc_conn c;
        struct fc_error e = {0};
        assert_int_equal(fc_conn_open(&c, f->path, writer, &e), FC_OK);
        assert_int_equal(ask(&c, "PRAGMA synchronous"), 2);
        assert_int_equal(ask(&c, "PRAGMA foreign_keys"), 1);
        assert_int_equal(ask(&c, "PRAGMA trusted_schema"), 0);
        assert_int_equal(ask(&c, "PRAGMA cell_size_check"), 1);
        assert_int_equal(ask(&c, "PRAGMA wal_autocheckpoint"), 0);
        assert_int_equal(ask(&c, "PRAGMA query_only"), !writer);
        assert_true(ask(&c, "PRAGMA cache_size") >= (writer ? -16384 : -4096) && ask(&c, "PRAGMA cache_size") < 0);
        int defensive = 0, quoted = 1;
        assert_int_equal(sqlite3_db_config(c.db, SQLITE_DBCONFIG_DEFENSIVE, -1, &defensive), SQLITE_OK);
        assert_int_equal(sqlite3_db_config(c.db, SQLITE_DBCONFIG_DQS_DML, -1, &quoted), SQLITE_OK);
        assert_int_equal(defensive, 1);
        assert_int_equal(quoted, 0);
        for (int sql = 0; sql < FC_SQLS; sql++) {
            struct fc_query q;
            fc_query_start(&q, &c, (enum fc_sql)sql);
            if (fc_query_end(&q, &e) != FC_OK || !q.stmt)
                fail_msg("statement %d: %s", sql, e.detail);
        }
        fc_conn_close(&c);
    }
}

/* ---- series ---- */

static struct fc_series_row get_row(struct fixture *f, const char *id)
{
    struct fc_series_row r = {0};
    struct fc_error e = {0};
    if (fc_store_series_get(f->store, id, &r, &e) != FC_OK)
        fail_msg("get %s: %s", id, e.detail);
    return r;
}

static void settings_read_back(void **state)
{
    struct fixture *f = *state;
    struct put p = {.mask = 0x3ff & ~(unsigned)FC_SET_MODEL,
                    .row = {.id = "load/ä", .unit = (char[]){"MW"}, .labels = (char[]){"{\"a\":\"b\"}"}, .step = {.months = 3},
                            .season = {.n = 2, .period = {24, 168}}, .season_set = true, .aggregate = FC_LAST, .delay = {.ms = 5000},
                            .bounds = {.min = -1.5, .max = INFINITY, .integer = true}}};
    assert_write(f, write_series_put, &p);
    assert_true(p.created);
    fixture_reopen(f);
    struct fc_series_row r = get_row(f, "load/ä");
    assert_string_equal(r.unit, "MW");
    assert_string_equal(r.labels, "{\"a\":\"b\"}");
    assert_true(r.step.months == 3 && r.step.ms == 0);
    assert_true(r.season_set && r.season.n == 2 && r.season.period[0] == 24 && r.season.period[1] == 168);
    assert_int_equal(r.aggregate, FC_LAST);
    assert_int_equal(r.delay.ms, 5000);
    assert_true(r.bounds.min == -1.5 && r.bounds.max == INFINITY && r.bounds.integer);
    assert_true(!r.model && r.points == 0 && r.revision == 1 && r.created_at > 0 && r.updated_at >= r.created_at);
    fc_series_row_free(&r);

    /* Only what the mask names changes; NULL clears. */
    struct put q = {.mask = FC_SET_UNIT | FC_SET_SEASON | FC_SET_MAX, .row = {.id = "load/ä", .season_set = true, .bounds = {.min = 7, .max = 9}}};
    assert_write(f, write_series_put, &q);
    assert_false(q.created);
    r = get_row(f, "load/ä");
    assert_null(r.unit);
    assert_true(r.season_set && r.season.n == 0 && r.bounds.min == -1.5 && r.bounds.max == 9 && r.step.months == 3 && r.revision == 2);
    fc_series_row_free(&r);
    q.mask = FC_SET_SEASON;
    q.row.season_set = false;
    assert_write(f, write_series_put, &q);
    r = get_row(f, "load/ä");
    assert_false(r.season_set);
    fc_series_row_free(&r);
}

/* Each of two changes may be right alone: what counts is the row that they make. */
static void bounds_that_cross_are_refused(void **state)
{
    struct fixture *f = *state;
    struct fc_error e = {0};
    struct fc_series_row r;
    struct put min = {.mask = FC_SET_MIN, .row = {.id = "a", .bounds = {.min = 5, .max = INFINITY}}};
    struct put max = {.mask = FC_SET_MAX, .row = {.id = "a", .bounds = {.min = -INFINITY, .max = 4}}};
    assert_write(f, write_series_put, &min);
    assert_fails(fc_store_write_wait(f->store, write_series_put, &max, &e), FC_INVALID, "bad_bounds", e);
    assert_string_equal(e.pointer, "/min");
    assert_non_null(strstr(e.detail, "5 > 4"));
    assert_int_equal(fc_store_series_get(f->store, "a", &r, &e), FC_OK);
    assert_true(r.bounds.min == 5 && r.bounds.max == INFINITY && r.revision == 1);
    fc_series_row_free(&r);
    max.row.bounds.max = 5; /* equal ones leave one value */
    assert_write(f, write_series_put, &max);
    min.row.bounds.min = 5.5;
    assert_fails(fc_store_write_wait(f->store, write_series_put, &min, &e), FC_INVALID, "bad_bounds", e);
    struct put both = {.mask = FC_SET_MIN | FC_SET_MAX, .row = {.id = "new", .bounds = {.min = 2, .max = 1}}};
    assert_fails(fc_store_write_wait(f->store, write_series_put, &both, &e), FC_INVALID, "bad_bounds", e);
    assert_fails(fc_store_series_get(f->store, "new", &r, &e), FC_NOT_FOUND, "unknown_series", e);
}

static void unknown_things_are_named(void **state)
{
    struct fixture *f = *state;
    struct fc_error e = {0};
    struct fc_series_row r = {0};
    struct fc_points points = {0};
    struct named none = {"none"};
    bool more = true;
    assert_fails(fc_store_series_get(f->store, "none", &r, &e), FC_NOT_FOUND, "unknown_series", e);
    assert_non_null(strstr(e.detail, "none"));
    assert_fails(fc_store_points_tail(f->store, "none", 3, &r, &points, &e), FC_NOT_FOUND, "unknown_series", e);
    assert_fails(fc_store_points_range(f->store, "none", 0, 9, false, 3, NULL, &points, &more, &e), FC_NOT_FOUND, "unknown_series", e);
    assert_true(more && !points.time && !r.labels);
    assert_fails(fc_store_write_wait(f->store, write_series_delete, &none, &e), FC_NOT_FOUND, "unknown_series", e);
    struct put p = {.mask = FC_SET_MODEL, .row = {.id = "s", .model = (char[]){"m_0"}}};
    assert_fails(fc_store_write_wait(f->store, write_series_put, &p, &e), FC_INVALID, "unknown_model", e);
    assert_fails(fc_store_series_get(f->store, "s", &r, &e), FC_NOT_FOUND, "unknown_series", e);
}

static void lists_page_in_byte_order(void **state)
{
    static const char *const ids[] = {"b", "Z", "é", "a/1", "a"}, *const ordered[] = {"Z", "a", "a/1", "b", "é"};
    struct fixture *f = *state;
    struct fc_error e = {0};
    for (size_t i = 0; i < 5; i++)
        put_points(f, ids[i], (fc_time[]){(fc_time)i}, (double[]){1}, 1, 1, 0);
    char after[FC_ID_MAX + 1] = "";
    for (size_t seen = 0; seen < 5;) {
        struct fc_series_row *rows = NULL;
        size_t n = 0;
        assert_int_equal(fc_store_series_list(f->store, after, 2, &rows, &n, &e), FC_OK);
        assert_int_equal(n, seen == 4 ? 1 : 2);
        for (size_t i = 0; i < n; i++)
            assert_string_equal(rows[i].id, ordered[seen++]);
        strcpy(after, rows[n - 1].id);
        fc_series_rows_free(rows, n);
    }
    struct fc_series_row *rows = NULL;
    size_t n = 9;
    assert_int_equal(fc_store_series_list(f->store, after, 2, &rows, &n, &e), FC_OK);
    assert_true(n == 0 && !rows);
}

/* (id, revision) never repeats: caches and ETags are built on that. */
static void revision_survives_deletion(void **state)
{
    struct fixture *f = *state;
    struct named a = {"a"};
    struct fc_error e = {0};
    struct fc_series_row r = {0};
    for (size_t i = 0; i < 3; i++)
        put_points(f, "a", (fc_time[]){5}, (double[]){(double)i}, 1, i == 0, i != 0);
    uint64_t stamp = fc_store_series_stamp(f->store, "a");
    assert_write(f, write_series_delete, &a);
    assert_true(fc_store_series_stamp(f->store, "a") != stamp);
    assert_fails(fc_store_series_get(f->store, "a", &r, &e), FC_NOT_FOUND, "unknown_series", e);
    put_points(f, "a", (fc_time[]){6}, (double[]){1}, 1, 1, 0);
    r = get_row(f, "a");
    assert_true(r.points == 1 && r.first == 6 && r.revision == 4);
    fc_series_row_free(&r);
    fixture_reopen(f);
    assert_integrity(f);
}

/* ---- points ---- */

static void counts_are_exact(void **state)
{
    struct fixture *f = *state;
    struct fc_series_row r;
    put_points(f, "a", (fc_time[]){10, 20, 30}, (double[]){1, NAN, 3}, 3, 3, 0);
    /* out of order, a time three times in one body, a NaN that becomes a value, one identical value */
    put_points(f, "a", (fc_time[]){25, 20, 40, 25, 10, 25}, (double[]){1, 2, NAN, 2, 1, 7}, 6, 2, 4);
    r = get_row(f, "a");
    assert_true(r.points == 5 && r.missing == 1 && r.first == 10 && r.last == 40 && r.revision == 2);
    fc_series_row_free(&r);
    struct fc_points p = {0};
    struct fc_error e = {0};
    bool more = true;
    assert_int_equal(fc_store_points_range(f->store, "a", FC_TIME_MIN, FC_TIME_MAX + 1, false, 100, &r, &p, &more, &e), FC_OK);
    assert_false(more);
    assert_int_equal(p.n, 5);
    static const fc_time t[] = {10, 20, 25, 30, 40};
    static const double v[] = {1, 2, 7, 3};
    assert_memory_equal(p.time, t, sizeof t);
    assert_memory_equal(p.value, v, sizeof v);
    assert_true(isnan(p.value[4]));
    assert_int_equal(r.points, 5);
    fc_points_free(&p);
    fc_series_row_free(&r);
}

static void hints_are_kept(void **state)
{
    struct fixture *f = *state;
    struct fc_time_value { fc_time t; double v; } x = {1, 1};
    struct fc_points_write w = {.id = "a", .time = &x.t, .value = &x.v, .n = 1, .step = {.ms = 3600000}, .season = {.n = 1, .period = {24}}};
    assert_write(f, write_points, &w);
    assert_true(w.created);
    w.step.ms = 5;
    w.season.period[0] = 168;
    x.t = 2;
    assert_write(f, write_points, &w);
    assert_false(w.created);
    struct fc_series_row r = get_row(f, "a");
    assert_true(r.step.ms == 3600000 && r.season_set && r.season.n == 1 && r.season.period[0] == 168);
    fc_series_row_free(&r);
}

static void extremes_read_back(void **state)
{
    struct fixture *f = *state;
    static const fc_time t[] = {FC_TIME_MIN, 0, FC_TIME_MAX};
    static const double v[] = {5e-324, -1e-300, 1.7976931348623157e308};
    put_points(f, "a", t, v, 3, 3, 0);
    struct fc_points p = {0};
    struct fc_error e = {0};
    assert_int_equal(fc_store_points_tail(f->store, "a", 3, NULL, &p, &e), FC_OK);
    assert_int_equal(p.n, 3);
    assert_memory_equal(p.time, t, sizeof t);
    assert_memory_equal(p.value, v, sizeof v);
    fc_points_free(&p);
}

static void ranges_and_tails(void **state)
{
    struct fixture *f = *state;
    enum { N = 10000 };
    static fc_time t[N];
    static double v[N];
    for (size_t i = 0; i < N; i++) {
        t[i] = (fc_time)i * 10;
        v[i] = (double)i;
    }
    put_points(f, "a", t, v, N, N, 0);
    static const struct { fc_time start, end; bool descending; size_t limit, n; fc_time first; bool more; } want[] = {
        {0, 50, false, 100, 5, 0, false},     {0, 51, false, 100, 6, 0, false},  {5, 50, false, 2, 2, 10, true},
        {0, 50, true, 3, 3, 40, true},        {0, 50, true, 5, 5, 40, false},    {99980, FC_TIME_MAX + 1, false, 9, 2, 99980, false},
        {70000, 60000, false, 9, 0, 0, false}, {0, 50, false, 0, 0, 0, true},    {FC_TIME_MIN, FC_TIME_MAX + 1, false, SIZE_MAX, N, 0, false},
    };
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        struct fc_points p = {0};
        struct fc_error e = {0};
        bool more = !want[i].more;
        assert_int_equal(fc_store_points_range(f->store, "a", want[i].start, want[i].end, want[i].descending, want[i].limit, NULL, &p, &more, &e),
                         FC_OK);
        assert_int_equal(p.n, want[i].n);
        assert_int_equal(more, want[i].more);
        for (size_t k = 0; k < p.n; k++) {
            fc_time expect = want[i].first + (want[i].descending ? -10 : 10) * (fc_time)k;
            assert_int_equal(p.time[k], expect);
            assert_true(p.value[k] == (double)(expect / 10));
        }
        fc_points_free(&p);
    }
    for (size_t n = 1; n <= 2 * N; n = n * 3 + 1) {
        struct fc_points p = {0};
        struct fc_error e = {0};
        struct fc_series_row r = {0};
        size_t expect = n < N ? n : N;
        assert_int_equal(fc_store_points_tail(f->store, "a", n, &r, &p, &e), FC_OK);
        assert_int_equal(p.n, expect);
        assert_int_equal(r.points, N);
        assert_memory_equal(p.time, t + N - expect, expect * sizeof *t);
        assert_memory_equal(p.value, v + N - expect, expect * sizeof *v);
        fc_points_free(&p);
        fc_series_row_free(&r);
    }
}

struct cut { const char *id; fc_time start, end; int64_t deleted; };
static enum fc_status write_cut(struct fc_store_tx *tx, void *arg, struct fc_error *e)
{
    struct cut *c = arg;
    return fc_tx_points_delete(tx, c->id, c->start, c->end, &c->deleted, e);
}

/* The naive twin: a value a millisecond. */
enum { SPAN = 60 };
struct twin { bool there[SPAN]; double value[SPAN]; int64_t revision; };

static void compare(struct fixture *f, const struct twin *t)
{
    int64_t points = 0, missing = 0, first = 0, last = 0;
    struct fc_series_row r = {0};
    struct fc_points p = {0};
    struct fc_error e = {0};
    bool more = false;
    assert_int_equal(fc_store_points_range(f->store, "a", FC_TIME_MIN, FC_TIME_MAX + 1, false, SPAN + 1, &r, &p, &more, &e), FC_OK);
    for (int64_t i = 0; i < SPAN; i++) {
        if (!t->there[i])
            continue;
        first = points ? first : i;
        last = i;
        missing += isnan(t->value[i]) != 0;
        assert_true((size_t)points < p.n);
        assert_int_equal(p.time[points], i);
        assert_true(p.value[points] == t->value[i] || (isnan(p.value[points]) && isnan(t->value[i])));
        points++;
    }
    assert_int_equal(p.n, points);
    assert_int_equal(r.points, points);
    assert_int_equal(r.missing, missing);
    assert_int_equal(r.first, points ? first : 0);
    assert_int_equal(r.last, points ? last : 0);
    assert_int_equal(r.revision, t->revision);
    fc_points_free(&p);
    fc_series_row_free(&r);
}

static void twin_cut(struct fixture *f, struct twin *t)
{
    struct cut c = {.id = "a", .start = rand() % SPAN, .deleted = -1};
    c.end = c.start + rand() % (SPAN / 3);
    int64_t expect = 0;
    for (int64_t i = c.start; i < c.end && i < SPAN; i++) {
        expect += t->there[i];
        t->there[i] = false;
    }
    assert_write(f, write_cut, &c);
    assert_int_equal(c.deleted, expect);
    t->revision += expect > 0;
}

static void twin_put(struct fixture *f, struct twin *t)
{
    fc_time time[12];
    double value[12];
    size_t n = 1 + (size_t)rand() % 12, inserted = 0;
    for (size_t i = 0; i < n; i++) {
        time[i] = rand() % SPAN;
        value[i] = rand() % 4 ? rand() % 3 : NAN;
        inserted += !t->there[time[i]];
        t->there[time[i]] = true;
        t->value[time[i]] = value[i];
    }
    put_points(f, "a", time, value, n, inserted, n - inserted);
    t->revision++;
}

static void random_changes_match_the_twin(void **state)
{
    struct fixture *f = *state;
    struct twin t = {.there = {[0] = true}, .revision = 1};
    put_points(f, "a", (fc_time[]){0}, (double[]){0}, 1, 1, 0);
    srand(7);
    for (int round = 0; round < 300; round++) {
        if (rand() % 3 == 0)
            twin_cut(f, &t);
        else
            twin_put(f, &t);
        compare(f, &t);
    }
    struct cut all = {.id = "a", .start = FC_TIME_MIN, .end = FC_TIME_MAX + 1};
    assert_write(f, write_cut, &all);
    memset(t.there, 0, sizeof t.there);
    t.revision++;
    compare(f, &t);
    assert_integrity(f);
}

int main(void)
{
#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, fixture_folder, fixture_teardown)
    const struct CMUnitTest tests[] = {
        WITH_STORE(new_file_is_ours), WITH_FOLDER(newer_schema_is_refused), WITH_FOLDER(foreign_databases_are_refused_untouched),
        WITH_FOLDER(garbage_is_refused_untouched), WITH_FOLDER(paths_that_cannot_be_opened), WITH_STORE(second_opener_is_refused),
        WITH_STORE(connections_have_their_pragmas_and_statements), WITH_STORE(settings_read_back),
        WITH_STORE(bounds_that_cross_are_refused), WITH_STORE(unknown_things_are_named),
        WITH_STORE(lists_page_in_byte_order), WITH_STORE(revision_survives_deletion), WITH_STORE(counts_are_exact), WITH_STORE(hints_are_kept),
        WITH_STORE(extremes_read_back), WITH_STORE(ranges_and_tails), WITH_STORE(random_changes_match_the_twin),
    };
    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
