/* test_service.c: series from a real store to forecasts without a model: insight, how far back is read, classical answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fixture_answers.h"
#include "service_parts.h"

static double seven(size_t i, unsigned seed)
{
    (void)i;
    (void)seed;
    return 7;
}

static void check_same(const struct fc_forecast *a, const struct fc_forecast *b)
{
    assert_int_equal(a->n, b->n);
    assert_memory_equal(a->time, b->time, a->n * sizeof *a->time);
    assert_memory_equal(a->median, b->median, a->n * sizeof *a->median);
    assert_memory_equal(a->lower, b->lower, a->n * a->nlevels * sizeof *a->lower);
    assert_memory_equal(a->upper, b->upper, a->n * a->nlevels * sizeof *a->upper);
}

/* ---- insight ---- */

static struct fc_insight insight_of(struct fixture *f, const char *id)
{
    struct fc_series_row row;
    struct fc_insight i;
    memset(&row, 0, sizeof row);
    OK(fc_store_series_get(f->store, id, &row, &E));
    OK(fc_service_insight(f->service, &row, &i, &E));
    struct fc_insight again;
    OK(fc_service_insight(f->service, &row, &again, &E));
    assert_int_equal(i.step.ms, again.step.ms);
    assert_int_equal(i.season.n, again.season.n);
    assert_int_equal(i.step_inferred, again.step_inferred);
    fc_series_row_free(&row);
    return i;
}

static void test_insight(void **state)
{
    struct fixture *f = *state;
    put_series(f, "hourly", 600, HOUR, rhythm, 1);
    struct fc_insight i = insight_of(f, "hourly");
    assert_int_equal(i.step.ms, HOUR);
    assert_true(i.step_inferred);
    assert_true(i.season_inferred);
    assert_true(i.season.n >= 1);
    assert_int_equal(i.season.period[0], 24);

    struct fc_series_row row;
    memset(&row, 0, sizeof row);
    strcpy(row.id, "hourly");
    row.step.ms = 2 * HOUR;
    row.season = (struct fc_season){.n = 1, .period = {12}};
    row.season_set = true;
    put_settings(f, &row, FC_SET_STEP | FC_SET_SEASON); /* a new revision: the cached insight no longer counts */
    i = insight_of(f, "hourly");
    assert_int_equal(i.step.ms, 2 * HOUR);
    assert_false(i.step_inferred);
    assert_false(i.season_inferred);
    assert_int_equal(i.season.period[0], 12);

    put_series(f, "one", 1, HOUR, rhythm, 1);
    assert_false(fc_step_known(insight_of(f, "one").step));
    put_series(f, "void", 50, HOUR, missing, 1);
    assert_int_equal(insight_of(f, "void").season.n, 0);
    memset(&row, 0, sizeof row);
    strcpy(row.id, "empty");
    put_settings(f, &row, 0);
    assert_false(insight_of(f, "empty").step_inferred);
}

static void test_insight_of_a_series_that_came_back(void **state)
{
    struct fixture *f = *state;
    put_series(f, "s", 600, HOUR, rhythm, 1);
    assert_int_equal(insight_of(f, "s").step.ms, HOUR);
    usleep(2000); /* created_at counts milliseconds */
    OK(fc_store_write_wait(f->store, delete_series, (void *)(uintptr_t)"s", &E));
    put_series(f, "s", 600, 2 * HOUR, rhythm, 1);
    assert_int_equal(insight_of(f, "s").step.ms, 2 * HOUR);
}

/* ---- without a model ---- */

static void test_classical(void **state)
{
    struct fixture *f = *state;
    struct fc_answer a;
    struct fc_error e;
    put_series(f, "load", 400, HOUR, rhythm, 1);
    assert_int_equal(ask(f, "load", NULL, 0, &a, &e), FC_OK);
    check_answer(&a, 24); /* one season */
    assert_true(warned(&a, "no_model"));
    assert_string_equal(a.model, "");
    assert_string_equal(a.series, "load");
    assert_int_equal(a.last, START + 399 * HOUR);
    assert_int_equal(a.revision, 1);
    assert_true(a.valid_until == FC_TIME_MAX);
    assert_non_null(strstr(a.forecast.why, "no model"));
    fc_answer_free(&a);
}

