/* cases.c: the gauntlet's cases, in the order of its table: from the SYN to the last byte, then names, then UDP. Each
 * builder adds one fault to the zoo's base; docs/GAUNTLET in docs/LAUNCHER.md says what a program should do in each. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/base.h"
#include "base/nearest.h"
#include "gauntlet/cases.h"

#define TARGET "203.0.113.10"
enum { DNS_PORT = 53 };

/* --- building blocks ----------------------------------------------------------------------------------------------------------- */
static int add_name(struct zoo *zoo, const struct case_config *config, const char *address)
{
    return names_add(&zoo->names, config->name, address);
}

/* A server at TARGET that behaves in WAY; over a link of CONFIG when given. Its name is IPv4 only unless ipv6-broken asks. */
static int serve(struct zoo *zoo, const struct case_config *config, enum behaviour way, size_t body_bytes,
                 const struct lil_link_config *link)
{
    int rc;

    zoo->target = zoo_server(zoo, "server", 10, link);
    if (!zoo->target)
        return -ENOMEM;
    rc = config->own_server ? 0 : zoo_serve(zoo, zoo->target, config->port, way, body_bytes);
    return rc ? rc : add_name(zoo, config, TARGET);
}

/* At DNS's own port, too: what asks there takes no port. */
static int answer_udp(struct zoo *zoo, const struct case_config *config, enum behaviour way)
{
    int rc = zoo_serve(zoo, zoo->target, config->port, way, 0);
    return rc || config->port == DNS_PORT ? rc : zoo_serve(zoo, zoo->target, DNS_PORT, way, 0);
}

static int serve_udp(struct zoo *zoo, const struct case_config *config, enum behaviour way)
{
    zoo->target = zoo_server(zoo, "server", 10, NULL);
    int rc = config->own_server ? 0 : answer_udp(zoo, config, way);
    return rc ? rc : add_name(zoo, config, TARGET);
}

static int route(struct zoo *zoo, const struct case_config *config, const char *via)
{
    int rc = add_name(zoo, config, TARGET);
    return rc ? rc : lil_route_add(zoo->core, TARGET "/32", via);
}

static int faulty_link(struct zoo *zoo, const struct case_config *config, const struct lil_link_config *link, size_t body_bytes)
{
    lil_link_set(zoo->uplink, 0, link);
    return serve(zoo, config, SERVE, body_bytes, NULL);
}

static int with_fault(struct zoo *zoo, const struct case_config *config, size_t body_bytes, enum fault_kind kind)
{
    int rc = serve(zoo, config, SERVE, body_bytes, NULL);
    return rc ? rc : fault_on_path(zoo, zoo->uplink, kind);
}

/* --- no answer to the SYN -------------------------------------------------------------------------------------------------------- */
static int build_fine(struct zoo *zoo, const struct case_config *c)
{
    int rc = serve(zoo, c, SERVE, 0, NULL);
    return rc || c->own_server ? rc : answer_udp(zoo, c, UDP_ANSWER);
}

static int build_refused(struct zoo *zoo, const struct case_config *c)
{
    zoo->target = zoo_server(zoo, "server", 10, NULL);
    return zoo->target ? add_name(zoo, c, TARGET) : -ENOMEM;
}

static int build_blackhole(struct zoo *zoo, const struct case_config *c) { return route(zoo, c, "blackhole"); }
static int build_unreachable_net(struct zoo *zoo, const struct case_config *c) { return route(zoo, c, "unreachable net"); }
static int build_unreachable_host(struct zoo *zoo, const struct case_config *c) { return route(zoo, c, "unreachable host"); }
static int build_unreachable_port(struct zoo *zoo, const struct case_config *c) { return route(zoo, c, "unreachable port"); }
static int build_prohibited(struct zoo *zoo, const struct case_config *c) { return route(zoo, c, "prohibit"); }

static int build_no_route(struct zoo *zoo, const struct case_config *c)
{
    int rc = lil_route_delete(zoo->client, "default");
    return rc ? rc : add_name(zoo, c, TARGET);
}

