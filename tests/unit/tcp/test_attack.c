/* test_attack.c: what a peer or a stranger may throw at TCP (DESIGN section 7): random segments around a live
 * connection with every invariant checked, shattered reassembly (CVE-2018-5390), shattered scoreboards and tiny MSS
 * (CVE-2019-11477..9), URG games, optimistic ACKs, blind ICMP. Work and memory are bounded; what is told to the process
 * stays what the peer sent. */
#include "unit/tcp/pair.h"

static uint32_t near(struct prng *prng, uint32_t seq)
{
    switch (prng_below(prng, 8)) {
    case 0:
        return (uint32_t)prng_next(prng);
    case 1:
        return seq + (uint32_t)prng_below(prng, 70000) - 35000;
    case 2:
        return seq + (uint32_t)prng_below(prng, 5) - 2;
    case 3:
        return seq + 1448 * (uint32_t)prng_below(prng, 40);
    default:
        return seq + (uint32_t)prng_below(prng, 4000) - 1000;
    }
}

static void random_segment(struct pair *pair, struct prng *prng, const struct tcb *tcb, struct tcp_in *in)
{
    static const uint16_t flags[] = {
        TCP_ACK,           TCP_ACK,           TCP_ACK, TCP_ACK,           TCP_ACK | TCP_PSH,
        TCP_ACK | TCP_URG, TCP_ACK | TCP_FIN, TCP_SYN, TCP_SYN | TCP_ACK, 0,
        TCP_ACK | TCP_ECE, TCP_ACK | TCP_CWR, 0x1ff};
    memset(in, 0, sizeof *in);
    in->flow = pair_flow(pair, 1024);
    in->header.source_port = 13;
    in->header.dest_port = 1024;
    in->header.seq = prng_below(prng, 3) ? tcb->rcv_nxt : near(prng, tcb->rcv_nxt);
    in->header.ack = prng_below(prng, 3) ? tcb->snd_una + (uint32_t)prng_below(prng, tcb->snd_nxt - tcb->snd_una + 1)
                                         : near(prng, tcb->snd_una);
    in->header.flags = flags[prng_below(prng, ARRAY_COUNT(flags))];
    in->header.window = prng_below(prng, 3) ? 500 : (uint16_t)prng_next(prng);
    in->header.urgent = (uint16_t)prng_next(prng);
    in->ecn = (uint8_t)prng_below(prng, 4);
    in->payload = prng_below(prng, 2) ? (uint32_t)prng_below(prng, 3000) : 0;
    struct tcp_options *options = &in->header.options;
    if (prng_below(prng, 2)) {
        options->has_timestamp = true;
        options->ts_value = tcb->ts_recent + (uint32_t)prng_below(prng, 100) - 10;
        options->ts_echo = prng_below(prng, 4) ? tcb->tcp->now_ts + tcb->ts_offset - (uint32_t)prng_below(prng, 100)
                                               : (uint32_t)prng_next(prng);
    }
    if (prng_below(prng, 2)) {
        options->sack_count = (uint8_t)prng_below(prng, TCP_SACK_BLOCKS + 1);
        for (unsigned i = 0; i < options->sack_count; i++) {
            options->sack[i].start = near(prng, tcb->snd_una);
            options->sack[i].end = prng_below(prng, 4) ? options->sack[i].start + (uint32_t)prng_below(prng, 5000)
                                                       : near(prng, tcb->snd_nxt);
        }
    }
}

