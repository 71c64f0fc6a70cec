/* kernel_body.h: the source of every kernel family; the including file names the family in FC_FAMILY and is compiled with its instructions.
 * Plain loops over rows that compilers vectorise: no calls inside, restrict pointers, selects instead of branches. */
#include "kernel.h"
#include "product.h"

#include <math.h>

#ifdef FC_DOUBLE
static inline fc_real tanh1(fc_real x)
{
    return tanh(x);
}
#else
/* tanh(x) = x·P(x²)/Q(x²) on |x| <= 9, where it is 1 in float. Coefficients: our own minimax fit of the relative error (3.3e-7 in float).
 * The comparisons are written so that NaN fails them and stays. */
static inline fc_real tanh1(fc_real x)
{
    x = x > 9.0f ? 9.0f : x;
    x = x < -9.0f ? -9.0f : x;
    fc_real u = x * x;
    fc_real p = 1.0f + u * (0.13381019234657288f + u * (3.4955802839249372e-3f + u * (2.0608951672329567e-5f + u * 1.335448107653292e-8f)));
    fc_real q = 1.0f + u * (0.46714335680007935f + u * (2.5876952335238457e-2f + u * (3.285621933173388e-4f + u * 7.77648438088363e-7f)));
    fc_real y = x * p / q;
    y = y > 1.0f ? 1.0f : y;
    return y < -1.0f ? -1.0f : y;
}
#endif

/* σ(x) = (1 + tanh(x/2)) / 2 */
static inline fc_real sigmoid1(fc_real x)
{
    return (fc_real)0.5 + (fc_real)0.5 * tanh1((fc_real)0.5 * x);
}

static void tanh_n(size_t n, const fc_real *x, fc_real *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] = tanh1(x[i]);
}

static void gru_step(size_t rows, size_t hidden, const fc_real *restrict h_prev, fc_real *restrict gates, fc_real *restrict h)
{
    for (size_t b = 0; b < rows; b++) {
        fc_real *restrict gn = gates + b * 4 * hidden, *restrict gr = gn + hidden, *restrict gz = gr + hidden;
        const fc_real *restrict nh = gz + hidden;
        const fc_real *restrict hp = h_prev + b * hidden;
        fc_real *restrict ho = h + b * hidden;
        for (size_t i = 0; i < hidden; i++) {
            fc_real r = sigmoid1(gr[i]), z = sigmoid1(gz[i]);
            fc_real n = tanh1(gn[i] + r * nh[i]);
            gn[i] = n;
            gr[i] = r;
            gz[i] = z;
            ho[i] = n + z * (hp[i] - n);
        }
    }
}

static void gru_step_backward(size_t rows, size_t hidden, const fc_real *restrict h_prev, const fc_real *restrict dh, fc_real *restrict gates,
                              fc_real *restrict dh_prev)
{
    for (size_t b = 0; b < rows; b++) {
        fc_real *restrict gn = gates + b * 4 * hidden, *restrict gr = gn + hidden, *restrict gz = gr + hidden, *restrict nh = gz + hidden;
        const fc_real *restrict hp = h_prev + b * hidden, *restrict d = dh + b * hidden;
        fc_real *restrict dp = dh_prev + b * hidden;
        for (size_t i = 0; i < hidden; i++) {
            fc_real n = gn[i], r = gr[i], z = gz[i];
            fc_real dan = d[i] * (1 - z) * (1 - n * n);
            gn[i] = dan;
            gr[i] = dan * nh[i] * r * (1 - r);
            gz[i] = d[i] * (hp[i] - n) * z * (1 - z);
            nh[i] = dan * r;
            dp[i] += d[i] * z;
        }
    }
}

static void relu(size_t n, fc_real *x)
{
    for (size_t i = 0; i < n; i++)
        x[i] = x[i] < 0 ? 0 : x[i];
}

static void relu_backward(size_t n, const fc_real *restrict y, fc_real *restrict dy)
{
    for (size_t i = 0; i < n; i++)
        dy[i] = y[i] > 0 ? dy[i] : 0;
}

static void adam(size_t n, fc_real *restrict w, const fc_real *restrict g, fc_real *restrict m, fc_real *restrict v, fc_real scale, fc_real rate,
                 fc_real beta1, fc_real beta2, fc_real eps)
{
    for (size_t i = 0; i < n; i++) {
        fc_real d = g[i] * scale;
        fc_real mi = beta1 * m[i] + (1 - beta1) * d;
        fc_real vi = beta2 * v[i] + (1 - beta2) * d * d;
        m[i] = mi;
        v[i] = vi;
#ifdef FC_DOUBLE
        w[i] -= rate * mi / (sqrt(vi) + eps);
#else
        w[i] -= rate * mi / (sqrtf(vi) + eps);
#endif
    }
}

static void add(size_t n, const fc_real *restrict x, fc_real *restrict sum)
{
    for (size_t i = 0; i < n; i++)
        sum[i] += x[i];
}

#define FC_JOIN2(a, b) a##b
#define FC_JOIN(a, b) FC_JOIN2(a, b)
#define FC_TEXT2(a) #a
#define FC_TEXT(a) FC_TEXT2(a)

const struct fc_kernel FC_JOIN(fc_kernel_, FC_FAMILY) = {
    .name = FC_TEXT(FC_FAMILY),
    .tanh = tanh_n,
    .gru_step = gru_step,
    .gru_step_backward = gru_step_backward,
    .relu = relu,
    .relu_backward = relu_backward,
    .adam = adam,
    .add = add,
    .packed_size = packed_size,
    .pack = pack,
    .product = product,
    .product_in_place = product_in_place,
    .column_sums = column_sums,
};
