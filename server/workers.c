/* workers.c: see workers.h. One mutex guards the queue and the flags; nothing else is locked while it is held. */
#include "workers.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct fc_workers {
    pthread_mutex_t lock;
    pthread_cond_t more;          /* the queue is not empty, or closing */
    struct fc_task *first, *last; /* the queue */
    size_t queued, limit;
    bool cancelled, closing;
    size_t n;                     /* threads that run */
    pthread_t thread[];
};

static void *work(void *arg)
{
    struct fc_workers *w = arg;
    pthread_mutex_lock(&w->lock);
    for (;;) {
        while (!w->first && !w->closing)
            pthread_cond_wait(&w->more, &w->lock);
        struct fc_task *t = w->first;
        if (!t)
            break;
        w->first = t->next;
        if (!w->first)
            w->last = NULL;
        w->queued--;
        bool cancelled = w->cancelled;
        pthread_mutex_unlock(&w->lock);
        t->run(t, cancelled);
        pthread_mutex_lock(&w->lock);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

enum fc_status fc_workers_new(size_t threads, size_t limit, struct fc_workers **out, struct fc_error *e)
{
    size_t bytes = sizeof(struct fc_workers) + threads * sizeof(pthread_t);
    struct fc_workers *w = calloc(1, bytes);
    if (!w)
        return fc_fail_nomem(e, bytes);
    w->limit = limit;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->more, NULL);
    sigset_t all, before; /* signals are for the main thread */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (w->n < threads && pthread_create(&w->thread[w->n], NULL, work, w) == 0)
        w->n++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (w->n < threads) {
        size_t started = w->n;
        fc_workers_free(w);
        return fc_fail(e, FC_INTERNAL, "no_thread", "only %zu of %zu request workers could be started", started, threads);
    }
    *out = w;
    return FC_OK;
}

bool fc_workers_push(struct fc_workers *w, struct fc_task *t, bool always)
{
    t->next = NULL;
    pthread_mutex_lock(&w->lock);
    bool fits = always || w->queued < w->limit;
    if (fits) {
        if (w->last)
            w->last->next = t;
        else
            w->first = t;
        w->last = t;
        w->queued++;
        pthread_cond_signal(&w->more);
    }
    pthread_mutex_unlock(&w->lock);
    return fits;
}

size_t fc_workers_queued(struct fc_workers *w)
{
    pthread_mutex_lock(&w->lock);
    size_t n = w->queued;
    pthread_mutex_unlock(&w->lock);
    return n;
}

void fc_workers_cancel(struct fc_workers *w)
{
    pthread_mutex_lock(&w->lock);
    w->cancelled = true;
    pthread_mutex_unlock(&w->lock);
}

void fc_workers_free(struct fc_workers *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->closing = true;
    pthread_cond_broadcast(&w->more);
    pthread_mutex_unlock(&w->lock);
    for (size_t i = 0; i < w->n; i++)
        pthread_join(w->thread[i], NULL);
    pthread_cond_destroy(&w->more);
    pthread_mutex_destroy(&w->lock);
    free(w);
}
