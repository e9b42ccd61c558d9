/* host_autoconf.c: IPv6 addresses that make themselves: duplicate address detection and stateless autoconfiguration
 * (RFC 4862), what a host takes from router advertisements (RFC 4861 6.3: default routers, on-link prefixes, the MTU),
 * and what a router says in them (6.2). An interface has none of it before lil_interface_autoconf,
 * lil_interface_advertise or ip.dad_transmits ask for it. The neighbour cache's clock is its clock (neighbor_wake).
 * Every table is bounded; what does not fit is not learnt. */
#include "host/host_inner.h"
#include <stdio.h>

enum { ADDRESSES_MAX = 16, ROUTERS_MAX = 4, ON_LINK_MAX = 8, ROUTE_METRIC = 1024 };
enum { /* RFC 4861 10, RFC 4862 5.1 */
       RETRANS_MS = 1000,
       SOLICITATION_DELAY_MS = 1000,
       SOLICITATION_INTERVAL_MS = 4000,
       SOLICITATIONS = 3,
       ADVERT_MIN_MS = 200000,
       ADVERT_MAX_MS = 600000,
       ADVERT_INITIAL_MS = 16000,
       ADVERTS_INITIAL = 3,
       ADVERT_GAP_MS = 3000,
       ADVERT_DELAY_MS = 500,
       ROUTER_LIFETIME_S = 1800,
       VALID_S = 2592000,
       PREFERRED_S = 604800,
       TWO_HOURS_S = 7200
};

struct autoconf_address {
    struct prefix prefix;
    bool tentative, learnt; /* learnt: from a prefix; it has lifetimes */
    uint8_t probes;         /* still to be sent */
    uint64_t next_ns;       /* tentative: the next probe, or the end of waiting */
    uint64_t preferred_ns, valid_ns;
};
struct autoconf_router {
    struct addr addr;
    uint64_t expires_ns;
};
struct autoconf_prefix {
    struct prefix prefix;
    uint64_t valid_ns;
};
struct autoconf {
    bool accepts, advertises, disabled /* another has our link-local address: no IPv6 here (RFC 4862 5.4.5) */;
    struct autoconf_address addresses[ADDRESSES_MAX];
    struct autoconf_router routers[ROUTERS_MAX]; /* the first is in use */
    struct autoconf_prefix on_link[ON_LINK_MAX];
    unsigned address_count, router_count, on_link_count;
    uint32_t mtu, retrans_ms;
    uint8_t solicitations, adverts;
    uint64_t solicit_ns, advert_ns, last_advert_ns;
};

static const struct addr all_nodes = {.b = {0xff, 2, [15] = 1}}, all_routers = {.b = {0xff, 2, [15] = 2}};

static struct autoconf *autoconf_get(struct lil_host *host, struct interface *interface)
{
    if (interface->autoconf)
        return interface->autoconf;
    struct autoconf *autoconf = pool_alloc(host->pool, sizeof *autoconf);
    if (autoconf)
        *autoconf = (struct autoconf){.retrans_ms = RETRANS_MS, .solicit_ns = LIL_NEVER, .advert_ns = LIL_NEVER};
    return interface->autoconf = autoconf;
}

void host_autoconf_free(struct interface *interface)
{
    if (interface->autoconf)
        pool_free(interface->host->pool, interface->autoconf, sizeof *interface->autoconf);
    interface->autoconf = NULL;
}

static void wake(struct lil_host *host, uint64_t at_ns)
{
    neighbor_wake(&host->nd, at_ns);
    host_mark_due(host);
}

/* RFC 4861 6.2.4 and RFC 4862 5.4.2 want chance, so that hosts that boot together do not speak together. */
static uint64_t soon(struct lil_host *host, uint64_t within_ms)
{
    return host->now_ns + prng_below(&host->prng, within_ms * NS_PER_MS + 1);
}

static uint64_t after_s(const struct lil_host *host, uint32_t seconds)
{
    return seconds == ND_FOREVER_S ? LIL_NEVER : host->now_ns + seconds * NS_PER_S;
}

static void hint(struct lil_host *host, const struct interface *interface, const char *what, const struct addr *addr,
                 const struct mac *mac)
{
    char name[ADDR_TEXT], who[18], text[128];
    snprintf(text, sizeof text, "%s %s on %s%s%s", what, addr_print(addr, name), interface->name, mac ? ": " : "",
             mac ? mac_print(mac, who) : "");
    struct lil_trace event = {.kind = LIL_TRACE_HINT, .ifindex = interface->ifindex, .text = text};
    memcpy(event.local, addr->b, sizeof event.local);
    host_trace(host, &event);
}

