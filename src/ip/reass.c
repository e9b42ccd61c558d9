/* reass.c: reassembly of fragments. Read reass.h first. Pieces of a datagram are a list sorted by offset; the usual arrival
 * order appends at the tail, and the number of pieces is limited, so that a hostile order costs little (CVE-2018-5391).
 * Overlaps: IPv6 drops the whole datagram (RFC 5722 4); IPv4 keeps what came first and cuts the newcomer (teardrop-safe). */
#include "ip/reass.h"

struct datagram {
    struct list node, age;
    struct addr source, dest;
    uint32_t id;
    uint16_t ifindex;
    uint8_t protocol, version;
    uint8_t ecn_seen;        /* bit per codepoint, RFC 3168 5.3 */
    bool has_first, has_last, poisoned;
    uint32_t total, received, pieces, charge;
    uint64_t deadline_ns;
    struct ip ip;            /* of fragment zero */
    /* sorted by mark = offset; payload only, except that fragment zero keeps its header bytes in the headroom */
    struct lil_packet *first, *last;
};

void reass_init(struct reass *reass, struct pool *pool, const struct ip_params *params, const struct reass_hooks *hooks,
                const struct siphash_key *key)
{
    memset(reass, 0, sizeof *reass);
    reass->pool = pool;
    reass->params = params;
    reass->hooks = *hooks;
    reass->key = *key;
    for (int i = 0; i < REASS_BUCKETS; i++)
        list_init(&reass->buckets[i]);
    list_init(&reass->by_age);
}

static void wake(const struct reass *reass, const struct datagram *d)
{
    *reass->hooks.next_ns = min_u64(*reass->hooks.next_ns, d->deadline_ns);
}

static void forget(struct reass *reass, struct datagram *d)
{
    list_remove(&d->node);
    list_remove(&d->age);
    reass->count--;
    reass->memory_bytes -= d->charge;
    pool_free(reass->pool, d, sizeof *d);
}

/* Every piece is a packet of its own and counted so. */
static void discard(struct reass *reass, struct datagram *d, enum lil_drop reason)
{
    while (d->first) {
        struct lil_packet *packet = d->first;
        d->first = packet->next;
        packet->next = NULL;
        reass->hooks.drop(reass->hooks.ctx, reason, packet);
    }
    forget(reass, d);
}

void reass_fini(struct reass *reass)
{
    while (!list_is_empty(&reass->by_age)) {
        struct datagram *d = list_entry(reass->by_age.next, struct datagram, age);
        while (d->first) {
            struct lil_packet *next = d->first->next;
            packet_free(d->first);
            d->first = next;
        }
        forget(reass, d);
    }
}

static struct datagram *find(struct reass *reass, const struct ip *ip, uint16_t ifindex, struct list **bucket)
{
    /* RFC 8200 4.5: source, destination and identification; RFC 791 adds the protocol */
    uint8_t protocol = ip->version == 4 ? ip->protocol : 0;
    uint64_t hash = siphash_4u64(&reass->key, ip->source.u64[0] ^ ip->dest.u64[0], ip->source.u64[1], ip->dest.u64[1],
                                 (uint64_t)ip->id << 8 | protocol);
    *bucket = &reass->buckets[hash % REASS_BUCKETS];
    list_each(it, *bucket) {
        struct datagram *d = list_entry(it, struct datagram, node);
        if (d->id == ip->id && d->ifindex == ifindex && d->version == ip->version &&
            (ip->version == 6 || d->protocol == protocol) && addr_equal(&d->source, &ip->source) && addr_equal(&d->dest, &ip->dest))
            return d;
    }
    return NULL;
}

