/* test_store_writes.c: the writer: grouping, isolation by SAVEPOINT, order, stamps, limits, closing, many threads at once. */
#include "test_store_fixture.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

/* A write that holds the writer thread until it is let go, so that what is queued meanwhile lands in one group. */
struct gate { sem_t inside, go; };
static enum fc_status write_gate(struct fc_store_tx *tx, void *arg, struct fc_error *e)
{
    struct gate *g = arg;
    (void)tx, (void)e;
    sem_post(&g->inside);
    sem_wait(&g->go);
    return FC_OK;
}

static void gate_close(struct fixture *f, struct gate *g)
{
    struct fc_error e = {0};
    sem_init(&g->inside, 0, 0);
    sem_init(&g->go, 0, 0);
    assert_int_equal(fc_store_write(f->store, write_gate, NULL, g, &e), FC_OK);
    sem_wait(&g->inside);
}

static enum fc_status write_nothing(struct fc_store_tx *tx, void *arg, struct fc_error *e)
{
    (void)tx, (void)arg, (void)e;
    return FC_OK;
}

static void settle(struct fixture *f)
{
    assert_write(f, write_nothing, NULL);
}

/* ---- isolation ---- */

enum kind { GOOD, BAD, SILENT };
static atomic_int turn; /* counts the done callbacks */
struct item {
    struct fixture *f;
    enum kind kind;
    char id[16];
    fc_time t;
    double v;
    uint64_t stamp;  /* before it was queued */
    int order;       /* when its done was called, from 1 */
    bool stamped;    /* the stamp had risen in done */
    struct fc_error error;
};

static enum fc_status write_item(struct fc_store_tx *tx, void *arg, struct fc_error *e)
{
    struct item *it = arg;
    struct fc_points_write w = {.id = it->id, .time = &it->t, .value = &it->v, .n = 1};
    enum fc_status st = fc_tx_points_put(tx, &w, e);
    if (st != FC_OK || it->kind == GOOD)
        return st;
    return it->kind == BAD ? fc_fail(e, FC_INVALID, "mine", "refused after it wrote %s", it->id) : FC_CONFLICT;
}

static void item_done(void *arg, const struct fc_error *e)
{
    struct item *it = arg;
    it->order = atomic_fetch_add(&turn, 1) + 1;
    it->stamped = fc_store_series_stamp(it->f->store, it->id) != it->stamp;
    if (e)
        it->error = *e;
}

static void a_bad_write_harms_no_other(void **state)
{
    enum { N = 300 };
    struct fixture *f = *state;
    static struct item items[N];
    struct gate g;
    struct fc_store_stats before, after;
    struct fc_error e = {0};
    struct fc_series_row r = {0};
    atomic_store(&turn, 0);
    fc_store_get_stats(f->store, &before);
    gate_close(f, &g);
    for (size_t i = 0; i < N; i++) {
        items[i] = (struct item){.f = f, .kind = i % 3 == 1 ? BAD : i % 31 == 5 ? SILENT : GOOD, .t = (fc_time)i};
        snprintf(items[i].id, sizeof items[i].id, "s%zu", i);
        items[i].stamp = fc_store_series_stamp(f->store, items[i].id);
        assert_int_equal(fc_store_write(f->store, write_item, item_done, &items[i], &e), FC_OK);
    }
    fc_store_get_stats(f->store, &after);
    assert_int_equal(after.queued, N + 1);
    sem_post(&g.go);
    settle(f);
    size_t failed = 0;
    for (size_t i = 0; i < N; i++) {
        struct item *it = &items[i];
        assert_int_equal(it->order, i + 1);
        enum fc_status st = fc_store_series_get(f->store, it->id, &r, &e);
        if (it->kind == GOOD) {
            assert_int_equal(it->error.status, FC_OK);
            assert_true(it->stamped);
            assert_int_equal(st, FC_OK);
            assert_int_equal(r.points, 1);
            fc_series_row_free(&r);
        } else {
            failed++;
            assert_int_equal(it->error.status, it->kind == BAD ? FC_INVALID : FC_CONFLICT);
            assert_string_equal(it->error.code, it->kind == BAD ? "mine" : "write_failed");
            assert_int_equal(st, FC_NOT_FOUND);
        }
    }
    fc_store_get_stats(f->store, &after);
    assert_int_equal(after.queued, 0);
    assert_int_equal(after.failed_writes - before.failed_writes, failed);
    assert_int_equal(after.writes - before.writes, N + 2);
    assert_in_range(after.commits - before.commits, 2, 3); /* the gate; all of the items, with or without settle */
    assert_true(after.last_commit_seconds > 0 && after.database_bytes + after.wal_bytes > 4096);
    assert_int_equal(fc_store_health(f->store, &e), FC_OK);
    fixture_reopen(f);
    assert_integrity(f);
}

