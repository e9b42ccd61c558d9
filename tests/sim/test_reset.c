/* test_reset.c: when TCP sends an RST (UNP 4.3; RFC 9293 3.5.2 groups 1 to 3; FACTS 5), and what one does to a socket.
 */
#include "sim/scenario.h"

static struct addr client_address, peer_address;

static void send_segment(struct puppet *puppet, uint16_t port, uint16_t flags, uint32_t seq, uint32_t ack,
                         uint32_t length)
{
    static const uint8_t data[64];
    struct tcphdr_ tcp = {
        .source_port = 4000, .dest_port = port, .seq = seq, .ack = ack, .flags = flags, .window = 8192};
    assert_int_equal(addr_parse(SCENE_CLIENT, &client_address), 0);
    assert_int_equal(addr_parse(SCENE_SERVER, &peer_address), 0);
    puppet_send_tcp(puppet, &peer_address, &client_address, &tcp, data, length);
}

/* Group 1, CLOSED: anything but an RST is answered by one: SEQ = SEG.ACK if ACK is set, else SEQ = 0, ACK = SEG.SEQ +
 * SEG.LEN. */
static void test_closed(void **state)
{
    static const char *const profiles[] = {"4.2bsd", "4.4bsd", "linux"};
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(profiles); i++) {
        struct scene s;
        struct puppet *puppet = scene_puppet(&s, profiles[i]);
        scene_run(&s, 1);
        send_segment(puppet, 13, TCP_SYN, 1000, 0, 0);
        scene_run(&s, 2);
        const struct tcphdr_ *rst = &nth_of(&s, "client", is_rst, 0)->tcp;
        assert_int_equal(rst->flags, TCP_RST | TCP_ACK);
        assert_int_equal(rst->seq, 0);
        assert_int_equal(rst->ack, 1001); /* a SYN counts as one */
        send_segment(puppet, 13, TCP_ACK, 1000, 777, 10);
        scene_run(&s, 3);
        rst = &nth_of(&s, "client", is_rst, 1)->tcp;
        assert_int_equal(rst->flags & ~TCP_ACK, TCP_RST);
        assert_int_equal(rst->seq, 777);
        send_segment(puppet, 13, TCP_RST, 1000, 0, 0);
        send_segment(puppet, 13, TCP_RST | TCP_ACK, 1000, 5, 0);
        scene_run(&s, 4);
        assert_int_equal(count_of(&s, "client", is_rst), 2); /* never an RST for an RST */
        scene_end(&s);
    }
}

/* Group 2: an ACK for something not yet sent, in LISTEN and in SYN_RECEIVED. */
static void test_unacceptable_ack(void **state)
{
    struct scene s;
    (void)state;
    struct puppet *puppet = scene_puppet(&s, "linux");
    struct server server = {.port = 13, .backlog = 5};
    server_spawn(&s, &server);
    scene_run(&s, 1);
    send_segment(puppet, 13, TCP_ACK, 1000, 555, 0); /* LISTEN */
    scene_run(&s, 2);
    assert_int_equal(nth_of(&s, "client", is_rst, 0)->tcp.seq, 555);
    send_segment(puppet, 13, TCP_SYN, 2000, 0, 0);
    scene_run(&s, 2.1);
    const struct tcphdr_ *syn_ack = &nth_of(&s, "client", is_syn_ack, 0)->tcp;
    send_segment(puppet, 13, TCP_ACK, 2001, syn_ack->seq + 50, 0); /* SYN_RECEIVED */
    scene_run(&s, 2.2);
    assert_int_equal(count_of(&s, "client", is_rst), 2);
    assert_int_equal(nth_of(&s, "client", is_rst, 1)->tcp.seq, syn_ack->seq + 50);
    scene_end(&s);
}

/* Group 2, SYN_SENT: a SYN/ACK for another sequence number. */
static void wrong_syn_ack(struct puppet *puppet, const struct seen *seen, const uint8_t *frame, size_t length)
{
    (void)frame;
    (void)length;
    if (seen->is_tcp && (seen->tcp.flags & TCP_SYN))
        puppet_reply_tcp(puppet, seen, TCP_SYN | TCP_ACK, 9000, seen->tcp.seq + 77);
}

static void test_syn_sent(void **state)
{
    struct scene s;
    (void)state;
    scene_puppet(&s, "linux")->on_packet = wrong_syn_ack;
    struct attempt client = {.to = SCENE_SERVER, .port = 13, .start_s = 1};
    attempt_spawn(&s, &client);
    scene_run(&s, 1.5);
    const struct tcphdr_ *syn = &nth_of(&s, "client", is_syn, 0)->tcp, *rst = &nth_of(&s, "client", is_rst, 0)->tcp;
    assert_int_equal(rst->seq, syn->seq + 77);
    assert_false(client.returned);
    scene_end(&s);
}

/* Group 3, synchronized: an unacceptable segment gets an empty ACK, not an RST; an RST only at RCV.NXT (RFC 5961). */
static void accept_syn(struct puppet *puppet, const struct seen *seen, const uint8_t *frame, size_t length)
{
    (void)frame;
    (void)length;
    if (seen->is_tcp && (seen->tcp.flags & TCP_SYN))
        puppet_reply_tcp(puppet, seen, TCP_SYN | TCP_ACK, 9000, seen->tcp.seq + 1);
}

