/* model.h: what the daemon asks of the numeric core: fit a model on many series, forecast one, save and load it.
 *
 * No HTTP, JSON, SQL or clock in here. A fitted model is immutable: any number of threads may forecast with it at once.
 * Same binary, kernel, seed and data: same bytes, for any number of lanes. */
#ifndef FC_MODEL_H
#define FC_MODEL_H

#include "buf.h"
#include "series.h"

#define FC_LEVELS 16       /* at most so many interval levels a forecast */
#define FC_HORIZON_MAX 10000
#define FC_WORD 32         /* room for a name out of a table */

/* The specification of a model. fc_spec_init gives "choose for me" (0, NaN or "" as noted); fc_model_fit fills every field in. */
struct fc_spec {
    char method[FC_WORD];      /* a row of the method table: "auto" by default */
    uint32_t horizon;          /* steps ahead, 1 to FC_HORIZON_MAX; required */
    uint32_t lookback;         /* steps of input; 0: chosen from season and length */
    struct fc_season season;   /* n = 0: chosen from the series */
    char scaling[FC_WORD];     /* a row of the scaler table; "": chosen */
    char loss[FC_WORD];        /* a row of the loss table; "": chosen */
    char cell[FC_WORD];        /* a row of the cell table; "": chosen */
    uint32_t layers, hidden, patch; /* 0: chosen */
    uint32_t epochs, batch, patience; /* 0: chosen */
    double learning_rate, clip_norm;  /* NaN: chosen */
    uint64_t seed;             /* 1 by default */
    double time_limit;         /* seconds; NaN: 300 */
};
void fc_spec_init(struct fc_spec *s);
/* Checks names against the tables and numbers against their ranges; the pointer of the error is the JSON pointer of the field in the API. FC_INVALID. */
FC_MUST_CHECK enum fc_status fc_spec_check(const struct fc_spec *s, struct fc_error *e);

/* Fork and join over the training lanes: runs task(arg, i) once for each i in [0, n), on any thread, in any order, and returns when all are done. */
struct fc_lanes {
    void *ctx;
    void (*run)(void *ctx, size_t n, void (*task)(void *arg, size_t i), void *arg);
};
extern const struct fc_lanes fc_lanes_serial; /* one after the other, on the caller's thread */

struct fc_progress {
    double fraction;               /* of the planned work, 0 to 1 */
    uint32_t epoch, epochs;        /* of the fit that runs now */
    double loss, validation_loss, gradient_norm; /* of the epoch; NaN when not known */
};
struct fc_hooks {
    void *ctx;
    bool (*stop)(void *ctx);                                    /* polled at least every 100 ms of work: true cancels (FC_CANCELLED) */
    bool (*time_up)(void *ctx);                                 /* true ends the training early with the best weights so far */
    void (*progress)(void *ctx, const struct fc_progress *p);   /* once an epoch, on the thread that called fit */
};

struct fc_metrics {
    double mae, rmse, smape, mase;      /* NaN when not known; smape 0 to 200; of the median */
    size_t n;                           /* scored values */
    size_t nlevels;
    double level[FC_LEVELS], coverage[FC_LEVELS], mean_width[FC_LEVELS]; /* level in percent, coverage 0 to 1 */
};

struct fc_calibration {
    char method[FC_WORD]; /* "conformal", or "none" */
    char scope[FC_WORD];  /* "pooled" over series, or "series" */
    size_t origins;       /* forecast origins a series */
    size_t scores;        /* scores a horizon step */
};

struct fc_epoch { double loss, validation_loss, gradient_norm; };

#define FC_WARNINGS 12
struct fc_warnings { size_t n; char code[FC_WARNINGS][FC_WORD]; }; /* no code twice */
void fc_warn(struct fc_warnings *w, const char *code);

/* What a fit has to tell. fc_report_free. */
struct fc_report {
    struct fc_metrics metrics, seasonal_naive; /* on origins that trained, stopped, chose and calibrated nothing */
    struct fc_calibration calibration;
    struct fc_epoch *history; size_t nhistory; /* owned; the fit that stopped and chose */
    struct fc_warnings warnings;               /* e.g. time_limit_reached, too_short_for_network */
    char answers[FC_WORD];                     /* the method that serves, e.g. "gru" */
    unsigned char *trained;                    /* owned [nseries]: 1 when the series took part */
    char (*skipped)[FC_WORD];                  /* owned [nseries]: why not ("no_observations", …), "" when it took part */
};
void fc_report_free(struct fc_report *r);

struct fc_model; /* opaque */

/* Fits the specification on nseries cleaned series of one step. spec is filled in. levels (percent) are those that the report scores.
 * FC_INVALID "nothing_to_train" when no series could take part, FC_CANCELLED, FC_NUMERIC "not_finite" (names epoch and batch), FC_NOMEM. */
FC_MUST_CHECK enum fc_status fc_model_fit(struct fc_spec *spec, const struct fc_series *series, size_t nseries, const double *levels, size_t nlevels,
                                          const struct fc_lanes *lanes, const struct fc_hooks *hooks, struct fc_model **out, struct fc_report *report, struct fc_error *e);
void fc_model_free(struct fc_model *m);
const struct fc_spec *fc_model_spec(const struct fc_model *m);
struct fc_step fc_model_step(const struct fc_model *m);
/* How many newest grid values a forecast of this model reads at most. */
size_t fc_model_needs(const struct fc_model *m);

/* A forecast on the grid after the last value of the series. fc_forecast_free. */
struct fc_forecast {
    char method[FC_WORD];           /* who answered: "gru", "seasonal_naive", … */
    struct fc_calibration calibration;
    struct fc_warnings warnings;    /* beyond_trained_horizon, level_beyond_calibration, short_series, constant_series, … */
    char why[256];                  /* a sentence: who answered and why */
    size_t n, nlevels;
    fc_time *time;                  /* [n] owned */
    double *mean, *median;          /* [n] owned */
    double level[FC_LEVELS];        /* percent, ascending */
    double *lower, *upper;          /* [nlevels][n] owned, nested and around the median, within the series' bounds */
};
void fc_forecast_free(struct fc_forecast *f);
/* levels: percent, each above 0 and below 100. Errors: FC_INVALID "no_observations", "step_mismatch"; FC_NOMEM. */
FC_MUST_CHECK enum fc_status fc_model_forecast(const struct fc_model *m, const struct fc_series *s, size_t horizon, const double *levels, size_t nlevels,
                                               struct fc_forecast *out, struct fc_error *e);
/* The same without any model: a classical method and the errors it made on the series itself. Adds the warning no_model. */
FC_MUST_CHECK enum fc_status fc_classical_forecast(const struct fc_series *s, size_t horizon, const double *levels, size_t nlevels,
                                                   struct fc_forecast *out, struct fc_error *e);

/* Bytes with magic, version, named tensors and a checksum; and back. FC_CORRUPT "model_corrupt" when they are not whole. */
FC_MUST_CHECK enum fc_status fc_model_save(const struct fc_model *m, struct fc_buf *out, struct fc_error *e);
FC_MUST_CHECK enum fc_status fc_model_load(const void *bytes, size_t n, struct fc_model **out, struct fc_error *e);

#endif
