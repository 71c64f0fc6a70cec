/* test_jobs.c: trainings in the background with a real store and real fits: queue, progress, cancel, restart, time limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fixture_service.h"
#include "jobs.h"
#include "log.h"

#include <sqlite3.h>
#include <time.h>

#define QUICK "{\"series\":[\"a\"],\"horizon\":12,\"network\":{\"hidden\":8},\"training\":{\"epochs\":2}}"
/* Hours of work, unless it is stopped. */
#define LONG "{\"series\":[\"a\"],\"horizon\":12,\"method\":\"gru\",\"network\":{\"hidden\":64}," \
             "\"training\":{\"epochs\":10000,\"patience\":10000,\"learning_rate\":0.000001,\"time_limit\":\"3600s\"}}"
#define LIMITED "{\"series\":[\"a\"],\"horizon\":12,\"method\":\"gru\",\"network\":{\"hidden\":64}," \
                "\"training\":{\"epochs\":10000,\"patience\":10000,\"time_limit\":\"1s\"}}"

static struct fc_jobs *start_jobs(struct fixture *f, struct fc_app *app, size_t lanes, size_t queue_limit)
{
    const struct fc_jobs_options o = {.lanes = lanes, .queue_limit = queue_limit};
    struct fc_jobs *jobs = NULL;
    memset(app, 0, sizeof *app);
    app->store = f->store;
    app->service = f->service;
    OK(fc_jobs_start(&o, app, &jobs, &E));
    app->jobs = jobs;
    return jobs;
}

static enum fc_status submit(struct fc_jobs *jobs, const char *name, const char *request, struct fc_model_create *c, struct fc_error *e)
{
    static const char *const series[] = {"a", "void"};
    *c = (struct fc_model_create){.name = name, .spec = "{}", .series = series, .nseries = 2, .request = request};
    memset(e, 0, sizeof *e);
    return fc_jobs_submit(jobs, c, e);
}

static void must_submit(struct fc_jobs *jobs, const char *name, const char *request, struct fc_model_create *c)
{
    OK(submit(jobs, name, request, c, &E));
}

static struct fc_job_row job_row(struct fixture *f, const char *id)
{
    struct fc_job_row row;
    memset(&row, 0, sizeof row);
    OK(fc_store_job_get(f->store, id, &row, &E));
    return row;
}

static double clock_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Waits until the store says so; the seconds it took. */
static double wait_state(struct fixture *f, const char *id, const char *state)
{
    const double start = clock_seconds();
    for (;;) {
        struct fc_job_row row = job_row(f, id);
        const bool there = strcmp(row.state, state) == 0;
        const bool ended = strcmp(row.state, "queued") != 0 && strcmp(row.state, "running") != 0;
        const double took = clock_seconds() - start;
        if (!there && (ended || took > 60))
            fail_msg("job %s is %s, not %s, after %.1f s (%s)", id, row.state, state, took, row.error ? row.error : "no error");
        fc_job_row_free(&row);
        if (there)
            return took;
        usleep(2000);
    }
}

/* Waits until the fit has told its first progress. */
static void wait_progress(struct fixture *f, struct fc_jobs *jobs, const char *id)
{
    struct fc_job_row row;
    bool going = false;
    for (int i = 0; i < 30000 && !going; i++) {
        row = job_row(f, id);
        going = fc_jobs_live(jobs, id, &row) && row.epoch > 0;
        fc_job_row_free(&row);
        usleep(2000);
    }
    assert_true(going);
}

static void check_model(struct fixture *f, const char *model, const char *state, int ready_version)
{
    struct fc_model_row row;
    memset(&row, 0, sizeof row);
    OK(fc_store_model_get(f->store, model, 0, &row, &E));
    assert_string_equal(row.state, state);
    assert_int_equal(row.ready_version, ready_version);
    fc_model_row_free(&row);
}

