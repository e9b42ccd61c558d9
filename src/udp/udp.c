/* udp.c: endpoints of UDP, ICMP echo and raw sockets: their tables and demultiplexing (RFC 768, RFC 1122 4.1). Queues are in
 * udp_queue.c. Read udp.h first. */
#include "udp/udp_inner.h"

struct udp *udp_new(const struct udp_params *params, struct pool *pool, const struct udp_hooks *hooks)
{
    struct udp *udp = pool_alloc(pool, sizeof *udp);
    if (!udp)
        return NULL;
    udp->params = *params;
    udp->pool = pool;
    udp->hooks = *hooks;
    for (int i = 0; i < UDP_BUCKETS; i++)
        list_init(&udp->buckets[i]);
    list_init(&udp->raw);
    list_init(&udp->unbound);
    return udp;
}

void udp_free(struct udp *udp)
{
    if (!udp)
        return;
    for (int i = 0; i < UDP_BUCKETS; i++)
        list_each(it, &udp->buckets[i])
            udp_close(udp, list_entry(it, struct udp_pcb, node));
    list_each(it, &udp->raw)
        udp_close(udp, list_entry(it, struct udp_pcb, node));
    list_each(it, &udp->unbound)
        udp_close(udp, list_entry(it, struct udp_pcb, node));
    for (struct udp_node *node = udp->out.first; node; node = node->next) { /* never sent */
        packet_free(node->sent.packet);
        ip_extra_unref(udp->pool, node->sent.extra);
    }
    udp_queue_clear(udp, &udp->out);
    while (udp->free) {
        struct udp_node *next = udp->free->next;
        pool_free(udp->pool, udp->free, sizeof *udp->free);
        udp->free = next;
    }
    pool_free(udp->pool, udp, sizeof *udp);
}

struct udp_params *udp_get_params(struct udp *udp)
{
    return &udp->params;
}

struct udp_pcb *udp_open(struct udp *udp, enum udp_kind kind, int family, uint8_t protocol, void *user)
{
    struct udp_pcb *pcb = pool_alloc(udp->pool, sizeof *pcb);
    if (!pcb)
        return NULL;
    pcb->udp = udp;
    pcb->kind = (uint8_t)kind;
    pcb->family = (uint16_t)family;
    pcb->protocol = protocol;
    pcb->user = user;
    pcb->flow.local = pcb->flow.remote = addr_any(family);
    pcb->rcvbuf = udp->params.rcvbuf;
    pcb->sndbuf = udp->params.sndbuf;
    list_push_front(kind == UDP_KIND_RAW ? &udp->raw : &udp->unbound, &pcb->node);
    udp->raw_count += kind == UDP_KIND_RAW;
    udp->ping_count += kind == UDP_KIND_PING;
    udp->count++;
    return pcb;
}

void udp_close(struct udp *udp, struct udp_pcb *pcb)
{
    list_remove(&pcb->node);
    udp->raw_count -= pcb->kind == UDP_KIND_RAW;
    udp->ping_count -= pcb->kind == UDP_KIND_PING;
    udp->group_count -= pcb->group_count;
    udp->count--;
    udp_queue_clear(udp, &pcb->in);
    udp_queue_clear(udp, &pcb->errors);
    if (pcb->out_bytes) /* what was sent before close() still goes out */
        for (struct udp_node *n = udp->out.first; n; n = n->next)
            if (n->pcb == pcb)
                n->pcb = NULL;
    pool_free(udp->pool, pcb->groups, UDP_GROUPS * sizeof *pcb->groups);
    pool_free(udp->pool, pcb, sizeof *pcb);
}

static struct list *bucket_of(struct udp *udp, uint16_t port)
{
    return &udp->buckets[port % UDP_BUCKETS];
}

void udp_bind(struct udp *udp, struct udp_pcb *pcb, const struct addr *local, uint16_t port, bool any_family, uint32_t ifindex)
{
    pcb->flow.local = *local;
    pcb->flow.local_port = port;
    pcb->any_family = any_family;
    pcb->ifindex = ifindex;
    pcb->bound = true;
    if (pcb->kind == UDP_KIND_RAW)
        return;
    list_remove(&pcb->node);
    list_push_front(port ? bucket_of(udp, port) : &udp->unbound, &pcb->node);
}

