/* inject.c: the peer's side of the wire: lines with '<' become packets, with live numbers, and go into the host. */
#include "script/packet/script_packet.h"
#include <stdlib.h>
#include <string.h>
#include "base/csum.h"
#include "script/language/big_endian.h"
#include "script/language/encap.h"
#include "script/packet/recording.h"

enum { PACKET_BYTES = 65535 + 64 + ENCAP_ROOM };

/* --- TCP options: also what an outbound line expects, byte for byte ------------------------------------------------ */
static uint8_t *put_sack(uint8_t *p, const struct spec_option *option, uint32_t offset)
{
    p = put8(put8(p, 5), 2 + 8u * option->count);
    for (unsigned i = 0; i < option->count; i++)
        p = put32(put32(p, option->sack[i].start + offset), option->sack[i].end + offset);
    return p;
}

static uint8_t *put_bytes(uint8_t *p, const struct spec_option *option)
{
    memcpy(p, option->bytes, option->length);
    return p + option->length;
}

static uint8_t *put_option(uint8_t *p, const struct spec_packet *spec, const struct spec_option *option, const struct conn *conn,
                           uint32_t ts_live, uint32_t ts_echo)
{
    uint32_t local = conn ? conn->live_local_isn - conn->script_local_isn : 0;
    switch (option->kind) {
    case OPTION_EOL:
        return put8(p, 0);
    case OPTION_NOP:
        return put8(p, 1);
    case OPTION_MSS:
        return put16(put8(put8(p, 2), 4), option->value);
    case OPTION_WSCALE:
        return put8(put8(put8(p, 3), 3), option->value);
    case OPTION_SACKOK:
        return put8(put8(p, 4), 2);
    case OPTION_SACK:
        return put_sack(p, option, spec->inbound ? local : 0);
    case OPTION_TIMESTAMP:
        p = put8(put8(p, 8), 10);
        if (spec->inbound)
            return put32(put32(p, option->value), conn && !option->echo_live ? conn_ts_live(conn, option->echo) : option->echo);
        return put32(put32(p, ts_live), option->echo_any ? ts_echo : option->echo);
    case OPTION_MD5:
        p = put8(put8(p, 19), 18);
        memset(p, 0, 16);
        memcpy(p, option->bytes, option->length < 16 ? option->length : 16);
        return p + 16;
    case OPTION_FASTOPEN:
        return put_bytes(put8(put8(p, 34), 2u + option->length), option);
    case OPTION_FASTOPEN_EXP:
        return put_bytes(put16(put8(put8(p, 254), 4u + option->length), 0xf989), option);
    case OPTION_ACCECN:
        p = put8(put8(p, option->order1 ? 174 : 172), 2 + 3u * option->count);
        for (unsigned i = 0; i < option->count; i++)
            p = put16(put8(p, option->fields[i] >> 16), option->fields[i] & 0xffff);
        return p;
    case OPTION_RAW:
        return put_bytes(p, option);
    }
    return p;
}

uint32_t packet_options(const struct spec_packet *spec, const struct conn *conn, uint32_t ts_live, uint32_t ts_echo, uint8_t bytes[128])
{
    uint8_t *p = bytes;
    for (unsigned i = 0; i < spec->option_count && p < bytes + 80; i++)
        p = put_option(p, spec, &spec->options[i], conn, ts_live, ts_echo);
    while ((p - bytes) % 4) /* RFC 9293 3.1: padding is zeros */
        p = put8(p, 0);
    return (uint32_t)(p - bytes);
}

/* --- transports ------------------------------------------------------------------------------------------------------ */
/* Data is its own position, so that a byte out of place shows. */
static void fill(uint8_t *p, uint32_t position, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++)
        p[i] = (uint8_t)((position + i) * 31 >> 3);
}

