/* log.h: one line an event on stderr, logfmt or JSON. Any thread, also the HTTP threads: a line is put into a bounded buffer and written by a
 * thread of its own with one write(2); when the disk is slower than the events, lines are dropped and counted, and the next line says how many. */
#ifndef FC_LOG_H
#define FC_LOG_H

#include "error.h"
#include <stdbool.h>
#include <stdint.h>

enum fc_log_level { FC_LOG_ERROR, FC_LOG_WARN, FC_LOG_INFO, FC_LOG_DEBUG };

/* Starts the writing thread; without it, and before, lines are written at once. Called once more it only changes level and form.
 * What waits is written at exit. */
void fc_log_init(int level, bool json);
/* event: a stable snake_case word; the rest is the text for people. Control characters and invalid UTF-8 are escaped; long lines are cut. */
void fc_log(enum fc_log_level level, const char *event, const char *fmt, ...) FC_PRINTF(3, 4);

/* A request that ended. */
struct fc_log_request {
    const char *method, *target, *remote; /* raw, as received */
    unsigned status;
    uint64_t bytes;                       /* of the response's body */
    double seconds;
};
void fc_log_request(enum fc_log_level level, const struct fc_log_request *q);
bool fc_log_wants(enum fc_log_level level);
uint64_t fc_log_dropped(void); /* lines so far */
/* Returns when all lines until now have been written. */
void fc_log_flush(void);

#endif
