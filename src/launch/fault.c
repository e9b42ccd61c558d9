/* fault.c: faults that begin at a moment of the conversation: a filter on the uplink that reads the TCP packets which
 * pass, and acts. A "server without memory" is a second host with the server's addresses on a link of its own: core's route is
 * turned towards it, and it answers what it does not know with an RST (RFC 9293 3.5.2, group 1). */
#include <stdlib.h>
#include "launch/cases.h"
#include "wire/wire.h"

static const uint64_t delay_ns = 2 * NS_PER_S;
static const uint64_t restart_ns = 5 * NS_PER_S, nat_idle_ns = 60 * NS_PER_S, late_ns = 30 * NS_PER_S;
enum { PASS = 0, DROP = 1, FROM_CLIENT = 1 };

struct fault {
    enum fault_kind kind;
    struct zoo *zoo;
    bool begun, done;
    uint64_t last_ns;  /* of a packet of any connection */
};

struct seen {
    bool is_ip, is_tcp, is_udp, syn, ack, rst;
    size_t payload;
};

static struct seen look_at(struct lil_packet *packet)
{
    uint8_t bytes[256];
    size_t have = lil_packet_read(packet, 0, bytes, sizeof bytes), length = lil_packet_length(packet);
    struct eth eth;
    struct ip ip;
    struct tcphdr_ tcp;
    struct seen seen = {0};
    int link = eth_parse(&eth, bytes, have), header;

    if (link < 0)
        return seen;
    /* what follows the headers need not be there: only lengths are read */
    header = eth.type == ETHERTYPE_V4 ? ipv4_parse(&ip, bytes + link, length - (size_t)link)
             : eth.type == ETHERTYPE_V6 ? ipv6_parse(&ip, bytes + link, have - (size_t)link) : -EINVAL;
    if (header < 0 && eth.type == ETHERTYPE_V6 && have > (size_t)link + IPV6_LENGTH) { /* a long one: its payload is beyond our bytes */
        header = IPV6_LENGTH;
        ip.protocol = bytes[link + 6];
        ip.ttl = bytes[link + 7];
        ip.payload_length = (uint32_t)(length - (size_t)link - IPV6_LENGTH);
    }
    seen.is_ip = header > 0 && !(ip.protocol == IPPROTO_ICMPV6 && ip.ttl == 255); /* ND's hop limit: RFC 4861 4.3 */
    seen.is_udp = header > 0 && ip.protocol == IPPROTO_UDP;
    if (header < 0 || ip.protocol != IPPROTO_TCP || tcphdr_parse(&tcp, bytes + link + header, have - (size_t)(link + header)) < 0)
        return seen;
    seen.is_tcp = true;
    seen.syn = tcp.flags & TCP_SYN;
    seen.ack = tcp.flags & TCP_ACK;
    seen.rst = tcp.flags & TCP_RST;
    seen.payload = ip.payload_length - tcp.header_length;
    return seen;
}

static void turn_route(void *ctx, uint64_t now_ns)
{
    struct fault *fault = ctx;
    (void)now_ns;
    fault->done = true;
    lil_route_add(fault->zoo->core, "203.0.113.10/32", "172.16.1.2");
    lil_route_add(fault->zoo->core, "2001:db8:f::10/128", "2001:db8:0:3::2");
}

/* A server of the user's own cannot be crashed with its host: its cable is pulled, which looks the same from here. */
static void crash_server(void *ctx, uint64_t now_ns)
{
    struct fault *fault = ctx;
    (void)now_ns;
    if (fault->zoo->own_server)
        lil_interface_set_up(fault->zoo->target, ZOO_LAN_IFINDEX, false);
    else
        lil_world_crash(fault->zoo->world, fault->zoo->target);
}

