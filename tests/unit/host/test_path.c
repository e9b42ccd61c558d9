/* test_path.c: whole packets between hosts in memory: UDP over Ethernet and TUN, ARP and ND, fragments, forwarding, ICMP errors to those
 * concerned, silent neighbours, path MTU, groups, loopback, backpressure. */
#include "net.h"

static const struct lil_interface_config ether = {.kind = LIL_ETHERNET}, tun = {.kind = LIL_IP};

static void datagrams_over_ethernet(void **state)
{
    (void)state;
    for (int v6 = 0; v6 < 2; v6++) {
        struct net *net = net_new();
        struct lil_host *a = net_host(net, "a", "linux", false), *b = net_host(net, "b", "linux", false);
        net_nic(net, a, 0, v6 ? "2001:db8::1/64" : "192.0.2.1/24", ether);
        net_nic(net, b, 0, v6 ? "2001:db8::2/64" : "192.0.2.2/24", ether);
        struct udp_pcb *pa = net_udp(a, UDP_KIND_UDP, v6 ? "::" : "0.0.0.0", 1000, NULL),
                       *pb = net_udp(b, UDP_KIND_UDP, v6 ? "::" : "0.0.0.0", 2000, NULL);
        net_sendto(a, pa, v6 ? "2001:db8::2" : "192.0.2.2", 2000, 100);
        net_sendto(a, pa, v6 ? "2001:db8::2" : "192.0.2.2", 2000, 5000); /* fragments */
        net_run(net, NS_PER_S);
        struct udp_info info;
        assert_int_equal(net_received(b, pb, &info), 100);
        struct addr from = net_addr(v6 ? "2001:db8::1" : "192.0.2.1");
        assert_true(addr_equal(&info.flow.remote, &from));
        assert_int_equal(info.flow.remote_port, 1000);
        assert_int_equal(net_received(b, pb, &info), 5000);
        assert_int_equal(net_received(b, pb, &info), -1);
        assert_int_equal(lil_counter_get(b, v6 ? "Ip6ReasmOKs" : "IpReasmOKs"), 1);
        assert_int_equal(net_seen(net, "who-has") + net_seen(net, "neighbor sol"), 1);
        net_end(net);
    }
}

static void link_local_and_multicast(void **state)
{
    (void)state;
    struct net *net = net_new();
    struct lil_host *a = net_host(net, "a", "linux", false), *b = net_host(net, "b", "linux", false);
    net_nic(net, a, 0, "192.0.2.1/24", ether);
    net_nic(net, b, 0, "192.0.2.2/24", ether);
    struct udp_pcb *pa = net_udp(a, UDP_KIND_UDP, "::", 1000, NULL), *pb = net_udp(b, UDP_KIND_UDP, "::", 2000, NULL);
    struct addr ll = {0};
    for (unsigned i = 0; i < b->interfaces[1]->address_count; i++)
        if (addr_is_link_local(&b->interfaces[1]->addresses[i].addr))
            ll = b->interfaces[1]->addresses[i].addr;
    char text[ADDR_TEXT];
    struct udp_info info;
    net_sendto(a, pa, addr_print(&ll, text), 2000, 10);
    net_run(net, NS_PER_S);
    assert_int_equal(net_received(b, pb, &info), 10);
    assert_int_equal(info.flow.scope, 2);
    struct udp_pcb *ga = net_udp(a, UDP_KIND_UDP, "0.0.0.0", 5353, NULL), *gb = net_udp(b, UDP_KIND_UDP, "0.0.0.0", 5353, NULL);
    struct addr group = net_addr("224.0.0.251");
    net_sendto(a, ga, "224.0.0.251", 5353, 20);
    net_run(net, 2 * NS_PER_S);
    assert_int_equal(net_received(b, gb, &info), -1);
    assert_int_equal(net->drops[LIL_DROP_IP_NOT_MINE], 1);
    udp_join(gb, &group, 2, true);
    udp_join(ga, &group, 2, true);
    net_sendto(a, ga, "224.0.0.251", 5353, 21);
    net_sendto(a, ga, "192.0.2.255", 5353, 22);
    net_sendto(a, ga, "255.255.255.255", 5353, 23);
    net_run(net, 3 * NS_PER_S);
    assert_int_equal(net_received(b, gb, &info), 21);
    assert_int_equal(net_received(b, gb, &info), 22);
    assert_int_equal(net_received(b, gb, &info), 23);
    assert_int_equal(net_received(a, ga, &info), 21); /* its own copies */
    assert_int_equal(net_received(a, ga, &info), 22);
    net_end(net);
}

