/* jobs_parts.h: what jobs.c (queue, start and stop) and jobs_run.c (a job on its lane) share. Private to the two.
 *
 * A job in memory has one owner at a time, told by its phase: SUBMITTING, the thread in fc_jobs_submit; QUEUED, nobody (whoever changes the phase
 * under the mutex becomes the owner); RUNNING, its lane; ENDING, the thread that cancels it. Only the owner takes it off the list and frees it;
 * all others look at it with the mutex held. The stop word is the only field that others write: the hooks read it without the mutex. */
#ifndef FC_JOBS_PARTS_H
#define FC_JOBS_PARTS_H

#include "jobs.h"
#include "lanes.h"

#include <pthread.h>
#include <stdatomic.h>

enum fc_job_phase { FC_SUBMITTING, FC_QUEUED, FC_RUNNING, FC_ENDING };
enum fc_job_stop { FC_GO_ON, FC_CANCEL, FC_HALT }; /* FC_HALT: the daemon stops, the job runs again later */

struct fc_job {
    struct fc_jobs *jobs;
    enum fc_job_phase phase;
    _Atomic enum fc_job_stop stop;
    struct fc_job_row live; /* id and model from the start, the rest while it runs; owns no text */
    double time_limit;      /* of the fit, seconds */
    int64_t began_ns;       /* of the fit, 0 before; this and the next are read by the hooks alone */
    int64_t deadline_ns;
    int64_t progress_ns;    /* when live was set */
    int64_t written_ns;     /* when progress went to the store */
    struct fc_job *next;
};

enum fc_job_outcome { FC_SUCCEEDED, FC_FAILED, FC_STOPPED, FC_OUTCOMES };
extern const char *const fc_job_outcome_name[FC_OUTCOMES]; /* as states: succeeded, failed, cancelled */

struct fc_jobs {
    struct fc_app *app;
    struct fc_lane_pool *pool;
    struct fc_lanes lanes;
    size_t queue_limit;
    pthread_mutex_t lock;
    struct fc_job *first; /* in the order of submission */
    bool stopping;
    uint64_t ended[FC_OUTCOMES];
    double seconds;       /* spent in fits that ended */
};

/* jobs.c */
void fc_jobs_take_off(struct fc_jobs *jobs, struct fc_job *j); /* the mutex is held */
void fc_job_reset_progress(struct fc_job_row *r);
extern char fc_job_none_skipped[]; /* "[]", never written to: the row's field is not const */

/* A job's row, and what becomes of its model's version ("failed", "cancelled", "" for nothing), as one write. */
struct fc_job_end { const struct fc_job_row *row; const char *model_state; };
FC_MUST_CHECK enum fc_status fc_job_write_end(struct fc_store_tx *tx, void *arg, struct fc_error *e); /* arg: struct fc_job_end */

/* jobs_run.c: runs the job that waits longest, if there is one. The lanes call it once for each post; ctx: struct fc_jobs. */
void fc_jobs_run_next(void *ctx);

#endif
