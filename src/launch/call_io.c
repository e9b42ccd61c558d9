/* call_io.c: the notified calls that move data: read, readv, recv*, write, writev, send*, sendfile. In exact mode all of them on
 * every socket; in fast mode those with addresses on datagram sockets (a stream's go on natively). A call that would block is
 * held, with what it has moved so far, and handled again when the socket changes. */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include "launch/arch.h"
#include "launch/clock.h"
#include "launch/desc.h"
#include "launch/memory.h"
#include "launch/names.h"
#include "launch/notify.h"

enum { CONTROL_MAX = 1024, VECTORS_MAX = 1024 };

/* One call's buffers, in the program's memory. */
struct transfer {
    struct iovec iov[IOV_MAX];
    int count;
    int flags;
    uint64_t name, name_length_at;    /* recvfrom, sendto */
    socklen_t name_length;            /* sendto */
    uint64_t header_at;               /* recvmsg, sendmsg: its struct msghdr */
    struct msghdr header;
};

static struct transfer transfer; /* one thread, one call at a time */

static int64_t read_vectors(struct call *call, struct transfer *t, uint64_t at, uint64_t count)
{
    if (count > IOV_MAX)
        return -EINVAL;
    t->count = (int)count;
    return memory_read(call->tid, at, t->iov, count * sizeof *t->iov);
}

static int64_t read_header(struct call *call, struct transfer *t, uint64_t at)
{
    t->header_at = at;
    if (memory_read(call->tid, at, &t->header, sizeof t->header) < 0)
        return -EFAULT;
    if (t->header.msg_iovlen > IOV_MAX)
        return -EMSGSIZE;
    return read_vectors(call, t, (uint64_t)(uintptr_t)t->header.msg_iov, t->header.msg_iovlen);
}

/* What the call says, whichever of the family it is. INDEX: the message of a recvmmsg or sendmmsg. */
static int64_t parse(struct call *call, struct transfer *t, unsigned index)
{
    const uint64_t *a = call->args;

    t->count = 0;
    t->flags = 0;
    t->name = t->name_length_at = t->header_at = 0;
    t->name_length = 0;
    switch (call->nr) {
    case __NR_readv:
    case __NR_writev:
        return read_vectors(call, t, a[1], a[2]);
    case __NR_preadv2: /* at -1: readv */
    case __NR_pwritev2:
        t->flags = a[5] & RWF_NOWAIT ? MSG_DONTWAIT : 0;
        return (int64_t)a[3] == -1 ? read_vectors(call, t, a[1], a[2]) : -ESPIPE;
    case __NR_recvmsg:
    case __NR_sendmsg:
        t->flags = (int)a[2];
        return read_header(call, t, a[1]);
    case __NR_recvmmsg:
    case __NR_sendmmsg:
        t->flags = (int)a[3];
        if (index >= (uint32_t)a[2])
            return 0; /* none at all: libuv asks so whether the call exists */
        return read_header(call, t, a[1] + index * sizeof(struct mmsghdr));
    case __NR_recvfrom:
    case __NR_sendto:
        t->flags = (int)a[3];
        t->name = a[4];
        t->name_length_at = a[5];
        t->name_length = (socklen_t)a[5];
        break;
    default:
        break;
    }
    t->iov[0] = (struct iovec){(void *)(uintptr_t)a[1], a[2]};
    t->count = 1;
    return 0;
}

static size_t total_of(const struct transfer *t)
{
    size_t total = 0;
    for (int i = 0; i < t->count; i++)
        total += t->iov[i].iov_len;
    return total;
}

/* readv and writev of nothing, and read, do not come to the socket at all (vfs_readv, sock_read_iter). */
static bool asks_nobody(const struct call *call, const struct transfer *t)
{
    bool is_vector = call->nr == __NR_readv || call->nr == __NR_writev || call->nr == __NR_preadv2 || call->nr == __NR_pwritev2;
    return (call->nr == __NR_read || is_vector) && total_of(t) == 0;
}

int call_take_error(struct call *call, int flags)
{
    struct desc *desc = call->desc;
    int error = desc->kind == DESC_STREAM && !(flags & (MSG_OOB | MSG_ERRQUEUE)) ? desc->error : 0;

    if (error)
        desc->error = 0;
    if (error && !desc->launcher->exact)
        desc_take_error(call->inner); /* what read() would say */
    return error;
}

