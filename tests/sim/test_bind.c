/* test_bind.c: bind() and getsockname() (UNP 4.4, figures 4.5 and 4.6; FACTS 6): the four rows, who chooses the address
 * and when, the reuse matrix, and the byte-order traps of the wildcard addresses. */
#include "sim/scenario.h"

/* Figure 4.5: wildcard or given address x port 0 or given. */
static int rows_main(struct lil_proc *p, void *argument)
{
    (void)argument;
    int a = lil_socket(p, AF_INET, SOCK_STREAM, 0), b = lil_socket(p, AF_INET, SOCK_STREAM, 0);
    int c = lil_socket(p, AF_INET, SOCK_STREAM, 0), d = lil_socket(p, AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind_to(p, a, "0.0.0.0", 0), 0); /* kernel chooses both */
    assert_true(port_of(p, a) > 0);
    assert_non_null(strstr(name_text(p, a, false), "0.0.0.0."));
    assert_int_equal(bind_to(p, b, "0.0.0.0", 2001), 0); /* kernel chooses the address */
    assert_string_equal(name_text(p, b, false), "0.0.0.0.2001");
    assert_int_equal(bind_to(p, c, SCENE_CLIENT, 0), 0); /* kernel chooses the port */
    assert_true(port_of(p, c) > 0 && port_of(p, c) != port_of(p, a));
    assert_int_equal(bind_to(p, d, SCENE_CLIENT, 2002), 0);
    assert_string_equal(name_text(p, d, false), SCENE_CLIENT ".2002");
    assert_int_equal(bind_to(p, d, SCENE_CLIENT, 2003), -1); /* a second bind */
    assert_errno(errno, EINVAL);
    assert_int_equal(bind_to(p, lil_socket(p, AF_INET, SOCK_STREAM, 0), "198.51.100.7", 2004), -1);
    assert_errno(errno, EADDRNOTAVAIL);
    return 0;
}

static void test_four_rows(void **state)
{
    static const char *const profiles[] = {"4.4bsd", "freebsd", "linux"};
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(profiles); i++) {
        struct scene s;
        scene_two(&s, profiles[i], "linux");
        scene_program(&s, rows_main, NULL, 1);
        scene_end(&s);
    }
}

/* "A client that binds an address gives its packets that source" (UNP 4.4; RFC 9293 3.9.1.1, MUST-43), every one: the handshake completes
 * from there (MUST-45); without one it is the way's (MUST-44). */
static void test_client_source(void **state)
{
    struct scene s;
    (void)state;
    scene_two(&s, "linux", "linux");
    assert_int_equal(lil_address_add(s.client, 2, "192.0.2.50/24"), 0);
    struct server server = {.port = 13, .backlog = 5, .count = 2};
    struct attempt plain = {.to = SCENE_SERVER, .port = 13, .start_s = 1, .keep = true};
    struct attempt bound = {.to = SCENE_SERVER, .port = 13, .start_s = 2, .keep = true, .bind = "192.0.2.50"};
    server_spawn(&s, &server);
    attempt_spawn(&s, &plain);
    attempt_spawn(&s, &bound);
    scene_run(&s, 10);
    assert_int_equal(strncmp(server.peer[0], SCENE_CLIENT ".", 10), 0); /* unbound: the outgoing interface's */
    assert_int_equal(strncmp(server.peer[1], "192.0.2.50.", 11), 0);
    scene_end(&s);
}

/* "A server that binds an address receives only what is destined to it" (UNP 4.4). */
static void test_server_filter(void **state)
{
    struct scene s;
    (void)state;
    scene_two(&s, "linux", "4.4bsd");
    assert_int_equal(lil_address_add(s.server, 2, "192.0.2.77/24"), 0);
    struct server server = {.bind = "192.0.2.77", .port = 13, .backlog = 5, .count = 2};
    struct attempt wrong = {.to = SCENE_SERVER, .port = 13, .start_s = 1},
                   right = {.to = "192.0.2.77", .port = 13, .start_s = 2, .keep = true};
    server_spawn(&s, &server);
    attempt_spawn(&s, &wrong);
    attempt_spawn(&s, &right);
    scene_run(&s, 10);
    assert_errno(wrong.error, ECONNREFUSED);
    assert_errno(right.error, 0);
    scene_end(&s);
}

