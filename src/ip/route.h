/* route.h: the routing table: prefixes to next hops, longest first, then the smaller metric (ip-route(8)).
 * Knows nothing of interfaces beyond their numbers; host/ turns an answer into a way. */
#ifndef IP_ROUTE_H
#define IP_ROUTE_H
#include "base/buf.h"
#include "base/path.h"
#include "wire/addr.h"

enum route_kind { ROUTE_UNICAST, ROUTE_UNREACHABLE, ROUTE_PROHIBIT, ROUTE_BLACKHOLE };
struct route {
    struct prefix prefix;
    uint8_t kind;        /* enum route_kind */
    uint8_t icmp4_code, icmp6_code; /* ROUTE_UNREACHABLE, ROUTE_PROHIBIT: what a router answers */
    bool has_gateway, has_source;
    bool connected;      /* made by an address; goes with it */
    bool redirect;       /* learnt by an ICMP redirect */
    int ifindex;         /* 0: by the gateway */
    struct addr gateway, source;
    uint32_t metric;
    struct path_metrics metrics;
};
struct routes {
    struct pool *pool;
    void (*told)(void *ctx, const struct route *route, bool is_gone); /* NULL, or called at each change: before it goes, after it came */
    void *told_ctx;
    struct route *entries; /* by length (longest first), address, metric */
    uint32_t count, capacity, limit;
    uint32_t first[130];   /* entries of length L are [first[L + 1], first[L]) */
};
enum { ROUTES_LIMIT = 1u << 20 };
void routes_init(struct routes *routes, struct pool *pool);
void routes_fini(struct routes *routes);
/* Replaces an entry of the same prefix, interface and metric. -ENOBUFS: limit, -ENOMEM. */
int routes_add(struct routes *routes, const struct route *route) MUST_CHECK;
/* Deletes all entries with PREFIX; IFINDEX 0: any. Returns how many. */
unsigned routes_delete(struct routes *routes, const struct prefix *prefix, int ifindex, bool connected_only);
/* The best for DEST; IFINDEX 0: any interface. Borrowed until the table changes; NULL: none. */
const struct route *routes_find(const struct routes *routes, const struct addr *dest, int ifindex);

#endif
