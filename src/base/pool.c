/* pool.c: a thread's memory: chunks, free lists, blocks and general memory. Read buf.h and pool.h first. */
#include "base/pool.h"
#include <stdlib.h>
#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__) /* gcc */
#define POOL_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) /* clang */
#define POOL_ASAN 1
#endif
#endif

enum { CHUNK_MIN = 4096, CHUNK_MAX = 65536, CACHED_MAX = 64 << 20, MAP_LEAST = 128 << 10 };
/* Capacities of the block classes; each leaves its header and its data aligned to whole lines. */
static const uint32_t block_strides[POOL_BLOCK_CLASSES] = {512 + 64, 2048 + 64, 4096 + 64, 16384 + 64, 65536 + 64};

static void *system_allocate(void *ctx, size_t size)
{
    (void)ctx;
    return malloc(size);
}

static void system_release(void *ctx, void *memory, size_t size)
{
    (void)ctx;
    (void)size;
    free(memory);
}

static void *raw_allocate(struct pool *pool, size_t size)
{
    return pool->config.allocate(pool->config.ctx, size);
}

static void raw_release(struct pool *pool, void *memory, size_t size)
{
    pool->config.release(pool->config.ctx, memory, size);
}

/* Memory of SIZE bytes so that the result + LEAD is line-aligned; what came from the allocator is noted in front. */
static void *large_allocate(struct pool *pool, size_t size, size_t lead)
{
    size_t whole = size + 2 * POOL_LINE;
    bool zero = pool->config.allocate == system_allocate && !lead;
    uint8_t *raw = zero ? calloc(1, whole) : raw_allocate(pool, whole);
    if (!raw)
        return NULL;
    uint8_t *line = (uint8_t *)(((uintptr_t)raw + POOL_LINE + sizeof(void *) - 1) & ~(uintptr_t)(POOL_LINE - 1));
    uint8_t *memory = line + lead % POOL_LINE;
    memcpy(memory - sizeof(void *), &raw, sizeof(void *));
    if (!zero && !lead)
        memset(memory, 0, size);
    return memory;
}

static void large_release(struct pool *pool, void *memory, size_t size)
{
    void *raw;
    memcpy(&raw, (uint8_t *)memory - sizeof(void *), sizeof(void *));
    raw_release(pool, raw, size + 2 * POOL_LINE);
}

/* The kernel's pages are zero already, and are its own again when they are free: what malloc() keeps would have to be cleared. */
static bool is_mapped(const struct pool *pool, size_t size)
{
    return size >= MAP_LEAST && pool->config.allocate == system_allocate && !pool->direct;
}

