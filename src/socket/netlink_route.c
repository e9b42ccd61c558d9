/* netlink_route.c: rtnetlink(7) questions: RTM_GETLINK, GETADDR, GETROUTE (all, and the way to one address), GETNEIGH,
 * GETRULE. The attributes are those that iproute2, glibc and Go read. The local table is made up from the addresses. */
#include <net/if.h>
#include <net/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include "ip/route.h"
#include "link/neighbor.h"
#include "socket/netlink.h"

enum { LOWER_UP = 1 << 16, OPERSTATE_UNKNOWN = 0, OPERSTATE_DOWN = 2, OPERSTATE_UP = 6, ETHERNET_ADDRESS = 6, QUEUE_LENGTH = 1000 };

struct dump {
    const struct nl_request *request;
    struct nl_out *out;
    uint8_t family;       /* AF_UNSPEC: all */
    uint32_t table;       /* RT_TABLE_UNSPEC: all */
    int ifindex;          /* 0: all */
    const char *name;     /* NULL: any */
    const struct prefix *only; /* this address; NULL: any */
    bool is_found, is_gone;
};

/* RTM_NEW..., or of what is gone RTM_DEL... */
static void begin(const struct dump *dump, uint16_t type, const void *body, size_t size)
{
    nl_begin(dump->out, dump->is_gone ? type + 1 : type, body, size);
}

static uint8_t family_of(const struct addr *addr)
{
    return addr_is_v4(addr) ? AF_INET : AF_INET6;
}

static uint8_t length_of(const struct prefix *prefix)
{
    return (uint8_t)(prefix->length - (prefix->length >= 96 && addr_is_v4(&prefix->addr) ? 96 : 0));
}

static bool is_v4_prefix(const struct prefix *prefix)
{
    return prefix->length >= 96 && addr_is_v4(&prefix->addr);
}

static bool wants_family(const struct dump *dump, uint8_t family)
{
    return dump->family == AF_UNSPEC || dump->family == family;
}

/* --- links ------------------------------------------------------------------------------------ */
static void put_statistics(struct nl_out *out, const struct host_interface_view *view)
{
    struct rtnl_link_stats64 all = {
        .rx_packets = view->packets_in, .tx_packets = view->packets_out, .rx_bytes = view->bytes_in, .tx_bytes = view->bytes_out};
    struct rtnl_link_stats old = {.rx_packets = (uint32_t)view->packets_in, .tx_packets = (uint32_t)view->packets_out,
                                  .rx_bytes = (uint32_t)view->bytes_in, .tx_bytes = (uint32_t)view->bytes_out};

    nl_put(out, IFLA_STATS64, &all, sizeof all);
    nl_put(out, IFLA_STATS, &old, sizeof old);
}

