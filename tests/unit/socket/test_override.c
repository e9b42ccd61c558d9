/* test_override.c: lilliput/override.h: plain names on the current process, the system's descriptors beside it, virtual
 * time, stdio. */
#include "socket_pair.h"
#include "lilliput/override.h"

static struct pair pair;

static int set_up(void **state)
{
    (void)state;
    pair_init(&pair, "linux", "linux");
    lil_set_current(pair.pa);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    lil_set_current(NULL);
    pair_fini(&pair);
    return 0;
}

static void test_both_kinds(void **state)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0), null = open("/dev/zero", O_RDONLY), copy;
    char bytes[4] = "abc";

    (void)state;
    assert_int_equal(fd, 3);
    assert_true(null >= OVERRIDE_SYSTEM_FIRST); /* out of the way */
    assert_int_equal(read(null, bytes, sizeof bytes), 4);
    assert_memory_equal(bytes, "\0\0\0\0", 4);
    assert_int_equal(fcntl(fd, F_GETFL), O_RDWR);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(fcntl(fd, F_GETFL), O_RDWR | O_NONBLOCK);
    copy = dup(null);
    assert_true(copy >= OVERRIDE_SYSTEM_FIRST);
    assert_int_equal(close(copy), 0);
    assert_int_equal(close(null), 0);
    assert_int_equal(dup(fd), 4);
    assert_int_equal(close(4), 0);
    assert_int_equal(close(fd), 0);
    assert_fails(close(fd), EBADF); /* lil's, though the system may have a 3 */
    lil_set_current(NULL);
    fd = socket(AF_UNIX, SOCK_DGRAM, 0); /* without a current process: the system's */
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
}

static void test_select_both(void **state)
{
    int zero = open("/dev/zero", O_RDONLY), fds[2];
    struct timeval tv = {0};
    struct pollfd pollfds[2];
    fd_set readable;

    (void)state;
    assert_int_equal(pipe(fds), 0);
    FD_ZERO(&readable);
    FD_SET(zero, &readable);
    FD_SET(fds[0], &readable);
    assert_int_equal(select(zero + 1, &readable, NULL, NULL, &tv), 1);
    assert_true(FD_ISSET(zero, &readable) && !FD_ISSET(fds[0], &readable));
    assert_int_equal(write(fds[1], "x", 1), 1);
    FD_SET(fds[0], &readable);
    assert_int_equal(select(zero + 1, &readable, NULL, NULL, &tv), 2);
    pollfds[0] = (struct pollfd){.fd = zero, .events = POLLIN};
    pollfds[1] = (struct pollfd){.fd = fds[1], .events = POLLOUT};
    assert_int_equal(poll(pollfds, 2, -1), 2);
    assert_int_equal(pollfds[0].fd, zero);
    assert_int_equal(pollfds[1].revents, POLLOUT);
    FD_ZERO(&readable);
    FD_SET(77, &readable);
    assert_fails(select(78, &readable, NULL, NULL, &tv), EBADF);
    assert_int_equal(close(zero), 0);
}

static void test_time(void **state)
{
    struct timespec ts;
    struct timeval tv;

    (void)state;
    assert_int_equal(time(NULL), 0);
    pair_run(&pair, 2500);
    lil_host_poll(pair.a, lil_world_now(pair.world));
    assert_int_equal(time(NULL), 2);
    assert_int_equal(gettimeofday(&tv, NULL), 0);
    assert_int_equal(tv.tv_usec, 500000);
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &ts), 0);
    assert_int_equal(ts.tv_nsec, 500000000);
    assert_int_equal(getpid(), lil_proc_pid(pair.pa));
}

static void test_stdio(void **state)
{
    char line[32];
    FILE *in, *out;
    int fds[2];

    (void)state;
    assert_int_equal(pipe(fds), 0);
    in = fdopen(fds[0], "r");
    out = fdopen(fds[1], "w");
    assert_non_null(in);
    assert_non_null(out);
    assert_true(fprintf(out, "line %d\nnext\n", 1) > 0);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(fgets(line, sizeof line, in), "line 1\n");
    assert_string_equal(fgets(line, sizeof line, in), "next\n");
    assert_null(fgets(line, sizeof line, in));
    assert_int_equal(fclose(in), 0);
    assert_fails(close(fds[0]), EBADF); /* fclose closed it */
}

static int sleeper(struct lil_proc *p, void *argument)
{
    (void)p, (void)argument;
    sleep(2);
    assert_int_equal(time(NULL), 2);
    usleep(500000);
    nanosleep(&(struct timespec){.tv_nsec = 500000000}, NULL);
    exit(time(NULL) == 3 ? 7 : 1);
}

static void test_program(void **state)
{
    struct lil_proc *p = lil_world_spawn(pair.world, pair.a, sleeper, NULL);
    int status = -1;

    (void)state;
    assert_int_equal(lil_world_run(pair.world, LIL_NEVER), 7);
    assert_true(lil_proc_ended(p, &status));
    assert_int_equal(status, 7);
    assert_ptr_equal(lil_current(), pair.pa); /* put back */
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_both_kinds), TEST(test_select_both), TEST(test_time), TEST(test_stdio), TEST(test_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