/* A TCP server's reply has the SYN's destination as source; a UDP server on the wildcard answers from the route's
 * interface (UNP 4.4). */
static int udp_server_main(struct lil_proc *p, void *argument)
{
    (void)argument;
    int fd = lil_socket(p, AF_INET, SOCK_DGRAM, 0);
    char text[64];
    assert_int_equal(bind_to(p, fd, "0.0.0.0", 7), 0);
    for (;;) {
        struct sockaddr_storage peer;
        socklen_t length = sizeof(peer);
        ssize_t n = lil_recvfrom(p, fd, text, sizeof(text), 0, (struct sockaddr *)&peer, &length);
        if (n < 0)
            return 0;
        lil_sendto(p, fd, text, (size_t)n, 0, (struct sockaddr *)&peer, length);
    }
}

struct udp_asked {
    char from[64], own_before[64], own_after[64], own_connected[64];
};

static int udp_client_main(struct lil_proc *p, void *argument)
{
    struct udp_asked *asked = argument;
    struct sockaddr_storage from;
    socklen_t length;
    struct sockaddr_storage to = address_of("192.0.2.77", 7, &length);
    char text[64];
    int fd = lil_socket(p, AF_INET, SOCK_DGRAM, 0);
    snprintf(asked->own_before, 64, "%s", name_text(p, fd, false));
    assert_int_equal(lil_sendto(p, fd, "hello", 5, 0, (struct sockaddr *)&to, length), 5);
    length = sizeof(from);
    assert_int_equal(lil_recvfrom(p, fd, text, sizeof(text), 0, (struct sockaddr *)&from, &length), 5);
    inet_ntop(AF_INET, &((struct sockaddr_in *)&from)->sin_addr, asked->from, sizeof(asked->from));
    snprintf(asked->own_after, 64, "%s", name_text(p, fd, false));
    assert_int_equal(connect_to(p, fd, SCENE_SERVER, 7), 0);
    snprintf(asked->own_connected, 64, "%s", name_text(p, fd, false));
    return 0;
}

static void test_udp_reply_source(void **state)
{
    struct scene s;
    struct udp_asked asked = {0};
    (void)state;
    scene_two(&s, "linux", "linux");
    assert_int_equal(lil_address_add(s.server, 2, "192.0.2.77/24"), 0);
    lil_world_spawn(s.world, s.server, udp_server_main, NULL);
    scene_run(&s, 1);
    scene_program(&s, udp_client_main, &asked, 10);
    assert_string_equal(asked.from, SCENE_SERVER); /* not the .77 that was asked */
    /* Linux leaves the address open when UDP is not connected; connect() fixes it (FACTS 6). */
    assert_int_equal(strncmp(asked.own_after, "0.0.0.0.", 8), 0);
    assert_int_equal(strncmp(asked.own_connected, SCENE_CLIENT ".", 10), 0);
    scene_end(&s);
}

/* getsockname() after bind to port 0 and after connect() (UNP 4.10). */
static int names_main(struct lil_proc *p, void *argument)
{
    (void)argument;
    int fd = lil_socket(p, AF_INET, SOCK_STREAM, 0);
    assert_string_equal(name_text(p, fd, false), "0.0.0.0.0");
    assert_int_equal(connect_to(p, fd, SCENE_SERVER, 13), 0);
    assert_int_equal(strncmp(name_text(p, fd, false), SCENE_CLIENT ".", 10), 0);
    assert_true(port_of(p, fd) > 0);
    assert_string_equal(name_text(p, fd, true), SCENE_SERVER ".13");
    fd = lil_socket(p, AF_INET, SOCK_STREAM, 0);
    assert_string_equal(name_text(p, fd, true), "ENOTCONN");
    assert_int_equal(bind_to(p, fd, "0.0.0.0", 0), 0);
    assert_true(port_of(p, fd) > 0);
    return 0;
}

static void test_getsockname(void **state)
{
    struct scene s;
    struct server server = {.port = 13, .backlog = 5, .count = 1};
    (void)state;
    scene_two(&s, "linux", "linux");
    server_spawn(&s, &server);
    scene_run(&s, 1);
    scene_program(&s, names_main, NULL, 10);
    scene_end(&s);
}

