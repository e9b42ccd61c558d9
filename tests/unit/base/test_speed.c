/* test_speed.c: prints what the data path's parts cost here; asserts nothing about time. Run it alone, from a release
 * build: `build/tests/unit_base_test_speed 20` repeats each measurement twenty times longer. */
#include "unit/check.h"
#include <stdlib.h>
#include <time.h>
#include "base/csum.h"
#include "base/heap.h"
#include "base/prng.h"
#include "base/slab.h"
#include "base/stream.h"
#include "base/table.h"
#include "wire/wire.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SLOWER = 50 }; /* there the figures mean nothing */
#else
enum { SLOWER = 1 };
#endif
enum { BIG = 65536, UNIT = 1448 };
static unsigned scale = 1;
static uint8_t from[1 << 18], to[1 << 18];

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* The best of five runs of N repetitions of BODY, in nanoseconds a repetition. */
#define MEASURE(result, n, body)                                  \
    do {                                                          \
        result = 1e9;                                             \
        for (int run_ = 0; run_ < 5; run_++) {                    \
            double start_ = now_s();                              \
            for (unsigned i = 0; i < (n) * scale / SLOWER; i++) { \
                body;                                             \
            }                                                     \
            double ns_ = (now_s() - start_) * 1e9 / ((n) * scale); \
            result = ns_ < result ? ns_ : result;                 \
        }                                                         \
    } while (0)

static void print_rate(const char *what, double ns, double bytes)
{
    print_message("  %-52s %9.1f ns  %7.1f Gbit/s\n", what, ns, bytes * 8 / ns);
}

static void print_cost(const char *what, double ns)
{
    print_message("  %-52s %9.1f ns\n", what, ns);
}

static volatile uint32_t sink;

static void test_checksums(void **state)
{
    (void)state;
    double ns;
    char what[80];
    MEASURE(ns, 2000, memcpy(to, from, BIG); __asm__ volatile("" ::: "memory"));
    print_rate("memcpy 64 KiB", ns, BIG);
    static const char *const names[] = {"scalar", "avx2", "avx512"};
    for (int v = 0; v < 3; v++) {
        if (strcmp(csum_select(names[v]), names[v]))
            continue;
        MEASURE(ns, 2000, sink = csum_partial(from, BIG, 0));
        snprintf(what, sizeof(what), "csum_partial 64 KiB, %s", names[v]);
        print_rate(what, ns, BIG);
        MEASURE(ns, 20000, sink = csum_partial(from, UNIT, 0));
        snprintf(what, sizeof(what), "csum_partial 1448, %s", names[v]);
        print_rate(what, ns, UNIT);
        MEASURE(ns, 2000, for (unsigned at = 0; at + UNIT <= BIG; at += UNIT) sink = csum_copy(to + at, from + at, UNIT, 0));
        snprintf(what, sizeof(what), "csum_copy 64 KiB in 1448s, %s", names[v]);
        print_rate(what, ns, BIG);
    }
    csum_select(NULL);
    MEASURE(ns, 200000, sink = csum_partial(from, 20 + (i & 3), 0));
    print_cost("csum_partial 20", ns);
}

static void test_packets(void **state)
{
    (void)state;
    struct pool *pool = pool_new(NULL);
    double ns;
    MEASURE(ns, 200000, packet_free(packet_new(pool)));
    print_cost("packet_new, packet_free", ns);
    MEASURE(ns, 200000, block_unref(block_new(pool, 2048)));
    print_cost("block_new, block_unref", ns);
    MEASURE(ns, 200000, packet_free(packet_copy(pool, from, 66)));
    print_cost("packet_copy 66, packet_free", ns);
    MEASURE(ns, 200000, packet_free(packet_copy(pool, from, 1514)));
    print_cost("packet_copy 1514, packet_free", ns);
    MEASURE(ns, 200000, void *p = pool_alloc(pool, 128); __asm__ volatile("" : : "r"(p) : "memory"); pool_free(pool, p, 128));
    print_cost("pool_alloc 128, pool_free", ns);
    pool_unref(pool);
}

/* Sender's stream, packets by reference, receiver's stream, out: what a bulk transfer does in one process. */
static void bulk(struct pool *pool, struct stream **a, struct stream **b, size_t unit, bool verify)
{
    struct iovec in = {from, BIG}, out = {to, BIG};
    ssize_t n = stream_write(a, pool, &in, 1, BIG, unit);
    for (size_t at = 0; at < (size_t)n; at += unit) {
        struct lil_packet *packet = packet_new(pool);
        size_t part = min_u64(unit, (size_t)n - at);
        (void)!stream_read_packet(*a, at, part, true, packet);
        sink = csum_packet(packet, 0);
        if (verify)
            sink = csum_packet_bytes(packet, 0);
        (void)!stream_append_take(b, packet);
    }
    stream_consume(a, (size_t)n);
    stream_peek(*b, 0, &out, 1, BIG);
    stream_consume(b, stream_length(*b));
}