static int build_arp_silent(struct zoo *zoo, const struct case_config *c) { return add_name(zoo, c, "10.0.0.99"); }

static int build_gateway_silent(struct zoo *zoo, const struct case_config *c)
{
    int rc = lil_route_delete(zoo->client, "default");
    rc = rc ? rc : lil_route_add(zoo->client, "default", "10.0.0.254");
    return rc ? rc : add_name(zoo, c, TARGET);
}

static int build_ttl_exceeded(struct zoo *zoo, const struct case_config *c)
{
    return route(zoo, c, "172.16.0.1"); /* core sends it back to gw */
}

static int build_accept_full(struct zoo *zoo, const struct case_config *c)
{
    int rc = serve(zoo, c, SERVE_NO_ACCEPT, 0, NULL);
    return rc ? rc : zoo_crowd(zoo, 10, c->port);
}

/* --- after the handshake ------------------------------------------------------------------------------------------------------------ */
static int build_accept_slow(struct zoo *zoo, const struct case_config *c)
{
    return c->own_server ? with_fault(zoo, c, 0, FAULT_SLOW_30) : serve(zoo, c, SERVE_ACCEPT_LATE, 0, NULL);
}

static int build_silent(struct zoo *zoo, const struct case_config *c) { return serve(zoo, c, SERVE_SILENT, 0, NULL); }

static int build_rst_after(struct zoo *zoo, const struct case_config *c) { return with_fault(zoo, c, 2000, FAULT_RESET); }
static int build_fin_after(struct zoo *zoo, const struct case_config *c) { return with_fault(zoo, c, 2000, FAULT_END); }
static int build_half_open(struct zoo *zoo, const struct case_config *c) { return with_fault(zoo, c, 2000, FAULT_CUT); }
static int build_restart(struct zoo *zoo, const struct case_config *c) { return with_fault(zoo, c, 2000, FAULT_RESTART); }

/* Room for a few bytes, and nobody reads them. */
static int build_zero_window(struct zoo *zoo, const struct case_config *c)
{
    int rc = serve(zoo, c, SERVE_NO_READ, 0, NULL);
    return rc ? rc : lil_sysctl_set(zoo->target, "net.ipv4.tcp_rmem", "32 32 32");
}

static int build_trickle(struct zoo *zoo, const struct case_config *c) { return with_fault(zoo, c, 0, FAULT_TRICKLE); }

static int build_mtu_blackhole(struct zoo *zoo, const struct case_config *c)
{
    return faulty_link(zoo, c, &(struct lil_link_config){.delay_ns = NS_PER_MS, .mtu = 1300}, 20000);
}

static int build_lost_final_ack(struct zoo *zoo, const struct case_config *c) { return with_fault(zoo, c, 0, FAULT_LAST_ACK); }
static int build_one_way_loss(struct zoo *zoo, const struct case_config *c) { return with_fault(zoo, c, 0, FAULT_ONE_WAY); }

/* A server that takes its time, behind a NAT that is the client's router. */
static int behind_nat(struct zoo *zoo, const struct case_config *c, enum fault_kind kind)
{
    int rc = with_fault(zoo, c, 0, FAULT_SLOW_120);
    return rc ? rc : fault_on_path(zoo, zoo->access, kind);
}

static int build_nat_silent(struct zoo *zoo, const struct case_config *c) { return behind_nat(zoo, c, FAULT_NAT); }
static int build_nat_rst(struct zoo *zoo, const struct case_config *c) { return behind_nat(zoo, c, FAULT_NAT_RST); }

static int build_loss_30(struct zoo *zoo, const struct case_config *c)
{
    return faulty_link(zoo, c, &(struct lil_link_config){.delay_ns = 10 * NS_PER_MS, .loss = lil_percent("30%")}, 20000);
}

static int build_delay_2s(struct zoo *zoo, const struct case_config *c) { return with_fault(zoo, c, 0, FAULT_DELAY); }

static int build_corrupt(struct zoo *zoo, const struct case_config *c)
{
    return faulty_link(zoo, c, &(struct lil_link_config){.delay_ns = 10 * NS_PER_MS, .corrupt = lil_percent("20%")}, 20000);
}

