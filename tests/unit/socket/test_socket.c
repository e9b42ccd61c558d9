/* test_socket.c: socket(): FACTS.md section 7, cell by cell, and PF_x = AF_x. */
#include "socket_pair.h"

struct row {
    const char *profile;
    int domain, type, protocol;
    unsigned uid;
    int error; /* 0: a descriptor */
};
static const struct row rows[] = {
    /* the valid pairs of UNP figure 4.4 that are of this issue */
    {"linux", AF_INET, SOCK_STREAM, 0, 0, 0},
    {"linux", AF_INET, SOCK_STREAM, IPPROTO_TCP, 0, 0},
    {"linux", AF_INET, SOCK_DGRAM, 0, 0, 0},
    {"linux", AF_INET, SOCK_DGRAM, IPPROTO_UDP, 1000, 0},
    {"linux", AF_INET, SOCK_DGRAM, IPPROTO_ICMP, 0, 0},
    {"linux", AF_INET, SOCK_RAW, IPPROTO_ICMP, 0, 0},
    {"linux", AF_INET6, SOCK_STREAM, 0, 0, 0},
    {"linux", AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6, 0, 0},
    {"linux", AF_INET6, SOCK_RAW, IPPROTO_ICMPV6, 0, 0},
    {"linux", AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, 0, 0},
    {"4.4bsd", AF_INET, SOCK_STREAM, 0, 0, 0},
    {"4.2bsd", AF_INET, SOCK_DGRAM, 0, 0, 0},
    {"freebsd", AF_INET6, SOCK_STREAM, 0, 0, 0},
    /* unknown family */
    {"4.2bsd", 99, SOCK_STREAM, 0, 0, EPROTONOSUPPORT},
    {"4.3bsd", 99, SOCK_STREAM, 0, 0, EPROTONOSUPPORT},
    {"4.4bsd", 99, SOCK_STREAM, 0, 0, EPROTONOSUPPORT},
    {"freebsd", 99, SOCK_STREAM, 0, 0, EAFNOSUPPORT},
    {"linux", 99, SOCK_STREAM, 0, 0, EAFNOSUPPORT},
    {"linux", 99, 77, 0, 0, EAFNOSUPPORT}, /* checked before the type */
    {"linux", -1, SOCK_STREAM, 0, 0, EAFNOSUPPORT},
    /* unknown type, protocol 0 */
    {"4.2bsd", AF_INET, 9, 0, 0, EPROTONOSUPPORT},
    {"4.4bsd", AF_INET, 9, 0, 0, EPROTONOSUPPORT},
    {"freebsd", AF_INET, 9, 0, 0, EPROTOTYPE},
    {"linux", AF_INET, 9, 0, 0, ESOCKTNOSUPPORT},
    {"linux", AF_INET, SOCK_RDM, 0, 0, ESOCKTNOSUPPORT},
    {"linux", AF_INET, 11, 0, 0, EINVAL},
    {"linux", AF_INET, 0x10000 | SOCK_STREAM, 0, 0, EINVAL},
    /* a protocol of another type */
    {"4.3bsd", AF_INET, SOCK_STREAM, IPPROTO_UDP, 0, EPROTONOSUPPORT},
    {"4.4bsd", AF_INET, SOCK_STREAM, IPPROTO_UDP, 0, EPROTONOSUPPORT},
    {"freebsd", AF_INET, SOCK_STREAM, IPPROTO_UDP, 0, EPROTONOSUPPORT},
    {"linux", AF_INET, SOCK_STREAM, IPPROTO_UDP, 0, EPROTONOSUPPORT},
    {"linux", AF_INET, SOCK_DGRAM, IPPROTO_TCP, 0, EPROTONOSUPPORT},
    /* raw */
    {"linux", AF_INET, SOCK_RAW, 0, 0, EPROTONOSUPPORT},
    {"linux", AF_INET, SOCK_RAW, IPPROTO_ICMP, 1000, EPERM},
    /* a protocol out of range */
    {"linux", AF_INET, SOCK_STREAM, -1, 0, EINVAL},
    {"linux", AF_INET, SOCK_STREAM, 1000, 0, EINVAL},
    {"linux", AF_INET, SOCK_RAW, 1000, 0, EINVAL},
};

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        struct lil_host *host = lil_host_new(&(struct lil_host_config){.profile = row->profile, .seed = 1});
        struct lil_proc *p = lil_proc_new(host);
        int fd;

        lil_proc_set_uid(p, row->uid);
        errno = 0;
        fd = lil_socket(p, row->domain, row->type, row->protocol);
        if ((fd < 0 ? errno : 0) != row->error)
            fail_msg("%s: socket(%d, %d, %d): %s, expected %s", row->profile, row->domain, row->type, row->protocol,
                     fd < 0 ? strerrorname_np(errno) : "ok", row->error ? strerrorname_np(row->error) : "ok");
        lil_host_free(host);
    }
}

static void test_pf_is_af(void **state)
{
    (void)state;
    assert_int_equal(PF_INET, AF_INET);
    assert_int_equal(PF_INET6, AF_INET6);
    assert_int_equal(PF_UNIX, AF_UNIX);
    assert_int_equal(PF_ROUTE, AF_ROUTE);
}

static void test_what_it_is(void **state)
{
    struct lil_host *host = lil_host_new(&(struct lil_host_config){.seed = 1});
    struct lil_proc *p = lil_proc_new(host);
    int fd = lil_socket(p, AF_INET6, SOCK_DGRAM, 0);

    (void)state;
    assert_int_equal(get_int(p, fd, SOL_SOCKET, SO_TYPE), SOCK_DGRAM);
    assert_int_equal(get_int(p, fd, SOL_SOCKET, SO_DOMAIN), AF_INET6);
    assert_int_equal(get_int(p, fd, SOL_SOCKET, SO_PROTOCOL), IPPROTO_UDP);
    fd = lil_socket(p, AF_INET, SOCK_STREAM, 0);
    assert_int_equal(get_int(p, fd, SOL_SOCKET, SO_PROTOCOL), IPPROTO_TCP);
    assert_int_equal(get_int(p, fd, SOL_SOCKET, SO_ACCEPTCONN), 0);
    assert_string_equal(lil_tcp_state(p, fd), "CLOSED");
    lil_host_free(host);
}

static void test_socketpair(void **state)
{
    struct lil_host *host = lil_host_new(&(struct lil_host_config){.seed = 1});
    struct lil_proc *p = lil_proc_new(host);
    int fds[2];

    (void)state;
    assert_fails(lil_socketpair(p, AF_INET, SOCK_STREAM, 0, fds), EOPNOTSUPP);
    lil_host_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_pf_is_af),
        cmocka_unit_test(test_what_it_is),
        cmocka_unit_test(test_socketpair),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
