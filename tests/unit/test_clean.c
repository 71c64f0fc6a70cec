/* test_clean.c: step inference, buckets, the last bucket, gaps: from points to a grid without holes. */
#include "clean.h"
#include "rng.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECOND INT64_C(1000)
#define MINUTE INT64_C(60000)
#define HOUR INT64_C(3600000)
#define DAY INT64_C(86400000)
#define T0 INT64_C(1767225600000) /* 2026-01-01T00:00:00Z, a Thursday */

static fc_time at(const char *text)
{
    fc_time t = 0;
    if (fc_time_parse(text, strlen(text), &t, NULL) != FC_OK)
        fail_msg("bad time %s", text);
    return t;
}

static void expect_step(const fc_time *time, size_t n, const char *want)
{
    char text[FC_STEP_TEXT];
    fc_step_format(fc_step_infer(time, n), text);
    assert_string_equal(text, want);
}

static void expect_step_of(const char *const *dates, size_t n, const char *want)
{
    fc_time time[32];
    for (size_t i = 0; i < n; i++)
        time[i] = at(dates[i]);
    expect_step(time, n, want);
}

/* ---- the step ---- */

static void fixed_steps_are_inferred(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *want;
    } cases[] = {
        { 100, "100ms" }, { SECOND, "1s" }, { 7 * MINUTE, "7m" }, { 15 * MINUTE, "15m" },
        { HOUR, "1h" },   { DAY, "1d" },    { 7 * DAY, "1w" },    { 28 * DAY, "4w" },
    };
    fc_time time[200];
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        for (int i = 0; i < 200; i++)
            time[i] = T0 + 123 + i * cases[c].ms;
        expect_step(time, 200, cases[c].want);
        for (int i = 150; i < 200; i++) /* a long gap changes nothing */
            time[i] += 1000 * cases[c].ms;
        expect_step(time, 200, cases[c].want);
    }
    expect_step(time, 1, "");
    expect_step(NULL, 0, "");
}

static void thinned_steps_are_inferred(void **state)
{
    (void)state;
    fc_time time[1000];
    struct fc_rng r;
    fc_rng_init(&r, 1, 0);
    size_t n = 0;
    for (int i = 0; n < 500; i++) /* two of three are missing */
        if (fc_rng_below(&r, 3) == 0)
            time[n++] = T0 + i * HOUR;
    expect_step(time, n, "1h");
    n = 0;
    for (int i = 0; n < 500; i++) /* weekdays only */
        if (fc_time_civil(T0 + i * DAY).weekday < 5)
            time[n++] = T0 + i * DAY;
    expect_step(time, n, "1d");
}

static void jittered_steps_are_inferred(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *want;
    } cases[] = { { 10 * SECOND, "10s" }, { 15 * MINUTE, "15m" }, { HOUR, "1h" }, { DAY, "1d" }, { 7 * DAY, "1w" } };
    fc_time time[300];
    struct fc_rng r;
    fc_rng_init(&r, 2, 0);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        for (int i = 0; i < 300; i++)
            time[i] = T0 + i * cases[c].ms + (int64_t)fc_rng_below(&r, (uint64_t)cases[c].ms / 5);
        expect_step(time, 300, cases[c].want);
    }
}

#define DATES(...) (const char *const[]){ __VA_ARGS__ }, sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *)

static void months_are_inferred(void **state)
{
    (void)state;
    expect_step_of(DATES("2026-01-01", "2026-02-01"), "1mo");
    expect_step_of(DATES("2026-02-01", "2026-03-01"), "1mo");
    expect_step_of(DATES("2026-01-15", "2026-02-15", "2026-03-15"), "1mo");
    expect_step_of(DATES("2026-01-31", "2026-02-28", "2026-03-31"), "1mo");
    expect_step_of(DATES("2026-04-30", "2026-05-31", "2026-06-30"), "1mo");
    expect_step_of(DATES("2026-01-30", "2026-02-28", "2026-03-30"), "1mo");
    expect_step_of(DATES("2026-01-01", "2026-02-01", "2026-04-01", "2026-05-01", "2026-09-01"), "1mo"); /* gaps */
    expect_step_of(DATES("2025-03-31", "2025-06-30", "2025-09-30", "2025-12-31"), "3mo");
    expect_step_of(DATES("2025-01-01", "2025-04-01", "2025-07-01", "2026-01-01"), "3mo");
    expect_step_of(DATES("2021-01-01", "2022-01-01", "2023-01-01", "2025-01-01"), "1y");
    expect_step_of(DATES("2021-12-31", "2022-12-31", "2023-12-31", "2024-12-31"), "1y");
    /* Local midnights seen in UTC: the hour changes with summer time. */
    expect_step_of(
        DATES("2025-12-31T23:00Z", "2026-01-31T23:00Z", "2026-02-28T23:00Z", "2026-03-31T22:00Z", "2026-04-30T22:00Z", "2026-05-31T22:00Z"), "1mo");
    /* First working days. */
    expect_step_of(DATES("2026-01-02", "2026-02-02", "2026-03-02", "2026-04-01", "2026-05-01", "2026-06-01", "2026-07-01"), "1mo");
    expect_step_of(DATES("2026-01-01", "2026-01-29", "2026-02-26", "2026-03-26"), "4w");
}

