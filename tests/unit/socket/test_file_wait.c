/* test_file_wait.c: calls that sleep, in fibers: accept woken in order, timeouts, MSG_WAITALL, large writes, select and
 * epoll with virtual time, SO_LINGER, and a program killed while it sleeps. */
#include <poll.h>
#include <sys/select.h>
#include <sys/time.h>
#include "socket_pair.h"

static struct pair pair;

static int set_up(void **state)
{
    (void)state;
    pair_init(&pair, "linux", "linux");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pair_fini(&pair);
    return 0;
}

static void run_programs(lil_main_fn *client, lil_main_fn *server)
{
    lil_world_spawn(pair.world, pair.b, server, NULL);
    if (client)
        lil_world_spawn_at(pair.world, pair.a, 1000000, client, NULL);
    assert_int_equal(lil_world_run(pair.world, LIL_NEVER), 0);
}

static int connect_program(struct lil_proc *p)
{
    int fd = lil_socket(p, AF_INET, SOCK_STREAM, 0);

    assert_int_equal(connect_to(p, fd, B4, 2000), 0); /* it blocks */
    return fd;
}

enum { BULK = 3000000 };
static int bulk_client(struct lil_proc *p, void *argument)
{
    static unsigned char bytes[BULK];
    int fd = connect_program(p);

    (void)argument;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 31 >> 3);
    assert_int_equal(lil_write(p, fd, bytes, sizeof bytes), sizeof bytes); /* all of it, however small the buffer */
    lil_close(p, fd);
    return 0;
}

static int bulk_server(struct lil_proc *p, void *argument)
{
    static unsigned char bytes[BULK];
    int listener = listen_on(p, "0.0.0.0", 2000, 5), fd = lil_accept(p, listener, NULL, NULL);

    (void)argument;
    assert_true(fd >= 0);
    assert_int_equal(lil_recv(p, fd, bytes, sizeof bytes, MSG_WAITALL), sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        if (bytes[i] != (unsigned char)(i * 31 >> 3))
            fail_msg("byte %zu", i);
    assert_int_equal(lil_read(p, fd, bytes, 1), 0);
    return 0;
}

static void test_bulk(void **state)
{
    (void)state;
    run_programs(bulk_client, bulk_server);
}

/* --- timeouts --------------------------------------------------------------------------------- */
static int timeouts(struct lil_proc *p, void *argument)
{
    struct timeval tv = {.tv_sec = 2, .tv_usec = 500000};
    int fd = lil_socket(p, AF_INET, SOCK_DGRAM, 0), listener = listen_on(p, "0.0.0.0", 2000, 5),
        ep = lil_epoll_create1(p, 0);
    struct epoll_event event = {.events = EPOLLIN};
    struct pollfd pollfd = {.fd = fd, .events = POLLIN};
    uint64_t start = lil_now_ns(p);
    fd_set readable;
    char byte;

    (void)argument;
    assert_int_equal(lil_setsockopt(p, fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv), 0);
    assert_int_equal(lil_setsockopt(p, listener, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv), 0);
    assert_fails(lil_recv(p, fd, &byte, 1, 0), EAGAIN);
    assert_int_equal(lil_now_ns(p) - start, 2500000000ull);
    assert_fails(lil_accept(p, listener, NULL, NULL), EAGAIN);
    assert_int_equal(lil_now_ns(p) - start, 5000000000ull);
    assert_int_equal(lil_poll(p, &pollfd, 1, 1000), 0);
    assert_int_equal(lil_now_ns(p) - start, 6000000000ull);
    FD_ZERO(&readable);
    FD_SET(fd, &readable);
    assert_int_equal(lil_select(p, fd + 1, &readable, NULL, NULL, &tv), 0);
    assert_int_equal(lil_now_ns(p) - start, 8500000000ull);
    assert_int_equal(lil_epoll_ctl(p, ep, EPOLL_CTL_ADD, fd, &event), 0);
    assert_int_equal(lil_epoll_wait(p, ep, &event, 1, 500), 0);
    assert_int_equal(lil_now_ns(p) - start, 9000000000ull);
    assert_int_equal(lil_poll(p, NULL, 0, 250), 0);
    assert_int_equal(lil_now_ns(p) - start, 9250000000ull);
    assert_fails(lil_recv(p, fd, &byte, 1, MSG_DONTWAIT), EAGAIN);
    return 0;
}

static void test_timeouts(void **state)
{
    (void)state;
    run_programs(NULL, timeouts);
}

/* connect() with SO_SNDTIMEO: EINPROGRESS when the time is over; the connection goes on. */
static int connect_timeout(struct lil_proc *p, void *argument)
{
    struct timeval tv = {.tv_sec = 1};
    int fd = lil_socket(p, AF_INET, SOCK_STREAM, 0);
    uint64_t start = lil_now_ns(p);

    (void)argument;
    assert_int_equal(lil_setsockopt(p, fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv), 0);
    assert_int_equal(connect_to(p, fd, "192.0.2.99", 2000), -EINPROGRESS);
    assert_int_equal(lil_now_ns(p) - start, 1000000000ull);
    assert_string_equal(lil_tcp_state(p, fd), "SYN_SENT");
    return 0;
}

static void test_connect_timeout(void **state)
{
    (void)state;
    run_programs(NULL, connect_timeout);
}

/* --- select, poll and epoll that are woken ---------------------------------------------------- */
static int late_client(struct lil_proc *p, void *argument)
{
    int fd;

    (void)argument;
    lil_sleep_ns(p, 3000000000ull);
    fd = connect_program(p);
    lil_sleep_ns(p, 1000000000ull);
    assert_int_equal(lil_write(p, fd, "12345678", 8), 8);
    lil_sleep_ns(p, 1000000000ull);
    lil_close(p, fd);
    return 0;
}

static int select_server(struct lil_proc *p, void *argument)
{
    int listener = listen_on(p, "0.0.0.0", 2000, 5), fd;
    struct timeval tv = {.tv_sec = 10};
    struct pollfd pollfd;
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP};
    int ep = lil_epoll_create1(p, 0);
    char buffer[16];
    fd_set readable;

    (void)argument;
    FD_ZERO(&readable);
    FD_SET(listener, &readable);
    assert_int_equal(lil_select(p, listener + 1, &readable, NULL, NULL, &tv), 1);
    assert_in_range(lil_now_ns(p), 3001000000ull, 3010000000ull);
    assert_in_range(tv.tv_sec, 6, 6); /* Linux: what is left */
    fd = lil_accept(p, listener, NULL, NULL);
    pollfd = (struct pollfd){.fd = fd, .events = POLLIN};
    assert_int_equal(lil_poll(p, &pollfd, 1, -1), 1);
    assert_in_range(lil_now_ns(p), 4001000000ull, 4010000000ull);
    assert_int_equal(lil_read(p, fd, buffer, sizeof buffer), 8);
    assert_int_equal(lil_epoll_ctl(p, ep, EPOLL_CTL_ADD, fd, &event), 0);
    assert_int_equal(lil_epoll_wait(p, ep, &event, 1, -1), 1);
    assert_in_range(lil_now_ns(p), 5001000000ull, 5010000000ull);
    assert_int_equal(event.events, EPOLLIN | EPOLLRDHUP);
    return 0;
}

