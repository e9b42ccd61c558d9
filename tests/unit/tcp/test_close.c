/* test_close.c: the ends of a connection and its slow timers: TIME-WAIT (RFC 9293 3.6.1, RFC 1337, 6191), SO_LINGER, unread data (RFC 2525
 * 2.17), FIN-WAIT-2, keepalive (3.8.4), persist (3.8.6.1), R2 (3.8.3), urgent data (3.8.5), ICMP (3.9.2.2, FACTS 2). */
#include "unit/tcp/pair.h"

static struct pair *new_pair(bool bsd)
{
    struct tcp_params params;
    bsd ? pair_params_bsd(&params) : pair_params_linux(&params);
    return pair_new(&params, &params);
}
static bool drop_all(struct pair *pair, const struct pair_segment *segment)
{
    (void)pair;
    (void)segment;
    return true;
}

static void test_unread_and_linger(void **state)
{
    (void)state;
    for (int linger = 0; linger < 2; linger++) {
        struct pair *pair = new_pair(false);
        struct tcb *tcb[2];
        pair_open(pair, tcb);
        assert_int_equal(pair_send(pair, 0, tcb[0], "unread", 6), 6);
        pair_run_ms(pair, 100);
        if (linger) {
            char buffer[10];
            assert_int_equal(pair_recv(pair, 1, tcb[1], buffer, 10), 6);
            tcp_options(tcb[1])->linger_on = true;
        }
        tcp_close(pair->tcp[1], tcb[1], pair->now_ns);
        pair_run_ms(pair, 100);
        assert_int_equal(pair->log[pair->logged - 1].header.flags & TCP_RST, TCP_RST);
        assert_int_equal(tcp_error(tcb[0], true), ECONNRESET);
        tcp_close(pair->tcp[0], tcb[0], pair->now_ns);
        pair_free(pair);
    }
}

static void test_fin_wait_2(void **state)
{
    (void)state;
    struct pair *pair = new_pair(false);
    struct tcb *tcb[2];
    pair_open(pair, tcb);
    tcp_close(pair->tcp[0], tcb[0], pair->now_ns);
    uint64_t start = pair->now_ns;
    pair_run_ms(pair, 1000);
    struct tcp_counts counts;
    tcp_get_counts(pair->tcp[0], &counts);
    assert_int_equal(counts.orphans, 1);
    pair_run(pair, start + 61 * NS_PER_S);
    tcp_get_counts(pair->tcp[0], &counts);
    assert_int_equal(counts.orphans, 0);
    assert_int_equal(pair_send(pair, 1, tcb[1], "x", 1), 1); /* nobody there any more: RST */
    pair_run_ms(pair, 100);
    assert_int_equal(tcp_get_state(tcb[1]), TCPS_CLOSED);
    tcp_close(pair->tcp[1], tcb[1], pair->now_ns);
    pair_free(pair);
}

/* RFC 2525 2.17: new data for an orphan in FIN-WAIT-2 is answered with a reset. */
static void test_data_for_orphan(void **state)
{
    (void)state;
    struct pair *pair = new_pair(false);
    struct tcb *tcb[2];
    pair_open(pair, tcb);
    tcp_close(pair->tcp[0], tcb[0], pair->now_ns);
    pair_run_ms(pair, 100);
    assert_int_equal(pair_send(pair, 1, tcb[1], "late", 4), 4);
    pair_run_ms(pair, 100);
    assert_int_equal(tcp_get_state(tcb[1]), TCPS_CLOSED);
    tcp_close(pair->tcp[1], tcb[1], pair->now_ns);
    struct tcp_counts counts;
    tcp_get_counts(pair->tcp[0], &counts);
    assert_int_equal(counts.orphans, 0);
    pair_free(pair);
}

static void close_both(struct pair *pair, struct tcb *tcb[2])
{
    tcp_close(pair->tcp[0], tcb[0], pair->now_ns);
    pair_run_ms(pair, 100);
    tcp_close(pair->tcp[1], tcb[1], pair->now_ns);
    pair_run_ms(pair, 100);
}

