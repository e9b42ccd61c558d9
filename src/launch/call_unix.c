/* call_unix.c: in virtual time, calls that wait on the program's own AF_UNIX sockets with SO_RCVTIMEO or SO_SNDTIMEO.
 * The sockets are the kernel's, and so would be the time. Such a call is held until the socket is ready, and then goes
 * on in the kernel; or until its time is over. Readiness is looked at each turn of the supervisor: only a program that
 * runs can bring it about. A datagram goes on at once when poll(2) sees no reason to wait: that its receiver's queue is
 * full only the kernel's own call finds. That one is interrupted when its time is over. */
#include <poll.h>
#include <sys/socket.h>
#include "launch/arch.h"
#include "launch/launch.h"

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
