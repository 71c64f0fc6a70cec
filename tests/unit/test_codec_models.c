/* test_codec_models.c: the training request and the documents of models, jobs and forecasts, each text parsed again or compared whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec_forecast.h"
#include "codec_jobs.h"
#include "codec_models.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static enum fc_status decode(const char *json, struct fc_training_request *q, struct fc_error *e)
{
    memset(e, 0, sizeof *e);
    memset(q, 0, sizeof *q);
    return fc_codec_training_request(json, strlen(json), q, e);
}

static void test_defaults(void **state)
{
    (void)state;
    struct fc_training_request q;
    struct fc_error e;
    assert_int_equal(decode("{\"series\":[\"load\",\"wind\"],\"horizon\":48}", &q, &e), FC_OK);
    assert_false(q.has_name);
    assert_int_equal(q.series.n, 2);
    assert_string_equal(q.series.item[1], "wind");
    assert_int_equal(q.spec.horizon, 48);
    assert_string_equal(q.spec.method, "auto");
    assert_int_equal(q.spec.epochs, 0);
    assert_true(isnan(q.spec.learning_rate));
    assert_int_equal(q.nlevels, 2);
    assert_true(q.levels[0] == 80 && q.levels[1] == 95);
    fc_training_request_free(&q);
}

static void test_every_field(void **state)
{
    (void)state;
    static const char json[] =
        "{\"name\":\"load-day-ahead\",\"series\":{\"match\":\"{site=\\\"a\\\"}\"},\"horizon\":24,\"method\":\"gru\",\"levels\":[97.5,50],"
        "\"lookback\":336,\"season\":[24,168],\"scaling\":null,\"network\":{\"cell\":\"gru\",\"layers\":1,\"hidden\":32,\"dropout\":0},"
        "\"training\":{\"epochs\":7,\"batch\":16,\"learning_rate\":0.002,\"clip_norm\":0.5,\"patience\":3,\"seed\":9,\"time_limit\":\"90s\"}}";
    struct fc_training_request q;
    struct fc_error e;
    assert_int_equal(decode(json, &q, &e), FC_OK);
    assert_string_equal(q.name, "load-day-ahead");
    assert_string_equal(q.match, "{site=\"a\"}");
    assert_true(q.levels[0] == 50 && q.levels[1] == 97.5 && q.nlevels == 2);
    assert_int_equal(q.spec.lookback, 336);
    assert_int_equal(q.spec.season.n, 2);
    assert_int_equal(q.spec.season.period[1], 168);
    assert_int_equal(q.spec.hidden, 32);
    assert_int_equal(q.spec.seed, 9);
    assert_true(q.spec.learning_rate == 0.002 && q.spec.clip_norm == 0.5 && q.spec.time_limit == 90);

    struct fc_buf text = { 0 };
    fc_codec_spec(&q.spec, (struct fc_step){ .ms = 3600000 }, q.levels, q.nlevels, &text);
    assert_true(fc_buf_terminate(&text));
    assert_string_equal(
        text.data,
        "{\"method\":\"gru\",\"horizon\":24,\"levels\":[50,97.5],\"step\":\"1h\",\"lookback\":336,\"season\":[24,168],\"scaling\":null,\"loss\":null,"
        "\"network\":{\"cell\":\"gru\",\"layers\":1,\"hidden\":32,\"patch\":null},\"training\":{\"epochs\":7,\"batch\":16,"
        "\"learning_rate\":0.002,\"clip_norm\":0.5,\"patience\":3,\"seed\":9,\"time_limit\":\"90s\"}}");
    fc_buf_free(&text);
    fc_training_request_free(&q);

    assert_int_equal(decode("{\"series\":\"*\",\"horizon\":1}", &q, &e), FC_OK);
    assert_true(q.all && q.series.n == 0);
    fc_training_request_free(&q);
}

/* Each refusal, with its code, where it points to, and a word of its detail. */
static const struct refusal {
    const char *json;
    enum fc_status status;
    const char *code, *pointer, *word;
} refusals[] = {
    { "", FC_UNREADABLE, "empty_body", NULL, "" },
    { "{\"series\":[\"a\"],\"horizon\":1", FC_UNREADABLE, "invalid_json", NULL, "" },
    { "{\"series\":[\"a\"],\"horizon\":1,\"horizon\":2}", FC_INVALID, "duplicate_key", "/horizon", "horizon" },
    { "{\"series\":[\"a\"]}", FC_INVALID, "missing_field", "/horizon", "horizon" },
    { "{\"horizon\":1}", FC_INVALID, "missing_field", "/series", "series" },
    { "{\"series\":[\"a\"],\"horizon\":0}", FC_INVALID, "out_of_range", "/horizon", "0" },
    { "{\"series\":[\"a\"],\"horizon\":1000000}", FC_INVALID, "out_of_range", "/horizon", "1000000" },
    { "{\"series\":[\"a\"],\"horizon\":1.5}", FC_INVALID, "out_of_range", "/horizon", "1.5" },
    { "{\"series\":[\"a\"],\"horizon\":\"24\"}", FC_INVALID, "wrong_type", "/horizon", "24" },
    { "{\"series\":[\"a\"],\"horizon\":1,\"horizn\":2}", FC_INVALID, "unknown_field", "/horizn", "horizn" },
    { "{\"series\":[],\"horizon\":1}", FC_INVALID, "no_series", "/series", "[]" },
    { "{\"series\":\"load\",\"horizon\":1}", FC_INVALID, "wrong_type", "/series", "load" },
    { "{\"series\":[\"a\",7],\"horizon\":1}", FC_INVALID, "wrong_type", "/series/1", "7" },
    { "{\"series\":[\"a\",\"..\"],\"horizon\":1}", FC_INVALID, "bad_series_id", "/series/1", ".." },
    { "{\"series\":[\"b\",\"a\",\"b\"],\"horizon\":1}", FC_INVALID, "duplicate_series", "/series/2", "b" },
    { "{\"series\":{},\"horizon\":1}", FC_INVALID, "missing_field", "/series/match", "match" },
    { "{\"series\":{\"match\":\"{}\",\"x\":1},\"horizon\":1}", FC_INVALID, "unknown_field", "/series/x", "x" },
    { "{\"series\":\"*\",\"horizon\":1,\"name\":\"\"}", FC_INVALID, "bad_length", "/name", "name" },
    { "{\"series\":\"*\",\"horizon\":1,\"name\":\"a\\nb\"}", FC_INVALID, "bad_name", "/name", "name" },
    { "{\"series\":\"*\",\"horizon\":1,\"method\":\"magic\"}", FC_INVALID, "unknown_method", "/method", "magic" },
    { "{\"series\":\"*\",\"horizon\":1,\"method\":\"seasonal_naive\",\"network\":{\"cell\":\"gru\"}}", FC_INVALID, "method_and_cell_disagree",
      "/network/cell", "gru" },
    { "{\"series\":\"*\",\"horizon\":1,\"network\":{\"cell\":\"qrnn\"}}", FC_INVALID, "unknown_name", "/network/cell", "qrnn" },
    { "{\"series\":\"*\",\"horizon\":1,\"network\":{\"width\":1}}", FC_INVALID, "unknown_field", "/network/width", "width" },
    { "{\"series\":\"*\",\"horizon\":1,\"network\":{\"hidden\":0}}", FC_INVALID, "out_of_range", "/network/hidden", "0" },
    { "{\"series\":\"*\",\"horizon\":1,\"network\":{\"hidden\":4000000000}}", FC_INVALID, "out_of_range", "/network/hidden", "4000000000" },
    { "{\"series\":\"*\",\"horizon\":1,\"network\":{\"dropout\":0.1}}", FC_INVALID, "not_supported", "/network/dropout", "0.1" },
    { "{\"series\":\"*\",\"horizon\":1,\"network\":[]}", FC_INVALID, "wrong_type", "/network", "network" },
    { "{\"series\":\"*\",\"horizon\":1,\"training\":{\"epochs\":0}}", FC_INVALID, "out_of_range", "/training/epochs", "0" },
    { "{\"series\":\"*\",\"horizon\":1,\"training\":{\"learning_rate\":0}}", FC_INVALID, "out_of_range", "/training/learning_rate", "0" },
    { "{\"series\":\"*\",\"horizon\":1,\"training\":{\"clip_norm\":-1}}", FC_INVALID, "out_of_range", "/training/clip_norm", "-1" },
    { "{\"series\":\"*\",\"horizon\":1,\"training\":{\"time_limit\":\"soon\"}}", FC_INVALID, "bad_duration", "/training/time_limit", "soon" },
    { "{\"series\":\"*\",\"horizon\":1,\"training\":{\"time_limit\":\"1mo\"}}", FC_INVALID, "bad_duration", "/training/time_limit", "1mo" },
    { "{\"series\":\"*\",\"horizon\":1,\"training\":{\"time_limit\":0}}", FC_INVALID, "out_of_range", "/training/time_limit", "0" },
    { "{\"series\":\"*\",\"horizon\":1,\"training\":{\"speed\":1}}", FC_INVALID, "unknown_field", "/training/speed", "speed" },
    { "{\"series\":\"*\",\"horizon\":1,\"levels\":[]}", FC_INVALID, "bad_levels", "/levels", "[]" },
    { "{\"series\":\"*\",\"horizon\":1,\"levels\":[80,100]}", FC_INVALID, "bad_levels", "/levels/1", "100" },
    { "{\"series\":\"*\",\"horizon\":1,\"levels\":[80,80.0]}", FC_INVALID, "bad_levels", "/levels/1", "80" },
    { "{\"series\":\"*\",\"horizon\":1,\"levels\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]}", FC_INVALID, "bad_levels", "/levels/16", "17" },
    { "{\"series\":\"*\",\"horizon\":1,\"levels\":[\"80\"]}", FC_INVALID, "wrong_type", "/levels/0", "80" },
    { "{\"series\":\"*\",\"horizon\":1,\"season\":[1]}", FC_INVALID, "bad_season", NULL, "1" },
    { "{\"series\":\"*\",\"horizon\":1,\"promote\":\"always\"}", FC_INVALID, "not_supported", "/promote", "promote" },
    { "{\"series\":\"*\",\"horizon\":1,\"retrain\":{\"every\":\"1d\"}}", FC_INVALID, "not_supported", "/retrain", "retrain" },
    { "{\"series\":\"*\",\"horizon\":1,\"issue\":{\"every\":\"1d\"}}", FC_INVALID, "not_supported", "/issue", "issue" },
    { "{\"series\":\"*\",\"horizon\":1,\"covariates\":[]}", FC_INVALID, "not_supported", "/covariates", "covariates" },
    { "{\"series\":\"*\",\"horizon\":1,\"holidays\":\"DE\"}", FC_INVALID, "not_supported", "/holidays", "holidays" },
};

