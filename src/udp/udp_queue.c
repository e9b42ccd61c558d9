/* udp_queue.c: what waits at a datagram endpoint: received datagrams, errors (IP_RECVERR), and the one output queue that host/
 * drains. Limits are in bytes and charge each datagram's block, so that many small ones cannot hold much memory. */
#include "base/truesize.h"
#include "udp/udp_inner.h"

struct udp_node *udp_node_new(struct udp *udp)
{
    struct udp_node *node = udp->free;
    if (node) {
        udp->free = node->next;
        udp->free_count--;
    } else {
        node = pool_alloc(udp->pool, sizeof *node);
    }
    return node;
}

static void udp_node_free(struct udp *udp, struct udp_node *node)
{
    if (udp->free_count >= 64) {
        pool_free(udp->pool, node, sizeof *node);
        return;
    }
    node->next = udp->free;
    udp->free = node;
    udp->free_count++;
}

uint32_t udp_charge(const struct udp *udp, const struct lil_packet *packet, unsigned version)
{
    uint32_t block = packet ? packet_charge(packet) : 0, room;
    if (!udp->params.truesize)
        return UDP_NODE_CHARGE + block;
    /* a block of which little is used is not free either */
    return max_u32(truesize_of((packet ? packet->length : 0) + UDP_LENGTH + (version == 6 ? IPV6_LENGTH : IPV4_LENGTH), &room), block / 4);
}

void udp_queue_push(struct udp_queue *queue, struct udp_node *node, uint32_t charge)
{
    node->next = NULL;
    node->charge = charge;
    if (queue->last)
        queue->last->next = node;
    else
        queue->first = node;
    queue->last = node;
    queue->count++;
    queue->bytes += charge;
}

static struct udp_node *udp_queue_pop(struct udp_queue *queue)
{
    struct udp_node *node = queue->first;
    if (!node)
        return NULL;
    queue->first = node->next;
    if (!queue->first)
        queue->last = NULL;
    queue->count--;
    queue->bytes -= node->charge;
    return node;
}

void udp_queue_clear(struct udp *udp, struct udp_queue *queue)
{
    struct udp_node *node;
    while ((node = udp_queue_pop(queue))) {
        packet_free(node->packet);
        udp_node_free(udp, node);
    }
}

int udp_send_take(struct udp *udp, struct udp_pcb *pcb, struct udp_sent *sent)
{
    uint32_t bytes = UDP_NODE_CHARGE + sent->packet->length;
    /* as sockets do (sock_alloc_send_skb): a datagram is admitted while there is room at all */
    int error = udp_is_writable(pcb) ? 0 : -EAGAIN;
    struct udp_node *node = error ? NULL : udp_node_new(udp);
    if (!node) {
        udp->counters[!addr_is_v4(&sent->flow.remote)].sndbuf_errors++;
        packet_free(sent->packet);
        sent->packet = NULL;
        ip_extra_unref(udp->pool, sent->extra);
        return error ? error : -ENOBUFS;
    }
    node->sent = *sent;
    node->packet = NULL;
    node->pcb = pcb;
    pcb->out_bytes += bytes;
    udp_queue_push(&udp->out, node, 0);
    udp->counters[!addr_is_v4(&sent->flow.remote)].out_datagrams += pcb->kind == UDP_KIND_UDP;
    if (udp->hooks.due)
        udp->hooks.due(udp->hooks.ctx);
    return 0;
}

bool udp_output_next(struct udp *udp, struct udp_sent *sent)
{
    struct udp_node *node = udp_queue_pop(&udp->out);
    if (!node)
        return false;
    *sent = node->sent;
    struct udp_pcb *pcb = node->pcb;
    if (pcb) {
        bool was_full = !udp_is_writable(pcb);
        pcb->out_bytes -= min_u32(pcb->out_bytes, UDP_NODE_CHARGE + sent->packet->length);
        if (was_full && udp_is_writable(pcb))
            udp_tell(udp, pcb, POLLOUT);
    }
    udp_node_free(udp, node);
    return true;
}

bool udp_is_due(const struct udp *udp)
{
    return udp->out.first != NULL;
}

struct lil_packet *udp_receive(struct udp *udp, struct udp_pcb *pcb, bool peek, struct udp_info *info)
{
    struct udp_node *node = pcb->in.first;
    if (!node)
        return NULL;
    if (info)
        *info = node->info;
    if (peek)
        return node->packet;
    udp_queue_pop(&pcb->in);
    struct lil_packet *packet = node->packet;
    udp->counters[node->info.version == 6].in_datagrams += pcb->kind == UDP_KIND_UDP; /* RFC 4113: delivered to its user */
    udp_node_free(udp, node);
    return packet;
}