static bool put_link(void *ctx, const struct host_interface_view *view)
{
    struct dump *dump = ctx;
    struct nl_out *out = dump->out;
    bool is_loopback = view->kind == LIL_LOOPBACK, is_ethernet = view->kind == LIL_ETHERNET;
    struct ifinfomsg body = {.ifi_type = is_loopback   ? ARPHRD_LOOPBACK
                                         : is_ethernet ? ARPHRD_ETHER
                                                       : ARPHRD_NONE,
                             .ifi_index = view->ifindex};
    static const uint8_t broadcast[ETHERNET_ADDRESS] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, none[ETHERNET_ADDRESS];

    if ((dump->ifindex && dump->ifindex != view->ifindex) || (dump->name && strcmp(dump->name, view->name) != 0))
        return true;
    dump->is_found = true;
    body.ifi_flags = (view->up ? IFF_UP | IFF_RUNNING | LOWER_UP : 0) |
                     (is_loopback   ? IFF_LOOPBACK
                      : is_ethernet ? IFF_BROADCAST | IFF_MULTICAST
                                    : IFF_POINTOPOINT | IFF_NOARP | IFF_MULTICAST);
    begin(dump, RTM_NEWLINK, &body, sizeof body);
    nl_put_text(out, IFLA_IFNAME, view->name);
    nl_put_u32(out, IFLA_TXQLEN, QUEUE_LENGTH);
    nl_put_u8(out, IFLA_OPERSTATE, is_loopback ? OPERSTATE_UNKNOWN : view->up ? OPERSTATE_UP : OPERSTATE_DOWN);
    nl_put_u8(out, IFLA_LINKMODE, 0);
    nl_put_u32(out, IFLA_MTU, view->mtu);
    nl_put_u32(out, IFLA_GROUP, 0);
    nl_put_u32(out, IFLA_PROMISCUITY, 0);
    nl_put_u32(out, IFLA_NUM_TX_QUEUES, 1);
    nl_put_u32(out, IFLA_NUM_RX_QUEUES, 1);
    nl_put_u8(out, IFLA_CARRIER, view->up);
    nl_put_text(out, IFLA_QDISC, "noqueue");
    if (is_loopback || is_ethernet) {
        nl_put(out, IFLA_ADDRESS, is_ethernet ? view->mac.b : none, ETHERNET_ADDRESS);
        nl_put(out, IFLA_BROADCAST, is_ethernet ? broadcast : none, ETHERNET_ADDRESS);
    }
    put_statistics(out, view);
    nl_end(out);
    return true;
}

static int get_links(struct dump *dump)
{
    struct ifinfomsg body;
    char name[IFNAMSIZ] = "";
    size_t length;
    const uint8_t *text;

    nl_body(dump->request, &body, sizeof body);
    text = nl_find(dump->request, sizeof body, IFLA_IFNAME, &length);
    if (!text)
        text = nl_find(dump->request, sizeof body, IFLA_ALT_IFNAME, &length);
    if (!dump->request->is_dump) {
        dump->ifindex = body.ifi_index;
        if (text) {
            memcpy(name, text, length < sizeof name - 1 ? length : sizeof name - 1);
            dump->name = name;
        } else if (!body.ifi_index) {
            return -EINVAL;
        }
    }
    host_each_interface(dump->request->host, put_link, dump);
    return dump->is_found ? 0 : -ENODEV;
}

/* --- addresses -------------------------------------------------------------------------------- */
static uint8_t scope_of(const struct addr *addr)
{
    return addr_is_loopback(addr) ? RT_SCOPE_HOST : addr_is_link_local(addr) && !addr_is_v4(addr) ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
}

static bool put_addresses(void *ctx, const struct host_interface_view *view)
{
    struct dump *dump = ctx;
    struct nl_out *out = dump->out;
    struct ifa_cacheinfo forever = {.ifa_prefered = UINT32_MAX, .ifa_valid = UINT32_MAX};

    if (dump->ifindex && dump->ifindex != view->ifindex)
        return true;
    for (unsigned i = 0; i < view->address_count; i++) {
        const struct prefix *one = &view->addresses[i];
        bool is_v4 = addr_is_v4(&one->addr);
        uint8_t flags = address_is_secondary(view->addresses, i) ? IFA_F_PERMANENT | IFA_F_SECONDARY : IFA_F_PERMANENT;
        struct ifaddrmsg body = {.ifa_family = family_of(&one->addr), .ifa_prefixlen = length_of(one), .ifa_flags = flags,
                                 .ifa_scope = scope_of(&one->addr), .ifa_index = (uint32_t)view->ifindex};
        if (body.ifa_family != dump->family || (dump->only && !addr_equal(&dump->only->addr, &one->addr)))
            continue;
        begin(dump, RTM_NEWADDR, &body, sizeof body);
        nl_put_addr(out, IFA_ADDRESS, &one->addr);
        if (is_v4)
            nl_put_addr(out, IFA_LOCAL, &one->addr);
        if (is_v4 && view->kind == LIL_ETHERNET && one->length < 96 + 31) {
            struct addr broadcast = prefix_broadcast(one);
            nl_put_addr(out, IFA_BROADCAST, &broadcast);
        }
        if (is_v4)
            nl_put_text(out, IFA_LABEL, view->name);
        nl_put_u32(out, IFA_FLAGS, flags);
        nl_put(out, IFA_CACHEINFO, &forever, sizeof forever);
        nl_end(out);
    }
    return true;
}

