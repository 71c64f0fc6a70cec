/* model_parts.h: what a fitted model consists of; shared by the stages of core that make (fit.c), use (forecast.c) and keep (model_file.c) it. */
#ifndef FC_MODEL_PARTS_H
#define FC_MODEL_PARTS_H

#include "interval.h"
#include "method.h"
#include "model.h"
#include "network.h"
#include "window.h"

struct fc_model {
    struct fc_spec spec;          /* filled in */
    struct fc_step step;
    bool network;                 /* a network serves where a series is long enough; else the classical method alone */
    bool pooled;                  /* more than one series calibrated it */
    struct fc_window_plan plan;   /* network only */
    struct fc_network net;        /* network only */
    fc_real *params;              /* [net.params] owned, network only */
    struct fc_intervals network_intervals, naive_intervals; /* owned; naive ones in the raw space */
};

/* How a model's calibration is called: "pooled" over series or of the one "series". */
const char *fc_scope(const struct fc_model *m);
/* The space of classical methods: raw values in units of the series' noise. */
const struct fc_scaler *fc_classical_scaler(void);
/* The first season, 1 when there is none; the second that windows use, 0 when there is none. */
size_t fc_first_season(const struct fc_season *s);
/* How many of the newest values say what noise there is; fc_model_needs adds the lookback. */
#define FC_NOISE_VALUES 4000
/* One row of scores: (z_{o+h} − ẑ_h) / u_h at one origin of a track; NaN where nothing was observed or the noise is zero. units: [K] room. */
void fc_score_row(const struct fc_track *t, size_t origin, size_t m, size_t K, const fc_real *answer, double *units, float *row);
/* A classical method's answer at an origin of a track, in the track's space (which is raw). room: [K]. */
void fc_classical_answer(const struct fc_method *method, const struct fc_track *t, size_t origin, size_t m, size_t K, double *room, fc_real *z);

#endif
