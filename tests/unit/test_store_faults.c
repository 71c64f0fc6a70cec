/* test_store_faults.c: full and failing disks, and death by SIGKILL in the middle of acknowledged writes.
 *
 * Disks fail in two ways here: through a VFS that stands in front of SQLite's own and refuses writes or syncs when told to, and through
 * the kernel itself, with RLIMIT_FSIZE. The writer that is killed is this program again, started with --write. */
#include "test_store_fixture.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* ---- a disk that fails when told to ---- */

static atomic_int refuse_write, refuse_sync; /* the SQLite result to give, 0: work */
static sqlite3_vfs *real_vfs;

struct shim { sqlite3_file base; sqlite3_file *real; }; /* the real file stands behind it */
#define REAL(f) (((struct shim *)(f))->real)
#define CALL(f, m, ...) REAL(f)->pMethods->m(REAL(f), __VA_ARGS__)

static int shim_close(sqlite3_file *f) { return REAL(f)->pMethods->xClose(REAL(f)); }
static int shim_read(sqlite3_file *f, void *to, int n, sqlite3_int64 at) { return CALL(f, xRead, to, n, at); }
static int shim_write(sqlite3_file *f, const void *from, int n, sqlite3_int64 at)
{
    int rc = atomic_load(&refuse_write);
    return rc ? rc : CALL(f, xWrite, from, n, at);
}
static int shim_truncate(sqlite3_file *f, sqlite3_int64 n) { return CALL(f, xTruncate, n); }
static int shim_sync(sqlite3_file *f, int flags)
{
    int rc = atomic_load(&refuse_sync);
    return rc ? rc : CALL(f, xSync, flags);
}
static int shim_size(sqlite3_file *f, sqlite3_int64 *n) { return CALL(f, xFileSize, n); }
static int shim_lock(sqlite3_file *f, int level) { return CALL(f, xLock, level); }
static int shim_unlock(sqlite3_file *f, int level) { return CALL(f, xUnlock, level); }
static int shim_reserved(sqlite3_file *f, int *out) { return CALL(f, xCheckReservedLock, out); }
static int shim_control(sqlite3_file *f, int op, void *arg) { return CALL(f, xFileControl, op, arg); }
static int shim_sector(sqlite3_file *f) { return REAL(f)->pMethods->xSectorSize(REAL(f)); }
static int shim_device(sqlite3_file *f) { return REAL(f)->pMethods->xDeviceCharacteristics(REAL(f)); }
static int shim_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out) { return CALL(f, xShmMap, page, size, extend, out); }
static int shim_shm_lock(sqlite3_file *f, int offset, int n, int flags) { return CALL(f, xShmLock, offset, n, flags); }
static void shim_shm_barrier(sqlite3_file *f) { REAL(f)->pMethods->xShmBarrier(REAL(f)); }
static int shim_shm_unmap(sqlite3_file *f, int remove) { return CALL(f, xShmUnmap, remove); }

static const sqlite3_io_methods shim_methods = {
    2, shim_close, shim_read, shim_write, shim_truncate, shim_sync, shim_size, shim_lock, shim_unlock, shim_reserved, shim_control,
    shim_sector, shim_device, shim_shm_map, shim_shm_lock, shim_shm_barrier, shim_shm_unmap, NULL, NULL,
};

static int shim_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out)
{
    struct shim *s = (struct shim *)f;
    (void)vfs;
    s->real = (sqlite3_file *)(s + 1);
    int rc = real_vfs->xOpen(real_vfs, name, s->real, flags, out);
    s->base.pMethods = s->real->pMethods ? &shim_methods : NULL;
    return rc;
}

static int use_shim(void **state)
{
    static sqlite3_vfs shim;
    (void)state;
    real_vfs = sqlite3_vfs_find(NULL);
    shim = *real_vfs; /* paths, time and randomness are the real one's */
    shim.pNext = NULL;
    shim.zName = "shim";
    shim.szOsFile = (int)sizeof(struct shim) + real_vfs->szOsFile;
    shim.xOpen = shim_open;
    return sqlite3_vfs_register(&shim, 1) == SQLITE_OK ? 0 : -1;
}

static int teardown_working_disk(void **state)
{
    atomic_store(&refuse_write, 0);
    atomic_store(&refuse_sync, 0);
    return fixture_teardown(state);
}

/* ---- helpers ---- */

