/* test_bind.c: bind(): FACTS.md section 6: which addresses and ports, and the whole matrix of address reuse. */
#include "socket_pair.h"
#include "socket/sock.h"

enum option { NONE, A /* both SO_REUSEADDR */, P /* both SO_REUSEPORT */, A2 /* the second only */ };
struct cell {
    const char *profile;
    int type;
    const char *first, *second;
    enum option option;
    bool listens; /* the first */
    int error;
};
#define ANY "0.0.0.0"
static const struct cell cells[] = {
    /* 4.4-Lite */
    {"4.4bsd", SOCK_STREAM, ANY, ANY, NONE, false, EADDRINUSE},
    {"4.4bsd", SOCK_STREAM, ANY, ANY, A, false, EADDRINUSE},
    {"4.4bsd", SOCK_STREAM, ANY, ANY, P, false, 0},
    {"4.4bsd", SOCK_STREAM, ANY, A4, NONE, false, EADDRINUSE},
    {"4.4bsd", SOCK_STREAM, ANY, A4, A, false, 0},
    {"4.4bsd", SOCK_STREAM, ANY, A4, P, false, 0},
    {"4.4bsd", SOCK_STREAM, A4, ANY, NONE, false, EADDRINUSE},
    {"4.4bsd", SOCK_STREAM, A4, ANY, A, false, 0},
    {"4.4bsd", SOCK_STREAM, A4, ANY, P, false, 0},
    {"4.4bsd", SOCK_STREAM, A4, A4, NONE, false, EADDRINUSE},
    {"4.4bsd", SOCK_STREAM, A4, A4, A, false, EADDRINUSE},
    {"4.4bsd", SOCK_STREAM, A4, A4, P, false, 0},
    {"4.4bsd", SOCK_STREAM, A4, "127.0.0.1", NONE, false, 0},
    {"4.4bsd", SOCK_STREAM, ANY, A4, A, true, 0},
    {"4.4bsd", SOCK_DGRAM, ANY, ANY, NONE, false, EADDRINUSE},
    {"4.4bsd", SOCK_DGRAM, ANY, ANY, A, false, EADDRINUSE},
    {"4.4bsd", SOCK_DGRAM, ANY, A4, A, false, 0},
    {"4.4bsd", SOCK_DGRAM, ANY, ANY, P, false, 0},
    /* BSD asks the new socket only */
    {"4.4bsd", SOCK_STREAM, ANY, A4, A2, false, 0},
    {"linux", SOCK_STREAM, ANY, A4, A2, false, EADDRINUSE},
    /* Linux TCP */
    {"linux", SOCK_STREAM, ANY, ANY, NONE, false, EADDRINUSE},
    {"linux", SOCK_STREAM, ANY, ANY, A, false, 0},
    {"linux", SOCK_STREAM, ANY, ANY, A, true, EADDRINUSE},
    {"linux", SOCK_STREAM, ANY, ANY, P, false, 0},
    {"linux", SOCK_STREAM, ANY, ANY, P, true, 0},
    {"linux", SOCK_STREAM, ANY, A4, NONE, false, EADDRINUSE},
    {"linux", SOCK_STREAM, ANY, A4, A, false, 0},
    {"linux", SOCK_STREAM, ANY, A4, A, true, EADDRINUSE},
    {"linux", SOCK_STREAM, ANY, A4, P, true, 0},
    {"linux", SOCK_STREAM, A4, ANY, NONE, false, EADDRINUSE},
    {"linux", SOCK_STREAM, A4, ANY, A, false, 0},
    {"linux", SOCK_STREAM, A4, ANY, A, true, EADDRINUSE},
    {"linux", SOCK_STREAM, A4, ANY, P, true, 0},
    {"linux", SOCK_STREAM, A4, A4, NONE, false, EADDRINUSE},
    {"linux", SOCK_STREAM, A4, A4, A, false, 0},
    {"linux", SOCK_STREAM, A4, A4, A, true, EADDRINUSE},
    {"linux", SOCK_STREAM, A4, A4, P, true, 0},
    {"linux", SOCK_STREAM, A4, "127.0.0.1", NONE, true, 0},
    /* Linux UDP */
    {"linux", SOCK_DGRAM, ANY, ANY, NONE, false, EADDRINUSE},
    {"linux", SOCK_DGRAM, ANY, ANY, A, false, 0},
    {"linux", SOCK_DGRAM, ANY, ANY, P, false, 0},
    {"linux", SOCK_DGRAM, ANY, A4, NONE, false, EADDRINUSE},
    {"linux", SOCK_DGRAM, ANY, A4, A, false, 0},
    {"linux", SOCK_DGRAM, A4, A4, A, false, 0},
    {"linux", SOCK_DGRAM, A4, A4, P, false, 0},
    {"linux", SOCK_DGRAM, A4, A4, NONE, false, EADDRINUSE},
    /* dual stack, Linux listeners: V6ONLY=0 */
    {"linux", SOCK_STREAM, "::", ANY, NONE, true, EADDRINUSE},
    {"linux", SOCK_STREAM, "::", "127.0.0.1", NONE, true, EADDRINUSE},
    {"linux", SOCK_STREAM, "::", ANY, A, true, EADDRINUSE},
    {"linux", SOCK_STREAM, "::", ANY, P, true, 0},
    {"linux", SOCK_STREAM, "::", "::1", NONE, true, EADDRINUSE},
    {"linux", SOCK_STREAM, "::", "::1", P, true, 0},
    {"linux", SOCK_STREAM, ANY, "::", NONE, true, EADDRINUSE},
    {"linux", SOCK_STREAM, A6, A4, NONE, true, 0},
};

