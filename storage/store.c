/* store.c: opens and closes the store, lends readers, waits for writes. See store.h for the promises, writer.c for how writes are grouped.
 *
 * Order of opening: lock the file, check whose it is, WAL, migrate, readers, writer. Closing goes the other way, and the writer's connection
 * closes last, after it checkpointed all of the log. A process holds an flock on the file: two writers could corrupt the log (PITFALLS of 3.40). */
#include "store_private.h"
#include "schema.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- opening ---- */

static enum fc_status lock_file(struct fc_store *s, struct fc_error *e)
{
    s->lock_fd = open(s->path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (s->lock_fd < 0) {
        bool full = errno == ENOSPC || errno == EDQUOT;
        return fc_fail(e, full ? FC_FULL : FC_IO, full ? "storage_full" : "storage_failed", "cannot open the database %s: %s", s->path,
                       strerror(errno));
    }
    if (flock(s->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return FC_OK;
    if (errno == EWOULDBLOCK)
        return fc_fail(e, FC_CONFLICT, "database_in_use", "the database %s is in use by another process", s->path);
    return fc_fail(e, FC_IO, "storage_failed", "cannot lock the database %s: %s", s->path, strerror(errno));
}

static enum fc_status use_wal(sqlite3 *db, struct fc_error *e)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(db, "PRAGMA journal_mode=WAL", -1, &st, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(st);
    const char *mode = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(st, 0) : NULL;
    bool wal = mode && strcmp(mode, "wal") == 0;
    sqlite3_finalize(st);
    if (rc != SQLITE_ROW)
        return fc_sql_fail(db, rc, "PRAGMA journal_mode=WAL", e);
    return wal ? FC_OK : fc_fail(e, FC_IO, "storage_failed", "the file system of %s cannot hold a write-ahead log", sqlite3_db_filename(db, "main"));
}

static enum fc_status open_readers(struct fc_store *s, size_t readers, struct fc_error *e)
{
    s->reader = calloc(readers, sizeof *s->reader);
    s->idle = calloc(readers, sizeof *s->idle);
    if (!s->reader || !s->idle)
        return fc_fail_nomem(e, readers * sizeof *s->reader);
    for (; s->readers < readers; s->readers++) {
        struct fc_conn *c = &s->reader[s->readers];
        enum fc_status st = fc_conn_open(c, s->path, false, e);
        if (st != FC_OK)
            return st;
        s->idle[s->nidle++] = c;
    }
    return FC_OK;
}

enum fc_status fc_store_open(const char *path, size_t readers, struct fc_store **out, struct fc_error *e)
{
    struct fc_store *s = calloc(1, sizeof *s);
    if (!s)
        return fc_fail_nomem(e, sizeof *s);
    s->lock_fd = -1;
    pthread_mutex_init(&s->pool_lock, NULL);
    pthread_cond_init(&s->pool_free, NULL);
    s->path = strdup(path);
    enum fc_status st = s->path ? lock_file(s, e) : fc_fail_nomem(e, strlen(path) + 1);
    if (st == FC_OK)
        st = fc_conn_open(&s->write_conn, s->path, true, e);
    if (st == FC_OK)
        st = fc_schema_check(s->write_conn.db, e);
    if (st == FC_OK)
        st = use_wal(s->write_conn.db, e);
    if (st == FC_OK)
        st = fc_schema_migrate(s->write_conn.db, e);
    if (st == FC_OK)
        st = open_readers(s, readers ? readers : 1, e);
    if (st == FC_OK)
        st = fc_writer_start(&s->write_conn, &s->stamps, &s->writer, e);
    if (st == FC_OK)
        *out = s;
    else
        fc_store_close(s);
    return st;
}

void fc_store_close(struct fc_store *s)
{
    if (!s)
        return;
    bool ran = s->writer != NULL;
    fc_writer_stop(s->writer);
    for (size_t i = 0; i < s->readers; i++)
        fc_conn_close(&s->reader[i]);
    if (ran) /* a failure costs nothing: the log keeps what was committed, and the next open reads it */
        (void)sqlite3_wal_checkpoint_v2(s->write_conn.db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    fc_conn_close(&s->write_conn);
    if (s->lock_fd >= 0)
        close(s->lock_fd); /* after SQLite: closing any descriptor of the file drops SQLite's own locks on it */
    pthread_cond_destroy(&s->pool_free);
    pthread_mutex_destroy(&s->pool_lock);
    free(s->reader);
    free(s->idle);
    free(s->path);
    free(s);
}

/* ---- health and figures ---- */

enum fc_status fc_store_health(struct fc_store *s, struct fc_error *e)
{
    return fc_writer_health(s->writer, e);
}

static uint64_t file_bytes(const char *path, const char *suffix)
{
    char name[4096];
    struct stat st;
    int n = snprintf(name, sizeof name, "%s%s", path, suffix);
    return n > 0 && (size_t)n < sizeof name && stat(name, &st) == 0 ? (uint64_t)st.st_size : 0;
}

void fc_store_get_stats(struct fc_store *s, struct fc_store_stats *out)
{
    fc_writer_stats(s->writer, out);
    out->database_bytes = file_bytes(s->path, "");
    out->wal_bytes = file_bytes(s->path, "-wal");
}

uint64_t fc_store_series_stamp(struct fc_store *s, const char *id)
{
    return atomic_load(&s->stamps.series[fc_stamp_slot(id)]);
}

uint64_t fc_store_models_stamp(struct fc_store *s)
{
    return atomic_load(&s->stamps.models);
}

/* ---- writing ---- */

enum fc_status fc_store_write(struct fc_store *s, fc_write_fn fn, fc_write_done done, void *arg, struct fc_error *e)
{
    return fc_writer_queue(s->writer, fn, done, arg, e);
}

/* A write that somebody waits for: lives on the waiter's stack. */
struct waited {
    fc_write_fn fn;
    void *arg;
    pthread_mutex_t lock;
    pthread_cond_t ready;
    bool done;
    struct fc_error error; /* status FC_OK: committed */
};

static enum fc_status waited_write(struct fc_store_tx *tx, void *arg, struct fc_error *e)
{
    struct waited *w = arg;
    return w->fn(tx, w->arg, e);
}

static void waited_done(void *arg, const struct fc_error *e)
{
    struct waited *w = arg;
    pthread_mutex_lock(&w->lock);
    if (e)
        w->error = *e;
    w->done = true;
    pthread_cond_signal(&w->ready); /* under the lock: the waiter destroys both as soon as it can take it */
    pthread_mutex_unlock(&w->lock);
}

enum fc_status fc_store_write_wait(struct fc_store *s, fc_write_fn fn, void *arg, struct fc_error *e)
{
    struct waited w = {.fn = fn, .arg = arg};
    pthread_mutex_init(&w.lock, NULL);
    pthread_cond_init(&w.ready, NULL);
    enum fc_status st = fc_store_write(s, waited_write, waited_done, &w, e);
    if (st == FC_OK) {
        pthread_mutex_lock(&w.lock);
        while (!w.done)
            pthread_cond_wait(&w.ready, &w.lock);
        pthread_mutex_unlock(&w.lock);
        st = w.error.status;
        if (st != FC_OK && e)
            *e = w.error;
    }
    pthread_cond_destroy(&w.ready);
    pthread_mutex_destroy(&w.lock);
    return st;
}

/* ---- readers ---- */

struct fc_conn *fc_reader_take(struct fc_store *s)
{
    pthread_mutex_lock(&s->pool_lock);
    while (s->nidle == 0)
        pthread_cond_wait(&s->pool_free, &s->pool_lock);
    struct fc_conn *c = s->idle[--s->nidle];
    pthread_mutex_unlock(&s->pool_lock);
    return c;
}

void fc_reader_give(struct fc_store *s, struct fc_conn *c)
{
    assert(sqlite3_get_autocommit(c->db)); /* a snapshot held on would let the log grow without bound */
    pthread_mutex_lock(&s->pool_lock);
    s->idle[s->nidle++] = c;
    pthread_cond_signal(&s->pool_free);
    pthread_mutex_unlock(&s->pool_lock);
}

enum fc_status fc_snapshot_take(struct fc_store *s, struct fc_conn **c, struct fc_error *e)
{
    *c = fc_reader_take(s);
    enum fc_status st = fc_conn_run(*c, FC_SQL_BEGIN_READ, e);
    if (st != FC_OK)
        fc_reader_give(s, *c);
    return st;
}

void fc_snapshot_give(struct fc_store *s, struct fc_conn *c)
{
    struct fc_error ignored; /* ending a read transaction changes nothing: an error is told by the next statement that needs the file */
    if (fc_conn_run(c, FC_SQL_COMMIT, &ignored) != FC_OK)
        fc_conn_rollback(c);
    fc_reader_give(s, c);
}

/* ---- what every table needs ---- */

enum fc_status fc_id_make(const char *prefix, char out[FC_NAME_MAX], struct fc_error *e)
{
    unsigned char r[6];
    if (getrandom(r, sizeof r, 0) != (ssize_t)sizeof r)
        return fc_fail(e, FC_INTERNAL, "no_random", "the kernel gave no random bytes: %s", strerror(errno));
    snprintf(out, FC_NAME_MAX, "%s%02x%02x%02x%02x%02x%02x", prefix, r[0], r[1], r[2], r[3], r[4], r[5]);
    return FC_OK;
}

enum fc_status fc_rows_collect(struct fc_query *q, size_t size, fc_row_reader read, void **rows, size_t *n, struct fc_error *e)
{
    enum fc_status st = FC_OK;
    char *array = NULL;
    size_t count = 0, cap = 0;
    while (fc_query_row(q)) {
        if (count == cap) {
            cap = cap ? cap * 2 : 16;
            char *grown = reallocarray(array, cap, size);
            if (!grown) {
                st = fc_fail_nomem(e, cap * size);
                break;
            }
            array = grown;
        }
        read(q, array + count++ * size);
    }
    enum fc_status end = fc_query_end(q, st == FC_OK ? e : NULL);
    *rows = array;
    *n = count;
    return st == FC_OK ? end : st;
}

enum fc_status fc_cursor_key(struct fc_conn *c, enum fc_sql find, const char *id, int64_t *key, struct fc_error *e)
{
    *key = INT64_MAX;
    if (!id || !*id)
        return FC_OK;
    struct fc_query q;
    fc_query_start(&q, c, find);
    fc_bind_text(&q, id);
    bool found = fc_query_row(&q);
    if (found)
        *key = fc_column_integer(&q, 0);
    enum fc_status st = fc_query_end(&q, e);
    if (st == FC_OK && !found)
        st = fc_fail(e, FC_INVALID, "unknown_cursor", "the list cannot go on after \"%.64s\": it is gone", id);
    return st;
}
