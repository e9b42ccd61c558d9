/* test_netlink.c: netlink sockets of a host: dumps and their cut, the way to one address, errors, names, changes, sock_diag. */
#include <errno.h>
#include <net/if.h>
#include <linux/inet_diag.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include "unit/check.h"
#include <stdio.h>
#include <string.h>
#include "lilliput/lilliput.h"
#include "socket/netlink.h"

static struct lil_host *host;
static struct lil_proc *proc;
static int nic, fd;
static uint8_t buffer[1 << 16];

static int swallow(void *ctx, int ifindex, struct lil_packet *packet)
{
    (void)ctx, (void)ifindex;
    lil_packet_free(packet);
    return 0;
}

static int setup(void **state)
{
    (void)state;
    host = lil_host_new(&(struct lil_host_config){.seed = 1, .name = "h"});
    nic = lil_interface_add(host, &(struct lil_interface_config){.kind = LIL_ETHERNET, .name = "eth0", .transmit = swallow});
    assert_int_equal(lil_address_add(host, nic, "192.0.2.2/24"), 0);
    assert_int_equal(lil_address_add(host, nic, "2001:db8::2/64"), 0);
    assert_int_equal(lil_route_add(host, "default", "192.0.2.1"), 0);
    proc = lil_proc_new(host);
    fd = netlink_socket(proc, SOCK_RAW | SOCK_NONBLOCK, NETLINK_ROUTE, 4711, NULL);
    assert_true(fd >= 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    lil_proc_free(proc);
    lil_host_free(host);
    return 0;
}

struct ask {
    struct nlmsghdr header;
    uint8_t body[128];
};

static void ask(int to, uint16_t type, uint16_t flags, const void *body, size_t size)
{
    struct ask message = {.header = {.nlmsg_len = (uint32_t)(NLMSG_HDRLEN + size),
                                     .nlmsg_type = type,
                                     .nlmsg_flags = NLM_F_REQUEST | flags,
                                     .nlmsg_seq = 9}};
    memcpy(message.body, body, size);
    assert_int_equal(lil_send(proc, to, &message, message.header.nlmsg_len, 0), message.header.nlmsg_len);
}

/* Counts messages of TYPE up to NLMSG_DONE; the largest datagram in *LARGEST. */
static unsigned count_answers(int from, uint16_t type, size_t *largest)
{
    unsigned count = 0;
    *largest = 0;
    for (;;) {
        ssize_t n = lil_recv(proc, from, buffer, sizeof buffer, 0);
        assert_true(n > 0);
        if ((size_t)n > *largest)
            *largest = (size_t)n;
        for (struct nlmsghdr *h = (struct nlmsghdr *)(void *)buffer; NLMSG_OK(h, (size_t)n); h = NLMSG_NEXT(h, n)) {
            assert_int_equal(h->nlmsg_seq, 9);
            assert_int_equal(h->nlmsg_pid, 4711);
            if (h->nlmsg_type == NLMSG_DONE) {
                assert_int_equal(lil_recv(proc, from, buffer, sizeof buffer, 0), -1);
                assert_int_equal(errno, EAGAIN);
                return count;
            }
            assert_true(h->nlmsg_flags & NLM_F_MULTI);
            count += h->nlmsg_type == type;
        }
    }
}

static int error_answer(int from)
{
    struct nlmsghdr *h = (struct nlmsghdr *)(void *)buffer;
    assert_true(lil_recv(proc, from, buffer, sizeof buffer, 0) >= (ssize_t)NLMSG_LENGTH(sizeof(struct nlmsgerr)));
    assert_int_equal(h->nlmsg_type, NLMSG_ERROR);
    return ((struct nlmsgerr *)NLMSG_DATA(h))->error;
}

static void test_dumps(void **state)
{
    size_t largest;
    (void)state;
    ask(fd, RTM_GETLINK, NLM_F_DUMP, &(struct ifinfomsg){0}, sizeof(struct ifinfomsg));
    assert_int_equal(count_answers(fd, RTM_NEWLINK, &largest), 2);
    ask(fd, RTM_GETADDR, NLM_F_DUMP, &(struct ifaddrmsg){0}, sizeof(struct ifaddrmsg));
    assert_int_equal(count_answers(fd, RTM_NEWADDR, &largest), 5); /* lo: 2; eth0: one of IPv4, one of IPv6, its link-local */
    ask(fd, RTM_GETADDR, NLM_F_DUMP, &(struct ifaddrmsg){.ifa_family = AF_INET}, sizeof(struct ifaddrmsg));
    assert_int_equal(count_answers(fd, RTM_NEWADDR, &largest), 2);
    ask(fd, RTM_GETROUTE, NLM_F_DUMP, &(struct rtmsg){.rtm_family = AF_INET, .rtm_table = RT_TABLE_MAIN}, sizeof(struct rtmsg));
    assert_int_equal(count_answers(fd, RTM_NEWROUTE, &largest), 2);
    ask(fd, RTM_GETRULE, NLM_F_DUMP, &(struct rtmsg){.rtm_family = AF_INET}, sizeof(struct rtmsg));
    assert_int_equal(count_answers(fd, RTM_NEWRULE, &largest), 3);
}

/* A page is what programs read with. */
static void test_dump_is_cut(void **state)
{
    size_t largest;
    char text[32];
    (void)state;
    for (int i = 0; i < 500; i++) {
        snprintf(text, sizeof text, "10.%d.%d.0/24", i / 256, i % 256);
        assert_int_equal(lil_route_add(host, text, "192.0.2.1"), 0);
    }
    ask(fd, RTM_GETROUTE, NLM_F_DUMP, &(struct rtmsg){.rtm_family = AF_INET, .rtm_table = RT_TABLE_MAIN}, sizeof(struct rtmsg));
    assert_int_equal(count_answers(fd, RTM_NEWROUTE, &largest), 502);
    assert_in_range(largest, 3000, 4096);
}

static void test_peek_and_truncation(void **state)
{
    struct iovec iov = {NULL, 0};
    struct sockaddr_nl from;
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_name = &from, .msg_namelen = sizeof from};
    ssize_t size;
    (void)state;
    ask(fd, RTM_GETLINK, 0, &(struct ifinfomsg){.ifi_index = nic}, sizeof(struct ifinfomsg));
    size = lil_recvmsg(proc, fd, &message, MSG_PEEK | MSG_TRUNC);
    assert_true(size > 200 && message.msg_flags & MSG_TRUNC);
    assert_int_equal(from.nl_family, AF_NETLINK);
    assert_int_equal(from.nl_pid, 0);
    assert_int_equal(lil_recv(proc, fd, buffer, 16, 0), 16); /* the rest is lost */
    assert_int_equal(lil_recv(proc, fd, buffer, sizeof buffer, 0), -1);
}