static int open_with(struct lil_proc *p, const char *text, int type, bool reuseaddr, bool reuseport)
{
    int fd = lil_socket(p, strchr(text, ':') ? AF_INET6 : AF_INET, type, 0);

    assert_true(fd >= 0);
    if (reuseaddr)
        assert_int_equal(set_int(p, fd, SOL_SOCKET, SO_REUSEADDR, 1), 0);
    if (reuseport)
        assert_int_equal(set_int(p, fd, SOL_SOCKET, SO_REUSEPORT, 1), 0);
    return fd;
}

static void test_matrix(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
        const struct cell *cell = &cells[i];
        struct pair pair;
        int first, second, result;

        pair_init(&pair, cell->profile, "linux");
        first = open_with(pair.pa, cell->first, cell->type, cell->option == A, cell->option == P);
        second =
            open_with(pair.pa, cell->second, cell->type, cell->option == A || cell->option == A2, cell->option == P);
        assert_int_equal(bind_to(pair.pa, first, cell->first, 2000), 0);
        if (cell->listens)
            assert_int_equal(lil_listen(pair.pa, first, 5), 0);
        result = bind_to(pair.pa, second, cell->second, 2000);
        if (result != -cell->error)
            fail_msg("%s type %d: %s -> %s option %d%s: %s", cell->profile, cell->type, cell->first, cell->second,
                     cell->option, cell->listens ? " listening" : "", result ? strerrorname_np(-result) : "ok");
        pair_fini(&pair);
    }
}

/* Linux, A on both, neither listens: both may be bound, but only one may listen. */
static void test_two_bound_one_listens(void **state)
{
    struct pair pair;
    int first, second;

    (void)state;
    pair_init(&pair, "linux", "linux");
    first = open_with(pair.pa, ANY, SOCK_STREAM, true, false);
    second = open_with(pair.pa, ANY, SOCK_STREAM, true, false);
    assert_int_equal(bind_to(pair.pa, first, ANY, 2000), 0);
    assert_int_equal(bind_to(pair.pa, second, ANY, 2000), 0);
    assert_int_equal(lil_listen(pair.pa, first, 5), 0);
    assert_fails(lil_listen(pair.pa, second, 5), EADDRINUSE);
    pair_fini(&pair);
}

