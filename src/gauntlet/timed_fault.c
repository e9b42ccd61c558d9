/* timed_fault.c: faults that begin at a moment of the conversation: a filter on a link of the path that reads the packets which pass,
 * and acts. A server that "has no memory" is the same host after all its connections were killed, as `ss -K` does: what it no longer
 * knows it answers with an RST (RFC 9293 3.5.2, group 1). */
#include <errno.h>
#include <stdlib.h>
#include "base/base.h"
#include "gauntlet/cases.h"
#include "host/host.h"
#include "tcp/tcp_seq.h"
#include "wire/wire.h"

static const uint64_t delay_ns = 2 * NS_PER_S, late_ns = 30 * NS_PER_S;
static const uint64_t restart_ns = 5 * NS_PER_S, reset_ns = NS_PER_S / 2, nat_idle_ns = 60 * NS_PER_S;
enum { PASS = 0, DROP = 1, FLOWS = 64 };

struct fault_flow {
    uint16_t port; /* the client's */
    bool is_acked; /* the handshake's last ACK was there */
    bool is_begun; /* the answer has; a part of it has passed, up to EDGE */
    bool is_dead;  /* it was reset, or the NAT has forgotten it */
    uint32_t edge;
    uint64_t begun_ns, last_ns; /* LAST: of its SYN, or of what a NAT has seen; when the byte before EDGE comes through a trickle */
};

struct fault {
    struct fault *next; /* of the zoo's */
    enum fault_kind kind;
    struct zoo *zoo;
    struct lil_link *link;
    int from_client; /* the link's direction */
    bool begun, over;
    struct fault_flow flows[FLOWS]; /* by their order; the oldest goes */
    unsigned flow_count;
};

/* What stands in a packet: its headers' lengths are 0 where there is none. */
struct seen {
    bool is_udp;
    struct eth eth;
    struct ip ip;
    struct tcphdr_ tcp;
    struct udphdr_ udp;
    size_t link, headers; /* bytes of Ethernet; of IP, too */
    size_t transport, payload;
};

static int from_server(const struct fault *fault) { return 3 - fault->from_client; } /* a link's directions are 1 and 2 */

static struct seen look_at(struct lil_packet *packet)
{
    uint8_t bytes[256];
    size_t have = lil_packet_read(packet, 0, bytes, sizeof bytes);
    struct seen seen = {0};
    int link = eth_parse(&seen.eth, bytes, have), header, transport = 0;

    if (link < 0 || (seen.eth.type != ETHERTYPE_V4 && seen.eth.type != ETHERTYPE_V6))
        return seen;
    header = ip_parse_quote(&seen.ip, bytes + link, have - (size_t)link); /* more may follow than BYTES has */
    if (header < 0)
        return seen;
    seen.link = (size_t)link;
    seen.headers = (size_t)(link + header);
    seen.is_udp = seen.ip.protocol == IPPROTO_UDP;
    if (seen.ip.frag_offset)
        return seen;
    if (seen.ip.protocol == IPPROTO_TCP)
        transport = tcphdr_parse(&seen.tcp, bytes + seen.headers, have - seen.headers);
    else if (seen.is_udp)
        transport = udphdr_parse(&seen.udp, bytes + seen.headers, have - seen.headers);
    if (transport > 0 && seen.ip.payload_length >= (unsigned)transport) {
        seen.transport = (size_t)transport;
        seen.payload = seen.ip.payload_length - seen.transport;
    }
    return seen;
}

/* --- packets that are changed on their way ------------------------------------------------------------------------------------------- */
/* The packet as SEEN has become, with seen->payload bytes of its payload from its byte SKIP on. Of a fragmented datagram's first part a
 * whole one is made; the others are dropped. The servers are profile linux: their options are as long again. */
static void rewrite(struct lil_packet *packet, struct seen *seen, size_t skip)
{
    struct ip ip = seen->ip;
    uint8_t *start;

    packet_trim_front(packet, seen->headers + seen->transport + skip);
    packet_trim_to(packet, seen->payload);
    start = packet_push(packet, seen->transport);
    seen->udp.length = (uint16_t)packet->length;
    if (seen->is_udp)
        udphdr_emit(&seen->udp, start);
    else
        tcphdr_emit(&seen->tcp, TCP_ORDER_LINUX, start);
    ip.payload_length = packet->length;
    ip.is_fragment = ip.more_fragments = false;
    wire_csum_set(&ip, packet, false);
    start = packet_push(packet, seen->link + ip_header_size(&ip));
    eth_emit(&seen->eth, start);
    ip_emit(&ip, start + seen->link);
}

