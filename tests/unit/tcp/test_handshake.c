/* test_handshake.c: opening, data and closing (RFC 9293 3.5, 3.6; figures 6, 12), and each profile's SYN schedule. */
#include "unit/tcp/pair.h"

static struct pair *linux_pair(void)
{
    struct tcp_params params;
    pair_params_linux(&params);
    return pair_new(&params, &params);
}
static struct pair *bsd_pair(void)
{
    struct tcp_params params;
    pair_params_bsd(&params);
    return pair_new(&params, &params);
}

static void check_exchange(struct pair *pair)
{
    struct tcb *tcb[2];
    char buffer[64];
    pair_open(pair, tcb);
    assert_true(pair->events[0] & TCP_EV_CONNECTED);
    assert_int_equal(pair->acceptable, 1);
    assert_int_equal(pair_send(pair, 0, tcb[0], "hello", 5), 5);
    pair_run_ms(pair, 300);
    assert_int_equal(pair_recv(pair, 1, tcb[1], buffer, sizeof buffer), 5);
    assert_memory_equal(buffer, "hello", 5);
    assert_int_equal(pair_send(pair, 1, tcb[1], "world!", 6), 6);
    pair_run_ms(pair, 300);
    assert_int_equal(pair_recv(pair, 0, tcb[0], buffer, sizeof buffer), 6);
    assert_int_equal(pair_recv(pair, 0, tcb[0], buffer, sizeof buffer), -EAGAIN);
    tcp_close(pair->tcp[0], tcb[0], pair->now_ns);
    pair_run_ms(pair, 300);
    assert_int_equal(pair_recv(pair, 1, tcb[1], buffer, sizeof buffer), 0);
    assert_int_equal(tcp_get_state(tcb[1]), TCPS_CLOSE_WAIT);
    tcp_close(pair->tcp[1], tcb[1], pair->now_ns);
    pair_run_ms(pair, 300);
    assert_string_equal(pair->states[0], "SYN_SENT ESTABLISHED FIN_WAIT_1 FIN_WAIT_2 TIME_WAIT");
    assert_string_equal(pair->states[1], "LISTEN SYN_RECEIVED ESTABLISHED CLOSE_WAIT LAST_ACK CLOSED");
    pair_run_ms(pair, 61000);
    struct tcp_counts counts;
    tcp_get_counts(pair->tcp[0], &counts);
    assert_int_equal(counts.time_waits, 0);
    assert_int_equal(counts.connections, 0);
    assert_int_equal(counts.orphans, 0);
    pair_free(pair);
}
static void test_exchange_linux(void **state)
{
    (void)state;
    check_exchange(linux_pair());
}
static void test_exchange_bsd(void **state)
{
    (void)state;
    check_exchange(bsd_pair());
}

static bool drop_all(struct pair *pair, const struct pair_segment *segment)
{
    (void)pair;
    (void)segment;
    return true;
}

static void check_schedule(struct pair *pair, const unsigned *ms, unsigned count, unsigned end_ms)
{
    pair->filter = drop_all;
    struct tcb *tcb = pair_connect(pair, 1024);
    pair_run(pair, (end_ms - 1ull) * NS_PER_MS);
    assert_int_equal(tcp_get_state(tcb), TCPS_SYN_SENT);
    pair_run(pair, end_ms * NS_PER_MS);
    assert_int_equal(tcp_get_state(tcb), TCPS_CLOSED);
    assert_int_equal(tcp_error(tcb, true), ETIMEDOUT);
    assert_int_equal(pair->logged, count);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(pair->log[i].sent_ns, ms[i] * NS_PER_MS);
    tcp_close(pair->tcp[0], tcb, pair->now_ns);
    pair_free(pair);
}

/* FACTS 1; RFC 9293 3.8.3 (MUST-20, MUST-23) */
static void test_syn_schedule_linux(void **state)
{
    (void)state;
    static const unsigned ms[] = {0, 1000, 2000, 3000, 4000, 5000, 7000, 11000, 19000, 35000, 67000};
    check_schedule(linux_pair(), ms, ARRAY_COUNT(ms), 131000);
}
static void test_syn_schedule_bsd(void **state)
{
    (void)state;
    static const unsigned ms[] = {0, 6000, 30000};
    check_schedule(bsd_pair(), ms, ARRAY_COUNT(ms), 75000);
}
static void test_syn_schedule_phase(void **state)
{
    (void)state;
    static const unsigned ms[] = {0, 5700, 29700}; /* ticks at 0.2, 0.7 ...: up to half a second early */
    struct tcp_params params;
    pair_params_bsd(&params);
    params.tick_phase_ms = 200;
    check_schedule(pair_new(&params, &params), ms, ARRAY_COUNT(ms), 74700);
}

static void test_refused(void **state)
{
    (void)state;
    struct pair *pair = linux_pair();
    struct tcb *tcb = pair_connect(pair, 1024);
    pair_run_ms(pair, 10);
    assert_int_equal(tcp_error(tcb, true), ECONNREFUSED); /* RFC 9293 3.10.7.3 (SYN-SENT, RST with an acceptable ACK) */
    assert_int_equal(pair->log[1].header.flags, TCP_RST | TCP_ACK);
    assert_int_equal(pair->log[1].header.seq, 0);
    assert_int_equal(pair->log[1].header.ack, pair->log[0].header.seq + 1);
    tcp_close(pair->tcp[0], tcb, pair->now_ns);
    pair_free(pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exchange_linux),   cmocka_unit_test(test_exchange_bsd),       cmocka_unit_test(test_syn_schedule_linux),
        cmocka_unit_test(test_syn_schedule_bsd), cmocka_unit_test(test_syn_schedule_phase), cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