/* Ephemeral ports (FACTS 6). */
struct ephemeral {
    const char *profile;
    unsigned first, last;
    bool sequential;
};
static const struct ephemeral ephemerals[] = {{"4.2bsd", 1024, 65535, true},
                                              {"4.3bsd", 1024, 5000, true},
                                              {"tahoe", 1024, 5000, true},
                                              {"4.4bsd", 1024, 5000, true},
                                              {"freebsd", 10000, 65535, false},
                                              {"macos", 49152, 65535, false},
                                              {"linux", 32768, 60999, false}};

static int ephemeral_main(struct lil_proc *p, void *argument)
{
    unsigned *ports = argument;
    for (int i = 0; i < 8; i++) {
        int fd = lil_socket(p, AF_INET, SOCK_STREAM, 0);
        assert_int_equal(bind_to(p, fd, "0.0.0.0", 0), 0);
        ports[i] = port_of(p, fd);
    }
    int fd = lil_socket(p, AF_INET, SOCK_STREAM, 0);
    connect_to(p, fd, SCENE_SERVER, 13);
    return 0;
}

static void test_ephemeral_ports(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(ephemerals); i++) {
        struct scene s;
        unsigned ports[8] = {0};
        scene_two(&s, ephemerals[i].profile, "linux");
        scene_program(&s, ephemeral_main, ports, 10);
        for (int j = 0; j < 8; j++) {
            assert_in_range(ports[j], ephemerals[i].first, ephemerals[i].last);
            if (ephemerals[i].sequential && j > 0)
                assert_int_equal(ports[j], ports[j - 1] + 1);
            if (strcmp(ephemerals[i].profile, "linux") == 0)
                assert_int_equal(ports[j] % 2, 1); /* bind(0) odd, connect() even */
        }
        if (strcmp(ephemerals[i].profile, "linux") == 0)
            assert_int_equal(nth_of(&s, "client", is_syn, 0)->tcp.source_port % 2, 0);
        scene_end(&s);
    }
}

/* EADDRINUSE: the matrix of FACTS 6. Rows: first -> second; options: none, both SO_REUSEADDR (A), both SO_REUSEPORT
 * (P). */
struct pair {
    const char *first, *second;
    bool first_listens;
    int none, a, p;
};
struct matrix {
    const char *profile;
    bool udp;
    struct pair pairs[8];
};
static const struct matrix matrices[] = {
    {"4.4bsd",
     false,
     {{"0.0.0.0", "0.0.0.0", false, EADDRINUSE, EADDRINUSE, 0},
      {"0.0.0.0", SCENE_CLIENT, false, EADDRINUSE, 0, 0},
      {SCENE_CLIENT, "0.0.0.0", false, EADDRINUSE, 0, 0},
      {SCENE_CLIENT, SCENE_CLIENT, false, EADDRINUSE, EADDRINUSE, 0},
      {SCENE_CLIENT, "127.0.0.1", false, 0, 0, 0}}},
    {"linux",
     false,
     {{"0.0.0.0", "0.0.0.0", false, EADDRINUSE, 0, 0},
      {"0.0.0.0", "0.0.0.0", true, EADDRINUSE, EADDRINUSE, 0},
      {"0.0.0.0", SCENE_CLIENT, false, EADDRINUSE, 0, 0},
      {"0.0.0.0", SCENE_CLIENT, true, EADDRINUSE, EADDRINUSE, 0},
      {SCENE_CLIENT, SCENE_CLIENT, false, EADDRINUSE, 0, 0},
      {SCENE_CLIENT, SCENE_CLIENT, true, EADDRINUSE, EADDRINUSE, 0},
      {SCENE_CLIENT, "127.0.0.1", false, 0, 0, 0}}},
    {"linux",
     true,
     {{"0.0.0.0", "0.0.0.0", false, EADDRINUSE, 0, 0},
      {"0.0.0.0", SCENE_CLIENT, false, EADDRINUSE, 0, 0},
      {SCENE_CLIENT, SCENE_CLIENT, false, EADDRINUSE, 0, 0},
      {SCENE_CLIENT, "127.0.0.1", false, 0, 0, 0}}},
};

static int reuse_socket(struct lil_proc *p, bool udp, int option)
{
    int on = 1, fd = lil_socket(p, AF_INET, udp ? SOCK_DGRAM : SOCK_STREAM, 0);
    if (option)
        assert_int_equal(lil_setsockopt(p, fd, SOL_SOCKET, option, &on, sizeof(on)), 0);
    return fd;
}

