/* test_listen.c: listen() and the two queues (UNP 4.5; FACTS 4): CLOSED -> LISTEN, an entry's way through both queues,
 * its removal, figure 4.10 whole, and what a full queue does. */
#include "sim/scenario.h"

static int listen_main(struct lil_proc *p, void *argument)
{
    char *name = argument;
    int fd = lil_socket(p, AF_INET, SOCK_STREAM, 0);
    snprintf(name, 32, "%s", lil_tcp_state(p, fd) ? lil_tcp_state(p, fd) : "CLOSED");
    assert_int_equal(bind_to(p, fd, "0.0.0.0", 13), 0);
    assert_int_equal(lil_listen(p, fd, 5), 0);
    strcat(name, " ");
    strcat(name, lil_tcp_state(p, fd));
    return 0;
}

/* "listen moves the socket from the CLOSED state to the LISTEN state" (UNP 4.5). */
static void test_state(void **state)
{
    struct scene s;
    char name[32];
    (void)state;
    scene_two(&s, "4.4bsd", "4.4bsd");
    scene_program(&s, listen_main, name, 1);
    assert_string_equal(name, "CLOSED LISTEN");
    scene_end(&s);
}

/* listen() without bind(): the kernel chooses the port. */
static int unbound_main(struct lil_proc *p, void *argument)
{
    (void)argument;
    int fd = lil_socket(p, AF_INET, SOCK_STREAM, 0);
    assert_int_equal(lil_listen(p, fd, 5), 0);
    uint16_t port = port_of(p, fd);
    assert_true(port >= 1024);
    int client = lil_socket(p, AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect_to(p, client, "127.0.0.1", port), 0);
    assert_true(lil_accept(p, fd, NULL, NULL) >= 0);
    return 0;
}

static void test_without_bind(void **state)
{
    struct scene s;
    (void)state;
    scene_two(&s, "4.4bsd", "linux");
    scene_program(&s, unbound_main, NULL, 10);
    scene_end(&s);
    scene_two(&s, "linux", "linux");
    scene_program(&s, unbound_main, NULL, 10);
    scene_end(&s);
}

/* Figure 4.8: the SYN makes an entry in the incomplete queue, the third segment moves it to the completed one, accept()
 * takes it. */
static void test_queues(void **state)
{
    static const char *const profiles[] = {"4.4bsd", "linux"};
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(profiles); i++) {
        struct scene s;
        scene_two(&s, "linux", profiles[i]);
        lil_link_set(s.link, 0, &(struct lil_link_config){.delay_ns = 10 * NS_PER_MS});
        struct server server = {.port = 13, .backlog = 5, .count = 1, .accept_after_s = 5};
        struct attempt client = {.to = SCENE_SERVER, .port = 13, .start_s = 1, .keep = true};
        server_spawn(&s, &server);
        attempt_spawn(&s, &client);
        scene_run(&s, 4);
        unsigned incomplete, complete, backlog;
        assert_int_equal(lil_listen_queues(server.proc, server.listener, &incomplete, &complete, &backlog), 0);
        assert_int_equal(incomplete, 0);
        assert_int_equal(complete, 1);
        assert_int_equal(backlog, 5);
        scene_run(&s, 10);
        assert_int_equal(lil_listen_queues(server.proc, server.listener, &incomplete, &complete, &backlog), 0);
        assert_int_equal(complete, 0);
        assert_int_equal(server.accepted, 1);
        assert_non_null(strstr(s.queues, "1/0"));
        assert_non_null(strstr(s.queues, "0/1"));
        assert_true(strstr(s.queues, "1/0") < strstr(s.queues, "0/1"));
        scene_end(&s);
    }
}

/* SYNs whose third segment never comes: when the SYN/ACK goes out, and when the entry is removed (FACTS 1, second
 * table). */
