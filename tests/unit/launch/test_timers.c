/* test_timers.c: the clock's arithmetic, and timers as their calls set, read and fire them. The calls are this process's own: its memory is
 * read and written as a program's is, and its signals are counted. */
#include "unit/check.h"
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include "base/base.h"
#include "launch/clock.h"
#include "launch/timers.h"

static struct launcher lab;
static struct program program = {.launcher = &lab};
static volatile sig_atomic_t rings, value, overrun;

static void ring(int sig, siginfo_t *info, void *context)
{
    (void)sig, (void)context;
    rings++;
    value = info->si_value.sival_int;
    overrun = info->si_overrun;
}

static int setup(void **state)
{
    struct sigaction action = {.sa_sigaction = ring, .sa_flags = SA_SIGINFO};
    (void)state;
    sigaction(SIGALRM, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    memset(&lab, 0, sizeof lab);
    lab.virtual_time = true;
    lab.clock = &lab.own_clock;
    lab.pid = getpid();
    lab.real_base_ns = 1700000000 * NS_PER_S;
    lab.mono_base_ns = 1000 * NS_PER_S;
    rings = 0;
    return timers_init(&lab);
}

static int teardown(void **state)
{
    (void)state;
    timers_free(&lab);
    return 0;
}

static int64_t call(call_handler *handler, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    struct call one = {.program = &program, .tid = getpid(), .inner = -1, .args = {a, b, c, d}};
    return handler(&one);
}
#define AT(object) ((uint64_t)(uintptr_t)(object))

static void fire_at(uint64_t now_ns)
{
    clock_jump(&lab, now_ns);
    timers_fire(&lab);
}

static void test_arithmetic(void **state)
{
    (void)state;
    assert_true(clock_add(LIL_NEVER, 1) == LIL_NEVER);
    assert_true(clock_add(LIL_NEVER - 1, 2) == LIL_NEVER);
    assert_true(clock_span(-1, 0) == 0);
    assert_true(clock_span(2, 5) == 2 * NS_PER_S + 5);
    assert_true(clock_span(INT64_MAX, 0) == LIL_NEVER);
    assert_true(clock_to_world(&lab, CLOCK_MONOTONIC, 1003, 7) == 3 * NS_PER_S + 7);
    assert_true(clock_to_world(&lab, CLOCK_MONOTONIC, 3, 0) == 0); /* before the world began */
    assert_true(clock_to_world(&lab, CLOCK_REALTIME, INT64_MAX, 0) == LIL_NEVER);
    assert_true(clock_from_world(&lab, CLOCK_REALTIME, 5) == 1700000000 * NS_PER_S + 5);
    for (int id = 0; id <= CLOCK_TAI; id++)
        if (id != CLOCK_PROCESS_CPUTIME_ID && id != CLOCK_THREAD_CPUTIME_ID && id != 10) {
            uint64_t at = clock_from_world(&lab, id, 42 * NS_PER_S);
            assert_true(clock_to_world(&lab, id, (int64_t)(at / NS_PER_S), (int64_t)(at % NS_PER_S)) == 42 * NS_PER_S);
        }
}

/* alarm(2): one a process, shared with setitimer; the rest is rounded up to a second. */
static void test_alarm(void **state)
{
    struct itimerval set = {{0, 250000}, {2, 500000}}, old;
    (void)state;
    assert_int_equal(call(timers_call_alarm, 3, 0, 0, 0), 0);
    assert_true(timers_next(&lab) == 3 * NS_PER_S);
    clock_jump(&lab, 1500 * NS_PER_MS);
    assert_int_equal(call(timers_call_alarm, 10, 0, 0, 0), 2);
    assert_int_equal(call(timers_call_setitimer, ITIMER_REAL, AT(&set), AT(&old), 0), 0);
    assert_int_equal(old.it_value.tv_sec, 10);
    assert_true(timers_next(&lab) == 4 * NS_PER_S);
    fire_at(4 * NS_PER_S);
    assert_int_equal(rings, 1);
    assert_true(timers_next(&lab) == 4250 * NS_PER_MS);
    assert_int_equal(call(timers_call_getitimer, ITIMER_REAL, AT(&old), 0, 0), 0);
    assert_int_equal(old.it_value.tv_usec, 250000);
    assert_int_equal(old.it_interval.tv_usec, 250000);
    set.it_value.tv_usec = 1000000;
    assert_int_equal(call(timers_call_setitimer, ITIMER_REAL, AT(&set), 0, 0), -EINVAL);
    assert_int_equal(call(timers_call_setitimer, ITIMER_REAL, 8, 0, 0), -EFAULT);
    assert_int_equal(call(timers_call_alarm, 0, 0, 0, 0), 1);
    assert_true(timers_next(&lab) == LIL_NEVER);
}

/* timer_create(2): absolute and relative, a signal with its value; a start in the past counts what it missed. */
static void test_posix(void **state)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 99},
                    none = {.sigev_notify = SIGEV_NONE};
    struct itimerspec spec = {{0, 0}, {1002, 0}}, old;
    int id = 0, silent = 0;
    (void)state;
    assert_int_equal(call(timers_call_create, CLOCK_MONOTONIC, AT(&event), AT(&id), 0), 0);
    assert_int_equal(call(timers_call_settime, (uint64_t)id, TIMER_ABSTIME, AT(&spec), AT(&old)), 0);
    assert_int_equal(old.it_value.tv_sec, 0);
    assert_true(timers_next(&lab) == 2 * NS_PER_S);
    fire_at(2 * NS_PER_S);
    assert_int_equal(rings, 1);
    assert_int_equal(value, 99);
    assert_true(timers_next(&lab) == LIL_NEVER);
    spec = (struct itimerspec){{1, 0}, {1, 500000000}}; /* absolute: 1,000.5 s before now, each second */
    assert_int_equal(call(timers_call_settime, (uint64_t)id, TIMER_ABSTIME, AT(&spec), 0), 0);
    fire_at(2 * NS_PER_S);
    assert_int_equal(rings, 2);
    assert_int_equal(overrun, 1000);
    assert_int_equal(call(timers_call_getoverrun, (uint64_t)id, 0, 0, 0), 1000);
    assert_true(timers_next(&lab) == 2500 * NS_PER_MS);
    assert_int_equal(call(timers_call_create, CLOCK_REALTIME, AT(&none), AT(&silent), 0), 0);
    assert_int_not_equal(silent, id);
    assert_int_equal(call(timers_call_delete, (uint64_t)id, 0, 0, 0), 0);
    assert_int_equal(call(timers_call_delete, (uint64_t)id, 0, 0, 0), CALL_CONTINUE); /* the kernel's, or none */
    spec = (struct itimerspec){{0, 0}, {1, 0}};
    assert_int_equal(call(timers_call_settime, (uint64_t)silent, 0, AT(&spec), 0), 0);
    fire_at(3 * NS_PER_S);
    assert_int_equal(rings, 2);
    timers_process_gone(&lab, getpid());
    assert_int_equal(call(timers_call_gettime, (uint64_t)silent, AT(&old), 0, 0), CALL_CONTINUE);
}

