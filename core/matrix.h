/* matrix.h: matrix products. The only user of BLAS beside the guard. Row-major, pure functions, any thread.
 *
 * C[m][n] = op(A)[m][k] · op(B)[k][n] + beta · C, with row strides lda, ldb, ldc in elements of the stored matrices.
 * The names say op: nn none, tn A transposed, nt B transposed. OpenBLAS has its fast path for nn and tn. */
#ifndef FC_MATRIX_H
#define FC_MATRIX_H

#include "real.h"
#include <stddef.h>

void fc_matrix_nn(size_t m, size_t n, size_t k, const fc_real *a, size_t lda, const fc_real *b, size_t ldb, fc_real beta, fc_real *c, size_t ldc);
void fc_matrix_tn(size_t m, size_t n, size_t k, const fc_real *a, size_t lda, const fc_real *b, size_t ldb, fc_real beta, fc_real *c, size_t ldc);
void fc_matrix_nt(size_t m, size_t n, size_t k, const fc_real *a, size_t lda, const fc_real *b, size_t ldb, fc_real beta, fc_real *c, size_t ldc);
/* The naive twin of all three, for tests: plain loops, sums in double. */
void fc_matrix_naive(int ta, int tb, size_t m, size_t n, size_t k, const fc_real *a, size_t lda, const fc_real *b, size_t ldb, fc_real beta, fc_real *c, size_t ldc);
/* out[cols][rows] = in[rows][cols] transposed; both dense. */
void fc_matrix_transpose(size_t rows, size_t cols, const fc_real *in, fc_real *out);
/* sum[n] += the column sums of a[m][n]. */
void fc_matrix_add_column_sums(size_t m, size_t n, const fc_real *a, size_t lda, fc_real *sum);
/* Every row of c[m][n] = row[n]. */
void fc_matrix_fill_rows(size_t m, size_t n, const fc_real *row, fc_real *c, size_t ldc);

#endif
