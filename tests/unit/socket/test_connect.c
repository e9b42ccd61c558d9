/* test_connect.c: connect(): FACTS.md section 5 and the address rows of section 6; names of both ends; SO_ERROR; hints.
 */
#include <poll.h>
#include "socket_pair.h"

static int stream(struct lil_proc *p)
{
    int fd = lil_socket(p, AF_INET, SOCK_STREAM, 0);

    assert_true(fd >= 0);
    return fd;
}

static int poll_of(struct lil_proc *p, int fd)
{
    struct pollfd pollfd = {.fd = fd, .events = POLLIN | POLLOUT | POLLPRI | POLLRDHUP};

    assert_true(lil_poll(p, &pollfd, 1, 0) >= 0);
    return pollfd.revents;
}

/* Inline, connect() is as on a nonblocking socket: EINPROGRESS, EALREADY, then 0 once (Linux) or EISCONN (BSD). */
static void test_in_progress(void **state)
{
    static const char *const profiles[] = {"linux", "4.4bsd"};

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct pair pair;
        int fd;

        pair_init(&pair, profiles[i], "linux");
        listen_on(pair.pb, "0.0.0.0", 2000, 5);
        fd = stream(pair.pa);
        assert_int_equal(connect_to(pair.pa, fd, B4, 2000), -EINPROGRESS);
        assert_string_equal(lil_tcp_state(pair.pa, fd), "SYN_SENT");
        assert_int_equal(poll_of(pair.pa, fd) & (POLLOUT | POLLERR), 0);
        assert_int_equal(connect_to(pair.pa, fd, B4, 2000), -EALREADY);
        pair_run(&pair, 100);
        assert_string_equal(lil_tcp_state(pair.pa, fd), "ESTABLISHED");
        assert_int_equal(poll_of(pair.pa, fd), POLLOUT);
        assert_int_equal(get_int(pair.pa, fd, SOL_SOCKET, SO_ERROR), 0);
        assert_int_equal(connect_to(pair.pa, fd, B4, 2000), i == 0 ? 0 : -EISCONN);
        assert_int_equal(connect_to(pair.pa, fd, B4, 2000), -EISCONN);
        pair_fini(&pair);
    }
}