/* --- sending ------------------------------------------------- */

static void send_to_group(struct lil_host *host, struct interface *interface, const uint8_t *message, size_t length,
                          const struct addr *source, const struct addr *group)
{
    struct mac mac;
    host_ether_multicast(group, &mac);
    host_nd_send(host, interface, message, length, source, group, &mac);
}

static struct addr solicited_node(const struct addr *addr)
{
    struct addr group = *addr;
    static const uint8_t start[13] = {0xff, 2, [11] = 1, [12] = 0xff};
    memcpy(group.b, start, sizeof start);
    return group;
}

/* RFC 4862 5.4.2: from nobody, so that nobody answers to us alone. */
static void send_probe(struct lil_host *host, struct interface *interface, const struct addr *target)
{
    uint8_t message[64];
    struct nd nd = {.target = *target};
    struct addr nobody = addr_any(AF_INET6), group = solicited_node(target);
    send_to_group(host, interface, message, nd_emit(&nd, ICMP6_NEIGHBOR_SOLICIT, message), &nobody, &group);
}

static void send_solicitation(struct lil_host *host, struct interface *interface)
{
    uint8_t message[ND_ROUTER_LENGTH_MAX];
    struct nd_router router = {.has_mac = true, .mac = interface->mac};
    struct addr source;
    if (!interface_source(interface, &all_routers, &source))
        return;
    send_to_group(host, interface, message, nd_router_emit(&router, ICMP6_ROUTER_SOLICIT, message), &source,
                  &all_routers);
}

static void send_advert(struct lil_host *host, struct interface *interface)
{
    uint8_t message[ND_ROUTER_LENGTH_MAX];
    struct nd_router router = {.hop_limit = host->profile->ip.ttl,
                               .lifetime_s = ROUTER_LIFETIME_S,
                               .has_mac = true,
                               .mac = interface->mac,
                               .mtu = interface->mtu};
    struct addr source;
    for (unsigned i = 0; i < interface->address_count && router.prefix_count < ND_PREFIXES; i++) {
        struct prefix prefix = interface->addresses[i];
        if (addr_is_v4(&prefix.addr) || addr_is_link_local(&prefix.addr) || prefix.length != 64)
            continue;
        memset(prefix.addr.b + 8, 0, 8);
        router.prefixes[router.prefix_count++] = (struct nd_prefix){prefix, true, true, VALID_S, PREFERRED_S};
    }
    if (!interface_source(interface, &all_nodes, &source) ||
        !addr_is_link_local(&source)) /* 6.1.2: hosts take no other */
        return;
    interface->autoconf->last_advert_ns = host->now_ns;
    send_to_group(host, interface, message, nd_router_emit(&router, ICMP6_ROUTER_ADVERT, message), &source, &all_nodes);
}

/* --- addresses ------------------------------------------------- */

static struct autoconf_address *find_address(const struct interface *interface, const struct addr *addr)
{
    struct autoconf *autoconf = interface->autoconf;
    for (unsigned i = 0; i < autoconf->address_count; i++)
        if (addr_equal(&autoconf->addresses[i].prefix.addr, addr))
            return &autoconf->addresses[i];
    return NULL;
}

static void forget_address(struct autoconf *autoconf, struct autoconf_address *address)
{
    *address = autoconf->addresses[--autoconf->address_count];
}

bool host_autoconf_is_tentative(const struct interface *interface, const struct addr *addr)
{
    const struct autoconf_address *address = find_address(interface, addr);
    return address && address->tentative;
}

bool host_autoconf_hears(const struct interface *interface, const struct addr *group)
{
    const struct autoconf *autoconf = interface->autoconf;
    for (unsigned i = 0; i < autoconf->address_count; i++)
        if (autoconf->addresses[i].tentative && !memcmp(autoconf->addresses[i].prefix.addr.b + 13, group->b + 13, 3))
            return true;
    return false;
}

bool host_autoconf_is_deprecated(const struct interface *interface, const struct addr *addr)
{
    const struct autoconf_address *address = find_address(interface, addr);
    return address && address->learnt && interface->host->now_ns >= address->preferred_ns;
}

