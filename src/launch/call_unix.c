/* call_unix.c: in virtual time, calls that wait on the program's own AF_UNIX sockets with SO_RCVTIMEO or SO_SNDTIMEO.
 * The sockets are the kernel's, and so would be the time. Such a call is held until the socket is ready, and then goes
 * on in the kernel; or until its time is over. Readiness is looked at each turn of the supervisor: only a program that
 * runs can bring it about. A datagram goes on at once when poll(2) sees no reason to wait: that its receiver's queue is
 * full only the kernel's own call finds. That one is interrupted when its time is over.
 * In fast mode, where reads and writes are not notified: what comes by these sockets (SCM_RIGHTS) is looked at first. */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "launch/arch.h"
#include "launch/memory.h"
#include "launch/notify.h"
#include "launch/task.h"

static int flags_of(const struct call *call)
{
    switch (call->nr) {
    case __NR_recvmsg:
    case __NR_sendmsg:
        return (int)call->args[2];
    case __NR_recvfrom:
    case __NR_sendto:
    case __NR_recvmmsg:
    case __NR_sendmmsg:
        return (int)call->args[3];
    default:
        return 0;
    }
}

static bool is_datagram(const struct call *call)
{
    int type = 0;
    socklen_t length = sizeof type;
    return getsockopt(call->inner, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_DGRAM;
}

int64_t call_wait_unix(struct call *call, int option)
{
    struct launcher *l = call->program->launcher;
    struct pollfd ready = {call->inner, option == SO_RCVTIMEO ? POLLIN : POLLOUT, 0};
    uint64_t deadline_ns;

    if (!l->virtual_time || call->inner < 0 || !call_is_blocking(call, flags_of(call)))
        return CALL_CONTINUE;
    deadline_ns = call_deadline(call, option);
    if (deadline_ns == LIL_NEVER)
        return CALL_CONTINUE;
    if (poll(&ready, 1, 0) != 0) {
        if (option == SO_SNDTIMEO && is_datagram(call))
            wait_natively(l, call, deadline_ns);
        return CALL_CONTINUE;
    }
    call->deadline_ns = deadline_ns;
    return deadline_ns > l->now_ns ? CALL_HOLD : -EAGAIN;
}

/* --- fast mode: no socket of the real network comes in ------------------------------------------------------------------------------- */
enum brought { BRINGS_NOTHING_YET, BRINGS_NO_NETWORK, BRINGS_NETWORK };

/* The descriptors of what a read would give, which stays in the queue (unix(7): MSG_PEEK gives copies). */
static enum brought peek(const struct call *call)
{
    enum { PASSED_MAX = 253 };
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(PASSED_MAX * sizeof(int))];
    } control;
    struct iovec iov = {call->program->launcher->scratch, LAUNCH_SCRATCH};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    enum brought brought = BRINGS_NO_NETWORK;

    if (recvmsg(call->inner, &message, MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC) < 0)
        return errno == EAGAIN ? BRINGS_NOTHING_YET : BRINGS_NO_NETWORK;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
        size_t count = c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS ? (c->cmsg_len - CMSG_LEN(0)) / sizeof(int) : 0;
        for (size_t i = 0; i < count; i++) {
            int fd, domain;
            socklen_t length = sizeof domain;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
            if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 && domain != AF_UNIX)
                brought = BRINGS_NETWORK;
            close(fd);
        }
    }
    return brought;
}

/* Its other end belongs to none of the lab's programs, as far as that can be told. */
static bool is_from_outside(const struct call *call)
{
    struct ucred peer = {0};
    socklen_t length = sizeof peer;
    pid_t pid = getsockopt(call->inner, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 ? peer.pid : 0;
    bool has_peer = pid > 0;

    for (int depth = 0; pid > 1 && pid != call->program->launcher->pid && depth < 64; depth++)
        pid = memory_parent(pid);
    return has_peer && pid != call->program->launcher->pid;
}

/* One that waits is held, so that what comes can be looked at, too; nothing tells us of it. */
int64_t call_receive_unix(struct call *call)
{
    struct launcher *l = call->program->launcher;
    enum brought brought;

    if (l->exact)
        return call_wait_unix(call, SO_RCVTIMEO);
    if (call->inner < 0 || (call->nr != __NR_recvmsg && call->nr != __NR_recvmmsg))
        return CALL_CONTINUE;
    call->deadline_ns = LIL_NEVER;
    call->looks_again = false;
    brought = peek(call);
    if (brought == BRINGS_NETWORK) {
        call_log(call, "%s(%d): it brings a socket of the real network (EACCES)", notify_name(call->nr), (int)call->args[0]);
        return -EACCES;
    }
    if (brought == BRINGS_NO_NETWORK || !call_is_blocking(call, flags_of(call)) || call_deadline(call, SO_RCVTIMEO) != LIL_NEVER ||
        !is_from_outside(call))
        return CALL_CONTINUE;
    call->looks_again = true;
    call->deadline_ns = l->now_ns + (NS_PER_MS << min_u32(call->tries, 4));
    return CALL_HOLD;
}

bool call_retry_unix(struct launcher *l)
{
    bool any = false;
    list_each(node, &l->held_unix)
        any |= notify_retry(list_entry(node, struct call, node));
    l->progress |= any;
    return any;
}

uint64_t call_next_unix(const struct launcher *l)
{
    uint64_t next = LIL_NEVER;
    list_each(node, &l->held_unix)
        if (!list_entry(node, struct call, node)->is_broken)
            next = min_u64(next, list_entry(node, struct call, node)->deadline_ns);
    return next;
}
