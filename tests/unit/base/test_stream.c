/* test_stream.c: streams against a flat queue of bytes: random writes, reads, appends and consumption; known sums. */
#include "unit/check.h"
#include "base/csum.h"
#include "base/prng.h"
#include "base/stream.h"
#include "memory.h"

enum { FLAT = 1 << 21 };
static uint8_t pattern[FLAT], flat[FLAT], out[FLAT];

static int fill_pattern(void **state)
{
    (void)state;
    struct prng prng;
    prng_seed(&prng, 5);
    for (size_t i = 0; i < sizeof(pattern); i++)
        pattern[i] = (uint8_t)prng_next(&prng);
    return 0;
}

static ssize_t write_bytes(struct stream **s, struct pool *pool, const void *bytes, size_t n, size_t unit)
{
    struct iovec iov = {(void *)bytes, n};
    return stream_write(s, pool, &iov, 1, n, unit);
}

/* Reads a segment and checks bytes and sum; returns whether the sum was known. */
static bool check_segment(struct pool *pool, struct stream *s, const uint8_t *expected, size_t offset, size_t n, bool want)
{
    struct lil_packet *packet = packet_new(pool);
    assert_int_equal(stream_read_packet(s, offset, n, want, packet), 0);
    assert_int_equal(packet->length, n);
    packet_read(packet, 0, out, n);
    assert_memory_equal(out, expected, n);
    bool known = packet->flags & PACKET_HAS_SUM;
    if (known)
        assert_int_equal(csum_fold(packet->payload_sum) % 0xffff, csum_fold(csum_partial(expected, n, 0)) % 0xffff);
    assert_true(known || !want);
    packet_free(packet);
    return known;
}

static void test_empty(void **state)
{
    (void)state;
    struct pool *pool = pool_new(NULL);
    struct stream *s = NULL;
    assert_int_equal(stream_length(NULL), 0);
    assert_int_equal(stream_charge(NULL), 0);
    assert_int_equal(write_bytes(&s, pool, pattern, 0, 1448), 0);
    assert_null(s);
    assert_int_equal(stream_peek(s, 0, &(struct iovec){out, 10}, 1, 10), 0);
    stream_consume(&s, 0);
    stream_free(&s);
    assert_int_equal(stream_append_take(&s, packet_new(pool)), 0);
    assert_null(s);
    assert_int_equal(pool_bytes(pool), 0);
    pool_unref(pool);
}

/* A tiny stream is tiny; a large write takes large blocks. */
static void test_block_sizes(void **state)
{
    (void)state;
    struct pool *pool = pool_new(NULL);
    struct stream *s = NULL;
    assert_int_equal(write_bytes(&s, pool, pattern, 64, 1448), 64);
    assert_in_range(pool_bytes(pool), 64, 800);
    assert_in_range(stream_charge(s), 512, 600);
    for (int i = 0; i < 7; i++)
        write_bytes(&s, pool, pattern, 64, 1448);
    assert_in_range(stream_charge(s), 512, 600); /* the eight share a block */
    stream_free(&s);
    assert_int_equal(write_bytes(&s, pool, pattern, 65536, 1448), 65536);
    assert_in_range(stream_charge(s), 65536, 65536 + 128); /* one block */
    stream_free(&s);
    for (size_t held = 0; held < 1000000; held += 1000) {
        write_bytes(&s, pool, pattern, 1000, 1448);
        assert_true(stream_charge(s) <= 1100 + 4 * (held + 1000) && stream_charge(s) <= held + 1000 + 2 * 66000);
    }
    stream_free(&s);
    assert_int_equal(pool_bytes(pool), 0);
    pool_unref(pool);
}

/* Whole units, one or several, have known sums without a pass over the data, whatever the writes' sizes. */
static void test_known_sums(void **state)
{
    (void)state;
    struct pool *pool = pool_new(NULL);
    static const size_t units[] = {256, 536, 1447, 1448, 1460, 8948, 64948}, writes[] = {65536, 1000, 1448, 77, 200000};
    for (size_t u = 0; u < ARRAY_COUNT(units); u++)
        for (size_t w = 0; w < ARRAY_COUNT(writes); w++) {
            struct stream *s = NULL;
            size_t unit = units[u], total = 0;
            while (total < 400000) {
                write_bytes(&s, pool, pattern + total, writes[w], unit);
                total += writes[w];
            }
            for (size_t at = 0; at + unit <= total; at += unit)
                assert_true(check_segment(pool, s, pattern + at, at, unit, false));
            for (size_t at = 0; at + 3 * unit <= total; at += 3 * unit)
                if (3 * unit < 65536)
                    assert_true(check_segment(pool, s, pattern + at, at, 3 * unit, false));
            assert_false(check_segment(pool, s, pattern + 1, 1, unit, false));
            assert_true(check_segment(pool, s, pattern + 1, 1, unit, true));
            stream_consume(&s, unit);
            assert_true(check_segment(pool, s, pattern + unit, 0, unit, false));
            stream_free(&s);
        }
    pool_unref(pool);
}