static void storm(uint64_t seed)
{
    struct tcp_params params;
    struct prng prng;
    static char bytes[40000], in_bytes[40000];
    prng_seed(&prng, seed);
    seed % 5 == 4 ? pair_params_bsd(&params) : pair_params_linux(&params);
    params.offer_sack = params.offer_sack && seed % 3;
    params.offer_timestamps = params.offer_timestamps && seed % 4;
    params.invalid_ratelimit_ms = 0;
    params.ecn = seed % 2;
    struct pair *pair = pair_new(&params, &params);
    struct tcb *tcb[2];
    pair->gso_max = seed % 2 ? 0 : 20000;
    pair_open(pair, tcb);
    struct handle handle = tcp_handle(pair->tcp[0], tcb[0]);
    for (int i = 0; i < 400 && tcp_get_state(tcb[0]) != TCPS_CLOSED && tcp_get_state(tcb[0]) != TCPS_TIME_WAIT; i++) {
        struct tcp_in in;
        random_segment(pair, &prng, tcb[0], &in);
        struct lil_packet *packet = packet_new(pair->pool);
        assert_true(packet_append(packet, bytes, in.payload));
        tcp_input(pair->tcp[0], &in, packet, pair->now_ns);
        if (prng_below(&prng, 4) == 0)
            (void)pair_send(pair, 0, tcb[0], bytes, prng_below(&prng, sizeof bytes));
        if (prng_below(&prng, 4) == 0)
            (void)pair_recv(pair, 0, tcb[0], in_bytes, prng_below(&prng, sizeof in_bytes));
        if (prng_below(&prng, 16) == 0)
            tcp_on_icmp(pair->tcp[0], &in.flow, near(&prng, tcb[0]->snd_una),
                        &(struct tcp_icmp){.version = 4, .type = (uint8_t)prng_below(&prng, 13), .code = (uint8_t)prng_below(&prng, 16),
                                           .mtu = (uint32_t)prng_below(&prng, 2000)}, pair->now_ns);
        if (prng_below(&prng, 40) == 0)
            (void)tcp_shutdown(pair->tcp[0], tcb[0], SHUT_WR, pair->now_ns);
        if (prng_below(&prng, 3) == 0)
            pair_run_ms(pair, prng_below(&prng, prng_below(&prng, 10) ? 20 : 2000));
        else
            pair_drain(pair);
        assert_non_null(tcp_find(pair->tcp[0], handle));
        tcb_check(tcb[0]);
        assert_true(tcb[0]->mss >= 8 && tcb[0]->cwnd >= 1);
        if (tcb[0]->ext && tcb[0]->ext->ooo)
            assert_true(tcb[0]->ext->ooo->count <= OOO_RANGES && tcb[0]->ext->ooo->bytes <= tcb[0]->rcvbuf + 65536);
    }
    tcp_close(pair->tcp[0], tcb[0], pair->now_ns);
    tcp_abort(pair->tcp[1], tcb[1], pair->now_ns);
    pair_run_ms(pair, 3000000);
    struct tcp_counts counts;
    tcp_get_counts(pair->tcp[0], &counts);
    if (counts.orphans)
        fprintf(stderr, "seed %llu leaves an orphan\n", (unsigned long long)seed);
    assert_int_equal(counts.orphans, 0);
    pair_free(pair);
}

/* One end aborts, the other hears of it and closes. */
static void end_aborted(struct pair *pair, struct tcb *tcb[2])
{
    tcp_abort(pair->tcp[0], tcb[0], pair->now_ns);
    pair_run_ms(pair, 100);
    tcp_close(pair->tcp[1], tcb[1], pair->now_ns);
    pair_free(pair);
}

static void test_storm(void **state)
{
    (void)state;
    const char *one = getenv("LILLIPUT_SEED");
    for (uint64_t seed = one ? strtoull(one, NULL, 10) : 1; seed <= (one ? strtoull(one, NULL, 10) : 120); seed++) {
        if (getenv("LILLIPUT_VERBOSE"))
            fprintf(stderr, "LILLIPUT_SEED=%llu\n", (unsigned long long)seed);
        storm(seed);
    }
}

