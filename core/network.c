/* network.c: see network.h. */
#include "network.h"

#include "matrix.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Where things lie in the parameter array (offsets) and in the workspace (pointers). */
struct layout { size_t embed, layer[FC_LAYERS], head, skip, end; };
struct buffers { fc_real *e, *h[FC_LAYERS], *cache[FC_LAYERS], *dh[2], *work; size_t total; };

static size_t layer_inputs(const struct fc_shape *s, size_t layer)
{
    return layer > 0 ? s->hidden : s->embed ? s->embed : s->patch;
}

static struct layout lay_out(const struct fc_shape *s)
{
    struct layout l = {0};
    size_t at = s->embed ? s->patch * s->embed + s->embed : 0;
    for (size_t i = 0; i < s->layers; i++) {
        l.layer[i] = at;
        at += fc_cell_params(s->cell, layer_inputs(s, i), s->hidden);
    }
    l.head = at;
    at += s->hidden * s->horizon + s->horizon;
    l.skip = at;
    l.end = at + (s->skip ? s->patch * s->steps * s->horizon : 0);
    return l;
}

/* Cuts the workspace for B rows; with base NULL only total counts. */
static struct buffers cut(const struct fc_shape *s, size_t B, fc_real *base)
{
    struct buffers b = {0};
    size_t at = 0, work = 0;
#define TAKE(field, n) (b.field = base ? base + at : NULL, at += (n))
    TAKE(e, s->embed ? s->steps * B * s->embed : 0);
    for (size_t i = 0; i < s->layers; i++) {
        struct fc_cell_shape c = {B, s->steps, layer_inputs(s, i), s->hidden};
        TAKE(h[i], (s->steps + 1) * B * s->hidden);
        TAKE(cache[i], s->cell->cache(&c));
        size_t w = s->cell->work(fc_kernel(), &c);
        work = w > work ? w : work;
    }
    size_t wide = s->hidden > s->embed ? s->hidden : s->embed;
    TAKE(dh[0], (s->steps + 1) * B * wide);
    TAKE(dh[1], (s->steps + 1) * B * wide);
    size_t transposed_head = s->hidden * s->horizon;
    TAKE(work, work > transposed_head ? work : transposed_head);
#undef TAKE
    b.total = at;
    return b;
}

static void name_tensor(struct fc_network *n, const char *prefix, const char *name, size_t rows, size_t cols, size_t offset)
{
    struct fc_tensor *t = &n->tensor[n->tensors++];
    snprintf(t->name, sizeof t->name, "%.15s.%.14s", prefix, name);
    t->rows = rows;
    t->cols = cols;
    t->offset = offset;
}

enum fc_status fc_network_init(const struct fc_shape *s, struct fc_network *out, struct fc_error *e)
{
    const size_t limit = (size_t)1 << 20;
    if (!s->cell || s->patch == 0 || s->steps == 0 || s->layers == 0 || s->layers > FC_LAYERS || s->hidden == 0 || s->horizon == 0 || s->patch > limit ||
        s->steps > limit || s->embed > 65536 || s->hidden > 65536 || s->horizon > limit)
        return fc_fail(e, FC_INVALID, "bad_network", "a network of patch %zu, steps %zu, embedding %zu, layers %zu, hidden %zu, horizon %zu cannot be built",
                       s->patch, s->steps, s->embed, s->layers, s->hidden, s->horizon);
    struct layout l = lay_out(s);
    if (l.end > FC_PARAMS_MAX)
        return fc_fail(e, FC_INVALID, "bad_network", "a network of %zu parameters is above the limit of %zu: fewer layers, hidden units or a smaller patch", l.end, FC_PARAMS_MAX);
    struct fc_network n = {.shape = *s, .params = l.end};
    if (s->embed) {
        name_tensor(&n, "embed", "W", s->patch, s->embed, l.embed);
        name_tensor(&n, "embed", "b", 1, s->embed, l.embed + s->patch * s->embed);
    }
    for (size_t i = 0; i < s->layers; i++) {
        struct fc_tensor t[FC_CELL_TENSORS];
        char prefix[16];
        snprintf(prefix, sizeof prefix, "layer%zu", i % FC_LAYERS);
        size_t count = s->cell->tensors(layer_inputs(s, i), s->hidden, t);
        for (size_t j = 0; j < count; j++)
            name_tensor(&n, prefix, t[j].name, t[j].rows, t[j].cols, l.layer[i] + t[j].offset);
    }
    name_tensor(&n, "head", "W", s->hidden, s->horizon, l.head);
    name_tensor(&n, "head", "b", 1, s->horizon, l.head + s->hidden * s->horizon);
    if (s->skip)
        name_tensor(&n, "skip", "S", s->patch * s->steps, s->horizon, l.skip);
    *out = n;
    return FC_OK;
}

