/* test_season.c: seasons that are there are found, and noise and random walks have none. */
#include "clean.h"
#include "rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define N_MAX 25000
static const struct fc_step hour = { .ms = 3600000 }, day = { .ms = 86400000 }, week = { .ms = 604800000 }, month = { .months = 1 };

/* International airline passengers in thousands, 1949 to 1960 (Box and Jenkins, series G). */
static const double airline[144] = {
    112, 118, 132, 129, 121, 135, 148, 148, 136, 119, 104, 118, 115, 126, 141, 135, 125, 149, 170, 170, 158, 133, 114, 140, 145, 150, 178, 163, 172,
    178, 199, 199, 184, 162, 146, 166, 171, 180, 193, 181, 183, 218, 230, 242, 209, 191, 172, 194, 196, 196, 236, 235, 229, 243, 264, 272, 237, 211,
    180, 201, 204, 188, 235, 227, 234, 264, 302, 293, 259, 229, 203, 229, 242, 233, 267, 269, 270, 315, 364, 347, 312, 274, 237, 278, 284, 277, 317,
    313, 318, 374, 413, 405, 355, 306, 271, 306, 315, 301, 356, 348, 355, 422, 465, 467, 404, 347, 305, 336, 340, 318, 362, 348, 363, 435, 491, 505,
    404, 359, 310, 337, 360, 342, 406, 396, 420, 472, 548, 559, 463, 407, 362, 405, 417, 391, 419, 461, 472, 535, 622, 606, 508, 461, 390, 432,
};

static void expect_season(const double *x, size_t n, struct fc_step step, size_t count, uint32_t first, uint32_t second)
{
    struct fc_season s = fc_season_infer(x, n, step);
    if (s.n != count || (count > 0 && s.period[0] != first) || (count > 1 && s.period[1] != second))
        fail_msg("%zu values: %zu seasons, the first %u, the second %u", n, s.n, s.period[0], s.period[1]);
}

static double wave(double t, double period)
{
    return sin(2 * M_PI * t / period);
}

static void airline_has_a_year(void **state)
{
    (void)state;
    expect_season(airline, 144, month, 1, 12, 0);
    expect_season(airline, 60, month, 1, 12, 0);
    expect_season(airline, 36, month, 1, 12, 0);
    expect_season(airline, 23, month, 0, 0, 0); /* not two whole periods */
    double gaps[144];
    memcpy(gaps, airline, sizeof gaps);
    for (size_t i = 3; i < 144; i += 10)
        gaps[i] = NAN;
    expect_season(gaps, 144, month, 1, 12, 0);
    expect_season(airline, 144, (struct fc_step){ .months = 12 }, 0, 0, 0); /* years have none */
}

/* Hours with a day and a quieter weekend; days with a week; both with noise. */
static void days_and_weeks(void **state)
{
    (void)state;
    static double x[N_MAX];
    struct fc_rng r;
    fc_rng_init(&r, 1, 0);
    for (size_t t = 0; t < 24 * 7 * 6; t++) {
        bool weekend = t / 24 % 7 >= 5;
        x[t] = 100 + 0.01 * (double)t + (weekend ? 4 : 10) * wave((double)t, 24) - (weekend ? 6 : 0) + 2 * fc_rng_normal(&r);
    }
    expect_season(x, 24 * 7 * 6, hour, 2, 24, 168);
    expect_season(x, 24 * 7 * 2 - 1, hour, 1, 24, 0); /* not two weeks */
    for (size_t t = 0; t < 24 * 7 * 6; t++)
        if (fc_rng_uniform(&r) < 0.1)
            x[t] = NAN;
    expect_season(x, 24 * 7 * 6, hour, 2, 24, 168);
    /* Every day alike: a week is nothing besides. */
    for (size_t t = 0; t < 24 * 7 * 6; t++)
        x[t] = 10 * wave((double)t, 24) + 2 * fc_rng_normal(&r);
    expect_season(x, 24 * 7 * 6, hour, 1, 24, 0);
    for (size_t t = 0; t < 200; t++)
        x[t] = 50 + (t % 7 >= 5 ? -5 : 0) + 2 * fc_rng_normal(&r);
    expect_season(x, 200, day, 1, 7, 0);
    for (size_t t = 0; t < 1200; t++)
        x[t] = (t % 7 >= 5 ? -5 : 0) + 8 * wave((double)t, 365.2425) + 2 * fc_rng_normal(&r);
    expect_season(x, 1200, day, 2, 7, 365);
    for (size_t t = 0; t < 260; t++)
        x[t] = 20 + 5 * wave((double)t, 52.18) + fc_rng_normal(&r);
    expect_season(x, 260, week, 1, 52, 0);
    for (size_t t = 0; t < 24; t++)
        x[t] = (double)(t % 4 == 1 ? 9 : 2) + 0.5 * fc_rng_normal(&r);
    expect_season(x, 24, (struct fc_step){ .months = 3 }, 1, 4, 0);
    for (size_t t = 0; t < 21000; t++) /* minutes */
        x[t] = 5 * wave((double)t, 1440) + fc_rng_normal(&r);
    expect_season(x, 21000, (struct fc_step){ .ms = 60000 }, 1, 1440, 0);
    for (size_t t = 0; t < 700; t++) /* minutes, less than a day: the hour */
        x[t] = 5 * wave((double)t, 60) + fc_rng_normal(&r);
    expect_season(x, 700, (struct fc_step){ .ms = 60000 }, 1, 60, 0);
}

