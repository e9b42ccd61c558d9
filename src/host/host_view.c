/* host_view.c: a host's routes and neighbours as others may see them (netlink, /proc/net). */
#include "host/host_inner.h"

static int ifindex_of(const struct lil_host *host, const struct route *route)
{
    if (route->ifindex || !route->has_gateway)
        return route->ifindex;
    const struct route *via = routes_find(&host->routes, &route->gateway, 0); /* as host_way.c finds it */
    return via && via->kind == ROUTE_UNICAST && !via->has_gateway ? via->ifindex : 0;
}

void host_route_told(void *ctx, const struct route *route, bool is_gone)
{
    host_tell(ctx, HOST_ROUTE, route, ifindex_of(ctx, route), is_gone);
}

void host_each_route(const struct lil_host *host, bool (*visit)(void *ctx, const struct route *route, int ifindex), void *ctx)
{
    for (uint32_t i = host->routes.count; i-- > 0;) /* the default first, as ip-route(8) shows them */
        if (!visit(ctx, &host->routes.entries[i], ifindex_of(host, &host->routes.entries[i])))
            return;
}

void host_each_neighbor(const struct lil_host *host, bool (*visit)(void *ctx, const struct neighbor *neighbor), void *ctx)
{
    const struct neighbor_cache *caches[] = {&host->arp, &host->nd};
    for (unsigned i = 0; i < ARRAY_COUNT(caches); i++)
        list_each(node, &caches[i]->all)
            if (!visit(ctx, list_entry(node, const struct neighbor, node)))
                return;
}

int host_look_up(struct lil_host *host, const struct addr *remote, int ifindex, struct host_way_view *view)
{
    const struct way *way = host_way(host, remote, (uint32_t)ifindex);
    if (way->kind == WAY_ERROR)
        return -way->error;
    *view = (struct host_way_view){
        .kind = way->kind == WAY_LOCAL       ? HOST_ADDR_LOCAL
                : way->kind == WAY_BROADCAST ? HOST_ADDR_BROADCAST
                : way->kind == WAY_MULTICAST ? HOST_ADDR_MULTICAST
                                             : HOST_ADDR_NONE,
        .ifindex = way->interface->ifindex,
        .has_gateway = way->is_gateway,
        .gateway = way->next_hop,
        .source = way->source,
        .mtu = way->mtu < way->interface->mtu ? way->mtu : 0,
        .expires_ns = way->expires_ns,
    };
    if (way->kind == WAY_LOCAL)
        view->mtu = 0;
    return 0;
}
