/* host_neighbor.c: ARP (RFC 826, RFC 1122 2.3.2, RFC 5227) and neighbour discovery (RFC 4861 7.2) on the wire, around the caches of
 * link/neighbor.c; and what a silent neighbour means to those who wanted to reach it. */
#include "host/host_inner.h"

static const struct mac mac_broadcast = {{255, 255, 255, 255, 255, 255}};

static void ether_push(struct interface *interface, const struct mac *dest, uint16_t type, struct lil_packet *packet)
{
    struct eth eth = {.dest = *dest, .source = interface->mac, .type = type};
    eth_emit(&eth, packet_push(packet, ETH_LENGTH));
    interface_send(interface, packet);
}

static void arp_send(struct lil_host *host, struct interface *interface, const struct arp *arp, const struct mac *dest)
{
    struct lil_packet *packet = packet_new(host->pool);
    if (!packet)
        return;
    host->counters[0][CNT_ARP_OUT]++;
    arp_emit(arp, packet_push(packet, ARP_LENGTH));
    ether_push(interface, dest, ETHERTYPE_ARPP, packet);
}

void host_announce(struct lil_host *host, struct interface *interface, const struct addr *addr)
{
    if (interface->kind != LIL_ETHERNET || !addr_is_v4(addr))
        return;
    struct arp arp = {.operation = ARP_REQUEST, .sender_mac = interface->mac, .sender = *addr, .target = *addr};
    arp_send(host, interface, &arp, &mac_broadcast);
}

static void arp_solicit(void *ctx, const struct neighbor *neighbor, bool unicast)
{
    struct lil_host *host = ctx;
    struct interface *interface = host_interface(host, neighbor->ifindex);
    struct arp arp = {.operation = ARP_REQUEST, .sender_mac = interface->mac, .target = neighbor->addr, .sender = addr_any(AF_INET)};
    interface_source(interface, &neighbor->addr, &arp.sender);
    if (unicast)
        arp.target_mac = neighbor->mac;
    arp_send(host, interface, &arp, unicast ? &neighbor->mac : &mac_broadcast);
}

/* --- what the caches tell ------------------------------------------------------------------------------------------------ */

static void arp_resolved(void *ctx, const struct neighbor *neighbor, struct lil_packet *packet)
{
    ether_push(host_interface(ctx, neighbor->ifindex), &neighbor->mac, ETHERTYPE_V4, packet);
}

static void nd_resolved(void *ctx, const struct neighbor *neighbor, struct lil_packet *packet)
{
    ether_push(host_interface(ctx, neighbor->ifindex), &neighbor->mac, ETHERTYPE_V6, packet);
}

/* The cache is at work: its packets are seen to later, by host_neighbor_failures. */
static void neighbor_failed(void *ctx, const struct neighbor *neighbor, struct lil_packet *packet, int error, enum lil_drop reason)
{
    struct lil_host *host = ctx;
    struct interface *interface = host_interface(host, neighbor->ifindex);
    if (interface->autoconf && neighbor->is_gateway && reason == LIL_DROP_NEIGHBOR_FAILED)
        host_router_failed(host, interface, &neighbor->addr);
    if (!error) {
        host_drop(host, neighbor->ifindex, reason, packet);
        return;
    }
    packet->mark = (uint32_t)neighbor->ifindex;
    packet_queue_push(&host->failed, packet);
    host_mark_due(host);
}

static void neighbor_removed(void *ctx)
{
    host_changed(ctx);
}

static void neighbor_told(void *ctx, const struct neighbor *neighbor, bool is_gone)
{
    host_tell(ctx, HOST_NEIGHBOR, neighbor, neighbor->ifindex, is_gone);
}

void host_neighbor_failures(struct lil_host *host)
{
    struct lil_packet *packet;
    while ((packet = packet_queue_pop(&host->failed))) {
        struct ip ip;
        int ifindex = (int)packet->mark;
        if (ip_parse(&ip, packet->head + packet->head_off, packet->head_len) > 0) {
            /* RFC 1122 2.3.2.2, RFC 4861 7.2.2: address unreachable, to the sender wherever it is */
            struct icmp_error error = host_unreachable(ip.version, 1, 3);
            if (packet->flags & PACKET_FORWARDED)
                host_icmp_error(host, &error, &ip, packet);
            else
                host_icmp_self(host, &error, &ip, packet);
        }
        host_drop(host, ifindex, LIL_DROP_NEIGHBOR_FAILED, packet);
    }
}

/* --- ARP ------------------------------------------------------------------------------------------------------------------- */