static struct autoconf_address *try_address(struct lil_host *host, struct interface *interface,
                                            const struct prefix *prefix, uint64_t at_ns)
{
    struct autoconf *autoconf = autoconf_get(host, interface);
    if (!autoconf || autoconf->address_count == ADDRESSES_MAX || find_address(interface, &prefix->addr))
        return NULL;
    struct autoconf_address *address = &autoconf->addresses[autoconf->address_count++];
    uint8_t probes = host->profile->ip.dad_transmits ? host->profile->ip.dad_transmits : 1;
    *address = (struct autoconf_address){.prefix = *prefix,
                                         .tentative = true,
                                         .probes = probes,
                                         .next_ns = at_ns,
                                         .preferred_ns = LIL_NEVER,
                                         .valid_ns = LIL_NEVER};
    wake(host, at_ns);
    return address;
}

int host_autoconf_try(struct lil_host *host, struct interface *interface, const struct prefix *prefix)
{
    struct route route = {.prefix = *prefix, .connected = true, .ifindex = interface->ifindex};
    if (interface->autoconf && find_address(interface, &prefix->addr))
        return -EEXIST;
    int error =
        prefix->length < 128 ? routes_add(&host->routes, &route) : 0; /* routes by gateways of its net may follow */
    if (error || try_address(host, interface, prefix, host->now_ns))
        return error;
    (void)routes_delete(&host->routes, prefix, interface->ifindex, true);
    return -ENOBUFS;
}

/* RFC 4862 5.4.5 */
void host_autoconf_conflict(struct lil_host *host, struct interface *interface, const struct addr *addr,
                            const struct mac *mac)
{
    struct autoconf *autoconf = interface->autoconf;
    struct autoconf_address *address = find_address(interface, addr);
    if (!address || !address->tentative)
        return;
    hint(host, interface, "duplicate address, not used:", addr, mac);
    autoconf->disabled |= addr_is_link_local(addr);
    if (!address->learnt)
        (void)routes_delete(&host->routes, &address->prefix, interface->ifindex, true);
    host_changed(host);
    forget_address(autoconf, address);
}

static void settle_address(struct lil_host *host, struct interface *interface, struct autoconf_address *address)
{
    struct autoconf *autoconf = interface->autoconf;
    struct prefix prefix = address->prefix;
    bool is_link_local = addr_is_link_local(&prefix.addr), learnt = address->learnt;
    address->tentative = false;
    /* a learnt address says nothing of what is on the link: the prefix' L flag does (RFC 5942) */
    if (host_address_assign(host, interface, &prefix, !learnt) != 0 || !learnt)
        forget_address(autoconf, address);
    if (is_link_local && autoconf->accepts &&
        !autoconf->router_count) { /* RFC 4861 6.3.7: no further delay behind that of the probe */
        autoconf->solicitations = SOLICITATIONS;
        autoconf->solicit_ns = host->now_ns;
    }
}

/* The interface's own half of an address (RFC 4291 appendix A); a MAC is ours alone, so is this. */
static struct addr with_identifier(const struct interface *interface, const struct addr *net)
{
    struct addr addr = *net;
    const uint8_t *mac = interface->mac.b;
    const uint8_t identifier[8] = {mac[0] ^ 2, mac[1], mac[2], 0xff, 0xfe, mac[3], mac[4], mac[5]};
    memcpy(addr.b + 8, identifier, sizeof identifier);
    return addr;
}

static struct prefix link_local(const struct interface *interface)
{
    static const struct addr net = {.b = {0xfe, 0x80}};
    return (struct prefix){with_identifier(interface, &net), 64};
}

/* --- router advertisements, received ------------------------------------------------- */

static void default_route(struct lil_host *host, struct interface *interface, bool add)
{
    const struct autoconf *autoconf = interface->autoconf;
    struct route route = {.prefix = {addr_any(AF_INET6), 0},
                          .has_gateway = true,
                          .gateway = autoconf->routers[0].addr,
                          .ifindex = interface->ifindex,
                          .metric = ROUTE_METRIC,
                          .metrics.mtu = autoconf->mtu};
    if (!add)
        (void)routes_delete(&host->routes, &route.prefix, interface->ifindex, false);
    else if (routes_add(&host->routes, &route) != 0)
        hint(host, interface, "no memory for the router", &route.gateway, NULL);
    host_changed(host);
}