static const uint8_t *attribute(const struct nlmsghdr *h, size_t body, uint16_t type)
{
    for (size_t at = NLMSG_HDRLEN + NLMSG_ALIGN(body); at < h->nlmsg_len;) {
        const struct rtattr *a = (const struct rtattr *)(const void *)((const uint8_t *)h + at);
        if (a->rta_type == type)
            return (const uint8_t *)(a + 1);
        at += RTA_ALIGN(a->rta_len);
    }
    return NULL;
}

static void test_way_to_one_address(void **state)
{
    struct {
        struct rtmsg body;
        struct rtattr head;
        uint8_t to[4];
    } get = {{.rtm_family = AF_INET, .rtm_dst_len = 32}, {8, RTA_DST}, {198, 51, 100, 7}};
    const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)buffer;
    (void)state;
    ask(fd, RTM_GETROUTE, 0, &get, sizeof get);
    assert_true(lil_recv(proc, fd, buffer, sizeof buffer, 0) > 0);
    assert_int_equal(h->nlmsg_type, RTM_NEWROUTE);
    assert_memory_equal(attribute(h, sizeof(struct rtmsg), RTA_GATEWAY), ((uint8_t[]){192, 0, 2, 1}), 4);
    assert_memory_equal(attribute(h, sizeof(struct rtmsg), RTA_PREFSRC), ((uint8_t[]){192, 0, 2, 2}), 4);
    assert_int_equal(lil_route_delete(host, "default"), 0);
    ask(fd, RTM_GETROUTE, 0, &get, sizeof get);
    assert_int_equal(error_answer(fd), -ENETUNREACH);
}