static void test_series_that_are_hard_to_forecast(void **state)
{
    struct fixture *f = *state;
    struct fc_answer a;
    struct fc_error e;
    put_series(f, "short", 3, HOUR, rhythm, 1);
    assert_int_equal(ask(f, "short", NULL, 7, &a, &e), FC_OK);
    check_answer(&a, 7);
    assert_true(warned(&a, "short_series"));
    fc_answer_free(&a);

    put_series(f, "constant", 100, HOUR, seven, 1);
    assert_int_equal(ask(f, "constant", NULL, 5, &a, &e), FC_OK);
    check_answer(&a, 5);
    assert_true(warned(&a, "constant_series"));
    assert_true(fabs(a.forecast.median[4] - 7) <= 1e-9);
    fc_answer_free(&a);

    put_series(f, "one", 1, HOUR, seven, 1);
    check_refused(f, "one", NULL, FC_INVALID, "step_unknown", "one");
    put_step(f, "one", HOUR);
    assert_int_equal(ask(f, "one", NULL, 5, &a, &e), FC_OK);
    check_answer(&a, 5);
    fc_answer_free(&a);

    put_series(f, "void", 100, HOUR, missing, 1);
    check_refused(f, "void", NULL, FC_INVALID, "no_observations", "void");
    check_refused(f, "nowhere", NULL, FC_NOT_FOUND, "unknown_series", "nowhere");
    put_series(f, "load", 100, HOUR, rhythm, 1);
    check_refused(f, "load", "nobody", FC_NOT_FOUND, "unknown_model", "nobody");
}

/* A long gap hides neither the season nor the history before it. */
static double gappy(size_t i, unsigned seed)
{
    return i >= 5000 && i < 11995 ? NAN : rhythm(i, seed);
}

static void test_a_long_gap_hides_nothing(void **state)
{
    struct fixture *f = *state;
    struct fc_answer a;
    struct fc_error e;
    put_series(f, "gappy", 12000, HOUR, gappy, 1);
    assert_int_equal(ask(f, "gappy", NULL, 24, &a, &e), FC_OK);
    check_answer(&a, 24);
    assert_false(warned(&a, "short_series"));
    double least = a.forecast.median[0], most = least;
    for (size_t h = 1; h < 24; h++) {
        least = fmin(least, a.forecast.median[h]);
        most = fmax(most, a.forecast.median[h]);
    }
    assert_true(most - least > 1); /* a day's shape, not a flat line */
    fc_answer_free(&a);
}

/* A quarter of an hour's points on steps of an hour, and many more of them than are read at once. */
static double quarters(size_t i, unsigned seed)
{
    return rhythm(i / 4, seed) + (double)(i % 4);
}

static void test_the_answer_does_not_depend_on_older_points(void **state)
{
    struct fixture *f = *state;
    const size_t n = 30000, half = 12000;
    struct fc_answer a, b;
    struct fc_error e;
    put_series(f, "long", n, HOUR / 4, quarters, 1);
    put_step(f, "long", HOUR);
    /* the same but for what lies before the newest FC_BASE_STEPS steps */
    fc_time *time = malloc(n * sizeof *time);
    double *x = malloc(n * sizeof *x);
    assert_non_null(time);
    assert_non_null(x);
    for (size_t i = 0; i < n; i++) {
        time[i] = START + (int64_t)i * HOUR / 4;
        x[i] = i < half ? 1e6 : quarters(i, 1);
    }
    assert_true((n - half) / 4 > FC_BASE_STEPS);
    struct fc_points_write w = {.id = "other", .time = time, .value = x, .n = n};
    OK(fc_store_write_wait(f->store, write_points, &w, &E));
    put_step(f, "other", HOUR);
    assert_int_equal(ask(f, "long", NULL, 30, &a, &e), FC_OK);
    assert_int_equal(ask(f, "other", NULL, 30, &b, &e), FC_OK);
    assert_int_equal(a.step.ms, HOUR);
    assert_int_equal(a.last, START + (int64_t)(n / 4 - 1) * HOUR);
    check_same(&a.forecast, &b.forecast);
    fc_answer_free(&a);
    fc_answer_free(&b);

    /* points at hand give the same answer as stored ones, whatever their order and with one of them twice */
    struct fc_points_write p = {.id = "long", .time = time + half, .value = x + half, .n = n - half, .step = {.ms = HOUR}};
    for (size_t i = half; i < n; i++)
        x[i] = quarters(i, 1);
    const fc_time t = time[half];
    time[half] = time[n - 1]; /* the first is a second value for the last time; the later one counts */
    x[half] = 1e9;
    assert_int_equal(ask(f, "long", NULL, 30, &a, &e), FC_OK);
    memset(&b, 0, sizeof b);
    OK(fc_service_forecast_points(f->service, &p, NULL, 30, levels, 2, NOW, &b, &E));
    check_same(&a.forecast, &b.forecast);
    assert_true(warned(&b, "no_model"));
    fc_answer_free(&a);
    fc_answer_free(&b);
    time[half] = t;

    p = (struct fc_points_write){.id = "none", .time = time, .value = x, .n = 0};
    assert_int_equal(fc_service_forecast_points(f->service, &p, NULL, 30, levels, 2, NOW, &b, &e), FC_INVALID);
    assert_string_equal(e.code, "no_observations");
    free(time);
    free(x);
}

