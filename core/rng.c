/* rng.c: see rng.h. */
#include "rng.h"

#include <math.h>

static uint64_t splitmix64(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

void fc_rng_init(struct fc_rng *r, uint64_t seed, uint64_t stream)
{
    /* The seed is mixed before the stream joins, so that (1, 2) and (2, 1) or (1, 1) and (2, 0) share nothing. */
    uint64_t state = seed;
    state = splitmix64(&state) + stream;
    state = splitmix64(&state);
    for (int i = 0; i < 4; i++)
        r->s[i] = splitmix64(&state); /* four successive outputs of a bijection: at most one is zero */
}

static uint64_t rotate_left(uint64_t x, int by)
{
    return (x << by) | (x >> (64 - by));
}

uint64_t fc_rng_next(struct fc_rng *r)
{
    uint64_t *s = r->s, out = rotate_left(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return out;
}

double fc_rng_uniform(struct fc_rng *r)
{
    return (double)(fc_rng_next(r) >> 11) * 0x1p-53;
}

float fc_rng_range(struct fc_rng *r, float low, float high)
{
    float u = (float)(fc_rng_next(r) >> 40) * 0x1p-24f;
    float x = low + (high - low) * u;
    return x < high ? x : low; /* rounding may reach high */
}

/* Marsaglia's polar method: (u, v) uniform in the unit disc, q = u² + v², z = u sqrt(-2 ln q / q). Its second number is not kept, so that
 * the state is the four words alone. */
double fc_rng_normal(struct fc_rng *r)
{
    double u, q;
    do {
        u = 2 * fc_rng_uniform(r) - 1;
        double v = 2 * fc_rng_uniform(r) - 1;
        q = u * u + v * v;
    } while (!(q > 0 && q < 1));
    return u * sqrt(-2 * log(q) / q);
}

/* Lemire 2019: the high word of random × n is uniform once the few low words below 2^64 mod n are refused. */
uint64_t fc_rng_below(struct fc_rng *r, uint64_t n)
{
    if (n == 0)
        return 0;
    unsigned __int128 product = (unsigned __int128)fc_rng_next(r) * n;
    if ((uint64_t)product < n) {
        uint64_t refuse = (0 - n) % n;
        while ((uint64_t)product < refuse)
            product = (unsigned __int128)fc_rng_next(r) * n;
    }
    return (uint64_t)(product >> 64);
}

void fc_rng_shuffle(struct fc_rng *r, uint32_t *x, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t k = (size_t)fc_rng_below(r, i);
        uint32_t swap = x[i - 1];
        x[i - 1] = x[k];
        x[k] = swap;
    }
}