static int matrix_main(struct lil_proc *p, void *argument)
{
    const struct matrix *matrix = argument;
    static const int options[] = {0, SO_REUSEADDR, SO_REUSEPORT};
    static const char *const words[] = {"none", "A", "P"};
    uint16_t port = 6000;
    for (const struct pair *pair = matrix->pairs; pair->first; pair++) {
        const int wanted[] = {pair->none, pair->a, pair->p};
        for (int i = 0; i < 3; i++, port++) {
            int first = reuse_socket(p, matrix->udp, options[i]), second = reuse_socket(p, matrix->udp, options[i]);
            assert_int_equal(bind_to(p, first, pair->first, port), 0);
            if (pair->first_listens)
                assert_int_equal(lil_listen(p, first, 5), 0);
            int error = bind_to(p, second, pair->second, port) < 0 ? errno : 0;
            if (error != wanted[i])
                fail_msg("%s %s: %s%s -> %s, %s: %s instead of %s", matrix->profile, matrix->udp ? "UDP" : "TCP",
                         pair->first, pair->first_listens ? " (listens)" : "", pair->second, words[i],
                         error ? strerrorname_np(error) : "ok", wanted[i] ? strerrorname_np(wanted[i]) : "ok");
            lil_close(p, first);
            lil_close(p, second);
        }
    }
    return 0;
}

static void test_reuse_matrix(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(matrices); i++) {
        struct scene s;
        scene_two(&s, matrices[i].profile, "linux");
        scene_program(&s, matrix_main, (void *)&matrices[i], 10);
        scene_end(&s);
    }
}

/* A server that is started again finds its port in TIME_WAIT: EADDRINUSE without SO_REUSEADDR (UNP 7.5). */
static int restart_main(struct lil_proc *p, void *argument)
{
    int *errors = argument, on = 1;
    int listener = reuse_socket(p, false, SO_REUSEADDR);
    assert_int_equal(bind_to(p, listener, "0.0.0.0", 7000), 0);
    assert_int_equal(lil_listen(p, listener, 5), 0);
    int client = lil_socket(p, AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect_to(p, client, "127.0.0.1", 7000), 0);
    int fd = lil_accept(p, listener, NULL, NULL);
    lil_close(p, fd); /* the server closes first: TIME_WAIT is on its side */
    lil_sleep_ns(p, SECONDS(1));
    lil_close(p, client);
    lil_close(p, listener);
    lil_sleep_ns(p, SECONDS(1));
    int plain = lil_socket(p, AF_INET, SOCK_STREAM, 0);
    errors[0] = bind_to(p, plain, "0.0.0.0", 7000) < 0 ? errno : 0;
    int reuse = lil_socket(p, AF_INET, SOCK_STREAM, 0);
    lil_setsockopt(p, reuse, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    errors[1] = bind_to(p, reuse, "0.0.0.0", 7000) < 0 ? errno : 0;
    lil_close(p, plain);
    lil_close(p, reuse);
    lil_sleep_ns(p, SECONDS(300)); /* 2 MSL and more */
    plain = lil_socket(p, AF_INET, SOCK_STREAM, 0);
    errors[2] = bind_to(p, plain, "0.0.0.0", 7000) < 0 ? errno : 0;
    return 0;
}

static void test_time_wait(void **state)
{
    static const char *const profiles[] = {"4.4bsd", "linux"};
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(profiles); i++) {
        struct scene s;
        int errors[3] = {-1, -1, -1};
        scene_two(&s, profiles[i], "linux");
        scene_program(&s, restart_main, errors, 1000);
        assert_errno(errors[0], EADDRINUSE);
        assert_errno(errors[1], 0);
        assert_errno(errors[2], 0);
        scene_end(&s);
    }
}

/* BSD asks the new socket only; Linux wants SO_REUSEADDR on both: a TIME_WAIT left by a listener without it holds the
 * port (FACTS 6). */
