/* notify.c: receives notified calls, hands each to its handler, and answers. A handler returns a result, -errno, "go on"
 * or "hold"; a held call is handled again (notify_retry) when its descriptor changes. Invariant 2.
 *
 * The arguments were copied by the kernel, but memory behind pointers is the program's and may change under us: what was
 * checked is what is used; nothing is continued on the strength of memory that was read (but see call_connect for AF_UNIX). */
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "launch/arch.h"
#include "launch/clock.h"
#include "launch/desc.h"
#include "launch/memory.h"
#include "launch/notify.h"
#include "launch/sweep.h"
#include "launch/task.h"
#include "launch/timers.h"

#ifndef __NR_epoll_pwait2
#define __NR_epoll_pwait2 441
#endif

/* What argument 0 is. A descriptor that is not ours: the call goes on. */
enum argument { NO_DESCRIPTOR, SOCKET, DESCRIPTOR /* a file's, most often */ };

/* By number: each call of a program passes here. */
static const struct handler {
    const char *name;
    call_handler *handle;
    enum argument argument;
} handlers[] = {
    [__NR_socket] = {"socket", call_socket, NO_DESCRIPTOR},
    [__NR_connect] = {"connect", call_connect, SOCKET},
    [__NR_bind] = {"bind", call_bind, SOCKET},
    [__NR_listen] = {"listen", call_listen, SOCKET},
    [__NR_accept] = {"accept", call_accept, SOCKET},
    [__NR_accept4] = {"accept4", call_accept, SOCKET},
    [__NR_shutdown] = {"shutdown", call_shutdown, SOCKET},
    [__NR_getsockname] = {"getsockname", call_getsockname, SOCKET},
    [__NR_getpeername] = {"getpeername", call_getpeername, SOCKET},
    [__NR_setsockopt] = {"setsockopt", call_setsockopt, SOCKET},
    [__NR_getsockopt] = {"getsockopt", call_getsockopt, SOCKET},
    [__NR_sendto] = {"sendto", call_send, SOCKET},
    [__NR_recvfrom] = {"recvfrom", call_recv, SOCKET},
    [__NR_sendmsg] = {"sendmsg", call_send, SOCKET},
    [__NR_recvmsg] = {"recvmsg", call_recv, SOCKET},
    [__NR_sendmmsg] = {"sendmmsg", call_send, SOCKET},
    [__NR_recvmmsg] = {"recvmmsg", call_recv, SOCKET},
    [__NR_read] = {"read", call_recv, DESCRIPTOR},
    [__NR_readv] = {"readv", call_recv, DESCRIPTOR},
    [__NR_write] = {"write", call_send, DESCRIPTOR},
    [__NR_writev] = {"writev", call_send, DESCRIPTOR},
    [__NR_preadv2] = {"preadv2", call_recv, DESCRIPTOR},
    [__NR_pwritev2] = {"pwritev2", call_send, DESCRIPTOR},
    [__NR_sendfile] = {"sendfile", call_sendfile, DESCRIPTOR},
    [__NR_close] = {"close", call_close, DESCRIPTOR},
    [__NR_splice] = {"splice", call_splice, NO_DESCRIPTOR},
    [__NR_ioctl] = {"ioctl", call_ioctl, SOCKET},
    [__NR_io_uring_setup] = {"io_uring_setup", call_refuse, NO_DESCRIPTOR},
    [__NR_userfaultfd] = {"userfaultfd", call_refuse, NO_DESCRIPTOR},
    [__NR_request_key] = {"request_key", call_refuse, NO_DESCRIPTOR},
    [__NR_pidfd_getfd] = {"pidfd_getfd", call_refuse, NO_DESCRIPTOR},
    [__NR_kill] = {"kill", call_kill, NO_DESCRIPTOR},
    [__NR_tkill] = {"tkill", call_spare_lab, NO_DESCRIPTOR},
    [__NR_tgkill] = {"tgkill", call_spare_lab, NO_DESCRIPTOR},
    [__NR_rt_sigqueueinfo] = {"rt_sigqueueinfo", call_spare_lab, NO_DESCRIPTOR},
    [__NR_rt_tgsigqueueinfo] = {"rt_tgsigqueueinfo", call_spare_lab, NO_DESCRIPTOR},
    [__NR_pidfd_open] = {"pidfd_open", call_spare_lab, NO_DESCRIPTOR},
    [__NR_prlimit64] = {"prlimit", call_spare_lab, NO_DESCRIPTOR},
    [__NR_process_vm_writev] = {"process_vm_writev", call_spare_lab, NO_DESCRIPTOR},
    [__NR_fcntl] = {"fcntl", call_set_owner, NO_DESCRIPTOR},
    [__NR_mount] = {"mount", call_mount, NO_DESCRIPTOR},
    [__NR_fsopen] = {"fsopen", call_mount, NO_DESCRIPTOR},
    [__NR_clock_settime] = {"clock_settime", call_refuse, NO_DESCRIPTOR},
    [__NR_settimeofday] = {"settimeofday", call_refuse, NO_DESCRIPTOR},
    [__NR_adjtimex] = {"adjtimex", clock_call_adjust, NO_DESCRIPTOR},
    [__NR_clock_adjtime] = {"clock_adjtime", clock_call_adjust, NO_DESCRIPTOR},
    [__NR_ptrace] = {"ptrace", call_ptrace, NO_DESCRIPTOR},
    [__NR_sched_getaffinity] = {"sched_getaffinity", call_affinity, NO_DESCRIPTOR},
    [__NR_sched_setaffinity] = {"sched_setaffinity", call_affinity, NO_DESCRIPTOR},
    [ARCH_OPEN] = {"open", call_open, NO_DESCRIPTOR},
    [__NR_openat] = {"openat", call_open, NO_DESCRIPTOR},
    [__NR_openat2] = {"openat2", call_open, NO_DESCRIPTOR},
    [__NR_stat] = {"stat", filetime_call_stat, NO_DESCRIPTOR},
    [__NR_lstat] = {"lstat", filetime_call_stat, NO_DESCRIPTOR},
    [__NR_fstat] = {"fstat", filetime_call_stat, NO_DESCRIPTOR},
    [__NR_newfstatat] = {"fstatat", filetime_call_stat, NO_DESCRIPTOR},
    [__NR_statx] = {"statx", filetime_call_stat, NO_DESCRIPTOR},
    [__NR_utimensat] = {"utimensat", filetime_call_set, NO_DESCRIPTOR},
    [__NR_futimesat] = {"futimesat", filetime_call_set, NO_DESCRIPTOR},
    [__NR_utimes] = {"utimes", filetime_call_set, NO_DESCRIPTOR},
    [__NR_wait4] = {"wait4", tracer_call_wait, NO_DESCRIPTOR},
    [__NR_waitid] = {"waitid", tracer_call_wait, NO_DESCRIPTOR},
    [__NR_times] = {"times", uptime_call_times, NO_DESCRIPTOR},
    [__NR_sysinfo] = {"sysinfo", uptime_call_sysinfo, NO_DESCRIPTOR},
    [__NR_clock_gettime] = {"clock_gettime", clock_call_gettime, NO_DESCRIPTOR},
    [__NR_gettimeofday] = {"gettimeofday", clock_call_gettimeofday, NO_DESCRIPTOR},
    [__NR_time] = {"time", clock_call_time, NO_DESCRIPTOR},
    [__NR_getrandom] = {"getrandom", call_getrandom, NO_DESCRIPTOR},
    [__NR_alarm] = {"alarm", timers_call_alarm, NO_DESCRIPTOR},
    [__NR_setitimer] = {"setitimer", timers_call_setitimer, NO_DESCRIPTOR},
    [__NR_getitimer] = {"getitimer", timers_call_getitimer, NO_DESCRIPTOR},
    [__NR_timer_create] = {"timer_create", timers_call_create, NO_DESCRIPTOR},
    [__NR_timer_settime] = {"timer_settime", timers_call_settime, NO_DESCRIPTOR},
    [__NR_timer_gettime] = {"timer_gettime", timers_call_gettime, NO_DESCRIPTOR},
    [__NR_timer_getoverrun] = {"timer_getoverrun", timers_call_getoverrun, NO_DESCRIPTOR},
    [__NR_timer_delete] = {"timer_delete", timers_call_delete, NO_DESCRIPTOR},
    [__NR_timerfd_create] = {"timerfd_create", timers_call_fd_create, NO_DESCRIPTOR},
    [__NR_timerfd_settime] = {"timerfd_settime", timers_call_fd_settime, NO_DESCRIPTOR},
    [__NR_timerfd_gettime] = {"timerfd_gettime", timers_call_fd_gettime, NO_DESCRIPTOR},
};