static void test_errors_and_names(void **state)
{
    struct sockaddr_nl name = {.nl_family = AF_NETLINK};
    socklen_t length = sizeof name;
    int other;
    (void)state;
    assert_int_equal(netlink_socket(proc, SOCK_RAW, 15 /* NETLINK_KOBJECT_UEVENT */, 0, NULL), -EPROTONOSUPPORT);
    assert_int_equal(netlink_socket(proc, SOCK_STREAM, NETLINK_ROUTE, 0, NULL), -ESOCKTNOSUPPORT);
    assert_int_equal(lil_bind(proc, fd, (struct sockaddr *)&name, sizeof name), 0);
    assert_int_equal(lil_getsockname(proc, fd, (struct sockaddr *)&name, &length), 0);
    assert_int_equal(name.nl_pid, 4711);
    other = netlink_socket(proc, SOCK_RAW, NETLINK_ROUTE, 4711, NULL);
    assert_int_equal(lil_bind(proc, other, (struct sockaddr *)&name, sizeof name), -1);
    assert_int_equal(errno, EADDRINUSE);
    name.nl_pid = 0;
    assert_int_equal(lil_bind(proc, other, (struct sockaddr *)&name, sizeof name), 0);
    assert_int_equal(lil_getsockname(proc, other, (struct sockaddr *)&name, &length), 0);
    assert_int_equal((int32_t)name.nl_pid, -4096);
    ask(fd, RTM_GETLINK, 0, &(struct ifinfomsg){.ifi_index = 99}, sizeof(struct ifinfomsg));
    assert_int_equal(error_answer(fd), -ENODEV);
    ask(fd, 1000 /* RTM_... of the future */ + 2, NLM_F_DUMP, &(struct rtmsg){0}, sizeof(struct rtmsg));
    assert_int_equal(error_answer(fd), -EOPNOTSUPP);
    ask(fd, NLMSG_NOOP, NLM_F_ACK, "", 0);
    assert_int_equal(error_answer(fd), 0);
    assert_int_equal(lil_send(proc, fd, "short", 5, 0), 5); /* less than a header: ignored */
    assert_int_equal(lil_recv(proc, fd, buffer, sizeof buffer, 0), -1);
}

static void test_changes(void **state)
{
    struct {
        struct rtmsg body;
        struct rtattr head;
        uint8_t to[4];
    } route = {{.rtm_family = AF_INET, .rtm_dst_len = 32, .rtm_type = RTN_PROHIBIT}, {8, RTA_DST}, {198, 51, 100, 7}};
    (void)state;
    ask(fd, RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &route, sizeof route);
    assert_int_equal(error_answer(fd), 0);
    ask(fd, RTM_GETROUTE, 0, &route, sizeof route);
    assert_int_equal(error_answer(fd), -EACCES);
    lil_proc_set_uid(proc, 1000);
    ask(fd, RTM_DELROUTE, NLM_F_ACK, &route, sizeof route);
    assert_int_equal(error_answer(fd), -EPERM);
    lil_proc_set_uid(proc, 0);
    ask(fd, RTM_DELROUTE, NLM_F_ACK, &route, sizeof route);
    assert_int_equal(error_answer(fd), 0);
    ask(fd, RTM_NEWLINK, NLM_F_ACK, &(struct ifinfomsg){.ifi_index = nic, .ifi_change = IFF_UP}, sizeof(struct ifinfomsg));
    assert_int_equal(error_answer(fd), 0);
    ask(fd, RTM_GETROUTE, 0, &route, sizeof route);
    assert_int_equal(error_answer(fd), -ENETUNREACH);
}

