/* lanes.c: the threads behind lanes.h.
 *
 * A caller of run puts {n, task, arg} into a free slot and publishes it by storing the claim word. Whoever has time moves the claim word on by
 * one and owns that index. The caller takes indices too, then waits until as many tasks are done as there are indices.
 *
 * Invariants:
 *  1. The claim word is {generation, next index}; index CLOSED means that the fields change now. They change only after every index of the last
 *     generation is done and with the word closed, so a claim that succeeds proves that the fields read between reading the word and moving it
 *     belong to its generation: a helper that comes late fails its claim and has touched nothing.
 *  2. Slots live as long as the pool, so a late helper reads valid memory.
 *  3. Nobody waits for a thread that holds no index: a helper whose processor is taken away delays the section only when it owns a task.
 *  4. pool->event is raised after each post and each publication; a lane sleeps on the value that it read before it looked for work, so no
 *     wake-up is lost. The publisher makes a system call only when somebody sleeps.
 * There is no lock. Waiting is a short spin (sections come every 0.1 to 20 ms while a job runs), then a futex. */
#include "lanes.h"

#include "clock.h"

#include <assert.h>
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define LANES_MAX 256
#define SPIN_NS 20000
#define SPIN_TURNS 16     /* pauses between two looks at the clock */
#define CLOSED UINT32_MAX /* as an index: above any section's */

typedef void (*task_fn)(void *arg, size_t i);

struct slot {
    _Alignas(64) atomic_uint_fast64_t claim; /* generation << 32 | next index */
    _Atomic uint32_t n;                      /* indices of this generation */
    _Atomic(task_fn) task;
    _Atomic(void *) arg;
    _Alignas(64) _Atomic uint32_t done; /* finished indices; the caller's futex */
    atomic_bool waiting;                /* the caller sleeps on done */
    atomic_bool taken;                  /* a caller owns the slot */
};

struct fc_lane_pool {
    void (*work)(void *ctx);
    void *ctx;
    size_t lanes, started;
    pthread_t *thread; /* [lanes] */
    struct slot *slot; /* [slots] */
    size_t slots;
    _Alignas(64) _Atomic uint32_t event; /* the lanes' futex */
    _Atomic uint32_t sleepers;
    _Atomic uint32_t posts;   /* jobs that no lane took yet */
    _Atomic uint32_t running; /* lanes that run a job */
    atomic_bool stop;
};