/* ---- buckets ---- */

/* One cleaning: points in, series and report out. */
struct cleaning {
    fc_time time[64];
    double value[64];
    struct fc_points p;
    struct fc_clean_options o;
    struct fc_series s;
    struct fc_clean_report report;
    struct fc_error e;
};

static void begin(struct cleaning *c)
{
    *c = (struct cleaning){ .o = { .now = FC_TIME_MAX, .season_set = true, .bounds = { .min = -INFINITY, .max = INFINITY } } };
    c->p.time = c->time;
    c->p.value = c->value;
}

static void point(struct cleaning *c, fc_time t, double x)
{
    assert_in_range(c->p.n, 0, 63);
    c->time[c->p.n] = t;
    c->value[c->p.n++] = x;
}

static enum fc_status run(struct cleaning *c)
{
    fc_series_free(&c->s);
    enum fc_status status = fc_clean(&c->p, &c->o, &c->s, &c->report, &c->e);
    size_t seen = 0;
    for (size_t i = 0; i < c->s.n; i++) {
        assert_true(isfinite(c->s.value[i]));
        seen += c->s.observed[i];
    }
    if (status == FC_OK) {
        assert_true(c->s.n >= 1 && c->s.observed[0] && c->s.observed[c->s.n - 1]);
        assert_int_equal(seen, c->report.observed);
        assert_int_equal(seen + c->report.filled, c->s.n);
    }
    return status;
}

static void expect_values(const struct cleaning *c, size_t n, const double *want)
{
    assert_int_equal(c->s.n, n);
    for (size_t i = 0; i < n; i++)
        assert_true(fabs(c->s.value[i] - want[i]) <= 1e-12 * (1 + fabs(want[i])));
}

static void expect_times(const struct cleaning *c, size_t n, const char *const *want)
{
    for (size_t i = 0; i < n; i++) {
        char text[FC_TIME_TEXT];
        fc_time_format(fc_series_time(&c->s, i), text);
        assert_memory_equal(text, want[i], strlen(want[i]));
    }
}

static void regular_points_keep_their_phase(void **state)
{
    (void)state;
    struct cleaning c;
    begin(&c);
    for (int i = 0; i < 5; i++)
        point(&c, T0 + 7 * MINUTE + i * HOUR, i);
    assert_int_equal(run(&c), FC_OK);
    assert_int_equal(c.s.start, T0 + 7 * MINUTE);
    assert_true(c.report.step_inferred && !c.report.dropped_last && !c.report.constant);
    assert_int_equal(c.report.valid_until, FC_TIME_MAX);
    expect_values(&c, 5, (double[]){ 0, 1, 2, 3, 4 });
    fc_series_free(&c.s);
}

static void months_keep_their_day(void **state)
{
    (void)state;
    static const struct {
        const char *in[4], *out[5];
    } cases[] = {
        { { "2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30" }, { "2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31" } },
        { { "2026-04-30", "2026-05-31", "2026-06-30", "2026-07-31" }, { "2026-04-30", "2026-05-31", "2026-06-30", "2026-07-31", "2026-08-31" } },
        { { "2026-02-28", "2026-03-30", "2026-04-30", "2026-05-30" }, { "2026-02-28", "2026-03-30", "2026-04-30", "2026-05-30", "2026-06-30" } },
        { { "2025-06-30", "2025-09-30", "2025-12-31", "2026-03-31" }, { "2025-06-30", "2025-09-30", "2025-12-31", "2026-03-31", "2026-06-30" } },
        { { "2021-02-28", "2022-02-28", "2023-02-28", "2024-02-29" }, { "2021-02-28", "2022-02-28", "2023-02-28", "2024-02-29", "2025-02-28" } },
        { { "2026-01-15", "2026-02-15", "2026-03-15", "2026-04-15" }, { "2026-01-15", "2026-02-15", "2026-03-15", "2026-04-15", "2026-05-15" } },
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct cleaning c;
        begin(&c);
        for (int i = 0; i < 4; i++)
            point(&c, at(cases[k].in[i]), i);
        assert_int_equal(run(&c), FC_OK);
        assert_int_equal(c.report.aggregated, 0);
        expect_values(&c, 4, (double[]){ 0, 1, 2, 3 });
        expect_times(&c, 5, cases[k].out);
        fc_series_free(&c.s);
    }
}

