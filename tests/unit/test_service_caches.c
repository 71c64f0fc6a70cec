/* test_service_caches.c: what the service keeps: ready-made answers, fitted models. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fixture_answers.h"
#include "forecast_cache.h"
#include "service_parts.h"

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

/* ---- fitted models ---- */

static enum fc_status delete_model(struct fc_store_tx *tx, void *arg, struct fc_error *e)
{
    return fc_tx_model_delete(tx, arg, e);
}

/* The bound is below every model: the one lent last stays, so that it is not read again for each answer. */
static void test_a_model_above_the_bound_is_kept(void **state)
{
    static const char *const series[] = {"a"};
    struct fixture *f = *state;
    struct fc_model_cache *c = NULL;
    const struct fc_held *h = NULL, *other = NULL;
    struct training x[2];
    struct fc_error e;
    put_series(f, "a", 500, HOUR, rhythm, 1);
    for (size_t i = 0; i < 2; i++) {
        training_init(f, &x[i], NULL, series, 1);
        OK(fc_service_train(f->service, &x[i].t, &E));
        free(x[i].t.skipped);
    }
    OK(fc_model_cache_new(f->store, 1, &c, &E));
    OK(fc_model_cache_hold(c, x[0].create.model, 1, &h, &E));
    OK(fc_model_cache_hold(c, x[1].create.model, 1, &other, &E));
    fc_model_cache_release(c, h);
    fc_model_cache_release(c, other);
    for (size_t i = 0; i < 2; i++) /* now neither can be read any more */
        OK(fc_store_write_wait(f->store, delete_model, x[i].create.model, &E));
    assert_int_equal(fc_model_cache_hold(c, x[0].create.model, 1, &h, &e), FC_NOT_FOUND);
    for (int i = 0; i < 3; i++) {
        OK(fc_model_cache_hold(c, x[1].create.model, 1, &h, &E));
        assert_ptr_equal(h, other);
        fc_model_cache_release(c, h);
    }
    fc_model_cache_free(c);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        T(test_ready_made_answers),
        T(test_a_model_above_the_bound_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
