/* test_codec_doc.c: documents, getters and their errors, the writer, times, CSV cells, cursors, ids and seasons. */
#include "codec.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cjson/cJSON.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum fc_status parse(const char *text, cJSON **doc, struct fc_error *e)
{
    struct fc_buf body = {0};
    fc_buf_text(&body, text);
    enum fc_status s = fc_doc_parse(&body, doc, e);
    fc_buf_free(&body);
    return s;
}

static void assert_error(enum fc_status s, const struct fc_error *e, const char *code, const char *pointer)
{
    assert_int_equal(s, FC_INVALID);
    assert_string_equal(e->code, code);
    assert_string_equal(e->pointer, pointer);
    assert_true(e->detail[0] != 0);
}

static void assert_text(struct fc_buf *b, const char *want)
{
    assert_true(fc_buf_terminate(b));
    assert_string_equal(b->data, want);
    fc_buf_free(b);
}

static void test_parse_and_print(void **state)
{
    (void)state;
    static const char text[] = "{\"a\":[1,0.1,-2.5e-300,9007199254740991,null,true,false],\"b\":{\"\\u00e9\\n\":\"x\\\"y\"},\"c\":[],\"d\":{}}";
    cJSON *doc = NULL;
    struct fc_error e;
    struct fc_buf b = {0};
    assert_int_equal(parse(text, &doc, &e), FC_OK);
    fc_doc_print(&b, doc);
    assert_text(&b, "{\"a\":[1,0.1,-2.5e-300,9007199254740991,null,true,false],\"b\":{\"\xC3\xA9\\n\":\"x\\\"y\"},\"c\":[],\"d\":{}}");
    cJSON_Delete(doc);
}

/* cJSON's own parser cuts a number at 63 characters and then stumbles over the rest. */
static void test_long_number(void **state)
{
    (void)state;
    char text[400] = "{\"x\":0.1";
    cJSON *doc = NULL;
    struct fc_error e;
    size_t n = strlen(text);
    memset(text + n, '0', 300);
    strcpy(text + n + 300, "1}");
    assert_int_equal(parse(text, &doc, &e), FC_OK);
    assert_true(fc_doc_value(fc_doc_get(doc, "x")) == 0.1);
    cJSON_Delete(doc);
}

static void test_parse_refuses(void **state)
{
    (void)state;
    cJSON *doc = NULL;
    struct fc_error e;
    struct fc_buf none = {0};
    assert_int_equal(fc_doc_parse(&none, &doc, &e), FC_UNREADABLE);
    assert_string_equal(e.code, "empty_body");
    assert_int_equal(parse("{\"a\":1}}", &doc, &e), FC_UNREADABLE);
    assert_error(parse("[1]", &doc, &e), &e, "wrong_type", "");
    assert_error(parse("\"x\"", &doc, &e), &e, "wrong_type", "");
    assert_error(parse("{\"a\":1,\"a\":1}", &doc, &e), &e, "duplicate_key", "/a");
    assert_null(doc);
}

static void test_too_many_values(void **state)
{
    (void)state;
    struct fc_buf b = {0};
    struct fc_error e;
    cJSON *doc = NULL;
    fc_buf_text(&b, "{\"a\":[0");
    for (int i = 0; i < FC_DOC_VALUES; i++)
        fc_buf_text(&b, ",0");
    fc_buf_text(&b, "]}");
    assert_int_equal(fc_doc_parse(&b, &doc, &e), FC_TOO_LARGE);
    assert_string_equal(e.code, "document_too_large");
    fc_buf_free(&b);
}

static void test_only_and_require(void **state)
{
    (void)state;
    cJSON *doc = NULL;
    struct fc_error e;
    assert_int_equal(parse("{\"ab\":1,\"c~/d\":2,\"n\":null}", &doc, &e), FC_OK);
    assert_int_equal(fc_doc_only(doc, "", "ab c~/d n", &e), FC_OK);
    assert_error(fc_doc_only(doc, "", "a b ab n", &e), &e, "unknown_field", "/c~0~1d");
    assert_error(fc_doc_only(doc, "/x", "abc c~/d n", &e), &e, "unknown_field", "/x/ab");
    assert_error(fc_doc_only(doc, "", "", &e), &e, "unknown_field", "/ab");
    assert_int_equal(fc_doc_require(doc, "", "ab", &e), FC_OK);
    assert_error(fc_doc_require(doc, "", "ab n", &e), &e, "missing_field", "/n");
    assert_error(fc_doc_require(doc, "/t", "zz ab", &e), &e, "missing_field", "/t/zz");
    assert_true(fc_doc_has(doc, "n"));
    assert_null(fc_doc_get(doc, "n"));
    assert_null(fc_doc_get(doc, "AB"));
    cJSON_Delete(doc);
}

