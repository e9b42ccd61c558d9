/* csum.h: the Internet checksum (RFC 1071) over memory: sums are kept unfolded in 32 bits of one's-complement
 * arithmetic, in the machine's byte order, so that no byte order conversion is needed. The widest SIMD
 * the CPU has is chosen once, before main. */
#ifndef BASE_CSUM_H
#define BASE_CSUM_H
#include <stddef.h>
#include <stdint.h>

uint32_t csum_partial(const void *bytes, size_t length, uint32_t sum);          /* LENGTH bytes at an even offset */
uint32_t csum_copy(void *to, const void *from, size_t length, uint32_t sum);    /* copies and sums in one pass */
static inline uint32_t csum_add(uint32_t a, uint32_t b)
{
    uint32_t s = a + b;
    return s + (s < b);
}
static inline uint32_t csum_swap(uint32_t sum) /* the sum of bytes that lie at an odd offset */
{
    return (sum << 8 & 0xff00ff00u) | (sum >> 8 & 0x00ff00ffu);
}
static inline uint16_t csum_fold(uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)(sum + (sum >> 16));
}
static inline uint16_t csum_fold64(uint64_t sum) /* each half plus the other, the carry coming round in the upper one */
{
    sum += sum >> 32 | sum << 32;
    uint32_t half = (uint32_t)(sum >> 32);
    half += half >> 16 | half << 16;
    return (uint16_t)(half >> 16);
}
/* For tests: force "scalar", "avx2", "avx512" or NULL for the best; returns the name in use. */
const char *csum_select(const char *name);

struct lil_packet;
/* The sum of a packet's bytes from OFFSET to its end (odd boundaries handled); uses payload_sum where valid. */
uint32_t csum_packet(const struct lil_packet *packet, size_t offset);
/* The same, but looks at every byte: what a receiver verifies with. */
uint32_t csum_packet_bytes(const struct lil_packet *packet, size_t offset);

#endif