static void test_synchronized(void **state)
{
    struct scene s;
    (void)state;
    struct puppet *puppet = scene_puppet(&s, "linux");
    puppet->on_packet = accept_syn;
    struct attempt client = {.to = SCENE_SERVER, .port = 13, .start_s = 1, .keep = true};
    attempt_spawn(&s, &client);
    scene_run(&s, 2);
    assert_errno(client.error, 0);
    const struct seen syn = *nth_of(&s, "client", is_syn, 0);
    unsigned before = count_of(&s, "client", is_tcp);
    puppet_reply_tcp(puppet, &syn, TCP_ACK, 9001 + 1000000, syn.tcp.seq + 1); /* far outside the window */
    scene_run(&s, 3);
    assert_int_equal(count_of(&s, "client", is_tcp), before + 1);
    assert_int_equal(nth_of(&s, "client", is_tcp, before)->tcp.flags, TCP_ACK);
    puppet_reply_tcp(puppet, &syn, TCP_RST, 9001 + 100, 0); /* in the window, not at RCV.NXT: a challenge ACK */
    scene_run(&s, 4);
    assert_string_equal(lil_tcp_state(client.proc, client.fd), "ESTABLISHED");
    assert_int_equal(count_of(&s, "client", is_rst), 0);
    puppet_reply_tcp(puppet, &syn, TCP_SYN, 9001 + 100, 0); /* any SYN: a challenge ACK too */
    scene_run(&s, 5);
    assert_string_equal(lil_tcp_state(client.proc, client.fd), "ESTABLISHED");
    puppet_reply_tcp(puppet, &syn, TCP_RST, 9001, 0);
    scene_run(&s, 6);
    const char *end = lil_tcp_state(client.proc, client.fd);
    assert_true(!end || strcmp(end, "CLOSED") == 0);
    scene_end(&s);
}

/* What the reader of a reset connection sees: ECONNRESET once, then end of file; the writer EPIPE (UNP 5.13). */
static int reset_main(struct lil_proc *p, void *argument)
{
    int *errors = argument, fd = lil_socket(p, AF_INET, SOCK_STREAM, 0);
    char byte = 'x';
    assert_int_equal(connect_to(p, fd, SCENE_SERVER, 13), 0);
    errors[0] = lil_read(p, fd, &byte, 1) < 0 ? errno : 0;
    errors[1] = (int)lil_read(p, fd, &byte, 1);
    errors[2] = lil_send(p, fd, &byte, 1, MSG_NOSIGNAL) < 0 ? errno : 0;
    return 0;
}

static int linger_main(struct lil_proc *p, void *argument)
{
    struct linger linger = {1, 0};
    (void)argument;
    int listener = lil_socket(p, AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind_to(p, listener, "0.0.0.0", 13), 0);
    assert_int_equal(lil_listen(p, listener, 5), 0);
    int fd = lil_accept(p, listener, NULL, NULL);
    lil_sleep_ns(p, SECONDS(1));
    assert_int_equal(lil_setsockopt(p, fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
    lil_close(p, fd); /* SO_LINGER 0: an RST instead of a FIN (UNP 7.5) */
    return 0;
}

static void test_reset_seen(void **state)
{
    struct scene s;
    int errors[3] = {-1, -1, -1};
    (void)state;
    scene_two(&s, "linux", "linux");
    lil_world_spawn(s.world, s.server, linger_main, NULL);
    scene_run(&s, 0.5);
    scene_program(&s, reset_main, errors, 10);
    assert_errno(errors[0], ECONNRESET);
    assert_int_equal(errors[1], 0);
    assert_errno(errors[2], EPIPE);
    assert_true(count_of(&s, "server", is_rst) == 1);
    scene_end(&s);
}

/* A host that crashed and came back knows nothing of the connection: RST (half-open, RFC 9293 3.5.1). */
static void answer_then_forget(struct puppet *puppet, const struct seen *seen, const uint8_t *frame, size_t length)
{
    (void)frame;
    (void)length;
    if (!seen->is_tcp || (seen->tcp.flags & TCP_RST))
        return;
    if (seen->tcp.flags & TCP_SYN)
        puppet_reply_tcp(puppet, seen, TCP_SYN | TCP_ACK, 9000, seen->tcp.seq + 1);
    else if (seen->payload)
        puppet_reply_tcp(puppet, seen, TCP_RST, seen->tcp.ack, 0);
}

static void write_late(struct lil_proc *p, struct attempt *attempt)
{
    char byte = 'x';
    lil_sleep_ns(p, SECONDS(5));
    assert_int_equal(lil_write(p, attempt->fd, "hello", 5), 5);
    attempt->error = lil_read(p, attempt->fd, &byte, 1) < 0 ? errno : 0;
}

static void test_half_open(void **state)
{
    struct scene s;
    (void)state;
    scene_puppet(&s, "4.4bsd")->on_packet = answer_then_forget;
    struct attempt client = {.to = SCENE_SERVER, .port = 13, .start_s = 1, .then = write_late};
    attempt_spawn(&s, &client);
    scene_run(&s, 20);
    assert_errno(client.error, ECONNRESET);
    scene_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_closed),     cmocka_unit_test(test_unacceptable_ack),
                                       cmocka_unit_test(test_syn_sent),   cmocka_unit_test(test_synchronized),
                                       cmocka_unit_test(test_reset_seen), cmocka_unit_test(test_half_open)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
