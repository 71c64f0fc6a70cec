/* service_train.c: a training from the ids of its series to a ready model with its first issued forecasts.
 *
 * Stages: load (on all lanes, one series a task; raw points are gone as soon as their series is clean) → pick the common step → fit → save →
 * write "ready" together with the first group of issued forecasts → the further groups. Nothing is written before the fit is done, and no
 * transaction lasts longer than one group. A series that cannot take part is skipped with its code; only what is ours to lose (memory, the store)
 * fails the training. Enters on a job's lane; the tasks run on any. */
#include "service_parts.h"

#include "clock.h"
#include "codec_models.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define TRAIN_STEPS_ALL 20000000 /* grid values of one training, shared by its series: 180 MB */
#define TRAIN_STEPS_ONE 200000   /* newest steps of one series at most */
#define GROUP_SERIES 500         /* forecasts a write */
#define GROUP_VALUES 2000000     /* numbers a group: 16 MB */
#define SECTION_SERIES 64        /* series a section of the load: the caller looks for a stop between two */

struct item {
    struct fc_series grid; /* empty when skipped */
    fc_time newest;
    int64_t revision;
    char code[48];         /* why it was skipped, "" when it was not */
};

struct work {
    struct fc_service *v;
    struct fc_training *t;
    struct item *item;        /* [nseries], as named */
    size_t *kept;             /* [nkept] indices of items that were given to the fit */
    struct fc_series *series; /* [nkept] their grids: item[kept[k]].grid, moved */
    size_t nkept;
    size_t steps;             /* newest steps of each series */
    size_t first;             /* of the section that loads now */
    atomic_bool failed;       /* a task met an error that is not the series' own … */
    struct fc_error error;    /* … this one, written once by whoever set failed */
    struct fc_model *model;
    struct fc_report report;
    int64_t began_ns;
};

static bool stopped(const struct work *w)
{
    const struct fc_hooks *h = w->t->hooks;
    return h && h->stop && h->stop(h->ctx);
}

static enum fc_status cancelled(struct fc_error *e)
{
    return fc_fail(e, FC_CANCELLED, "cancelled", "the training was cancelled");
}

/* The wall clock: the caller's now plus what has passed since. */
static fc_time clock_now(const struct work *w)
{
    return w->t->now + (fc_clock_ns() - w->began_ns) / 1000000;
}

/* ---- load ---- */

static void load_task(void *arg, size_t i)
{
    struct work *w = arg;
    struct item *item = &w->item[w->first + i];
    struct fc_loaded l;
    struct fc_error e;
    if (atomic_load(&w->failed) || stopped(w))
        return;
    const struct fc_reach reach = {.steps = w->steps};
    const enum fc_status status = fc_service_load(w->v, w->t->series[w->first + i], reach, (struct fc_step){0, 0}, w->t->now, &l, &e);
    if (status == FC_OK) {
        item->grid = l.grid;
        item->newest = l.newest;
        item->revision = l.row.revision;
        memset(&l.grid, 0, sizeof l.grid);
        fc_loaded_free(&l);
    } else if (status == FC_INVALID || status == FC_NOT_FOUND) {
        memcpy(item->code, e.code, sizeof item->code);
    } else if (!atomic_exchange(&w->failed, true)) {
        w->error = e;
    }
}

static enum fc_status load_all(struct work *w, struct fc_error *e)
{
    const size_t n = w->t->nseries;
    w->steps = TRAIN_STEPS_ALL / (n > 0 ? n : 1);
    w->steps = w->steps > TRAIN_STEPS_ONE ? TRAIN_STEPS_ONE : w->steps;
    for (w->first = 0; w->first < n; w->first += SECTION_SERIES) {
        const size_t tasks = n - w->first < SECTION_SERIES ? n - w->first : SECTION_SERIES;
        w->t->lanes->run(w->t->lanes->ctx, tasks, load_task, w);
        if (atomic_load(&w->failed)) {
            if (e)
                *e = w->error;
            return w->error.status;
        }
        if (stopped(w))
            return cancelled(e);
    }
    return FC_OK;
}

/* ---- the common step ---- */

static int by_step(const void *a, const void *b)
{
    const struct fc_step *p = a, *q = b;
    if (p->months != q->months)
        return p->months < q->months ? -1 : 1;
    return p->ms < q->ms ? -1 : p->ms > q->ms;
}

/* The commonest step of those loaded, the shorter of two that are equally common. scratch: [nseries]. */
static struct fc_step commonest_step(const struct work *w, struct fc_step *scratch)
{
    size_t n = 0, best = 0, run = 0;
    struct fc_step step = {0, 0};
    for (size_t i = 0; i < w->t->nseries; i++)
        if (w->item[i].grid.n > 0)
            scratch[n++] = w->item[i].grid.step;
    qsort(scratch, n, sizeof *scratch, by_step);
    for (size_t i = 0; i < n; i++) {
        run = i > 0 && fc_step_equal(scratch[i], scratch[i - 1]) ? run + 1 : 1;
        if (run > best) {
            best = run;
            step = scratch[i];
        }
    }
    return step;
}

