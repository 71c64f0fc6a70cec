/* methods.c: the table of forecasting methods. See method.h. */
#include "method.h"

#include <string.h>

const struct fc_method fc_methods[] = {
    {.name = "auto", .title = "The better of network and seasonal naive", .cell = "gru", .choose = true},
    {.name = "gru", .title = "A GRU network", .cell = "gru"},
    {.name = "seasonal_naive", .title = "The seasonal naive method", .point = fc_seasonal_naive},
    {.name = NULL},
};
const struct fc_method *const fc_method_fallback = &fc_methods[2];

const struct fc_method *fc_method_find(const char *name)
{
    for (const struct fc_method *m = fc_methods; m->name; m++)
        if (strcmp(m->name, name) == 0)
            return m;
    return NULL;
}

const struct fc_method *fc_method_classical(const struct fc_method *m)
{
    return m->point ? m : fc_method_fallback;
}
