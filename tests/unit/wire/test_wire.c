/* test_wire.c: Ethernet, ARP, UDP, ICMP, neighbour discovery; whole frames as text; transport checksums over packets. */
#include "exact.h"
#include "base/buf.h"
#include "base/csum.h"
#include "base/prng.h"
#include "wire/wire.h"

static struct addr address(const char *text)
{
    struct addr a;
    assert_int_equal(addr_parse(text, &a), 0);
    return a;
}

static int parse_eth(const uint8_t *b, size_t n)
{
    struct eth eth;
    return eth_parse(&eth, b, n);
}

static int parse_arp(const uint8_t *b, size_t n)
{
    struct arp arp;
    return arp_parse(&arp, b, n);
}

static int parse_udp(const uint8_t *b, size_t n)
{
    struct udphdr_ udp;
    return udphdr_parse(&udp, b, n);
}

static int parse_icmp(const uint8_t *b, size_t n)
{
    struct icmp icmp;
    return icmp_parse(&icmp, 4, b, n);
}

static void test_ethernet_arp(void **state)
{
    (void)state;
    uint8_t frame[ETH_LENGTH + ARP_LENGTH];
    struct eth eth = {{{1, 2, 3, 4, 5, 6}}, {{7, 8, 9, 10, 11, 12}}, ETHERTYPE_ARPP}, eth_back;
    struct arp arp = {ARP_REQUEST, {{7, 8, 9, 10, 11, 12}}, {{0}}, address("192.0.2.1"), address("192.0.2.2")}, back;
    assert_int_equal(eth_emit(&eth, frame), ETH_LENGTH);
    assert_int_equal(arp_emit(&arp, frame + ETH_LENGTH), ARP_LENGTH);
    static const uint8_t expected[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1,
        7, 8, 9, 10, 11, 12, 192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 192, 0, 2, 2};
    assert_memory_equal(frame, expected, sizeof(expected));
    CHECK_TRUNCATED(frame, (size_t)ETH_LENGTH, parse_eth);
    CHECK_TRUNCATED(frame + ETH_LENGTH, (size_t)ARP_LENGTH, parse_arp);
    assert_int_equal(eth_parse(&eth_back, frame, sizeof(frame)), ETH_LENGTH);
    assert_memory_equal(&eth, &eth_back, sizeof(eth));
    assert_int_equal(arp_parse(&back, frame + ETH_LENGTH, ARP_LENGTH), ARP_LENGTH);
    assert_true(back.operation == ARP_REQUEST && addr_equal(&back.sender, &arp.sender) && addr_equal(&back.target, &arp.target));
    assert_memory_equal(&back.sender_mac, &arp.sender_mac, 6);
    char text[200];
    frame_print(frame, sizeof(frame), false, text, sizeof(text));
    assert_string_equal(text, "arp who-has 192.0.2.2 tell 192.0.2.1");
    arp.operation = ARP_REPLY;
    arp_emit(&arp, frame + ETH_LENGTH);
    frame_print(frame, sizeof(frame), false, text, sizeof(text));
    assert_string_equal(text, "arp reply 192.0.2.1 is-at 07:08:09:0a:0b:0c");
    for (size_t i = 0; i < 6; i++) { /* other hardware, protocols and lengths */
        arp_emit(&arp, frame);
        frame[i] ^= 2;
        assert_int_equal(parse_arp(frame, ARP_LENGTH), -EINVAL);
    }
}

