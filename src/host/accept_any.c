/* accept_any.c: interfaces that accept any address and port: a SYN is held until the embedder accepts or refuses it (tun2socks, VPNs,
 * slirp). The entry itself is TCP's; here are its quote for an ICMP answer and the limit. */
#include "host/host_inner.h"

bool host_stray_syn(void *ctx, const struct flow *flow, int ifindex, uint64_t id)
{
    struct lil_host *host = ctx;
    struct interface *interface = host_interface(host, ifindex);
    if (!interface || !interface->on_syn || !host->input_ip || host->held_count >= HOST_SYN_LIMIT)
        return false;
    struct held_syn *held = pool_alloc(host->pool, sizeof *held);
    if (!held)
        return false;
    held->id = id;
    held->flow = *flow;
    held->ifindex = ifindex;
    held->ip = *host->input_ip;
    /* input_header points at the TCP header, with the IP header before it in the same area */
    size_t length = min_u32(held->ip.header_length + 8u, sizeof held->quote);
    memcpy(held->quote, host->input_header - held->ip.header_length, length);
    held->quote_length = (uint8_t)length;
    list_push_back(&host->held_syns, &held->node);
    host->held_count++;
    struct lil_syn syn = {.id = id, .family = addr_is_v4(&flow->local) ? AF_INET : AF_INET6,
                          .local_port = flow->local_port, .remote_port = flow->remote_port};
    memcpy(syn.local, flow->local.b, 16);
    memcpy(syn.remote, flow->remote.b, 16);
    interface->on_syn(interface->syn_ctx, &syn);
    return true;
}

static void forget(struct lil_host *host, struct held_syn *held)
{
    list_remove(&held->node);
    host->held_count--;
    pool_free(host->pool, held, sizeof *held);
}

void host_held_fini(struct lil_host *host)
{
    while (!list_is_empty(&host->held_syns))
        forget(host, list_entry(host->held_syns.next, struct held_syn, node));
}

static struct held_syn *find(struct lil_host *host, uint64_t id)
{
    list_each(it, &host->held_syns) {
        struct held_syn *held = list_entry(it, struct held_syn, node);
        if (held->id == id)
            return held;
    }
    return NULL;
}

int lil_listen_any(struct lil_host *host, int ifindex, lil_syn_fn *on_syn, void *ctx)
{
    struct interface *interface = host_interface(host, ifindex);
    if (!interface)
        return -ENODEV;
    if (!interface->accept_any)
        return -EINVAL;
    interface->on_syn = on_syn;
    interface->syn_ctx = ctx;
    return 0;
}

int lil_syn_accept(struct lil_host *host, struct lil_proc *proc, uint64_t id)
{
    struct held_syn *held = find(host, id);
    struct tcb *tcb = NULL;
    if (!held)
        return -ENOENT;
    if (!host->sockets.syn_accept)
        return -ENOSYS;
    forget(host, held);
    tcp_hold_answer(host->tcp, id, true, &tcb, host->now_ns);
    host_mark_due(host);
    if (!tcb)
        return -ECONNABORTED; /* the peer gave up meanwhile */
    return host->sockets.syn_accept(host->sockets.ctx, proc, tcb);
}

static void answer_icmp(struct lil_host *host, const struct held_syn *held, int error)
{
    struct icmp_error icmp = error == ENETUNREACH ? host_unreachable(held->ip.version, 0, 0)
                             : error == EACCES    ? host_unreachable(held->ip.version, 13, 1)
                                                  : host_unreachable(held->ip.version, 1, 3);
    struct lil_packet *packet = packet_copy(host->pool, held->quote, held->quote_length);
    if (!packet)
        return;
    packet->ifindex = (uint16_t)held->ifindex;
    struct ip ip = held->ip;
    ip.payload_length = packet->length - ip.header_length;
    host_icmp_error(host, &icmp, &ip, packet);
    packet_free(packet);
}

int lil_syn_refuse(struct lil_host *host, uint64_t id, int error)
{
    struct held_syn *held = find(host, id);
    if (!held)
        return -ENOENT;
    if (error != ECONNREFUSED && error != EHOSTUNREACH && error != ENETUNREACH && error != EACCES && error != 0)
        return -EINVAL;
    tcp_hold_answer(host->tcp, id, false, NULL, host->now_ns);
    if (error != ECONNREFUSED) { /* TCP's answer to a refusal is an RST: not this time */
        host->suppress = held->flow;
        host->suppressing = true;
    }
    if (error && error != ECONNREFUSED)
        answer_icmp(host, held, error);
    forget(host, held);
    host_mark_due(host);
    return 0;
}