static void test_time_wait(void **state)
{
    (void)state;
    struct pair *pair = new_pair(false);
    struct tcb *tcb[2];
    struct tcp_counts counts;
    pair_open(pair, tcb);
    uint32_t fin_seq = tcb[1]->snd_nxt, client_nxt = tcb[0]->snd_nxt;
    close_both(pair, tcb);
    tcp_get_counts(pair->tcp[0], &counts);
    assert_int_equal(counts.time_waits, 1);
    /* the FIN again: acknowledged again, and 2MSL anew */
    pair_run_ms(pair, 30000);
    unsigned logged = pair->logged;
    struct tcp_in in = {
        .flow = pair_flow(pair, 1024),
        .header = {
            .source_port = 13, .dest_port = 1024, .seq = fin_seq, .ack = client_nxt + 1, .flags = TCP_FIN | TCP_ACK}};
    in.header.options.has_timestamp = true;
    in.header.options.ts_value = pair->log[pair->logged - 1].header.options.ts_echo + 1;
    pair->filter = drop_all; /* or the closed server's RST would end the wait (RFC 1337) */
    tcp_input(pair->tcp[0], &in, NULL, pair->now_ns);
    pair_run_ms(pair, 45000);
    pair->filter = NULL;
    assert_true(pair->logged > logged && pair->log[logged].header.flags == TCP_ACK);
    tcp_get_counts(pair->tcp[0], &counts);
    assert_int_equal(counts.time_waits, 1);
    pair_run_ms(pair, 16000);
    tcp_get_counts(pair->tcp[0], &counts);
    assert_int_equal(counts.time_waits, 0);
    /* the listener closes first; a new SYN of the same flow with a higher number is taken (MAY-2) */
    pair->events[0] = 0;
    struct tcb *again = pair_connect(pair, 1024);
    pair_run_ms(pair, 100);
    assert_int_equal(tcp_get_state(again), TCPS_ESTABLISHED);
    struct tcb *server = pair_accept(pair);
    tcp_close(pair->tcp[1], server, pair->now_ns);
    pair_run_ms(pair, 100);
    tcp_close(pair->tcp[0], again, pair->now_ns);
    pair_run_ms(pair, 1500);
    tcp_get_counts(pair->tcp[1], &counts);
    assert_int_equal(counts.time_waits, 1);
    again = pair_connect(pair, 1024);
    pair_run_ms(pair, 100);
    assert_int_equal(tcp_get_state(again), TCPS_ESTABLISHED);
    tcp_get_counts(pair->tcp[1], &counts);
    assert_int_equal(counts.time_waits, 0);
    tcp_abort(pair->tcp[0], again, pair->now_ns);
    pair_free(pair);
}

static void test_time_wait_limit(void **state)
{
    (void)state;
    struct tcp_params params;
    pair_params_linux(&params);
    params.time_wait_limit = 3;
    struct pair *pair = pair_new(&params, &params);
    pair_listen(pair, 5);
    for (int i = 0; i < 10; i++) {
        struct tcb *tcb[2] = {pair_connect(pair, (uint16_t)(2000 + i)), NULL};
        pair_run_ms(pair, 20);
        tcb[1] = pair_accept(pair);
        close_both(pair, tcb);
        struct tcp_counts counts;
        tcp_get_counts(pair->tcp[0], &counts);
        assert_int_equal(counts.time_waits, i < 3 ? i + 1 : 3);
    }
    pair_free(pair);
}

/* RFC 9293 3.6, figure 13: both close at once. */
static void test_simultaneous_close(void **state)
{
    (void)state;
    struct pair *pair = new_pair(false);
    struct tcb *tcb[2];
    pair_open(pair, tcb);
    tcp_close(pair->tcp[0], tcb[0], pair->now_ns);
    tcp_close(pair->tcp[1], tcb[1], pair->now_ns);
    pair_run_ms(pair, 1000);
    assert_string_equal(pair->states[0], "SYN_SENT ESTABLISHED FIN_WAIT_1 CLOSING TIME_WAIT");
    assert_string_equal(pair->states[1], "LISTEN SYN_RECEIVED ESTABLISHED FIN_WAIT_1 CLOSING TIME_WAIT");
    pair_free(pair);
}

