/* port.c: bindings and the choice of ports. The conflict rules are FACTS.md section 6: BSD's in_pcbbind looks at the
 * new socket's options and at exact or wildcard matches; Linux compares both sockets' options and whether one listens.
 */
#include "socket/sock.h"

void ports_init(struct ports *ports, struct sockets *sockets, bool is_tcp)
{
    struct prng *prng = host_prng(sockets->host);

    memset(ports, 0, sizeof *ports);
    ports->sockets = sockets;
    ports->is_tcp = is_tcp;
    ports->key.k0 = prng_next(prng);
    ports->key.k1 = prng_next(prng);
    slab_init(&ports->slab, sockets->pool, sizeof(struct binding), 0);
}

void ports_fini(struct ports *ports)
{
    for (unsigned i = 0; i < PORT_PAGES; i++)
        if (ports->pages[i])
            pool_free(ports->sockets->pool, ports->pages[i], sizeof(struct port_page));
    slab_fini(&ports->slab);
}

static struct port_page *page_of(struct ports *ports, uint16_t port) /* NULL: memory */
{
    struct port_page **page = &ports->pages[port >> 8];

    if (!*page)
        *page = pool_alloc(ports->sockets->pool, sizeof **page);
    return *page;
}

struct binding *ports_first(const struct ports *ports, uint16_t port)
{
    const struct port_page *page = ports->pages[port >> 8];

    return page ? page->first[port & 255] : NULL;
}

bool ports_has_listener(const struct ports *ports, uint16_t port)
{
    for (const struct binding *b = ports_first(ports, port); b; b = b->next)
        if (b->sock->flags & SF_LISTENING)
            return true;
    return false;
}

int ports_bind(struct ports *ports, struct sock *sock, const struct addr *addr, uint16_t port, uint32_t uid)
{
    struct port_page *page = page_of(ports, port);
    struct binding *binding, **last;
    uint32_t slot;

    if (!page)
        return -ENOMEM;
    binding = slab_new(&ports->slab, &slot);
    if (!binding)
        return -ENOMEM;
    binding->slot = slot;
    binding->sock = sock;
    binding->addr = *addr;
    binding->port = port;
    binding->uid = uid;
    binding->ifindex = sock->ext ? sock->ext->bind_ifindex : 0;
    for (last = &page->first[port & 255]; *last; last = &(*last)->next)
        ;
    *last = binding;
    sock->binding = binding;
    return 0;
}

void ports_unbind(struct ports *ports, struct sock *sock)
{
    struct binding *binding = sock->binding, **at;

    if (!binding)
        return;
    at = &ports->pages[binding->port >> 8]->first[binding->port & 255];
    while (*at != binding)
        at = &(*at)->next;
    *at = binding->next;
    sock->binding = NULL;
    slab_free(&ports->slab, binding->slot);
}

/* --- conflicts -------------------------------------------------------------------------------- */
struct claim { /* one side of a comparison */
    const struct addr *addr;
    bool v6only, reuseaddr, reuseport, is_listening, is_connected, is_time_wait;
    uint32_t ifindex, uid;
};

/* Do the two take packets of one address? */
static bool overlap(const struct claim *a, const struct claim *b)
{
    bool a_v4 = addr_is_v4(a->addr), b_v4 = addr_is_v4(b->addr);

    if (a->ifindex && b->ifindex && a->ifindex != b->ifindex)
        return false;
    if (a_v4 == b_v4)
        return addr_equal(a->addr, b->addr) || addr_is_any(a->addr) || addr_is_any(b->addr);
    if (a_v4)
        return addr_is_any(b->addr) && !b->v6only;
    return addr_is_any(a->addr) && !a->v6only;
}

/* 4.4BSD in_pcbbind: with SO_REUSEADDR or SO_REUSEPORT on the new socket only an exact, unconnected match (the wildcards of both families
 * are one) is in the way, and then both must say SO_REUSEPORT (for multicast SO_REUSEADDR does). */
static bool conflicts_bsd(const struct claim *new, const struct claim *old)
{
    bool reuse = new->reuseaddr || new->reuseport;
    bool is_shared = new->reuseport && old->reuseport;

    if (addr_is_multicast(new->addr) && new->reuseaddr)
        is_shared = old->reuseaddr || old->reuseport;
    if (!overlap(new, old))
        return false;
    if (reuse && (old->is_connected || !(addr_equal(new->addr, old->addr) || (addr_is_any(new->addr) && addr_is_any(old->addr)))))
        return false;
    return !is_shared;
}

/* Linux, inet_csk_bind_conflict: SO_REUSEADDR on both and nobody listens, or SO_REUSEPORT on both and one owner. */
static bool conflicts_linux(const struct claim *new, const struct claim *old, bool is_tcp)
{
    if (!overlap(new, old))
        return false;
    if (new->reuseaddr && old->reuseaddr && !(is_tcp && old->is_listening))
        return false;
    if (new->reuseport && old->reuseport && (old->is_time_wait || new->uid == old->uid))
        return false;
    return true;
}

struct check {
    const struct ports *ports;
    const struct sock *sock;
    struct claim claim;
    bool is_conflict;
};

