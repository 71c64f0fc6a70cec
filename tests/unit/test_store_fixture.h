/* test_store_fixture.h: a store in a folder of its own for each test, and the write functions that the tests share. */
#ifndef FC_TEST_STORE_FIXTURE_H
#define FC_TEST_STORE_FIXTURE_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "store.h"
#include <sqlite3.h>

struct fixture {
    char folder[64], path[128];
    struct fc_store *store;
};

static inline void fixture_open(struct fixture *f)
{
    struct fc_error e = {0};
    if (fc_store_open(f->path, 2, &f->store, &e) != FC_OK)
        fail_msg("open: %s: %s", e.code, e.detail);
}

static inline void fixture_reopen(struct fixture *f)
{
    fc_store_close(f->store);
    f->store = NULL;
    fixture_open(f);
}

static inline int fixture_folder(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    if (!f)
        return -1;
    strcpy(f->folder, "/tmp/test_store_XXXXXX");
    if (!mkdtemp(f->folder)) {
        free(f);
        return -1;
    }
    snprintf(f->path, sizeof f->path, "%s/test.db", f->folder);
    *state = f;
    return 0;
}

static inline int fixture_setup(void **state)
{
    if (fixture_folder(state) != 0)
        return -1;
    fixture_open(*state);
    return 0;
}

static inline int fixture_teardown(void **state)
{
    static const char *const suffix[] = {"", "-wal", "-shm", "-journal"};
    struct fixture *f = *state;
    char name[160];
    fc_store_close(f->store);
    for (size_t i = 0; i < sizeof suffix / sizeof *suffix; i++) {
        snprintf(name, sizeof name, "%s%s", f->path, suffix[i]);
        unlink(name);
    }
    rmdir(f->folder);
    free(f);
    return 0;
}

/* Runs SQL on the file from outside; only while no store has it open, or to read. Returns the first number of the first row. */
static inline int64_t outside_sql(const struct fixture *f, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    int64_t number = 0;
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    int rc = sqlite3_step(s);
    if (rc == SQLITE_ROW)
        number = sqlite3_column_int64(s, 0);
    else
        assert_int_equal(rc, SQLITE_DONE);
    sqlite3_finalize(s);
    sqlite3_close(db);
    return number;
}

static inline void assert_integrity(const struct fixture *f)
{
    assert_int_equal(outside_sql(f, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"), 0);
    assert_int_equal(outside_sql(f, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
    /* Counts that the store keeps are those of the points. */
    assert_int_equal(outside_sql(f, "SELECT count(*) FROM series AS s WHERE points <> (SELECT count(*) FROM points WHERE series = s.key)"
                                    " OR missing <> (SELECT count(*) FROM points WHERE series = s.key AND value IS NULL)"
                                    " OR first <> coalesce((SELECT min(time) FROM points WHERE series = s.key), 0)"
                                    " OR last <> coalesce((SELECT max(time) FROM points WHERE series = s.key), 0)"), 0);
    assert_int_equal(outside_sql(f, "SELECT count(*) FROM points WHERE series NOT IN (SELECT key FROM series)"), 0);
}

/* ---- writes that several tests use ---- */

static inline enum fc_status write_points(struct fc_store_tx *tx, void *arg, struct fc_error *e)
{
    return fc_tx_points_put(tx, arg, e);
}

static inline void put_points(struct fixture *f, const char *id, const fc_time *t, const double *v, size_t n, size_t inserted, size_t updated)
{
    struct fc_points_write w = {.id = id, .time = t, .value = v, .n = n};
    struct fc_error e = {0};
    if (fc_store_write_wait(f->store, write_points, &w, &e) != FC_OK)
        fail_msg("put: %s: %s", e.code, e.detail);
    assert_int_equal(w.inserted, inserted);
    assert_int_equal(w.updated, updated);
}

struct named { const char *id; };
static inline enum fc_status write_series_delete(struct fc_store_tx *tx, void *arg, struct fc_error *e)
{
    return fc_tx_series_delete(tx, ((struct named *)arg)->id, e);
}
static inline enum fc_status write_model_delete(struct fc_store_tx *tx, void *arg, struct fc_error *e)
{
    return fc_tx_model_delete(tx, ((struct named *)arg)->id, e);
}

struct put { struct fc_series_row row; unsigned mask; bool created; };
static inline enum fc_status write_series_put(struct fc_store_tx *tx, void *arg, struct fc_error *e)
{
    struct put *p = arg;
    return fc_tx_series_put(tx, &p->row, p->mask, &p->created, e);
}

static inline enum fc_status write_model_create(struct fc_store_tx *tx, void *arg, struct fc_error *e)
{
    return fc_tx_model_create(tx, arg, e);
}
static inline enum fc_status write_model_ready(struct fc_store_tx *tx, void *arg, struct fc_error *e)
{
    return fc_tx_model_ready(tx, arg, e);
}

#define assert_write(f, fn, arg) \
    do { \
        struct fc_error write_error = {0}; \
        if (fc_store_write_wait((f)->store, fn, arg, &write_error) != FC_OK) \
            fail_msg("%s: %s: %s", #fn, write_error.code, write_error.detail); \
    } while (0)

#define assert_fails(call, want_status, want_code, e) \
    do { \
        assert_int_equal(call, want_status); \
        assert_int_equal((e).status, want_status); \
        assert_string_equal((e).code, want_code); \
        assert_true((e).detail[0] != 0); \
    } while (0)

#endif
