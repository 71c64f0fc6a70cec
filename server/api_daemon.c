/* api_daemon.c: GET /healthz, /readyz and /metrics: what those who look after the daemon ask. */
#include "api.h"
#include "app.h"
#include "blas_guard.h"
#include "clock.h"
#include "forecast_cache.h"
#include "jobs.h"
#include "log.h"
#include "service.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* INLINE: answers while the HTTP threads live, whatever the disk and the workers do. */
enum fc_next fc_api_healthz(struct fc_request *r)
{
    struct fc_buf body = {0};
    fc_buf_text(&body, "{\"status\":\"ok\",\"version\":\"" FC_VERSION "\"}");
    return fc_reply(r, 200, FC_JSON, &body, false);
}

/* WORKER, so that it also shows that the request workers make progress. */
enum fc_next fc_api_readyz(struct fc_request *r)
{
    struct fc_error e = {0};
    struct fc_buf body = {0};
    if (!r->app->ready) {
        (void)fc_fail(&e, FC_UNAVAILABLE, "not_ready", "the daemon is starting or stopping");
        return fc_reply_error(r, &e);
    }
    if (fc_store_health(r->app->store, &e) != FC_OK) {
        e.status = FC_UNAVAILABLE; /* a full disk, too: readiness is red, and the code says why */
        return fc_reply_error(r, &e);
    }
    fc_buf_text(&body, "{\"status\":\"ready\"}");
    return fc_reply(r, 200, FC_JSON, &body, false);
}

/* ---- metrics ---- */

/* One metric of one value. */
static void metric(struct fc_buf *b, const char *name, const char *type, const char *help, double value)
{
    fc_buf_format(b, "# HELP %s %s\n# TYPE %s %s\n%s ", name, help, name, type, name);
    fc_buf_number(b, isfinite(value) ? value : 0);
    fc_buf_char(b, '\n');
}

static void http_duration(struct fc_buf *b, const struct fc_http_stats *s)
{
    static const char name[] = "forecastd_http_request_duration_seconds";
    uint64_t sum = 0;
    fc_buf_format(b, "# HELP %s From the request line to the last byte of the answer.\n# TYPE %s histogram\n", name, name);
    for (size_t i = 0; i < FC_HTTP_BUCKETS; i++) {
        sum += s->bucket[i];
        fc_buf_format(b, "%s_bucket{le=\"", name);
        if (isfinite(fc_http_bucket_seconds[i]))
            fc_buf_number(b, fc_http_bucket_seconds[i]);
        else
            fc_buf_text(b, "+Inf");
        fc_buf_format(b, "\"} %" PRIu64 "\n", sum);
    }
    fc_buf_format(b, "%s_sum ", name);
    fc_buf_number(b, s->seconds_sum);
    fc_buf_format(b, "\n%s_count %" PRIu64 "\n", name, sum);
}

static void http_metrics(struct fc_buf *b, const struct fc_http *http)
{
    static const char *const class_name[6] = {"gone", "1xx", "2xx", "3xx", "4xx", "5xx"};
    struct fc_http_stats s;
    fc_http_get_stats(http, &s);
    fc_buf_text(b, "# HELP forecastd_http_requests_total Requests that ended, by class of status; gone: the client left before its answer.\n"
                   "# TYPE forecastd_http_requests_total counter\n");
    for (size_t i = 0; i < 6; i++)
        fc_buf_format(b, "forecastd_http_requests_total{class=\"%s\"} %" PRIu64 "\n", class_name[i], s.responses_by_class[i]);
    http_duration(b, &s);
    metric(b, "forecastd_http_connections", "gauge", "Open connections.", (double)s.open);
    metric(b, "forecastd_http_suspended", "gauge", "Requests that wait for a worker, a commit or the next piece of a stream.", (double)s.suspended);
    metric(b, "forecastd_http_queued", "gauge", "Tasks in the queue of the request workers.", (double)s.queued);
    metric(b, "forecastd_http_received_bytes_total", "counter", "Bytes of request bodies.", (double)s.bytes_in);
    metric(b, "forecastd_http_sent_bytes_total", "counter", "Bytes of response bodies.", (double)s.bytes_out);
}

static void store_metrics(struct fc_buf *b, struct fc_store *store)
{
    struct fc_store_stats s = {0};
    fc_store_get_stats(store, &s);
    metric(b, "forecastd_store_commits_total", "counter", "Transactions that were committed.", (double)s.commits);
    metric(b, "forecastd_store_writes_total", "counter", "Writes in them.", (double)s.writes);
    metric(b, "forecastd_store_failed_writes_total", "counter", "Writes that were refused or failed.", (double)s.failed_writes);
    metric(b, "forecastd_store_queued_writes", "gauge", "Writes that wait for their commit.", (double)s.queued);
    metric(b, "forecastd_store_last_commit_seconds", "gauge", "Duration of the last commit.", s.last_commit_seconds);
    metric(b, "forecastd_store_wal_bytes", "gauge", "Size of the write-ahead log.", (double)s.wal_bytes);
    metric(b, "forecastd_store_database_bytes", "gauge", "Size of the database file.", (double)s.database_bytes);
    metric(b, "forecastd_store_healthy", "gauge", "1 when the store takes writes.", fc_store_health(store, NULL) == FC_OK);
}

static void cache_metrics(struct fc_buf *b, struct fc_forecast_cache *cache)
{
    struct fc_forecast_cache_stats s;
    fc_forecast_cache_get_stats(cache, &s);
    metric(b, "forecastd_forecast_cache_hits_total", "counter", "Forecasts answered from the cache of ready-made bodies.", (double)s.hits);
    metric(b, "forecastd_forecast_cache_misses_total", "counter", "Forecasts that were not in it, or no longer true.", (double)s.misses);
    metric(b, "forecastd_forecast_cache_entries", "gauge", "Bodies in it.", (double)s.entries);
    metric(b, "forecastd_forecast_cache_bytes", "gauge", "What they take, their gzip forms included.", (double)s.bytes);
}

enum fc_next fc_api_metrics(struct fc_request *r)
{
    struct fc_buf b = {0};
    fc_buf_format(&b, "# HELP forecastd_info Version, and the kernels that OpenBLAS uses.\n# TYPE forecastd_info gauge\n"
                      "forecastd_info{version=\"" FC_VERSION "\",blas_core=\"%s\"} 1\n", fc_blas_core());
    metric(&b, "forecastd_uptime_seconds", "gauge", "Since the start.", (double)(fc_clock_now() - r->app->started_ms) / 1e3);
    metric(&b, "forecastd_ready", "gauge", "1 when the daemon is neither starting nor stopping.", r->app->ready);
    metric(&b, "forecastd_log_dropped_lines_total", "counter", "Log lines that were lost because writing them was too slow.", (double)fc_log_dropped());
    http_metrics(&b, r->app->http);
    store_metrics(&b, r->app->store);
    cache_metrics(&b, fc_service_cached(r->app->service));
    fc_jobs_metrics(r->app->jobs, &b);
    return fc_reply(r, 200, "text/plain; version=0.0.4; charset=utf-8", &b, false);
}
