/* statement.c: see statement.h. All SQL of the running store stands in the table below; the schema stands in storage/schema/. */
#include "statement.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* The columns of a series row, in the order in which store_series.c reads them. */
#define SERIES_ROW \
    "SELECT id, unit, labels, step_ms, step_months, season, aggregate, delay_ms, min, max, whole, model, points, missing, first, last," \
    " revision, created_at, updated_at FROM series "

#define NEWEST_READY "(SELECT max(version) FROM model_versions WHERE model = m.id AND state = 'ready')"
/* A model with one of its versions: ?2, or when that is 0 the newest ready one, else the newest. */
#define MODEL_ROW \
    "SELECT m.id, m.name, v.version, coalesce(" NEWEST_READY ", 0), v.state, v.job, v.spec, v.report, v.trained_until, m.created_at," \
    " v.updated_at FROM models AS m JOIN model_versions AS v ON v.model = m.id AND v.version = coalesce(nullif(?2, 0), " NEWEST_READY "," \
    " (SELECT max(version) FROM model_versions WHERE model = m.id)) "
/* An id wins over a name that looks like it. */
#define MODEL_ID "SELECT id FROM models WHERE id = ?1 OR name = ?1 ORDER BY id = ?1 DESC LIMIT 1"

#define JOB_ROW \
    "SELECT id, kind, state, model, version, progress, epoch, epochs, loss, validation_loss, eta_seconds, deaths, request, skipped, error," \
    " created_at, started_at, finished_at FROM jobs "

