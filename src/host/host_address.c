/* host_address.c: the host's addresses: adding and deleting, which are ours, which to speak with (RFC 6724, simply: same scope,
 * longest match), and the questions that bind() and connect() ask. */
#include "host/host_inner.h"

static int push_address(struct interface *interface, const struct prefix *prefix)
{
    if (interface->address_count == interface->address_capacity) {
        unsigned capacity = interface->address_capacity ? interface->address_capacity * 2 : 2;
        struct prefix *grown = pool_alloc(interface->host->pool, capacity * sizeof *grown);
        if (!grown)
            return -ENOMEM;
        if (interface->address_count)
            memcpy(grown, interface->addresses, interface->address_count * sizeof *grown);
        pool_free(interface->host->pool, interface->addresses, interface->address_capacity * sizeof *grown);
        interface->addresses = grown;
        interface->address_capacity = capacity;
    }
    interface->addresses[interface->address_count++] = *prefix;
    return 0;
}

static uint64_t filter_bit(const struct addr *addr)
{
    return 1ull << ((addr->u64[0] ^ addr->u64[1]) * 0x9e3779b97f4a7c15ull >> 58);
}

static void host_address_filter(struct lil_host *host)
{
    host->local_filter = 0;
    for (int i = 0; i < host->interface_count; i++)
        for (unsigned j = 0; j < host->interfaces[i]->address_count; j++)
            host->local_filter |= filter_bit(&host->interfaces[i]->addresses[j].addr);
}

static bool is_of_net(const struct prefix *one, const struct prefix *prefix)
{
    return addr_is_v4(&prefix->addr) && one->length == prefix->length && prefix_contains(prefix, &one->addr);
}

/* Behind another IPv4 address of the same net, whose route stays as it is, source included (Linux's secondary addresses; in_addprefix()
 * of 4.4BSD's heirs). The newest of IPv6 is the one to speak with, as on Linux (ipv6_link_dev_addr() puts it before the others). */
bool address_is_secondary(const struct prefix *addresses, unsigned index)
{
    for (unsigned i = 0; i < index; i++)
        if (is_of_net(&addresses[i], &addresses[index]))
            return true;
    return false;
}

int host_address_assign(struct lil_host *host, struct interface *interface, const struct prefix *prefix, bool connected)
{
    struct route route = {.prefix = *prefix, .connected = true, .ifindex = interface->ifindex, .has_source = true, .source = prefix->addr};
    int error = push_address(interface, prefix);
    if (error)
        return error;
    host_changed(host);
    host_address_filter(host);
    if (prefix->length < 128 && connected && !address_is_secondary(interface->addresses, interface->address_count - 1)) {
        error = routes_add(&host->routes, &route);
        if (error) {
            interface->address_count--;
            return error;
        }
    }
    host_tell(host, HOST_ADDRESS, prefix, interface->ifindex, false);
    if (host->profile->ip.announce)
        host_announce(host, interface, &prefix->addr);
    return 0;
}

int lil_address_add(struct lil_host *host, int ifindex, const char *address)
{
    struct interface *interface = host_interface(host, ifindex);
    struct prefix prefix;
    if (!interface)
        return -ENODEV;
    if (prefix_parse(address, &prefix) != 0 || addr_is_any(&prefix.addr) || addr_is_multicast(&prefix.addr))
        return -EINVAL;
    if (!addr_is_v4(&prefix.addr) && !host->profile->socket.has_inet6)
        return -EAFNOSUPPORT;
    if (interface_has_address(interface, &prefix.addr))
        return -EEXIST;
    if (host->profile->ip.dad_transmits && interface->kind == LIL_ETHERNET && !addr_is_v4(&prefix.addr))
        return host_autoconf_try(host, interface, &prefix);
    return host_address_assign(host, interface, &prefix, true);
}

static void forget_address(struct interface *interface, unsigned index)
{
    struct lil_host *host = interface->host;
    struct prefix prefix = interface->addresses[index];

    host_tell(host, HOST_ADDRESS, &prefix, interface->ifindex, true);
    memmove(interface->addresses + index, interface->addresses + index + 1, (interface->address_count - index - 1) * sizeof prefix);
    interface->address_count--;
    host_changed(host);
    host_address_filter(host);
}

/* The route of a net is its first address's: a secondary one leaves it alone. With the first one Linux deletes the secondary ones, before
 * it, unless promote_secondaries is set (__inet_del_ifa()); otherwise the next one takes the route over (in_scrubprefix() of BSD). */
static int delete_address(struct interface *interface, unsigned index)
{
    struct lil_host *host = interface->host;
    struct prefix prefix = interface->addresses[index];
    bool is_secondary = address_is_secondary(interface->addresses, index), takes_all = !host->profile->ip.promote_secondaries;
    int error = 0;

    for (unsigned i = index + 1; !is_secondary && takes_all && i < interface->address_count;) {
        struct prefix other = interface->addresses[i];
        if (!is_of_net(&other, &prefix)) {
            i++;
            continue;
        }
        forget_address(interface, i);
        tcp_on_path_change(host->tcp, &other.addr, EADDRNOTAVAIL, host->now_ns);
    }
    forget_address(interface, index);
    if (!is_secondary)
        routes_delete(&host->routes, &prefix, interface->ifindex, true);
    for (unsigned i = 0; !is_secondary && i < interface->address_count && !error; i++) {
        struct route again = {.prefix = interface->addresses[i], .connected = true, .ifindex = interface->ifindex, .has_source = true,
                              .source = interface->addresses[i].addr};
        if (again.prefix.length == prefix.length && prefix_contains(&prefix, &again.source) &&
            !address_is_secondary(interface->addresses, i))
            error = routes_add(&host->routes, &again);
    }
    host_changed(host);
    tcp_on_path_change(host->tcp, &prefix.addr, EADDRNOTAVAIL, host->now_ns);
    host_mark_due(host);
    return error;
}

