/* test_tunnel.c: what a tunnel must not be hurt by: packets in packets without end, each length cut short, a bad GRE checksum, labels that
 * never end; and a tunnel whose way leads into itself. What tunnels do otherwise is in tests/script/encap. */
#include "net.h"
#include "lilliput/socket.h"
#include "host/tunnel.h"
#include "wire/gre.h"

static struct net *net;
static struct lil_host *host;
static int tun;

static int begin(void **state)
{
    (void)state;
    net = net_new();
    host = net_host(net, "h", "linux", false);
    tun = net_nic(net, host, 0, "192.0.2.1/24", (struct lil_interface_config){.kind = LIL_IP});
    assert_true(host_tunnel_add(host, "t1", "ipip local 192.0.2.1 remote 192.0.2.9") > 0);
    assert_true(host_tunnel_add(host, "g1", "gre local 192.0.2.1 remote 192.0.2.9 csum") > 0);
    assert_int_equal(host_label_add(host, 16), 0);
    return 0;
}

static int end(void **state)
{
    (void)state;
    net_end(net);
    return 0;
}

static uint8_t *outer(uint8_t *end_, uint8_t protocol, size_t behind)
{
    struct ip ip = {.version = 4, .ttl = 64, .protocol = protocol, .payload_length = (uint32_t)behind};
    assert_int_equal(addr_parse("192.0.2.9", &ip.source), 0);
    assert_int_equal(addr_parse("192.0.2.1", &ip.dest), 0);
    ip_emit(&ip, end_ - IPV4_LENGTH);
    return end_ - IPV4_LENGTH;
}

static void feed(const uint8_t *bytes, size_t length)
{
    assert_int_equal(lil_host_input(host, tun, lil_packet_copy(host, bytes, length), net->now_ns), 0);
    lil_host_poll(host, net->now_ns);
}

/* 3,000 headers in 60,000 bytes: eight are looked into. */
static void nested(void **state)
{
    (void)state;
    static uint8_t bytes[60000];
    uint8_t *p = bytes + sizeof bytes;
    while (p - bytes >= IPV4_LENGTH)
        p = outer(p, PROTOCOL_IPV4, (size_t)(bytes + sizeof bytes - p));
    feed(p, (size_t)(bytes + sizeof bytes - p));
    assert_int_equal(lil_drop_count(host, LIL_DROP_TUNNEL), 1);
    assert_int_equal(host->drop_total, 1);
}

/* GRE with a checksum, three labels, an IP header: every prefix of it is dropped for some reason, and one bit that is wrong, too. */
static void cut_short(void **state)
{
    (void)state;
    uint8_t bytes[100] = {0}, *inner = outer(bytes + sizeof bytes, 99, 0), *p = inner;
    for (int i = 0; i < 3; i++) {
        p -= MPLS_LENGTH;
        mpls_emit(&(struct mpls){.label = 16, .ttl = 9, .is_last = i == 0}, p);
    }
    struct gre gre = {.has_checksum = true, .type = ETHERTYPE_MPLS};
    p -= gre_length(&gre);
    gre_emit(&gre, p);
    size_t length = (size_t)(bytes + sizeof bytes - p);
    gre_set_checksum(p, (uint16_t)~csum_fold(csum_partial(p, length, 0)));
    for (size_t n = 0; n <= length; n++) {
        uint64_t before = host->drop_total;
        uint8_t cut[IPV4_LENGTH + 100];
        outer(cut + IPV4_LENGTH, PROTOCOL_GRE, n);
        memcpy(cut + IPV4_LENGTH, p, n);
        feed(cut, IPV4_LENGTH + n);
        assert_int_equal(host->drop_total, before + 1);
        assert_int_equal(lil_drop_count(host, LIL_DROP_IP_PROTOCOL), n == length); /* protocol 99: all headers came off */
    }
    uint8_t whole[IPV4_LENGTH + 100];
    outer(whole + IPV4_LENGTH, PROTOCOL_GRE, length);
    memcpy(whole + IPV4_LENGTH, p, length);
    whole[IPV4_LENGTH + length - 1] ^= 1;
    feed(whole, IPV4_LENGTH + length);
    assert_int_equal(lil_drop_count(host, LIL_DROP_IP_PROTOCOL), 1);
}

