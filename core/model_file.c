/* model_file.c: a fitted model as bytes and back. See model.h.
 *
 * Little-endian. Head: "FCMODEL" and a NUL, u32 version, u32 0x01020304 (tells another byte order apart). Then records until "end": a name of 24 bytes, u32 size of
 * one item, u64 count, the items. Last: u32 CRC-32 of everything before it. Records are found by name, so that later versions can add some. */
#include "model_parts.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define MAGIC "FCMODEL"
#define FILE_VERSION 1u
#define BYTE_ORDER_MARK 0x01020304u
#define NAME 24

/* The specification with fixed widths, so that the file does not depend on a compiler's padding. */
struct fixed {
    char method[FC_WORD], scaling[FC_WORD], loss[FC_WORD], cell[FC_WORD];
    double learning_rate, clip_norm, time_limit;
    uint64_t seed;
    int64_t step_ms;
    uint32_t step_months, horizon, lookback, layers, hidden, patch, epochs, batch, patience, network, seasons, period[FC_SEASONS];
    uint32_t P, T, m1, m2, embed, skip, pooled;
};
_Static_assert(sizeof(struct fixed) == 4 * FC_WORD + 5 * 8 + 22 * 4, "struct fixed has padding");

static void put(struct fc_buf *b, const char *name, const void *items, uint32_t size, uint64_t count)
{
    char padded[NAME] = {0};
    assert(strlen(name) < NAME);
    memcpy(padded, name, strlen(name));
    fc_buf_add(b, padded, NAME);
    fc_buf_add(b, &size, sizeof size);
    fc_buf_add(b, &count, sizeof count);
    fc_buf_add(b, items, (size_t)size * count);
}

static void put_intervals(struct fc_buf *b, const char *prefix, const struct fc_intervals *v)
{
    char name[NAME];
    uint64_t counts[] = {v->K, v->origins, v->scores, v->width};
#define PUT(field, items, n) (snprintf(name, NAME, "%s.%s", prefix, field), put(b, name, items, sizeof *(items), n))
    PUT("counts", counts, 4);
    PUT("n", v->n, v->K);
    PUT("kept", v->kept, v->K);
    PUT("absolute", v->absolute, v->K * v->width);
    PUT("signed", v->signed_, v->K * FC_SIGNED_KEPT);
#undef PUT
}

enum fc_status fc_model_save(const struct fc_model *m, struct fc_buf *out, struct fc_error *e)
{
    const struct fc_spec *s = &m->spec;
    struct fixed f = {.learning_rate = s->learning_rate, .clip_norm = s->clip_norm, .time_limit = s->time_limit, .seed = s->seed, .step_ms = m->step.ms,
                      .step_months = (uint32_t)m->step.months, .horizon = s->horizon, .lookback = s->lookback, .layers = s->layers, .hidden = s->hidden,
                      .patch = s->patch, .epochs = s->epochs, .batch = s->batch, .patience = s->patience, .network = m->network,
                      .seasons = (uint32_t)s->season.n, .P = (uint32_t)m->plan.P, .T = (uint32_t)m->plan.T, .m1 = (uint32_t)m->plan.m1,
                      .m2 = (uint32_t)m->plan.m2, .embed = (uint32_t)m->net.shape.embed, .skip = m->net.shape.skip, .pooled = m->pooled};
    memcpy(f.method, s->method, FC_WORD);
    memcpy(f.scaling, s->scaling, FC_WORD);
    memcpy(f.loss, s->loss, FC_WORD);
    memcpy(f.cell, s->cell, FC_WORD);
    memcpy(f.period, s->season.period, sizeof f.period);
    uint32_t head[] = {FILE_VERSION, BYTE_ORDER_MARK};
    size_t start = out->n;
    fc_buf_add(out, MAGIC, 8);
    fc_buf_add(out, head, sizeof head);
    put(out, "spec", &f, sizeof f, 1);
    put_intervals(out, "classical", &m->classical_intervals);
    if (m->network) {
        put_intervals(out, "network", &m->network_intervals);
        for (size_t i = 0; i < m->net.tensors; i++) {
            const struct fc_tensor *t = &m->net.tensor[i];
            put(out, t->name, m->params + t->offset, sizeof *m->params, t->rows * t->cols);
        }
    }
    put(out, "end", "", 0, 0);
    if (!out->failed) {
        uint32_t crc = (uint32_t)crc32_z(0, (const Bytef *)out->data + start, out->n - start);
        fc_buf_add(out, &crc, sizeof crc);
    }
    return out->failed ? fc_fail_nomem(e, out->n) : FC_OK;
}

struct reader { const char *data; size_t n; };

/* The items of a record; NULL when it is not there with exactly this size and count (count NULL: any; it is set). */
static const void *find(const struct reader *r, const char *name, uint32_t size, uint64_t count)
{
    size_t at = 16;
    while (r->n - at >= NAME + 12) {
        uint32_t item;
        uint64_t items;
        memcpy(&item, r->data + at + NAME, sizeof item);
        memcpy(&items, r->data + at + NAME + 4, sizeof items);
        const char *body = r->data + at + NAME + 12;
        size_t left = r->n - at - NAME - 12;
        if (item && items > left / item)
            return NULL;
        if (strncmp(r->data + at, name, NAME) == 0)
            return item == size && items == count ? body : NULL;
        at += NAME + 12 + (size_t)(item * items);
    }
    return NULL;
}

static bool copy(const struct reader *r, const char *name, void *to, uint32_t size, uint64_t count)
{
    const void *from = find(r, name, size, count);
    if (from)
        memcpy(to, from, (size_t)(size * count));
    return from != NULL;
}