/* What was sent as a short last segment closes its unit: the next write begins a segment. Zero bytes have a sum, too. */
static void test_short_segments(void **state)
{
    (void)state;
    struct pool *pool = pool_new(NULL);
    struct stream *s = NULL;
    size_t at = 0;
    for (int i = 0; i < 300; i++) {
        size_t n = 1 + (size_t)i % 100;
        write_bytes(&s, pool, pattern + at, n, 1448);
        bool known = check_segment(pool, s, pattern + at, at, n, false);
        assert_true(known || i > 60);
        at += n;
    }
    assert_true(check_segment(pool, s, pattern, 0, at, true));
    stream_free(&s);
    memset(flat, 0, 2000);
    write_bytes(&s, pool, flat, 2000, 1000);
    assert_true(check_segment(pool, s, flat, 1000, 1000, false));
    stream_free(&s);
    pool_unref(pool);
}

/* What a packet holds does not change when the stream goes on or ends. */
static void test_packets_outlive(void **state)
{
    (void)state;
    struct pool *pool = pool_new(NULL);
    struct stream *s = NULL;
    write_bytes(&s, pool, pattern, 100, 1448);
    struct lil_packet *packet = packet_new(pool);
    assert_int_equal(stream_read_packet(s, 0, 100, true, packet), 0);
    write_bytes(&s, pool, pattern + 100, 200, 1448);
    stream_consume(&s, 100);
    write_bytes(&s, pool, pattern + 300, 50, 1448);
    stream_free(&s);
    write_bytes(&s, pool, pattern + 5000, 300, 1448);
    packet_read(packet, 0, out, 100);
    assert_memory_equal(out, pattern, 100);
    /* a second read into the same packet joins the sums */
    assert_int_equal(stream_read_packet(s, 1, 33, true, packet), 0);
    memcpy(flat, pattern, 100);
    memcpy(flat + 100, pattern + 5001, 33);
    packet_read(packet, 0, out, 133);
    assert_memory_equal(out, flat, 133);
    assert_true(packet->flags & PACKET_HAS_SUM);
    assert_int_equal(csum_fold(packet->payload_sum), csum_fold(csum_partial(flat, 133, 0)));
    packet_free(packet);
    stream_free(&s);
    assert_int_equal(pool_bytes(pool), 0);
    pool_unref(pool);
}

/* Two streams of one pool, as two hosts of one world: the receiver keeps large data by reference, and copies small data
 * that would pin a large block; it never writes to the sender's block. */
static void test_append(void **state)
{
    (void)state;
    struct pool *pool = pool_new(NULL);
    struct stream *from = NULL, *to = NULL;
    write_bytes(&from, pool, pattern, 65536, 1448);
    uint64_t before = pool_bytes(pool);
    for (size_t at = 0; at < 65536; at += 1448) {
        struct lil_packet *packet = packet_new(pool);
        assert_int_equal(stream_read_packet(from, at, min_u64(1448, 65536 - at), false, packet), 0);
        assert_int_equal(stream_append_take(&to, packet), 0);
    }
    assert_in_range(pool_bytes(pool) - before, 1, 400); /* by reference */
    assert_in_range(stream_charge(to), 65536, 65536 + 64);
    stream_free(&from);
    assert_int_equal(stream_peek(to, 0, &(struct iovec){out, 70000}, 1, 70000), 65536);
    assert_memory_equal(out, pattern, 65536);
    stream_free(&to);
    /* 100 frames of 60 bytes payload, each in a block of 16 KiB */
    for (int i = 0; i < 100; i++) {
        struct block *block = block_new(pool, 16384);
        memcpy(block->data, pattern + i * 60, 60);
        block->used = 60;
        struct lil_packet *packet = packet_new(pool);
        packet_add_slice(packet, block, 0, 60);
        block_unref(block);
        assert_int_equal(stream_append_take(&to, packet), 0);
    }
    assert_true(stream_charge(to) < 4 * 6000);
    assert_true(pool_bytes(pool) < 5 * 6000);
    stream_peek(to, 0, &(struct iovec){out, 6000}, 1, 6000);
    assert_memory_equal(out, pattern, 6000);
    stream_free(&to);
    assert_int_equal(pool_bytes(pool), 0);
    pool_unref(pool);
}

