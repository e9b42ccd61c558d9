/* filter.c: the seccomp programs. One table says for each system call what is tested and what happens; filter_build
 * turns the rows that a mode has into BPF. Calls that no row names are allowed without a test of their
 * arguments, which the kernel remembers in a bitmap. See filter.h for the modes. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/if_tun.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include "base/base.h"
#include "launch/arch.h"
#include "launch/filter.h"

#ifndef FUTEX_LOCK_PI2
#define FUTEX_LOCK_PI2 13
#endif
#ifndef __NR_futex_waitv
#define __NR_futex_waitv 449
#endif
#ifndef __NR_pidfd_getfd
#define __NR_pidfd_getfd 438
#endif
#ifndef __NR_pidfd_send_signal
#define __NR_pidfd_send_signal 424
#endif
#ifndef __NR_pidfd_open
#define __NR_pidfd_open 434
#endif
#ifndef __NR_openat2
#define __NR_openat2 437
#endif
#ifndef __NR_epoll_pwait2
#define __NR_epoll_pwait2 441
#endif

enum test {
    ALWAYS,
    FAMILY,      /* argument 0 is not AF_UNIX */
    POINTER,     /* argument `index` is not NULL */
    POSITIVE,    /* argument `index`, an int, is above 0 */
    NOT_INNER,   /* get/setsockopt of anything but what the inner end keeps: SO_RCVTIMEO, SO_SNDTIMEO, SO_KEEPALIVE (keepalive.c) */
    NET_IOCTL,   /* ioctl 0x8901..0x8bff: owners, sockets, interfaces, wireless; TIOCOUTQ; TUNSETIFF */
    ANY_IOCTL,   /* those and FIONREAD */
    NAMED_RECV,  /* recvfrom with an address, or with a flag that an AF_UNIX socket does not know, or knows otherwise */
    DUMPABLE,    /* prctl(PR_SET_DUMPABLE) */
    WALL_CLOCK,  /* a clock that is not of CPU time */
    EQUALS_0,    /* argument 0 is 0 (ITIMER_REAL) */
    FUTEX_TIMED, /* a waiting futex operation with a timeout */
    NEW_MOUNT,   /* mount() of a file system, not of what is mounted already */
    LAB,         /* argument `index` is one of the lab's own processes */
    LAB_SIGNAL,  /* argument 0 is, and the signal (argument 1) is not one that it ends in order with; a group: notified */
    SET_OWNER,   /* fcntl(F_SETOWN, F_SETOWN_EX) */
    NO_HANG,     /* argument `index` has WNOHANG */
    TO_GROUP     /* pidfd_send_signal with PIDFD_SIGNAL_PROCESS_GROUP */
};
enum {
    F = 1 << FILTER_FAST,
    T = 1 << FILTER_VIRTUAL_FILES,
    V = 1 << FILTER_VIRTUAL | T,
    R = F | 1 << FILTER_EXACT,
    E = 1 << FILTER_EXACT | V,
    A = F | E
};
#define NOTIFY SECCOMP_RET_USER_NOTIF
#define TRACE SECCOMP_RET_TRACE
#define FAIL(error) (SECCOMP_RET_ERRNO | (error))

