/* host_forward.c: what a router does with a packet for another: RFC 1812 5.2-5.3, RFC 8200, RFC 4443. */
#include "host/packet_filter.h"
#include "host/host_inner.h"

static void refuse(struct lil_host *host, struct interface *interface, struct ip *ip, struct lil_packet *packet, enum lil_drop drop,
                   const struct icmp_error *error)
{
    if (error)
        host_icmp_error(host, error, ip, packet);
    host_drop_input(host, interface, drop, packet);
}

static void forward_fragments(struct lil_host *host, struct way *way, struct ip *ip, struct lil_packet *packet)
{
    struct frag frag;
    packet_fill_csum(packet);
    packet_trim_front(packet, ip->header_length);
    ip->ttl--;
    frag_init_take(&frag, ip, packet, way->mtu);
    struct lil_packet *piece;
    while ((piece = frag_next(&frag))) {
        host->counters[ip->version == 6][CNT_IP_FRAG_CREATES]++;
        piece->csum = CSUM_COMPUTED;
        piece->flags |= PACKET_FORWARDED;
        host_emit(host, way, piece);
    }
    host->counters[ip->version == 6][frag.failed ? CNT_IP_FRAG_FAILS : CNT_IP_FRAG_OKS]++;
}

/* RFC 1812 5.2.7.2: back out by the way it came, to a neighbour of the sender. */
static void maybe_redirect(struct lil_host *host, struct interface *interface, struct way *way, struct ip *ip, struct lil_packet *packet)
{
    if (ip->version != 4 || way->interface != interface || !host->profile->ip.send_redirects || interface->kind != LIL_ETHERNET)
        return;
    for (unsigned i = 0; i < interface->address_count; i++)
        if (addr_is_v4(&interface->addresses[i].addr) && prefix_contains(&interface->addresses[i], &ip->source)) {
            struct icmp_error error = {.version = 4, .type = ICMP4_REDIRECT_, .code = 1, .rest = addr_to_v4(&way->next_hop)};
            host_icmp_error(host, &error, ip, packet);
            return;
        }
}

void host_forward(struct lil_host *host, struct interface *interface, struct ip *ip, struct lil_packet *packet)
{
    struct icmp_error error;
    if (packet->flags & (PACKET_BROADCAST | PACKET_MULTICAST)) { /* RFC 1812 5.3.4: came as link broadcast */
        refuse(host, interface, ip, packet, LIL_DROP_IP_NOT_MINE, NULL);
        return;
    }
    if (addr_is_any(&ip->source) || addr_is_link_local(&ip->source) || addr_is_link_local(&ip->dest)) {
        refuse(host, interface, ip, packet, LIL_DROP_IP_MARTIAN, NULL);
        return;
    }
    if (ip->ttl <= 1) {
        error = (struct icmp_error){.version = ip->version, .type = ip->version == 4 ? ICMP4_TIME_EXCEEDED : ICMP6_TIME_EXCEEDED_};
        refuse(host, interface, ip, packet, LIL_DROP_IP_TTL, &error);
        return;
    }
    struct way *way = host_way(host, &ip->dest, 0);
    if (way->kind == WAY_ERROR) {
        host->counters[ip->version == 6][CNT_IP_NO_ROUTES] += way->drop == LIL_DROP_NO_ROUTE;
        error = host_unreachable(ip->version, way->icmp4_code, way->icmp6_code);
        refuse(host, interface, ip, packet, way->drop, way->drop == LIL_DROP_ROUTE_BLACKHOLE ? NULL : &error);
        return;
    }
    if (way->kind != WAY_UNICAST) { /* RFC 2644: directed broadcasts are not forwarded */
        refuse(host, interface, ip, packet, LIL_DROP_IP_NOT_MINE, NULL);
        return;
    }
    uint32_t length = packet->gso_size ? packet->length - ip->payload_length + packet->gso_size + TCP_LENGTH : packet->length;
    bool too_big = length > way->mtu;
    if (too_big && (ip->version == 6 || ip->dont_fragment || packet->gso_size)) {
        error = ip->version == 4 ? (struct icmp_error){.version = 4, .type = ICMP4_UNREACHABLE, .code = 4, .rest = way->mtu}
                                 : (struct icmp_error){.version = 6, .type = ICMP6_TOO_BIG, .rest = way->mtu};
        host->counters[ip->version == 6][CNT_IP_FRAG_FAILS]++;
        refuse(host, interface, ip, packet, LIL_DROP_IP_TOO_BIG, &error);
        return;
    }
    if (host->filter && !filter_forward(host, interface, way->interface, packet)) {
        refuse(host, interface, ip, packet, LIL_DROP_FILTER, NULL);
        return;
    }
    maybe_redirect(host, interface, way, ip, packet);
    host->counters[ip->version == 6][CNT_IP_FORWARDED]++;
    packet->flags |= PACKET_FORWARDED;
    if (too_big) {
        forward_fragments(host, way, ip, packet);
        return;
    }
    ip_decrement_ttl(packet->head + packet->head_off);
    packet = host_make_room(host, packet, ETH_LENGTH);
    if (packet) {
        packet->flags |= PACKET_FORWARDED;
        host_emit(host, way, packet);
    }
}
