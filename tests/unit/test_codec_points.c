/* test_codec_points.c: every form of upload, each mistake with its code and pointer, and points back to text. */
#include "codec_points.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JAN INT64_C(1767225600000) /* 2026-01-01 */
#define HOUR INT64_C(3600000)

enum kind { ONE, MANY, CSV, CSV_MANY };

static enum fc_status decode_bytes(enum kind kind, const char *text, size_t n, const char *precision, struct fc_upload *u, struct fc_error *e)
{
    struct fc_buf body = {0};
    fc_buf_add(&body, text, n);
    enum fc_status s = kind == ONE    ? fc_codec_points_one(&body, "load", precision, u, e)
                       : kind == MANY ? fc_codec_points_many(&body, precision, NULL, u, e)
                       : kind == CSV  ? fc_codec_points_csv(&body, "load", precision, u, e)
                                      : fc_codec_points_csv_many(&body, precision, u, e);
    fc_buf_free(&body); /* nothing of the upload may point into it */
    return s;
}

static enum fc_status decode(enum kind kind, const char *text, const char *precision, struct fc_upload *u, struct fc_error *e)
{
    return decode_bytes(kind, text, strlen(text), precision, u, e);
}

static void decode_ok(enum kind kind, const char *text, const char *precision, struct fc_upload *u)
{
    struct fc_error e = {0};
    if (decode(kind, text, precision, u, &e) != FC_OK)
        fail_msg("%s: %s %s %s", text, e.code, e.pointer, e.detail);
}

/* ---- what is taken ---- */

static void test_three_forms_give_the_same(void **state)
{
    (void)state;
    static const struct { enum kind kind; const char *text, *precision; } row[] = {
        {ONE, "{\"timestamps\":[\"2026-01-01T00:00:00Z\",\"2026-01-01 01:00:00\",\"2026-01-01T04:00:00+02:00\"],\"values\":[1,null,2.5]}", NULL},
        {ONE, "{\"values\":[1,\"NaN\",2.5],\"timestamps\":[1767225600,1767229200.0,1.7672328e9]}", NULL},
        {ONE, "{\"timestamps\":[1767225600000,1767229200000,1767232800000],\"values\":[1,null,2.5]}", "ms"},
        {ONE, "{\"timestamps\":[1767225600000000,1767229200000000,1767232800000000],\"values\":[1,null,2.5]}", "us"},
        {ONE, "{\"timestamps\":[1767225600000000000,1767229200000000000,1767232800000000000],\"values\":[1,null,2.5]}", "ns"},
        {ONE, "{\"start\":\"2026-01-01\",\"step\":\"1h\",\"values\":[1,null,2.5]}", NULL},
        {ONE, "{\"values\":[1,null,2.5],\"step\":\"PT1H\",\"st\\u0061rt\":1767225600}", NULL},
        {ONE, "{\"points\":[[\"2026-01-01\",1],[\"2026-01-01T01:00:00Z\",null],[1767232800,2.5]]}", NULL},
        {ONE, "{\"points\":[[\"2026\\u002d01-01\",1],[\"2026-01-01T01:00:00Z\",\"N\\u0061N\"],[1767232800,2.5]]}", NULL},
        {MANY, "{\"series\":[{\"id\":\"load\",\"start\":\"2026-01-01\",\"step\":\"1h\",\"values\":[1,null,2.5]}]}", NULL},
        {MANY, "{\"series\":[{\"values\":[1,null,2.5],\"start\":\"2026-01-01\",\"step\":\"1h\",\"id\":\"lo\\u0061d\"}]}", NULL},
        {CSV, "timestamp,value\n2026-01-01,1\n2026-01-01T01:00:00Z,\n2026-01-01 02:00:00,2.5\n", NULL},
        {CSV, "2026-01-01,1\r\n1767229200,NA\r\n2026-01-01T02:00:00Z,+2.50", NULL},
        {CSV, "1767225600000,1\n1767229200000,NaN\n1767232800000,2.5\n\n", "ms"},
        {CSV, "\xEF\xBB\xBFy,ds\n\"1\",\"2026-01-01\"\nnull,2026-01-01T01:00:00Z\n2.5,2026-01-01T02:00:00Z\n", NULL},
        {CSV, "Time,Value\n2026-01-01,1\n2026-01-01T01:00:00Z,nan\n2026-01-01T02:00:00Z,25e-1\n", NULL},
        {CSV_MANY, "unique_id,ds,y\nload,2026-01-01,1\nload,2026-01-01T01:00:00Z,\nload,2026-01-01T02:00:00Z,2.5\n", NULL},
        {CSV_MANY, "value,series,timestamp\n1,\"load\",2026-01-01\n,load,2026-01-01T01:00:00Z\n2.5,load,2026-01-01T02:00:00Z\n", NULL},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct fc_upload u = {0};
        decode_ok(row[i].kind, row[i].text, row[i].precision, &u);
        assert_int_equal(u.n, 1);
        assert_int_equal(u.distinct, 1);
        assert_int_equal(u.points, 3);
        const struct fc_points_write *w = &u.series[0];
        assert_string_equal(w->id, "load");
        assert_int_equal(w->n, 3);
        for (int k = 0; k < 3; k++)
            assert_int_equal(w->time[k], JAN + k * HOUR);
        assert_true(w->value[0] == 1 && isnan(w->value[1]) && w->value[2] == 2.5);
        assert_int_equal(w->step.ms, strstr(row[i].text, "step") ? HOUR : 0);
        fc_upload_free(&u);
    }
}

