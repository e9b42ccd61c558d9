/* neighbor.c: the neighbour cache's states and timers. Read neighbor.h first; RFC 4861 7.3.2, RFC 1122 2.3.2,
 * FACTS section 3 for what each policy must show. */
#include "link/neighbor.h"

enum { DELAY_FIRST_PROBE_MS = 5000 }; /* RFC 4861 10 */

void neighbor_cache_init(struct neighbor_cache *cache, struct pool *pool, const struct neighbor_params *params,
                         const struct neighbor_hooks *hooks)
{
    memset(cache, 0, sizeof *cache);
    cache->pool = pool;
    cache->params = params;
    cache->hooks = *hooks;
    list_init(&cache->all);
}

static struct neighbor **bucket_of(struct neighbor_cache *cache, const struct addr *addr, int ifindex)
{
    uint64_t hash = (addr->u64[0] ^ addr->u64[1] ^ (uint64_t)ifindex) * 0x9e3779b97f4a7c15ull;
    return &cache->buckets[hash >> 58];
}

static void fail_queue(struct neighbor_cache *cache, struct neighbor *n, int error)
{
    struct lil_packet *packet;
    while ((packet = packet_queue_pop(&n->queue)))
        cache->hooks.fail(cache->hooks.ctx, n, packet, error, LIL_DROP_NEIGHBOR_FAILED);
}

static void tell(const struct neighbor_cache *cache, const struct neighbor *n, bool is_gone)
{
    if (cache->hooks.told)
        cache->hooks.told(cache->hooks.ctx, n, is_gone);
}

/* Nobody answered: told as such, and not once more as gone. */
static void tell_failed(const struct neighbor_cache *cache, struct neighbor *n)
{
    n->state = NEIGHBOR_HOLD;
    tell(cache, n, false);
}

static void remove_entry(struct neighbor_cache *cache, struct neighbor *n, int error)
{
    struct neighbor **at = bucket_of(cache, &n->addr, n->ifindex);
    while (*at != n)
        at = &(*at)->chain;
    *at = n->chain;
    list_remove(&n->node);
    cache->count--;
    fail_queue(cache, n, error);
    cache->hooks.removed(cache->hooks.ctx);
    pool_free(cache->pool, n, sizeof *n);
}

void neighbor_flush(struct neighbor_cache *cache, int ifindex, bool permanent_too)
{
    list_each(it, &cache->all) {
        struct neighbor *n = list_entry(it, struct neighbor, node);
        if ((!ifindex || n->ifindex == ifindex) && (permanent_too || !n->permanent)) {
            tell(cache, n, true);
            remove_entry(cache, n, 0);
        }
    }
}

void neighbor_cache_fini(struct neighbor_cache *cache)
{
    list_each(it, &cache->all) {
        struct neighbor *n = list_entry(it, struct neighbor, node);
        packet_queue_clear(&n->queue);
        pool_free(cache->pool, n, sizeof *n);
    }
    list_init(&cache->all);
    memset(cache->buckets, 0, sizeof cache->buckets);
    cache->count = 0;
}

struct neighbor *neighbor_find(const struct neighbor_cache *cache, const struct addr *addr, int ifindex)
{
    struct neighbor *n = *bucket_of((struct neighbor_cache *)cache, addr, ifindex);
    while (n && (n->ifindex != ifindex || !addr_equal(&n->addr, addr)))
        n = n->chain;
    return n;
}

/* Room for one more: unconfirmed entries go first, then the least recently updated. */
static bool make_room(struct neighbor_cache *cache)
{
    struct neighbor *victim = NULL;
    list_each(it, &cache->all) {
        struct neighbor *n = list_entry(it, struct neighbor, node);
        if (n->permanent)
            continue;
        bool unconfirmed = n->state == NEIGHBOR_INCOMPLETE || n->state == NEIGHBOR_HOLD;
        if (unconfirmed || !victim)
            victim = n;
        if (unconfirmed)
            break;
    }
    if (!victim)
        return false;
    tell(cache, victim, true);
    remove_entry(cache, victim, 0);
    return true;
}

struct neighbor *neighbor_get(struct neighbor_cache *cache, const struct addr *addr, int ifindex, uint64_t now_ns)
{
    struct neighbor *n = neighbor_find(cache, addr, ifindex);
    if (n)
        return n;
    if (cache->count >= cache->params->cache_limit && !make_room(cache))
        return NULL;
    n = pool_alloc(cache->pool, sizeof *n);
    if (!n)
        return NULL;
    n->addr = *addr;
    n->ifindex = ifindex;
    n->state = NEIGHBOR_INCOMPLETE;
    n->asked_ns = now_ns;
    packet_queue_init(&n->queue);
    struct neighbor **bucket = bucket_of(cache, addr, ifindex);
    n->chain = *bucket;
    *bucket = n;
    list_push_back(&cache->all, &n->node);
    cache->count++;
    return n;
}

