/* test_sack.c: selective acknowledgement by structures: the receiver's blocks (RFC 2018 4, RFC 2883), the sender's marks and counters
 * (RFC 6675), and what a peer's nonsense costs. */
#include "unit/tcp/pair.h"

enum { SEGMENTS = 20 };

/* A sender with SEGMENTS of 1000 bytes in flight, made by hand. */
struct bench {
    struct tcp tcp;
    struct tcb_opts opts;
    struct tcb_ext ext;
    struct tcb tcb;
    struct txring *ring;
};
static struct bench bench;

static void setup(uint32_t packets_each)
{
    memset(&bench, 0, sizeof bench);
    pair_params_linux(&bench.tcp.params);
    bench.tcp.pool = pool_new(NULL);
    tcp_set_now(&bench.tcp, NS_PER_S);
    bench.ext = (struct tcb_ext){.reordering = 3, .cwnd_clamp = UINT32_MAX, .rack_reo_steps = 1};
    bench.tcb = (struct tcb){.tcp = &bench.tcp,
                             .opt = &bench.opts,
                             .ext = &bench.ext,
                             .cwnd = 100,
                             .ssthresh = INT32_MAX,
                             .mss = 1000,
                             .sack_ok = true,
                             .max_window = 1 << 20,
                             .snd_wnd = 1 << 20,
                             .state = TCPS_ESTABLISHED};
    rtt_init(&bench.tcb);
    bench.tcb.snd_una = bench.tcb.snd_nxt = 0xffffe000u; /* the sequence space wraps on the way */
    bench.ext.high_seq = bench.ext.highest_sack = bench.ext.retrans_hint = bench.tcb.snd_una;
    for (unsigned i = 0; i < SEGMENTS; i++) {
        struct txseg *seg = txring_push(&bench.tcb);
        uint32_t length = 1000 * packets_each;
        *seg = (struct txseg){.start = bench.tcb.snd_nxt, .end = bench.tcb.snd_nxt + length, .sent_ns = NS_PER_S / 2 + i, .mss = 1000};
        bench.tcb.tx->packets_out += packets_each;
        bench.tcb.snd_nxt += length;
    }
    bench.tcb.write_seq = bench.tcb.snd_nxt;
}

static void teardown(void)
{
    struct txring *ring = bench.tcb.tx;
    txring_release(&bench.tcb);
    (void)ring;
    for (unsigned i = 0; i < TX_CLASSES; i++)
        while (bench.tcp.tx_free[i]) {
            struct txring *next = bench.tcp.tx_free[i]->next_free;
            pool_free(bench.tcp.pool, bench.tcp.tx_free[i], sizeof *ring + (bench.tcp.tx_free[i]->mask + 1ul) * sizeof ring->seg[0]);
            bench.tcp.tx_free[i] = next;
        }
    pool_unref(bench.tcp.pool);
}

static uint32_t at(uint32_t bytes) { return 0xffffe000u + bytes; }

static struct ack_state receive(unsigned count, const uint32_t blocks[][2])
{
    struct tcp_in in = {0};
    struct rx rx = {.in = &in, .ack = bench.tcb.snd_una};
    struct ack_state state = {.prior_una = bench.tcb.snd_una};
    in.header.options.sack_count = (uint8_t)count;
    for (unsigned i = 0; i < count; i++) {
        in.header.options.sack[i].start = at(blocks[i][0]);
        in.header.options.sack[i].end = at(blocks[i][1]);
    }
    recovery_begin(&bench.tcb, &state);
    sack_receive(&bench.tcb, &rx, &state);
    uint32_t sacked = 0, lost = 0, retrans = 0, packets = 0;
    for (uint32_t i = 0; i < bench.tcb.tx->count; i++) { /* the counters are those of the ring */
        struct txseg *seg = txring_at(bench.tcb.tx, i);
        packets += txseg_packets(seg);
        sacked += seg->flags & TX_SACKED ? txseg_packets(seg) : 0;
        lost += seg->flags & TX_LOST ? txseg_packets(seg) : 0;
        retrans += seg->flags & TX_RETRANS ? txseg_packets(seg) : 0;
        assert_true(i == 0 || seg->start == txring_at(bench.tcb.tx, i - 1)->end);
    }
    assert_int_equal(bench.ext.sacked_out, sacked);
    assert_int_equal(bench.ext.lost_out, lost);
    assert_int_equal(bench.ext.retrans_out, retrans);
    assert_int_equal(bench.tcb.tx->packets_out, packets);
    return state;
}

static void test_marks(void **state)
{
    (void)state;
    setup(1);
    struct ack_state ack = receive(1, (const uint32_t[][2]){{2000, 5000}});
    assert_int_equal(bench.ext.sacked_out, 3);
    assert_int_equal(ack.newly_sacked, 3);
    assert_true(ack.sacked_new && !ack.dsack);
    assert_int_equal(sack_highest(&bench.tcb), at(5000));
    assert_int_equal(bench.ext.reord_seen, 0);
    ack = receive(2, (const uint32_t[][2]){{8000, 9000}, {2000, 5000}}); /* the second is known already */
    assert_int_equal(ack.newly_sacked, 1);
    ack = receive(3, (const uint32_t[][2]){{2000, 7000}, {8000, 9000}, {10000, 12000}});
    assert_int_equal(ack.newly_sacked, 4);
    assert_int_equal(bench.ext.reord_seen, 1); /* 5000 was in a hole and was never resent */
    ack = receive(1, (const uint32_t[][2]){{2000, 7000}});
    assert_int_equal(ack.newly_sacked, 0);
    assert_int_equal(bench.ext.sacked_out, 8);
    /* blocks inside a segment mark nothing */
    ack = receive(1, (const uint32_t[][2]){{14500, 15400}});
    assert_int_equal(ack.newly_sacked, 0);
    teardown();
}