static struct net *three(const char *profile, struct lil_host **a, struct lil_host **r, struct lil_host **b, unsigned far_mtu)
{
    struct net *net = net_new();
    *a = net_host(net, "a", profile, false);
    *r = net_host(net, "r", profile, true);
    *b = net_host(net, "b", profile, false);
    struct lil_interface_config far = {.kind = LIL_ETHERNET, .mtu = far_mtu};
    net_nic(net, *a, 0, "10.0.0.1/24", ether);
    net_nic(net, *r, 0, "10.0.0.254/24", ether);
    net_nic(net, *r, 1, "10.0.1.254/24", far);
    net_nic(net, *b, 1, "10.0.1.1/24", far);
    assert_int_equal(lil_route_add(*a, "default", "10.0.0.254"), 0);
    assert_int_equal(lil_route_add(*b, "default", "10.0.1.254"), 0);
    return net;
}

static void forwarding(void **state)
{
    (void)state;
    struct lil_host *a, *r, *b;
    struct net *net = three("linux", &a, &r, &b, 600);
    struct udp_pcb *pa = net_udp(a, UDP_KIND_UDP, "0.0.0.0", 1000, NULL), *pb = net_udp(b, UDP_KIND_UDP, "0.0.0.0", 2000, NULL);
    struct udp_info info;
    net_sendto(a, pa, "10.0.1.1", 2000, 100);
    net_sendto(a, pa, "10.0.1.1", 2000, 1400); /* the router fragments */
    net_sendto(a, pa, "10.0.1.1", 2000, 4000); /* and fragments fragments */
    net_run(net, NS_PER_S);
    assert_int_equal(net_received(b, pb, &info), 100);
    assert_int_equal(info.ttl, 63);
    assert_int_equal(net_received(b, pb, &info), 1400);
    assert_int_equal(net_received(b, pb, &info), 4000);
    assert_int_equal(lil_counter_get(r, "IpForwDatagrams"), 1 + 1 + 3);
    net_end(net);
}

/* An error of the network reaches the socket that caused it, and the right one. */
static int error_for(struct net *net, struct lil_host *a, struct udp_pcb *pcb, const char *to, uint16_t port, struct udp_icmp *icmp)
{
    udp_set_recverr(pcb, 4, true);
    net_sendto(a, pcb, to, port, 50);
    net_run(net, net->now_ns + 10 * NS_PER_S);
    struct lil_packet *packet = udp_receive_error(host_udp(a), pcb, icmp);
    packet_free(packet);
    int error = packet ? icmp->error : 0;
    udp_error(pcb, true);
    return error;
}

static void icmp_reaches_the_sender(void **state)
{
    (void)state;
    struct lil_host *a, *r, *b;
    struct net *net = three("linux", &a, &r, &b, 1500);
    struct udp_pcb *pa = net_udp(a, UDP_KIND_UDP, "0.0.0.0", 1000, NULL);
    struct udp_icmp icmp;
    struct addr router = net_addr("10.0.0.254"), host = net_addr("10.0.1.1");
    assert_int_equal(error_for(net, a, pa, "10.0.1.1", 9, &icmp), ECONNREFUSED); /* port */
    assert_true(addr_equal(&icmp.arrival.flow.remote, &host));
    assert_int_equal(lil_route_add(r, "192.3.4.0/24", "unreachable host"), 0);
    assert_int_equal(lil_route_add(r, "192.3.5.0/24", "unreachable net"), 0);
    assert_int_equal(lil_route_add(r, "192.3.6.0/24", "prohibit"), 0);
    assert_int_equal(lil_route_add(r, "192.3.7.0/24", "blackhole"), 0);
    assert_int_equal(lil_route_add(r, "192.3.8.0/24", "unreachable port"), 0);
    assert_int_equal(error_for(net, a, pa, "192.3.4.5", 13, &icmp), EHOSTUNREACH);
    assert_true(addr_equal(&icmp.arrival.flow.remote, &router));
    assert_int_equal(icmp.code, 1);
    assert_int_equal(error_for(net, a, pa, "192.3.5.5", 13, &icmp), ENETUNREACH);
    assert_int_equal(error_for(net, a, pa, "192.3.6.5", 13, &icmp), EHOSTUNREACH);
    assert_int_equal(icmp.code, 13);
    assert_int_equal(error_for(net, a, pa, "192.3.7.5", 13, &icmp), 0);
    assert_int_equal(error_for(net, a, pa, "192.3.8.5", 13, &icmp), ECONNREFUSED);
    assert_int_equal(error_for(net, a, pa, "203.0.113.1", 13, &icmp), ENETUNREACH); /* the router has no route */
    assert_int_equal(icmp.code, 0);
    assert_int_equal(error_for(net, a, pa, "10.0.1.99", 13, &icmp), EHOSTUNREACH); /* silent behind the router */
    assert_int_equal(icmp.code, 1);
    assert_int_equal(net->drops[LIL_DROP_ROUTE_BLACKHOLE], 1);
    net_end(net);
}

