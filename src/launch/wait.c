/* wait.c: timed waits in virtual time. Each kind of call is a row: where its timeout is and what it looks like, what
 * the call returns when it runs out. At the call's seccomp stop the timeout is taken out of the registers (the call becomes
 * untimed, so the kernel's own timer cannot end it) and the deadline is kept here; at its exit stop the registers are put back. When
 * the clock reaches a deadline the thread is interrupted and its result set. Invariant 5. */
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include "launch/arch.h"
#include "launch/clock.h"
#include "launch/memory.h"
#include "launch/notify.h"
#include "launch/task.h"
#include "launch/timers.h"

#ifndef __NR_futex_waitv
#define __NR_futex_waitv 449
#endif
#ifndef __NR_epoll_pwait2
#define __NR_epoll_pwait2 441
#endif

enum timeout_form {
    MILLISECONDS,  /* an int in the register */
    TIMESPEC,      /* a pointer to a relative struct timespec */
    TIMEVAL,       /* a pointer to a relative struct timeval */
    REALTIME_ABS,  /* a pointer to an absolute CLOCK_REALTIME timespec */
    CLOCK_BY_0,    /* clock_nanosleep: the clock is argument 0, TIMER_ABSTIME in argument 1 */
    CLOCK_BY_4,    /* futex_waitv: absolute, the clock is argument 4 */
    FUTEX_FORM     /* by the operation */
};

struct wait_kind {
    long nr;
    const char *name;
    enum timeout_form form;
    uint8_t index;        /* of the timeout argument */
    int8_t left;          /* of the argument that receives the time left; -1: none */
    int16_t result;       /* when it runs out */
    bool as_ppoll;        /* becomes ppoll(NULL, 0, NULL, NULL): sleep until a signal */
    int fd_sets;          /* arguments 1..3 are sets of that many descriptors (argument 0): emptied when it runs out */
};

static const struct wait_kind kinds[] = {
    {__NR_nanosleep, "nanosleep", TIMESPEC, 0, 1, 0, true, 0},
    {__NR_clock_nanosleep, "clock_nanosleep", CLOCK_BY_0, 2, 3, 0, true, 0},
    {__NR_poll, "poll", MILLISECONDS, 2, -1, 0, false, 0},
    {__NR_ppoll, "ppoll", TIMESPEC, 2, 2, 0, false, 0},
    {__NR_select, "select", TIMEVAL, 4, 4, 0, false, 1},
    {__NR_pselect6, "pselect", TIMESPEC, 4, 4, 0, false, 1},
    {__NR_epoll_wait, "epoll_wait", MILLISECONDS, 3, -1, 0, false, 0},
    {__NR_epoll_pwait, "epoll_pwait", MILLISECONDS, 3, -1, 0, false, 0},
    {__NR_epoll_pwait2, "epoll_pwait2", TIMESPEC, 3, -1, 0, false, 0},
    {__NR_rt_sigtimedwait, "sigtimedwait", TIMESPEC, 2, -1, -EAGAIN, false, 0},
    {__NR_semtimedop, "semtimedop", TIMESPEC, 3, -1, -EAGAIN, false, 0},
    {__NR_mq_timedsend, "mq_timedsend", REALTIME_ABS, 4, -1, -ETIMEDOUT, false, 0},
    {__NR_mq_timedreceive, "mq_timedreceive", REALTIME_ABS, 4, -1, -ETIMEDOUT, false, 0},
    {__NR_futex_waitv, "futex_waitv", CLOCK_BY_4, 3, -1, -ETIMEDOUT, false, 0},
    {__NR_futex, "futex", FUTEX_FORM, 3, -1, -ETIMEDOUT, false, 0},
};

const char *wait_name(const struct wait_kind *kind) { return kind ? kind->name : NULL; }

static const struct wait_kind *find_kind(uint64_t nr)
{
    for (unsigned i = 0; i < ARRAY_COUNT(kinds); i++)
        if (kinds[i].nr == (long)nr)
            return &kinds[i];
    return NULL;
}

static bool futex_is_relative(uint64_t op) { return (op & 0x7f) == FUTEX_WAIT; }

