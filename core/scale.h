/* scale.h: from values to the numbers that a network learns, and back. One row of the table per scaler.
 *
 * A scaler names a space and a spread. The space: raw, z = x / S, or log, z = ln max(x, ε·S), where S is the series' own noise: the mean of
 * |x_t − x_{t−m}|. The spread: each window is centred on its level (the mean of its last season) and, where the row says so, divided by its
 * standard deviation. N = (z − level) / spread. Pure, any thread. */
#ifndef FC_SCALE_H
#define FC_SCALE_H

#include "real.h"
#include "series.h"

struct fc_scaler {
    const char *name;
    bool log;        /* the space is logarithmic: positive values only */
    bool standard;   /* divide by the window's standard deviation plus floor */
    double floor;
    bool skip;       /* a linear skip beside the network pays in this space (measured on M4 hourly) */
    bool identity;   /* z = x to the last bit: the space of classical methods, not in the table */
};
extern const struct fc_scaler fc_scalers[]; /* ends with a row whose name is NULL */
const struct fc_scaler *fc_scaler_find(const char *name);
extern const struct fc_scaler fc_scaler_classical;

/* Mean of |x_t − x_{t−m}| over the last n values; m = 1 when the season is longer than the data; 1 when that is 0. */
double fc_noise_scale(const double *x, size_t n, size_t m);
double fc_scale_forward(const struct fc_scaler *s, double S, double x);
double fc_scale_inverse(const struct fc_scaler *s, double S, double z);

/* The numbers of one series in a scaler's space, in double: a large level must not cost the digits of small changes. */
struct fc_track {
    double *z;                     /* [n] owned; the same array as x when the scaler is the identity */
    const unsigned char *observed; /* [n] borrowed */
    const double *x;               /* [n] borrowed */
    size_t n;
    double S;
};
/* The series outlives the track. FC_INVALID "out_of_range" when a value leaves what the networks' float can hold; FC_NOMEM. */
FC_MUST_CHECK enum fc_status fc_track_init(struct fc_track *t, const struct fc_scaler *scaler, const struct fc_series *s, double S, struct fc_error *e);
void fc_track_close(struct fc_track *t);

#endif