/* CVE-2018-5390: one-byte islands; the queue stays bounded and the bytes come out right when the holes are filled. */
static void test_islands(void **state)
{
    (void)state;
    struct pair *pair = pair_new_linux();
    struct tcb *tcb[2];
    pair_open(pair, tcb);
    assert_int_equal(pair_send(pair, 1, tcb[1], "x", 1), 1); /* data so that the client has its extension */
    pair_run_ms(pair, 200);
    char byte;
    assert_int_equal(pair_recv(pair, 0, tcb[0], &byte, 1), 1);
    uint32_t base = tcb[0]->rcv_nxt;
    for (uint32_t i = 0; i < 20000; i++) {
        struct tcp_in in = {.flow = pair_flow(pair, 1024),
                            .payload = 1,
                            .header = {.source_port = 13,
                                       .dest_port = 1024,
                                       .seq = base + 2 + 2 * i,
                                       .ack = tcb[0]->snd_nxt,
                                       .flags = TCP_ACK,
                                       .window = 500}};
        struct lil_packet *packet = packet_new(pair->pool);
        in.header.options.has_timestamp = true;
        in.header.options.ts_value = tcb[0]->ts_recent;
        assert_true(packet_append(packet, "y", 1));
        tcp_input(pair->tcp[0], &in, packet, pair->now_ns);
    }
    assert_true(tcb[0]->ext->ooo->count <= OOO_RANGES);
    struct pool_stats stats;
    pool_get_stats(pair->pool, &stats);
    assert_true(stats.packets_now < 2000 + pair->count);
    pair_drain(pair);
    end_aborted(pair, tcb);
}

/* CVE-2018-5390: one range of very many one-byte segments, which grows downwards: when they cost more than the buffer they are
 * packed, and the range stays in order. */
static void test_pruned_range(void **state)
{
    (void)state;
    enum { SEGMENTS = 60000 };
    struct pair *pair = pair_new_linux();
    struct tcb *tcb[2];
    pair_open(pair, tcb);
    assert_int_equal(pair_send(pair, 1, tcb[1], "x", 1), 1);
    pair_run_ms(pair, 200);
    char byte;
    assert_int_equal(pair_recv(pair, 0, tcb[0], &byte, 1), 1);
    tcb[0]->rcvbuf = 6 << 20;
    tcb[0]->rcv_wnd = SEGMENTS + 2;
    uint32_t base = tcb[0]->rcv_nxt;
    for (uint32_t i = SEGMENTS; i > 0; i--) {
        struct tcp_in in = {.flow = pair_flow(pair, 1024),
                            .payload = 1,
                            .header = {.source_port = 13,
                                       .dest_port = 1024,
                                       .seq = base + i,
                                       .ack = tcb[0]->snd_nxt,
                                       .flags = TCP_ACK,
                                       .window = 500}};
        struct lil_packet *packet = packet_new(pair->pool);
        in.header.options.has_timestamp = true;
        in.header.options.ts_value = tcb[0]->ts_recent;
        assert_true(packet_append(packet, "y", 1));
        tcp_input(pair->tcp[0], &in, packet, pair->now_ns);
        assert_true(tcb[0]->ext->rmem.total <= tcb[0]->rcvbuf + 1024);
    }
    const struct ooo_queue *ooo = tcb[0]->ext->ooo;
    assert_int_equal(ooo->count, 1);
    assert_int_equal(ooo->r[0].start, base + 1);
    uint32_t seq = base + 1;
    const struct lil_packet *last = NULL;
    for (const struct lil_packet *p = ooo->r[0].first; p; last = p, p = p->next) {
        assert_int_equal(p->mark, seq);
        seq += p->length;
    }
    assert_ptr_equal(ooo->r[0].last, last);
    assert_int_equal(ooo->r[0].end, seq);
    assert_int_equal(ooo->bytes, seq - base - 1);
    struct pool_stats stats;
    pool_get_stats(pair->pool, &stats);
    assert_true(stats.packets_now < 10000 && tcb[0]->tcp->mib[MIB_RcvCollapsed] > SEGMENTS / 2);
    pair_drain(pair);
    end_aborted(pair, tcb);
}