static const struct rule {
    int nr;
    uint8_t modes;
    uint8_t test;
    uint8_t index;
    uint32_t action;
} rules[] = {
    {__NR_socket, A, FAMILY, 0, NOTIFY},
    {__NR_connect, A, ALWAYS, 0, NOTIFY},
    {__NR_bind, A, ALWAYS, 0, NOTIFY},
    {__NR_listen, A, ALWAYS, 0, NOTIFY},
    {__NR_accept, A, ALWAYS, 0, NOTIFY},
    {__NR_accept4, A, ALWAYS, 0, NOTIFY},
    {__NR_shutdown, A, ALWAYS, 0, NOTIFY},
    {__NR_getsockname, A, ALWAYS, 0, NOTIFY},
    {__NR_getpeername, A, ALWAYS, 0, NOTIFY},
    {__NR_setsockopt, F, NOT_INNER, 0, NOTIFY},
    {__NR_getsockopt, F, NOT_INNER, 0, NOTIFY},
    {__NR_setsockopt, E, ALWAYS, 0, NOTIFY},
    {__NR_getsockopt, E, ALWAYS, 0, NOTIFY},
    {__NR_sendto, F, POINTER, 4, NOTIFY},
    {__NR_recvfrom, F, NAMED_RECV, 4, NOTIFY},
    {__NR_sendto, E, ALWAYS, 0, NOTIFY},
    {__NR_recvfrom, E, ALWAYS, 0, NOTIFY},
    {__NR_sendmsg, A, ALWAYS, 0, NOTIFY},
    {__NR_recvmsg, A, ALWAYS, 0, NOTIFY},
    {__NR_sendmmsg, A, ALWAYS, 0, NOTIFY},
    {__NR_recvmmsg, A, ALWAYS, 0, NOTIFY},
    {__NR_read, E, ALWAYS, 0, NOTIFY},
    {__NR_write, E, ALWAYS, 0, NOTIFY},
    {__NR_readv, E, ALWAYS, 0, NOTIFY},
    {__NR_writev, E, ALWAYS, 0, NOTIFY},
    {__NR_preadv2, E, ALWAYS, 0, NOTIFY},
    {__NR_pwritev2, E, ALWAYS, 0, NOTIFY},
    {__NR_close, E, ALWAYS, 0, NOTIFY},
    {__NR_sendfile, E, ALWAYS, 0, NOTIFY},
    {__NR_splice, A, ALWAYS, 0, NOTIFY},
    {__NR_ioctl, F, NET_IOCTL, 0, NOTIFY},
    {__NR_ioctl, E, ANY_IOCTL, 0, NOTIFY},
    {__NR_prctl, A, DUMPABLE, 0, FAIL(0)}, /* "done": an undumpable program's memory and descriptors are out of reach */
    {__NR_io_uring_setup, A, ALWAYS, 0, NOTIFY},       /* its calls pass no filter */
    {__NR_io_uring_enter, A, ALWAYS, 0, FAIL(ENOSYS)}, /* of a ring that another process passed */
    {__NR_io_uring_register, A, ALWAYS, 0, FAIL(ENOSYS)},
    {__NR_pidfd_getfd, A, ALWAYS, 0, NOTIFY},          /* other processes' sockets */
    {__NR_kill, A, LAB_SIGNAL, 0, NOTIFY},             /* the program's parent, too, is the lab: SIGUSR1 or SIGKILL would end it */
    {__NR_fcntl, A, SET_OWNER, 0, NOTIFY},
    {__NR_pidfd_send_signal, A, TO_GROUP, 3, FAIL(EINVAL)}, /* as before Linux 6.9 */
    {__NR_tkill, A, LAB, 0, NOTIFY},
    {__NR_tgkill, A, LAB, 0, NOTIFY},
    {__NR_rt_sigqueueinfo, A, LAB, 0, NOTIFY},
    {__NR_rt_tgsigqueueinfo, A, LAB, 0, NOTIFY},
    {__NR_pidfd_open, A, LAB, 0, NOTIFY},
    {__NR_prlimit64, A, LAB, 0, NOTIFY},
    {__NR_process_vm_writev, A, LAB, 0, NOTIFY},
    {__NR_ptrace, R, LAB, 1, NOTIFY},
    {__NR_userfaultfd, A, ALWAYS, 0, NOTIFY},          /* memory at which the supervisor would wait for the program */
    {__NR_request_key, A, ALWAYS, 0, NOTIFY},          /* the kernel's helpers ask the real network */
    {__NR_mount, A, NEW_MOUNT, 0, NOTIFY},             /* of a network's file system: the kernel itself would talk */
    {__NR_fsopen, A, ALWAYS, 0, NOTIFY},
    {__NR_clock_settime, A, ALWAYS, 0, NOTIFY},        /* the machine's clock, by a time client of the lab's */
    {__NR_settimeofday, A, ALWAYS, 0, NOTIFY},
    {__NR_adjtimex, A, ALWAYS, 0, NOTIFY},
    {__NR_clock_adjtime, A, ALWAYS, 0, NOTIFY},
    {ARCH_OPEN, A, ALWAYS, 0, NOTIFY},
    {__NR_openat, A, ALWAYS, 0, NOTIFY},
    {__NR_openat2, A, ALWAYS, 0, NOTIFY},
    {__NR_sched_getaffinity, A, ALWAYS, 0, NOTIFY},
    {__NR_sched_setaffinity, A, ALWAYS, 0, NOTIFY},
    {__NR_ptrace, V, ALWAYS, 0, NOTIFY},               /* we are the tracer */
    {__NR_wait4, V, NO_HANG, 2, NOTIFY},               /* of a child that has ended, and that its tracer has not reaped yet */
    {__NR_waitid, V, NO_HANG, 3, NOTIFY},
    {__NR_stat, T, ALWAYS, 0, NOTIFY},
    {__NR_lstat, T, ALWAYS, 0, NOTIFY},
    {__NR_fstat, T, ALWAYS, 0, NOTIFY},
    {__NR_newfstatat, T, ALWAYS, 0, NOTIFY},
    {__NR_statx, T, ALWAYS, 0, NOTIFY},
    {__NR_utimensat, T, ALWAYS, 0, NOTIFY},
    {__NR_futimesat, T, ALWAYS, 0, NOTIFY},
    {__NR_utimes, T, ALWAYS, 0, NOTIFY},
    {__NR_times, V, ALWAYS, 0, NOTIFY},
    {__NR_sysinfo, V, ALWAYS, 0, NOTIFY},
    {__NR_clock_gettime, V, WALL_CLOCK, 0, NOTIFY},
    {__NR_gettimeofday, V, ALWAYS, 0, NOTIFY},
    {__NR_time, V, ALWAYS, 0, NOTIFY},
    {__NR_getrandom, V, ALWAYS, 0, NOTIFY},
    {__NR_nanosleep, V, ALWAYS, 0, TRACE},
    {__NR_clock_nanosleep, V, WALL_CLOCK, 0, TRACE},
    {__NR_poll, V, POSITIVE, 2, TRACE},
    {__NR_ppoll, V, POINTER, 2, TRACE},
    {__NR_select, V, POINTER, 4, TRACE},
    {__NR_pselect6, V, POINTER, 4, TRACE},
    {__NR_epoll_wait, V, POSITIVE, 3, TRACE},
    {__NR_epoll_pwait, V, POSITIVE, 3, TRACE},
    {__NR_epoll_pwait2, V, POINTER, 3, TRACE},
    {__NR_rt_sigtimedwait, V, POINTER, 2, TRACE},
    {__NR_semtimedop, V, POINTER, 3, TRACE},
    {__NR_mq_timedsend, V, POINTER, 4, TRACE},
    {__NR_mq_timedreceive, V, POINTER, 4, TRACE},
    {__NR_futex_waitv, V, POINTER, 3, TRACE},
    {__NR_futex, V, FUTEX_TIMED, 0, TRACE},
    {__NR_alarm, V, ALWAYS, 0, NOTIFY},
    {__NR_setitimer, V, EQUALS_0, 0, NOTIFY},
    {__NR_getitimer, V, EQUALS_0, 0, NOTIFY},
    {__NR_timer_create, V, WALL_CLOCK, 0, NOTIFY},
    {__NR_timer_settime, V, ALWAYS, 0, NOTIFY},
    {__NR_timer_gettime, V, ALWAYS, 0, NOTIFY},
    {__NR_timer_getoverrun, V, ALWAYS, 0, NOTIFY},
    {__NR_timer_delete, V, ALWAYS, 0, NOTIFY},
    {__NR_timerfd_create, V, ALWAYS, 0, NOTIFY},
    {__NR_timerfd_settime, V, ALWAYS, 0, NOTIFY},
    {__NR_timerfd_gettime, V, ALWAYS, 0, NOTIFY},
};

