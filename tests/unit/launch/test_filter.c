/* test_filter.c: the seccomp programs, run by a small interpreter of classic BPF: each mode's decision for calls and arguments, and
 * that every call that can be notified has a handler with a name. */
#include "unit/check.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include "launch/arch.h"
#include "launch/filter.h"
#include "launch/notify.h"

static struct sock_filter code[3][FILTER_MAX];
static int length[3];
enum { SUPERVISOR = 5000, GUARDIAN = 4999 };

static int setup(void **state)
{
    (void)state;
    for (int mode = 0; mode < 3; mode++) {
        length[mode] = filter_build((enum filter_mode)mode, (const pid_t[]){SUPERVISOR, GUARDIAN}, code[mode]);
        assert_in_range(length[mode], 50, FILTER_MAX);
    }
    return 0;
}

static uint32_t run(int mode, const struct seccomp_data *data)
{
    uint32_t a = 0;
    for (int pc = 0; pc < length[mode]; pc++) {
        const struct sock_filter *i = &code[mode][pc];
        bool yes = false;
        switch (i->code) {
        case BPF_LD | BPF_W | BPF_ABS:
            assert_true(i->k % 4 == 0 && i->k < sizeof *data);
            memcpy(&a, (const uint8_t *)data + i->k, sizeof a);
            continue;
        case BPF_ALU | BPF_AND | BPF_K: a &= i->k; continue;
        case BPF_RET | BPF_K: return i->k;
        case BPF_JMP | BPF_JEQ | BPF_K: yes = a == i->k; break;
        case BPF_JMP | BPF_JGE | BPF_K: yes = a >= i->k; break;
        case BPF_JMP | BPF_JGT | BPF_K: yes = a > i->k; break;
        case BPF_JMP | BPF_JSET | BPF_K: yes = a & i->k; break;
        default: fail_msg("instruction %#x", i->code);
        }
        pc += yes ? i->jt : i->jf;
    }
    fail_msg("ran past the end");
    return 0;
}

static uint32_t ask(int mode, long nr, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4)
{
    struct seccomp_data data = {.nr = (int)nr, .arch = ARCH_AUDIT, .args = {a0, a1, a2, a3, a4}};
    return run(mode, &data);
}

#define N SECCOMP_RET_USER_NOTIF
#define T SECCOMP_RET_TRACE
#define A SECCOMP_RET_ALLOW
#define E(error) (SECCOMP_RET_ERRNO | (error))

