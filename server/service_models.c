/* service_models.c: what the service keeps in memory: fitted models by (id, version) and insights by (series, revision).
 *
 * Both keys name immutable things, so nothing is ever invalidated; the least recently used goes when there is no room.
 * A model is loaded once: whoever comes while it loads waits for it. Entries on loan are never dropped. */
#include "service_parts.h"

#include "hash.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* ---- fitted models ---- */

#define MODELS_MAX 32

enum state { LOADING, LOADED, BROKEN };

struct entry {
    struct fc_held held;     /* what borrowers see */
    char id[FC_NAME_MAX];
    char *name;              /* owned, NULL when it has none */
    struct fc_model *model;  /* owned, when LOADED */
    size_t bytes;            /* of its weights */
    enum state state;
    struct fc_error error;   /* when BROKEN */
    unsigned loans;
    uint64_t used;           /* the cache's clock when it was lent last */
    struct entry *next;
};

struct fc_model_cache {
    struct fc_store *store;
    pthread_mutex_t lock;
    pthread_cond_t loaded;
    struct entry *first;
    size_t entries, bytes, max_bytes;
    uint64_t clock;
};

static void entry_free(struct entry *m)
{
    fc_model_free(m->model);
    free(m->name);
    free(m);
}

enum fc_status fc_model_cache_new(struct fc_store *store, size_t max_bytes, struct fc_model_cache **out, struct fc_error *e)
{
    struct fc_model_cache *c = calloc(1, sizeof *c);
    if (!c)
        return fc_fail_nomem(e, sizeof *c);
    c->store = store;
    c->max_bytes = max_bytes;
    pthread_mutex_init(&c->lock, NULL); /* cannot fail with default attributes */
    pthread_cond_init(&c->loaded, NULL);
    *out = c;
    return FC_OK;
}