static int get_addresses(struct dump *dump)
{
    struct ifaddrmsg body;
    uint8_t asked = dump->family;

    nl_body(dump->request, &body, sizeof body);
    dump->ifindex = (int)body.ifa_index;
    if (!dump->request->is_dump)
        return -EOPNOTSUPP;
    for (unsigned i = 0; i < 2; i++) {
        dump->family = i ? AF_INET6 : AF_INET;
        if (asked == AF_UNSPEC || asked == dump->family)
            host_each_interface(dump->request->host, put_addresses, dump);
    }
    return 0;
}

/* --- routes ----------------------------------------------------------------------------------- */
static void put_metrics(struct nl_out *out, const struct route *route)
{
    const struct path_metrics *m = &route->metrics;
    const struct { uint16_t type; uint32_t value; } numbers[] = {
        {RTAX_MTU, m->mtu}, {RTAX_WINDOW, m->window}, {RTAX_ADVMSS, m->advmss}, {RTAX_HOPLIMIT, m->hop_limit},
        {RTAX_INITCWND, m->initcwnd}, {RTAX_FEATURES, m->ecn ? RTAX_FEATURE_ECN : 0}, {RTAX_RTO_MIN, m->rto_min_ms},
        {RTAX_INITRWND, m->initrwnd}, {RTAX_QUICKACK, m->quickack},
        {RTAX_FASTOPEN_NO_COOKIE, m->fastopen_no_cookie}};
    unsigned nest;

    if (memcmp(&route->metrics, &(struct path_metrics){0}, sizeof route->metrics) == 0)
        return;
    nest = nl_nest(out, RTA_METRICS);
    for (unsigned i = 0; i < ARRAY_COUNT(numbers); i++)
        if (numbers[i].value)
            nl_put_u32(out, numbers[i].type, numbers[i].value);
    nl_nest_end(out, nest);
}

static bool put_route(void *ctx, const struct route *route, int ifindex)
{
    static const uint8_t types[] = {[ROUTE_UNICAST] = RTN_UNICAST, [ROUTE_UNREACHABLE] = RTN_UNREACHABLE, [ROUTE_PROHIBIT] = RTN_PROHIBIT,
                                    [ROUTE_BLACKHOLE] = RTN_BLACKHOLE};
    struct dump *dump = ctx;
    struct nl_out *out = dump->out;
    bool is_v4 = is_v4_prefix(&route->prefix);
    struct rtmsg body = {.rtm_family = is_v4 ? AF_INET : AF_INET6, .rtm_dst_len = length_of(&route->prefix), .rtm_table = RT_TABLE_MAIN,
                         .rtm_type = types[route->kind]};

    if (body.rtm_family != dump->family || (dump->table && dump->table != RT_TABLE_MAIN))
        return true;
    if (route->connected && addr_is_loopback(&route->prefix.addr)) /* Linux has it in the local table only */
        return true;
    body.rtm_protocol = route->redirect ? RTPROT_REDIRECT : route->connected ? RTPROT_KERNEL : RTPROT_BOOT;
    body.rtm_scope = is_v4 && route->kind == ROUTE_UNICAST && !route->has_gateway ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
    begin(dump, RTM_NEWROUTE, &body, sizeof body);
    nl_put_u32(out, RTA_TABLE, RT_TABLE_MAIN);
    if (body.rtm_dst_len)
        nl_put_addr(out, RTA_DST, &route->prefix.addr);
    if (route->metric)
        nl_put_u32(out, RTA_PRIORITY, route->metric);
    if (route->has_source && is_v4 == addr_is_v4(&route->source) && (is_v4 || !route->connected))
        nl_put_addr(out, RTA_PREFSRC, &route->source);
    if (route->has_gateway)
        nl_put_addr(out, RTA_GATEWAY, &route->gateway);
    if (ifindex)
        nl_put_u32(out, RTA_OIF, (uint32_t)ifindex);
    put_metrics(out, route);
    nl_end(out);
    return true;
}