/* ---- limits and closing ---- */

static atomic_size_t answered;
static void count_done(void *arg, const struct fc_error *e)
{
    (void)arg, (void)e;
    atomic_fetch_add(&answered, 1);
}

static void the_queue_is_bounded(void **state)
{
    enum { LIMIT = 100000 };
    struct fixture *f = *state;
    struct gate g;
    struct fc_error e = {0};
    size_t queued = 0;
    atomic_store(&answered, 0);
    gate_close(f, &g);
    enum fc_status st;
    while ((st = fc_store_write(f->store, write_nothing, count_done, NULL, &e)) == FC_OK && queued <= LIMIT)
        queued++;
    assert_int_equal(st, FC_BUSY);
    assert_string_equal(e.code, "write_queue_full");
    assert_true(queued <= LIMIT && queued >= LIMIT - 1);
    sem_post(&g.go);
    while (fc_store_write(f->store, write_nothing, count_done, NULL, &e) != FC_OK)
        usleep(1000);
    fc_store_close(f->store);
    f->store = NULL;
    assert_int_equal(atomic_load(&answered), queued + 1);
}

struct late { struct fc_store *store; enum fc_status st; struct fc_error e; };
static void write_again(void *arg, const struct fc_error *e)
{
    struct late *l = arg;
    (void)e;
    /* The writer may take this one still while close has not begun: try until it refuses. */
    while ((l->st = fc_store_write(l->store, write_nothing, count_done, NULL, &l->e)) == FC_OK)
        usleep(1000);
}

static void closing_finishes_the_queue_and_takes_no_more(void **state)
{
    struct fixture *f = *state;
    struct late l = {.store = f->store};
    struct gate g;
    struct item items[20];
    struct fc_error e = {0};
    gate_close(f, &g);
    for (size_t i = 0; i < 20; i++) {
        items[i] = (struct item){.f = f, .kind = GOOD, .id = "a", .t = (fc_time)i};
        assert_int_equal(fc_store_write(f->store, write_item, NULL, &items[i], &e), FC_OK);
    }
    assert_int_equal(fc_store_write(f->store, write_nothing, write_again, &l, &e), FC_OK);
    sem_post(&g.go);
    fc_store_close(f->store);
    f->store = NULL;
    assert_int_equal(l.st, FC_UNAVAILABLE);
    assert_string_equal(l.e.code, "stopping");
    assert_int_equal(outside_sql(f, "SELECT points FROM series WHERE id = 'a'"), 20);
    char log[160];
    snprintf(log, sizeof log, "%s-wal", f->path);
    assert_int_not_equal(access(log, F_OK), 0); /* all of it was checkpointed, and the last connection took it away */
}

/* ---- many threads ---- */

enum { WRITERS = 4, EACH = 150 };
struct crowd { struct fixture *f; size_t number; atomic_size_t wrong; };

static void *crowd_write(void *arg)
{
    struct crowd *c = arg;
    char own[16];
    snprintf(own, sizeof own, "own%zu", c->number);
    for (size_t i = 0; i < EACH; i++) {
        fc_time t = (fc_time)(i * WRITERS + c->number);
        double v = (double)t;
        struct fc_error e = {0};
        struct fc_points_write shared = {.id = "shared", .time = &t, .value = &v, .n = 1}, mine = {.id = own, .time = &t, .value = &v, .n = 1};
        if (fc_store_write_wait(c->f->store, write_points, &shared, &e) != FC_OK || shared.inserted != 1 ||
            fc_store_write_wait(c->f->store, write_points, &mine, &e) != FC_OK || mine.inserted != 1)
            atomic_fetch_add(&c->wrong, 1);
        struct fc_points p = {0}; /* what was acknowledged is there for every reader */
        if (fc_store_points_tail(c->f->store, own, 1, NULL, &p, &e) != FC_OK || p.n != 1 || p.time[0] != t)
            atomic_fetch_add(&c->wrong, 1);
        fc_points_free(&p);
    }
    return NULL;
}