static void irregular_points_fall_into_calendar_buckets(void **state)
{
    (void)state;
    static const struct {
        enum fc_aggregate how;
        double first, last;
    } cases[] = {
        { FC_MEAN, 3, 10 }, { FC_SUM, 9, 10 }, { FC_LAST, 2, 10 }, { FC_MAX, 6, 10 }, { FC_MIN, 1, 10 }, { FC_COUNT, 3, 1 },
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct cleaning c;
        begin(&c);
        c.o.step = (struct fc_step){ .ms = HOUR };
        c.o.aggregate = cases[k].how;
        point(&c, T0 + 5 * MINUTE, 6);
        point(&c, T0 + 6 * MINUTE, 1);
        point(&c, T0 + 7 * MINUTE, NAN);
        point(&c, T0 + 59 * MINUTE, 2);
        point(&c, T0 + HOUR + 30 * MINUTE, NAN); /* a bucket without an observation is missing, for sum and count too */
        point(&c, T0 + 2 * HOUR, 10);
        assert_int_equal(run(&c), FC_OK);
        assert_int_equal(c.s.start, T0);
        assert_int_equal(c.report.aggregated, 3);
        assert_int_equal(c.report.filled, 1);
        assert_int_equal(c.s.observed[1], 0);
        expect_values(&c, 3, (double[]){ cases[k].first, (cases[k].first + cases[k].last) / 2, cases[k].last });
        fc_series_free(&c.s);
    }
}

static void buckets_of_months_and_weeks(void **state)
{
    (void)state;
    struct cleaning c;
    begin(&c);
    c.o.step = (struct fc_step){ .months = 1 };
    c.o.aggregate = FC_SUM;
    point(&c, at("2026-01-31T23:59:59.999Z"), 1);
    point(&c, at("2026-02-01"), 2);
    point(&c, at("2026-02-28T12:00Z"), 3);
    point(&c, at("2026-03-01"), 4);
    assert_int_equal(run(&c), FC_OK);
    expect_values(&c, 3, (double[]){ 1, 5, 4 });
    expect_times(&c, 3, (const char *const[]){ "2026-01-01T00:00:00Z", "2026-02-01", "2026-03-01" });
    c.o.step = (struct fc_step){ .ms = 7 * DAY };
    assert_int_equal(run(&c), FC_OK);
    expect_times(&c, 1, (const char *const[]){ "2026-01-26T00:00:00Z" }); /* a Monday */
    expect_values(&c, 5, (double[]){ 3, 4, 5, 6, 7 });                    /* Feb 28 and Mar 1 are in the week of Feb 23 */
    fc_series_free(&c.s);
}

/* ---- the last bucket ---- */