struct builder {
    struct sock_filter *out;
    int count;
    const pid_t *lab;
};

static void emit(struct builder *b, uint16_t code, uint8_t yes, uint8_t no, uint32_t k)
{
    b->out[b->count++] = (struct sock_filter){code, yes, no, k};
}

/* Little-endian: the low half of an argument comes first. */
static void load_low(struct builder *b, int argument)
{
    emit(b, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, args) + 8 * (unsigned)argument);
}

static void load_high(struct builder *b, int argument)
{
    emit(b, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, args) + 8 * (unsigned)argument + 4);
}

static void jump_equal(struct builder *b, uint32_t k, uint8_t yes, uint8_t no) { emit(b, BPF_JMP | BPF_JEQ | BPF_K, yes, no, k); }
static void give(struct builder *b, uint32_t action) { emit(b, BPF_RET | BPF_K, 0, 0, action); }

/* A futex wait with a time to its end. */
static void test_futex(struct builder *b)
{
    load_low(b, 1);
    emit(b, BPF_ALU | BPF_AND | BPF_K, 0, 0, 0x7f);
    jump_equal(b, FUTEX_WAIT, 4, 0);
    jump_equal(b, FUTEX_WAIT_BITSET, 3, 0);
    jump_equal(b, FUTEX_LOCK_PI, 2, 0);
    jump_equal(b, FUTEX_WAIT_REQUEUE_PI, 1, 0);
    jump_equal(b, FUTEX_LOCK_PI2, 0, 5);
    load_low(b, 3);
    jump_equal(b, 0, 0, 2);
    load_high(b, 3);
    jump_equal(b, 0, 1, 0);
}

