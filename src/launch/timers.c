/* timers.c: what sends something at a time of its own in virtual time: alarm and setitimer (SIGALRM), POSIX timers
 * (a signal with SI_TIMER) and timerfd. A timerfd is an eventfd in the program: read gives the same 8-byte count, poll the same
 * events; the kernel's eventfd-id tells which one a descriptor is. CPU-time timers stay the kernel's (the filter lets them by;
 * our ids begin high, so that theirs are told apart). */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include "launch/clock.h"
#include "launch/memory.h"
#include "launch/notify.h"
#include "launch/task.h"
#include "launch/timers.h"

enum timer_kind { TIMER_ITIMER, TIMER_POSIX, TIMER_FD };
enum { POSIX_FIRST_ID = 1 << 20, TIMERS_MAX = 65536 };

struct timer {
    struct list node;
    enum timer_kind kind;
    pid_t tgid, tid; /* tid: SIGEV_THREAD_ID */
    int id;          /* POSIX: the number; FD: the eventfd-id */
    int clock;
    uint64_t deadline_ns, interval_ns; /* LIL_NEVER: disarmed */
    uint64_t past, next_ns; /* so many expirations were due when it was set to a time in the past; and then the next */
    int signal;      /* 0: none */
    uint64_t value;  /* sigev_value */
    bool is_queued;  /* its signal was sent, and not seen to be delivered */
    unsigned overrun; /* expirations since then: they send nothing (timer_getoverrun(2)) */
    int event_fd;    /* our own end of a timerfd */
};

struct timers {
    struct list all;
    unsigned count;
    int next_id;
};

int timers_init(struct launcher *l)
{
    l->timers = calloc(1, sizeof *l->timers);
    if (!l->timers)
        return -ENOMEM;
    list_init(&l->timers->all);
    l->timers->next_id = POSIX_FIRST_ID;
    return 0;
}

static void timer_free(struct launcher *l, struct timer *timer)
{
    if (timer->event_fd >= 0)
        close(timer->event_fd);
    list_remove(&timer->node);
    l->timers->count--;
    free(timer);
}

void timers_free(struct launcher *l)
{
    if (!l->timers)
        return;
    list_each(node, &l->timers->all)
        timer_free(l, list_entry(node, struct timer, node));
    free(l->timers);
    l->timers = NULL;
}

void timers_process_gone(struct launcher *l, pid_t tgid)
{
    list_each(node, &l->timers->all) {
        struct timer *timer = list_entry(node, struct timer, node);
        if (timer->tgid == tgid && timer->kind != TIMER_FD)
            timer_free(l, timer);
    }
}

static struct timer *timer_new(struct launcher *l, enum timer_kind kind, pid_t tgid)
{
    struct timer *timer = l->timers->count < TIMERS_MAX ? calloc(1, sizeof *timer) : NULL;
    if (!timer)
        return NULL;
    timer->kind = kind;
    timer->tgid = tgid;
    timer->event_fd = -1;
    timer->deadline_ns = LIL_NEVER;
    list_push_back(&l->timers->all, &timer->node);
    l->timers->count++;
    return timer;
}

static struct timer *timer_find(struct launcher *l, enum timer_kind kind, pid_t tgid, int id)
{
    list_each(node, &l->timers->all) {
        struct timer *timer = list_entry(node, struct timer, node);
        if (timer->kind == kind && (kind == TIMER_FD || timer->tgid == tgid) && timer->id == id)
            return timer;
    }
    return NULL;
}

uint64_t timers_next(const struct launcher *l)
{
    uint64_t next = LIL_NEVER;
    list_each(node, &l->timers->all)
        next = min_u64(next, list_entry(node, struct timer, node)->deadline_ns);
    return next;
}

/* A signal of the timer's own waits still: blocked, most likely. */
static bool is_pending(const struct timer *timer)
{
    char path[64], text[2048];
    const char *field = timer->tid ? "\nSigPnd:" : "\nShdPnd:", *at;

    snprintf(path, sizeof path, "/proc/%d/task/%d/status", timer->tgid, timer->tid ? timer->tid : timer->tgid);
    memory_proc_text(path, text, sizeof text);
    at = strstr(text, field);
    return at && strtoull(at + strlen(field), NULL, 16) >> (timer->signal - 1) & 1;
}

