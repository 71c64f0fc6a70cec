/* test_codec_series.c: settings of a series in and out. */
#include "codec_series.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum fc_status decode(const char *text, struct fc_series_change *c, struct fc_error *e)
{
    struct fc_buf body = {0};
    fc_buf_text(&body, text);
    enum fc_status s = fc_codec_series_change(&body, c, e);
    fc_buf_free(&body);
    return s;
}

static void test_all_fields(void **state)
{
    (void)state;
    struct fc_series_change c;
    struct fc_error e;
    assert_int_equal(decode("{\"unit\":\"MW\",\"labels\":{\"site\":\"a\",\"x\":\"\\u00e9\"},\"step\":\"60m\",\"season\":[24,168],\"aggregate\":\"sum\",\"delay\":\"5m\","
                            "\"min\":-1.5,\"max\":10,\"integer\":true,\"model\":\"m1\"}", &c, &e), FC_OK);
    assert_int_equal(c.mask, 1023);
    assert_string_equal(c.row.unit, "MW");
    assert_string_equal(c.row.labels, "{\"site\":\"a\",\"x\":\"\xC3\xA9\"}");
    assert_int_equal(c.row.step.ms, 3600000);
    assert_true(c.row.season_set && c.row.season.n == 2 && c.row.season.period[1] == 168);
    assert_int_equal(c.row.aggregate, FC_SUM);
    assert_int_equal(c.row.delay.ms, 300000);
    assert_true(c.row.bounds.min == -1.5 && c.row.bounds.max == 10 && c.row.bounds.integer);
    assert_string_equal(c.row.model, "m1");
    fc_series_row_free(&c.row);
}

static void test_null_clears(void **state)
{
    (void)state;
    struct fc_series_change c;
    struct fc_error e;
    assert_int_equal(decode("{\"unit\":null,\"labels\":null,\"step\":null,\"season\":null,\"aggregate\":null,\"delay\":null,\"min\":null,\"max\":null,\"integer\":null,\"model\":null}", &c, &e), FC_OK);
    assert_int_equal(c.mask, 1023);
    assert_null(c.row.unit);
    assert_null(c.row.model);
    assert_string_equal(c.row.labels, "{}");
    assert_true(!fc_step_known(c.row.step) && !c.row.season_set && c.row.aggregate == FC_MEAN && c.row.delay.ms == 0);
    assert_true(c.row.bounds.min == -INFINITY && c.row.bounds.max == INFINITY && !c.row.bounds.integer);
    fc_series_row_free(&c.row);
}

static void test_only_what_is_given(void **state)
{
    (void)state;
    static const struct { const char *text; unsigned mask; } row[] = {
        {"{}", 0}, {"{\"unit\":\"x\"}", FC_SET_UNIT}, {"{\"season\":[],\"delay\":\"0s\"}", FC_SET_SEASON | FC_SET_DELAY}, {"{\"max\":1}", FC_SET_MAX}, {"{\"delay\":\"00ms\"}", FC_SET_DELAY},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct fc_series_change c;
        struct fc_error e;
        assert_int_equal(decode(row[i].text, &c, &e), FC_OK);
        assert_int_equal(c.mask, row[i].mask);
        assert_int_equal(c.row.season_set, (row[i].mask & FC_SET_SEASON) != 0);
        fc_series_row_free(&c.row);
    }
}

static void test_wrong(void **state)
{
    (void)state;
    static const struct { const char *text, *code, *pointer; } row[] = {
        {"[]", "wrong_type", ""}, {"{\"units\":\"x\"}", "unknown_field", "/units"}, {"{\"timezone\":\"UTC\"}", "not_supported", "/timezone"}, {"{\"unit\":5}", "wrong_type", "/unit"},
        {"{\"unit\":\"\"}", "bad_length", "/unit"}, {"{\"labels\":[]}", "wrong_type", "/labels"}, {"{\"labels\":{\"a/b\":1}}", "wrong_type", "/labels/a~1b"},
        {"{\"labels\":{\"a\":null}}", "wrong_type", "/labels/a"}, {"{\"labels\":{\"\":\"x\"}}", "bad_label", "/labels/"}, {"{\"labels\":{\"id\":\"x\"}}", "bad_label", "/labels/id"},
        {"{\"step\":\"often\"}", "bad_step", "/step"}, {"{\"step\":\"0s\"}", "bad_step", "/step"}, {"{\"step\":3600}", "wrong_type", "/step"}, {"{\"season\":1}", "bad_season", "/season"},
        {"{\"season\":[24,24]}", "bad_season", "/season/1"}, {"{\"aggregate\":\"median\"}", "bad_aggregate", "/aggregate"}, {"{\"delay\":\"1mo\"}", "bad_delay", "/delay"},
        {"{\"delay\":0}", "wrong_type", "/delay"}, {"{\"delay\":\"0x\"}", "bad_step", "/delay"}, {"{\"min\":\"0\"}", "wrong_type", "/min"},
        {"{\"max\":1e999}", "number_out_of_range", "/max"}, {"{\"integer\":1}", "wrong_type", "/integer"}, {"{\"model\":7}", "wrong_type", "/model"}, {"{\"unit\":\"a\",\"unit\":\"b\"}", "duplicate_key", "/unit"},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct fc_series_change c;
        struct fc_error e = {0};
        enum fc_status s = decode(row[i].text, &c, &e);
        if (s != FC_INVALID || strcmp(e.code, row[i].code) != 0 || strcmp(e.pointer, row[i].pointer) != 0)
            fail_msg("%s: status %d, code %s, pointer %s, detail %s", row[i].text, s, e.code, e.pointer, e.detail);
    }
}

