/* test_model.c: fits, forecasts and model files through core/model.h alone. */
#include "unit.h"

#include "blas_guard.h"
#include "clean.h"
#include "model.h"
#include "rng.h"
#include "train.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const double levels[] = {80, 95};
static const struct fc_hooks quiet;

/* A monthly series with trend, season and noise; gaps at multiples of `gap` (0: none). */
static struct fc_series make_series(size_t n, size_t season, double noise, uint64_t seed, size_t gap)
{
    struct fc_series s = {.step = {.months = 1}, .n = n, .season = {season > 1, {(uint32_t)season}}, .bounds = {-INFINITY, INFINITY, false}};
    struct fc_rng rng;
    fc_rng_init(&rng, seed, 9);
    s.value = malloc((n + 1) * sizeof *s.value);
    s.observed = malloc(n + 1);
    assert_true(s.value && s.observed);
    for (size_t i = 0; i < n; i++) {
        s.value[i] = 200 + 0.5 * (double)i + 30 * sin(2 * M_PI * (double)i / (double)season) + noise * fc_rng_normal(&rng);
        s.observed[i] = !(gap && i % gap == gap - 1);
    }
    return s;
}

static struct fc_spec small_spec(const char *method)
{
    struct fc_spec s;
    fc_spec_init(&s);
    strcpy(s.method, method);
    s.horizon = 6;
    s.hidden = 8;
    s.epochs = 12;
    return s;
}

static struct fc_model *fit(struct fc_spec *spec, const struct fc_series *s, size_t n, const struct fc_lanes *lanes, struct fc_report *r)
{
    struct fc_model *m = NULL;
    struct fc_error e = {0};
    enum fc_status st = fc_model_fit(spec, s, n, levels, 2, lanes, &quiet, &m, r, &e);
    if (st != FC_OK)
        print_error("%s: %s\n", e.code, e.detail);
    assert_int_equal(st, FC_OK);
    return m;
}

static void check_forecast(const struct fc_series *s, const struct fc_forecast *f, size_t horizon)
{
    assert_int_equal(f->n, horizon);
    for (size_t h = 0; h < f->n; h++) {
        assert_true(f->lower[f->n + h] <= f->lower[h] && f->lower[h] <= f->median[h]);
        assert_true(f->median[h] <= f->upper[h] && f->upper[h] <= f->upper[f->n + h]);
        assert_true(isfinite(f->mean[h]) && f->lower[f->n + h] >= s->bounds.min && f->upper[f->n + h] <= s->bounds.max);
        assert_int_equal(f->time[h], fc_series_time(s, s->n + h));
    }
}

static void a_network_learns_and_is_kept(void **state)
{
    (void)state;
    struct fc_series s = make_series(160, 12, 3, 1, 0);
    struct fc_spec spec = small_spec("auto");
    struct fc_report r;
    struct fc_model *m = fit(&spec, &s, 1, &fc_lanes_serial, &r);
    assert_string_equal(r.answers, "gru"); /* the trend makes the seasonal naive 6 too low */
    assert_true(r.metrics.mase < r.seasonal_naive.mase);
    assert_true(r.nhistory >= 1 && r.nhistory <= 12 && isfinite(r.history[0].loss) && isfinite(r.history[0].validation_loss) && r.history[0].gradient_norm > 0);
    assert_true(spec.lookback >= 12 && spec.patch == 12 && spec.batch > 0 && isfinite(spec.learning_rate));

    struct fc_forecast f, again;
    struct fc_error e;
    assert_int_equal(fc_model_forecast(m, &s, 6, levels, 2, &f, &e), FC_OK);
    check_forecast(&s, &f, 6);
    for (size_t h = 0; h < 6; h++) {
        double truth = 200 + 0.5 * (double)(160 + h) + 30 * sin(2 * M_PI * (double)(160 + h) / 12);
        assert_true(fabs(f.median[h] - truth) <= 15);
    }
    struct fc_buf bytes = {0};
    struct fc_model *loaded;
    assert_int_equal(fc_model_save(m, &bytes, &e), FC_OK);
    assert_int_equal(fc_model_load(bytes.data, bytes.n, &loaded, &e), FC_OK);
    assert_int_equal(fc_model_forecast(loaded, &s, 6, levels, 2, &again, &e), FC_OK);
    assert_memory_equal(f.median, again.median, 6 * sizeof *f.median);
    assert_memory_equal(f.upper, again.upper, 12 * sizeof *f.upper);
    assert_string_equal(f.why, again.why);
    for (size_t i = 0; i < bytes.n; i += 1 + bytes.n / 97) { /* any flipped byte is found */
        struct fc_model *bad = NULL;
        bytes.data[i] ^= 0x10;
        assert_int_equal(fc_model_load(bytes.data, bytes.n, &bad, &e), FC_CORRUPT);
        bytes.data[i] ^= 0x10;
        assert_int_equal(fc_model_load(bytes.data, i, &bad, &e), FC_CORRUPT);
    }
    fc_buf_free(&bytes);
    fc_forecast_free(&f);
    fc_forecast_free(&again);
    fc_model_free(loaded);
    fc_model_free(m);
    fc_report_free(&r);
    fc_series_free(&s);
}