static void test_refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        const struct refusal *want = &refusals[i];
        struct fc_training_request q;
        struct fc_error e;
        enum fc_status s = decode(want->json, &q, &e);
        if (s != want->status || strcmp(e.code, want->code) != 0 || (want->pointer != NULL && strcmp(e.pointer, want->pointer) != 0) ||
            strstr(e.detail, want->word) == NULL)
            fail_msg("%s gave %d %s at %s: %s", want->json, s, e.code, e.pointer, e.detail);
        assert_true(q.series.item == NULL && q.match == NULL); /* outputs change only on success */
    }
}

static struct cJSON *parse(const struct fc_buf *text)
{
    assert_false(text->failed);
    struct cJSON *v = cJSON_ParseWithLength(text->data, text->n);
    assert_non_null(v);
    return v;
}

static double number_at(const struct cJSON *v, const char *a, const char *b, const char *c)
{
    v = cJSON_GetObjectItemCaseSensitive(v, a);
    if (b != NULL)
        v = cJSON_GetObjectItemCaseSensitive(v, b);
    if (c != NULL)
        v = cJSON_GetObjectItemCaseSensitive(v, c);
    return cJSON_IsNumber(v) ? v->valuedouble : NAN;
}

/* The report's text as the store keeps it, then inside a model document. */
static void test_report_and_model(void **state)
{
    (void)state;
    struct fc_epoch history[] = { { 0.5, 0.6, 2 }, { 0.4, NAN, 1 } };
    struct fc_spec spec;
    fc_spec_init(&spec);
    spec.horizon = 12;
    struct fc_report r = { .metrics = { .mae = 1.5,
                                        .rmse = 2,
                                        .smape = 3,
                                        .mase = NAN,
                                        .nlevels = 2,
                                        .level = { 80, 97.5 },
                                        .coverage = { 0.8, 0.97 },
                                        .mean_width = { 1, 2 } },
                           .seasonal_naive = { .mae = 9, .nlevels = 1, .level = { 80 }, .coverage = { 0.5 }, .mean_width = { 7 } },
                           .calibration = { "conformal", "pooled", 8, 3312 },
                           .history = history,
                           .nhistory = 2,
                           .answers = "gru" };
    fc_warn(&r.warnings, "time_limit_reached");
    struct fc_buf report = { 0 }, stored_spec = { 0 }, text = { 0 };
    fc_codec_report(&r, &spec, &report);
    fc_codec_spec(&spec, (struct fc_step){ .months = 1 }, (double[]){ 80, 97.5 }, 2, &stored_spec);
    assert_true(fc_buf_terminate(&report) && fc_buf_terminate(&stored_spec));

    struct fc_model_row m = { .id = "m1",
                              .version = 2,
                              .ready_version = 2,
                              .state = "ready",
                              .job = "j1",
                              .spec = stored_spec.data,
                              .report = report.data,
                              .trained_until = 0 + 86400000,
                              .created_at = 1000,
                              .updated_at = 1500 };
    char *ids[] = { (char *)(uintptr_t) "a\"b", (char *)(uintptr_t) "c" };
    struct fc_strings series = { ids, 2 }, removed = { ids + 1, 1 };
    fc_codec_model(&m, &series, &removed, FC_TIME_RFC3339, &text);
    struct cJSON *doc = parse(&text);
    assert_true(number_at(doc, "metrics", "coverage", "97.5") == 0.97);
    assert_true(number_at(doc, "metrics", "mean_width", "80") == 1);
    assert_true(cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(doc, "metrics"), "mase")));
    assert_true(number_at(doc, "seasonal_naive", "mae", NULL) == 9);
    assert_true(number_at(cJSON_GetObjectItemCaseSensitive(doc, "metrics"), "seasonal_naive", "mae", NULL) == 9);
    assert_true(number_at(doc, "calibration", "scores", NULL) == 3312);
    assert_true(number_at(doc, "horizon", NULL, NULL) == 12);
    assert_true(number_at(doc, "version", NULL, NULL) == 2);
    assert_string_equal(cJSON_GetObjectItemCaseSensitive(doc, "step")->valuestring, "1mo");
    assert_string_equal(cJSON_GetObjectItemCaseSensitive(doc, "answers")->valuestring, "gru");
    assert_string_equal(cJSON_GetObjectItemCaseSensitive(doc, "trained_until")->valuestring, "1970-01-02T00:00:00Z");
    assert_string_equal(cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(doc, "series"), 0)->valuestring, "a\"b");
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(doc, "removed_series")), 1);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(doc, "history")), 2);
    assert_true(cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(doc, "name")));
    assert_true(fc_buf_terminate(&text));
    assert_null(strstr(text.data, "nan"));
    cJSON_Delete(doc);
    fc_buf_free(&text);
    fc_buf_free(&report);
    fc_buf_free(&stored_spec);
}

