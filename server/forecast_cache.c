/* forecast_cache.c: the shards behind forecast_cache.h. Each has its own lock, a hash table with chains, and a list from the most to the least
 * recently used. An entry whose stamps no longer hold is dropped by the lookup that finds out. */
#include "forecast_cache.h"

#include "hash.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define SHARDS 8
#define CHAINS 1024 /* a shard */

struct answer {
    uint64_t hash;
    char *key;                  /* owned */
    char series[FC_ID_MAX + 1];
    struct fc_stamps stamps;
    fc_time valid_until;
    struct fc_shared_body *body; /* one reference */
    size_t bytes;               /* all that is kept for it */
    struct answer *chain;       /* next of the same chain */
    struct answer *older, *newer; /* by last use */
};

struct shard {
    _Alignas(64) pthread_mutex_t lock;
    struct answer *chain[CHAINS];
    struct answer *newest, *oldest;
    size_t bytes;
    uint64_t hits, misses, entries;
};

struct fc_forecast_cache {
    struct fc_store *store;
    size_t shard_bytes;
    struct shard shard[SHARDS];
};

enum fc_status fc_forecast_cache_new(struct fc_store *store, size_t max_bytes, struct fc_forecast_cache **out, struct fc_error *e)
{
    struct fc_forecast_cache *c = aligned_alloc(64, sizeof *c);
    if (!c)
        return fc_fail_nomem(e, sizeof *c);
    memset(c, 0, sizeof *c);
    c->store = store;
    c->shard_bytes = max_bytes / SHARDS;
    for (size_t i = 0; i < SHARDS; i++)
        pthread_mutex_init(&c->shard[i].lock, NULL);
    *out = c;
    return FC_OK;
}

static void answer_free(struct answer *a)
{
    if (a->body)
        fc_shared_body_unref(a->body);
    free(a->key);
    free(a);
}

void fc_forecast_cache_free(struct fc_forecast_cache *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < SHARDS; i++) {
        for (struct answer *a = c->shard[i].newest, *next; a; a = next) {
            next = a->older;
            answer_free(a);
        }
        pthread_mutex_destroy(&c->shard[i].lock);
    }
    free(c);
}

struct fc_stamps fc_forecast_cache_stamps(struct fc_forecast_cache *c, const char *series)
{
    return (struct fc_stamps){.series = fc_store_series_stamp(c->store, series), .models = fc_store_models_stamp(c->store)};
}

/* ---- one shard, its lock held ---- */

static struct shard *shard_of(struct fc_forecast_cache *c, uint64_t hash)
{
    return &c->shard[hash % SHARDS];
}

static struct answer **chain_of(struct shard *s, uint64_t hash)
{
    return &s->chain[hash / SHARDS % CHAINS];
}

static void list_remove(struct shard *s, struct answer *a)
{
    *(a->newer ? &a->newer->older : &s->newest) = a->older;
    *(a->older ? &a->older->newer : &s->oldest) = a->newer;
}

static void list_add(struct shard *s, struct answer *a)
{
    a->newer = NULL;
    a->older = s->newest;
    *(s->newest ? &s->newest->newer : &s->oldest) = a;
    s->newest = a;
}

static struct answer *find(struct shard *s, uint64_t hash, const char *key)
{
    for (struct answer *a = *chain_of(s, hash); a; a = a->chain)
        if (a->hash == hash && strcmp(a->key, key) == 0)
            return a;
    return NULL;
}

static void drop(struct shard *s, struct answer *a)
{
    struct answer **at = chain_of(s, a->hash);
    while (*at != a)
        at = &(*at)->chain;
    *at = a->chain;
    list_remove(s, a);
    s->bytes -= a->bytes;
    s->entries--;
    answer_free(a);
}

/* ---- all of it ---- */

struct fc_shared_body *fc_forecast_cache_get(struct fc_forecast_cache *c, const char *key, fc_time now)
{
    const uint64_t hash = fc_hash_text(key);
    struct shard *s = shard_of(c, hash);
    struct fc_shared_body *body = NULL;
    pthread_mutex_lock(&s->lock);
    struct answer *a = find(s, hash, key);
    if (a) {
        const struct fc_stamps stamps = fc_forecast_cache_stamps(c, a->series);
        if (now < a->valid_until && stamps.series == a->stamps.series && stamps.models == a->stamps.models) {
            list_remove(s, a);
            list_add(s, a);
            body = fc_shared_body_ref(a->body);
        } else {
            drop(s, a);
        }
    }
    *(body ? &s->hits : &s->misses) += 1;
    pthread_mutex_unlock(&s->lock);
    return body;
}

void fc_forecast_cache_put(struct fc_forecast_cache *c, const char *key, const char *series, struct fc_stamps stamps, fc_time valid_until,
                           struct fc_shared_body *body, size_t bytes)
{
    const size_t weight = bytes + sizeof(struct answer) + strlen(key) + 1;
    if (weight > c->shard_bytes || weight < bytes || strlen(series) > FC_ID_MAX)
        return;
    struct answer *a = calloc(1, sizeof *a);
    if (!a || !(a->key = strdup(key))) {
        free(a);
        return;
    }
    strcpy(a->series, series);
    a->hash = fc_hash_text(key);
    a->stamps = stamps;
    a->valid_until = valid_until;
    a->body = fc_shared_body_ref(body);
    a->bytes = weight;

    struct shard *s = shard_of(c, a->hash);
    pthread_mutex_lock(&s->lock);
    struct answer *old = find(s, a->hash, key);
    if (old)
        drop(s, old);
    struct answer **chain = chain_of(s, a->hash);
    a->chain = *chain;
    *chain = a;
    list_add(s, a);
    s->bytes += weight;
    s->entries++;
    while (s->bytes > c->shard_bytes) /* never the new one: it fits alone */
        drop(s, s->oldest);
    pthread_mutex_unlock(&s->lock);
}

void fc_forecast_cache_get_stats(struct fc_forecast_cache *c, struct fc_forecast_cache_stats *out)
{
    struct fc_forecast_cache_stats t = {0, 0, 0, 0};
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *s = &c->shard[i];
        pthread_mutex_lock(&s->lock);
        t.hits += s->hits;
        t.misses += s->misses;
        t.entries += s->entries;
        t.bytes += s->bytes;
        pthread_mutex_unlock(&s->lock);
    }
    *out = t;
}