static void drop_router(struct lil_host *host, struct interface *interface, unsigned index)
{
    struct autoconf *autoconf = interface->autoconf;
    autoconf->router_count--;
    memmove(autoconf->routers + index, autoconf->routers + index + 1,
            (autoconf->router_count - index) * sizeof autoconf->routers[0]);
    if (index == 0)
        default_route(host, interface, autoconf->router_count > 0);
}

/* RFC 4861 6.3.4: a lifetime of 0 is a farewell. */
static void learn_router(struct lil_host *host, struct interface *interface, const struct addr *source,
                         uint16_t lifetime_s)
{
    struct autoconf *autoconf = interface->autoconf;
    unsigned i = 0;
    while (i < autoconf->router_count && !addr_equal(&autoconf->routers[i].addr, source))
        i++;
    if (!lifetime_s) {
        if (i < autoconf->router_count)
            drop_router(host, interface, i);
        return;
    }
    if (i == ROUTERS_MAX)
        return;
    autoconf->routers[i] = (struct autoconf_router){*source, host->now_ns + lifetime_s * NS_PER_S};
    if (i == autoconf->router_count)
        autoconf->router_count++;
    if (i == 0)
        default_route(host, interface, true);
    autoconf->solicit_ns = LIL_NEVER; /* 6.3.7: one has answered */
}

void host_router_failed(struct lil_host *host, struct interface *interface, const struct addr *addr)
{
    struct autoconf *autoconf = interface->autoconf;
    if (autoconf->router_count < 2 || !addr_equal(&autoconf->routers[0].addr, addr))
        return;
    struct autoconf_router failed = autoconf->routers[0];
    memmove(autoconf->routers, autoconf->routers + 1, (autoconf->router_count - 1) * sizeof failed);
    autoconf->routers[autoconf->router_count - 1] = failed;
    default_route(host, interface, true);
}

static void learn_on_link(struct lil_host *host, struct interface *interface, const struct nd_prefix *prefix)
{
    struct autoconf *autoconf = interface->autoconf;
    struct route route = {
        .prefix = prefix->prefix, .connected = true, .ifindex = interface->ifindex, .metrics.mtu = autoconf->mtu};
    unsigned i = 0;
    while (i < autoconf->on_link_count && (autoconf->on_link[i].prefix.length != prefix->prefix.length ||
                                           !addr_equal(&autoconf->on_link[i].prefix.addr, &prefix->prefix.addr)))
        i++;
    if (!prefix->valid_s) {
        if (i == autoconf->on_link_count)
            return;
        autoconf->on_link[i] = autoconf->on_link[--autoconf->on_link_count];
        (void)routes_delete(&host->routes, &prefix->prefix, interface->ifindex, true);
    } else {
        if (i == ON_LINK_MAX || routes_add(&host->routes, &route) != 0)
            return;
        autoconf->on_link[i] = (struct autoconf_prefix){prefix->prefix, after_s(host, prefix->valid_s)};
        autoconf->on_link_count += i == autoconf->on_link_count;
    }
    host_changed(host);
}

/* RFC 4862 5.5.3 */
static void learn_address(struct lil_host *host, struct interface *interface, const struct nd_prefix *prefix)
{
    struct prefix own = {with_identifier(interface, &prefix->prefix.addr), 64};
    if (prefix->preferred_s > prefix->valid_s || prefix->prefix.length != 64)
        return;
    struct autoconf_address *address = find_address(interface, &own.addr);
    if (!address) {
        if (!prefix->valid_s || interface_has_address(interface, &own.addr))
            return;
        address = try_address(host, interface, &own, soon(host, SOLICITATION_DELAY_MS));
        if (!address)
            return;
        address->learnt = true;
        address->valid_ns = after_s(host, prefix->valid_s);
    }
    if (!address->learnt)
        return;
    address->preferred_ns = after_s(host, prefix->preferred_s);
    /* (e): nobody shortens a life below two hours from afar */
    uint64_t left_ns = address->valid_ns - min_u64(address->valid_ns, host->now_ns),
             offered_ns = after_s(host, prefix->valid_s);
    if (prefix->valid_s > TWO_HOURS_S || offered_ns > address->valid_ns)
        address->valid_ns = offered_ns;
    else if (left_ns > TWO_HOURS_S * NS_PER_S)
        address->valid_ns = host->now_ns + TWO_HOURS_S * NS_PER_S;
}