static int setup(void **state)
{
    fixture_setup(state);
    put_series(*state, "a", 600, HOUR, rhythm, 1);
    put_series(*state, "void", 60, HOUR, missing, 1);
    return 0;
}

/* ---- the good case ---- */

static void test_a_job_succeeds(void **state)
{
    struct fixture *f = *state;
    struct fc_app app;
    struct fc_model_create c;
    struct fc_jobs *jobs = start_jobs(f, &app, 2, 10);
    must_submit(jobs, "day", QUICK, &c);
    wait_state(f, c.job, "succeeded");
    struct fc_job_row row = job_row(f, c.job);
    assert_true(row.progress == 1);
    assert_true(row.epoch >= 1 && row.epochs >= row.epoch);
    assert_true(isfinite(row.loss));
    assert_true(isnan(row.eta_seconds));
    assert_string_equal(row.skipped, "[{\"series\":\"void\",\"code\":\"no_observations\"}]");
    assert_null(row.error);
    assert_true(row.created_at <= row.started_at && row.started_at <= row.finished_at && row.started_at > 0);
    assert_false(fc_jobs_live(jobs, c.job, &row));
    fc_job_row_free(&row);
    check_model(f, "day", "ready", 1);

    must_submit(jobs, "day", QUICK, &c); /* the same name again: its next version */
    assert_int_equal(c.version, 2);
    wait_state(f, c.job, "succeeded");
    check_model(f, "day", "ready", 2);

    struct fc_buf b = {0};
    for (int i = 0; i < 1000 && !(b.n && strstr(b.data, "ended_total{state=\"succeeded\"} 2\n")); i++) {
        usleep(1000); /* the row is there a moment before the count */
        b.n = 0;
        fc_jobs_metrics(jobs, &b);
        assert_true(fc_buf_terminate(&b));
    }
    assert_non_null(strstr(b.data, "forecastd_jobs_ended_total{state=\"succeeded\"} 2\n"));
    assert_non_null(strstr(b.data, "forecastd_jobs{state=\"queued\"} 0\n"));
    assert_non_null(strstr(b.data, "forecastd_lanes 2\n"));
    assert_non_null(strstr(b.data, "forecastd_queue_limit 10\n"));
    fc_buf_free(&b);
    fc_jobs_stop(jobs);
}

static void test_same_bytes_with_one_lane_or_two(void **state)
{
    static const double levels[] = {80, 95};
    struct fixture *f = *state;
    struct fc_forecast first;
    memset(&first, 0, sizeof first);
    for (size_t lanes = 1; lanes <= 3; lanes++) {
        struct fc_app app;
        struct fc_model_create c;
        struct fc_answer a;
        memset(&a, 0, sizeof a);
        struct fc_jobs *jobs = start_jobs(f, &app, lanes, 10);
        must_submit(jobs, NULL, QUICK, &c);
        wait_state(f, c.job, "succeeded");
        fc_jobs_stop(jobs);
        OK(fc_service_forecast(f->service, "a", c.model, 12, levels, 2, START + 1000 * HOUR, &a, &E));
        if (lanes == 1) {
            first = a.forecast;
            memset(&a.forecast, 0, sizeof a.forecast);
        } else {
            assert_memory_equal(a.forecast.median, first.median, 12 * sizeof(double));
            assert_memory_equal(a.forecast.upper, first.upper, 24 * sizeof(double));
        }
        fc_answer_free(&a);
    }
    fc_forecast_free(&first);
}

/* ---- failing ---- */

static void check_failed(struct fixture *f, const struct fc_model_create *c, const char *code)
{
    wait_state(f, c->job, "failed");
    struct fc_job_row row = job_row(f, c->job);
    assert_non_null(row.error);
    assert_non_null(strstr(row.error, code));
    assert_true(row.finished_at > 0);
    fc_job_row_free(&row);
    check_model(f, c->model, "failed", 0);
}

