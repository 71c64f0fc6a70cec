/* kernel.c: which family of kernels this processor gets. See kernel.h. */
#include "kernel.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const struct fc_kernel *chosen;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static int runs_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}

static int runs_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static int runs_anything(void)
{
    return 1;
}

/* Best first. */
static const struct {
    const struct fc_kernel *kernel;
    int (*runs)(void);
} families[] = {{&fc_kernel_avx512, runs_avx512}, {&fc_kernel_avx2, runs_avx2}, {&fc_kernel_portable, runs_anything}};

static void choose(void)
{
    const char *asked = getenv("FC_KERNEL");
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        if (!families[i].runs())
            continue;
        if (!chosen)
            chosen = families[i].kernel;
        if (asked && strcmp(asked, families[i].kernel->name) == 0) {
            chosen = families[i].kernel;
            return;
        }
    }
}

const struct fc_kernel *fc_kernel(void)
{
    pthread_once(&once, choose);
    return chosen;
}
