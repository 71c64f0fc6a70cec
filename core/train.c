/* train.c: see train.h. */
#include "train.h"

#include "optimizer.h"
#include "rng.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define ROWS 16u /* rows that go through the network together: products of this height stay in OpenBLAS's fast path for small matrices */
#define WARMUP 100u

/* One shard's arrays, for ROWS windows at a time. */
struct shard {
    fc_real *x;       /* [T][rows][P] */
    fc_real *base;    /* [rows][K] */
    fc_real *out, *target, *weight, *grad; /* [rows][K] */
    fc_real *work;    /* network workspace */
    fc_real *dparams; /* [params]; NULL when only answers are wanted */
    double loss;
    fc_real *memory;  /* owned: all of the above */
};

/* What the tasks of a parallel section share. */
struct section {
    const struct fc_network *net;
    const struct fc_window_plan *plan;
    const struct fc_pool *pool;
    const struct fc_loss *loss;
    const fc_real *params;
    const uint32_t *order; /* windows of this section; NULL: as they stand in the pool */
    size_t n;              /* how many */
    size_t shards, width;  /* windows a shard */
    fc_real scale;         /* of the gradients */
    struct shard *shard;
    double *z;             /* answers: [n][K], or NULL */
    bool learn;
    const struct fc_hooks *hooks; /* its stop is asked between blocks of rows, from any lane */
    atomic_bool stopped;
};

static void shard_close(struct shard *s)
{
    free(s->memory);
    *s = (struct shard){0};
}

static enum fc_status shard_init(struct shard *s, const struct fc_network *net, const struct fc_window_plan *plan, bool learn, struct fc_error *e)
{
    const size_t L = plan->P * plan->T, K = plan->K, work = fc_network_workspace(net, ROWS), params = learn ? net->params : 0;
    const size_t total = ROWS * (L + 5 * K) + work + params;
    fc_real *p = malloc(total * sizeof *p);
    if (!p)
        return fc_fail_nomem(e, total * sizeof *p);
    s->memory = s->x = p;
    s->base = (p += ROWS * L);
    s->out = (p += ROWS * K);
    s->target = (p += ROWS * K);
    s->weight = (p += ROWS * K);
    s->grad = (p += ROWS * K);
    s->work = (p += ROWS * K);
    s->dparams = learn ? p + work : NULL;
    return FC_OK;
}

static void shards_free(struct shard *s, size_t n)
{
    for (size_t i = 0; s && i < n; i++)
        shard_close(&s[i]);
    free(s);
}

static struct shard *shards_new(size_t n, const struct fc_network *net, const struct fc_window_plan *plan, bool learn, struct fc_error *e)
{
    struct shard *s = calloc(n, sizeof *s);
    if (!s) {
        fc_fail_nomem(e, n * sizeof *s);
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        if (shard_init(&s[i], net, plan, learn, e) != FC_OK) {
            shards_free(s, n);
            return NULL;
        }
    }
    return s;
}

/* Windows first..first+rows of the section: gather, forward, and what the section wants of the answer. */
static void do_rows(const struct section *c, struct shard *s, size_t first, size_t rows)
{
    const size_t K = c->plan->K;
    struct fc_window_norm norm[ROWS];
    for (size_t b = 0; b < rows; b++) {
        const struct fc_window *w = &c->pool->window[c->order ? c->order[first + b] : first + b];
        const struct fc_track *t = &c->pool->track[w->track];
        norm[b] = fc_window_input(c->plan, t->z + w->origin, b, rows, s->x, s->base + b * K);
        if (c->loss)
            fc_window_target(c->plan, t->z + w->origin, t->observed + w->origin, s->base + b * K, norm[b], s->target + b * K, s->weight + b * K);
    }
    fc_network_forward(c->net, c->params, rows, s->x, s->out, s->work);
    for (size_t b = 0; c->z && b < rows; b++)
        for (size_t h = 0; h < K; h++)
            c->z[(first + b) * K + h] = norm[b].level + norm[b].spread * (double)(s->out[b * K + h] + s->base[b * K + h]);
    if (c->loss)
        s->loss += c->loss->value(rows * K, s->out, s->target, s->weight, c->scale, s->grad);
    if (c->learn)
        fc_network_backward(c->net, c->params, rows, s->x, s->grad, s->dparams, s->work);
}

static void do_shard(void *arg, size_t i)
{
    struct section *c = arg;
    struct shard *s = &c->shard[i];
    size_t from = i * c->width, to = from + c->width < c->n ? from + c->width : c->n;
    s->loss = 0;
    if (c->learn)
        memset(s->dparams, 0, c->net->params * sizeof *s->dparams);
    for (; from < to && !atomic_load(&c->stopped); from += ROWS) {
        do_rows(c, s, from, to - from < ROWS ? to - from : ROWS);
        if (c->hooks->stop && c->hooks->stop(c->hooks->ctx))
            atomic_store(&c->stopped, true);
    }
}

