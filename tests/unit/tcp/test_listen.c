/* test_listen.c: LISTEN and its two queues (RFC 9293 3.10.7.2, 3.10.7.4 SYN-RECEIVED; UNP 4.5; FACTS 1 and 4), cookies, held SYNs,
 * simultaneous open, self-connect. */
#include "unit/tcp/pair.h"

static struct pair *new_pair(bool bsd)
{
    struct tcp_params params;
    bsd ? pair_params_bsd(&params) : pair_params_linux(&params);
    return pair_new(&params, &params);
}

/* How many connections the server's side admits with nobody accepting: completed, or waiting with an answered SYN. */
static unsigned admitted(uint8_t count, uint8_t rule, uint8_t policy, int backlog)
{
    struct tcp_params params, client;
    pair_params_bsd(&params);
    params.backlog_count = count;
    params.backlog_rule = rule;
    params.full_ack_policy = policy;
    params.somaxconn = -1;
    pair_params_linux(&client);
    struct pair *pair = pair_new(&client, &params);
    pair_listen(pair, backlog);
    struct tcb *tcb[40];
    unsigned established = 0;
    for (unsigned i = 0; i < 40; i++) {
        tcb[i] = pair_connect(pair, (uint16_t)(2000 + i));
        pair_run_ms(pair, 20);
    }
    for (unsigned i = 0; i < 40; i++) {
        established += tcp_get_state(tcb[i]) == TCPS_ESTABLISHED;
        tcp_abort(pair->tcp[0], tcb[i], pair->now_ns);
    }
    pair_free(pair);
    return established;
}

/* UNP figure 4.10, every row (FACTS 4). */
static void test_figure_4_10(void **state)
{
    (void)state;
    static const unsigned aix[] = {1, 2, 4, 5, 7, 8, 10, 11, 13, 14, 16, 17, 19, 20, 22},
                          hpux[] = {1, 1, 3, 4, 6, 7, 9, 10, 12, 13, 15, 16, 18, 19, 21};
    static const unsigned solaris[] = {1, 2, 4, 5, 6, 8, 10, 11, 13, 14, 16, 17, 19, 20, 22};
    for (int b = 0; b <= 14; b++) {
        assert_int_equal(admitted(TCP_COUNT_BOTH, TCP_BACKLOG_3B_2_PLUS_1, TCP_FULL_ACK_QUEUE, b), aix[b]);
        assert_int_equal(admitted(TCP_COUNT_BOTH, TCP_BACKLOG_MAX_1_3B_2, TCP_FULL_ACK_QUEUE, b), hpux[b]);
        assert_int_equal(admitted(TCP_COUNT_BOTH, TCP_BACKLOG_B_PLUS_1, TCP_FULL_ACK_QUEUE, b), b + 1);
        assert_int_equal(admitted(TCP_COUNT_BOTH, TCP_BACKLOG_B_PLUS_3, TCP_FULL_ACK_QUEUE, b), b + 3);
        assert_int_equal(admitted(TCP_COUNT_BOTH, TCP_BACKLOG_SOLARIS29, TCP_FULL_ACK_QUEUE, b), b == 4 ? 6 : solaris[b]);
        assert_int_equal(admitted(TCP_COUNT_COMPLETE, TCP_BACKLOG_B_PLUS_1, TCP_FULL_ACK_IGNORE, b), b + 1);
    }
}

static bool drop_third(struct pair *pair, const struct pair_segment *segment) /* the client's final ACK never arrives */
{
    (void)pair;
    return segment->from == 0 && !(segment->header.flags & TCP_SYN);
}

static unsigned synacks(const struct pair *pair, uint64_t *at, unsigned max)
{
    unsigned n = 0;
    for (unsigned i = 0; i < pair->logged; i++)
        if (pair->log[i].from == 1 && (pair->log[i].header.flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK) && n < max)
            at[n++] = pair->log[i].sent_ns / NS_PER_MS;
    return n;
}

