/* test_stream_socket.c: TCP sockets: listen and accept, data, half close, reset, urgent data; the errno of each call in the
 * wrong state. */
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include "socket_pair.h"

static struct pair pair;
static int listener, at_a, at_b;

static int set_up(void **state)
{
    (void)state;
    pair_init(&pair, "linux", "linux");
    listener = listen_on(pair.pb, "0.0.0.0", 2000, 5);
    pair_connect(&pair, listener, B4, 2000, &at_a, &at_b);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pair_fini(&pair);
    return 0;
}

static int events_of(struct lil_proc *p, int fd)
{
    struct pollfd pollfd = {.fd = fd, .events = POLLIN | POLLOUT | POLLPRI | POLLRDHUP};

    assert_true(lil_poll(p, &pollfd, 1, 0) >= 0);
    return pollfd.revents;
}

static void test_wrong_state(void **state)
{
    int fd = lil_socket(pair.pa, AF_INET, SOCK_STREAM, 0);
    char byte = 0;

    (void)state;
    assert_fails(lil_accept(pair.pa, fd, NULL, NULL), EINVAL);
    assert_fails(lil_read(pair.pa, fd, &byte, 1), ENOTCONN);
    assert_fails(lil_write(pair.pa, fd, &byte, 1), EPIPE); /* Linux */
    assert_fails(lil_shutdown(pair.pa, fd, SHUT_WR), ENOTCONN);
    assert_fails(lil_shutdown(pair.pa, at_a, 9), EINVAL);
    assert_fails(lil_listen(pair.pa, at_a, 5), EINVAL);
    assert_fails(lil_accept(pair.pa, at_a, NULL, NULL), EINVAL);
    assert_fails(lil_accept4(pair.pb, listener, NULL, NULL, 12345), EINVAL);
    assert_fails(lil_accept(pair.pb, listener, NULL, NULL), EAGAIN);
    assert_fails(lil_read(pair.pb, listener, &byte, 1), ENOTCONN);
    assert_int_equal(bind_to(pair.pa, at_a, A4, 3000), -EINVAL);
    assert_int_equal(events_of(pair.pa, fd), POLLOUT | POLLHUP); /* Linux: never connected */
    assert_int_equal(events_of(pair.pb, listener), 0);
}