static void test_months_follow_the_calendar(void **state)
{
    (void)state;
    static const char *const want[] = {"2026-01-31T00:00:00Z", "2026-02-28T00:00:00Z", "2026-03-31T00:00:00Z", "2026-04-30T00:00:00Z"};
    struct fc_upload u = {0};
    decode_ok(ONE, "{\"start\":\"2026-01-31\",\"step\":\"1mo\",\"values\":[1,2,3,4]}", NULL, &u);
    for (size_t k = 0; k < 4; k++) {
        char text[FC_TIME_TEXT];
        fc_time_format(u.series[0].time[k], text);
        assert_string_equal(text, want[k]);
    }
    assert_int_equal(u.series[0].step.months, 1);
    fc_upload_free(&u);
    decode_ok(ONE, "{\"start\":\"9999-12-01\",\"step\":\"1mo\",\"values\":[1]}", NULL, &u);
    fc_upload_free(&u);
    decode_ok(ONE, "{\"start\":\"9998-12-31\",\"step\":\"1y\",\"values\":[1,2]}", NULL, &u);
    fc_upload_free(&u);
}

static void test_many_series(void **state)
{
    (void)state;
    struct fc_upload u = {0};
    decode_ok(MANY, "{\"series\":[{\"id\":\"b\",\"start\":0,\"step\":\"1d\",\"values\":[1,2],\"season\":7},{\"id\":\"a\",\"points\":[[5,6]],\"season\":[2,3]},"
                    "{\"id\":\"b\",\"timestamps\":[1],\"values\":[9],\"season\":null},{\"id\":\"c\",\"timestamps\":[1],\"values\":[9],\"season\":[]}]}",
              NULL, &u);
    assert_int_equal(u.n, 4);
    assert_int_equal(u.distinct, 3);
    assert_int_equal(u.points, 5);
    assert_string_equal(u.series[0].id, "b");
    assert_string_equal(u.series[1].id, "a");
    assert_string_equal(u.series[2].id, "b");
    assert_true(u.series[0].value[1] == 2 && u.series[1].value[0] == 6 && u.series[2].value[0] == 9);
    assert_int_equal(u.series[1].time[0], 5000);
    assert_true(u.series[0].season.n == 1 && u.series[0].season.period[0] == 7);
    assert_true(u.series[1].season.n == 2 && u.series[2].season.n == 0 && u.series[3].season.n == 0);
    fc_upload_free(&u);
}