static struct datagram *make(struct reass *reass, const struct ip *ip, uint16_t ifindex, struct list *bucket, uint64_t now_ns)
{
    const struct ip_params *params = reass->params;
    /* full: the oldest gives way, so that a flood of first fragments cannot shut out everyone for a timeout */
    uint32_t from_source = 0;
    struct datagram *oldest = NULL;
    if (reass->count >= params->frag_max_per_host) {
        list_each(it, &reass->by_age) {
            struct datagram *d = list_entry(it, struct datagram, age);
            if (addr_equal(&d->source, &ip->source)) {
                from_source++;
                if (!oldest)
                    oldest = d;
            }
        }
        if (oldest && from_source >= params->frag_max_per_host)
            discard(reass, oldest, LIL_DROP_FRAG_LIMIT);
    }
    while (reass->memory_bytes > params->frag_memory_bytes && !list_is_empty(&reass->by_age))
        discard(reass, list_entry(reass->by_age.next, struct datagram, age), LIL_DROP_FRAG_LIMIT);
    struct datagram *d = pool_alloc(reass->pool, sizeof *d);
    if (!d)
        return NULL;
    d->source = ip->source;
    d->dest = ip->dest;
    d->id = ip->id;
    d->ifindex = ifindex;
    d->protocol = ip->protocol;
    d->version = ip->version;
    d->deadline_ns = now_ns + params->frag_timeout_ms * NS_PER_MS;
    d->charge = sizeof *d;
    reass->memory_bytes += sizeof *d;
    reass->count++;
    list_push_back(bucket, &d->node);
    list_push_back(&reass->by_age, &d->age);
    wake(reass, d);
    return d;
}

enum verdict { PLACED, OVERLAP, DUPLICATE };

/* Puts PACKET (payload only, mark = offset) in its place. */
static enum verdict place(struct datagram *d, struct lil_packet *packet, bool cut)
{
    uint32_t start = packet->mark, end = start + packet->length;
    struct lil_packet *before = NULL;
    if (d->last && d->last->mark + d->last->length <= start) {
        before = d->last;
    } else {
        for (struct lil_packet *p = d->first; p && p->mark < start; p = p->next)
            before = p;
    }
    struct lil_packet *after = before ? before->next : d->first;
    if (after && after->mark == start && after->length == packet->length)
        return DUPLICATE;
    if (before && before->mark + before->length > start) {
        if (!cut || before->mark + before->length >= end)
            return OVERLAP;
        packet_trim_front(packet, before->mark + before->length - start);
        start = packet->mark = before->mark + before->length;
    }
    if (after && after->mark < end) {
        if (!cut || after->mark <= start)
            return OVERLAP;
        packet_trim_to(packet, after->mark - start);
    }
    packet->next = after;
    if (before)
        before->next = packet;
    else
        d->first = packet;
    if (!after)
        d->last = packet;
    return PLACED;
}

static struct lil_packet *complete(struct reass *reass, struct datagram *d, struct ip *ip)
{
    struct lil_packet *whole = d->first;
    d->first = whole->next;
    whole->next = NULL;
    while (d->first) {
        struct lil_packet *piece = d->first;
        d->first = piece->next;
        piece->next = NULL;
        if (packet_join_take(whole, piece) != 0) {
            reass->hooks.drop(reass->hooks.ctx, LIL_DROP_MEMORY, piece);
            reass->hooks.drop(reass->hooks.ctx, LIL_DROP_MEMORY, whole);
            discard(reass, d, LIL_DROP_MEMORY);
            return NULL;
        }
    }
    uint8_t ecn = d->ip.tos & 3;
    if (d->ecn_seen & 8)
        ecn = d->ecn_seen & 1 ? 0 : 3; /* RFC 3168 5.3: CE on any piece marks the datagram */
    *ip = d->ip;
    ip->tos = (uint8_t)((ip->tos & ~3) | ecn);
    ip->payload_length = d->total;
    ip->header_length = ip->version == 4 ? IPV4_LENGTH : IPV6_LENGTH;
    ip->is_fragment = ip->more_fragments = false;
    ip->frag_offset = ip->frag_header_offset = 0;
    whole->ecn = ecn;
    whole->mark = 0;
    forget(reass, d);
    return whole;
}