static void test_getters(void **state)
{
    (void)state;
    cJSON *doc = NULL;
    struct fc_error e;
    const char *text = "kept";
    double x = 7;
    uint64_t u = 8;
    uint32_t u32 = 9;
    bool yes = false;
    const cJSON *v = NULL;
    struct fc_step step = {0};
    assert_int_equal(parse("{\"s\":\"text\",\"empty\":\"\",\"x\":2.5,\"u\":42,\"neg\":-1,\"big\":1e300,\"t\":true,\"o\":{},\"a\":[1],\"null\":null,\"step\":\"24h\",\"bad\":\"1 hour\"}", &doc, &e), FC_OK);
    assert_int_equal(fc_doc_string(doc, "", "absent", 9, &text, &e), FC_OK);
    assert_int_equal(fc_doc_string(doc, "", "null", 9, &text, &e), FC_OK);
    assert_string_equal(text, "kept");
    assert_int_equal(fc_doc_string(doc, "", "s", 4, &text, &e), FC_OK);
    assert_string_equal(text, "text");
    assert_error(fc_doc_string(doc, "", "s", 3, &text, &e), &e, "bad_length", "/s");
    assert_error(fc_doc_string(doc, "", "empty", 3, &text, &e), &e, "bad_length", "/empty");
    assert_error(fc_doc_string(doc, "/at", "x", 3, &text, &e), &e, "wrong_type", "/at/x");
    assert_non_null(strstr(e.detail, "x must be a string, not 2.5"));
    assert_int_equal(fc_doc_number(doc, "", "x", 0, 3, &x, &e), FC_OK);
    assert_true(x == 2.5);
    assert_error(fc_doc_number(doc, "", "x", 0, 2, &x, &e), &e, "out_of_range", "/x");
    assert_error(fc_doc_number(doc, "", "s", 0, 2, &x, &e), &e, "wrong_type", "/s");
    assert_non_null(strstr(e.detail, "\"text\""));
    assert_int_equal(fc_doc_uint(doc, "", "u", 42, 42, &u, &e), FC_OK);
    assert_int_equal(u, 42);
    assert_error(fc_doc_uint(doc, "", "u", 43, 99, &u, &e), &e, "out_of_range", "/u");
    assert_error(fc_doc_uint(doc, "", "x", 0, 99, &u, &e), &e, "out_of_range", "/x");
    assert_error(fc_doc_uint(doc, "", "neg", 0, 99, &u, &e), &e, "out_of_range", "/neg");
    assert_error(fc_doc_uint(doc, "", "big", 0, UINT64_MAX, &u, &e), &e, "out_of_range", "/big");
    assert_error(fc_doc_uint32(doc, "", "t", 0, 9, &u32, &e), &e, "wrong_type", "/t");
    assert_int_equal(u32, 9);
    assert_int_equal(fc_doc_bool(doc, "", "t", &yes, &e), FC_OK);
    assert_true(yes);
    assert_error(fc_doc_bool(doc, "", "u", &yes, &e), &e, "wrong_type", "/u");
    assert_int_equal(fc_doc_object(doc, "", "o", &v, &e), FC_OK);
    assert_true(fc_doc_is_object(v));
    assert_error(fc_doc_object(doc, "", "a", &v, &e), &e, "wrong_type", "/a");
    assert_int_equal(fc_doc_array(doc, "", "a", &v, &e), FC_OK);
    assert_int_equal(fc_doc_count(v), 1);
    assert_error(fc_doc_array(doc, "", "o", &v, &e), &e, "wrong_type", "/o");
    assert_int_equal(fc_doc_step(doc, "", "step", &step, &e), FC_OK);
    assert_int_equal(step.ms, 86400000);
    assert_error(fc_doc_step(doc, "", "bad", &step, &e), &e, "bad_step", "/bad");
    assert_error(fc_doc_step(doc, "", "u", &step, &e), &e, "wrong_type", "/u");
    cJSON_Delete(doc);
}