static void put_local(struct dump *dump, const struct addr *to, unsigned length, const struct addr *from, int ifindex, uint8_t type)
{
    struct nl_out *out = dump->out;
    struct rtmsg body = {.rtm_family = dump->family,
                         .rtm_dst_len = (uint8_t)length,
                         .rtm_table = RT_TABLE_LOCAL,
                         .rtm_protocol = RTPROT_KERNEL,
                         .rtm_scope = type == RTN_BROADCAST     ? RT_SCOPE_LINK
                                      : dump->family == AF_INET ? RT_SCOPE_HOST
                                                                : RT_SCOPE_UNIVERSE,
                         .rtm_type = type};

    nl_begin(out, RTM_NEWROUTE, &body, sizeof body);
    nl_put_u32(out, RTA_TABLE, RT_TABLE_LOCAL);
    nl_put_addr(out, RTA_DST, to);
    if (from && dump->family == AF_INET)
        nl_put_addr(out, RTA_PREFSRC, from);
    nl_put_u32(out, RTA_OIF, (uint32_t)ifindex);
    nl_end(out);
}

static bool put_local_table(void *ctx, const struct host_interface_view *view)
{
    struct dump *dump = ctx;

    for (unsigned i = 0; view->up && i < view->address_count; i++) {
        const struct prefix *one = &view->addresses[i];
        bool is_v4 = addr_is_v4(&one->addr);
        if (family_of(&one->addr) != dump->family)
            continue;
        if (is_v4 && addr_is_loopback(&one->addr)) {
            struct addr net = addr_v4(0x7f000000);
            put_local(dump, &net, length_of(one), &one->addr, view->ifindex, RTN_LOCAL);
        }
        put_local(dump, &one->addr, is_v4 ? 32 : 128, &one->addr, view->ifindex, RTN_LOCAL);
        if (is_v4 && one->length < 96 + 31) {
            struct addr broadcast = prefix_broadcast(one);
            put_local(dump, &broadcast, 32, &one->addr, view->ifindex, RTN_BROADCAST);
        }
    }
    return true;
}

/* What `ip route get` prints: the way to one address now. */
static int get_way(struct dump *dump)
{
    const struct nl_request *request = dump->request;
    struct nl_out *out = dump->out;
    struct host_way_view way;
    struct addr to = {0}, from;
    struct rtmsg body,
        answer = {
            .rtm_family = dump->family, .rtm_table = RT_TABLE_MAIN, .rtm_flags = RTM_F_CLONED, .rtm_type = RTN_UNICAST};
    struct rta_cacheinfo cache = {0};
    uint32_t ifindex = 0;
    int result;

    nl_body(request, &body, sizeof body);
    if (dump->family != AF_INET && dump->family != AF_INET6)
        return -EINVAL;
    if (!nl_find_addr(request, sizeof body, RTA_DST, &to) && dump->family == AF_INET)
        to = addr_v4(0);
    nl_find_u32(request, sizeof body, RTA_OIF, &ifindex);
    result = host_look_up(request->host, &to, (int)ifindex, &way);
    if (result < 0)
        return result;
    answer.rtm_dst_len = dump->family == AF_INET ? 32 : 128;
    if (way.kind == HOST_ADDR_LOCAL) {
        answer.rtm_type = RTN_LOCAL;
        answer.rtm_table = RT_TABLE_LOCAL;
    } else if (way.kind == HOST_ADDR_BROADCAST || way.kind == HOST_ADDR_MULTICAST) {
        answer.rtm_type = way.kind == HOST_ADDR_BROADCAST ? RTN_BROADCAST : RTN_MULTICAST;
    }
    from = way.source;
    if (nl_find_addr(request, sizeof body, RTA_SRC, &from) && host_address_kind(request->host, &from) != HOST_ADDR_LOCAL)
        return -EINVAL;
    nl_begin(out, RTM_NEWROUTE, &answer, sizeof answer);
    nl_put_u32(out, RTA_TABLE, answer.rtm_table);
    nl_put_addr(out, RTA_DST, &to);
    nl_put_u32(out, RTA_OIF, (uint32_t)way.ifindex);
    if (family_of(&from) == dump->family)
        nl_put_addr(out, RTA_PREFSRC, &from);
    if (way.has_gateway)
        nl_put_addr(out, RTA_GATEWAY, &way.gateway);
    nl_put_u32(out, RTA_UID, 0);
    if (way.mtu) {
        unsigned nest = nl_nest(out, RTA_METRICS);
        nl_put_u32(out, RTAX_MTU, way.mtu);
        nl_nest_end(out, nest);
        if (way.expires_ns != LIL_NEVER) /* in clock ticks of 10 ms */
            cache.rta_expires = (int)((way.expires_ns - lil_host_now(request->host)) / (10 * NS_PER_MS));
    }
    nl_put(out, RTA_CACHEINFO, &cache, sizeof cache);
    nl_end(out);
    return 0;
}

