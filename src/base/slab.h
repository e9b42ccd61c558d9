/* slab.h: fixed-size objects in chunks that never move. A slot is a 32-bit index; a handle adds a generation
 * that changes when the slot is freed, so that a stale handle finds nothing. */
#ifndef BASE_SLAB_H
#define BASE_SLAB_H
#include "base/buf.h"

struct handle {
    uint32_t slot, generation; /* generation 0: none */
};
struct slab {
    uint8_t **chunks;
    uint32_t chunk_mask, chunk_shift, object_size;
    uint32_t generations; /* where they begin in a chunk */
    uint32_t fresh;     /* slots from here on were never used */
    uint32_t used, free_first, capacity, limit, chunk_count;
    uint32_t directory; /* places in CHUNKS */
    struct pool *pool;
};
void slab_init(struct slab *slab, struct pool *pool, size_t object_size, uint32_t limit /* objects; 0: none */);
void slab_fini(struct slab *slab);
void *slab_new(struct slab *slab, uint32_t *slot); /* zeroed; NULL: limit or memory */
void slab_free(struct slab *slab, uint32_t slot); /* asserts that the slot is in use */
static inline void *slab_get(const struct slab *slab, uint32_t slot) /* slot must be in use */
{
    return slab->chunks[slot >> slab->chunk_shift] + (size_t)(slot & slab->chunk_mask) * slab->object_size;
}
void *slab_find(const struct slab *slab, struct handle handle); /* NULL: stale */
struct handle slab_handle(const struct slab *slab, uint32_t slot);
/* Visits every object in use in slot order. */
void slab_each(struct slab *slab, void (*visit)(void *ctx, void *object, uint32_t slot), void *ctx);
/* The first object in use at *SLOT or behind it, whose number *SLOT then is; NULL: none. For walks that end early. */
void *slab_next(const struct slab *slab, uint32_t *slot);

#endif
