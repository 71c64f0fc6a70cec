/* season.c: which seasonal periods a series shows.
 *
 * A period m is believed when the series, with its moving average over m taken away, resembles itself m steps later by more than
 * chance would allow: the autocorrelation ρ(m) must exceed z sqrt((1 + 2 Σ ρ(i)²) / pairs) (Bartlett's bound, the sum over lags below
 * m / 2). The moving average makes ρ(m) of a random walk zero, so that trends and drifts are not taken for seasons.
 * Pure; memory of four doubles a value looked at, and "none" when there is no memory. */
#include "clean.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PERIOD_MAX 12000   /* longer seasons cost more than they tell */
#define NEWEST_PERIODS 20  /* so many newest periods are looked at, … */
#define NEWEST_VALUES 5000 /* … and at least so many values */
#define BARTLETT_LAGS 200  /* the sum of squares is taken on at most so many lags, evenly spread */
#define CALENDAR_Z 2.2
#define SEARCH_Z 4.0 /* a search over many lags finds something in any noise */
#define SEARCH_VALUES 5000
#define SEARCH_LEAST 12
#define SEARCH_LAGS 1000
#define ENOUGH 0.8 /* a resemblance beyond this is believed however short the series */

/* The newest values with trend and smaller seasons taken away. */
struct signal {
    size_t n;
    double *y;     /* [n], 0 where missing */
    double *known; /* [n], 1 where y is known, else 0 */
    double *sum;   /* [n + 1] scratch: running sums of the values … */
    double *count; /* [n + 1] scratch: … and of how many they are */
    bool whole;    /* no value is missing */
};

static bool signal_open(struct signal *g, size_t n)
{
    double *memory = malloc((4 * n + 2) * sizeof *memory);
    *g = (struct signal){ .n = n, .y = memory };
    if (!memory)
        return false;
    g->known = memory + n;
    g->sum = memory + 2 * n;
    g->count = memory + 3 * n + 1;
    return true;
}

static void signal_close(struct signal *g)
{
    free(g->y);
}

static double window_mean(const struct signal *g, size_t from, size_t to)
{
    double count = g->count[to] - g->count[from];
    return count * 2 >= (double)(to - from) ? (g->sum[to] - g->sum[from]) / count : NAN;
}

/* The centred moving average over m at t, for m / 2 <= t < n - m / 2; an even m weighs both ends by half. */
static double average_at(const struct signal *g, size_t t, size_t m)
{
    size_t h = m / 2;
    if (m % 2)
        return window_mean(g, t - h, t + h + 1);
    return 0.5 * (window_mean(g, t - h, t + h) + window_mean(g, t - h + 1, t + h + 1));
}

/* y = value - moving average over m. Where fewer than four periods are there, the ends, which have no average, get the straight
 * continuation of what is there; else they are left out. */
static void detrend(struct signal *g, const double *value, size_t m)
{
    size_t n = g->n, h = m / 2, first = h, last = n - h - 1;
    double mean = 0, seen = 0;
    for (size_t t = 0; t < n; t++) {
        if (isfinite(value[t])) {
            seen++;
            mean += (value[t] - mean) / seen;
        }
    }
    g->sum[0] = g->count[0] = 0;
    for (size_t t = 0; t < n; t++) { /* around the mean, so that the running sums keep their digits */
        bool ok = isfinite(value[t]);
        g->sum[t + 1] = g->sum[t] + (ok ? value[t] - mean : 0);
        g->count[t + 1] = g->count[t] + ok;
    }
    bool extend = n < 4 * m;
    double left = average_at(g, first, m), right = average_at(g, last, m);
    double slope = last > first ? (right - left) / (double)(last - first) : 0;
    g->whole = true;
    for (size_t t = 0; t < n; t++) {
        double trend = NAN;
        if (t >= first && t <= last)
            trend = average_at(g, t, m);
        else if (extend)
            trend = t < first ? left - slope * (double)(first - t) : right + slope * (double)(t - last);
        double y = value[t] - mean - trend;
        g->known[t] = isfinite(y);
        g->y[t] = isfinite(y) ? y : 0;
        g->whole = g->whole && isfinite(y);
    }
}

/* Takes the mean of each place in a season of p away. */
static void remove_profile(struct signal *g, size_t p)
{
    for (size_t place = 0; place < p; place++) {
        double sum = 0, count = 0;
        for (size_t t = place; t < g->n; t += p) {
            sum += g->y[t];
            count += g->known[t];
        }
        for (size_t t = place; t < g->n && count > 0; t += p)
            g->y[t] -= g->known[t] * (sum / count);
    }
}

