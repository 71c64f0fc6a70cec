/* kernel_avx512.c: the kernels in AVX-512; the Makefile gives the instructions. See kernel.h. */
#define FC_FAMILY avx512
#include "kernel_body.h"
