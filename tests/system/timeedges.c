/* timeedges.c: the edges of timed calls, as Linux 6.18 has them: clocks that no timer has, times left, overruns, what a signal of a timer
 * tells, times in the past; and the clocks that count from the machine's start or a process's. "ok", or a line for each that differs. */
#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/times.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef __NR_futex_waitv
#define __NR_futex_waitv 449
#endif

static int differing;
static volatile int hits, code, overrun;
static struct timespec *const nowhere = (struct timespec *)8;

static void expect(const char *what, double is, double wanted, double tolerance)
{
    if (is >= wanted - tolerance && is <= wanted + tolerance)
        return;
    printf("%s: %g, not %g\n", what, is, wanted);
    differing = 1;
}

/* The result of a system call, or -errno. */
static long made(long result) { return result < 0 ? -errno : result; }

static void on_signal(int sig, siginfo_t *info, void *context)
{
    (void)sig, (void)context;
    hits++;
    code = info->si_code;
    overrun = info->si_overrun;
}

static void alarm_in(int milliseconds) { setitimer(ITIMER_REAL, &(struct itimerval){.it_value = {0, milliseconds * 1000}}, NULL); }

static double clock_of(int id)
{
    struct timespec t = {0};
    clock_gettime(id, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void sleeps(void)
{
    struct timespec time = {1, 0}, left = {9, 0};
    struct { uint64_t value, address; uint32_t flags, reserved; } word = {0, (uintptr_t)&differing, 2, 0};

    alarm_in(300);
    expect("nanosleep, broken, time left nowhere", made(syscall(SYS_nanosleep, &time, nowhere)), -EFAULT, 0);
    alarm_in(300);
    expect("nanosleep, broken", made(nanosleep(&time, &left)), -EINTR, 0);
    expect("its time left", (double)left.tv_sec + (double)left.tv_nsec / 1e9, 0.7, 0.1);
    signal(SIGALRM, SIG_IGN);
    left.tv_sec = 9;
    alarm_in(300);
    expect("nanosleep and a signal that is ignored", made(nanosleep(&time, &left)), 0, 0);
    expect("writes no time left", (double)left.tv_sec, 9, 0);
    sigaction(SIGALRM, &(struct sigaction){.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO}, NULL);
    word.value = (uint32_t)differing;
    expect("futex_waitv on CLOCK_BOOTTIME", made(syscall(__NR_futex_waitv, &word, 1, 0, &time, CLOCK_BOOTTIME)), -EINVAL, 0);
}

/* A loop without a clock read and without a call that works: nng's, beside a timer of another thread. */
static void moments_long_past(void)
{
    struct timespec past = {2, 0};
    double began = clock_of(CLOCK_MONOTONIC);
    int word = 0, before = hits;
    long result = -ETIMEDOUT;

    alarm_in(100);
    while (hits == before && (result == -ETIMEDOUT || result == -EINTR))
        result = made(syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, 0, &past, NULL, -1));
    expect("until a moment long past", hits - before, 1, 0);
    expect("time goes on beside it", clock_of(CLOCK_MONOTONIC) - began, 0.15, 0.05);
}

static void clocks(void)
{
    static const int only_tell[] = {CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE};
    struct timespec time = {0, 100000000};
    struct itimerspec spec = {.it_value = {1, 0}};
    struct sigevent event = {.sigev_notify = SIGEV_NONE};
    int id, fd = timerfd_create(CLOCK_MONOTONIC, 0);

    for (unsigned i = 0; i < sizeof only_tell / sizeof *only_tell; i++) {
        expect("sleep on a clock that only tells", made(syscall(SYS_clock_nanosleep, only_tell[i], 0, &time, NULL)), -EOPNOTSUPP, 0);
        expect("timer of such a clock", made(syscall(SYS_timer_create, only_tell[i], &event, &id)), -EOPNOTSUPP, 0);
        expect("timerfd of such a clock", made(timerfd_create(only_tell[i], 0)), -EINVAL, 0);
    }
    expect("timerfd of CLOCK_TAI", made(timerfd_create(CLOCK_TAI, 0)), -EINVAL, 0);
    expect("timerfd of no clock", made(timerfd_create(99, 0)), -EINVAL, 0);
    expect("timerfd_settime, unknown flag", made(timerfd_settime(fd, 8, &spec, NULL)), -EINVAL, 0);
    event.sigev_notify = 99;
    expect("timer_create, unknown way", made(syscall(SYS_timer_create, CLOCK_REALTIME, &event, &id)), -EINVAL, 0);
    event = (struct sigevent){.sigev_notify = SIGEV_SIGNAL, .sigev_signo = 99};
    expect("timer_create, unknown signal", made(syscall(SYS_timer_create, CLOCK_REALTIME, &event, &id)), -EINVAL, 0);
}

static void timers(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    struct itimerspec spec = {{0, 100000000}, {0, 100000000}};
    struct timespec time = {0, 550000000};
    sigset_t set;
    timer_t timer;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    timer_create(CLOCK_MONOTONIC, &event, &timer);
    timer_settime(timer, 0, &spec, NULL);
    nanosleep(&time, NULL);
    hits = 0;
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    expect("signals of a timer that was blocked", hits, 1, 0);
    expect("its overruns", overrun, 4, 0);
    expect("timer_getoverrun", timer_getoverrun(timer), 4, 0);
    expect("its code", code, SI_TIMER, 0);
    spec = (struct itimerspec){.it_value = {1, 0}};
    hits = 0;
    timer_settime(timer, TIMER_ABSTIME, &spec, NULL);
    expect("a time in the past: at once", hits, 1, 0);
    timer_delete(timer);
    alarm(1);
    pause();
    expect("alarm's code", code, SI_KERNEL, 0);
}

/* The number behind TEXT in FILE, or its number FIELD from the last ')' on. */
static double number_in(const char *file, const char *text, int field)
{
    static char all[1 << 18];
    FILE *f = fopen(file, "r");
    char *at = all;

    all[f ? fread(all, 1, sizeof all - 1, f) : 0] = 0;
    if (f)
        fclose(f);
    at = field ? strrchr(all, ')') : strstr(all, text);
    for (; at && field > 0; field--)
        at = strchr(at + 1, ' ');
    return at ? atof(at + strlen(text)) : -1;
}

static void from_the_start(void)
{
    long tick = sysconf(_SC_CLK_TCK);
    double began = number_in("/proc/self/stat", "", 20) / (double)tick, before = (double)times(&(struct tms){0}) / (double)tick, mine;
    struct sysinfo info;
    int status;
    pid_t child;

    sleep(2);
    child = fork();
    if (child == 0) {
        mine = number_in("/proc/self/stat", "", 20) / (double)tick;
        _exit(mine - began > 1.9);
    }
    waitpid(child, &status, 0);
    expect("a child began 2 s after its parent", WEXITSTATUS(status), 1, 0);
    expect("times()", (double)times(&(struct tms){0}) / (double)tick - before, 2, 0.3);
    sysinfo(&info);
    expect("sysinfo()", (double)info.uptime, clock_of(CLOCK_BOOTTIME), 1.3);
    expect("/proc/uptime", number_in("/proc/uptime", "", 0), clock_of(CLOCK_BOOTTIME), 0.3);
    expect("btime", number_in("/proc/stat", "btime ", 0), clock_of(CLOCK_REALTIME) - clock_of(CLOCK_BOOTTIME), 1.3);
}

int main(void)
{
    sigaction(SIGALRM, &(struct sigaction){.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO}, NULL);
    sigaction(SIGUSR1, &(struct sigaction){.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO}, NULL);
    sleeps();
    moments_long_past();
    clocks();
    timers();
    from_the_start();
    printf(differing ? "" : "ok\n");
    return differing;
}