static const char *const sql_text[FC_SQLS] = {
    [FC_SQL_BEGIN_WRITE] = "BEGIN IMMEDIATE",
    [FC_SQL_BEGIN_READ] = "BEGIN",
    [FC_SQL_COMMIT] = "COMMIT",
    [FC_SQL_ROLLBACK] = "ROLLBACK",
    [FC_SQL_SAVEPOINT] = "SAVEPOINT request",
    [FC_SQL_RELEASE] = "RELEASE request",
    [FC_SQL_ROLLBACK_TO] = "ROLLBACK TO request",
    [FC_SQL_PROBE] = "UPDATE state SET probes = probes + 1",

    [FC_SQL_SERIES_FIND] = "SELECT key, points, missing, first, last, step_ms, step_months, revision FROM series WHERE id = ?1",
    [FC_SQL_SERIES_GET] = SERIES_ROW "WHERE id = ?1",
    [FC_SQL_SERIES_LIST] = SERIES_ROW "WHERE id > ?1 ORDER BY id LIMIT ?2",
    /* The change that follows in the same request raises the revision above the floor. */
    [FC_SQL_SERIES_INSERT] = "INSERT INTO series (id, revision, created_at, updated_at) SELECT ?1, revision_floor, ?2, ?2 FROM state",
    [FC_SQL_SERIES_COUNTS] = "UPDATE series SET points = ?2, missing = ?3, first = ?4, last = ?5, revision = revision + 1, updated_at = ?6"
                             " WHERE key = ?1",
    [FC_SQL_SERIES_HINTS] = "UPDATE series SET step_ms = ?2, step_months = ?3, season = coalesce(?4, season) WHERE key = ?1",
    [FC_SQL_SERIES_SETTINGS] = "UPDATE series SET unit = ?2, labels = ?3, step_ms = ?4, step_months = ?5, season = ?6, aggregate = ?7,"
                               " delay_ms = ?8, min = ?9, max = ?10, whole = ?11, model = ?12, updated_at = ?13, revision = revision + 1"
                               " WHERE id = ?1",
    [FC_SQL_SERIES_DELETE] = "DELETE FROM series WHERE key = ?1",
    [FC_SQL_SERIES_DELETE_POINTS] = "DELETE FROM points WHERE series = ?1",
    [FC_SQL_SERIES_FLOOR] = "UPDATE state SET revision_floor = max(revision_floor, ?1)",
    [FC_SQL_SERIES_REMOVED] = "UPDATE model_series SET removed = 1 WHERE series = ?1 AND removed = 0",
    [FC_SQL_SERIES_PINNED] = "SELECT id FROM series WHERE model = ?1",
    [FC_SQL_SERIES_UNPIN] = "UPDATE series SET model = NULL, revision = revision + 1, updated_at = ?2 WHERE model = ?1",

    [FC_SQL_POINT_INSERT] = "INSERT INTO points (series, time, value) VALUES (?1, ?2, ?3)",
    [FC_SQL_POINT_OLD] = "SELECT value FROM points WHERE series = ?1 AND time = ?2",
    [FC_SQL_POINT_REPLACE] = "UPDATE points SET value = ?3 WHERE series = ?1 AND time = ?2",
    [FC_SQL_POINTS_COUNT] = "SELECT count(*), count(*) - count(value) FROM points WHERE series = ?1 AND time >= ?2 AND time < ?3",
    [FC_SQL_POINTS_DELETE] = "DELETE FROM points WHERE series = ?1 AND time >= ?2 AND time < ?3",
    [FC_SQL_POINTS_EDGES] = "SELECT (SELECT min(time) FROM points WHERE series = ?1), (SELECT max(time) FROM points WHERE series = ?1)",
    [FC_SQL_POINTS_ASCENDING] = "SELECT time, value FROM points WHERE series = ?1 AND time >= ?2 AND time < ?3 ORDER BY time",
    [FC_SQL_POINTS_DESCENDING] = "SELECT time, value FROM points WHERE series = ?1 AND time >= ?2 AND time < ?3 ORDER BY time DESC",

    [FC_SQL_MODEL_RESOLVE] = MODEL_ID,
    [FC_SQL_MODEL_NAMED] = "SELECT id, (SELECT max(version) FROM model_versions WHERE model = models.id) FROM models WHERE name = ?1",
    [FC_SQL_MODEL_INSERT] = "INSERT INTO models (id, name, created_at) VALUES (?1, ?2, ?3)",
    [FC_SQL_MODEL_DELETE] = "DELETE FROM models WHERE id = ?1",
    [FC_SQL_MODEL_GET] = MODEL_ROW "WHERE m.id = (" MODEL_ID ")",
    [FC_SQL_MODEL_LIST] = MODEL_ROW "WHERE m.key < ?1 ORDER BY m.key DESC LIMIT ?3",
    [FC_SQL_MODEL_KEY] = "SELECT key FROM models WHERE id = ?1",

    [FC_SQL_VERSION_INSERT] = "INSERT INTO model_versions (model, version, state, job, spec, created_at, updated_at)"
                              " VALUES (?1, ?2, 'training', ?3, ?4, ?5, ?5)",
    [FC_SQL_VERSION_FIND] = "SELECT key FROM model_versions WHERE model = ?1 AND version = ?2",
    [FC_SQL_VERSION_READY] = "UPDATE model_versions SET state = 'ready', spec = coalesce(?2, spec), report = ?3, trained_until = ?4,"
                             " updated_at = ?5, checksum = ?6, weights = ?7,"
                             " ready_order = (SELECT coalesce(max(ready_order), 0) + 1 FROM model_versions) WHERE key = ?1",
    [FC_SQL_VERSION_STATE] = "UPDATE model_versions SET state = ?2, updated_at = ?3 WHERE key = ?1",
    [FC_SQL_VERSION_WEIGHTS] = "SELECT state, checksum, weights FROM model_versions WHERE model = ?1 AND version = ?2",

    [FC_SQL_LEARNED_CLEAR] = "DELETE FROM model_series WHERE version_key = ?1",
    /* A series that was deleted while the model trained is removed from the start. */
    [FC_SQL_LEARNED_INSERT] = "INSERT INTO model_series (version_key, series, removed)"
                              " VALUES (?1, ?2, NOT EXISTS (SELECT 1 FROM series WHERE id = ?2)) ON CONFLICT DO NOTHING",
    [FC_SQL_LEARNED_LIST] = "SELECT series FROM model_series WHERE version_key = ?1 AND removed = ?2 ORDER BY series",
    [FC_SQL_LEARNED_BEST] = "SELECT v.model, v.version FROM model_series AS l JOIN model_versions AS v ON v.key = l.version_key"
                            " WHERE l.series = ?1 AND l.removed = 0 AND v.state = 'ready' ORDER BY v.ready_order DESC LIMIT 1",

    [FC_SQL_JOB_INSERT] = "INSERT INTO jobs (id, kind, state, model, version, request, created_at) VALUES (?1, 'train', 'queued', ?2, ?3, ?4, ?5)",
    [FC_SQL_JOB_UPDATE] = "UPDATE jobs SET state = ?2, progress = ?3, epoch = ?4, epochs = ?5, loss = ?6, validation_loss = ?7,"
                          " eta_seconds = ?8, deaths = ?9, skipped = coalesce(?10, '[]'), error = ?11, started_at = ?12, finished_at = ?13"
                          " WHERE id = ?1",
    [FC_SQL_JOB_GET] = JOB_ROW "WHERE id = ?1",
    [FC_SQL_JOB_LIST] = JOB_ROW "WHERE key < ?1 ORDER BY key DESC LIMIT ?2",
    [FC_SQL_JOB_LIST_STATE] = JOB_ROW "WHERE state = ?3 AND key < ?1 ORDER BY key DESC LIMIT ?2",
    [FC_SQL_JOB_KEY] = "SELECT key FROM jobs WHERE id = ?1",

    [FC_SQL_ISSUED_INSERT] = "INSERT INTO issued (id, series, model, version, method, issued_at, last, revision, steps, levels, data)"
                             " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    [FC_SQL_ISSUED_KEY] = "SELECT issued_at, key FROM issued WHERE id = ?1 AND series = ?2",
    [FC_SQL_ISSUED_LIST] = "SELECT id, model, version, method, issued_at, last, revision, steps, levels, data FROM issued"
                           " WHERE series = ?1 AND issued_at >= ?2 AND issued_at < ?3 AND (issued_at, key) < (?4, ?5)"
                           " ORDER BY issued_at DESC, key DESC LIMIT ?6",
};

