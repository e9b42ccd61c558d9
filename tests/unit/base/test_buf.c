/* test_buf.c: pools, blocks and packets: against a flat byte array, at limits, and with every n-th allocation failing. */
#include "unit/check.h"
#include "base/csum.h"
#include "base/prng.h"
#include "memory.h"

enum { FLAT = 80000 };
static uint8_t pattern[FLAT];

static int fill_pattern(void **state)
{
    (void)state;
    struct prng prng;
    prng_seed(&prng, 3);
    for (size_t i = 0; i < sizeof(pattern); i++)
        pattern[i] = (uint8_t)prng_next(&prng);
    return 0;
}

static void test_lifetime(void **state)
{
    (void)state;
    for (int direct = 0; direct < 2; direct++) {
        struct memory m = {0};
        struct pool *pool = memory_pool(&m, 0, direct);
        struct lil_packet *packet = packet_copy(pool, pattern, 3000);
        struct block *block = block_new(pool, 40000), *huge = block_new(pool, 1 << 20);
        void *general = pool_alloc(pool, 100), *large = pool_alloc(pool, 100000);
        assert_true(huge->size >= 1 << 20 && block->size >= 40000);
        struct pool_stats stats;
        pool_get_stats(pool, &stats);
        assert_int_equal(stats.packets_now, 1);
        assert_int_equal(stats.blocks_now, 3);
        pool_ref(pool);
        pool_unref(pool);
        pool_unref(pool); /* what is out keeps it */
        assert_true(m.out > 0);
        block_unref(huge);
        packet_free(packet);
        pool_free(pool, large, 100000);
        pool_free(pool, general, 100);
        assert_true(m.out > 0);
        block_unref(block);
        assert_int_equal(m.out, 0);
    }
}

static void test_block_classes(void **state)
{
    (void)state;
    struct pool *pool = pool_new(NULL);
    static const size_t sizes[] = {1, 511, 512, 513, 2048, 2049, 4096, 16384, 16385, 65535, 65536, 65537, 200000};
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        struct block *block = block_new(pool, sizes[i]);
        assert_true(block->size >= sizes[i]);
        assert_int_equal(block->used, 0);
        assert_int_equal(block->refs, 1);
        memset(block->data, 0x5a, block->size);
        struct block *again = block_new(pool, sizes[i]);
        memset(again->data, 0xa5, again->size);
        assert_int_equal(block->data[block->size - 1], 0x5a);
        block_unref(again);
        block_ref(block);
        block_unref(block);
        block_unref(block);
    }
    assert_int_equal(pool_bytes(pool), 0);
    assert_null(block_new(pool, (size_t)UINT32_MAX + 1));
    pool_unref(pool);
}

static void test_general(void **state)
{
    (void)state;
    struct memory m = {0};
    struct pool *pool = memory_pool(&m, 0, false);
    static struct { uint8_t *p; size_t size; } held[512];
    struct prng prng;
    prng_seed(&prng, 4);
    for (int round = 0; round < 20000; round++) {
        size_t i = prng_below(&prng, ARRAY_COUNT(held));
        if (held[i].p) {
            for (size_t k = 0; k < held[i].size; k += 13)
                assert_int_equal(held[i].p[k], (uint8_t)i);
            pool_free(pool, held[i].p, held[i].size);
            held[i].p = NULL;
            continue;
        }
        held[i].size = prng_below(&prng, round % 50 ? 3000 : 70000);
        held[i].p = pool_alloc(pool, held[i].size);
        assert_int_equal((uintptr_t)held[i].p % 16, 0);
        for (size_t k = 0; k < held[i].size; k++)
            assert_int_equal(held[i].p[k], 0);
        memset(held[i].p, (int)i, held[i].size);
    }
    for (size_t i = 0; i < ARRAY_COUNT(held); i++)
        pool_free(pool, held[i].p, held[i].size);
    assert_int_equal(pool_bytes(pool), 0);
    pool_unref(pool);
    assert_int_equal(m.out, 0);
}

/* Classes waste at most a quarter. */
static void test_general_overhead(void **state)
{
    (void)state;
    struct pool *pool = pool_new(NULL);
    for (size_t size = 1; size < 40000; size++) {
        void *p = pool_alloc(pool, size);
        assert_true(pool_bytes(pool) >= size && pool_bytes(pool) <= (size <= 1024 ? size + 15 : size + size / 4));
        pool_free(pool, p, size);
    }
    pool_unref(pool);
}

