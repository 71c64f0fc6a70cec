/* statement.h: one connection with its kept statements, and the way every question is asked: start, bind, step, end.
 *
 * Errors stick to the query, as in a buffer: bind and step without checking, and fc_query_end says how it all went. A connection and
 * its queries belong to one thread at a time. Statements are prepared on first use and live as long as the connection. */
#ifndef FC_STATEMENT_H
#define FC_STATEMENT_H

#include "error.h"
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Every statement of the store; the table in statement.c has one row for each. */
enum fc_sql {
    FC_SQL_BEGIN_WRITE, FC_SQL_BEGIN_READ, FC_SQL_COMMIT, FC_SQL_ROLLBACK, FC_SQL_SAVEPOINT, FC_SQL_RELEASE, FC_SQL_ROLLBACK_TO, FC_SQL_PROBE,
    FC_SQL_SERIES_FIND, FC_SQL_SERIES_GET, FC_SQL_SERIES_LIST, FC_SQL_SERIES_INSERT, FC_SQL_SERIES_COUNTS, FC_SQL_SERIES_HINTS,
    FC_SQL_SERIES_SETTINGS, FC_SQL_SERIES_DELETE, FC_SQL_SERIES_DELETE_POINTS, FC_SQL_SERIES_FLOOR, FC_SQL_SERIES_REMOVED,
    FC_SQL_SERIES_PINNED, FC_SQL_SERIES_UNPIN,
    FC_SQL_POINT_INSERT, FC_SQL_POINT_OLD, FC_SQL_POINT_REPLACE, FC_SQL_POINTS_COUNT, FC_SQL_POINTS_DELETE, FC_SQL_POINTS_EDGES,
    FC_SQL_POINTS_ASCENDING, FC_SQL_POINTS_DESCENDING,
    FC_SQL_MODEL_RESOLVE, FC_SQL_MODEL_NAMED, FC_SQL_MODEL_INSERT, FC_SQL_MODEL_DELETE, FC_SQL_MODEL_GET, FC_SQL_MODEL_LIST, FC_SQL_MODEL_KEY,
    FC_SQL_VERSION_INSERT, FC_SQL_VERSION_FIND, FC_SQL_VERSION_READY, FC_SQL_VERSION_STATE, FC_SQL_VERSION_WEIGHTS,
    FC_SQL_LEARNED_CLEAR, FC_SQL_LEARNED_INSERT, FC_SQL_LEARNED_LIST, FC_SQL_LEARNED_BEST,
    FC_SQL_JOB_INSERT, FC_SQL_JOB_UPDATE, FC_SQL_JOB_GET, FC_SQL_JOB_LIST, FC_SQL_JOB_LIST_STATE, FC_SQL_JOB_KEY,
    FC_SQL_ISSUED_INSERT, FC_SQL_ISSUED_KEY, FC_SQL_ISSUED_LIST,
    FC_SQLS
};

struct fc_conn {
    sqlite3 *db;
    sqlite3_stmt *stmt[FC_SQLS]; /* NULL until first used */
};
/* Opens with all pragmas set. The writer creates the file; readers cannot write or checkpoint. On failure c is closed again. */
FC_MUST_CHECK enum fc_status fc_conn_open(struct fc_conn *c, const char *path, bool writer, struct fc_error *e);
void fc_conn_close(struct fc_conn *c);

struct fc_query {
    struct fc_conn *conn;
    sqlite3_stmt *stmt;
    int rc;     /* SQLITE_OK until something failed */
    int system; /* errno at that moment */
    int bound;  /* parameters bound so far */
};
void fc_query_start(struct fc_query *q, struct fc_conn *c, enum fc_sql sql);
/* Parameters in the order ?1, ?2, … NULL text and NaN bind NULL. Text and blobs must live until fc_query_end. */
void fc_bind_integer(struct fc_query *q, int64_t x);
void fc_bind_limit(struct fc_query *q, size_t n); /* at most so many rows */
void fc_bind_real(struct fc_query *q, double x);
void fc_bind_text(struct fc_query *q, const char *text);
void fc_bind_blob(struct fc_query *q, const void *data, size_t n);
/* True when there is a row; false at the end and after a failure. */
bool fc_query_row(struct fc_query *q);
/* Steps a statement that gives no rows, and makes the query ready to run again; keep: so many parameters stay bound. */
void fc_query_run(struct fc_query *q, int keep);
/* Ends the query (always call it): FC_OK, or the first thing that failed, told in e. */
FC_MUST_CHECK enum fc_status fc_query_end(struct fc_query *q, struct fc_error *e);
/* Runs a statement without parameters or rows. */
FC_MUST_CHECK enum fc_status fc_conn_run(struct fc_conn *c, enum fc_sql sql, struct fc_error *e);
/* Rolls back the open transaction, if there is one still. A failure shows at the next BEGIN. */
void fc_conn_rollback(struct fc_conn *c);

int64_t fc_column_integer(struct fc_query *q, int column);
double fc_column_real(struct fc_query *q, int column, double when_null);
/* An owned copy, NULL when the column is NULL (or memory ran out, which sticks to the query). */
char *fc_column_dup(struct fc_query *q, int column);
/* A copy into out[size]; text that does not fit is corruption. NULL gives "". */
void fc_column_copy(struct fc_query *q, int column, char *out, size_t size);

/* What an SQLite result means for a caller: FC_FULL "storage_full", FC_IO "storage_failed", FC_CORRUPT "storage_corrupt", …
 * errno must still be that of the failure. */
enum fc_status fc_sql_fail(sqlite3 *db, int rc, const char *doing, struct fc_error *e);

#endif
