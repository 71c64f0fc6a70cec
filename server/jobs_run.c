/* jobs_run.c: a job on its lane: decode what was asked, train, tell the progress, write how it ended.
 *
 * Progress is written to the store without waiting; the writer keeps the order, so a job's last row comes last. */
#include "jobs_parts.h"

#include "clock.h"
#include "codec_models.h"
#include "log.h"
#include "service.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WRITE_EVERY_NS INT64_C(500000000) /* progress goes to the store at most so often */
#define RETRY_NS 500000000                /* between two tries to write how a job ended */
#define TIME_LIMIT 300.0                  /* seconds, when the specification has none */

/* ---- hooks: what a fit asks and tells ---- */

static bool hook_stop(void *ctx)
{
    struct fc_job *j = ctx;
    return atomic_load(&j->stop) != FC_GO_ON;
}

static bool hook_time_up(void *ctx)
{
    const struct fc_job *j = ctx;
    return j->deadline_ns > 0 && fc_clock_ns() >= j->deadline_ns;
}

static void fit_begins(void *ctx)
{
    struct fc_job *j = ctx;
    j->began_ns = fc_clock_ns();
    j->deadline_ns = j->began_ns + (int64_t)(j->time_limit * 1e9);
}

/* Seconds to go, from what is done and how long it took, and never past the time limit. */
static double eta_seconds(const struct fc_job *j, double fraction, int64_t now)
{
    if (!(fraction > 0))
        return NAN;
    const double left = 1e-9 * (double)(now - j->began_ns) * (1 - fraction) / fraction;
    const double limit = 1e-9 * (double)(j->deadline_ns - now);
    return fmax(0, left < limit ? left : limit);
}

static enum fc_status write_progress(struct fc_store_tx *tx, void *arg, struct fc_error *e)
{
    return fc_tx_job_update(tx, arg, e);
}

static void progress_written(void *arg, const struct fc_error *e)
{
    (void)e; /* the next one comes soon, and the last is written with care */
    free(arg);
}

static void hook_progress(void *ctx, const struct fc_progress *p)
{
    struct fc_job *j = ctx;
    const int64_t now = fc_clock_ns();
    pthread_mutex_lock(&j->jobs->lock);
    j->live.progress = fmin(1, fmax(0, p->fraction));
    j->live.epoch = (int)p->epoch;
    j->live.epochs = (int)p->epochs;
    j->live.loss = p->loss;
    j->live.validation_loss = p->validation_loss;
    j->live.eta_seconds = eta_seconds(j, p->fraction, now);
    j->progress_ns = now;
    pthread_mutex_unlock(&j->jobs->lock);
    if (now - j->written_ns < WRITE_EVERY_NS)
        return;
    j->written_ns = now;
    struct fc_job_row *copy = malloc(sizeof *copy);
    if (!copy)
        return;
    *copy = j->live; /* only this thread writes it */
    copy->skipped = fc_job_none_skipped;
    struct fc_error e;
    if (fc_store_write(j->jobs->app->store, write_progress, progress_written, copy, &e) != FC_OK)
        free(copy);
}

/* ---- a job on its lane ---- */

/* Runs what the stored request asks for. *skipped: owned text or NULL. */
static enum fc_status train(struct fc_job *j, const char *request, char **skipped, struct fc_error *e)
{
    struct fc_app *app = j->jobs->app;
    struct fc_training_request q;
    struct fc_strings ids;
    memset(&q, 0, sizeof q);
    memset(&ids, 0, sizeof ids);
    enum fc_status status = fc_codec_training_request(request, strlen(request), &q, e);
    if (status)
        return status;
    status = fc_store_model_series(app->store, j->live.model, j->live.version, &ids, NULL, e);
    if (status)
        goto out;
    j->time_limit = isnan(q.spec.time_limit) ? TIME_LIMIT : q.spec.time_limit;
    const struct fc_hooks hooks = {.ctx = j, .stop = hook_stop, .time_up = hook_time_up, .progress = hook_progress};
    struct fc_training t = {
        .model = j->live.model,
        .version = j->live.version,
        .spec = q.spec,
        .series = (const char *const *)ids.item,
        .nseries = ids.n,
        .levels = q.levels,
        .nlevels = q.nlevels,
        .now = fc_clock_now(),
        .lanes = &j->jobs->lanes,
        .hooks = &hooks,
        .fit_begins = fit_begins,
    };
    status = fc_service_train(app->service, &t, e);
    *skipped = t.skipped;
out:
    fc_training_request_free(&q);
    fc_strings_free(&ids);
    return status;
}

/* True when this version became ready just before the daemon died, so that only the job's row is left to write. */
static bool is_ready(struct fc_job *j)
{
    struct fc_model_row m;
    struct fc_error e;
    memset(&m, 0, sizeof m);
    if (fc_store_model_get(j->jobs->app->store, j->live.model, j->live.version, &m, &e) != FC_OK)
        return false;
    const bool ready = strcmp(m.state, "ready") == 0;
    fc_model_row_free(&m);
    return ready;
}

