/* test_metrics.c: scores by hand-computed examples. */
#include "metrics.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void expect_close(double a, double b)
{
    assert_true(fabs(a - b) <= 1e-12 * (1 + fabs(b)));
}

static void scores_by_hand(void **state)
{
    (void)state;
    static const double level[] = { 80, 95 };
    static const double actual[] = { 10, 0, -4 }, median[] = { 8, 0, -1 };
    static const double lower[] = { 9, -1, -2, 5, -3, -4 }, upper[] = { 11, 1, 0, 12, 3, 0 }; /* [level][3] */
    struct fc_scorer s;
    fc_scorer_init(&s, level, 2);
    fc_scorer_begin(&s, 2);
    for (size_t h = 0; h < 3; h++)
        fc_scorer_add(&s, actual[h], median[h], lower + h, upper + h, 3);
    fc_scorer_end(&s);
    fc_scorer_begin(&s, NAN); /* no scale: counts everywhere but in MASE */
    fc_scorer_add(&s, 1, 3, NULL, NULL, 0);
    fc_scorer_end(&s);
    fc_scorer_begin(&s, 0.5);
    fc_scorer_add(&s, 1, 2, NULL, NULL, 0);
    fc_scorer_end(&s);
    struct fc_metrics m = fc_scorer_result(&s);
    assert_int_equal(m.n, 5);
    expect_close(m.mae, (2 + 0 + 3 + 2 + 1) / 5.0);
    expect_close(m.rmse, sqrt((4 + 0 + 9 + 4 + 1) / 5.0));
    expect_close(m.smape, (200 * 2 / 18.0 + 0 + 200 * 3 / 5.0 + 200 * 2 / 4.0 + 200 / 3.0) / 5);
    expect_close(m.mase, (5 / 3.0 / 2 + 1 / 0.5) / 2);
    assert_int_equal(m.nlevels, 2);
    expect_close(m.level[1], 95);
    expect_close(m.coverage[0], 2 / 3.0);
    expect_close(m.coverage[1], 1);
    expect_close(m.mean_width[0], (2 + 2 + 2) / 3.0);
    expect_close(m.mean_width[1], (7 + 6 + 4) / 3.0);
}

static void nothing_scored_is_nan(void **state)
{
    (void)state;
    static const double level[] = { 80 };
    struct fc_scorer s;
    fc_scorer_init(&s, level, 1);
    fc_scorer_begin(&s, 1);
    double nan = NAN, one = 1;
    fc_scorer_add(&s, NAN, 1, &one, &one, 1);
    fc_scorer_add(&s, 1, NAN, &nan, &one, 1);
    fc_scorer_end(&s);
    struct fc_metrics m = fc_scorer_result(&s);
    assert_int_equal(m.n, 0);
    assert_true(isnan(m.mae) && isnan(m.rmse) && isnan(m.smape) && isnan(m.mase) && isnan(m.coverage[0]) && isnan(m.mean_width[0]));
}

static void merged_scorers_equal_one(void **state)
{
    (void)state;
    static const double level[] = { 50 };
    struct fc_scorer whole, a, b;
    fc_scorer_init(&whole, level, 1);
    fc_scorer_init(&a, level, 1);
    fc_scorer_init(&b, level, 1);
    for (int i = 0; i < 10; i++) {
        struct fc_scorer *part = i < 4 ? &a : &b;
        double y = i * i, f = 3 * i, low = f - 2, high = f + 2;
        fc_scorer_begin(part, 1 + i);
        fc_scorer_add(part, y, f, &low, &high, 1);
        fc_scorer_end(part);
        fc_scorer_begin(&whole, 1 + i);
        fc_scorer_add(&whole, y, f, &low, &high, 1);
        fc_scorer_end(&whole);
    }
    fc_scorer_merge(&a, &b);
    struct fc_metrics m = fc_scorer_result(&a), w = fc_scorer_result(&whole);
    assert_int_equal(m.n, w.n);
    expect_close(m.mae, w.mae);
    expect_close(m.rmse, w.rmse);
    expect_close(m.smape, w.smape);
    expect_close(m.mase, w.mase);
    expect_close(m.coverage[0], w.coverage[0]);
    expect_close(m.mean_width[0], w.mean_width[0]);
}

static void scale_of_mase(void **state)
{
    (void)state;
    static const double x[] = { 1, 5, 2, 8, NAN, 9 }, flat[] = { 3, 3, 3 }, saw[] = { 1, 2, 1, 2, 1, 2 };
    expect_close(fc_mase_scale(x, 6, 2), (1 + 3 + 1) / 3.0); /* 5-8, 1-2, 8-9; pairs with NaN left out */
    expect_close(fc_mase_scale(x, 6, 1), (4 + 3 + 6) / 3.0);
    expect_close(fc_mase_scale(x, 6, 0), (4 + 3 + 6) / 3.0);
    expect_close(fc_mase_scale(x, 6, 100), (4 + 3 + 6) / 3.0); /* too short for the season */
    expect_close(fc_mase_scale(saw, 6, 2), 1);                 /* the season explains it all */
    assert_true(isnan(fc_mase_scale(flat, 3, 1)));
    assert_true(isnan(fc_mase_scale(x, 1, 1)));
    assert_true(isnan(fc_mase_scale(x, 0, 7)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_by_hand),
        cmocka_unit_test(nothing_scored_is_nan),
        cmocka_unit_test(merged_scorers_equal_one),
        cmocka_unit_test(scale_of_mase),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