/* Lanes that run the tasks backwards on four threads: the worst order there is. */
struct slice { void (*task)(void *arg, size_t i); void *arg; size_t n, first; };

static void *run_slice(void *p)
{
    const struct slice *s = p;
    for (size_t i = s->n; i-- > 0;)
        if (i % 4 == s->first)
            s->task(s->arg, i);
    return NULL;
}

static void run_four(void *ctx, size_t n, void (*task)(void *arg, size_t i), void *arg)
{
    (void)ctx;
    pthread_t thread[4];
    struct slice slice[4];
    for (size_t i = 0; i < 4; i++) {
        slice[i] = (struct slice){task, arg, n, i};
        assert_int_equal(pthread_create(&thread[i], NULL, run_slice, &slice[i]), 0);
    }
    for (size_t i = 0; i < 4; i++)
        pthread_join(thread[i], NULL);
}

static void lanes_do_not_change_a_bit(void **state)
{
    (void)state;
    struct fc_series s[3] = {make_series(150, 12, 3, 1, 0), make_series(120, 12, 5, 2, 7), make_series(140, 12, 1, 3, 0)};
    const struct fc_lanes four = {NULL, run_four};
    struct fc_buf one = {0}, other = {0};
    struct fc_error e;
    for (int i = 0; i < 2; i++) {
        struct fc_spec spec = small_spec("gru");
        spec.epochs = 4;
        struct fc_report r;
        struct fc_model *m = fit(&spec, s, 3, i ? &four : &fc_lanes_serial, &r);
        assert_int_equal(fc_model_save(m, i ? &other : &one, &e), FC_OK);
        fc_model_free(m);
        fc_report_free(&r);
    }
    assert_int_equal(one.n, other.n);
    assert_memory_equal(one.data, other.data, one.n);
    fc_buf_free(&one);
    fc_buf_free(&other);
    for (int i = 0; i < 3; i++)
        fc_series_free(&s[i]);
}

static void seeds_differ(void **state)
{
    (void)state;
    struct fc_series s = make_series(120, 12, 3, 1, 0);
    double median[2];
    for (uint64_t i = 0; i < 2; i++) {
        struct fc_spec spec = small_spec("gru");
        spec.epochs = 3;
        spec.seed = i + 1;
        struct fc_report r;
        struct fc_forecast f;
        struct fc_error e;
        struct fc_model *m = fit(&spec, &s, 1, &fc_lanes_serial, &r);
        assert_int_equal(fc_model_forecast(m, &s, 6, levels, 2, &f, &e), FC_OK);
        median[i] = f.median[0];
        fc_forecast_free(&f);
        fc_model_free(m);
        fc_report_free(&r);
    }
    assert_true(median[0] != median[1]);
    fc_series_free(&s);
}