static int futex_clock(uint64_t op)
{
    /* FUTEX_LOCK_PI is CLOCK_REALTIME always, see futex(2). */
    return op & FUTEX_CLOCK_REALTIME || (op & 0x7f) == FUTEX_LOCK_PI ? CLOCK_REALTIME : CLOCK_MONOTONIC;
}

/* The world time at which TASK's wait runs out; -errno for a timeout that the kernel refuses: let it say so itself. */
static int read_deadline(struct launcher *l, struct task *task, const struct wait_kind *kind, uint64_t *deadline)
{
    const uint64_t *a = task->args;
    uint64_t value = a[kind->index];
    int64_t pair[2];

    if (kind->form == MILLISECONDS) {
        *deadline = clock_add(l->now_ns, (uint64_t)(uint32_t)value * NS_PER_MS);
        return 0;
    }
    if (memory_read(task->tid, value, pair, sizeof pair) < 0)
        return -EFAULT;
    if (kind->form == TIMEVAL) {
        pair[0] += pair[1] / 1000000;
        pair[1] = pair[1] % 1000000 * 1000;
    }
    if (pair[0] < 0 || pair[1] < 0 || pair[1] >= (int64_t)NS_PER_S)
        return -EINVAL;
    switch (kind->form) {
    case REALTIME_ABS:
        *deadline = clock_to_world(l, CLOCK_REALTIME, pair[0], pair[1]);
        return 0;
    case CLOCK_BY_4:
        if ((int)a[4] != CLOCK_REALTIME && (int)a[4] != CLOCK_MONOTONIC)
            return -EINVAL;
        *deadline = clock_to_world(l, (int)a[4], pair[0], pair[1]);
        return 0;
    case CLOCK_BY_0:
        if (timers_check_clock((int)a[0]) < 0)
            return -EOPNOTSUPP;
        if (a[1] & TIMER_ABSTIME) {
            *deadline = clock_to_world(l, (int)a[0], pair[0], pair[1]);
            return 0;
        }
        break;
    case FUTEX_FORM:
        if (!futex_is_relative(a[1])) {
            *deadline = clock_to_world(l, futex_clock(a[1]), pair[0], pair[1]);
            return 0;
        }
        break;
    default:
        break;
    }
    *deadline = clock_add(l->now_ns, clock_span(pair[0], pair[1]));
    return 0;
}

void wait_enter(struct launcher *l, struct task *task)
{
    struct arch_regs regs;
    const struct wait_kind *kind;
    uint64_t changed[6];

    if (arch_get(task->tid, &regs) < 0)
        return;
    kind = find_kind(arch_call(&regs));
    arch_arguments(&regs, task->args);
    task->nr = arch_call(&regs);
    if (!kind || read_deadline(l, task, kind, &task->deadline_ns) < 0) {
        ptrace(PTRACE_CONT, task->tid, 0, 0);
        return;
    }
    if (task->resume_ns && task->resume_nr == task->nr && task->resume_arg == task->args[kind->index])
        task->deadline_ns = task->resume_ns;
    task->resume_ns = 0;
    if (task->deadline_ns <= l->now_ns)
        clock_looked(l);
    memcpy(changed, task->args, sizeof changed);
    if (kind->as_ppoll) {
        memset(changed, 0, sizeof changed);
        arch_set_call(&regs, __NR_ppoll);
    } else if (kind->form == MILLISECONDS && kind->nr == __NR_poll) {
        /* an untimed poll would go on through restart_syscall, of which we see nothing; ppoll is made again */
        changed[2] = changed[3] = changed[4] = 0;
        arch_set_call(&regs, __NR_ppoll);
    } else {
        changed[kind->index] = kind->form == MILLISECONDS ? (uint64_t)-1 : 0;
    }
    arch_set_arguments(&regs, changed);
    arch_set(task->tid, &regs);
    task->wait = kind;
    task->began_ns = l->now_ns;
    task->timed_out = false;
    ptrace(PTRACE_SYSCALL, task->tid, 0, 0);
}