struct model {
    struct stream *s;
    size_t length;
    uint64_t next; /* place in PATTERN of the next byte written */
};

static void model_add(struct model *m, size_t n)
{
    for (size_t i = 0; i < n; i++)
        flat[m->length + i] = pattern[(m->next + i) % FLAT];
}

static void step_write(struct model *m, struct pool *pool, struct prng *prng, size_t unit)
{
    struct iovec iov[4];
    size_t sizes[] = {10, 700, 4000, 70000}, n = 0, limit = 0;
    for (int i = 0; i < 4; i++) {
        size_t size = prng_below(prng, sizes[prng_below(prng, 4)]);
        model_add(m, 0);
        for (size_t k = 0; k < size; k++)
            flat[m->length + n + k] = pattern[(m->next + n + k) % FLAT];
        iov[i] = (struct iovec){flat + m->length + n, size};
        n += size;
    }
    limit = prng_below(prng, 3) ? n : prng_below(prng, n + 1);
    assert_int_equal(stream_write(&m->s, pool, iov, 4, limit, unit), limit);
    m->length += limit;
    m->next += limit;
}

static void step_append(struct model *m, struct pool *pool, struct prng *prng)
{
    size_t n = prng_below(prng, 2) ? prng_below(prng, 300) : prng_below(prng, 3000);
    model_add(m, n);
    struct lil_packet *packet = packet_copy(pool, flat + m->length, n);
    if (prng_below(prng, 2))
        packet_pull(packet, n / 2 < 200 ? n / 2 : 200);
    assert_int_equal(stream_append_take(&m->s, packet), 0);
    m->length += n;
    m->next += n;
}

static void step_read(struct model *m, struct pool *pool, struct prng *prng)
{
    if (!m->length)
        return;
    size_t offset = prng_below(prng, m->length), n = 1 + prng_below(prng, min_u64(m->length - offset, 70000));
    check_segment(pool, m->s, flat + offset, offset, n, prng_below(prng, 2));
    struct iovec iov[3] = {{out, n / 3}, {out + n / 3, 1}, {out + n / 3 + 1, FLAT}};
    size_t limit = n > 2 ? n : 3;
    size_t got = stream_peek(m->s, offset, iov, 3, limit);
    assert_int_equal(got, min_u64(limit, m->length - offset));
    assert_memory_equal(out, flat + offset, got);
}

static void test_model(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct memory memory = {0};
        struct pool *pool = memory_pool(&memory, 0, seed & 1);
        struct prng prng;
        prng_seed(&prng, seed);
        struct model m = {0};
        static const size_t units[] = {0, 300, 1448, 1459, 9000};
        for (int i = 0; i < 200; i++) {
            uint64_t kind = prng_below(&prng, 8);
            if (kind < 2 && m.length < FLAT / 2)
                step_write(&m, pool, &prng, units[prng_below(&prng, seed & 2 ? 5 : 1)]);
            else if (kind < 4 && m.length < FLAT / 2)
                step_append(&m, pool, &prng);
            else if (kind < 6)
                step_read(&m, pool, &prng);
            else {
                size_t n = prng_below(&prng, 10) ? prng_below(&prng, m.length + 1) : m.length;
                stream_consume(&m.s, n);
                m.length -= n;
                memmove(flat, flat + n, m.length);
            }
            assert_int_equal(stream_length(m.s), m.length);
            assert_true(!m.s == !m.length);
            assert_true(stream_charge(m.s) || !m.length);
        }
        stream_free(&m.s);
        assert_int_equal(pool_bytes(pool), 0);
        pool_unref(pool);
        assert_int_equal(memory.out, 0);
    }
}

/* A connection in one process: random writes, segments of random sizes that wait in a queue, appended at the other end,
 * acknowledged late or early. What is read is what was written, whoever shares its blocks. */
struct pipe {
    struct stream *from, *to;
    struct packet_queue wire;
    size_t written, sent, acked, arrived, read;
};

static void pipe_write(struct pipe *p, struct pool *pool, struct prng *prng)
{
    static const size_t sizes[] = {50, 600, 5000, 70000};
    size_t n = 1 + prng_below(prng, sizes[prng_below(prng, 4)]);
    if (p->written + n > FLAT || p->written - p->acked > 300000)
        return;
    assert_int_equal(write_bytes(&p->from, pool, pattern + p->written, n, prng_below(prng, 4) ? 1448 : 0), n);
    p->written += n;
}