static const struct handler *find_handler(long nr)
{
    return nr >= 0 && nr < (long)ARRAY_COUNT(handlers) && handlers[nr].handle ? &handlers[nr] : NULL;
}

const char *notify_name(long nr)
{
    static const struct {
        long nr;
        const char *name;
    } others[] = {{__NR_poll, "poll"},
                  {__NR_ppoll, "ppoll"},
                  {__NR_select, "select"},
                  {__NR_pselect6, "pselect"},
                  {__NR_epoll_wait, "epoll_wait"},
                  {__NR_epoll_pwait, "epoll_pwait"},
                  {__NR_futex, "futex"},
                  {__NR_pause, "pause"},
                  {__NR_rt_sigsuspend, "sigsuspend"},
                  {__NR_nanosleep, "nanosleep"},
                  {__NR_clock_nanosleep, "clock_nanosleep"},
                  {__NR_rt_sigtimedwait, "sigtimedwait"},
                  {__NR_flock, "flock"},
                  {__NR_epoll_pwait2, "epoll_pwait2"}};
    const struct handler *handler = find_handler(nr);

    if (handler)
        return handler->name;
    for (unsigned i = 0; i < ARRAY_COUNT(others); i++)
        if (others[i].nr == nr)
            return others[i].name;
    return "a system call";
}

