/* host_bare.c: the short way through the house for segments without text over IPv4 (wire/bare.h), in and out: what makes and ends
 * connections. TCP itself knows no difference: it is asked and asks as on the general way (host_input.c, host_output.c), which
 * takes whatever is unusual here: these functions say no before anything has changed. */
#include "host/host_inner.h"
#include "wire/bare.h"

/* PACKET begins at its IP header. False: the general way, nothing has been done. */
bool host_input_bare(struct lil_host *host, struct interface *interface, struct lil_packet *packet)
{
    struct bare bare;
    struct tcp_in in;
    const uint8_t *bytes = packet->head + packet->head_off;
    size_t length = packet->length;
    if (packet->head_len != length || (packet->flags & (PACKET_BROADCAST | PACKET_MULTICAST)) || host->trace || host->long_ways ||
        interface->accept_any)
        return false;
    if (!bare_parse(&bare, &in.header, bytes, length))
        return false;
    in.flow.local = bare_addr(bare.dest);
    in.flow.remote = bare_addr(bare.source);
    if (!host_is_known(host, interface, &in.flow.remote, &in.flow.local) || udp_has_raw(host->udp, IPPROTO_TCP))
        return false;
    if (packet->csum != CSUM_VOUCHED && packet->csum != CSUM_PARTIAL &&
        bare_tcp_sum(&bare, bytes + IPV4_LENGTH, length - IPV4_LENGTH) != 0xffff)
        return false;
    host->counters[0][CNT_IP_NO_ECT + (bare.tos & 3)]++;
    host->counters[0][CNT_IP_IN_OCTETS] += packet->length;
    host->counters[0][CNT_IP_DELIVERED]++;
    packet->ecn = bare.tos & 3;
    packet_trim_headers(packet);
    flow_set_ports(&in.flow, in.header.dest_port, in.header.source_port);
    in.flow.scope = in.flow.encaps_port = 0;
    in.payload = 0;
    in.gso_size = packet->gso_size;
    in.ip_length = IPV4_LENGTH;
    in.ecn = bare.tos & 3;
    in.ttl = bare.ttl;
    in.tos = bare.tos;
    in.ifindex = (uint16_t)interface->ifindex;
    in.accept_any = false;
    enum lil_drop drop = tcp_input(host->tcp, &in, packet, host->now_ns);
    if (drop)
        host_tcp_dropped(host, interface, &in, drop);
    else if ((in.header.flags & TCP_ACK) && interface->kind == LIL_ETHERNET)
        host_confirm_neighbor(host, &in.flow.remote, 0);
    return true;
}

/* SEGMENT has no packet yet. False: the general way, nothing has been done. */
bool host_send_bare(struct lil_host *host, const struct tcp_segment *segment)
{
    const struct flow *flow = &segment->flow;
    if (!addr_is_v4(&flow->remote) || host->long_ways)
        return false;
    struct way *way = host_way(host, &flow->remote, flow->scope);
    uint32_t options[BARE_OPTIONS];
    unsigned count = bare_options(&segment->header, segment->option_order, options);
    size_t length = IPV4_LENGTH + TCP_LENGTH + 4 * count;
    if (count == BARE_OTHER || way->kind == WAY_ERROR || way->interface->csum_offload || length > way->mtu)
        return false;
    struct lil_packet *packet = packet_new(host->pool);
    if (!packet)
        return false;
    struct bare bare = {.source = flow->local.u32[3], .dest = flow->remote.u32[3], .tos = segment->tos,
                        .ttl = host_tcp_ttl(host, way, true, segment->ttl), .dont_fragment = segment->dont_fragment};
    uint32_t ip_id = bare.dont_fragment ? 0 : host_next_ip_id(host, 4); /* RFC 6864 4 */
    bare_emit(&bare, &segment->header, options, count, ip_id, packet_push(packet, length));
    packet->csum = CSUM_COMPUTED;
    packet->csum_start = IPV4_LENGTH;
    packet->csum_offset = 16;
    host->counters[0][CNT_IP_OUT]++;
    host->counters[0][CNT_IP_OUT_OCTETS] += packet->length;
    host_emit(host, way, packet);
    return true;
}