static void test_sock_diag(void **state)
{
    struct inet_diag_req_v2 all = {.sdiag_family = AF_INET,
                                   .sdiag_protocol = IPPROTO_TCP,
                                   .idiag_states = ~0u,
                                   .idiag_ext = 1 << (INET_DIAG_INFO - 1)};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(80)};
    const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)buffer;
    int diag = netlink_socket(proc, SOCK_DGRAM, NETLINK_SOCK_DIAG, 4711, NULL), listener = lil_socket(proc, AF_INET, SOCK_STREAM, 0);
    size_t largest;
    (void)state;
    assert_int_equal(lil_bind(proc, listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(lil_listen(proc, listener, 7), 0);
    ask(diag, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &all, sizeof all);
    assert_true(lil_recv(proc, diag, buffer, sizeof buffer, MSG_PEEK) > 0);
    const struct inet_diag_msg *seen = NLMSG_DATA(h);
    assert_int_equal(seen->idiag_state, 10);
    assert_int_equal(ntohs(seen->id.idiag_sport), 80);
    assert_int_equal(seen->idiag_wqueue, 7);
    assert_non_null(attribute(h, sizeof *seen, INET_DIAG_INFO));
    assert_int_equal(count_answers(diag, SOCK_DIAG_BY_FAMILY, &largest), 1);
    all.sdiag_protocol = IPPROTO_UDP;
    ask(diag, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &all, sizeof all);
    assert_int_equal(count_answers(diag, SOCK_DIAG_BY_FAMILY, &largest), 0);
    all.sdiag_family = AF_UNIX; /* none of the real machine's */
    ask(diag, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &all, sizeof all);
    assert_int_equal(count_answers(diag, SOCK_DIAG_BY_FAMILY, &largest), 0);
    all = (struct inet_diag_req_v2){.sdiag_family = AF_INET, .sdiag_protocol = IPPROTO_TCP, .id.idiag_sport = htons(81)};
    ask(diag, SOCK_DIAG_BY_FAMILY, 0, &all, sizeof all);
    assert_int_equal(error_answer(diag), -ENOENT);
}

/* Lengths that lie must not be followed. */
static void test_hostile_lengths(void **state)
{
    struct {
        struct rtmsg body;
        struct rtattr head;
    } bad = {{.rtm_family = AF_INET, .rtm_dst_len = 32}, {0xfff0, RTA_DST}};
    struct nlmsghdr lying = {.nlmsg_len = 1 << 20, .nlmsg_type = RTM_GETLINK, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP};
    (void)state;
    ask(fd, RTM_GETROUTE, 0, &bad, sizeof bad);
    assert_int_equal(error_answer(fd), -ENETUNREACH);
    bad.head.rta_len = 0;
    ask(fd, RTM_GETROUTE, 0, &bad, sizeof bad);
    assert_int_equal(error_answer(fd), -ENETUNREACH);
    assert_int_equal(lil_send(proc, fd, &lying, sizeof lying, 0), sizeof lying);
    assert_int_equal(lil_recv(proc, fd, buffer, sizeof buffer, 0), -1);
}

/* One message, from group GROUP or asked for by nobody in particular: its type; 0: none. */
static int news(int from, uint32_t groups)
{
    struct sockaddr_nl name;
    socklen_t length = sizeof name;
    ssize_t n = lil_recvfrom(proc, from, buffer, sizeof buffer, 0, (struct sockaddr *)&name, &length);
    const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)buffer;

    if (n < 0)
        return errno == EAGAIN ? 0 : -errno;
    assert_int_equal(h->nlmsg_len, n);
    assert_int_equal(h->nlmsg_pid, 0);
    assert_int_equal(name.nl_pid, 0);
    assert_int_equal(name.nl_groups, groups);
    return h->nlmsg_type;
}

