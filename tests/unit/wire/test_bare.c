/* test_bare.c: the short way of segments without text (wire/bare.h) writes and reads what the general one does. */
#include "unit/check.h"
#include "base/buf.h"
#include "base/prng.h"
#include "wire/bare.h"

static struct prng prng;

static void random_header(struct tcphdr_ *tcp)
{
    struct tcp_options *o = &tcp->options;
    memset(tcp, 0, sizeof *tcp);
    tcp->source_port = (uint16_t)prng_next(&prng);
    tcp->dest_port = (uint16_t)prng_next(&prng);
    tcp->seq = (uint32_t)prng_next(&prng);
    tcp->ack = (uint32_t)prng_next(&prng);
    tcp->flags = prng_next(&prng) & 0x1ff;
    tcp->window = (uint16_t)prng_next(&prng);
    tcp->urgent = prng_below(&prng, 4) ? 0 : (uint16_t)prng_next(&prng);
    o->has_mss = prng_below(&prng, 2);
    o->mss = o->has_mss ? (uint16_t)prng_next(&prng) : 0;
    o->has_wscale = prng_below(&prng, 2);
    o->wscale = o->has_wscale ? (uint8_t)prng_below(&prng, 15) : 0;
    o->sack_permitted = prng_below(&prng, 2);
    o->has_timestamp = prng_below(&prng, 2);
    o->ts_value = o->has_timestamp ? (uint32_t)prng_next(&prng) : 0;
    o->ts_echo = o->has_timestamp ? (uint32_t)prng_next(&prng) : 0;
    if (!(tcp->flags & TCP_SYN) && prng_below(&prng, 3) == 0) {
        o->sack_count = (uint8_t)prng_below(&prng, 4);
        for (unsigned i = 0; i < o->sack_count; i++)
            o->sack[i].start = (uint32_t)prng_next(&prng), o->sack[i].end = (uint32_t)prng_next(&prng);
    }
    if ((tcp->flags & TCP_SYN) && prng_below(&prng, 4) == 0) {
        o->has_fastopen = true;
        o->fastopen_length = 8;
    }
}

/* The general way (host_output.c): TCP, its checksum, IP. */
static size_t emit_in_full(struct pool *pool, const struct bare *bare, const struct tcphdr_ *tcp, enum tcp_option_order order, uint32_t id,
                           uint8_t *bytes)
{
    struct lil_packet *packet = packet_new(pool);
    size_t size = TCP_LENGTH + tcphdr_options_size(&tcp->options, tcp->flags, order);
    tcphdr_emit(tcp, order, packet_push(packet, size));
    struct ip ip = {.version = 4, .source = bare_addr(bare->source), .dest = bare_addr(bare->dest), .protocol = IPPROTO_TCP,
                    .ttl = bare->ttl, .tos = bare->tos, .dont_fragment = bare->dont_fragment, .payload_length = packet->length, .id = id};
    wire_csum_set(&ip, packet, false);
    ip_emit(&ip, packet_push(packet, IPV4_LENGTH));
    size_t length = packet_read(packet, 0, bytes, 100);
    packet_free(packet);
    return length;
}

static void test_emit(void **state)
{
    (void)state;
    struct pool *pool = pool_new(NULL);
    unsigned others = 0;
    for (int i = 0; i < 20000; i++) {
        struct tcphdr_ tcp;
        uint8_t full[100] = {0}, bytes[100] = {0};
        enum tcp_option_order order = (enum tcp_option_order)prng_below(&prng, 3);
        struct bare bare = {.source = (uint32_t)prng_next(&prng), .dest = (uint32_t)prng_next(&prng), .tos = (uint8_t)prng_next(&prng),
                            .ttl = (uint8_t)prng_next(&prng), .dont_fragment = prng_below(&prng, 2)};
        uint32_t id = bare.dont_fragment ? 0 : (uint32_t)prng_next(&prng);
        random_header(&tcp);
        size_t length = emit_in_full(pool, &bare, &tcp, order, id, full);
        uint32_t options[BARE_OPTIONS];
        unsigned count = bare_options(&tcp, order, options);
        if (count == BARE_OTHER) {
            others++;
            continue;
        }
        assert_int_equal(length, IPV4_LENGTH + TCP_LENGTH + 4 * count);
        bare_emit(&bare, &tcp, options, count, id, bytes);
        assert_memory_equal(bytes, full, sizeof bytes);
    }
    assert_in_range(others, 5000, 15000);
    pool_unref(pool);
}