static void test_udp_icmp(void **state)
{
    (void)state;
    uint8_t b[8];
    struct udphdr_ udp = {53, 1024, 8, 0xabcd}, udp_back;
    assert_int_equal(udphdr_emit(&udp, b), 8);
    CHECK_TRUNCATED(b, (size_t)8, parse_udp);
    udphdr_parse(&udp_back, b, 8);
    assert_memory_equal(&udp, &udp_back, sizeof(udp));
    b[5] = 7; /* RFC 768: the length includes the header */
    assert_int_equal(parse_udp(b, 8), -EINVAL);
    for (int version = 4; version <= 6; version += 2)
        for (int type = 0; type < 256; type++) {
            struct icmp icmp = {.type = (uint8_t)type, .code = version == 4 ? 4 : 0, .checksum = 0x1122}, back;
            bool echo = version == 4 ? type == 0 || type == 8 : type == 128 || type == 129;
            if (echo) {
                icmp.echo.id = 0x1234;
                icmp.echo.sequence = 0x5678;
            } else {
                icmp.rest = version == 4 && type == 3 ? 1400 : 0x01020304;
            }
            assert_int_equal(icmp_emit(&icmp, version, b), 8);
            assert_int_equal(b[7], echo ? 0x78 : version == 4 && type == 3 ? 1400 & 0xff : 4);
            assert_int_equal(icmp_parse(&back, version, b, 8), 8);
            assert_true(back.type == type && back.code == icmp.code && back.checksum == 0x1122 && back.rest == icmp.rest);
        }
    CHECK_TRUNCATED(b, (size_t)8, parse_icmp);
}

static void test_neighbor(void **state)
{
    (void)state;
    struct nd nd = {.target = address("fe80::7"), .solicited = true, .override_ = true, .has_mac = true, .mac = {{2, 0, 0, 0, 0, 7}}};
    uint8_t m[64] = {0};
    assert_int_equal(nd_emit(&nd, ICMP6_NEIGHBOR_ADVERT, m), 32);
    struct icmp icmp;
    assert_int_equal(icmp_parse(&icmp, 6, m, 32), 8);
    struct nd back;
    nd_flags(&back, icmp.rest);
    assert_int_equal(nd_parse(&back, icmp.type, m + 8, 24), 24);
    assert_true(!back.router && back.solicited && back.override_ && back.has_mac && addr_equal(&back.target, &nd.target));
    assert_memory_equal(&back.mac, &nd.mac, 6);
    for (size_t n = 0; n < 24; n++) { /* 16 is a whole message without an option */
        uint8_t *copy = exact(m + 8, n);
        assert_int_equal(nd_parse(&back, icmp.type, copy, n), n == 16 ? 16 : -EMSGSIZE);
        free(copy);
    }
    assert_int_equal(nd_parse(&back, ICMP6_NEIGHBOR_SOLICIT, m + 8, 24), 24); /* a target option says nothing there */
    assert_false(back.has_mac);
    m[25] = 0; /* RFC 4861 4.6: an option of length zero discards the packet */
    assert_int_equal(nd_parse(&back, icmp.type, m + 8, 24), -EINVAL);
    nd.target = address("ff02::1"); /* 7.1.1 */
    nd.has_mac = false;
    assert_int_equal(nd_emit(&nd, ICMP6_NEIGHBOR_SOLICIT, m), 24);
    assert_int_equal(nd_parse(&back, ICMP6_NEIGHBOR_SOLICIT, m + 8, 16), -EINVAL);
    assert_int_equal(nd_parse(&back, ICMP6_ROUTER_ADVERT, m + 8, 16), -EINVAL);
}

/* An IP packet with UPPER behind its header, as text. */
static const char *shown(struct ip ip, const void *upper, size_t length)
{
    static char text[300];
    uint8_t bytes[600];
    ip.payload_length = (uint32_t)length;
    size_t n = ip_emit(&ip, bytes);
    memcpy(bytes + n, upper, length);
    uint8_t *copy = exact(bytes, n + length);
    frame_print(copy, n + length, true, text, sizeof(text));
    free(copy);
    return text;
}

