/* plan.c: see plan.h. The rules follow the M4 hourly experiments: 14 patches of one season, 128 units where windows abound, less where they do not. */
#include "plan.h"

#include "train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PATCHES 14
#define PATCH_MAX 96
#define LOOKBACK_MAX 1344
#define HOLD_SHARE 0.4          /* of a typical series, for the three spans */
#define NOMINAL_FLOPS 50e9      /* a second: what the smallest machine we train on is planned for */
#define TRAINING_SHARE 0.35     /* of time_limit for each of the two fits */

static int by_size(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

/* The lengths at the given share of the used series, 0 the shortest. */
static size_t length_at(const struct fc_series *series, const unsigned char *use, size_t nseries, double share)
{
    size_t *n = malloc(nseries * sizeof *n), used = 0, result = 0;
    if (!n)
        return 0; /* the plan is then a classical one: safe, and the next allocation tells */
    for (size_t i = 0; i < nseries; i++)
        if (use[i])
            n[used++] = series[i].n;
    qsort(n, used, sizeof *n, by_size);
    if (used)
        result = n[(size_t)(share * (double)(used - 1))];
    free(n);
    return result;
}

#define CANDIDATES 64

/* The periods that at least a quarter of the series have. */
static struct fc_season common_season(const struct fc_series *series, const unsigned char *use, size_t nseries)
{
    uint32_t period[CANDIDATES];
    size_t votes[CANDIDATES] = {0}, candidates = 0, used = 0;
    for (size_t i = 0; i < nseries; i++) {
        used += use[i];
        for (size_t j = 0; use[i] && j < series[i].season.n; j++) {
            size_t c = 0;
            while (c < candidates && period[c] != series[i].season.period[j])
                c++;
            if (c == CANDIDATES)
                continue;
            if (c == candidates)
                period[candidates++] = series[i].season.period[j];
            votes[c]++;
        }
    }
    struct fc_season s = {0};
    for (size_t c = 0; c < candidates && s.n < FC_SEASONS; c++) {
        if (4 * votes[c] < used)
            continue;
        size_t at = s.n++;
        for (; at > 0 && s.period[at - 1] > period[c]; at--)
            s.period[at] = s.period[at - 1];
        s.period[at] = period[c];
    }
    return s;
}

/* One season a patch; long seasons in equal parts. */
static size_t choose_patch(size_t m1)
{
    if (m1 <= PATCH_MAX)
        return m1;
    for (size_t p = PATCH_MAX; p >= 12; p--)
        if (m1 % p == 0)
            return p;
    return PATCH_MAX / 2;
}

static size_t wanted_lookback(size_t m1, size_t m2, size_t K)
{
    size_t L = PATCHES * m1, cap = LOOKBACK_MAX > 2 * m1 ? LOOKBACK_MAX : 2 * m1;
    if (m1 == 1)
        L = K + (K + 3) / 4 > PATCHES ? K + (K + 3) / 4 : PATCHES; /* 1.25 K: Hewamalage et al. 2021 */
    if (m2 && 2 * m2 > L)
        L = 2 * m2;
    return L < cap ? L : cap;
}

static size_t count_windows(const struct fc_series *series, const unsigned char *use, size_t nseries, size_t need)
{
    size_t windows = 0;
    for (size_t i = 0; i < nseries; i++)
        if (use[i] && series[i].n >= need)
            windows += series[i].n - need + 1;
    return windows;
}

static uint32_t fill(uint32_t given, size_t chosen)
{
    return given ? given : (uint32_t)chosen;
}

/* Few windows: small network, small batches, many epochs. */
static void choose_sizes(struct fc_spec *s, size_t windows)
{
    s->hidden = fill(s->hidden, windows < 2000 ? 32 : windows < 20000 ? 64 : 128);
    s->layers = fill(s->layers, 1);
    s->batch = fill(s->batch, windows < 200 ? 16 : windows < 2000 ? 32 : windows < 20000 ? 64 : 256);
    size_t per_epoch = (windows + s->batch - 1) / s->batch, epochs = per_epoch ? 800 / per_epoch : 1;
    s->epochs = fill(s->epochs, epochs < 4 ? 4 : epochs > 200 ? 200 : epochs);
    s->patience = fill(s->patience, s->epochs / 4 > 4 ? s->epochs / 4 : 4);
    if (isnan(s->learning_rate))
        s->learning_rate = 2e-3;
    if (isnan(s->clip_norm))
        s->clip_norm = 1;
}

/* The stride that keeps one fit within its share of the time limit at the nominal rate. */
static uint32_t choose_stride(const struct fc_spec *s, const struct fc_shape *shape, size_t windows)
{
    double I = shape->embed ? (double)shape->embed : (double)shape->patch, H = (double)shape->hidden, T = (double)shape->steps;
    double flops = 6 * T * ((double)shape->patch * I + 3 * H * (I + H) + (double)(shape->layers - 1) * 6 * H * H) + 6 * H * (double)shape->horizon;
    double affordable = TRAINING_SHARE * s->time_limit * NOMINAL_FLOPS / (flops * s->epochs);
    return (uint32_t)ceil(fmax(1, (double)windows / fmax(affordable, s->batch)));
}

static void choose_spans(struct fc_plan *p, const struct fc_spec *s, size_t typical, size_t used)
{
    size_t K = s->horizon, most = (size_t)(HOLD_SHARE / 3 * (double)typical), wanted = used >= 64 ? 1 : (64 + used - 1) / used;
    wanted = wanted > 16 ? 16 : wanted;
    if (most < K && typical / 6 >= K) /* half of a short series may be held back, for one origin a span */
        most = K;
    p->origins = most < K ? 0 : most - K + 1 < wanted ? most - K + 1 : wanted;
    p->span = K + p->origins - 1;
}

void fc_plan_make(struct fc_spec *s, const struct fc_series *series, const unsigned char *use, size_t nseries, struct fc_plan *p)
{
    const struct fc_method *method = fc_method_find(s->method);
    size_t used = 0;
    for (size_t i = 0; i < nseries; i++)
        used += use[i];
    memset(p, 0, sizeof *p);
    p->classical = fc_method_classical(method);
    if (s->season.n == 0)
        s->season = common_season(series, use, nseries);
    if (isnan(s->time_limit))
        s->time_limit = 300;
    if (!s->loss[0])
        strcpy(s->loss, "mae");
    p->m1 = fc_first_season(&s->season);
    choose_spans(p, s, length_at(series, use, nseries, 0.5), used);
    if (!method->cell || p->origins == 0)
        return;

    size_t K = s->horizon, m2 = s->season.n > 1 ? s->season.period[1] : 0, hold = 3 * p->span;
    size_t shorter = length_at(series, use, nseries, used >= 20 ? 0.2 : 0.5); /* most of them shall take part */
    size_t room = shorter > hold + K ? shorter - hold - K : 0;
    size_t patch = fill(s->patch, choose_patch(p->m1));
    size_t most = used >= 20 ? room : room / 2, want = s->lookback ? s->lookback : wanted_lookback(p->m1, m2, K);
    if (want > most && !s->lookback)
        want = most;
    size_t steps = s->lookback ? (want + patch - 1) / patch : want / patch, L = patch * steps;
    size_t windows = steps ? count_windows(series, use, nseries, L + hold + K) : 0;
    if (windows < 8)
        return;
    p->network = true;
    s->lookback = (uint32_t)L;
    s->patch = (uint32_t)patch;
    if (!s->scaling[0])
        strcpy(s->scaling, "standard"); /* the space that no level shift, zero or sign can make explode */
    if (!s->cell[0])
        strcpy(s->cell, method->cell);
    choose_sizes(s, windows);
    p->shape = (struct fc_shape){.cell = fc_cell_find(s->cell), .patch = patch, .steps = steps, .embed = s->hidden, .layers = s->layers, .hidden = s->hidden,
                                 .horizon = K, .skip = fc_scaler_find(s->scaling)->skip};
    p->window = (struct fc_window_plan){.scaler = fc_scaler_find(s->scaling), .P = patch, .T = steps, .K = K, .m1 = p->m1, .m2 = m2 <= L ? m2 : 0};
    p->stride = choose_stride(s, &p->shape, windows);
}
