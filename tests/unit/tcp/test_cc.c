/* test_cc.c: growth and reduction of the window by each algorithm, on a tcb made by hand: RFC 5681 3.1, RFC 9438 4, RFC 9406. */
#include "unit/tcp/pair.h"

static struct tcp tcp;
static struct tcb_opts opts;
static struct tcb_ext ext;

static struct tcb make(unsigned cc, uint32_t cwnd)
{
    memset(&tcp, 0, sizeof tcp);
    memset(&ext, 0, sizeof ext);
    memset(&opts, 0, sizeof opts);
    pair_params_linux(&tcp.params);
    tcp.params.cc = (uint8_t)cc;
    tcp_set_now(&tcp, NS_PER_S);
    ext.cwnd_clamp = UINT32_MAX;
    ext.is_cwnd_limited = true;
    struct tcb tcb = {.tcp = &tcp, .opt = &opts, .ext = &ext, .cwnd = cwnd, .ssthresh = INT32_MAX, .mss = 1000, .snd_wnd = 1u << 30};
    rtt_init(&tcb);
    if (cc_get(&tcb)->init)
        cc_get(&tcb)->init(&tcb);
    return tcb;
}

static void test_table(void **state)
{
    static const char *const names[] = {"none", "tahoe", "reno", "newreno", "cubic", "dctcp", "bbr", "htcp", "vegas", "hd", "chd", "cdg"};
    unsigned number;
    (void)state;
    for (unsigned i = 0; i < ARRAY_COUNT(names); i++) {
        const struct cc_ops *ops = cc_find(names[i], &number);
        assert_non_null(ops);
        assert_int_equal(number, i);
        struct tcb tcb = make(i, 10);
        assert_ptr_equal(cc_get(&tcb), ops);
    }
    assert_null(cc_find("westwood", &number));
    struct tcb tcb = make(TCP_CC_CUBIC, 10);
    opts.cc = TCP_CC_RENO + 1; /* TCP_CONGESTION */
    assert_string_equal(cc_get(&tcb)->name, "reno");
}

/* RFC 5681 3.1: slow start by what was acknowledged, up to ssthresh exactly; then a segment a window. */
static void test_reno(void **state)
{
    (void)state;
    struct tcb tcb = make(TCP_CC_RENO, 10);
    const struct cc_ops *cc = cc_get(&tcb);
    cc->cong_avoid(&tcb, 4);
    assert_int_equal(tcb.cwnd, 14);
    tcb.ssthresh = 16;
    cc->cong_avoid(&tcb, 6); /* two to ssthresh, four toward the next */
    assert_int_equal(tcb.cwnd, 16);
    cc->cong_avoid(&tcb, 11);
    assert_int_equal(tcb.cwnd, 16);
    cc->cong_avoid(&tcb, 1);
    assert_int_equal(tcb.cwnd, 17);
    assert_int_equal(cc->ssthresh(&tcb), 8);
    tcb.cwnd = 3;
    assert_int_equal(cc->ssthresh(&tcb), 2); /* equation 4: at least two */
    tcb.cwnd = 20;
    ext.is_cwnd_limited = false; /* RFC 7661: an unused window does not grow */
    cc->cong_avoid(&tcb, 20);
    assert_int_equal(tcb.cwnd, 20);
    ext.is_cwnd_limited = true;
    ext.cwnd_clamp = 20;
    cc->cong_avoid(&tcb, 40);
    assert_int_equal(tcb.cwnd, 20);
}

/* 4.4BSD: one segment an ACK however much it acknowledges, mss * mss / cwnd above ssthresh, half of the smaller window. */
static void test_classic(void **state)
{
    (void)state;
    struct tcb tcb = make(TCP_CC_RENO, 1);
    tcp.params.sack = tcp.params.rack = tcp.params.prr = false;
    const struct cc_ops *cc = cc_get(&tcb);
    ext.is_cwnd_limited = false;
    tcb.ssthresh = 4;
    for (unsigned i = 0; i < 4; i++)
        cc->cong_avoid(&tcb, 2);
    assert_int_equal(tcb.cwnd, 5); /* `<=': one step past ssthresh */
    for (unsigned i = 0; i < 5; i++)
        cc->cong_avoid(&tcb, 2);
    assert_int_equal(tcb.cwnd, 6);
    tcb.snd_wnd = 4000;
    assert_int_equal(cc->ssthresh(&tcb), 2);
}

/* RFC 9438: concave to W_max, a plateau at K, convex beyond; 0.7 at a loss, fast convergence. */
static void test_cubic_curve(void **state)
{
    (void)state;
    struct tcb tcb = make(TCP_CC_CUBIC, 1000);
    const struct cc_ops *cc = cc_get(&tcb);
    tcb.ssthresh = cc->ssthresh(&tcb);
    assert_int_equal(tcb.ssthresh, 700);
    tcb.cwnd = tcb.ssthresh;
    /* K = cbrt((1000 - 700) / 0.4) = 9.09 s; a window acknowledged each 100 ms, in tenths */
    uint32_t at[200];
    for (unsigned step = 0; step < 200; step++) {
        for (unsigned part = 0; part < 10; part++) {
            tcp_set_now(&tcp, tcp.now_ns + 10 * NS_PER_MS);
            cc->cong_avoid(&tcb, tcb.cwnd / 10);
        }
        at[step] = tcb.cwnd;
    }
    assert_in_range(at[89], 980, 1005);                  /* at K: W_max */
    assert_true(at[20] - at[10] > at[80] - at[70]);      /* concave */
    assert_true(at[160] - at[150] > at[120] - at[110]);  /* convex */
    assert_in_range(at[180], 1200, 1340);                /* 1000 + 0.4 * (18.1 - 9.09)^3 = 1293 */
    uint32_t wmax = tcb.cwnd, first = cc->ssthresh(&tcb);
    tcb.cwnd = first;
    (void)cc->ssthresh(&tcb); /* 4.7: lost again below W_max: W_max = cwnd * (1 + 0.7) / 2 */
    const uint32_t *private = ext.cc_private;
    assert_in_range(private[1], (uint64_t)first * 84 / 100, (uint64_t)first * 86 / 100);
    assert_true(private[1] < wmax);
}

