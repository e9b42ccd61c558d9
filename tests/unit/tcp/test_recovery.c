/* test_recovery.c: losses placed by hand between two TCPs: fast retransmit, Tahoe's slow start, Reno's inflation, NewReno's partial
 * ACKs, SACK with RACK, the tail loss probe, undo, and that the sender's counters are zero when all is acknowledged. */
#include "unit/tcp/pair.h"

static unsigned drops[8], drop_count;
static unsigned long long seen_data;

/* Drops the nth data segments (from 1) that the client sends. */
static bool drop_nth(struct pair *pair, const struct pair_segment *segment)
{
    (void)pair;
    if (segment->from != 0 || segment->payload == 0)
        return false;
    seen_data++;
    for (unsigned i = 0; i < drop_count; i++)
        if (drops[i] == seen_data)
            return true;
    return false;
}

static struct pair *transfer(struct tcp_params *params, struct tcb *tcb[2], size_t bytes, unsigned seconds)
{
    static char buffer[65536];
    struct pair *pair = pair_new(params, params);
    pair->delay_ns = 20 * NS_PER_MS;
    pair_open(pair, tcb);
    pair->filter = drop_nth;
    seen_data = 0;
    size_t sent = 0, received = 0;
    for (unsigned ms = 0; ms < seconds * 1000 && received < bytes; ms += 5) {
        while (sent < bytes) {
            ssize_t n = pair_send(pair, 0, tcb[0], buffer, bytes - sent < sizeof buffer ? bytes - sent : sizeof buffer);
            if (n <= 0)
                break;
            sent += (size_t)n;
        }
        pair_run_ms(pair, 5);
        ssize_t n;
        while ((n = pair_recv(pair, 1, tcb[1], buffer, sizeof buffer)) > 0)
            received += (size_t)n;
        tcb_check(tcb[0]);
    }
    pair_run_ms(pair, 500);
    assert_int_equal(received, bytes);
    const struct tcb_ext *ext = tcb_ext_peek(tcb[0]);
    assert_int_equal(tcb_packets_out(tcb[0]), 0);
    assert_int_equal(ext->sacked_out, 0);
    assert_int_equal(ext->lost_out, 0);
    assert_int_equal(ext->retrans_out, 0);
    return pair;
}

static uint64_t mib(struct pair *pair, enum tcp_mib which) { return pair->tcp[0]->mib[which]; }

static void lose(unsigned count, const unsigned *which)
{
    drop_count = count;
    memcpy(drops, which, count * sizeof *drops);
}

/* RFC 6675, RFC 8985: three holes in one window cost three retransmissions, one reduction and no timeout. */
static void test_sack(void **state)
{
    struct tcp_params params;
    struct tcb *tcb[2];
    (void)state;
    pair_params_linux(&params);
    lose(3, (const unsigned[]){20, 23, 27});
    struct pair *pair = transfer(&params, tcb, 300000, 20);
    assert_int_equal(mib(pair, MIB_RetransSegs), 3);
    assert_int_equal(mib(pair, MIB_FastRetrans), 3);
    assert_int_equal(mib(pair, MIB_SackRecovery), 1);
    assert_int_equal(mib(pair, MIB_Timeouts), 0);
    assert_true(tcb[0]->ssthresh < 100);
    pair_free(pair);
}

/* A retransmission lost again is found by RACK, not by the timer. */
static void test_lost_retransmission(void **state)
{
    struct tcp_params params;
    struct tcb *tcb[2];
    (void)state;
    pair_params_linux(&params);
    params.tlp = false;
    lose(1, (const unsigned[]){20});
    struct pair *pair = transfer(&params, tcb, 300000, 20);
    unsigned long long resent_at = 0, count = 0; /* which data segment was the retransmission? */
    uint32_t high = 0;
    for (unsigned i = 0; i < pair->logged; i++)
        if (pair->log[i].from == 0 && pair->log[i].payload) {
            count++;
            if (high && seq_lt(pair->log[i].header.seq, high) && !resent_at)
                resent_at = count;
            high = seq_max(high ? high : pair->log[i].header.seq, pair->log[i].header.seq);
        }
    assert_int_not_equal(resent_at, 0);
    pair_free(pair);
    lose(2, (const unsigned[]){20, (unsigned)resent_at});
    pair = transfer(&params, tcb, 300000, 20);
    assert_int_equal(mib(pair, MIB_RetransSegs), 2);
    assert_int_equal(mib(pair, MIB_LostRetransmit), 1);
    assert_int_equal(mib(pair, MIB_Timeouts), 0);
    pair_free(pair);
}

/* RFC 6582: without SACK one hole a round trip, still no timeout. */
static void test_newreno(void **state)
{
    struct tcp_params params;
    struct tcb *tcb[2];
    (void)state;
    pair_params_linux(&params);
    params.sack = params.offer_sack = false;
    params.cc = TCP_CC_RENO;
    lose(3, (const unsigned[]){40, 43, 47});
    struct pair *pair = transfer(&params, tcb, 400000, 20);
    assert_int_equal(mib(pair, MIB_RetransSegs), 3);
    assert_int_equal(mib(pair, MIB_RenoRecovery), 1);
    assert_int_equal(mib(pair, MIB_Timeouts), 0);
    pair_free(pair);
}

