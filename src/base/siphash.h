/* siphash.h: SipHash-1-3 with a 128-bit secret: flow tables, ISNs (RFC 6528), ports (RFC 6056), cookies (RFC 4987). */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H
#include <stddef.h>
#include <stdint.h>

struct siphash_key {
    uint64_t k0, k1;
};
uint64_t siphash(const struct siphash_key *key, const void *bytes, size_t length);
uint64_t siphash24(const struct siphash_key *key, const void *bytes, size_t length); /* SipHash-2-4: what Linux's fast open cookies are */
uint64_t siphash_2u64(const struct siphash_key *key, uint64_t a, uint64_t b);
uint64_t siphash_4u64(const struct siphash_key *key, uint64_t a, uint64_t b, uint64_t c, uint64_t d);

#endif
