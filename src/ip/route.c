/* route.c: the routing table: a sorted array and one binary search for each prefix length in use (RFC 1812 5.2.4.3:
 * longest match). Read route.h first. */
#include "ip/route.h"
#include <stdlib.h>

void routes_init(struct routes *routes, struct pool *pool)
{
    memset(routes, 0, sizeof *routes);
    routes->pool = pool;
    routes->limit = ROUTES_LIMIT;
}

void routes_fini(struct routes *routes)
{
    pool_free(routes->pool, routes->entries, routes->capacity * sizeof *routes->entries);
    routes->entries = NULL;
    routes->count = routes->capacity = 0;
}

static struct addr mask(const struct addr *addr, unsigned length)
{
    struct addr out = *addr;
    for (unsigned i = 0; i < 16; i++) {
        unsigned bits = length > 8 * i ? length - 8 * i : 0;
        if (bits < 8)
            out.b[i] &= (uint8_t)(0xff00 >> bits);
    }
    return out;
}

static int compare(const struct route *a, const struct route *b)
{
    if (a->prefix.length != b->prefix.length)
        return a->prefix.length > b->prefix.length ? -1 : 1;
    int order = memcmp(&a->prefix.addr, &b->prefix.addr, sizeof a->prefix.addr);
    if (order)
        return order;
    return a->metric < b->metric ? -1 : a->metric > b->metric;
}

static void reindex(struct routes *routes)
{
    uint32_t at = 0;
    for (int length = 129; length >= 0; length--) {
        while (at < routes->count && routes->entries[at].prefix.length >= length)
            at++;
        routes->first[length] = at;
    }
}

static int grow(struct routes *routes)
{
    if (routes->count < routes->capacity)
        return 0;
    if (routes->count >= routes->limit)
        return -ENOBUFS;
    uint32_t capacity = routes->capacity ? routes->capacity * 2 : 8;
    struct route *entries = pool_alloc(routes->pool, capacity * sizeof *entries);
    if (!entries)
        return -ENOMEM;
    if (routes->count)
        memcpy(entries, routes->entries, routes->count * sizeof *entries);
    pool_free(routes->pool, routes->entries, routes->capacity * sizeof *routes->entries);
    routes->entries = entries;
    routes->capacity = capacity;
    return 0;
}

static void tell(const struct routes *routes, const struct route *route, bool is_gone)
{
    if (routes->told)
        routes->told(routes->told_ctx, route, is_gone);
}

int routes_add(struct routes *routes, const struct route *route)
{
    struct route entry = *route;
    entry.prefix.addr = mask(&entry.prefix.addr, entry.prefix.length);
    uint32_t at = routes->first[entry.prefix.length + 1];
    uint32_t end = routes->first[entry.prefix.length];
    while (at < end && compare(&routes->entries[at], &entry) < 0)
        at++;
    for (uint32_t i = at; i < end && compare(&routes->entries[i], &entry) == 0; i++)
        if (routes->entries[i].ifindex == entry.ifindex && routes->entries[i].connected == entry.connected) {
            routes->entries[i] = entry;
            tell(routes, &entry, false);
            return 0;
        }
    int error = grow(routes);
    if (error)
        return error;
    memmove(routes->entries + at + 1, routes->entries + at, (routes->count - at) * sizeof entry);
    routes->entries[at] = entry;
    routes->count++;
    reindex(routes);
    tell(routes, &entry, false);
    return 0;
}

struct choice {
    struct prefix net;
    int ifindex;
    bool connected_only;
};

static bool is_chosen(const struct choice *choice, const struct route *r)
{
    return r->prefix.length == choice->net.length && addr_equal(&r->prefix.addr, &choice->net.addr) &&
           (!choice->ifindex || r->ifindex == choice->ifindex) && (!choice->connected_only || r->connected);
}

unsigned routes_delete(struct routes *routes, const struct prefix *prefix, int ifindex, bool connected_only)
{
    struct choice choice = {{mask(&prefix->addr, prefix->length), prefix->length}, ifindex, connected_only};
    unsigned deleted = 0;
    uint32_t to = 0;
    for (uint32_t i = 0; routes->told && i < routes->count; i++) /* while the table is whole */
        if (is_chosen(&choice, &routes->entries[i]))
            tell(routes, &routes->entries[i], true);
    for (uint32_t i = 0; i < routes->count; i++) {
        if (is_chosen(&choice, &routes->entries[i]))
            deleted++;
        else
            routes->entries[to++] = routes->entries[i];
    }
    routes->count = to;
    reindex(routes);
    return deleted;
}

const struct route *routes_find(const struct routes *routes, const struct addr *dest, int ifindex)
{
    if (!routes->count)
        return NULL;
    /* an IPv4 address is mapped: IPv6 prefixes shorter than ::ffff:0:0/96 are not for it */
    int shortest = addr_is_v4(dest) ? 96 : 0;
    for (int length = 128; length >= shortest; length--) {
        uint32_t low = routes->first[length + 1], high = routes->first[length];
        if (low == high)
            continue;
        struct addr network = mask(dest, (unsigned)length);
        uint32_t end = high;
        while (low < high) {
            uint32_t middle = low + (high - low) / 2;
            if (memcmp(&routes->entries[middle].prefix.addr, &network, sizeof network) < 0)
                low = middle + 1;
            else
                high = middle;
        }
        for (; low < end && addr_equal(&routes->entries[low].prefix.addr, &network); low++)
            if (!ifindex || routes->entries[low].ifindex == ifindex || !routes->entries[low].ifindex)
                return &routes->entries[low];
    }
    return NULL;
}
