/* real.h: the number of the networks: float, and double when the gradient checks build the same source with FC_DOUBLE. */
#ifndef FC_REAL_H
#define FC_REAL_H

#ifdef FC_DOUBLE
typedef double fc_real;
#else
typedef float fc_real;
#endif

#endif
