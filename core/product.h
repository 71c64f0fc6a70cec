/* product.h: the matrix product of the recurrent steps, part of each kernel family (kernel_body.h includes it after naming FC_WIDTH).
 *
 * C[m][n] += A[m][k] · B[k][n], with B packed once and used many times: OpenBLAS packs B again in every call, which costs as much as the product
 * when m is a shard of 16 rows. Packed: panels of FC_PANEL vectors (the last ones of fewer), a panel [k][vectors][FC_WIDTH], zeros behind column n.
 * A tile of C (8 rows by 3 vectors where there are 32 registers, 6 by 2 where there are 16) stays in registers over all of k; rows that are left go in
 * tiles of 4 and 1. A B that is used once, the gate gradients
 * for the gradients of the weights, is read where it lies. */
#ifndef FC_PRODUCT_H
#define FC_PRODUCT_H

#include "kernel.h"

#include <string.h>

#define PANEL FC_PANEL /* vectors */

typedef fc_real vec __attribute__((vector_size(FC_WIDTH * sizeof(fc_real))));

static inline __attribute__((always_inline)) vec load(const fc_real *p)
{
    vec v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline __attribute__((always_inline)) void store(fc_real *p, vec v)
{
    memcpy(p, &v, sizeof v);
}

/* c[0..n) += v, n <= FC_WIDTH. */
static inline __attribute__((always_inline)) void add_to(fc_real *c, size_t n, vec v)
{
    if (n >= FC_WIDTH) {
        store(c, load(c) + v);
        return;
    }
    fc_real part[FC_WIDTH];
    memcpy(part, &v, sizeof v);
    for (size_t i = 0; i < n; i++)
        c[i] += part[i];
}

/* One tile: ROWS rows of A against G vectors of B, whose rows are bk apart; n columns of C. */
#define DEFINE_TILE(ROWS, G) \
    static void tile_##ROWS##_##G(size_t k, size_t n, const fc_real *restrict a, size_t ai, size_t ak, const fc_real *restrict b, size_t bk, \
                                  fc_real *restrict c, size_t ldc) \
    { \
        vec sum[ROWS][G]; \
        for (int i = 0; i < ROWS; i++) \
            for (int g = 0; g < G; g++) \
                sum[i][g] = (vec){0}; \
        for (size_t p = 0; p < k; p++) { \
            vec w[G]; \
            for (int g = 0; g < G; g++) \
                w[g] = load(b + p * bk + (size_t)g * FC_WIDTH); \
            for (int i = 0; i < ROWS; i++) { \
                fc_real x = a[(size_t)i * ai + p * ak]; \
                for (int g = 0; g < G; g++) \
                    sum[i][g] += x * w[g]; \
            } \
        } \
        for (int i = 0; i < ROWS; i++) \
            for (int g = 0; g < G; g++) \
                add_to(c + (size_t)i * ldc + (size_t)g * FC_WIDTH, n - (size_t)g * FC_WIDTH, sum[i][g]); \
    }

/* One row: k in four interleaved parts, so that the sums do not wait for each other. */
#define DEFINE_ROW(G) \
    static void tile_1_##G(size_t k, size_t n, const fc_real *restrict a, size_t ai, size_t ak, const fc_real *restrict b, size_t bk, fc_real *restrict c, size_t ldc) \
    { \
        vec sum[4][G]; \
        size_t p = 0; \
        (void)ai, (void)ldc; \
        for (int i = 0; i < 4; i++) \
            for (int g = 0; g < G; g++) \
                sum[i][g] = (vec){0}; \
        for (; p + 4 <= k; p += 4) \
            for (int i = 0; i < 4; i++) \
                for (int g = 0; g < G; g++) \
                    sum[i][g] += a[(p + (size_t)i) * ak] * load(b + (p + (size_t)i) * bk + (size_t)g * FC_WIDTH); \
        for (; p < k; p++) \
            for (int g = 0; g < G; g++) \
                sum[0][g] += a[p * ak] * load(b + p * bk + (size_t)g * FC_WIDTH); \
        for (int g = 0; g < G; g++) \
            add_to(c + (size_t)g * FC_WIDTH, n - (size_t)g * FC_WIDTH, (sum[0][g] + sum[1][g]) + (sum[2][g] + sum[3][g])); \
    }

