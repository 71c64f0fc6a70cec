/* store_private.h: what the store's files share: the open store, its readers, and the small things that every table needs. */
#ifndef FC_STORE_PRIVATE_H
#define FC_STORE_PRIVATE_H

#include "statement.h"
#include "store.h"
#include "writer.h"

#include <pthread.h>

struct fc_store {
    char *path;                 /* owned */
    int lock_fd;                /* holds the flock that keeps a second process out; -1 when not held */
    struct fc_conn write_conn;  /* the writer thread's, once it runs */
    struct fc_writer *writer;
    struct fc_stamp_table stamps;

    pthread_mutex_t pool_lock;  /* guards the idle stack */
    pthread_cond_t pool_free;
    struct fc_conn *reader;     /* [readers] owned */
    struct fc_conn **idle;      /* [readers] owned; a stack, so that the warm caches are used first */
    size_t readers, nidle;
};

/* Borrows a reader for the length of a call, waiting for one when all are out. */
struct fc_conn *fc_reader_take(struct fc_store *s);
void fc_reader_give(struct fc_store *s, struct fc_conn *c);
/* The same with a read transaction around several statements: one snapshot. On failure nothing is borrowed. */
FC_MUST_CHECK enum fc_status fc_snapshot_take(struct fc_store *s, struct fc_conn **c, struct fc_error *e);
void fc_snapshot_give(struct fc_store *s, struct fc_conn *c);

/* prefix and 12 random hex digits: "m_1f3a5c7e9b0d". The tables' UNIQUE columns refuse a repetition. */
FC_MUST_CHECK enum fc_status fc_id_make(const char *prefix, char out[FC_NAME_MAX], struct fc_error *e);
/* Reads the current row of the query into *row, which it initialises; what is wrong sticks to the query. */
typedef void (*fc_row_reader)(struct fc_query *q, void *row);
/* The rows of a started query as an array of items of this size, and the end of the query. On failure, too, *rows and *n are set to what was read
 * until then: the caller frees it. */
FC_MUST_CHECK enum fc_status fc_rows_collect(struct fc_query *q, size_t size, fc_row_reader read, void **rows, size_t *n, struct fc_error *e);
/* Turns the cursor "after this id" into the key that a newest-first list starts below: the largest key when id is NULL or "".
 * FC_INVALID "unknown_cursor" when that row is gone. */
FC_MUST_CHECK enum fc_status fc_cursor_key(struct fc_conn *c, enum fc_sql find, const char *id, int64_t *key, struct fc_error *e);

/* What the tables of points and issued forecasts need of a series. */
struct fc_series_key {
    int64_t key, points, missing, revision;
    fc_time first, last;
    struct fc_step step;
};
/* FC_NOT_FOUND "unknown_series". */
FC_MUST_CHECK enum fc_status fc_series_find(struct fc_conn *c, const char *id, struct fc_series_key *out, struct fc_error *e);
/* Inserts an empty series with default settings; the caller's change raises its revision. */
FC_MUST_CHECK enum fc_status fc_series_insert(struct fc_store_tx *tx, const char *id, struct fc_series_key *out, struct fc_error *e);
FC_MUST_CHECK enum fc_status fc_series_read(struct fc_conn *c, const char *id, struct fc_series_row *out, struct fc_error *e);
/* "24,168" into text[size]. */
void fc_season_text(const struct fc_season *s, char *text, size_t size);
#define FC_SEASON_TEXT (FC_SEASONS * 11 + 1)

/* The id of the model with this id or name. FC_NOT_FOUND "unknown_model". */
FC_MUST_CHECK enum fc_status fc_model_resolve(struct fc_conn *c, const char *id_or_name, char out[FC_NAME_MAX], struct fc_error *e);

#endif
