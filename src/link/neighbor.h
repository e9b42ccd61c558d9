/* neighbor.h: which link address an IP address has: the cache behind ARP (RFC 826) and neighbour discovery (RFC 4861), with
 * the policies of neighbor_params.h. Pure: what must be sent or failed is told through hooks. Bounded: when full, the oldest
 * entry that nobody confirmed gives way (ARP/ND cache flooding). */
#ifndef LINK_NEIGHBOR_H
#define LINK_NEIGHBOR_H
#include "base/buf.h"
#include "base/list.h"
#include "link/neighbor_params.h"
#include "lilliput/trace.h"
#include "wire/addr.h"

enum neighbor_state {
    NEIGHBOR_INCOMPLETE, /* asked, no answer */
    NEIGHBOR_REACHABLE,
    NEIGHBOR_STALE,      /* used as it is; the first use starts DELAY */
    NEIGHBOR_DELAY,      /* RFC 4861 7.3.3: waits for a confirmation from above */
    NEIGHBOR_PROBE,
    NEIGHBOR_HOLD        /* BSD: rejects until the deadline */
};
struct neighbor {
    struct list node;            /* cache->all: the least recently updated first */
    struct neighbor *chain;
    struct addr addr;
    int ifindex;
    struct mac mac;
    uint8_t state, asks;
    bool permanent, is_gateway, has_timer;
    uint64_t fresh_until_ns;     /* until then the mac may be used with no further thought */
    uint64_t deadline_ns;        /* of the state */
    uint64_t asked_ns;
    struct packet_queue queue;
};
struct neighbor_hooks {
    void *ctx;
    void (*solicit)(void *ctx, const struct neighbor *neighbor, bool unicast);
    void (*send)(void *ctx, const struct neighbor *neighbor, struct lil_packet *packet); /* resolved: PACKET is taken */
    /* PACKET (taken) will not be sent; ERROR != 0: its sender is told. */
    void (*fail)(void *ctx, const struct neighbor *neighbor, struct lil_packet *packet, int error, enum lil_drop reason);
    /* NULL, or called when neighbor_wake's time has come; returns when again (LIL_NEVER: not). */
    uint64_t (*timer)(void *ctx, uint64_t now_ns);
    void (*removed)(void *ctx);  /* an entry is gone: pointers to entries are stale */
    void (*told)(void *ctx, const struct neighbor *neighbor, bool is_gone); /* NULL, or called where rtnetlink(7) tells of it */
    uint64_t *next_ns;           /* lowered to each timer's time; its owner raises it before neighbor_poll */
};
enum { NEIGHBOR_BUCKETS = 64 };
struct neighbor_cache {
    struct pool *pool;
    const struct neighbor_params *params;
    struct neighbor_hooks hooks;
    struct neighbor *buckets[NEIGHBOR_BUCKETS];
    struct list all;
    uint32_t count;
};
void neighbor_cache_init(struct neighbor_cache *cache, struct pool *pool, const struct neighbor_params *params,
                         const struct neighbor_hooks *hooks);
void neighbor_cache_fini(struct neighbor_cache *cache);
struct neighbor *neighbor_find(const struct neighbor_cache *cache, const struct addr *addr, int ifindex); /* NULL */
/* Makes it INCOMPLETE (never asked) when missing. NULL: memory. */
struct neighbor *neighbor_get(struct neighbor_cache *cache, const struct addr *addr, int ifindex, uint64_t now_ns);
/* 0: use neighbor->mac, PACKET stays the caller's; 1: PACKET is taken (queued, or counted as dropped); negative:
 * refused, it stays the caller's. */
int neighbor_resolve(struct neighbor_cache *cache, struct neighbor *neighbor, struct lil_packet *packet, uint64_t now_ns) MUST_CHECK;
/* The link address was told. SOLICITED: an answer to our question. The queue is sent. CREATE: make a missing entry. */
void neighbor_update(struct neighbor_cache *cache, const struct addr *addr, int ifindex, const struct mac *mac,
                     bool solicited, bool create, uint64_t now_ns);
/* Upper layers saw progress (RFC 4861 7.3.1). */
void neighbor_confirm(struct neighbor_cache *cache, struct neighbor *neighbor, uint64_t now_ns);
int neighbor_set_permanent(struct neighbor_cache *cache, const struct addr *addr, int ifindex, const struct mac *mac,
                           uint64_t now_ns) MUST_CHECK;
void neighbor_flush(struct neighbor_cache *cache, int ifindex /* 0: all */, bool permanent_too);
/* Runs the timers due by NOW; the others' earliest lowers *hooks.next_ns. */
void neighbor_poll(struct neighbor_cache *cache, uint64_t now_ns);
/* hooks.timer is called at AT, or earlier. */
void neighbor_wake(struct neighbor_cache *cache, uint64_t at_ns);

#endif
