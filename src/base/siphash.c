/* siphash.c: SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", with one compression and three
 * finalisation rounds). The fixed-length forms equal siphash() of the words' bytes in little-endian order. */
#include "base/siphash.h"
#include "base/base.h"

struct state {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static inline void round1(struct state *s)
{
    s->v0 += s->v1;
    s->v1 = rotate(s->v1, 13) ^ s->v0;
    s->v0 = rotate(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = rotate(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = rotate(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = rotate(s->v1, 17) ^ s->v2;
    s->v2 = rotate(s->v2, 32);
}

static inline struct state start(const struct siphash_key *key)
{
    return (struct state){
        key->k0 ^ 0x736f6d6570736575,
        key->k1 ^ 0x646f72616e646f6d,
        key->k0 ^ 0x6c7967656e657261,
        key->k1 ^ 0x7465646279746573,
    };
}

static inline void word(struct state *s, uint64_t m)
{
    s->v3 ^= m;
    round1(s);
    s->v0 ^= m;
}

static inline uint64_t finish(struct state *s, uint64_t last)
{
    word(s, last);
    s->v2 ^= 0xff;
    round1(s);
    round1(s);
    round1(s);
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

static inline uint64_t little64(const uint8_t *p)
{
    uint64_t v = 0;
    for (int i = 7; i >= 0; i--)
        v = v << 8 | p[i];
    return v;
}

uint64_t siphash(const struct siphash_key *key, const void *bytes, size_t length)
{
    const uint8_t *p = bytes;
    struct state s = start(key);
    uint64_t last = (uint64_t)length << 56;
    for (; length >= 8; p += 8, length -= 8)
        word(&s, little64(p));
    for (size_t i = 0; i < length; i++)
        last |= (uint64_t)p[i] << (8 * i);
    return finish(&s, last);
}

uint64_t siphash24(const struct siphash_key *key, const void *bytes, size_t length)
{
    const uint8_t *p = bytes;
    struct state s = start(key);
    uint64_t last = (uint64_t)length << 56;
    for (;; p += 8, length -= 8) {
        uint64_t m = length >= 8 ? little64(p) : last;
        for (size_t i = 0; length < 8 && i < length; i++)
            m |= (uint64_t)p[i] << (8 * i);
        s.v3 ^= m;
        round1(&s);
        round1(&s);
        s.v0 ^= m;
        if (length < 8)
            break;
    }
    s.v2 ^= 0xff;
    for (int i = 0; i < 4; i++)
        round1(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

ONE_COPY uint64_t siphash_2u64(const struct siphash_key *key, uint64_t a, uint64_t b)
{
    struct state s = start(key);
    word(&s, a);
    word(&s, b);
    return finish(&s, (uint64_t)16 << 56);
}

uint64_t siphash_4u64(const struct siphash_key *key, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    struct state s = start(key);
    word(&s, a);
    word(&s, b);
    word(&s, c);
    word(&s, d);
    return finish(&s, (uint64_t)32 << 56);
}
