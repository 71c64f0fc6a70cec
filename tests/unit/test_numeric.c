/* test_numeric.c: matrix products and kernels against their naive twins, optimizer, losses, windows and intervals. */
#include "unit.h"

#include "blas_guard.h"
#include "interval.h"
#include "kernel.h"
#include "loss.h"
#include "matrix.h"
#include "optimizer.h"
#include "rng.h"
#include "window.h"

#include <stdlib.h>
#include <string.h>

static struct fc_rng rng;

static float *random_array(size_t n)
{
    float *a = malloc((n + 1) * sizeof *a);
    assert_non_null(a);
    for (size_t i = 0; i < n; i++)
        a[i] = (float)fc_rng_normal(&rng);
    return a;
}

static void products_are_their_naive_twins(void **state)
{
    (void)state;
    void (*const product[])(size_t, size_t, size_t, const fc_real *, size_t, const fc_real *, size_t, fc_real, fc_real *, size_t) = {fc_matrix_nn, fc_matrix_tn, fc_matrix_nt};
    for (int round = 0; round < 120; round++) {
        size_t m = 1 + fc_rng_below(&rng, 40), n = 1 + fc_rng_below(&rng, 70), k = 1 + fc_rng_below(&rng, 50), pad = fc_rng_below(&rng, 4);
        int kind = round % 3, ta = kind == 1, tb = kind == 2;
        size_t lda = (ta ? m : k) + pad, ldb = (tb ? k : n) + pad, ldc = n + pad;
        float *a = random_array((ta ? k : m) * lda), *b = random_array((tb ? n : k) * ldb), *c = random_array(m * ldc), *d = malloc(m * ldc * sizeof *d);
        assert_non_null(d);
        memcpy(d, c, m * ldc * sizeof *d);
        fc_real beta = round % 2 ? 1 : 0;
        product[kind](m, n, k, a, lda, b, ldb, beta, c, ldc);
        fc_matrix_naive(ta, tb, m, n, k, a, lda, b, ldb, beta, d, ldc);
        assert_tensor_near(m * ldc, c, d, 1e-5);
        free(a), free(b), free(c), free(d);
    }
}

static void transpose_turns(void **state)
{
    (void)state;
    float a[6] = {1, 2, 3, 4, 5, 6}, t[6], expected[6] = {1, 4, 2, 5, 3, 6}, sums[3] = {10, 0, 0}, want[3] = {15, 7, 9};
    fc_matrix_transpose(2, 3, a, t);
    assert_memory_equal(t, expected, sizeof t);
    fc_matrix_add_column_sums(2, 3, a, 3, sums);
    assert_memory_equal(sums, want, sizeof sums);
}

/* The families that this processor runs: the chosen one is the best of them, so those behind it run too. */
static size_t families(const struct fc_kernel *out[3])
{
    const struct fc_kernel *all[] = {&fc_kernel_avx512, &fc_kernel_avx2, &fc_kernel_portable};
    size_t n = 0, from = 0;
    while (all[from] != fc_kernel())
        from++;
    for (; from < 3; from++)
        out[n++] = all[from];
    return n;
}

static void tanh_is_close(void **state)
{
    (void)state;
    const struct fc_kernel *k[3];
    for (size_t f = families(k); f-- > 0;) {
        for (int i = -40000; i <= 40000; i++) {
            float x = (float)i * 5e-4f + 1e-5f, y;
            k[f]->tanh(1, &x, &y);
            double exact = tanh((double)x);
            assert_true(fabs((double)y - exact) <= 5e-7 * fabs(exact) + 1e-12);
            assert_true(y >= -1 && y <= 1);
        }
        float odd[] = {NAN, INFINITY, -INFINITY, 0, 1e-30f}, out[5];
        k[f]->tanh(5, odd, out);
        assert_true(isnan(out[0]));
        assert_true(out[1] == 1 && out[2] == -1 && out[3] == 0 && fabsf(out[4] - 1e-30f) <= 1e-36f);
    }
}