struct removal {
    const char *profile, *syn_acks;
    double removed_s;
    bool rst;
};
static const struct removal removals[] = {
    {"4.3bsd", "0 6 12 24", 45, false},        {"4.4bsd", "0 6 30", 75, true},
    {"linux24", "0 3 9 21 45 93", 189, false}, {"linux", "0 1 3 7 15 31", 63, false},
    {"freebsd", "0 1 3.2 7.4", 15.6, false},   {"tahoe", "0 6 18 42", 75, true},
    {"4.2bsd", "0 1 2 3 4 5.5 7.5 10.5 15.5 23.5 39.5", 45, false},
};

static void send_syn(struct puppet *puppet, uint16_t port, uint16_t number)
{
    struct addr source, dest;
    struct tcphdr_ syn = {
        .source_port = number, .dest_port = port, .seq = 1000u * number, .flags = TCP_SYN, .window = 8192};
    assert_int_equal(addr_parse(SCENE_SERVER, &source), 0);
    assert_int_equal(addr_parse(SCENE_CLIENT, &dest), 0);
    puppet_send_tcp(puppet, &source, &dest, &syn, NULL, 0);
}

static void test_removal(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(removals); i++) {
        const struct removal *row = &removals[i];
        struct scene s;
        struct puppet *puppet = scene_puppet(&s, row->profile);
        struct server server = {.port = 13, .backlog = 5};
        unsigned incomplete, complete, backlog;
        server_spawn(&s, &server);
        scene_run(&s, 10);
        send_syn(puppet, 13, 2000);
        scene_run(&s, 10 + row->removed_s - 0.1);
        lil_listen_queues(server.proc, server.listener, &incomplete, &complete, &backlog);
        if (incomplete != 1)
            fail_msg("%s: the entry is gone before %.1f s", row->profile, row->removed_s);
        scene_run(&s, 10 + row->removed_s + 0.5);
        lil_listen_queues(server.proc, server.listener, &incomplete, &complete, &backlog);
        if (incomplete != 0)
            fail_msg("%s: the entry is still there after %.1f s", row->profile, row->removed_s);
        assert_string_equal(times_of(&s, "client", is_syn_ack, SECONDS(10)), row->syn_acks);
        assert_int_equal(count_of(&s, "client", is_rst) > 0, row->rst);
        scene_end(&s);
    }
}

/* 4.4-Lite: any segment for a SYN_RCVD pcb sets its timer to 2 h, which defeats the 75 s (FACTS 1); Tahoe's keeps them. */
static void test_removal_defeated(void **state)
{
    static const struct {
        const char *profile;
        unsigned left;
    } rows[] = {{"4.4bsd", 1}, {"tahoe", 0}};
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct scene s;
        struct puppet *puppet = scene_puppet(&s, rows[i].profile);
        struct server server = {.port = 13, .backlog = 5};
        unsigned incomplete, complete, backlog;
        server_spawn(&s, &server);
        scene_run(&s, 10);
        send_syn(puppet, 13, 2000);
        scene_run(&s, 20);
        send_syn(puppet, 13, 2000); /* the same again */
        scene_run(&s, 10 + 75 + 15);
        if (rows[i].left) /* the backoff goes on: 6, 24, 48 s */
            assert_non_null(strstr(times_of(&s, "client", is_syn_ack, SECONDS(10)), " 30 78"));
        lil_listen_queues(server.proc, server.listener, &incomplete, &complete, &backlog);
        if (incomplete != rows[i].left)
            fail_msg("%s: %u entries after 90 s", rows[i].profile, incomplete);
        scene_end(&s);
    }
}

/* Figure 4.10: how many connections a backlog of 0 to 14 really lets in, by filling the queue until a SYN is not
 * answered. */
struct figure {
    const char *profile;
    int admitted[15];
};
static const struct figure figure_4_10[] = {
    {"macos102", {1, 2, 4, 5, 7, 8, 10, 11, 13, 14, 16, 17, 19, 20, 22}},
    {"aix51", {1, 2, 4, 5, 7, 8, 10, 11, 13, 14, 16, 17, 19, 20, 22}},
    {"linux247", {3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17}},
    {"hpux1111", {1, 1, 3, 4, 6, 7, 9, 10, 12, 13, 15, 16, 18, 19, 21}},
    {"freebsd48", {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}},
    {"solaris29", {1, 2, 4, 5, 6, 8, 10, 11, 13, 14, 16, 17, 19, 20, 22}},
    {"linux", {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}},
    /* FACTS 4, second table: 4.2 to 4.4 with SOMAXCONN 5; macOS takes a backlog of 0 for 128 */
    {"macos", {40, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14}},
    {"4.2bsd", {1, 2, 4, 5, 7, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8}},
    {"4.4bsd", {1, 2, 4, 5, 7, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8}},
};