static void test_v6only(void **state)
{
    struct pair pair;
    int first, second;

    (void)state;
    pair_init(&pair, "linux", "linux");
    first = open_with(pair.pa, "::", SOCK_STREAM, false, false);
    second = open_with(pair.pa, ANY, SOCK_STREAM, false, false);
    assert_int_equal(set_int(pair.pa, first, IPPROTO_IPV6, IPV6_V6ONLY, 1), 0);
    assert_int_equal(bind_to(pair.pa, first, "::", 2000), 0);
    assert_int_equal(lil_listen(pair.pa, first, 5), 0);
    assert_int_equal(bind_to(pair.pa, second, ANY, 2000), 0);
    assert_int_equal(set_int(pair.pa, first, IPPROTO_IPV6, IPV6_V6ONLY, 0), -EINVAL); /* too late */
    pair_fini(&pair);
}

/* FACTS 6, SO_REUSEPORT: one owner. */
static void test_reuseport_is_for_one_user(void **state)
{
    struct pair pair;
    struct lil_proc *other;
    int first, second;

    (void)state;
    pair_init(&pair, "linux", "linux");
    other = lil_proc_new(pair.a);
    lil_proc_set_uid(other, 1000);
    first = open_with(pair.pa, ANY, SOCK_STREAM, false, true);
    second = open_with(other, ANY, SOCK_STREAM, false, true);
    assert_int_equal(bind_to(pair.pa, first, ANY, 2000), 0);
    assert_int_equal(bind_to(other, second, ANY, 2000), -EADDRINUSE);
    lil_proc_free(other);
    pair_fini(&pair);
}

/* A connection or TIME-WAIT that a listener left: with SO_REUSEADDR on the new socket BSD binds, Linux wants it on the
 * old one too; SO_REUSEPORT is another thing. */
static void rebind(const char *profile, int old, int new, bool is_time_wait, int error)
{
    struct pair pair;
    int listener, at_a, at_b, again;

    pair_init(&pair, "linux", profile);
    listener = open_with(pair.pb, ANY, SOCK_STREAM, old == A, old == P);
    assert_int_equal(bind_to(pair.pb, listener, ANY, 2000), 0);
    assert_int_equal(lil_listen(pair.pb, listener, 5), 0);
    pair_connect(&pair, listener, B4, 2000, &at_a, &at_b);
    lil_close(pair.pb, listener);
    if (is_time_wait) { /* the server closes first */
        lil_close(pair.pb, at_b);
        pair_run(&pair, 10);
        lil_close(pair.pa, at_a);
        pair_run(&pair, 10);
    }
    again = open_with(pair.pb, ANY, SOCK_STREAM, new == A, new == P);
    if (bind_to(pair.pb, again, ANY, 2000) != -error)
        fail_msg("%s old %d new %d time-wait %d", profile, old, new, is_time_wait);
    pair_fini(&pair);
}

static void test_what_a_listener_left(void **state)
{
    (void)state;
    for (int is_time_wait = 0; is_time_wait < 2; is_time_wait++) {
        rebind("4.4bsd", NONE, NONE, is_time_wait, EADDRINUSE);
        rebind("4.4bsd", NONE, A, is_time_wait, 0);
        rebind("linux", NONE, NONE, is_time_wait, EADDRINUSE);
        rebind("linux", NONE, A, is_time_wait, EADDRINUSE);
        rebind("linux", A, A, is_time_wait, 0);
        rebind("linux", P, P, is_time_wait, 0);
        rebind("linux", A, P, is_time_wait, EADDRINUSE);
        rebind("linux", P, A, is_time_wait, EADDRINUSE);
    }
}