static double saw(size_t i, unsigned period)
{
    return (double)(i % period);
}

/* 5,000 steps are more than FC_BASE_STEPS: the last season must be read all the same. */
static void test_a_season_that_is_longer_than_the_base_steps(void **state)
{
    enum { N = 20000, SEASON = 5000 };
    struct fixture *f = *state;
    struct fc_answer a;
    struct fc_error e;
    struct fc_series_row row;
    memset(&row, 0, sizeof row);
    put_series(f, "long", N, HOUR, saw, SEASON);
    strcpy(row.id, "long");
    row.season = (struct fc_season){.n = 1, .period = {SEASON}};
    put_settings(f, &row, FC_SET_SEASON);
    assert_int_equal(ask(f, "long", NULL, 10, &a, &e), FC_OK);
    for (size_t h = 0; h < 10; h++)
        assert_true(fabs(a.forecast.median[h] - (double)h) <= 1e-9);
    fc_answer_free(&a);

    struct fc_points p = {0};
    OK(fc_store_points_tail(f->store, "long", N, NULL, &p, &E));
    const struct fc_points_write w = {.id = "at hand", .time = p.time, .value = p.value, .n = p.n, .season = row.season};
    OK(fc_service_forecast_points(f->service, &w, NULL, 10, levels, 2, NOW, &a, &E));
    for (size_t h = 0; h < 10; h++)
        assert_true(fabs(a.forecast.median[h] - (double)h) <= 1e-9);
    fc_answer_free(&a);
    fc_points_free(&p);
}

/* A day of minutes: two of them show in the base steps, and then sixteen are read. */
static void test_an_inferred_season_says_how_far_back_to_read(void **state)
{
    enum { DAY = 1440, N = 20 * DAY };
    struct fixture *f = *state;
    struct fc_loaded l;
    put_series(f, "minutes", N, HOUR / 60, saw, DAY);
    for (int i = 0; i < 2; i++) { /* the second time its season is known */
        OK(fc_service_load(f->service, "minutes", (struct fc_reach){.seasons = 16}, (struct fc_step){0, 0}, NOW, &l, &E));
        assert_true(l.insight.season_inferred);
        assert_int_equal(l.grid.season.period[0], DAY);
        assert_int_equal(l.grid.n, 16 * DAY);
        fc_loaded_free(&l);
    }
    OK(fc_service_load(f->service, "minutes", (struct fc_reach){.seasons = 30}, (struct fc_step){0, 0}, NOW, &l, &E));
    assert_int_equal(l.grid.n, N);
    fc_loaded_free(&l);
    OK(fc_service_load(f->service, "minutes", (struct fc_reach){.steps = 5000}, (struct fc_step){0, 0}, NOW, &l, &E));
    assert_int_equal(l.grid.n, 5000);
    fc_loaded_free(&l);
}

static void test_a_bucket_that_has_not_ended_is_left_out_until_it_has(void **state)
{
    struct fixture *f = *state;
    struct fc_answer a;
    put_series(f, "q", 402, HOUR / 4, quarters, 1); /* the last hour has two of its four quarters */
    put_step(f, "q", HOUR);
    memset(&a, 0, sizeof a);
    const fc_time now = START + 401 * HOUR / 4 + 1;
    OK(fc_service_forecast(f->service, "q", NULL, 3, levels, 2, now, &a, &E));
    assert_int_equal(a.last, START + 99 * HOUR);
    assert_int_equal(a.valid_until, START + 101 * HOUR);
    fc_answer_free(&a);
    OK(fc_service_forecast(f->service, "q", NULL, 3, levels, 2, START + 101 * HOUR, &a, &E));
    assert_int_equal(a.last, START + 100 * HOUR);
    fc_answer_free(&a);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        T(test_insight),
        T(test_insight_of_a_series_that_came_back),
        T(test_classical),
        T(test_series_that_are_hard_to_forecast),
        T(test_a_long_gap_hides_nothing),
        T(test_the_answer_does_not_depend_on_older_points),
        T(test_a_season_that_is_longer_than_the_base_steps),
        T(test_an_inferred_season_says_how_far_back_to_read),
        T(test_a_bucket_that_has_not_ended_is_left_out_until_it_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
