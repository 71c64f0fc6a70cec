/* kernel_avx512.c: the kernels in AVX-512; the Makefile gives the instructions. See kernel.h. */
#define FC_WIDTH 16 /* numbers a vector */
#define FC_TILE_ROWS 8
#define FC_PANEL 3
#define FC_FAMILY avx512
#include "kernel_body.h"