static void *huge_allocate(struct pool *pool, size_t size)
{
    if (!is_mapped(pool, size))
        return large_allocate(pool, size, 0);
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

static void huge_release(struct pool *pool, void *memory, size_t size)
{
    if (is_mapped(pool, size))
        munmap(memory, size);
    else
        large_release(pool, memory, size);
}

static uint32_t general_stride(unsigned index)
{
    if (index < 64)
        return (index + 1) * 16;
    unsigned shift = 10 + (index - 64) / 4;
    return (1u << shift) + (((index - 64) % 4 + 1) << (shift - 2));
}

struct pool *pool_new(const struct pool_config *config)
{
    struct pool_config c = config ? *config : (struct pool_config){0};
    if (!c.allocate || !c.release) {
        c.allocate = system_allocate;
        c.release = system_release;
    }
    struct pool *pool = c.allocate(c.ctx, sizeof(*pool));
    if (!pool)
        return NULL;
    memset(pool, 0, sizeof(*pool));
    pool->config = c;
    pool->refs = 1;
    pool->limit_bytes = c.limit_bytes ? c.limit_bytes : UINT64_MAX;
    pool->direct = c.direct;
#ifdef POOL_ASAN
    pool->direct = true;
#endif
    pool->classes[POOL_PACKET].stride = (sizeof(struct lil_packet) + POOL_LINE - 1) / POOL_LINE * POOL_LINE;
    for (unsigned i = 0; i < POOL_BLOCK_CLASSES; i++)
        pool->classes[POOL_BLOCK + i].stride = block_strides[i];
    for (unsigned i = 0; i < POOL_GENERAL_CLASSES; i++)
        pool->classes[POOL_GENERAL + i].stride = general_stride(i);
    return pool;
}

struct pool *pool_ref(struct pool *pool)
{
    pool->refs++;
    return pool;
}

void pool_unref(struct pool *pool)
{
    if (pool && --pool->refs == 0 && pool->objects == 0)
        pool_destroy(pool);
}

void pool_destroy(struct pool *pool)
{
    for (unsigned i = POOL_BLOCK_CARVED; i < POOL_BLOCK_CLASSES; i++) {
        struct pool_class *c = &pool->classes[POOL_BLOCK + i];
        for (struct pool_node *node = c->free, *next; node; node = next) {
            next = node->next;
            large_release(pool, node, c->stride);
        }
    }
    for (struct pool_chunk *chunk = pool->chunks, *next; chunk; chunk = next) {
        next = chunk->next;
        raw_release(pool, chunk, chunk->size);
    }
    raw_release(pool, pool, sizeof(*pool));
}

void pool_get_stats(const struct pool *pool, struct pool_stats *stats)
{
    *stats = (struct pool_stats){
        .bytes_now = pool->bytes_now,
        .bytes_peak = pool->bytes_peak,
        .limit_bytes = pool->config.limit_bytes,
        .packets_now = pool->packets_now,
        .blocks_now = pool->blocks_now,
        .failures = pool->failures,
    };
}

/* --- classes ------------------------------------------------------------------------- */

/* A new chunk for the class: small at first, so that a small pool stays small. */
static bool class_grow(struct pool *pool, struct pool_class *c, size_t lead)
{
    size_t want = min_u64(max_u64((uint64_t)c->carved * c->stride, CHUNK_MIN), CHUNK_MAX);
    size_t count = max_u64(want / c->stride, 1);
    size_t size = sizeof(struct pool_chunk) + 2 * POOL_LINE + count * c->stride;
    struct pool_chunk *chunk = raw_allocate(pool, size);
    if (!chunk)
        return false;
    chunk->size = size;
    chunk->next = pool->chunks;
    pool->chunks = chunk;
    c->next = (uint8_t *)(((uintptr_t)(chunk + 1) + POOL_LINE - 1) & ~(uintptr_t)(POOL_LINE - 1)) + lead;
    c->end = c->next + count * c->stride;
    c->carved += (uint32_t)count;
    return true;
}

/* pool_take has charged the object already: a failure takes that back. */
void *pool_refill(struct pool *pool, unsigned cls)
{
    struct pool_class *c = &pool->classes[cls];
    bool is_block = cls >= POOL_BLOCK && cls < POOL_GENERAL;
    void *memory = NULL;
    if (pool->direct) {
        memory = raw_allocate(pool, c->stride);
    } else if (pool_class_is_large(cls)) {
        memory = large_allocate(pool, c->stride, POOL_BLOCK_LEAD);
    } else if (c->next != c->end || class_grow(pool, c, is_block ? POOL_BLOCK_LEAD : 0)) {
        memory = c->next;
        c->next += c->stride;
    }
    if (!memory) {
        pool->failures++;
        pool->bytes_now -= c->stride;
        pool->objects--;
    }
    return memory;
}

void pool_give_slow(struct pool *pool, unsigned cls, void *memory)
{
    struct pool_class *c = &pool->classes[cls];
    if (pool->direct) {
        raw_release(pool, memory, c->stride);
    } else if (pool->cached_bytes + c->stride > CACHED_MAX) {
        large_release(pool, memory, c->stride);
    } else {
        struct pool_node *node = memory;
        pool->cached_bytes += c->stride;
        node->next = c->free;
        c->free = node;
    }
}

void *pool_alloc(struct pool *pool, size_t size)
{
    if (UNLIKELY(size > POOL_GENERAL_MAX || pool->direct)) {
        if (!pool_charge(pool, size))
            return NULL;
        void *memory;
        if (size > POOL_GENERAL_MAX)
            memory = huge_allocate(pool, size);
        else if ((memory = raw_allocate(pool, size ? size : 1)))
            memset(memory, 0, size);
        if (!memory) {
            pool->failures++;
            pool->bytes_now -= size;
            pool->objects--;
        }
        return memory;
    }
    void *memory = pool_take(pool, pool_general_class(size ? size : 1));
    if (memory)
        memset(memory, 0, size);
    return memory;
}

void pool_touch(struct pool *pool, void *memory, size_t size)
{
#ifdef MADV_POPULATE_WRITE /* Linux 5.14 */
    if (is_mapped(pool, size))
        (void)madvise(memory, size, MADV_POPULATE_WRITE);
#else
    (void)pool, (void)memory, (void)size;
#endif
}

void pool_free(struct pool *pool, void *memory, size_t size)
{
    if (!memory)
        return;
    if (UNLIKELY(size > POOL_GENERAL_MAX || pool->direct)) {
        if (size > POOL_GENERAL_MAX)
            huge_release(pool, memory, size);
        else
            raw_release(pool, memory, size ? size : 1);
        pool_uncharge(pool, size);
        return;
    }
    pool_give(pool, pool_general_class(size ? size : 1), memory);
}

/* --- blocks ------------------------------------------------------------------------------ */

static struct block *huge_new(struct pool *pool, size_t size)
{
    size_t whole = sizeof(struct block) + size;
    if (size > UINT32_MAX / 2 || !pool_charge(pool, whole)) {
        pool->failures += size > UINT32_MAX / 2;
        return NULL;
    }
    struct block *block = large_allocate(pool, whole, POOL_BLOCK_LEAD);
    if (!block) {
        pool->failures++;
        pool->bytes_now -= whole;
        pool->objects--;
        return NULL;
    }
    *block = (struct block){.refs = 1, .size = (uint32_t)size, .cls = POOL_BLOCK_HUGE, .pool = pool};
    pool->blocks_now++;
    return block;
}

struct block *block_new(struct pool *pool, size_t size)
{
    unsigned cls = 0;
    while (cls < POOL_BLOCK_CLASSES && size > block_strides[cls] - sizeof(struct block))
        cls++;
    if (UNLIKELY(cls == POOL_BLOCK_CLASSES))
        return huge_new(pool, size);
    if (pool_class_is_large(POOL_BLOCK + cls) && pool->classes[POOL_BLOCK + cls].free)
        pool->cached_bytes -= block_strides[cls];
    struct block *block = pool_take(pool, POOL_BLOCK + cls);
    if (!block)
        return NULL;
    block->refs = 1;
    block->size = block_strides[cls] - (uint32_t)sizeof(struct block);
    block->used = 0;
    block->cls = cls;
    block->pool = pool;
    pool->blocks_now++;
    return block;
}

void block_free_last(struct block *block)
{
    struct pool *pool = block->pool;
    pool->blocks_now--;
    if (UNLIKELY(block->cls == POOL_BLOCK_HUGE)) {
        size_t whole = sizeof(struct block) + block->size;
        large_release(pool, block, whole);
        pool_uncharge(pool, whole);
        return;
    }
    pool_give(pool, POOL_BLOCK + block->cls, block);
}

/* --- packets ------------------------------------------------------------------------------ */

/* Copied in wide stores: the caller's next loads of two neighbouring fields need not wait for two narrow ones. */
static const struct lil_packet packet_empty = {.head_off = PACKET_HEADROOM};

struct lil_packet *packet_new(struct pool *pool)
{
    struct lil_packet *packet = pool_take(pool, POOL_PACKET);
    if (!packet)
        return NULL;
    /* Fields only: the 256 bytes of the header area and the slices are written before they are read. */
    memcpy(packet, &packet_empty, offsetof(struct lil_packet, slices));
    packet->pool = pool;
    pool->packets_now++;
    return packet;
}

void packet_free(struct lil_packet *packet)
{
    if (!packet)
        return;
    for (unsigned i = 0; i < packet->slice_count; i++)
        block_unref(packet->slices[i].block);
    struct pool *pool = packet->pool;
    pool->packets_now--;
    pool_give(pool, POOL_PACKET, packet);
}
