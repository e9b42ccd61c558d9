/* host_way.c: from a destination to a way: local, direct, by a gateway, broadcast, multicast, or an error; cached by
 * destination (a compare per packet), invalidated by the host's generation. Read struct way in host_inner.h first. */
#include "host/host_inner.h"

static void way_error(struct way *way, int error, enum lil_drop drop, uint8_t icmp4_code, uint8_t icmp6_code)
{
    way->kind = WAY_ERROR;
    way->error = error ? error : ENETUNREACH; /* a profile may name none */
    way->drop = (uint8_t)drop;
    way->icmp4_code = icmp4_code;
    way->icmp6_code = icmp6_code;
}

static uint32_t interface_mtu(const struct interface *interface)
{
    return min_u32(interface->mtu, 65535); /* an IP packet is no longer (the loopback's 65,536) */
}

static void way_local(struct lil_host *host, struct way *way)
{
    way->kind = WAY_LOCAL;
    way->interface = host->interfaces[HOST_LOOPBACK - 1];
    way->mtu = interface_mtu(way->interface);
    way->next_hop = way->source = way->remote;
    if (addr_is_v4(&way->remote) && addr_is_loopback(&way->remote) && !interface_has_address(way->interface, &way->remote))
        way->source = addr_v4(INADDR_LOOPBACK);
}

/* Multicast and limited broadcast have no route of their own: the default's interface, else the first that is up. */
static struct interface *group_interface(struct lil_host *host, const struct addr *remote, uint32_t ifindex)
{
    if (ifindex)
        return host_interface(host, (int)ifindex);
    const struct route *route = routes_find(&host->routes, remote, 0);
    if (route && route->kind == ROUTE_UNICAST && route->ifindex)
        return host_interface(host, route->ifindex);
    for (int i = 1; i < host->interface_count; i++)
        if (host->interfaces[i]->up)
            return host->interfaces[i];
    return NULL;
}

static void way_group(struct lil_host *host, struct way *way, uint32_t ifindex, enum way_kind kind)
{
    way->interface = group_interface(host, &way->remote, ifindex);
    if (!way->interface) {
        way_error(way, ENETUNREACH, LIL_DROP_NO_ROUTE, 0, 0);
        return;
    }
    way->kind = (uint8_t)kind;
    way->next_hop = way->remote;
    way->mtu = interface_mtu(way->interface);
    host_source_for(host, way->interface, &way->remote, &way->source);
}

static bool way_refused(struct way *way, const struct route *route)
{
    switch (route->kind) {
    case ROUTE_UNREACHABLE:
        way_error(way, EHOSTUNREACH, LIL_DROP_ROUTE_UNREACHABLE, route->icmp4_code, route->icmp6_code);
        return true;
    case ROUTE_PROHIBIT:
        way_error(way, EACCES, LIL_DROP_ROUTE_PROHIBIT, route->icmp4_code, route->icmp6_code);
        return true;
    case ROUTE_BLACKHOLE:
        way_error(way, EINVAL, LIL_DROP_ROUTE_BLACKHOLE, 0, 0);
        return true;
    default:
        return false;
    }
}

static void way_unicast(struct lil_host *host, struct way *way, uint32_t ifindex)
{
    const struct route *route = routes_find(&host->routes, &way->remote, (int)ifindex);
    if (route && way_refused(way, route))
        return;
    int out = route ? route->ifindex : 0;
    if (route && !out && route->has_gateway) { /* "via A" without a device: the gateway's own net says */
        const struct route *via = routes_find(&host->routes, &route->gateway, 0);
        out = via && via->kind == ROUTE_UNICAST && !via->has_gateway ? via->ifindex : 0;
    }
    struct interface *interface = host_interface(host, out);
    if (!interface || !interface->up) {
        way_error(way, host->profile->ip.no_route_error, LIL_DROP_NO_ROUTE, 0, 0);
        return;
    }
    way->kind = WAY_UNICAST;
    way->interface = interface;
    way->is_gateway = route->has_gateway;
    way->is_connected = route->connected;
    way->next_hop = route->has_gateway ? route->gateway : way->remote;
    way->mtu = interface_mtu(interface);
    if (route->metrics.mtu)
        way->mtu = min_u32(way->mtu, route->metrics.mtu);
    if (memcmp(&route->metrics, &(struct path_metrics){0}, sizeof route->metrics) != 0)
        way->metrics = &route->metrics;
    if (route->has_source && !route->connected)
        way->source = route->source;
    else if (!host_source_for(host, interface, &way->remote, &way->source) && !interface->accept_any)
        way_error(way, EADDRNOTAVAIL, LIL_DROP_NO_ROUTE, 0, 0);
    uint64_t expires_ns = LIL_NEVER;
    if (route->metrics.mtu_lock)
        return;
    uint32_t pmtu = pmtu_find(&host->pmtu, &way->remote, host->now_ns, &expires_ns);
    if (pmtu && pmtu < way->mtu) {
        way->mtu = pmtu;
        way->expires_ns = expires_ns;
    }
}