void udp_connect(struct udp *udp, struct udp_pcb *pcb, const struct flow *flow)
{
    (void)udp;
    if (!flow) {
        pcb->connected = false;
        pcb->flow.remote = addr_any(pcb->family);
        pcb->flow.remote_port = 0;
        pcb->flow.scope = 0;
        return;
    }
    pcb->connected = true;
    uint16_t port = pcb->flow.local_port;
    pcb->flow = *flow;
    if (pcb->kind != UDP_KIND_RAW && flow->local_port != port) {
        list_remove(&pcb->node);
        list_push_front(flow->local_port ? bucket_of(udp, flow->local_port) : &udp->unbound, &pcb->node);
    }
}

const struct flow *udp_get_flow(const struct udp_pcb *pcb)
{
    return &pcb->flow;
}

bool udp_is_connected(const struct udp_pcb *pcb)
{
    return pcb->connected;
}

int udp_error(struct udp_pcb *pcb, bool clear)
{
    int error = pcb->error;
    if (clear)
        pcb->error = 0;
    return error;
}

void udp_tell(struct udp *udp, struct udp_pcb *pcb, unsigned events)
{
    if (udp->hooks.event)
        udp->hooks.event(udp->hooks.ctx, pcb->user, pcb, events);
}

static bool family_fits(const struct udp_pcb *pcb, bool is_v4)
{
    if (pcb->family == AF_INET)
        return is_v4;
    return !is_v4 || pcb->any_family || addr_is_v4(&pcb->flow.local);
}

/* RFC 1122 4.1.3.5 and in_pcblookup: 0 no match; more specific is more. */
static unsigned score(const struct udp_pcb *pcb, const struct udp_info *info, bool is_v4)
{
    const struct flow *flow = &info->flow;
    unsigned points = 1;
    if (pcb->flow.local_port != flow->local_port || !family_fits(pcb, is_v4))
        return 0;
    if (!addr_is_any(&pcb->flow.local)) {
        if (!addr_equal(&pcb->flow.local, &flow->local))
            return 0;
        points += 2;
    }
    if (pcb->connected && !addr_is_any(&pcb->flow.remote)) {
        if (!addr_equal(&pcb->flow.remote, &flow->remote) ||
            (pcb->kind == UDP_KIND_UDP && pcb->flow.remote_port != flow->remote_port))
            return 0;
        points += 8;
    }
    if (pcb->ifindex) {
        if (pcb->ifindex != info->ifindex)
            return 0;
        points += 4;
    }
    return points;
}

static bool has_joined(const struct udp_pcb *pcb, const struct addr *group, uint32_t ifindex)
{
    for (unsigned i = 0; i < pcb->group_count; i++)
        if (addr_equal(&pcb->groups[i].addr, group) && (!pcb->groups[i].ifindex || !ifindex || pcb->groups[i].ifindex == ifindex))
            return true;
    return false;
}

static enum lil_drop deliver(struct udp *udp, struct udp_pcb *pcb, const struct udp_info *info, struct lil_packet *packet)
{
    uint32_t charge = udp_charge(udp, packet, info->version);
    uint32_t used = pcb->in.bytes + pcb->errors.bytes;
    bool fits = udp->params.truesize ? !used || used + charge <= pcb->rcvbuf : used < pcb->rcvbuf;
    struct udp_node *node = fits ? udp_node_new(udp) : NULL;
    if (!node) {
        pcb->drops++;
        udp->counters[info->version == 6].rcvbuf_errors++;
        udp->counters[info->version == 6].in_errors++;
        packet_free(packet);
        return pcb->kind == UDP_KIND_UDP ? LIL_DROP_UDP_BUFFER : LIL_DROP_RAW_BUFFER;
    }
    node->packet = packet;
    node->info = *info;
    node->info.drops = pcb->drops;
    node->info.has_way = pcb->wants_way;
    node->pcb = pcb;
    node->peeked = false;
    udp_queue_push(&pcb->in, node, charge);
    udp_tell(udp, pcb, POLLIN);
    return LIL_DROP_NONE;
}

static void deliver_copy(struct udp *udp, struct udp_pcb *pcb, const struct udp_info *info, const struct lil_packet *packet)
{
    struct lil_packet *copy = packet_clone(packet);
    if (copy)
        deliver(udp, pcb, info, copy);
    else
        udp->counters[info->version == 6].mem_errors++;
}

