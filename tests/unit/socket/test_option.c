/* test_option.c: socket options (UNP chapter 7): values that come back, defaults, bounds, the errno of what does not
 * exist; interface requests. */
#include <net/if.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include "socket_pair.h"

static struct pair pair;
static struct lil_proc *p;

static int set_up(void **state)
{
    (void)state;
    pair_init(&pair, "linux", "4.4bsd");
    p = pair.pa;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pair_fini(&pair);
    return 0;
}

struct row {
    int family, type, level, name, value, back; /* back: what getsockopt then says; negative: set's error */
};
static const struct row rows[] = {
    {AF_INET, SOCK_STREAM, SOL_SOCKET, SO_REUSEADDR, 7, 1},
    {AF_INET, SOCK_STREAM, SOL_SOCKET, SO_REUSEPORT, 1, 1},
    {AF_INET, SOCK_STREAM, SOL_SOCKET, SO_KEEPALIVE, 1, 1},
    {AF_INET, SOCK_STREAM, SOL_SOCKET, SO_OOBINLINE, 1, 1},
    {AF_INET, SOCK_STREAM, SOL_SOCKET, SO_RCVBUF, 10000, 20000}, /* Linux doubles */
    {AF_INET, SOCK_STREAM, SOL_SOCKET, SO_RCVBUF, 1, 2304},
    {AF_INET, SOCK_STREAM, SOL_SOCKET, SO_SNDBUF, 10000, 20000},
    {AF_INET, SOCK_STREAM, SOL_SOCKET, SO_SNDBUF, 1, 4608},
    {AF_INET, SOCK_STREAM, SOL_SOCKET, SO_SNDBUF, 1 << 30, 8388608},
    {AF_INET, SOCK_DGRAM, SOL_SOCKET, SO_RCVBUF, 10000, 20000},
    {AF_INET, SOCK_STREAM, SOL_SOCKET, SO_RCVLOWAT, 100, 100},
    {AF_INET, SOCK_STREAM, SOL_SOCKET, SO_RCVLOWAT, 0, 1},
    {AF_INET, SOCK_STREAM, SOL_SOCKET, SO_SNDLOWAT, 1, -ENOPROTOOPT},
    {AF_INET, SOCK_DGRAM, SOL_SOCKET, SO_BROADCAST, 1, 1},
    {AF_INET, SOCK_DGRAM, SOL_SOCKET, SO_DONTROUTE, 1, 1},
    {AF_INET, SOCK_DGRAM, SOL_SOCKET, SO_TIMESTAMP, 1, 1},
    {AF_INET, SOCK_STREAM, SOL_SOCKET, SO_PRIORITY, 5, 5},
    {AF_INET, SOCK_STREAM, SOL_SOCKET, SO_ERROR, 1, -ENOPROTOOPT},
    {AF_INET, SOCK_STREAM, SOL_SOCKET, SO_TYPE, 1, -ENOPROTOOPT},
    {AF_INET, SOCK_STREAM, SOL_SOCKET, 9999, 1, -ENOPROTOOPT},
    {AF_INET, SOCK_STREAM, IPPROTO_IP, IP_TTL, 9, 9},
    {AF_INET, SOCK_STREAM, IPPROTO_IP, IP_TTL, 256, -EINVAL},
    {AF_INET, SOCK_STREAM, IPPROTO_IP, IP_TTL, 0, -EINVAL},
    {AF_INET, SOCK_STREAM, IPPROTO_IP, IP_TTL, -1, 64},
    {AF_INET, SOCK_STREAM, IPPROTO_IP, IP_TOS, 0x13, 0x10}, /* TCP's ECN bits are not the program's */
    {AF_INET, SOCK_DGRAM, IPPROTO_IP, IP_TOS, 0x13, 0x13},
    {AF_INET, SOCK_DGRAM, IPPROTO_IP, IP_RECVERR, 1, 1},
    {AF_INET, SOCK_DGRAM, IPPROTO_IP, IP_PKTINFO, 1, 1},
    {AF_INET, SOCK_DGRAM, IPPROTO_IP, IP_RECVTTL, 1, 1},
    {AF_INET, SOCK_DGRAM, IPPROTO_IP, IP_RECVTOS, 1, 1},
    {AF_INET, SOCK_DGRAM, IPPROTO_IP, IP_HDRINCL, 1, -ENOPROTOOPT},
    {AF_INET, SOCK_DGRAM, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO, IP_PMTUDISC_DO},
    {AF_INET, SOCK_DGRAM, IPPROTO_IP, IP_MTU_DISCOVER, 77, -EINVAL},
    {AF_INET, SOCK_DGRAM, IPPROTO_IP, IP_MULTICAST_TTL, 5, 5},
    {AF_INET, SOCK_DGRAM, IPPROTO_IP, IP_MULTICAST_LOOP, 0, 0},
    {AF_INET, SOCK_DGRAM, IPPROTO_IP, 9999, 0, -ENOPROTOOPT},
    {AF_INET6, SOCK_STREAM, IPPROTO_IPV6, IPV6_V6ONLY, 1, 1},
    {AF_INET6, SOCK_DGRAM, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 9, 9},
    {AF_INET6, SOCK_DGRAM, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1, 1},
    {AF_INET6, SOCK_DGRAM, IPPROTO_IPV6, IPV6_TCLASS, 0x20, 0x20},
    {AF_INET, SOCK_DGRAM, IPPROTO_IPV6, IPV6_V6ONLY, 1, -ENOPROTOOPT},
    {AF_INET, SOCK_STREAM, IPPROTO_TCP, TCP_NODELAY, 1, 1},
    {AF_INET, SOCK_STREAM, IPPROTO_TCP, TCP_KEEPIDLE, 30, 30},
    {AF_INET, SOCK_STREAM, IPPROTO_TCP, 9999, 1, -ENOPROTOOPT},
    {AF_INET, SOCK_DGRAM, IPPROTO_TCP, TCP_NODELAY, 1, -ENOPROTOOPT},
    {AF_INET, SOCK_STREAM, 77, 1, 1, -ENOPROTOOPT},
};

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        int fd = lil_socket(p, row->family, row->type, 0), result;

        result = set_int(p, fd, row->level, row->name, row->value);
        if (result == 0)
            result = get_int(p, fd, row->level, row->name);
        if (result != row->back)
            fail_msg("row %zu: level %d option %d := %d: %d, expected %d", i, row->level, row->name, row->value, result,
                     row->back);
        lil_close(p, fd);
    }
}