const struct lil_packet *udp_peek_at(struct udp_pcb *pcb, size_t *offset, struct udp_info *info)
{
    struct udp_node *node = pcb->in.first;
    while (node && *offset >= node->packet->length && (*offset || node->peeked)) {
        *offset -= node->packet->length;
        node = node->next;
    }
    if (!node)
        return NULL;
    node->peeked |= !node->packet->length;
    *info = node->info;
    return node->packet;
}

size_t udp_readable(const struct udp_pcb *pcb)
{
    return pcb->in.first ? pcb->in.first->packet->length : 0;
}

bool udp_has_datagram(const struct udp_pcb *pcb)
{
    return pcb->in.first != NULL;
}

void udp_set_rcvbuf(struct udp_pcb *pcb, uint32_t bytes)
{
    pcb->rcvbuf = bytes;
}

void udp_set_sndbuf(struct udp_pcb *pcb, uint32_t bytes)
{
    pcb->sndbuf = bytes;
}

uint32_t udp_get_sndbuf(const struct udp_pcb *pcb)
{
    return pcb->sndbuf;
}

bool udp_is_writable(const struct udp_pcb *pcb)
{
    return pcb->out_bytes == 0 || pcb->out_bytes < pcb->sndbuf;
}

uint32_t udp_unsent(const struct udp_pcb *pcb)
{
    return pcb->out_bytes;
}

static bool is_concerned(const struct udp_pcb *pcb, const struct udp_icmp *icmp)
{
    const struct flow *flow = &icmp->flow;
    if (pcb->kind != icmp->kind)
        return false;
    if (pcb->kind == UDP_KIND_RAW ? pcb->protocol != icmp->protocol
        : pcb->flow.local_port != (pcb->kind == UDP_KIND_PING ? icmp->ping_id : flow->local_port))
        return false;
    if (!addr_is_any(&pcb->flow.local) && !addr_equal(&pcb->flow.local, &flow->local))
        return false;
    if (!pcb->connected)
        return true;
    return addr_equal(&pcb->flow.remote, &flow->remote) && (pcb->kind != UDP_KIND_UDP || pcb->flow.remote_port == flow->remote_port);
}

void udp_set_pmtudisc(struct udp_pcb *pcb, bool is_v6, int policy)
{
    pcb->keeps_mtu[is_v6] = policy == IP_PMTUDISC_DONT;
    pcb->learns_no_mtu[is_v6] = policy >= IP_PMTUDISC_INTERFACE;
}

bool udp_learns_mtu(const struct udp *udp, const struct flow *flow)
{
    for (const struct list *head = &udp->buckets[flow->local_port % UDP_BUCKETS], *it = head->next; it != head; it = it->next) {
        const struct udp_pcb *pcb = list_entry(it, const struct udp_pcb, node);
        if (is_concerned(pcb, &(struct udp_icmp){.flow = *flow, .kind = UDP_KIND_UDP}) && pcb->learns_no_mtu[!addr_is_v4(&flow->remote)])
            return false;
    }
    return true;
}

void udp_want_way(struct udp_pcb *pcb, bool on)
{
    pcb->wants_way = on;
}

void udp_set_recverr(struct udp_pcb *pcb, int version, bool on)
{
    uint8_t bit = version == 4 ? RECVERR_4 : RECVERR_6;
    pcb->recverr = (uint8_t)(on ? pcb->recverr | bit : pcb->recverr & ~bit);
    if (!on)
        udp_queue_clear(pcb->udp, &pcb->errors);
}

/* Does this error reach a connected socket that did not ask for errors? (RFC 1122 4.1.3.3 leaves which to the stack.) */
static bool is_hard(const struct udp *udp, const struct udp_icmp *icmp)
{
    if (icmp->type == (icmp->version == 4 ? ICMP4_UNREACHABLE : ICMP6_UNREACHABLE))
        return (icmp->version == 4 ? icmp->code < 16 && udp->params.icmp4_hard >> icmp->code & 1
                                   : udp->params.icmp6_hard >> min_u32(icmp->code, 15) & 1);
    if (icmp->version == 6 && icmp->type == ICMP6_TOO_BIG) /* as ICMP's code 4 */
        return udp->params.icmp4_hard >> 4 & 1;
    if (icmp->type == (icmp->version == 4 ? ICMP4_TIME_EXCEEDED : ICMP6_TIME_EXCEEDED_))
        return udp->params.icmp_time_exceeded;
    return icmp->type == (icmp->version == 4 ? ICMP4_PARAMETER : ICMP6_PARAMETER);
}

/* What the socket itself finds out (version 0) is told by either option of the peer's version. */
static bool wants_errors(const struct udp_pcb *pcb, const struct udp_icmp *icmp)
{
    unsigned version = icmp->version ? icmp->version : addr_is_v4(&icmp->flow.remote) ? 4 : 6;
    return pcb->recverr & (version == 4 ? RECVERR_4 : RECVERR_6);
}