/* A datagram of LENGTH bytes from this host to TEXT. */
static void send_to(const char *text, size_t length)
{
    static char bytes[3000];
    struct addr addr;
    struct sockaddr_storage to;
    assert_int_equal(addr_parse(text, &addr), 0);
    socklen_t size = addr_to_sockaddr(&addr, 9, 0, addr_is_v4(&addr) ? AF_INET : AF_INET6, &to);
    struct lil_proc *proc = lil_proc_new(host);
    int fd = lil_socket(proc, to.ss_family, SOCK_DGRAM, 0);
    assert_int_equal(lil_sendto(proc, fd, bytes, length, 0, (struct sockaddr *)&to, size), length);
    lil_host_poll(host, net->now_ns);
    lil_proc_free(proc);
}

/* The way to the other end goes into the tunnel: nothing leaves, and nothing turns. */
static void into_itself(void **state)
{
    (void)state;
    assert_int_equal(lil_route_add(host, "192.0.2.9/32", "dev t1"), 0);
    send_to("192.0.2.9", 1);
    assert_int_equal(lil_drop_count(host, LIL_DROP_NO_ROUTE), 1);
    assert_int_equal(net->log_count, 0);
}

/* Two that lead into each other, and fragments in each turn: there is an end. */
static void into_each_other(void **state)
{
    (void)state;
    assert_true(host_tunnel_add(host, "a1", "ipip local 192.0.2.1 remote 198.51.100.1 ttl 64 nopmtudisc") > 0);
    assert_true(host_tunnel_add(host, "b1", "ipip local 192.0.2.1 remote 198.51.100.2 ttl 64 nopmtudisc") > 0);
    assert_int_equal(lil_route_add(host, "198.51.100.2/32", "dev a1"), 0);
    assert_int_equal(lil_route_add(host, "198.51.100.1/32", "dev b1"), 0);
    send_to("198.51.100.2", 3000);
    assert_in_range(lil_drop_count(host, LIL_DROP_NO_ROUTE), 1, 1000);
    assert_int_equal(net->log_count, 0);
}

/* RFC 2473 4.1.1: two of IPv6 that lead into each other: a packet that says 4 goes into five of them, not into eight. */
static void limited(void **state)
{
    (void)state;
    assert_int_equal(lil_address_add(host, tun, "2001:db8::1/64"), 0);
    assert_true(host_tunnel_add(host, "a6", "ip6tnl local 2001:db8::1 remote 2001:db8:1::1") > 0);
    assert_true(host_tunnel_add(host, "b6", "ip6tnl local 2001:db8::1 remote 2001:db8:1::2 encaplimit none") > 0);
    assert_int_equal(lil_route_add(host, "2001:db8:1::2/128", "dev a6"), 0);
    assert_int_equal(lil_route_add(host, "2001:db8:1::1/128", "dev b6"), 0);
    send_to("2001:db8:1::2", 1);
    assert_int_equal(lil_drop_count(host, LIL_DROP_TUNNEL), 1);
    assert_int_equal(lil_drop_count(host, LIL_DROP_NO_ROUTE), 0);
}

/* What ip-tunnel(8) refuses. */
static void bad_words(void **state)
{
    (void)state;
    const char *const words[] = {"", "nosuch", "ipip remote", "ipip remote 2001:db8::1", "ip6tnl local 192.0.2.1", "gre key x",
                                 "gre key 1.2.3", "ipip ttl 256", "ipip tos -1", "ip6tnl encaplimit 300", "ipip mtu 12x",
                                 "labels 1048576 dev g1", "labels 16", "labels 16 dev nosuch", "labels 1/2/3/4/5/6/7/8/9 dev g1"};
    for (size_t i = 0; i < ARRAY_COUNT(words); i++)
        if (host_tunnel_add(host, "x", words[i]) >= 0)
            fail_msg("\"%s\" made a tunnel", words[i]);
    assert_true(host_tunnel_add(host, "x", "gre local 192.0.2.1 remote any ikey 5 okey 0.0.0.6 ttl inherit tos inherit mtu 1400") > 0);
    assert_int_equal(host_tunnel_add(host, "x", "ipip"), -EEXIST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(nested, begin, end),
                                       cmocka_unit_test_setup_teardown(cut_short, begin, end),
                                       cmocka_unit_test_setup_teardown(into_itself, begin, end),
                                       cmocka_unit_test_setup_teardown(into_each_other, begin, end),
                                       cmocka_unit_test_setup_teardown(limited, begin, end),
                                       cmocka_unit_test_setup_teardown(bad_words, begin, end)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
