/* test_autoconf.c: IPv6 that configures itself: duplicate address detection (RFC 4862 5.4), an address from a router's
 * prefix (5.5), default routers and on-link prefixes with their lifetimes (RFC 4861 6.3); and what an ICMP redirect may
 * change (RFC 1122 3.2.2.2). */
#include "sim/scenario.h"

#define ROUTER  "fe80::99ff:fe00:1"
#define ROUTER2 "fe80::99ff:fe00:2"
#define OWN     "2001:db8:5::ff:fe00:1" /* of the MAC 02:00:00:00:00:01 */

static struct addr addr_of(const char *text)
{
    struct addr addr;
    assert_int_equal(addr_parse(text, &addr), 0);
    return addr;
}

static uint64_t drops_of(const struct scene *s, enum lil_drop drop)
{
    return lil_drop_count(s->client, drop);
}

static void send_advert(struct puppet *puppet, const char *from, uint8_t hop_limit, const struct nd_router *router,
                        size_t cut)
{
    uint8_t message[ND_ROUTER_LENGTH_MAX], frame[512];
    struct addr source = addr_of(from), all = addr_of("ff02::1");
    size_t length = nd_router_emit(router, ICMP6_ROUTER_ADVERT, message) - cut;
    struct eth eth = {.dest = {{0x33, 0x33, 0, 0, 0, 1}}, .source = puppet->mac, .type = ETHERTYPE_V6};
    struct ip ip = {.source = source,
                    .dest = all,
                    .version = 6,
                    .protocol = IPPROTO_ICMPV6,
                    .ttl = hop_limit,
                    .payload_length = (uint32_t)length};
    size_t at = eth_emit(&eth, frame);
    at += ip_emit(&ip, frame + at);
    memcpy(frame + at, message, length);
    checksum_fill(&ip, frame + at, length, 2);
    puppet_send(puppet, frame, at + length);
}

static struct nd_router advert(uint16_t lifetime_s, uint32_t valid_s, uint32_t preferred_s)
{
    struct nd_router router = {
        .hop_limit = 64, .lifetime_s = lifetime_s, .has_mac = true, .mac = {{2, 0x99, 0, 0, 0, 1}}, .prefix_count = 1};
    router.prefixes[0] = (struct nd_prefix){{addr_of("2001:db8:5::"), 64}, true, true, valid_s, preferred_s};
    return router;
}

/* What connect() over UDP says of the source towards REMOTE: its text, or the errno's name. */
struct source {
    const char *remote;
    char text[64];
};

static int source_main(struct lil_proc *p, void *argument)
{
    struct source *source = argument;
    struct sockaddr_in6 own;
    socklen_t length = sizeof own;
    int fd = lil_socket(p, AF_INET6, SOCK_DGRAM, 0);
    if (connect_to(p, fd, source->remote, 9) < 0) {
        snprintf(source->text, sizeof source->text, "%s", strerrorname_np(errno));
    } else {
        lil_getsockname(p, fd, (struct sockaddr *)&own, &length);
        inet_ntop(AF_INET6, &own.sin6_addr, source->text, sizeof source->text);
    }
    lil_close(p, fd);
    return 0;
}

static const char *source_towards(struct scene *s, const char *remote, double at_s)
{
    static struct source source;
    source = (struct source){.remote = remote};
    lil_world_spawn_at(s->world, s->client, SECONDS(at_s), source_main, &source);
    scene_run(s, at_s + 0.001);
    return source.text;
}

static struct puppet *scene_auto(struct scene *s)
{
    struct puppet *puppet = scene_puppet(s, "linux");
    assert_int_equal(lil_address_delete(s->client, 2, "2001:db8::1/64"), 0);
    assert_int_equal(lil_interface_autoconf(s->client, 2), 0);
    assert_int_equal(lil_interface_autoconf(s->client, 2), -EALREADY);
    assert_int_equal(lil_interface_autoconf(s->client, 1), -EOPNOTSUPP); /* the loopback */
    return puppet;
}

