/* blas_guard.c: see blas_guard.h. */
#include "blas_guard.h"

#include <cblas.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define GUARD "FC_BLAS_GUARD" /* set before the second start, so that there is never a third; removed again there */

static const char *const avx512_cores[] = {"SkylakeX", "Cooperlake", "SapphireRapids", NULL};
static const char *const avx2_cores[] = {"Haswell", "Zen", "Excavator", NULL};

static int listed(const char *name, const char *const *list)
{
    for (; *list; list++)
        if (strcasecmp(name, *list) == 0)
            return 1;
    return 0;
}

const char *fc_blas_better_core(const char *current, int has_avx512, int has_avx2)
{
    if (has_avx512)
        return listed(current, avx512_cores) ? NULL : "SkylakeX";
    if (has_avx2)
        return listed(current, avx2_cores) || listed(current, avx512_cores) ? NULL : "Haswell";
    return NULL;
}

const char *fc_blas_core(void)
{
    return openblas_get_corename();
}

const char *fc_blas_guard(char **argv)
{
    openblas_set_num_threads(1);
    if (getenv(GUARD)) {
        unsetenv(GUARD);
        return NULL;
    }
    if (getenv("OPENBLAS_CORETYPE"))
        return NULL;
    int avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
                 __builtin_cpu_supports("avx512dq");
    int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    const char *better = fc_blas_better_core(fc_blas_core(), avx512, avx2);
    if (!better)
        return NULL;
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n <= 0)
        return "OpenBLAS runs slower kernels than this processor allows and /proc is not there to start again: set OPENBLAS_CORETYPE";
    path[n] = 0;
    if (setenv("OPENBLAS_CORETYPE", better, 1) != 0 || setenv(GUARD, "1", 1) != 0)
        return "OpenBLAS runs slower kernels than this processor allows and the environment is full: set OPENBLAS_CORETYPE";
    execv(path, argv);
    unsetenv("OPENBLAS_CORETYPE");
    unsetenv(GUARD);
    return "OpenBLAS runs slower kernels than this processor allows and starting again failed: set OPENBLAS_CORETYPE";
}
