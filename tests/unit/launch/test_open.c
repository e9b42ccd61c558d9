/* test_open.c: which opens are the lab's: paths as programs write them. */
#include "unit/check.h"
#include <string.h>
#include "launch/procnet.h"

static void test_normalize(void **state)
{
    static const char *const pairs[][2] = {{"/proc//net///tcp", "/proc/net/tcp"},
                                           {"/proc/./net/././tcp", "/proc/net/tcp"},
                                           {"/a/.hidden", "/a/.hidden"},
                                           {"/proc/net/.", "/proc/net/"},
                                           {"/", "/"},
                                           {"", ""},
                                           {"relative/./x", "relative/x"},
                                           {"/a/..b", "/a/..b"}};
    char path[64];
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        strcpy(path, pairs[i][0]);
        open_normalize(path);
        assert_string_equal(path, pairs[i][1]);
    }
}

static void test_classify(void **state)
{
    static const struct {
        const char *path;
        enum open_what what;
        const char *rest;
    } cases[] = {
        {"/proc/net/tcp", OPEN_PROC_NET, "tcp"}, {"/proc/self/net/dev", OPEN_PROC_NET, "dev"},
        {"/proc/thread-self/net/dev", OPEN_PROC_NET, "dev"}, {"/proc/123/net/tcp6", OPEN_PROC_NET, "tcp6"},
        {"/proc/123/task/124/net/udp", OPEN_PROC_NET, "udp"},
        {"/proc/net/stat/arp_cache", OPEN_PROC_NET, "stat/arp_cache"}, {"/proc/net", OPEN_NATIVE, NULL},
        {"/proc/self/status", OPEN_NATIVE, NULL}, {"/proc/network", OPEN_NATIVE, NULL},
        {"/proc/123/netx", OPEN_NATIVE, NULL}, {"/proc/123", OPEN_NATIVE, NULL}, {"/proc/", OPEN_NATIVE, NULL},
        {"/etc/net/tcp", OPEN_NATIVE, NULL}, {"/proc/sys/net/core/somaxconn", OPEN_SYSCTL, "core/somaxconn"},
        {"/proc/sys/net/", OPEN_NATIVE, NULL}, {"/proc/sys/kernel/osrelease", OPEN_NATIVE, NULL},
        {"/sys/class/net", OPEN_ABSENT, NULL}, {"/sys/class/net/eth0/mtu", OPEN_ABSENT, NULL},
        {"/sys/class/network", OPEN_NATIVE, NULL}, {"/dev/net/tun", OPEN_ABSENT, NULL},
        {"/dev/null", OPEN_NATIVE, NULL}, {"/dev/vhost-net", OPEN_ABSENT, NULL}};
    const char *rest;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(open_classify(cases[i].path, &rest), cases[i].what);
        if (cases[i].rest)
            assert_string_equal(rest, cases[i].rest);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_normalize), cmocka_unit_test(test_classify)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
