/* test_socket.c: socket() (UNP 4.2, figures 4.2 to 4.4; FACTS 7): the valid pairs, and what each stack says of the
 * others. */
#include "sim/scenario.h"

struct request {
    int family, type, protocol;
};
struct verdicts {
    struct request requests[12];
    int errors[12]; /* 0: a descriptor */
    unsigned count;
    int got[12];
};

static int ask_main(struct lil_proc *p, void *argument)
{
    struct verdicts *v = argument;
    for (unsigned i = 0; i < v->count; i++) {
        int fd = lil_socket(p, v->requests[i].family, v->requests[i].type, v->requests[i].protocol);
        v->got[i] = fd < 0 ? errno : 0;
        if (fd >= 0)
            assert_int_equal(lil_close(p, fd), 0);
    }
    return 0;
}

static void ask(const char *profile, const struct verdicts *rows)
{
    struct scene s;
    struct verdicts v = *rows;
    scene_two(&s, profile, "linux");
    scene_program(&s, ask_main, &v, 1);
    for (unsigned i = 0; i < v.count; i++)
        if (v.got[i] != v.errors[i])
            fail_msg("%s: socket(%d, %d, %d) is %s instead of %s", profile, v.requests[i].family, v.requests[i].type,
                     v.requests[i].protocol, v.got[i] ? strerrorname_np(v.got[i]) : "fine",
                     v.errors[i] ? strerrorname_np(v.errors[i]) : "fine");
    scene_end(&s);
}

/* Figure 4.4 as far as this issue goes: INET and INET6 with STREAM, DGRAM and RAW. */
static void test_valid(void **state)
{
    static const char *const profiles[] = {"4.4bsd", "freebsd", "linux24", "linux"};
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(profiles); i++)
        ask(profiles[i], &(struct verdicts){.requests = {{AF_INET, SOCK_STREAM, 0},
                                                         {AF_INET, SOCK_STREAM, IPPROTO_TCP},
                                                         {AF_INET, SOCK_DGRAM, 0},
                                                         {AF_INET, SOCK_DGRAM, IPPROTO_UDP},
                                                         {AF_INET, SOCK_RAW, IPPROTO_ICMP}},
                                            .count = 5});
    ask("linux", &(struct verdicts){.requests = {{AF_INET6, SOCK_STREAM, 0},
                                                 {AF_INET6, SOCK_STREAM, IPPROTO_TCP},
                                                 {AF_INET6, SOCK_DGRAM, 0},
                                                 {AF_INET6, SOCK_DGRAM, IPPROTO_UDP}},
                                    .count = 4});
}

static void test_bad_linux(void **state)
{
    (void)state;
    ask("linux", &(struct verdicts){.requests = {{99, SOCK_STREAM, 0},
                                                 {99, 11, 0},
                                                 {AF_INET, 7, 0},
                                                 {AF_INET, 11, 0},
                                                 {AF_INET, SOCK_STREAM, IPPROTO_UDP},
                                                 {AF_INET, SOCK_RAW, 0},
                                                 {AF_INET, SOCK_STREAM, -1},
                                                 {AF_INET, SOCK_STREAM, 1000}},
                                    .errors = {EAFNOSUPPORT, EAFNOSUPPORT /* before type */, ESOCKTNOSUPPORT, EINVAL,
                                               EPROTONOSUPPORT, EPROTONOSUPPORT, EINVAL, EINVAL},
                                    .count = 8});
}

static void test_bad_bsd(void **state)
{
    static const char *const profiles[] = {"4.2bsd", "4.3bsd", "4.4bsd"};
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(profiles); i++)
        ask(profiles[i], &(struct verdicts){.requests = {{99, SOCK_STREAM, 0}, {AF_INET, 9, 0}},
                                            .errors = {EPROTONOSUPPORT, EPROTONOSUPPORT},
                                            .count = 2});
    for (size_t i = 1; i < ARRAY_COUNT(profiles); i++)
        ask(profiles[i],
            &(struct verdicts){
                .requests = {{AF_INET, SOCK_STREAM, IPPROTO_UDP}}, .errors = {EPROTONOSUPPORT}, .count = 1});
    ask("freebsd",
        &(struct verdicts){.requests = {{99, SOCK_STREAM, 0}, {AF_INET, 9, 0}, {AF_INET, SOCK_STREAM, IPPROTO_UDP}},
                           .errors = {EAFNOSUPPORT, EPROTOTYPE, EPROTONOSUPPORT},
                           .count = 3});
}

/* RAW, not root: EPERM (Linux, measured). */
static int user_main(struct lil_proc *p, void *argument)
{
    lil_proc_set_uid(p, 1000);
    int *errors = argument;
    errors[0] = lil_socket(p, AF_INET, SOCK_RAW, IPPROTO_ICMP) < 0 ? errno : 0;
    int fd = lil_socket(p, AF_INET, SOCK_STREAM, 0);
    errors[1] = bind_to(p, fd, "0.0.0.0", 80) < 0 ? errno : 0; /* a reserved port */
    errors[2] = bind_to(p, fd, "0.0.0.0", 8080) < 0 ? errno : 0;
    return 0;
}

static void test_not_root(void **state)
{
    struct scene s;
    int errors[3] = {-1, -1, -1};
    (void)state;
    scene_two(&s, "linux", "linux");
    scene_program(&s, user_main, errors, 1);
    assert_errno(errors[0], EPERM);
    assert_errno(errors[1], EACCES);
    assert_errno(errors[2], 0);
    scene_end(&s);
}

/* "PF_xxx and AF_xxx have the same values" (UNP 4.2). */
static void test_pf_is_af(void **state)
{
    (void)state;
    assert_int_equal(PF_INET, AF_INET);
    assert_int_equal(PF_INET6, AF_INET6);
    assert_int_equal(PF_LOCAL, AF_LOCAL);
    assert_int_equal(PF_ROUTE, AF_ROUTE);
}

/* SOCK_NONBLOCK and SOCK_CLOEXEC come with the type (Linux). */
static int flags_main(struct lil_proc *p, void *argument)
{
    (void)argument;
    int fd = lil_socket(p, AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_true(lil_fcntl(p, fd, F_GETFL, 0) & O_NONBLOCK);
    assert_true(lil_fcntl(p, fd, F_GETFD, 0) & FD_CLOEXEC);
    int other = lil_socket(p, AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(other, fd + 1); /* the lowest free */
    assert_int_equal(lil_close(p, fd), 0);
    assert_int_equal(lil_socket(p, AF_INET, SOCK_DGRAM, 0), fd);
    assert_int_equal(lil_close(p, 900), -1);
    assert_errno(errno, EBADF);
    return 0;
}

static void test_flags(void **state)
{
    struct scene s;
    (void)state;
    scene_two(&s, "linux", "linux");
    scene_program(&s, flags_main, NULL, 1);
    scene_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_valid),    cmocka_unit_test(test_bad_linux),
                                       cmocka_unit_test(test_bad_bsd),  cmocka_unit_test(test_not_root),
                                       cmocka_unit_test(test_pf_is_af), cmocka_unit_test(test_flags)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