static void beyond_the_horizon_goes_on(void **state)
{
    (void)state;
    struct fc_series s = make_series(150, 12, 3, 1, 0);
    struct fc_spec spec = small_spec("gru");
    struct fc_report r;
    struct fc_forecast near, far;
    struct fc_error e;
    struct fc_model *m = fit(&spec, &s, 1, &fc_lanes_serial, &r);
    assert_int_equal(fc_model_forecast(m, &s, 4, levels, 2, &near, &e), FC_OK);
    assert_int_equal(fc_model_forecast(m, &s, 40, levels, 2, &far, &e), FC_OK);
    check_forecast(&s, &far, 40);
    for (size_t h = 0; h < 4; h++) /* a slice of the same */
        assert_true(near.median[h] == far.median[h] && near.upper[h] == far.upper[h]);
    assert_string_equal(far.warnings.code[0], "beyond_trained_horizon");
    assert_true(far.upper[39] - far.lower[39] > far.upper[3] - far.lower[3]);
    assert_int_equal(near.warnings.n, 0);
    fc_forecast_free(&near);
    fc_forecast_free(&far);
    fc_model_free(m);
    fc_report_free(&r);
    fc_series_free(&s);
}

static bool warned(const struct fc_forecast *f, const char *code)
{
    for (size_t i = 0; i < f->warnings.n; i++)
        if (strcmp(f->warnings.code[i], code) == 0)
            return true;
    return false;
}

static void every_length_gets_an_answer(void **state)
{
    (void)state;
    struct fc_series reference = make_series(150, 12, 3, 1, 0);
    struct fc_spec spec = small_spec("gru");
    struct fc_report r;
    struct fc_error e;
    struct fc_model *m = fit(&spec, &reference, 1, &fc_lanes_serial, &r);
    for (size_t n = 0; n < 60; n++) {
        struct fc_series s = make_series(n, 12, 3, n, 5);
        struct fc_forecast f;
        for (int i = 0; i < 2; i++) {
            enum fc_status st = i ? fc_model_forecast(m, &s, 9, levels, 2, &f, &e) : fc_classical_forecast(&s, 9, levels, 2, &f, &e);
            if (n == 0) {
                assert_int_equal(st, FC_INVALID);
                assert_string_equal(e.code, "no_observations");
                continue;
            }
            assert_int_equal(st, FC_OK);
            check_forecast(&s, &f, 9);
            assert_true(i || warned(&f, "no_model"));
            assert_true(n >= 10 || warned(&f, "short_series"));
            fc_forecast_free(&f);
        }
        fc_series_free(&s);
    }
    fc_model_free(m);
    fc_report_free(&r);
    fc_series_free(&reference);
}

static void bounds_hold(void **state)
{
    (void)state;
    struct fc_series s = make_series(100, 12, 20, 1, 0);
    struct fc_forecast f;
    struct fc_error e;
    s.bounds = (struct fc_bounds){210.5, 240.2, true};
    assert_int_equal(fc_classical_forecast(&s, 12, levels, 2, &f, &e), FC_OK);
    check_forecast(&s, &f, 12);
    for (size_t h = 0; h < 12; h++)
        assert_true(f.median[h] == round(f.median[h]) && f.lower[h] == round(f.lower[h]) && f.upper[h] == round(f.upper[h]));
    fc_forecast_free(&f);
    for (size_t i = 0; i < s.n; i++)
        s.value[i] = 7;
    s.bounds = (struct fc_bounds){-INFINITY, INFINITY, false};
    assert_int_equal(fc_classical_forecast(&s, 12, levels, 2, &f, &e), FC_OK);
    assert_true(f.median[5] == 7 && warned(&f, "constant_series"));
    fc_forecast_free(&f);
    fc_series_free(&s);
}

/* A monthly series that starts on April 30th as a month's end goes on at month ends. */
static void month_ends_stay_month_ends(void **state)
{
    (void)state;
    struct fc_series s = make_series(25, 12, 3, 1, 0);
    struct fc_forecast f;
    struct fc_error e;
    char text[FC_TIME_TEXT];
    assert_int_equal(fc_time_parse("2021-04-30", 10, &s.start, &e), FC_OK);
    s.month_day = 31;
    assert_int_equal(fc_classical_forecast(&s, 1, levels, 2, &f, &e), FC_OK);
    fc_time_format(f.time[0], text);
    assert_string_equal(text, "2023-05-31T00:00:00Z");
    fc_forecast_free(&f);
    fc_series_free(&s);
}

