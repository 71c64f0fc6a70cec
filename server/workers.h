/* workers.h: the request workers: a few threads that do what the HTTP threads must not, from one bounded queue, first come first served. */
#ifndef FC_WORKERS_H
#define FC_WORKERS_H

#include "error.h"
#include <stdbool.h>
#include <stddef.h>

/* A piece of work, embedded in what it works on: queueing allocates nothing. It belongs to the pool from push until run is called. */
struct fc_task {
    void (*run)(struct fc_task *t, bool cancelled); /* cancelled: the server stops, only clean up */
    struct fc_task *next;
};

struct fc_workers;
/* limit: how many tasks may wait. */
FC_MUST_CHECK enum fc_status fc_workers_new(size_t threads, size_t limit, struct fc_workers **out, struct fc_error *e);
/* False when the queue is full; `always` is for tasks whose number is bounded elsewhere. Any thread. */
FC_MUST_CHECK bool fc_workers_push(struct fc_workers *w, struct fc_task *t, bool always);
size_t fc_workers_queued(struct fc_workers *w);
/* From now on tasks are run as cancelled, those that wait already included. */
void fc_workers_cancel(struct fc_workers *w);
/* Runs what waits, joins the threads, frees. Nobody may push any more. NULL is fine. */
void fc_workers_free(struct fc_workers *w);

#endif