static void send_timer_signal(struct timer *timer, uint64_t count)
{
    siginfo_t info = {.si_signo = timer->signal, .si_code = SI_TIMER};

    if (timer->is_queued && is_pending(timer)) {
        timer->overrun = (unsigned)min_u64(timer->overrun + count, INT32_MAX);
        return;
    }
    timer->is_queued = true;
    timer->overrun = (unsigned)min_u64(count - 1, INT32_MAX);
    info.si_timerid = timer->id;
    info.si_overrun = (int)timer->overrun;
    info.si_value.sival_ptr = (void *)(uintptr_t)timer->value;
    if (timer->tid)
        syscall(SYS_rt_tgsigqueueinfo, timer->tgid, timer->tid, timer->signal, &info);
    else
        syscall(SYS_rt_sigqueueinfo, timer->tgid, timer->signal, &info);
}

/* We sent it; what it tells of itself shall be what the kernel tells. */
void timers_signal(struct launcher *l, const struct task *task, int sig)
{
    siginfo_t info;
    struct timer *timer;

    if (!l->timers->count || ptrace(PTRACE_GETSIGINFO, task->tid, 0, &info) < 0)
        return;
    if (sig == SIGALRM && info.si_code == SI_USER && info.si_pid == l->pid) {
        info = (siginfo_t){.si_signo = sig, .si_code = SI_KERNEL};
    } else if (info.si_code == SI_TIMER && (timer = timer_find(l, TIMER_POSIX, task->tgid, info.si_timerid))) {
        timer->is_queued = false;
        info.si_overrun = (int)timer->overrun;
    } else {
        return;
    }
    ptrace(PTRACE_SETSIGINFO, task->tid, 0, &info);
}

void timers_fire(struct launcher *l)
{
    list_each(node, &l->timers->all) {
        struct timer *timer = list_entry(node, struct timer, node);
        uint64_t count = timer->past ? timer->past : 1;
        if (timer->deadline_ns > l->now_ns)
            continue;
        if (!timer->interval_ns)
            timer->deadline_ns = LIL_NEVER;
        else
            timer->deadline_ns = timer->past ? timer->next_ns : clock_add(timer->deadline_ns, timer->interval_ns);
        timer->past = 0;
        if (timer->kind == TIMER_ITIMER)
            kill(timer->tgid, SIGALRM);
        else if (timer->kind == TIMER_FD)
            (void)!write(timer->event_fd, &count, sizeof count);
        else if (timer->signal)
            send_timer_signal(timer, count);
        l->progress = true;
    }
}

/* --- the times of a timer as the program gives and gets them --------------------------------------------------------- */
static void set_times(struct launcher *l, struct timer *timer, const int64_t spec[4], bool absolute)
{
    uint64_t at = clock_span(spec[2], spec[3]), now = clock_from_world(l, timer->clock, l->now_ns);

    timer->interval_ns = clock_span(spec[0], spec[1]);
    timer->past = 0;
    if (absolute && at && at <= now && timer->interval_ns) {
        timer->past = (now - at) / timer->interval_ns + 1;
        timer->next_ns = l->now_ns + timer->interval_ns - (now - at) % timer->interval_ns;
    }
    if (!spec[2] && !spec[3])
        timer->deadline_ns = LIL_NEVER;
    else if (absolute)
        timer->deadline_ns = clock_to_world(l, timer->clock, spec[2], spec[3]);
    else
        timer->deadline_ns = clock_add(l->now_ns, clock_span(spec[2], spec[3]));
}

static void get_times(const struct launcher *l, const struct timer *timer, int64_t spec[4])
{
    uint64_t left = 0;
    memset(spec, 0, 4 * sizeof *spec);
    if (!timer)
        return;
    if (timer->deadline_ns != LIL_NEVER)
        left = timer->deadline_ns > l->now_ns ? timer->deadline_ns - l->now_ns : 1000;
    spec[0] = (int64_t)(timer->interval_ns / NS_PER_S);
    spec[1] = (int64_t)(timer->interval_ns % NS_PER_S);
    spec[2] = (int64_t)(left / NS_PER_S);
    spec[3] = (int64_t)(left % NS_PER_S);
}

static bool is_bad_spec(const int64_t spec[4], int64_t limit)
{
    return spec[0] < 0 || spec[1] < 0 || spec[1] >= limit || spec[2] < 0 || spec[3] < 0 || spec[3] >= limit;
}

