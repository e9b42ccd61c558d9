/* host_fast.c: the short way through the house for the segments that nearly all are (struct plain): headers read and written in one go,
 * the connection asked before a parse (tcp_fast.c). What is unusual in any way goes the general way: these functions say no before
 * anything has changed. Read host_input.c and host_output.c for what must hold. */
#include "host/host_inner.h"
#include "wire/plain.h"

static struct known_pair *known_slot(struct lil_host *host, const struct addr *source, const struct addr *dest)
{
    return &host->known[(source->u64[1] ^ dest->u64[1] >> 7) * 0x9e3779b97f4a7c15ull >> 59];
}

bool host_is_known(struct lil_host *host, const struct interface *interface, const struct addr *source, const struct addr *dest)
{
    const struct known_pair *known = known_slot(host, source, dest);
    return known->generation == host->generation && known->ifindex == interface->ifindex && addr_equal(&known->source, source) &&
           addr_equal(&known->dest, dest);
}

void host_note_known(struct lil_host *host, const struct interface *interface, const struct addr *source, const struct addr *dest)
{
    *known_slot(host, source, dest) = (struct known_pair){*source, *dest, host->generation, interface->ifindex};
}

/* RFC 4861 7.3.1: forward progress confirms the neighbour. */
void host_confirm_neighbor(struct lil_host *host, const struct addr *remote, uint32_t scope)
{
    struct way *way = host_way(host, remote, scope);
    struct neighbor *neighbor = way->kind == WAY_UNICAST ? way->neighbor : NULL;
    struct neighbor_cache *cache = addr_is_v4(remote) ? &host->arp : &host->nd;
    if (neighbor && neighbor->fresh_until_ns <= host->now_ns && cache->params->policy == NEIGHBOR_RFC4861)
        neighbor_confirm(cache, neighbor, host->now_ns);
}

static uint32_t payload_sum(const struct lil_packet *packet, size_t header)
{
    const struct slice *slice = packet->slices;
    if (packet->slice_count == 1 && packet->head_len == header)
        return csum_partial(slice->block->data + slice->off, slice->len, 0);
    return packet->length == header ? 0 : csum_packet_bytes(packet, header);
}

/* PACKET begins at its IP header. False: the general way, nothing has been done. */
bool host_try_plain(struct lil_host *host, struct interface *interface, struct lil_packet *packet)
{
    struct plain plain;
    const uint8_t *bytes = packet->head + packet->head_off;
    if ((packet->flags & (PACKET_BROADCAST | PACKET_MULTICAST)) || host->trace || host->long_ways ||
        !plain_parse(&plain, bytes, packet->head_len, packet->length))
        return false;
    struct tcb *tcb = tcp_predict(host->tcp, &plain, host->now_ns);
    if (!tcb || udp_has_raw(host->udp, IPPROTO_TCP))
        return false;
    const struct flow *flow = tcp_get_flow(tcb);
    size_t header = plain_header_length(&plain);
    /* its addresses are known there */
    uint64_t *note = tcp_host_note(tcb), here = (uint64_t)host->generation << 32 | (uint32_t)interface->ifindex;
    if (*note != here) {
        if (!host_is_known(host, interface, &flow->remote, &flow->local))
            return false;
        *note = here;
    }
    if (packet->csum != CSUM_VOUCHED && packet->csum != CSUM_PARTIAL && plain_csum(&plain, bytes, payload_sum(packet, header)) != 0xffff)
        return false;
    host->counters[0][CNT_IP_NO_ECT + (plain.tos & 3)]++;
    host->counters[0][CNT_IP_IN_OCTETS] += packet->length;
    host->counters[0][CNT_IP_DELIVERED]++;
    packet->ecn = plain.tos & 3;
    packet_trim_front(packet, header);
    enum lil_drop drop = tcp_input_predicted(tcb, &plain, packet);
    if (drop)
        host_note_drop(host, interface->ifindex, drop, NULL);
    else if (interface->kind == LIL_ETHERNET)
        host_confirm_neighbor(host, &flow->remote, flow->scope);
    return true;
}

/* What TCP made in short, in full: for ways that need care. */
COLD static void send_in_full(struct lil_host *host, const struct tcp_plain *plain)
{
    const struct plain *header = &plain->header;
    struct tcp_segment segment = {
        .flow = *plain->flow, .packet = plain->packet, .tos = header->tos, .ttl = header->ttl, .dont_fragment = header->dont_fragment,
        .header = {.source_port = header->source_port, .dest_port = header->dest_port, .seq = header->seq, .ack = header->ack,
                   .flags = TCP_ACK | (header->push ? TCP_PSH : 0), .window = header->window,
                   .options = {.has_timestamp = header->has_timestamp, .ts_value = header->ts_value, .ts_echo = header->ts_echo}}};
    host_send_tcp(host, &segment);
}

void host_send_plain(struct lil_host *host, struct tcp_plain *plain)
{
    struct plain *header = &plain->header;
    struct lil_packet *packet = plain->packet;
    struct way *way = host_way(host, &plain->flow->remote, plain->flow->scope);
    size_t length = plain_header_length(header);
    if (way->kind == WAY_ERROR || length + header->length > way->mtu || way->interface->csum_offload || host->suppressing) {
        send_in_full(host, plain);
        return;
    }
    header->ttl = host_tcp_ttl(host, way, true, header->ttl);
    uint32_t sum = packet->flags & PACKET_HAS_SUM || !header->length ? packet->payload_sum : csum_packet(packet, 0);
    uint32_t ip_id = header->dont_fragment ? 0 : host_next_ip_id(host, 4);
    plain_emit(header, ip_id, sum, packet_push(packet, length));
    packet->csum = CSUM_COMPUTED;
    packet->csum_start = (uint16_t)IPV4_LENGTH;
    packet->csum_offset = 16;
    host->counters[0][CNT_IP_OUT]++;
    host->counters[0][CNT_IP_OUT_OCTETS] += packet->length;
    host_emit(host, way, packet);
}
