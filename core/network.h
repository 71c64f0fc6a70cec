/* network.h: the forecasting network: patches of one season → dense and ReLU → recurrent layers → direct multi-horizon head, and a linear skip.
 *
 *   e_t = max(0, x_t W_e + b_e)                       t = 1..T, a patch a step
 *   h^1..h^layers = cell layers over e_1..e_T
 *   out = h^layers_T W_o + b_o + Σ_t x_t S_t          (S only with skip)
 *
 * Letters: B rows, T steps (patches), P values a patch, E embedding, H hidden, K horizon. Input x: [T][B][P], normalised values; out: [B][K].
 * The head and the skip start at zero, so that an untrained network says exactly what the base says (the base is added outside).
 * An fc_network is a plan without numbers: any thread may use it; parameters and workspace are flat arrays of the caller. */
#ifndef FC_NETWORK_H
#define FC_NETWORK_H

#include "cell.h"
#include "error.h"
#include <stdbool.h>

#define FC_LAYERS 8
#define FC_PARAMS_MAX ((size_t)1 << 23) /* a training keeps about twelve copies: 400 MB at this limit */
#define FC_NETWORK_TENSORS (FC_LAYERS * FC_CELL_TENSORS + 5)

struct fc_shape {
    const struct fc_cell *cell;
    size_t patch, steps;   /* P, T; lookback = P·T */
    size_t embed;          /* E; 0: the cell reads the patch itself */
    size_t layers, hidden; /* H */
    size_t horizon;        /* K */
    bool skip;
};

struct fc_network {
    struct fc_shape shape;
    size_t params;                                   /* numbers in the parameter array */
    size_t tensors;
    struct fc_tensor tensor[FC_NETWORK_TENSORS];     /* named parts of it: "embed.W", "layer0.U", "head.W", … */
};

/* FC_INVALID "bad_network" when a size is zero or the whole is beyond FC_PARAMS_MAX numbers. */
FC_MUST_CHECK enum fc_status fc_network_init(const struct fc_shape *shape, struct fc_network *out, struct fc_error *e);
/* Uniform ±1/√fan-in (±1/√H in the cells, as PyTorch), zero head and skip. */
void fc_network_start(const struct fc_network *n, struct fc_rng *rng, fc_real *params);

/* Numbers of workspace for B rows: forward alone, and forward with backward. */
size_t fc_network_workspace(const struct fc_network *n, size_t B);
/* work keeps what backward needs. */
void fc_network_forward(const struct fc_network *n, const fc_real *params, size_t B, const fc_real *x, fc_real *out, fc_real *work);
/* dout: [B][K]; dparams: added to. Follows the forward of the same x, params and work. */
void fc_network_backward(const struct fc_network *n, const fc_real *params, size_t B, const fc_real *x, const fc_real *dout, fc_real *dparams, fc_real *work);

#endif
