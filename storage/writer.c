/* writer.c: the one thread that writes: takes what waits, runs it as one transaction, commits, raises stamps, answers.
 *
 * Any thread queues (one short lock, no disk). The writer never waits for more to come: a group is what has arrived, at most GROUP_REQUESTS
 * or GROUP_NS of work. Each request runs in a SAVEPOINT, so that its failure undoes it alone.
 *
 * Invariants:
 *  1. done is called once for every request that was queued, in the order of the queue, after the group's COMMIT or its failure.
 *  2. Stamps rise after COMMIT and before the first done of the group.
 *  3. A transaction that SQLite rolled back by itself (full disk, I/O error, no memory: sqlite3_get_autocommit says so), or whose COMMIT
 *     failed, fails every request of its group with that error.
 *  4. Only this thread commits and checkpoints. (SQLite up to 3.51.2 can corrupt the log when one connection commits while another checkpoints.)
 *  5. After a failure of the disk, a small probe commit is tried once a PROBE_MS, so that the store is healthy again as soon as it can be. */
#include "writer.h"

#include "clock.h"
#include "hash.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    QUEUE_MAX = 100000,
    GROUP_REQUESTS = 2000,
    GROUP_NS = 50 * 1000 * 1000,
    PROBE_MS = 500,
    CHECKPOINT_PAGES = 4000,         /* 16 MiB of log: copy it into the database, */
    CHECKPOINT_AGAIN = 1000,         /* and where a reader kept the log from starting again, try again after so many more; */
    CHECKPOINT_RESTART_PAGES = 16000 /* from 64 MiB on wait for readers to leave the log */
};

struct request {
    struct request *next;
    fc_write_fn fn;
    fc_write_done done;
    void *arg;
    struct fc_error *error; /* owned unless it is no_memory; NULL while all is well */
};

struct queue {
    struct request *first, **end; /* end: where the next one is linked */
};

struct fc_writer {
    struct fc_conn *conn;
    struct fc_stamp_table *stamps;
    pthread_t thread;

    pthread_mutex_t lock;    /* guards all down to health; held for a few instructions only, and nothing else is locked under it */
    pthread_cond_t wake;     /* something was queued, or closing */
    struct queue waiting;
    bool sleeping;           /* the writer waits for wake */
    bool closing;
    struct fc_store_stats stats;
    struct fc_error health;  /* status FC_OK: the last commit worked */

    /* The writer thread's own: */
    struct queue taken;      /* off the shared queue, not yet in a group */
    struct fc_store_tx tx;
    int log_pages;           /* in the write-ahead log after the last commit */
    int checkpoint_at;       /* log_pages that ask for the next checkpoint */
};

static struct fc_error no_memory = {.status = FC_NOMEM, .code = "out_of_memory", .detail = "no memory for the error of a failed write"};

/* ---- stamps ---- */

size_t fc_stamp_slot(const char *id)
{
    uint64_t h = fc_hash_text(id);
    return (size_t)((h ^ h >> 32) % FC_STAMPS);
}

void fc_touch_series(struct fc_store_tx *tx, const char *id)
{
    size_t slot = fc_stamp_slot(id);
    tx->touched[slot / 64] |= UINT64_C(1) << slot % 64;
}

void fc_touch_models(struct fc_store_tx *tx)
{
    tx->models_touched = true;
}

static void raise_stamps(struct fc_writer *w)
{
    for (size_t i = 0; i < FC_STAMPS / 64; i++)
        for (uint64_t bits = w->tx.touched[i]; bits; bits &= bits - 1)
            atomic_fetch_add(&w->stamps->series[i * 64 + (size_t)__builtin_ctzll(bits)], 1);
    if (w->tx.models_touched)
        atomic_fetch_add(&w->stamps->models, 1);
}

/* ---- the queue ---- */

static void queue_init(struct queue *q)
{
    q->first = NULL;
    q->end = &q->first;
}

static void queue_add(struct queue *q, struct request *r)
{
    r->next = NULL;
    *q->end = r;
    q->end = &r->next;
}

static struct request *queue_take(struct queue *q)
{
    struct request *r = q->first;
    if (r && !(q->first = r->next))
        q->end = &q->first;
    return r;
}

/* Appends all of b to a. */
static void queue_move(struct queue *a, struct queue *b)
{
    if (!b->first)
        return;
    *a->end = b->first;
    a->end = b->end;
    queue_init(b);
}

enum fc_status fc_writer_queue(struct fc_writer *w, fc_write_fn fn, fc_write_done done, void *arg, struct fc_error *e)
{
    struct request *r = malloc(sizeof *r);
    if (!r)
        return fc_fail_nomem(e, sizeof *r);
    *r = (struct request){.fn = fn, .done = done, .arg = arg};
    pthread_mutex_lock(&w->lock);
    bool closing = w->closing, full = w->stats.queued >= QUEUE_MAX, wake = false;
    if (!closing && !full) {
        queue_add(&w->waiting, r);
        w->stats.queued++;
        wake = w->sleeping;
        w->sleeping = false;
    }
    pthread_mutex_unlock(&w->lock);
    if (wake)
        pthread_cond_signal(&w->wake);
    if (!closing && !full)
        return FC_OK;
    free(r);
    return closing ? fc_fail(e, FC_UNAVAILABLE, "stopping", "the store is closing and takes no more writes")
                   : fc_fail(e, FC_BUSY, "write_queue_full", "%d writes wait already", QUEUE_MAX);
}