static void every_family_is_the_portable_one(void **state)
{
    (void)state;
    const struct fc_kernel *k[3];
    for (size_t f = families(k); f-- > 0;) {
        for (size_t H = 1; H < 40; H += 3) {
            size_t rows = 1 + H % 5;
            float *gates = random_array(rows * 4 * H), *h = random_array(rows * H), *dh = random_array(rows * H), *room = random_array(rows * 12 * H);
            float *g1 = room, *g2 = g1 + rows * 4 * H, *h1 = g2 + rows * 4 * H, *h2 = h1 + rows * H, *d1 = h2 + rows * H, *d2 = d1 + rows * H;
            memcpy(g1, gates, rows * 4 * H * sizeof *g1);
            memcpy(g2, gates, rows * 4 * H * sizeof *g2);
            memset(d1, 0, 2 * rows * H * sizeof *d1);
            k[f]->gru_step(rows, H, h, g1, h1);
            fc_kernel_portable.gru_step(rows, H, h, g2, h2);
            assert_tensor_near(rows * H, h1, h2, 2e-6);
            k[f]->gru_step_backward(rows, H, h, dh, g1, d1);
            fc_kernel_portable.gru_step_backward(rows, H, h, dh, g2, d2);
            assert_tensor_near(rows * 4 * H, g1, g2, 1e-5);
            assert_tensor_near(rows * H, d1, d2, 1e-5);
            free(gates), free(h), free(dh), free(room);
        }
    }
}

/* Random shapes, odd sizes, pointers that no vector is aligned to, both ways to read A. */
static void every_familys_product_is_the_naive_one(void **state)
{
    (void)state;
    const struct fc_kernel *k[3];
    for (size_t f = families(k); f-- > 0;) {
        for (int round = 0; round < 150; round++) {
            size_t m = 1 + fc_rng_below(&rng, 30), n = 1 + fc_rng_below(&rng, 120), depth = 1 + fc_rng_below(&rng, 60), pad = fc_rng_below(&rng, 4);
            int turned = round % 2;
            size_t lda = (turned ? m : depth) + pad, ldb = n + pad, ldc = n + pad, off = fc_rng_below(&rng, 3);
            float *a = random_array((turned ? depth : m) * lda + 4) , *b = random_array(depth * ldb + 4), *c = random_array(m * ldc + 4);
            float *want = malloc((m * ldc + 4) * sizeof *want), *packed = malloc((k[f]->packed_size(depth, n) + 4) * sizeof *packed);
            assert_true(want && packed);
            memcpy(want, c, (m * ldc + 4) * sizeof *want);
            k[f]->pack(depth, n, b + off, ldb, packed + off);
            k[f]->product(m, n, depth, a + off, turned ? 1 : lda, turned ? lda : 1, packed + off, c + off, ldc);
            fc_matrix_naive(turned, 0, m, n, depth, a + off, lda, b + off, ldb, 1, want + off, ldc);
            assert_tensor_near(m * ldc + 4, c, want, 1e-5); /* what lies behind a row is untouched */
            free(a), free(b), free(c), free(want), free(packed);
        }
    }
}

static void nan_survives_every_kernel(void **state)
{
    (void)state;
    const struct fc_kernel *k[3];
    for (size_t f = families(k); f-- > 0;) {
        for (size_t at = 0; at < 4; at++) {
            float gates[4] = {0.1f, 0.2f, 0.3f, 0.4f}, h_prev = 0.5f, h = 0, d = 0, dh = 1;
            gates[at] = NAN;
            k[f]->gru_step(1, 1, &h_prev, gates, &h);
            assert_true(isnan(h));
            k[f]->gru_step_backward(1, 1, &h_prev, &dh, gates, &d);
            assert_true(isnan(gates[0]) || isnan(gates[1]) || isnan(gates[2]) || isnan(gates[3]));
        }
        float x[3] = {NAN, -1, 2};
        k[f]->relu(3, x);
        assert_true(isnan(x[0]) && x[1] == 0 && x[2] == 2);
    }
    for (const struct fc_loss *l = fc_losses; l->name; l++) {
        float out[2] = {NAN, 1}, target[2] = {0, 0}, weight[2] = {1, 1}, grad[2];
        assert_true(isnan(l->value(2, out, target, weight, 1, grad)) && isnan(grad[0]));
        weight[0] = 0; /* masked: not looked at */
        assert_true(isfinite(l->value(2, out, target, weight, 1, grad)) && grad[0] == 0);
        out[0] = INFINITY;
        weight[0] = 1;
        assert_true(isinf(l->value(2, out, target, weight, 1, grad)));
    }
}

