/* store.h: everything the daemon remembers, behind questions in the project's own words. SQL lives in storage/ alone.
 *
 * One SQLite file in WAL mode with synchronous=FULL. One writer thread owns the one connection that writes and checkpoints; it groups the
 * requests that wait into one transaction, each in a SAVEPOINT of its own, so that a bad one never fails another. A write's done callback
 * runs on the writer thread after the COMMIT (its data survive power loss then) and must not block. Reads run on the caller's thread with a
 * connection borrowed from a pool for the length of the call: each read function is one consistent snapshot, and none is held after it returns.
 *
 * Any thread may call anything here, but the HTTP threads must call only fc_store_write and the stamps: the rest may wait for the disk.
 * Out-structs belong to the caller, who frees them with the function of their name; on failure they are left as they were. */
#ifndef FC_STORE_H
#define FC_STORE_H

#include "buf.h"
#include "series.h"

struct fc_store;    /* the open database */
struct fc_store_tx; /* the writer's transaction, seen by write functions */

#define FC_NAME_MAX 64 /* bytes of the ids that the server makes, and of words such as a job's state */

/* Opens or makes the file, migrates it, starts the writer. Errors: FC_IO, FC_CORRUPT (integrity), FC_CONFLICT "database_newer" (user_version
 * above ours), "database_foreign" (another application_id, or not a database) or "database_in_use" (another process has it), FC_FULL. */
FC_MUST_CHECK enum fc_status fc_store_open(const char *path, size_t readers, struct fc_store **out, struct fc_error *e);
/* Finishes the queued writes, checkpoints and closes. NULL is fine. No other call may be running. */
void fc_store_close(struct fc_store *s);
/* FC_OK when the last commit worked or the disk has room again; else why not (readiness, 507). */
enum fc_status fc_store_health(struct fc_store *s, struct fc_error *e);

struct fc_store_stats { uint64_t commits, writes, failed_writes, queued; double last_commit_seconds; uint64_t wal_bytes, database_bytes; };
void fc_store_get_stats(struct fc_store *s, struct fc_store_stats *out);

/* ---- writing ---- */

/* One request's share of a transaction: called on the writer thread, uses the fc_tx_* functions below. Not FC_OK rolls back its SAVEPOINT. */
typedef enum fc_status (*fc_write_fn)(struct fc_store_tx *tx, void *arg, struct fc_error *e);
/* Called once, on the writer thread, after COMMIT (e is NULL) or when the write failed (e says why: its own error, or the commit's). */
typedef void (*fc_write_done)(void *arg, const struct fc_error *e);
/* Queues a write; never waits. FC_BUSY when 100,000 writes wait already, FC_UNAVAILABLE when closing: done is not called then. */
FC_MUST_CHECK enum fc_status fc_store_write(struct fc_store *s, fc_write_fn fn, fc_write_done done, void *arg, struct fc_error *e);
/* Queues a write and waits for its commit: for job threads and request workers, never for HTTP threads. */
FC_MUST_CHECK enum fc_status fc_store_write_wait(struct fc_store *s, fc_write_fn fn, void *arg, struct fc_error *e);

/* ---- stamps: is what I cached about this series still true? ----
 * The stamp of a series id changes with every committed change of the series (or of one that shares its slot); the models' stamp with every
 * change of which models exist, are ready, pinned, removed from or gone. Issuing a forecast raises neither. Raised after COMMIT and before
 * done. Lock-free. Read the stamps BEFORE reading the data. */
uint64_t fc_store_series_stamp(struct fc_store *s, const char *id);
uint64_t fc_store_models_stamp(struct fc_store *s);

/* ---- series ---- */

struct fc_series_row {
    char id[FC_ID_MAX + 1];
    char *unit;   /* owned, NULL when not set */
    char *labels; /* owned JSON object text, "{}" when none */
    struct fc_step step;      /* as set by the user or the first upload that named one; unknown: infer it */
    struct fc_season season;  /* as set; n = 0: infer it */
    bool season_set;          /* true also for the explicit "no season" (n = 0) */
    enum fc_aggregate aggregate;
    struct fc_step delay;     /* fixed milliseconds, 0 by default */
    struct fc_bounds bounds;
    char *model;              /* owned id of the pinned model, NULL when none */
    int64_t points, missing;  /* rows, and those that hold null */
    fc_time first, last;      /* meaningful when points > 0 */
    int64_t revision;         /* raised by each committed change of points or settings; (id, revision) never repeats, not even after a deletion */
    fc_time created_at, updated_at;
};
void fc_series_row_free(struct fc_series_row *r);

/* What PUT changes: a field is written where its bit is set. */
enum { FC_SET_UNIT = 1, FC_SET_LABELS = 2, FC_SET_STEP = 4, FC_SET_SEASON = 8, FC_SET_AGGREGATE = 16, FC_SET_DELAY = 32,
       FC_SET_MIN = 64, FC_SET_MAX = 128, FC_SET_INTEGER = 256, FC_SET_MODEL = 512 };
/* Creates the series or changes the fields in mask; values are read from *fields (its id names the series). A pinned model must exist: FC_INVALID
 * "unknown_model"; min must not come above max: FC_INVALID "bad_bounds". */
