/* codec_points_build.c: see codec_points_build.h. */
#include "codec_points_build.h"

#include <string.h>

#define FIRST_CAP 16

enum fc_status fc_build_precision(const char **precision, struct fc_error *e)
{
    fc_time unused;
    if (!*precision)
        *precision = "s";
    return fc_time_from_number(0, *precision, &unused, e);
}

void fc_build_free(struct fc_build *b)
{
    free(b->time);
    free(b->value);
    free(b->ids);
    free(b->entry);
    *b = (struct fc_build){0};
}

void fc_upload_free(struct fc_upload *u)
{
    free(u->series);
    free(u->owned.time);
    free(u->owned.value);
    free(u->owned.ids);
    *u = (struct fc_upload){0};
}

enum fc_status fc_build_grow(void *items, size_t size, size_t *cap, size_t want, struct fc_error *e)
{
    size_t to = *cap ? *cap : FIRST_CAP;
    void *old;
    memcpy(&old, items, sizeof old); /* items points to a pointer of any type */
    while (to < want) {
        if (to > SIZE_MAX / 2 / size)
            return fc_fail_nomem(e, SIZE_MAX);
        to *= 2;
    }
    void *grown = realloc(old, to * size);
    if (!grown)
        return fc_fail_nomem(e, to * size);
    memcpy(items, &grown, sizeof grown);
    *cap = to;
    return FC_OK;
}

enum fc_status fc_build_add_id(struct fc_build *b, const char *id, size_t n, struct fc_error *e)
{
    enum fc_status s = b->ids_n + n + 1 > b->ids_cap ? fc_build_grow(&b->ids, 1, &b->ids_cap, b->ids_n + n + 1, e) : FC_OK;
    if (s != FC_OK)
        return s;
    memcpy(b->ids + b->ids_n, id, n);
    b->ids[b->ids_n + n] = 0;
    b->ids_n += n + 1;
    return FC_OK;
}

enum fc_status fc_build_add_entry(struct fc_build *b, const struct fc_points_write *entry, struct fc_error *e)
{
    enum fc_status s = b->n == b->cap ? fc_build_grow(&b->entry, sizeof *b->entry, &b->cap, b->n + 1, e) : FC_OK;
    if (s == FC_OK)
        b->entry[b->n++] = *entry;
    return s;
}

static int compare_ids(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted, so that no choice of ids makes it slow. */
static enum fc_status count_distinct(const struct fc_points_write *w, size_t n, size_t *distinct, struct fc_error *e)
{
    const char **id = malloc(n * sizeof *id);
    if (!id)
        return fc_fail_nomem(e, n * sizeof *id);
    for (size_t i = 0; i < n; i++)
        id[i] = w[i].id;
    qsort(id, n, sizeof *id, compare_ids);
    *distinct = 1;
    for (size_t i = 1; i < n; i++)
        *distinct += strcmp(id[i], id[i - 1]) != 0;
    free(id);
    return FC_OK;
}

enum fc_status fc_build_finish(struct fc_build *b, const char *id, struct fc_upload *out, struct fc_error *e)
{
    size_t from = 0, distinct = 1;
    const char *next = b->ids;
    for (size_t i = 0; i < b->n; i++) {
        struct fc_points_write *w = &b->entry[i];
        w->time = b->time + from;
        w->value = b->value + from;
        w->id = id ? id : next;
        from += w->n;
        if (!id)
            next += strlen(next) + 1;
    }
    enum fc_status s = b->n > 1 ? count_distinct(b->entry, b->n, &distinct, e) : FC_OK;
    if (s != FC_OK)
        return s;
    *out = (struct fc_upload){b->entry, b->n, distinct, from, {b->time, b->value, b->ids}};
    *b = (struct fc_build){0};
    return FC_OK;
}