static void check_incomplete(bool bsd, const unsigned *seconds, unsigned count, unsigned removed_s, bool rst)
{
    struct pair *pair = new_pair(bsd);
    unsigned incomplete, complete, backlog;
    pair->delay_ns = 0;
    pair_listen(pair, 5);
    pair->filter = drop_third;
    struct tcb *tcb = pair_connect(pair, 1024);
    pair_run(pair, removed_s * NS_PER_S - 1);
    tcp_listener_queues(pair->listener, &incomplete, &complete, &backlog);
    assert_int_equal(incomplete, 1);
    assert_int_equal(complete, 0);
    pair_run(pair, removed_s * NS_PER_S + NS_PER_MS);
    tcp_listener_queues(pair->listener, &incomplete, &complete, &backlog);
    assert_int_equal(incomplete, 0);
    uint64_t at[20];
    unsigned n = synacks(pair, at, 20);
    assert_int_equal(n, count);
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(at[i], seconds[i] * 1000);
    unsigned resets = 0;
    for (unsigned i = 0; i < pair->logged; i++)
        resets += pair->log[i].from == 1 && (pair->log[i].header.flags & TCP_RST);
    assert_int_equal(resets, rst);
    tcp_close(pair->tcp[0], tcb, pair->now_ns);
    tcp_listener_close(pair->tcp[1], pair->listener, pair->now_ns);
    pair_free(pair);
}
static void test_incomplete(void **state) /* FACTS 1, second table: 4.4BSD 0,6,30 and an RST at 75 s; Linux nominally 63 s */
{
    (void)state;
    static const unsigned bsd[] = {0, 6, 30}, linux_[] = {0, 1, 3, 7, 15, 31};
    check_incomplete(true, bsd, 3, 75, true);
    check_incomplete(false, linux_, 6, 63, false);
}

static void test_full_ack_linux(void **state) /* the final ACK meets a full queue: ignored, SYN/ACK again; then accept makes room */
{
    (void)state;
    struct pair *pair = new_pair(false);
    pair_listen(pair, 2);
    pair->filter = drop_third;
    struct tcb *tcb[4], *server[4];
    tcb[3] = pair_connect(pair, 1024); /* its final ACK is lost at first */
    pair_run_ms(pair, 20);
    pair->filter = NULL;
    for (unsigned i = 0; i < 3; i++) {
        tcb[i] = pair_connect(pair, (uint16_t)(1025 + i));
        pair_run_ms(pair, 20);
    }
    unsigned incomplete, complete, backlog;
    tcp_listener_queues(pair->listener, &incomplete, &complete, &backlog);
    assert_int_equal(complete, 3);
    assert_int_equal(incomplete, 1);
    assert_int_equal(pair_send(pair, 0, tcb[3], "early", 5), 5);
    pair_run_ms(pair, 100);
    assert_int_equal(pair->last_drop[1], LIL_DROP_TCP_ACCEPT_QUEUE);
    pair_run_ms(pair, 500);
    for (unsigned i = 0; i < 3; i++)
        assert_non_null(server[i] = pair_accept(pair));
    assert_int_equal(tcp_get_state(tcb[3]), TCPS_ESTABLISHED); /* so it believes all the time */
    pair_run_ms(pair, 8000);
    assert_non_null(server[3] = pair_accept(pair));
    assert_int_equal(tcp_readable(server[3]), 5);
    for (unsigned i = 0; i < 4; i++) {
        tcp_abort(pair->tcp[1], server[i], pair->now_ns);
        pair_run_ms(pair, 10);
        assert_int_equal(tcp_error(tcb[i], true), ECONNRESET);
        tcp_close(pair->tcp[0], tcb[i], pair->now_ns);
    }
    pair_free(pair);
}

static void test_data_before_accept(void **state)
{
    (void)state;
    struct pair *pair = new_pair(false);
    char buffer[8];
    pair_listen(pair, 1);
    struct tcb *tcb = pair_connect(pair, 1024);
    pair_run_ms(pair, 20);
    assert_int_equal(pair_send(pair, 0, tcb, "abc", 3), 3);
    pair_run_ms(pair, 20);
    assert_int_equal(tcp_unacked(tcb), 0);
    struct tcb *server = pair_accept(pair);
    assert_int_equal(pair_recv(pair, 1, server, buffer, sizeof buffer), 3);
    tcp_abort(pair->tcp[0], tcb, pair->now_ns);
    pair_run_ms(pair, 20);
    tcp_close(pair->tcp[1], server, pair->now_ns);
    pair_free(pair);
}

