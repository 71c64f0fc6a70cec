/* test_rng.c: the generator against its published algorithm, and the shape of its distributions. */
#include "rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* The first outputs of xoshiro256** from the state 1, 2, 3, 4 (as other implementations of it publish them). */
static void known_answers(void **state)
{
    (void)state;
    static const uint64_t want[] = {
        11520, 0, 1509978240, UINT64_C(1215971899390074240), UINT64_C(1216172134540287360), UINT64_C(607988272756665600)
    };
    struct fc_rng r = { { 1, 2, 3, 4 } };
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        assert_int_equal(fc_rng_next(&r), want[i]);
}

static void seeds_and_streams_differ(void **state)
{
    (void)state;
    struct fc_rng a, b;
    fc_rng_init(&a, 7, 3);
    fc_rng_init(&b, 7, 3);
    for (int i = 0; i < 100; i++)
        assert_int_equal(fc_rng_next(&a), fc_rng_next(&b));
    static const uint64_t pairs[][2] = { { 7, 3 }, { 3, 7 }, { 7, 4 }, { 8, 3 }, { 8, 2 }, { 0, 0 }, { 0, 1 }, { 1, 0 }, { 0, 10 } };
    uint64_t first[sizeof pairs / sizeof *pairs];
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        fc_rng_init(&a, pairs[i][0], pairs[i][1]);
        first[i] = fc_rng_next(&a);
        for (size_t k = 0; k < i; k++)
            assert_true(first[k] != first[i]);
    }
}

static void uniform_has_its_moments(void **state)
{
    (void)state;
    struct fc_rng r;
    fc_rng_init(&r, 1, 1);
    double sum = 0, square = 0, float_sum = 0;
    for (int i = 0; i < 100000; i++) {
        double u = fc_rng_uniform(&r);
        float f = fc_rng_range(&r, -2, 6);
        assert_true(u >= 0 && u < 1);
        assert_true(f >= -2 && f < 6);
        sum += u;
        square += u * u;
        float_sum += (double)f;
    }
    assert_true(fabs(sum / 1e5 - 0.5) <= 0.005);
    assert_true(fabs(square / 1e5 - 1.0 / 3) <= 0.005);
    assert_true(fabs(float_sum / 1e5 - 2) <= 0.04);
    for (int i = 0; i < 1000; i++) { /* a range of two floats: rounding must not give its end */
        float f = fc_rng_range(&r, 1, nextafterf(1, 2));
        assert_true(f >= 1 && f < nextafterf(1, 2));
    }
}

static void normal_has_its_moments(void **state)
{
    (void)state;
    struct fc_rng r;
    fc_rng_init(&r, 2, 0);
    double m1 = 0, m2 = 0, m3 = 0, m4 = 0;
    int beyond = 0;
    const int n = 200000;
    for (int i = 0; i < n; i++) {
        double z = fc_rng_normal(&r);
        m1 += z;
        m2 += z * z;
        m3 += z * z * z;
        m4 += z * z * z * z;
        beyond += fabs(z) > 1.959964;
    }
    assert_true(fabs(m1 / n) <= 0.01);
    assert_true(fabs(m2 / n - 1) <= 0.015);
    assert_true(fabs(m3 / n) <= 0.03);
    assert_true(fabs(m4 / n - 3) <= 0.1);
    assert_true(fabs((double)beyond / n - 0.05) <= 0.002);
}

static void below_is_even(void **state)
{
    (void)state;
    struct fc_rng r;
    fc_rng_init(&r, 3, 0);
    int seen[7] = { 0 };
    for (int i = 0; i < 70000; i++) {
        uint64_t x = fc_rng_below(&r, 7);
        assert_true(x < 7);
        seen[x]++;
    }
    for (int i = 0; i < 7; i++)
        assert_in_range(seen[i], 9600, 10400);
    assert_int_equal(fc_rng_below(&r, 0), 0);
    assert_int_equal(fc_rng_below(&r, 1), 0);
    /* Near 2/3 of 2^64 a plain modulo would give the lower half twice as often. */
    uint64_t n = UINT64_C(0xaaaaaaaaaaaaaaaa);
    int low = 0;
    for (int i = 0; i < 10000; i++) {
        uint64_t x = fc_rng_below(&r, n);
        assert_true(x < n);
        low += x < n / 2;
    }
    assert_in_range(low, 4800, 5200);
}

static void shuffle_is_a_fair_permutation(void **state)
{
    (void)state;
    struct fc_rng r;
    fc_rng_init(&r, 4, 0);
    int seen[6] = { 0 };
    for (int i = 0; i < 60000; i++) {
        uint32_t x[3] = { 0, 1, 2 };
        fc_rng_shuffle(&r, x, 3);
        assert_int_equal(x[0] + x[1] + x[2], 3);
        assert_true(x[0] != x[1] && x[1] != x[2] && x[0] != x[2]);
        seen[x[0] * 2 + (x[1] > x[2])]++;
    }
    for (int i = 0; i < 6; i++)
        assert_in_range(seen[i], 9600, 10400);
    fc_rng_shuffle(&r, NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),           cmocka_unit_test(seeds_and_streams_differ),
        cmocka_unit_test(uniform_has_its_moments), cmocka_unit_test(normal_has_its_moments),
        cmocka_unit_test(below_is_even),           cmocka_unit_test(shuffle_is_a_fair_permutation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