/* A record of several packets is cut at packets' edges, whatever the block's are (CVE-2019-11478: never smaller). */
static void test_split(void **state)
{
    (void)state;
    setup(4);
    uint32_t before = bench.tcb.tx->count;
    struct ack_state ack = receive(1, (const uint32_t[][2]){{1500, 6300}});
    assert_int_equal(ack.newly_sacked, 4); /* [2000, 6000) */
    assert_int_equal(bench.tcb.tx->count, before + 2);
    for (unsigned i = 0; i < 200; i++) /* a peer that moves its edges about cannot shatter the ring */
        receive(1, (const uint32_t[][2]){{9000 + i * 7, 30000 + i * 13}});
    assert_true(bench.tcb.tx->count <= 4 * SEGMENTS);
    for (uint32_t i = 0; i < bench.tcb.tx->count; i++)
        assert_int_equal((txring_at(bench.tcb.tx, i)->end - txring_at(bench.tcb.tx, i)->start) % 1000, 0);
    teardown();
}

static void test_nonsense(void **state)
{
    (void)state;
    setup(1);
    static const uint32_t bad[][2] = {{5000, 2000},        {3000, 3000}, {19000, 21000}, {0x80000000u, 0x80001000u},
                                      {0xfffff000u, 2000}, {0, 1000}};
    for (unsigned i = 0; i < ARRAY_COUNT(bad); i++) {
        struct ack_state ack = receive(1, &bad[i]);
        assert_int_equal(ack.newly_sacked, 0);
        assert_int_equal(bench.ext.sacked_out, 0);
    }
    /* A DSACK for what was never resent is the network's own duplicate: nothing is undone. */
    bench.tcb.snd_una = at(1000);
    bench.ext.undo_marker = at(0);
    bench.ext.undo_retrans = 1;
    struct ack_state ack = receive(1, (const uint32_t[][2]){{0, 1000}});
    assert_false(ack.dsack);
    assert_int_equal(bench.ext.undo_retrans, 1);
    bench.ext.total_retrans = 50;
    bench.tcb.snd_una = at(1000);
    ack = receive(1, (const uint32_t[][2]){{0, 1000}});
    assert_true(ack.dsack);
    assert_int_equal(bench.ext.undo_retrans, 0);
    teardown();
}

/* RFC 2883 4: a DSACK inside the second block; the resent copy in flight is no more. */
static void test_dsack_inside(void **state)
{
    (void)state;
    setup(1);
    struct txseg *seg = txring_at(bench.tcb.tx, 3);
    seg->flags = TX_RETRANS | TX_EVER_RETRANS | TX_LOST;
    bench.ext.lost_out = bench.ext.retrans_out = bench.ext.total_retrans = 1;
    bench.ext.undo_marker = at(0);
    bench.ext.undo_retrans = 1;
    struct ack_state ack = receive(2, (const uint32_t[][2]){{3000, 4000}, {2000, 6000}});
    assert_true(ack.dsack);
    assert_int_equal(bench.ext.retrans_out, 0);
    assert_int_equal(bench.ext.lost_out, 0);
    assert_int_equal(bench.ext.sacked_out, 4);
    assert_int_equal(bench.ext.undo_retrans, 0);
    teardown();
}

/* RFC 2018 4: the block of the segment that triggered the ACK first; three with timestamps; merged when they touch. */
static void test_generate(void **state)
{
    struct tcp_options options = {.has_timestamp = true};
    struct tcb *tcb = &bench.tcb;
    (void)state;
    setup(1);
    tcb->rcv_nxt = 1000;
    static const uint32_t arrivals[][2] = {{3000, 4000}, {5000, 6000}, {7000, 8000}, {9000, 10000}, {11000, 12000}};
    for (unsigned i = 0; i < 5; i++)
        sack_note(tcb, arrivals[i][0], arrivals[i][1]);
    sack_generate(tcb, &options);
    assert_int_equal(options.sack_count, 3);
    assert_int_equal(options.sack[0].start, 11000);
    assert_int_equal(options.sack[1].start, 9000);
    assert_int_equal(options.sack[2].start, 7000);
    options.has_timestamp = false;
    sack_generate(tcb, &options);
    assert_int_equal(options.sack_count, 4);
    sack_note(tcb, 8000, 9000); /* joins two */
    sack_dsack(tcb, 500, 900);
    sack_generate(tcb, &options);
    assert_int_equal(options.sack[0].start, 500); /* RFC 2883 4: first, */
    assert_int_equal(options.sack[1].start, 7000);
    assert_int_equal(options.sack[1].end, 10000);
    sack_generate(tcb, &options);
    assert_int_equal(options.sack[0].start, 7000); /* and once */
    tcb->rcv_nxt = 10000;
    sack_trim(tcb);
    sack_generate(tcb, &options);
    assert_int_equal(options.sack_count, 1);
    assert_int_equal(options.sack[0].start, 11000);
    bench.tcp.params.dsack = false; /* net.ipv4.tcp_dsack */
    sack_dsack(tcb, 500, 900);
    assert_false(bench.ext.has_dsack);
    teardown();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_marks),        cmocka_unit_test(test_split),    cmocka_unit_test(test_nonsense),
        cmocka_unit_test(test_dsack_inside), cmocka_unit_test(test_generate),
    };
    (void)pair_print;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
