/* method.h: the table of forecasting methods. One row each: networks name their cell, classical methods bring a function. */
#ifndef FC_METHOD_H
#define FC_METHOD_H

#include "series.h"

struct fc_method {
    const char *name;
    const char *title;   /* opens sentences: "The seasonal naive method" */
    const char *cell;    /* networks: the row of the cell table that is taken when none is named; NULL for classical methods */
    /* Classical methods: the next K values after x[n], n >= 1, all finite; season m >= 1 (m may exceed n). NULL for networks. Pure. */
    void (*point)(const double *x, size_t n, size_t m, size_t K, double *out);
    bool choose;         /* the validated better of network and fallback serves; any cell may be named */
};
extern const struct fc_method fc_methods[]; /* ends with a row whose name is NULL */
const struct fc_method *fc_method_find(const char *name);
/* The classical method that answers when there is no model, and that networks are compared with: the seasonal naive. */
extern const struct fc_method *const fc_method_fallback;
/* The row that answers where a method's network does not: the method itself when it is classical, else the fallback. */
const struct fc_method *fc_method_classical(const struct fc_method *m);

/* x̂_{n+h} = x_{n+h−m⌈h/m⌉}: the last season repeated (Hyndman and Athanasopoulos, Forecasting, 5.2); the last value when m is 1 or the series shorter than m. */
void fc_seasonal_naive(const double *x, size_t n, size_t m, size_t K, double *out);

#endif