static void test_too_many_labels(void **state)
{
    (void)state;
    for (int n = 64; n <= 65; n++) {
        struct fc_buf b = {0};
        struct fc_series_change c;
        struct fc_error e;
        fc_buf_text(&b, "{\"labels\":{");
        for (int i = 0; i < n; i++)
            fc_buf_format(&b, "%s\"l%d\":\"v\"", i ? "," : "", i);
        fc_buf_text(&b, "}}");
        enum fc_status s = fc_codec_series_change(&b, &c, &e);
        assert_int_equal(s, n == 64 ? FC_OK : FC_INVALID);
        if (s == FC_OK)
            fc_series_row_free(&c.row);
        fc_buf_free(&b);
    }
}

static void assert_document(const struct fc_series_row *row, const struct fc_insight *insight, enum fc_time_style style, const char *want)
{
    struct fc_buf b = {0};
    struct fc_out o = {&b, false};
    fc_codec_series(&o, row, insight, style);
    assert_true(fc_buf_terminate(&b));
    assert_string_equal(b.data, want);
    fc_buf_free(&b);
}

static void test_document(void **state)
{
    (void)state;
    char unit[] = "MW", labels[] = "{\"site\":\"a\"}", model[] = "m1";
    struct fc_series_row row = {.id = "load", .unit = unit, .labels = labels, .points = 3, .missing = 1, .first = 0, .last = 7200000, .revision = 12,
                                .bounds = {0, INFINITY, true}, .model = model, .created_at = 1000, .updated_at = 2000, .delay = {300000, 0}};
    struct fc_insight insight = {.step = {3600000, 0}, .step_inferred = true, .season = {2, {24, 168}}, .season_inferred = true};
    assert_document(&row, &insight, FC_TIME_RFC3339,
                    "{\"id\":\"load\",\"unit\":\"MW\",\"labels\":{\"site\":\"a\"},\"step\":\"1h\",\"step_inferred\":true,\"season\":[24,168],\"aggregate\":\"mean\",\"delay\":\"5m\","
                    "\"points\":3,\"missing\":1,\"first\":\"1970-01-01T00:00:00Z\",\"last\":\"1970-01-01T02:00:00Z\",\"revision\":12,\"min\":0,\"max\":null,\"integer\":true,"
                    "\"model\":\"m1\",\"created_at\":\"1970-01-01T00:00:01Z\",\"updated_at\":\"1970-01-01T00:00:02Z\"}");
    row.step = (struct fc_step){0, 1};
    row.season_set = true;
    assert_document(&row, &insight, FC_TIME_S,
                    "{\"id\":\"load\",\"unit\":\"MW\",\"labels\":{\"site\":\"a\"},\"step\":\"1mo\",\"step_inferred\":false,\"season\":[],\"aggregate\":\"mean\",\"delay\":\"5m\","
                    "\"points\":3,\"missing\":1,\"first\":0,\"last\":7200,\"revision\":12,\"min\":0,\"max\":null,\"integer\":true,\"model\":\"m1\",\"created_at\":1,\"updated_at\":2}");
    struct fc_series_row bare = {.id = "x", .bounds = {-INFINITY, INFINITY, false}};
    struct fc_insight nothing = {0};
    assert_document(&bare, &nothing, FC_TIME_MS,
                    "{\"id\":\"x\",\"unit\":null,\"labels\":{},\"step\":null,\"step_inferred\":false,\"season\":[],\"aggregate\":\"mean\",\"delay\":\"0s\",\"points\":0,\"missing\":0,"
                    "\"first\":null,\"last\":null,\"revision\":0,\"min\":null,\"max\":null,\"integer\":false,\"model\":null,\"created_at\":0,\"updated_at\":0}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_fields), cmocka_unit_test(test_null_clears), cmocka_unit_test(test_only_what_is_given), cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_too_many_labels), cmocka_unit_test(test_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
