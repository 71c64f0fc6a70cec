/* test_lanes.c: fork and join over the training lanes: every index once, from several callers at a time, with helpers that come late. */
#include "lanes.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

static void nothing(void *ctx)
{
    (void)ctx;
}

static void wait_for(atomic_int *x, int at_least)
{
    for (int i = 0; i < 10000 && atomic_load(x) < at_least; i++)
        usleep(1000);
    assert_true(atomic_load(x) >= at_least);
}

/* ---- every index once ---- */

#define INDICES 500
struct count { unsigned hits[INDICES]; };

static void count_task(void *arg, size_t i)
{
    struct count *c = arg;
    c->hits[i]++; /* plain: only the owner of index i touches it, and the join orders it before the check */
}

static void check_sections(const struct fc_lanes *lanes, size_t sections)
{
    for (size_t s = 0; s < sections; s++) {
        const size_t n = (s * 7919) % INDICES;
        struct count c;
        memset(&c, 0, sizeof c);
        lanes->run(lanes->ctx, n, count_task, &c);
        for (size_t i = 0; i < INDICES; i++)
            assert_int_equal(c.hits[i], i < n ? 1 : 0);
    }
}

static void test_each_index_once(void **state)
{
    (void)state;
    struct fc_error e;
    for (size_t n = 1; n <= 4; n++) {
        struct fc_lane_pool *p;
        assert_int_equal(fc_lane_pool_new(n, nothing, NULL, &p, &e), FC_OK);
        assert_int_equal(fc_lane_pool_size(p), n);
        const struct fc_lanes lanes = fc_lane_pool_lanes(p);
        check_sections(&lanes, 2000);
        fc_lane_pool_free(p);
    }
}

/* ---- several callers, more than there are slots ---- */

static void *caller(void *arg)
{
    check_sections(arg, 700);
    return NULL;
}

static void test_many_callers(void **state)
{
    (void)state;
    struct fc_error e;
    struct fc_lane_pool *p;
    assert_int_equal(fc_lane_pool_new(2, nothing, NULL, &p, &e), FC_OK);
    struct fc_lanes lanes = fc_lane_pool_lanes(p);
    pthread_t thread[8];
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, caller, &lanes), 0);
    for (size_t i = 0; i < 8; i++)
        pthread_join(thread[i], NULL);
    fc_lane_pool_free(p);
}

/* ---- nested sections ---- */

struct nest { const struct fc_lanes *lanes; struct count inner[8]; };

static void nest_task(void *arg, size_t i)
{
    struct nest *t = arg;
    t->lanes->run(t->lanes->ctx, INDICES, count_task, &t->inner[i]);
}

static void test_a_task_may_fork(void **state)
{
    (void)state;
    struct fc_error e;
    struct fc_lane_pool *p;
    assert_int_equal(fc_lane_pool_new(3, nothing, NULL, &p, &e), FC_OK);
    const struct fc_lanes lanes = fc_lane_pool_lanes(p);
    struct nest *t = calloc(1, sizeof *t);
    assert_non_null(t);
    t->lanes = &lanes;
    lanes.run(lanes.ctx, 8, nest_task, t);
    for (size_t k = 0; k < 8; k++)
        for (size_t i = 0; i < INDICES; i++)
            assert_int_equal(t->inner[k].hits[i], 1);
    free(t);
    fc_lane_pool_free(p);
}

/* ---- jobs ---- */

struct jobs {
    struct fc_lane_pool *pool;
    atomic_int started, ended, hold;
    atomic_int nice_sum, slow_sections;
    atomic_int helped; /* tasks that ran on a thread that is not their caller */
    atomic_int denormal; /* results that were not flushed */
};

struct home { pthread_t thread; struct jobs *jobs; };

static void slow_task(void *arg, size_t i)
{
    struct home *h = arg;
    (void)i;
    usleep(2000);
    if (!pthread_equal(h->thread, pthread_self()))
        atomic_fetch_add(&h->jobs->helped, 1);
}

static void job(void *ctx)
{
    struct jobs *j = ctx;
    atomic_fetch_add(&j->started, 1);
    atomic_fetch_add(&j->nice_sum, getpriority(PRIO_PROCESS, 0));
    volatile float tiny = 1e-30f;
    if (tiny * tiny * 1e10f > 0 || tiny * 1e-12f > 0)
        atomic_fetch_add(&j->denormal, 1);
    const struct fc_lanes lanes = fc_lane_pool_lanes(j->pool);
    struct home h = {pthread_self(), j};
    for (int i = atomic_load(&j->slow_sections); i > 0; i--)
        lanes.run(lanes.ctx, 8, slow_task, &h);
    while (atomic_load(&j->hold))
        usleep(1000);
    atomic_fetch_add(&j->ended, 1);
}