/* CVE-2019-11477..9: a tiny MSS is raised, and SACKs of single bytes do not multiply the records in flight. */
static void test_sack_panic(void **state)
{
    (void)state;
    struct pair *pair = pair_new_linux();
    struct tcb *tcb[2];
    static char bytes[60000];
    pair_open(pair, tcb);
    struct tcp_options options = {.has_mss = true, .mss = 1};
    mss_negotiated(tcb[1], &options);
    assert_true(tcb[1]->mss >= 48 - 12);
    pair->gso_max = 60000;
    assert_true(pair_send(pair, 0, tcb[0], bytes, sizeof bytes) > 14000);
    pair_drain(pair);
    uint32_t flight = tcb_packets_out(tcb[0]), una = tcb[0]->snd_una;
    for (uint32_t i = 1; i < 14000; i += 7) {
        struct tcp_in in = {.flow = pair_flow(pair, 1024),
                            .header = {.source_port = 13,
                                       .dest_port = 1024,
                                       .seq = tcb[0]->rcv_nxt,
                                       .ack = una,
                                       .flags = TCP_ACK,
                                       .window = 500}};
        in.header.options.has_timestamp = true;
        in.header.options.ts_value = tcb[0]->ts_recent;
        in.header.options.sack_count = 1;
        in.header.options.sack[0].start = una + i;
        in.header.options.sack[0].end = una + i + 1;
        tcp_input(pair->tcp[0], &in, NULL, pair->now_ns);
    }
    assert_true(tcb[0]->tx->count <= flight + 2);
    end_aborted(pair, tcb);
}

/* An ACK of data never sent changes nothing (RFC 9293 3.10.7.4, fifth); cwnd does not grow by it. */
static void test_optimistic_ack(void **state)
{
    (void)state;
    struct pair *pair = pair_new_linux();
    struct tcb *tcb[2];
    pair_open(pair, tcb);
    assert_int_equal(pair_send(pair, 0, tcb[0], "abc", 3), 3);
    pair_drain(pair);
    uint32_t cwnd = tcb[0]->cwnd, una = tcb[0]->snd_una;
    for (uint32_t i = 1; i < 100; i++) {
        struct tcp_in in = {.flow = pair_flow(pair, 1024),
                            .header = {.source_port = 13,
                                       .dest_port = 1024,
                                       .seq = tcb[0]->rcv_nxt,
                                       .ack = tcb[0]->snd_nxt + i,
                                       .flags = TCP_ACK,
                                       .window = 500}};
        in.header.options.has_timestamp = true;
        in.header.options.ts_value = tcb[0]->ts_recent;
        assert_int_equal(tcp_input(pair->tcp[0], &in, NULL, pair->now_ns), LIL_DROP_TCP_BAD_ACK);
    }
    assert_int_equal(tcb[0]->cwnd, cwnd);
    assert_int_equal(tcb[0]->snd_una, una);
    end_aborted(pair, tcb);
}

static bool drop_client(struct pair *pair, const struct pair_segment *segment)
{
    (void)pair;
    return segment->from == 0;
}

/* The path widens between a transmission and the next: records that counted several packets count fewer, everywhere (invariants 2, 4). */
static void test_mss_grows(void **state)
{
    (void)state;
    struct pair *pair = pair_new_linux();
    struct tcb *tcb[2];
    static char bytes[5000];
    pair->gso_max = 20000;
    pair_open(pair, tcb);
    mss_sync(tcb[0], 400);
    pair->filter = drop_client;
    assert_int_equal(pair_send(pair, 0, tcb[0], bytes, sizeof bytes), sizeof bytes);
    pair_drain(pair);
    assert_true(tcb_packets_out(tcb[0]) > tcb[0]->tx->count);
    mss_sync(tcb[0], 1500);
    pair_run_ms(pair, 3000);
    tcb_check(tcb[0]);
    pair->filter = NULL;
    pair_run_ms(pair, 20000);
    assert_int_equal(tcp_readable(tcb[1]), sizeof bytes);
    assert_int_equal(tcb_in_flight(tcb[0]), 0);
    tcp_abort(pair->tcp[0], tcb[0], pair->now_ns);
    tcp_abort(pair->tcp[1], tcb[1], pair->now_ns);
    pair_free(pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_storm),      cmocka_unit_test(test_islands),        cmocka_unit_test(test_pruned_range),
        cmocka_unit_test(test_sack_panic), cmocka_unit_test(test_optimistic_ack), cmocka_unit_test(test_mss_grows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
