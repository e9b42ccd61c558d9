/* test_driver.c: two hosts over real descriptors: a socketpair and UNIX datagrams; a TAP where the machine allows one. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <arpa/inet.h>
#include "unit/check.h"
#include "lilliput/driver.h"
#include "lilliput/lilliput.h"

struct end {
    struct lil_host *host;
    struct lil_driver *driver;
    struct lil_proc *proc;
    int nic;
};
static uint64_t now_ns = 1000;

static struct end end_new(struct lil_driver *driver, const char *address)
{
    struct end end = {.driver = driver};
    assert_non_null(driver);
    end.host = lil_host_new(&(struct lil_host_config){.seed = 1, .now_ns = now_ns});
    end.nic = lil_interface_add(
        end.host, &(struct lil_interface_config){.kind = LIL_ETHERNET, .transmit = lil_driver_transmit, .ctx = driver});
    assert_int_equal(lil_address_add(end.host, end.nic, address), 0);
    end.proc = lil_proc_new(end.host);
    return end;
}

static void turn(struct end *end)
{
    now_ns += 1000;
    struct pollfd pfd = {.fd = lil_driver_fd(end->driver), .events = POLLOUT};
    poll(&pfd, 1, 0);
    if (pfd.revents & POLLOUT)
        lil_host_writable(end->host, end->nic);
    lil_driver_input(end->driver, end->host, end->nic, 64, now_ns);
    lil_host_poll(end->host, now_ns);
}

static void end_free(struct end *end)
{
    lil_host_free(end->host);
    lil_driver_close(end->driver);
}

/* A megabyte over TCP: more than a socket's buffer holds, so that backpressure is seen. */
static void transfer(struct lil_driver *one, struct lil_driver *two)
{
    struct end a = end_new(one, "192.0.2.1/24"), b = end_new(two, "192.0.2.2/24");
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(7)};
    name.sin_addr.s_addr = htonl(0xc0000202);
    int l = lil_socket(b.proc, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0),
        c = lil_socket(a.proc, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), s = -1;
    assert_int_equal(lil_bind(b.proc, l, (struct sockaddr *)&name, sizeof name), 0);
    assert_int_equal(lil_listen(b.proc, l, 5), 0);
    assert_int_equal(lil_connect(a.proc, c, (struct sockaddr *)&name, sizeof name), -1);
    static uint8_t out[1 << 20], in[1 << 20];
    for (size_t i = 0; i < sizeof out; i++)
        out[i] = (uint8_t)(i * 2654435761u >> 13);
    size_t sent = 0, received = 0;
    for (int i = 0; i < 200000 && received < sizeof in; i++) {
        turn(&a);
        turn(&b);
        ssize_t n = sent < sizeof out ? lil_write(a.proc, c, out + sent, sizeof out - sent) : 0;
        sent += n > 0 ? (size_t)n : 0;
        if (s < 0)
            s = lil_accept(b.proc, l, NULL, NULL);
        n = s >= 0 ? lil_recv(b.proc, s, in + received, sizeof in - received, MSG_DONTWAIT) : 0;
        received += n > 0 ? (size_t)n : 0;
        now_ns += 1000000;
    }
    assert_int_equal(received, sizeof in);
    assert_memory_equal(in, out, sizeof in);
    end_free(&a);
    end_free(&b);
}

static void over_a_socketpair(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
    transfer(lil_driver_from_fd(fds[0]), lil_driver_from_fd(fds[1]));
}

static void over_named_sockets(void **state)
{
    (void)state;
    char one[64], two[64];
    snprintf(one, sizeof one, "/tmp/lil-driver-%d-a", (int)getpid());
    snprintf(two, sizeof two, "/tmp/lil-driver-%d-b", (int)getpid());
    assert_null(lil_driver_unix("/nonexistent/x", NULL));
    struct lil_driver *a = lil_driver_unix(one, two), *b = lil_driver_unix(two, one);
    assert_int_equal(access(one, F_OK), 0);
    transfer(a, b);
    assert_int_not_equal(access(one, F_OK), 0); /* removed with the driver */
}

static void a_tap(void **state)
{
    (void)state;
    struct lil_driver *tap = lil_driver_tap(NULL, true, true);
    if (!tap)
        skip(); /* no /dev/net/tun, or no right to it */
    assert_true(lil_driver_name(tap)[0] != 0);
    lil_driver_close(tap);
}

static void no_such_interface(void **state)
{
    (void)state;
    assert_null(lil_driver_packet("lil-none"));
    assert_true(errno == ENODEV || errno == EPERM || errno == ENXIO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(over_a_socketpair), cmocka_unit_test(over_named_sockets), cmocka_unit_test(a_tap),
                                       cmocka_unit_test(no_such_interface)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
