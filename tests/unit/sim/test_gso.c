/* test_gso.c: a large segment's wire packets: sizes, sequence numbers, flags, ids, checksums; payload in the header
 * area and in slices. */
#include <stdlib.h>
#include "unit/check.h"
#include "base/csum.h"
#include "sim/sim_node.h"

enum { PAYLOAD = 5000, UNIT = 1460 };

static struct lil_packet *make(struct pool *pool, const char *source, const char *dest, uint16_t flags, size_t size)
{
    struct ip ip = {.protocol = IPPROTO_TCP, .ttl = 64, .id = 7};
    struct tcphdr_ tcp = {
        .source_port = 1024, .dest_port = 80, .seq = 0xfffffff0u, .ack = 5, .flags = flags, .window = 100};
    assert_int_equal(addr_parse(source, &ip.source), 0);
    assert_int_equal(addr_parse(dest, &ip.dest), 0);
    ip.version = addr_is_v4(&ip.source) ? 4 : 6;
    ip.payload_length = (uint32_t)(TCP_LENGTH + size);
    struct lil_packet *packet = packet_new(pool);
    uint8_t bytes[2500];
    for (size_t at = 0; at < size; at += sizeof(bytes)) {
        size_t n = size - at < sizeof(bytes) ? size - at : sizeof(bytes);
        for (size_t i = 0; i < n; i++)
            bytes[i] = (uint8_t)((at + i) * 7);
        struct block *block = block_new(pool, n);
        memcpy(block->data, bytes, n);
        block->used = (uint32_t)n;
        assert_true(packet_add_slice(packet, block, 0, (uint32_t)n));
        block_unref(block);
    }
    tcphdr_emit(&tcp, TCP_ORDER_LINUX, packet_push(packet, TCP_LENGTH));
    size_t header = ip_header_size(&ip);
    ip_emit(&ip, packet_push(packet, header));
    eth_emit(&(struct eth){.type = ip.version == 4 ? ETHERTYPE_V4 : ETHERTYPE_V6}, packet_push(packet, ETH_LENGTH));
    packet->csum = CSUM_PARTIAL;
    packet->csum_start = (uint16_t)(ETH_LENGTH + header);
    packet->csum_offset = 16;
    packet->gso_size = UNIT;
    return packet;
}

static void check(struct pool *pool, const char *source, const char *dest)
{
    struct packet_queue queue;
    struct lil_packet *wire;
    uint32_t at = 0, index = 0, header = 0;
    packet_queue_init(&queue);
    assert_int_equal(gso_split(make(pool, source, dest, TCP_ACK | TCP_PSH | TCP_FIN | TCP_CWR, PAYLOAD), &queue), 0);
    assert_int_equal(queue.count, 4);
    for (; (wire = packet_queue_pop(&queue)); index++) {
        uint8_t bytes[2048];
        struct ip ip;
        struct tcphdr_ tcp;
        size_t length = packet_read(wire, 0, bytes, sizeof(bytes));
        int ip_length = ip_parse(&ip, bytes + ETH_LENGTH, length - ETH_LENGTH); /* checks IPv4's checksum */
        assert_true(ip_length > 0);
        assert_true(tcphdr_parse(&tcp, bytes + ETH_LENGTH + ip_length, length - ETH_LENGTH - (size_t)ip_length) ==
                    TCP_LENGTH);
        header = (uint32_t)(ETH_LENGTH + ip_length + TCP_LENGTH);
        uint32_t size = at + UNIT < PAYLOAD ? UNIT : PAYLOAD - at;
        assert_int_equal(length, header + size);
        assert_int_equal(tcp.seq, 0xfffffff0u + at);
        assert_int_equal(tcp.flags, TCP_ACK | (index == 0 ? TCP_CWR : 0) | (index == 3 ? TCP_PSH | TCP_FIN : 0));
        if (ip.version == 4)
            assert_int_equal(ip.id, 7 + index);
        for (uint32_t i = 0; i < size; i++)
            assert_int_equal(bytes[header + i], (uint8_t)((at + i) * 7));
        packet_trim_front(wire, ETH_LENGTH + (size_t)ip_length);
        wire->csum = CSUM_NONE;
        assert_true(wire_csum_ok(&ip, wire));
        packet_free(wire);
        at += size;
    }
    assert_int_equal(at, PAYLOAD);
}

static void test_split(void **state)
{
    (void)state;
    struct pool *pool = pool_new(NULL);
    check(pool, "192.0.2.1", "192.0.2.2");
    check(pool, "2001:db8::1", "2001:db8::2");
    struct packet_queue queue;
    packet_queue_init(&queue);
    assert_int_equal(gso_split(make(pool, "192.0.2.1", "192.0.2.2", TCP_ACK, 1000), &queue),
                     0); /* fits: one, as it is */
    assert_int_equal(queue.count, 1);
    packet_queue_clear(&queue);
    struct pool_stats stats;
    pool_get_stats(pool, &stats);
    assert_int_equal(stats.packets_now, 0);
    assert_int_equal(stats.blocks_now, 0);
    pool_unref(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_split)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
