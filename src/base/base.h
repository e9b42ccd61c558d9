/* base.h: the small things that everything uses. Each container has its own header; they know nothing of networks.
 *   buf.h stream.h csum.h   memory (read buf.h first)
 *   heap.h   a binary heap of deadlines with positions held by the owner
 *   table.h  an open-addressed hash table of 32-bit slots, keyed by siphash
 *   slab.h   fixed-size objects in chunks that never move, {slot, generation} handles
 *   list.h   intrusive doubly linked list
 *   prng.h   the seeded generator       siphash.h  keyed hash
 * What an observer may be told is public: lilliput/trace.h. */
#ifndef BASE_BASE_H
#define BASE_BASE_H
#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#define LIL_NEVER UINT64_MAX /* as in lilliput/host.h */
#define MUST_CHECK __attribute__((warn_unused_result))
#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))
#define ARRAY_COUNT(a) (sizeof(a) / sizeof(a)[0])
static inline uint64_t min_u64(uint64_t a, uint64_t b) { return a < b ? a : b; }
static inline uint64_t max_u64(uint64_t a, uint64_t b) { return a > b ? a : b; }
static inline uint32_t min_u32(uint32_t a, uint32_t b) { return a < b ? a : b; }
static inline uint32_t max_u32(uint32_t a, uint32_t b) { return a > b ? a : b; }
#define NS_PER_US 1000ull
#define NS_PER_MS 1000000ull
#define NS_PER_S 1000000000ull
/* INVARIANT(7, cond): a numbered invariant of the file's theory block; checked in debug builds. */
#define INVARIANT(number, condition) assert((condition) && "invariant " #number)

/* Seldom called: kept apart from what runs for each packet, and branches that lead there are not the expected ones. */
#define COLD __attribute__((cold))
/* Called from many places on a connection's way and seldom for a packet: a copy in each of them would cost more lines of the first-level
 * instruction cache than the calls cost (docs/decisions/0403-connections-a-second.md). */
#define ONE_COPY __attribute__((noinline))
/* A part of its one caller that has a name: gcc does not join functions with large frames by itself, and each call saves six registers. */
#define INLINE static inline __attribute__((always_inline))

#endif