void fc_model_cache_free(struct fc_model_cache *c)
{
    if (!c)
        return;
    for (struct entry *m = c->first, *next; m; m = next) {
        next = m->next;
        entry_free(m);
    }
    pthread_cond_destroy(&c->loaded);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

static void unlink_entry(struct fc_model_cache *c, struct entry *m)
{
    struct entry **at = &c->first;
    while (*at != m)
        at = &(*at)->next;
    *at = m->next;
    c->entries--;
    c->bytes -= m->bytes;
}

/* Drops the least recently lent entries until the bounds hold or only the one lent last and those on loan are left: a model that is larger than the
 * bound would be read again for every answer. Lock held. */
static void make_room(struct fc_model_cache *c)
{
    while (c->entries > MODELS_MAX || c->bytes > c->max_bytes) {
        struct entry *oldest = NULL;
        for (struct entry *m = c->first; m; m = m->next)
            if (m->loans == 0 && m->used < c->clock && (!oldest || m->used < oldest->used))
                oldest = m;
        if (!oldest)
            return;
        unlink_entry(c, oldest);
        entry_free(oldest);
    }
}

/* Reads the version and its weights into the entry, which only this thread touches while it is LOADING. */
static enum fc_status load(struct fc_model_cache *c, struct entry *m, size_t *bytes, struct fc_error *e)
{
    struct fc_model_row row;
    struct fc_blob blob;
    memset(&row, 0, sizeof row);
    memset(&blob, 0, sizeof blob);
    enum fc_status status = fc_store_model_get(c->store, m->id, m->held.version, &row, e);
    if (status)
        return status;
    m->name = row.name;
    row.name = NULL;
    fc_model_row_free(&row);
    status = fc_store_model_weights(c->store, m->id, m->held.version, &blob, e);
    if (status)
        return status;
    status = fc_model_load(blob.data, blob.n, &m->model, e);
    *bytes = blob.n;
    free(blob.data);
    return status;
}

static struct entry *find(struct fc_model_cache *c, const char *id, int version)
{
    for (struct entry *m = c->first; m; m = m->next)
        if (m->held.version == version && strcmp(m->id, id) == 0)
            return m;
    return NULL;
}

/* A loan ends; a broken entry goes with its last one. Lock held. */
static void end_loan(struct entry *m)
{
    if (--m->loans == 0 && m->state == BROKEN)
        entry_free(m);
}

/* Makes the entry, loads it outside the lock (held on entry and on return) and tells those who wait. */
static struct entry *load_new(struct fc_model_cache *c, const char *id, int version)
{
    struct entry *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    strcpy(m->id, id); /* the caller checked its length */
    m->held = (struct fc_held){.id = m->id, .version = version};
    m->state = LOADING;
    m->loans = 1;
    m->next = c->first;
    c->first = m;
    c->entries++;
    pthread_mutex_unlock(&c->lock);
    size_t bytes = 0;
    const enum fc_status status = load(c, m, &bytes, &m->error);
    pthread_mutex_lock(&c->lock);
    if (status) {
        m->state = BROKEN; /* not kept: the next who asks tries again */
        unlink_entry(c, m);
    } else {
        m->state = LOADED;
        m->held.model = m->model;
        m->held.name = m->name;
        m->bytes = bytes;
        c->bytes += bytes;
    }
    pthread_cond_broadcast(&c->loaded);
    return m;
}

enum fc_status fc_model_cache_hold(struct fc_model_cache *c, const char *id, int version, const struct fc_held **out, struct fc_error *e)
{
    if (strlen(id) >= FC_NAME_MAX)
        return fc_fail(e, FC_NOT_FOUND, "unknown_model", "there is no model \"%s\"", id);
    enum fc_status status = FC_OK;
    pthread_mutex_lock(&c->lock);
    struct entry *m = find(c, id, version);
    if (m) {
        m->loans++;
        while (m->state == LOADING)
            pthread_cond_wait(&c->loaded, &c->lock);
    } else {
        m = load_new(c, id, version);
    }
    if (!m) {
        status = fc_fail_nomem(e, sizeof *m);
    } else if (m->state == BROKEN) {
        status = m->error.status;
        if (e)
            *e = m->error;
        end_loan(m);
    } else {
        m->used = ++c->clock;
        make_room(c);
        *out = &m->held;
    }
    pthread_mutex_unlock(&c->lock);
    return status;
}

void fc_model_cache_release(struct fc_model_cache *c, const struct fc_held *h)
{
    if (!h)
        return;
    pthread_mutex_lock(&c->lock);
    struct entry *m = find(c, h->id, h->version);
    if (m) /* always: what is on loan stays listed */
        end_loan(m);
    make_room(c);
    pthread_mutex_unlock(&c->lock);
}

/* ---- insights ---- */

#define SETS 1024
#define WAYS 4 /* entries a set; 4,096 series in all */

struct seen {
    char series[FC_ID_MAX + 1]; /* "" when free */
    fc_time created_at;         /* of this incarnation of the series */
    int64_t revision;
    struct fc_insight insight;
    uint64_t used;
};

struct fc_insight_cache {
    pthread_mutex_t lock;
    uint64_t clock;
    struct seen seen[SETS][WAYS];
};

enum fc_status fc_insight_cache_new(struct fc_insight_cache **out, struct fc_error *e)
{
    struct fc_insight_cache *c = calloc(1, sizeof *c);
    if (!c)
        return fc_fail_nomem(e, sizeof *c);
    pthread_mutex_init(&c->lock, NULL);
    *out = c;
    return FC_OK;
}

void fc_insight_cache_free(struct fc_insight_cache *c)
{
    if (!c)
        return;
    pthread_mutex_destroy(&c->lock);
    free(c);
}

bool fc_insight_cache_get(struct fc_insight_cache *c, const struct fc_series_row *row, struct fc_insight *out)
{
    bool found = false;
    pthread_mutex_lock(&c->lock);
    struct seen *set = c->seen[fc_hash_text(row->id) % SETS];
    for (size_t i = 0; i < WAYS && !found; i++) {
        if (set[i].revision != row->revision || set[i].created_at != row->created_at || strcmp(set[i].series, row->id) != 0)
            continue;
        *out = set[i].insight;
        set[i].used = ++c->clock;
        found = true;
    }
    pthread_mutex_unlock(&c->lock);
    return found;
}

/* True when what is seen is newer than the row: a slow reader must not put an old revision over it. */
static bool newer(const struct seen *s, const struct fc_series_row *row)
{
    return s->created_at != row->created_at ? s->created_at > row->created_at : s->revision > row->revision;
}

void fc_insight_cache_put(struct fc_insight_cache *c, const struct fc_series_row *row, const struct fc_insight *in)
{
    pthread_mutex_lock(&c->lock);
    struct seen *set = c->seen[fc_hash_text(row->id) % SETS], *place = &set[0];
    for (size_t i = 0; i < WAYS; i++) {
        if (strcmp(set[i].series, row->id) == 0) {
            place = newer(&set[i], row) ? NULL : &set[i];
            break;
        }
        if (set[i].used < place->used)
            place = &set[i];
    }
    if (place) {
        strcpy(place->series, row->id); /* both hold FC_ID_MAX bytes */
        place->created_at = row->created_at;
        place->revision = row->revision;
        place->insight = *in;
        place->used = ++c->clock;
    }
    pthread_mutex_unlock(&c->lock);
}