/* Moves the series that share the commonest step into w->series; the others are skipped. */
static enum fc_status keep_common(struct work *w, struct fc_error *e)
{
    const size_t n = w->t->nseries;
    struct fc_step *scratch = calloc(n, sizeof *scratch);
    w->kept = calloc(n, sizeof *w->kept);
    w->series = calloc(n, sizeof *w->series);
    if (!scratch || !w->kept || !w->series) {
        free(scratch);
        return fc_fail_nomem(e, n * sizeof *w->series);
    }
    const struct fc_step step = commonest_step(w, scratch);
    free(scratch);
    for (size_t i = 0; i < n; i++) {
        struct item *item = &w->item[i];
        if (item->grid.n == 0)
            continue;
        if (!fc_step_equal(item->grid.step, step)) {
            fc_series_free(&item->grid);
            memset(&item->grid, 0, sizeof item->grid);
            strcpy(item->code, "step_mismatch");
            continue;
        }
        w->kept[w->nkept] = i;
        w->series[w->nkept++] = item->grid;
        memset(&item->grid, 0, sizeof item->grid);
    }
    if (w->nkept == 0)
        return fc_fail(e, FC_INVALID, "nothing_to_train", "none of the %zu series can be trained on", n);
    return FC_OK;
}

/* ---- fit ---- */

static enum fc_status fit(struct work *w, struct fc_error *e)
{
    struct fc_training *t = w->t;
    if (t->fit_begins)
        t->fit_begins(t->hooks ? t->hooks->ctx : NULL);
    const enum fc_status status =
        fc_model_fit(&t->spec, w->series, w->nkept, t->levels, t->nlevels, t->lanes, t->hooks, &w->model, &w->report, e);
    if (w->report.skipped)
        for (size_t k = 0; k < w->nkept; k++)
            if (w->report.skipped[k][0] != '\0')
                memcpy(w->item[w->kept[k]].code, w->report.skipped[k], sizeof w->report.skipped[k]);
    return status;
}

/* [{"series","code"}] of those that did not take part, as text of its own; NULL when out of memory. */
static char *skipped_text(const struct work *w)
{
    struct fc_buf b = {0};
    fc_buf_char(&b, '[');
    for (size_t i = 0, n = 0; i < w->t->nseries; i++) {
        const struct item *item = &w->item[i];
        if (item->code[0] == '\0')
            continue;
        fc_buf_text(&b, n++ > 0 ? ",{\"series\":" : "{\"series\":");
        fc_buf_json_string(&b, w->t->series[i], strlen(w->t->series[i]));
        fc_buf_text(&b, ",\"code\":");
        fc_buf_json_string(&b, item->code, strlen(item->code));
        fc_buf_char(&b, '}');
    }
    fc_buf_char(&b, ']');
    if (fc_buf_terminate(&b))
        return b.data;
    fc_buf_free(&b);
    return NULL;
}

/* ---- ready, and the first forecasts ---- */

/* What one write stores. */
struct group {
    struct work *w;
    const struct fc_model_ready *ready; /* NULL after the first group */
    size_t first, n;                    /* of the kept series */
    fc_time issued_at;
    struct fc_issued *issued;           /* [n]; without values where there is no forecast */
};

/* Takes the forecast's arrays over. */
static enum fc_status to_issued(struct fc_forecast *f, struct fc_issued *out, struct fc_error *e)
{
    out->level = malloc((f->nlevels > 0 ? f->nlevels : 1) * sizeof *out->level);
    if (!out->level)
        return fc_fail_nomem(e, f->nlevels * sizeof *out->level);
    memcpy(out->level, f->level, f->nlevels * sizeof *out->level);
    memcpy(out->method, f->method, sizeof f->method);
    out->n = f->n;
    out->nlevels = f->nlevels;
    out->time = f->time;
    out->mean = f->mean;
    out->median = f->median;
    out->lower = f->lower;
    out->upper = f->upper;
    memset(f, 0, sizeof *f);
    return FC_OK;
}

static void issue_task(void *arg, size_t i)
{
    const struct group *g = arg;
    struct work *w = g->w;
    const size_t k = g->first + i;
    const struct fc_series *s = &w->series[k];
    struct fc_forecast f;
    struct fc_error e;
    if (!w->report.trained[k] || stopped(w))
        return;
    memset(&f, 0, sizeof f);
    if (fc_model_forecast(w->model, s, w->t->spec.horizon, w->t->levels, w->t->nlevels, &f, &e) != FC_OK)
        return; /* no forecast, so none to keep; a GET will say why */
    struct fc_issued *out = &g->issued[i];
    strcpy(out->series, w->t->series[w->kept[k]]); /* the store knew it: at most FC_ID_MAX bytes */
    strcpy(out->model, w->t->model);               /* an id of the store's */
    out->version = w->t->version;
    out->issued_at = g->issued_at;
    out->last = fc_series_time(s, s->n - 1);
    out->revision = w->item[w->kept[k]].revision;
    if (to_issued(&f, out, &e) != FC_OK)
        fc_forecast_free(&f);
}

