/* test_drop.c: each malformed or unwanted frame is counted under its reason, exactly once, and changes nothing;
 * DESIGN.md section 7's attacks on what lies below TCP, with bounds. */
#include "net.h"
#include "host/packet_filter.h"

struct bench {
    struct net *net;
    struct lil_host *host;
    int eth, tun;
    struct mac mac;
};

static struct bench bench_new(bool router)
{
    struct bench b = {.net = net_new()};
    b.host = net_host(b.net, "h", "linux", router);
    b.eth = net_nic(b.net, b.host, 0, "192.0.2.1/24", (struct lil_interface_config){.kind = LIL_ETHERNET});
    b.tun = net_nic(b.net, b.host, 1, "10.0.0.1/24", (struct lil_interface_config){.kind = LIL_IP});
    assert_int_equal(lil_address_add(b.host, b.tun, "2001:db8::1/64"), 0);
    b.mac = b.host->interfaces[1]->mac;
    return b;
}

/* Feeds BYTES to the TUN; exactly one drop, for REASON. */
static void drops_as(struct bench *b, int ifindex, const void *bytes, size_t length, enum lil_drop reason)
{
    uint64_t total = b->host->drop_total, of_reason = lil_drop_count(b->host, reason);
    assert_int_equal(lil_host_input(b->host, ifindex, lil_packet_copy(b->host, bytes, length), b->net->now_ns), 0);
    if (lil_drop_count(b->host, reason) != of_reason + 1 || b->host->drop_total != total + 1) {
        for (int i = 0; i < LIL_DROP_COUNT; i++)
            if (b->host->drops[i])
                printf("%s %llu\n", lil_drop_name((enum lil_drop)i), (unsigned long long)b->host->drops[i]);
        fail_msg("expected one more drop of %s", lil_drop_name(reason));
    }
}

struct datagram {
    uint8_t bytes[2048];
    size_t length;
    struct ip ip;
};

/* A UDP or other datagram with a right checksum. */
static struct datagram datagram(const char *from, const char *to, uint8_t protocol, size_t payload)
{
    struct datagram d = {.length = payload};
    d.ip = (struct ip){.version = strchr(to, ':') ? 6 : 4, .protocol = protocol, .ttl = 64, .payload_length = (uint32_t)payload,
                       .source = net_addr(from), .dest = net_addr(to)};
    size_t header = ip_emit(&d.ip, d.bytes);
    d.length += header;
    if (protocol == IPPROTO_UDP && payload >= 8) {
        struct udphdr_ udp = {.source_port = 1000, .dest_port = 9, .length = (uint16_t)payload};
        udphdr_emit(&udp, d.bytes + header);
        uint32_t sum = csum_add(addr_pseudo_sum(&d.ip.source, &d.ip.dest, protocol, (uint32_t)payload),
                                csum_partial(d.bytes + header, payload, 0));
        uint16_t field = (uint16_t)~csum_fold(sum);
        memcpy(d.bytes + header + 6, &field, 2);
    }
    return d;
}

static void fix(struct datagram *d)
{
    uint16_t field = 0;
    memcpy(d->bytes + 10, &field, 2);
    field = (uint16_t)~csum_fold(csum_partial(d->bytes, 20, 0));
    memcpy(d->bytes + 10, &field, 2);
}

static void link_frames(void **state)
{
    (void)state;
    struct bench b = bench_new(false);
    uint8_t frame[60] = {0};
    drops_as(&b, b.eth, frame, 13, LIL_DROP_ETH_TRUNCATED);
    drops_as(&b, b.eth, frame, 0, LIL_DROP_ETH_TRUNCATED);
    drops_as(&b, b.eth, frame, 60, LIL_DROP_ETH_NOT_MINE);
    memcpy(frame, b.mac.b, 6);
    drops_as(&b, b.eth, frame, 60, LIL_DROP_ETH_TYPE);
    frame[12] = 8;
    frame[13] = 6;
    drops_as(&b, b.eth, frame, 41, LIL_DROP_ARP_MALFORMED);
    drops_as(&b, b.eth, frame, 60, LIL_DROP_ARP_MALFORMED);
    frame[13] = 0;
    drops_as(&b, b.eth, frame, 60, LIL_DROP_IP_VERSION);
    lil_interface_set_up(b.host, b.eth, false);
    drops_as(&b, b.eth, frame, 60, LIL_DROP_INTERFACE_DOWN);
    net_end(b.net);
}

