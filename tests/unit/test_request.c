/* test_request.c: query parameters with their checks, and entity tags, without a socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http_call.h"

#include <stdlib.h>
#include <string.h>

/* Parses the target into *r; the caller frees the result. */
static char *parse(struct fc_request *r, const char *target)
{
    char *decoded = NULL;
    struct fc_path path;
    struct fc_error e;
    *r = (struct fc_request){.target = (char *)(uintptr_t)target};
    assert_int_equal(fc_target_parse(r, &decoded, &path, &e), FC_OK);
    return decoded;
}

static void whole_numbers(void **state)
{
    (void)state;
    struct fc_request r;
    struct fc_error e;
    uint64_t x = 77;
    char *d = parse(&r, "/?a=0&b=1000&c=-1&d=1.5&e=&f=99999999999999999999&g=+5&h=1e3&i=18446744073709551616");
    assert_int_equal(fc_query_uint(&r, "none", 1, 1000, 100, &x, &e), FC_OK);
    assert_int_equal(x, 100);
    assert_int_equal(fc_query_uint(&r, "b", 1, 1000, 100, &x, &e), FC_OK);
    assert_int_equal(x, 1000);
    assert_int_equal(fc_query_uint(&r, "a", 1, 1000, 100, &x, &e), FC_INVALID);
    assert_non_null(strstr(e.detail, "a=0"));
    for (const char *name = "cdefghi"; *name; name++) {
        const char one[2] = {*name, 0};
        assert_int_equal(fc_query_uint(&r, one, 0, UINT64_MAX, 100, &x, &e), FC_INVALID);
        assert_int_equal(x, 1000);
    }
    free(d);
}

static void times(void **state)
{
    (void)state;
    static const struct { const char *target; fc_time wanted; } cases[] = {
        {"/?t=2026-01-31", 1769817600000}, {"/?t=2026-01-31T00:00:00Z", 1769817600000}, {"/?t=2026-01-31+00:00:00", 1769817600000},
        {"/?t=2026-01-31T02:00:00+02:00", 1769817600000},     /* the + was not escaped and arrives as a space */
        {"/?t=2026-01-31+02:00:00+02:00", 1769817600000}, {"/?t=2026-01-31T02:00:00%2B02:00", 1769817600000}, {"/?t=2026-01-30T22:00:00-02:00", 1769817600000},
        {"/?t=1769817600", 1769817600000}, {"/?t=1769817600.5", 1769817600500}, {"/?t=1769817600500&precision=ms", 1769817600500},
        {"/?t=-1", -1000}, {"/?x=1", 42},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fc_request r;
        struct fc_error e = {0};
        fc_time t = 0;
        char *d = parse(&r, cases[i].target);
        enum fc_status s = fc_query_time(&r, "t", 42, &t, &e);
        if (s || t != cases[i].wanted)
            print_message("%s: %s\n", cases[i].target, e.detail);
        assert_int_equal(s, FC_OK);
        assert_int_equal(t, cases[i].wanted);
        free(d);
    }
    static const char *const bad[] = {"/?t=", "/?t=2026-02-30", "/?t=nan", "/?t=inf", "/?t=0x10", "/?t=now", "/?t=1e30",
                                      "/?t=2026-01-31T00:00:00Zaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct fc_request r;
        struct fc_error e = {0};
        fc_time t = 7;
        char *d = parse(&r, bad[i]);
        if (fc_query_time(&r, "t", 42, &t, &e) != FC_INVALID)
            print_message("%s\n", bad[i]);
        assert_int_equal(fc_query_time(&r, "t", 42, &t, &e), FC_INVALID);
        assert_int_equal(t, 7);
        assert_non_null(strstr(e.detail, "t="));
        free(d);
    }
    static const char *const imprecise[] = {"/?t=1&precision=h", "/?t=2026-01-31&precision=", "/?precision=h"}; /* also where no number needs it */
    for (size_t i = 0; i < sizeof imprecise / sizeof *imprecise; i++) {
        struct fc_request r;
        struct fc_error e = {0};
        fc_time t = 7;
        char *d = parse(&r, imprecise[i]);
        assert_int_equal(fc_query_time(&r, "t", 42, &t, &e), FC_INVALID);
        assert_string_equal(e.code, "bad_precision");
        assert_int_equal(t, 7);
        free(d);
    }
}

static void codings_taken(void **state)
{
    (void)state;
    static const struct { const char *header; bool gzip; } cases[] = {
        {NULL, false}, {"", false}, {"gzip", true}, {"GZIP", true}, {"x-gzip", true}, {"deflate, gzip;q=0.1", true}, {"gzip;q=0", false}, {"gzip; q=0.000", false},
        {"*", true}, {"*;q=0", false}, {"gzip;q=0, *", false}, {"*;q=0, gzip", true}, {"identity", false}, {"gzipped", false}, {"br,,gzip", true}, {"gzip;q=x", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(fc_takes_gzip(cases[i].header), cases[i].gzip);
}

/* Any changed bit, length or type gives another tag; the same bytes give the same. */
static void tags_tell_bodies_apart(void **state)
{
    (void)state;
    enum { SIZE = 70 };
    unsigned char text[SIZE] = {0};
    char first[FC_ETAG_TEXT], other[FC_ETAG_TEXT], gzip[FC_ETAG_TEXT];
    for (size_t n = 0; n < SIZE; n++) {
        fc_etag_make(FC_JSON, text, n, first);
        fc_etag_make(FC_JSON, text, n, other);
        assert_string_equal(first, other);
        fc_etag_make(FC_CSV, text, n, other);
        assert_string_not_equal(first, other);
        fc_etag_make(FC_JSON, text, n + 1, other);
        assert_string_not_equal(first, other);
        for (size_t bit = 0; bit < n * 8; bit++) {
            text[bit / 8] ^= (unsigned char)(1 << bit % 8);
            fc_etag_make(FC_JSON, text, n, other);
            assert_string_not_equal(first, other);
            assert_memory_not_equal(first + 1, other + 1, 16); /* either half */
            assert_memory_not_equal(first + 17, other + 17, 16);
            text[bit / 8] ^= (unsigned char)(1 << bit % 8);
        }
    }
    fc_etag_gzip(first, gzip);
    assert_int_equal(strlen(gzip), strlen(first) + 5);
    assert_false(fc_etag_listed(gzip, first));
    assert_false(fc_etag_listed(first, gzip));
    assert_true(fc_etag_listed(first, first));
    assert_false(fc_etag_listed("\"", first));
    assert_false(fc_etag_listed("W/", first));
    assert_false(fc_etag_listed("garbage, \"more", first));
    assert_false(fc_etag_listed("", first));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers),
        cmocka_unit_test(times),
        cmocka_unit_test(codings_taken),
        cmocka_unit_test(tags_tell_bodies_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
