/* test_rtt.c: the retransmission timeout: RFC 6298's arithmetic, Linux's floor, BSD's ticks, the backoff. */
#include "unit/tcp/pair.h"

static struct tcp_params params;
static struct tcp tcp;
static struct tcb_opts opts;
static struct tcb_ext ext;

static struct tcb make(void)
{
    memset(&tcp, 0, sizeof tcp);
    memset(&ext, 0, sizeof ext);
    memset(&opts, 0, sizeof opts);
    tcp_set_params(&tcp, &params);
    tcp_set_now(&tcp, 100 * NS_PER_S);
    struct tcb tcb = {.tcp = &tcp, .opt = &opts, .ext = &ext};
    rtt_init(&tcb);
    return tcb;
}

/* RFC 6298 2.2, 2.3: SRTT = R, RTTVAR = R/2; then 7/8 and 3/4 of the old (MUST-18). */
static void test_rfc6298(void **state)
{
    (void)state;
    params = (struct tcp_params){.rto_policy = TCP_RTO_6298, .rto_initial_ms = 1000, .rto_min_ms = 1000, .rto_max_ms = 60000};
    struct tcb tcb = make();
    assert_int_equal(rtt_rto_ns(&tcb), NS_PER_S);
    rtt_sample(&tcb, 800000);
    assert_int_equal(tcb.srtt_us >> 3, 800000);
    assert_int_equal(tcb.rttvar_us >> 2, 400000);
    assert_int_equal(tcb.rto_us, 2400000);
    rtt_sample(&tcb, 400000);
    assert_int_equal(tcb.srtt_us >> 3, 750000);
    assert_int_equal(tcb.rttvar_us >> 2, 400000); /* 3/4 * 400 + 1/4 * |800 - 400| */
    for (int i = 0; i < 200; i++)
        rtt_sample(&tcb, 1000);
    assert_int_equal(rtt_rto_ns(&tcb), NS_PER_S); /* 2.4: at least a second */
    /* 5.5: doubled, 2.5: bounded (MUST-19) */
    tcb.backoff = 3;
    assert_int_equal(rtt_rto_ns(&tcb), 8 * NS_PER_S);
    tcb.backoff = 20;
    assert_int_equal(rtt_rto_ns(&tcb), 60 * NS_PER_S);
}

static void test_linux(void **state)
{
    (void)state;
    params = (struct tcp_params){.rto_policy = TCP_RTO_LINUX, .rto_initial_ms = 1000, .rto_min_ms = 200, .rto_max_ms = 120000};
    struct tcb tcb = make();
    rtt_sample(&tcb, 100000);
    assert_int_equal(tcb.rto_us, 300000); /* srtt + the larger of 2 R/2 and 200 ms */
    rtt_sample(&tcb, 100000);
    assert_int_equal(tcb.rto_us, 300000);
    rtt_sample(&tcb, 500000); /* mdev 37.5 -> rises by 1/4 of the excess over it */
    assert_int_equal(tcb.srtt_us >> 3, 150000);
    assert_true(tcb.rto_us > 500000 && tcb.rto_us < 750000);
    struct tcb fast = make();
    for (int i = 0; i < 50; i++) {
        fast.snd_una = fast.snd_nxt += 1000;
        rtt_sample(&fast, 10);
    }
    assert_int_equal(fast.rto_us, 200010); /* the floor is under the deviation, not under the sum */
    opts.rto_min_ms = 5;
    for (int i = 0; i < 50; i++) {
        fast.snd_una = fast.snd_nxt += 1000;
        rtt_sample(&fast, 10);
    }
    assert_in_range(fast.rto_us, 5010, 5100); /* TCP_RTO_MIN_US */
}

/* tcp_xmit_timer of 4.4BSD: a first round trip within one tick is t_rtt = 1: srtt 1, rttvar 1/2 tick: RTO = 1 + 2 ticks. */
static void test_bsd(void **state)
{
    (void)state;
    params = (struct tcp_params){.rto_policy = TCP_RTO_BSD, .tick_ms = 500, .rto_initial_ms = 6000, .rto_min_ms = 1000, .rto_max_ms = 64000,
                                 .backoff = {1, 2, 4, 8, 16, 32, 64}};
    struct tcb tcb = make();
    tcp_set_now(&tcp, tcp.now_ns + 100 * NS_PER_MS); /* no tick fell within the last 50 ms */
    rtt_sample(&tcb, 50000);
    assert_int_equal(tcb.srtt_us / 500000, 8);
    assert_int_equal(tcb.rttvar_us / 500000, 2);
    assert_int_equal(tcb.rto_us, 1500000);
    rtt_sample(&tcb, 50000); /* delta = 1 - 1 - 1 */
    assert_int_equal(tcb.srtt_us / 500000, 7);
    rtt_sample(&tcb, 1600000); /* three or four ticks since */
    assert_true(tcb.rto_us >= 2000000);
    tcb.backoff = 2;
    assert_int_equal(rtt_rto_ns(&tcb), 4ull * tcb.rto_us * NS_PER_US);
    tcb.backoff = 15; /* beyond a short table its last entry holds */
    assert_int_equal(rtt_rto_ns(&tcb), 64 * NS_PER_S);
}

/* RFC 793 3.7 as 4.2BSD has it: alpha 0.9, beta 2, in ticks, at least one second. */
static void test_bsd42(void **state)
{
    (void)state;
    params = (struct tcp_params){
        .rto_policy = TCP_RTO_BSD42, .tick_ms = 500, .rto_initial_ms = 1000, .rto_min_ms = 1000, .rto_max_ms = 30000};
    struct tcb tcb = make();
    rtt_sample(&tcb, 3000000); /* six ticks and the running one */
    assert_int_equal(tcb.srtt_us >> 3, 3500000);
    assert_int_equal(tcb.rto_us, 7000000);
    rtt_sample(&tcb, 3000000);
    assert_int_equal(tcb.srtt_us >> 3, 3500000);
}

static void test_zero_is_a_sample(void **state)
{
    (void)state;
    params = (struct tcp_params){.rto_policy = TCP_RTO_LINUX, .rto_initial_ms = 1000, .rto_min_ms = 200, .rto_max_ms = 120000};
    struct tcb tcb = make();
    rtt_sample(&tcb, 0); /* a perfect wire */
    assert_int_not_equal(tcb.srtt_us, 0);
    for (int i = 0; i < 100; i++)
        rtt_sample(&tcb, 0);
    assert_int_not_equal(tcb.srtt_us, 0);
    rtt_sample(&tcb, UINT64_MAX); /* absurd, bounded */
    assert_true(tcb.rto_us <= 120000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc6298), cmocka_unit_test(test_linux), cmocka_unit_test(test_bsd),
        cmocka_unit_test(test_bsd42),   cmocka_unit_test(test_zero_is_a_sample),
    };
    (void)pair_print;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
