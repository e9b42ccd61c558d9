/* heap.c: a 4-ary heap of deadlines. The four children of a node share a cache line: entry 1 is line-aligned. */
#include "base/heap.h"
#include "base/base.h"

enum { CAPACITY_FIRST = 16, LEAD = 48 }; /* bytes before entry 0, so that entry 1 begins a line */

static void entries_free(struct heap *heap)
{
    if (heap->entries)
        pool_free(heap->pool, (uint8_t *)heap->entries - LEAD, LEAD + (size_t)heap->capacity * sizeof(*heap->entries));
}

void heap_init(struct heap *heap, struct pool *pool)
{
    *heap = (struct heap){.pool = pool};
}

void heap_fini(struct heap *heap)
{
    entries_free(heap);
    heap->entries = NULL;
    heap->count = heap->capacity = 0;
}

static bool heap_grow(struct heap *heap)
{
    if (heap->capacity > UINT32_MAX / 4)
        return false;
    uint32_t capacity = heap->capacity ? heap->capacity * 2 : CAPACITY_FIRST;
    uint8_t *memory = pool_alloc(heap->pool, LEAD + (size_t)capacity * sizeof(*heap->entries));
    if (!memory)
        return false;
    struct heap_entry *entries = (struct heap_entry *)(memory + LEAD);
    if (heap->count)
        memcpy(entries, heap->entries, heap->count * sizeof(*entries));
    entries_free(heap);
    heap->entries = entries;
    heap->capacity = capacity;
    return true;
}

static inline void place(struct heap *heap, uint32_t position, struct heap_entry entry)
{
    heap->entries[position] = entry;
    *entry.position = position;
}

/* ENTRY is to lie at POSITION or above; the ones it passes come down. */
static void sift_up(struct heap *heap, uint32_t position, struct heap_entry entry)
{
    while (position) {
        uint32_t parent = (position - 1) / 4;
        if (heap->entries[parent].deadline_ns <= entry.deadline_ns)
            break;
        place(heap, position, heap->entries[parent]);
        position = parent;
    }
    place(heap, position, entry);
}

static void sift_down(struct heap *heap, uint32_t position, struct heap_entry entry)
{
    for (;;) {
        uint64_t child = (uint64_t)position * 4 + 1;
        if (child >= heap->count)
            break;
        uint32_t least = (uint32_t)child, end = (uint32_t)min_u64(child + 4, heap->count);
        for (uint32_t i = least + 1; i < end; i++)
            if (heap->entries[i].deadline_ns < heap->entries[least].deadline_ns)
                least = i;
        if (entry.deadline_ns <= heap->entries[least].deadline_ns)
            break;
        place(heap, position, heap->entries[least]);
        position = least;
    }
    place(heap, position, entry);
}

int heap_set(struct heap *heap, uint32_t *position, uint64_t deadline_ns)
{
    struct heap_entry entry = {deadline_ns, position};
    if (*position != HEAP_NONE) {
        assert(*position < heap->count && heap->entries[*position].position == position);
        if (deadline_ns < heap->entries[*position].deadline_ns)
            sift_up(heap, *position, entry);
        else
            sift_down(heap, *position, entry);
        return 0;
    }
    if (heap->count == heap->capacity && !heap_grow(heap))
        return -ENOMEM;
    sift_up(heap, heap->count++, entry);
    return 0;
}

void heap_remove_entry(struct heap *heap, uint32_t position)
{
    assert(position < heap->count);
    struct heap_entry removed = heap->entries[position], last = heap->entries[--heap->count];
    if (position < heap->count) {
        if (last.deadline_ns < removed.deadline_ns)
            sift_up(heap, position, last);
        else
            sift_down(heap, position, last);
    }
    *removed.position = HEAP_NONE;
}