static int get_routes(struct dump *dump)
{
    struct rtmsg body;
    uint8_t asked = dump->family;

    if (!dump->request->is_dump)
        return get_way(dump);
    nl_body(dump->request, &body, sizeof body);
    dump->table = body.rtm_table;
    nl_find_u32(dump->request, sizeof body, RTA_TABLE, &dump->table);
    if (body.rtm_flags & RTM_F_CLONED) /* the cache */
        return 0;
    for (unsigned i = 0; i < 2; i++) {
        dump->family = i ? AF_INET6 : AF_INET;
        if (asked != AF_UNSPEC && asked != dump->family)
            continue;
        host_each_route(dump->request->host, put_route, dump);
        if (!dump->table || dump->table == RT_TABLE_LOCAL)
            host_each_interface(dump->request->host, put_local_table, dump);
    }
    return 0;
}

/* --- neighbours ------------------------------------------------------------------------------- */
static bool put_neighbor(void *ctx, const struct neighbor *neighbor)
{
    static const uint8_t states[] = {
        [NEIGHBOR_INCOMPLETE] = NUD_INCOMPLETE, [NEIGHBOR_REACHABLE] = NUD_REACHABLE, [NEIGHBOR_STALE] = NUD_STALE,
        [NEIGHBOR_DELAY] = NUD_DELAY,           [NEIGHBOR_PROBE] = NUD_PROBE,         [NEIGHBOR_HOLD] = NUD_FAILED};
    struct dump *dump = ctx;
    struct nl_out *out = dump->out;
    struct ndmsg body = {.ndm_family = family_of(&neighbor->addr), .ndm_ifindex = neighbor->ifindex, .ndm_state = states[neighbor->state],
                         .ndm_type = RTN_UNICAST};
    struct nda_cacheinfo cache = {0};

    if (!wants_family(dump, body.ndm_family) || (dump->ifindex && dump->ifindex != neighbor->ifindex))
        return true;
    if (neighbor->permanent)
        body.ndm_state = NUD_PERMANENT;
    else if (neighbor->state == NEIGHBOR_REACHABLE && lil_host_now(dump->request->host) >= neighbor->fresh_until_ns)
        body.ndm_state = NUD_STALE;
    begin(dump, RTM_NEWNEIGH, &body, sizeof body);
    nl_put_addr(out, NDA_DST, &neighbor->addr);
    if (body.ndm_state != NUD_INCOMPLETE && body.ndm_state != NUD_FAILED)
        nl_put(out, NDA_LLADDR, neighbor->mac.b, sizeof neighbor->mac.b);
    nl_put(out, NDA_CACHEINFO, &cache, sizeof cache);
    nl_put_u32(out, NDA_PROBES, neighbor->asks);
    nl_end(out);
    return true;
}