/* Writes how the job ended. A full disk or a locked database is waited for: a job that ended must not look as if it ran. */
static void write_last(struct fc_job *j, const struct fc_job_end *d)
{
    struct fc_error e;
    const struct timespec pause = {.tv_nsec = RETRY_NS};
    for (bool told = false;; told = true) {
        const enum fc_status status = fc_store_write_wait(j->jobs->app->store, fc_job_write_end, (void *)d, &e);
        if (status == FC_OK || status == FC_NOT_FOUND) /* its model was deleted and the row with it */
            return;
        if (!told)
            fc_log(FC_LOG_ERROR, "job_not_written", "job %s is %s but that cannot be stored: %s", j->live.id, d->row->state, e.detail);
        if (atomic_load(&j->stop) == FC_HALT || strcmp(e.code, "stopping") == 0)
            return;
        nanosleep(&pause, NULL);
    }
}

static char *error_text(const struct fc_error *e)
{
    struct fc_buf b = {0};
    fc_buf_text(&b, "{\"code\":");
    fc_buf_json_string(&b, e->code, strlen(e->code));
    fc_buf_text(&b, ",\"detail\":");
    fc_buf_json_string(&b, e->detail, strlen(e->detail));
    fc_buf_char(&b, '}');
    if (fc_buf_terminate(&b))
        return b.data;
    fc_buf_free(&b);
    return NULL;
}

/* From the answer of the training to the job's last row, or back to the queue when the daemon stops. */
static void end_run(struct fc_job *j, enum fc_status status, const struct fc_error *why, char *skipped)
{
    struct fc_jobs *jobs = j->jobs;
    const bool halted = status == FC_CANCELLED && atomic_load(&j->stop) == FC_HALT;
    const enum fc_job_outcome outcome = status == FC_OK ? FC_SUCCEEDED : status == FC_CANCELLED ? FC_STOPPED : FC_FAILED;
    const double seconds = j->began_ns > 0 ? 1e-9 * (double)(fc_clock_ns() - j->began_ns) : 0;
    struct fc_job_row row = j->live;
    row.skipped = skipped ? skipped : fc_job_none_skipped;
    row.error = outcome == FC_FAILED ? error_text(why) : NULL;
    row.eta_seconds = NAN;
    row.finished_at = fc_clock_now();
    if (halted)
        fc_job_reset_progress(&row);
    if (outcome == FC_SUCCEEDED)
        row.progress = 1;
    strcpy(row.state, halted ? "queued" : fc_job_outcome_name[outcome]);
    const struct fc_job_end d = {&row, halted || outcome == FC_SUCCEEDED ? "" : fc_job_outcome_name[outcome]};
    write_last(j, &d);
    fc_log(FC_LOG_INFO, "job_ended", "job %s of model %s version %d is %s after %.1f s%s%s", row.id, row.model, row.version, row.state, seconds,
           outcome == FC_FAILED ? ": " : "", outcome == FC_FAILED ? why->detail : "");
    free(row.error);

    pthread_mutex_lock(&jobs->lock);
    fc_jobs_take_off(jobs, j);
    if (!halted)
        jobs->ended[outcome]++;
    jobs->seconds += seconds;
    pthread_mutex_unlock(&jobs->lock);
    free(j);
}

/* Runs on a lane, once for each post: the job that waits longest, if it was not cancelled meanwhile. */
void fc_jobs_run_next(void *ctx)
{
    struct fc_jobs *jobs = ctx;
    pthread_mutex_lock(&jobs->lock);
    struct fc_job *j = jobs->stopping ? NULL : jobs->first;
    while (j && j->phase != FC_QUEUED)
        j = j->next;
    if (j) {
        j->phase = FC_RUNNING;
        strcpy(j->live.state, "running");
        j->live.started_at = fc_clock_now();
    }
    pthread_mutex_unlock(&jobs->lock);
    if (!j)
        return;

    struct fc_job_row row;
    struct fc_error e = {0};
    char *skipped = NULL;
    memset(&row, 0, sizeof row);
    enum fc_status status = fc_store_job_get(jobs->app->store, j->live.id, &row, &e);
    if (status == FC_OK && !is_ready(j)) {
        struct fc_job_row started = j->live;
        started.skipped = fc_job_none_skipped;
        struct fc_job_end d = {&started, ""};
        fc_log(FC_LOG_INFO, "job_started", "job %s trains model %s version %d", row.id, row.model, row.version);
        status = fc_store_write_wait(jobs->app->store, fc_job_write_end, &d, &e);
        if (status == FC_OK)
            status = train(j, row.request, &skipped, &e);
    }
    end_run(j, status, &e, skipped);
    free(skipped);
    fc_job_row_free(&row);
}
