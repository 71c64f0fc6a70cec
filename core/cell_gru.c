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
    return s->T * s->B * 4 * s->H + FC_READ_BEYOND;
}

#define BLOCK 128 /* rows of gate gradients that the gradients of the weights take at once, while they are hot */

/* Packed weights first, then what backward needs: packed transposes, one packed block, room for a transpose, sums. */
static size_t gru_work(const struct fc_kernel *k, const struct fc_cell_shape *s)
{
    const size_t I = s->I, H = s->H;
    size_t forward = k->packed_size(I, 3 * H) + k->packed_size(H, 3 * H) + 4 * H;
    size_t backward = k->packed_size(3 * H, H) + k->packed_size(3 * H, I) + 3 * H * (H > I ? H : I) + 4 * H;
    return forward > backward ? forward : backward;
}

static void gru_forward(const struct fc_kernel *k, const struct fc_cell_shape *s, const fc_real *params, const fc_real *x, fc_real *h, fc_real *cache, fc_real *work)
{
    const size_t B = s->B, T = s->T, I = s->I, H = s->H;
    struct parts p = split(params, I, H);
    fc_real *W = work, *U = W + k->packed_size(I, 3 * H);
    k->pack(I, 3 * H, p.W, 3 * H, W);
    k->pack(H, 3 * H, p.U, 3 * H, U);
    fc_real *bias = U + k->packed_size(H, 3 * H); /* n | r | z from b, then r | z | nh from c on top */
    memcpy(bias, p.b, 3 * H * sizeof *bias);
    memset(bias + 3 * H, 0, H * sizeof *bias);
    k->add(3 * H, p.c, bias + H);

    const size_t ahead = B < 16 ? 16 / B : 1; /* steps whose inputs are multiplied together, so that a forecast of one series reuses W as well */
    for (size_t t = 0; t < T; t++) {
        fc_real *g = cache + t * B * 4 * H, *h_prev = h + t * B * H;
        if (t % ahead == 0) {
            size_t rows = (T - t < ahead ? T - t : ahead) * B;
            fc_matrix_fill_rows(rows, 4 * H, bias, g, 4 * H);
            k->product(rows, 3 * H, I, x + t * B * I, I, 1, W, g, 4 * H);
        }
        k->product(B, 3 * H, H, h_prev, H, 1, U, g + H, 4 * H);
        k->gru_step(B, H, h_prev, g, h_prev + B * H);
    }
}

static void gru_backward(const struct fc_kernel *k, const struct fc_cell_shape *s, const fc_real *params, const fc_real *x, const fc_real *h, fc_real *cache,
                         fc_real *dh, fc_real *dx, fc_real *dparams, fc_real *work)
{
    const size_t B = s->B, T = s->T, I = s->I, H = s->H;
    struct parts p = split(params, I, H);
    fc_real *Ut = work, *Wt = Ut + k->packed_size(3 * H, H), *turned = Wt + k->packed_size(3 * H, I);
    fc_real *sums = turned + 3 * H * (H > I ? H : I);
    fc_real *dW = dparams, *dU = dW + I * 3 * H, *db = dU + H * 3 * H, *dc = db + 3 * H;

    fc_matrix_transpose(H, 3 * H, p.U, turned);
    k->pack(3 * H, H, turned, H, Ut);
    for (size_t t = T; t-- > 0;) {
        fc_real *g = cache + t * B * 4 * H, *dh_prev = dh + t * B * H;
        k->gru_step_backward(B, H, h + t * B * H, dh_prev + B * H, g, dh_prev);
        k->product(B, H, 3 * H, g + H, 4 * H, 1, Ut, dh_prev, H); /* dL/dh_{t-1} += [dr dz dnh] Uᵀ */
    }

    memset(sums, 0, 4 * H * sizeof *sums);
    for (size_t row = 0; row < T * B; row += BLOCK) { /* dW += Xᵀ [dn dr dz], dU += H_prevᵀ [dr dz dnh], block by block of rows */
        size_t rows = T * B - row < BLOCK ? T * B - row : BLOCK;
        const fc_real *g = cache + row * 4 * H;
        k->product_in_place(I, 3 * H, rows, x + row * I, 1, I, g, 4 * H, dW, 3 * H);
        k->product_in_place(H, 3 * H, rows, h + row * H, 1, H, g + H, 4 * H, dU, 3 * H);
        k->column_sums(rows, 4 * H, g, 4 * H, sums);
    }
    k->add(3 * H, sums, db);
    k->add(3 * H, sums + H, dc);
    if (dx) {
        fc_matrix_transpose(I, 3 * H, p.W, turned);
        k->pack(3 * H, I, turned, I, Wt);
        memset(dx, 0, T * B * I * sizeof *dx);
        k->product(T * B, I, 3 * H, cache, 4 * H, 1, Wt, dx, I);
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