static void arm(struct neighbor_cache *cache, struct neighbor *n, uint64_t deadline_ns)
{
    n->has_timer = true;
    n->deadline_ns = deadline_ns;
    neighbor_wake(cache, deadline_ns);
}

static void ask(struct neighbor_cache *cache, struct neighbor *n, bool unicast, uint64_t now_ns)
{
    n->asks = n->asks < 255 ? n->asks + 1 : 255;
    n->asked_ns = now_ns;
    cache->hooks.solicit(cache->hooks.ctx, n, unicast);
}

static void hold_packet(struct neighbor_cache *cache, struct neighbor *n, struct lil_packet *packet)
{
    /* RFC 1122 2.3.2.2: at least the latest is kept; the oldest goes */
    while (n->queue.count && n->queue.count >= max_u32(cache->params->queue_packets, 1))
        cache->hooks.fail(cache->hooks.ctx, n, packet_queue_pop(&n->queue), 0, LIL_DROP_NEIGHBOR_QUEUE);
    packet_queue_push(&n->queue, packet);
}

static int resolve_bsd42(struct neighbor_cache *cache, struct neighbor *n, struct lil_packet *packet, uint64_t now_ns)
{
    hold_packet(cache, n, packet);
    arm(cache, n, now_ns + cache->params->incomplete_ms * NS_PER_MS);
    ask(cache, n, false, now_ns);
    return 1;
}

/* 4.4-Lite if_ether.c arpresolve(): at most one request a second; when the asks are used up the entry rejects. */
static int resolve_bsd44(struct neighbor_cache *cache, struct neighbor *n, struct lil_packet *packet, uint64_t now_ns)
{
    const struct neighbor_params *params = cache->params;
    if (n->state == NEIGHBOR_HOLD) {
        if (now_ns < n->deadline_ns) {
            if (params->hold_down_restarts)
                arm(cache, n, now_ns + params->hold_down_ms * NS_PER_MS);
            return -(n->is_gateway ? params->hold_down_gateway_error : params->hold_down_error);
        }
        n->state = NEIGHBOR_INCOMPLETE;
        n->asks = 0;
    }
    hold_packet(cache, n, packet);
    if (n->asks && now_ns < n->asked_ns + NS_PER_S)
        return 1;
    if (n->asks >= params->max_asks) {
        n->state = NEIGHBOR_HOLD;
        arm(cache, n, now_ns + params->hold_down_ms * NS_PER_MS);
        return 1;
    }
    arm(cache, n, now_ns + params->incomplete_ms * NS_PER_MS);
    ask(cache, n, false, now_ns);
    return 1;
}

static int resolve_rfc4861(struct neighbor_cache *cache, struct neighbor *n, struct lil_packet *packet, uint64_t now_ns)
{
    hold_packet(cache, n, packet);
    if (!n->asks) {
        arm(cache, n, now_ns + cache->params->retrans_ms * NS_PER_MS);
        ask(cache, n, false, now_ns);
    }
    return 1;
}

int neighbor_resolve(struct neighbor_cache *cache, struct neighbor *n, struct lil_packet *packet, uint64_t now_ns)
{
    const struct neighbor_params *params = cache->params;
    switch (n->state) {
    case NEIGHBOR_REACHABLE:
        if (n->permanent || now_ns < n->fresh_until_ns)
            return 0;
        if (params->policy != NEIGHBOR_RFC4861) { /* BSD: 20 minutes, then it is asked for anew */
            n->state = NEIGHBOR_INCOMPLETE;
            n->asks = 0;
            break;
        }
        n->state = NEIGHBOR_STALE;
        tell(cache, n, false);
        /* fall through */
    case NEIGHBOR_STALE:
        n->state = NEIGHBOR_DELAY;
        n->asks = 0;
        arm(cache, n, now_ns + DELAY_FIRST_PROBE_MS * NS_PER_MS);
        return 0;
    case NEIGHBOR_DELAY:
    case NEIGHBOR_PROBE:
        return 0;
    default:
        break;
    }
    switch (params->policy) {
    case NEIGHBOR_BSD42:
        return resolve_bsd42(cache, n, packet, now_ns);
    case NEIGHBOR_BSD44:
        return resolve_bsd44(cache, n, packet, now_ns);
    default:
        return resolve_rfc4861(cache, n, packet, now_ns);
    }
}

static void release_queue(struct neighbor_cache *cache, struct neighbor *n)
{
    struct packet_queue queue = n->queue;
    if (!queue.count)
        return;
    queue.last = queue.count ? queue.last : &queue.first;
    packet_queue_init(&n->queue);
    struct lil_packet *packet = queue.first;
    while (packet) {
        struct lil_packet *next = packet->next;
        packet->next = NULL;
        cache->hooks.send(cache->hooks.ctx, n, packet);
        packet = next;
    }
}

