/* zoo.c: see zoo.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/base.h"
#include "gauntlet/cases.h"
#include "host/host.h"

const char *const zoo_names[][2] = {
    {"server.test", "answers: HTTP on 80 and 8080, echo 7, discard 9, daytime 13, UDP echo 7, DNS 53"},
    {"refused.test", "is there, nothing listens: RST"},
    {"blackhole.test", "every packet vanishes (also 192.0.2.1, 10.255.255.1, 240.0.0.1)"},
    {"unreachable.test", "a router answers ICMP host unreachable"},
    {"prohibited.test", "a router answers ICMP communication administratively prohibited"},
    {"full.test", "its accept queue is full for ever"},
    {"silent.test", "accepts, never answers"},
    {"reset.test", "resets the connection at the request"},
    {"slow.test", "answers one byte a second, over a link of half a second"},
    {"lossy.test", "one packet of five is lost, each way"},
    {"late.test", "answers two minutes after the connection is made"},
    {"cut.test", "ends the connection in the middle of the answer"},
    {"dual.test", "two addresses: the first is dead, the second answers"},
    {"six.test", "an IPv6 address that is dead, an IPv4 address that answers"},
    {NULL, NULL},
};

/* --- neighbours that know each other: on a link that loses packets no ARP request is lost, and nobody is unreachable for that --- */
struct port {
    int ifindex;
    struct mac mac;
};

static bool see_port(void *ctx, const struct host_interface_view *view)
{
    struct port *port = ctx;

    if (view->ifindex == port->ifindex)
        port->mac = view->mac;
    return true;
}

static int know(struct lil_host *host, int ifindex, struct lil_host *other, int its_ifindex, const char *four, const char *six)
{
    struct port port = {.ifindex = its_ifindex};
    int rc;

    host_each_interface(other, see_port, &port);
    rc = lil_neighbor_add(host, ifindex, four, port.mac.b);
    return rc ? rc : lil_neighbor_add(host, ifindex, six, port.mac.b);
}

static int introduce_routers(struct zoo *zoo)
{
    int rc = know(zoo->gw, ZOO_LAN_IFINDEX + 1, zoo->core, ZOO_LAN_IFINDEX, "172.16.0.2", "2001:db8:0:2::2");
    return rc ? rc : know(zoo->core, ZOO_LAN_IFINDEX, zoo->gw, ZOO_LAN_IFINDEX + 1, "172.16.0.1", "2001:db8:0:2::1");
}

static int introduce_server(struct zoo *zoo, struct lil_host *host, const char *four, const char *six)
{
    int isp = lil_interface_index(zoo->core, "eth1"), rc = know(zoo->core, isp, host, ZOO_LAN_IFINDEX, four, six);
    return rc ? rc : know(host, ZOO_LAN_IFINDEX, zoo->core, isp, "203.0.113.1", "2001:db8:f::1");
}

int zoo_base(struct zoo *zoo, uint64_t seed, const char *profile)
{
    struct lil_link_config wire = {.delay_ns = 1 * NS_PER_MS};
    static const char *const lines[][3] = {
        {"client", "default", "10.0.0.1"}, {"client", "::/0", "2001:db8:0:1::1"}, {"gw", "default", "172.16.0.2"},
        {"gw", "::/0", "2001:db8:0:2::2"}, {"core", "10.0.0.0/24", "172.16.0.1"}, {"core", "2001:db8:0:1::/64", "2001:db8:0:2::1"},
        {"core", "default", "blackhole"}, {"core", "::/0", "blackhole"}};
    int rc = 0;

    memset(zoo, 0, sizeof *zoo);
    zoo->world = lil_world_new(seed);
    if (!zoo->world)
        return -ENOMEM;
    zoo->client = lil_world_host(zoo->world, "client", profile);
    zoo->gw = lil_world_router(zoo->world, "gw", "linux");
    zoo->core = lil_world_router(zoo->world, "core", "linux");
    if (!zoo->client || !zoo->gw || !zoo->core)
        return -errno;
    zoo->access = lil_world_link(zoo->world, zoo->client, "10.0.0.2/24", zoo->gw, "10.0.0.1/24", &wire);
    zoo->uplink = lil_world_link(zoo->world, zoo->gw, "172.16.0.1/30", zoo->core, "172.16.0.2/30", &wire);
    zoo->isp = lil_world_switch(zoo->world, "isp");
    if (!zoo->access || !zoo->uplink || !zoo->isp)
        return -ENOMEM;
    rc = rc ? rc : lil_address_add(zoo->client, ZOO_LAN_IFINDEX, "2001:db8:0:1::2/64");
    rc = rc ? rc : lil_address_add(zoo->gw, ZOO_LAN_IFINDEX, "2001:db8:0:1::1/64");
    rc = rc ? rc : lil_address_add(zoo->gw, ZOO_LAN_IFINDEX + 1, "2001:db8:0:2::1/64");
    rc = rc ? rc : lil_address_add(zoo->core, ZOO_LAN_IFINDEX, "2001:db8:0:2::2/64");
    if (rc == 0 && lil_world_attach(zoo->world, zoo->isp, zoo->core, "eth1", "203.0.113.1/24", &wire) < 0)
        rc = -ENOMEM;
    rc = rc ? rc : lil_address_add(zoo->core, lil_interface_index(zoo->core, "eth1"), "2001:db8:f::1/64");
    for (unsigned i = 0; rc == 0 && i < ARRAY_COUNT(lines); i++)
        rc = lil_route_add(lil_world_find(zoo->world, lines[i][0]), lines[i][1], lines[i][2]);
    return rc ? rc : introduce_routers(zoo);
}