static int both_main(struct lil_proc *p, void *argument)
{
    int on = 1, listener = lil_socket(p, AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind_to(p, listener, "0.0.0.0", 7001), 0);
    assert_int_equal(lil_listen(p, listener, 5), 0);
    int client = lil_socket(p, AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect_to(p, client, "127.0.0.1", 7001), 0);
    lil_close(p, lil_accept(p, listener, NULL, NULL));
    lil_sleep_ns(p, SECONDS(1));
    lil_close(p, client);
    lil_close(p, listener);
    lil_sleep_ns(p, SECONDS(1));
    int again = lil_socket(p, AF_INET, SOCK_STREAM, 0);
    lil_setsockopt(p, again, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    *(int *)argument = bind_to(p, again, "0.0.0.0", 7001) < 0 ? errno : 0;
    return 0;
}

static void test_reuse_on_both(void **state)
{
    static const struct {
        const char *profile;
        int error;
    } rows[] = {{"4.4bsd", 0}, {"linux", EADDRINUSE}};
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct scene s;
        int error = -1;
        scene_two(&s, rows[i].profile, "linux");
        scene_program(&s, both_main, &error, 100);
        if (error != rows[i].error)
            fail_msg("%s: %s", rows[i].profile, error ? strerrorname_np(error) : "ok");
        scene_end(&s);
    }
}

/* INADDR_ANY is 0 in any order; INADDR_LOOPBACK without htonl() is another address; in6addr_any is in network order
 * (UNP 4.4). */