static void test_show_cuts_long_texts(void **state)
{
    (void)state;
    cJSON *doc = NULL;
    struct fc_error e;
    char shown[FC_SHOWN];
    assert_int_equal(parse("{\"s\":\"aaaaaaaaaabbbbbbbbbbccccccccccddddddddd\xC3\xA9zzzz\"}", &doc, &e), FC_OK);
    assert_string_equal(fc_doc_show(fc_doc_get(doc, "s"), shown), "\"aaaaaaaaaabbbbbbbbbbccccccccccddddddddd\"…");
    assert_string_equal(fc_doc_show(doc, shown), "an object");
    assert_string_equal(fc_doc_show(NULL, shown), "null");
    cJSON_Delete(doc);
}

static void test_season(void **state)
{
    (void)state;
    static const struct { const char *text, *code, *pointer; size_t n; } row[] = {
        {"{\"season\":24}", NULL, NULL, 1}, {"{\"season\":[24,168]}", NULL, NULL, 2}, {"{\"season\":[]}", NULL, NULL, 0}, {"{\"season\":[2,3,4,1000000]}", NULL, NULL, 4},
        {"{\"season\":1}", "bad_season", "/season", 0}, {"{\"season\":[24,1]}", "bad_season", "/season/1", 0}, {"{\"season\":[24,24]}", "bad_season", "/season/1", 0},
        {"{\"season\":[168,24]}", "bad_season", "/season/1", 0}, {"{\"season\":2.5}", "bad_season", "/season", 0}, {"{\"season\":1000001}", "bad_season", "/season", 0},
        {"{\"season\":[2,3,4,5,6]}", "bad_season", "/season", 0}, {"{\"season\":\"24\"}", "wrong_type", "/season", 0}, {"{\"season\":[24,\"x\"]}", "wrong_type", "/season", 0},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        cJSON *doc = NULL;
        struct fc_error e = {0};
        struct fc_season season = {3, {1, 1, 1, 1}};
        assert_int_equal(parse(row[i].text, &doc, &e), FC_OK);
        enum fc_status s = fc_doc_season(doc, "", "season", &season, &e);
        if (row[i].code)
            assert_error(s, &e, row[i].code, row[i].pointer);
        else
            assert_int_equal(s, FC_OK);
        assert_int_equal(season.n, row[i].code ? 3 : row[i].n);
        cJSON_Delete(doc);
    }
}

static void test_ids(void **state)
{
    (void)state;
    static const char *const yes[] = {"a", "...", "a/b c", "\xC3\xA9\xE2\x82\xAC", "x{l=\"v\"}", ".a", "\xC2\xA0"};
    static const char *const no[] = {"", ".", "..", "a\nb", "\x7F", "\x01", "\xC2\x85", "\xFF", "\xED\xA0\x80"};
    char longest[FC_ID_MAX + 2];
    struct fc_error e;
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        assert_int_equal(fc_id_check(yes[i], strlen(yes[i]), "", &e), FC_OK);
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        assert_error(fc_id_check(no[i], strlen(no[i]), "/id", &e), &e, "bad_series_id", "/id");
    memset(longest, 'x', sizeof longest);
    assert_int_equal(fc_id_check(longest, FC_ID_MAX, "", &e), FC_OK);
    assert_error(fc_id_check(longest, FC_ID_MAX + 1, "", &e), &e, "bad_series_id", "");
}

static void test_writer(void **state)
{
    (void)state;
    struct fc_buf b = {0};
    struct fc_out o = {&b, false};
    struct fc_season season = {2, {24, 168}};
    fc_out_open(&o, NULL, '{');
    fc_out_string(&o, "a\"", "b\n");
    fc_out_string(&o, "n", NULL);
    fc_out_open(&o, "list", '[');
    fc_out_number(&o, NULL, 0.1);
    fc_out_number(&o, NULL, NAN);
    fc_out_number(&o, NULL, INFINITY);
    fc_out_open(&o, NULL, '{');
    fc_out_close(&o, '}');
    fc_out_close(&o, ']');
    fc_out_bool(&o, "t", true);
    fc_out_integer(&o, "i", -5);
    fc_out_raw(&o, "raw", "{\"x\":1}");
    fc_out_season(&o, "season", &season);
    fc_out_time(&o, "at", 1500, FC_TIME_S);
    fc_out_null(&o, "z");
    fc_out_close(&o, '}');
    assert_text(&b, "{\"a\\\"\":\"b\\n\",\"n\":null,\"list\":[0.1,null,null,{}],\"t\":true,\"i\":-5,\"raw\":{\"x\":1},\"season\":[24,168],\"at\":1.5,\"z\":null}");
}

