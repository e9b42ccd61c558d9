/* tcp_listen.c: LISTEN (RFC 9293 3.10.1, 3.10.7.2; UNP 4.5): listeners, their backlog, the completed queue, what a SYN meets.
 * The incomplete queue's small entries are in tcp_synq.c; backlog formulas and full-queue policies are FACTS section 4. */
#include "tcp/tcb.h"

static struct list *page_of(struct tcp *tcp, uint16_t port) /* makes it; NULL: memory */
{
    struct list **page = &tcp->listen_pages[port / PORT_PAGE];
    if (!*page && (*page = pool_alloc(tcp->pool, PORT_PAGE * sizeof **page)) != NULL)
        for (unsigned i = 0; i < PORT_PAGE; i++)
            list_init(&(*page)[i]);
    return *page;
}

void listeners_fini(struct tcp *tcp)
{
    for (unsigned i = 0; i < ARRAY_COUNT(tcp->listen_pages); i++) {
        struct list *page = tcp->listen_pages[i], *node;
        for (unsigned k = 0; page && k < PORT_PAGE; k++) {
            while ((node = list_pop_front(&page[k])) != NULL) {
                struct tcp_listener *listener = list_entry(node, struct tcp_listener, node);
                tcb_opts_unref(tcp, listener->opt);
                pool_free(tcp->pool, listener, sizeof *listener);
            }
        }
        if (page)
            pool_free(tcp->pool, page, PORT_PAGE * sizeof *page);
    }
}

static int add_slot(struct tcp *tcp, struct tcp_listener *listener)
{
    uint32_t *slot = &tcp->listener_free;
    while (*slot < tcp->listener_capacity && tcp->listeners[*slot])
        ++*slot;
    if (*slot < tcp->listener_capacity) {
        tcp->listeners[*slot] = listener;
        listener->slot = (*slot)++;
        return 0;
    }
    uint32_t capacity = tcp->listener_capacity ? tcp->listener_capacity * 2 : 8;
    struct tcp_listener **grown = pool_alloc(tcp->pool, capacity * sizeof *grown);
    if (!grown)
        return -ENOBUFS;
    if (tcp->listeners) {
        memcpy(grown, tcp->listeners, tcp->listener_capacity * sizeof *grown);
        pool_free(tcp->pool, tcp->listeners, tcp->listener_capacity * sizeof *grown);
    }
    listener->slot = tcp->listener_capacity;
    grown[listener->slot] = listener;
    tcp->listeners = grown;
    tcp->listener_capacity = capacity;
    return 0;
}

/* RFC 9293 3.9.1.1 (MUST-41): a record of its own; no connection is looked at or changed. */
int tcp_listen(struct tcp *tcp, const struct addr *local, uint16_t port, bool any_family, int backlog, bool reuseport, void *user,
               struct tcp_listener **out)
{
    struct tcp_listener *listener = pool_alloc(tcp->pool, sizeof *listener);
    if (!listener)
        return -ENOBUFS;
    listener->opt = pool_alloc(tcp->pool, sizeof *listener->opt);
    if (!listener->opt || !page_of(tcp, port) || add_slot(tcp, listener) < 0) {
        if (listener->opt)
            pool_free(tcp->pool, listener->opt, sizeof *listener->opt);
        pool_free(tcp->pool, listener, sizeof *listener);
        return -ENOBUFS;
    }
    listener->opt->refs = 1;
    listener->tcp = tcp;
    listener->local = *local;
    listener->port = port;
    listener->any_family = any_family;
    listener->is_v6 = !addr_is_v4(local);
    listener->reuseport = reuseport;
    listener->backlog_given = backlog;
    listener->user = user;
    listener->accept_first = listener->accept_last = listener->held = TCP_NONE;
    list_push_back(&page_of(tcp, port)[port % PORT_PAGE], &listener->node);
    tcp->listener_count++;
    if (tcp->hooks.trace) {
        struct flow flow = {.local = *local, .remote = addr_any(AF_INET), .local_port = port};
        struct lil_trace event = {.kind = LIL_TRACE_STATE, .old_state = "CLOSED", .new_state = "LISTEN"};
        tcp_trace(tcp, &event, &flow);
    }
    listener_trace(listener);
    *out = listener;
    return 0;
}