static void futex_wait(_Atomic uint32_t *word, uint32_t seen)
{
    /* Any return is fine, EINTR and EAGAIN too: the caller looks again. */
    (void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word, uint32_t threads)
{
    (void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, threads, NULL, NULL, 0);
}

static void relax(void)
{
#if defined(__SSE2__)
    _mm_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Spins until *word differs from seen, for at most SPIN_NS; true when it does. */
static bool spin_until_changed(_Atomic uint32_t *word, uint32_t seen)
{
    const int64_t end = fc_clock_ns() + SPIN_NS;
    do {
        for (int i = 0; i < SPIN_TURNS; i++) {
            if (atomic_load(word) != seen)
                return true;
            relax();
        }
    } while (fc_clock_ns() < end);
    return false;
}

/* Something to do came up for at most `threads` lanes. */
static void announce(struct fc_lane_pool *p, uint32_t threads)
{
    atomic_fetch_add(&p->event, 1);
    const uint32_t asleep = atomic_load(&p->sleepers);
    if (asleep > 0)
        futex_wake(&p->event, threads < asleep ? threads : asleep);
}

/* ---- sections ---- */

/* Takes indices of the slot's section one by one and runs them, until none is left or (for a helper) a job waits. True when it ran any. */
static bool take_indices(struct fc_lane_pool *p, struct slot *s, bool helper)
{
    bool any = false;
    for (;;) {
        if (helper && atomic_load(&p->posts) > 0)
            return any;
        uint_fast64_t claim = atomic_load(&s->claim);
        const uint32_t i = (uint32_t)claim;
        const uint32_t n = atomic_load(&s->n);
        const task_fn task = atomic_load(&s->task);
        void *arg = atomic_load(&s->arg);
        if (i >= n)
            return any;
        if (!atomic_compare_exchange_strong(&s->claim, &claim, claim + 1))
            continue;
        task(arg, i);
        any = true;
        if (atomic_fetch_add(&s->done, 1) + 1 == n && atomic_load(&s->waiting))
            futex_wake(&s->done, 1);
    }
}

static void wait_done(struct slot *s, uint32_t n)
{
    for (;;) {
        uint32_t done = atomic_load(&s->done);
        if (done == n)
            return;
        if (spin_until_changed(&s->done, done))
            continue;
        atomic_store(&s->waiting, true);
        done = atomic_load(&s->done);
        if (done != n)
            futex_wait(&s->done, done);
        atomic_store(&s->waiting, false);
    }
}

static struct slot *take_slot(struct fc_lane_pool *p)
{
    for (size_t i = 0; i < p->slots; i++) {
        bool expected = false;
        if (!atomic_load(&p->slot[i].taken) && atomic_compare_exchange_strong(&p->slot[i].taken, &expected, true))
            return &p->slot[i];
    }
    return NULL;
}

static void run_section(void *ctx, size_t n, task_fn task, void *arg)
{
    struct fc_lane_pool *p = ctx;
    assert(n < CLOSED);
    struct slot *s = n > 1 && p->lanes > 1 ? take_slot(p) : NULL;
    if (!s) { /* nothing to share, or more nested sections than slots */
        for (size_t i = 0; i < n; i++)
            task(arg, i);
        return;
    }
    const uint_fast64_t generation = ((atomic_load(&s->claim) >> 32) + 1) << 32;
    atomic_store(&s->claim, generation | CLOSED);
    atomic_store(&s->done, 0);
    atomic_store(&s->n, (uint32_t)n);
    atomic_store(&s->task, task);
    atomic_store(&s->arg, arg);
    atomic_store(&s->claim, generation);
    announce(p, (uint32_t)n - 1);
    take_indices(p, s, false);
    wait_done(s, (uint32_t)n);
    atomic_store(&s->taken, false);
}

/* ---- lanes ---- */

static bool take_post(struct fc_lane_pool *p)
{
    uint32_t posts = atomic_load(&p->posts);
    while (posts > 0)
        if (atomic_compare_exchange_weak(&p->posts, &posts, posts - 1))
            return true;
    return false;
}

/* Runs a job or helps a section; false when there was nothing to do. from: the slot to look at first, so that lanes spread over the sections. */
static bool lane_turn(struct fc_lane_pool *p, size_t from)
{
    if (take_post(p)) {
        atomic_fetch_add(&p->running, 1);
        p->work(p->ctx);
        atomic_fetch_sub(&p->running, 1);
        return true;
    }
    bool helped = false;
    for (size_t i = 0; i < p->slots; i++)
        helped |= take_indices(p, &p->slot[(from + i) % p->slots], true);
    return helped;
}

static void lane_settle(void)
{
    /* On Linux the priority of "process" 0 is that of the calling thread. A failure only makes training less polite. */
    (void)setpriority(PRIO_PROCESS, 0, 10);
#if defined(__SSE2__)
    _mm_setcsr(_mm_getcsr() | 0x8040u); /* flush to zero, denormals are zero */
#elif defined(__aarch64__)
    uint64_t fpcr;
    __asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
    __asm__ volatile("msr fpcr, %0" : : "r"(fpcr | (UINT64_C(1) << 24)));
#endif
}

static void *lane_main(void *arg)
{
    struct fc_lane_pool *p = arg;
    size_t turn = 0;
    lane_settle();
    for (;;) {
        const uint32_t event = atomic_load(&p->event);
        if (atomic_load(&p->stop))
            return NULL;
        if (lane_turn(p, turn++))
            continue;
        if (atomic_load(&p->running) > 0 && spin_until_changed(&p->event, event))
            continue;
        atomic_fetch_add(&p->sleepers, 1);
        if (atomic_load(&p->event) == event)
            futex_wait(&p->event, event);
        atomic_fetch_sub(&p->sleepers, 1);
    }
}

static size_t processors(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        return (size_t)CPU_COUNT(&set);
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (size_t)online : 1;
}

enum fc_status fc_lane_pool_new(size_t lanes, void (*work)(void *ctx), void *ctx, struct fc_lane_pool **out, struct fc_error *e)
{
    if (lanes == 0)
        lanes = processors();
    if (lanes > LANES_MAX)
        lanes = LANES_MAX;
    const size_t slots = 2 * lanes + 2; /* every lane may nest one section; the rest is for callers from outside */
    struct fc_lane_pool *p = aligned_alloc(64, sizeof *p);
    if (!p)
        return fc_fail_nomem(e, sizeof *p);
    memset(p, 0, sizeof *p);
    p->work = work;
    p->ctx = ctx;
    p->lanes = lanes;
    p->slots = slots;
    p->thread = calloc(lanes, sizeof *p->thread);
    p->slot = aligned_alloc(64, slots * sizeof *p->slot);
    if (!p->thread || !p->slot) {
        fc_lane_pool_free(p);
        return fc_fail_nomem(e, slots * sizeof *p->slot);
    }
    memset(p->slot, 0, slots * sizeof *p->slot);
    for (; p->started < lanes; p->started++) {
        const int error = pthread_create(&p->thread[p->started], NULL, lane_main, p);
        if (error != 0) {
            fc_lane_pool_free(p);
            return fc_fail(e, FC_UNAVAILABLE, "no_thread", "cannot start training lane %zu of %zu: %s", p->started + 1, lanes, strerror(error));
        }
    }
    *out = p;
    return FC_OK;
}

void fc_lane_pool_free(struct fc_lane_pool *p)
{
    if (!p)
        return;
    atomic_store(&p->stop, true);
    announce(p, UINT32_MAX >> 1);
    for (size_t i = 0; i < p->started; i++)
        pthread_join(p->thread[i], NULL);
    free(p->thread);
    free(p->slot);
    free(p);
}

void fc_lane_pool_post(struct fc_lane_pool *p)
{
    atomic_fetch_add(&p->posts, 1);
    announce(p, 1);
}

struct fc_lanes fc_lane_pool_lanes(struct fc_lane_pool *p)
{
    return (struct fc_lanes){.ctx = p, .run = run_section};
}

size_t fc_lane_pool_size(const struct fc_lane_pool *p)
{
    return p->lanes;
}

size_t fc_lane_pool_running(struct fc_lane_pool *p)
{
    return atomic_load(&p->running);
}
