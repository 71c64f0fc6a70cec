/* jobs.c: the queue of jobs: submit, cancel, start, stop and looking in. What a job does on its lane is in jobs_run.c; who owns a job when
 * is told in jobs_parts.h. The store is called without the mutex. */
#include "jobs_parts.h"

#include "clock.h"
#include "service.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DEATHS_MAX 3
#define LIST_PAGE 500

const char *const fc_job_outcome_name[FC_OUTCOMES] = {"succeeded", "failed", "cancelled"};
char fc_job_none_skipped[] = "[]";

/* ---- the list; the mutex is held ---- */

static struct fc_job *find(struct fc_jobs *jobs, const char *id)
{
    for (struct fc_job *j = jobs->first; j; j = j->next)
        if (strcmp(j->live.id, id) == 0)
            return j;
    return NULL;
}

static void append(struct fc_jobs *jobs, struct fc_job *j)
{
    struct fc_job **at = &jobs->first;
    while (*at)
        at = &(*at)->next;
    j->next = NULL;
    *at = j;
}

void fc_jobs_take_off(struct fc_jobs *jobs, struct fc_job *j)
{
    struct fc_job **at = &jobs->first;
    while (*at != j)
        at = &(*at)->next;
    *at = j->next;
}

static size_t count(const struct fc_jobs *jobs, enum fc_job_phase phase)
{
    size_t n = 0;
    for (const struct fc_job *j = jobs->first; j; j = j->next)
        n += j->phase == phase;
    return n;
}

/* ---- rows ---- */

void fc_job_reset_progress(struct fc_job_row *r)
{
    r->progress = 0;
    r->epoch = r->epochs = 0;
    r->loss = r->validation_loss = r->eta_seconds = NAN;
    r->started_at = r->finished_at = 0;
}

static bool has_ended(const struct fc_job_row *r)
{
    return strcmp(r->state, "queued") != 0 && strcmp(r->state, "running") != 0;
}

static struct fc_job *job_new(struct fc_jobs *jobs, enum fc_job_phase phase)
{
    struct fc_job *j = calloc(1, sizeof *j);
    if (!j)
        return NULL;
    j->jobs = jobs;
    j->phase = phase;
    strcpy(j->live.state, "queued");
    fc_job_reset_progress(&j->live);
    return j;
}

enum fc_status fc_job_write_end(struct fc_store_tx *tx, void *arg, struct fc_error *e)
{
    const struct fc_job_end *d = arg;
    enum fc_status status = fc_tx_job_update(tx, d->row, e);
    if (status == FC_OK && d->model_state[0] != '\0') {
        status = fc_tx_model_failed(tx, d->row->model, d->row->version, d->model_state, e);
        if (status == FC_NOT_FOUND) /* the model was deleted: its job still ends */
            status = FC_OK;
    }
    return status;
}

/* Writes the end of a job that never ran. The caller owns it (phase FC_ENDING); afterwards it is gone, or on failure queued again. */
static enum fc_status end_queued(struct fc_jobs *jobs, struct fc_job *j, struct fc_error *e)
{
    struct fc_job_row row;
    memset(&row, 0, sizeof row);
    enum fc_status status = fc_store_job_get(jobs->app->store, j->live.id, &row, e);
    if (status == FC_OK) {
        strcpy(row.state, "cancelled");
        row.finished_at = fc_clock_now();
        struct fc_job_end d = {&row, "cancelled"};
        status = fc_store_write_wait(jobs->app->store, fc_job_write_end, &d, e);
        fc_job_row_free(&row);
    }
    const bool gone = status == FC_OK || status == FC_NOT_FOUND;
    pthread_mutex_lock(&jobs->lock);
    if (gone) {
        fc_jobs_take_off(jobs, j);
        jobs->ended[FC_STOPPED]++;
    } else {
        atomic_store(&j->stop, FC_GO_ON);
        j->phase = FC_QUEUED;
    }
    pthread_mutex_unlock(&jobs->lock);
    if (!gone) {
        fc_lane_pool_post(jobs->pool);
        return status;
    }
    free(j);
    return FC_OK;
}

/* ---- submit ---- */

struct submission { struct fc_model_create *create; struct fc_job *job; };