static int64_t halve(struct lil_packet *packet, struct seen *seen)
{
    if (seen->payload < 2)
        return DROP;
    seen->payload /= 2;
    seen->tcp.flags &= (uint16_t)~TCP_FIN;
    rewrite(packet, seen, 0);
    return PASS;
}

static int64_t make_reset(struct lil_packet *packet, struct seen *seen, uint32_t seq)
{
    seen->tcp.flags = TCP_RST | TCP_ACK;
    seen->tcp.seq = seq;
    seen->tcp.options = (struct tcp_options){0};
    seen->transport = TCP_LENGTH;
    seen->payload = 0;
    rewrite(packet, seen, 0);
    return PASS;
}

/* --- servers that go and come back ----------------------------------------------------------------------------------------------- */
static bool see_victim(void *ctx, const struct tcp_seen *seen)
{
    struct tcp_seen *victim = ctx;

    if (!seen->tcb || (victim->flow && seen->flow->remote_port != victim->flow->remote_port))
        return true;
    victim->tcb = seen->tcb;
    return false;
}

/* The server's connections with the client's PORT (0: all) are gone. */
static void forget(struct fault *fault, uint16_t port, uint64_t now_ns)
{
    struct lil_host *server = fault->zoo->target;
    struct flow flow = {.remote_port = port};
    struct tcp_seen victim;

    do {
        victim = (struct tcp_seen){.flow = port ? &flow : NULL};
        tcp_each(host_tcp(server), 0, see_victim, &victim);
        if (victim.tcb)
            tcp_kill(host_tcp(server), victim.tcb, ECONNABORTED, now_ns);
    } while (victim.tcb);
    host_mark_due(server);
}

static void come_back(void *ctx, uint64_t now_ns)
{
    struct fault *fault = ctx;

    (void)now_ns;
    lil_interface_set_up(fault->zoo->target, ZOO_LAN_IFINDEX, true);
    fault->begun = false;
    fault->over = true;
}

/* The first half of what the answer begins with passes, and the server's cable is pulled: no packet comes from it, as from one that
 * lost its power. */
static int64_t on_answer(struct fault *fault, struct lil_packet *packet, struct seen *seen, uint64_t now_ns)
{
    fault->begun = true;
    lil_interface_set_up(fault->zoo->target, ZOO_LAN_IFINDEX, false);
    if (fault->kind == FAULT_RESTART) {
        forget(fault, 0, now_ns);
        lil_world_at(fault->zoo->world, now_ns + restart_ns, come_back, fault);
    }
    return halve(packet, seen);
}

/* --- each connection by itself --------------------------------------------------------------------------------------------------- */
static struct fault_flow *flow_of(struct fault *fault, uint16_t port)
{
    unsigned known = fault->flow_count < FLOWS ? fault->flow_count : FLOWS;
    struct fault_flow *flow;

    for (unsigned i = 0; i < known; i++)
        if (fault->flows[i].port == port)
            return &fault->flows[i];
    flow = &fault->flows[fault->flow_count++ % FLOWS];
    *flow = (struct fault_flow){.port = port};
    return flow;
}

/* The first half of what the answer begins with passes; what the server then says again is an RST, half a second later. */
static int64_t cut_and_reset(struct fault *fault, struct fault_flow *flow, bool from_client, struct lil_packet *packet, struct seen *seen,
                             uint64_t now_ns)
{
    if (flow->is_begun && !flow->is_dead && (from_client || now_ns - flow->begun_ns < reset_ns))
        return DROP; /* the server says it again, as long as nobody answers */
    if (from_client || flow->is_dead || !seen->payload)
        return PASS;
    if (flow->is_begun) {
        flow->is_dead = true;
        forget(fault, flow->port, now_ns);
        return make_reset(packet, seen, flow->edge);
    }
    flow->is_begun = true;
    flow->begun_ns = now_ns;
    flow->edge = seen->tcp.seq + (uint32_t)seen->payload / 2;
    return halve(packet, seen);
}