static void adam_takes_the_papers_steps(void **state)
{
    (void)state;
    struct fc_adam a;
    struct fc_error e;
    float w[3] = {1, -2, 3}, g[3] = {0.1f, -4, 0};
    double rw[3] = {1, -2, 3}, m[3] = {0}, v[3] = {0};
    assert_int_equal(fc_adam_init(&a, 3, &e), FC_OK);
    for (int t = 1; t <= 5; t++) {
        fc_adam_step(&a, fc_kernel(), w, g, 0.5, 0.01);
        for (int i = 0; i < 3; i++) {
            double d = 0.5 * (double)g[i];
            m[i] = 0.9 * m[i] + 0.1 * d;
            v[i] = 0.999 * v[i] + 0.001 * d * d;
            rw[i] -= 0.01 * (m[i] / (1 - pow(0.9, t))) / (sqrt(v[i] / (1 - pow(0.999, t))) + 1e-8);
        }
        assert_tensor_near(3, w, rw, 1e-6);
    }
    fc_adam_close(&a);
}

static void clipping_keeps_to_its_threshold(void **state)
{
    (void)state;
    float g[2] = {3, 4};
    assert_true(fabs(fc_gradient_norm(2, g) - 5) <= 1e-12);
    assert_true(fabs(fc_clip_factor(5, 0.25) - 0.05) <= 1e-12); /* to the threshold, not to 1 */
    assert_true(fc_clip_factor(5, 7) == 1);
    assert_true(fabs(fc_schedule_cosine(0, 10, 100, 1) - 0.1) <= 1e-12 && fabs(fc_schedule_cosine(10, 10, 100, 1) - 1) <= 1e-12);
    assert_true(fabs(fc_schedule_cosine(100, 10, 100, 1) - 0.01) <= 1e-12 && fabs(fc_schedule_cosine(1000, 10, 100, 1) - 0.01) <= 1e-12);
}

static void windows_undo_and_start_as_seasonal_naive(void **state)
{
    (void)state;
    double z[40];
    unsigned char observed[40];
    for (int i = 0; i < 40; i++) {
        z[i] = 100 + 10 * sin(i * M_PI / 2) + i;
        observed[i] = i != 33;
    }
    struct fc_window_plan p = {fc_scaler_find("standard"), 4, 4, 6, 4, 0};
    float x[16], base[6], target[6], weight[6];
    struct fc_window_norm n = fc_window_input(&p, z + 32, 0, 1, x, base);
    assert_true(fabs(n.level - (z[28] + z[29] + z[30] + z[31]) / 4) <= 1e-9);
    for (int i = 0; i < 16; i++)
        assert_true(fabs((double)x[i] * n.spread + n.level - z[16 + i]) <= 1e-4);
    for (int h = 0; h < 6; h++)
        assert_true(fabs((double)base[h] * n.spread + n.level - z[28 + h % 4]) <= 1e-4);
    fc_window_target(&p, z + 32, observed + 32, base, n, target, weight);
    for (int h = 0; h < 6; h++)
        assert_true(fabs((double)(target[h] + base[h]) * n.spread + n.level - z[32 + h]) <= 1e-4);
    assert_true(weight[1] == 0 && weight[0] == (float)n.spread);
    p.m2 = 8;
    fc_window_input(&p, z + 32, 0, 1, x, base);
    assert_true(fabs((double)base[0] * n.spread + n.level - (z[28] + z[24]) / 2) <= 1e-4);
}

static void conformal_quantiles_are_order_statistics(void **state)
{
    (void)state;
    float scores[19 * 2];
    for (int r = 0; r < 19; r++) {
        scores[r * 2] = (float)(r % 2 ? r + 1 : -(r + 1));
        scores[r * 2 + 1] = NAN;
    }
    struct fc_intervals v;
    struct fc_error e;
    assert_int_equal(fc_intervals_fit(scores, 19, 2, 3, &v, &e), FC_OK);
    bool supported = true;
    assert_true(fc_interval_quantile(&v, 0, 95, &supported) == 19 && supported); /* ⌈20·0.95⌉ = 19th of 19 */
    assert_true(fc_interval_quantile(&v, 0, 50, &supported) == 10 && supported);
    assert_true(fc_interval_quantile(&v, 1, 50, &supported) == 10 && supported); /* borrowed from its neighbour */
    assert_true(fc_interval_quantile(&v, 0, 1e-13, &supported) == 1 && supported); /* not in front of the first */
    double beyond = fc_interval_quantile(&v, 0, 99, &supported);
    assert_true(!supported && beyond > 19 && beyond < 30);
    assert_true(v.scores == 19 && v.origins == 3);
    fc_intervals_free(&v);
    assert_int_equal(fc_intervals_fit(scores, 0, 2, 0, &v, &e), FC_OK);
    supported = true;
    assert_true(fabs(fc_interval_quantile(&v, 0, 80, &supported) - 1.28155 * 1.25331) <= 1e-4 && !supported); /* normal, with the noise as mean error */
    fc_intervals_free(&v);
}