/* Fast mode: a stream that is open has its bytes in the pair; before and after that, and of its error queue, the stack knows. */
static bool is_piped(const struct call *call, int flags)
{
    return call->desc->kind == DESC_STREAM && !call->desc->launcher->exact && call->desc->state == DESC_OPEN && !(flags & MSG_ERRQUEUE);
}

/* --- receiving ------------------------------------------------------------------------------------------------------------------ */
static void name_the_asked_server(struct desc *desc, struct msghdr *message)
{
    if (!desc->asked_length || !message->msg_namelen)
        return;
    memcpy(message->msg_name, &desc->asked, desc->asked_length);
    message->msg_namelen = desc->asked_length;
}

static int64_t write_results(struct call *call, struct transfer *t, struct msghdr *message)
{
    if (t->name && t->name_length_at) {
        socklen_t room = 0, length = message->msg_namelen;
        if (memory_read(call->tid, t->name_length_at, &room, sizeof room) < 0)
            return -EFAULT;
        if (memory_write(call->tid, t->name, message->msg_name, room < length ? room : length) < 0 ||
            memory_write(call->tid, t->name_length_at, &length, sizeof length) < 0)
            return -EFAULT;
    }
    if (t->header_at) {
        struct msghdr out = t->header;
        if (out.msg_name && memory_write(call->tid, (uint64_t)(uintptr_t)out.msg_name, message->msg_name,
                                         min_u32(out.msg_namelen, message->msg_namelen)) < 0)
            return -EFAULT;
        if (out.msg_control && memory_write(call->tid, (uint64_t)(uintptr_t)out.msg_control, message->msg_control,
                                            message->msg_controllen) < 0)
            return -EFAULT;
        out.msg_namelen = out.msg_name ? message->msg_namelen : 0;
        out.msg_controllen = message->msg_controllen;
        out.msg_flags = message->msg_flags | (t->flags & MSG_CMSG_CLOEXEC); /* as Linux (net/socket.c) tells it */
        return memory_write(call->tid, t->header_at, &out, sizeof out);
    }
    return 0;
}

/* SO_TIMESTAMP: the stack tells world time; the program's clock began at another moment. */
static void shift_timestamps(struct launcher *l, struct msghdr *message)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        int64_t pair[2];
        uint64_t unit = c->cmsg_type == SO_TIMESTAMP ? 1000 : 1, at;
        if (c->cmsg_level != SOL_SOCKET || (c->cmsg_type != SO_TIMESTAMP && c->cmsg_type != SO_TIMESTAMPNS))
            continue;
        memcpy(pair, CMSG_DATA(c), sizeof pair);
        at = clock_from_world(l, CLOCK_REALTIME, (uint64_t)pair[0] * NS_PER_S + (uint64_t)pair[1] * unit);
        pair[0] = (int64_t)(at / NS_PER_S);
        pair[1] = (int64_t)(at % NS_PER_S / unit);
        memcpy(CMSG_DATA(c), pair, sizeof pair);
    }
}

static int64_t receive_one(struct call *call, struct transfer *t)
{
    struct desc *desc = call->desc;
    struct sockaddr_storage from = {0};
    uint8_t control[CONTROL_MAX];
    size_t total = total_of(t), skip = (size_t)call->done; /* MSG_WAITALL: what came before */
    size_t want = total - skip < LAUNCH_SCRATCH ? total - skip : LAUNCH_SCRATCH;
    struct iovec local = {call->program->launcher->scratch, want};
    struct msghdr message = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &local, .msg_iovlen = 1, .msg_control = control,
                             .msg_controllen = t->header_at ? min_u64(t->header.msg_controllen, sizeof control) : 0};
    int64_t n = 0, rc;

    if (desc->lil_fd < 0)
        return desc->kind == DESC_STREAM ? 0 : -ENOTCONN;
    if (!call->program->launcher->exact && desc->kind == DESC_DGRAM)
        n = desc_dgram_claim(desc, call->inner, t->flags);
    if (n < 0)
        return n;
    n = lil_recvmsg(call->program->proc, desc->lil_fd, &message, (t->flags & ~(MSG_CMSG_CLOEXEC | MSG_WAITFORONE)) | MSG_DONTWAIT);
    if (n < 0)
        return -errno;
    if (desc->kind == DESC_STREAM)
        message.msg_namelen = 0;
    name_the_asked_server(desc, &message);
    shift_timestamps(call->program->launcher, &message);
    if (!(desc->kind == DESC_STREAM && t->flags & MSG_TRUNC) &&
        memory_scatter(call->tid, t->iov, t->count, skip, local.iov_base, (size_t)min_u64((uint64_t)n, want)) < 0)
        return -EFAULT;
    rc = write_results(call, t, &message);
    return rc < 0 ? rc : n;
}