static int constants_main(struct lil_proc *p, void *argument)
{
    (void)argument;
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(2500), .sin_addr.s_addr = INADDR_ANY};
    assert_int_equal(lil_bind(p, lil_socket(p, AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&v4, sizeof(v4)), 0);
    v4.sin_port = htons(2501);
    v4.sin_addr.s_addr = INADDR_LOOPBACK; /* 127.0.0.1 in host order: on this machine 1.0.0.127 */
    assert_int_equal(lil_bind(p, lil_socket(p, AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&v4, sizeof(v4)),
                     htonl(1) == 1 ? 0 : -1);
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(lil_bind(p, lil_socket(p, AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&v4, sizeof(v4)), 0);
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(2502), .sin6_addr = in6addr_any};
    int fd = lil_socket(p, AF_INET6, SOCK_STREAM, 0);
    assert_int_equal(lil_bind(p, fd, (struct sockaddr *)&v6, sizeof(v6)), 0);
    assert_string_equal(name_text(p, fd, false), "::.2502");
    return 0;
}

static void test_constants(void **state)
{
    struct scene s;
    (void)state;
    scene_two(&s, "linux", "linux");
    scene_program(&s, constants_main, NULL, 10);
    scene_end(&s);
}

/* Linux's oddities (measured) and the dual stack. */
static int linux_main(struct lil_proc *p, void *argument)
{
    int off = 0, on = 1;
    struct sockaddr_in any = {.sin_family = AF_UNSPEC, .sin_port = htons(2600)};
    (void)argument;
    assert_int_equal(lil_bind(p, lil_socket(p, AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&any, sizeof(any)), 0);
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    any.sin_port = htons(2601);
    assert_int_equal(lil_bind(p, lil_socket(p, AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&any, sizeof(any)), -1);
    assert_errno(errno, EAFNOSUPPORT);
    any.sin_family = AF_INET;
    assert_int_equal(lil_bind(p, lil_socket(p, AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&any, 4), -1);
    assert_errno(errno, EINVAL);
    assert_int_equal(bind_to(p, lil_socket(p, AF_INET, SOCK_DGRAM, 0), "192.0.2.255", 2602), 0); /* broadcast */
    assert_int_equal(bind_to(p, lil_socket(p, AF_INET, SOCK_DGRAM, 0), "224.0.0.5", 2603), 0);   /* multicast */
    /* Dual-stack listeners. */
    int six = lil_socket(p, AF_INET6, SOCK_STREAM, 0), four = lil_socket(p, AF_INET, SOCK_STREAM, 0);
    assert_int_equal(lil_setsockopt(p, six, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)), 0);
    assert_int_equal(bind_to(p, six, "::", 2604), 0);
    assert_int_equal(lil_listen(p, six, 5), 0);
    assert_int_equal(bind_to(p, four, "0.0.0.0", 2604), -1);
    assert_errno(errno, EADDRINUSE);
    int only = lil_socket(p, AF_INET6, SOCK_STREAM, 0);
    assert_int_equal(lil_setsockopt(p, only, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)), 0);
    assert_int_equal(bind_to(p, only, "::", 2605), 0);
    assert_int_equal(lil_listen(p, only, 5), 0);
    assert_int_equal(bind_to(p, four, "0.0.0.0", 2605), 0);
    /* The dual-stack listener takes an IPv4 client, whose name is mapped (RFC 4291 2.5.5.2). */
    int client = lil_socket(p, AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect_to(p, client, "127.0.0.1", 2604), 0);
    int accepted = lil_accept(p, six, NULL, NULL);
    assert_true(accepted >= 0);
    assert_string_equal(name_text(p, accepted, false), "::ffff:127.0.0.1.2604");
    return 0;
}

/* Dual stack on Linux (FACTS 6): a listener on :: takes 0.0.0.0, 127.0.0.1 and ::1 too, SO_REUSEADDR or not; SO_REUSEPORT shares. */
static int dual_main(struct lil_proc *p, void *argument)
{
    static const char *const seconds[] = {"0.0.0.0", "127.0.0.1", "::1"};
    static const int options[] = {0, SO_REUSEADDR, SO_REUSEPORT};
    int off = 0, on = 1;
    uint16_t port = 2700;
    (void)argument;
    for (unsigned i = 0; i < ARRAY_COUNT(seconds); i++) {
        for (unsigned j = 0; j < ARRAY_COUNT(options); j++, port++) {
            int first = lil_socket(p, AF_INET6, SOCK_STREAM, 0),
                second = lil_socket(p, strchr(seconds[i], ':') ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
            assert_int_equal(lil_setsockopt(p, first, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)), 0);
            if (options[j]) {
                assert_int_equal(lil_setsockopt(p, first, SOL_SOCKET, options[j], &on, sizeof(on)), 0);
                assert_int_equal(lil_setsockopt(p, second, SOL_SOCKET, options[j], &on, sizeof(on)), 0);
            }
            assert_int_equal(bind_to(p, first, "::", port), 0);
            assert_int_equal(lil_listen(p, first, 5), 0);
            int error = bind_to(p, second, seconds[i], port) < 0 ? errno : 0, wanted = options[j] == SO_REUSEPORT ? 0 : EADDRINUSE;
            if (error != wanted)
                fail_msg(":: -> %s, option %d: %s", seconds[i], options[j], error ? strerrorname_np(error) : "ok");
        }
    }
    return 0;
}

static void test_linux_dual(void **state)
{
    struct scene s;
    (void)state;
    scene_two(&s, "linux", "linux");
    scene_program(&s, dual_main, NULL, 10);
    scene_end(&s);
}

static void test_linux(void **state)
{
    struct scene s;
    (void)state;
    scene_two(&s, "linux", "linux");
    scene_program(&s, linux_main, NULL, 10);
    scene_end(&s);
}

/* The reserved ports belong to root: EACCES (FACTS 6). */
static int reserved_main(struct lil_proc *p, void *argument)
{
    (void)argument;
    lil_proc_set_uid(p, 500);
    assert_int_equal(bind_to(p, lil_socket(p, AF_INET, SOCK_STREAM, 0), "0.0.0.0", 1023), -1);
    assert_errno(errno, EACCES);
    assert_int_equal(bind_to(p, lil_socket(p, AF_INET, SOCK_DGRAM, 0), "0.0.0.0", 53), -1);
    assert_errno(errno, EACCES);
    assert_int_equal(bind_to(p, lil_socket(p, AF_INET, SOCK_STREAM, 0), "0.0.0.0", 1024), 0);
    return 0;
}

static void test_reserved(void **state)
{
    static const char *const profiles[] = {"4.2bsd", "4.4bsd", "freebsd", "linux"};
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(profiles); i++) {
        struct scene s;
        scene_two(&s, profiles[i], "linux");
        scene_program(&s, reserved_main, NULL, 1);
        scene_end(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_four_rows),     cmocka_unit_test(test_client_source),
                                       cmocka_unit_test(test_server_filter), cmocka_unit_test(test_udp_reply_source),
                                       cmocka_unit_test(test_getsockname),   cmocka_unit_test(test_ephemeral_ports),
                                       cmocka_unit_test(test_reuse_matrix),  cmocka_unit_test(test_time_wait),
                                       cmocka_unit_test(test_constants),     cmocka_unit_test(test_linux),
                                       cmocka_unit_test(test_linux_dual),
                                       cmocka_unit_test(test_reserved),      cmocka_unit_test(test_reuse_on_both)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