/* --- alarm, setitimer ------------------------------------------------------------------------------------------------- */
int64_t timers_call_alarm(struct call *call)
{
    struct launcher *l = call->program->launcher;
    pid_t tgid = memory_tgid(call->tid);
    struct timer *timer = timer_find(l, TIMER_ITIMER, tgid, 0);
    int64_t left = 0;

    if (!timer && !(timer = timer_new(l, TIMER_ITIMER, tgid)))
        return -ENOMEM;
    if (timer->deadline_ns != LIL_NEVER)
        left = (int64_t)((timer->deadline_ns - min_u64(l->now_ns, timer->deadline_ns) + NS_PER_S - 1) / NS_PER_S);
    timer->interval_ns = 0;
    timer->deadline_ns = (uint32_t)call->args[0] ? clock_add(l->now_ns, (uint32_t)call->args[0] * NS_PER_S) : LIL_NEVER;
    return left;
}

static int put_itimer(struct call *call, uint64_t to, const struct timer *timer)
{
    int64_t spec[4];
    get_times(call->program->launcher, timer, spec);
    spec[1] /= 1000;
    spec[3] /= 1000;
    return memory_write(call->tid, to, spec, sizeof spec);
}

int64_t timers_call_setitimer(struct call *call)
{
    struct launcher *l = call->program->launcher;
    pid_t tgid = memory_tgid(call->tid);
    struct timer *timer = timer_find(l, TIMER_ITIMER, tgid, 0);
    int64_t spec[4] = {0};

    if (call->args[1] && memory_read(call->tid, call->args[1], spec, sizeof spec) < 0)
        return -EFAULT;
    if (is_bad_spec(spec, 1000000))
        return -EINVAL;
    if (call->args[2] && put_itimer(call, call->args[2], timer) < 0)
        return -EFAULT;
    if (!timer && !(timer = timer_new(l, TIMER_ITIMER, tgid)))
        return -ENOMEM;
    spec[1] *= 1000;
    spec[3] *= 1000;
    set_times(l, timer, spec, false);
    return 0;
}

int64_t timers_call_getitimer(struct call *call)
{
    return put_itimer(call, call->args[1], timer_find(call->program->launcher, TIMER_ITIMER, memory_tgid(call->tid), 0));
}

int timers_check_clock(int id)
{
    return id == CLOCK_REALTIME || id == CLOCK_MONOTONIC || id == CLOCK_BOOTTIME || id == CLOCK_TAI ? 0 : -EOPNOTSUPP;
}

/* --- timer_create ------------------------------------------------------------------------------------------------------- */
int64_t timers_call_create(struct call *call)
{
    struct launcher *l = call->program->launcher;
    struct { /* the kernel's struct sigevent */
        uint64_t value;
        int32_t signal, notify, tid, pad[11];
    } event = {.signal = SIGALRM, .notify = SIGEV_SIGNAL};
    struct timer *timer;
    int rc = timers_check_clock((int)call->args[0]);

    if (rc < 0)
        return rc;
    if (call->args[1] && memory_read(call->tid, call->args[1], &event, sizeof event) < 0)
        return -EFAULT;
    if (event.notify != SIGEV_NONE && (event.notify < 0 || event.notify > SIGEV_THREAD_ID || event.notify == 3 || event.signal < 1 ||
                                       event.signal > SIGRTMAX))
        return -EINVAL;
    timer = timer_new(l, TIMER_POSIX, memory_tgid(call->tid));
    if (!timer)
        return -EAGAIN;
    timer->id = l->timers->next_id++;
    timer->clock = (int)call->args[0];
    timer->signal = event.notify == SIGEV_NONE ? 0 : event.signal;
    timer->tid = event.notify == SIGEV_THREAD_ID ? event.tid : 0;
    timer->value = call->args[1] ? event.value : (uint64_t)timer->id;
    return memory_write(call->tid, call->args[2], &timer->id, sizeof timer->id);
}

static struct timer *posix_timer(struct call *call)
{
    return timer_find(call->program->launcher, TIMER_POSIX, memory_tgid(call->tid), (int)call->args[0]);
}

