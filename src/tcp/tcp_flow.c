/* tcp_flow.c: which connection a segment belongs to: one hash table from flows to tcbs, SYN entries and TIME-WAIT
 * records (8 B an entry; the kind lies in the value's top bits), and what walks all of them. Read tcb.h first. */
#include "tcp/tcb.h"

enum { KIND_SHIFT = 30, SLOT_MASK = (1 << KIND_SHIFT) - 1 };

static uint64_t secret_hash(const struct tcp *tcp, const struct flow *flow, uint64_t ports)
{
    if (flow->local.u64[0] == 0 && flow->remote.u64[0] == 0) /* IPv4, mapped: what differs lies in the low words */
        return siphash_2u64(&tcp->flow_key, (uint64_t)flow->local.u32[3] << 32 | flow->remote.u32[3], ports);
    return siphash_4u64(&tcp->flow_key, flow->remote.u64[0], flow->remote.u64[1],
                        flow->local.u64[0] ^ (flow->local.u64[1] << 1 | flow->local.u64[1] >> 63), ports);
}

/* The ephemeral ports of a destination go up by one or, even ones first, by two (RFC 6056 3.3.4), and its connections come and go in
 * that order. So that they meet a line of the table that their predecessors have fetched, eight such ports in a row share a place that
 * only the secret knows and lie there side by side. The larger port counts as the ephemeral one: both ends see the same. Who chooses
 * ports can fill such a row, but no two rows meet by his choice. */
enum { ROW = 8 };
static uint32_t hash_of(const struct tcp *tcp, const struct flow *flow)
{
    uint32_t low = flow->local_port, high = flow->remote_port;
    if (low > high) {
        low = flow->remote_port;
        high = flow->local_port;
    }
    uint64_t hash = secret_hash(tcp, flow, (uint64_t)low << 16 | (high / (2 * ROW) << 1 | (high & 1)));
    uint32_t kept = ((uint32_t)(hash ^ hash >> 32) & ~(ROW - 1u)) | (high / 2) % ROW;
    return kept ? kept : 1;
}

/* A flow is looked up, entered and removed in quick succession (SYN, entry, connection, TIME-WAIT): its hash is made once. */
uint32_t flow_hash(struct tcp *tcp, const struct flow *flow)
{
    if (__builtin_expect(!tcp->hash || !flow_equal(&tcp->hashed, flow), 0)) {
        tcp->hashed = *flow;
        tcp->hash = hash_of(tcp, flow);
    }
    return tcp->hash;
}

/* --- how many flows have a local port: what bind() and the choice of a port ask ------------------------------------ */

static struct port_use *port_use(struct tcp *tcp, uint16_t port) /* NULL: memory */
{
    struct port_use **page = &tcp->port_uses[port / PORT_PAGE];
    if (__builtin_expect(!*page, 0))
        *page = pool_alloc(tcp->pool, PORT_PAGE * sizeof **page);
    return *page ? &(*page)[port % PORT_PAGE] : NULL;
}

struct port_use tcp_port_use(const struct tcp *tcp, uint16_t port)
{
    const struct port_use *page = tcp->port_uses[port / PORT_PAGE];
    return page ? page[port % PORT_PAGE] : (struct port_use){0};
}

void tcp_set_reuse(struct tcb *tcb, bool reuseaddr, bool reuseport)
{
    if (tcb->is_counted)
        port_use(tcb->tcp, tcb->flow.local_port)->strict += tcb->reuseaddr - (uint32_t)reuseaddr;
    tcb->reuseaddr = reuseaddr;
    tcb->reuseport = reuseport;
}

/* --- the table -------------------------------------------------------------------------------------------------------- */

static uint32_t value_of(enum flow_kind kind, uint32_t slot)
{
    return (uint32_t)kind << KIND_SHIFT | slot;
}

static const struct flow *flow_of(const struct tcp *tcp, uint32_t value)
{
    uint32_t slot = value & SLOT_MASK;
    switch (value >> KIND_SHIFT) {
    case FLOW_TCB:
        return &tcp_tcb(tcp, slot)->flow;
    case FLOW_SYN:
        return &tcp_syn(tcp, slot)->flow;
    default:
        return &tcp_wait(tcp, slot)->flow;
    }
}

static bool flow_is(const void *ctx, const void *key, uint32_t value)
{
    return flow_equal(flow_of(ctx, value), key);
}

void flow_prefetch(struct tcp *tcp, const struct flow *flow)
{
    const struct port_use *page = tcp->port_uses[flow->local_port / PORT_PAGE];
    table_prefetch(&tcp->flows, flow_hash(tcp, flow));
    if (page)
        __builtin_prefetch(&page[flow->local_port % PORT_PAGE], 1);
}