void host_arp_input(struct lil_host *host, struct interface *interface, struct lil_packet *packet)
{
    struct arp arp;
    const uint8_t *bytes = packet_pull(packet, ARP_LENGTH);
    host->counters[0][CNT_ARP_IN]++;
    if (!bytes || arp_parse(&arp, bytes, ARP_LENGTH) < 0 || (arp.operation != ARP_REQUEST && arp.operation != ARP_REPLY) ||
        arp.sender_mac.b[0] & 1 || addr_is_multicast(&arp.sender) || addr_is_limited_broadcast(&arp.sender) ||
        addr_is_loopback(&arp.sender)) {
        host_drop_input(host, interface, LIL_DROP_ARP_MALFORMED, packet);
        return;
    }
    bool is_probe = addr_is_any(&arp.sender); /* RFC 5227 1.1: answered, not learnt */
    bool is_own = !is_probe && host_is_local(host, &arp.sender);
    bool for_us = interface_has_address(interface, &arp.target) ||
                  (interface->accept_any && !is_probe && !addr_equal(&arp.target, &arp.sender));
    if (!is_probe && !is_own) /* RFC 826: update if known; make one only when we are spoken to and asked */
        neighbor_update(&host->arp, &arp.sender, interface->ifindex, &arp.sender_mac,
                        arp.operation == ARP_REPLY && for_us && !(packet->flags & PACKET_BROADCAST),
                        for_us && arp.operation == ARP_REQUEST, host->now_ns);
    if (for_us && arp.operation == ARP_REQUEST && !is_own) {
        struct arp reply = {.operation = ARP_REPLY, .sender_mac = interface->mac, .sender = arp.target,
                            .target_mac = arp.sender_mac, .target = arp.sender};
        arp_send(host, interface, &reply, &arp.sender_mac);
    }
    host_mark_due(host);
    packet_free(packet);
}

/* --- neighbour discovery ----------------------------------------------------------------------------------------------------- */

void host_nd_send(struct lil_host *host, struct interface *interface, const uint8_t *message, size_t length, const struct addr *source,
                  const struct addr *dest, const struct mac *mac)
{
    struct lil_packet *packet = packet_new(host->pool);
    if (!packet)
        return;
    host->counters[1][CNT_ND_OUT]++;
    host_count_icmp(host, 6, true, message[0]);
    if (!packet_append(packet, message, length)) {
        packet_free(packet);
        return;
    }
    icmp_fill_csum(packet, 6, source, dest);
    packet->csum = CSUM_COMPUTED;
    struct ip ip = {.version = 6, .source = *source, .dest = *dest, .protocol = ICMP_PROTOCOL6, .ttl = 255 /* RFC 4861 7.1 */,
                    .payload_length = (uint32_t)length};
    ip_emit(&ip, packet_push(packet, IPV6_LENGTH));
    if (interface->kind == LIL_ETHERNET)
        ether_push(interface, mac, ETHERTYPE_V6, packet);
    else
        interface_send(interface, packet);
}

static void nd_send(struct lil_host *host, struct interface *interface, const struct nd *nd, uint8_t type, const struct addr *source,
                    const struct addr *dest, const struct mac *mac)
{
    uint8_t message[64];
    host_nd_send(host, interface, message, nd_emit(nd, type, message), source, dest, mac);
}

static void nd_solicit(void *ctx, const struct neighbor *neighbor, bool unicast)
{
    struct lil_host *host = ctx;
    struct interface *interface = host_interface(host, neighbor->ifindex);
    struct nd nd = {.target = neighbor->addr, .has_mac = true, .mac = interface->mac};
    struct addr source, dest = neighbor->addr;
    if (!interface_source(interface, &neighbor->addr, &source))
        return;
    struct mac mac = neighbor->mac;
    if (!unicast) {
        static const uint8_t start[13] = {0xff, 2, [11] = 1, [12] = 0xff};
        memcpy(dest.b, start, sizeof start);
        host_ether_multicast(&dest, &mac);
    }
    nd_send(host, interface, &nd, ICMP6_NEIGHBOR_SOLICIT, &source, &dest, &mac);
}

static void solicit_input(struct lil_host *host, struct interface *interface, const struct ip *ip, const struct nd *nd,
                          struct lil_packet *packet)
{
    bool is_dad = addr_is_any(&ip->source);
    bool ours = interface_has_address(interface, &nd->target) || (interface->accept_any && !is_dad);
    if (!ours || (is_dad && nd->has_mac) || host_is_local(host, &ip->source)) {
        host_drop_input(host, interface, ours ? LIL_DROP_ND_MALFORMED : LIL_DROP_IP_NOT_MINE, packet);
        return;
    }
    struct nd reply = {.target = nd->target, .router = host->profile->ip.forwarding, .solicited = !is_dad, .override_ = true,
                       .has_mac = true, .mac = interface->mac};
    struct addr dest = ip->source;
    struct mac mac = nd->mac;
    if (is_dad) /* RFC 4861 7.2.4: to all nodes */
        dest = (struct addr){.b = {0xff, 2, [15] = 1}};
    else if (nd->has_mac)
        neighbor_update(&host->nd, &ip->source, interface->ifindex, &nd->mac, false, true, host->now_ns);
    if (is_dad)
        host_ether_multicast(&dest, &mac);
    if (is_dad || nd->has_mac) {
        nd_send(host, interface, &reply, ICMP6_NEIGHBOR_ADVERT, &nd->target, &dest, &mac);
    } else { /* a unicast probe without its address: what the cache has */
        struct neighbor *known = neighbor_find(&host->nd, &ip->source, interface->ifindex);
        if (known && known->state != NEIGHBOR_INCOMPLETE)
            nd_send(host, interface, &reply, ICMP6_NEIGHBOR_ADVERT, &nd->target, &dest, &known->mac);
    }
    packet_free(packet);
}

