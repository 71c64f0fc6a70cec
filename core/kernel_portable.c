/* kernel_portable.c: the kernels in any processor's instructions; the Makefile gives the instructions. See kernel.h. */
#ifdef FC_DOUBLE
#define FC_WIDTH 2 /* numbers a vector: 16 bytes, which every processor of ours has */
#else
#define FC_WIDTH 4
#endif
#define FC_TILE_ROWS 6
#define FC_PANEL 2
#define FC_FAMILY portable
#include "kernel_body.h"
