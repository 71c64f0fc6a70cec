/* test_service_train.c: from a training to issued forecasts and answers, what changes meanwhile, and many threads with one model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fixture_answers.h"

#include <pthread.h>

/* ---- training ---- */

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

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        T(test_train_and_answer),
        T(test_training_that_cannot_be),
        T(test_series_or_model_deleted_during_training),
        T(test_threads_share_a_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
