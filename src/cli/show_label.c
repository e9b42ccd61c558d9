/* show_label.c: a frame in a few words, as the figures of TCP/IP Illustrated have them: sequence numbers whole on a
 * SYN, then relative. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "cli/show.h"
#include "wire/wire.h"

enum { LABEL_FLOWS = 1024 };
struct label_flow {
    struct flow flow; /* local sends */
    uint32_t isn;
    bool known;
};
struct label_flows {
    struct label_flow entries[LABEL_FLOWS];
    unsigned next;
};

struct label_flows *label_flows_new(void)
{
    return calloc(1, sizeof(struct label_flows));
}

void label_flows_free(struct label_flows *flows)
{
    free(flows);
}

static struct label_flow *find_flow(struct label_flows *flows, const struct addr *from, uint16_t from_port,
                                    const struct addr *to, uint16_t to_port)
{
    for (unsigned i = 0; i < LABEL_FLOWS; i++) {
        struct label_flow *entry = &flows->entries[i];
        if (entry->known && entry->flow.local_port == from_port && entry->flow.remote_port == to_port &&
            addr_equal(&entry->flow.local, from) && addr_equal(&entry->flow.remote, to))
            return entry;
    }
    return NULL;
}

static void note_isn(struct label_flows *flows, const struct ip *ip, const struct tcphdr_ *tcp)
{
    struct label_flow *entry = find_flow(flows, &ip->source, tcp->source_port, &ip->dest, tcp->dest_port);
    if (!entry)
        entry = &flows->entries[flows->next++ % LABEL_FLOWS];
    *entry = (struct label_flow){{ip->source, ip->dest, tcp->source_port, tcp->dest_port, 0}, tcp->seq, true};
}

static size_t add(char *text, size_t size, size_t at, const char *format, ...) __attribute__((format(printf, 4, 5)));
static size_t add(char *text, size_t size, size_t at, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n = at < size ? vsnprintf(text + at, size - at, format, arguments) : 0;
    va_end(arguments);
    return at + (size_t)(n > 0 ? n : 0);
}

static size_t add_options(const struct tcp_options *options, char *text, size_t size, size_t at)
{
    const char *comma = "";
    if (!options->has_mss && !options->has_wscale && !options->sack_permitted && !options->sack_count)
        return at;
    at = add(text, size, at, " <");
    if (options->has_mss)
        at = add(text, size, at, "mss %u", options->mss), comma = ",";
    if (options->has_wscale)
        at = add(text, size, at, "%swscale %u", comma, options->wscale), comma = ",";
    if (options->sack_permitted)
        at = add(text, size, at, "%ssackOK", comma), comma = ",";
    if (options->has_timestamp)
        at = add(text, size, at, "%sTS", comma), comma = ",";
    for (unsigned i = 0; i < options->sack_count; i++, comma = ",")
        at = add(text, size, at, "%ssack %u bytes", comma, options->sack[i].end - options->sack[i].start);
    return add(text, size, at, ">");
}

static void label_tcp(struct label_flows *flows, const struct ip *ip, const uint8_t *bytes, size_t length, char *text,
                      size_t size)
{
    static const struct {
        unsigned flag;
        const char *word;
    } words[] = {{TCP_SYN, "SYN "}, {TCP_FIN, "FIN "}, {TCP_RST, "RST "},
                 {TCP_PSH, "PSH "}, {TCP_URG, "URG "}, {TCP_ECE, "ECE "}};
    struct tcphdr_ tcp;
    size_t at = 0;
    int header = tcphdr_parse(&tcp, bytes, length);
    if (header < 0) {
        add(text, size, 0, "TCP, malformed");
        return;
    }
    uint32_t payload = ip->payload_length - (uint32_t)header;
    if (tcp.flags & TCP_SYN)
        note_isn(flows, ip, &tcp);
    const struct label_flow *own = find_flow(flows, &ip->source, tcp.source_port, &ip->dest, tcp.dest_port);
    const struct label_flow *other = find_flow(flows, &ip->dest, tcp.dest_port, &ip->source, tcp.source_port);
    for (size_t i = 0; i < ARRAY_COUNT(words); i++)
        if (tcp.flags & words[i].flag)
            at = add(text, size, at, "%s", words[i].word);
    uint32_t base = own && !(tcp.flags & TCP_SYN) ? own->isn : 0, seq = tcp.seq - base;
    if ((tcp.flags & (TCP_SYN | TCP_FIN | TCP_RST)) || payload)
        at = add(text, size, at, "%u:%u(%u) ", seq, seq + payload, payload);
    if (tcp.flags & TCP_ACK)
        at = add(text, size, at, "ack %u ", tcp.ack - (other && !(tcp.flags & TCP_SYN) ? other->isn : 0));
    if (!(tcp.flags & TCP_RST))
        at = add(text, size, at, "win %u", tcp.window);
    else if (at)
        text[at - 1] = 0;
    if (tcp.flags & TCP_URG)
        at = add(text, size, at, " urg %u", tcp.urgent);
    add_options(&tcp.options, text, size, at);
}