static void pipe_send(struct pipe *p, struct pool *pool, struct prng *prng)
{
    size_t n = min_u64(p->written - p->sent, prng_below(prng, 3) ? 1448 : 1 + prng_below(prng, 9000));
    if (!n)
        return;
    struct lil_packet *packet = packet_new(pool);
    assert_int_equal(stream_read_packet(p->from, p->sent - p->acked, n, prng_below(prng, 2), packet), 0);
    if (packet->flags & PACKET_HAS_SUM)
        assert_int_equal(csum_fold(packet->payload_sum) % 0xffff, csum_fold(csum_packet_bytes(packet, 0)) % 0xffff);
    packet_queue_push(&p->wire, packet);
    p->sent += n;
}

static void pipe_step(struct pipe *p, struct pool *pool, struct prng *prng)
{
    size_t n;
    struct lil_packet *packet;
    switch (prng_below(prng, 6)) {
    case 0:
        pipe_write(p, pool, prng);
        break;
    case 1:
    case 2:
        pipe_send(p, pool, prng);
        break;
    case 3:
        if ((packet = packet_queue_pop(&p->wire))) {
            if (!prng_below(prng, 4))
                packet_pull(packet, min_u64(packet->length, 20));
            p->arrived += packet->length;
            assert_int_equal(stream_append_take(&p->to, packet), 0);
        }
        break;
    case 4:
        n = prng_below(prng, p->arrived - p->acked + 1);
        stream_consume(&p->from, n);
        p->acked += n;
        break;
    default:
        n = prng_below(prng, p->arrived - p->read + 1);
        assert_int_equal(stream_peek(p->to, 0, &(struct iovec){out, n}, 1, n), n);
        assert_memory_equal(out, pattern + p->read, n);
        stream_consume(&p->to, n);
        p->read += n;
    }
    assert_int_equal(stream_length(p->from), p->written - p->acked);
    assert_int_equal(stream_length(p->to), p->arrived - p->read);
}

static void test_two_streams(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct pool *pool = pool_new(NULL);
        struct prng prng;
        prng_seed(&prng, seed);
        struct pipe p = {0};
        packet_queue_init(&p.wire);
        for (int i = 0; i < 600; i++)
            pipe_step(&p, pool, &prng);
        assert_true(stream_charge(p.to) <= 66000 + 70000 + 4 * stream_length(p.to) + 600 * p.wire.count);
        stream_free(&p.from);
        packet_queue_clear(&p.wire);
        stream_free(&p.to);
        assert_int_equal(pool_bytes(pool), 0);
        pool_unref(pool);
    }
}

/* A packet is taken whole or not at all; a write takes what it can; a failed read leaves the packet as it was. */
static bool scenario(struct pool *pool)
{
    struct stream *s = NULL, *to = NULL;
    bool ok = true;
    size_t total = 0, taken = 0;
    for (int i = 0; i < 12; i++) {
        ssize_t n = write_bytes(&s, pool, pattern + total, 900, 300);
        assert_true(n == -ENOMEM || (n > 0 && n <= 900));
        total += n > 0 ? (size_t)n : 0;
        ok = ok && n == 900;
        assert_int_equal(stream_length(s), total);
    }
    while (taken < total) {
        struct lil_packet *packet = packet_new(pool);
        size_t part = min_u64(total - taken, 5000);
        if (!packet || stream_read_packet(s, taken, part, true, packet) < 0) {
            assert_true(!packet || packet->length == 0);
            packet_free(packet);
            ok = false;
            break;
        }
        packet_pull(packet, 100);
        if (stream_append_take(&to, packet) < 0) {
            ok = false;
            break;
        }
        taken += part;
    }
    assert_int_equal(stream_length(to), taken);
    stream_peek(to, 0, &(struct iovec){out, total}, 1, total);
    assert_memory_equal(out, pattern, taken);
    stream_free(&s);
    stream_free(&to);
    return ok;
}

static void test_failing_allocator(void **state)
{
    (void)state;
    memory_fail_each(scenario, 6);
    for (uint64_t limit = 100; limit < 60000; limit += 331) {
        struct pool *pool = pool_new(&(struct pool_config){.limit_bytes = limit});
        scenario(pool);
        assert_int_equal(pool_bytes(pool), 0);
        pool_unref(pool);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),          cmocka_unit_test(test_block_sizes),
        cmocka_unit_test(test_known_sums),     cmocka_unit_test(test_short_segments),
        cmocka_unit_test(test_packets_outlive), cmocka_unit_test(test_append),
        cmocka_unit_test(test_model),          cmocka_unit_test(test_two_streams),
        cmocka_unit_test(test_failing_allocator),
    };
    return cmocka_run_group_tests(tests, fill_pattern, NULL);
}