static void test_lengths(void **state)
{
    int fd = lil_socket(p, AF_INET, SOCK_STREAM, 0), value = 1;
    struct linger linger = {.l_onoff = 1, .l_linger = 5}, back = {0};
    struct timeval tv = {.tv_sec = 2, .tv_usec = 500000};
    socklen_t length = 2;
    unsigned char bytes[4] = {9, 9, 9, 9};

    (void)state;
    assert_fails(lil_setsockopt(p, fd, SOL_SOCKET, SO_KEEPALIVE, &value, 2), EINVAL);
    assert_fails(lil_setsockopt(p, fd, SOL_SOCKET, SO_LINGER, &linger, 4), EINVAL);
    assert_fails(lil_setsockopt(p, fd, SOL_SOCKET, SO_LINGER, NULL, 8), EFAULT);
    assert_int_equal(lil_setsockopt(p, fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), 0);
    assert_int_equal(lil_getsockopt(p, fd, SOL_SOCKET, SO_TYPE, bytes, &length), 0); /* cut to what fits */
    assert_int_equal(length, 2);
    assert_int_equal(bytes[2], 9);
    length = sizeof back;
    assert_int_equal(lil_getsockopt(p, fd, SOL_SOCKET, SO_LINGER, &back, &length), 0);
    assert_int_equal(back.l_onoff, 1);
    assert_int_equal(back.l_linger, 5);
    assert_int_equal(lil_setsockopt(p, fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv), 0);
    memset(&tv, 0, sizeof tv);
    length = sizeof tv;
    assert_int_equal(lil_getsockopt(p, fd, SOL_SOCKET, SO_RCVTIMEO, &tv, &length), 0);
    assert_int_equal(tv.tv_sec, 2);
    assert_int_equal(tv.tv_usec, 500000);
    tv.tv_usec = 1000000;
    assert_fails(lil_setsockopt(p, fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv), EDOM);
    assert_fails(lil_getsockopt(p, 99, SOL_SOCKET, SO_TYPE, &value, &length), EBADF);
}

static void test_defaults(void **state)
{
    int fd = lil_socket(p, AF_INET, SOCK_STREAM, 0), bsd = lil_socket(pair.pb, AF_INET, SOCK_STREAM, 0);

    (void)state;
    assert_int_equal(get_int(p, fd, SOL_SOCKET, SO_RCVBUF), 131072);
    assert_int_equal(get_int(p, fd, SOL_SOCKET, SO_SNDBUF), 16384);
    assert_int_equal(get_int(p, fd, IPPROTO_IP, IP_TTL), 64);
    assert_int_equal(get_int(p, fd, SOL_SOCKET, SO_RCVLOWAT), 1);
    assert_int_equal(get_int(p, fd, SOL_SOCKET, SO_REUSEADDR), 0);
    assert_int_equal(get_int(pair.pb, bsd, SOL_SOCKET, SO_SNDLOWAT), 2048);
    assert_int_equal(set_int(pair.pb, bsd, SOL_SOCKET, SO_RCVBUF, 10000), 0);
    assert_int_equal(get_int(pair.pb, bsd, SOL_SOCKET, SO_RCVBUF), 10000); /* not doubled */
}