static void label_icmp4(const struct icmp *icmp, char *text, size_t size)
{
    static const char *const codes[] = {"net",
                                        "host",
                                        "protocol",
                                        "port",
                                        "fragmentation needed",
                                        "source route failed",
                                        "net unknown",
                                        "host unknown",
                                        "host isolated",
                                        "net prohibited",
                                        "host prohibited",
                                        "net for TOS",
                                        "host for TOS",
                                        "administratively"};
    switch (icmp->type) {
    case ICMP4_ECHO_REQUEST:
    case ICMP4_ECHO_REPLY:
        add(text, size, 0, "ICMP echo %s, seq %u", icmp->type == ICMP4_ECHO_REPLY ? "reply" : "request",
            icmp->echo.sequence);
        break;
    case ICMP4_UNREACHABLE:
        if (icmp->code == 4)
            add(text, size, 0, "ICMP fragmentation needed, mtu %u", icmp->mtu & 0xffff);
        else
            add(text, size, 0, "ICMP %s unreachable", icmp->code < ARRAY_COUNT(codes) ? codes[icmp->code] : "?");
        break;
    case ICMP4_TIME_EXCEEDED:
        add(text, size, 0, "ICMP time exceeded");
        break;
    default:
        add(text, size, 0, "ICMP type %u code %u", icmp->type, icmp->code);
    }
}

/* "ND who has A? tell B", "ND A is at M"; without a source it is a probe: duplicate address detection. */
static bool label_nd(const struct ip *ip, const struct icmp *icmp, const uint8_t *body, size_t length, char *text,
                     size_t size)
{
    struct nd nd;
    char who[ADDR_TEXT], tell[ADDR_TEXT], mac[18];
    if (nd_parse(&nd, icmp->type, body, length) < 0)
        return false;
    addr_print(&nd.target, who);
    if (icmp->type == ICMP6_NEIGHBOR_ADVERT)
        add(text, size, 0, nd.has_mac ? "ND %s is at %s" : "ND %s is here", who, mac_print(&nd.mac, mac));
    else if (addr_is_any(&ip->source))
        add(text, size, 0, "ND is %s taken?", who);
    else
        add(text, size, 0, "ND who has %s? tell %s", who, addr_print(&ip->source, tell));
    return true;
}

static void label_icmp6(const struct ip *ip, const struct icmp *icmp, const uint8_t *bytes, size_t length, char *text,
                        size_t size)
{
    struct nd_router router;
    char name[ADDR_TEXT + 4];
    if (label_nd(ip, icmp, bytes, length, text, size))
        return;
    if (nd_router_parse(&router, icmp->type, icmp->rest, bytes, length) < 0) {
        icmp_print(icmp, 6, text, size);
        return;
    }
    size_t at = add(text, size, 0, icmp->type == ICMP6_ROUTER_SOLICIT ? "ND which routers?" : "ND router, %u s",
                    router.lifetime_s);
    for (unsigned i = 0; i < router.prefix_count; i++)
        at = add(text, size, at, ", %s", prefix_print(&router.prefixes[i].prefix, name));
}

static void label_arp(const uint8_t *bytes, size_t length, char *text, size_t size)
{
    struct arp arp;
    char who[ADDR_TEXT], tell[ADDR_TEXT], mac[18];
    if (arp_parse(&arp, bytes, length) < 0)
        add(text, size, 0, "ARP, malformed");
    else if (arp.operation == ARP_REQUEST)
        add(text, size, 0, "ARP who has %s? tell %s", addr_print(&arp.target, who), addr_print(&arp.sender, tell));
    else
        add(text, size, 0, "ARP %s is at %s", addr_print(&arp.sender, who), mac_print(&arp.sender_mac, mac));
}

bool label_packet(struct label_flows *flows, const uint8_t *bytes, size_t length, char *text, size_t size)
{
    struct icmp icmp;
    struct udphdr_ udp;
    struct ip ip;
    int header = ip_parse(&ip, bytes, length);
    text[0] = 0;
    if (header < 0)
        return false;
    bytes += header;
    length -= (size_t)header;
    if (ip.is_fragment && ip.frag_offset)
        add(text, size, 0, "fragment %u:%u", ip.frag_offset, ip.frag_offset + ip.payload_length);
    else if (ip.protocol == IPPROTO_TCP)
        label_tcp(flows, &ip, bytes, length, text, size);
    else if (ip.protocol == IPPROTO_UDP && udphdr_parse(&udp, bytes, length) >= 0)
        add(text, size, 0, "UDP %u > %u (%d)", udp.source_port, udp.dest_port, udp.length - UDP_LENGTH);
    else if (ip.protocol == IPPROTO_ICMP && ip.version == 4 && icmp_parse(&icmp, 4, bytes, length) >= 0)
        label_icmp4(&icmp, text, size);
    else if (ip.protocol == IPPROTO_ICMPV6 && icmp_parse(&icmp, 6, bytes, length) >= 0)
        label_icmp6(&ip, &icmp, bytes + ICMP_LENGTH, length - ICMP_LENGTH, text, size);
    else
        ip_print(&ip, text, size);
    return true;
}

void label_frame(struct label_flows *flows, const uint8_t *frame, size_t length, char *text, size_t size)
{
    struct eth eth;
    text[0] = 0;
    if (eth_parse(&eth, frame, length) < 0)
        add(text, size, 0, "truncated");
    else if (eth.type == ETHERTYPE_ARPP)
        label_arp(frame + ETH_LENGTH, length - ETH_LENGTH, text, size);
    else if ((eth.type != ETHERTYPE_V4 && eth.type != ETHERTYPE_V6) ||
             !label_packet(flows, frame + ETH_LENGTH, length - ETH_LENGTH, text, size))
        frame_print(frame, length, false, text, size);
}
