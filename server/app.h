/* app.h: what the handlers reach: set up by main before the first request, torn down after the last. */
#ifndef FC_APP_H
#define FC_APP_H

#include "config.h"
#include "http.h"
#include "store.h"

#include <stdatomic.h>

struct fc_jobs;    /* jobs.h */
struct fc_service; /* service.h */

struct fc_app {
    const struct fc_config *config;
    struct fc_store *store;
    struct fc_http *http;
    struct fc_jobs *jobs;
    struct fc_service *service;
    atomic_bool ready; /* readyz: written by main, read by any thread */
    int64_t started_ms;
};

#endif
