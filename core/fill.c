/* fill.c: the last stage of cleaning: a finite value for every missing one. Linear time, no allocation.
 *
 * What is filled is marked in observed and never feeds an estimate as if it were observed. See clean_stages.h. */
#include "clean_stages.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SHORT_GAP 3 /* up to so many values, a line between the neighbours is as good as anything */
#define LEVEL_OF 3  /* so many observed values at each side of a gap set its level */
#define SEASONS_AWAY 4

/* The run [from, to) of unobserved values that begins at or after i; from = n when there is none. */
struct gap {
    size_t from, to;
};

static struct gap next_gap(const struct fc_series *s, size_t i)
{
    while (i < s->n && s->observed[i])
        i++;
    struct gap g = { i, i };
    while (g.to < s->n && !s->observed[g.to])
        g.to++;
    return g;
}

/* A line from value[from - 1] to value[to]. Both products are within the range, so nothing overflows. */
static void fill_line(double *value, size_t from, size_t to)
{
    double left = value[from - 1], right = value[to], parts = (double)(to - from + 1);
    for (size_t i = from; i < to; i++) {
        double w = (double)(i - from + 1) / parts;
        value[i] = left * (1 - w) + right * w;
    }
}

/* Missing values from the nearest observed ones in the same place of the season, before and after; those without any stay NaN. */
static void fill_season(struct fc_series *s, size_t period)
{
    for (size_t place = 0; place < period; place++) {
        double before = NAN;
        size_t from = place; /* everything of this place before it is done */
        for (size_t i = place; i < s->n; i += period) {
            if (!s->observed[i])
                continue;
            double after = s->value[i], both = isnan(before) ? after : 0.5 * before + 0.5 * after;
            for (; from < i; from += period)
                if (isnan(s->value[from]))
                    s->value[from] = both;
            from = i + period;
            before = after;
        }
        for (; from < s->n; from += period)
            if (isnan(s->value[from]))
                s->value[from] = before;
    }
}

/* How far an observed value lies above what fill_season would have put there; NaN when it has no neighbour a few seasons away. */
static double above_season(const struct fc_series *s, size_t i, size_t period)
{
    double before = NAN, after = NAN;
    for (size_t k = 1; k <= SEASONS_AWAY && isnan(before) && k * period <= i; k++)
        before = s->observed[i - k * period] ? s->value[i - k * period] : NAN;
    for (size_t k = 1; k <= SEASONS_AWAY && isnan(after) && k * period < s->n - i; k++)
        after = s->observed[i + k * period] ? s->value[i + k * period] : NAN;
    if (isnan(before) || isnan(after))
        return s->value[i] - (isnan(before) ? after : before);
    return s->value[i] - (0.5 * before + 0.5 * after);
}

/* The mean of above_season over the observed values next to a gap: going down from i when down, else up. 0 when nothing is known. */
static double level_beside(const struct fc_series *s, size_t i, bool down, size_t period)
{
    double sum = 0, seen = 0;
    for (size_t k = 0; k < LEVEL_OF && i < s->n && s->observed[i]; k++) {
        double above = above_season(s, i, period);
        if (isfinite(above)) {
            sum += above;
            seen++;
        }
        i = down ? i - 1 : i + 1; /* below 0 wraps to above n and ends the loop */
    }
    return seen > 0 && isfinite(sum) ? sum / seen : 0;
}

static void level_gap(struct fc_series *s, struct gap g, size_t period, double low, double high)
{
    double left = level_beside(s, g.from - 1, true, period), right = level_beside(s, g.to, false, period);
    double parts = (double)(g.to - g.from + 1);
    for (size_t i = g.from; i < g.to; i++) {
        double w = (double)(i - g.from + 1) / parts, x = s->value[i] + (left * (1 - w) + right * w);
        s->value[i] = x < low ? low : x > high ? high : x; /* NaN stays: no observed value in this place of the season */
    }
}

void fc_fill(struct fc_series *s)
{
    size_t period = 0; /* the longest of which there are two: it holds the others */
    for (size_t k = 0; k < s->season.n; k++)
        if (s->season.period[k] <= s->n / 2)
            period = s->season.period[k];
    size_t by_line = period == 0 ? s->n : (period - 1) / 2 < SHORT_GAP ? (period - 1) / 2 : SHORT_GAP;
    double low = INFINITY, high = -INFINITY;
    bool long_gaps = false;
    for (size_t i = 0; i < s->n; i++) {
        if (s->observed[i]) {
            low = s->value[i] < low ? s->value[i] : low;
            high = s->value[i] > high ? s->value[i] : high;
        }
    }
    for (struct gap g = next_gap(s, 0); g.from < s->n; g = next_gap(s, g.to)) {
        if (g.to - g.from <= by_line)
            fill_line(s->value, g.from, g.to);
        else
            long_gaps = true;
    }
    if (!long_gaps)
        return;
    fill_season(s, period);
    for (struct gap g = next_gap(s, 0); g.from < s->n; g = next_gap(s, g.to))
        if (g.to - g.from > by_line)
            level_gap(s, g, period, low, high);
    for (size_t i = 0; i < s->n; i++) {
        size_t end = i;
        while (isnan(s->value[end]))
            end++; /* the last value is observed */
        if (end > i)
            fill_line(s->value, i, end);
        i = end;
    }
}

enum fc_status fc_fill_prefix(const struct fc_series *s, size_t from, size_t known, size_t to, struct fc_series *out, size_t *first, struct fc_error *e)
{
    while (from > 0 && !s->observed[from])
        from--;
    struct fc_series c = {.step = s->step, .season = s->season, .bounds = s->bounds, .n = to - from};
    c.value = malloc((c.n + 1) * sizeof *c.value);
    c.observed = malloc(c.n + 1);
    if (!c.value || !c.observed) {
        fc_series_free(&c);
        return fc_fail_nomem(e, c.n * sizeof *c.value);
    }
    memcpy(c.value, s->value + from, c.n * sizeof *c.value);
    memcpy(c.observed, s->observed + from, c.n);
    size_t end = known - from, last = 0; /* the newest observation that is known */
    for (size_t i = 0; i < end; i++) {
        if (c.observed[i])
            last = i;
        else
            c.value[i] = NAN;
    }
    struct fc_series head = c;
    head.n = last + 1;
    fc_fill(&head);
    size_t period = s->season.n > 0 ? s->season.period[0] : 1;
    for (size_t i = last + 1; i < end; i++)
        c.value[i] = i >= period ? c.value[i - period] : c.value[last];
    *out = c;
    *first = from;
    return FC_OK;
}