static void learn(struct lil_host *host, struct interface *interface, const struct addr *source,
                  const struct nd_router *router)
{
    struct autoconf *autoconf = interface->autoconf;
    if (router->mtu >= 1280 && router->mtu <= interface->mtu) /* RFC 4861 6.3.4 */
        autoconf->mtu = router->mtu;
    if (router->retrans_ms)
        autoconf->retrans_ms = router->retrans_ms;
    if (router->has_mac && !(router->mac.b[0] & 1))
        neighbor_update(&host->nd, source, interface->ifindex, &router->mac, false, true, host->now_ns);
    learn_router(host, interface, source, router->lifetime_s);
    for (unsigned i = 0; i < router->prefix_count; i++) {
        const struct nd_prefix *prefix = &router->prefixes[i];
        if (addr_is_link_local(&prefix->prefix.addr) || addr_is_multicast(&prefix->prefix.addr))
            continue;
        if (prefix->on_link)
            learn_on_link(host, interface, prefix);
        if (prefix->autonomous && !autoconf->disabled)
            learn_address(host, interface, prefix);
    }
    wake(host, host->now_ns); /* lifetimes have changed: look again when the next one ends */
}

void host_router_input(struct lil_host *host, struct interface *interface, const struct ip *ip, const struct icmp *icmp,
                       struct lil_packet *packet)
{
    struct autoconf *autoconf = interface->autoconf;
    struct nd_router router;
    uint8_t body[1500];
    bool is_advert = icmp->type == ICMP6_ROUTER_ADVERT;
    size_t length = packet_read(packet, ICMP_LENGTH, body, sizeof body);
    host->counters[1][CNT_ND_IN]++;
    /* RFC 4861 6.1.1, 6.1.2: from this link (255), whole, and an advertisement from a router's own address */
    if (ip->ttl != 255 || icmp->code || nd_router_parse(&router, icmp->type, icmp->rest, body, length) < 0 ||
        (is_advert ? !addr_is_link_local(&ip->source) : addr_is_any(&ip->source) && router.has_mac)) {
        host_drop_input(host, interface, LIL_DROP_ND_MALFORMED, packet);
        return;
    }
    if (is_advert ? !autoconf->accepts : !autoconf->advertises) {
        host_drop_input(host, interface, LIL_DROP_ICMP_TYPE, packet);
        return;
    }
    if (is_advert) {
        learn(host, interface, &ip->source, &router);
    } else { /* 6.2.6: all answers go to all; two are at least 3 s apart */
        uint64_t at_ns = soon(host, ADVERT_DELAY_MS), gap_ns = autoconf->last_advert_ns + ADVERT_GAP_MS * NS_PER_MS;
        if (router.has_mac && !(router.mac.b[0] & 1))
            neighbor_update(&host->nd, &ip->source, interface->ifindex, &router.mac, false, true, host->now_ns);
        autoconf->advert_ns = min_u64(autoconf->advert_ns, autoconf->last_advert_ns ? max_u64(at_ns, gap_ns) : at_ns);
        wake(host, autoconf->advert_ns);
    }
    packet_free(packet);
}

/* --- time ------------------------------------------------- */

static uint64_t addresses_timer(struct lil_host *host, struct interface *interface)
{
    struct autoconf *autoconf = interface->autoconf;
    uint64_t next_ns = LIL_NEVER;
    for (unsigned i = autoconf->address_count; i-- > 0;) {
        struct autoconf_address *address = &autoconf->addresses[i];
        if (address->tentative && host->now_ns >= address->next_ns) {
            if (!address->probes--) {
                settle_address(host, interface, address);
                i = autoconf->address_count; /* its place may be another's now */
                continue;
            }
            send_probe(host, interface, &address->prefix.addr);
            address->next_ns = host->now_ns + autoconf->retrans_ms * NS_PER_MS;
        }
        if (host->now_ns >= address->valid_ns) {
            char text[ADDR_TEXT];
            struct addr addr = address->prefix.addr;
            bool was_ours = !address->tentative;
            forget_address(autoconf, address);
            if (was_ours)
                (void)lil_address_delete(host, interface->ifindex, addr_print(&addr, text));
            continue;
        }
        if (host->now_ns < address->preferred_ns) /* deprecation changes the ways' sources */
            next_ns = min_u64(next_ns, address->preferred_ns);
        else if (address->learnt)
            host_changed(host);
        next_ns = min_u64(next_ns, min_u64(address->valid_ns, address->tentative ? address->next_ns : LIL_NEVER));
    }
    return next_ns;
}