void fc_network_start(const struct fc_network *n, struct fc_rng *rng, fc_real *params)
{
    const struct fc_shape *s = &n->shape;
    struct layout l = lay_out(s);
    double embed = 1 / sqrt((double)s->patch), cell = 1 / sqrt((double)s->hidden);
    for (size_t i = 0; i < l.layer[0]; i++)
        params[i] = (fc_real)(embed * (2 * fc_rng_uniform(rng) - 1));
    for (size_t i = l.layer[0]; i < l.head; i++)
        params[i] = (fc_real)(cell * (2 * fc_rng_uniform(rng) - 1));
    memset(params + l.head, 0, (l.end - l.head) * sizeof *params);
}

size_t fc_network_workspace(const struct fc_network *n, size_t B)
{
    return cut(&n->shape, B, NULL).total;
}

void fc_network_forward(const struct fc_network *n, const fc_real *params, size_t B, const fc_real *x, fc_real *out, fc_real *work)
{
    const struct fc_shape *s = &n->shape;
    const struct fc_kernel *k = fc_kernel();
    const size_t T = s->steps, P = s->patch, E = s->embed, H = s->hidden, K = s->horizon;
    struct layout l = lay_out(s);
    struct buffers b = cut(s, B, work);

    const fc_real *in = x;
    if (E) { /* e = max(0, x W + b) */
        fc_matrix_fill_rows(T * B, E, params + l.embed + P * E, b.e, E);
        fc_matrix_nn(T * B, E, P, x, P, params + l.embed, E, 1, b.e, E);
        k->relu(T * B * E, b.e);
        in = b.e;
    }
    for (size_t i = 0; i < s->layers; i++) {
        struct fc_cell_shape c = {B, T, layer_inputs(s, i), H};
        memset(b.h[i], 0, B * H * sizeof *b.h[i]);
        s->cell->forward(k, &c, params + l.layer[i], in, b.h[i], b.cache[i], b.work);
        in = b.h[i] + B * H;
    }
    const fc_real *last = b.h[s->layers - 1] + T * B * H;
    fc_matrix_fill_rows(B, K, params + l.head + H * K, out, K);
    fc_matrix_nn(B, K, H, last, H, params + l.head, K, 1, out, K);
    for (size_t t = 0; s->skip && t < T; t++)
        fc_matrix_nn(B, K, P, x + t * B * P, P, params + l.skip + t * P * K, K, 1, out, K);
}

void fc_network_backward(const struct fc_network *n, const fc_real *params, size_t B, const fc_real *x, const fc_real *dout, fc_real *dparams, fc_real *work)
{
    const struct fc_shape *s = &n->shape;
    const struct fc_kernel *k = fc_kernel();
    const size_t T = s->steps, P = s->patch, E = s->embed, H = s->hidden, K = s->horizon;
    struct layout l = lay_out(s);
    struct buffers b = cut(s, B, work);
    fc_real *dh = b.dh[0], *next = b.dh[1];

    for (size_t t = 0; s->skip && t < T; t++)
        fc_matrix_tn(P, K, B, x + t * B * P, P, dout, K, 1, dparams + l.skip + t * P * K, K);
    fc_matrix_tn(H, K, B, b.h[s->layers - 1] + T * B * H, H, dout, K, 1, dparams + l.head, K);
    fc_matrix_add_column_sums(B, K, dout, K, dparams + l.head + H * K);

    memset(dh, 0, T * B * H * sizeof *dh); /* only the last step has a gradient from outside */
    fc_matrix_nt(B, H, K, dout, K, params + l.head, K, 0, dh + T * B * H, H);
    for (size_t i = s->layers; i-- > 0;) {
        struct fc_cell_shape c = {B, T, layer_inputs(s, i), H};
        const fc_real *in = i > 0 ? b.h[i - 1] + B * H : E ? b.e : x;
        fc_real *dx = i > 0 ? next + B * H : E ? next : NULL; /* below a layer: its dh, whose block 0 is the initial state */
        if (i > 0)
            memset(next, 0, B * H * sizeof *next);
        s->cell->backward(k, &c, params + l.layer[i], in, b.h[i], b.cache[i], dh, dx, dparams + l.layer[i], b.work);
        fc_real *swap = dh;
        dh = next;
        next = swap;
    }
    if (E) {
        k->relu_backward(T * B * E, b.e, dh);
        fc_matrix_tn(P, E, T * B, x, P, dh, E, 1, dparams + l.embed, E);
        fc_matrix_add_column_sums(T * B, E, dh, E, dparams + l.embed + P * E);
    }
}