/* Classical answers are the series' own numbers, to the last digit. */
static void classical_answers_lose_no_digit(void **state)
{
    (void)state;
    struct fc_series s = make_series(60, 12, 3, 1, 0);
    struct fc_forecast f;
    struct fc_error e;
    for (size_t i = 0; i < s.n; i++)
        s.value[i] = i % 2 ? 1700000011.123 : 1e300;
    assert_int_equal(fc_classical_forecast(&s, 24, levels, 2, &f, &e), FC_OK);
    for (size_t h = 0; h < 24; h++)
        assert_true(f.median[h] == s.value[48 + h % 12]);
    fc_forecast_free(&f);
    fc_series_free(&s);
}

/* A series that multiplied a hundredfold a while ago: answers and bounds stay near what was seen, in every scaler. */
static void level_shifts_do_not_explode(void **state)
{
    (void)state;
    static const char *const scalings[] = {"standard", "log", "log_standard", "level"};
    struct fc_series s = make_series(150, 12, 1, 1, 0);
    for (size_t i = 0; i < s.n; i++)
        s.value[i] = (i < 120 ? 10 : 1000) + 0.001 * s.value[i];
    for (int i = -1; i < 4; i++) {
        struct fc_forecast f;
        struct fc_error e;
        struct fc_report r = {0};
        struct fc_model *m = NULL;
        struct fc_spec spec = small_spec("gru");
        if (i < 0) {
            assert_int_equal(fc_classical_forecast(&s, 24, levels, 2, &f, &e), FC_OK);
        } else {
            strcpy(spec.scaling, scalings[i]);
            m = fit(&spec, &s, 1, &fc_lanes_serial, &r);
            assert_int_equal(fc_model_forecast(m, &s, 24, levels, 2, &f, &e), FC_OK);
        }
        for (size_t h = 0; h < 24; h++) {
            assert_true(f.upper[24 + h] <= 1000 * 300.0 && f.mean[h] <= f.upper[24 + h] && f.lower[24 + h] >= 0);
            assert_true(i == 1 || i == 2 || f.upper[24 + h] <= 3000);
        }
        fc_forecast_free(&f);
        fc_model_free(m);
        fc_report_free(&r);
    }
    fc_series_free(&s);
}

/* A level of a billion with changes of one: the network still sees the changes. */
static void large_levels_keep_small_changes(void **state)
{
    (void)state;
    struct fc_series s = make_series(160, 12, 3, 1, 0), far = make_series(160, 12, 3, 1, 0);
    double median[2];
    for (size_t i = 0; i < far.n; i++)
        far.value[i] += 1e9;
    for (int i = 0; i < 2; i++) {
        struct fc_spec spec = small_spec("gru");
        struct fc_report r;
        struct fc_forecast f;
        struct fc_error e;
        strcpy(spec.scaling, "standard");
        struct fc_model *m = fit(&spec, i ? &far : &s, 1, &fc_lanes_serial, &r);
        assert_int_equal(fc_model_forecast(m, i ? &far : &s, 6, levels, 2, &f, &e), FC_OK);
        median[i] = f.median[0] - (i ? 1e9 : 0);
        fc_forecast_free(&f);
        fc_model_free(m);
        fc_report_free(&r);
    }
    assert_true(fabs(median[0] - median[1]) <= 0.05);
    fc_series_free(&s);
    fc_series_free(&far);
}

/* One series that no float can hold is skipped; the others train. */
static void one_bad_series_fails_nothing(void **state)
{
    (void)state;
    struct fc_series s[2] = {make_series(160, 12, 3, 1, 0), make_series(160, 12, 3, 2, 0)};
    struct fc_spec spec = small_spec("auto");
    struct fc_report r;
    struct fc_forecast f;
    struct fc_error e;
    for (size_t i = 0; i < s[1].n; i++)
        s[1].value[i] = 1e39;
    struct fc_model *m = fit(&spec, s, 2, &fc_lanes_serial, &r);
    assert_string_equal(r.skipped[1], "out_of_range");
    assert_true(r.trained[0] && !r.trained[1]);
    assert_string_equal(r.answers, "gru");
    assert_int_equal(fc_classical_forecast(&s[1], 6, levels, 2, &f, &e), FC_OK);
    assert_true(f.median[3] == 1e39);
    fc_forecast_free(&f);
    fc_model_free(m);
    fc_report_free(&r);
    fc_series_free(&s[0]);
    fc_series_free(&s[1]);
}

