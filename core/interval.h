/* interval.h: split-conformal prediction intervals by horizon step (Vovk et al. 2005; Lei et al. 2018), scaled by the local noise of the series.
 *
 * A score is the error of a forecast at an origin that neither trained nor stopped nor chose anything, in the scaler's space and in units of the
 * series' noise there: s_h = (z_{o+h} − ẑ_h) / u_h. Scores of all series are pooled step by step; where a step has too few of them,
 * neighbouring steps join. The interval at level p is ẑ_h ± q_h·u_h with q_h the ⌈(n+1)p⌉-th smallest |s_h|: it covers at least p when future scores are
 * exchangeable with these. Scores are winsorised at FC_SCORE_CAP medians: one past level shift must not widen every interval for ever. Without any
 * score, errors are taken for normal with the noise as their mean size. Fitted tables are immutable: any thread. */
#ifndef FC_INTERVAL_H
#define FC_INTERVAL_H

#include "series.h"

#define FC_SCORES_WANTED 60   /* a step with fewer scores borrows from its neighbours */
#define FC_SCORES_KEPT 1000   /* order statistics kept a step; more are thinned evenly */
#define FC_NOISE_SEASONS 14   /* seasons whose changes say how noisy a series is now */
#define FC_SCORE_CAP 20       /* medians of |s|; beyond the 99.99 % quantile of normal errors, and of any whose tail is not a shift */
#define FC_SIGNED_KEPT 25     /* quantiles of the signed scores kept a step, for the expected value */

struct fc_intervals {
    size_t K;        /* horizon steps */
    size_t origins;  /* forecast origins a series */
    size_t scores;   /* scores behind the step that has the fewest; 0: not calibrated */
    uint32_t *n;     /* [K] owned: scores behind each step, before thinning */
    uint32_t *kept;  /* [K] owned: order statistics kept, at most width */
    size_t width;    /* the largest of kept, at most FC_SCORES_KEPT */
    float *absolute; /* [K][width] owned: |s|, ascending */
    float *signed_;  /* [K][FC_SIGNED_KEPT] owned: quantiles of s − median(s) at (i+½)/FC_SIGNED_KEPT */
};

/* The noise of a series just before an origin, a unit a horizon step: half the mean of |z_t − z_{t−m}| over the last 14 seasons, half the same at the
 * step's own phase of the season. z_end points behind the last known value, n values before it are there. Constant series: 0. */
void fc_noise_units(const double *z_end, size_t n, size_t m, size_t K, double *unit);

/* scores: [rows][K], NaN where nothing was observed. rows may be 0. FC_NOMEM. */
FC_MUST_CHECK enum fc_status fc_intervals_fit(const float *scores, size_t rows, size_t K, size_t origins, struct fc_intervals *out, struct fc_error *e);
FC_MUST_CHECK enum fc_status fc_intervals_reserve(size_t K, size_t width, struct fc_intervals *out, struct fc_error *e);
void fc_intervals_free(struct fc_intervals *iv);
/* q_h for a level in percent; step h counts from 0, those at or beyond K use the last. *supported turns false when there are too few scores: then the
 * largest level that they support is stretched as a normal distribution would be. */
double fc_interval_quantile(const struct fc_intervals *iv, size_t h, double level, bool *supported);

#endif