static enum fc_status try_point(struct fixture *f, fc_time t, struct fc_error *e)
{
    double v = (double)t;
    struct fc_points_write w = {.id = "a", .time = &t, .value = &v, .n = 1};
    return fc_store_write_wait(f->store, write_points, &w, e);
}

static int64_t points_of(struct fixture *f, const char *id)
{
    struct fc_series_row r = {0};
    struct fc_error e = {0};
    if (fc_store_series_get(f->store, id, &r, &e) != FC_OK)
        return -1;
    int64_t n = r.points;
    fc_series_row_free(&r);
    return n;
}

/* Without anybody writing: the store finds out by itself. */
static void becomes_healthy(struct fixture *f)
{
    struct fc_error e = {0};
    for (int i = 0; i < 500 && fc_store_health(f->store, &e) != FC_OK; i++)
        usleep(10000);
    assert_int_equal(fc_store_health(f->store, &e), FC_OK);
}

/* ---- full and failing disks ---- */

static void a_full_disk_is_told_and_recovers(void **state)
{
    struct fixture *f = *state;
    struct fc_error e = {0};
    assert_int_equal(try_point(f, 1, &e), FC_OK);
    uint64_t stamp = fc_store_series_stamp(f->store, "a");
    atomic_store(&refuse_write, SQLITE_FULL);
    for (fc_time t = 2; t < 5; t++)
        assert_fails(try_point(f, t, &e), FC_FULL, "storage_full", e);
    assert_fails(fc_store_health(f->store, &e), FC_FULL, "storage_full", e);
    assert_int_equal(points_of(f, "a"), 1); /* reads go on */
    assert_int_equal(fc_store_series_stamp(f->store, "a"), stamp);
    usleep(700 * 1000); /* a probe on the full disk changes nothing */
    assert_int_equal(fc_store_health(f->store, &e), FC_FULL);
    atomic_store(&refuse_write, 0);
    becomes_healthy(f);
    assert_int_equal(try_point(f, 9, &e), FC_OK);
    assert_int_equal(points_of(f, "a"), 2);
    atomic_store(&refuse_write, SQLITE_FULL);
    assert_fails(try_point(f, 10, &e), FC_FULL, "storage_full", e);
    atomic_store(&refuse_write, 0);
    assert_int_equal(try_point(f, 10, &e), FC_OK); /* and the next write tries again at once */
    assert_int_equal(fc_store_health(f->store, &e), FC_OK);
    fixture_reopen(f);
    assert_int_equal(points_of(f, "a"), 3);
    assert_integrity(f);
}

/* More than the page cache holds: the disk fails in the middle of the statements, not at COMMIT. */
static void a_disk_that_fills_up_inside_a_write(void **state)
{
    enum { N = 800000 };
    struct fixture *f = *state;
    struct fc_error e = {0};
    fc_time *t = malloc(N * sizeof *t);
    double *v = malloc(N * sizeof *v);
    assert_true(t && v);
    for (int64_t i = 0; i < N; i++) {
        t[i] = i;
        v[i] = 0.1 + (double)i;
    }
    assert_int_equal(try_point(f, 1, &e), FC_OK);
    struct fc_points_write w = {.id = "big", .time = t, .value = v, .n = N};
    atomic_store(&refuse_write, SQLITE_FULL);
    assert_fails(fc_store_write_wait(f->store, write_points, &w, &e), FC_FULL, "storage_full", e);
    assert_fails(fc_store_health(f->store, &e), FC_FULL, "storage_full", e);
    atomic_store(&refuse_write, 0);
    assert_int_equal(points_of(f, "big"), -1);
    assert_int_equal(fc_store_write_wait(f->store, write_points, &w, &e), FC_OK);
    assert_int_equal(w.inserted, N);
    fixture_reopen(f);
    assert_int_equal(points_of(f, "big"), N);
    assert_integrity(f);
    free(t);
    free(v);
}

static void a_failing_sync_acknowledges_nothing(void **state)
{
    struct fixture *f = *state;
    struct fc_error e = {0};
    assert_int_equal(try_point(f, 1, &e), FC_OK);
    atomic_store(&refuse_sync, SQLITE_IOERR_FSYNC);
    assert_fails(try_point(f, 2, &e), FC_IO, "storage_failed", e);
    assert_fails(fc_store_health(f->store, &e), FC_IO, "storage_failed", e);
    atomic_store(&refuse_sync, 0);
    becomes_healthy(f);
    assert_int_equal(points_of(f, "a"), 1);
    assert_int_equal(try_point(f, 3, &e), FC_OK);
    fixture_reopen(f);
    assert_int_equal(points_of(f, "a"), 2);
    assert_integrity(f);
}

