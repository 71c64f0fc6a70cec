/* api.h: the handlers that the route table names, one api_*.c a resource. Each decodes, calls, encodes; where each runs stands in routes.c. */
#ifndef FC_API_H
#define FC_API_H

#include "http.h"

/* series and points */
enum fc_next fc_api_series_put(struct fc_request *r);       /* PUT    /v1/series/{id} */
enum fc_next fc_api_series_get(struct fc_request *r);       /* GET    /v1/series/{id} */
enum fc_next fc_api_series_list(struct fc_request *r);      /* GET    /v1/series */
enum fc_next fc_api_series_delete(struct fc_request *r);    /* DELETE /v1/series/{id} */
enum fc_next fc_api_points_post(struct fc_request *r);      /* POST   /v1/series/{id}/points */
enum fc_next fc_api_points_get(struct fc_request *r);       /* GET    /v1/series/{id}/points */
enum fc_next fc_api_points_delete(struct fc_request *r);    /* DELETE /v1/series/{id}/points */
enum fc_next fc_api_points_post_many(struct fc_request *r); /* POST   /v1/points */

/* models and jobs */
enum fc_next fc_api_models_post(struct fc_request *r);      /* POST   /v1/models */
enum fc_next fc_api_models_list(struct fc_request *r);      /* GET    /v1/models */
enum fc_next fc_api_models_get(struct fc_request *r);       /* GET    /v1/models/{id or name} */
enum fc_next fc_api_models_delete(struct fc_request *r);    /* DELETE /v1/models/{id or name} */
enum fc_next fc_api_model_forecasts(struct fc_request *r);  /* GET    /v1/models/{id or name}/forecasts */
enum fc_next fc_api_jobs_list(struct fc_request *r);        /* GET    /v1/jobs */
enum fc_next fc_api_jobs_get(struct fc_request *r);         /* GET    /v1/jobs/{id} */
enum fc_next fc_api_jobs_delete(struct fc_request *r);      /* DELETE /v1/jobs/{id} */

/* forecasts */
enum fc_next fc_api_forecast_get(struct fc_request *r);     /* GET    /v1/series/{id}/forecast */
enum fc_next fc_api_forecast_post(struct fc_request *r);    /* POST   /v1/forecast */
enum fc_next fc_api_issued_post(struct fc_request *r);      /* POST   /v1/series/{id}/forecasts */
enum fc_next fc_api_issued_list(struct fc_request *r);      /* GET    /v1/series/{id}/forecasts */

/* the daemon */
enum fc_next fc_api_healthz(struct fc_request *r);          /* GET    /healthz */
enum fc_next fc_api_readyz(struct fc_request *r);           /* GET    /readyz */
enum fc_next fc_api_metrics(struct fc_request *r);          /* GET    /metrics */
enum fc_next fc_api_asset(struct fc_request *r);            /* GET    / and /assets/{name}, in assets.c */

#endif