static void an_open_bucket_does_not_count(void **state)
{
    (void)state;
    struct cleaning c;
    begin(&c);
    c.o.step = (struct fc_step){ .ms = HOUR };
    for (int i = 0; i < 15; i++) /* every ten minutes: two and a half hours */
        point(&c, T0 + i * 10 * MINUTE, 1 + i / 6);
    c.o.now = T0 + 140 * MINUTE;
    assert_int_equal(run(&c), FC_OK);
    expect_values(&c, 2, (double[]){ 1, 2 });
    assert_true(c.report.dropped_last);
    assert_int_equal(c.report.valid_until, T0 + 3 * HOUR);
    c.o.now = T0 + 3 * HOUR - 1;
    assert_int_equal(run(&c), FC_OK);
    assert_int_equal(c.s.n, 2);
    c.o.now = T0 + 3 * HOUR; /* ended just now */
    assert_int_equal(run(&c), FC_OK);
    expect_values(&c, 3, (double[]){ 1, 2, 3 });
    assert_false(c.report.dropped_last);
    assert_int_equal(c.report.valid_until, FC_TIME_MAX);
    c.o.delay_ms = HOUR; /* now two are open: the second for an instant more */
    c.o.now = T0 + 3 * HOUR - 1;
    assert_int_equal(run(&c), FC_OK);
    expect_values(&c, 1, (double[]){ 1 });
    assert_int_equal(c.report.valid_until, T0 + 3 * HOUR);
    c.o.now = T0 + 3 * HOUR;
    assert_int_equal(run(&c), FC_OK);
    expect_values(&c, 2, (double[]){ 1, 2 });
    assert_int_equal(c.report.valid_until, T0 + 4 * HOUR);
    c.o.now = T0 + 30 * MINUTE; /* all are open: all but the last answer */
    assert_int_equal(run(&c), FC_OK);
    expect_values(&c, 2, (double[]){ 1, 2 });
    assert_true(c.report.dropped_last);
    assert_int_equal(c.report.valid_until, T0 + 2 * HOUR);
    c.p.n = 3; /* one bucket, open: better than nothing */
    assert_int_equal(run(&c), FC_OK);
    expect_values(&c, 1, (double[]){ 1 });
    assert_false(c.report.dropped_last);
    c.o.delay_ms = INT64_MAX;
    c.p.n = 15;
    assert_int_equal(run(&c), FC_OK);
    assert_int_equal(c.s.n, 2);
    fc_series_free(&c.s);
}

static void plain_points_count_at_once(void **state)
{
    (void)state;
    struct cleaning c;
    begin(&c);
    for (int i = 0; i < 4; i++)
        point(&c, T0 + i * HOUR, i);
    c.o.now = T0; /* even those ahead of the clock */
    assert_int_equal(run(&c), FC_OK);
    assert_int_equal(c.s.n, 4);
    c.o.delay_ms = 30 * MINUTE; /* but a delay is a delay */
    c.o.now = T0 + 3 * HOUR + 15 * MINUTE;
    assert_int_equal(run(&c), FC_OK);
    assert_int_equal(c.s.n, 2);
    assert_int_equal(c.report.valid_until, T0 + 3 * HOUR + 30 * MINUTE);
    c.p.value[1] = NAN; /* the last bucket that counts is missing: cut off */
    assert_int_equal(run(&c), FC_OK);
    assert_int_equal(c.s.n, 1);
    fc_series_free(&c.s);
}

/* ---- gaps ---- */

static void ends_are_cut_and_short_gaps_are_lines(void **state)
{
    (void)state;
    struct cleaning c;
    begin(&c);
    static const double x[] = { NAN, NAN, 1, NAN, 3, 4, NAN, NAN, NAN, 8, NAN };
    for (int i = 0; i < 11; i++)
        point(&c, T0 + i * DAY, x[i]);
    assert_int_equal(run(&c), FC_OK);
    assert_int_equal(c.s.start, T0 + 2 * DAY);
    expect_values(&c, 8, (double[]){ 1, 2, 3, 4, 5, 6, 7, 8 });
    assert_memory_equal(c.s.observed, ((unsigned char[]){ 1, 0, 1, 1, 0, 0, 0, 1 }), 8);
    assert_int_equal(c.report.filled, 4);
    fc_series_free(&c.s);
}

static void long_gaps_follow_the_season(void **state)
{
    (void)state;
    enum { N = 24 * 20, FROM = 24 * 9 + 5, TO = FROM + 30 };
    struct fc_points p = { 0 };
    struct fc_series s = { 0 };
    struct fc_clean_report report;
    assert_int_equal(fc_points_reserve(&p, N, NULL), FC_OK);
    for (size_t i = 0; i < N; i++) {
        if (i >= FROM && i < TO)
            continue;
        p.time[p.n] = T0 + (int64_t)i * HOUR;
        p.value[p.n++] = 100 + 0.05 * (double)i + 10 * sin(2 * M_PI * (double)i / 24);
    }
    struct fc_clean_options o = { .now = FC_TIME_MAX };
    assert_int_equal(fc_clean(&p, &o, &s, &report, NULL), FC_OK);
    assert_true(report.season_inferred);
    assert_int_equal(s.season.n, 1);
    assert_int_equal(s.season.period[0], 24);
    assert_int_equal(s.n, N);
    assert_int_equal(report.filled, 30);
    for (size_t i = FROM; i < TO; i++)
        assert_true(fabs(s.value[i] - (100 + 0.05 * (double)i + 10 * sin(2 * M_PI * (double)i / 24))) <= 0.6);
    fc_series_free(&s);
    o.season_set = true; /* told that there is none: a line */
    assert_int_equal(fc_clean(&p, &o, &s, &report, NULL), FC_OK);
    assert_false(report.season_inferred);
    assert_int_equal(s.season.n, 0);
    double middle = 0.5 * s.value[FROM - 1] + 0.5 * s.value[TO], filled = 0.5 * s.value[FROM + 14] + 0.5 * s.value[FROM + 15];
    assert_true(fabs(filled - middle) <= 1e-9);
    fc_series_free(&s);
    fc_points_free(&p);
}

