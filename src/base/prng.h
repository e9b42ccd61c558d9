/* prng.h: the seeded generator (xoshiro256**): same seed, same numbers. Not for secrets on a real network unless the
 * seed is secret; a host's seed is the embedder's. */
#ifndef BASE_PRNG_H
#define BASE_PRNG_H
#include <stdint.h>

struct prng {
    uint64_t s[4];
};
void prng_seed(struct prng *prng, uint64_t seed);
uint64_t prng_next(struct prng *prng);
uint64_t prng_below(struct prng *prng, uint64_t bound);  /* uniform in [0, bound); 0 for bound 0 */
/* A child generator that is independent of later draws from PRNG; LABEL separates children. */
void prng_fork(struct prng *prng, uint64_t label, struct prng *child);

#endif