/* Answers timer_settime and timerfd_settime alike. */
static int64_t settime(struct call *call, struct timer *timer, bool absolute)
{
    struct launcher *l = call->program->launcher;
    int64_t spec[4], old[4];

    if (memory_read(call->tid, call->args[2], spec, sizeof spec) < 0)
        return -EFAULT;
    if (is_bad_spec(spec, (int64_t)NS_PER_S))
        return -EINVAL;
    get_times(l, timer, old);
    if (call->args[3] && memory_write(call->tid, call->args[3], old, sizeof old) < 0)
        return -EFAULT;
    set_times(l, timer, spec, absolute);
    return 0;
}

static int64_t gettime(struct call *call, const struct timer *timer)
{
    int64_t spec[4];
    get_times(call->program->launcher, timer, spec);
    return memory_write(call->tid, call->args[1], spec, sizeof spec);
}

int64_t timers_call_settime(struct call *call)
{
    struct timer *timer = posix_timer(call);
    int64_t rc = timer ? settime(call, timer, call->args[1] & TIMER_ABSTIME) : CALL_CONTINUE;

    if (rc == 0) /* a time in the past: its signal comes with this call, not in the middle of the next one */
        timers_fire(call->program->launcher);
    return rc;
}

int64_t timers_call_gettime(struct call *call)
{
    struct timer *timer = posix_timer(call);
    return timer ? gettime(call, timer) : CALL_CONTINUE;
}

int64_t timers_call_getoverrun(struct call *call)
{
    struct timer *timer = posix_timer(call);
    return timer ? (int64_t)timer->overrun : CALL_CONTINUE;
}

int64_t timers_call_delete(struct call *call)
{
    struct timer *timer = posix_timer(call);
    if (!timer)
        return CALL_CONTINUE;
    timer_free(call->program->launcher, timer);
    return 0;
}

/* --- timerfd ------------------------------------------------------------------------------------------------------------ */
/* By which an eventfd is known wherever it is; -1: not one. */
static int eventfd_id(pid_t tid, int fd)
{
    char path[64], text[512], *at;

    snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", tid, fd);
    memory_proc_text(path, text, sizeof text);
    at = strstr(text, "eventfd-id:");
    return at ? atoi(at + 11) : -1;
}

int64_t timers_call_fd_create(struct call *call)
{
    int clock = (int)call->args[0], flags = (int)call->args[1], fd, given;
    struct timer *timer;

    if (flags & ~(TFD_NONBLOCK | TFD_CLOEXEC) || clock == CLOCK_TAI ||
        (timers_check_clock(clock) < 0 && clock != CLOCK_REALTIME_ALARM && clock != CLOCK_BOOTTIME_ALARM))
        return -EINVAL;
    fd = eventfd(0, EFD_CLOEXEC | (flags & TFD_NONBLOCK ? EFD_NONBLOCK : 0));
    if (fd < 0)
        return -errno;
    timer = timer_new(call->program->launcher, TIMER_FD, memory_tgid(call->tid));
    if (!timer) {
        close(fd);
        return -ENOMEM;
    }
    timer->clock = clock;
    timer->event_fd = fd;
    timer->id = eventfd_id(call->program->launcher->pid, fd);
    given = notify_add_fd(call, fd, flags & TFD_CLOEXEC);
    if (given < 0)
        timer_free(call->program->launcher, timer);
    return CALL_REPLIED;
}

static struct timer *fd_timer(struct call *call)
{
    int id = eventfd_id(call->tid, (int)call->args[0]);
    return id < 0 ? NULL : timer_find(call->program->launcher, TIMER_FD, 0, id);
}

int64_t timers_call_fd_settime(struct call *call)
{
    struct timer *timer = fd_timer(call);
    uint64_t count;
    int flags, rc;

    if (!timer)
        return CALL_CONTINUE;
    if ((uint32_t)call->args[1] & ~(unsigned)(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET))
        return -EINVAL;
    rc = (int)settime(call, timer, call->args[1] & TFD_TIMER_ABSTIME);
    /* Setting a timer takes back what it has counted. The flag is the open file's: put it back as it was. */
    flags = fcntl(timer->event_fd, F_GETFL);
    fcntl(timer->event_fd, F_SETFL, flags | O_NONBLOCK);
    if (rc == 0)
        (void)!read(timer->event_fd, &count, sizeof count);
    fcntl(timer->event_fd, F_SETFL, flags);
    return rc;
}

int64_t timers_call_fd_gettime(struct call *call)
{
    struct timer *timer = fd_timer(call);
    return timer ? gettime(call, timer) : CALL_CONTINUE;
}