static void test_listener(void **state)
{
    unsigned incomplete, complete, backlog, port;
    union name name;
    socklen_t length = sizeof name;
    int ports[3], fds[3], fd;

    (void)state;
    assert_int_equal(get_int(pair.pb, listener, SOL_SOCKET, SO_ACCEPTCONN), 1);
    assert_string_equal(lil_tcp_state(pair.pb, listener), "LISTEN");
    for (int i = 0; i < 3; i++) {
        fds[i] = lil_socket(pair.pa, AF_INET, SOCK_STREAM, 0);
        assert_int_equal(connect_to(pair.pa, fds[i], B4, 2000), -EINPROGRESS);
        pair_run(&pair, 10);
        ports[i] = (int)local_port(pair.pa, fds[i]);
    }
    assert_int_equal(events_of(pair.pb, listener), POLLIN);
    assert_int_equal(lil_listen_queues(pair.pb, listener, &incomplete, &complete, &backlog), 0);
    assert_int_equal(incomplete, 0);
    assert_int_equal(complete, 3);
    assert_int_equal(lil_listen_queues(pair.pa, at_a, NULL, NULL, NULL), -EINVAL);
    for (int i = 0; i < 3; i++) { /* first in, first out */
        fd = lil_accept4(pair.pb, listener, &name.sa, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
        assert_true(fd >= 0);
        assert_string_equal(name_text(&name, &port), A4);
        assert_int_equal(port, ports[i]);
        assert_int_equal(lil_fcntl(pair.pb, fd, 1 /* F_GETFD */, 0), 1);
    }
    length = 4; /* a short buffer: cut, but the whole length is told */
    fd = lil_socket(pair.pa, AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect_to(pair.pa, fd, B4, 2000), -EINPROGRESS);
    pair_run(&pair, 10);
    assert_true(lil_accept(pair.pb, listener, &name.sa, &length) >= 0);
    assert_int_equal(length, sizeof name.in);
    length = sizeof name;
    assert_int_equal(lil_listen(pair.pb, listener, 9), 0); /* again: another backlog */
}

static void test_data(void **state)
{
    char buffer[32];
    struct iovec iov[2] = {{(char[]){'h', 'e', 'l'}, 3}, {(char[]){'l', 'o'}, 2}},
                 back[2] = {{buffer, 2}, {buffer + 2, 30}};
    int n = -1;

    (void)state;
    assert_fails(lil_read(pair.pb, at_b, buffer, sizeof buffer), EAGAIN);
    assert_int_equal(lil_writev(pair.pa, at_a, iov, 2), 5);
    assert_int_equal(lil_ioctl(pair.pa, at_a, SIOCOUTQ, &n), 0);
    assert_int_equal(n, 5);
    pair_run(&pair, 300);
    assert_int_equal(lil_ioctl(pair.pa, at_a, SIOCOUTQ, &n), 0);
    assert_int_equal(n, 0);
    assert_int_equal(lil_ioctl(pair.pb, at_b, FIONREAD, &n), 0);
    assert_int_equal(n, 5);
    assert_int_equal(events_of(pair.pb, at_b), POLLIN | POLLOUT);
    assert_int_equal(lil_recv(pair.pb, at_b, buffer, 3, MSG_PEEK), 3);
    assert_int_equal(lil_readv(pair.pb, at_b, back, 2), 5);
    assert_memory_equal(buffer, "hello", 5);
    assert_int_equal(lil_write(pair.pb, at_b, "x", 0), 0);
    assert_int_equal(events_of(pair.pb, at_b), POLLOUT);
    assert_fails(lil_readv(pair.pb, at_b, back, -1), EINVAL);
}

static void test_data_before_accept(void **state)
{
    int fd = lil_socket(pair.pa, AF_INET, SOCK_STREAM, 0), accepted;
    char buffer[8];

    (void)state;
    assert_int_equal(connect_to(pair.pa, fd, B4, 2000), -EINPROGRESS);
    pair_run(&pair, 10);
    assert_int_equal(lil_write(pair.pa, fd, "early", 5), 5);
    pair_run(&pair, 10);
    accepted = lil_accept(pair.pb, listener, NULL, NULL);
    assert_int_equal(lil_read(pair.pb, accepted, buffer, sizeof buffer), 5);
    assert_memory_equal(buffer, "early", 5);
}

static void test_half_close(void **state)
{
    char buffer[8];

    (void)state;
    assert_int_equal(lil_shutdown(pair.pa, at_a, SHUT_WR), 0);
    assert_fails(lil_write(pair.pa, at_a, "x", 1), EPIPE);
    pair_run(&pair, 10);
    assert_int_equal(lil_read(pair.pb, at_b, buffer, sizeof buffer), 0);
    assert_true(events_of(pair.pb, at_b) & POLLRDHUP);
    assert_int_equal(lil_write(pair.pb, at_b, "still", 5), 5);
    pair_run(&pair, 10);
    assert_int_equal(lil_read(pair.pa, at_a, buffer, sizeof buffer), 5);
    assert_int_equal(lil_close(pair.pb, at_b), 0);
    pair_run(&pair, 10);
    assert_int_equal(lil_read(pair.pa, at_a, buffer, sizeof buffer), 0);
    assert_true(events_of(pair.pa, at_a) & POLLHUP);
}

static void test_reset(void **state)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    char buffer[8];

    (void)state;
    assert_int_equal(lil_setsockopt(pair.pa, at_a, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), 0);
    assert_int_equal(lil_close(pair.pa, at_a), 0);
    pair_run(&pair, 10);
    assert_int_equal(events_of(pair.pb, at_b) & (POLLERR | POLLHUP | POLLIN), POLLERR | POLLHUP | POLLIN);
    assert_fails(lil_read(pair.pb, at_b, buffer, sizeof buffer), ECONNRESET);
    assert_int_equal(lil_read(pair.pb, at_b, buffer, sizeof buffer), 0);
    assert_fails(lil_write(pair.pb, at_b, "x", 1), EPIPE); /* no signal: the launcher raises SIGPIPE */
}

static void test_close_with_unread_data(void **state)
{
    char buffer[8];

    (void)state;
    assert_int_equal(lil_write(pair.pa, at_a, "unread", 6), 6);
    pair_run(&pair, 10);
    assert_int_equal(lil_close(pair.pb, at_b), 0); /* RFC 2525 2.17: an RST */
    pair_run(&pair, 10);
    assert_fails(lil_read(pair.pa, at_a, buffer, sizeof buffer), ECONNRESET);
}

static void test_urgent(void **state)
{
    char buffer[16];
    int mark = -1;

    (void)state;
    assert_fails(lil_recv(pair.pb, at_b, buffer, 1, MSG_OOB), EINVAL);
    assert_int_equal(lil_write(pair.pa, at_a, "123", 3), 3);
    assert_int_equal(lil_send(pair.pa, at_a, "4", 1, MSG_OOB), 1);
    assert_int_equal(lil_write(pair.pa, at_a, "56", 2), 2);
    pair_run(&pair, 300);
    assert_true(events_of(pair.pb, at_b) & POLLPRI);
    assert_int_equal(lil_ioctl(pair.pb, at_b, SIOCATMARK, &mark), 0);
    assert_int_equal(mark, 0);
    assert_int_equal(lil_recv(pair.pb, at_b, buffer, 1, MSG_OOB), 1);
    assert_int_equal(buffer[0], '4');
    assert_int_equal(lil_read(pair.pb, at_b, buffer, sizeof buffer), 3); /* stops at the mark (UNP 24.2) */
    assert_int_equal(lil_ioctl(pair.pb, at_b, SIOCATMARK, &mark), 0);
    assert_int_equal(mark, 1);
    assert_int_equal(lil_read(pair.pb, at_b, buffer, sizeof buffer), 2);
    assert_memory_equal(buffer, "56", 2);
}