static void refuse_once(struct pair *pair, int fd)
{
    assert_int_equal(connect_to(pair->pa, fd, B4, 2000), -EINPROGRESS);
    pair_run(pair, 100);
    assert_string_equal(lil_tcp_state(pair->pa, fd), "CLOSED");
    assert_true(poll_of(pair->pa, fd) & POLLERR);
    assert_int_equal(get_int(pair->pa, fd, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
    assert_int_equal(get_int(pair->pa, fd, SOL_SOCKET, SO_ERROR), 0); /* read once */
}

/* A refused socket on Linux may connect again: the third try finds a listener (M). */
static void test_again_linux(void **state)
{
    struct pair pair;
    int fd;

    (void)state;
    pair_init(&pair, "linux", "linux");
    fd = stream(pair.pa);
    for (int i = 0; i < 2; i++) {
        refuse_once(&pair, fd);
        assert_int_equal(connect_to(pair.pa, fd, B4, 2000),
                         -ECONNABORTED); /* the end of that attempt, its error taken by SO_ERROR */
    }
    listen_on(pair.pb, "0.0.0.0", 2000, 5);
    assert_int_equal(connect_to(pair.pa, fd, B4, 2000), -EINPROGRESS);
    pair_run(&pair, 100);
    assert_string_equal(lil_tcp_state(pair.pa, fd), "ESTABLISHED");
    pair_fini(&pair);
}

struct again {
    const char *profile;
    int errors[2];
};
static void test_again(void **state)
{
    static const struct again rows[] = {
        {"4.2bsd", {EINVAL, EINVAL}}, {"4.3bsd", {EINVAL, EINVAL}}, {"tahoe", {EINVAL, EINVAL}},
        {"4.4bsd", {EINVAL, EINVAL}}, {"macos", {ECONNREFUSED, EINVAL}},  {"freebsd", {ECONNREFUSED, ECONNREFUSED}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pair pair;
        int fd;

        pair_init(&pair, rows[i].profile, "linux");
        fd = stream(pair.pa);
        assert_int_equal(connect_to(pair.pa, fd, B4, 2000), -EINPROGRESS);
        pair_run(&pair, 100);
        listen_on(pair.pb, "0.0.0.0", 2000, 5);
        for (int n = 0; n < 2; n++)
            if (connect_to(pair.pa, fd, B4, 2000) != -rows[i].errors[n])
                fail_msg("%s: connect() %d after a failure: %s", rows[i].profile, n + 1, strerrorname_np(errno));
        /* the failure itself is for SO_ERROR (macOS has told it; FreeBSD's soconnect() forgets it when asked again) */
        bool is_gone = !strcmp(rows[i].profile, "macos") || !strcmp(rows[i].profile, "freebsd");
        assert_int_equal(get_int(pair.pa, fd, SOL_SOCKET, SO_ERROR), is_gone ? 0 : ECONNREFUSED);
        lil_close(pair.pa, fd); /* a failed socket must be closed: a new one works */
        fd = stream(pair.pa);
        assert_int_equal(connect_to(pair.pa, fd, B4, 2000), -EINPROGRESS);
        pair_run(&pair, 100);
        assert_string_equal(lil_tcp_state(pair.pa, fd), "ESTABLISHED");
        pair_fini(&pair);
    }
}

static void test_listening(void **state)
{
    struct pair pair;

    (void)state;
    pair_init(&pair, "linux", "4.4bsd");
    assert_int_equal(connect_to(pair.pa, listen_on(pair.pa, "0.0.0.0", 2000, 5), B4, 2000), -EISCONN);
    assert_int_equal(connect_to(pair.pb, listen_on(pair.pb, "0.0.0.0", 2000, 5), A4, 2000), -EOPNOTSUPP);
    pair_fini(&pair);
}

/* connect() to INADDR_ANY: 4.2 EADDRNOTAVAIL; 4.3 on the primary address; Linux loopback. */
static void test_any(void **state)
{
    static const char *const profiles[] = {"4.2bsd", "4.3bsd", "4.4bsd", "linux"};
    static const char *const peers[] = {NULL, A4, A4, "127.0.0.1"};

    (void)state;
    for (int i = 0; i < 4; i++) {
        struct pair pair;
        unsigned port;
        int fd;

        pair_init(&pair, profiles[i], "linux");
        listen_on(pair.pa, "0.0.0.0", 2000, 5);
        fd = stream(pair.pa);
        assert_int_equal(connect_to(pair.pa, fd, "0.0.0.0", 2000), peers[i] ? -EINPROGRESS : -EADDRNOTAVAIL);
        pair_run(&pair, 100);
        if (peers[i]) {
            assert_string_equal(peer_text(pair.pa, fd, &port), peers[i]);
            assert_int_equal(port, 2000);
        }
        pair_fini(&pair);
    }
}

/* RFC 9293 3.9.1.1 (MUST-46): broadcast and multicast among them. */
static void test_bad_addresses(void **state)
{
    struct sockaddr_in sin = {.sin_family = AF_INET};
    struct pair pair;
    int fd;

    (void)state;
    pair_init(&pair, "linux", "4.4bsd");
    fd = stream(pair.pa);
    assert_int_equal(connect_to(pair.pa, fd, "192.0.2.255", 2000), -ENETUNREACH);
    assert_int_equal(connect_to(pair.pa, fd, "224.0.0.1", 2000), -ENETUNREACH);
    assert_int_equal(connect_to(pair.pa, fd, "198.51.100.1", 2000), -ENETUNREACH); /* no route */
    assert_fails(lil_connect(pair.pa, fd, (struct sockaddr *)&sin, 4), EINVAL);
    sin.sin_family = AF_INET6;
    assert_fails(lil_connect(pair.pa, fd, (struct sockaddr *)&sin, sizeof sin), EAFNOSUPPORT);
    assert_int_equal(connect_to(pair.pa, fd, B4, 0), -EINPROGRESS); /* Linux sends it: refused by the peer */
    pair_run(&pair, 100);
    assert_int_equal(connect_to(pair.pa, fd, B4, 0), -ECONNREFUSED);
    fd = stream(pair.pb);
    assert_int_equal(connect_to(pair.pb, fd, A4, 0), -EADDRNOTAVAIL);
    assert_int_equal(connect_to(pair.pb, 99, A4, 2000), -EBADF);
    pair_fini(&pair);
}

/* --- names ------------------------------------------------------------------------------------ */
static void test_names(void **state)
{
    struct pair pair;
    int listener, at_a, at_b;
    unsigned port, other;
    union name name;
    socklen_t length = sizeof name;

    (void)state;
    pair_init(&pair, "linux", "linux");
    listener = listen_on(pair.pb, "0.0.0.0", 2000, 5);
    assert_string_equal(local_text(pair.pb, listener, &port), "0.0.0.0");
    assert_int_equal(port, 2000);
    at_a = stream(pair.pa);
    assert_string_equal(local_text(pair.pa, at_a, &port), "0.0.0.0");
    assert_int_equal(port, 0);
    assert_fails(lil_getpeername(pair.pa, at_a, &name.sa, &length), ENOTCONN);
    lil_close(pair.pa, at_a);
    pair_connect(&pair, listener, B4, 2000, &at_a, &at_b);
    assert_string_equal(local_text(pair.pa, at_a, &port), A4); /* the kernel chose both */
    assert_int_not_equal(port, 0);
    assert_int_equal(port % 2, 0); /* Linux: connect() even */
    assert_string_equal(peer_text(pair.pa, at_a, &other), B4);
    assert_int_equal(other, 2000);
    assert_string_equal(local_text(pair.pb, at_b, &other), B4); /* the accepted socket of a wildcard server knows */
    assert_int_equal(other, 2000);
    assert_string_equal(peer_text(pair.pb, at_b, &other), A4);
    assert_int_equal(other, port);
    pair_fini(&pair);
}

static void test_bound_client(void **state)
{
    struct pair pair;
    unsigned port;
    int fd, at_b, listener;

    (void)state;
    pair_init(&pair, "4.4bsd", "linux");
    assert_int_equal(lil_address_add(pair.a, lil_interface_index(pair.a, "eth0"), "192.0.2.77/24"), 0);
    listener = listen_on(pair.pb, "0.0.0.0", 2000, 5);
    fd = stream(pair.pa);
    assert_int_equal(bind_to(pair.pa, fd, "192.0.2.77", 1999), 0);
    assert_int_equal(connect_to(pair.pa, fd, B4, 2000), -EINPROGRESS);
    pair_run(&pair, 100);
    at_b = lil_accept(pair.pb, listener, NULL, NULL);
    assert_string_equal(peer_text(pair.pb, at_b, &port), "192.0.2.77");
    assert_int_equal(port, 1999);
    pair_fini(&pair);
}

/* A dual-stack server sees an IPv4 client as a mapped address; an IPv6 socket connects to IPv4 by one. */
static void test_mapped(void **state)
{
    struct pair pair;
    unsigned port;
    int listener, at_a, at_b;

    (void)state;
    pair_init(&pair, "linux", "linux");
    listener = listen_on(pair.pb, "::", 2000, 5);
    pair_connect(&pair, listener, B4, 2000, &at_a, &at_b);
    assert_string_equal(peer_text(pair.pb, at_b, &port), "::ffff:" A4);
    assert_string_equal(local_text(pair.pb, at_b, &port), "::ffff:" B4);
    pair_connect(&pair, listener, B6, 2000, &at_a, &at_b);
    assert_string_equal(peer_text(pair.pb, at_b, &port), A6);
    pair_connect(&pair, listener, "::ffff:" B4, 2000, &at_a, &at_b);
    assert_string_equal(peer_text(pair.pa, at_a, &port), "::ffff:" B4);
    at_a = lil_socket(pair.pa, AF_INET6, SOCK_STREAM, 0);
    assert_int_equal(set_int(pair.pa, at_a, IPPROTO_IPV6, IPV6_V6ONLY, 1), 0);
    assert_int_equal(connect_to(pair.pa, at_a, "::ffff:" B4, 2000), -ENETUNREACH);
    pair_fini(&pair);
}

static void test_dissolve(void **state)
{
    struct sockaddr unspec = {.sa_family = AF_UNSPEC};
    struct pair pair;
    int listener, at_a, at_b;
    char byte;

    (void)state;
    pair_init(&pair, "linux", "linux");
    listener = listen_on(pair.pb, "0.0.0.0", 2000, 5);
    pair_connect(&pair, listener, B4, 2000, &at_a, &at_b);
    assert_int_equal(lil_connect(pair.pa, at_a, &unspec, sizeof unspec), 0);
    assert_string_equal(lil_tcp_state(pair.pa, at_a), "CLOSED");
    pair_run(&pair, 100);
    assert_fails(lil_read(pair.pb, at_b, &byte, 1), ECONNRESET);
    assert_int_equal(connect_to(pair.pa, at_a, B4, 2000), -EINPROGRESS);
    pair_run(&pair, 100);
    assert_string_equal(lil_tcp_state(pair.pa, at_a), "ESTABLISHED");
    pair_fini(&pair);
}

/* The same pair of names twice: BSD says EADDRINUSE, Linux EADDRNOTAVAIL. */
static void test_same_flow(void **state)
{
    static const char *const profiles[] = {"4.4bsd", "linux"};
    static const int errors[] = {EADDRINUSE, EADDRNOTAVAIL};

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct pair pair;
        int fds[2];

        pair_init(&pair, profiles[i], "linux");
        listen_on(pair.pb, "0.0.0.0", 2000, 5);
        for (int n = 0; n < 2; n++) {
            fds[n] = stream(pair.pa);
            assert_int_equal(set_int(pair.pa, fds[n], SOL_SOCKET, SO_REUSEADDR, 1), 0);
            if (n == 1 && i == 0)
                assert_int_equal(connect_to(pair.pa, fds[0], B4, 2000), -EINPROGRESS);
            assert_int_equal(bind_to(pair.pa, fds[n], A4, 1999), 0);
        }
        if (i == 1)
            assert_int_equal(connect_to(pair.pa, fds[0], B4, 2000), -EINPROGRESS);
        assert_int_equal(connect_to(pair.pa, fds[1], B4, 2000), -errors[i]);
        pair_run(&pair, 100);
        assert_string_equal(lil_tcp_state(pair.pa, fds[0]), "ESTABLISHED");
        pair_fini(&pair);
    }
}

/* A socket may connect to itself: both SYNs cross (FACTS 5). */
static void test_self(void **state)
{
    struct pair pair;
    char byte = 'x';
    int fd;

    (void)state;
    pair_init(&pair, "linux", "linux");
    fd = stream(pair.pa);
    assert_int_equal(bind_to(pair.pa, fd, "127.0.0.1", 2000), 0);
    assert_int_equal(connect_to(pair.pa, fd, "127.0.0.1", 2000), -EINPROGRESS);
    pair_run(&pair, 100);
    assert_string_equal(lil_tcp_state(pair.pa, fd), "ESTABLISHED");
    assert_int_equal(lil_write(pair.pa, fd, &byte, 1), 1);
    pair_run(&pair, 100);
    byte = 0;
    assert_int_equal(lil_read(pair.pa, fd, &byte, 1), 1);
    assert_int_equal(byte, 'x');
    pair_fini(&pair);
}

/* --- hints and calls -------------------------------------------------------------------------- */
struct log {
    char hints[256], calls[1024];
};
static void note(void *ctx, const struct lil_trace *event)
{
    struct log *log = ctx;
    char *to = event->kind == LIL_TRACE_HINT ? log->hints : event->kind == LIL_TRACE_CALL ? log->calls : NULL;
    size_t size = to == log->hints ? sizeof log->hints : sizeof log->calls;

    if (to)
        snprintf(to + strlen(to), size - strlen(to), "%s;", event->text);
}

static void test_hint(void **state)
{
    struct log log = {"", ""};
    struct pair pair;
    int fd;

    (void)state;
    pair_init(&pair, "linux", "linux");
    lil_world_add_trace(pair.world, note, &log);
    listen_on(pair.pb, "0.0.0.0", 13, 5);
    log.calls[0] = '\0';
    fd = stream(pair.pa);
    assert_int_equal(connect_to(pair.pa, fd, B4, 3328), -EINPROGRESS);
    pair_run(&pair, 100);
    assert_string_equal(log.hints, "byte-swapped 13; htons() missing?;");
    assert_int_equal(connect_to(pair.pa, fd, B4, 3328), -ECONNREFUSED);
    assert_string_equal(log.calls,
                        "socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3;"
                        "connect(3, {sa_family=AF_INET, sin_port=htons(3328), sin_addr=inet_addr(\"192.0.2.2\")}, 16)"
                        " = -1 EINPROGRESS (Operation now in progress);"
                        "connect(3, {sa_family=AF_INET, sin_port=htons(3328), sin_addr=inet_addr(\"192.0.2.2\")}, 16)"
                        " = -1 ECONNREFUSED (Connection refused);");
    pair_fini(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_progress), cmocka_unit_test(test_again_linux),  cmocka_unit_test(test_again),
        cmocka_unit_test(test_listening),   cmocka_unit_test(test_any),          cmocka_unit_test(test_bad_addresses),
        cmocka_unit_test(test_names),       cmocka_unit_test(test_bound_client), cmocka_unit_test(test_mapped),
        cmocka_unit_test(test_dissolve),    cmocka_unit_test(test_same_flow),    cmocka_unit_test(test_self),
        cmocka_unit_test(test_hint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