static int backlog_main(struct lil_proc *p, void *argument)
{
    const int *backlog = argument;
    int fd = lil_socket(p, AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind_to(p, fd, "0.0.0.0", 13), 0);
    assert_int_equal(lil_listen(p, fd, *backlog), 0);
    lil_sleep_ns(p, SECONDS(10000));
    return 0;
}

/* The book's program: connect until connect() does not return at once. */
static int fill_main(struct lil_proc *p, void *argument)
{
    int *connected = argument;
    for (*connected = 0; *connected < 40; ++*connected) {
        int fd = lil_socket(p, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect_to(p, fd, SCENE_SERVER, 13);
        struct pollfd waiting = {.fd = fd, .events = POLLOUT};
        if (lil_poll(p, &waiting, 1, 500) != 1 || (waiting.revents & (POLLERR | POLLHUP)))
            break;
    }
    return 0;
}

static void test_figure_4_10(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(figure_4_10); i++) {
        for (int backlog = 0; backlog < 15; backlog++) {
            struct scene s;
            int connected = 0;
            scene_two(&s, "linux", figure_4_10[i].profile);
            /* Linux 2.4 lets one young request through: the figure counts connections that the listener holds. */
            struct lil_proc *server = lil_world_spawn(s.world, s.server, backlog_main, &backlog);
            scene_run(&s, 1);
            scene_program(&s, fill_main, &connected, 100);
            (void)server;
            if (connected != figure_4_10[i].admitted[backlog])
                fail_msg("%s, backlog %d: %d connections instead of %d", figure_4_10[i].profile, backlog, connected,
                         figure_4_10[i].admitted[backlog]);
            scene_end(&s);
        }
    }
}

/* FreeBSD completes each handshake and resets what does not fit, Linux 2.4 lets requests wait beside the queue: what counts is how many
 * the listener holds in the end (FACTS 4). */
static void test_complete_queue(void **state)
{
    static const struct {
        const char *profile;
        int backlog, held;
    } rows[] = {{"freebsd", 0, 1}, {"freebsd", 1, 2}, {"freebsd", 4, 7}, {"freebsd", 10, 16}, {"linux24", 0, 1}, {"linux24", 5, 6}};
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct scene s;
        int connected = 0;
        unsigned incomplete, complete, backlog;
        scene_two(&s, "linux", rows[i].profile);
        struct server server = {.port = 13, .backlog = rows[i].backlog};
        server_spawn(&s, &server);
        scene_run(&s, 1);
        scene_program(&s, fill_main, &connected, 100);
        assert_int_equal(lil_listen_queues(server.proc, server.listener, &incomplete, &complete, &backlog), 0);
        if (complete != (unsigned)rows[i].held)
            fail_msg("%s, backlog %d: %u connections held, not %d", rows[i].profile, rows[i].backlog, complete, rows[i].held);
        assert_int_equal(count_of(&s, "server", is_rst) > 0, strcmp(rows[i].profile, "freebsd") == 0); /* FreeBSD: to the final ACK */
        scene_end(&s);
    }
}

/* "If the queues are full when a client SYN arrives, TCP ignores the SYN; it does not send an RST" (UNP 4.5): the
 * client tries again, and finds room when accept() made some. */
