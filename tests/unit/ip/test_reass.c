/* test_reass.c: reassembly: any order, overlaps (RFC 5722; teardrop), ping of death, limits on memory and pieces, timeout; and
 * fragmentation's round trip. */
#include "unit/check.h"
#include "base/prng.h"
#include "ip/frag.h"
#include "ip/reass.h"
#include "unit/pool_fixture.h"

static struct reass reass;
static struct ip_params params;
static unsigned drops[LIL_DROP_COUNT], timeouts;
static uint64_t next_ns;

static void on_drop(void *ctx, enum lil_drop reason, struct lil_packet *packet)
{
    (void)ctx;
    drops[reason]++;
    packet_free(packet);
}

static void on_timeout(void *ctx, const struct ip *ip, const struct lil_packet *first)
{
    (void)ctx;
    assert_non_null(ip);
    assert_true(first->length >= 8);
    timeouts++;
}

static void start(void)
{
    struct reass_hooks hooks = {.drop = on_drop, .timeout = on_timeout, .next_ns = &next_ns};
    struct siphash_key key = {1, 2};
    params = (struct ip_params){.frag_timeout_ms = 30000, .frag_memory_bytes = 1 << 20, .frag_max_per_host = 64, .frag_max_pieces = 2048};
    memset(drops, 0, sizeof drops);
    timeouts = 0;
    next_ns = LIL_NEVER;
    reass_init(&reass, pool, &params, &hooks, &key);
}

static struct lil_packet *fragment(int version, uint32_t id, uint32_t offset, uint32_t length, bool more, uint8_t fill)
{
    uint8_t bytes[65600];
    struct ip ip = {.version = (uint8_t)version, .protocol = 17, .ttl = 64, .id = id, .frag_offset = offset, .more_fragments = more,
                    .is_fragment = true, .payload_length = length};
    ip.source = version == 4 ? addr_v4(0x0a000001) : (struct addr){.b = {0x20, 1, [15] = 1}};
    ip.dest = version == 4 ? addr_v4(0x0a000002) : (struct addr){.b = {0x20, 1, [15] = 2}};
    size_t header = ip_emit(&ip, bytes);
    for (uint32_t i = 0; i < length; i++)
        bytes[header + i] = fill ? fill : (uint8_t)((offset + i) * 31);
    return packet_copy(pool, bytes, header + length);
}

static struct lil_packet *input(struct lil_packet *packet, uint64_t now_ns)
{
    struct ip ip;
    uint8_t bytes[128];
    size_t n = packet_read(packet, 0, bytes, sizeof bytes);
    assert_true(ip_parse(&ip, bytes, n) > 0);
    return reass_input_take(&reass, &ip, packet, now_ns);
}

static void check_whole(struct lil_packet *whole, uint32_t length)
{
    uint8_t bytes[65536];
    assert_non_null(whole);
    assert_int_equal(whole->length, length);
    assert_int_equal(packet_read(whole, 0, bytes, sizeof bytes), length);
    for (uint32_t i = 0; i < length; i++)
        assert_int_equal(bytes[i], (uint8_t)(i * 31));
    packet_free(whole);
}

static void any_order(void **state)
{
    (void)state;
    struct prng prng;
    prng_seed(&prng, 7);
    start();
    for (int version = 4; version <= 6; version += 2)
        for (uint32_t round = 0; round < 50; round++) {
            unsigned order[20];
            for (unsigned i = 0; i < 20; i++) {
                unsigned j = (unsigned)prng_below(&prng, i + 1);
                order[i] = order[j];
                order[j] = i;
            }
            struct lil_packet *whole = NULL;
            for (unsigned i = 0; i < 20; i++) {
                unsigned k = order[i];
                assert_null(whole);
                whole = input(fragment(version, round, k * 104, k == 19 ? 77 : 104, k != 19, 0), 0);
            }
            check_whole(whole, 19 * 104 + 77);
        }
    assert_int_equal(reass.count, 0);
    assert_int_equal(reass.memory_bytes, 0);
    reass_fini(&reass);
}

static void overlaps(void **state)
{
    (void)state;
    start();
    /* RFC 5722 4: the whole IPv6 datagram is dropped, what comes later too */
    assert_null(input(fragment(6, 1, 0, 64, true, 0), 0));
    assert_null(input(fragment(6, 1, 56, 64, true, 0), 0));
    assert_null(input(fragment(6, 1, 120, 8, false, 0), 0));
    assert_null(input(fragment(6, 1, 64, 56, true, 0), 0));
    assert_int_equal(drops[LIL_DROP_FRAG_OVERLAP], 4);
    /* teardrop: the second lies inside the first */
    assert_null(input(fragment(4, 2, 0, 64, true, 0), 0));
    assert_null(input(fragment(4, 2, 8, 16, false, 9), 0));
    assert_int_equal(drops[LIL_DROP_FRAG_OVERLAP] + drops[LIL_DROP_FRAG_MALFORMED], 5);
    /* IPv4: what came first stays, the newcomer is cut */
    assert_null(input(fragment(4, 3, 0, 64, true, 0), 0));
    assert_null(input(fragment(4, 3, 48, 64, true, 0), 0));
    check_whole(input(fragment(4, 3, 104, 40, false, 0), 0), 144);
    /* an exact duplicate does no harm */
    assert_null(input(fragment(4, 4, 0, 64, true, 0), 0));
    assert_null(input(fragment(4, 4, 0, 64, true, 0), 0));
    check_whole(input(fragment(4, 4, 64, 8, false, 0), 0), 72);
    reass_fini(&reass);
}

