/* kernel_portable.c: the kernels in any processor's instructions; the Makefile gives the instructions. See kernel.h. */
#define FC_FAMILY portable
#include "kernel_body.h"