static void test_listener_close_resets(void **state)
{
    (void)state;
    struct pair *pair = new_pair(false);
    pair_listen(pair, 3);
    struct tcb *tcb = pair_connect(pair, 1024);
    pair_run_ms(pair, 20);
    tcp_listener_close(pair->tcp[1], pair->listener, pair->now_ns);
    pair_run_ms(pair, 20);
    assert_int_equal(tcp_error(tcb, true), ECONNRESET);
    tcp_close(pair->tcp[0], tcb, pair->now_ns);
    pair_free(pair);
}

/* RFC 4987: with the request queue full a cookie; the connection is made of the final ACK alone, options and all. */
static void test_cookies(void **state)
{
    (void)state;
    struct tcp_params params;
    pair_params_linux(&params);
    params.syncookies = 2;
    struct pair *pair = pair_new(&params, &params);
    pair_listen(pair, 5);
    struct tcb *tcb = pair_connect(pair, 1024);
    pair_run_ms(pair, 1);
    struct tcp_counts counts;
    tcp_get_counts(pair->tcp[1], &counts);
    assert_int_equal(counts.syn_entries, 0);
    pair_run_ms(pair, 20);
    struct tcb *server = pair_accept(pair);
    assert_non_null(server);
    assert_true(server->sack_ok && server->ts_ok && server->wscale_ok);
    assert_int_equal(server->mss, 1448);
    assert_int_equal(pair_send(pair, 0, tcb, "x", 1), 1);
    pair_run_ms(pair, 20);
    assert_int_equal(tcp_readable(server), 1);
    tcp_abort(pair->tcp[0], tcb, pair->now_ns);
    pair_run_ms(pair, 20);
    tcp_close(pair->tcp[1], server, pair->now_ns);
    pair_free(pair);
}

/* RFC 9293 3.5 figure 7 (MUST-10): simultaneous open. */
static void test_simultaneous(void **state)
{
    (void)state;
    struct pair *pair = new_pair(false);
    struct tcb *a = tcp_open(pair->tcp[0]), *b = tcp_open(pair->tcp[1]);
    struct flow to_b = {.local = pair->addr[0], .remote = pair->addr[1], .local_port = 1, .remote_port = 2},
                to_a = {.local = pair->addr[1], .remote = pair->addr[0], .local_port = 2, .remote_port = 1};
    assert_int_equal(tcp_connect(pair->tcp[0], a, &to_b, 0), 0);
    assert_int_equal(tcp_connect(pair->tcp[1], b, &to_a, 0), 0);
    pair_run_ms(pair, 100);
    assert_int_equal(tcp_get_state(a), TCPS_ESTABLISHED);
    assert_int_equal(tcp_get_state(b), TCPS_ESTABLISHED);
    assert_string_equal(pair->states[0], "SYN_SENT SYN_RECEIVED ESTABLISHED");
    assert_int_equal(pair_send(pair, 0, a, "hi", 2), 2);
    pair_run_ms(pair, 100);
    assert_int_equal(tcp_readable(b), 2);
    tcp_abort(pair->tcp[0], a, pair->now_ns);
    pair_run_ms(pair, 20);
    assert_int_equal(tcp_get_state(b), TCPS_CLOSED);
    tcp_close(pair->tcp[1], b, pair->now_ns);
    pair_free(pair);
}