/* RFC 791 3.2, RFC 8200 4.5: what no fragment may be; the ping of death ends here. */
static bool is_malformed(const struct ip *ip)
{
    if (!ip->payload_length || (ip->more_fragments && ip->payload_length % 8))
        return true;
    return ip->frag_offset + ip->payload_length > 65535u - (ip->version == 4 ? ip->header_length : 0u);
}

struct lil_packet *reass_input_take(struct reass *reass, struct ip *ip, struct lil_packet *packet, uint64_t now_ns)
{
    const struct reass_hooks *hooks = &reass->hooks;
    if (is_malformed(ip)) {
        hooks->drop(hooks->ctx, LIL_DROP_FRAG_MALFORMED, packet);
        return NULL;
    }
    struct list *bucket;
    struct datagram *d = find(reass, ip, packet->ifindex, &bucket);
    if (!d && !(d = make(reass, ip, packet->ifindex, bucket, now_ns))) {
        hooks->drop(hooks->ctx, LIL_DROP_MEMORY, packet);
        return NULL;
    }
    uint32_t end = ip->frag_offset + ip->payload_length;
    enum lil_drop reason = LIL_DROP_NONE;
    if (d->poisoned)
        reason = LIL_DROP_FRAG_OVERLAP; /* RFC 5722 4: constituents not yet received too */
    else if (d->has_last ? end > d->total || (!ip->more_fragments && end != d->total)
                         : !ip->more_fragments && d->last && d->last->mark + d->last->length > end)
        reason = LIL_DROP_FRAG_MALFORMED;
    else if (d->pieces >= reass->params->frag_max_pieces)
        reason = LIL_DROP_FRAG_LIMIT;
    if (reason) {
        hooks->drop(hooks->ctx, reason, packet);
        return NULL;
    }
    packet_trim_front(packet, ip->header_length);
    packet->mark = ip->frag_offset;
    switch (place(d, packet, ip->version == 4)) {
    case DUPLICATE:
        hooks->drop(hooks->ctx, LIL_DROP_FRAG_OVERLAP, packet);
        return NULL;
    case OVERLAP:
        hooks->drop(hooks->ctx, LIL_DROP_FRAG_OVERLAP, packet);
        if (ip->version == 6) {
            while (d->first) {
                struct lil_packet *next = d->first->next;
                d->first->next = NULL;
                hooks->drop(hooks->ctx, LIL_DROP_FRAG_OVERLAP, d->first);
                d->first = next;
            }
            d->last = NULL;
            d->poisoned = true;
        }
        return NULL;
    case PLACED:
        break;
    }
    d->pieces++;
    d->received += packet->length;
    uint32_t charge = packet_charge(packet);
    d->charge += charge;
    reass->memory_bytes += charge;
    d->ecn_seen |= (uint8_t)(1 << (ip->tos & 3));
    if (packet->mark == 0) {
        d->has_first = true;
        d->ip = *ip;
    }
    if (!ip->more_fragments) {
        d->has_last = true;
        d->total = end;
    }
    if (d->has_first && d->has_last && d->received == d->total)
        return complete(reass, d, ip);
    while (reass->memory_bytes > reass->params->frag_memory_bytes && reass->count > 1)
        discard(reass, list_entry(reass->by_age.next, struct datagram, age), LIL_DROP_FRAG_LIMIT);
    if (reass->memory_bytes > reass->params->frag_memory_bytes)
        discard(reass, list_entry(reass->by_age.next, struct datagram, age), LIL_DROP_FRAG_LIMIT);
    return NULL;
}

void reass_poll(struct reass *reass, uint64_t now_ns)
{
    while (!list_is_empty(&reass->by_age)) {
        struct datagram *d = list_entry(reass->by_age.next, struct datagram, age);
        if (d->deadline_ns > now_ns) {
            wake(reass, d);
            return;
        }
        if (d->has_first && !d->poisoned)
            reass->hooks.timeout(reass->hooks.ctx, &d->ip, d->first);
        discard(reass, d, LIL_DROP_FRAG_TIMEOUT);
    }
}