static bool queue_error(struct udp *udp, struct udp_pcb *pcb, const struct udp_icmp *icmp, const struct lil_packet *quoted)
{
    uint32_t room, whole = 2 * (IPV4_LENGTH + UDP_LENGTH) + (quoted ? quoted->length : 0); /* the message, with what it quotes */
    uint32_t charge = udp->params.truesize ? truesize_of(whole, &room) : 0;
    bool fits = pcb->errors.count < 64 && (!charge || pcb->in.bytes + pcb->errors.bytes + charge < pcb->rcvbuf); /* sock_queue_err_skb() */
    struct udp_node *node = fits && wants_errors(pcb, icmp) ? udp_node_new(udp) : NULL;
    if (!node)
        return false;
    node->packet = quoted ? packet_clone(quoted) : NULL;
    node->icmp = *icmp;
    node->pcb = pcb;
    udp_queue_push(&pcb->errors, node, charge);
    return true;
}

void udp_local_error(struct udp *udp, struct udp_pcb *pcb, const struct flow *to, int error, uint32_t info)
{
    if (queue_error(udp, pcb, &(struct udp_icmp){.flow = *to, .error = error, .info = info}, NULL))
        udp_tell(udp, pcb, POLLERR);
}

static void notify(struct udp *udp, struct udp_pcb *pcb, const struct udp_icmp *icmp, const struct lil_packet *quoted)
{
    bool too_big = icmp->error == EMSGSIZE && pcb->keeps_mtu[!addr_is_v4(&icmp->flow.remote)];
    if (too_big && icmp->version == 4)
        return;
    bool told = queue_error(udp, pcb, icmp, quoted);
    if ((wants_errors(pcb, icmp) || (pcb->connected && udp->params.connect_icmp_errors && !too_big && is_hard(udp, icmp))) && icmp->error) {
        pcb->error = icmp->error;
        told = true;
    }
    if (told)
        udp_tell(udp, pcb, POLLERR);
}

void udp_on_icmp(struct udp *udp, const struct udp_icmp *icmp, const struct lil_packet *quoted_payload)
{
    if (icmp->kind == UDP_KIND_RAW) {
        list_each(it, &udp->raw) {
            struct udp_pcb *pcb = list_entry(it, struct udp_pcb, node);
            if (is_concerned(pcb, icmp))
                notify(udp, pcb, icmp, quoted_payload);
        }
        return;
    }
    uint16_t port = icmp->kind == UDP_KIND_PING ? icmp->ping_id : icmp->flow.local_port;
    list_each(it, &udp->buckets[port % UDP_BUCKETS]) {
        struct udp_pcb *pcb = list_entry(it, struct udp_pcb, node);
        if (is_concerned(pcb, icmp))
            notify(udp, pcb, icmp, quoted_payload);
    }
}

bool udp_has_error(const struct udp_pcb *pcb)
{
    return pcb->errors.first != NULL;
}

struct lil_packet *udp_receive_error(struct udp *udp, struct udp_pcb *pcb, struct udp_icmp *icmp)
{
    struct udp_node *node = udp_queue_pop(&pcb->errors);
    if (!node)
        return NULL;
    if (icmp)
        *icmp = node->icmp;
    struct lil_packet *packet = node->packet ? node->packet : packet_new(udp->pool);
    /* Linux (sock_dequeue_err_skb): what is to be told next is pending again */
    const struct udp_node *next = pcb->errors.first;
    if (next && next->icmp.version)
        pcb->error = next->icmp.error;
    else if (node->icmp.version)
        pcb->error = 0;
    udp_node_free(udp, node);
    return packet;
}

void udp_each_counter(const struct udp *udp, void (*visit)(void *ctx, const char *name, uint64_t value), void *ctx)
{
    static const struct { const char *name[2]; size_t at; } counters[] = {
#define COUNTER(name, field) {{"Udp" name, "Udp6" name}, offsetof(struct udp_counters, field)}
        COUNTER("InDatagrams", in_datagrams), COUNTER("NoPorts", no_ports), COUNTER("InErrors", in_errors),
        COUNTER("OutDatagrams", out_datagrams), COUNTER("RcvbufErrors", rcvbuf_errors), COUNTER("SndbufErrors", sndbuf_errors),
        COUNTER("MemErrors", mem_errors), COUNTER("InCsumErrors", csum_errors)
#undef COUNTER
    };
    for (int v6 = 0; v6 < 2; v6++)
        for (unsigned i = 0; i < ARRAY_COUNT(counters); i++)
            visit(ctx, counters[i].name[v6], *(const uint64_t *)((const char *)&udp->counters[v6] + counters[i].at));
}