/* On the writer thread: the job can be found from before its row can be read. */
static enum fc_status write_create(struct fc_store_tx *tx, void *arg, struct fc_error *e)
{
    struct submission *s = arg;
    const enum fc_status status = fc_tx_model_create(tx, s->create, e);
    if (status)
        return status;
    pthread_mutex_lock(&s->job->jobs->lock);
    memcpy(s->job->live.id, s->create->job, sizeof s->job->live.id);
    memcpy(s->job->live.model, s->create->model, sizeof s->job->live.model);
    s->job->live.version = s->create->version;
    pthread_mutex_unlock(&s->job->jobs->lock);
    return FC_OK;
}

enum fc_status fc_jobs_submit(struct fc_jobs *jobs, struct fc_model_create *c, struct fc_error *e)
{
    struct fc_job *j = job_new(jobs, FC_SUBMITTING);
    if (!j)
        return fc_fail_nomem(e, sizeof *j);
    pthread_mutex_lock(&jobs->lock);
    const size_t waiting = count(jobs, FC_SUBMITTING) + count(jobs, FC_QUEUED);
    const size_t room = jobs->queue_limit + fc_lane_pool_size(jobs->pool); /* a job for a free lane does not wait */
    const bool stopping = jobs->stopping, full = waiting + count(jobs, FC_RUNNING) >= room;
    if (!stopping && !full)
        append(jobs, j);
    pthread_mutex_unlock(&jobs->lock);
    if (stopping || full) {
        free(j);
        return stopping ? fc_fail(e, FC_UNAVAILABLE, "stopping", "the daemon is stopping")
                        : fc_fail(e, FC_BUSY, "queue_full", "%zu trainings wait already: queue_limit is %zu", waiting, jobs->queue_limit);
    }

    struct submission s = {c, j};
    const enum fc_status status = fc_store_write_wait(jobs->app->store, write_create, &s, e);
    pthread_mutex_lock(&jobs->lock);
    const bool cancelled = status == FC_OK && atomic_load(&j->stop) == FC_CANCEL;
    if (status)
        fc_jobs_take_off(jobs, j);
    else
        j->phase = cancelled ? FC_ENDING : FC_QUEUED;
    pthread_mutex_unlock(&jobs->lock);
    if (status) {
        free(j);
        return status;
    }
    if (cancelled) {
        struct fc_error ignored; /* then it is queued again, as if the cancel had not come */
        (void)end_queued(jobs, j, &ignored);
    } else {
        fc_lane_pool_post(jobs->pool);
    }
    return FC_OK;
}

/* ---- cancel ---- */

enum fc_status fc_jobs_cancel(struct fc_jobs *jobs, const char *id, struct fc_job_row *out, struct fc_error *e)
{
    struct fc_job_row row;
    memset(&row, 0, sizeof row);
    pthread_mutex_lock(&jobs->lock);
    struct fc_job *j = find(jobs, id);
    const bool here = j != NULL, ending = j && j->phase == FC_ENDING, queued = j && j->phase == FC_QUEUED;
    enum fc_job_stop go_on = FC_GO_ON;
    if (queued)
        j->phase = FC_ENDING;
    else if (here && !ending)
        atomic_compare_exchange_strong(&j->stop, &go_on, FC_CANCEL);
    pthread_mutex_unlock(&jobs->lock);

    enum fc_status status = FC_OK;
    if (queued)
        status = end_queued(jobs, j, e);
    if (status == FC_OK)
        status = fc_store_job_get(jobs->app->store, id, &row, e);
    if (status)
        return status;
    if (ending || (!here && has_ended(&row)))
        status = fc_fail(e, FC_CONFLICT, "job_ended", "job \"%s\" has ended: it is %s", id, ending ? "cancelled" : row.state);
    else if (!here)
        status = fc_fail(e, FC_UNAVAILABLE, "stopping", "job \"%s\" waits for the next start of the daemon", id);
    if (status) {
        fc_job_row_free(&row);
        return status;
    }
    fc_jobs_live(jobs, id, &row);
    *out = row;
    return FC_OK;
}

void fc_jobs_cancel_model(struct fc_jobs *jobs, const char *model)
{
    struct fc_error e;
    enum fc_status status = FC_OK;
    while (status == FC_OK) {
        struct fc_job *queued = NULL;
        pthread_mutex_lock(&jobs->lock);
        for (struct fc_job *j = jobs->first; j; j = j->next) {
            enum fc_job_stop go_on = FC_GO_ON;
            if (strcmp(j->live.model, model) != 0)
                continue;
            if (j->phase == FC_QUEUED)
                queued = j;
            else if (j->phase != FC_ENDING)
                atomic_compare_exchange_strong(&j->stop, &go_on, FC_CANCEL);
        }
        if (queued)
            queued->phase = FC_ENDING;
        pthread_mutex_unlock(&jobs->lock);
        if (!queued)
            return;
        status = end_queued(jobs, queued, &e);
    }
}

