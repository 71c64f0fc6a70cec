/* test_calendar.c: times, steps and grids: what is read, what is refused and how, and every day from 1000 to 9999. */
#include "calendar.h"
#include "rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define DAY INT64_C(86400000)

static fc_time at(const char *text)
{
    fc_time t = 0;
    struct fc_error e = { 0 };
    if (fc_time_parse(text, strlen(text), &t, &e) != FC_OK)
        fail_msg("%s", e.detail);
    return t;
}

static void expect_time(fc_time t, const char *text)
{
    char out[FC_TIME_TEXT];
    size_t n = fc_time_format(t, out);
    assert_string_equal(out, text);
    assert_int_equal(n, strlen(text));
}

static void times_are_read(void **state)
{
    (void)state;
    assert_int_equal(at("1970-01-01T00:00:00Z"), 0);
    assert_int_equal(at("2026-01-31T00:00:00Z"), INT64_C(1769817600000));
    assert_int_equal(at("2026-01-31"), INT64_C(1769817600000));
    assert_int_equal(at("2026-01-31 00:00"), INT64_C(1769817600000));
    assert_int_equal(at("2026-01-31t00:00:00z"), INT64_C(1769817600000));
    assert_int_equal(at("2026-01-31T00:00:00"), INT64_C(1769817600000));
    assert_int_equal(at("2026-01-31T02:30:00+02:30"), INT64_C(1769817600000));
    assert_int_equal(at("2026-01-30T19:00-05:00"), INT64_C(1769817600000));
    assert_int_equal(at("2026-01-31T00:00:00-00:00"), INT64_C(1769817600000));
    assert_int_equal(at("2026-01-31T00:00:00.5Z"), INT64_C(1769817600500));
    assert_int_equal(at("2026-01-31T00:00:00.1239999999999999999999Z"), INT64_C(1769817600123));
    assert_int_equal(at("1969-12-31T23:59:59.999Z"), -1);
    assert_int_equal(at("2024-02-29"), at("2024-03-01") - DAY);
    assert_int_equal(at("2000-02-29"), at("2000-03-01") - DAY);
    assert_int_equal(at("1000-01-01T00:00:00Z"), FC_TIME_MIN);
    assert_int_equal(at("9999-12-31T23:59:59.999Z"), FC_TIME_MAX);
}

static void bad_times_are_refused_by_name(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "2026",
        "2026-1-31",
        "26-01-31",
        "2026/01/31",
        "2026-02-30",
        "2025-02-29",
        "1900-02-29",
        "2026-04-31",
        "2026-00-10",
        "2026-13-01",
        "2026-01-00",
        "2026-01-32",
        "0999-12-31",
        "0000-01-01",
        "2026-01-01T",
        "2026-01-01Z",
        "2026-01-01X00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T23:60:00Z",
        "2026-01-01T23:59:60Z",
        "2026-01-01T23:59:61Z",
        "2026-01-01T1:00:00Z",
        "2026-01-01T01:0",
        "2026-01-01T01:00:0Z",
        "2026-01-01T01:00:00.Z",
        "2026-01-01T01:00:00,5Z",
        "2026-01-01T01:00:00Zx",
        "2026-01-01T01:00:00+1:00",
        "2026-01-01T01:00:00+0100",
        "2026-01-01T01:00:00+24:00",
        "2026-01-01T01:00:00+01:60",
        "2026-01-01T01:00:00 01:00",
        "2026-01-01  01:00:00",
        " 2026-01-01",
        "2026-01-01 ",
        "2026-0a-01",
        "2026-01-01T0a:00:00Z",
        "2026-01-01T00:00:0aZ",
        "2026-01-01T00:0a",
        "-026-01-01",
        "1000-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "10000-01-01T00:00:00Z",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct fc_error e = { 0 };
        fc_time t = 77;
        if (fc_time_parse(bad[i], strlen(bad[i]), &t, &e) != FC_INVALID)
            fail_msg("\"%s\" was accepted", bad[i]);
        assert_string_equal(e.code, "bad_timestamp");
        assert_non_null(strstr(e.detail, bad[i]));
        assert_int_equal(t, 77);
    }
    struct fc_error e = { 0 };
    fc_time t;
    assert_int_equal(fc_time_parse("2026-12-31T23:59:60Z", 20, &t, &e), FC_INVALID);
    assert_non_null(strstr(e.detail, "leap second"));
    assert_int_equal(fc_time_parse("2026-01-01T00:00:00Z", 15, &t, &e), FC_INVALID); /* cut text is not read beyond n */
    assert_int_equal(fc_time_parse("2026-01-01T00:00:00Z", 10, &t, &e), FC_OK);
}