void neighbor_confirm(struct neighbor_cache *cache, struct neighbor *n, uint64_t now_ns)
{
    if (n->permanent || n->state == NEIGHBOR_INCOMPLETE || n->state == NEIGHBOR_HOLD)
        return;
    bool is_news = n->state != NEIGHBOR_REACHABLE;
    n->state = NEIGHBOR_REACHABLE;
    n->has_timer = false;
    n->asks = 0;
    n->fresh_until_ns = now_ns + cache->params->reachable_ms * NS_PER_MS;
    if (is_news)
        tell(cache, n, false);
}

void neighbor_update(struct neighbor_cache *cache, const struct addr *addr, int ifindex, const struct mac *mac, bool solicited,
                     bool create, uint64_t now_ns)
{
    struct neighbor *n = neighbor_find(cache, addr, ifindex);
    if (!n) {
        if (!create)
            return;
        n = neighbor_get(cache, addr, ifindex, now_ns);
        if (!n)
            return;
    }
    if (n->permanent)
        return;
    bool waited = n->state == NEIGHBOR_INCOMPLETE || n->state == NEIGHBOR_HOLD;
    bool changed = waited || memcmp(&n->mac, mac, sizeof *mac) != 0;
    uint8_t old_state = n->state;
    n->mac = *mac;
    list_remove(&n->node);
    list_push_back(&cache->all, &n->node);
    /* RFC 4861 7.2.5, and Linux for ARP: an answer makes it REACHABLE, hearsay STALE. BSD knows only one kind. */
    if (solicited || cache->params->policy != NEIGHBOR_RFC4861) {
        n->state = NEIGHBOR_REACHABLE;
        n->fresh_until_ns = now_ns + cache->params->reachable_ms * NS_PER_MS;
        n->has_timer = false;
    } else if (changed) {
        n->state = NEIGHBOR_STALE;
        n->fresh_until_ns = 0;
        n->has_timer = false;
    }
    n->asks = 0;
    if (changed || n->state != old_state)
        tell(cache, n, false);
    if (waited)
        release_queue(cache, n);
}

int neighbor_set_permanent(struct neighbor_cache *cache, const struct addr *addr, int ifindex, const struct mac *mac, uint64_t now_ns)
{
    struct neighbor *n = neighbor_get(cache, addr, ifindex, now_ns);
    if (!n)
        return -ENOMEM;
    n->mac = *mac;
    n->permanent = true;
    n->state = NEIGHBOR_REACHABLE;
    n->fresh_until_ns = LIL_NEVER;
    n->has_timer = false;
    tell(cache, n, false);
    release_queue(cache, n);
    return 0;
}

/* A timer of N is due. May free N. */
static void expire(struct neighbor_cache *cache, struct neighbor *n, uint64_t now_ns)
{
    const struct neighbor_params *params = cache->params;
    n->has_timer = false;
    switch (n->state) {
    case NEIGHBOR_DELAY:
        n->state = NEIGHBOR_PROBE;
        n->asks = 0;
        tell(cache, n, false);
        /* fall through */
    case NEIGHBOR_PROBE:
        if (n->asks >= params->max_asks) {
            tell_failed(cache, n);
            remove_entry(cache, n, 0);
            return;
        }
        arm(cache, n, now_ns + params->retrans_ms * NS_PER_MS);
        ask(cache, n, true, now_ns);
        return;
    case NEIGHBOR_INCOMPLETE:
        if (params->policy == NEIGHBOR_RFC4861 && n->asks < params->max_asks) {
            arm(cache, n, now_ns + params->retrans_ms * NS_PER_MS);
            ask(cache, n, false, now_ns);
            return;
        }
        tell_failed(cache, n);
        remove_entry(cache, n, params->fails_pending ? EHOSTUNREACH : 0);
        return;
    case NEIGHBOR_HOLD:
        remove_entry(cache, n, 0);
        return;
    default:
        return;
    }
}

void neighbor_poll(struct neighbor_cache *cache, uint64_t now_ns)
{
    list_each(it, &cache->all) {
        struct neighbor *n = list_entry(it, struct neighbor, node);
        if (!n->has_timer)
            continue;
        if (n->deadline_ns <= now_ns)
            expire(cache, n, now_ns);
        else
            neighbor_wake(cache, n->deadline_ns);
    }
    if (cache->hooks.timer)
        neighbor_wake(cache, cache->hooks.timer(cache->hooks.ctx, now_ns));
}

void neighbor_wake(struct neighbor_cache *cache, uint64_t at_ns)
{
    *cache->hooks.next_ns = min_u64(*cache->hooks.next_ns, at_ns);
}