static bool is_probe(const struct seen *seen)
{
    return seen->is_icmp && seen->ip.version == 6 && seen->icmp.type == ICMP6_NEIGHBOR_SOLICIT &&
           addr_is_any(&seen->ip.source);
}

static bool is_solicitation(const struct seen *seen)
{
    return seen->is_icmp && seen->ip.version == 6 && seen->icmp.type == ICMP6_ROUTER_SOLICIT;
}

/* RFC 4862 5.3 to 5.5: the link-local address is probed, then routers are asked; a prefix gives an address, probed too.
 */
static void test_address(void **state)
{
    struct scene s;
    (void)state;
    struct puppet *puppet = scene_auto(&s);
    struct nd_router router = advert(1800, 86400, 3600);
    assert_string_equal(source_towards(&s, "2001:db8:9::1", 0.0), "ENETUNREACH");
    scene_run(&s, 20);
    assert_int_equal(count_of(&s, "client", is_probe), 1);
    assert_int_equal(count_of(&s, "client", is_solicitation), 3); /* RFC 4861 6.3.7: nobody answers, no fourth */
    const struct seen *first = nth_of(&s, "client", is_solicitation, 0),
                      *second = nth_of(&s, "client", is_solicitation, 1);
    assert_true(first->now_ns >= SECONDS(1) &&
                first->now_ns <= SECONDS(2)); /* a delay below 1 s, then a second's wait */
    assert_int_equal(second->now_ns - first->now_ns, SECONDS(4));
    assert_int_equal(first->ip.ttl, 255);
    assert_true(addr_is_link_local(&first->ip.source));
    send_advert(puppet, ROUTER, 255, &router, 0);
    scene_run(&s, 23);
    assert_int_equal(count_of(&s, "client", is_probe), 2);
    assert_string_equal(source_towards(&s, "2001:db8:9::1", 24), OWN); /* by the default router */
    assert_string_equal(source_towards(&s, "2001:db8:5::7", 25), OWN); /* on the link */
    scene_end(&s);
}

static void answer_probe(struct puppet *puppet, const char *target)
{
    struct nd nd = {.target = addr_of(target), .override_ = true, .has_mac = true, .mac = puppet->mac};
    uint8_t message[64];
    struct addr all = addr_of("ff02::1");
    puppet_send_ip(puppet, &nd.target, &all, IPPROTO_ICMPV6, message, nd_emit(&nd, ICMP6_NEIGHBOR_ADVERT, message), 2);
}

/* RFC 4862 5.4.3: another has the address: it is not used. */
static void test_duplicate(void **state)
{
    struct scene s;
    (void)state;
    struct puppet *puppet = scene_puppet(&s, "linux");
    assert_int_equal(lil_sysctl_set(s.client, "net.ipv6.conf.all.dad_transmits", "2"), 0);
    assert_int_equal(lil_address_add(s.client, 2, "2001:db8:5::1/64"), 0);
    assert_int_equal(lil_address_add(s.client, 2, "2001:db8:6::1/64"), 0);
    assert_int_equal(lil_address_add(s.client, 2, "2001:db8:6::1/64"), -EEXIST);
    scene_run(&s, 0.5);
    assert_int_equal(count_of(&s, "client", is_probe), 2);
    answer_probe(puppet, "2001:db8:5::1");
    assert_string_equal(source_towards(&s, "2001:db8:6::7", 1.5), "2001:db8::1"); /* tentative: not a source yet */
    assert_string_equal(source_towards(&s, "2001:db8:6::7", 2.5), "2001:db8:6::1");
    assert_string_equal(source_towards(&s, "2001:db8:5::7", 3), "ENETUNREACH"); /* its net has gone with it */
    assert_int_equal(count_of(&s, "client", is_probe), 3);
    assert_string_equal(s.hints, "duplicate address, not used: 2001:db8:5::1 on eth0: 02:99:00:00:00:01");
    scene_end(&s);
}

/* Two hosts that want one address: both hear the other's probe at the same instant, neither gets it (5.4.3). */
static void test_both(void **state)
{
    struct scene s;
    (void)state;
    scene_two(&s, "linux", "linux");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(lil_sysctl_set(i ? s.server : s.client, "ip.dad_transmits", "1"), 0);
        assert_int_equal(lil_address_add(i ? s.server : s.client, 2, "2001:db8:7::1/64"), 0);
    }
    assert_string_equal(source_towards(&s, "2001:db8:7::9", 5), "ENETUNREACH");
    scene_end(&s);
}