void tcp_listener_set_backlog(struct tcp_listener *listener, int backlog)
{
    listener->backlog_given = backlog;
    listener_trace(listener);
}

/* The backlog as the profile takes it: negative, zero, the cap (FACTS 4). */
uint32_t listener_backlog(const struct tcp_listener *listener)
{
    const struct tcp_params *params = &listener->tcp->params;
    int64_t backlog = listener->backlog_given;
    if (backlog < 0)
        backlog = params->backlog_negative;
    else if (backlog == 0)
        backlog = params->backlog_zero;
    if (params->somaxconn >= 0 && backlog > params->somaxconn)
        backlog = params->somaxconn;
    return (uint32_t)backlog;
}

static uint32_t admitted(const struct tcp_listener *listener)
{
    uint32_t b = listener_backlog(listener);
    switch ((enum tcp_backlog_rule)listener->tcp->params.backlog_rule) {
    case TCP_BACKLOG_B:
        return b;
    case TCP_BACKLOG_B_PLUS_1:
        return b + 1;
    case TCP_BACKLOG_B_PLUS_3:
        return b + 3;
    case TCP_BACKLOG_3B_2_PLUS_1:
        return b * 3 / 2 + 1;
    case TCP_BACKLOG_MAX_1_3B_2:
        return max_u32(1, b * 3 / 2);
    case TCP_BACKLOG_SOLARIS29:
        return b == 4 ? 6 : b * 3 / 2 + 1;
    }
    return b + 1;
}

/* May no further SYN come in? */
bool listener_is_full(const struct tcp_listener *listener)
{
    switch ((enum tcp_backlog_count)listener->tcp->params.backlog_count) {
    case TCP_COUNT_BOTH:
        return listener->incomplete + listener->complete >= admitted(listener);
    case TCP_COUNT_LINUX24: /* complete b+1; then SYNs are dropped only with more than one young request */
        return listener->complete > listener_backlog(listener) && listener->young > 1;
    default:
        return listener->complete >= admitted(listener);
    }
}

void tcp_listener_queues(const struct tcp_listener *listener, unsigned *incomplete, unsigned *complete, unsigned *backlog)
{
    if (incomplete)
        *incomplete = listener->incomplete;
    if (complete)
        *complete = listener->complete;
    if (backlog)
        *backlog = listener_backlog(listener);
}

void listener_trace(struct tcp_listener *listener)
{
    struct tcp *tcp = listener->tcp;
    if (!tcp->hooks.trace)
        return;
    struct flow flow = {.local = listener->local, .remote = addr_any(AF_INET), .local_port = listener->port};
    struct lil_trace event = {.kind = LIL_TRACE_QUEUES, .incomplete = listener->incomplete, .complete = listener->complete,
                              .backlog = listener_backlog(listener)};
    tcp_trace(tcp, &event, &flow);
}

/* RFC 9293 3.9.1.2: a connection begins with what was set on the socket that listens (Linux: sk_clone). */
void tcp_listener_inherit(struct tcp_listener *listener, const struct tcb *tcb)
{
    tcb_opts_unref(listener->tcp, listener->opt);
    listener->opt = tcb->opt;
    listener->opt->refs++;
    enum { SERVER = 2, ALL_LISTENERS = 0x400 }; /* tcp_fastopen: the backlog is the queue's limit where TCP_FASTOPEN said none */
    if ((listener->tcp->params.fastopen & (SERVER | ALL_LISTENERS)) == (SERVER | ALL_LISTENERS) && !listener->opt->fastopen_qlen &&
        listener_opts_own(listener))
        listener->opt->fastopen_qlen = (uint16_t)min_u32(listener_backlog(listener), UINT16_MAX);
}