static void silent_neighbor_linux(void **state)
{
    (void)state;
    struct net *net = net_new();
    struct lil_host *a = net_host(net, "a", "linux", false);
    net_nic(net, a, 0, "206.62.226.33/27", ether);
    struct udp_pcb *pa = net_udp(a, UDP_KIND_UDP, "0.0.0.0", 1000, NULL);
    struct udp_icmp icmp;
    udp_set_recverr(pa, 4, true);
    net_sendto(a, pa, "206.62.226.55", 13, 5);
    net_run(net, 3071 * NS_PER_MS);
    assert_null(udp_receive_error(host_udp(a), pa, &icmp));
    net_run(net, 3072 * NS_PER_MS); /* FACTS 3: 3.07 s */
    struct lil_packet *packet = udp_receive_error(host_udp(a), pa, &icmp);
    assert_non_null(packet);
    packet_free(packet);
    assert_int_equal(icmp.error, EHOSTUNREACH);
    assert_int_equal(net_seen(net, "206.62.226.55"), 3);
    assert_int_equal(net->log_ns[1], 1024 * NS_PER_MS);
    assert_int_equal(net->drops[LIL_DROP_NEIGHBOR_FAILED], 1);
    net_end(net);
}

static void path_mtu(void **state)
{
    (void)state;
    struct lil_host *a, *r, *b;
    struct net *net = three("linux", &a, &r, &b, 1000);
    struct udp_pcb *pa = net_udp(a, UDP_KIND_UDP, "0.0.0.0", 1000, NULL);
    const struct tcp_path *path;
    struct addr to = net_addr("10.0.1.1");
    struct udp_icmp icmp;
    assert_int_equal(host_path(a, NULL, &to, &path), 0);
    assert_int_equal(path->mtu, 1500);
    struct udp_sent sent = {.flow = *udp_get_flow(pa), .kind = UDP_KIND_UDP, .dont_fragment = true};
    sent.flow.remote = to;
    sent.flow.remote_port = 9;
    sent.packet = packet_new(host_pool(a));
    uint8_t bytes[1400] = {0};
    assert_true(packet_append(sent.packet, bytes, sizeof bytes));
    udp_set_recverr(pa, 4, true);
    assert_int_equal(udp_send_take(host_udp(a), pa, &sent), 0);
    net_run(net, NS_PER_S);
    struct lil_packet *packet = udp_receive_error(host_udp(a), pa, &icmp);
    assert_non_null(packet);
    packet_free(packet);
    assert_int_equal(icmp.error, EMSGSIZE);
    assert_int_equal(icmp.info, 1000);
    assert_int_equal(host_path(a, NULL, &to, &path), 0);
    assert_int_equal(path->mtu, 1000);
    net_run(net, 602 * NS_PER_S); /* RFC 1191 6.3: it expires */
    assert_int_equal(host_path(a, NULL, &to, &path), 0);
    assert_int_equal(path->mtu, 1500);
    net_end(net);
}

static void echo_and_ping(void **state)
{
    (void)state;
    for (int v6 = 0; v6 < 2; v6++) {
        struct net *net = net_new();
        struct lil_host *a = net_host(net, "a", "linux", false), *b = net_host(net, "b", "linux", false);
        net_nic(net, a, 0, v6 ? "2001:db8::1/64" : "192.0.2.1/24", tun);
        net_nic(net, b, 0, v6 ? "2001:db8::2/64" : "192.0.2.2/24", tun);
        struct udp_pcb *ping = net_udp(a, UDP_KIND_PING, v6 ? "::" : "0.0.0.0", 77, NULL);
        struct udp_sent sent = {.flow = *udp_get_flow(ping), .kind = UDP_KIND_PING, .protocol = v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP};
        sent.flow.remote = net_addr(v6 ? "2001:db8::2" : "192.0.2.2");
        uint8_t bytes[64] = {v6 ? 128 : 8};
        bytes[7] = 5;
        sent.packet = packet_copy(host_pool(a), bytes, sizeof bytes);
        assert_int_equal(udp_send_take(host_udp(a), ping, &sent), 0);
        net_run(net, NS_PER_S);
        struct udp_info info;
        struct lil_packet *packet = udp_receive(host_udp(a), ping, false, &info);
        assert_non_null(packet);
        assert_int_equal(packet->length, 64);
        struct icmp icmp;
        assert_int_equal(icmp_parse(&icmp, v6 ? 6 : 4, packet_pull(packet, 8), 8), 8);
        assert_int_equal(icmp.type, v6 ? 129 : 0);
        assert_int_equal(icmp.echo.id, 77);
        assert_int_equal(icmp.echo.sequence, 5);
        packet_free(packet);
        net_end(net);
    }
}