/* Steps that no calendar helps with, and seasons that no calendar has. */
static void other_periods_are_searched(void **state)
{
    (void)state;
    static const struct fc_step steps[] = { { .ms = 1000 }, { .ms = 420000 }, { 0 }, { .ms = 3600000 } };
    static const uint32_t periods[] = { 5, 17, 50, 97, 230 };
    static double x[2000];
    struct fc_rng r;
    fc_rng_init(&r, 2, 0);
    for (size_t s = 0; s < sizeof steps / sizeof *steps; s++)
        for (size_t i = 0; i < sizeof periods / sizeof *periods; i++) {
            for (size_t t = 0; t < 2000; t++)
                x[t] = 3 + 0.002 * (double)t + wave((double)t, periods[i]) + 0.3 * fc_rng_normal(&r);
            struct fc_season found = fc_season_infer(x, 2000, steps[s]);
            if (found.n != 1 || labs((long)found.period[0] - (long)periods[i]) > (periods[i] > 100 ? 1 : 0))
                fail_msg("step %zu, period %u: %zu found, the first %u", s, periods[i], found.n, found.period[0]);
        }
    for (size_t t = 0; t < 2000; t++) /* one spike a period has every harmonic, and the period is none of them */
        x[t] = (t % 30 == 4 ? 10 : 0) + 0.5 * fc_rng_normal(&r);
    expect_season(x, 2000, steps[2], 1, 30, 0);
}

static void degenerate_series_have_none(void **state)
{
    (void)state;
    static double x[1000];
    for (size_t t = 0; t < 1000; t++)
        x[t] = 0.1;
    expect_season(x, 1000, hour, 0, 0, 0);
    expect_season(x, 1000, (struct fc_step){ 0 }, 0, 0, 0);
    x[500] = 1e9; /* one outlier */
    expect_season(x, 1000, hour, 0, 0, 0);
    for (size_t t = 0; t < 1000; t++)
        x[t] = 1e6 + 3.0 * (double)t;
    expect_season(x, 1000, hour, 0, 0, 0);
    for (size_t t = 0; t < 1000; t++)
        x[t] = NAN;
    expect_season(x, 1000, hour, 0, 0, 0);
    x[3] = x[700] = 1;
    expect_season(x, 1000, hour, 0, 0, 0);
    expect_season(x, 0, hour, 0, 0, 0);
    for (size_t t = 0; t < 1000; t++)
        x[t] = t % 2 ? 1e308 : -1e308; /* products overflow: none is fine, a crash is not */
    assert_true(fc_season_infer(x, 1000, hour).n <= FC_SEASONS);
}

/* At most 5 of 100 series without a season are said to have one. */
static void noise_has_none(void **state)
{
    (void)state;
    static const struct {
        struct fc_step step;
        size_t n;
    } shapes[] = {
        { { .months = 1 }, 48 },     { { .months = 1 }, 144 },     { { .months = 3 }, 24 },    { { .ms = 86400000 }, 60 },
        { { .ms = 86400000 }, 400 }, { { .ms = 604800000 }, 200 }, { { .ms = 3600000 }, 700 }, { { .ms = 1000 }, 500 },
    };
    static double x[1000];
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (int walk = 0; walk <= 1; walk++) {
            int found = 0;
            for (uint64_t seed = 0; seed < 200; seed++) {
                struct fc_rng r;
                fc_rng_init(&r, seed, (uint64_t)walk);
                double level = 0;
                for (size_t t = 0; t < shapes[s].n; t++) {
                    double z = fc_rng_normal(&r);
                    level += z;
                    x[t] = walk ? level : z;
                }
                found += fc_season_infer(x, shapes[s].n, shapes[s].step).n > 0;
            }
            if (found > 10)
                fail_msg("shape %zu, %s: %d of 200", s, walk ? "walk" : "noise", found);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(airline_has_a_year),          cmocka_unit_test(days_and_weeks), cmocka_unit_test(other_periods_are_searched),
        cmocka_unit_test(degenerate_series_have_none), cmocka_unit_test(noise_has_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
