/* routes.c: the one table of routes, and matching. To add a route, add a row and write its handler (api.h).
 *
 * A path arrives split and decoded (request.c), so a segment may hold any byte, slashes too. The first row that fits wins. Constant data and pure
 * functions: any thread. */
#include "api.h"
#include "http_call.h"

#include <stdio.h>
#include <string.h>

#define JSON "application/json"
#define JSON_OR_CSV "application/json text/csv"

const struct fc_route fc_routes[] = {
    {"PUT", "/v1/series/{id}", fc_api_series_put, FC_SMALL, "", JSON},
    {"GET", "/v1/series/{id}", fc_api_series_get, FC_WORKER, "time", ""},
    {"DELETE", "/v1/series/{id}", fc_api_series_delete, FC_WORKER, "", ""},
    {"GET", "/v1/series", fc_api_series_list, FC_WORKER, "match limit cursor time", ""},
    {"POST", "/v1/series/{id}/points", fc_api_points_post, FC_SMALL, "precision", JSON_OR_CSV},
    {"GET", "/v1/series/{id}/points", fc_api_points_get, FC_WORKER, "start end limit order cursor time precision", ""},
    {"DELETE", "/v1/series/{id}/points", fc_api_points_delete, FC_WORKER, "start end all precision", ""},
    {"POST", "/v1/points", fc_api_points_post_many, FC_SMALL, "precision", JSON_OR_CSV},

    {"POST", "/v1/models", fc_api_models_post, FC_WORKER, "", JSON},
    {"GET", "/v1/models", fc_api_models_list, FC_WORKER, "limit cursor time", ""},
    {"GET", "/v1/models/{id}", fc_api_models_get, FC_WORKER, "time", ""},
    {"DELETE", "/v1/models/{id}", fc_api_models_delete, FC_WORKER, "", ""},
    {"GET", "/v1/models/{id}/forecasts", fc_api_model_forecasts, FC_WORKER, "levels horizon limit cursor time", ""},
    {"GET", "/v1/jobs", fc_api_jobs_list, FC_WORKER, "state limit cursor time", ""},
    {"GET", "/v1/jobs/{id}", fc_api_jobs_get, FC_WORKER, "time", ""},
    {"DELETE", "/v1/jobs/{id}", fc_api_jobs_delete, FC_WORKER, "", ""},

    {"GET", "/v1/series/{id}/forecast", fc_api_forecast_get, FC_INLINE, "horizon levels model shape time quantiles as_of", ""},
    {"POST", "/v1/forecast", fc_api_forecast_post, FC_WORKER, "time shape precision", JSON},
    {"POST", "/v1/series/{id}/forecasts", fc_api_issued_post, FC_WORKER, "time", JSON},
    {"GET", "/v1/series/{id}/forecasts", fc_api_issued_list, FC_WORKER, "start end issued_before limit cursor time precision", ""},

    {"GET", "/healthz", fc_api_healthz, FC_INLINE, "", ""},
    {"GET", "/readyz", fc_api_readyz, FC_WORKER, "", ""},
    {"GET", "/metrics", fc_api_metrics, FC_WORKER, "", ""},
    {"GET", "/", fc_api_asset, FC_INLINE, NULL, ""},
    {"GET", "/assets/{name}", fc_api_asset, FC_INLINE, NULL, ""},
    {NULL, NULL, NULL, FC_INLINE, NULL, NULL},
};

/* Whether the path has this form; its decoded parameters in order. */
static bool fits(const char *pattern, const struct fc_path *path, char *param[FC_PATH_PARAMS], size_t *params)
{
    *params = 0;
    for (size_t i = 0; i < path->n; i++) {
        if (*pattern++ != '/') /* also the end of the pattern */
            return false;
        size_t n = strcspn(pattern, "/");
        const char *segment = path->segment[i];
        if (*pattern == '{') {
            if (!*segment || *params == FC_PATH_PARAMS)
                return false;
            param[(*params)++] = path->segment[i];
        } else if (strncmp(segment, pattern, n) != 0 || segment[n]) {
            return false;
        }
        pattern += n;
    }
    return !*pattern;
}

static void allow_method(char allow[64], const char *method)
{
    if (fc_word_in(allow, method, strlen(method)))
        return;
    size_t n = strlen(allow);
    snprintf(allow + n, 64 - n, "%s%s", n ? ", " : "", method);
}

const struct fc_route *fc_route_find(const struct fc_route *routes, const char *method, const struct fc_path *path, char *param[FC_PATH_PARAMS],
                                     size_t *params, char allow[64])
{
    allow[0] = 0;
    for (const struct fc_route *row = routes; row->method; row++) {
        if (!fits(row->pattern, path, param, params))
            continue;
        if (strcmp(row->method, method) == 0)
            return row;
        allow_method(allow, row->method);
        if (strcmp(row->method, "GET") == 0)
            allow_method(allow, "HEAD");
    }
    if (allow[0])
        allow_method(allow, "OPTIONS");
    *params = 0;
    return NULL;
}