static bool conflicts(const struct check *check, const struct claim *old)
{
    if (check->ports->sockets->profile->socket.bind_policy == BIND_LINUX)
        return conflicts_linux(&check->claim, old, check->ports->is_tcp);
    return conflicts_bsd(&check->claim, old);
}

static bool check_connection(void *ctx, const struct tcp_seen *seen)
{
    struct check *check = ctx;
    const struct sock *owner = seen->user;
    struct claim old = {
        .addr = &seen->flow->local,
        .reuseaddr = seen->reuseaddr,
        .reuseport = seen->reuseport,
        .is_connected = true,
        .is_time_wait = seen->state == TCPS_TIME_WAIT,
        .uid = check->claim.uid,
    };

    if (!seen->tcb && seen->state == TCPS_SYN_RECEIVED)
        return true; /* a request of a listener, which is asked itself */
    if (owner && (owner == check->sock || owner->binding))
        return true;
    check->is_conflict = conflicts(check, &old);
    return !check->is_conflict;
}

/* Can any connection be in the way? None listens, so that with SO_REUSEADDR only such a one can as did not say it (Linux), or none (BSD):
 * a server that comes back looks at none of the connections that its predecessor left. */
static bool may_object(const struct check *check, uint16_t port)
{
    if (check->ports->sockets->profile->socket.bind_policy == BIND_LINUX)
        return !check->claim.reuseaddr || tcp_port_use(check->ports->sockets->tcp, port).strict;
    return !check->claim.reuseaddr && !check->claim.reuseport;
}

static void claim_of_sock(struct claim *claim, const struct sock *sock, const struct addr *addr)
{
    claim->addr = addr;
    claim->v6only = sock->flags & SF_V6ONLY;
    claim->reuseaddr = sock->flags & SF_REUSEADDR;
    claim->reuseport = sock->flags & SF_REUSEPORT;
    claim->ifindex = sock->ext ? sock->ext->bind_ifindex : 0;
    claim->is_listening = sock->flags & SF_LISTENING;
}

int ports_check(struct ports *ports, struct sock *sock, const struct addr *addr, uint16_t port, uint32_t uid)
{
    struct check check = {.ports = ports, .sock = sock};

    claim_of_sock(&check.claim, sock, addr);
    check.claim.uid = uid;
    for (const struct binding *b = ports_first(ports, port); b; b = b->next) {
        struct claim old = {0};

        if (b->sock == sock)
            continue;
        claim_of_sock(&old, b->sock, &b->addr);
        old.uid = b->uid;
        old.is_connected = b->sock->flags & (SF_CONNECTED | SF_CONNECTING);
        if (conflicts(&check, &old))
            return -EADDRINUSE;
    }
    if (ports->is_tcp && may_object(&check, port))
        tcp_each(ports->sockets->tcp, port, check_connection, &check);
    return check.is_conflict ? -EADDRINUSE : 0;
}

/* --- the kernel's choice ---------------------------------------------------------------------- */
/* The host's range, narrowed by the socket's own (IP_LOCAL_PORT_RANGE: an end outside the host's does not count). */
static void port_range(const struct ports *ports, const struct sock *sock, uint32_t *first, uint32_t *last)
{
    const struct profile *profile = ports->sockets->profile;

    *first = ports->is_tcp ? profile->tcp.port_first : profile->udp.port_first;
    *last = ports->is_tcp ? profile->tcp.port_last : profile->udp.port_last;
    if (*first == 0 || *last < *first) {
        *first = 1024;
        *last = 5000;
    }
    const struct sock_ext *ext = sock ? sock->ext : NULL;
    uint32_t low = ext ? ext->port_low : 0, high = ext ? ext->port_high : 0, from = *first, to = *last;

    if (low >= from && low <= to)
        *first = low;
    if (high >= from && high <= to)
        *last = high;
}

/* Nobody has the port, whatever the address: what stacks want of a port that they choose themselves. */
static bool is_free(const struct ports *ports, uint16_t port)
{
    if (profile_keeps_port(&ports->sockets->profile->socket, port))
        return false;
    return !ports_first(ports, port) && !(ports->is_tcp && tcp_port_use(ports->sockets->tcp, port).users);
}

/* How much of a range is gone through: Linux, which takes every other port, goes through an even number of them, wherever it begins. */
static uint32_t walk_length(uint32_t first, uint32_t last, uint32_t step)
{
    uint32_t count = last - first + 1;

    return step == 2 && count > 1 ? count & ~1u : count;
}

static uint16_t walk_port(uint32_t first, uint32_t last, uint32_t length, uint32_t offset)
{
    return (uint16_t)(first + offset - (first + offset > last ? length : 0));
}

/* From OFFSET on, in steps. */
static int scan(const struct ports *ports, uint32_t first, uint32_t last, uint32_t step, uint32_t offset)
{
    uint32_t length = walk_length(first, last, step);

    for (uint32_t i = 0; i < length; i += step) {
        uint16_t port = walk_port(first, last, length, offset + i);

        if (is_free(ports, port))
            return port;
    }
    return -EADDRINUSE;
}