struct tcb_options *tcp_listener_options(struct tcp_listener *listener)
{
    struct tcb_opts *own = listener_opts_own(listener);
    return own ? &own->socket : &listener->tcp->scratch_options;
}

struct tcb_opts *listener_opts_own(struct tcp_listener *listener)
{
    return opts_own(listener->tcp, &listener->opt);
}

/* The most specific listener of the destination of a segment that came in by IFINDEX (0: any); among equals (SO_REUSEPORT) by the
 * flow's hash. */
struct tcp_listener *listener_find(struct tcp *tcp, const struct flow *flow, uint32_t ifindex)
{
    struct tcp_listener *best = NULL;
    int best_score = 0;
    uint64_t best_draw = 0;
    bool v4 = addr_is_v4(&flow->local);
    struct list *page = tcp->listen_pages[flow->local_port / PORT_PAGE];
    if (!page)
        return NULL;
    list_each(node, &page[flow->local_port % PORT_PAGE]) {
        struct tcp_listener *listener = list_entry(node, struct tcp_listener, node);
        uint32_t device = listener->opt->socket.bind_ifindex; /* SO_BINDTODEVICE */
        int score = 0;
        if (device && ifindex && device != ifindex)
            continue;
        if (addr_equal(&listener->local, &flow->local))
            score = 8;
        else if (addr_is_any(&listener->local) && listener->is_v6 == !v4)
            score = 4;
        else if (addr_is_any(&listener->local) && listener->any_family)
            score = 2;
        score += score && device;
        if (score == 0 || score < best_score)
            continue;
        if (score > best_score || !best || !listener->reuseport) {
            if (score == best_score && best)
                continue; /* the older one keeps it */
            best = listener;
            best_score = score;
            best_draw = listener->reuseport
                            ? siphash_4u64(&tcp->flow_key, flow->remote.u64[0], flow->remote.u64[1], flow->remote_port, listener->slot)
                            : 0;
            continue;
        }
        uint64_t draw = siphash_4u64(&tcp->flow_key, flow->remote.u64[0], flow->remote.u64[1], flow->remote_port, listener->slot);
        if (best->reuseport && draw > best_draw) {
            best = listener;
            best_draw = draw;
        }
    }
    return best;
}

/* --- TCP_SAVE_SYN ------------------------------------------------------------------------------------------------------- */

void saved_syn_free(struct tcp *tcp, struct saved_syn **saved)
{
    if (*saved)
        pool_free(tcp->pool, *saved, sizeof **saved + (*saved)->length);
    *saved = NULL;
}

/* The headers still lie in the packet's head, before its payload. Without memory there is none, as in Linux. */
static void save_syn(struct tcp *tcp, struct syn_entry *entry, const struct tcp_in *in, const struct lil_packet *packet)
{
    uint32_t length = in->ip_length ? in->ip_length + in->header.header_length : 0;
    if (length == 0 || length > packet->head_off)
        return;
    entry->saved_syn = pool_alloc(tcp->pool, sizeof *entry->saved_syn + length);
    if (!entry->saved_syn)
        return;
    entry->saved_syn->length = length;
    memcpy(entry->saved_syn->bytes, packet->head + packet->head_off - length, length);
}

/* --- the completed queue -------------------------------------------------------------------------------------------- */

void listener_enqueue(struct tcp_listener *listener, struct tcb *tcb)
{
    struct tcp *tcp = listener->tcp;
    if (__builtin_expect(listener->filter, 0) && filter_holds(listener, tcb))
        return;
    tcb->accept_next = TCP_NONE;
    if (listener->accept_last != TCP_NONE)
        tcp_tcb(tcp, listener->accept_last)->accept_next = tcb->slot;
    else
        listener->accept_first = tcb->slot;
    listener->accept_last = tcb->slot;
    listener->complete++;
    listener_trace(listener);
    if (tcp->hooks.acceptable)
        tcp->hooks.acceptable(tcp->hooks.ctx, listener->user, listener);
}

