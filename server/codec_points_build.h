/* codec_points_build.h: the arrays that an upload grows in, shared by the JSON and the CSV decoder and by nobody else.
 *
 * Series come one after the other: entry i owns the next entry[i].n of time and value, and the next NUL-terminated text of ids (when many).
 * Pointers are set by fc_build_finish, once nothing moves any more. */
#ifndef FC_CODEC_POINTS_BUILD_H
#define FC_CODEC_POINTS_BUILD_H

#include "codec_points.h"

#include <stdlib.h>

struct fc_build {
    fc_time *time;   /* [times] owned */
    double *value;   /* [values] owned */
    char *ids;       /* [ids_n] owned */
    struct fc_points_write *entry; /* [n] owned; n, step and season are set */
    size_t times, time_cap, values, value_cap, ids_n, ids_cap, n, cap;
};

/* Fills in the precision that numbers have where none is named, and refuses one that is unknown. */
FC_MUST_CHECK enum fc_status fc_build_precision(const char **precision, struct fc_error *e);
void fc_build_free(struct fc_build *b);
/* Makes *items (of size bytes, *cap of them) hold at least want; doubles. */
FC_MUST_CHECK enum fc_status fc_build_grow(void *items, size_t size, size_t *cap, size_t want, struct fc_error *e);
FC_MUST_CHECK enum fc_status fc_build_add_id(struct fc_build *b, const char *id, size_t n, struct fc_error *e);
FC_MUST_CHECK enum fc_status fc_build_add_entry(struct fc_build *b, const struct fc_points_write *entry, struct fc_error *e);
/* Moves everything into *out. id: of the only entry, NULL when the ids were added. */
FC_MUST_CHECK enum fc_status fc_build_finish(struct fc_build *b, const char *id, struct fc_upload *out, struct fc_error *e);

/* Once a point: inline. */
static inline enum fc_status fc_build_add_time(struct fc_build *b, fc_time t, struct fc_error *e)
{
    if (b->times == b->time_cap) {
        enum fc_status s = fc_build_grow(&b->time, sizeof *b->time, &b->time_cap, b->times + 1, e);
        if (s != FC_OK)
            return s;
    }
    b->time[b->times++] = t;
    return FC_OK;
}

static inline enum fc_status fc_build_add_value(struct fc_build *b, double x, struct fc_error *e)
{
    if (b->values == b->value_cap) {
        enum fc_status s = fc_build_grow(&b->value, sizeof *b->value, &b->value_cap, b->values + 1, e);
        if (s != FC_OK)
            return s;
    }
    b->value[b->values++] = x;
    return FC_OK;
}

#endif
