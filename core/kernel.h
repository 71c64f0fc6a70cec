/* kernel.h: the element-wise inner loops of cells and optimizer, built once a processor family and chosen at run time.
 *
 * kernel_body.h holds the one source; kernel_portable.c, kernel_avx2.c and kernel_avx512.c compile it with different instructions.
 * tanh and sigmoid are a rational form of our own: relative error of tanh below 5e-7, NaN passes through. Results differ in the last bits between
 * families, never between runs or thread counts of one. Pure functions, any thread. */
#ifndef FC_KERNEL_H
#define FC_KERNEL_H

#include "real.h"
#include <stddef.h>

#define FC_READ_BEYOND 15 /* a vector of the widest family, less one */

struct fc_kernel {
    const char *name; /* "avx512", "avx2" or "portable" */
    /* y[i] = tanh(x[i]); y may be x. */
    void (*tanh)(size_t n, const fc_real *x, fc_real *y);
    /* Gates of one GRU step, in place (equations in cell_gru.c). gates: [rows][4·H], each row n | r | z | nh: pre-activations in, gates out.
     * h_prev, h: [rows][H]. */
    void (*gru_step)(size_t rows, size_t hidden, const fc_real *h_prev, fc_real *gates, fc_real *h);
    /* The gradients of one GRU step, in place. dh: [rows][H] dL/dh_t; gates: in n | r | z | nh, out their pre-activations' gradients;
     * dh_prev: [rows][H], the part that does not go through U is added. */
    void (*gru_step_backward)(size_t rows, size_t hidden, const fc_real *h_prev, const fc_real *dh, fc_real *gates, fc_real *dh_prev);
    /* y = max(x, 0) in place; NaN stays. */
    void (*relu)(size_t n, fc_real *x);
    /* dx = dy where y > 0, else 0; in place over dy. */
    void (*relu_backward)(size_t n, const fc_real *y, fc_real *dy);
    /* Adam (Kingma and Ba 2015, algorithm 1, the efficient order): g is scaled by `scale` first. */
    void (*adam)(size_t n, fc_real *w, const fc_real *g, fc_real *m, fc_real *v, fc_real scale, fc_real rate, fc_real beta1, fc_real beta2, fc_real eps);
    /* sum[i] += x[i] */
    void (*add)(size_t n, const fc_real *x, fc_real *sum);
    /* The product of the recurrent steps (product.h): c[m][n] += a[m][k] · b[k][n]; element (i, p) of a is a[i·ai + p·ak], so that a transposed one is
     * read in place; b was packed. packed_size: numbers of a packed [k][n]. */
    size_t (*packed_size)(size_t k, size_t n);
    void (*pack)(size_t k, size_t n, const fc_real *b, size_t ldb, fc_real *packed);
    void (*product)(size_t m, size_t n, size_t k, const fc_real *a, size_t ai, size_t ak, const fc_real *packed, fc_real *c, size_t ldc);
    /* The same with b as it lies, [k][n] with row stride ldb, for one that is used once. Reads up to FC_READ_BEYOND numbers behind its last one. */
    void (*product_in_place)(size_t m, size_t n, size_t k, const fc_real *a, size_t ai, size_t ak, const fc_real *b, size_t ldb, fc_real *c, size_t ldc);
    /* sum[n] += the column sums of a[m][n] with row stride lda. */
    void (*column_sums)(size_t m, size_t n, const fc_real *a, size_t lda, fc_real *sum);
};

extern const struct fc_kernel fc_kernel_portable;
extern const struct fc_kernel fc_kernel_avx2;
extern const struct fc_kernel fc_kernel_avx512;

/* The best that this processor runs, or the one that FC_KERNEL in the environment names (if the processor has it). Decided once. */
const struct fc_kernel *fc_kernel(void);

#endif