/* ---- one group ---- */

static void request_fail(struct request *r, const struct fc_error *why)
{
    if (r->error)
        return;
    r->error = malloc(sizeof *r->error);
    if (r->error)
        *r->error = *why;
    else
        r->error = &no_memory;
}

/* Runs one request in its SAVEPOINT. When the transaction is gone afterwards, the caller sees it by sqlite3_get_autocommit. */
static void request_run(struct fc_writer *w, struct request *r)
{
    struct fc_error e = {0};
    enum fc_status st = fc_conn_run(w->conn, FC_SQL_SAVEPOINT, &e);
    if (st == FC_OK) {
        st = r->fn(&w->tx, r->arg, &e);
        if (st == FC_OK)
            st = fc_conn_run(w->conn, FC_SQL_RELEASE, &e);
        else if (!sqlite3_get_autocommit(w->conn->db)) {
            struct fc_error undo = {0};
            if (fc_conn_run(w->conn, FC_SQL_ROLLBACK_TO, &undo) != FC_OK || fc_conn_run(w->conn, FC_SQL_RELEASE, &undo) != FC_OK) {
                /* What it wrote cannot be told from the others' any more: the transaction as a whole fails, and for this reason. */
                fc_conn_rollback(w->conn);
                e = undo;
            }
        }
    }
    if (st != FC_OK) {
        if (e.status == FC_OK) /* a write function that forgot to say why */
            (void)fc_fail(&e, st, "write_failed", "the write failed without a reason");
        request_fail(r, &e);
    }
}

/* Begins, runs and commits requests of the taken queue; they are moved to *group. Returns why the transaction as a whole failed. */
static enum fc_status group_commit(struct fc_writer *w, struct queue *group, struct fc_error *e)
{
    memset(w->tx.touched, 0, sizeof w->tx.touched);
    w->tx.models_touched = false;
    w->tx.conn = w->conn;
    w->tx.now = fc_clock_now();
    enum fc_status st = fc_conn_run(w->conn, FC_SQL_BEGIN_WRITE, e);
    int64_t start = fc_clock_ns();
    struct request *r;
    for (size_t n = 0; n < GROUP_REQUESTS && (r = queue_take(&w->taken)); n++) {
        queue_add(group, r);
        if (st != FC_OK)
            continue; /* no transaction: this part of the queue fails together */
        request_run(w, r);
        if (sqlite3_get_autocommit(w->conn->db)) {
            *e = r->error ? *r->error : no_memory;
            return e->status;
        }
        if (fc_clock_ns() - start > GROUP_NS)
            break;
    }
    if (st == FC_OK)
        st = fc_conn_run(w->conn, FC_SQL_COMMIT, e);
    if (st != FC_OK)
        fc_conn_rollback(w->conn);
    return st;
}

static bool disk_failed(enum fc_status st)
{
    return st == FC_FULL || st == FC_IO || st == FC_CORRUPT;
}

/* Counts the group and keeps the first failure of the disk in it, or says that all is well. */
static void group_account(struct fc_writer *w, const struct queue *group, enum fc_status st, const struct fc_error *e, double seconds)
{
    const struct fc_error *bad = st == FC_OK ? NULL : e;
    uint64_t writes = 0, failed = 0;
    for (struct request *r = group->first; r; r = r->next) {
        writes++;
        failed += r->error != NULL;
        if (!bad && r->error && disk_failed(r->error->status))
            bad = r->error;
    }
    pthread_mutex_lock(&w->lock);
    w->stats.queued -= writes;
    w->stats.writes += writes;
    w->stats.failed_writes += failed;
    if (st == FC_OK) {
        w->stats.commits++;
        w->stats.last_commit_seconds = seconds;
    }
    if (bad)
        w->health = *bad;
    else
        w->health.status = FC_OK;
    pthread_mutex_unlock(&w->lock);
}

static void group_answer(struct queue *group)
{
    struct request *r;
    while ((r = queue_take(group))) {
        if (r->done)
            r->done(r->arg, r->error);
        if (r->error != &no_memory)
            free(r->error);
        free(r);
    }
}

static void group_run(struct fc_writer *w)
{
    struct queue group;
    struct fc_error e = {0};
    queue_init(&group);
    int64_t start = fc_clock_ns();
    enum fc_status st = group_commit(w, &group, &e);
    if (st == FC_OK)
        raise_stamps(w);
    else
        for (struct request *r = group.first; r; r = r->next)
            request_fail(r, &e);
    group_account(w, &group, st, &e, (double)(fc_clock_ns() - start) * 1e-9);
    group_answer(&group);
}

/* ---- the log and the disk ---- */

