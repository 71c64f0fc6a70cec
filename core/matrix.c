/* matrix.c: see matrix.h. */
#include "matrix.h"

#include <assert.h>
#include <cblas.h>
#undef I /* cblas.h brings complex.h, which takes our letter for inputs */
#include <limits.h>
#include <string.h>

#ifdef FC_DOUBLE
#define GEMM cblas_dgemm
#else
#define GEMM cblas_sgemm
#endif

/* BLAS counts in int: our shapes stay far below, and only our own bug could break it. */
static int dim(size_t x)
{
    assert(x <= INT_MAX);
    return (int)x;
}

static void gemm(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, size_t m, size_t n, size_t k, const fc_real *a, size_t lda, const fc_real *b,
                 size_t ldb, fc_real beta, fc_real *c, size_t ldc)
{
    assert(lda >= (ta == CblasNoTrans ? k : m) && ldb >= (tb == CblasNoTrans ? n : k) && ldc >= n);
    if (m == 0 || n == 0)
        return;
    GEMM(CblasRowMajor, ta, tb, dim(m), dim(n), dim(k), 1, a, dim(lda), b, dim(ldb), beta, c, dim(ldc));
}

void fc_matrix_nn(size_t m, size_t n, size_t k, const fc_real *a, size_t lda, const fc_real *b, size_t ldb, fc_real beta, fc_real *c, size_t ldc)
{
    gemm(CblasNoTrans, CblasNoTrans, m, n, k, a, lda, b, ldb, beta, c, ldc);
}

void fc_matrix_tn(size_t m, size_t n, size_t k, const fc_real *a, size_t lda, const fc_real *b, size_t ldb, fc_real beta, fc_real *c, size_t ldc)
{
    gemm(CblasTrans, CblasNoTrans, m, n, k, a, lda, b, ldb, beta, c, ldc);
}

void fc_matrix_nt(size_t m, size_t n, size_t k, const fc_real *a, size_t lda, const fc_real *b, size_t ldb, fc_real beta, fc_real *c, size_t ldc)
{
    gemm(CblasNoTrans, CblasTrans, m, n, k, a, lda, b, ldb, beta, c, ldc);
}

void fc_matrix_naive(int ta, int tb, size_t m, size_t n, size_t k, const fc_real *a, size_t lda, const fc_real *b, size_t ldb, fc_real beta, fc_real *c, size_t ldc)
{
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < n; j++) {
            double sum = 0;
            for (size_t p = 0; p < k; p++)
                sum += (double)(ta ? a[p * lda + i] : a[i * lda + p]) * (double)(tb ? b[j * ldb + p] : b[p * ldb + j]);
            c[i * ldc + j] = (fc_real)(sum + (beta == 0 ? 0 : (double)beta * (double)c[i * ldc + j]));
        }
    }
}

void fc_matrix_transpose(size_t rows, size_t cols, const fc_real *in, fc_real *out)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < cols; j++)
            out[j * rows + i] = in[i * cols + j];
}

void fc_matrix_add_column_sums(size_t m, size_t n, const fc_real *a, size_t lda, fc_real *sum)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++)
            sum[j] += a[i * lda + j];
}

void fc_matrix_fill_rows(size_t m, size_t n, const fc_real *row, fc_real *c, size_t ldc)
{
    for (size_t i = 0; i < m; i++)
        memcpy(c + i * ldc, row, n * sizeof *row);
}