static void test_full_queue(void **state)
{
    static const char *const profiles[] = {"4.2bsd", "4.3bsd", "4.4bsd", "linux24", "linux"};
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(profiles); i++) {
        struct scene s;
        scene_two(&s, "linux", profiles[i]);
        struct server server = {.port = 13, .backlog = 1, .count = 4, .accept_after_s = 6};
        struct attempt clients[4];
        server_spawn(&s, &server);
        for (int j = 0; j < 4; j++) {
            clients[j] = (struct attempt){.to = SCENE_SERVER, .port = 13, .start_s = 1 + j * 0.1, .keep = true};
            attempt_spawn(&s, &clients[j]);
        }
        scene_run(&s, 5);
        assert_int_equal(count_of(&s, "server", is_rst), 0);
        if (strcmp(profiles[i], "linux24") !=
            0) /* it lets a young one in: the third returns and waits in the incomplete queue */
            assert_false(clients[3].returned);
        scene_run(&s, 60);
        for (int j = 0; j < 4; j++)
            assert_errno(clients[j].error, 0);
        assert_int_equal(server.accepted, 4);
        scene_end(&s);
    }
}

/* Windows answers an RST instead (FACTS 4, low confidence). */
static void test_full_queue_windows(void **state)
{
    struct scene s;
    (void)state;
    scene_two(&s, "linux", "windows");
    struct server server = {.port = 13, .backlog = 1};
    struct attempt clients[4];
    server_spawn(&s, &server);
    for (int j = 0; j < 4; j++) {
        clients[j] = (struct attempt){.to = SCENE_SERVER, .port = 13, .start_s = 1 + j, .keep = true};
        attempt_spawn(&s, &clients[j]);
    }
    scene_run(&s, 20);
    assert_errno(clients[3].error, ECONNREFUSED);
    scene_end(&s);
}

/* A hint worthy of the name: port 13 without htons() is 3328. */
static void test_byte_swapped_hint(void **state)
{
    struct scene s;
    (void)state;
    scene_two(&s, "linux", "linux");
    struct server server = {.port = 13, .backlog = 1};
    struct attempt client = {.to = SCENE_SERVER, .port = 3328, .start_s = 1};
    server_spawn(&s, &server);
    attempt_spawn(&s, &client);
    scene_run(&s, 5);
    assert_errno(client.error, ECONNREFUSED);
    assert_string_equal(s.hints, "byte-swapped 13; htons() missing?");
    scene_end(&s);
}

/* A negative backlog, and SOMAXCONN's cap (FACTS 4). */
static int negative_main(struct lil_proc *p, void *argument)
{
    unsigned incomplete, complete, *backlog = argument;
    int fd = lil_socket(p, AF_INET, SOCK_STREAM, 0);
    assert_int_equal(lil_listen(p, fd, -1), 0);
    assert_int_equal(lil_listen_queues(p, fd, &incomplete, &complete, &backlog[0]), 0);
    fd = lil_socket(p, AF_INET, SOCK_STREAM, 0);
    assert_int_equal(lil_listen(p, fd, 1000000), 0);
    assert_int_equal(lil_listen_queues(p, fd, &incomplete, &complete, &backlog[1]), 0);
    return 0;
}

static void test_extreme_backlogs(void **state)
{
    static const struct {
        const char *profile;
        unsigned negative, cap;
    } rows[] = {{"4.2bsd", 0, 5},         {"4.3bsd", 0, 5},      {"tahoe", 0, 5},     {"4.4bsd", 0, 5},
                {"linux", 4096, 4096}, {"linux24", 128, 128}, {"freebsd", 128, 128}, {"macos", 128, 128}};
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct scene s;
        unsigned backlog[2] = {0};
        scene_two(&s, rows[i].profile, "linux");
        scene_program(&s, negative_main, backlog, 1);
        if (backlog[0] != rows[i].negative || backlog[1] != rows[i].cap)
            fail_msg("%s: -1 gives %u, 1000000 gives %u", rows[i].profile, backlog[0], backlog[1]);
        scene_end(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_state),
                                       cmocka_unit_test(test_without_bind),
                                       cmocka_unit_test(test_queues),
                                       cmocka_unit_test(test_removal),
                                       cmocka_unit_test(test_removal_defeated),
                                       cmocka_unit_test(test_figure_4_10),
                                       cmocka_unit_test(test_complete_queue),
                                       cmocka_unit_test(test_full_queue),
                                       cmocka_unit_test(test_full_queue_windows),
                                       cmocka_unit_test(test_byte_swapped_hint),
                                       cmocka_unit_test(test_extreme_backlogs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