/* A socket connected to itself (FACTS 5): the pair's wire brings what it sends back to it. */
static void test_self_connect(void **state)
{
    (void)state;
    struct pair *pair = pair_new_linux();
    struct tcp *tcp = pair->tcp[0];
    struct tcb *tcb = tcp_open(tcp);
    struct flow flow = {.local = pair->addr[0], .remote = pair->addr[0], .local_port = 5, .remote_port = 5};
    assert_int_equal(tcp_connect(tcp, tcb, &flow, 0), 0);
    struct tcp_segment out;
    for (int i = 0; i < 20 && tcp_output_next(tcp, 1000, &out); i++) {
        struct tcp_in in = {.flow = out.flow, .header = out.header, .payload = out.packet ? out.packet->length : 0};
        tcp_input(tcp, &in, out.packet, 1000);
    }
    assert_int_equal(tcp_get_state(tcb), TCPS_ESTABLISHED);
    tcp_abort(tcp, tcb, 2000);
    pair_free(pair);
}

static void test_held(void **state)
{
    (void)state;
    struct pair *pair = new_pair(false);
    struct tcb *tcb = pair_connect(pair, 1024), *made = NULL;
    struct tcp_segment out;
    assert_true(tcp_output_next(pair->tcp[0], 0, &out));
    struct tcp_in in = {.header = out.header, .accept_any = true, .ifindex = 1};
    in.flow = (struct flow){.local = out.flow.remote, .remote = out.flow.local, .local_port = 13, .remote_port = 1024};
    assert_int_equal(tcp_input(pair->tcp[1], &in, NULL, 0), LIL_DROP_NONE);
    assert_true(pair->held != 0);
    pair_run_ms(pair, 500);
    assert_int_equal(tcp_get_state(tcb), TCPS_SYN_SENT);
    tcp_hold_answer(pair->tcp[1], pair->held, true, &made, pair->now_ns);
    assert_non_null(made);
    tcp_set_user(made, pair);
    pair_run_ms(pair, 50);
    assert_int_equal(tcp_get_state(tcb), TCPS_ESTABLISHED);
    assert_int_equal(tcp_get_state(made), TCPS_ESTABLISHED);
    assert_true(pair->events[1] & TCP_EV_CONNECTED);
    tcp_hold_answer(pair->tcp[1], pair->held, false, &made, pair->now_ns); /* stale: nothing */
    tcp_abort(pair->tcp[0], tcb, pair->now_ns);
    pair_run_ms(pair, 50);
    pair_free(pair);
}

/* SYN flood: a bounded queue; SEGMENTs for nobody are told apart. */
static void test_flood(void **state)
{
    (void)state;
    struct tcp_params params;
    pair_params_linux(&params);
    params.syncookies = 0;
    struct pair *pair = pair_new(&params, &params);
    pair_listen(pair, 64);
    struct tcp_in in = {.header = {.dest_port = 13, .flags = TCP_SYN, .window = 1000}};
    in.flow = pair_flow(pair, 0);
    in.flow.local = pair->addr[1];
    in.flow.local_port = 13;
    for (uint32_t i = 0; i < 100000; i++) {
        in.flow.remote = addr_v4(0x0a000000 + i);
        in.flow.remote_port = in.header.source_port = 999;
        tcp_input(pair->tcp[1], &in, NULL, 0);
    }
    struct tcp_counts counts;
    tcp_get_counts(pair->tcp[1], &counts);
    assert_int_equal(counts.syn_entries, 64 + 1); /* Linux since 6.14: one more than the backlog, as in the accept queue */
    in.flow.remote = in.flow.local; /* LAND */
    in.flow.remote_port = in.flow.local_port;
    assert_int_equal(tcp_input(pair->tcp[1], &in, NULL, 0), LIL_DROP_TCP_MARTIAN);
    in.flow.remote = addr_v4(0xe0000001); /* RFC 9293 3.9.2.3 (MUST-63) */
    assert_int_equal(tcp_input(pair->tcp[1], &in, NULL, 0), LIL_DROP_TCP_MARTIAN);
    pair_free(pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_figure_4_10),
        cmocka_unit_test(test_incomplete),
        cmocka_unit_test(test_full_ack_linux),
        cmocka_unit_test(test_data_before_accept),
        cmocka_unit_test(test_listener_close_resets),
        cmocka_unit_test(test_cookies),
        cmocka_unit_test(test_simultaneous),
        cmocka_unit_test(test_self_connect),
        cmocka_unit_test(test_held),
        cmocka_unit_test(test_flood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