static void test_rest(void **state)
{
    (void)state;
    struct fc_buf body = {0}, rest = {0};
    struct fc_upload u = {0};
    struct fc_error e;
    fc_buf_text(&body, "{ \"horizon\" : 24 ,\"series\":[{\"id\":\"a\",\"start\":0,\"step\":\"1d\",\"values\":[1]}], \"levels\":[80, 95], \"m\\u006f\" : {\"x\":[]} }");
    assert_int_equal(fc_codec_points_many(&body, NULL, &rest, &u, &e), FC_OK);
    assert_true(fc_buf_terminate(&rest));
    assert_string_equal(rest.data, "{\"horizon\":24,\"levels\":[80, 95],\"m\\u006f\":{\"x\":[]}}");
    fc_buf_free(&rest);
    fc_upload_free(&u);
    fc_buf_free(&body);
    fc_buf_text(&body, "{\"series\":[{\"id\":\"a\",\"start\":0,\"step\":\"1d\",\"values\":[1]}]}");
    assert_int_equal(fc_codec_points_many(&body, NULL, &rest, &u, &e), FC_OK);
    assert_true(rest.n == 2 && memcmp(rest.data, "{}", 2) == 0);
    fc_buf_free(&rest);
    fc_upload_free(&u);
    fc_buf_free(&body);
}

/* Rows of many series in any order: together by series, the order within each kept. */
static void test_scattered_csv(void **state)
{
    (void)state;
    enum { SERIES = 300, ROWS = 9000 };
    struct fc_buf body = {0};
    struct fc_upload u = {0};
    struct fc_error e;
    fc_buf_text(&body, "series,timestamp,value\n");
    for (int i = 0; i < ROWS; i++)
        fc_buf_format(&body, "\"s \"\"%d\"\"\",%d,%d\n", i * 7 % SERIES, i / SERIES, i);
    assert_int_equal(fc_codec_points_csv_many(&body, NULL, &u, &e), FC_OK);
    fc_buf_free(&body);
    assert_int_equal(u.n, SERIES);
    assert_int_equal(u.distinct, SERIES);
    assert_int_equal(u.points, ROWS);
    for (size_t s = 0; s < u.n; s++) {
        const struct fc_points_write *w = &u.series[s];
        int id;
        assert_int_equal(sscanf(w->id, "s \"%d\"", &id), 1);
        assert_int_equal(w->n, ROWS / SERIES);
        for (size_t k = 0; k < w->n; k++) {
            assert_int_equal((int)w->value[k] * 7 % SERIES, id);
            assert_int_equal(w->time[k], (int)k * 1000);
            assert_true(k == 0 || w->value[k] > w->value[k - 1]);
        }
    }
    fc_upload_free(&u);
}

/* ---- what is refused ---- */

