/* test_epoll.c: epoll (level, edge, one-shot, exclusive, nested) and what select and poll say of the same. */
#include <poll.h>
#include <sys/select.h>
#include "socket_pair.h"

static struct pair pair;
static int listener, at_a, at_b, ep;

static int set_up(void **state)
{
    (void)state;
    pair_init(&pair, "linux", "linux");
    listener = listen_on(pair.pb, "0.0.0.0", 2000, 5);
    pair_connect(&pair, listener, B4, 2000, &at_a, &at_b);
    ep = lil_epoll_create1(pair.pb, 0);
    assert_true(ep >= 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pair_fini(&pair);
    return 0;
}

static int add(int epfd, int fd, unsigned events)
{
    struct epoll_event event = {.events = events, .data.u64 = 0x100000000ull + (unsigned)fd};

    return lil_epoll_ctl(pair.pb, epfd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static int change(int fd, unsigned events)
{
    struct epoll_event event = {.events = events, .data.u64 = 0x100000000ull + (unsigned)fd};

    return lil_epoll_ctl(pair.pb, ep, EPOLL_CTL_MOD, fd, &event) < 0 ? -errno : 0;
}

/* The events of the one descriptor that is ready; 0: none. */
static unsigned ready_one(int fd)
{
    struct epoll_event events[4];
    int n = lil_epoll_wait(pair.pb, ep, events, 4, -1); /* inline it never blocks */

    assert_in_range(n, 0, 1);
    if (n == 1)
        assert_int_equal(events[0].data.u64, 0x100000000ull + (unsigned)fd);
    return n ? events[0].events : 0;
}

static void send_one(void)
{
    assert_int_equal(lil_write(pair.pa, at_a, "x", 1), 1);
    pair_run(&pair, 10);
}

static void test_level(void **state)
{
    char byte;

    (void)state;
    assert_int_equal(add(ep, at_b, EPOLLIN), 0);
    assert_int_equal(ready_one(at_b), 0);
    send_one();
    assert_int_equal(ready_one(at_b), EPOLLIN);
    assert_int_equal(ready_one(at_b), EPOLLIN); /* still */
    assert_int_equal(lil_read(pair.pb, at_b, &byte, 1), 1);
    assert_int_equal(ready_one(at_b), 0);
    assert_int_equal(change(at_b, EPOLLIN | EPOLLOUT), 0);
    assert_int_equal(ready_one(at_b), EPOLLOUT);
    assert_int_equal(lil_close(pair.pa, at_a), 0);
    pair_run(&pair, 10);
    assert_int_equal(change(at_b, EPOLLIN | EPOLLRDHUP), 0);
    assert_int_equal(ready_one(at_b), EPOLLIN | EPOLLRDHUP);
}

static void test_edge(void **state)
{
    char buffer[4];

    (void)state;
    assert_int_equal(add(ep, at_b, EPOLLIN | EPOLLET), 0);
    assert_int_equal(ready_one(at_b), 0);
    send_one();
    assert_int_equal(ready_one(at_b), EPOLLIN);
    assert_int_equal(ready_one(at_b), 0); /* told once */
    send_one();
    assert_int_equal(ready_one(at_b), EPOLLIN); /* new data: a new edge */
    assert_int_equal(lil_read(pair.pb, at_b, buffer, 4), 2);
    assert_int_equal(ready_one(at_b), 0);
    send_one();
    assert_int_equal(lil_read(pair.pb, at_b, buffer, 4), 1);
    assert_int_equal(ready_one(at_b), 0); /* read before it was asked */
}

/* A writer that met no shortage, for its last write just fitted, is told of room too: looking is asking (Linux's tcp_poll). */
static void test_room_after_a_last_fit(void **state)
{
    static char chunk[500];
    int bytes = 20000, n = 0;
    struct epoll_event event = {.events = EPOLLOUT | EPOLLET};
    int writer = lil_epoll_create1(pair.pa, 0);

    (void)state;
    assert_int_equal(lil_setsockopt(pair.pa, at_a, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes), 0);
    assert_int_equal(lil_epoll_ctl(pair.pa, writer, EPOLL_CTL_ADD, at_a, &event), 0);
    while (lil_epoll_wait(pair.pa, writer, &event, 1, -1) == 1)
        ;
    for (;; n++) {
        struct pollfd out = {at_a, POLLOUT, 0};
        if (lil_poll(pair.pa, &out, 1, 0) == 0)
            break;
        assert_int_equal(lil_write(pair.pa, at_a, chunk, sizeof chunk), sizeof chunk); /* whole: no shortage */
        assert_true(n < 1000);
    }
    assert_int_equal(lil_epoll_wait(pair.pa, writer, &event, 1, -1), 0);
    pair_run(&pair, 1000);
    assert_int_equal(lil_epoll_wait(pair.pa, writer, &event, 1, -1), 1);
    assert_int_equal(event.events, EPOLLOUT);
}

static void test_oneshot(void **state)
{
    (void)state;
    assert_int_equal(add(ep, at_b, EPOLLIN | EPOLLONESHOT), 0);
    send_one();
    assert_int_equal(ready_one(at_b), EPOLLIN);
    send_one();
    assert_int_equal(ready_one(at_b), 0);
    assert_int_equal(change(at_b, EPOLLIN | EPOLLONESHOT), 0);
    assert_int_equal(ready_one(at_b), EPOLLIN);
}

/* Two instances watch a listener exclusively: one is told of each connection. */
static void test_exclusive(void **state)
{
    int other = lil_epoll_create1(pair.pb, 0), c;
    struct epoll_event event;

    (void)state;
    assert_int_equal(add(ep, listener, EPOLLIN | EPOLLEXCLUSIVE | EPOLLET), 0);
    assert_int_equal(add(other, listener, EPOLLIN | EPOLLEXCLUSIVE | EPOLLET), 0);
    c = lil_socket(pair.pa, AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect_to(pair.pa, c, B4, 2000), -EINPROGRESS);
    pair_run(&pair, 10);
    assert_int_equal(ready_one(listener), EPOLLIN);
    assert_int_equal(lil_epoll_wait(pair.pb, other, &event, 1, 0), 0);
    assert_int_equal(change(listener, EPOLLIN), -EINVAL);
}

static void test_errors(void **state)
{
    struct epoll_event event = {.events = EPOLLIN};
    int other = lil_epoll_create1(pair.pb, 0);

    (void)state;
    assert_int_equal(add(ep, 99, EPOLLIN), -EBADF);
    assert_int_equal(add(99, at_b, EPOLLIN), -EBADF);
    assert_int_equal(add(at_b, listener, EPOLLIN), -EINVAL);
    assert_int_equal(add(ep, ep, EPOLLIN), -EINVAL);
    assert_int_equal(add(ep, at_b, EPOLLIN), 0);
    assert_int_equal(add(ep, at_b, EPOLLIN), -EEXIST);
    assert_int_equal(change(listener, EPOLLIN), -ENOENT);
    assert_fails(lil_epoll_ctl(pair.pb, ep, EPOLL_CTL_DEL, listener, NULL), ENOENT);
    assert_fails(lil_epoll_ctl(pair.pb, ep, 77, at_b, &event), EINVAL);
    assert_fails(lil_epoll_wait(pair.pb, ep, &event, 0, 0), EINVAL);
    assert_fails(lil_epoll_wait(pair.pb, at_b, &event, 1, 0), EINVAL);
    assert_fails(lil_epoll_create1(pair.pb, 7), EINVAL);
    assert_int_equal(add(other, ep, EPOLLIN), 0);
    assert_int_equal(add(ep, other, EPOLLIN), -ELOOP);
    assert_int_equal(lil_epoll_ctl(pair.pb, ep, EPOLL_CTL_DEL, at_b, NULL), 0);
}

static void test_nested(void **state)
{
    int outer = lil_epoll_create1(pair.pb, 0);
    struct epoll_event event;

    (void)state;
    assert_int_equal(add(outer, ep, EPOLLIN), 0);
    assert_int_equal(add(ep, at_b, EPOLLIN), 0);
    assert_int_equal(lil_epoll_wait(pair.pb, outer, &event, 1, 0), 0);
    send_one();
    assert_int_equal(lil_epoll_wait(pair.pb, outer, &event, 1, 0), 1);
    assert_int_equal(event.data.u64, 0x100000000ull + (unsigned)ep);
    assert_int_equal(lil_close(pair.pb, ep), 0);
    assert_int_equal(lil_epoll_wait(pair.pb, outer, &event, 1, 0), 0);
}

/* The last close of a socket takes its items along; a dup keeps them. */
static void test_closed_files(void **state)
{
    int copy = lil_dup(pair.pb, at_b);

    (void)state;
    assert_int_equal(add(ep, at_b, EPOLLIN), 0);
    send_one();
    assert_int_equal(lil_close(pair.pb, at_b), 0);
    assert_int_equal(ready_one(at_b), EPOLLIN);
    assert_int_equal(lil_close(pair.pb, copy), 0);
    assert_int_equal(ready_one(at_b), 0);
}

/* O(ready): of many descriptors only the ready are looked at, and all get their turn. */
static void test_many(void **state)
{
    enum { COUNT = 100 };
    struct epoll_event events[8];
    int c[COUNT], s[COUNT], seen[COUNT] = {0};

    (void)state;
    for (int i = 0; i < COUNT; i++) {
        pair_connect(&pair, listener, B4, 2000, &c[i], &s[i]);
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = (unsigned)i};

        assert_int_equal(lil_epoll_ctl(pair.pb, ep, EPOLL_CTL_ADD, s[i], &event), 0);
        assert_int_equal(lil_write(pair.pa, c[i], "x", 1), 1);
    }
    pair_run(&pair, 10);
    for (int round = 0; round < COUNT / 8 + 1; round++) {
        int n = lil_epoll_wait(pair.pb, ep, events, 8, 0);

        for (int i = 0; i < n; i++)
            seen[events[i].data.u32]++;
    }
    for (int i = 0; i < COUNT; i++)
        assert_in_range(seen[i], 1, 2);
}

static void test_select(void **state)
{
    struct timeval tv = {0};
    fd_set readable, writable;
    int count = (at_b > listener ? at_b : listener) + 1;

    (void)state;
    FD_ZERO(&readable);
    FD_SET(at_b, &readable);
    FD_SET(listener, &readable);
    writable = readable;
    assert_int_equal(lil_select(pair.pb, count, &readable, &writable, NULL, &tv), 1);
    assert_true(FD_ISSET(at_b, &writable) && !FD_ISSET(listener, &writable) && !FD_ISSET(at_b, &readable));
    send_one();
    FD_ZERO(&readable);
    FD_SET(at_b, &readable);
    assert_int_equal(lil_select(pair.pb, count, &readable, NULL, NULL, NULL), 1);
    assert_true(FD_ISSET(at_b, &readable));
    FD_SET(200, &readable);
    assert_fails(lil_select(pair.pb, 201, &readable, NULL, NULL, NULL), EBADF);
    assert_fails(lil_select(pair.pb, -1, NULL, NULL, NULL, NULL), EINVAL);
    assert_fails(lil_select(pair.pb, FD_SETSIZE + 1, NULL, NULL, NULL, NULL), EINVAL);
}

static void test_poll(void **state)
{
    struct pollfd fds[3] = {{.fd = at_b, .events = POLLIN}, {.fd = -1, .events = POLLIN}, {.fd = 99, .events = POLLIN}};

    (void)state;
    assert_int_equal(lil_poll(pair.pb, fds, 2, 1000), 0);
    assert_int_equal(lil_poll(pair.pb, fds, 3, 0), 1);
    assert_int_equal(fds[2].revents, POLLNVAL);
    assert_int_equal(fds[1].revents, 0);
    send_one();
    assert_int_equal(lil_poll(pair.pb, fds, 2, 0), 1);
    assert_int_equal(fds[0].revents, POLLIN);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_level),   TEST(test_edge),         TEST(test_room_after_a_last_fit),
        TEST(test_oneshot), TEST(test_exclusive),    TEST(test_errors),
        TEST(test_nested),  TEST(test_closed_files), TEST(test_many),
        TEST(test_select),  TEST(test_poll),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
