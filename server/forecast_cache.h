/* forecast_cache.h: ready-made answers for the HTTP threads: whole response bodies, by what was asked.
 *
 * An answer is good while the stamps of its series and of the models (store.h) are those that were read BEFORE it was computed, and until its
 * valid_until. Nothing has to be told about a write: the stamps tell. The key is the caller's: everything of the request that shapes the body
 * (series, model, horizon, levels, format, shape, time), not the raw target.
 * Any thread; never waits for more than a short lock of one shard. Bounded by bytes; the least recently used goes first. */
#ifndef FC_FORECAST_CACHE_H
#define FC_FORECAST_CACHE_H

#include "http.h"
#include "store.h"

struct fc_forecast_cache;

/* What the store said about a series and the models before an answer was computed. */
struct fc_stamps { uint64_t series, models; };
struct fc_stamps fc_forecast_cache_stamps(struct fc_forecast_cache *c, const char *series);

FC_MUST_CHECK enum fc_status fc_forecast_cache_new(struct fc_store *store, size_t max_bytes, struct fc_forecast_cache **out, struct fc_error *e);
void fc_forecast_cache_free(struct fc_forecast_cache *c);

/* A reference of the caller's own (fc_shared_body_unref), or NULL: not there, or no longer true. */
struct fc_shared_body *fc_forecast_cache_get(struct fc_forecast_cache *c, const char *key, fc_time now);
/* Takes a reference of its own. bytes: what the body weighs (plain and gzip form). An answer that is too big for a shard, or no memory: it is
 * simply not kept. */
void fc_forecast_cache_put(struct fc_forecast_cache *c, const char *key, const char *series, struct fc_stamps stamps, fc_time valid_until,
                           struct fc_shared_body *body, size_t bytes);

struct fc_forecast_cache_stats { uint64_t hits, misses, entries, bytes; };
void fc_forecast_cache_get_stats(struct fc_forecast_cache *c, struct fc_forecast_cache_stats *out);

#endif