static const struct { enum kind kind; const char *text, *code, *pointer, *shows; } wrong[] = {
    {ONE, "[]", "wrong_type", "", "[]"},
    {ONE, "{}", "missing_field", "/values", "values"},
    {ONE, "{\"values\":[]}", "missing_field", "/timestamps", ""},
    {ONE, "{\"values\":[1]}", "missing_field", "/timestamps", ""},
    {ONE, "{\"values\":[1],\"step\":\"1h\"}", "missing_field", "/start", ""},
    {ONE, "{\"values\":[1],\"start\":0}", "missing_field", "/step", ""},
    {ONE, "{\"timestamps\":[1]}", "missing_field", "/values", ""},
    {ONE, "{\"start\":0,\"step\":\"1h\"}", "missing_field", "/values", ""},
    {ONE, "{\"timestamps\":[],\"values\":[]}", "no_points", "/values", ""},
    {ONE, "{\"start\":0,\"step\":\"1h\",\"values\":[]}", "no_points", "/values", ""},
    {ONE, "{\"points\":[]}", "no_points", "/points", ""},
    {ONE, "{\"timestamps\":[1,2,3],\"values\":[1,2]}", "length_mismatch", "/values", "timestamps holds 3 and values holds 2"},
    {ONE, "{\"timestamps\":[1],\"values\":[1,2]}", "length_mismatch", "/values", "timestamps holds 1 and values holds 2"},
    {ONE, "{\"timestamps\":[1],\"values\":[]}", "length_mismatch", "/values", "values holds 0"},
    {ONE, "{\"points\":[[1,2]],\"values\":[1]}", "mixed_forms", "/points", ""},
    {ONE, "{\"values\":[1],\"points\":[[1,2]]}", "mixed_forms", "/points", ""},
    {ONE, "{\"points\":[[1,2]],\"start\":1}", "mixed_forms", "/points", ""},
    {ONE, "{\"timestamps\":[1],\"start\":1,\"step\":\"1h\",\"values\":[1]}", "mixed_forms", "/timestamps", ""},
    {ONE, "{\"timestamps\":[1],\"values\":[\"1\"]}", "wrong_type", "/values/0", "\"1\""},
    {ONE, "{\"timestamps\":[1],\"values\":[\"nan\"]}", "wrong_type", "/values/0", "\"nan\""},
    {ONE, "{\"timestamps\":[1,2],\"values\":[1,true]}", "wrong_type", "/values/1", "true"},
    {ONE, "{\"timestamps\":[1,2],\"values\":[1,[2]]}", "wrong_type", "/values/1", "[2]"},
    {ONE, "{\"timestamps\":[1],\"values\":1}", "wrong_type", "/values", "1"},
    {ONE, "{\"timestamps\":[1],\"values\":null}", "wrong_type", "/values", "null"},
    {ONE, "{\"timestamps\":1,\"values\":[1]}", "wrong_type", "/timestamps", "1"},
    {ONE, "{\"timestamps\":[null],\"values\":[1]}", "wrong_type", "/timestamps/0", "null"},
    {ONE, "{\"timestamps\":[\"2026-02-30\"],\"values\":[1]}", "bad_timestamp", "/timestamps/0", "2026-02-30"},
    {ONE, "{\"timestamps\":[\"\"],\"values\":[1]}", "bad_timestamp", "/timestamps/0", ""},
    {ONE, "{\"timestamps\":[1,1e15],\"values\":[1,2]}", "bad_timestamp", "/timestamps/1", "year"},
    {ONE, "{\"timestamps\":[-1e300],\"values\":[1]}", "bad_timestamp", "/timestamps/0", "year"},
    {ONE, "{\"points\":[1]}", "wrong_type", "/points/0", "pair"},
    {ONE, "{\"points\":[[1,2],[]]}", "wrong_type", "/points/1", "[]"},
    {ONE, "{\"points\":[[1]]}", "wrong_type", "/points/0", "[1]"},
    {ONE, "{\"points\":[[1,2,3]]}", "wrong_type", "/points/0", "[1,2,3]"},
    {ONE, "{\"points\":[[1,\"x\"]]}", "wrong_type", "/points/0/1", "\"x\""},
    {ONE, "{\"points\":[[\"x\",1]]}", "bad_timestamp", "/points/0/0", "x"},
    {ONE, "{\"points\":{\"1\":2}}", "wrong_type", "/points", ""},
    {ONE, "{\"start\":\"soon\",\"step\":\"1h\",\"values\":[1]}", "bad_timestamp", "/start", "soon"},
    {ONE, "{\"start\":null,\"step\":\"1h\",\"values\":[1]}", "wrong_type", "/start", "null"},
    {ONE, "{\"start\":0,\"step\":\"hourly\",\"values\":[1]}", "bad_step", "/step", "hourly"},
    {ONE, "{\"start\":0,\"step\":\"0s\",\"values\":[1]}", "bad_step", "/step", "0s"},
    {ONE, "{\"start\":0,\"step\":3600,\"values\":[1]}", "wrong_type", "/step", "3600"},
    {ONE, "{\"start\":\"9999-12-31\",\"step\":\"1d\",\"values\":[1,2]}", "bad_timestamp", "/values", "9999"},
    {ONE, "{\"start\":\"9999-12-01\",\"step\":\"1mo\",\"values\":[1,2]}", "bad_timestamp", "/values", "9999"},
    {ONE, "{\"start\":\"2026-01-01\",\"step\":\"1000y\",\"values\":[1,2,3,4,5,6,7,8,9]}", "bad_timestamp", "/values", "9999"},
    {ONE, "{\"id\":\"a\",\"timestamps\":[1],\"values\":[1]}", "unknown_field", "/id", "id"},
    {ONE, "{\"timestamps\":[1],\"values\":[1],\"valeus\":[]}", "unknown_field", "/valeus", "valeus"},
    {ONE, "{\"timestamps\":[1],\"values\":[1],\"a/b\":[]}", "unknown_field", "/a~1b", "a/b"},
    {ONE, "{\"timestamps\":[1],\"values\":[1e999]}", "number_out_of_range", "/values/0", "1e999"},
    {ONE, "{\"timestamps\":[1],\"values\":[1],\"values\":[2]}", "duplicate_key", "/values", "values"},
    {ONE, "{\"timestamps\":[1],\"values\":[1],\"season\":1}", "bad_season", "/season", "1"},
    {ONE, "{\"timestamps\":[1],\"values\":[1],\"season\":[24,12]}", "bad_season", "/season/1", "12"},
    {ONE, "{\"timestamps\":[1],\"values\":[1],\"season\":[24,\"x\"]}", "wrong_type", "/season/1", "\"x\""},
    {ONE, "{\"timestamps\":[1],\"values\":[1],\"season\":[2,3,4,5,6,7]}", "bad_season", "/season", "4"},
    {ONE, "{\"timestamps\":[1],\"values\":[1],\"season\":\"daily\"}", "wrong_type", "/season", "daily"},
    {MANY, "[]", "wrong_type", "", "[]"},
    {MANY, "{}", "missing_field", "/series", ""},
    {MANY, "{\"series\":[]}", "no_points", "/series", ""},
    {MANY, "{\"series\":{}}", "wrong_type", "/series", "{}"},
    {MANY, "{\"series\":[1]}", "wrong_type", "/series/0", "1"},
    {MANY, "{\"series\":[],\"x\":1}", "unknown_field", "/x", "x"},
    {MANY, "{\"series\":[{\"timestamps\":[1],\"values\":[1]}]}", "missing_field", "/series/0/id", ""},
    {MANY, "{\"series\":[{\"id\":5,\"timestamps\":[1],\"values\":[1]}]}", "wrong_type", "/series/0/id", "5"},
    {MANY, "{\"series\":[{\"id\":\"\",\"timestamps\":[1],\"values\":[1]}]}", "bad_series_id", "/series/0/id", ""},
    {MANY, "{\"series\":[{\"id\":\"a\\nb\",\"timestamps\":[1],\"values\":[1]}]}", "bad_series_id", "/series/0/id", ""},
    {MANY, "{\"series\":[{\"id\":\"..\",\"timestamps\":[1],\"values\":[1]}]}", "bad_series_id", "/series/0/id", ".."},
    {MANY, "{\"series\":[{\"id\":\"a\",\"timestamps\":[1],\"values\":[1]},{\"id\":\"b\",\"timestamps\":[1,2],\"values\":[1]}]}", "length_mismatch", "/series/1/values", "holds 2"},
    {MANY, "{\"series\":[{\"id\":\"a\",\"timestamps\":[1],\"values\":[1]},{\"id\":\"b\",\"start\":0,\"step\":\"1h\",\"values\":[1,2,\"3\"]}]}", "wrong_type", "/series/1/values/2", "\"3\""},
    {MANY, "{\"series\":[{\"id\":\"a\",\"timestamps\":[1],\"values\":[1]},{\"id\":\"b\",\"timestamps\":[],\"values\":[]}]}", "no_points", "/series/1/values", ""},
    {CSV, "timestamp,value\n", "no_points", "line 2", ""},
    {CSV, "2026-01-01,1\n2026-02-30,2\n", "bad_timestamp", "line 2", "2026-02-30"},
    {CSV, "2026-02-30,1\n", "bad_timestamp", "line 1", "2026-02-30"},
    {CSV, "timestamp,value\n2026-01-01,1\n,2\n", "bad_timestamp", "line 3", "timestamp"},
    {CSV, "ds,y\n2026-01-01,abc\n", "bad_value", "line 2", "column y: \"abc\""},
    {CSV, "2026-01-01,inf\n", "bad_value", "line 1", "inf"},
    {CSV, "2026-01-01,0x10\n", "bad_value", "line 1", "0x10"},
    {CSV, "2026-01-01,1e999\n", "number_out_of_range", "line 1", "1e999"},
    {CSV, "2026-01-01,1,2\n", "wrong_column_count", "line 1", "3"},
    {CSV, "2026-01-01,1\n2026-01-02\n", "wrong_column_count", "line 2", "1"},
    {CSV, "2026-01-01,1\n\n2026-01-02,1\n", "wrong_column_count", "line 2", "1"},
    {CSV, "2026-01-01;1\n", "wrong_column_count", "line 1", ""},
    {CSV, "when,value\n1,2\n", "unknown_column", "line 1", "when"},
    {CSV, "timestamp,value,extra\n1,2,3\n", "unknown_column", "line 1", "extra"},
    {CSV, "series,timestamp,value\na,1,2\n", "unknown_column", "line 1", "series"},
    {CSV, "timestamp\n1\n", "missing_column", "line 1", "value"},
    {CSV, "time,ds\n1,2\n", "duplicate_column", "line 1", "ds"},
    {CSV_MANY, "a,2026-01-01,1\n", "unknown_column", "line 1", "\"a\""},
    {CSV_MANY, "1,2026-01-01,1\n", "header_required", "line 1", ""},
    {CSV_MANY, "timestamp,value\n1,2\n", "missing_column", "line 1", "series"},
    {CSV_MANY, "series,timestamp,value\n", "no_points", "line 2", ""},
    {CSV_MANY, "series,timestamp,value\n,1,2\n", "bad_series_id", "line 2", ""},
    {CSV_MANY, "series,timestamp,value\na,1,2\n..,1,2\n", "bad_series_id", "line 3", ".."},
    {CSV_MANY, "unique_id,ds,y\na,1,2\na,x,2\n", "bad_timestamp", "line 3", "column ds"},
    {CSV_MANY, "series,timestamp,value\na,1\n", "wrong_column_count", "line 2", "2"},
};

