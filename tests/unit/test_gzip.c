/* test_gzip.c: the gzip coding both ways, damaged input and bombs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "gzip.h"

#include <stdlib.h>
#include <string.h>

#define N 300000

static void fill(struct fc_buf *b, size_t n)
{
    for (unsigned i = 1; b->n < n; i = i * 1103515245u + 12345u)
        fc_buf_format(b, "2026-01-01T00:00:00Z,%u\n", i >> 12);
    b->n = n;
}

static void round_trips_at_the_exact_limit(void **state)
{
    (void)state;
    static const size_t sizes[] = {100, 65535, 65536, 65537, N};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct fc_buf plain = {0}, packed = {0}, back = {0};
        struct fc_error e;
        fill(&plain, sizes[i]);
        assert_true(fc_gzip_deflate(plain.data, plain.n, &packed));
        assert_true(packed.n < plain.n);
        assert_int_equal(fc_gzip_inflate(packed.data, packed.n, plain.n, &back, &e), FC_OK);
        assert_int_equal(back.n, plain.n);
        assert_memory_equal(back.data, plain.data, plain.n);
        back.n = 0;
        assert_int_equal(fc_gzip_inflate(packed.data, packed.n, plain.n - 1, &back, &e), FC_TOO_LARGE);
        assert_string_equal(e.code, "body_too_large");
        fc_buf_free(&plain);
        fc_buf_free(&packed);
        fc_buf_free(&back);
    }
}

static void what_does_not_shrink_is_left_alone(void **state)
{
    (void)state;
    unsigned char noise[4096];
    uint64_t x = 88172645463325252u;
    for (size_t i = 0; i < sizeof noise; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        noise[i] = (unsigned char)x;
    }
    struct fc_buf packed = {0};
    assert_false(fc_gzip_deflate(noise, sizeof noise, &packed));
    assert_null(packed.data);
    assert_false(fc_gzip_deflate("", 0, &packed));
}

static void several_members_are_one_body(void **state)
{
    (void)state;
    struct fc_buf plain = {0}, packed = {0}, two = {0}, back = {0};
    struct fc_error e;
    fill(&plain, N);
    assert_true(fc_gzip_deflate(plain.data, plain.n, &packed));
    fc_buf_add(&two, packed.data, packed.n);
    fc_buf_add(&two, packed.data, packed.n);
    assert_int_equal(fc_gzip_inflate(two.data, two.n, 2 * N, &back, &e), FC_OK);
    assert_int_equal(back.n, 2 * N);
    assert_memory_equal(back.data + N, plain.data, N);
    back.n = 0;
    assert_int_equal(fc_gzip_inflate(two.data, two.n, 2 * N - 1, &back, &e), FC_TOO_LARGE);
    fc_buf_free(&plain);
    fc_buf_free(&packed);
    fc_buf_free(&two);
    fc_buf_free(&back);
}

/* Every cut and every flipped byte is an error, or (in the unused parts of the header) gives the same bytes. */
static void damage_is_found(void **state)
{
    (void)state;
    struct fc_buf plain = {0}, packed = {0};
    fill(&plain, 500);
    assert_true(fc_gzip_deflate(plain.data, plain.n, &packed));
    for (size_t i = 0; i < packed.n; i++) {
        struct fc_buf back = {0};
        struct fc_error e;
        assert_int_equal(fc_gzip_inflate(packed.data, i, 1000, &back, &e), FC_UNREADABLE);
        assert_string_equal(e.code, "bad_gzip");
        fc_buf_free(&back);
        packed.data[i] = (char)(packed.data[i] ^ 0x10);
        if (fc_gzip_inflate(packed.data, packed.n, 1000, &back, &e) == FC_OK) {
            assert_true((i >= 4 && i < 10) || i == packed.n - 9); /* time, flags and system; the unused bits before the trailer */
            assert_int_equal(back.n, plain.n);
            assert_memory_equal(back.data, plain.data, plain.n);
        }
        packed.data[i] = (char)(packed.data[i] ^ 0x10);
        fc_buf_free(&back);
    }
    struct fc_buf back = {0};
    struct fc_error e;
    fc_buf_text(&packed, "trailing");
    assert_int_equal(fc_gzip_inflate(packed.data, packed.n, 1000, &back, &e), FC_UNREADABLE);
    fc_buf_free(&plain);
    fc_buf_free(&packed);
    fc_buf_free(&back);
}

/* 64 MiB of zeros: found out after the limit, with no more memory than about that. */
static void a_bomb_costs_its_limit(void **state)
{
    (void)state;
    size_t n = (size_t)64 << 20;
    char *zeros = calloc(1, n);
    struct fc_buf packed = {0}, back = {0};
    struct fc_error e;
    assert_true(fc_gzip_deflate(zeros, n, &packed));
    free(zeros);
    assert_int_equal(fc_gzip_inflate(packed.data, packed.n, 1000000, &back, &e), FC_TOO_LARGE);
    assert_true(back.cap <= 4000000);
    fc_buf_free(&packed);
    fc_buf_free(&back);
}

/* Each piece can be decoded as soon as it was made. */
static void streams_flush_each_piece(void **state)
{
    (void)state;
    struct fc_gzip_stream *s = fc_gzip_stream_new();
    struct fc_buf plain = {0}, packed = {0}, back = {0};
    struct fc_error e;
    assert_non_null(s);
    fill(&plain, N);
    for (size_t at = 0; at < N; at += 1000) {
        size_t before = packed.n;
        assert_true(fc_gzip_stream_add(s, plain.data + at, 1000, false, &packed));
        assert_true(packed.n > before);
        assert_memory_equal(packed.data + packed.n - 4, "\0\0\377\377", 4); /* the mark of a flush */
    }
    assert_true(fc_gzip_stream_add(s, NULL, 0, true, &packed));
    assert_int_equal(fc_gzip_inflate(packed.data, packed.n, N, &back, &e), FC_OK);
    assert_int_equal(back.n, N);
    assert_memory_equal(back.data, plain.data, N);
    fc_gzip_stream_free(s);
    fc_buf_free(&plain);
    fc_buf_free(&packed);
    fc_buf_free(&back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trips_at_the_exact_limit),
        cmocka_unit_test(what_does_not_shrink_is_left_alone),
        cmocka_unit_test(several_members_are_one_body),
        cmocka_unit_test(damage_is_found),
        cmocka_unit_test(a_bomb_costs_its_limit),
        cmocka_unit_test(streams_flush_each_piece),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
