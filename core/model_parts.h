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
    const struct fc_method *classical; /* the row that serves without a network; never NULL */
    bool pooled;                  /* more than one series calibrated it */
    struct fc_window_plan plan;   /* network only */
    struct fc_network net;        /* network only */
    fc_real *params;              /* [net.params] owned, network only */
    struct fc_intervals network_intervals, classical_intervals; /* owned; the classical ones in their own space */
};

/* How a model's calibration is called: "pooled" over series or of the one "series". */
const char *fc_scope(const struct fc_model *m);
/* The first season, 1 when there is none; the second that windows use, 0 when there is none. */
size_t fc_first_season(const struct fc_season *s);
/* A line of numbers in one space: a track's z, or its x for classical methods. */
struct fc_line {
    const double *z;               /* [n] */
    const unsigned char *observed; /* [n] */
    size_t n;
};
/* One row of scores: (z_{o+h} − ẑ_h) / u_h at one origin; NaN where nothing was observed or the noise is zero. units: [K] room. */
void fc_score_row(struct fc_line line, size_t origin, size_t m, size_t K, const double *answer, double *units, float *row);

#endif
