/* test_accept.c: accept() (UNP 4.6): it sleeps until a connection is complete, takes the oldest, and what the client
 * sent before waits in the socket's buffer. */
#include "sim/scenario.h"

/* "If the completed connection queue is empty, the process is put to sleep" and is woken by the handshake's third
 * segment. */
static void test_sleeps_and_wakes(void **state)
{
    struct scene s;
    (void)state;
    scene_two(&s, "linux", "4.4bsd");
    lil_link_set(s.link, 0, &(struct lil_link_config){.delay_ns = 100 * NS_PER_MS});
    struct server server = {.port = 13, .backlog = 5, .count = 1};
    struct attempt client = {.to = SCENE_SERVER, .port = 13, .start_s = 3, .keep = true};
    server_spawn(&s, &server);
    attempt_spawn(&s, &client);
    scene_run(&s, 2.9);
    assert_int_equal(server.accepted, 0);
    scene_run(&s, 10);
    assert_int_equal(server.accepted, 1);
    /* ARP and back 200 ms, SYN 100, SYN/ACK 100, ACK 100: accept() returns then, connect() 100 ms earlier. */
    assert_int_equal((int)(server.accepted_s[0] * 1000 + 0.5), 3500);
    assert_int_equal((int)(client.took_s * 1000 + 0.5), 400);
    scene_end(&s);
}

/* First complete, first accepted. */
static void test_fifo(void **state)
{
    struct scene s;
    (void)state;
    scene_two(&s, "linux", "linux");
    struct server server = {.port = 13, .backlog = 10, .count = 5, .accept_after_s = 20};
    struct attempt clients[5];
    server_spawn(&s, &server);
    for (int i = 0; i < 5; i++) {
        clients[i] = (struct attempt){.to = SCENE_SERVER, .port = 13, .start_s = 1 + i, .keep = true};
        attempt_spawn(&s, &clients[i]);
    }
    scene_run(&s, 30);
    assert_int_equal(server.accepted, 5);
    for (int i = 0; i < 5; i++)
        assert_string_equal(server.peer[i], clients[i].local);
    scene_end(&s);
}

/* "Data that arrives after the handshake but before accept() is queued" (UNP 4.5): acknowledged, and readable after. */
static void talk(struct lil_proc *p, struct attempt *attempt)
{
    assert_int_equal(lil_write(p, attempt->fd, "early bird", 10), 10);
}

static void hear(struct lil_proc *p, struct server *server, int fd)
{
    char text[32] = "";
    assert_int_equal(lil_read(p, fd, text, sizeof(text)), 10);
    snprintf(server->local[15], 64, "%s", text);
}

static void test_data_before_accept(void **state)
{
    static const char *const profiles[] = {"4.4bsd", "freebsd", "linux"};
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(profiles); i++) {
        struct scene s;
        scene_two(&s, "linux", profiles[i]);
        struct server server = {.port = 13, .backlog = 5, .count = 1, .accept_after_s = 30, .then = hear};
        struct attempt client = {.to = SCENE_SERVER, .port = 13, .start_s = 1, .keep = true, .then = talk};
        server_spawn(&s, &server);
        attempt_spawn(&s, &client);
        scene_run(&s, 20);
        const struct seen *data = NULL;
        for (unsigned j = 0; j < s.count; j++)
            if (s.log[j].is_tcp && s.log[j].payload)
                data = &s.log[j];
        assert_non_null(data);
        bool acknowledged = false;
        for (unsigned j = 0; j < s.count; j++)
            acknowledged |=
                s.log[j].is_tcp && strcmp(s.log[j].host, "server") == 0 && s.log[j].tcp.ack == data->tcp.seq + 10;
        assert_true(acknowledged);
        scene_run(&s, 40);
        assert_string_equal(server.local[15], "early bird");
        scene_end(&s);
    }
}

/* A wildcard server learns the client's destination from getsockname() on the accepted socket (UNP 4.4, FACTS 9.9). */
static void test_getsockname_of_accepted(void **state)
{
    struct scene s;
    (void)state;
    scene_two(&s, "linux", "4.4bsd");
    assert_int_equal(lil_address_add(s.server, 2, "192.0.2.77/24"), 0);
    struct server server = {.port = 13, .backlog = 5, .count = 2};
    struct attempt one = {.to = SCENE_SERVER, .port = 13, .start_s = 1, .keep = true};
    struct attempt two = {.to = "192.0.2.77", .port = 13, .start_s = 2, .keep = true};
    server_spawn(&s, &server);
    attempt_spawn(&s, &one);
    attempt_spawn(&s, &two);
    scene_run(&s, 10);
    assert_string_equal(server.local[0], SCENE_SERVER ".13");
    assert_string_equal(server.local[1], "192.0.2.77.13");
    assert_string_equal(server.peer[0], one.local);
    assert_string_equal(name_text(server.proc, server.listener, false), "0.0.0.0.13");
    scene_end(&s);
}