/* ---- connections ---- */

/* Page cache, in KiB: what the process may hold once warm. */
enum { WRITER_CACHE = 12 * 1024, READER_CACHE = 3 * 1024 };
enum { BUSY_MS = 2000 };                  /* waits for WAL recovery or a checkpoint that restarts the log; never for another writer */
#define JOURNAL_LIMIT "67108864"          /* a log that grew beyond 64 MiB is cut back when it restarts */

static void configure(void)
{
    /* Fails when SQLite runs already in this process: then it keeps its slower default, a lock around every allocation for statistics. */
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static enum fc_status pragmas(struct fc_conn *c, bool writer, struct fc_error *e)
{
    static const struct { int option, value; } options[] = {
        {SQLITE_DBCONFIG_DEFENSIVE, 1}, {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0}, {SQLITE_DBCONFIG_DQS_DDL, 0},
        {SQLITE_DBCONFIG_DQS_DML, 0}, {SQLITE_DBCONFIG_ENABLE_FKEY, 1},
    };
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        int rc = sqlite3_db_config(c->db, options[i].option, options[i].value, (int *)NULL);
        if (rc != SQLITE_OK)
            return fc_sql_fail(c->db, rc, "configure the connection", e);
    }
    /* Temporary storage in memory: a container's root may be read-only, and statement journals are bounded by the body limit.
     * No automatic checkpoints anywhere: the writer thread makes them itself, between its groups. */
    char text[512];
    snprintf(text, sizeof text,
             "PRAGMA synchronous=FULL; PRAGMA cell_size_check=ON; PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY; PRAGMA wal_autocheckpoint=0;"
             "PRAGMA journal_size_limit=" JOURNAL_LIMIT "; PRAGMA cache_size=-%d; PRAGMA query_only=%s;",
             writer ? WRITER_CACHE : READER_CACHE, writer ? "OFF" : "ON");
    int rc = sqlite3_exec(c->db, text, NULL, NULL, NULL);
    return rc == SQLITE_OK ? FC_OK : fc_sql_fail(c->db, rc, "set the connection's pragmas", e);
}