static void loopback(void **state)
{
    (void)state;
    struct net *net = net_new();
    struct lil_host *a = net_host(net, "a", "linux", false);
    net_nic(net, a, 0, "192.0.2.1/24", ether);
    struct udp_pcb *one = net_udp(a, UDP_KIND_UDP, "0.0.0.0", 1000, NULL), *two = net_udp(a, UDP_KIND_UDP, "0.0.0.0", 2000, NULL);
    struct udp_info info;
    static const char *const to[] = {"127.0.0.1", "127.9.9.9", "192.0.2.1"};
    for (int i = 0; i < 3; i++) {
        net_sendto(a, one, to[i], 2000, 60000);
        net_run(net, net->now_ns);
        assert_int_equal(net_received(a, two, &info), 60000);
        assert_int_equal(info.ifindex, HOST_LOOPBACK);
    }
    assert_int_equal(net->log_count, 0); /* nothing on the wire */
    struct udp_icmp icmp;
    assert_int_equal(error_for(net, a, one, "127.0.0.1", 9, &icmp), ECONNREFUSED);
    net_end(net);
}

static void time_exceeded(void **state)
{
    (void)state;
    struct lil_host *a, *r, *b;
    struct net *net = three("linux", &a, &r, &b, 1500);
    struct udp_pcb *pa = net_udp(a, UDP_KIND_UDP, "0.0.0.0", 1000, NULL);
    struct udp_sent sent = {.flow = *udp_get_flow(pa), .kind = UDP_KIND_UDP, .ttl = 1};
    sent.flow.remote = net_addr("10.0.1.1");
    sent.flow.remote_port = 33434;
    sent.packet = packet_new(host_pool(a));
    udp_set_recverr(pa, 4, true);
    assert_int_equal(udp_send_take(host_udp(a), pa, &sent), 0);
    net_run(net, NS_PER_S);
    struct udp_icmp icmp;
    struct lil_packet *packet = udp_receive_error(host_udp(a), pa, &icmp);
    assert_non_null(packet);
    packet_free(packet);
    assert_int_equal(icmp.type, ICMP4_TIME_EXCEEDED);
    assert_int_equal(net->drops[LIL_DROP_IP_TTL], 1);
    net_end(net);
}

static void backpressure(void **state)
{
    (void)state;
    struct net *net = net_new();
    struct lil_host *a = net_host(net, "a", "linux", false), *b = net_host(net, "b", "linux", false);
    struct lil_interface_config small = {.kind = LIL_IP, .queue_limit = 10};
    int nic = net_nic(net, a, 0, "192.0.2.1/24", small);
    net_nic(net, b, 0, "192.0.2.2/24", tun);
    struct udp_pcb *pa = net_udp(a, UDP_KIND_UDP, "0.0.0.0", 1000, NULL), *pb = net_udp(b, UDP_KIND_UDP, "0.0.0.0", 2000, NULL);
    net->refuse = true;
    for (int i = 0; i < 30; i++)
        net_sendto(a, pa, "192.0.2.2", 2000, 10);
    net_run(net, NS_PER_S);
    assert_int_equal(net->log_count, 0);
    assert_int_equal(net->drops[LIL_DROP_INTERFACE_QUEUE], 10);
    net->refuse = false;
    assert_int_equal(lil_host_poll(a, net->now_ns) > net->now_ns, 1); /* still: the driver has not said so */
    lil_host_writable(a, nic);
    net_run(net, 2 * NS_PER_S);
    struct udp_info info;
    for (int i = 0; i < 20; i++)
        assert_int_equal(net_received(b, pb, &info), 10);
    assert_int_equal(net_received(b, pb, &info), -1);
    net_end(net);
}

