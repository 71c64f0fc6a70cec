/* test_scan.c: the strict JSON check on hostile texts, the pull reader, numbers against strtod, CSV records. */
#include "scan.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT(s) s, sizeof(s) - 1

/* ---- the check ---- */

static const struct { const char *text; size_t n; } good[] = {
    {TEXT("null")}, {TEXT(" true ")}, {TEXT("false")}, {TEXT("0")}, {TEXT("-0")}, {TEXT("-0.0e-0")}, {TEXT("\"\"")}, {TEXT("[]")}, {TEXT("{}")},
    {TEXT("[1,2.5,-3e+10,4E-5]")}, {TEXT("\t\r\n [ 1 , { \"a\" : [ ] } ] \n")}, {TEXT("{\"a\":1,\"A\":2,\"\":3}")}, {TEXT("1e308")}, {TEXT("1e-999")},
    {TEXT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\uDE00\"")}, {TEXT("\"\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80 \x7F\"")}, {TEXT("\"\xF4\x8F\xBF\xBF\"")},
    {TEXT("0.00000000000000000000000000000000000000000000000000000000000000000000000000000000000000001")}, {TEXT("{\"a\":{\"b\":1},\"b\":{\"b\":1}}")},
};

static const struct { const char *text; size_t n; enum fc_status status; const char *code, *pointer; } bad[] = {
    {TEXT(""), FC_UNREADABLE, "empty_body", ""},
    {TEXT(" \n\t "), FC_UNREADABLE, "empty_body", ""},
    {TEXT("{"), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("["), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("[1"), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("[1,"), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("[1,]"), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("[,1]"), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("[1 2]"), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("[1}"), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("{\"a\"}"), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("{\"a\":}"), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("{\"a\":1,}"), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("{\"a\":1"), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("{\"a"), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("{a:1}"), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("{'a':1}"), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("{1:1}"), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("{} {}"), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("[1]x"), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("{}\0"), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("[1]\0[2]"), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("\xEF\xBB\xBF{}"), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("01"), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("-01"), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("+1"), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("1."), FC_UNREADABLE, "invalid_json", ""},
    {TEXT(".5"), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("-"), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("1e"), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("1e+"), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("1.e5"), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("0x10"), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("NaN"), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("[Infinity]"), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("[-Infinity]"), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("tru"), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("True"), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("nulll"), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("[1] // c"), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("\"a\nb\""), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("\"a\0b\""), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("\"\x1f\""), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("\"\\x41\""), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("\"\\u12g4\""), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("\"\\u12"), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("\"\\"), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("\"\\\""), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("\"\\\0\""), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("\"\\uD800\""), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("\"\\uDC00\""), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("\"\\uD800\\uD800\""), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("\"\\uD800\\n12345\""), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("\"\x80\""), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("\"\xC0\xAF\""), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("\"\xE0\x80\xAF\""), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("\"\xED\xA0\x80\""), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("\"\xF4\x90\x80\x80\""), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("\"\xF8\x88\x80\x80\x80\""), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("\"\xE2\x82\""), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("\"\xE2"), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("{\"\xFF\":1}"), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("\xC3\xA9"), FC_UNREADABLE, "invalid_json", ""},
    {TEXT("1e999"), FC_INVALID, "number_out_of_range", ""},
    {TEXT("{\"values\":[1,2,-1e309]}"), FC_INVALID, "number_out_of_range", "/values/2"},
    {TEXT("[[],[0,1E400]]"), FC_INVALID, "number_out_of_range", "/1/1"},
    {TEXT("{\"a~/b\":1e999}"), FC_INVALID, "number_out_of_range", "/a~0~1b"},
    {TEXT("{\"a\":1,\"a\":2}"), FC_INVALID, "duplicate_key", "/a"},
    {TEXT("{\"x\":[0,{\"a\":1,\"b\":{},\"\\u0061\":2}]}"), FC_INVALID, "duplicate_key", "/x/1/a"},
    {TEXT("{\"\\ud83d\\ude00\":1,\"\xF0\x9F\x98\x80\":2}"), FC_INVALID, "duplicate_key", "/\xF0\x9F\x98\x80"},
    {TEXT("{\"\":1,\"\":2}"), FC_INVALID, "duplicate_key", "/"},
    {TEXT("{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1,\"c\":1,\"b\":1}"), FC_INVALID, "duplicate_key", "/c"},
    {TEXT("{\"a\":\"x\\u0000y\"}"), FC_INVALID, "nul_character", "/a"},
    {TEXT("{\"k\":{\"a\\u0000\":1}}"), FC_INVALID, "nul_character", "/k/a"},
};