/* --- names and addresses ------------------------------------------------------------------------------------------ */
static int build_dns_fail(struct zoo *zoo, const struct case_config *c)
{
    zoo->names.mode = DNS_SERVFAIL;
    return serve(zoo, c, SERVE, 0, NULL);
}

static int build_dns_slow(struct zoo *zoo, const struct case_config *c)
{
    zoo->names.delay_ns = 4 * NS_PER_S; /* just less than a resolver's usual 5 s */
    return serve(zoo, c, SERVE, 0, NULL);
}

static int build_dns_lies(struct zoo *zoo, const struct case_config *c) { return add_name(zoo, c, "198.51.100.1"); }

static int build_first_address_dead(struct zoo *zoo, const struct case_config *c)
{
    int rc = add_name(zoo, c, "203.0.113.12");
    rc = rc ? rc : lil_route_add(zoo->core, "203.0.113.12/32", "blackhole");
    return rc ? rc : serve(zoo, c, SERVE, 0, NULL);
}

static int build_ipv6_broken(struct zoo *zoo, const struct case_config *c)
{
    int rc = add_name(zoo, c, "2001:db8:dead::10");
    return rc ? rc : serve(zoo, c, SERVE, 0, NULL);
}

/* --- UDP ---------------------------------------------------------------------------------------------------------- */
static int build_udp_silent(struct zoo *zoo, const struct case_config *c) { return serve_udp(zoo, c, UDP_SILENT); }

static int udp_fault(struct zoo *zoo, const struct case_config *config, enum fault_kind kind)
{
    int rc = serve_udp(zoo, config, UDP_ANSWER);
    return rc ? rc : fault_on_path(zoo, zoo->uplink, kind);
}

static int build_udp_wrong_source(struct zoo *zoo, const struct case_config *c) { return udp_fault(zoo, c, FAULT_PORT); }
static int build_udp_late(struct zoo *zoo, const struct case_config *c) { return udp_fault(zoo, c, FAULT_LATE); }
static int build_udp_truncated(struct zoo *zoo, const struct case_config *c) { return udp_fault(zoo, c, FAULT_HALF); }

static int build_udp_duplicate(struct zoo *zoo, const struct case_config *c)
{
    lil_link_set(zoo->uplink, 2, &(struct lil_link_config){.delay_ns = NS_PER_MS, .duplicate = lil_percent("100%")});
    return serve_udp(zoo, c, UDP_ANSWER);
}