/* RFC 9293 3.8.4 (MUST-24..26, SHLD-26): off by default; two hours; then probes; the peer dead: ETIMEDOUT. */
static void test_keepalive(void **state)
{
    (void)state;
    for (int bsd = 0; bsd < 2; bsd++) {
        struct pair *pair = new_pair(bsd);
        struct tcb *tcb[2];
        pair_open(pair, tcb);
        tcp_options(tcb[0])->keepalive = true;
        tcp_options_changed(pair->tcp[0], tcb[0], pair->now_ns);
        unsigned before = pair->logged;
        pair_run_ms(pair, 7100000);
        assert_int_equal(pair->logged, before);
        pair_run_ms(pair, 200000);
        assert_int_equal(pair->logged, before + 2); /* a probe and its answer */
        assert_int_equal(pair->log[before].header.seq, tcb[0]->snd_una - 1);
        assert_int_equal(tcp_get_state(tcb[0]), TCPS_ESTABLISHED);
        pair->filter = drop_all;
        pair_run_ms(pair, 7200000 + 11 * 75000);
        assert_int_equal(tcp_get_state(tcb[0]), TCPS_CLOSED);
        assert_int_equal(tcp_error(tcb[0], true), ETIMEDOUT);
        tcp_close(pair->tcp[0], tcb[0], pair->now_ns);
        tcp_abort(pair->tcp[1], tcb[1], pair->now_ns);
        pair_free(pair);
    }
}

/* RFC 9293 3.8.6.1 (MUST-35..37): a closed window is probed, for ever while the peer answers; it opens again. */
static void test_persist(void **state)
{
    (void)state;
    for (int bsd = 0; bsd < 2; bsd++) {
        struct pair *pair = new_pair(bsd);
        struct tcb *tcb[2];
        static char data[300000], in[300000];
        pair_open(pair, tcb);
        size_t sent = 0, received = 0;
        for (int i = 0; i < 50; i++) {
            ssize_t n = pair_send(pair, 0, tcb[0], data, 20000);
            sent += n > 0 ? (size_t)n : 0;
            pair_run_ms(pair, 300);
        }
        assert_int_equal(tcb[0]->snd_wnd < tcb[0]->mss, 1);
        unsigned before = pair->logged;
        pair_run_ms(pair, 3600000);
        assert_true(pair->logged - before >= 50);
        assert_int_equal(tcp_get_state(tcb[0]), TCPS_ESTABLISHED);
        for (int i = 0; i < 200 && received < sent; i++) {
            ssize_t n = pair_recv(pair, 1, tcb[1], in, sizeof in);
            received += n > 0 ? (size_t)n : 0;
            pair_run_ms(pair, 300);
        }
        assert_int_equal(received, sent);
        tcp_abort(pair->tcp[0], tcb[0], pair->now_ns);
        tcp_abort(pair->tcp[1], tcb[1], pair->now_ns);
        pair_free(pair);
    }
}

/* RFC 9293 3.8.3 (MUST-20..22): R2. Linux: 924.6 s with an RTO of 200 ms; user timeout (RFC 5482) shortens it. */
static void test_r2(void **state)
{
    (void)state;
    struct pair *pair = new_pair(false);
    struct tcb *tcb[2];
    pair_open(pair, tcb);
    pair->filter = drop_all;
    assert_int_equal(pair_send(pair, 0, tcb[0], "x", 1), 1);
    pair_run_ms(pair, 920000);
    assert_int_equal(tcp_get_state(tcb[0]), TCPS_ESTABLISHED);
    pair_run_ms(pair, 130000);
    assert_int_equal(tcp_error(tcb[0], true), ETIMEDOUT);
    tcp_close(pair->tcp[0], tcb[0], pair->now_ns);
    tcp_abort(pair->tcp[1], tcb[1], pair->now_ns);
    pair_free(pair);
}