static bool is_broken(int64_t result)
{
    return result == -ERESTARTSYS_ || result == -ERESTARTNOINTR_ || result == -ERESTARTNOHAND_ || result == -ERESTART_RESTARTBLOCK_ ||
           result == -EINTR;
}

static int write_left(struct launcher *l, struct task *task, const struct wait_kind *kind)
{
    uint64_t left = task->deadline_ns > l->now_ns ? task->deadline_ns - l->now_ns : 0;
    int64_t pair[2] = {(int64_t)(left / NS_PER_S), (int64_t)(left % NS_PER_S)};

    if (kind->left < 0 || !task->args[kind->left])
        return 0;
    if (kind->form == CLOCK_BY_0 && task->args[1] & TIMER_ABSTIME)
        return 0;
    if (kind->form == TIMEVAL)
        pair[1] /= 1000;
    return memory_write(task->tid, task->args[kind->left], pair, sizeof pair);
}

static void empty_sets(struct task *task)
{
    static const uint8_t zeros[1024 / 8 * 16];
    size_t bytes = ((uint64_t)(uint32_t)task->args[0] + 63) / 64 * 8;
    for (int i = 1; i <= 3; i++)
        if (task->args[i] && bytes <= sizeof zeros)
            memory_write(task->tid, task->args[i], zeros, bytes);
}

static void end_timed_out(struct launcher *l, struct task *task, const struct wait_kind *kind, struct arch_regs *regs)
{
    arch_set_result(regs, kind->result);
    if (kind->fd_sets)
        empty_sets(task);
    if (!kind->as_ppoll)
        write_left(l, task, kind);
    if (task->program && !(kind->as_ppoll && task->program->record.timed_out)) /* a sleep between two tries, or at the end, says less */
        task->program->record.timed_out = kind->name;
    if (task->deadline_ns > task->began_ns || !task->program)
        clock_slept(l);
    else
        clock_tried(task->program, kind->name, true);
}

/* Something is ready that the thread does nothing about: it waits again, and again at once, and calls nothing between. */
static void note_ready(struct launcher *l, struct task *task, const struct wait_kind *kind)
{
    bool waits_for_fds = kind->form == MILLISECONDS || kind->fd_sets || kind->nr == __NR_ppoll || kind->nr == __NR_epoll_pwait2;

    if (!waits_for_fds || task->began_ns != l->now_ns || !task->program)
        return;
    if (task->calls == l->descriptor_calls)
        clock_tried(task->program, kind->name, true);
    task->calls = l->descriptor_calls;
}

void wait_exit(struct launcher *l, struct task *task)
{
    const struct wait_kind *kind = task->wait;
    struct arch_regs regs;

    task->wait = NULL;
    if (kind && arch_get(task->tid, &regs) == 0) {
        int64_t result = arch_result(&regs);
        arch_restore_call(&regs, task->nr, task->args);
        if (!is_broken(result)) {
            note_ready(l, task, kind);
            if (!kind->as_ppoll)
                write_left(l, task, kind);
        } else if (task->timed_out) {
            end_timed_out(l, task, kind, &regs);
        } else {
            /* A signal, or a stop. With a handler the call ends with EINTR; without, it is made again: then up to the
             * same deadline. A timed futex wait never restarts after a handler (futex(2), signal(7)). */
            if (result == -ERESTARTSYS_ || result == -ERESTART_RESTARTBLOCK_)
                arch_set_result(&regs, -ERESTARTNOHAND_);
            task->resume_ns = task->deadline_ns;
            task->resume_nr = task->nr;
            task->resume_arg = task->args[kind->index];
        }
        arch_set(task->tid, &regs);
    }
    ptrace(PTRACE_CONT, task->tid, 0, 0);
}

/* Has the process a handler for it? One that is ignored breaks a call of a traced thread too, which on a kernel goes on
 * as if nothing was. */
static bool is_caught(pid_t tid, int sig)
{
    char path[64], text[2048], *at;

    snprintf(path, sizeof path, "/proc/%d/status", tid);
    memory_proc_text(path, text, sizeof text);
    at = strstr(text, "\nSigCgt:");
    return at && strtoull(at + 8, NULL, 16) >> (sig - 1) & 1;
}

