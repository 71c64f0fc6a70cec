/* test_buf.c: the growing buffer, its numbers and its JSON strings. */
#include "buf.h"
#include "rng.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect_number(double x, const char *text)
{
    struct fc_buf b = { 0 };
    fc_buf_number(&b, x);
    assert_true(fc_buf_terminate(&b));
    assert_string_equal(b.data, text);
    fc_buf_free(&b);
}

static void numbers_are_written_plainly(void **state)
{
    (void)state;
    expect_number(0, "0");
    expect_number(-0.0, "-0");
    expect_number(7, "7");
    expect_number(-42, "-42");
    expect_number(100000, "100000");
    expect_number(999999999999999.0, "999999999999999");
    expect_number(1e15, "1e+15");
    expect_number(9007199254740993.0, "9007199254740992");
    expect_number(0.1, "0.1");
    expect_number(-0.05, "-0.05");
    expect_number(1.000001, "1.000001");
    expect_number(0.000001, "0.000001");
    expect_number(12345678.25, "12345678.25");
    expect_number(123456789012.34, "123456789012.34");
    expect_number(1e-7, "1e-07");
    expect_number(1.0 / 3, "0.3333333333333333");
    expect_number(0.1 + 0.2, "0.30000000000000004");
    expect_number(DBL_MAX, "1.7976931348623157e+308");
    expect_number(-DBL_MAX, "-1.7976931348623157e+308");
    expect_number(DBL_MIN, "2.2250738585072014e-308");
    expect_number(5e-324, "5e-324");
    expect_number(0x1p-44, "5.684341886080802e-14"); /* the nearest 16 digits do not read back */
    expect_number(NAN, "null");
    expect_number(INFINITY, "null");
    expect_number(-INFINITY, "null");
}

/* The fast paths write what the slow one does. */
static void expect_like_slow(double x)
{
    struct fc_buf fast = { 0 }, slow = { 0 };
    fc_buf_number(&fast, x);
    fc_buf_number_slowly(&slow, x);
    assert_true(fc_buf_terminate(&fast) && fc_buf_terminate(&slow));
    assert_string_equal(fast.data, slow.data);
    fc_buf_free(&fast);
    fc_buf_free(&slow);
}

static void fast_numbers_equal_slow_ones(void **state)
{
    (void)state;
    struct fc_rng r;
    fc_rng_init(&r, 5, 0);
    for (int i = 0; i < 100000; i++) {
        double u = fc_rng_uniform(&r), scale = pow(10, (double)fc_rng_below(&r, 20) - 4);
        double near = rint(u * 1e4) / 1e4 * scale; /* near decimals of every length, where the roundings meet */
        expect_like_slow(u * scale);
        expect_like_slow(-(double)(float)u * scale);
        if (near >= 1e-4 && near < 1e15) { /* smaller ones are 0.000064 here and 6.4e-05 there */
            expect_like_slow(near);
            expect_like_slow(nextafter(near, 0));
            expect_like_slow(nextafter(near, INFINITY));
        }
    }
    for (int k = -14; k < 50; k++) {
        expect_like_slow(nextafter(ldexp(1, k), INFINITY));
        expect_like_slow(nextafter(ldexp(1, k), 0));
        expect_like_slow(ldexp(3, k));
    }
    for (double p = 1e-4; p < 1e15; p *= 10) {
        expect_like_slow(nextafter(p, 0));
        expect_like_slow(nextafter(p, INFINITY));
    }
}

/* Reads back the same, and one significant digit less does not. */
static void expect_shortest(double x)
{
    struct fc_buf b = { 0 };
    char less[64];
    fc_buf_number(&b, x);
    assert_true(fc_buf_terminate(&b));
    double back = strtod(b.data, NULL);
    assert_memory_equal(&back, &x, sizeof x);
    int digits = 0, zeros = 0;
    for (const char *s = b.data; *s && *s != 'e'; s++) {
        if (*s >= '1' && *s <= '9') {
            digits += zeros + 1;
            zeros = 0;
        } else if (*s == '0' && digits) {
            zeros++; /* trailing zeros are not significant */
        }
    }
    assert_in_range(digits, 1, 17);
    if (digits > 1) {
        snprintf(less, sizeof less, "%.*e", digits - 2, x);
        assert_true(strtod(less, NULL) != x);
    }
    fc_buf_free(&b);
}

