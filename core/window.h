/* window.h: sliding windows as views into tracks: nothing is copied until a batch is gathered. Pure, any thread.
 *
 * Letters: L lookback = P·T, K horizon, m the first season. A window at origin o of a track reads z[o−L..o) and is asked for z[o..o+K).
 *   level  = mean of the last m values (the last value when m = 1)
 *   spread = the scaler's (1 when it has none)
 *   N      = (z − level) / spread
 *   base_h = ½ N[o−m1+h mod m1] + ½ N[o−m2+h mod m2]   (the second season when it fits into L; else the first alone; m = 1: the last value)
 * The network learns target − base, so that an untrained one already is a seasonal naive. */
#ifndef FC_WINDOW_H
#define FC_WINDOW_H

#include "scale.h"

struct fc_window_plan {
    const struct fc_scaler *scaler;
    size_t P, T, K;  /* patch, patches, horizon */
    size_t m1, m2;   /* seasons in steps, 1 for none; m2 = 0 when there is no second one */
};

struct fc_window { uint32_t track, origin; };

/* What undoes a window's normalisation. */
struct fc_window_norm { double level, spread; };

/* Reads the L values before z_end. x: patch p of row `row` of `rows` goes to x[(p·rows + row)·P]; base: [K] in units of N. */
struct fc_window_norm fc_window_input(const struct fc_window_plan *w, const double *z_end, size_t row, size_t rows, fc_real *x, fc_real *base);
/* target[h] = N[o+h] − base[h]; weight[h] = spread, or 0 where nothing was observed. z, observed: at the origin. */
void fc_window_target(const struct fc_window_plan *w, const double *z, const unsigned char *observed, const fc_real *base, struct fc_window_norm norm,
                      fc_real *target, fc_real *weight);
size_t fc_window_lookback(const struct fc_window_plan *w);

#endif