/* The check must read only its n bytes: each text stands in a block of its own size, so that ASan sees more. */
static enum fc_status check(const char *text, size_t n, struct fc_error *e)
{
    char *copy = malloc(n ? n : 1);
    memcpy(copy, text, n);
    enum fc_status s = fc_json_check(copy, n, e);
    free(copy);
    return s;
}

static void test_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct fc_error e = {0};
        if (check(good[i].text, good[i].n, &e) != FC_OK)
            fail_msg("%s: %s", good[i].text, e.detail);
    }
}

static void test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct fc_error e = {0};
        enum fc_status s = check(bad[i].text, bad[i].n, &e);
        if (s != bad[i].status || e.status != s || strcmp(e.code, bad[i].code) != 0 || (s == FC_INVALID && strcmp(e.pointer, bad[i].pointer) != 0) || !e.detail[0])
            fail_msg("%zu: %s: status %d, code %s, pointer %s, detail %s", i, bad[i].text, s, e.code, e.pointer, e.detail);
    }
}

static void test_every_truncation_is_refused(void **state)
{
    (void)state;
    static const char text[] = "{\"a\":[1,-2.5e+3,null,true,false,\"x\\u00e9\\uD83D\\uDE00\xC3\xA9\"],\"b\":{\"c\":{}}}";
    struct fc_error e;
    for (size_t n = 0; n < sizeof text - 1; n++)
        assert_int_equal(check(text, n, &e), FC_UNREADABLE);
    assert_int_equal(check(text, sizeof text - 1, &e), FC_OK);
}

static void test_place_of_an_error(void **state)
{
    (void)state;
    struct fc_error e;
    assert_int_equal(check(TEXT("{\n \"\xC3\xA9\": 01\n}"), &e), FC_UNREADABLE);
    assert_non_null(strstr(e.detail, "line 2, column 7 (byte 9)"));
    assert_int_equal(check(TEXT("{\"series\":[1e999]}"), &e), FC_INVALID);
    assert_non_null(strstr(e.detail, "1e999"));
    assert_non_null(strstr(e.detail, "/series/0"));
}

static void test_depth(void **state)
{
    (void)state;
    char text[2 * 65 + 1];
    struct fc_error e;
    for (int depth = 64; depth <= 65; depth++) {
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        assert_int_equal(check(text, 2 * (size_t)depth, &e), depth == 64 ? FC_OK : FC_UNREADABLE);
    }
    char *deep = malloc(1000000);
    memset(deep, '[', 1000000);
    assert_int_equal(fc_json_check(deep, 1000000, &e), FC_UNREADABLE);
    free(deep);
    for (size_t i = 0; i < 65 * 5; i += 5)
        memcpy(text + i % 130, "{\"a\":", 5);
    assert_int_equal(check(text, 130, &e), FC_UNREADABLE);
}

