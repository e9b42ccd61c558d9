/* table.h: an open-addressed hash table from keys held elsewhere to 32-bit values. The caller gives the hash (siphash
 * with a secret, so that peers cannot choose collisions) and a comparison. Grows by powers of two; 8 B an entry. */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H
#include "base/buf.h"

struct table_entry {
    uint32_t hash; /* 0: empty */
    uint32_t value;
};
struct table {
    struct table_entry *entries;
    uint32_t mask, count; /* mask + 1 entries, or entries NULL */
    uint32_t vain_hash, vain_at; /* of the last look in vain: where it ended, until the table changes; hash 0: none */
    struct pool *pool;
};
typedef bool table_equal_fn(const void *ctx, const void *key, uint32_t value);
enum { TABLE_NONE = 0xffffffff };
void table_init(struct table *table, struct pool *pool);
void table_fini(struct table *table);
uint32_t table_find(struct table *table, uint64_t hash, const void *key, table_equal_fn *equal, const void *ctx); /* TABLE_NONE */
int table_insert(struct table *table, uint64_t hash, uint32_t value) __attribute__((warn_unused_result)); /* -ENOMEM */
bool table_remove(struct table *table, uint64_t hash, uint32_t value);
/* The entry of OLD now names NEW: the key is the same, what holds it is another. */
bool table_replace(struct table *table, uint64_t hash, uint32_t old, uint32_t new);
/* Asks for the line that a call with this hash will look at first: useful where something else is to be done before. */
static inline void table_prefetch(const struct table *table, uint64_t hash)
{
    if (table->entries)
        __builtin_prefetch(&table->entries[(uint32_t)(hash ^ hash >> 32) & table->mask], 1);
}

#endif