static uint32_t emit_tcp(struct run *run, const struct spec_packet *spec, const struct conn *conn, uint8_t *bytes)
{
    uint8_t options[128];
    uint32_t size = packet_options(spec, conn, 0, 0, options);
    if (size > 40)
        run_fail(run, "TCP options of %u bytes do not fit a header", size);
    uint32_t ack = spec->has_ack && (spec->flags & TCP_ACK) ? spec->ack + conn->live_local_isn - conn->script_local_isn : spec->ack;
    uint8_t *p = put16(put16(bytes, conn->remote_port), conn->local_port);
    p = put32(put32(p, spec->seq), ack);
    p = put16(p, (20 + size) / 4 << 12 | spec->flags);
    p = put16(p, spec->has_window ? spec->window : 65535);
    p = put16(put16(p, 0), spec->urgent);
    memcpy(p, options, size);
    fill(p + size, spec->seq, spec->length);
    if (spec->payload)
        memcpy(p + size, spec->payload, spec->payload_length < spec->length ? spec->payload_length : spec->length);
    uint32_t length = 20 + size + spec->length;
    for (unsigned i = 0; i < spec->option_count; i++)
        if (spec->options[i].kind == OPTION_MD5 && spec->options[i].md5 == MD5_VALID &&
            !packet_sign(run, &conn->remote, &conn->local, bytes, length))
            run_fail(run, "md5 valid: the script has set no key (TCP_MD5SIG)");
    return length;
}

static uint32_t emit_udp(const struct spec_packet *spec, const struct conn *conn, uint8_t *bytes)
{
    uint8_t *p = put16(put16(bytes, conn->remote_port), conn->local_port);
    p = put16(put16(p, 8 + spec->length), 0);
    fill(p, 0, spec->length);
    return 8 + spec->length;
}

/* LENGTH bytes are there, of ip->payload_length: a quote's data is missing and counts as zeros. */
static void set_checksum(const struct ip *ip, uint8_t *transport, uint32_t length)
{
    int at = ip->protocol == IPPROTO_TCP ? 16 : ip->protocol == IPPROTO_UDP ? 6 : 2;
    uint32_t sum = ip->protocol == IPPROTO_ICMP ? 0 : addr_pseudo_sum(&ip->source, &ip->dest, ip->protocol, ip->payload_length);
    transport[at] = transport[at + 1] = 0;
    uint16_t checksum = (uint16_t)~csum_fold(csum_partial(transport, length, sum));
    if (ip->protocol == IPPROTO_UDP && checksum == 0)
        checksum = 0xffff;
    memcpy(transport + at, &checksum, 2);
}

/* A UDP header in front of LENGTH bytes of TCP, whose own checksum counts no more. */
static uint32_t wrap(uint16_t source, uint16_t dest, uint8_t *bytes, uint32_t length)
{
    memmove(bytes + 8, bytes, length);
    put16(put16(put16(put16(bytes, source), dest), 8 + length), 0);
    return 8 + length;
}

/* The packet that an ICMP message answers: the host's own, as it left (RFC 792, RFC 4443 3). */
static uint32_t emit_quote(struct run *run, const struct spec_packet *spec, const struct conn *conn, uint8_t *bytes)
{
    bool tcp = spec->quote_protocol == SPEC_TCP;
    struct ip ip = {.source = conn->local, .dest = conn->remote, .version = (uint8_t)run->ip_version, .ttl = 64,
                    .protocol = tcp ? IPPROTO_TCP : IPPROTO_UDP, .dont_fragment = true};
    ip.payload_length = (tcp ? 20 : 8) + spec->quote_length;
    uint32_t header = (uint32_t)ip_emit(&ip, bytes);
    uint8_t *p = put16(put16(bytes + header, conn->local_port), conn->remote_port);
    if (spec->quote_protocol == SPEC_RAW) {
        ip.protocol = IPPROTO_RAW;
        ip.payload_length = spec->quote_length;
        ip_emit(&ip, bytes);
        memset(bytes + header, 0, 8);
        return header + 8;
    }
    if (!tcp) {
        put16(put16(p, 8 + spec->quote_length), 0);
        set_checksum(&ip, bytes + header, 8);
        return header + 8;
    }
    p = put32(p, spec->quote_seq + conn->live_local_isn - conn->script_local_isn);
    p = put32(p, 0);
    p = put16(p, 5u << 12 | (spec->quote_flags ? spec->quote_flags : (unsigned)TCP_ACK));
    put16(put16(put16(p, 65535), 0), 0);
    if (conn->tunnel_remote) {
        ip.protocol = IPPROTO_UDP;
        ip.payload_length += 8;
        ip_emit(&ip, bytes);
        return header + wrap(conn->tunnel_local, conn->tunnel_remote, bytes + header, 20);
    }
    set_checksum(&ip, bytes + header, 20);
    return header + 20;
}