/* RFC 8985 7: the last segment of a transfer is lost: the probe repairs it, not the RTO. */
static void test_tail(void **state)
{
    struct tcp_params params;
    struct tcb *tcb[2];
    (void)state;
    pair_params_linux(&params);
    lose(1, (const unsigned[]){14}); /* 20000 bytes are 14 segments */
    struct pair *pair = transfer(&params, tcb, 20000, 20);
    assert_int_equal(mib(pair, MIB_LossProbes), 1);
    assert_int_equal(mib(pair, MIB_Timeouts), 0);
    assert_int_equal(mib(pair, MIB_RetransSegs), 1);
    pair_free(pair);
    params.tlp = false;
    pair = transfer(&params, tcb, 20000, 20);
    assert_int_equal(mib(pair, MIB_LossProbes), 0);
    assert_int_equal(mib(pair, MIB_Timeouts), 1);
    pair_free(pair);
}

/* 4.3BSD Tahoe: the third duplicate resends one segment and slow start begins anew from one. */
static void test_tahoe(void **state)
{
    struct tcp_params params;
    struct tcb *tcb[2];
    (void)state;
    pair_params_bsd(&params);
    params.cc = TCP_CC_TAHOE;
    params.rcvbuf = params.sndbuf = 32768; /* 8 KB are too few segments for three duplicates */
    lose(1, (const unsigned[]){30});
    struct pair *pair = transfer(&params, tcb, 60000, 60);
    assert_int_equal(mib(pair, MIB_Timeouts), 0);
    assert_int_equal(mib(pair, MIB_RetransSegs), 1);
    assert_true(tcb[0]->ssthresh >= 2 && tcb[0]->ssthresh <= 12); /* half of a window of 22 */
    pair_free(pair);
}

/* 4.3BSD Reno: fast recovery: the window is ssthresh afterwards. */
static void test_reno(void **state)
{
    struct tcp_params params;
    struct tcb *tcb[2];
    (void)state;
    pair_params_bsd(&params);
    params.rcvbuf = params.sndbuf = 32768;
    lose(1, (const unsigned[]){30});
    struct pair *pair = transfer(&params, tcb, 60000, 60);
    assert_int_equal(mib(pair, MIB_Timeouts), 0);
    assert_int_equal(mib(pair, MIB_RetransSegs), 1);
    assert_int_equal(tcb[0]->ca_state, CA_OPEN);
    assert_true(tcb[0]->cwnd >= tcb[0]->ssthresh);
    pair_free(pair);
}

/* 4.2BSD knows only the timer, and then sends the whole window again. */
static void test_none(void **state)
{
    struct tcp_params params;
    struct tcb *tcb[2];
    (void)state;
    pair_params_bsd(&params);
    params.cc = TCP_CC_NONE;
    params.rto_policy = TCP_RTO_BSD42;
    lose(1, (const unsigned[]){10});
    struct pair *pair = transfer(&params, tcb, 30000, 60);
    assert_int_equal(mib(pair, MIB_Timeouts), 1);
    assert_int_equal(mib(pair, MIB_FastRetrans), 0);
    pair_free(pair);
}

/* Delay alone (a spike longer than the RTO) must not cost the window: F-RTO or timestamps undo it. */
static void test_spike(void **state)
{
    static char buffer[16384];
    struct tcp_params params;
    struct tcb *tcb[2];
    (void)state;
    pair_params_linux(&params);
    drop_count = 0;
    struct pair *pair = pair_new(&params, &params);
    pair->delay_ns = 20 * NS_PER_MS;
    pair_open(pair, tcb);
    for (unsigned round = 0; round < 20; round++) {
        assert_true(pair_send(pair, 0, tcb[0], buffer, 14480) > 0);
        pair_run_ms(pair, 50);
        while (pair_recv(pair, 1, tcb[1], buffer, sizeof buffer) > 0) {
        }
    }
    uint32_t cwnd = tcb[0]->cwnd;
    pair->delay_ns = 400 * NS_PER_MS; /* what is sent now is slow, nothing is lost */
    assert_true(pair_send(pair, 0, tcb[0], buffer, 14480) > 0);
    pair_run_ms(pair, 30);
    pair->delay_ns = 20 * NS_PER_MS;
    pair_run_ms(pair, 2000);
    assert_true(mib(pair, MIB_Timeouts) + mib(pair, MIB_LossProbes) >= 1);
    assert_true(tcb[0]->cwnd >= cwnd);
    assert_int_equal(tcb[0]->ca_state, CA_OPEN);
    assert_int_equal(tcb_packets_out(tcb[0]), 0);
    pair_free(pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sack),    cmocka_unit_test(test_lost_retransmission),
        cmocka_unit_test(test_newreno), cmocka_unit_test(test_tail),
        cmocka_unit_test(test_tahoe),   cmocka_unit_test(test_reno),
        cmocka_unit_test(test_none),    cmocka_unit_test(test_spike),
    };
    (void)pair_print;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
