/* service.h: storage and core joined: load, clean, train, forecast, save. Knows no HTTP and no JSON documents of requests.
 * Any thread may call it but the HTTP threads, except fc_service_cached, which never waits. */
#ifndef FC_SERVICE_H
#define FC_SERVICE_H

#include "model.h"
#include "clean.h"
#include "store.h"

struct fc_service;
FC_MUST_CHECK enum fc_status fc_service_new(struct fc_store *store, struct fc_service **out, struct fc_error *e);
void fc_service_free(struct fc_service *v);

/* The ready-made responses (forecast_cache.h), as old as the service. */
struct fc_forecast_cache;
struct fc_forecast_cache *fc_service_cached(struct fc_service *v);

/* What a series looks like to the core: its step and season, as set or as inferred from its newest FC_BASE_STEPS steps, for GET /v1/series/{id}.
 * Depends on the points and settings alone. Cached by revision. A series without observations, or with one and no step, has no step: no error. */
#define FC_BASE_STEPS 4096
struct fc_insight { struct fc_step step; bool step_inferred; struct fc_season season; bool season_inferred; };
FC_MUST_CHECK enum fc_status fc_service_insight(struct fc_service *v, const struct fc_series_row *row, struct fc_insight *out, struct fc_error *e);

/* Everything that GET forecast says. fc_answer_free. */
struct fc_answer {
    char series[FC_ID_MAX + 1];
    char model[FC_NAME_MAX]; /* "" when a classical method answered */
    char *model_name;        /* owned, NULL when it has none */
    int version;
    struct fc_step step;
    fc_time last;
    int64_t revision;
    fc_time valid_until;     /* FC_TIME_MAX: until the series or its models change */
    struct fc_forecast forecast;
};
void fc_answer_free(struct fc_answer *a);
/* horizon 0: the model's, else one season. model NULL: the pinned one, the newest ready one, or a classical method.
 * FC_NOT_FOUND "unknown_series", "unknown_model"; FC_CONFLICT "model_not_ready"; FC_INVALID "no_observations", "step_unknown", "step_mismatch". */
FC_MUST_CHECK enum fc_status fc_service_forecast(struct fc_service *v, const char *series, const char *model, size_t horizon, const double *levels, size_t nlevels,
                                                 fc_time now, struct fc_answer *out, struct fc_error *e);
/* The same for points that are not stored (POST /v1/forecast). */
FC_MUST_CHECK enum fc_status fc_service_forecast_points(struct fc_service *v, const struct fc_points_write *points, const char *model, size_t horizon,
                                                        const double *levels, size_t nlevels, fc_time now, struct fc_answer *out, struct fc_error *e);

/* Trains version `version` of `model` on the named series, saves it as ready, issues its first forecasts.
 * skipped: JSON array text, owned by the caller; may be set on failure too. hooks->stop must bear calls from any lane. */
struct fc_training {
    const char *model; int version;
    struct fc_spec spec;              /* as requested; filled in */
    const char *const *series; size_t nseries;
    const double *levels; size_t nlevels;
    fc_time now;
    const struct fc_lanes *lanes;
    const struct fc_hooks *hooks;
    void (*fit_begins)(void *ctx);    /* once, with hooks->ctx, when the data are loaded; NULL is fine */
    char *skipped;                    /* answer */
};
FC_MUST_CHECK enum fc_status fc_service_train(struct fc_service *v, struct fc_training *t, struct fc_error *e);

#endif