/* MSG_WAITALL on a stream: all of it, or what came before the end, an error, or the time limit (recv(2)); counted in call->done. */
static int64_t receive_all(struct call *call, struct transfer *t)
{
    size_t total = total_of(t);
    int64_t n = 0;

    while (call->done < total && (n = receive_one(call, t)) > 0)
        call->done += (uint64_t)n;
    if (n == -EAGAIN && call->program->launcher->now_ns < (call->deadline_ns = call_deadline(call, SO_RCVTIMEO)))
        return -EAGAIN; /* the rest is waited for */
    return call->done ? (int64_t)call->done : n;
}

/* recvmmsg(2), sendmmsg(2): one more message is through. Its length is told, and the next has SO_RCVTIMEO or SO_SNDTIMEO to itself. */
static void message_done(struct call *call, uint32_t length)
{
    memory_write(call->tid,
                 call->args[1] + call->messages++ * sizeof(struct mmsghdr) + offsetof(struct mmsghdr, msg_len), &length,
                 sizeof length);
    call->deadline_ns = LIL_NEVER;
}

static int64_t write_time_left(struct call *call)
{
    uint64_t now = call->program->launcher->now_ns, left = call->until_ns > now ? call->until_ns - now : 0;
    int64_t pair[2] = {(int64_t)(left / NS_PER_S), (int64_t)(left % NS_PER_S)};
    return call->args[4] ? memory_write(call->tid, call->args[4], pair, sizeof pair) : 0;
}

/* recvmmsg(2): waits for all of them, or with MSG_WAITFORONE for the first. Its time limit is looked at after each
 * message only, as the manual warns: with nothing to receive the call does not end. */
static int64_t receive_many(struct call *call, struct transfer *t)
{
    struct launcher *l = call->program->launcher;
    unsigned count = min_u32((uint32_t)call->args[2], VECTORS_MAX);
    int64_t n = 0, time[2] = {0};

    if (!call->tries && call->args[4]) {
        if (memory_read(call->tid, call->args[4], time, sizeof time) < 0)
            return -EFAULT;
        if (time[0] < 0 || time[1] < 0 || time[1] >= (int64_t)NS_PER_S)
            return -EINVAL;
        call->until_ns = clock_add(l->now_ns, clock_span(time[0], time[1]));
    }
    for (bool is_over = false; call->messages < count && !is_over; is_over = l->now_ns >= call->until_ns) {
        n = parse(call, t, call->messages);
        if (n >= 0)
            n = receive_one(call, t);
        if (n < 0)
            break;
        message_done(call, (uint32_t)n);
    }
    if (n == -EAGAIN && !(call->messages && t->flags & MSG_WAITFORONE) && call_begin_wait(call, t->flags, SO_RCVTIMEO))
        return CALL_HOLD;
    if (write_time_left(call) < 0)
        return -EFAULT;
    return call->messages ? (int64_t)call->messages : n;
}

static bool has_name(const struct transfer *t) { return t->header_at ? t->header.msg_name != NULL : t->name != 0; }

/* Fast mode, a stream, and a call that asks for the peer's name: natively it would be told the inner end's (TCP tells none), so it is made
 * here, on the same queue. */
static int64_t receive_for(struct call *call, struct transfer *t)
{
    struct sockaddr_storage from = {0};
    uint8_t *buffer = call->program->launcher->scratch;
    struct msghdr message = {.msg_name = &from};
    ssize_t n;
    int64_t rc;

    if (call->nr == __NR_recvmmsg || !has_name(t) || t->flags & MSG_OOB)
        return CALL_CONTINUE;
    n = recv(call->inner, buffer, min_u64(total_of(t), LAUNCH_SCRATCH), (t->flags & (MSG_PEEK | MSG_TRUNC)) | MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN && call_begin_wait(call, t->flags, SO_RCVTIMEO))
        return CALL_HOLD;
    if (n < 0)
        return -errno;
    if (!(t->flags & MSG_TRUNC) && memory_scatter(call->tid, t->iov, t->count, 0, buffer, (size_t)n) < 0)
        return -EFAULT;
    rc = write_results(call, t, &message);
    return rc < 0 ? rc : n;
}