/* The final ACK finds Linux's accept queue full: the ACK and its data are ignored, the SYN/ACK comes again; the client
 * believes it is connected (FACTS 4, measured). With tcp_abort_on_overflow an RST instead. */
static int slow_server(struct lil_proc *p, void *argument)
{
    (void)argument;
    int fd = lil_socket(p, AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind_to(p, fd, "0.0.0.0", 13), 0);
    assert_int_equal(lil_listen(p, fd, 2), 0); /* three complete, two requests */
    lil_sleep_ns(p, SECONDS(10000));
    return 0;
}

static void overflow(bool abort_on_overflow)
{
    struct scene s;
    scene_two(&s, "linux", "linux");
    lil_link_set(s.link, 0, &(struct lil_link_config){.delay_ns = 50 * NS_PER_MS});
    if (abort_on_overflow)
        assert_int_equal(lil_sysctl_set(s.server, "net.ipv4.tcp_abort_on_overflow", "1"), 0);
    lil_sysctl_set(s.server, "net.ipv4.tcp_syncookies", "0");
    lil_world_spawn(s.world, s.server, slow_server, NULL);
    struct attempt one = {.to = SCENE_SERVER, .port = 13, .start_s = 1, .keep = true};
    struct attempt next = {.to = SCENE_SERVER, .port = 13, .start_s = 3, .keep = true}, two = next;
    struct attempt more = {.to = SCENE_SERVER, .port = 13, .start_s = 2, .keep = true};
    attempt_spawn(&s, &one);
    attempt_spawn(&s, &more);
    attempt_spawn(&s, &next); /* both SYNs are in before either handshake is complete */
    attempt_spawn(&s, &two);
    scene_run(&s, 20);
    assert_errno(one.error, 0);
    assert_errno(next.error, 0);
    assert_errno(two.error, 0);
    if (abort_on_overflow) {
        assert_true(count_of(&s, "server", is_rst) >= 1);
    } else {
        assert_int_equal(count_of(&s, "server", is_rst), 0);
        assert_true(count_of(&s, "server", is_syn_ack) > 4);
        assert_string_equal(lil_tcp_state(two.proc, two.fd), "ESTABLISHED");
    }
    scene_end(&s);
}

static void test_overflow(void **state)
{
    (void)state;
    overflow(false);
    overflow(true);
}

/* accept4() and the address of the peer; EAGAIN when non-blocking and nobody is there; EINVAL on a socket that does not
 * listen. */
static int edges_main(struct lil_proc *p, void *argument)
{
    (void)argument;
    int fd = lil_socket(p, AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind_to(p, fd, "127.0.0.1", 1313), 0);
    assert_int_equal(lil_accept(p, fd, NULL, NULL), -1);
    assert_errno(errno, EINVAL);
    assert_int_equal(lil_listen(p, fd, 5), 0);
    lil_fcntl(p, fd, F_SETFL, O_NONBLOCK);
    assert_int_equal(lil_accept(p, fd, NULL, NULL), -1);
    assert_errno(errno, EAGAIN);
    int client = lil_socket(p, AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect_to(p, client, "127.0.0.1", 1313), 0);
    struct sockaddr_in peer;
    socklen_t length = sizeof(peer);
    int accepted = lil_accept4(p, fd, (struct sockaddr *)&peer, &length, SOCK_NONBLOCK);
    assert_true(accepted >= 0);
    assert_int_equal(length, sizeof(peer));
    assert_int_equal(ntohs(peer.sin_port), port_of(p, client));
    char byte;
    assert_int_equal(lil_read(p, accepted, &byte, 1), -1);
    assert_errno(errno, EAGAIN);
    assert_int_equal(lil_accept(p, lil_socket(p, AF_INET, SOCK_DGRAM, 0), NULL, NULL), -1);
    assert_errno(errno, EOPNOTSUPP);
    return 0;
}

static void test_edges(void **state)
{
    struct scene s;
    (void)state;
    scene_two(&s, "linux", "linux");
    scene_program(&s, edges_main, NULL, 10);
    scene_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sleeps_and_wakes),   cmocka_unit_test(test_fifo),
        cmocka_unit_test(test_data_before_accept), cmocka_unit_test(test_getsockname_of_accepted),
        cmocka_unit_test(test_overflow),           cmocka_unit_test(test_edges)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
