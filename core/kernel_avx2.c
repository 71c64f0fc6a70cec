/* kernel_avx2.c: the kernels in AVX2 and FMA; the Makefile gives the instructions. See kernel.h. */
#define FC_FAMILY avx2
#include "kernel_body.h"