/* Gaps were filled from both sides; what stands before a held-back origin is filled again from its own side alone. */
static void filled_gaps_do_not_know_the_future(void **state)
{
    (void)state;
    struct fc_series s = make_series(40, 4, 1, 5, 0), prefix;
    struct fc_error e;
    size_t first;
    for (size_t i = 0; i < s.n; i++) {
        s.value[i] = (double)i;
        s.observed[i] = i < 2 || i % 3 == 0 || i == 39;
    }
    assert_int_equal(fc_fill_prefix(&s, 8, 20, 26, &prefix, &first, &e), FC_OK);
    assert_true(first <= 8 && s.observed[first] && prefix.n == 26 - first);
    double known = 18; /* the newest observation before 20 */
    for (size_t i = first; i < 20; i++)
        assert_true(s.observed[i] ? prefix.value[i - first] == s.value[i] : prefix.value[i - first] <= known);
    for (size_t i = 20; i < 26; i++)
        assert_true(prefix.value[i - first] == s.value[i] && prefix.observed[i - first] == s.observed[i]);

    /* A change of a held-back observation, and of what cleaning filled with its help, changes nothing before the origin. */
    struct fc_series again;
    s.value[21] = 1000;
    s.value[19] = 700; /* filled */
    assert_int_equal(fc_fill_prefix(&s, 8, 20, 26, &again, &first, &e), FC_OK);
    assert_memory_equal(prefix.value, again.value, (20 - first) * sizeof *again.value);
    fc_series_free(&again);
    fc_series_free(&prefix);
    fc_series_free(&s);
}

static bool stop_now(void *ctx)
{
    return ++*(int *)ctx > 3;
}

static void hooks_end_a_training(void **state)
{
    (void)state;
    struct fc_series s = make_series(150, 12, 3, 1, 0);
    struct fc_spec spec = small_spec("gru");
    struct fc_model *m = NULL;
    struct fc_report r;
    struct fc_error e;
    int polls = 0;
    struct fc_hooks hooks = {&polls, stop_now, NULL, NULL};
    assert_int_equal(fc_model_fit(&spec, &s, 1, levels, 2, &fc_lanes_serial, &hooks, &m, &r, &e), FC_CANCELLED);
    assert_null(m);
    polls = 0;
    hooks = (struct fc_hooks){&polls, NULL, stop_now, NULL};
    assert_int_equal(fc_model_fit(&spec, &s, 1, levels, 2, &fc_lanes_serial, &hooks, &m, &r, &e), FC_OK);
    assert_string_equal(r.warnings.code[0], "time_limit_reached");
    fc_model_free(m);
    fc_report_free(&r);
    fc_series_free(&s);
}

static void nothing_to_train_is_said(void **state)
{
    (void)state;
    struct fc_series s[2] = {make_series(0, 12, 0, 1, 0), make_series(150, 12, 3, 1, 0)};
    struct fc_spec spec = small_spec("auto");
    struct fc_report r;
    struct fc_model *m = NULL;
    struct fc_error e;
    assert_int_equal(fc_model_fit(&spec, s, 1, levels, 2, &fc_lanes_serial, &quiet, &m, &r, &e), FC_INVALID);
    assert_string_equal(e.code, "nothing_to_train");
    m = fit(&spec, s, 2, &fc_lanes_serial, &r);
    assert_string_equal(r.skipped[0], "no_observations");
    assert_true(!r.trained[0] && r.trained[1]);
    fc_model_free(m);
    fc_report_free(&r);
    fc_series_free(&s[0]);
    fc_series_free(&s[1]);
}