static void test_pointer_of_long_keys_is_cut_between_characters(void **state)
{
    (void)state;
    for (size_t pad = 150; pad < 260; pad++) {
        char text[1024];
        struct fc_error e = {0};
        size_t n = 0;
        n += (size_t)sprintf(text + n, "{\"");
        memset(text + n, 'k', pad);
        n += pad;
        n += (size_t)sprintf(text + n, "\\uD83D\\uDE00\xC3\xA9\xE2\x82\xAC\\n~/ and so on\":{\"b\":1e999}}");
        assert_int_equal(check(text, n, &e), FC_INVALID);
        assert_string_equal(e.code, "number_out_of_range");
        assert_true(fc_utf8_valid(e.pointer, strlen(e.pointer)));
        assert_true(fc_utf8_valid(e.detail, strlen(e.detail)));
    }
}

static int many_keys(const char *last, struct fc_error *e)
{
    enum { KEYS = 200000 };
    char *text = malloc(KEYS * 16 + 64);
    size_t n = 0;
    text[n++] = '{';
    for (int i = 0; i < KEYS; i++)
        n += (size_t)sprintf(text + n, "\"k%d\":0,", i);
    n += (size_t)sprintf(text + n, "\"%s\":0}", last);
    int s = check(text, n, e);
    free(text);
    return s;
}

/* 200,000 keys under a hash of 32 bits: some different ones share theirs. */
static void test_many_keys(void **state)
{
    (void)state;
    struct fc_error e = {0};
    assert_int_equal(many_keys("x", &e), FC_OK);
    assert_int_equal(many_keys("k\\u0037777", &e), FC_INVALID);
    assert_string_equal(e.pointer, "/k7777");
}

static void test_keys_with_long_common_prefix(void **state)
{
    (void)state;
    enum { KEYS = 2000, PREFIX = 1000 };
    char *text = malloc(KEYS * (PREFIX + 16));
    struct fc_error e = {0};
    size_t n = 0;
    text[n++] = '{';
    for (int i = 0; i < KEYS; i++) {
        text[n++] = '"';
        memset(text + n, 'p', PREFIX);
        n += PREFIX;
        n += (size_t)sprintf(text + n, "%d\":0%s", i, i + 1 < KEYS ? "," : "}");
    }
    assert_int_equal(check(text, n, &e), FC_OK);
    free(text);
}

/* Bytes at random, mutated from a good text: the check must not read outside (ASan) and what it passes must be readable to its end. */
static void test_mutations(void **state)
{
    (void)state;
    static const char seed_text[] = "{\"id\":\"a\",\"start\":\"2026-01-01\",\"step\":\"1h\",\"values\":[1,-2.5e3,null,\"NaN\"],\"x\":{\"y\":[[],{},true]}}";
    static const char alphabet[] = "{}[]\",:0123456789eE+-.\\untrfalse \n\x80\xC3\xA9\x00\x1f";
    unsigned long long rng = 88172645463325252ull;
    size_t passed = 0;
    for (int round = 0; round < 200000; round++) {
        char text[sizeof seed_text];
        size_t n = sizeof seed_text - 1;
        struct fc_error e = {0};
        memcpy(text, seed_text, n);
        for (int k = 0; k < 1 + round % 3; k++) {
            rng ^= rng << 13, rng ^= rng >> 7, rng ^= rng << 17;
            text[rng % n] = alphabet[(rng >> 32) % (sizeof alphabet - 1)];
        }
        enum fc_status s = check(text, n, &e);
        struct fc_json_reader r;
        fc_json_reader_init(&r, text, n);
        fc_json_skip(&r);
        if (s == FC_OK) {
            passed++;
            assert_int_equal(fc_json_kind(&r), FC_JSON_END);
            assert_ptr_equal(r.p, r.end);
        } else {
            assert_true(s == FC_UNREADABLE || s == FC_INVALID);
        }
    }
    assert_true(passed > 1000);
}

/* ---- the reader ---- */