static void test_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct fc_upload u = {0};
        struct fc_error e = {0};
        enum fc_status s = decode(wrong[i].kind, wrong[i].text, NULL, &u, &e);
        if (s != FC_INVALID || strcmp(e.code, wrong[i].code) != 0 || strcmp(e.pointer, wrong[i].pointer) != 0 || !strstr(e.detail, wrong[i].shows))
            fail_msg("%s: status %d, code %s, pointer %s, detail %s", wrong[i].text, s, e.code, e.pointer, e.detail);
        assert_null(u.series);
    }
}

/* Also where every time is text, which needs none. */
static void test_unknown_precision(void **state)
{
    (void)state;
    static const struct { enum kind kind; const char *text; } row[] = {
        {ONE, "{\"timestamps\":[\"2026-01-01\"],\"values\":[1]}"},
        {MANY, "{\"series\":[{\"id\":\"a\",\"start\":\"2026-01-01\",\"step\":\"1h\",\"values\":[1]}]}"},
        {CSV, "2026-01-01,1"},
        {CSV_MANY, "series,timestamp,value\na,2026-01-01,1"},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct fc_upload u = {0};
        struct fc_error e = {0};
        assert_int_equal(decode(row[i].kind, row[i].text, "h", &u, &e), FC_INVALID);
        assert_string_equal(e.code, "bad_precision");
        assert_null(u.series);
        decode_ok(row[i].kind, row[i].text, "ns", &u);
        fc_upload_free(&u);
    }
}