static int choose_sequential(struct ports *ports, uint32_t first, uint32_t last)
{
    for (uint32_t i = first; i <= last; i++) {
        ports->next = ports->next < first || ports->next >= last ? (uint16_t)first : (uint16_t)(ports->next + 1);
        if (is_free(ports, ports->next))
            return ports->next;
    }
    return -EADDRNOTAVAIL;
}

int ports_choose(struct ports *ports, const struct sock *sock)
{
    struct prng *prng = host_prng(ports->sockets->host);
    uint8_t policy = ports->sockets->profile->tcp.ephemeral;
    uint32_t first, last, step = policy == TCP_PORTS_LINUX && ports->is_tcp ? 2 : 1, offset;
    int port;

    port_range(ports, sock, &first, &last);
    if (policy == TCP_PORTS_SEQUENTIAL)
        return choose_sequential(ports, first, last);
    offset = (uint32_t)prng_below(prng, walk_length(first, last, step));
    if (step == 1)
        port = scan(ports, first, last, 1, offset);
    else if ((port = scan(ports, first, last, 2, offset | 1)) < 0) /* so that connect() finds those between (FACTS 6) */
        port = scan(ports, first, last, 2, offset & ~1u);
    return port < 0 && policy == TCP_PORTS_RANDOM ? -EADDRNOTAVAIL : port;
}

/* --- connect()'s choice ----------------------------------------------------------------------- */
static uint64_t walk_hash(const struct ports *ports, const struct flow *flow)
{
    if (addr_is_v4(&flow->remote))
        return siphash_2u64(&ports->key, (uint64_t)flow->local.u32[3] << 32 | flow->remote.u32[3], flow->remote_port);
    return siphash_4u64(&ports->key, flow->local.u64[0] ^ flow->local.u64[1], flow->remote.u64[0], flow->remote.u64[1],
                        flow->remote_port);
}

/* RFC 6056 3.3.4: a keyed hash of the destination plus a counter: each destination sees its ports go up from a place of
 * its own, and the first try succeeds until they are used up. Linux tries every other port first, from
 * the first one on (FACTS 6). */
void port_walk_begin(struct port_walk *walk, struct ports *ports, const struct sock *sock, const struct flow *flow)
{
    uint64_t hash;

    memset(walk, 0, sizeof *walk);
    walk->ports = ports;
    walk->sock = sock;
    switch (ports->sockets->profile->tcp.ephemeral) {
    case TCP_PORTS_SEQUENTIAL:
        break;
    case TCP_PORTS_RANDOM:
        port_range(ports, sock, &walk->first, &walk->last);
        walk->step = 1;
        walk->length = walk_length(walk->first, walk->last, 1);
        walk->offset = (uint32_t)prng_below(host_prng(ports->sockets->host), walk->length);
        break;
    default:
        hash = walk_hash(ports, flow);
        walk->counter = (uint32_t)(hash >> 32) % PORT_COUNTERS;
        port_range(ports, sock, &walk->first, &walk->last);
        walk->step = sock && sock->ext && (sock->ext->port_low || sock->ext->port_high) ? 1 : 2; /* IP_LOCAL_PORT_RANGE: all of it */
        walk->length = walk_length(walk->first, walk->last, walk->step);
        walk->offset = ((uint32_t)hash + ports->counters[walk->counter]) % walk->length;
        walk->is_odd = walk->step == 2 && ports->odd_turns[walk->counter] > 0;
        walk->offset = walk->step == 2 ? (walk->offset & ~1u) | walk->is_odd : walk->offset;
    }
}

uint16_t port_walk_next(struct port_walk *walk)
{
    struct ports *ports = walk->ports;
    uint8_t policy = ports->sockets->profile->tcp.ephemeral;
    uint32_t first, last;

    if (policy == TCP_PORTS_SEQUENTIAL) {
        int port;

        port_range(ports, walk->sock, &first, &last);
        if (walk->tried++ > last - first)
            return 0;
        port = choose_sequential(ports, first, last);
        return port < 0 ? 0 : (uint16_t)port;
    }
    for (;;) {
        uint16_t port;

        if (walk->tried >= walk->length) {
            if (walk->step == 1 || walk->is_second || walk->length == 1)
                return 0;
            walk->is_second = true;
            walk->is_odd = !walk->is_odd;
            walk->offset ^= 1;
            walk->tried = 0;
        }
        port = walk_port(walk->first, walk->last, walk->length, walk->offset + walk->tried);
        walk->tried += walk->step;
        if (!ports_first(ports, port) && !profile_keeps_port(&ports->sockets->profile->socket, port))
            return port; /* bind()'s ports are not shared */
    }
}

/* Thousands of even ports were looked at in vain: before that is done again, as many connections are made. */
void port_walk_done(struct port_walk *walk)
{
    uint32_t *odd_turns = &walk->ports->odd_turns[walk->counter];

    if (walk->step != 2)
        return;
    walk->ports->counters[walk->counter] += walk->tried;
    if (walk->is_second)
        *odd_turns = walk->is_odd ? walk->length / 2 : 0;
    else if (*odd_turns)
        --*odd_turns;
}