/* Every request of a group whose COMMIT fails is told so. */
struct waiter { struct fc_points_write w; fc_time t; double v; char id[16]; atomic_int *left; struct fc_error e; };
static void waiter_done(void *arg, const struct fc_error *e)
{
    struct waiter *w = arg;
    if (e)
        w->e = *e;
    atomic_fetch_sub(w->left, 1);
}
static sem_t gate_inside, gate_go;
static enum fc_status hold(struct fc_store_tx *tx, void *arg, struct fc_error *e)
{
    (void)tx, (void)arg, (void)e;
    sem_post(&gate_inside);
    sem_wait(&gate_go);
    return FC_OK;
}

static void a_failed_commit_fails_its_whole_group(void **state)
{
    enum { N = 50 };
    struct fixture *f = *state;
    static struct waiter w[N];
    atomic_int left = N;
    struct fc_error e = {0};
    sem_init(&gate_inside, 0, 0);
    sem_init(&gate_go, 0, 0);
    assert_int_equal(fc_store_write(f->store, hold, NULL, NULL, &e), FC_OK);
    sem_wait(&gate_inside);
    for (size_t i = 0; i < N; i++) {
        w[i] = (struct waiter){.t = (fc_time)i, .left = &left};
        snprintf(w[i].id, sizeof w[i].id, "s%zu", i);
        w[i].w = (struct fc_points_write){.id = w[i].id, .time = &w[i].t, .value = &w[i].v, .n = 1};
        assert_int_equal(fc_store_write(f->store, write_points, waiter_done, &w[i].w, &e), FC_OK);
    }
    atomic_store(&refuse_write, SQLITE_FULL);
    sem_post(&gate_go);
    while (atomic_load(&left) > 0)
        usleep(1000);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(w[i].e.status, FC_FULL);
        assert_int_equal(points_of(f, w[i].id), -1);
    }
    atomic_store(&refuse_write, 0);
    assert_int_equal(try_point(f, 1, &e), FC_OK);
}