static uint64_t learnt_timer(struct lil_host *host, struct interface *interface)
{
    struct autoconf *autoconf = interface->autoconf;
    uint64_t next_ns = LIL_NEVER;
    for (unsigned i = autoconf->router_count; i-- > 0;) {
        if (host->now_ns >= autoconf->routers[i].expires_ns)
            drop_router(host, interface, i);
        else
            next_ns = min_u64(next_ns, autoconf->routers[i].expires_ns);
    }
    for (unsigned i = autoconf->on_link_count; i-- > 0;) {
        struct nd_prefix gone = {.prefix = autoconf->on_link[i].prefix};
        if (host->now_ns >= autoconf->on_link[i].valid_ns)
            learn_on_link(host, interface, &gone);
        else
            next_ns = min_u64(next_ns, autoconf->on_link[i].valid_ns);
    }
    return next_ns;
}

static uint64_t router_timer(struct lil_host *host, struct interface *interface)
{
    struct autoconf *autoconf = interface->autoconf;
    if (host->now_ns >= autoconf->solicit_ns) {
        send_solicitation(host, interface);
        autoconf->solicit_ns =
            --autoconf->solicitations ? host->now_ns + SOLICITATION_INTERVAL_MS * NS_PER_MS : LIL_NEVER;
    }
    if (host->now_ns >= autoconf->advert_ns) {
        send_advert(host, interface);
        uint64_t wait_ms = ADVERT_MIN_MS + prng_below(&host->prng, ADVERT_MAX_MS - ADVERT_MIN_MS + 1);
        if (autoconf->adverts) { /* 6.2.4: the first ones come quickly */
            autoconf->adverts--;
            wait_ms = min_u64(wait_ms, ADVERT_INITIAL_MS);
        }
        autoconf->advert_ns = host->now_ns + wait_ms * NS_PER_MS;
    }
    return min_u64(autoconf->solicit_ns, autoconf->advert_ns);
}

uint64_t host_autoconf_timer(void *ctx, uint64_t now_ns)
{
    struct lil_host *host = ctx;
    uint64_t next_ns = LIL_NEVER;
    (void)now_ns;
    for (int i = 0; i < host->interface_count; i++) {
        struct interface *interface = host->interfaces[i];
        if (!interface->autoconf)
            continue;
        next_ns = min_u64(next_ns, addresses_timer(host, interface)); /* first: it may start solicitations */
        next_ns = min_u64(next_ns, learnt_timer(host, interface));
        next_ns = min_u64(next_ns, router_timer(host, interface));
    }
    return next_ns;
}

/* --- the two calls ------------------------------------------------- */

static struct interface *interface_for(struct lil_host *host, int ifindex, int *error)
{
    struct interface *interface = host_interface(host, ifindex);
    *error = !interface                         ? -ENODEV
             : !host->profile->socket.has_inet6 ? -EAFNOSUPPORT
             : interface->kind != LIL_ETHERNET  ? -EOPNOTSUPP
                                                : 0;
    if (!*error && !autoconf_get(host, interface))
        *error = -ENOMEM;
    return interface;
}

int lil_interface_autoconf(struct lil_host *host, int ifindex)
{
    int error;
    struct interface *interface = interface_for(host, ifindex, &error);
    if (error)
        return error;
    struct prefix prefix = link_local(interface);
    char text[ADDR_TEXT];
    if (interface->autoconf->accepts)
        return -EALREADY;
    interface->autoconf->accepts = true;
    if (find_address(interface, &prefix.addr)) /* under way: ip.dad_transmits */
        return 0;
    if (interface_has_address(interface, &prefix.addr))
        (void)lil_address_delete(host, interface->ifindex, addr_print(&prefix.addr, text));
    return try_address(host, interface, &prefix, soon(host, SOLICITATION_DELAY_MS)) ? 0 : -ENOBUFS;
}

int lil_interface_advertise(struct lil_host *host, int ifindex)
{
    int error;
    struct interface *interface = interface_for(host, ifindex, &error);
    if (error)
        return error;
    struct prefix prefix = link_local(interface);
    if (interface->autoconf->advertises)
        return -EALREADY;
    error = interface_has_address(interface, &prefix.addr) ? 0 : host_address_assign(host, interface, &prefix, true);
    if (error)
        return error;
    interface->autoconf->advertises = true;
    interface->autoconf->adverts = ADVERTS_INITIAL - 1;
    interface->autoconf->advert_ns = host->now_ns;
    wake(host, host->now_ns);
    return 0;
}