static void test_limit(void **state)
{
    (void)state;
    struct pool *pool = pool_new(&(struct pool_config){.limit_bytes = 100000});
    struct packet_queue queue;
    packet_queue_init(&queue);
    for (;;) {
        struct lil_packet *packet = packet_copy(pool, pattern, 1514);
        if (!packet)
            break;
        packet_queue_push(&queue, packet);
        assert_true(pool_bytes(pool) <= 100000);
    }
    assert_in_range(queue.count, 30, 60);
    struct pool_stats stats;
    pool_get_stats(pool, &stats);
    assert_true(stats.failures > 0 && stats.limit_bytes == 100000 && stats.bytes_peak <= 100000);
    void *filler[100];
    size_t fillers = 0;
    while ((filler[fillers] = pool_alloc(pool, 16))) /* fill to the last byte ... */
        assert_true(++fillers < ARRAY_COUNT(filler));
    assert_null(packet_new(pool));
    assert_null(pool_alloc(pool, 100000));
    packet_free(packet_queue_pop(&queue));
    packet_free(packet_queue_pop(&queue));
    struct lil_packet *packet = packet_copy(pool, pattern, 1514); /* ... and what comes back can go out again */
    assert_non_null(packet);
    packet_free(packet);
    packet_queue_clear(&queue);
    assert_null(packet_queue_pop(&queue));
    while (fillers)
        pool_free(pool, filler[--fillers], 16);
    assert_int_equal(pool_bytes(pool), 0);
    pool_unref(pool);
}

/* Compares the packet with FLAT bytes in every way there is to look at it. */
static void check_packet(struct lil_packet *packet, const uint8_t *flat, size_t length)
{
    static uint8_t out[FLAT];
    assert_int_equal(packet->length, length);
    assert_int_equal(lil_packet_length(packet), length);
    size_t offset = length / 3;
    assert_int_equal(packet_read(packet, offset, out, sizeof(out)), length - offset);
    assert_memory_equal(out, flat + offset, length - offset);
    struct iovec iov[PACKET_SLICES + 1];
    int count = packet_iov(packet, iov, ARRAY_COUNT(iov));
    assert_in_range(count, 0, PACKET_SLICES + 1);
    size_t at = 0;
    for (int i = 0; i < count; i++) {
        assert_memory_equal(iov[i].iov_base, flat + at, iov[i].iov_len);
        at += iov[i].iov_len;
    }
    assert_int_equal(at, length);
    if (length > offset) {
        uint32_t sum = csum_partial(flat + offset, length - offset, 0);
        assert_int_equal(csum_fold(csum_packet(packet, offset)) % 0xffff, csum_fold(sum) % 0xffff);
        assert_int_equal(csum_fold(csum_packet_bytes(packet, offset)) % 0xffff, csum_fold(sum) % 0xffff);
    }
}

struct model {
    struct lil_packet *packet;
    uint8_t flat[FLAT];
    size_t length;
};

static void model_append(struct model *m, const uint8_t *bytes, size_t n)
{
    memcpy(m->flat + m->length, bytes, n);
    m->length += n;
}

static void model_front(struct model *m, size_t n)
{
    m->length -= n;
    memmove(m->flat, m->flat + n, m->length);
}

static void step_add(struct model *m, struct prng *prng)
{
    const uint8_t *from = pattern + prng_below(prng, 1000);
    size_t n = prng_below(prng, 3) ? prng_below(prng, 200) : prng_below(prng, 5000);
    if (m->length + n > 40000)
        return;
    if (prng_below(prng, 2)) {
        if (packet_append(m->packet, from, n))
            model_append(m, from, n);
        return;
    }
    struct block *block = block_new(m->packet->pool, n);
    memcpy(block->data, from, n);
    block->used = (uint32_t)n;
    if (n && packet_add_slice(m->packet, block, 0, (uint32_t)n)) {
        model_append(m, from, n);
        uint32_t sum = csum_packet_bytes(m->packet, m->packet->head_len);
        if (prng_below(prng, 2)) {
            m->packet->payload_sum = sum;
            m->packet->flags |= PACKET_HAS_SUM;
        }
    }
    block_unref(block);
}

static void step_cut(struct model *m, struct prng *prng)
{
    size_t n = prng_below(prng, m->length + 1);
    if (prng_below(prng, 2))
        n = min_u64(n, 60);
    if (prng_below(prng, 2)) {
        packet_trim_front(m->packet, n);
        model_front(m, n);
    } else {
        packet_trim_to(m->packet, m->length - n);
        m->length -= n;
    }
}