static void test_urgent(void **state)
{
    (void)state;
    struct pair *pair = new_pair(false);
    struct tcb *tcb[2];
    char buffer[16];
    pair_open(pair, tcb);
    struct iovec iov = {"abcX", 4};
    assert_int_equal(tcp_send(pair->tcp[0], tcb[0], &iov, 1, 4, MSG_OOB, pair->now_ns), 4);
    assert_int_equal(pair_send(pair, 0, tcb[0], "def", 3), 3);
    pair_run_ms(pair, 100);
    assert_true(pair->events[1] & TCP_EV_URGENT);
    assert_true(tcp_has_urgent(tcb[1]));
    assert_false(tcp_at_mark(tcb[1], 0));
    iov = (struct iovec){buffer, 1};
    assert_int_equal(tcp_receive(pair->tcp[1], tcb[1], &iov, 1, 1, MSG_OOB, pair->now_ns), 1);
    assert_int_equal(buffer[0], 'X');
    assert_int_equal(tcp_receive(pair->tcp[1], tcb[1], &iov, 1, 1, MSG_OOB, pair->now_ns), -EINVAL);
    assert_int_equal(pair_recv(pair, 1, tcb[1], buffer, sizeof buffer), 3); /* stops at the mark */
    assert_memory_equal(buffer, "abc", 3);
    assert_true(tcp_at_mark(tcb[1], 0));
    assert_int_equal(pair_recv(pair, 1, tcb[1], buffer, sizeof buffer), 3);
    assert_memory_equal(buffer, "def", 3);
    tcp_abort(pair->tcp[0], tcb[0], pair->now_ns);
    tcp_abort(pair->tcp[1], tcb[1], pair->now_ns);
    pair_free(pair);
}

static void test_icmp(void **state)
{
    (void)state;
    for (int bsd = 0; bsd < 2; bsd++)
        for (uint8_t code = 0; code < 4; code++) {
            struct pair *pair = new_pair(bsd);
            pair->filter = drop_all;
            struct tcb *tcb = pair_connect(pair, 1024);
            pair_run_ms(pair, 10);
            uint32_t seq = pair->log[0].header.seq;
            /* RFC 5927: not in flight */
            tcp_on_icmp(pair->tcp[0], &pair->log[0].flow, seq - 5,
                        &(struct tcp_icmp){.version = 4, .type = ICMP4_UNREACHABLE, .code = code, .mtu = 0}, pair->now_ns);
            if (!bsd)
                assert_int_equal(tcp_get_state(tcb), TCPS_SYN_SENT);
            tcp_on_icmp(pair->tcp[0], &pair->log[0].flow, seq,
                        &(struct tcp_icmp){.version = 4, .type = ICMP4_UNREACHABLE, .code = code, .mtu = 0}, pair->now_ns);
            static const int linux_errors[] = {ENETUNREACH, EHOSTUNREACH, ENOPROTOOPT, ECONNREFUSED};
            if (!bsd || code >= 2) {
                assert_int_equal(tcp_error(tcb, true), bsd ? ECONNREFUSED : linux_errors[code]);
            } else { /* the book: remembered, the schedule goes on, reported at 75 s (MUST-56) */
                assert_int_equal(tcp_get_state(tcb), TCPS_SYN_SENT);
                pair_run(pair, 75 * NS_PER_S);
                assert_int_equal(tcp_error(tcb, true), EHOSTUNREACH);
                assert_int_equal(pair->logged, 3);
            }
            tcp_close(pair->tcp[0], tcb, pair->now_ns);
            pair_free(pair);
        }
}