enum fc_status fc_conn_open(struct fc_conn *c, const char *path, bool writer, struct fc_error *e)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, configure);
    memset(c, 0, sizeof *c);
    int flags = (writer ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY) | SQLITE_OPEN_NOMUTEX;
    int rc = sqlite3_open_v2(path, &c->db, flags, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_extended_result_codes(c->db, 1);
    if (rc == SQLITE_OK)
        rc = sqlite3_busy_timeout(c->db, BUSY_MS);
    enum fc_status st = rc == SQLITE_OK ? pragmas(c, writer, e) : fc_sql_fail(c->db, rc, "open the database", e);
    if (st != FC_OK)
        fc_conn_close(c);
    return st;
}

void fc_conn_close(struct fc_conn *c)
{
    for (size_t i = 0; i < FC_SQLS; i++)
        sqlite3_finalize(c->stmt[i]);
    (void)sqlite3_close(c->db); /* fails only for statements that were not finalised */
    memset(c, 0, sizeof *c);
}

/* ---- queries ---- */

static void stick(struct fc_query *q, int rc)
{
    if (q->rc == SQLITE_OK && rc != SQLITE_OK) {
        q->rc = rc;
        q->system = errno;
    }
}

void fc_query_start(struct fc_query *q, struct fc_conn *c, enum fc_sql sql)
{
    q->conn = c;
    q->rc = SQLITE_OK;
    q->system = 0;
    q->bound = 0;
    if (!c->stmt[sql]) {
        errno = 0;
        stick(q, sqlite3_prepare_v3(c->db, sql_text[sql], -1, SQLITE_PREPARE_PERSISTENT, &c->stmt[sql], NULL));
    }
    q->stmt = c->stmt[sql];
}

void fc_bind_integer(struct fc_query *q, int64_t x)
{
    if (q->rc == SQLITE_OK)
        stick(q, sqlite3_bind_int64(q->stmt, ++q->bound, x));
}

void fc_bind_limit(struct fc_query *q, size_t n)
{
    fc_bind_integer(q, n < INT64_MAX ? (int64_t)n : INT64_MAX);
}

void fc_bind_real(struct fc_query *q, double x)
{
    if (q->rc == SQLITE_OK)
        stick(q, sqlite3_bind_double(q->stmt, ++q->bound, x)); /* SQLite binds NaN as NULL */
}

void fc_bind_text(struct fc_query *q, const char *text)
{
    if (q->rc == SQLITE_OK)
        stick(q, sqlite3_bind_text(q->stmt, ++q->bound, text, -1, SQLITE_STATIC));
}

void fc_bind_blob(struct fc_query *q, const void *data, size_t n)
{
    if (q->rc == SQLITE_OK) /* a null pointer would bind NULL instead of an empty blob */
        stick(q, sqlite3_bind_blob64(q->stmt, ++q->bound, n ? data : "", n, SQLITE_STATIC));
}

bool fc_query_row(struct fc_query *q)
{
    if (q->rc != SQLITE_OK)
        return false;
    errno = 0; /* SQLite keeps no system error for a step: it is read here, if the step fails */
    int rc = sqlite3_step(q->stmt);
    if (rc == SQLITE_ROW)
        return true;
    stick(q, rc == SQLITE_DONE ? SQLITE_OK : rc);
    return false;
}

void fc_query_run(struct fc_query *q, int keep)
{
    if (q->rc != SQLITE_OK)
        return;
    errno = 0;
    int rc = sqlite3_step(q->stmt);
    stick(q, rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc);
    stick(q, sqlite3_reset(q->stmt)); /* repeats the error of the step */
    q->bound = keep;
}

enum fc_status fc_query_end(struct fc_query *q, struct fc_error *e)
{
    enum fc_status st = FC_OK;
    if (q->rc != SQLITE_OK) {
        errno = q->system;
        st = fc_sql_fail(q->conn->db, q->rc, q->stmt ? sqlite3_sql(q->stmt) : "prepare a statement", e);
    }
    if (q->stmt) { /* else it could not be prepared */
        (void)sqlite3_reset(q->stmt); /* repeats an error that was told already */
        (void)sqlite3_clear_bindings(q->stmt);
    }
    return st;
}