static void numbers_become_times(void **state)
{
    (void)state;
    fc_time t = 5;
    struct fc_error e = { 0 };
    assert_int_equal(fc_time_from_number(1769817600, "s", &t, &e), FC_OK);
    expect_time(t, "2026-01-31T00:00:00Z");
    assert_int_equal(fc_time_from_number(1769817600.125, "s", &t, &e), FC_OK);
    expect_time(t, "2026-01-31T00:00:00.125Z");
    assert_int_equal(fc_time_from_number(-0.001, "s", &t, &e), FC_OK);
    assert_int_equal(t, -1);
    assert_int_equal(fc_time_from_number(1769817600123.4, "ms", &t, &e), FC_OK);
    assert_int_equal(t, INT64_C(1769817600123));
    assert_int_equal(fc_time_from_number(1769817600123600.0, "us", &t, &e), FC_OK);
    assert_int_equal(t, INT64_C(1769817600124));
    assert_int_equal(fc_time_from_number(1769817600123000000.0, "ns", &t, &e), FC_OK);
    assert_int_equal(t, INT64_C(1769817600123));
    static const double bad[] = { NAN, INFINITY, -INFINITY, 1e300, 253402300800.0, -30610224000.001 };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(fc_time_from_number(bad[i], "s", &t, &e), FC_INVALID);
        assert_string_equal(e.code, "bad_timestamp");
    }
    assert_int_equal(fc_time_from_number(1, "h", &t, &e), FC_INVALID);
    assert_string_equal(e.code, "bad_precision");
    assert_int_equal(t, INT64_C(1769817600123));
}

/* Against a calendar that counts day by day. */
static void every_day_of_nine_millennia(void **state)
{
    (void)state;
    static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    fc_time t = FC_TIME_MIN;
    int weekday = 2; /* 1000-01-01 was a Wednesday */
    for (int y = 1000; y <= 9999; y++)
        for (int m = 1; m <= 12; m++)
            for (int d = 1; d <= lengths[m - 1] + (m == 2 && ((y % 4 == 0 && y % 100 != 0) || y % 400 == 0)); d++) {
                struct fc_civil c = fc_time_civil(t + (d * 1000003) % DAY);
                bool same = c.year == y && c.month == m && c.day == d && c.weekday == weekday;
                if (!same)
                    fail_msg("%d-%d-%d is %d-%d-%d", y, m, d, c.year, c.month, c.day);
                weekday = (weekday + 1) % 7;
                t += DAY;
            }
    assert_int_equal(t, FC_TIME_MAX + 1);
}

static void times_read_back(void **state)
{
    (void)state;
    struct fc_rng r;
    fc_rng_init(&r, 1, 0);
    for (int i = 0; i < 200000; i++) {
        fc_time t = FC_TIME_MIN + (fc_time)fc_rng_below(&r, (uint64_t)(FC_TIME_MAX - FC_TIME_MIN) + 1), back = 0;
        if (i % 2)
            t -= t % 1000;
        char text[FC_TIME_TEXT];
        size_t n = fc_time_format(t, text);
        assert_int_equal(n, t % 1000 ? 24 : 20);
        assert_int_equal(fc_time_parse(text, n, &back, NULL), FC_OK);
        assert_int_equal(back, t);
    }
    expect_time(INT64_MAX, "9999-12-31T23:59:59.999Z");
    expect_time(INT64_MIN, "1000-01-01T00:00:00Z");
}