/* RFC 1191, 8201: smaller segments after "too big"; what was too large goes again. */
static void test_too_big(void **state)
{
    (void)state;
    struct pair *pair = new_pair(false);
    struct tcb *tcb[2];
    static char data[5000];
    pair_open(pair, tcb);
    pair->filter = drop_all;
    assert_int_equal(pair_send(pair, 0, tcb[0], data, sizeof data), sizeof data);
    unsigned first = pair->logged;
    pair_run_ms(pair, 5);
    pair->filter = NULL;
    pair->mtu = 1000;
    tcp_on_icmp(pair->tcp[0], &pair->log[first].flow, pair->log[first].header.seq,
                &(struct tcp_icmp){.version = 4, .type = ICMP4_UNREACHABLE, .code = 4, .mtu = 1000}, pair->now_ns);
    unsigned second = pair->logged;
    pair_run_ms(pair, 2000);
    assert_true(pair->log[second].payload <= 960);
    assert_int_equal(tcp_readable(tcb[1]), sizeof data);
    tcp_abort(pair->tcp[0], tcb[0], pair->now_ns);
    tcp_abort(pair->tcp[1], tcb[1], pair->now_ns);
    pair_free(pair);
}

/* RFC 5961: an RST only at RCV.NXT, a SYN never; both draw a challenge ACK. Old and unsent ACKs. */
static void test_blind(void **state)
{
    (void)state;
    struct tcp_params params;
    pair_params_linux(&params);
    params.invalid_ratelimit_ms = 0;
    struct pair *pair = pair_new(&params, &params);
    struct tcb *tcb[2];
    pair_open(pair, tcb);
    static const struct {
        int32_t offset;
        uint16_t flags;
    } attacks[] = {{5, TCP_RST}, {1000, TCP_RST | TCP_ACK}, {0, TCP_SYN}, {77, TCP_SYN | TCP_ACK}, {-900000, TCP_RST}};
    for (unsigned i = 0; i < ARRAY_COUNT(attacks); i++) {
        struct tcp_in in = {.flow = pair_flow(pair, 1024),
                            .header = {.source_port = 13,
                                       .dest_port = 1024,
                                       .seq = tcb[0]->rcv_nxt + (uint32_t)attacks[i].offset,
                                       .ack = tcb[0]->snd_nxt,
                                       .flags = attacks[i].flags}};
        unsigned before = pair->logged;
        assert_true(tcp_input(pair->tcp[0], &in, NULL, pair->now_ns) != LIL_DROP_NONE);
        assert_int_equal(tcp_get_state(tcb[0]), TCPS_ESTABLISHED);
        pair_drain(pair);
        assert_int_equal(pair->logged - before, attacks[i].offset < 0 ? 0 : 1);
        pair_run_ms(pair, 10);
        assert_int_equal(tcp_get_state(tcb[1]), TCPS_ESTABLISHED);
    }
    struct tcp_in in = {.flow = pair_flow(pair, 1024),
                        .header = {.source_port = 13, .dest_port = 1024, .seq = tcb[0]->rcv_nxt, .flags = TCP_RST}};
    assert_int_equal(tcp_input(pair->tcp[0], &in, NULL, pair->now_ns), LIL_DROP_NONE);
    assert_int_equal(tcp_error(tcb[0], true), ECONNRESET);
    tcp_close(pair->tcp[0], tcb[0], pair->now_ns);
    tcp_abort(pair->tcp[1], tcb[1], pair->now_ns);
    pair_free(pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unread_and_linger),
        cmocka_unit_test(test_fin_wait_2),
        cmocka_unit_test(test_data_for_orphan),
        cmocka_unit_test(test_time_wait),
        cmocka_unit_test(test_time_wait_limit),
        cmocka_unit_test(test_simultaneous_close),
        cmocka_unit_test(test_keepalive),
        cmocka_unit_test(test_persist),
        cmocka_unit_test(test_r2),
        cmocka_unit_test(test_urgent),
        cmocka_unit_test(test_icmp),
        cmocka_unit_test(test_too_big),
        cmocka_unit_test(test_blind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
