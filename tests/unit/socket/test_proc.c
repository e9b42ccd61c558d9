/* test_proc.c: descriptors: lowest free first, dup, fcntl, close, limits; pipes. */
#include <fcntl.h>
#include <poll.h>
#include "socket_pair.h"

static struct lil_host *host;
static struct lil_proc *p;

static int set_up(void **state)
{
    (void)state;
    host = lil_host_new(&(struct lil_host_config){.seed = 1});
    p = lil_proc_new(host);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    lil_host_free(host); /* with its processes */
    return 0;
}

static int open_one(void)
{
    return lil_socket(p, AF_INET, SOCK_DGRAM, 0);
}

static void test_lowest_first(void **state)
{
    (void)state;
    for (int fd = 3; fd < 200; fd++) /* 0-2 are the system's */
        assert_int_equal(open_one(), fd);
    assert_int_equal(lil_close(p, 7), 0);
    assert_int_equal(lil_close(p, 100), 0);
    assert_int_equal(lil_close(p, 64), 0);
    assert_int_equal(open_one(), 7);
    assert_int_equal(open_one(), 64);
    assert_int_equal(open_one(), 100);
    assert_int_equal(open_one(), 200);
    assert_fails(lil_close(p, 201), EBADF);
    assert_fails(lil_close(p, -1), EBADF);
    assert_fails(lil_close(p, 1), EBADF);
    assert_fails(lil_close(p, 1 << 30), EBADF);
}

static void test_many(void **state)
{
    (void)state;
    for (int fd = 3; fd < 20000; fd++)
        assert_int_equal(open_one(), fd);
    for (int fd = 3; fd < 20000; fd += 4097)
        assert_int_equal(lil_close(p, fd), 0);
    for (int fd = 3; fd < 20000; fd += 4097)
        assert_int_equal(open_one(), fd);
    assert_int_equal(open_one(), 20000);
}

static void test_dup(void **state)
{
    union name name;
    socklen_t length = sizeof name;
    int fd = open_one(), copy;

    (void)state;
    copy = lil_dup(p, fd);
    assert_int_equal(copy, fd + 1);
    assert_int_equal(bind_to(p, copy, "127.0.0.1", 2000), 0);
    assert_int_equal(lil_close(p, copy), 0);
    assert_int_equal(local_port(p, fd), 2000); /* the same socket */
    assert_int_equal(lil_dup2(p, fd, 300), 300);
    assert_int_equal(lil_dup2(p, fd, fd), fd);
    assert_int_equal(lil_close(p, fd), 0);
    assert_int_equal(local_port(p, 300), 2000);
    assert_int_equal(lil_dup2(p, 300, 0), 0); /* as inetd does */
    assert_int_equal(local_port(p, 0), 2000);
    assert_int_equal(open_one(), 3);
    assert_int_equal(lil_dup2(p, 300, 3), 3); /* closes what was there */
    assert_int_equal(local_port(p, 3), 2000);
    assert_fails(lil_dup(p, 77), EBADF);
    assert_fails(lil_dup2(p, 77, 3), EBADF);
    assert_fails(lil_dup2(p, 3, -1), EBADF);
    assert_fails(lil_getsockname(p, 77, &name.sa, &length), EBADF);
}

