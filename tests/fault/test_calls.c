/* test_calls.c: the n-th allocation fails, for every n, in a program of many socket calls on one host: datagrams,
 * options, epoll, poll, pipes, dup, control data, both families. A call that fails says ENOMEM, ENOBUFS or EAGAIN and
 * leaves everything as it was; at the end nothing is left. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include "fault/fault.h"
#include "lilliput/lilliput.h"
#include "unit/check.h"

/* What a call may say when memory is short. */
static bool call_ok(long result, const char *what)
{
    if (result < 0 && errno != ENOMEM && errno != ENOBUFS && errno != EAGAIN && errno != EINPROGRESS &&
        errno != EBADF && errno != ENOENT && errno != ECONNREFUSED && errno != EDESTADDRREQ && errno != EADDRNOTAVAIL &&
        errno != EADDRINUSE)
        fail_msg("%s: %s", what, strerrorname_np(errno));
    return result >= 0;
}
#define CALL(expression) call_ok((expression), #expression)

static void datagrams(struct lil_host *host, struct lil_proc *p, uint64_t *now_ns)
{
    struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(7), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct ip_mreq group = {.imr_multiaddr.s_addr = inet_addr("224.1.2.3")};
    int server = lil_socket(p, AF_INET, SOCK_DGRAM, 0), client = lil_socket(p, AF_INET, SOCK_DGRAM, 0), on = 1;
    static char big[5000];
    char buffer[6000], control[256];
    struct iovec iov[2] = {{big, 100}, {big, sizeof big - 100}}, in = {buffer, sizeof buffer};
    struct msghdr out = {.msg_iov = iov, .msg_iovlen = 2};
    struct msghdr message = {.msg_iov = &in, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};

    CALL(lil_bind(p, server, (struct sockaddr *)&sin, sizeof sin));
    CALL(lil_setsockopt(p, server, IPPROTO_IP, IP_PKTINFO, &on, sizeof on));
    CALL(lil_setsockopt(p, server, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof group));
    CALL(lil_setsockopt(p, client, IPPROTO_IP, IP_RECVERR, &on, sizeof on));
    CALL(lil_setsockopt(p, client, IPPROTO_IP, IP_TTL, &on, sizeof on));
    CALL(lil_connect(p, client, (struct sockaddr *)&sin, sizeof sin));
    for (int i = 0; i < 3; i++) {
        CALL(lil_send(p, client, big, 10, 0));
        CALL(lil_sendmsg(p, client, &out, 0));
        lil_host_poll(host, *now_ns += 1000000);
        message.msg_controllen = sizeof control;
        CALL(lil_recvmsg(p, server, &message, MSG_DONTWAIT));
    }
    lil_close(p, server);
    CALL(lil_send(p, client, big, 10, 0)); /* refused: an error with what it quotes */
    lil_host_poll(host, *now_ns += 1000000);
    message.msg_controllen = sizeof control;
    CALL(lil_recvmsg(p, client, &message, MSG_ERRQUEUE));
    lil_close(p, client);
}

static void descriptors(struct lil_proc *p)
{
    struct epoll_event event = {.events = EPOLLIN};
    struct pollfd fds[40];
    int pipes[2] = {-1, -1}, ep = lil_epoll_create1(p, 0), outer = lil_epoll_create1(p, 0);
    char byte = 0;

    call_ok(ep, "epoll_create1");
    CALL(lil_pipe2(p, pipes, O_NONBLOCK));
    CALL(lil_epoll_ctl(p, ep, EPOLL_CTL_ADD, pipes[0], &event));
    CALL(lil_epoll_ctl(p, outer, EPOLL_CTL_ADD, ep, &event));
    CALL(lil_write(p, pipes[1], &byte, 1));
    CALL(lil_epoll_wait(p, outer, &event, 1, 0));
    CALL(lil_dup(p, pipes[0]));
    CALL(lil_dup2(p, pipes[0], 900)); /* the table grows */
    for (int i = 0; i < 40; i++)
        fds[i] = (struct pollfd){.fd = pipes[i & 1], .events = POLLIN};
    CALL(lil_poll(p, fds, 40, 0));
    lil_close(p, ep);
    for (int i = 0; i < 70; i++)
        CALL(lil_socket(p, i & 1 ? AF_INET6 : AF_INET, i & 2 ? SOCK_STREAM : SOCK_DGRAM, 0));
}

static void streams(struct lil_host *host, struct lil_proc *p, uint64_t *now_ns)
{
    struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6, .sin6_port = htons(9), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct timeval tv = {.tv_sec = 1};
    int listener = lil_socket(p, AF_INET6, SOCK_STREAM, 0), client = lil_socket(p, AF_INET6, SOCK_STREAM, 0), server,
        on = 1;
    char buffer[100] = "x";

    CALL(lil_setsockopt(p, listener, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on));
    CALL(lil_setsockopt(p, listener, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv));
    CALL(lil_setsockopt(p, listener, IPPROTO_TCP, 1 /* TCP_NODELAY */, &on, sizeof on));
    CALL(lil_bind(p, listener, (struct sockaddr *)&sin6, sizeof sin6));
    if (!CALL(lil_listen(p, listener, 5)))
        return;
    CALL(lil_connect(p, client, (struct sockaddr *)&sin6, sizeof sin6));
    lil_host_poll(host, *now_ns += 1000000);
    server = lil_accept(p, listener, NULL, NULL);
    call_ok(server, "accept");
    if (server >= 0) {
        if (lil_write(p, client, buffer, 100) == 100) {
            lil_host_poll(host, *now_ns += 1000000);
            CALL(lil_read(p, server, buffer, 100));
        }
        lil_close(p, server);
    }
    lil_close(p, client);
    for (int i = 0; i < 20; i++)
        lil_host_poll(host, *now_ns += 10000000000ull);
}

static uint64_t run_with(uint64_t fail_at, uint64_t how_many)
{
    struct fault fault = {.fail_at = fail_at, .fail_until = how_many ? fail_at + how_many : fail_at};
    struct lil_host_config config = {.seed = 1, .allocator = {allocate, release, &fault}, .unpooled = true};
    struct lil_host *host = lil_host_new(&config);
    struct lil_proc *p = host ? lil_proc_new(host) : NULL;
    uint64_t now_ns = 0;

    if (p) {
        datagrams(host, p, &now_ns);
        descriptors(p);
        streams(host, p, &now_ns);
        lil_proc_free(p);
        lil_host_poll(host, now_ns += 1000000);
    }
    lil_host_free(host);
    if (fault.live_objects != 0)
        fail_msg("allocations %llu..: %lld objects leaked", (unsigned long long)fail_at, (long long)fault.live_objects);
    return fault.count;
}

static void test_each(void **state)
{
    uint64_t total = run_with(0, 0);

    (void)state;
    assert_true(total > 100);
    for (uint64_t n = 0; n < total; n++)
        for (uint64_t many = 1; many <= 16; many *= 4)
            run_with(n, many);
    print_message("%llu allocations, each failed alone, with 3 and with 15 more\n", (unsigned long long)total);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_each)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