enum { KEEPALIVE = 1, UDP = 2, NOBODY = 4 };
#define CASE(name, what, build, flags) {name, what, build, (flags) & UDP, (flags) & NOBODY, (flags) & KEEPALIVE}
const struct gauntlet_case gauntlet_cases[] = {
    CASE("fine", "nothing is wrong: the yardstick", build_fine, 0),
    CASE("refused", "the host answers the SYN with an RST", build_refused, NOBODY),
    CASE("blackhole", "the SYN vanishes", build_blackhole, NOBODY),
    CASE("no-route", "the client has no route", build_no_route, NOBODY),
    CASE("unreachable-net", "a router answers ICMP net unreachable", build_unreachable_net, NOBODY),
    CASE("unreachable-host", "a router answers ICMP host unreachable", build_unreachable_host, NOBODY),
    CASE("unreachable-port", "a router answers ICMP port unreachable", build_unreachable_port, NOBODY),
    CASE("prohibited", "a firewall answers ICMP administratively prohibited", build_prohibited, NOBODY),
    CASE("arp-silent", "no host has the address, on the client's own net", build_arp_silent, NOBODY),
    CASE("gateway-silent", "the client's router does not exist", build_gateway_silent, NOBODY),
    CASE("ttl-exceeded", "two routers send the packets to each other", build_ttl_exceeded, NOBODY),
    CASE("accept-full", "the server's accept queue is full", build_accept_full, NOBODY),
    CASE("accept-slow", "the server accepts 30 s later", build_accept_slow, 0),
    CASE("silent", "the server accepts and never answers", build_silent, NOBODY),
    CASE("rst-after", "a part of the answer, then RST", build_rst_after, 0),
    CASE("fin-after", "a part of the answer, then FIN", build_fin_after, 0),
    CASE("half-open", "a part of the answer, then the server crashes silently", build_half_open, 0),
    CASE("half-open-keepalive", "the same, with SO_KEEPALIVE set for the program", build_half_open, KEEPALIVE),
    CASE("restart", "a part of the answer, then the server restarts without memory, in 5 s", build_restart, 0),
    CASE("zero-window", "the server closes its window", build_zero_window, NOBODY),
    CASE("trickle", "the answer comes at one byte a second", build_trickle, 0),
    CASE("mtu-blackhole", "packets above 1300 bytes vanish", build_mtu_blackhole, 0),
    CASE("lost-final-ack", "the handshake's last ACK is lost", build_lost_final_ack, 0),
    CASE("one-way-loss", "after the handshake nothing comes back", build_one_way_loss, 0),
    CASE("nat-expiry-silent", "the answer takes 120 s; a NAT forgets after 60 s, silently", build_nat_silent, 0),
    CASE("nat-expiry-rst", "the answer takes 120 s; a NAT forgets after 60 s, and resets what comes then", build_nat_rst, 0),
    CASE("loss-30", "30 % of the packets are lost, each way", build_loss_30, 0),
    CASE("delay-2s", "each packet takes 2 s", build_delay_2s, 0),
    CASE("corrupt", "20 % of the packets are corrupted", build_corrupt, 0),
    CASE("dns-fail", "the name server fails (SERVFAIL)", build_dns_fail, 0),
    CASE("dns-slow", "the name server answers after 4 s", build_dns_slow, 0),
    CASE("dns-lies", "the name leads to an address where nothing answers", build_dns_lies, NOBODY),
    CASE("first-address-dead", "two addresses: the first is dead", build_first_address_dead, 0),
    CASE("ipv6-broken", "an IPv6 address that is dead, an IPv4 one that answers", build_ipv6_broken, 0),
    CASE("udp-silent", "no answer", build_udp_silent, NOBODY | UDP),
    CASE("udp-unreachable", "ICMP port unreachable", build_refused, NOBODY | UDP),
    CASE("udp-wrong-source", "the answer comes from another port", build_udp_wrong_source, UDP),
    CASE("udp-duplicate", "every answer twice", build_udp_duplicate, UDP),
    CASE("udp-late", "the answer comes after 30 s", build_udp_late, UDP),
    CASE("udp-truncated", "half of each answer", build_udp_truncated, UDP),
};
const unsigned gauntlet_case_count = ARRAY_COUNT(gauntlet_cases);

const struct gauntlet_case *case_find(const char *name)
{
    for (unsigned i = 0; i < gauntlet_case_count; i++)
        if (!strcmp(gauntlet_cases[i].name, name))
            return &gauntlet_cases[i];
    return NULL;
}

const char *case_nearest(const char *name)
{
    const char *words[CASES_MAX] = {0};
    for (unsigned i = 0; i < gauntlet_case_count && i < CASES_MAX - 1; i++)
        words[i] = gauntlet_cases[i].name;
    return nearest_word(name, words);
}

int case_build(const struct gauntlet_case *one, struct zoo *zoo, const struct case_config *config)
{
    int rc = zoo_base(zoo, config->seed, config->profile);
    struct case_config without = *config;

    without.own_server &= !one->serverless; /* what never answers can be the built-in one, whatever the protocol */
    config = &without;
    zoo->own_server = config->own_server;
    return rc ? rc : one->build(zoo, config);
}

void case_address(const struct zoo *zoo, const struct case_config *config, char out[64])
{
    const struct name *name = names_find(&zoo->names, config->name);
    snprintf(out, 64, "%s", TARGET);
    if (name && name->count)
        inet_ntop(name->address[0].is_v4 ? AF_INET : AF_INET6, name->address[0].bytes, out, 64);
}