uint32_t flow_find(struct tcp *tcp, const struct flow *flow, enum flow_kind *kind)
{
    uint32_t value = table_find(&tcp->flows, flow_hash(tcp, flow), flow, flow_is, tcp);
    if (value == TABLE_NONE) {
        *kind = FLOW_NONE;
        return TCP_NONE;
    }
    *kind = value >> KIND_SHIFT;
    return value & SLOT_MASK;
}

int flow_insert(struct tcp *tcp, const struct flow *flow, uint32_t hash, enum flow_kind kind, uint32_t slot, bool is_strict)
{
    struct port_use *use = port_use(tcp, flow->local_port);
    if (!use || table_insert(&tcp->flows, hash, value_of(kind, slot)) < 0)
        return -ENOMEM;
    use->users++;
    use->strict += is_strict;
    return 0;
}

static void forget(struct tcp *tcp, const struct flow *flow, uint32_t slot)
{
    struct tcb **recent = tcp_recent_of(tcp, flow);
    if (*recent && (*recent)->slot == slot)
        *recent = NULL;
    if (tcp->cached && tcp->cached->slot == slot)
        tcp->cached = NULL;
}

void flow_remove(struct tcp *tcp, const struct flow *flow, uint32_t hash, enum flow_kind kind, uint32_t slot, bool is_strict)
{
    if (table_remove(&tcp->flows, hash ? hash : flow_hash(tcp, flow), value_of(kind, slot))) {
        struct port_use *use = port_use(tcp, flow->local_port);
        use->users--;
        use->strict -= is_strict;
    }
    if (kind == FLOW_TCB)
        forget(tcp, flow, slot);
}

void flow_replace(struct tcp *tcp, uint32_t hash, enum flow_kind kind, uint32_t slot, enum flow_kind new_kind, uint32_t new_slot)
{
    bool found = table_replace(&tcp->flows, hash, value_of(kind, slot), value_of(new_kind, new_slot));
    assert(found);
    (void)found;
    if (kind == FLOW_TCB)
        forget(tcp, &tcp_tcb(tcp, slot)->flow, slot);
}

static bool is_on_port(const struct flow *flow, uint16_t port)
{
    return !port || flow->local_port == port;
}

/* The walk over everything ends with the last of the port's users: a port that nobody uses costs nothing. */
void tcp_each(struct tcp *tcp, uint16_t port, bool (*visit)(void *, const struct tcp_seen *), void *ctx)
{
    uint32_t left = port ? tcp_port_use(tcp, port).users : UINT32_MAX;
    struct tcb *tcb;
    for (uint32_t slot = 0; left && (tcb = slab_next(&tcp->tcbs, &slot)); slot++) {
        if (!tcb->is_counted || !is_on_port(&tcb->flow, port))
            continue;
        left--;
        struct tcp_seen seen = {&tcb->flow, tcb->state, tcb, tcb->is_unaccepted ? NULL : tcb->user, tcb->reuseaddr, tcb->reuseport};
        if (!visit(ctx, &seen))
            return;
    }
    struct syn_entry *entry;
    for (uint32_t slot = 0; left && (entry = slab_next(&tcp->syns, &slot)); slot++) {
        if (!is_on_port(&entry->flow, port))
            continue;
        left--;
        struct tcp_seen seen = {&entry->flow, TCPS_SYN_RECEIVED, NULL, NULL, true, true, entry->deadline_ns, entry->retransmits};
        if (!visit(ctx, &seen))
            return;
    }
    struct wait_record *record;
    for (uint32_t slot = 0; left && (record = slab_next(&tcp->waits, &slot)); slot++) {
        if (!is_on_port(&record->flow, port))
            continue;
        left--;
        struct tcp_seen seen = {&record->flow, TCPS_TIME_WAIT, NULL, NULL, record->reuseaddr, record->reuseport, record->deadline_ns, 0};
        if (!visit(ctx, &seen))
            return;
    }
}

void tcp_get_counts(const struct tcp *tcp, struct tcp_counts *counts)
{
    *counts = (struct tcp_counts){.connections = tcp->connections, .time_waits = tcp->wait_count, .syn_entries = tcp->syn_count,
                                  .listeners = tcp->listener_count, .orphans = tcp->orphans};
}

void tcp_each_counter(const struct tcp *tcp, void (*visit)(void *, const char *, uint64_t), void *ctx)
{
    static const char *const names[MIB_COUNT] = {
#define X(name, word) [MIB_##name] = word,
        TCP_MIBS(X)
#undef X
    };
    for (unsigned i = 0; i < MIB_COUNT; i++)
        visit(ctx, names[i], tcp->mib[i]);
    visit(ctx, "TcpCurrEstab", tcp->connections);
}