/* One origin at a level shift, in units of the small noise before it, must not widen the interval by thousands. */
static void one_shift_does_not_explode_the_interval(void **state)
{
    (void)state;
    float scores[40];
    for (int i = 0; i < 40; i++)
        scores[i] = i < 36 ? (float)fc_rng_normal(&rng) : 5000;
    struct fc_intervals v;
    struct fc_error e;
    bool supported = true;
    assert_int_equal(fc_intervals_fit(scores, 40, 1, 1, &v, &e), FC_OK);
    double q = fc_interval_quantile(&v, 0, 95, &supported);
    assert_true(q > 5 && q < 40);
    fc_intervals_free(&v);
}

/* Exchangeable errors: over many draws the share of covered values is the level's, never clearly below. */
static void conformal_intervals_cover(void **state)
{
    (void)state;
    size_t covered = 0, n = 0;
    for (int draw = 0; draw < 400; draw++) {
        float scores[100];
        for (int i = 0; i < 100; i++)
            scores[i] = (float)fc_rng_normal(&rng);
        struct fc_intervals v;
        struct fc_error e;
        bool supported = true;
        assert_int_equal(fc_intervals_fit(scores, 100, 1, 1, &v, &e), FC_OK);
        double q = fc_interval_quantile(&v, 0, 90, &supported);
        for (int i = 0; i < 25; i++, n++)
            covered += fabs(fc_rng_normal(&rng)) <= q;
        fc_intervals_free(&v);
    }
    double share = (double)covered / (double)n;
    assert_true(share >= 0.885 && share <= 0.92);
}

static void noise_is_seasonal(void **state)
{
    (void)state;
    double z[64];
    double unit[8];
    for (int i = 0; i < 64; i++)
        z[i] = (i % 4 == 1 ? 3 : 1) * (i / 4 % 2); /* phase 1 swings by 3, the others by 1 */
    fc_noise_units(z + 64, 64, 4, 8, unit);
    assert_true(fabs(unit[0] - (0.5 * 1.5 + 0.5)) <= 1e-6 && fabs(unit[1] - (0.5 * 1.5 + 1.5)) <= 1e-6 && unit[5] == unit[1]);
}

static void guard_asks_for_what_the_processor_has(void **state)
{
    (void)state;
    assert_string_equal(fc_blas_better_core("Prescott", 1, 1), "SkylakeX");
    assert_string_equal(fc_blas_better_core("Haswell", 1, 1), "SkylakeX");
    assert_string_equal(fc_blas_better_core("Prescott", 0, 1), "Haswell");
    assert_null(fc_blas_better_core("Prescott", 0, 0));
    assert_null(fc_blas_better_core("SkylakeX", 1, 1));
    assert_null(fc_blas_better_core("Zen", 0, 1));
    int avx512 = __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
    assert_null(fc_blas_better_core(fc_blas_core(), avx512, __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")));
}

int main(int argc, char **argv)
{
    (void)argc;
    if (fc_blas_guard(argv))
        return 1;
    fc_rng_init(&rng, 11, 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_are_their_naive_twins), cmocka_unit_test(transpose_turns), cmocka_unit_test(tanh_is_close),
        cmocka_unit_test(every_family_is_the_portable_one), cmocka_unit_test(nan_survives_every_kernel),
        cmocka_unit_test(every_familys_product_is_the_naive_one), cmocka_unit_test(adam_takes_the_papers_steps),
        cmocka_unit_test(clipping_keeps_to_its_threshold), cmocka_unit_test(windows_undo_and_start_as_seasonal_naive),
        cmocka_unit_test(conformal_quantiles_are_order_statistics), cmocka_unit_test(conformal_intervals_cover), cmocka_unit_test(one_shift_does_not_explode_the_interval), cmocka_unit_test(noise_is_seasonal),
        cmocka_unit_test(guard_asks_for_what_the_processor_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
