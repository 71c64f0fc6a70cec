/* kernel_avx2.c: the kernels in AVX2 and FMA; the Makefile gives the instructions. See kernel.h. */
#define FC_WIDTH 8 /* numbers a vector */
#define FC_TILE_ROWS 6
#define FC_PANEL 2
#define FC_FAMILY avx2
#include "kernel_body.h"
