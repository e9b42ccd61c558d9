/* heap.h: deadlines. A 4-ary heap of {deadline, item}; the owner's uint32_t holds the position (HEAP_NONE: not in),
 * so that re-arming is O(log n) without a search. Re-arm lazily: a later deadline may stay as an early entry. */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H
#include "base/buf.h"

enum { HEAP_NONE = 0xffffffff };
struct heap_entry {
    uint64_t deadline_ns;
    uint64_t item; /* the owner's: a slot number, or a pointer */
};
struct heap {
    struct heap_entry *entries;
    uint32_t count, capacity;
    struct pool *pool;
    /* tells the owner where its entry is now; HEAP_NONE: removed */
    void (*moved)(void *ctx, uint64_t item, uint32_t position);
    void *ctx;
};
void heap_init(struct heap *heap, struct pool *pool, void (*moved)(void *, uint64_t, uint32_t), void *ctx);
void heap_fini(struct heap *heap);
/* Inserts or moves; POSITION is the owner's current one. -ENOMEM only on insert. */
int heap_set(struct heap *heap, uint32_t position, uint64_t item, uint64_t deadline_ns) __attribute__((warn_unused_result));
void heap_remove(struct heap *heap, uint32_t position); /* HEAP_NONE allowed */
static inline uint64_t heap_first(const struct heap *heap) { return heap->count ? heap->entries[0].deadline_ns : UINT64_MAX; }

#endif