/* ---- start and stop ---- */

/* All jobs in this state, newest first, appended to *rows. */
static enum fc_status list_all(struct fc_store *store, const char *state, struct fc_job_row **rows, size_t *n, struct fc_error *e)
{
    char after[FC_NAME_MAX] = "";
    for (;;) {
        struct fc_job_row *page = NULL, *more;
        size_t got = 0;
        const enum fc_status status = fc_store_job_list(store, state, after, LIST_PAGE, &page, &got, e);
        if (status)
            return status;
        if (got == 0) {
            fc_job_rows_free(page, 0);
            return FC_OK;
        }
        more = realloc(*rows, (*n + got) * sizeof *more);
        if (!more) {
            fc_job_rows_free(page, got);
            return fc_fail_nomem(e, (*n + got) * sizeof *more);
        }
        memcpy(more + *n, page, got * sizeof *more);
        free(page); /* its rows live on in more */
        *rows = more;
        *n += got;
        memcpy(after, more[*n - 1].id, sizeof after);
    }
}

struct rows { struct fc_job_row *row; size_t n; };

/* Counts the death of each that ran: it is queued again, or fails at its last. */
static enum fc_status write_deaths(struct fc_store_tx *tx, void *arg, struct fc_error *e)
{
    const struct rows *r = arg;
    for (size_t i = 0; i < r->n; i++) {
        struct fc_job_row row = r->row[i];
        if (strcmp(row.state, "running") != 0)
            continue;
        static char crashed[] = "{\"code\":\"crashed\",\"detail\":\"the daemon died three times while this job ran\"}";
        const bool last = ++row.deaths >= DEATHS_MAX;
        if (last) {
            strcpy(row.state, "failed");
            row.error = crashed;
            row.finished_at = fc_clock_now();
        } else {
            strcpy(row.state, "queued");
            fc_job_reset_progress(&row);
        }
        struct fc_job_end d = {&row, last ? "failed" : ""};
        const enum fc_status status = fc_job_write_end(tx, &d, e);
        if (status)
            return status;
    }
    return FC_OK;
}

/* Takes up what the last run left: queued jobs wait again, jobs that ran count a death. */
static enum fc_status resume(struct fc_jobs *jobs, struct fc_error *e)
{
    struct rows r = {NULL, 0};
    enum fc_status status = list_all(jobs->app->store, "running", &r.row, &r.n, e);
    if (status == FC_OK && r.n > 0)
        status = fc_store_write_wait(jobs->app->store, write_deaths, &r, e);
    fc_job_rows_free(r.row, r.n);
    r = (struct rows){NULL, 0};
    if (status == FC_OK)
        status = list_all(jobs->app->store, "queued", &r.row, &r.n, e);
    for (size_t i = r.n; i > 0 && status == FC_OK; i--) { /* the oldest first */
        const struct fc_job_row *row = &r.row[i - 1];
        struct fc_job *j = job_new(jobs, FC_QUEUED);
        if (!j) {
            status = fc_fail_nomem(e, sizeof *j);
            break;
        }
        memcpy(j->live.id, row->id, sizeof j->live.id);
        memcpy(j->live.model, row->model, sizeof j->live.model);
        j->live.version = row->version;
        j->live.deaths = row->deaths;
        pthread_mutex_lock(&jobs->lock);
        append(jobs, j);
        pthread_mutex_unlock(&jobs->lock);
        fc_lane_pool_post(jobs->pool);
    }
    fc_job_rows_free(r.row, r.n);
    return status;
}

enum fc_status fc_jobs_start(const struct fc_jobs_options *o, struct fc_app *app, struct fc_jobs **out, struct fc_error *e)
{
    struct fc_jobs *jobs = calloc(1, sizeof *jobs);
    if (!jobs)
        return fc_fail_nomem(e, sizeof *jobs);
    jobs->app = app;
    jobs->queue_limit = o->queue_limit;
    pthread_mutex_init(&jobs->lock, NULL); /* cannot fail with default attributes */
    enum fc_status status = fc_lane_pool_new(o->lanes, fc_jobs_run_next, jobs, &jobs->pool, e);
    if (status == FC_OK) {
        jobs->lanes = fc_lane_pool_lanes(jobs->pool);
        status = resume(jobs, e);
    }
    if (status) {
        fc_jobs_stop(jobs);
        return status;
    }
    *out = jobs;
    return FC_OK;
}

