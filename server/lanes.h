/* lanes.h: the training lanes: a few niced threads that run jobs and help each other's parallel sections.
 *
 * A lane that is free takes the next job; when there is none it helps the sections that running jobs publish. So a job alone uses every lane,
 * and with as many jobs as lanes each has one. Lanes run at nice 10 and flush denormals, so that a decayed weight costs no more than a zero. */
#ifndef FC_LANES_H
#define FC_LANES_H

#include "model.h"

struct fc_lane_pool;

/* Starts the lanes (0: as many as this process may use processors). work(ctx) runs on a lane once for each post. FC_NOMEM; FC_UNAVAILABLE
 * "no_thread" when the system refuses a thread. */
FC_MUST_CHECK enum fc_status fc_lane_pool_new(size_t lanes, void (*work)(void *ctx), void *ctx, struct fc_lane_pool **out, struct fc_error *e);
/* Waits for the jobs that run, drops the posts that wait, ends the threads. NULL is fine. */
void fc_lane_pool_free(struct fc_lane_pool *p);
/* There is one more job: some lane will call work(ctx) soon. Any thread; never waits. */
void fc_lane_pool_post(struct fc_lane_pool *p);
/* Fork and join over the lanes (model.h). The caller takes part, so it is correct on any thread and with any number of busy lanes; a task may
 * itself call run. Valid as long as the pool. */
struct fc_lanes fc_lane_pool_lanes(struct fc_lane_pool *p);
size_t fc_lane_pool_size(const struct fc_lane_pool *p);
/* How many lanes run a job now. */
size_t fc_lane_pool_running(struct fc_lane_pool *p);

#endif
