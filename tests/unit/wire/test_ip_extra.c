/* test_ip_extra.c: IPv4 options and IPv6 extension headers of a socket's own on the wire: what is filled in, where a source route's
 * packet goes, and that our own parser reads what was written (RFC 791 3.1, RFC 8200 4). */
#include "unit/check.h"
#include "wire/ip_extra.h"

static struct lil_packet *emit(struct pool *pool, const struct ip_extra *extra, struct ip *ip, uint32_t day_ms)
{
    struct addr source = addr_v4(0x0a000001);
    struct lil_packet *packet = packet_new(pool);
    assert_non_null(packet_append(packet, "12345678", 8));
    ip->payload_length = packet->length;
    ip_extra_push(extra, ip, packet, &source, day_ms);
    ip_emit(ip, packet_push(packet, ip->version == 4 ? IPV4_LENGTH : IPV6_LENGTH));
    if (ip->version == 4)
        ipv4_grow(packet->head + packet->head_off, extra->length);
    return packet;
}

static void record_and_stamp(void **state)
{
    static const uint8_t given[] = {7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0, 68, 12, 5, 1, 0, 0, 0, 0, 0, 0, 0, 0};
    static const uint8_t wire[] = {7, 11, 8, 10, 0, 0, 1, 0, 0, 0, 0, 68, 12, 13, 1, 10, 0, 0, 1, 1, 2, 3, 4, 0};
    struct pool *pool = pool_new(NULL);
    struct ip ip = {.version = 4, .ttl = 64, .protocol = 6, .source = addr_v4(0x0a000001), .dest = addr_v4(0x0a000002)}, got;
    struct ip_extra *extra;
    uint8_t told[IP_OPTIONS_MAX];
    (void)state;
    assert_int_equal(ip_extra_options(pool, given, sizeof given, false, &extra), 0);
    assert_int_equal(ip_extra_told(extra, told), sizeof given + 1);
    assert_memory_equal(told, given, sizeof given);
    struct lil_packet *packet = emit(pool, extra, &ip, 0x01020304);
    assert_int_equal(ip_parse(&got, packet->head + packet->head_off, packet->head_len), 44); /* the checksum is right */
    assert_int_equal(got.payload_length, 8);
    assert_memory_equal(packet->head + packet->head_off + IPV4_LENGTH, wire, sizeof wire);
    packet_free(packet);
    ip_extra_unref(pool, extra);
    pool_unref(pool);
}

static void source_route(void **state)
{
    static const uint8_t given[] = {131, 11, 4, 10, 0, 0, 9, 10, 0, 0, 8};
    static const uint8_t wire[] = {131, 11, 4, 10, 0, 0, 8, 10, 0, 0, 2, 0};
    struct pool *pool = pool_new(NULL);
    struct ip ip = {.version = 4, .ttl = 64, .protocol = 17, .source = addr_v4(0x0a000001), .dest = addr_v4(0x0a000002)}, got;
    struct ip_extra *extra;
    (void)state;
    assert_int_equal(ip_extra_options(pool, given, sizeof given, false, &extra), 0);
    struct lil_packet *packet = emit(pool, extra, &ip, 0);
    assert_int_equal(ip_parse(&got, packet->head + packet->head_off, packet->head_len), 32);
    assert_int_equal(addr_to_v4(&got.dest), 0x0a000009); /* the first hop; the destination stands last */
    assert_memory_equal(packet->head + packet->head_off + IPV4_LENGTH, wire, sizeof wire);
    packet_free(packet);
    ip_extra_unref(pool, extra);
    pool_unref(pool);
}

static void headers(void **state)
{
    static const uint8_t hop[8] = {0, 0, 1, 4}, dest[16] = {0, 1, 1, 12};
    const uint8_t *const list[IP_EXTRA_HEADERS] = {hop, NULL, NULL, dest};
    const uint16_t lengths[IP_EXTRA_HEADERS] = {sizeof hop, 0, 0, sizeof dest};
    struct pool *pool = pool_new(NULL);
    struct ip ip = {.version = 6, .ttl = 64, .protocol = 17}, got;
    struct ip_extra *extra;
    (void)state;
    assert_int_equal(ip_extra_chain(pool, list, lengths, &extra), 0);
    struct lil_packet *packet = emit(pool, extra, &ip, 0);
    assert_int_equal(ip_parse(&got, packet->head + packet->head_off, packet->head_len), IPV6_LENGTH + 24);
    assert_int_equal(got.protocol, 17);
    assert_int_equal(got.payload_length, 8);
    packet_free(packet);
    ip_extra_unref(pool, extra);
    pool_unref(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(record_and_stamp), cmocka_unit_test(source_route), cmocka_unit_test(headers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