static void threads_write_at_once(void **state)
{
    struct fixture *f = *state;
    pthread_t thread[WRITERS];
    struct crowd crowd[WRITERS];
    for (size_t i = 0; i < WRITERS; i++) {
        crowd[i] = (struct crowd){.f = f, .number = i};
        assert_int_equal(pthread_create(&thread[i], NULL, crowd_write, &crowd[i]), 0);
    }
    for (size_t i = 0; i < WRITERS; i++) {
        pthread_join(thread[i], NULL);
        assert_int_equal(atomic_load(&crowd[i].wrong), 0);
    }
    struct fc_series_row r = {0};
    struct fc_error e = {0};
    assert_int_equal(fc_store_series_get(f->store, "shared", &r, &e), FC_OK);
    assert_true(r.points == WRITERS * EACH && r.first == 0 && r.last == WRITERS * EACH - 1 && r.revision == WRITERS * EACH);
    fc_series_row_free(&r);
    fixture_reopen(f);
    assert_integrity(f);
}

struct watch { struct fixture *f; atomic_bool stop; atomic_size_t reads, wrong; };

/* Row and points are of one snapshot, and nothing is half-written: every write is ten points. */
static void *watch_run(void *arg)
{
    struct watch *w = arg;
    while (!atomic_load(&w->stop)) {
        struct fc_series_row r = {0};
        struct fc_points p = {0};
        struct fc_error e = {0};
        bool more = false;
        enum fc_status st = fc_store_points_range(w->f->store, "a", FC_TIME_MIN, FC_TIME_MAX + 1, false, SIZE_MAX, &r, &p, &more, &e);
        if (st != FC_OK || more || (size_t)r.points != p.n || p.n % 10 || r.last != p.time[p.n - 1] || r.revision != r.points / 10)
            atomic_fetch_add(&w->wrong, 1);
        atomic_fetch_add(&w->reads, 1);
        fc_series_row_free(&r);
        fc_points_free(&p);
    }
    return NULL;
}

static void readers_see_whole_commits(void **state)
{
    enum { READERS = 3, BATCHES = 300 }; /* more readers than connections in the pool */
    struct fixture *f = *state;
    pthread_t thread[READERS];
    struct watch w = {.f = f};
    fc_time t[10];
    double v[10];
    for (int64_t batch = 0; batch < BATCHES || atomic_load(&w.reads) < 50; batch++) {
        for (int64_t i = 0; i < 10; i++) {
            t[i] = batch * 10 + i;
            v[i] = 1;
        }
        put_points(f, "a", t, v, 10, 10, 0);
        for (size_t i = 0; batch == 0 && i < READERS; i++)
            assert_int_equal(pthread_create(&thread[i], NULL, watch_run, &w), 0);
    }
    atomic_store(&w.stop, true);
    for (size_t i = 0; i < READERS; i++)
        pthread_join(thread[i], NULL);
    assert_int_equal(atomic_load(&w.wrong), 0);
}

/* The log is copied into the database and starts again: it does not grow with what is written. */
static void the_log_stays_bounded(void **state)
{
    enum { N = 20000, ROUNDS = 150 };
    struct fixture *f = *state;
    static fc_time t[N];
    static double v[N];
    struct fc_store_stats stats;
    for (int64_t round = 0; round < ROUNDS; round++) {
        for (int64_t i = 0; i < N; i++)
            v[i] = 0.1 + (double)(t[i] = round * N + i);
        put_points(f, "a", t, v, N, N, 0);
    }
    fc_store_get_stats(f->store, &stats);
    assert_true(stats.wal_bytes < 24u << 20);
    assert_true(stats.database_bytes > 30u << 20);
}

int main(void)
{
#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        WITH_STORE(a_bad_write_harms_no_other), WITH_STORE(the_queue_is_bounded), WITH_STORE(closing_finishes_the_queue_and_takes_no_more),
        WITH_STORE(threads_write_at_once), WITH_STORE(readers_see_whole_commits), WITH_STORE(the_log_stays_bounded),
    };
    return cmocka_run_group_tests_name("store_writes", tests, NULL, NULL);
}
