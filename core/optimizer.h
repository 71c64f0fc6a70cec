/* optimizer.h: gradient clipping, the learning-rate schedule and Adam. One thread per optimizer. */
#ifndef FC_OPTIMIZER_H
#define FC_OPTIMIZER_H

#include "error.h"
#include "kernel.h"

/* Adam with bias correction (Kingma and Ba 2015, arXiv:1412.6980): beta1 0.9, beta2 0.999, epsilon 1e-8. */
struct fc_adam {
    size_t n;
    fc_real *m, *v;  /* [n] owned: first and second moments */
    unsigned long t; /* steps taken */
};
FC_MUST_CHECK enum fc_status fc_adam_init(struct fc_adam *a, size_t n, struct fc_error *e);
void fc_adam_close(struct fc_adam *a);
/* One step on w with the gradient scale·g. */
void fc_adam_step(struct fc_adam *a, const struct fc_kernel *k, fc_real *w, const fc_real *g, double scale, double rate);

/* Euclidean norm of all gradients together, summed in double in index order. */
double fc_gradient_norm(size_t n, const fc_real *g);
/* The factor that brings a gradient of this norm down to the threshold (Pascanu et al. 2013): min(1, threshold/norm). */
double fc_clip_factor(double norm, double threshold);

/* Linear warm-up over `warmup` steps to `peak`, then a half cosine down to 1 % of it at `total` (Loshchilov and Hutter 2017, without restarts). step counts from 0. */
double fc_schedule_cosine(unsigned long step, unsigned long warmup, unsigned long total, double peak);

#endif