static void test_a_job_alone_uses_the_other_lanes(void **state)
{
    (void)state;
    struct fc_error e;
    struct jobs j;
    memset(&j, 0, sizeof j);
    atomic_store(&j.slow_sections, 10);
    atomic_store(&j.hold, 1);
    assert_int_equal(fc_lane_pool_new(2, job, &j, &j.pool, &e), FC_OK);
    fc_lane_pool_post(j.pool);
    wait_for(&j.started, 1);
    assert_int_equal(fc_lane_pool_running(j.pool), 1);
    atomic_store(&j.hold, 0);
    wait_for(&j.ended, 1);
    assert_int_equal(atomic_load(&j.nice_sum), 10);
#if defined(__SSE2__) || defined(__aarch64__)
    assert_int_equal(atomic_load(&j.denormal), 0);
#endif
    /* 80 tasks of 2 ms: a sleeping task leaves its processor, so the other lane takes its share even on a busy machine. */
    assert_true(atomic_load(&j.helped) >= 10);
    fc_lane_pool_free(j.pool);
}

static void test_a_waiting_job_comes_before_help(void **state)
{
    (void)state;
    struct fc_error e;
    struct jobs j;
    memset(&j, 0, sizeof j);
    atomic_store(&j.slow_sections, 100);
    atomic_store(&j.hold, 1);
    assert_int_equal(fc_lane_pool_new(2, job, &j, &j.pool, &e), FC_OK);
    fc_lane_pool_post(j.pool);
    wait_for(&j.started, 1);
    fc_lane_pool_post(j.pool); /* while the other lane is busy helping the first */
    wait_for(&j.started, 2);
    assert_int_equal(atomic_load(&j.ended), 0); /* it did not wait for the first to end */
    atomic_store(&j.hold, 0);
    fc_lane_pool_post(j.pool);
    fc_lane_pool_post(j.pool);
    wait_for(&j.ended, 4);
    assert_int_equal(atomic_load(&j.started), 4);
    fc_lane_pool_free(j.pool);
}

static void test_free_waits_for_the_job_that_runs(void **state)
{
    (void)state;
    struct fc_error e;
    struct jobs j;
    memset(&j, 0, sizeof j);
    atomic_store(&j.slow_sections, 10);
    assert_int_equal(fc_lane_pool_new(1, job, &j, &j.pool, &e), FC_OK);
    fc_lane_pool_post(j.pool);
    wait_for(&j.started, 1);
    fc_lane_pool_free(j.pool);
    assert_int_equal(atomic_load(&j.ended), 1);
    fc_lane_pool_free(NULL);
}

/* ---- speed: a fork and join of nearly nothing must stay far below the 100 µs that the shortest real sections take ---- */

static void empty_task(void *arg, size_t i)
{
    (void)arg;
    (void)i;
}

struct speed { struct fc_lane_pool *pool; double seconds; atomic_int ended; };
#define SPEED_SECTIONS 2000

static void speed_job(void *ctx)
{
    struct speed *s = ctx;
    const struct fc_lanes lanes = fc_lane_pool_lanes(s->pool);
    struct timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    for (int i = 0; i < SPEED_SECTIONS; i++)
        lanes.run(lanes.ctx, 16, empty_task, NULL);
    clock_gettime(CLOCK_MONOTONIC, &b);
    s->seconds = (double)(b.tv_sec - a.tv_sec) + 1e-9 * (double)(b.tv_nsec - a.tv_nsec);
    atomic_fetch_add(&s->ended, 1);
}

static void test_a_section_is_cheap(void **state)
{
    (void)state;
    struct fc_error e;
    double best = 1;
    for (int i = 0; i < 5; i++) {
        struct speed s;
        memset(&s, 0, sizeof s);
        assert_int_equal(fc_lane_pool_new(2, speed_job, &s, &s.pool, &e), FC_OK);
        fc_lane_pool_post(s.pool);
        wait_for(&s.ended, 1);
        fc_lane_pool_free(s.pool);
        if (s.seconds / SPEED_SECTIONS < best)
            best = s.seconds / SPEED_SECTIONS;
    }
    print_message("an empty section of 16 tasks takes %.2f us\n", 1e6 * best);
    assert_true(best <= 100e-6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_index_once),
        cmocka_unit_test(test_many_callers),
        cmocka_unit_test(test_a_task_may_fork),
        cmocka_unit_test(test_a_job_alone_uses_the_other_lanes),
        cmocka_unit_test(test_a_waiting_job_comes_before_help),
        cmocka_unit_test(test_free_waits_for_the_job_that_runs),
        cmocka_unit_test(test_a_section_is_cheap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