static void steps_are_read_and_written(void **state)
{
    (void)state;
    static const struct {
        const char *text, *canonical;
        int64_t ms;
        int32_t months;
    } good[] = {
        { "100ms", "100ms", 100, 0 },
        { "30s", "30s", 30000, 0 },
        { "15m", "15m", 900000, 0 },
        { "15min", "15m", 900000, 0 },
        { "1h", "1h", 3600000, 0 },
        { "1d", "1d", DAY, 0 },
        { "24h", "1d", DAY, 0 },
        { "1440m", "1d", DAY, 0 },
        { "1w", "1w", 7 * DAY, 0 },
        { "7d", "1w", 7 * DAY, 0 },
        { "14d", "2w", 14 * DAY, 0 },
        { "36h", "36h", 129600000, 0 },
        { "90s", "90s", 90000, 0 },
        { "1500ms", "1500ms", 1500, 0 },
        { "1.5s", "1500ms", 1500, 0 },
        { "0.5h", "30m", 1800000, 0 },
        { "1mo", "1mo", 0, 1 },
        { "3mo", "3mo", 0, 3 },
        { "12mo", "1y", 0, 12 },
        { "1y", "1y", 0, 12 },
        { "1000y", "1000y", 0, 12000 },
        { "h", "1h", 3600000, 0 },
        { "H", "1h", 3600000, 0 },
        { "2H", "2h", 7200000, 0 },
        { "D", "1d", DAY, 0 },
        { "W", "1w", 7 * DAY, 0 },
        { "W-SUN", "1w", 7 * DAY, 0 },
        { "2W-MON", "2w", 14 * DAY, 0 },
        { "MS", "1mo", 0, 1 },
        { "M", "1mo", 0, 1 },
        { "ME", "1mo", 0, 1 },
        { "3M", "3mo", 0, 3 },
        { "Q", "3mo", 0, 3 },
        { "QS", "3mo", 0, 3 },
        { "QE", "3mo", 0, 3 },
        { "Q-DEC", "3mo", 0, 3 },
        { "QS-OCT", "3mo", 0, 3 },
        { "Y", "1y", 0, 12 },
        { "YE", "1y", 0, 12 },
        { "YS", "1y", 0, 12 },
        { "YE-JUN", "1y", 0, 12 },
        { "A", "1y", 0, 12 },
        { "AS", "1y", 0, 12 },
        { "A-DEC", "1y", 0, 12 },
        { "min", "1m", 60000, 0 },
        { "5T", "5m", 300000, 0 },
        { "10S", "10s", 10000, 0 },
        { "250L", "250ms", 250, 0 },
        { "m", "1m", 60000, 0 },
        { "ms", "1ms", 1, 0 },
        { "PT15M", "15m", 900000, 0 },
        { "P1D", "1d", DAY, 0 },
        { "P1M", "1mo", 0, 1 },
        { "P3M", "3mo", 0, 3 },
        { "P1Y", "1y", 0, 12 },
        { "P1W", "1w", 7 * DAY, 0 },
        { "PT0.1S", "100ms", 100, 0 },
        { "PT0,1S", "100ms", 100, 0 },
        { "P1DT12H", "36h", 129600000, 0 },
        { "P1Y6M", "18mo", 0, 18 },
        { "PT1H30M", "90m", 5400000, 0 },
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct fc_step s = { 0 }, again = { 0 };
        struct fc_error e = { 0 };
        char text[FC_STEP_TEXT];
        if (fc_step_parse(good[i].text, strlen(good[i].text), &s, &e) != FC_OK)
            fail_msg("%s", e.detail);
        assert_true(fc_step_equal(s, (struct fc_step){ .ms = good[i].ms, .months = good[i].months }));
        assert_true(fc_step_known(s));
        assert_int_equal(fc_step_format(s, text), strlen(good[i].canonical));
        assert_string_equal(text, good[i].canonical);
        assert_int_equal(fc_step_parse(text, strlen(text), &again, NULL), FC_OK);
        assert_true(fc_step_equal(s, again));
    }
    char text[FC_STEP_TEXT] = "x";
    assert_int_equal(fc_step_format((struct fc_step){ 0 }, text), 0);
    assert_string_equal(text, "");
    assert_false(fc_step_known((struct fc_step){ 0 }));
    assert_int_equal(fc_step_nominal_ms((struct fc_step){ .months = 12 }), INT64_C(31556952000));
}