/* random(4): devices 1:8 and 1:9. All that is asked for comes at once. */
int64_t call_read_random(struct call *call)
{
    struct launcher *l = call->program->launcher;
    struct transfer *t = &transfer;
    struct stat status;
    char path[64];
    int64_t total = 0;

    snprintf(path, sizeof path, "/proc/%d/fd/%d", call->tid, (int)call->args[0]);
    if (stat(path, &status) < 0 || !S_ISCHR(status.st_mode) || (status.st_rdev != makedev(1, 8) && status.st_rdev != makedev(1, 9)) ||
        parse(call, t, 0) < 0)
        return CALL_CONTINUE;
    for (int i = 0; i < t->count; i++)
        for (size_t done = 0, n; done < t->iov[i].iov_len; done += n, total += (int64_t)n) {
            n = min_u64(t->iov[i].iov_len - done, LAUNCH_SCRATCH);
            clock_chance(l, call->tid, l->scratch, n);
            if (memory_write(call->tid, (uint64_t)(uintptr_t)t->iov[i].iov_base + done, l->scratch, n) < 0)
                return total ? total : -EFAULT;
        }
    return total;
}

int64_t call_recv(struct call *call)
{
    struct desc *desc = call->desc;
    struct transfer *t = &transfer;
    struct launcher *l = call->program->launcher;
    int64_t n = parse(call, t, 0);
    bool waits_for_all;

    if (is_piped(call, n < 0 ? 0 : t->flags))
        return n < 0 ? CALL_CONTINUE : receive_for(call, t);
    if (n < 0 || asks_nobody(call, t))
        return n;
    if (t->flags & MSG_ERRQUEUE && desc->lil_fd < 0)
        return -EAGAIN;
    n = call_take_error(call, t->flags);
    if (n)
        return -n;
    waits_for_all = t->flags & MSG_WAITALL && !(t->flags & (MSG_PEEK | MSG_OOB | MSG_ERRQUEUE)) && desc->kind == DESC_STREAM &&
                    call->nr != __NR_recvmmsg && call_is_blocking(call, t->flags);
    n = call->nr == __NR_recvmmsg ? receive_many(call, t) : waits_for_all ? receive_all(call, t) : receive_one(call, t);
    if (desc->kind == DESC_STREAM || l->exact)
        desc_sync(desc, call->inner);
    else if (n != -EAGAIN && n != CALL_HOLD)
        desc_dirty(desc); /* the next datagram may come in */
    if (n != -EAGAIN || call->nr == __NR_recvmmsg || t->flags & MSG_ERRQUEUE)
        return n;
    return call_begin_wait(call, t->flags, SO_RCVTIMEO) ? CALL_HOLD : -EAGAIN;
}

/* --- sending ---------------------------------------------------------------------------------------------------------------------- */
static int64_t read_target(struct call *call, struct transfer *t, struct sockaddr_storage *to, socklen_t *length)
{
    uint64_t from = t->header_at ? (uint64_t)(uintptr_t)t->header.msg_name : t->name;
    size_t size = t->header_at ? t->header.msg_namelen : t->name_length;

    *length = 0;
    if (!from || !size)
        return 0;
    if (size > sizeof *to)
        return -EINVAL;
    if (memory_read(call->tid, from, to, size) < 0)
        return -EFAULT;
    *length = (socklen_t)size;
    if (call->desc->kind == DESC_DGRAM)
        dns_redirect(call->desc, to, length);
    return 0;
}

/* Sends from byte SKIP on; the number sent or -errno. */
static int64_t send_one(struct call *call, struct transfer *t, size_t skip)
{
    struct sockaddr_storage to = {0};
    uint8_t control[CONTROL_MAX];
    size_t room = call->desc->kind == DESC_DGRAM ? LAUNCH_SCRATCH : LAUNCH_SCRATCH / 2;
    struct msghdr message = {0};
    struct iovec local = {call->program->launcher->scratch, 0};
    socklen_t length;
    ssize_t n;
    int64_t rc = read_target(call, t, &to, &length);

    if (rc < 0)
        return rc;
    if (call->desc->lil_fd < 0)
        return -EPIPE;
    n = memory_gather(call->tid, t->iov, t->count, skip, local.iov_base, room);
    local = n < 0 ? (struct iovec){NULL, 1} : (struct iovec){local.iov_base, (size_t)n}; /* EFAULT comes after the socket's own errors */
    message = (struct msghdr){.msg_name = length ? &to : NULL, .msg_namelen = length, .msg_iov = &local, .msg_iovlen = 1};
    if (t->header_at && t->header.msg_control && t->header.msg_controllen <= sizeof control &&
        memory_read(call->tid, (uint64_t)(uintptr_t)t->header.msg_control, control, t->header.msg_controllen) == 0) {
        message.msg_control = control;
        message.msg_controllen = t->header.msg_controllen;
    }
    if (call->desc->kind == DESC_DGRAM && call->desc->family != AF_NETLINK && !call->desc->asked_length)
        call->program->record.talks_udp = true;
    n = lil_sendmsg(call->program->proc, call->desc->lil_fd, &message, t->flags | MSG_DONTWAIT | MSG_NOSIGNAL);
    return n < 0 ? -errno : n;
}

