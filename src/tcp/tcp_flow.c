/* tcp_flow.c: which connection a segment belongs to: one hash table from flows to tcbs, SYN entries and TIME-WAIT
 * records (8 B an entry; the kind lies in the value's top bits), and what walks all of them. Read tcb.h first. */
#include "tcp/tcb.h"

enum { KIND_SHIFT = 30, SLOT_MASK = (1 << KIND_SHIFT) - 1 };

static uint64_t hash_of(const struct tcp *tcp, const struct flow *flow)
{
    uint64_t ports = (uint64_t)flow->local_port << 16 | flow->remote_port;
    if (flow->local.u64[0] == 0 && flow->remote.u64[0] == 0) /* IPv4, mapped: what differs lies in the low words */
        return siphash_2u64(&tcp->flow_key, (uint64_t)flow->local.u32[3] << 32 | flow->remote.u32[3], ports);
    return siphash_4u64(&tcp->flow_key, flow->remote.u64[0], flow->remote.u64[1], flow->local.u64[0] ^ (flow->local.u64[1] << 1 | flow->local.u64[1] >> 63), ports);
}

/* A flow is looked up, entered and removed in quick succession (SYN, entry, connection, TIME-WAIT): its hash is made once. */
static uint64_t flow_hash(struct tcp *tcp, const struct flow *flow)
{
    if (!tcp->hash || !flow_equal(&tcp->hashed, flow)) {
        tcp->hashed = *flow;
        tcp->hash = hash_of(tcp, flow);
    }
    return tcp->hash;
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

int flow_insert(struct tcp *tcp, const struct flow *flow, enum flow_kind kind, uint32_t slot)
{
    return table_insert(&tcp->flows, flow_hash(tcp, flow), (uint32_t)kind << KIND_SHIFT | slot);
}

void flow_remove(struct tcp *tcp, const struct flow *flow, enum flow_kind kind, uint32_t slot)
{
    table_remove(&tcp->flows, flow_hash(tcp, flow), (uint32_t)kind << KIND_SHIFT | slot);
    if (kind == FLOW_TCB && tcp->cached_slot == slot)
        tcp->cached_slot = TCP_NONE;
}

bool tcp_flow_exists(const struct tcp *tcp, const struct flow *flow)
{
    enum flow_kind kind;
    uint32_t slot = flow_find((struct tcp *)tcp, flow, &kind);
    if (kind == FLOW_WAIT)
        return !timewait_may_reuse((struct tcp *)tcp, tcp_wait(tcp, slot));
    return kind != FLOW_NONE;
}

struct each {
    struct tcp *tcp;
    uint16_t port;
    bool stopped;
    bool (*visit)(void *ctx, const struct tcp_seen *seen);
    void *ctx;
};

static void each_tcb(void *ctx, void *object, uint32_t slot)
{
    struct each *each = ctx;
    struct tcb *tcb = object;
    (void)slot;
    if (each->stopped || tcb->state == TCPS_CLOSED || tcb->state == TCPS_TIME_WAIT || (each->port && tcb->flow.local_port != each->port))
        return;
    struct tcp_seen seen = {&tcb->flow, tcb->state, tcb, tcb->is_unaccepted ? NULL : tcb->user, tcb->reuseaddr};
    each->stopped = !each->visit(each->ctx, &seen);
}

static void each_syn(void *ctx, void *object, uint32_t slot)
{
    struct each *each = ctx;
    struct syn_entry *entry = object;
    (void)slot;
    if (each->stopped || (each->port && entry->flow.local_port != each->port))
        return;
    struct tcp_seen seen = {&entry->flow, TCPS_SYN_RECEIVED, NULL, NULL, true};
    each->stopped = !each->visit(each->ctx, &seen);
}

static void each_wait(void *ctx, void *object, uint32_t slot)
{
    struct each *each = ctx;
    struct wait_record *record = object;
    (void)slot;
    if (each->stopped || (each->port && record->flow.local_port != each->port))
        return;
    struct tcp_seen seen = {&record->flow, TCPS_TIME_WAIT, NULL, NULL, record->reuseaddr};
    each->stopped = !each->visit(each->ctx, &seen);
}

void tcp_each(struct tcp *tcp, uint16_t local_port, bool (*visit)(void *, const struct tcp_seen *), void *ctx)
{
    struct each each = {tcp, local_port, false, visit, ctx};
    slab_each(&tcp->tcbs, each_tcb, &each);
    slab_each(&tcp->syns, each_syn, &each);
    slab_each(&tcp->waits, each_wait, &each);
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