static void test_frames(void **state)
{
    (void)state;
    struct ip ip = {.version = 4, .ttl = 64, .protocol = 6, .source = address("192.0.2.1"), .dest = address("192.0.2.2")};
    struct ip ip6 = {.version = 6, .ttl = 64, .protocol = 6, .source = address("2001:db8::1"), .dest = address("2001:db8::2")};
    struct tcphdr_ tcp = {.source_port = 1024,
                          .dest_port = 13,
                          .flags = TCP_SYN,
                          .window = 4096,
                          .options = {.has_mss = true, .mss = 1460}};
    uint8_t upper[100] = {0};
    size_t n = tcphdr_emit(&tcp, TCP_ORDER_BSD, upper);
    assert_string_equal(shown(ip, upper, n), "192.0.2.1.1024 > 192.0.2.2.13: S 0:0(0) win 4096 <mss 1460>");
    assert_string_equal(shown(ip6, upper, n), "2001:db8::1.1024 > 2001:db8::2.13: S 0:0(0) win 4096 <mss 1460>");
    struct udphdr_ udp = {1024, 53, 20, 0};
    n = udphdr_emit(&udp, upper);
    ip.protocol = ip6.protocol = 17;
    assert_string_equal(shown(ip, upper, 20), "192.0.2.1.1024 > 192.0.2.2.53: udp 12");
    ip.is_fragment = ip.more_fragments = true;
    ip.id = 7;
    assert_string_equal(shown(ip, upper, 24), "192.0.2.1.1024 > 192.0.2.2.53: udp 12 (frag 7:24@0+)");
    ip.frag_offset = 24;
    assert_string_equal(shown(ip, upper, 24), "192.0.2.1 > 192.0.2.2: protocol 17 (frag 7:24@24+)");
    ip.is_fragment = ip.more_fragments = false;
    ip.frag_offset = 0;
    /* an unreachable that quotes the UDP packet */
    struct icmp icmp = {.type = 3, .code = 3};
    struct ip quoted = {.version = 4, .ttl = 1, .protocol = 17, .source = ip.source, .dest = address("192.3.4.5"), .payload_length = 20};
    n = icmp_emit(&icmp, 4, upper);
    n += ip_emit(&quoted, upper + n);
    n += udphdr_emit(&udp, upper + n);
    ip.protocol = 1;
    assert_string_equal(shown(ip, upper, n), "192.0.2.1 > 192.0.2.2: icmp: unreachable - port (for 192.3.4.5 udp port 53)");
    struct nd nd = {.target = address("2001:db8::9")};
    n = nd_emit(&nd, ICMP6_NEIGHBOR_SOLICIT, upper);
    ip6.protocol = 58;
    assert_string_equal(shown(ip6, upper, n), "2001:db8::1 > 2001:db8::2: icmp6: neighbor sol who has 2001:db8::9");
    char text[10];
    assert_int_equal(frame_print(upper, 3, false, text, sizeof(text)), strlen("[truncated frame]"));
}

static void test_frames_garbage(void **state)
{
    (void)state;
    struct prng prng;
    prng_seed(&prng, 14);
    for (int i = 0; i < 20000; i++) {
        uint8_t b[150];
        char text[400];
        size_t n = prng_below(&prng, sizeof(b));
        for (size_t k = 0; k < n; k++)
            b[k] = (uint8_t)prng_next(&prng);
        if (n > 40 && i % 3) {
            static const uint8_t protocols[] = {6, 17, 58, 44, 1, 0};
            b[0] = 0x60;
            b[6] = protocols[prng_below(&prng, 6)];
            b[40] = (uint8_t)(prng_below(&prng, 2) ? 135 : prng_below(&prng, 5));
        }
        uint8_t *copy = exact(b, n);
        int length = frame_print(copy, n, i % 3, text, prng_below(&prng, sizeof(text)) + 1);
        assert_true(length >= 0 && length < 1000);
        free(copy);
    }
}