static void step_header(struct model *m, struct prng *prng)
{
    size_t n = prng_below(prng, 80);
    if (prng_below(prng, 2)) {
        const uint8_t *head = packet_pull(m->packet, n);
        assert_int_equal(head != NULL, n <= m->length);
        if (head)
            assert_memory_equal(head, m->flat, n);
        return;
    }
    if (n > m->packet->head_off)
        return;
    memcpy(packet_push(m->packet, n), pattern, n);
    memmove(m->flat + n, m->flat, m->length);
    memcpy(m->flat, pattern, n);
    m->length += n;
}

static void step_join(struct model *m, struct prng *prng)
{
    size_t n = prng_below(prng, 2) ? prng_below(prng, 100) : prng_below(prng, 4000);
    struct lil_packet *other = packet_copy(m->packet->pool, pattern, n);
    if (n && prng_below(prng, 2)) {
        size_t cut = prng_below(prng, n);
        packet_trim_front(other, cut);
        model_append(m, pattern + cut, n - cut);
    } else {
        model_append(m, pattern, n);
    }
    assert_int_equal(packet_join_take(m->packet, other), 0);
}

static void step(struct model *m, struct prng *prng)
{
    struct lil_packet *clone;
    switch (prng_below(prng, 8)) {
    case 0:
    case 1:
        step_add(m, prng);
        break;
    case 2:
        step_cut(m, prng);
        break;
    case 3:
        step_header(m, prng);
        break;
    case 4:
        if (m->length < 40000)
            step_join(m, prng);
        break;
    case 5:
        assert_int_equal(packet_flatten(m->packet), 0);
        assert_true(m->packet->slice_count <= 1);
        break;
    case 6: /* go on with the clone: the original must not have been needed */
        clone = packet_clone(m->packet);
        check_packet(m->packet, m->flat, m->length);
        packet_free(m->packet);
        m->packet = clone;
        break;
    default:
        if (m->length > 30000) {
            packet_trim_front(m->packet, m->length);
            m->length = 0;
        }
    }
}

static void test_model(void **state)
{
    (void)state;
    static struct model m;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct prng prng;
        prng_seed(&prng, seed);
        struct pool *pool = pool_new(NULL);
        m.packet = packet_new(pool);
        m.length = 0;
        for (int i = 0; i < 300; i++) {
            step(&m, &prng);
            check_packet(m.packet, m.flat, m.length);
        }
        packet_free(m.packet);
        assert_int_equal(pool_bytes(pool), 0);
        pool_unref(pool);
    }
}

/* A clone shares its bytes; flattening one leaves the other's alone. */
static void test_clone_and_flatten(void **state)
{
    (void)state;
    struct pool *pool = pool_new(NULL);
    struct lil_packet *packet = packet_copy(pool, pattern, 1500);
    assert_true(packet_charge(packet) > 1500);
    struct lil_packet *clone = packet_clone(packet);
    assert_true(packet_charge(packet) < 1500 + sizeof(struct lil_packet) + 64);
    assert_ptr_equal(packet->slices[0].block, clone->slices[0].block);
    assert_int_equal(packet_flatten(clone), 0);
    clone->slices[0].block->data[100] ^= 0xff;
    check_packet(packet, pattern, 1500);
    packet_free(clone);
    packet_free(packet);
    packet_free(NULL);
    assert_int_equal(pool_bytes(pool), 0);
    pool_unref(pool);
}

/* Many small packets joined: each byte is copied a bounded number of times, and they become few blocks. */
static void test_join_many(void **state)
{
    (void)state;
    struct pool *pool = pool_new(NULL);
    struct lil_packet *all = packet_new(pool);
    for (size_t at = 0; at < 65000; at += 650) {
        struct lil_packet *part = packet_copy(pool, pattern + at, 650);
        assert_int_equal(packet_join_take(all, part), 0);
    }
    check_packet(all, pattern, 65000);
    struct lil_packet *empty = packet_new(pool);
    assert_int_equal(packet_join_take(all, empty), 0);
    check_packet(all, pattern, 65000);
    packet_free(all);
    assert_int_equal(pool_bytes(pool), 0);
    pool_unref(pool);
}

