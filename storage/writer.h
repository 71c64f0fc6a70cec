/* writer.h: the one thread that writes. See writer.c. */
#ifndef FC_WRITER_H
#define FC_WRITER_H

#include "statement.h"
#include "store.h"

#define FC_STAMPS 16384 /* slots that the ids of series share; a power of two */

/* What readers compare. Written by the writer thread after COMMIT, read by anyone. */
struct fc_stamp_table {
    _Atomic uint64_t series[FC_STAMPS];
    _Atomic uint64_t models;
};

/* The transaction of the group that is being written. Writer thread only. */
struct fc_store_tx {
    struct fc_conn *conn;
    fc_time now;                        /* wall clock, read once a group */
    uint64_t touched[FC_STAMPS / 64];   /* bit set: the slot's stamp rises after COMMIT */
    bool models_touched;
};
void fc_touch_series(struct fc_store_tx *tx, const char *id);
void fc_touch_models(struct fc_store_tx *tx);
size_t fc_stamp_slot(const char *id);

struct fc_writer; /* opaque */
/* Starts the thread on conn, which is the writer's alone until fc_writer_stop returns. stamps must outlive it. */
FC_MUST_CHECK enum fc_status fc_writer_start(struct fc_conn *conn, struct fc_stamp_table *stamps, struct fc_writer **out, struct fc_error *e);
/* Writes what is queued, refuses more, joins the thread and frees the writer. NULL is fine. */
void fc_writer_stop(struct fc_writer *w);
FC_MUST_CHECK enum fc_status fc_writer_queue(struct fc_writer *w, fc_write_fn fn, fc_write_done done, void *arg, struct fc_error *e);
enum fc_status fc_writer_health(struct fc_writer *w, struct fc_error *e);
/* Fills the counters; the sizes of the files are left alone. */
void fc_writer_stats(struct fc_writer *w, struct fc_store_stats *out);

#endif