static void bad_numbers_stop_a_training(void **state)
{
    (void)state;
    struct fc_series s = make_series(150, 12, 3, 1, 0);
    struct fc_spec spec = small_spec("gru");
    struct fc_report r;
    struct fc_model *m = NULL;
    struct fc_error e;
    s.value[40] = NAN; /* cleaning never lets one through; here the series is not taken */
    assert_int_equal(fc_model_fit(&spec, &s, 1, levels, 2, &fc_lanes_serial, &quiet, &m, &r, &e), FC_INVALID);
    assert_string_equal(e.code, "nothing_to_train");
    fc_series_free(&s);

    /* And if one came as far as a batch, the training stops there. */
    struct fc_shape shape = {.cell = &fc_cell_gru, .patch = 2, .steps = 3, .layers = 1, .hidden = 4, .horizon = 2};
    struct fc_window_plan plan = {fc_scaler_find("level"), 2, 3, 2, 1, 0};
    struct fc_fit_options o = {.loss = fc_loss_find("mae"), .epochs = 2, .run_epochs = 2, .batch = 1, .learning_rate = 0.01, .clip_norm = 1, .seed = 1};
    struct fc_network net;
    struct fc_fit_result result;
    double z[9] = {1, 2, 3, 4, NAN, 6, 7, 8, 9};
    unsigned char observed[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
    struct fc_track track = {z, observed, z, 9, 1};
    struct fc_window window = {0, 6};
    struct fc_pool pool = {&track, &window, 1}, none = {&track, &window, 0};
    struct fc_rng rng;
    assert_int_equal(fc_network_init(&shape, &net, &e), FC_OK);
    fc_real *params = malloc(net.params * sizeof *params);
    assert_non_null(params);
    fc_rng_init(&rng, 1, 1);
    fc_network_start(&net, &rng, params);
    assert_int_equal(fc_fit(&net, &plan, &o, &pool, &none, &fc_lanes_serial, &quiet, params, &result, &e), FC_NUMERIC);
    assert_string_equal(e.code, "not_finite");
    assert_non_null(strstr(e.detail, "epoch 1"));
    assert_non_null(strstr(e.detail, "batch 1"));
    free(params);
}

static void bad_specifications_are_refused(void **state)
{
    (void)state;
    struct fc_spec s = small_spec("gru");
    struct fc_error e;
    s.horizon = 0;
    assert_int_equal(fc_spec_check(&s, &e), FC_INVALID);
    assert_string_equal(e.pointer, "/horizon");
    s = small_spec("oracle");
    assert_int_equal(fc_spec_check(&s, &e), FC_INVALID);
    assert_non_null(strstr(e.detail, "oracle"));
    s = small_spec("seasonal_naive");
    strcpy(s.cell, "gru");
    assert_int_equal(fc_spec_check(&s, &e), FC_INVALID);
    assert_string_equal(e.pointer, "/network/cell");
    s = small_spec("gru");
    s.clip_norm = -1;
    assert_int_equal(fc_spec_check(&s, &e), FC_INVALID);
    s = small_spec("gru");
    s.season = (struct fc_season){2, {12, 12}};
    assert_int_equal(fc_spec_check(&s, &e), FC_INVALID);
}

int main(int argc, char **argv)
{
    (void)argc;
    if (fc_blas_guard(argv))
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_network_learns_and_is_kept), cmocka_unit_test(lanes_do_not_change_a_bit), cmocka_unit_test(seeds_differ),
        cmocka_unit_test(beyond_the_horizon_goes_on), cmocka_unit_test(every_length_gets_an_answer), cmocka_unit_test(bounds_hold), cmocka_unit_test(month_ends_stay_month_ends),
        cmocka_unit_test(classical_answers_lose_no_digit), cmocka_unit_test(level_shifts_do_not_explode), cmocka_unit_test(large_levels_keep_small_changes), cmocka_unit_test(one_bad_series_fails_nothing),
        cmocka_unit_test(filled_gaps_do_not_know_the_future),
        cmocka_unit_test(hooks_end_a_training), cmocka_unit_test(nothing_to_train_is_said), cmocka_unit_test(bad_numbers_stop_a_training),
        cmocka_unit_test(bad_specifications_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
