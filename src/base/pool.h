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

#endif