static void hours_that_never_report_are_filled(void **state)
{
    (void)state;
    struct fc_points p = { 0 };
    struct fc_series s = { 0 };
    struct fc_clean_report report;
    assert_int_equal(fc_points_reserve(&p, 1000, NULL), FC_OK);
    for (int i = 0; i < 24 * 30; i++)
        if (i % 24 >= 8 && i % 24 < 18) {
            p.time[p.n] = T0 + i * HOUR;
            p.value[p.n++] = i % 24;
        }
    struct fc_clean_options o = { .now = FC_TIME_MAX, .season = { .n = 1, .period = { 24 } } };
    assert_int_equal(fc_clean(&p, &o, &s, &report, NULL), FC_OK);
    assert_int_equal(report.filled, 29 * 14);
    for (size_t i = 0; i < s.n; i++)
        assert_true(s.value[i] >= 8 && s.value[i] <= 17);
    fc_series_free(&s);
    fc_points_free(&p);
}

/* ---- the ends of the scale ---- */

static void aggregates_have_names(void **state)
{
    (void)state;
    for (int a = 0; a < FC_AGGREGATES; a++)
        assert_int_equal(fc_aggregate_find(fc_aggregate_name((enum fc_aggregate)a)), a);
    assert_int_equal(fc_aggregate_find("median"), -1);
    assert_int_equal(fc_aggregate_find(""), -1);
    assert_string_equal(fc_aggregate_name(FC_AGGREGATES), "");
}

static void points_keep_what_they_held(void **state)
{
    (void)state;
    struct fc_points p = { 0 };
    struct fc_error e = { 0 };
    assert_int_equal(fc_points_reserve(&p, 0, &e), FC_OK);
    assert_int_equal(fc_points_reserve(&p, 2, &e), FC_OK);
    p.n = 2;
    p.time[1] = 7;
    p.value[1] = 1.5;
    assert_int_equal(fc_points_reserve(&p, 1000, &e), FC_OK);
    assert_true(p.time[1] == 7 && p.value[1] == 1.5);
    assert_int_equal(fc_points_reserve(&p, SIZE_MAX / 4, &e), FC_NOMEM);
    assert_true(p.time[1] == 7 && p.n == 2);
    fc_points_free(&p);
    assert_null(p.time);
}

static void errors_name_the_reason(void **state)
{
    (void)state;
    struct cleaning c;
    begin(&c);
    assert_int_equal(run(&c), FC_INVALID);
    assert_string_equal(c.e.code, "no_observations");
    point(&c, T0, NAN);
    point(&c, T0 + HOUR, NAN);
    assert_int_equal(run(&c), FC_INVALID);
    assert_string_equal(c.e.code, "no_observations");
    c.p.n = 1;
    c.p.value[0] = 5;
    assert_int_equal(run(&c), FC_INVALID);
    assert_string_equal(c.e.code, "step_unknown");
    assert_null(c.s.value);
    c.o.step = (struct fc_step){ .months = 1 };
    assert_int_equal(run(&c), FC_OK);
    expect_values(&c, 1, (double[]){ 5 });
    assert_true(c.report.constant);
    c.p.n = 2; /* one observation, but two times tell a step */
    c.o.step = (struct fc_step){ 0 };
    assert_int_equal(run(&c), FC_OK);
    assert_int_equal(c.s.step.ms, HOUR);
    assert_int_equal(c.s.n, 1);
    fc_series_free(&c.s);
}

static void huge_values_stay_finite(void **state)
{
    (void)state;
    static const enum fc_aggregate how[] = { FC_MEAN, FC_SUM };
    for (size_t k = 0; k < 2; k++) {
        struct cleaning c;
        begin(&c);
        c.o.aggregate = how[k];
        c.o.step = (struct fc_step){ .ms = HOUR };
        c.o.season = (struct fc_season){ .n = 1, .period = { 4 } };
        for (int i = 0; i < 40; i++)
            if (i < 10 || i > 16)
                point(&c, T0 + i * 30 * MINUTE + 1, i % 3 ? DBL_MAX : -DBL_MAX);
        assert_int_equal(run(&c), FC_OK); /* run checks that all are finite */
        fc_series_free(&c.s);
    }
}

