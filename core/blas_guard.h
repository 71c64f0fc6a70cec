/* blas_guard.h: makes OpenBLAS use the kernels that this processor deserves. Called once, first thing in main, before any thread. */
#ifndef FC_BLAS_GUARD_H
#define FC_BLAS_GUARD_H

/* OpenBLAS 0.3.21 takes newer Intel processors for a Prescott (a fifth of the speed), and it reads OPENBLAS_CORETYPE before main runs.
 * When its choice is older than the processor allows, this sets the variable and executes the program again, once. A value that the user
 * set is respected. Also puts OpenBLAS on one thread: the program has its own. Returns a sentence for the log when it could not help, else NULL. */
const char *fc_blas_guard(char **argv);
/* The name of the kernels in use, such as "SkylakeX". */
const char *fc_blas_core(void);
/* The name that the guard would ask for on this processor given OpenBLAS's own choice; NULL when that choice is right. For tests. */
const char *fc_blas_better_core(const char *current, int has_avx512, int has_avx2);

#endif