static void test_a_job_fails(void **state)
{
    static const char *const nothing[] = {"void"};
    struct fixture *f = *state;
    struct fc_app app;
    struct fc_model_create c;
    struct fc_jobs *jobs = start_jobs(f, &app, 1, 10);
    c = (struct fc_model_create){.spec = "{}", .series = nothing, .nseries = 1, .request = QUICK};
    OK(fc_jobs_submit(jobs, &c, &E));
    check_failed(f, &c, "{\"code\":\"nothing_to_train\",\"detail\":\"");
    must_submit(jobs, NULL, "{\"series\":\"*\",\"horizon\":0}", &c); /* a stored request that no longer reads */
    check_failed(f, &c, "horizon");
    fc_jobs_stop(jobs);
}

static void test_time_limit_ends_with_the_best_so_far(void **state)
{
    struct fixture *f = *state;
    struct fc_app app;
    struct fc_model_create c;
    struct fc_model_row row;
    struct fc_jobs *jobs = start_jobs(f, &app, 2, 10);
    must_submit(jobs, NULL, LIMITED, &c);
    wait_state(f, c.job, "running");
    assert_true(wait_state(f, c.job, "succeeded") <= 20);
    memset(&row, 0, sizeof row);
    OK(fc_store_model_get(f->store, c.model, 0, &row, &E));
    assert_non_null(strstr(row.report, "time_limit_reached"));
    fc_model_row_free(&row);
    fc_jobs_stop(jobs);
}

/* ---- queue and cancel ---- */

static void test_queue_is_bounded(void **state)
{
    struct fixture *f = *state;
    struct fc_app app;
    struct fc_model_create a, b, c;
    struct fc_error e;
    struct fc_job_row row;
    struct fc_jobs *jobs = start_jobs(f, &app, 1, 1);
    must_submit(jobs, NULL, LONG, &a);
    must_submit(jobs, NULL, LONG, &b);
    assert_int_equal(submit(jobs, "third", QUICK, &c, &e), FC_BUSY);
    assert_string_equal(e.code, "queue_full");
    assert_non_null(strstr(e.detail, "queue_limit is 1"));
    assert_int_equal(fc_store_model_get(f->store, "third", 0, &(struct fc_model_row){0}, &e), FC_NOT_FOUND); /* nothing was stored */

    wait_progress(f, jobs, a.job);
    row = job_row(f, b.job);
    assert_string_equal(row.state, "queued");
    fc_job_row_free(&row);
    OK(fc_jobs_cancel(jobs, b.job, &row, &E)); /* a queued one at once */
    assert_string_equal(row.state, "cancelled");
    assert_true(row.finished_at > 0);
    fc_job_row_free(&row);
    check_model(f, b.model, "cancelled", 0);
    must_submit(jobs, NULL, LONG, &b); /* there is room again */

    OK(fc_jobs_cancel(jobs, a.job, &row, &E));
    fc_job_row_free(&row);
    const double took = wait_state(f, a.job, "cancelled");
    print_message("a running training was cancelled after %.0f ms\n", 1e3 * took);
    assert_true(took <= 1);
    check_model(f, a.model, "cancelled", 0);
    assert_int_equal(fc_jobs_cancel(jobs, a.job, &row, &e), FC_CONFLICT);
    assert_string_equal(e.code, "job_ended");
    assert_int_equal(fc_jobs_cancel(jobs, "j_none", &row, &e), FC_NOT_FOUND);
    assert_string_equal(e.code, "unknown_job");

    wait_progress(f, jobs, b.job); /* the next one runs */
    must_submit(jobs, "named", QUICK, &c);
    fc_jobs_cancel_model(jobs, b.model);
    fc_jobs_cancel_model(jobs, c.model);
    wait_state(f, b.job, "cancelled");
    wait_state(f, c.job, "cancelled");
    fc_jobs_cancel_model(jobs, "m_none");
    fc_jobs_stop(jobs);
}