static void a_stray_old_point_costs_nothing(void **state)
{
    (void)state;
    struct cleaning c;
    begin(&c);
    c.o.step = (struct fc_step){ .ms = 1 };
    point(&c, FC_TIME_MIN, 1);
    point(&c, T0, 2);
    point(&c, T0 + 5, 3);
    assert_int_equal(run(&c), FC_OK);
    assert_int_equal(c.s.start, T0);
    assert_int_equal(c.s.n, 6);
    c.p.time[0] = T0 + 5 - FC_GRID_MAX;
    assert_int_equal(run(&c), FC_OK);
    assert_int_equal(c.s.n, 6);
    c.p.time[0] = T0 + 5 - FC_GRID_MAX + 1; /* the oldest that still fits */
    assert_int_equal(run(&c), FC_OK);
    assert_int_equal(c.s.n, FC_GRID_MAX);
    fc_series_free(&c.s);
}

/* Random points of every kind: whatever comes, the grid is whole and means and bounds of the observations hold. */
static void any_points_become_a_whole_grid(void **state)
{
    (void)state;
    static const struct fc_step steps[] = { { 0 }, { .ms = MINUTE }, { .ms = HOUR }, { .ms = 7 * DAY }, { .months = 1 }, { .months = 12 } };
    struct fc_rng r;
    fc_rng_init(&r, 9, 0);
    for (int round = 0; round < 3000; round++) {
        struct cleaning c;
        begin(&c);
        c.o.season_set = round % 2;
        c.o.step = steps[fc_rng_below(&r, 6)];
        c.o.aggregate = fc_rng_below(&r, 2) ? FC_MEAN : FC_LAST;
        c.o.delay_ms = (int64_t)fc_rng_below(&r, 3) * HOUR;
        c.o.now = T0 + (int64_t)fc_rng_below(&r, 60) * DAY;
        if (fc_rng_below(&r, 2))
            c.o.season = (struct fc_season){ .n = 1, .period = { 2 + (uint32_t)fc_rng_below(&r, 20) } };
        fc_time t = T0;
        size_t n = 1 + fc_rng_below(&r, 60), observed = 0;
        uint64_t spread = UINT64_C(1) << fc_rng_below(&r, 32);
        double low = INFINITY, high = -INFINITY;
        for (size_t i = 0; i < n; i++) {
            t += 1 + (int64_t)fc_rng_below(&r, spread);
            double x = fc_rng_below(&r, 4) ? fc_rng_normal(&r) : NAN;
            point(&c, t, x);
            observed += !isnan(x);
            low = fmin(low, x);
            high = fmax(high, x);
        }
        enum fc_status status = run(&c);
        if (observed == 0 || (n == 1 && !fc_step_known(c.o.step))) {
            assert_int_equal(status, FC_INVALID);
            continue;
        }
        assert_int_equal(status, FC_OK);
        for (size_t i = 0; i < c.s.n; i++)
            assert_true(c.s.value[i] >= low - 1e-9 && c.s.value[i] <= high + 1e-9);
        fc_series_free(&c.s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fixed_steps_are_inferred),
        cmocka_unit_test(thinned_steps_are_inferred),
        cmocka_unit_test(jittered_steps_are_inferred),
        cmocka_unit_test(months_are_inferred),
        cmocka_unit_test(regular_points_keep_their_phase),
        cmocka_unit_test(months_keep_their_day),
        cmocka_unit_test(irregular_points_fall_into_calendar_buckets),
        cmocka_unit_test(buckets_of_months_and_weeks),
        cmocka_unit_test(an_open_bucket_does_not_count),
        cmocka_unit_test(plain_points_count_at_once),
        cmocka_unit_test(ends_are_cut_and_short_gaps_are_lines),
        cmocka_unit_test(long_gaps_follow_the_season),
        cmocka_unit_test(hours_that_never_report_are_filled),
        cmocka_unit_test(aggregates_have_names),
        cmocka_unit_test(points_keep_what_they_held),
        cmocka_unit_test(errors_name_the_reason),
        cmocka_unit_test(huge_values_stay_finite),
        cmocka_unit_test(a_stray_old_point_costs_nothing),
        cmocka_unit_test(any_points_become_a_whole_grid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