static void ip_headers(void **state)
{
    (void)state;
    struct bench b = bench_new(false);
    struct datagram good = datagram("10.0.0.2", "10.0.0.1", IPPROTO_UDP, 16), d = good;
    drops_as(&b, b.tun, d.bytes, 0, LIL_DROP_IP_TRUNCATED);
    drops_as(&b, b.tun, d.bytes, 19, LIL_DROP_IP_TRUNCATED);
    drops_as(&b, b.tun, d.bytes, d.length - 1, LIL_DROP_IP_LENGTH);
    d.bytes[0] = 0x55;
    drops_as(&b, b.tun, d.bytes, d.length, LIL_DROP_IP_VERSION);
    d.bytes[0] = 0x44;
    drops_as(&b, b.tun, d.bytes, d.length, LIL_DROP_IP_HEADER);
    d = good;
    d.bytes[10] ^= 1;
    drops_as(&b, b.tun, d.bytes, d.length, LIL_DROP_IP_CHECKSUM);
    d = good;
    d.bytes[3] = 10; /* total length below the header's */
    fix(&d);
    drops_as(&b, b.tun, d.bytes, d.length, LIL_DROP_IP_HEADER);
    d = datagram("10.0.0.2", "10.0.0.1", 200, 16);
    drops_as(&b, b.tun, d.bytes, d.length, LIL_DROP_IP_PROTOCOL);
    d = datagram("10.0.0.2", "10.9.9.9", IPPROTO_UDP, 16);
    drops_as(&b, b.tun, d.bytes, d.length, LIL_DROP_IP_NOT_MINE);
    d = datagram("10.0.0.2", "224.1.2.3", IPPROTO_UDP, 16);
    drops_as(&b, b.tun, d.bytes, d.length, LIL_DROP_IP_NOT_MINE);
    /* IPv6 */
    d = datagram("2001:db8::2", "2001:db8::1", IPPROTO_UDP, 16);
    drops_as(&b, b.tun, d.bytes, 39, LIL_DROP_IP_TRUNCATED);
    drops_as(&b, b.tun, d.bytes, d.length - 1, LIL_DROP_IP_LENGTH);
    d.bytes[6] = 43; /* a routing header with segments left (RFC 5095) */
    d.bytes[40] = 59;
    d.bytes[41] = 0;
    d.bytes[42] = 0;
    d.bytes[43] = 1;
    drops_as(&b, b.tun, d.bytes, d.length, LIL_DROP_IP_EXTENSION);
    net_run(b.net, NS_PER_S);
    assert_int_equal(net_seen(b.net, "icmp6: parameter problem"), 1);
    assert_int_equal(net_seen(b.net, "icmp: unreachable - protocol"), 1);
    net_end(b.net);
}

static void options(void **state)
{
    (void)state;
    struct bench b = bench_new(false);
    uint8_t bytes[64] = {0x47, 0, 0, 44, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 2, 10, 0, 0, 1, 131, 7, 4, 10, 0, 0, 9, 0};
    struct datagram d = {.length = 44};
    memcpy(d.bytes, bytes, 44);
    uint16_t field = (uint16_t)~csum_fold(csum_partial(d.bytes, 28, 0));
    memcpy(d.bytes + 10, &field, 2);
    drops_as(&b, b.tun, d.bytes, d.length, LIL_DROP_IP_OPTION); /* a loose source route */
    d.bytes[20] = 68;
    d.bytes[21] = 0; /* length 0 */
    memset(d.bytes + 10, 0, 2);
    field = (uint16_t)~csum_fold(csum_partial(d.bytes, 28, 0));
    memcpy(d.bytes + 10, &field, 2);
    drops_as(&b, b.tun, d.bytes, d.length, LIL_DROP_IP_OPTION);
    net_run(b.net, NS_PER_S);
    assert_int_equal(net_seen(b.net, "parameter problem"), 1);
    net_end(b.net);
}

