/* method_seasonal_naive.c: see method.h. */
#include "method.h"

void fc_seasonal_naive(const double *x, size_t n, size_t m, size_t K, double *out)
{
    if (m == 0 || m > n)
        m = 1;
    for (size_t h = 0; h < K; h++)
        out[h] = x[n - m + h % m];
}