/* A pointer that is not NULL. */
static void test_pointer(struct builder *b, int argument)
{
    load_low(b, argument);
    jump_equal(b, 0, 0, 2);
    load_high(b, argument);
    jump_equal(b, 0, 1, 0);
}

static void test_bits(struct builder *b, int argument, uint32_t bits)
{
    load_low(b, argument);
    emit(b, BPF_JMP | BPF_JSET | BPF_K, 0, 1, bits);
}

static void test_option(struct builder *b)
{
    load_low(b, 1);
    jump_equal(b, SOL_SOCKET, 0, 6);
    load_low(b, 2);
    jump_equal(b, SO_KEEPALIVE, 5, 0);
    jump_equal(b, SO_RCVTIMEO, 4, 0);
    jump_equal(b, SO_SNDTIMEO, 3, 0);
    jump_equal(b, 66 /* SO_RCVTIMEO_NEW */, 2, 0);
    jump_equal(b, 67 /* SO_SNDTIMEO_NEW */, 1, 0);
}

static void test_ioctl(struct builder *b, bool with_unread)
{
    load_low(b, 1);
    jump_equal(b, TUNSETIFF, with_unread ? 4 : 3, 0);
    if (with_unread)
        jump_equal(b, 0x541b /* FIONREAD */, 3, 0);
    jump_equal(b, 0x5411 /* TIOCOUTQ */, 2, 0);
    emit(b, BPF_JMP | BPF_JGE | BPF_K, 0, 2, FIOSETOWN);
    emit(b, BPF_JMP | BPF_JGT | BPF_K, 1, 0, 0x8bff);
}

/* An ordinary end is for the lab to see: SIGTERM and the like; and signal 0 asks whether it lives. */
static void test_lab(struct builder *b, const struct rule *rule)
{
    bool has_signal = rule->test == LAB_SIGNAL;

    load_low(b, rule->index);
    if (has_signal) {
        jump_equal(b, 0, 1, 0);
        emit(b, BPF_JMP | BPF_JSET | BPF_K, 0, 1, 0x80000000u);
        give(b, rule->action);
    }
    jump_equal(b, (uint32_t)b->lab[0], 1, 0);
    jump_equal(b, (uint32_t)b->lab[1], 0, has_signal ? 6 : 1);
    if (!has_signal)
        return;
    load_low(b, 1);
    jump_equal(b, 0, 4, 0);
    jump_equal(b, SIGHUP, 3, 0);
    jump_equal(b, SIGINT, 2, 0);
    jump_equal(b, SIGTERM, 1, 0);
}