static void bad_steps_are_refused_by_name(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "0h",
        "0",
        "0mo",
        "-1h",
        "1",
        "1x",
        "x",
        "1hh",
        "1 h",
        " 1h",
        "1h ",
        "h1",
        "1.5mo",
        "0.5y",
        "0.5ms",
        "1.h",
        ".5h",
        "1e3s",
        "1001y",
        "12001mo",
        "365243d",
        "99999999999999999999h",
        "9223372036854775807ms",
        "1000000000000000w",
        "P",
        "PT",
        "P1",
        "P1H",
        "PT1D",
        "P1DT",
        "P1MT1H",
        "P1M1Y",
        "P1D1D",
        "P-1D",
        "PT0S",
        "P0.5M",
        "p1d",
        "W-XYZ",
        "W-",
        "D-SUN",
        "Q-MON",
        "mo-JAN",
        "M-JAN",
        "1h30m",
        "B",
        "MO",
        "Min",
        "P1000Y1M",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct fc_error e = { 0 };
        struct fc_step s = { .ms = 77 };
        if (fc_step_parse(bad[i], strlen(bad[i]), &s, &e) != FC_INVALID)
            fail_msg("\"%s\" was accepted", bad[i]);
        assert_string_equal(e.code, "bad_step");
        assert_non_null(strstr(e.detail, bad[i]));
        assert_int_equal(s.ms, 77);
    }
}

static void months_follow_the_calendar(void **state)
{
    (void)state;
    const struct fc_step month = { .months = 1 }, quarter = { .months = 3 }, year = { .months = 12 };
    fc_time january = at("2025-01-31T06:30:00.250Z");
    expect_time(fc_step_at(month, january, 0), "2025-01-31T06:30:00.250Z");
    expect_time(fc_step_at(month, january, 1), "2025-02-28T06:30:00.250Z");
    expect_time(fc_step_at(month, january, 2), "2025-03-31T06:30:00.250Z");
    expect_time(fc_step_at(month, january, 37), "2028-02-29T06:30:00.250Z");
    expect_time(fc_step_at(month, january, -2), "2024-11-30T06:30:00.250Z");
    expect_time(fc_step_at(quarter, at("2025-11-30"), 1), "2026-02-28T00:00:00Z");
    expect_time(fc_step_at(year, at("2024-02-29"), 1), "2025-02-28T00:00:00Z");
    expect_time(fc_step_at(year, at("2024-02-29"), 4), "2028-02-29T00:00:00Z");
    expect_time(fc_step_at(month, at("2026-04-30"), 1), "2026-05-30T00:00:00Z");
    expect_time(fc_step_at_day(month, at("2026-04-30"), 31, 1), "2026-05-31T00:00:00Z");
    expect_time(fc_step_at_day(month, at("2026-04-30"), 31, 2), "2026-06-30T00:00:00Z");
    expect_time(fc_step_at_day((struct fc_step){ .ms = DAY }, at("2026-04-30"), 31, 1), "2026-05-01T00:00:00Z");
    expect_time(fc_step_at(month, at("2026-01-01"), INT64_C(10000000)), "9999-12-31T23:59:59.999Z");
    expect_time(fc_step_at(month, at("2026-01-01"), -INT64_C(10000000)), "1000-01-01T00:00:00Z");
    expect_time(fc_step_at(year, at("2026-01-01"), INT64_MAX), "9999-12-31T23:59:59.999Z");
    expect_time(fc_step_at((struct fc_step){ .ms = 7 * DAY }, at("2026-01-01"), INT64_MIN), "1000-01-01T00:00:00Z");
    expect_time(fc_step_at((struct fc_step){ .ms = 1 }, at("2026-01-01"), INT64_MAX), "9999-12-31T23:59:59.999Z");
    expect_time(fc_step_at((struct fc_step){ .ms = 900000 }, at("2026-01-01"), -1), "2025-12-31T23:45:00Z");
}

