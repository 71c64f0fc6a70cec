/* jobs.h: trainings in the background: a bounded queue, the lanes that run them, progress, cancel, and what happens after a restart.
 *
 * The store holds what must survive: a job's state and, twice a second at most, its progress. Memory holds what must be fresh and fast: the
 * queue, the flags that stop a training and the progress of the last epoch. A job is in memory from before its row is visible until after its
 * last row is committed.
 *
 * States: queued → running → succeeded | failed | cancelled; a queued job may become cancelled at once. A graceful stop sets running jobs back
 * to queued. A job that was running when the daemon died is queued again, and fails with "crashed" at its third death.
 *
 * Lock order, outermost first; whoever holds one may take only those below it:
 *   1. the store's own locks (its writer may call back into jobs: a job becomes known inside the write that creates it)
 *   2. fc_jobs' mutex: protects the list of jobs in memory and their fields. Held for a few instructions; nobody calls the store, the service
 *      or the lanes with it held
 *   3. the service's caches (model cache, insight cache, response cache): leaves, never held during a read of the store or a computation
 * The lanes have no lock. */
#ifndef FC_JOBS_H
#define FC_JOBS_H

#include "app.h"

struct fc_jobs_options {
    size_t lanes;       /* training threads, 0: as many as processors */
    size_t queue_limit; /* at most so many jobs wait */
};

/* Starts the lanes and takes up what the last run left: app->store and app->service must stand. Errors of the store; FC_NOMEM; FC_UNAVAILABLE. */
FC_MUST_CHECK enum fc_status fc_jobs_start(const struct fc_jobs_options *o, struct fc_app *app, struct fc_jobs **out, struct fc_error *e);
/* Stops the trainings that run and sets them back to queued, so that they run again after the next start; returns when no lane is left.
 * Before the store closes. NULL is fine. No other call may be running. */
void fc_jobs_stop(struct fc_jobs *jobs);

/* Writes the model, its version and its queued job, and queues it. c->request: the request as validated, decoded again when the job runs.
 * Fills c->model, c->version and c->job. FC_BUSY "queue_full", FC_UNAVAILABLE "stopping", errors of the store. */
FC_MUST_CHECK enum fc_status fc_jobs_submit(struct fc_jobs *jobs, struct fc_model_create *c, struct fc_error *e);
/* Cancels: a queued job at once, a running one within a second. *out: the job as it is then (fc_job_row_free); a running one may still say so.
 * FC_CONFLICT "job_ended"; FC_NOT_FOUND "unknown_job". Waits for the store: not for HTTP threads, like fc_jobs_submit. */
FC_MUST_CHECK enum fc_status fc_jobs_cancel(struct fc_jobs *jobs, const char *id, struct fc_job_row *out, struct fc_error *e);
/* Cancels what still trains this model id, before it is deleted. Does not wait for running trainings: what they write later finds no model. */
void fc_jobs_cancel_model(struct fc_jobs *jobs, const char *model);

/* Puts the live values (state, progress, epochs, losses, eta) over a row that was read from the store; false when the job is not in memory or the row
 * has ended already. Any thread. */
bool fc_jobs_live(struct fc_jobs *jobs, const char *id, struct fc_job_row *inout);
/* Prometheus lines: jobs by state, lanes, queue, trainings and their seconds. Any thread. */
void fc_jobs_metrics(struct fc_jobs *jobs, struct fc_buf *out);

#endif