/* The test of one row; ends in a return on every path. */
static void emit_test(struct builder *b, const struct rule *rule)
{
    const uint32_t act = rule->action, allow = SECCOMP_RET_ALLOW;

    switch (rule->test) {
    case ALWAYS:
        give(b, act);
        return;
    case FAMILY:
        load_low(b, 0);
        jump_equal(b, AF_UNIX, 1, 0);
        break;
    case POINTER:
        test_pointer(b, rule->index);
        break;
    case NAMED_RECV:
        load_low(b, 3);
        emit(b, BPF_JMP | BPF_JSET | BPF_K, 4, 0, MSG_ERRQUEUE | MSG_OOB);
        test_pointer(b, rule->index);
        break;
    case POSITIVE:
        load_low(b, rule->index);
        jump_equal(b, 0, 2, 0);
        emit(b, BPF_JMP | BPF_JSET | BPF_K, 1, 0, 0x80000000u);
        break;
    case NOT_INNER:
        test_option(b);
        break;
    case NET_IOCTL:
    case ANY_IOCTL:
        test_ioctl(b, rule->test == ANY_IOCTL);
        break;
    case DUMPABLE:
        load_low(b, 0);
        jump_equal(b, PR_SET_DUMPABLE, 0, 1);
        break;
    case WALL_CLOCK: /* negative numbers are some process's CPU clock */
        load_low(b, 0);
        jump_equal(b, CLOCK_PROCESS_CPUTIME_ID, 4, 0);
        jump_equal(b, CLOCK_THREAD_CPUTIME_ID, 3, 0);
        jump_equal(b, 10 /* CLOCK_SGI_CYCLE, which is gone */, 2, 0);
        emit(b, BPF_JMP | BPF_JGT | BPF_K, 1, 0, CLOCK_TAI);
        break;
    case EQUALS_0:
        load_low(b, 0);
        jump_equal(b, 0, 0, 1);
        break;
    case FUTEX_TIMED:
        test_futex(b);
        break;
    case LAB:
    case LAB_SIGNAL:
        test_lab(b, rule);
        break;
    case SET_OWNER:
        load_low(b, 1);
        jump_equal(b, F_SETOWN, 1, 0);
        jump_equal(b, F_SETOWN_EX, 0, 1);
        break;
    case NO_HANG:
    case TO_GROUP:
        test_bits(b, rule->index, rule->test == NO_HANG ? WNOHANG : 1u << 2);
        break;
    case NEW_MOUNT:
        load_low(b, 3);
        emit(b, BPF_JMP | BPF_JSET | BPF_K, 1, 0, MS_REMOUNT | MS_BIND | MS_MOVE | MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE);
        break;
    }
    give(b, act);
    give(b, allow);
}

int filter_build(enum filter_mode mode, const pid_t lab[2], struct sock_filter *out)
{
    struct builder b = {.out = out, .lab = lab};

    /* i386 and x32 programs would need tables of their own: they are told ENOSYS (notify.c). */
    emit(&b, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, arch));
    jump_equal(&b, ARCH_AUDIT, 1, 0);
    give(&b, NOTIFY);
    emit(&b, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr));
    emit(&b, BPF_JMP | BPF_JSET | BPF_K, 0, 1, ARCH_X32_BIT);
    give(&b, NOTIFY);
    for (unsigned i = 0; i < ARRAY_COUNT(rules); i++) {
        int jump = b.count;
        if (!(rules[i].modes & 1 << mode))
            continue;
        jump_equal(&b, (uint32_t)rules[i].nr, 0, 0);
        emit_test(&b, &rules[i]);
        out[jump].jf = (uint8_t)(b.count - jump - 1);
    }
    give(&b, SECCOMP_RET_ALLOW);
    return b.count;
}