/* --- addresses and ports ---------------------------------------------------------------------- */
static void test_reserved_ports(void **state)
{
    static const char *const profiles[] = {"4.2bsd", "4.4bsd", "freebsd", "linux"};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct pair pair;
        int fd;

        pair_init(&pair, profiles[i], "linux");
        lil_proc_set_uid(pair.pa, 1000);
        fd = lil_socket(pair.pa, AF_INET, SOCK_STREAM, 0);
        assert_int_equal(bind_to(pair.pa, fd, ANY, 1023), -EACCES);
        assert_int_equal(bind_to(pair.pa, fd, ANY, 1024), 0);
        pair_fini(&pair);
    }
}

static void test_second_bind(void **state)
{
    struct pair pair;
    int fd, listener;

    (void)state;
    pair_init(&pair, "4.4bsd", "linux");
    fd = lil_socket(pair.pa, AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind_to(pair.pa, fd, ANY, 2000), 0);
    assert_int_equal(bind_to(pair.pa, fd, ANY, 2001), -EINVAL);
    listener = lil_socket(pair.pb, AF_INET, SOCK_STREAM, 0);
    assert_int_equal(lil_listen(pair.pb, listener, 5), 0); /* without bind(): a port of the kernel's choice */
    assert_int_not_equal(local_port(pair.pb, listener), 0);
    assert_int_equal(bind_to(pair.pb, listener, ANY, 2001), -EINVAL);
    pair_fini(&pair);
}

