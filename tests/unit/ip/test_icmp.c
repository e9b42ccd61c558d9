/* test_icmp.c: which ICMP errors may be sent, with how much of the offender, how fast; what a received error quotes. */
#include "unit/check.h"
#include "base/csum.h"
#include "ip/icmp.h"
#include "unit/pool_fixture.h"

static struct lil_packet *offender(struct ip *ip, int version, const char *from, const char *to, uint8_t protocol,
                                   size_t payload, uint8_t first)
{
    uint8_t bytes[2000] = {0};
    *ip = (struct ip){.version = (uint8_t)version, .protocol = protocol, .ttl = 64, .payload_length = (uint32_t)payload};
    assert_int_equal(addr_parse(from, &ip->source), 0);
    assert_int_equal(addr_parse(to, &ip->dest), 0);
    size_t header = ip_emit(ip, bytes);
    ip->header_length = (uint16_t)header;
    bytes[header] = first;
    return packet_copy(pool, bytes, header + payload);
}

static bool may(int version, const char *from, const char *to, uint8_t protocol, uint8_t first, struct icmp_error error)
{
    struct ip ip;
    struct lil_packet *packet = offender(&ip, version, from, to, protocol, 64, first);
    error.version = (uint8_t)version;
    bool ok = icmp_may_answer(&ip, packet, &error);
    packet_free(packet);
    return ok;
}

/* RFC 1122 3.2.2, RFC 1812 4.3.2.7, RFC 4443 2.4 (e) */
static void never_about(void **state)
{
    (void)state;
    struct icmp_error port = {.type = ICMP4_UNREACHABLE, .code = 3}, port6 = {.type = ICMP6_UNREACHABLE, .code = 4},
                      big6 = {.type = ICMP6_TOO_BIG};
    assert_true(may(4, "192.0.2.1", "192.0.2.2", 17, 0, port));
    assert_true(may(4, "192.0.2.1", "192.0.2.2", 1, ICMP4_ECHO_REQUEST, port));
    assert_false(may(4, "192.0.2.1", "192.0.2.2", 1, ICMP4_UNREACHABLE, port));
    assert_false(may(4, "192.0.2.1", "192.0.2.2", 1, ICMP4_TIME_EXCEEDED, port));
    assert_false(may(4, "192.0.2.1", "224.0.0.1", 17, 0, port));
    assert_false(may(4, "192.0.2.1", "255.255.255.255", 17, 0, port));
    assert_false(may(4, "0.0.0.0", "192.0.2.2", 17, 0, port));
    assert_false(may(4, "224.0.0.1", "192.0.2.2", 17, 0, port));
    assert_false(may(4, "127.0.0.1", "192.0.2.2", 17, 0, port));
    assert_true(may(6, "2001:db8::1", "2001:db8::2", 17, 0, port6));
    assert_false(may(6, "2001:db8::1", "ff02::1", 17, 0, port6));
    assert_true(may(6, "2001:db8::1", "ff0e::1", 17, 0, big6));
    assert_false(may(6, "::", "2001:db8::2", 17, 0, port6));
    assert_false(may(6, "2001:db8::1", "2001:db8::2", 58, ICMP6_UNREACHABLE, port6));
    struct ip ip;
    struct lil_packet *packet = offender(&ip, 4, "192.0.2.1", "192.0.2.2", 17, 64, 0);
    packet->flags = PACKET_BROADCAST;
    assert_false(icmp_may_answer(&ip, packet, &port));
    packet->flags = 0;
    ip.frag_offset = 8;
    assert_false(icmp_may_answer(&ip, packet, &port));
    packet_free(packet);
}

static void quotes(void **state)
{
    (void)state;
    static const struct { int version; uint16_t quote; size_t payload, want; } rows[] = {
        {4, 8, 1000, 8 + 28}, {4, 548, 1000, 576 - 20}, {4, 548, 100, 8 + 120}, {6, 8, 1400, 1240}, {6, 8, 100, 8 + 140}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct ip ip;
        bool v4 = rows[i].version == 4;
        struct lil_packet *packet = offender(&ip, rows[i].version, v4 ? "192.0.2.1" : "2001:db8::1",
                                             v4 ? "192.0.2.2" : "2001:db8::2", 17, rows[i].payload, 0);
        struct icmp_error error = {.version = (uint8_t)rows[i].version, .type = v4 ? 3 : 1, .code = v4 ? 3 : 4};
        struct lil_packet *message = icmp_error_new(pool, &error, &ip, packet, rows[i].quote, &ip.dest);
        assert_int_equal(message->length, rows[i].want);
        struct ip reply = {.version = ip.version, .protocol = v4 ? 1 : 58, .source = ip.dest, .dest = ip.source};
        assert_true(wire_csum_ok(&reply, message));
        packet_free(message);
        packet_free(packet);
    }
}

static void quote_parse(void **state)
{
    (void)state;
    uint8_t bytes[64] = {0};
    struct ip ip = {.version = 4, .protocol = 6, .ttl = 64, .payload_length = 1000};
    ip.source = addr_v4(0x0a000001);
    ip.dest = addr_v4(0x0a000002);
    ip_emit(&ip, bytes);
    memcpy(bytes + 20, (uint8_t[]){0x04, 0x00, 0x00, 0x0d, 1, 2, 3, 4}, 8);
    struct icmp_quote quote;
    assert_int_equal(icmp_quote_parse(&quote, 4, bytes, 28), 0); /* RFC 792: 8 bytes are enough */
    assert_int_equal(quote.flow.local_port, 1024);
    assert_int_equal(quote.flow.remote_port, 13);
    assert_int_equal(quote.seq, 0x01020304);
    for (size_t n = 0; n < 28; n++)
        assert_int_equal(icmp_quote_parse(&quote, 4, bytes, n), -EINVAL);
    assert_int_equal(icmp_quote_parse(&quote, 6, bytes, 28), -EINVAL);
}

static void rate(void **state)
{
    (void)state;
    struct icmp_rate bucket = {0};
    unsigned sent = 0;
    for (uint64_t ms = 0; ms < 10000; ms++)
        for (int i = 0; i < 10; i++)
            sent += icmp_rate_take(&bucket, 100, 50, ms * NS_PER_MS);
    assert_in_range(sent, 1000, 1050);
    struct icmp_rate none = {0};
    assert_true(icmp_rate_take(&none, 0, 0, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(never_about), cmocka_unit_test(quotes),
                                       cmocka_unit_test(quote_parse), cmocka_unit_test(rate)};
    return cmocka_run_group_tests(tests, pool_setup, pool_teardown);
}