static int on_commit(void *arg, sqlite3 *db, const char *schema, int pages)
{
    (void)db, (void)schema;
    struct fc_writer *w = arg;
    if (pages < w->log_pages)
        w->checkpoint_at = CHECKPOINT_PAGES; /* the log started again */
    w->log_pages = pages;
    return SQLITE_OK;
}

static void set_health(struct fc_writer *w, const struct fc_error *e)
{
    pthread_mutex_lock(&w->lock);
    w->health = *e;
    pthread_mutex_unlock(&w->lock);
}

/* Copies the log into the database when it is long. A failure costs no data: what was committed stays in the log. */
static void checkpoint(struct fc_writer *w)
{
    if (w->log_pages < w->checkpoint_at)
        return;
    int mode = w->log_pages < CHECKPOINT_RESTART_PAGES ? SQLITE_CHECKPOINT_PASSIVE : SQLITE_CHECKPOINT_RESTART;
    errno = 0;
    int rc = sqlite3_wal_checkpoint_v2(w->conn->db, NULL, mode, NULL, NULL);
    w->checkpoint_at = w->log_pages + CHECKPOINT_AGAIN;
    if (rc != SQLITE_OK && rc != SQLITE_BUSY) {
        struct fc_error e;
        (void)fc_sql_fail(w->conn->db, rc, "checkpoint", &e);
        set_health(w, &e);
    }
}

static void probe(struct fc_writer *w)
{
    struct fc_error e = {0};
    enum fc_status st = fc_conn_run(w->conn, FC_SQL_BEGIN_WRITE, &e);
    if (st == FC_OK)
        st = fc_conn_run(w->conn, FC_SQL_PROBE, &e);
    if (st == FC_OK)
        st = fc_conn_run(w->conn, FC_SQL_COMMIT, &e);
    if (st != FC_OK)
        fc_conn_rollback(w->conn);
    set_health(w, &e);
}

/* ---- the thread ---- */

static void wait_for_work(struct fc_writer *w)
{
    w->sleeping = true;
    if (w->health.status == FC_OK) {
        pthread_cond_wait(&w->wake, &w->lock);
        return;
    }
    int64_t until = fc_clock_ns() + (int64_t)PROBE_MS * 1000000;
    struct timespec t = {.tv_sec = until / 1000000000, .tv_nsec = until % 1000000000};
    pthread_cond_timedwait(&w->wake, &w->lock, &t);
}

static void *writer_main(void *arg)
{
    struct fc_writer *w = arg;
    for (;;) {
        pthread_mutex_lock(&w->lock);
        if (!w->waiting.first && !w->taken.first && !w->closing)
            wait_for_work(w);
        w->sleeping = false;
        queue_move(&w->taken, &w->waiting);
        bool sick = w->health.status != FC_OK, closing = w->closing;
        pthread_mutex_unlock(&w->lock);
        if (w->taken.first)
            group_run(w);
        else if (closing)
            return NULL;
        else if (sick)
            probe(w);
        checkpoint(w);
    }
}

enum fc_status fc_writer_start(struct fc_conn *conn, struct fc_stamp_table *stamps, struct fc_writer **out, struct fc_error *e)
{
    struct fc_writer *w = calloc(1, sizeof *w);
    if (!w)
        return fc_fail_nomem(e, sizeof *w);
    w->conn = conn;
    w->stamps = stamps;
    w->checkpoint_at = CHECKPOINT_PAGES;
    queue_init(&w->waiting);
    queue_init(&w->taken);
    (void)sqlite3_wal_hook(conn->db, on_commit, w); /* returns the argument of the hook before it: none */
    pthread_condattr_t monotonic;
    int rc = pthread_condattr_init(&monotonic);
    if (rc == 0) {
        pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
        pthread_mutex_init(&w->lock, NULL);
        rc = pthread_cond_init(&w->wake, &monotonic);
        pthread_condattr_destroy(&monotonic);
    }
    if (rc == 0)
        rc = pthread_create(&w->thread, NULL, writer_main, w);
    if (rc != 0) {
        (void)sqlite3_wal_hook(conn->db, NULL, NULL);
        free(w);
        return fc_fail(e, FC_INTERNAL, "no_thread", "could not start the writer thread: %s", strerror(rc));
    }
    *out = w;
    return FC_OK;
}

void fc_writer_stop(struct fc_writer *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->closing = true;
    pthread_mutex_unlock(&w->lock);
    pthread_cond_signal(&w->wake);
    pthread_join(w->thread, NULL);
    (void)sqlite3_wal_hook(w->conn->db, NULL, NULL);
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

enum fc_status fc_writer_health(struct fc_writer *w, struct fc_error *e)
{
    pthread_mutex_lock(&w->lock);
    struct fc_error health = w->health;
    pthread_mutex_unlock(&w->lock);
    if (health.status != FC_OK && e)
        *e = health;
    return health.status;
}

void fc_writer_stats(struct fc_writer *w, struct fc_store_stats *out)
{
    pthread_mutex_lock(&w->lock);
    uint64_t log = out->wal_bytes, database = out->database_bytes;
    *out = w->stats;
    pthread_mutex_unlock(&w->lock);
    out->wal_bytes = log;
    out->database_bytes = database;
}
