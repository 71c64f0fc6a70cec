/* spec.c: the specification of a model: its defaults and what it may hold. See model.h. */
#include "cell.h"
#include "loss.h"
#include "method.h"
#include "model.h"
#include "network.h"
#include "scale.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void fc_spec_init(struct fc_spec *s)
{
    *s = (struct fc_spec){.seed = 1, .learning_rate = NAN, .clip_norm = NAN, .time_limit = NAN};
    strcpy(s->method, "auto");
}

/* One row a number that a user may set: where it is, its name in the API, and its range (0 means "choose for me"). */
static const struct {
    const char *pointer;
    size_t offset;
    uint32_t max;
} counts[] = {
    {"/lookback", offsetof(struct fc_spec, lookback), 100000},
    {"/network/layers", offsetof(struct fc_spec, layers), FC_LAYERS},
    {"/network/hidden", offsetof(struct fc_spec, hidden), 1024},
    {"/network/patch", offsetof(struct fc_spec, patch), 10000},
    {"/training/epochs", offsetof(struct fc_spec, epochs), 100000},
    {"/training/batch", offsetof(struct fc_spec, batch), 65536},
    {"/training/patience", offsetof(struct fc_spec, patience), 100000},
};

static enum fc_status check_word(const char *word, bool known, const char *pointer, const char *what, struct fc_error *e)
{
    return !word[0] || known ? FC_OK : fc_fail_at(e, FC_INVALID, "unknown_name", pointer, "%s \"%s\" is not known", what, word);
}

static enum fc_status check_words(const struct fc_spec *s, struct fc_error *e)
{
    const struct fc_method *m = fc_method_find(s->method);
    if (!m)
        return fc_fail_at(e, FC_INVALID, "unknown_method", "/method", "method \"%s\" is not known", s->method);
    enum fc_status st;
    if ((st = check_word(s->scaling, fc_scaler_find(s->scaling), "/scaling", "scaling", e)) != FC_OK ||
        (st = check_word(s->loss, fc_loss_find(s->loss), "/loss", "loss", e)) != FC_OK ||
        (st = check_word(s->cell, fc_cell_find(s->cell), "/network/cell", "cell", e)) != FC_OK)
        return st;
    if (s->cell[0] && (!m->cell || (!m->choose && strcmp(m->cell, s->cell) != 0)))
        return fc_fail_at(e, FC_INVALID, "method_and_cell_disagree", "/network/cell", "network.cell \"%s\" does not go with method \"%s\"", s->cell, s->method);
    return FC_OK;
}

static enum fc_status check_rate(double x, double max, const char *pointer, const char *name, struct fc_error *e)
{
    return isnan(x) || (x > 0 && x <= max) ? FC_OK : fc_fail_at(e, FC_INVALID, "out_of_range", pointer, "%s %g is not above 0 and at most %g", name, x, max);
}

enum fc_status fc_spec_check(const struct fc_spec *s, struct fc_error *e)
{
    enum fc_status st = check_words(s, e);
    if (st != FC_OK)
        return st;
    if (s->horizon < 1 || s->horizon > FC_HORIZON_MAX)
        return fc_fail_at(e, FC_INVALID, "out_of_range", "/horizon", "horizon %u is not from 1 to %d", s->horizon, FC_HORIZON_MAX);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        uint32_t x;
        memcpy(&x, (const char *)s + counts[i].offset, sizeof x);
        if (x > counts[i].max)
            return fc_fail_at(e, FC_INVALID, "out_of_range", counts[i].pointer, "%s %u is above %u", counts[i].pointer + 1, x, counts[i].max);
    }
    for (size_t i = 0; i < s->season.n; i++)
        if (s->season.period[i] < 2 || (i > 0 && s->season.period[i] <= s->season.period[i - 1]))
            return fc_fail_at(e, FC_INVALID, "bad_season", "/season", "season %u is below 2 or not above the one before it", s->season.period[i]);
    if ((st = check_rate(s->learning_rate, 1, "/training/learning_rate", "training.learning_rate", e)) != FC_OK ||
        (st = check_rate(s->clip_norm, 1e6, "/training/clip_norm", "training.clip_norm", e)) != FC_OK)
        return st;
    return check_rate(s->time_limit, 86400 * 30.0, "/training/time_limit", "training.time_limit in seconds", e);
}

static void run_serial(void *ctx, size_t n, void (*task)(void *arg, size_t i), void *arg)
{
    (void)ctx;
    for (size_t i = 0; i < n; i++)
        task(arg, i);
}

const struct fc_lanes fc_lanes_serial = {NULL, run_serial};

void fc_warn(struct fc_warnings *w, const char *code)
{
    for (size_t i = 0; i < w->n; i++)
        if (strcmp(w->code[i], code) == 0)
            return;
    if (w->n < FC_WARNINGS)
        snprintf(w->code[w->n++], FC_WORD, "%s", code);
}