/* Sums of joined payloads stay known, odd lengths included. */
static void test_join_sums(void **state)
{
    (void)state;
    struct pool *pool = pool_new(NULL);
    for (size_t first = 0; first < 4; first++)
        for (size_t second = 1; second < 4; second++) {
            size_t length[2] = {first ? 1000 + first : 0, 3000 + second};
            struct lil_packet *part[2];
            for (size_t i = 0, at = 0; i < 2; at += length[i++]) {
                struct block *block = block_new(pool, 4000);
                memcpy(block->data, pattern + at, length[i]);
                block->used = (uint32_t)length[i];
                part[i] = packet_new(pool);
                packet_add_slice(part[i], block, 0, block->used);
                block_unref(block);
                part[i]->payload_sum = csum_packet_bytes(part[i], 0);
                part[i]->flags |= PACKET_HAS_SUM;
            }
            assert_int_equal(packet_join_take(part[0], part[1]), 0);
            assert_true(part[0]->flags & PACKET_HAS_SUM);
            check_packet(part[0], pattern, length[0] + length[1]);
            packet_trim_front(part[0], 1);
            assert_false(part[0]->flags & PACKET_HAS_SUM);
            packet_free(part[0]);
        }
    pool_unref(pool);
}

/* What a burst needed does not stay for ever: the pool keeps a bounded amount of large blocks. */
static void test_burst(void **state)
{
    (void)state;
    enum { BLOCKS = 1200 };
    static struct block *blocks[BLOCKS];
    struct memory m = {0};
    struct pool *pool = memory_pool(&m, 0, false);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < BLOCKS; i++)
            assert_non_null(blocks[i] = block_new(pool, 65536));
        assert_true(m.out > (int64_t)BLOCKS * 65536);
        for (int i = 0; i < BLOCKS; i++)
            block_unref(blocks[i]);
        assert_true(m.out <= (65 << 20));
    }
    pool_unref(pool);
    assert_int_equal(m.out, 0);
}

/* A partial checksum stays at its place while headers come and go, and is filled when an embedder looks. */
static void test_partial_checksum(void **state)
{
    (void)state;
    struct pool *pool = pool_new(NULL);
    for (unsigned place = 6; place <= 16; place += 10) {
        struct lil_packet *packet = packet_new(pool);
        struct block *block = block_new(pool, 1001);
        memcpy(block->data, pattern, 1001);
        block->used = 1001;
        packet_add_slice(packet, block, 0, 1001);
        block_unref(block);
        memcpy(packet_push(packet, 20), pattern, 20);
        memset(packet->head + packet->head_off + place, 0x11, 2); /* a pseudo-header's sum */
        packet->csum = CSUM_PARTIAL;
        packet->csum_start = 0;
        packet->csum_offset = (uint16_t)place;
        packet_push(packet, 20);
        packet_push(packet, 14);
        packet_trim_front(packet, 14);
        assert_int_equal(packet->csum_start, 20);
        uint8_t out[1041];
        assert_int_equal(lil_packet_read(packet, 0, out, sizeof(out)), 1041);
        assert_int_equal(packet->csum, CSUM_COMPUTED);
        uint16_t field;
        memcpy(&field, out + 20 + place, 2);
        memset(out + 20 + place, 0x11, 2);
        assert_int_equal(field, (uint16_t)~csum_fold(csum_partial(out + 20, 1021, 0)));
        lil_packet_free(packet);
    }
    pool_unref(pool);
}

/* One life of packets; false when memory ran out on the way (nothing may be lost then). */
static bool scenario(struct pool *pool)
{
    bool ok = false;
    struct lil_packet *a = packet_copy(pool, pattern, 5000), *b = packet_copy(pool, pattern, 100), *c = NULL;
    if (!a || !b || !(c = packet_clone(a)))
        goto out;
    for (int i = 0; i < 8; i++) {
        struct lil_packet *part = packet_copy(pool, pattern, 700);
        if (!part)
            goto out;
        uint32_t before = a->length;
        if (packet_join_take(a, part) < 0) {
            assert_int_equal(a->length, before);
            assert_int_equal(part->length, 700);
            packet_free(part);
            goto out;
        }
    }
    ok = packet_flatten(c) == 0 && packet_append(b, pattern, 3000) && packet_append(b, pattern, 6000);
out:
    packet_free(a);
    packet_free(b);
    packet_free(c);
    return ok;
}

static void test_failing_allocator(void **state)
{
    (void)state;
    memory_fail_each(scenario, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lifetime),         cmocka_unit_test(test_block_classes),
        cmocka_unit_test(test_general),          cmocka_unit_test(test_general_overhead),
        cmocka_unit_test(test_limit),            cmocka_unit_test(test_model),
        cmocka_unit_test(test_clone_and_flatten), cmocka_unit_test(test_join_many),
        cmocka_unit_test(test_join_sums),        cmocka_unit_test(test_burst),
        cmocka_unit_test(test_partial_checksum), cmocka_unit_test(test_failing_allocator),
    };
    return cmocka_run_group_tests(tests, fill_pattern, NULL);
}
