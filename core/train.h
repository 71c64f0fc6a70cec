/* train.h: the fit of one network on windows: shuffled batches over the training lanes, Adam, clipping, early stopping.
 *
 * A batch is cut into at most FC_SHARDS shards of fixed bounds, each with a gradient of its own; these are added in shard order. So the numbers
 * do not depend on how many lanes there are. Nothing is allocated inside an epoch. */
#ifndef FC_TRAIN_H
#define FC_TRAIN_H

#include "loss.h"
#include "model.h"
#include "network.h"
#include "window.h"

#define FC_SHARDS 8

struct fc_fit_options {
    const struct fc_loss *loss;
    uint32_t epochs;      /* of the learning-rate schedule */
    uint32_t run_epochs;  /* how many of them are run; epochs for all */
    uint32_t batch;
    uint32_t patience;    /* epochs without a better validation loss that end the fit; 0: never */
    double learning_rate, clip_norm;
    uint64_t seed;
};

/* Windows over a pool of tracks. */
struct fc_pool {
    const struct fc_track *track;
    const struct fc_window *window;
    size_t windows;
};

struct fc_fit_result {
    struct fc_epoch *history; /* [epochs run] owned by the caller: free() */
    uint32_t epochs;          /* epochs run */
    uint32_t best_epoch;      /* whose weights these are, from 1 */
    bool time_up;             /* ended early by hooks.time_up */
};

/* Fits params (started by the caller) on `training`; `validation` (windows 0: none) stops it, and the best epoch's weights stay. Errors: FC_CANCELLED,
 * FC_NUMERIC "not_finite" naming epoch and batch, FC_NOMEM. */
FC_MUST_CHECK enum fc_status fc_fit(const struct fc_network *net, const struct fc_window_plan *plan, const struct fc_fit_options *o, const struct fc_pool *training,
                                    const struct fc_pool *validation, const struct fc_lanes *lanes, const struct fc_hooks *hooks, fc_real *params,
                                    struct fc_fit_result *result, struct fc_error *e);

/* z[windows][K]: the network's answer for each window, in the scaler's space. FC_CANCELLED, FC_NOMEM. */
FC_MUST_CHECK enum fc_status fc_answer_windows(const struct fc_network *net, const struct fc_window_plan *plan, const fc_real *params, const struct fc_pool *pool,
                                               const struct fc_lanes *lanes, const struct fc_hooks *hooks, double *z, struct fc_error *e);
/* The same for the single window that ends before z_end, without lanes. */
FC_MUST_CHECK enum fc_status fc_answer_one(const struct fc_network *net, const struct fc_window_plan *plan, const fc_real *params, const double *z_end, double *z,
                                           struct fc_error *e);

#endif