#if FC_PANEL == 3
#define DEFINE_HEIGHT(ROWS) DEFINE_TILE(ROWS, 1) DEFINE_TILE(ROWS, 2) DEFINE_TILE(ROWS, 3)
#define HEIGHT(ROWS) {ROWS, {tile_##ROWS##_1, tile_##ROWS##_2, tile_##ROWS##_3}}
#else
#define DEFINE_HEIGHT(ROWS) DEFINE_TILE(ROWS, 1) DEFINE_TILE(ROWS, 2)
#define HEIGHT(ROWS) {ROWS, {tile_##ROWS##_1, tile_##ROWS##_2}}
#endif
#if FC_TILE_ROWS == 8
DEFINE_HEIGHT(8)
#else
DEFINE_HEIGHT(6)
#endif
DEFINE_HEIGHT(4)
DEFINE_ROW(1)
DEFINE_ROW(2)
#if FC_PANEL == 3
DEFINE_ROW(3)
#endif

typedef void tile(size_t k, size_t n, const fc_real *restrict a, size_t ai, size_t ak, const fc_real *restrict b, size_t bk, fc_real *restrict c, size_t ldc);

/* Heights, tallest first, each with its tiles of one to PANEL vectors. */
static const struct { size_t rows; tile *of[PANEL]; } heights[] = {
#if FC_TILE_ROWS == 8
    HEIGHT(8),
#else
    HEIGHT(6),
#endif
    HEIGHT(4), HEIGHT(1),
};

/* How many vectors the next panel takes of those left: never a last one alone, which would wait for its loads. */
static size_t panel_width(size_t left)
{
    return left == PANEL + 1 ? 2 : left < PANEL ? left : PANEL;
}

static size_t packed_size(size_t k, size_t n)
{
    return k * ((n + FC_WIDTH - 1) / FC_WIDTH) * FC_WIDTH;
}

static void pack(size_t k, size_t n, const fc_real *restrict b, size_t ldb, fc_real *restrict packed)
{
    const size_t vectors = (n + FC_WIDTH - 1) / FC_WIDTH;
    for (size_t v = 0, wide; v < vectors; v += wide) {
        wide = panel_width(vectors - v);
        size_t columns = wide * FC_WIDTH, have = n - v * FC_WIDTH < columns ? n - v * FC_WIDTH : columns;
        for (size_t p = 0; p < k; p++, packed += columns) {
            memcpy(packed, b + p * ldb + v * FC_WIDTH, have * sizeof *b);
            memset(packed + have, 0, (columns - have) * sizeof *b);
        }
    }
}

/* All rows of A against the panel at column v·FC_WIDTH. */
static void panel(size_t m, size_t n, size_t k, const fc_real *a, size_t ai, size_t ak, const fc_real *b, size_t bk, size_t v, size_t wide, fc_real *c, size_t ldc)
{
    size_t row = 0;
    for (size_t h = 0; h < sizeof heights / sizeof *heights; h++)
        for (; m - row >= heights[h].rows; row += heights[h].rows)
            heights[h].of[wide - 1](k, n - v * FC_WIDTH, a + row * ai, ai, ak, b, bk, c + row * ldc + v * FC_WIDTH, ldc);
}

static void product(size_t m, size_t n, size_t k, const fc_real *a, size_t ai, size_t ak, const fc_real *packed, fc_real *c, size_t ldc)
{
    const size_t vectors = (n + FC_WIDTH - 1) / FC_WIDTH;
    for (size_t v = 0, wide; v < vectors; v += wide) {
        wide = panel_width(vectors - v);
        panel(m, n, k, a, ai, ak, packed + v * FC_WIDTH * k, wide * FC_WIDTH, v, wide, c, ldc);
    }
}

static void product_in_place(size_t m, size_t n, size_t k, const fc_real *a, size_t ai, size_t ak, const fc_real *b, size_t ldb, fc_real *c, size_t ldc)
{
    const size_t vectors = (n + FC_WIDTH - 1) / FC_WIDTH;
    for (size_t v = 0, wide; v < vectors; v += wide) {
        wide = panel_width(vectors - v);
        panel(m, n, k, a, ai, ak, b + v * FC_WIDTH, ldb, v, wide, c, ldc);
    }
}

/* Four rows at a time, so that a sum is read and written a quarter as often. */
static void column_sums(size_t m, size_t n, const fc_real *restrict a, size_t lda, fc_real *restrict sum)
{
    size_t i = 0;
    for (; i + 4 <= m; i += 4) {
        const fc_real *r = a + i * lda;
        for (size_t j = 0; j < n; j++)
            sum[j] += (r[j] + r[lda + j]) + (r[2 * lda + j] + r[3 * lda + j]);
    }
    for (; i < m; i++)
        for (size_t j = 0; j < n; j++)
            sum[j] += a[i * lda + j];
}

#endif
