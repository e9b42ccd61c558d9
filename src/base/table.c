/* table.c: linear probing at most half full; a removal moves later entries back, so there are no tombstones.
 * The 32 bits kept of the hash place the entry, too: growing never asks the owner for keys.
 * The next place to look is STEP entries on: STEP is odd, so that every entry is met, and more than a cache line, so that neighbours
 * whom the owner's hash puts side by side (tcp_flow.c) do not stand in each other's way: the cost of a look is that of scattered keys. */
#include "base/table.h"
#include "base/base.h"

enum { CAPACITY_FIRST = 16, STEP = 9 };

static uint32_t steps(uint32_t from, uint32_t to, uint32_t mask) /* how many lead from one place to the other */
{
    return (to - from) * 0x38e38e39u /* 1 / STEP modulo 2^32 */ & mask;
}

/* 0 marks an empty entry. Both halves of the caller's hash count. */
static uint32_t hash_kept(uint64_t hash)
{
    uint32_t kept = (uint32_t)(hash ^ hash >> 32);
    return kept ? kept : 1;
}

void table_init(struct table *table, struct pool *pool)
{
    *table = (struct table){.pool = pool};
}

static void entries_free(struct table *table)
{
    if (table->entries)
        pool_free(table->pool, table->entries, ((size_t)table->mask + 1) * sizeof(*table->entries));
}

void table_fini(struct table *table)
{
    entries_free(table);
    *table = (struct table){.pool = table->pool};
}

uint32_t table_find(struct table *table, uint64_t hash, const void *key, table_equal_fn *equal, const void *ctx)
{
    if (!table->entries)
        return TABLE_NONE;
    uint32_t kept = hash_kept(hash);
    for (uint32_t i = kept & table->mask;; i = (i + STEP) & table->mask) {
        const struct table_entry *e = &table->entries[i];
        if (!e->hash) { /* what is not there is often entered next */
            table->vain_hash = kept;
            table->vain_at = i;
            return TABLE_NONE;
        }
        if (e->hash == kept && equal(ctx, key, e->value))
            return e->value;
    }
}

static void put(struct table_entry *entries, uint32_t mask, struct table_entry entry)
{
    uint32_t i = entry.hash & mask;
    while (entries[i].hash)
        i = (i + STEP) & mask;
    entries[i] = entry;
}

static bool table_grow(struct table *table)
{
    uint64_t capacity = table->entries ? ((uint64_t)table->mask + 1) * 2 : CAPACITY_FIRST;
    if (capacity > (uint64_t)1 << 31)
        return false;
    struct table_entry *entries = pool_alloc(table->pool, capacity * sizeof(*entries));
    if (!entries)
        return false;
    pool_touch(table->pool, entries, capacity * sizeof(*entries));
    for (uint64_t i = 0; table->entries && i <= table->mask; i++)
        if (table->entries[i].hash)
            put(entries, (uint32_t)capacity - 1, table->entries[i]);
    entries_free(table);
    table->vain_hash = 0;
    table->entries = entries;
    table->mask = (uint32_t)capacity - 1;
    return true;
}

int table_insert(struct table *table, uint64_t hash, uint32_t value)
{
    struct table_entry entry = {hash_kept(hash), value};
    if (!table->entries || table->count >= ((uint64_t)table->mask + 1) / 2)
        if (!table_grow(table))
            return -ENOMEM;
    if (table->vain_hash == entry.hash)
        table->entries[table->vain_at] = entry;
    else
        put(table->entries, table->mask, entry);
    table->vain_hash = 0;
    table->count++;
    return 0;
}

/* Where VALUE lies; a value that is not in the table is met with false. */
static inline bool position_of(const struct table *table, uint32_t kept, uint32_t value, uint32_t *position)
{
    if (!table->entries)
        return false;
    uint32_t i = kept & table->mask;
    for (const struct table_entry *e = &table->entries[i]; e->hash != kept || e->value != value; e = &table->entries[i]) {
        if (!e->hash)
            return false;
        i = (i + STEP) & table->mask;
    }
    *position = i;
    return true;
}

bool table_replace(struct table *table, uint64_t hash, uint32_t old, uint32_t new)
{
    uint32_t i;
    if (!position_of(table, hash_kept(hash), old, &i))
        return false;
    table->entries[i].value = new;
    return true;
}

bool table_remove(struct table *table, uint64_t hash, uint32_t value)
{
    uint32_t i, mask = table->mask;
    if (!position_of(table, hash_kept(hash), value, &i))
        return false;
    struct table_entry *e = table->entries;
    /* Close the gap: an entry may move back unless its home lies behind the gap. */
    for (uint32_t j = (i + STEP) & mask; e[j].hash; j = (j + STEP) & mask) {
        if (steps(e[j].hash, j, mask) >= steps(i, j, mask)) {
            e[i] = e[j];
            i = j;
        }
    }
    e[i] = (struct table_entry){0};
    table->vain_hash = 0;
    table->count--;
    return true;
}