static void test_woken(void **state)
{
    (void)state;
    run_programs(late_client, select_server);
}

static int lowat_server(struct lil_proc *p, void *argument)
{
    int listener = listen_on(p, "0.0.0.0", 2000, 5), fd = lil_accept(p, listener, NULL, NULL);
    char buffer[16];

    (void)argument;
    assert_int_equal(set_int(p, fd, SOL_SOCKET, SO_RCVLOWAT, 12), 0);
    assert_int_equal(lil_read(p, fd, buffer, sizeof buffer), 8); /* 12 never come: the end does */
    assert_in_range(lil_now_ns(p), 5001000000ull, 5010000000ull);
    return 0;
}

static void test_rcvlowat(void **state)
{
    (void)state;
    run_programs(late_client, lowat_server);
}

/* --- linger ----------------------------------------------------------------------------------- */
static int linger_client(struct lil_proc *p, void *argument)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 10};
    struct lil_link_config config = {.delay_ns = 500000000};
    uint64_t start;
    int fd;

    (void)argument, (void)config;
    fd = connect_program(p);
    assert_int_equal(lil_setsockopt(p, fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), 0);
    assert_int_equal(lil_write(p, fd, "bye", 3), 3);
    start = lil_now_ns(p);
    assert_int_equal(lil_close(p, fd), 0);
    assert_in_range(lil_now_ns(p) - start, 1000000000ull, 1100000000ull); /* the FIN's ACK has come back */
    return 0;
}

static int quiet_server(struct lil_proc *p, void *argument)
{
    int listener = listen_on(p, "0.0.0.0", 2000, 5), fd = lil_accept(p, listener, NULL, NULL);

    (void)argument;
    lil_sleep_ns(p, 60000000000ull);
    lil_close(p, fd);
    return 0;
}

static void test_linger(void **state)
{
    struct lil_host *c = lil_world_host(pair.world, "c", "linux");
    struct lil_link_config slow = {.delay_ns = 500000000};

    (void)state;
    assert_non_null(lil_world_link(pair.world, c, "198.51.100.1/24", pair.b, "198.51.100.2/24", &slow));
    assert_int_equal(lil_route_add(c, "default", "198.51.100.2"), 0);
    lil_world_spawn(pair.world, pair.b, quiet_server, NULL);
    lil_world_spawn_at(pair.world, c, 1000000, linger_client, NULL);
    assert_int_equal(lil_world_run(pair.world, LIL_NEVER), 0);
}

/* --- accept: woken in order of arrival -------------------------------------------------------- */
static int killed_server(struct lil_proc *p, void *argument)
{
    int listener = listen_on(p, "0.0.0.0", 2000, 5);

    (void)argument;
    assert_fails(lil_accept(p, listener, NULL, NULL), EINTR);
    return 0;
}

static void test_killed(void **state)
{
    struct lil_proc *victim = lil_world_spawn(pair.world, pair.b, killed_server, NULL);
    int fd;

    (void)state;
    pair_run(&pair, 1000);
    assert_false(lil_proc_ended(victim, NULL));
    lil_world_kill(pair.world, victim);
    pair_run(&pair, 1000);
    assert_true(lil_proc_ended(victim, NULL));
    fd = lil_socket(pair.pa, AF_INET, SOCK_STREAM, 0); /* its listener is gone */
    assert_int_equal(connect_to(pair.pa, fd, B4, 2000), -EINPROGRESS);
    pair_run(&pair, 100);
    assert_int_equal(get_int(pair.pa, fd, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_bulk),     TEST(test_timeouts), TEST(test_connect_timeout), TEST(test_woken),
        TEST(test_rcvlowat), TEST(test_linger),   TEST(test_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
