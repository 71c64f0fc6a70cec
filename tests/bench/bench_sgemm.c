/* bench_sgemm.c: what one core of this machine multiplies: OpenBLAS's single-precision product of 1024 by 1024, the limit that trainings are compared with. Prints GFLOP/s. */
#include "blas_guard.h"
#include "matrix.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define N ((size_t)1024)

int main(int argc, char **argv)
{
    (void)argc;
    fc_blas_guard(argv);
    fc_real *a = malloc(N * N * sizeof *a), *b = malloc(N * N * sizeof *b), *c = malloc(N * N * sizeof *c);
    if (!a || !b || !c)
        return 1;
    for (size_t i = 0; i < N * N; i++)
        a[i] = b[i] = (fc_real)(i % 7) * (fc_real)0.1;
    double best = 0;
    for (int round = 0; round < 12; round++) {
        struct timespec s, t;
        clock_gettime(CLOCK_MONOTONIC, &s);
        fc_matrix_nn(N, N, N, a, N, b, N, 0, c, N);
        clock_gettime(CLOCK_MONOTONIC, &t);
        double seconds = (double)(t.tv_sec - s.tv_sec) + 1e-9 * (double)(t.tv_nsec - s.tv_nsec), rate = 2e-9 * (double)(N * N * N) / seconds;
        best = rate > best ? rate : best;
    }
    printf("%.1f\n", best);
    free(a), free(b), free(c);
    return 0;
}