FC_MUST_CHECK enum fc_status fc_tx_series_put(struct fc_store_tx *tx, const struct fc_series_row *fields, unsigned mask, bool *created, struct fc_error *e);
/* Points and issued forecasts go with it; models that learned from it list it as removed. FC_NOT_FOUND "unknown_series". */
FC_MUST_CHECK enum fc_status fc_tx_series_delete(struct fc_store_tx *tx, const char *id, struct fc_error *e);

FC_MUST_CHECK enum fc_status fc_store_series_get(struct fc_store *s, const char *id, struct fc_series_row *out, struct fc_error *e);
/* At most limit rows in byte order of their ids, those after `after` (NULL or "": from the first). *out: array of *n rows; fc_series_rows_free. */
FC_MUST_CHECK enum fc_status fc_store_series_list(struct fc_store *s, const char *after, size_t limit, struct fc_series_row **out, size_t *n, struct fc_error *e);
void fc_series_rows_free(struct fc_series_row *rows, size_t n);

/* ---- points ---- */

/* Points for one series in any order; of equal times the last wins and the earlier count as updates. */
struct fc_points_write {
    const char *id;
    const fc_time *time;   /* [n] */
    const double *value;   /* [n] finite, or NaN for missing */
    size_t n;
    struct fc_step step;   /* known when the upload named one: kept as the series' step where that is not set */
    struct fc_season season; /* n > 0 when the upload named one: kept as the series' season */
    /* answer: */
    size_t inserted, updated; /* inserted + updated = n */
    bool created;             /* the series is new */
};
/* The points of an upload by ascending time, the last one of equal times. *out must be empty; fc_points_free. */
FC_MUST_CHECK enum fc_status fc_points_in_order(const struct fc_points_write *w, struct fc_points *out, struct fc_error *e);
FC_MUST_CHECK enum fc_status fc_tx_points_put(struct fc_store_tx *tx, struct fc_points_write *w, struct fc_error *e);
/* start <= time < end (FC_TIME_MIN and FC_TIME_MAX + 1 for open ends). FC_NOT_FOUND. */
FC_MUST_CHECK enum fc_status fc_tx_points_delete(struct fc_store_tx *tx, const char *id, fc_time start, fc_time end, int64_t *deleted, struct fc_error *e);

/* At most limit points with start <= time < end, ascending or descending, and the row of the same snapshot (row may be NULL). *more: there are further ones. */
FC_MUST_CHECK enum fc_status fc_store_points_range(struct fc_store *s, const char *id, fc_time start, fc_time end, bool descending, size_t limit,
                                                   struct fc_series_row *row, struct fc_points *out, bool *more, struct fc_error *e);
/* The newest at most n points, ascending, and the row of the same snapshot. */
FC_MUST_CHECK enum fc_status fc_store_points_tail(struct fc_store *s, const char *id, size_t n, struct fc_series_row *row, struct fc_points *out, struct fc_error *e);

/* ---- models and their versions ---- */

struct fc_blob { void *data; size_t n; }; /* owned */

struct fc_model_row {
    char id[FC_NAME_MAX];
    char *name;              /* owned, NULL when it has none */
    int version;             /* the version these fields are of */
    int ready_version;       /* the newest ready one, 0 when none */
    char state[FC_NAME_MAX]; /* of the version: training, ready, failed, cancelled */
    char job[FC_NAME_MAX];   /* that trains or trained it */
    char *spec;              /* owned JSON text: the specification, defaults filled in */
    char *report;            /* owned JSON text: metrics, calibration, history, warnings; NULL until it is ready */
    fc_time trained_until;   /* newest observation it learned from; 0 until ready */
    fc_time created_at, updated_at;
};
void fc_model_row_free(struct fc_model_row *m);

/* A new model with version 1, or, when the name stands already, its next version; and the queued job that trains it, all in one.
 * series: ids the request named; they are recorded with the version. Answers model id, version and job id in the caller's buffers. */
struct fc_model_create {
    const char *name;        /* NULL: none */
    const char *spec;        /* JSON text */
    const char *const *series; size_t nseries;
    const char *request;     /* JSON text that the job thread decodes again: the request as validated */
    char model[FC_NAME_MAX], job[FC_NAME_MAX]; /* answer */
    int version;                               /* answer */
};
FC_MUST_CHECK enum fc_status fc_tx_model_create(struct fc_store_tx *tx, struct fc_model_create *c, struct fc_error *e);
/* The version is ready: weights (with a checksum kept beside them), report and the ids it really learned from (replacing those of the request). */
struct fc_model_ready {
    const char *model; int version;
    const char *spec;   /* final specification, NULL: unchanged */
    const char *report; /* JSON text */
    const void *weights; size_t weights_n;
    const char *const *series; size_t nseries;
    fc_time trained_until;
};
FC_MUST_CHECK enum fc_status fc_tx_model_ready(struct fc_store_tx *tx, const struct fc_model_ready *r, struct fc_error *e);
FC_MUST_CHECK enum fc_status fc_tx_model_failed(struct fc_store_tx *tx, const char *model, int version, const char *state, struct fc_error *e);
/* By id or name. With its versions; pins on it are cleared; its jobs and the forecasts that it issued stay as records. FC_NOT_FOUND "unknown_model". */
FC_MUST_CHECK enum fc_status fc_tx_model_delete(struct fc_store_tx *tx, const char *model, struct fc_error *e);