static int get_neighbors(struct dump *dump)
{
    struct ndmsg body;
    uint32_t ifindex = 0;

    nl_body(dump->request, &body, sizeof body);
    if (!dump->request->is_dump)
        return -EOPNOTSUPP;
    if (body.ndm_flags & NTF_PROXY)
        return 0;
    nl_find_u32(dump->request, sizeof body, NDA_IFINDEX, &ifindex);
    dump->ifindex = ifindex ? (int)ifindex : body.ndm_ifindex;
    host_each_neighbor(dump->request->host, put_neighbor, dump);
    return 0;
}

/* --- rules: the three that every Linux host begins with --------------------------------------- */
static int get_rules(struct dump *dump)
{
    static const struct {
        uint32_t priority, table;
        bool is_v4_only;
    } rules[] = {{0, RT_TABLE_LOCAL, false}, {32766, RT_TABLE_MAIN, false}, {32767, RT_TABLE_DEFAULT, true}};

    if (!dump->request->is_dump)
        return -EOPNOTSUPP;
    for (unsigned i = 0; i < ARRAY_COUNT(rules); i++) {
        struct rtmsg body = {.rtm_family = dump->family ? dump->family : AF_INET,
                             .rtm_table = (uint8_t)rules[i].table,
                             .rtm_type = RTN_UNICAST};
        if (rules[i].is_v4_only && body.rtm_family == AF_INET6)
            continue;
        nl_begin(dump->out, RTM_NEWRULE, &body, sizeof body);
        nl_put_u32(dump->out, 15 /* FRA_TABLE */, rules[i].table);
        nl_put_u32(dump->out, 14 /* FRA_SUPPRESS_PREFIXLEN */, UINT32_MAX);
        if (rules[i].priority)
            nl_put_u32(dump->out, 6 /* FRA_PRIORITY */, rules[i].priority);
        nl_end(dump->out);
    }
    return 0;
}

int netlink_route_request(const struct nl_request *request, struct nl_out *out)
{
    struct dump dump = {.request = request, .out = out, .family = request->length ? request->body[0] : 0};

    switch (request->header->nlmsg_type) {
    case RTM_GETLINK: return get_links(&dump);
    case RTM_GETADDR: return get_addresses(&dump);
    case RTM_GETROUTE: return get_routes(&dump);
    case RTM_GETNEIGH: return get_neighbors(&dump);
    case RTM_GETRULE: return get_rules(&dump);
    default: return -EOPNOTSUPP;
    }
}

unsigned netlink_route_news(struct lil_host *host, struct nl_out *out, enum host_change what, const void *it, int ifindex, bool is_gone)
{
    const struct nl_request nobody = {.host = host};
    struct dump dump = {.request = &nobody, .out = out, .ifindex = ifindex, .is_gone = is_gone};
    const struct neighbor *neighbor = it;
    const struct route *route = it;

    switch (what) {
    case HOST_LINK:
        host_each_interface(host, put_link, &dump);
        return RTNLGRP_LINK;
    case HOST_ADDRESS:
        dump.only = it;
        dump.family = family_of(&dump.only->addr);
        host_each_interface(host, put_addresses, &dump);
        return dump.family == AF_INET ? RTNLGRP_IPV4_IFADDR : RTNLGRP_IPV6_IFADDR;
    case HOST_ROUTE:
        dump.family = is_v4_prefix(&route->prefix) ? AF_INET : AF_INET6;
        put_route(&dump, route, ifindex);
        return dump.family == AF_INET ? RTNLGRP_IPV4_ROUTE : RTNLGRP_IPV6_ROUTE;
    default:
        dump.ifindex = 0;
        put_neighbor(&dump, neighbor);
        return RTNLGRP_NEIGH;
    }
}
