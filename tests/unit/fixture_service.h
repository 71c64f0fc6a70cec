/* fixture_service.h: a real store in a folder of its own with series in it, for the tests of service and jobs. Include after cmocka.h. */
#ifndef FC_FIXTURE_SERVICE_H
#define FC_FIXTURE_SERVICE_H

#include "service.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOUR INT64_C(3600000)
#define START INT64_C(1767225600000) /* 2026-01-01, a Thursday */

struct fixture {
    char folder[64], path[96];
    struct fc_store *store;
    struct fc_service *service;
};

/* Says why a call failed that must not. */
static inline void check_ok(enum fc_status status, const struct fc_error *e, const char *file, int line)
{
    if (status != FC_OK)
        print_error("%s:%d: status %d, %s: %s\n", file, line, (int)status, e->code, e->detail);
    assert_int_equal(status, FC_OK);
}
#define OK(call) do { struct fc_error E = {0}; (void)E; check_ok((call), &E, __FILE__, __LINE__); } while (0)

static inline void fixture_open(struct fixture *f)
{
    OK(fc_store_open(f->path, 4, &f->store, &E));
    OK(fc_service_new(f->store, &f->service, &E));
}

static inline void fixture_close(struct fixture *f)
{
    fc_service_free(f->service);
    fc_store_close(f->store);
}

static inline int fixture_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    strcpy(f->folder, "/tmp/forecastd-test-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->path, sizeof f->path, "%s/test.db", f->folder);
    fixture_open(f);
    *state = f;
    return 0;
}

static inline int fixture_teardown(void **state)
{
    static const char *const tail[] = {"", "-wal", "-shm"};
    struct fixture *f = *state;
    fixture_close(f);
    for (size_t i = 0; i < 3; i++) {
        char name[128];
        snprintf(name, sizeof name, "%s%s", f->path, tail[i]);
        (void)unlink(name);
    }
    assert_int_equal(rmdir(f->folder), 0);
    free(f);
    return 0;
}

/* ---- series ---- */

static inline enum fc_status write_points(struct fc_store_tx *tx, void *arg, struct fc_error *e)
{
    return fc_tx_points_put(tx, arg, e);
}

/* A daily rhythm, a slow trend and some noise of its own. */
static inline double rhythm(size_t i, unsigned seed)
{
    uint64_t x = (i + 1) * UINT64_C(6364136223846793005) + seed * UINT64_C(1442695040888963407);
    x ^= x >> 29;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    const double noise = (double)(x >> 40) / (double)(1 << 24) - 0.5;
    return 100 + 20 * sin(2 * M_PI * (double)(i % 24) / 24) + 0.01 * (double)i + 2 * noise + 5 * seed;
}

/* n values from START on, one each `every` milliseconds, made by the function. */
static inline void put_series(struct fixture *f, const char *id, size_t n, int64_t every, double (*value)(size_t i, unsigned seed), unsigned seed)
{
    fc_time *time = malloc((n + 1) * sizeof *time);
    double *x = malloc((n + 1) * sizeof *x);
    assert_non_null(time);
    assert_non_null(x);
    for (size_t i = 0; i < n; i++) {
        time[i] = START + (int64_t)i * every;
        x[i] = value(i, seed);
    }
    struct fc_points_write w = {.id = id, .time = time, .value = x, .n = n};
    OK(fc_store_write_wait(f->store, write_points, &w, &E));
    free(time);
    free(x);
}

static inline double missing(size_t i, unsigned seed)
{
    (void)i;
    (void)seed;
    return NAN;
}

#endif