int lil_address_delete(struct lil_host *host, int ifindex, const char *address)
{
    struct interface *interface = host_interface(host, ifindex);
    struct prefix prefix;
    if (!interface)
        return -ENODEV;
    if (prefix_parse(address, &prefix) != 0)
        return -EINVAL;
    for (unsigned i = 0; i < interface->address_count; i++)
        if (addr_equal(&interface->addresses[i].addr, &prefix.addr))
            return delete_address(interface, i);
    return -EADDRNOTAVAIL;
}

struct interface *host_local_interface(struct lil_host *host, const struct addr *addr)
{
    if (addr_equal(addr, &host->last_local) && host->last_local_ifindex)
        return host->interfaces[host->last_local_ifindex - 1];
    bool maybe = host->local_filter & filter_bit(addr);
    for (int i = 0; maybe && i < host->interface_count; i++)
        if (interface_has_address(host->interfaces[i], addr)) {
            host->last_local = *addr;
            host->last_local_ifindex = i + 1;
            return host->interfaces[i];
        }
    if (addr_is_v4(addr) && addr_is_loopback(addr))
        return host->interfaces[HOST_LOOPBACK - 1];
    return NULL;
}

uint16_t host_scope(struct lil_host *host, const struct addr *own)
{
    const struct interface *interface = addr_is_v4(own) || !addr_is_link_local(own) ? NULL : host_local_interface(host, own);
    return interface ? (uint16_t)interface->ifindex : 0;
}

bool host_is_local(struct lil_host *host, const struct addr *addr)
{
    return host_local_interface(host, addr) != NULL;
}

bool host_is_broadcast(const struct lil_host *host, const struct addr *addr, const struct interface *only)
{
    if (!addr_is_v4(addr))
        return false;
    if (addr_is_limited_broadcast(addr))
        return true;
    for (int i = 0; i < host->interface_count; i++) {
        const struct interface *interface = host->interfaces[i];
        if ((only && only != interface) || interface->kind == LIL_LOOPBACK)
            continue;
        for (unsigned j = 0; j < interface->address_count; j++) {
            const struct prefix *prefix = &interface->addresses[j];
            if (prefix->length >= 127 || !addr_is_v4(&prefix->addr)) /* RFC 3021: a /31 has no broadcast */
                continue;
            struct addr broadcast = prefix_broadcast(prefix);
            if (addr_equal(&broadcast, addr))
                return true;
        }
    }
    return false;
}

static unsigned common_bits(const struct addr *a, const struct addr *b)
{
    for (unsigned i = 0; i < 16; i++)
        if (a->b[i] != b->b[i])
            return i * 8 + (unsigned)__builtin_clz((unsigned)(a->b[i] ^ b->b[i])) - 24;
    return 128;
}

bool interface_source(const struct interface *interface, const struct addr *remote, struct addr *source)
{
    int best = -1;
    bool is_v4 = addr_is_v4(remote);
    bool want_local = addr_is_link_local(remote) || (!is_v4 && addr_is_multicast(remote) && (remote->b[1] & 15) == 2);
    for (unsigned i = 0; i < interface->address_count; i++) {
        const struct addr *mine = &interface->addresses[i].addr;
        if (addr_is_v4(mine) != is_v4)
            continue;
        int points = (addr_is_link_local(mine) == want_local) ? 1000 : 0; /* RFC 6724 5 rule 2: scope */
        unsigned common = common_bits(mine, remote);                       /* rule 8 */
        if (interface->autoconf && host_autoconf_is_deprecated(interface, mine)) /* rule 3 */
            points -= 500;
        points += (int)(is_v4 ? (prefix_contains(&interface->addresses[i], remote) ? 500 : 0) : common);
        if (points > best) {
            best = points;
            *source = *mine;
        }
    }
    return best >= 0;
}

bool host_source_for(struct lil_host *host, const struct interface *interface, const struct addr *remote, struct addr *source)
{
    if (interface && interface_source(interface, remote, source))
        return true;
    for (int i = 1; i < host->interface_count; i++)
        if (host->interfaces[i]->up && interface_source(host->interfaces[i], remote, source))
            return true;
    return false;
}

enum host_addr_kind host_address_kind(struct lil_host *host, const struct addr *addr)
{
    if (addr_is_any(addr))
        return HOST_ADDR_ANY;
    if (addr_is_multicast(addr))
        return HOST_ADDR_MULTICAST;
    if (host_is_local(host, addr))
        return HOST_ADDR_LOCAL;
    if (host_is_broadcast(host, addr, NULL))
        return HOST_ADDR_BROADCAST;
    return HOST_ADDR_NONE;
}

bool host_is_group(struct lil_host *host, const struct addr *addr)
{
    return host_way(host, addr, 0)->is_group;
}

bool host_primary_address(struct lil_host *host, int family, struct addr *addr)
{
    for (int pass = 0; pass < 2; pass++) /* in6_ifaddr, in_ifaddr: the first configured; the loopback only when alone */
        for (int i = pass ? 0 : 1; i < (pass ? 1 : host->interface_count); i++)
            for (unsigned j = 0; j < host->interfaces[i]->address_count; j++) {
                const struct addr *mine = &host->interfaces[i]->addresses[j].addr;
                if (addr_is_v4(mine) == (family == AF_INET) && !addr_is_link_local(mine)) {
                    *addr = *mine;
                    return true;
                }
            }
    return false;
}
