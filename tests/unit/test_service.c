/* test_service.c: series from a real store to forecasts: insight, the choice of who answers, training, issued forecasts, and the caches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fixture_service.h"
#include "forecast_cache.h"

#include <pthread.h>
#include <stdatomic.h>

static const double levels[] = {80, 95};
#define NOW (START + 400 * 24 * HOUR)

static double seven(size_t i, unsigned seed)
{
    (void)i;
    (void)seed;
    return 7;
}

struct put { struct fc_series_row *row; unsigned mask; };

static enum fc_status write_settings(struct fc_store_tx *tx, void *arg, struct fc_error *e)
{
    struct put *p = arg;
    bool created;
    return fc_tx_series_put(tx, p->row, p->mask, &created, e);
}

static void put_settings(struct fixture *f, struct fc_series_row *row, unsigned mask)
{
    struct put p = {row, mask};
    OK(fc_store_write_wait(f->store, write_settings, &p, &E));
}

static void put_step(struct fixture *f, const char *id, int64_t ms)
{
    struct fc_series_row row;
    memset(&row, 0, sizeof row);
    strcpy(row.id, id);
    row.step.ms = ms;
    put_settings(f, &row, FC_SET_STEP);
}

static enum fc_status delete_series(struct fc_store_tx *tx, void *arg, struct fc_error *e)
{
    return fc_tx_series_delete(tx, arg, e);
}

static bool warned(const struct fc_answer *a, const char *code)
{
    for (size_t i = 0; i < a->forecast.warnings.n; i++)
        if (strcmp(a->forecast.warnings.code[i], code) == 0)
            return true;
    return false;
}

static enum fc_status ask(struct fixture *f, const char *series, const char *model, size_t horizon, struct fc_answer *a, struct fc_error *e)
{
    memset(a, 0, sizeof *a);
    memset(e, 0, sizeof *e);
    return fc_service_forecast(f->service, series, model, horizon, levels, 2, NOW, a, e);
}

static void check_refused(struct fixture *f, const char *series, const char *model, enum fc_status status, const char *code, const char *named)
{
    struct fc_answer a;
    struct fc_error e;
    assert_int_equal(ask(f, series, model, 5, &a, &e), status);
    assert_string_equal(e.code, code);
    assert_non_null(strstr(e.detail, named));
}

/* Finite, nested, on the grid after `last`. */
static void check_answer(const struct fc_answer *a, size_t horizon)
{
    const struct fc_forecast *f = &a->forecast;
    assert_int_equal(f->n, horizon);
    assert_int_equal(f->nlevels, 2);
    for (size_t h = 0; h < horizon; h++) {
        assert_int_equal(f->time[h], fc_step_at(a->step, a->last, (int64_t)h + 1));
        assert_true(isfinite(f->mean[h]));
        assert_true(f->lower[horizon + h] <= f->lower[h] && f->lower[h] <= f->median[h]);
        assert_true(f->median[h] <= f->upper[h] && f->upper[h] <= f->upper[horizon + h]);
    }
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

/* ---- training ---- */

static enum fc_status write_model(struct fc_store_tx *tx, void *arg, struct fc_error *e)
{
    return fc_tx_model_create(tx, arg, e);
}

struct training {
    struct fc_model_create create;
    struct fc_training t;
    struct fc_hooks hooks;
    atomic_int progress, fits;
    atomic_bool stop;
};

static bool hook_stop(void *ctx)
{
    return atomic_load(&((struct training *)ctx)->stop);
}

static void hook_progress(void *ctx, const struct fc_progress *p)
{
    assert_true(p->fraction >= 0 && p->fraction <= 1);
    atomic_fetch_add(&((struct training *)ctx)->progress, 1);
}

static void fit_begins(void *ctx)
{
    atomic_fetch_add(&((struct training *)ctx)->fits, 1);
}

static void training_init(struct fixture *f, struct training *x, const char *name, const char *const *series, size_t n)
{
    memset(x, 0, sizeof *x);
    x->create = (struct fc_model_create){.name = name, .spec = "{}", .series = series, .nseries = n, .request = "{}"};
    OK(fc_store_write_wait(f->store, write_model, &x->create, &E));
    x->hooks = (struct fc_hooks){.ctx = x, .stop = hook_stop, .progress = hook_progress};
    x->t = (struct fc_training){.model = x->create.model, .version = x->create.version, .series = series, .nseries = n, .levels = levels,
                                .nlevels = 2, .now = NOW, .lanes = &fc_lanes_serial, .hooks = &x->hooks, .fit_begins = fit_begins};
    fc_spec_init(&x->t.spec);
    x->t.spec.horizon = 12;
    x->t.spec.hidden = 8;
    x->t.spec.epochs = 2;
}

static struct fc_model_row model_row(struct fixture *f, const char *model)
{
    struct fc_model_row row;
    memset(&row, 0, sizeof row);
    OK(fc_store_model_get(f->store, model, 0, &row, &E));
    return row;
}

static void check_issued(struct fixture *f, const char *series, const char *model)
{
    struct fc_issued *issued = NULL;
    size_t n = 0;
    struct fc_answer a;
    struct fc_error e;
    OK(fc_store_issued_list(f->store, series, FC_TIME_MIN, FC_TIME_MAX, FC_TIME_MAX, NULL, 10, &issued, &n, &E));
    assert_int_equal(n, 1);
    assert_string_equal(issued[0].model, model);
    assert_true(issued[0].issued_at >= NOW && issued[0].issued_at <= NOW + 600000);
    assert_int_equal(ask(f, series, NULL, 0, &a, &e), FC_OK); /* what was issued is what a GET answers */
    check_answer(&a, 12);
    assert_int_equal(issued[0].n, 12);
    assert_int_equal(issued[0].nlevels, 2);
    assert_int_equal(issued[0].last, a.last);
    assert_int_equal(issued[0].revision, a.revision);
    for (size_t h = 0; h < 12; h++) {
        assert_int_equal(issued[0].time[h], a.forecast.time[h]);
        assert_true(issued[0].median[h] == a.forecast.median[h]);
        assert_true(issued[0].upper[12 + h] == a.forecast.upper[12 + h]);
    }
    assert_string_equal(a.model, model);
    assert_string_equal(a.model_name, "day");
    assert_int_equal(a.version, 1);
    assert_false(warned(&a, "no_model"));
    assert_non_null(strstr(a.forecast.why, "newest ready one"));
    fc_answer_free(&a);
    fc_issued_rows_free(issued, n);
}

static void test_train_and_answer(void **state)
{
    static const char *const series[] = {"a", "b", "c", "daily", "nowhere", "void"};
    struct fixture *f = *state;
    struct training x;
    struct fc_answer a;
    struct fc_error e;
    for (unsigned i = 0; i < 3; i++)
        put_series(f, series[i], 500 + i, HOUR, rhythm, i);
    put_series(f, "daily", 500, 24 * HOUR, rhythm, 1);
    put_series(f, "void", 90, HOUR, missing, 1);
    put_series(f, "other", 400, HOUR, rhythm, 9);
    training_init(f, &x, "day", series, 6);
    check_refused(f, "a", "day", FC_CONFLICT, "model_not_ready", "day");

    OK(fc_service_train(f->service, &x.t, &E));
    assert_string_equal(x.t.skipped, "[{\"series\":\"daily\",\"code\":\"step_mismatch\"},{\"series\":\"nowhere\",\"code\":\"unknown_series\"},"
                                     "{\"series\":\"void\",\"code\":\"no_observations\"}]");
    free(x.t.skipped);
    assert_int_equal(x.fits, 1);
    assert_true(x.progress >= 1);
    struct fc_model_row row = model_row(f, "day");
    assert_string_equal(row.state, "ready");
    assert_int_equal(row.trained_until, START + 501 * HOUR);
    assert_non_null(strstr(row.spec, "\"horizon\":12"));
    assert_non_null(strstr(row.report, "\"mase\""));
    fc_model_row_free(&row);
    struct fc_strings ids;
    OK(fc_store_model_series(f->store, x.create.model, 1, &ids, NULL, &E));
    assert_int_equal(ids.n, 3);
    fc_strings_free(&ids);
    for (unsigned i = 0; i < 3; i++)
        check_issued(f, series[i], x.create.model);

    assert_int_equal(ask(f, "other", NULL, 5, &a, &e), FC_OK); /* it was not trained on this one */
    assert_true(warned(&a, "no_model"));
    fc_answer_free(&a);
    assert_int_equal(ask(f, "other", "day", 0, &a, &e), FC_OK); /* but answers for it when asked */
    check_answer(&a, 12);
    assert_non_null(strstr(a.forecast.why, "asked for"));
    fc_answer_free(&a);
    check_refused(f, "daily", "day", FC_INVALID, "step_mismatch", "1d");

    struct fc_series_row pin;
    memset(&pin, 0, sizeof pin);
    strcpy(pin.id, "other");
    pin.model = x.create.model;
    put_settings(f, &pin, FC_SET_MODEL);
    assert_int_equal(ask(f, "other", NULL, 40, &a, &e), FC_OK);
    check_answer(&a, 40);
    assert_non_null(strstr(a.forecast.why, "pinned"));
    assert_true(warned(&a, "beyond_trained_horizon"));
    fc_answer_free(&a);

    put_step(f, "a", 2 * HOUR); /* its newest model no longer fits: it answers all the same */
    assert_int_equal(ask(f, "a", NULL, 5, &a, &e), FC_OK);
    assert_true(warned(&a, "no_model"));
    assert_int_equal(a.step.ms, 2 * HOUR);
    assert_non_null(strstr(a.forecast.why, "another step"));
    fc_answer_free(&a);
}

static void test_training_that_cannot_be(void **state)
{
    static const char *const series[] = {"void", "a"};
    struct fixture *f = *state;
    struct training x;
    struct fc_error e;
    put_series(f, "void", 90, HOUR, missing, 1);
    put_series(f, "a", 500, HOUR, rhythm, 1);
    training_init(f, &x, NULL, series, 1);
    assert_int_equal(fc_service_train(f->service, &x.t, &e), FC_INVALID);
    assert_string_equal(e.code, "nothing_to_train");
    assert_string_equal(x.t.skipped, "[{\"series\":\"void\",\"code\":\"no_observations\"}]");
    free(x.t.skipped);
    x.t.nseries = 0;
    x.t.skipped = NULL;
    assert_int_equal(fc_service_train(f->service, &x.t, &e), FC_INVALID);
    assert_string_equal(e.code, "nothing_to_train");

    training_init(f, &x, NULL, series, 2);
    atomic_store(&x.stop, true);
    assert_int_equal(fc_service_train(f->service, &x.t, &e), FC_CANCELLED);
    free(x.t.skipped);
    struct fc_model_row row = model_row(f, x.create.model);
    assert_string_equal(row.state, "training");
    assert_int_equal(row.ready_version, 0);
    fc_model_row_free(&row);
}

static enum fc_status delete_model(struct fc_store_tx *tx, void *arg, struct fc_error *e)
{
    return fc_tx_model_delete(tx, arg, e);
}

struct race { struct fixture *f; struct training x; const char *victim; };

static void progress_deletes(void *ctx, const struct fc_progress *p)
{
    struct race *r = ctx;
    (void)p;
    if (r->victim)
        OK(fc_store_write_wait(r->f->store, delete_series, (void *)(uintptr_t)r->victim, &E));
    else
        OK(fc_store_write_wait(r->f->store, delete_model, r->x.create.model, &E));
    r->x.hooks.progress = hook_progress;
    r->x.hooks.ctx = &r->x;
}

static void test_series_or_model_deleted_during_training(void **state)
{
    static const char *const series[] = {"a", "b"};
    struct fixture *f = *state;
    struct race r = {.f = f, .victim = "b"};
    struct fc_answer a;
    struct fc_error e;
    put_series(f, "a", 500, HOUR, rhythm, 1);
    put_series(f, "b", 500, HOUR, rhythm, 2);
    training_init(f, &r.x, NULL, series, 2);
    r.x.hooks = (struct fc_hooks){.ctx = &r, .progress = progress_deletes};
    r.x.t.fit_begins = NULL;
    OK(fc_service_train(f->service, &r.x.t, &E));
    free(r.x.t.skipped);
    assert_int_equal(ask(f, "a", r.x.create.model, 5, &a, &e), FC_OK);
    fc_answer_free(&a);
    check_refused(f, "b", NULL, FC_NOT_FOUND, "unknown_series", "b");

    r.victim = NULL;
    training_init(f, &r.x, NULL, series, 1);
    r.x.hooks = (struct fc_hooks){.ctx = &r, .progress = progress_deletes};
    r.x.t.fit_begins = NULL;
    assert_int_equal(fc_service_train(f->service, &r.x.t, &e), FC_NOT_FOUND);
    free(r.x.t.skipped);
    assert_int_equal(ask(f, "a", r.x.create.model, 5, &a, &e), FC_NOT_FOUND);
}

/* ---- many threads ---- */

struct reader { struct fixture *f; const char *model; struct fc_forecast *want; };

static void *read_forecasts(void *arg)
{
    struct reader *r = arg;
    for (int i = 0; i < 10; i++) {
        struct fc_answer a;
        struct fc_error e;
        if (ask(r->f, "a", r->model, 12, &a, &e) != FC_OK || memcmp(a.forecast.median, r->want->median, 12 * sizeof(double)) != 0)
            return arg;
        fc_answer_free(&a);
    }
    return NULL;
}

static void test_threads_share_a_model(void **state)
{
    static const char *const series[] = {"a"};
    struct fixture *f = *state;
    struct training x;
    struct fc_answer a;
    struct fc_error e;
    put_series(f, "a", 500, HOUR, rhythm, 1);
    training_init(f, &x, NULL, series, 1);
    OK(fc_service_train(f->service, &x.t, &E));
    free(x.t.skipped);
    assert_int_equal(ask(f, "a", NULL, 12, &a, &e), FC_OK);
    fc_service_free(f->service); /* so that the threads meet an empty cache */
    OK(fc_service_new(f->store, &f->service, &E));
    struct reader r = {f, x.create.model, &a.forecast};
    pthread_t thread[4];
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, read_forecasts, &r), 0);
    for (size_t i = 0; i < 4; i++) {
        void *failed = NULL;
        pthread_join(thread[i], &failed);
        assert_null(failed);
    }
    fc_answer_free(&a);
}