static void test_unreadable(void **state)
{
    (void)state;
    static const struct { enum kind kind; const char *text, *code; } row[] = {
        {ONE, "", "empty_body"}, {MANY, " ", "empty_body"}, {CSV, "", "empty_body"}, {CSV, "\n \r\n", "empty_body"}, {CSV_MANY, "\xEF\xBB\xBF", "empty_body"},
        {ONE, "{\"timestamps\":[1],\"values\":[1]", "invalid_json"}, {ONE, "{\"timestamps\":[1],\"values\":[1]} x", "invalid_json"}, {MANY, "{\"series\":[NaN]}", "invalid_json"},
        {CSV, "2026-01-01,\"1", "invalid_csv"}, {CSV_MANY, "series,timestamp,value\n\"a\"b,1,2", "invalid_csv"},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct fc_upload u = {0};
        struct fc_error e = {0};
        assert_int_equal(decode(row[i].kind, row[i].text, NULL, &u, &e), FC_UNREADABLE);
        assert_string_equal(e.code, row[i].code);
    }
}

/* The NUL must neither end the comparison with the id that is there nor let it read on behind that id. */
static void test_a_nul_in_a_quoted_id(void **state)
{
    (void)state;
    static const char head[] = "series,timestamp,value\na,1,1\nb,1,1\n\"a";
    char text[sizeof head + 300];
    struct fc_upload u = {0};
    struct fc_error e = {0};
    size_t n = sizeof head - 1;
    memcpy(text, head, n);
    text[n++] = 0;
    memset(text + n, 'b', FC_ID_MAX - 2);
    n += FC_ID_MAX - 2;
    memcpy(text + n, "\",1,1\n", 6);
    assert_int_equal(decode_bytes(CSV_MANY, text, n + 6, NULL, &u, &e), FC_UNREADABLE);
    assert_string_equal(e.code, "invalid_csv");
    assert_string_equal(e.pointer, "line 4");
    assert_null(u.series);
}