static void test_progress_is_fresh_in_memory_and_follows_in_the_store(void **state)
{
    struct fixture *f = *state;
    struct fc_app app;
    struct fc_model_create c;
    struct fc_job_row live, stored;
    struct fc_jobs *jobs = start_jobs(f, &app, 2, 10);
    must_submit(jobs, NULL, LONG, &c);
    wait_progress(f, jobs, c.job);
    live = job_row(f, c.job);
    assert_true(fc_jobs_live(jobs, c.job, &live));
    assert_string_equal(live.state, "running");
    assert_true(live.progress > 0 && live.progress < 1);
    assert_true(isfinite(live.loss) && isfinite(live.validation_loss));
    assert_true(live.eta_seconds > 0 && live.eta_seconds <= 3600);
    bool written = false;
    for (int i = 0; i < 5000 && !written; i++) {
        stored = job_row(f, c.job);
        written = stored.epoch >= live.epoch && stored.progress > 0;
        fc_job_row_free(&stored);
        usleep(1000);
    }
    assert_true(written);
    fc_job_row_free(&live);
    fc_jobs_stop(jobs);
}

/* A database that is locked for a while from outside fails writes with "storage_busy", as a stopping store does with "stopping". */
static void test_the_end_of_a_job_is_written_when_the_store_was_busy(void **state)
{
    struct fixture *f = *state;
    struct fc_app app;
    struct fc_model_create c;
    struct fc_job_row row;
    struct fc_store_stats before, now;
    sqlite3 *outside = NULL;
    struct fc_jobs *jobs = start_jobs(f, &app, 1, 10);
    must_submit(jobs, NULL, LONG, &c);
    wait_progress(f, jobs, c.job);
    assert_int_equal(sqlite3_open(f->path, &outside), SQLITE_OK);
    assert_int_equal(sqlite3_exec(outside, "PRAGMA busy_timeout = 5000; BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    fc_store_get_stats(f->store, &before);
    OK(fc_jobs_cancel(jobs, c.job, &row, &E));
    fc_job_row_free(&row);
    const double start = clock_seconds();
    do { /* the last progress may fail first */
        usleep(10000);
        fc_store_get_stats(f->store, &now);
    } while (now.failed_writes < before.failed_writes + 2 && clock_seconds() - start < 8);
    assert_int_equal(sqlite3_exec(outside, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(outside);
    assert_true(now.failed_writes > before.failed_writes);
    wait_state(f, c.job, "cancelled");
    check_model(f, c.model, "cancelled", 0);
    fc_jobs_stop(jobs);
}

/* ---- restart ---- */

static void test_graceful_stop_queues_again(void **state)
{
    struct fixture *f = *state;
    struct fc_app app;
    struct fc_model_create running, queued;
    struct fc_jobs *jobs = start_jobs(f, &app, 1, 10);
    must_submit(jobs, "first", LONG, &running);
    must_submit(jobs, "second", QUICK, &queued);
    wait_progress(f, jobs, running.job);
    const double start = clock_seconds();
    fc_jobs_stop(jobs);
    assert_true(clock_seconds() - start <= 2);
    struct fc_job_row row = job_row(f, running.job);
    assert_string_equal(row.state, "queued");
    assert_int_equal(row.deaths, 0);
    assert_true(row.progress == 0 && row.epoch == 0 && row.started_at == 0);
    fc_job_row_free(&row);
    check_model(f, running.model, "training", 0);

    fixture_close(f);
    fixture_open(f);
    jobs = start_jobs(f, &app, 1, 10);
    wait_progress(f, jobs, running.job); /* the older first */
    row = job_row(f, queued.job);
    assert_string_equal(row.state, "queued");
    fc_job_row_free(&row);
    OK(fc_jobs_cancel(jobs, running.job, &row, &E));
    fc_job_row_free(&row);
    wait_state(f, queued.job, "succeeded");
    fc_jobs_stop(jobs);
}

static enum fc_status write_row(struct fc_store_tx *tx, void *arg, struct fc_error *e)
{
    return fc_tx_job_update(tx, arg, e);
}

static enum fc_status write_model(struct fc_store_tx *tx, void *arg, struct fc_error *e)
{
    return fc_tx_model_create(tx, arg, e);
}

/* Leaves a job as a daemon that was killed leaves it. */
static void leave_running(struct fixture *f, struct fc_model_create *c, int deaths)
{
    static const char *const series[] = {"a"};
    *c = (struct fc_model_create){.spec = "{}", .series = series, .nseries = 1, .request = QUICK};
    OK(fc_store_write_wait(f->store, write_model, c, &E));
    struct fc_job_row row = job_row(f, c->job);
    strcpy(row.state, "running");
    row.deaths = deaths;
    row.progress = 0.5;
    OK(fc_store_write_wait(f->store, write_row, &row, &E));
    fc_job_row_free(&row);
}

static enum fc_status write_ready(struct fc_store_tx *tx, void *arg, struct fc_error *e)
{
    static const char *const series[] = {"a"};
    const struct fc_model_create *c = arg;
    const struct fc_model_ready r = {.model = c->model, .version = 1, .report = "{}", .weights = "no weights at all", .weights_n = 17,
                                     .series = series, .nseries = 1, .trained_until = START};
    return fc_tx_model_ready(tx, &r, e);
}

static void test_a_killed_daemon_counts_deaths(void **state)
{
    struct fixture *f = *state;
    struct fc_app app;
    struct fc_model_create once, thrice, done;
    leave_running(f, &once, 1);
    leave_running(f, &thrice, 2);
    leave_running(f, &done, 0); /* killed between the model's commit and the job's */
    OK(fc_store_write_wait(f->store, write_ready, &done, &E));
    struct fc_jobs *jobs = start_jobs(f, &app, 1, 10);
    check_failed(f, &thrice, "\"code\":\"crashed\"");
    wait_state(f, once.job, "succeeded");
    struct fc_job_row row = job_row(f, once.job);
    assert_int_equal(row.deaths, 2);
    fc_job_row_free(&row);
    wait_state(f, done.job, "succeeded");
    struct fc_blob blob;
    OK(fc_store_model_weights(f->store, done.model, 1, &blob, &E)); /* it was not trained again */
    assert_int_equal(blob.n, 17);
    free(blob.data);
    fc_jobs_stop(jobs);
    fc_jobs_stop(NULL);
}

/* ---- many at once ---- */

static void test_jobs_side_by_side_with_cancels(void **state)
{
    struct fixture *f = *state;
    struct fc_app app;
    struct fc_model_create c[12];
    struct fc_jobs *jobs = start_jobs(f, &app, 3, 100);
    for (size_t i = 0; i < 12; i++)
        must_submit(jobs, NULL, i % 3 == 2 ? LONG : QUICK, &c[i]);
    for (size_t i = 2; i < 12; i += 3) {
        struct fc_job_row row;
        OK(fc_jobs_cancel(jobs, c[i].job, &row, &E));
        fc_job_row_free(&row);
    }
    for (size_t i = 0; i < 12; i++)
        wait_state(f, c[i].job, i % 3 == 2 ? "cancelled" : "succeeded");
    fc_jobs_stop(jobs);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        T(test_a_job_succeeds),
        T(test_same_bytes_with_one_lane_or_two),
        T(test_a_job_fails),
        T(test_time_limit_ends_with_the_best_so_far),
        T(test_queue_is_bounded),
        T(test_progress_is_fresh_in_memory_and_follows_in_the_store),
        T(test_the_end_of_a_job_is_written_when_the_store_was_busy),
        T(test_graceful_stop_queues_again),
        T(test_a_killed_daemon_counts_deaths),
        T(test_jobs_side_by_side_with_cancels),
    };
    fc_log_init(FC_LOG_ERROR, false);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