static void index_is_the_inverse_of_at(void **state)
{
    (void)state;
    static const struct fc_step steps[] = { { .ms = 1 },     { .ms = 420000 }, { .ms = DAY },   { .ms = 7 * DAY },
                                            { .months = 1 }, { .months = 3 },  { .months = 5 }, { .months = 12 } };
    struct fc_rng r;
    fc_rng_init(&r, 2, 0);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        for (int n = 0; n < 5000; n++) {
            fc_time anchor = at("1900-01-01") + (fc_time)fc_rng_below(&r, 200 * 365 * (uint64_t)DAY);
            fc_time t = at("1900-01-01") + (fc_time)fc_rng_below(&r, 200 * 365 * (uint64_t)DAY);
            if (n % 3 == 0) /* on the grid itself */
                t = fc_step_at(steps[i], anchor, (int64_t)fc_rng_below(&r, 100) - 50);
            int64_t k = fc_step_index(steps[i], anchor, t);
            assert_true(fc_step_at(steps[i], anchor, k) <= t);
            assert_true(fc_step_at(steps[i], anchor, k + 1) > t);
        }
    assert_int_equal(fc_step_index((struct fc_step){ 0 }, 5, 100), 0);
}

static void calendar_grids(void **state)
{
    (void)state;
    assert_int_equal(fc_time_civil(fc_step_calendar_anchor((struct fc_step){ .ms = 7 * DAY })).weekday, 0);
    assert_int_equal(fc_time_civil(fc_step_calendar_anchor((struct fc_step){ .ms = 14 * DAY })).weekday, 0);
    assert_int_equal(fc_step_calendar_anchor((struct fc_step){ .ms = 900000 }) % DAY, 0);
    struct fc_civil c = fc_time_civil(fc_step_calendar_anchor((struct fc_step){ .months = 3 }));
    assert_true(c.month == 1 && c.day == 1 && c.hour == 0);
    /* Quarters begin in January, April, July and October; decades with a 0. */
    struct fc_step quarter = { .months = 3 }, decade = { .months = 120 };
    fc_time t = at("1987-08-20");
    fc_time start = fc_step_calendar_anchor(quarter);
    expect_time(fc_step_at(quarter, start, fc_step_index(quarter, start, t)), "1987-07-01T00:00:00Z");
    start = fc_step_calendar_anchor(decade);
    expect_time(fc_step_at(decade, start, fc_step_index(decade, start, t)), "1980-01-01T00:00:00Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_read),
        cmocka_unit_test(bad_times_are_refused_by_name),
        cmocka_unit_test(numbers_become_times),
        cmocka_unit_test(every_day_of_nine_millennia),
        cmocka_unit_test(times_read_back),
        cmocka_unit_test(steps_are_read_and_written),
        cmocka_unit_test(bad_steps_are_refused_by_name),
        cmocka_unit_test(months_follow_the_calendar),
        cmocka_unit_test(index_is_the_inverse_of_at),
        cmocka_unit_test(calendar_grids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
