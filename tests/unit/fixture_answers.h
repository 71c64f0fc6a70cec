/* fixture_answers.h: what the tests of the service share: settings, asking, checking an answer, and a small training. */
#ifndef FC_FIXTURE_ANSWERS_H
#define FC_FIXTURE_ANSWERS_H

#include "fixture_service.h"

#include <stdatomic.h>

static const double levels[] = {80, 95};
#define NOW (START + 400 * 24 * HOUR)

struct put { struct fc_series_row *row; unsigned mask; };

static inline enum fc_status write_settings(struct fc_store_tx *tx, void *arg, struct fc_error *e)
{
    struct put *p = arg;
    bool created;
    return fc_tx_series_put(tx, p->row, p->mask, &created, e);
}

static inline void put_settings(struct fixture *f, struct fc_series_row *row, unsigned mask)
{
    struct put p = {row, mask};
    OK(fc_store_write_wait(f->store, write_settings, &p, &E));
}

static inline void put_step(struct fixture *f, const char *id, int64_t ms)
{
    struct fc_series_row row;
    memset(&row, 0, sizeof row);
    strcpy(row.id, id);
    row.step.ms = ms;
    put_settings(f, &row, FC_SET_STEP);
}

static inline enum fc_status delete_series(struct fc_store_tx *tx, void *arg, struct fc_error *e)
{
    return fc_tx_series_delete(tx, arg, e);
}

static inline bool warned(const struct fc_answer *a, const char *code)
{
    for (size_t i = 0; i < a->forecast.warnings.n; i++)
        if (strcmp(a->forecast.warnings.code[i], code) == 0)
            return true;
    return false;
}

static inline enum fc_status ask(struct fixture *f, const char *series, const char *model, size_t horizon, struct fc_answer *a, struct fc_error *e)
{
    memset(a, 0, sizeof *a);
    memset(e, 0, sizeof *e);
    return fc_service_forecast(f->service, series, model, horizon, levels, 2, NOW, a, e);
}

static inline void check_refused(struct fixture *f, const char *series, const char *model, enum fc_status status, const char *code, const char *named)
{
    struct fc_answer a;
    struct fc_error e;
    assert_int_equal(ask(f, series, model, 5, &a, &e), status);
    assert_string_equal(e.code, code);
    assert_non_null(strstr(e.detail, named));
}

/* Finite, nested, on the grid after `last`. */
static inline void check_answer(const struct fc_answer *a, size_t horizon)
{
    const struct fc_forecast *f = &a->forecast;
    assert_int_equal(f->n, horizon);
    assert_int_equal(f->nlevels, 2);
    for (size_t h = 0; h < horizon; h++) {
        assert_int_equal(f->time[h], fc_step_at(a->step, a->last, (int64_t)h + 1));
        assert_true(isfinite(f->mean[h]));
        assert_true(f->lower[horizon + h] <= f->lower[h] && f->lower[h] <= f->median[h]);
        assert_true(f->median[h] <= f->upper[h] && f->upper[h] <= f->upper[horizon + h]);
    }
}

/* ---- a training ---- */

static inline enum fc_status write_model(struct fc_store_tx *tx, void *arg, struct fc_error *e)
{
    return fc_tx_model_create(tx, arg, e);
}

struct training {
    struct fc_model_create create;
    struct fc_training t;
    struct fc_hooks hooks;
    atomic_int progress, fits;
    atomic_bool stop;
};

static inline bool hook_stop(void *ctx)
{
    return atomic_load(&((struct training *)ctx)->stop);
}

static inline void hook_progress(void *ctx, const struct fc_progress *p)
{
    assert_true(p->fraction >= 0 && p->fraction <= 1);
    atomic_fetch_add(&((struct training *)ctx)->progress, 1);
}

static inline void fit_begins(void *ctx)
{
    atomic_fetch_add(&((struct training *)ctx)->fits, 1);
}

static inline void training_init(struct fixture *f, struct training *x, const char *name, const char *const *series, size_t n)
{
    memset(x, 0, sizeof *x);
    x->create = (struct fc_model_create){.name = name, .spec = "{}", .series = series, .nseries = n, .request = "{}"};
    OK(fc_store_write_wait(f->store, write_model, &x->create, &E));
    x->hooks = (struct fc_hooks){.ctx = x, .stop = hook_stop, .progress = hook_progress};
    x->t = (struct fc_training){.model = x->create.model, .version = x->create.version, .series = series, .nseries = n, .levels = levels,
                                .nlevels = 2, .now = NOW, .lanes = &fc_lanes_serial, .hooks = &x->hooks, .fit_begins = fit_begins};
    fc_spec_init(&x->t.spec);
    x->t.spec.horizon = 12;
    x->t.spec.hidden = 8;
    x->t.spec.epochs = 2;
}

#endif
