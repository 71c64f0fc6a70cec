/* cell_gru.c: the gated recurrent unit, reset gate after the product (PyTorch, cuDNN; Cho et al. 2014 with the variant of section 2.3 of
 * Chung et al. 2014 as cuDNN computes it). One step, σ the logistic function, ∘ element by element:
 *
 *   r_t = σ(x_t W_r + h_{t-1} U_r + b_r + c_r)
 *   z_t = σ(x_t W_z + h_{t-1} U_z + b_z + c_z)
 *   n_t = tanh(x_t W_n + b_n + r_t ∘ (h_{t-1} U_n + c_n))
 *   h_t = (1 − z_t) ∘ n_t + z_t ∘ h_{t-1}
 *
 * Parameters: W [I][3H] in the order n r z, U [H][3H] in the order r z n, b [3H] as W, c [3H] as U.
 * Cache: gates [T][B][4H], a row n | r | z | nh with nh = h_{t-1} U_n + c_n. The orders make both products write into one buffer: x W fills columns
 * 0..3H, h U is added to columns H..4H; and after backward the same two overlapping views are the gradients that W and U need. */
#include "cell.h"

#include "matrix.h"

#include <string.h>

struct parts { const fc_real *W, *U, *b, *c; };

static struct parts split(const fc_real *p, size_t I, size_t H)
{
    return (struct parts){p, p + I * 3 * H, p + (I + H) * 3 * H, p + (I + H) * 3 * H + 3 * H};
}

static size_t gru_tensors(size_t I, size_t H, struct fc_tensor out[FC_CELL_TENSORS])
{
    out[0] = (struct fc_tensor){"W", I, 3 * H, 0};
    out[1] = (struct fc_tensor){"U", H, 3 * H, I * 3 * H};
    out[2] = (struct fc_tensor){"b", 1, 3 * H, (I + H) * 3 * H};
    out[3] = (struct fc_tensor){"c", 1, 3 * H, (I + H) * 3 * H + 3 * H};
    return 4;
}

static size_t gru_cache(const struct fc_cell_shape *s)
{
    return s->T * s->B * 4 * s->H;
}

static size_t gru_work(const struct fc_cell_shape *s)
{
    return 3 * s->H * (s->H + s->I) + 4 * s->H;
}

static void gru_forward(const struct fc_kernel *k, const struct fc_cell_shape *s, const fc_real *params, const fc_real *x, fc_real *h, fc_real *cache)
{
    const size_t B = s->B, T = s->T, I = s->I, H = s->H;
    struct parts p = split(params, I, H);

    for (size_t row = 0; row < T * B; row++) { /* biases: n | r | z from b, then r | z | nh from c on top */
        fc_real *g = cache + row * 4 * H;
        memcpy(g, p.b, 3 * H * sizeof *g);
        memset(g + 3 * H, 0, H * sizeof *g);
        k->add(3 * H, p.c, g + H);
    }
    fc_matrix_nn(T * B, 3 * H, I, x, I, p.W, 3 * H, 1, cache, 4 * H);
    for (size_t t = 0; t < T; t++) {
        fc_real *g = cache + t * B * 4 * H, *h_prev = h + t * B * H;
        fc_matrix_nn(B, 3 * H, H, h_prev, H, p.U, 3 * H, 1, g + H, 4 * H);
        k->gru_step(B, H, h_prev, g, h_prev + B * H);
    }
}

static void gru_backward(const struct fc_kernel *k, const struct fc_cell_shape *s, const fc_real *params, const fc_real *x, const fc_real *h, fc_real *cache,
                         fc_real *dh, fc_real *dx, fc_real *dparams, fc_real *work)
{
    const size_t B = s->B, T = s->T, I = s->I, H = s->H;
    struct parts p = split(params, I, H);
    fc_real *Ut = work;              /* [3H][H] */
    fc_real *Wt = Ut + 3 * H * H;    /* [3H][I] */
    fc_real *sums = Wt + 3 * H * I;  /* [4H] */

    fc_matrix_transpose(H, 3 * H, p.U, Ut);
    for (size_t t = T; t-- > 0;) {
        fc_real *g = cache + t * B * 4 * H, *dh_prev = dh + t * B * H;
        k->gru_step_backward(B, H, h + t * B * H, dh_prev + B * H, g, dh_prev);
        fc_matrix_nn(B, H, 3 * H, g + H, 4 * H, Ut, H, 1, dh_prev, H); /* dL/dh_{t-1} += [dr dz dnh] Uᵀ */
    }

    fc_real *dW = dparams, *dU = dW + I * 3 * H, *db = dU + H * 3 * H, *dc = db + 3 * H;
    fc_matrix_tn(I, 3 * H, T * B, x, I, cache, 4 * H, 1, dW, 3 * H);
    fc_matrix_tn(H, 3 * H, T * B, h, H, cache + H, 4 * H, 1, dU, 3 * H);
    memset(sums, 0, 4 * H * sizeof *sums);
    for (size_t row = 0; row < T * B; row++)
        k->add(4 * H, cache + row * 4 * H, sums);
    k->add(3 * H, sums, db);
    k->add(3 * H, sums + H, dc);
    if (dx) {
        fc_matrix_transpose(I, 3 * H, p.W, Wt);
        fc_matrix_nn(T * B, I, 3 * H, cache, 4 * H, Wt, I, 0, dx, I);
    }
}

const struct fc_cell fc_cell_gru = {
    .name = "gru",
    .title = "A GRU network",
    .source = "Cho et al. 2014, arXiv:1406.1078, reset after the product as in cuDNN and PyTorch",
    .tensors = gru_tensors,
    .cache = gru_cache,
    .work = gru_work,
    .forward = gru_forward,
    .backward = gru_backward,
};
