/* slab.c: objects in chunks of about 8 KiB, which are allocated in runs of 1, 2, 4 ... 32 chunks (256 KiB), so that a
 * host with few connections is small. A chunk holds its objects and, behind them, their generations (odd: in use).
 * A free object's first bytes name the next free slot. */
#include "base/slab.h"
#include "base/base.h"
#if defined(__has_feature)
#if __has_feature(address_sanitizer) /* clang */
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(memory, size) ((void)(memory), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(memory, size) ((void)(memory), (void)(size))
#endif

enum { CHUNK_BYTES = 8192, RUN_MAX = 32, NONE = 0xffffffff };

static size_t chunk_size(const struct slab *slab)
{
    return (slab->generations + (sizeof(uint32_t) << slab->chunk_shift) + 15) & ~(size_t)15;
}

/* Where SLOT's object and generation lie. */
struct place {
    uint8_t *object;
    uint32_t *generation;
};
static inline struct place place_of(const struct slab *slab, uint32_t slot)
{
    uint8_t *chunk = slab->chunks[slot >> slab->chunk_shift];
    size_t index = slot & slab->chunk_mask;
    return (struct place){chunk + index * slab->object_size, (uint32_t *)(chunk + slab->generations) + index};
}

static uint32_t *generation_of(const struct slab *slab, uint32_t slot)
{
    return place_of(slab, slot).generation;
}

void slab_init(struct slab *slab, struct pool *pool, size_t object_size, uint32_t limit)
{
    *slab = (struct slab){.pool = pool, .limit = limit, .free_first = NONE};
    slab->object_size = (uint32_t)(max_u64(object_size, 8) + 7) & ~7u;
    while (((size_t)slab->object_size + sizeof(uint32_t)) << (slab->chunk_shift + 1) <= CHUNK_BYTES)
        slab->chunk_shift++;
    slab->chunk_mask = (1u << slab->chunk_shift) - 1;
    slab->generations = slab->object_size << slab->chunk_shift;
}

/* Chunks come in runs: how many the run has that begins at chunk FIRST. */
static uint32_t run_length(uint32_t first)
{
    return first + 1 < RUN_MAX ? first + 1 : RUN_MAX; /* runs begin at 0, 1, 3, 7, 15, 31, 63, 95 ... */
}

void slab_fini(struct slab *slab)
{
    for (uint32_t i = 0, n; i < slab->chunk_count; i += n) {
        n = run_length(i);
        ASAN_UNPOISON_MEMORY_REGION(slab->chunks[i], n * chunk_size(slab));
        pool_free(slab->pool, slab->chunks[i], n * chunk_size(slab));
    }
    pool_free(slab->pool, slab->chunks, slab->directory * sizeof(*slab->chunks));
    *slab = (struct slab){.pool = slab->pool, .free_first = NONE};
}

static bool slab_grow(struct slab *slab)
{
    uint32_t run = run_length(slab->chunk_count);
    if (slab->chunk_count + run > (UINT32_MAX >> slab->chunk_shift))
        return false;
    if (slab->chunk_count + run > slab->directory) {
        uint32_t directory = slab->directory ? slab->directory * 2 : 2 * RUN_MAX;
        uint8_t **chunks = pool_alloc(slab->pool, directory * sizeof(*chunks));
        if (!chunks)
            return false;
        if (slab->chunk_count)
            memcpy(chunks, slab->chunks, slab->chunk_count * sizeof(*chunks));
        pool_free(slab->pool, slab->chunks, slab->directory * sizeof(*slab->chunks));
        slab->chunks = chunks;
        slab->directory = directory;
    }
    uint8_t *memory = pool_alloc(slab->pool, run * chunk_size(slab));
    if (!memory)
        return false;
    pool_touch(slab->pool, memory, run * chunk_size(slab));
    for (uint32_t i = 0; i < run; i++)
        slab->chunks[slab->chunk_count++] = memory + i * chunk_size(slab);
    slab->capacity += run << slab->chunk_shift;
    return true;
}

/* Objects are some dozens of words: too few for the start of a string instruction. */
static inline void clear_words(uint8_t *object, uint32_t size)
{
    typedef uint64_t pair __attribute__((vector_size(16), aligned(8), may_alias));
    for (; size >= 4 * sizeof(pair); size -= 4 * sizeof(pair)) {
        for (unsigned i = 0; i < 4; i++)
            *(pair *)(object + i * sizeof(pair)) = (pair){0, 0};
        object += 4 * sizeof(pair);
        __asm__("" : "+r"(object)); /* it stays a loop */
    }
    for (; size; object += 8, size -= 8)
        memset(object, 0, 8);
}

ONE_COPY void *slab_new(struct slab *slab, uint32_t *slot)
{
    uint32_t taken = slab->free_first;
    bool is_fresh = taken == NONE;
    if (slab->limit && slab->used >= slab->limit)
        return NULL;
    if (is_fresh) {
        if (slab->fresh == slab->capacity && !slab_grow(slab))
            return NULL;
        taken = slab->fresh++;
    }
    struct place place = place_of(slab, taken);
    *slot = taken;
    slab->used++;
    ++*place.generation;
    if (is_fresh) /* zero since the allocation */
        return place.object;
    ASAN_UNPOISON_MEMORY_REGION(place.object, slab->object_size);
    memcpy(&slab->free_first, place.object, sizeof(slab->free_first));
    clear_words(place.object, slab->object_size);
    return place.object;
}

ONE_COPY void slab_free(struct slab *slab, uint32_t slot)
{
    struct place place = place_of(slab, slot);
    assert(slot < slab->fresh && *place.generation & 1);
    ++*place.generation;
    memcpy(place.object, &slab->free_first, sizeof(slab->free_first));
    ASAN_POISON_MEMORY_REGION(place.object, slab->object_size);
    slab->free_first = slot;
    slab->used--;
}

void *slab_find(const struct slab *slab, struct handle handle)
{
    if (handle.slot >= slab->fresh || !(handle.generation & 1))
        return NULL;
    struct place place = place_of(slab, handle.slot);
    return *place.generation == handle.generation ? place.object : NULL;
}

struct handle slab_handle(const struct slab *slab, uint32_t slot)
{
    return (struct handle){slot, *generation_of(slab, slot)};
}

void slab_each(struct slab *slab, void (*visit)(void *ctx, void *object, uint32_t slot), void *ctx)
{
    for (uint32_t slot = 0; slot < slab->fresh; slot++)
        if (*generation_of(slab, slot) & 1)
            visit(ctx, slab_get(slab, slot), slot);
}

void *slab_next(const struct slab *slab, uint32_t *slot)
{
    while (*slot < slab->fresh && !(*generation_of(slab, *slot) & 1))
        ++*slot;
    return *slot < slab->fresh ? slab_get(slab, *slot) : NULL;
}