/* Sets and verifies over packets of every shape; any changed byte is noticed. */
static void check_transport(struct pool *pool, int version, uint8_t protocol, size_t payload, bool partial)
{
    struct ip ip = {.version = (uint8_t)version, .protocol = protocol, .source = address(version == 4 ? "10.0.0.1" : "2001:db8::1"),
                    .dest = address(version == 4 ? "10.0.0.2" : "2001:db8::2")};
    struct lil_packet *packet = packet_new(pool);
    struct block *block = block_new(pool, payload + 1);
    for (size_t i = 0; i < payload; i++)
        block->data[i] = (uint8_t)(i * 7);
    block->used = (uint32_t)payload;
    size_t first = (payload + 1) / 2; /* two slices that add_slice would have made one */
    assert_true(packet_add_slice(packet, block, 0, (uint32_t)first));
    if (payload > first) {
        packet->slices[1] = (struct slice){block_ref(block), (uint32_t)first, (uint32_t)(payload - first)};
        packet->slice_count = 2;
        packet->length = (uint32_t)payload;
    }
    memset(packet_push(packet, 20), 0x3c, 20);
    wire_csum_set(&ip, packet, partial);
    assert_int_equal(packet->csum, partial ? CSUM_PARTIAL : CSUM_COMPUTED);
    assert_true(wire_csum_ok(&ip, packet));
    if (partial) { /* a link that is a wire fills it in, behind another header */
        packet_push(packet, 20);
        wire_csum_fill(packet);
        wire_csum_fill(packet);
        packet_trim_front(packet, 20);
    }
    assert_true(wire_csum_ok(&ip, packet));
    if (payload) {
        block->data[payload - 1] ^= 0x10;
        assert_false(wire_csum_ok(&ip, packet));
        packet->csum = CSUM_VOUCHED;
        assert_true(wire_csum_ok(&ip, packet));
        block->data[payload - 1] ^= 0x10;
        packet->csum = CSUM_NONE;
    }
    ip.source.b[15] ^= 1; /* the pseudo-header counts, except for ICMPv4 */
    assert_int_equal(wire_csum_ok(&ip, packet), protocol == 1);
    packet_free(packet);
    block_unref(block);
}

/* RFC 9293 3.1 (MUST-2, MUST-3) among them. */
static void test_transport_checksums(void **state)
{
    (void)state;
    struct pool *pool = pool_new(NULL);
    static const size_t payloads[] = {0, 1, 2, 3, 100, 1447, 1448, 9001};
    static const uint8_t protocols[] = {6, 17, 58, 1};
    for (int version = 4; version <= 6; version += 2)
        for (size_t p = 0; p < ARRAY_COUNT(protocols); p++)
            for (size_t i = 0; i < ARRAY_COUNT(payloads); i++)
                for (int partial = 0; partial < 2; partial++)
                    check_transport(pool, version, protocols[p], payloads[i], partial);
    /* RFC 768: a UDP checksum of zero means none; RFC 8200 8.1: not in IPv6 */
    struct lil_packet *packet = packet_new(pool);
    memset(packet_push(packet, 8), 0, 8);
    struct ip ip = {.version = 4, .protocol = 17, .source = address("10.0.0.1"), .dest = address("10.0.0.2")};
    assert_true(wire_csum_ok(&ip, packet));
    ip.version = 6;
    assert_false(wire_csum_ok(&ip, packet));
    packet_trim_front(packet, 4);
    assert_false(wire_csum_ok(&ip, packet));
    packet_free(packet);
    /* RFC 768: a sum that comes out as zero is sent as all ones, by either way */
    ip.version = 4;
    unsigned zeros = 0;
    for (unsigned i = 0; i < 2 * 65536; i++) {
        uint16_t value = (uint16_t)(i / 2), field;
        packet = packet_new(pool);
        uint8_t *udp = packet_push(packet, 8);
        memset(udp, 0, 8);
        memcpy(udp, &value, 2);
        wire_csum_set(&ip, packet, i & 1);
        wire_csum_fill(packet);
        memcpy(&field, udp + 6, 2);
        assert_true(field != 0 && wire_csum_ok(&ip, packet));
        zeros += field == 0xffff;
        packet_free(packet);
    }
    assert_int_equal(zeros, 2);
    pool_unref(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ethernet_arp), cmocka_unit_test(test_udp_icmp),
        cmocka_unit_test(test_neighbor),     cmocka_unit_test(test_frames),
        cmocka_unit_test(test_frames_garbage), cmocka_unit_test(test_transport_checksums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