struct tcb *tcp_accept(struct tcp *tcp, struct tcp_listener *listener)
{
    if (listener->accept_first == TCP_NONE)
        return NULL;
    struct tcb *tcb = tcp_tcb(tcp, listener->accept_first);
    listener->accept_first = tcb->accept_next;
    if (listener->accept_first == TCP_NONE)
        listener->accept_last = TCP_NONE;
    listener->complete--;
    tcb->is_unaccepted = false;
    tcb->user = NULL;
    listener_trace(listener);
    return tcb;
}

struct closing {
    struct tcp *tcp;
    struct tcp_listener *listener;
};

/* Linux's tcp_migrate_req: who listens at the same place (SO_REUSEPORT) takes over what waits. NULL: nobody. */
static struct tcp_listener *heir_of(const struct tcp_listener *listener, const struct flow *flow)
{
    bool migrates = listener->tcp->params.migrate_requests && listener->reuseport;
    struct tcp_listener *heir = migrates ? listener_find(listener->tcp, flow, 0) : NULL;
    bool is_same = heir && heir->reuseport && addr_equal(&heir->local, &listener->local) && heir->any_family == listener->any_family;
    return is_same ? heir : NULL;
}

static void drop_entry(void *ctx, void *object, uint32_t slot)
{
    struct closing *closing = ctx;
    struct syn_entry *entry = object;
    if (entry->listener != closing->listener->slot)
        return;
    struct tcp_listener *heir = heir_of(closing->listener, &entry->flow);
    if (heir)
        synq_migrate(entry, heir);
    else if (closing->tcp->params.syncache)
        entry->listener = TCP_NONE; /* its SYN/ACK goes on being sent */
    else
        synq_remove(closing->tcp, slot);
}

void tcp_listener_close(struct tcp *tcp, struct tcp_listener *listener, uint64_t now_ns)
{
    tcp_set_now(tcp, now_ns);
    tcp_listener_set_filter(listener, TCP_FILTER_NONE);
    list_remove(&listener->node); /* no heir of its own */
    struct closing closing = {tcp, listener};
    if (listener->incomplete)
        slab_each(&tcp->syns, drop_entry, &closing);
    struct tcb *tcb;
    while ((tcb = tcp_accept(tcp, listener)) != NULL) {
        struct tcp_listener *heir = heir_of(listener, &tcb->flow);
        if (!heir) {
            tcp_abort(tcp, tcb, now_ns);
            continue;
        }
        fastopen_child_migrate(tcb, heir);
        tcb->is_unaccepted = true;
        listener_enqueue(heir, tcb);
        TCP_MIB(tcp, MigrateReqSuccess);
    }
    tcp->listeners[listener->slot] = NULL;
    tcp->listener_free = min_u32(tcp->listener_free, listener->slot);
    tcp->listener_count--;
    if (tcp->hooks.trace) {
        struct flow flow = {.local = listener->local, .remote = addr_any(AF_INET), .local_port = listener->port};
        struct lil_trace event = {.kind = LIL_TRACE_STATE, .old_state = "LISTEN", .new_state = "CLOSED"};
        tcp_trace(tcp, &event, &flow);
    }
    tcb_opts_unref(tcp, listener->opt);
    pool_free(tcp->pool, listener, sizeof *listener);
}

/* --- a segment for a listener (3.10.7.2): RST, ACK, SYN, anything else ------------------------------------------------------ */

static enum lil_drop refuse_full(struct tcp_listener *listener, const struct tcp_in *in, enum lil_drop drop)
{
    struct tcp *tcp = listener->tcp;
    TCP_MIB(tcp, ListenDrops);
    if (tcp->params.full_policy == TCP_FULL_RST)
        reset_reply(tcp, in);
    return drop;
}