struct lil_host *zoo_server(struct zoo *zoo, const char *name, unsigned n, const struct lil_link_config *config)
{
    struct lil_link_config wire = {.delay_ns = 1 * NS_PER_MS};
    struct lil_host *host = lil_world_host(zoo->world, name, "linux");
    char four[32], six[64], length[72];

    snprintf(four, sizeof four, "203.0.113.%u", n);
    snprintf(six, sizeof six, "2001:db8:f::%u", n);
    snprintf(length, sizeof length, "%s/24", four);
    if (!host || lil_world_attach(zoo->world, zoo->isp, host, "eth0", length, config ? config : &wire) < 0)
        return NULL;
    snprintf(length, sizeof length, "%s/64", six);
    if (lil_address_add(host, ZOO_LAN_IFINDEX, length) < 0 || lil_route_add(host, "default", "203.0.113.1") < 0 ||
        lil_route_add(host, "::/0", "2001:db8:f::1") < 0 || (config && config->loss && introduce_server(zoo, host, four, six) < 0))
        return NULL;
    return host;
}

int zoo_serve(struct zoo *zoo, struct lil_host *host, uint16_t port, enum behaviour behaviour, size_t body_bytes)
{
    struct service *service = &zoo->services[zoo->service_count];

    if (!host || zoo->service_count == ZOO_SERVICES)
        return -ENOMEM;
    *service = (struct service){.behaviour = behaviour, .port = port, .body_bytes = body_bytes, .names = &zoo->names};
    zoo->service_count++;
    return lil_world_spawn(zoo->world, host, service_main, service) ? 0 : -ENOMEM;
}

int zoo_crowd(struct zoo *zoo, unsigned n, uint16_t port)
{
    struct lil_host *host = zoo_server(zoo, "crowd", 250, NULL);
    uint8_t to[4] = {203, 0, 113, (uint8_t)n}, port_bytes[2] = {(uint8_t)(port >> 8), (uint8_t)port};

    if (!host)
        return -ENOMEM;
    zoo->crowd.to.sin_family = AF_INET;
    memcpy(&zoo->crowd.to.sin_addr, to, 4);
    memcpy(&zoo->crowd.to.sin_port, port_bytes, 2);
    zoo->crowd.count = 3;
    return lil_world_spawn(zoo->world, host, crowd_main, &zoo->crowd) ? 0 : -ENOMEM;
}

static int serve_all(struct zoo *zoo, const char *name, unsigned n, enum behaviour behaviour, size_t body_bytes,
                     const struct lil_link_config *config)
{
    static const uint16_t ports[] = {80, 8080, 443};
    struct lil_host *host = zoo_server(zoo, name, n, config);
    char four[32], six[64];
    int rc = 0;

    snprintf(four, sizeof four, "203.0.113.%u", n);
    snprintf(six, sizeof six, "2001:db8:f::%u", n);
    for (unsigned i = 0; i < ARRAY_COUNT(ports) && rc == 0; i++)
        rc = zoo_serve(zoo, host, ports[i], behaviour, body_bytes);
    rc = rc ? rc : names_add(&zoo->names, name, four);
    return rc ? rc : names_add(&zoo->names, name, six);
}