bool notify_is_quick(long nr)
{
    const struct handler *handler = find_handler(nr);
    return handler && handler->handle != call_connect && handler->handle != call_accept && handler->handle != call_recv &&
           handler->handle != call_send && handler->handle != call_sendfile && handler->handle != call_splice;
}

static bool notify_is_alive(const struct call *call)
{
    uint64_t id = call->id;
    return ioctl(call->program->listener.fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

bool notify_reply(struct call *call, int64_t result)
{
    struct seccomp_notif_resp response = {.id = call->id};

    if (result == CALL_CONTINUE)
        response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    else if (result < 0)
        response.error = (int32_t)result;
    else
        response.val = result;
    return ioctl(call->program->listener.fd, SECCOMP_IOCTL_NOTIF_SEND, &response) == 0; /* ENOENT: the thread is gone, or a signal came */
}

int notify_add_fd(struct call *call, int fd, bool cloexec)
{
    struct seccomp_notif_addfd add = {
        .id = call->id, .flags = SECCOMP_ADDFD_FLAG_SEND, .srcfd = (uint32_t)fd, .newfd_flags = cloexec ? O_CLOEXEC : 0};
    int given = ioctl(call->program->listener.fd, SECCOMP_IOCTL_NOTIF_ADDFD, &add);

    if (given >= 0)
        return given;
    given = -errno;
    if (given != -ENOENT && given != -ESRCH) /* EMFILE and the like: the program's own limit */
        notify_reply(call, given);
    return given;
}

/* Real time between two looks at the held calls: more and more, but for a call that is new; and at most a twentieth of the time. */
static const uint64_t first_look_ns = 1 * NS_PER_MS, longest_look_ns = 16 * NS_PER_MS;
enum { LOOK_SHARE = 20 };

static void hold(struct call *call)
{
    struct launcher *l = call->program->launcher;

    if (!list_is_linked(&call->node)) { /* a call that is held again keeps its place */
        list_push_back(call->desc ? &call->desc->held : &l->held_unix, &call->node);
        list_push_back(&l->held, &call->held_node);
        l->look.pause_ns = first_look_ns;
        l->look.due_ns = max_u64(min_u64(l->look.due_ns, clock_real_ns() + first_look_ns), l->look.rest_ns);
    }
    if (call->deadline_ns != LIL_NEVER && !call->is_timed) {
        call->is_timed = true;
        l->timed_calls++;
    }
}

void notify_unhold(struct call *call)
{
    list_remove(&call->node);
    list_remove(&call->held_node);
    call->program->launcher->timed_calls -= call->is_timed;
    call->is_timed = false;
}

void notify_free(struct call *call)
{
    notify_unhold(call);
    free(call);
}

/* Of descriptor FD, which is call->inner and not ours; -1: not a socket. */
static int domain_of(const struct call *call, int fd)
{
    int domain;
    socklen_t length = sizeof domain;

    if (call->program->launcher->keeps_inner)
        return sweep_domain(call->tid, fd);
    return getsockopt(call->inner, SOL_SOCKET, SO_DOMAIN, &domain, &length) < 0 ? -1 : domain;
}

static int64_t refuse_real(const struct call *call, int fd)
{
    call_log(call, "%s(%d): a socket of the real network (EACCES)", notify_name(call->nr), fd);
    return -EACCES;
}

int64_t notify_refuse_real(const struct call *call, int fd)
{
    int domain = domain_of(call, fd);
    return domain < 0 || domain == AF_UNIX ? 0 : refuse_real(call, fd);
}

/* A descriptor that is not ours: a file, an AF_UNIX socket, or a socket of the real network, which can only have come from a
 * process outside (SCM_RIGHTS): that one is of no use here (invariant 1). */
static int64_t handle_foreign(struct call *call, const struct handler *handler)
{
    int domain = domain_of(call, (int)call->args[0]);

    if (domain < 0 && call->nr == __NR_ioctl && (uint32_t)call->args[1] == TUNSETIFF) { /* opened by another name */
        call_log(call, "a TUN or TAP interface: not in the lab (EPERM)");
        return -EPERM;
    }
    if (domain < 0)
        return call->program->launcher->has_random_devices && handler->handle == call_recv ? call_read_random(call) : CALL_CONTINUE;
    if (domain != AF_UNIX && call->nr != __NR_close)
        return refuse_real(call, (int)call->args[0]);
    if (call->nr == __NR_connect)
        return call_connect(call); /* the name services' sockets */
    if (handler->handle == call_recv)
        return call_receive_unix(call);
    if (handler->handle == call_accept)
        return call_wait_unix(call, SO_RCVTIMEO);
    if (handler->handle == call_send || handler->handle == call_sendfile)
        return call_wait_unix(call, SO_SNDTIMEO);
    return call->nr == __NR_ioctl ? call_ioctl_foreign(call) : CALL_CONTINUE;
}

/* A thread waits in one call at a time. */
static struct call *held_by(struct launcher *l, pid_t tid)
{
    list_each(node, &l->held)
        if (list_entry(node, struct call, held_node)->tid == tid)
            return list_entry(node, struct call, held_node);
    return NULL;
}

/* A call that something broke while it was held, or before its answer came, and that its thread now makes again: it goes on from where it
 * was, up to the same deadline; *RESULT is the answer that it did not get. */
static bool take_over(struct call *call, int64_t *result)
{
    struct call *before = held_by(call->program->launcher, call->tid);
    bool is_answered = false;

    if (!before)
        return false;
    if (before->desc == call->desc && before->nr == call->nr && !memcmp(before->args, call->args, sizeof call->args)) {
        call->done = before->done;
        call->messages = before->messages;
        call->until_ns = before->until_ns;
        call->deadline_ns = before->deadline_ns;
        call->looks_again = before->looks_again;
        call->tries = before->tries;
        is_answered = before->is_answered;
        *result = before->answer;
    }
    notify_free(before);
    return is_answered;
}

/* signal(7): with a time limit a call is not made again. */
static int64_t result_of_broken(const struct call *call)
{
    if (call->is_answered)
        return call->answer;
    if (call->messages || call->done)
        return (int64_t)(call->messages ? call->messages : call->done);
    return call->deadline_ns != LIL_NEVER && !call->looks_again && call->nr != __NR_close ? -EINTR : -ERESTARTSYS_;
}

bool notify_break(struct launcher *l, pid_t tid, int64_t *result)
{
    struct call *call = held_by(l, tid);
    int64_t broken;

    if (!call)
        return false;
    broken = result_of_broken(call);
    notify_free(call);
    if (broken != -ERESTARTSYS_)
        *result = broken;
    return broken != -ERESTARTSYS_;
}

/* A thread that a signal (or a stop) woke in the kernel's interruptible wait for our answer waits on in the killable
 * one: state 'D'. So it has something to do on its way out, and takes -ERESTARTSYS for what it is. */
static bool is_in_d(const struct call *call)
{
    char path[48], text[128], *state; /* the name is at most 16 bytes */

    snprintf(path, sizeof path, "/proc/%d/task/%d/stat", call->tid, call->tid);
    memory_proc_text(path, text, sizeof text);
    state = strrchr(text, ')');
    return state && state[1] && state[2] == 'D';
}

/* What a program is refused, once: whatever tries it again in a program of this name. */
void call_log(const struct call *call, const char *format, ...)
{
    struct launcher *l = call->program->launcher;
    char path[64], name[32], text[512];
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
    va_list arguments;

    snprintf(path, sizeof path, "/proc/%d/comm", memory_tgid(call->tid));
    memory_proc_text(path, name, sizeof name);
    name[strcspn(name, "\n")] = 0;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    for (const char *at = name; *at; at++)
        hash = (hash ^ (uint8_t)*at) * 0x100000001b3u;
    for (const char *at = text; *at; at++)
        hash = (hash ^ (uint8_t)*at) * 0x100000001b3u;
    for (unsigned i = 0; i < SAID; i++)
        if (l->said.hashes[i] == hash)
            return;
    l->said.hashes[l->said.next++ % SAID] = hash;
    launcher_log(l, "%s[%d]: %s", *name ? name : call->program->name, call->tid, text);
}

static uint64_t mask_in(const char *status, const char *name)
{
    const char *at = strstr(status, name);
    return at ? strtoull(at + strlen(name), NULL, 16) : 0;
}

/* One that was given a descriptor since waits so in any case (desc_renew): its signals are looked at themselves. */
static bool has_signal(const struct call *call)
{
    char path[48], text[2048];

    if (!call->is_killable)
        return is_in_d(call);
    snprintf(path, sizeof path, "/proc/%d/task/%d/status", call->tid, call->tid);
    memory_proc_text(path, text, sizeof text);
    return (mask_in(text, "\nSigPnd:") | mask_in(text, "\nShdPnd:")) & ~mask_in(text, "\nSigBlk:");
}

bool notify_is_asleep(struct launcher *l, pid_t tid)
{
    const struct call *call = held_by(l, tid);
    return call && call->is_killable && !has_signal(call);
}

/* In virtual time signals that are ignored wake a (traced) thread too: what becomes of the call is known at the
 * signal's stop (notify_break). */
static void interrupt(struct call *call)
{
    if (call->program->launcher->virtual_time) {
        notify_reply(call, -ERESTARTSYS_);
        call->is_broken = true;
    } else if (call->nr == __NR_close) { /* that lingers: a signal ends the wait, and it is closed */
        call->deadline_ns = 0;
    } else {
        notify_reply(call, result_of_broken(call));
        notify_free(call);
    }
}

void notify_look(struct launcher *l, bool now)
{
    uint64_t began, ended;
    bool found = false;

    if (list_is_empty(&l->held))
        return;
    began = clock_real_ns();
    if (!now && began < l->look.due_ns)
        return;
    list_each(node, &l->held) {
        struct call *call = list_entry(node, struct call, held_node);
        if (call->is_broken || !has_signal(call))
            continue;
        interrupt(call);
        found = l->progress = true;
    }
    l->look.pause_ns = found ? first_look_ns : min_u64(l->look.pause_ns * 2, longest_look_ns);
    ended = clock_real_ns();
    l->look.rest_ns = found ? ended : ended + (ended - began) * LOOK_SHARE;
    l->look.due_ns = max_u64(ended + l->look.pause_ns, l->look.rest_ns);
}

uint64_t notify_look_left(const struct launcher *l)
{
    uint64_t now;
    if (list_is_empty(&l->held))
        return LIL_NEVER;
    now = clock_real_ns();
    return l->look.due_ns > now ? l->look.due_ns - now : 0;
}

struct desc *notify_find(struct launcher *l, pid_t tid, int fd, int *inner)
{
    if (l->keeps_inner)
        return sweep_find(l, tid, fd, inner);
    *inner = memory_get_fd(tid, fd);
    return *inner >= 0 ? desc_find(l, *inner) : NULL;
}

/* What a call sends arrives on the program's own host before the call returns, as over the kernel's loopback: the next look at another of
 * its sockets shows it. Fast mode: a stream's bytes are pumped, and come a moment later. */
static bool is_settled(const struct call *call, const struct desc *desc)
{
    return desc->launcher->exact || desc->kind == DESC_DGRAM || call->nr == __NR_connect;
}

void notify_know(struct launcher *l, pid_t tid, int fd, const struct desc *desc)
{
    if (!l->exact && !l->keeps_inner)
        l->known[(unsigned)tid % KNOWN] = (struct known){tid, fd, desc->cookie, l->now_ns};
}

/* Fast mode: the names of the socket that the thread's last call named, too, and what it sets (a server sets four
 * options right after accept()). Its last close would have been seen: what programs closed before a call is looked at
 * before the call (poll_events, notify_ready). What is not seen is this: within a moment after a call on a socket its
 * descriptor is copied (fork, dup), closed, and its number given to something that is no socket of ours; then these
 * three calls, and no others, answer for the socket that had the number. */
static bool is_known(struct call *call)
{
    static const uint64_t moment_ns = 200000;
    struct launcher *l = call->program->launcher;
    const struct known *known = &l->known[(unsigned)call->tid % KNOWN];
    bool is_plain = call->nr == __NR_getsockname || call->nr == __NR_getpeername ||
                    (call->nr == __NR_setsockopt && (int)call->args[1] != SOL_SOCKET);
    struct desc *desc;

    if (!is_plain || known->tid != call->tid || known->fd != (int)call->args[0] || l->now_ns - known->at_ns > moment_ns)
        return false;
    desc = desc_find_identity(l, known->cookie);
    if (!desc || desc->outer.fd < 0 || desc->hung_up)
        return false;
    call->desc = desc;
    return true;
}

/* A socket, ours or the real network's, comes to a program by a notified call, or at its start (spawn.c). Before the first of these what it
 * reads, writes and closes (for its dynamic linker, most of it) need not be asked what it is. */
static bool is_on_socket(struct launcher *l, const struct handler *handler)
{
    l->has_sockets |= handler && handler->argument == SOCKET;
    return handler && handler->argument != NO_DESCRIPTOR && (l->has_sockets || l->has_random_devices);
}

/* Has it moved anything? That a name server answers says nothing of what is tried next. */
static void note_try(const struct call *call, const struct handler *handler, const struct desc *desc, int64_t result)
{
    bool is_fruitless = (result < 0 && result != CALL_REPLIED) || (result == 0 && handler->handle == call_recv);

    if (call->tries > 1 && result == -EAGAIN) /* its time limit is over */
        clock_slept(desc->launcher);
    else if (is_fruitless || !desc->asked_length)
        clock_tried(call->program, handler->name, is_fruitless);
}

/* Handles CALL once; true when it is answered (or its thread is gone). */
static bool handle(struct call *call)
{
    const struct handler *handler = find_handler(call->nr);
    int64_t result = CALL_CONTINUE;
    bool is_answered = false, is_new = !call->tries, on_socket = is_on_socket(call->program->launcher, handler);
    struct desc *desc;

    if (on_socket && !is_known(call)) {
        call->desc = notify_find(call->program->launcher, call->tid, (int)call->args[0], &call->inner);
        if (call->desc) {
            call->desc->last_tid = call->tid;
            call->desc->last_fd = (int)call->args[0];
            notify_know(call->program->launcher, call->tid, (int)call->args[0], call->desc);
        }
        if (!call->tries)
            is_answered = take_over(call, &result);
    }
    desc = call->desc;
    if (is_answered)
        ;
    else if (handler && (handler->argument == NO_DESCRIPTOR || call->desc))
        result = handler->handle(call);
    else if (on_socket)
        result = handle_foreign(call, handler);
    if (call->inner >= 0)
        close(call->inner);
    call->inner = -1;
    call->tries++;
    if (result == CALL_HOLD) {
        hold(call);
        return false;
    }
    if (result < 0 && result > -4096 && handler && call->desc)
        call_record(call, handler->name, (int)-result);
    if (handler && handler->argument != NO_DESCRIPTOR)
        clock_charge(call->program->launcher, call->desc != NULL, result);
    if (desc && result != CALL_CONTINUE && !notify_is_quick(call->nr))
        note_try(call, handler, desc, result);
    if (is_new && desc && is_settled(call, desc))
        launcher_settle(desc->launcher, call->nr == __NR_close);
    if (result == CALL_REPLIED || notify_reply(call, result) || result == CALL_CONTINUE || !call->desc ||
        call->desc->state == DESC_CLOSED || notify_is_quick(call->nr))
        return true;
    call->is_broken = call->is_answered = true; /* what it moved must not be lost: kept until its thread comes again */
    call->answer = result;
    hold(call);
    return false;
}

bool notify_retry(struct call *call)
{
    char path[32];

    if (!call->is_broken && notify_is_alive(call)) {
        if (!handle(call))
            return false;
    } else {
        call->is_broken = true; /* by a signal, or by the end of its thread */
        snprintf(path, sizeof path, "/proc/%d", call->tid);
        if (access(path, F_OK) == 0)
            return false;
    }
    notify_free(call);
    return true;
}

static bool is_clock_read(int nr) { return nr == __NR_clock_gettime || nr == __NR_gettimeofday || nr == __NR_time; }

/* A program does more with an answer than after a stop, when it mostly goes to sleep in a wait. */
static const uint64_t answered_pause_ns = 50000;

static void receive(struct program *program)
{
    struct seccomp_notif request;
    struct call *call, first;

    memset(&request, 0, sizeof request);
    if (ioctl(program->listener.fd, SECCOMP_IOCTL_NOTIF_RECV, &request) < 0)
        return; /* ENOENT: the caller was killed before we looked */
    program->launcher->counts.notifications++;
    program->launcher->awake_ns = answered_pause_ns;
    if (!is_clock_read(request.data.nr))
        program->launcher->spin.cpu_ns = 0;
    place_note(program->launcher, (pid_t)request.pid);
    first = (struct call){.program = program,
                          .inner = -1,
                          .id = request.id,
                          .tid = (pid_t)request.pid,
                          .nr = request.data.nr,
                          .deadline_ns = LIL_NEVER,
                          .until_ns = LIL_NEVER};
    for (int i = 0; i < 6; i++)
        first.args[i] = request.data.args[i];
    list_init(&first.node);
    list_init(&first.held_node);
    if (request.data.arch != ARCH_AUDIT || request.data.nr & ARCH_X32_BIT) {
        call_log(&first, "a 32-bit or x32 system call: not in the lab (ENOSYS)");
        notify_reply(&first, -ENOSYS);
        return;
    }
    /* Most calls are answered at once: only those that are held need to live. */
    if (handle(&first))
        return;
    notify_unhold(&first);
    call = malloc(sizeof *call);
    if (!call) {
        notify_reply(&first, -ENOMEM);
        return;
    }
    *call = first;
    list_init(&call->node);
    list_init(&call->held_node);
    hold(call);
}

void notify_ready(struct source *source, uint32_t events)
{
    struct program *program = container_of(source, struct program, listener);
    struct launcher *l = program->launcher;
    struct pollfd ready[2] = {{source->fd, POLLIN, (short)events}, {l->epoll_fd, POLLIN, 0}}; /* in this order: see poll_events */

    /* The answer makes the program run at once on this processor, and often it has called again when we run next. In virtual time the world
     * takes its turn after each call: whether two writes are one segment must not hang on how soon the second one comes. */
    for (int budget = l->virtual_time ? 1 : 64; budget > 0 && ready[0].revents & POLLIN; budget--) {
        if (ready[1].revents && !l->keeps_inner) /* there events do not tell of closes, and to look for them takes long */
            launcher_take_events(l);
        receive(program);
        if (budget > 1 && poll(ready, 2, 0) <= 0)
            return;
    }
    if (ready[0].revents & POLLHUP && !(ready[0].revents & POLLIN)) { /* no thread has this filter any more */
        close(source->fd);
        source->fd = -1;
    }
}