static void numbers_read_back_and_are_shortest(void **state)
{
    (void)state;
    struct fc_rng r;
    fc_rng_init(&r, 1, 0);
    for (int i = 0; i < 20000; i++) {
        double x;
        uint64_t bits = fc_rng_next(&r);
        memcpy(&x, &bits, sizeof x);
        if (isfinite(x) && x != 0)
            expect_shortest(x);
        expect_shortest((double)(int64_t)(bits >> 34) / 100 + 0.01);
        expect_shortest(((double)(bits >> 14) + 1) / 1e6);
        expect_shortest(fc_rng_normal(&r) * 1000);
    }
    for (int k = -1000; k < 1000; k++) {
        expect_shortest(ldexp(1, k));
        expect_shortest(nextafter(ldexp(1, k), 0));
    }
}

static void integers(void **state)
{
    (void)state;
    struct fc_buf b = { 0 };
    fc_buf_integer(&b, 0);
    fc_buf_char(&b, ' ');
    fc_buf_integer(&b, INT64_MIN);
    fc_buf_char(&b, ' ');
    fc_buf_integer(&b, INT64_MAX);
    fc_buf_char(&b, ' ');
    fc_buf_integer(&b, -10);
    assert_true(fc_buf_terminate(&b));
    assert_string_equal(b.data, "0 -9223372036854775808 9223372036854775807 -10");
    fc_buf_free(&b);
}

static void expect_json(const char *text, size_t n, const char *json)
{
    struct fc_buf b = { 0 };
    fc_buf_json_string(&b, text, n);
    assert_true(fc_buf_terminate(&b));
    assert_string_equal(b.data, json);
    fc_buf_free(&b);
}

static void json_strings_are_escaped(void **state)
{
    (void)state;
    expect_json("", 0, "\"\"");
    expect_json("plain", 5, "\"plain\"");
    expect_json("a\"b\\c/", 6, "\"a\\\"b\\\\c/\"");
    expect_json("\b\f\n\r\t\x01\x1f\0z", 9, "\"\\b\\f\\n\\r\\t\\u0001\\u001f\\u0000z\"");
    expect_json("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 9, "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"");
    expect_json("a\xff", 2, "\"a\xef\xbf\xbd\"");
    expect_json("\xc0\x80", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\"");                 /* overlong */
    expect_json("\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""); /* surrogate */
    expect_json("\xe2\x82", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\"");                 /* cut */
    expect_json("\xf4\x90\x80\x80", 4, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}

static void grows_and_formats(void **state)
{
    (void)state;
    struct fc_buf b = { 0 };
    char long_text[1000];
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    fc_buf_format(&b, "%s|%d", long_text, 7);
    assert_int_equal(b.n, 1001);
    assert_memory_equal(b.data + 998, "x|7", 3);
    for (int i = 0; i < 100000; i++)
        fc_buf_text(&b, "abc");
    fc_buf_add(&b, "", 0);
    assert_int_equal(b.n, 301001);
    assert_true(fc_buf_terminate(&b));
    assert_int_equal(strlen(b.data), b.n);
    fc_buf_free(&b);
    assert_null(b.data);
}

static void failure_sticks(void **state)
{
    (void)state;
    struct fc_buf b = { 0 };
    fc_buf_text(&b, "kept");
    assert_false(fc_buf_room(&b, SIZE_MAX - 2));
    assert_true(b.failed);
    fc_buf_char(&b, 'x');
    fc_buf_number(&b, 1.5);
    fc_buf_format(&b, "%d", 1);
    assert_int_equal(b.n, 4);
    assert_false(fc_buf_terminate(&b));
    fc_buf_free(&b);
    assert_false(b.failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_written_plainly),
        cmocka_unit_test(fast_numbers_equal_slow_ones),
        cmocka_unit_test(numbers_read_back_and_are_shortest),
        cmocka_unit_test(integers),
        cmocka_unit_test(json_strings_are_escaped),
        cmocka_unit_test(grows_and_formats),
        cmocka_unit_test(failure_sticks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