/* RFC 4861 6.1.2: what is not a valid advertisement changes nothing. */
static void test_invalid(void **state)
{
    struct scene s;
    (void)state;
    struct puppet *puppet = scene_auto(&s);
    struct nd_router router = advert(1800, 86400, 3600);
    scene_run(&s, 3);
    send_advert(puppet, "2001:db8:5::99", 255, &router, 0); /* not link-local */
    send_advert(puppet, ROUTER, 64, &router, 0);            /* from afar */
    send_advert(puppet, ROUTER, 255, &router, 5);           /* cut off */
    scene_run(&s, 4);
    assert_int_equal(drops_of(&s, LIL_DROP_ND_MALFORMED), 3);
    assert_string_equal(source_towards(&s, "2001:db8:9::1", 5), "ENETUNREACH");
    router.prefixes[0].preferred_s = 90000; /* longer than valid: RFC 4862 5.5.3 (c); the rest of it counts */
    send_advert(puppet, ROUTER, 255, &router, 0);
    scene_run(&s, 8);
    assert_int_equal(count_of(&s, "client", is_probe), 1);
    scene_end(&s);
}

/* Lifetimes: RFC 4861 6.3.4 (a router's farewell), 6.3.5; RFC 4862 5.5.3 (e), 5.5.4. */
static void test_lifetimes(void **state)
{
    struct scene s;
    (void)state;
    struct puppet *puppet = scene_auto(&s);
    struct nd_router router = advert(1800, 86400, 3600);
    scene_run(&s, 3);
    send_advert(puppet, ROUTER, 255, &router, 0);
    assert_string_equal(source_towards(&s, "2001:db8:9::1", 6), OWN);
    router = advert(0, 60, 60);
    send_advert(puppet, ROUTER, 255, &router, 0);
    assert_string_equal(source_towards(&s, "2001:db8:9::1", 7), "ENETUNREACH"); /* no router */
    assert_string_equal(source_towards(&s, "2001:db8:5::7", 8), OWN);
    assert_string_equal(source_towards(&s, "2001:db8:5::7", 100),
                        "ENETUNREACH"); /* the prefix is not on the link any more */
    router = advert(100, 60, 60);
    send_advert(puppet, ROUTER, 255, &router, 0);
    assert_string_equal(source_towards(&s, "2001:db8:9::1", 150), OWN);
    assert_string_equal(source_towards(&s, "2001:db8:9::1", 201), "ENETUNREACH"); /* the router's time is over */
    router = advert(60000, 60, 60);
    send_advert(puppet, ROUTER, 255, &router, 0);
    assert_string_equal(source_towards(&s, "2001:db8:9::1", 7000), OWN); /* nobody shortens it below two hours ... */
    const char *later = source_towards(&s, "2001:db8:9::1", 7500);
    assert_string_not_equal(later, OWN); /* ... and then it is gone */
    scene_end(&s);
}