static void test_addresses(void **state)
{
    struct pair pair;
    struct sockaddr_in sin = {.sin_family = AF_INET};
    int fd;

    (void)state;
    pair_init(&pair, "4.4bsd", "linux");
    fd = lil_socket(pair.pa, AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind_to(pair.pa, fd, "192.0.2.9", 2000), -EADDRNOTAVAIL);
    fd = lil_socket(pair.pb, AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind_to(pair.pb, fd, "192.0.2.9", 2000), -EADDRNOTAVAIL);
    /* INADDR_LOOPBACK without htonl: 1.0.0.127 is nobody's */
    sin.sin_addr.s_addr = INADDR_LOOPBACK;
    assert_fails(lil_bind(pair.pb, fd, (struct sockaddr *)&sin, sizeof sin), EADDRNOTAVAIL);
    /* Linux: broadcast and multicast binds work; AF_UNSPEC with any works, with an address it is EAFNOSUPPORT; short
     * length EINVAL */
    assert_fails(lil_bind(pair.pb, fd, (struct sockaddr *)&sin, 8), EINVAL);
    sin = (struct sockaddr_in){.sin_family = AF_UNSPEC, .sin_addr.s_addr = htonl(0xc0000202)};
    assert_fails(lil_bind(pair.pb, fd, (struct sockaddr *)&sin, sizeof sin), EAFNOSUPPORT);
    sin.sin_family = AF_INET6;
    assert_fails(lil_bind(pair.pb, fd, (struct sockaddr *)&sin, sizeof sin), EAFNOSUPPORT);
    sin = (struct sockaddr_in){.sin_family = AF_UNSPEC, .sin_port = htons(2001)};
    assert_int_equal(lil_bind(pair.pb, fd, (struct sockaddr *)&sin, sizeof sin), 0);
    assert_int_equal(local_port(pair.pb, fd), 2001);
    fd = lil_socket(pair.pb, AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind_to(pair.pb, fd, "192.0.2.255", 2002), 0);
    fd = lil_socket(pair.pb, AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(bind_to(pair.pb, fd, "224.0.0.9", 2002), 0);
    pair_fini(&pair);
}

static unsigned port_of(const char *profile, int type)
{
    struct lil_host *host = lil_host_new(&(struct lil_host_config){.profile = profile, .seed = 3});
    struct lil_proc *p = lil_proc_new(host);
    int fd = lil_socket(p, AF_INET, type, 0);
    unsigned port;

    assert_int_equal(bind_to(p, fd, ANY, 0), 0);
    port = local_port(p, fd);
    lil_host_free(host);
    return port;
}

static void test_ephemeral(void **state)
{
    unsigned port;

    (void)state;
    assert_int_equal(port_of("4.2bsd", SOCK_STREAM), 1024);
    assert_int_equal(port_of("4.4bsd", SOCK_STREAM), 1024);
    assert_int_equal(port_of("4.4bsd", SOCK_DGRAM), 1024);
    port = port_of("freebsd", SOCK_STREAM);
    assert_in_range(port, 10000, 65535);
    port = port_of("macos", SOCK_STREAM);
    assert_in_range(port, 49152, 65535);
    port = port_of("linux", SOCK_STREAM);
    assert_in_range(port, 32768, 60999);
    assert_int_equal(port % 2, 1);
}

/* 4.4BSD counts up and wraps at 5000; a used port is passed over. */
static void test_sequential(void **state)
{
    struct lil_host *host = lil_host_new(&(struct lil_host_config){.profile = "4.4bsd", .seed = 3});
    struct lil_proc *p = lil_proc_new(host);
    int taken = lil_socket(p, AF_INET, SOCK_STREAM, 0), fd;

    (void)state;
    assert_int_equal(bind_to(p, taken, ANY, 1030), 0);
    for (unsigned expected = 1024; expected <= 5000; expected++) {
        fd = lil_socket(p, AF_INET, SOCK_STREAM, 0);
        assert_int_equal(bind_to(p, fd, ANY, 0), 0);
        assert_int_equal(local_port(p, fd), expected == 1030 ? ++expected : expected);
    }
    fd = lil_socket(p, AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind_to(p, fd, ANY, 0), -EADDRNOTAVAIL);
    lil_host_free(host);
}

static void test_all_ports_used(void **state)
{
    struct lil_host *host = lil_host_new(&(struct lil_host_config){.profile = "linux", .seed = 3});
    struct lil_proc *p = lil_proc_new(host);
    unsigned odd = 0;
    int fd;

    (void)state;
    for (unsigned i = 0; i < 60999 - 32768 + 1; i++) {
        fd = lil_socket(p, AF_INET, SOCK_STREAM, 0);
        assert_int_equal(bind_to(p, fd, ANY, 0), 0);
        odd += i < 14116 && local_port(p, fd) % 2 == 1;
    }
    assert_int_equal(odd, 14116); /* the odd ones first */
    fd = lil_socket(p, AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind_to(p, fd, ANY, 0), -EADDRINUSE);
    lil_host_free(host);
}

static void check_use(struct pair *pair, uint32_t users, uint32_t strict)
{
    struct port_use use = tcp_port_use(pair->pb->sockets->tcp, 2000);

    assert_int_equal(use.users, users);
    assert_int_equal(use.strict, strict);
}

/* A port is taken while a connection, a request or a TIME-WAIT has it, and free with the last of them; each counts as strict while its
 * socket does not say SO_REUSEADDR, and its TIME-WAIT as it ended. bind() asks connections only where that may matter. */
static void test_port_users(void **state)
{
    struct pair pair;
    int listener, at_a[3], at_b[3], one = 1, other;

    (void)state;
    pair_init(&pair, "linux", "linux");
    listener = open_with(pair.pb, ANY, SOCK_STREAM, false, false);
    assert_int_equal(bind_to(pair.pb, listener, ANY, 2000), 0);
    assert_int_equal(lil_listen(pair.pb, listener, 5), 0);
    for (unsigned i = 0; i < 3; i++) {
        pair_connect(&pair, listener, B4, 2000, &at_a[i], &at_b[i]);
        check_use(&pair, i + 1, i + 1);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(lil_setsockopt(pair.pb, at_b[i], SOL_SOCKET, SO_REUSEADDR, &one, sizeof one), 0);
        assert_int_equal(lil_setsockopt(pair.pb, at_b[i], SOL_SOCKET, SO_REUSEADDR, &one, sizeof one), 0);
    }
    check_use(&pair, 3, 1);
    lil_close(pair.pb, listener);
    other = open_with(pair.pb, ANY, SOCK_STREAM, true, false);
    assert_int_equal(bind_to(pair.pb, other, ANY, 2000), -EADDRINUSE); /* the third objects */
    for (int i = 0; i < 3; i++) { /* the server closes the first two, the client the third */
        lil_close(i < 2 ? pair.pb : pair.pa, i < 2 ? at_b[i] : at_a[i]);
        pair_run(&pair, 10);
        lil_close(i < 2 ? pair.pa : pair.pb, i < 2 ? at_a[i] : at_b[i]);
        pair_run(&pair, 10);
    }
    check_use(&pair, 2, 0);
    assert_int_equal(bind_to(pair.pb, other, ANY, 2000), 0);
    lil_close(pair.pb, other);
    other = open_with(pair.pb, ANY, SOCK_STREAM, false, false);
    assert_int_equal(bind_to(pair.pb, other, ANY, 2000), -EADDRINUSE); /* who does not say SO_REUSEADDR asks all */
    pair_run(&pair, 61000);
    check_use(&pair, 0, 0);
    assert_int_equal(bind_to(pair.pb, other, ANY, 2000), 0);
    pair_fini(&pair);
}

/* An own link-local address: every name tells its zone, the interface that has it, also where the packets went round the loopback (Linux's
 * inet6_iif; Twisted's tests ask for all of these). */
static void test_zone(void **state)
{
    struct pair pair;
    union name name = {0}, at;
    socklen_t length = sizeof at;
    (void)state;

    pair_init(&pair, "linux", "linux");
    int eth0 = lil_interface_index(pair.a, "eth0");
    assert_int_equal(lil_address_add(pair.a, eth0, "fe80::1/64"), 0);
    pair_run(&pair, 2000);
    for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++) {
        int server = lil_socket(pair.pa, AF_INET6, type, 0), client = lil_socket(pair.pa, AF_INET6, type, 0), peer = server;
        name_of(&name, "fe80::1", 7000);
        name.in6.sin6_scope_id = (uint32_t)eth0;
        assert_int_equal(lil_bind(pair.pa, server, &name.sa, sizeof name.in6), 0);
        assert_int_equal(lil_getsockname(pair.pa, server, &at.sa, &length), 0);
        assert_int_equal(at.in6.sin6_scope_id, eth0);
        if (type == SOCK_STREAM)
            assert_int_equal(lil_listen(pair.pa, server, 1), 0);
        (void)lil_connect(pair.pa, client, &name.sa, sizeof name.in6);
        pair_run(&pair, 10);
        assert_int_equal(lil_getsockname(pair.pa, client, &at.sa, &length), 0);
        assert_int_equal(at.in6.sin6_scope_id, eth0);
        assert_int_equal(lil_send(pair.pa, client, "x", 1, 0), 1);
        pair_run(&pair, 10);
        if (type == SOCK_STREAM) {
            peer = lil_accept(pair.pa, server, &at.sa, &length);
            assert_true(peer >= 0);
        } else {
            char byte;
            assert_int_equal(lil_recvfrom(pair.pa, peer, &byte, 1, 0, &at.sa, &length), 1);
        }
        assert_int_equal(at.in6.sin6_scope_id, eth0);
        assert_int_equal(lil_getsockname(pair.pa, peer, &at.sa, &length), 0);
        assert_int_equal(at.in6.sin6_scope_id, eth0);
    }
    pair_fini(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matrix),
        cmocka_unit_test(test_two_bound_one_listens),
        cmocka_unit_test(test_v6only),
        cmocka_unit_test(test_reuseport_is_for_one_user),
        cmocka_unit_test(test_what_a_listener_left),
        cmocka_unit_test(test_reserved_ports),
        cmocka_unit_test(test_second_bind),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_ephemeral),
        cmocka_unit_test(test_sequential),
        cmocka_unit_test(test_all_ports_used),
        cmocka_unit_test(test_port_users),
        cmocka_unit_test(test_zone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