static void test_members(void **state)
{
    struct sockaddr_nl name = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_NEIGH};
    static const uint8_t mac[6] = {2, 0, 0, 0, 0, 9};
    int group = RTNLGRP_IPV4_ROUTE, none = 0;
    socklen_t length = sizeof name;

    (void)state;
    assert_int_equal(lil_interface_set_mtu(host, nic, 1400), 0);
    assert_int_equal(news(fd, 0), 0); /* not a member */
    assert_int_equal(lil_bind(proc, fd, (struct sockaddr *)&name, sizeof name), 0);
    assert_int_equal(lil_getsockname(proc, fd, (struct sockaddr *)&name, &length), 0);
    assert_int_equal(name.nl_groups, RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_NEIGH);
    assert_int_equal(lil_setsockopt(proc, fd, 270, NETLINK_ADD_MEMBERSHIP, &group, sizeof group), 0);
    assert_int_equal(lil_setsockopt(proc, fd, 270, NETLINK_ADD_MEMBERSHIP, &none, sizeof none), -1);
    assert_int_equal(errno, EINVAL);

    assert_int_equal(lil_interface_set_mtu(host, nic, 1500), 0);
    assert_int_equal(news(fd, RTMGRP_LINK), RTM_NEWLINK);
    assert_int_equal(lil_address_add(host, nic, "198.51.100.2/24"), 0);
    assert_int_equal(news(fd, RTMGRP_IPV4_ROUTE), RTM_NEWROUTE);
    assert_int_equal(news(fd, RTMGRP_IPV4_IFADDR), RTM_NEWADDR);
    assert_int_equal(lil_address_add(host, nic, "198.51.100.3/24"), 0); /* its net has a route */
    assert_int_equal(news(fd, RTMGRP_IPV4_IFADDR), RTM_NEWADDR);
    assert_int_equal(lil_address_delete(host, nic, "198.51.100.3/24"), 0);
    assert_int_equal(news(fd, RTMGRP_IPV4_IFADDR), RTM_DELADDR);
    assert_int_equal(lil_address_add(host, nic, "198.51.100.4/24"), 0);
    assert_int_equal(news(fd, RTMGRP_IPV4_IFADDR), RTM_NEWADDR); /* the route is the first one's, and stayed */
    assert_int_equal(lil_address_delete(host, nic, "198.51.100.2/24"), 0);
    assert_int_equal(news(fd, RTMGRP_IPV4_IFADDR), RTM_DELADDR); /* the secondary one goes with it */
    assert_int_equal(news(fd, RTMGRP_IPV4_IFADDR), RTM_DELADDR);
    assert_int_equal(news(fd, RTMGRP_IPV4_ROUTE), RTM_DELROUTE);
    assert_int_equal(lil_address_delete(host, nic, "198.51.100.4/24"), -EADDRNOTAVAIL);
    assert_int_equal(lil_sysctl_set(host, "net.ipv4.conf.all.promote_secondaries", "1"), 0);
    assert_int_equal(lil_address_add(host, nic, "198.51.100.2/24"), 0);
    assert_int_equal(lil_address_add(host, nic, "198.51.100.3/24"), 0);
    assert_int_equal(news(fd, RTMGRP_IPV4_ROUTE), RTM_NEWROUTE);
    assert_int_equal(news(fd, RTMGRP_IPV4_IFADDR), RTM_NEWADDR);
    assert_int_equal(news(fd, RTMGRP_IPV4_IFADDR), RTM_NEWADDR);
    assert_int_equal(lil_address_delete(host, nic, "198.51.100.2/24"), 0);
    assert_int_equal(news(fd, RTMGRP_IPV4_IFADDR), RTM_DELADDR);
    assert_int_equal(news(fd, RTMGRP_IPV4_ROUTE), RTM_DELROUTE);
    assert_int_equal(news(fd, RTMGRP_IPV4_ROUTE), RTM_NEWROUTE); /* the other's */
    assert_int_equal(lil_route_add(host, "203.0.113.0/24", "192.0.2.1"), 0);
    assert_int_equal(news(fd, RTMGRP_IPV4_ROUTE), RTM_NEWROUTE);
    assert_int_equal(lil_neighbor_add(host, nic, "192.0.2.9", mac), 0);
    assert_int_equal(news(fd, RTMGRP_NEIGH), RTM_NEWNEIGH);
    assert_int_equal(lil_address_add(host, nic, "2001:db8::7/64"), 0); /* a group that it is not in */
    assert_int_equal(lil_setsockopt(proc, fd, 270, NETLINK_DROP_MEMBERSHIP, &group, sizeof group), 0);
    assert_int_equal(lil_route_delete(host, "203.0.113.0/24"), 0);
    assert_int_equal(news(fd, 0), 0);
}

/* netlink(7): who does not read is told ENOBUFS, and goes on with what there is. */
static void test_members_that_do_not_read(void **state)
{
    struct sockaddr_nl name = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
    struct pollfd poll = {.fd = fd, .events = POLLIN};
    unsigned count = 0;

    (void)state;
    assert_int_equal(lil_bind(proc, fd, (struct sockaddr *)&name, sizeof name), 0);
    for (unsigned i = 0; i < 2000; i++)
        assert_int_equal(lil_interface_set_mtu(host, nic, 1400 + i), 0);
    assert_int_equal(lil_poll(proc, &poll, 1, 0), 1);
    assert_int_equal(poll.revents, POLLIN | POLLERR);
    assert_int_equal(news(fd, 0), -ENOBUFS);
    while (news(fd, RTMGRP_LINK) == RTM_NEWLINK)
        count++;
    assert_in_range(count, 100, 1999);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_dumps, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dump_is_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(test_peek_and_truncation, setup, teardown),
        cmocka_unit_test_setup_teardown(test_way_to_one_address, setup, teardown),
        cmocka_unit_test_setup_teardown(test_errors_and_names, setup, teardown),
        cmocka_unit_test_setup_teardown(test_changes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sock_diag, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hostile_lengths, setup, teardown),
        cmocka_unit_test_setup_teardown(test_members, setup, teardown),
        cmocka_unit_test_setup_teardown(test_members_that_do_not_read, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