static int64_t on_answer(struct fault *fault, uint64_t now_ns)
{
    struct lil_world *world = fault->zoo->world;

    fault->begun = true;
    lil_world_at(world, now_ns, crash_server, fault);
    if (fault->kind == FAULT_RESTART)
        lil_world_at(world, now_ns + restart_ns, turn_route, fault);
    if (fault->kind == FAULT_FORGET)
        lil_world_at(world, now_ns, turn_route, fault);
    return PASS;
}

static int64_t filter(void *ctx, int direction, struct lil_packet *packet, uint64_t now_ns)
{
    struct fault *fault = ctx;
    struct seen seen = look_at(packet);
    bool idle = fault->last_ns && now_ns - fault->last_ns > nat_idle_ns;

    if (fault->kind == FAULT_DELAY)
        return seen.is_ip ? (int64_t)delay_ns : PASS;
    if (fault->kind == FAULT_LATE)
        return seen.is_udp && direction != FROM_CLIENT ? (int64_t)late_ns : PASS;
    if (!seen.is_tcp)
        return PASS;
    switch (fault->kind) {
    case FAULT_LAST_ACK:
        if (direction == FROM_CLIENT && seen.ack && !seen.syn && !fault->done) {
            fault->done = true;
            return DROP;
        }
        return PASS;
    case FAULT_ONE_WAY:
        fault->begun |= direction == FROM_CLIENT && seen.ack && !seen.syn;
        return fault->begun && direction != FROM_CLIENT ? DROP : PASS;
    case FAULT_CUT:
    case FAULT_RESTART:
    case FAULT_FORGET:
        if (fault->begun && !fault->done)
            return DROP;
        return !fault->begun && direction != FROM_CLIENT && seen.payload ? on_answer(fault, now_ns) : PASS;
    case FAULT_NAT:
        if (idle && !seen.syn) /* the mapping is gone, and no packet but a SYN makes a new one */
            return DROP;
        fault->last_ns = now_ns;
        return PASS;
    case FAULT_NAT_RST:
        if (idle && !fault->begun) {
            fault->begun = true;
            lil_world_at(fault->zoo->world, now_ns, turn_route, fault);
        }
        fault->last_ns = now_ns;
        return PASS;
    case FAULT_DELAY:
    case FAULT_LATE:
        break;
    }
    return PASS;
}

/* The server without memory, for the faults that turn the route. */
static int add_twin(struct zoo *zoo)
{
    struct lil_link_config wire = {.delay_ns = NS_PER_MS};
    struct lil_host *twin = lil_world_host(zoo->world, "twin", "linux");
    int rc = 0;

    if (!twin || !lil_world_link(zoo->world, zoo->core, "172.16.1.1/30", twin, "172.16.1.2/30", &wire))
        return -ENOMEM;
    rc = rc ? rc : lil_address_add(zoo->core, ZOO_LAN_IFINDEX + 2, "2001:db8:0:3::1/64");
    rc = rc ? rc : lil_address_add(twin, ZOO_LAN_IFINDEX, "2001:db8:0:3::2/64");
    rc = rc ? rc : lil_address_add(twin, ZOO_LAN_IFINDEX, "203.0.113.10/32");
    rc = rc ? rc : lil_address_add(twin, ZOO_LAN_IFINDEX, "2001:db8:f::10/128");
    rc = rc ? rc : lil_route_add(twin, "default", "172.16.1.1");
    return rc ? rc : lil_route_add(twin, "::/0", "2001:db8:0:3::1");
}

int fault_install(struct zoo *zoo, enum fault_kind kind)
{
    int rc = 0;

    zoo->fault = calloc(1, sizeof *zoo->fault);
    if (!zoo->fault)
        return -ENOMEM;
    *zoo->fault = (struct fault){.kind = kind, .zoo = zoo};
    if (kind == FAULT_RESTART || kind == FAULT_NAT_RST || kind == FAULT_FORGET)
        rc = add_twin(zoo);
    lil_link_set_filter(zoo->uplink, filter, zoo->fault);
    return rc;
}
