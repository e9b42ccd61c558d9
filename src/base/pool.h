/* pool.h: the inside of a pool, for base/ alone (pool.c, buf.c, stream.c). Everything a pool hands out belongs to a
 * class with a LIFO free list: packets, the block classes, and general memory rounded to size classes. Small classes
 * are carved from chunks that live as long as the pool; large blocks are single allocations, kept up to a bound.
 * A direct pool (always under AddressSanitizer) has no free lists: each object is its own allocation. */
#ifndef BASE_POOL_H
#define BASE_POOL_H
#include "base/base.h"
#include "base/buf.h"

#define UNLIKELY(x) __builtin_expect(!!(x), 0)
enum {
    POOL_PACKET = 0,
    POOL_BLOCK = 1, /* ... 5: the block classes */
    POOL_BLOCK_CLASSES = 5,
    POOL_BLOCK_CARVED = 3, /* the first of them come from chunks, the others are single allocations */
    POOL_GENERAL = POOL_BLOCK + POOL_BLOCK_CLASSES,
    POOL_GENERAL_CLASSES = 64 + 20,
    POOL_CLASSES = POOL_GENERAL + POOL_GENERAL_CLASSES,
    POOL_BLOCK_HUGE = 0xff, /* block->cls of a block above all classes */
    POOL_GENERAL_MAX = 32768,
    POOL_LINE = 64,
    POOL_BLOCK_LEAD = POOL_LINE - (int)sizeof(struct block) % POOL_LINE, /* so that block->data is line-aligned */
};
struct pool_node {
    struct pool_node *next;
};
struct pool_class {
    struct pool_node *free;
    uint8_t *next, *end; /* of the chunk being carved */
    uint32_t stride, carved;
};
struct pool_chunk {
    struct pool_chunk *next;
    size_t size;
};
struct pool {
    uint64_t bytes_now, limit_bytes, bytes_peak;
    uint64_t objects; /* all that is out */
    uint32_t refs;
    bool direct;
    struct pool_config config;
    uint64_t packets_now, blocks_now, failures;
    uint64_t cached_bytes; /* large blocks in free lists */
    struct pool_chunk *chunks;
    struct pool_class classes[POOL_CLASSES];
};

void *pool_refill(struct pool *pool, unsigned cls); /* the free list is empty; NULL: no memory */
void pool_destroy(struct pool *pool);
void pool_give_slow(struct pool *pool, unsigned cls, void *memory); /* direct pools, large blocks */

/* The class for general memory of SIZE bytes, 1 to POOL_GENERAL_MAX. */
static inline unsigned pool_general_class(size_t size)
{
    if (size <= 1024)
        return POOL_GENERAL + (unsigned)((size + 15) / 16) - 1;
    unsigned shift = 63 - (unsigned)__builtin_clzll(size - 1); /* 2^shift < size <= 2^(shift+1): four steps between */
    return POOL_GENERAL + 64 + (shift - 10) * 4 + (unsigned)((size - 1 - ((size_t)1 << shift)) >> (shift - 2));
}
static inline bool pool_class_is_large(unsigned cls)
{
    return cls >= POOL_BLOCK + POOL_BLOCK_CARVED && cls < POOL_GENERAL;
}

static inline bool pool_charge(struct pool *pool, uint64_t bytes)
{
    uint64_t now = pool->bytes_now + bytes;
    if (UNLIKELY(now > pool->bytes_peak)) {
        if (now > pool->limit_bytes) {
            pool->failures++;
            return false;
        }
        pool->bytes_peak = now;
    }
    pool->bytes_now = now;
    pool->objects++;
    return true;
}
static inline void pool_uncharge(struct pool *pool, uint64_t bytes)
{
    pool->bytes_now -= bytes;
    if (UNLIKELY(--pool->objects == 0 && pool->refs == 0))
        pool_destroy(pool);
}
static inline void *pool_take(struct pool *pool, unsigned cls)
{
    struct pool_class *c = &pool->classes[cls];
    if (!pool_charge(pool, c->stride))
        return NULL;
    struct pool_node *node = c->free;
    if (UNLIKELY(!node))
        return pool_refill(pool, cls);
    c->free = node->next;
    return node;
}
static inline void pool_give(struct pool *pool, unsigned cls, void *memory)
{
    if (UNLIKELY(pool->direct || pool_class_is_large(cls))) {
        pool_give_slow(pool, cls, memory);
    } else {
        struct pool_node *node = memory;
        node->next = pool->classes[cls].free;
        pool->classes[cls].free = node;
    }
    pool_uncharge(pool, pool->classes[cls].stride);
}

/* A block of the smallest class (512 bytes). */
static inline struct block *block_new_small(struct pool *pool)
{
    struct block *block = pool_take(pool, POOL_BLOCK);
    if (!block)
        return NULL;
    *block = (struct block){.refs = 1, .size = pool->classes[POOL_BLOCK].stride - (uint32_t)sizeof(struct block), .cls = 0, .pool = pool};
    pool->blocks_now++;
    return block;
}

#endif
