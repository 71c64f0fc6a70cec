/* bench_infer.c: how long one forecast takes, and how many series a second are forecast in batches.
 *
 * usage: bench-infer CELL HIDDEN LAYERS WINDOW BATCH
 * Univariate input, a horizon of 24. Prints the median over rounds. */
#include "blas_guard.h"
#include "network.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS 51
#define HORIZON 24

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int fail(const char *what)
{
    fprintf(stderr, "bench-infer: %s\n", what);
    return 1;
}

/* Median seconds of a forward pass over `rows` windows. */
static double measure(const struct fc_network *net, const fc_real *params, size_t rows, const fc_real *x, fc_real *out, fc_real *work)
{
    double seconds[ROUNDS];
    for (int i = -3; i < ROUNDS; i++) {
        double start = now();
        fc_network_forward(net, params, rows, x, out, work);
        if (i >= 0)
            seconds[i] = now() - start;
    }
    qsort(seconds, ROUNDS, sizeof *seconds, ascending);
    return seconds[ROUNDS / 2];
}

int main(int argc, char **argv)
{
    fc_blas_guard(argv);
    if (argc != 6)
        return fail("usage: bench-infer CELL HIDDEN LAYERS WINDOW BATCH");
    const struct fc_cell *cell = fc_cell_find(argv[1]);
    size_t hidden = strtoul(argv[2], NULL, 10), layers = strtoul(argv[3], NULL, 10), window = strtoul(argv[4], NULL, 10), batch = strtoul(argv[5], NULL, 10);
    struct fc_shape shape = {.cell = cell, .patch = 1, .steps = window, .layers = layers, .hidden = hidden, .horizon = HORIZON};
    struct fc_network net;
    struct fc_error e;
    if (!cell || batch == 0 || fc_network_init(&shape, &net, &e) != FC_OK)
        return fail("no such network");
    fc_real *params = malloc(net.params * sizeof *params), *x = malloc(window * batch * sizeof *x), *out = malloc(batch * HORIZON * sizeof *out);
    fc_real *work = malloc(fc_network_workspace(&net, batch) * sizeof *work);
    if (!params || !x || !out || !work)
        return fail("out of memory");
    struct fc_rng rng;
    fc_rng_init(&rng, 1, 0);
    fc_network_start(&net, &rng, params);
    for (size_t i = 0; i < window * batch; i++)
        x[i] = (fc_real)fc_rng_normal(&rng);
    double one = measure(&net, params, 1, x, out, work), many = measure(&net, params, batch, x, out, work);
    printf("forecastd %s H%zu L%zu W%zu kernel=%s: %.1f us a forecast, %.0f series/s in batches of %zu\n", cell->name, hidden, layers, window, fc_kernel()->name, one * 1e6,
           (double)batch / many, batch);
    free(params), free(x), free(out), free(work);
    return 0;
}
