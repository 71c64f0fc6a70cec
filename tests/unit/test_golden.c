/* test_golden.c: the GRU against PyTorch's, outputs and every gradient, from tests/golden/gru.txt (made by make_golden.py there). */
#include "unit.h"

#include "cell.h"

#include <stdlib.h>
#include <string.h>

#define GOLDEN "tests/golden/gru.txt"
#define TOLERANCE 1e-5

static FILE *file;

/* The tensor that comes next, which must have this name. */
static fc_real *next(const char *name, size_t *n)
{
    char found[16];
    size_t rows, cols;
    assert_int_equal(fscanf(file, "%15s %zu %zu", found, &rows, &cols), 3);
    assert_string_equal(found, name);
    *n = rows * cols;
    fc_real *x = malloc(*n * sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < *n; i++) {
        double v;
        assert_int_equal(fscanf(file, "%lf", &v), 1);
        x[i] = (fc_real)v;
    }
    return x;
}

struct layer {
    fc_real *params, *expected, *got; /* parameters, their gradients as PyTorch has them and as we do */
    fc_real *h0, *dh0, *h, *cache;
    size_t n;
};

static void read_params(struct layer *l, const char *prefix, fc_real *into)
{
    static const char *const names[] = {"W", "U", "b", "c"};
    size_t at = 0;
    for (int i = 0; i < 4; i++) {
        char name[8];
        size_t n;
        snprintf(name, sizeof name, "%s%s", prefix, names[i]);
        fc_real *t = next(name, &n);
        assert_true(at + n <= l->n);
        memcpy(into + at, t, n * sizeof *t);
        at += n;
        free(t);
    }
    assert_int_equal(at, l->n);
}

static void run_case(size_t B, size_t T, size_t I, size_t H, size_t layers)
{
    const struct fc_cell *gru = &fc_cell_gru;
    struct layer layer[3] = {0};
    size_t n;
    fc_real *x = next("x", &n), *dy = next("dy", &n), *y = next("y", &n), *dx = next("dx", &n);
    const fc_real *in = x;
    for (size_t i = 0; i < layers; i++) {
        struct layer *l = &layer[i];
        struct fc_cell_shape s = {B, T, i ? H : I, H};
        l->h0 = next("h0", &n);
        l->dh0 = next("dh0", &n);
        l->n = fc_cell_params(gru, s.I, H);
        l->params = calloc(l->n, sizeof(fc_real));
        l->expected = calloc(l->n, sizeof(fc_real));
        l->got = calloc(l->n, sizeof(fc_real));
        l->h = calloc((T + 1) * B * H, sizeof(fc_real));
        l->cache = calloc(gru->cache(&s), sizeof(fc_real));
        assert_true(l->params && l->expected && l->got && l->h && l->cache);
        read_params(l, "", l->params);
        read_params(l, "d", l->expected);
        memcpy(l->h, l->h0, B * H * sizeof(fc_real));
        fc_real *room = calloc(gru->work(fc_kernel(), &s), sizeof *room);
        assert_non_null(room);
        gru->forward(fc_kernel(), &s, l->params, in, l->h, l->cache, room);
        free(room);
        in = l->h + B * H;
    }
    assert_tensor_near(T * B * H, in, y, TOLERANCE);

    size_t wide = H > I ? H : I;
    fc_real *dh = calloc((T + 1) * B * wide, sizeof *dh), *below = calloc((T + 1) * B * wide, sizeof *below);
    assert_true(dh && below);
    memcpy(dh + B * H, dy, T * B * H * sizeof *dh);
    for (size_t i = layers; i-- > 0;) {
        struct layer *l = &layer[i];
        struct fc_cell_shape s = {B, T, i ? H : I, H};
        fc_real *work = calloc(gru->work(fc_kernel(), &s), sizeof *work);
        assert_non_null(work);
        memset(below, 0, (T + 1) * B * wide * sizeof *below);
        fc_real *dinput = i ? below + B * H : below;
        gru->backward(fc_kernel(), &s, l->params, i ? layer[i - 1].h + B * H : x, l->h, l->cache, dh, dinput, l->got, work);
        assert_tensor_near(B * H, dh, l->dh0, TOLERANCE);
        assert_tensor_near(l->n, l->got, l->expected, TOLERANCE);
        struct fc_tensor t[FC_CELL_TENSORS];
        for (size_t j = 0, count = gru->tensors(s.I, H, t); j < count; j++)
            assert_tensor_near(t[j].rows * t[j].cols, l->got + t[j].offset, l->expected + t[j].offset, TOLERANCE);
        fc_real *swap = dh;
        dh = below;
        below = swap;
        free(work);
    }
    assert_tensor_near(T * B * I, dh, dx, TOLERANCE);
    for (size_t i = 0; i < layers; i++) {
        struct layer *l = &layer[i];
        free(l->params), free(l->expected), free(l->got), free(l->h0), free(l->dh0), free(l->h), free(l->cache);
    }
    free(x), free(dy), free(y), free(dx), free(dh), free(below);
}

static void gru_is_pytorchs(void **state)
{
    (void)state;
    size_t cases = 0;
    file = fopen(GOLDEN, "r");
    assert_non_null(file);
    for (;; cases++) {
        char word[8];
        size_t B, T, I, H, layers;
        assert_int_equal(fscanf(file, "%7s", word), 1);
        if (strcmp(word, "end") == 0)
            break;
        assert_string_equal(word, "case");
        assert_int_equal(fscanf(file, "%zu %zu %zu %zu %zu", &B, &T, &I, &H, &layers), 5);
        run_case(B, T, I, H, layers);
    }
    fclose(file);
    assert_int_equal(cases, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(gru_is_pytorchs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
