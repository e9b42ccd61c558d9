/* ranges.h: sorted, disjoint, half-open ranges of 32-bit sequence space, bounded in number: SACK scoreboards and
 * out-of-order bookkeeping. Comparisons are modulo 2^32 (RFC 9293 3.4). */
#ifndef BASE_RANGES_H
#define BASE_RANGES_H
#include <stdbool.h>
#include <stdint.h>

struct range {
    uint32_t start, end;
};
enum { RANGES_MAX = 64 };
struct ranges {
    uint32_t count;
    struct range r[RANGES_MAX];
};
/* Adds [start, end), merging neighbours. Returns bytes newly covered; when full the highest range is forgotten
 * (its bytes are subtracted from the result, which may then be negative). */
int64_t ranges_add(struct ranges *ranges, uint32_t start, uint32_t end);
/* Forgets everything before SEQ; returns bytes forgotten. */
uint32_t ranges_trim(struct ranges *ranges, uint32_t seq);
bool ranges_has(const struct ranges *ranges, uint32_t seq);
/* The first gap at or after SEQ and before the highest end; false: none. */
bool ranges_gap(const struct ranges *ranges, uint32_t seq, struct range *gap);
uint32_t ranges_bytes(const struct ranges *ranges);

#endif