/* One message, from byte call->done on: how much of it went. */
static int64_t send_message(struct call *call, struct transfer *t)
{
    struct desc *desc = call->desc;
    size_t total = total_of(t);
    int64_t n;

    do {
        n = send_one(call, t, call->done);
        call->done += n > 0 ? (uint64_t)n : 0;
    } while (n >= 0 && call->done < total && desc->kind == DESC_STREAM);
    if (n == -EAGAIN && call_begin_wait(call, t->flags, SO_SNDTIMEO))
        return CALL_HOLD;
    return n < 0 && !call->done ? n : (int64_t)call->done;
}

static int64_t send_many(struct call *call, struct transfer *t)
{
    unsigned count = min_u32((uint32_t)call->args[2], VECTORS_MAX);
    int64_t n = 0;
    bool whole = true;

    while (call->messages < count && whole) {
        n = parse(call, t, call->messages);
        if (n >= 0)
            n = send_message(call, t);
        if (n < 0)
            break;
        whole = (size_t)n == total_of(t);
        message_done(call, (uint32_t)n);
        call->done = 0;
    }
    return n == CALL_HOLD || !call->messages ? n : (int64_t)call->messages;
}

int64_t call_broken_pipe(struct call *call, int flags)
{
    pid_t tgid = memory_tgid(call->tid);

    call_record(call, "send", EPIPE);
    notify_reply(call, -EPIPE);
    if (!(flags & MSG_NOSIGNAL)) /* after the answer: a handler must not see the call begin anew */
        syscall(SYS_tgkill, tgid, call->tid, SIGPIPE);
    return CALL_REPLIED;
}

/* What goes to the sender's own host is there when the call returns, as over a kernel's loopback: who looks then,
 * without waiting, finds it. */
static void deliver(struct call *call)
{
    struct launcher *l = call->program->launcher;

    if (call->tries || !(l->exact || call->desc->kind == DESC_DGRAM) || lil_world_next(l->world) > l->now_ns)
        return;
    lil_world_step(l->world, l->now_ns);
    desc_service_all(l); /* a held call that goes on here has tries: no deeper than this */
}

/* Fast mode, a stream, and a call that names the peer: TCP does not look at the name (POSIX, sendto()), an AF_UNIX socket refuses it. */
static int64_t send_for(struct call *call, struct transfer *t)
{
    uint8_t *buffer = call->program->launcher->scratch;
    size_t total = total_of(t);
    ssize_t n = 0;

    if (call->nr == __NR_sendmmsg || !has_name(t) || t->flags & MSG_OOB)
        return CALL_CONTINUE;
    do {
        ssize_t got = memory_gather(call->tid, t->iov, t->count, call->done, buffer, LAUNCH_SCRATCH);
        if (got < 0)
            return got;
        n = send(call->inner, buffer, (size_t)got, MSG_DONTWAIT | MSG_NOSIGNAL);
        call->done += n > 0 ? (uint64_t)n : 0;
    } while (n > 0 && call->done < total);
    if (n < 0 && errno == EAGAIN && call_begin_wait(call, t->flags, SO_SNDTIMEO))
        return CALL_HOLD;
    if (n >= 0 || call->done)
        return (int64_t)call->done;
    return errno == EPIPE ? call_broken_pipe(call, t->flags) : -errno;
}

/* MSG_FASTOPEN: connect() and the first write in one (tcp(7)). 0: what the SYN did not take is still to be sent, or the stack knows the
 * answer. */