static void test_reader(void **state)
{
    (void)state;
    static const char text[] = " { \"a\" : [ 1 , -2.5 , null , \"x\\ty\" ] , \"\\u0062\" : { } , \"c\" : [ ] , \"skip\" : [ { \"]\" : \"\\\"}\" } , 1 ] , \"t\" : true } ";
    struct fc_json_reader r;
    struct fc_json_text key, t;
    char plain[16];
    fc_json_reader_init(&r, text, sizeof text - 1);
    assert_int_equal(fc_json_kind(&r), FC_JSON_OBJECT);
    fc_json_enter(&r);
    assert_true(fc_json_next_key(&r, &key));
    assert_true(fc_json_text_is(&key, "a"));
    assert_false(fc_json_text_is(&key, "ab"));
    assert_false(fc_json_text_is(&key, ""));
    fc_json_enter(&r);
    assert_true(fc_json_next(&r));
    assert_true(fc_json_number(&r) == 1);
    assert_true(fc_json_next(&r));
    assert_true(fc_json_number(&r) == -2.5);
    assert_true(fc_json_next(&r));
    assert_int_equal(fc_json_kind(&r), FC_JSON_NULL);
    fc_json_skip(&r);
    assert_true(fc_json_next(&r));
    t = fc_json_string(&r);
    assert_int_equal(fc_json_unescape(&t, plain), 3);
    assert_memory_equal(plain, "x\ty", 3);
    assert_false(fc_json_next(&r));
    assert_true(fc_json_next_key(&r, &key));
    assert_true(fc_json_text_is(&key, "b"));
    fc_json_enter(&r);
    assert_false(fc_json_next_key(&r, &key));
    assert_true(fc_json_next_key(&r, &key));
    fc_json_enter(&r);
    assert_false(fc_json_next(&r));
    assert_true(fc_json_next_key(&r, &key));
    assert_true(fc_json_text_is(&key, "skip"));
    fc_json_skip(&r);
    assert_true(fc_json_next_key(&r, &key));
    assert_int_equal(fc_json_kind(&r), FC_JSON_TRUE);
    fc_json_skip(&r);
    assert_false(fc_json_next_key(&r, &key));
    assert_int_equal(fc_json_kind(&r), FC_JSON_END);
}

static void test_unescape(void **state)
{
    (void)state;
    static const char raw[] = "\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20AC\\ud83d\\ude00z";
    static const char want[] = "\"\\/\b\f\n\r\tA\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z";
    struct fc_json_text t = {raw, sizeof raw - 1, true}, plain = {want, sizeof want - 1, false};
    char out[sizeof raw];
    assert_int_equal(fc_json_unescape(&t, out), sizeof want - 1);
    assert_memory_equal(out, want, sizeof want - 1);
    assert_true(fc_json_text_hash(&t) == fc_json_text_hash((&(struct fc_json_text){raw, sizeof raw - 1, true})));
    struct fc_json_text a = {TEXT("a"), false}, a_escaped = {TEXT("\\u0061"), true}, b = {TEXT("b"), false}, ab = {TEXT("\\u0061b"), true};
    assert_int_equal(fc_json_text_compare(&a, &a_escaped), 0);
    assert_true(fc_json_text_hash(&a) == fc_json_text_hash(&a_escaped));
    assert_true(fc_json_text_compare(&a_escaped, &b) < 0);
    assert_true(fc_json_text_compare(&ab, &a) > 0);
    assert_true(fc_json_text_compare(&plain, &a) < 0);
}

/* ---- numbers ---- */

static void same_as_strtod(const char *text)
{
    double mine = 0, decimal = 0, theirs = strtod(text, NULL);
    size_t n = strlen(text);
    char *copy = malloc(n);
    memcpy(copy, text, n);
    const char *end = fc_scan_json_number(copy, copy + n, &mine);
    bool whole = end == copy + n, ok = fc_scan_decimal(copy, n, &decimal);
    free(copy);
    if (!whole || !ok || memcmp(&mine, &theirs, sizeof mine) != 0 || memcmp(&decimal, &theirs, sizeof mine) != 0)
        fail_msg("%s: %.17g, %.17g, strtod says %.17g", text, mine, decimal, theirs);
}