/* A limit of the kernel on the size of files instead of a pretended failure. */
static void the_kernel_refuses_to_grow_a_file(void **state)
{
    struct fixture *f = *state;
    struct fc_error e = {0};
    struct rlimit old, tight;
    struct stat log;
    char name[160];
    assert_int_equal(try_point(f, 1, &e), FC_OK);
    snprintf(name, sizeof name, "%s-wal", f->path);
    assert_int_equal(stat(name, &log), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    tight = old;
    tight.rlim_cur = (rlim_t)log.st_size + 5000;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    enum fc_status st = FC_OK;
    fc_time t = 2;
    for (; t < 100 && st == FC_OK; t++)
        st = try_point(f, t, &e);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_fails(st, FC_FULL, "storage_full", e);
    becomes_healthy(f);
    int64_t stored = points_of(f, "a");
    assert_int_equal(stored, t - 2); /* all but the refused one */
    assert_int_equal(try_point(f, 1000, &e), FC_OK);
    fixture_reopen(f);
    assert_int_equal(points_of(f, "a"), stored + 1);
    assert_integrity(f);
}

/* A table that is gone: its statement cannot be prepared, and the connection goes on. */
static void a_statement_that_cannot_be_prepared_is_an_error(void **state)
{
    struct fixture *f = *state;
    struct fc_error e = {0};
    struct fc_job_row row;
    struct fc_job_row *rows = NULL;
    size_t n = 0;
    assert_int_equal(try_point(f, 1, &e), FC_OK);
    fc_store_close(f->store);
    f->store = NULL;
    (void)outside_sql(f, "DROP TABLE jobs");
    fixture_open(f);
    for (int i = 0; i < 2; i++) {
        assert_fails(fc_store_job_get(f->store, "j", &row, &e), FC_INTERNAL, "storage_internal", e);
        assert_non_null(strstr(e.detail, "jobs"));
        assert_fails(fc_store_job_list(f->store, NULL, NULL, 10, &rows, &n, &e), FC_INTERNAL, "storage_internal", e);
    }
    assert_int_equal(points_of(f, "a"), 1);
    assert_int_equal(try_point(f, 2, &e), FC_OK);
}

/* ---- death ---- */

enum { LANES = 4 };
struct ack { int32_t lane, number; }; /* one write(2) to a pipe: never torn */
struct lane {
    struct fc_store *store;
    struct fc_points_write w;
    char id[16];
    fc_time t;
    double v;
    struct ack ack;
    int pipe;
};

static void lane_done(void *arg, const struct fc_error *e);

static enum fc_status lane_write(struct fc_store_tx *tx, void *arg, struct fc_error *e)
{
    return fc_tx_points_put(tx, &((struct lane *)arg)->w, e);
}

static void lane_next(struct lane *l)
{
    struct fc_error e;
    l->t = l->ack.number;
    l->v = l->ack.number * 0.5;
    if (fc_store_write(l->store, lane_write, lane_done, l, &e) != FC_OK)
        abort();
}

static void lane_done(void *arg, const struct fc_error *e)
{
    struct lane *l = arg;
    if (e || write(l->pipe, &l->ack, sizeof l->ack) != sizeof l->ack)
        abort();
    l->ack.number++;
    lane_next(l);
}

/* The child: writes for ever, one point after the other in each lane, and tells of every acknowledged one. */
static int write_until_killed(const char *path, int pipe)
{
    static struct lane lane[LANES];
    struct fc_store *s = NULL;
    struct fc_error e = {0};
    if (fc_store_open(path, 1, &s, &e) != FC_OK)
        return 1;
    for (int i = 0; i < LANES; i++) {
        struct lane *l = &lane[i];
        struct fc_series_row r = {0};
        *l = (struct lane){.store = s, .pipe = pipe, .ack = {.lane = i}};
        snprintf(l->id, sizeof l->id, "lane%d", i);
        l->w = (struct fc_points_write){.id = l->id, .time = &l->t, .value = &l->v, .n = 1};
        if (fc_store_series_get(s, l->id, &r, &e) == FC_OK) { /* goes on where the last child died */
            l->ack.number = (int32_t)r.points;
            fc_series_row_free(&r);
        }
        lane_next(l);
    }
    for (;;)
        pause();
}

static void kill_after(struct fixture *f, int acks, int32_t newest[LANES])
{
    int ends[2];
    char number[16];
    assert_int_equal(pipe(ends), 0);
    snprintf(number, sizeof number, "%d", ends[1]);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(ends[0]);
        execl("/proc/self/exe", "test_store_faults", "--write", f->path, number, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    struct ack a;
    int seen = 0;
    while (read(ends[0], &a, sizeof a) == sizeof a) { /* also those that were told between the last look and the death */
        newest[a.lane] = a.number;
        if (++seen == acks)
            kill(pid, SIGKILL);
    }
    close(ends[0]);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_true(seen >= acks);
}

static void killed_writers_lose_nothing(void **state)
{
    struct fixture *f = *state;
    int32_t newest[LANES] = {-1, -1, -1, -1};
    for (int round = 0; round < 8; round++) {
        kill_after(f, 1 + round * round * 40, newest);
        fixture_open(f);
        for (int i = 0; i < LANES; i++) {
            char id[16];
            snprintf(id, sizeof id, "lane%d", i);
            int64_t n = points_of(f, id);
            if (n < 0) { /* died before its first point: then none was acknowledged */
                assert_int_equal(newest[i], -1);
                continue;
            }
            assert_true(n > newest[i]);
            struct fc_points p = {0};
            struct fc_error e = {0};
            bool more;
            assert_int_equal(fc_store_points_range(f->store, id, 0, FC_TIME_MAX, false, SIZE_MAX, NULL, &p, &more, &e), FC_OK);
            assert_int_equal(p.n, n);
            for (size_t k = 0; k < p.n; k++)
                assert_true(p.time[k] == (fc_time)k && p.value[k] == (double)k * 0.5);
            fc_points_free(&p);
        }
        fc_store_close(f->store);
        f->store = NULL;
        assert_integrity(f);
    }
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "--write") == 0)
        return write_until_killed(argv[2], atoi(argv[3]));
#define FAULTY(test) cmocka_unit_test_setup_teardown(test, fixture_setup, teardown_working_disk)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(killed_writers_lose_nothing, fixture_folder, fixture_teardown),
        FAULTY(a_full_disk_is_told_and_recovers), FAULTY(a_disk_that_fills_up_inside_a_write), FAULTY(a_failing_sync_acknowledges_nothing),
        FAULTY(a_failed_commit_fails_its_whole_group), FAULTY(the_kernel_refuses_to_grow_a_file),
        FAULTY(a_statement_that_cannot_be_prepared_is_an_error),
    };
    return cmocka_run_group_tests_name("store_faults", tests, use_shim, NULL);
}
