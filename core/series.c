/* series.c: owners of the plain data structs of series.h, and the table of aggregates. Any thread. */
#include "series.h"

#include <stdlib.h>
#include <string.h>

static const char *const aggregates[FC_AGGREGATES] = {
    [FC_MEAN] = "mean", [FC_SUM] = "sum", [FC_LAST] = "last", [FC_MAX] = "max", [FC_MIN] = "min", [FC_COUNT] = "count",
};

const char *fc_aggregate_name(enum fc_aggregate a)
{
    return (unsigned)a < FC_AGGREGATES ? aggregates[a] : "";
}

int fc_aggregate_find(const char *name)
{
    for (int i = 0; i < FC_AGGREGATES; i++)
        if (strcmp(aggregates[i], name) == 0)
            return i;
    return -1;
}

void fc_points_free(struct fc_points *p)
{
    free(p->time);
    free(p->value);
    *p = (struct fc_points){ 0 };
}

enum fc_status fc_points_reserve(struct fc_points *p, size_t n, struct fc_error *e)
{
    size_t room = n ? n : 1; /* realloc to zero bytes would free */
    if (room > SIZE_MAX / sizeof *p->time)
        return fc_fail_nomem(e, SIZE_MAX);
    /* Each pointer is stored as soon as it has moved, so that a failure of the second leaves nothing dangling. */
    fc_time *time = realloc(p->time, room * sizeof *time);
    if (!time)
        return fc_fail_nomem(e, room * sizeof *time);
    p->time = time;
    double *value = realloc(p->value, room * sizeof *value);
    if (!value)
        return fc_fail_nomem(e, room * sizeof *value);
    p->value = value;
    return FC_OK;
}

void fc_series_free(struct fc_series *s)
{
    free(s->value);
    free(s->observed);
    *s = (struct fc_series){ 0 };
}

fc_time fc_series_time(const struct fc_series *s, size_t i)
{
    return fc_step_at_day(s->step, s->start, s->month_day, (int64_t)i);
}

bool fc_series_constant(const struct fc_series *s)
{
    size_t first = 0;
    while (first < s->n && !s->observed[first])
        first++;
    for (size_t i = first; i < s->n; i++)
        if (s->observed[i] && s->value[i] != s->value[first])
            return false;
    return true;
}
