/* heap.h: deadlines. A 4-ary heap of {deadline, owner}; a uint32_t of the owner's says where its entry is (HEAP_NONE: not in), so that
 * re-arming is O(log n) without a search. Owners do not move. Re-arm lazily: a later deadline may stay as an early entry. */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H
#include "base/buf.h"

enum { HEAP_NONE = 0xffffffff };
struct heap_entry {
    uint64_t deadline_ns;
    uint32_t *position; /* the owner's */
};
struct heap {
    struct heap_entry *entries;
    uint32_t count, capacity;
    struct pool *pool;
};
void heap_init(struct heap *heap, struct pool *pool);
void heap_fini(struct heap *heap);
/* Inserts or moves. -ENOMEM only on insert. */
int heap_set(struct heap *heap, uint32_t *position, uint64_t deadline_ns) __attribute__((warn_unused_result));
void heap_remove_entry(struct heap *heap, uint32_t position); /* private to heap_remove */
static inline void heap_remove(struct heap *heap, uint32_t *position) /* HEAP_NONE allowed, and left behind */
{
    if (*position != HEAP_NONE)
        heap_remove_entry(heap, *position);
}
static inline uint64_t heap_first(const struct heap *heap) { return heap->count ? heap->entries[0].deadline_ns : UINT64_MAX; }
static inline uint64_t heap_deadline(const struct heap *heap, uint32_t position) /* UINT64_MAX: not in */
{
    return position == HEAP_NONE ? UINT64_MAX : heap->entries[position].deadline_ns;
}

#endif