/* Multicast and broadcast: each matching endpoint gets a copy (RFC 1122 4.1.3.6). */
static enum lil_drop deliver_all(struct udp *udp, const struct udp_info *info, struct lil_packet *packet, bool is_v4)
{
    bool found = false;
    list_each(it, bucket_of(udp, info->flow.local_port)) {
        struct udp_pcb *pcb = list_entry(it, struct udp_pcb, node);
        if (pcb->kind != UDP_KIND_UDP || !score(pcb, info, is_v4))
            continue;
        if (info->multicast && !has_joined(pcb, &info->flow.local, info->ifindex) && !addr_equal(&pcb->flow.local, &info->flow.local))
            continue;
        deliver_copy(udp, pcb, info, packet);
        found = true;
    }
    packet_free(packet);
    return found ? LIL_DROP_NONE : LIL_DROP_UDP_CONNECTED;
}

enum lil_drop udp_input(struct udp *udp, const struct udp_info *info, struct lil_packet *packet)
{
    bool is_v4 = addr_is_v4(&info->flow.local) || addr_is_v4(&info->flow.remote);
    uint8_t kind = info->protocol == IPPROTO_UDP ? UDP_KIND_UDP : UDP_KIND_PING;
    if (kind == UDP_KIND_UDP && (info->multicast || info->broadcast))
        return deliver_all(udp, info, packet, is_v4);
    struct udp_pcb *best = NULL;
    unsigned most = 0;
    list_each(it, bucket_of(udp, info->flow.local_port)) {
        struct udp_pcb *pcb = list_entry(it, struct udp_pcb, node);
        unsigned points = pcb->kind == kind ? score(pcb, info, is_v4) : 0;
        if (points > most) {
            most = points;
            best = pcb;
        }
    }
    if (!best) {
        if (kind == UDP_KIND_UDP)
            udp->counters[!is_v4].no_ports++;
        return LIL_DROP_UDP_NO_PORT;
    }
    return deliver(udp, best, info, packet);
}

void udp_count_bad_csum(struct udp *udp, int version)
{
    udp->counters[version == 6].csum_errors++;
    udp->counters[version == 6].in_errors++;
}

bool udp_has_raw(const struct udp *udp, uint8_t protocol)
{
    if (!udp->raw_count)
        return false;
    for (const struct list *it = udp->raw.next; it != &udp->raw; it = it->next)
        if (list_entry(it, const struct udp_pcb, node)->protocol == protocol)
            return true;
    return false;
}

void udp_input_raw(struct udp *udp, const struct udp_info *info, const struct lil_packet *packet)
{
    bool is_v4 = info->version == 4;
    list_each(it, &udp->raw) {
        struct udp_pcb *pcb = list_entry(it, struct udp_pcb, node);
        if (pcb->protocol != info->protocol || (pcb->family == AF_INET) != is_v4)
            continue;
        if (pcb->bound && !addr_is_any(&pcb->flow.local) && !addr_equal(&pcb->flow.local, &info->flow.local))
            continue;
        if (pcb->connected && !addr_equal(&pcb->flow.remote, &info->flow.remote))
            continue;
        if (pcb->ifindex && pcb->ifindex != info->ifindex)
            continue;
        deliver_copy(udp, pcb, info, packet);
    }
}

int udp_join(struct udp_pcb *pcb, const struct addr *group, uint32_t ifindex, bool join)
{
    for (unsigned i = 0; i < pcb->group_count; i++) {
        if (!addr_equal(&pcb->groups[i].addr, group) || pcb->groups[i].ifindex != ifindex)
            continue;
        if (join)
            return -EADDRINUSE;
        pcb->groups[i] = pcb->groups[--pcb->group_count];
        pcb->udp->group_count--;
        return 0;
    }
    if (!join)
        return -EADDRNOTAVAIL;
    if (pcb->group_count < UDP_GROUPS && !pcb->groups)
        pcb->groups = pool_alloc(pcb->udp->pool, UDP_GROUPS * sizeof *pcb->groups);
    if (pcb->group_count >= UDP_GROUPS || !pcb->groups)
        return -ENOBUFS;
    pcb->groups[pcb->group_count++] = (struct udp_group){*group, ifindex};
    pcb->udp->group_count++;
    return 0;
}

bool udp_has_group(const struct udp *udp, const struct addr *group, uint32_t ifindex)
{
    if (!udp->group_count)
        return false;
    const struct list *heads[UDP_BUCKETS + 1];
    for (int i = 0; i < UDP_BUCKETS; i++)
        heads[i] = &udp->buckets[i];
    heads[UDP_BUCKETS] = &udp->unbound;
    for (int i = 0; i <= UDP_BUCKETS; i++)
        for (const struct list *it = heads[i]->next; it != heads[i]; it = it->next)
            if (has_joined(list_entry(it, const struct udp_pcb, node), group, ifindex))
                return true;
    return false;
}