static enum lil_drop on_syn(struct tcp_listener *listener, const struct tcp_in *in, struct lil_packet **packet)
{
    struct tcp *tcp = listener->tcp;
    const struct tcp_params *params = &tcp->params;
    bool is_queue_full = params->syn_queue_by_backlog && listener->incomplete > listener_backlog(listener);
    /* a TIME-WAIT record's peer is evidently real */
    bool by_cookie = params->syncookies && (params->syncookies == 2 || is_queue_full) && !tcp->tw_isn;
    if (is_queue_full && !params->syncookies && !tcp->tw_isn) {
        TCP_MIB(tcp, ReqQFullDrop);
        return refuse_full(listener, in, LIL_DROP_TCP_SYN_QUEUE);
    }
    /* FreeBSD: the final ACK finds out */
    bool asks_later = params->input_policy == TCP_INPUT_BSD && params->backlog_count == TCP_COUNT_COMPLETE;
    if (by_cookie)
        TCP_MIB(tcp, ReqQFullDoCookies);
    if (!asks_later && listener_is_full(listener)) {
        TCP_MIB(tcp, ListenOverflows);
        return refuse_full(listener, in, LIL_DROP_TCP_BACKLOG);
    }
    if (by_cookie) {
        listener->overflow_ns = tcp->now_ns + 1;
        return cookie_send(listener, in) ? LIL_DROP_NONE : LIL_DROP_TCP_SYN_QUEUE;
    }
    if (params->max_syn_backlog && !params->syncookies && !tcp->tw_isn &&
        listener->incomplete + (params->max_syn_backlog >> 2) > params->max_syn_backlog &&
        !metrics_are_known(tcp, &in->flow.remote)) /* the last quarter is for peers that answered before */
        return refuse_full(listener, in, LIL_DROP_TCP_SYN_QUEUE);
    uint32_t slot = synq_new(tcp, in);
    if (slot == TCP_NONE)
        return refuse_full(listener, in, LIL_DROP_TCP_MEMORY);
    struct syn_entry *entry = tcp_syn(tcp, slot);
    entry->listener = listener->slot;
    synq_fill(tcp, entry, listener, in);
    if (listener->opt->save_syn)
        save_syn(tcp, entry, in, *packet);
    listener->incomplete++;
    listener->young++;
    bool taken = false;
    if ((params->fastopen & 2) && fastopen_on_syn(listener, in, packet, slot, &taken) && taken)
        return LIL_DROP_NONE;
    listener_trace(listener);
    synq_mark_due(tcp, slot);
    return LIL_DROP_NONE;
}

enum lil_drop listen_input(struct tcp_listener *listener, const struct tcp_in *in, struct lil_packet *packet)
{
    struct tcp *tcp = listener->tcp;
    const struct tcphdr_ *header = &in->header;
    enum lil_drop drop = LIL_DROP_NONE;
    if ((header->flags & TCP_RST) || ((header->flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK) && tcp->params.listen_ignores_synack)) {
        /* first: an RST is ignored */
        drop = LIL_DROP_TCP_BAD_FLAGS;
    } else if (header->flags & TCP_ACK) { /* second: any ACK here is bad, unless it carries a cookie */
        struct tcb *tcb = (header->flags & TCP_SYN) ? NULL : cookie_accept(listener, in, &packet, &drop);
        if (!tcb && drop == LIL_DROP_NONE) {
            if (tcp->params.blackhole < 3)
                reset_reply(tcp, in);
            drop = LIL_DROP_TCP_BAD_ACK;
        }
    } else if ((header->flags & (TCP_SYN | TCP_FIN)) == TCP_SYN ||
               ((header->flags & TCP_SYN) && tcp->params.input_policy == TCP_INPUT_BSD && !tcp->params.drop_synfin)) { /* third: a SYN */
        if (addr_is_multicast(&in->flow.local) || addr_is_multicast(&in->flow.remote) ||
            (addr_equal(&in->flow.local, &in->flow.remote) && in->flow.local_port == in->flow.remote_port))
            drop = LIL_DROP_TCP_MARTIAN; /* RFC 9293 3.9.2.3 (MUST-57, MUST-63); LAND */
        else
            drop = on_syn(listener, in, &packet);
    } else {
        drop = LIL_DROP_TCP_BAD_FLAGS;
    }
    packet_free(packet);
    return drop;
}