static int64_t send_with_syn(struct call *call, struct transfer *t)
{
    struct desc *desc = call->desc;
    bool begins = !call->tries && (desc->state == DESC_NEW || (desc->state == DESC_FAILED && !desc->error));
    int64_t n = 0;

    if (!call->tries && !begins)
        return desc->state == DESC_OPEN && desc->is_told ? -EISCONN : 0;
    if (begins) {
        n = send_one(call, t, 0);
        if (n < 0 && n != -EINPROGRESS)
            return n;
        call->done = n > 0 ? (uint64_t)n : 0;
        call->program->record.talks_tcp = true;
        n = call_connect_begun(call, true);
    } else if (desc->state != DESC_OPEN || !desc->is_told) {
        n = call_connect_state(call);
    }
    if (n == CALL_HOLD || (n < 0 && !call->done))
        return n;
    t->flags &= ~MSG_FASTOPEN;
    return n < 0 || call->done == total_of(t) ? (int64_t)call->done : 0;
}

int64_t call_send(struct call *call)
{
    struct desc *desc = call->desc;
    struct transfer *t = &transfer;
    struct launcher *l = call->program->launcher;
    int64_t n = parse(call, t, 0);
    int flags;

    if (n >= 0 && t->flags & MSG_FASTOPEN && desc->kind == DESC_STREAM && (n = send_with_syn(call, t)) != 0)
        return n;
    if (is_piped(call, 0))
        return n < 0 ? CALL_CONTINUE : send_for(call, t);
    if (n < 0 || asks_nobody(call, t))
        return n;
    n = call_take_error(call, 0);
    if (n)
        return -n;
    if (desc->kind == DESC_DGRAM && !l->exact && desc->queued_mark && (n = desc_dgram_claim(desc, call->inner, 0)) < 0)
        return n; /* an ICMP error; the pump had it for the next read */
    if (desc->kind == DESC_DGRAM && !l->exact)
        desc_pump(desc); /* what was written natively goes first */
    n = call->nr == __NR_sendmmsg ? send_many(call, t) : send_message(call, t);
    flags = t->flags;
    if (desc->kind == DESC_DGRAM && !l->exact)
        desc_dirty(desc); /* netlink answers at once */
    else
        desc_sync(desc, call->inner);
    if (n > 0)
        deliver(call);
    return n == -EPIPE ? call_broken_pipe(call, flags) : n;
}

/* --- sendfile ---------------------------------------------------------------------------------------------------------------------- */
/* The place in the file, the caller's or the file's own; moves with each byte that went, so that a call which a signal breaks is as the
 * kernel leaves it. */
static int64_t file_place(struct call *call, int file)
{
    int64_t place;
    if (!call->args[2])
        return lseek(file, 0, SEEK_CUR);
    return memory_read(call->tid, call->args[2], &place, sizeof place) < 0 ? -EFAULT : place < 0 ? -EINVAL : place;
}

/* One piece; how much of it went, 0 at the file's end, or -errno. */
static int64_t send_piece(struct call *call, int file, size_t size)
{
    void *buffer = call->program->launcher->scratch;
    int64_t place = file_place(call, file);
    ssize_t n;

    if (place < 0)
        return place;
    n = pread(file, buffer, min_u64(size, LAUNCH_SCRATCH / 2), place);
    if (n <= 0)
        return n < 0 ? -errno : 0;
    n = lil_send(call->program->proc, call->desc->lil_fd, buffer, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0)
        return -errno;
    place += n;
    if (call->args[2] ? memory_write(call->tid, call->args[2], &place, sizeof place) < 0 : lseek(file, place, SEEK_SET) < 0)
        return -EFAULT;
    return n;
}

int64_t call_sendfile(struct call *call)
{
    size_t size = (size_t)min_u64(call->args[3], 0x7ffff000); /* sendfile(2): MAX_RW_COUNT */
    struct stat status;
    int64_t n;
    int file;

    n = -call_take_error(call, 0);
    if (n)
        return n;
    n = 1;
    if (call->desc->lil_fd < 0)
        return call_broken_pipe(call, 0);
    file = memory_open(call->tid, (int)call->args[1], !call->args[2]);
    if (file == -ENOTSUP)
        return CALL_CONTINUE; /* the pump has what it writes */
    if (file < 0)
        return file;
    if (fstat(file, &status) < 0 || !(S_ISREG(status.st_mode) || S_ISBLK(status.st_mode)))
        n = -EINVAL;
    for (; call->done < size && n > 0; call->done += n > 0 ? (uint64_t)n : 0)
        n = send_piece(call, file, size - call->done);
    close(file);
    desc_sync(call->desc, call->inner);
    if (n == -EAGAIN && call_begin_wait(call, 0, SO_SNDTIMEO))
        return CALL_HOLD;
    n = n < 0 && !call->done ? n : (int64_t)call->done;
    return n == -EPIPE ? call_broken_pipe(call, 0) : n;
}