static void malformed(void **state)
{
    (void)state;
    start();
    assert_null(input(fragment(4, 1, 0, 63, true, 0), 0));      /* not a multiple of 8 */
    assert_null(input(fragment(4, 1, 65528, 1000, false, 0), 0)); /* the ping of death */
    assert_null(input(fragment(6, 1, 65528, 8, false, 0), 0));
    assert_null(input(fragment(4, 1, 0, 0, true, 0), 0));
    assert_int_equal(drops[LIL_DROP_FRAG_MALFORMED], 4);
    /* two ends that disagree */
    assert_null(input(fragment(4, 2, 64, 8, false, 0), 0));
    assert_null(input(fragment(4, 2, 128, 8, false, 0), 0));
    assert_null(input(fragment(4, 2, 72, 8, true, 0), 0));
    assert_int_equal(drops[LIL_DROP_FRAG_MALFORMED], 6);
    reass_fini(&reass);
    assert_int_equal(reass.count, 0);
}

static void limits(void **state)
{
    (void)state;
    start();
    for (uint32_t i = 0; i < 100000; i++) { /* a flood of first fragments */
        struct lil_packet *packet = fragment(4, i, 0, 8 + 8 * (i % 2), true, 0);
        assert_null(input(packet, 0));
        assert_true(reass.count <= params.frag_max_per_host);
    }
    assert_true(reass.memory_bytes <= params.frag_memory_bytes);
    assert_int_equal(drops[LIL_DROP_FRAG_LIMIT], 100000 - reass.count);
    reass_fini(&reass);
    start();
    params.frag_max_pieces = 100; /* FragmentSmack: pieces of one datagram are limited */
    for (uint32_t i = 0; i < 1000; i++)
        assert_null(input(fragment(4, 1, (1000 - i) * 16, 8, true, 0), 0));
    assert_int_equal(drops[LIL_DROP_FRAG_LIMIT], 900);
    reass_fini(&reass);
}

static void timeout(void **state)
{
    (void)state;
    start();
    assert_int_equal(next_ns, LIL_NEVER);
    assert_null(input(fragment(4, 1, 0, 64, true, 0), 1000));
    assert_null(input(fragment(4, 2, 64, 64, true, 0), 2000));
    assert_int_equal(next_ns, 1000 + 30 * NS_PER_S);
    reass_poll(&reass, 30 * NS_PER_S);
    assert_int_equal(reass.count, 2);
    reass_poll(&reass, 2000 + 30 * NS_PER_S);
    assert_int_equal(reass.count, 0);
    assert_int_equal(timeouts, 1); /* RFC 1122 3.3.2: only when fragment zero had come */
    assert_int_equal(drops[LIL_DROP_FRAG_TIMEOUT], 2);
    reass_fini(&reass);
}

static void round_trip(void **state)
{
    (void)state;
    start();
    for (int version = 4; version <= 6; version += 2)
        for (uint32_t length = 1; length < 9000; length += 641) {
            struct lil_packet *payload = packet_new(pool);
            uint8_t bytes[9000];
            for (uint32_t i = 0; i < length; i++)
                bytes[i] = (uint8_t)(i * 31);
            assert_true(packet_append(payload, bytes, length));
            struct ip ip = {.version = (uint8_t)version, .protocol = 17, .ttl = 9, .id = length, .payload_length = length};
            ip.source = version == 4 ? addr_v4(1) : (struct addr){.b = {0x20}};
            ip.dest = version == 4 ? addr_v4(2) : (struct addr){.b = {0x21}};
            struct frag frag;
            frag_init_take(&frag, &ip, payload, 1280);
            struct lil_packet *piece, *whole = NULL;
            while ((piece = frag_next(&frag))) {
                assert_true(piece->length <= 1280);
                struct ip header;
                assert_true(ip_parse(&header, piece->head + piece->head_off, piece->head_len) > 0);
                if (!header.is_fragment) {
                    packet_trim_front(piece, header.header_length);
                    whole = piece;
                } else {
                    whole = reass_input_take(&reass, &header, piece, 0);
                }
            }
            assert_false(frag.failed);
            check_whole(whole, length);
        }
    reass_fini(&reass);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_order), cmocka_unit_test(overlaps), cmocka_unit_test(malformed), cmocka_unit_test(limits),
        cmocka_unit_test(timeout), cmocka_unit_test(round_trip),
    };
    return cmocka_run_group_tests(tests, pool_setup, pool_teardown);
}