static void test_tree_numbers_read_back(void **state)
{
    (void)state;
    static const double x[] = {0.1, 1.0 / 3, 9007199254740991.0, 5e-324, 1.7976931348623157e308, 123456789.123456789};
    for (size_t i = 0; i < sizeof x / sizeof *x; i++) {
        cJSON *doc = cJSON_CreateObject(), *again = NULL;
        struct fc_buf b = {0};
        struct fc_error e;
        assert_true(fc_doc_add_number(doc, "x", x[i]));
        assert_true(fc_doc_add_number(doc, "nan", NAN));
        fc_doc_print(&b, doc);
        assert_int_equal(fc_doc_parse(&b, &again, &e), FC_OK);
        assert_true(fc_doc_value(fc_doc_get(again, "x")) == x[i]);
        assert_true(fc_doc_has(again, "nan") && !fc_doc_get(again, "nan"));
        cJSON_Delete(doc);
        cJSON_Delete(again);
        fc_buf_free(&b);
    }
}

static void test_times(void **state)
{
    (void)state;
    static const struct { fc_time t; enum fc_time_style style; const char *bare, *json; } row[] = {
        {INT64_C(1767225600000), FC_TIME_RFC3339, "2026-01-01T00:00:00Z", "\"2026-01-01T00:00:00Z\""},
        {INT64_C(1767225600500), FC_TIME_RFC3339, "2026-01-01T00:00:00.500Z", "\"2026-01-01T00:00:00.500Z\""},
        {INT64_C(1767225600000), FC_TIME_S, "1767225600", "1767225600"},
        {INT64_C(1767225600125), FC_TIME_S, "1767225600.125", "1767225600.125"},
        {INT64_C(-1500), FC_TIME_S, "-1.5", "-1.5"},
        {INT64_C(1767225600125), FC_TIME_MS, "1767225600125", "1767225600125"},
        {FC_TIME_MAX, FC_TIME_S, "253402300799.999", "253402300799.999"},
    };
    enum fc_time_style style;
    struct fc_error e;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct fc_buf b = {0};
        fc_buf_time(&b, row[i].t, row[i].style);
        assert_text(&b, row[i].bare);
        fc_buf_json_time(&b, row[i].t, row[i].style);
        assert_text(&b, row[i].json);
    }
    assert_int_equal(fc_time_style_from(NULL, &style, &e), FC_OK);
    assert_int_equal(style, FC_TIME_RFC3339);
    assert_int_equal(fc_time_style_from("ms", &style, &e), FC_OK);
    assert_int_equal(style, FC_TIME_MS);
    assert_error(fc_time_style_from("us", &style, &e), &e, "bad_parameter", "");
}

static void test_csv_cells(void **state)
{
    (void)state;
    static const char *const row[][2] = {{"plain", "plain"}, {"a,b", "\"a,b\""}, {"a\"b", "\"a\"\"b\""}, {"a\nb", "\"a\nb\""}, {"", "\"\""}, {" a", "\" a\""}, {"a b", "a b"}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct fc_buf b = {0};
        fc_buf_csv(&b, row[i][0]);
        assert_text(&b, row[i][1]);
    }
}

static void test_cursors(void **state)
{
    (void)state;
    char cursor[FC_CURSOR_TEXT], back[FC_ID_MAX + 1], text[FC_ID_MAX + 1] = "";
    struct fc_error e;
    for (size_t n = 1; n <= FC_ID_MAX; n++) {
        text[n - 1] = (char)(1 + n * 37 % 255);
        text[n] = 0;
        fc_cursor_make(text, cursor);
        assert_int_equal(strspn(cursor, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), strlen(cursor));
        assert_int_equal(fc_cursor_read(cursor, back, sizeof back, &e), FC_OK);
        assert_string_equal(back, text);
    }
    assert_error(fc_cursor_read(cursor, back, 10, &e), &e, "bad_cursor", "");
    static const char *const no[] = {"", "A", "AA", "====", "Yq", "YW=", "Y W", "YWJ\xC3\xA9", "AAAA"};
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        assert_error(fc_cursor_read(no[i], back, sizeof back, &e), &e, "bad_cursor", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_and_print), cmocka_unit_test(test_long_number), cmocka_unit_test(test_parse_refuses), cmocka_unit_test(test_too_many_values),
        cmocka_unit_test(test_only_and_require), cmocka_unit_test(test_getters), cmocka_unit_test(test_show_cuts_long_texts), cmocka_unit_test(test_season),
        cmocka_unit_test(test_ids), cmocka_unit_test(test_writer), cmocka_unit_test(test_tree_numbers_read_back), cmocka_unit_test(test_times),
        cmocka_unit_test(test_csv_cells), cmocka_unit_test(test_cursors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
