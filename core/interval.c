/* interval.c: see interval.h. */
#include "interval.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MEAN_TO_SIGMA 1.2533141373155003 /* √(π/2): a normal error's standard deviation over its mean size */
#define NOISE_MIN 40 /* differences to look at when the season is short */

static double mean_difference(const double *z_end, size_t first, size_t last, size_t stride, size_t m)
{
    double sum = 0;
    size_t count = 0;
    for (size_t back = first; back <= last; back += stride, count++)
        sum += fabs(z_end[-(ptrdiff_t)back] - z_end[-(ptrdiff_t)(back + m)]);
    return count ? sum / (double)count : 0;
}

void fc_noise_units(const double *z_end, size_t n, size_t m, size_t K, double *unit)
{
    if (m == 0 || m + 1 > n)
        m = 1;
    if (n < 2) {
        for (size_t h = 0; h < K; h++)
            unit[h] = 0;
        return;
    }
    size_t span = FC_NOISE_SEASONS * m > NOISE_MIN ? FC_NOISE_SEASONS * m : NOISE_MIN;
    if (span > n - m)
        span = n - m;
    double all = mean_difference(z_end, 1, span, 1, m);
    for (size_t h = 0; h < K; h++) {
        size_t phase = m - h % m; /* how far back the newest value of this phase lies */
        double own = m > 1 && phase <= span ? mean_difference(z_end, phase, span, m, m) : all;
        unit[h] = 0.5 * all + 0.5 * own;
    }
}

static int ascending(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

enum fc_status fc_intervals_reserve(size_t K, size_t width, struct fc_intervals *out, struct fc_error *e)
{
    struct fc_intervals v = {.K = K, .width = width};
    v.n = calloc(K, sizeof *v.n);
    v.kept = calloc(K, sizeof *v.kept);
    v.absolute = calloc(K * width + 1, sizeof *v.absolute);
    v.signed_ = calloc(K * FC_SIGNED_KEPT, sizeof *v.signed_);
    if (!v.n || !v.kept || !v.absolute || !v.signed_) {
        fc_intervals_free(&v);
        return fc_fail_nomem(e, K * width * sizeof(float));
    }
    *out = v;
    return FC_OK;
}

void fc_intervals_free(struct fc_intervals *v)
{
    free(v->n);
    free(v->kept);
    free(v->absolute);
    free(v->signed_);
    *v = (struct fc_intervals){0};
}

/* The median of |s| over all finite scores times FC_SCORE_CAP; 0 when that is 0 (then nothing is cut). */
static float score_cap(const float *scores, size_t n, float *room)
{
    size_t finite = 0;
    for (size_t i = 0; i < n; i++)
        if (isfinite(scores[i]))
            room[finite++] = fabsf(scores[i]);
    qsort(room, finite, sizeof *room, ascending);
    return finite ? FC_SCORE_CAP * room[finite / 2] : 0;
}

/* The finite scores of steps h−w..h+w, cut at ±cap; to may hold rows·K. */
static size_t gather(const float *scores, size_t rows, size_t K, float cap, size_t h, size_t w, float *to)
{
    size_t lo = h > w ? h - w : 0, hi = h + w < K ? h + w : K - 1, n = 0;
    for (size_t r = 0; r < rows; r++)
        for (size_t i = lo; i <= hi; i++)
            if (isfinite(scores[r * K + i]))
                to[n++] = cap > 0 ? fmaxf(-cap, fminf(cap, scores[r * K + i])) : scores[r * K + i];
    return n;
}

/* n sorted values thinned to `kept`, the first and the last among them. */
static void thin(const float *sorted, size_t n, float *out, size_t kept)
{
    for (size_t i = 0; i < kept; i++)
        out[i] = sorted[kept < 2 ? n - 1 : i * (n - 1) / (kept - 1)];
}

/* The scores of a step and of as many neighbours as it takes to have enough of them. */
static size_t gather_enough(const float *scores, size_t rows, size_t K, float cap, size_t h, float *to)
{
    size_t n = 0;
    for (size_t w = 0; w < 2 * K; w = w ? 2 * w : 1) {
        n = gather(scores, rows, K, cap, h, w, to);
        if (n >= FC_SCORES_WANTED)
            break;
    }
    return n;
}

static void fit_step(struct fc_intervals *v, size_t h, float *sorted, size_t n)
{
    v->n[h] = (uint32_t)n;
    v->kept[h] = (uint32_t)(n < v->width ? n : v->width);
    if (n == 0)
        return;
    qsort(sorted, n, sizeof *sorted, ascending);
    for (size_t i = 0; i < FC_SIGNED_KEPT; i++) /* around their median: what is kept is the skew, not the bias of an older fit */
        v->signed_[h * FC_SIGNED_KEPT + i] = sorted[(size_t)(((double)i + 0.5) / FC_SIGNED_KEPT * (double)n)] - sorted[n / 2];
    for (size_t i = 0; i < n; i++)
        sorted[i] = fabsf(sorted[i]);
    qsort(sorted, n, sizeof *sorted, ascending);
    thin(sorted, n, v->absolute + h * v->width, v->kept[h]);
}

enum fc_status fc_intervals_fit(const float *scores, size_t rows, size_t K, size_t origins, struct fc_intervals *out, struct fc_error *e)
{
    struct fc_intervals v;
    size_t most = 0;
    float *room = malloc((rows * K + 1) * sizeof *room);
    if (!room)
        return fc_fail_nomem(e, rows * K * sizeof *room);
    const float cap = score_cap(scores, rows * K, room);
    for (size_t h = 0; h < K; h++) {
        size_t n = gather_enough(scores, rows, K, cap, h, room);
        most = n > most ? n : most;
    }
    enum fc_status st = fc_intervals_reserve(K, most < FC_SCORES_KEPT ? most : FC_SCORES_KEPT, &v, e);
    if (st != FC_OK) {
        free(room);
        return st;
    }
    v.origins = origins;
    v.scores = most;
    for (size_t h = 0; h < K; h++) {
        fit_step(&v, h, room, gather_enough(scores, rows, K, cap, h, room));
        if (v.n[h] < v.scores)
            v.scores = v.n[h];
    }
    free(room);
    *out = v;
    return FC_OK;
}

/* The standard normal's quantile at (1 + p)/2, so that ±x holds p of it: by bisection of erf, exact to 1e-12. */
static double normal_half_width(double p)
{
    double lo = 0, hi = 10;
    for (int i = 0; i < 60; i++) {
        double mid = 0.5 * (lo + hi);
        if (erf(mid * M_SQRT1_2) < p)
            lo = mid;
        else
            hi = mid;
    }
    return 0.5 * (lo + hi);
}

double fc_interval_quantile(const struct fc_intervals *v, size_t h, double level, bool *supported)
{
    if (h >= v->K)
        h = v->K ? v->K - 1 : 0;
    double p = level / 100;
    if (v->K == 0 || v->n[h] == 0) {
        *supported = false;
        return normal_half_width(p) * MEAN_TO_SIGMA;
    }
    const float *a = v->absolute + h * v->width;
    double n = v->n[h], rank = fmax(1, ceil((n + 1) * p - 1e-9)); /* counts from 1 */
    size_t kept = v->kept[h];
    if (rank > n) {
        *supported = false;
        return (double)a[kept - 1] * normal_half_width(p) / normal_half_width(n / (n + 1));
    }
    double at = n > 1 ? (rank - 1) / (n - 1) * (double)(kept - 1) : 0; /* the same place among the kept ones, rounded up */
    return (double)a[(size_t)ceil(at - 1e-9)];
}