/* RFC 1812 5.3.7, RFC 1122 3.2.1.3; LAND */
static void martians(void **state)
{
    (void)state;
    struct bench b = bench_new(true);
    static const struct { const char *from, *to; enum lil_drop reason; } rows[] = {
        {"127.0.0.1", "10.0.0.1", LIL_DROP_IP_MARTIAN}, {"10.0.0.2", "127.0.0.1", LIL_DROP_IP_MARTIAN},
        {"10.0.0.1", "10.0.0.1", LIL_DROP_IP_MARTIAN}, {"192.0.2.1", "10.0.0.1", LIL_DROP_IP_MARTIAN},
        {"224.0.0.1", "10.0.0.1", LIL_DROP_IP_SOURCE}, {"255.255.255.255", "10.0.0.1", LIL_DROP_IP_SOURCE},
        {"10.0.0.255", "10.0.0.1", LIL_DROP_IP_SOURCE}, {"0.0.0.0", "10.0.0.1", LIL_DROP_IP_SOURCE},
        {"10.0.0.2", "0.0.0.0", LIL_DROP_IP_MARTIAN}, {"::1", "2001:db8::1", LIL_DROP_IP_MARTIAN},
        {"2001:db8::1", "2001:db8::1", LIL_DROP_IP_MARTIAN}, {"ff02::1", "2001:db8::1", LIL_DROP_IP_SOURCE},
        {"::", "2001:db8::1", LIL_DROP_IP_SOURCE}, {"fe80::9", "2001:db9::1", LIL_DROP_IP_MARTIAN},
        {"10.0.0.2", "192.0.2.255", LIL_DROP_IP_NOT_MINE} /* RFC 2644: no directed broadcasts */,
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct datagram d = datagram(rows[i].from, rows[i].to, IPPROTO_UDP, 16);
        drops_as(&b, b.tun, d.bytes, d.length, rows[i].reason);
    }
    net_run(b.net, NS_PER_S);
    assert_int_equal(b.net->log_count, 0); /* and nobody is answered */
    net_end(b.net);
}

