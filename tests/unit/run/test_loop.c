/* test_loop.c: two hosts at the ends of a socket pair, driven in real time by one loop: a connection, data, its end. No
 * time is asserted. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include "unit/check.h"
#include "lilliput/socket.h"
#include "run/loop.h"

struct ends {
    struct lil_proc *client, *server;
    int listener, accepted, fd;
    char heard[16];
    bool done;
};

static bool round_once(void *ctx, uint64_t now_ns)
{
    struct ends *ends = ctx;
    (void)now_ns;
    if (ends->accepted < 0) {
        ends->accepted = lil_accept(ends->server, ends->listener, NULL, NULL);
        return true;
    }
    char bytes[16] = "";
    ssize_t n = lil_read(ends->server, ends->accepted, bytes, sizeof(bytes));
    if (n > 0)
        lil_write(ends->server, ends->accepted, bytes, (size_t)n);
    if (n == 0)
        lil_close(ends->server, ends->accepted);
    n = lil_read(ends->client, ends->fd, ends->heard, sizeof(ends->heard));
    if (n == 5)
        lil_shutdown(ends->client, ends->fd, SHUT_WR);
    ends->done = n == 0;
    return !ends->done;
}

static struct lil_host *end_host(struct loop *loop, uint64_t seed, const char *address, struct lil_driver *driver)
{
    struct lil_host *host =
        lil_host_new(&(struct lil_host_config){.profile = "linux", .seed = seed, .now_ns = loop_now()});
    int nic = lil_interface_add(
        host, &(struct lil_interface_config){.kind = LIL_ETHERNET, .transmit = lil_driver_transmit, .ctx = driver});
    assert_true(nic > 0);
    assert_int_equal(lil_address_add(host, nic, address), 0);
    assert_int_equal(loop_add_driver(loop, host, nic, driver), 0);
    return host;
}

static void test_two_hosts(void **state)
{
    int pair[2];
    struct ends ends = {.accepted = -1};
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair), 0);
    struct lil_driver *drivers[2] = {lil_driver_from_fd(pair[0]), lil_driver_from_fd(pair[1])};
    struct loop *loop = loop_new();
    struct lil_host *a = end_host(loop, 1, "192.0.2.1/24", drivers[0]),
                    *b = end_host(loop, 2, "192.0.2.2/24", drivers[1]);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(7), .sin_addr.s_addr = inet_addr("192.0.2.2")};
    ends.client = lil_proc_new(a);
    ends.server = lil_proc_new(b);
    ends.listener = lil_socket(ends.server, AF_INET, SOCK_STREAM, 0);
    assert_int_equal(lil_bind(ends.server, ends.listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(lil_listen(ends.server, ends.listener, 5), 0);
    ends.fd = lil_socket(ends.client, AF_INET, SOCK_STREAM, 0);
    assert_int_equal(lil_connect(ends.client, ends.fd, (struct sockaddr *)&address, sizeof(address)), -1);
    assert_int_equal(errno, EINPROGRESS);
    while (lil_write(ends.client, ends.fd, "hello", 5) < 0) { /* until the handshake is done */
        assert_true(errno == EAGAIN || errno == ENOTCONN);
        assert_int_equal(loop_run(loop, NULL, NULL, 1000000), 0);
    }
    assert_int_equal(loop_run(loop, round_once, &ends, 20000000000ull), 0);
    assert_true(ends.done);
    assert_string_equal(ends.heard, "hello");
    loop_free(loop);
    lil_host_free(a);
    lil_host_free(b);
    lil_driver_close(drivers[0]);
    lil_driver_close(drivers[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_two_hosts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