static struct tcp_path path_of(const struct way *way)
{
    const struct interface *interface = way->interface;
    return (struct tcp_path){
        .local = way->source,
        .ifindex = interface->ifindex,
        .mtu = way->mtu,
        .link_mtu = interface_mtu(interface),
        .gso_max = way->mtu >= interface_mtu(interface) ? interface->gso_max : 0,
        .metrics = way->metrics,
        .is_local_net = way->kind == WAY_LOCAL || way->is_connected,
        .csum_offload = interface->csum_offload,
        .is_loopback = way->kind == WAY_LOCAL,
    };
}

static void way_make(struct lil_host *host, struct way *way, const struct addr *remote, uint32_t ifindex)
{
    *way = (struct way){.remote = *remote, .generation = host->generation, .expires_ns = LIL_NEVER};
    if (addr_is_any(remote))
        way_error(way, ENETUNREACH, LIL_DROP_NO_ROUTE, 0, 0);
    else if (addr_is_multicast(remote))
        way_group(host, way, ifindex, WAY_MULTICAST);
    else if (host_is_local(host, remote))
        way_local(host, way);
    else if (addr_is_limited_broadcast(remote))
        way_group(host, way, ifindex, WAY_BROADCAST);
    else
        way_unicast(host, way, ifindex);
    way->is_group = addr_is_multicast(remote) || (!host_is_local(host, remote) && host_is_broadcast(host, remote, NULL));
    if (way->kind == WAY_UNICAST && host_is_broadcast(host, remote, way->interface)) {
        way->kind = WAY_BROADCAST;
        way->next_hop = *remote;
    }
    if (way->kind != WAY_ERROR)
        way->path = path_of(way);
}

struct way *host_way(struct lil_host *host, const struct addr *remote, uint32_t ifindex)
{
    if (ifindex) {
        way_make(host, &host->scratch, remote, ifindex);
        return &host->scratch;
    }
    uint64_t hash = (remote->u64[0] ^ remote->u64[1]) * 0x9e3779b97f4a7c15ull;
    struct way *way = &host->ways[hash >> 58];
    if (way->generation == host->generation && addr_equal(&way->remote, remote) && host->now_ns < way->expires_ns)
        return way;
    way_make(host, way, remote, 0);
    return way;
}

/* A link-local peer has no interface in its address: that of the local address, else the first with IPv6. */
static uint32_t link_local_ifindex(struct lil_host *host, const struct addr *local, const struct addr *remote)
{
    if (addr_is_v4(remote) || !addr_is_link_local(remote))
        return 0;
    for (int i = 1; i < host->interface_count; i++) {
        struct addr source;
        if (local && !addr_is_any(local) ? interface_has_address(host->interfaces[i], local)
                                         : host->interfaces[i]->up && interface_source(host->interfaces[i], remote, &source))
            return (uint32_t)i + 1;
    }
    return 0;
}

ONE_COPY int host_path(struct lil_host *host, const struct addr *local, const struct addr *remote, const struct tcp_path **path)
{
    struct way *way = host_way(host, remote, link_local_ifindex(host, local, remote));
    if (way->kind == WAY_ERROR)
        return -way->error;
    *path = &way->path;
    return 0;
}