/* SO_REUSEPORT came with 4.4BSD. */
static void test_no_reuseport(void **state)
{
    struct lil_host *host = lil_host_new(&(struct lil_host_config){.profile = "4.2bsd", .seed = 1});
    struct lil_proc *old = lil_proc_new(host);
    int fd = lil_socket(old, AF_INET, SOCK_STREAM, 0);

    (void)state;
    assert_int_equal(set_int(old, fd, SOL_SOCKET, SO_REUSEPORT, 1), -ENOPROTOOPT);
    assert_int_equal(get_int(old, fd, SOL_SOCKET, SO_REUSEPORT), -ENOPROTOOPT);
    lil_host_free(host);
}

static void test_device(void **state)
{
    int fd = lil_socket(p, AF_INET, SOCK_DGRAM, 0);
    char name[IFNAMSIZ];
    socklen_t length = sizeof name;

    (void)state;
    assert_fails(lil_setsockopt(p, fd, SOL_SOCKET, SO_BINDTODEVICE, "nope", 4), ENODEV);
    assert_int_equal(lil_setsockopt(p, fd, SOL_SOCKET, SO_BINDTODEVICE, "eth0", 5), 0);
    assert_int_equal(lil_getsockopt(p, fd, SOL_SOCKET, SO_BINDTODEVICE, name, &length), 0);
    assert_string_equal(name, "eth0");
    assert_int_equal(connect_to(p, fd, B4, 7), 0);
    assert_int_equal(get_int(p, fd, IPPROTO_IP, IP_MTU), 1500);
}

static void test_interfaces(void **state)
{
    int fd = lil_socket(p, AF_INET, SOCK_DGRAM, 0), found = 0;
    struct ifreq ifreqs[8], ifreq = {.ifr_name = "eth0"};
    struct ifconf ifconf = {.ifc_len = sizeof ifreqs, .ifc_req = ifreqs};
    struct sockaddr_in sin;

    (void)state;
    assert_int_equal(lil_ioctl(p, fd, SIOCGIFCONF, &ifconf), 0);
    for (int i = 0; i < ifconf.ifc_len / (int)sizeof ifreq; i++)
        found += strcmp(ifreqs[i].ifr_name, "eth0") == 0 || strcmp(ifreqs[i].ifr_name, "lo") == 0;
    assert_int_equal(found, 2);
    assert_int_equal(lil_ioctl(p, fd, SIOCGIFADDR, &ifreq), 0);
    memcpy(&sin, &ifreq.ifr_addr, sizeof sin);
    assert_int_equal(sin.sin_addr.s_addr, inet_addr(A4));
    assert_int_equal(lil_ioctl(p, fd, SIOCGIFNETMASK, &ifreq), 0);
    memcpy(&sin, &ifreq.ifr_netmask, sizeof sin);
    assert_int_equal(sin.sin_addr.s_addr, inet_addr("255.255.255.0"));
    assert_int_equal(lil_ioctl(p, fd, SIOCGIFBRDADDR, &ifreq), 0);
    memcpy(&sin, &ifreq.ifr_broadaddr, sizeof sin);
    assert_int_equal(sin.sin_addr.s_addr, inet_addr("192.0.2.255"));
    assert_int_equal(lil_ioctl(p, fd, SIOCGIFMTU, &ifreq), 0);
    assert_int_equal(ifreq.ifr_mtu, 1500);
    assert_int_equal(lil_ioctl(p, fd, SIOCGIFFLAGS, &ifreq), 0);
    assert_int_equal(ifreq.ifr_flags & (IFF_UP | IFF_BROADCAST | IFF_LOOPBACK), IFF_UP | IFF_BROADCAST);
    assert_int_equal(lil_ioctl(p, fd, SIOCGIFINDEX, &ifreq), 0);
    assert_int_equal(ifreq.ifr_ifindex, lil_interface_index(pair.a, "eth0"));
    memset(ifreq.ifr_name, 0, sizeof ifreq.ifr_name);
    assert_int_equal(lil_ioctl(p, fd, SIOCGIFNAME, &ifreq), 0);
    assert_string_equal(ifreq.ifr_name, "eth0");
    strcpy(ifreq.ifr_name, "nope");
    assert_fails(lil_ioctl(p, fd, SIOCGIFADDR, &ifreq), ENODEV);
    assert_fails(lil_ioctl(p, fd, 0x123456, &ifreq), ENOTTY);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_table),        TEST(test_lengths), TEST(test_defaults),
        TEST(test_no_reuseport), TEST(test_device),  TEST(test_interfaces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