static void test_streams(void **state)
{
    (void)state;
    struct pool *pool = pool_new(NULL);
    struct stream *a = NULL, *b = NULL;
    double ns;
    struct iovec in = {from, BIG}, small = {from, 64};
    MEASURE(ns, 1000, (void)!stream_write(&a, pool, &in, 1, BIG, UNIT); stream_free(&a));
    print_rate("stream_write 64 KiB, unit 1448", ns, BIG);
    MEASURE(ns, 1000, bulk(pool, &a, &b, UNIT, false));
    print_rate("write, packets of 1448, append, peek", ns, BIG);
    MEASURE(ns, 1000, bulk(pool, &a, &b, UNIT, true));
    print_rate("the same, verified by the receiver", ns, BIG);
    MEASURE(ns, 1000, bulk(pool, &a, &b, 64948, true));
    print_rate("the same, packets of 64948", ns, BIG);
    MEASURE(ns, 50000, {
        (void)!stream_write(&a, pool, &small, 1, 64, UNIT);
        struct lil_packet *packet = packet_new(pool);
        (void)!stream_read_packet(a, 0, 64, true, packet);
        (void)!stream_append_take(&b, packet);
        stream_consume(&a, 64);
        stream_peek(b, 0, &(struct iovec){to, 64}, 1, 64);
        stream_consume(&b, 64);
    });
    print_cost("64 bytes: write, packet, append, peek", ns);
    pool_unref(pool);
}

static void test_headers(void **state)
{
    (void)state;
    uint8_t bytes[64];
    double ns;
    struct tcphdr_ tcp = {.source_port = 1, .dest_port = 2, .flags = TCP_ACK, .window = 99, .options = {.has_timestamp = true}};
    MEASURE(ns, 200000, tcp.seq = i; sink = (uint32_t)tcphdr_emit(&tcp, TCP_ORDER_LINUX, bytes); __asm__ volatile("" ::: "memory"));
    print_cost("tcphdr_emit, timestamp", ns);
    MEASURE(ns, 200000, __asm__ volatile("" ::: "memory"); sink = (uint32_t)tcphdr_parse(&tcp, bytes, 32));
    print_cost("tcphdr_parse, timestamp", ns);
    struct pool *pool = pool_new(NULL);
    struct ip ip = {.version = 4, .protocol = 6, .ttl = 64, .source = addr_v4(1), .dest = addr_v4(2), .payload_length = UNIT};
    MEASURE(ns, 200000, ip.id = i; sink = (uint32_t)ip_emit(&ip, bytes); __asm__ volatile("" ::: "memory"));
    print_cost("ip_emit, IPv4", ns);
    MEASURE(ns, 200000, __asm__ volatile("" ::: "memory"); sink = (uint32_t)ip_parse(&ip, bytes, 64));
    print_cost("ip_parse, IPv4", ns);
    MEASURE(ns, 200000, ip.source.b[15] = (uint8_t)i; sink = addr_pseudo_sum(&ip.source, &ip.dest, 6, UNIT));
    print_cost("addr_pseudo_sum", ns);
    MEASURE(ns, 200000, {
        struct lil_packet *packet = packet_new(pool);
        tcp.seq = i;
        size_t n = tcphdr_options_size(&tcp.options, tcp.flags, TCP_ORDER_LINUX) + TCP_LENGTH;
        tcphdr_emit(&tcp, TCP_ORDER_LINUX, packet_push(packet, n));
        wire_csum_set(&ip, packet, false);
        ip_emit(&ip, packet_push(packet, IPV4_LENGTH));
        packet_free(packet);
    });
    print_cost("an ACK: packet, TCP, checksum, IPv4", ns);
    MEASURE(ns, 200000, {
        struct lil_packet *packet = packet_copy(pool, bytes, 52);
        sink = (uint32_t)ip_parse(&ip, packet_pull(packet, IPV4_LENGTH), IPV4_LENGTH);
        packet_trim_front(packet, IPV4_LENGTH);
        sink = wire_csum_ok(&ip, packet);
        sink = (uint32_t)tcphdr_parse(&tcp, packet_pull(packet, 32), 32);
        packet_free(packet);
    });
    print_cost("its way in", ns);
    pool_unref(pool);
}

static bool equal(const void *ctx, const void *key, uint32_t value)
{
    (void)ctx;
    return *(const uint32_t *)key == value;
}

static void test_containers(void **state)
{
    (void)state;
    enum { N = 100000 };
    static uint32_t position[N];
    struct pool *pool = pool_new(NULL);
    struct prng prng;
    double ns;
    prng_seed(&prng, 1);
    struct heap heap;
    heap_init(&heap, pool);
    memset(position, 0xff, sizeof position);
    for (uint32_t i = 0; i < N; i++)
        assert_int_equal(heap_set(&heap, &position[i], prng_next(&prng) >> 20), 0);
    MEASURE(ns, 50000, uint64_t k = prng_below(&prng, N); (void)!heap_set(&heap, &position[k], prng_next(&prng) >> 20));
    print_cost("heap_set of 100,000, random", ns);
    heap_fini(&heap);
    struct table table;
    table_init(&table, pool);
    for (uint32_t i = 0; i < N; i++)
        assert_int_equal(table_insert(&table, i * 0x9e3779b97f4a7c15, i), 0);
    MEASURE(ns, 100000, uint32_t k = (uint32_t)(i * 7919u % N);
            sink = table_find(&table, k * 0x9e3779b97f4a7c15, &k, equal, NULL));
    print_cost("table_find of 100,000", ns);
    table_fini(&table);
    struct slab slab;
    slab_init(&slab, pool, 256, 0);
    uint32_t slot;
    MEASURE(ns, 100000, slab_new(&slab, &slot); slab_free(&slab, slot));
    print_cost("slab_new, slab_free of 256 bytes", ns);
    slab_fini(&slab);
    pool_unref(pool);
}

int main(int argc, char **argv)
{
    scale = argc > 1 ? (unsigned)atoi(argv[1]) : 1;
    struct prng prng;
    prng_seed(&prng, 1);
    for (size_t i = 0; i < sizeof(from); i++)
        from[i] = (uint8_t)prng_next(&prng);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checksums), cmocka_unit_test(test_packets),    cmocka_unit_test(test_streams),
        cmocka_unit_test(test_headers),   cmocka_unit_test(test_containers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