static void test_fcntl(void **state)
{
    int fd = lil_socket(p, AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

    (void)state;
    assert_int_equal(lil_fcntl(p, fd, F_GETFL, 0), O_RDWR | O_NONBLOCK);
    assert_int_equal(lil_fcntl(p, fd, F_GETFD, 0), FD_CLOEXEC);
    assert_int_equal(lil_fcntl(p, fd, F_SETFL, 0), 0);
    assert_int_equal(lil_fcntl(p, fd, F_SETFD, 0), 0);
    assert_int_equal(lil_fcntl(p, fd, F_GETFL, 0), O_RDWR);
    assert_int_equal(lil_fcntl(p, fd, F_GETFD, 0), 0);
    assert_int_equal(lil_fcntl(p, fd, F_DUPFD, 50), 50);
    assert_int_equal(lil_fcntl(p, fd, F_DUPFD_CLOEXEC, 50), 51);
    assert_int_equal(lil_fcntl(p, 51, F_GETFD, 0), FD_CLOEXEC);
    assert_fails(lil_fcntl(p, fd, F_DUPFD, -1), EINVAL);
    assert_fails(lil_fcntl(p, fd, 9999, 0), EINVAL);
    assert_int_equal(lil_ioctl(p, fd, 0x5421 /* FIONBIO */, &on), 0);
    assert_int_equal(lil_fcntl(p, 50, F_GETFL, 0), O_RDWR | O_NONBLOCK); /* of the file, not of the descriptor */
}

static void test_not_a_socket(void **state)
{
    int fds[2], ep = lil_epoll_create1(p, 0);
    char byte = 0;

    (void)state;
    assert_int_equal(lil_pipe2(p, fds, 0), 0);
    assert_fails(lil_listen(p, ep, 5), ENOTSOCK);
    assert_fails(lil_send(p, fds[1], &byte, 1, 0), ENOTSOCK);
    assert_fails(lil_recv(p, fds[0], &byte, 1, 0), ENOTSOCK);
    assert_fails(lil_read(p, ep, &byte, 1), EINVAL);
    assert_int_equal(bind_to(p, fds[0], "0.0.0.0", 1), -ENOTSOCK);
    assert_fails(lil_read(p, 99, &byte, 1), EBADF);
    assert_fails(lil_write(p, 99, &byte, 1), EBADF);
}

static void test_pipe(void **state)
{
    static char big[100000], back[100000];
    struct pollfd pollfd[2];
    int fds[2], n = 0;

    (void)state;
    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (char)(i * 7);
    assert_int_equal(lil_pipe2(p, fds, O_NONBLOCK), 0);
    assert_fails(lil_read(p, fds[0], back, 1), EAGAIN);
    assert_fails(lil_read(p, fds[1], back, 1), EBADF);
    assert_fails(lil_write(p, fds[0], back, 1), EBADF);
    assert_int_equal(lil_write(p, fds[1], big, sizeof big), 65536);
    assert_fails(lil_write(p, fds[1], big, 1), EAGAIN);
    pollfd[0] = (struct pollfd){.fd = fds[0], .events = POLLIN};
    pollfd[1] = (struct pollfd){.fd = fds[1], .events = POLLOUT};
    assert_int_equal(lil_poll(p, pollfd, 2, 0), 1);
    assert_int_equal(lil_ioctl(p, fds[0], 0x541B /* FIONREAD */, &n), 0);
    assert_int_equal(n, 65536);
    assert_int_equal(lil_read(p, fds[0], back, sizeof back), 65536);
    assert_memory_equal(back, big, 65536);
    assert_int_equal(lil_write(p, fds[1], big, 10), 10);
    assert_int_equal(lil_close(p, fds[1]), 0);
    assert_int_equal(lil_read(p, fds[0], back, sizeof back), 10);
    assert_int_equal(lil_read(p, fds[0], back, sizeof back), 0);
    assert_int_equal(lil_poll(p, pollfd, 1, 0), 1);
    assert_int_equal(pollfd[0].revents, POLLHUP);
    assert_int_equal(lil_pipe2(p, fds, O_NONBLOCK), 0);
    assert_int_equal(lil_close(p, fds[0]), 0);
    assert_fails(lil_write(p, fds[1], big, 1), EPIPE);
    assert_fails(lil_pipe2(p, fds, 12345), EINVAL);
}

static void test_current(void **state)
{
    (void)state;
    assert_null(lil_set_current(p));
    assert_ptr_equal(lil_current(), p);
    assert_ptr_equal(lil_set_current(NULL), p);
    assert_int_equal(lil_is_open(p, 3), 0);
    assert_int_equal(open_one(), 3);
    assert_int_equal(lil_is_open(p, 3), 1);
    lil_proc_close_all(p);
    assert_int_equal(lil_is_open(p, 3), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_lowest_first), TEST(test_many), TEST(test_dup),     TEST(test_fcntl),
        TEST(test_not_a_socket), TEST(test_pipe), TEST(test_current),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