/* Holds outliers at six mean deviations, so that one of them neither hides a season nor makes one. False when nothing is left to look at. */
static bool tame(struct signal *g, const double *value)
{
    double deviation = 0, count = 0, size = 0;
    for (size_t t = 0; t < g->n; t++) {
        deviation += fabs(g->y[t]);
        count += g->known[t];
        size = g->known[t] > 0 && fabs(value[t]) > size ? fabs(value[t]) : size;
    }
    if (!(count >= 4) || !isfinite(deviation) || !(deviation / count > 1e-9 * size))
        return false;
    double limit = 6 * deviation / count;
    for (size_t t = 0; t < g->n; t++)
        g->y[t] = fmax(-limit, fmin(limit, g->y[t]));
    return true;
}

static double products(const double *a, const double *b, size_t n)
{
    double part[8] = { 0 }; /* independent sums, in a fixed order: fast, and the same bytes everywhere */
    size_t t = 0;
    for (; t + 8 <= n; t += 8)
        for (size_t k = 0; k < 8; k++)
            part[k] += a[t + k] * b[t + k];
    for (; t < n; t++)
        part[0] += a[t] * b[t];
    return ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]));
}

static double pairs_at(const struct signal *g, size_t lag)
{
    return g->whole ? (double)(g->n - lag) : products(g->known, g->known + lag, g->n - lag);
}

/* The autocovariance at a lag below n: mean over the pairs that are known; 0 when there is none. */
static double covariance(const struct signal *g, size_t lag)
{
    double pairs = pairs_at(g, lag);
    return pairs > 0 ? products(g->y, g->y + lag, g->n - lag) / pairs : 0;
}

/* Does the signal resemble itself m steps later? smaller: a season that divides m and was taken away already, or 0. */
static bool holds(const struct signal *g, size_t m, size_t smaller, double z, double least)
{
    double variance = covariance(g, 0), pairs = pairs_at(g, m), squares = 0;
    if (!(variance > 0) || !(pairs >= 4))
        return false;
    size_t lags = (m - 1) / 2, stride = lags / BARTLETT_LAGS + 1;
    for (size_t i = 1; i <= lags; i += stride) {
        double rho = covariance(g, i) / variance;
        squares += rho * rho * (double)stride;
    }
    double rho = covariance(g, m) / variance, bound = z * sqrt((1 + 2 * squares) / pairs);
    bound = bound < ENOUGH ? bound : ENOUGH;
    if (!(rho > least && rho > bound))
        return false;
    /* A peak, not the slope of another one; and a week must be more than a day that resembles the next. */
    double slack = 1 / sqrt(pairs);
    if (rho < covariance(g, m - 1) / variance - slack || (m + 1 < g->n && rho < covariance(g, m + 1) / variance - slack))
        return false;
    return smaller == 0 || rho > covariance(g, m - smaller) / variance + 0.05;
}

/* Copies value to out without whole periods of long gaps, which say nothing and would crowd out what does; the phase stays. Returns how many are left. */
static size_t shorten_gaps(const double *value, size_t n, size_t m, double *out)
{
    size_t left = 0;
    for (size_t t = 0; t < n;) {
        size_t end = t;
        while (end < n && !isfinite(value[end]))
            end++;
        size_t gap = end - t, keep = gap > 2 * m ? m + gap % m : gap;
        for (size_t k = 0; k < keep; k++)
            out[left++] = NAN;
        for (t = end; t < n && isfinite(value[t]); t++)
            out[left++] = value[t];
    }
    return left;
}

/* Tests one period on the newest of these values, without the seasons that were found before. */
static bool test_newest(const double *value, size_t n, size_t m, const struct fc_season *found, double z, double least)
{
    size_t most = NEWEST_PERIODS * m > NEWEST_VALUES ? NEWEST_PERIODS * m : NEWEST_VALUES;
    size_t used = n < most ? n : most, smaller = 0;
    struct signal g;
    if (n / 2 < m || !signal_open(&g, used))
        return false;
    value += n - used;
    detrend(&g, value, m);
    for (size_t k = 0; k < found->n; k++) {
        remove_profile(&g, found->period[k]);
        smaller = m % found->period[k] == 0 ? found->period[k] : smaller;
    }
    bool ok = tame(&g, value) && holds(&g, m, smaller, z, least);
    signal_close(&g);
    return ok;
}

static bool test_period(const double *value, size_t n, size_t m, const struct fc_season *found, double z, double least)
{
    if (m < 2 || m > PERIOD_MAX || n / 2 < m)
        return false;
    double *dense = malloc(n * sizeof *dense);
    if (!dense)
        return false;
    bool ok = test_newest(dense, shorten_gaps(value, n, m, dense), m, found, z, least);
    free(dense);
    return ok;
}

static void add_period(struct fc_season *s, size_t m)
{
    if (s->n < FC_SEASONS)
        s->period[s->n++] = (uint32_t)m;
}

/* ---- candidates of the calendar ---- */