/* By id or by name. version 0: the newest ready one, else the newest of all. FC_NOT_FOUND "unknown_model". */
FC_MUST_CHECK enum fc_status fc_store_model_get(struct fc_store *s, const char *id_or_name, int version, struct fc_model_row *out, struct fc_error *e);
/* Newest first (in the order of creation); after: the id of the last one seen, NULL or "" from the start. This and the other lists that go
 * newest first answer FC_INVALID "unknown_cursor" when that one was deleted. */
FC_MUST_CHECK enum fc_status fc_store_model_list(struct fc_store *s, const char *after, size_t limit, struct fc_model_row **out, size_t *n, struct fc_error *e);
void fc_model_rows_free(struct fc_model_row *rows, size_t n);
/* The blob, its checksum verified: FC_CORRUPT "weights_corrupt" when it does not hold, FC_CONFLICT "model_not_ready" when there is none yet. */
FC_MUST_CHECK enum fc_status fc_store_model_weights(struct fc_store *s, const char *model, int version, struct fc_blob *out, struct fc_error *e);
/* Ids that the version learned from, in byte order: in out those that stand, in removed those deleted since (either may be NULL). Each an owned array of owned strings. */
struct fc_strings { char **item; size_t n; };
void fc_strings_free(struct fc_strings *s);
FC_MUST_CHECK enum fc_status fc_store_model_series(struct fc_store *s, const char *model, int version, struct fc_strings *out, struct fc_strings *removed, struct fc_error *e);
/* The newest ready model (by when it became ready) that was trained on the series: its id and version. FC_NOT_FOUND "no_model" when there is none. */
FC_MUST_CHECK enum fc_status fc_store_model_for_series(struct fc_store *s, const char *series, char model[FC_NAME_MAX], int *version, struct fc_error *e);

/* ---- jobs ---- */

struct fc_job_row {
    char id[FC_NAME_MAX], kind[FC_NAME_MAX], state[FC_NAME_MAX]; /* queued, running, succeeded, failed, cancelled */
    char model[FC_NAME_MAX];
    int version;
    double progress;                 /* 0 to 1 */
    int epoch, epochs;
    double loss, validation_loss;    /* NaN until known */
    double eta_seconds;              /* NaN until known */
    int deaths;                      /* how often the daemon died while it ran */
    char *request;                   /* owned JSON text */
    char *skipped;                   /* owned JSON array text */
    char *error;                     /* owned JSON object text, NULL when none */
    fc_time created_at, started_at, finished_at; /* 0: not yet */
};
void fc_job_row_free(struct fc_job_row *j);
void fc_job_rows_free(struct fc_job_row *rows, size_t n);
/* Writes state, progress, epoch(s), losses, eta, deaths, skipped, error and the times of the row whose id it is. */
FC_MUST_CHECK enum fc_status fc_tx_job_update(struct fc_store_tx *tx, const struct fc_job_row *j, struct fc_error *e);
FC_MUST_CHECK enum fc_status fc_store_job_get(struct fc_store *s, const char *id, struct fc_job_row *out, struct fc_error *e);
/* Newest first; state NULL: all; after: id of the last one seen. */
FC_MUST_CHECK enum fc_status fc_store_job_list(struct fc_store *s, const char *state, const char *after, size_t limit, struct fc_job_row **out, size_t *n, struct fc_error *e);

/* ---- issued forecasts ---- */

/* A forecast that was handed out on purpose and is kept, with its intervals, to be scored later. */
struct fc_issued {
    char id[FC_NAME_MAX];       /* made by the store */
    char series[FC_ID_MAX + 1];
    char model[FC_NAME_MAX];    /* "" when a classical method answered without a model */
    int version;
    char method[FC_NAME_MAX];
    fc_time issued_at, last;    /* last: the newest observation it knew */
    int64_t revision;
    size_t n, nlevels;
    fc_time *time;              /* [n] owned */
    double *mean, *median;      /* [n] owned */
    double *level;              /* [nlevels] owned, percent, ascending */
    double *lower, *upper;      /* [nlevels][n] owned */
};
void fc_issued_free(struct fc_issued *f);
void fc_issued_rows_free(struct fc_issued *rows, size_t n);
/* Keeps it; fills its id. FC_NOT_FOUND "unknown_series". */
FC_MUST_CHECK enum fc_status fc_tx_issue(struct fc_store_tx *tx, struct fc_issued *f, struct fc_error *e);
/* Those issued in [start, end) and before issued_before, newest first; after: id of the last one seen. FC_NOT_FOUND when the series is unknown. */
FC_MUST_CHECK enum fc_status fc_store_issued_list(struct fc_store *s, const char *series, fc_time start, fc_time end, fc_time issued_before, const char *after,
                                                  size_t limit, struct fc_issued **out, size_t *n, struct fc_error *e);

#endif