static uint32_t emit_icmp(struct run *run, const struct spec_packet *spec, const struct conn *conn, uint8_t *bytes)
{
    uint8_t *p = put16(put8(put8(bytes, spec->icmp_type), spec->icmp_code), 0);
    if (spec->has_echo)
        p = put16(put16(p, spec->echo_id), spec->echo_sequence);
    else
        p = put32(p, spec->mtu);
    uint32_t length = 8;
    if (spec->has_quote)
        length += emit_quote(run, spec, conn, p);
    return length;
}

void packet_inject(struct run *run, const struct script_event *event)
{
    static _Thread_local uint8_t bytes[PACKET_BYTES];
    const struct spec_packet *spec = event->packet;
    struct conn *conn = conn_for_spec(run, spec);
    if (!conn) {
        run_fail_packet(run, spec->has_ports ? "no connection of the script has these ports, and none listens"
                                             : "no socket for this packet: nothing listens, connects or is bound yet");
        return;
    }
    conn_refresh(run, conn);
    struct ip ip = {.source = conn->remote,
                    .dest = conn->local,
                    .version = (uint8_t)run->ip_version,
                    .ttl = spec->has_ttl ? spec->ttl : 255};
    ip.id = run->next_id++;
    ip.tos = spec->tos;
    ip.flow_label = spec->flow_label;
    if (spec->ecn >= 0)
        ip.tos = (uint8_t)((ip.tos & ~3) | (spec->ecn == ECN_ECT01 ? ECN_ECT0 : spec->ecn));
    ip.protocol = spec->protocol == SPEC_TCP   ? IPPROTO_TCP
                  : spec->protocol == SPEC_UDP ? IPPROTO_UDP
                  : run->ip_version == 4       ? IPPROTO_ICMP
                                               : IPPROTO_ICMPV6;
    uint32_t header = run->ip_version == 4 ? IPV4_LENGTH : IPV6_LENGTH, length;
    if (spec->protocol != SPEC_ICMP && spec->length > 65535 - header - 60)
        run_fail(run, "a packet of %u bytes does not fit IP", spec->length);
    uint8_t *transport = bytes + header;
    if (spec->protocol == SPEC_TCP)
        length = emit_tcp(run, spec, conn, transport);
    else if (spec->protocol == SPEC_UDP)
        length = emit_udp(spec, conn, transport);
    else
        length = emit_icmp(run, spec, conn, transport);
    if (spec->has_tunnel) {
        ip.protocol = IPPROTO_UDP;
        length = wrap(spec->tunnel_source, spec->tunnel_dest, transport, length);
    }
    ip.payload_length = length;
    ip_emit(&ip, bytes);
    set_checksum(&ip, transport, length);
    size_t whole = encap_wrap(spec, bytes, header + length, run->ip_version);
    run->report->packets_in++;
    if (run->capture)
        recording_packet(run->capture, bytes, whole, run->now_ns - run->origin_ns, NULL);
    struct lil_packet *packet = lil_packet_copy(run->host, bytes, whole);
    if (!packet)
        run_fail(run, "out of memory for the packet");
    (void)lil_host_input(run->host, run->ifindex, packet, run->now_ns);
    if (spec->protocol == SPEC_TCP && (spec->flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK) && conn->state == CONN_CONNECTING)
        conn->state = CONN_CONNECTED;
    run_settle(run);
}