/* The state of the version shown, even while an older one is ready; a cancelled training reads as failed. */
static void test_states(void **state)
{
    (void)state;
    static const struct {
        const char *row;
        int ready;
        const char *want;
    } cases[] = {
        { "training", 0, "training" }, { "training", 1, "training" }, { "ready", 2, "ready" },
        { "failed", 0, "failed" },     { "cancelled", 0, "failed" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fc_strings none = { 0 };
        struct fc_model_row m = { .id = "m1", .version = 2, .ready_version = cases[i].ready, .spec = (char *)(uintptr_t) "{}" };
        memcpy(m.state, cases[i].row, strlen(cases[i].row) + 1);
        struct fc_buf text = { 0 };
        fc_codec_model(&m, &none, &none, FC_TIME_MS, &text);
        struct cJSON *doc = parse(&text);
        assert_string_equal(cJSON_GetObjectItemCaseSensitive(doc, "state")->valuestring, cases[i].want);
        assert_true(cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(doc, "metrics")));
        assert_true(cJSON_IsNumber(cJSON_GetObjectItemCaseSensitive(doc, "created_at")));
        cJSON_Delete(doc);
        fc_buf_free(&text);
    }
}

static void test_job(void **state)
{
    (void)state;
    struct fc_job_row j = { .id = "j1",
                            .kind = "train",
                            .state = "running",
                            .model = "m1",
                            .version = 1,
                            .progress = 0.42,
                            .epoch = 21,
                            .epochs = 50,
                            .loss = 0.113,
                            .validation_loss = NAN,
                            .eta_seconds = 14,
                            .created_at = 1000,
                            .started_at = 2000 };
    struct fc_buf text = { 0 };
    fc_codec_job(&j, FC_TIME_RFC3339, &text);
    assert_true(fc_buf_terminate(&text));
    assert_string_equal(text.data, "{\"id\":\"j1\",\"kind\":\"train\",\"state\":\"running\",\"progress\":0.42,\"epoch\":21,\"epochs\":50,\"loss\":0."
                                   "113,\"validation_loss\":null,"
                                   "\"eta_seconds\":14,\"model\":\"m1\",\"skipped\":[],\"error\":null,\"created_at\":\"1970-01-01T00:00:01Z\","
                                   "\"started_at\":\"1970-01-01T00:00:02Z\",\"finished_at\":null}");
    fc_buf_free(&text);
}