enum fc_status fc_conn_run(struct fc_conn *c, enum fc_sql sql, struct fc_error *e)
{
    struct fc_query q;
    fc_query_start(&q, c, sql);
    fc_query_run(&q, 0);
    return fc_query_end(&q, e);
}

void fc_conn_rollback(struct fc_conn *c)
{
    struct fc_query q;
    if (sqlite3_get_autocommit(c->db))
        return;
    fc_query_start(&q, c, FC_SQL_ROLLBACK);
    (void)sqlite3_step(q.stmt);
    (void)sqlite3_reset(q.stmt);
}

/* ---- columns ---- */

int64_t fc_column_integer(struct fc_query *q, int column)
{
    return sqlite3_column_int64(q->stmt, column);
}

double fc_column_real(struct fc_query *q, int column, double when_null)
{
    return sqlite3_column_type(q->stmt, column) == SQLITE_NULL ? when_null : sqlite3_column_double(q->stmt, column);
}

char *fc_column_dup(struct fc_query *q, int column)
{
    if (sqlite3_column_type(q->stmt, column) == SQLITE_NULL)
        return NULL;
    const unsigned char *text = sqlite3_column_text(q->stmt, column);
    char *copy = text ? strdup((const char *)text) : NULL;
    if (!copy)
        stick(q, SQLITE_NOMEM);
    return copy;
}

void fc_column_copy(struct fc_query *q, int column, char *out, size_t size)
{
    const unsigned char *text = sqlite3_column_text(q->stmt, column);
    size_t n = (size_t)sqlite3_column_bytes(q->stmt, column);
    if (text && n >= size) {
        stick(q, SQLITE_CORRUPT);
        n = 0;
    }
    memcpy(out, text ? (const void *)text : "", text ? n : 0);
    out[text ? n : 0] = 0;
}

/* ---- errors ---- */

static bool out_of_room(int error)
{
    return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

enum fc_status fc_sql_fail(sqlite3 *db, int rc, const char *doing, struct fc_error *e)
{
    static const struct { int primary; enum fc_status status; const char *code; } meaning[] = {
        {SQLITE_FULL, FC_FULL, "storage_full"},         {SQLITE_IOERR, FC_IO, "storage_failed"},
        {SQLITE_CANTOPEN, FC_IO, "storage_failed"},     {SQLITE_READONLY, FC_IO, "storage_failed"},
        {SQLITE_PERM, FC_IO, "storage_failed"},         {SQLITE_AUTH, FC_IO, "storage_failed"},
        {SQLITE_CORRUPT, FC_CORRUPT, "storage_corrupt"}, {SQLITE_NOTADB, FC_CONFLICT, "database_foreign"},
        {SQLITE_NOMEM, FC_NOMEM, "out_of_memory"},      {SQLITE_BUSY, FC_UNAVAILABLE, "storage_busy"},
        {SQLITE_LOCKED, FC_UNAVAILABLE, "storage_busy"}, {SQLITE_TOOBIG, FC_TOO_LARGE, "too_large"},
    };
    int system = errno;
    enum fc_status status = FC_INTERNAL;
    const char *code = "storage_internal";
    for (size_t i = 0; i < sizeof meaning / sizeof *meaning; i++)
        if (meaning[i].primary == (rc & 0xff)) {
            status = meaning[i].status;
            code = meaning[i].code;
        }
    /* Quotas and file size limits, and a shared-memory file that cannot grow, come as I/O errors. */
    if (status == FC_IO && (out_of_room(system) || (db && out_of_room(sqlite3_system_errno(db))))) {
        status = FC_FULL;
        code = "storage_full";
    }
    const char *why = db && sqlite3_extended_errcode(db) == rc ? sqlite3_errmsg(db) : sqlite3_errstr(rc);
    return fc_fail(e, status, code, "the database: %s (SQLite result %d, while running: %.200s)", why, rc, doing);
}