static void test_long_ids(void **state)
{
    (void)state;
    for (size_t n = FC_ID_MAX; n <= 5000; n += n == FC_ID_MAX ? 1 : 4799) {
        char text[6000], id[5001];
        struct fc_upload u = {0};
        struct fc_error e;
        memset(id, 'x', n);
        id[n] = 0;
        snprintf(text, sizeof text, "{\"series\":[{\"id\":\"%s\",\"timestamps\":[1],\"values\":[1]}]}", id);
        assert_int_equal(decode(MANY, text, NULL, &u, &e), n == FC_ID_MAX ? FC_OK : FC_INVALID);
        fc_upload_free(&u);
        snprintf(text, sizeof text, "series,timestamp,value\nb,1,1\n\"%s\",1,1\nb,2,2\n", id);
        assert_int_equal(decode(CSV_MANY, text, NULL, &u, &e), n == FC_ID_MAX ? FC_OK : FC_INVALID);
        fc_upload_free(&u);
    }
}

/* Mutated bodies: no crash, no leak, and an upload that is whole when it is taken. */
static void test_mutations(void **state)
{
    (void)state;
    static const struct { enum kind kind; const char *text; } seed[] = {
        {MANY, "{\"series\":[{\"id\":\"a\",\"start\":\"2026-01-01\",\"step\":\"1mo\",\"values\":[1,null],\"season\":[2,3]},{\"id\":\"b\",\"points\":[[1,2],[\"2026-01-01\",\"NaN\"]]}]}"},
        {ONE, "{\"timestamps\":[1,2.5,\"2026-01-01T00:00:00+01:00\"],\"values\":[1e3,-2,\"NaN\"]}"},
        {CSV_MANY, "series,timestamp,value\n\"a\",2026-01-01,1\nb,1,\na,1767225600.5,-2e3\n"},
        {CSV, "ds,y\n2026-01-01,1\n\"1\",NA\n"},
    };
    static const char alphabet[] = "{}[]\",:0123456789eE+-.\\untrfalse \n\r\x80\xC3\xA9\x1f\0ab";
    unsigned long long rng = 88172645463325252ull;
    for (int round = 0; round < 200000; round++) {
        char text[256];
        struct fc_upload u = {0};
        struct fc_error e;
        size_t n = strlen(seed[round % 4].text), sum = 0;
        memcpy(text, seed[round % 4].text, n);
        for (int k = 0; k < 1 + round % 3; k++) {
            rng ^= rng << 13, rng ^= rng >> 7, rng ^= rng << 17;
            text[rng % n] = alphabet[(rng >> 32) % (sizeof alphabet - 1)];
        }
        if (decode_bytes(seed[round % 4].kind, text, n, NULL, &u, &e) == FC_OK) {
            for (size_t i = 0; i < u.n; i++)
                for (size_t k = 0; k < u.series[i].n; k++, sum++) {
                    assert_true(u.series[i].time[k] >= FC_TIME_MIN && u.series[i].time[k] <= FC_TIME_MAX);
                    assert_true(!isinf(u.series[i].value[k]));
                }
            assert_true(sum == u.points && sum > 0 && u.distinct <= u.n);
        }
        fc_upload_free(&u);
    }
}