/* Two steps of one level; the answer borrows its arrays. */
static struct fc_answer answer(void)
{
    static fc_time time[] = { 0, 3600500 };
    static double mean[] = { 1, 0.1 }, median[] = { 1, 0.2 }, lower[] = { 0.5, -1 }, upper[] = { 2, 1e21 };
    struct fc_answer a = {
        .series = "a,\"b\"", .version = 3, .step = { .ms = 3600000 }, .last = -3600000, .revision = 12, .valid_until = FC_TIME_MAX
    };
    a.forecast = (struct fc_forecast){ .method = "seasonal_naive",
                                       .calibration = { "none", "series", 0, 0 },
                                       .why = "no model was trained on it",
                                       .n = 2,
                                       .nlevels = 1,
                                       .time = time,
                                       .mean = mean,
                                       .median = median,
                                       .level = { 97.5 },
                                       .lower = lower,
                                       .upper = upper };
    fc_warn(&a.forecast.warnings, "no_model");
    return a;
}

static void test_answer_shapes(void **state)
{
    (void)state;
    struct fc_answer a = answer();
    struct fc_levels levels = { 1, { 97.5 } };
    struct fc_buf text = { 0 };
    fc_codec_answer(&a, FC_SHAPE_DOCUMENT, FC_TIME_RFC3339, &text);
    assert_true(fc_buf_terminate(&text));
    assert_string_equal(
        text.data,
        "{\"series\":\"a,\\\"b\\\"\",\"model\":null,\"version\":null,\"method\":\"seasonal_naive\",\"step\":\"1h\",\"last\":\"1969-12-31T23:00:00Z\","
        "\"revision\":12,\"levels\":[97.5],\"calibration\":{\"method\":\"none\",\"scope\":\"series\",\"origins\":0,\"scores\":0},"
        "\"why\":\"no model was trained on it\",\"warnings\":[\"no_model\"],\"forecast\":["
        "{\"timestamp\":\"1970-01-01T00:00:00Z\",\"mean\":1,\"median\":1,\"lower_97.5\":0.5,\"upper_97.5\":2},"
        "{\"timestamp\":\"1970-01-01T01:00:00.500Z\",\"mean\":0.1,\"median\":0.2,\"lower_97.5\":-1,\"upper_97.5\":1e+21}]}");
    text.n = 0;
    fc_codec_answer(&a, FC_SHAPE_COLUMNS, FC_TIME_S, &text);
    assert_true(fc_buf_terminate(&text));
    assert_string_equal(text.data,
                        "{\"timestamps\":[0,3600.5],\"mean\":[1,0.1],\"median\":[1,0.2],\"lower_97.5\":[0.5,-1],\"upper_97.5\":[2,1e+21]}");
    text.n = 0;
    fc_codec_forecast_csv_header(&levels, true, &text);
    fc_codec_answer_csv(&a, true, FC_TIME_MS, &text);
    assert_true(fc_buf_terminate(&text));
    assert_string_equal(
        text.data, "series,timestamp,mean,median,lower_97.5,upper_97.5\n\"a,\"\"b\"\"\",0,1,1,0.5,2\n\"a,\"\"b\"\"\",3600500,0.1,0.2,-1,1e+21\n");
    fc_buf_free(&text);
}