/* --- who is the next hop of what is sent -------------------------------------------------------------------------- */
static int sender_main(struct lil_proc *p, void *argument)
{
    const char *to = argument;
    int fd = lil_socket(p, strchr(to, ':') ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
    if (connect_to(p, fd, to, 9) == 0)
        lil_send(p, fd, "x", 1, 0);
    lil_close(p, fd);
    return 0;
}

static void send_at(struct scene *s, const char *to, double at_s)
{
    lil_world_spawn_at(s->world, s->client, SECONDS(at_s), sender_main, (void *)(uintptr_t)to);
}

static bool is_udp(const struct seen *seen)
{
    return seen->is_udp;
}

static bool is_arp_for_253(const struct seen *seen)
{
    return is_arp_request(seen) && seen->arp.target.b[15] == 253;
}

/* RFC 4861 6.3.6: a router that does not answer gives way to another. */
static void test_second_router(void **state)
{
    struct scene s;
    (void)state;
    struct puppet *puppet = scene_auto(&s);
    struct nd_router router = advert(1800, 86400, 3600);
    scene_run(&s, 3);
    router.has_mac = false; /* so that it must be asked for */
    send_advert(puppet, ROUTER, 255, &router, 0);
    scene_run(&s, 6);
    router = advert(1800, 86400, 3600);
    router.mac.b[5] = 2;
    send_advert(puppet, ROUTER2, 255, &router, 0);
    scene_run(&s, 7);
    puppet->answers_arp = false;
    send_at(&s, "2001:db8:9::1", 8); /* finds the first router silent */
    send_at(&s, "2001:db8:9::1", 18);
    scene_run(&s, 20);
    assert_int_equal(count_of(&s, "client", is_udp), 1);
    assert_int_equal(nth_of(&s, "client", is_udp, 0)->eth.dest.b[5], 2);
    scene_end(&s);
}

/* A redirect as ROUTER sends it about the client's datagram to 198.51.100.9. */
static void send_redirect(struct puppet *puppet, const char *router, const char *gateway)
{
    uint8_t message[ICMP_LENGTH + IPV4_LENGTH + UDP_LENGTH];
    struct addr source = addr_of(router), to = addr_of(SCENE_CLIENT), better = addr_of(gateway);
    struct icmp icmp = {.type = ICMP4_REDIRECT_, .code = 1, .rest = addr_to_v4(&better)};
    struct ip quoted = {.source = to,
                        .dest = addr_of("198.51.100.9"),
                        .version = 4,
                        .protocol = IPPROTO_UDP,
                        .ttl = 64,
                        .payload_length = 9};
    struct udphdr_ udp = {.source_port = 1024, .dest_port = 9, .length = 9};
    size_t at = icmp_emit(&icmp, 4, message);
    at += ip_emit(&quoted, message + at);
    at += udphdr_emit(&udp, message + at);
    puppet_send_ip(puppet, &source, &to, IPPROTO_ICMP, message, at, 2);
}

/* RFC 1122 3.2.2.2: a redirect counts if it comes from the first hop in use and names a neighbour; a router takes none.
 */
static void test_redirect(void **state)
{
    static const struct {
        const char *from, *gateway, *accept, *forwarding;
        bool taken;
    } rows[] = {
        {"192.0.2.254", "192.0.2.253", "1", "0", true},
        {"192.0.2.250", "192.0.2.253", "1", "0", false}, /* not the router in use */
        {"192.0.2.254", "203.0.113.1", "1", "0", false}, /* not a neighbour */
        {"192.0.2.254", SCENE_CLIENT, "1", "0", false},  /* oneself */
        {"192.0.2.254", "192.0.2.253", "0", "0", false}, /* accept_redirects is off */
        {"192.0.2.254", "192.0.2.253", "1", "1", false}, /* a router */
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct scene s;
        struct puppet *puppet = scene_puppet(&s, "linux");
        lil_sysctl_set(s.client, "net.ipv4.conf.all.accept_redirects", rows[i].accept);
        lil_sysctl_set(s.client, "net.ipv4.ip_forward", rows[i].forwarding);
        send_at(&s, "198.51.100.9", 1);
        scene_run(&s, 2);
        send_redirect(puppet, rows[i].from, rows[i].gateway);
        scene_run(&s, 3);
        send_at(&s, "198.51.100.9", 4);
        send_at(&s, "198.51.100.10", 5); /* only this destination is concerned */
        scene_run(&s, 6);
        assert_int_equal(count_of(&s, "client", is_udp), 3);
        assert_int_equal(count_of(&s, "client", is_arp_for_253), rows[i].taken);
        assert_int_equal(drops_of(&s, LIL_DROP_ICMP_TYPE), !rows[i].taken);
        scene_end(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_address),   cmocka_unit_test(test_duplicate),
                                       cmocka_unit_test(test_both),      cmocka_unit_test(test_invalid),
                                       cmocka_unit_test(test_lifetimes), cmocka_unit_test(test_second_router),
                                       cmocka_unit_test(test_redirect)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