static void transports(void **state)
{
    (void)state;
    struct bench b = bench_new(false);
    struct datagram d = datagram("10.0.0.2", "10.0.0.1", IPPROTO_UDP, 16);
    drops_as(&b, b.tun, d.bytes, d.length, LIL_DROP_UDP_NO_PORT);
    d.bytes[30] ^= 1;
    drops_as(&b, b.tun, d.bytes, d.length, LIL_DROP_UDP_CHECKSUM);
    d = datagram("10.0.0.2", "10.0.0.1", IPPROTO_UDP, 7);
    drops_as(&b, b.tun, d.bytes, d.length, LIL_DROP_UDP_TRUNCATED);
    d = datagram("10.0.0.2", "10.0.0.1", IPPROTO_UDP, 16);
    d.bytes[25] = 17; /* longer than the packet */
    drops_as(&b, b.tun, d.bytes, d.length, LIL_DROP_UDP_TRUNCATED);
    d.bytes[25] = 7;
    drops_as(&b, b.tun, d.bytes, d.length, LIL_DROP_UDP_TRUNCATED);
    d = datagram("2001:db8::2", "2001:db8::1", IPPROTO_UDP, 16);
    d.bytes[46] = d.bytes[47] = 0; /* RFC 8200 8.1: IPv6 needs one */
    drops_as(&b, b.tun, d.bytes, d.length, LIL_DROP_UDP_CHECKSUM);
    d = datagram("10.0.0.2", "10.0.0.1", IPPROTO_TCP, 19);
    drops_as(&b, b.tun, d.bytes, d.length, LIL_DROP_TCP_TRUNCATED);
    d = datagram("10.0.0.2", "10.0.0.1", IPPROTO_TCP, 20);
    d.bytes[32] = 0x40; /* data offset 4 */
    drops_as(&b, b.tun, d.bytes, d.length, LIL_DROP_TCP_HEADER);
    d.bytes[32] = 0x50;
    drops_as(&b, b.tun, d.bytes, d.length, LIL_DROP_TCP_CHECKSUM); /* RFC 9293 3.1 (MUST-3) */
    d = datagram("10.0.0.2", "224.0.0.1", IPPROTO_TCP, 20);
    drops_as(&b, b.tun, d.bytes, d.length, LIL_DROP_TCP_MARTIAN);
    d = datagram("10.0.0.2", "10.0.0.255", IPPROTO_TCP, 20); /* RFC 9293 3.9.2.3 (MUST-57) */
    drops_as(&b, b.tun, d.bytes, d.length, LIL_DROP_TCP_MARTIAN);
    d = datagram("10.0.0.2", "10.0.0.1", IPPROTO_ICMP, 7);
    drops_as(&b, b.tun, d.bytes, d.length, LIL_DROP_ICMP_TRUNCATED);
    d = datagram("10.0.0.2", "10.0.0.1", IPPROTO_ICMP, 8);
    d.bytes[20] = 8;
    drops_as(&b, b.tun, d.bytes, d.length, LIL_DROP_ICMP_CHECKSUM);
    d.bytes[20] = 42;
    uint16_t field = (uint16_t)~csum_fold(csum_partial(d.bytes + 20, 8, 0));
    memcpy(d.bytes + 22, &field, 2);
    drops_as(&b, b.tun, d.bytes, d.length, LIL_DROP_ICMP_TYPE);
    d = datagram("10.0.0.2", "10.0.0.1", IPPROTO_ICMP, 8);
    d.bytes[20] = 3;
    field = (uint16_t)~csum_fold(csum_partial(d.bytes + 20, 8, 0));
    memcpy(d.bytes + 22, &field, 2);
    drops_as(&b, b.tun, d.bytes, d.length, LIL_DROP_ICMP_QUOTE);
    net_end(b.net);
}

/* An ICMP error quoting a datagram from FROM to TO. */
static struct datagram icmp_quoting(const char *from, const char *to, uint8_t type, uint8_t code, uint16_t mtu)
{
    struct datagram inner = datagram(from, to, IPPROTO_UDP, 16), d = datagram("10.0.0.2", "10.0.0.1", IPPROTO_ICMP, 8 + 36);
    struct icmp icmp = {.type = type, .code = code, .rest = mtu};
    icmp_emit(&icmp, 4, d.bytes + 20);
    memcpy(d.bytes + 28, inner.bytes, 36);
    uint16_t field = (uint16_t)~csum_fold(csum_partial(d.bytes + 20, 44, 0));
    memcpy(d.bytes + 22, &field, 2);
    return d;
}

/* A rule that rejects answers what is sound: not what has a wrong checksum, nor a RST (Linux's nf_reject_verify_csum). */
static void rejected(void **state)
{
    (void)state;
    struct bench b = bench_new(false);
    struct filter_chain *chain = filter_chain(b.host, 0, "t", "in", true);
    struct filter_rule rule = {.target = TARGET_REJECT, .low = 3, .high = 4, .text = ""};
    assert_int_equal(filter_chain_hook(b.host, chain, FILTER_INPUT, 0), 0);
    assert_int_equal(filter_rule_add(b.host, chain, &rule, -1), 0);
    struct datagram d = datagram("10.0.0.2", "10.0.0.1", IPPROTO_UDP, 16);
    d.bytes[30] ^= 1;
    drops_as(&b, b.tun, d.bytes, d.length, LIL_DROP_FILTER);
    lil_host_poll(b.host, b.net->now_ns);
    assert_int_equal(b.host->counters[0][CNT_ICMP_OUT], 0);
    d.bytes[30] ^= 1;
    drops_as(&b, b.tun, d.bytes, d.length, LIL_DROP_FILTER);
    lil_host_poll(b.host, b.net->now_ns);
    assert_int_equal(b.host->counters[0][CNT_ICMP_OUT], 1);
    for (size_t length = 0; length < 16; length++) { /* each that is cut short, too */
        d = datagram("10.0.0.2", "10.0.0.1", IPPROTO_UDP, length);
        drops_as(&b, b.tun, d.bytes, d.length, LIL_DROP_FILTER);
    }
    net_end(b.net);
}