/* The first half of what the answer begins with, and a FIN; ACKs alone after that. */
static int64_t cut_and_end(struct fault_flow *flow, struct lil_packet *packet, struct seen *seen)
{
    if (!seen->payload && !(seen->tcp.flags & TCP_FIN))
        return PASS;
    if (flow->is_begun)
        return DROP;
    flow->is_begun = true;
    seen->payload /= 2;
    seen->tcp.flags |= TCP_FIN;
    rewrite(packet, seen, 0);
    return PASS;
}

/* What the server says before SLOW_NS have gone since the SYN comes then; what it says again meanwhile need not come twice. An RST
 * does not overtake what was said. */
static int64_t hold(struct fault_flow *flow, const struct seen *seen, uint64_t slow_ns, uint64_t now_ns)
{
    uint32_t end = seen->tcp.seq + (uint32_t)seen->payload + !!(seen->tcp.flags & TCP_FIN);

    if ((end == seen->tcp.seq && !(flow->is_begun && seen->tcp.flags & TCP_RST)) || now_ns >= flow->last_ns + slow_ns)
        return PASS;
    if (flow->is_begun && seq_ge(flow->edge, end) && !(seen->tcp.flags & TCP_RST))
        return DROP;
    flow->is_begun = true;
    flow->edge = end;
    return (int64_t)(flow->last_ns + slow_ns - now_ns);
}

/* One byte a second, each a packet; a FIN or an RST with the last. What the server says again, since no ACK has come yet, is on its way. */
static int64_t trickle(struct fault *fault, struct fault_flow *flow, const struct lil_packet *packet, const struct seen *seen,
                       uint64_t now_ns)
{
    bool ends = seen->tcp.flags & TCP_FIN;

    if (seen->payload > 1) {
        for (size_t i = 0; i < seen->payload; i++) {
            struct seen one = *seen;
            struct lil_packet *byte = flow->is_begun && seq_lt(seen->tcp.seq + (uint32_t)i, flow->edge) ? NULL : packet_clone(packet);
            if (!byte)
                continue;
            one.tcp.seq += (uint32_t)i;
            one.payload = 1;
            if (i + 1 < seen->payload)
                one.tcp.flags &= (uint16_t)~TCP_FIN;
            rewrite(byte, &one, i);
            lil_link_input(fault->link, from_server(fault), byte, now_ns); /* and so through here again */
        }
        return DROP;
    }
    if (!seen->payload && !ends)
        return seen->tcp.flags & TCP_RST && flow->last_ns > now_ns ? (int64_t)(flow->last_ns - now_ns) : PASS;
    if (flow->is_begun && seen->tcp.seq != flow->edge)
        return DROP;
    flow->last_ns = max_u64(now_ns, flow->last_ns + (flow->is_begun && seen->payload ? NS_PER_S : 0));
    flow->is_begun = true;
    flow->edge = seen->tcp.seq + (uint32_t)seen->payload + ends;
    return (int64_t)(flow->last_ns - now_ns);
}

/* The router's own answer to a segment of a connection that it does not know (RFC 9293 3.5.2, group 1). */
static void reset_back(struct fault *fault, const struct lil_packet *packet, const struct seen *seen, uint64_t now_ns)
{
    struct lil_packet *reset = packet_clone(packet);
    struct seen back = *seen;

    if (!reset)
        return;
    back.eth.source = seen->eth.dest, back.eth.dest = seen->eth.source;
    back.ip.source = seen->ip.dest, back.ip.dest = seen->ip.source;
    back.tcp.source_port = seen->tcp.dest_port, back.tcp.dest_port = seen->tcp.source_port;
    back.tcp.ack = seen->tcp.seq + (uint32_t)seen->payload + !!(seen->tcp.flags & TCP_FIN);
    make_reset(reset, &back, seen->tcp.ack);
    lil_link_input(fault->link, from_server(fault), reset, now_ns); /* and so through here */
}