/* A notified call that a signal broke. When it was being answered: the kernel will end it with EINTR unless the handler asked for
 * SA_RESTART. Right for calls that wait; but clock_gettime, socket or open never end so, and programs do not look. When it was held: see
 * notify_break. */
static void break_call(struct launcher *l, struct task *task)
{
    struct arch_regs regs;
    int64_t result = -ERESTARTNOINTR_;

    if (arch_get(task->tid, &regs) < 0 || arch_result(&regs) != -ERESTARTSYS_)
        return;
    if (!notify_break(l, task->tid, &result) && !notify_is_quick((long)arch_call(&regs)))
        return;
    arch_set_result(&regs, result);
    arch_set(task->tid, &regs);
}

/* A stop as by SIGSTOP breaks calls with a time limit and those that moved a part (signal(7)); the others go on after it. */
void wait_stop(struct launcher *l, struct task *task) { break_call(l, task); }

/* The wait that a handler's signal broke tells what was left of its time. */
static void end_broken(struct launcher *l, struct task *task)
{
    const struct wait_kind *kind = find_kind(task->resume_nr);
    struct arch_regs regs;

    if (write_left(l, task, kind) == 0 || !kind->as_ppoll || arch_get(task->tid, &regs) < 0)
        return;
    arch_set_result(&regs, -EFAULT);
    arch_set(task->tid, &regs);
}

void wait_signal(struct launcher *l, struct task *task, int sig)
{
    if (!is_caught(task->tid, sig))
        return;
    if (task->resume_ns)
        end_broken(l, task);
    task->resume_ns = 0;
    break_call(l, task);
}

void wait_natively(struct launcher *l, const struct call *call, uint64_t deadline_ns)
{
    struct task *task = tracer_find(l, call->tid);

    if (!task)
        return;
    task->native_ns = deadline_ns == LIL_NEVER ? 0 : deadline_ns;
    task->native_nr = call->nr;
    task->native_fd = call->args[0];
}

void wait_interrupted(struct task *task)
{
    struct arch_regs regs;

    if (task->native_over && arch_get(task->tid, &regs) == 0 && (long)arch_call(&regs) == task->native_nr &&
        is_broken(arch_result(&regs))) {
        arch_set_result(&regs, -EAGAIN);
        arch_set(task->tid, &regs);
    }
    task->native_over = false;
}

/* Its call may be over long ago: nobody told us. */
static void fire_native(struct launcher *l, struct task *task)
{
    task->native_ns = 0;
    task->native_over = quiesce_is_in(task, task->native_nr, task->native_fd);
    if (!task->native_over)
        return;
    ptrace(PTRACE_INTERRUPT, task->tid, 0, 0);
    l->progress = true;
}

/* poll(2) and its like return when their time is over, on a kernel always a little later (its timer slack): programs that look whether
 * their own deadline lies behind them (GLib's GSocket: timeout < now) find it so. */
static uint64_t due_ns(const struct task *task)
{
    const struct wait_kind *kind = task->wait;
    return clock_add(task->deadline_ns, kind->result == 0 && !kind->as_ppoll ? NS_PER_US : 0);
}

uint64_t wait_next(const struct launcher *l)
{
    uint64_t next = LIL_NEVER;
    list_each(node, &l->tasks) {
        struct task *task = list_entry(node, struct task, node);
        if (task->wait && !task->timed_out && due_ns(task) < next)
            next = due_ns(task);
        if (task->native_ns && task->native_ns < next)
            next = task->native_ns;
    }
    return next;
}

void wait_fire(struct launcher *l)
{
    list_each(node, &l->tasks) {
        struct task *task = list_entry(node, struct task, node);
        if (task->native_ns && task->native_ns <= l->now_ns)
            fire_native(l, task);
        if (!task->wait || task->timed_out || due_ns(task) > l->now_ns)
            continue;
        task->timed_out = true;
        list_remove(node);
        list_push_front(&l->tasks, node); /* the next scan begins with those that run */
        ptrace(PTRACE_INTERRUPT, task->tid, 0, 0);
        l->progress = true;
    }
}
