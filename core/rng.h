/* rng.h: the project's only source of randomness. A leaf; plain data, owned by one thread at a time, no global state, no clock.
 *
 * xoshiro256** (Blackman and Vigna 2018) seeded through splitmix64 from a seed and a stream number, so that each member, lane or epoch
 * draws from a stream of its own and the order in which they run does not matter. The same (seed, stream) gives the same integers and
 * uniform numbers on every platform, and the same normal numbers up to the last bit of the platform's log(). */
#ifndef FC_RNG_H
#define FC_RNG_H

#include <stddef.h>
#include <stdint.h>

struct fc_rng {
    uint64_t s[4];
}; /* never all zero */

void fc_rng_init(struct fc_rng *r, uint64_t seed, uint64_t stream);
/* 64 random bits. */
uint64_t fc_rng_next(struct fc_rng *r);
/* Uniform in [0, 1), a multiple of 2^-53. */
double fc_rng_uniform(struct fc_rng *r);
/* Uniform in [low, high), from 24 bits; low < high, both finite. */
float fc_rng_range(struct fc_rng *r, float low, float high);
/* Standard normal. */
double fc_rng_normal(struct fc_rng *r);
/* Uniform in 0 … n-1, without bias; 0 when n is 0. */
uint64_t fc_rng_below(struct fc_rng *r, uint64_t n);
/* Puts x[0 … n-1] into a uniformly chosen order. */
void fc_rng_shuffle(struct fc_rng *r, uint32_t *x, size_t n);

#endif