/* What a fixed step may repeat in, in milliseconds, ascending. An hour is looked at only when no day can be. */
#define MS_HOUR INT64_C(3600000)
#define MS_DAY (24 * MS_HOUR)
static const struct {
    int64_t ms;
    double least;
    bool sub_day;
} cycles[] = {
    { MS_HOUR, 0.1, true }, { MS_DAY, 0.1, false }, { 7 * MS_DAY, 0.1, false }, { 364 * MS_DAY, 0.1, false }, { 365 * MS_DAY, 0.3, false },
};

static struct fc_season calendar_season(const double *value, size_t n, struct fc_step step)
{
    struct fc_season found = { 0 };
    if (step.months) {
        size_t m = (12 % step.months) == 0 ? (size_t)(12 / step.months) : 0;
        if (test_period(value, n, m, &found, CALENDAR_Z, 0.1))
            add_period(&found, m);
        return found;
    }
    for (size_t i = 0; i < sizeof cycles / sizeof *cycles; i++) {
        int64_t m = cycles[i].ms / step.ms;
        bool day_fits = MS_DAY / step.ms <= PERIOD_MAX && (uint64_t)(MS_DAY / step.ms) <= n / 2;
        if (cycles[i].ms % step.ms || m > PERIOD_MAX || (cycles[i].sub_day && (m < 4 || day_fits)))
            continue;
        bool year = cycles[i].ms >= 364 * MS_DAY; /* of days by 365, of weeks by 52; of anything finer it is too long */
        if (year && step.ms < MS_DAY)
            continue;
        if (cycles[i].ms == 364 * MS_DAY && step.ms % (7 * MS_DAY))
            continue;
        if (test_period(value, n, (size_t)m, &found, CALENDAR_Z, cycles[i].least))
            add_period(&found, (size_t)m);
    }
    return found;
}

/* ---- a search for any period ---- */

/* Of r[0 … 3 lags / 2], the lag that stands out most against half a period beside it: P(m) = r(m) - (r(m/2) + r(3m/2)) / 2. A slow decay
 * gives 0, and so does an even multiple of a period; of odd multiples the smallest is taken. 0 when nothing stands out. */
static size_t best_peak(const double *r, size_t lags)
{
    double best = 0;
    size_t m = 0;
    for (size_t k = 2; k <= lags; k++) {
        double out = r[k] - 0.5 * (r[k / 2] + r[3 * k / 2]);
        if (r[k] > 0.3 && r[k] >= r[k - 1] && r[k] >= r[k + 1] && out * 0.85 > best) {
            best = out;
            m = k;
        }
    }
    return m;
}

/* The multiples of a period are peaks too, and tell it more exactly than the first. */
static size_t sharpen(const double *r, size_t lags, size_t m)
{
    size_t best = m, reach = m / 10 + 1;
    double best_mean = -INFINITY;
    for (size_t k = m > reach + 2 ? m - reach : 2; k <= m + reach; k++) {
        double sum = 0, count = 0;
        for (size_t at = k; at <= lags && count < 10; at += k, count++)
            sum += r[at];
        if (count > 0 && sum / count > best_mean) {
            best_mean = sum / count;
            best = k;
        }
    }
    return best;
}

/* n >= SEARCH_LEAST. */
static struct fc_season searched_season(const double *value, size_t n)
{
    struct fc_season found = { 0 };
    size_t used = n < SEARCH_VALUES ? n : SEARCH_VALUES, lags = used / 3;
    if (lags > SEARCH_LAGS)
        lags = SEARCH_LAGS;
    size_t reach = 3 * lags / 2 + 2, m = 0;
    struct signal g;
    if (!signal_open(&g, used))
        return found;
    double *r = malloc(reach * sizeof *r);
    if (!r)
        goto out;
    value += n - used;
    detrend(&g, value, 2 * lags < used / 2 ? 2 * lags : used / 2);
    if (!tame(&g, value))
        goto out;
    double variance = covariance(&g, 0);
    for (size_t k = 0; k < reach; k++)
        r[k] = covariance(&g, k) / variance;
    m = best_peak(r, lags);
    if (m)
        m = sharpen(r, lags, m);
    if (m && test_period(value, used, m, &found, SEARCH_Z, 0.3))
        add_period(&found, m);
out:
    free(r);
    signal_close(&g);
    return found;
}

struct fc_season fc_season_infer(const double *value, size_t n, struct fc_step step)
{
    struct fc_season found = { 0 };
    size_t seen = 0;
    for (size_t t = 0; t < n; t++)
        seen += isfinite(value[t]) != 0;
    if (seen < 6)
        return found;
    if (fc_step_known(step))
        found = calendar_season(value, n, step);
    return found.n || step.months || n < SEARCH_LEAST ? found : searched_season(value, n);
}