static enum fc_status write_group(struct fc_store_tx *tx, void *arg, struct fc_error *e)
{
    const struct group *g = arg;
    enum fc_status status = FC_OK;
    if (g->ready && (status = fc_tx_model_ready(tx, g->ready, e)) != FC_OK)
        return status;
    for (size_t i = 0; i < g->n; i++) {
        if (g->issued[i].n == 0)
            continue;
        status = fc_tx_issue(tx, &g->issued[i], e);
        if (status != FC_OK && status != FC_NOT_FOUND) /* a series that was deleted since: nothing to keep */
            return status;
    }
    return FC_OK;
}

static size_t group_size(const struct work *w)
{
    const size_t numbers = (size_t)w->t->spec.horizon * (3 + 2 * w->t->nlevels);
    const size_t n = GROUP_VALUES / (numbers > 0 ? numbers : 1);
    return n < 1 ? 1 : n > GROUP_SERIES ? GROUP_SERIES : n;
}

/* Forecasts and writes group after group, the first together with `ready`. After that the model stands whatever happens: when stopped or when a
 * write fails, the rest is simply not issued. */
static enum fc_status finish(struct work *w, const struct fc_model_ready *ready, struct fc_error *e)
{
    const size_t size = group_size(w);
    enum fc_status status = FC_OK;
    for (size_t first = 0; first < w->nkept && status == FC_OK; first += size) {
        struct group g = {.w = w, .ready = first == 0 ? ready : NULL, .first = first, .issued_at = clock_now(w)};
        g.n = w->nkept - first < size ? w->nkept - first : size;
        g.issued = calloc(g.n, sizeof *g.issued);
        if (!g.issued)
            return first > 0 ? FC_OK : fc_fail_nomem(e, g.n * sizeof *g.issued);
        w->t->lanes->run(w->t->lanes->ctx, g.n, issue_task, &g);
        if (stopped(w))
            status = cancelled(e);
        else
            status = fc_store_write_wait(w->v->store, write_group, &g, e);
        for (size_t i = 0; i < g.n; i++)
            fc_issued_free(&g.issued[i]);
        free(g.issued);
        if (first > 0 && status != FC_OK)
            return FC_OK;
    }
    return status;
}

/* ---- save ---- */

/* The newest observation that the fit saw, and the ids that took part in *ids ([nkept], not owned); their number. */
static size_t learned_from(const struct work *w, const char **ids, fc_time *until)
{
    size_t n = 0;
    for (size_t k = 0; k < w->nkept; k++) {
        if (!w->report.trained[k])
            continue;
        const struct item *item = &w->item[w->kept[k]];
        *until = n == 0 || item->newest > *until ? item->newest : *until;
        ids[n++] = w->t->series[w->kept[k]];
    }
    return n;
}

static enum fc_status save(struct work *w, struct fc_error *e)
{
    struct fc_buf weights = {0}, spec = {0}, report = {0};
    struct fc_model_ready ready = {.model = w->t->model, .version = w->t->version};
    enum fc_status status = FC_OK;
    const char **ids = calloc(w->nkept, sizeof *ids);
    if (!ids)
        return fc_fail_nomem(e, w->nkept * sizeof *ids);
    status = fc_model_save(w->model, &weights, e);
    if (status)
        goto out;
    fc_codec_spec(&w->t->spec, fc_model_step(w->model), w->t->levels, w->t->nlevels, &spec);
    fc_codec_report(&w->report, &w->t->spec, &report);
    if (!fc_buf_terminate(&spec) || !fc_buf_terminate(&report)) {
        status = fc_fail_nomem(e, spec.n + report.n);
        goto out;
    }
    ready.spec = spec.data;
    ready.report = report.data;
    ready.weights = weights.data;
    ready.weights_n = weights.n;
    ready.series = ids;
    ready.nseries = learned_from(w, ids, &ready.trained_until);
    status = finish(w, &ready, e);
out:
    fc_buf_free(&weights);
    fc_buf_free(&spec);
    fc_buf_free(&report);
    free(ids);
    return status;
}

enum fc_status fc_service_train(struct fc_service *v, struct fc_training *t, struct fc_error *e)
{
    struct work w;
    memset(&w, 0, sizeof w);
    w.v = v;
    w.t = t;
    w.began_ns = fc_clock_ns();
    if (t->nseries == 0)
        return fc_fail(e, FC_INVALID, "nothing_to_train", "model \"%s\" has no series left to train on", t->model);
    w.item = calloc(t->nseries, sizeof *w.item);
    if (!w.item)
        return fc_fail_nomem(e, t->nseries * sizeof *w.item);
    enum fc_status status = load_all(&w, e);
    if (status == FC_OK)
        status = keep_common(&w, e);
    if (status == FC_OK)
        status = fit(&w, e);
    t->skipped = skipped_text(&w); /* without memory for it, the job says none */
    if (status == FC_OK)
        status = save(&w, e);

    fc_model_free(w.model);
    fc_report_free(&w.report);
    for (size_t k = 0; k < w.nkept; k++)
        fc_series_free(&w.series[k]);
    for (size_t i = 0; i < t->nseries; i++)
        fc_series_free(&w.item[i].grid);
    free(w.series);
    free(w.kept);
    free(w.item);
    return status;
}
