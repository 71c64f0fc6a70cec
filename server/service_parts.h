/* service_parts.h: what the files of the service share: loading a series (service.c), the caches (service_models.c), forecasting
 * (service_forecast.c) and training (service_train.c). Private to service*.c and forecast_cache.c. */
#ifndef FC_SERVICE_PARTS_H
#define FC_SERVICE_PARTS_H

#include "service.h"

struct fc_model_cache;
struct fc_insight_cache;

struct fc_service {
    struct fc_store *store;
    struct fc_model_cache *models;
    struct fc_insight_cache *insights;
    struct fc_forecast_cache *responses;
};

/* ---- loading (service.c) ---- */

/* A series on its grid, its newest values, and what is known about it. fc_loaded_free. */
struct fc_loaded {
    struct fc_series_row row;
    struct fc_insight insight;
    struct fc_series grid;
    fc_time newest;      /* the newest observation that the grid holds */
    fc_time valid_until; /* when a bucket that has not ended was left out: the time at which it counts; else FC_TIME_MAX */
};
void fc_loaded_free(struct fc_loaded *l);

#define FC_RAW_MAX 1000000 /* at most so many raw points are read for one series, however many make a step: 16 MiB */

/* How far back to look: FC_BASE_STEPS steps, or `steps`, or so many times the first season of the series, whichever is most. */
struct fc_reach { size_t steps, seasons; };

/* Reads and cleans the newest steps of a stored series. fallback: the step when the series has none of its own and too few observations to show
 * one. The result depends on the points, the settings, reach and now alone, not on how much was read: the newest steps are cut out by their times
 * before anything is inferred. (Only where FC_RAW_MAX points make fewer steps does it hold less.)
 * FC_NOT_FOUND "unknown_series"; FC_INVALID "no_observations", "step_unknown". */
FC_MUST_CHECK enum fc_status fc_service_load(struct fc_service *v, const char *id, struct fc_reach reach, struct fc_step fallback, fc_time now,
                                             struct fc_loaded *out, struct fc_error *e);
/* The same for points at hand, ascending, and the settings in out->row, which the caller has filled. On failure out holds the row alone. */
FC_MUST_CHECK enum fc_status fc_service_clean(const struct fc_points *points, struct fc_reach reach, struct fc_step fallback, fc_time now,
                                              struct fc_loaded *out, struct fc_error *e);

/* ---- fitted models (service_models.c) ---- */

/* A loaded model on loan: immutable while held. */
struct fc_held {
    const struct fc_model *model;
    const char *id;
    const char *name; /* NULL when it has none */
    int version;
};

/* max_bytes: of the models' weights together; the one lent last is kept however large it is. */
FC_MUST_CHECK enum fc_status fc_model_cache_new(struct fc_store *store, size_t max_bytes, struct fc_model_cache **out, struct fc_error *e);
void fc_model_cache_free(struct fc_model_cache *c);
/* Loads the version once, however many ask for it at the same time. Give it back with fc_model_cache_release (NULL is fine). */
FC_MUST_CHECK enum fc_status fc_model_cache_hold(struct fc_model_cache *c, const char *id, int version, const struct fc_held **out,
                                                 struct fc_error *e);
void fc_model_cache_release(struct fc_model_cache *c, const struct fc_held *h);

/* ---- insights (service_models.c) ---- */

/* By the row's id, incarnation (created_at: a deleted series may come back) and revision. */
FC_MUST_CHECK enum fc_status fc_insight_cache_new(struct fc_insight_cache **out, struct fc_error *e);
void fc_insight_cache_free(struct fc_insight_cache *c);
bool fc_insight_cache_get(struct fc_insight_cache *c, const struct fc_series_row *row, struct fc_insight *out);
void fc_insight_cache_put(struct fc_insight_cache *c, const struct fc_series_row *row, const struct fc_insight *in);

#endif