/* 4.3: with short trips and small windows CUBIC is no slower than Reno. */
static void test_cubic_friendly(void **state)
{
    (void)state;
    struct tcb tcb = make(TCP_CC_CUBIC, 20);
    const struct cc_ops *cc = cc_get(&tcb);
    tcb.ssthresh = tcb.cwnd = cc->ssthresh(&tcb);
    for (unsigned trip = 0; trip < 100; trip++) { /* 1 ms round trips: 0.4 t^3 is nothing */
        tcp_set_now(&tcp, tcp.now_ns + NS_PER_MS);
        cc->cong_avoid(&tcb, tcb.cwnd);
    }
    assert_in_range(tcb.cwnd, 14 + 30, 14 + 54); /* 3 * 0.3 / 1.7 = 0.53 a trip; the curve is looked up each 32 ms only */
}

/* RFC 9406: a rising round trip enters conservative slow start (a quarter of the growth); five rounds of it end slow start. */
static void test_hystart_plus(void **state)
{
    (void)state;
    struct tcb tcb = make(TCP_CC_CUBIC, 20);
    tcp.params.hystart = TCP_HYSTART_RFC9406;
    const struct cc_ops *cc = cc_get(&tcb);
    uint32_t rtt_us = 40000, before = 0, quarter_rounds = 0;
    for (unsigned round = 0; round < 12 && cc_in_slow_start(&tcb); round++) {
        uint32_t start = tcb.cwnd;
        tcb.snd_nxt += tcb.cwnd * 1000;
        for (unsigned i = 0; i < start; i++) {
            tcp_set_now(&tcp, tcp.now_ns + NS_PER_MS);
            tcb.snd_una += 1000;
            cc->on_rtt(&tcb, 1, rtt_us);
            cc->cong_avoid(&tcb, 1);
            if (i == 0)
                tcb.snd_nxt = tcb.snd_una + tcb.cwnd * 1000;
        }
        if (round >= 2)
            rtt_us += 8000; /* the queue builds */
        quarter_rounds += round > 4 && tcb.cwnd - start <= start / 3;
        before = start;
    }
    assert_false(cc_in_slow_start(&tcb));
    assert_true(quarter_rounds >= 3);
    assert_true(tcb.ssthresh >= before);
    assert_int_equal(tcp.mib[MIB_HystartDelayDetect], 1);
}

/* Linux's: the smallest delay of a round 1/8 above the smallest ever (4 to 16 ms) ends slow start at once. */
static void test_hystart_linux(void **state)
{
    (void)state;
    struct tcb tcb = make(TCP_CC_CUBIC, 20);
    const struct cc_ops *cc = cc_get(&tcb);
    tcb.snd_nxt = 1000000;
    for (unsigned i = 0; i < 9; i++) {
        tcp_set_now(&tcp, tcp.now_ns + 5 * NS_PER_MS);
        cc->on_rtt(&tcb, 1, 40000);
    }
    assert_true(cc_in_slow_start(&tcb));
    tcb.snd_una = 1000001; /* the next round */
    tcb.snd_nxt = 2000000;
    for (unsigned i = 0; i < 9; i++) {
        tcp_set_now(&tcp, tcp.now_ns + 5 * NS_PER_MS);
        cc->on_rtt(&tcb, 1, 46000);
    }
    assert_false(cc_in_slow_start(&tcb));
    assert_int_equal(tcb.ssthresh, 20);
    assert_int_equal(tcp.mib[MIB_HystartDelayDetect], 1);
}

/* RFC 6937's own example (figure 1's arithmetic): pipe above ssthresh: ssthresh / prior_cwnd of what is delivered. */
static void test_prr(void **state)
{
    (void)state;
    struct tcb tcb = make(TCP_CC_RENO, 20);
    struct txring *ring = calloc(1, sizeof *ring + 32 * sizeof ring->seg[0]);
    tcb.tx = ring;
    ring->packets_out = 20;
    ext.lost_out = 1;
    cwnd_begin_reduction(&tcb);
    assert_int_equal(tcb.ssthresh, 10);
    tcb.ca_state = CA_RECOVERY;
    uint32_t sent = 0;
    for (unsigned ack = 1; ack <= 18; ack++) {
        ext.sacked_out = ack;
        cwnd_reduce(&tcb, 1, 0, false);
        uint32_t room = tcb.cwnd > tcb_in_flight(&tcb) ? tcb.cwnd - tcb_in_flight(&tcb) : 0;
        ring->packets_out += room;
        ext.prr_out += room;
        sent += room;
    }
    assert_in_range(sent, 9, 10); /* half of what was delivered */
    assert_in_range(tcb_in_flight(&tcb), 9, 11);
    free(ring);
    tcb.tx = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),          cmocka_unit_test(test_reno),         cmocka_unit_test(test_classic),
        cmocka_unit_test(test_cubic_curve),    cmocka_unit_test(test_cubic_friendly), cmocka_unit_test(test_hystart_plus),
        cmocka_unit_test(test_hystart_linux),  cmocka_unit_test(test_prr),
    };
    (void)pair_print;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