/* A model shows by its name where it has one; a number that is not finite is null, never NaN. */
static void test_answer_model_and_null(void **state)
{
    (void)state;
    struct fc_answer a = answer();
    double bad[] = { NAN, INFINITY };
    a.forecast.mean = bad;
    memcpy(a.model, "m1", 3);
    struct fc_buf text = { 0 };
    fc_codec_answer(&a, FC_SHAPE_ROWS, FC_TIME_RFC3339, &text);
    struct cJSON *rows = parse(&text);
    assert_true(cJSON_IsArray(rows));
    assert_true(cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(rows, 0), "mean")));
    assert_true(cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(rows, 1), "mean")));
    cJSON_Delete(rows);
    static const char *const shown[] = { "m1", "load-day-ahead" };
    for (size_t i = 0; i < 2; i++) {
        text.n = 0;
        a.model_name = i == 0 ? NULL : (char *)(uintptr_t)shown[1];
        fc_codec_answer_issued(&a, "f1", 1000, FC_TIME_RFC3339, &text);
        struct cJSON *doc = parse(&text);
        assert_string_equal(cJSON_GetObjectItemCaseSensitive(doc, "model")->valuestring, shown[i]);
        assert_true(number_at(doc, "version", NULL, NULL) == 3);
        assert_string_equal(cJSON_GetObjectItemCaseSensitive(doc, "issued_at")->valuestring, "1970-01-01T00:00:01Z");
        cJSON_Delete(doc);
    }
    fc_buf_free(&text);
}