static void blind_icmp(void **state)
{
    (void)state;
    struct bench b = bench_new(false);
    struct datagram d = icmp_quoting("10.0.0.77", "10.0.0.9", 3, 3, 0); /* about a packet that is not ours */
    drops_as(&b, b.tun, d.bytes, d.length, LIL_DROP_ICMP_QUOTE);
    /* a tiny MTU is not believed below the floor (RFC 5927 7; ip-sysctl min_pmtu) */
    d = icmp_quoting("10.0.0.1", "10.0.0.9", 3, 4, 68);
    assert_int_equal(lil_host_input(b.host, b.tun, lil_packet_copy(b.host, d.bytes, d.length), 0), 0);
    const struct tcp_path *path;
    struct addr to = net_addr("10.0.0.9");
    assert_int_equal(host_path(b.host, NULL, &to, &path), 0);
    assert_int_equal(path->mtu, 552);
    net_end(b.net);
}

/* smurf: an echo to a broadcast is not answered; floods of datagrams draw a bounded number of errors */
static void reflection_is_bounded(void **state)
{
    (void)state;
    struct bench b = bench_new(false);
    struct datagram d = datagram("10.0.0.2", "10.0.0.255", IPPROTO_ICMP, 8);
    d.bytes[20] = 8;
    uint16_t field = (uint16_t)~csum_fold(csum_partial(d.bytes + 20, 8, 0));
    memcpy(d.bytes + 22, &field, 2);
    drops_as(&b, b.tun, d.bytes, d.length, LIL_DROP_ICMP_TYPE);
    d = datagram("10.0.0.2", "10.0.0.1", IPPROTO_UDP, 16);
    for (int i = 0; i < 10000; i++)
        lil_host_input(b.host, b.tun, lil_packet_copy(b.host, d.bytes, d.length), 0);
    net_run(b.net, 0);
    assert_int_equal(net_seen(b.net, "icmp"), 50); /* the bucket */
    assert_int_equal(lil_counter_get(b.host, "IcmpOutRateLimitGlobal"), 9950);
    net_end(b.net);
}

static void arp_input(struct bench *b, const char *sender, const char *target, uint16_t operation, uint8_t last, bool broadcast)
{
    uint8_t frame[64] = {0};
    struct eth eth = {.dest = b->mac, .source = {{2, 0, 0, 0, 0, last}}, .type = ETHERTYPE_ARPP};
    if (broadcast)
        memset(eth.dest.b, 255, 6);
    struct arp arp = {.operation = operation,
                      .sender_mac = eth.source,
                      .sender = net_addr(sender),
                      .target = net_addr(target),
                      .target_mac = b->mac};
    eth_emit(&eth, frame);
    arp_emit(&arp, frame + 14);
    lil_host_input(b->host, b->eth, lil_packet_copy(b->host, frame, 60), b->net->now_ns);
}

static void arp_cache_is_not_for_the_taking(void **state)
{
    (void)state;
    struct bench b = bench_new(false);
    arp_input(&b, "192.0.2.9", "192.0.2.1", ARP_REPLY, 9, false); /* nobody asked */
    assert_int_equal(b.host->arp.count, 0);
    arp_input(&b, "192.0.2.9", "192.0.2.9", ARP_REQUEST, 9, true); /* gratuitous */
    assert_int_equal(b.host->arp.count, 0);
    arp_input(&b, "192.0.2.1", "192.0.2.1", ARP_REQUEST, 9, true); /* a claim to our own address */
    assert_int_equal(b.host->arp.count, 0);
    arp_input(&b, "192.0.2.9", "192.0.2.1", ARP_REQUEST, 9, true); /* asks for us: learnt and answered */
    assert_int_equal(b.host->arp.count, 1);
    arp_input(&b, "0.0.0.0", "192.0.2.1", ARP_REQUEST, 8, true); /* RFC 5227: a probe is answered, not learnt */
    assert_int_equal(b.host->arp.count, 1);
    net_run(b.net, NS_PER_S);
    assert_int_equal(net_seen(b.net, "is-at"), 2);
    for (uint32_t i = 0; i < 20000; i++) { /* a flood of askers stays within gc_thresh3 */
        char text[ADDR_TEXT];
        struct addr a = addr_v4(0xc0000200u + i * 256 + 7);
        arp_input(&b, addr_print(&a, text), "192.0.2.1", ARP_REQUEST, 7, true);
    }
    assert_in_range(b.host->arp.count, 1, 1024);
    net_end(b.net);
}