/* Cuts n windows into shards of whole ROWS where that is possible. */
static void cut(struct section *c, size_t n)
{
    size_t blocks = (n + ROWS - 1) / ROWS, shards = blocks < FC_SHARDS ? blocks : FC_SHARDS;
    c->n = n;
    c->width = (blocks + shards - 1) / shards * ROWS;
    c->shards = (n + c->width - 1) / c->width;
}

static enum fc_status run(struct section *c, const struct fc_lanes *lanes, double *loss, struct fc_error *e)
{
    lanes->run(lanes->ctx, c->shards, do_shard, c);
    if (atomic_load(&c->stopped))
        return fc_fail(e, FC_CANCELLED, "cancelled", "the training was cancelled");
    *loss = 0;
    for (size_t i = 0; i < c->shards; i++)
        *loss += c->shard[i].loss;
    return FC_OK;
}

/* State of a fit between its epochs. */
struct fit {
    const struct fc_fit_options *o;
    const struct fc_network *net;
    const struct fc_lanes *lanes;
    const struct fc_hooks *hooks;
    struct section training, validation;
    const struct fc_pool *validation_pool;
    struct fc_adam adam;
    uint32_t *order;  /* [windows] shuffled each epoch */
    fc_real *best;    /* [params] */
    double best_loss;
    unsigned long step, steps; /* taken, and of the whole schedule */
};

static void reduce(struct section *c, const struct fc_kernel *k)
{
    for (size_t i = 1; i < c->shards; i++)
        k->add(c->net->params, c->shard[i].dparams, c->shard[0].dparams);
}

/* One batch: gradients of all shards, clipped, one Adam step. */
static enum fc_status do_batch(struct fit *f, fc_real *params, uint32_t epoch, size_t from, size_t n, struct fc_epoch *sum, struct fc_error *e)
{
    const struct fc_kernel *k = fc_kernel();
    struct section *c = &f->training;
    c->order = f->order + from;
    cut(c, n);
    c->scale = (fc_real)(1.0 / ((double)n * (double)c->plan->K));
    double loss = 0;
    enum fc_status st = run(c, f->lanes, &loss, e);
    if (st != FC_OK)
        return st;
    loss *= (double)c->scale;
    reduce(c, k);
    double norm = fc_gradient_norm(f->net->params, c->shard[0].dparams);
    if (!isfinite(loss) || !isfinite(norm))
        return fc_fail(e, FC_NUMERIC, "not_finite", "training left the finite numbers in epoch %u, batch %zu (loss %g, gradient norm %g)", epoch,
                       from / f->o->batch + 1, loss, norm);
    unsigned long warmup = f->steps / 10 < WARMUP ? f->steps / 10 : WARMUP;
    double rate = fc_schedule_cosine(f->step++, warmup, f->steps, f->o->learning_rate);
    fc_adam_step(&f->adam, k, params, c->shard[0].dparams, fc_clip_factor(norm, f->o->clip_norm), rate);
    sum->loss += loss * (double)n;
    sum->gradient_norm += norm * (double)n;
    return FC_OK;
}

static enum fc_status do_epoch(struct fit *f, fc_real *params, uint32_t epoch, struct fc_rng *rng, struct fc_epoch *out, bool *time_up, struct fc_error *e)
{
    const size_t windows = f->training.pool->windows, batch = f->o->batch;
    struct fc_epoch sum = {0, NAN, 0};
    size_t done = 0;
    fc_rng_shuffle(rng, f->order, windows);
    while (done < windows && !*time_up) {
        size_t n = windows - done < batch ? windows - done : batch;
        enum fc_status st = do_batch(f, params, epoch, done, n, &sum, e);
        if (st != FC_OK)
            return st;
        done += n;
        *time_up = f->hooks->time_up && f->hooks->time_up(f->hooks->ctx);
    }
    sum.loss /= (double)done;
    sum.gradient_norm /= (double)done;
    if (f->validation_pool->windows > 0) {
        cut(&f->validation, f->validation_pool->windows);
        f->validation.scale = 1;
        enum fc_status st = run(&f->validation, f->lanes, &sum.validation_loss, e);
        if (st != FC_OK)
            return st;
        sum.validation_loss /= (double)f->validation_pool->windows * (double)f->validation.plan->K;
        if (!isfinite(sum.validation_loss))
            return fc_fail(e, FC_NUMERIC, "not_finite", "the validation loss left the finite numbers after epoch %u", epoch);
    }
    *out = sum;
    return FC_OK;
}

