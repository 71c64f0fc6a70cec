/* codec_jobs.c: the job document. See codec_jobs.h. */
#include "codec_jobs.h"

static void put_time(struct fc_out *o, const char *key, fc_time t, enum fc_time_style times)
{
    if (t != 0)
        fc_out_time(o, key, t, times);
    else
        fc_out_null(o, key);
}

void fc_codec_job(const struct fc_job_row *j, enum fc_time_style times, struct fc_buf *out)
{
    struct fc_out o = { out, false };
    fc_out_open(&o, NULL, '{');
    fc_out_string(&o, "id", j->id);
    fc_out_string(&o, "kind", j->kind);
    fc_out_string(&o, "state", j->state);
    fc_out_number(&o, "progress", j->progress);
    fc_out_integer(&o, "epoch", j->epoch);
    fc_out_integer(&o, "epochs", j->epochs);
    fc_out_number(&o, "loss", j->loss);
    fc_out_number(&o, "validation_loss", j->validation_loss);
    fc_out_number(&o, "eta_seconds", j->eta_seconds);
    fc_out_string(&o, "model", j->model);
    fc_out_raw(&o, "skipped", j->skipped != NULL ? j->skipped : "[]");
    fc_out_raw(&o, "error", j->error);
    put_time(&o, "created_at", j->created_at, times);
    put_time(&o, "started_at", j->started_at, times);
    put_time(&o, "finished_at", j->finished_at, times);
    fc_out_close(&o, '}');
}