static void scan_through_a_router(void **state)
{
    (void)state;
    struct bench b = bench_new(true);
    assert_int_equal(lil_address_add(b.host, b.eth, "172.16.0.1/12"), 0);
    struct lil_host_stats stats;
    lil_host_get_stats(b.host, &stats);
    uint64_t before = stats.memory_bytes;
    for (uint32_t i = 0; i < 50000; i++) {
        struct datagram d = datagram("10.0.0.2", "10.0.0.1", IPPROTO_UDP, 16);
        d.ip.dest = addr_v4(0xac100002u + i);
        ip_emit(&d.ip, d.bytes);
        lil_host_input(b.host, b.tun, lil_packet_copy(b.host, d.bytes, d.length), 0);
        if (i % 64 == 0) {
            lil_host_poll(b.host, 0);
            packet_queue_clear(&b.net->wire);
        }
    }
    lil_host_get_stats(b.host, &stats);
    assert_in_range(stats.neighbors, 1, 1024);
    assert_in_range(stats.memory_bytes - before, 0, 4 << 20);
    net_end(b.net);
}

static void fragments_are_bounded(void **state)
{
    (void)state;
    struct bench b = bench_new(false);
    struct lil_host_stats stats;
    for (uint32_t i = 0; i < 30000; i++) {
        struct datagram d = {.ip = {.version = 4, .protocol = 17, .ttl = 64, .id = i & 0xffff, .payload_length = 1400, .is_fragment = true,
                                    .more_fragments = true, .frag_offset = i % 3 * 1400}};
        d.ip.source = addr_v4(0x0a000002 + i % 97);
        d.ip.dest = net_addr("10.0.0.1");
        d.length = ip_emit(&d.ip, d.bytes) + 1400;
        lil_host_input(b.host, b.tun, lil_packet_copy(b.host, d.bytes, d.length), 0);
    }
    lil_host_get_stats(b.host, &stats);
    assert_in_range(b.host->reass.memory_bytes, 0, 4194304);
    net_run(b.net, 31 * NS_PER_S);
    assert_int_equal(b.host->reass.count, 0);
    assert_int_equal(b.host->reass.memory_bytes, 0);
    uint64_t dropped = lil_drop_count(b.host, LIL_DROP_FRAG_LIMIT) + lil_drop_count(b.host, LIL_DROP_FRAG_TIMEOUT);
    assert_int_equal(dropped, 30000); /* every one counted, once */
    net_end(b.net);
}

static void every_reason_has_a_word(void **state)
{
    (void)state;
    for (int i = 0; i < LIL_DROP_COUNT; i++)
        for (int j = 0; j < i; j++)
            assert_string_not_equal(lil_drop_name((enum lil_drop)i), lil_drop_name((enum lil_drop)j));
    assert_string_equal(lil_drop_name((enum lil_drop)9999), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(link_frames), cmocka_unit_test(ip_headers), cmocka_unit_test(options), cmocka_unit_test(martians),
        cmocka_unit_test(transports), cmocka_unit_test(rejected), cmocka_unit_test(blind_icmp), cmocka_unit_test(reflection_is_bounded),
        cmocka_unit_test(arp_cache_is_not_for_the_taking), cmocka_unit_test(scan_through_a_router),
        cmocka_unit_test(fragments_are_bounded), cmocka_unit_test(every_reason_has_a_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