static void test_query_words(void **state)
{
    (void)state;
    struct fc_error e;
    struct fc_levels l;
    uint32_t horizon = 7;
    enum fc_shape shape;
    assert_int_equal(fc_levels_parse("95,80,97.5", &l, &e), FC_OK);
    assert_true(l.n == 3 && l.level[0] == 80 && l.level[1] == 95 && l.level[2] == 97.5);
    assert_int_equal(fc_levels_parse(NULL, &l, &e), FC_OK);
    assert_int_equal(l.n, 2);
    static const char *const bad[] = { "", "80,", ",80", "80,x", "0", "100", "-5", "nan", "80,80", "0x50", "1e999", "80;95" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (fc_levels_parse(bad[i], &l, &e) != FC_INVALID || strcmp(e.code, "bad_levels") != 0)
            fail_msg("levels=%s was taken", bad[i]);
    assert_int_equal(fc_horizon_parse(NULL, 10, &horizon, &e), FC_OK);
    assert_int_equal(horizon, 7);
    assert_int_equal(fc_horizon_parse("10", 10, &horizon, &e), FC_OK);
    assert_int_equal(horizon, 10);
    static const char *const far[] = { "0", "11", "1000000", "-1", "1.5", "", " 1", "99999999999999999999" };
    for (size_t i = 0; i < sizeof far / sizeof far[0]; i++)
        if (fc_horizon_parse(far[i], 10, &horizon, &e) != FC_INVALID || strstr(e.detail, far[i]) == NULL)
            fail_msg("horizon=%s was taken", far[i]);
    assert_int_equal(fc_shape_parse("rows", &shape, &e), FC_OK);
    assert_int_equal(shape, FC_SHAPE_ROWS);
    assert_int_equal(fc_shape_parse("table", &shape, &e), FC_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),      cmocka_unit_test(test_every_field),
        cmocka_unit_test(test_refusals),      cmocka_unit_test(test_report_and_model),
        cmocka_unit_test(test_states),        cmocka_unit_test(test_job),
        cmocka_unit_test(test_answer_shapes), cmocka_unit_test(test_answer_model_and_null),
        cmocka_unit_test(test_query_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