static void test_hard_numbers(void **state)
{
    (void)state;
    static const char *const hard[] = {
        "0", "-0", "-0.0", "0e5", "-0e-400", "1", "9007199254740991", "9007199254740992", "9007199254740993", "9007199254740995", "18446744073709551615", "18446744073709551616",
        "1e22", "1e23", "8.5e22", "123456789012345678e-27", "1e-22", "1e-23", "2.2250738585072014e-308", "2.2250738585072011e-308", "4.9e-324", "2.4703282292062327e-324",
        "2.4703282292062328e-324", "1e-400", "1.7976931348623157e308", "1.7976931348623158e308", "1.7976931348623159e308", "1e309", "-1e309", "1e99999999999999999999",
        "1e-99999999999999999999", "0.000000000000000000000000000000000001e36", "100000000000000000000000000000000000000e-38", "0.1", "0.2", "0.3", "3.14159265358979323846264338327950288",
        "1.00000000000000011102230246251565404236316680908203125", "1.00000000000000011102230246251565404236316680908203124",
        "1.00000000000000011102230246251565404236316680908203126", "1.00000000000000033306690738754696212708950042724609375", "7450580596923828125e-27", "6.02214076e23",
        "10000000000000000159", "36028797018963967", "36028797018963969", "0.500000000000000166533453693773481063544750213623046875",
    };
    for (size_t i = 0; i < sizeof hard / sizeof *hard; i++)
        same_as_strtod(hard[i]);
}

/* A tie of two doubles, 1 + 2^-53, followed by n zeros and a one: the one far behind decides. */
static void test_long_ties(void **state)
{
    (void)state;
    static const char tie[] = "1.00000000000000011102230246251565404236316680908203125";
    for (size_t zeros = 0; zeros < 2000; zeros += 97) {
        char text[2100];
        size_t n = (size_t)sprintf(text, "%s", tie);
        memset(text + n, '0', zeros);
        text[n + zeros] = 0;
        same_as_strtod(text);
        text[n + zeros] = '1';
        text[n + zeros + 1] = 0;
        same_as_strtod(text);
    }
}

static void test_random_numbers(void **state)
{
    (void)state;
    unsigned long long rng = 0x9E3779B97F4A7C15ull;
    for (int i = 0; i < 400000; i++) {
        char text[400];
        double x;
        rng ^= rng << 13, rng ^= rng >> 7, rng ^= rng << 17;
        memcpy(&x, &rng, sizeof x);
        switch (i % 5) {
        case 0: /* any finite bits, any precision */
            if (!isfinite(x))
                continue;
            snprintf(text, sizeof text, "%.*e", (int)(rng >> 59), x);
            break;
        case 1: snprintf(text, sizeof text, "%.17g", (double)(long long)rng / 1048576.0 / 1048576.0); break;
        case 2: snprintf(text, sizeof text, "%llu.%llu", rng % 100000, (rng >> 20) % 1000000); break;
        case 3: snprintf(text, sizeof text, "%s%llu.%018llue%d", i & 8 ? "-" : "", rng, rng % 1000000000000000000ull, (int)(rng >> 8) % 340); break;
        default: snprintf(text, sizeof text, "%llue%d", rng >> (i % 40), (int)((rng >> 3) % 61) - 30); break;
        }
        same_as_strtod(text);
    }
}

static void test_decimal(void **state)
{
    (void)state;
    static const struct { const char *text; double x; } yes[] = {{"+1", 1}, {".5", 0.5}, {"5.", 5}, {"007", 7}, {"-.5e1", -5}, {"1e999", INFINITY}};
    static const char *const no[] = {"", "+", "-", ".", "e5", "1e", "1e+", "0x10", "inf", "nan", "NaN", "infinity", "1 ", " 1", "1,5", "--1", "1.2.3", "1d", "\xEF\xBC\x91"};
    double x;
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
        assert_true(fc_scan_decimal(yes[i].text, strlen(yes[i].text), &x));
        assert_true(x == yes[i].x);
    }
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        assert_false(fc_scan_decimal(no[i], strlen(no[i]), &x));
}

