/* pmtu.c: the path-MTU table: 4-way sets, no lists, no timers: an expired entry is free (RFC 1191 6.3, RFC 8201 5.3). */
#include "ip/pmtu.h"

void pmtu_init(struct pmtu *pmtu, struct pool *pool)
{
    pmtu->pool = pool;
    pmtu->entries = NULL;
}

void pmtu_fini(struct pmtu *pmtu)
{
    pool_free(pmtu->pool, pmtu->entries, sizeof *pmtu->entries * PMTU_SLOTS * PMTU_WAYS);
    pmtu->entries = NULL;
}

static struct pmtu_entry *set_of(const struct pmtu *pmtu, const struct addr *dest)
{
    uint64_t hash = (dest->u64[0] ^ dest->u64[1]) * 0x9e3779b97f4a7c15ull;
    return pmtu->entries + (hash >> 56) % PMTU_SLOTS * PMTU_WAYS;
}

uint32_t pmtu_find(const struct pmtu *pmtu, const struct addr *dest, uint64_t now_ns, uint64_t *expires_ns)
{
    if (!pmtu->entries)
        return 0;
    const struct pmtu_entry *set = set_of(pmtu, dest);
    for (int i = 0; i < PMTU_WAYS; i++)
        if (set[i].mtu && set[i].expires_ns > now_ns && addr_equal(&set[i].dest, dest)) {
            if (expires_ns)
                *expires_ns = set[i].expires_ns;
            return set[i].mtu;
        }
    return 0;
}

bool pmtu_note(struct pmtu *pmtu, const struct addr *dest, uint32_t mtu, uint64_t expires_ns, uint64_t now_ns)
{
    if (!pmtu->entries) {
        pmtu->entries = pool_alloc(pmtu->pool, sizeof *pmtu->entries * PMTU_SLOTS * PMTU_WAYS);
        if (!pmtu->entries)
            return false;
    }
    struct pmtu_entry *set = set_of(pmtu, dest), *use = NULL;
    for (int i = 0; i < PMTU_WAYS && !use; i++)
        if (set[i].mtu && addr_equal(&set[i].dest, dest))
            use = &set[i];
    if (use && use->expires_ns > now_ns && use->mtu <= mtu)
        return false;
    for (int i = 0; i < PMTU_WAYS && !use; i++)
        if (!set[i].mtu || set[i].expires_ns <= now_ns)
            use = &set[i];
    if (!use) {
        use = set;
        for (int i = 1; i < PMTU_WAYS; i++)
            if (set[i].expires_ns < use->expires_ns)
                use = &set[i];
    }
    *use = (struct pmtu_entry){.dest = *dest, .mtu = mtu, .expires_ns = expires_ns};
    return true;
}

uint32_t pmtu_plateau(uint32_t length)
{
    static const uint16_t plateaus[] = {32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68};
    for (size_t i = 0; i < ARRAY_COUNT(plateaus); i++)
        if (length > plateaus[i])
            return plateaus[i];
    return 68;
}