static void routes_as_text(void **state)
{
    (void)state;
    struct net *net = net_new();
    struct lil_host *a = net_host(net, "a", "linux", false);
    net_nic(net, a, 0, "192.0.2.1/24", (struct lil_interface_config){.kind = LIL_ETHERNET, .name = "eth0"});
    const struct tcp_path *path;
    struct addr far = net_addr("198.51.100.1"), v6 = net_addr("2001:db8::1");
    assert_int_equal(host_path(a, NULL, &far, &path), -ENETUNREACH);
    assert_int_equal(lil_route_add(a, "default", "203.0.113.1"), -ENETUNREACH); /* no such neighbour */
    assert_int_equal(lil_route_add(a, "default", "192.0.2.254 dev eth0 mtu 1400 initcwnd 20 advmss 1000"), 0);
    assert_int_equal(host_path(a, NULL, &far, &path), 0);
    assert_int_equal(path->mtu, 1400);
    assert_int_equal(path->metrics->initcwnd, 20);
    assert_int_equal(path->metrics->advmss, 1000);
    assert_int_equal(path->ifindex, 2);
    assert_false(path->is_local_net);
    assert_int_equal(host_path(a, NULL, &v6, &path), -ENETUNREACH);
    assert_int_equal(lil_route_add(a, "198.51.100.0/24", "unreachable"), 0);
    assert_int_equal(host_path(a, NULL, &far, &path), -EHOSTUNREACH);
    assert_int_equal(lil_route_delete(a, "198.51.100.0/24"), 0);
    assert_int_equal(lil_route_add(a, "198.51.100.0/24", "prohibit"), 0);
    assert_int_equal(host_path(a, NULL, &far, &path), -EACCES);
    assert_int_equal(lil_route_add(a, "198.51.100.0/32", "dev"), -EINVAL);
    assert_int_equal(lil_route_add(a, "198.51.100.0/32", "dev eth9"), -ENODEV);
    assert_int_equal(lil_route_add(a, "198.51.100.0/33", "dev eth0"), -EINVAL);
    assert_int_equal(lil_route_add(a, "nonsense", "dev eth0"), -EINVAL);
    assert_int_equal(lil_route_add(a, "198.51.100.0/24", "192.0.2.254 mtu x"), -EINVAL);
    assert_int_equal(lil_route_delete(a, "198.18.0.0/15"), -ESRCH);
    struct lil_host *bsd = net_host(net, "b", "4.4bsd", false);
    assert_int_equal(host_path(bsd, NULL, &far, &path), -EHOSTUNREACH); /* 4.4's ip_output */
    net_end(net);
}

static void sysctls(void **state)
{
    (void)state;
    struct net *net = net_new();
    struct lil_host *a = net_host(net, "a", "linux", false);
    char value[128];
    assert_int_equal(lil_sysctl_get(a, "net.ipv4.tcp_syn_retries", value, sizeof value), 0);
    assert_string_equal(value, "6");
    assert_int_equal(lil_sysctl_set(a, "net.ipv4.tcp_syn_retries", "2"), 0);
    assert_int_equal(lil_sysctl_get(a, "tcp.syn", value, sizeof value), 0);
    assert_string_equal(value, "0,1,2,3,4,5,7 11");
    assert_int_equal(lil_sysctl_set(a, "tcp.msl", "2"), -ENOENT);
    assert_int_equal(lil_sysctl_set(a, "tcp.time_wait_ms", "1000"), 0);
    assert_int_equal(tcp_get_params(host_tcp(a))->time_wait_ms, 1000);
    assert_int_equal(lil_sysctl_set(a, "net.ipv4.tcp_fin_timeout", "30"), 0);
    assert_int_equal(lil_sysctl_get(a, "tcp.fin_wait2_ms", value, sizeof value), 0);
    assert_string_equal(value, "30000");
    assert_int_equal(lil_sysctl_set(a, "net.ipv4.tcp_rmem", "4096 87380"), -EINVAL);
    assert_int_equal(lil_sysctl_set(a, "net.ipv4.ip_local_port_range", "1024 2000"), 0);
    assert_int_equal(udp_get_params(host_udp(a))->port_last, 2000);
    net_end(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(datagrams_over_ethernet), cmocka_unit_test(link_local_and_multicast), cmocka_unit_test(forwarding),
        cmocka_unit_test(icmp_reaches_the_sender), cmocka_unit_test(silent_neighbor_linux), cmocka_unit_test(path_mtu),
        cmocka_unit_test(echo_and_ping), cmocka_unit_test(loopback), cmocka_unit_test(time_exceeded), cmocka_unit_test(backpressure),
        cmocka_unit_test(routes_as_text), cmocka_unit_test(sysctls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