static void test_decisions(void **state)
{
    const uint64_t high = 1ull << 32; /* a pointer whose low half is zero */
    const struct {
        long nr;
        uint64_t a[5];
        uint32_t action[3]; /* fast, exact, virtual */
    } cases[] = {
        {__NR_socket, {AF_INET}, {N, N, N}}, {__NR_socket, {AF_UNIX}, {A, A, A}},
        {__NR_socket, {AF_NETLINK}, {N, N, N}}, {__NR_socket, {AF_PACKET}, {N, N, N}},
        {__NR_socketpair, {AF_UNIX}, {A, A, A}}, {__NR_connect, {3}, {N, N, N}}, {__NR_read, {3}, {A, N, N}},
        {__NR_writev, {3}, {A, N, N}}, {__NR_sendto, {3}, {A, N, N}}, {__NR_sendto, {3, 0, 0, 0, 4096}, {N, N, N}},
        {__NR_sendto, {3, 0, 0, 0, high}, {N, N, N}}, {__NR_recvfrom, {3, 0, 0, 0, high}, {N, N, N}},
        {__NR_recvfrom, {3, 0, 0, MSG_PEEK}, {A, N, N}}, {__NR_recvfrom, {3, 0, 0, MSG_ERRQUEUE}, {N, N, N}},
        {__NR_sendmsg, {3}, {N, N, N}}, {__NR_recvmmsg, {3}, {N, N, N}}, {__NR_close, {3}, {A, N, N}},
        {__NR_setsockopt, {3, SOL_SOCKET, SO_RCVTIMEO}, {A, N, N}},
        {__NR_setsockopt, {3, SOL_SOCKET, SO_KEEPALIVE}, {A, N, N}}, {__NR_setsockopt, {3, IPPROTO_TCP, SO_KEEPALIVE}, {N, N, N}},
        {__NR_setsockopt, {3, SOL_SOCKET, SO_RCVBUF}, {N, N, N}},
        {__NR_setsockopt, {3, IPPROTO_TCP, SO_RCVTIMEO}, {N, N, N}}, {__NR_getsockopt, {3, SOL_SOCKET, 67}, {A, N, N}},
        {__NR_ioctl, {3, 0x8900}, {A, A, A}}, {__NR_ioctl, {3, 0x8901}, {N, N, N}}, {__NR_ioctl, {3, 0x5411}, {N, N, N}},
        {__NR_ioctl, {3, 0x8912}, {N, N, N}},
        {__NR_ioctl, {3, 0x8b01}, {N, N, N}}, {__NR_ioctl, {3, 0x8c00}, {A, A, A}},
        {__NR_ioctl, {3, 0x541b}, {A, N, N}}, {__NR_ioctl, {3, 0x5401}, {A, A, A}}, {__NR_splice, {3}, {N, N, N}},
        {__NR_sendfile, {3}, {A, N, N}}, {__NR_prctl, {PR_SET_DUMPABLE, 0}, {E(0), E(0), E(0)}},
        {__NR_prctl, {PR_SET_NAME}, {A, A, A}}, {__NR_io_uring_setup, {8}, {N, N, N}},
        {__NR_io_uring_enter, {8}, {E(ENOSYS), E(ENOSYS), E(ENOSYS)}},
        {438 /* pidfd_getfd */, {3}, {N, N, N}}, {__NR_openat, {0}, {N, N, N}}, {437 /* openat2 */, {0}, {N, N, N}},
        {__NR_clock_gettime, {CLOCK_MONOTONIC}, {A, A, N}}, {__NR_clock_gettime, {CLOCK_THREAD_CPUTIME_ID}, {A, A, A}},
        {__NR_clock_gettime, {(uint32_t)-6}, {A, A, A}}, {__NR_nanosleep, {0}, {A, A, T}},
        {__NR_clock_nanosleep, {CLOCK_REALTIME}, {A, A, T}}, {__NR_ppoll, {0, 0, 0}, {A, A, A}},
        {__NR_ppoll, {0, 0, high}, {A, A, T}}, {__NR_epoll_pwait, {0, 0, 0, 5}, {A, A, T}},
        {__NR_epoll_pwait, {0, 0, 0, (uint32_t)-1}, {A, A, A}}, {__NR_epoll_pwait, {0, 0, 0, 0}, {A, A, A}},
        {__NR_futex, {0, FUTEX_WAIT, 0, 4096}, {A, A, T}}, {__NR_futex, {0, FUTEX_WAIT, 0, 0}, {A, A, A}},
        {__NR_futex, {0, FUTEX_WAIT, 0, high}, {A, A, T}}, {__NR_futex, {0, FUTEX_WAKE, 0, 4096}, {A, A, A}},
        {__NR_futex, {0, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME, 0, 4096}, {A, A, T}},
        {__NR_futex, {0, FUTEX_LOCK_PI, 0, 4096}, {A, A, T}}, {__NR_futex, {0, FUTEX_REQUEUE, 0, 4096}, {A, A, A}},
        {__NR_setitimer, {0 /* ITIMER_REAL */}, {A, A, N}}, {__NR_setitimer, {1}, {A, A, A}},
        {__NR_timer_create, {CLOCK_MONOTONIC}, {A, A, N}},
        {__NR_kill, {SUPERVISOR, SIGUSR1}, {N, N, N}},
        {__NR_kill, {GUARDIAN, SIGKILL}, {N, N, N}}, {__NR_kill, {SUPERVISOR, 0}, {A, A, A}},
        {__NR_kill, {GUARDIAN, SIGTERM}, {A, A, A}}, {__NR_kill, {77, SIGKILL}, {A, A, A}},
        {__NR_kill, {0, SIGTERM}, {N, N, N}}, {__NR_kill, {(uint32_t)-1, SIGKILL}, {N, N, N}},
        {__NR_kill, {(uint32_t)-77, SIGKILL}, {N, N, N}}, {__NR_fcntl, {3, F_SETOWN}, {N, N, N}},
        {__NR_fcntl, {3, F_SETFL}, {A, A, A}}, {424 /* pidfd_send_signal */, {3, SIGTERM}, {A, A, A}},
        {424, {3, SIGTERM, 0, 4}, {E(EINVAL), E(EINVAL), E(EINVAL)}},
        {__NR_tgkill, {SUPERVISOR, SUPERVISOR, SIGTERM}, {N, N, N}}, {__NR_tgkill, {77, 77, SIGTERM}, {A, A, A}},
        {__NR_tkill, {77, SIGTERM}, {A, A, A}}, {__NR_ptrace, {16, SUPERVISOR}, {N, N, N}},
        {__NR_ptrace, {16, 77}, {A, A, N}}, {__NR_timerfd_settime, {3}, {A, A, N}}, {__NR_getpid, {0}, {A, A, A}},
        {__NR_execve, {0}, {A, A, A}}, {__NR_exit_group, {0}, {A, A, A}}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int mode = 0; mode < 3; mode++) {
            uint32_t got = ask(mode, cases[i].nr, cases[i].a[0], cases[i].a[1], cases[i].a[2], cases[i].a[3], cases[i].a[4]);
            if (got != cases[i].action[mode])
                fail_msg("row %zu, call %ld, mode %d: %#x, expected %#x", i, cases[i].nr, mode, got, cases[i].action[mode]);
        }
}

static void test_other_architectures(void **state)
{
    struct seccomp_data foreign = {.nr = __NR_getpid, .arch = AUDIT_ARCH_ARM};
    (void)state;
    for (int mode = 0; mode < 3; mode++) {
        assert_int_equal(run(mode, &foreign), N);
#ifdef __x86_64__
        struct seccomp_data i386 = {.nr = 20, .arch = AUDIT_ARCH_I386}, x32 = {.nr = __NR_getpid | 0x40000000, .arch = ARCH_AUDIT};
        assert_int_equal(run(mode, &i386), N);
        assert_int_equal(run(mode, &x32), N);
#endif
    }
}

/* A notified call without a handler would be continued: what the table forgot would leak silently. */
static void test_every_notified_call_has_a_handler(void **state)
{
    const uint64_t values[] = {0, 1, 3, 16, 4096, 0x541b, 0x8912, 1ull << 32};
    (void)state;
    for (int mode = 0; mode < 3; mode++)
        for (long nr = 0; nr < 470; nr++)
            for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
                uint64_t x = values[v];
                if (ask(mode, nr, x, x, x, x, x) == SECCOMP_RET_USER_NOTIF && !strcmp(notify_name(nr), "a system call"))
                    fail_msg("call %ld is notified in mode %d and has no handler", nr, mode);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_decisions), cmocka_unit_test(test_other_architectures),
                                       cmocka_unit_test(test_every_notified_call_has_a_handler)};
    return cmocka_run_group_tests(tests, setup, NULL);
}