static enum fc_status run_epochs(struct fit *f, fc_real *params, struct fc_fit_result *r, struct fc_error *e)
{
    struct fc_rng rng;
    fc_rng_init(&rng, f->o->seed, 2);
    for (uint32_t epoch = 1; epoch <= f->o->run_epochs && !r->time_up; epoch++) {
        struct fc_epoch *h = &r->history[r->epochs];
        enum fc_status st = do_epoch(f, params, epoch, &rng, h, &r->time_up, e);
        if (st != FC_OK)
            return st;
        r->epochs++;
        if (f->hooks->progress) {
            struct fc_progress p = {(double)epoch / f->o->run_epochs, epoch, f->o->run_epochs, h->loss, h->validation_loss, h->gradient_norm};
            f->hooks->progress(f->hooks->ctx, &p);
        }
        if (f->validation_pool->windows == 0 || h->validation_loss < f->best_loss) {
            f->best_loss = h->validation_loss;
            r->best_epoch = epoch;
            memcpy(f->best, params, f->net->params * sizeof *params);
        } else if (f->o->patience && epoch - r->best_epoch >= f->o->patience) {
            break;
        }
    }
    memcpy(params, f->best, f->net->params * sizeof *params);
    return FC_OK;
}

enum fc_status fc_fit(const struct fc_network *net, const struct fc_window_plan *plan, const struct fc_fit_options *o, const struct fc_pool *training,
                      const struct fc_pool *validation, const struct fc_lanes *lanes, const struct fc_hooks *hooks, fc_real *params,
                      struct fc_fit_result *result, struct fc_error *e)
{
    enum fc_status st = FC_NOMEM;
    struct fc_fit_result r = {0};
    struct fit f = {.o = o, .net = net, .lanes = lanes, .hooks = hooks, .validation_pool = validation, .best_loss = INFINITY};
    struct shard *shard = shards_new(FC_SHARDS, net, plan, true, e);
    f.order = malloc(training->windows * sizeof *f.order);
    f.best = malloc(net->params * sizeof *f.best);
    r.history = malloc(o->run_epochs * sizeof *r.history);
    if (!shard || !f.order || !f.best || !r.history) {
        fc_fail_nomem(e, training->windows * sizeof *f.order);
        goto out;
    }
    if ((st = fc_adam_init(&f.adam, net->params, e)) != FC_OK)
        goto out;
    for (size_t i = 0; i < training->windows; i++)
        f.order[i] = (uint32_t)i;
    f.steps = (training->windows + o->batch - 1) / o->batch * o->epochs;
    f.training = (struct section){.net = net, .plan = plan, .pool = training, .loss = o->loss, .params = params, .shard = shard, .learn = true,
                                  .hooks = hooks};
    f.validation = (struct section){.net = net, .plan = plan, .pool = validation, .loss = o->loss, .params = params, .shard = shard, .hooks = hooks};
    memcpy(f.best, params, net->params * sizeof *params);
    st = run_epochs(&f, params, &r, e);
out:
    fc_adam_close(&f.adam);
    shards_free(shard, FC_SHARDS);
    free(f.order);
    free(f.best);
    if (st == FC_OK)
        *result = r;
    else
        free(r.history);
    return st;
}

enum fc_status fc_answer_windows(const struct fc_network *net, const struct fc_window_plan *plan, const fc_real *params, const struct fc_pool *pool,
                                 const struct fc_lanes *lanes, const struct fc_hooks *hooks, double *z, struct fc_error *e)
{
    if (pool->windows == 0)
        return FC_OK;
    struct shard *shard = shards_new(FC_SHARDS, net, plan, false, e);
    if (!shard)
        return FC_NOMEM;
    struct section c = {.net = net, .plan = plan, .pool = pool, .params = params, .shard = shard, .z = z, .hooks = hooks};
    double unused;
    cut(&c, pool->windows);
    enum fc_status st = run(&c, lanes, &unused, e);
    shards_free(shard, FC_SHARDS);
    return st;
}

enum fc_status fc_answer_one(const struct fc_network *net, const struct fc_window_plan *plan, const fc_real *params, const double *z_end, double *z,
                             struct fc_error *e)
{
    const size_t L = plan->P * plan->T, K = plan->K, total = L + 2 * K + fc_network_workspace(net, 1);
    fc_real *x = malloc(total * sizeof *x);
    if (!x)
        return fc_fail_nomem(e, total * sizeof *x);
    fc_real *base = x + L, *out = base + K;
    struct fc_window_norm norm = fc_window_input(plan, z_end, 0, 1, x, base);
    fc_network_forward(net, params, 1, x, out, out + K);
    for (size_t h = 0; h < K; h++)
        z[h] = norm.level + norm.spread * (double)(out[h] + base[h]);
    free(x);
    return FC_OK;
}