static int serve_with_fault(struct zoo *zoo, const char *name, unsigned n, size_t body_bytes, enum fault_kind kind,
                            const struct lil_link_config *config)
{
    int rc = serve_all(zoo, name, n, SERVE, body_bytes, config);
    return rc ? rc : fault_on_server(zoo, lil_world_find(zoo->world, name), kind);
}

static int add_server(struct zoo *zoo)
{
    struct lil_host *host;
    int rc = serve_all(zoo, "server.test", 10, SERVE, 0, NULL);

    host = lil_world_find(zoo->world, "server.test");
    rc = rc ? rc : zoo_serve(zoo, host, 7, SERVE_ECHO, 0);
    rc = rc ? rc : zoo_serve(zoo, host, 9, SERVE_DISCARD, 0);
    rc = rc ? rc : zoo_serve(zoo, host, 13, SERVE_DAYTIME, 0);
    rc = rc ? rc : zoo_serve(zoo, host, 7, UDP_ANSWER, 0);
    return rc ? rc : zoo_serve(zoo, host, 53, UDP_ANSWER, 0);
}

int zoo_full(struct zoo *zoo, uint64_t seed, const char *profile)
{
    struct lil_link_config slow = {.delay_ns = 500 * NS_PER_MS}, lossy = {.delay_ns = 5 * NS_PER_MS, .loss = lil_percent("20%")};
    static const char *const routes[][2] = {{"203.0.113.12/32", "blackhole"},
                                            {"203.0.113.13/32", "unreachable host"},
                                            {"203.0.113.14/32", "prohibit"},
                                            {"2001:db8:f::dead/128", "blackhole"}};
    static const char *const more[][2] = {{"blackhole.test", "203.0.113.12"},  {"unreachable.test", "203.0.113.13"},
                                          {"prohibited.test", "203.0.113.14"}, {"dual.test", "203.0.113.12"},
                                          {"dual.test", "203.0.113.10"},       {"six.test", "2001:db8:f::dead"},
                                          {"six.test", "203.0.113.10"},        {"client.test", "10.0.0.2"},
                                          {"localhost", "127.0.0.1"},          {"localhost", "::1"}};
    int rc = zoo_base(zoo, seed, profile);

    for (unsigned i = 0; i < ARRAY_COUNT(routes) && rc == 0; i++)
        rc = lil_route_add(zoo->core, routes[i][0], routes[i][1]);
    rc = rc ? rc : add_server(zoo); /* first: its addresses' own name */
    for (unsigned i = 0; i < ARRAY_COUNT(more) && rc == 0; i++)
        rc = names_add(&zoo->names, more[i][0], more[i][1]);
    if (rc == 0 && !zoo_server(zoo, "refused.test", 11, NULL))
        rc = -ENOMEM;
    rc = rc ? rc : names_add(&zoo->names, "refused.test", "203.0.113.11");
    rc = rc ? rc : serve_all(zoo, "full.test", 15, SERVE_NO_ACCEPT, 0, NULL);
    rc = rc ? rc : zoo_crowd(zoo, 15, 80);
    rc = rc ? rc : serve_all(zoo, "silent.test", 16, SERVE_SILENT, 0, NULL);
    rc = rc ? rc : serve_all(zoo, "reset.test", 17, SERVE_RESET, 0, NULL);
    rc = rc ? rc : serve_with_fault(zoo, "slow.test", 18, 0, FAULT_TRICKLE, &slow);
    rc = rc ? rc : serve_all(zoo, "lossy.test", 19, SERVE, 0, &lossy);
    rc = rc ? rc : serve_with_fault(zoo, "late.test", 20, 0, FAULT_SLOW_120, NULL);
    rc = rc ? rc : serve_with_fault(zoo, "cut.test", 21, 2000, FAULT_END, NULL);
    return rc;
}

void zoo_fini(struct zoo *zoo)
{
    if (zoo->world)
        lil_world_free(zoo->world);
    names_fini(&zoo->names);
    faults_free(zoo);
    zoo->world = NULL;
}
