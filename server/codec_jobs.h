/* codec_jobs.h: the job document of GET /v1/jobs/{id}. Pure function, any thread. */
#ifndef FC_CODEC_JOBS_H
#define FC_CODEC_JOBS_H

#include "codec.h"
#include "store.h"

/* Numbers that are not known yet (NaN) and times that have not come (0) are null. */
void fc_codec_job(const struct fc_job_row *j, enum fc_time_style times, struct fc_buf *out);

#endif
