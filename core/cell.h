/* cell.h: recurrent cells: forward and backward through time. One row of the table per cell; adding one means one new file and one row.
 *
 * Letters: B batch rows, T time steps, I inputs, H hidden units. All arrays are time-major and dense, owned by the caller; nothing is
 * allocated here. Pure functions of their arguments, any thread. A cell's parameters are one flat array; its tensors are named for the
 * model file and the gradient checks. */
#ifndef FC_CELL_H
#define FC_CELL_H

#include "kernel.h"
#include "rng.h"

struct fc_cell_shape { size_t B, T, I, H; };

#define FC_CELL_TENSORS 4
/* A tensor of a cell: `rows` and `cols` in units of I, H or fixed numbers, resolved for a shape. */
struct fc_tensor {
    char name[32];
    size_t rows, cols;
    size_t offset; /* in the flat parameter array */
};

struct fc_cell {
    const char *name;    /* "gru" */
    const char *title;   /* opens sentences: "A GRU network" */
    const char *source;  /* paper and convention */
    /* The cell's tensors for I inputs and H units, offsets counted from 0; returns their count. */
    size_t (*tensors)(size_t I, size_t H, struct fc_tensor out[FC_CELL_TENSORS]);
    /* Numbers that forward keeps for backward, and that either needs besides while it runs. */
    size_t (*cache)(const struct fc_cell_shape *s);
    size_t (*work)(const struct fc_kernel *k, const struct fc_cell_shape *s);
    /* x: [T][B][I]; h: [T+1][B][H], block 0 holds the initial state (caller), blocks 1..T are written; cache: written. */
    void (*forward)(const struct fc_kernel *k, const struct fc_cell_shape *s, const fc_real *params, const fc_real *x, fc_real *h, fc_real *cache,
                    fc_real *work);
    /* dh: [T+1][B][H], in: dL/dh of each step from outside, block 0 zero; out: the totals, block 0 is dL/dh_0. dx: [T][B][I] written, or NULL.
     * dparams: added to. cache: consumed. */
    void (*backward)(const struct fc_kernel *k, const struct fc_cell_shape *s, const fc_real *params, const fc_real *x, const fc_real *h, fc_real *cache,
                     fc_real *dh, fc_real *dx, fc_real *dparams, fc_real *work);
};

extern const struct fc_cell fc_cell_gru;

extern const struct fc_cell *const fc_cells[]; /* ends with NULL */
const struct fc_cell *fc_cell_find(const char *name); /* NULL when there is none */
/* Numbers in the parameters of one layer. */
size_t fc_cell_params(const struct fc_cell *c, size_t I, size_t H);

#endif
