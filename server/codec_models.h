/* codec_models.h: models between JSON and plain structs: the training request in, specification, report and model document out.
 *
 * Decoding checks everything that can be checked without the store or the configuration: types, ranges, names against the core's tables,
 * unknown fields, and fields that later issues bring ("not_supported"). Whether the series exist and whether the horizon is within
 * max_horizon is the handler's question. Pure functions, any thread. */
#ifndef FC_CODEC_MODELS_H
#define FC_CODEC_MODELS_H

#include "codec.h"
#include "model.h"
#include "store.h"

#define FC_MODEL_NAME_MAX 200 /* bytes of a model's name; the rules of series ids */

/* A decoded body of POST /v1/models. Exactly one of series.n > 0, match and all says which series. fc_training_request_free. */
struct fc_training_request {
    char name[FC_MODEL_NAME_MAX + 1];
    bool has_name;
    struct fc_spec spec;      /* as fc_spec_check accepts it; fields left out keep "choose for me" */
    struct fc_strings series; /* owned, in the order of the request, no id twice; n = 0 when match or all is set */
    char *match;              /* owned selector text, NULL when not given */
    bool all;                 /* "series":"*" */
    double levels[FC_LEVELS]; /* percent, ascending, no level twice; 80 and 95 when left out */
    size_t nlevels;
};
void fc_training_request_free(struct fc_training_request *q);
/* json: n bytes, need not end in NUL. FC_UNREADABLE for what is no JSON, FC_INVALID with the JSON pointer of the field for the rest. */
FC_MUST_CHECK enum fc_status fc_codec_training_request(const char *json, size_t n, struct fc_training_request *out, struct fc_error *e);

/* The specification as a JSON object: method, horizon, levels, step, lookback, season, scaling, loss, network, training. What is still to be
 * chosen is null ("auto" for names), and so is an unknown step. This is the text that fc_model_row.spec keeps. */
void fc_codec_spec(const struct fc_spec *s, struct fc_step step, const double *levels, size_t nlevels, struct fc_buf *out);

/* What a fit has to tell, as a JSON object: answers (the method that serves), metrics, seasonal_naive, calibration, history, warnings.
 * NaN is null; coverage and mean_width are keyed by the text of the level. This is the text that fc_model_row.report keeps. */
void fc_codec_report(const struct fc_report *r, const struct fc_spec *s, struct fc_buf *out);

/* The model document of GET /v1/models/{id}: the row, the ids it learned from, and those of them that were deleted since. */
void fc_codec_model(const struct fc_model_row *m, const struct fc_strings *series, const struct fc_strings *removed, enum fc_time_style times,
                    struct fc_buf *out);

#endif
