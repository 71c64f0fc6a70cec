/* bench_train.c: training throughput of one network on one fixed work: windows a second through forward, backward through time, clipping and Adam.
 *
 * usage: bench-train CELL HIDDEN LAYERS WINDOW HORIZON BATCH THREADS SECONDS
 * Univariate input, MSE, clip to 1. The work runs through fc_fit, as in the daemon: windows are gathered from a series, normalised and batched. */
#include "blas_guard.h"
#include "lanes.h"
#include "rng.h"
#include "train.h"

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct clock { double seconds, start, end; size_t batches; };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Polled after every batch: the first two warm up. */
static bool time_up(void *ctx)
{
    struct clock *c = ctx;
    if (++c->batches == 2)
        c->start = now();
    c->end = now();
    return c->batches > 2 && c->end - c->start >= c->seconds;
}

/* Multiplications and additions of a window: forward once, backward twice as much. */
static double flops(const struct fc_shape *s, size_t gates)
{
    double H = (double)s->hidden, sum = 0;
    for (size_t i = 0; i < s->layers; i++)
        sum += 2 * (double)gates * H * (H + (i ? H : (double)s->patch)) * (double)s->steps;
    return 3 * (sum + 2 * H * (double)s->horizon);
}

static int fail(const char *what)
{
    fprintf(stderr, "bench-train: %s\n", what);
    return 1;
}

/* The fit runs as a job does in the daemon: on one lane, the others help. */
struct job {
    const struct fc_network *net;
    const struct fc_window_plan *plan;
    const struct fc_fit_options *options;
    const struct fc_pool *training, *validation;
    const struct fc_hooks *hooks;
    struct fc_lane_pool *lanes;
    fc_real *params;
    struct fc_fit_result result;
    struct fc_error error;
    enum fc_status status;
    sem_t done;
};

static void run_job(void *ctx)
{
    struct job *j = ctx;
    struct fc_lanes lanes = fc_lane_pool_lanes(j->lanes);
    j->status = fc_fit(j->net, j->plan, j->options, j->training, j->validation, &lanes, j->hooks, j->params, &j->result, &j->error);
    sem_post(&j->done);
}

int main(int argc, char **argv)
{
    fc_blas_guard(argv);
    if (argc != 9)
        return fail("usage: bench-train CELL HIDDEN LAYERS WINDOW HORIZON BATCH THREADS SECONDS");
    size_t arg[9];
    for (int i = 2; i < 9; i++)
        arg[i] = strtoul(argv[i], NULL, 10);
    const struct fc_cell *cell = fc_cell_find(argv[1]);
    if (!cell)
        return fail("unknown cell");
    struct fc_shape shape = {.cell = cell, .patch = 1, .steps = arg[4], .layers = arg[3], .hidden = arg[2], .horizon = arg[5]};
    struct fc_window_plan plan = {fc_scaler_find("standard"), 1, arg[4], arg[5], 1, 0};
    struct fc_fit_options o = {.loss = fc_loss_find("mse"), .epochs = 1000000, .run_epochs = 1000000, .batch = (uint32_t)arg[6], .learning_rate = 1e-3, .clip_norm = 1, .seed = 1};
    struct clock c = {.seconds = strtod(argv[8], NULL)};
    struct fc_hooks hooks = {&c, NULL, time_up, NULL};
    struct fc_network net;
    struct fc_error e;
    if (fc_network_init(&shape, &net, &e) != FC_OK)
        return fail(e.detail);

    size_t n = arg[4] + arg[5] + 64 * arg[6];
    double *z = malloc(n * sizeof *z);
    fc_real *params = malloc(net.params * sizeof *params);
    unsigned char *observed = malloc(n);
    struct fc_window *window = malloc(64 * arg[6] * sizeof *window);
    if (!z || !params || !observed || !window)
        return fail("out of memory");
    struct fc_rng rng;
    fc_rng_init(&rng, 1, 0);
    for (size_t i = 0; i < n; i++)
        z[i] = fc_rng_normal(&rng);
    memset(observed, 1, n);
    for (size_t i = 0; i < 64 * arg[6]; i++)
        window[i] = (struct fc_window){0, (uint32_t)(arg[4] + i)};
    fc_network_start(&net, &rng, params);

    struct fc_track track = {z, observed, NULL, n, 1};
    struct fc_pool pool = {&track, window, 64 * arg[6]}, none = {&track, window, 0};
    struct job job = {.net = &net, .plan = &plan, .options = &o, .training = &pool, .validation = &none, .hooks = &hooks, .params = params};
    if (sem_init(&job.done, 0, 0) != 0 || fc_lane_pool_new(arg[7], run_job, &job, &job.lanes, &e) != FC_OK)
        return fail("no threads");
    fc_lane_pool_post(job.lanes);
    while (sem_wait(&job.done) != 0)
        ;
    fc_lane_pool_free(job.lanes);
    if (job.status != FC_OK)
        return fail(job.error.detail);
    double windows = (double)((c.batches - 2) * arg[6]) / (c.end - c.start);
    printf("forecastd %s H%zu L%zu W%zu K%zu B%zu threads=%zu kernel=%s blas=%s: %.0f windows/s, %.1f GFLOP/s\n", cell->name, arg[2], arg[3], arg[4], arg[5], arg[6],
           arg[7], fc_kernel()->name, fc_blas_core(), windows, windows * flops(&shape, fc_cell_params(cell, 1, arg[2]) / (arg[2] * (arg[2] + 3))) * 1e-9);
    free(job.result.history), free(z), free(params), free(observed), free(window);
    return 0;
}