static enum fc_status corrupt(struct fc_error *e, const char *what)
{
    return fc_fail(e, FC_CORRUPT, "model_corrupt", "the model's bytes are not whole: %s", what);
}

static enum fc_status get_intervals(const struct reader *r, const char *prefix, struct fc_intervals *out, struct fc_error *e)
{
    char name[NAME];
    uint64_t counts[4];
#define GET(field, items, n) (snprintf(name, NAME, "%s.%s", prefix, field), copy(r, name, items, sizeof *(items), n))
    if (!GET("counts", counts, 4) || counts[0] > FC_HORIZON_MAX || counts[3] > FC_SCORES_KEPT)
        return corrupt(e, "interval counts");
    struct fc_intervals v = {0};
    if (counts[0] > 0) {
        enum fc_status st = fc_intervals_reserve(counts[0], counts[3], &v, e);
        if (st != FC_OK)
            return st;
        bool whole = GET("n", v.n, v.K) && GET("kept", v.kept, v.K) && GET("absolute", v.absolute, v.K * v.width) &&
                     GET("signed", v.signed_, v.K * FC_SIGNED_KEPT);
        for (size_t h = 0; whole && h < v.K; h++)
            whole = v.kept[h] <= v.width && (v.kept[h] > 0) == (v.n[h] > 0);
        if (!whole) {
            fc_intervals_free(&v);
            return corrupt(e, "interval scores");
        }
    }
#undef GET
    v.origins = counts[1];
    v.scores = counts[2];
    *out = v;
    return FC_OK;
}

static void words_end(struct fixed *f)
{
    f->method[FC_WORD - 1] = f->scaling[FC_WORD - 1] = f->loss[FC_WORD - 1] = f->cell[FC_WORD - 1] = 0;
}

static enum fc_status get_spec(const struct reader *r, struct fixed *f, struct fc_model *m, struct fc_error *e)
{
    if (!copy(r, "spec", f, sizeof *f, 1))
        return corrupt(e, "specification");
    words_end(f);
    struct fc_spec *s = &m->spec;
    *s = (struct fc_spec){.learning_rate = f->learning_rate, .clip_norm = f->clip_norm, .time_limit = f->time_limit, .seed = f->seed, .horizon = f->horizon,
                          .lookback = f->lookback, .layers = f->layers, .hidden = f->hidden, .patch = f->patch, .epochs = f->epochs, .batch = f->batch,
                          .patience = f->patience};
    memcpy(s->method, f->method, FC_WORD);
    memcpy(s->scaling, f->scaling, FC_WORD);
    memcpy(s->loss, f->loss, FC_WORD);
    memcpy(s->cell, f->cell, FC_WORD);
    s->season.n = f->seasons;
    memcpy(s->season.period, f->period, sizeof f->period);
    m->step = (struct fc_step){f->step_ms, (int32_t)f->step_months};
    m->network = f->network != 0;
    m->pooled = f->pooled != 0;
    if (f->seasons > FC_SEASONS || !fc_step_known(m->step) || fc_spec_check(s, e) != FC_OK)
        return corrupt(e, "specification");
    m->classical = fc_method_classical(fc_method_find(s->method));
    return FC_OK;
}

static enum fc_status get_network(const struct reader *r, const struct fixed *f, struct fc_model *m, struct fc_error *e)
{
    m->plan = (struct fc_window_plan){fc_scaler_find(f->scaling), f->P, f->T, f->horizon, f->m1, f->m2};
    struct fc_shape shape = {fc_cell_find(f->cell), f->P, f->T, f->embed, f->layers, f->hidden, f->horizon, f->skip != 0};
    if (!m->plan.scaler || f->m1 == 0 || fc_network_init(&shape, &m->net, e) != FC_OK)
        return corrupt(e, "network shape");
    if (!(m->params = malloc(m->net.params * sizeof *m->params)))
        return fc_fail_nomem(e, m->net.params * sizeof *m->params);
    for (size_t i = 0; i < m->net.tensors; i++) {
        const struct fc_tensor *t = &m->net.tensor[i];
        if (!copy(r, t->name, m->params + t->offset, sizeof *m->params, t->rows * t->cols))
            return corrupt(e, t->name);
    }
    for (size_t i = 0; i < m->net.params; i++)
        if (!isfinite(m->params[i]))
            return corrupt(e, "a weight is not finite");
    return FC_OK;
}

enum fc_status fc_model_load(const void *bytes, size_t n, struct fc_model **out, struct fc_error *e)
{
    struct reader r = {bytes, n};
    uint32_t head[2], crc;
    if (n < 16 + sizeof crc || memcmp(r.data, MAGIC, 8) != 0)
        return corrupt(e, "no model file");
    memcpy(head, r.data + 8, sizeof head);
    r.n -= sizeof crc;
    memcpy(&crc, r.data + r.n, sizeof crc);
    if (head[1] != BYTE_ORDER_MARK || crc != (uint32_t)crc32_z(0, (const Bytef *)r.data, r.n))
        return corrupt(e, "checksum");
    if (head[0] > FILE_VERSION)
        return fc_fail(e, FC_CORRUPT, "model_newer", "the model file has version %u, this program reads up to %u", head[0], FILE_VERSION);
    struct fc_model *m = calloc(1, sizeof *m);
    struct fixed f;
    if (!m)
        return fc_fail_nomem(e, sizeof *m);
    enum fc_status st = get_spec(&r, &f, m, e);
    if (st == FC_OK)
        st = get_intervals(&r, "classical", &m->classical_intervals, e);
    if (st == FC_OK && m->network && (st = get_intervals(&r, "network", &m->network_intervals, e)) == FC_OK)
        st = get_network(&r, &f, m, e);
    if (st != FC_OK) {
        fc_model_free(m);
        return st;
    }
    *out = m;
    return FC_OK;
}