/* A clock read is free up to a number of reads at one instant; then each costs a microsecond, so that a loop on the clock ends. */
static void test_reads(void **state)
{
    struct timespec t;
    (void)state;
    clock_jump(&lab, 7 * NS_PER_S);
    for (int i = 0; i < 4096; i++)
        assert_int_equal(call(clock_call_gettime, CLOCK_MONOTONIC, AT(&t), 0, 0), 0);
    assert_true(lab.now_ns == 7 * NS_PER_S && t.tv_sec == 1007 && t.tv_nsec == 0);
    assert_int_equal(call(clock_call_gettime, CLOCK_MONOTONIC, AT(&t), 0, 0), 0);
    assert_int_equal(t.tv_nsec, 1000);
    clock_jump(&lab, 8 * NS_PER_S);
    assert_int_equal(call(clock_call_gettime, CLOCK_MONOTONIC, AT(&t), 0, 0), 0);
    assert_int_equal(t.tv_nsec, 0);
    assert_int_equal(call(clock_call_time, 0, 0, 0, 0), 1700000008);
    assert_int_equal(call(clock_call_gettime, CLOCK_MONOTONIC, 8, 0, 0), -EFAULT);
}

/* The gauntlet's chance: one seed, the same bytes; without a seed the kernel's own. */
static void test_chance(void **state)
{
    uint8_t first[33] = {0}, second[33] = {0}, scratch[4096];
    (void)state;
    lab.scratch = scratch;
    list_init(&lab.tasks);
    assert_int_equal(call(call_getrandom, AT(first), 32, 0, 0), CALL_CONTINUE);
    lab.has_chance = true;
    prng_seed(&lab.chance, 5);
    assert_int_equal(call(call_getrandom, AT(first), 31, 0, 0), 31);
    assert_int_equal(first[31], 0);
    prng_seed(&lab.chance, 5);
    assert_int_equal(call(call_getrandom, AT(second), 31, 0, 0), 31);
    assert_memory_equal(first, second, sizeof first);
    assert_int_equal(call(call_getrandom, AT(second), 31, 0, 0), 31);
    assert_memory_not_equal(first, second, sizeof first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_arithmetic, setup, teardown), cmocka_unit_test_setup_teardown(test_alarm, setup, teardown),
        cmocka_unit_test_setup_teardown(test_posix, setup, teardown),      cmocka_unit_test_setup_teardown(test_reads, setup, teardown),
        cmocka_unit_test_setup_teardown(test_chance, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