void fc_jobs_stop(struct fc_jobs *jobs)
{
    if (!jobs)
        return;
    pthread_mutex_lock(&jobs->lock);
    jobs->stopping = true;
    for (struct fc_job *j = jobs->first; j; j = j->next) {
        enum fc_job_stop go_on = FC_GO_ON; /* a cancel that came first stays one */
        atomic_compare_exchange_strong(&j->stop, &go_on, FC_HALT);
    }
    pthread_mutex_unlock(&jobs->lock);
    fc_lane_pool_free(jobs->pool);
    for (struct fc_job *j = jobs->first, *next; j; j = next) {
        next = j->next;
        free(j);
    }
    pthread_mutex_destroy(&jobs->lock);
    free(jobs);
}

/* ---- looking in ---- */

bool fc_jobs_live(struct fc_jobs *jobs, const char *id, struct fc_job_row *inout)
{
    if (has_ended(inout))
        return false;
    pthread_mutex_lock(&jobs->lock);
    const struct fc_job *j = find(jobs, id);
    const bool here = j && j->phase == FC_RUNNING;
    if (here) {
        const double since = 1e-9 * (double)(fc_clock_ns() - j->progress_ns);
        strcpy(inout->state, j->live.state);
        inout->progress = j->live.progress;
        inout->epoch = j->live.epoch;
        inout->epochs = j->live.epochs;
        inout->loss = j->live.loss;
        inout->validation_loss = j->live.validation_loss;
        inout->eta_seconds = isnan(j->live.eta_seconds) ? NAN : fmax(0, j->live.eta_seconds - since);
        inout->started_at = j->live.started_at;
    }
    pthread_mutex_unlock(&jobs->lock);
    return here;
}

void fc_jobs_metrics(struct fc_jobs *jobs, struct fc_buf *out)
{
    pthread_mutex_lock(&jobs->lock);
    const size_t queued = count(jobs, FC_QUEUED) + count(jobs, FC_SUBMITTING), running = count(jobs, FC_RUNNING);
    const uint64_t ended[3] = {jobs->ended[FC_SUCCEEDED], jobs->ended[FC_FAILED], jobs->ended[FC_STOPPED]};
    const double seconds = jobs->seconds;
    pthread_mutex_unlock(&jobs->lock);
    fc_buf_format(out, "# HELP forecastd_jobs Jobs that wait or run.\n# TYPE forecastd_jobs gauge\n");
    fc_buf_format(out, "forecastd_jobs{state=\"queued\"} %zu\nforecastd_jobs{state=\"running\"} %zu\n", queued, running);
    fc_buf_format(out, "# HELP forecastd_jobs_ended_total Jobs that ended since the start.\n# TYPE forecastd_jobs_ended_total counter\n");
    for (size_t i = 0; i < 3; i++)
        fc_buf_format(out, "forecastd_jobs_ended_total{state=\"%s\"} %" PRIu64 "\n", fc_job_outcome_name[i], ended[i]);
    fc_buf_format(out, "# HELP forecastd_queue_limit How many jobs may wait.\n# TYPE forecastd_queue_limit gauge\nforecastd_queue_limit %zu\n",
                  jobs->queue_limit);
    fc_buf_format(out, "# HELP forecastd_lanes Training threads.\n# TYPE forecastd_lanes gauge\n");
    fc_buf_format(out, "forecastd_lanes %zu\n", fc_lane_pool_size(jobs->pool));
    fc_buf_format(out, "# HELP forecastd_lanes_running Training threads that run a job of their own.\n# TYPE forecastd_lanes_running gauge\n");
    fc_buf_format(out, "forecastd_lanes_running %zu\n", fc_lane_pool_running(jobs->pool));
    fc_buf_text(out, "# HELP forecastd_training_seconds_total Time spent in trainings that ended.\n");
    fc_buf_text(out, "# TYPE forecastd_training_seconds_total counter\nforecastd_training_seconds_total ");
    fc_buf_number(out, seconds);
    fc_buf_char(out, '\n');
}
