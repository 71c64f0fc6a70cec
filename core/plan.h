/* plan.h: what a training will do, decided from the shape of the data alone (never from the clock). Inside core.
 *
 * The newest values of each series are cut into three spans of K + o − 1 values, o origins each:
 *   … trains | chooses (stops the training, network or naive) | calibrates | reports |
 * so that what chose, calibrated and reports never shares a value as its target. The seasons of a series come with it: where they were inferred, it was from all
 * its values, the held-back ones too. */
#ifndef FC_PLAN_H
#define FC_PLAN_H

#include "model_parts.h"

struct fc_plan {
    bool network;          /* there is enough data to train and to judge a network */
    const struct fc_method *classical;
    size_t m1;             /* first season, 1 when none */
    size_t origins, span;  /* o and K + o − 1; origins 0: not enough for spans */
    uint32_t stride;       /* between the training windows of a series */
    struct fc_window_plan window;
    struct fc_shape shape;
};

/* Fills in spec and *plan. use[i]: the series takes part. Series that are used have at least one observation. */
void fc_plan_make(struct fc_spec *spec, const struct fc_series *series, const unsigned char *use, size_t nseries, struct fc_plan *plan);

#endif