void host_nd_input(struct lil_host *host, struct interface *interface, const struct ip *ip, const struct icmp *icmp,
                   struct lil_packet *packet)
{
    struct nd nd = {0};
    uint8_t body[256];
    host->counters[1][CNT_ND_IN]++;
    size_t length = packet_read(packet, ICMP_LENGTH, body, sizeof body);
    /* RFC 4861 7.1.1, 7.1.2: hop limit 255 proves that it comes from this link */
    if (interface->kind != LIL_ETHERNET || ip->ttl != 255 || icmp->code != 0 || nd_parse(&nd, icmp->type, body, length) < 0) {
        host_drop_input(host, interface, LIL_DROP_ND_MALFORMED, packet);
        return;
    }
    nd_flags(&nd, icmp->rest);
    host_mark_due(host);
    if (nd.has_mac && nd.mac.b[0] & 1) {
        host_drop_input(host, interface, LIL_DROP_ND_MALFORMED, packet);
        return;
    }
    if (interface->autoconf && host_autoconf_is_tentative(interface, &nd.target)) {
        /* RFC 4862 5.4.3: another's probe, or its answer to ours; a question to us (a source) is too early */
        if (icmp->type == ICMP6_NEIGHBOR_ADVERT || addr_is_any(&ip->source))
            host_autoconf_conflict(host, interface, &nd.target, icmp->type == ICMP6_NEIGHBOR_ADVERT && nd.has_mac ? &nd.mac : NULL);
        packet_free(packet);
        return;
    }
    if (icmp->type == ICMP6_NEIGHBOR_SOLICIT) {
        solicit_input(host, interface, ip, &nd, packet);
        return;
    }
    if ((nd.solicited && addr_is_multicast(&ip->dest)) || host_is_local(host, &nd.target)) {
        host_drop_input(host, interface, LIL_DROP_ND_MALFORMED, packet);
        return;
    }
    struct neighbor *known = neighbor_find(&host->nd, &nd.target, interface->ifindex);
    if (known && !nd.has_mac && nd.solicited)
        neighbor_confirm(&host->nd, known, host->now_ns);
    else if (known && nd.has_mac &&
             (nd.override_ || known->state == NEIGHBOR_INCOMPLETE || !memcmp(&known->mac, &nd.mac, sizeof nd.mac)))
        neighbor_update(&host->nd, &nd.target, interface->ifindex, &nd.mac, nd.solicited, false, host->now_ns);
    packet_free(packet);
}

void host_neighbor_init(struct lil_host *host)
{
    struct neighbor_hooks arp = {.ctx = host,
                                 .solicit = arp_solicit,
                                 .send = arp_resolved,
                                 .fail = neighbor_failed,
                                 .removed = neighbor_removed,
                                 .told = neighbor_told,
                                 .next_ns = &host->next_ns};
    struct neighbor_hooks nd = {.ctx = host,
                                .solicit = nd_solicit,
                                .send = nd_resolved,
                                .fail = neighbor_failed,
                                .removed = neighbor_removed,
                                .told = neighbor_told,
                                .next_ns = &host->next_ns,
                                .timer = host_autoconf_timer};
    neighbor_cache_init(&host->arp, host->pool, &host->profile->arp, &arp);
    neighbor_cache_init(&host->nd, host->pool, &host->profile->nd, &nd);
}

int lil_neighbor_add(struct lil_host *host, int ifindex, const char *address, const uint8_t mac[6])
{
    struct addr addr;
    struct mac value;
    if (!host_interface(host, ifindex))
        return -ENODEV;
    if (addr_parse(address, &addr) != 0)
        return -EINVAL;
    memcpy(value.b, mac, 6);
    return neighbor_set_permanent(addr_is_v4(&addr) ? &host->arp : &host->nd, &addr, ifindex, &value, host->now_ns);
}

void lil_neighbor_flush(struct lil_host *host)
{
    neighbor_flush(&host->arp, 0, false);
    neighbor_flush(&host->nd, 0, false);
}