/* A connection that came and was reset before accept(): Linux hands it over, with its peer's name; the error is the
 * first read's. */
static void test_reset_before_accept(void **state)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    int fd = lil_socket(pair.pa, AF_INET, SOCK_STREAM, 0);
    union name name;
    socklen_t length = sizeof name;
    unsigned port, was;
    char byte;

    (void)state;
    assert_int_equal(connect_to(pair.pa, fd, B4, 2000), -EINPROGRESS);
    pair_run(&pair, 10);
    was = local_port(pair.pa, fd);
    assert_int_equal(lil_setsockopt(pair.pa, fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), 0);
    assert_int_equal(lil_close(pair.pa, fd), 0);
    pair_run(&pair, 10);
    fd = lil_accept(pair.pb, listener, &name.sa, &length);
    assert_true(fd >= 0);
    assert_string_equal(name_text(&name, &port), A4);
    assert_int_equal(port, was);
    assert_fails(lil_read(pair.pb, fd, &byte, 1), ECONNRESET);
}

static void test_listener_closed(void **state)
{
    int fd = lil_socket(pair.pa, AF_INET, SOCK_STREAM, 0);
    char byte;

    (void)state;
    assert_int_equal(connect_to(pair.pa, fd, B4, 2000), -EINPROGRESS);
    pair_run(&pair, 10);
    assert_int_equal(lil_close(pair.pb, listener), 0); /* what nobody accepted is reset (RFC 9293 3.10.4) */
    pair_run(&pair, 10);
    assert_int_equal(connect_to(pair.pa, fd, B4, 2000), -ECONNRESET); /* the end of connect(), as Linux tells it */
    assert_int_equal(lil_write(pair.pa, at_a, "x", 1), 1);            /* accepted ones live */
    pair_run(&pair, 10);
    assert_int_equal(lil_read(pair.pb, at_b, &byte, 1), 1);
}

/* EMFILE leaves the connection in the queue for later. */
static void test_no_descriptor(void **state)
{
    int fd = lil_socket(pair.pa, AF_INET, SOCK_STREAM, 0);

    (void)state;
    assert_int_equal(connect_to(pair.pa, fd, B4, 2000), -EINPROGRESS);
    pair_run(&pair, 10);
    lil_proc_set_limit(pair.pb, 5);
    assert_fails(lil_accept(pair.pb, listener, NULL, NULL), EMFILE);
    assert_fails(lil_socket(pair.pb, AF_INET, SOCK_STREAM, 0), EMFILE);
    assert_fails(lil_dup(pair.pb, listener), EMFILE);
    lil_proc_set_limit(pair.pb, 6);
    assert_int_equal(lil_accept(pair.pb, listener, NULL, NULL), 5);
}

static void test_inherited(void **state)
{
    int other, c, s, on = 1;

    (void)state;
    other = lil_socket(pair.pb, AF_INET, SOCK_STREAM, 0);
    assert_int_equal(set_int(pair.pb, other, SOL_SOCKET, SO_KEEPALIVE, on), 0);
    assert_int_equal(set_int(pair.pb, other, SOL_SOCKET, SO_OOBINLINE, on), 0);
    assert_int_equal(set_int(pair.pb, other, IPPROTO_TCP, TCP_NODELAY, on), 0);
    assert_int_equal(set_int(pair.pb, other, SOL_SOCKET, SO_RCVBUF, 5000), 0);
    assert_int_equal(bind_to(pair.pb, other, "0.0.0.0", 2001), 0);
    assert_int_equal(lil_listen(pair.pb, other, 5), 0);
    assert_int_equal(lil_fcntl(pair.pb, other, 4 /* F_SETFL */, 04000 /* O_NONBLOCK */), 0);
    pair_connect(&pair, other, B4, 2001, &c, &s);
    assert_int_equal(get_int(pair.pb, s, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(get_int(pair.pb, s, SOL_SOCKET, SO_OOBINLINE), 1);
    assert_int_equal(get_int(pair.pb, s, IPPROTO_TCP, TCP_NODELAY), 1);
    assert_int_equal(get_int(pair.pb, s, SOL_SOCKET, SO_RCVBUF), 10000); /* doubled */
    assert_int_equal(lil_fcntl(pair.pb, s, 3 /* F_GETFL */, 0), 2);      /* not O_NONBLOCK, on Linux */
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_wrong_state),
        TEST(test_listener),
        TEST(test_data),
        TEST(test_data_before_accept),
        TEST(test_half_close),
        TEST(test_reset),
        TEST(test_close_with_unread_data),
        TEST(test_urgent),
        TEST(test_listener_closed),
        TEST(test_inherited),
        TEST(test_no_descriptor),
        TEST(test_reset_before_accept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
