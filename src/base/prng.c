/* prng.c: xoshiro256** (Blackman and Vigna), its state filled by splitmix64 as its authors advise. */
#include "base/prng.h"

static uint64_t splitmix(uint64_t *x)
{
    uint64_t z = (*x += 0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

void prng_seed(struct prng *prng, uint64_t seed)
{
    for (int i = 0; i < 4; i++)
        prng->s[i] = splitmix(&seed);
}

static uint64_t rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

uint64_t prng_next(struct prng *prng)
{
    uint64_t *s = prng->s, result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

uint64_t prng_below(struct prng *prng, uint64_t bound)
{
    if (!bound)
        return 0;
    /* Lemire's method: the high word of a product, drawn again in the few cases that would favour some results. */
    __extension__ typedef unsigned __int128 u128;
    u128 product = (u128)prng_next(prng) * bound;
    if ((uint64_t)product < bound) {
        uint64_t least = -bound % bound;
        while ((uint64_t)product < least)
            product = (u128)prng_next(prng) * bound;
    }
    return (uint64_t)(product >> 64);
}

void prng_fork(struct prng *prng, uint64_t label, struct prng *child)
{
    uint64_t seed = prng_next(prng), mixed = splitmix(&label);
    prng_seed(child, seed ^ mixed);
}
