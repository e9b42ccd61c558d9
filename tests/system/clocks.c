/* clocks.c: every way to read the clock says the same in virtual time: the C library (through the vDSO that the launcher puts there) and
 * the system calls; before and after a sleep; a loop that spins on a clock ends; the processor's counter moves along, and a SIGSEGV
 * is one all the same. "ok" or what differs; exit 1 then.
 * `clocks -f PROGRAM ARGS`: PROGRAM under a seccomp filter of its own that kills for shmat(), a call that it does not make.
 * `clocks -t`: whether this machine lets a program be kept from its counter ("hidden" or "bare").
 * `clocks -b`: it does not: all but the counter. */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#ifdef __x86_64__
#include <x86intrin.h>
#endif

static int differing;

static void compare(const char *what, long long a, long long b)
{
    if (a == b)
        return;
    printf("%s: %lld and %lld\n", what, a, b);
    differing = 1;
}

static void look(void)
{
    static const int ids[] = {
        CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE,
        CLOCK_BOOTTIME, CLOCK_TAI};
    struct timespec a, b;
    struct timeval c, d;

    for (unsigned i = 0; i < sizeof ids / sizeof *ids; i++) {
        char name[32];
        snprintf(name, sizeof name, "clock %d", ids[i]);
        clock_gettime(ids[i], &a);
        syscall(SYS_clock_gettime, ids[i], &b);
        compare(name, a.tv_sec * 1000000000ll + a.tv_nsec, b.tv_sec * 1000000000ll + b.tv_nsec);
    }
    gettimeofday(&c, NULL);
    syscall(SYS_gettimeofday, &d, NULL);
    compare("gettimeofday", c.tv_sec * 1000000ll + c.tv_usec, d.tv_sec * 1000000ll + d.tv_usec);
    clock_gettime(CLOCK_REALTIME, &a);
    compare("microseconds", a.tv_nsec / 1000, c.tv_usec);
    compare("time", time(NULL), a.tv_sec);
    compare("time, the call", syscall(SYS_time, NULL), a.tv_sec);
}

#ifdef __x86_64__
static sigjmp_buf back;
static void on_segv(int sig) { (void)sig, siglongjmp(back, 1); }

static void say_whether_hidden(void)
{
    signal(SIGSEGV, on_segv);
    prctl(PR_SET_TSC, PR_TSC_SIGSEGV);
    if (!sigsetjmp(back, 1)) {
        (void)__rdtsc();
        printf("bare\n");
    } else {
        printf("hidden\n");
    }
}

static void look_at_counter(int is_bare)
{
    unsigned processor;
    unsigned long long a = __rdtsc(), b = __rdtsc(), c;

    sleep(3);
    c = __rdtscp(&processor);
    compare("two reads of the counter", b > a, 1);
    if (!is_bare)
        compare("the counter over 3 s, in tenths", (long long)(c - b + 50000000) / 100000000, 30);
    signal(SIGSEGV, on_segv);
    if (!sigsetjmp(back, 1)) {
        *(volatile int *)(0xdeadull << 48) = 1; /* as for the counter, the kernel has no address to tell */
        compare("a SIGSEGV", 0, 1);
    }
    signal(SIGSEGV, SIG_DFL);
}
#else
static void say_whether_hidden(void) { printf("bare\n"); }
static void look_at_counter(int is_bare) { (void)is_bare; }
#endif

static int under_filter(char **argv)
{
    struct sock_filter code[] = {{BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr)},
                                 {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_shmat},
                                 {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_KILL_PROCESS},
                                 {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}};
    struct sock_fprog filter = {4, code};
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0)
        execv(argv[0], argv);
    perror(argv[0]);
    return 1;
}

int main(int argc, char **argv)
{
    struct timespec a, b;

    if (argc > 2 && !strcmp(argv[1], "-f"))
        return under_filter(argv + 2);
    if (argc > 1 && !strcmp(argv[1], "-t")) {
        say_whether_hidden();
        return 0;
    }
    look();
    clock_gettime(CLOCK_MONOTONIC, &a);
    sleep(5);
    clock_gettime(CLOCK_MONOTONIC, &b);
    compare("sleep", b.tv_sec - a.tv_sec, 5);
    look();
    look_at_counter(argc > 1 && !strcmp(argv[1], "-b"));
    clock_gettime(CLOCK_MONOTONIC, &b);
    do
        clock_gettime(CLOCK_MONOTONIC, &a);
    while (a.tv_sec == b.tv_sec && a.tv_nsec < b.tv_nsec + 2000000);
    printf(differing ? "" : "ok\n");
    return differing;
}