/* What is read is what the general parsers read; a changed byte is refused or told by the checksum. */
static void test_parse(void **state)
{
    (void)state;
    struct pool *pool = pool_new(NULL);
    unsigned refused = 0;
    for (int i = 0; i < 20000; i++) {
        struct tcphdr_ tcp, read, full;
        struct ip ip;
        uint8_t bytes[100];
        struct bare bare = {.source = (uint32_t)prng_next(&prng),
                            .dest = (uint32_t)prng_next(&prng),
                            .ttl = 64,
                            .dont_fragment = true},
                    back;
        random_header(&tcp);
        size_t length = emit_in_full(pool, &bare, &tcp, (enum tcp_option_order)prng_below(&prng, 3), 0, bytes);
        memset(&read, 0, sizeof read), memset(&full, 0, sizeof full), memset(&back, 0, sizeof back);
        assert_true(bare_parse(&back, &read, bytes, length));
        assert_int_equal(bare_tcp_sum(&back, bytes + IPV4_LENGTH, length - IPV4_LENGTH), 0xffff);
        assert_int_equal(ip_parse(&ip, bytes, length), IPV4_LENGTH);
        assert_int_equal(tcphdr_parse(&full, bytes + IPV4_LENGTH, length - IPV4_LENGTH), (int)(length - IPV4_LENGTH));
        assert_memory_equal(&read, &full, sizeof read);
        struct addr source = bare_addr(back.source), dest = bare_addr(back.dest);
        assert_true(addr_equal(&source, &ip.source) && addr_equal(&dest, &ip.dest));
        assert_true(back.ttl == ip.ttl && back.tos == ip.tos && back.dont_fragment == ip.dont_fragment);
        bytes[prng_below(&prng, length)] ^= (uint8_t)(1 << prng_below(&prng, 8));
        if (!bare_parse(&back, &read, bytes, length))
            refused++;
        else
            assert_int_not_equal(bare_tcp_sum(&back, bytes + IPV4_LENGTH, length - IPV4_LENGTH), 0xffff);
    }
    assert_true(refused > 5000);
    pool_unref(pool);
}

static void test_other_shapes(void **state)
{
    (void)state;
    struct tcphdr_ tcp = {.flags = TCP_ACK}, read;
    struct bare bare = {.source = 1, .dest = 2, .ttl = 64}, back;
    uint8_t bytes[100] = {0};
    size_t length = IPV4_LENGTH + TCP_LENGTH;
    bare_emit(&bare, &tcp, NULL, 0, 7, bytes);
    assert_true(bare_parse(&back, &read, bytes, length));
    assert_false(bare_parse(&back, &read, bytes, length + 1)); /* text, or padding */
    assert_false(bare_parse(&back, &read, bytes, length - 1));
    assert_false(bare_parse(&back, &read, bytes, 0));
    bare_emit(&bare, &tcp, (uint32_t[]){0x01010101}, 1, 7, bytes);
    assert_true(bare_parse(&back, &read, bytes, length + 4));
    bytes[IPV4_LENGTH + 12] = TCP_LENGTH / 4 << 4;
    assert_false(bare_parse(&back, &read, bytes, length + 4)); /* the data offset says that the rest is text */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_emit), cmocka_unit_test(test_parse), cmocka_unit_test(test_other_shapes)};
    prng_seed(&prng, 11);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