/* ---- out ---- */

static void test_out(void **state)
{
    (void)state;
    fc_time time[] = {JAN, JAN + 500};
    double value[] = {0.1, NAN};
    struct fc_points p = {2, time, value};
    struct fc_buf b = {0};
    fc_codec_points_json(&b, "a\"b", &p, FC_TIME_RFC3339, NULL);
    assert_true(fc_buf_terminate(&b));
    assert_string_equal(b.data, "{\"series\":\"a\\\"b\",\"timestamps\":[\"2026-01-01T00:00:00Z\",\"2026-01-01T00:00:00.500Z\"],\"values\":[0.1,null],\"next\":null}");
    b.n = 0;
    fc_codec_points_json(&b, "a", &p, FC_TIME_MS, "abc");
    assert_true(fc_buf_terminate(&b));
    assert_string_equal(b.data, "{\"series\":\"a\",\"timestamps\":[1767225600000,1767225600500],\"values\":[0.1,null],\"next\":\"abc\"}");
    b.n = 0;
    fc_codec_points_to_csv(&b, &p, FC_TIME_S);
    assert_true(fc_buf_terminate(&b));
    assert_string_equal(b.data, "timestamp,value\n1767225600,0.1\n1767225600.5,\n");
    fc_buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_three_forms_give_the_same), cmocka_unit_test(test_months_follow_the_calendar), cmocka_unit_test(test_many_series), cmocka_unit_test(test_rest),
        cmocka_unit_test(test_scattered_csv), cmocka_unit_test(test_wrong), cmocka_unit_test(test_unknown_precision),
        cmocka_unit_test(test_unreadable), cmocka_unit_test(test_a_nul_in_a_quoted_id), cmocka_unit_test(test_long_ids), cmocka_unit_test(test_mutations),
        cmocka_unit_test(test_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