/* ---- CSV ---- */

static void test_csv(void **state)
{
    (void)state;
    static const char text[] = "\xEF\xBB\xBF" "a,b\r\n \"x,\"\"y\"\"\nz\" , 2 \n,\n\"\",q\n\r\n  \n";
    struct fc_csv c;
    struct fc_csv_cell cell[3];
    struct fc_error e;
    size_t n;
    char out[32];
    fc_csv_init(&c, text, sizeof text - 1);
    assert_int_equal(fc_csv_next(&c, cell, 3, &n, &e), FC_OK);
    assert_int_equal(n, 2);
    assert_int_equal(c.line, 1);
    assert_true(cell[0].n == 1 && cell[0].text[0] == 'a' && cell[1].n == 1 && cell[1].text[0] == 'b');
    assert_int_equal(fc_csv_next(&c, cell, 3, &n, &e), FC_OK);
    assert_int_equal(n, 2);
    assert_int_equal(fc_csv_unquote(&cell[0], out), 7);
    assert_memory_equal(out, "x,\"y\"\nz", 7);
    assert_true(cell[1].n == 1 && cell[1].text[0] == '2');
    assert_int_equal(fc_csv_next(&c, cell, 3, &n, &e), FC_OK);
    assert_int_equal(n, 2);
    assert_int_equal(c.line, 4);
    assert_true(cell[0].n == 0 && cell[1].n == 0);
    assert_int_equal(fc_csv_next(&c, cell, 1, &n, &e), FC_OK);
    assert_int_equal(n, 2);
    assert_true(cell[0].quoted && cell[0].n == 0);
    assert_int_equal(fc_csv_next(&c, cell, 3, &n, &e), FC_OK);
    assert_int_equal(n, 0);
}

static void test_bad_csv(void **state)
{
    (void)state;
    static const struct { const char *text; size_t n; const char *pointer; } wrong[] = {
        {TEXT("a,b\n\"x"), "line 2"}, {TEXT("\"x\"y,1"), "line 1"}, {TEXT("a\n\n\n1,\"a\nb\"\"\n\n"), "line 4"}, {TEXT("a,b\0c"), "line 1"}, {TEXT("a\n1,\"b\0c\""), "line 2"},
        {TEXT("\"a\0\nb\",1"), "line 1"}, {TEXT("\"a\"\r,b"), "line 1"}, {TEXT("\""), "line 1"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct fc_csv c;
        struct fc_csv_cell cell[3];
        struct fc_error e;
        size_t n;
        char *copy = malloc(wrong[i].n);
        memcpy(copy, wrong[i].text, wrong[i].n);
        fc_csv_init(&c, copy, wrong[i].n);
        enum fc_status s;
        while ((s = fc_csv_next(&c, cell, 3, &n, &e)) == FC_OK && n > 0)
            ;
        assert_int_equal(s, FC_UNREADABLE);
        assert_string_equal(e.code, "invalid_csv");
        assert_string_equal(e.pointer, wrong[i].pointer);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good), cmocka_unit_test(test_bad), cmocka_unit_test(test_every_truncation_is_refused), cmocka_unit_test(test_place_of_an_error),
        cmocka_unit_test(test_depth), cmocka_unit_test(test_pointer_of_long_keys_is_cut_between_characters), cmocka_unit_test(test_many_keys),
        cmocka_unit_test(test_keys_with_long_common_prefix), cmocka_unit_test(test_mutations), cmocka_unit_test(test_reader), cmocka_unit_test(test_unescape),
        cmocka_unit_test(test_hard_numbers), cmocka_unit_test(test_long_ties), cmocka_unit_test(test_random_numbers), cmocka_unit_test(test_decimal),
        cmocka_unit_test(test_csv), cmocka_unit_test(test_bad_csv),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