/* ---- ready-made answers ---- */

static struct fc_shared_body *text(const char *s)
{
    struct fc_buf b = {0};
    fc_buf_text(&b, s);
    struct fc_shared_body *body = fc_shared_body_new(FC_JSON, &b);
    assert_non_null(body);
    return body;
}

static bool cached(struct fc_forecast_cache *c, const char *key, fc_time now)
{
    struct fc_shared_body *body = fc_forecast_cache_get(c, key, now);
    if (body)
        fc_shared_body_unref(body);
    return body != NULL;
}

static void keep(struct fc_forecast_cache *c, const char *key, const char *series, fc_time until, size_t bytes)
{
    struct fc_shared_body *body = text(key);
    fc_forecast_cache_put(c, key, series, fc_forecast_cache_stamps(c, series), until, body, bytes);
    fc_shared_body_unref(body);
}

static void test_ready_made_answers(void **state)
{
    static const char *const series[] = {"a"};
    struct fixture *f = *state;
    struct fc_forecast_cache *c = fc_service_cached(f->service);
    struct training x;
    put_series(f, "a", 10, HOUR, rhythm, 1);
    assert_false(cached(c, "a 24", NOW));
    keep(c, "a 24", "a", NOW + 5, 100);
    keep(c, "b 24", "b", FC_TIME_MAX, 100);
    assert_true(cached(c, "a 24", NOW));
    assert_true(cached(c, "a 24", NOW + 4));
    assert_false(cached(c, "a 25", NOW));
    assert_false(cached(c, "a 24", NOW + 5)); /* its time is over */
    assert_true(cached(c, "b 24", NOW + 5));

    keep(c, "a 24", "a", FC_TIME_MAX, 100);
    const struct fc_stamps before = fc_forecast_cache_stamps(c, "a");
    put_series(f, "a", 11, HOUR, rhythm, 1);
    assert_false(cached(c, "a 24", NOW)); /* the series changed */
    struct fc_shared_body *body = text("old");
    fc_forecast_cache_put(c, "a 24", "a", before, FC_TIME_MAX, body, 100);
    fc_shared_body_unref(body);
    assert_false(cached(c, "a 24", NOW)); /* computed from what was before the change */

    keep(c, "a 24", "a", FC_TIME_MAX, 100);
    assert_true(cached(c, "a 24", NOW));
    training_init(f, &x, NULL, series, 1); /* the models changed */
    assert_false(cached(c, "a 24", NOW));

    char key[32];
    for (int i = 0; i < 5000; i++) {
        snprintf(key, sizeof key, "key %d", i);
        keep(c, key, "a", FC_TIME_MAX, 100000);
        assert_true(cached(c, "key 0", NOW)); /* used again and again, so it stays */
    }
    assert_true(cached(c, "key 4999", NOW));
    assert_false(cached(c, "key 1", NOW));
    keep(c, "huge", "a", FC_TIME_MAX, (size_t)1 << 40);
    assert_false(cached(c, "huge", NOW));
    struct fc_forecast_cache_stats s;
    fc_forecast_cache_get_stats(c, &s);
    assert_true(s.entries > 100 && s.bytes <= (size_t)32 << 20);
    assert_true(s.hits > 5000 && s.misses >= 6);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        T(test_insight),
        T(test_insight_of_a_series_that_came_back),
        T(test_classical),
        T(test_series_that_are_hard_to_forecast),
        T(test_the_answer_does_not_depend_on_older_points),
        T(test_a_bucket_that_has_not_ended_is_left_out_until_it_has),
        T(test_train_and_answer),
        T(test_training_that_cannot_be),
        T(test_series_or_model_deleted_during_training),
        T(test_threads_share_a_model),
        T(test_ready_made_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