/* A NAT's entry ends with its idle time, and only a SYN makes a new one. */
static int64_t translate(struct fault *fault, struct fault_flow *flow, bool from_client, struct lil_packet *packet, struct seen *seen,
                         uint64_t now_ns)
{
    if (!flow->is_dead && now_ns - flow->last_ns <= nat_idle_ns) {
        flow->last_ns = now_ns;
        return PASS;
    }
    flow->is_dead = true;
    if (fault->kind == FAULT_NAT)
        return DROP;
    if (seen->tcp.flags & TCP_RST)
        return PASS;
    if (from_client) {
        reset_back(fault, packet, seen, now_ns);
        return DROP;
    }
    forget(fault, flow->port, now_ns);
    return make_reset(packet, seen, seen->tcp.seq);
}

static int64_t filter_tcp(struct fault *fault, bool from_client, struct lil_packet *packet, struct seen *seen, uint64_t now_ns)
{
    struct fault_flow *flow = flow_of(fault, from_client ? seen->tcp.source_port : seen->tcp.dest_port);
    bool opens = from_client && seen->tcp.flags & TCP_SYN, is_ack = from_client && !opens && seen->tcp.flags & TCP_ACK;

    if (opens)
        *flow = (struct fault_flow){.port = flow->port, .last_ns = now_ns};
    switch (fault->kind) {
    case FAULT_LAST_ACK:
        if (!is_ack || flow->is_acked)
            return PASS;
        flow->is_acked = true;
        return DROP;
    case FAULT_ONE_WAY:
        fault->begun |= is_ack;
        return fault->begun && !from_client ? DROP : PASS;
    case FAULT_CUT:
    case FAULT_RESTART:
        if (fault->begun)
            return DROP;
        return !fault->over && !from_client && seen->payload ? on_answer(fault, packet, seen, now_ns) : PASS;
    case FAULT_RESET:
        return cut_and_reset(fault, flow, from_client, packet, seen, now_ns);
    case FAULT_SLOW_30:
    case FAULT_SLOW_120:
        return from_client ? PASS : hold(flow, seen, (fault->kind == FAULT_SLOW_30 ? 30 : 120) * NS_PER_S, now_ns);
    case FAULT_TRICKLE:
        return from_client ? PASS : trickle(fault, flow, packet, seen, now_ns);
    case FAULT_END:
        return from_client ? PASS : cut_and_end(flow, packet, seen);
    case FAULT_NAT:
    case FAULT_NAT_RST:
        return translate(fault, flow, from_client, packet, seen, now_ns);
    default:
        return PASS;
    }
}

static int64_t filter_answer(struct fault *fault, struct lil_packet *packet, struct seen *seen)
{
    switch (fault->kind) {
    case FAULT_LATE:
        return (int64_t)late_ns;
    case FAULT_HALF:
        return halve(packet, seen);
    case FAULT_PORT:
        if (!seen->transport)
            return DROP;
        seen->udp.source_port++;
        rewrite(packet, seen, 0);
        return PASS;
    default:
        return PASS;
    }
}

static int64_t filter(void *ctx, int direction, struct lil_packet *packet, uint64_t now_ns)
{
    struct fault *fault = ctx;
    struct seen seen = look_at(packet);

    if (fault->kind == FAULT_DELAY)
        return seen.headers ? (int64_t)delay_ns : PASS;
    if (seen.is_udp)
        return direction != fault->from_client ? filter_answer(fault, packet, &seen) : PASS;
    return seen.transport ? filter_tcp(fault, direction == fault->from_client, packet, &seen, now_ns) : PASS;
}

static int install(struct zoo *zoo, struct lil_link *link, int from_client, enum fault_kind kind)
{
    struct fault *fault = calloc(1, sizeof *fault);

    if (!fault)
        return -ENOMEM;
    *fault = (struct fault){.next = zoo->faults, .kind = kind, .zoo = zoo, .link = link, .from_client = from_client};
    zoo->faults = fault;
    lil_link_set_filter(link, filter, fault);
    return 0;
}

int fault_on_path(struct zoo *zoo, struct lil_link *link, enum fault_kind kind) { return install(zoo, link, 1, kind); }

int fault_on_server(struct zoo *zoo, struct lil_host *server, enum fault_kind kind)
{
    struct lil_link *link = lil_world_link_of(zoo->world, server, ZOO_LAN_IFINDEX);
    return link ? install(zoo, link, 2, kind) : -ENODEV;
}

void faults_free(struct zoo *zoo)
{
    for (struct fault *fault; (fault = zoo->faults); free(fault))
        zoo->faults = fault->next;
}
